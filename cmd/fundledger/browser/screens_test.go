package browser

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// A screen is a page of the console, of the reference fund.
type screen struct {
	path string
	// api is where the same table is had from the interface for programs; "" where the page has none.
	api string
	// own says that the page is called otherwise than the table there.
	own bool
}

// name is what a test of it is called.
func (c screen) name() string {
	return cmp.Or(strings.NewReplacer("/", "-", "?", "-").Replace(strings.Trim(c.path, "/")), "all")
}

const (
	ofFund = "/funds/cd-gx"
	ofYear = ofFund + "/years/2022"
)

var screens = []screen{
	{"/", "/v1/funds", false},
	{"/payees", "/v1/payees", false},
	{ofFund, "", false},
	{ofFund + "/events/34", "/v1" + ofFund + "/events/34", true},
	{ofYear, "/v1" + ofYear + "/tables/execution", false},
	{ofYear + "/charts", "", false},
	{ofYear + "/lines/1.4", "/v1" + ofYear + "/lines/1.4/statement", false},
	{ofYear + "/payments", "/v1" + ofYear + "/tables/payments", false},
	{ofYear + "/exceptions", "/v1" + ofYear + "/tables/exceptions", false},
	{ofYear + "/progress", "/v1" + ofYear + "/tables/progress", false},
	{ofYear + "/ageing", "/v1" + ofYear + "/tables/ageing", false},
	{ofYear + "/transit", "/v1" + ofYear + "/tables/transit", false},
	{ofYear + "/lots", "/v1" + ofYear + "/tables/lots", false},
	{ofYear + "/budget", "/v1" + ofYear + "/tables/budget", false},
	{ofYear + "/monthly", "/v1" + ofYear + "/tables/monthly", false},
	{ofYear + "/figures", "/v1" + ofYear + "/figures", false},
	{ofYear + "/check", "/v1" + ofYear + "/check", false},
	{ofFund + "/diff?from=30", "/v1" + ofFund + "/diff?from=30", false},
	{ofFund + "/post", "", false},
	{ofFund + "/post/disbursed", "", false},
	{ofFund + "/post/refund?of=34", "", false},
	{ofFund + "/import", "", false},
	{ofYear + "/reconciliation", "/v1" + ofYear + "/reconciliation", true},
}

var languages = []string{"zh", "en"}

// inLanguage is the address of a screen in a language, with further parameters: names and values in turn.
func inLanguage(s *server, path, lang string, params ...string) string {
	path, given, _ := strings.Cut(path, "?")
	query, err := url.ParseQuery(given)
	if err != nil {
		panic(err)
	}
	query.Set("lang", lang)
	for i := 0; i+1 < len(params); i += 2 {
		query.Add(params[i], params[i+1])
	}
	return s.url + path + "?" + query.Encode()
}

// fetched is the body of what the server answers.
func fetched(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, body)
	}
	return string(body)
}

// marked reads the title and the tables of Markdown as the program writes it: of each table the heads and the rows.
func marked(text string) (title string, tables [][][]string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, is := strings.CutPrefix(line, "# "); is {
			title = plain(rest)
		}
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		if !inside {
			inside = true
			tables = append(tables, nil)
		}
		if strings.Trim(line, "|-: ") == "" && strings.Contains(line, "---") {
			continue
		}
		var cells []string
		for _, cell := range regexp.MustCompile(`(?:[^|\\]|\\.)*`).FindAllString(strings.Trim(line, "|"), -1) {
			cells = append(cells, plain(cell))
		}
		last := &tables[len(tables)-1]
		*last = append(*last, cells)
	}
	return title, tables
}

// plain takes away what Markdown adds to words, and the blanks that move a name inwards.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "**", ""), "<br>", " ")
	s = regexp.MustCompile(`\\(.)`).ReplaceAllString(s, "$1")
	return blanks(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s))
}

