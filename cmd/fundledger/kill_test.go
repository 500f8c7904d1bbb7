package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/ledger"
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
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("FUNDLEDGER_SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
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
				case <-time.After(20 * time.Second):
					t.Fatalf("append hangs: %q", reader.err.String())
				}
				time.Sleep(time.Duration(random.Int64N(int64(15 * time.Millisecond))))
				_ = victim.Process.Kill()
				_ = victim.Wait()
				if served {
					ended := make(chan struct{})
					go func() { _ = reader.Wait(); close(ended) }()
					select {
					case <-ended:
					case <-time.After(15 * time.Second):
						t.Fatalf("15 s after its server was killed append still waits: %q", reader.err.String())
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
	s := &spawned{Cmd: exec.Command(path, "serve", "--data", folder, "--lang", "en")}
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
	case <-time.After(20 * time.Second):
		t.Fatalf("serve says %q", said)
	}
	return s
}
