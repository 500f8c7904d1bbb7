package main

import (
	"context"

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
	if err := p.each(funds, true, func() error {
		book, root, _, err := s.book(ctx, p)
		if err != nil {
			return err
		}
		return glance.Add(book, root)
	}); err != nil {
		return err
	}
	return a.print(glance.Sheet(), q)
}
