package bank_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections/bank"
	"fundledger/projections/bank/banktest"
)

// A books is written a line an event: "pay ID AMOUNT DATE PAYEE [more]", "line ID ±AMOUNT DATE PARTY [more]" and "match LINES EVENTS RULE".
func books(t fatal, text string) *fold {
	t.Helper()
	f := folded(t)
	for row := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		w := strings.Fields(row)
		more := ""
		if at := strings.Index(row, "{"); at >= 0 { // members of the command
			more = "," + strings.TrimSuffix(strings.TrimSpace(row[at+1:]), "}")
			w = strings.Fields(row[:at])
		}
		named := func(field, value string) string {
			if value == "-" {
				return ""
			}
			return fmt.Sprintf(",%q:%q", field, value)
		}
		head := func(kind, id string) string {
			return fmt.Sprintf(`{"kind":%q,"fund":"f","year":2022,"id":%q`, kind, id)
		}
		var raw string
		switch w[0] {
		case "pay":
			payee := ""
			if w[4] != "-" {
				payee = fmt.Sprintf(`,"payee":{"name":%q}`, w[4])
			}
			if strings.Contains(more, `"payee"`) {
				payee = ""
			}
			raw = head("disbursed", w[1]) + fmt.Sprintf(`,"line":"1","channel":"payment","amount":%q,"date":%q%s%s}`, w[2], w[3], payee, more)
		case "back":
			raw = head("clawed-back", w[1]) + more + "}"
		case "line":
			direction, amount := "in", strings.TrimPrefix(w[2], "+")
			if cut, out := strings.CutPrefix(w[2], "-"); out {
				direction, amount = "out", cut
			}
			account := `,"account":"1"`
			if strings.Contains(more, `"account"`) {
				account = ""
			}
			raw = head("bank-line", w[1]) + fmt.Sprintf(`,"direction":%q,"amount":%q,"date":%q%s%s%s}`, direction, amount, w[3], named("counterparty", w[4]), account, more)
		case "match":
			refs := func(s string) string {
				if s == "-" {
					return ""
				}
				return `"` + strings.ReplaceAll(s, ",", `","`) + `"`
			}
			events := `,"events":[` + refs(w[3]) + `]`
			if w[3] == "-" {
				events = ""
			}
			raw = head("bank-matched", w[1]) + fmt.Sprintf(`,"bank_lines":[%s]%s,"rule":%q%s}`, refs(w[2]), events, w[4], more)
		case "reversed":
			raw = head("reversed", w[1]) + fmt.Sprintf(`,"of":%q,"reason":"r"}`, w[2])
		case "amended":
			raw = head("amended", w[1]) + fmt.Sprintf(`,"of":%q,"reason":"r"%s}`, w[2], more)
		default:
			t.Fatalf("%s", row)
		}
		f.add([]byte(raw))
	}
	return f
}

