package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// fill puts the payments of a reading into a table, with an index that answers questions by both clocks without looking at the table.
func (p *postgres) fill(ctx context.Context, r *reading) error {
	for _, do := range []string{
		"drop table if exists payments",
		"create table payments (line smallint not null, day smallint not null, seq int not null, amount bigint not null)",
	} {
		if _, err := p.admin.Exec(ctx, do); err != nil {
			return err
		}
	}
	n := 0
	if _, err := p.admin.CopyFrom(ctx, pgx.Identifier{"payments"}, []string{"line", "day", "seq", "amount"}, pgx.CopyFromFunc(func() ([]any, error) {
		if n == r.Payments {
			return nil, nil
		}
		row := []any{int16(r.line(n)), int16(r.day(n) - firstDay), int32(r.seq(n)), amountOf(n)}
		n++
		return row, nil
	})); err != nil {
		return err
	}
	for _, do := range []string{
		"create index payments_covering on payments (line, day, seq) include (amount)",
		"vacuum analyze payments", // without which the index alone answers nothing
	} {
		if _, err := p.admin.Exec(ctx, do); err != nil {
			return err
		}
	}
	return nil
}

// sums asks what was spent on each line by both clocks.
const sums = "select line, sum(amount)::bigint from payments where day <= $1 and seq <= $2 group by line"

// asks measures questions one after another, prepared, on one connection.
func (p *postgres) asks(ctx context.Context, r *reading, rng *rand.Rand) (s sample, err error) {
	ask := func(at pair) (map[int]int64, error) {
		rows, err := p.admin.Query(ctx, sums, int16(at.day-firstDay), int32(at.known))
		if err != nil {
			return nil, err
		}
		got := make(map[int]int64, r.lines)
		var line int
		var sum int64
		_, err = pgx.ForEachRow(rows, []any{&line, &sum}, func() error { got[line] = sum; return nil })
		return got, err
	}
	begin := time.Now()
	for at := begin; at.Sub(begin) < r.Time; {
		if _, err := ask(r.pair(rng)); err != nil {
			return s, err
		}
		now := time.Now()
		s.latencies = append(s.latencies, now.Sub(at))
		at = now
	}
	s.events, s.elapsed = len(s.latencies), time.Since(begin)
	for range checks {
		at, line := r.pair(rng), rng.IntN(r.lines)
		got, err := ask(at)
		if err != nil {
			return s, err
		}
		if want := int64(r.spent(line, at.known, at.day)); got[line] != want {
			return s, fmt.Errorf("verifying: PostgreSQL has %d spent on line %d, want %d", got[line], line, want)
		}
	}
	return s, nil
}
