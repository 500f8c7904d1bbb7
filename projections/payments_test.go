package projections_test

import (
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
)

func payments(t *testing.T, l *log, q projections.Query) string {
	t.Helper()
	got := ask(t, l.book(), "payments", q)
	var out []string
	for _, r := range got.Rows {
		out = append(out, r.cells("seq", "line", "date", "amount", "left", "channel", "basis", "lot"))
	}
	return strings.Join(out, "\n") + "\ntotal " + got.Total.cells("amount", "left")
}

func TestPaymentsStandWhereTheirMoneyStands(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	l.budget(2022, "1", "1000.00")
	whole := l.pay(2022, "1", "203.00", "2022-08-09", `,"voucher":{"issuer":"430700","year":2022,"type":"直接支付","number":"17"},"payee":{"name":"某厂","id":"91430700MA4L000001","class":"enterprise","account":"6222"}`)
	back := l.pay(2022, "1", "100.00", "2022-06-01")
	wrong := l.pay(2022, "1", "9.00", "2022-06-02")
	l.reverse(wrong)
	l.add(2022, "clawed-back", `"cause":"returned","of":4,"date":"2022-06-03"`, "returned 1 100.00 2022-06-03 channel=payment")
	l.add(2022, "reclassified", `"of":3,"amount":"11.00","reason":"误列","to_line":"2"`,
		"disbursed 1 -11.00 2022-08-09 channel=payment", "disbursed 2 11.00 2022-08-09 channel=payment")
	l.open(2023, "1 甲")
	l.add(2023, "clawed-back", `"cause":"prior-year","of":3,"of_line":"1","line":"0","amount":"22.00","date":"2023-10-20"`,
		"recovered 0 22.00 2023-10-20 channel=payment of_year=2022 of_line=1")
	if whole != 3 || back != 4 {
		t.Fatal(whole, back)
	}
	want := `3 1 2022-08-09 192.00 170.00 payment voucher null
3 2 2022-08-09 11.00 11.00 payment voucher null
4 1 2022-06-01 100.00 0.00 payment voucher null
total 303.00 181.00`
	if got := payments(t, l, year(2022)); got != want {
		t.Errorf("payments =\n%s\nwant\n%s", got, want)
	}
	if got := payments(t, l, l.asOf(2022, "2022-06-02")); got != "4 1 2022-06-01 100.00 100.00 payment voucher null\ntotal 100.00 100.00" {
		t.Errorf("payments as of June =\n%s", got)
	}
	if got := payments(t, l, year(2023)); got != "\ntotal 0.00 0.00" {
		t.Errorf("payments of 2023 =\n%s", got)
	}
	row := ask(t, l.book(), "payments", year(2022)).Rows[0]
	if got := row.cells("id", "voucher", "payee"); got != "e-3 map[issuer:430700 line:1 number:17 type:直接支付 year:2022] map[class:enterprise id:91430700MA4L000001 name:某厂]" {
		t.Errorf("words of a payment = %s", got)
	}
	// The closed year's spending stays; what it looks like now is a figure of its own.
	if got := ask(t, l.book(), "execution", year(2022)).Total.cells("spent", "recovered"); got != "203.00 0.00" {
		t.Errorf("2022 = %s", got)
	}
	if got := ask(t, l.book(), "execution", year(2023)).Total.cells("spent", "recovered"); got != "0.00 22.00" {
		t.Errorf("2023 = %s", got)
	}
	figures := ask(t, l.book(), "report", year(2022)).Figures
	if got := figures["spent_as_amended"].cells("value", "formula", "terms", "events"); got != "181.00 spent - recovered_later map[recovered_later:22.00 spent:203.00] [3 4 5 6 7 8 10]" {
		t.Errorf("spent_as_amended = %s", got)
	}
}

func TestAmendedWordsAreShown(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	added := l.add(2022, "line-added", `"line":"2","name":"乙"`)
	paid := l.pay(2022, "1", "5.00", "2022-06-01", `,"payee":{"name":"德山酒业","class":"enterprise"}`)
	over := l.add(2022, "carried-over", `"date":"2022-12-31","line":"0","amount":"1.00","lot":"A","purpose":"旧","to_year":2023`,
		"carried_out 0 1.00 2022-12-31", "carried_in 0 1.00 2022-12-31 year=2023 lot=A", "expires=2023-12-31")
	before := printed(t, l.book(), "execution", year(2022), "json", zh)
	l.add(2022, "amended", `"of":1,"set":{"name":"新名"},"reason":"r"`)
	l.add(2022, "amended", `"of":2,"set":{"name":"丙","name_en":"Third"},"reason":"r"`)
	l.add(2022, "amended", `"of":3,"set":{"payee":{"name":"湖南德山酒业","id":"91430700MA4L000001"}},"reason":"r"`)
	l.add(2022, "amended", `"of":4,"set":{"purpose":"新"},"reason":"r"`)
	l.open(2023)
	b := l.book()
	if added != 2 || paid != 3 || over != 4 {
		t.Fatal(added, paid, over)
	}
	if got := ask(t, b, "execution", year(2022)).row(t, "2").cells("name", "name_en"); got != "丙 Third" {
		t.Errorf("line = %s", got)
	}
	if got := ask(t, b, "payments", year(2022)).Rows[0].text("payee"); got != "map[class:enterprise id:91430700MA4L000001 name:湖南德山酒业]" {
		t.Errorf("payee = %s", got)
	}
	if got := ask(t, b, "lots", year(2023)).Rows[0].cells("lot", "purpose"); got != "A 新" {
		t.Errorf("lot = %s", got)
	}
	if text := printed(t, b, "budget", year(2022), "text", zh); !strings.HasPrefix(text, "新名（cd-gx）") {
		t.Errorf("title:\n%s", text)
	}
	if again := printed(t, l.book(4), "execution", year(2022), "json", zh); again != before {
		t.Error("what was known before the words were mended changed")
	}
}

