package projections_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// A series as JSON readers see it.
type series struct {
	Rows         []row
	Total        row
	ComparedLine *string `json:"compared_line"`
}

func spread(t fatal, b *projections.Book, q projections.Query, line, measure, step string) *series {
	t.Helper()
	s, err := b.Series(q, progress.Subject{Line: events.Line(line), Measure: events.Measure(measure), Step: progress.Step(step)})
	if err != nil {
		t.Fatalf("%v", err)
	}
	var out series
	if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatalf("%v", err)
	}
	return &out
}

// written is the rows of a table, one a line.
func written(rows []row, names ...string) string {
	var out []string
	for _, r := range rows {
		out = append(out, r.cells(names...))
	}
	return strings.Join(out, "\n")
}

// months is a year from April with a budget of 400.00 on the lines 1 and 2, and one before it in which the line 1 was called 7.
func months(t *testing.T) *log {
	l := newLog(t)
	l.add(2021, "fund-opened", `"name":"资金","from":"2021-04-01","to":"2022-03-31","lines":[{"code":"7","name":"甲"},{"code":"2","name":"乙"}]`)
	l.pay(2021, "7", "40.00", "2021-04-30", "!over-budget")
	l.pay(2021, "7", "10.00", "2021-06-20", "!over-budget")
	l.pay(2021, "7", "20.00", "2021-06-21", "!over-budget")
	l.pay(2021, "7", "9.00", "2022-04-01", "!over-budget") // after the year
	l.add(2022, "fund-opened", `"name":"资金","from":"2022-04-01","to":"2023-03-31","lines":[{"code":"1","name":"甲","was":"7"},{"code":"2","name":"乙"},{"code":"3","name":"丙"}]`)
	l.add(2022, "appropriated", `"date":"2022-04-10","line":"1","amount":"400.00","stage":"original"`, "original 1 400.00 2022-04-10")
	l.pay(2022, "1", "5.00", "2022-03-31")  // before the year
	l.pay(2022, "1", "50.00", "2022-04-15") // 55 of 400 by the end of April
	n := l.pay(2022, "1", "30.00", "2022-06-20")
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","date":"2022-07-02","of":%d,"amount":"6.00"`, n), "returned 1 6.00 2022-07-02 channel=payment")
	l.pay(2022, "1", "1.00", "2022-06-25")
	return l
}

func TestSeriesByMonth(t *testing.T) {
	t.Parallel()
	b := months(t).book()
	got := spread(t, b, year(2022), "1", "spent", "month")
	// 5/400 where nothing was budgeted yet is no rate; 55/400 = 13.75; 86/400 = 21.50; 80/400 = 20.00. June 2021 had 30.00: 31 is 3.33 % more.
	want := `before null 2022-03-31 5.00 5.00 null 0.00 null
2022-04 2022-04-01 2022-04-30 50.00 55.00 13.75 40.00 25.00
2022-05 2022-05-01 2022-05-31 0.00 55.00 13.75 0.00 null
2022-06 2022-06-01 2022-06-30 31.00 86.00 21.50 30.00 3.33
2022-07 2022-07-01 2022-07-31 -6.00 80.00 20.00 0.00 null
2022-08 2022-08-01 2022-08-31 0.00 80.00 20.00 0.00 null
2022-09 2022-09-01 2022-09-30 0.00 80.00 20.00 0.00 null
2022-10 2022-10-01 2022-10-31 0.00 80.00 20.00 0.00 null
2022-11 2022-11-01 2022-11-30 0.00 80.00 20.00 0.00 null
2022-12 2022-12-01 2022-12-31 0.00 80.00 20.00 0.00 null
2023-01 2023-01-01 2023-01-31 0.00 80.00 20.00 0.00 null
2023-02 2023-02-01 2023-02-28 0.00 80.00 20.00 0.00 null
2023-03 2023-03-01 2023-03-31 0.00 80.00 20.00 0.00 null
after 2023-04-01 null 0.00 80.00 20.00 9.00 -100.00`
	if s := written(got.Rows, "period", "first_day", "last_day", "moved", "running", "rate", "year_before", "change"); s != want {
		t.Errorf("the series is\n%s\nwant\n%s", s, want)
	}
	// 80 after 79 is 1.27 % more.
	if s := got.Total.cells("moved", "year_before", "change"); s != "80.00 79.00 1.27" || *got.ComparedLine != "7" {
		t.Errorf("the total is %s, compared with line %s", s, *got.ComparedLine)
	}
}

