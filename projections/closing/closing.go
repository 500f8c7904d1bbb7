// Package closing is what is open at the end of a month or of a year, and the commands that close a year.
//
// [YearEnd] is one sheet of what whoever closes a year has to look at:
//
//	rows        what is left on each line
//	waiting     what is committed, in transit and in suspense
//	lots        the lots of the year that have something left, and whether they are due
//	bank_only   lines of the bank's that nothing is matched with
//	ledger_only payments and money back that no line of the bank's is matched with; nothing where no line of the bank's is known
//	exceptions  what is out of order and not explained
//	months      the months that are not closed
//	commands    the commands of a plan
//
// [MonthEnd] adds those of them that a month can have to its monthly table. Nothing of this hinders closing but what [Draft] asks for: a ledger takes
// confirmations of receipt, lines of the bank's and explanations in a closed year too.
//
// An advance (暂付款) is nothing that a ledger knows of before it is booked as spending; the face says how much was booked out of advances this year, and that
// others are for people to look for.
package closing

import (
	"fundledger/events"
	"fundledger/projections/bank"
	"fundledger/projections/exceptions"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"
)

// YearEnd is what is open of a year, and the plan to close it.
func YearEnd(h *history.History, q history.Query, all []exceptions.Exception, open history.Open, plan *Plan) (*sheet.Sheet, error) {
	execution, err := h.Execution(q, open)
	if err != nil {
		return nil, err
	}
	s, y, err := h.Sheet("closing", q, open, false)
	if err != nil {
		return nil, err
	}
	rows := execution.Tables[0]
	rows.Text = []string{"line", "name", "adjusted", "spent", "committed", "in_transit", "suspense", "lapsed", "carried_out", "available"}
	s.Tables = []*sheet.Table{rows}
	if err := advances(h, y, q, s); err != nil {
		return nil, err
	}
	lots, err := h.LotBalances(y, q)
	if err != nil {
		return nil, err
	}
	var left []sheet.Row
	for i := range lots {
		l := &lots[i]
		if a := l.Available(); a != 0 || l.Committed != 0 {
			left = append(left, sheet.Row{Depth: 1, Cells: []sheet.Cell{
				sheet.Words(l.Name), sheet.Words(string(l.Line)), sheet.Words(l.Purpose), sheet.Number(l.FromYear), sheet.Money(l.Committed, h.Decimals()),
				sheet.Money(a, h.Decimals()), sheet.Words(l.Expires.String()), sheet.Truth(l.Expires <= y.To),
			}})
		}
	}
	var months []sheet.Row
	for _, m := range progress.Months(h, y) {
		if !m.Closed {
			months = append(months, sheet.Row{Depth: 1, Cells: []sheet.Cell{sheet.Words(m.Date.String())}})
		}
	}
	if err := unsettled(h, y, q, all, s); err != nil {
		return nil, err
	}
	s.Tables = append(s.Tables,
		&sheet.Table{
			Name: "lots", Rows: sheet.Rows(left...),
			Columns: append(sheet.Columns("lot", "line", "purpose", "|", "from_year", "committed", "left", "|", "expires"), sheet.Column{Name: "due"}),
		},
		&sheet.Table{Name: "months", Columns: sheet.Columns("month"), Rows: sheet.Rows(months...)},
		proposed(h, plan))
	return s, nil
}

// MonthEnd adds what is unsettled at the end of a month to its table.
func MonthEnd(s *sheet.Sheet, h *history.History, q history.Query, all []exceptions.Exception) error {
	y, err := h.Year(q.Year)
	if err != nil {
		return err
	}
	return unsettled(h, y, q, all, s)
}

// advances says what was booked out of advances.
func advances(h *history.History, y *history.Year, q history.Query, s *sheet.Sheet) error {
	var t events.Totals
	var failed error
	h.Counted(y, q, func(p *history.Posting) {
		if p.Channel == events.Conversion && (p.Measure == events.DisbursedM || p.Measure == events.ReturnedM) {
			if err := t.Add(p.Measure, p.Amount); err != nil && failed == nil {
				failed = err
			}
		}
	})
	s.Face = append(s.Face, sheet.Say("face.advances", sheet.Member{Name: "amount", Value: sheet.Money(t.Spent(), h.Decimals())}))
	return failed
}

