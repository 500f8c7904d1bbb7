package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/ledger"
	"fundledger/projections"
)

// A faultyLog is a log with something between the ledger and the disk.
type faultyLog struct {
	ledger.Log
	appendTo func(ctx context.Context, real ledger.Log, b *proof.Block) error
	replay   func() error
	current  func() error
}

func (l *faultyLog) Append(ctx context.Context, b *proof.Block) error {
	if l.appendTo != nil {
		return l.appendTo(ctx, l.Log, b)
	}
	return l.Log.Append(ctx, b)
}

func (l *faultyLog) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	if l.replay == nil {
		return l.Log.Replay(ctx)
	}
	return func(yield func([]byte, error) bool) {
		if err := l.replay(); err != nil {
			yield(nil, err)
			return
		}
		l.Log.Replay(ctx)(yield)
	}
}

func (l *faultyLog) Current(ctx context.Context) error {
	if l.current != nil {
		return l.current()
	}
	return l.Log.Current(ctx)
}

var errCable = errors.New("the cable was pulled")

// A fault is a way in which an append can fail.
type fault struct {
	name   string
	code   events.Code
	begin  func() (func(ledger.Log) ledger.Log, func() time.Time)
	file   string
	stored bool // what failed is in the log all the same
}

// faults are those, with the code that each must be answered, and what the same file is answered when the fault is over.
var faults = []fault{
	{"another writer is always faster", events.Busy, onAppend(func(context.Context, ledger.Log, *proof.Block) error { return events.ErrConflict }), pay("p"), false},
	{"nothing was sent", events.Unavailable, onAppend(func(context.Context, ledger.Log, *proof.Block) error {
		return &events.Error{Code: events.Unavailable, Why: "broker", Err: errCable}
	}), pay("p"), false},
	{"the log cannot be read", events.Unavailable, func() (func(ledger.Log) ledger.Log, func() time.Time) {
		return func(l ledger.Log) ledger.Log {
			return &faultyLog{Log: l, replay: func() error { return errCable }}
		}, nil
	}, pay("p"), false},
	{"nobody answers whether a duplicate is one", events.Unavailable, func() (func(ledger.Log) ledger.Log, func() time.Time) {
		return func(l ledger.Log) ledger.Log {
			return &faultyLog{Log: l, current: func() error { return errCable }}
		}, nil
	}, small, true},
	{"no answer, and nothing was stored", events.UnknownOutcome, onAppend(func(context.Context, ledger.Log, *proof.Block) error { return errCable }), pay("p"), false},
	{"stored, but the answer is lost and the log is gone", events.UnknownOutcome, func() (func(ledger.Log) ledger.Log, func() time.Time) {
		lost := false
		return func(l ledger.Log) ledger.Log {
			return &faultyLog{
				Log: l,
				appendTo: func(ctx context.Context, real ledger.Log, b *proof.Block) error {
					lost = true
					return errors.Join(errCable, real.Append(ctx, b))
				},
				replay: func() error {
					if lost {
						return errCable
					}
					return nil
				},
			}
		}, nil
	}, pay("p"), true},
	{"the clock was set back", events.ClockBehind, func() (func(ledger.Log) ledger.Log, func() time.Time) {
		return nil, func() time.Time { return today.Add(-time.Hour) }
	}, pay("p"), false},
}

func onAppend(f func(context.Context, ledger.Log, *proof.Block) error) func() (func(ledger.Log) ledger.Log, func() time.Time) {
	return func() (func(ledger.Log) ledger.Log, func() time.Time) {
		return func(l ledger.Log) ledger.Log { return &faultyLog{Log: l, appendTo: f} }, nil
	}
}

func TestEveryFailureIsShown(t *testing.T) {
	t.Parallel()
	for _, code := range events.Failures {
		if !slices.ContainsFunc(faults, func(f fault) bool { return f.code == code }) {
			t.Errorf("no fault ends in %s", code)
		}
	}
}

func TestAfterAFaultTheSameFileIsStoredOnce(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		for _, served := range []bool{false, true} {
			name := f.name
			if served {
				name += ", at the server"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := onFolder(t)
				p.append(t, small)
				bad := p.with(f.file)
				bad.faulty, bad.now = f.begin()
				var s *server
				if served {
					s = bad.serving(t)
				}
				for _, lang := range []string{"en", "zh"} {
					got := bad.run(t, "append", "--lang", lang)
					if got.code != exitFailed {
						t.Fatalf("exit %d, want %d\n%s%s", got.code, exitFailed, got.out, got.err)
					}
					for _, r := range receipts(t, got.out) {
						if r.Status != ledger.Failed || r.Code != f.code {
							t.Errorf("the receipt is %s, want failed/%s", statuses([]ledger.Receipt{r}), f.code)
						}
					}
					if f.stored { // the second time it is known
						break
					}
				}
				if served {
					s.stop()
				}
				want := ledger.Appended
				if f.stored {
					want = ledger.Duplicate
				}
				rs := p.append(t, f.file)
				for _, r := range rs {
					if r.Status != want {
						t.Errorf("after the fault the same file is answered %s, want %s", statuses(rs), want)
					}
				}
				exactlyOnce(t, p.stored(t), rs)
			})
		}
	}
}

// Stored, and the answer is lost: the ledger looks into the log itself before it says that it does not know.
func TestALostAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	lost := p.with(pay("p"))
	lost.faulty = func(l ledger.Log) ledger.Log {
		return &faultyLog{Log: l, appendTo: func(ctx context.Context, real ledger.Log, b *proof.Block) error {
			return errors.Join(real.Append(ctx, b), errCable)
		}}
	}
	got := lost.run(t, "append")
	if rs := receipts(t, got.out); got.code != exitOK || statuses(rs) != "appended" {
		t.Errorf("exit %d, %s; want it appended", got.code, statuses(rs))
	}
	exactlyOnce(t, p.stored(t), nil)
}

