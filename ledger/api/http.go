package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/language"
)

//go:embed words
var wordFiles embed.FS

// texts are the words of HTTP itself; codes have theirs in [words.Ledger].
var texts = words.LoadRoom(wordFiles)

// What bounds a request. The server has no deadline for a whole answer: a long file is answered for as long as its sender sends and reads.
const (
	headerPatience = 10 * time.Second
	idlePatience   = 2 * time.Minute
	readPatience   = 30 * time.Second // without a byte of the body
	commandTime    = time.Minute      // for the body of one command or a list
	streamTime     = 2 * time.Hour    // for a body of lines
	writePatience  = time.Minute      // in which a client has to take the next piece of its answer
	answerPatience = 2 * time.Minute  // for the ledger: far longer than it needs to load a long log
	stopPatience   = 15 * time.Second
	leavePatience  = time.Second // in which a client has to take what is under way of an answer that goes on, when the server stops

	maxHeader  = 64 << 10
	maxCommand = 128 << 10 // above what an event can hold, so that the refusal comes from the codec
	maxList    = 8 << 20   // a list, or lines that stand or fall together: as much as over NATS
	maxStream  = 1 << 30

	maxRequests = 256
	maxFeeds    = 20_000
	maxStreams  = 16 // with what each has under way, far less than the ledger lets wait
	maxTrials   = 2  // lists that are only asked; the others wait, and whoever appends has at most these before them
	maxTrying   = 16 // that wait, or are being read: more would keep out whoever appends
)

// HTTPOptions say how to serve over HTTP.
type HTTPOptions struct {
	// Version is the program's.
	Version string
	// Token is what a caller has to know where the address is not one of the loopback interface.
	Token string
	// Ready returns an error while the broker does not answer.
	Ready func(context.Context) error
	// Page returns what the manual says about a code: a title and a text. It may be nil.
	Page func(events.Code, words.Language) (title, text string)
	// Language is spoken to whoever asks for none; English where it is "".
	Language words.Language
	// Log takes what went wrong inside; nil is nowhere.
	Log *log.Logger
	// Records takes a record of each request, and of what became of the commands in it. Probes and scrapes that went well are left out. nil is nowhere.
	Records *slog.Logger
	// Served hears of each request once it has been answered; it must not wait. It may be nil.
	Served func(*Exchange)
	// Routes are operations of others, under the same rules as the ledger's own and in the same description.
	Routes []Route
	// Missing answers a browser that asks for a page where nothing is, with that status; nil leaves it at the problem that a program gets.
	Missing func(w http.ResponseWriter, r *http.Request, lang words.Language) error
	// Reading tells of those who read the logs, for /readyz. It may be nil.
	Reading func() Reading

	limits limits // zeros are the usual ones
}

// A Reading is how those are who read the logs: how many events the one lacks that is furthest behind, and for how many funds it is being loaded, cannot reach the
// log, or has stopped.
type Reading struct {
	Lag                           uint64
	Loading, Unreachable, Stopped int
}

// A Route is an operation that others answer.
type Route struct {
	// Operation describes it, its good responses included.
	Operation huma.Operation
	// Problems says when which status is answered, besides those that any request can have.
	Problems map[int]string
	// Stream says that the answer goes on for as long as the client stays. Such answers are counted apart from the others, Answer gives each piece its own deadline, and
	// it ends when the request's context does: what is written then has a deadline that Answer must not put off, so it looks at the context after it has set one.
	Stream bool
	// Answer writes the answer in a language. An error that it returns is answered as a problem; nothing may be written by then. A method HTTPStatus of it gives the
	// status where that is not the usual one of its code.
	Answer func(w http.ResponseWriter, r *http.Request, lang words.Language) error
}

// limits are those that a test would have to wait for.
type limits struct {
	read, write, stop time.Duration
	command           time.Duration
	stream            int64
}

// HTTP serves commands over HTTP, and what others answer there, until it is stopped.
//
// On a loopback address nobody has to log in. There the danger is a browser: a page of another site could post from it, or give this machine
// a name of its own. So the Host header must name this machine, a request that a browser marks as another site's is refused, and a body must have
// one of the named types, which a plain form cannot give. On any other address every request but those for health carries the token.
type HTTP struct {
	ledger *ledger.Ledger
	o      HTTPOptions
	mux    *http.ServeMux
	server *http.Server
	addr   *net.TCPAddr
	host   string // as given
	cross  *http.CrossOriginProtection

	requests, streams, trials, trying, feeds chan struct{}

	feeding  map[string]bool // the patterns of answers that go on
	stopping context.Context
	stop     context.CancelFunc
	served   chan struct{}
	handling sync.WaitGroup
	underWay atomic.Int64
}

