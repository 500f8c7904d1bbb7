package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fundledger/events/words"
	"fundledger/ledger"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A scraped page of metrics, by their names.
type scraped map[string]*dto.MetricFamily

func scrape(t *testing.T, s *server) scraped {
	t.Helper()
	got := get(t, s.site(t)+"/metrics")
	if got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %s: %s", got.StatusCode, got.Header.Get("Content-Type"), got.text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(got.text))
	if err != nil {
		t.Fatalf("%v: %s", err, got.text)
	}
	return families
}

// scrapeShown scrapes until a fund's balances are of the last of so many events, and at least twice: the first counts no request, since it is the first.
func scrapeShown(t *testing.T, s *server, fund string, n int) scraped {
	t.Helper()
	scrape(t, s)
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		m := scrape(t, s)
		if v, ok := m.value("fundledger_fund_events", "fund", fund); ok && v == float64(n) && m.is("fundledger_fund_reading_state", "fund", fund, "state", "following") {
			return m
		}
		if time.Since(begun) > enough {
			t.Fatalf("%s is not shown at event %d: %v", fund, n, m["fundledger_fund_events"])
		}
	}
}

// value is that of the metric with these labels, which are names and values in turn; of a histogram how many values it has. ok is false where there is none.
func (m scraped) value(name string, labels ...string) (v float64, ok bool) {
	for _, metric := range m[name].GetMetric() {
		has := map[string]string{}
		for _, l := range metric.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && has[labels[i]] == labels[i+1]
		}
		if fits {
			switch {
			case metric.Counter != nil:
				return metric.GetCounter().GetValue(), true
			case metric.Histogram != nil:
				return float64(metric.GetHistogram().GetSampleCount()), true
			}
			return metric.GetGauge().GetValue(), true
		}
	}
	return 0, false
}

func (m scraped) is(name string, labels ...string) bool {
	v, ok := m.value(name, labels...)
	return ok && v == 1
}

// TestMetricsCountWhatHappened appends, repeats and has refused, and reads the counters.
func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	before := scrape(t, s)
	for _, name := range []string{"fundledger_commands_total", "fundledger_refusals_total"} {
		for _, m := range before[name].GetMetric() {
			if m.GetCounter().GetValue() != 0 {
				t.Errorf("nothing has happened, and %s has %v", name, m)
			}
		}
	}
	if v, ok := before.value("fundledger_refusals_total", "code", "over-budget"); !ok || v != 0 {
		t.Error("what was never refused is absent: the first refusal would be no increase")
	}
	over := strings.Replace(pay("big"), `"1.00"`, `"5000.00"`, 1)
	rs := p.append(t, small+pay("p1")+pay("p1")+over+over)
	if statuses(rs) != "appended appended appended duplicate refused/over-budget refused/over-budget" {
		t.Fatal(statuses(rs))
	}
	if status, text := fetch(t, "POST", s.site(t)+"/v1/funds/f/events?atomic=true", pay("p2")+over, "Content-Type", "application/jsonl"); status != 200 {
		t.Fatal(status, text)
	}
	m := scrapeShown(t, s, "f", 3)
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "fundledger_events_appended_total", []string{"fund", "f"}},
		{3, "fundledger_commands_total", []string{"status", "appended"}},
		{1, "fundledger_commands_total", []string{"status", "duplicate"}},
		{3, "fundledger_commands_total", []string{"status", "refused"}},
		{1, "fundledger_commands_total", []string{"status", "not-tried"}},
		{0, "fundledger_commands_total", []string{"status", "failed"}},
		{3, "fundledger_refusals_total", []string{"code", "over-budget"}},
		{0, "fundledger_refusals_total", []string{"code", "unknown-fund"}},
		{8, "fundledger_answer_duration_seconds", nil},
		{0, "fundledger_commands_waiting", nil},
		{0, "fundledger_blocks_unacknowledged_total", nil},
		{1, "fundledger_store_reachable", nil},
		{0, "fundledger_fund_lag_events", []string{"fund", "f"}},
		{0, "fundledger_fund_reading_state", []string{"fund", "f", "state", "stopped"}},
		{0, "fundledger_live_clients", []string{"feed", "balances"}},
		{1, "fundledger_http_requests_total", []string{"route", "/v1/funds/{fund}/events", "method", "POST", "status", "200"}},
		{1, "fundledger_http_request_duration_seconds", []string{"route", "/v1/funds/{fund}/events", "method", "POST"}},
		{1, "fundledger_http_requests_under_way", nil}, // the scrape
	} {
		if got, ok := m.value(c.name, c.labels...); !ok || got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	blocks, _ := m.value("fundledger_block_events")
	if sum := m["fundledger_block_events"].GetMetric()[0].GetHistogram().GetSampleSum(); sum != 3 || blocks < 1 || blocks > 3 {
		t.Errorf("%v blocks of %v events", blocks, sum)
	}
	for _, name := range []string{"fundledger_commit_duration_seconds", "fundledger_block_size_bytes"} {
		if n, _ := m.value(name); n != blocks {
			t.Errorf("%s has %v values for %v blocks", name, n, blocks)
		}
	}
}

