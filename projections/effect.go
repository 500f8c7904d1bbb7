package projections

import (
	"slices"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// Effect is what the events after event since have done to the lines and lots that they post to: each as it was before them and as it is after them, in the order
// of the years and their trees. What was not there before has no row of before, and the root has one where it is posted to. since must not be above [Book.Last].
func (b *Book) Effect(since events.Seq) (*sheet.Sheet, error) {
	h := b.history
	s := &sheet.Sheet{
		Name: "effect", Currency: h.Currency(), Decimals: h.Decimals(),
		Title: []sheet.Member{{Name: "fund", Value: sheet.Words(string(h.Fund()))}},
		Head:  []sheet.Member{{Name: "fund", Value: sheet.Words(string(h.Fund()))}, {Name: "currency", Value: sheet.Words(h.Currency())}},
	}
	var rows []sheet.Row
	for _, n := range h.Years() {
		y, err := h.Year(n)
		if err != nil {
			return nil, err
		}
		lines, lots := map[events.Line]bool{}, map[string]bool{}
		h.Postings(y, func(p *history.Posting) {
			if p.Seq > since {
				lines[p.Line] = true
				if p.Lot != "" {
					lots[p.Lot] = true
				}
			}
		})
		if len(lines) == 0 {
			continue
		}
		after, err := positions(h, n, lines, lots, "after")
		if err != nil {
			return nil, err
		}
		before, err := positions(h.At(since), n, lines, lots, "before")
		if err != nil {
			return nil, err
		}
		for _, now := range after {
			if i := slices.IndexFunc(before, func(was position) bool { return was.line == now.line && was.lot == now.lot }); i >= 0 {
				rows = append(rows, before[i].row)
			}
			rows = append(rows, now.row)
		}
	}
	s.Tables = []*sheet.Table{{Name: "rows", Columns: effectColumns, Rows: sheet.Rows(rows...)}}
	return s, nil
}

var effectColumns = sheet.Columns("|", "year", "|", "line", "name", "lot", "when", "|", "adjusted", "spent", "committed", "available", "rate")

// A position is where a line stands, or a lot, with its row.
type position struct {
	line events.Line
	lot  string
	row  sheet.Row
}

// positions are those of some lines and lots of a year; none where the year is not open.
func positions(h *history.History, n events.Year, lines map[events.Line]bool, lots map[string]bool, when string) (out []position, err error) {
	if !slices.Contains(h.Years(), n) {
		return nil, nil
	}
	y, err := h.Year(n)
	if err != nil {
		return nil, err
	}
	balances, err := h.Balances(y, Query{Year: n})
	if err != nil {
		return nil, err
	}
	add := func(line events.Line, lot string, name sheet.Cell, t *events.Totals, adjusted events.Minor, rate string) {
		money := func(m events.Minor, there bool) sheet.Cell {
			if !there {
				return sheet.Cell{}
			}
			return sheet.Money(m, h.Decimals())
		}
		there := y.Budgeted || lot != ""
		if !there {
			rate = ""
		}
		out = append(out, position{line, lot, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Number(n), sheet.Words(string(line)), name, sheet.Words(lot), sheet.Term("place", when),
			money(adjusted, there), money(t.Spent(), true), money(t.Committed, true), money(t.Available(), there), sheet.Rate(rate),
		}}})
	}
	for i, l := range y.Lines() {
		if lines[l.Code] {
			b := &balances[i]
			name := sheet.Named(l.Name, l.NameEn)
			if l.Code == events.Root {
				name = sheet.Say("row.total")
			}
			add(l.Code, "", name, &b.All, b.All.Adjusted(), b.Rate(history.OverAdjusted))
		}
	}
	there, err := h.LotBalances(y, Query{Year: n})
	if err != nil {
		return nil, err
	}
	for i := range there {
		if l := &there[i]; lots[l.Name] {
			add(l.Line, l.Name, sheet.Words(l.Purpose), &l.Totals, l.Adjusted(), sheet.Share(l.Spent(), l.CarriedIn))
		}
	}
	return out, nil
}
