// Package ledger is the write side: it decides which commands become events.
//
// A fund has one decider at a time. It keeps the fund's state in memory, a fold of the fund's log, and decides each command against it with a
// pure function: retries first, then refusals in the order of [events.Refusals]. What is accepted is stored as one block of events, fenced so
// that a second writer loses and never forks the log, and answered when the block is on disk.
//
// The state keeps the keys of all ids and vouchers, some fifty bytes an event, and of the events themselves nothing: a command that names one has
// its line fetched again. A fund is loaded when it is first asked for, from a snapshot bound to the log's root where there is one, and let go of when
// nobody has asked for a while.
//
// The ledger never reads a projection: that may lag.
package ledger

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"
)

// Local is who appends where nobody has to log in: whoever may read the data folder's token.
var Local = events.Actor{ID: "local", Role: "operator"}

// A Ledger decides the commands of any number of funds. Funds know nothing of each other.
type Ledger struct {
	logs   Logs
	now    func() time.Time
	bounds bounds
	meter  *meter

	ctx      context.Context
	stop     context.CancelFunc
	mu       sync.Mutex
	deciders map[events.Fund]*decider
	closed   bool
	running  sync.WaitGroup
}

// Logs gives the log of each fund, without making one that is not there.
type Logs func(events.Fund) Log

// Open returns a ledger over logs. now is the clock; nil means the system's.
func Open(logs Logs, now func() time.Time) *Ledger {
	if now == nil {
		now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Ledger{logs: logs, now: now, bounds: usual, meter: newMeter(), ctx: ctx, stop: stop, deciders: map[events.Fund]*decider{}}
}

// Close answers what is queued and lets no more in. Work that has not ended when ctx does is failed.
func (l *Ledger) Close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	for _, d := range l.deciders {
		d.close()
	}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		l.stop()
		<-done
	}
	l.stop()
}

// decider returns the fund's decider, nil once the ledger is closed.
func (l *Ledger) decider(fund events.Fund) *decider {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.deciders[fund]
	switch {
	case l.closed:
		return nil
	case old != nil && !old.ending():
		return old
	}
	d := newDecider(fund, l.logs(fund), l.now, l.bounds)
	d.meter = l.meter
	if old != nil {
		d.before = old.done
	}
	l.deciders[fund] = d
	l.running.Go(func() { d.run(l.ctx) })
	return d
}

// submit queues a job with its fund's decider.
func (l *Ledger) submit(fund events.Fund, j *job) {
	for {
		d := l.decider(fund)
		if d == nil {
			j.fail(&events.Error{Code: events.Unavailable})
			return
		}
		if d.submit(j) { // else it has ended meanwhile
			return
		}
	}
}

// Unload answers what is queued for a fund and lets go of what is kept of it in memory. The next command loads it again.
func (l *Ledger) Unload(fund events.Fund) {
	l.mu.Lock()
	d := l.deciders[fund]
	l.mu.Unlock()
	if d != nil {
		d.close()
		<-d.done
	}
}

// Submit puts commands of one caller into the queues of their funds, in their order, and calls done once, with the receipts in the order of the
// inputs. Together, they are of one fund and stand or fall as one. Submit itself does not wait; the inputs must stay as they are until then.
func (l *Ledger) Submit(inputs []Input, actor events.Actor, together bool, done func([]Receipt)) {
	if len(inputs) == 0 {
		done([]Receipt{})
		return
	}
	parts := []int{len(inputs)}
	if together {
		if refused := RefuseAtomic(inputs); refused != nil {
			j := &job{inputs: inputs, done: done, submitted: time.Now(), meter: l.meter}
			j.answer(refused)
			return
		}
	} else if len(inputs) > 1 {
		parts = split(inputs)
	}
	if len(parts) == 1 {
		l.submitJob(&job{inputs: inputs, atomic: together, actor: actor, done: done})
		return
	}
	receipts := make([]Receipt, len(inputs))
	var left atomic.Int64
	left.Store(int64(len(parts)))
	for k, to := range parts {
		from := 0
		if k > 0 {
			from = parts[k-1]
		}
		j := &job{inputs: inputs[from:to:to], receipts: receipts[from:to:to], atomic: together, actor: actor}
		j.done = func(rs []Receipt) {
			copy(receipts[from:], rs)
			if left.Add(-1) == 0 {
				done(receipts)
			}
		}
		l.submitJob(j)
	}
}

