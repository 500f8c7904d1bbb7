package main

import (
	"bytes"
	"context"
	"strings"

	"fundledger/events"
	"fundledger/projections"

	"github.com/spf13/cobra"
)

func (a *app) eventCommand() *cobra.Command {
	q := question{everyYear: true}
	c := &cobra.Command{
		Use: "event NUMBER", Short: a.say("cmd.event", nil), Example: a.say("example.event", nil), Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.event(cmd.Context(), q, strings.Join(args, ""))
		},
	}
	a.printFlags(c, &q)
	f := c.Flags()
	f.StringVar(&q.fund, "fund", "", a.say("flag.one-fund", nil))
	f.StringVar(&q.knownAt, "known-at", "", a.say("flag.known-at", nil))
	f.Uint64Var(&q.wait, "wait", 0, a.say("flag.wait", nil))
	a.complete(c)
	return c
}

// event prints one event whole. The log is read twice: what an event is about stands before it.
func (a *app) event(ctx context.Context, q question, asked string) error {
	n, err := events.ParseSeq(asked)
	if err != nil {
		return usageError{hinted{a.say("error.event", map[string]string{"value": asked}), a.say("error.event-hint", nil)}}
	}
	q, err = a.settled(ctx, q)
	if err != nil {
		return err
	}
	p, err := a.parse(q)
	if err != nil {
		return err
	}
	return a.awaited(ctx, p.fund, events.Seq(q.wait), func() (last events.Seq, err error) {
		s, err := a.openRead(ctx)
		if err != nil {
			return 0, err
		}
		defer s.close()
		trail := projections.NewTrail(n)
		p.see = func(r record) {
			if r.Seq == n {
				trail.Line = bytes.Clone(r.line)
			}
		}
		root, last, err := s.fold(ctx, s.Log(p.fund), p, trail)
		switch {
		case err != nil || last < events.Seq(q.wait):
			return last, err
		case trail.Last() < n:
			return last, a.noEvent(p.fund, n, trail.Last())
		}
		again := parsed{fund: p.fund, knownAt: projections.MomentOf(trail.Last())}
		second, _, err := s.fold(ctx, s.Log(p.fund), again, trail.Second())
		if err == nil && second != root { // which the hashes of the log forbid, unless it was put in the place of another meanwhile
			err = &events.Error{Code: events.Tampered, Why: "root", Args: events.Args{"fund": string(p.fund), "seq": trail.Last().String()}}
		}
		if err != nil {
			return last, err
		}
		sheet, err := trail.Sheet(root)
		if err != nil {
			return last, err
		}
		return last, a.print(sheet, q)
	})
}

// noEvent says that a log has no event of that number.
func (a *app) noEvent(fund events.Fund, n, last events.Seq) error {
	args := map[string]string{"fund": string(fund), "value": n.String(), "last": last.String()}
	return usageError{hinted{a.say("error.no-event", args), a.say("error.no-event-hint", args)}}
}
