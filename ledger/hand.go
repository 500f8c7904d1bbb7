package ledger

import (
	"context"
	"slices"

	"fundledger/events"
)

// atHand is the stored events that were fetched for a decision. Some stay for those after it.
type atHand struct{ fetched map[events.Seq]*events.Event }

// get returns an event that is at hand, nil for any other.
func (h *atHand) get(n events.Seq) *events.Event { return h.fetched[n] }

// maxFetched bounds what stays at hand, so that it need not be fetched again for the next command.
const maxFetched = 256

// begin makes room before the events for another decision are fetched.
func (h *atHand) begin() {
	if len(h.fetched) > maxFetched {
		h.fetched = nil
	}
}

// hold keeps a fetched event at hand until the next begin, or for longer.
func (h *atHand) hold(e *events.Event) {
	if h.fetched == nil {
		h.fetched = map[events.Seq]*events.Event{}
	}
	h.fetched[e.Seq] = e
}

// missing returns the number of an event that [state.decide] will look at and that is not at hand; 0 when there is none. When it has been fetched
// there may be another: those whose quantities it changed are needed too.
func (s *state) missing(id events.ID, c *events.Command) events.Seq {
	if n := s.withID(id); n != 0 && s.get(n) == nil {
		return n
	}
	if c.Voucher != (events.Voucher{}) {
		if n := s.withVoucher(c.Kind, c.Voucher); n != 0 && s.get(n) == nil {
			return n
		}
	}
	for _, r := range [...]events.Ref{c.Of, c.Commitment, c.Against, c.Settles} {
		if n := s.absent(s.number(r)); n != 0 {
			return n
		}
	}
	for _, rs := range [...][]events.Ref{c.Covers, c.QuotientOf, c.BankLines, c.Matched} {
		for _, r := range rs {
			if n := s.absent(s.number(r)); n != 0 {
				return n
			}
		}
	}
	for _, r := range c.SumOf {
		if n := s.absent(s.number(r.Ref)); n != 0 {
			return n
		}
	}
	return 0
}

// absent returns the number of an event, or of one that it is linked to, if it is not at hand.
func (s *state) absent(n events.Seq) events.Seq {
	if n == 0 {
		return 0
	}
	e := s.get(n)
	if e == nil {
		return n
	}
	to := s.linksOf(e)
	for _, l := range [...]events.Seq{to.pay, to.commitment, to.allotment, to.suspense} {
		if l != 0 && s.get(l) == nil {
			return l
		}
	}
	return 0
}

// fetch puts a stored event at hand.
func (d *decider) fetch(ctx context.Context, s *state, n events.Seq) error {
	if s.get(n) != nil {
		return nil
	}
	line := slices.Clone(d.line(n))
	if line == nil {
		var err error
		if line, err = d.log.Line(ctx, n); err != nil {
			return err
		}
	}
	e, err := events.ParseEvent(line)
	if err != nil {
		return err
	}
	if e.Seq != n || s.withID(e.ID) != n { // it is not the one that was folded
		return tampered(&e, nil)
	}
	s.hold(&e)
	return nil
}

// line returns the line of an event that was decided not long ago, nil for any other.
func (d *decider) line(n events.Seq) []byte {
	if line := d.next.line(n); line != nil {
		return line
	}
	if d.flying != nil {
		if line := d.flying.line(n); line != nil {
			return line
		}
	}
	for i := range d.landed {
		if line := d.landed[i].line(n); line != nil {
			return line
		}
	}
	return nil
}

// gather puts at hand what deciding a command needs.
func (d *decider) gather(ctx context.Context, in *Input) error {
	d.state.begin()
	for n := d.state.missing(in.ID, in.Command); n != 0; n = d.state.missing(in.ID, in.Command) {
		if err := d.fetch(ctx, d.state, n); err != nil {
			return err
		}
	}
	return nil
}
