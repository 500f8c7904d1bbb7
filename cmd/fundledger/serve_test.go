package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events/stream/embedded"
	"fundledger/ledger"

	"github.com/gofrs/flock"
)

func (p *program) address(t *testing.T) (a embedded.Address) {
	t.Helper()
	path := filepath.Join(p.folder, "address")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the address has mode %v, want 0600: it holds a token", info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &a); err != nil || a.URL == "" || a.Token == "" {
		t.Fatalf("address %s: %v", data, err)
	}
	return a
}

func (p *program) wantNoAddress(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(p.folder, "address")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the address outlives its server: %v", err)
	}
}

func TestCommandsGoThroughTheServer(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t)
	if a := p.address(t); !strings.Contains(s.err.String(), a.URL) || strings.Contains(s.err.String(), a.Token) {
		t.Errorf("serve says %q; want the address and not the token", s.err)
	}
	rs := p.append(t, sample())
	if n := strings.Count(statuses(rs), "appended"); n != strings.Count(sample(), "\n") {
		t.Errorf("%d were appended: %s", n, statuses(rs))
	}
	for i, r := range rs {
		if r.Input != i+1 {
			t.Fatalf("receipt %d is of line %d", i+1, r.Input)
		}
	}
	var through []string
	for _, args := range readings() {
		through = append(through, p.ok(t, args...))
	}
	got := s.stop()
	if got.code != exitOK || got.out != "" {
		t.Errorf("serve: exit %d, %q", got.code, got.out)
	}
	p.wantNoAddress(t)
	exactlyOnce(t, p.stored(t), rs)
	for i, args := range readings() {
		if out := p.ok(t, args...); out != through[i] {
			t.Errorf("%v is printed otherwise through a server", args)
		}
	}
}

func TestServerSpeaksChinese(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.serving(t)
	got := p.with(small+pay("p")+`{"kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"9","amount":"1.00","channel":"payment"}`).run(t, "append", "--lang", "zh")
	rs := receipts(t, got.out)
	if last := rs[len(rs)-1]; got.code != exitRefused || last.Code != "unknown-line" || strings.Contains(last.Message, "line") {
		t.Errorf("exit %d, %v", got.code, last)
	}
}

func TestSecondServerIsToldOfTheFirst(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	first := p.serving(t)
	for _, lang := range []string{"en", "zh"} {
		got := p.run(t, "serve", "--lang", lang)
		if got.code != exitFailed || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") || !strings.Contains(got.err, p.address(t).URL) {
			t.Errorf("exit %d, %q, %q; want where the first serves", got.code, got.out, got.err)
		}
	}
	if rs := p.append(t, small); statuses(rs) != "appended appended" {
		t.Errorf("after a second one was turned away the first answers %s", statuses(rs))
	}
	if got := first.stop(); got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// Commands that are under way when the server is interrupted are answered, one way or the other, and what was acknowledged is there.
func TestInterruptedServerLosesNothing(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t)
	p.append(t, small)
	var mu sync.Mutex
	var acknowledged []ledger.Receipt
	var all sync.WaitGroup
	begun := make(chan struct{}, 100)
	for who := range 4 {
		all.Go(func() {
			for i := range 1000 {
				got := p.with(pay(fmt.Sprintf("p-%d-%d", who, i))).run(t, "append")
				rs := receipts(t, got.out)
				mu.Lock()
				acknowledged = append(acknowledged, rs...)
				mu.Unlock()
				select {
				case begun <- struct{}{}:
				default:
				}
				if _, err := os.Stat(filepath.Join(p.folder, "address")); err != nil || got.code != exitOK {
					return
				}
			}
		})
	}
	for range 8 {
		<-begun
	}
	if got := s.stop(); got.code != exitOK || !strings.HasSuffix(got.err, "stopped\n") {
		t.Errorf("serve: exit %d, %q", got.code, got.err)
	}
	all.Wait()
	p.wantNoAddress(t)
	exactlyOnce(t, p.stored(t), acknowledged)
}

