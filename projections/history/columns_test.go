package history

import (
	"math"
	"math/rand/v2"
	"testing"

	"fundledger/events"
)

// slow is what postings of one cell come to, looked at one by one.
func slow(c *cell, last events.Seq, day events.Day) (sum events.Minor, any bool) {
	for i := range c.seqs.n {
		if events.Seq(c.seqs.at(i)) <= last && events.Day(c.days.at(i)) <= day {
			sum, any = sum+events.Minor(c.amounts.at(i)), true
		}
	}
	return sum, any
}

// TestCellSums: whatever the order of its days, a cell comes to the same as its postings do one by one, at any number and day.
func TestCellSums(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	marked := 0
	for history := range 400 {
		c := &cell{}
		seq := events.Seq(0)
		rows, late, span := rng.IntN(6000), rng.IntN(100), 1+rng.IntN(800)
		if history%4 == 0 {
			rows = rng.IntN(30)
		}
		for i := range rows {
			if i == 0 || rng.IntN(4) > 0 { // several postings of one event are not parted
				seq += 1 + events.Seq(rng.IntN(3))
			}
			day := 19000 + i*span/rows
			if rng.IntN(100) < late {
				day -= rng.IntN(span)
			}
			c.add(seq, events.Day(day), events.Minor(rng.Int64N(1e9)-3e8))
		}
		marked += len(c.marks)
		for range 25 {
			last, day := events.Seq(rng.Uint64N(uint64(seq)+3)), events.Day(18990-span+rng.IntN(2*span+20))
			if rng.IntN(10) == 0 {
				day = endless
			}
			want, there := slow(c, last, day)
			got, any, err := c.sum(last, day)
			if got != want || any != there || err != nil {
				t.Fatalf("history %d of %d rows, at event %d and day %d: %d %v %v, want %d %v", history, rows, last, day, got, any, err, want, there)
			}
		}
	}
	if marked < 500 {
		t.Errorf("only %d marks were made", marked)
	}
}

// TestCellOverflow: a part of a cell may fit where the whole does not, and what does not fit is an error and never a wrong sum.
func TestCellOverflow(t *testing.T) {
	t.Parallel()
	c := &cell{}
	const big = math.MaxInt64 / 700
	for i := range 1500 {
		c.add(events.Seq(i+1), events.Day(100-i%3), big)
	}
	if sum, _, err := c.sum(700, endless); err != nil || sum != 700*big {
		t.Errorf("700 of them: %d, %v", sum, err)
	}
	if sum, _, err := c.sum(1500, 98); err != nil || sum != 500*big {
		t.Errorf("those of one day: %d, %v", sum, err)
	}
	if _, _, err := c.sum(701, endless); events.CodeOf(err) != events.Overflow {
		t.Errorf("one too many: %v", err)
	}
	for range 1500 {
		c.add(1501, 1, -big)
	}
	if _, _, err := c.sum(1501, endless); events.CodeOf(err) != events.Overflow {
		t.Errorf("a sum that left int64 on the way: %v", err)
	}
	if sum, _, err := c.sum(700, endless); err != nil || sum != 700*big {
		t.Errorf("700 of them again: %d, %v", sum, err)
	}
}

// TestClock: recorded times come back, near ones and far ones.
func TestClock(t *testing.T) {
	t.Parallel()
	var c clock
	var want []int64
	at := int64(1_700_000_000_000_000)
	for i := range 3*chunk + 5 {
		step := int64(1)
		if i == chunk+7 || i == 2*chunk { // within a chunk, and between two
			step = 5_000_000_000
		}
		at += step
		want = append(want, at)
		c.add(at)
	}
	for i, w := range want {
		if c.at(i) != w {
			t.Fatalf("time %d is %d, want %d", i, c.at(i), w)
		}
	}
	if c.chunks[1].wide == nil || c.chunks[0].wide != nil || c.chunks[2].wide != nil {
		t.Error("a chunk is kept in the other width")
	}
}
