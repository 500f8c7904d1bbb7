package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/events/words"
	"fundledger/ledger"
	"fundledger/ledger/api"

	"github.com/danielgtaylor/huma/v2"
)

// A site is a ledger served over HTTP on the real broker.
type site struct {
	*api.HTTP
	store *stream.Store
	stop  func()
}

// over serves over HTTP. faulty, where it is not nil, stands before each log.
func over(t testing.TB, addr string, o api.HTTPOptions, faulty func(ledger.Log) ledger.Log) *site {
	t.Helper()
	folder := t.TempDir()
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
	l := ledger.Open(func(f events.Fund) ledger.Log {
		if faulty != nil {
			return faulty(store.Log(f))
		}
		return store.Log(f)
	}, nil)
	o = o.Waiting(2 * enough)
	if o.Ready == nil {
		o.Ready = func(ctx context.Context) error { _, err := store.Funds(ctx); return err }
	}
	h, err := api.ListenHTTP(addr, l, o)
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(h.Stop)
	t.Cleanup(func() {
		stop()
		l.Close(context.Background())
		nc.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &site{h, store, stop}
}

func local(t testing.TB) *site { return over(t, "127.0.0.1:0", api.HTTPOptions{}, nil) }

// An answer is what came back, with its body read.
type answer struct {
	*http.Response
	body string
}

// problem reads the body as a problem document and holds it to its form.
func (a answer) problem(t testing.TB) (p api.Problem) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("status %d comes as %s", a.StatusCode, got)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if p.Status != a.StatusCode || p.Type == "" || p.Title == "" || p.Detail == "" {
		t.Errorf("status %d is described by %s", a.StatusCode, a.body)
	}
	if want := "/problems/" + string(p.Code); p.Code != "" && p.Type != want || p.Code == "" && p.Type != "about:blank" {
		t.Errorf("the type of code %q is %s", p.Code, p.Type)
	}
	return p
}

func (a answer) receipts(t testing.TB) (rs []ledger.Receipt) {
	t.Helper()
	if strings.HasPrefix(a.body, "[") {
		if err := json.Unmarshal([]byte(a.body), &rs); err != nil {
			t.Fatal(err)
		}
		return rs
	}
	for line := range strings.Lines(a.body) {
		var r ledger.Receipt
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		rs = append(rs, r)
	}
	return rs
}

// ask sends a request; headers are names and values in turn. "Host" sets the name that is asked for.
func (s *site) ask(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
		}
		r.Header.Add(pair[0], pair[1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(text)}
}

const (
	asJSON  = "application/json"
	asLines = "application/jsonl"
)

func (s *site) post(t testing.TB, path, contentType, body string, headers ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodPost, path, body, append([]string{"Content-Type", contentType}, headers...)...)
}

const fundA = "/v1/funds/a/events"

