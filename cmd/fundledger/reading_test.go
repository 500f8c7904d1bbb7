package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// A twin is a question as the command line and as HTTP have it.
type twin struct{ command, path string }

// ofSample are questions about the reference fund.
var ofSample = func() (all []twin) {
	for _, name := range projections.Tables {
		all = append(all, twin{"table " + name + " --fund cd-gx --year 2022", "/v1/funds/cd-gx/years/2022/tables/" + name})
	}
	for _, more := range []twin{
		{"table execution --fund cd-gx --year 2023", "tables/execution"},
		{"table lots --fund cd-gx --year 2023 --as-of 2023-06-30", "tables/lots?as_of=2023-06-30"},
	} {
		all = append(all, twin{more.command, "/v1/funds/cd-gx/years/2023/" + more.path})
	}
	for _, more := range []twin{
		{"table execution --as-of 2022-06-30 --basis stated --denominator net --unit wan", "tables/execution?as_of=2022-06-30&basis=stated&denominator=net&unit=wan"},
		{"table budget --by channel", "tables/budget?by=channel"},
		{"table payments --where channel=lower-treasury --where basis=stated", "tables/payments?where=channel%3Dlower-treasury&where=basis%3Dstated"},
		{"table execution --known-at 60", "tables/execution?known_at=60"},
		{"table exceptions --known-at 150 --wait 150", "tables/exceptions?known_at=150&wait=150"},
		{"statement --line 1.1", "lines/1.1/statement"},
		{"statement --line 2 --from 30 --as-of 2022-11-30 --unit yi", "lines/2/statement?from=30&as_of=2022-11-30&unit=yi"},
		{"table monthly --month 2022-04 --by basis", "tables/monthly?month=2022-04&by=basis"},
		{"table monthly --month 2022-04 --after-close", "tables/monthly?month=2022-04&after_close=true"},
		{"table progress --threshold 2.5 --as-of 2022-09-30", "tables/progress?threshold=2.5&as_of=2022-09-30"},
		{"series --line 1.1", "series?line=1.1"},
		{"series --line 0 --measure available --step month --known-at 120 --denominator net", "series?line=0&measure=available&step=month&known_at=120&denominator=net"},
		{"report", "figures"},
		{"report --denominator original --known-at 140", "figures?denominator=original&known_at=140"},
		{"check", "check"},
		{"check --known-at 147", "check?known_at=147"},
		{"table budget --explain 1.1=original --explain 0=adjusted", "tables/budget?explain=1.1%3Doriginal&explain=0%3Dadjusted"},
		{"table execution --explain 0=rate --as-of 2022-09-30 --known-at 140 --unit wan", "tables/execution?explain=0=rate&as_of=2022-09-30&known_at=140&unit=wan"},
	} {
		all = append(all, twin{more.command + " --fund cd-gx --year 2022", "/v1/funds/cd-gx/years/2022/" + more.path})
	}
	return append(all,
		twin{"diff --fund cd-gx --from 40 --to 60", "/v1/funds/cd-gx/diff?from=40&to=60"},
		twin{"diff --fund cd-gx --year 2022 --from 100 --where channel=payment", "/v1/funds/cd-gx/diff?from=100&year=2022&where=channel=payment"},
		twin{"event --fund cd-gx 23", "/v1/funds/cd-gx/events/23"},
		twin{"event --fund cd-gx 23 --known-at 30 --unit wan", "/v1/funds/cd-gx/events/23?known_at=30&unit=wan"},
		twin{"event --fund cd-gx 150 --wait 150", "/v1/funds/cd-gx/events/150?wait=150"},
		twin{"payees", "/v1/payees"},
		twin{"payees --limit 3 --unit wan", "/v1/payees?limit=3&unit=wan"},
		twin{"payees --fund cd-gx --known-at 121 --as-of 2022-09-30", "/v1/payees?fund=cd-gx&known_at=121&as_of=2022-09-30"},
		twin{"payees --payee 湖南德山酒业营销有限公司", "/v1/payees?payee=" + url.QueryEscape("湖南德山酒业营销有限公司")},
		twin{"funds", "/v1/funds"},
		twin{"funds --unit wan", "/v1/funds?unit=wan"},
		twin{"funds --as-of 2022-06-30", "/v1/funds?as_of=2022-06-30"},
	)
}()

