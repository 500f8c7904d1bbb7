package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/projections"

	"github.com/nats-io/nats.go"
)

// A desk is books over a real broker, with a pen in each log.
type desk struct {
	t     *testing.T
	conn  *nats.Conn
	store *stream.Store
	pens  map[events.Fund]*pen
	// before, where it is set, stands between the books and each log that they open.
	before atomic.Pointer[func(Log) Log]
}

type pen struct {
	log   *stream.Log
	lines [][]byte
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d, _ := deskOn(t, t.TempDir())
	return d
}

// deskOn is a desk on a folder, with its end.
func deskOn(t *testing.T, folder string) (d *desk, stop func()) {
	t.Helper()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	store, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		t.Fatal(err)
	}
	d = &desk{t: t, conn: nc, store: store, pens: map[events.Fund]*pen{}}
	stop = sync.OnceFunc(func() {
		for _, p := range d.pens {
			_ = p.log.Close()
		}
		nc.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return d, stop
}

// takeUp puts a pen at the end of a log that was written before.
func (d *desk) takeUp(fund events.Fund) {
	d.t.Helper()
	p := &pen{log: d.store.Log(fund)}
	for line, err := range p.log.Replay(d.t.Context()) {
		if err != nil {
			d.t.Fatal(err)
		}
		p.lines = append(p.lines, bytes.Clone(line))
	}
	d.pens[fund] = p
}

func (d *desk) Funds(ctx context.Context) ([]events.Fund, error) { return d.store.Funds(ctx) }

func (d *desk) Log(fund events.Fund) Log {
	var l Log = d.at(fund, stream.Position{})
	if f := d.before.Load(); f != nil {
		l = (*f)(l)
	}
	return l
}

func (d *desk) at(fund events.Fund, p stream.Position) Log {
	return readLog{d.store.LogAt(fund, p), d, fund}
}

type readLog struct {
	*stream.Log
	desk *desk
	fund events.Fund
}

func (l readLog) Stands() (events.Seq, proof.Hash) {
	p := l.At()
	return p.Seq, p.Tree.Root()
}

func (l readLog) Before(n events.Seq, tree func(events.Seq) (proof.Tree, error)) (Log, events.Seq, error) {
	var p stream.Position
	if p.Block, p.Seq = l.Log.Before(n); p.Block > 0 {
		var err error
		if p.Tree, err = tree(p.Seq); err != nil {
			return nil, 0, err
		}
	}
	return l.desk.at(l.fund, p), p.Seq, nil
}

// books opens books that look often.
func (d *desk) books(o Options) *Books {
	if o.Poll == 0 {
		o.Poll = 5 * time.Millisecond
	}
	b := Open(d, o)
	d.t.Cleanup(b.Close)
	return b
}

// event is the line of event n: the first opens the year 2022 with line 1, and each after it adds 1.00 to the line's budget.
func event(t *testing.T, fund events.Fund, n events.Seq) []byte {
	t.Helper()
	text := fmt.Sprintf(`{"kind":"appropriated","fund":%q,"year":2022,"date":"2022-01-01","line":"1","amount":"1.00","stage":"supplementary"}`, fund)
	if n == 1 {
		text = fmt.Sprintf(`{"kind":"fund-opened","fund":%q,"year":2022,"name":"测试","lines":[{"code":"1","name":"一"}]}`, fund)
	}
	c, err := events.ParseCommand([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e := &events.Event{
		Seq: n, ID: events.ID(fmt.Sprintf("e-%d", n)), Time: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute), Command: &c,
		Actor: events.Actor{ID: "local", Role: "operator"}, Rules: 1, Decimals: 2,
	}
	if n == 1 {
		r := &e.Resolved
		r.Currency, r.Decimals, r.Zone, r.From, r.To = "CNY", 2, "Asia/Shanghai", c.From, c.To
	} else {
		date, err := events.ParseDate("2022-01-01")
		if err != nil {
			t.Fatal(err)
		}
		e.Postings = []events.Posting{{Year: 2022, Line: "1", Measure: events.Supplementary, Amount: 100, Date: date, Counts: date.Last(), Basis: c.Basis}}
	}
	return events.AppendLine(nil, e)
}

// write appends events in blocks of so many, and returns the number of the last.
func (d *desk) write(fund events.Fund, blocks ...int) events.Seq {
	d.t.Helper()
	for _, size := range blocks {
		var lines [][]byte
		for range size {
			lines = append(lines, event(d.t, fund, d.last(fund)+events.Seq(len(lines))+1))
		}
		d.block(fund, lines...)
	}
	return d.last(fund)
}

func (d *desk) last(fund events.Fund) events.Seq {
	if p := d.pens[fund]; p != nil {
		return events.Seq(len(p.lines))
	}
	return 0
}

func (d *desk) block(fund events.Fund, lines ...[]byte) {
	d.t.Helper()
	p := d.pens[fund]
	if p == nil {
		p = &pen{log: d.store.Log(fund)}
		d.pens[fund] = p
	}
	b := &proof.Block{}
	for _, line := range lines {
		b.Text = append(b.Text, line...)
		b.End()
		p.lines = append(p.lines, line)
	}
	if err := p.log.Append(d.t.Context(), b); err != nil {
		d.t.Fatal(err)
	}
}

// root is that of the first n events, from what was written.
func (d *desk) root(fund events.Fund, n events.Seq) string {
	var tree proof.Tree
	for _, line := range d.pens[fund].lines[:n] {
		tree.Append(proof.Leaf(line))
	}
	return tree.Root().String()
}

// cutOf asks for the cut at a moment, and holds the book to it: event n stands in it last, the root is that of what was written, and the budget is n − 1.
func (d *desk) cutOf(b *Books, fund events.Fund, wait events.Seq, moment string) (cut Cut, err error) {
	d.t.Helper()
	m := projections.Moment{}
	if moment != "" {
		if m, err = projections.ParseMoment(moment); err != nil {
			d.t.Fatal(err)
		}
	}
	err = b.Read(d.t.Context(), fund, wait, m, func(at Cut, bk *projections.Book) error {
		cut = at
		y, err := bk.History().Year(2022)
		if err != nil {
			return err
		}
		balances, err := bk.History().Balances(y, projections.Query{Year: 2022})
		if err != nil {
			return err
		}
		if got, want := balances[0].All.Adjusted(), events.Minor(100*(at.Seq-1)); got != want || bk.Last() != at.Seq {
			d.t.Errorf("the book at %d holds %d events and the budget %d, want %d", at.Seq, bk.Last(), got, want)
		}
		return nil
	})
	if err == nil {
		if want := d.root(fund, cut.Seq); cut.Root != want {
			d.t.Errorf("the root at %d is %s, want %s", cut.Seq, cut.Root, want)
		}
		if want := time.Date(2026, 3, 2, 1, int(cut.Seq), 0, 0, time.UTC); !cut.Recorded.Equal(want) {
			d.t.Errorf("event %d was recorded at %v, want %v", cut.Seq, cut.Recorded, want)
		}
	}
	return cut, err
}

func (d *desk) mustCut(b *Books, fund events.Fund, wait events.Seq, moment string) Cut {
	d.t.Helper()
	cut, err := d.cutOf(b, fund, wait, moment)
	if err != nil {
		d.t.Fatalf("%s at %q: %v", fund, moment, err)
	}
	return cut
}

// until waits until a fund's status is as wanted.
func (d *desk) until(b *Books, fund events.Fund, wanted func(*Status) bool) Status {
	d.t.Helper()
	for {
		s, err := b.Status(d.t.Context(), fund, 0)
		if err != nil {
			d.t.Fatal(err)
		}
		if wanted(&s) {
			return s
		}
		time.Sleep(time.Millisecond)
	}
}

func TestABookFollowsItsLog(t *testing.T) {
	t.Parallel()
	for _, poll := range []time.Duration{5 * time.Millisecond, time.Hour} {
		d := newDesk(t)
		b := d.books(Options{Poll: poll})
		d.write("a", 1, 4)
		if cut := d.mustCut(b, "a", 0, ""); cut.Seq != 5 {
			t.Errorf("the book holds %d events, want 5", cut.Seq)
		}
		for range 20 {
			n := d.write("a", 1, 3)
			if poll == time.Hour { // nobody looks unless told
				b.Woken("a", n)
			}
			if cut := d.mustCut(b, "a", n, ""); cut.Seq != n {
				t.Errorf("the book holds %d events, want %d", cut.Seq, n)
			}
		}
		if s, err := b.Status(t.Context(), "a", 0); err != nil || s.State != Following || s.Lag() != 0 || s.Seq != 85 || s.Root != d.root("a", 85) {
			t.Errorf("the status is %+v, %v", s, err)
		}
	}
}

func TestLagIsSeen(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{Poll: time.Hour})
	d.write("a", 5)
	d.mustCut(b, "a", 0, "")
	r, f, err := b.ready(t.Context(), "a", 0) // a reader stands in the way of what follows
	if err != nil {
		t.Fatal(err)
	}
	n := d.write("a", 2, 5)
	b.Woken("a", n)
	for f.seen.Load() < uint64(n) { // which is read, and cannot be applied
		time.Sleep(time.Millisecond)
	}
	// How it stands is told all the same.
	if s, err := b.Status(t.Context(), "a", 0); err != nil || s.Seq != 5 || s.Last != 12 || s.Root != d.root("a", 5) {
		t.Errorf("meanwhile the status is %+v, %v", s, err)
	}
	if h := b.Health(); h.Lag != 7 {
		t.Errorf("meanwhile the lag is %d", h.Lag)
	}
	for range 10 { // and other readers are not held up by who waits to write
		if cut := d.mustCut(b, "a", 0, ""); cut.Seq != 5 {
			t.Errorf("meanwhile another reads event %d", cut.Seq)
		}
	}
	f.mu.RUnlock()
	r.leave()
	d.mustCut(b, "a", n, "")
	b.Woken("a", n+3) // told of what has not come
	if s, err := b.Status(t.Context(), "a", 0); err != nil || s.Seq != 12 || s.Last != 15 || s.Lag() != 3 {
		t.Errorf("the status is %+v, %v; want 12 of 15", s, err)
	}
	if h := b.Health(); h.Lag != 3 || h.Stopped != 0 {
		t.Errorf("the lag is %d and %d stopped", h.Lag, h.Stopped)
	}
}

func TestFundsThatComeLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{})
	d.write("a", 1)
	_, err := d.cutOf(b, "b", 0, "")
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.UnknownFund || e.Args["fund"] != "b" || e.Args["funds"] != "a" {
		t.Fatalf("a fund that is not there: %v", err)
	}
	if _, err := b.Status(t.Context(), "b", 0); events.CodeOf(err) != events.UnknownFund {
		t.Errorf("its status: %v", err)
	}
	if _, err := b.Rebuild(t.Context(), "b"); events.CodeOf(err) != events.UnknownFund {
		t.Errorf("its rebuilding: %v", err)
	}
	b.mu.Lock()
	for fund := range b.runners {
		if fund == "b" {
			t.Error("what is not there is followed")
		}
	}
	b.mu.Unlock()
	r, err := b.enter("c")
	if err != nil {
		t.Fatal(err)
	}
	r.leave()
	if <-r.fold.Load().ended; r.ctx.Err() == nil {
		t.Error("something is left of what is not there")
	}
	waited := make(chan Cut)
	go func() { waited <- d.mustCut(b, "b", 3, "") }()
	d.write("b", 2)
	d.write("b", 1)
	if cut := <-waited; cut.Seq != 3 {
		t.Errorf("who waited for event 3 got %d", cut.Seq)
	}
	funds, err := b.Funds(t.Context())
	if err != nil || fmt.Sprint(funds) != "[a b]" {
		t.Errorf("the funds are %v, %v", funds, err)
	}
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{})
	d.write("a", 3)
	d.mustCut(b, "a", 0, "")
	b.o.Patience = 20 * time.Millisecond
	for fund, last := range map[events.Fund]string{"a": "3", "b": ""} {
		_, err := d.cutOf(b, fund, 4, "")
		var e *events.Error
		if !errors.As(err, &e) || e.Code != events.Unavailable || e.Why != "not-yet" || e.Args["value"] != "4" || e.Args["last"] != last || e.Args["fund"] != string(fund) {
			t.Errorf("waiting for event 4 of %s: %v", fund, err)
		}
	}
	patient := d.books(Options{})
	ended := make(chan error)
	go func() {
		_, err := d.cutOf(patient, "a", 4, "")
		ended <- err
	}()
	d.until(patient, "a", func(s *Status) bool { return s.Seq == 3 })
	patient.Close()
	if err := <-ended; events.CodeOf(err) != events.Unavailable {
		t.Errorf("who waited when the books were closed got %v", err)
	}
	if _, err := d.cutOf(patient, "a", 0, ""); events.CodeOf(err) != events.Unavailable {
		t.Errorf("closed books answer %v", err)
	}
}

