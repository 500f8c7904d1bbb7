package live

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/reading"
	"fundledger/projections"
)

// A fold is one folding of a log, from its beginning on.
type fold struct {
	fund  events.Fund
	log   Log        // used by whoever looks
	kept  events.Seq // number of the last event in the last snapshot
	tried time.Time  // when one was to be kept last
	most  int        // bytes that are held
	held  piece
	wake  chan struct{}
	ended chan struct{} // closed when nobody looks any more
	ctx   context.Context
	stop  context.CancelFunc
	seen  atomic.Uint64 // number of the last event that was read

	turn sync.RWMutex // readers pass it on their way to mu: see lock

	mu     sync.RWMutex
	book   *projections.Book
	leaves proof.File
	taken  events.Seq // number of the last event that the book took; one that it failed on may stand in it
	shown  bool
	none   bool     // the log has no events
	lost   bool     // the log could not be reached when it was last looked at
	err    *Stopped // it stopped
	// changed is closed, and another put in its place, when any of these has changed.
	changed chan struct{}
	// now says how they are, to those who shall not wait for a long answer to be made.
	now atomic.Pointer[Status]

	// tail takes the lines that are applied and shown; nil while the fold does not answer. What it points to is nil while nobody follows events. For whoever looks.
	tail *atomic.Pointer[tail]
	// moved is poked when anything has changed.
	moved chan<- struct{}

	again sync.Mutex // of whoever reads a line again
	roots memo
}

// A memo remembers roots by their numbers.
type memo struct {
	mu sync.Mutex
	of map[events.Seq]string
}

const (
	// loadBytes are applied at a time while nobody is shown anything.
	loadBytes = 1 << 20
	// rootsMost bounds the roots that are remembered.
	rootsMost = 4096
)

// How long readers are kept waiting for one answer that takes long, how long they then go on before that is tried again, and after how much of that the writer has
// its turn whatever it costs.
const (
	turnShut = 100 * time.Millisecond
	turnOpen = 50 * time.Millisecond
	turnMost = 10 * time.Second
)

// lock locks for writing. Whoever waits for a lock with others behind lets them wait for the longest answer that is being made. So new readers are kept out only for as
// long as short answers take; where a long one is being made they are let in again, to what there is, and the writer waits: what it has to write is counted as lag.
func (f *fold) lock() {
	for begun := time.Now(); time.Since(begun) < turnMost; time.Sleep(turnOpen) {
		f.turn.Lock()
		for shut := time.Now(); time.Since(shut) < turnShut; time.Sleep(100 * time.Microsecond) {
			if f.mu.TryLock() {
				f.turn.Unlock()
				return
			}
		}
		f.turn.Unlock()
	}
	f.mu.Lock()
}

// rlock locks for reading; f.mu.RUnlock ends that.
func (f *fold) rlock() {
	f.turn.RLock()
	f.mu.RLock()
	f.turn.RUnlock()
}

func newFold(fund events.Fund, log Log, most int) *fold {
	f := &fold{
		fund: fund, log: log, most: most, wake: make(chan struct{}, 1), ended: make(chan struct{}), changed: make(chan struct{}),
	}
	f.book = projections.NewBookOf(f.line)
	f.roots.of = map[events.Seq]string{}
	f.note()
	return f
}

// leavesFrom is from how many events on leaves are kept beside the log. The lines of a short one are read again in no time.
const leavesFrom = 1 << 14

// remember keeps the leaves of a long log beside it. The fold must be locked, or not be seen yet.
func (f *fold) remember() {
	if f.leaves != nil || f.taken < leavesFrom {
		return
	}
	if f.leaves = f.log.Beside(leaves); f.leaves != nil {
		f.book.LeavesIn(f.leaves)
		context.AfterFunc(f.ctx, func() { _ = f.leaves.Close() }) // who still asks reads the log
	}
}

// line reads the line of an event that was applied again. Readers take turns: a log is not for several at once.
func (f *fold) line(ctx context.Context, n events.Seq) ([]byte, error) {
	f.again.Lock()
	defer f.again.Unlock()
	return f.log.Line(ctx, n)
}

// A piece is lines of a log, one after the other, and what each is in the log's tree.
type piece struct {
	text  []byte
	ends  []int
	twigs []proof.Twig

	yielded int
}

func (p *piece) add(line []byte, twig proof.Twig) {
	p.text = append(p.text, line...)
	p.ends = append(p.ends, len(p.text))
	p.twigs = append(p.twigs, twig)
}

// lines yields them.
func (p *piece) lines(yield func([]byte, error) bool) {
	start := 0
	for i, end := range p.ends {
		if p.yielded = i; !yield(p.text[start:end], nil) {
			return
		}
		start = end
	}
}

// twig is that of the line yielded last.
func (p *piece) twig() proof.Twig { return p.twigs[p.yielded] }

// clear forgets the lines, and their room where it is much.
func (p *piece) clear() {
	if cap(p.text) > 2*loadBytes {
		*p = piece{}
	}
	p.text, p.ends, p.twigs = p.text[:0], p.ends[:0], p.twigs[:0]
}

// note tells those who wait. The fold must be locked.
func (f *fold) note() {
	s := &Status{Fund: f.fund, State: Following}
	switch {
	case f.err != nil:
		s.State, s.Err = StoppedHere, f.err
	case f.lost:
		s.State = Unreachable
	case !f.shown:
		s.State = Loading
	}
	s.Seq = f.taken
	if f.taken > 0 {
		s.Recorded = f.book.History().Recorded(f.taken)
	}
	if f.shown {
		s.Root, _ = f.book.Root() // of the whole book, for which nothing is read
	}
	f.now.Store(s)
	close(f.changed)
	f.changed = make(chan struct{})
	select {
	case f.moved <- struct{}{}:
	default:
	}
}

