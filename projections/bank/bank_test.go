package bank_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections/bank"
	"fundledger/projections/bank/banktest"

	"pgregory.net/rapid"
)

// A fatal is what making a view needs of a test.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// A fold is a view with the ids of its events.
type fold struct {
	t    fatal
	view *bank.View
	ids  map[events.Seq]string
	seqs map[events.ID]events.Seq
	of   map[events.Seq]events.Minor // what each payment paid
}

func folded(t fatal, commands ...[]byte) *fold {
	t.Helper()
	f := &fold{t, bank.New("f", 2), map[events.Seq]string{}, map[events.ID]events.Seq{}, map[events.Seq]events.Minor{}}
	for _, raw := range commands {
		f.add(raw)
	}
	return f
}

// add applies a command as the event that the ledger makes of it: references resolved, and of what came back as a whole the posting that says how much.
func (f *fold) add(raw []byte) events.Seq {
	f.t.Helper()
	c, err := events.ParseCommand(raw)
	if err != nil {
		f.t.Fatalf("%s: %v", raw, err)
	}
	e := &events.Event{Seq: events.Seq(len(f.ids) + 1), ID: c.ID, Command: &c, Decimals: 2}
	resolve := func(r events.Ref) events.Seq {
		if r.ID != "" {
			return f.seqs[r.ID]
		}
		return r.Seq
	}
	e.Resolved.Of = resolve(c.Of)
	for _, r := range c.BankLines {
		e.Resolved.BankLines = append(e.Resolved.BankLines, resolve(r))
	}
	for _, r := range c.Matched {
		e.Resolved.Matched = append(e.Resolved.Matched, resolve(r))
	}
	if a, err := c.Amount.Minor(2); err == nil && c.Kind == events.Disbursed {
		f.of[e.Seq] = a
	}
	if c.Cause == events.Returned {
		e.Postings = []events.Posting{{Year: c.Year, Line: "1", Measure: events.ReturnedM, Amount: f.of[e.Resolved.Of], Date: c.Date, Counts: c.Date.Last()}}
	}
	f.ids[e.Seq], f.seqs[c.ID] = string(c.ID), e.Seq
	if err := f.view.Apply(e); err != nil {
		f.t.Fatalf("%s: %v", raw, err)
	}
	return e.Seq
}

// found is what a reconciliation found, by ids.
func (f *fold) found(r *bank.Reconciliation) (out []banktest.Found) {
	for _, x := range r.Findings {
		one := banktest.Found{State: string(x.State), Why: string(x.Rule) + string(x.Reason)}
		for _, l := range x.Lines {
			one.Lines = append(one.Lines, f.ids[l.Seq])
		}
		for _, m := range x.Events {
			one.Events = append(one.Events, f.ids[m.Seq])
		}
		out = append(out, one)
	}
	return out
}

func day(t fatal, s string) events.Day {
	t.Helper()
	d, err := events.ParseDay(s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return d
}

func (f *fold) reconciled(from, to string) *bank.Reconciliation {
	f.t.Helper()
	r, err := bank.Reconcile(f.view, bank.Query{From: day(f.t, from), To: day(f.t, to), Window: banktest.Window})
	if err != nil {
		f.t.Fatalf("%v", err)
	}
	return r
}

// TestPlanted: of two thousand payments and as many lines with forty differences planted, each is shown as what it is, all else is proposed as it should, and the balance
// closes at what the bank says.
func TestPlanted(t *testing.T) {
	t.Parallel()
	var kinds []string
	for i := range 48 {
		kinds = append(kinds, banktest.Kinds[i%len(banktest.Kinds)])
	}
	for seed := range uint64(5) {
		w := banktest.Make(rand.New(rand.NewPCG(seed, 22)), 1950, kinds...)
		f := folded(t, w.Commands...)
		r := f.reconciled("2022-01-01", "2022-12-31")
		for _, fault := range w.Faults(f.found(r)) {
			t.Errorf("seed %d: %s", seed, fault)
		}
		if b := &r.Balance; !b.Known || !b.Closes() || b.Closing != w.Closing || b.Difference() != 0 {
			t.Errorf("seed %d: the balance is %+v, the bank has %d", seed, b, w.Closing)
		}
	}
}

func TestPlantedAtRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		kinds := rapid.SliceOfN(rapid.SampledFrom(banktest.Kinds), 0, 12).Draw(rt, "kinds")
		w := banktest.Make(rand.New(rand.NewPCG(seed, 1)), rapid.IntRange(0, 60).Draw(rt, "payments"), kinds...)
		f := folded(rt, w.Commands...)
		r := f.reconciled("2022-01-01", "2022-12-31")
		if faults := w.Faults(f.found(r)); len(faults) > 0 {
			rt.Fatalf("%s", strings.Join(faults, "\n"))
		}
		if len(r.Balance.Accounts) > 0 && (!r.Balance.Closes() || r.Balance.Closing != w.Closing) {
			rt.Fatalf("the balance is %+v, the bank has %d", r.Balance, w.Closing)
		}
	})
}
