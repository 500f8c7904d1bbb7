package ledger

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync"
	"time"

	"fundledger/events"
)

// A Log is where one fund's blocks are kept. It stands at a position: after everything that was replayed from it or appended to it.
type Log interface {
	// Replay yields every stored line from the beginning, verified, without its LF, and leaves the log standing at its end. A fund that has no
	// log yet has no lines.
	Replay(ctx context.Context) iter.Seq2[[]byte, error]
	// Append stores count lines, each ended by LF, as one block at the position, durably and whole, and moves the position after it; or it
	// returns an error and the position stays. An error that wraps [events.ErrConflict] says that another writer's block stands there and this one
	// does not; one of code [events.Unavailable], that nothing was sent. After any other error the block may be stored, now or later.
	Append(ctx context.Context, lines []byte, count int) error
	// Current returns nil when the log's leader, asked now, has nothing after the position, and an error that wraps [events.ErrConflict] when it has.
	Current(ctx context.Context) error
}

// The bounds of one block, of one atomic list of commands and of what may wait for a decider.
const (
	MaxBlockEvents = 1000
	MaxBlockBytes  = 512 << 10
	maxWaiting     = 100_000 // commands; above it the answer is busy
)

// maxRedo is how often a command is decided again because another writer was faster, before it is given back.
const maxRedo = 8

// behind is how far a writer's clock may be behind the log's tail: more than the drift of kept clocks, less than anyone's mistake.
const behind = 2 * time.Second

// A job is what one caller asked for: commands that get their receipts together.
type job struct {
	inputs   []Input
	receipts []Receipt
	atomic   bool
	actor    events.Actor
	redone   int
	done     func([]Receipt)
}

// A decider is the one place where a fund's commands are decided. It takes whatever has queued up, decides it in memory, stores the accepted
// events as one block and answers when the block is on disk. While a block is under way the next is decided; only one is ever under way, since
// with two a second writer could slip in between and fork the log for ever.
type decider struct {
	fund events.Fund
	log  Log
	now  func() time.Time

	mu      sync.Mutex
	queue   []*job
	waiting int // commands in queue
	closed  bool
	ready   chan struct{} // has an element when queue or closed changed

	// The decider's own goroutine alone uses what follows.
	state *state // nil: to be loaded
	next  batch
}

// A batch is what has been decided since the last block was launched, with its events encoded.
type batch struct {
	jobs    []*job
	decided int // commands, refused ones too
	lines   []byte
	count   int // events
}

func newDecider(fund events.Fund, log Log, now func() time.Time) *decider {
	return &decider{fund: fund, log: log, now: now, ready: make(chan struct{}, 1)}
}

func (d *decider) signal() {
	select {
	case d.ready <- struct{}{}:
	default:
	}
}

// submit queues a job. It answers busy at once when too much waits already.
func (d *decider) submit(j *job) {
	d.mu.Lock()
	var code events.Code
	switch {
	case d.closed:
		code = events.Unavailable
	case d.waiting+len(j.inputs) > maxWaiting && d.waiting > 0:
		code = events.Busy
	default:
		d.queue = append(d.queue, j)
		d.waiting += len(j.inputs)
	}
	d.mu.Unlock()
	if code != "" {
		j.fail(&events.Error{Code: code})
		return
	}
	d.signal()
}

// close lets what is queued be answered and then ends run.
func (d *decider) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.signal()
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
	return j, false
}

// run decides until close. A cancelled ctx fails what has not been answered.
func (d *decider) run(ctx context.Context) {
	var flying *batch
	landed := make(chan error, 1)
	for {
		for {
			j, closed := d.take()
			if j == nil {
				if closed && flying == nil && len(d.next.jobs) == 0 {
					return
				}
				break
			}
			d.add(ctx, j)
		}
		switch {
		case flying != nil:
			// The batch grows until the block under way has landed.
			select {
			case err := <-landed:
				d.land(ctx, flying, err)
				flying = nil
			case <-d.more():
			}
		case d.next.count > 0:
			b := d.next
			flying, d.next = &b, batch{}
			go func() { landed <- d.log.Append(ctx, b.lines, b.count) }()
		case len(d.next.jobs) > 0:
			d.answerNothingStored(ctx)
		default:
			<-d.ready
		}
	}
}

// more has an element when there is something that the batch can still take.
func (d *decider) more() <-chan struct{} {
	if d.full() {
		return nil
	}
	return d.ready
}

// maxDecided is how many commands are decided before anybody is answered. Refusals fill no block, so without it a stream of them would keep
// everyone waiting, those too whose events are ready to be stored.
const maxDecided = 4 * MaxBlockEvents

// holds reports whether the batch can take a job more; an empty one takes any.
func (b *batch) holds(j *job) bool {
	if len(b.jobs) == 0 {
		return true
	}
	if b.decided+len(j.inputs) > maxDecided {
		return false
	}
	size := 0
	for i := range j.inputs {
		size += 3*len(j.inputs[i].Command.Raw) + 500 // the command, its postings and the envelope
	}
	return b.count+len(j.inputs) <= MaxBlockEvents && len(b.lines)+size <= MaxBlockBytes
}

// full reports whether the first job that waits has to wait for the next block.
func (d *decider) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queue) > 0 && !d.next.holds(d.queue[0])
}

