package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// hostile is a name that would be a script, steer a terminal, and turn the direction of what follows.
const hostile = `</text><script>alert(1)</script>\u001b[31m\u202e`

// drawnFund is a year in which every measure moves: a line beyond its budget, one without any, refunds, a virement, money lapsed and committed, payees with bad names,
// something paid before the year and something after it; a year of which nothing is known but that it is open; and one whose budgets are not known.
var drawnFund = strings.Join([]string{
	`{"kind":"fund-opened","fund":"f","year":2022,"name":"` + hostile + `","lines":[{"code":"1","name":"组"},{"code":"1.1","parent":"1","name":"` + hostile + `"},{"code":"1.2","parent":"1","name":"乙"},{"code":"2","name":"丙"},{"code":"3","name":"丁"}]}`,
	`{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1.1","amount":"1000.00","stage":"original"}`,
	`{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1.2","amount":"300.00","stage":"original"}`,
	`{"kind":"appropriated","fund":"f","year":2022,"date":"2022-04-01","line":"2","amount":"77.77","stage":"supplementary"}`,
	`{"kind":"reallocated","fund":"f","year":2022,"date":"2022-05-01","from":[{"line":"1.1","amount":"100.00"}],"to":[{"line":"1.2","amount":"100.00"}]}`,
	`{"id":"c","kind":"committed","fund":"f","year":2022,"date":"2022-03-01","line":"1.1","amount":"123.45","payee":{"name":"a"}}`,
	`{"id":"p1","kind":"disbursed","fund":"f","year":2022,"date":"2021-12-30","line":"1.1","amount":"33.33","channel":"payment","mode":"record","basis":"stated","documents":["d"],"payee":{"name":"a"},"voucher":{"issuer":"i","year":2021,"type":"t","number":"1"}}`,
	`{"id":"p2","kind":"disbursed","fund":"f","year":2022,"date":"2022-02-14","line":"1.1","amount":"250.00","channel":"payment","payee":{"name":"` + hostile + `"},"voucher":{"issuer":"i","year":2022,"type":"t","number":"2"}}`,
	`{"id":"p3","kind":"disbursed","fund":"f","year":2022,"date":"2022-06-30","line":"1.1","amount":"66.67","channel":"payment","payee":{"name":"b"},"voucher":{"issuer":"i","year":2022,"type":"t","number":"3"}}`,
	`{"id":"p4","kind":"disbursed","fund":"f","year":2022,"date":"2022-06-30","line":"1.1","amount":"10.01","channel":"payment","payee":{"name":"d"},"voucher":{"issuer":"i","year":2022,"type":"t","number":"4"}}`,
	`{"id":"p5","kind":"disbursed","fund":"f","year":2022,"date":"2022-06-30","line":"1.1","amount":"9.99","channel":"payment","payee":{"name":"e"},"voucher":{"issuer":"i","year":2022,"type":"t","number":"5"}}`,
	`{"id":"p6","kind":"disbursed","fund":"f","year":2022,"date":"2022-08-30","line":"1.2","amount":"512.34","channel":"payment","mode":"record","basis":"stated","documents":["d"],"payee":{"name":"a"},"voucher":{"issuer":"i","year":2022,"type":"t","number":"6"}}`,
	`{"id":"p7","kind":"disbursed","fund":"f","year":2022,"date":"2023-02-01","line":"3","amount":"8.00","channel":"payment","mode":"record","basis":"stated","documents":["d"],"voucher":{"issuer":"i","year":2022,"type":"t","number":"7"}}`,
	`{"kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-07-07","of":"p2","amount":"50.00"}`,
	`{"kind":"clawed-back","cause":"lapse","fund":"f","year":2022,"date":"2022-12-31","line":"1.1","amount":"40.00"}`,
	`{"kind":"fund-opened","fund":"f","year":2023,"name":"空","lines":[{"code":"1","name":"a"}]}`,
	`{"kind":"fund-opened","fund":"f","year":2024,"name":"无预算","budgeted":false,"lines":[{"code":"1","name":"a"}]}`,
	`{"kind":"disbursed","fund":"f","year":2024,"date":"2024-03-01","line":"1","amount":"5.00","channel":"payment","voucher":{"issuer":"i","year":2024,"type":"t","number":"1"}}`,
}, "\n") + "\n"

