package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/ledger"
)

// appendFile is what the program does with a file, in short.
func appendFile(ctx context.Context, folder, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	l, err := open(ctx, folder, false)
	if err != nil {
		return err
	}
	defer l.close()
	var all []ledger.Input
	for in, err := range ledger.ReadInputs(f) {
		if err != nil {
			return err
		}
		all = append(all, in)
	}
	return refused(l.ledger.Append(ctx, all, ledger.Local, false))
}

func options(t *testing.T) Options {
	return Options{Dir: t.TempDir(), Only: Rows, Rounds: 1, Time: 20 * time.Millisecond, Payments: 2500, Size: 700, Append: appendFile}
}

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left in the folder, %v", left, err)
	}
}

func TestEveryRowOfOurs(t *testing.T) {
	t.Parallel()
	o := options(t)
	report, err := Append(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, report, slices.DeleteFunc(slices.Clone(Rows), func(name string) bool { return strings.HasPrefix(name, "postgres") }))
	if report.Bytes < 690 || report.Bytes > 710 {
		t.Errorf("events have %d bytes, want about 700", report.Bytes)
	}
	nothingLeft(t, o.Dir)
}

func checkRows(t *testing.T, report *Report, names []string) {
	t.Helper()
	var got []string
	for _, r := range report.Rows {
		got = append(got, r.Name)
		if r.PerSecond <= 0 || r.Low <= 0 || r.Low > r.PerSecond || r.High < r.PerSecond {
			t.Errorf("%s: %v a second, %v to %v", r.Name, r.PerSecond, r.Low, r.High)
		}
		if timed := r.Name != File && r.Name != PostgresBulk; timed != (r.P50 > 0) || r.P50 > r.P99 {
			t.Errorf("%s: p50 %v, p99 %v", r.Name, r.P50, r.P99)
		}
		if compared := r.Name != Fdatasync; compared != (r.VsUnsynced > 0) || compared != (r.VsSynced > 0) {
			t.Errorf("%s: %v of the raw engine, %v of the synced one", r.Name, r.VsUnsynced, r.VsSynced)
		}
		if (r.Name == "in-process-1") != (r.VsFdatasync > 0) {
			t.Errorf("%s: %v fdatasyncs", r.Name, r.VsFdatasync)
		}
		if with := report.Postgres != "" && (r.Name == inProcess64 || r.Name == File); with != (r.VsPostgres > 0) {
			t.Errorf("%s: %v of PostgreSQL", r.Name, r.VsPostgres)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("rows %v, want %v", got, names)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Payments = 20_100 // of fewer the ledger keeps no snapshot
	report, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 3 || report.Rows[0].Name != OpenStore || report.Rows[1].Name != StartSnapshot || report.Rows[2].Name != StartReplay {
		t.Fatalf("rows %v", report.Rows)
	}
	for _, r := range report.Rows {
		if r.P50 <= 0 || (r.Name != OpenStore) != (r.PerSecond > 0) {
			t.Errorf("%+v", r)
		}
	}
	nothingLeft(t, o.Dir)
	o.Payments = 10
	if _, err := Start(t.Context(), o); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("with few payments: %v", err)
	}
	nothingLeft(t, o.Dir)
}

// TestVerifyingNotices loses, doubles and makes up payments, in a store and in the count of what was answered.
func TestVerifyingNotices(t *testing.T) {
	t.Parallel()
	o := options(t)
	r, err := begin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.end()
	folder := filepath.Join(r.temp, "data")
	l, err := open(t.Context(), folder, false)
	if err != nil {
		t.Fatal(err)
	}
	err = l.begin(t.Context())
	for n := range 5 {
		err = errors.Join(err, refused(l.ledger.Append(t.Context(), []ledger.Input{input(r.work.command(n))}, ledger.Local, false)))
	}
	l.close()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{5: "", 6: "5 payments are there, want 6", 4: "nobody made"} {
		if err := r.verify(t.Context(), folder, n); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("of 5 payments %d were answered: %v, want %q", n, err, want)
		}
	}
	whole := func() (c count, left [lines]int64) {
		c.seen = make([]bool, lines)
		for n := range lines {
			if err := c.add(id(n), lineOf(n), amountOf(n)); err != nil {
				t.Fatal(err)
			}
			left[n] = budget - amountOf(n)
		}
		return c, left
	}
	c, left := whole()
	if err := c.check(left); err != nil {
		t.Error(err)
	}
	if err := c.add(id(3), lineOf(3), amountOf(3)); err == nil {
		t.Error("a payment that is there twice is not noticed")
	}
	left[7]++
	if err := c.check(left); err == nil {
		t.Error("a wrong balance is not noticed")
	}
	c = count{seen: make([]bool, lines)}
	if err := c.add(id(3), lineOf(3), amountOf(3)+1); err == nil {
		t.Error("a wrong amount is not noticed")
	}
	if err := c.add("another", 0, 1); err == nil {
		t.Error("a payment of another name is not noticed")
	}
}

func TestInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Time = time.Hour
	for _, name := range []string{RawUnsynced, "in-process-64", "tcp-64"} {
		ctx, cancel := context.WithCancel(t.Context())
		o.Only, o.Progress = []string{name}, func(int, string) { time.AfterFunc(50*time.Millisecond, cancel) }
		if _, err := Append(ctx, o); err == nil {
			t.Errorf("%s: no error", name)
		}
		nothingLeft(t, o.Dir)
	}
}

func TestRatiosAreOfOneRound(t *testing.T) {
	t.Parallel()
	one := func(perSecond int) sample { return sample{events: perSecond, elapsed: time.Second} }
	row := summary("tcp-1", map[string][]sample{"tcp-1": {one(10), one(400), one(30)}, RawSynced: {one(100), one(1000), one(60)}})
	if row.PerSecond != 30 || row.Low != 10 || row.High != 400 || row.VsSynced != 0.4 || row.VsUnsynced != 0 {
		t.Errorf("got %+v", row)
	}
	if m := median([]int{4, 1}); m != 4 {
		t.Errorf("the median of two is %d", m)
	}
}

func TestCallersGiveEachNumberOnce(t *testing.T) {
	t.Parallel()
	var sum atomic.Int64
	s, err := callers(t.Context(), 8, 3, time.Millisecond, func(_ context.Context, _, first int) error {
		sum.Add(int64(first))
		return nil
	})
	pieces := s.events / 3
	if err != nil || s.events%3 != 0 || len(s.latencies) != pieces || int(sum.Load()) != 3*pieces*(pieces-1)/2 {
		t.Errorf("%d events, %d latencies, sum %d, %v", s.events, len(s.latencies), sum.Load(), err)
	}
	wrong := errors.New("wrong")
	if _, err := callers(t.Context(), 8, 1, time.Hour, func(context.Context, int, int) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}
