package projections

import (
	"time"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// Statement returns the statement of a line of a year from a moment on, the zero Moment for all of it, with the errors of [Book.Table]; [events.UnknownLine] where
// the year has no such line.
func (b *Book) Statement(q Query, line events.Line, from Moment) (*sheet.Sheet, error) {
	if err := fits("statement", q); err != nil {
		return nil, err
	}
	open, err := b.open(q)
	if err != nil {
		return nil, err
	}
	first, err := b.first(from)
	if err != nil {
		return nil, err
	}
	return b.history.StatementTable(q, line, first, open)
}

// Diff returns the cells in which the book differs from what was known at a moment; where that is before the first event, nothing was. A year of 0 asks for
// all years. A checkpoint must have been held against the log: the sheet says so.
func (b *Book) Diff(q Query, from Moment) (*sheet.Sheet, error) {
	if err := fits("diff", q); err != nil {
		return nil, err
	}
	n, err := b.Resolve(from)
	if err != nil && (from.kind == bySeq || b.Last() == 0) {
		return nil, err
	}
	s, err := b.history.DiffTable(q, n)
	if err != nil || from.root == nil {
		return s, err
	}
	root := sheet.Words(from.root.String())
	s.Face = append(s.Face, sheet.Say("face.since", sheet.Member{Name: "seq", Value: sheet.Number(n)}, sheet.Member{Name: "root", Value: root}))
	s.Head = append(s.Head, sheet.Member{Name: "since", Value: root})
	return s, nil
}

// first returns the number of the first event of a moment or after it; a date begins with its first instant.
func (b *Book) first(m Moment) (events.Seq, error) {
	switch m.kind {
	case bySeq:
		if m.seq > b.Last() {
			return 0, notThere(m, b.Last())
		}
		return m.seq, nil
	case byDay:
		return b.history.Until(m.day.Time(b.Zone()).Add(-time.Microsecond)) + 1, nil
	case byTime:
		return b.history.Until(m.time.Add(-time.Microsecond)) + 1, nil
	}
	return 1, nil
}

// After reports whether m is after n, as far as the two alone can tell: numbers with numbers, days with days, times with times.
func (m Moment) After(n Moment) bool {
	if m.kind != n.kind {
		return false
	}
	return m.seq > n.seq || m.day > n.day || m.time.After(n.time)
}
