package progress

import (
	"iter"
	"slices"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A start is the day on which a lot was first carried, and the event that did it.
type start struct {
	day events.Day
	seq events.Seq
}

// Carriages tell when lots were first carried. What was carried in is found once for each year.
type carriages struct {
	h    *history.History
	days map[events.Year]map[events.Seq]start
}

// first is when a lot that lies in a year was first carried, through all the years in which it was carried on; not ok where its carrying over was reversed.
func (c *carriages) first(y *history.Year, l *history.Lot) (out start, ok bool) {
	if len(l.Carriers) == 0 {
		return start{}, false
	}
	by := c.h.Event(l.Carriers[0])
	if from, err := c.h.Year(by.Year); by.Kind == events.CarriedOver && err == nil && from.Year < y.Year {
		for _, on := range from.Lots() {
			if on.Name == l.Name && on.FromYear == l.FromYear {
				if out, ok := c.first(from, on); ok {
					return out, true
				}
			}
		}
	}
	if c.days == nil {
		c.days = map[events.Year]map[events.Seq]start{}
	}
	if c.days[y.Year] == nil {
		days := map[events.Seq]start{}
		c.h.Postings(y, func(p *history.Posting) {
			if p.Measure == events.CarriedInM {
				days[p.Seq] = start{p.Counts, p.Seq}
			}
		})
		c.days[y.Year] = days
	}
	out, ok = c.days[y.Year][l.Carriers[0]]
	return out, ok
}

// Lots is the table of carried-over money with how old each lot is: the day on which it was first carried, and the days since.
func Lots(h *history.History, q history.Query, open history.Open) (*sheet.Sheet, error) {
	s, err := h.Lots(q, open)
	if err != nil {
		return nil, err
	}
	y, err := h.Year(q.Year)
	if err != nil {
		return nil, err
	}
	balances, err := h.LotBalances(y, q) // in the order of the rows
	if err != nil {
		return nil, err
	}
	day := today(h, q)
	dated(s, day)
	t := *s.Tables[0]
	ages := &carriages{h: h}
	added := make([][]sheet.Cell, len(balances))
	for i, b := range balances {
		added[i] = []sheet.Cell{{}, {}}
		if c, ok := ages.first(y, b.Lot); ok {
			added[i] = []sheet.Cell{sheet.Words(c.day.String()), sheet.Number(max(int64(day-c.day), 0))}
		}
	}
	t.Columns = append(slices.Clone(t.Columns), sheet.Column{Name: "carried"}, sheet.Column{Name: "days", Right: true})
	t.Rows = beside(t.Rows, added)
	t.Total = &sheet.Row{Depth: t.Total.Depth, Cells: append(slices.Clone(t.Total.Cells), sheet.Left(), sheet.Left())}
	s.Tables[0] = &t
	return s, nil
}

// beside puts cells after those of the rows, row by row.
func beside(rows iter.Seq[sheet.Row], added [][]sheet.Cell) iter.Seq[sheet.Row] {
	return func(yield func(sheet.Row) bool) {
		i := 0
		for r := range rows {
			r.Cells = slices.Concat(r.Cells, added[i])
			if i++; !yield(r) {
				return
			}
		}
	}
}
