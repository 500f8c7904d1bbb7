package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"fundledger/projections/closing"
)

// figure appends a stated figure of 2022.
func (l *log) figure(fields string) {
	l.add(2022, "figure-stated", `"date":"2023","source":{"document":"d"},`+fields)
}

// TestWhatAPlanAsks: figures that leave something open are asked about, and nothing is drafted that rests on them.
func TestWhatAPlanAsks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given  func(*log)
		policy closing.Policy
		want   string
	}{
		"nothing left": {func(l *log) { l.pay(2022, "1.1", "100.00", "2022-05-01") }, closing.Policy{}, "year-closed"},
		"its lines":    {func(*log) {}, closing.Policy{}, "lapse 1.1 100.00, year-closed"},
		"the fund":     {func(*log) {}, closing.Policy{Lapse: closing.OnFund}, "lapse 0 100.00, year-closed"},
		"overspent":    {func(l *log) { l.pay(2022, "1.1", "130.00", "2022-05-01", "!over-budget") }, closing.Policy{}, "?overspent"},
		"a sum that is none": {func(l *log) {
			l.figure(`"name":"x：a","value":"10","unit":"yuan"`)
			l.figure(`"measure":"carried_out","value":"20","unit":"yuan","sum_of":[3]`)
		}, closing.Policy{Stated: true}, "?stated-sum"},
		"a part without a name": {func(l *log) {
			l.figure(`"measure":"spent","value":"10","unit":"yuan"`)
			l.figure(`"measure":"carried_out","value":"10","unit":"yuan","sum_of":[3]`)
		}, closing.Policy{Stated: true}, "?stated-purpose"},
		"percent":    {func(l *log) { l.figure(`"measure":"lapsed","value":"10","unit":"%"`) }, closing.Policy{Stated: true}, "?stated-unit"},
		"half a fen": {func(l *log) { l.figure(`"measure":"lapsed","value":"10.005","unit":"yuan"`) }, closing.Policy{Stated: true}, "?stated-unit"},
		"a line in another": {func(l *log) {
			l.figure(`"measure":"lapsed","line":"1","value":"100","unit":"yuan"`)
			l.figure(`"measure":"lapsed","value":"100","unit":"yuan"`)
		}, closing.Policy{Stated: true}, "?stated-within"},
		"its sum": {func(l *log) {
			l.figure(`"measure":"lapsed","line":"1.1","value":"100","unit":"yuan"`)
			l.figure(`"measure":"lapsed","value":"100","unit":"yuan","sum_of":[3]`)
		}, closing.Policy{Stated: true}, "lapse 1.1 100.00, year-closed"},
		"of June":      {func(l *log) { l.figure(`"measure":"lapsed","value":"7","unit":"yuan","as_of":"2022-06-30"`) }, closing.Policy{Stated: true}, "?stated-none"},
		"rounded":      {func(l *log) { l.figure(`"measure":"lapsed","value":"0.01","unit":"wan"`) }, closing.Policy{Stated: true}, "lapse 0 100.00, year-closed"},
		"rounded away": {func(l *log) { l.figure(`"measure":"lapsed","value":"0.02","unit":"wan"`) }, closing.Policy{Stated: true}, "?stated-rest"},
		"short, and another lapses": {func(l *log) {
			l.pay(2022, "1.2", "100.00", "2022-05-01", "!over-budget")
			l.figure(`"measure":"lapsed","line":"1.1","value":"100","unit":"yuan"`)
		}, closing.Policy{Stated: true}, "?short"},
		"short, and nothing lapses": {func(l *log) {
			l.pay(2022, "1.2", "100.00", "2022-05-01", "!over-budget")
			l.figure(`"measure":"lapsed","line":"1.1","value":"0","unit":"yuan"`)
		}, closing.Policy{Stated: true}, "year-closed"},
		"a lot that is due is not carried on": {func(l *log) {
			l.add(2022, "carried-in", `"date":"2022-01-01","line":"1.1","amount":"80.00","lot":"L","from_year":2021`, "carried_in 1.1 80.00 2022-01-01 lot=L", "expires=2022-12-31")
		}, closing.Policy{Carry: []closing.Carry{{Line: "1.1", Amount: 5000, Lot: "L", Purpose: "p"}}}, "?carry-due"},
		"a lot that is not due is": {func(l *log) {
			l.add(2022, "carried-in", `"date":"2022-01-01","line":"1.1","amount":"80.00","lot":"L","from_year":2021,"expires":"2023-06-30"`,
				"carried_in 1.1 80.00 2022-01-01 lot=L", "expires=2023-06-30")
		}, closing.Policy{Carry: []closing.Carry{{Line: "1.1", Amount: 5000, Lot: "L", Purpose: "p"}}}, "carried-over, lapse 1.1 30.00, lapse 1.1 100.00, year-closed"},
		"carried in part": {func(l *log) {
			l.add(2022, "carried-over", `"date":"2022-12-31","line":"1.1","amount":"5.00","lot":"L","purpose":"p","to_year":2023`,
				"carried_out 1.1 5.00 2022-12-31", "carried_in 0 5.00 2022-12-31 year=2023 lot=L", "expires=2023-12-31")
			l.figure(`"name":"x：a","value":"10","unit":"yuan"`)
			l.figure(`"measure":"carried_out","value":"10","unit":"yuan","sum_of":[4]`)
		}, closing.Policy{Stated: true}, "?stated-part"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t)
			l.open(2022, treeLines...)
			l.budget(2022, "1.1", "100.00")
			c.given(l)
			c.policy.Date = l.day("2022-12-31")
			if got := l.planned(c.policy); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// planned is what a plan for 2022 asks, and its steps.
func (l *log) planned(policy closing.Policy) string {
	l.t.Helper()
	_, plan, err := l.book().YearEnd(2022, policy)
	if err != nil {
		l.t.Fatalf("%v", err)
	}
	var got []string
	for _, a := range plan.Asks {
		got = append(got, "?"+a.What)
	}
	for _, s := range plan.Steps {
		if s.Cause != "" {
			got = append(got, fmt.Sprintf("%s %s %s", s.Cause, s.Line, s.Amount.Format(2)))
		} else {
			got = append(got, string(s.Kind))
		}
	}
	return strings.Join(got, ", ")
}

// TestPlanWithoutBudgets: where budgets are not known nothing is the rest, so what is stated to lapse has to have lapsed.
func TestPlanWithoutBudgets(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.openWith(2022, `,"budgeted":false`, "1 甲")
	policy := closing.Policy{Date: l.day("2022-12-31")}
	if got := l.planned(policy); got != "year-closed" {
		t.Error(got)
	}
	l.figure(`"measure":"lapsed","line":"1","value":"70","unit":"yuan"`)
	policy.Stated = true
	if got := l.planned(policy); got != "?stated-unbudgeted" {
		t.Error(got)
	}
	l.add(2022, "clawed-back", `"date":"2022-12-31","cause":"lapse","line":"1","amount":"70.00"`, "lapsed 1 70.00 2022-12-31")
	if got := l.planned(policy); got != "year-closed" {
		t.Error(got)
	}
}
