package main

import (
	"context"

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
	a.complete(c)
	return c
}

// funds reads one fund after the other, so that no more than one is in memory. Nothing is printed where one of them does not check out.
func (a *app) funds(ctx context.Context, q question) error {
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
	var glance projections.Glance
	for _, fund := range funds {
		book, root, _, err := s.book(ctx, parsed{fund: fund})
		switch {
		case events.CodeOf(err) == events.UnknownFund: // its first event never came
			continue
		case err != nil:
			return err
		}
		if err := glance.Add(book, root); err != nil {
			return err
		}
	}
	return a.print(glance.Sheet(), q)
}
