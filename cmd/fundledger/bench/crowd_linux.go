package bench

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A crowd is many clients, each on a TCP connection of its own, that one goroutine reads. A goroutine for each would cost twice as much, and on a small machine the
// one who measures would take the processors from what is measured.
type crowd struct {
	poll    int
	members map[int32]*member
	ready   []syscall.EpollEvent
	room    []byte
	joined  int
}

// A member is one client of a crowd.
type member struct {
	feed func([]byte) error
	slow bool // reads nothing by itself
	fd   int
}

func newCrowd() (*crowd, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &crowd{poll: poll, members: map[int32]*member{}, ready: make([]syscall.EpollEvent, 512), room: make([]byte, 256<<10)}, nil
}

// perAddress is how many connections come from one address before the next is taken: a port that was used lately may not be free again.
const perAddress = 10_000

// join connects a client and sends what it has to say. room bounds what the system keeps for it unread; 0 is the usual.
func (c *crowd) join(m *member, to netip.AddrPort, hello []byte, room int) (err error) {
	m.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, syscall.EMFILE) {
			err = fmt.Errorf("%w after %d clients: raise the limit (ulimit -n)", err, len(c.members))
		}
		return os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			_ = syscall.Close(m.fd)
		}
	}()
	if room > 0 {
		if err = syscall.SetsockoptInt(m.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, room); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	from := 1 + c.joined/perAddress
	c.joined++
	if err = syscall.Bind(m.fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, byte(from >> 8), byte(from)}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	for {
		if err = syscall.Connect(m.fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err == nil || err == syscall.EISCONN {
			break
		}
		if err != syscall.EINTR && err != syscall.EALREADY {
			return os.NewSyscallError("connect", err)
		}
	}
	if err = m.send(hello); err != nil {
		return err
	}
	if err = syscall.SetNonblock(m.fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	c.members[int32(m.fd)] = m
	if m.slow {
		return nil
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.poll, syscall.EPOLL_CTL_ADD, m.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(m.fd)}))
}

// send sends a few bytes, for which there is always room.
func (m *member) send(b []byte) error {
	n, err := syscall.Write(m.fd, b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return os.NewSyscallError("write", err)
}

// leave ends a client's connection.
func (c *crowd) leave(m *member) {
	delete(c.members, int32(m.fd))
	_ = syscall.Close(m.fd)
}

// read waits for something to come, at most so long, and hands what has come to whom it is for. It reads once for each client, so that none of them has to wait for
// one to whom much is sent.
func (c *crowd) read(wait time.Duration) error {
	n, err := syscall.EpollWait(c.poll, c.ready, int(wait.Milliseconds()))
	if err != nil && err != syscall.EINTR {
		return os.NewSyscallError("epoll_wait", err)
	}
	for i := range max(n, 0) {
		if m := c.members[c.ready[i].Fd]; m != nil {
			if err := c.one(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *crowd) one(m *member) error {
	n, err := syscall.Read(m.fd, c.room)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return errEnded
	}
	return m.feed(c.room[:n])
}

// sip reads one byte, if there is one, for a client that reads nothing by itself.
func (c *crowd) sip(m *member) { _, _ = syscall.Read(m.fd, c.room[:1]) }

func (c *crowd) close() {
	for _, m := range c.members {
		c.leave(m)
	}
	_ = syscall.Close(c.poll)
}

// giveWay lets whoever calls it run, from now on and on a thread of its own, where nobody else wants the processors.
func giveWay() error {
	runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
	const least = 19
	return os.NewSyscallError("setpriority", syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), least))
}

// A usage is what a process has taken of the machine.
type usage struct {
	cpu    time.Duration
	memory int // bytes that are in memory now
}

// tick is the unit of times in /proc (USER_HZ, which is the same everywhere).
const tick = 10 * time.Millisecond

// usageOf is what a process has taken so far.
func usageOf(pid int) (u usage, err error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return u, err
	}
	// The name stands in brackets and may have spaces in it; user and system time are the 12th and 13th after it, pages in memory the 22nd.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 22 {
		return u, fmt.Errorf("/proc has %q of process %d", stat, pid)
	}
	var n [3]int
	for i, at := range []int{11, 12, 21} {
		if n[i], err = strconv.Atoi(fields[at]); err != nil {
			return u, err
		}
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * tick, memory: n[2] * os.Getpagesize()}, nil
}
