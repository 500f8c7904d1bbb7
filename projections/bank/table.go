package bank

import (
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// Tables lists the tables of a reconciliation in their order.
var Tables = []string{"proof", "accounts", "breaks", "differs", "ambiguous", "ledger_only", "bank_only", "proposed", "matched"}

// Sheet is the reconciliation on one sheet: the proof of balance first, then what differs, what stands on one side alone, what is proposed and what is matched.
// h is the history that the view was made of, root that of its log. only leaves all tables but one out; "" shows all. It is an [events.BadValue] where there is
// no such table.
func (r *Reconciliation) Sheet(h *history.History, root, only string) (*sheet.Sheet, error) {
	if only != "" && !slices.Contains(Tables, only) {
		return nil, &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "only", "value": only, "choices": strings.Join(Tables, " ")}}
	}
	fund, from, to, account := sheet.Words(string(h.Fund())), sheet.Words(r.From.String()), sheet.Words(r.To.String()), sheet.Words(r.Account)
	known := []sheet.Member{{Name: "seq", Value: sheet.Number(h.Last())}, {Name: "recorded", Value: sheet.Words(h.Recorded(h.Last()).Format(events.TimeForm))}}
	s := &sheet.Sheet{Name: "reconciliation", Currency: h.Currency(), Decimals: h.Decimals()}
	s.Title = []sheet.Member{{Name: "fund", Value: fund}, {Name: "from", Value: from}, {Name: "to", Value: to}}
	say := func(name string, args ...sheet.Member) { s.Face = append(s.Face, sheet.Say(name, args...)) }
	if r.Account == "" {
		say("face.accounts-all")
	} else {
		say("face.account", sheet.Member{Name: "account", Value: account})
	}
	say("face.window", sheet.Member{Name: "n", Value: sheet.Number(r.Window)})
	say("face.known-at", known...)
	if root != "" {
		say("face.root", sheet.Member{Name: "root", Value: sheet.Words(root)})
	}
	switch b := &r.Balance; {
	case len(b.Accounts) == 0:
		say("face.no-bank-lines")
	case !b.Known:
		say("face.no-balances")
	case b.Closes():
		say("face.closes")
	default:
		say("face.closes-not", sheet.Member{Name: "amount", Value: sheet.Money(b.Difference(), h.Decimals())}, sheet.Member{Name: "n", Value: sheet.Number(len(b.Breaks))})
	}
	if r.Before > 0 {
		say("face.before-statements", sheet.Member{Name: "n", Value: sheet.Number(r.Before)}, sheet.Member{Name: "date", Value: sheet.Words(r.Begin.String())})
	}
	if r.Account != "" && len(r.v.Accounts()) > 1 {
		say("face.one-account")
	}
	s.Head = []sheet.Member{
		{Name: "fund", Value: fund},
		{Name: "first_day", Value: from},
		{Name: "last_day", Value: to},
		{Name: "account", Value: account},
		{Name: "window_days", Value: sheet.Number(r.Window)},
		{Name: "known_at", Value: sheet.Members(known...)},
		{Name: "root", Value: sheet.Words(root)},
		{Name: "currency", Value: sheet.Words(h.Currency())},
		{Name: "settled", Value: sheet.Truth(r.Settled())},
	}
	tables := []*sheet.Table{r.proof(h.Decimals()), r.accounts(h.Decimals()), r.breaks(h.Decimals())}
	for _, t := range []struct {
		name  string
		state State
		text  string
	}{
		{"differs", Differs, "reason bank_lines events bank_date date bank_amount amount message"},
		{"ambiguous", Ambiguous, "reason bank_lines events bank_date date bank_amount amount message"},
		{"ledger_only", LedgerOnly, "reason events date amount payee voucher"},
		{"bank_only", BankOnly, "reason bank_lines bank_date bank_amount counterparty reference"},
		{"proposed", Proposed, "rule bank_lines events bank_date date bank_amount payee"},
		{"matched", Matched, "rule match bank_lines events bank_date bank_amount payee"},
	} {
		tables = append(tables, r.findings(t.name, t.state, t.text, h.Decimals()))
	}
	if only != "" {
		tables = slices.DeleteFunc(tables, func(t *sheet.Table) bool { return t.Name != only })
	}
	s.Tables = tables
	return s, nil
}

