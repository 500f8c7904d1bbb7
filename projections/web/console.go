package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/document"
	"fundledger/projections/history"
	"fundledger/projections/live"
	"fundledger/projections/sheet"

	"github.com/danielgtaylor/huma/v2"
	"github.com/klauspost/compress/gzhttp"
)

// The console is pages for people, drawn here from the same books as the answers under /v1:
//
//	/                                             every fund and year
//	/funds/{fund}                                 a fund: its years, its newest events
//	/funds/{fund}/diff                            what became known between two moments
//	/funds/{fund}/events/{n}                      an event, what it hangs together with, what it posts
//	/funds/{fund}/years/{year}                    execution, with both clocks to move
//	/funds/{fund}/years/{year}/charts             the same as pictures, and where the money went
//	/funds/{fund}/years/{year}/{view}             each of [yearViews]
//	/funds/{fund}/years/{year}/lines/{line}       the statement of a line
//	/payees                                       what each payee got
//
// What a page shows stands in its address, both clocks included, so that it can be sent to somebody. A page is whole without a script. The script of the
// console asks for the same page again when the feed across funds has news of what the page is about, and puts in what has changed ([data-part]): nothing is drawn in
// two places. What a page is made of has a tag, so that asking again costs nothing where nothing changed. All the pages that somebody has open share one
// feed: a browser gives a host no more than six connections.
//
// A page requests nothing from any other host, and its policy lets nothing in: neither script nor style stands in it but a rule for the foot of printed pages,
// which the policy names by its hash.

//go:embed console words
var consoleFiles embed.FS

// texts are the words of the console.
var texts = words.LoadRoom(consoleFiles)

// consolePolicy is the Content-Security-Policy of every page; the verb is the hash of the one style that may stand in it.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'%s; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A page is one kind of page.
type page struct {
	// id names the operation, and the template in console/<template>.html.
	id, path, template string
	// takes lists the parameters of its address beside unit and lang.
	takes []string
	// make fills what the template shows. The book is as known at the moment asked for.
	make func(v *view, b *projections.Book, a *ask) error
}

// everyFund is what a page follows that is about all of them.
const everyFund = "*"

// What the address of every page of a year can have.
var clocks = []string{"as_of", "known_at"}

// reconcilingPage is the page of a reconciliation.
var reconcilingPage = page{"page-reconciliation", "/funds/{fund}/years/{year}/reconciliation", "reconcile", []string{"month", "account", "window", "known_at"}, (*view).reconciliation}

var pages = []page{
	{"page-fund", "/funds/{fund}", "fund", []string{"known_at"}, (*view).fund},
	{"page-year", "/funds/{fund}/years/{year}", "year", append([]string{"basis", "denominator"}, clocks...), (*view).year},
	{"page-charts", "/funds/{fund}/years/{year}/charts", "charts", append([]string{"basis", "denominator"}, clocks...), (*view).charts},
	{"page-diff", "/funds/{fund}/diff", "table", []string{"from", "to", "year", "as_of", "basis", "denominator"}, (*view).diff},
	{"page-view", "/funds/{fund}/years/{year}/{view}", "table", takenByViews(), (*view).yearView},
	{"page-statement", "/funds/{fund}/years/{year}/lines/{line}", "statement", append([]string{"from", "basis"}, clocks...), (*view).statement},
}

// routesOfPages are the console's routes. They are for people, so the description of the interface does not have them.
func (s *site) routesOfPages() []Route {
	hidden := func(id, path string, answer func(http.ResponseWriter, *http.Request, words.Language) error) Route {
		op := huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Hidden: true, Responses: map[string]*huma.Response{}}
		return Route{Operation: op, Answer: answer}
	}
	routes := []Route{
		hidden("assets", "/assets/{version}/{name}", s.asset),
		hidden("page-funds", "/{$}", s.drawn(s.fundsPage)),
		hidden("page-payees", "/payees", s.drawn(s.payeesPage)),
		hidden("page-event", "/funds/{fund}/events/{n}", s.drawn(s.eventPage)),
		hidden(reconcilingPage.id, reconcilingPage.path, s.drawn(s.reconcilePage)),
	}
	if s.desk != nil {
		routes = append(routes,
			hidden("page-kinds", "/funds/{fund}/post", s.drawn(s.kindsPage)),
			hidden("page-form", "/funds/{fund}/post/{kind}", s.drawn(s.formPage)),
			hidden("page-import", "/funds/{fund}/import", s.drawn(s.importPage)),
			Route{Operation: huma.Operation{OperationID: "upload", Method: http.MethodPost, Path: "/funds/{fund}/import", Hidden: true, Responses: map[string]*huma.Response{}}, Answer: s.upload},
		)
	}
	for i := range pages {
		routes = append(routes, hidden(pages[i].id, pages[i].path, s.drawn(s.bookPage(&pages[i]))))
	}
	return routes
}

