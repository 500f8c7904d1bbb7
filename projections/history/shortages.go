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
	Own     [13]events.Minor // of each measure, with lots: whether a group has money of its own
	Free    events.Minor     // what is available of it and of everything below
	Open    bool
	touched bool
	Since   events.Seq
	Depth   events.Minor // down to where the stretch is explained; 0 where it is not
	Flagged []events.Seq // events of the stretch that carry the flag
	Turns   []turn
}

// A turn is when a stretch began, began anew or ended.
type turn struct {
	At    events.Seq
	Since events.Seq // 0: from here on there is none
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

// availableBy is how a measure changes what is available, by its place in events.Measures.
var availableBy = func() (by [13]events.Minor) {
	for i, m := range events.Measures {
		var t events.Totals
		*t.Of(m) = 1
		by[i] = t.Available()
	}
	return by
}()

// post notes a posting. What it comes to is looked at when all of its event are in.
func (s *shortages) post(y *Year, line int32, free bool, measure int, a events.Minor) {
	s.grow(len(y.lines))
	s.lines[line].Own[measure] += a // whether that is zero is all that is asked
	by := availableBy[measure] * a
	for at := line; ; at = y.lines[at].up {
		l := &s.lines[at]
		if free {
			sum, ok := l.Free.Add(by)
			if l.Free = sum; !ok && s.err == nil {
				s.err = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.AvailableM)}}
			}
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
		free := l.Free
		if free >= 0 || !y.lines[at].Leaf && l.Own == [13]events.Minor{} {
			l.Open, l.Depth, l.Flagged = false, 0, nil
			l.turn(n)
			continue
		}
		if free < l.Depth && !l.Open {
			l.Since = n
		}
		l.Open = free < l.Depth // what fell lower than explained and came back is where it was
		if over {
			l.Flagged = append(l.Flagged, n)
		}
		l.turn(n)
	}
	s.touched = s.touched[:0]
}

// turn notes where a stretch stands after an event, if that is news.
func (l *stretch) turn(at events.Seq) {
	var since, was events.Seq
	if l.Open {
		since = l.Since
	}
	if n := len(l.Turns); n > 0 {
		was = l.Turns[n-1].Since
	}
	if since != was {
		l.Turns = append(l.Turns, turn{at, since})
	}
}

// explain closes the stretches that an explanation names: by line and the measure available that line's at its present depth; by event and over-budget
// the stretch of every line of which that event is a part.
func (s *shortages) explain(y *Year, x *Explanation) {
	for at := range s.lines {
		l := &s.lines[at]
		byLine := x.Measure == events.AvailableM && x.Line == y.lines[at].Code
		_, byEvent := slices.BinarySearch(l.Flagged, x.Of)
		byEvent = byEvent && x.Flag == events.OverBudget
		if l.Open && (byLine || byEvent) {
			l.Open, l.Depth = false, l.Free
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
		turns := s.lines[i].Turns
		n, _ := slices.BinarySearchFunc(turns, h.last, func(t turn, last events.Seq) int {
			if t.At <= last {
				return -1
			}
			return 1
		})
		if n > 0 && turns[n-1].Since > 0 {
			out = append(out, Shortage{y.lines[i].Code, turns[n-1].Since})
		}
	})
	return out, nil
}
