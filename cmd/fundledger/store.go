package main

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"
	"fundledger/projections/live"

	"github.com/nats-io/nats.go"
)

// A store is the way to a ledger: a folder that this process holds, the server that holds it, or a ledger elsewhere.
type store struct {
	*stream.Store
	app    *app
	submit submitter
	// server is set where this process holds the folder.
	server *embedded.Server
	ledger *ledger.Ledger
	// books follow the logs, where somebody may ask.
	books atomic.Pointer[live.Books]
	// speaker says every event aloud, where somebody may listen.
	speaker atomic.Pointer[speaker]
	closer  []func()
}

// errHeld says that another server serves the folder.
type errHeld struct{ url string }

func (e errHeld) Error() string { return "held by a server at " + e.url }

// openRead opens a ledger for reading; a folder that is not there stays so.
func (a *app) openRead(ctx context.Context) (*store, error) { return a.open(ctx, embedded.Options{}) }

// openWrite opens a ledger for appending; a folder that is not there is made.
func (a *app) openWrite(ctx context.Context) (*store, error) {
	return a.open(ctx, embedded.Options{Create: true})
}

// dialPatience is how long a connection over a network may take.
func (a *app) dialPatience() time.Duration { return cmp.Or(a.patience, nats.DefaultTimeout) }

func (a *app) open(ctx context.Context, o embedded.Options) (*store, error) {
	if a.url != "" {
		nc, err := nats.Connect(a.url,
			nats.Name("fundledger"), nats.NoReconnect(), nats.Timeout(a.dialPatience()), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		var form *url.Error
		switch {
		case errors.As(err, &form):
			args := map[string]string{}
			if !strings.Contains(a.url, "@") { // before which a password may stand
				args["url"] = a.url
			}
			return nil, usageError{hinted{a.say("error.address", args), a.say("error.address-hint", nil)}}
		case err != nil:
			return nil, unreachable(a.url, err)
		}
		return a.remote(nc, userOf(a.url), "")
	}
	o.Patience = a.patience
	server, address, err := embedded.Hold(ctx, a.folder, o)
	if err != nil {
		return nil, err
	}
	if address != nil {
		if o.Listen {
			return nil, errHeld{address.URL}
		}
		// A command that is under way when the server dies is answered with unknown-outcome at once: no answer can come over another connection.
		opts := []nats.Option{nats.NoReconnect()}
		if a.patience > 0 {
			opts = append(opts, nats.Timeout(a.patience))
		}
		nc, err := address.Dial(opts...)
		if err != nil {
			return nil, unreachable(address.URL, err)
		}
		return a.remote(nc, ledger.Local.ID, embedded.Heads(a.folder))
	}
	return a.local(server)
}

func unreachable(url string, err error) error {
	args := events.Args{"url": redacted(url), "cause": err.Error()}
	if errors.Is(err, nats.ErrNoServers) { // which says no more than that there is no answer
		delete(args, "cause")
	}
	return &events.Error{Code: events.Unavailable, Why: "connect", Args: args, Err: err}
}

// redacted is an address, or a list of them, without its secrets: a password, or a name that stands alone and so is a token.
func redacted(raw string) string {
	parts := strings.Split(raw, ",")
	for i, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil {
			return ""
		}
		if _, hasPassword := u.User.Password(); u.User != nil && !hasPassword {
			u.User = url.User("xxxxx")
		}
		parts[i] = u.Redacted()
	}
	return strings.Join(parts, ",")
}

// userOf is the user whose commands a connection to that address sends. A name without a password is a token and names nobody.
func userOf(raw string) string {
	raw, _, _ = strings.Cut(raw, ",")
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return ledger.Local.ID
	}
	if _, hasPassword := u.User.Password(); !hasPassword || u.User.Username() == embedded.ClientUser {
		return ledger.Local.ID
	}
	return u.User.Username()
}

// remote reaches a ledger that runs elsewhere.
func (a *app) remote(nc *nats.Conn, user, heads string) (*store, error) {
	logs, err := stream.NewStore(nc, stream.Imported, heads)
	if err != nil {
		nc.Close()
		return nil, err
	}
	c := client.New(nc, user)
	c.Shared = heads == "" // any number of ledgers may serve a JetStream that is not of a folder
	return &store{Store: logs, app: a, submit: c.Submit, closer: []func(){nc.Close}}, nil
}

