package main

import (
	"context"
	"errors"

	"fundledger/events"
	"fundledger/projections"

	"github.com/spf13/cobra"
)

func (a *app) fundsCommand() *cobra.Command {
	var q question
	c := &cobra.Command{
		Use: "funds", Short: a.say("cmd.funds", nil), Example: a.say("example.funds", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.funds(cmd.Context(), q) },
	}
	a.printFlags(c, &q)
	c.Flags().StringVar(&q.asOf, "as-of", "", a.say("flag.as-of", nil))
	c.Flags().StringVar(&q.knownAt, "known-at", "", a.say("flag.known-at-all", nil))
	a.complete(c)
	return c
}

// funds reads one fund after the other, so that no more than one is in memory. Nothing is printed where one of them does not check out.
func (a *app) funds(ctx context.Context, q question) error {
	p, day, err := a.clocks(q)
	switch {
	case err != nil:
		return err
	case p.knownAt.Seq() != 0:
		return usageError{hinted{a.say("error.number-of-funds", map[string]string{"value": q.knownAt}), a.say("error.number-of-all-hint", nil)}}
	}
	if err := a.choices(q); err != nil {
		return err
	}
	s, err := a.openRead(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	funds, err := s.Funds(ctx)
	if err != nil {
		return err
	}
	glance := projections.Glance{AsOf: day}
	var early error
	known := false
	for _, p.fund = range funds {
		book, root, _, err := s.book(ctx, p)
		var why *events.Error
		switch {
		case events.CodeOf(err) == events.UnknownFund: // its first event never came
			continue
		case errors.As(err, &why) && why.Why == "not-recorded": // nothing of it was known then
			early = err
			continue
		case err != nil:
			return err
		}
		known = true
		if err := glance.Add(book, root); err != nil {
			return err
		}
	}
	if !known && early != nil {
		return early
	}
	return a.print(glance.Sheet(), q)
}
