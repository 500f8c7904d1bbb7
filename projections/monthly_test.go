package projections_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// monthlyLog draws payments and what came back of them over a year that need not be that of the calendar, with closings of its months in between, and
// reversals of all of that.
func monthlyLog(rt *rapid.T) (l *log, from, to time.Time) {
	l = newLog(rt)
	day := func(s string) time.Time { return l.day(s).Time(time.UTC) }
	span := rapid.SampledFrom([][2]string{{"2022-01-01", "2022-12-31"}, {"2022-04-01", "2023-03-31"}, {"2022-04-15", "2023-02-10"}, {"2022-04-03", "2022-04-20"}}).Draw(rt, "year")
	from, to = day(span[0]), day(span[1])
	l.openWith(2022, fmt.Sprintf(`,"from":%q,"to":%q`, span[0], span[1]), treeLines...)
	reversed := map[events.Seq]bool{}
	var paid []events.Seq
	for range rapid.IntRange(1, 30).Draw(rt, "events") {
		line := rapid.SampledFrom([]string{"1.1", "1.2.1", "2", "1", "0"}).Draw(rt, "line")
		// Some are before the year and some after it.
		date := from.AddDate(0, 0, rapid.IntRange(-20, int(to.Sub(from).Hours()/24)+20).Draw(rt, "day")).Format(time.DateOnly)
		amount := fmt.Sprintf("%d.00", rapid.IntRange(1, 999).Draw(rt, "amount"))
		switch rapid.IntRange(0, 5).Draw(rt, "kind") {
		case 0, 1:
			paid = append(paid, l.pay(2022, line, amount, date, "basis="+rapid.SampledFrom([]string{"stated", "inferred"}).Draw(rt, "basis"), "!over-budget"))
		case 2:
			if len(paid) > 0 {
				of := rapid.SampledFrom(paid).Draw(rt, "of")
				p := l.events[of-1].Postings[0]
				l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"refund","of":%d,"amount":"1.00","date":%q`, of, date),
					fmt.Sprintf("returned %s 1.00 %s counts=%s channel=payment basis=%s", p.Line, date, max(p.Counts, l.day(date)), p.Basis))
			}
		case 3, 4:
			if month := from.AddDate(0, rapid.IntRange(0, 11).Draw(rt, "month"), 1-from.Day()); !month.After(to) {
				l.closeMonth(2022, month.Format("2006-01"))
			}
		case 5:
			of := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "of"))
			if target := l.events[of-1]; target.Command.Kind != events.FundOpened && target.Command.Kind != events.Reversed && !reversed[of] {
				reversed[of] = true
				l.reverse(of)
			}
		}
	}
	return l, from, to
}

// TestMonthsAddUp holds the tables of the months of a year, as known at any event, to a fold of its postings one by one: a month has what counts in it and was
// known at its end, and as late what counts before it and came between the end of the month before and its own. Together they are the year so far.
func TestMonthsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, from, to := monthlyLog(rt)
		b := l.book()
		known := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "known"))
		q := year(2022)
		q.Basis = rapid.SampledFrom([]events.Basis{"", "stated"}).Draw(rt, "basis")
		parents := map[string]string{"1": "0", "1.1": "1", "1.2": "1", "1.2.1": "1.2", "2": "0"}
		in := func(line, group string) bool {
			for ; line != group; line = parents[line] {
				if line == "0" || line == "" {
					return false
				}
			}
			return true
		}
		closed := func(known events.Seq, end events.Day) (by events.Seq) {
			for n, through := range l.closings(2022, known) {
				if through >= end && (by == 0 || n < by) {
					by = n
				}
			}
			return by
		}
		var first events.Day = -1 << 30
		lastEnd, lastKnown, lastClosed := first, events.Seq(0), events.Seq(0)
		sums := map[string]events.Minor{}
		for m := from.AddDate(0, 0, 1-from.Day()); !m.After(to); m = m.AddDate(0, 1, 0) {
			end := events.DayOf(m.AddDate(0, 1, -1))
			by := closed(known, end)
			until := known
			if by != 0 {
				until = by
			}
			month, err := events.ParseMonth(m.Format("2006-01"))
			if err != nil {
				rt.Fatal(err)
			}
			tb := askMonth(t, b.At(known), q, month)
			if tb.Month != month.String() || events.Seq(tb.KnownAt.Seq) != until || (tb.ClosedBy == nil) != (by == 0) || by != 0 && *tb.ClosedBy != by {
				rt.Fatalf("%s is told as known at %d, closed by %v, want %d and %d", month, tb.KnownAt.Seq, tb.ClosedBy, until, by)
			}
			for _, r := range append([]row{tb.Total}, tb.Rows...) {
				var spent, returned, late, soFar events.Minor
				for _, e := range l.events[:until] {
					for _, p := range e.Postings {
						if !in(string(p.Line), r.text("line")) || p.Counts > end || q.Basis != "" && p.Basis != q.Basis {
							continue
						}
						amount := p.Amount
						if p.Measure == events.ReturnedM {
							amount = -amount
						}
						soFar += amount
						switch {
						case p.Counts > lastEnd:
							spent += amount
							if p.Measure == events.ReturnedM {
								returned += p.Amount
							}
						case e.Seq > lastKnown:
							late += amount
						}
					}
				}
				want := fmt.Sprintf("%s %s %s %s", spent.Format(2), returned.Format(2), late.Format(2), soFar.Format(2))
				if got := r.cells("month_spent", "month_returned", "late", "so_far"); got != want {
					rt.Fatalf("%s, line %s as known at %d: %s, want %s", month, r.text("line"), known, got, want)
				}
				if sums[r.text("line")] += spent + late; sums[r.text("line")] != soFar {
					rt.Fatalf("up to %s the months of line %s come to %d, the year so far to %d", month, r.text("line"), sums[r.text("line")], soFar)
				}
			}
			// While its closing and that of the month before stand, a closed month is printed again as it was, whatever came later.
			if end := events.Seq(len(l.events)); by != 0 && closed(end, month.Last()) == by && (lastEnd == first || closed(end, lastEnd) == lastClosed && lastClosed != 0) {
				if then, now := printMonth(t, b.At(known), q, month), printMonth(t, b, q, month); then != now {
					rt.Fatalf("%s printed again:\n%s\nwas\n%s", month, now, then)
				}
			}
			lastEnd, lastKnown, lastClosed = end, until, by
		}
	})
}

type monthTable struct {
	table
	Month    string
	ClosedBy *events.Seq `json:"closed_by"`
}

func printMonth(t testing.TB, b *projections.Book, q projections.Query, month events.Date) string {
	t.Helper()
	root, err := b.Root()
	if err != nil {
		t.Fatal(err)
	}
	q.Root = root
	s, err := b.Monthly(q, month, false)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, s, "json", sheet.Options{}) + encoded(t, s, "text", sheet.Options{Lang: zh.Lang})
}

func askMonth(t testing.TB, b *projections.Book, q projections.Query, month events.Date) (out monthTable) {
	t.Helper()
	s, err := b.Monthly(q, month, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(encoded(t, s, "json", sheet.Options{})), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPartsOfAMonth: a month divided by a dimension adds up to the month.
func TestPartsOfAMonth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, _, _ := monthlyLog(rt)
		b := l.book()
		whole := ask(t, b, "monthly", year(2022))
		parts := ask(t, b, "monthly", projections.Query{Year: 2022, By: "basis"})
		for _, name := range []string{"month_spent", "month_returned", "late", "so_far"} {
			var sum events.Minor
			for _, g := range parts.Groups {
				sum += l.minor(g.Total.text(name))
			}
			if want := l.minor(whole.Total.text(name)); sum != want {
				rt.Fatalf("%s by basis comes to %d, the whole is %d", name, sum, want)
			}
		}
	})
}
