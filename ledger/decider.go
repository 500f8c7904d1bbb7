package ledger

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
)

// A Log is where one fund's blocks are kept. It stands at a position: after everything that was replayed from it or appended to it.
type Log interface {
	// Replay yields every stored line from the beginning, verified, without its LF, and leaves the log standing at its end. A fund that has no
	// log yet has no lines.
	Replay(ctx context.Context) iter.Seq2[[]byte, error]
	// Append stores a block at the position, durably and whole, and moves the position after it; or it
	// returns an error and the position stays. An error that wraps [events.ErrConflict] says that another writer's block stands there and this one
	// does not; one of code [events.Unavailable], that nothing was sent. After any other error the block may be stored, now or later.
	Append(ctx context.Context, b *proof.Block) error
	// Current returns nil when the log's leader, asked now, has nothing after the position, and an error that wraps [events.ErrConflict] when it has.
	Current(ctx context.Context) error
	// Line returns the stored line of an event before the position, without its LF. It may be called while Append is at work.
	Line(ctx context.Context, n events.Seq) ([]byte, error)
	// Keep stores a snapshot: what the owner of the log has made of everything before the position. It is a cache, and may be lost.
	Keep(snapshot []byte) error
	// Recall returns the snapshot that was kept last and leaves the log standing where it was made; nil where there is none, or none that is whole.
	// Whether the log still has what the snapshot was made of, Rest tells.
	Recall(ctx context.Context) []byte
	// Rest is Replay from the position on. It also checks that the block before the position is still the one that was there.
	Rest(ctx context.Context) iter.Seq2[[]byte, error]
	// Close ends writing.
	Close() error
}

// The bounds of one block and of one atomic list of commands.
const (
	MaxBlockEvents = 1000
	MaxBlockBytes  = 512 << 10
)

// The bounds say how much a decider takes on, and for how long.
type bounds struct {
	// Of what waits for it; above either the answer is busy.
	commands, bytes int
	// When nobody has asked for so long, it keeps a snapshot, if so many events are new since the last one.
	snapshotAfter time.Duration
	snapshotLeast events.Seq
	// When nobody has asked for so much longer, it ends: the next command loads the fund again.
	unloadAfter time.Duration
}

var usual = bounds{
	commands: 100_000, bytes: 256 << 20,
	snapshotAfter: 2 * time.Second, snapshotLeast: 20_000, // fewer are replayed in less than a tenth of a second
	unloadAfter: 10 * time.Minute,
}

// maxRedo is how often a command is decided again because another writer was faster, before it is given back.
const maxRedo = 8

// behind is how far a writer's clock may be behind the log's tail: more than the drift of kept clocks, less than anyone's mistake.
const behind = 2 * time.Second

// A decider is the one place where a fund's commands are decided. It takes whatever has queued up, decides it in memory, stores the accepted
// events as one block and answers when the block is on disk. While a block is under way the next is decided; only one is ever under way, since
// with two a second writer could slip in between and fork the log for ever.
type decider struct {
	fund   events.Fund
	log    Log
	now    func() time.Time
	bounds bounds
	meter  *meter // nil: nothing is counted

	mu      sync.Mutex
	queue   []*job
	waiting int // commands in queue
	size    int // of them, in bytes
	closed  bool
	ready   chan struct{} // has an element when queue or closed changed

	before <-chan struct{} // closed when the fund's decider before this one has ended; nil: there was none
	done   chan struct{}   // closed when this one has

	// The decider's own goroutine alone uses what follows.
	state  *state     // nil: to be loaded
	kept   events.Seq // the last event in the last snapshot
	next   batch
	flying *batch  // under way to the disk
	landed []lines // of the last blocks, so that what is asked for soon again need not be fetched
	spare  lines   // room for others
	ahead  []*job  // room for those that are looked at together
}

// keepBlocks is how many blocks stay at hand after they have landed.
const keepBlocks = 8

// Lines are stored or encoded events, one after another.
type lines struct {
	first events.Seq // the number of the first
	proof.Block
}

// line returns the line of an event without its LF, nil if it is not one of these.
func (l *lines) line(n events.Seq) []byte {
	if n < l.first || n-l.first >= events.Seq(l.Len()) {
		return nil
	}
	return l.Line(int(n - l.first))
}

