package api

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/google/uuid"
)

// An Exchange is a request over HTTP with its answer, as far as anybody may be told of it: it has no address, no parameter and no body, in which names and accounts
// can stand.
type Exchange struct {
	// ID is what the request is called: see [IDHeader].
	ID string
	// Method is one of HTTP's own, or "other".
	Method string
	// Route is the pattern of the path, with {fund} in the place of a fund; "" where nothing takes the path.
	Route string
	// Status is the answer's, and Bytes the length of its body.
	Status int
	Bytes  int64
	// Took is the time from the request's header to the end of the answer.
	Took time.Duration
	// Stream says that the answer goes on for as long as somebody reads it, so that Took says nothing of the server.
	Stream bool
	// Broken says that the answer broke off.
	Broken bool
}

// IDHeader has the name of a request, which every answer repeats and logs are searched by: the trace of its traceparent (W3C Trace Context), its own X-Request-Id
// where that is short and plain, or else one that was made for it.
const IDHeader = "X-Request-Id"

var (
	traceForm = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)
	idForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+/=@-]{0,127}$`)
)

// requestID is the name of the request with this header.
func requestID(h http.Header) string {
	if m := traceForm.FindStringSubmatch(h.Get("Traceparent")); m != nil {
		version, trace, parent, more := m[1], m[2], m[3], m[4]
		if version != "ff" && (version != "00" || more == "") && strings.Trim(trace, "0") != "" && strings.Trim(parent, "0") != "" {
			return trace
		}
	}
	if id := h.Get(IDHeader); idForm.MatchString(id) {
		return id
	}
	return uuid.Must(uuid.NewV7()).String()
}

// methodOf keeps what somebody made up out of logs and metrics.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

// A tally is what became of the commands of one request.
type tally struct {
	commands    int
	became      map[ledger.Status]int
	codes       map[events.Code]int
	first, last events.Seq // of the events that it appended
}

func (t *tally) add(rs []ledger.Receipt) {
	if t.became == nil {
		t.became, t.codes = map[ledger.Status]int{}, map[events.Code]int{}
	}
	t.commands += len(rs)
	for i := range rs {
		r := &rs[i]
		t.became[r.Status]++
		if r.Code != "" {
			t.codes[r.Code]++
		}
		if r.Status == ledger.Appended {
			t.last = r.Seq
			if t.first == 0 {
				t.first = r.Seq
			}
		}
	}
}

// record tells a log what became of commands. Of them it has numbers and codes alone; a fund is named where the name could be one.
func (t *tally) record(log *slog.Logger, fund string, took time.Duration, more ...slog.Attr) {
	level := slog.LevelInfo
	attrs := more
	if f, err := events.ParseFund(fund); err == nil {
		attrs = append(attrs, slog.String("fund", string(f)))
	}
	attrs = append(attrs, slog.Int("commands", t.commands))
	for _, s := range []ledger.Status{ledger.Appended, ledger.Duplicate, ledger.Refused, ledger.WouldAppend, ledger.NotTried, ledger.Failed} {
		if n := t.became[s]; n > 0 {
			attrs = append(attrs, slog.Int(strings.ReplaceAll(string(s), "-", "_"), n))
		}
	}
	if t.last > 0 {
		attrs = append(attrs, slog.Uint64("first_seq", uint64(t.first)), slog.Uint64("last_seq", uint64(t.last)))
	}
	if len(t.codes) > 0 {
		attrs = append(attrs, slog.Any("codes", t.codes))
	}
	if t.became[ledger.Failed] > 0 {
		level = slog.LevelWarn
	}
	log.LogAttrs(context.Background(), level, "append", append(attrs, slog.Float64("seconds", took.Seconds()))...)
}

// record tells a log of a request and its answer. What a server fails in is an error, unless it is only that it should be asked again.
func (e *Exchange) record(log *slog.Logger) {
	level := slog.LevelInfo
	switch {
	case e.Status == http.StatusServiceUnavailable, e.Broken:
		level = slog.LevelWarn
	case e.Status >= 500:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("request_id", e.ID), slog.String("method", e.Method), slog.String("route", e.Route), slog.Int("status", e.Status),
		slog.Int64("bytes", e.Bytes), slog.Float64("seconds", e.Took.Seconds()),
	}
	if e.Broken {
		attrs = append(attrs, slog.Bool("broken", true))
	}
	log.LogAttrs(context.Background(), level, "request", attrs...)
}
