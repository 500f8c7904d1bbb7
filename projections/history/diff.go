package history

import (
	"cmp"
	"slices"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// A Change is a cell of a year's table that differs between two places in the log.
type Change struct {
	Year    events.Year
	Line    events.Line
	Measure events.Measure
	// Before and After are what the cell said: an amount, or a rate in percent; null where the line, the year or the figure was not there.
	Before, After sheet.Cell
	// Events are those between the two places that moved it.
	Events []events.Seq
}

// parts are the posted measures that a derived one is made of. The rate has besides them what its denominator has.
var parts = map[events.Measure][]events.Measure{
	events.AdjustedM: {events.Original, events.Supplementary, events.ReallocatedM, events.CarriedInM},
	events.SpentM:    {events.DisbursedM, events.ReturnedM},
	events.AvailableM: {
		events.Original, events.Supplementary, events.ReallocatedM, events.CarriedInM, events.DisbursedM, events.ReturnedM, events.CommittedM,
		events.LapsedM, events.CarriedOutM,
	},
	events.InTransitM: {events.DisbursedM, events.ReturnedM, events.ConfirmedM},
}

// rateParts are the posted measures that a rate over a denominator is made of.
func rateParts(d Denominator) []events.Measure {
	spent, adjusted := parts[events.SpentM], parts[events.AdjustedM]
	switch d {
	case OverOriginal:
		return slices.Concat(spent, []events.Measure{events.Original})
	case OverNet:
		return slices.Concat(spent, adjusted, []events.Measure{events.LapsedM})
	}
	return slices.Concat(spent, adjusted)
}

// A move is what one event did to one posted measure of a line and those below it: all of it, what lies in no lot, and what went over a lower treasury.
type move struct {
	seq             events.Seq
	all, free, sent events.Minor
}

// moves are those of one line, by the place of the measure.
type moves [][]move

func (m moves) add(r *row) {
	list := m[r.measure]
	if n := len(list); n == 0 || list[n-1].seq != r.seq {
		list = append(list, move{seq: r.seq})
	}
	last := &list[len(list)-1]
	last.all += r.amount
	if r.lot == 0 {
		last.free += r.amount
	}
	if r.sent() {
		last.sent += r.amount
	}
	m[r.measure] = list
}

// of lists the events that moved a cell: an event within the line, such as a virement between those below it, is not there.
func (m moves) of(q Query, measure events.Measure) []events.Seq {
	made, moved := []events.Measure{measure}, func(v *move) bool { return v.all != 0 }
	switch measure {
	case events.RateM:
		made = rateParts(q.Denominator)
		if q.Denominator == OverCurrent {
			moved = func(v *move) bool { return v.free != 0 }
		}
	case events.InTransitM:
		made, moved = parts[measure], func(v *move) bool { return v.sent != 0 }
	case events.AdjustedM, events.SpentM, events.AvailableM:
		made = parts[measure]
	}
	var out []events.Seq
	for _, part := range made {
		for i := range m[slices.Index(events.Measures, part)] {
			if v := &m[slices.Index(events.Measures, part)][i]; moved(v) {
				out = append(out, v.seq)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Diff lists what differs in a year between the log up to event from (0: nothing) and the whole history, line by line in the order of the tree, the
// root first. A line that was not known is told only of what it has.
func (h *History) Diff(y *Year, q Query, from events.Seq) ([]Change, error) {
	q, err := h.checked(q)
	if err != nil {
		return nil, err
	}
	then := h.At(from)
	before, err := then.Balances(y, q)
	if err != nil {
		return nil, err
	}
	after, err := h.Balances(y, q)
	if err != nil {
		return nil, err
	}
	wasThere, err := then.budgeted(y, q)
	if err != nil {
		return nil, err
	}
	there, err := h.budgeted(y, q)
	if err != nil {
		return nil, err
	}
	for i := range there { // what came or went because another's budget did was moved by no event of these
		there[i].Rate, there[i].Available = there[i].Rate && wasThere[i].Rate, there[i].Available && wasThere[i].Available
	}
	moved := make([]moves, len(y.lines))
	move := func(r *row) {
		for at := r.line; ; at = y.lines[at].up {
			if moved[at] == nil {
				moved[at] = make(moves, len(events.Measures))
			}
			moved[at].add(r)
			if at == 0 {
				break
			}
		}
	}
	for _, r := range h.retold(y, &q, from) {
		move(&r)
	}
	h.counted(y, &q, func(r *row) {
		if r.seq > from {
			move(r)
		}
	})
	var out []Change
	at := -1
	y.walk(0, func(i int32) {
		at++
		if moved[i] == nil {
			return // nothing was posted here
		}
		l := &y.lines[i]
		known := cmp.Or(l.seq, y.Opened) <= from
		if !known { // though money may have been carried into a year that was not open
			before[at] = Balance{}
		}
		was := h.measures(y, &before[at].All, before[at].InTransit(), before[at].Rate(q.Denominator), there[at])
		is := h.measures(y, &after[at].All, after[at].InTransit(), after[at].Rate(q.Denominator), there[at])
		for n, m := range rowMeasures {
			if was[n] == is[n] {
				continue
			}
			if !known {
				was[n] = sheet.Cell{}
			}
			out = append(out, Change{Year: y.Year, Line: l.Code, Measure: m, Before: was[n], After: is[n], Events: moved[i].of(q, m)})
		}
	})
	return out, nil
}

// retold lists the postings up to event from that came to count, or no longer did, by words told after it: each with the number of the event that told them,
// and negative where it no longer counts. Money that waits for its year is not there before that is opened, and an amended payee is another.
func (h *History) retold(y *Year, q *Query, from events.Seq) []row {
	opened := y.Opened > from
	if !opened && !slices.ContainsFunc(q.Where, func(c Condition) bool { return c.Dim == ByPayee }) {
		return nil
	}
	var out []row
	h.At(from).walk(y, func(r *row) {
		if r.counts > q.day() || h.narrows(q, r.cell) {
			return
		}
		moved := *r
		if opened {
			if moved.seq = y.Opened; h.paid(q, r.seq) {
				out = append(out, moved)
			}
			return
		}
		var amended []events.Seq
		for n := r.seq; n != 0; n = h.of(n) {
			for _, a := range h.amended[n] {
				if a.Seq > from && a.Seq <= h.last {
					amended = append(amended, a.Seq)
				}
			}
		}
		if len(amended) == 0 {
			return
		}
		slices.Sort(amended)
		was := h.At(from).paid(q, r.seq)
		for _, n := range amended {
			is := h.At(n).paid(q, r.seq)
			if is == was {
				continue
			}
			if moved.seq, moved.amount = n, r.amount; !is {
				moved.amount = -r.amount
			}
			out, was = append(out, moved), is
		}
	})
	slices.SortStableFunc(out, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// DiffTable is the cells that differ between the log up to event from and the whole history: of the year of the query, or of every open year where
// that is 0.
func (h *History) DiffTable(q Query, from events.Seq) (*sheet.Sheet, error) {
	years := h.Years()
	if q.Year != 0 {
		years = []events.Year{q.Year}
	}
	q, err := h.checked(q)
	if err != nil {
		return nil, err
	}
	var cells []Change
	for _, n := range years {
		y, err := h.Year(n)
		if err != nil {
			return nil, err
		}
		changes, err := h.Diff(y, q, from)
		if err != nil {
			return nil, err
		}
		cells = append(cells, changes...)
	}
	return h.diffSheet(q, from, cells), nil
}

func (h *History) diffSheet(q Query, from events.Seq, cells []Change) *sheet.Sheet {
	s := h.begun("diff", q, &from)
	s.Title = []sheet.Member{{Name: "fund", Value: sheet.Words(string(h.fund))}}
	s.Face = append(s.Face, sheet.Say("face.denominator."+string(q.Denominator)))
	s.Tables = []*sheet.Table{{
		Name: "cells", Columns: sheet.Columns("year", "line", "measure", "|", "before", "after", "|", "events"),
		Rows: func(yield func(sheet.Row) bool) {
			for i := range cells {
				c := &cells[i]
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Number(c.Year), sheet.Words(string(c.Line)), sheet.Term("column", string(c.Measure)), c.Before, c.After, sheet.Numbers(c.Events),
				}}) {
					return
				}
			}
		},
	}}
	return s
}
