package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/spf13/cobra"
)

func (a *app) appendCommand() *cobra.Command {
	var atomic, dry bool
	c := &cobra.Command{
		Use: "append [FILE|-]", Short: a.say("cmd.append", nil), Example: a.say("example.append", nil), Args: cobra.MaximumNArgs(1),
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
	var e *events.Error
	switch {
	case err == nil:
		defer s.close()
		logs = s.logs
	case errors.As(err, &e) && e.Why == "no-folder": // append would make one
	default:
		return err
	}
	trial := ledger.NewTrial(logs, a.now)
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

// nothing is the log of a fund in a folder that is not there.
type nothing struct{ ledger.Log }

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
// sent as soon as nothing more is at hand, so that whoever types commands, or a program that waits for its receipts, is answered at once. A
// folder is made for the first command only: an empty input leaves nothing behind.
func (a *app) appendAll(ctx context.Context, inputs inputs, t *tally) error {
	var readErr error
	feed := make(chan ledger.Input, 2*maxChunk)
	go func() {
		defer close(feed)
		for in, err := range inputs {
			if err != nil {
				readErr = err
				return
			}
			select {
			case feed <- in:
			case <-ctx.Done():
				return
			}
		}
	}()
	var first ledger.Input
	select {
	case in, ok := <-feed:
		if !ok {
			return readErr
		}
		first = in
	case <-ctx.Done():
		return ctx.Err()
	}
	s, err := a.openWrite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	answers := make(chan chan []ledger.Receipt, inFlight)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for answer := range answers {
			t.add(<-answer)
		}
	}()
	for chunk := range chunks(ctx, first, feed) {
		answer := make(chan []ledger.Receipt, 1)
		answers <- answer // waits while too many are under way
		s.submit(ctx, chunk, false, func(rs []ledger.Receipt) { answer <- rs })
	}
	close(answers)
	<-printed
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return readErr
}

// chunks gathers what a feed has at hand: neighbours of one fund, as many as one request may carry.
func chunks(ctx context.Context, first ledger.Input, feed <-chan ledger.Input) iter.Seq[[]ledger.Input] {
	return func(yield func([]ledger.Input) bool) {
		chunk, bytes := []ledger.Input{first}, first.Size()
		for {
			var in ledger.Input
			ok := true
			if len(chunk) == 0 {
				select {
				case in, ok = <-feed:
				case <-ctx.Done():
					return
				}
			} else {
				select {
				case in, ok = <-feed:
				default:
					if !yield(chunk) {
						return
					}
					chunk, bytes = nil, 0
					continue
				}
			}
			full := len(chunk) > 0 && (len(chunk) == maxChunk || bytes+in.Size() > maxChunkBytes || chunk[0].Command.Fund != in.Command.Fund)
			if len(chunk) > 0 && (full || !ok) {
				if !yield(chunk) {
					return
				}
				chunk, bytes = nil, 0
			}
			if !ok {
				return
			}
			chunk = append(chunk, in)
			bytes += in.Size()
		}
	}
}

// A tally prints receipts and counts what became of the commands.
type tally struct {
	app      *app
	out      io.Writer
	statuses map[ledger.Status]int
	err      error
}

func (t *tally) add(receipts []ledger.Receipt) {
	if t.statuses == nil {
		t.statuses = map[ledger.Status]int{}
	}
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	for i := range receipts {
		r := &receipts[i]
		r.Say(t.app.lang)
		t.statuses[r.Status]++
		if err := enc.Encode(r); err != nil && t.err == nil {
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
