package progress

import (
	"cmp"
	"slices"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A transfer is what went to one receiver over lower treasuries.
type transfer struct {
	events.Totals        // over lower treasuries alone
	value         string // of the dimension asked for
	payee         events.Payee
	payments      map[events.Seq]bool
	oldest        events.Day
	waits         bool
}

// TransitTable is what lower treasuries were sent: for each value of the dimension asked for (the district, where the year has that) and each payee of the
// transfers how much was sent, came back and was confirmed, and since when the oldest of what is in transit waits.
func TransitTable(h *history.History, q history.Query, open history.Open) (*sheet.Sheet, error) {
	q = divided(h, q)
	s, y, err := h.Sheet("transit", q, open, false)
	if err != nil {
		return nil, err
	}
	day := today(h, q)
	dated(s, day)
	type receiver struct{ value, id, name, ref string }
	all := map[receiver]*transfer{}
	var list []*transfer
	var total events.Totals
	// What waits is told apart as in the ageing table.
	w := newWaiter(h, y, q)
	d := w.d
	h.Counted(y, q, func(p *history.Posting) {
		if _, sent := sentParts[p.Measure]; !sent || p.Channel != events.LowerTreasury || w.failed != nil {
			return
		}
		w.add(Transit, p, sentParts[p.Measure]*p.Amount)
		if err := total.Add(p.Measure, p.Amount); err != nil && w.failed == nil {
			w.failed = err
		}
		pay := w.root(Transit, p.Seq)
		payee := h.Payee(pay)
		key := receiver{d.value(p, pay), payee.ID, payee.Name, payee.Ref}
		t := all[key]
		if t == nil {
			t = &transfer{value: key.value, payee: payee, payments: map[events.Seq]bool{}}
			all[key] = t
			list = append(list, t)
		}
		t.payments[pay] = true
		if err := t.Add(p.Measure, p.Amount); err != nil && w.failed == nil {
			w.failed = err
		}
	})
	if w.failed != nil {
		return nil, w.failed
	}
	for _, one := range w.waits {
		payee := h.Payee(one.root)
		if t := all[receiver{one.value, payee.ID, payee.Name, payee.Ref}]; one.amount > 0 && (!t.waits || one.since < t.oldest) {
			t.oldest, t.waits = one.since, true
		}
	}
	list = slices.DeleteFunc(list, func(t *transfer) bool { return t.IsZero() })
	slices.SortStableFunc(list, func(a, b *transfer) int {
		if (a.value == "") != (b.value == "") { // what has none comes last
			return cmp.Compare(b.value, a.value)
		}
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.payee.Name, b.payee.Name), cmp.Compare(a.payee.ID, b.payee.ID))
	})
	columns := append(sheet.Columns("group", "payee"), sheet.Column{Name: "payments", Right: true})
	for _, name := range []string{"sent", "returned", "confirmed", "in_transit"} {
		columns = append(columns, sheet.Column{Name: name, Right: true, Sums: true})
	}
	money := func(t *events.Totals) []sheet.Cell {
		return []sheet.Cell{
			sheet.Money(t.Disbursed, h.Decimals()), sheet.Money(t.Returned, h.Decimals()), sheet.Money(t.Confirmed, h.Decimals()),
			sheet.Money(t.Spent()-t.Confirmed, h.Decimals()),
		}
	}
	t := &sheet.Table{
		Name: "rows", Columns: append(columns, sheet.Column{Name: "oldest"}, sheet.Column{Name: "days", Right: true}),
		Total: &sheet.Row{Cells: slices.Concat([]sheet.Cell{sheet.Left(), sheet.Left(), sheet.Left()}, money(&total),
			[]sheet.Cell{sheet.Left(), sheet.Left()})},
		Rows: func(yield func(sheet.Row) bool) {
			for _, t := range list {
				oldest, days := sheet.Cell{}, sheet.Cell{}
				if t.waits {
					oldest, days = sheet.Words(t.oldest.String()), sheet.Number(max(int64(day-t.oldest), 0))
				}
				if !yield(sheet.Row{Depth: 1, Cells: slices.Concat([]sheet.Cell{d.cell(t.value), history.PayeeCell(t.payee), sheet.Number(len(t.payments))},
					money(&t.Totals), []sheet.Cell{oldest, days})}) {
					return
				}
			}
		},
	}
	if q.By == "" {
		t.Text = []string{"payee", "payments", "sent", "returned", "confirmed", "in_transit", "oldest", "days"}
	}
	s.Tables = []*sheet.Table{t}
	return s, nil
}
