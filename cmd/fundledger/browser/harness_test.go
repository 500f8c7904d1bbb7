package browser

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// enough is how long a test waits for what has to come: far longer than a machine takes that has much else to do.
const enough = time.Minute

// built is the program itself, as users have it. What it is made of is looked at file by file: the go command takes what came of a test before for what would come of it now
// unless something differs that the test has looked at.
var built = sync.OnceValues(func() (string, error) {
	for _, of := range []string{"..", "../../../events", "../../../ledger", "../../../projections"} {
		err := filepath.WalkDir(of, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	dir, err := os.MkdirTemp("", "fundledger-browser")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fundledger")
	if out, err := exec.Command("go", "build", "-o", path, "fundledger/cmd/fundledger").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// atEnd is what is to be done when all tests have run.
var atEnd []func()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, do := range slices.Backward(atEnd) {
		do()
	}
	if path, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// program runs the program on a folder with something on its standard input, and returns what it prints, whatever its exit.
func program(t testing.TB, folder, stdin string, args ...string) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, append(args, "--data", folder)...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil && out.Len() == 0 {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	return out.String()
}

// A server is a run of serve that goes on.
type server struct {
	*exec.Cmd
	folder string
	url    string // without a slash at the end
	said   *said
	ended  chan struct{}
}

// said is what a server says on standard error.
type said struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := address.Match(s.text.Bytes())
	s.text.Write(b)
	if !before && address.Match(s.text.Bytes()) {
		close(s.ready)
	}
	return len(b), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// serve starts a server on the folder and returns when it can be asked.
func serve(folder string, args ...string) (*server, error) {
	path, err := built()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(args, "--http") {
		args = append(args, "--http", "127.0.0.1:0")
	}
	s := &server{Cmd: exec.Command(path, append([]string{"serve", "--lang", "en", "--data", folder}, args...)...), folder: folder, said: &said{ready: make(chan struct{})}, ended: make(chan struct{})}
	s.Env = append(os.Environ(), "LC_ALL=C")
	s.Stderr = s.said
	if err := s.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.Wait()
		close(s.ended)
	}()
	select {
	case <-s.said.ready:
	case <-s.ended:
		return nil, fmt.Errorf("serve: %s", s.said)
	}
	s.url = address.FindString(s.said.String())
	return s, nil
}

// stop interrupts the server, as Ctrl-C does, and waits for its end.
func (s *server) stop() {
	_ = s.Process.Signal(os.Interrupt)
	<-s.ended
}

// serving is a server of the test's own, with the reference fund, that can be written to.
func serving(t testing.TB) *server {
	t.Helper()
	s, err := serve(filepath.Join(t.TempDir(), "data"), "--sample")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop() })
	return s
}

// shared is a server with the reference fund that no test writes to.
var shared = sync.OnceValues(func() (*server, error) {
	dir, err := os.MkdirTemp("", "fundledger-browser")
	if err != nil {
		return nil, err
	}
	s, err := serve(filepath.Join(dir, "data"), "--sample")
	if err != nil {
		return nil, err
	}
	atEnd = append(atEnd, func() {
		s.stop()
		_ = os.RemoveAll(dir)
	})
	return s, nil
})

// reference is the server with the reference fund that nobody may write to.
func reference(t testing.TB) *server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// small is a fund with a budget of 1000.00 on line 1.
const small = `{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"资金","name_en":"Fund","lines":[{"code":"1","name":"甲","name_en":"one"},{"code":"2","name":"乙","name_en":"two"}]}
{"id":"budget","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"1000.00","stage":"original"}
`

const smallYear = "/funds/f/years/2022"

// pay is a payment of an amount out of it.
func pay(id, amount string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":%q,"channel":"payment","payee":{"name":"德山酒业"},"voucher":{"issuer":"i","year":2022,"type":"pay","number":%q}}`, id, amount, id) + "\n"
}

// A receipt is what the ledger answers to a command.
type receipt struct {
	Status, Code, Message, Hint string
	Seq                         int
}

// appended has the program append commands, and returns the last receipt.
func appended(t *testing.T, folder, commands string, args ...string) (r receipt) {
	t.Helper()
	for line := range strings.Lines(program(t, folder, commands, append([]string{"append"}, args...)...)) {
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("receipt %s: %v", line, err)
		}
	}
	if len(args) == 0 && r.Status != "appended" {
		t.Fatalf("%s: %+v", commands, r)
	}
	return r
}