// Every earlier book and every stretch of lines is the one that stood there, across the places that are remembered.
func TestAsKnownAtEveryNumber(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{})
	d.write("a", 1, 700, 900, 900)
	d.mustCut(b, "a", 2501, "")
	d.write("a", 700, 1, 1, 700, 697)
	d.mustCut(b, "a", 4600, "")
	f := b.runners["a"].fold.Load()
	for n, want := range map[events.Seq]events.Seq{0: 0, 1: 1, 2: 1, 700: 1, 701: 701, 2500: 1601, 2501: 2501, 3202: 3202, 4599: 3903, 4600: 3903} {
		if _, at, err := f.before(n); at != want || err != nil { // the last block is read again to see whether there is more
			t.Errorf("before event %d it stands behind %d, want %d: %v", n, at, want, err)
		}
	}
	for _, n := range []events.Seq{1, 2, 701, 702, 1999, 2000, 2001, 2500, 2501, 2502, 3201, 3202, 3203, 4599, 4600} {
		if cut := d.mustCut(b, "a", 0, n.String()); cut.Seq != n {
			t.Errorf("as known at %d it is %d", n, cut.Seq)
		}
	}
	if cut := d.mustCut(b, "a", 0, "2026-03-02T01:07:30Z"); cut.Seq != 7 { // event n is of minute n
		t.Errorf("as known at half past minute 7 it is %d", cut.Seq)
	}
	for moment, why := range map[string]string{"4601": "not-there", "2026-03-01": "not-there"} {
		_, err := d.cutOf(b, "a", 0, moment)
		var e *events.Error
		if !errors.As(err, &e) || e.Code != events.BadValue || e.Why != why {
			t.Errorf("as known at %s: %v", moment, err)
		}
	}
	for _, c := range []struct{ after, to events.Seq }{{0, 1}, {0, 4600}, {1, 2}, {2500, 2503}, {2501, 3000}, {4598, 4600}, {4600, 4600}, {9000, 9000}} {
		var got, want strings.Builder
		most := max(int(c.to)-int(c.after), 1)
		err := b.Events(t.Context(), "a", 0, c.after, most, func(at Cut, last events.Seq, lines iter.Seq2[[]byte, error]) error {
			if at.Seq != min(c.to, 4600) || at.Root != d.root("a", at.Seq) || last != 4600 {
				t.Errorf("the lines after %d end at %d of %d", c.after, at.Seq, last)
			}
			for line, err := range lines {
				if err != nil {
					return err
				}
				got.Write(line)
			}
			return nil
		})
		if c.after < 4600 {
			for _, line := range d.pens["a"].lines[c.after:c.to] {
				want.Write(line)
			}
		}
		if err != nil || got.String() != want.String() {
			t.Errorf("the lines after %d up to %d are %d bytes, want %d: %v", c.after, c.to, got.Len(), want.Len(), err)
		}
	}
}

