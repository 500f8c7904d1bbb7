package projections_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

func where(dim, value string) []projections.Condition {
	return []projections.Condition{{Dim: dim, Value: value}}
}

// of is what a cell holds, nothing where there is none.
func of(t fatal, r row, measure string) events.Minor {
	t.Helper()
	s, ok := r[measure].(string)
	if !ok {
		return 0
	}
	m, _, err := events.ParseMinor(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return m
}

func (g *group) name() string {
	if g.Value == nil {
		return ""
	}
	return *g.Value
}

// TestGroupsAddUpToTheWhole: whatever a table is divided by, as of any date and as known at any number, each cell of the undivided one is the sum of the
// groups' cells, and a group is what the table narrowed to its value says.
func TestGroupsAddUpToTheWhole(t *testing.T) {
	groupsSeen := 0
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		known := events.Seq(rapid.IntRange(2, len(l.events)).Draw(rt, "known at"))
		b := l.book(known)
		q := year(2022)
		if rapid.Bool().Draw(rt, "dated") {
			q = l.asOf(2022, rapid.SampledFrom([]string{"2022-02-28", "2022-03-20", "2022-12-31"}).Draw(rt, "as of"))
		}
		q.Basis = rapid.SampledFrom([]events.Basis{"", events.ByVoucher, events.Stated}).Draw(rt, "basis")
		q.Denominator = rapid.SampledFrom([]projections.Denominator{"", "net", "original", "current"}).Draw(rt, "denominator")
		if rapid.Bool().Draw(rt, "narrowed") {
			q.Where = where("source", rapid.SampledFrom([]string{"city", ""}).Draw(rt, "source"))
			if b.Known(q) != nil { // nobody has named a source yet
				q.Where = nil
			}
		}
		whole := q
		name := rapid.SampledFrom([]string{"budget", "execution"}).Draw(rt, "table")
		undivided := ask(t, b, name, whole)
		for _, by := range []string{"district", "source", "payee", "method", "channel", "basis"} {
			q.By = by
			if b.Known(q) == nil { // else nobody has named a district yet
				groupsSeen += addUp(rt, t, l.events[:known], undivided, b, name, q)
			}
		}
	})
	if groupsSeen < 100 {
		t.Errorf("%d groups were looked at", groupsSeen)
	}
}

// addUp compares the groups of a table with the undivided one, with tables narrowed to each, and with the events; it returns how many there are.
func addUp(rt *rapid.T, t *testing.T, all []*events.Event, undivided *table, b *projections.Book, name string, q projections.Query) int {
	measures := slices.Concat(events.Measures, []events.Measure{events.AdjustedM, events.SpentM, events.AvailableM, events.InTransitM})
	divided := ask(t, b, name, q)
	whole := q
	whole.By = ""
	if !slices.IsSortedFunc(divided.Groups, func(a, b group) int {
		if a.Value == nil || b.Value == nil {
			return map[bool]int{true: 1, false: -1}[a.Value == nil]
		}
		return strings.Compare(*a.Value, *b.Value)
	}) {
		rt.Fatalf("the groups are not in order")
	}
	if got, want := divided.Total.cells("spent", "adjusted", "rate", "available"), undivided.Total.cells("spent", "adjusted", "rate", "available"); got != want {
		rt.Fatalf("the total is %s, undivided %s", got, want)
	}
	for _, r := range append([]row{undivided.Total}, undivided.Rows...) {
		for _, m := range measures {
			var sum events.Minor
			without, with := 0, 0
			for i := range divided.Groups {
				if g := divided.Groups[i].row(r.text("line")); g != nil {
					sum += of(rt, g, string(m))
					if g[string(m)] == nil {
						without++
					} else {
						with++
					}
				}
			}
			switch {
			case without > 0 && (m != events.AvailableM || with > 0):
				rt.Fatalf("%s of %v is there for %d groups and not for %d", m, r["line"], with, without)
			case without == 0 && r[string(m)] != nil && sum != of(rt, r, string(m)):
				rt.Fatalf("%s of %v is %v, the groups of %s come to %d", m, r["line"], r[string(m)], q.By, sum)
			}
		}
	}
	for _, g := range divided.Groups {
		narrow := whole
		narrow.Where = slices.Concat(whole.Where, where(q.By, g.name()))
		alone := ask(t, b, name, narrow)
		if q.By == "payee" && g.name() == "x" {
			continue // the table asked for by that name has those too that have an id
		}
		for _, r := range append([]row{alone.Total}, alone.Rows...) {
			for _, m := range measures {
				if in := g.row(r.text("line")); m != events.AvailableM && of(rt, in, string(m)) != of(rt, r, string(m)) {
					rt.Fatalf("%s of %v with %s=%s is %v, in the group %v", m, r["line"], q.By, g.name(), r[string(m)], in[string(m)])
				}
			}
		}
		for _, r := range append([]row{g.Total}, g.Rows...) {
			none := divided.Groups[len(divided.Groups)-1]
			if r["rate"] == nil || none.Value != nil {
				continue
			}
			rest := none.row(r.text("line"))
			for _, m := range []string{"original", "supplementary", "reallocated", "carried_in"} {
				if of(rt, rest, m) != 0 {
					rt.Fatalf("line %v has a rate for %s, but %s without any", r["line"], g.name(), m)
				}
			}
		}
	}
	if q.By == "district" && q.Where == nil {
		sums := map[string]events.Minor{} // from the events themselves
		for _, e := range all {
			for _, p := range e.Postings {
				if p.Year == 2022 && p.Measure == events.DisbursedM && (q.AsOf == nil || p.Counts <= *q.AsOf) && (q.Basis == "" || p.Basis == q.Basis) {
					sums[p.Dims.Get("district")] += p.Amount
				}
			}
		}
		for _, g := range divided.Groups {
			if got := of(rt, g.Total, "disbursed"); got != sums[g.name()] {
				rt.Fatalf("district %q was paid %d, its events come to %d", g.name(), got, sums[g.name()])
			}
		}
	}
	return len(divided.Groups)
}

