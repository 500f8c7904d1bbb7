// Package web answers questions over HTTP from books that follow their logs.
//
//	GET  /v1/funds                                           every fund and year at a glance
//	GET  /v1/funds/{fund}                                    how far it is read, with the root there
//	POST /v1/funds/{fund}/rebuild                            fold it anew, beside what answers
//	GET  /v1/funds/{fund}/events                             stored lines, verbatim
//	GET  /v1/funds/{fund}/events/{n}                         one event, what it is about, and what is about it
//	GET  /v1/funds/{fund}/events/{n}/paper                   its paper, to be signed and filed
//	GET  /v1/funds/{fund}/diff                               what became known between two moments
//	GET  /v1/funds/{fund}/years/{year}/tables/{name}         each of [projections.Tables]
//	GET  /v1/funds/{fund}/years/{year}/lines/{line}/statement
//	GET  /v1/funds/{fund}/years/{year}/series
//	GET  /v1/funds/{fund}/years/{year}/figures
//	GET  /v1/funds/{fund}/years/{year}/check
//	GET  /v1/funds/{fund}/years/{year}/reconciliation        with the bank, of a month or all of it
//	GET  /v1/payees                                          what each payee got out of every fund
//	GET  /v1/live                                            how far each fund is, as it moves
//	GET  /v1/funds/{fund}/feed                               every event, as it comes
//	GET  /v1/funds/{fund}/years/{year}/live                  the balances of a year, as they change
//
// The last three are server-sent events (the HTML standard, section 9.2): see [site.follow].
//
// The parameters are the command line's options, and a JSON answer has the bytes that the command line prints with --format json. What a question can be
// asked with stands in one table ([questions]): a new one is a line there.
//
// Every answer that follows from events alone has an ETag (RFC 9110, section 8.8.3): the hash of the program's version, the number and root of the log that it was made
// of, and the question with its defaults filled in. It is strong: the same tag, the same bytes. So a question is answered with 304 before anything is computed,
// and one as known at a number keeps its tag for as long as the release does. Cache-Control: no-cache lets caches keep an answer and makes them ask each time.
//
// Beside these stand the pages of the console, for people: see console.go.
//
// The package only makes [Route]s. Who lets a request in, and how an error is written, is for the server that takes them.
package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/live"
	"fundledger/projections/sheet"

	"github.com/danielgtaylor/huma/v2"
)

// A Route is an operation for a server to offer.
type Route struct {
	// Operation describes it, its good responses included.
	Operation huma.Operation
	// Problems says when which status is answered, besides those that any request can have.
	Problems map[int]string
	// Stream says that the answer goes on for as long as the asker stays: Answer gives each piece of it its own deadline, and ends when the request's context does.
	Stream bool
	// Answer writes the answer. What it returns it wants to be answered as a problem, and has written nothing by then. The error is, or wraps, an [events.Error];
	// a method HTTPStatus gives the status where that is not the usual one of its code.
	Answer func(w http.ResponseWriter, r *http.Request, lang words.Language) error
}

// A site answers from books.
type site struct {
	books   *live.Books
	version string
	turn    chan struct{} // of whoever adds up payees
	desk    Desk          // nil where nothing can be written
	uploads chan struct{} // files that are looked at
}

// Routes returns the operations over books. version is the program's: another may answer the same question with other bytes. desk is nil where nothing can be written.
func Routes(books *live.Books, version string, desk Desk) []Route {
	s := &site{books, version, make(chan struct{}, 1), desk, make(chan struct{}, uploadsMost)}
	routes := []Route{
		{s.operation("funds", "/v1/funds", "Every fund and year at a glance", ofFunds, typesOf(printed)), nil, false, s.funds},
		{s.operation("fund", "/v1/funds/{fund}", "How far a fund's log is read", []string{"wait", "lang"}, []string{asJSON}), nil, false, s.fund},
		{s.operation("events", "/v1/funds/{fund}/events", "Stored events, verbatim, one to a line", []string{"after", "limit", "wait", "lang"}, []string{asLines}), nil, false, s.events},
		{s.operation("event", "/v1/funds/{fund}/events/{n}", "One event, what it is about, and what is about it", ofEvent, typesOf(printed)), nil, false, s.event},
		{s.paperOperation(), nil, false, s.paper},
		{s.operation("payees", "/v1/payees", "What each payee got out of every fund, and what may have been paid twice", ofPayees, typesOf(printed)), nil, false, s.payees},
		{s.operation("rebuild", "/v1/funds/{fund}/rebuild", "Fold a fund's log anew, beside what answers until that has come as far", []string{"lang"}, []string{asJSON}), nil, false, s.rebuild},
	}
	rebuild := &routes[len(routes)-1].Operation
	rebuild.Method = http.MethodPost
	rebuild.Responses = map[string]*huma.Response{"202": rebuild.Responses["200"]}
	for i := range questions {
		q := &questions[i]
		routes = append(routes, Route{s.operation(q.id, q.path, q.summary, q.params(q.table), typesOf(printed)), nil, false, s.sheet(q)})
	}
	routes = append(routes, s.feeds()...)
	for i := range routes {
		routes[i].Problems = problems
	}
	return append(routes, s.routesOfPages()...)
}