// servingSmall is a server of the test's own, with that fund.
func servingSmall(t *testing.T) *server {
	t.Helper()
	s := serving(t)
	appended(t, s.folder, small)
	return s
}

// execution is what the program prints as the execution table of a fund in 2022, as rows.
func execution(t *testing.T, s *server, lang, fund string, args ...string) [][]string {
	t.Helper()
	_, tables := marked(program(t, s.folder, "", append([]string{"table", "execution", "--fund", fund, "--year", "2022", "--format", "md", "--lang", lang}, args...)...))
	if len(tables) == 0 {
		t.Fatalf("%v prints no table", args)
	}
	return tables[0][1:]
}

// rootOf is the root of the log that the execution table of a year is made of, as the interface for programs says.
func rootOf(t *testing.T, s *server, year string) string {
	t.Helper()
	return regexp.MustCompile(`"root":"([^"]+)"`).FindStringSubmatch(fetched(t, s.url+"/v1"+year+"/tables/execution"))[1]
}

// lacking skips a test that cannot be made here, or fails it where FUNDLEDGER_REQUIRE wants it.
func lacking(t testing.TB, what string, err error) {
	t.Helper()
	if require := os.Getenv("FUNDLEDGER_REQUIRE"); slices.Contains([]string{"all", "browser"}, require) {
		t.Fatalf("FUNDLEDGER_REQUIRE=%s wants %s: %v", require, what, err)
	}
	t.Skipf("=== SKIPPED: the console was NOT tried in a browser: there is no %s: %v; FUNDLEDGER_REQUIRE=browser makes this a failure ===", what, err)
}

// asked is another program that a test asks.
func asked(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lacking(t, name, err)
	}
	return path
}

// chromium is the one browser of all tests, as the context that its tabs are opened in.
var chromium = sync.OnceValues(func() (context.Context, error) {
	var path string
	err := exec.ErrNotFound
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(enough))
	held, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closed := chromedp.NewContext(held)
	if err := chromedp.Do(ctx); err != nil {
		free()
		return nil, err
	}
	atEnd = append(atEnd, func() {
		_ = chromedp.Cancel(ctx)
		closed()
		free()
	})
	return ctx, nil
})

// A tab is a page of one test, which shares neither cookies nor storage with those of others.
type tab struct {
	context.Context
	t testing.TB

	mu     sync.Mutex
	hosts  []string         // that may be asked
	faults []string         // what must not happen on a page
	passes []*regexp.Regexp // those that the test itself brings about
}

// A view is how somebody looks at a page.
type view struct {
	width, height int64
	dark          bool
}

var (
	wide   = view{1440, 900, false}
	narrow = view{320, 640, false} // what WCAG 1.4.10 asks a page to fit in
)

// open opens a tab that may ask the server's host alone. When the test ends it fails if anything happened on its pages that must not.
func open(t testing.TB, s *server, v view) *tab {
	t.Helper()
	return opened(t, v, strings.TrimPrefix(s.url, "http://"))
}

// newTab is the context of a tab of its own in the one browser.
func newTab(t testing.TB, options ...chromedp.ContextOption) (context.Context, context.CancelFunc) {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		lacking(t, "chromium", err)
	}
	return chromedp.NewContext(browser, append(options, chromedp.WithNewBrowserContext())...)
}

func opened(t testing.TB, v view, hosts ...string) *tab {
	t.Helper()
	p := &tab{t: t, hosts: hosts}
	dialogs := make(chan struct{}, 100)
	ctx, cancel := newTab(t, chromedp.WithListener(func(event any) {
		if _, is := event.(*page.EventJavascriptDialogOpening); is {
			dialogs <- struct{}{}
		}
		p.notice(event)
	}))
	p.Context = ctx
	t.Cleanup(cancel)
	p.do(
		command(network.Enable, network.EnableParams{}),
		command(audits.Enable, cdp.Empty{}),
	)
	go func() { // a page stands still while a dialog is open
		for {
			select {
			case <-dialogs:
				_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
			case <-ctx.Done():
				return
			}
		}
	}()
	p.look(v)
	t.Cleanup(func() {
		for _, f := range slices.Compact(slices.Sorted(slices.Values(p.found()))) {
			t.Error(f)
		}
	})
	return p
}

