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
			_, plan, err := l.book().YearEnd(2022, c.policy)
			if err != nil {
				t.Fatal(err)
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
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("%s, want %s", g, c.want)
			}
		})
	}
}
