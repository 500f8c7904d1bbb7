package ledger

import (
	"context"
	"iter"

	"fundledger/events"
	"fundledger/events/reading"
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
	batches := reading.Start(ctx, lines, nil)
	defer func() {
		stop()
		for range batches { // the log stands still before anybody else reads it
		}
	}()
	for b := range batches {
		for i := range b.Events {
			e := &b.Events[i]
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
		if b.Err != nil {
			return b.Err
		}
		b.Again()
	}
	return ctx.Err()
}
