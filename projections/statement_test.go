package projections_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// A statement as JSON readers see it.
type statement struct {
	Line             string
	Opening, Closing *string
	Entries          []row
}

func printSheet(t fatal, s *sheet.Sheet, format string, o sheet.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := sheet.Write(&out, format, s, o); err != nil {
		t.Fatalf("%v", err)
	}
	return out.String()
}

func stated(t fatal, b *projections.Book, q projections.Query, line events.Line, from string) statement {
	t.Helper()
	var m projections.Moment
	if from != "" {
		var err error
		if m, err = projections.ParseMoment(from); err != nil {
			t.Fatalf("%v", err)
		}
	}
	s, err := b.Statement(q, line, m)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var out statement
	if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatalf("%v", err)
	}
	return out
}

// TestStatementSaysWhatItIsOf: the root has no name of its own.
func TestStatementSaysWhatItIsOf(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 道路")
	for line, want := range map[events.Line]string{"0": "Statement of line 0 Total, 2022", "1": "Statement of line 1 道路, 2022"} {
		s, err := l.book().Statement(year(2022), line, projections.Moment{})
		if err != nil {
			t.Fatal(err)
		}
		if text := printSheet(t, s, "text", sheet.Options{}); !strings.HasPrefix(text, want) {
			t.Errorf("%s is headed %q", line, text[:50])
		}
	}
}

func (s *statement) lines(names ...string) string {
	var out []string
	for _, r := range s.Entries {
		out = append(out, r.cells(names...))
	}
	return strings.Join(out, "\n")
}

// statementLog is a year of which every kind of entry is in one line's statement.
func statementLog(t *testing.T) *log {
	l := newLog(t)
	l.open(2022, "1 甲", "1.1 1 乙", "1.2 1 丙", "2 丁")
	l.add(2022, "appropriated", `"date":"2022-01-01","line":"1.1","amount":"100.00","stage":"original","documents":["常财〔2022〕1号","常财〔2022〕2号"]`, "original 1.1 100.00 2022-01-01")
	l.add(2022, "reallocated", `"date":"2022-02-01","from":[{"line":"1.1","amount":"10.00"}],"to":[{"line":"1.2","amount":"10.00"}]`,
		"reallocated 1.1 -10.00 2022-02-01", "reallocated 1.2 10.00 2022-02-01")
	pay := l.pay(2022, "1.1", "95.00", "2022-03", "!over-budget", `,"payee":{"name":"甲公司"},"voucher":{"issuer":"430702","year":2022,"type":"pay","number":"17"}`)
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","of":%d,"date":"2022-04-01","amount":"15.00"`, pay), "returned 1.1 15.00 2022-04-01 channel=payment")
	keyed := l.pay(2022, "2", "1.00", "2022-05-01")
	l.reverse(keyed)
	return l
}

