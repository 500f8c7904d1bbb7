package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
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
// A page requests nothing from any other host, and its policy lets nothing in: no script stands in it, and no style but a rule for the foot of printed pages, which the
// policy names by its hash.

// consolePolicy is the Content-Security-Policy of every page; the verb is the source of the one style that may stand in it.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self' %s; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

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
	// Live is the fund to follow, or [everyFund]; "" where nothing new belongs on the page, or it takes too long to be made again at each event.
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

// write draws the page.
func (v *view) write(w http.ResponseWriter) error {
	header := w.Header()
	header.Set("Vary", "Accept-Language, Cookie, Prefer")
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
	var body bytes.Buffer
	if err := layouts[cmp.Or(v.Template, "table")].ExecuteTemplate(&body, "layout", v); err != nil {
		return err
	}
	header.Set("Content-Security-Policy", fmt.Sprintf(consolePolicy, sourceOf(string(v.PrintStyle()))))
	header.Set("Content-Type", contentTypes["html"])
	header.Set("Content-Language", string(v.Lang))
	compressed(w, v.r, v.status, body.Bytes())
	return nil
}

// sourceOf names by its hash what may stand in a page (CSP level 2, section 4.2.5).
func sourceOf(text string) string {
	hash := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
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
			v.tag = s.tag(at, v.shown(string(v.Lang), v.Last.String(), strconv.FormatBool(v.passing()))...)
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

// shown is what a page's tag is made of, beside what it shows: its address, how it is to look, and more.
func (v *view) shown(more ...string) []string {
	return append([]string{"page", v.r.Host, v.r.URL.String(), v.Theme()}, more...)
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

// passing reports whether the page is one of many that are looked at for a moment each, as somebody moves through time, and what is for paper alone may be left out
// (RFC 7240, section 4.2).
func (v *view) passing() bool {
	return slices.ContainsFunc(v.r.Header.Values("Prefer"), func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), minimal) })
}

const minimal = "return=minimal"

// Writes says whether commands can be posted from here.
func (v *view) Writes() bool { return v.site.desk != nil }