func TestStaleAddressIsIgnored(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	stale := `{"url":"nats://127.0.0.1:1","user":"client","token":"x"}`
	if err := os.WriteFile(filepath.Join(p.folder, "address"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	if err := os.WriteFile(filepath.Join(p.folder, "address"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if rs := p.append(t, pay("p")); statuses(rs) != "appended" {
		t.Error(statuses(rs))
	}
}

func TestHeldFolderIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	lock := flock.New(filepath.Join(p.folder, "lock"))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, args := range [][]string{{"append"}, {"append", "--dry-run"}, {"events"}, {"table", "execution", "--fund", "f", "--year", "2022"}, {"serve"}} {
		var out, errs bytes.Buffer
		a := p.with(pay("p")).app(&out, &errs, args...)
		a.patience = 30 * time.Millisecond
		if code := run(t.Context(), a); code != exitFailed || out.Len() > 0 || !strings.HasPrefix(errs.String(), "fundledger: ") || !strings.Contains(errs.String(), p.folder) {
			t.Errorf("%v on a held folder: exit %d, %q, %q", args, code, out.String(), errs.String())
		}
	}
	released := make(chan error)
	go func() {
		time.Sleep(50 * time.Millisecond)
		released <- lock.Unlock()
	}()
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	if err := <-released; err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	lock := flock.New(filepath.Join(p.folder, "lock"))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	defer func() { _ = lock.Unlock() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	// It would say something else if it had gone on waiting for the folder.
	if code := run(ctx, p.app(&out, &errs, "events")); code != exitFailed || errs.String() != "fundledger: interrupted\n" || out.Len() > 0 {
		t.Errorf("exit %d: %q %q", code, out.String(), errs.String())
	}
}

func TestLedgerElsewhere(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.serving(t)
	a := p.address(t)
	url := strings.Replace(a.URL, "nats://", "nats://"+a.User+":"+a.Token+"@", 1)
	away := &program{}
	rs := away.with(sample()).run(t, "append", "--nats", url)
	if rs.code != exitOK || len(receipts(t, rs.out)) != strings.Count(sample(), "\n") {
		t.Fatalf("exit %d: %s%s", rs.code, rs.out, rs.err)
	}
	for _, args := range readings() {
		if got, want := away.ok(t, append(args, "--nats", url)...), p.ok(t, args...); got != want {
			t.Errorf("%v is printed otherwise from elsewhere", args)
		}
	}
	if got := away.with(more).run(t, "append", "--dry-run", "--nats", url); got.code != exitOK || statuses(receipts(t, got.out)) != "would-append" {
		t.Errorf("dry run: exit %d, %s%s", got.code, got.out, got.err)
	}
	for _, bad := range []string{strings.Replace(url, a.Token, "guess", 1), "nats://127.0.0.1:1"} {
		for _, args := range [][]string{{"append"}, {"events"}} {
			got := away.with(more).run(t, append(args, "--nats", bad)...)
			if got.code != exitFailed || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") || strings.Contains(got.err, "guess") || strings.Contains(got.err, a.Token) {
				t.Errorf("%v %s: exit %d, %q, %q; want a failure that does not show the token", args, bad, got.code, got.out, got.err)
			}
		}
	}
	if got := away.run(t, "serve", "--lang", "en", "--nats", url); got.code != exitFailed || !strings.Contains(got.err, "no JetStream") || strings.Contains(got.err, a.Token) {
		t.Errorf("serve with a client's rights: exit %d %s", got.code, got.err)
	}
}

func TestServeSampleTwice(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	n := strings.Count(sample(), "\n")
	for i := range 2 {
		s := p.serving(t, "--sample")
		if got := p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022"); !strings.Contains(got, "98.07%") {
			t.Errorf("the table of the sample is\n%s", got)
		}
		got := s.stop()
		if want := fmt.Sprintf("%d events appended", []int{n, 0}[i]); got.code != exitOK || !strings.Contains(got.err, want) {
			t.Errorf("exit %d, %q; want %q", got.code, got.err, want)
		}
	}
	if got := len(p.stored(t)); got != n {
		t.Errorf("%d events, want %d", got, n)
	}
	if rs := p.append(t, sample()); strings.Count(statuses(rs), "duplicate") != n {
		t.Errorf("the sample appended to it is not all there already: %s", statuses(rs))
	}
}

// everywhere runs a test on a folder alone and on one that a server holds.
func everywhere(t *testing.T, test func(t *testing.T, p *program)) {
	t.Helper()
	t.Parallel()
	for _, name := range []string{"alone", "served"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := onFolder(t)
			if name == "served" {
				p.serving(t)
			}
			test(t, p)
		})
	}
}

const tooMuch = `{"kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"999.01","channel":"payment"}` + "\n"

func TestAtomic(t *testing.T) {
	everywhere(t, func(t *testing.T, p *program) {
		p.append(t, small)
		got := p.with(pay("a")+tooMuch+pay("b")).run(t, "append", "--atomic")
		if got.code != exitRefused || statuses(receipts(t, got.out)) != "not-tried refused/over-budget not-tried" {
			t.Errorf("exit %d, %s", got.code, got.out)
		}
		if n := len(p.stored(t)); n != 2 {
			t.Errorf("%d events are stored of a refused atomic file, want 2", n)
		}
		got = p.with(pay("a")+"\n"+pay("b")).run(t, "append", "--atomic")
		rs := receipts(t, got.out)
		if got.code != exitOK || statuses(rs) != "appended appended" || rs[0].Input != 1 || rs[1].Input != 3 {
			t.Errorf("exit %d, %s", got.code, got.out)
		}
		if rs := p.append(t, pay("a")+pay("c"), "--atomic"); statuses(rs) != "duplicate appended" {
			t.Error(statuses(rs))
		}
		if rs := p.append(t, pay("d")+strings.Replace(pay("e"), `"f"`, `"g"`, 1), "--atomic"); statuses(rs) != "not-tried refused/bad-value" {
			t.Error(statuses(rs))
		}
		if rs := p.append(t, pay("d")+"nonsense\n"+pay("e"), "--atomic"); statuses(rs) != "not-tried refused/malformed not-tried" {
			t.Error(statuses(rs))
		}
		if got := p.run(t, "append", "--atomic"); got.code != exitOK || got.out != "" {
			t.Errorf("an empty atomic file: exit %d, %q", got.code, got.out)
		}
		if n := len(p.stored(t)); n != 5 {
			t.Errorf("%d events are stored, want 5", n)
		}
		// The most that can stand or fall together.
		full := strings.Replace(small, `"f"`, `"full"`, -1)
		for i := range 998 {
			full += fmt.Sprintf(`{"id":"c%d","kind":"committed","fund":"full","year":2022,"date":"2022-05-01","line":"1","amount":"1.00"}`+"\n", i)
		}
		if rs := p.append(t, full+strings.Replace(pay("one more"), `"f"`, `"full"`, 1), "--atomic"); rs[0].Code != "too-large" && rs[len(rs)-1].Code != "bad-value" {
			t.Errorf("1,001 commands: %s", statuses(rs[:1]))
		}
		if rs := p.append(t, full, "--atomic"); strings.Count(statuses(rs), "appended") != 1000 {
			t.Errorf("1,000 commands: %.100s", statuses(rs))
		}
	})
}

