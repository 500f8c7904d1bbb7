package history

import (
	"slices"
	"testing"

	"fundledger/events"

	"pgregory.net/rapid"
)

// TestSpread holds what a cell tells of periods against its postings looked at one by one: beyond its marks and before them, as known at any number, up to any day.
func TestSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 3*markRows).Draw(t, "postings")
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int64 {
			return [2]int64{rapid.Int64Range(0, 40).Draw(t, "day"), rapid.Int64Range(-1000, 1000).Draw(t, "amount")}
		}), n, n).Draw(t, "rows")
		var c cell
		for i, r := range rows {
			c.add(events.Seq(2*i+1), events.Day(r[0]), events.Minor(r[1]))
		}
		last := events.Seq(rapid.IntRange(0, 2*n+1).Draw(t, "last"))
		day := events.Day(rapid.IntRange(-1, 41).Draw(t, "until"))
		ends := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) events.Day { return events.Day(rapid.IntRange(-1, 41).Draw(t, "end")) }), 1, 8, rapid.ID).Draw(t, "ends")
		slices.Sort(ends)
		got, want := make([]events.Minor, len(ends)+1), make([]events.Minor, len(ends)+1)
		if err := c.spread(last, day, ends, func(at int, amount events.Minor) error { got[at] += amount; return nil }); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if events.Seq(2*i+1) > last || events.Day(r[0]) > day {
				continue
			}
			at := 0
			for at < len(ends) && events.Day(r[0]) > ends[at] {
				at++
			}
			want[at] += events.Minor(r[1])
		}
		if !slices.Equal(got, want) {
			t.Fatalf("periods that end on %v have %v, want %v", ends, got, want)
		}
	})
}
