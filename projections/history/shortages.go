package history

import (
	"slices"

	"fundledger/events"
)

// The shortages of a year are the stretches in which the free money of its lines, that in no lot, was below zero. Free money follows the log, as the
// ledger decided it: dates play no part. They are kept as they come about, so that those of any number are there without looking at postings.
type shortages struct {
	lines   []stretch // by the number of the line
	touched []int32
	err     error      // where a sum left int64, which the ledger refuses
	failed  events.Seq // when that was
}

// A stretch is the state of one line.
type stretch struct {
	own     events.Totals // with lots: whether a group has money of its own
	free    events.Totals // with everything below
	open    bool
	touched bool
	since   events.Seq
	depth   events.Minor // down to where the stretch is explained; 0 where it is not
	flagged []events.Seq // events of the stretch that carry the flag
	turns   []turn
}

// A turn is when a stretch began, began anew or ended.
type turn struct {
	at    events.Seq
	since events.Seq // 0: from here on there is none
}

// A Shortage is a line whose free money is below zero, and since which event.
type Shortage struct {
	Line  events.Line
	Since events.Seq
}

func (s *shortages) grow(n int) {
	for len(s.lines) < n {
		s.lines = append(s.lines, stretch{})
	}
}

// post notes a posting. What it comes to is looked at when all of its event are in.
func (s *shortages) post(y *Year, line int32, free bool, m events.Measure, a events.Minor) {
	s.grow(len(y.lines))
	add := func(t *events.Totals) {
		if err := t.Add(m, a); err != nil && s.err == nil {
			s.err = err
		}
	}
	add(&s.lines[line].own)
	for at := line; ; at = y.lines[at].up {
		l := &s.lines[at]
		if free {
			add(&l.free)
		}
		if !l.touched {
			l.touched = true
			s.touched = append(s.touched, at)
		}
		if at == 0 {
			return
		}
	}
}

// settle looks at the lines that an event touched. over says that the event carries the flag.
func (s *shortages) settle(y *Year, n events.Seq, over bool) {
	if s.err != nil && s.failed == 0 {
		s.failed = n
	}
	for _, at := range s.touched {
		l := &s.lines[at]
		l.touched = false
		free := l.free.Available()
		if free >= 0 || !y.lines[at].Leaf && l.own.IsZero() {
			l.open, l.depth, l.flagged = false, 0, nil
			l.turn(n)
			continue
		}
		if free < l.depth && !l.open {
			l.since = n
		}
		l.open = free < l.depth // what fell lower than explained and came back is where it was
		if over {
			l.flagged = append(l.flagged, n)
		}
		l.turn(n)
	}
	s.touched = s.touched[:0]
}

// turn notes where a stretch stands after an event, if that is news.
func (l *stretch) turn(at events.Seq) {
	var since, was events.Seq
	if l.open {
		since = l.since
	}
	if n := len(l.turns); n > 0 {
		was = l.turns[n-1].since
	}
	if since != was {
		l.turns = append(l.turns, turn{at, since})
	}
}

// explain closes the stretches that an explanation names: by line and the measure available that line's at its present depth; by event and over-budget
// the stretch of every line of which that event is a part.
func (s *shortages) explain(y *Year, x *Explanation) {
	for at := range s.lines {
		l := &s.lines[at]
		byLine := x.Measure == events.AvailableM && x.Line == y.lines[at].Code
		_, byEvent := slices.BinarySearch(l.flagged, x.Of)
		byEvent = byEvent && x.Flag == events.OverBudget
		if l.open && (byLine || byEvent) {
			l.open, l.depth = false, l.free.Available()
			l.turn(x.Seq)
		}
	}
}

// Shortages lists the lines of a year whose free money is below zero and not explained, in the order of the tree. A line with children is looked at where
// it has money of its own, with everything below it. Years whose budgets are not known have none.
func (h *History) Shortages(y *Year) ([]Shortage, error) {
	p := h.posted[y.Year]
	if p == nil || !y.Budgeted {
		return nil, nil
	}
	s := &p.shortages
	if s.err != nil && s.failed <= h.last {
		return nil, s.err
	}
	var out []Shortage
	y.walk(0, func(i int32) {
		if int(i) >= len(s.lines) {
			return
		}
		turns := s.lines[i].turns
		n, _ := slices.BinarySearchFunc(turns, h.last, func(t turn, last events.Seq) int {
			if t.at <= last {
				return -1
			}
			return 1
		})
		if n > 0 && turns[n-1].since > 0 {
			out = append(out, Shortage{y.lines[i].Code, turns[n-1].since})
		}
	})
	return out, nil
}

// A FlagOpen is a flag of an event that nobody has explained, and what it is about.
type FlagOpen struct {
	Flagged
	Line   events.Line
	Amount events.Minor
}

// FlagsOpen lists the open flags of the events of a year, but over-budget: it is the line that is out of order then, not the event.
func (h *History) FlagsOpen(y *Year) ([]FlagOpen, error) {
	var out []FlagOpen
	if h.opened[y.Year].open(h.last) == 0 {
		return nil, nil
	}
	for i := range h.flagged {
		f := &h.flagged[i]
		if f.seq > h.last {
			break
		}
		if f.year != y.Year || h.reversed(f.seq) {
			continue
		}
		for _, code := range f.codes {
			if code == events.OverBudget || h.Explained(Flagged{f.seq, code}) {
				continue
			}
			x := FlagOpen{Flagged{f.seq, code}, f.line, f.amount}
			if h.kind(f.seq) == events.Reversed {
				of, err := h.Stored(h.of(f.seq))
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
