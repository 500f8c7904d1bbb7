package payees

import (
	"cmp"
	"maps"
	"slices"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// A Query is what is asked of payees.
type Query struct {
	// Payee is an id, a name or a reference, and asks for its share in each year of each fund; "" asks for every payee, the largest net first.
	Payee string
	// Limit is how many payees are shown of each currency; 0 shows all. Totals are over all.
	Limit int
}

// Has reports whether a payee has that id, name or reference.
func (p *Payees) Has(payee string) bool { return len(p.find(payee)) > 0 }

// An owned share is one with its payee and, where one payee is asked for, its fund and year.
type owned struct {
	key, currency string
	decimals      int
	funds         []events.Fund
	year          events.Year // 0: of all years
	Share
}

// owned lists the shares of payees that have any: of each currency together, or in each year of each fund.
func (p *Payees) owned(asked map[string]bool, apart bool) ([]owned, error) {
	type at struct {
		key, currency string
		fund          int
		year          events.Year
	}
	sums := map[at]*owned{}
	for pl, s := range p.shares {
		if !asked[pl.key] || *s == (Share{}) {
			continue
		}
		f := p.funds[pl.fund]
		to := at{key: pl.key, currency: f.Currency}
		if apart {
			to.fund, to.year = pl.fund, pl.year
		}
		o := sums[to]
		if o == nil {
			o = &owned{key: pl.key, currency: f.Currency, decimals: f.Decimals, year: to.year}
			sums[to] = o
		}
		if !slices.Contains(o.funds, f.Fund) {
			o.funds = append(o.funds, f.Fund)
		}
		if !o.add(s) {
			return nil, overflow()
		}
	}
	var out []owned
	for _, o := range sums {
		slices.Sort(o.funds)
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b owned) int {
		if apart {
			return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.funds[0], b.funds[0]), cmp.Compare(a.year, b.year))
		}
		return cmp.Or(cmp.Compare(a.currency, b.currency), cmp.Compare(b.Net(), a.Net()), cmp.Compare(a.key, b.key))
	})
	return out, nil
}

func overflow() error {
	return &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.DisbursedM)}}
}

// Sheet is what the payees asked for got, what may have been paid twice to them, and the funds of which it was read. There are totals within each currency
// alone.
func (p *Payees) Sheet(q Query) (*sheet.Sheet, error) {
	asked := p.find(q.Payee)
	apart := q.Payee != ""
	all, err := p.owned(asked, apart)
	if err != nil {
		return nil, err
	}
	member := func(name string, v sheet.Cell) sheet.Member { return sheet.Member{Name: name, Value: v} }
	s := &sheet.Sheet{Name: "payees"}
	if apart {
		s.Name, s.Title = "payee", []sheet.Member{member("payee", sheet.Words(q.Payee))}
	}
	asOf := sheet.Cell{}
	if p.AsOf == nil {
		s.Face = append(s.Face, sheet.Say("face.as-of-any"))
	} else {
		asOf = sheet.Words(p.AsOf.String())
		s.Face = append(s.Face, sheet.Say("face.as-of", member("date", asOf)))
	}
	s.Head = []sheet.Member{member("as_of", asOf), member("asked", sheet.Words(q.Payee))}
	totals, shown, payees := map[string]*owned{}, []owned{}, map[string]bool{}
	for i := range all {
		o := &all[i]
		payees[o.key] = true
		t := totals[o.currency]
		if t == nil {
			t = &owned{currency: o.currency, decimals: o.decimals}
			totals[o.currency] = t
		}
		if !t.add(&o.Share) {
			return nil, overflow()
		}
		if apart || q.Limit == 0 || count(shown, o.currency) < q.Limit {
			shown = append(shown, *o)
		}
	}
	if !apart {
		s.Face = append(s.Face, sheet.Say("face.payees", member("all", sheet.Number(len(payees))), member("funds", sheet.Number(len(p.funds)))))
	}
	if len(shown) < len(all) {
		s.Face = append(s.Face, sheet.Say("face.payees-limit", member("n", sheet.Number(q.Limit))))
	}
	rows := &sheet.Table{Name: "rows", Columns: p.columns(apart, len(shown) == len(all))}
	rows.Rows = func(yield func(sheet.Row) bool) {
		for i := range shown {
			if !yield(p.row(&shown[i], apart)) {
				return
			}
		}
	}
	s.Tables = []*sheet.Table{rows}
	if currencies := slices.Sorted(maps.Keys(totals)); len(currencies) == 1 {
		t := totals[currencies[0]]
		s.Currency, s.Decimals = t.currency, t.decimals
		total := p.row(t, apart)
		for i := range total.Cells[:len(total.Cells)-6] {
			total.Cells[i] = sheet.Left()
		}
		rows.Total = &total
	} else if len(currencies) > 1 {
		s.Tables = append(s.Tables, p.totals(currencies, totals))
	}
	s.Tables = append(s.Tables, p.twiceTable(p.twice(asked)), p.fundTable())
	return s, nil
}

