package history

import "fundledger/events"

// A Stated is a figure that a report states. It is never added to anything: it is there to be compared.
type Stated struct {
	Seq         events.Seq
	ID          events.ID
	Year        events.Year
	Line        events.Line // the root where it names none
	Measure     events.Measure
	Name        string
	Value, Step events.Number // Step is "" where the figure does not say to what it was rounded
	Unit        string
	AsOf        *events.Day
	Denominator Denominator
	SumOf       []int64 // numbers of stated figures; negative: subtracted
	QuotientOf  []events.Seq
	Date        events.Date
}

// state keeps a stated figure.
func (h *History) state(e *events.Event) {
	c := e.Command
	s := Stated{
		Seq: e.Seq, ID: e.ID, Year: c.Year, Line: c.Line, Measure: c.Measure, Name: c.Figure, Value: c.Value, Step: c.Step, Unit: c.Unit,
		Denominator: Denominator(c.Denominator), SumOf: e.Resolved.SumOf, QuotientOf: e.Resolved.QuotientOf, Date: c.Date,
	}
	if s.Line == "" {
		s.Line = events.Root
	}
	if c.HasAsOf {
		day := c.AsOf
		s.AsOf = &day
	}
	h.stated[e.Seq] = len(h.figures)
	h.figures = append(h.figures, s)
}

// Figure returns the stated figure of an event, nil where that event states none. It may have been reversed.
func (h *History) Figure(n events.Seq) *Stated {
	if i, ok := h.stated[n]; ok && n <= h.last {
		return &h.figures[i]
	}
	return nil
}

// Figures lists the standing figures stated of a year, in the order of the log. As of a date those are there that were stated by then.
func (h *History) Figures(y *Year, q Query) []*Stated {
	var out []*Stated
	for i := range h.figures {
		s := &h.figures[i]
		if s.Seq > h.last {
			break
		}
		if s.Year != y.Year || h.reversed(s.Seq) {
			continue
		}
		if date := h.inYear(s.Date); q.AsOf != nil && date.Last() > *q.AsOf {
			continue
		}
		out = append(out, s)
	}
	return out
}

// inYear gives a date that is a year alone the days of that fiscal year, where it is known.
func (h *History) inYear(d events.Date) events.Date {
	if y := h.book()[d.FiscalYear()]; y != nil && y.Opened != 0 {
		return d.In(y.From, y.To)
	}
	return d
}