func TestStatement(t *testing.T) {
	l := statementLog(t)
	b := l.book()
	s := stated(t, b, year(2022), "1.1", "")
	if *s.Opening != "0.00" || *s.Closing != "10.00" || s.Line != "1.1" {
		t.Errorf("%s, %s, %s", *s.Opening, *s.Closing, s.Line)
	}
	want := `2 e-2 2022-01-01 appropriated original 100.00 100.00 null [常财〔2022〕1号 常财〔2022〕2号] [] null
3 e-3 2022-02-01 reallocated reallocated -10.00 90.00 null [] [] null
4 e-4 2022-03 disbursed disbursed 95.00 -5.00 map[name:甲公司] [1号] [over-budget] null
5 e-5 2022-04-01 clawed-back returned 15.00 10.00 map[name:甲公司] [] [] 4`
	if got := s.lines("seq", "id", "date", "kind", "measure", "amount", "balance", "payee", "documents", "flags", "of"); got != want {
		t.Errorf("entries\n%s\nwant\n%s", got, want)
	}
	if v := s.Entries[2]["voucher"].(map[string]any); v["number"] != "17" || s.Entries[3]["voucher"] != nil {
		t.Errorf("vouchers %v, %v", v, s.Entries[3]["voucher"])
	}
	// A group has the entries of all its lines; what moves within it cancels out.
	s = stated(t, b, year(2022), "1", "")
	if got := s.lines("seq", "line", "balance"); got != "2 1.1 100.00\n3 1.1 90.00\n3 1.2 100.00\n4 1.1 5.00\n5 1.1 20.00" || *s.Closing != "20.00" {
		t.Errorf("group\n%s", got)
	}
	// From an event on, or from a day.
	s = stated(t, b, year(2022), "1.1", "4")
	if *s.Opening != "90.00" || len(s.Entries) != 2 || *s.Closing != "10.00" {
		t.Errorf("from 4: %+v", s)
	}
	if s = stated(t, b, year(2022), "1.1", "2026-03-03"); len(s.Entries) != 0 || *s.Opening != "10.00" || *s.Closing != "10.00" {
		t.Errorf("from tomorrow: %+v", s)
	}
	if s = stated(t, b, year(2022), "1.1", l.events[2].Time.Format(events.TimeForm)); len(s.Entries) != 3 {
		t.Errorf("from the moment of event 3: %+v", s)
	}
	// The dates and bases asked for.
	if s = stated(t, b, l.asOf(2022, "2022-02-15"), "1.1", ""); *s.Closing != "90.00" || len(s.Entries) != 2 {
		t.Errorf("as of: %+v", s)
	}
	q := year(2022)
	q.Basis = events.Inferred
	if s = stated(t, b, q, "1.1", ""); *s.Closing != "0.00" || len(s.Entries) != 0 {
		t.Errorf("basis: %+v", s)
	}
	if s = stated(t, b, year(2022), "2", ""); s.lines("seq", "amount", "balance", "of") != "6 1.00 -1.00 null\n7 -1.00 0.00 6" {
		t.Errorf("reversal: %+v", s)
	}
	for line, code := range map[events.Line]events.Code{"9": events.UnknownLine, "1.1": ""} {
		if _, err := b.Statement(year(2022), line, projections.Moment{}); events.CodeOf(err) != code {
			t.Errorf("%s: %v", line, err)
		}
	}
	m, _ := projections.ParseMoment("8")
	if _, err := b.Statement(year(2022), "1", m); events.CodeOf(err) != events.BadValue {
		t.Errorf("beyond the log: %v", err)
	}
	if _, err := b.Statement(year(2021), "1", projections.Moment{}); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("year: %v", err)
	}
	out, err := b.Statement(year(2022), "1", projections.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	text := printSheet(t, out, "text", zh)
	for _, want := range []string{"测试资金（cd-gx）2022 年度项目 1 甲 明细账", "期初余额", "期末余额", "430702 2022 pay 17 1", "常财〔2022〕1号; 常财〔2022〕2号", "超预算"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %s:\n%s", want, text)
		}
	}
}

func TestStatementFollowsAmendments(t *testing.T) {
	l := statementLog(t)
	l.add(2022, "amended", `"of":4,"set":{"payee":{"name":"乙公司"},"documents":["改1号"]},"reason":"r"`)
	c := l.add(2022, "committed", `"date":"2022-06-01","line":"1.1","amount":"1.00","payee":{"name":"丙公司"}`, "committed 1.1 1.00 2022-06-01")
	l.add(2022, "amended", fmt.Sprintf(`"of":%d,"set":{"payee":{"name":"丁公司"},"documents":["改2号"]},"reason":"r"`, c))
	s := stated(t, l.book(), year(2022), "1.1", "")
	want := "2 null [常财〔2022〕1号 常财〔2022〕2号]\n3 null []\n4 map[name:乙公司] [改1号]\n5 map[name:乙公司] []\n9 map[name:丁公司] [改2号]"
	if got := s.lines("seq", "payee", "documents"); got != want {
		t.Errorf("entries\n%s\nwant\n%s", got, want)
	}
}

func TestStatementWithoutBudgets(t *testing.T) {
	l := newLog(t)
	l.openWith(2022, `,"budgeted":false`, "1 甲")
	l.pay(2022, "1", "5.00", "2022-03-01")
	s := stated(t, l.book(), year(2022), "1", "")
	if s.Opening != nil || s.Closing != nil || s.lines("amount", "balance") != "5.00 null" {
		t.Errorf("%+v", s)
	}
}

// TestStatementEndsAtTheTable: the closing balance of every line is what its row has available, and the last entry says the same.
func TestStatementEndsAtTheTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		b := l.book()
		for _, q := range []projections.Query{year(2022), l.asOf(2022, "2022-03-20"), {Year: 2022, Basis: events.Inferred}} {
			table := ask(t, b, "execution", q)
			for _, r := range append(table.Rows, table.Total) {
				s := stated(rt, b, q, events.Line(r.text("line")), "")
				closing := *s.Closing
				if closing != r.text("available") || *s.Opening != "0.00" {
					rt.Fatalf("line %s closes with %s, the table has %s", r.text("line"), closing, r.text("available"))
				}
				if n := len(s.Entries); n > 0 && s.Entries[n-1].text("balance") != closing {
					rt.Fatalf("line %s: the last balance is %s, closing %s", r.text("line"), s.Entries[n-1].text("balance"), closing)
				}
			}
		}
	})
}

