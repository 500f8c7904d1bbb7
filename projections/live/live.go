// Package live keeps the books of funds folded to the end of their logs while events keep coming, for any number of readers.
//
// [Books] has a book for each fund that somebody asks about. It is read from the log on first use, follows the log from then on, and is let go of when nobody
// has asked for a while. Whoever appends says so with [Books.Woken]; in case nobody does, each book looks by itself every few seconds.
//
//	log ─▶ read, checked ─▶ held until the reading has ended ─▶ applied in pieces ─▶ readers
//
// What a reader gets is a cut: a book that holds the events 1 … n and nothing of those after, with the root of the log's tree at n. Events are applied in small
// pieces, each under a lock, so nobody waits for long; an answer is made under the same lock for reading and must not wait for its reader. Where one takes long, the
// others go on and what is new waits.
//
// Some faults of a log show only where a reading ends. So what is read is not shown before. Where very much is new, more than should be held, it is applied while
// it is read, and those who ask wait until the reading has ended.
//
// A book that cannot take an event stops for good: it answers with [Stopped], which has the number and the cause, and never leaves the event out. So does one
// whose log was changed. Other funds go on. [Books.Rebuild] folds a new book from the beginning beside the old one, which goes on answering until the
// new one has come as far.
//
// What a book has come to is kept as a snapshot of its log, and the next one begins there. A snapshot is a cache: one that is not whole, is of another program or
// log, or does not go on to the end of the log without a fault, is as good as none. Until that is known nothing is shown of it. Rebuilding takes none.
//
// Whoever does not want to ask again follows a [Feed]: the balances of a year ([Books.Balances]), every event of a fund ([Books.EventsAfter]), or how far each fund is
// ([Books.Overview]). What a feed gives is made once for all its clients, while there are any, and is what a reader would get: a whole cut, or stored lines that are shown.
// A client is a position and has no queue. One who is slow gets fewer balances, each leading to the newest; one who does not keep up with events is told
// [events.TooSlow]. [Books.Publish] keeps the balances in a key-value bucket, too.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/projections"
)

// A Log is how one fund's log is read. It stands somewhere and moves on as it is read; it is not for use by several goroutines at once.
type Log interface {
	// Rest yields the lines after where the log stands, without their LF and checked, up to what there is when it begins, and leaves the log after the last.
	// An error ends it: [events.Tampered], or [events.Unavailable], after which the lines that were yielded hold and Rest goes on after them.
	// A line is valid until the next is asked for.
	Rest(ctx context.Context) iter.Seq2[[]byte, error]
	// Twig returns what the line that Rest yielded last is in the log's tree.
	Twig() proof.Twig
	// Stands returns where the log stands: the number of the last event before that, and the root of the log's tree there. It is not for while Rest yields.
	Stands() (events.Seq, proof.Hash)
	// Before returns another log of the fund, standing before event n and not long before it, and the number of the event it stands behind. tree gives the log's tree
	// over the first so many events, or fails, and so does Before. It may be called while Rest is at work, by any number.
	Before(n events.Seq, tree func(events.Seq) (proof.Tree, error)) (Log, events.Seq, error)
	// Line returns the line of an event that Rest has yielded; it is the caller's. Unlike the others it may be called while Rest is at work, by one goroutine.
	Line(ctx context.Context, n events.Seq) ([]byte, error)
	// KeepAs keeps what write writes, with where the log stands, under a name. It is a cache, and may be lost. While Rest is at work it must not be called.
	KeepAs(name string, write func(io.Writer) error) error
	// Beside opens a file that may be kept beside the log under a name; nil where there is no place for it. It is a cache too.
	Beside(name string) proof.File
	// RecallAs gives read what was kept last under a name, and then leaves the log standing where that was. It reports false, and leaves the log as it was, where there
	// is nothing whole, or read fails. Whether the log still has what it had there, Rest tells.
	RecallAs(ctx context.Context, name string, read func(io.Reader) error) bool
}

// A Source has the logs of all funds.
type Source interface {
	// Funds lists the funds of which there may be a log.
	Funds(ctx context.Context) ([]events.Fund, error)
	// Log returns a fund's log, standing at its beginning. A fund without a log has no lines.
	Log(fund events.Fund) Log
}

// Options say how books are kept. The zero Options is the usual way.
type Options struct {
	// Poll is how often a book looks for news that nobody told of; 0 is two seconds.
	Poll time.Duration
	// Idle is how long a book is kept after the last question; 0 is half an hour.
	Idle time.Duration
	// Patience is how long a question waits for a book to be loaded, or for an event that is not in yet; 0 is a minute.
	Patience time.Duration
	// Stopped is told once of each book that stops. It may be nil.
	Stopped func(*Stopped)
	// Kept is how many new events are worth a snapshot; 0 is 20,000, which are read in less than a tenth of a second, as of a ledger.
	Kept events.Seq

	held    int    // bytes of lines to hold until a reading has ended; 0 is the usual
	program string // that keeps snapshots; "" is this one
}

