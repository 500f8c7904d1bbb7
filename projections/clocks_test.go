package projections_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// more adds to a drawn log what that has none of: amended words, lines told of later, confirmations, moved payments, stated figures, closings, flags and
// what explains or reverses those.
func more(rt *rapid.T, l *log) {
	payments := func() (out []events.Seq) {
		for _, e := range l.events {
			if e.Command.Kind == events.Disbursed && e.Command.Line == "1.1" {
				out = append(out, e.Seq)
			}
		}
		return out
	}
	l.pay(2022, "1.1", "7.00", "2022-03", "basis=stated", "channel=lower-treasury", "!possible-duplicate", "!retroactive")
	lines := 0
	for range rapid.IntRange(0, 12).Draw(rt, "more") {
		of := rapid.SampledFrom(payments()).Draw(rt, "payment")
		switch rapid.IntRange(0, 9).Draw(rt, "kind of more") {
		case 0:
			l.add(2022, "amended", fmt.Sprintf(`"of":1,"set":{"name":"n%d"},"reason":"r"`, len(l.events)))
		case 1:
			l.add(2022, "amended", fmt.Sprintf(`"of":%d,"set":{"payee":{"name":"p%d"}},"reason":"r"`, of, len(l.events)))
		case 2:
			l.add(2022, "amended", fmt.Sprintf(`"of":%d,"set":{"documents":["d%d"]},"reason":"r"`, of, len(l.events)))
		case 3:
			lines++
			code := fmt.Sprintf("2.%d", lines)
			n := l.add(2022, "line-added", fmt.Sprintf(`"line":%q,"name":"后","parent":"2"`, code))
			l.pay(2022, code, "3.00", "2022-03-04", "!over-budget")
			if rapid.Bool().Draw(rt, "renamed") {
				l.add(2022, "amended", fmt.Sprintf(`"of":%d,"set":{"name":"后改"},"reason":"r"`, n))
			}
		case 4:
			l.add(2022, "receipt-confirmed", fmt.Sprintf(`"of":%d,"date":"2022-04-02","amount":"1.00"`, of), "confirmed 1.1 1.00 2022-04-02 channel=lower-treasury")
		case 5:
			l.add(2022, "reclassified", fmt.Sprintf(`"of":%d,"amount":"1.00","to_line":"1.2.1","reason":"r"`, of),
				"disbursed 1.1 -1.00 2022-03", "disbursed 1.2.1 1.00 2022-03")
		case 6:
			l.add(2022, "figure-stated", `"date":"2022-12-31","line":"1.1","measure":"spent","value":"12.3","unit":"yuan","name":"f","source":{"document":"s"}`)
		case 7:
			l.add(2022, "explained", fmt.Sprintf(`"of":%d,"flag":"retroactive","text":"x"`, of))
		case 8:
			l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","of":%d,"date":"2022-05","amount":"0.50"`, of), "returned 1.1 0.50 2022-05")
		case 9:
			if n := events.Seq(len(l.events)); l.events[n-1].Command.Kind != events.Reversed && len(l.events[n-1].Postings) > 0 {
				l.reverse(n)
			}
		}
	}
	if rapid.Bool().Draw(rt, "closed") {
		l.add(2022, "year-closed", `"date":"2022-12-31"`)
	}
}

// asked is every sheet that a book gives of a question.
func asked(t testing.TB, b *projections.Book, q projections.Query) string {
	var out strings.Builder
	write := func(s *sheet.Sheet, err error) {
		if err != nil {
			fmt.Fprintln(&out, err)
			return
		}
		var text bytes.Buffer
		if err := sheet.Write(&text, "json", s, sheet.Options{}); err != nil {
			t.Fatal(err)
		}
		out.Write(text.Bytes())
	}
	for _, name := range projections.Tables {
		if len(q.Where) > 0 && !slices.Contains(projections.Narrowed, name) || q.By != "" && !slices.Contains(projections.Divided, name) {
			continue
		}
		write(b.Table(name, q))
	}
	if q.By != "" {
		return out.String()
	}
	write(b.Report(q))
	if len(q.Where) == 0 {
		write(b.Check(q))
	}
	for _, line := range []events.Line{"0", "1", "1.1", "1.2.1"} {
		write(b.Statement(q, line, projections.Moment{}))
	}
	for _, from := range []string{"1", fmt.Sprint(b.Last()/2 + 1), "2026-03-02T08:00:00Z"} {
		m, err := projections.ParseMoment(from)
		if err != nil {
			t.Fatal(err)
		}
		write(b.Diff(q, m))
	}
	return out.String()
}