// unsettled adds the tables that a month and a year have in common.
func unsettled(h *history.History, y *history.Year, q history.Query, all []exceptions.Exception, s *sheet.Sheet) error {
	money := func(a events.Minor) sheet.Cell { return sheet.Money(a, h.Decimals()) }
	waits, err := progress.Waits(h, q)
	if err != nil {
		return err
	}
	var waiting, open []sheet.Row
	for _, w := range waits {
		seq, payee := sheet.Cell{}, sheet.Cell{}
		if w.Seq != 0 {
			seq, payee = sheet.Number(w.Seq), history.PayeeCell(h.Payee(w.Seq))
		}
		waiting = append(waiting, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Term("waiting", string(w.Kind)), seq, sheet.Words(string(w.Line)), sheet.Words(w.Lot), sheet.Words(w.Since.String()), payee, money(w.Amount),
		}})
	}
	for _, x := range all {
		amount := sheet.Cell{}
		if x.Amount != 0 {
			amount = money(x.Amount)
		}
		seq := sheet.Cell{}
		if x.Seq != 0 {
			seq = sheet.Number(x.Seq)
		}
		open = append(open, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Term("flag", string(x.Code)), sheet.Words(string(x.Line)), sheet.Words(x.Lot), seq, amount, sheet.Words(x.Since),
		}})
	}
	lines, movements, err := unmatched(h, y, q)
	if err != nil {
		return err
	}
	s.Tables = append(s.Tables,
		&sheet.Table{Name: "waiting", Columns: sheet.Columns("kind", "|", "seq", "|", "line", "lot", "since", "payee", "|", "amount"), Rows: sheet.Rows(waiting...)},
		&sheet.Table{
			Name: "bank_only", Columns: sheet.Columns("|", "seq", "|", "date", "account", "|", "amount", "|", "counterparty", "reference"), Rows: sheet.Rows(lines...),
		},
		&sheet.Table{
			Name: "ledger_only", Columns: sheet.Columns("|", "seq", "|", "kind", "date", "|", "amount", "|", "payee", "voucher"), Rows: sheet.Rows(movements...),
		},
		&sheet.Table{Name: "exceptions", Columns: sheet.Columns("code", "line", "lot", "|", "seq", "amount", "|", "since"), Rows: sheet.Rows(open...)})
	return nil
}

// unmatched finds the lines of the bank's, and the events of a year that a bank has to know of, which are not matched. Lines of the bank's are of their account
// rather than of a year: those of any year are there up to the date asked for, or the end of the year.
func unmatched(h *history.History, y *history.Year, q history.Query) (lines, movements []sheet.Row, err error) {
	if !h.Banked() {
		return nil, nil, nil
	}
	both, err := bank.Of(h)
	if err != nil {
		return nil, nil, err
	}
	end := y.To
	if q.AsOf != nil {
		end = *q.AsOf
	}
	for _, l := range both.Lines() {
		if l.Match == nil && l.Day <= end {
			lines = append(lines, sheet.Row{Depth: 1, Cells: []sheet.Cell{
				sheet.Number(l.Seq), sheet.Words(l.Day.String()), sheet.Words(l.Account), sheet.Money(l.Amount, h.Decimals()), sheet.Words(l.Counterparty), sheet.Words(l.Reference),
			}})
		}
	}
	for _, m := range both.Movements() {
		if m.Match == nil && m.Year == y.Year && m.Date.First() <= end {
			movements = append(movements, sheet.Row{Depth: 1, Cells: []sheet.Cell{
				sheet.Number(m.Seq), sheet.Term("kind", string(m.Kind)), sheet.Words(m.Date.String()), sheet.Money(m.Amount, h.Decimals()), history.PayeeCell(m.Payee),
				history.VoucherCell(m.Voucher),
			}})
		}
	}
	return lines, movements, nil
}

// proposed lists the commands of a plan.
func proposed(h *history.History, plan *Plan) *sheet.Table {
	var rows []sheet.Row
	for _, st := range plan.Steps {
		amount, of := sheet.Cell{}, sheet.Cell{}
		if st.Kind != events.YearClosed {
			amount = sheet.Money(st.Amount, h.Decimals())
		}
		if st.Of != 0 {
			of = sheet.Number(st.Of)
		}
		rows = append(rows, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Term("kind", string(st.Kind)), sheet.Term("cause", string(st.Cause)), sheet.Words(string(st.Line)), of, amount, sheet.Words(st.Lot), sheet.Words(st.Purpose),
		}})
	}
	return &sheet.Table{
		Name: "commands", Columns: sheet.Columns("kind", "cause", "line", "|", "of", "amount", "|", "lot", "purpose"), Rows: sheet.Rows(rows...),
	}
}
