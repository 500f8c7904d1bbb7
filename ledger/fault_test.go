package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/ledger"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// A moment is when a call fails.
type moment string

const (
	before  moment = "before it took effect"
	halfway moment = "halfway"
	after   moment = "after it took effect"
	late    moment = "and takes effect later"
)

// A failure is a call that fails.
type failure struct {
	call string
	when moment
	err  error
}

func (f failure) String() string { return fmt.Sprintf("%s fails %s: %v", f.call, f.when, f.err) }

// A plan says which of the calls of one kind fail: so many from the nth on.
type plan struct {
	failure
	nth, times int

	mu    sync.Mutex
	calls int
	hits  int
	over  bool
}

// hit reports whether a call fails.
func (p *plan) hit(call string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call != p.call || p.over {
		return false
	}
	p.calls++
	if p.calls < p.nth || p.calls >= p.nth+p.times {
		return false
	}
	p.hits++
	return true
}

func (p *plan) end() (hits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	return p.hits
}

// A failingLog fails as planned.
type failingLog struct {
	ledger.Log
	*plan
	// head is the file in which the end of the log is remembered.
	head string
}

func (l *failingLog) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !l.hit("Replay") {
			l.Log.Replay(ctx)(yield)
			return
		}
		n := 0
		if l.when != before {
			for line, err := range l.Log.Replay(ctx) {
				if n++; err != nil || l.when == halfway && n == 2 {
					break
				}
				if !yield(line, err) {
					return
				}
			}
		}
		yield(nil, l.err)
	}
}

func (l *failingLog) Append(ctx context.Context, b *proof.Block) error {
	head := l.hit("head write")
	if !head && !l.hit("Append") {
		return l.Log.Append(ctx, b)
	}
	if l.when == before {
		return l.err
	}
	was, err := os.ReadFile(l.head)
	if err := l.Log.Append(ctx, b); err != nil {
		return err
	}
	if head && err == nil {
		_ = os.WriteFile(l.head, was, 0o600)
	}
	return l.err
}

func (l *failingLog) Current(ctx context.Context) error {
	if !l.hit("Current") {
		return l.Log.Current(ctx)
	}
	if l.when == after {
		_ = l.Log.Current(ctx)
	}
	return l.err
}

var (
	errCable  = errors.New("the cable was pulled")
	unsent    = &events.Error{Code: events.Unavailable, Why: "broker", Err: errCable}
	unknown   = &events.Error{Code: events.UnknownOutcome, Err: errCable}
	errFenced = fmt.Errorf("%w: as if another had written", events.ErrConflict)
)

// failures are all ways in which a log may break its silence.
var failures = []failure{
	{"Replay", before, unsent},
	{"Replay", halfway, unsent},
	{"Replay", after, unsent},
	{"Replay", after, errCable},
	{"Append", before, unsent},
	{"Append", before, errFenced},
	{"Append", before, unknown},
	{"Append", before, errCable},
	{"Append", after, unknown},
	{"Append", after, errCable},
	{"Current", before, unsent},
	{"Current", before, errFenced},
	{"Current", after, errCable},
	{"head write", after, unknown},
}

// A diary is what callers were told, command by command.
type diary struct {
	// rivals says that two ledgers are asked. When both decide a command in the same microsecond their blocks are the same, to the byte: it is stored
	// once, and both say so.
	rivals bool

	mu   sync.Mutex
	told map[string][]answer
}

// An answer is what a caller was told.
type answer struct {
	ledger.Receipt
	// known says that somebody had been told of the command as appended before it was asked about. Of two that are asked about at the same time
	// the one that is told first need not have been decided first.
	known bool
}

// ask sends a command and writes down the answer.
func (d *diary) ask(id string, send func() ledger.Receipt) ledger.Receipt {
	d.mu.Lock()
	known := slices.ContainsFunc(d.told[id], func(a answer) bool { return a.Status == ledger.Appended })
	d.mu.Unlock()
	r := send()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told == nil {
		d.told = map[string][]answer{}
	}
	d.told[id] = append(d.told[id], answer{r, known})
	return r
}