func TestLotsAreCarriedOnWithTheirBeginning(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.open(2023)
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"0","amount":"100.00","lot":"A","purpose":"p","to_year":2023`,
		"carried_out 0 100.00 2022-12-31", "carried_in 0 100.00 2022-12-31 year=2023 lot=A", "expires=2023-12-31")
	l.pay(2023, "0", "30.00", "2023-05-01", "lot=A")
	l.add(2023, "clawed-back", `"cause":"lapse","date":"2023-06-01","line":"0","amount":"5.00","lot":"A"`, "lapsed 0 5.00 2023-06-01 lot=A")
	l.add(2023, "clawed-back", `"cause":"rescission","date":"2023-06-01","line":"0","amount":"4.00","lot":"A"`, "supplementary 0 -4.00 2023-06-01 lot=A")
	l.add(2023, "carried-over", `"date":"2023-12-31","line":"0","amount":"60.00","lot":"A","purpose":"p2","to_year":2024`,
		"carried_out 0 60.00 2023-12-31 lot=A", "carried_in 0 60.00 2023-12-31 year=2024 lot=A", "expires=2023-12-31")
	l.open(2024)
	names := []string{"lot", "purpose", "from_year", "amount", "spent", "lapsed", "rescinded", "carried_out", "left", "rate", "expires"}
	if got := ask(t, l.book(), "lots", year(2023)).Rows[0].cells(names...); got != "A p 2022 100.00 30.00 5.00 4.00 60.00 1.00 30.00 2023-12-31" {
		t.Errorf("2023 = %s", got)
	}
	if got := ask(t, l.book(), "lots", year(2024)).Rows[0].cells(names...); got != "A p2 2022 60.00 0.00 0.00 0.00 0.00 60.00 0.00 2023-12-31" {
		t.Errorf("2024 = %s", got)
	}
	l.reverse(7)
	if got := ask(t, l.book(), "lots", year(2024)); len(got.Rows) != 0 {
		t.Errorf("a lot whose carrying over was reversed: %v", got.Rows)
	}
	if got := ask(t, l.book(), "execution", projections.Query{Year: 2023, Denominator: "current"}).Total.cells("spent", "rate"); got != "30.00 null" {
		t.Errorf("without lots = %s", got)
	}
}

func TestInTransit(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.pay(2022, "1", "940.00", "2022-03-01", "channel=lower-treasury")
	l.pay(2022, "1", "7.00", "2022-03-01")
	l.add(2022, "receipt-confirmed", `"of":2,"amount":"25.00","date":"2022-04-01"`, "confirmed 1 25.00 2022-04-01 channel=lower-treasury", "line=1")
	l.add(2022, "clawed-back", `"cause":"refund","of":2,"amount":"15.00","date":"2022-05-01"`, "returned 1 15.00 2022-05-01 channel=lower-treasury", "line=1")
	if got := ask(t, l.book(), "execution", year(2022)).Total.cells("spent", "confirmed", "in_transit"); got != "932.00 25.00 900.00" {
		t.Errorf("total = %s", got)
	}
	figures := ask(t, l.book(), "report", year(2022)).Figures
	for name, want := range map[string]string{
		"spent_by_channel.lower-treasury": "925.00 [2 5]", "spent_by_channel.payment": "7.00 [3]", "spent_by_channel.deduction": "0.00 []", "spent": "932.00 [2 3 5]",
		"spent_by_basis.voucher": "932.00 [2 3 5]",
	} {
		if got := figures[name].cells("value", "events"); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

func TestPersonsHaveAReferenceOnly(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.pay(2022, "1", "1.00", "2022-03-01", `,"payee":{"class":"person","ref":"P-7"}`)
	if got := ask(t, l.book(), "payments", year(2022)).Rows[0].text("payee"); got != "map[class:person ref:P-7]" {
		t.Errorf("payee = %s", got)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"0","amount":"1.00","lot":"A","purpose":"p","to_year":2023`,
		"carried_out 0 1.00 2022-12-31", "carried_in 0 1.00 2022-12-31 year=2023 lot=A", "expires=2023-12-31")
	b := l.book()
	for _, c := range []struct {
		name string
		q    projections.Query
		code events.Code
	}{
		{"execution", year(2023), events.UnknownYear}, // money lies in it, but nobody opened it
		{"execution", year(1999), events.UnknownYear},
		{"exectuion", year(2022), events.BadValue},
		{"budget", projections.Query{Year: 2022, Basis: "hearsay"}, events.BadValue},
		{"execution", projections.Query{Year: 2022, Denominator: "gross"}, events.BadValue},
	} {
		if _, err := b.Table(c.name, c.q); events.CodeOf(err) != c.code {
			t.Errorf("%s %+v = %v, want %s", c.name, c.q, err, c.code)
		}
	}
	if _, err := projections.NewBook().Table("execution", year(2022)); events.CodeOf(err) != events.UnknownFund {
		t.Errorf("a table of nothing = %v", err)
	}
	if _, err := b.Report(year(2021)); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("report of 2021 = %v", err)
	}
}
