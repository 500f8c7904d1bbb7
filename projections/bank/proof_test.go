package bank_test

import (
	"fmt"
	"slices"
	"testing"

	"fundledger/events"
	"fundledger/projections/bank"
	"fundledger/projections/bank/banktest"

	"pgregory.net/rapid"
)

// TestProofOfEachAccount: over two accounts, with matchings across both and lines settled with a reason, the proof of each and of both closes in any days, at the balances that
// the bank had; each of its sides adds up, and is money of some line or event or none.
func TestProofOfEachAccount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := folded(t)
		begun := map[string]events.Minor{"1": 100_000, "2": 200_000}
		type item struct {
			id, account string
			amount      events.Minor
			day         int
		}
		who := rapid.SampledFrom([]string{"甲", "乙"})
		var lines, all, pays []item
		day := 1
		for n := range rapid.IntRange(0, 10).Draw(t, "lines") {
			day = min(28, day+rapid.IntRange(0, 4).Draw(t, "days"))
			l := item{fmt.Sprint("l", n), rapid.SampledFrom([]string{"1", "2"}).Draw(t, "account"), rapid.SampledFrom([]events.Minor{-500, -500, -300, 800, 500}).Draw(t, "amount"), day}
			lines, all = append(lines, l), append(all, l)
			balance, direction := begun[l.account], "in"
			for _, before := range all {
				if before.account == l.account {
					balance += before.amount
				}
			}
			if l.amount < 0 {
				direction = "out"
			}
			f.add(fmt.Appendf(nil, `{"kind":"bank-line","fund":"f","year":2022,"id":%q,"account":%q,"direction":%q,"amount":%q,"date":"2022-04-%02d","balance":%q,"counterparty":%q}`,
				l.id, l.account, direction, max(l.amount, -l.amount).Format(2), day, balance.Format(2), who.Draw(t, "who")))
		}
		for n := range rapid.IntRange(0, 8).Draw(t, "payments") {
			p := item{fmt.Sprint("p", n), "", -rapid.SampledFrom([]events.Minor{500, 300, 1000, 800}).Draw(t, "amount"), rapid.IntRange(1, 28).Draw(t, "day")}
			pays = append(pays, p)
			f.add(fmt.Appendf(nil, `{"kind":"disbursed","line":"1","channel":"payment","fund":"f","year":2022,"id":%q,"amount":%q,"date":"2022-04-%02d","payee":{"name":%q}}`,
				p.id, (-p.amount).Format(2), p.day, who.Draw(t, "who")))
		}
		for n := range rapid.IntRange(0, 4).Draw(t, "matchings") {
			k := rapid.IntRange(0, min(3, len(lines))).Draw(t, "of")
			if k == 0 {
				continue
			}
			sum, refs := events.Minor(0), ""
			for i, l := range lines[:k] {
				sum += l.amount
				refs += []string{"", ","}[min(i, 1)] + `"` + l.id + `"`
			}
			what := `"reason":"r"`
			if at := slices.IndexFunc(pays, func(p item) bool { return p.amount == sum }); at >= 0 {
				what = fmt.Sprintf(`"events":[%q]`, pays[at].id)
				pays = slices.Delete(pays, at, at+1)
			}
			f.add(fmt.Appendf(nil, `{"kind":"bank-matched","fund":"f","year":2022,"id":"m%d","bank_lines":[%s],"rule":"manual",%s}`, n, refs, what))
			lines = lines[k:]
		}
		from := rapid.IntRange(1, 28).Draw(t, "from")
		to := rapid.IntRange(from, 28).Draw(t, "to")
		for _, account := range []string{"", "1", "2"} {
			q := bank.Query{From: april(t, from), To: april(t, to), Account: account, Window: banktest.Window}
			r, err := bank.Reconcile(f.view, q)
			if err != nil {
				t.Fatalf("%v", err)
			}
			var opening, closing events.Minor
			known := map[string]bool{}
			for _, l := range all {
				if account != "" && l.account != account {
					continue
				}
				if !known[l.account] {
					known[l.account] = true
					opening, closing = opening+begun[l.account], closing+begun[l.account]
				}
				if l.day < from {
					opening += l.amount
				}
				if l.day <= to {
					closing += l.amount
				}
			}
			b := &r.Balance
			if !b.Closes() || b.Opening != opening || b.Closing != closing || b.Opening+b.In+b.Out != b.Closing || b.BookOpening+b.BookIn+b.BookOut+b.Settled != b.BookClosing {
				t.Fatalf("account %q, %d to %d, from %d to %d: %+v", account, from, to, opening, closing, b)
			}
			for _, side := range []bank.Side{b.LedgerIn, b.LedgerOut, b.BankIn, b.BankOut} {
				if (side.Amount == 0) != (len(side.Seqs) == 0) {
					t.Fatalf("account %q, %d to %d: %+v is of nothing in %+v", account, from, to, side, b)
				}
			}
		}
	})
}

// TestPartOfAnotherAccount: a payment that two accounts made is on neither side of the second before it is in the books or at that bank.
func TestPartOfAnotherAccount(t *testing.T) {
	t.Parallel()
	f := books(t, `line z +9.00 2022-04-01 庚 {"account":"2","balance":"9.00"}
		line a -5.00 2022-04-05 甲 {"account":"1","balance":"4.00"}
		pay p 10.00 2022-04-20 甲
		line b -5.00 2022-04-25 甲 {"account":"2","balance":"4.00"}
		match m a,b p manual
		match n z - manual {"reason":"r"}`)
	for _, c := range []struct {
		to              int
		book, ledgerOut events.Minor
	}{{10, 900, 0}, {21, 400, -500}, {25, 400, 0}} {
		r, err := bank.Reconcile(f.view, bank.Query{From: april(t, 1), To: april(t, c.to), Account: "2", Window: banktest.Window})
		if err != nil {
			t.Fatal(err)
		}
		b := &r.Balance
		if !b.Closes() || b.BookClosing != c.book || b.LedgerOut.Amount != c.ledgerOut || b.BankIn.Amount != 0 || b.BankOut.Amount != 0 || b.BookIn != 0 {
			t.Errorf("up to %d: %+v", c.to, b)
		}
	}
}

func april(t fatal, n int) events.Day { return day(t, fmt.Sprintf("2022-04-%02d", n)) }