// drawing serves that fund.
func drawing(t *testing.T) (url string) {
	t.Helper()
	_, s := servingFund(t, drawnFund)
	return s.site(t)
}

// inCents reads an amount as any page or answer writes it.
func inCents(t *testing.T, text string) int64 {
	t.Helper()
	return cents(t, strings.TrimPrefix(strings.ReplaceAll(text, ",", ""), "+"))
}

// An executed is the execution table of an answer.
type executed struct {
	Rows  []map[string]any
	Total map[string]any
}

func execution(t *testing.T, url, query string) (out executed) {
	t.Helper()
	status, text := fetch(t, "GET", url+"/v1/funds/f/years/2022/tables/execution?"+query, "")
	if err := json.Unmarshal([]byte(text), &out); status != 200 || err != nil {
		t.Fatalf("%d %v %s", status, err, text)
	}
	return out
}

// chartTable is the table under a chart of a page.
func chartTable(t *testing.T, page, id string) pageTable {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<figure class="chart card" id="`+id+`"`)
	if !ok {
		t.Fatalf("there is no chart %s:\n%s", id, page)
	}
	figure, _, _ := strings.Cut(rest, "</figure>")
	return tablesOf(figure)[0][1:]
}

// TestBarsAreTheTablesAmounts measures each bar of the page of a year against the amounts that programs are told.
func TestBarsAreTheTablesAmounts(t *testing.T) {
	t.Parallel()
	url := drawing(t)
	for _, query := range []string{"", "as_of=2022-06-30", "as_of=2021-12-31", "known_at=9", "basis=stated"} {
		_, page := fetch(t, "GET", url+"/funds/f/years/2022?lang=en&"+query, "")
		rows := map[string]map[string]any{}
		of := execution(t, url, query)
		for _, r := range append(of.Rows, of.Total) {
			rows[r["line"].(string)] = r
		}
		found := 0
		for _, row := range rowForm.FindAllString(page, -1) {
			cells := cellForm.FindAllStringSubmatch(row, -1)
			if len(cells) < 3 || !strings.Contains(row, `<svg class="bar"`) {
				continue
			}
			r := rows[tagForm.ReplaceAllString(cells[0][2], "")]
			found++
			budget, spent := inCents(t, r["adjusted"].(string)), inCents(t, r["spent"].(string))
			committed, available := inCents(t, r["committed"].(string)), inCents(t, r["available"].(string))
			over := strings.Contains(row, ">over</text>") || strings.Contains(row, ">no budget</text>")
			if over != (available < 0) {
				t.Errorf("%s: line %v has %d available, and its bar says over: %v", query, r["line"], available, over)
			}
			if budget <= 0 {
				continue
			}
			whole := width(t, row, "left") // where the budget ends
			for class, amount := range map[string]int64{"spent": min(max(spent, 0), budget), "committed": min(max(committed, 0), max(budget-max(spent, 0), 0))} {
				want := new(big.Rat).Mul(whole, big.NewRat(amount, budget))
				if off := want.Sub(want, width(t, row, class)); off.Abs(off).Cmp(big.NewRat(1, 10)) > 0 {
					t.Errorf("%s: %s of line %v is %s too long or short: %s", query, class, r["line"], off.FloatString(2), row)
				}
			}
		}
		if found != len(rows) {
			t.Errorf("%s: %d bars of %d lines", query, found, len(rows))
		}
	}
}

// width is how long a part of a bar is, nothing where it has none.
func width(t *testing.T, bar, class string) *big.Rat {
	t.Helper()
	out := new(big.Rat)
	if m := regexp.MustCompile(`<rect class="` + class + `"[^>]* width="([0-9.]+)"`).FindStringSubmatch(bar); m != nil {
		if _, ok := out.SetString(m[1]); !ok {
			t.Fatalf("%s", bar)
		}
	}
	return out
}

// TestChartsAreTheTablesAmounts holds what charts are made of against what programs are told of the same.
func TestChartsAreTheTablesAmounts(t *testing.T) {
	t.Parallel()
	url := drawing(t)
	for _, query := range []string{"", "as_of=2022-08-31", "known_at=12"} {
		_, page := fetch(t, "GET", url+"/funds/f/years/2022/charts?lang=en&"+query, "")
		of := execution(t, url, query)

		// Execution against time: the running totals of the series.
		var series struct{ Rows []map[string]any }
		_, text := fetch(t, "GET", url+"/v1/funds/f/years/2022/series?line=0&measure=spent&"+query, "")
		if err := json.Unmarshal([]byte(text), &series); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, r := range series.Rows {
			want = append(want, r["running"].(string))
		}
		for _, r := range chartTable(t, page, "course") {
			got = append(got, strings.ReplaceAll(r[2], ",", ""))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: spent by month\n%v, want\n%v", query, got, want)
		}

		// From budget to balance: each step leads to the next, and the steps are the total's cells.
		running := int64(0)
		for i, r := range chartTable(t, page, "waterfall") {
			moved, then := inCents(t, r[1]), inCents(t, r[2])
			name := map[string]string{"original budget": "original", "adjusted budget": "adjusted", "carried over": "carried_out", "supplementary appropriation": "supplementary"}[r[0]]
			if name == "" {
				name = r[0]
			}
			sum := i == 0 || name == "adjusted" || name == "available"
			if sum && i > 0 && then != running || !sum && running+moved != then || sum && moved != then {
				t.Errorf("%s: %v does not follow from %d", query, r, running)
			}
			running = then
			if cell, ok := of.Total[name].(string); !ok || inCents(t, cell) != moved && inCents(t, cell) != -moved {
				t.Errorf("%s: the step %v, and the total's %v", query, r, of.Total[name])
			}
		}
		if running != inCents(t, of.Total["available"].(string)) {
			t.Errorf("%s: the steps end at %d", query, running)
		}

		// Each line by itself ends where the execution table is.
		spent := map[string]string{}
		for _, r := range of.Rows {
			spent[r["line"].(string)] = r["spent"].(string)
		}
		lines := chartTable(t, page, "lines")
		if len(lines) != len(of.Rows) {
			t.Errorf("%s: %d lines of %d", query, len(lines), len(of.Rows))
		}
		for _, r := range lines {
			if r[0] != "3" && inCents(t, r[len(r)-1]) != inCents(t, spent[r[0]]) { // line 3 was paid after the year
				t.Errorf("%s: line %s ends at %s, not at %s", query, r[0], r[len(r)-1], spent[r[0]])
			}
		}

		// Flows: what comes into a line is what goes out of it, and is what was spent there.
		sums := map[string]int64{}
		flows := chartTable(t, page, "flows")
		for _, r := range flows {
			line, _, _ := strings.Cut(r[0], " ")
			sums[line] += inCents(t, r[2])
		}
		for line, sum := range sums {
			if sum != inCents(t, spent[line]) {
				t.Errorf("%s: %d flow through line %s, of which %s was spent", query, sum, line, spent[line])
			}
		}
		if query == "" && (len(sums) != 3 || !strings.Contains(fmt.Sprint(flows), "1.1") || sums["1.1"] != 32000) {
			t.Errorf("flows %v", flows)
		}
		flowsAgree(t, page, flows)
	}
}

// flowsAgree measures the bands that are drawn: of each line, what is drawn into it is as high as what is drawn out of it.
func flowsAgree(t *testing.T, page string, rows [][]string) {
	t.Helper()
	bands := regexp.MustCompile(`<path class="flow" d="M([0-9.]+) [^v]*v([0-9.]+)C`).FindAllStringSubmatch(page, -1)
	var in *big.Rat
	out, n, from := new(big.Rat), 0, ""
	check := func() {
		if in == nil {
			return
		}
		if off := new(big.Rat).Sub(in, out); off.Abs(off).Cmp(big.NewRat(int64(n+1), 20)) > 0 { // each is rounded to a tenth
			t.Errorf("%s come in, %s go out", in.FloatString(1), out.FloatString(1))
		}
	}
	for _, b := range bands {
		high, _ := new(big.Rat).SetString(b[2])
		if from == "" {
			from = b[1]
		}
		if b[1] == from { // out of the fund
			check()
			in, out, n = high, new(big.Rat), 0
			continue
		}
		out.Add(out, high)
		n++
	}
	check()
	lines := map[string]bool{}
	for _, r := range rows {
		lines[r[0]] = true
	}
	if len(bands) != len(rows)+len(lines) {
		t.Errorf("%d bands of %d flows through %d lines", len(bands), len(rows), len(lines))
	}
}

