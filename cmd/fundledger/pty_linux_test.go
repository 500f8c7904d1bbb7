package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pty is a terminal with somebody before it who types and reads.
type pty struct {
	t           *testing.T
	user, other *os.File
	mu          sync.Mutex
	seen        bytes.Buffer
	news        chan struct{}
	done        chan int
	cancel      context.CancelFunc
	out         bytes.Buffer
}

// atTerminal runs the program with a terminal for standard input and standard error.
func (p *program) atTerminal(t *testing.T, args ...string) *pty {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	y := &pty{t: t, user: user, other: other, news: make(chan struct{}, 1), done: make(chan int, 1), cancel: cancel}
	a := p.app(&y.out, other, args...)
	a.stdin = other
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := user.Read(b)
			y.mu.Lock()
			y.seen.Write(b[:n])
			y.mu.Unlock()
			select {
			case y.news <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		code := run(ctx, a)
		_, _ = other.WriteString(ended)
		y.done <- code
	}()
	t.Cleanup(func() {
		cancel()
		_ = other.Close()
		_ = user.Close()
	})
	return y
}

// ended is what the terminal shows last, once the run has ended.
const ended = "(ended)"

// until waits until the terminal shows a text, and forgets what stands before it and the text itself.
func (y *pty) until(text string) string {
	y.t.Helper()
	deadline := time.After(enough)
	for {
		y.mu.Lock()
		seen := y.seen.String()
		at := strings.Index(seen, text)
		if at >= 0 {
			y.seen.Next(at + len(text))
		}
		y.mu.Unlock()
		switch {
		case at >= 0:
			return seen[:at]
		case strings.Contains(seen, ended):
			y.t.Fatalf("it ended before it said %q; it said\n%s", text, seen)
		}
		select {
		case <-y.news:
		case <-deadline:
			y.t.Fatalf("it does not say %q; it said\n%s", text, seen)
		}
	}
}

// types waits for a question and answers it.
func (y *pty) types(question, answer string) {
	y.t.Helper()
	y.until(question)
	if _, err := y.user.WriteString(answer); err != nil {
		y.t.Fatal(err)
	}
}

// end waits for the end of the run.
func (y *pty) end() (code int, out string) {
	y.t.Helper()
	code = <-y.done
	return code, y.out.String()
}

// TestPostAsks: on a terminal what is missing is asked for, each answer is read at once, and only a y appends.
func TestPostAsks(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	y := p.atTerminal(t, "post", "disbursed", "--amount", "100.5", "--lang", "en")
	if offered := y.until("line (--line):"); !strings.Contains(offered, "1,000.00") || !strings.Contains(offered, " b ") {
		t.Errorf("the lines are offered as\n%s", offered)
	}
	y.user.WriteString("9\n")
	if said := y.until("line (--line)"); !strings.Contains(said, "9") {
		t.Errorf("a line that there is not is answered with\n%s", said)
	}
	y.types("", "1\n")
	y.types("channel (--channel):", "cash\n")
	y.types("“cash”", "")
	y.types("channel (--channel):", "2\n")
	y.types("date (--date) [2026-01-02]:", "4月18日\n")
	y.types("4月18日", "")
	y.types("date (--date)", "2022年4月18日\n")
	y.types("payee (--payee) [none]:", "湖南武陵酒有限公司\n")
	y.types("voucher (--voucher) [none]:", "17\n")
	y.types("ISSUER/YEAR", "")
	y.types("voucher (--voucher)", "国库/2022/拨款凭证/17\n")
	y.types("purpose (--purpose) [none]:", "\n")
	shown := y.until("append? [y/N]")
	for _, want := range []string{
		"100.50 CNY  壹佰元伍角整", "1 a", "to a lower treasury (lower-treasury)", "2022年4月18日", "before", "1,000.00", "after", "899.50",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not show %q:\n%s", want, shown)
		}
	}
	if n := len(p.stored(t)); n != 2 { // the folder is free while somebody thinks
		t.Fatalf("%d events are stored before anybody said yes", n)
	}
	y.user.WriteString("y\n")
	code, out := y.end()
	rs := receipts(t, out)
	if code != exitOK || statuses(rs) != "appended" || rs[0].Seq != 3 {
		t.Fatalf("exit %d, %s", code, out)
	}
	e := p.stored(t)[2]
	want := `"command":{"kind":"disbursed","fund":"f","year":2022,"line":"1","amount":"100.5","channel":"lower-treasury","payee":{"name":"湖南武陵酒有限公司"},` +
		`"voucher":{"issuer":"国库","year":2022,"type":"拨款凭证","number":"17"},"date":"2022-04-18","id":"` + string(rs[0].ID) + `"}`
	if !strings.Contains(e, want) {
		t.Errorf("stored is %s, want %s", e, want)
	}
}

