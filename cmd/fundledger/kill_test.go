package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/client"

	"github.com/nats-io/nats.go"
)

// built is the program itself, as users have it.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fundledger")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fundledger")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// many are so many payments of one fund, after its opening.
func many(n int) string {
	var b strings.Builder
	b.WriteString(strings.Replace(small, `"1000.00"`, `"1000000.00"`, 1))
	for i := range n {
		b.WriteString(pay("p" + strconv.Itoa(i)))
	}
	return b.String()
}

// A spawned is a run of the real program in a process of its own.
type spawned struct {
	*exec.Cmd
	out lineCounter
	err bytes.Buffer
}

// A lineCounter keeps what is written and says when so many lines have been.
type lineCounter struct {
	text        bytes.Buffer
	lines, want int
	reached     chan struct{}
}

func (c *lineCounter) Write(b []byte) (int, error) {
	before := c.lines
	c.lines += bytes.Count(b, []byte("\n"))
	if before < c.want && c.lines >= c.want {
		close(c.reached)
	}
	return c.text.Write(b)
}

// spawn starts a process; when it has printed so many lines, out.reached is closed.
func spawn(t *testing.T, lines int, path string, args ...string) *spawned {
	t.Helper()
	s := &spawned{Cmd: exec.Command(path, args...), out: lineCounter{want: lines, reached: make(chan struct{})}}
	if lines == 0 {
		close(s.out.reached)
	}
	s.Stdout, s.Stderr = &s.out, &s.err
	s.Env = append(os.Environ(), "LC_ALL=C")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill(); _ = s.Wait() })
	return s
}

// acknowledged are the receipts that a process printed before it was killed; the last line may be cut.
func (s *spawned) acknowledged(t *testing.T) []ledger.Receipt {
	t.Helper()
	out := s.out.text.String()
	return receipts(t, out[:strings.LastIndexByte(out, '\n')+1])
}

// TestKilled kills the program twenty times while it appends, half of them the process that reads the file and half a server behind it, each
// at some moment. FUNDLEDGER_SEED repeats a run.
func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills the program many times")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(number(t, "FUNDLEDGER_SEED", int(time.Now().UnixNano())))
	t.Logf("FUNDLEDGER_SEED=%d", seed)
	for i, served := range []bool{false, true} {
		name := map[bool]string{false: "alone", true: "served"}[served]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			const n = 4000
			file := filepath.Join(t.TempDir(), "many.jsonl")
			if err := os.WriteFile(file, []byte(many(n)), 0o600); err != nil {
				t.Fatal(err)
			}
			p := onFolder(t)
			inTheMiddle := 0
			for round := range 10 {
				before := min(n, len(p.stored(t)))
				if round%3 == 0 || before == n { // some go on where the last was killed, some begin
					p, before = onFolder(t), 0
					p.now = time.Now // as the processes that are killed
				}
				victim := spawnServer(t, path, p.folder, served)
				reader := spawn(t, random.IntN(n-before+1)+before, path, "append", file, "--data", p.folder)
				if !served {
					victim = reader
				}
				select {
				case <-reader.out.reached:
				case <-time.After(enough):
					t.Fatalf("append hangs: %q", reader.err.String())
				}
				time.Sleep(time.Duration(random.Int64N(int64(15 * time.Millisecond))))
				_ = victim.Process.Kill()
				_ = victim.Wait()
				if served {
					// It is told that its connection has ended: that takes less than the two minutes for which it waits for an answer that never comes.
					const waiting = 100 * time.Second
					ended := make(chan struct{})
					go func() { _ = reader.Wait(); close(ended) }()
					select {
					case <-ended:
					case <-time.After(waiting):
						t.Fatalf("its server was killed, and append still waits: %q", reader.err.String())
					}
				}
				acknowledged := reader.acknowledged(t)
				lines := p.stored(t) // exit 0: what is there is whole
				exactlyOnce(t, lines, acknowledged)
				if len(lines) > before && len(lines) < n+2 {
					inTheMiddle++
				}
			}
			t.Logf("%d of 10 were killed with some events stored and some not", inTheMiddle)
			rest := p.ok(t, "append", file)
			rs := receipts(t, rest)
			lines := p.stored(t)
			exactlyOnce(t, lines, rs)
			if len(lines) != n+2 || len(rs) != n+2 {
				t.Errorf("in the end there are %d events and %d receipts, want %d", len(lines), len(rs), n+2)
			}
		})
	}
}