// TestPicturesOfBadNamesAndEmptyYears: names stay text; a year in which nothing happened, and one whose budgets are not known, have pages too; a page is the same each
// time that it is asked for.
func TestPicturesOfBadNamesAndEmptyYears(t *testing.T) {
	t.Parallel()
	url := drawing(t)
	for path, c := range map[string]struct{ has, not string }{
		"/":                           {`<svg class="bar"`, ""},
		"/funds/f":                    {`<svg class="bar"`, ""},
		"/funds/f/years/2022":         {`id="course"`, ""},
		"/funds/f/years/2022/charts":  {`id="flows"`, ""},
		"/funds/f/years/2023":         {`<svg class="bar"`, "<figure class=\"chart"},
		"/funds/f/years/2023/charts":  {"Nothing is posted", `id="waterfall"`},
		"/funds/f/years/2024":         {`id="course"`, `<svg class="bar"`},
		"/funds/f/years/2024/charts":  {`id="flows"`, `id="waterfall"`},
		"/funds/f/years/2022?unit=yi": {`id="course"`, ""},
	} {
		query := "?lang=en"
		if strings.Contains(path, "?") {
			query = "&lang=en"
		}
		status, page := fetch(t, "GET", url+path+query, "")
		_, again := fetch(t, "GET", url+path+query, "")
		switch {
		case status != 200 || !strings.Contains(page, c.has) || c.not != "" && strings.Contains(page, c.not):
			t.Errorf("%s: %d has %q: %v, %q: %v", path, status, c.has, strings.Contains(page, c.has), c.not, strings.Contains(page, c.not))
		case page != again:
			t.Errorf("%s is not the same the second time", path)
		case strings.Contains(page, "<script>alert") || strings.ContainsAny(page, "\x1b\u202e"):
			t.Errorf("%s: a name is more than text", path)
		case regexp.MustCompile(`<[^>]*(?: style=| on[a-z]+=)`).MatchString(page) || strings.Contains(page, "NaN") || strings.Contains(page, "ZgotmplZ"):
			t.Errorf("%s has what its policy forbids, or no number", path)
		}
	}
}

