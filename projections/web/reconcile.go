package web

import (
	"cmp"
	"encoding/json"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/bank"
	"fundledger/projections/sheet"
)

// A reconcilePage is both sides of the bank, beside each other.
type reconcilePage struct {
	*Proposal
	// Month and Account are what is asked for, "" for all of them, and Window how many days the bank may take.
	Month, Account string
	Window         int
	Months         []string
	Accounts       []string
	// Balance is the proof of the balance, with the accounts and where a statement does not follow from itself.
	Balance template.HTML
	Groups  []findingGroup
	// Proposed is how many matchings are proposed, and Sure of them those that need not be looked at.
	Proposed, Sure int
	Tried          bool
	v              *view
}

// A findingGroup is the findings of one state.
type findingGroup struct {
	State    string
	Findings []finding
	// Others is how many more there are.
	Others int
}

// A finding is what belongs together of both sides, or stands on one of them.
type finding struct {
	Bank, Book []entry
	// Why is its rule or its reason in words, Message what that means, and Do what can be appended about it.
	Why, Message string
	Difference   string
	Do           []deed
}

// An entry is a line of a statement, or an event.
type entry struct {
	Seq                      events.Seq
	Date, Amount, Party, Ref string
}

// A deed is a form that is filled in already.
type deed struct{ Words, Address string }

// findingsMost is how many findings of one state a page shows.
const findingsMost = 200

// proposedMost is how many matchings are appended at once: they stand or fall together.
const proposedMost = 1000

// reconciliation shows the ledger held against the bank.
func (v *view) reconciliation(b *projections.Book, a *ask) error {
	y, err := b.History().Year(v.Year)
	if err != nil {
		return err
	}
	v.Tab, v.Title = "reconciliation", v.Say("reconcile.title", "year", v.Year.String())
	found, err := reconciled(b, a)
	if err != nil {
		return err
	}
	decimals := b.History().Decimals()
	p := &reconcilePage{v: v, Window: a.window, Account: a.account, Accounts: found.Accounts(), Tried: v.tried}
	if !a.month.IsZero() {
		p.Month = a.month.String()
	}
	for day := y.From; day <= y.To; {
		month, err := events.ParseMonth(day.String()[:7])
		if err != nil {
			return err
		}
		p.Months = append(p.Months, month.String())
		day = month.Last() + 1
	}
	s, err := found.Sheet(b.History(), a.query.Root, "")
	if err != nil {
		return err
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(t *sheet.Table) bool { return !slices.Contains([]string{"proof", "accounts", "breaks"}, t.Name) })
	for i, t := range s.Tables {
		if !hasRows(t) {
			continue
		}
		made, err := v.showTable(s, i)
		if err != nil {
			return err
		}
		called := template.HTMLEscapeString(sheet.Catalogue.Say(v.Lang, "table."+t.Name, nil))
		p.Balance += template.HTML("<h2>" + called + "</h2>\n" + string(made))
	}
	for _, state := range []bank.State{bank.Differs, bank.Ambiguous, bank.LedgerOnly, bank.BankOnly, bank.Proposed, bank.Matched} {
		all := found.Of(state)
		if len(all) == 0 {
			continue
		}
		name := strings.ReplaceAll(string(state), "-", "_")
		g := findingGroup{State: sheet.Catalogue.Say(v.Lang, "table."+name, nil), Others: max(0, len(all)-findingsMost)}
		for _, f := range all[:min(len(all), findingsMost)] {
			g.Findings = append(g.Findings, v.finding(found, f, decimals))
		}
		p.Groups = append(p.Groups, g)
	}
	commands := found.Commands(true)
	p.Proposed, p.Sure = len(commands), len(found.Commands(false))
	v.drafts = commands[:min(len(commands), proposedMost)]
	v.Main = p
	return nil
}