func TestHTTPAnswersAsTheCommandLineDoes(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0", "--sample")
	types := map[string]string{
		"json": "application/json", "csv": "text/csv", "md": "text/markdown", "text": "text/plain", "html": "text/html",
		"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	}
	tags := map[string]string{}
	for _, q := range ofSample {
		for _, lang := range words.Languages {
			for _, format := range sheet.Formats {
				got := p.run(t, append(strings.Fields(q.command), "--lang", string(lang), "--format", format)...)
				if strings.Contains(q.command, "--explain") && format == "csv" {
					continue
				}
				if got.code != exitOK && !strings.HasPrefix(q.command, "check") {
					t.Fatalf("%s: exit %d: %s", q.command, got.code, got.err)
				}
				asked := get(t, s.site(t)+withParam(q.path, "format="+format+"&lang="+string(lang)))
				if asked.StatusCode != 200 || asked.text != got.out {
					t.Errorf("%s as %s in %s: status %d\n%.600s\nthe command line prints\n%.600s", q.path, format, lang, asked.StatusCode, asked.text, got.out)
				}
				if contentType := asked.Header.Get("Content-Type"); !strings.HasPrefix(contentType, types[format]) {
					t.Errorf("%s as %s is %s", q.path, format, contentType)
				}
				if asked.Header.Get("Content-Language") != string(lang) || asked.Header.Get("Cache-Control") != "no-cache" || asked.Header.Get("Vary") != "Accept, Accept-Language" {
					t.Errorf("%s has the headers %v", q.path, asked.Header)
				}
				// The same by headers.
				if byHeader := get(t, s.site(t)+q.path, "Accept", types[format]+";q=0.9, image/png", "Accept-Language", string(lang)); byHeader.text != got.out ||
					byHeader.Header.Get("ETag") != asked.Header.Get("ETag") {
					t.Errorf("%s with Accept %s: status %d, tag %s beside %s", q.path, types[format], byHeader.StatusCode, byHeader.Header.Get("ETag"), asked.Header.Get("ETag"))
				}
				tag := asked.Header.Get("ETag")
				if other, found := tags[tag]; found && other != asked.text {
					t.Errorf("%s as %s in %s has the tag of another answer", q.path, format, lang)
				}
				tags[tag] = asked.text
			}
		}
		// JSON is what is answered without being asked for; a browser asks for HTML.
		want := p.run(t, append(strings.Fields(q.command), "--lang", "en", "--format", "json")...).out
		for _, accept := range []string{"", "*/*", "application/xhtml+xml,*/*;q=0.8", "application/xml"} {
			if got := get(t, s.site(t)+q.path, "Accept", accept); got.text != want {
				t.Errorf("%s with Accept %q: %.300s", q.path, accept, got.text)
			}
		}
		page := get(t, s.site(t)+q.path, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language", "en")
		if page.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.HasPrefix(page.Header.Get("Content-Security-Policy"), "default-src 'none'") ||
			page.text != p.run(t, append(strings.Fields(q.command), "--lang", "en", "--format", "html")...).out {
			t.Errorf("%s to a browser: %v %.300s", q.path, page.Header, page.text)
		}
	}
}

// A server that begins where the one before left off answers with the same bytes, and so does one that finds its snapshot changed.
func TestHTTPAnswersAlikeFromASnapshot(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.kept = 100
	s := p.serving(t, "--http", ":0", "--sample")
	var paths []string
	for _, q := range ofSample {
		paths = append(paths, q.path)
		if !strings.Contains(q.path, "known_at") && strings.Contains(q.path, "/years/") {
			paths = append(paths, withParam(q.path, "known_at=121"))
		}
	}
	ask := func() (all []string) {
		for _, path := range paths {
			got := get(t, s.site(t)+path)
			if got.StatusCode != 200 {
				t.Fatalf("%s: %d %s", path, got.StatusCode, got.text)
			}
			all = append(all, got.Header.Get("ETag")+got.text)
		}
		return all
	}
	want := ask()
	s.stop()
	at := filepath.Join(p.folder, "snapshots", "cd-gx.book")
	for range 2 {
		snapshot, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		s = p.serving(t, "--http", ":0")
		for i, got := range ask() {
			if got != want[i] {
				t.Errorf("%s:\n%s\nwas\n%s", paths[i], got, want[i])
			}
		}
		s.stop()
		snapshot[len(snapshot)/3] ^= 1
		if err := os.WriteFile(at, snapshot, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHTTPEventsAreTheStoredLines(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0", "--sample")
	all := p.ok(t, "events", "--fund", "cd-gx")
	if got := get(t, s.site(t)+"/v1/funds/cd-gx/events"); got.text != all || got.Header.Get("Content-Type") != "application/jsonl" || got.Header.Get("Link") != "" {
		t.Errorf("all events: %d bytes of %d, %v", len(got.text), len(all), got.Header)
	}
	var read strings.Builder
	pages := 0
	for next := "/v1/funds/cd-gx/events?limit=40"; next != ""; pages++ {
		got := get(t, s.site(t)+next)
		read.WriteString(got.text)
		if same := get(t, s.site(t)+next, "If-None-Match", got.Header.Get("ETag")); same.StatusCode != 304 || same.text != "" {
			t.Errorf("%s again: status %d", next, same.StatusCode)
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(got.Header.Get("Link"), "<"), ">")
	}
	if read.String() != all || pages != 4 { // 150 events
		t.Errorf("read in %d pages: %d bytes of %d", pages, read.Len(), len(all))
	}
	if got := get(t, s.site(t)+"/v1/funds/cd-gx/events?after=9&limit=3"); got.text != p.ok(t, "events", "--fund", "cd-gx", "--from", "10", "--to", "12") {
		t.Errorf("three events after 9: %s", got.text)
	}
	if got := get(t, s.site(t)+"/v1/funds/cd-gx/events?after=150"); got.StatusCode != 200 || got.text != "" || got.Header.Get("Link") != "" {
		t.Errorf("after the last: status %d, %q", got.StatusCode, got.text)
	}
	// A page that is full keeps its tag, and the last one does not.
	full, last := s.site(t)+"/v1/funds/cd-gx/events?limit=40", s.site(t)+"/v1/funds/cd-gx/events?after=120"
	fullTag, lastTag := get(t, full).Header.Get("ETag"), get(t, last).Header.Get("ETag")
	p.append(t, `{"kind":"year-reopened","fund":"cd-gx","year":2022,"reason":"x","approvers":["a","b"],"date":"2023-01-01"}`+"\n"+
		`{"kind":"line-added","fund":"cd-gx","year":2023,"line":"9","name":"x"}`+"\n")
	if got := get(t, withParam(full, "wait=151"), "If-None-Match", fullTag); got.StatusCode != 304 {
		t.Errorf("a full page: status %d", got.StatusCode)
	}
	if got := get(t, withParam(last, "wait=151"), "If-None-Match", lastTag); got.StatusCode != 200 || strings.Count(got.text, "\n") != 31 {
		t.Errorf("the last page: status %d, %d lines", got.StatusCode, strings.Count(got.text, "\n"))
	}
}

func TestHTTPTags(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p1"))
	s := p.serving(t, "--http", ":0")
	table := s.site(t) + "/v1/funds/f/years/2022/tables/execution"
	first := get(t, table)
	tag := first.Header.Get("ETag")
	if !regexp.MustCompile(`^"[A-Za-z0-9_-]{24}"$`).MatchString(tag) {
		t.Fatalf("the tag is %s", tag)
	}
	for _, c := range []struct {
		url, header string
		same        bool
	}{
		{table, tag, true},
		{table, `"other", W/` + tag, true},
		{table, "*", true},
		{table, `"other"`, false},
		{table, strings.Trim(tag, `"`), false},
		// The same question, however it is put.
		{table + "?denominator=adjusted&unit=wan&lang=en", tag, true},
		{table + "?known_at=3&wait=2", tag, true},
		{table + "?format=json", tag, true},
		// Another question.
		{table + "?denominator=net", tag, false},
		{table + "?format=csv", tag, false},
		{table + "?lang=zh", tag, false},
		{table + "?as_of=2022-12-31", tag, false},
		{table + "?known_at=2", tag, false},
		{table + "?by=channel", tag, false},
		{table + "?where=channel=payment", tag, false},
		{strings.Replace(table, "execution", "budget", 1), tag, false},
	} {
		got := get(t, c.url, "If-None-Match", c.header)
		if (got.StatusCode == 304) != c.same || (got.text == "") != c.same || got.Header.Get("ETag") == "" || c.same != (got.Header.Get("ETag") == tag) && c.url != table {
			t.Errorf("%s with %s: status %d, tag %s", c.url, c.header, got.StatusCode, got.Header.Get("ETag"))
		}
		if got.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: Cache-Control is %s", c.url, got.Header.Get("Cache-Control"))
		}
	}
	if got := request(t, "HEAD", table); got.StatusCode != 200 || got.Header.Get("ETag") != tag || got.text != "" {
		t.Errorf("HEAD: %d %v", got.StatusCode, got.Header)
	}
	funds := get(t, s.site(t)+"/v1/funds")
	if got := get(t, s.site(t)+"/v1/funds", "If-None-Match", funds.Header.Get("ETag")); got.StatusCode != 304 {
		t.Errorf("the funds again: status %d", got.StatusCode)
	}
	// What is known at a number has the same tag whatever comes after, and after a restart; what is known now has not.
	atTwo := get(t, table+"?known_at=2")
	p.append(t, pay("p2"))
	if got := get(t, table+"?wait=4", "If-None-Match", tag); got.StatusCode != 200 || got.Header.Get("ETag") == tag {
		t.Errorf("after another event: status %d", got.StatusCode)
	}
	if got := get(t, s.site(t)+"/v1/funds", "If-None-Match", funds.Header.Get("ETag")); got.StatusCode != 200 {
		t.Errorf("the funds after another event: status %d", got.StatusCode)
	}
	again := func() {
		t.Helper()
		for asked, want := range map[string]reply{table + "?known_at=2": atTwo, table + "?known_at=3": first} {
			if got := get(t, asked); got.text != want.text || got.Header.Get("ETag") != want.Header.Get("ETag") {
				t.Errorf("%s: tag %s, was %s:\n%s\nwas\n%s", asked, got.Header.Get("ETag"), want.Header.Get("ETag"), got.text, want.text)
			}
			if got := get(t, asked, "If-None-Match", want.Header.Get("ETag")); got.StatusCode != 304 {
				t.Errorf("%s: status %d", asked, got.StatusCode)
			}
		}
	}
	again()
	s.stop()
	old := s.site(t)
	s = p.serving(t, "--http", ":0")
	table = strings.Replace(table, old, s.site(t), 1)
	again()
}

// unnamed takes away what each request has of its own.
var unnamed = regexp.MustCompile(`,"request_id":"[^"]*"`)

func TestHTTPSaysWhatIsWrongWithAQuestion(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p1"))
	s := p.serving(t, "--http", ":0")
	for _, c := range []struct {
		path   string
		status int
		code   events.Code
		field  string
		says   string // a part of what is said
	}{
		{"/v1/funds/g", 404, events.UnknownFund, "", "g"},
		{"/v1/funds/g/events", 404, events.UnknownFund, "", "f"},
		{"/v1/funds/G", 404, events.BadValue, "fund", "G"},
		{"/v1/funds/g/years/2022/tables/execution", 404, events.UnknownFund, "", "g"},
		{"/v1/funds/f/years/2021/tables/execution", 404, events.UnknownYear, "", "2021"},
		{"/v1/funds/f/years/x/tables/execution", 404, events.BadValue, "year", "x"},
		{"/v1/funds/f/years/2022/tables/profits", 404, events.BadValue, "table", "payments"},
		{"/v1/funds/f/years/2022/lines/9/statement", 404, events.UnknownLine, "", "9"},
		{"/v1/funds/f/years/2022/lines/.9/statement", 404, events.BadValue, "line", ".9"},
		{"/v1/funds/f/years/2021/check", 404, events.UnknownYear, "", "2021"},
		{"/v1/funds/f/years/2022/tables/execution?asof=2022-01-01", 422, events.UnknownField, "asof", "as_of"},
		{"/v1/funds/f/years/2022/tables/execution?as_of=2022-02-30", 422, events.BadValue, "as_of", "2022-02-30"},
		{"/v1/funds/f/years/2022/tables/execution?as_of=2022-02-03&as_of=2022-02-04", 422, events.BadValue, "as_of", "2022-02-04"},
		{"/v1/funds/f/years/2022/tables/execution?known_at=soon", 422, events.BadValue, "known_at", "soon"},
		{"/v1/funds/f/years/2022/tables/execution?known_at=4", 422, events.BadValue, "known_at", "3"},
		{"/v1/funds/f/years/2022/tables/execution?known_at=1999-01-01", 422, events.BadValue, "known_at", "1999-01-01"},
		{"/v1/funds/f/years/2022/tables/execution?basis=hearsay", 422, events.BadValue, "basis", "voucher"},
		{"/v1/funds/f/years/2022/tables/execution?denominator=spent", 422, events.BadValue, "denominator", "original"},
		{"/v1/funds/f/years/2022/tables/execution?unit=fen", 422, events.BadValue, "unit", "wan"},
		{"/v1/funds/f/years/2022/tables/execution?format=xls", 422, events.BadValue, "format", "csv"},
		{"/v1/funds/f/years/2022/tables/execution?lang=fr", 422, events.BadValue, "lang", "zh"},
		{"/v1/funds/f/years/2022/tables/execution?wait=-1", 422, events.BadValue, "wait", "-1"},
		{"/v1/funds/f/years/2022/tables/execution?by=colour", 422, events.BadValue, "by", "payee"},
		{"/v1/funds/f/years/2022/tables/execution?where=channel", 422, events.BadValue, "where", "channel"},
		{"/v1/funds/f/years/2022/tables/execution?where=colour%3Dred", 422, events.BadValue, "where", "payee"},
		{"/v1/funds/f/years/2022/tables/execution?where=channel%3Dpigeon", 422, events.BadValue, "where", "payment"},
		{"/v1/funds/f/years/2022/tables/exceptions?by=channel", 422, events.UnknownField, "by", "channel"},
		{"/v1/funds/f/years/2022/tables/exceptions?where=channel%3Dpayment", 422, events.UnknownField, "where", "payment"},
		{"/v1/funds/f/years/2022/check?denominator=net", 422, events.UnknownField, "denominator", "net"},
		{"/v1/funds/f/years/2022/lines/1/statement?from=4", 422, events.BadValue, "from", "3"},
		{"/v1/funds/f/years/2022/series", 422, events.MissingField, "line", "line"},
		{"/v1/funds/f/years/2022/series?line=9", 404, events.UnknownLine, "", "9"},
		{"/v1/funds/f/years/2022/series?line=1&measure=rate", 422, events.BadValue, "measure", "spent"},
		{"/v1/funds/f/years/2022/series?line=1&step=week", 422, events.BadValue, "step", "month"},
		{"/v1/funds/f/years/2022/tables/monthly?month=2022-4", 422, events.BadValue, "month", "2022-4"},
		{"/v1/funds/f/years/2022/tables/monthly?month=2021-04", 422, events.BadValue, "month", "2021-04"},
		{"/v1/funds/f/years/2022/reconciliation?month=2022", 422, events.BadValue, "month", "2022"},
		{"/v1/funds/f/years/2022/reconciliation?month=2021-04", 422, events.BadValue, "month", "2021-04"},
		{"/v1/funds/f/years/2022/reconciliation?window=61", 422, events.BadValue, "window", "60"},
		{"/v1/funds/f/years/2022/reconciliation?account=1", 422, events.BadValue, "account", "1"},
		{"/v1/funds/f/years/2022/reconciliation?basis=stated", 422, events.UnknownField, "basis", "month"},
		{"/v1/funds/f/years/2022/tables/execution?account=1", 422, events.UnknownField, "account", "1"},
		{"/v1/funds/f/years/2021/reconciliation", 404, events.UnknownYear, "", "2021"},
		{"/v1/funds/f/years/2022/tables/progress?threshold=much", 422, events.BadValue, "threshold", "much"},
		{"/v1/funds/f/years/2022/tables/budget?threshold=10", 422, events.UnknownField, "threshold", "10"},
		{"/v1/funds/f/years/2022/tables/budget?month=2022-04", 422, events.UnknownField, "month", "2022-04"},
		{"/v1/funds/f/years/2022/tables/monthly?after_close=yes", 422, events.BadValue, "after_close", "yes"},
		{"/v1/funds/f/years/2022/tables/budget?explain=1", 422, events.BadValue, "explain", "1.4=spent"},
		{"/v1/funds/f/years/2022/tables/budget?explain=1%3Dmood", 422, events.BadValue, "explain", "in_transit"},
		{"/v1/funds/f/years/2022/tables/budget?explain=9%3Dspent", 404, events.UnknownLine, "", "9"},
		{"/v1/funds/f/years/2022/tables/budget?explain=1%3Dspent&by=channel", 422, events.BadValue, "explain", "where"},
		{"/v1/funds/f/years/2022/tables/budget?explain=1%3Dspent&format=csv", 422, events.BadValue, "explain", "json"},
		{"/v1/funds/f/years/2022/tables/payments?explain=1%3Dspent", 422, events.UnknownField, "explain", "explain"},
		{"/v1/funds/f/events/0", 404, events.BadValue, "n", "0"},
		{"/v1/funds/f/events/4", 404, events.BadValue, "n", "3"},
		{"/v1/funds/f/events/3?known_at=2", 404, events.BadValue, "n", "2"},
		{"/v1/funds/f/events/3?known_at=9", 422, events.BadValue, "known_at", "3"},
		{"/v1/funds/f/events/3?year=2022", 422, events.UnknownField, "year", "known_at"},
		{"/v1/funds/g/events/1", 404, events.UnknownFund, "", "f"},
		{"/v1/payees?payee=nobody", 404, events.BadValue, "payee", "nobody"},
		{"/v1/payees?fund=g", 404, events.UnknownFund, "", "f"},
		{"/v1/payees?fund=G", 422, events.BadValue, "fund", "G"},
		{"/v1/payees?known_at=2", 422, events.BadValue, "known_at", "2"},
		{"/v1/payees?fund=f&known_at=9", 422, events.BadValue, "known_at", "3"},
		{"/v1/payees?known_at=1999-01-01", 422, events.BadValue, "known_at", "1999-01-01"},
		{"/v1/payees?wait=3", 422, events.UnknownField, "wait", "payee"},
		{"/v1/funds/f/diff", 422, events.MissingField, "from", "from"},
		{"/v1/funds/f/diff?from=2&since=2", 422, events.BadValue, "since", "from"},
		{"/v1/funds/f/diff?since=9", 422, events.BadValue, "since", "3"},
		{"/v1/funds/f/diff?since=mCXZUdr0dY3vGwJpOaGFbz9sKGIUAeHqTBmtUDXvvD8%3D", 422, events.BadValue, "since", "47"},
		{"/v1/funds/f/diff?since=3:mCXZUdr0dY3vGwJpOaGFbz9sKGIUAeHqTBmtUDXvvD8%3D&to=2", 422, events.BadValue, "since", "2"},
		{"/v1/funds/f/diff?since=2:mCXZUdr0dY3vGwJpOaGFbz9sKGIUAeHqTBmtUDXvvD8%3D", 500, events.Tampered, "", "mCXZUdr0"},
		{"/v1/funds/f/diff?since=4:mCXZUdr0dY3vGwJpOaGFbz9sKGIUAeHqTBmtUDXvvD8%3D", 500, events.Tampered, "", "4"},
		{"/v1/funds/f/diff?from=4", 422, events.BadValue, "from", "3"},
		{"/v1/funds/f/diff?from=3&to=2", 422, events.BadValue, "from", "2"},
		{"/v1/funds/f/diff?from=2&to=9", 422, events.BadValue, "to", "3"},
		{"/v1/funds/f/diff?from=2026-01-02&to=2", 200, "", "", ""},
		{"/v1/funds/f/diff?from=2&year=2021", 404, events.UnknownYear, "", "2021"},
		{"/v1/funds/f/events?after=x", 422, events.BadValue, "after", "x"},
		{"/v1/funds/f/events?limit=0", 422, events.BadValue, "limit", "10000"},
		{"/v1/funds/f/events?limit=10001", 422, events.BadValue, "limit", "10000"},
		{"/v1/funds/f/events?format=csv", 422, events.UnknownField, "format", "after"},
		{"/v1/funds/f?format=csv", 422, events.UnknownField, "format", "wait"},
		{"/v1/funds?year=2022", 422, events.UnknownField, "year", "unit"},
		{"/v1/funds/f/years/2022/tables", 404, "", "", "/v1/funds/f/years/2022/tables"},
	} {
		for _, lang := range words.Languages {
			// In the language of the header, and of the parameter where there is one.
			asked := get(t, s.site(t)+c.path, "Accept-Language", string(lang))
			if !strings.Contains(c.path, "lang=") {
				if byParam := get(t, s.site(t)+withParam(c.path, "lang="+string(lang))); c.code != events.UnknownField && c.code != "" && unnamed.ReplaceAllString(byParam.text, "") != unnamed.ReplaceAllString(asked.text, "") {
					t.Errorf("%s in %s by parameter: %s", c.path, lang, byParam.text)
				}
			}
			if asked.StatusCode != c.status {
				t.Errorf("%s: status %d, want %d: %s", c.path, asked.StatusCode, c.status, asked.text)
				continue
			}
			if c.status == 200 {
				continue
			}
			var problem struct {
				Detail, Hint string
				Code         events.Code
				Args         events.Args
			}
			if err := json.Unmarshal([]byte(asked.text), &problem); err != nil || asked.Header.Get("Content-Type") != "application/problem+json" || asked.Header.Get("ETag") != "" || asked.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v %v", c.path, err, asked.Header)
			}
			said := problem.Detail + problem.Hint
			if problem.Code != c.code || problem.Args["field"] != c.field || !strings.Contains(said, c.field) || !strings.Contains(said, c.says) || strings.Contains(said, "<no value>") || strings.Contains(said, "--") {
				t.Errorf("%s: %s", c.path, asked.text)
			}
			if chinese := regexp.MustCompile(`\p{Han}`).MatchString(problem.Detail); chinese != (lang == words.Chinese) {
				t.Errorf("%s says %q to who speaks %s", c.path, problem.Detail, lang)
			}
		}
	}
}

// What a table has told of the log is held against it, and then compared with as the command line does.
func TestHTTPSinceLastTime(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0", "--sample")
	var told struct{ Root string }
	if err := json.Unmarshal([]byte(p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022", "--known-at", "40", "--format", "json")), &told); err != nil {
		t.Fatal(err)
	}
	want := p.ok(t, "diff", "--fund", "cd-gx", "--since", "40:"+told.Root, "--to", "60", "--format", "json")
	path := s.site(t) + "/v1/funds/cd-gx/diff?to=60&since="
	if got := get(t, path+url.QueryEscape("40:"+told.Root)); got.StatusCode != 200 || got.text != want {
		t.Errorf("since 40: %d %s\nwant\n%s", got.StatusCode, got.text, want)
	}
	if got := get(t, path+url.QueryEscape("41:"+told.Root)); got.StatusCode != 500 || !strings.Contains(got.text, "tampered") {
		t.Errorf("since what was not seen: %d %s", got.StatusCode, got.text)
	}
}

// What payees got follows each of the logs that it is read of, and so does its tag.
func TestHTTPPayeesOfSeveralFunds(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p1"))
	p.append(t, strings.ReplaceAll(small+pay("p1"), `"fund":"f"`, `"fund":"g"`))
	s := p.serving(t, "--http", ":0")
	all, one := s.site(t)+"/v1/payees", s.site(t)+"/v1/payees?fund=f"
	before, ofOne := get(t, all), get(t, one)
	if before.text != p.ok(t, "payees", "--format", "json") || ofOne.text != p.ok(t, "payees", "--fund", "f", "--format", "json") || before.text == ofOne.text {
		t.Errorf("of all: %s\nof one: %s", before.text, ofOne.text)
	}
	p.append(t, strings.ReplaceAll(pay("p2"), `"fund":"f"`, `"fund":"g"`))
	get(t, s.site(t)+"/v1/funds/g?wait=4")
	if got := get(t, all, "If-None-Match", before.Header.Get("ETag")); got.StatusCode != 200 || got.text != p.ok(t, "payees", "--format", "json") || got.text == before.text {
		t.Errorf("of all, later: %d %s", got.StatusCode, got.text)
	}
	if got := get(t, one, "If-None-Match", ofOne.Header.Get("ETag")); got.StatusCode != 304 {
		t.Errorf("of one, of which nothing is new: %d %s", got.StatusCode, got.text)
	}
}

// standing is what GET of a fund says.
type standing struct {
	Fund, State, Root, Recorded string
	Last, Applied, Lag          uint64
	Rebuilding                  bool
	Error                       *struct {
		Code          events.Code
		Seq           uint64
		Message, Hint string
	}
}

func (s *server) fund(t testing.TB, fund string, headers ...string) (out standing) {
	t.Helper()
	got := get(t, s.site(t.(*testing.T))+"/v1/funds/"+fund, headers...)
	if err := json.Unmarshal([]byte(got.text), &out); err != nil || got.StatusCode != 200 {
		t.Fatalf("fund %s: %d %s", fund, got.StatusCode, got.text)
	}
	return out
}

// atDesk opens the folder as its owner, which no server may hold meanwhile.
func (p *program) atDesk(t *testing.T, do func(*stream.Store)) {
	t.Helper()
	s, _, err := embedded.Hold(t.Context(), p.folder, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	store, err := stream.NewStore(nc, stream.Own, embedded.Heads(p.folder))
	if err != nil {
		t.Fatal(err)
	}
	do(store)
	nc.Close()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

// An event that this release does not know stops the reading of its fund, aloud; the others go on.
func TestHTTPSaysThatReadingHasStopped(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p1"))
	p.append(t, strings.ReplaceAll(small, `"fund":"f"`, `"fund":"g"`))
	line := strings.Replace(p.stored(t)[2], "disbursed.v1", "disbursed.v2", 1)
	line = strings.Replace(strings.Replace(line, `"sequence":"3"`, `"sequence":"4"`, 1), `"p1"`, `"p2"`, 1)
	p.atDesk(t, func(store *stream.Store) {
		log := store.Log("f")
		for _, err := range log.Replay(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := log.Append(t.Context(), proof.BlockOf([]byte(line+"\n"))); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	})
	s := p.serving(t, "--http", ":0")
	table := "/v1/funds/f/years/2022/tables/execution"
	for range 3 {
		got := get(t, s.site(t)+table)
		if got.StatusCode != 500 || got.Header.Get("Retry-After") != "" || !strings.Contains(got.text, "stopped at event 4") || !strings.Contains(got.text, "disbursed.v2") {
			t.Errorf("%s: %d %s", table, got.StatusCode, got.text)
		}
	}
	if got := get(t, s.site(t)+table+"?known_at=2&lang=zh"); got.StatusCode != 500 || !strings.Contains(got.text, "停在第 4 个事件") {
		t.Errorf("as known at 2: %d %s", got.StatusCode, got.text)
	}
	for _, path := range []string{"/v1/funds", "/v1/funds/f/events", "/v1/funds/f/diff?from=1", "/v1/funds/f/years/2022/tables/budget?wait=9"} {
		if got := get(t, s.site(t)+path); got.StatusCode != 500 || !strings.Contains(got.text, "event 4") {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.text)
		}
	}
	got := s.fund(t, "f")
	if got.State != "stopped" || got.Applied != 3 || got.Last != 4 || got.Lag != 1 || got.Root != "" || got.Error == nil || got.Error.Seq != 4 || !strings.Contains(got.Error.Message, "disbursed.v2") {
		t.Errorf("the fund is %+v", got)
	}
	if got := get(t, s.site(t)+"/v1/funds/g/years/2022/tables/execution"); got.StatusCode != 200 {
		t.Errorf("the other fund: %d %s", got.StatusCode, got.text)
	}
	if got := get(t, s.site(t)+"/readyz"); got.StatusCode != 200 || got.text != `{"status":"ok","lag":1,"loading":0,"unreachable":0,"stopped":1}`+"\n" {
		t.Errorf("/readyz: %d %s", got.StatusCode, got.text)
	}
	if said := s.err.String(); strings.Count(said, "reading of f stopped at event 4") != 1 {
		t.Errorf("it is said: %s", said)
	}
}

func TestHTTPRebuild(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p1"))
	s := p.serving(t, "--http", ":0")
	before := get(t, s.site(t)+"/v1/funds/f/years/2022/tables/execution")
	got := request(t, "POST", s.site(t)+"/v1/funds/f/rebuild")
	if got.StatusCode != 202 || got.Header.Get("Location") != "/v1/funds/f" {
		t.Fatalf("%d %s", got.StatusCode, got.text)
	}
	for s.fund(t, "f").Rebuilding {
		if now := get(t, s.site(t)+"/v1/funds/f/years/2022/tables/execution"); now.text != before.text {
			t.Errorf("meanwhile: %s", now.text)
		}
	}
	if now := get(t, s.site(t)+"/v1/funds/f/years/2022/tables/execution"); now.text != before.text || now.Header.Get("ETag") != before.Header.Get("ETag") {
		t.Errorf("afterwards: %s", now.text)
	}
	if got := s.fund(t, "f"); got.State != "following" || got.Applied != 3 || got.Lag != 0 || got.Error != nil {
		t.Errorf("the fund is %+v", got)
	}
	p.append(t, pay("p2"))
	if got := get(t, s.site(t)+"/v1/funds/f/years/2022/tables/execution?wait=4"); got.StatusCode != 200 || !strings.Contains(got.text, `"seq":4`) {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	if got := request(t, "POST", s.site(t)+"/v1/funds/g/rebuild"); got.StatusCode != 404 {
		t.Errorf("of a fund that is not there: %d", got.StatusCode)
	}
	if got := request(t, "POST", s.site(t)+"/v1/funds/f/rebuild", "Sec-Fetch-Site", "cross-site"); got.StatusCode != 403 {
		t.Errorf("from another site's page: %d", got.StatusCode)
	}
}

// The rules of the writing side hold for reading.
func TestHTTPLetsReadersInAsItLetsWriters(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	s := p.serving(t, "--http", "0.0.0.0:0")
	site := strings.Replace(regexp.MustCompile(`http://\S+:\d+`).FindString(s.err.String()), "[::]", "127.0.0.1", 1)
	token := p.address(t).Token
	for _, path := range []string{"/v1/funds", "/v1/funds/f", "/v1/funds/f/events", "/v1/funds/f/years/2022/tables/execution", "/v1/funds/f/diff?from=1", "/v1/funds/f/events/1", "/v1/payees"} {
		if got := get(t, site+path); got.StatusCode != 401 || strings.Contains(got.text, "资金") {
			t.Errorf("%s without the token: %d %s", path, got.StatusCode, got.text)
		}
		if got := get(t, site+path, "Authorization", "Bearer "+token); got.StatusCode != 200 {
			t.Errorf("%s with the token: %d %s", path, got.StatusCode, got.text)
		}
		if got := get(t, site+path, "Authorization", "Bearer "+token, "Sec-Fetch-Site", "cross-site"); got.StatusCode != 200 { // it cannot read the answer
			t.Errorf("%s from another site's page: %d", path, got.StatusCode)
		}
	}
}

func TestHTTPIsDescribed(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small+pay("p1"))
	s := p.serving(t, "--http", ":0")
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In, Description string
				Required              bool
				Schema                struct{ Enum []string }
			}
			Responses map[string]struct {
				Description string
				Content     map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(get(t, s.site(t)+"/openapi.json").text), &doc); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for path, methods := range doc.Paths {
		op, found := methods["get"]
		if !found || !strings.HasPrefix(path, "/v1/") {
			continue
		}
		if op.Responses["200"].Content["text/event-stream"] != nil { // which does not end
			continue
		}
		asked++
		names := []string{"execution"}
		var query url.Values = map[string][]string{}
		if strings.HasSuffix(path, "/diff") {
			query.Set("from", "1")
		}
		for _, p := range op.Parameters {
			if p.Description == "" || p.Required != (p.In == "path") {
				t.Errorf("%s: the parameter %s is described as %+v", path, p.Name, p)
			}
			if p.Name == "name" {
				names = p.Schema.Enum
			}
			if p.In == "query" && !slices.Contains([]string{"by", "where", "threshold", "month", "after_close", "explain", "since", "payee", "account"}, p.Name) { // which not everything takes, or finds
				value := map[string]string{"as_of": "2022-12-31", "known_at": "3", "to": "3", "from": "1", "year": "2022", "wait": "3", "after": "1", "limit": "2", "line": "1", "fund": "f", "window": "5"}[p.Name]
				if path == "/v1/funds" && p.Name == "known_at" { // numbers differ from fund to fund
					value = "2026-06-30"
				}
				if value == "" && len(p.Schema.Enum) > 0 {
					value = p.Schema.Enum[0]
				}
				query.Set(p.Name, value)
			}
		}
		if len(names) == 0 {
			t.Errorf("%s names no tables", path)
		}
		for _, name := range names {
			at := strings.NewReplacer("{fund}", "f", "{year}", "2022", "{line}", "1", "{name}", name, "{n}", "3").Replace(path) + "?" + query.Encode()
			got := get(t, s.site(t)+at)
			contentType, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
			if r := op.Responses[strconv.Itoa(got.StatusCode)]; got.StatusCode != 200 || r.Content[contentType] == nil {
				t.Errorf("%s: status %d, %s, is described as %v: %s", at, got.StatusCode, contentType, op.Responses, got.text)
			}
		}
		for _, status := range []string{"404", "422", "503"} {
			if op.Responses[status].Description == "" {
				t.Errorf("%s: status %s is not described", path, status)
			}
		}
	}
	if asked != 13 {
		t.Errorf("%d questions are described", asked)
	}
}

// Whoever waits when the server is interrupted is told, and holds nothing up.
func TestHTTPWaitingEndsWithTheServer(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	s := p.serving(t, "--http", ":0")
	get(t, s.site(t)+"/v1/funds/f/years/2022/tables/budget")
	answered := make(chan reply)
	waiting := s.site(t) + "/v1/funds/f/years/2022/tables/budget?wait=3"
	go func() { answered <- get(t, waiting) }()
	go func() { answered <- get(t, waiting) }()
	p.append(t, pay("p1"))
	for range 2 {
		if got := <-answered; got.StatusCode != 200 || !strings.Contains(got.text, `"seq":3`) {
			t.Errorf("who waited for event 3: %d %s", got.StatusCode, got.text)
		}
	}
	// A server that stops drops a connection on which nothing is under way, and the request that was just then sent on it. So each has one of its own here, and they
	// are accepted in their order.
	begun := make(chan struct{})
	sent := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(begun) }})
	alone := func(ctx context.Context, path string) reply {
		r, err := http.NewRequestWithContext(ctx, "GET", s.site(t)+path, http.NoBody)
		if err != nil {
			t.Error(err)
		}
		return answerTo(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, r)
	}
	go func() {
		defer close(answered) // without an answer too
		answered <- alone(sent, "/v1/funds/f/years/2022/tables/budget?wait=4")
	}()
	<-begun
	alone(t.Context(), "/healthz")
	time.Sleep(20 * time.Millisecond) // in which the server reads the request; nothing tells when it has
	stopped := s.stop()
	// It has been answered by now, or never will be; that the answer has been read here too takes as long as it takes.
	if got, ok := <-answered; ok && got.StatusCode != 503 { // without one the test has failed
		t.Errorf("who waited when the server was interrupted: %d %s", got.StatusCode, got.text)
	}
	if stopped.code != exitOK {
		t.Errorf("exit %d: %s", stopped.code, stopped.err)
	}
}

// A figure is what is looked at of an answer while an import runs.
type figure struct {
	KnownAt struct{ Seq events.Seq } `json:"known_at"`
	Root    string
	Total   sides
	Rows    []struct {
		sides
		Line  string
		Depth int
	}
}

type sides struct{ Adjusted, Disbursed, Returned, Spent string }

// cents reads an amount in fen.
func cents(t testing.TB, s string) int64 {
	n, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	if err != nil {
		t.Errorf("%q is not an amount", s)
	}
	return n
}

// TestReadingWhileAnImportRuns holds every answer that is given while events come in to what the log's own prefix adds up to.
func TestReadingWhileAnImportRuns(t *testing.T) {
	t.Parallel()
	payments := 50_000
	if n, err := strconv.Atoi(os.Getenv("FUNDLEDGER_PAYMENTS")); err == nil { // as many as somebody has time for
		payments = n
	}
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	p.append(t, `{"kind":"fund-opened","fund":"f","year":2022,"name":"资金","lines":[{"code":"1","name":"a"},{"code":"2","name":"b"},{"code":"2.1","parent":"2","name":"c"}]}
{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"100000000.00","stage":"original"}
{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"2.1","amount":"100000000.00","stage":"original"}
`)
	imported := make(chan string)
	go func() {
		r, w := io.Pipe()
		go func() {
			for i := 1; i <= payments; i++ {
				line := []string{"1", "2.1"}[i%2]
				_, _ = fmt.Fprintf(w, `{"id":"p-%d","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":%q,"amount":"%d.%02d","channel":"payment"}`+"\n", i, line, 1+i%7, i%100)
				if i%10 == 0 {
					_, _ = fmt.Fprintf(w, `{"id":"r-%d","kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":"p-%d","amount":"0.50"}`+"\n", i, i-3)
				}
			}
			w.Close()
		}()
		resp, err := http.Post(s.site(t)+"/v1/funds/f/events", "application/jsonl", r)
		if err != nil {
			t.Error(err)
			imported <- ""
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		imported <- string(text)
	}()
	var mu sync.Mutex
	var figures []figure
	texts, tags := map[events.Seq]string{}, map[events.Seq]string{} // at each number all are alike
	done, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers sync.WaitGroup
	lists := map[events.Seq]string{} // which read the log again
	readers.Go(func() {
		for done.Err() == nil {
			got := get(t, s.site(t)+"/v1/funds/f/years/2022/tables/payments?where=channel=payment&lang=en")
			var f figure
			if err := json.Unmarshal([]byte(got.text), &f); err != nil || got.StatusCode != 200 {
				t.Errorf("payments: %d %.500s", got.StatusCode, got.text)
				return
			}
			mu.Lock()
			lists[f.KnownAt.Seq] = got.text
			mu.Unlock()
		}
	})
	ask := func(query string, least events.Seq) events.Seq {
		got := get(t, s.site(t)+"/v1/funds/f/years/2022/tables/execution"+query)
		var f figure
		if err := json.Unmarshal([]byte(got.text), &f); err != nil || got.StatusCode != 200 {
			t.Errorf("%s: %d %s", query, got.StatusCode, got.text)
			return least
		}
		if f.KnownAt.Seq < least {
			t.Errorf("who has seen event %d is shown %d", least, f.KnownAt.Seq)
		}
		mu.Lock()
		defer mu.Unlock()
		n := f.KnownAt.Seq
		if before, found := texts[n]; found && (before != got.text || tags[n] != got.Header.Get("ETag")) {
			t.Errorf("at %d two answers differ:\n%s\n%s", n, before, got.text)
		}
		texts[n], tags[n] = got.text, got.Header.Get("ETag")
		figures = append(figures, f)
		return n
	}
	for reader := range 6 {
		readers.Go(func() {
			var last events.Seq
			for done.Err() == nil {
				last = ask("", last)
				if reader == 0 && last > 1 { // and what was known before
					if n := ask("?known_at="+(last/2).String(), 0); n != last/2 {
						t.Errorf("as known at %d it is %d", last/2, n)
					}
				}
			}
		})
	}
	text := <-imported
	rs := receipts(t, text)
	cancel()
	readers.Wait()
	if n := strings.Count(statuses(rs), "appended"); n != payments*11/10 {
		t.Fatalf("%d of %d commands were appended, the last answers are %.2000s", n, payments*11/10, text[max(0, len(text)-2000):])
	}
	last := rs[len(rs)-1].Seq
	if n := ask("?wait="+last.String(), 0); n != last {
		t.Errorf("at the end it is %d, want %d", n, last)
	}
	if got := s.fund(t, "f"); got.State != "following" || got.Lag != 0 || got.Applied != uint64(last) {
		t.Errorf("the fund is %+v", got)
	}
	s.stop()
	for n, text := range lists {
		if n != last && len(lists) > 6 && n%5 != 0 { // some of them, for the time that it takes
			continue
		}
		if want := p.ok(t, "table", "payments", "--fund", "f", "--year", "2022", "--where", "channel=payment", "--known-at", n.String(), "--format", "json", "--lang", "en"); text != want {
			t.Errorf("the payments at %d are %d bytes, want %d", n, len(text), len(want))
		}
	}
	// What the log's prefixes add up to, by the postings as they stand in it.
	type sums struct {
		root                string
		disbursed, returned map[string]int64
	}
	want := map[events.Seq]sums{}
	slices.SortFunc(figures, func(a, b figure) int { return int(a.KnownAt.Seq) - int(b.KnownAt.Seq) })
	at, tree := 0, proof.Tree{}
	disbursed, returned := map[string]int64{}, map[string]int64{}
	for i, line := range p.stored(t) {
		n := events.Seq(i + 1)
		tree.Append(proof.Leaf([]byte(line)))
		for _, posting := range parseEvents(t, []string{line})[0].Data.Postings {
			of := map[string]map[string]int64{"disbursed": disbursed, "returned": returned}[posting.Measure]
			if of != nil {
				of[posting.Line] += cents(t, posting.Amount)
			}
		}
		for ; at < len(figures) && figures[at].KnownAt.Seq == n; at++ {
			if want[n].root == "" {
				want[n] = sums{tree.Root().String(), maps.Clone(disbursed), maps.Clone(returned)}
			}
		}
	}
	between := 0
	for _, f := range figures {
		n := f.KnownAt.Seq
		if n > 3 && n < last {
			between++
		}
		w := want[n]
		if f.Root != w.root {
			t.Errorf("at %d the root is %s, want %s", n, f.Root, w.root)
		}
		var d, r, s, top int64
		for _, row := range f.Rows {
			wantD, wantR := w.disbursed[row.Line], w.returned[row.Line]
			if row.Line == "2" {
				wantD, wantR = w.disbursed["2.1"], w.returned["2.1"]
			}
			if cents(t, row.Disbursed) != wantD || cents(t, row.Returned) != wantR || cents(t, row.Spent) != wantD-wantR {
				t.Errorf("at %d line %s has disbursed %s, returned %s, spent %s; want %d, %d", n, row.Line, row.Disbursed, row.Returned, row.Spent, wantD, wantR)
			}
			if row.Depth == 1 {
				d, r, s, top = d+cents(t, row.Disbursed), r+cents(t, row.Returned), s+cents(t, row.Spent), top+1
			}
		}
		if total := f.Total; cents(t, total.Disbursed) != d || cents(t, total.Returned) != r || cents(t, total.Spent) != s || d-r != s || top != 2 {
			t.Errorf("at %d the total is %+v over rows of %d, %d, %d", n, total, d, r, s)
		}
	}
	if between < 20 {
		t.Errorf("%d of %d answers fell into the import", between, len(figures))
	}
	t.Logf("%d answers at %d numbers, %d of them within the import; %d lists of payments", len(figures), len(want), between, len(lists))
}