// A dry run reads only, so a log that cannot be written does not matter to it, and one that cannot be read does.
func TestFaultsOfADryRun(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	bad := p.with(pay("p"))
	bad.faulty = func(l ledger.Log) ledger.Log {
		return &faultyLog{Log: l, appendTo: func(context.Context, ledger.Log, *proof.Block) error { panic("a dry run writes") }}
	}
	if got := bad.run(t, "append", "--dry-run"); got.code != exitOK || statuses(receipts(t, got.out)) != "would-append" {
		t.Errorf("exit %d: %s", got.code, got.out)
	}
	bad.faulty = func(l ledger.Log) ledger.Log { return &faultyLog{Log: l, replay: func() error { return errCable }} }
	if got := bad.run(t, "append", "--dry-run"); got.code != exitFailed || statuses(receipts(t, got.out)) != "failed/unavailable" {
		t.Errorf("exit %d: %s", got.code, got.out)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events are stored, want 2", n)
	}
}

// more is one more event of the reference fund.
const more = `{"kind":"committed","fund":"cd-gx","year":2023,"date":"2023-05-01","line":"0","amount":"1.00","lot":"CO-2022-2"}`

// readings are the commands that read.
func readings() (all [][]string) {
	for _, name := range projections.Tables {
		for _, format := range []string{"text", "json", "csv"} {
			all = append(all, []string{"table", name, "--fund", "cd-gx", "--year", "2022", "--format", format})
		}
	}
	return append(all,
		[]string{"report", "--fund", "cd-gx", "--year", "2022"},
		[]string{"report", "--fund", "cd-gx", "--year", "2023", "--format", "json", "--known-at", "60"},
		[]string{"table", "execution", "--fund", "cd-gx", "--year", "2022", "--known-at", "2"},
		[]string{"events"},
		[]string{"events", "--fund", "cd-gx", "--to", "2"},
		[]string{"events", "--fund", "cd-gx", "--line", "2.6"},
	)
}

// clone copies a folder that nobody holds.
func (p *program) clone(t *testing.T) *program {
	t.Helper()
	q := onFolder(t)
	if err := os.CopyFS(q.folder, os.DirFS(p.folder)); err != nil {
		t.Fatal(err)
	}
	return q
}

func (p *program) block(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(p.folder, "jetstream/jetstream/*/streams/*/msgs/*.blk"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the store has the files %v, %v; want one", found, err)
	}
	return found[0]
}

// wantTampered checks that a command prints nothing but, on standard error, that the log is not as it was written.
func (p *program) wantTampered(t *testing.T, args []string) {
	t.Helper()
	got := p.run(t, args...)
	if got.code != exitFailed || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") || !strings.Contains(got.err, "hint: stop writing") {
		t.Errorf("%v: exit %d, %d bytes on standard output, and says %q", args, got.code, len(got.out), got.err)
	}
}

func TestNothingIsPrintedOfADamagedLog(t *testing.T) {
	t.Parallel()
	whole := onFolder(t)
	whole.append(t, sample())
	data, err := os.ReadFile(whole.block(t))
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func(t *testing.T, block string){
		"the file is gone": func(t *testing.T, block string) {
			if err := os.Remove(block); err != nil {
				t.Fatal(err)
			}
		},
		"the end is cut off": func(t *testing.T, block string) {
			if err := os.Truncate(block, int64(len(data)/2)); err != nil {
				t.Fatal(err)
			}
		},
		"an amount reads otherwise": func(t *testing.T, block string) {
			changed := bytes.Replace(data, []byte("17387000.00"), []byte("17387001.00"), -1)
			if bytes.Equal(changed, data) {
				t.Skip("the store does not hold it as it is written")
			}
			if err := os.WriteFile(block, changed, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, at := range []int{0, 30, len(data) / 3, len(data) / 2, len(data) - 60, len(data) - 1} {
		damages["a bit is flipped at "+string(rune('a'+at*25/len(data)))] = func(t *testing.T, block string) {
			changed := bytes.Clone(data)
			changed[at] ^= 1
			if err := os.WriteFile(block, changed, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			damaged := whole.clone(t)
			damage(t, damaged.block(t))
			all := readings()
			if name != "an amount reads otherwise" { // one of them with all commands is enough
				all = all[len(all)-6:]
			}
			for _, args := range all {
				damaged.clone(t).wantTampered(t, args)
			}
			for _, args := range [][]string{{"append"}, {"append", "--dry-run"}, {"append", "--atomic"}} {
				got := damaged.clone(t).with(more).run(t, args...)
				if rs := receipts(t, got.out); got.code != exitFailed || statuses(rs) != "failed/tampered" {
					t.Errorf("%v: exit %d, %s %s", args, got.code, got.out, got.err)
				}
			}
			// A server starts, since other funds may be whole, and answers the same.
			served := damaged.clone(t)
			served.serving(t)
			served.wantTampered(t, all[len(all)-1])
		})
	}
}

// The remembered end of a log is outside the log: who takes both back must find both.
func TestAShortenedLogIsNoticed(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, sample())
	older := p.clone(t)
	if rs := p.append(t, more); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	if err := os.RemoveAll(filepath.Join(p.folder, "jetstream")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(p.folder, "jetstream"), os.DirFS(filepath.Join(older.folder, "jetstream"))); err != nil {
		t.Fatal(err)
	}
	for _, args := range readings()[15:] {
		p.wantTampered(t, args)
	}
}
