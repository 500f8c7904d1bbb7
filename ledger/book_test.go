package ledger

import (
	"fmt"
	"slices"

	"fundledger/events"
)

// A book is a second fold, over accepted commands alone: it was written from the words of the format and shares no code with decide and apply. It
// knows nothing of postings and refuses nothing.
type book struct {
	entries []*bookEntry // by number
	ids     map[events.ID]*bookEntry
}

type bookEntry struct {
	seq      events.Seq
	c        events.Command
	amount   int64
	counts   events.Day
	effects  []effect
	reversed bool
}

// An effect is what a command does to one measure, and to which payment, commitment, allotment or sum in suspense.
type effect struct {
	place
	amount int64
	of     *bookEntry  // the quantity it belongs to
	ofLine events.Line // of a payment
	by     *bookEntry  // the payment that used the commitment
}

// A place is all by which effects are told apart when they are added up, but for dims.
type place struct {
	year    events.Year
	line    events.Line
	measure events.Measure
	lot     string
	channel events.Channel
	basis   events.Basis
	counts  events.Day
}

func newBook() *book { return &book{ids: map[events.ID]*bookEntry{}} }

func (b *book) find(r events.Ref) *bookEntry {
	if r.Seq != 0 {
		return b.entries[r.Seq-1]
	}
	return b.ids[r.ID]
}

// all calls f with every effect so far.
func (b *book) all(f func(e *effect)) {
	for _, en := range b.entries {
		for i := range en.effects {
			f(&en.effects[i])
		}
	}
}

// left is what is left of a commitment, an allotment or a sum in suspense.
func (b *book) left(en *bookEntry, m events.Measure) (sum int64) {
	b.all(func(e *effect) {
		if e.of == en && e.measure == m {
			sum += e.amount
		}
	})
	return sum
}

// paid is the sum of a measure of a payment on a line, on all lines with "".
func (b *book) paid(en *bookEntry, l events.Line, m events.Measure) (sum int64) {
	b.all(func(e *effect) {
		if e.of == en && e.measure == m && (l == "" || e.ofLine == l) {
			sum += e.amount
		}
	})
	return sum
}

func (b *book) leftOn(p *bookEntry, l events.Line) int64 {
	return b.paid(p, l, events.DisbursedM) - b.paid(p, l, events.ReturnedM) - b.paid(p, l, events.RecoveredM)
}

// stands is the line on which the money of a payment stands, where the command leaves it out.
func (b *book) stands(p *bookEntry, given events.Line) events.Line {
	if given != "" {
		return given
	}
	at := p.c.Line
	b.all(func(e *effect) {
		if e.of == p && b.leftOn(p, e.ofLine) > 0 {
			at = e.ofLine
		}
	})
	if b.leftOn(p, "") == 0 { // recovered as a whole: where it is in transit
		b.all(func(e *effect) {
			if e.of == p && b.paid(p, e.ofLine, events.DisbursedM)-b.paid(p, e.ofLine, events.ReturnedM)-b.paid(p, e.ofLine, events.ConfirmedM) > 0 {
				at = e.ofLine
			}
		})
	}
	return at
}

// standingLot reports whether a lot of that name lies in the year.
func (b *book) standingLot(y events.Year, name string) bool {
	return slices.ContainsFunc(b.entries, func(en *bookEntry) bool {
		switch {
		case en.reversed || en.c.Lot != name:
			return false
		case en.c.Kind == events.CarriedOver:
			return en.c.ToYear == y
		}
		return en.c.Kind == events.CarriedIn && en.c.Year == y
	})
}

// add takes one accepted command.
func (b *book) add(seq events.Seq, id events.ID, c *events.Command) error {
	en := &bookEntry{seq: seq, c: *c, counts: c.Date.Last()}
	if seq != events.Seq(len(b.entries)+1) {
		return fmt.Errorf("event %d after %d", seq, len(b.entries))
	}
	if !c.Amount.IsZero() {
		m, err := c.Amount.Minor(2)
		if err != nil {
			return err
		}
		en.amount = int64(m)
	}
	if c.Kind == events.Appropriated && c.Stage == events.OriginalStage {
		en.counts = c.Date.First()
	}
	b.fold(en)
	b.entries = append(b.entries, en)
	b.ids[id] = en
	return nil
}

