package main

import (
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

func (a *app) seriesCommand() *cobra.Command {
	var q question
	var line, measure, step string
	c := &cobra.Command{
		Use: "series", Short: a.say("cmd.series", nil), Long: a.say("long.series", nil), Example: a.say("example.series", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code, _, err := a.statementOf(line, "")
			if err != nil {
				return err
			}
			for _, choice := range []struct {
				flag, value string
				of          []string
			}{{"measure", measure, plain(progress.Measured)}, {"step", step, plain(progress.Steps)}} {
				if !slices.Contains(choice.of, choice.value) {
					return a.badFlag(choice.flag, choice.value, strings.Join(choice.of, " "))
				}
			}
			of := progress.Subject{Line: code, Measure: events.Measure(measure), Step: progress.Step(step)}
			return a.answer(cmd.Context(), q, func(b *projections.Book, query projections.Query) (*sheet.Sheet, error) { return b.Series(query, of) })
		},
	}
	f := c.Flags()
	f.StringVar(&line, "line", "", a.say("flag.line", nil))
	f.StringVar(&measure, "measure", string(events.SpentM), a.say("flag.measure", nil))
	f.StringVar(&step, "step", string(progress.ByMonth), a.say("flag.step", nil))
	f.StringVar(&q.denominator, "denominator", "", a.say("flag.denominator", nil))
	a.byFlag(c, &q)
	a.whereFlag(c, &q)
	a.questionFlags(c, &q)
	return c
}
