package main

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/words"
	"fundledger/ledger/api"
	"fundledger/projections/live"
	"fundledger/projections/web"

	"github.com/prometheus/client_golang/prometheus"
)

// serveHTTP takes commands and answers questions over HTTP until the store is closed, and returns where. Whoever can reach an address of the network is asked for
// the folder's token, and it is said aloud that it goes over the wire as it is.
func (a *app) serveHTTP(s *store, addr string) (url string, err error) {
	books := s.books.Load()
	var routes []api.Route
	for _, r := range web.Routes(books, version(), &consoleDesk{a, s}) {
		routes = append(routes, api.Route(r))
	}
	faults := a.faults()
	m := newMetrics()
	routes = append(routes, m.route(faults))
	h, err := api.ListenHTTP(addr, s.ledger, api.HTTPOptions{
		Version:  version(),
		Token:    s.server.Address().Token,
		Ready:    func(ctx context.Context) error { _, err := s.Funds(ctx); return err },
		Page:     codePage,
		Language: a.lang,
		Log:      faults,
		Records:  a.log,
		Served:   m.served,
		Routes:   routes,
		Missing:  web.Missing(books, version()),
		Reading:  func() api.Reading { return api.Reading(books.Health()) },
	})
	if err != nil {
		args := map[string]string{"addr": addr}
		if errors.Is(err, syscall.EADDRINUSE) {
			args["taken"] = addr
		}
		return "", usageError{hinted{a.say("error.http", args), a.say("error.http-hint", nil)}}
	}
	m.registry.MustRegister(ofLedger{s.ledger}, &ofBooks{books: books}, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fundledger_http_requests_under_way", Help: "Requests that are being answered, live feeds among them.",
	}, func() float64 { return float64(h.UnderWay()) }))
	s.closer = append(s.closer, h.Stop)
	if !h.Loopback() {
		a.note("serve.http-open", map[string]string{"url": h.URL()})
	}
	return h.URL(), nil
}

// followed gives books their view of the logs.
type followed struct{ *stream.Store }

func (s followed) Log(fund events.Fund) live.Log { return s.at(fund, stream.Position{}) }

func (s followed) at(fund events.Fund, p stream.Position) live.Log {
	return followedLog{s.LogAt(fund, p), s, fund}
}

type followedLog struct {
	*stream.Log
	store followed
	fund  events.Fund
}

func (l followedLog) Stands() (events.Seq, proof.Hash) {
	p := l.At()
	return p.Seq, p.Tree.Root()
}

func (l followedLog) Before(n events.Seq, tree func(events.Seq) (proof.Tree, error)) (live.Log, events.Seq, error) {
	var p stream.Position
	if p.Block, p.Seq = l.Log.Before(n); p.Block > 0 {
		var err error
		if p.Tree, err = tree(p.Seq); err != nil {
			return nil, 0, err
		}
	}
	return l.store.at(l.fund, p), p.Seq, nil
}

// message is what an error says, in the language of this run.
func (a *app) message(err error) string {
	var e *events.Error
	if errors.As(err, &e) {
		return e.Message(a.lang)
	}
	return err.Error()
}

// codePage is the manual's page on a code, and its title.
func codePage(code events.Code, lang words.Language) (title, text string) {
	p := page{sectionCode, string(code)}
	if strings.ContainsAny(p.name, "/.") || p.text(lang) == "" {
		return "", ""
	}
	title = p.title(lang)
	for _, sep := range []string{": ", "："} {
		if _, after, found := strings.Cut(title, sep); found {
			title = after
			break
		}
	}
	return title, p.render(lang)
}