func (l *Ledger) submitJob(j *job) {
	j.submitted, j.meter = time.Now(), l.meter
	f := j.inputs[0].Command.Fund
	if f == "" || j.inputs[0].Err != nil { // no decider is needed to refuse what could not be read
		j.fail(nil)
		return
	}
	l.submit(f, j)
}

// The most that is queued as one job. Jobs are what a block is filled with, so they are small beside a block.
const (
	maxJob      = 16
	maxJobBytes = 16 << 10
)

// split cuts inputs into jobs and returns where each ends: neighbours of one fund, few enough; those that could not be read apart.
func split(inputs []Input) (ends []int) {
	start, size := 0, 0
	for i := range inputs {
		in, first := &inputs[i], &inputs[start]
		size += len(in.Command.Raw)
		if i > start && (in.Command.Fund != first.Command.Fund || (in.Err != nil) != (first.Err != nil) || i-start >= maxJob || size > maxJobBytes) {
			ends = append(ends, i)
			start, size = i, len(in.Command.Raw)
		}
	}
	return append(ends, len(inputs))
}

// Append is Submit for a caller that waits. When ctx ends first, the commands not answered by then are failed with an unknown outcome.
func (l *Ledger) Append(ctx context.Context, inputs []Input, actor events.Actor, atomic bool) []Receipt {
	done := make(chan []Receipt, 1)
	l.Submit(inputs, actor, atomic, func(rs []Receipt) { done <- rs })
	select {
	case rs := <-done:
		return rs
	case <-ctx.Done():
		j := &job{inputs: inputs, done: func(rs []Receipt) { done <- rs }}
		unknown := make(chan []Receipt, 1)
		j.done = func(rs []Receipt) { unknown <- rs }
		j.fail(&events.Error{Code: events.UnknownOutcome, Err: ctx.Err()})
		return <-unknown
	}
}

// Propose answers as [Ledger.Append] would, with would-append for what it would store, and stores nothing. The commands are of one fund, and each counts the ones before
// it; atomic, they stand or fall as one. lines are those of the events that would be stored, each without its LF. No more can be asked for at once than can stand or
// fall as one, so that nobody who appends waits long behind one who asks.
func (l *Ledger) Propose(ctx context.Context, inputs []Input, actor events.Actor, atomic bool) (out []Receipt, lines [][]byte) {
	if atomic {
		if refused := RefuseAtomic(inputs); refused != nil {
			return refused, nil
		}
		return l.propose(ctx, inputs, actor, true)
	}
	out = make([]Receipt, len(inputs))
	var readable []Input
	var at []int
	for i := range inputs {
		if in := &inputs[i]; in.Err != nil || in.Command.Fund == "" {
			out[i] = refusedReceipt(in, in.Err)
			continue
		}
		readable, at = append(readable, inputs[i]), append(at, i)
	}
	rs := RefuseAtomic(readable)
	if rs == nil {
		rs, lines = l.propose(ctx, readable, actor, false)
	}
	for k, i := range at {
		out[i] = rs[k]
	}
	return out, lines
}

func (l *Ledger) propose(ctx context.Context, inputs []Input, actor events.Actor, atomic bool) (out []Receipt, lines [][]byte) {
	if len(inputs) == 0 {
		return nil, nil
	}
	done := make(chan []Receipt, 1)
	p := &proposal{}
	l.submitJob(&job{inputs: inputs, atomic: atomic, actor: actor, proposal: p, done: func(rs []Receipt) { done <- rs }})
	select {
	case out = <-done:
		wouldBe(out, func(int) events.Seq { return p.last })
		return out, p.lines
	case <-ctx.Done():
		for i := range inputs {
			out = append(out, refusedReceipt(&inputs[i], &events.Error{Code: events.Unavailable, Err: ctx.Err()}))
		}
		return out, nil
	}
}

// wouldBe makes receipts those of events that are not stored. last is the last stored event of the fund of a command.
func wouldBe(out []Receipt, last func(i int) events.Seq) {
	for i := range out {
		r := &out[i]
		if r.Status == Appended {
			r.Status = WouldAppend
		}
		if r.Seq > last(i) { // which nobody stores
			r.Seq, r.Recorded = 0, ""
		}
	}
}

