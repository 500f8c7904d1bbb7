package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fundledger/events/words"
)

// TestEveryLinkOfThePagesLeadsSomewhere goes through the console of the reference fund by its links, in both languages. Of addresses that differ in a number or a value alone it
// follows some.
func TestEveryLinkOfThePagesLeadsSomewhere(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	link := regexp.MustCompile(`<a\b[^>]*\bhref="([^"]*)"`)
	asset := regexp.MustCompile(`<(?:link|script|img)\b[^>]*\b(?:href|src)="([^"]*)"`)
	number := regexp.MustCompile(`\d+(\.\d+)*`)
	for _, lang := range words.Languages {
		seen, alike := map[string]bool{}, map[string]int{}
		for queue := []string{"/?lang=" + string(lang)}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			got := get(t, site+at, "Accept", "text/html")
			if got.StatusCode != http.StatusOK {
				t.Errorf("%s: status %d\n%.300s", at, got.StatusCode, got.text)
				continue
			}
			if strings.HasPrefix(at, "/v1/") || strings.HasPrefix(at, "/problems/") || strings.HasPrefix(at, "/assets/") {
				continue
			}
			checkPage(t, at, got, lang)
			for _, m := range append(link.FindAllStringSubmatch(got.text, -1), asset.FindAllStringSubmatch(got.text, -1)...) {
				to, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil || to.Host != "" || to.Scheme != "" && to.Scheme != "data" {
					t.Errorf("%s leads to %q", at, m[1])
					continue
				}
				if to.Scheme == "data" || to.Path == "" {
					continue
				}
				if q := to.Query(); q.Has("lang") && q.Get("lang") != string(lang) && !strings.HasPrefix(to.Path, "/v1/") {
					continue // the other language is the other round's
				}
				if q := to.Query(); q.Has("unit") && strings.HasPrefix(to.Path, "/v1/") {
					continue
				}
				to.Fragment = ""
				shape := number.ReplaceAllString(to.Path, "#") + "?" + strings.Join(slices.Sorted(maps.Keys(to.Query())), "&")
				if strings.HasPrefix(to.Path, "/assets/") {
					shape = to.Path
				}
				if address := to.String(); !seen[address] && alike[shape] < 2 {
					seen[address] = true
					alike[shape]++
					queue = append(queue, address)
				}
			}
		}
		if len(seen) < 150 {
			t.Errorf("in %s only %d addresses were found", lang, len(seen))
		}
	}
}

// checkPage holds a page to what every page promises.
func checkPage(t *testing.T, at string, got reply, lang words.Language) {
	t.Helper()
	if n := strings.Count(got.text, "<h1"); n != 1 {
		t.Errorf("%s has %d headings of the first rank", at, n)
	}
	want := map[words.Language]string{words.Chinese: "zh-CN", words.English: "en"}[lang]
	if !strings.Contains(got.text, `<html lang="`+want+`"`) || got.Header.Get("Content-Language") != string(lang) {
		t.Errorf("%s is not said to be in %s", at, lang)
	}
	policy := got.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "img-src 'self' data:", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: the policy %q has no %s", at, policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("%s: the policy is %q", at, policy)
	}
	for _, style := range regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(got.text, -1) {
		if !strings.Contains(policy, sourceOf(style[1])) {
			t.Errorf("%s: the policy does not let in its style", at)
		}
	}
	for what, form := range map[string]string{
		"a style": `<[^>]* style=`, "a handler": `<[^>]*\son\w+="`, "a script": `<script(?:[^>]*type="module")?>`, "an address of script": `(?i)href="\s*javascript:`,
		"a lacking value": `&lt;no value|<no value|%!`,
	} {
		if found := regexp.MustCompile(form).FindString(got.text); found != "" {
			t.Errorf("%s has %s: %s", at, what, found)
		}
	}
	rank := 0
	for _, h := range regexp.MustCompile(`<h([1-6])\b`).FindAllStringSubmatch(got.text, -1) {
		if next := int(h[1][0] - '0'); next > rank+1 {
			t.Errorf("%s goes from a heading of rank %d to one of rank %d", at, rank, next)
		} else {
			rank = next
		}
	}
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(got.text, -1) {
		if ids[id[1]] {
			t.Errorf("%s has two of the id %s", at, id[1])
		}
		ids[id[1]] = true
	}
	for _, ref := range regexp.MustCompile(`\s(?:for|aria-labelledby|list)="([^"]*)"`).FindAllStringSubmatch(got.text, -1) {
		for id := range strings.FieldsSeq(ref[1]) {
			if !ids[id] {
				t.Errorf("%s names %s, which it has not", at, id)
			}
		}
	}
}