// heldMost is enough for what an import appends while the piece before is applied.
const heldMost = 64 << 20

// A Cut says what a book holds.
type Cut struct {
	// Seq is the number of the last event.
	Seq events.Seq
	// Root is the root of the log's tree over all of them, base64.
	Root string
	// Recorded is when the last was recorded.
	Recorded time.Time
}

// A Stopped is the answer of a book that could not go on.
type Stopped struct {
	Fund events.Fund
	// At is the number of the event that was not taken.
	At  events.Seq
	Err error
}

func (e *Stopped) Error() string {
	return fmt.Sprintf("reading of %s stopped at event %d: %v", e.Fund, e.At, e.Err)
}
func (e *Stopped) Unwrap() error { return e.Err }

// A State is how a book is.
type State string

// The states. A book whose log cannot be reached at the moment is still a cut, and answers.
const (
	Loading     State = "loading"
	Following   State = "following"
	Unreachable State = "unreachable"
	StoppedHere State = "stopped"
)

// A Status is how a fund's book is at a moment. The cut is that of what was applied; it has no root while the book is loading or has stopped.
type Status struct {
	Fund  events.Fund
	State State
	Cut
	// Last is the number of the last event that the log is known to have. While a book is loaded for the first time that is what was read so far.
	Last events.Seq
	// Rebuilding says that a new book is folded beside this one.
	Rebuilding bool
	// Err is why it stopped, or why the last rebuilding failed.
	Err error
}

// Lag is how many events are not applied yet.
func (s *Status) Lag() uint64 { return uint64(s.Last - s.Seq) }

// Books are the books of all funds of a source.
type Books struct {
	source Source
	o      Options
	ctx    context.Context
	stop   context.CancelFunc

	mu      sync.Mutex
	runners map[events.Fund]*runner
	running sync.WaitGroup

	clients feeds
	moved   chan struct{} // poked when some book has come further

	publisher atomic.Pointer[publisher]
}

// Open returns the books of a source. Nothing is read yet.
func Open(source Source, o Options) *Books {
	for _, d := range []struct {
		at    *time.Duration
		usual time.Duration
	}{{&o.Poll, 2 * time.Second}, {&o.Idle, 30 * time.Minute}, {&o.Patience, time.Minute}} {
		if *d.at == 0 {
			*d.at = d.usual
		}
	}
	if o.held == 0 {
		o.held = heldMost
	}
	if o.Kept == 0 {
		o.Kept = 20_000
	}
	if o.program == "" {
		o.program = events.Program
	}
	if o.Stopped == nil {
		o.Stopped = func(*Stopped) {}
	}
	b := &Books{source: source, o: o, runners: map[events.Fund]*runner{}, moved: make(chan struct{}, 1)}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.clients.begin()
	b.running.Go(b.letGo)
	b.running.Go(b.beat)
	return b
}

// Close ends following, and keeps what is new. Questions under way are answered; a later one is [events.Unavailable].
func (b *Books) Close() {
	if p := b.publisher.Swap(nil); p != nil {
		p.close()
	}
	b.mu.Lock() // nothing begins any more
	b.stop()
	b.mu.Unlock()
	b.running.Wait()
}

// Woken says that something was appended to a fund's log, up to a number.
func (b *Books) Woken(fund events.Fund, n events.Seq) {
	b.rouse(fund, n)
	if p := b.publisher.Load(); p != nil {
		p.told(fund, n)
	}
}

func (b *Books) rouse(fund events.Fund, n events.Seq) {
	b.mu.Lock()
	r := b.runners[fund]
	b.mu.Unlock()
	if r == nil && b.clients.board.watched() { // they want to see it, too
		if fresh, err := b.enter(fund); err == nil {
			fresh.leave()
			r = fresh
		}
	}
	if r != nil {
		r.told(n)
	}
}

// Funds lists the funds that have events, sorted as the source has them. It loads them all.
func (b *Books) Funds(ctx context.Context) ([]events.Fund, error) { return b.funds(ctx, false) }