func blanks(s string) string { return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ") }

// rows are the rows of one of the page's tables, as people see them: without bars, which no other encoder has.
func (p *tab) rows(selector string) [][]string {
	p.t.Helper()
	for _, table := range p.tables(selector) {
		return table
	}
	return nil
}

func (p *tab) tables(selector string) [][][]string {
	p.t.Helper()
	all := js[[][][]string](p, `(selector) => [...document.querySelectorAll(selector)].map(table =>
		[...table.tBodies, ...(table.tFoot ? [table.tFoot] : [])].flatMap(body => [...body.rows])
			.map(row => [...row.cells].filter(cell => !cell.classList.contains("drawn")).map(cell => cell.textContent)))`, selector)
	for _, table := range all {
		for _, row := range table {
			for i := range row {
				row[i] = blanks(row[i])
			}
		}
	}
	return all
}

const mainTable = `[data-part="sheet"] .main table`

// sameRows says where two tables differ; "" where they are the same.
func sameRows(got, want [][]string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "it lacks " + strings.Join(want[i], " | ")
		case i >= len(want):
			return "it has besides " + strings.Join(got[i], " | ")
		case !slices.Equal(got[i], want[i]):
			return "it has   " + strings.Join(got[i], " | ") + "\n   not " + strings.Join(want[i], " | ")
		}
	}
	return ""
}

// holds says what a table of a page lacks of another; "" where each row has the cells of the other's, in their order, whatever stands between them. A page has the
// moment at which something was recorded by the clock of the fund.
func holds(page, whole [][]string) string {
	for i, want := range whole {
		if i >= len(page) {
			return "it lacks " + strings.Join(want, " | ")
		}
		at := 0
		for _, cell := range page[i] {
			if at < len(want) && (cell == want[at] || cell == byTheClock(want[at])) {
				at++
			}
		}
		if at < len(want) {
			return "it has   " + strings.Join(page[i], " | ") + "\n   not " + strings.Join(want, " | ")
		}
	}
	if len(page) > len(whole) {
		return "it has besides " + strings.Join(page[len(whole)], " | ")
	}
	return ""
}

func byTheClock(moment string) string {
	t, err := time.Parse(time.RFC3339Nano, moment)
	if err != nil {
		return moment
	}
	return t.In(time.FixedZone("", 8*60*60)).Format(time.DateTime)
}

// each runs a test on every screen in a tab of its own.
func each(t *testing.T, v view, test func(t *testing.T, s *server, p *tab, c screen)) {
	t.Parallel()
	for _, c := range screens {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			s := reference(t)
			test(t, s, open(t, s, v), c)
		})
	}
}

// TestScreens opens every screen in both languages: what it is called and what its table has are what the interface for programs says.
func TestScreens(t *testing.T) {
	each(t, wide, func(t *testing.T, s *server, p *tab, c screen) {
		for _, lang := range languages {
			p.visit(inLanguage(s, c.path, lang))
			face := js[struct{ Lang, Title, H1 string }](p, `() => {
				const h1 = [...document.querySelectorAll("h1")];
				return {lang: document.documentElement.lang, title: document.title, h1: h1.length == 1 ? h1[0].textContent : h1.length + " h1"};
			}`)
			title, h1 := blanks(face.Title), blanks(face.H1)
			if want := map[string]string{"zh": "zh-CN", "en": "en"}[lang]; face.Lang != want {
				t.Errorf("in %s the page says that its language is %q", lang, face.Lang)
			}
			if chinese := strings.ContainsFunc(h1, func(r rune) bool { return unicode.Is(unicode.Han, r) }); title == "" || h1 == "" || chinese != (lang == "zh") {
				t.Errorf("in %s the title is %q, the heading %q", lang, title, h1)
			}
			if broken := js[[]string](p, `() => document.documentElement.textContent.split("\n").filter(line => line.includes("\ufffd"))`); len(broken) > 0 {
				t.Errorf("in %s letters are broken: %q", lang, broken)
			}
			if bare := js[[]string](p, `() => [...document.body.querySelectorAll("*")].filter(e => !e.closest("tbody")) // where figures are called by their names
				.flatMap(e => [e.getAttribute("aria-label") ?? "", e.title ?? "", ...[...e.childNodes].filter(n => n.nodeType == 3).map(n => n.data.trim())])
				.filter(text => /^[a-z]+\.[a-z][a-z_.-]+$/.test(text))`); len(bare) > 0 {
				t.Errorf("in %s there are no words for %q", lang, bare)
			}
			if c.api == "" {
				continue
			}
			called, tables := marked(fetched(t, inLanguage(s, c.api, lang, "format", "md")))
			if h1 != called && !c.own {
				t.Errorf("in %s the heading is %q, want %q", lang, h1, called)
			}
			if len(tables) == 0 || len(tables[0]) < 2 {
				t.Fatalf("%s in %s has no table", c.api, lang)
			}
			diff := "it has none"
			for _, shown := range p.tables("main table") {
				if d := holds(shown, tables[0][1:]); d == "" || len(shown) >= len(tables[0])-1 {
					diff = d
				}
				if diff == "" {
					break
				}
			}
			if diff != "" {
				t.Errorf("the table in %s is not that of %s: %s", lang, c.api, diff)
			}
		}
	})
}

