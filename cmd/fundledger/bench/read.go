package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/nats-io/nats.go/jetstream"
)

// The rows of [Replay] and [AsOf], in the order in which they are reported.
const (
	RawConsumer  = "raw-consumer"
	Rebuild      = "rebuild"
	OpenSnapshot = "open-snapshot"
	asOf         = "as-of-"
	fewLines     = 20
	manyLines    = 2000
)

// ReplayRows and AsOfRows are the names of what [Replay] and [AsOf] measure. A year's table is asked for as of a random day, as known at a random event; cold is the
// first such question after the snapshot was read.
var (
	ReplayRows = []string{RawConsumer, Rebuild, OpenSnapshot}
	AsOfRows   = []string{
		"as-of-20-lines", "as-of-20-lines-cold", "postgres-as-of-20-lines", "as-of-2000-lines", "as-of-2000-lines-cold", "postgres-as-of-2000-lines",
	}
)

// A reading is a folder with one fund of so many lines, to be read.
type reading struct {
	*run
	lines  int
	folder string
	leaves *os.File // as serve keeps them beside a log
}

// The payments of a reading: every tenth comes late, by up to a year; the others in the order of their days.
func (r *reading) line(n int) int { return int(mix(uint64(n)) % uint64(r.lines)) }

func (r *reading) day(n int) events.Day {
	in := n * 364 / r.Payments
	if late := mix(uint64(n) + 1<<40); late%10 == 0 {
		in -= int(late / 10 % uint64(in+1))
	}
	return firstDay + events.Day(in)
}

var firstDay, _ = events.ParseDay("2022-01-01")

