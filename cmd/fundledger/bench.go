package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"fundledger/cmd/fundledger/bench"
	"fundledger/projections/sheet"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// What bench measures; import is of append the file alone, with the rows that it is compared with.
var benches = []string{"append", "import", "start", "replay", "as-of", "live"}

func (a *app) benchCommand() *cobra.Command {
	var o bench.Options
	var q question
	var seconds float64
	var profile string
	c := &cobra.Command{
		Use: "bench " + strings.Join(benches, "|"), Short: a.say("cmd.bench", nil), Long: a.say("cmd.bench", nil) + "\n" + a.say("bench.more", nil), Example: a.say("example.bench", nil),
		Args: cobra.MaximumNArgs(1), ValidArgs: benches,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := cmd.Flags()
			what := strings.Join(args, "")
			switch {
			case what == bench.BareBroker: // which a run of live asks for
				return bench.Bare(cmd.Context(), a.stderr)
			case !slices.Contains(benches, what):
				return usageError{hinted{a.say("error.bench", nil), a.say("usage.see", map[string]string{"command": cmd.CommandPath()})}}
			case flags.Changed("data") || a.url != "":
				return usageError{errors.New(a.say("error.bench-folder", nil))}
			case o.Rounds < 1:
				return a.badNumber("rounds", strconv.Itoa(o.Rounds))
			case !(seconds > 0) || seconds > math.MaxInt32:
				return a.badNumber("seconds", flags.Lookup("seconds").Value.String())
			case o.Clients < 1:
				return a.badNumber("clients", strconv.Itoa(o.Clients))
			case o.Rate < 1:
				return a.badNumber("rate", strconv.Itoa(o.Rate))
			case o.Idle < 0:
				return a.badFlag("idle", strconv.Itoa(o.Idle), "0 …")
			case o.Hostile < 0:
				return a.badFlag("hostile", strconv.Itoa(o.Hostile), "0 …")
			case o.Payments < 0 || o.Payments == 0 && flags.Changed("events"):
				return a.badNumber("events", strconv.Itoa(o.Payments))
			case o.Size < 1 || o.Size > bench.MaxSize:
				return a.badFlag("size", strconv.Itoa(o.Size), "1 … "+count(bench.MaxSize))
			}
			for _, name := range o.Only {
				if all := rowsOf(what); !slices.Contains(all, name) {
					return a.badFlag("only", name, strings.Join(all, " "))
				}
			}
			if err := a.choices(q); err != nil {
				return err
			}
			o.Time = time.Duration(seconds * float64(time.Second))
			if what == "live" { // the server's is of interest
				o.Profile, profile = profile, ""
			}
			stop, err := profiled(profile)
			if err != nil {
				return err
			}
			defer stop()
			return a.bench(cmd.Context(), what, o, q)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Only, "only", nil, a.say("flag.only", nil))
	f.IntVar(&o.Rounds, "rounds", 5, a.say("flag.rounds", nil))
	f.Float64Var(&seconds, "seconds", 3, a.say("flag.seconds", nil))
	f.IntVar(&o.Payments, "events", 0, a.say("flag.bench-events", nil))
	f.IntVar(&o.Size, "size", 620, a.say("flag.size", nil))
	f.IntVar(&o.Clients, "clients", 1000, a.say("flag.bench-clients", nil))
	f.IntVar(&o.Rate, "rate", 200, a.say("flag.bench-rate", nil))
	f.IntVar(&o.Idle, "idle", 10_000, a.say("flag.bench-idle", nil))
	f.IntVar(&o.Hostile, "hostile", 2000, a.say("flag.bench-hostile", nil))
	f.StringVar(&o.Postgres, "postgres", "", a.say("flag.postgres", nil))
	f.StringVar(&o.Dir, "dir", os.TempDir(), a.say("flag.dir", nil))
	f.StringVar(&profile, "cpuprofile", "", a.say("flag.cpuprofile", nil))
	f.StringVar(&q.format, "format", "text", a.say("flag.format", nil))
	f.StringVar(&q.out, "out", "", a.say("flag.out", nil))
	q.unit = string(sheet.Yuan)
	a.complete(c)
	_ = c.RegisterFlagCompletionFunc("only", func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return rowsOf(strings.Join(args, "")), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// badNumber refuses a number that is no more than 0.
func (a *app) badNumber(flag, value string) error { return a.badFlag(flag, value, "1 …") }

// profiled writes a CPU profile until stop is called; nothing where no file is named.
func profiled(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}

func (a *app) bench(ctx context.Context, what string, o bench.Options, q question) error {
	measure := map[string]func(context.Context, bench.Options) (*bench.Report, error){
		"start": bench.Start, "replay": bench.Replay, "as-of": bench.AsOf, "live": bench.Live,
	}[what]
	if measure == nil {
		measure = bench.Append
	}
	rows := rowsOf(what)
	if what == "import" {
		rows = []string{bench.RawUnsynced, bench.RawSynced, bench.File, bench.PostgresBulk}
	}
	if o.Only == nil {
		o.Only = rows
		if what == "live" {
			o.Only = slices.DeleteFunc(slices.Clone(rows), func(row string) bool {
				return o.Idle == 0 && row == bench.Idle || o.Hostile == 0 && (strings.HasSuffix(row, bench.AmongHostile) || strings.HasSuffix(row, bench.BesideHostile))
			})
		}
	}
	if o.Payments == 0 {
		switch what {
		case "append", "import":
			o.Payments = 200_000
		case "live":
			o.Payments = 1000
		default:
			o.Payments = 1_000_000
		}
	}
	o.Append = a.appendTo
	if o.Program = a.program; o.Program == "" {
		var err error
		if o.Program, err = os.Executable(); err != nil {
			return err
		}
	}
	if a.watched() {
		bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true))
		o.Progress = func(round int, row string) {
			bar.Describe(strconv.Itoa(round) + "/" + strconv.Itoa(o.Rounds) + " " + row)
			_ = bar.Add(1)
		}
		defer func() { _ = bar.Finish() }()
	}
	report, err := measure(ctx, o)
	switch {
	case errors.Is(err, bench.ErrNoSnapshot):
		return usageError{hinted{a.say("error.bench-few", map[string]string{"n": count(o.Payments)}), a.say("error.bench-few-hint", nil)}}
	case err != nil && ctx.Err() != nil: // whatever it broke
		return ctx.Err()
	case err != nil:
		return err
	}
	return a.print(benchSheet(what, o, report), q)
}