// audit compares what callers were told with what is stored.
func (d *diary) audit(t *testing.T, stored []events.Event) {
	t.Helper()
	at := map[string]*events.Event{}
	for i := range stored {
		e := &stored[i]
		if e.Seq != events.Seq(i+1) {
			t.Errorf("event %d has the number %d", i+1, e.Seq)
		}
		if at[string(e.ID)] != nil {
			t.Errorf("%s is stored as %d and as %d", e.ID, at[string(e.ID)].Seq, e.Seq)
		}
		at[string(e.ID)] = e
	}
	for id, rs := range d.told {
		appended := 0
		for _, r := range rs {
			e := at[id]
			switch r.Status {
			case ledger.Appended, ledger.Duplicate:
				if r.Status == ledger.Appended {
					appended++
				}
				if e == nil {
					t.Errorf("%s was acknowledged as %d and is not stored", id, r.Seq)
				} else if e.Seq != r.Seq || e.Time.UTC().Format(events.TimeForm) != r.Recorded || fmt.Sprint(e.Flags) != fmt.Sprint(r.Flags) {
					t.Errorf("%s was acknowledged as %d of %s with %v and is stored as %d of %v with %v", id, r.Seq, r.Recorded, r.Flags, e.Seq, e.Time, e.Flags)
				}
			case ledger.Refused:
				if r.known {
					t.Errorf("%s was appended and refused afterwards with %s", id, r.Code)
				}
			}
		}
		if appended > 1 && !d.rivals {
			t.Errorf("%s was appended %d times", id, appended)
		}
	}
}

// storm sends commands of several callers, among them some that are refused and some that are sent again and again, and writes down the answers.
func storm(t *testing.T, l *ledger.Ledger, d *diary) {
	t.Helper()
	send := func(id string, in []ledger.Input) {
		d.ask(id, func() ledger.Receipt { return l.Append(t.Context(), in, ledger.Local, false)[0] })
	}
	send("open", inputs(t, strings.Replace(openA, "{", `{"id":"open",`, 1)))
	send("budget", inputs(t, strings.Replace(budgetA, "{", `{"id":"budget",`, 1)))
	var all sync.WaitGroup
	for who := range 3 {
		all.Go(func() {
			for i := range 4 {
				id := fmt.Sprintf("p%d-%d", who, i)
				send(id, inputs(t, pay(id, "30")))
				send(fmt.Sprintf("much%d-%d", who, i), inputs(t, pay(fmt.Sprintf("much%d-%d", who, i), "500")))
				send("p0-0", inputs(t, pay("p0-0", "30")))
			}
		})
	}
	all.Wait()
}

func (d *diary) settle(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	storm(t, l, d)
	for id, rs := range d.told {
		if last := rs[len(rs)-1]; last.Status == ledger.Failed {
			t.Errorf("when the fault was over, %s was answered %s %s", id, last.Status, last.Code)
		}
	}
}

// TestEachCallFails lets each call of a log fail, early and late, once and several times, beside a second writer that is well.
func TestEachCallFails(t *testing.T) {
	t.Parallel()
	for _, f := range failures {
		for _, nth := range []int{1, 2, 4} {
			for _, times := range []int{1, 3} {
				for _, rival := range []bool{false, true} {
					if os.Getenv("FUNDLEDGER_LONG") == "" && rival != (times > 1) {
						continue
					}
					t.Run(fmt.Sprintf("%s, from the %dth on %d times, rival %t", f, nth, times, rival), func(t *testing.T) {
						t.Parallel()
						h := build(t, t.TempDir())
						p := &plan{failure: f, nth: nth, times: times}
						l := h.open(func(log ledger.Log) ledger.Log {
							return &failingLog{log, p, filepath.Join(h.folder, "heads", "a")}
						}, nil)
						d := &diary{rivals: rival}
						var both sync.WaitGroup
						if rival {
							other := h.open(nil, nil)
							both.Go(func() { storm(t, other, d) })
						}
						both.Go(func() { storm(t, l, d) })
						both.Wait()
						hits := p.end()
						// Beside a rival it may be that nothing but payments are decided that are stored.
						if hits == 0 && nth == 1 && (f.call == "Replay" || f.call == "Append" || f.call == "head write" && rival || f.call == "Current" && !rival) {
							t.Errorf("nothing failed")
						}
						d.settle(t, l)
						stored, _ := h.stored("a")
						d.audit(t, stored)
						if len(stored) != 2+12 {
							t.Errorf("%d events are stored, want 14", len(stored))
						}
					})
				}
			}
		}
	}
}

