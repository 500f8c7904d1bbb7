package projections

import (
	"slices"

	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// some reports whether a row has an amount, or a rate: nothing spent of a budget is something.
func some(r sheet.Row) bool {
	return slices.ContainsFunc(r.Cells, func(c sheet.Cell) bool { return c.Kind == sheet.Amount && c.Int() != 0 || c.Kind == sheet.Percent })
}

// divided makes a table once for each value of the dimension that the query divides by, narrowed to that value, and puts them one after the other; the total is that
// of the table which was divided. A query that divides by nothing is made as it is.
//
// Budget and execution divide themselves, in one walk: those that are divided here are for fewer readers.
func (b *Book) divided(q Query, make func(Query) (*sheet.Sheet, error), others ...Query) (*sheet.Sheet, error) {
	if err := b.Known(q); err != nil {
		return nil, err
	}
	whole := q
	whole.By = ""
	s, err := make(whole)
	if err != nil || q.By == "" {
		return s, err
	}
	values, err := b.history.Values(append(others, q)...)
	if err != nil {
		return nil, err
	}
	main := *s.Tables[0]
	var rows []sheet.Row
	for _, v := range values {
		part := whole
		part.Where = append(slices.Clone(q.Where), history.PartOf(q.By, v))
		of, err := make(part)
		if err != nil {
			return nil, err
		}
		value, t := history.DimensionCell(q.By, v), of.Tables[0]
		grouped := func(r *sheet.Row) *sheet.Row {
			out := *r
			out.Cells, out.Depth = slices.Concat([]sheet.Cell{value}, r.Cells), r.Depth+1
			return &out
		}
		head := sheet.Row{Cells: slices.Repeat([]sheet.Cell{sheet.Left()}, len(main.Columns))}
		if t.Total != nil {
			head.Cells = t.Total.Cells
		}
		first := len(rows)
		rows = append(rows, *grouped(&head))
		rows[first].Depth = 1
		if t.Total != nil && t.Total.Own != nil {
			rows[first].Own = grouped(t.Total.Own)
		}
		for r := range t.Rows {
			g := grouped(&r)
			if r.Own != nil {
				g.Own = grouped(r.Own)
			}
			rows = append(rows, *g)
		}
		if !slices.ContainsFunc(rows[first:], some) { // nothing falls to it: who was paid on other lines has no part in a series of this one
			rows = rows[:first]
		}
	}
	if main.Total != nil {
		total := *main.Total
		total.Cells, total.Own = slices.Concat([]sheet.Cell{sheet.Left()}, total.Cells), nil // each part has its own part
		main.Total = &total
	}
	if main.Text != nil {
		main.Text = slices.Concat([]string{"group"}, main.Text)
	}
	main.Name, main.Grouped, main.Keyed, main.Numbered = "groups", true, false, false
	main.Columns = slices.Concat([]sheet.Column{{Name: "group"}}, main.Columns)
	main.Rows = sheet.Rows(rows...)
	s.Tables[0] = &main
	b.history.SayDivided(s, q.By)
	return s, nil
}
