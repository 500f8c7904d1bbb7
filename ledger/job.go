package ledger

import (
	"errors"
	"time"

	"fundledger/events"
)

// A job is what one caller asked for: commands that get their receipts together.
type job struct {
	inputs   []Input
	receipts []Receipt // room for them, where there is some already
	keys     []asked   // of the commands
	keyed    *state    // that made them; nil: not made yet
	atomic   bool
	proposal *proposal // of a job that only asks; nil for any other
	actor    events.Actor
	redone   int
	done     func([]Receipt)

	submitted time.Time
	meter     *meter // that it is counted by once it is answered; nil where it is not
}

// A proposal is what a job that only asks gets besides its receipts.
type proposal struct {
	last  events.Seq // the last event before it
	lines [][]byte   // of what would be stored
}

// A batch is what has been decided since the last block was launched, with its events encoded.
type batch struct {
	jobs    []*job
	decided int // commands, refused ones too
	lines
	took time.Duration // to be acknowledged
}

// size is about how many bytes a job holds.
func (j *job) size() (n int) {
	for i := range j.inputs {
		n += j.inputs[i].Size()
	}
	return n
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
		size += atMost(j.inputs[i].Command)
	}
	return b.Len()+len(j.inputs) <= MaxBlockEvents && len(b.Text)+size <= MaxBlockBytes
}

// atMost is a length that the line of a command's event hardly exceeds: the command, the envelope, and a posting or two for each line that it names.
func atMost(c *events.Command) int {
	return len(c.Raw) + 700 + 400*(len(c.FromLegs)+len(c.ToLegs))
}

func (b *batch) answer(m *meter) {
	m.answered(b.jobs...)
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
	j.answer(rs)
}

// answer answers a job by itself.
func (j *job) answer(rs []Receipt) {
	j.receipts = rs
	j.meter.answered(j)
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
