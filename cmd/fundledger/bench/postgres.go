package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A postgres does in PostgreSQL what a careful programmer would do there. A payment is new (its id is in the unique index), its line has the money
// (the balance must not fall below zero), the event is stored and the balance moved, in one transaction that is on disk when it is answered.
//
// It is spared what ours does besides: it reads no JSON, keeps no voucher from being paid twice, chains and checks nothing.
type postgres struct {
	config  *pgx.ConnConfig
	admin   *pgx.Conn // makes the tables of each row
	schema  string
	version string
	loose   [][2]string
}

// openPostgres makes a schema of its own on a server.
func openPostgres(ctx context.Context, url string) (_ *postgres, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("PostgreSQL: %w", err) // pgx keeps passwords out of its errors
		}
	}()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	p := &postgres{config: config, schema: "fundledger_bench_" + strings.ToLower(rand.Text()[:12])}
	config.RuntimeParams["search_path"] = p.schema
	config.RuntimeParams["synchronous_commit"] = "on"
	if p.admin, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	err = p.admin.QueryRow(ctx, "show server_version").Scan(&p.version)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err == nil {
			err = p.admin.QueryRow(ctx, "show "+setting).Scan(&value)
		}
		if value == "off" || value == "local" && setting != "synchronous_commit" {
			p.loose = append(p.loose, [2]string{setting, value})
		}
	}
	if err == nil {
		_, err = p.admin.Exec(ctx, "create schema "+p.schema)
	}
	if err != nil {
		_ = p.admin.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return p, nil
}

// dropPatience is how long dropping the schema may take, also after an interruption.
const dropPatience = 30 * time.Second

// close drops the schema with everything in it. A connection that was interrupted is closed by then, so there is a new one.
func (p *postgres) close() {
	ctx, cancel := context.WithTimeout(context.Background(), dropPatience)
	defer cancel()
	_ = p.admin.Close(ctx)
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return
	}
	_, _ = conn.Exec(ctx, "drop schema if exists "+p.schema+" cascade")
	_ = conn.Close(ctx)
}

// fresh makes new tables. An event is as short as it can be and has one index; the table of balances has room for the new versions of its rows.
func (p *postgres) fresh(ctx context.Context) error {
	_, err := p.admin.Exec(ctx, `
		drop table if exists events, balances;
		create table events (seq bigint generated always as identity, line smallint not null, amount bigint not null, id text collate "C" primary key, event bytea not null);
		alter table events alter column event set storage external;
		create table balances (line smallint primary key, free bigint not null check (free >= 0)) with (fillfactor = 10);
		insert into balances select n, `+fmt.Sprint(int64(budget))+` from generate_series(0, `+fmt.Sprint(lines-1)+`) n;
		analyze balances`)
	return err
}

// settle leaves the server nothing to do later, as far as the user may.
func (p *postgres) settle(ctx context.Context) {
	_, _ = p.admin.Exec(ctx, "drop table if exists events, balances")
	_, _ = p.admin.Exec(ctx, "checkpoint")
}

// verify reads everything back.
func (p *postgres) verify(ctx context.Context, n int) error {
	found := count{seen: make([]bool, n)}
	rows, err := p.admin.Query(ctx, "select id, line, amount from events")
	if err != nil {
		return err
	}
	var id string
	var line int
	var amount int64
	if _, err = pgx.ForEachRow(rows, []any{&id, &line, &amount}, func() error { return found.add(id, line, amount) }); err != nil {
		return err
	}
	var left [lines]int64
	if rows, err = p.admin.Query(ctx, "select line, free from balances"); err != nil {
		return err
	}
	if _, err = pgx.ForEachRow(rows, []any{&line, &amount}, func() error { left[line] = amount; return nil }); err != nil {
		return err
	}
	return found.check(left)
}

// A pgPayment is one command for PostgreSQL, and its answer.
type pgPayment struct {
	id     string
	line   int16
	amount int64
	event  []byte

	seq       int64 // of the event, or of the first of this id
	duplicate bool
	refused   bool // the line has not so much
}

func (w *workload) pgPayment(n int) *pgPayment {
	return &pgPayment{id: id(n), line: int16(lineOf(n)), amount: amountOf(n), event: w.stored(n)}
}

// stored returns an error where a payment is not stored now.
func (p *pgPayment) stored() error {
	if p.refused || p.duplicate {
		return fmt.Errorf("%s: refused %v, duplicate %v", p.id, p.refused, p.duplicate)
	}
	return nil
}

