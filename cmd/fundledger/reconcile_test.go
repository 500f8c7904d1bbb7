package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"fundledger/projections/bank"
	"fundledger/projections/bank/banktest"
)

// A reconciled is the sheet of reconcile as JSON readers see it.
type reconciled struct {
	Settled bool
	Proof   []struct {
		Item   string
		Amount *string
	}
	Differs, Ambiguous, Proposed, Matched []foundRow
	LedgerOnly                            []foundRow `json:"ledger_only"`
	BankOnly                              []foundRow `json:"bank_only"`
}

type foundRow struct {
	Rule, Reason *string
	BankLines    []int `json:"bank_lines"`
	Events       []int
	Command      *string
}

// found is what stands on the sheet, by ids; ids[0] is that of event 1.
func (r *reconciled) found(ids []string) (out []banktest.Found) {
	for state, rows := range map[bank.State][]foundRow{
		bank.Matched: r.Matched, bank.Proposed: r.Proposed, bank.Differs: r.Differs, bank.Ambiguous: r.Ambiguous, bank.LedgerOnly: r.LedgerOnly, bank.BankOnly: r.BankOnly,
	} {
		for _, row := range rows {
			f := banktest.Found{State: string(state)}
			for _, why := range []*string{row.Rule, row.Reason} {
				if why != nil {
					f.Why += *why
				}
			}
			for _, n := range row.BankLines {
				f.Lines = append(f.Lines, ids[n-1])
			}
			for _, n := range row.Events {
				f.Events = append(f.Events, ids[n-1])
			}
			out = append(out, f)
		}
	}
	return out
}

func (r *reconciled) proof(item string) string {
	for _, row := range r.Proof {
		if row.Item == item && row.Amount != nil {
			return *row.Amount
		}
	}
	return "null"
}

func (p *program) reconciled(t *testing.T, code int, args ...string) *reconciled {
	t.Helper()
	got := p.run(t, append([]string{"reconcile", "--fund", "f", "--format", "json"}, args...)...)
	if got.code != code {
		t.Fatalf("%v: exit %d, want %d: %s", args, got.code, code, got.err)
	}
	var r reconciled
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// TestReconcilePlanted: two thousand payments, a statement of two thousand lines, and forty differences planted, through the program. What is sure is then posted, which
// leaves the differences and the sums; the same again posts nothing.
func TestReconcilePlanted(t *testing.T) {
	t.Parallel()
	var kinds []string
	for i := range 40 {
		kinds = append(kinds, banktest.Kinds[i%len(banktest.Kinds)])
	}
	w := banktest.Make(rand.New(rand.NewPCG(4, 2022)), 1960, kinds...)
	p := onFolder(t)
	p.stdin = string(bytes.Join(w.Commands, []byte("\n")))
	var ids []string
	for _, r := range receipts(t, p.ok(t, "append", "-")) {
		ids = append(ids, string(r.ID))
	}
	year := []string{"--from", "2022-01-01", "--to", "2022-12-31"}
	r := p.reconciled(t, exitRefused, year...)
	for _, fault := range w.Faults(r.found(ids)) {
		t.Error(fault)
	}
	if r.Settled || r.proof("bank-closing") != w.Closing.Format(2) || r.proof("difference") != "0.00" || r.proof("bank-adjusted") != r.proof("book-adjusted") {
		t.Errorf("settled %v, the bank closes with %s (want %s), adjusted %s and %s", r.Settled, r.proof("bank-closing"), w.Closing.Format(2), r.proof("bank-adjusted"), r.proof("book-adjusted"))
	}

	commands := p.ok(t, append([]string{"reconcile", "--fund", "f", "--commands"}, year...)...)
	if n := strings.Count(commands, "\n"); n != len(r.Proposed) {
		t.Errorf("%d commands, %d proposals", n, len(r.Proposed))
	}
	posted := receipts(t, p.ok(t, append([]string{"reconcile", "--fund", "f", "--post"}, year...)...))
	sums := 0
	for _, row := range r.Proposed {
		if *row.Rule == "sum" {
			sums++
		}
	}
	if sums == 0 || len(posted) != len(r.Proposed)-sums {
		t.Errorf("%d matchings are posted of %d, %d of them sums", len(posted), len(r.Proposed), sums)
	}
	after := p.reconciled(t, exitRefused, year...)
	if len(after.Proposed) != sums || len(after.Matched) != len(posted)+1 || len(after.Differs) != len(r.Differs) || after.proof("difference") != "0.00" {
		t.Errorf("after posting: %d proposed, %d matched, %d differ, difference %s", len(after.Proposed), len(after.Matched), len(after.Differs), after.proof("difference"))
	}
	if again := p.ok(t, append([]string{"reconcile", "--fund", "f", "--post"}, year...)...); again != "" {
		t.Errorf("posted again: %s", again)
	}
	// The commands that were written before are the same proposals: what was posted is there, and the sums come to it.
	p.stdin = commands
	statuses := map[string]int{}
	for _, r := range receipts(t, p.ok(t, "append", "-")) {
		statuses[string(r.Status)]++
	}
	if statuses["duplicate"] != len(posted) || statuses["appended"] != sums {
		t.Errorf("the commands written before are %v", statuses)
	}
}

// TestReconcileWayOut: what the sheet offers for a difference is a command that the ledger takes, after which the difference is gone.
func TestReconcileWayOut(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"late", "other-name", "interest", "returned", "bounced"} {
		w := banktest.Make(rand.New(rand.NewPCG(1, 1)), 20, kind)
		p := onFolder(t)
		p.stdin = string(bytes.Join(w.Commands, []byte("\n")))
		p.ok(t, "append", "-")
		year := []string{"--from", "2022-01-01", "--to", "2022-12-31"}
		r := p.reconciled(t, exitRefused, year...)
		offered := append(append(r.Differs, r.BankOnly...), r.LedgerOnly...)
		if len(offered) != 1 || offered[0].Command == nil {
			t.Errorf("%s: offered %+v", kind, offered)
			continue
		}
		p.stdin = *offered[0].Command
		if rs := receipts(t, p.ok(t, "append", "-")); statuses(rs) != "appended" {
			t.Errorf("%s: %s is %s", kind, p.stdin, statuses(rs))
		}
		if r = p.reconciled(t, exitOK, year...); !r.Settled || r.proof("difference") != "0.00" {
			t.Errorf("%s: after %s it is %+v", kind, p.stdin, r)
		}
	}
}

