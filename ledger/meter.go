package ledger

import (
	"maps"
	"slices"
	"sync"
	"time"

	"fundledger/events"
)

// Counts are what a ledger has done since it was opened. Commands that are only asked for, by [Ledger.Propose] or in a [Trial], are not counted.
type Counts struct {
	// Appended are the events that were stored and answered for, by fund. A fund is counted from its first event on, never by a name that somebody only asks for.
	Appended map[events.Fund]uint64
	// Answered are commands, by what became of them.
	Answered map[Status]uint64
	// Codes are those among them that were refused or failed, by code.
	Codes map[events.Code]uint64
	// Answer is how many seconds each command waited, from being submitted to its receipt.
	Answer Spread
	// Commit is how many seconds each block took, from being sent to being acknowledged.
	Commit Spread
	// BlockEvents and BlockBytes are how large these blocks were.
	BlockEvents, BlockBytes Spread
	// Unacknowledged are the blocks that were sent and not acknowledged: another writer was faster, or the log could not be reached.
	Unacknowledged uint64
	// Waiting are the commands in the queues at the moment.
	Waiting int
}

// A Spread says how measured values are spread.
type Spread struct {
	// Bounds are the upper bounds of the buckets, ascending. Above the last there is one bucket more.
	Bounds []float64
	// Counts has the values of each bucket alone.
	Counts []uint64
	Sum    float64
}

func newSpread(bounds ...float64) Spread { return Spread{bounds, make([]uint64, len(bounds)+1), 0} }

// add counts a value n times.
func (s *Spread) add(v float64, n int) {
	at := 0
	for at < len(s.Bounds) && v > s.Bounds[at] {
		at++
	}
	s.Counts[at] += uint64(n)
	s.Sum += v * float64(n)
}

func (s Spread) clone() Spread { return Spread{s.Bounds, slices.Clone(s.Counts), s.Sum} }

// A meter counts for the deciders of all funds. They come to it once a block or answer, with all that it holds: by single commands it would be felt. The nil
// meter counts nothing.
type meter struct {
	mu sync.Mutex
	is Counts
}

func newMeter() *meter {
	seconds := func() Spread {
		return newSpread(.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)
	}
	return &meter{is: Counts{
		Appended: map[events.Fund]uint64{}, Answered: map[Status]uint64{}, Codes: map[events.Code]uint64{},
		Answer: seconds(), Commit: seconds(),
		BlockEvents: newSpread(1, 2, 5, 10, 20, 50, 100, 200, 500, MaxBlockEvents),
		BlockBytes:  newSpread(1<<10, 2<<10, 4<<10, 8<<10, 16<<10, 32<<10, 64<<10, 128<<10, 256<<10, MaxBlockBytes),
	}}
}

// answered counts jobs of one fund that are about to be answered with their receipts.
func (m *meter) answered(jobs ...*job) {
	if m == nil {
		return
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	var fund events.Fund // of all that were appended together, which is looked up once
	appended := uint64(0)
	for _, j := range jobs {
		if j.proposal != nil {
			continue
		}
		m.is.Answer.add(now.Sub(j.submitted).Seconds(), len(j.receipts))
		for i := range j.receipts {
			r := &j.receipts[i]
			if r.Status == Appended {
				fund = j.inputs[0].Command.Fund
				appended++
				continue
			}
			m.is.Answered[r.Status]++
			if r.Code != "" {
				m.is.Codes[r.Code]++
			}
		}
	}
	if appended > 0 {
		m.is.Answered[Appended] += appended
		m.is.Appended[fund] += appended
	}
}

// landed counts a block that was sent, with what came of it and how long that took.
func (m *meter) landed(b *batch, err error) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.is.Unacknowledged++
		return
	}
	m.is.Commit.add(b.took.Seconds(), 1)
	m.is.BlockEvents.add(float64(b.Len()), 1)
	m.is.BlockBytes.add(float64(len(b.Text)), 1)
}

// Counts returns what the ledger has done until now.
func (l *Ledger) Counts() Counts {
	waiting := 0
	l.mu.Lock()
	for _, d := range l.deciders {
		d.mu.Lock()
		waiting += d.waiting
		d.mu.Unlock()
	}
	l.mu.Unlock()
	m := l.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.is
	c.Appended, c.Answered, c.Codes = maps.Clone(c.Appended), maps.Clone(c.Answered), maps.Clone(c.Codes)
	c.Answer, c.Commit, c.BlockEvents, c.BlockBytes = c.Answer.clone(), c.Commit.clone(), c.BlockEvents.clone(), c.BlockBytes.clone()
	c.Waiting = waiting
	return c
}