// mix scatters numbers.
func mix(x uint64) uint64 {
	x = (x + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func lineCode(n int) string { return string(appendPadded(nil, n+1, 4)) }

// openedWith is how many lines the year is opened with, since a command is only so long. The others are added.
const openedWith = 500

// begun is how many events come before the payments: the opening, a line or a budget each.
func (r *reading) begun() int { return 1 + max(0, r.lines-openedWith) + r.lines }

// seq is the number of the event of a payment.
func (r *reading) seq(n int) events.Seq { return events.Seq(n + 1 + r.begun()) }

// newReading makes the folder, by the way that the command append takes.
func (r *run) newReading(ctx context.Context, lines int) (*reading, error) {
	d := &reading{run: r, lines: lines, folder: filepath.Join(r.temp, "read-"+strconv.Itoa(lines))}
	file := d.folder + ".jsonl"
	if err := d.write(file); err != nil {
		return nil, err
	}
	if err := r.Options.Append(ctx, d.folder, file); err != nil {
		return nil, err
	}
	return d, os.Remove(file)
}

func (r *reading) write(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(out, `{"kind":"fund-opened","fund":%q,"year":2022,"name":"Bench","lines":[`, fund)
	for i := range min(r.lines, openedWith) {
		fmt.Fprintf(out, `%s{"code":%q,"name":"line %d"}`, map[bool]string{true: ","}[i > 0], lineCode(i), i+1)
	}
	fmt.Fprintln(out, "]}")
	for i := openedWith; i < r.lines; i++ {
		fmt.Fprintf(out, `{"kind":"line-added","fund":%q,"year":2022,"line":%q,"name":"line %d"}`+"\n", fund, lineCode(i), i+1)
	}
	for i := range r.lines {
		fmt.Fprintf(out, `{"kind":"appropriated","fund":%q,"year":2022,"date":"2022","line":%q,"amount":"%d","stage":"original"}`+"\n", fund, lineCode(i), budget/100)
	}
	var b []byte
	for n := range r.Payments {
		b = append(b[:0], `{"id":"`+idPrefix...)
		b = appendPadded(b, n, digits)
		b = append(b, `","kind":"disbursed","fund":"`+string(fund)+`","year":2022,"date":"`...)
		b = append(b, r.day(n).String()...)
		b = append(b, `","line":"`...)
		b = append(b, lineCode(r.line(n))...)
		b = append(b, `","amount":"`...)
		b = appendYuan(b, amountOf(n))
		b = append(b, `","channel":"payment","payee":{"name":"`...)
		b = appendPadded(append(b, "武陵酒业"...), n%5000, 4)
		b = append(b, `"},"voucher":{"issuer":"财政局","year":2022,"type":"拨款","number":"`...)
		b = appendPadded(b, n, digits)
		b = append(b, `"}`...)
		if r.work.note != "" {
			b = append(b, `,"note":"`+r.work.note+`"`...)
		}
		b = append(b, '}', '\n')
		_, _ = out.Write(b) // Flush returns the first error
	}
	return errors.Join(out.Flush(), f.Sync(), f.Close())
}

// spent is what the payments of a line come to by both clocks, looked at one by one.
func (r *reading) spent(line int, known events.Seq, day events.Day) (sum events.Minor) {
	for n := 0; n < r.Payments && r.seq(n) <= known; n++ {
		if r.line(n) == line && r.day(n) <= day {
			sum += events.Minor(amountOf(n))
		}
	}
	return sum
}

// consume reads the log as barely as can be: an ordered consumer in the server's own process that hashes every event.
func (r *reading) consume(ctx context.Context, o *opened) (sample, error) {
	js, err := jetstream.New(o.nc)
	if err != nil {
		return sample{}, err
	}
	st, err := js.Stream(ctx, stream.Name(fund))
	if err != nil {
		return sample{}, err
	}
	last := st.CachedInfo().State.LastSeq
	begin := time.Now()
	c, err := st.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return sample{}, err
	}
	msgs, err := c.Messages(jetstream.PullMaxBytes(16 << 20))
	if err != nil {
		return sample{}, err
	}
	defer msgs.Stop()
	n, all := 0, sha256.Sum256(nil)
	for {
		msg, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			return sample{}, err
		}
		lines, ok := events.Lines(msg.Data())
		if !ok {
			return sample{}, errors.New("verifying: a block is none")
		}
		for _, line := range lines {
			all = sha256.Sum256(line)
			n++
		}
		meta, err := msg.Metadata()
		if err != nil {
			return sample{}, err
		}
		if meta.Sequence.Stream == last {
			break
		}
	}
	runtime.KeepAlive(all)
	s := sample{events: n, elapsed: time.Since(begin)}
	if want := r.Payments + r.begun(); n != want {
		return s, fmt.Errorf("verifying: the consumer met %d events, want %d", n, want)
	}
	return s, nil
}

// snapshot is the name under which a book is kept.
const snapshot = "bench"

// rebuild folds the whole log into a book, checking it.
func (r *reading) rebuild(ctx context.Context, o *opened) (*projections.Book, *stream.Log, sample, error) {
	begin := time.Now()
	log := o.store.Log(fund)
	book := projections.NewBookOf(log.Line)
	book.LeavesIn(r.leaves)
	if err := projections.Read(ctx, book, log.Replay(ctx), log.Twig, nil); err != nil {
		return nil, nil, sample{}, err
	}
	return book, log, sample{events: int(book.Last()), elapsed: time.Since(begin)}, nil
}

// reopen reads the book that was kept and what came after it, which is nothing but has to be found out.
func (r *reading) reopen(ctx context.Context, o *opened) (book *projections.Book, s sample, err error) {
	begin := time.Now()
	log := o.store.Log(fund)
	if !log.RecallAs(ctx, snapshot, func(in io.Reader) (err error) {
		book, err = projections.LoadBook(in, snapshot, log.Line)
		return err
	}) {
		return nil, s, ErrNoSnapshot
	}
	book.LeavesIn(r.leaves)
	if err := projections.Read(ctx, book, log.Rest(ctx), log.Twig, nil); err != nil {
		return nil, s, err
	}
	s = sample{events: int(book.Last()), elapsed: time.Since(begin)}
	s.latencies = []time.Duration{s.elapsed}
	return book, s, nil
}

