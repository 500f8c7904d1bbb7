package projections_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/figures"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// said states a figure: fields are its members beside date, source and basis.
func (l *log) said(year int, fields string) events.Seq {
	return l.add(year, "figure-stated", `"date":"2023-06","basis":"stated","source":{"document":"报告"},`+fields)
}

// found lists what a check finds: id, class, stated, computed and difference of each row.
func found(t testing.TB, b *projections.Book, q projections.Query) string {
	t.Helper()
	s, err := b.Check(q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	failed := false
	for _, r := range checked(t, b, q).Rows {
		out = append(out, r.cells("id", "class", "stated", "computed", "difference"))
		failed = failed || r["class"] == "error" || r["class"] == "breach"
	}
	if figures.Failed(s) != failed {
		t.Errorf("Failed = %v with %v", !failed, out)
	}
	return strings.Join(out, "\n")
}

func checked(t testing.TB, b *projections.Book, q projections.Query) *table {
	t.Helper()
	return ask(t, b, "check", q)
}

// spentBook is a year with a group and two lines, of which one has 1,714.42 wan spent of 2,300.
func spentBook(t fatal) *log {
	l := newLog(t)
	l.open(2022, "1 甲", "1.1 1 乙", "1.2 1 丙")
	l.budget(2022, "1.1", "23000000.00")
	l.budget(2022, "1.2", "9400000.00")
	l.pay(2022, "1.1", "14840000.00", "2022-04")
	l.pay(2022, "1.1", "2304200.00", "2022-12-31")
	return l
}

// TestStatedAgainstTheLedger compares single figures with the same year: what they say, and the row that they get.
func TestStatedAgainstTheLedger(t *testing.T) {
	for _, c := range []struct{ name, fields, want string }{
		{"agrees in wan", `"measure":"spent","line":"1.1","value":"1714.42","unit":"wan"`, ""},
		{"agrees in yuan", `"measure":"spent","line":"1.1","value":"17144200.00","unit":"yuan"`, ""},
		{"agrees by the currency's code", `"measure":"spent","line":"1.1","value":"17144200","unit":"CNY"`, ""},
		{"agrees in yi, by rounding half up", `"measure":"spent","line":"1.1","value":"0.17","unit":"yi"`, ""},
		{"exactly in yi", `"measure":"spent","line":"1.1","value":"0.171442","unit":"yi","step":"0"`, ""},
		{"a group is its lines", `"measure":"original","line":"1","value":"3240","unit":"wan"`, ""},
		{"the root where no line is named", `"measure":"original","value":"3240","unit":"wan"`, ""},
		{"zero", `"measure":"lapsed","value":"0","unit":"wan"`, ""},
		{"too little", `"measure":"spent","line":"1.1","value":"1484","unit":"wan"`, "unexplained 1484 1714.42 230.42"},
		{"too much", `"measure":"spent","line":"1.1","value":"2000.00","unit":"wan"`, "unexplained 2000.00 1714.42 -285.58"},
		{"cut off instead of rounded", `"measure":"spent","line":"1.1","value":"0.1714","unit":"yi","step":"0.0001"`, ""},
		{"rounded up where down was due", `"measure":"spent","line":"1.1","value":"1715","unit":"wan"`, "rounding 1715 1714.42 -0.58"},
		{"a whole step off", `"measure":"spent","line":"1.1","value":"1713","unit":"wan"`, "unexplained 1713 1714.42 1.42"},
		{"a step that is no power of ten", `"measure":"spent","line":"1.1","value":"1715","unit":"wan","step":"5"`, ""},
		{"half a step goes up", `"measure":"spent","line":"1.1","value":"1714.44","unit":"wan","step":"0.04"`, ""},
		{"and not down", `"measure":"spent","line":"1.1","value":"1714.40","unit":"wan","step":"0.04"`, "rounding 1714.40 1714.42 0.02"},
		{"exact is exact", `"measure":"spent","line":"1.1","value":"1714.4","unit":"wan","step":"0"`, "unexplained 1714.4 1714.42 0.02"},
		{"up to its own date", `"measure":"spent","line":"1.1","value":"1484","unit":"wan","as_of":"2022-11-30"`, ""},
		{"below zero", `"measure":"available","line":"1.1","value":"-1","unit":"wan"`, "unexplained -1 585.58 586.58"},
		{"a rate", `"measure":"rate","line":"1.1","value":"74.54","unit":"%","denominator":"original"`, ""},
		{"a rate rounded up", `"measure":"rate","line":"1.1","value":"74.6","unit":"%","denominator":"adjusted"`, "rounding 74.6 74.54 -0.06"},
		{"a rate cut off", `"measure":"rate","line":"1","value":"52.91","unit":"%","denominator":"net"`, ""},
		{"a rate that does not end", `"measure":"rate","line":"1","value":"52.92","unit":"%","denominator":"net"`, "rounding 52.92 52.91419753 -0.00580247"},
		{"another rate", `"measure":"rate","line":"1.1","value":"80","unit":"%","denominator":"adjusted"`, "unexplained 80 74.54 -5.46"},
		{"a rate of nothing said", `"measure":"rate","line":"1.1","value":"74.54","unit":"%"`, "unexplained 74.54 null null"},
		{"a unit that does not fit", `"measure":"spent","line":"1.1","value":"74.54","unit":"%"`, "unexplained 74.54 null null"},
		{"a rate in money", `"measure":"rate","line":"1.1","value":"74.54","unit":"yuan","denominator":"adjusted"`, "unexplained 74.54 null null"},
		{"a free unit is not compared", `"measure":"spent","line":"1.1","value":"7","unit":"家"`, ""},
		{"a name alone is not compared", `"name":"补助","value":"7","unit":"wan"`, ""},
	} {
		l := spentBook(t)
		n := l.said(2022, c.fields)
		want := c.want
		if want != "" {
			want = fmt.Sprintf("e-%d %s", n, want)
		}
		if got := found(t, l.book(), year(2022)); got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}

// TestStatedAgainstStated: sums and quotients of what stands beside them.
func TestStatedAgainstStated(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []string // from event 2 on
		last  string
		want  string
	}{
		{"a sum", []string{`"value":"32","unit":"分"`, `"value":"2.8","unit":"分"`}, `"value":"29.2","unit":"分","sum_of":[2,-3]`, ""},
		{"a slip", []string{`"value":"32","unit":"分"`, `"value":"2.8","unit":"分"`}, `"value":"25.7","unit":"分","sum_of":[2,-3]`, "error 25.7 29.2 3.5"},
		{"below zero", []string{`"value":"32","unit":"分"`}, `"value":"-32","unit":"分","sum_of":[-2]`, ""},
		{"half a step below zero", []string{`"value":"0.5","unit":"分","step":"0"`}, `"value":"-1","unit":"分","sum_of":[-2]`, ""},
		{"one thing twice", []string{`"value":"8.4","unit":"%"`}, `"value":"11.6","unit":"%","sum_of":[2]`, "error 11.6 8.4 -3.2"},
		{"units converted", []string{`"value":"0.5","unit":"yi"`, `"value":"1200000","unit":"yuan"`}, `"value":"5120","unit":"wan","sum_of":[2,3]`, ""},
		{
			"within half of the steps of the parts",
			[]string{`"value":"3","unit":"wan"`, `"value":"3","unit":"wan"`, `"value":"3","unit":"wan"`},
			`"value":"10.5","unit":"wan","sum_of":[2,3,4]`, "rounding 10.5 9.0 -1.5",
		},
		{
			"more than half of them",
			[]string{`"value":"3","unit":"wan"`, `"value":"3","unit":"wan"`, `"value":"3","unit":"wan"`},
			`"value":"10.6","unit":"wan","sum_of":[2,3,4]`, "error 10.6 9.0 -1.6",
		},
		{"half steps converted", []string{`"value":"1","unit":"wan"`}, `"value":"14999","unit":"yuan","sum_of":[2]`, "rounding 14999 10000 -4999"},
		{"half steps of exact parts", []string{`"value":"1","unit":"wan","step":"0"`}, `"value":"10001","unit":"yuan","sum_of":[2]`, "error 10001 10000 -1"},
		{"apples and pears", []string{`"value":"1","unit":"家"`}, `"value":"1","unit":"个","sum_of":[2]`, "unexplained 1 null null"},
		{"money and per cent", []string{`"value":"1","unit":"%"`}, `"value":"1","unit":"wan","sum_of":[2]`, "unexplained 1 null null"},
		{"a share", []string{`"value":"6","unit":"个"`, `"value":"11","unit":"个"`}, `"value":"54.55","unit":"%","quotient_of":[2,3]`, ""},
		{"a share of money in two units", []string{`"value":"4171.39","unit":"wan"`, `"value":"98071700","unit":"yuan"`}, `"value":"42.53","unit":"%","quotient_of":[2,3]`, ""},
		{"cut off", []string{`"value":"6","unit":"个"`, `"value":"11","unit":"个"`}, `"value":"54.54","unit":"%","quotient_of":[2,3]`, "rounding 54.54 54.54545455 0.00545455"},
		{"another share", []string{`"value":"6","unit":"个"`, `"value":"12","unit":"个"`}, `"value":"54.55","unit":"%","quotient_of":[2,3]`, "error 54.55 50.00 -4.55"},
		{"so much for each", []string{`"value":"940","unit":"wan"`, `"value":"188","unit":"家"`}, `"value":"50000","unit":"yuan","quotient_of":[2,3]`, ""},
		{"by nothing", []string{`"value":"940","unit":"wan"`, `"value":"0","unit":"家"`}, `"value":"5","unit":"wan","quotient_of":[2,3]`, "unexplained 5 null null"},
		{"money of no money", []string{`"value":"940","unit":"家"`, `"value":"188","unit":"家"`}, `"value":"5","unit":"wan","quotient_of":[2,3]`, "unexplained 5 null null"},
		{"free units as they stand", []string{`"value":"1738.7","unit":"wan"`, `"value":"247","unit":"万平方米"`}, `"value":"7.04","unit":"元/平方米","quotient_of":[2,3]`, ""},
	} {
		l := newLog(t)
		l.open(2022, "1 甲")
		for i, p := range c.parts {
			l.said(2022, fmt.Sprintf(`"name":"%d",%s`, i, p))
		}
		n := l.said(2022, `"name":"合计",`+c.last)
		want := c.want
		if want != "" {
			want = fmt.Sprintf("e-%d %s", n, want)
		}
		if got := found(t, l.book(), year(2022)); got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}

// TestAFigureHasARowForEachComparison: as a measure, as a sum and as a quotient.
func TestAFigureHasARowForEachComparison(t *testing.T) {
	l := spentBook(t)
	l.said(2022, `"name":"a","value":"602","unit":"wan"`)
	l.said(2022, `"name":"b","value":"200","unit":"wan"`)
	l.said(2022, `"measure":"spent","line":"1.1","value":"882","unit":"wan","sum_of":[6,7],"quotient_of":[6,7]`)
	want := "e-8 unexplained 882 1714.42 832.42\ne-8 error 882 802 -80\ne-8 unexplained 882 null null"
	if got := found(t, l.book(), year(2022)); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	rows := checked(t, l.book(), year(2022)).Rows
	for i, want := range []string{"1.1 wan [4 5 8]", "1.1 wan [6 7 8]", "1.1 wan [6 7 8]"} {
		if got := rows[i].cells("line", "unit", "events"); got != want {
			t.Errorf("row %d = %s, want %s", i, got, want)
		}
	}
}

func TestTheArithmeticInWords(t *testing.T) {
	l := spentBook(t)
	l.said(2022, `"measure":"spent","line":"1.1","value":"1484","unit":"wan"`)
	l.said(2022, `"name":"甲","value":"32","unit":"分"`)
	l.said(2022, `"name":"乙","value":"2.8","unit":"分"`)
	l.said(2022, `"name":"得分","value":"25.7","unit":"分","sum_of":[7,-8]`)
	l.said(2022, `"name":"得分（另一处）","value":"25.6","unit":"分","sum_of":[9]`)
	l.said(2022, `"measure":"rate","value":"60","unit":"%","denominator":"net","as_of":"2022-12-31"`)
	want := map[sheet.Options][]string{
		zh: {
			"项目 1.1 的支出数，报告为 1,484 万元，账上为 1,714.42 万元（拨付 1,714.42 - 退回 0），相差 230.42",
			"得分，报告为 25.7 分，所列各部分合计 29.2，即 32（甲） - 2.8（乙），相差 3.5",
			"得分（另一处），报告为 25.6 分，另一处为 25.7（得分），相差 0.1",
			"项目 0 截至 2022-12-31 的预算执行率，报告为 60 %，账上为 52.91419753 %（支出 17,144,200.00 /（调整预算数 - 财政收回）32,400,000.00），相差 -7.08580247",
		},
		{}: {
			"outturn of line 1.1 is stated as 1,484 ten thousand yuan; the ledger has 1,714.42 ten thousand yuan (disbursed 1,714.42 - returned 0): a difference of 230.42",
			"得分 is stated as 25.7 分; its parts as stated come to 29.2, 32 (甲) - 2.8 (乙): a difference of 3.5",
			"得分（另一处） is stated as 25.6 分, and elsewhere as 25.7 (得分): a difference of 0.1",
			"budget execution rate of line 0 as of 2022-12-31 is stated as 60 %; the ledger has 52.91419753 % (spent 17,144,200.00 / (adjusted budget - lapsed) 32,400,000.00): a difference of -7.08580247",
		},
	}
	for o, sentences := range want {
		for _, format := range []string{"text", "json"} {
			got := printed(t, l.book(), "check", year(2022), format, o)
			for _, s := range sentences {
				if !strings.Contains(got, s) {
					t.Errorf("%s in %s:\n%s\nwant %s", format, o.Lang, got, s)
				}
			}
		}
	}
}

// TestNothingToCompare: that nothing is found where nothing was stated is said aloud, with the way out.
func TestNothingToCompare(t *testing.T) {
	t.Parallel()
	l := spentBook(t)
	says := func() bool {
		s, err := l.book().Check(year(2022))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(printSheet(t, s, "text", sheet.Options{}), "fundledger help figure-stated")
	}
	if !says() {
		t.Error("check without figures does not say so")
	}
	l.said(2022, `"measure":"spent","value":"1","unit":"yuan"`)
	if says() {
		t.Error("check with a figure says that there is none")
	}
}

func TestBreaches(t *testing.T) {
	l := newLog(t)
	l.openWith(2022, "", "1 甲", "1.1 1 乙", "1.2 1 丙", "2 丁")
	l.budget(2022, "1.1", "350.00")
	l.budget(2022, "1.2", "50.00")
	l.pay(2022, "1.1", "439.00", "2022-08-01", "!over-budget")
	l.pay(2022, "2", "5.00", "2022-08-01", "!over-budget", "!possible-duplicate")
	want := `null breach 400.00 444.00 44.00
null breach 400.00 439.00 39.00
e-4 breach 350.00 439.00 89.00
e-5 breach 0.00 5.00 5.00
e-5 breach null null 5.00`
	if got := found(t, l.book(), year(2022)); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	if got := checked(t, l.book(), year(2022)).Rows[1].cells("line", "events"); got != "1 [2 3 4]" {
		t.Errorf("the group = %s", got)
	}
	l.add(2022, "explained", `"of":4,"flag":"over-budget","text":"调剂待批"`)
	l.add(2022, "explained", `"of":5,"flag":"possible-duplicate","text":"两笔"`)
	if got := found(t, l.book(), year(2022)); got != "null breach 400.00 444.00 44.00\ne-5 breach 0.00 5.00 5.00" {
		t.Errorf("after explanations: %s", got)
	}
	l.add(2022, "explained", `"line":"0","measure":"available","text":"次年补足"`)
	if got := found(t, l.book(), year(2022)); got != "e-5 breach 0.00 5.00 5.00" {
		t.Errorf("after an explanation of the total: %s", got)
	}
}

func TestAReserveShowsNoSpending(t *testing.T) {
	l := newLog(t)
	l.add(2022, "fund-opened", `"name":"测试资金","lines":[{"code":"1","name":"预留资金","reserve":true},{"code":"2","name":"乙"}]`)
	l.budget(2022, "1", "220.00")
	if got := found(t, l.book(), year(2022)); got != "" {
		t.Errorf("before: %s", got)
	}
	l.pay(2022, "1", "7.00", "2022-08-01")
	l.pay(2022, "1", "100.00", "2022-08-02")
	if got := found(t, l.book(), year(2022)); got != "e-3 unexplained 0.00 107.00 107.00" {
		t.Errorf("spent: %s", got)
	}
	if got := found(t, l.book(), l.asOf(2022, "2022-08-01")); got != "e-3 unexplained 0.00 7.00 7.00" {
		t.Errorf("as of the first: %s", got)
	}
	l.add(2022, "explained", `"line":"1","measure":"spent","text":"经批准"`)
	if got := found(t, l.book(), year(2022)); got != "" {
		t.Errorf("explained: %s", got)
	}
	l.pay(2022, "1", "1.00", "2022-08-03")
	if got := found(t, l.book(), year(2022)); got != "e-3 unexplained 0.00 108.00 108.00" {
		t.Errorf("spent again: %s", got)
	}
}

// TestWhatCountsAsStated: reversals, explanations, and both clocks.
func TestWhatCountsAsStated(t *testing.T) {
	l := spentBook(t)
	wrong := l.said(2022, `"measure":"spent","line":"1.1","value":"1484","unit":"wan"`)
	row := "e-6 unexplained 1484 1714.42 230.42"
	if got := found(t, l.book(), year(2022)); got != row {
		t.Errorf("stated: %s", got)
	}
	if got := found(t, l.book(), l.asOf(2022, "2023-06-29")); got != "" {
		t.Errorf("before it was stated: %s", got)
	}
	if got := found(t, l.book(), l.asOf(2022, "2023-06-30")); got != row {
		t.Errorf("when it was stated: %s", got)
	}
	sum := l.said(2022, fmt.Sprintf(`"name":"和","value":"1484","unit":"wan","sum_of":[%d]`, wrong))
	l.reverse(wrong)
	if got := found(t, l.book(), year(2022)); got != fmt.Sprintf("e-%d unexplained 1484 null null", sum) {
		t.Errorf("reversed: %s", got)
	}
	if got := found(t, l.book(7), year(2022)); got != row {
		t.Errorf("as known before: %s", got)
	}
	l.reverse(sum)
	again := l.said(2022, `"measure":"spent","line":"1.1","value":"1484","unit":"wan"`)
	if got := found(t, l.book(), year(2022)); got != fmt.Sprintf("e-%d unexplained 1484 1714.42 230.42", again) {
		t.Errorf("stated again: %s", got)
	}
	l.add(2022, "explained", fmt.Sprintf(`"of":%d,"text":"其余230.42为个性化奖励"`, again))
	if got := found(t, l.book(), year(2022)); got != "" {
		t.Errorf("explained: %s", got)
	}
	if text := printed(t, l.book(), "check", year(2022), "text", zh); !strings.Contains(text, "核对报告数 1 项；已说明而不列的 1 项") {
		t.Errorf("what is not listed is not said:\n%s", text)
	}
	third := l.said(2022, `"measure":"spent","line":"1.1","value":"1500","unit":"wan"`)
	l.add(2022, "explained", `"line":"1.2","measure":"spent","text":"另一行"`)
	l.add(2022, "explained", `"line":"1.1","measure":"original","text":"另一指标"`)
	if got := found(t, l.book(), year(2022)); got != fmt.Sprintf("e-%d unexplained 1500 1714.42 214.42", third) {
		t.Errorf("what is explained is another: %s", got)
	}
	l.add(2022, "explained", `"line":"1.1","measure":"spent","text":"见附件"`)
	if got := found(t, l.book(), year(2022)); got != "" {
		t.Errorf("explained by line and measure: %s", got)
	}
	later := l.said(2022, `"measure":"spent","line":"1.1","value":"1600","unit":"wan"`)
	if got := found(t, l.book(), year(2022)); got != fmt.Sprintf("e-%d unexplained 1600 1714.42 114.42", later) {
		t.Errorf("stated after the explanation: %s", got)
	}
}

// TestOtherYearsAndCurrencies: figures of another year are not in this one, terms may be; yen have no decimals; years without budgets have no rates.
func TestOtherYearsAndCurrencies(t *testing.T) {
	l := newLog(t)
	l.currency, l.decimals = "JPY", 0
	l.openWith(2022, "", "1 甲")
	l.openWith(2023, `,"budgeted":false`, "1 甲")
	l.pay(2023, "1", "1234567", "2023-05-01")
	l.said(2022, `"name":"前年","value":"100","unit":"wan","step":"0"`)
	l.said(2023, `"measure":"spent","line":"1","value":"123.46","unit":"wan"`)
	l.said(2023, `"measure":"spent","line":"1","value":"1234567","unit":"JPY"`)
	l.said(2023, `"measure":"spent","line":"1","value":"1234566","unit":"JPY"`)
	l.said(2023, `"measure":"adjusted","line":"1","value":"5","unit":"wan"`)
	l.said(2023, `"measure":"rate","line":"1","value":"5","unit":"%","denominator":"adjusted"`)
	l.said(2023, `"name":"差","value":"24","unit":"wan","step":"0","sum_of":[5,-4]`)
	if got := found(t, l.book(), year(2022)); got != "" {
		t.Errorf("2022: %s", got)
	}
	want := `e-7 unexplained 1234566 1234567 1
e-8 unexplained 5 null null
e-9 unexplained 5 null null
e-10 error 24 23.46 -0.54`
	if got := found(t, l.book(), year(2023)); got != want {
		t.Errorf("2023:\n%s\nwant\n%s", got, want)
	}
	if text := printed(t, l.book(), "check", year(2023), "text", zh); !strings.Contains(text, "1,234,567 JPY") {
		t.Errorf("yen:\n%s", text)
	}
	for format, unit := range map[string]string{"text": " 万 JPY ", "csv": ",万 JPY,", "json": `"unit":"wan"`} {
		if text := printed(t, l.book(), "check", year(2023), format, zh); !strings.Contains(text, unit) {
			t.Errorf("the unit is not %q:\n%s", unit, text)
		}
	}
	zero := newLog(t)
	zero.open(2022, "1 甲")
	zero.pay(2022, "1", "5.00", "2022-01-05", "!over-budget")
	zero.said(2022, `"measure":"rate","line":"1","value":"100","unit":"%","denominator":"original"`)
	if got := found(t, zero.book(), year(2022)); !strings.HasPrefix(got, "e-3 unexplained 100 null null\n") {
		t.Errorf("a rate over nothing: %s", got)
	}
	if _, err := zero.book().Check(year(2030)); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("a year that is not there = %v", err)
	}
}

// TestWhatTheLedgerHasNeverContradicts: every cell of a table and every rate, stated as they stand, agree; stated one off they are found.
func TestWhatTheLedgerHasNeverContradicts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		q := year(2022)
		asOf := ""
		if rapid.Bool().Draw(rt, "dated") {
			q, asOf = l.asOf(2022, "2022-03-20"), `,"as_of":"2022-03-20"`
		}
		ids := map[string]bool{}
		off := map[string]bool{}
		for _, d := range []string{"original", "adjusted", "net", "current"} {
			q.Denominator = projections.Denominator(d)
			tb := ask(t, l.book(), "execution", q)
			for _, r := range append([]row{tb.Total}, tb.Rows...) {
				if rate := r.text("rate"); rate != "null" {
					n := l.said(2022, fmt.Sprintf(`"measure":"rate","line":%q,"value":%q,"unit":"%%","denominator":%q%s`, r["line"], rate, d, asOf))
					ids[fmt.Sprintf("e-%d", n)] = true
				}
				if d != "net" {
					continue
				}
				for _, m := range slices.Concat(events.Measures, []events.Measure{events.AdjustedM, events.SpentM, events.AvailableM, events.InTransitM}) {
					v := r.text(string(m))
					n := l.said(2022, fmt.Sprintf(`"measure":%q,"line":%q,"value":%q,"unit":"yuan","step":"0"%s`, m, r["line"], v, asOf))
					ids[fmt.Sprintf("e-%d", n)] = true
					minor, _, _ := events.ParseMinor(v)
					n = l.said(2022, fmt.Sprintf(`"measure":%q,"line":%q,"value":%q,"unit":"yuan"%s`, m, r["line"], (minor+1).Format(2), asOf))
					off[fmt.Sprintf("e-%d", n)] = true
				}
			}
		}
		for _, r := range checked(t, l.book(), year(2022)).Rows {
			id := r.text("id")
			if r["class"] == "unexplained" && ids[id] {
				rt.Fatalf("%v", r)
			}
			if r["class"] == "unexplained" {
				delete(off, id)
			}
		}
		if len(off) > 0 { // figures are stated after every explanation, so none is closed
			rt.Fatalf("a cent off, and not found: %v", off)
		}
	})
}