// TestSeriesDividedAddsUp: who was paid the year before and not this year stands in the series too, else the parts would not add up to that year.
func TestSeriesDividedAddsUp(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2021, "1 甲")
	l.open(2022, "1 甲")
	l.pay(2021, "1", "7.00", "2021-03-05", "!over-budget", `,"payee":{"name":"x"}`)
	l.pay(2021, "1", "5.00", "2021-09-05", "!over-budget", `,"payee":{"name":"z"}`)
	l.pay(2022, "1", "9.00", "2022-03-05", "!over-budget", `,"payee":{"name":"y"}`)
	for day, want := range map[string]string{"": "x 0.00 7.00\ny 9.00 0.00\nz 0.00 5.00", "2022-03-31": "x 0.00 7.00\ny 9.00 0.00"} {
		q := year(2022)
		if day != "" {
			q = l.asOf(2022, day)
		}
		q.By = "payee"
		s, err := l.book().Series(q, progress.Subject{Line: "1", Measure: "spent"})
		if err != nil {
			t.Fatal(err)
		}
		var out struct{ Groups []group }
		if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range out.Groups {
			got = append(got, *g.Value+" "+g.Total.cells("moved", "year_before"))
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("as of %q\n%s\nwant\n%s", day, strings.Join(got, "\n"), want)
		}
	}
}

// TestSeriesDividedByWhatIsThere: a series of one line has no part for who was paid on another.
func TestSeriesDividedByWhatIsThere(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	l.pay(2022, "1", "9.00", "2022-03-05", "!over-budget", `,"payee":{"name":"x"}`)
	n := l.pay(2022, "1", "4.00", "2022-03-05", "!over-budget", `,"payee":{"name":"y"}`)
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","date":"2022-07-02","of":%d,"amount":"4.00"`, n), "returned 1 4.00 2022-07-02 channel=payment")
	l.pay(2022, "2", "7.00", "2022-03-05", "!over-budget", `,"payee":{"name":"z"}`)
	q := year(2022)
	q.By = "payee"
	s, err := l.book().Series(q, progress.Subject{Line: "1"})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Groups []group }
	if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range out.Groups {
		got = append(got, g.name()+" "+g.Total.cells("moved"))
	}
	if s := strings.Join(got, ", "); s != "x 9.00, y 0.00" { // y was paid and gave it back
		t.Errorf("by payee %s", s)
	}
}

// TestSeriesOfANewDimension: that nobody told of a dimension the year before is no reason to say nothing of this year.
func TestSeriesOfANewDimension(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2021, "1 甲")
	l.open(2022, "1 甲")
	l.pay(2021, "1", "7.00", "2021-03-05", "!over-budget")
	l.pay(2022, "1", "9.00", "2022-03-05", "!over-budget", `,"dims":{"district":"a"}`)
	b := l.book()
	for value, want := range map[string]string{"a": "9.00 0.00 null", "": "0.00 7.00 -100.00"} {
		q := year(2022)
		q.Where = where("district", value)
		if got := spread(t, b, q, "1", "spent", "month"); got.Total.cells("moved", "year_before", "change") != want {
			t.Errorf("of %q %v, want %s", value, got.Total, want)
		}
		s, err := b.Series(q, progress.Subject{Line: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if text := printSheet(t, s, "text", sheet.Options{Lang: zh.Lang}); !strings.Contains(text, "上年同期：2021 年度没有维度 district\n") {
			t.Errorf("nothing says so:\n%s", text)
		}
	}
	q := year(2022)
	q.By = "district"
	s, err := b.Series(q, progress.Subject{Line: "1"})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Groups []group }
	if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range out.Groups {
		got = append(got, g.name()+" "+g.Total.cells("moved", "year_before"))
	}
	if s := strings.Join(got, "\n"); s != "a 9.00 0.00\n 0.00 7.00" {
		t.Errorf("by district\n%s", s)
	}
}

// TestSeriesAsOfADay: the year before is counted up to the same day, so that half a June is not held against a whole one.
func TestSeriesAsOfADay(t *testing.T) {
	t.Parallel()
	l := months(t)
	b := l.book()
	got := spread(t, b, l.asOf(2022, "2022-06-20"), "1", "spent", "month")
	want := "before 5.00 0.00 null\n2022-04 50.00 40.00 25.00\n2022-05 0.00 0.00 null\n2022-06 30.00 10.00 200.00"
	if s := written(got.Rows, "period", "moved", "year_before", "change"); s != want {
		t.Errorf("the series is\n%s\nwant\n%s", s, want)
	}
	// As known before the refund and the last payment.
	if s := spread(t, l.book(10), year(2022), "1", "spent", "month").Total.cells("moved"); s != "85.00" {
		t.Errorf("as known at event 10 it is %s", s)
	}
}