// A pair is a question: as known at an event, as of a day.
type pair struct {
	known events.Seq
	day   events.Day
}

func (r *reading) pair(rng *rand.Rand) pair {
	return pair{r.seq(rng.IntN(r.Payments)), firstDay + events.Day(rng.IntN(365))}
}

// ask has a table made, with the root that it prints.
func (r *reading) ask(book *projections.Book, p pair) (*sheet.Sheet, error) {
	b := book.At(p.known)
	root, err := b.Root()
	if err != nil {
		return nil, err
	}
	return b.Table("execution", projections.Query{Year: 2022, AsOf: &p.day, Root: root})
}

// checks is how many answers of a row are held against the payments looked at one by one.
const checks = 20

// asks measures questions one after another: all cells of a table are made.
func (r *reading) asks(ctx context.Context, book *projections.Book, rng *rand.Rand) (s sample, err error) {
	begin := time.Now()
	for at := begin; at.Sub(begin) < r.Time && ctx.Err() == nil; {
		table, err := r.ask(book, r.pair(rng))
		if err != nil {
			return s, err
		}
		for range table.Tables[0].Rows {
		}
		now := time.Now()
		s.latencies = append(s.latencies, now.Sub(at))
		at = now
	}
	s.events, s.elapsed = len(s.latencies), time.Since(begin)
	for range checks {
		if err := r.check(book, r.pair(rng), rng.IntN(r.lines)); err != nil {
			return s, err
		}
	}
	return s, ctx.Err()
}

// check holds what a table says of a line against the payments looked at one by one.
func (r *reading) check(book *projections.Book, p pair, line int) error {
	table, err := r.ask(book, p)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := sheet.Write(&text, "json", table, sheet.Options{}); err != nil {
		return err
	}
	var got struct {
		Rows []struct{ Line, Spent string }
	}
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		return err
	}
	for _, row := range got.Rows {
		if row.Line != lineCode(line) {
			continue
		}
		if want := r.spent(line, p.known, p.day).Format(2); row.Spent != want {
			return fmt.Errorf("verifying: line %s has spent %s as known at %d and as of %s, want %s", row.Line, row.Spent, p.known, p.day, want)
		}
		return nil
	}
	return fmt.Errorf("verifying: there is no line %s", lineCode(line))
}

