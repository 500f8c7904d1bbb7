package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// The reference fund as its report publishes it: code, parent, name, budget and spending in 10,000 yuan, rate in percent ("–" where there is no budget).
const published = `
0 - 合计 10000.00 9807.17 98.07
1 0 工业和信息化发展奖补资金 6920.00 5766.00 83.32
1.1 1 标准化厂房建设补贴 2000.00 1738.70 86.94
1.2 1 首次入规工业企业奖补资金 940.00 940.00 100.00
1.3 1 推新考核奖励 2300.00 1714.42 74.54
1.4 1 扶持“白酒”发展奖补 500.00 412.88 82.58
1.5 1 真抓实干奖励 500.00 450.00 90.00
1.6 1 “五好”园区奖励资金 600.00 430.00 71.67
1.7 1 沿江化工企业搬迁奖励 80.00 80.00 100.00
2 0 工业和信息化发展项目资金 3080.00 4041.17 131.21
2.1 2 工业项目扶持资金 1800.00 1887.00 104.83
2.1.1 2.1 新兴及优势产业链工业项目 600.00 660.00 110.00
2.1.2 2.1 中小企业发展项目 450.00 384.00 85.33
2.1.3 2.1 节能降耗项目 200.00 201.00 100.50
2.1.4 2.1 全民创业项目 350.00 439.00 125.43
2.1.5 2.1 两化融合项目 200.00 203.00 101.50
2.2 2 军民融合发展专项 800.00 761.89 95.24
2.3 2 工业品牌推介专项 100.00 98.00 98.00
2.4 2 企业家培训专项 160.00 86.82 54.26
2.5 2 预留资金 220.00 107.00 48.64
2.6 2 预算调整及其他 0.00 1100.46 –
`