// one decides a payment by one statement. Where the line has not enough, the check on the balance undoes all of it.
const one = `
with stored as (insert into events (line, amount, id, event) values ($1, $2, $3, $4) on conflict (id) do nothing returning seq, line, amount),
moved as (update balances b set free = b.free - s.amount from stored s where b.line = s.line)
select seq from stored`

// batch decides many by one statement: the new ones are stored, and the balance of each line moves by their sum. It answers with how many were new
// and the number of the first; they are numbered in their order, since one connection
// alone writes at a time. block is the same for those in the table staging.
const (
	batch = decideFrom + "unnest($1::smallint[], $2::bigint[], $3::text[], $4::bytea[])" + andMove
	block = decideFrom + "staging" + andMove

	decideFrom = "with stored as (insert into events (line, amount, id, event) select * from "
	andMove    = ` on conflict (id) do nothing returning seq, line, amount),
moved as (
	update balances b set free = b.free - s.amount from (select line, sum(amount)::bigint as amount from stored group by line) s where b.line = s.line)
select count(*), coalesce(min(seq), 0) from stored`
)

func overdrawn(err error) bool {
	const checkViolation = "23514"
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == checkViolation
}

// decideOne decides a payment in a transaction of its own.
func decideOne(ctx context.Context, conn *pgx.Conn, p *pgPayment) error {
	switch err := conn.QueryRow(ctx, one, p.line, p.amount, p.id, p.event).Scan(&p.seq); {
	case overdrawn(err):
		p.refused = true
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		p.duplicate = true
		return conn.QueryRow(ctx, "select seq from events where id = $1", p.id).Scan(&p.seq)
	default:
		return err
	}
}

// decideBatch decides payments in their order. The usual batch, in which every line has enough for all of it, takes one statement; where one has
// not, nothing was stored and each is decided alone.
func decideBatch(ctx context.Context, conn *pgx.Conn, all []*pgPayment) error {
	lines, amounts := make([]int16, len(all)), make([]int64, len(all))
	ids, events := make([]string, len(all)), make([][]byte, len(all))
	for i, p := range all {
		lines[i], amounts[i], ids[i], events[i] = p.line, p.amount, p.id, p.event
	}
	var count int
	var first int64
	switch err := conn.QueryRow(ctx, batch, lines, amounts, ids, events).Scan(&count, &first); {
	case overdrawn(err):
		return decideEach(ctx, conn, all)
	case err != nil:
		return err
	}
	return number(ctx, conn, all, count, first)
}

// decideEach decides payments one after another.
func decideEach(ctx context.Context, conn *pgx.Conn, all []*pgPayment) error {
	for _, p := range all {
		if err := decideOne(ctx, conn, p); err != nil {
			return err
		}
	}
	return nil
}

// number answers payments of which count were new, the first of them under the number first: all of them one after another, or else as they are found.
func number(ctx context.Context, conn *pgx.Conn, all []*pgPayment, count int, first int64) error {
	if count == len(all) {
		for i, p := range all {
			p.seq = first + int64(i)
		}
		return nil
	}
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.id
	}
	rows, err := conn.Query(ctx, "select id, seq from events where id = any($1)", ids)
	if err != nil {
		return err
	}
	seqs := map[string]int64{}
	var id string
	var seq int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &seq}, func() error { seqs[id] = seq; return nil }); err != nil {
		return err
	}
	answered := map[string]bool{}
	for _, p := range all {
		p.seq = seqs[p.id]
		p.duplicate = p.seq < first || first == 0 || answered[p.id]
		answered[p.id] = true
	}
	return nil
}

// maxBatch is how many commands one batch takes.
const maxBatch = 1000

