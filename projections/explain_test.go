package projections_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// explainable is a year with everything that a cell can be made of.
func explainable(t *testing.T) *log {
	l := newLog(t)
	l.open(2022, "1 组", "1.1 1 甲", "1.2 1 乙", "2 丙") // 1
	l.budget(2022, "1.1", "1000.00")                 // 2
	l.budget(2022, "2", "500.00")                    // 3
	l.add(2022, "reallocated", `"date":"2022-03-01","from":[{"line":"1.1","amount":"100.00"}],"to":[{"line":"1.2","amount":"100.00"}]`,
		"reallocated 1.1 -100.00 2022-03-01", "reallocated 1.2 100.00 2022-03-01") // 4
	paid := l.pay(2022, "1.1", "300.00", "2022-04-01", ",\"payee\":{\"name\":\"某厂\"}") // 5
	sent := l.pay(2022, "1.2", "60.00", "2022-05", "channel=lower-treasury", "basis=stated")
	l.add(2022, "receipt-confirmed", `"date":"2022-06-01","of":6,"amount":"25.00"`, "confirmed 1.2 25.00 2022-06-01 channel=lower-treasury") // 7
	l.add(2022, "clawed-back", `"cause":"refund","date":"2022-06-02","of":5,"amount":"40.00"`, "line=1.1", "returned 1.1 40.00 2022-06-02 channel=payment")
	l.add(2022, "committed", `"date":"2022-06-03","line":"2","amount":"70.00"`, "committed 2 70.00 2022-06-03")                          // 9
	l.reverse(l.pay(2022, "2", "9.00", "2022-06-04"))                                                                                    // 10, 11
	l.add(2022, "reclassified", `"of":5,"amount":"30.00","to_line":"2","reason":"x"`, "disbursed 1.1 -30.00 2022-04-01 channel=payment", // 12
		"disbursed 2 30.00 2022-04-01 channel=payment")
	l.add(2022, "clawed-back", `"cause":"lapse","date":"2022-12-31","line":"0","amount":"5.00"`, "lapsed 0 5.00 2022-12-31") // 13
	l.add(2022, "carried-in", `"date":"2022-01-01","line":"2","amount":"80.00","lot":"L","from_year":2021`, "carried_in 2 80.00 2022-01-01 lot=L")
	l.pay(2022, "2", "20.00", "2022-07-01", "lot=L") // 15
	if paid != 5 || sent != 6 || len(l.events) != 15 {
		t.Fatalf("the events have other numbers: %d %d %d", paid, sent, len(l.events))
	}
	return l
}

type explained struct {
	Line, Measure          string
	Value                  *string
	Numerator, Denominator *string
	Events                 []struct {
		Line, Measure, Value, Part, Date, Kind, Lot, Amount string
		Seq                                                 int
	}
}