func TestDryRun(t *testing.T) {
	everywhere(t, func(t *testing.T, p *program) {
		p.append(t, small)
		before := p.stored(t)
		// 999.01 and the payment of 1.00 before it are more than 1,000.00.
		got := p.with(pay("a")+pay("a")+tooMuch+pay("b")).run(t, "append", "--dry-run")
		rs := receipts(t, got.out)
		if want := "would-append duplicate refused/over-budget would-append"; got.code != exitRefused || statuses(rs[:1])+statuses(rs[2:]) != "would-appendrefused/over-budget would-append" && statuses(rs) != want {
			t.Errorf("exit %d, %s; want %s", got.code, statuses(rs), want)
		}
		for i := range rs {
			if rs[i].Seq != 0 || rs[i].Recorded != "" {
				t.Errorf("receipt %d of a dry run has a number or a time: %+v", i+1, rs[i])
			}
		}
		if got := p.with(pay("a")+tooMuch+pay("b")).run(t, "append", "--dry-run", "--atomic"); got.code != exitRefused || statuses(receipts(t, got.out)) != "not-tried refused/over-budget not-tried" {
			t.Errorf("exit %d, %s", got.code, got.out)
		}
		if got := p.with(pay("a")+pay("b")).run(t, "append", "--dry-run", "--atomic"); got.code != exitOK || statuses(receipts(t, got.out)) != "would-append would-append" {
			t.Errorf("exit %d, %s", got.code, got.out)
		}
		if got := p.with(small).run(t, "append", "--dry-run"); got.code != exitOK || statuses(receipts(t, got.out)) != "duplicate duplicate" {
			t.Errorf("exit %d, %s", got.code, got.out)
		}
		if after := p.stored(t); strings.Join(after, "\n") != strings.Join(before, "\n") {
			t.Errorf("a dry run changed the log: %d events, %d before", len(after), len(before))
		}
		// What was only tried is free.
		if rs := p.append(t, tooMuch); statuses(rs) != "appended" {
			t.Error(statuses(rs))
		}
	})
}

func TestDryRunOfAFundThatIsNotThere(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	got := p.with(small).run(t, "append", "--dry-run")
	if _, err := os.Stat(p.folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dry run made a folder: %v", err)
	}
	if got.code != exitOK || statuses(receipts(t, got.out)) != "would-append would-append" {
		t.Errorf("the first file of a new ledger cannot be tried: exit %d, %s%s", got.code, got.out, got.err)
	}
}

func TestReadingMakesNoFolder(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	for _, args := range readings() {
		got := p.run(t, args...)
		if got.code != exitFailed || got.out != "" || !strings.Contains(got.err, p.folder) {
			t.Errorf("%v: exit %d, %q, %q", args, got.code, got.out, got.err)
		}
		if _, err := os.Stat(p.folder); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%v made a folder: %v", args, err)
		}
	}
	// A folder with something else in it stays as it is.
	other := &program{folder: t.TempDir()}
	if got := other.run(t, "events"); got.code != exitFailed || got.out != "" {
		t.Errorf("exit %d, %q", got.code, got.out)
	}
	if left, err := os.ReadDir(other.folder); err != nil || len(left) != 0 {
		t.Errorf("reading left %v in a folder that is no ledger, %v", left, err)
	}
}

// A reader that waits for an event lets go of the folder, so that somebody can append it.
func TestWaitForAnEvent(t *testing.T) {
	everywhere(t, func(t *testing.T, p *program) {
		done := make(chan outcome, 1)
		p.append(t, small)
		go func() {
			var out, errs bytes.Buffer
			code := run(t.Context(), p.app(&out, &errs, "table", "execution", "--fund", "f", "--year", "2022", "--format", "json", "--wait", "4"))
			done <- outcome{code, out.String(), errs.String()}
		}()
		p.append(t, pay("a"))
		p.append(t, pay("b"))
		if got := <-done; got.code != exitOK || !strings.Contains(got.out, `"known_at":{"seq":4,`) {
			t.Errorf("exit %d, %s%s", got.code, got.out, got.err)
		}
	})
}