// RefuseAtomic refuses an atomic list that no decider needs to look at: one with a command that cannot be read, of several funds, or
// too long. It returns nil for any other.
func RefuseAtomic(inputs []Input) []Receipt {
	at, why := -1, (*events.Error)(nil)
	size := 0
	for i := range inputs {
		size += len(inputs[i].Command.Raw)
		if inputs[i].Err != nil && at < 0 {
			at = i
		}
	}
	switch {
	case at >= 0:
	case countFunds(inputs) > 1:
		for i := range inputs {
			if inputs[i].Command.Fund != inputs[0].Command.Fund {
				at = i
				break
			}
		}
		why = &events.Error{Code: events.BadValue, Why: "one-fund", Args: events.Args{
			"field": "fund", "value": string(inputs[at].Command.Fund), "fund": string(inputs[0].Command.Fund),
		}}
	case len(inputs) > MaxBlockEvents:
		at, why = 0, &events.Error{Code: events.TooLarge, Why: "atomic", Args: events.Args{"count": strconv.Itoa(len(inputs)), "limit": strconv.Itoa(MaxBlockEvents)}}
	case size > MaxBlockBytes:
		at, why = 0, atomicTooLarge(size)
	default:
		return nil
	}
	rs := make([]Receipt, len(inputs))
	for i := range inputs {
		rs[i] = receipt(&inputs[i], NotTried)
	}
	err := inputs[at].Err
	if why != nil {
		err = why
	}
	rs[at] = refusedReceipt(&inputs[at], err)
	return rs
}

// A Trial decides commands against a fund's log without storing anything: each counts the ones before it.
type Trial struct {
	logs  Logs
	now   func() time.Time
	funds map[events.Fund]*decider
	// stored is the last event that each log really has.
	stored map[events.Fund]events.Seq
}

// NewTrial returns a trial over logs. now is the clock; nil means the system's.
func NewTrial(logs Logs, now func() time.Time) *Trial {
	if now == nil {
		now = time.Now
	}
	return &Trial{logs: logs, now: now, funds: map[events.Fund]*decider{}, stored: map[events.Fund]events.Seq{}}
}

// Append answers as a ledger would, with would-append for what it would store.
func (t *Trial) Append(ctx context.Context, inputs []Input, actor events.Actor, atomic bool) []Receipt {
	var out []Receipt
	if atomic {
		if refused := RefuseAtomic(inputs); refused != nil {
			return refused
		}
		out = t.decide(ctx, &job{inputs: inputs, actor: actor, atomic: true})
	} else {
		for i := range inputs {
			out = append(out, t.decide(ctx, &job{inputs: inputs[i : i+1], actor: actor})...)
		}
	}
	return t.told(inputs, out)
}

// Propose answers as [Trial.Append] would of an atomic list and leaves the trial as it was, so that several proposals can be held against one another. lines are
// those of the events that would be stored, each without its LF; there are none where the list is refused.
func (t *Trial) Propose(ctx context.Context, inputs []Input, actor events.Actor) (out []Receipt, lines [][]byte) {
	if len(inputs) == 0 {
		return nil, nil
	}
	if refused := RefuseAtomic(inputs); refused != nil {
		return refused, nil
	}
	p := &proposal{}
	out = t.decide(ctx, &job{inputs: inputs, atomic: true, actor: actor, proposal: p})
	return t.told(inputs, out), p.lines
}

// told makes receipts those of a trial.
func (t *Trial) told(inputs []Input, out []Receipt) []Receipt {
	wouldBe(out, func(i int) events.Seq { return t.stored[inputs[i].Command.Fund] })
	return out
}

func (t *Trial) decide(ctx context.Context, j *job) (out []Receipt) {
	j.done = func(rs []Receipt) { out = rs }
	f := j.inputs[0].Command.Fund
	if f == "" || j.inputs[0].Err != nil {
		j.fail(nil)
		return out
	}
	d := t.funds[f]
	if d == nil {
		d = newDecider(f, t.logs(f), t.now, usual)
		t.funds[f] = d
	}
	if d.state == nil {
		if err := d.load(ctx); err != nil {
			j.fail(asFailure(err))
			return out
		}
		t.stored[f] = d.state.last
	}
	d.add(ctx, j)
	d.next.answer(d.meter)
	d.next.jobs, d.next.decided = nil, 0
	if d.next.Len() >= MaxBlockEvents { // they are looked through one after another, so there must be few
		d.landed = append(d.landed, d.next.lines) // it will never be in the log
		d.next = batch{}
	}
	return out
}

func countFunds(inputs []Input) int {
	funds := map[events.Fund]bool{}
	for i := range inputs {
		funds[inputs[i].Command.Fund] = true
	}
	return len(funds)
}