// explain asks for cells and reads them back from JSON.
func explain(t *testing.T, b *projections.Book, q projections.Query, asked ...projections.Place) (table, []explained) {
	t.Helper()
	s, err := b.Table("execution", q)
	if err == nil {
		err = b.Explain(s, q, asked)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sheet.WriteJSON(&out, s, sheet.Options{}); err != nil {
		t.Fatal(err)
	}
	var whole struct {
		table
		Explain []explained
	}
	if err := json.Unmarshal(out.Bytes(), &whole); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return whole.table, whole.Explain
}

func TestExplain(t *testing.T) {
	b := explainable(t).book()
	for cell, want := range map[string]string{
		"1.1=spent":      "230.00: 5 disbursed 1.1 300.00 300.00, 8 returned 1.1 40.00 -40.00, 12 disbursed 1.1 -30.00 -30.00",
		"1.1=returned":   "40.00: 8 returned 1.1 40.00 40.00",
		"1=adjusted":     "1000.00: 2 original 1.1 1000.00 1000.00, 4 reallocated 1.1 -100.00 -100.00, 4 reallocated 1.2 100.00 100.00",
		"1.2=in_transit": "35.00: 6 disbursed 1.2 60.00 60.00, 7 confirmed 1.2 25.00 -25.00",
		"1.1=in_transit": "0.00: ",
		"2=committed":    "70.00: 9 committed 2 70.00 70.00",
		"2=disbursed":    "50.00: 10 disbursed 2 9.00 9.00, 11 disbursed 2 -9.00 -9.00, 12 disbursed 2 30.00 30.00, 15 disbursed 2 20.00 20.00",
		"2=available": "460.00: 3 original 2 500.00 500.00, 9 committed 2 70.00 -70.00, 10 disbursed 2 9.00 -9.00, 11 disbursed 2 -9.00 9.00," +
			" 12 disbursed 2 30.00 -30.00, 14 carried_in 2 80.00 80.00, 15 disbursed 2 20.00 -20.00",
		"0=lapsed": "5.00: 13 lapsed 0 5.00 5.00",
		"2=rate": "8.62 = 50.00 / 580.00: 10 disbursed 2 9.00 9.00 numerator, 11 disbursed 2 -9.00 -9.00 numerator, 12 disbursed 2 30.00 30.00 numerator," +
			" 15 disbursed 2 20.00 20.00 numerator, 3 original 2 500.00 500.00 denominator, 14 carried_in 2 80.00 80.00 denominator",
	} {
		line, measure, _ := strings.Cut(cell, "=")
		_, got := explain(t, b, year(2022), projections.Place{Line: events.Line(line), Measure: events.Measure(measure)})
		if said := inWords(got[0]); len(got) != 1 || got[0].Line != line || got[0].Measure != measure || said != want {
			t.Errorf("%s is %s\nwant %s", cell, said, want)
		}
	}
	q := year(2022)
	q.Denominator = "current"
	if _, got := explain(t, b, q, projections.Place{Line: "2", Measure: "rate"}); inWords(got[0]) != "6.00 = 30.00 / 500.00: 10 disbursed 2 9.00 9.00 numerator,"+
		" 11 disbursed 2 -9.00 -9.00 numerator, 12 disbursed 2 30.00 30.00 numerator, 3 original 2 500.00 500.00 denominator" {
		t.Errorf("without lots the rate is %s", inWords(got[0]))
	}
	q.Denominator = "net"
	if _, got := explain(t, b, q, projections.Place{Line: "0", Measure: "rate"}); *got[0].Denominator != "1575.00" || *got[0].Numerator != "340.00" || *got[0].Value != "21.59" {
		t.Errorf("net of what lapsed the rate is %s", inWords(got[0]))
	}
}

func inWords(e explained) string {
	text := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	head := text(e.Value)
	if e.Numerator != nil {
		head += " = " + text(e.Numerator) + " / " + text(e.Denominator)
	}
	var parts []string
	for _, ev := range e.Events {
		if _, err := events.ParseDate(ev.Date); err != nil {
			parts = append(parts, "without a date")
		}
		parts = append(parts, strings.TrimSpace(strings.Join([]string{events.Seq(ev.Seq).String(), ev.Measure, ev.Line, ev.Amount, ev.Value, ev.Part}, " ")))
	}
	return head + ": " + strings.Join(parts, ", ")
}

// TestEveryCellIsItsEvents: whatever is asked, and as known at any event, the values of a cell's events add up to it.
func TestEveryCellIsItsEvents(t *testing.T) {
	l := explainable(t)
	var places []projections.Place
	for _, line := range []events.Line{"0", "1", "1.1", "1.2", "2"} {
		for _, m := range slices.Concat(events.Measures, events.Derived) {
			places = append(places, projections.Place{Line: line, Measure: m})
		}
	}
	narrowed, stated, current := year(2022), year(2022), year(2022)
	narrowed.Where = []projections.Condition{{Dim: "channel", Value: "payment"}}
	stated.Basis, current.Denominator = events.Stated, "current"
	checked := 0
	for n := range l.events {
		b := l.book(events.Seq(n + 1))
		for _, q := range []projections.Query{year(2022), l.asOf(2022, "2022-05-31"), l.asOf(2022, "2022-05-30"), stated, current, narrowed} {
			if len(q.Where) > 0 && b.Known(q) != nil {
				continue
			}
			shown, cells := explain(t, b, q, places...)
			if len(cells) != len(places) {
				t.Fatalf("%d cells are explained, want %d", len(cells), len(places))
			}
			for _, c := range cells {
				want := shown.row(t, c.Line).text(c.Measure)
				if c.Value == nil && want == "null" {
					continue
				}
				var sums [2]events.Minor
				for _, e := range c.Events {
					if e.Part == "denominator" {
						sums[1] += l.minor(e.Value)
					} else {
						sums[0] += l.minor(e.Value)
					}
				}
				got := sums[0].Format(2)
				if c.Measure == "rate" {
					if *c.Numerator != got || *c.Denominator != sums[1].Format(2) {
						t.Errorf("event %d, %+v, %s rate: %s / %s is told, its events are %s / %s", n+1, q, c.Line, *c.Numerator, *c.Denominator, got, sums[1].Format(2))
					}
					got = sheet.Share(sums[0], sums[1])
				}
				if got != want || *c.Value != want {
					t.Errorf("event %d, %+v: %s %s is %s, its value %s, its events add up to %s", n+1, q, c.Line, c.Measure, want, *c.Value, got)
				}
				checked++
			}
		}
	}
	if checked < 5000 {
		t.Errorf("%d cells were checked, want thousands", checked)
	}
}

func TestExplainRefuses(t *testing.T) {
	b := explainable(t).book()
	ask := func(table string, q projections.Query, p projections.Place) string {
		s, err := b.Table(table, q)
		if err == nil {
			err = b.Explain(s, q, []projections.Place{p})
		}
		var e *events.Error
		if !errors.As(err, &e) {
			return ""
		}
		return string(e.Code) + " " + e.Args["value"]
	}
	divided := year(2022)
	divided.By = "channel"
	for _, c := range []struct {
		table string
		q     projections.Query
		p     projections.Place
		want  string
	}{
		{"budget", year(2022), projections.Place{Line: "1", Measure: "original"}, ""},
		{"execution", year(2022), projections.Place{Line: "9", Measure: "spent"}, "unknown-line "},
		{"execution", year(2022), projections.Place{Line: "1", Measure: "mood"}, "bad-value mood"},
		{"payments", year(2022), projections.Place{Line: "1", Measure: "spent"}, "bad-value payments"},
		{"execution", divided, projections.Place{Line: "1", Measure: "spent"}, "bad-value execution"},
	} {
		if got := ask(c.table, c.q, c.p); got != c.want {
			t.Errorf("%s, %+v = %q, want %q", c.table, c.p, got, c.want)
		}
	}
}

// TestExplainedInTenThousands: printed rounded, what does not add up says so.
func TestExplainedInTenThousands(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	for range 3 {
		l.pay(2022, "1", "4950.00", "2022-04-01") // 0.495 of ten thousand, printed 0.50
	}
	q := year(2022)
	s, err := l.book().Table("execution", q)
	if err == nil {
		err = l.book().Explain(s, q, []projections.Place{{Line: "1", Measure: "spent"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sheet.WriteText(&out, s, sheet.Options{Unit: sheet.Wan}); err != nil {
		t.Fatal(err)
	}
	if want := "rounding difference in value of 1 spent: 1.49 is the rounded true sum; the rows as printed add up to 1.50 (difference -0.01)"; !strings.Contains(out.String(), want) {
		t.Errorf("there is no note on rounding:\n%s", &out)
	}
}