func newDecider(fund events.Fund, log Log, now func() time.Time, b bounds) *decider {
	return &decider{fund: fund, log: log, now: now, bounds: b, ready: make(chan struct{}, 1), done: make(chan struct{})}
}

func (d *decider) signal() {
	select {
	case d.ready <- struct{}{}:
	default:
	}
}

// submit queues a job, unless the decider is about to end. It answers busy at once when too much waits already.
func (d *decider) submit(j *job) bool {
	size := j.size()
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return false
	}
	if d.waiting > 0 && (d.waiting+len(j.inputs) > d.bounds.commands || d.size+size > d.bounds.bytes) {
		d.mu.Unlock()
		j.fail(&events.Error{Code: events.Busy})
		return true
	}
	d.queue = append(d.queue, j)
	d.waiting += len(j.inputs)
	d.size += size
	d.mu.Unlock()
	d.signal()
	return true
}

// close lets what is queued be answered and then ends run.
func (d *decider) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.signal()
}

// retire ends a decider for which nothing is queued; it reports whether it did.
func (d *decider) retire() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = d.closed || len(d.queue) == 0
	return d.closed && len(d.queue) == 0
}

func (d *decider) ending() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *decider) take() (j *job, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil, d.closed
	}
	if j = d.queue[0]; !d.next.holds(j) {
		return nil, false
	}
	d.queue[0] = nil
	d.queue = d.queue[1:]
	d.waiting -= len(j.inputs)
	d.size -= j.size()
	return j, false
}

// run decides until close, or until nobody has asked for a long time. A cancelled ctx fails what has not been answered.
func (d *decider) run(ctx context.Context) {
	defer close(d.done)
	if d.before != nil {
		<-d.before
	}
	defer d.end()
	landed := make(chan error, 1)
	grown := 0 // how large the batch was when others were last let through
	for {
		for {
			j, closed := d.take()
			if j == nil {
				if closed && d.flying == nil && len(d.next.jobs) == 0 {
					return
				}
				break
			}
			d.add(ctx, j)
		}
		switch {
		case d.flying != nil:
			// The batch grows until the block under way has landed.
			select {
			case err := <-landed:
				b := d.flying
				d.flying = nil
				d.land(ctx, b, err)
			case <-d.more():
			}
		case d.next.Len() > grown && !d.full():
			// Those who were answered a moment ago may have their next command ready by then: the block takes all of them, and not only the first.
			grown = d.next.Len()
			runtime.Gosched()
		case d.next.Len() > 0:
			grown = 0
			b := d.next
			d.flying, d.next = &b, batch{lines: d.spare}
			d.spare = lines{}
			go func() {
				sent := time.Now()
				err := d.log.Append(ctx, &b.Block)
				b.took = time.Since(sent)
				landed <- err
			}()
			runtime.Gosched() // it begins at once, and not when there is nothing more to decide
		case len(d.next.jobs) > 0:
			d.answerNothingStored(ctx)
		default:
			if d.rest() {
				return
			}
		}
	}
}

// rest waits until there is something to do. It reports whether nobody came for so long that the decider has ended.
func (d *decider) rest() bool {
	select {
	case <-d.ready:
		return false
	case <-time.After(d.bounds.snapshotAfter):
	}
	d.snapshot()
	select {
	case <-d.ready:
		return false
	case <-time.After(d.bounds.unloadAfter):
		return d.retire()
	}
}

func (d *decider) end() {
	d.snapshot()
	d.state = nil
	_ = d.log.Close() // it has written what it had to
}

// snapshot keeps what there is, if enough is new. Nothing is decided that is not in the log.
func (d *decider) snapshot() {
	if d.state == nil || d.state.last < d.kept+d.bounds.snapshotLeast {
		return
	}
	if d.log.Keep(d.state.snapshot()) == nil { // without it the next start takes longer
		d.kept = d.state.last
	}
}

// more has an element when there is something that the batch can still take.
func (d *decider) more() <-chan struct{} {
	if d.full() {
		return nil
	}
	return d.ready
}

// full reports whether the first job that waits has to wait for the next block.
func (d *decider) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queue) > 0 && !d.next.holds(d.queue[0])
}

