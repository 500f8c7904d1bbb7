package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
	"fundledger/ledger"
)

const (
	fund  = events.Fund("bench")
	lines = 20
	// budget is what each line has, in fen: more than any run can spend.
	budget = 1_000_000_000_000_00
)

// A workload makes payments of one size. Payment number n is the same in every row of every run.
type workload struct {
	note string // makes a payment as long as it should be
	size int    // bytes of a stored event
	line []byte // a stored event, from which those for the other engines are made
	at   int    // where its payment's number stands
}

// idPrefix begins the id of a payment; its number, of digits digits, follows.
const (
	idPrefix = "payment-"
	digits   = 8
)

func lineOf(n int) int { return n % lines }

// amountOf is the amount of a payment in fen.
func amountOf(n int) int64 { return int64(1+n%9000)*100 + int64(n%100) }

// opening is the commands that come before all payments.
func opening() []string {
	var specs []string
	for i := range lines {
		specs = append(specs, fmt.Sprintf(`{"code":"%02d","name":"line %d"}`, i+1, i+1))
	}
	all := []string{fmt.Sprintf(`{"kind":"fund-opened","fund":%q,"year":2022,"name":"Bench","lines":[%s]}`, fund, strings.Join(specs, ","))}
	for i := range lines {
		all = append(all, fmt.Sprintf(`{"kind":"appropriated","fund":%q,"year":2022,"date":"2022","line":"%02d","amount":"%d","stage":"original"}`, fund, i+1, budget/100))
	}
	return all
}

// command is payment number n as a caller sends it.
func (w *workload) command(n int) []byte {
	b := make([]byte, 0, w.size)
	b = append(b, `{"id":"`+idPrefix...)
	b = appendPadded(b, n, digits)
	b = append(b, `","kind":"disbursed","fund":"`+string(fund)+`","year":2022,"date":"2022-`...)
	b = appendPadded(b, 1+n/28%12, 2)
	b = append(b, '-')
	b = appendPadded(b, 1+n%28, 2)
	b = append(b, `","line":"`...)
	b = appendPadded(b, lineOf(n)+1, 2)
	b = append(b, `","amount":"`...)
	b = appendYuan(b, amountOf(n))
	b = append(b, `","channel":"payment","payee":{"name":"武陵酒业"},"voucher":{"issuer":"财政局","year":2022,"type":"拨款","number":"`...)
	b = appendPadded(b, n, digits)
	b = append(b, `"}`...)
	if w.note != "" {
		b = append(b, `,"note":"`...)
		b = append(b, w.note...)
		b = append(b, '"')
	}
	return append(b, '}')
}

// stored is payment number n as an engine that is not ours stores it: as long as ours.
func (w *workload) stored(n int) []byte {
	b := bytes.Clone(w.line)
	appendPadded(b[:w.at], n, digits)
	return b
}

func id(n int) string { return string(appendPadded([]byte(idPrefix), n, digits)) }