// ListenHTTP serves the ledger at addr, host and port. Without a host it is the loopback interface; port 0 picks one.
func ListenHTTP(addr string, l *ledger.Ledger, o HTTPOptions) (*HTTP, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = log.New(discard{}, "", 0)
	}
	if o.Language == "" {
		o.Language = words.English
	}
	o.limits.read = cmp.Or(o.limits.read, readPatience)
	o.limits.write = cmp.Or(o.limits.write, writePatience)
	o.limits.stop = cmp.Or(o.limits.stop, stopPatience)
	o.limits.command = cmp.Or(o.limits.command, commandTime)
	o.limits.stream = cmp.Or(o.limits.stream, maxStream)
	h := &HTTP{
		ledger: l, o: o, mux: http.NewServeMux(), addr: listener.Addr().(*net.TCPAddr), host: host, cross: http.NewCrossOriginProtection(),
		requests: make(chan struct{}, maxRequests), streams: make(chan struct{}, maxStreams), trials: make(chan struct{}, maxTrials), trying: make(chan struct{}, maxTrying),
		feeds: make(chan struct{}, maxFeeds), feeding: map[string]bool{}, served: make(chan struct{}),
	}
	if !h.Loopback() && o.Token == "" {
		return nil, errors.Join(errors.New("api: an address of the network needs a token"), listener.Close())
	}
	h.stopping, h.stop = context.WithCancel(context.Background())
	h.describe()
	h.server = &http.Server{
		Handler: h, ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: maxHeader, ErrorLog: o.Log,
	}
	go func() {
		defer close(h.served)
		if err := h.server.Serve(newDoor(listener, func() int { return len(h.feeds) })); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Print(err)
		}
	}()
	return h, nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Loopback reports whether only this machine can reach the server.
func (h *HTTP) Loopback() bool { return h.addr.IP.IsLoopback() }

// URL is where it serves.
func (h *HTTP) URL() string { return "http://" + h.addr.String() }

// Stop takes no more requests, lets those under way be answered as far as they have been read, and returns when none is left.
func (h *HTTP) Stop() {
	h.stop()
	ctx, cancel := context.WithTimeout(context.Background(), h.o.limits.stop)
	defer cancel()
	if h.server.Shutdown(ctx) != nil {
		_ = h.server.Close()
	}
	h.handling.Wait()
	<-h.served
}

// UnderWay is how many requests are being answered.
func (h *HTTP) UnderWay() int { return int(h.underWay.Load()) }

// A tracked answer knows whether it has begun, and what it is.
type tracked struct {
	http.ResponseWriter
	begun  bool
	status int
	bytes  int64
}