// TestPostLeft: no, the end of the input, an interrupt, at any question: everything is as it was.
func TestPostLeft(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	whole := []string{"post", "disbursed", "--amount", "1", "--line", "1", "--channel", "payment", "--date", "2022-05-01", "--lang", "en"}
	for name, leave := range map[string]func(*pty) int{
		"no":           func(y *pty) int { y.types("append? [y/N]", "n\n"); code, _ := y.end(); return code },
		"nothing":      func(y *pty) int { y.types("append? [y/N]", "\n"); code, _ := y.end(); return code },
		"end of input": func(y *pty) int { y.types("append? [y/N]", "\x04"); code, _ := y.end(); return code },
		"interrupt":    func(y *pty) int { y.until("append? [y/N]"); y.cancel(); code, _ := y.end(); return code - exitFailed },
	} {
		y := p.atTerminal(t, whole...)
		if code := leave(y); code != exitOK || y.out.String() != "" {
			t.Errorf("%s: exit %d, prints %q", name, code, y.out.String())
		}
	}
	y := p.atTerminal(t, "post", "disbursed", "--lang", "en")
	y.types("line (--line):", "1\n")
	y.types("amount (--amount):", "\x04")
	if code, out := y.end(); code != exitUsage || out != "" {
		t.Errorf("exit %d, prints %q", code, out)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events are stored, want 2", n)
	}
}