// byDistrict has line 1 with a budget for each district, and line 2 with one for all.
func byDistrict(t fatal) *log {
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	for _, d := range []string{"a", "b"} {
		l.add(2022, "appropriated", fmt.Sprintf(`"date":"2022-01-01","line":"1","amount":"100.00","stage":"original","dims":{"district":%q}`, d), "original 1 100.00 2022-01-01")
	}
	l.budget(2022, "2", "50.00")
	l.pay(2022, "1", "60.00", "2022-04-01", `,"dims":{"district":"a"},"payee":{"name":"x","id":"9"},"method":"direct"`)
	l.pay(2022, "1", "30.00", "2022-06-01", `,"dims":{"district":"b"},"payee":{"name":"x"}`)
	l.pay(2022, "2", "20.00", "2022-06-01", `,"dims":{"district":"a"},"payee":{"class":"person","ref":"r"}`)
	return l
}

func TestDivided(t *testing.T) {
	l := byDistrict(t)
	q := year(2022)
	q.By = "district"
	tb := ask(t, l.book(), "execution", q)
	var got []string
	for _, g := range tb.Groups {
		for _, r := range append([]row{g.Total}, g.Rows...) {
			got = append(got, g.name()+" "+r.cells("line", "adjusted", "spent", "rate", "available"))
		}
	}
	want := []string{
		"a 0 100.00 80.00 null null",   // the budget of line 2 is for all districts
		"a 1 100.00 60.00 60.00 40.00", // 60 of 100
		"a 2 0.00 20.00 null null",
		"b 0 100.00 30.00 null null",
		"b 1 100.00 30.00 30.00 70.00",
		" 0 50.00 0.00 null null",
		" 2 50.00 0.00 null null",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := tb.Total.cells("adjusted", "spent", "rate", "available"); got != "250.00 110.00 44.00 140.00" {
		t.Errorf("total %s", got)
	}
	// As of April nothing was paid in b, and nothing on line 2.
	q.AsOf = l.asOf(2022, "2022-04-30").AsOf
	tb = ask(t, l.book(), "execution", q)
	if got := tb.Groups[1].row("1").cells("spent", "rate", "available"); got != "0.00 0.00 100.00" {
		t.Errorf("b in April: %s", got)
	}
	if r := tb.Groups[0].row("2"); r != nil {
		t.Errorf("a has %v on line 2 in April", r)
	}
}

func TestNarrowed(t *testing.T) {
	l := byDistrict(t)
	l.add(2022, "clawed-back", `"date":"2022-07-01","cause":"refund","of":5,"amount":"10.00","dims":{"district":"a"}`, "returned 1 10.00 2022-07-01 channel=payment")
	b := l.book()
	for _, c := range []struct{ dim, value, want string }{
		{"district", "a", "100.00 80.00 10.00 70.00"},
		{"district", "b", "100.00 30.00 0.00 30.00"},
		{"district", "", "50.00 0.00 0.00 0.00"},
		{"payee", "9", "0.00 60.00 10.00 50.00"}, // what comes back of a payment is of its payee and method
		{"payee", "x", "0.00 90.00 10.00 80.00"},
		{"payee", "r", "0.00 20.00 0.00 20.00"},
		{"method", "direct", "0.00 60.00 10.00 50.00"},
		{"channel", "payment", "0.00 110.00 10.00 100.00"},
		{"channel", "deduction", "0.00 0.00 0.00 0.00"},
		{"basis", "voucher", "250.00 110.00 10.00 100.00"},
	} {
		q := year(2022)
		q.Where = where(c.dim, c.value)
		if got := ask(t, b, "execution", q).Total.cells("original", "disbursed", "returned", "spent"); got != c.want {
			t.Errorf("%s=%s: %s, want %s", c.dim, c.value, got, c.want)
		}
	}
	q := year(2022)
	q.Where = append(where("district", "a"), where("payee", "x")...)
	if tb := ask(t, b, "payments", q); len(tb.Rows) != 1 || tb.Total.cells("amount", "left") != "60.00 50.00" {
		t.Errorf("payments to x in a: %v", tb.Rows)
	}
	// The budget of line 2 is no district's, so of what was spent in one there is no rate in the report either.
	q.Where = where("district", "a")
	figures := ask(t, b, "report", q).Figures
	if got := figures["spent"].text("value") + " " + figures["executable_budget"].text("value") + " " + figures["execution_rate"].text("value"); got != "70.00 100.00 null" {
		t.Errorf("report of a: %s", got)
	}
	if got := ask(t, b, "execution", q).row(t, "1").cells("rate", "available"); got != "50.00 50.00" { // 50 of 100
		t.Errorf("line 1 in a: %s", got)
	}
}

// TestStatementAndDiffNarrowed: a balance runs where the line's budget is divided, and is none where it is not.
func TestStatementAndDiffNarrowed(t *testing.T) {
	l := byDistrict(t)
	b := l.book()
	q := year(2022)
	q.Where = where("district", "a")
	for line, want := range map[events.Line]string{"1": "100.00 40.00", "2": "null"} {
		s, err := b.Statement(q, line, projections.Moment{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for r := range s.Tables[0].Rows {
			if c := r.Cells[s.Tables[0].Column("balance")]; c.Kind == sheet.Null {
				got = append(got, "null")
			} else {
				got = append(got, c.Minor().Format(2))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("line %s: %v, want %s", line, got, want)
		}
	}
	m, err := projections.ParseMoment("4")
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Diff(q, m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := range s.Tables[0].Rows {
		if c := r.Cells; c[1].Text() == "1" {
			got = append(got, c[2].Text()+fmt.Sprint(c[5].Seqs()))
		}
	}
	if want := []string{"disbursed[5]", "spent[5]", "available[5]", "rate[5]"}; !slices.Equal(got, want) {
		t.Errorf("diff of line 1: %v, want %v", got, want)
	}
}

// TestPayeeOfAReversal: what is reversed is gone from its payee's part, also where the payee was corrected between the two.
func TestPayeeOfAReversal(t *testing.T) {
	l := byDistrict(t)
	l.add(2022, "amended", `"of":6,"set":{"payee":{"name":"y"}},"reason":"misspelt"`)
	l.events[len(l.events)-1].Resolved.Of = 6
	q := year(2022)
	q.Where = where("payee", "y")
	if got := ask(t, l.book(), "execution", q).Total.cells("spent"); got != "30.00" {
		t.Errorf("y was paid %s", got)
	}
	l.reverse(6)
	if got := ask(t, l.book(), "execution", q).Total.cells("spent"); got != "0.00" {
		t.Errorf("y was paid %s after the reversal", got)
	}
	q.Where, q.By = nil, "payee"
	for _, g := range ask(t, l.book(), "execution", q).Groups {
		if g.name() == "y" {
			t.Error("y has a group of nothing")
		}
	}
}

// TestPayeeOfARelease: what is released of a commitment is released of its payee's, whom the release does not name.
func TestPayeeOfARelease(t *testing.T) {
	l := byDistrict(t)
	n := l.add(2022, "committed", `"date":"2022-05-01","line":"1","amount":"60.00","payee":{"name":"z"}`, "committed 1 60.00 2022-05-01")
	l.add(2022, "commitment-released", fmt.Sprintf(`"of":%d,"date":"2022-05-02","amount":"25.00"`, n), "committed 1 -25.00 2022-05-02")
	q := year(2022)
	q.Where = where("payee", "z")
	if got := ask(t, l.book(), "execution", q).Total.cells("committed"); got != "35.00" {
		t.Errorf("committed for z: %s, want 35.00", got)
	}
}

// TestDividedOwnMoney: money of the year that no line has is a part of the group that it falls to, and not of the total below all groups.
func TestDividedOwnMoney(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲")
	l.budget(2022, "1", "100.00")
	l.pay(2022, "1", "30.00", "2022-03-01")
	l.pay(2022, "0", "20.00", "2022-03-02", "basis=inferred", "!over-budget")
	q := year(2022)
	q.By = "basis"
	text := printed(t, l.book(), "progress", q, "text", sheet.Options{Lang: zh.Lang, Unit: sheet.Yuan})
	var got []string
	for _, s := range strings.Split(text, "\n") {
		if f := strings.Fields(s); strings.Contains(s, ".00  ") && !strings.Contains(s, "：") && len(got) < 6 {
			got = append(got, strings.Join(f[:len(f)-max(0, len(f)-5)], " "))
		}
	}
	want := []string{
		"推算 0 合计 0.00 20.00", "推算 未细分 0.00 20.00", "推算 1 甲 0.00 0.00",
		"凭证 0 合计 100.00 30.00", "凭证 1 甲 100.00 30.00", "0 合计 100.00 50.00 50.00%",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), text)
	}
}

// TestDividedIsNarrowed: a table that is divided has for each value the rows that it has narrowed to that value, no more values and no fewer, and the total of the whole.
func TestDividedIsNarrowed(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		more(rt, l)
		b := l.book().At(events.Seq(rapid.IntRange(2, len(l.events)).Draw(rt, "known at")))
		q := year(rapid.SampledFrom([]int{2022, 2022, 2023}).Draw(rt, "year"))
		if rapid.Bool().Draw(rt, "dated") {
			q = l.asOf(int(q.Year), "2022-03-20")
		}
		for _, name := range []string{"payments", "lots", "progress", "report", "series"} {
			print := func(q projections.Query) string {
				if name != "series" {
					return printed(t, b, name, q, "json", sheet.Options{})
				}
				s, err := b.Series(q, progress.Subject{Line: "0", Measure: "spent", Step: "month"})
				if err != nil {
					rt.Fatal(err)
				}
				var out bytes.Buffer
				if err := sheet.WriteJSON(&out, s, sheet.Options{}); err != nil {
					rt.Fatal(err)
				}
				return out.String()
			}
			by := rapid.SampledFrom([]string{"payee", "method", "channel", "basis"}).Draw(rt, "by")
			divided := q
			divided.By = by
			var got struct {
				Groups []struct {
					Value *string
					Rows  []json.RawMessage
				}
				Total json.RawMessage
			}
			if err := json.Unmarshal([]byte(print(divided)), &got); err != nil {
				rt.Fatal(err)
			}
			rest := map[string]bool{"": true, "x": true, "9": true, "direct": true, "single": true, "payment": true, "lower-treasury": true, "deduction": true, "voucher": true, "stated": true, "inferred": true}
			narrowed := func(value string) (rows []json.RawMessage) {
				part := q
				part.Where = where(by, value)
				var one struct {
					Rows    []json.RawMessage
					Figures json.RawMessage
				}
				if b.Known(part) != nil {
					return nil
				}
				if err := json.Unmarshal([]byte(print(part)), &one); err != nil {
					rt.Fatal(err)
				}
				return one.Rows
			}
			for _, g := range got.Groups {
				value := ""
				if g.Value != nil {
					value = *g.Value
				}
				delete(rest, value)
				if name == "report" { // whose figures are members by their names
					seen[name]++
					continue
				}
				if by == "payee" && value == "x" { // which is also another's name: see below
					seen[name]++
					continue
				}
				if want := narrowed(value); fmt.Sprintf("%s", g.Rows) != fmt.Sprintf("%s", want) {
					rt.Fatalf("%s by %s, of %q:\n%s\nwant\n%s", name, by, value, g.Rows, want)
				}
				seen[name]++
			}
			if whole := ask(t, b, "payments", q); name == "payments" && (by == "payee" || by == "method") { // what came back may have another basis
				rows := 0
				for _, g := range got.Groups {
					rows += len(g.Rows)
				}
				if rows != len(whole.Rows) {
					rt.Fatalf("%d payments by %s, %d in all", rows, by, len(whole.Rows))
				}
			}
			delete(rest, "x")
			for value := range rest {
				if rows := narrowed(value); (name == "payments" || name == "lots") && len(rows) > 0 {
					rt.Fatalf("%s by %s has nothing of %q: %s", name, by, value, rows)
				}
			}
		}
	})
	for _, name := range []string{"payments", "progress", "report", "series"} {
		if seen[name] < 5 {
			t.Errorf("%d groups of %s were seen", seen[name], name)
		}
	}
}

func TestDimensionsThatThereAreNot(t *testing.T) {
	b := byDistrict(t).book()
	choices := func(err error) string {
		var e *events.Error
		if !errors.As(err, &e) || e.Code != events.BadValue {
			t.Fatalf("error %v", err)
		}
		return e.Args["choices"]
	}
	bad := year(2022)
	bad.By = "distrikt"
	for _, name := range projections.Divided {
		_, err := b.Table(name, bad)
		switch name {
		case "report":
			_, err = b.Report(bad)
		case "series":
			_, err = b.Series(bad, progress.Subject{Line: "0", Measure: "spent", Step: "month"})
		}
		if got := choices(err); got != "payee method channel basis district" {
			t.Errorf("%s: there are %s", name, got)
		}
	}
	bad.By, bad.Where = "", where("channel", "bank")
	if _, err := b.Report(bad); !strings.HasPrefix(choices(err), "payment lower-treasury ") {
		t.Error(err)
	}
	bad.Where = where("basis", "hearsay")
	if got := choices(b.Known(bad)); !strings.HasPrefix(got, "voucher ") {
		t.Error(got)
	}
	bad.Where = where("district", "a")
	for _, name := range []string{"exceptions"} {
		if _, err := b.Table(name, bad); choices(err) == "" {
			t.Errorf("%s was narrowed", name)
		}
	}
	if _, err := b.Check(bad); choices(err) == "" {
		t.Error("stated figures were compared with part of the ledger's")
	}
	bad.Where, bad.By = nil, "district"
	if _, err := b.Table("exceptions", bad); choices(err) != "budget execution progress monthly payments transit ageing lots series report" {
		t.Error("exceptions were divided")
	}
	if err := b.Known(projections.Query{Year: 2030, By: "district"}); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("error %v", err)
	}
}

// TestRoundingOfAGroup: the note says of which group it is.
func TestRoundingOfAGroup(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	for _, line := range []string{"1", "2"} {
		l.pay(2022, line, "50.00", "2022-04-01", `,"dims":{"district":"a"}`, "!over-budget") // 0.005 of ten thousand: each is printed as 0.01
		l.events[len(l.events)-1].Postings[0].Dims = events.Dims{{Key: "district", Value: "a"}}
	}
	q := year(2022)
	q.By = "district"
	got := printed(t, l.book(), "execution", q, "text", sheet.Options{Unit: sheet.Wan})
	if !strings.Contains(got, "spent of a 0: 0.01") || !strings.Contains(got, "0.02") {
		t.Errorf("no note on a:\n%s", got)
	}
}