// spawnServer starts a server and waits for its word that it serves; where none is wanted it returns nil.
func spawnServer(t *testing.T, path, folder string, wanted bool) *spawned {
	t.Helper()
	if !wanted {
		return nil
	}
	return spawnServing(t, path, "--data", folder)
}

func spawnServing(t *testing.T, path string, args ...string) *spawned {
	t.Helper()
	s := &spawned{Cmd: exec.Command(path, append([]string{"serve", "--lang", "en"}, args...)...)}
	words, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill(); _ = s.Wait() })
	said := &tail{want: "serving ", found: make(chan struct{})}
	go func() { _, _ = io.Copy(said, words) }()
	select {
	case <-said.found:
	case <-time.After(enough):
		t.Fatalf("serve says %q", said)
	}
	return s
}

// number is what an environment variable says.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A load is callers who send commands to whichever server runs, and what they were told.
type load struct {
	mu      sync.Mutex
	told    map[string][]ledger.Receipt // by id
	command map[string]ledger.Input
}

func (l *load) send(ctx context.Context, c *client.Client, in []ledger.Input, atomic bool) (failed bool) {
	rs := c.Append(ctx, in, atomic)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range rs {
		id := string(in[i].ID)
		l.told[id] = append(l.told[id], r)
		l.command[id] = in[i]
		failed = failed || r.Status == ledger.Failed
	}
	return failed
}

