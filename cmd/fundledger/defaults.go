package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
)

// The variables of the environment that name the fund and the year where the command line does not.
const (
	fundVariable = "FUNDLEDGER_FUND"
	yearVariable = "FUNDLEDGER_YEAR"
)

// settled fills in what a question leaves out and the environment names, and the fund where the ledger has one alone. The year is chosen once the fund has been
// read: see [app.yearOf].
func (a *app) settled(ctx context.Context, q question) (question, error) {
	if !q.everyYear {
		q.year = cmp.Or(q.year, a.getenv(yearVariable))
	}
	var err error
	q.fund, err = a.fundOr(ctx, q.fund)
	return q, err
}

// fundOr is the fund that is named, else that of the environment, else the only one that there is.
func (a *app) fundOr(ctx context.Context, named string) (string, error) {
	if named = cmp.Or(named, a.getenv(fundVariable)); named != "" {
		return named, nil
	}
	missing := func(hint string) error {
		return usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "fund"}), hint}}
	}
	s, err := a.openRead(ctx)
	var e *events.Error
	switch {
	case errors.As(err, &e) && e.Why == "no-folder":
		return "", missing(a.say("error.missing-fund", nil))
	case err != nil:
		return "", err
	}
	defer s.close()
	funds, err := s.Funds(ctx)
	switch {
	case err != nil:
		return "", err
	case len(funds) == 0:
		return "", missing(a.say("error.missing-fund", nil))
	case len(funds) > 1:
		return "", missing(a.say("error.which-fund", map[string]string{"choices": strings.Join(plain(funds), " ")}))
	}
	return string(funds[0]), nil
}

// yearOf is the year where none is named: the only one that is open and not closed, or the only one that there is.
func (a *app) yearOf(h *history.History) (events.Year, error) {
	all := h.Years()
	var open []events.Year
	for _, n := range all {
		y, err := h.Year(n)
		if err != nil {
			return 0, err
		}
		if !y.Closed {
			open = append(open, n)
		}
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(all) == 1:
		return all[0], nil
	}
	choices := make([]string, len(all))
	for i, n := range all {
		choices[i] = n.String()
	}
	return 0, usageError{hinted{
		a.say("error.missing-flag", map[string]string{"flag": "year"}), a.say("error.which-year", map[string]string{"fund": string(h.Fund()), "choices": strings.Join(choices, " ")}),
	}}
}