var problems = map[int]string{
	http.StatusNotFound:            "there is no such fund, year, line, table, event or payee",
	http.StatusUnprocessableEntity: "a parameter that there is not, or a value that it cannot have; args name it, the value and the choices",
	http.StatusServiceUnavailable:  "the event waited for is not in yet, the log is still being read, or it cannot be reached",
}

const (
	asJSON  = "application/json"
	asLines = "application/jsonl"
)

// fault is an error with the status that answers it.
type fault struct {
	error
	status int
}

func (f fault) Unwrap() error   { return f.error }
func (f fault) HTTPStatus() int { return f.status }

// said makes an error one that can be answered. What is not there is 404; where reading has stopped it is the server that is in the wrong.
func said(err error, lang words.Language) error {
	var stopped *live.Stopped
	var e *events.Error
	switch {
	case errors.As(err, &stopped):
		return fault{stoppedError(stopped, lang), http.StatusInternalServerError}
	case !errors.As(err, &e):
		return err
	}
	switch e.Code {
	case events.UnknownFund, events.UnknownYear, events.UnknownLine:
		return fault{err, http.StatusNotFound}
	case events.UnknownKind, events.Overflow: // what is stored cannot be read, whatever was asked
		return fault{err, http.StatusInternalServerError}
	}
	return err
}

// stoppedError says that reading has stopped, at which event and why. Evidence of tampering is said as what it is.
func stoppedError(s *live.Stopped, lang words.Language) *events.Error {
	cause := s.Err.Error()
	var e *events.Error
	if errors.As(s.Err, &e) {
		if e.Code == events.Tampered {
			return e.With("fund", string(s.Fund))
		}
		cause = e.Message(lang)
	}
	return &events.Error{Code: events.Unavailable, Why: "stopped", Args: events.Args{"fund": string(s.Fund), "seq": s.At.String(), "cause": cause}, Err: s.Err}
}

// tag is the ETag of the answer to a question at a cut.
func (s *site) tag(at live.Cut, question ...string) string {
	h := sha256.New()
	for _, part := range append([]string{s.version, at.Seq.String(), at.Root}, question...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]) + `"`
}