// local runs a ledger in this process, on a folder that it holds.
func (a *app) local(server *embedded.Server) (*store, error) {
	stop := func(err error) (*store, error) { return nil, errors.Join(err, server.Stop()) }
	nc, err := server.Connect()
	if err != nil {
		return stop(err)
	}
	logs, err := stream.NewStore(nc, stream.Own, embedded.Heads(a.folder))
	if err != nil {
		nc.Close()
		return stop(err)
	}
	s := &store{Store: logs, app: a, server: server}
	s.ledger = ledger.Open(s.logs, a.now)
	s.submit = func(_ context.Context, inputs []ledger.Input, atomic bool, done func([]ledger.Receipt)) {
		s.ledger.Submit(inputs, ledger.Local, atomic, done)
	}
	s.closer = append(s.closer, func() { _ = server.Stop() }, nc.Close, func() { _ = nc.FlushTimeout(time.Second) }, s.endLedger)
	if server.Address() != nil {
		in, err := server.Receive()
		var service *api.Service
		if err == nil {
			s.closer = append(s.closer[:len(s.closer)-1], in.Close, func() { _ = in.FlushTimeout(time.Second) })
			err = s.follow(in, 1, server.Listened)
			s.closer = append(s.closer, s.endLedger)
		}
		if err == nil {
			service, err = api.Serve(in, s.ledger, version(), a.log)
		}
		if err == nil {
			// Nobody may be told that it serves before the broker knows: a command sent at once would find nobody to take it.
			err = errors.Join(in.FlushTimeout(10*time.Second), server.Announce())
		}
		if err != nil {
			s.close()
			return nil, err
		}
		s.closer = append(s.closer, func() { _ = service.Stop() })
	}
	return s, nil
}

// logs gives the ledger its view of a fund's log.
func (s *store) logs(fund events.Fund) ledger.Log {
	log := s.Log(fund)
	var l ledger.Log = log
	if s.app.faulty != nil {
		l = s.app.faulty(l)
	}
	return told{l, func(b *proof.Block) {
		if books := s.books.Load(); books != nil {
			books.Woken(fund, log.At().Seq)
		}
		if speaker := s.speaker.Load(); speaker != nil {
			speaker.say(fund, b)
		}
	}}
}

// A told log says when something was appended to it.
type told struct {
	ledger.Log
	tell func(*proof.Block)
}

func (l told) Append(ctx context.Context, b *proof.Block) error {
	err := l.Log.Append(ctx, b)
	if err == nil {
		l.tell(b)
	}
	return err
}

// close ends what was opened, the last first: no more commands are taken, those taken are stored and answered, then the broker stops.
func (s *store) close() {
	for _, end := range slices.Backward(s.closer) {
		end()
	}
	s.closer = nil
}

func (s *store) endLedger() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.ledger.Close(ctx)
}

// stored yields a fund's events with their lines, verified. A fault of the log ends it with an error, so nothing may be printed from the events
// before it has ended without one. end is where the log stands then.
func (s *store) stored(ctx context.Context, fund events.Fund) (seq iter.Seq2[record, error], end func() stream.Position) {
	return s.replayed(ctx, s.Log(fund))
}

// replayed is stored of a log that somebody else reads lines of too.
func (s *store) replayed(ctx context.Context, l *stream.Log) (seq iter.Seq2[record, error], end func() stream.Position) {
	return func(yield func(record, error) bool) {
		meter := s.app.reading()
		defer meter.done()
		for line, err := range l.Replay(ctx) {
			meter.step()
			if err != nil {
				yield(record{}, err)
				return
			}
			e, err := events.ParseEvent(line)
			if err != nil {
				yield(record{}, err)
				return
			}
			if !yield(record{&e, line}, nil) {
				return
			}
		}
	}, l.At
}

// A record is an event and its line as stored, which is valid until the next is asked for.
type record struct {
	*events.Event
	line []byte
}

// unknownFund says that there is no such fund, and which there are.
func (s *store) unknownFund(ctx context.Context, fund events.Fund) error {
	funds, err := s.Funds(ctx)
	if err != nil {
		return err
	}
	return &events.Error{Code: events.UnknownFund, Args: events.Args{"fund": string(fund), "funds": strings.Join(plain(funds), ", ")}}
}
