package api

import (
	"context"
	"net"
	"sync"

	"golang.org/x/time/rate"
)

// A door lets connections in one after another where very many come at once, as all clients do when a server comes back: to greet them takes the processors, and those who
// follow something would notice. Who came last is let in first: it is the same to the many which of them that is, and whoever comes alone while they wait, be it a browser or
// what watches over the server, does not wait for them.
type door struct {
	net.Listener
	following func() int // how many do
	pace      *rate.Limiter
	come      chan struct{} // for each that waits
	faults    chan error

	shut     context.Context
	shutting context.CancelFunc

	mu      sync.Mutex
	waiting []net.Conn
}

const (
	doorAlone = 1000 // connections a second
	doorAmong = 200  // where so many follow that they would notice
	doorMany  = 100
	doorBurst = 50
	doorRoom  = maxFeeds // may wait before it; who comes then waits with the system
)

func newDoor(l net.Listener, following func() int) *door {
	d := &door{Listener: l, following: following, pace: rate.NewLimiter(doorAlone, doorBurst), come: make(chan struct{}, doorRoom), faults: make(chan error)}
	d.shut, d.shutting = context.WithCancel(context.Background())
	go d.hold()
	return d
}

// hold takes what comes, until the door is shut.
func (d *door) hold() {
	for d.shut.Err() == nil {
		c, err := d.Listener.Accept()
		if err != nil {
			select {
			case d.faults <- err: // whoever serves knows which of them pass
			case <-d.shut.Done():
			}
			continue
		}
		d.mu.Lock()
		d.waiting = append(d.waiting, c)
		d.mu.Unlock()
		select {
		case d.come <- struct{}{}:
		case <-d.shut.Done():
		}
	}
	d.leave()
}

// leave sends away who waits before a door that is shut.
func (d *door) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.waiting {
		_ = c.Close()
	}
	d.waiting = nil
}

// Accept lets the next in.
func (d *door) Accept() (net.Conn, error) {
	select {
	case <-d.come:
	case err := <-d.faults:
		return nil, err
	case <-d.shut.Done():
		return nil, net.ErrClosed
	}
	limit := rate.Limit(doorAlone)
	if d.following() >= doorMany {
		limit = doorAmong
	}
	if d.pace.Limit() != limit {
		d.pace.SetLimit(limit)
	}
	if d.pace.Wait(d.shut) != nil {
		return nil, net.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last := len(d.waiting) - 1
	if last < 0 { // the door was shut meanwhile
		return nil, net.ErrClosed
	}
	c := d.waiting[last]
	d.waiting[last] = nil
	d.waiting = d.waiting[:last]
	return c, nil
}

// Close shuts it.
func (d *door) Close() error {
	d.shutting()
	return d.Listener.Close()
}