// has reports whether the asker has the answer of that tag already (RFC 9110, section 13.1.2).
func has(r *http.Request, tag string) bool {
	for _, list := range r.Header.Values("If-None-Match") {
		for one := range strings.SplitSeq(list, ",") {
			if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

// cached writes an answer that has a tag, or that the asker has it already. lang is "" where it is in no language.
func cached(w http.ResponseWriter, r *http.Request, tag string, same bool, contentType string, lang words.Language, body []byte) {
	header := w.Header()
	header.Set("ETag", tag)
	header.Set("Cache-Control", "no-cache")
	header.Set("Vary", "Accept, Accept-Language")
	if same {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", contentType)
	switch contentType {
	case contentTypes["html"]: // it has no script, and none that got into it would be run
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	case contentTypes["xlsx"]:
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(r.URL.Path) + ".xlsx"}))
	}
	if lang != "" {
		header.Set("Content-Language", string(lang))
	}
	_, _ = w.Write(body) // who does not take its answer may ask again
}

// fileName is what a file with the answer of a path is called: what was asked for, without the words between.
func fileName(path string) string {
	parts := slices.DeleteFunc(strings.Split(path, "/"), func(part string) bool {
		return slices.Contains([]string{"", "v1", "years", "tables", "lines"}, part)
	})
	if len(parts) > 1 && parts[0] == "funds" {
		parts = parts[1:]
	}
	return strings.Join(parts, "-")
}

// sheet answers a question that has a sheet for an answer.
func (s *site) sheet(q *question) func(http.ResponseWriter, *http.Request, words.Language) error {
	return func(w http.ResponseWriter, r *http.Request, lang words.Language) error {
		a, err := q.read(r, lang)
		if err != nil {
			return err
		}
		var body bytes.Buffer
		var tag string
		same := false
		err = s.books.Read(r.Context(), a.fund, a.wait, a.known, func(at live.Cut, b *projections.Book) error {
			tag = s.tag(at, a.normal(q)...)
			if same = has(r, tag); same {
				return nil
			}
			a.query.Root = at.Root
			made, err := q.answer(b, a)
			if err != nil {
				return err
			}
			return sheet.Write(&body, a.format, made, sheet.Options{Lang: a.lang, Unit: a.unit})
		})
		if err != nil {
			return said(notThere(q.knownBy(), err), lang)
		}
		cached(w, r, tag, same, contentTypes[a.format], a.lang, body.Bytes())
		return nil
	}
}

// funds answers with every fund and year. Where one cannot be read nothing is answered: a sum over the others would look whole.
func (s *site) funds(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, ofFunds)
	if err != nil {
		return err
	}
	glance, tag, err := s.glance(r, a, a.format, string(a.unit))
	if err != nil {
		return said(err, lang)
	}
	var body bytes.Buffer
	same := has(r, tag)
	if !same {
		made, last, err := glance(func(*projections.Book) {})
		if err == nil {
			tag = last
			err = sheet.Write(&body, a.format, made, sheet.Options{Lang: a.lang, Unit: a.unit})
		}
		if err != nil {
			return said(err, lang)
		}
	}
	cached(w, r, tag, same, contentTypes[a.format], a.lang, body.Bytes())
	return nil
}

// glance returns the tag of an answer about every fund, in which shown says how it is shown, and what makes its sheet, and has each book seen. That is made of the books as they
// are then, so it has a tag of its own.
func (s *site) glance(r *http.Request, a *ask, shown ...string) (make func(see func(*projections.Book)) (*sheet.Sheet, string, error), tag string, err error) {
	if a.known.Seq() != 0 {
		return nil, "", &events.Error{Code: events.BadValue, Why: "number-of-funds", Args: events.Args{"field": "known_at", "value": a.known.String()}}
	}
	day := ""
	if a.query.AsOf != nil {
		day = a.query.AsOf.String()
	}
	all, err := s.books.Funds(r.Context())
	if err != nil {
		return nil, "", err
	}
	// The cuts alone tell whether the asker has it already.
	walk := func(visit func(live.Cut, *projections.Book) error) (tag string, err error) {
		parts := append([]string{"funds", day, string(a.lang)}, shown...)
		var early error
		known := false
		for _, fund := range all {
			err := s.books.Read(r.Context(), fund, 0, a.known, func(at live.Cut, b *projections.Book) error {
				parts = append(parts, string(fund), at.Seq.String(), at.Root)
				return visit(at, b)
			})
			if _, none := unknownMoment(err); none { // nothing of it was known then
				early = err
				continue
			}
			if err != nil {
				return "", err
			}
			known = true
		}
		if !known && early != nil {
			return "", notThere("known_at", early)
		}
		return s.tag(live.Cut{}, parts...), nil
	}
	tag, err = walk(func(live.Cut, *projections.Book) error { return nil })
	return func(see func(*projections.Book)) (*sheet.Sheet, string, error) {
		glance := projections.Glance{AsOf: a.query.AsOf}
		tag, err := walk(func(at live.Cut, b *projections.Book) error {
			see(b)
			return glance.Add(b, at.Root)
		})
		return glance.Sheet(), tag, err
	}, tag, err
}