// TestNobodyAnswersWhoIsNoLongerTheOne lets a second writer make money free, or pay what a first would pay, without the first being told, and asks
// the first. What it knows is old, so it must not answer by that, whatever fails when it looks.
func TestNobodyAnswersWhoIsNoLongerTheOne(t *testing.T) {
	t.Parallel()
	more := `{"id":"more","kind":"appropriated","fund":"a","year":2022,"date":"2022-06-01","line":"1","amount":"1000","stage":"supplementary"}`
	fails := []failure{{}, {"Current", before, unsent}, {"Current", after, errCable}, {"Replay", before, unsent}, {"Replay", halfway, errCable}, {"Replay", after, unsent}, {"Append", after, errCable}}
	for _, f := range fails {
		for times := range 3 {
			t.Run(fmt.Sprintf("%s, %d times", f, times+1), func(t *testing.T) {
				t.Parallel()
				h := build(t, t.TempDir())
				p := &plan{failure: f, nth: 1, times: times + 1, over: true}
				first := h.open(func(log ledger.Log) ledger.Log { return &failingLog{log, p, ""} }, nil)
				second := h.open(nil, nil)
				wantStatuses(t, first.Append(t.Context(), inputs(t, openA, budgetA, pay("p", "300")), ledger.Local, false), "appended", "appended", "appended")
				wantStatuses(t, second.Append(t.Context(), inputs(t, more, pay("q", "1"), pay("x", "2")), ledger.Local, false), "appended", "appended", "appended")
				p.mu.Lock()
				p.over = false
				p.mu.Unlock()
				d := &diary{}
				for range times + 2 {
					for _, c := range [][2]string{{"much", "500"}, {"x", "2"}} {
						r := d.ask(c[0], func() ledger.Receipt {
							return first.Append(t.Context(), inputs(t, pay(c[0], c[1])), ledger.Local, false)[0]
						})
						if r.Status == ledger.Refused {
							t.Errorf("%s was answered %s", c[0], r.Code)
						}
					}
				}
				stored, _ := h.stored("a")
				d.audit(t, stored)
				if last := d.told["x"]; last[len(last)-1].Status != ledger.Duplicate || last[len(last)-1].Seq != 6 {
					t.Errorf("in the end the other's payment is answered %+v", last[len(last)-1])
				}
			})
		}
	}
}

// A wire is between a client and its broker, and can lose requests or answers. It reads the protocol of both directions.
type wire struct {
	*plan
	subject string // of the requests that are lost

	mu     sync.Mutex
	subs   map[string]string // by subject; the sid
	losing map[string]bool   // inboxes whose answer is lost
	cut    bool              // the connection ends, instead of an answer that says so
}

func (w *wire) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	client, inner := net.Pipe()
	end := func() { _ = c.Close(); _ = inner.Close() }
	var out, in sync.Mutex // of what goes to the client, and to the broker
	send := func(frame []byte) error {
		in.Lock()
		defer in.Unlock()
		_, err := c.Write(frame)
		return err
	}
	answer := func(frame []byte) {
		out.Lock()
		defer out.Unlock()
		_, _ = inner.Write(frame)
	}
	go func() { // from the client
		defer end()
		r := newFrames(inner)
		for {
			f, err := r.next()
			if err != nil {
				return
			}
			if lie := w.outgoing(f); lie != nil {
				if w.cut {
					return
				}
				go answer(lie)
				if w.when == late {
					time.AfterFunc(time.Duration(1+len(f.raw)%20)*time.Millisecond, func() { _ = send(f.raw) })
				}
				continue
			}
			if send(f.raw) != nil {
				return
			}
		}
	}()
	go func() { // from the broker
		defer end()
		r := newFrames(c)
		for {
			f, err := r.next()
			if err != nil {
				return
			}
			raw := f.raw
			if lie := w.incoming(f); lie != nil {
				if w.cut {
					return
				}
				raw = lie
			}
			answer(raw)
		}
	}()
	return client, nil
}

// A frame is one message of the protocol.
type frame struct {
	raw    []byte
	fields []string
}

type frames struct {
	c   net.Conn
	buf []byte
}

func newFrames(c net.Conn) *frames { return &frames{c: c} }

func (r *frames) next() (frame, error) {
	for {
		if end := bytes.Index(r.buf, []byte("\r\n")); end >= 0 {
			f := frame{fields: strings.Fields(string(r.buf[:end]))}
			size := end + 2
			if len(f.fields) > 0 {
				switch strings.ToUpper(f.fields[0]) {
				case "PUB", "HPUB", "MSG", "HMSG":
					n, err := strconv.Atoi(f.fields[len(f.fields)-1])
					if err != nil {
						return f, err
					}
					size += n + 2
				}
			}
			if len(r.buf) >= size {
				f.raw = bytes.Clone(r.buf[:size])
				r.buf = r.buf[size:]
				return f, nil
			}
		}
		more := make([]byte, 64<<10)
		n, err := r.c.Read(more)
		if err != nil {
			return frame{}, err
		}
		r.buf = append(r.buf, more[:n]...)
	}
}