// misfit makes an event post to a line that there is not.
func misfit(line []byte) []byte {
	return []byte(strings.Replace(string(line), `"line":"1","measure"`, `"line":"7","measure"`, 1))
}

func TestWhatCannotBeAppliedStopsThatFundAlone(t *testing.T) {
	t.Parallel()
	later := func(line []byte) []byte {
		return []byte(strings.Replace(string(line), "appropriated.v1", "appropriated.v2", 1))
	}
	for name, c := range map[string]struct {
		spoil func([]byte) []byte
		code  events.Code
	}{"a later version": {later, events.UnknownKind}, "a posting to no line": {misfit, events.Tampered}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			told := make(chan *Stopped, 10)
			b := d.books(Options{Stopped: func(e *Stopped) { told <- e }})
			d.write("a", 1, 2)
			d.write("b", 1)
			d.mustCut(b, "a", 0, "")
			d.mustCut(b, "b", 0, "")
			good, bad, after := event(t, "a", 4), c.spoil(event(t, "a", 5)), event(t, "a", 6)
			d.block("a", good, bad, after)
			if e := <-told; e.Fund != "a" || e.At != 5 || events.CodeOf(e.Err) != c.code {
				t.Errorf("it stopped with %v", e)
			}
			s := d.until(b, "a", func(s *Status) bool { return s.State == StoppedHere })
			if s.Seq != 4 || s.Last != 6 || s.Lag() != 2 || s.Root != "" || s.Err == nil {
				t.Errorf("the status is %+v", s)
			}
			for _, moment := range []string{"", "2"} {
				_, err := d.cutOf(b, "a", 0, moment)
				var e *Stopped
				if !errors.As(err, &e) || e.At != 5 || events.CodeOf(err) != c.code {
					t.Errorf("asked at %q it answers %v", moment, err)
				}
			}
			d.write("a", 1) // nothing wakes it up
			b.Woken("a", 7)
			n := d.write("b", 5)
			if cut := d.mustCut(b, "b", n, ""); cut.Seq != 6 {
				t.Errorf("the other fund is at %d", cut.Seq)
			}
			if s, err := b.Status(t.Context(), "a", 6); err != nil || s.State != StoppedHere || s.Seq != 4 || s.Lag() != 3 {
				t.Errorf("later the status is %+v, %v", s, err)
			}
			if h := b.Health(); h.Stopped != 1 {
				t.Errorf("%d have stopped", h.Stopped)
			}
			// Whoever follows all funds has the others.
			overview, err := b.Overview(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer overview.Close()
			if state, err := overview.Next(t.Context()); err != nil || !strings.Contains(string(state), `{"fund":"b","seq":6}`) || strings.Contains(string(state), `"a"`) {
				t.Errorf("of all funds there is %s, %v", state, err)
			}
			// Folded anew it comes to the same, and nothing of that is left.
			var anew atomic.Pointer[context.Context]
			d.putBetween(func(ctx context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
				anew.Store(&ctx)
				real(yield)
			})
			if _, err := b.Rebuild(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			s = d.until(b, "a", func(s *Status) bool { return !s.Rebuilding })
			if s.State != StoppedHere || s.Seq != 4 {
				t.Errorf("rebuilt, the status is %+v", s)
			}
			if (*anew.Load()).Err() == nil {
				t.Error("the book that could not take the place of the other is held")
			}
			if len(told) != 0 {
				t.Errorf("it was told again: %v", <-told)
			}
		})
	}
}

