package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"fundledger/events"
	"fundledger/ledger"
)

// TestCountsAreWhatWasAnswered keeps an account of its own of every receipt that callers of two funds get, while blocks are lost before and after they were
// stored, and holds the ledger's counts against that and against the logs.
func TestCountsAreWhatWasAnswered(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	away := &events.Error{Code: events.Unavailable, Err: errors.New("nobody there")}
	var appends, lost int
	var mu sync.Mutex
	l := h.open(func(log ledger.Log) ledger.Log {
		return &faultyLog{Log: log, plan: func(call int) (before, after error) {
			mu.Lock()
			defer mu.Unlock()
			switch appends++; {
			case call%5 == 3:
				before = away
			case call%5 == 4:
				after = away
			}
			if before != nil || after != nil {
				lost++
			}
			return before, after
		}}
	}, nil)
	commands := 0
	became, codes, appended := map[ledger.Status]uint64{}, map[events.Code]uint64{}, map[events.Fund]uint64{}
	submit := func(fund events.Fund, atomic bool, lines ...string) []ledger.Receipt {
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], `"fund":"a"`, fmt.Sprintf(`"fund":%q`, fund))
		}
		rs := l.Append(t.Context(), inputs(t, lines...), ledger.Local, atomic)
		mu.Lock()
		defer mu.Unlock()
		commands += len(rs)
		for _, r := range rs {
			became[r.Status]++
			if r.Code != "" {
				codes[r.Code]++
			}
			if r.Status == ledger.Appended {
				appended[fund]++
			}
		}
		return rs
	}
	var all sync.WaitGroup
	for _, fund := range []events.Fund{"a", "b"} {
		all.Go(func() {
			submit(fund, true, openA, budgetA)
			for i := range 40 {
				line := pay(fmt.Sprint("p", i), "11")
				for submit(fund, false, line)[0].Status == ledger.Failed {
				}
				submit(fund, false, line, pay(fmt.Sprint("big", i), "500"), `{"kind":"nothing"}`)
				submit(fund, true, pay(fmt.Sprint("q", i), "0.01"), pay(fmt.Sprint("big", i), "500"))
			}
			submit(fund, true, `{"kind":"nothing"}`)
		})
	}
	submit("no-such", false, pay("p", "1"))
	all.Wait()
	got := l.Counts()
	if !maps.Equal(got.Answered, became) {
		t.Errorf("answered %v, callers got %v", got.Answered, became)
	}
	if !maps.Equal(got.Codes, codes) {
		t.Errorf("the codes are %v, callers got %v", got.Codes, codes)
	}
	if !maps.Equal(got.Appended, appended) || appended["a"] == 0 {
		t.Errorf("appended %v, callers got %v", got.Appended, appended)
	}
	for _, code := range []events.Code{events.OverBudget, events.UnknownKind, events.UnknownFund, events.Unavailable} {
		if codes[code] == 0 {
			t.Errorf("nobody was answered %s: that is not tried", code)
		}
	}
	if n := values(got.Answer); n != uint64(commands) || got.Answer.Sum <= 0 {
		t.Errorf("%d waits of %v seconds are counted, of %d commands", n, got.Answer.Sum, commands)
	}
	if got.Unacknowledged != uint64(lost) || lost == 0 {
		t.Errorf("%d blocks were not acknowledged, want %d", got.Unacknowledged, lost)
	}
	acknowledged := uint64(appends - lost)
	if values(got.Commit) != acknowledged || values(got.BlockEvents) != acknowledged || values(got.BlockBytes) != acknowledged {
		t.Errorf("of %d blocks there are %d times and %d sizes", acknowledged, values(got.Commit), values(got.BlockEvents))
	}
	if got.Waiting != 0 {
		t.Errorf("%d wait though all were answered", got.Waiting)
	}
	// What is only asked for is counted nowhere.
	ledger.NewTrial(func(f events.Fund) ledger.Log { return h.store.Log(f) }, nil).Append(t.Context(), inputs(t, pay("trial", "1"), `{"kind":"nothing"}`), ledger.Local, false)
	l.Propose(t.Context(), inputs(t, pay("trial", "0.01"), pay("trial2", "500")), ledger.Local, false)
	l.Propose(t.Context(), inputs(t, pay("trial", "0.01"), pay("trial2", "500")), ledger.Local, true)
	if after := l.Counts(); !maps.Equal(after.Answered, became) || !maps.Equal(after.Codes, codes) || values(after.Answer) != uint64(commands) {
		t.Errorf("with trials %v are answered, without %v", after.Answered, became)
	}
}

// values is how many values a spread has.
func values(s ledger.Spread) (n uint64) {
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// TestBlocksAreCountedAsStored holds the sizes of blocks against the log, where none is lost.
func TestBlocksAreCountedAsStored(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	l.Append(t.Context(), inputs(t, openA, budgetA), ledger.Local, true)
	l.Append(t.Context(), inputs(t, pay("p1", "1")), ledger.Local, false)
	l.Append(context.Background(), inputs(t, pay("p2", "1"), pay("p3", "1"), pay("p4", "1")), ledger.Local, true)
	log := h.store.Log("a")
	size, n := 0, 0
	for line, err := range log.Replay(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		size, n = size+len(line)+1, n+1
	}
	got := l.Counts()
	if values(got.BlockEvents) != log.At().Block || got.BlockEvents.Sum != float64(n) || got.BlockBytes.Sum != float64(size) {
		t.Errorf("%d blocks of %v events and %v bytes are counted; the log has %d of %d and %d", values(got.BlockEvents), got.BlockEvents.Sum, got.BlockBytes.Sum, log.At().Block, n, size)
	}
	// Blocks of 1, 2 and 3 events fall into the buckets up to 1, 2 and 5.
	if c := got.BlockEvents.Counts; c[0] != 1 || c[1] != 1 || c[2] != 1 {
		t.Errorf("the blocks are in the buckets %v", c)
	}
}