// A view is what the templates are made of.
type view struct {
	site *site
	r    *http.Request
	a    *ask

	Lang words.Language
	// Title is the page's, and Template what draws its main part.
	Title, Template string
	// Tab names which of the views of a year it is; "" is none.
	Tab string
	// Fund, FundName and Year are what the page is about; "" and 0 where it is about several.
	Fund     events.Fund
	FundName string
	Year     events.Year
	Years    []events.Year
	// At is the cut that the page shows, and Last the number of the last event that there is.
	At   live.Cut
	Last events.Seq
	// Fixed says that the page is of a moment, so that nothing new belongs on it.
	Fixed bool
	// Live is the fund to follow, or [everyFund]; "" where nothing new belongs on the page.
	Live string
	// Clocks are those that can be moved; nil where there are none.
	Clocks *clockPanel
	// Controls are the fields by which the page is asked for otherwise, and Narrowed what it is narrowed to.
	Controls []control
	Narrowed []narrowing
	// Sheet is the page's table.
	Sheet template.HTML
	// Main is what the page's own template needs beside these.
	Main any
	// Problem is why there is nothing to show.
	Problem *mishap

	tried    bool            // somebody wants to know what would come of what is proposed
	drafts   []*events.Draft // which is these
	foot     string          // at the foot of printed pages
	currency string          // of all that the page shows, "" where there is not one
	wide     bool            // a table does not fit a printed page that stands upright
	see      string          // where the page is instead
	zone     *time.Location
	zones    map[events.Fund]*time.Location // of the funds, where the page is about several
	going    map[string]string              // what goes along with links, by what the page there takes
	status   int
	tag      string
	same     bool
}

// drawn answers with a page, and where that cannot be with a page that says why.
func (s *site) drawn(make func(v *view) error) func(http.ResponseWriter, *http.Request, words.Language) error {
	return func(w http.ResponseWriter, r *http.Request, lang words.Language) error {
		v := &view{site: s, r: r, Lang: lang, status: http.StatusOK}
		if err := make(v); err != nil {
			v.refuse(err)
		}
		return v.write(w)
	}
}

// refuse makes a page of an error.
func (v *view) refuse(err error) {
	err = said(err, v.Lang)
	v.status = http.StatusUnprocessableEntity
	var own interface{ HTTPStatus() int }
	var e *events.Error
	switch {
	case errors.As(err, &own):
		v.status = own.HTTPStatus()
	case events.CodeOf(err) == events.Unavailable || events.CodeOf(err) == events.Busy:
		v.status = http.StatusServiceUnavailable
	case events.CodeOf(err) == events.Tampered:
		v.status = http.StatusInternalServerError
	}
	v.Problem = &mishap{Code: events.CodeOf(err), Message: err.Error()}
	if errors.As(err, &e) {
		f := FaultOf(e, v.Lang, v.asked)
		v.Problem.Message, v.Problem.Hint = f.Message, f.Hint
	}
	v.showProblem()
}

// showProblem makes the page one that says why there is nothing to show.
func (v *view) showProblem() {
	v.Main = v.there()
	if v.status == http.StatusNotFound { // what the page is about may be what there is not
		v.Fund, v.Year = "", 0
	}
	v.Title, v.Template, v.Live, v.Clocks, v.tag, v.same = v.Say("problem.title"), "problem", "", nil, "", false
	if v.status == http.StatusServiceUnavailable {
		v.Live = everyFund
	}
}

