package live

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
)

// A runner keeps the book of one fund.
type runner struct {
	books   *Books
	fund    events.Fund
	ctx     context.Context
	stop    context.CancelFunc
	fold    atomic.Pointer[fold] // that answers
	news    atomic.Uint64        // number that was told of last
	inUse   atomic.Int64
	recalls atomic.Bool          // it is tried to begin where a snapshot is
	used    atomic.Int64         // when it was asked last, in nanoseconds
	tail    atomic.Pointer[tail] // of the fold that answers, while somebody follows events

	mu         sync.Mutex
	rebuilding bool
	failed     error // how the last rebuilding ended
}

// enter returns the runner of a fund, which stays until it is left.
func (b *Books) enter(fund events.Fund) (*runner, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	r := b.runners[fund]
	if r == nil {
		r = &runner{books: b, fund: fund}
		b.runners[fund] = r
		r.ctx, r.stop = context.WithCancel(b.ctx)
		f := r.begin()
		r.answer(f)
		b.running.Go(func() { r.load(f) })
	}
	r.inUse.Add(1)
	r.used.Store(time.Now().UnixNano())
	return r, nil
}

func (r *runner) leave() {
	r.used.Store(time.Now().UnixNano())
	r.inUse.Add(-1)
}

// drop forgets a runner, if it is still the one of its fund, and ends it: anybody may ask for any number of funds that there are not.
func (b *Books) drop(r *runner) {
	r.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runners[r.fund] == r {
		delete(b.runners, r.fund)
	}
}

// letGo ends the runners that nobody asks any more. One that has stopped stays: it has something to say.
func (b *Books) letGo() {
	tick := time.NewTicker(max(b.o.Idle/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case now := <-tick.C:
			b.mu.Lock()
			for fund, r := range b.runners {
				s := r.status()
				if r.inUse.Load() == 0 && s.State != StoppedHere && !s.Rebuilding && now.UnixNano()-r.used.Load() > int64(b.o.Idle) {
					r.stop()
					delete(b.runners, fund)
				}
			}
			b.mu.Unlock()
		}
	}
}

func (r *runner) begin() *fold {
	f := newFold(r.fund, r.books.source.Log(r.fund), r.books.o.held)
	f.ctx, f.stop = context.WithCancel(r.ctx)
	f.moved = r.books.moved
	return f
}

// answer lets a fold answer from now on. Nobody else looks at its log meanwhile.
func (r *runner) answer(f *fold) {
	f.lock()
	defer f.mu.Unlock()
	f.tail = &r.tail
	r.fold.Store(f)
	if t := r.tail.Load(); t != nil && f.shown {
		t.restart(f.taken)
	}
}

// load reads the log to its end for the first time, from where a snapshot is if there is one, and follows it from there. Meanwhile f answers that it is loading.
func (r *runner) load(f *fold) {
	often := min(r.books.o.Poll, 100*time.Millisecond)
	r.recalls.Store(true)
	k := r.recalled()
	if k != nil {
		for k.ctx.Err() == nil && !k.showing() && k.stopped() == nil {
			if k.look() != nil {
				f.set(func() { f.lost = true })
				k.pause(often)
			}
		}
		if k.showing() {
			r.answer(k)
			r.recalls.Store(false)
			f.set(f.stop) // who waits looks at the other
			close(f.ended)
			k.rouse() // who told of something meanwhile told f
			r.follow(k)
			return
		}
		k.stop() // from the beginning it will be seen whether it is the log
	}
	r.recalls.Store(false)
	f.reach(0, often)
	if f.nothing() { // nobody shall follow what is not there
		r.books.drop(r)
	}
	r.follow(f)
}

// follow keeps a fold at the end of the log, until another answers in its place, the books are closed, or it has stopped.
func (r *runner) follow(f *fold) {
	defer close(f.ended)
	defer func() {
		if r.ctx.Err() != nil { // else another answers in its place, which may know better
			f.keep(&r.books.o)
		}
	}()
	for f.ctx.Err() == nil && !f.nothing() {
		if err := f.stopped(); err != nil {
			r.books.o.Stopped(err)
			return
		}
		f.pause(r.books.o.Poll)
		_ = f.look() // what it came to stands in the fold
		if time.Since(f.tried) >= keepEvery {
			f.keep(&r.books.o)
		}
	}
}

// told hears that the log goes up to n.
func (r *runner) told(n events.Seq) {
	for {
		before := r.news.Load()
		if before >= uint64(n) || r.news.CompareAndSwap(before, uint64(n)) {
			break
		}
	}
	r.fold.Load().rouse()
}

