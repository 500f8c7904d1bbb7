package projections_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

var treeLines = []string{"1 甲", "1.1 1 乙", "1.2 1 丙", "1.2.1 1.2 丁", "2 戊"}

// drawn draws a log of what a year can see: budgets, virements, payments on lines and groups, returns, lots, lapses, explanations, closed months and reversals.
func drawn(rt *rapid.T) *log {
	l := newLog(rt)
	l.open(2022, treeLines...)
	l.open(2023, "9 己")
	leaves := []string{"1.1", "1.2.1", "2"}
	groups := []string{"0", "1", "1.2"}
	dates := []string{"2022-03-05", "2022-03", "2022", "2022-02-10/2022-05-01", "2022-12-31"}
	lots := 0
	reversed := map[events.Seq]bool{1: true, 2: true}
	for range rapid.IntRange(0, 25).Draw(rt, "events") {
		leaf := rapid.SampledFrom(leaves).Draw(rt, "line")
		date := rapid.SampledFrom(dates).Draw(rt, "date")
		cents := rapid.IntRange(1, 100000).Draw(rt, "amount")
		amount := fmt.Sprintf("%d.%02d", cents/100, cents%100)
		basis := rapid.SampledFrom([]string{"voucher", "stated", "inferred"}).Draw(rt, "basis")
		dims := rapid.SampledFrom([]string{"", "", `,"dims":{"district":"a"}`, `,"dims":{"district":"b","source":"city"}`, `,"dims":{"source":"city"}`}).Draw(rt, "dims")
		switch rapid.IntRange(0, 9).Draw(rt, "kind") {
		case 0:
			l.add(2022, "appropriated", fmt.Sprintf(`"date":%q,"line":%q,"amount":%q,"stage":"supplementary","basis":%q%s`, date, leaf, amount, basis, dims), "supplementary "+leaf+" "+amount+" "+date)
		case 1:
			to := rapid.SampledFrom(leaves).Draw(rt, "to")
			l.add(2022, "reallocated", fmt.Sprintf(`"date":%q,"from":[{"line":%q,"amount":%q}],"to":[{"line":%q,"amount":%q}]%s`, date, leaf, amount, to, amount, dims),
				"reallocated "+leaf+" -"+amount+" "+date, "reallocated "+to+" "+amount+" "+date)
		case 2, 3:
			channel := rapid.SampledFrom([]string{"payment", "lower-treasury", "deduction"}).Draw(rt, "channel")
			whom := rapid.SampledFrom([]string{`,"payee":{"name":"x"}`, `,"payee":{"name":"x","id":"9"},"method":"direct"`, `,"method":"single"`, `,"note":"n"`}).Draw(rt, "whom")
			l.pay(2022, leaf, amount, date, "basis="+basis, "channel="+channel, "!over-budget", whom+dims)
		case 4:
			l.pay(2022, rapid.SampledFrom(groups).Draw(rt, "group"), amount, date, "basis=inferred", "!over-budget")
		case 5:
			lots++
			lot := fmt.Sprintf("L%d", lots)
			l.add(2022, "carried-over", fmt.Sprintf(`"date":"2022-12-31","line":%q,"amount":%q,"lot":%q,"purpose":"p","to_year":2023`, leaf, amount, lot),
				"carried_out "+leaf+" "+amount+" 2022-12-31", "carried_in 0 "+amount+" 2022-12-31 year=2023 lot="+lot, "expires=2023-12-31")
		case 6:
			l.add(2022, "clawed-back", fmt.Sprintf(`"cause":"lapse","date":%q,"line":"0","amount":%q`, date, amount), "lapsed 0 "+amount+" "+date)
		case 7:
			l.add(2022, "explained", fmt.Sprintf(`"line":%q,"measure":"available","text":"x"`, leaf))
		case 8:
			of := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "of"))
			if target := l.events[of-1]; !reversed[of] && (len(target.Postings) > 0 || target.Command.Kind == events.MonthClosed) && target.Command.Kind != events.Reversed {
				reversed[of] = true
				l.reverse(of)
			}
		case 9:
			l.closeMonth(2022, rapid.SampledFrom([]string{"2022-02", "2022-03", "2022-05", "2022-12"}).Draw(rt, "month"))
		}
	}
	return l
}

func everything(t testing.TB, b *projections.Book, qs ...projections.Query) string {
	var out strings.Builder
	for _, q := range qs {
		for _, name := range append([]string{"report"}, projections.Tables...) {
			for _, format := range sheet.Formats {
				if slices.Contains(sheet.Binary, format) { // made of the same cells, and slower to make than the table
					continue
				}
				out.WriteString(printed(t, b, name, q, format, sheet.Options{Lang: zh.Lang, Unit: sheet.Wan}))
			}
		}
	}
	return out.String()
}