func TestHTTPStatuses(t *testing.T) {
	t.Parallel()
	s := local(t)
	withID := `{"id":"own","kind":"line-added","fund":"a","year":2022,"line":"W","name":"n"}`
	for _, c := range []struct {
		name, path, contentType, body string
		headers                       []string
		status                        int
		want                          string // statuses of receipts, or code and why of a problem
	}{
		{"one command", fundA, asJSON, opened, nil, 201, "appended"},
		{"the same again, over several lines", fundA, asJSON, strings.ReplaceAll(opened, ",", ",\r\n"), nil, 200, "duplicate"},
		{"with a byte order mark", fundA, asJSON + "; charset=UTF-8", "\uFEFF" + opened + "\n", nil, 200, "duplicate"},
		{"refused", fundA, asJSON, line("1x."), nil, 422, "bad-value line-form"},
		{"a name twice", fundA, asJSON, `{"kind":"line-added","kind":"line-added"}`, nil, 422, "malformed twice"},
		{"no JSON", fundA, asJSON, "hello", nil, 422, "malformed text"},
		{"nothing", fundA, asJSON, "", nil, 422, "malformed "},
		{"unknown fund", "/v1/funds/b/events", asJSON, strings.ReplaceAll(line("1"), `"a"`, `"b"`), nil, 422, "unknown-fund "},
		{"another fund than the path's", "/v1/funds/b/events", asJSON, line("1"), nil, 422, "bad-value subject"},
		{"a fund that cannot be", "/v1/funds/%2F..%00/events", asJSON, line("1"), nil, 422, "bad-value subject"},
		{"a command too large for an event", fundA, asJSON, `{"kind":"line-added","fund":"a","year":2022,"line":"1","name":"n","documents":["` + strings.Repeat(strings.Repeat("x", 400)+`","`, 200) + `x"]}`, nil, 413, "too-large "},
		{"a command too large to look at", fundA, asJSON, strings.Repeat(" ", 129<<10) + line("1"), nil, 413, "too-large "},
		{"a list", fundA, asJSON, "[" + line("1") + ",\n" + line("2") + "]", nil, 200, "appended, appended"},
		{"a list, some refused", fundA, asJSON, " [" + line("1x") + `,{"kind":"nothing"},` + line("2x") + "]", nil, 200, "appended, refused unknown-kind, appended"},
		{"an empty list", fundA, asJSON, "[]", nil, 200, ""},
		{"a list of other funds", "/v1/funds/b/events", asJSON, "[" + line("1") + "]", nil, 200, "refused bad-value"},
		{"an atomic list with a fault", fundA + "?atomic=true", asJSON, "[" + line("7") + `,{"kind":"nothing"}]`, nil, 200, "not-tried, refused unknown-kind"},
		{"an atomic list", fundA + "?atomic=true", asJSON, "[" + line("7") + "," + line("8") + "]", nil, 200, "appended, appended"},
		{"half a list", fundA, asJSON, "[" + line("9"), nil, 422, "malformed "},
		{"two lists", fundA, asJSON, "[][]", nil, 422, "malformed trailing"},
		{"too long a list", fundA, asJSON, "[" + strings.Repeat("{},", 10_001) + "{}]", nil, 413, "too-large request"},
		{"too large a list", fundA, asJSON, "[" + strings.Repeat(" ", 8<<20) + "]", nil, 413, "too-large "},
		{"lines", fundA, asLines, line("L1") + "\n\n" + line("L2") + "\n", nil, 200, "appended, appended"},
		{"lines by their other name", fundA, "application/x-ndjson", line("L3"), nil, 200, "appended"},
		{"lines as plain JSON", fundA, asJSON, line("L4") + "\n" + line("L5"), nil, 200, "appended, appended"},
		{"no lines", fundA, asLines, "", nil, 200, ""},
		{"lines with faults", fundA, asLines, line("L6") + "\nnonsense\n" + strings.ReplaceAll(line("1"), `"a"`, `"b"`) + "\n" + line("L7"), nil, 200, "appended, refused malformed, refused bad-value, appended"},
		{"atomic lines with a fault", fundA + "?atomic=true", asLines, line("L8") + "\nnonsense\n", nil, 200, "not-tried, refused malformed"},
		{"atomic lines", fundA + "?atomic=true", asLines, line("L8") + "\n" + line("L9"), nil, 200, "appended, appended"},
		{"too many atomic lines", fundA + "?atomic=true", asLines, strings.Repeat(line("LA")+"\n", 1001), nil, 200, "refused too-large" + strings.Repeat(", not-tried", 1000)},
		{"too large atomic lines", fundA + "?atomic=true", asLines, strings.Repeat("\n", 8<<20+1), nil, 413, "too-large "},
		{"not atomic", fundA + "?atomic=false", asJSON, opened, nil, 200, "duplicate"},
		{"neither true nor false", fundA + "?atomic=1", asJSON, opened, nil, 422, "bad-value choice"},
		{"one only asked", fundA + "?dry_run=true", asJSON, line("D"), nil, 200, "would-append"},
		{"one only asked that is there", fundA + "?dry_run=true", asJSON, opened, nil, 200, "duplicate"},
		{"one only asked that is refused", fundA + "?dry_run=true", asJSON, strings.Replace(line("1"), `"n"`, `"m"`, 1), nil, 422, "line-exists "},
		{"a list only asked, each after the one before", fundA + "?dry_run=true", asJSON, "[" + line("D") + "," + strings.Replace(line("D"), `"n"`, `"m"`, 1) + "," + line("DE") + "]", nil, 200, "would-append, refused line-exists, would-append"},
		{"all or none, only asked", fundA + "?dry_run=true&atomic=true", asJSON, "[" + line("D") + "," + strings.Replace(line("1"), `"n"`, `"m"`, 1) + "]", nil, 200, "not-tried, refused line-exists"},
		{"lines only asked", fundA + "?dry_run=true", asLines, line("D") + "\nnonsense\n" + line("DE"), nil, 200, "would-append, refused malformed, would-append"},
		{"too many lines only asked", fundA + "?dry_run=true", asLines, strings.Repeat(line("LA")+"\n", 1001), nil, 200, "refused too-large" + strings.Repeat(", not-tried", 1000)},
		{"too large lines only asked", fundA + "?dry_run=true", asLines, strings.Repeat("\n", 8<<20+1), nil, 413, "too-large "},
		{"asked in words of its own", fundA + "?dry_run=yes", asJSON, opened, nil, 422, "bad-value choice"},
		{"nothing was stored by asking", fundA, asJSON, line("D"), nil, 201, "appended"},
		{"a query that nobody knows", fundA + "?atomc=true", asJSON, opened, nil, 422, "unknown-field "},
		{"a key", fundA, asJSON, line("K"), []string{"Idempotency-Key", "k1"}, 201, "appended"},
		{"the key again", fundA, asJSON, line("K"), []string{"Idempotency-Key", "k1"}, 200, "duplicate"},
		{"the key with another command", fundA, asJSON, line("K2"), []string{"Idempotency-Key", "k1"}, 422, "id-used "},
		{"a key and the same id", fundA, asJSON, withID, []string{"Idempotency-Key", "own"}, 201, "appended"},
		{"a key and another id", fundA, asJSON, withID, []string{"Idempotency-Key", "other"}, 422, "bad-value id-differs"},
		{"a key that is none", fundA, asJSON, line("K3"), []string{"Idempotency-Key", "a b"}, 422, "bad-value id-form"},
		{"an empty key", fundA, asJSON, line("K3"), []string{"Idempotency-Key", ""}, 422, "bad-value id-form"},
		{"two keys", fundA, asJSON, line("K3"), []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, 422, "bad-value id-form"},
		{"a key for a list", fundA, asJSON, "[" + line("K4") + "]", []string{"Idempotency-Key", "k2"}, 400, " "},
		{"a key for lines", fundA, asLines, line("K4"), []string{"Idempotency-Key", "k2"}, 400, " "},
		{"a form", fundA, "application/x-www-form-urlencoded", opened, nil, 415, " "},
		{"plain text, which a page may send anywhere", fundA, "text/plain", opened, nil, 415, " "},
		{"no type", fundA, "", opened, nil, 415, " "},
		{"another encoding of text", fundA, asJSON + "; charset=gbk", opened, nil, 415, " "},
		{"compressed", fundA, asJSON, opened, []string{"Content-Encoding", "gzip"}, 415, " "},
		{"nowhere", "/v1/funds/a", asJSON, opened, nil, 404, " "},
	} {
		got := s.post(t, c.path, c.contentType, c.body, c.headers...)
		if got.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d: %.300s", c.name, got.StatusCode, c.status, got.body)
			continue
		}
		if c.status >= 400 {
			if p := got.problem(t); string(p.Code)+" "+p.Why != c.want {
				t.Errorf("%s: got %q, want %q: %s", c.name, string(p.Code)+" "+p.Why, c.want, got.body)
			}
			continue
		}
		rs := got.receipts(t)
		if statuses(rs) != c.want {
			t.Errorf("%s: got %.200q, want %.200q", c.name, statuses(rs), c.want)
		}
		if location := got.Header.Get("Location"); c.status == 201 && location != fmt.Sprintf("%s/%d", fundA, rs[0].Seq) || c.status != 201 && location != "" {
			t.Errorf("%s: it is at %q", c.name, location)
		}
		for _, r := range rs {
			if r.Code != "" && (r.Message == "" || r.Hint == "") {
				t.Errorf("%s: %+v says nothing", c.name, r)
			}
		}
	}
	for _, err := range s.store.Log("a").Replay(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHTTPOtherMethodsAndPlaces(t *testing.T) {
	t.Parallel()
	s := local(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", fundA, 405},
		{"DELETE", fundA, 405},
		{"PUT", fundA, 405},
		{"POST", "/openapi.json", 405},
		{"GET", "/", 404},
		{"GET", "/docs", 404},
		{"GET", "/problems/over-budget", 404}, // there are no pages here
		{"GET", "/v1/funds//events", 404},
		{"GET", "/healthz", 200},
		{"GET", "/readyz", 200},
		{"HEAD", "/healthz", 200},
		{"GET", "/openapi.json", 200},
	} {
		for _, lang := range words.Languages {
			got := s.ask(t, c.method, c.path, "", "Accept-Language", string(lang))
			if got.StatusCode != c.status {
				t.Errorf("%s %s: status %d, want %d", c.method, c.path, got.StatusCode, c.status)
				continue
			}
			if c.status >= 400 {
				if p := got.problem(t); chinese(p.Detail) != (lang == words.Chinese) {
					t.Errorf("%s %s says %q to who speaks %s", c.method, c.path, p.Detail, lang)
				}
			}
			if allow := got.Header.Get("Allow"); (allow != "") != (c.status == 405) {
				t.Errorf("%s %s allows %q", c.method, c.path, allow)
			}
		}
	}
}

func chinese(s string) bool { return regexp.MustCompile(`\p{Han}`).MatchString(s) }

func TestHTTPSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	s := local(t)
	zh := over(t, "localhost:0", api.HTTPOptions{Language: words.Chinese}, nil)
	for _, c := range []struct {
		site   *site
		header string
		zh     bool
	}{
		{s, "", false},
		{s, "zh-CN,zh;q=0.9,en;q=0.8", true},
		{s, "zh-TW", true},
		{s, "en-GB,zh;q=0.5", false},
		{s, "fr,zh;q=0.5", true},
		{s, "fr", false},
		{s, "*", false},
		{s, ";;;=", false},
		{zh, "", true},
		{zh, "en", false},
	} {
		var said []string
		one := c.site.post(t, fundA, asJSON, `{"kind":"nothing"}`, "Accept-Language", c.header)
		p := one.problem(t)
		said = append(said, p.Detail, p.Hint)
		for _, of := range [][2]string{{asJSON, `[{"kind":"nothing"}]`}, {asLines, `{"kind":"nothing"}`}} {
			many := c.site.post(t, fundA, of[0], of[1], "Accept-Language", c.header)
			r := many.receipts(t)[0]
			said = append(said, r.Message, r.Hint)
		}
		said = append(said, c.site.post(t, fundA, "text/plain", "", "Accept-Language", c.header).problem(t).Detail)
		for _, words := range said {
			if chinese(words) != c.zh {
				t.Errorf("Accept-Language %q is answered with %q", c.header, words)
			}
		}
		if got := one.Header.Get("Content-Language"); (got == "zh") != c.zh {
			t.Errorf("Accept-Language %q is answered in %q", c.header, got)
		}
	}
}

