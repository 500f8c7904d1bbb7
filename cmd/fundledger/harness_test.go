package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/ledger"
)

// enough is how long a test waits for what has to come: far longer than a machine takes that has much else to do.
const enough = 3 * time.Minute

// today is when the tests take place, so that a lot expires and a date lies ahead at any time that they are run.
var today = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A program is one folder and the way in which the tests run the program on it.
type program struct {
	folder string
	now    func() time.Time
	faulty func(ledger.Log) ledger.Log
	kept   events.Seq
	built  string // the program's path, for what it runs in a process of its own
	stdin  string
	env    map[string]string
}

// An outcome is what a run left behind.
type outcome struct {
	code     int
	out, err string
}

func onFolder(t *testing.T) *program {
	t.Helper()
	return &program{folder: filepath.Join(t.TempDir(), "data")}
}

// app is a run of the program with the arguments, on the folder unless they name another.
func (p *program) app(out, err io.Writer, args ...string) *app {
	args = append([]string{}, args...) // where there are none it must not be those of the test
	named := slices.ContainsFunc(args, func(s string) bool {
		return s == "--data" || s == "--nats" || strings.HasPrefix(s, "--data=") || strings.HasPrefix(s, "--nats=")
	})
	if !named && p.folder != "" {
		args = append(args, "--data", p.folder)
	}
	now := p.now
	if now == nil {
		now = func() time.Time { return today }
	}
	return &app{
		args: args, stdin: strings.NewReader(p.stdin), stdout: out, stderr: err, getenv: func(name string) string { return p.env[name] },
		now: now, faulty: p.faulty, kept: p.kept, patience: enough, lease: time.Minute, program: p.built,
	}
}

func (p *program) run(t testing.TB, args ...string) outcome {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), p.app(&out, &err, args...))
	return outcome{code, out.String(), err.String()}
}

// ok runs the program and returns its output; it must end with 0.
func (p *program) ok(t testing.TB, args ...string) string {
	t.Helper()
	got := p.run(t, args...)
	if got.code != exitOK {
		t.Fatalf("%v: exit %d\n%.2000s%s", args, got.code, got.out, got.err)
	}
	return got.out
}

// with returns the same program with something on its standard input.
func (p *program) with(stdin string) *program {
	q := *p
	q.stdin = stdin
	return &q
}

func (p *program) append(t testing.TB, commands string, args ...string) []ledger.Receipt {
	t.Helper()
	return receipts(t, p.with(commands).run(t, append([]string{"append"}, args...)...).out)
}

// receipts reads receipts, each of which must have just the members that FORMAT gives its status.
func receipts(t testing.TB, out string) (rs []ledger.Receipt) {
	t.Helper()
	for line := range strings.Lines(out) {
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		var r ledger.Receipt
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("receipt %q: %v", line, err)
		}
		if fault := receiptFault(&r); fault != "" {
			t.Errorf("receipt %s: %s", strings.TrimSpace(line), fault)
		}
		rs = append(rs, r)
	}
	return rs
}

func receiptFault(r *ledger.Receipt) string {
	stored := r.Status == ledger.Appended || r.Status == ledger.Duplicate
	stopped := r.Status == ledger.Refused || r.Status == ledger.Failed
	switch {
	case r.Input == 0:
		return "no line number"
	case stored && (r.ID == "" || (r.Seq == 0) != (r.Recorded == "") || r.Seq == 0 && r.Status == ledger.Appended): // a dry run's duplicate may have none
		return "stored without id, number or time"
	case !stored && r.Status != ledger.WouldAppend && (r.Seq != 0 || r.Recorded != "" || r.Flags != nil):
		return "has a number, though nothing is stored"
	case stopped != (r.Code != "") || stopped && (r.Message == "" || r.Hint == ""):
		return "code, message and hint belong to what was refused or failed, and there all three"
	case r.Status == ledger.Failed && r.Code != events.Tampered && !slices.Contains(events.Failures, r.Code):
		return "failed with a code that is no failure"
	}
	if lack := strings.Contains(r.Message+r.Hint, "<no value>"); lack {
		return "words lack a value"
	}
	return ""
}