// sourceOf names by its hash what a policy lets in.
func sourceOf(text string) string {
	hash := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
}

// A pageTable is the cells of a table of a page, row by row with those of the heading first.
type pageTable [][]string

var (
	tableForm = regexp.MustCompile(`(?s)<table>.*?</table>`)
	rowForm   = regexp.MustCompile(`(?s)<tr\b.*?</tr>`)
	cellForm  = regexp.MustCompile(`(?s)<t[hd]\b([^>]*)>(.*?)</t[hd]>`)
	timeForm  = regexp.MustCompile(`(?s)<time datetime="([^"]*)"[^>]*>.*?</time>`)
	tagForm   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// tablesOf reads the tables of a page, without what a page has beside the cells of its answer: drawings, and what can be done.
func tablesOf(text string) (out []pageTable) {
	for _, table := range tableForm.FindAllString(text, -1) {
		var rows pageTable
		for _, row := range rowForm.FindAllString(table, -1) {
			var cells []string
			for _, cell := range cellForm.FindAllStringSubmatch(row, -1) {
				if regexp.MustCompile(`class="(act|drawn)"`).MatchString(cell[1]) {
					continue
				}
				cells = append(cells, html.UnescapeString(tagForm.ReplaceAllString(timeForm.ReplaceAllString(cell[2], "$1"), "")))
			}
			rows = append(rows, cells)
		}
		out = append(out, rows)
	}
	return out
}

// without returns a table without the columns of some headings.
func (t pageTable) without(heads ...string) (out pageTable) {
	for _, row := range t {
		var cells []string
		for i, cell := range row {
			if i >= len(t[0]) || !slices.Contains(heads, t[0][i]) {
				cells = append(cells, cell)
			}
		}
		out = append(out, cells)
	}
	return out
}

func TestPagesHaveTheCellsOfTheAnswers(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	const year = "/funds/cd-gx/years/2022"
	for _, c := range []struct{ page, answer string }{
		{year, year + "/tables/execution"},
		{year + "?as_of=2022-06-30&known_at=120", year + "/tables/execution?as_of=2022-06-30&known_at=120"},
		{year + "/payments?where=channel%3Dpayment", year + "/tables/payments?where=channel%3Dpayment"},
		{year + "/payments?payee=" + url.QueryEscape("湖南武陵酒有限公司"), year + "/tables/payments?where=" + url.QueryEscape("payee=湖南武陵酒有限公司")},
		{year + "/payments?by=channel", year + "/tables/payments?by=channel"},
		{year + "/exceptions", year + "/tables/exceptions"},
		{year + "/progress?threshold=20", year + "/tables/progress?threshold=20"},
		{year + "/ageing?by=channel", year + "/tables/ageing?by=channel"},
		{year + "/transit?as_of=2022-12-31", year + "/tables/transit?as_of=2022-12-31"},
		{"/funds/cd-gx/years/2023/lots", "/funds/cd-gx/years/2023/tables/lots"},
		{year + "/budget?basis=stated", year + "/tables/budget?basis=stated"},
		{year + "/monthly?month=2022-04&after_close=true", year + "/tables/monthly?month=2022-04&after_close=true"},
		{year + "/figures?denominator=original", year + "/figures?denominator=original"},
		{year + "/check", year + "/check"},
		{year + "/lines/1.1?from=19", year + "/lines/1.1/statement?from=19"},
		{"/funds/cd-gx/events/45", "/funds/cd-gx/events/45"},
		{"/funds/cd-gx/diff?from=40&to=60", "/funds/cd-gx/diff?from=40&to=60"},
		{"/payees", "/payees"},
		{"/payees?payee=" + url.QueryEscape("湖南武陵酒有限公司"), "/payees?payee=" + url.QueryEscape("湖南武陵酒有限公司")},
	} {
		for _, shown := range []string{"lang=zh&unit=yuan", "lang=en&unit=wan"} {
			page, answer := get(t, site+withParam(c.page, shown)), get(t, site+withParam("/v1"+c.answer, shown+"&format=html"))
			if page.StatusCode != 200 || answer.StatusCode != 200 {
				t.Errorf("%s: %d and %d", c.page, page.StatusCode, answer.StatusCode)
				continue
			}
			got, want := tablesOf(page.text), tablesOf(answer.text)
			for i := range got {
				got[i] = got[i].without("terms", "各项")
			}
			for _, table := range want {
				at := slices.IndexFunc(got, func(other pageTable) bool { return fmt.Sprint(other) == fmt.Sprint(table) })
				if at < 0 {
					t.Errorf("%s, %s: the page has\n%q\nnot\n%q", c.page, shown, got, table)
					break
				}
				got = got[at+1:]
			}
		}
	}
	// The amounts of an answer for programs are those of the page.
	var answer struct {
		Rows []struct{ Line, Adjusted, Spent string }
	}
	if err := json.Unmarshal([]byte(get(t, site+"/v1"+year+"/tables/execution?format=json").text), &answer); err != nil || len(answer.Rows) != 20 {
		t.Fatalf("%v: %d rows", err, len(answer.Rows))
	}
	rows := tablesOf(get(t, site+year+"?lang=en").text)[0]
	for _, r := range answer.Rows {
		at := slices.IndexFunc(rows, func(cells []string) bool { return cells[0] == r.Line })
		if at < 0 || !slices.Contains(rows[at], words.Money(r.Adjusted)) || !slices.Contains(rows[at], words.Money(r.Spent)) {
			t.Errorf("line %s, %s and %s, is not on the page: %q", r.Line, r.Adjusted, r.Spent, rows)
		}
	}
}

// The score of the report is less than its parts: whoever opens the page of contradictions must see it first.
func TestTheScoreThatContradictsItselfStandsApart(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	for _, lang := range words.Languages {
		text := get(t, site+"/funds/cd-gx/years/2022/check?lang="+string(lang)).text
		_, alarm, found := strings.Cut(text, `<div class="alarm">`)
		if tables := tablesOf(alarm); !found || len(tables) == 0 || !slices.Contains(tables[0][1], "25.7") || !slices.Contains(tables[0][1], "29.2") {
			t.Errorf("in %s 25.7 does not stand against 29.2:\n%s", lang, text)
		}
	}
}

func TestPagesOfWhatThereIsNot(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	const year = "/funds/cd-gx/years/2022"
	for _, c := range []struct {
		path   string
		status int
		leads  string // to what there is
	}{
		{"/nowhere", 404, "/funds/cd-gx"},
		{"/funds/cd-gx/nowhere", 404, "/funds/cd-gx"},
		{"/funds/nobody", 404, "/funds/cd-gx"},
		{"/funds/Not%20a%20code", 404, "/"},
		{"/funds/cd-gx/years/1999", 404, year},
		{year + "/nothing", 404, year},
		{year + "/lines/9.9", 404, year},
		{"/funds/cd-gx/events/151", 404, "/funds/cd-gx"},
		{"/funds/cd-gx/events/x", 404, "/funds/cd-gx"},
		{year + "?as-of=2022-06-30", 422, year},
		{year + "/check?threshold=3", 422, year + "/check"},
		{year + "/progress?threshold=x", 422, year + "/progress"},
		{year + "/payments?where=channel%3Dnone", 422, year + "/payments"},
		{year + "/payments?where=nothing%3Dx", 422, year + "/payments"},
		{year + "/monthly?month=2021-01", 422, year + "/monthly"},
		{year + "?known_at=9999", 422, year},
		{"/funds/cd-gx/diff?from=60&to=40", 422, "/funds/cd-gx/diff"},
		{"/payees?payee=nobody", 404, "/payees"},
	} {
		for _, lang := range words.Languages {
			got := get(t, site+withParam(c.path, "lang="+string(lang)), "Accept", "text/html,*/*;q=0.8")
			if got.StatusCode != c.status || !strings.Contains(got.text, `href="`+c.leads+`"`) || !strings.Contains(got.text, `class="problem"`) {
				t.Errorf("%s: status %d, want %d with a way to %s\n%s", c.path, got.StatusCode, c.status, c.leads, got.text)
			}
			checkPage(t, c.path, got, lang)
		}
	}
	if got := get(t, site+"/nowhere"); got.StatusCode != 404 || got.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a program is answered with %s", got.Header.Get("Content-Type"))
	}
	// A form sends the fields that nobody filled in too.
	if got := get(t, site+year+"/payments?as_of=&known_at=&where=&payee=&by="); got.StatusCode != 200 {
		t.Errorf("an empty form: status %d", got.StatusCode)
	}
	// Another line is chosen in a form.
	if got := get(t, site+year+"/lines?line=1.4&lang=en"); got.Request.URL.Path != year+"/lines/1.4" || got.StatusCode != 200 {
		t.Errorf("a line chosen: %s %d", got.Request.URL, got.StatusCode)
	}
}

