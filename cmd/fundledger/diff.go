package main

import (
	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

func (a *app) diffCommand() *cobra.Command {
	q := question{everyYear: true, knownFlag: "to"}
	var from string
	c := &cobra.Command{
		Use: "diff", Short: a.say("cmd.diff", nil), Example: a.say("example.diff", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start, err := a.diffFrom(from, q.knownAt)
			if err != nil {
				return err
			}
			return a.answer(cmd.Context(), q, func(b *projections.Book, query projections.Query) (*sheet.Sheet, error) {
				s, err := b.Diff(query, start)
				switch {
				case events.CodeOf(err) != events.BadValue:
					return s, err
				case q.knownAt != "":
					return nil, a.backwards(from, q.knownAt)
				}
				return nil, notThere("from", from, b.Last())
			})
		},
	}
	a.yearFlags(c, &q)
	a.whereFlag(c, &q)
	a.printFlags(c, &q)
	f := c.Flags()
	f.StringVar(&from, "from", "", a.say("flag.diff-from", nil))
	f.StringVar(&q.knownAt, "to", "", a.say("flag.diff-to", nil))
	f.StringVar(&q.denominator, "denominator", "", a.say("flag.denominator", nil))
	f.Uint64Var(&q.wait, "wait", 0, a.say("flag.wait", nil))
	a.complete(c)
	return c
}

func (a *app) diffFrom(from, to string) (projections.Moment, error) {
	if from == "" {
		return projections.Moment{}, usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "from"}), a.say("error.missing-from", nil)}}
	}
	start, err := a.moment("from", from)
	if err != nil {
		return start, err
	}
	if end, err := projections.ParseMoment(to); err == nil && start.After(end) {
		return start, a.backwards(from, to)
	}
	return start, nil
}

func (a *app) backwards(from, to string) error {
	return usageError{hinted{a.say("error.backwards", map[string]string{"from": from, "to": to}), a.say("error.backwards-hint", nil)}}
}