// A book that stops lets go of the lines that it holds, which are read ahead of what it applies.
func TestStoppingWhileMoreIsRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	told := make(chan *Stopped, 1)
	b := d.books(Options{Stopped: func(e *Stopped) { told <- e }})
	for _, fund := range []events.Fund{"a", "b", "c", "d", "e", "f", "g", "h"} {
		d.write(fund, 4)
		d.mustCut(b, fund, 0, "")
		lines := [][]byte{misfit(event(t, fund, 5))}
		for n := events.Seq(6); n <= 800; n++ {
			lines = append(lines, event(t, fund, n))
		}
		d.block(fund, lines...)
		if e := <-told; e.Fund != fund || e.At != 5 || events.CodeOf(e.Err) != events.Tampered {
			t.Errorf("%s stopped with %v", fund, e)
		}
	}
}

// between is a log with something between it and its reader.
type between struct {
	Log
	rest func(ctx context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool)
	leaf *proof.Hash // of the line yielded last, as it was put
}

func (l between) Rest(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		l.rest(ctx, l.Log.Rest(ctx), func(line []byte, err error) bool {
			*l.leaf = proof.Leaf(line)
			return yield(line, err)
		})
	}
}

func (l between) Twig() proof.Twig { return proof.Twig{Leaf: *l.leaf, Above: l.Log.Twig().Above} }

