// Package reading reads events from their stored lines on another core than makes something of them, since a replay is as fast as the slower of
// the two.
package reading

import (
	"context"
	"iter"

	"fundledger/events"
	"fundledger/events/proof"
)

// A Batch is events that were read from their lines one after the other, and the error that ended the reading: that of the lines, or that of a line
// which is no event.
type Batch struct {
	// Events are read by [events.Event.Skim] where that can, else whole. They are valid until [Batch.Again].
	Events []events.Event
	// Twigs are what their lines are in the log's tree, where that was asked for.
	Twigs []proof.Twig
	Err   error

	twig func() proof.Twig
	free chan<- *Batch
}

// Again gives the room of a batch back, when something has been made of its events.
func (b *Batch) Again() { b.free <- b }

// How many events are read before something is made of them, and how many such batches there are.
const (
	batchEvents  = 64
	batchesAhead = 16
)

// Start begins to read lines. twig returns that of the line that they yielded last; where it is nil, nobody asks. The channel is closed after the last line, after an error, or when ctx has ended; who
// stops earlier has to end ctx, and the lines are no longer read when the channel is closed.
func Start(ctx context.Context, lines iter.Seq2[[]byte, error], twig func() proof.Twig) <-chan *Batch {
	out := make(chan *Batch, batchesAhead)
	free := make(chan *Batch, batchesAhead)
	for range batchesAhead {
		free <- &Batch{Events: make([]events.Event, 0, batchEvents), twig: twig, free: free}
	}
	go func() {
		defer close(out)
		b := <-free
		send := func() bool {
			select {
			case out <- b:
				return b.Err == nil
			case <-ctx.Done():
				return false
			}
		}
		for line, err := range lines {
			if err == nil {
				err = b.read(line)
			}
			if b.Err = err; err == nil && len(b.Events) < batchEvents {
				continue
			}
			if !send() {
				return
			}
			select {
			case b = <-free:
				b.Events, b.Twigs = b.Events[:0], b.Twigs[:0]
			case <-ctx.Done():
				return
			}
		}
		send()
	}()
	return out
}

// read reads one more line.
func (b *Batch) read(line []byte) error {
	n := len(b.Events)
	b.Events = b.Events[:n+1]
	e := &b.Events[n]
	if !e.SkimAfter(&b.Events[max(n-1, 0)], line) {
		var err error
		if *e, err = events.ParseEvent(line); err != nil {
			b.Events = b.Events[:n]
			return err
		}
	}
	if b.twig != nil {
		b.Twigs = append(b.Twigs, b.twig())
	}
	return nil
}