// add decides the commands of a job on top of everything decided before.
func (d *decider) add(ctx context.Context, j *job) {
	if d.state == nil {
		if err := d.load(ctx); err != nil {
			j.fail(asFailure(err))
			return
		}
	}
	now := d.now()
	if last := d.state.lastTime; now.Before(last.Add(-behind)) {
		j.fail(&events.Error{Code: events.ClockBehind, Args: events.Args{
			"now": now.UTC().Format(events.TimeForm), "last": last.UTC().Format(events.TimeForm),
		}})
		return
	}
	if j.receipts == nil {
		j.receipts = make([]Receipt, len(j.inputs))
	}
	d.next.jobs = append(d.next.jobs, j)
	d.expect(j)
	d.next.decided += len(j.inputs)
	if !j.atomic && j.proposal == nil {
		for i := range j.inputs {
			j.receipts[i] = d.decide(ctx, j, i, now)
		}
		return
	}
	before := d.next
	d.state.recording = true
	if j.proposal != nil {
		*j.proposal = proposal{last: d.state.last}
	}
	for i := range j.inputs {
		j.receipts[i] = d.decide(ctx, j, i, now)
		if s := j.receipts[i].Status; j.atomic && (s == Refused || s == Failed) {
			d.undoAtomic(j, i, before)
			return
		}
	}
	if size := len(d.next.Text) - len(before.Text); j.atomic && (d.next.Len()-before.Len() > MaxBlockEvents || size > MaxBlockBytes) {
		j.receipts[0] = refusedReceipt(&j.inputs[0], atomicTooLarge(size))
		d.undoAtomic(j, 0, before)
		return
	}
	if j.proposal != nil {
		for i := before.Len(); i < d.next.Len(); i++ {
			j.proposal.lines = append(j.proposal.lines, slices.Clone(d.next.Line(i)))
		}
		d.state.rollback()
		d.next.Cut(before.Len())
		return
	}
	d.state.commit()
}

// lookAhead is how many jobs have their keys looked up together.
const lookAhead = 32

// expect makes the keys of a job, if it has none yet, and of those that are next, and looks all of them up at once. One after the other each would wait
// for the memory where it would stand, which was a third of deciding a payment of a million.
func (d *decider) expect(j *job) {
	if j.keyed == d.state {
		return
	}
	d.mu.Lock()
	d.ahead = append(append(d.ahead[:0], j), d.queue[:min(len(d.queue), lookAhead-1)]...)
	d.mu.Unlock()
	for _, j := range d.ahead {
		if j.keyed != d.state {
			j.keys, j.keyed = d.state.keysOf(j.inputs), d.state
		}
	}
	for _, j := range d.ahead {
		d.state.touch(j.keys)
	}
	clear(d.ahead)
}

// undoAtomic takes back what was decided for a job whose command i was refused.
func (d *decider) undoAtomic(j *job, i int, before batch) {
	d.state.rollback()
	d.next.Cut(before.Len())
	for k := range j.receipts {
		if k != i {
			j.receipts[k] = receipt(&j.inputs[k], NotTried)
		}
	}
}

func tooLarge(size, limit int) *events.Error {
	return refusal(events.TooLarge, events.Args{"size": strconv.Itoa(size), "limit": strconv.Itoa(limit)})
}

func atomicTooLarge(size int) *events.Error {
	e := tooLarge(size, MaxBlockBytes)
	e.Why = "atomic-size"
	return e
}

// decide decides one command and, when it is accepted, encodes its event into the batch and applies it.
func (d *decider) decide(ctx context.Context, j *job, i int, now time.Time) Receipt {
	in := &j.inputs[i]
	if in.Err != nil {
		return refusedReceipt(in, in.Err)
	}
	d.state.asked = &j.keys[i]
	if err := d.gather(ctx, in); err != nil {
		return refusedReceipt(in, asFailure(err))
	}
	e, first, err := d.state.decide(in.ID, in.Command, j.actor, now)
	if err != nil {
		return refusedReceipt(in, err)
	}
	if first != 0 {
		was := d.state.get(first)
		r := storedReceipt(in, Duplicate, first, was.Time, was.Flags)
		r.ID = was.ID
		return r
	}
	to := &d.next.lines
	to.Text = events.AppendLine(to.Text, e)
	if size := to.Open(); size > events.MaxLine {
		to.Cut(to.Len())
		return refusedReceipt(in, tooLarge(size, events.MaxLine))
	}
	if err := d.state.fold(e); err != nil {
		// A decision that its own state cannot take is a defect of the ledger; nothing of it may be stored.
		panic("ledger: decided what cannot be applied: " + err.Error())
	}
	if to.Len() == 0 {
		to.first = e.Seq
	}
	to.End()
	return storedReceipt(in, Appended, e.Seq, e.Time, e.Flags)
}