// write draws the page.
func (v *view) write(w http.ResponseWriter) error {
	header := w.Header()
	header.Set("Vary", "Accept-Language, Prefer")
	if v.passing() {
		header.Set("Preference-Applied", minimal)
	}
	header.Set("Referrer-Policy", "same-origin")
	if v.tag != "" {
		header.Set("ETag", "W/"+v.tag) // of what it says: its bytes may be compressed
		header.Set("Cache-Control", "no-cache")
	}
	if v.same {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if v.see != "" {
		header.Set("Location", v.see)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	own := ""
	if style := v.PrintStyle(); style != "" {
		hash := sha256.Sum256([]byte(style))
		own = " 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	}
	var body bytes.Buffer
	if err := layouts[cmp.Or(v.Template, "table")].ExecuteTemplate(&body, "layout", v); err != nil {
		return err
	}
	header.Set("Content-Security-Policy", fmt.Sprintf(consolePolicy, own))
	header.Set("Content-Type", contentTypes["html"])
	header.Set("Content-Language", string(v.Lang))
	compressed(w, v.r, v.status, body.Bytes())
	return nil
}

// compress compresses answers for whoever takes that. It is for pages: the answers for programs have a tag for their very bytes, and feeds must not wait.
var compress = func() func(http.Handler) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1 << 10))
	if err != nil {
		panic(err)
	}
	return wrap
}()

// compressed writes a whole answer, of which the header has been set.
func compressed(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body) // who does not take its answer may ask again
	})).ServeHTTP(w, r)
}

// ask reads what the page's address asks.
func (v *view) ask(takes []string) (err error) {
	v.r = v.r.Clone(v.r.Context())
	v.r.URL.RawQuery = filled(v.r.URL.Query()).Encode()
	if v.a, err = read(v.r, v.Lang, append([]string{"unit", "lang"}, takes...)); err != nil {
		return err
	}
	v.going = nil
	v.Lang = v.a.lang
	v.Fund, v.Year = v.a.fund, v.a.query.Year
	v.Fixed = !v.a.known.IsZero()
	return nil
}

// filled leaves out what a form was sent with and nobody filled in.
func filled(query url.Values) url.Values {
	for name, values := range query {
		if values = slices.DeleteFunc(values, func(value string) bool { return value == "" }); len(values) == 0 {
			query.Del(name)
		} else {
			query[name] = values
		}
	}
	return query
}

// bookPage draws a page that one book has everything for.
func (s *site) bookPage(p *page) func(*view) error {
	return func(v *view) error {
		if err := v.ask(p.takes); err != nil {
			return err
		}
		v.Template = p.template
		ctx, a := v.r.Context(), v.a
		err := s.books.Read(ctx, a.fund, 0, a.known, func(at live.Cut, b *projections.Book) error {
			v.of(at, b)
			v.tag = s.tag(at, "page", v.r.Host, v.r.URL.String(), string(v.Lang), v.Last.String(), strconv.FormatBool(v.passing()))
			if v.same = has(v.r, v.tag); v.same {
				return nil
			}
			a.query.Root = at.Root
			return p.make(v, b, a)
		})
		if err != nil {
			return notThere(v.pin(), err)
		}
		if !v.Fixed {
			v.Live = string(v.Fund)
		}
		return nil
	}
}

// pin is the parameter that holds a page to what was known.
func (v *view) pin() string {
	if strings.HasSuffix(v.r.URL.Path, "/diff") {
		return "to"
	}
	return "known_at"
}

// of notes what a page of a book is about.
func (v *view) of(at live.Cut, b *projections.Book) {
	h := b.History()
	v.At, v.Last = at, at.Seq
	if v.Fixed {
		if now, err := v.site.books.Status(v.r.Context(), v.Fund, 0); err == nil {
			v.Last = max(v.Last, now.Seq)
		}
	}
	v.Years, v.zone, v.currency = h.Years(), h.Zone(), h.Currency()
	for _, n := range slices.Backward(v.Years) {
		y, err := h.Year(n)
		if err != nil || v.Year != 0 && v.Year != n {
			continue
		}
		v.FundName = sheet.Shown(v.either(y.Name, y.NameEn))
		break
	}
	v.foot = sheet.Catalogue.Say(v.Lang, "page.foot", map[string]string{"fund": string(v.Fund), "seq": at.Seq.String(), "root": at.Root})
}

// Say returns words of the console: a name, then names and values of what they speak of.
func (v *view) Say(name string, args ...string) string {
	of := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		of[args[i]] = args[i+1]
	}
	return texts.Say(v.Lang, name, of)
}