func count(shown []owned, currency string) (n int) {
	for i := range shown {
		if shown[i].currency == currency {
			n++
		}
	}
	return n
}

// columns are those of the payees. Where some are left out, what is shown does not add up to the total.
func (p *Payees) columns(apart, whole bool) []sheet.Column {
	columns := sheet.Columns("name", "id", "other_names")
	if apart {
		columns = append(columns, sheet.Columns("fund", "|", "year", "|")...)
	} else {
		columns = append(columns, sheet.Columns("funds")...)
	}
	columns = append(columns, sheet.Columns("currency", "|", "payments")...)
	for _, name := range []string{"paid", "returned", "recovered", "confirmed", "net"} {
		columns = append(columns, sheet.Column{Name: name, Right: true, Sums: whole})
	}
	return columns
}

func (p *Payees) row(o *owned, apart bool) sheet.Row {
	var others, funds []sheet.Cell
	if names := p.names[o.key]; len(names) > 1 {
		for _, n := range names[1:] {
			others = append(others, sheet.Words(n))
		}
	}
	for _, f := range o.funds {
		funds = append(funds, sheet.Words(string(f)))
	}
	cells := []sheet.Cell{p.payee(o.key), sheet.Words(p.keys[o.key].ID), sheet.Listed(others...)}
	if apart {
		fund := sheet.Cell{}
		if len(funds) > 0 {
			fund = funds[0]
		}
		cells = append(cells, fund, sheet.Number(o.year))
	} else {
		cells = append(cells, sheet.Listed(funds...))
	}
	return sheet.Row{Depth: 1, Cells: append(cells, append([]sheet.Cell{sheet.Words(o.currency)}, sums(o)...)...)}
}

// sums are the last cells of a row: the number of payments, and amounts.
func sums(o *owned) []sheet.Cell {
	cells := []sheet.Cell{sheet.Number(o.Payments)}
	for _, m := range []events.Minor{o.Paid, o.Returned, o.Recovered, o.Confirmed, o.Net()} {
		cells = append(cells, sheet.Money(m, o.decimals))
	}
	return cells
}

// payee is what a payee is called; null is who is not named. Accounts are left out, as on every table: it goes to more people than the log does.
func (p *Payees) payee(k string) sheet.Cell {
	who := p.keys[k]
	name := ""
	if names := p.names[k]; len(names) > 0 {
		name = names[0]
	}
	return sheet.Words(cmp.Or(name, who.ID, who.Ref))
}

// totals has a row for each currency.
func (p *Payees) totals(currencies []string, totals map[string]*owned) *sheet.Table {
	return &sheet.Table{
		Name: "totals", Columns: sheet.Columns("currency", "|", "payments", "paid", "returned", "recovered", "confirmed", "net"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, c := range currencies {
				if !yield(sheet.Row{Depth: 1, Cells: append([]sheet.Cell{sheet.Words(c)}, sums(totals[c])...)}) {
					return
				}
			}
		},
	}
}

// twiceTable has a row for each thing that payments share and should not. An account is not printed: its events lead to it.
func (p *Payees) twiceTable(all []twice) *sheet.Table {
	return &sheet.Table{
		Name: "twice", Columns: sheet.Columns("same", "value", "payees", "events"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, t := range all {
				value := sheet.Words(t.value)
				if t.kind == Account {
					value = sheet.Cell{}
				}
				var who, where []sheet.Cell
				for _, k := range t.keys {
					who = append(who, sheet.Titled(p.title(k), sheet.Member{Name: "name", Value: p.payee(k)}, sheet.Member{Name: "id", Value: sheet.Words(p.keys[k].ID)}))
				}
				for _, at := range t.sights {
					where = append(where, sheet.Titled(string(at.Fund)+" "+at.Seq.String(),
						sheet.Member{Name: "fund", Value: sheet.Words(string(at.Fund))}, sheet.Member{Name: "seq", Value: sheet.Number(at.Seq)}))
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{sheet.Term("same", t.kind), value, sheet.Listed(who...), sheet.Listed(where...)}}) {
					return
				}
			}
		},
	}
}

// title is a payee's name with its id, by which two of one name are told apart.
func (p *Payees) title(k string) string {
	name, id := p.payee(k).Text(), p.keys[k].ID
	if id == "" || id == name {
		return cmp.Or(name, "–")
	}
	return name + " (" + id + ")"
}

// fundTable says of which logs all this is.
func (p *Payees) fundTable() *sheet.Table {
	return &sheet.Table{
		Name: "funds", Columns: sheet.Columns("fund", "currency", "|", "seq", "|", "recorded", "root"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, f := range p.funds {
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Words(string(f.Fund)), sheet.Words(f.Currency), sheet.Number(f.Last), sheet.Words(f.Recorded), sheet.Words(f.Root),
				}}) {
					return
				}
			}
		},
	}
}
