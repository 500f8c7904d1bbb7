package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"fundledger/cmd/fundledger/reference"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"
)

// A serving is what serve is asked for.
type serving struct {
	sample, show bool
	http         string
	replicas     int
	creds        string
	log          string
	profile      string
}

func (a *app) serveCommand() *cobra.Command {
	var o serving
	c := &cobra.Command{
		Use: "serve", Short: a.say("cmd.serve", nil), Example: a.say("example.serve", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := cmd.Flags()
			if err := a.keepLog(o.log); err != nil {
				return err
			}
			stop, err := profiled(o.profile)
			if err != nil {
				return err
			}
			defer stop()
			switch {
			case a.url == "" && (flags.Changed("replicas") || flags.Changed("creds")):
				return usageError{errors.New(a.say("error.serve-folder", nil))}
			case a.url == "":
				return a.serve(cmd.Context(), o)
			case flags.Changed("data") || o.http != "":
				return usageError{errors.New(a.say("error.serve-nats", nil))}
			case o.replicas < 1 || o.replicas > 5:
				return a.badFlag("replicas", strconv.Itoa(o.replicas), "1 2 3 4 5")
			}
			return a.serveNATS(cmd.Context(), o)
		},
	}
	c.Flags().BoolVar(&o.sample, "sample", false, a.say("flag.sample", nil))
	c.Flags().BoolVar(&o.show, "print", false, a.say("flag.print", nil))
	c.Flags().StringVar(&o.http, "http", "", a.say("flag.http", nil))
	c.Flags().IntVar(&o.replicas, "replicas", 1, a.say("flag.replicas", nil))
	c.Flags().StringVar(&o.creds, "creds", "", a.say("flag.creds", nil))
	c.Flags().StringVar(&o.log, "log", logForms[0], a.say("flag.log", nil))
	_ = c.RegisterFlagCompletionFunc("log", cobra.FixedCompletions(logForms, cobra.ShellCompDirectiveNoFileComp))
	c.Flags().StringVar(&o.profile, "cpuprofile", "", a.say("flag.cpuprofile", nil))
	_ = c.Flags().MarkHidden("cpuprofile")
	return c
}

// serve holds the folder until it is interrupted. With sample it appends the reference fund first: the ids of its commands make that happen once.
// With show it prints the fund's tables and figures. With http it takes commands there too.
func (a *app) serve(ctx context.Context, o serving) error {
	if a.alone {
		defer api.MakeRoom()()
	}
	folder, err := filepath.Abs(a.folder)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, embedded.Options{Create: true, Listen: true})
	var held errHeld
	if errors.As(err, &held) {
		a.note("serve.held", map[string]string{"folder": folder, "url": held.url})
		return exit(exitFailed)
	}
	if err != nil {
		return err
	}
	defer s.close()
	if err := a.prepare(ctx, s, o); err != nil {
		return err
	}
	ready := map[string]string{"folder": folder, "url": s.server.Address().URL}
	if o.http != "" {
		if ready["http"], err = a.serveHTTP(s, o.http); err != nil {
			return err
		}
	}
	a.note("serve.ready", ready)
	a.untilStopped(ctx, s)
	return nil
}

// prepare loads and prints what serve was asked to.
func (a *app) prepare(ctx context.Context, s *store, o serving) error {
	if o.sample {
		if err := a.loadSample(ctx, s); err != nil {
			return err
		}
	}
	if o.show {
		return a.showReference(ctx, s)
	}
	return nil
}

func (a *app) untilStopped(ctx context.Context, s *store) {
	<-ctx.Done()
	a.note("serve.stopping", nil)
	s.close()
	a.note("serve.stopped", nil)
}

// beginPatience is how long a broker may need to find its leaders when serve begins.
const beginPatience = 30 * time.Second

// minPayload is the least that a broker must take as one message: a block of events with its headers.
const minPayload = 1 << 20