func TestPagesHaveTags(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	for _, path := range []string{
		"/", "/payees", "/funds/cd-gx", "/funds/cd-gx/years/2022", "/funds/cd-gx/years/2022/check", "/funds/cd-gx/years/2022/lines/1", "/funds/cd-gx/events/23",
		"/funds/cd-gx/diff?from=100", "/v1/funds/cd-gx/events/23/paper",
	} {
		tag := get(t, site+path).Header.Get("ETag")
		if again := get(t, site+path, "If-None-Match", tag); tag == "" || again.StatusCode != 304 || again.text != "" {
			t.Errorf("%s with the tag %s: %d", path, tag, again.StatusCode)
		}
		if other := get(t, site+withParam(path, "lang=zh"), "If-None-Match", tag); other.StatusCode != 200 {
			t.Errorf("%s in another language: %d", path, other.StatusCode)
		}
		if strings.HasPrefix(path, "/v1/") {
			continue
		}
		// A page is as light or dark as was chosen, and a cache that keeps it knows that.
		for cookie, theme := range map[string]string{"fundledger-theme=dark": "dark", "a=b; fundledger-theme=light": "light", `fundledger-theme=dark"><script>`: "", "theme=dark": ""} {
			got := get(t, site+path, "If-None-Match", tag, "Cookie", cookie)
			if theme == "" {
				if got.StatusCode != 304 {
					t.Errorf("%s with the cookie %s: %d", path, cookie, got.StatusCode)
				}
				continue
			}
			if got.StatusCode != 200 || !strings.Contains(got.text, ` data-theme="`+theme+`">`) || !strings.Contains(got.Header.Get("Vary"), "Cookie") {
				t.Errorf("%s with the cookie %s: %d, %.100s", path, cookie, got.StatusCode, got.text)
			}
			if again := get(t, site+path, "If-None-Match", got.Header.Get("ETag"), "Cookie", cookie); again.StatusCode != 304 {
				t.Errorf("%s again with the cookie %s: %d", path, cookie, again.StatusCode)
			}
		}
	}
}

