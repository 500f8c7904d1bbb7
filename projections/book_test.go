package projections_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// moments is a fund in China with events at 23:59:59.999999 and 00:00 there.
func moments(t *testing.T) *log {
	l := newLog(t)
	l.now = time.Date(2026, time.March, 1, 15, 59, 59, 999999000, time.UTC).Add(-time.Hour)
	l.open(2022, "1 甲") // 1: the last moment of March 1 in Shanghai
	l.now = l.now.Add(time.Microsecond - time.Hour)
	l.budget(2022, "1", "5.00") // 2: the first of March 2
	l.now = l.now.AddDate(0, 0, 3)
	l.pay(2022, "1", "1.00", "2022-02-01") // 3: March 5
	return l
}

func TestMoments(t *testing.T) {
	l := moments(t)
	whole := l.book()
	for text, want := range map[string]string{
		"": "3", "1": "1", "3": "3", "2026-03-01": "1", "2026-03-02": "2", "2026-03-04": "2", "2026-03-05": "3", "2030-01-01": "3",
		"2026-03-01T16:00:00Z": "2", "2026-03-02T00:00:00+08:00": "2", "2026-03-01T15:59:59.999999Z": "1", "2026-03-01T15:59:59.9999995Z": "1",
		"4": "bad-value not-there", "2026-02-28": "bad-value not-there", "2026-03-01T15:59:59Z": "bad-value not-there",
		"0": "bad-value moment-form", "March": "bad-value moment-form", "2026-03": "bad-value moment-form", "+1": "bad-value moment-form", "2026-02-30": "bad-value moment-form",
	} {
		var m projections.Moment
		var err error
		if text != "" {
			m, err = projections.ParseMoment(text)
		}
		answer := func(n events.Seq, err error) string {
			var e *events.Error
			if errors.As(err, &e) {
				return string(e.Code) + " " + e.Why
			}
			return n.String()
		}
		if err != nil {
			if got := answer(0, err); got != want {
				t.Errorf("ParseMoment(%q) = %s, want %s", text, got, want)
			}
			continue
		}
		if m.IsZero() != (text == "") || m.String() != text {
			t.Errorf("%q is %q, zero %v", text, m, m.IsZero())
		}
		b := projections.NewBook()
		if got := answer(projections.Fold(b, l.all(), m)); got != want {
			t.Errorf("Fold up to %q = %s, want %s", text, got, want)
		}
		if got := answer(whole.Resolve(m)); got != want {
			t.Errorf("Resolve(%q) = %s, want %s", text, got, want)
		}
	}
}

// TestSeen: a checkpoint is a root, alone or with its number, and whatever else is a moment.
func TestSeen(t *testing.T) {
	root := "dHiZ77c1sOwdsr1s4RT4WNw+B7F4e2hcb8Gj6vc9sFA="
	for text, want := range map[string]string{
		root: "0 " + root, "47:" + root: "47 " + root, "47": "47 -", "2026-03-01": "0 -", "2026-03-02T00:00:00+08:00": "0 -",
		"0:" + root: "seen-form", ":" + root: "seen-form", "x:" + root: "seen-form", "47:": "seen-form", root[1:]: "seen-form", "March": "seen-form", "": "seen-form",
	} {
		m, err := projections.ParseSeen(text)
		got := m.Seq().String() + " -"
		var e *events.Error
		switch {
		case errors.As(err, &e):
			got = e.Why
		case m.Root() != nil:
			got = m.Seq().String() + " " + m.Root().String()
		}
		if got != want {
			t.Errorf("ParseSeen(%q) = %s, want %s", text, got, want)
		}
		if err == nil && (m.String() != text || m.IsZero()) {
			t.Errorf("%q is %q, zero %v", text, m, m.IsZero())
		}
	}
	m, _ := projections.ParseSeen(root)
	if at := m.At(7); at.Seq() != 7 || at.Root().String() != root || m.Seq() != 0 {
		t.Errorf("a root at 7 is %v with %v", at.Seq(), at.Root())
	}
}

func TestFoldStopsReading(t *testing.T) {
	l := moments(t)
	m, _ := projections.ParseMoment("2")
	read := 0
	var log iter.Seq2[*events.Event, error] = func(yield func(*events.Event, error) bool) {
		for _, e := range l.events {
			read++
			if !yield(e, nil) {
				return
			}
		}
	}
	if n, err := projections.Fold(projections.NewBook(), log, m); n != 2 || err != nil || read != 2 {
		t.Errorf("Fold = %d, %v after %d events", n, err, read)
	}
	broken := errors.New("broken")
	_, err := projections.Fold(projections.NewBook(), func(yield func(*events.Event, error) bool) { yield(nil, broken) }, m)
	if !errors.Is(err, broken) {
		t.Errorf("a log that cannot be read = %v", err)
	}
}