func TestSeriesByDay(t *testing.T) {
	t.Parallel()
	l := months(t)
	got := spread(t, l.book(), l.asOf(2022, "2022-04-16"), "0", "available", "day")
	if n := len(got.Rows); n != 17 { // what was before, and sixteen days
		t.Fatalf("there are %d rows", n)
	}
	rows := []row{got.Rows[0], got.Rows[1], got.Rows[10], got.Rows[15], got.Rows[16]}
	want := "before -5.00 -5.00\n2022-04-01 0.00 -5.00\n2022-04-10 400.00 395.00\n2022-04-15 -50.00 345.00\n2022-04-16 0.00 345.00"
	if s := written(rows, "period", "moved", "running"); s != want {
		t.Errorf("the series is\n%s\nwant\n%s", s, want)
	}
	if _, ok := got.Rows[0]["year_before"]; ok {
		t.Error("days are compared with a year before")
	}
}

// TestSeriesEdges: the last day of a year is within it, and over the current year's money lots are left out of the rate.
func TestSeriesEdges(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲")
	l.budget(2022, "1", "100.00")
	l.add(2022, "carried-in", `"date":"2022-01-01","line":"1","amount":"60.00","lot":"L","from_year":2021`, "carried_in 1 60.00 2022-01-01 lot=L", "expires=2022-12-31")
	l.pay(2022, "1", "30.00", "2022-12-30", "lot=L")
	l.pay(2022, "1", "10.00", "2022-12-31")
	l.pay(2022, "1", "1.00", "2023-01-01")
	for denominator, want := range map[projections.Denominator]string{
		"":        "2022-12 40.00 25.00\nafter 1.00 25.63", // of 160
		"current": "2022-12 40.00 10.00\nafter 1.00 11.00", // of 100, without the 30
	} {
		q := year(2022)
		q.Denominator = denominator
		rows := spread(t, l.book(), q, "1", "spent", "month").Rows
		if s := written(rows[11:], "period", "moved", "rate"); s != want {
			t.Errorf("over %q the year ends with\n%s\nwant\n%s", denominator, s, want)
		}
	}
}

// TestSeriesWithoutAYearBefore: null and never zero, where nothing is known.
func TestSeriesWithoutAYearBefore(t *testing.T) {
	t.Parallel()
	b := months(t).book()
	for _, test := range []struct {
		year       int
		line, says string
	}{{2021, "7", "2020 is not known"}, {2022, "3", "2021 has no line 3"}} {
		s, err := b.Series(year(test.year), progress.Subject{Line: events.Line(test.line)})
		if err != nil {
			t.Fatal(err)
		}
		text := printSheet(t, s, "text", sheet.Options{})
		got := spread(t, b, year(test.year), test.line, "", "")
		if !strings.Contains(text, test.says) || got.ComparedLine != nil || got.Rows[3].cells("year_before", "change") != "null null" || got.Total.text("year_before") != "null" {
			t.Errorf("line %s: %s\n%v", test.line, text, got)
		}
	}
	for code, of := range map[events.Code]progress.Subject{
		events.UnknownLine: {Line: "9"}, events.BadValue: {Line: "1", Measure: "rate"},
	} {
		if _, err := b.Series(year(2022), of); events.CodeOf(err) != code {
			t.Errorf("%v: error %v, want %s", of, err, code)
		}
	}
	if _, err := b.Series(year(2022), progress.Subject{Line: "1", Step: "week"}); events.CodeOf(err) != events.BadValue {
		t.Errorf("error %v", err)
	}
}