// command is a step that sends a command of the browser's protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// notice writes down what must not happen on a page.
func (p *tab) notice(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fault := func(form string, args ...any) { p.faults = append(p.faults, fmt.Sprintf(form, args...)) }
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if slices.Contains([]runtime.ConsoleAPICalledType{"error", "warning", "assert"}, e.Type) {
			var args []string
			for _, a := range e.Args {
				args = append(args, cmp.Or(string(a.Value), a.Description))
			}
			fault("console.%s: %s", e.Type, strings.Join(args, " "))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		fault("exception at %s:%d: %s", e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber+1, text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			fault("the browser's log has %s of %s: %s (%s)", e.Entry.Level, e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code != audits.InspectorIssueCodeGenericIssue && e.Issue.Code != audits.InspectorIssueCodePerformanceIssue {
			details, _ := json.Marshal(e.Issue.Details)
			fault("the browser has an issue %s: %s", e.Issue.Code, details)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Host != "" && !slices.Contains(p.hosts, u.Host) {
			fault("another host is asked: %s", e.Request.URL)
		}
	case *page.EventJavascriptDialogOpening:
		fault("a dialog opens: %s %q", e.Type, e.Message)
	}
}

// found returns what happened so far that must not.
func (p *tab) found() (faults []string) {
	_, _ = chromedp.Run(p, chromedp.Evaluate[int]("1")) // what happened before this is answered was noticed
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.faults), func(f string) bool {
		return slices.ContainsFunc(p.passes, func(pass *regexp.Regexp) bool { return pass.MatchString(f) })
	})
}

// pass lets something happen that the test itself brings about.
func (p *tab) pass(form string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passes = append(p.passes, regexp.MustCompile(form))
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// look changes how the page is looked at.
func (p *tab) look(v view) {
	p.t.Helper()
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	p.do(chromedp.EmulateViewport(v.width, v.height), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "no-preference"}},
	}))
}

// js calls a function of JavaScript in the page with the arguments, and returns what it returns or what its promise comes to.
func js[T any](p *tab, function string, args ...any) T {
	p.t.Helper()
	v, err := called[T](p, function, args...)
	if err != nil {
		p.t.Fatalf("%s: %v", function, err)
	}
	return v
}

// called is js with its error, for who goes on after some.
func called[T any](p *tab, function string, args ...any) (T, error) {
	p.t.Helper()
	var list []string
	for _, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			p.t.Fatal(err)
		}
		list = append(list, string(text))
	}
	return chromedp.Run(p, chromedp.Evaluate[T]("("+function+")("+strings.Join(list, ", ")+")", chromedp.EvalAwaitPromise))
}

// await waits until the function returns true, on the page that is there then: one that is just being left has no answer.
func (p *tab) await(what, function string, args ...any) {
	p.t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		is, err := called[bool](p, function, args...)
		switch {
		case err == nil && is:
			return
		case err != nil && !strings.Contains(err.Error(), "Inspected target navigated"):
			p.t.Fatalf("%s: %v", function, err)
		case time.Since(begun) > enough:
			p.t.Fatalf("%s: it does not come; the page has\n%s", what, js[string](p, `() => document.body.innerText`))
		}
	}
}

// visit opens an address of the server.
func (p *tab) visit(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url))
}

// awaitScript waits until the script of the page has run.
func (p *tab) awaitScript() {
	p.t.Helper()
	p.await("the script has run", `() => document.readyState === "complete"`)
}

// awaitLive waits until the page says that it is live.
func (p *tab) awaitLive() {
	p.t.Helper()
	p.await("it is live", `() => document.querySelector("[data-status]").dataset.state == "live"`)
}

// shows waits until the page's table has these rows.
func (p *tab) shows(what string, want [][]string) {
	p.t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		diff := sameRows(p.rows(mainTable), want)
		if diff == "" {
			return
		}
		if time.Since(begun) > enough {
			p.t.Fatalf("%s: the page does not come to show it: %s", what, diff)
		}
	}
}