func publishedRows() [][]string {
	var out [][]string
	for line := range strings.Lines(published) {
		if f := strings.Fields(line); len(f) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// yuan writes an amount in 10,000 yuan with two decimals in yuan.
func yuan(wan string) string {
	s := strings.TrimLeft(strings.Replace(wan, ".", "", 1)+"00", "0")
	if s == "" {
		s = "0"
	}
	return s + ".00"
}

// reference has the year as its report knows it: what is spent over budget is recorded, and the year closes at the level of the fund alone.
func reference(t fatal) *log {
	l := newLog(t)
	rows := publishedRows()
	var lines []string
	parents := map[string]bool{}
	for _, r := range rows[1:] {
		lines = append(lines, r[0]+" "+r[1]+" "+r[2])
		parents[r[1]] = true
	}
	l.openWith(2022, `,"name_en":"Reference fund"`, lines...)
	for _, r := range rows[1:] {
		if !parents[r[0]] && r[3] != "0.00" {
			l.budget(2022, r[0], yuan(r[3]))
		}
	}
	for _, r := range rows[1:] {
		if parents[r[0]] {
			continue
		}
		options := []string{"basis=inferred", "channel=unstated", `,"mode":"record"`}
		switch r[0] {
		case "1.1", "1.2":
			options = []string{"basis=stated", "channel=lower-treasury", `,"mode":"record"`}
		case "2.1.1", "2.1.3", "2.1.4", "2.1.5", "2.6":
			options = append(options, "!over-budget")
		}
		l.pay(2022, r[0], yuan(r[4]), "2022", options...)
	}
	for _, lot := range [][2]string{{"CO-2022-1", "500000.00"}, {"CO-2022-2", "1000000.00"}} {
		l.add(2022, "carried-over", fmt.Sprintf(`"date":"2022-12-31","line":"0","amount":%q,"lot":%q,"purpose":"项目 %s","to_year":2023,"basis":"stated"`, lot[1], lot[0], lot[0]),
			"carried_out 0 "+lot[1]+" 2022-12-31", "carried_in 0 "+lot[1]+" 2022-12-31 year=2023 lot="+lot[0], "expires=2023-12-31")
	}
	l.add(2022, "clawed-back", `"cause":"lapse","date":"2022-12-31","line":"0","amount":"428300.00","basis":"stated"`, "lapsed 0 428300.00 2022-12-31")
	l.open(2023)
	l.pay(2023, "0", "500000.00", "2023-02", "lot=CO-2022-1")
	return l
}

func TestReferenceFundCellByCell(t *testing.T) {
	b := reference(t).book()
	got := ask(t, b, "execution", projections.Query{Year: 2022, Root: "cm9vdA=="})
	rows := publishedRows()
	if len(got.Rows) != len(rows)-1 {
		t.Fatalf("%d rows, want %d", len(got.Rows), len(rows)-1)
	}
	for i, want := range rows {
		r := got.Total
		if i > 0 {
			r = got.Rows[i-1]
			if head := r.cells("line", "parent", "name"); head != strings.Join(want[:3], " ") {
				t.Errorf("row %d is %s, want %s", i, head, want[:3])
			}
		}
		rate := want[5]
		if rate == "–" {
			rate = "null"
		}
		cells := r.cells("line", "original", "adjusted", "spent", "rate")
		if w := fmt.Sprintf("%s %s %s %s %s", want[0], yuan(want[3]), yuan(want[3]), yuan(want[4]), rate); cells != w {
			t.Errorf("row %s = %s, want %s", want[0], cells, w)
		}
	}
	if cells := got.Total.cells("lapsed", "carried_out", "available", "in_transit", "own"); cells != "428300.00 1500000.00 0.00 26787000.00 map[carried_out:1500000.00 lapsed:428300.00]" {
		t.Errorf("total = %s", cells)
	}
	if got.Fund != "cd-gx" || got.Year != 2022 || got.AsOf != nil || got.KnownAt.Seq != len(reference(t).events) || *got.Root != "cm9vdA==" || got.Basis != "all" || got.Denominator != "adjusted" {
		t.Errorf("head = %+v", got)
	}
	var flags []string
	for _, f := range got.Flags {
		flags = append(flags, f.cells("code", "line", "amount"))
	}
	if want := "over-budget 2.1.1 600000.00, over-budget 2.1.3 10000.00, over-budget 2.1.4 890000.00, over-budget 2.1.5 30000.00, over-budget 2.6 11004600.00"; strings.Join(flags, ", ") != want {
		t.Errorf("flags = %s, want %s", strings.Join(flags, ", "), want)
	}
}

func TestReferenceFundLots(t *testing.T) {
	l := reference(t)
	b := l.book()
	got := ask(t, b, "execution", l.asOf(2023, "2023-12-31"))
	names := []string{"lot", "line", "purpose", "from_year", "amount", "spent", "committed", "lapsed", "rescinded", "carried_out", "left", "rate", "expires"}
	for i, want := range []string{
		"CO-2022-1 0 项目 CO-2022-1 2022 500000.00 500000.00 0.00 0.00 0.00 0.00 0.00 100.00 2023-12-31",
		"CO-2022-2 0 项目 CO-2022-2 2022 1000000.00 0.00 0.00 0.00 0.00 0.00 1000000.00 0.00 2023-12-31",
	} {
		if cells := got.Lots[i].cells(names...); cells != want {
			t.Errorf("lot = %s, want %s", cells, want)
		}
	}
	if len(got.Flags) != 0 {
		t.Errorf("flags on the last day of the lots = %v", got.Flags)
	}
	// Unused by the end of the next year: to be taken back from then on.
	for _, q := range []projections.Query{l.asOf(2023, "2024-01-01"), year(2023)} {
		got = ask(t, b, "execution", q)
		if len(got.Flags) != 1 || got.Flags[0].cells("code", "line", "lot", "amount") != "lot-expired 0 CO-2022-2 1000000.00" {
			t.Errorf("flags after the lots expired = %v", got.Flags)
		}
	}
	for denominator, want := range map[history.Denominator]string{"": "33.33", "current": "null", "net": "33.33", "original": "null"} {
		if got := ask(t, b, "execution", projections.Query{Year: 2023, Denominator: denominator}).Total.text("rate"); got != want {
			t.Errorf("rate of 2023 over %q = %s, want %s", denominator, got, want)
		}
	}
	if got := ask(t, b, "lots", year(2023)); got.Total.cells("amount", "spent", "left", "rate") != "1500000.00 500000.00 1000000.00 33.33" || len(got.Rows) != 2 {
		t.Errorf("table lots = %+v", got)
	}
	// Before the money was carried in there is no lot to be seen.
	if got := ask(t, b, "execution", l.asOf(2023, "2022-12-30")); len(got.Lots) != 0 {
		t.Errorf("lots before they were carried in = %v", got.Lots)
	}
	if got := ask(t, b, "execution", year(2022)); len(got.Lots) != 0 || got.Total.text("rate") != "98.07" {
		t.Errorf("2022 changed: %v, rate %s", got.Lots, got.Total.text("rate"))
	}
}

func TestBasisNarrowsEveryPosting(t *testing.T) {
	b := reference(t).book()
	got := ask(t, b, "execution", projections.Query{Year: 2022, Basis: events.Stated})
	if cells := got.Total.cells("original", "spent", "lapsed", "rate"); cells != "0.00 26787000.00 428300.00 null" {
		t.Errorf("stated = %s", cells)
	}
	got = ask(t, b, "execution", projections.Query{Year: 2022, Basis: events.Inferred})
	if cells := got.Total.cells("spent", "lapsed", "in_transit"); cells != "71284700.00 0.00 0.00" {
		t.Errorf("inferred = %s", cells)
	}
	if got.Basis != "inferred" || got.Total["own"] != nil {
		t.Errorf("basis %s, own %v", got.Basis, got.Total["own"])
	}
}

// TestTwoClocks: a payment dated April and keyed in December is in June's table by its date, but was not known in June.
func TestTwoClocks(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.budget(2022, "1", "1000.00")
	l.now = l.now.AddDate(0, 9, 0)
	n := l.pay(2022, "1", "300.00", "2022-04-18")
	b := l.book()
	if got := ask(t, b, "execution", l.asOf(2022, "2022-06-30")).Total.text("spent"); got != "300.00" {
		t.Errorf("as of June = %s", got)
	}
	if got := ask(t, b, "execution", l.asOf(2022, "2022-04-17")).Total.text("spent"); got != "0.00" {
		t.Errorf("as of the day before = %s", got)
	}
	if got := ask(t, l.book(n-1), "execution", year(2022)); got.Total.text("spent") != "0.00" || got.KnownAt.Seq != int(n-1) {
		t.Errorf("as known before = %v", got.Total)
	}
	// What was known then is printed again byte for byte, whatever came later.
	q := projections.Query{Year: 2022, Root: "x"}
	before := printed(t, l.book(n-1), "execution", q, "text", zh)
	l.pay(2022, "1", "1.00", "2022-01-01")
	if again := printed(t, l.book(n-1), "execution", q, "text", zh); again != before {
		t.Errorf("printed again:\n%s\nwant\n%s", again, before)
	}
}

func TestUncertainWhileThePaperLeavesItOpen(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.budget(2022, "1", "1000.00")
	april := l.pay(2022, "1", "300.00", "2022-04", "basis=stated")
	twice := l.pay(2022, "1", "70.00", "2022-04")
	l.reverse(twice)
	l.pay(2022, "1", "5.00", "2022-05")
	for day, want := range map[string]string{
		"2022-03-31": "0.00 []",
		"2022-04-01": fmt.Sprintf("0.00 [%d 1 disbursed 2022-04 300.00]", april),
		"2022-04-29": fmt.Sprintf("0.00 [%d 1 disbursed 2022-04 300.00]", april),
		"2022-04-30": "300.00 []",
	} {
		got := ask(t, l.book(), "execution", l.asOf(2022, day))
		var uncertain []string
		for _, r := range got.Uncertain {
			uncertain = append(uncertain, r.cells("seq", "line", "measure", "date", "amount"))
		}
		if s := fmt.Sprintf("%s %v", got.Total.text("spent"), uncertain); s != want {
			t.Errorf("as of %s = %s, want %s", day, s, want)
		}
	}
	q := l.asOf(2022, "2022-04-15")
	q.Basis = events.ByVoucher
	if got := ask(t, l.book(), "execution", q); len(got.Uncertain) != 0 {
		t.Errorf("uncertain of another basis = %v", got.Uncertain)
	}
}

// TestOwnMoney: what is posted to a group is its own, and a line added below a line with money leaves the money with the group.
func TestOwnMoney(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲", "1.1 1 乙", "2 丙")
	l.budget(2022, "1.1", "600.00")
	l.budget(2022, "2", "400.00")
	l.pay(2022, "1.1", "100.00", "2022-03-01")
	l.pay(2022, "1", "50.00", "2022-12-31", "basis=inferred", `,"mode":"record"`)
	l.add(2022, "line-added", `"line":"2.1","parent":"2","name":"丁"`)
	got := ask(t, l.book(), "execution", year(2022))
	for line, want := range map[string]string{
		"1":   "false 1 600.00 150.00 450.00 map[disbursed:50.00]",
		"1.1": "true 2 600.00 100.00 500.00 null",
		"2":   "false 1 400.00 0.00 400.00 map[original:400.00]",
		"2.1": "true 2 0.00 0.00 0.00 null",
	} {
		if cells := got.row(t, line).cells("leaf", "depth", "adjusted", "spent", "available", "own"); cells != want {
			t.Errorf("line %s = %s, want %s", line, cells, want)
		}
	}
	text := printed(t, l.book(), "execution", year(2022), "text", zh)
	if !strings.Contains(text, "未细分") {
		t.Errorf("no row for what is not split:\n%s", text)
	}
	if got := ask(t, l.book(4), "execution", year(2022)); len(got.Rows) != 3 || got.row(t, "2").text("leaf") != "true" {
		t.Errorf("a line that was not known yet is there: %v", got.Rows)
	}
}

// TestRecordedAfterTheFactIsPartOfWhatIsSpent: what comes back of a payment, or is taken back, is of the payment's mode, however it was entered.
func TestRecordedAfterTheFactIsPartOfWhatIsSpent(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 a")
	l.budget(2022, "1", "100.00")
	says := func(want string) {
		t.Helper()
		if text := printed(t, l.book(), "execution", year(2022), "text", sheet.Options{}); !strings.Contains(text, want) {
			t.Errorf("the face does not say %q:\n%s", want, text)
		}
	}
	recorded := l.add(2022, "disbursed", `"date":"2022-05-01","line":"1","amount":"30","channel":"payment","mode":"record","basis":"stated"`, "disbursed 1 30.00 2022-05-01 channel=payment")
	says("30.00 of 30.00 spent")
	controlled := l.add(2022, "disbursed", `"date":"2022-05-01","line":"1","amount":"7","channel":"payment"`, "disbursed 1 7.00 2022-05-01 channel=payment")
	says("30.00 of 37.00 spent")
	refund := fmt.Sprintf(`"cause":"refund","date":"2022-06-01","of":%d,"amount":"10"`, recorded)
	back := l.add(2022, "clawed-back", refund, "returned 1 10.00 2022-06-01 channel=payment")
	says("20.00 of 27.00 spent")
	l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","date":"2022-06-01","of":%d,"amount":"7","mode":"record","basis":"stated"`, controlled), "returned 1 7.00 2022-06-01 channel=payment")
	says("20.00 of 20.00 spent")
	l.reverse(back)
	says("30.00 of 30.00 spent")
}

func TestSiblingsKeepTheOrderGiven(t *testing.T) {
	l := newLog(t)
	l.open(2022, "2.2 2 a", "2.1 2 b", "9 c", "2 d", "1.1 1 e", "1 f")
	l.add(2022, "line-added", `"line":"2.0","parent":"2","name":"g"`)
	var order []string
	for _, r := range ask(t, l.book(), "budget", year(2022)).Rows {
		order = append(order, r.text("line"))
	}
	if got, want := strings.Join(order, " "), "9 2 2.2 2.1 2.0 1 1.1"; got != want {
		t.Errorf("order = %s, want %s", got, want)
	}
}

func TestUnbudgetedYears(t *testing.T) {
	l := newLog(t)
	l.openWith(2022, `,"budgeted":false`, "1 甲")
	l.pay(2022, "1", "100.00", "2022-03-01")
	b := l.book()
	got := ask(t, b, "execution", year(2022))
	if cells := got.Total.cells("original", "adjusted", "spent", "available", "rate"); cells != "0.00 null 100.00 null null" {
		t.Errorf("total = %s", cells)
	}
	if len(got.Flags) != 0 {
		t.Errorf("flags = %v", got.Flags)
	}
	for name, want := range map[string]string{"executable_budget": "null", "execution_rate": "null", "spent": "100.00"} {
		if got := ask(t, b, "report", year(2022)).Figures[name].text("value"); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if text := printed(t, b, "execution", year(2022), "text", zh); !strings.Contains(text, "–") || !strings.Contains(text, "预算未知") {
		t.Errorf("text:\n%s", text)
	}
}

func TestYenHasNoDecimals(t *testing.T) {
	l := newLog(t)
	l.currency, l.decimals = "JPY", 0
	l.openWith(2022, `,"currency":"JPY"`, "1 甲")
	l.budget(2022, "1", "350000000")
	l.pay(2022, "1", "12345", "2022-03-01")
	got := ask(t, l.book(), "execution", year(2022))
	if cells := got.Total.cells("adjusted", "spent", "available", "rate"); cells != "350000000 12345 349987655 0.00" {
		t.Errorf("total = %s", cells)
	}
}