// A year of 365 days with four lines: 73 days are 20 % of it.
func TestProgress(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙", "3 丙", "4 丁")
	for _, line := range []string{"1", "2", "3"} {
		l.budget(2022, line, "300.00")
	}
	l.pay(2022, "1", "90.00", "2022-03-01")                  // 30 %
	l.pay(2022, "2", "30.00", "2022-03-14")                  // 10 %
	l.pay(2022, "3", "30.03", "2022-03-14")                  // 10.01 %
	l.pay(2022, "4", "11.00", "2022-03-14", "!over-budget")  // of nothing
	l.pay(2022, "2", "270.00", "2022-03-15", "!over-budget") // a day later
	b := l.book()
	q := l.asOf(2022, "2022-03-14")
	sheetOf := func(q projections.Query, threshold string) (out struct {
		Rows, Slow []row
		Total      row
		Day        string
	},
	) {
		limit, err := progress.ParseThreshold(threshold)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Progress(q, limit)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	names := []string{"line", "adjusted", "spent", "rate", "elapsed", "ahead", "lacking"}
	got := sheetOf(q, "10")
	want := `1 300.00 90.00 30.00 20.00 10.00 0.00
2 300.00 30.00 10.00 20.00 -10.00 30.00
3 300.00 30.03 10.01 20.00 -9.99 29.97
4 0.00 11.00 null 20.00 null null`
	if s := written(got.Rows, names...); s != want || got.Day != "2022-03-14" {
		t.Errorf("on %s the table is\n%s\nwant\n%s", got.Day, s, want)
	}
	// 161.03 of 900 are 17.8922 %; a fifth of 900 is 180.
	if s := got.Total.cells(names...); s != "0 900.00 161.03 17.89 20.00 -2.11 18.97" {
		t.Errorf("the total is %s", s)
	}
	for threshold, slow := range map[string]string{"10": "2", "9.99": "2 3", "10.01": "", "0": "2 3"} {
		if s := strings.ReplaceAll(written(sheetOf(q, threshold).Slow, "line"), "\n", " "); s != slow {
			t.Errorf("slow by %s are %q, want %q", threshold, s, slow)
		}
	}
	// 100 % behind after the year, 0 % before it; without a date it is the day of the last event, years later.
	for day, elapsed := range map[string]string{"2021-12-31": "0.00", "2022-01-01": "0.27", "2022-12-31": "100.00", "2024-02-29": "100.00"} {
		if s := sheetOf(l.asOf(2022, day), "10").Rows[0].text("elapsed"); s != elapsed {
			t.Errorf("on %s %s %% have passed, want %s", day, s, elapsed)
		}
	}
	if got := sheetOf(year(2022), "10"); got.Day != "2026-03-02" || got.Rows[0].cells("elapsed", "ahead", "lacking") != "100.00 -70.00 210.00" {
		t.Errorf("without a date: %v", got)
	}
	q.Denominator = "net"
	if s := sheetOf(q, "10").Rows[1].cells("ahead"); s != "-10.00" {
		t.Errorf("net of nothing it is %s", s)
	}
	for _, bad := range []string{"", "-1", "100.01", "1.234", "1e1", ".5", "5.", "ten", "1000"} {
		if _, err := progress.ParseThreshold(bad); events.CodeOf(err) != events.BadValue {
			t.Errorf("threshold %q: %v", bad, err)
		}
	}
}

// waiting is a table of what waits as JSON readers see it.
type waiting struct {
	Rows, Summary, Divided []row
	Total                  row
	By                     string
}

func waits(t fatal, b *projections.Book, name string, q projections.Query) (out waiting) {
	t.Helper()
	s, err := b.Table(name, q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatalf("%v", err)
	}
	return out
}

// waitingLog has one of everything that waits.
func waitingLog(t fatal) *log {
	l := newLog(t)
	l.open(2022, "1 甲", "1.1 1 子", "2 乙")
	l.open(2023, "1 甲")
	to := func(d string) string { return `,"dims":{"district":"` + d + `"},"payee":{"name":"` + d + `财政"}` }
	a := l.pay(2022, "1.1", "100.00", "2022-09", "channel=lower-treasury", "!over-budget", to("甲")) // 3
	l.pay(2022, "1.1", "50.00", "2022-12-20", "channel=lower-treasury", "!over-budget", to("乙"))    // 4
	l.add(2022, "receipt-confirmed", fmt.Sprintf(`"date":"2022-11-05","of":%d,"amount":"30.00","payee":{"name":"企业"}`, a), "confirmed 1.1 30.00 2022-11-05 channel=lower-treasury dims=district:甲")
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","date":"2022-12-01","of":%d,"amount":"20.00"`, a), "returned 1.1 20.00 2022-12-01 channel=lower-treasury dims=district:甲")
	c := l.add(2022, "committed", `"date":"2022-01-10","line":"2","amount":"80.00","payee":{"name":"承包"}`, "committed 2 80.00 2022-01-10") // 7
	l.add(2022, "committed", `"date":"2022-12-31","line":"2","amount":"1.00"`, "committed 2 1.00 2022-12-31")                              // 8
	l.add(2022, "disbursed", fmt.Sprintf(`"date":"2022-05-01","line":"2","amount":"25.00","channel":"payment","commitment":%d`, c),
		"disbursed 2 25.00 2022-05-01 channel=payment", "committed 2 -25.00 2022-05-01") // 9
	p := l.add(2022, "disbursed", fmt.Sprintf(`"date":"2022-05-02","line":"2","amount":"10.00","channel":"payment","commitment":%d`, c),
		"disbursed 2 10.00 2022-05-02 channel=payment", "committed 2 -10.00 2022-05-02") // 10
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"returned","date":"2022-05-09","of":%d`, p), "returned 2 10.00 2022-05-09 channel=payment", "committed 2 10.00 2022-05-09")
	l.add(2022, "commitment-released", fmt.Sprintf(`"date":"2022-06-01","of":%d,"amount":"5.00"`, c), "committed 2 -5.00 2022-06-01")
	u := l.add(2022, "clawed-back", `"cause":"unidentified","date":"2022-06-30","amount":"9.00","line":"0"`, "suspense 0 9.00 2022-06-30") // 13
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","date":"2022-07-30","of":9,"amount":"4.00","settles":%d`, u), "returned 2 4.00 2022-07-30 channel=payment", "suspense 0 -4.00 2022-07-30")
	l.add(2022, "allotted", `"date":"2022-02-01","line":"2","amount":"12.00","to":"丙区"`, "allotted 2 12.00 2022-02-01")                         // 15
	w := l.add(2022, "allotted", `"date":"2022-03-01","line":"2","amount":"20.00","to":"丁区"`, "allotted 2 20.00 2022-03-01")                    // 16
	l.add(2022, "allotment-withdrawn", fmt.Sprintf(`"date":"2022-03-05","of":%d,"amount":"2.00"`, w), "allotted 2 -2.00 2022-03-05")            // 21 of 30 are paid
	l.add(2022, "allotted", `"date":"2022-03-01","line":"1","amount":"7.00","to":"甲区","dims":{"district":"甲"}`, "allotted 1 7.00 2022-03-01")   // 18: paid on 1.1
	l.add(2022, "allotted", `"date":"2022-03-02","line":"1","amount":"70.00","to":"乙区","dims":{"district":"乙"}`, "allotted 1 70.00 2022-03-02") // 19: 50 of it
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"2","amount":"40.00","lot":"L","purpose":"p","to_year":2023`, "carried_out 2 40.00 2022-12-31",
		"carried_in 0 40.00 2022-12-31 year=2023 lot=L", "expires=2023-12-31") // 20
	k := l.pay(2022, "1.1", "3.00", "2022-12-21", "channel=lower-treasury", "!over-budget", to("乙")) // 21, keyed wrongly
	l.reverse(k)
	return l
}

func TestAgeing(t *testing.T) {
	t.Parallel()
	l := waitingLog(t)
	b := l.book()
	got := waits(t, b, "ageing", l.asOf(2022, "2022-12-31"))
	if got.By != "district" {
		t.Errorf("it is divided by %q", got.By)
	}
	// Days from the counting day: 2022-09 counts on the 30th, which is 92 days before.
	want := `transit 3 1.1 2022-09 2022-09-30 甲 50.00 92 91-180
