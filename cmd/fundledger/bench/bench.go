// Package bench measures how fast events are appended, how fast a folder is opened, and how soon many clients see what is appended, on one machine and in one run.
//
// Absolute figures say little: disks and neighbours differ from hour to hour. So every row is measured once in every round, the rows in turn, and
// is compared with the raw engine of the same round: a bare JetStream that takes messages of the size of our events, once as it comes, without
// syncing, and once syncing before it acknowledges, as ours does. What is reported is the median of the rounds, and of the ratios within them.
//
// Every row does the same work: payments of one size, each with an id and a voucher of its own, to twenty lines of a new fund. Making a payment
// takes a tenth of a microsecond and is timed in every row alike. After each row, outside of its time, what was stored is read back: every
// payment once, and the balances right to the last fen. A row that lost or doubled one is no figure but an error.
//
//	raw-unsynced         the bare engine, asynchronous publishing, fenced, synced by timer
//	raw-synced           the same, synced before it acknowledges
//	fdatasync            4 KiB appended to a file and synced, one after another: the floor of a lone durable command
//	in-process-N         N callers in this process, a command each under way: read, decided, stored, answered
//	tcp-N                the same over TCP, at most 64 under way on a connection, one command a request
//	tcp-512-lists        512 requests under way, each a list of 64 commands
//	file                 a file of JSON Lines as the command append takes it, from opening the folder to closing it
//	postgres-batches-N   N callers whose commands queue up in this process: all that wait are one statement, one of them under way
//	postgres-statement-64
//	                     64 connections, one statement for each command
//	postgres-bulk        the payments of the file in large blocks
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// The rows, in the order in which they are reported.
const (
	RawUnsynced = "raw-unsynced"
	RawSynced   = "raw-synced"
	Fdatasync   = "fdatasync"
	File        = "file"

	PostgresBatches64 = "postgres-batches-64"
	PostgresBulk      = "postgres-bulk"
	inProcess64       = "in-process-64"
)

// Rows are the names of what [Append] measures; those that begin with postgres- only where there is one. Rows that are compared stand side by side: they
// are measured one after the other, before a neighbour has come or gone.
var Rows = []string{
	RawUnsynced, RawSynced, Fdatasync, "in-process-1", "postgres-batches-1", inProcess64, PostgresBatches64, "postgres-statement-64", "in-process-512",
	"tcp-1", "tcp-64", "tcp-512", "tcp-512-lists", File, PostgresBulk,
}

// Options say what to measure. All but Dir, Postgres and Progress must be set.
type Options struct {
	// Dir is where a temporary folder is made, and removed in the end; "" is the system's folder for such.
	Dir string
	// Only are the names of the rows that are measured.
	Only []string
	// Rounds is how often each row is measured.
	Rounds int
	// Time is how long each row is measured in each round; file and postgres-bulk take as long as their payments take.
	Time time.Duration
	// Payments is how many the file has, and the folder that is opened.
	Payments int
	// Size is about how many bytes an event has as it is stored, at most [MaxSize]. None has less than 620.
	Size int
	// Postgres is the address of a server on which a schema of a random name is made, and dropped in the end; "" for none. The user must be allowed to
	// make one. Its rows are what a careful programmer would write: see postgres.go.
	Postgres string
	// Clients are those of [Live], Rate is how many payments are sent to it in a second, Idle how many clients its row idle has, and Hostile how many of those that
	// disturb the others come back at once.
	Clients, Rate, Idle, Hostile int
	// Program is the path of the program itself, which [Live] runs as a server.
	Program string
	// Profile is where that server writes a profile of its processors' time; "" for none.
	Profile string
	// Append appends the commands of a file to a folder, as the command append does.
	Append func(ctx context.Context, folder, file string) error
	// Progress is told before each row of each round. It may be nil.
	Progress func(round int, row string)
}

