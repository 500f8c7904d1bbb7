//go:build !linux

package bench

import (
	"errors"
	"net/netip"
	"time"
)

// errLinux says that many clients are only measured on Linux: what reads them cheaply, and what tells whose the processors are, is Linux's.
var errLinux = errors.New("live can be measured on Linux only")

type crowd struct{}

type member struct {
	feed func([]byte) error
	slow bool
}

type usage struct {
	cpu    time.Duration
	memory int
}

func newCrowd() (*crowd, error) { return nil, errLinux }

func (*crowd) join(*member, netip.AddrPort, []byte, int) error { return errLinux }
func (*crowd) leave(*member)                                   {}
func (*crowd) read(time.Duration) error                        { return errLinux }
func (*crowd) sip(*member)                                     {}
func (*crowd) close()                                          {}
func (*member) send([]byte) error                              { return errLinux }
func giveWay() error                                           { return errLinux }
func usageOf(int) (usage, error)                               { return usage{}, errLinux }