// Word returns words of the vocabulary, such as measure.spent.
func (v *view) Word(name string) string {
	return cmp.Or(sheet.Catalogue.Find(v.Lang, name, nil), words.Ledger.Say(v.Lang, name, nil))
}

// carried are the parameters that go along when somebody follows a link: how it is shown, and both clocks.
var carried = []string{"as_of", "known_at", "basis", "unit", "lang"}

// To is the address of a page that goes along with this one: with the same clocks, unit and language where the page there takes them. set has names and values that
// are to be others; an empty value leaves that out.
func (v *view) To(path string, set ...string) string {
	takes := takesOf(path)
	if len(set) > 0 {
		return address(path, v.along(takes, set))
	}
	// A table of two thousand lines has as many links.
	of := strings.Join(takes, " ")
	going, ok := v.going[of]
	if !ok {
		if v.going == nil {
			v.going = map[string]string{}
		}
		going = address("", v.along(takes, nil))
		v.going[of] = going
	}
	return path + going
}

// along are the parameters that go along.
func (v *view) along(takes, set []string) url.Values {
	query, here := url.Values{}, v.r.URL.Query()
	for _, name := range carried {
		if value := here.Get(name); value != "" && (takes == nil || slices.Contains(takes, name)) {
			query.Set(name, value)
		}
	}
	for i := 0; i+1 < len(set); i += 2 {
		if query.Del(set[i]); set[i+1] != "" {
			query.Set(set[i], set[i+1])
		}
	}
	return query
}

// Here is the address of this page with other values of some parameters; an empty one leaves that out.
func (v *view) Here(set ...string) string {
	query := v.r.URL.Query()
	for i := 0; i+1 < len(set); i += 2 {
		if query.Del(set[i]); set[i+1] != "" {
			query.Set(set[i], set[i+1])
		}
	}
	return address(v.r.URL.Path, query)
}

func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// takesOf lists what the page of an address takes, nil where that is not known.
func takesOf(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/" || path == "/payees":
		return []string{"as_of", "known_at", "unit", "lang"}
	case len(parts) == 5 && parts[4] == "reconciliation": // money is counted there whatever its basis
		return []string{"as_of", "known_at", "unit", "lang"}
	case len(parts) >= 4 && parts[2] == "years":
		return carried
	case len(parts) == 3 && parts[2] == "diff":
		return []string{"unit", "lang"}
	default: // of a fund and not of a year
		return []string{"known_at", "unit", "lang"}
	}
}

// YearPath is the path of a year's page, and of one of its views.
func (v *view) YearPath(year events.Year, view string) string {
	p := "/funds/" + string(v.Fund) + "/years/" + year.String()
	if view != "" {
		p += "/" + view
	}
	return p
}

// FundPath is the path of the fund's page, or below it.
func (v *view) FundPath(below string) string {
	return strings.TrimSuffix("/funds/"+string(v.Fund)+"/"+below, "/")
}

// Asset is the address of a file of the console. It has the hash of all of them, so that it may be kept for ever.
func (v *view) Asset(name string) string { return "/assets/" + assetsVersion + "/" + name }

// HTMLLang is the language as HTML names it.
func (v *view) HTMLLang() string {
	if v.Lang == words.Chinese {
		return "zh-CN"
	}
	return string(v.Lang)
}

// OtherLang is the language that the page can be had in instead.
func (v *view) OtherLang() words.Language {
	if v.Lang == words.Chinese {
		return words.English
	}
	return words.Chinese
}

// Units lists the units that amounts can be shown in.
func (v *view) Units() []sheet.Unit { return sheet.Units }

// UnitName is what a unit is called in the currency of the page; where there are several, or none yet, it is called after none of them.
func (v *view) UnitName(u sheet.Unit) string {
	switch v.currency {
	case "":
		return v.Say("unit." + string(u))
	case "CNY":
		return v.Word("unit.CNY." + string(u))
	}
	return sheet.Catalogue.Say(v.Lang, "unit.other."+string(u), map[string]string{"currency": v.currency})
}

// Unit is the one that they are shown in.
func (v *view) Unit() sheet.Unit {
	if v.a == nil {
		return sheet.Yuan
	}
	return v.a.unit
}

