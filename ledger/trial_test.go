package ledger

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"fundledger/events"
)

type emptyLog struct{ Log }

func (emptyLog) Recall(context.Context) []byte { return nil }

func (emptyLog) Replay(context.Context) iter.Seq2[[]byte, error] {
	return func(func([]byte, error) bool) {}
}

// TestALongTrial holds that a trial finds each event that it would have stored, and that they do not lie in so many pieces that looking for one takes
// longer and longer.
func TestALongTrial(t *testing.T) {
	t.Parallel()
	trial := NewTrial(func(events.Fund) Log { return emptyLog{} }, nil)
	var n Numberer
	input := func(form string, args ...any) Input { return n.Input(fmt.Appendf(nil, form, args...)) }
	try := func(want Status, atomic bool, inputs ...Input) {
		t.Helper()
		for _, r := range trial.Append(t.Context(), inputs, Local, atomic) {
			if r.Status != want && r.Code == "" {
				t.Fatalf("%+v, want %s", r, want)
			}
			if want == WouldAppend && r.Code != "" {
				t.Fatal(r.ID, r.Err())
			}
		}
	}
	pay := func(i int) Input {
		return input(`{"id":"p%d","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-02","line":"1","amount":"1.00","channel":"lower-treasury"}`, i)
	}
	confirm := func(i, of int) Input {
		return input(`{"id":"c%d","kind":"receipt-confirmed","fund":"f","year":2022,"date":"2022-06-02","of":"p%d","amount":"1.00"}`, i, of)
	}
	try(WouldAppend, false,
		input(`{"id":"o","kind":"fund-opened","fund":"f","year":2022,"name":"f"}`),
		input(`{"id":"l","kind":"line-added","fund":"f","year":2022,"line":"1","name":"Trees"}`),
		input(`{"id":"b","kind":"appropriated","stage":"original","fund":"f","year":2022,"date":"2022-01-15","line":"1","amount":"5000000.00"}`))
	const payments = 2*MaxBlockEvents + MaxBlockEvents/2
	for i := range payments {
		try(WouldAppend, false, pay(i))
		if i%7 == 0 {
			try(NotTried, true, pay(payments+i), confirm(payments+i, 2*payments)) // there is no such payment
		}
	}
	for i := range payments {
		try(WouldAppend, false, confirm(i, (i*7)%payments))
	}
	try(Duplicate, false, pay(3))
	if pieces := len(trial.funds["f"].landed); pieces > 6 {
		t.Errorf("5000 events of a trial lie in %d pieces", pieces)
	}
}

// TestProposalsLeaveNothing: each is decided on what the trial holds, alone, and its lines are those of the events that would be.
func TestProposalsLeaveNothing(t *testing.T) {
	t.Parallel()
	trial := NewTrial(func(events.Fund) Log { return emptyLog{} }, nil)
	var n Numberer
	input := func(s string) Input { return n.Input([]byte(s)) }
	trial.Append(t.Context(), []Input{
		input(`{"id":"o","kind":"fund-opened","fund":"f","year":2022,"name":"f","lines":[{"code":"1","name":"a"},{"code":"2","name":"b"}]}`),
		input(`{"id":"b","kind":"appropriated","stage":"original","fund":"f","year":2022,"date":"2022-01-15","line":"1","amount":"10.00"}`),
		input(`{"id":"p","kind":"disbursed","fund":"f","year":2022,"date":"2022-02-02","line":"1","amount":"6.00","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}}`),
	}, Local, true)
	undo := input(`{"id":"r","kind":"reversed","fund":"f","year":2022,"of":"p","reason":"wrong line"}`)
	pay := func(id, line, amount string) Input {
		return input(`{"id":"` + id + `","kind":"disbursed","fund":"f","year":2022,"date":"2022-02-02","line":"` + line + `","amount":"` + amount +
			`","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}}`)
	}
	for _, test := range []struct {
		inputs []Input
		want   string
	}{
		{[]Input{undo, pay("q", "1", "9.00")}, "would-append would-append 2"},
		{[]Input{pay("q", "1", "9.00")}, "refused 0"}, // the voucher is in use again
		{[]Input{undo, pay("q", "1", "10.01")}, "not-tried refused 0"},
		{[]Input{undo, pay("q", "1", "10.00")}, "would-append would-append 2"},
		{[]Input{undo, undo}, "would-append duplicate 1"},
		{[]Input{input(`{"kind":"nonsense"}`)}, "refused 0"},
		{nil, "0"},
	} {
		receipts, lines := trial.Propose(t.Context(), test.inputs, Local)
		got := ""
		for _, r := range receipts {
			got += string(r.Status) + " "
		}
		if got += fmt.Sprint(len(lines)); got != test.want {
			t.Errorf("%d commands come to %q, want %q", len(test.inputs), got, test.want)
		}
		for i, line := range lines {
			e, err := events.ParseEvent(line)
			if err != nil || e.Seq != events.Seq(4+i) || e.ID != test.inputs[i].ID {
				t.Errorf("line %d is of %d %s, %v", i, e.Seq, e.ID, err)
			}
		}
	}
	if rs := trial.Append(t.Context(), []Input{undo}, Local, false); rs[0].Status != WouldAppend {
		t.Errorf("after the proposals it is %+v", rs[0])
	}
}