// TestUnitsAreOfTheCurrency: a fund of yen is not offered in yuan.
func TestUnitsAreOfTheCurrency(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	url := p.serving(t, "--http", ":0").site(t)
	for fund, currency := range map[string]string{"yen": "JPY", "dinar": "KWD", "yuan": "CNY"} {
		status, text := fetch(t, "POST", url+"/v1/funds/"+fund+"/events", `{"kind":"fund-opened","fund":"`+fund+`","year":2022,"name":"资金","currency":"`+currency+`","lines":[{"code":"1","name":"甲"}]}`, "Content-Type", "application/json")
		if status != 200 && status != 201 {
			t.Fatalf("%d %s", status, text)
		}
		want := ">万 " + currency + "<"
		if currency == "CNY" {
			want = ">万元<"
		}
		for _, page := range []string{"", "/years/2022", "/events/1", "/post/disbursed"} {
			status, text := fetch(t, "GET", url+"/funds/"+fund+page+"?lang=zh", "")
			units := regexp.MustCompile(`(?s)<nav class="units".*?</nav>`).FindString(text)
			if status != 200 || !strings.Contains(units, want) {
				t.Errorf("%s%s is offered in %s (%d), want %s", fund, page, units, status, want)
			}
		}
	}
}

// ofCurrency opens a fund that counts in a currency, with budgets that are not known, and pays out of it.
func ofCurrency(fund, currency, zone string) string {
	return `{"id":"` + fund + `","kind":"fund-opened","fund":"` + fund + `","year":2022,"name":"资金","currency":"` + currency + `","time_zone":"` + zone + `","budgeted":false,"lines":[{"code":"1","name":"甲"}]}
{"id":"` + fund + `-paid","kind":"disbursed","fund":"` + fund + `","year":2022,"date":"2022-03-01","line":"1","amount":"100","channel":"payment","payee":{"name":"甲公司"},"mode":"record","documents":["x"]}
`
}

