package main

import (
	"context"
	"errors"
	"log"
	"strings"
	"syscall"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/api"
)

// serveHTTP takes commands over HTTP until the store is closed, and returns where. Whoever can reach an address of the network is asked for
// the folder's token, and it is said aloud that it goes over the wire as it is.
func (a *app) serveHTTP(s *store, addr string) (url string, err error) {
	h, err := api.ListenHTTP(addr, s.ledger, api.HTTPOptions{
		Version:  version(),
		Token:    s.server.Address().Token,
		Ready:    func(ctx context.Context) error { _, err := s.Funds(ctx); return err },
		Page:     codePage,
		Language: a.lang,
		Log:      log.New(a.stderr, "fundledger: ", 0),
	})
	if err != nil {
		args := map[string]string{"addr": addr}
		if errors.Is(err, syscall.EADDRINUSE) {
			args["taken"] = addr
		}
		return "", usageError{hinted{a.say("error.http", args), a.say("error.http-hint", nil)}}
	}
	s.closer = append(s.closer, h.Stop)
	if !h.Loopback() {
		a.note("serve.http-open", map[string]string{"url": h.URL()})
	}
	return h.URL(), nil
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
