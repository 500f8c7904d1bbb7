package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/ledger"
)

// A countingLog counts how a log is read.
type countingLog struct {
	ledger.Log
	replays, rests *atomic.Int32
}

func (l countingLog) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	l.replays.Add(1)
	return l.Log.Replay(ctx)
}

func (l countingLog) Rest(ctx context.Context) iter.Seq2[[]byte, error] {
	l.rests.Add(1)
	return l.Log.Rest(ctx)
}

// history appends a little of everything whose fate later commands can change, and returns the receipts.
func history(t *testing.T, l *ledger.Ledger) []ledger.Receipt {
	t.Helper()
	rs := l.Append(t.Context(), inputs(t, openA, budgetA,
		pay("p1", "30"), pay("p2", "40"), pay("p3", "50"),
		`{"id":"v1","kind":"disbursed","fund":"a","year":2022,"date":"2022-05-02","line":"1","amount":"10","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}}`,
		`{"id":"back","kind":"clawed-back","fund":"a","year":2022,"date":"2022-06-01","line":"1","amount":"5","of":"p2","cause":"refund"}`,
		`{"id":"gone","kind":"reversed","fund":"a","year":2022,"of":"p3","reason":"twice"}`,
	), ledger.Local, false)
	wantStatuses(t, rs, slices.Repeat([]string{"appended"}, len(rs))...)
	return rs
}

// followUp asks about that history and adds to it. What it is answered must not depend on how the ledger came to know it.
func followUp(t *testing.T, l *ledger.Ledger) (answers []string) {
	t.Helper()
	for _, c := range []string{
		pay("p1", "30"),
		pay("p1", "31"),
		`{"id":"v2","kind":"disbursed","fund":"a","year":2022,"date":"2022-05-03","line":"1","amount":"11","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}}`,
		`{"id":"v3","kind":"disbursed","fund":"a","year":2022,"date":"2022-05-02","line":"1","amount":"10","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}}`,
		`{"id":"back2","kind":"clawed-back","fund":"a","year":2022,"date":"2022-06-03","line":"1","amount":"36","of":"p2","cause":"refund"}`,
		`{"id":"back3","kind":"clawed-back","fund":"a","year":2022,"date":"2022-06-03","line":"1","amount":"35","of":"p2","cause":"refund"}`,
		`{"id":"gone2","kind":"reversed","fund":"a","year":2022,"of":"p3","reason":"twice"}`,
		`{"id":"gone3","kind":"reversed","fund":"a","year":2022,"of":"back","reason":"wrong"}`,
		pay("p4", "30"),
		pay("p5", "1000"),
	} {
		r := l.Append(t.Context(), inputs(t, c), ledger.Local, false)[0]
		answers = append(answers, fmt.Sprint(r.Status, r.ID, r.Seq, r.Code, r.Flags, r.Args))
	}
	return answers
}

func snapshotPath(h *house) string { return filepath.Join(h.folder, "snapshots", "a") }

