package main

import (
	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

func (a *app) diffCommand() *cobra.Command {
	q := question{everyYear: true, knownFlag: "to"}
	var b beginning
	c := &cobra.Command{
		Use: "diff", Short: a.say("cmd.diff", nil), Example: a.say("example.diff", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start, err := a.begin(&b, q.knownAt)
			if err != nil {
				return err
			}
			q.since = &start
			return a.answer(cmd.Context(), q, func(book *projections.Book, query projections.Query) (*sheet.Sheet, error) {
				s, err := book.Diff(query, start)
				switch {
				case events.CodeOf(err) != events.BadValue:
					return s, err
				case q.knownAt != "":
					return nil, a.backwards(b, q.knownAt)
				}
				return nil, notThere(b.flag, b.text, book.Last())
			})
		},
	}
	a.yearFlags(c, &q)
	a.whereFlag(c, &q)
	a.printFlags(c, &q)
	f := c.Flags()
	f.StringVar(&b.from, "from", "", a.say("flag.diff-from", nil))
	f.StringVar(&b.since, "since", "", a.say("flag.since", nil))
	f.StringVar(&q.knownAt, "to", "", a.say("flag.diff-to", nil))
	f.StringVar(&q.denominator, "denominator", "", a.say("flag.denominator", nil))
	f.Uint64Var(&q.wait, "wait", 0, a.say("flag.wait", nil))
	a.complete(c)
	return c
}

// A beginning is what a comparison begins with: what was known at a moment, or what was seen.
type beginning struct {
	from, since string // as given
	flag, text  string // which of the two it is
}

func (a *app) begin(b *beginning, to string) (projections.Moment, error) {
	read := a.moment
	switch b.flag, b.text = "from", b.from; {
	case b.from != "" && b.since != "":
		return projections.Moment{}, usageError{hinted{a.say("error.from-since", nil), a.say("error.from-since-hint", nil)}}
	case b.since != "":
		b.flag, b.text, read = "since", b.since, a.seen
	case b.from == "":
		return projections.Moment{}, usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "from"}), a.say("error.missing-from", nil)}}
	}
	start, err := read(b.flag, b.text)
	if err != nil {
		return start, err
	}
	if end, err := projections.ParseMoment(to); err == nil && start.After(end) {
		return start, a.backwards(*b, to)
	}
	return start, nil
}

func (a *app) backwards(b beginning, to string) error {
	return usageError{hinted{a.say("error.backwards", map[string]string{"flag": b.flag, "from": b.text, "to": to}), a.say("error.backwards-hint", nil)}}
}