// A failing log fails in one way at whatever is asked of it.
type failing struct {
	ledger.Log
	err error
}

func (f failing) Append(context.Context, *proof.Block) error { return f.err }

func TestHTTPFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		err    error
		status int
		code   events.Code
		retry  bool
	}{
		{"nothing was sent", &events.Error{Code: events.Unavailable}, 503, events.Unavailable, true},
		{"who knows", errors.New("lost"), 503, events.UnknownOutcome, true},
		{"another is always faster", events.ErrConflict, 503, events.Busy, true},
		{"the clock", &events.Error{Code: events.ClockBehind}, 503, events.ClockBehind, true},
		{"changed", &events.Error{Code: events.Tampered}, 500, events.Tampered, false},
	} {
		s := over(t, "127.0.0.1:0", api.HTTPOptions{}, func(l ledger.Log) ledger.Log { return failing{l, c.err} })
		got := s.post(t, fundA, asJSON, opened)
		p := got.problem(t)
		if got.StatusCode != c.status || p.Code != c.code || (got.Header.Get("Retry-After") != "") != c.retry || p.ID == "" || p.Input != 1 {
			t.Errorf("%s: status %d, retry %q, %s", c.name, got.StatusCode, got.Header.Get("Retry-After"), got.body)
		}
		if rs := s.post(t, fundA, asLines, opened).receipts(t); statuses(rs) != "failed "+string(c.code) {
			t.Errorf("%s: lines are answered %s", c.name, statuses(rs))
		}
	}
}

