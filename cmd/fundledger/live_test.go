package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events/words"
	"fundledger/ledger"
	"fundledger/projections/live"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A listener is a client of server-sent events.
type listener struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Reader
	stop   context.CancelFunc
}

func listen(t *testing.T, url string, headers ...string) *listener {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	answer, err := http.DefaultClient.Do(asking(ctx, t, "GET", url, "", headers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	l := &listener{t: t, answer: answer, lines: bufio.NewReader(answer.Body), stop: stop}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s: %d, %v", url, answer.StatusCode, answer.Header)
	}
	return l
}

// next is the next event that has data, and what stood before it for the browser alone. ok is false where the feed has ended.
func (l *listener) next() (event, id, data string, ok bool) {
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return "", "", "", false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if data != "" {
				return event, id, data, true
			}
		}
	}
}

// TestAFeedGoesOnAfterARestart follows events over HTTP through the end of a server and the beginning of the next.
func TestAFeedGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	s := p.serving(t, "--http", ":0")
	l := listen(t, s.site(t)+"/v1/funds/f/feed?after=0")
	var got []string
	last := "0"
	read := func(n int) {
		t.Helper()
		for len(got) < n {
			event, id, data, ok := l.next()
			if !ok || event != "event" || id != fmt.Sprint(len(got)+1) {
				t.Fatalf("after %d comes %q %q, %v", len(got), event, id, ok)
			}
			got, last = append(got, data), id
		}
	}
	read(2)
	p.append(t, pay("a")+pay("b"))
	read(4)
	p.append(t, pay("c"))
	if out := s.stop(); out.code != exitOK { // which waits for nobody who follows
		t.Errorf("exit %d: %s", out.code, out.err)
	}
	for { // what was under way when it ended
		_, id, data, ok := l.next()
		if !ok {
			break
		}
		got, last = append(got, data), id
	}
	p.append(t, pay("d")+pay("e"))
	s = p.serving(t, "--http", ":0")
	l = listen(t, s.site(t)+"/v1/funds/f/feed?after=0", "Last-Event-ID", last) // the header is newer than the address
	read(7)
	p.append(t, pay("g"))
	read(8)
	s.stop()
	if stored := p.stored(t); strings.Join(got, "\n") != strings.Join(stored, "\n") {
		t.Errorf("followed were\n%s\nand stored are\n%s", strings.Join(got, "\n"), strings.Join(stored, "\n"))
	}
}

// TestFollowingOverHTTP: what a feed begins with, how it ends, and what is refused.
func TestFollowingOverHTTP(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	s := p.serving(t, "--http", ":0")
	url := s.site(t)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/v1/funds/f/years/2030/live": {http.StatusNotFound, "unknown-year"},
		"/v1/funds/z/years/2022/live": {http.StatusNotFound, "unknown-fund"},
		"/v1/funds/z/feed":            {http.StatusNotFound, "unknown-fund"},
		"/v1/funds/f/feed?after=x":    {http.StatusUnprocessableEntity, "bad-value"},
		"/v1/funds/f/feed?before=1":   {http.StatusUnprocessableEntity, "unknown-field"},
		"/v1/live?fund=f":             {http.StatusUnprocessableEntity, "unknown-field"},
	} {
		if status, text := fetch(t, "GET", url+path, ""); status != want.status || !strings.Contains(text, `"code":"`+want.code+`"`) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, text := fetch(t, "GET", url+"/v1/funds/f/feed", "", "Last-Event-ID", "1-2"); status != 422 || !strings.Contains(text, "Last-Event-ID") {
		t.Errorf("a bad id: %d %s", status, text)
	}
	balances, all := listen(t, url+"/v1/funds/f/years/2022/live"), listen(t, url+"/v1/live")
	for _, l := range []*listener{balances, all} {
		if line, _ := l.lines.ReadString('\n'); line != "retry: 1000\n" {
			t.Errorf("it begins with %q", line)
		}
		if l.answer.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("its header is %v", l.answer.Header)
		}
	}
	_, table := fetch(t, "GET", url+"/v1/funds/f/years/2022/tables/execution?known_at=2", "")
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(table)); err != nil {
		t.Fatal(err)
	}
	if event, id, data, _ := balances.next(); event != "state" || id != "2" || data != strings.Replace(compact.String(), "{", `{"seq":2,`, 1) {
		t.Errorf("%s %s %s, want the table", event, id, data)
	}
	if event, id, data, _ := all.next(); event != "state" || id != "" || data != `{"funds":[{"fund":"f","seq":2}]}` {
		t.Errorf("%s %q %s", event, id, data)
	}
	p.append(t, pay("a"))
	if event, id, data, _ := balances.next(); event != "change" || id != "3" || !strings.Contains(data, `"seq":3`) {
		t.Errorf("%s %s %s", event, id, data)
	}
	if event, _, data, _ := all.next(); event != "change" || data != `{"funds":[{"fund":"f","seq":3}]}` {
		t.Errorf("%s %s", event, data)
	}
	begun := time.Now()
	s.stop()
	if _, _, _, ok := balances.next(); ok || time.Since(begun) > 10*time.Second {
		t.Errorf("following ended after %v", time.Since(begun))
	}
}