// A Row is what was measured under one name: medians of the rounds. What does not exist is 0.
type Row struct {
	Name string
	// PerSecond is how many events, or syncs, in a second; Low and High are the slowest and the fastest round.
	PerSecond, Low, High float64
	// P50 and P99 are how long an answer took. Of start and file they are not known; start has its whole time in P50.
	P50, P99 time.Duration
	// VsUnsynced and VsSynced are events per second over those of the raw rows.
	VsUnsynced, VsSynced float64
	// VsFdatasync is how many times the median of a lone fdatasync an answer takes; of in-process-1 alone.
	VsFdatasync float64
	// VsPostgres is events per second over those of the same work in PostgreSQL: in-process-64 over postgres-batches-64, file over postgres-bulk; of questions,
	// how many times as many a second.
	VsPostgres float64
	// VsConsumer is events per second over those of the bare consumer, of rebuild alone.
	VsConsumer float64
	// PerEvent is how many bytes of memory a book needs for an event; of a table in PostgreSQL with its index, of disk.
	PerEvent float64

	// The others are of [Live]. Clients is how many there are, P99Low and P99High the least and the greatest 99th percentile of a round, and Max the longest of all.
	Clients              int
	P99Low, P99High, Max time.Duration
	// VsRaw is P99 over that of raw-fanout, each with or each without hostile clients, VsCalm over that of the same row without hostile clients anywhere.
	VsRaw, VsCalm float64
	// ServerCPU and ClientsCPU are shares of all processors' time: of the server's process, and of this one, which is the clients and who sends.
	ServerCPU, ClientsCPU float64
	// ServerMemory is how many bytes of the server are in memory in the end, PerClient how many more for each client than without.
	ServerMemory, PerClient float64
}

// A Report is the rows of a run, with what a reader must know of it.
type Report struct {
	Rows []Row
	// Bytes is what a stored event took, on average.
	Bytes int
	// Memory says that the folder is in memory, where syncing costs nothing.
	Memory bool
	// Postgres is the server's version; "" where there is none.
	Postgres string
	// Loose are the settings of the server, each with its value, by which its answers are not durable.
	Loose [][2]string
}

// MaxSize is how long an event can be made by what a payment may say.
const MaxSize = 2500

// Window is how many messages of the raw rows are under way. More was not faster here.
const Window = 512

// A sample is one row of one round.
type sample struct {
	events    int
	elapsed   time.Duration
	latencies []time.Duration // sorted

	// The others are of [Live].
	clients               int
	serverCPU, clientsCPU float64
	memory                int
	perClient             float64
	returned              []time.Duration // how long each took that came back, sorted
}

func (s *sample) perSecond() float64 { return float64(s.events) / s.elapsed.Seconds() }

// quantile returns the latency that a share q of the answers did not exceed; 0 where none was taken.
func (s *sample) quantile(q float64) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	return s.latencies[min(int(q*float64(len(s.latencies))), len(s.latencies)-1)]
}

// A run is what the rows of one run share.
type run struct {
	Options
	temp     string
	work     *workload
	postgres *postgres
	file     string // of payments, made for the first row that needs it

	bytes, stored int // of the events that were read back
}

// Append measures the rows that are asked for.
func Append(ctx context.Context, o Options) (*Report, error) {
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
		report.Postgres, report.Loose = r.postgres.version, r.postgres.loose
	}
	measures := r.measures()
	var names []string
	for _, name := range Rows {
		if measures[name] != nil && slices.Contains(o.Only, name) {
			names = append(names, name)
		}
	}
	samples, err := r.rounds(ctx, names, measures)
	if err != nil {
		return nil, err
	}
	if r.stored > 0 {
		report.Bytes = r.bytes / r.stored
	}
	for _, name := range names {
		report.Rows = append(report.Rows, summary(name, samples))
	}
	return report, nil
}

// A measure takes one sample in a new folder, which is removed afterwards.
type measure func(ctx context.Context, folder string) (sample, error)