// Recorded is when the last event that the page counts was recorded.
func (v *view) Recorded() string {
	if v.At.Recorded.IsZero() {
		return ""
	}
	return v.Moment(v.At.Recorded)
}

// Moment is a time as people read it, in the fund's zone, which is named.
func (v *view) Moment(t time.Time) string {
	return sheet.MomentIn(t, v.zone)
}

// PrintStyle is what stands at the foot of each printed page.
func (v *view) PrintStyle() template.CSS {
	if v.foot == "" {
		return ""
	}
	number := strings.SplitN(sheet.Catalogue.Say(v.Lang, "page.number", map[string]string{"page": "\x00", "pages": "\x00"}), "\x00", 3)
	content := ""
	for i, part := range number {
		content += quotedCSS(part) + []string{" counter(page) ", " counter(pages) ", ""}[min(i, 2)]
	}
	standing := "portrait"
	if v.wide {
		standing = "landscape"
	}
	return template.CSS("@page{size:A4 " + standing + ";@bottom-left{content:" + quotedCSS(v.foot) + ";font:7pt monospace}@bottom-right{content:" + content + ";font:8pt sans-serif}}")
}

func quotedCSS(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "<", `\3c `, "\n", `\a `).Replace(s) + `"`
}

// Export is the address of the page's data under /v1 in a format, "" where there is none.
func (v *view) Export(format string) string {
	p := v.r.URL.Path
	switch parts := strings.Split(strings.Trim(p, "/"), "/"); {
	case p == "/":
		p = "/v1/funds"
	case p == "/payees":
		p = "/v1/payees"
	case len(parts) == 4 && parts[2] == "years":
		p = "/v1" + p + "/tables/execution"
	case len(parts) == 5 && parts[4] == "charts":
		p = "/v1/funds/" + parts[1] + "/years/" + parts[3] + "/tables/execution"
	case len(parts) == 5 && parts[2] == "years" && slices.Contains(projections.Tables, parts[4]):
		p = "/v1/funds/" + parts[1] + "/years/" + parts[3] + "/tables/" + parts[4]
	case len(parts) == 5 && parts[2] == "years":
		p = "/v1" + p
	case len(parts) == 6 && parts[4] == "lines":
		p = "/v1" + p + "/statement"
	case len(parts) == 4 && parts[2] == "events", len(parts) == 3 && parts[2] == "diff":
		p = "/v1" + p
	default:
		return ""
	}
	query := v.r.URL.Query()
	query.Set("format", format)
	query.Set("lang", string(v.Lang))
	if v.Fund != "" && v.At.Seq > 0 {
		query.Set(v.pin(), v.At.Seq.String())
	}
	if v.pin() == "to" {
		query.Set("from", v.a.from.String())
	}
	if payee := query.Get("payee"); payee != "" && v.Fund != "" {
		query.Del("payee")
		query.Add("where", history.ByPayee+"="+payee)
	}
	return address(p, query)
}

// Formats lists those that a page's data can be had in.
func (v *view) Formats() []string { return []string{"xlsx", "csv", "html", "md", "json", "text"} }

// show makes the page's table of a sheet.
func (v *view) show(s *sheet.Sheet) (template.HTML, error) { return v.showWith(s, v.links()) }

func (v *view) showWith(s *sheet.Sheet, links sheet.Links) (template.HTML, error) {
	var out bytes.Buffer
	wide, err := sheet.WriteFragment(&out, s, v.options(), links)
	v.wide = v.wide || wide
	return template.HTML(out.String()), err // made by a template that escapes
}

// showHead makes the title and the face of a sheet alone.
func (v *view) showHead(s *sheet.Sheet) (template.HTML, error) {
	var out bytes.Buffer
	err := sheet.WriteHead(&out, s, sheet.Options{Lang: v.Lang, Unit: v.a.unit}, v.links())
	return template.HTML(out.String()), err // made by a template that escapes
}

// showTable makes one table of a sheet alone.
func (v *view) showTable(s *sheet.Sheet, n int) (template.HTML, error) {
	return v.showTableWith(s, n, v.links())
}

