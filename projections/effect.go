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
	e := &effect{before: h.At(since), touched: map[events.Year]*touched{}}
	for _, n := range h.Years() {
		y, err := h.Year(n)
		if err != nil {
			return nil, err
		}
		h.Postings(y, func(p *history.Posting) {
			if p.Seq > since {
				e.touch(&p.Posting)
			}
		})
	}
	return e.sheet(h.Currency(), h.Decimals(), h.Fund(), h.Years(), func(n events.Year) (*history.Year, []history.Balance, []history.LotBalance, error) {
		return stands(h, n)
	})
}

// Foresee is the [Book.Effect] of events that are in no log yet and would be the next ones. Nothing is applied to the book.
func (b *Book) Foresee(next []events.Event) (*sheet.Sheet, error) {
	h := b.history
	ahead, err := h.Ahead(next)
	if err != nil {
		return nil, err
	}
	e := &effect{before: h, touched: map[events.Year]*touched{}}
	for i := range next {
		for k := range next[i].Postings {
			e.touch(&next[i].Postings[k])
		}
	}
	currency, decimals, fund := h.Currency(), h.Decimals(), h.Fund()
	if h.Last() == 0 && len(next) > 0 { // the first event says what they are
		currency, decimals, fund = next[0].Resolved.Currency, next[0].Resolved.Decimals, next[0].Command.Fund
	}
	return e.sheet(currency, decimals, fund, ahead.Years(), ahead.Year)
}

// An effect is what becomes of what is posted to.
type effect struct {
	before   *history.History
	touched  map[events.Year]*touched
	decimals int
}

type touched struct {
	lines map[events.Line]bool
	lots  map[string]bool
}

func (e *effect) touch(p *events.Posting) {
	t := e.touched[p.Year]
	if t == nil {
		t = &touched{map[events.Line]bool{}, map[string]bool{}}
		e.touched[p.Year] = t
	}
	t.lines[p.Line] = true
	if p.Lot != "" {
		t.lots[p.Lot] = true
	}
}

// stands is how a year stands in a history.
func stands(h *history.History, n events.Year) (*history.Year, []history.Balance, []history.LotBalance, error) {
	y, err := h.Year(n)
	if err != nil {
		return nil, nil, nil, err
	}
	balances, err := h.Balances(y, Query{Year: n})
	if err != nil {
		return nil, nil, nil, err
	}
	lots, err := h.LotBalances(y, Query{Year: n})
	return y, balances, lots, err
}

func (e *effect) sheet(currency string, decimals int, fund events.Fund, years []events.Year, then func(events.Year) (*history.Year, []history.Balance, []history.LotBalance, error)) (*sheet.Sheet, error) {
	e.decimals = decimals
	s := &sheet.Sheet{
		Name: "effect", Currency: currency, Decimals: decimals,
		Title: []sheet.Member{{Name: "fund", Value: sheet.Words(string(fund))}},
		Head:  []sheet.Member{{Name: "fund", Value: sheet.Words(string(fund))}, {Name: "currency", Value: sheet.Words(currency)}},
	}
	var rows []sheet.Row
	for _, n := range years {
		if e.touched[n] == nil {
			continue
		}
		y, balances, lots, err := then(n)
		if err != nil {
			return nil, err
		}
		after := e.positions(y, balances, lots, "after")
		var before []position
		if slices.Contains(e.before.Years(), n) {
			if y, balances, lots, err = stands(e.before, n); err != nil {
				return nil, err
			}
			before = e.positions(y, balances, lots, "before")
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

// positions are those of the lines and lots of a year that are touched.
func (e *effect) positions(y *history.Year, balances []history.Balance, lots []history.LotBalance, when string) (out []position) {
	of := e.touched[y.Year]
	add := func(line events.Line, lot string, name sheet.Cell, t *events.Totals, adjusted events.Minor, rate string) {
		money := func(m events.Minor, there bool) sheet.Cell {
			if !there {
				return sheet.Cell{}
			}
			return sheet.Money(m, e.decimals)
		}
		there := y.Budgeted || lot != ""
		if !there {
			rate = ""
		}
		out = append(out, position{line, lot, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Number(y.Year), sheet.Words(string(line)), name, sheet.Words(lot), sheet.Term("place", when),
			money(adjusted, there), money(t.Spent(), true), money(t.Committed, true), money(t.Available(), there), sheet.Rate(rate),
		}}})
	}
	for i, l := range y.Lines() {
		if of.lines[l.Code] {
			b := &balances[i]
			name := sheet.Named(l.Name, l.NameEn)
			if l.Code == events.Root {
				name = sheet.Say("row.total")
			}
			add(l.Code, "", name, &b.All, b.All.Adjusted(), b.Rate(history.OverAdjusted))
		}
	}
	for i := range lots {
		if l := &lots[i]; of.lots[l.Name] {
			add(l.Line, l.Name, sheet.Words(l.Purpose), &l.Totals, l.Adjusted(), sheet.Share(l.Spent(), l.CarriedIn))
		}
	}
	return out
}