// stored returns the lines of the folder's log; there are none while there is no folder.
func (p *program) stored(t testing.TB) (lines []string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(p.folder, "lock")); err != nil {
		return nil
	}
	for line := range strings.Lines(p.ok(t, "events")) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

// An event is what the tests look at of a stored line.
type event struct {
	ID       events.ID  `json:"id"`
	Sequence events.Seq `json:"sequence,string"`
	Source   string     `json:"source"`
	Data     struct {
		Command  json.RawMessage `json:"command"`
		Flags    []events.Code   `json:"flags"`
		Postings []posting       `json:"postings"`
	} `json:"data"`
}

type posting struct {
	Year                                int
	Line, Measure, Amount, Date, Counts string
	Lot, Channel, Basis                 string
}

func parseEvents(t testing.TB, lines []string) (all []event) {
	t.Helper()
	for _, line := range lines {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("event %s: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// exactlyOnce checks that the log of one fund is whole, that no id is in it twice, and that every receipt of something stored tells the truth.
func exactlyOnce(t testing.TB, lines []string, acknowledged []ledger.Receipt) {
	t.Helper()
	at := map[events.ID]events.Seq{}
	for i, e := range parseEvents(t, lines) {
		if e.Sequence != events.Seq(i+1) {
			t.Fatalf("line %d of the log has number %d", i+1, e.Sequence)
		}
		if at[e.ID] != 0 {
			t.Fatalf("%s is stored twice, as %d and %d", e.ID, at[e.ID], e.Sequence)
		}
		at[e.ID] = e.Sequence
	}
	for _, r := range acknowledged {
		if (r.Status == ledger.Appended || r.Status == ledger.Duplicate) && at[r.ID] != r.Seq {
			t.Fatalf("%s was acknowledged with number %d and stands at %d", r.ID, r.Seq, at[r.ID])
		}
	}
}

func statuses(rs []ledger.Receipt) string {
	var words []string
	for i := range rs {
		r := &rs[i]
		w := string(r.Status)
		if r.Code != "" {
			w += "/" + string(r.Code)
		}
		for _, f := range r.Flags {
			w += "+" + string(f)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// sample is the reference fund's commands.
var sample = sync.OnceValue(func() string {
	var out bytes.Buffer
	if code := run(context.Background(), &app{args: []string{"sample"}, stdout: &out, stderr: io.Discard, getenv: os.Getenv}); code != exitOK {
		panic("sample fails")
	}
	return out.String()
})

// small is a fund with a budget of 1000.00 on line 1.
const small = `{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"资金","lines":[{"code":"1","name":"a"},{"code":"2","name":"b"}]}
{"id":"budget","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"1000.00","stage":"original"}
`

// pay is a payment of 1.00 out of it.
func pay(id string) string {
	return `{"id":"` + id + `","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"1.00","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"pay","number":"` + id + `"}}` + "\n"
}

// A server is a run of serve that goes on.
type server struct {
	cancel context.CancelFunc
	done   chan int
	out    bytes.Buffer
	err    *tail
}

// tail is what a running program says on standard error, with a channel that is closed when a text appears in it.
type tail struct {
	mu    sync.Mutex
	text  bytes.Buffer
	want  string
	found chan struct{}
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(b)
	if t.want != "" && strings.Contains(t.text.String(), t.want) {
		t.want = ""
		close(t.found)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// serve starts a server on the folder and returns when it is ready.
func (p *program) serve(args ...string) (*server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{cancel: cancel, done: make(chan int, 1), err: &tail{want: "serving ", found: make(chan struct{})}}
	go func() {
		s.done <- run(ctx, p.app(&s.out, s.err, append([]string{"serve", "--lang", "en"}, args...)...))
	}()
	select {
	case <-s.err.found:
		return s, nil
	case code := <-s.done:
		s.done <- code
		return s, fmt.Errorf("serve: exit %d: %s", code, s.err)
	}
}

// stop interrupts the server, as Ctrl-C does, and waits for its end.
func (s *server) stop() outcome {
	s.cancel()
	code := <-s.done
	s.done <- code
	return outcome{code, s.out.String(), s.err.String()}
}

func (p *program) serving(t *testing.T, args ...string) *server {
	t.Helper()
	s, err := p.serve(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop() })
	return s
}
