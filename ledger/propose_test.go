package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fundledger/events"
	"fundledger/ledger"
)

// proposedFund is a fund with ten on line 1.
const proposedFund = `{"id":"o","kind":"fund-opened","fund":"f","year":2022,"name":"f","lines":[{"code":"1","name":"a"},{"code":"2","name":"b"}]}
{"id":"b","kind":"appropriated","stage":"original","fund":"f","year":2022,"date":"2022-01-15","line":"1","amount":"10.00"}
`

func inputsOf(t *testing.T, lines string) (all []ledger.Input) {
	t.Helper()
	for in, err := range ledger.ReadInputs(strings.NewReader(lines)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, in)
	}
	return all
}

func paid(id, amount string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"disbursed","fund":"f","year":2022,"date":"2022-02-02","line":"1","amount":%q,"channel":"payment"}`+"\n", id, amount)
}

// TestAskingStoresNothing: a ledger that is asked answers as it would, each command on top of the ones before it, and decides the next one as if nobody had asked.
func TestAskingStoresNothing(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	l.Append(t.Context(), inputsOf(t, proposedFund), ledger.Local, false)
	long := ""
	for i := range ledger.MaxBlockEvents + 1 {
		long += paid(fmt.Sprint("n", i), "0.01")
	}
	for _, test := range []struct {
		commands string
		atomic   bool
		want     string
	}{
		{paid("p", "6.00"), false, "would-append 1"},
		{paid("p", "6.00") + paid("q", "6.00") + paid("r", "4.00"), false, "would-append refused over-budget would-append 2"},
		{paid("p", "6.00") + paid("q", "6.00") + paid("r", "4.00"), true, "not-tried refused over-budget not-tried 0"},
		{paid("p", "6.00") + paid("p", "6.00"), true, "would-append duplicate 1"},
		{"nonsense\n" + paid("p", "6.00"), false, "refused malformed would-append 1"},
		{"nonsense\n" + paid("p", "6.00"), true, "refused malformed not-tried 0"},
		{`{"kind":"disbursed"}` + "\n", false, "refused missing-field 0"},
		{strings.Replace(paid("p", "6.00"), `"f"`, `"g"`, 1), false, "refused unknown-fund 0"},
		{paid("p", "6.00") + strings.Replace(paid("p", "6.00"), `"f"`, `"g"`, 1), false, "not-tried refused bad-value 0"},
		{strings.Split(proposedFund, "\n")[1] + "\n", false, "duplicate 2 0"},
		{"", false, "0"},
	} {
		rs, lines := l.Propose(t.Context(), inputsOf(t, test.commands), ledger.Local, test.atomic)
		got := ""
		for _, r := range rs {
			got += string(r.Status) + " "
			if r.Code != "" {
				got += string(r.Code) + " "
			}
			if r.Seq != 0 {
				got += r.Seq.String() + " "
			}
		}
		if got += fmt.Sprint(len(lines)); got != test.want {
			t.Errorf("%.120s (atomic %v)\ncomes to %q, want %q", test.commands, test.atomic, got, test.want)
		}
	}
	if rs, _ := l.Propose(t.Context(), inputsOf(t, long), ledger.Local, false); rs[0].Code != events.TooLarge {
		t.Errorf("%d commands at once come to %+v", len(rs), rs[0])
	}
	_, foreseen := l.Propose(t.Context(), inputsOf(t, paid("p", "10.00")), ledger.Local, false)
	if rs := l.Append(t.Context(), inputsOf(t, paid("p", "10.00")), ledger.Local, false); rs[0].Status != ledger.Appended || rs[0].Seq != 3 {
		t.Fatalf("after asking, a payment of all there is comes to %+v", rs[0])
	}
	all, _ := h.stored("f")
	if len(all) != 3 {
		t.Fatalf("%d events are stored, want 3", len(all))
	}
	would, err := events.ParseEvent(foreseen[0])
	if err != nil {
		t.Fatal(err)
	}
	would.Time = all[2].Time
	if got, want := string(events.AppendLine(nil, &would)), string(events.AppendLine(nil, &all[2])); got != want {
		t.Errorf("it was to be\n%s\nand is\n%s", got, want)
	}
}

// TestAskingBesideAppending: what is asked meanwhile neither takes numbers nor money from those who append.
func TestAskingBesideAppending(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	l.Append(t.Context(), inputsOf(t, proposedFund), ledger.Local, false)
	ctx, stop := context.WithCancel(t.Context())
	var asking, appending sync.WaitGroup
	for k := range 4 {
		asking.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				rs, _ := l.Propose(ctx, inputsOf(t, paid(fmt.Sprint("ask-", k, "-", i), "0.01")), ledger.Local, i%2 == 0)
				if s := rs[0].Status; s != ledger.WouldAppend && s != ledger.Refused && ctx.Err() == nil {
					t.Errorf("asking comes to %+v", rs[0])
				}
			}
		})
	}
	const each = 250
	for k := range 4 {
		appending.Go(func() {
			for i := range each {
				if rs := l.Append(ctx, inputsOf(t, paid(fmt.Sprint("p-", k, "-", i), "0.01")), ledger.Local, false); rs[0].Status != ledger.Appended {
					t.Errorf("a payment comes to %+v", rs[0])
				}
			}
		})
	}
	appending.Wait()
	stop()
	asking.Wait()
	if all, _ := h.stored("f"); len(all) != 2+4*each {
		t.Errorf("%d events are stored, want %d", len(all), 2+4*each)
	}
	if rs := l.Append(t.Context(), inputsOf(t, paid("last", "0.01")), ledger.Local, false); rs[0].Code != events.OverBudget {
		t.Errorf("a payment of what is not there comes to %+v", rs[0])
	}
}