// postgresBatches measures n callers whose commands queue up while a batch is under way; then all that wait are the next one.
func (r *run) postgresBatches(n int) measure {
	return func(ctx context.Context, _ string) (s sample, err error) {
		p := r.postgres
		if err := p.fresh(ctx); err != nil {
			return s, err
		}
		conn, err := pgx.ConnectConfig(ctx, p.config)
		if err != nil {
			return s, err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		type asked struct {
			*pgPayment
			done chan error
		}
		queue := make(chan asked, n)
		go func() {
			for first := range queue {
				waiting := []asked{first}
				for yielded := false; len(waiting) < maxBatch; {
					select {
					case a, ok := <-queue:
						if ok {
							waiting = append(waiting, a)
							yielded = false
							continue
						}
					default:
					}
					if yielded {
						break
					}
					// Those who have just been answered are about to ask again; without them batches would be small and large by turns.
					yielded = true
					runtime.Gosched()
				}
				all := make([]*pgPayment, len(waiting))
				for i, a := range waiting {
					all[i] = a.pgPayment
				}
				err := decideBatch(ctx, conn, all)
				for _, a := range waiting {
					a.done <- err
				}
			}
		}()
		done := make([]chan error, n)
		for i := range done {
			done[i] = make(chan error, 1)
		}
		s, err = callers(ctx, n, 1, r.Time, func(_ context.Context, caller, first int) error {
			a := asked{r.work.pgPayment(first), done[caller]}
			queue <- a
			if err := <-a.done; err != nil {
				return err
			}
			return a.stored()
		})
		close(queue) // nobody asks any more
		if err != nil {
			return s, err
		}
		return s, p.verify(ctx, s.events)
	}
}

// postgresStatements measures n connections, on each one statement after another.
func (r *run) postgresStatements(n int) measure {
	return func(ctx context.Context, _ string) (s sample, err error) {
		p := r.postgres
		if err := p.fresh(ctx); err != nil {
			return s, err
		}
		conns := make([]*pgx.Conn, n)
		for i := range conns {
			if conns[i], err = pgx.ConnectConfig(ctx, p.config); err != nil {
				return s, err
			}
			defer func() { _ = conns[i].Close(context.WithoutCancel(ctx)) }()
			if _, err = conns[i].Prepare(ctx, one, one); err != nil {
				return s, err
			}
		}
		s, err = callers(ctx, n, 1, r.Time, func(ctx context.Context, caller, first int) error {
			payment := r.work.pgPayment(first)
			if err := decideOne(ctx, conns[caller], payment); err != nil {
				return err
			}
			return payment.stored()
		})
		if err != nil {
			return s, err
		}
		return s, p.verify(ctx, s.events)
	}
}

// bulkBlock is how many payments a block of the bulk row has. Blocks of half and of twice as many were not faster.
const bulkBlock = 10_000

// postgresBulk measures the payments of the file in blocks, in their order, on two connections by turns: while one has its block decided, the other
// copies the next into a table that is not logged. One connection was slower, and so were arrays in place of the copy.
func (r *run) postgresBulk(ctx context.Context, _ string) (s sample, err error) {
	p := r.postgres
	if err := p.fresh(ctx); err != nil {
		return s, err
	}
	var conns [2]*pgx.Conn
	var turns [2]chan struct{}
	for k := range conns {
		if conns[k], err = pgx.ConnectConfig(ctx, p.config); err != nil {
			return s, err
		}
		defer func() { _ = conns[k].Close(context.WithoutCancel(ctx)) }()
		if _, err = conns[k].Exec(ctx, staging); err != nil {
			return s, err
		}
		turns[k] = make(chan struct{}, 1)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	turns[0] <- struct{}{}
	var wait sync.WaitGroup
	for k := range conns {
		wait.Go(func() {
			pass := func() { turns[1-k] <- struct{}{} }
			for from := k * bulkBlock; from < r.Payments && ctx.Err() == nil; from += 2 * bulkBlock {
				all := make([]*pgPayment, 0, bulkBlock)
				for n := from; n < min(r.Payments, from+bulkBlock); n++ {
					all = append(all, r.work.pgPayment(n))
				}
				err := decideBlock(ctx, conns[k], all, turns[k], pass)
				for i := 0; i < len(all) && err == nil; i++ {
					err = all[i].stored()
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	s.events, s.elapsed = r.Payments, time.Since(begin)
	return s, p.verify(ctx, s.events)
}

// staging is where a connection puts a block; it is empty again after each.
const staging = `create temp table staging (line smallint, amount bigint, id text collate "C", event bytea) on commit delete rows`

// decideBlock is decideBatch for a block that is copied to the server first. It is decided at its turn, which it passes on once the next block can only
// come after it: the two change the same balances, so the next one waits for this one to be on disk.
func decideBlock(ctx context.Context, conn *pgx.Conn, all []*pgPayment, turn <-chan struct{}, pass func()) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing after a commit
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"staging"}, []string{"line", "amount", "id", "event"}, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		return []any{all[i].line, all[i].amount, all[i].id, all[i].event}, nil
	}))
	if err != nil {
		return err
	}
	select {
	case <-turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	var count int
	var first int64
	err = tx.QueryRow(ctx, block).Scan(&count, &first)
	if overdrawn(err) {
		defer pass()
		return errors.Join(tx.Rollback(ctx), decideEach(ctx, conn, all))
	}
	if err != nil {
		return err
	}
	pass()
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return number(ctx, conn, all, count, first)
}