// TestMatchedAgain: what was matched by hand and taken back can be matched by hand again, as often as somebody changes his mind.
func TestMatchedAgain(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.stdin = `{"id":"o","kind":"fund-opened","fund":"f","year":2022,"name":"n","lines":[{"code":"1","name":"x"}]}
{"id":"b","kind":"appropriated","fund":"f","year":2022,"line":"1","amount":"100.00","stage":"original","date":"2022-01-01"}
{"id":"p","kind":"disbursed","fund":"f","year":2022,"line":"1","amount":"5.00","channel":"payment","date":"2022-04-01","payee":{"name":"甲"}}
{"id":"l","kind":"bank-line","fund":"f","year":2022,"account":"1","direction":"out","amount":"5.00","date":"2022-04-02","counterparty":"甲"}
{"id":"m","kind":"bank-matched","fund":"f","year":2022,"bank_lines":["l"],"events":["p"],"rule":"manual"}`
	p.ok(t, "append", "-")
	last := "m"
	for range 3 {
		p.stdin = fmt.Sprintf(`{"id":"taken-back-%s","kind":"reversed","fund":"f","year":2022,"of":%q,"reason":"r"}`, last, last)
		p.ok(t, "append", "-")
		r := p.reconciled(t, exitRefused, "--month", "2022-04")
		if len(r.Differs) != 1 || *r.Differs[0].Reason != string(bank.TakenBack) {
			t.Fatalf("it is %+v", r)
		}
		p.stdin = *r.Differs[0].Command
		again := receipts(t, p.ok(t, "append", "-"))
		if statuses(again) != "appended" {
			t.Fatalf("%s is %s", p.stdin, statuses(again))
		}
		last = string(again[0].ID)
	}
}

// TestReconcileOverHTTP: the same bytes as the command prints, with a tag that another month does not have.
func TestReconcileOverHTTP(t *testing.T) {
	t.Parallel()
	w := banktest.Make(rand.New(rand.NewPCG(1, 7)), 30, "tenfold", "doubled")
	p := onFolder(t)
	p.stdin = string(bytes.Join(w.Commands, []byte("\n")))
	p.ok(t, "append", "-")
	want := map[string]string{}
	for path, flags := range map[string][]string{
		"":                                {"--from", "2022-01-01", "--to", "2022-12-31"},
		"?month=2022-04&account=43001":    {"--month", "2022-04", "--account", "43001"},
		"?month=2022-05&window=0&lang=zh": {"--month", "2022-05", "--window", "0", "--lang", "zh"},
	} {
		got := p.run(t, append([]string{"reconcile", "--fund", "f", "--format", "json"}, flags...)...)
		if got.code > exitRefused {
			t.Fatalf("%v: %s", flags, got.err)
		}
		want[path] = got.out
	}
	s := p.serving(t, "--http", ":0")
	tags := map[string]bool{}
	for path, text := range want {
		url := s.site(t) + "/v1/funds/f/years/2022/reconciliation" + path
		got := get(t, url)
		if got.StatusCode != 200 || got.text != text {
			t.Errorf("%s: %d\n%.500s\nwant\n%.500s", path, got.StatusCode, got.text, text)
		}
		tag := got.Header.Get("ETag")
		if again := get(t, url, "If-None-Match", tag); tag == "" || tags[tag] || again.StatusCode != 304 {
			t.Errorf("%s: tag %q, seen %v, asked again %d", path, tag, tags[tag], again.StatusCode)
		}
		tags[tag] = true
	}
}
