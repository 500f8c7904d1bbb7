package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"

	"fundledger/cmd/fundledger/reference"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"

	"github.com/spf13/cobra"
)

func (a *app) serveCommand() *cobra.Command {
	var sample, show bool
	c := &cobra.Command{
		Use: "serve", Short: a.say("cmd.serve", nil), Example: a.say("example.serve", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), sample, show) },
	}
	c.Flags().BoolVar(&sample, "sample", false, a.say("flag.sample", nil))
	c.Flags().BoolVar(&show, "print", false, a.say("flag.print", nil))
	return c
}

// serve holds the folder until it is interrupted. With sample it appends the reference fund first: the ids of its commands make that happen once.
// With show it prints the fund's tables and figures.
func (a *app) serve(ctx context.Context, sample, show bool) error {
	if a.url != "" {
		return usageError{errors.New(a.say("error.serve-nats", nil))}
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
	if sample {
		if err := a.loadSample(ctx, s); err != nil {
			return err
		}
	}
	if show {
		if err := a.showReference(ctx, s); err != nil {
			return err
		}
	}
	a.note("serve.ready", map[string]string{"folder": folder, "url": s.server.Address().URL})
	<-ctx.Done()
	a.note("serve.stopping", nil)
	s.close()
	a.note("serve.stopped", nil)
	return nil
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
	for _, r := range s.ledger.Append(ctx, inputs, ledger.Local, false) {
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
