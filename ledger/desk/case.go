package desk

import (
	"slices"

	"fundledger/events"
)

// A Case is an event that somebody wants put right, with what hangs on it. It is read off the log: [Case.Apply] takes every event of the fund in its order.
type Case struct {
	Of    events.Seq
	Event *events.Event // nil where the log has no such event
	// Target is what the event takes back, where it is a reversal.
	Target *events.Event
	// Reversed is the event that takes it back; 0 where it stands.
	Reversed events.Seq
	// Hangs are the later events that are about it, and those about them, in the order of the log: reversed ones and reversals too.
	Hangs []*Hanging
	// Left is what is left of a payment on each line, in the order in which its money got there.
	Left []Piece
	Last events.Seq

	acts   map[events.Seq]bool // those whose postings are about the payment
	closed map[events.Year]*events.Event
}

// A Hanging is an event that is about another.
type Hanging struct {
	*events.Event
	Names    []Name
	Reversed events.Seq // 0: it stands
}

// A Name is an event that another names in a field; in the field lot, one whose lot it uses.
type Name struct {
	Field string
	Seq   events.Seq
}

// A Piece is what is left of a payment on a line.
type Piece struct {
	Line events.Line
	Left events.Minor
}

// NewCase returns the case of an event, of which nothing is read yet.
func NewCase(of events.Seq) *Case {
	return &Case{Of: of, acts: map[events.Seq]bool{}, closed: map[events.Year]*events.Event{}}
}

// namesOf are the events that an event names, as the ledger resolved them.
func namesOf(r *events.Resolved) (out []Name) {
	add := func(field string, seqs ...events.Seq) {
		for _, n := range seqs {
			if n != 0 {
				out = append(out, Name{field, n})
			}
		}
	}
	add("of", r.Of)
	add("commitment", r.Commitment)
	add("against", r.Against)
	add("settles", r.Settles)
	add("covers", r.Covers...)
	for _, n := range r.SumOf {
		add("sum_of", events.Seq(max(n, -n)))
	}
	add("quotient_of", r.QuotientOf...)
	add("bank_lines", r.BankLines...)
	add("events", r.Matched...)
	return out
}

// hanging is what hangs on the event and has a number, nil where nothing does.
func (c *Case) hanging(n events.Seq) *Hanging {
	if i, ok := slices.BinarySearchFunc(c.Hangs, n, func(h *Hanging, n events.Seq) int { return int(int64(h.Seq) - int64(n)) }); ok {
		return c.Hangs[i]
	}
	return nil
}

// Apply takes the next event, which the case may keep.
func (c *Case) Apply(e *events.Event) {
	c.Last = e.Seq
	switch e.Command.Kind {
	case events.YearClosed:
		c.closed[e.Command.Year] = e
	case events.YearReopened:
		delete(c.closed, e.Command.Year)
	}
	switch {
	case e.Seq < c.Of:
		return
	case e.Seq == c.Of:
		c.Event = e
		c.acts[e.Seq] = true
		c.count(e)
		return
	}
	var names []Name
	for _, n := range namesOf(&e.Resolved) {
		if n.Seq == c.Of || c.hanging(n.Seq) != nil {
			names = append(names, n)
		}
	}
	for _, lot := range c.lots() {
		if e.Command.Lot == lot.name && e.Command.Year == lot.year && e.Seq > lot.by {
			names = append(names, Name{"lot", lot.by})
		}
	}
	if len(names) == 0 {
		return
	}
	c.Hangs = append(c.Hangs, &Hanging{Event: e, Names: names})
	if e.Command.Kind == events.Reversed {
		if e.Resolved.Of == c.Of {
			c.Reversed = e.Seq
		} else if h := c.hanging(e.Resolved.Of); h != nil {
			h.Reversed = e.Seq
		}
	}
	if c.acts[e.Resolved.Of] && e.Command.Kind != events.Amended && e.Command.Kind != events.Explained {
		c.acts[e.Seq] = true
		c.count(e)
	}
}

type lotOf struct {
	name string
	year events.Year
	by   events.Seq
}

// lots are those that the event brought, and those that events hanging on it did.
func (c *Case) lots() (out []lotOf) {
	add := func(e *events.Event) {
		switch k := e.Command; k.Kind {
		case events.CarriedOver:
			out = append(out, lotOf{k.Lot, k.ToYear, e.Seq})
		case events.CarriedIn:
			out = append(out, lotOf{k.Lot, k.Year, e.Seq})
		}
	}
	if c.Event != nil {
		add(c.Event)
	}
	for _, h := range c.Hangs {
		if h.Reversed == 0 {
			add(h.Event)
		}
	}
	return out
}

// count adds what an event does to the payment.
func (c *Case) count(e *events.Event) {
	if c.Event.Command.Kind != events.Disbursed {
		return
	}
	for i := range e.Postings {
		p := &e.Postings[i]
		line, amount := p.Line, p.Amount
		switch p.Measure {
		case events.DisbursedM:
		case events.ReturnedM:
			amount = -amount
		case events.RecoveredM:
			line, amount = p.OfLine, -amount
		default:
			continue
		}
		at := slices.IndexFunc(c.Left, func(o Piece) bool { return o.Line == line })
		if at < 0 {
			at = len(c.Left)
			c.Left = append(c.Left, Piece{Line: line})
		}
		if sum, ok := c.Left[at].Left.Add(amount); ok {
			c.Left[at].Left = sum
		}
	}
}

// Closed reports whether a year is closed at the end of the log.
func (c *Case) Closed(y events.Year) bool { return c.closed[y] != nil }

// Standing lists what hangs on the event and stands: neither reversed nor a reversal.
func (c *Case) Standing() (out []*Hanging) {
	for _, h := range c.Hangs {
		if h.Reversed == 0 && h.Command.Kind != events.Reversed {
			out = append(out, h)
		}
	}
	return out
}

// blocks reports whether an event stands in the way of the reversal of one that it names in a field.
func (h *Hanging) blocks(field string) bool {
	switch h.Command.Kind {
	case events.Amended, events.Explained, events.YearClosed, events.YearReopened:
		return false
	}
	switch field {
	case "covers":
		return false
	case "sum_of", "quotient_of": // which would go on to name a figure that stands no more
		return true
	}
	return true
}

// undone are the standing events that have to be taken back before the event itself: those about it, and with lots those too that use a lot that it brought.
func (c *Case) undone(lots bool) (out []*Hanging) {
	gone := map[events.Seq]bool{c.Of: true}
	for _, h := range c.Standing() {
		for _, n := range h.Names {
			if gone[n.Seq] && h.blocks(n.Field) && (lots || n.Field != "lot") {
				gone[h.Seq] = true
				out = append(out, h)
				break
			}
		}
	}
	return out
}