// call sends commands until one is not answered any more, or goes on all the same: one at a time, lists, lists that stand or fall together, some that are too much, and
// some that were sent before.
func (l *load) call(ctx context.Context, t *testing.T, nc *nats.Conn, who string, r *rand.Rand, goOn bool) {
	c := client.New(nc, "local")
	for i := 0; ctx.Err() == nil; i++ {
		n, atomic := 1, r.IntN(5) == 0
		if r.IntN(3) == 0 || atomic {
			n = 1 + r.IntN(30)
		}
		var text strings.Builder
		for k := range n {
			command := pay(fmt.Sprintf("%s-%d-%d", who, i, k))
			if r.IntN(20) == 0 {
				command = strings.Replace(command, `"1.00"`, `"2000000.00"`, 1)
			}
			text.WriteString(command)
		}
		in := readAll(t, text.String())
		if r.IntN(10) == 0 {
			l.mu.Lock()
			for id := range l.command { // any
				in, atomic = []ledger.Input{l.command[id]}, false
				break
			}
			l.mu.Unlock()
		}
		if l.send(ctx, c, in, atomic) {
			if !goOn {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func readAll(t *testing.T, text string) (all []ledger.Input) {
	t.Helper()
	for in, err := range ledger.ReadInputs(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, in)
	}
	return all
}

// again asks for every command whose outcome is not known, and for some that are known.
func (l *load) again(ctx context.Context, t *testing.T, nc *nats.Conn) {
	t.Helper()
	c := client.New(nc, "local")
	var ask []ledger.Input
	some := 20
	l.mu.Lock()
	for id, rs := range l.told {
		if last := rs[len(rs)-1].Status; last == ledger.Failed {
			ask = append(ask, l.command[id])
		} else if some > 0 && last != ledger.Refused {
			some--
			ask = append(ask, l.command[id])
		}
	}
	l.mu.Unlock()
	for len(ask) > 0 {
		n := min(len(ask), 100)
		for l.send(ctx, c, ask[:n], false) {
			if ctx.Err() != nil || nc.IsClosed() {
				t.Fatal("a server that nobody kills does not answer")
			}
			time.Sleep(50 * time.Millisecond)
		}
		ask = ask[n:]
	}
}

// audit compares what callers were told with what is stored.
func (l *load) audit(t *testing.T, lines []string) {
	t.Helper()
	type place struct {
		seq   events.Seq
		time  string
		flags string
	}
	at := map[string]place{}
	for i, line := range lines {
		e, err := events.ParseEvent([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if int(e.Seq) != i+1 || at[string(e.ID)].seq != 0 {
			t.Fatalf("line %d is event %d, %s, which stands at %d", i+1, e.Seq, e.ID, at[string(e.ID)].seq)
		}
		at[string(e.ID)] = place{e.Seq, e.Time.UTC().Format(events.TimeForm), fmt.Sprint(e.Flags)}
	}
	for id, rs := range l.told {
		appended := 0
		for _, r := range rs {
			switch r.Status {
			case ledger.Appended, ledger.Duplicate:
				if r.Status == ledger.Appended {
					appended++
				}
				if got := (place{r.Seq, r.Recorded, fmt.Sprint(r.Flags)}); got != at[id] {
					t.Fatalf("%s was acknowledged as %v and is stored as %v", id, got, at[id])
				}
			case ledger.Refused, ledger.NotTried:
				if appended > 0 {
					t.Fatalf("%s was appended and then %s %s", id, r.Status, r.Code)
				}
			}
		}
		if appended > 1 {
			t.Fatalf("%s was appended %d times", id, appended)
		}
		if last := rs[len(rs)-1]; at[id].seq != 0 && last.Status != ledger.Appended && last.Status != ledger.Duplicate {
			t.Fatalf("%s is stored as %d, and the last answer to it is %s %s", id, at[id].seq, last.Status, last.Code)
		}
	}
}

// TestKilledUnderLoad kills a server with many callers again and again, each time at some moment, and begins another on the same folder.
// FUNDLEDGER_KILLS says how often.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills the program many times")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	kills := number(t, "FUNDLEDGER_KILLS", 12)
	seed := uint64(number(t, "FUNDLEDGER_SEED", int(time.Now().UnixNano())))
	t.Logf("FUNDLEDGER_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 9))
	p := onFolder(t)
	p.now = time.Now
	p.append(t, many(0))
	l := &load{told: map[string][]ledger.Receipt{}, command: map[string]ledger.Input{}}
	underWay := 0
	for round := range kills {
		victim := spawnServer(t, path, p.folder, true)
		var conns []*nats.Conn
		for range 4 {
			nc, err := p.dial(t)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, nc)
		}
		ctx, cancel := context.WithTimeout(t.Context(), enough)
		l.again(ctx, t, conns[0])
		var all sync.WaitGroup
		for i, nc := range conns {
			r := rand.New(rand.NewPCG(random.Uint64(), 1))
			all.Go(func() { l.call(ctx, t, nc, fmt.Sprintf("%d-%d", round, i), r, false) })
		}
		time.Sleep(time.Duration(random.Int64N(int64(120 * time.Millisecond))))
		_ = victim.Process.Kill()
		_ = victim.Wait()
		all.Wait()
		cancel()
		for _, nc := range conns {
			nc.Close()
		}
		for _, rs := range l.told {
			if rs[len(rs)-1].Status == ledger.Failed {
				underWay++
			}
		}
		if round%20 == 19 {
			p.settled(t, path, l)
		}
	}
	lines := p.settled(t, path, l)
	t.Logf("%d kills, %d commands of which %d were under way, %d events", kills, len(l.told), underWay, len(lines))
	if underWay < kills {
		t.Errorf("%d commands were under way when the server was killed; want more than one each time", underWay)
	}
	p.rebuilt(t, lines)
}

func (p *program) dial(t *testing.T) (*nats.Conn, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.folder, "address"))
	if err != nil {
		return nil, err
	}
	var a embedded.Address
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, err
	}
	return a.Dial(nats.NoReconnect(), nats.Timeout(enough))
}

// settled asks a server that nobody kills for what is not known, and compares.
func (p *program) settled(t *testing.T, path string, l *load) (lines []string) {
	t.Helper()
	s := spawnServer(t, path, p.folder, true)
	nc, err := p.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	l.again(t.Context(), t, nc)
	nc.Close()
	_ = s.Process.Kill()
	_ = s.Wait()
	lines = p.stored(t)
	l.audit(t, lines)
	return lines
}

// rebuilt compares tables with those of another folder, to which the commands of the log were appended in its order.
func (p *program) rebuilt(t *testing.T, lines []string) {
	t.Helper()
	var commands strings.Builder
	for _, e := range parseEvents(t, lines) {
		commands.Write(e.Data.Command)
		commands.WriteByte('\n')
	}
	again := onFolder(t)
	again.now = p.now
	for _, r := range again.append(t, commands.String()) {
		if r.Status != ledger.Appended {
			t.Fatalf("appended to another folder, %s is %s %s", r.ID, r.Status, r.Code)
		}
	}
	for _, args := range [][]string{
		{"table", "execution", "--fund", "f", "--year", "2022", "--format", "csv"},
		{"report", "--fund", "f", "--year", "2022", "--format", "csv"},
	} {
		if got, want := timeless(p.ok(t, args...)), timeless(again.ok(t, args...)); got != want {
			t.Errorf("%v is\n%s\nand from the same commands\n%s", args, got, want)
		}
	}
}

// moments are the times of events and the roots of logs, which differ wherever a command was appended at another time. CSV has an apostrophe before a root that
// begins with a plus sign, so that no spreadsheet takes it for a formula.
var moments = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z|'?[A-Za-z0-9+/]{43}=`)

func timeless(text string) string { return moments.ReplaceAllString(text, "…") }