// funds does so, with those left out that have stopped, where that is wanted.
func (b *Books) funds(ctx context.Context, going bool) ([]events.Fund, error) {
	all, err := b.source.Funds(ctx)
	if err != nil {
		return nil, err
	}
	var out []events.Fund
	for _, fund := range all {
		r, f, err := b.ready(ctx, fund, 0)
		var stopped *Stopped
		switch {
		case events.CodeOf(err) == events.UnknownFund: // its first event never came
			continue
		case going && errors.As(err, &stopped):
			continue
		case err != nil:
			return nil, err
		}
		f.mu.RUnlock()
		r.leave()
		out = append(out, fund)
	}
	return out, nil
}

// Read answers a question about a fund as known at a moment, once its event wait is in; 0 waits for none. answer is called with the cut at that moment and the book
// as known then, which is not to be kept. It must not wait for anybody: the book stands still meanwhile.
//
// The errors, besides those of answer: [events.UnknownFund]; [events.BadValue] where nothing is known at the moment; [events.Unavailable], with Why not-yet where
// the event did not come; and [Stopped].
func (b *Books) Read(ctx context.Context, fund events.Fund, wait events.Seq, m projections.Moment, answer func(Cut, *projections.Book) error) error {
	r, f, err := b.ready(ctx, fund, wait)
	if err != nil {
		return err
	}
	defer r.leave()
	defer f.mu.RUnlock()
	n, err := f.book.Resolve(m)
	if err != nil {
		return err
	}
	at, err := f.at(n)
	if err != nil {
		return err
	}
	return answer(at, f.book.At(n))
}

// Events answers with stored lines of a fund: those after a number, at most so many, once event wait is in. The cut is that at the last of them. The lines stand
// still as little as those of [Log.Rest], and answer may take its time.
func (b *Books) Events(ctx context.Context, fund events.Fund, wait, after events.Seq, most int, answer func(at Cut, last events.Seq, lines iter.Seq2[[]byte, error]) error) error {
	r, f, err := b.ready(ctx, fund, wait)
	if err != nil {
		return err
	}
	defer r.leave()
	last := f.taken
	to := last
	if left := uint64(last) - min(uint64(after), uint64(last)); left > uint64(most) {
		to = after + events.Seq(most)
	}
	at, err := f.at(to)
	f.mu.RUnlock()
	if err != nil {
		return err
	}
	return answer(at, last, f.lines(ctx, after, to))
}

// Status says how a fund's book is, once event wait is in; where that is 0, without waiting for it to be loaded.
func (b *Books) Status(ctx context.Context, fund events.Fund, wait events.Seq) (Status, error) {
	if wait > 0 {
		r, f, err := b.ready(ctx, fund, wait)
		var stopped *Stopped
		switch {
		case err == nil:
			f.mu.RUnlock()
			defer r.leave()
		case !errors.As(err, &stopped):
			return Status{}, err
		}
	}
	return b.with(ctx, fund, func(*runner) {})
}

func (b *Books) with(ctx context.Context, fund events.Fund, do func(*runner)) (Status, error) {
	r, err := b.enter(fund)
	if err != nil {
		return Status{}, err
	}
	defer r.leave()
	if err := r.present(ctx); err != nil {
		return Status{}, err
	}
	do(r)
	return r.status(), nil
}

// Rebuild begins to fold a new book of a fund from the beginning of its log, beside the one that answers, and returns. Where that is under way already nothing more
// is done. [Books.Status] tells when it has ended.
func (b *Books) Rebuild(ctx context.Context, fund events.Fund) (Status, error) {
	return b.with(ctx, fund, (*runner).rebuild)
}

// A Health is how books are: how many events the one lacks that is furthest behind, and how many are in each state that answers nothing, or nothing new.
type Health struct {
	Lag                           uint64
	Loading, Unreachable, Stopped int
}

// Health says how the books are that somebody has asked for.
func (b *Books) Health() (h Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.runners {
		s := r.status()
		h.Lag = max(h.Lag, s.Lag())
		switch s.State {
		case Loading:
			h.Loading++
		case Unreachable:
			h.Unreachable++
		case StoppedHere:
			h.Stopped++
		}
	}
	return h
}

// unknownFund says that there is no such fund, and which there are.
func (b *Books) unknownFund(ctx context.Context, fund events.Fund) error {
	args := events.Args{"fund": string(fund)}
	if all, err := b.source.Funds(ctx); err == nil {
		for i, f := range all {
			if i > 0 {
				args["funds"] += ", "
			}
			args["funds"] += string(f)
		}
	}
	return &events.Error{Code: events.UnknownFund, Args: args}
}

func unavailable(err error) error {
	return &events.Error{Code: events.Unavailable, Why: "broker", Err: err}
}

// changed says that the log is not what it was when it was read before.
func changed(fund events.Fund, n events.Seq) error {
	return &events.Error{Code: events.Tampered, Why: "root", Args: events.Args{"fund": string(fund), "seq": n.String()}}
}