// TestEveryViewIsTried: each view that the console leads to from a year is one of the screens.
func TestEveryViewIsTried(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	p.visit(s.url + ofYear)
	found := js[[]string](p, `() => [...document.querySelectorAll("nav.tabs a, header a")].map(a => new URL(a.href).pathname)`)
	if len(found) < 10 {
		t.Fatalf("a year leads only to %q", found)
	}
	for _, path := range found {
		path = strings.Replace(path, "/years/2023", "/years/2022", 1)
		if !slices.ContainsFunc(screens, func(c screen) bool { return c.path == path }) {
			t.Errorf("nobody tries %s", path)
		}
	}
}

// TestBarriers looks for what bars people from a screen: wide in Chinese, by its colours in the dark, and narrow in English, whose words are longer.
func TestBarriers(t *testing.T) {
	each(t, wide, func(t *testing.T, s *server, p *tab, c screen) {
		look := func(what string, v view, rules ...string) {
			p.look(v)
			for _, b := range p.barriers(rules...) {
				t.Errorf("%s: %s", what, b)
			}
		}
		p.visit(inLanguage(s, c.path, "zh"))
		look("wide", wide)
		look("dark", view{1440, 900, true}, "color-contrast")
		p.look(narrow)
		p.reflows("narrow, in Chinese")
		p.visit(inLanguage(s, c.path, "en"))
		p.reflows("narrow, in English")
		look("narrow", narrow)
	})
}

// reflows fails the test where a page has to be scrolled sideways, and names what stands out. A table may scroll in a box of its own.
func (p *tab) reflows(when string) {
	p.t.Helper()
	if out := js[[]string](p, `() => {
		const page = document.scrollingElement;
		if (page.scrollWidth <= innerWidth) return [];
		const out = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, nav.tabs"));
		return [page.scrollWidth + " pixels", ...out.slice(0, 5).map(e => e.outerHTML.slice(0, 150))];
	}`); len(out) > 0 {
		p.t.Errorf("%s: the page is scrolled sideways: %s", when, strings.Join(out, "\n  "))
	}
}

// TestAmountsInChartsStandApart: what is written above the steps of a year, and beside its axes, can be read.
func TestAmountsInChartsStandApart(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	p.visit(inLanguage(s, ofYear+"/charts", "en"))
	for _, fault := range js[[]string](p, `() => {
		const faults = [];
		for (const id of ["course", "waterfall"]) {
			const picture = document.querySelector("#" + id + " svg.chart"), around = picture.getBoundingClientRect();
			const texts = [...picture.querySelectorAll("text")].map(text => ({text: text.textContent, box: text.getBoundingClientRect(), value: text.classList.contains("value")}));
			if (texts.length == 0) faults.push(id + " has no words");
			for (const {text, box} of texts) if (box.left < around.left - 1 || box.right > around.right + 1) faults.push(id + ": " + text + " is cut off");
			const values = texts.filter(({value}) => value);
			values.slice(1).forEach(({text, box}, i) => {
				const before = values[i];
				if (box.left < before.box.right + 2 && box.top < before.box.bottom && before.box.top < box.bottom) faults.push(id + ": " + before.text + " runs into " + text);
			});
		}
		return faults;
	}`) {
		t.Error(fault)
	}
}
