package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fundledger/events/words"
	"fundledger/ledger/api"

	"github.com/danielgtaylor/huma/v2"
)

// Records are a log of lines of JSON.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// all are the records of a message.
func (r *records) all(t testing.TB, message string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(r.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if record["msg"] == message {
			out = append(out, record)
		}
	}
	return out
}

func recorded(t testing.TB, o api.HTTPOptions) (*site, *records) {
	var kept records
	o.Records = slog.New(slog.NewJSONHandler(&kept, nil))
	return over(t, "127.0.0.1:0", o, nil), &kept
}

func TestRequestsHaveNames(t *testing.T) {
	t.Parallel()
	s := local(t)
	made := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	seen := map[string]bool{}
	for _, c := range []struct {
		name    string
		headers []string
		want    string // "": one that was made
	}{
		{"none", nil, ""},
		{"a trace", []string{"Traceparent", "00-" + trace + "-00f067aa0ba902b7-01"}, trace},
		{"a trace and an id", []string{"Traceparent", "00-" + trace + "-00f067aa0ba902b7-00", "X-Request-Id", "mine"}, trace},
		{"a trace of a later version", []string{"Traceparent", "cc-" + trace + "-00f067aa0ba902b7-01-what-the-future-will-be-like"}, trace},
		{"a trace with more than its version has", []string{"Traceparent", "00-" + trace + "-00f067aa0ba902b7-01-more"}, ""},
		{"a forbidden version", []string{"Traceparent", "ff-" + trace + "-00f067aa0ba902b7-01"}, ""},
		{"a trace of zeros", []string{"Traceparent", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01"}, ""},
		{"a parent of zeros", []string{"Traceparent", "00-" + trace + "-0000000000000000-01", "X-Request-Id", "mine"}, "mine"},
		{"capitals", []string{"Traceparent", "00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01"}, ""},
		{"an id", []string{"X-Request-Id", "job/17:a.b_c@host=x+y-z"}, "job/17:a.b_c@host=x+y-z"},
		{"a long id", []string{"X-Request-Id", strings.Repeat("x", 129)}, ""},
		{"an id with a space", []string{"X-Request-Id", "a b"}, ""},
		{"an id that would end an attribute", []string{"X-Request-Id", `a","level":"ERROR`}, ""},
		{"an id in Chinese", []string{"X-Request-Id", "张三"}, ""},
	} {
		for _, path := range []string{"/healthz", "/nowhere"} {
			got := s.ask(t, "GET", path, "", c.headers...)
			id := got.Header.Get("X-Request-Id")
			if c.want != "" && id != c.want || c.want == "" && (!made.MatchString(id) || seen[id]) {
				t.Errorf("%s: %s is answered as %q, want %q", c.name, path, id, c.want)
			}
			seen[id] = true
		}
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	s, kept := recorded(t, api.HTTPOptions{})
	mine := func(id string) []string { return []string{"X-Request-Id", id} }
	s.post(t, fundA, asJSON, opened, mine("r1")...)
	answer := s.ask(t, "GET", "/nowhere/张三?payee=张三", "", mine("r2")...)
	s.ask(t, "BREW", "/healthz", "", mine("r3")...)
	s.ask(t, "GET", "/healthz", "", mine("r4")...)
	// One refused, one that says something else, one appended, one that is there: in lines, in a list, and all or none.
	line := func(id, line string) string {
		return fmt.Sprintf(`{"id":%q,"kind":"line-added","fund":"a","year":2022,"line":%q,"name":"张三"}`, id, line)
	}
	s.post(t, fundA, "application/jsonl", line("l1", "7")+"\n"+line("l2", "7")+"\n"+line("l1", "7")+"\n{\"kind\":\"nothing\"}\n", mine("r5")...)
	s.post(t, fundA, asJSON, "["+line("l3", "8")+","+line("l4", "8")+"]", mine("r6")...)
	s.post(t, fundA+"?atomic=true", asJSON, "["+line("l5", "9")+","+line("l6", "9")+"]", mine("r7")...)
	s.stop()
	if text := kept.String(); strings.Contains(text, "张三") || strings.Contains(text, "nowhere") || strings.Contains(text, "BREW") {
		t.Errorf("what somebody sent stands in the log: %s", text)
	}
	requests := map[any]map[string]any{}
	for _, r := range kept.all(t, "request") {
		requests[r["request_id"]] = r
	}
	for id, want := range map[string]map[string]any{
		"r1": {"method": "POST", "route": "/v1/funds/{fund}/events", "status": 201.0, "level": "INFO"},
		"r2": {"method": "GET", "route": "", "status": 404.0, "bytes": float64(len(answer.body)), "level": "INFO"},
		"r3": {"method": "other", "route": "", "status": 405.0},
		"r5": {"method": "POST", "route": "/v1/funds/{fund}/events", "status": 200.0},
		"r7": {"status": 200.0},
	} {
		for name, v := range want {
			if got := requests[id][name]; got != v {
				t.Errorf("request %s has %s %v, want %v", id, name, got, v)
			}
		}
		if seconds, ok := requests[id]["seconds"].(float64); !ok || seconds <= 0 {
			t.Errorf("request %s took %v", id, requests[id]["seconds"])
		}
	}
	if requests["r4"] != nil {
		t.Errorf("a probe that went well is recorded: %v", requests["r4"])
	}
	appends := map[any]map[string]any{}
	for _, r := range kept.all(t, "append") {
		appends[r["request_id"]] = r
	}
	for id, want := range map[string]string{
		"r1": `{"commands":1,"appended":1,"first_seq":1,"last_seq":1}`,
		"r5": `{"commands":4,"appended":1,"duplicate":1,"refused":2,"first_seq":2,"last_seq":2,"codes":{"line-exists":1,"unknown-kind":1}}`,
		"r6": `{"commands":2,"appended":1,"refused":1,"first_seq":3,"last_seq":3,"codes":{"line-exists":1}}`,
		"r7": `{"commands":2,"refused":1,"not_tried":1,"codes":{"line-exists":1}}`,
	} {
		got := appends[id]
		if got["fund"] != "a" {
			t.Errorf("append %s is of fund %v", id, got["fund"])
		}
		for _, name := range []string{"time", "level", "msg", "request_id", "fund", "seconds"} {
			delete(got, name)
		}
		var wanted map[string]any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Errorf("append %s is %v, want %v", id, got, wanted)
		}
	}
	if len(appends) != 4 {
		t.Errorf("%d appends are recorded, want 4", len(appends))
	}
}

// TestHostileNamesInRecords sends what would break a log of lines or make labels without end.
func TestHostileNamesInRecords(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	routes := map[string]int{}
	s, kept := recorded(t, api.HTTPOptions{Served: func(e *api.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		routes[e.Method+" "+e.Route]++
	}})
	for i, fund := range []string{"%0A%7B%22msg%22:%22request%22%7D", "..%2f..%2fhealthz", "a%22b", strings.Repeat("x", 2000), "%E2%80%AEabc", "no-such"} {
		s.post(t, "/v1/funds/"+fund+"/events", asJSON, opened, "X-Request-Id", fmt.Sprint("h", i))
	}
	s.stop()
	if len(routes) > 2 || routes["POST /v1/funds/{fund}/events"] < 5 {
		t.Errorf("the routes are %v", routes)
	}
	got := kept.all(t, "append")
	for _, r := range got {
		if fund, named := r["fund"]; named && fund != "no-such" {
			t.Errorf("a name that is no fund's is recorded: %v", r)
		}
	}
	if n := len(kept.all(t, "request")); n != 6 || strings.Count(kept.String(), "\n") != 6+len(got) {
		t.Errorf("6 requests have %d records, in %s", n, kept)
	}
}

// TestFaultsNameTheirRequest holds that who is answered with a fault of the server, and who reads its log, can speak of the same request.
func TestFaultsNameTheirRequest(t *testing.T) {
	t.Parallel()
	s, kept := recorded(t, api.HTTPOptions{
		Ready: func(context.Context) error { return errors.New("gone") },
		Routes: []api.Route{{
			Operation: huma.Operation{OperationID: "breaks", Method: http.MethodGet, Path: "/breaks", Responses: map[string]*huma.Response{"200": {Description: "never whole"}}},
			Answer: func(w http.ResponseWriter, _ *http.Request, _ words.Language) error {
				_, _ = w.Write([]byte("half an"))
				panic("a defect")
			},
		}},
	})
	got := s.ask(t, "GET", "/readyz", "", "X-Request-Id", "broken-1")
	if p := got.problem(t); p.Status != 503 || p.Request != "broken-1" {
		t.Errorf("the problem is %s", got.body)
	}
	if got := s.ask(t, "GET", "/nowhere", ""); strings.Contains(got.body, "request_id") {
		t.Errorf("a fault of the caller: %s", got.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+"/breaks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "broken-2")
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
	}
	s.stop()
	levels := map[any]any{}
	broken := map[any]any{}
	for _, r := range kept.all(t, "request") {
		levels[r["request_id"]], broken[r["request_id"]] = r["level"], r["broken"]
	}
	if levels["broken-1"] != "WARN" || levels["broken-2"] != "WARN" || broken["broken-1"] != nil || broken["broken-2"] != true {
		t.Errorf("the log says %s", kept)
	}
}

func TestReadyForReaders(t *testing.T) {
	t.Parallel()
	var is api.Reading
	s := over(t, "127.0.0.1:0", api.HTTPOptions{Reading: func() api.Reading { return is }}, nil)
	for _, c := range []struct {
		is       api.Reading
		path     string
		status   int
		contains string
	}{
		{api.Reading{}, "/readyz", 200, `{"status":"ok","lag":0,"loading":0,"unreachable":0,"stopped":0}`},
		{api.Reading{Lag: 9}, "/readyz?reading=true", 200, `"lag":9`},
		{api.Reading{Loading: 1}, "/readyz", 200, `"loading":1`},
		{api.Reading{Loading: 1}, "/readyz?reading=false", 200, `"loading":1`},
		{api.Reading{Loading: 1}, "/readyz?reading=true", 503, "1 being loaded"},
		{api.Reading{Unreachable: 2}, "/readyz?reading=true", 503, "2 with a log out of reach"},
		{api.Reading{Stopped: 3}, "/readyz?reading=true", 503, "3 stopped"},
		{api.Reading{}, "/readyz?reading=maybe", 422, "true false"},
	} {
		is = c.is
		got := s.ask(t, "GET", c.path, "")
		if got.StatusCode != c.status || !strings.Contains(got.body, c.contains) {
			t.Errorf("%+v: %s is %d %s", c.is, c.path, got.StatusCode, got.body)
		}
		if c.status == 503 && got.Header.Get("Retry-After") == "" {
			t.Errorf("%+v: it is not said when to ask again", c.is)
		}
	}
}
