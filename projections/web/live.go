package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections/live"

	"github.com/danielgtaylor/huma/v2"
)

const asFeed = "text/event-stream"

// retry is after how many milliseconds a browser comes back.
const retry = "retry: 1000\n\n"

// feedPatience is how long a client may take for the next piece of a feed; a second more or less does not matter, and to set it for each piece would take as long as a
// fifth of sending it.
const (
	feedPatience = 10 * time.Second
	feedPatient  = time.Second // from one time that it is set to the next
)

// feeds are the operations that go on.
func (s *site) feeds() []Route {
	ofFeed := []string{"after", "lang"}
	routes := []Route{
		{s.operation("follow", "/v1/live", "How far each fund is, as it moves", nil, nil), nil, true, s.follow(nil, func(r *http.Request, _ *ask) (*live.Feed, error) {
			return s.books.Overview(r.Context())
		})},
		{s.operation("feed", "/v1/funds/{fund}/feed", "Every event, as it comes", ofFeed, nil), nil, true, s.follow(ofFeed, s.feed)},
		{s.operation("live", ofYear+"live", "The balances of a year, as they change", []string{"lang"}, nil), nil, true, s.follow([]string{"lang"}, func(r *http.Request, a *ask) (*live.Feed, error) {
			return s.books.Balances(r.Context(), a.fund, a.query.Year)
		})},
	}
	for i := range routes {
		op := &routes[i].Operation
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header", Description: "the id of the last event that the client has: a feed of events goes on after it", Schema: &huma.Schema{Type: huma.TypeString}})
		op.Responses = map[string]*huma.Response{"200": {Description: "server-sent events, until either side leaves", Content: map[string]*huma.MediaType{asFeed: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	}
	return routes
}

// feed begins after the event that the client had last: a browser that comes back says so in a header, which is newer than the address.
func (s *site) feed(r *http.Request, a *ask) (*live.Feed, error) {
	var after *events.Seq
	if r.URL.Query().Has("after") {
		after = &a.after
	}
	if had := r.Header.Get("Last-Event-ID"); had != "" {
		if err := params["after"].set(a, had); err != nil {
			return nil, ofField("Last-Event-ID", err)
		}
		after = &a.after
	}
	return s.books.EventsAfter(r.Context(), a.fund, after)
}

// follow answers with a feed for as long as its client takes what comes. It begins with how soon to come back; every 15 seconds there is a comment, so that whoever
// is connected knows it. Where the feed comes to its end an event closed says why, as a problem (RFC 9457).
func (s *site) follow(takes []string, begin func(*http.Request, *ask) (*live.Feed, error)) func(http.ResponseWriter, *http.Request, words.Language) error {
	return func(w http.ResponseWriter, r *http.Request, lang words.Language) error {
		a, err := read(r, lang, takes)
		if err != nil {
			return err
		}
		feed, err := begin(r, a)
		if err != nil {
			return said(err, a.lang)
		}
		defer feed.Close()
		header := w.Header()
		header.Set("Content-Type", asFeed)
		header.Set("Cache-Control", "no-cache")
		header.Set("Transfer-Encoding", "identity") // in chunks each piece would be three writes, to a thousand clients
		header.Set("X-Accel-Buffering", "no")       // a proxy that gathers would hold back what is new
		if r.Method == http.MethodHead {
			return nil
		}
		control := http.NewResponseController(w)
		var set time.Time
		send := func(piece []byte) bool {
			if now := time.Now(); now.Sub(set) >= feedPatient {
				_ = control.SetWriteDeadline(now.Add(feedPatience))
				set = now
			}
			if r.Context().Err() != nil { // whoever stops has set a nearer one
				return false
			}
			_, err := w.Write(piece)
			return err == nil && control.Flush() == nil
		}
		for piece := []byte(retry); send(piece); {
			if piece, err = feed.Next(r.Context()); err == nil {
				continue
			}
			if r.Context().Err() == nil {
				send(closed(said(err, a.lang), a.lang))
			}
			return nil
		}
		return nil
	}
}

// closed is the last event of a feed.
func closed(err error, lang words.Language) []byte {
	e := &events.Error{Code: events.Unavailable}
	errors.As(err, &e)
	problem, _ := json.Marshal(map[string]any{ // of texts alone
		"type": "/problems/" + string(e.Code), "title": string(e.Code), "code": e.Code, "detail": e.Message(lang), "hint": e.Hint(lang), "args": e.Args,
	})
	return append(append([]byte("event: closed\ndata: "), problem...), "\n\n"...)
}