func (r *run) measures() map[string]measure {
	all := map[string]measure{
		RawUnsynced: r.raw(false), RawSynced: r.raw(true), Fdatasync: r.fdatasync, File: r.appendFile,
		"in-process-1": r.inProcess(1), inProcess64: r.inProcess(64), "in-process-512": r.inProcess(512),
		"tcp-1": r.tcp(1, 1, 1), "tcp-64": r.tcp(1, 64, 1), "tcp-512": r.tcp(8, 64, 1), "tcp-512-lists": r.tcp(8, 64, 64),
	}
	if r.postgres != nil {
		all["postgres-batches-1"], all[PostgresBatches64] = r.postgresBatches(1), r.postgresBatches(64)
		all["postgres-statement-64"], all[PostgresBulk] = r.postgresStatements(64), r.postgresBulk
	}
	return all
}

// rounds takes a sample of each row in each round. Every other round goes backwards, so that what drifts does not favour a row.
func (r *run) rounds(ctx context.Context, names []string, measures map[string]measure) (map[string][]sample, error) {
	samples := map[string][]sample{}
	for round := range r.Rounds {
		order := slices.Clone(names)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, name := range order {
			if r.Progress != nil {
				r.Progress(round+1, name)
			}
			s, err := r.sample(ctx, measures[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			samples[name] = append(samples[name], s)
		}
	}
	return samples, nil
}

func (r *run) sample(ctx context.Context, m measure) (s sample, err error) {
	if err := ctx.Err(); err != nil {
		return s, err
	}
	folder, err := os.MkdirTemp(r.temp, "row-")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	// What the row before has left behind is not this one's: memory, a database's deferred work, and pages that were not written yet.
	runtime.GC()
	if r.postgres != nil {
		r.postgres.settle(ctx)
	}
	syncAll()
	if s, err = m(ctx, folder); err != nil {
		return s, err
	}
	if s.events == 0 || s.elapsed <= 0 {
		return s, errors.New("nothing was done in the time given")
	}
	slices.Sort(s.latencies)
	return s, nil
}

// begin makes the temporary folder and measures how large an event is.
func begin(ctx context.Context, o Options) (*run, error) {
	temp, err := os.MkdirTemp(o.Dir, "fundledger-bench-")
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, temp: temp}
	if r.work, err = newWorkload(ctx, filepath.Join(temp, "size"), o.Size); err != nil {
		r.end()
		return nil, err
	}
	return r, nil
}

// end removes everything that the run has made.
func (r *run) end() {
	if r.postgres != nil {
		r.postgres.close()
	}
	_ = os.RemoveAll(r.temp)
}

// summary makes a row of the samples of all rounds.
func summary(name string, samples map[string][]sample) Row {
	var rates []float64
	var p50s, p99s []time.Duration
	for _, s := range samples[name] {
		rates = append(rates, s.perSecond())
		p50s, p99s = append(p50s, s.quantile(0.50)), append(p99s, s.quantile(0.99))
	}
	row := Row{Name: name, PerSecond: median(rates), Low: slices.Min(rates), High: slices.Max(rates), P50: median(p50s), P99: median(p99s)}
	rate := func(s *sample) float64 { return s.perSecond() }
	if name != Fdatasync {
		row.VsUnsynced, row.VsSynced = ratio(samples, name, RawUnsynced, rate), ratio(samples, name, RawSynced, rate)
	}
	switch name {
	case "in-process-1":
		row.VsFdatasync = ratio(samples, name, Fdatasync, func(s *sample) float64 { return float64(s.quantile(0.50)) })
	case inProcess64:
		row.VsPostgres = ratio(samples, name, PostgresBatches64, rate)
	case File:
		row.VsPostgres = ratio(samples, name, PostgresBulk, rate)
	}
	return row
}

// ratio is the median over the rounds of one row's figure over the other's in the same round; 0 where the other was not measured.
func ratio(samples map[string][]sample, name, over string, of func(*sample) float64) float64 {
	var all []float64
	for i := range samples[over] {
		all = append(all, of(&samples[name][i])/of(&samples[over][i]))
	}
	return median(all)
}

// median is the middle value, of an even number the upper of the two; 0 of none.
func median[T cmp.Ordered](of []T) (m T) {
	if len(of) == 0 {
		return m
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
