package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"sync"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/spf13/cobra"
)

func (a *app) appendCommand() *cobra.Command {
	var atomic, dry bool
	c := &cobra.Command{
		Use: "append [FILE|-]", Short: a.say("cmd.append", nil), Example: a.say("example.append", nil),
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, size, err := a.input(args)
			if err != nil {
				return err
			}
			defer in.Close()
			return a.append(cmd.Context(), in, size, atomic, dry)
		},
	}
	c.Flags().BoolVar(&atomic, "atomic", false, a.say("flag.atomic", nil))
	c.Flags().BoolVar(&dry, "dry-run", false, a.say("flag.dry-run", nil))
	return c
}

// input opens the file named on the command line, or standard input. size is -1 where it is not known.
func (a *app) input(args []string) (r io.ReadCloser, size int64, err error) {
	if len(args) == 0 || args[0] == "-" {
		return io.NopCloser(a.stdin), -1, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = usageError{err}
		}
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = usageError{&fs.PathError{Op: "read", Path: args[0], Err: errFolder}}
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// What one request carries when a file is appended: enough that the broker's share of the work is small.
const (
	maxChunk      = 500
	maxChunkBytes = 256 << 10
	inFlight      = 8 // requests sent and not yet answered
)

// append puts the commands of in to the ledger in their order and prints a receipt for each.
func (a *app) append(ctx context.Context, in io.Reader, size int64, atomic, dry bool) error {
	meter := a.progress(size)
	defer meter.done()
	inputs := ledger.ReadInputs(meter.reader(in))
	out := bufio.NewWriter(a.stdout)
	tally := &tally{app: a, out: out}
	var err error
	switch {
	case dry:
		err = a.dryRun(ctx, inputs, atomic, tally)
	case atomic:
		err = a.appendAtomic(ctx, inputs, tally)
	default:
		err = a.appendAll(ctx, inputs, tally)
	}
	if err == nil {
		err = tally.err
	}
	if err != nil {
		return err
	}
	meter.done()
	tally.summary()
	return tally.exit()
}

type inputs = func(yield func(ledger.Input, error) bool)

func (a *app) dryRun(ctx context.Context, inputs inputs, atomic bool, t *tally) error {
	logs := func(events.Fund) ledger.Log { return nothing{} }
	s, err := a.openRead(ctx)
	switch {
	case err == nil:
		defer s.close()
		logs = s.logs
	case isNoFolder(err): // append would make one
	default:
		return err
	}
	return dryRunOn(ctx, ledger.NewTrial(logs, a.now), inputs, atomic, t)
}

// dryRunOn tries commands one after the other, or all of them together.
func dryRunOn(ctx context.Context, trial *ledger.Trial, inputs inputs, atomic bool, t *tally) error {
	if atomic {
		all, err := collect(inputs)
		if err == nil && len(all) > 0 {
			t.add(trial.Append(ctx, all, ledger.Local, true))
		}
		return err
	}
	for in, err := range inputs {
		if err != nil {
			return err
		}
		t.add(trial.Append(ctx, []ledger.Input{in}, ledger.Local, false))
	}
	return nil
}

// isNoFolder reports whether a ledger could not be read because its folder is not there yet.
func isNoFolder(err error) bool {
	var e *events.Error
	return errors.As(err, &e) && e.Why == "no-folder"
}

// nothing is the log of a fund in a folder that is not there: it has nothing to read, and nobody writes to it.
type nothing struct{ ledger.Log }

func (nothing) Recall(context.Context) []byte { return nil }

func (nothing) Replay(context.Context) iter.Seq2[[]byte, error] {
	return func(func([]byte, error) bool) {}
}

// collect reads all inputs, which stand or fall together. Each of them gets a receipt, so all are read even where they are too many.
func collect(inputs inputs) (all []ledger.Input, err error) {
	for in, err := range inputs {
		if err != nil {
			return nil, err
		}
		all = append(all, in)
	}
	return all, nil
}

func (a *app) appendAtomic(ctx context.Context, inputs inputs, t *tally) error {
	all, err := collect(inputs)
	if err != nil || len(all) == 0 {
		return err
	}
	s, err := a.openWrite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	done := make(chan []ledger.Receipt, 1)
	s.submit(ctx, all, true, func(rs []ledger.Receipt) { done <- rs })
	t.add(<-done)
	return nil
}

// appendAll keeps several requests under way, each of neighbours of one fund; the receipts come in the order of the input. What has been read is
// sent as soon as nothing is under way, so that whoever types commands, or a program that waits for its receipts, is answered at once. A
// folder is made for the first command only: an empty input leaves nothing behind.
func (a *app) appendAll(ctx context.Context, inputs inputs, t *tally) error {
	var s *store
	defer func() {
		if s != nil {
			s.close()
		}
	}()
	return appendAllTo(ctx, inputs, t, func() (submitter, error) {
		var err error
		if s, err = a.openWrite(ctx); err != nil {
			return nil, err
		}
		return s.submit, nil
	})
}

// A submitter takes commands of one fund; those of one caller are taken in their order.
type submitter = func(ctx context.Context, inputs []ledger.Input, atomic bool, done func([]ledger.Receipt))

// appendAllTo is [app.appendAll] to a ledger that is opened for the first command.
func appendAllTo(ctx context.Context, inputs inputs, t *tally, open func() (submitter, error)) error {
	f := newFeed(ctx)
	go f.fill(inputs)
	chunk, err := f.take()
	if len(chunk) == 0 {
		return err
	}
	submit, err := open()
	if err != nil {
		return err
	}
	answers := make(chan chan []ledger.Receipt, inFlight)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for answer := range answers {
			t.add(<-answer)
			f.answered()
		}
	}()
	for ; len(chunk) > 0; chunk, err = f.take() {
		answer := make(chan []ledger.Receipt, 1)
		answers <- answer // waits while too many are under way
		submit(ctx, chunk, false, func(rs []ledger.Receipt) { answer <- rs })
	}
	close(answers)
	<-printed
	return err
}