// TestImportLeft: whoever is asked what a negative row takes back, and leaves, finds the refused rows in their file.
func TestImportLeft(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*pty){
		"end of input": func(y *pty) { y.types("Enter leaves it refused", "\x04") },
		"interrupt":    func(y *pty) { y.until("Enter leaves it refused"); y.cancel() },
	} {
		p := onFolder(t)
		p.append(t, small)
		dir := t.TempDir()
		file, refused := filepath.Join(dir, "r.csv"), filepath.Join(dir, "refused.csv")
		if err := os.WriteFile(file, []byte("支付日期,项目,收款人,金额（元）\n2022-05-01,1,甲公司,1\n2022-05-02,1,甲公司,-1\n2022-05-03,1,乙公司,5G\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		y := p.atTerminal(t, "import", file, "--as", "payments", "--refused", refused, "--lang", "en")
		leave(y)
		if code, out := y.end(); code == exitOK {
			t.Errorf("%s: exit %d, prints %q", name, code, out)
		}
		text, err := os.ReadFile(refused)
		if err != nil || !strings.Contains(string(text), "甲公司,-1") || !strings.Contains(string(text), "乙公司,5G") {
			t.Errorf("%s: refused are %q, %v", name, text, err)
		}
	}
}

// TestPostAsksWhich: of several funds and years the one meant is asked for; a year that follows from the event named is not.
func TestPostAsksWhich(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p")+otherYear+strings.ReplaceAll(small, `"fund":"f"`, `"fund":"g"`))
	y := p.atTerminal(t, "post", "committed", "--lang", "zh")
	y.types("资金 (--fund):", "F F\n")
	y.types("“F F”", "")
	y.types("资金 (--fund):", "f\n")
	y.types("年度 (--year):", "2022\n")
	y.types("项目 (--line):", "1\n")
	y.types("金额 (--amount):", "壹佰元整\n")
	y.types("日期 (--date) [2026-01-02]:", "2022-03-01\n")
	y.types("收款人 (--payee) [无]:", "\n")
	y.types("合同号 (--contract) [无]:", "常合〔2022〕1号\n")
	y.types("入账？[y/N]", "是\n")
	if code, out := y.end(); code != exitOK || statuses(receipts(t, out)) != "appended" {
		t.Fatalf("exit %d, %s", code, out)
	}
	y = p.atTerminal(t, "post", "refund", "--fund", "f", "--lang", "en")
	y.types("event named (--of):", "3\n")
	y.types("amount (--amount) [1.00]:", "0.4\n")
	y.types("date (--date)", "2022-06-01\n")
	y.types("append? [y/N]", "y\n")
	if code, out := y.end(); code != exitOK || statuses(receipts(t, out)) != "appended" {
		t.Fatalf("exit %d, %s", code, out)
	}
	// What is offered is what was paid less what has come back; an empty answer takes it.
	y = p.atTerminal(t, "post", "refund", "--fund", "f", "--year", "2022", "--lang", "en")
	y.types("0.60", "")
	y.types("event named (--of):", "3\n")
	y.types("amount (--amount) [0.60]:", "\n")
	y.types("date (--date)", "2022-06-02\n")
	y.types("append? [y/N]", "y\n")
	if code, out := y.end(); code != exitOK || statuses(receipts(t, out)) != "appended" {
		t.Fatalf("exit %d, %s", code, out)
	}
	if !slices.ContainsFunc(p.stored(t), func(line string) bool {
		return strings.Contains(line, `"cause":"refund"`) && strings.Contains(line, `"amount":"0.60"`)
	}) {
		t.Error("what was offered was not appended")
	}
}

// TestPostAgain: the same payment without a voucher is asked about again. Meanwhile somebody else may be quicker, and then it is said how the line stood.
func TestPostAgain(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	args := []string{"post", "disbursed", "--amount", "400", "--line", "1", "--channel", "payment", "--date", "2022-05-01", "--payee", "甲", "--lang", "en"}
	p.ok(t, append(args, "--yes")...)
	y := p.atTerminal(t, args...)
	y.types("Append a second one? [y/N]", "n\n")
	if code, out := y.end(); code != exitOK || out != "" {
		t.Fatalf("exit %d, %s", code, out)
	}
	y = p.atTerminal(t, args...)
	y.until("Append a second one? [y/N]")
	p.append(t, pay("other"))
	y.user.WriteString("y\n")
	code, out := y.end()
	if rs := receipts(t, out); code != exitOK || statuses(rs) != "appended+possible-duplicate" || rs[0].Seq != 5 {
		t.Fatalf("exit %d, %s", code, out)
	}
	if said := y.until("199.00"); !strings.Contains(said, "stored in between: 1)") || !strings.Contains(said, "599.00") {
		t.Errorf("it says\n%s", said)
	}
	// What is left no longer does: the ledger refuses it before anybody is asked.
	y = p.atTerminal(t, args...)
	y.until("199.00 left")
	if code, out := y.end(); code != exitRefused || statuses(receipts(t, out)) != "refused/over-budget" {
		t.Fatalf("exit %d, %s", code, out)
	}
	// And when it becomes so while somebody thinks, by the ledger's own answer.
	args[3] = "150"
	y = p.atTerminal(t, args...)
	y.until("append? [y/N]")
	p.append(t, strings.ReplaceAll(pay("quick"), `"1.00"`, `"100.00"`))
	y.user.WriteString("y\n")
	if code, out := y.end(); code != exitRefused || statuses(receipts(t, out)) != "refused/over-budget" {
		t.Fatalf("exit %d, %s", code, out)
	}
}

// TestCorrectAsks: on a terminal the lines are shown as they would be, and only a y appends.
func TestCorrectAsks(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p"))
	y := p.atTerminal(t, "correct", "3", "--as", "reclassify", "--to-line", "2", "--mode", "record", "--document", "x", "--lang", "en")
	y.types("append? [y/N]", "n\n")
	if code, out := y.end(); code != exitOK || out != "" {
		t.Fatalf("exit %d, %s", code, out)
	}
	y = p.atTerminal(t, "correct", "3", "--as", "repost", "--set", "amount=2", "--lang", "en")
	if shown := y.until("append? [y/N]"); !strings.Contains(shown, "999.00") || !strings.Contains(shown, "998.00") {
		t.Errorf("it shows\n%s", shown)
	}
	y.user.WriteString("y\n")
	if code, out := y.end(); code != exitOK || statuses(receipts(t, out)) != "appended appended" {
		t.Fatalf("exit %d, %s", code, out)
	}
}

// TestCloseAsks: closing shows what it would append and waits for a y. What has come meanwhile makes it fail as a whole.
func TestCloseAsks(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	stands := len(p.stored(t))
	ask := []string{"close", "--carry", "1=30::续建", "--lang", "en"}
	y := p.atTerminal(t, ask...)
	shown := y.until("[y/N]")
	for _, want := range []string{"Commands proposed", "1,000.00", "CO-2022-1", "续建", `"kind":"year-closed"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not show %q:\n%s", want, shown)
		}
	}
	y.user.WriteString("n\n")
	if code, out := y.end(); code != exitOK || out != "" || len(p.stored(t)) != stands {
		t.Fatalf("no: exit %d, %q, %d events", code, out, len(p.stored(t))-stands)
	}
	y = p.atTerminal(t, ask...)
	y.until("[y/N]")
	p.append(t, `{"kind":"appropriated","fund":"f","year":2022,"date":"2022-11-01","line":"1","amount":"1","stage":"supplementary"}`) // somebody else
	y.user.WriteString("y\n")
	if code, out := y.end(); code != exitRefused || !strings.Contains(out, `"not-zero"`) || len(p.stored(t)) != stands+1 {
		t.Fatalf("more has come: exit %d, %s", code, out)
	}
	y = p.atTerminal(t, ask...)
	y.types("[y/N]", "y\n")
	if code, out := y.end(); code != exitOK || statuses(receipts(t, out)) != "appended appended appended" {
		t.Fatalf("yes: exit %d, %s", code, out)
	}
}