func appendPadded(b []byte, n, width int) []byte {
	start := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := start + width - 1; i >= start; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

func appendYuan(b []byte, fen int64) []byte {
	b = strconv.AppendInt(b, fen/100, 10)
	b = append(b, '.')
	return appendPadded(b, int(fen%100), 2)
}

// newWorkload finds out, on a ledger in a folder of its own, what must be added to a payment for its event to have size bytes.
func newWorkload(ctx context.Context, folder string, size int) (*workload, error) {
	l, err := open(ctx, folder, false)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	const sample = 12345 // its amount has as many digits as most
	store := func(w *workload) (line []byte, err error) {
		if err := refused(l.ledger.Append(ctx, []ledger.Input{input(w.command(sample))}, ledger.Local, true)); err != nil {
			return nil, err
		}
		for stored, err := range l.store.Log(fund).Replay(ctx) {
			if err != nil {
				return nil, err
			}
			line = append(line[:0], stored...)
		}
		return line, nil
	}
	w := &workload{}
	if w.line, err = store(w); err != nil {
		return nil, err
	}
	const note = `,"note":""` // in the command
	if missing := size - len(w.line) - len(note); missing > 0 {
		w.note = strings.Repeat("x", missing)
		at := bytes.LastIndex(w.line, []byte(`},"actor"`))
		if at < 0 {
			return nil, errors.New("an event is not what it was")
		}
		w.line = bytes.Join([][]byte{w.line[:at], []byte(`,"note":"` + w.note + `"`), w.line[at:]}, nil)
	}
	w.size = len(w.line)
	w.at = bytes.Index(w.line, []byte(idPrefix)) + len(idPrefix)
	return w, nil
}

// input is a command as it came in, read and checked.
func input(raw []byte) ledger.Input {
	var n ledger.Numberer
	in := n.Input(raw)
	in.Number = 1
	return in
}

// refused returns the error of the first receipt that does not say appended.
func refused(receipts []ledger.Receipt) error {
	for i := range receipts {
		if r := &receipts[i]; r.Status != ledger.Appended {
			return fmt.Errorf("%s is %s: %w", r.ID, r.Status, reason(r.Err()))
		}
	}
	return nil
}

// reason is an error, or that there is none.
func reason(err error) error {
	if err == nil {
		return errors.New("no reason given")
	}
	return err
}

// payments returns a file with the commands of a whole fund, as append takes it.
func (r *run) payments() (string, error) {
	if r.file != "" {
		return r.file, nil
	}
	path := filepath.Join(r.temp, "payments.jsonl")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	for _, c := range opening() {
		_, _ = b.WriteString(c + "\n") // Flush returns the first error
	}
	for n := range r.Payments {
		_, _ = b.Write(append(r.work.command(n), '\n'))
	}
	// Synced, so that the disk is not still at it when it is measured.
	if err := errors.Join(b.Flush(), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	r.file = path
	return path, nil
}

// callers lets n callers each do one piece of work after another until the time is over, at least one, and waits for all of them. A piece is list
// payments, from number first on; none is given out twice. The first error ends it.
func callers(ctx context.Context, n, list int, d time.Duration, do func(ctx context.Context, caller, first int) error) (sample, error) {
	w := begun(ctx, n, list, d)
	for caller := range n {
		w.all.Go(func() {
			for w.more(caller) {
				w.done(caller, do(w.ctx, caller, w.take(caller)))
			}
		})
	}
	return w.end()
}

// chains is callers whose next piece is sent from where the answer to the one before comes in, by whoever calls done.
func chains(ctx context.Context, n, list int, d time.Duration, send func(ctx context.Context, caller, first int, done func(error))) (sample, error) {
	w := begun(ctx, n, list, d)
	for caller := range n {
		w.all.Add(1)
		var next func()
		next = func() {
			if !w.more(caller) {
				w.all.Done()
				return
			}
			send(w.ctx, caller, w.take(caller), func(err error) {
				w.done(caller, err)
				next()
			})
		}
		next()
	}
	return w.end()
}

// A shift is the work of some callers.
type shift struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	list    int
	begin   time.Time
	length  time.Duration
	given   atomic.Int64 // payments
	all     sync.WaitGroup
	callers []caller
}

// A caller is when one caller's piece began, and how long those before took.
type caller struct {
	at        time.Time
	latencies []time.Duration
}

func begun(ctx context.Context, n, list int, d time.Duration) *shift {
	w := &shift{list: list, begin: time.Now(), length: d, callers: make([]caller, n)}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	return w
}

// more reports whether a caller has something left to do.
func (w *shift) more(n int) bool {
	return w.ctx.Err() == nil && (len(w.callers[n].latencies) == 0 || w.callers[n].at.Sub(w.begin) < w.length)
}

// take gives a caller its next piece.
func (w *shift) take(n int) (first int) {
	if c := &w.callers[n]; c.at.IsZero() {
		c.at = time.Now()
	}
	return int(w.given.Add(int64(w.list))) - w.list
}

func (w *shift) done(n int, err error) {
	if err != nil {
		w.cancel(err)
		return
	}
	c, now := &w.callers[n], time.Now()
	c.latencies = append(c.latencies, now.Sub(c.at))
	c.at = now
}

func (w *shift) end() (sample, error) {
	w.all.Wait()
	s := sample{events: int(w.given.Load()), elapsed: time.Since(w.begin)}
	for i := range w.callers {
		s.latencies = append(s.latencies, w.callers[i].latencies...)
	}
	err := context.Cause(w.ctx)
	w.cancel(nil)
	return s, err
}

// A count is what was found of the payments in a store.
type count struct {
	seen  []bool
	sums  [lines]int64 // in fen
	found int
}

// add counts a payment that was found.
func (c *count) add(id string, line int, fen int64) error {
	n, err := strconv.Atoi(strings.TrimPrefix(id, idPrefix))
	switch {
	case err != nil || n < 0 || n >= len(c.seen):
		return fmt.Errorf("verifying: there is a payment %s that nobody made, or whose caller had no answer", id)
	case c.seen[n]:
		return fmt.Errorf("verifying: payment %s is there twice", id)
	case line != lineOf(n) || fen != amountOf(n):
		return fmt.Errorf("verifying: payment %s has %d on line %d, want %d on line %d", id, fen, line, amountOf(n), lineOf(n))
	}
	c.seen[n] = true
	c.sums[line] += fen
	c.found++
	return nil
}

// check says whether all payments were found and every line has left what it should.
func (c *count) check(left [lines]int64) error {
	if c.found != len(c.seen) {
		return fmt.Errorf("verifying: %d payments are there, want %d", c.found, len(c.seen))
	}
	for i, sum := range c.sums {
		if left[i] != budget-sum {
			return fmt.Errorf("verifying: line %d has %d left, want %d", i, left[i], budget-sum)
		}
	}
	return nil
}
