// Package ledger is the write side: it decides which commands become events.
//
// A fund has one decider at a time. It keeps the fund's state in memory, a fold of the fund's log, and decides each command against it with a
// pure function: retries first, then refusals in the order of [events.Refusals]. What is accepted is stored as one block of events, fenced so
// that a second writer loses and never forks the log, and answered when the block is on disk.
//
// The ledger never reads a projection: that may lag.
package ledger

import (
	"context"
	"strconv"
	"sync"
	"time"

	"fundledger/events"
)

// Local is who appends where nobody has to log in: whoever may read the data folder's token.
var Local = events.Actor{ID: "local", Role: "operator"}

// A Ledger decides the commands of any number of funds. Funds know nothing of each other.
type Ledger struct {
	logs Logs
	now  func() time.Time

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
	return &Ledger{logs: logs, now: now, ctx: ctx, stop: stop, deciders: map[events.Fund]*decider{}}
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

func (l *Ledger) decider(fund events.Fund) *decider {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.deciders[fund]
	if d == nil {
		d = newDecider(fund, l.logs(fund), l.now)
		if l.closed {
			d.closed = true
			return d
		}
		l.deciders[fund] = d
		l.running.Go(func() { d.run(l.ctx) })
	}
	return d
}

// Submit puts commands of one caller into the queues of their funds, in their order, and calls done once, with the receipts in the order of the
// inputs. With atomic they are of one fund and stand or fall together. Submit itself does not wait.
func (l *Ledger) Submit(inputs []Input, actor events.Actor, atomic bool, done func([]Receipt)) {
	if len(inputs) == 0 {
		done([]Receipt{})
		return
	}
	receipts := make([]Receipt, len(inputs))
	var parts [][]int
	if atomic {
		if refused := RefuseAtomic(inputs); refused != nil {
			done(refused)
			return
		}
		parts = append(parts, places(0, len(inputs)))
	} else {
		parts = split(inputs)
	}
	var mu sync.Mutex
	left := len(parts)
	for _, part := range parts {
		j := &job{inputs: make([]Input, len(part)), atomic: atomic, actor: actor}
		for k, i := range part {
			j.inputs[k] = inputs[i]
		}
		j.done = func(rs []Receipt) {
			mu.Lock()
			for k, i := range part {
				receipts[i] = rs[k]
			}
			left--
			last := left == 0
			mu.Unlock()
			if last {
				done(receipts)
			}
		}
		f := j.inputs[0].Command.Fund
		if f == "" || j.inputs[0].Err != nil { // no decider is needed to refuse what could not be read
			j.fail(nil)
			continue
		}
		l.decider(f).submit(j)
	}
}

// The most that is queued as one job. Jobs are what a block is filled with, so they are small beside a block.
const (
	maxJob      = 64
	maxJobBytes = 64 << 10
)

// split cuts inputs into jobs: neighbours of one fund, few enough; those that could not be read apart.
func split(inputs []Input) [][]int {
	var parts [][]int
	start, size := 0, 0
	for i := range inputs {
		in, first := &inputs[i], &inputs[start]
		size += len(in.Command.Raw)
		if i > start && (in.Command.Fund != first.Command.Fund || (in.Err != nil) != (first.Err != nil) || i-start >= maxJob || size > maxJobBytes) {
			parts = append(parts, places(start, i))
			start, size = i, len(in.Command.Raw)
		}
	}
	return append(parts, places(start, len(inputs)))
}

func places(from, to int) []int {
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
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
		out = t.decide(ctx, inputs, actor, true)
	} else {
		for i := range inputs {
			out = append(out, t.decide(ctx, inputs[i:i+1], actor, false)...)
		}
	}
	for i := range out {
		r := &out[i]
		if r.Status == Appended {
			r.Status = WouldAppend
		}
		if r.Seq > t.stored[inputs[i].Command.Fund] { // an event of this trial alone
			r.Seq, r.Recorded = 0, ""
		}
	}
	return out
}

func (t *Trial) decide(ctx context.Context, inputs []Input, actor events.Actor, atomic bool) (out []Receipt) {
	j := &job{inputs: inputs, atomic: atomic, actor: actor, done: func(rs []Receipt) { out = rs }}
	f := inputs[0].Command.Fund
	if f == "" || inputs[0].Err != nil {
		j.fail(nil)
		return out
	}
	d := t.funds[f]
	if d == nil {
		d = newDecider(f, t.logs(f), t.now)
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
	d.next.answer()
	d.next = batch{}
	return out
}

func countFunds(inputs []Input) int {
	funds := map[events.Fund]bool{}
	for i := range inputs {
		funds[inputs[i].Command.Fund] = true
	}
	return len(funds)
}