// TestASnapshotIsTakenUp keeps a snapshot and loads from it, and from what is wrong with one in every way; the answers are the same as without.
func TestASnapshotIsTakenUp(t *testing.T) {
	t.Parallel()
	original := filepath.Join(t.TempDir(), "original")
	h := build(t, original)
	l := h.open(nil, nil)
	l.Quiet(time.Hour, 1, time.Hour)
	first := history(t, l)
	l.Close(t.Context())
	older, err := os.ReadFile(snapshotPath(h))
	if err != nil {
		t.Fatal(err)
	}
	// One more, so that the last snapshot is of a log with an end of its own.
	l = h.open(nil, nil)
	l.Quiet(time.Hour, 1, time.Hour)
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p6", "1")), ledger.Local, false), "appended")
	l.Close(t.Context())
	h.stop()

	other := filepath.Join(t.TempDir(), "other") // as long, and another
	h = build(t, other)
	l = h.open(nil, nil)
	l.Quiet(time.Hour, 1, time.Hour)
	history(t, l)
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p7", "2")), ledger.Local, false), "appended")
	l.Close(t.Context())
	foreign, err := os.ReadFile(snapshotPath(h))
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, h.open(nil, nil).Append(t.Context(), inputs(t, pay("p8", "2")), ledger.Local, false), "appended")
	l = h.open(nil, nil)
	l.Quiet(time.Hour, 1, time.Hour)
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p9", "2")), ledger.Local, false), "appended")
	l.Close(t.Context())
	longer, err := os.ReadFile(snapshotPath(h))
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var without []string
	for _, c := range []struct {
		name    string
		spoil   func(whole []byte) []byte // nil: no file
		replays bool
	}{
		{"none", nil, true},
		{"whole", func(b []byte) []byte { return b }, false},
		{"of an earlier moment", func([]byte) []byte { return older }, false},
		{"a bit in the middle", func(b []byte) []byte { b[len(b)/2] ^= 4; return b }, true},
		{"cut", func(b []byte) []byte { return b[:len(b)-40] }, true},
		{"empty", func([]byte) []byte { return nil }, true},
		{"of another log", func([]byte) []byte { return foreign }, true},
		{"of a longer log", func([]byte) []byte { return longer }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			h := build(t, folder)
			if c.spoil == nil {
				if err := os.Remove(snapshotPath(h)); err != nil {
					t.Fatal(err)
				}
			} else {
				whole, err := os.ReadFile(snapshotPath(h))
				if err == nil {
					err = os.WriteFile(snapshotPath(h), c.spoil(bytes.Clone(whole)), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			var replays, rests atomic.Int32
			l := h.open(func(log ledger.Log) ledger.Log { return countingLog{log, &replays, &rests} }, nil)
			again := l.Append(t.Context(), inputs(t, openA, budgetA), ledger.Local, false)
			wantStatuses(t, again, "duplicate", "duplicate")
			for i, r := range again {
				if r.Seq != first[i].Seq || r.Recorded != first[i].Recorded {
					t.Errorf("a retry is answered %+v, first it was %+v", r, first[i])
				}
			}
			if replays.Load() > 0 != c.replays {
				t.Errorf("the log was read %d times from the beginning and %d times from a snapshot", replays.Load(), rests.Load())
			}
			answers := followUp(t, l)
			mu.Lock()
			defer mu.Unlock()
			if without == nil {
				without = answers
				for i, want := range []ledger.Status{
					ledger.Duplicate, ledger.Refused, ledger.Refused, ledger.Duplicate, ledger.Refused, ledger.Appended, ledger.Refused, ledger.Appended,
					ledger.Appended, ledger.Refused,
				} {
					if !bytes.HasPrefix([]byte(answers[i]), []byte(want)) {
						t.Errorf("command %d is answered %q, want %s", i, answers[i], want)
					}
				}
			}
			if !slices.Equal(answers, without) {
				t.Errorf("answers\n%q, without a snapshot\n%q", answers, without)
			}
		})
	}
}

// TestASnapshotOfAnotherProgramIsNotTaken keeps something as the snapshot that is whole and not one of this program.
func TestASnapshotOfAnotherProgramIsNotTaken(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	history(t, h.open(nil, nil))
	log := h.store.Log("a")
	for _, err := range log.Replay(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Keep([]byte("of a later version")); err != nil {
		t.Fatal(err)
	}
	var replays, rests atomic.Int32
	l := h.open(func(log ledger.Log) ledger.Log { return countingLog{log, &replays, &rests} }, nil)
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p1", "30")), ledger.Local, false), "duplicate")
	if replays.Load() != 1 || rests.Load() != 0 {
		t.Errorf("the log was read %d times from the beginning and %d times from a snapshot", replays.Load(), rests.Load())
	}
}

// TestAQuietFundIsUnloaded waits until a fund has its snapshot and no decider any more, and asks it again.
func TestAQuietFundIsUnloaded(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	var replays, rests atomic.Int32
	l := h.open(func(log ledger.Log) ledger.Log { return countingLog{log, &replays, &rests} }, nil)
	l.Quiet(time.Millisecond, 1, time.Millisecond)
	history(t, l)
	for l.Loaded("a") {
		time.Sleep(time.Millisecond)
	}
	if _, err := os.Stat(snapshotPath(h)); err != nil {
		t.Error(err)
	}
	before := replays.Load()
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p1", "30"), pay("p9", "1")), ledger.Local, false), "duplicate", "appended")
	if replays.Load() != before || rests.Load() == 0 {
		t.Errorf("it was read %d times more from the beginning and %d times from a snapshot", replays.Load()-before, rests.Load())
	}
}

// TestUnloadingUnderLoad unloads a fund again and again while callers write: nothing is lost, doubled or out of order.
func TestUnloadingUnderLoad(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(nil, nil)
	l.Quiet(time.Millisecond, 10, time.Millisecond)
	history(t, l)
	d := &diary{}
	var all sync.WaitGroup
	var writing atomic.Bool
	writing.Store(true)
	ended := make(chan int)
	go func() {
		n := 0
		for ; writing.Load(); n++ {
			l.Unload("a")
		}
		ended <- n
	}()
	for who := range 4 {
		all.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("u%d-%d", who, i)
				d.ask(id, func() ledger.Receipt { return l.Append(t.Context(), inputs(t, pay(id, "1")), ledger.Local, false)[0] })
			}
		})
	}
	all.Wait()
	writing.Store(false)
	if n := <-ended; n == 0 {
		t.Error("nothing was unloaded")
	}
	for id, rs := range d.told {
		if rs[0].Status != ledger.Appended {
			t.Errorf("%s is answered %+v", id, rs[0])
		}
	}
	stored, _ := h.stored("a")
	d.audit(t, stored)
	if len(stored) != 8+80 {
		t.Errorf("%d events are stored, want 88", len(stored))
	}
}