// TestWhoReadsNothingHoldsNobodyUp has some that connect and never read, far above what other requests may be, and others to whom everything comes.
func TestWhoReadsNothingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, many(0))
	s := p.serving(t, "--http", ":0")
	url := s.site(t)
	host := strings.TrimPrefix(url, "http://")
	for i := range 300 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		path := []string{"/v1/funds/f/feed?after=0", "/v1/funds/f/years/2022/live", "/v1/live"}[i%3]
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host); err != nil {
			t.Fatal(err)
		}
	}
	l := listen(t, url+"/v1/funds/f/feed?after=2")
	p.append(t, many(4000))
	stored := len(p.stored(t))
	for n := 3; n <= stored; n++ {
		if event, id, data, ok := l.next(); !ok || event != "event" || id != fmt.Sprint(n) {
			t.Fatalf("at %d comes %s %s %s", n, event, id, data)
		}
	}
	if status, text := fetch(t, "GET", url+"/v1/funds/f/years/2022/tables/execution", ""); status != 200 {
		t.Errorf("a question is answered %d %s", status, text)
	}
}

// bucket is the balances as another program sees them.
func bucket(t *testing.T, nc *nats.Conn) jetstream.KeyValue {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for {
		kv, err := js.KeyValue(t.Context(), live.Bucket)
		if err == nil {
			return kv
		}
		if !errors.Is(err, jetstream.ErrBucketNotFound) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// reaches waits until a value has a number.
func reaches(t *testing.T, kv jetstream.KeyValue, key string, n int) []byte {
	t.Helper()
	for {
		entry, err := kv.Get(t.Context(), key)
		if err == nil && strings.HasPrefix(string(entry.Value()), fmt.Sprintf(`{"seq":%d,`, n)) {
			return entry.Value()
		}
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestBalancesForOtherPrograms reads the bucket of a folder's server as NATS's own tools do, hears every event, and can change neither.
func TestBalancesForOtherPrograms(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small) // while nobody serves
	s := p.serving(t)
	a := p.address(t)
	var mu sync.Mutex
	var denied []string
	nc, err := nats.Connect(a.URL, nats.UserInfo(a.User, a.Token), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		mu.Lock()
		defer mu.Unlock()
		denied = append(denied, err.Error())
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	kv := bucket(t, nc)
	reaches(t, kv, "f.2022", 2)
	watched, err := kv.WatchAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if entry := <-watched.Updates(); entry.Key() != "f.2022" {
		t.Errorf("first is watched %v", entry)
	}
	heard, err := nc.SubscribeSync("feed.f.>")
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	rs := p.append(t, pay("a")+pay("b")+`{"kind":"fund-opened","fund":"f","year":2023,"name":"资金","lines":[{"code":"1","name":"one"}]}`+"\n")
	if statuses(rs) != "appended appended appended" {
		t.Fatal(statuses(rs))
	}
	stored := p.stored(t)
	for i, subject := range []string{"feed.f.2022.disbursed", "feed.f.2022.disbursed", "feed.f.2023.fund-opened"} {
		msg, err := heard.NextMsg(enough)
		if err != nil || msg.Subject != subject || string(msg.Data) != stored[2+i] {
			t.Fatalf("heard is %+v, %v; want %s %s", msg, err, subject, stored[2+i])
		}
	}
	value := reaches(t, kv, "f.2023", 5)
	table := p.ok(t, "table", "execution", "--fund", "f", "--year", "2023", "--format", "json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(table)); err != nil || string(value) != strings.Replace(compact.String(), "{", `{"seq":5,`, 1) {
		t.Errorf("the value is %s, want %s", value, table)
	}
	for entry := range watched.Updates() {
		if entry != nil && entry.Key() == "f.2023" {
			break
		}
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(200*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	kv, err = js.KeyValue(t.Context(), live.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]func() error{
		"put":    func() error { _, err := kv.Put(t.Context(), "f.2022", []byte("x")); return err },
		"delete": func() error { return kv.Delete(t.Context(), "f.2022") },
		"drop":   func() error { return js.DeleteKeyValue(t.Context(), live.Bucket) },
		"purge":  func() error { st, _ := js.Stream(t.Context(), "KV_"+live.Bucket); return st.Purge(t.Context()) },
		"make": func() error {
			_, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "MINE"})
			return err
		},
		"deliver": func() error {
			_, err := js.CreatePushConsumer(t.Context(), "KV_"+live.Bucket, jetstream.ConsumerConfig{DeliverSubject: "$KV.BALANCES.f.2022"})
			return err
		},
		"say": func() error {
			if err := nc.Publish("feed.f.2022.disbursed", []byte("x")); err != nil {
				return err
			}
			if err := nc.Flush(); err != nil {
				return err
			}
			_, err := heard.NextMsg(50 * time.Millisecond)
			return err
		},
	} {
		if try() == nil {
			t.Errorf("a client can %s", what)
		}
	}
	mu.Lock()
	if len(denied) == 0 {
		t.Error("nothing was denied")
	}
	mu.Unlock()
	if entry, err := bucket(t, nc).Get(t.Context(), "f.2022"); err != nil || !strings.HasPrefix(string(entry.Value()), `{"seq":`) {
		t.Errorf("it is no longer as it was: %v, %v", entry, err)
	}
	if got := s.stop(); got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// TestSeveralServersPublish: balances of a fund whose server has died are brought up to date by another, and none is ever put back.
func TestSeveralServersPublish(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "8MB")
	p := &program{}
	first := p.serving(t, "--nats", b.url("ledger", "secret"))
	second := p.serving(t, "--nats", b.url("ledger", "secret"))
	clients := b.url("client", "token")
	p.append(t, many(0), "--nats", clients)
	nc, err := nats.Connect(b.url("ledger", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	heard, err := nc.SubscribeSync("feed.>")
	if err != nil {
		t.Fatal(err)
	}
	kv := bucket(t, nc)
	reaches(t, kv, "f.2022", 2)
	watched, err := kv.Watch(t.Context(), "f.2022", jetstream.IncludeHistory())
	if err != nil {
		t.Fatal(err)
	}
	rs := p.append(t, many(3000), "--nats", clients)
	if rs[len(rs)-1].Status != ledger.Appended {
		t.Fatalf("%+v", rs[len(rs)-1])
	}
	if got := first.stop(); got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	p.append(t, pay("after"), "--nats", clients)
	stored := strings.Split(strings.TrimSpace(p.ok(t, "events", "--fund", "f", "--nats", clients)), "\n")
	reaches(t, kv, "f.2022", len(stored))
	last, values := 0, 0
	for entry := range watched.Updates() {
		if entry == nil {
			continue
		}
		var value struct{ Seq int }
		if err := json.Unmarshal(entry.Value(), &value); err != nil || value.Seq <= last {
			t.Fatalf("after %d comes %d, %v", last, value.Seq, err)
		}
		last = value.Seq
		if values++; last == len(stored) {
			break
		}
	}
	if values < 2 {
		t.Errorf("there were %d values", values)
	}
	for said := map[string]bool{}; !said[stored[len(stored)-1]]; { // who stored it says it, once
		msg, err := heard.NextMsg(enough)
		if err != nil {
			t.Fatal(err)
		}
		if said[string(msg.Data)] {
			t.Fatalf("said again: %s", msg.Data)
		}
		said[string(msg.Data)] = true
	}
	second.stop()
}

// TestLivePage asks what the manual's page asks, and compares what comes with what the page shows; with NATS's own command line too, where there is one.
func TestLivePage(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0", "--sample")
	nc, err := p.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	reaches(t, bucket(t, nc), "cd-gx.2023", 150)
	at := strings.NewReplacer("http://127.0.0.1:8080", s.site(t), "data/address", filepath.Join(p.folder, "address"))
	_, noCurl := exec.LookPath("curl")
	_, noNATS := exec.LookPath("nats")
	for _, lang := range words.Languages {
		ran, before := 0, ""
		for part := range strings.SplitSeq((page{sectionTopic, "live"}).text(lang), "\n    $ ") {
			lines := strings.Split(part, "\n")
			command := lines[0]
			var want []string
			for _, line := range lines[1:] {
				shown, indented := strings.CutPrefix(line, "    ")
				if !indented {
					break
				}
				form := strings.ReplaceAll(regexp.QuoteMeta(shown), "…", ".*")
				want = append(want, regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(form, ".*"))
			}
			switch {
			case strings.HasPrefix(command, "export "):
				before = command + "\n"
				continue
			case strings.HasPrefix(command, "curl "):
				if noCurl != nil {
					continue
				}
			case !strings.HasPrefix(command, "nats kv") || noNATS != nil:
				continue
			}
			ctx, stop := context.WithCancel(t.Context())
			shell := exec.CommandContext(ctx, "bash", "-c", at.Replace(before)+"exec "+at.Replace(command))
			out, err := shell.StdoutPipe()
			if err == nil {
				err = shell.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			got := bufio.NewReader(out)
			for i := 0; i < len(want); {
				line, err := got.ReadString('\n')
				if line = strings.TrimSpace(line); line != "" {
					if !regexp.MustCompile("^" + want[i] + "$").MatchString(line) {
						t.Errorf("$ %s\nprinted\n%s\nthe page in %s has\n%s", command, line, lang, want[i])
					}
					i++
				}
				if err != nil && i < len(want) {
					t.Errorf("$ %s ends before\n%s", command, want[i])
					break
				}
			}
			stop()
			_ = shell.Wait()
			ran++
		}
		if ran < 3 && noCurl == nil {
			t.Errorf("the page in %s has %d examples", lang, ran)
		}
	}
}