func (v *view) showTableWith(s *sheet.Sheet, n int, links sheet.Links) (template.HTML, error) {
	var out bytes.Buffer
	wide, err := sheet.WriteTable(&out, s, n, v.options(), links)
	v.wide = v.wide || wide
	return template.HTML(out.String()), err // made by a template that escapes
}

// zoned notes the time of a fund, on a page about several: theirs where all have one, else each has its own, and what is of no fund is in UTC.
func (v *view) zoned(b *projections.Book) {
	zone := b.Zone()
	if zone == nil {
		return
	}
	if len(v.zones) == 0 {
		v.zone, v.zones = zone, map[events.Fund]*time.Location{}
	} else if v.zone.String() != zone.String() {
		v.zone = time.UTC
	}
	v.zones[b.History().Fund()] = zone
}

// zonesOf is the time of each fund that a row is about; nil where all have one.
func (v *view) zonesOf() func(*sheet.Table, sheet.Row) *time.Location {
	for _, zone := range v.zones {
		if zone.String() != v.zone.String() {
			return func(t *sheet.Table, row sheet.Row) *time.Location {
				if i := t.Column("fund"); i >= 0 {
					return v.zones[events.Fund(row.Cells[i].Text())]
				}
				return nil
			}
		}
	}
	return nil
}

// links are what the cells of a sheet lead to.
func (v *view) links() sheet.Links {
	return sheet.Links{
		Page: true, Zone: v.zone, Zones: v.zonesOf(), ID: rowID, Class: rowClass,
		Event: func(n events.Seq) string { return v.event(v.Fund, n) },
		Part: func(part sheet.Cell) string {
			fund, seq := v.Fund, events.Seq(0)
			for _, m := range part.Members() {
				switch {
				case m.Name == "fund":
					fund = events.Fund(m.Value.Text())
				case m.Name == "seq":
					seq = events.Seq(m.Value.Int())
				}
			}
			if fund == "" || seq == 0 {
				return ""
			}
			return v.event(fund, seq)
		},
		Cell: func(t *sheet.Table, column string, row sheet.Row) string {
			at := func(name string) sheet.Cell {
				if i := t.Column(name); i >= 0 && i < len(row.Cells) {
					return row.Cells[i]
				}
				return sheet.Cell{}
			}
			cell := at(column)
			switch {
			case column == "act":
				return v.explain(t, row)
			case t.Column("other_names") >= 0 && column == "name" && cell.Text() != "" && v.r.URL.Query().Get("payee") == "":
				return v.To("/payees", "payee", cell.Text())
			case column == "payee" && cell.Text() != "" && v.Fund != "":
				return v.To("/payees", "payee", cell.Text(), "known_at", "")
			}
			fund := v.Fund
			if f := at("fund").Text(); f != "" {
				fund = events.Fund(f)
			}
			year := v.Year
			if cell := at("year"); cell.Kind == sheet.Integer {
				year = events.Year(cell.Int())
			}
			switch {
			case fund == "":
			case cell.Kind == sheet.Integer && slices.Contains([]string{"seq", "of", "event"}, column) && v.Fund != "":
				return v.event(fund, events.Seq(cell.Int()))
			case year == 0:
			case v.Fund == "" && slices.Contains([]string{"fund", "name", "year"}, column) && t.Column("other_names") < 0:
				return v.To("/funds/" + string(fund) + "/years/" + year.String())
			case slices.Contains([]string{"line", "name"}, column):
				line, err := events.ParseLine(at("line").Text())
				if err == nil && v.Fund != "" {
					return v.To("/funds/" + string(fund) + "/years/" + year.String() + "/lines/" + string(line))
				}
			}
			return ""
		},
	}
}

// rowID is what a line's row in the main table of lines is linked to by.
func rowID(t *sheet.Table, row sheet.Row) string {
	if t.Name != "lines" && t.Name != "rows" || t.Column("depth") < 0 {
		return ""
	}
	if line, err := events.ParseLine(row.Cells[max(t.Column("line"), 0)].Text()); err == nil {
		return "line-" + string(line)
	}
	return ""
}

// rowClass is what a row of contradictions is.
func rowClass(t *sheet.Table, row sheet.Row) string {
	if i := t.Column("class"); i >= 0 && i < len(row.Cells) {
		return "class-" + row.Cells[i].Text()
	}
	return ""
}