// A lineFailsLog cannot fetch single lines while it is told so.
type lineFailsLog struct {
	ledger.Log
	after bool // it was fetched, and the answer was lost
	err   *atomic.Pointer[error]
}

func (l lineFailsLog) Line(ctx context.Context, n events.Seq) ([]byte, error) {
	err := l.err.Load()
	if err == nil || l.after {
		line, lineErr := l.Log.Line(ctx, n)
		if err == nil || lineErr != nil {
			return line, lineErr
		}
	}
	return nil, *err
}

// TestALineCannotBeFetched has commands that need an event of long ago, which cannot be had: they are not decided by what is not known, and are decided
// rightly when it can be had again. Others are decided meanwhile.
func TestALineCannotBeFetched(t *testing.T) {
	t.Parallel()
	damaged := &events.Error{Code: events.Tampered, Why: "header"}
	for _, c := range []struct {
		name  string
		err   error
		after bool
		code  events.Code
	}{
		{"unreachable, before", unsent, false, events.Unavailable},
		{"unreachable, after", unsent, true, events.Unavailable},
		{"a cable", errCable, true, events.Unavailable},
		{"damaged", damaged, false, events.Tampered},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, t.TempDir())
			history(t, h.open(nil, nil))
			var fails atomic.Pointer[error]
			fails.Store(&c.err)
			l := h.open(func(log ledger.Log) ledger.Log { return lineFailsLog{log, c.after, &fails} }, nil)
			// Reading the log needs the event that was reversed.
			if r := l.Append(t.Context(), inputs(t, pay("p9", "1")), ledger.Local, false)[0]; r.Status != ledger.Failed || r.Code != c.code {
				t.Errorf("where the log cannot be read the answer is %s %s, want failed %s", r.Status, r.Code, c.code)
			}
			fails.Store(nil)
			wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p9", "1")), ledger.Local, false), "appended")
			fails.Store(&c.err)
			needy := []string{
				pay("p1", "30"),
				`{"id":"v3","kind":"disbursed","fund":"a","year":2022,"date":"2022-05-02","line":"1","amount":"10","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}}`,
				`{"id":"back3","kind":"clawed-back","fund":"a","year":2022,"date":"2022-06-03","line":"1","amount":"35","of":"p2","cause":"refund"}`,
				`{"id":"gone3","kind":"reversed","fund":"a","year":2022,"of":"back","reason":"wrong"}`,
			}
			for _, command := range needy {
				r := l.Append(t.Context(), inputs(t, command), ledger.Local, false)[0]
				if r.Status != ledger.Failed || r.Code != c.code {
					t.Errorf("%s is answered %s %s, want failed %s", command, r.Status, r.Code, c.code)
				}
			}
			wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p10", "1")), ledger.Local, false), "appended")
			if stored, _ := h.stored("a"); len(stored) != 10 {
				t.Errorf("%d events are stored, want 10", len(stored))
			}
			fails.Store(nil)
			wantStatuses(t, l.Append(t.Context(), inputs(t, needy...), ledger.Local, false), "duplicate", "duplicate", "appended", "appended")
		})
	}
}