// TestKnownAtIsTheFoldUpToIt: a book of all events, asked as known at a number, says byte for byte what a book says that never got more.
func TestKnownAtIsTheFoldUpToIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		more(rt, l)
		q := year(rapid.SampledFrom([]int{2022, 2022, 2023}).Draw(rt, "year"))
		if rapid.Bool().Draw(rt, "dated") {
			q = l.asOf(int(q.Year), rapid.SampledFrom([]string{"2022-02-28", "2022-03-20", "2022-12-31"}).Draw(rt, "as of"))
		}
		q.Denominator = rapid.SampledFrom([]projections.Denominator{"", "net", "original", "current"}).Draw(rt, "denominator")
		q.Basis = rapid.SampledFrom([]events.Basis{"", "", events.ByVoucher, events.Stated}).Draw(rt, "basis")
		if rapid.Bool().Draw(rt, "narrowed") {
			q.Where = where(rapid.SampledFrom([]string{"source", "payee", "method", "channel"}).Draw(rt, "dim"), rapid.SampledFrom([]string{"city", "", "x", "9"}).Draw(rt, "value"))
		}
		if rapid.Bool().Draw(rt, "divided") {
			q.By = rapid.SampledFrom([]string{"district", "payee", "method", "basis"}).Draw(rt, "by")
		}
		whole := l.book()
		for range 3 {
			at := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "known at"))
			got, want := asked(t, whole.At(at), q), asked(t, l.book(at), q)
			if got != want {
				rt.Fatalf("as known at %d:\n%s\nwant\n%s", at, got, want)
			}
			// Twice, and as known at an earlier number by way of a later one.
			if again := asked(t, whole.At(at+1).At(at), q); again != got {
				rt.Fatalf("as known at %d, asked again:\n%s\nwant\n%s", at, again, got)
			}
		}
	})
}

// TestBothClocksAgainstASlowFold: the sums of a line are those of the postings that were known by then and count by then, looked at one by one.
func TestBothClocksAgainstASlowFold(t *testing.T) {
	pairs, histories := 0, 0
	up := map[events.Line]events.Line{"1.1": "1", "1.2": "1", "1.2.1": "1.2", "1": "0", "2": "0", "9": "0"}
	one := func(rt *rapid.T) {
		l := drawn(rt)
		more(rt, l)
		for code := range l.lines() {
			if _, ok := up[code]; !ok {
				up[code] = "2" // those that are added
			}
		}
		h := l.book().History()
		histories++
		for range 3 {
			known := events.Seq(rapid.IntRange(2, len(l.events)).Draw(rt, "known at"))
			day := l.day(rapid.SampledFrom([]string{"2022-01-01", "2022-03-05", "2022-03-31", "2022-05-01", "2022-12-30", "2022-12-31"}).Draw(rt, "as of"))
			want := map[events.Line]*events.Totals{}
			for _, e := range l.events[:known] {
				for i := range e.Postings {
					p := &e.Postings[i]
					if p.Year != 2022 || p.Counts > day {
						continue
					}
					for at := p.Line; at != ""; at = up[at] {
						if want[at] == nil {
							want[at] = &events.Totals{}
						}
						*want[at].Of(p.Measure) += p.Amount
					}
				}
			}
			view := h.At(known)
			y, err := view.Year(2022)
			if err != nil {
				rt.Fatal(err)
			}
			got, err := view.Balances(y, history.Query{Year: 2022, AsOf: &day})
			if err != nil {
				rt.Fatal(err)
			}
			for i, line := range y.Lines() {
				expected := events.Totals{}
				if w := want[line.Code]; w != nil {
					expected = *w
				}
				if got[i].All != expected {
					rt.Fatalf("line %s as known at %d, as of %s: %+v, want %+v", line.Code, known, day, got[i].All, expected)
				}
			}
			pairs++
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		for range 100 {
			one(rt)
		}
	})
	if pairs < 30_000 || histories < 10_000 {
		t.Errorf("only %d pairs of %d histories were looked at", pairs, histories)
	}
}

// TestSavedAndLoaded: a book that was written down at any number, read again and applied to further says what one says that was not.
func TestSavedAndLoaded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		more(rt, l)
		at := rapid.IntRange(1, len(l.events)).Draw(rt, "saved at")
		var file bytes.Buffer
		if err := l.book(events.Seq(at)).Save(&file, "p"); err != nil {
			rt.Fatal(err)
		}
		whole := file.Bytes()
		lines := func(_ context.Context, n events.Seq) ([]byte, error) {
			return events.AppendLine(nil, l.events[n-1]), nil
		}
		b, err := projections.LoadBook(bytes.NewReader(whole), "p", lines)
		if err != nil {
			rt.Fatal(err)
		}
		for _, e := range l.events[at:] {
			if err := b.Apply(e); err != nil {
				rt.Fatal(err)
			}
		}
		known := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "known at"))
		root, err := b.At(known).Root()
		if err != nil {
			rt.Fatal(err)
		}
		if want, _ := l.book(known).Root(); root != want {
			rt.Fatalf("the root at %d is %s, want %s", known, root, want)
		}
		if got, want := asked(t, b.At(known), year(2022)), asked(t, l.book(known), year(2022)); got != want {
			rt.Fatalf("saved at %d, as known at %d:\n%s\nwant\n%s", at, known, got, want)
		}
		var again bytes.Buffer
		if b, err = projections.LoadBook(bytes.NewReader(whole), "p", lines); err != nil {
			rt.Fatal(err)
		}
		if err := b.Save(&again, "p"); err != nil {
			rt.Fatal(err)
		}
		if again.Len() != len(whole) { // maps are written in any order
			rt.Fatalf("what was read is written as %d bytes, not %d", again.Len(), len(whole))
		}
		if _, err := projections.LoadBook(bytes.NewReader(whole), "q", lines); err == nil {
			rt.Fatal("that of another program is taken")
		}
		cut := rapid.IntRange(0, len(whole)-1).Draw(rt, "cut")
		if _, err := projections.LoadBook(bytes.NewReader(whole[:cut]), "p", lines); err == nil {
			rt.Fatalf("%d of %d bytes are taken", cut, len(whole))
		}
		if _, err := projections.LoadBook(bytes.NewReader(append(slices.Clone(whole), 0)), "p", lines); err == nil {
			rt.Fatal("a byte too many is taken")
		}
	})
}