// TestRebuiltIsTheSame: a book folded in one go, a second one, and one that was asked between any two events say the same.
func TestRebuiltIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		split := projections.NewBook()
		at := rapid.IntRange(2, len(l.events)).Draw(rt, "split")
		for i, e := range l.events {
			if i >= at {
				ask(t, split, "execution", year(2022))
			}
			if err := split.Apply(e); err != nil {
				rt.Fatal(err)
			}
		}
		qs := []projections.Query{year(2022), year(2023), l.asOf(2022, "2022-03-20")}
		whole := everything(t, l.book(), qs...)
		if everything(t, split, qs...) != whole {
			rt.Fatal("asking changed the answer")
		}
	})
}

// ages are the days that something has waited, up to the date asked for.
var ages = regexp.MustCompile(`"days":[0-9]+`)

// withoutHead is a table without what says for which date it was asked, and how old things were then.
func withoutHead(t testing.TB, b *projections.Book, name string, q projections.Query) string {
	text := printed(t, b, name, q, "json", sheet.Options{})
	return ages.ReplaceAllString(text[strings.Index(text, "\n"):], `"days":0`)
}

func TestAsOfTheEndIsTheLatest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		b := l.book()
		for _, name := range append([]string{"report"}, projections.Tables...) {
			if slices.Contains([]string{"progress", "monthly", "ageing"}, name) { // which say how far a day is, or are of its month
				continue
			}
			for _, y := range []int{2022, 2023} {
				if got, want := withoutHead(t, b, name, l.asOf(y, "2026-12-31")), withoutHead(t, b, name, year(y)); got != want {
					rt.Fatalf("%s of %d as of the end:\n%s\nwant\n%s", name, y, got, want)
				}
			}
		}
	})
}

// TestRootIsItsLinesAndItsOwn: at any level a row is what stands below it and its own part, and the measures hang together.
func TestRootIsItsLinesAndItsOwn(t *testing.T) {
	additive := []string{
		"original", "supplementary", "reallocated", "carried_in", "adjusted", "allotted", "disbursed", "returned", "spent", "committed", "lapsed",
		"carried_out", "available", "confirmed", "in_transit", "recovered", "suspense",
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		q := year(2022)
		if rapid.Bool().Draw(rt, "dated") {
			q = l.asOf(2022, "2022-03-20")
		}
		q.Basis = rapid.SampledFrom([]events.Basis{"", events.ByVoucher, events.Stated}).Draw(rt, "basis")
		tb := ask(t, l.book(), "execution", q)
		minor := func(v any) events.Minor {
			if v == nil {
				return 0
			}
			m, _, err := events.ParseMinor(v.(string))
			if err != nil {
				rt.Fatal(err)
			}
			return m
		}
		for _, r := range append([]row{tb.Total}, tb.Rows...) {
			sums := map[string]events.Minor{}
			below := 0
			for _, c := range tb.Rows {
				if c["parent"] == r["line"] {
					below++
					for _, m := range additive {
						sums[m] += minor(c[m])
					}
				}
			}
			if own, ok := r["own"].(map[string]any); ok && below > 0 {
				for m, v := range own {
					sums[m] += minor(v)
				}
			}
			if below > 0 {
				for _, m := range events.Measures {
					if got, want := minor(r[string(m)]), sums[string(m)]; got != want {
						rt.Fatalf("%s of %v = %d, its parts %d", m, r["line"], got, want)
					}
				}
			}
			g := func(m string) events.Minor { return minor(r[m]) }
			if g("adjusted") != g("original")+g("supplementary")+g("reallocated")+g("carried_in") || g("spent") != g("disbursed")-g("returned") ||
				g("available") != g("adjusted")-g("spent")-g("committed")-g("lapsed")-g("carried_out") {
				rt.Fatalf("%v does not hang together", r)
			}
		}
		if got := minor(tb.Total["reallocated"]); got != 0 && q.Basis == "" {
			rt.Fatalf("virements sum to %d", got)
		}
	})
}

// TestAnEventAndItsReversalCancel in every table, whatever is asked; only a figure names the events that it added.
func TestAnEventAndItsReversalCancel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		before := l.book()
		leaf := rapid.SampledFrom([]string{"1.1", "1.2.1", "2", "1"}).Draw(rt, "leaf")
		n := l.pay(2022, leaf, "77.00", "2022-03", "basis=stated", "!over-budget")
		l.reverse(n)
		after := l.book()
		for _, name := range []string{"budget", "execution", "payments", "lots"} {
			for _, q := range []projections.Query{year(2022), year(2023), l.asOf(2022, "2022-03-20"), {Year: 2022, Basis: events.Stated}} {
				if got, want := withoutHead(t, after, name, q), withoutHead(t, before, name, q); got != want {
					rt.Fatalf("%s after an event and its reversal:\n%s\nwant\n%s", name, got, want)
				}
			}
			q := projections.Query{Year: 2022, By: rapid.SampledFrom([]string{"channel", "payee", "basis"}).Draw(rt, "by")}
			if !slices.Contains(projections.Divided, name) {
				continue
			}
			if got, want := withoutHead(t, after, name, q), withoutHead(t, before, name, q); got != want {
				rt.Fatalf("%s by %s after an event and its reversal:\n%s\nwant\n%s", name, q.By, got, want)
			}
		}
	})
}
