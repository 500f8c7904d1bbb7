package main

import (
	"context"
	"errors"
	"slices"

	"fundledger/events"
	"fundledger/projections/payees"

	"github.com/spf13/cobra"
)

func (a *app) payeesCommand() *cobra.Command {
	var q question
	var want payees.Query
	var funds []string
	var limit uint32
	c := &cobra.Command{
		Use: "payees", Short: a.say("cmd.payees", nil), Long: a.say("long.payees", nil), Example: a.say("example.payees", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			want.Limit = int(limit)
			return a.payees(cmd.Context(), q, funds, want)
		},
	}
	a.printFlags(c, &q)
	f := c.Flags()
	f.StringArrayVar(&funds, "fund", nil, a.say("flag.funds", nil))
	f.StringVar(&want.Payee, "payee", "", a.say("flag.one-payee", nil))
	f.Uint32Var(&limit, "limit", 0, a.say("flag.limit", nil))
	f.StringVar(&q.asOf, "as-of", "", a.say("flag.as-of", nil))
	f.StringVar(&q.knownAt, "known-at", "", a.say("flag.known-at-funds", nil))
	a.complete(c)
	return c
}

// clocks reads both clocks of a question that is put to several funds.
func (a *app) clocks(q question) (p parsed, asOf *events.Day, err error) {
	p.flag = "known-at"
	if q.asOf != "" {
		day, err := events.ParseDay(q.asOf)
		if err != nil {
			return p, nil, a.flagError("as-of", err)
		}
		asOf = &day
	}
	p.knownAt, err = a.moment(p.flag, q.knownAt)
	return p, asOf, err
}

// each puts a question to several funds. One of which nothing was known at the moment asked for is left out, unless that holds for all; and of all that there are,
// one whose first event never came.
func (p *parsed) each(funds []events.Fund, all bool, ask func() error) error {
	var early error
	known := false
	for _, p.fund = range funds {
		err := ask()
		var why *events.Error
		switch {
		case all && events.CodeOf(err) == events.UnknownFund:
		case errors.As(err, &why) && why.Why == "not-recorded":
			early = err
		case err != nil:
			return err
		default:
			known = true
		}
	}
	if known {
		return nil
	}
	return early
}

// payees reads one fund after the other, so that no more than one is in memory. Nothing is printed where one of them does not check out.
func (a *app) payees(ctx context.Context, q question, names []string, want payees.Query) error {
	p, day, err := a.clocks(q)
	if err != nil {
		return err
	}
	all := payees.Payees{AsOf: day}
	var asked []events.Fund
	for _, name := range names {
		fund, err := events.ParseFund(name)
		if err != nil {
			return a.flagError("fund", err)
		}
		if !slices.Contains(asked, fund) {
			asked = append(asked, fund)
		}
	}
	if p.knownAt.Seq() != 0 && len(asked) != 1 {
		return usageError{hinted{a.say("error.number-of-funds", map[string]string{"value": q.knownAt}), a.say("error.number-of-funds-hint", nil)}}
	}
	if err := a.choices(q); err != nil {
		return err
	}
	s, err := a.openRead(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	funds := asked
	if funds == nil {
		if funds, err = s.Funds(ctx); err != nil {
			return err
		}
	}
	if err := p.each(funds, asked == nil, func() error {
		log := s.Log(p.fund)
		v := payees.NewView(log.Line)
		root, _, err := s.fold(ctx, log, p, v)
		if err != nil {
			return err
		}
		return all.Add(v, root)
	}); err != nil {
		return err
	}
	if want.Payee != "" && !all.Has(want.Payee) {
		return usageError{hinted{a.say("error.no-payee", map[string]string{"value": want.Payee}), a.say("error.no-payee-hint", nil)}}
	}
	sheet, err := all.Sheet(want)
	if err != nil {
		return err
	}
	return a.print(sheet, q)
}
