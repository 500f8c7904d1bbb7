package main

import (
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"
)

func TestServeOverHTTP(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	url := s.site(t)
	if !strings.HasPrefix(url, "http://127.0.0.1:") || strings.Contains(s.err.String(), "ATTENTION") {
		t.Errorf("without a host: %s", s.err)
	}
	status, text := fetch(t, "POST", url+"/v1/funds/f/events", small, "Content-Type", "application/jsonl")
	if rs := receipts(t, text); status != 200 || statuses(rs) != "appended appended" {
		t.Errorf("%d %s", status, text)
	}
	// Whichever way a command comes, it is the same command.
	if rs := p.append(t, small); statuses(rs) != "duplicate duplicate" {
		t.Errorf("the same by the command line: %s", statuses(rs))
	}
	if status, text := fetch(t, "GET", url+"/readyz", ""); status != 200 {
		t.Errorf("it is not ready: %d %s", status, text)
	}
	if got := s.stop(); got.code != exitOK || !strings.HasSuffix(got.err, "stopped\n") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events are stored", n)
	}
}

func TestEveryProblemHasItsPage(t *testing.T) {
	t.Parallel()
	s := onFolder(t).serving(t, "--http", "localhost:0")
	for _, page := range manualPages() {
		if page.section != sectionCode {
			continue
		}
		for _, lang := range words.Languages {
			status, text := fetch(t, "GET", s.site(t)+"/problems/"+page.name, "", "Accept-Language", string(lang))
			if status != 200 || text != page.render(lang) {
				t.Errorf("%s in %s: %d", page.name, lang, status)
			}
			title, _ := codePage(events.Code(page.name), lang)
			if title == "" || strings.Contains(title, page.name) || !strings.HasSuffix(page.title(lang), title) {
				t.Errorf("%s in %s has the title %q", page.name, lang, title)
			}
		}
	}
	for _, name := range []string{"nothing", "year", "..%2ftopic%2fyear", "%2e%2e"} {
		if status, text := fetch(t, "GET", s.site(t)+"/problems/"+name, ""); status != 404 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestServeOnTheNetworkIsSaidAloud(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", "0.0.0.0:0")
	token := p.address(t).Token
	url := strings.Replace(regexp.MustCompile(`http://\S+:\d+`).FindString(s.err.String()), "[::]", "127.0.0.1", 1)
	if !strings.Contains(s.err.String(), "ATTENTION") || strings.Contains(s.err.String(), token) {
		t.Errorf("serve says %s", s.err)
	}
	send := func(headers ...string) int {
		status, _ := fetch(t, "POST", url+"/v1/funds/f/events", small, append(headers, "Content-Type", "application/jsonl")...)
		return status
	}
	if got := send(); got != 401 {
		t.Errorf("without the token: %d", got)
	}
	if got := send("Authorization", "Bearer "+token); got != 200 {
		t.Errorf("with the token: %d", got)
	}
}

func TestServeWhereNoHTTPCanBe(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"8080", "127.0.0.1:port", "nowhere.invalid:0"} {
		for _, lang := range []string{"en", "zh"} {
			got := onFolder(t).run(t, "serve", "--http", addr, "--lang", lang)
			if got.code != exitUsage || !strings.Contains(got.err, addr) || !strings.Contains(got.err, "127.0.0.1:8080") {
				t.Errorf("exit %d: %s", got.code, got.err)
			}
		}
	}
}

// TestHTTPPage runs what the page on HTTP shows, and compares what it prints with what the page says.
func TestHTTPPage(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	for _, lang := range words.Languages {
		s := onFolder(t).serving(t, "--http", ":0")
		ran := 0
		for _, block := range regexp.MustCompile(`(?m)(^    .*\n)+`).FindAllString((page{sectionTopic, "http"}).text(lang), -1) {
			block = regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, "")
			block, found := strings.CutPrefix(block, "$ ")
			if !found {
				continue
			}
			at := strings.Index(block, "\n{")
			command := block[:at]
			shell := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(command, "http://127.0.0.1:8080", s.site(t)))
			shell.WaitDelay = time.Minute
			out, err := shell.Output()
			if err != nil {
				t.Fatal(err)
			}
			form := strings.ReplaceAll(regexp.QuoteMeta(block[at+1:]), "\n …", "(?s:\n.*)") // further lines
			form = strings.ReplaceAll(form, "…", ".*")
			if !regexp.MustCompile("^" + form + "$").Match(out) {
				t.Errorf("%s\nprinted\n%s", block, out)
			}
			ran++
		}
		if ran != 6 {
			t.Errorf("the page in %s has %d examples", lang, ran)
		}
		s.stop()
	}
}

// An interrupted server decides what it has read and says so to who is still sending.
func TestInterruptedServerAnswersHTTP(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	r, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = io.WriteString(w, small+pay("p")[:20]) }()
	resp, err := http.Post(s.site(t)+"/v1/funds/f/events", "application/jsonl", r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stopped := make(chan outcome)
	go func() { stopped <- s.stop() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	rs := receipts(t, string(text))
	if statuses(rs) != "appended appended failed/unavailable" || rs[2].Status != ledger.Failed {
		t.Errorf("answered %s: %s", statuses(rs), text)
	}
	if got := <-stopped; got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events are stored", n)
	}
}
