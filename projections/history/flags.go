package history

import (
	"cmp"
	"slices"

	"fundledger/events"
)

// A Flagged is a flag of an event.
type Flagged struct {
	Of   events.Seq
	Code events.Code
}

// flagged is an event with flags, and what they are about.
type flagged struct {
	Seq    events.Seq
	Codes  []events.Code
	Year   events.Year
	Line   events.Line
	Amount events.Minor
}

// turns count what was opened and closed, by the numbers at which it was.
type turns struct{ Opened, Closed []events.Seq }

// open is how many of them were open at a number.
func (t *turns) open(last events.Seq) int {
	if t == nil {
		return 0
	}
	return upTo(t.Opened, last) - upTo(t.Closed, last)
}

func upTo(seqs []events.Seq, last events.Seq) int {
	n, _ := slices.BinarySearch(seqs, last+1)
	return n
}

// flag keeps the flags of an event: each is an exception until it is explained or the event is reversed, except over-budget, which is one of the line.
func (h *History) flag(e *events.Event) {
	c := e.Command
	f := flagged{Seq: e.Seq, Codes: slices.Clone(e.Flags), Year: c.Year, Line: cmp.Or(c.Line, e.Resolved.Line)}
	if !c.Amount.IsZero() {
		if a, err := c.Amount.Minor(h.decimals); err == nil {
			f.Amount = a
		}
	}
	// What names no line or amount is about the first line that gets something.
	var moved events.Posting
	for _, p := range e.Postings {
		if p.Year == c.Year && p.Amount > 0 && (moved.Line == "" || moved.Line == p.Line) {
			moved.Line, moved.Amount = p.Line, moved.Amount+p.Amount
		}
	}
	if c.Kind != events.Reversed { // which is about what it reverses
		f.Line, f.Amount = cmp.Or(f.Line, moved.Line), cmp.Or(f.Amount, moved.Amount)
	}
	h.flagged = append(h.flagged, f)
	for _, code := range f.Codes {
		if code == events.OverBudget {
			continue
		}
		if h.opened[f.Year] == nil {
			h.opened[f.Year] = &turns{}
		}
		h.opened[f.Year].Opened = append(h.opened[f.Year].Opened, e.Seq)
	}
}

// flagsOf is the flags of an event, nil where it has none.
func (h *History) flagsOf(n events.Seq) *flagged {
	if i, ok := slices.BinarySearchFunc(h.flagged, n, func(f flagged, n events.Seq) int { return cmp.Compare(f.Seq, n) }); ok {
		return &h.flagged[i]
	}
	return nil
}

func (h *History) closeFlags(of, at events.Seq) {
	if f := h.flagsOf(of); f != nil {
		for _, code := range f.Codes {
			h.closeFlag(Flagged{of, code}, at)
		}
	}
}

// closeFlag closes one, unless it is closed. A flag may be closed that the event does not have: of a lot that the event brought.
func (h *History) closeFlag(x Flagged, at events.Seq) {
	if _, already := h.closed[x]; already {
		return
	}
	h.closed[x] = at
	if f := h.flagsOf(x.Of); f != nil && x.Code != events.OverBudget && slices.Contains(f.Codes, x.Code) {
		t := h.opened[f.Year]
		t.Closed = append(t.Closed, at)
	}
}

// Explained reports whether somebody closed a flag of an event.
func (h *History) Explained(f Flagged) bool {
	at, ok := h.closed[f]
	return ok && at <= h.last
}

// A FlagOpen is a flag of an event that nobody has explained, and what it is about.
type FlagOpen struct {
	Flagged
	Line   events.Line
	Amount events.Minor
}

// CountOpen is how many flags [History.FlagsOpen] lists.
func (h *History) CountOpen(y *Year) int { return h.opened[y.Year].open(h.last) }

// FlagsOpen lists the open flags of the events of a year, but over-budget: it is the line that is out of order then, not the event.
func (h *History) FlagsOpen(y *Year) ([]FlagOpen, error) {
	var out []FlagOpen
	if h.CountOpen(y) == 0 {
		return nil, nil
	}
	for i := range h.flagged {
		f := &h.flagged[i]
		if f.Seq > h.last {
			break
		}
		if f.Year != y.Year || h.reversed(f.Seq) {
			continue
		}
		for _, code := range f.Codes {
			if code == events.OverBudget || h.Explained(Flagged{f.Seq, code}) {
				continue
			}
			x := FlagOpen{Flagged{f.Seq, code}, f.Line, f.Amount}
			if h.kind(f.Seq) == events.Reversed {
				of, err := h.Stored(h.of(f.Seq))
				if err != nil {
					return nil, err
				}
				if x.Line == "" {
					x.Line = of.Command.Line
				}
				if x.Line == "" {
					x.Line = of.Resolved.Line
				}
				if !of.Command.Amount.IsZero() {
					if x.Amount, err = of.Command.Amount.Minor(h.decimals); err != nil {
						return nil, err
					}
				}
			}
			if x.Line == "" {
				x.Line = events.Root
			}
			out = append(out, x)
		}
	}
	return out, nil
}