// TestUnitsOfAllFunds: where the funds count in one currency the units are called after it, and where they count in several after none.
func TestUnitsOfAllFunds(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	offered := func(want string) {
		t.Helper()
		for _, path := range []string{"/", "/payees", "/payees?payee=" + url.QueryEscape("甲公司")} {
			got := get(t, s.site(t)+path, "Accept", "text/html", "Accept-Language", "zh")
			units := regexp.MustCompile(`(?s)<nav class="units".*?</nav>`).FindString(got.text)
			if got.StatusCode != http.StatusOK || regexp.MustCompile(`<[^>]*>`).ReplaceAllString(units, "/") != want {
				t.Errorf("%s is offered in %s (%d), want %s", path, units, got.StatusCode, want)
			}
		}
	}
	add := func(fund, currency string) {
		t.Helper()
		if rs := p.append(t, ofCurrency(fund, currency, "Asia/Tokyo")); strings.Contains(statuses(rs), "refused") {
			t.Fatal(statuses(rs))
		}
		get(t, s.site(t)+"/v1/funds/"+fund+"?wait=2")
	}
	add("yen", "JPY")
	offered("//JPY//万 JPY//亿 JPY//")
	add("yuan", "CNY")
	offered("//原币//万//亿//")
}

// TestTimesOfAllFunds: when something was recorded is told in the time of its fund, named where the funds have several, with the moment itself beside it.
func TestTimesOfAllFunds(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	moment := regexp.MustCompile(`<td class="day"><time datetime="([^"]*)" title="([^"]*)">([^<]*)</time></td>`)
	zones := []string{"Asia/Tokyo", "America/New_York", "Asia/Tokyo"}
	for i, zone := range zones {
		fund := fmt.Sprint("f", i)
		if rs := p.append(t, ofCurrency(fund, "USD", zone)); strings.Contains(statuses(rs), "refused") {
			t.Fatal(statuses(rs))
		}
		get(t, s.site(t)+"/v1/funds/"+fund+"?wait=2")
		for _, path := range []string{"/", "/payees"} {
			text := get(t, s.site(t)+path, "Accept", "text/html").text
			said := moment.FindAllStringSubmatch(text, -1)
			if len(said) != i+1 {
				t.Fatalf("%s has %d moments of %d funds", path, len(said), i+1)
			}
			for n, m := range said {
				at, err := time.Parse(time.RFC3339Nano, m[1])
				local, err2 := time.LoadLocation(zones[n])
				if err != nil || err2 != nil || m[2] != m[1] {
					t.Fatalf("%s: %q %v %v", path, m, err, err2)
				}
				want := at.In(local).Format("2006-01-02 15:04:05")
				if i > 0 {
					want += " " + zones[n]
				}
				if m[3] != want {
					t.Errorf("%s with %d funds says %q of %s, want %q", path, i+1, m[3], m[1], want)
				}
			}
		}
	}
}