// measure measures what there is to measure of one folder, all rows in each round.
func (r *reading) measure(ctx context.Context, names []string, samples map[string][]sample) (memory float64, err error) {
	o, err := open(ctx, r.folder, false)
	if err != nil {
		return 0, err
	}
	defer o.close()
	if r.leaves, err = os.Create(filepath.Join(r.folder, "leaves")); err != nil {
		return 0, err
	}
	defer r.leaves.Close()
	label := asOf + strconv.Itoa(r.lines) + "-lines"
	wanted := func(name string) bool { return slices.Contains(names, name) }
	take := func(name string, round int, m func() (sample, error)) error {
		if r.Progress != nil {
			r.Progress(round+1, name)
		}
		runtime.GC()
		s, err := m()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		slices.Sort(s.latencies)
		samples[name] = append(samples[name], s)
		return nil
	}
	rng := rand.New(rand.NewPCG(uint64(r.lines), 1))
	book, log, _, err := r.rebuild(ctx, o)
	if err != nil {
		return 0, err
	}
	if err := log.KeepAs(snapshot, func(w io.Writer) error { return book.Save(w, snapshot) }); err != nil {
		return 0, err
	}
	if wanted("postgres-" + label) {
		if err := r.postgres.fill(ctx, r); err != nil {
			return 0, err
		}
	}
	for round := range r.Rounds {
		for _, name := range names {
			switch name {
			case RawConsumer:
				err = take(name, round, func() (sample, error) { return r.consume(ctx, o) })
			case Rebuild:
				book = nil // there is memory for one
				err = take(name, round, func() (s sample, err error) {
					book, _, s, err = r.rebuild(ctx, o)
					return s, err
				})
			case OpenSnapshot:
				book = nil
				err = take(name, round, func() (s sample, err error) {
					book, s, err = r.reopen(ctx, o)
					return s, err
				})
			case label:
				err = take(name, round, func() (sample, error) { return r.asks(ctx, book, rng) })
			case label + "-cold":
				book = nil
				err = take(name, round, func() (s sample, err error) {
					if book, _, err = r.reopen(ctx, o); err != nil {
						return s, err
					}
					runtime.GC()
					begin := time.Now()
					table, err := r.ask(book, r.pair(rng))
					if err != nil {
						return s, err
					}
					for range table.Tables[0].Rows {
					}
					s.events, s.elapsed = 1, time.Since(begin)
					s.latencies = []time.Duration{s.elapsed}
					return s, nil
				})
			case "postgres-" + label:
				err = take(name, round, func() (sample, error) { return r.postgres.asks(ctx, r, rng) })
			}
			if err != nil {
				return 0, err
			}
		}
	}
	// What a book needs is what there is more of with it. The broker lets caches go when it likes, so the middle of several is taken.
	book = nil
	var needs []float64
	for range 5 {
		before := heap()
		one, _, err := r.reopen(ctx, o)
		if err != nil {
			return 0, err
		}
		needs = append(needs, (heap()-before)/float64(one.Last()))
		runtime.KeepAlive(one)
	}
	return median(needs), nil
}

// heap is how much of the memory is in use.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a finalizer held
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// Replay measures how fast a book is made of a log of Payments, against a bare consumer of the same log that hashes every event, and how fast one is read that was
// kept.
func Replay(ctx context.Context, o Options) (*Report, error) { return read(ctx, o, ReplayRows) }

// AsOf measures how long a year's table takes, of random pairs of both clocks, on funds of 20 and of 2,000 lines with Payments each.
func AsOf(ctx context.Context, o Options) (*Report, error) { return read(ctx, o, AsOfRows) }

func read(ctx context.Context, o Options, rows []string) (*Report, error) {
	r, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.end()
	report := &Report{Bytes: r.work.size, Memory: inMemory(o.Dir)}
	if o.Postgres != "" {
		if r.postgres, err = openPostgres(ctx, o.Postgres); err != nil {
			return nil, err
		}
		report.Postgres = r.postgres.version
	}
	samples, memory := map[string][]sample{}, map[int]float64{}
	for _, lines := range []int{fewLines, manyLines} {
		var names []string
		for _, name := range rows {
			of := fewLines
			if slices.Contains(AsOfRows[len(AsOfRows)/2:], name) {
				of = manyLines
			}
			if of == lines && slices.Contains(o.Only, name) && (r.postgres != nil || name[:3] != "pos") {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			continue
		}
		d, err := r.newReading(ctx, lines)
		if err != nil {
			return nil, err
		}
		if memory[lines], err = d.measure(ctx, names, samples); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(d.folder); err != nil {
			return nil, err
		}
	}
	rate := func(s *sample) float64 { return s.perSecond() }
	for _, name := range rows {
		if samples[name] == nil {
			continue
		}
		row := summary(name, samples)
		switch name {
		case Rebuild:
			row.VsConsumer, row.PerEvent = ratio(samples, name, RawConsumer, rate), memory[fewLines]
		case "as-of-20-lines":
			row.VsPostgres, row.PerEvent = ratio(samples, name, "postgres-"+name, rate), memory[fewLines]
		case "as-of-2000-lines":
			row.VsPostgres, row.PerEvent = ratio(samples, name, "postgres-"+name, rate), memory[manyLines]
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}