// ready returns the fold of a fund once it shows event wait, locked for reading, and its runner, which is to be left afterwards.
func (b *Books) ready(ctx context.Context, fund events.Fund, wait events.Seq) (*runner, *fold, error) {
	limit := time.NewTimer(b.o.Patience)
	defer limit.Stop()
	for {
		r, err := b.enter(fund)
		if err != nil {
			return nil, nil, err
		}
		f, err := r.until(ctx, limit.C, func(f *fold) bool { return f.shown && f.taken >= wait })
		if err == nil {
			return r, f, nil
		}
		r.leave()
		switch {
		case errors.Is(err, errNothing) && wait == 0:
			return nil, nil, b.unknownFund(ctx, fund)
		case errors.Is(err, errLimit) && wait > 0:
			return nil, nil, notYet(fund, wait, r.fold.Load().last())
		case errors.Is(err, errLimit):
			return nil, nil, &events.Error{Code: events.Unavailable, Why: "loading", Args: events.Args{"fund": string(fund)}}
		case !errors.Is(err, errNothing):
			return nil, nil, err
		}
		select { // its first event may be under way
		case <-time.After(min(b.o.Poll, 50*time.Millisecond)):
		case <-limit.C:
			return nil, nil, notYet(fund, wait, 0)
		case <-ctx.Done():
			return nil, nil, unavailable(ctx.Err())
		}
	}
}

func notYet(fund events.Fund, wait, last events.Seq) error {
	args := events.Args{"value": wait.String(), "fund": string(fund)}
	if last > 0 {
		args["last"] = last.String()
	}
	return &events.Error{Code: events.Unavailable, Why: "not-yet", Args: args}
}

var (
	errNothing = errors.New("the fund has no events")
	errLimit   = errors.New("it took too long")
)

// until returns the fold, locked for reading, once it is as wanted. Every change of a fold is looked at.
func (r *runner) until(ctx context.Context, limit <-chan time.Time, wanted func(*fold) bool) (*fold, error) {
	for {
		f := r.fold.Load()
		f.rlock()
		changed, stopped, none := f.changed, f.err, f.none
		switch {
		case wanted(f):
			return f, nil
		case none:
			f.mu.RUnlock()
			return nil, errNothing
		case stopped != nil:
			f.mu.RUnlock()
			return nil, stopped
		}
		f.mu.RUnlock()
		select {
		case <-changed:
		case <-limit:
			return nil, errLimit
		case <-ctx.Done():
			return nil, unavailable(ctx.Err())
		case <-r.books.ctx.Done():
			return nil, unavailable(r.books.ctx.Err())
		}
	}
}

// present waits until it is known that there is such a fund.
func (r *runner) present(ctx context.Context) error {
	if now := r.fold.Load().now.Load(); now.Seq > 0 || now.Err != nil { // and nobody has to wait
		return nil
	}
	f, err := r.until(ctx, nil, func(f *fold) bool { return f.taken > 0 || f.err != nil || f.lost })
	if errors.Is(err, errNothing) {
		return r.books.unknownFund(ctx, r.fund)
	}
	if err != nil {
		return err
	}
	f.mu.RUnlock()
	return nil
}

func (r *runner) status() Status {
	f := r.fold.Load()
	s := *f.now.Load()
	s.Last = events.Seq(max(r.news.Load(), f.seen.Load(), uint64(s.Seq)))
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Rebuilding = r.rebuilding
	if s.Err == nil {
		s.Err = r.failed
	}
	return s
}

// rebuild begins to fold a new book beside the one that answers. One that is being loaded is as new as can be.
func (r *runner) rebuild() {
	r.books.mu.Lock()
	defer r.books.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.fold.Load()
	if r.rebuilding || r.recalls.Load() || old.now.Load().State == Loading || r.books.ctx.Err() != nil {
		return
	}
	r.rebuilding, r.failed = true, nil
	r.books.running.Go(func() {
		f := r.begin()
		err := r.replace(old, f)
		if err != nil {
			f.stop() // else its book would be held for as long as the runner is
		}
		r.mu.Lock()
		r.rebuilding, r.failed = false, err
		r.mu.Unlock()
		if err == nil {
			r.follow(f)
		}
	})
}

// replace puts a new fold in the place of an old one, once it has come as far. Where it cannot, the old one stays as it is.
func (r *runner) replace(old, f *fold) error {
	often := min(r.books.o.Poll, 100*time.Millisecond)
	if err := f.reach(old.last(), often); err != nil {
		return err
	}
	// From here on the old one stands still, though it answers.
	old.stop()
	<-old.ended
	shown := old.now.Load().Cut
	for f.stopped() == nil {
		err := f.reach(shown.Seq, often)
		if f.ctx.Err() != nil {
			return unavailable(f.ctx.Err())
		}
		if err == nil && shown.Root != "" {
			var at Cut
			f.mu.RLock()
			at, err = f.at(shown.Seq)
			f.mu.RUnlock()
			if err == nil && at.Root != shown.Root {
				err = changed(r.fund, shown.Seq) // what was shown is no longer what stands there
			}
			if err != nil && events.CodeOf(err) != events.Unavailable {
				f.fail(err)
			}
		}
		if err == nil {
			break
		}
	}
	r.answer(f)
	old.set(func() {})
	return nil
}
