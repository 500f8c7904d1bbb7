package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
)

// many is how many events the benchmarks fold; EVENTS says another number.
func many(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("EVENTS"))
	if err != nil {
		n = 200_000
	}
	b.Helper()
	return n
}

// busy is a history of a year with so many lines: a budget on each, and payments of which every tenth comes late.
func busy(b *testing.B, n, lines int) *History {
	h := New(func(context.Context, events.Seq) ([]byte, error) { panic("no line is read") })
	rng := rand.New(rand.NewPCG(3, 4))
	var tree proof.Tree
	apply := func(e *events.Event) {
		if err := h.ApplyStored(e, tree.Grow(proof.Hash{byte(e.Seq), byte(e.Seq >> 8)})); err != nil {
			b.Fatal(err)
		}
	}
	from, _ := events.ParseDay("2022-01-01")
	to, _ := events.ParseDay("2022-12-31")
	c := events.NoCommand()
	c.Seldom = &events.Seldom{Name: "bench"}
	c.Kind, c.Fund, c.Year = events.FundOpened, "bench", 2022
	for i := range lines {
		c.Lines = append(c.Lines, events.LineSpec{Code: events.Line(fmt.Sprint("1.", i+1)), Parent: "1", Name: "line"})
	}
	c.Lines = append(c.Lines, events.LineSpec{Code: "1", Parent: events.Root, Name: "group"})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := &events.Event{Seq: 1, Time: at, Command: c, Decimals: 2}
	e.Resolved = events.Resolved{Currency: "CNY", Decimals: 2, Zone: "Asia/Shanghai", From: from, To: to}
	apply(e)
	payees := make([]events.Payee, 5000)
	for i := range payees {
		payees[i] = events.Payee{Name: fmt.Sprint("payee ", i), ID: fmt.Sprint(i)}
	}
	dates := make([]events.Date, to-from+1)
	for i := range dates {
		dates[i], _ = events.ParseDate((from + events.Day(i)).String())
	}
	for i := 2; i <= n; i++ {
		at = at.Add(300 * time.Microsecond)
		line := events.Line(fmt.Sprint("1.", 1+rng.IntN(lines)))
		c := &events.Command{Kind: events.Disbursed, Fund: "bench", Year: 2022, Line: line, Channel: events.Payment, Basis: events.ByVoucher, Method: events.Direct, Seldom: c.Seldom}
		measure := events.DisbursedM
		if i <= lines+1 {
			c.Kind, measure = events.Appropriated, events.Original
		} else {
			c.Payee = payees[rng.IntN(len(payees))]
		}
		day := i * (len(dates) - 1) / n
		if rng.IntN(10) == 0 {
			day -= rng.IntN(day + 1)
		}
		date := dates[day]
		apply(&events.Event{Seq: events.Seq(i), Time: at, Command: c, Decimals: 2, Postings: []events.Posting{{
			Year: 2022, Line: line, Measure: measure, Amount: events.Minor(rng.IntN(1e6)), Date: date, Counts: date.Last(), Channel: c.Channel, Basis: c.Basis,
		}}})
	}
	return h
}

// BenchmarkAsOf asks for the execution table of random pairs of both clocks; EVENTS=10000000 is what a large fund has.
func BenchmarkAsOf(b *testing.B) {
	for _, lines := range []int{20, 2000} {
		b.Run(fmt.Sprint(lines, "-lines"), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			n := many(b)
			h := busy(b, n, lines)
			runtime.GC()
			runtime.ReadMemStats(&after)
			rng := rand.New(rand.NewPCG(5, 6))
			from, _ := events.ParseDay("2022-01-01")
			var took []time.Duration
			for b.Loop() {
				day := from + events.Day(rng.IntN(365))
				begun := time.Now()
				s, err := h.At(events.Seq(2+rng.IntN(n-1))).Execution(Query{Year: 2022, AsOf: &day}, Open{})
				if err != nil {
					b.Fatal(err)
				}
				for range s.Tables[0].Rows {
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/event")
			runtime.KeepAlive(h)
		})
	}
}