func (v *view) finding(r *bank.Reconciliation, f *bank.Finding, decimals int) finding {
	money := func(m events.Minor) string { return words.Money(m.Format(decimals)) }
	var out finding
	for _, l := range f.Lines {
		out.Bank = append(out.Bank, entry{l.Seq, l.Day.String(), money(l.Amount), l.Counterparty, l.Reference})
	}
	for _, m := range f.Events {
		out.Book = append(out.Book, entry{m.Seq, m.Date.String(), money(m.Amount), m.Calls(), m.Voucher.Number})
	}
	if out.Why = sheet.Catalogue.Find(v.Lang, "reconciled."+string(f.Reason), nil); f.Reason == "" {
		out.Why = sheet.Catalogue.Find(v.Lang, "matching."+string(f.Rule), nil)
	}
	if cell := r.Message(f, decimals); cell.Kind == sheet.Saying {
		args := map[string]string{}
		for _, m := range cell.Members() {
			switch m.Value.Kind {
			case sheet.Amount:
				args[m.Name] = m.Value.Minor().Format(decimals)
			case sheet.Integer:
				args[m.Name] = strconv.FormatInt(m.Value.Int(), 10)
			case sheet.Seqs:
				var all []string
				for _, n := range m.Value.Seqs() {
					all = append(all, n.String())
				}
				args[m.Name] = strings.Join(all, v.Say("list.comma"))
			}
		}
		out.Message = sheet.Catalogue.Say(v.Lang, cell.Text(), args)
	} else {
		out.Message = cell.Text()
	}
	if len(f.Lines) > 0 && len(f.Events) > 0 && f.Bank() != f.Book() {
		out.Difference = money(f.Bank() - f.Book())
	}
	if f.State == bank.Matched || f.State == bank.Proposed || v.site.desk == nil {
		return out
	}
	if d := r.Command(f, decimals); d != nil {
		if kind, fields := formOf(d.JSON()); kind != "" {
			does := map[string]string{"returned": v.Say("reconcile.do-returned"), "unidentified": v.Say("reconcile.do-unidentified")}[kind]
			out.Do = append(out.Do, deed{cmp.Or(does, v.Say("reconcile.do-bank-matched")), v.filledForm(kind, fields)})
		}
	}
	if f.State == bank.BankOnly && len(f.Lines) == 1 {
		l := f.Lines[0]
		if f.Reason == bank.Spent {
			fields := url.Values{"year": {l.Year.String()}, "date": {l.Day.String()}, "amount": {(-l.Amount).Format(decimals)}, "payee": {l.Counterparty}, "channel": {string(events.Payment)}}
			out.Do = append(out.Do, deed{v.Say("reconcile.do-disbursed"), v.filledForm("disbursed", fields)})
		}
		fields := url.Values{"year": {l.Year.String()}, "bank-line": {l.Seq.String()}, "rule": {string(events.ByHand)}}
		out.Do = append(out.Do, deed{v.Say("reconcile.do-settle"), v.filledForm("bank-matched", fields)})
	}
	return out
}

// filledForm is the address of a form with its fields filled in.
func (v *view) filledForm(kind string, fields url.Values) string {
	path := v.To(v.FundPath("post/" + kind))
	if strings.Contains(path, "?") {
		return path + "&" + fields.Encode()
	}
	return path + "?" + fields.Encode()
}

// formOf is the form that a command would be sent by, and what its fields have.
func formOf(command []byte) (kind string, fields url.Values) {
	var c map[string]any
	if json.Unmarshal(command, &c) != nil {
		return "", nil
	}
	kind, _ = c["kind"].(string)
	if cause, ok := c["cause"].(string); ok {
		kind = cause
	}
	fields = url.Values{}
	names := map[string]string{"bank_lines": "bank-line", "events": "event"}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if slices.Contains([]string{"kind", "cause", "fund", "id"}, name) {
			continue
		}
		to := name
		if names[name] != "" {
			to = names[name]
		}
		switch value := c[name].(type) {
		case string:
			fields.Add(to, value)
		case float64:
			fields.Add(to, strconv.FormatFloat(value, 'f', -1, 64))
		case []any:
			var all []string
			for _, one := range value {
				if n, ok := one.(float64); ok {
					all = append(all, strconv.FormatFloat(n, 'f', -1, 64))
				}
			}
			fields.Add(to, strings.Join(all, "\n"))
		}
	}
	return kind, fields
}

// reconcilePage draws the page of a reconciliation, with what the proposed matchings would do where that is asked.
func (s *site) reconcilePage(v *view) error {
	if query := v.r.URL.Query(); query.Has("preview") {
		v.tried = s.desk != nil
		query.Del("preview")
		v.r = v.r.Clone(v.r.Context())
		v.r.URL.RawQuery = query.Encode()
	}
	if err := s.bookPage(&reconcilingPage)(v); err != nil || v.same || v.Main == nil {
		return err
	}
	p := v.Main.(*reconcilePage)
	if v.tried {
		v.tag = "" // what the ledger would say is of the moment
		p.Proposal = s.desk.ProposeAll(v.r.Context(), v.Fund, v.drafts, v.Lang)
	}
	return nil
}

// Entries puts the entries of one side on their page.
func (p *reconcilePage) Entries(all []entry) struct {
	View    *view
	Entries []entry
} {
	return struct {
		View    *view
		Entries []entry
	}{p.v, all}
}