func (v *view) event(fund events.Fund, n events.Seq) string {
	return v.To("/funds/" + string(fund) + "/events/" + n.String())
}

// layouts has the whole page for each template.
var layouts = func() map[string]*template.Template {
	root := template.Must(template.New("").ParseFS(consoleFiles, "console/layout.html", "console/drawn.html"))
	out := map[string]*template.Template{}
	files, err := fs.Glob(consoleFiles, "console/*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "drawn" {
			continue
		}
		out[name] = template.Must(template.Must(root.Clone()).ParseFS(consoleFiles, file))
	}
	return out
}()

// assets are the files of the console by their names.
var assets, assetsVersion = func() (map[string][]byte, string) {
	all := map[string][]byte{}
	hash := sha256.New()
	files, err := fs.Glob(consoleFiles, "console/assets/*")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		data, err := consoleFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		all[path.Base(file)] = data
		fmt.Fprintf(hash, "%s %d\n", file, len(data))
		hash.Write(data)
	}
	return all, hex.EncodeToString(hash.Sum(nil)[:8])
}()

// asset answers with a file of the console.
func (s *site) asset(w http.ResponseWriter, r *http.Request, _ words.Language) error {
	data, found := assets[r.PathValue("name")]
	if !found {
		return fault{&events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{
			"field": "name", "value": clip(r.PathValue("name")), "choices": "console.css console.js",
		}}, http.StatusNotFound}
	}
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	if r.PathValue("version") == assetsVersion {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Del("Vary")
	header.Set("Content-Type", mime.TypeByExtension(path.Ext(r.PathValue("name"))))
	compressed(w, r, http.StatusOK, data)
	return nil
}

// Address is the page's whole address, with the moment that it shows, so that who opens it sees the same.
func (v *view) Address() string {
	scheme := "http"
	if v.r.TLS != nil {
		scheme = "https"
	}
	set := []string{"lang", string(v.Lang)}
	if v.Fund != "" {
		set = append(set, v.pin(), v.At.Seq.String())
	}
	return scheme + "://" + v.r.Host + v.Here(set...)
}

// Newest is the page's whole address without a moment, so that who opens it sees what is known then; "" where the page is of no moment anyway.
func (v *view) Newest() string {
	if v.Fund == "" {
		return ""
	}
	scheme, _, _ := strings.Cut(v.Address(), "://")
	return scheme + "://" + v.r.Host + v.Here(v.pin(), "")
}

// Signed says that officials sign the page when it is printed.
func (v *view) Signed() bool { return v.Year != 0 && v.Problem == nil }

// Signatures are who signs.
func (v *view) Signatures() []string {
	return []string{v.Say("sign.made"), v.Say("sign.checked"), v.Say("sign.head"), v.Say("print.when")}
}

// passing reports whether the page is one of many that are looked at for a moment each, as somebody moves through time, and what is for paper alone may be left out
// (RFC 7240, section 4.2).
func (v *view) passing() bool {
	return slices.ContainsFunc(v.r.Header.Values("Prefer"), func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), minimal) })
}

const minimal = "return=minimal"

// QR is a picture of the address, for paper.
func (v *view) QR() template.HTML {
	if v.passing() { // it takes as long as the rest of the page
		return ""
	}
	side, path, err := document.DrawCode(v.Address())
	if err != nil { // too long for any code: the address stands there in letters
		return ""
	}
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="QR" shape-rendering="crispEdges"><rect width="%d" height="%d" fill="#fff"/><path d="%s" fill="#000"/></svg>`, side, side, side, side, path))
}

// Writes says whether commands can be posted from here.
func (v *view) Writes() bool { return v.site.desk != nil }

// A kept parameter goes along with a form.
type kept struct{ Name, Value string }

// Kept are the parameters of the page's address that a form has no fields for.
func (v *view) Kept(fields ...string) (out []kept) {
	query := v.r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			if !slices.Contains(fields, name) {
				out = append(out, kept{name, value})
			}
		}
	}
	return out
}

// TabName is what a view of a year is called.
func (v *view) TabName(tab string) string {
	tab = cmp.Or(map[string]string{"": "execution", "figures": "report"}[tab], tab)
	return cmp.Or(texts.Find(v.Lang, "tab."+tab, nil), sheet.Catalogue.Say(v.Lang, "tab."+tab, nil))
}
