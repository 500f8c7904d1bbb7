package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
)

// A house is a folder with its broker, in which ledgers can be opened one after another or side by side.
type house struct {
	t      testing.TB
	folder string
	store  *stream.Store
	stop   func()
}

func build(t testing.TB, folder string) *house {
	t.Helper()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	st, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, folder: folder, store: st}
	h.stop = sync.OnceFunc(func() {
		nc.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// open opens a ledger whose logs go through wrap, nil for none.
func (h *house) open(wrap func(ledger.Log) ledger.Log, now func() time.Time) *ledger.Ledger {
	l := ledger.Open(func(f events.Fund) ledger.Log {
		var log ledger.Log = h.store.Log(f)
		if wrap != nil {
			log = wrap(log)
		}
		return log
	}, now)
	h.t.Cleanup(func() { l.Close(context.Background()) })
	return l
}

// stored reads a fund's log back, checked, and parses it.
func (h *house) stored(fund events.Fund) (all []events.Event, blocks uint64) {
	h.t.Helper()
	log := h.store.Log(fund)
	for line, err := range log.Replay(h.t.Context()) {
		if err != nil {
			h.t.Fatal(err)
		}
		e, err := events.ParseEvent(slices.Clone(line))
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all, log.At().Block
}

func inputs(t testing.TB, lines ...string) (out []ledger.Input) {
	t.Helper()
	for in, err := range ledger.ReadInputs(strings.NewReader(strings.Join(lines, "\n"))) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, in)
	}
	return out
}

const (
	openA   = `{"kind":"fund-opened","fund":"a","year":2022,"name":"A","lines":[{"code":"1","name":"one"}]}`
	budgetA = `{"kind":"appropriated","fund":"a","year":2022,"date":"2022","line":"1","amount":"400","stage":"original"}`
)

func pay(id, amount string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"disbursed","fund":"a","year":2022,"date":"2022-05-01","line":"1","amount":%q,"channel":"payment"}`, id, amount)
}

func statuses(rs []ledger.Receipt) (out []string) {
	for _, r := range rs {
		out = append(out, string(r.Status)+strings.TrimSuffix(" "+string(r.Code), " "))
	}
	return out
}

func wantStatuses(t *testing.T, rs []ledger.Receipt, want ...string) {
	t.Helper()
	if got := statuses(rs); !slices.Equal(got, want) {
		t.Errorf("receipts say %q, want %q", got, want)
	}
}

// TestTwoOperatorsOneBalance is edge case E20: 300 and 200 from 400 at the same time.
func TestTwoOperatorsOneBalance(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	for round := range 10 {
		fund := fmt.Sprintf("a%d", round)
		in := func(line string) []ledger.Input {
			return inputs(t, strings.ReplaceAll(line, `"fund":"a"`, fmt.Sprintf(`"fund":%q`, fund)))
		}
		l := h.open(nil, nil)
		wantStatuses(t, l.Append(t.Context(), append(in(openA), in(budgetA)...), ledger.Local, false), "appended", "appended")
		var won, refused atomic.Int32
		var both sync.WaitGroup
		for _, amount := range []string{"300", "200"} {
			command := in(pay("p"+amount, amount))
			both.Go(func() {
				r := l.Append(t.Context(), command, ledger.Local, false)[0]
				switch {
				case r.Status == ledger.Appended:
					won.Add(1)
				case r.Status == ledger.Refused && r.Code == events.OverBudget:
					refused.Add(1)
				default:
					t.Errorf("got %+v", r)
				}
			})
		}
		both.Wait()
		if won.Load() != 1 || refused.Load() != 1 {
			t.Fatalf("%d won and %d were refused, want one of each", won.Load(), refused.Load())
		}
		if all, _ := h.stored(events.Fund(fund)); len(all) != 3 {
			t.Fatalf("%d events are stored, want 3", len(all))
		}
	}
}

func TestTheSameFileTwicePostsNothingTwice(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	bare := `{"kind":"disbursed","fund":"a","year":2022,"date":"2022-05-01","line":"1","amount":"10","channel":"payment"}`
	file := inputs(t, openA, "", budgetA, pay("p1", "100"), bare, bare)
	h := build(t, folder)
	l := h.open(nil, nil)
	first := l.Append(t.Context(), file, ledger.Local, false)
	wantStatuses(t, first, "appended", "appended", "appended", "appended", "appended")
	if first[1].Input != 3 {
		t.Errorf("the command after a blank line is input %d, want 3", first[1].Input)
	}
	if first[3].ID == first[4].ID || !slices.Equal(first[4].Flags, []events.Code{events.PossibleDuplicate}) {
		t.Errorf("two equal payments of one file: ids %s and %s, flags %v; want two ids and a flag", first[3].ID, first[4].ID, first[4].Flags)
	}
	for range 2 { // within one run, and after a restart
		again := l.Append(t.Context(), file, ledger.Local, false)
		wantStatuses(t, again, "duplicate", "duplicate", "duplicate", "duplicate", "duplicate")
		for i := range again {
			if again[i].Seq != first[i].Seq || again[i].ID != first[i].ID || again[i].Recorded != first[i].Recorded {
				t.Errorf("the second receipt %+v speaks of another event than the first %+v", again[i], first[i])
			}
		}
		l.Close(t.Context())
		h.stop()
		h = build(t, folder)
		l = h.open(nil, nil)
	}
	other := l.Append(t.Context(), inputs(t, pay("p1", "101")), ledger.Local, false)
	wantStatuses(t, other, "refused id-used")
	if all, _ := h.stored("a"); len(all) != 5 {
		t.Errorf("%d events are stored, want 5", len(all))
	}
}

func TestGroupCommit(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	l.Append(t.Context(), inputs(t, openA, strings.ReplaceAll(budgetA, "400", "100000")), ledger.Local, false)
	const callers, each = 64, 20
	seen := make([][]events.Seq, callers)
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				r := l.Append(t.Context(), inputs(t, pay(fmt.Sprintf("p-%d-%d", c, i), "1")), ledger.Local, false)[0]
				if r.Status != ledger.Appended {
					t.Errorf("got %+v", r)
				}
				seen[c] = append(seen[c], r.Seq)
			}
		})
	}
	all.Wait()
	stored, blocks := h.stored("a")
	if len(stored) != 2+callers*each {
		t.Fatalf("%d events are stored, want %d", len(stored), 2+callers*each)
	}
	for c, seqs := range seen {
		if !slices.IsSorted(seqs) {
			t.Errorf("caller %d was answered out of order: %v", c, seqs)
		}
		for i, n := range seqs {
			if want := events.ID(fmt.Sprintf("p-%d-%d", c, i)); stored[n-1].ID != want {
				t.Errorf("event %d is %s, its receipt said %s", n, stored[n-1].ID, want)
			}
		}
	}
	if blocks >= uint64(len(stored))/2 {
		t.Errorf("%d events are in %d blocks: what queued up was not stored together", len(stored), blocks)
	}
}

func TestAtomic(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	add := func(lines ...string) []ledger.Receipt {
		return l.Append(t.Context(), inputs(t, lines...), ledger.Local, true)
	}
	wantStatuses(t, add(openA, budgetA, pay("p1", "300")), "appended", "appended", "appended")
	wantStatuses(t, add(pay("p2", "50"), pay("p3", "60"), pay("p4", "1")), "not-tried", "refused over-budget", "not-tried")
	wantStatuses(t, add(pay("p2", "50"), `{"kind":"nothing"}`), "not-tried", "refused unknown-kind")
	wantStatuses(t, add(pay("p2", "50"), strings.ReplaceAll(openA, `"fund":"a"`, `"fund":"b"`)), "not-tried", "refused bad-value")
	// What was undone leaves no trace: the ids are free, and the money is there.
	wantStatuses(t, add(pay("p3", "60"), pay("p2", "40")), "appended", "appended")
	wantStatuses(t, add(pay("p2", "40"), pay("p5", "1")), "not-tried", "refused over-budget")
	many := make([]string, 1001)
	for i := range many {
		many[i] = pay(fmt.Sprint("m", i), "1")
	}
	if rs := add(many...); rs[0].Code != events.TooLarge || rs[1].Status != ledger.NotTried {
		t.Errorf("1001 commands: %+v, %+v", rs[0], rs[1])
	}
	if all, _ := h.stored("a"); len(all) != 5 {
		t.Errorf("%d events are stored, want 5", len(all))
	}
}

// A faultyLog fails calls by plan: each Append before or after it took effect.
type faultyLog struct {
	ledger.Log
	plan func(call int) (before, after error)
	call int
}

func (f *faultyLog) Append(ctx context.Context, b *proof.Block) error {
	f.call++
	before, after := f.plan(f.call)
	if before != nil {
		return before
	}
	if err := f.Log.Append(ctx, b); err != nil {
		return err
	}
	return after
}

// TestLostAnswers fails appends before and after they took effect: no receipt is wrong, and asking again doubles nothing.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	lost := &events.Error{Code: events.UnknownOutcome, Err: errors.New("the answer was lost")}
	away := &events.Error{Code: events.Unavailable, Err: errors.New("nobody there")}
	for _, c := range []struct {
		name          string
		before, after error
		first         string // of the command whose block was hit
	}{
		{"before, unknown", lost, nil, "failed unknown-outcome"},
		{"before, away", away, nil, "failed unavailable"},
		{"before, another writer", events.ErrConflict, nil, "appended"},
		{"after, unknown", nil, lost, "appended"},
		{"after, away", nil, away, "appended"},
		{"after, said to be another writer's", nil, events.ErrConflict, "appended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, t.TempDir())
			l := h.open(func(log ledger.Log) ledger.Log {
				return &faultyLog{Log: log, plan: func(call int) (error, error) {
					if call == 2 {
						return c.before, c.after
					}
					return nil, nil
				}}
			}, nil)
			wantStatuses(t, l.Append(t.Context(), inputs(t, openA, budgetA), ledger.Local, false), "appended", "appended")
			first := l.Append(t.Context(), inputs(t, pay("p1", "100")), ledger.Local, false)
			wantStatuses(t, first, c.first)
			again := l.Append(t.Context(), inputs(t, pay("p1", "100")), ledger.Local, false)
			if strings.HasPrefix(c.first, "failed") {
				wantStatuses(t, again, "appended")
			} else {
				wantStatuses(t, again, "duplicate")
			}
			all, _ := h.stored("a")
			if len(all) != 3 || all[2].ID != "p1" {
				t.Errorf("%d events are stored, want 3, the last p1", len(all))
			}
		})
	}
}

// brokenLog cannot be read, or does not know whether it is current.
type brokenLog struct {
	ledger.Log
	replay, current error
}

func (b brokenLog) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	if b.replay == nil {
		return b.Log.Replay(ctx)
	}
	return func(yield func([]byte, error) bool) { yield(nil, b.replay) }
}

func (b brokenLog) Current(ctx context.Context) error {
	if b.current != nil {
		return b.current
	}
	return b.Log.Current(ctx)
}

func TestALogThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	wantStatuses(t, h.open(nil, nil).Append(t.Context(), inputs(t, openA), ledger.Local, false), "appended")
	for _, c := range []struct {
		log  brokenLog
		want string
	}{
		{brokenLog{replay: errors.New("no broker")}, "failed unavailable"},
		{brokenLog{replay: &events.Error{Code: events.Tampered, Why: "gap"}}, "failed tampered"},
		{brokenLog{current: errors.New("no leader")}, "failed unavailable"},
	} {
		l := h.open(func(log ledger.Log) ledger.Log {
			c.log.Log = log
			return c.log
		}, nil)
		// A refusal is an answer too: it is given only by a decider that knows it is the one.
		wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p", "1")), ledger.Local, false), c.want)
	}
}

func TestClockBehind(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	wantStatuses(t, h.open(nil, nil).Append(t.Context(), inputs(t, openA), ledger.Local, false), "appended")
	at := func(back time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(-back) } }
	wantStatuses(t, h.open(nil, at(time.Hour)).Append(t.Context(), inputs(t, budgetA), ledger.Local, false), "failed clock-behind")
	// A little behind is every clock now and then; the recorded time still goes up.
	wantStatuses(t, h.open(nil, at(time.Second)).Append(t.Context(), inputs(t, budgetA), ledger.Local, false), "appended")
	all, _ := h.stored("a")
	if len(all) != 2 || !all[1].Time.After(all[0].Time) {
		t.Errorf("recorded times %v do not go up", all)
	}
}

// TestManyWritersOneLog lets several deciders fight over one log. The fence lets one win each time; nothing is lost, doubled or forked.
func TestManyWritersOneLog(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	first := h.open(nil, nil)
	first.Append(t.Context(), inputs(t, openA, strings.ReplaceAll(budgetA, "400", "1000000")), ledger.Local, false)
	const writers, each = 3, 30
	var all sync.WaitGroup
	var accepted sync.Map
	for w := range writers {
		l := h.open(nil, nil)
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("p-%d-%d", w, i)
				for {
					r := l.Append(t.Context(), inputs(t, pay(id, "1")), ledger.Local, false)[0]
					if r.Status == ledger.Failed && (r.Code == events.Busy || r.Code == events.UnknownOutcome) {
						continue // ask again: nothing is doubled
					}
					if r.Status != ledger.Appended && r.Status != ledger.Duplicate {
						t.Errorf("%s: %+v", id, r)
					}
					accepted.Store(events.ID(id), r.Seq)
					break
				}
			}
		})
	}
	all.Wait()
	stored, _ := h.stored("a")
	if len(stored) != 2+writers*each {
		t.Errorf("%d events are stored, want %d", len(stored), 2+writers*each)
	}
	for _, e := range stored[2:] {
		if n, ok := accepted.Load(e.ID); !ok || n != e.Seq {
			t.Errorf("event %d is %s; its receipt said %v", e.Seq, e.ID, n)
		}
	}
}

func TestDryRunCountsItsOwnCommandsAndStoresNothing(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	trial := ledger.NewTrial(func(f events.Fund) ledger.Log { return h.store.Log(f) }, nil)
	rs := trial.Append(t.Context(), inputs(t, openA, budgetA, pay("p1", "300"), pay("p2", "200"), pay("p1", "300")), ledger.Local, false)
	wantStatuses(t, rs, "would-append", "would-append", "would-append", "refused over-budget", "duplicate")
	for _, r := range rs {
		if r.Seq != 0 || r.Recorded != "" {
			t.Errorf("%+v names an event that does not exist", r)
		}
	}
	if all, _ := h.stored("a"); len(all) != 0 {
		t.Errorf("%d events are stored, want none", len(all))
	}
}

func TestCloseAnswersWhatIsQueued(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	var answered atomic.Int32
	l.Submit(inputs(t, openA, strings.ReplaceAll(budgetA, "400", "1000")), ledger.Local, false, func([]ledger.Receipt) { answered.Add(1) })
	for i := range 50 {
		l.Submit(inputs(t, pay(fmt.Sprint("p", i), "1")), ledger.Local, false, func(rs []ledger.Receipt) {
			if rs[0].Status != ledger.Appended {
				t.Errorf("got %+v", rs[0])
			}
			answered.Add(1)
		})
	}
	l.Close(t.Context())
	if answered.Load() != 51 {
		t.Errorf("%d of 51 were answered", answered.Load())
	}
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("late", "1")), ledger.Local, false), "failed unavailable")
}

// TestReceiptsNameEveryCommand holds that a receipt has an id whenever the input could be read as JSON, refused or not.
func TestReceiptsNameEveryCommand(t *testing.T) {
	t.Parallel()
	in := inputs(t, `{"id":"mine","kind":"nothing"}`, `{"kind":"year-closed","fund":"a","year":2022,"id":"own"}`, `{"kind":"nothing"}`, `{"kind":"nothing"}`, `{"kind":`)
	for i, want := range []events.ID{"mine", "own"} {
		if in[i].ID != want || in[i].Err == nil {
			t.Errorf("input %d has id %q, %v; want %q and a refusal", i+1, in[i].ID, in[i].Err, want)
		}
	}
	if in[2].ID == "" || in[3].ID == "" || in[2].ID == in[3].ID {
		t.Errorf("two equal commands that are refused have ids %q and %q, want two", in[2].ID, in[3].ID)
	}
	if in[4].ID != "" {
		t.Errorf("what is no JSON has id %q", in[4].ID)
	}
}