func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *tracked) WriteHeader(status int) {
	if !t.begun {
		t.begun, t.status = true, status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracked) Write(p []byte) (int, error) {
	t.begun = true
	n, err := t.ResponseWriter.Write(p)
	t.bytes += int64(n)
	return n, err
}

// ServeHTTP lets a request in, or refuses it with a problem document.
func (h *HTTP) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h.handling.Add(1)
	defer h.handling.Done()
	w := &tracked{ResponseWriter: rw, status: http.StatusOK}
	q := &request{h: h, w: w, r: r, control: http.NewResponseController(rw), lang: h.language(r), id: requestID(r.Header), begun: time.Now()}
	q.broken = true
	handler, pattern := h.mux.Handler(r)
	h.underWay.Add(1)
	defer q.served(pattern)
	_ = q.control.SetWriteDeadline(time.Time{}) // the request before on this connection may have left one
	defer func() {
		fault := recover()
		if fault == nil {
			q.broken = false
			return
		}
		if fault != http.ErrAbortHandler {
			h.o.Log.Printf("http: %s: request %s: %v\n%s", cmp.Or(pattern, r.Method), q.id, fault, debug.Stack())
		}
		if w.begun {
			panic(http.ErrAbortHandler)
		}
		q.broken = false
		q.problem(http.StatusInternalServerError, "defect", nil)
	}()
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept-Language")
	header.Set(IDHeader, q.id)
	probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
	switch {
	case h.Loopback() && !h.named(r.Host):
		q.problem(http.StatusMisdirectedRequest, "host", map[string]string{"host": clip(r.Host)})
		return
	case h.cross.Check(r) != nil:
		q.problem(http.StatusForbidden, "cross-site", nil)
		return
	case !h.Loopback() && !probe && !h.authorized(r):
		header.Add("WWW-Authenticate", `Bearer realm="fundledger"`)
		header.Add("WWW-Authenticate", `Basic realm="fundledger", charset="UTF-8"`) // on which a browser asks its user
		q.problem(http.StatusUnauthorized, "token", nil)
		return
	}
	if !probe && r.URL.Path != scrape {
		room := h.requests
		if h.feeding[pattern] {
			room = h.feeds
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			q.refuse(&events.Error{Code: events.Busy})
			return
		}
	}
	if pattern != "" {
		h.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)))
		return
	}
	// Nothing takes this: the mux knows why, in plain text.
	refusal := &refusal{header: http.Header{}}
	handler.ServeHTTP(refusal, r)
	if refusal.status == http.StatusMethodNotAllowed {
		allow := refusal.header.Get("Allow")
		header.Set("Allow", allow)
		q.problem(refusal.status, "method", map[string]string{"path": clip(r.URL.Path), "allow": allow, "method": clip(r.Method)})
		return
	}
	if h.o.Missing != nil && asksForPage(r) {
		q.route(&Route{Answer: h.o.Missing})
		return
	}
	q.problem(http.StatusNotFound, "not-found", map[string]string{"path": clip(r.URL.Path)})
}