func (d *desk) putBetween(rest func(ctx context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool)) {
	if rest == nil {
		d.before.Store(nil)
		return
	}
	d.before.Store(new(func(l Log) Log { return between{l, rest, &proof.Hash{}} }))
}

func TestRebuildingBesideWhatAnswers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{})
	d.write("a", 1, 99)
	d.mustCut(b, "a", 0, "")
	begun, goOn := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(begun); <-goOn })
	d.putBetween(func(_ context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
		once()
		real(yield)
	})
	old := b.runners["a"].fold.Load()
	if s, err := b.Rebuild(t.Context(), "a"); err != nil || !s.Rebuilding || s.State != Following {
		t.Fatalf("begun, the status is %+v, %v", s, err)
	}
	<-begun
	// The old book answers and follows.
	n := d.write("a", 30)
	if cut := d.mustCut(b, "a", n, ""); cut.Seq != 130 || b.runners["a"].fold.Load() != old {
		t.Errorf("while it is rebuilt it is at %d", cut.Seq)
	}
	if s, err := b.Rebuild(t.Context(), "a"); err != nil || !s.Rebuilding {
		t.Errorf("asked again, the status is %+v, %v", s, err)
	}
	waiting := make(chan Cut)
	go func() { waiting <- d.mustCut(b, "a", 131, "") }() // from the old into the new
	seen, stop := make(chan Cut), make(chan struct{})
	go func() {
		var last Cut
		for {
			select {
			case <-stop:
				seen <- last
				return
			default:
			}
			cut := d.mustCut(b, "a", 0, "")
			if cut.Seq < last.Seq {
				t.Errorf("it was at %d and is at %d", last.Seq, cut.Seq)
			}
			last = cut
		}
	}()
	close(goOn)
	s := d.until(b, "a", func(s *Status) bool { return !s.Rebuilding })
	close(stop)
	<-seen
	if s.State != Following || s.Err != nil || b.runners["a"].fold.Load() == old {
		t.Errorf("rebuilt, the status is %+v", s)
	}
	d.write("a", 1)
	if cut := <-waiting; cut.Seq != 131 {
		t.Errorf("who waited got %d", cut.Seq)
	}
	if len(d.pens) != 1 || d.mustCut(b, "a", 131, "").Seq != 131 {
		t.Error("the new book does not follow")
	}
}