func diffed(t fatal, b *projections.Book, q projections.Query, from string) []row {
	t.Helper()
	m, err := projections.ParseMoment(from)
	if err != nil {
		t.Fatalf("%v", err)
	}
	s, err := b.Diff(q, m)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var out struct{ Cells []row }
	if err := json.Unmarshal([]byte(printSheet(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatalf("%v", err)
	}
	return out.Cells
}

func cellLines(cells []row, names ...string) string {
	s := statement{Entries: cells}
	return s.lines(names...)
}

func TestDiff(t *testing.T) {
	l := statementLog(t)
	b := l.book()
	// The slip and its reversal leave no trace; the refund does on its line and on those above.
	want := `2022 0 returned 0.00 15.00 [5]
2022 0 spent 95.00 80.00 [5]
2022 0 available 5.00 20.00 [5]
2022 0 rate 95.00 80.00 [5]
2022 1 returned 0.00 15.00 [5]
2022 1 spent 95.00 80.00 [5]
2022 1 available 5.00 20.00 [5]
2022 1 rate 95.00 80.00 [5]
2022 1.1 returned 0.00 15.00 [5]
2022 1.1 spent 95.00 80.00 [5]
2022 1.1 available -5.00 10.00 [5]
2022 1.1 rate 105.56 88.89 [5]`
	if got := cellLines(diffed(t, b, year(2022), "4"), "year", "line", "measure", "before", "after", "events"); strings.ReplaceAll(got, "[5 6 7]", "[5]") != want {
		t.Errorf("cells\n%s\nwant\n%s", got, want)
	}
	// A virement within a group does not move the group.
	if got := cellLines(diffed(t, l.book(3), year(2022), "2"), "line", "measure", "before", "after"); got != "1.1 reallocated 0.00 -10.00\n1.1 adjusted 100.00 90.00\n1.1 available 100.00 90.00\n1.2 reallocated 0.00 10.00\n1.2 adjusted 0.00 10.00\n1.2 available 0.00 10.00\n1.2 rate null 0.00" {
		t.Errorf("virement\n%s", got)
	}
	// Before the first event nothing was known, and nothing differs at the end.
	for _, c := range diffed(t, b, projections.Query{}, "2020-01-01") {
		if c["before"] != nil || c["after"] == nil || len(c["events"].([]any)) == 0 {
			t.Errorf("cell %v", c)
		}
	}
	if got := diffed(t, b, projections.Query{}, "7"); len(got) != 0 {
		t.Errorf("cells %v", got)
	}
	m, _ := projections.ParseMoment("8")
	if _, err := b.Diff(year(2022), m); events.CodeOf(err) != events.BadValue {
		t.Errorf("beyond the log: %v", err)
	}
	m, _ = projections.ParseMoment("1")
	if _, err := b.Diff(year(2021), m); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("year: %v", err)
	}
	if _, err := b.Diff(projections.Query{Basis: "hearsay"}, m); events.CodeOf(err) != events.BadValue {
		t.Errorf("basis: %v", err)
	}
}

// TestDiffFollowsWords: what is said later of what was posted before moves figures too.
func TestDiffFollowsWords(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲")
	pay := l.pay(2022, "1", "30.00", "2022-03-01", `,"payee":{"name":"x"}`)
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","of":%d,"date":"2022-04-01","amount":"4.00"`, pay), "returned 1 4.00 2022-04-01 channel=payment")
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"1","amount":"6.00","lot":"L","purpose":"p","to_year":2023`,
		"carried_out 1 6.00 2022-12-31", "carried_in 0 6.00 2022-12-31 year=2023 lot=L", "expires=2023-12-31")
	l.add(2022, "amended", fmt.Sprintf(`"of":%d,"set":{"payee":{"name":"y"}},"reason":"r"`, pay))
	l.open(2023, "9 己")
	b := l.book()
	of := func(payee, from string, to events.Seq) string {
		q := year(2022)
		q.Where = where("payee", payee)
		return cellLines(diffed(t, b.At(to), q, from), "line", "measure", "before", "after", "events")
	}
	// As of event 2 it was x who had been paid; the refund and the amendment are both after it.
	want := `0 disbursed 30.00 0.00 [5]
0 spent 30.00 0.00 [5]
1 disbursed 30.00 0.00 [5]
1 spent 30.00 0.00 [5]`
	if got := of("x", "2", 5); got != want {
		t.Errorf("x\n%s\nwant\n%s", got, want)
	}
	// As of event 4 it had come back in part.
	want = `0 disbursed 0.00 30.00 [5]
0 returned 0.00 4.00 [5]
0 spent 0.00 26.00 [5]
1 disbursed 0.00 30.00 [5]
1 returned 0.00 4.00 [5]
1 spent 0.00 26.00 [5]`
	if got := of("y", "4", 6); got != want {
		t.Errorf("y\n%s\nwant\n%s", got, want)
	}
	if got := of("y", "5", 6); got != "" {
		t.Errorf("y after the amendment\n%s", got)
	}
	// What was carried into a year is seen once that is open.
	want = "0 carried_in null 6.00 [6]\n0 adjusted null 6.00 [6]\n0 available null 6.00 [6]\n0 rate null 0.00 [6]"
	if got := cellLines(diffed(t, b, year(2023), "5"), "line", "measure", "before", "after", "events"); got != want {
		t.Errorf("the year opened\n%s\nwant\n%s", got, want)
	}
}

// TestDiffIsTwoTables: the cells are just those in which the tables as known at the two numbers differ, and their events lie between them.
func TestDiffIsTwoTables(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		to := rapid.IntRange(2, len(l.events)).Draw(rt, "to")
		from := rapid.IntRange(2, to).Draw(rt, "from")
		d := rapid.SampledFrom([]projections.Denominator{"", "original", "net", "current"}).Draw(rt, "denominator")
		asOf := l.asOf(2022, "2022-03-20").AsOf
		if rapid.Bool().Draw(rt, "no date") {
			asOf = nil
		}
		got := map[string]string{}
		for _, c := range diffed(rt, l.book(events.Seq(to)), projections.Query{Denominator: d, AsOf: asOf}, fmt.Sprint(from)) {
			got[c.cells("year", "line", "measure")] = c.cells("before", "after")
			for _, n := range c["events"].([]any) {
				if n := int(n.(float64)); n <= from || n > to {
					rt.Fatalf("event %d is not in (%d,%d]", n, from, to)
				}
			}
			if len(c["events"].([]any)) == 0 {
				rt.Fatalf("no event moved %v", c)
			}
		}
		want := map[string]string{}
		for _, y := range []int{2022, 2023} {
			q := projections.Query{Year: events.Year(y), Denominator: d, AsOf: asOf}
			was, is := ask(t, l.book(events.Seq(from)), "execution", q), ask(t, l.book(events.Seq(to)), "execution", q)
			for _, r := range append(slices.Clone(is.Rows), is.Total) {
				old := was.row(t, r.text("line"))
				for _, m := range append(slices.Clone(events.Measures), events.Derived...) {
					if r.text(string(m)) != old.text(string(m)) {
						want[fmt.Sprintf("%d %s %s", y, r.text("line"), m)] = old.text(string(m)) + " " + r.text(string(m))
					}
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("cells\n%v\nwant\n%v", got, want)
		}
	})
}

func TestGlance(t *testing.T) {
	l := statementLog(t)
	l.open(2023, "9 己")
	l.add(2023, "year-closed", `"date":"2023-12-31"`)
	var g projections.Glance
	if err := g.Add(l.book(), "root"); err != nil {
		t.Fatal(err)
	}
	other := newLog(t)
	other.currency, other.decimals = "JPY", 0
	other.openWith(2024, `,"budgeted":false`, "1 甲")
	other.pay(2024, "1", "5", "2024-03-01")
	if err := g.Add(other.book(), ""); err != nil {
		t.Fatal(err)
	}
	var out struct{ Rows []row }
	if err := json.Unmarshal([]byte(printSheet(t, g.Sheet(), "json", sheet.Options{})), &out); err != nil {
		t.Fatal(err)
	}
	want := `cd-gx 测试资金 2022 CNY 100.00 80.00 80.00 20.00 0 false 9 root
cd-gx 测试资金 2023 CNY 0.00 0.00 null 0.00 0 true 9 root
cd-gx 测试资金 2024 JPY null 5 null null 0 false 2 null`
	if got := cellLines(out.Rows, "fund", "name", "year", "currency", "adjusted", "spent", "rate", "available", "open", "closed", "seq", "root"); got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if text := printSheet(t, g.Sheet(), "text", zh); !strings.Contains(text, "单位：各资金的币种\n") || !strings.Contains(text, "JPY") {
		t.Errorf("text:\n%s", text)
	}
	var none projections.Glance
	if text := printSheet(t, none.Sheet(), "text", sheet.Options{}); !strings.HasSuffix(text, "\nnothing\n") {
		t.Errorf("text:\n%s", text)
	}
}
