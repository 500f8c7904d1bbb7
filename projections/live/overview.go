package live

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"fundledger/events"
)

// A board says how far the book of each fund is, while somebody follows that.
type board struct {
	mu    sync.Mutex
	press *press[standings] // nil while nobody does
	used  int
	stop  context.CancelFunc
}

// standings are the numbers of the last events of all funds.
type standings map[events.Fund]events.Seq

// A mark is one of them.
type mark struct {
	Fund events.Fund `json:"fund"`
	Seq  events.Seq  `json:"seq"`
}

func (s standings) json() ([]byte, error) {
	marks := []mark{}
	for _, fund := range slices.Sorted(maps.Keys(s)) {
		marks = append(marks, mark{fund, s[fund]})
	}
	return json.Marshal(map[string][]mark{"funds": marks})
}

func movedSince(before, after standings) ([]byte, error) {
	moved := standings{}
	for fund, n := range after {
		if before[fund] != n {
			moved[fund] = n
		}
	}
	if len(moved) == 0 {
		return nil, nil
	}
	return moved.json()
}

// Overview follows how far each fund is: an event state with {"funds":[{"fund":…,"seq":…}]}, then an event change with those of them that have moved, and new ones.
// A fund that has stopped is left out, and keeps nobody from the others. The errors are those of [Books.Funds].
func (b *Books) Overview(ctx context.Context) (*Feed, error) {
	if _, err := b.funds(ctx, true); err != nil { // of which all are loaded now
		return nil, err
	}
	d := &b.clients.board
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used++; d.press == nil {
		d.press = newPress(movedSince)
		d.put(b.standings())
		var on context.Context
		on, d.stop = context.WithCancel(b.ctx)
		p := d.press
		b.running.Go(func() { b.report(on, p) })
	}
	return b.feed(&b.clients.overview, &reader[standings]{press: d.press}, d.leave), nil
}

func (d *board) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used--; d.used == 0 {
		d.stop()
		d.press = nil
	}
}

func (d *board) put(now standings) {
	if state, err := now.json(); err == nil {
		_ = d.press.publish(0, now, state) // neither can fail: there is nothing in them that JSON has not
	}
}

// standings are those of the books that answer.
func (b *Books) standings() standings {
	out := standings{}
	b.mu.Lock()
	defer b.mu.Unlock()
	for fund, r := range b.runners {
		if now := r.fold.Load().now.Load(); now.Root != "" {
			out[fund] = now.Seq
		}
	}
	return out
}

// report publishes them.
func (b *Books) report(ctx context.Context, p *press[standings]) {
	known := standings{}
	for {
		begun := time.Now()
		for fund, n := range b.standings() {
			known[fund] = n // one that is let go of stays
		}
		d := &b.clients.board
		d.mu.Lock()
		if d.press == p {
			d.put(maps.Clone(known))
		}
		d.mu.Unlock()
		select {
		case <-time.After(editPause(time.Since(begun))):
		case <-ctx.Done():
			return
		}
		select {
		case <-b.moved:
		case <-ctx.Done():
			return
		}
	}
}

// watched reports whether somebody follows all funds.
func (d *board) watched() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.press != nil
}