transit 4 1.1 2022-12-20 2022-12-20 乙 50.00 11 0-30
commitment 7 2 2022-01-10 2022-01-10 null 50.00 355 181-365
commitment 8 2 2022-12-31 2022-12-31 null 1.00 0 0-30
suspense 13 0 2022-06-30 2022-06-30 null 5.00 184 181-365
allotted 16 2 2022-03-01 2022-03-01 null 9.00 305 181-365
allotted 19 1 2022-03-02 2022-03-02 乙 20.00 304 181-365`
	if s := written(got.Rows, "kind", "seq", "line", "date", "since", "group", "amount", "days", "bucket"); s != want {
		t.Errorf("what waits is\n%s\nwant\n%s", s, want)
	}
	if name := got.Rows[0]["payee"].(map[string]any)["name"]; name != "甲财政" { // and not the enterprise
		t.Errorf("the payee is %v", name)
	}
	want = `transit 2 50.00 0.00 50.00 0.00 0.00 100.00
commitment 2 1.00 0.00 0.00 50.00 0.00 51.00
suspense 1 0.00 0.00 0.00 5.00 0.00 5.00
allotted 2 0.00 0.00 0.00 29.00 0.00 29.00`
	if s := written(got.Summary, "kind", "count", "0-30", "31-90", "91-180", "181-365", "over-365", "amount"); s != want {
		t.Errorf("the summary is\n%s\nwant\n%s", s, want)
	}
	want = "乙 transit 50.00\n乙 allotted 20.00\n甲 transit 50.00\nnull commitment 51.00\nnull suspense 5.00\nnull allotted 9.00"
	if s := written(got.Divided, "group", "kind", "amount"); s != want {
		t.Errorf("by district it is\n%s\nwant\n%s", s, want)
	}
	// As of June the payments out of the commitment were there and neither what was sent nor what came back of it.
	got = waits(t, b, "ageing", l.asOf(2022, "2022-05-03"))
	if s := written(got.Rows, "kind", "seq", "amount"); s != "commitment 7 45.00\nallotted 18 7.00\nallotted 19 70.00" {
		t.Errorf("in May it is\n%s", s)
	}
	// What is spent of a lot's year, by whatever dimension.
	got = waits(t, b, "ageing", l.asOf(2023, "2024-01-01"))
	if s := written(got.Rows, "kind", "seq", "line", "lot", "amount", "days", "bucket"); s != "lot 20 0 L 40.00 366 over-365" {
		t.Errorf("of 2023 there is\n%s", s)
	}
	q := l.asOf(2022, "2022-12-31")
	q.By = "payee"
	if s := written(waits(t, b, "ageing", q).Divided, "group", "kind", "amount"); !strings.Contains(s, "承包 commitment 50.00") || !strings.Contains(s, "甲财政 transit 50.00") {
		t.Errorf("by payee it is\n%s", s)
	}
}

func TestTransit(t *testing.T) {
	t.Parallel()
	l := waitingLog(t)
	got := waits(t, l.book(), "transit", l.asOf(2022, "2022-12-31"))
	names := []string{"group", "payments", "sent", "returned", "confirmed", "in_transit", "oldest", "days"}
	if s := written(got.Rows, names...); s != "乙 2 50.00 0.00 0.00 50.00 2022-12-20 11\n甲 1 100.00 20.00 30.00 50.00 2022-09-30 92" {
		t.Errorf("sent is\n%s", s)
	}
	if s := got.Total.cells("sent", "returned", "confirmed", "in_transit"); s != "150.00 20.00 30.00 100.00" {
		t.Errorf("the total is %s", s)
	}
}

// TestTransitOldest is the oldest of what still is in transit: what was confirmed in full waits no more, whenever it was sent.
func TestTransitOldest(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲")
	for i, date := range []string{"2022-01-10", "2022-05-20", "2022-03-01", "2022-08-01"} {
		n := l.pay(2022, "1", "10.00", date, "channel=lower-treasury", "!over-budget", `,"payee":{"name":"区财政"}`)
		if i == 0 {
			l.add(2022, "receipt-confirmed", fmt.Sprintf(`"date":"2022-02-01","of":%d,"amount":"10.00"`, n), "confirmed 1 10.00 2022-02-01 channel=lower-treasury")
		}
	}
	got := waits(t, l.book(), "transit", l.asOf(2022, "2022-03-31"))
	if s := written(got.Rows, "payments", "in_transit", "oldest", "days"); s != "2 10.00 2022-03-01 30" {
		t.Errorf("in March it is %s", s)
	}
	got = waits(t, l.book(), "transit", l.asOf(2022, "2022-12-31"))
	if s := written(got.Rows, "payments", "in_transit", "oldest", "days"); s != "4 30.00 2022-03-01 305" {
		t.Errorf("at the end of the year it is %s", s)
	}
}

// TestLotsAge through the years in which a lot was carried on.
func TestLotsAge(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	for y := range 3 {
		l.open(2022+y, "1 甲")
	}
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"1","amount":"40.00","lot":"L","purpose":"p","to_year":2023`, "carried_out 1 40.00 2022-12-31",
		"carried_in 0 40.00 2022-12-31 year=2023 lot=L", "expires=2023-12-31")
	l.add(2023, "carried-over", `"date":"2023-12-31","line":"0","amount":"15.00","lot":"L","purpose":"p","to_year":2024`, "carried_out 0 15.00 2023-12-31 lot=L",
		"carried_in 0 15.00 2023-12-31 year=2024 lot=L", "expires=2023-12-31")
	b := l.book()
	for y, want := range map[int]string{2023: "L 25.00 2022-12-31 455", 2024: "L 15.00 2022-12-31 455"} { // 365 days, and 31, 29 and 30 of 2024
		if s := written(waits(t, b, "lots", l.asOf(y, "2024-03-30")).Rows, "lot", "left", "carried", "days"); s != want {
			t.Errorf("of %d: %s, want %s", y, s, want)
		}
	}
}