// TestMetricsOfYearsAreTheTables compares every balance with the total of the execution table, of funds in currencies of two, no and three decimals, and of a year
// without a budget.
func TestMetricsOfYearsAreTheTables(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	rs := p.append(t, sample())
	for _, c := range [][3]string{{"jp", "JPY", "123456789"}, {"kw", "KWD", "1234567.891"}} {
		p.append(t, strings.NewReplacer(`"fund":"f"`, `"fund":"`+c[0]+`"`, `"name":"资金"`, `"name":"资金","currency":"`+c[1]+`"`, "1000.00", c[2]).Replace(small))
	}
	s := p.serving(t, "--http", ":0")
	scrapeShown(t, s, "jp", 2)
	scrapeShown(t, s, "kw", 2)
	m := scrapeShown(t, s, "cd-gx", len(rs))
	compared, absent := 0, 0
	for _, of := range [][2]string{{"cd-gx", "2022"}, {"cd-gx", "2023"}, {"jp", "2022"}, {"kw", "2022"}} {
		var table struct {
			Currency string
			Total    map[string]any
		}
		if err := json.Unmarshal([]byte(p.ok(t, "table", "execution", "--fund", of[0], "--year", of[1], "--format", "json")), &table); err != nil {
			t.Fatal(err)
		}
		check := func(metric string, cell any) {
			got, ok := m.value(metric, "fund", of[0], "year", of[1], "currency", table.Currency)
			if cell == nil {
				absent++
				if ok {
					t.Errorf("%s of %v is %v, and the table has none", metric, of, got)
				}
				return
			}
			want, err := strconv.ParseFloat(cell.(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(metric, "_ratio") {
				want, got = math.Round(want*100), math.Round(got*10000)
			}
			if compared++; !ok || got != want {
				t.Errorf("%s of %v is %v, the table has %v", metric, of, got, cell)
			}
		}
		for _, y := range yearMoney {
			cell, has := table.Total[string(y.measure)]
			if !has {
				t.Errorf("the table has no %s", y.measure)
			}
			check("fundledger_year_"+string(y.measure), cell)
		}
		check("fundledger_year_execution_ratio", table.Total["rate"])
	}
	if compared < 30 || absent == 0 {
		t.Errorf("%d were compared and %d are absent", compared, absent)
	}
	// What is appended later is in the next scrape.
	p.append(t, strings.Replace(strings.Replace(pay("later"), `"fund":"f"`, `"fund":"kw"`, 1), `"1.00"`, `"0.001"`, 1))
	if v, _ := scrapeShown(t, s, "kw", 3).value("fundledger_year_spent", "fund", "kw"); v != 0.001 {
		t.Errorf("later %v is spent", v)
	}
}

// TestMetricsAreInOrder holds the page against the rules of Prometheus and against the manual.
func TestMetricsAreInOrder(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	p.append(t, sample())
	m := scrapeShown(t, s, "cd-gx", strings.Count(sample(), "\n"))
	problems, err := promlint.New(strings.NewReader(get(t, s.site(t)+"/metrics").text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range problems {
		if strings.HasPrefix(fault.Metric, "fundledger_") {
			t.Errorf("%s: %s", fault.Metric, fault.Text)
		}
	}
	named := regexp.MustCompile(`(?m)^- (fundledger_[a-z_]+)(?:\{([a-z_,]+)\})?`)
	for _, lang := range words.Languages {
		told := map[string]string{}
		for _, match := range named.FindAllStringSubmatch((page{sectionTopic, "metrics"}).text(lang), -1) {
			told[match[1]] = match[2]
			if m[match[1]] == nil {
				t.Errorf("the manual in %s tells of %s, which is not shown", lang, match[1])
			}
		}
		for name, family := range m {
			if !strings.HasPrefix(name, "fundledger_") {
				continue
			}
			if family.GetHelp() == "" {
				t.Errorf("%s has no help", name)
			}
			labels, ok := told[name]
			if !ok {
				t.Errorf("the manual in %s does not tell of %s", lang, name)
				continue
			}
			var has []string
			for _, l := range family.GetMetric()[0].GetLabel() {
				has = append(has, l.GetName())
			}
			want := strings.FieldsFunc(labels, func(r rune) bool { return r == ',' })
			if strings.HasPrefix(name, "fundledger_year_") { // whose labels are told of all together
				want = []string{"fund", "year", "currency"}
			}
			if slices.Sort(want); !slices.Equal(has, want) {
				t.Errorf("%s has the labels %v; the manual in %s says %v", name, has, lang, want)
			}
		}
	}
}

// TestDashboard holds Grafana's dashboard against a server that runs: every metric that an expression names is shown, with the labels that it asks for.
func TestDashboard(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(module, "deploy", "grafana-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title         string
		UID           string
		SchemaVersion int
		Panels        []struct {
			ID         int
			Title      string
			Type       string
			Datasource struct{ UID string }
			GridPos    struct{ X, Y, W, H int }
			Targets    []struct {
				RefID      string
				Expr       string
				Datasource struct{ UID string }
			}
		}
		Templating struct {
			List []struct {
				Name       string
				Type       string
				Definition string
			}
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	p.append(t, sample())
	m := scrapeShown(t, s, "cd-gx", strings.Count(sample(), "\n"))
	variables := map[string]bool{"__rate_interval": true}
	asked := map[string]bool{}
	metric, variable := regexp.MustCompile(`\b((?:fundledger|process|go)_[a-z_]+)(?:\{([^}]*)\})?`), regexp.MustCompile(`\$\{?([a-z_]+)`)
	label := regexp.MustCompile(`([a-z_]+)(?:=~|=)"`)
	check := func(where, expr string) {
		found := metric.FindAllStringSubmatch(expr, -1)
		if len(found) == 0 {
			t.Errorf("%s asks for nothing: %q", where, expr)
		}
		for _, match := range found {
			name, part := match[1], ""
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if short, cut := strings.CutSuffix(name, suffix); cut && m[name] == nil && m[short].GetType() == dto.MetricType_HISTOGRAM {
					name, part = short, suffix
				}
			}
			family := m[name]
			if family == nil {
				t.Errorf("%s asks for %s, which no server shows", where, match[1])
				continue
			}
			if family.GetType() == dto.MetricType_HISTOGRAM && part == "" {
				t.Errorf("%s asks for %s, which is a histogram", where, name)
			}
			asked[name] = true
			for _, l := range label.FindAllStringSubmatch(match[2], -1) {
				has := slices.ContainsFunc(family.GetMetric()[0].GetLabel(), func(p *dto.LabelPair) bool { return p.GetName() == l[1] })
				if !has && l[1] != "job" && l[1] != "instance" {
					t.Errorf("%s asks for %s by %s, a label that it has not", where, name, l[1])
				}
			}
		}
		for _, match := range variable.FindAllStringSubmatch(expr, -1) {
			if !variables[match[1]] {
				t.Errorf("%s uses $%s, which is not asked for before", where, match[1])
			}
		}
	}
	for _, v := range board.Templating.List {
		if v.Type == "query" {
			check("the variable "+v.Name, v.Definition)
		}
		variables[v.Name] = true
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: its id or title is none of its own", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q is beyond the edge", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[at]; other != "" {
					t.Fatalf("panel %q lies upon %q", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %q asks %q for %d things", p.Title, p.Datasource.UID, len(p.Targets))
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || refs[target.RefID] {
				t.Errorf("panel %q asks %q as %s", p.Title, target.Datasource.UID, target.RefID)
			}
			refs[target.RefID] = true
			check("panel "+p.Title, target.Expr)
		}
	}
	for name := range m {
		if strings.HasPrefix(name, "fundledger_") && !asked[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
	if board.UID == "" || board.SchemaVersion < 39 || !variables["datasource"] {
		t.Errorf("the dashboard is %q of schema %d", board.UID, board.SchemaVersion)
	}
}

// TestHostileNamesMakeNoLabels asks for funds, paths and methods that somebody makes up, and sends commands for them.
func TestHostileNamesMakeNoLabels(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	s := p.serving(t, "--http", ":0")
	const made = "hostile"
	for i := range 20 {
		name := fmt.Sprintf("%s-%d", made, i)
		for _, path := range []string{"/v1/funds/" + name + "/years/2022/tables/execution", "/" + name, "/v1/" + name, "/v1/funds/" + name, "/v1/funds/f/years/2022/tables/" + name, "/problems/" + name, "/assets/" + name} {
			request(t, "GET", s.site(t)+path+"?payee="+made)
			request(t, strings.ToUpper(made), s.site(t)+path)
		}
		rs := p.append(t, strings.Replace(pay("p"), `"fund":"f"`, `"fund":"`+name+`"`, 1)+`{"kind":"`+name+`","fund":"f"}`)
		if statuses(rs) != "refused/unknown-fund refused/unknown-kind" {
			t.Fatal(statuses(rs))
		}
		fetch(t, "POST", s.site(t)+"/v1/funds/"+name+"/events", pay("p"), "Content-Type", "application/json")
	}
	m := scrapeShown(t, s, "f", 2)
	if v, _ := m.value("fundledger_refusals_total", "code", "unknown-fund"); v != 20 {
		t.Errorf("%v were refused", v)
	}
	for name, family := range m {
		for _, metric := range family.GetMetric() {
			for _, l := range metric.GetLabel() {
				if strings.Contains(strings.ToLower(l.GetValue()), made) {
					t.Errorf("%s has the label %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
		if n := len(family.GetMetric()); strings.HasPrefix(name, "fundledger_http") && n > 40 {
			t.Errorf("%s has %d metrics", name, n)
		}
	}
	if v, ok := m.value("fundledger_http_requests_total", "route", "other", "method", "GET", "status", "404"); !ok || v < 20 {
		t.Errorf("%v requests for nothing are counted", v)
	}
}

// TestMetricsOnTheNetworkNeedTheToken holds that a scrape is a question like any other.
func TestMetricsOnTheNetworkNeedTheToken(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", "0.0.0.0:0")
	url := strings.Replace(regexp.MustCompile(`http://\S+:\d+`).FindString(s.err.String()), "[::]", "127.0.0.1", 1)
	if got := get(t, url+"/metrics"); got.StatusCode != 401 {
		t.Errorf("without the token: %d", got.StatusCode)
	}
	if got := get(t, url+"/metrics", "Authorization", "Bearer "+p.address(t).Token); got.StatusCode != 200 {
		t.Errorf("with the token: %d", got.StatusCode)
	}
}

// TestFaultsStandOutInTheLog: what a server says the cause of is not among what goes as it should, and no level is of a note that there is not.
func TestFaultsStandOutInTheLog(t *testing.T) {
	t.Parallel()
	for _, name := range texts.Names(words.English) {
		fault := strings.HasPrefix(name, "serve.") && strings.Contains(texts.Text(words.English, name), "{{.cause}}")
		if fault && noteLevels[name] < slog.LevelWarn {
			t.Errorf("%s has the level %s", name, noteLevels[name])
		}
	}
	for name := range noteLevels {
		if !texts.Has(name) {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestServeKeepsALog runs a server with each form of log: every line is a record, and what people would be told is in it.
func TestServeKeepsALog(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0", "--log", "json", "--sample")
	p.append(t, strings.Replace(pay("secret"), `"channel"`, `"payee":{"name":"张三","account":"6222020200112233445"},"channel"`, 1))
	if status, text := fetch(t, "POST", s.site(t)+"/v1/funds/f/events", small+pay("p1"), "Content-Type", "application/jsonl", "X-Request-Id", "day-1"); status != 200 {
		t.Fatal(status, text)
	}
	get(t, s.site(t)+"/v1/payees?payee=%E5%BC%A0%E4%B8%89%0A%7B%7D", "X-Request-Id", "day-2")
	get(t, s.site(t)+"/healthz")
	got := s.stop()
	if got.code != exitOK {
		t.Errorf("exit %d", got.code)
	}
	if account := "6222020200112233445"; strings.Contains(got.err, "张三") || strings.Contains(got.err, account) || strings.Contains(got.err, "payee=") {
		t.Errorf("who was paid stands in the log: %s", got.err)
	}
	var messages []string
	by := map[any]map[string]any{}
	for line := range strings.Lines(got.err) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		at, err := time.Parse(time.RFC3339Nano, record["time"].(string))
		if err != nil || !strings.HasSuffix(record["time"].(string), "Z") || at.IsZero() {
			t.Errorf("its time is %v", record["time"])
		}
		messages = append(messages, record["msg"].(string))
		by[record["msg"].(string)+" "+fmt.Sprint(record["request_id"])] = record
	}
	if text := strings.Join(messages, " "); text != "loaded ready append append request request stopping stopped" {
		t.Errorf("the log tells of %s", text)
	}
	if r := by["ready <nil>"]; r["http"] != s.site(t) || !strings.Contains(r["says"].(string), "serving ") || r["folder"] != p.folder {
		t.Errorf("it is ready with %v", r)
	}
	if r := by["append <nil>"]; r["user"] != ledger.Local.ID || r["refused"] != 1.0 || fmt.Sprint(r["codes"]) != "map[unknown-fund:1]" {
		t.Errorf("over NATS: %v", r)
	}
	if r := by["append day-1"]; r["appended"] != 3.0 || r["fund"] != "f" || r["first_seq"] != 1.0 || r["last_seq"] != 3.0 {
		t.Errorf("over HTTP: %v", r)
	}
	if r := by["request day-2"]; r["route"] != "/v1/payees" || r["method"] != "GET" {
		t.Errorf("a question: %v", r)
	}

	text := p.serving(t, "--http", ":0", "--log", "text")
	get(t, text.site(t)+"/v1/funds", "X-Request-Id", "day-3")
	for line := range strings.Lines(text.stop().err) {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("not a record: %q", line)
		}
	}
	if said := text.err.String(); !strings.Contains(said, "request_id=day-3 method=GET route=/v1/funds status=200") {
		t.Errorf("the log says %s", said)
	}

	off := p.serving(t, "--http", ":0")
	get(t, off.site(t)+"/v1/funds")
	if said := off.stop().err; strings.Contains(said, "request") || strings.Count(said, "\n") != 3 || strings.Count(said, "fundledger: ") != 3 {
		t.Errorf("without a log it says %s", said)
	}
	if got := p.run(t, "serve", "--log", "xml"); got.code != exitUsage || !strings.Contains(got.err, "off, text, json") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
