package projections_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// TestEffect: of what changed, each line and lot as it was and as it is; nothing of the rest.
func TestEffect(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	l.budget(2022, "1", "100.00")
	l.budget(2022, "2", "50.00")
	l.add(2022, "committed", `"date":"2022-02-01","line":"1","amount":"20.00"`, "committed 1 20.00 2022-02-01") // 4
	l.pay(2022, "1", "30.00", "2022-03-01")                                                                     // 5
	l.open(2023, "1 甲")
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"2","amount":"40.00","lot":"结转","purpose":"续建","to_year":2023,"to_line":"1"`, // 7
		"carried_out 2 40.00 2022-12-31", "carried_in 1 40.00 2022-12-31 year=2023 lot=结转", "expires=2023-12-31")
	for since, want := range map[int]string{
		4: "2022 1 before 100.00 0.00 20.00 80.00 0.00\n2022 1 after 100.00 30.00 20.00 50.00 30.00\n" +
			"2022 2 before 50.00 0.00 0.00 50.00 0.00\n2022 2 after 50.00 0.00 0.00 10.00 0.00\n" +
			// 2023 was not open: nothing was before.
			"2023 1 after 40.00 0.00 0.00 40.00 0.00\n2023 1/结转 after 40.00 0.00 0.00 40.00 0.00\n",
		6: "2022 2 before 50.00 0.00 0.00 50.00 0.00\n2022 2 after 50.00 0.00 0.00 10.00 0.00\n" +
			"2023 1 before 0.00 0.00 0.00 0.00 <nil>\n2023 1 after 40.00 0.00 0.00 40.00 0.00\n2023 1/结转 after 40.00 0.00 0.00 40.00 0.00\n",
		7: "",
	} {
		s, err := l.book().Effect(events.Seq(since))
		if err != nil {
			t.Fatal(err)
		}
		var got, out strings.Builder
		if err := sheet.Write(&out, "json", s, sheet.Options{Unit: sheet.Yuan}); err != nil {
			t.Fatal(err)
		}
		var read struct{ Rows []map[string]any }
		if err := json.Unmarshal([]byte(out.String()), &read); err != nil {
			t.Fatal(err)
		}
		for _, r := range read.Rows {
			fmt.Fprint(&got, r["year"], " ", r["line"])
			if r["lot"] != nil {
				fmt.Fprint(&got, "/", r["lot"])
			}
			for _, name := range []string{"when", "adjusted", "spent", "committed", "available", "rate"} {
				fmt.Fprint(&got, " ", r[name])
			}
			got.WriteString("\n")
		}
		if got.String() != want {
			t.Errorf("since %d it is\n%swant\n%s", since, &got, want)
		}
		for _, format := range sheet.Formats {
			if err := sheet.Write(&out, format, s, sheet.Options{Lang: "zh", Unit: sheet.Yuan}); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
	}
}

// TestForeseenIsWhatComes: what the next events would do to the lines and lots is what they have done once they are in the book, to the byte, and asking for it leaves the
// book as it was. Years that are opened and lots that are brought on the way are no exception.
func TestForeseenIsWhatComes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawn(rt)
		all := l.book()
		from := rapid.IntRange(0, len(l.events)-1).Draw(rt, "from")
		to := rapid.IntRange(from+1, len(l.events)).Draw(rt, "to")
		then := all.At(events.Seq(to))
		before := all.At(events.Seq(from))
		if from == 0 {
			before = projections.NewBook()
		}
		var next []events.Event
		for _, e := range l.events[from:to] {
			next = append(next, *e)
		}
		says := func(s *sheet.Sheet, err error) string {
			if err != nil {
				rt.Fatal(err)
			}
			return encoded(rt, s, "json", sheet.Options{})
		}
		want := says(then.Effect(events.Seq(from)))
		for range 2 {
			if got := says(before.Foresee(next)); got != want {
				rt.Fatalf("foreseen after event %d\n%s\nit became\n%s", from, got, want)
			}
		}
	})
}