// outgoing returns what the client gets instead when its request is lost; nil when it is not.
func (w *wire) outgoing(f frame) []byte {
	if len(f.fields) < 3 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch kind := strings.ToUpper(f.fields[0]); kind {
	case "SUB":
		w.subs[f.fields[1]] = f.fields[len(f.fields)-1]
	case "PUB", "HPUB":
		if f.fields[1] != w.subject || len(f.fields) < map[string]int{"PUB": 4, "HPUB": 5}[kind] || !w.hit("wire") {
			return nil
		}
		if w.when != after {
			return w.lie(f.fields[2])
		}
		w.losing[f.fields[2]] = true
	}
	return nil
}

func (w *wire) incoming(f frame) []byte {
	if len(f.fields) < 3 || !strings.HasSuffix(f.fields[0], "MSG") {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.losing[f.fields[1]] {
		return nil
	}
	delete(w.losing, f.fields[1])
	return w.lie(f.fields[1])
}

// lie is an answer that says that there is none.
func (w *wire) lie(inbox string) []byte {
	sid := w.subs[inbox]
	if sid == "" {
		sid = w.subs[inbox[:strings.LastIndexByte(inbox, '.')]+".*"]
	}
	if strings.Contains(w.subject, "DIRECT") {
		header := "NATS/1.0 503 lost\r\n\r\n"
		return fmt.Appendf(nil, "HMSG %s %s %d %d\r\n%s\r\n", inbox, sid, len(header), len(header), header)
	}
	body := `{"error":{"code":503,"err_code":10008,"description":"lost"}}`
	return fmt.Appendf(nil, "MSG %s %s %d\r\n%s\r\n", inbox, sid, len(body), body)
}

// TestEachRequestToTheBrokerFails loses requests on the wire, or their answers.
func TestEachRequestToTheBrokerFails(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"$JS.API.STREAM.INFO.LEDGER-a", "$JS.API.STREAM.CREATE.LEDGER-a", "ledger.a", "$JS.API.DIRECT.GET.LEDGER-a"} {
		for _, when := range []moment{before, after, late} {
			for _, cut := range []bool{false, true} {
				for _, nth := range []int{1, 3} {
					if cut && (os.Getenv("FUNDLEDGER_LONG") == "" || nth > 1) {
						continue // the client waits ten seconds for an answer
					}
					t.Run(fmt.Sprintf("%s, %s, from the %dth on, cut %t", subject, when, nth, cut), func(t *testing.T) {
						t.Parallel()
						s := plainBroker(t)
						p := &plan{failure: failure{"wire", when, errCable}, nth: nth, times: map[moment]int{before: 2, after: 2, late: 6}[when]}
						w := &wire{plan: p, subject: subject, subs: map[string]string{}, losing: map[string]bool{}, cut: cut}
						heads := t.TempDir()
						l := openOn(t, s, heads, nats.SetCustomDialer(w))
						d := &diary{}
						storm(t, l, d)
						if hits := p.end(); hits == 0 && nth == 1 && !strings.Contains(subject, "DIRECT") {
							t.Error("nothing was lost")
						}
						d.settle(t, l)
						h := &house{t: t, store: storeOn(t, s, heads)}
						stored, _ := h.stored("a")
						d.audit(t, stored)
						if len(stored) != 2+12 {
							t.Errorf("%d events are stored, want 14", len(stored))
						}
					})
				}
			}
		}
	}
}

// plainBroker is a broker that listens.
func plainBroker(t *testing.T) *natsserver.Server {
	t.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{
		ServerName: "plain", Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(3 * time.Minute) {
		t.Fatal("the broker does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func storeOn(t *testing.T, s *natsserver.Server, heads string, opts ...nats.Option) *stream.Store {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), append([]nats.Option{nats.Timeout(time.Minute), nats.ReconnectWait(50 * time.Millisecond), nats.MaxReconnects(-1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	store, err := stream.NewStore(nc, stream.Own, heads)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func openOn(t *testing.T, s *natsserver.Server, heads string, opts ...nats.Option) *ledger.Ledger {
	t.Helper()
	store := storeOn(t, s, heads, opts...)
	l := ledger.Open(func(f events.Fund) ledger.Log { return store.Log(f) }, nil)
	t.Cleanup(func() { l.Close(context.Background()) })
	return l
}

// TestHeadsThatCannotBeMade has a file where the folder of the heads should be.
func TestHeadsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := plainBroker(t)
	heads := filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(heads, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openOn(t, s, heads)
	d := &diary{}
	storm(t, l, d)
	for id, rs := range d.told {
		for _, r := range rs {
			if r.Status == ledger.Appended || r.Status == ledger.Duplicate {
				t.Errorf("%s was answered %s", id, r.Status)
			}
		}
	}
	if err := os.Remove(heads); err != nil {
		t.Fatal(err)
	}
	d.settle(t, l)
	h := &house{t: t, store: storeOn(t, s, heads)}
	stored, _ := h.stored("a")
	d.audit(t, stored)
}