// says lists the findings as "state why lines / events", sorted.
func (f *fold) says(r *bank.Reconciliation) string {
	var out []string
	for _, x := range f.found(r) {
		out = append(out, fmt.Sprintf("%s %s %s / %s", x.State, x.Why, strings.Join(x.Lines, " "), strings.Join(x.Events, " ")))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestCases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ books, want string }{
		"nothing at all but an event": {`pay p 5.00 2022-04-01 甲`, "ledger-only not-at-bank  / p"},
		"names are folded": {
			`pay p 5.00 2022-04-01 首台(套)ＡＢＣ
			line l -5.00 2022-04-06 首台（套）abc`, "proposed amount l / p",
		},
		"the window has both its days": {
			`pay p 5.00 2022-04-02 甲
			pay q 6.00 2022-04-02 甲
			pay r 7.00 2022-04-02 甲
			line a -5.00 2022-04-02 甲
			line b -6.00 2022-04-07 甲
			line c -7.00 2022-04-08 甲`, "differs date c / r\nproposed amount a / p\nproposed amount b / q",
		},
		"a date that is a month has its last day's window": {
			`pay p 5.00 2022-03 甲
			line a -5.00 2022-04-05 甲`, "proposed amount a / p",
		},
		"money in may come before it is booked": {
			`pay p 5.00 2022-03-01 甲
			line a -5.00 2022-03-01 甲
			back r {"cause":"refund","of":"p","amount":"2.00","date":"2022-04-10"}
			line b +2.00 2022-04-06 甲`, "proposed amount a / p\nproposed amount b / r",
		},
		"direction counts": {
			`pay p 5.00 2022-04-02 甲
			line a +5.00 2022-04-02 甲`, "bank-only unidentified a / \nledger-only not-at-bank  / p",
		},
		"by account where the name is another": {
			`pay p 5.00 2022-04-02 - {"payee":{"name":"甲厂","account":"6222 0000 1111"}}
			line a -5.00 2022-04-02 甲厂有限公司 {"counterparty_account":"622200001111"}`, "proposed amount a / p",
		},
		"an account hidden in part": {
			`pay p 5.00 2022-04-02 - {"payee":{"name":"甲","account":"622200001111"}}
			line a -5.00 2022-04-02 甲 {"counterparty_account":"6222****1111"}
			pay q 6.00 2022-04-02 - {"payee":{"name":"甲","account":"622200001111"}}
			line b -6.00 2022-04-02 甲 {"counterparty_account":"6222****1112"}`, "differs account b / q\nproposed amount a / p",
		},
		"a person by reference": {
			`pay p 5.00 2022-04-02 - {"payee":{"class":"person","ref":"R-17"}}
			line a -5.00 2022-04-02 r17`, "proposed amount a / p",
		},
		"without a name nothing is proposed": {
			`pay p 5.00 2022-04-02 甲
			line a -5.00 2022-04-02 -`, "differs unnamed a / p",
		},
		"by voucher, whoever is not named": {
			`pay p 5.00 2022-04-02 甲 {"voucher":{"issuer":"i","year":2022,"type":"t","number":"2022-0012"}}
			line a -5.00 2022-04-02 - {"purpose":"付凭证2022-0012号款"}`, "proposed voucher a / p",
		},
		"the voucher is named and so is another party": {
			`pay p 5.00 2022-04-02 甲 {"voucher":{"issuer":"i","year":2022,"type":"t","number":"2022-0012"}}
			line a -5.00 2022-04-02 乙 {"purpose":"2022-0012"}`, "differs party a / p",
		},
		"a short number is no reference": {
			`pay p 5.00 2022-04-02 甲 {"voucher":{"issuer":"i","year":2022,"type":"t","number":"12"}}
			line a -5.00 2022-04-02 - {"purpose":"12"}`, "differs unnamed a / p",
		},
		"by document": {
			`pay p 5.00 2022-04-02 甲 {"documents":["常财企指〔2022〕12号"]}
			pay q 5.00 2022-04-02 乙 {"documents":["常财企指〔2022〕112号"]}
			line a -5.00 2022-04-02 - {"purpose":"付常财企指[2022]第012号款项"}
			line b -5.00 2022-04-02 - {"purpose":"常财企指（2022）112号"}`, "proposed reference a / p\nproposed reference b / q",
		},
		"the note names the bank's number": {
			`pay p 5.00 2022-04-02 甲 {"note":"回单 HX-9081"}
			pay q 5.00 2022-04-02 甲
			line a -5.00 2022-04-02 甲 {"reference":"hx9081"}
			line b -5.00 2022-04-02 甲`, "proposed amount b / q\nproposed reference a / p",
		},
		"alike, told apart by their days": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-05 甲
			line a -5.00 2022-04-02 甲
			line b -5.00 2022-04-06 甲`, "proposed amount a / p\nproposed amount b / q",
		},
		"alike, and either could be either's": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-02 甲
			line a -5.00 2022-04-03 甲
			line b -5.00 2022-04-04 甲`, "ambiguous alike a b / p q",
		},
		"alike in every way": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-01 甲
			line a -5.00 2022-04-03 甲
			line b -5.00 2022-04-03 甲`, "proposed amount a / p\nproposed amount b / q",
		},
		"alike, and too late both": {
			`line z -1.00 2022-04-01 庚 
			pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-01 甲
			line a -5.00 2022-04-13 甲
			line b -5.00 2022-04-14 甲`, "ambiguous alike a b / p q\nbank-only not-in-ledger z / ",
		},
		"two sums fit": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-01 甲
			pay r 3.00 2022-04-01 甲
			line a -8.00 2022-04-02 甲`, "ambiguous sums a / p q r",
		},
		"one payment is in two sums": {
			`pay p 5.00 2022-04-01 甲
			pay q 2.00 2022-04-01 甲
			pay r 3.00 2022-04-01 甲
			line a -7.00 2022-04-02 甲
			line b -8.00 2022-04-02 甲`, "ambiguous sums a b / p q r",
		},
		"two lines are one payment": {
			`pay p 7.00 2022-04-01 甲
			line a -3.00 2022-04-02 甲
			line b -4.00 2022-04-04 甲`, "proposed sum a b / p",
		},
		"reversed is no cash": {
			`pay p 5.00 2022-04-01 甲
			reversed x p
			line a -5.00 2022-04-01 甲`, "bank-only not-in-ledger a / ",
		},
		"a deduction is no cash": {
			`pay p 5.00 2022-04-01 甲
			back r {"cause":"offset","of":"p","against":"p","amount":"2.00","date":"2022-04-10"}
			line a -5.00 2022-04-01 甲`, "proposed amount a / p",
		},
		"the payee was amended": {
			`pay p 5.00 2022-04-01 甲
			amended x p {"set":{"payee":{"name":"乙"}}}
			line a -5.00 2022-04-01 乙`, "proposed amount a / p",
		},
		"a matching that was taken back is not proposed again": {
			`pay p 5.00 2022-04-01 甲
			line a -5.00 2022-04-01 甲
			match m a p amount
			reversed x m`, "differs taken-back a / p",
		},
		"alike in every way, and one matching was taken back": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-01 甲
			line a -5.00 2022-04-03 甲
			line b -5.00 2022-04-03 甲
			match m b q amount
			reversed x m`, "proposed amount a / q\nproposed amount b / p",
		},
		"alike in every way, and the first matching was taken back": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-01 甲
			line a -5.00 2022-04-03 甲
			line b -5.00 2022-04-03 甲
			match m a p amount
			reversed x m`, "proposed amount a / q\nproposed amount b / p",
		},
		"matched stays as it is": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-01 甲
			line a -5.00 2022-04-01 甲
			line b -5.00 2022-04-01 甲
			match m a q manual`, "matched manual a / q\nproposed amount b / p",
		},
		"like one that is matched": {
			`pay p 5.00 2022-04-01 甲
			line a -5.00 2022-04-01 甲
			match m a p amount
			line b -5.00 2022-04-03 甲`, "differs doubled b / \nmatched amount a / p",
		},
		"sent back twice could be either": {
			`pay p 5.00 2022-04-01 甲
			pay q 5.00 2022-04-10 甲
			line a -5.00 2022-04-01 甲
			line b -5.00 2022-04-10 甲
			line c +5.00 2022-04-20 甲`, "ambiguous returned c / \nproposed amount a / p\nproposed amount b / q",
		},
		"sent back, and the ledger knows": {
			`pay p 5.00 2022-04-01 甲
			back r {"cause":"returned","of":"p","date":"2022-04-20"}
			line a -5.00 2022-04-01 甲
			line c +5.00 2022-04-20 甲`, "proposed amount a / p\nproposed amount c / r",
		},
		"an unidentified receipt whose note names the line": {
			`line a +5.00 2022-04-20 甲
			back r {"cause":"unidentified","amount":"5.00","date":"2022-04-20","note":"bank-line line-77"}
			line line-77 +5.00 2022-04-20 乙`, "bank-only unidentified a / \nproposed reference line-77 / r",
		},
		"a wrong amount is known by the voucher, whenever it is": {
			`line z -1.00 2022-03-01 庚
			pay p 51.00 2022-04-02 甲 {"voucher":{"issuer":"i","year":2022,"type":"t","number":"2022-0012"}}
			line a -15.00 2022-04-20 甲 {"purpose":"2022-0012"}`, "differs swapped a / p\nbank-only not-in-ledger z / ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := books(t, c.books)
			r := f.reconciled("2022-04-01", "2022-04-30")
			if got, want := f.says(r), sorted(c.want); got != want {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
			if again := f.says(f.reconciled("2022-04-01", "2022-04-30")); again != f.says(r) {
				t.Errorf("asked again it is\n%s", again)
			}
		})
	}
}

func sorted(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestMonths: what is open at the end of a month is carried into the next, and each month's balance closes with it.
func TestMonths(t *testing.T) {
	t.Parallel()
	f := books(t, `
		line fund +1000.00 2022-03-30 市财政局 {"balance":"1000.00"}
		match m1 fund - manual {"reason":"拨款"}
		pay p 100.00 2022-03-30 甲
		pay q 30.00 2022-03-31 乙
		line a -100.00 2022-03-31 甲 {"balance":"900.00"}
		match m2 a p amount
		line fee -2.00 2022-03-31 - {"balance":"898.00"}
		line b -30.00 2022-04-02 乙 {"balance":"868.00"}
		pay r 8.00 2022-04-29 丙
		line c -8.00 2022-05-03 丙 {"balance":"860.00"}`)
	for _, c := range []struct {
		from, to                                       string
		opening, closing, bookOpening, bookClosing     events.Minor
		ledgerIn, ledgerOut, bankIn, bankOut, adjusted events.Minor
		found                                          string
	}{
		// March: q was ordered and is not yet paid, the fee is only at the bank: 898 − 30 = 870 − 2.
		{"2022-03-01", "2022-03-31", 0, 89800, 0, 87000, 0, -3000, 0, -200, 86800, "bank-only not-in-ledger fee / \nmatched amount a / p\nmatched manual fund / \nproposed amount b / q"},
		// April: r is not yet paid, the fee still open: 868 − 8 = 862 − 2.
		{"2022-04-01", "2022-04-30", 89800, 86800, 87000, 86200, 0, -800, 0, -200, 86000, "bank-only not-in-ledger fee / \nproposed amount b / q\nproposed amount c / r"},
		{"2022-05-01", "2022-05-31", 86800, 86000, 86200, 86200, 0, 0, 0, -200, 86000, "bank-only not-in-ledger fee / \nproposed amount b / q\nproposed amount c / r"},
	} {
		r := f.reconciled(c.from, c.to)
		b := &r.Balance
		got := []events.Minor{b.Opening, b.Closing, b.BookOpening, b.BookClosing, b.LedgerIn.Amount, b.LedgerOut.Amount, b.BankIn.Amount, b.BankOut.Amount, b.Bank(), b.Book()}
		want := []events.Minor{c.opening, c.closing, c.bookOpening, c.bookClosing, c.ledgerIn, c.ledgerOut, c.bankIn, c.bankOut, c.adjusted, c.adjusted}
		if !slices.Equal(got, want) || !b.Closes() || !b.Known {
			t.Errorf("%s: %v, want %v", c.to, got, want)
		}
		if found := f.says(r); found != c.found {
			t.Errorf("%s: found\n%s\nwant\n%s", c.to, found, c.found)
		}
		if r.Settled() {
			t.Errorf("%s is settled, and nobody has said what the fee is", c.to)
		}
	}
	f.add([]byte(`{"kind":"bank-matched","fund":"f","year":2022,"id":"m3","bank_lines":["fee"],"rule":"manual","reason":"手续费"}`))
	if r := f.reconciled("2022-04-01", "2022-04-30"); !r.Settled() || r.Balance.BookOpening != 86800 {
		t.Errorf("with the fee settled April is settled %v, with books from %d, want 86800", r.Settled(), r.Balance.BookOpening)
	}
}

// TestBalances: a day's lines may stand in any order that follows, a value date before the one that the bank booked by breaks nothing, and what does not follow is shown.
func TestBalances(t *testing.T) {
	t.Parallel()
	line := func(id, amount, day, balance string) string {
		return fmt.Sprintf("line %s %s 2022-04-%s - {%q:%q}\n", id, amount, day, "balance", balance)
	}
	for name, c := range map[string]struct {
		lines            string
		opening, closing events.Minor
		breaks           string
	}{
		"as they came":        {line("a", "-1.00", "01", "9.00") + line("b", "-2.00", "01", "7.00") + line("c", "+5.00", "02", "12.00"), 1000, 1200, ""},
		"the last one first":  {line("c", "+5.00", "02", "12.00") + line("b", "-2.00", "01", "7.00") + line("a", "-1.00", "01", "9.00"), 1000, 1200, ""},
		"a day out of order":  {line("b", "-2.00", "01", "7.00") + line("c", "+5.00", "01", "12.00") + line("a", "-1.00", "01", "9.00") + line("d", "-3.00", "02", "9.00"), 1000, 900, ""},
		"booked later":        {line("a", "-1.00", "05", "9.00") + line("b", "-2.00", "03", "7.00") + line("c", "+5.00", "06", "12.00"), 1000, 1200, ""},
		"overdrawn":           {line("a", "-11.00", "01", "-1.00") + line("b", "+2.00", "02", "1.00"), 1000, 100, ""},
		"a line is missing":   {line("a", "-1.00", "01", "9.00") + line("b", "-2.00", "02", "4.00") + line("c", "-1.00", "03", "3.00"), 1000, 300, "b -3.00"},
		"a balance was wrong": {line("a", "-1.00", "01", "9.00") + line("b", "-2.00", "02", "7.10") + line("c", "-1.00", "03", "6.00"), 1000, 600, "b 0.10, c -0.10"},
	} {
		f := books(t, c.lines)
		b := f.reconciled("2022-04-01", "2022-04-30").Balance
		var breaks []string
		for _, x := range b.Breaks {
			breaks = append(breaks, f.ids[x.Line.Seq]+" "+(x.Stated-x.Expected).Format(2))
		}
		if got := strings.Join(breaks, ", "); got != c.breaks || b.Opening != c.opening || b.Closing != c.closing || b.Closes() != (c.breaks == "") {
			t.Errorf("%s: from %d to %d, breaks %q, closes %v", name, b.Opening, b.Closing, got, b.Closes())
		}
	}
	f := books(t, "line a -1.00 2022-04-01 -\nline b -1.00 2022-04-02 -")
	if b := f.reconciled("2022-04-01", "2022-04-30").Balance; b.Known || !b.Closes() {
		t.Errorf("without balances: %+v", b)
	}
}

// TestAccounts: all accounts of a fund are one side, and one alone leaves out what went through the others.
func TestAccounts(t *testing.T) {
	t.Parallel()
	f := books(t, `
		pay p 5.00 2022-04-01 甲
		pay q 6.00 2022-04-01 乙
		pay both 10.00 2022-04-01 丙
		line a -5.00 2022-04-01 甲 {"account":"1","balance":"95.00"}
		line b -6.00 2022-04-01 乙 {"account":"2","balance":"44.00"}
		line c -7.00 2022-04-02 丙 {"account":"1","balance":"88.00"}
		line d -3.00 2022-04-02 丙 {"account":"2","balance":"41.00"}
		match m b q amount
		match n c,d both sum`)
	r := f.reconciled("2022-04-01", "2022-04-30")
	if got, want := f.says(r), "matched amount b / q\nmatched sum c d / both\nproposed amount a / p"; got != want || !r.Settled() {
		t.Errorf("together\n%s\nwant\n%s", got, want)
	}
	if b := r.Balance; b.Opening != 15000 || b.Closing != 12900 || b.Bank() != 12900 || b.Book() != 12900 {
		t.Errorf("together %+v", b)
	}
	r, err := bank.Reconcile(f.view, bank.Query{From: day(t, "2022-04-01"), To: day(t, "2022-04-30"), Window: 5, Account: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.says(r), "matched sum c d / both\nproposed amount a / p"; got != want {
		t.Errorf("one account\n%s\nwant\n%s", got, want)
	}
	if b := r.Balance; b.Opening != 10000 || b.Closing != 8800 || b.Bank() != 8800 || b.Book() != 8800 {
		t.Errorf("one account %+v", b)
	}
}

// TestTransferBetweenAccounts: what goes from one account of ours to the other is settled once, and is on neither side of the proof of one of them alone.
func TestTransferBetweenAccounts(t *testing.T) {
	t.Parallel()
	f := books(t, `line a -100.00 2022-04-05 - {"account":"1","balance":"900.00"}
		line b +100.00 2022-04-05 - {"account":"2","balance":"100.00"}
		match m a,b - manual {"reason":"between our own accounts"}`)
	for _, account := range []string{"", "1", "2"} {
		r, err := bank.Reconcile(f.view, bank.Query{From: day(t, "2022-04-01"), To: day(t, "2022-04-30"), Account: account, Window: banktest.Window})
		if err != nil {
			t.Fatal(err)
		}
		b := &r.Balance
		if !b.Closes() || b.BankIn.Amount != 0 || b.BankOut.Amount != 0 || b.BookIn != 0 || b.BookOut != 0 || b.BookClosing != b.Closing {
			t.Errorf("account %q: %+v", account, b)
		}
	}
}

// TestManyAlike: lines and events that are all alike, or of one party, are looked at as long as they are few, and not each with each.
func TestManyAlike(t *testing.T) {
	t.Parallel()
	const n = 5_000
	for name, amount := range map[string]func(i int) string{
		"all alike":      func(int) string { return "5.00" },
		"of one party":   func(i int) string { return fmt.Sprintf("%d.00", 1+i) },
		"none the other": func(i int) string { return fmt.Sprintf("%d.00", 1+2*i) },
	} {
		f := folded(t)
		for i := range n {
			f.add(fmt.Appendf(nil, `{"kind":"disbursed","fund":"f","year":2022,"id":"p%d","date":"2022-04-02","line":"1","channel":"payment","amount":%q,"payee":{"name":"甲"}}`, i, amount(i)))
		}
		shift := 0
		if name == "none the other" {
			shift = 1
		}
		for i := range n {
			a := amount(i)
			if shift > 0 {
				a = fmt.Sprintf("%d.00", 2+2*i)
			}
			f.add(fmt.Appendf(nil, `{"kind":"bank-line","fund":"f","year":2022,"id":"l%d","date":"2022-04-02","account":"1","direction":"out","amount":%q,"counterparty":"甲"}`, i, a))
		}
		r := f.reconciled("2022-04-01", "2022-04-30")
		want := n
		if shift > 0 {
			want = 0
		}
		if got := len(r.Of(bank.Proposed)); got != want {
			t.Errorf("%s: %d are proposed, want %d", name, got, want)
		}
	}
}

// TestTampered: what does not fit what came before it is no event of this log.
func TestTampered(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*events.Event){
		"no such line":  func(e *events.Event) { e.Resolved.BankLines = []events.Seq{9} },
		"no such event": func(e *events.Event) { e.Resolved.Matched = []events.Seq{2} },
		"twice":         func(e *events.Event) { e.Seq = 2 },
	} {
		f := books(t, "pay p 5.00 2022-04-01 甲\nline a -5.00 2022-04-01 甲")
		c, err := events.ParseCommand([]byte(`{"kind":"bank-matched","fund":"f","year":2022,"bank_lines":[2],"events":[1],"rule":"amount"}`))
		if err != nil {
			t.Fatal(err)
		}
		e := &events.Event{Seq: 3, Command: &c, Resolved: events.Resolved{BankLines: []events.Seq{2}, Matched: []events.Seq{1}}}
		spoil(e)
		if err := f.view.Apply(e); events.CodeOf(err) != events.Tampered {
			t.Errorf("%s: %v", name, err)
		}
	}
}
