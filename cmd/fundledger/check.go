package main

import (
	"fundledger/projections"
	"fundledger/projections/figures"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

// checkCommand prints what of a year does not agree. It ends with 1 where an error or a breach was found: what is unexplained or rounded stops nobody.
func (a *app) checkCommand() *cobra.Command {
	var q question
	c := &cobra.Command{
		Use: "check", Short: a.say("cmd.check", nil), Example: a.say("example.check", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			failed := false
			err := a.answer(cmd.Context(), q, func(b *projections.Book, query projections.Query) (*sheet.Sheet, error) {
				s, err := b.Check(query)
				if err == nil {
					failed = figures.Failed(s)
				}
				return s, err
			})
			if err == nil && failed {
				return exit(exitRefused)
			}
			return err
		},
	}
	a.questionFlags(c, &q)
	return c
}