// TestALogThatCannotKeep appends where no snapshot can be kept: that costs time at the next start, and nothing else.
func TestALogThatCannotKeep(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	l := h.open(func(log ledger.Log) ledger.Log { return keepsNothing{log} }, nil)
	l.Quiet(time.Millisecond, 1, time.Millisecond)
	history(t, l)
	for l.Loaded("a") {
		time.Sleep(time.Millisecond)
	}
	wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p1", "30"), pay("p9", "1")), ledger.Local, false), "duplicate", "appended")
}

type keepsNothing struct{ ledger.Log }

func (keepsNothing) Keep([]byte) error { return errors.New("no space left") }

// A restFailsLog cannot be read from a snapshot on, while it is told so.
type restFailsLog struct {
	ledger.Log
	halfway bool
	err     *atomic.Pointer[error]
}

func (l restFailsLog) Rest(ctx context.Context) iter.Seq2[[]byte, error] {
	err := l.err.Load()
	if err == nil {
		return l.Log.Rest(ctx)
	}
	return func(yield func([]byte, error) bool) {
		if l.halfway {
			for line, lineErr := range l.Log.Rest(ctx) {
				if !yield(line, lineErr) {
					return
				}
				break
			}
		}
		yield(nil, *err)
	}
}

// TestARestThatCannotBeRead has a snapshot, and what came after it cannot be had: nothing is decided without it. What says that the snapshot is of another
// log leads to a replay instead.
func TestARestThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, halfway := range []bool{false, true} {
		for _, fault := range []error{unsent, errCable, &events.Error{Code: events.Tampered, Why: "root"}} {
			t.Run(fmt.Sprintf("%v, halfway %t", fault, halfway), func(t *testing.T) {
				t.Parallel()
				h := build(t, t.TempDir())
				l := h.open(nil, nil)
				l.Quiet(time.Hour, 1, time.Hour)
				history(t, l)
				l.Close(t.Context())
				// Two that the snapshot does not know.
				l = h.open(nil, nil)
				wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p8", "1"), pay("p9", "2")), ledger.Local, false), "appended", "appended")
				l.Close(t.Context())

				var fails atomic.Pointer[error]
				fails.Store(&fault)
				l = h.open(func(log ledger.Log) ledger.Log { return restFailsLog{log, halfway, &fails} }, nil)
				r := l.Append(t.Context(), inputs(t, pay("p9", "2")), ledger.Local, false)[0]
				if events.CodeOf(fault) == events.Tampered {
					wantStatuses(t, []ledger.Receipt{r}, "duplicate")
				} else {
					wantStatuses(t, []ledger.Receipt{r}, "failed unavailable")
				}
				fails.Store(nil)
				wantStatuses(t, l.Append(t.Context(), inputs(t, pay("p9", "2"), pay("p10", "3")), ledger.Local, false), "duplicate", "appended")
			})
		}
	}
}