// asksForPage reports whether somebody in front of a browser asks for an address, and no program.
func asksForPage(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return reads && !strings.HasPrefix(r.URL.Path, "/v1/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// A refusal is an answer of which the status and the header alone are looked at.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) WriteHeader(status int)      { r.status = status }
func (r *refusal) Write(p []byte) (int, error) { return len(p), nil }

// named reports whether a Host header names this machine. Behind a name of somebody else's the pages of that name could read and post here.
func (h *HTTP) named(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") || strings.EqualFold(host, h.host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// authorized reports whether a request carries the token: as Bearer, or as the password of HTTP Basic (RFC 7617) under whatever name, since that is all that a browser
// can be asked for.
func (h *HTTP) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, password, basic := r.BasicAuth(); basic {
		scheme, token = "Bearer", password
	}
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(h.o.Token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// language is the first of those asked for that we speak.
func (h *HTTP) language(r *http.Request) words.Language {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err == nil {
		for _, tag := range tags {
			base, _ := tag.Base()
			switch base.String() {
			case "zh":
				return words.Chinese
			case "en":
				return words.English
			}
		}
	}
	return h.o.Language
}

// scrape is where metrics are asked for, if anybody answers there. They are most wanted where there is too much to do, so they are answered even then.
const scrape = "/metrics"

// served tells of a request that has been answered.
func (q *request) served(pattern string) {
	q.h.underWay.Add(-1)
	_, route, _ := strings.Cut(pattern, " ")
	e := &Exchange{
		ID: q.id, Method: methodOf(q.r.Method), Route: route, Status: q.w.status, Bytes: q.w.bytes, Took: time.Since(q.begun), Broken: q.broken,
		Stream: strings.HasPrefix(q.w.Header().Get("Content-Type"), "text/event-stream"),
	}
	if q.h.o.Served != nil {
		q.h.o.Served(e)
	}
	log := q.h.o.Records
	if log == nil {
		return
	}
	if q.tally.commands > 0 {
		q.tally.record(log, q.r.PathValue("fund"), e.Took, slog.String("request_id", q.id))
	}
	if own := route == "/healthz" || route == "/readyz" || route == scrape; !own || e.Status >= 400 {
		e.record(log)
	}
}

type requestKey struct{}

// A request is one under way, with the way to its answer.
type request struct {
	h       *HTTP
	w       *tracked
	r       *http.Request
	control *http.ResponseController
	lang    words.Language
	id      string
	begun   time.Time
	tally   tally
	broken  bool // the answer broke off, unless it comes to its end
}

// A Problem is the answer to a request that failed, as RFC 9457 has it. Where a command was refused it also has what the receipt has.
type Problem struct {
	Type   string      `json:"type" doc:"what kind of problem: /problems/CODE, whose text GET gives, or about:blank for one of HTTP itself" example:"/problems/over-budget"`
	Title  string      `json:"title" doc:"the kind in words"`
	Status int         `json:"status" doc:"the status of the answer"`
	Detail string      `json:"detail" doc:"what happened, in the language asked for"`
	Hint   string      `json:"hint,omitempty" doc:"what to do"`
	Code   events.Code `json:"code,omitempty" doc:"the receipt's code"`
	Why    string      `json:"why,omitempty" doc:"tells apart several causes of one code"`
	Args   events.Args `json:"args,omitempty" doc:"what detail and hint speak of"`
	ID     events.ID   `json:"id,omitempty" doc:"the command's id"`
	Input  int         `json:"input,omitempty" doc:"the command's number in the request"`
	// Request is there where the server failed: whoever tells its operator of that can name it.
	Request string `json:"request_id,omitempty" doc:"what the request is called in the server's log (of a status of 500 or more)"`
}

// problem answers with a problem of HTTP itself, in the words of that name.
func (q *request) problem(status int, name string, args map[string]string) {
	q.write(&Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: texts.Say(q.lang, "http."+name, args), Hint: texts.Find(q.lang, "http."+name+"-hint", args),
	})
}

// problems is where the kinds of problems stand.
const problems = "/problems/"

// refuse answers with an error that has a code.
func (q *request) refuse(err error) {
	r := ledger.Fail(&ledger.Input{}, err)
	q.receiptProblem(&r)
}

// tooLarge answers a body that is above a limit.
func (q *request) tooLarge(limit int) {
	args := map[string]string{"limit": strconv.Itoa(limit)}
	p := q.kind(events.TooLarge)
	p.Args = args
	p.Detail, p.Hint = texts.Say(q.lang, "http.too-large", args), texts.Say(q.lang, "http.too-large-hint", args)
	q.w.Header().Set("Connection", "close") // the rest is not read
	q.write(p)
}

func (q *request) kind(code events.Code) *Problem {
	p := &Problem{Type: problems + string(code), Title: string(code), Status: statusOf(code), Code: code}
	if q.h.o.Page != nil {
		if title, _ := q.h.o.Page(code, q.lang); title != "" {
			p.Title = title
		}
	}
	return p
}

func (q *request) receiptProblem(r *ledger.Receipt) { q.receiptProblemAs(r, statusOf(r.Code)) }

func (q *request) receiptProblemAs(r *ledger.Receipt, status int) {
	r.Say(q.lang)
	p := q.kind(r.Code)
	p.Status = status
	p.Detail, p.Hint, p.Why, p.Args, p.ID, p.Input = r.Message, r.Hint, r.Why, r.Args, r.ID, r.Input
	if after := retryAfter(r.Code); after != "" && status == http.StatusServiceUnavailable {
		q.w.Header().Set("Retry-After", after)
	}
	q.write(p)
}

// statusOf is the status that answers a code. What the ledger refuses is 422, whatever its code: the request was understood, and the same again is
// refused again. What failed is 503, with when to ask again: that doubles nothing. Busy is not 429, since it is the ledger that has too much to do,
// not the caller that asks too often.
func statusOf(code events.Code) int {
	switch code {
	case events.TooLarge:
		return http.StatusRequestEntityTooLarge
	case events.Busy, events.Unavailable, events.UnknownOutcome, events.ClockBehind:
		return http.StatusServiceUnavailable
	case events.Tampered:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}

// retryAfter is in how many seconds it may be different.
func retryAfter(code events.Code) string {
	switch code {
	case events.Busy, events.UnknownOutcome:
		return "1"
	case events.Unavailable, events.ClockBehind:
		return "5"
	}
	return ""
}

func (q *request) write(p *Problem) {
	if p.Status >= http.StatusInternalServerError {
		p.Request = q.id
	}
	q.answer(p.Status, "application/problem+json", p)
}

// mustRead gives the client its time to take what is written next.
func (q *request) mustRead() { _ = q.control.SetWriteDeadline(time.Now().Add(q.h.o.limits.write)) }

// answer writes a whole answer.
func (q *request) answer(status int, contentType string, v any) {
	q.w.Header().Set("Content-Type", contentType)
	q.w.Header().Set("Content-Language", string(q.lang))
	q.mustRead()
	q.w.WriteHeader(status)
	enc := json.NewEncoder(q.w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // who does not take its answer may ask again
}

// route answers with what others make of a request, until the server stops.
func (q *request) route(route *Route) {
	if lang := words.Language(q.r.URL.Query().Get("lang")); slices.Contains(words.Languages, lang) { // which errors are then said in, too
		q.lang = lang
	}
	ctx, cancel := context.WithCancel(q.r.Context())
	defer cancel()
	defer context.AfterFunc(q.h.stopping, func() {
		if cancel(); route.Stream { // whoever does not read it holds nobody up
			_ = q.control.SetWriteDeadline(time.Now().Add(min(leavePatience, q.h.o.limits.stop)))
		}
	})()
	var w http.ResponseWriter = paced{q.w, q}
	if route.Stream {
		w = q.w
	}
	err := route.Answer(w, q.r.WithContext(ctx), q.lang)
	if err == nil {
		return
	}
	if q.w.begun {
		panic(http.ErrAbortHandler)
	}
	r := ledger.Fail(&ledger.Input{}, err)
	status := statusOf(r.Code)
	var own interface{ HTTPStatus() int }
	if errors.As(err, &own) {
		status = own.HTTPStatus()
	}
	q.receiptProblemAs(&r, status)
}

// A paced writer gives the client its time for each piece of a long answer.
type paced struct {
	*tracked
	q *request
}

func (p paced) Write(b []byte) (n int, err error) {
	const piece = 256 << 10
	for len(b) > 0 && err == nil {
		var wrote int
		p.q.mustRead()
		wrote, err = p.tracked.Write(b[:min(len(b), piece)])
		n, b = n+wrote, b[wrote:]
	}
	return n, err
}

// alive answers that the process is there.
func (q *request) alive() { q.answer(http.StatusOK, "application/json", health{Status: "ok"}) }

// ready answers whether the broker is and, with reading=true, whether every fund can be read.
func (q *request) ready() {
	value := q.r.URL.Query().Get("reading")
	switch {
	case value != "" && value != "true" && value != "false":
		q.refuse(&events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "reading", "value": clip(value), "choices": "true false"}})
		return
	case q.h.stopping.Err() != nil:
		q.refuse(&events.Error{Code: events.Unavailable})
		return
	}
	if q.h.o.Ready != nil {
		ctx, cancel := context.WithTimeout(q.r.Context(), 2*time.Second)
		defer cancel()
		if err := q.h.o.Ready(ctx); err != nil {
			q.refuse(&events.Error{Code: events.Unavailable, Err: err})
			return
		}
	}
	now := health{Status: "ok"}
	if q.h.o.Reading != nil {
		is := q.h.o.Reading()
		if value == "true" && is.Loading+is.Unreachable+is.Stopped > 0 {
			q.w.Header().Set("Retry-After", "5")
			q.problem(http.StatusServiceUnavailable, "reading", map[string]string{
				"loading": strconv.Itoa(is.Loading), "unreachable": strconv.Itoa(is.Unreachable), "stopped": strconv.Itoa(is.Stopped),
			})
			return
		}
		now.Lag, now.Loading, now.Unreachable, now.Stopped = &is.Lag, &is.Loading, &is.Unreachable, &is.Stopped
	}
	q.answer(http.StatusOK, "application/json", now)
}

// health says how the server is. That reading has stopped for a fund is no reason to send commands elsewhere, so it is told and the server stays ready, unless
// somebody asks who only reads.
type health struct {
	Status      string  `json:"status" enum:"ok"`
	Lag         *uint64 `json:"lag,omitempty" doc:"how many events the reading that is furthest behind lacks (readyz)"`
	Loading     *int    `json:"loading,omitempty" doc:"how many funds are being read for the first time (readyz)"`
	Unreachable *int    `json:"unreachable,omitempty" doc:"how many funds have a log that cannot be reached at the moment (readyz)"`
	Stopped     *int    `json:"stopped,omitempty" doc:"how many funds cannot be read any further (readyz)"`
}

// page answers with what the manual says about a code.
func (q *request) page() {
	if q.h.o.Page != nil {
		if _, text := q.h.o.Page(events.Code(q.r.PathValue("code")), q.lang); text != "" {
			q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			q.w.Header().Set("Content-Language", string(q.lang))
			q.mustRead()
			_, _ = q.w.Write([]byte(text))
			return
		}
	}
	q.problem(http.StatusNotFound, "not-found", map[string]string{"path": clip(q.r.URL.Path)})
}

func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return strings.ToValidUTF8(s, "�")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