// TestNothingIsSkipped: what does not fit ends the fold.
func TestNothingIsSkipped(t *testing.T) {
	l := moments(t)
	l.add(2022, "line-added", `"line":"2","name":"乙"`)
	fresh := func() []*events.Event {
		var out []*events.Event
		for _, e := range l.events {
			copied := *e
			copied.Postings = append([]events.Posting(nil), e.Postings...)
			command := *e.Command // what is spoiled in one case must not be so in the next
			command.Lines = append([]events.LineSpec(nil), command.Lines...)
			copied.Command = &command
			out = append(out, &copied)
		}
		return out
	}
	for name, c := range map[string]struct {
		spoil func([]*events.Event) []*events.Event
		want  string
	}{
		"a gap":             {func(es []*events.Event) []*events.Event { return append(es[:1], es[2:]...) }, "tampered gap"},
		"twice":             {func(es []*events.Event) []*events.Event { return append(es[:2], es[1:]...) }, "tampered gap"},
		"no beginning":      {func(es []*events.Event) []*events.Event { es[1].Seq = 1; return es[1:] }, "tampered replay"},
		"unknown kind":      {func(es []*events.Event) []*events.Event { es[2].Command.Kind = "donated"; return es }, "unknown-kind stored"},
		"another fund":      {func(es []*events.Event) []*events.Event { es[2].Command.Fund = "other"; return es }, "tampered replay"},
		"decimals":          {func(es []*events.Event) []*events.Event { es[2].Decimals = 0; return es }, "tampered replay"},
		"unknown line":      {func(es []*events.Event) []*events.Event { es[2].Postings[0].Line = "7"; return es }, "tampered replay"},
		"unknown measure":   {func(es []*events.Event) []*events.Event { es[2].Postings[0].Measure = "mood"; return es }, "tampered replay"},
		"clock back":        {func(es []*events.Event) []*events.Event { es[2].Time = es[0].Time.Add(-time.Second); return es }, "tampered replay"},
		"a later target":    {func(es []*events.Event) []*events.Event { es[2].Resolved.Of = 3; return es }, "tampered replay"},
		"line twice":        {func(es []*events.Event) []*events.Event { es[3].Command.Lines[0].Code = "1"; return es }, "tampered replay"},
		"parent unknown":    {func(es []*events.Event) []*events.Event { es[3].Command.Lines[0].Parent = "9"; return es }, "tampered replay"},
		"zone unknown":      {func(es []*events.Event) []*events.Event { es[0].Resolved.Zone = "Mars/Olympus"; return es }, "tampered replay"},
		"reversal of none":  {func(es []*events.Event) []*events.Event { es[2].Command.Kind = events.Reversed; return es }, "tampered replay"},
		"amendment of none": {func(es []*events.Event) []*events.Event { es[2].Command.Kind = events.Amended; return es }, "tampered replay"},
	} {
		b := projections.NewBook()
		var err error
		for _, e := range c.spoil(fresh()) {
			if err = b.Apply(e); err != nil {
				break
			}
		}
		var e *events.Error
		if !errors.As(err, &e) || string(e.Code)+" "+e.Why != c.want {
			t.Errorf("%s = %v, want %s", name, err, c.want)
		}
	}
}