// rowsOf are the rows that can be measured.
func rowsOf(what string) []string {
	switch what {
	case "start":
		return []string{bench.StartSnapshot, bench.StartReplay}
	case "replay":
		return bench.ReplayRows
	case "as-of":
		return bench.AsOfRows
	case "live":
		return bench.LiveRows
	}
	return bench.Rows
}

// appendTo is the command append with a file, in this process and for a folder of its own. Its receipts go to a file, as they do in earnest.
func (a *app) appendTo(ctx context.Context, folder, file string) error {
	receipts, err := os.Create(folder + ".receipts.jsonl")
	if err != nil {
		return err
	}
	defer receipts.Close()
	var said bytes.Buffer
	code := run(ctx, &app{
		args: []string{"append", file, "--data", folder, "--lang", string(a.lang)}, stdin: strings.NewReader(""), stdout: receipts, stderr: &said, getenv: a.getenv,
	})
	if code != exitOK {
		return errors.New(strings.TrimSpace(said.String()))
	}
	return nil
}

// benchSheet is a report as a sheet.
func benchSheet(what string, o bench.Options, r *bench.Report) *sheet.Sheet {
	name := "bench-" + what
	if what == "import" {
		name = "bench-append"
	}
	appends := name == "bench-append"
	seconds := sheet.Plain(strconv.FormatFloat(o.Time.Seconds(), 'f', -1, 64))
	rounds, payments, size, processors := sheet.Number(o.Rounds), sheet.Number(o.Payments), sheet.Number(r.Bytes), sheet.Number(runtime.GOMAXPROCS(0))
	system := sheet.Words(runtime.GOOS + "/" + runtime.GOARCH + ", " + runtime.Version())
	member := func(name string, c sheet.Cell) sheet.Member { return sheet.Member{Name: name, Value: c} }
	s := &sheet.Sheet{
		Name: name, NoMoney: true,
		Head: []sheet.Member{
			member("rounds", rounds),
			member("payments", payments),
			member("bytes", size),
			member("processors", processors),
			member("system", system),
			member("in_memory", sheet.Truth(r.Memory)),
		},
	}
	face := func(name string, args ...sheet.Member) { s.Face = append(s.Face, sheet.Say("face."+name, args...)) }
	if what == "start" {
		face("bench-starts", member("rounds", rounds))
	} else {
		face("bench-rounds", member("rounds", rounds), member("seconds", seconds))
		s.Head = append(s.Head, member("seconds", seconds))
	}
	if appends {
		loose := make([]sheet.Cell, 0, len(r.Loose))
		for _, setting := range r.Loose {
			loose = append(loose, sheet.Words(strings.Join(setting[:], "=")))
		}
		s.Head = append(s.Head, member("window", sheet.Number(bench.Window)), member("postgres", sheet.Words(r.Postgres)), member("not_durable", sheet.Listed(loose...)))
	}
	if what == "live" {
		clients, rate, cores := sheet.Number(o.Clients), sheet.Number(o.Rate), sheet.Number(runtime.NumCPU())
		s.Head = append(s.Head, member("clients", clients), member("rate", rate))
		face("bench-live", member("clients", clients), member("rate", rate))
		face("bench-shares", member("processors", cores))
	}
	face("bench-load", member("payments", payments), member("bytes", size))
	face("bench-machine", member("processors", processors), member("system", system))
	if appends {
		face("bench-window", member("window", sheet.Number(bench.Window)))
	}
	if r.Postgres != "" {
		face("bench-postgres", member("version", sheet.Words(r.Postgres)))
	}
	if r.Memory {
		face("bench-in-memory")
	}
	for _, setting := range r.Loose {
		face("bench-not-durable", member("setting", sheet.Words(setting[0])), member("value", sheet.Words(setting[1])))
	}
	columns := sheet.Columns("name", "|", "per_second", "per_second_low", "per_second_high", "p50_us")
	if what == "live" {
		columns = sheet.Columns("name", "|", "clients", "per_second", "p50_us")
	}
	further := map[string]string{
		"bench-append": "p99_us vs_unsynced vs_synced vs_fdatasync vs_postgres", "bench-replay": "vs_consumer bytes_per_event", "bench-as-of": "p99_us vs_postgres bytes_per_event",
		"bench-live": "p99_us p99_us_low p99_us_high max_us vs_raw vs_calm server_cpu clients_cpu server_mb kb_per_client",
	}[name]
	for _, c := range strings.Fields(further) {
		columns = append(columns, sheet.Column{Name: c, Right: true})
	}
	var rows []sheet.Row
	for _, row := range r.Rows {
		cells := map[string]sheet.Cell{
			"name": sheet.Words(row.Name), "per_second": rounded(row.PerSecond), "per_second_low": rounded(row.Low), "per_second_high": rounded(row.High),
			"p50_us": rounded(float64(row.P50) / 1e3), "p99_us": rounded(float64(row.P99) / 1e3), "vs_unsynced": ratio(row.VsUnsynced), "vs_synced": ratio(row.VsSynced),
			"vs_fdatasync": ratio(row.VsFdatasync), "vs_postgres": ratio(row.VsPostgres), "vs_consumer": ratio(row.VsConsumer), "bytes_per_event": ratio(row.PerEvent),
			"clients": rounded(float64(row.Clients)), "p99_us_low": rounded(float64(row.P99Low) / 1e3), "p99_us_high": rounded(float64(row.P99High) / 1e3),
			"max_us": rounded(float64(row.Max) / 1e3), "vs_raw": ratio(row.VsRaw), "vs_calm": ratio(row.VsCalm), "server_cpu": rounded(100 * row.ServerCPU),
			"clients_cpu": rounded(100 * row.ClientsCPU), "server_mb": rounded(row.ServerMemory / (1 << 20)), "kb_per_client": ratio(row.PerClient / (1 << 10)),
		}
		out := sheet.Row{Depth: 1}
		for _, c := range columns {
			out.Cells = append(out.Cells, cells[c.Name])
		}
		rows = append(rows, out)
	}
	var text []string
	for _, c := range columns {
		if c.Name != "vs_postgres" || r.Postgres != "" {
			text = append(text, c.Name)
		}
	}
	s.Tables = []*sheet.Table{{Name: "rows", Columns: columns, Text: text, Rows: sheet.Rows(rows...)}}
	return s
}

// rounded is a figure without decimals; null where there is none.
func rounded(f float64) sheet.Cell {
	if f == 0 {
		return sheet.Cell{}
	}
	return sheet.Number(int64(math.Round(f)))
}

// ratio has three digits, or all that are before the point.
func ratio(f float64) sheet.Cell {
	switch {
	case f == 0:
		return sheet.Cell{}
	case f >= 100:
		return sheet.Plain(strconv.FormatFloat(f, 'f', 0, 64))
	case f >= 10:
		return sheet.Plain(strconv.FormatFloat(f, 'f', 1, 64))
	}
	return sheet.Plain(strconv.FormatFloat(f, 'f', 2, 64))
}