func TestHTTPReadyAndDefects(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	state := errors.New("gone")
	s := over(t, "127.0.0.1:0", api.HTTPOptions{Log: log.New(&said, "", 0), Ready: func(context.Context) error {
		if state == nil {
			panic("a defect")
		}
		return state
	}}, nil)
	got := s.ask(t, "GET", "/readyz", "")
	if p := got.problem(t); got.StatusCode != 503 || p.Code != events.Unavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("without a broker: %d %s", got.StatusCode, got.body)
	}
	if got := s.ask(t, "GET", "/healthz", ""); got.StatusCode != 200 {
		t.Errorf("without a broker the process is said to be dead: %d", got.StatusCode)
	}
	state = nil
	got = s.ask(t, "GET", "/readyz", "")
	if p := got.problem(t); got.StatusCode != 500 || strings.Contains(got.body, "a defect\"") || p.Hint == "" {
		t.Errorf("a defect: %d %s", got.StatusCode, got.body)
	}
	if s.stop(); !strings.Contains(said.String(), "a defect") || !strings.Contains(said.String(), "http_test.go") {
		t.Errorf("the log says %s", said.String())
	}
}

// many are so many lines of a fund: its opening and then what adds a line each.
func many(n int) (lines []string) {
	lines = append(lines, opened)
	for i := range n - 1 {
		lines = append(lines, line(fmt.Sprint("L", i)))
	}
	return lines
}

// ordered fails unless receipts are those of so many lines, appended one after the other.
func ordered(t *testing.T, r io.Reader, n int) {
	t.Helper()
	in := bufio.NewScanner(r)
	got := 0
	for in.Scan() {
		got++
		var r ledger.Receipt
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Input != got || r.Status != ledger.Appended || r.Seq != events.Seq(got) {
			t.Fatalf("receipt %d is %s", got, in.Bytes())
		}
	}
	if err := in.Err(); err != nil || got != n {
		t.Errorf("%d receipts, want %d: %v", got, n, err)
	}
}

func TestHTTPLinesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	const n = 20_000
	s := local(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL()+fundA, strings.NewReader(strings.Join(many(n), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", asLines)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != asLines {
		t.Errorf("status %d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	ordered(t, resp.Body, n)
}

// dial opens a connection and sends the head of a request with a body in chunks, and what the body begins with.
func (s *site) dial(t *testing.T, contentType string, begin ...string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(enough)); err != nil {
		t.Fatal(err)
	}
	send(t, conn, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%s", fundA, contentType, strings.Join(begin, "")))
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// TestHTTPClientMayReadLast sends more than any buffer between the two holds the receipts of, before it reads the first.
func TestHTTPClientMayReadLast(t *testing.T) {
	t.Parallel()
	s := local(t)
	const n = 20_000
	conn := s.dial(t, asLines)
	bad := strings.Repeat(`{"kind":"nothing"}`+"\n", 1000)
	for range n / 1000 {
		send(t, conn, chunk(bad))
	}
	send(t, conn, "0\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	got, size := 0, 0
	for in.Scan() {
		got, size = got+1, size+len(in.Bytes())
		if !bytes.HasPrefix(in.Bytes(), fmt.Appendf(nil, `{"input":%d,`, got)) {
			t.Fatalf("receipt %d is %s", got, in.Bytes())
		}
	}
	if in.Err() != nil || got != n {
		t.Errorf("%d receipts (%d bytes), want %d: %v", got, size, n, in.Err())
	}
}

// TestHTTPAnswersEachLineAtOnce waits for each receipt before it sends the next line.
func TestHTTPAnswersEachLineAtOnce(t *testing.T) {
	t.Parallel()
	s := local(t)
	conn := s.dial(t, asLines)
	lines := many(3)
	send(t, conn, chunk(lines[0]+"\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for i := range lines {
		got, err := in.ReadString('\n')
		if err != nil || !strings.Contains(got, fmt.Sprintf(`"seq":%d,`, i+1)) {
			t.Fatalf("line %d: %q, %v", i+1, got, err)
		}
		if i+1 < len(lines) {
			send(t, conn, chunk(lines[i+1]+"\n"))
		}
	}
	send(t, conn, "0\r\n\r\n")
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("after the last: %q, %v", rest, err)
	}
}

// stopped stops the server, which has to end by itself: it would wait for much longer before it cut anybody off.
func (s *site) stopped(t *testing.T) {
	t.Helper()
	begun := time.Now()
	if s.stop(); time.Since(begun) > enough {
		t.Errorf("stopping took %s", time.Since(begun))
	}
}

// stored counts the events of the fund.
func (s *site) stored(t *testing.T) (n int) {
	t.Helper()
	for _, err := range s.store.Log("a").Replay(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestHTTPClientGoesAway: what has been read whole is decided, half a line is not, and nothing is left hanging.
func TestHTTPClientGoesAway(t *testing.T) {
	t.Parallel()
	lines := many(1000)
	for _, waits := range []bool{true, false} { // for its receipts
		s := local(t)
		conn := s.dial(t, asLines)
		send(t, conn, chunk(strings.Join(lines, "\n")+"\n"+line("half")[:40]))
		if waits {
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(resp.Body)
			for range lines {
				if _, err := in.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); s.stored(t) == 0 && time.Since(begun) < enough; {
			time.Sleep(10 * time.Millisecond)
		}
		s.stopped(t)
		if got := s.stored(t); waits && got != len(lines) || got == 0 || got > len(lines) {
			t.Errorf("%d events, want %d", got, len(lines))
		}
	}
	s := local(t)
	conn := s.dial(t, asJSON)
	send(t, conn, chunk(opened[:30]))
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if got := s.stored(t); got != 0 {
		t.Errorf("half a command left %d events", got)
	}
}

func TestHTTPSlowBodies(t *testing.T) {
	t.Parallel()
	s := over(t, "127.0.0.1:0", api.HTTPOptions{}.Limited(2*time.Second, time.Minute, 10_000), nil)
	// What has been sent comes at once with the head, so that the server does not lack it because this test gets no processor.
	conn := s.dial(t, asJSON, chunk(opened[:30]))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	if p := (answer{resp, string(text)}).problem(t); resp.StatusCode != 408 || p.Hint == "" {
		t.Errorf("one command: status %d: %s", resp.StatusCode, text)
	}
	conn = s.dial(t, asLines, chunk(opened+"\n"+line("1")[:20]))
	if resp, err = http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	text, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	rs := answer{resp, string(text)}.receipts(t)
	if statuses(rs) != "appended, failed unavailable" || rs[1].Input != 2 || rs[1].Hint == "" {
		t.Errorf("lines: %s", text)
	}
	conn = s.dial(t, asLines, chunk(opened+"\n"+strings.Repeat("\n", 10_000)))
	if resp, err = http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	text, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rs := (answer{resp, string(text)}).receipts(t); statuses(rs) != "duplicate, refused too-large" || rs[1].Args["limit"] != "10000" {
		t.Errorf("too many lines: %s", text)
	}
	if got := s.post(t, fundA, asLines, strings.Repeat("\n", 10_001)); got.StatusCode != 413 || got.problem(t).Code != events.TooLarge {
		t.Errorf("too many lines, announced: %d %s", got.StatusCode, got.body)
	}
}

// Lines may come for far longer than one command may take: a long file does.
func TestHTTPLinesTakeTheirTime(t *testing.T) {
	t.Parallel()
	const hurry = 500 * time.Millisecond
	s := over(t, "127.0.0.1:0", api.HTTPOptions{}.Hurried(hurry), nil)
	for _, contentType := range []string{asLines, asJSON} {
		conn := s.dial(t, contentType, chunk(opened+"\n"+opened+"\n"))
		time.Sleep(2 * hurry)
		send(t, conn, chunk(opened+"\n"))
		send(t, conn, "0\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		rs := answer{resp, string(text)}.receipts(t)
		if got := statuses(rs); len(rs) != 3 || strings.Contains(got, "failed") {
			t.Errorf("%s: %s", contentType, text)
		}
	}
}

// TestHTTPClientThatNeverReads is cut off once nothing more is to come from it.
func TestHTTPClientThatNeverReads(t *testing.T) {
	t.Parallel()
	s := over(t, "127.0.0.1:0", api.HTTPOptions{}.Limited(time.Minute, 2*time.Second, 1<<30), nil)
	conn := s.dial(t, asLines)
	bad := strings.Repeat(`{"kind":"nothing"}`+"\n", 1000)
	for range 15 {
		send(t, conn, chunk(bad))
	}
	send(t, conn, chunk(opened+"\n"))
	send(t, conn, "0\r\n\r\n")
	for begun := time.Now(); s.stored(t) == 0 && time.Since(begun) < enough; {
		time.Sleep(10 * time.Millisecond)
	}
	s.stopped(t)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("an answer that was cut looks whole")
	}
}

func TestHTTPStopsInTheMiddleOfLines(t *testing.T) {
	t.Parallel()
	s := local(t)
	conn := s.dial(t, asLines)
	send(t, conn, chunk(opened+"\n"+line("1")[:20]))
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.stopped(t)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rs := (answer{resp, string(text)}).receipts(t); statuses(rs) != "appended, failed unavailable" || !strings.Contains(rs[1].Message, "stops") {
		t.Errorf("answered %s", text)
	}
	if _, err := http.Get(s.URL() + "/healthz"); err == nil {
		t.Error("a server that has stopped answers")
	}
}

// TestHTTPTakesSoManyStreamsAndNoMore: more would fill what the ledger lets wait, and those under way would be told that it is busy.
func TestHTTPTakesSoManyStreamsAndNoMore(t *testing.T) {
	t.Parallel()
	s := local(t)
	var conns []net.Conn
	for i := range api.MaxStreams {
		conn := s.dial(t, asLines)
		send(t, conn, chunk(line(fmt.Sprint("S", i))+"\n"))
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	got := s.post(t, fundA, asLines, opened)
	if p := got.problem(t); got.StatusCode != 503 || p.Code != events.Busy || got.Header.Get("Retry-After") != "1" {
		t.Errorf("one more: %d %s", got.StatusCode, got.body)
	}
	if got := s.post(t, fundA, asJSON, opened); got.StatusCode != 201 {
		t.Errorf("one command meanwhile: %d %s", got.StatusCode, got.body)
	}
	send(t, conns[0], "0\r\n\r\n")
	for begun := time.Now(); time.Since(begun) < enough; time.Sleep(10 * time.Millisecond) {
		if got = s.post(t, fundA, asLines, opened); got.StatusCode == 200 {
			return
		}
	}
	t.Errorf("when one has ended: %d %s", got.StatusCode, got.body)
}

// Whoever only asks, however often, keeps nobody from appending.
func TestHTTPTakesSoManyTrialsAndNoMore(t *testing.T) {
	t.Parallel()
	s := local(t)
	hold := func() {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		send(t, conn, fmt.Sprintf("POST %s?dry_run=true HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", fundA, asJSON))
		send(t, conn, chunk("["))
	}
	for range api.MaxTrying {
		hold()
	}
	got := s.post(t, fundA+"?dry_run=true", asJSON, opened)
	for begun := time.Now(); got.StatusCode != 503 && time.Since(begun) < enough; time.Sleep(10 * time.Millisecond) {
		hold() // in the place that this one had itself
		got = s.post(t, fundA+"?dry_run=true", asJSON, opened)
	}
	if p := got.problem(t); p.Code != events.Busy || got.Header.Get("Retry-After") != "1" {
		t.Errorf("one more: %d %s", got.StatusCode, got.body)
	}
	if got := s.post(t, fundA, asJSON, opened); got.StatusCode != 201 {
		t.Errorf("a command meanwhile: %d %s", got.StatusCode, got.body)
	}
}

// One that reads nothing of an answer that goes on holds up no stop.
func TestHTTPStopsBesideOneThatNeverReads(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := over(t, "127.0.0.1:0", api.HTTPOptions{Routes: []api.Route{{
		Operation: huma.Operation{OperationID: "follow", Method: http.MethodGet, Path: "/v1/follow", Responses: map[string]*huma.Response{"200": {}}}, Stream: true,
		Answer: func(w http.ResponseWriter, r *http.Request, _ words.Language) error {
			w.Header().Set("Content-Type", "text/event-stream")
			close(begun)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					break
				}
			}
			return nil
		},
	}}}, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send(t, conn, "GET /v1/follow HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-begun
	time.Sleep(200 * time.Millisecond) // until there is no more room on the way to it
	s.stopped(t)
}

func TestHTTPOnLoopbackIsForThisMachine(t *testing.T) {
	t.Parallel()
	s := local(t)
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a program", nil, 201},
		{"by name", []string{"Host", "localhost:9999"}, 200},
		{"by name, without port", []string{"Host", "LOCALHOST"}, 200},
		{"by the other address", []string{"Host", "[::1]:80"}, 200},
		{"by another loopback address", []string{"Host", "127.9.9.9"}, 200},
		{"by the name of somebody else", []string{"Host", "evil.example"}, 421},
		{"by a name that begins well", []string{"Host", "localhost.evil.example:80"}, 421},
		{"by an address of the network", []string{"Host", "192.168.0.1"}, 421},
		{"from its own page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"from the address bar", []string{"Sec-Fetch-Site", "none"}, 200},
		{"from a page of another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from a page on another port", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"from an older browser", []string{"Origin", "http://evil.example"}, 403},
		{"from a page without origin", []string{"Origin", "null"}, 403},
	} {
		got := s.post(t, fundA, asJSON, opened, c.headers...)
		if got.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, got.StatusCode, c.status, got.body)
		} else if c.status >= 400 {
			got.problem(t)
		}
		if got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: pages of others may read the answer", c.name)
		}
	}
}

// basic is how a browser sends what its user was asked for.
func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")
}

func TestHTTPOnTheNetworkAsksForTheToken(t *testing.T) {
	t.Parallel()
	s := over(t, "0.0.0.0:0", api.HTTPOptions{Token: "secret"}, nil)
	if s.Loopback() {
		t.Fatalf("%s is said to be this machine's alone", s.URL())
	}
	for _, c := range []struct {
		name, method, path string
		headers            []string
		status             int
	}{
		{"no token", "POST", fundA, nil, 401},
		{"an empty one", "POST", fundA, []string{"Authorization", "Bearer "}, 401},
		{"a wrong one", "POST", fundA, []string{"Authorization", "Bearer secre"}, 401},
		{"as no password", "POST", fundA, []string{"Authorization", "Basic secret"}, 401},
		{"as a name", "POST", fundA, []string{"Authorization", basic("secret", "")}, 401},
		{"a wrong password", "POST", fundA, []string{"Authorization", basic("clerk", "secre")}, 401},
		{"the token", "POST", fundA, []string{"Authorization", "bearer secret", "Host", "ledger.example"}, 201},
		{"the token as a password", "POST", fundA, []string{"Authorization", basic("clerk", "secret")}, 200},
		{"the token as a password, from another site's page", "POST", fundA, []string{"Authorization", basic("clerk", "secret"), "Sec-Fetch-Site", "cross-site"}, 403},
		{"the token, from another site's page", "POST", fundA, []string{"Authorization", "Bearer secret", "Sec-Fetch-Site", "cross-site"}, 403},
		{"the description", "GET", "/openapi.json", nil, 401},
		{"a probe", "GET", "/readyz", nil, 200},
		{"another probe", "GET", "/healthz", nil, 200},
	} {
		got := s.ask(t, c.method, c.path, opened, append([]string{"Content-Type", asJSON}, c.headers...)...)
		if got.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, got.StatusCode, c.status, got.body)
		}
		if ways := strings.Join(got.Header.Values("WWW-Authenticate"), " "); c.status == 401 && (!strings.Contains(ways, "Bearer ") || !strings.Contains(ways, "Basic ")) {
			t.Errorf("%s: it is said to log in by %q", c.name, ways)
		}
	}
	if h, err := api.ListenHTTP("0.0.0.0:0", nil, api.HTTPOptions{}); err == nil {
		h.Stop()
		t.Error("serves the network without a token")
	}
	for _, addr := range []string{"", "8080", "127.0.0.1", "127.0.0.1:x", "nowhere.invalid:0"} {
		if h, err := api.ListenHTTP(addr, nil, api.HTTPOptions{}); err == nil {
			h.Stop()
			t.Errorf("serves at %q", addr)
		}
	}
	h, err := api.ListenHTTP(":0", nil, api.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	if !h.Loopback() {
		t.Errorf("without a host it serves at %s", h.URL())
	}
}

// A browser that asks for an address where nothing is gets a page; a program gets a problem, and so does whoever asks below /v1.
func TestHTTPAnswersABrowserWithAPage(t *testing.T) {
	t.Parallel()
	s := over(t, "127.0.0.1:0", api.HTTPOptions{Missing: func(w http.ResponseWriter, r *http.Request, _ words.Language) error {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("nothing at " + r.URL.Path))
		return nil
	}}, nil)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct {
		method, path, accept string
		page                 bool
		status               int
	}{
		{"GET", "/nowhere", browser, true, 404},
		{"GET", "/nowhere", "*/*", false, 404},
		{"GET", "/nowhere", "", false, 404},
		{"GET", "/v1/nowhere", browser, false, 404},
		{"POST", "/nowhere", browser, false, 404},
		{"POST", "/healthz", browser, false, 405},
	} {
		got := s.ask(t, c.method, c.path, "", "Accept", c.accept)
		if page := got.body == "nothing at "+c.path; got.StatusCode != c.status || page != c.page {
			t.Errorf("%s %s for %q: %d %s", c.method, c.path, c.accept, got.StatusCode, got.body)
		}
		if !c.page {
			got.problem(t)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := local(t)
	var doc struct {
		OpenAPI    string
		Components struct{ Schemas map[string]any }
		Paths      map[string]map[string]struct {
			OperationID string
			RequestBody struct{ Content map[string]any }
			Parameters  []struct{ Name, In string }
			Responses   map[string]struct {
				Description string
				Content     map[string]any
			}
		}
	}
	text := s.ask(t, "GET", "/openapi.json", "").body
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	for path, method := range map[string]string{"/v1/funds/{fund}/events": "post", "/problems/{code}": "get", "/healthz": "get", "/readyz": "get"} {
		op, ok := doc.Paths[path][method]
		if !ok || len(doc.Paths[path]) != 1 {
			t.Errorf("%s %s is described as %v", method, path, doc.Paths[path])
		}
		for status, r := range op.Responses {
			if _, problem := r.Content["application/problem+json"]; problem != (status >= "4") || r.Description == "" {
				t.Errorf("%s: %s is described as %v", path, status, r)
			}
		}
	}
	op := doc.Paths["/v1/funds/{fund}/events"]["post"]
	for _, contentType := range []string{asJSON, asLines, "application/x-ndjson"} {
		if op.RequestBody.Content[contentType] == nil || op.Responses["200"].Content[contentType] == nil {
			t.Errorf("%s is not described", contentType)
		}
	}
	for _, status := range []string{"200", "201", "400", "401", "403", "408", "413", "415", "421", "422", "500", "503"} {
		if _, ok := op.Responses[status]; !ok {
			t.Errorf("status %s is not described", status)
		}
	}
	if len(op.Parameters) != 5 {
		t.Errorf("the parameters are %v", op.Parameters)
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("there is no schema %s", ref[1])
		}
	}
	for _, word := range append(slices.Concat(events.Refusals, events.Flags, events.Failures), events.Tampered) {
		if !strings.Contains(text, `"`+string(word)+`"`) {
			t.Errorf("the code %s is not described", word)
		}
	}
	for _, name := range []string{"Receipt", "Problem", "Command"} {
		if doc.Components.Schemas[name] == nil {
			t.Errorf("%s is not described", name)
		}
	}
}

func TestHTTPWordsInBothLanguages(t *testing.T) {
	t.Parallel()
	field := regexp.MustCompile(`\{\{[^}]*\}\}`)
	fields := func(lang words.Language, name string) []string {
		all := field.FindAllString(api.HTTPWords.Text(lang, name), -1)
		slices.Sort(all)
		return all
	}
	names := api.HTTPWords.Names(words.English)
	if got := api.HTTPWords.Names(words.Chinese); !slices.Equal(got, names) {
		t.Errorf("Chinese has %v, English %v", got, names)
	}
	for _, name := range names {
		if !slices.Equal(fields(words.English, name), fields(words.Chinese, name)) {
			t.Errorf("%s speaks of different things", name)
		}
		if chinese(api.HTTPWords.Text(words.English, name)) || !chinese(api.HTTPWords.Text(words.Chinese, name)) {
			t.Errorf("%s is in the wrong language", name)
		}
	}
}

// TestSpool writes and reads pieces of any size at once: the bytes come out as they went in, and what nobody reads lies in a file.
func TestSpool(t *testing.T) {
	t.Parallel()
	s := api.NewSpool()
	text := strings.Repeat("0123456789abcdef", 8*api.MaxSpool/16)
	if _, err := io.WriteString(s, text[:api.MaxSpool]); err != nil || s.Held() != 0 {
		t.Errorf("%d bytes lie in a file, %v", s.Held(), err)
	}
	if _, err := io.WriteString(s, text[api.MaxSpool:2*api.MaxSpool]); err != nil || s.Held() == 0 {
		t.Errorf("%d bytes lie in a file, %v", s.Held(), err)
	}
	go func() {
		defer s.End()
		for rest := text[2*api.MaxSpool:]; rest != ""; {
			n := min(len(rest), 1+rand.IntN(300_000))
			if _, err := io.WriteString(s, rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	}()
	var got strings.Builder
	for p, err := range pieces(s) {
		if err != nil {
			t.Fatal(err)
		}
		got.Write(p)
	}
	if got.String() != text {
		t.Errorf("%d bytes came out, %d went in, or they differ", got.Len(), len(text))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(s, "x"); err == nil {
		t.Error("it takes something after its end")
	}
}

func pieces(s api.Spool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			p, err := s.Next()
			if errors.Is(err, io.EOF) || !yield(p, err) {
				return
			}
		}
	}
}

// FuzzHTTPBody sends any body: it is answered, with receipts or with a problem, and never with a failure or a defect.
func FuzzHTTPBody(f *testing.F) {
	for _, body := range []string{opened, "[" + opened + "]", opened + "\n" + line("1"), "{\n}", "\uFEFF[", "{}\n{}", "[{}]\n[{}]", "\"\n\"\n", `{"a":1,"a":2}` + "\nx", "\r\n\r\n{"} {
		for kind := range 3 {
			f.Add(body, kind%2 == 0, kind > 1)
		}
	}
	s := local(f)
	f.Fuzz(func(t *testing.T, body string, lines, atomic bool) {
		contentType := asJSON
		if lines {
			contentType = asLines
		}
		got := s.post(t, fmt.Sprintf("%s?atomic=%t", fundA, atomic), contentType, body)
		switch {
		case got.StatusCode >= 500:
			t.Errorf("status %d: %s", got.StatusCode, got.body)
		case got.StatusCode >= 400:
			got.problem(t)
		default:
			for _, r := range got.receipts(t) {
				if r.Status == ledger.Failed || r.Input == 0 {
					t.Errorf("receipt %+v", r)
				}
			}
		}
	})
}