// proof is the balance, as an account is reconciled on paper: the bank's side, then the books', each adjusted by what only the other has.
func (r *Reconciliation) proof(decimals int) *sheet.Table {
	b := &r.Balance
	var rows []sheet.Row
	add := func(item string, amount sheet.Cell, seqs []events.Seq) {
		n, of := sheet.Cell{}, sheet.Cell{}
		if seqs != nil {
			n, of = sheet.Number(len(seqs)), sheet.Numbers(seqs)
		}
		rows = append(rows, sheet.Row{Depth: 1, Cells: []sheet.Cell{sheet.Term("proof", item), amount, n, of}})
	}
	money := func(m events.Minor) sheet.Cell { return sheet.Money(m, decimals) }
	stated := func(m events.Minor) sheet.Cell { // by the bank
		if !b.Known {
			return sheet.Cell{}
		}
		return money(m)
	}
	add("bank-opening", stated(b.Opening), nil)
	add("bank-in", money(b.In), nil)
	add("bank-out", money(b.Out), nil)
	add("bank-closing", stated(b.Closing), nil)
	add("ledger-only-in", money(b.LedgerIn.Amount), b.LedgerIn.Seqs)
	add("ledger-only-out", money(b.LedgerOut.Amount), b.LedgerOut.Seqs)
	add("bank-adjusted", stated(b.Bank()), nil)
	add("book-opening", stated(b.BookOpening), nil)
	add("book-in", money(b.BookIn), nil)
	add("book-out", money(b.BookOut), nil)
	add("book-settled", money(b.Settled), nil)
	add("book-closing", stated(b.BookClosing), nil)
	add("bank-only-in", money(b.BankIn.Amount), b.BankIn.Seqs)
	add("bank-only-out", money(b.BankOut.Amount), b.BankOut.Seqs)
	add("book-adjusted", stated(b.Book()), nil)
	add("difference", stated(b.Difference()), nil)
	return &sheet.Table{Name: "proof", Columns: sheet.Columns("item", "|", "amount", "count", "|", "events"), Rows: sheet.Rows(rows...)}
}

func (r *Reconciliation) accounts(decimals int) *sheet.Table {
	return &sheet.Table{
		Name: "accounts", Columns: sheet.Columns("account", "|", "lines", "opening", "received", "paid_out", "closing"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, a := range r.Balance.Accounts {
				opening, closing := sheet.Cell{}, sheet.Cell{}
				if a.Known {
					opening, closing = sheet.Money(a.Opening, decimals), sheet.Money(a.Closing, decimals)
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Words(a.Account), sheet.Number(a.Lines), opening, sheet.Money(a.In, decimals), sheet.Money(a.Out, decimals), closing,
				}}) {
					return
				}
			}
		},
	}
}

// breaks are the balances that do not follow from the one before: a line is missing there, or stands twice, or was changed.
func (r *Reconciliation) breaks(decimals int) *sheet.Table {
	return &sheet.Table{
		Name: "breaks", Columns: sheet.Columns("account", "|", "seq", "|", "bank_date", "|", "balance", "expected", "difference"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, b := range r.Balance.Breaks {
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Words(b.Line.Account), sheet.Number(b.Line.Seq), sheet.Words(b.Line.Day.String()), sheet.Money(b.Stated, decimals),
					sheet.Money(b.Expected, decimals), sheet.Money(b.Stated-b.Expected, decimals),
				}}) {
					return
				}
			}
		},
	}
}

// findings has a row for each finding of a state.
func (r *Reconciliation) findings(name string, state State, text string, decimals int) *sheet.Table {
	return &sheet.Table{
		Name: name, Text: strings.Fields(text),
		Columns: sheet.Columns("rule", "reason", "|", "match", "|", "bank_lines", "events", "beside", "bank_date", "date", "|", "bank_amount", "amount", "difference", "|",
			"counterparty", "payee", "reference", "voucher", "message", "command"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, f := range r.Of(state) {
				if !yield(sheet.Row{Depth: 1, Cells: r.cells(f, decimals)}) {
					return
				}
			}
		},
	}
}

func (r *Reconciliation) cells(f *Finding, decimals int) []sheet.Cell {
	var lines, moves []events.Seq
	var counterparties, references, payees, vouchers, bankDays, days []sheet.Cell
	once := func(to *[]sheet.Cell, s string) {
		if s != "" && !slices.ContainsFunc(*to, func(c sheet.Cell) bool { return c.Text() == s }) {
			*to = append(*to, sheet.Words(s))
		}
	}
	for _, l := range f.Lines {
		lines = append(lines, l.Seq)
		once(&counterparties, l.Counterparty)
		once(&references, l.Reference)
		once(&bankDays, l.Day.String())
	}
	for _, m := range f.Events {
		moves = append(moves, m.Seq)
		once(&payees, m.Calls())
		once(&vouchers, m.Voucher.Number)
		once(&days, m.Date.String())
	}
	slices.Sort(lines)
	slices.Sort(moves)
	bank, book, difference, match, command := sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, sheet.Cell{}
	if len(lines) > 0 {
		bank = sheet.Money(f.Bank(), decimals)
	}
	if len(moves) > 0 {
		book = sheet.Money(f.Book(), decimals)
	}
	if len(lines) > 0 && len(moves) > 0 {
		difference = sheet.Money(f.Bank()-f.Book(), decimals)
	}
	if f.Match != nil {
		match = sheet.Number(f.Match.Seq)
	}
	if d := r.Command(f, decimals); d != nil {
		command = sheet.Words(string(d.JSON()))
	}
	return []sheet.Cell{
		sheet.Term("matching", string(f.Rule)), sheet.Term("reconciled", string(f.Reason)), match, sheet.Numbers(lines), sheet.Numbers(moves), sheet.Numbers(f.Beside),
		sheet.Listed(bankDays...), sheet.Listed(days...), bank, book, difference, sheet.Listed(counterparties...), sheet.Listed(payees...), sheet.Listed(references...),
		sheet.Listed(vouchers...), r.Message(f, decimals), command,
	}
}