// TestPagesOfAMomentAreNotFollowed: nothing new belongs on them, so they do not say that they are live.
func TestPagesOfAMomentAreNotFollowed(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	tomorrow := today.AddDate(0, 0, 1).Format(time.RFC3339) // a number is not known of several funds
	for path, live := range map[string]string{
		"/": "*", "/payees": "*", "/funds/cd-gx": "cd-gx", "/funds/cd-gx/years/2022": "cd-gx", "/funds/cd-gx/years/2022/check": "cd-gx", "/funds/cd-gx/events/23": "cd-gx",
	} {
		if text := get(t, site+path).text; !strings.Contains(text, `<body data-live="`+live+`"`) {
			t.Errorf("%s does not follow %s", path, live)
		}
		if got := get(t, site+path+"?known_at="+tomorrow); got.StatusCode != 200 || strings.Contains(got.text, "data-live") {
			t.Errorf("%s as known then is followed: %d", path, got.StatusCode)
		}
	}
}

// TestHostileNamesDoNothingOnPages looks at every page that a name which somebody put in gets to.
func TestHostileNamesDoNothingOnPages(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	name, err := json.Marshal(strings.ReplaceAll(hostilePayee, `\u202e`, "\u202e"))
	if err != nil {
		t.Fatal(err)
	}
	more := `{"kind":"disbursed","id":"again","fund":"f","year":2022,"date":"2022-04-20","line":"1","amount":"6.00","channel":"payment","payee":{"name":` + strings.ReplaceAll(string(name), `\\u0000`, "") + `}}`
	if rs := p.append(t, more); statuses(rs) != "appended" {
		t.Fatal(statuses(rs), rs[0].Message)
	}
	site := p.serving(t, "--http", ":0").site(t)
	last := len(p.stored(t))
	paths := []string{"/", "/payees", "/funds/f", "/funds/f/diff?from=1"}
	for _, view := range []string{"", "/payments", "/payments?by=payee", "/exceptions", "/ageing", "/lots", "/lines/1", "/figures", "/check"} {
		paths = append(paths, "/funds/f/years/2022"+view)
	}
	for n := 1; n <= last; n++ {
		paths = append(paths, fmt.Sprintf("/funds/f/events/%d", n))
	}
	named := 0
	for _, path := range paths {
		got := get(t, site+withParam(path, "lang=en"))
		if got.StatusCode != 200 {
			t.Errorf("%s: %d %.300s", path, got.StatusCode, got.text)
			continue
		}
		checkPage(t, path, got, words.English)
		for _, bad := range []string{"<script>alert", "\u202e", "\x00"} {
			if strings.Contains(got.text, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		named += strings.Count(got.text, "&lt;script&gt;alert")
	}
	if named < 6 {
		t.Errorf("the name stands on the pages %d times", named)
	}
}

// A page draws the newest payments and postings alone, with the totals of all of them.
func TestPagesDrawTheNewestOfMany(t *testing.T) {
	t.Parallel()
	const payments = 520
	var commands strings.Builder
	commands.WriteString(small)
	for n := range payments {
		commands.WriteString(pay(fmt.Sprint("p", n)))
	}
	p := onFolder(t)
	p.append(t, commands.String())
	site := p.serving(t, "--http", ":0").site(t)
	for path, want := range map[string]struct {
		rows int
		cell string // of what stands for all of them
	}{
		"/funds/f/years/2022/payments": {1 + 500 + 1, "520.00"},
		"/funds/f/years/2022/lines/1":  {1 + 1 + 500 + 1, "480.00"},
	} {
		text := get(t, site+path+"?lang=en").text
		rows := tablesOf(text)[0]
		if len(rows) != want.rows || !slices.Contains(rows[len(rows)-1], want.cell) {
			t.Errorf("%s has %d rows, the last is %q", path, len(rows), rows[len(rows)-1])
		}
		all := payments
		if strings.Contains(path, "lines") {
			all++ // the budget
			if !slices.Contains(rows[1], "980.00") {
				t.Errorf("%s opens with %q", path, rows[1])
			}
		}
		if !strings.Contains(text, fmt.Sprintf("only the newest 500 of %d", all)) {
			t.Errorf("%s does not say that some are left out", path)
		}
		export := html.UnescapeString(regexp.MustCompile(`href="(/v1/[^"]*format=html[^"]*)"`).FindStringSubmatch(text)[1])
		if rows := tablesOf(get(t, site+export).text)[0]; len(rows) != want.rows-500+all {
			t.Errorf("the file of %s has %d rows", path, len(rows))
		}
	}
}

// Of exceptions a page draws the first: a register without vouchers can have as many as it has payments.
func TestPagesDrawTheFirstOfManyExceptions(t *testing.T) {
	t.Parallel()
	const alike = 502 // a payment, and those that look like it
	one := `{"kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"1.00","channel":"payment","payee":{"name":"x"}}` + "\n"
	p := onFolder(t)
	p.append(t, small+strings.Repeat(one, alike))
	site := p.serving(t, "--http", ":0").site(t)
	page := "/funds/f/years/2022/exceptions?lang=en"
	text := get(t, site+page).text
	if rows := tablesOf(text)[0]; len(rows) != 1+500 || !strings.Contains(text, "only the first 500 rows") {
		t.Errorf("the page has %d rows:\n%.3000s", len(rows), text)
	}
	if rows := tablesOf(get(t, site+"/v1/funds/f/years/2022/tables/exceptions?lang=en&format=html").text)[0]; len(rows) != 1+alike-1 {
		t.Errorf("the file has %d rows", len(rows))
	}
}

func TestAPaperHasAnAddress(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	site := p.serving(t, "--sample", "--http", ":0").site(t)
	for _, format := range []string{"html", "text"} {
		got := get(t, site+"/v1/funds/cd-gx/events/23/paper?lang=zh&format="+format)
		if want := p.ok(t, "print", "23", "--fund", "cd-gx", "--lang", "zh", "--format", format); got.StatusCode != 200 || got.text != want {
			t.Errorf("%s: %d\n%.500s\nwant\n%.500s", format, got.StatusCode, got.text, want)
		}
	}
	for path, status := range map[string]int{"/v1/funds/cd-gx/events/999/paper": 404, "/v1/funds/cd-gx/events/1/paper": 404, "/v1/funds/cd-gx/events/23/paper?format=csv": 422} {
		if got := get(t, site+path); got.StatusCode != status {
			t.Errorf("%s: status %d, want %d", path, got.StatusCode, status)
		}
	}
}

// An exception that was explained is listed with what it was explained by, and the open ones lead to the form that explains them.
func TestExceptionsAreExplainedFromTheirPage(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	path := site + "/funds/cd-gx/years/2022/exceptions?lang=en"
	before := get(t, path).text
	if n := strings.Count(before, "/post/explained?"); n != 5 {
		t.Errorf("%d exceptions can be explained", n)
	}
	command := `{"kind":"explained","id":"why-2.6","fund":"cd-gx","year":2022,"line":"2.6","measure":"available","text":"moved at the end of the year"}`
	if status, text := fetch(t, "POST", site+"/v1/funds/cd-gx/events", command, "Content-Type", "application/json"); status != 201 {
		t.Fatal(status, text)
	}
	after := get(t, site+"/v1/funds/cd-gx/years/2022/tables/exceptions?format=html&lang=en&wait=151").text
	if n := len(tablesOf(after)[0]); n != 1+4 {
		t.Errorf("%d rows are still open", n-1)
	}
	page := get(t, path).text
	tables := tablesOf(page)
	if n := strings.Count(page, "/post/explained?"); n != 4 || len(tables) != 2 || !slices.Contains(tables[1][1], "moved at the end of the year") || !slices.Contains(tables[1][1], "2.6") {
		t.Errorf("%d can be explained, and explained are %q", n, tables)
	}
}