// A rebuilt book that does not come to the root that was shown is evidence.
func TestRebuildingFindsAChangedPast(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{})
	d.write("a", 5)
	d.mustCut(b, "a", 0, "")
	d.putBetween(func(_ context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
		for line, err := range real {
			if !yield([]byte(strings.Replace(string(line), `"id":"e-4"`, `"id":"x-4"`, 1)), err) {
				return
			}
		}
	})
	if _, err := b.Rebuild(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	s := d.until(b, "a", func(s *Status) bool { return !s.Rebuilding })
	if s.State != StoppedHere || events.CodeOf(s.Err) != events.Tampered {
		t.Errorf("the status is %+v", s)
	}
	d.putBetween(nil)
	if _, err := b.Rebuild(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if s := d.until(b, "a", func(s *Status) bool { return !s.Rebuilding }); s.State != Following || s.Seq != 5 {
		t.Errorf("put right and rebuilt, the status is %+v", s)
	}
}

var errCable = &events.Error{Code: events.Unavailable, Why: "broker"}

// A log that cannot be reached for a while, in the middle of a reading, gives every event once.
func TestUnreachableForAWhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var cut, cuts atomic.Int64
	d.putBetween(func(_ context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
		for line, err := range real {
			if !yield(line, err) {
				return
			}
		}
		if cut.Load() > 0 { // after the lines, before the end was checked
			cuts.Add(1)
			yield(nil, errCable)
		}
	})
	b := d.books(Options{})
	d.write("a", 10)
	cut.Store(1)
	if s := d.until(b, "a", func(s *Status) bool { return s.State == Unreachable }); s.Seq != 0 || s.Root != "" {
		t.Errorf("unreachable at first, the status is %+v", s)
	}
	cut.Store(0)
	d.mustCut(b, "a", 10, "")
	cut.Store(1)
	d.write("a", 10)
	d.until(b, "a", func(s *Status) bool { return s.State == Unreachable && s.Last == 20 })
	if got := d.mustCut(b, "a", 0, ""); got.Seq != 10 { // what was checked stands, and nothing that was not
		t.Errorf("meanwhile it is at %d", got.Seq)
	}
	cut.Store(0)
	if got := d.mustCut(b, "a", 20, ""); got.Seq != 20 || cuts.Load() < 2 {
		t.Errorf("afterwards it is at %d", got.Seq)
	}
	d.until(b, "a", func(s *Status) bool { return s.State == Following && s.Lag() == 0 })
}