// land answers the callers of a block that is on disk, or finds out what became of it.
func (d *decider) land(ctx context.Context, b *batch, err error) {
	d.meter.landed(b, err)
	if err == nil {
		b.answer(d.meter)
		d.keep(b.lines)
		return
	}
	redo := append(b.jobs, d.next.jobs...)
	d.next, d.state, d.landed = batch{}, nil, nil
	if ctx.Err() != nil {
		failAll(b.jobs, &events.Error{Code: events.UnknownOutcome, Err: err})
		failAll(redo[len(b.jobs):], &events.Error{Code: events.Unavailable, Err: err})
		return
	}
	if loadErr := d.load(ctx); loadErr != nil {
		failure := &events.Error{Code: events.UnknownOutcome, Err: err}
		if code := events.CodeOf(err); code == events.Unavailable {
			failure.Code = code
		}
		failAll(b.jobs, failure)
		failAll(redo[len(b.jobs):], asFailure(loadErr))
		return
	}
	switch stored, fetchErr := d.stored(ctx, b); {
	case fetchErr != nil:
		failAll(b.jobs, &events.Error{Code: events.UnknownOutcome, Err: fetchErr})
		redo = redo[len(b.jobs):]
	case stored:
		b.answer(d.meter)
		redo = redo[len(b.jobs):]
	case !errors.Is(err, events.ErrConflict):
		// Whether the block is still on its way nobody can say. Deciding it again is safe: the fence lets only one of the two in, and ids
		// that turn out to be stored are duplicates.
		failAll(b.jobs, &events.Error{Code: codeOr(err, events.UnknownOutcome), Why: whyOf(err), Args: argsOf(err), Err: err})
		redo = redo[len(b.jobs):]
	}
	d.again(redo)
}

// keep keeps the lines of a block that has landed, and gives the room of the oldest to another.
func (d *decider) keep(l lines) {
	if d.landed = append(d.landed, l); len(d.landed) > keepBlocks {
		d.spare = d.landed[0]
		d.spare.Cut(0)
		d.landed = slices.Delete(d.landed, 0, 1)
	}
}

// stored reports whether the freshly loaded log holds just the events that the batch's receipts speak of.
func (d *decider) stored(ctx context.Context, b *batch) (bool, error) {
	found := false
	for _, j := range b.jobs {
		for _, r := range j.receipts {
			if r.Status != Appended {
				continue
			}
			if d.state.withID(r.ID) != r.Seq {
				return false, nil
			}
			d.state.begin()
			if err := d.fetch(ctx, d.state, r.Seq); err != nil {
				return false, err
			}
			if d.state.get(r.Seq).Time.UTC().Format(events.TimeForm) != r.Recorded {
				return false, nil
			}
			found = true
		}
	}
	return found, nil
}

// again puts jobs back in front of the queue, to be decided on the state as it then is.
func (d *decider) again(jobs []*job) {
	var back []*job
	for _, j := range jobs {
		if j.redone++; j.redone > maxRedo {
			j.fail(&events.Error{Code: events.Busy})
			continue
		}
		back = append(back, j)
	}
	d.mu.Lock()
	for _, j := range back {
		d.waiting += len(j.inputs)
		d.size += j.size()
	}
	d.queue = append(back, d.queue...)
	d.mu.Unlock()
	d.signal()
}

// answerNothingStored answers refusals and duplicates, once it is known that nobody else has written meanwhile.
func (d *decider) answerNothingStored(ctx context.Context) {
	b := d.next
	d.next = batch{}
	err := d.log.Current(ctx)
	switch {
	case err == nil:
		b.answer(d.meter)
	case errors.Is(err, events.ErrConflict):
		d.state = nil
		d.again(b.jobs)
	default:
		d.state = nil
		failAll(b.jobs, asFailure(err))
	}
}
