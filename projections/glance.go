package projections

import (
	"fundledger/events"
	"fundledger/projections/sheet"
)

// A Glance is every year of several funds on one sheet. Each fund is added from its own book, which is not kept. The zero Glance has none.
type Glance struct {
	// AsOf counts what counts up to that business date; nil sets no limit.
	AsOf *events.Day

	rows       []sheet.Row
	currencies map[string]bool
}

// Add adds the years of a fund. root is the root of its log.
func (g *Glance) Add(b *Book, root string) error {
	h := b.history
	for _, n := range h.Years() {
		y, err := h.Year(n)
		if err != nil {
			return err
		}
		balances, err := h.Balances(y, Query{AsOf: g.AsOf})
		if err != nil {
			return err
		}
		open, err := b.open(Query{Year: n, AsOf: g.AsOf})
		if err != nil {
			return err
		}
		all := &balances[0]
		adjusted, rate, available := sheet.Cell{}, sheet.Cell{}, sheet.Cell{}
		if y.Budgeted {
			adjusted, available = sheet.Money(all.All.Adjusted(), h.Decimals()), sheet.Money(all.All.Available(), h.Decimals())
			rate = sheet.Rate(all.Rate(""))
		}
		g.rows = append(g.rows, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Words(string(h.Fund())), sheet.Named(y.Name, y.NameEn), sheet.Words(y.NameEn), sheet.Number(n), sheet.Words(h.Currency()),
			adjusted, sheet.Money(all.All.Spent(), h.Decimals()), rate, available, sheet.Number(open.Count), sheet.Truth(y.Closed),
			sheet.Number(h.Last()), sheet.Words(h.Recorded(h.Last()).Format(events.TimeForm)), sheet.Words(root),
		}})
		if g.currencies == nil {
			g.currencies = map[string]bool{}
		}
		g.currencies[h.Currency()] = true
	}
	return nil
}

// Sheet is what was added. Amounts are in each fund's own currency.
func (g *Glance) Sheet() *sheet.Sheet {
	s := &sheet.Sheet{Name: "funds"}
	for c := range g.currencies {
		if len(g.currencies) == 1 {
			s.Currency = c
		}
	}
	asOf := sheet.Cell{}
	if g.AsOf == nil {
		s.Face = append(s.Face, sheet.Say("face.as-of-any"))
	} else {
		asOf = sheet.Words(g.AsOf.String())
		s.Face = append(s.Face, sheet.Say("face.as-of", sheet.Member{Name: "date", Value: asOf}))
	}
	s.Head = []sheet.Member{{Name: "as_of", Value: asOf}}
	s.Face = append(s.Face, sheet.Say("face.denominator.adjusted"))
	s.Tables = []*sheet.Table{{
		Name: "rows", Rows: sheet.Rows(g.rows...),
		Columns: sheet.Columns("fund", "name", "name_en", "|", "year", "|", "currency", "|", "adjusted", "spent", "rate", "available", "open", "|", "closed", "|", "seq", "|", "recorded", "root"),
		Text:    []string{"fund", "name", "year", "currency", "adjusted", "spent", "rate", "available", "open", "closed", "seq", "recorded"},
	}}
	return s
}