// What is read before a fault at the end of a reading is never shown.
func TestAFaultAtTheEndShowsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var faulty atomic.Bool
	d.putBetween(func(_ context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
		for line, err := range real {
			if !yield(line, err) {
				return
			}
		}
		if faulty.Load() {
			yield(nil, &events.Error{Code: events.Tampered, Why: "head-root", Args: events.Args{"seq": "7"}})
		}
	})
	b := d.books(Options{})
	d.write("a", 5)
	d.mustCut(b, "a", 0, "")
	r, f, err := b.ready(t.Context(), "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.leave()
	f.mu.RUnlock()
	faulty.Store(true)
	d.write("a", 2)
	s := d.until(b, "a", func(s *Status) bool { return s.State == StoppedHere })
	if s.Seq != 5 || f.last() != 5 || events.CodeOf(s.Err) != events.Tampered {
		t.Errorf("the status is %+v", s)
	}
}

// More than is held is applied while it is read, and not shown before the end.
func TestMoreThanIsHeld(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	halfway, goOn := make(chan struct{}), make(chan struct{})
	var big atomic.Bool
	d.putBetween(func(_ context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
		now := big.Swap(false)
		if now { // so that all of it comes in one reading
			d.write("a", 700, 700, 700, 700, 700, 700, 700, 700, 700, 700)
		}
		n := 0
		for line, err := range real {
			if !yield(line, err) {
				return
			}
			if n++; now && n == 6000 {
				close(halfway)
				<-goOn
			}
		}
	})
	b := d.books(Options{held: 100_000})
	d.write("a", 10)
	if got := d.mustCut(b, "a", 0, ""); got.Seq != 10 {
		t.Errorf("it is at %d", got.Seq)
	}
	big.Store(true)
	<-halfway
	s, err := b.Status(t.Context(), "a", 0)
	if err != nil || s.State != Loading || s.Root != "" || s.Seq == 10 {
		t.Errorf("halfway the status is %+v, %v", s, err)
	}
	b.o.Patience = 20 * time.Millisecond
	_, err = d.cutOf(b, "a", 0, "")
	b.o.Patience = time.Minute
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.Unavailable || e.Why != "loading" {
		t.Errorf("halfway it answers %v", err)
	}
	close(goOn)
	d.until(b, "a", func(s *Status) bool { return s.Seq == 7010 && s.State == Following })
	d.mustCut(b, "a", 7010, "")
}

func TestIdleBooksAreLetGo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.books(Options{Idle: 4 * time.Millisecond})
	d.write("a", 3)
	d.mustCut(b, "a", 0, "")
	r, f, err := b.ready(t.Context(), "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.RUnlock()
	time.Sleep(20 * time.Millisecond)
	b.mu.Lock()
	if b.runners["a"] != r {
		t.Error("a book in use is let go of")
	}
	b.mu.Unlock()
	r.leave()
	for {
		b.mu.Lock()
		n := len(b.runners)
		b.mu.Unlock()
		if n == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	<-f.ended
	if cut := d.mustCut(b, "a", d.write("a", 2), ""); cut.Seq != 5 {
		t.Errorf("loaded again it is at %d", cut.Seq)
	}
}