// A feed gathers inputs for the next request: neighbours of one fund, as many as it may carry. Reading goes on meanwhile, and waits for what is full.
type feed struct {
	ctx     context.Context
	mu      sync.Mutex
	changed *sync.Cond

	chunk    []ledger.Input
	bytes    int
	full     bool
	ended    bool
	err      error
	underWay int
}

func newFeed(ctx context.Context) *feed {
	f := &feed{ctx: ctx}
	f.changed = sync.NewCond(&f.mu)
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changed.Broadcast()
	})
	return f
}

// fill reads all inputs.
func (f *feed) fill(inputs inputs) {
	var failed error
	for in, err := range inputs {
		if failed = err; err != nil || !f.put(&in) {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended, f.err = true, failed
	f.changed.Broadcast()
}

// put adds an input. It reports false when nobody wants more.
func (f *feed) put(in *ledger.Input) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := in.Size()
	for len(f.chunk) > 0 && (len(f.chunk) == maxChunk || f.bytes+size > maxChunkBytes || f.chunk[0].Command.Fund != in.Command.Fund) {
		if f.ctx.Err() != nil {
			return false
		}
		f.full = true
		f.changed.Broadcast()
		f.changed.Wait()
	}
	f.chunk = append(f.chunk, *in)
	f.bytes += size
	if len(f.chunk) == 1 {
		f.changed.Broadcast()
	}
	return true
}

// take returns what is to be sent next, and counts it as under way: what is full, the last, and anything where nothing is under way. There is nothing
// when the input has ended, with the error that ended it.
func (f *feed) take() ([]ledger.Input, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.ctx.Err() == nil && !f.full && !f.ended && (len(f.chunk) == 0 || f.underWay > 0) {
		f.changed.Wait()
	}
	if err := f.ctx.Err(); err != nil {
		return nil, err
	}
	chunk := f.chunk
	if len(chunk) == 0 {
		return nil, f.err
	}
	f.chunk, f.bytes, f.full = make([]ledger.Input, 0, len(chunk)), 0, false
	f.underWay++
	f.changed.Broadcast()
	return chunk, nil
}

// answered notes that one of those under way is not any more.
func (f *feed) answered() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.underWay--
	f.changed.Broadcast()
}

// A tally prints receipts and counts what became of the commands.
type tally struct {
	app      *app
	out      io.Writer
	statuses map[ledger.Status]int
	err      error
	// seen, if not nil, is shown each receipt before it is printed, and may say more in it.
	seen func(*ledger.Receipt)
}

func (t *tally) add(receipts []ledger.Receipt) {
	if t.statuses == nil {
		t.statuses = map[ledger.Status]int{}
	}
	var line []byte
	for i := range receipts {
		r := &receipts[i]
		r.Say(t.app.lang)
		if t.seen != nil {
			t.seen(r)
		}
		t.statuses[r.Status]++
		line = append(r.AppendJSON(line[:0]), '\n')
		if _, err := t.out.Write(line); err != nil && t.err == nil {
			t.err = err
		}
	}
	if f, ok := t.out.(*bufio.Writer); ok && t.err == nil {
		t.err = f.Flush()
	}
}

// summary says in words, where somebody is watching, how many of each there were.
func (t *tally) summary() {
	if !t.app.watched() {
		return
	}
	for _, s := range []ledger.Status{ledger.Appended, ledger.WouldAppend, ledger.Duplicate, ledger.Refused, ledger.NotTried, ledger.Failed} {
		if n := t.statuses[s]; n > 0 {
			t.app.note("tally."+string(s), map[string]string{"n": count(n)})
		}
	}
}

func (t *tally) exit() error {
	switch {
	case t.statuses[ledger.Failed] > 0:
		return exit(exitFailed)
	case t.statuses[ledger.Refused] > 0:
		return exit(exitRefused)
	}
	return nil
}