// following is the tail that takes lines, nil where there is none.
func (f *fold) following() *tail {
	if f.tail == nil {
		return nil
	}
	return f.tail.Load()
}

// rouse makes the next pause short.
func (f *fold) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fold) pause(long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-f.wake:
	case <-timer.C:
	case <-f.ctx.Done():
	}
}

// reach looks until the fold has come to n, and shows it. While the log cannot be reached it goes on trying.
func (f *fold) reach(n events.Seq, often time.Duration) error {
	for {
		err := f.look()
		switch stopped := f.stopped(); {
		case stopped != nil:
			return stopped
		case f.ctx.Err() != nil:
			return unavailable(f.ctx.Err())
		case err == nil && f.last() >= n:
			return nil
		}
		f.pause(often)
	}
}

// look reads what is new in the log and applies it. What is new is shown when the reading has ended without a fault. The error is that of a log which cannot be
// reached; any other stops the fold.
func (f *fold) look() error {
	f.mu.RLock()
	holding := f.shown
	f.mu.RUnlock()
	for line, err := range f.log.Rest(f.ctx) {
		if err != nil {
			if f.ctx.Err() != nil {
				return err
			}
			if events.CodeOf(err) == events.Unavailable { // what is held is good, and the next reading begins after it
				f.set(func() { f.lost = true })
				return err
			}
			f.fail(err)
			return nil
		}
		f.held.add(line, f.log.Twig())
		f.seen.Add(1)
		switch size := len(f.held.text); {
		case holding && size >= f.most:
			holding = false
			f.set(func() { f.shown = false })
		case holding || size < loadBytes:
			continue
		}
		if !f.apply() {
			return nil
		}
	}
	if f.ctx.Err() != nil || !f.apply() {
		return nil
	}
	f.lock()
	defer f.mu.Unlock()
	none := f.taken == 0
	if f.lost || f.shown == none || f.none != none {
		f.lost, f.shown, f.none = false, !none, none
		if t := f.following(); t != nil {
			t.restart(f.taken) // what was not shown while it was read is read again by those who want it
		}
		f.note()
	}
	return nil
}

// apply applies what is held, and reports whether all of it could be.
func (f *fold) apply() bool {
	fault := f.take()
	switch { // nobody reads the lines any more
	case fault != nil:
		f.fail(fault)
		return false
	case f.ctx.Err() != nil:
		return false
	}
	f.held.clear()
	return true
}

// take applies what is held, a batch under each lock. The error is why the event after the last cannot be.
func (f *fold) take() (fault error) {
	ctx, stop := context.WithCancel(f.ctx)
	batches := reading.Start(ctx, f.held.lines, f.held.twig)
	defer func() {
		stop()
		for range batches { // until the lines have been left
		}
	}()
	start, line := 0, 0
	for batch := range batches {
		fault = batch.Err
		f.lock()
		t := f.following()
		if !f.shown {
			t = nil
		}
		for i := range batch.Events {
			if err := f.book.ApplyStored(&batch.Events[i], batch.Twigs[i]); err != nil {
				fault = err
				break
			}
			f.taken++
			if t != nil {
				t.add(f.taken, f.held.text[start:f.held.ends[line]])
			}
			start = f.held.ends[line]
			line++
		}
		f.remember()
		f.note()
		f.mu.Unlock()
		if t != nil {
			t.news()
		}
		if fault != nil {
			return fault
		}
		batch.Again()
	}
	return nil
}

func (f *fold) set(change func()) {
	f.lock()
	defer f.mu.Unlock()
	change()
	f.note()
}

// fail stops the fold for good at the event after the last.
func (f *fold) fail(err error) {
	f.held = piece{}
	f.set(func() {
		f.shown = false
		f.err = &Stopped{Fund: f.fund, At: f.taken + 1, Err: err}
	})
}

func (f *fold) last() events.Seq { return f.now.Load().Seq }

func (f *fold) stopped() *Stopped {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.err
}

func (f *fold) nothing() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.none
}

// at is what the book held as known at n, which it has come to. Roots are remembered, since that of an earlier number takes lines of the log. The fold must be
// locked.
func (f *fold) at(n events.Seq) (Cut, error) {
	f.roots.mu.Lock()
	root := f.roots.of[n]
	f.roots.mu.Unlock()
	if root == "" {
		var err error
		if root, err = f.book.At(n).Root(); err != nil {
			return Cut{}, err
		}
		f.roots.mu.Lock()
		if len(f.roots.of) >= rootsMost {
			clear(f.roots.of)
		}
		f.roots.of[n] = root
		f.roots.mu.Unlock()
	}
	return Cut{n, root, f.book.History().Recorded(n)}, nil
}

// before returns a log that stands somewhat before an event that the fold has come to, or behind it, and the number of the event it stands behind.
func (f *fold) before(n events.Seq) (Log, events.Seq, error) {
	f.rlock()
	defer f.mu.RUnlock()
	return f.log.Before(n, func(n events.Seq) (proof.Tree, error) { return f.book.At(n).History().Tree() })
}

// lines yields the stored lines after one number up to another, which the fold has applied.
func (f *fold) lines(ctx context.Context, after, to events.Seq) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if after >= to {
			return
		}
		log, n, err := f.before(after)
		if err != nil {
			yield(nil, err)
			return
		}
		for line, err := range log.Rest(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if n++; n <= after {
				continue
			}
			if !yield(line, nil) || n == to {
				return
			}
		}
		if n < to {
			yield(nil, changed(f.fund, to))
		}
	}
}