// A standing is how a fund's book stands, in JSON.
type standing struct {
	Fund  events.Fund `json:"fund"`
	State live.State  `json:"state"`
	// Last is the number of the last event that the log is known to have, Applied of the last that answers count; Lag is the difference.
	Last    events.Seq `json:"last"`
	Applied events.Seq `json:"applied"`
	Lag     uint64     `json:"lag"`
	// Recorded is when event Applied was recorded.
	Recorded *string `json:"recorded"`
	// Root is that of the log's tree over the events up to Applied, base64; null while nothing is answered.
	Root       *string `json:"root"`
	Rebuilding bool    `json:"rebuilding"`
	// Error is why it stopped, or why the last rebuilding came to nothing.
	Error *mishap `json:"error,omitempty"`
}

type mishap struct {
	Code    events.Code `json:"code"`
	Seq     events.Seq  `json:"seq,omitempty"` // of the event that was not taken
	Message string      `json:"message"`
	Hint    string      `json:"hint,omitempty"`
}

func standingOf(s *live.Status, lang words.Language) *standing {
	out := &standing{Fund: s.Fund, State: s.State, Last: s.Last, Applied: s.Seq, Lag: s.Lag(), Rebuilding: s.Rebuilding}
	if !s.Recorded.IsZero() {
		out.Recorded = new(s.Recorded.Format(events.TimeForm))
	}
	if s.Root != "" {
		out.Root = &s.Root
	}
	if s.Err != nil {
		out.Error = &mishap{Code: events.CodeOf(s.Err), Message: s.Err.Error()}
		var stopped *live.Stopped
		e := &events.Error{}
		if errors.As(s.Err, &stopped) {
			out.Error.Seq, e = stopped.At, stoppedError(stopped, lang)
		} else if !errors.As(s.Err, &e) {
			return out
		}
		out.Error.Code, out.Error.Message, out.Error.Hint = e.Code, e.Message(lang), e.Hint(lang)
	}
	return out
}

func write(w http.ResponseWriter, status int, lang words.Language, v any) {
	w.Header().Set("Content-Type", asJSON)
	w.Header().Set("Content-Language", string(lang))
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// fund answers how far a fund is read. It is of the moment, so it has no tag.
func (s *site) fund(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, []string{"wait", "lang"})
	if err != nil {
		return err
	}
	status, err := s.books.Status(r.Context(), a.fund, a.wait)
	if err != nil {
		return said(err, lang)
	}
	write(w, http.StatusOK, a.lang, standingOf(&status, a.lang))
	return nil
}

// rebuild begins to fold a fund anew. Whoever may append may ask for it: it changes nothing.
func (s *site) rebuild(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, []string{"lang"})
	if err != nil {
		return err
	}
	status, err := s.books.Rebuild(r.Context(), a.fund)
	if err != nil {
		return said(err, lang)
	}
	w.Header().Set("Location", "/v1/funds/"+string(a.fund))
	write(w, http.StatusAccepted, a.lang, standingOf(&status, a.lang))
	return nil
}

// eventsBytes bounds one answer with events; the line that crosses it is the last.
const eventsBytes = 8 << 20

// events answers with stored lines. Nothing is answered before they have all been read.
func (s *site) events(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, []string{"after", "limit", "wait", "lang"})
	if err != nil {
		return err
	}
	a.limit = cmp.Or(a.limit, eventsUsual)
	var body bytes.Buffer
	var tag string
	same, at := false, a.after
	err = s.books.Events(r.Context(), a.fund, a.wait, a.after, a.limit, func(cut live.Cut, last events.Seq, lines iter.Seq2[[]byte, error]) error {
		tag = s.tag(cut, "events", a.after.String(), fmt.Sprint(a.limit))
		same = has(r, tag)
		for line, err := range lines {
			if err != nil {
				return err
			}
			if same {
				break
			}
			body.Write(line)
			body.WriteByte('\n')
			if at++; body.Len() >= eventsBytes {
				break
			}
		}
		if !same && at > a.after && (at < last || cut.Seq < last) {
			w.Header().Set("Link", fmt.Sprintf(`</v1/funds/%s/events?after=%d&limit=%d>; rel="next"`, a.fund, at, a.limit))
		}
		return nil
	})
	if err != nil {
		w.Header().Del("Link")
		return said(err, lang)
	}
	cached(w, r, tag, same, asLines, "", body.Bytes())
	return nil
}