// serveNATS is one of any number of ledgers on a JetStream that runs elsewhere, until it is interrupted.
func (a *app) serveNATS(ctx context.Context, o serving) error {
	if a.alone {
		defer api.MakeRoom()()
	}
	url := redacted(a.url)
	// A broker says that something is not allowed beside the answer, which then never comes.
	begin, denied := context.WithCancelCause(ctx)
	defer denied(nil)
	opts := []nats.Option{
		nats.Name("fundledger"), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond), nats.Timeout(a.dialPatience()),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				denied(api.ErrNoJetStream)
			}
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, _ error) {
			if !nc.IsClosed() && ctx.Err() == nil {
				a.note("serve.lost", map[string]string{"url": url})
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { a.note("serve.found", map[string]string{"url": url}) }),
	}
	if o.creds != "" {
		opts = append(opts, nats.UserCredentials(o.creds))
	}
	nc, err := nats.Connect(a.url, opts...)
	if err != nil {
		return unreachable(a.url, err)
	}
	if most := nc.MaxPayload(); most < minPayload {
		nc.Close()
		return hinted{
			a.say("error.payload", map[string]string{"url": url, "most": count(int(most)), "least": count(minPayload)}), a.say("error.payload-hint", nil),
		}
	}
	s, err := a.shared(begin, nc, o.replicas)
	if err != nil {
		nc.Close()
		switch {
		case errors.Is(err, api.ErrNoJetStream), errors.Is(context.Cause(begin), api.ErrNoJetStream):
			err = hinted{a.say("error.jetstream", map[string]string{"url": url}), a.say("error.jetstream-hint", nil)}
		case errors.Is(err, api.ErrReplicas):
			err = hinted{a.say("error.replicas", map[string]string{"url": url, "n": count(o.replicas)}), a.say("error.replicas-hint", nil)}
		}
		return err
	}
	defer s.close()
	if err := a.prepare(ctx, s, o); err != nil {
		return err
	}
	a.note("serve.ready-nats", map[string]string{"url": url})
	a.untilStopped(ctx, s)
	return nil
}

// shared runs one of several ledgers on the connection's JetStream.
func (a *app) shared(ctx context.Context, nc *nats.Conn, replicas int) (*store, error) {
	logs, err := stream.NewStore(nc, stream.Own, "")
	if err != nil {
		return nil, err
	}
	logs.Replicas = replicas
	s := &store{Store: logs, app: a, submit: client.New(nc, ledger.Local.ID).Submit}
	s.ledger = ledger.Open(s.logs, a.now)
	s.closer = append(s.closer, nc.Close, func() { _ = nc.FlushTimeout(time.Second) })
	err = s.follow(nc, replicas, func() bool { return true }) // nobody tells whether others listen
	s.closer = append(s.closer, s.endLedger)
	if err != nil {
		s.close()
		return nil, err
	}
	begin, cancel := context.WithTimeout(ctx, beginPatience)
	defer cancel()
	service, err := api.ServeShared(begin, nc, s.ledger, version(), api.Sharing{Replicas: replicas, Lease: a.lease, Records: a.log})
	if err == nil {
		s.closer = append(s.closer, func() { _ = service.Stop() })
		err = nc.FlushTimeout(beginPatience)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (a *app) loadSample(ctx context.Context, s *store) error {
	commands, err := reference.Commands("")
	if err != nil {
		return err
	}
	var inputs []ledger.Input
	for in, err := range ledger.ReadInputs(bytes.NewReader(commands)) {
		if err != nil {
			return err
		}
		inputs = append(inputs, in)
	}
	appended := 0
	done := make(chan []ledger.Receipt, 1)
	s.submit(ctx, inputs, false, func(rs []ledger.Receipt) { done <- rs })
	for _, r := range <-done {
		switch r.Status {
		case ledger.Appended:
			appended++
		case ledger.Duplicate:
		default:
			return r.Err()
		}
	}
	a.note("serve.loaded", map[string]string{"n": count(appended)})
	return nil
}
