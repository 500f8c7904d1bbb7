package web

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/live"
)

// bigBook is a year of so many lines and payments.
func bigBook(t testing.TB, lines, pays int) *projections.Book {
	b := projections.NewBook()
	n := events.Seq(0)
	add := func(text string, postings ...events.Posting) {
		c, err := events.ParseCommand([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		n++
		e := &events.Event{
			Seq: n, ID: events.ID(fmt.Sprintf("e-%d", n)), Time: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second), Command: &c,
			Actor: events.Actor{ID: "local", Role: "operator"}, Rules: 1, Decimals: 2,
		}
		if n == 1 {
			r := &e.Resolved
			r.Currency, r.Decimals, r.Zone, r.From, r.To = "CNY", 2, "Asia/Shanghai", c.From, c.To
		}
		for _, p := range postings {
			p.Year, p.Date, p.Counts, p.Basis = c.Year, c.Date, c.Date.Last(), c.Basis
			if p.Measure == events.Original {
				p.Counts = c.Date.First()
			}
			e.Postings = append(e.Postings, p)
		}
		back, err := events.ParseEvent(events.AppendLine(nil, e))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Apply(&back); err != nil {
			t.Fatal(err)
		}
	}
	var specs []string
	for i := range lines {
		specs = append(specs, fmt.Sprintf(`{"code":"%04d","name":"line %d"}`, i+1, i+1))
	}
	add(`{"kind":"fund-opened","fund":"f","year":2022,"name":"测试","lines":[` + strings.Join(specs[:min(500, lines)], ",") + `]}`)
	for i := 500; i < lines; i++ {
		add(fmt.Sprintf(`{"kind":"line-added","fund":"f","year":2022,"line":"%04d","name":"line %d"}`, i+1, i+1))
	}
	for i := range lines {
		l := events.Line(fmt.Sprintf("%04d", i+1))
		add(fmt.Sprintf(`{"kind":"appropriated","fund":"f","year":2022,"date":"2022","line":"%s","amount":"1000.00","stage":"original"}`, l), events.Posting{Line: l, Measure: events.Original, Amount: 100000})
	}
	for i := range pays {
		l := events.Line(fmt.Sprintf("%04d", i*7%lines+1))
		day := time.Date(2022, 1, 1+i*364/pays, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		add(fmt.Sprintf(`{"kind":"disbursed","fund":"f","year":2022,"date":"%s","line":"%s","amount":"100.00","channel":"payment","payee":{"name":"p%d"}}`, day, l, i%500), events.Posting{Line: l, Measure: events.DisbursedM, Amount: 10000, Channel: "payment"})
	}
	return b
}

// drawnPage is a page of a book, made as a request for it has it made while a slider moves.
func drawnPage(t testing.TB, b *projections.Book, query string, make func(*view, *projections.Book, *ask) error, template string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/funds/f/years/2022"+query, nil)
	r.Header.Set("Prefer", minimal)
	r.SetPathValue("fund", "f")
	r.SetPathValue("year", "2022")
	v := &view{site: &site{}, r: r, Lang: "zh", status: 200, Template: template}
	if err := v.ask(append([]string{"basis", "denominator"}, clocks...)); err != nil {
		t.Fatal(err)
	}
	v.of(live.Cut{Seq: b.Last(), Root: "x", Recorded: b.History().Recorded(b.Last())}, b)
	if err := make(v, b, v.a); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := v.write(w); err != nil {
		t.Fatal(err)
	}
	return w
}

// BenchmarkYear is what a move of the slider costs: the page of a year as of another day, whose parts no question before had.
func BenchmarkYear(b *testing.B) {
	for _, lines := range []int{20, 2000} {
		book := bigBook(b, lines, 4000)
		b.Run(fmt.Sprint(lines), func(b *testing.B) {
			days := 0
			for b.Loop() {
				days++
				w := drawnPage(b, book, "?as_of="+time.Date(2022, 1, 1+days%365, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), (*view).year, "year")
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}