func (b *book) fold(en *bookEntry) {
	c, a := &en.c, en.amount
	own := place{year: c.Year, line: c.Line, basis: c.Basis, counts: en.counts}
	does := func(p place, m events.Measure, amount int64, of *bookEntry, ofLine events.Line) *effect {
		p.measure = m
		if amount == 0 {
			return &effect{}
		}
		en.effects = append(en.effects, effect{place: p, amount: amount, of: of, ofLine: ofLine})
		return &en.effects[len(en.effects)-1]
	}
	later := func(p place, others ...*bookEntry) place {
		p.counts = en.counts
		for _, o := range others {
			p.counts = max(p.counts, o.counts)
		}
		return p
	}
	of := (*bookEntry)(nil)
	if !c.Of.IsZero() {
		of = b.find(c.Of)
	}
	// @P: the year, lot, channel and basis of the event named.
	at := func(o *bookEntry, l events.Line) place {
		return place{year: o.c.Year, line: l, lot: o.c.Lot, channel: o.c.Channel, basis: o.c.Basis, counts: o.counts}
	}
	withBasis := func(p place, basis events.Basis) place { p.basis = basis; return p }
	settles := func(amount int64) {
		if !c.Settles.IsZero() {
			u := b.find(c.Settles)
			does(later(at(u, u.c.Line), u), events.SuspenseM, -amount, u, "")
		}
	}
	switch c.Kind {
	case events.Appropriated:
		m := events.Supplementary
		if c.Stage == events.OriginalStage {
			m = events.Original
		}
		does(own, m, a, nil, "")
	case events.Reallocated:
		for _, side := range []struct {
			legs []events.Leg
			sign int64
		}{{c.FromLegs, -1}, {c.ToLegs, 1}} {
			for _, l := range side.legs {
				m, _ := l.Amount.Minor(2)
				p := own
				p.line = l.Line
				does(p, events.ReallocatedM, side.sign*int64(m), nil, "")
			}
		}
	case events.Allotted:
		does(own, events.AllottedM, a, en, "")
	case events.AllotmentWithdrawn:
		does(later(at(of, of.c.Line), of), events.AllottedM, -a, of, "")
	case events.Committed:
		own.lot = c.Lot
		does(own, events.CommittedM, a, en, "")
	case events.CommitmentReleased:
		does(later(at(of, of.c.Line), of), events.CommittedM, -a, of, "")
	case events.Disbursed:
		own.lot, own.channel = c.Lot, c.Channel
		does(own, events.DisbursedM, a, en, c.Line)
		if !c.Commitment.IsZero() {
			cm := b.find(c.Commitment)
			does(later(at(cm, cm.c.Line), cm), events.CommittedM, -min(a, b.left(cm, events.CommittedM)), cm, "").by = en
		}
	case events.ReceiptConfirmed:
		l := b.stands(of, c.Line)
		does(withBasis(later(at(of, l), of), c.Basis), events.ConfirmedM, a, of, l)
	case events.ClawedBack:
		switch c.Cause {
		case events.Lapse:
			own.lot = c.Lot
			does(own, events.LapsedM, a, nil, "")
		case events.Rescission:
			own.lot = c.Lot
			does(own, events.Supplementary, -a, nil, "")
		case events.Returned:
			all := b.paid(of, "", events.DisbursedM)
			p := withBasis(later(at(of, of.c.Line), of), c.Basis)
			does(p, events.ReturnedM, all, of, of.c.Line)
			does(p, events.ConfirmedM, -b.paid(of, "", events.ConfirmedM), of, of.c.Line)
			if !of.c.Commitment.IsZero() {
				cm := b.find(of.c.Commitment)
				used := int64(0)
				b.all(func(e *effect) {
					if e.by == of {
						used -= e.amount
					}
				})
				does(later(at(cm, cm.c.Line), of, cm), events.CommittedM, used, cm, "").by = of
			}
			settles(all)
		case events.Refund, events.Offset:
			l := b.stands(of, c.Line)
			p := withBasis(later(at(of, l), of), c.Basis)
			after := b.paid(of, l, events.DisbursedM) - b.paid(of, l, events.ReturnedM) - a
			does(p, events.ReturnedM, a, of, l)
			does(p, events.ConfirmedM, -max(0, b.paid(of, l, events.ConfirmedM)-after), of, l)
			settles(a)
		case events.PriorYear:
			if of != nil {
				own.channel = of.c.Channel
				does(later(own, of), events.RecoveredM, a, of, b.stands(of, c.OfLine))
			} else {
				does(own, events.RecoveredM, a, nil, "")
			}
			settles(a)
		case events.Unidentified:
			does(own, events.SuspenseM, a, en, "")
		}
	case events.CarriedOver:
		if b.standingLot(c.Year, c.Lot) {
			own.lot = c.Lot
		}
		does(own, events.CarriedOutM, a, nil, "")
		does(place{year: c.ToYear, line: c.ToLine, lot: c.Lot, basis: c.Basis, counts: en.counts}, events.CarriedInM, a, nil, "")
	case events.CarriedIn:
		own.lot = c.Lot
		does(own, events.CarriedInM, a, nil, "")
	case events.Reclassified:
		l := b.stands(of, c.Line)
		to := c.ToLine
		if to == "" {
			to = l
		}
		unfit := max(0, b.paid(of, l, events.ConfirmedM)-(b.paid(of, l, events.DisbursedM)-a-b.paid(of, l, events.ReturnedM)))
		if to == l {
			unfit = 0 // other dims on the same line
		}
		does(at(of, l), events.DisbursedM, -a, of, l)
		does(at(of, to), events.DisbursedM, a, of, to)
		does(at(of, l), events.ConfirmedM, -unfit, of, l)
		does(at(of, to), events.ConfirmedM, unfit, of, to)
	case events.Reversed:
		of.reversed = true
		for _, e := range of.effects {
			e.amount = -e.amount
			en.effects = append(en.effects, e)
		}
	}
}

// sums adds all effects up.
func (b *book) sums() map[place]int64 {
	sums := map[place]int64{}
	b.all(func(e *effect) {
		if sums[e.place] += e.amount; sums[e.place] == 0 {
			delete(sums, e.place)
		}
	})
	return sums
}
