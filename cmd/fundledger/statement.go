package main

import (
	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

func (a *app) statementCommand() *cobra.Command {
	var q question
	var line, from string
	c := &cobra.Command{
		Use: "statement", Short: a.say("cmd.statement", nil), Example: a.say("example.statement", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code, start, err := a.statementOf(line, from)
			if err != nil {
				return err
			}
			return a.answer(cmd.Context(), q, func(b *projections.Book, query projections.Query) (*sheet.Sheet, error) {
				s, err := b.Statement(query, code, start)
				if events.CodeOf(err) == events.BadValue {
					return nil, notThere("from", from, b.Last())
				}
				return s, err
			})
		},
	}
	a.questionFlags(c, &q)
	a.whereFlag(c, &q)
	c.Flags().StringVar(&line, "line", "", a.say("flag.line", nil))
	c.Flags().StringVar(&from, "from", "", a.say("flag.from", nil))
	return c
}

func (a *app) statementOf(line, from string) (code events.Line, start projections.Moment, err error) {
	if line == "" {
		return "", start, usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "line"}), a.say("error.missing-line", nil)}}
	}
	if code, err = events.ParseLine(line); err != nil {
		return "", start, a.flagError("line", err)
	}
	start, err = a.moment("from", from)
	return code, start, err
}