// drawnWaits adds to a drawn log what waits and what ends it.
func drawnWaits(rt *rapid.T) *log {
	l := drawn(rt)
	dates := []string{"2022-01-05", "2022-04", "2022-06-30", "2022-12-31", "2023-02-01"}
	var sent, commitments, parked []events.Seq
	dims := map[events.Seq]string{}
	pick := func(of []events.Seq) events.Seq { return rapid.SampledFrom(of).Draw(rt, "of") }
	for range rapid.IntRange(12, 30).Draw(rt, "waits") {
		date := rapid.SampledFrom(dates).Draw(rt, "date")
		a := fmt.Sprintf("%d.%02d", rapid.IntRange(1, 99).Draw(rt, "yuan"), rapid.IntRange(0, 99).Draw(rt, "fen"))
		in := rapid.SampledFrom([]string{"", `,"dims":{"district":"a"}`, `,"dims":{"district":"b"}`}).Draw(rt, "district")
		basis := rapid.SampledFrom([]string{"voucher", "stated"}).Draw(rt, "basis")
		option := func(in string) string {
			if in == "" {
				return ""
			}
			return " dims=district:" + in[len(`,"dims":{"district":"`):len(in)-2]
		}
		switch kind := rapid.SampledFrom([]int{0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(rt, "wait"); {
		case kind < 2:
			n := l.pay(2022, rapid.SampledFrom([]string{"1.1", "2"}).Draw(rt, "line"), a, date, "basis="+basis, "channel=lower-treasury", "!over-budget", `,"payee":{"name":"x"}`+in)
			sent, dims[n] = append(sent, n), in
		case kind == 2 && len(sent) > 0:
			n := pick(sent)
			line := l.events[n-1].Command.Line
			l.add(2022, "receipt-confirmed", fmt.Sprintf(`"date":%q,"of":%d,"amount":%q`, date, n, a), fmt.Sprintf("confirmed %s %s %s channel=lower-treasury%s", line, a, date, option(dims[n])))
		case kind == 3 && len(sent) > 0:
			n := pick(sent)
			line := l.events[n-1].Command.Line
			l.add(2022, "reclassified", fmt.Sprintf(`"of":%d,"amount":%q,"reason":"r","to_dims":{"district":"b"}`, n, a),
				fmt.Sprintf("disbursed %s -%s %s channel=lower-treasury%s", line, a, date, option(dims[n])), fmt.Sprintf("disbursed %s %s %s channel=lower-treasury dims=district:b", line, a, date))
		case kind == 4:
			n := l.add(2022, "committed", fmt.Sprintf(`"date":%q,"line":"2","amount":%q,"payee":{"name":"y"}%s`, date, a, in), fmt.Sprintf("committed 2 %s %s", a, date))
			commitments, dims[n] = append(commitments, n), in
		case kind == 5 && len(commitments) > 0:
			n := pick(commitments)
			if rapid.Bool().Draw(rt, "released") {
				l.add(2022, "commitment-released", fmt.Sprintf(`"date":%q,"of":%d,"amount":%q`, date, n, a), fmt.Sprintf("committed 2 -%s %s%s", a, date, option(dims[n])))
				continue
			}
			l.add(2022, "disbursed", fmt.Sprintf(`"date":%q,"line":"2","amount":%q,"channel":"payment","commitment":%d`, date, a, n),
				fmt.Sprintf("disbursed 2 %s %s channel=payment", a, date), fmt.Sprintf("committed 2 -%s %s%s", a, date, option(dims[n])))
		case kind == 6:
			parked = append(parked, l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"unidentified","date":%q,"amount":%q,"line":"0"`, date, a), fmt.Sprintf("suspense 0 %s %s", a, date)))
		case kind == 7 && len(parked) > 0 && len(sent) > 0:
			n := pick(sent)
			l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","date":%q,"of":%d,"amount":%q,"settles":%d`, date, n, a, pick(parked)),
				fmt.Sprintf("returned %s %s %s channel=lower-treasury%s", l.events[n-1].Command.Line, a, date, option(dims[n])), fmt.Sprintf("suspense 0 -%s %s", a, date))
		case kind == 8 || kind > 9: // often, since what is paid on a line takes it up
			line := rapid.SampledFrom([]string{"1.1", "1.2.1", "2"}).Draw(rt, "allotted on")
			l.add(2022, "allotted", fmt.Sprintf(`"date":%q,"line":%q,"amount":"9%s","to":"x"%s`, date, line, a, in), fmt.Sprintf("allotted %s 9%s %s", line, a, date))
		case kind == 9:
			if n := l.events[len(l.events)-1]; n.Command.Kind != events.Reversed && len(n.Postings) > 0 {
				l.reverse(n.Seq)
			}
		}
	}
	return l
}

func minorOf(rt *rapid.T, v any) events.Minor {
	if v == nil {
		return 0
	}
	m, _, err := events.ParseMinor(v.(string))
	if err != nil {
		rt.Fatal(err)
	}
	return m
}

// TestSeriesAndAgeingAddUp to the cells of the tables, at every date, of every basis and for every district.
func TestSeriesAndAgeingAddUp(t *testing.T) {
	t.Parallel()
	compared, found := 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		l := drawnWaits(rt)
		b := l.book(events.Seq(rapid.IntRange(2, len(l.events)).Draw(rt, "known at")))
		q := year(rapid.SampledFrom([]int{2022, 2022, 2023}).Draw(rt, "year"))
		if rapid.Bool().Draw(rt, "dated") {
			q = l.asOf(int(q.Year), rapid.SampledFrom([]string{"2021-12-01", "2022-02-28", "2022-06-30", "2022-12-31", "2023-03-01"}).Draw(rt, "as of"))
		}
		q.Basis = rapid.SampledFrom([]events.Basis{"", "", events.ByVoucher, events.Stated}).Draw(rt, "basis")
		q.Denominator = rapid.SampledFrom([]projections.Denominator{"", "net", "original", "current"}).Draw(rt, "denominator")
		if rapid.Bool().Draw(rt, "narrowed") {
			q.Where = where("district", rapid.SampledFrom([]string{"a", ""}).Draw(rt, "district"))
			if b.Known(q) != nil { // nobody has named a district yet
				q.Where = nil
			}
		}
		whole := ask(t, b, "execution", q)
		for range 6 {
			cells := rapid.SampledFrom(append(slices.Clone(whole.Rows), whole.Total)).Draw(rt, "row")
			measure := string(rapid.SampledFrom(progress.Measured).Draw(rt, "measure"))
			step := rapid.SampledFrom([]string{"day", "month"}).Draw(rt, "step")
			s := spread(rt, b, q, cells["line"].(string), measure, step)
			var sum events.Minor
			for _, r := range s.Rows {
				sum += minorOf(rt, r["moved"])
				if running := minorOf(rt, r["running"]); running != sum {
					rt.Fatalf("after %v the total is %d, the rows come to %d", r["period"], running, sum)
				}
			}
			if want := cells[measure]; s.Total["moved"] != want || sum != minorOf(rt, want) {
				rt.Fatalf("%s of %v by %s comes to %d and %v, the table says %v", measure, cells["line"], step, sum, s.Total["moved"], want)
			}
			if n := len(s.Rows); n > 1 && measure == "spent" && q.Where == nil && q.AsOf != nil && s.Rows[n-1]["rate"] != cells["rate"] {
				rt.Fatalf("the rate of %v is %v, the table says %v", cells["line"], s.Rows[n-1]["rate"], cells["rate"])
			}
			compared++
		}

		var left events.Minor
		leftKnown := true
		for _, r := range whole.Lots {
			left += minorOf(rt, r["left"])
			leftKnown = leftKnown && r["left"] != nil
		}
		want := map[string]events.Minor{
			"transit": minorOf(rt, whole.Total["in_transit"]), "commitment": minorOf(rt, whole.Total["committed"]), "suspense": minorOf(rt, whole.Total["suspense"]), "lot": left,
		}
		for _, by := range []string{"", "district", "payee", "channel", "method", "basis"} {
			p := q
			p.By = by
			if b.Known(p) != nil {
				continue
			}
			ageing := waits(rt, b, "ageing", p)
			sums := map[string]events.Minor{}
			for _, r := range ageing.Rows {
				sums[r.text("kind")] += minorOf(rt, r["amount"])
				found[r.text("kind")]++
			}
			for kind, m := range want {
				if kind == "lot" && !leftKnown {
					continue
				}
				if sums[kind] != m {
					rt.Fatalf("%s by %q comes to %d, the table says %d\n%s", kind, by, sums[kind], m, written(ageing.Rows, "kind", "seq", "amount"))
				}
			}
			for _, rows := range [][]row{ageing.Summary, ageing.Divided} {
				again := map[string]events.Minor{}
				for _, r := range rows {
					var parts events.Minor
					for _, bucket := range []string{"0-30", "31-90", "91-180", "181-365", "over-365"} {
						parts += minorOf(rt, r[bucket])
					}
					if parts != minorOf(rt, r["amount"]) {
						rt.Fatalf("%v does not add up", r)
					}
					again[r.text("kind")] += parts
				}
				for kind, m := range sums {
					if (by != "" || len(ageing.Divided) > 0) && again[kind] != m {
						rt.Fatalf("%s comes to %d in a summary, to %d in the rows", kind, again[kind], m)
					}
				}
			}
			transit := waits(rt, b, "transit", p)
			var open events.Minor
			for _, r := range transit.Rows {
				open += minorOf(rt, r["in_transit"])
			}
			if total := minorOf(rt, transit.Total["in_transit"]); total != want["transit"] || open != total {
				rt.Fatalf("in transit by %q are %d and %d, the table says %d", by, open, total, want["transit"])
			}
		}
	})
	for _, kind := range progress.Waitings {
		if found[string(kind)] == 0 {
			t.Errorf("nothing of the kind %s was seen", kind)
		}
	}
	if compared < 100 {
		t.Errorf("%d series were compared", compared)
	}
}
