package ledger

import (
	"context"
	"iter"

	"fundledger/events"
)

// load makes the state of the log: from the snapshot and what came after it, or, where that does not match the log, from the beginning.
func (d *decider) load(ctx context.Context) error {
	if data := d.log.Recall(ctx); data != nil {
		if s, err := restore(d.fund, data); err == nil {
			kept := s.last
			switch err := d.foldAll(ctx, s, d.log.Rest(ctx)); {
			case err == nil:
				d.state, d.kept = s, kept
				return nil
			case events.CodeOf(err) != events.Tampered:
				return err
			} // else the replay tells whether it is the log
		}
	}
	s := newState(d.fund)
	if err := d.foldAll(ctx, s, d.log.Replay(ctx)); err != nil {
		return err
	}
	d.state, d.kept = s, 0
	return nil
}

// foldAll folds stored lines into a state.
func (d *decider) foldAll(ctx context.Context, s *state, lines iter.Seq2[[]byte, error]) error {
	ctx, stop := context.WithCancel(ctx)
	reads := reading(ctx, lines)
	defer func() {
		stop()
		for range reads { // the log stands still before anybody else reads it
		}
	}()
	for r := range reads {
		for i := range r.events {
			e := &r.events[i]
			if n := e.Resolved.Of; e.Command.Kind == events.Reversed && n != 0 && n < e.Seq {
				s.begin()
				if err := d.fetch(ctx, s, n); err != nil {
					return err
				}
			}
			if err := s.fold(e); err != nil {
				return err
			}
		}
		if r.err != nil {
			return r.err
		}
		r.again()
	}
	return ctx.Err()
}

// A read is events that were read from their lines, as far as folding needs them, and the error that ended the reading.
type read struct {
	events []events.Event
	err    error
	free   chan<- []events.Event
}

// again gives the room of a read back, when its events have been folded.
func (r *read) again() { r.free <- r.events }

// How many events are read before they are folded, and how many such reads there are.
const (
	readEvents = 256
	readsAhead = 4
)

// reading reads lines on another core than folds them, since a replay is as fast as the slower of the two.
func reading(ctx context.Context, lines iter.Seq2[[]byte, error]) <-chan *read {
	out := make(chan *read, readsAhead)
	free := make(chan []events.Event, readsAhead)
	for range readsAhead {
		free <- make([]events.Event, 0, readEvents)
	}
	go func() {
		defer close(out)
		r := &read{events: <-free, free: free}
		send := func() bool {
			select {
			case out <- r:
				return r.err == nil
			case <-ctx.Done():
				return false
			}
		}
		for line, err := range lines {
			if err == nil {
				err = r.read(line)
			}
			if r.err = err; err == nil && len(r.events) < readEvents {
				continue
			}
			if !send() {
				return
			}
			select {
			case room := <-free:
				r = &read{events: room[:0], free: free}
			case <-ctx.Done():
				return
			}
		}
		send()
	}()
	return out
}

// read reads one more line.
func (r *read) read(line []byte) error {
	n := len(r.events)
	r.events = r.events[:n+1]
	e := &r.events[n]
	if e.Command == nil {
		e.Command = &events.Command{}
	}
	if n > 0 { // texts that the event before has too are not kept twice
		*e.Command = *r.events[n-1].Command
	}
	if e.Skim(line) {
		return nil
	}
	var err error
	if *e, err = events.ParseEvent(line); err != nil {
		r.events = r.events[:n]
	}
	return err
}
