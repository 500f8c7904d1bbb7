package projections_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/bank"
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
		switch rapid.IntRange(0, 12).Draw(rt, "kind") {
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
			if target := l.events[of-1]; !reversed[of] && l.matched(of) == 0 && (len(target.Postings) > 0 || slices.Contains(posting0, target.Command.Kind)) && target.Command.Kind != events.Reversed {
				reversed[of] = true
				l.reverse(of)
			}
		case 9:
			l.closeMonth(2022, rapid.SampledFrom([]string{"2022-02", "2022-03", "2022-05", "2022-12"}).Draw(rt, "month"))
		case 10, 11:
			direction := rapid.SampledFrom([]string{"in", "out"}).Draw(rt, "direction")
			if like := l.cash(false); len(like) > 0 && rapid.Bool().Draw(rt, "like") {
				c := l.events[rapid.SampledFrom(like).Draw(rt, "of")-1].Command
				amount, direction = c.Amount.String(), string(c.Cash())
			}
			l.add(2022, "bank-line", fmt.Sprintf(`"date":"2022-05-10","account":"1","direction":%q,"amount":%q,"counterparty":"x"`, direction, amount))
		case 12:
			lines := l.cash(true)
			if len(lines) == 0 {
				continue
			}
			line := rapid.SampledFrom(lines).Draw(rt, "bank line")
			c := l.events[line-1].Command
			fits := slices.DeleteFunc(l.cash(false), func(n events.Seq) bool {
				of := l.events[n-1].Command
				return of.Cash() != c.Cash() || !of.Amount.Equal(c.Amount)
			})
			fields := fmt.Sprintf(`"bank_lines":[%d],"rule":"manual"`, line)
			if len(fits) > 0 {
				fields += fmt.Sprintf(`,"events":[%d]`, rapid.SampledFrom(fits).Draw(rt, "matched"))
			} else {
				fields += `,"reason":"r"`
			}
			l.add(2022, "bank-matched", fields)
		}
	}
	return l
}

// posting0 are the kinds that post nothing and are reversed all the same.
var posting0 = []events.Kind{events.MonthClosed, events.BankLine, events.BankMatched}

// matched is the standing event that matches an event, 0 where none does.
func (l *log) matched(n events.Seq) (by events.Seq) {
	for _, e := range l.events {
		switch {
		case by != 0 && e.Command.Kind == events.Reversed && e.Resolved.Of == by:
			by = 0
		case slices.Contains(e.Resolved.BankLines, n) || slices.Contains(e.Resolved.Matched, n):
			by = e.Seq
		}
	}
	return by
}

// cash lists the bank lines, or else the payments that went through a bank, that stand and are not matched.
func (l *log) cash(ofBank bool) (out []events.Seq) {
	for _, n := range l.standing() {
		if (l.events[n-1].Command.Kind == events.BankLine) == ofBank && l.matched(n) == 0 {
			out = append(out, n)
		}
	}
	return out
}

// standing lists what went through a bank and is not reversed.
func (l *log) standing() (out []events.Seq) {
	undone := map[events.Seq]bool{}
	for _, e := range l.events {
		if e.Command.Kind == events.Reversed {
			undone[e.Resolved.Of] = true
		}
	}
	for _, e := range l.events {
		if e.Command.Cash() != "" && !undone[e.Seq] {
			out = append(out, e.Seq)
		}
	}
	return out
}

// TestTheBankIsTheSameHoweverItIsRead: what is matched is what the log says, before the book was saved and after, as known at any number; a reconciliation has every line and event
// that stands in just one finding, and proposes nothing that does not come to the same on both sides.
func TestTheBankIsTheSameHoweverItIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		whole := l.book()
		loaded := l.reloaded(whole)
		q := bank.Query{From: l.day("2022-01-01"), To: l.day("2023-12-31"), Window: 5}
		says := func(b *projections.Book) string {
			r, err := b.Reconciliation(q)
			if err != nil {
				rt.Fatal(err)
			}
			s, err := r.Sheet(b.History(), "", "")
			if err != nil {
				rt.Fatal(err)
			}
			return encoded(rt, s, "json", sheet.Options{})
		}
		at := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "at"))
		part := l.book(at)
		for _, pair := range [][2]*projections.Book{{whole, loaded}, {part, whole.At(at)}, {part, loaded.At(at)}} {
			if a, b := says(pair[0]), says(pair[1]); a != b {
				rt.Fatalf("%s\nis\n%s", a, b)
			}
			if a, b := pair[0].History().Matches(), pair[1].History().Matches(); !maps.Equal(a, b) {
				rt.Fatalf("matched are %v and %v", a, b)
			}
		}
		matches := whole.History().Matches()
		for _, e := range l.events {
			if got := matches[e.Seq]; got != l.matched(e.Seq) {
				rt.Fatalf("event %d is matched by %d, want %d", e.Seq, got, l.matched(e.Seq))
			}
		}
		r, err := whole.Reconciliation(q)
		if err != nil {
			rt.Fatal(err)
		}
		seen := map[events.Seq]int{}
		for _, f := range r.Findings {
			for _, x := range f.Lines {
				seen[x.Seq]++
			}
			for _, x := range f.Events {
				seen[x.Seq]++
			}
			if f.State == bank.Proposed && (f.Bank() != f.Book() || len(f.Events) == 0) {
				rt.Fatalf("proposed are %d at the bank, %d in the ledger", f.Bank(), f.Book())
			}
		}
		left := 0
		for _, n := range l.standing() {
			switch seen[n] {
			case 0:
				left++
			case 1:
			default:
				rt.Fatalf("event %d is in %d findings", n, seen[n])
			}
		}
		if left != r.Before || len(seen)+left != len(l.standing()) {
			rt.Fatalf("%d are found and %d left out, of %d that stand; %d lie before the statements", len(seen), left, len(l.standing()), r.Before)
		}
	})
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

// TestTheTrailIsTheSameHoweverItIsRead: of any event, as known at any number, the trail that two readings of the log find is the one that a book has, before it was saved and
// after.
func TestTheTrailIsTheSameHoweverItIsRead(t *testing.T) {
	t.Parallel()
	chained := 0
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		more(rt, l)
		whole := l.book()
		loaded := l.reloaded(whole)
		says := func(trail *projections.Trail) string {
			s, err := trail.Sheet("r")
			if err != nil {
				rt.Fatal(err)
			}
			return encoded(rt, s, "json", sheet.Options{})
		}
		at := events.Seq(rapid.IntRange(1, len(l.events)).Draw(rt, "at"))
		for n := events.Seq(1); n <= at; n++ {
			trail := projections.NewTrail(n)
			trail.Line = events.AppendLine(nil, l.events[n-1])
			for _, view := range []func() projections.View{func() projections.View { return trail }, trail.Second} {
				v := view()
				for _, e := range l.events[:at] {
					if err := v.Apply(e); err != nil {
						rt.Fatal(err)
					}
				}
			}
			want := says(trail)
			if strings.Count(want, `"place":`) >= 4 {
				chained++
			}
			for _, b := range []*projections.Book{whole, loaded} {
				trail, err := b.At(at).Trail(n)
				if err != nil {
					rt.Fatal(err)
				}
				if got := says(trail); got != want {
					rt.Fatalf("event %d of %d:\n%s\nread twice:\n%s", n, at, got, want)
				}
			}
		}
	})
	if chained == 0 {
		t.Error("no event was drawn that hangs together with three others")
	}
}