// Calls is what the payee is called. Its account is left out, as on every table.
func (m *Movement) Calls() string {
	if m.Payee.Name != "" {
		return m.Payee.Name
	}
	return m.Payee.Ref
}

// Message says what a finding is and what can be done; null where the state says it.
func (r *Reconciliation) Message(f *Finding, decimals int) sheet.Cell {
	if f.Reason == "" {
		if f.Match != nil && f.Match.Reason != "" {
			return sheet.Words(f.Match.Reason)
		}
		return sheet.Cell{}
	}
	days := 0
	if len(f.Lines) == 1 && len(f.Events) == 1 {
		days = (&finder{q: r.Query}).days(f.Lines[0], f.Events[0])
	}
	name := "reconcile." + string(f.Reason)
	switch {
	case f.Reason == Late && days < 0:
		name, days = "reconcile.early", -days
	case f.Reason == CameBack && f.Returns == nil:
		name = "reconcile.returned-unknown"
	case f.Reason == Doubled && len(f.Events) == 0:
		name = "reconcile.doubled-beside"
	}
	difference := f.Bank() - f.Book()
	payment := sheet.Cell{}
	if f.Returns != nil {
		payment = sheet.Number(f.Returns.Seq)
	}
	return sheet.Say(name,
		sheet.Member{Name: "difference", Value: sheet.Money(max(difference, -difference), decimals)}, sheet.Member{Name: "days", Value: sheet.Number(days)},
		sheet.Member{Name: "lines", Value: sheet.Number(len(f.Lines))}, sheet.Member{Name: "events", Value: sheet.Number(len(f.Events))},
		sheet.Member{Name: "beside", Value: sheet.Numbers(f.Beside)}, sheet.Member{Name: "payment", Value: payment})
}

// Sure reports whether a proposal may be carried out without being looked at: a sum can come about by chance.
func (f *Finding) Sure() bool { return f.State == Proposed && f.Rule != events.BySum }

// Commands are the bank-matched commands of the proposals, those of sums only where all are asked for.
func (r *Reconciliation) Commands(all bool) (out []*events.Draft) {
	for _, f := range r.Of(Proposed) {
		if all || f.Sure() {
			out = append(out, r.matching(f, f.Rule))
		}
	}
	return out
}

// matching is the command that matches a finding.
func (r *Reconciliation) matching(f *Finding, rule events.Matching) *events.Draft {
	var lines, moves []events.Ref
	year := f.Lines[0].Year
	for _, l := range f.Lines {
		lines = append(lines, events.Ref{Seq: l.Seq})
	}
	for i, m := range f.Events {
		if i == 0 {
			year = m.Year
		}
		moves = append(moves, events.Ref{Seq: m.Seq})
	}
	return events.NewDraft(events.BankMatched, r.v.fund, year).Refs("bank_lines", lines).Refs("events", moves).Text("rule", string(rule))
}

// Command is what an operator may append about a finding, nil where that is not to be told.
func (r *Reconciliation) Command(f *Finding, decimals int) *events.Draft {
	switch {
	case f.State == Proposed:
		return r.matching(f, f.Rule)
	case f.Reason == TakenBack && len(f.Lines) == 1: // which is another matching than the one before, not that one again
		undone := f.Lines[0].undone
		return r.matching(f, events.ByHand).Text("id", "matched-again-"+undone[len(undone)-1].String()+"-"+f.Lines[0].Seq.String())
	case f.State == Differs && slices.Contains([]Reason{Late, OtherName, OtherBank, Unnamed}, f.Reason):
		return r.matching(f, events.ByHand)
	case f.Reason == Bounced:
		return r.matching(f, events.ByHand).Text("reason", "退票 bank return") // it is stored, for readers of either language
	case f.Reason == CameBack && f.Returns != nil:
		return events.NewDraft(events.ClawedBack, r.v.fund, f.Returns.Year).Text("cause", string(events.Returned)).Text("date", f.Lines[0].Day.String()).
			Ref("of", events.Ref{Seq: f.Returns.Seq}).Text("note", "bank-line "+string(f.Lines[0].ID))
	case f.Reason == Received:
		l := f.Lines[0]
		return events.NewDraft(events.ClawedBack, r.v.fund, l.Year).Text("cause", string(events.Unidentified)).Text("date", l.Day.String()).
			Text("amount", l.Amount.Format(decimals)).Text("note", "bank-line "+string(l.ID))
	}
	return nil
}
