package live

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/projections"
)

// A fold is one folding of a log, from its beginning on.
type fold struct {
	fund  events.Fund
	log   Log // used by whoever looks
	most  int // bytes that are held
	held  piece
	wake  chan struct{}
	ended chan struct{} // closed when nobody looks any more
	ctx   context.Context
	stop  context.CancelFunc
	seen  atomic.Uint64 // number of the last event that was read

	mu    sync.RWMutex
	book  *projections.Book
	tree  proof.Tree // over what the book holds
	marks []Mark     // in their order, the beginning first
	roots map[events.Seq]string
	shown bool
	none  bool     // the log has no events
	lost  bool     // the log could not be reached when it was last looked at
	err   *Stopped // it stopped
	// changed is closed, and another put in its place, when any of these has changed.
	changed chan struct{}
}

const (
	// markEvery is after how many events another place in the log is remembered: reading on from there takes little longer than reading one batch.
	markEvery = 2000
	// pieceEvents are applied under one lock: in a millisecond or so.
	pieceEvents = 1000
	// loadBytes are applied at a time while nobody is shown anything.
	loadBytes = 1 << 20
	// rootsMost bounds the roots that are remembered.
	rootsMost = 4096
)

func newFold(fund events.Fund, log Log, most int) *fold {
	return &fold{
		fund: fund, log: log, most: most, wake: make(chan struct{}, 1), ended: make(chan struct{}), book: projections.NewBook(), marks: []Mark{log.Mark()},
		roots: map[events.Seq]string{}, changed: make(chan struct{}),
	}
}

// A piece is lines of a log, one after the other.
type piece struct {
	text []byte
	ends []int
}

func (p *piece) add(line []byte) {
	p.text = append(p.text, line...)
	p.ends = append(p.ends, len(p.text))
}

func (p *piece) line(i int) []byte {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.text[start:p.ends[i]]
}

// clear forgets the lines, and their room where it is much.
func (p *piece) clear() {
	if cap(p.text) > 2*loadBytes {
		*p = piece{}
	}
	p.text, p.ends = p.text[:0], p.ends[:0]
}

// note tells those who wait. The fold must be locked.
func (f *fold) note() {
	close(f.changed)
	f.changed = make(chan struct{})
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
		f.held.add(line)
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
	f.mu.Lock()
	defer f.mu.Unlock()
	none := f.applied() == 0
	if f.lost || f.shown == none || f.none != none {
		f.lost, f.shown, f.none = false, !none, none
		f.note()
	}
	return nil
}

// apply applies what is held, a piece at a time, and reports whether all of it could be.
func (f *fold) apply() bool {
	batch := make([]events.Event, 0, pieceEvents)
	leaves := make([]proof.Hash, 0, pieceEvents)
	for at := 0; at < len(f.held.ends); at += len(batch) {
		batch, leaves = batch[:0], leaves[:0]
		var fault error
		for i := at; i < len(f.held.ends) && len(batch) < pieceEvents; i++ {
			line := f.held.line(i)
			e, err := events.ParseEvent(line)
			if err != nil {
				fault = err
				break
			}
			batch, leaves = append(batch, e), append(leaves, proof.Leaf(line))
		}
		f.mu.Lock()
		for i := range batch {
			if err := f.book.Apply(&batch[i]); err != nil {
				fault = err
				break
			}
			f.tree.Append(leaves[i])
		}
		if len(batch) > 0 && fault == nil {
			f.note()
		}
		f.mu.Unlock()
		if fault != nil {
			f.fail(fault)
			return false
		}
	}
	f.held.clear()
	if m := f.log.Mark(); m.Seq >= f.marks[len(f.marks)-1].Seq+markEvery { // nobody else changes the marks
		f.mu.Lock()
		f.marks = append(f.marks, m)
		f.mu.Unlock()
	}
	return true
}

func (f *fold) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.note()
}

// fail stops the fold for good at the event after the last.
func (f *fold) fail(err error) {
	f.held = piece{}
	f.set(func() {
		f.shown = false
		f.err = &Stopped{Fund: f.fund, At: f.applied() + 1, Err: err}
	})
}

func (f *fold) last() events.Seq {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.applied()
}

// applied is the number of the last event that was taken: one that a book failed on may stand in it. The fold must be locked.
func (f *fold) applied() events.Seq { return events.Seq(f.tree.Size()) }

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

func (f *fold) loading() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return !f.shown && f.err == nil
}

// shownCut is what the book holds, without a root where it is not shown.
func (f *fold) shownCut() Cut {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.shown {
		return Cut{}
	}
	return f.cut()
}

// cut is what the book holds. The fold must be locked.
func (f *fold) cut() Cut {
	n := f.applied()
	return Cut{n, f.tree.Root().String(), f.book.History().Recorded(n)}
}

// resolve returns the number of the last event not after m, and whether the book is as known then. The fold must be locked.
func (f *fold) resolve(m projections.Moment) (n events.Seq, now bool, err error) {
	n, err = f.book.Resolve(m)
	return n, err != nil || n == f.applied(), err
}

// before returns the last mark not after n.
func (f *fold) before(n events.Seq) Mark {
	f.mu.RLock()
	defer f.mu.RUnlock()
	at, found := slices.BinarySearchFunc(f.marks, n, func(m Mark, n events.Seq) int {
		switch {
		case m.Seq < n:
			return -1
		case m.Seq > n:
			return 1
		}
		return 0
	})
	if !found {
		at--
	}
	return f.marks[at]
}

// root returns the root of the tree over the first n events, which the fold has applied. It is read from the log anew where it is not remembered.
func (f *fold) root(ctx context.Context, n events.Seq) (string, error) {
	f.mu.RLock()
	root := f.roots[n]
	if n == f.applied() {
		root = f.tree.Root().String()
	}
	f.mu.RUnlock()
	if root != "" {
		return root, nil
	}
	m := f.before(n)
	if m.Seq < n {
		for line, err := range m.Open().Rest(ctx) {
			if err != nil {
				return "", err
			}
			m.Tree.Append(proof.Leaf(line))
			if m.Tree.Size() == int64(n) {
				break
			}
		}
		if m.Tree.Size() != int64(n) {
			return "", changed(f.fund, n)
		}
	}
	root = m.Tree.Root().String()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.roots) >= rootsMost {
		clear(f.roots)
	}
	f.roots[n] = root
	return root, nil
}

// lines yields the stored lines after one number up to another, which the fold has applied.
func (f *fold) lines(ctx context.Context, after, to events.Seq) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if after >= to {
			return
		}
		m := f.before(after)
		n := m.Seq
		for line, err := range m.Open().Rest(ctx) {
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
