package api

import (
	"net"
	"time"
)

// Limited returns options with limits that a test does not have to wait for.
func (o HTTPOptions) Limited(read, write time.Duration, stream int64) HTTPOptions {
	o.limits.read, o.limits.write, o.limits.stream = read, write, stream
	return o
}

// Hurried returns options with another time for the body of one command.
func (o HTTPOptions) Hurried(command time.Duration) HTTPOptions {
	o.limits.command = command
	return o
}

// Waiting returns options with another time that stopping gives to what is under way.
func (o HTTPOptions) Waiting(stop time.Duration) HTTPOptions {
	o.limits.stop = stop
	return o
}

// HTTPWords are the words of HTTP itself.
var HTTPWords = texts

// MaxStreams is how many are taken at once.
const MaxStreams = maxStreams

// MaxTrying is how many that are only asked are taken at once.
const MaxTrying = maxTrying

// MaxSpool is from where on a spool lies in a file.
const MaxSpool = maxSpool

// A Spool is as a stream uses it.
type Spool struct{ *spool }

// NewSpool returns an empty one.
func NewSpool() Spool { return Spool{newSpool()} }

func (s Spool) Next() ([]byte, error) { return s.next() }
func (s Spool) End()                  { s.end() }
func (s Spool) Close() error          { return s.close() }

// Held says how much of it lies in a file.
func (s Spool) Held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote - s.read
}

// A Door is as HTTP uses it.
type Door struct{ *door }

// NewDoor returns one before a listener, with so many behind it who follow something.
func NewDoor(l net.Listener, following int) Door {
	return Door{newDoor(l, func() int { return following })}
}

// Waiting is how many wait.
func (d Door) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.waiting)
}
