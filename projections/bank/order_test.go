package bank_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestLinesInAnyOrder: a statement whose balances are right closes in whatever order its lines came, and one that lacks a line does not.
func TestLinesInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at, opening := 100, 100
		type line struct{ day, amount, balance int }
		lines := []line{{1, 100_000, 100_100}} // which says where the statement begins: no balance after it is the one before
		at += 100_000
		lacking := rapid.Bool().Draw(t, "lacking")
		for n := range rapid.IntRange(3, 14).Draw(t, "lines") {
			last := lines[len(lines)-1].day
			amount := rapid.SampledFrom([]int{-5, 5, -3, 3, -8, 11}).Draw(t, "amount") // so that balances come again
			if lacking {                                                               // … and here none does, or what is left could be a statement of its own
				amount = 1 << n
			}
			at += amount
			lines = append(lines, line{rapid.IntRange(max(last, 2), min(last+2, 28)).Draw(t, "day"), amount, at})
		}
		lines[1].day = max(lines[1].day, 2)
		gone := 0 // none
		if lacking {
			gone = rapid.IntRange(1, len(lines)-2).Draw(t, "gone")
		}
		f := folded(t)
		for n, i := range rapid.Permutation(numbersTo(len(lines))).Draw(t, "order") {
			l := lines[i]
			if gone > 0 && i == gone {
				continue
			}
			direction := "in"
			if l.amount < 0 {
				direction = "out"
			}
			f.add(fmt.Appendf(nil, `{"kind":"bank-line","fund":"f","year":2022,"id":"l%d","account":"1","direction":%q,"amount":"%d.00","date":"2022-04-%02d","balance":"%d.00"}`,
				n, direction, max(l.amount, -l.amount), l.day, l.balance))
		}
		b := f.reconciled("2022-04-01", "2022-04-30").Balance
		if b.Closes() != (gone == 0) || gone == 0 && (int(b.Opening) != opening*100 || int(b.Closing) != at*100) {
			t.Fatalf("closes %v, from %d to %d; the line that is gone is %d of %v", b.Closes(), b.Opening, b.Closing, gone, lines)
		}
	})
}

func numbersTo(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}