// TestGoldenJSON holds the shape that programs rely on, byte for byte.
func TestGoldenJSON(t *testing.T) {
	l := newLog(t)
	l.openWith(2022, "", "1 奖补<资金>", "1.1 1 厂房")
	l.budget(2022, "1.1", "69200000.00")
	l.pay(2022, "1.1", "57660000.00", "2022-09", "channel=lower-treasury", "basis=stated")
	l.add(2022, "clawed-back", `"cause":"lapse","date":"2022-12-31","line":"0","amount":"0.05"`, "lapsed 0 0.05 2022-12-31")
	q := l.asOf(2022, "2022-09-29")
	q.Root = "cm9vdA=="
	want := `{"fund":"cd-gx","year":2022,"as_of":"2022-09-29","known_at":{"seq":4,"recorded":"2026-03-02T05:00:00.000000Z"},"root":"cm9vdA==","basis":"all","currency":"CNY","denominator":"adjusted",
 "rows":[
  {"line":"1","parent":"0","depth":1,"leaf":false,"name":"奖补<资金>","name_en":null,"original":"69200000.00","supplementary":"0.00","reallocated":"0.00","carried_in":"0.00","adjusted":"69200000.00","allotted":"0.00","disbursed":"0.00","returned":"0.00","spent":"0.00","committed":"0.00","lapsed":"0.00","carried_out":"0.00","available":"69200000.00","confirmed":"0.00","in_transit":"0.00","recovered":"0.00","suspense":"0.00","rate":"0.00"},
  {"line":"1.1","parent":"1","depth":2,"leaf":true,"name":"厂房","name_en":null,"original":"69200000.00","supplementary":"0.00","reallocated":"0.00","carried_in":"0.00","adjusted":"69200000.00","allotted":"0.00","disbursed":"0.00","returned":"0.00","spent":"0.00","committed":"0.00","lapsed":"0.00","carried_out":"0.00","available":"69200000.00","confirmed":"0.00","in_transit":"0.00","recovered":"0.00","suspense":"0.00","rate":"0.00"}],
 "total":{"line":"0","original":"69200000.00","supplementary":"0.00","reallocated":"0.00","carried_in":"0.00","adjusted":"69200000.00","allotted":"0.00","disbursed":"0.00","returned":"0.00","spent":"0.00","committed":"0.00","lapsed":"0.00","carried_out":"0.00","available":"69200000.00","confirmed":"0.00","in_transit":"0.00","recovered":"0.00","suspense":"0.00","rate":"0.00"},
 "lots":[],
 "uncertain":[
  {"seq":3,"line":"1.1","measure":"disbursed","date":"2022-09","amount":"57660000.00"}],
 "flags":[]}
`
	for _, o := range []sheet.Options{{}, {Lang: zh.Lang, Unit: sheet.Wan}} { // neither language nor unit touches it
		if got := printed(t, l.book(), "execution", q, "json", o); got != want {
			t.Errorf("json =\n%s\nwant\n%s", got, want)
		}
	}
	total := ask(t, l.book(), "execution", year(2022)).Total
	if got := total.cells("own", "in_transit", "rate", "available"); got != "map[lapsed:0.05] 57660000.00 83.32 11539999.95" {
		t.Errorf("total without a date = %s", got)
	}
}

func TestDenominators(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.budget(2022, "1", "100000.00")
	l.add(2022, "appropriated", `"date":"2022-05-01","line":"1","amount":"100000.00","stage":"supplementary"`, "supplementary 1 100000.00 2022-05-01")
	l.add(2022, "clawed-back", `"cause":"rescission","date":"2022-11-01","line":"1","amount":"2900.00"`, "supplementary 1 -2900.00 2022-11-01")
	l.pay(2022, "1", "196000.00", "2022-06-01")
	l.add(2022, "clawed-back", `"cause":"lapse","date":"2022-12-31","line":"1","amount":"207.00"`, "lapsed 1 207.00 2022-12-31")
	for denominator, want := range map[string]string{"original": "196.00", "adjusted": "99.44", "net": "99.55", "current": "99.44"} {
		q := projections.Query{Year: 2022, Denominator: projections.Denominator(denominator)}
		if got := ask(t, l.book(), "execution", q).Total.text("rate"); got != want {
			t.Errorf("rate over %s = %s, want %s", denominator, got, want)
		}
		figure := ask(t, l.book(), "report", q).Figures["execution_rate"]
		if got := figure.text("value"); got != want {
			t.Errorf("figure over %s = %s, want %s", denominator, got, want)
		}
		text := printed(t, l.book(), "execution", q, "text", sheet.Options{})
		if wants := map[string]string{"original": "spent / original", "adjusted": "spent / adjusted", "net": "- lapsed", "current": "without carried-over lots"}[denominator]; !strings.Contains(text, wants) {
			t.Errorf("the denominator %s does not stand on its face:\n%s", denominator, text)
		}
	}
}

// BenchmarkApply says what an event costs in a fold; what is kept of it is to stay modest.
func BenchmarkApply(b *testing.B) {
	l := newLog(b)
	l.open(2022, "1 甲")
	n := l.pay(2022, "1", "1.00", "2022-03-01", `,"payee":{"name":"某厂"}`)
	e := *l.events[n-1]
	book := l.book()
	b.ReportAllocs()
	for i := range b.N {
		e.Seq = n + 1 + events.Seq(i)
		e.ID = events.ID(fmt.Sprint(i))
		e.Time = e.Time.Add(time.Microsecond)
		if err := book.Apply(&e); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if _, err := book.Table("execution", year(2022)); err != nil {
		b.Fatal(err)
	}
}