// load replays the log into a new state.
func (d *decider) load(ctx context.Context) error {
	s := newState(d.fund)
	for line, err := range d.log.Replay(ctx) {
		if err != nil {
			return err
		}
		e, err := events.ParseEvent(line)
		if err != nil {
			return err
		}
		if err := s.apply(&e); err != nil {
			return err
		}
	}
	d.state = s
	return nil
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
	j.receipts = make([]Receipt, len(j.inputs))
	d.next.jobs = append(d.next.jobs, j)
	d.next.decided += len(j.inputs)
	if !j.atomic {
		for i := range j.inputs {
			j.receipts[i] = d.decide(j, i, now)
		}
		return
	}
	before := d.next
	d.state.recording = true
	for i := range j.inputs {
		j.receipts[i] = d.decide(j, i, now)
		if j.receipts[i].Status == Refused {
			d.undoAtomic(j, i, before)
			return
		}
	}
	if d.next.count-before.count > MaxBlockEvents || len(d.next.lines)-len(before.lines) > MaxBlockBytes {
		j.receipts[0] = refusedReceipt(&j.inputs[0], atomicTooLarge(len(d.next.lines)-len(before.lines)))
		d.undoAtomic(j, 0, before)
		return
	}
	d.state.commit()
}

// undoAtomic takes back what was decided for a job whose command i was refused.
func (d *decider) undoAtomic(j *job, i int, before batch) {
	d.state.rollback()
	d.next.lines, d.next.count = d.next.lines[:len(before.lines)], before.count
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
func (d *decider) decide(j *job, i int, now time.Time) Receipt {
	in := &j.inputs[i]
	if in.Err != nil {
		return refusedReceipt(in, in.Err)
	}
	e, first, err := d.state.decide(in.ID, &in.Command, j.actor, now)
	if err != nil {
		return refusedReceipt(in, err)
	}
	if first != 0 {
		was := d.state.entry(first)
		r := storedReceipt(in, Duplicate, first, was.recorded, was.flags)
		r.ID = was.id
		return r
	}
	start := len(d.next.lines)
	d.next.lines = events.AppendLine(d.next.lines, e)
	if size := len(d.next.lines) - start; size > events.MaxLine {
		d.next.lines = d.next.lines[:start]
		return refusedReceipt(in, tooLarge(size, events.MaxLine))
	}
	d.next.lines = append(d.next.lines, '\n')
	if err := d.state.apply(e); err != nil {
		// A decision that its own state cannot take is a defect of the ledger; nothing of it may be stored.
		panic("ledger: decided what cannot be applied: " + err.Error())
	}
	d.next.count++
	return storedReceipt(in, Appended, e.Seq, e.Time, e.Flags)
}

// land answers the callers of a block that is on disk, or finds out what became of it.
func (d *decider) land(ctx context.Context, b *batch, err error) {
	if err == nil {
		b.answer()
		return
	}
	redo := append(b.jobs, d.next.jobs...)
	d.next, d.state = batch{}, nil
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
	if d.stored(b) {
		b.answer()
		redo = redo[len(b.jobs):]
	} else if !errors.Is(err, events.ErrConflict) {
		// Whether the block is still on its way nobody can say. Deciding it again is safe: the fence lets only one of the two in, and ids
		// that turn out to be stored are duplicates.
		failAll(b.jobs, &events.Error{Code: codeOr(err, events.UnknownOutcome), Why: whyOf(err), Args: argsOf(err), Err: err})
		redo = redo[len(b.jobs):]
	}
	d.again(redo)
}

// stored reports whether the freshly loaded log holds just the events that the batch's receipts speak of.
func (d *decider) stored(b *batch) bool {
	found := false
	for _, j := range b.jobs {
		for _, r := range j.receipts {
			if r.Status != Appended {
				continue
			}
			en := d.state.entry(r.Seq)
			if en == nil || en.id != r.ID || en.recorded.UTC().Format(events.TimeForm) != r.Recorded {
				return false
			}
			found = true
		}
	}
	return found
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
		b.answer()
	case errors.Is(err, events.ErrConflict):
		d.state = nil
		d.again(b.jobs)
	default:
		d.state = nil
		failAll(b.jobs, asFailure(err))
	}
}

func (b *batch) answer() {
	for _, j := range b.jobs {
		j.done(j.receipts)
	}
}

func failAll(jobs []*job, err *events.Error) {
	for _, j := range jobs {
		j.fail(err)
	}
}

func (j *job) fail(err *events.Error) {
	rs := make([]Receipt, len(j.inputs))
	for i := range j.inputs {
		in := &j.inputs[i]
		if in.Err != nil {
			rs[i] = refusedReceipt(in, in.Err)
			continue
		}
		rs[i] = refusedReceipt(in, err)
	}
	j.done(rs)
}

// asFailure keeps codes that are failures or evidence; whatever else went wrong, the log could not be reached.
func asFailure(err error) *events.Error {
	return &events.Error{Code: codeOr(err, events.Unavailable), Why: whyOf(err), Args: argsOf(err), Err: err}
}

func codeOr(err error, other events.Code) events.Code {
	switch code := events.CodeOf(err); code {
	case events.Tampered, events.Busy, events.Unavailable, events.UnknownOutcome, events.ClockBehind, events.UnknownKind:
		return code
	}
	return other
}

func whyOf(err error) string {
	var e *events.Error
	if errors.As(err, &e) {
		return e.Why
	}
	return ""
}

func argsOf(err error) events.Args {
	var e *events.Error
	if errors.As(err, &e) {
		return e.Args
	}
	return nil
}
