package live

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// editEvery is how often at most what is followed is made anew. Where making it takes long it is made less often, so that it never takes more than a quarter of
// one processor.
const editEvery = 50 * time.Millisecond

// editPause is how long to wait after something took so long to make.
func editPause(took time.Duration) time.Duration { return max(editEvery-took, 3*took) }

// editionsKept is how many editions are remembered, so that a client who has one of them is told only what has changed since. One that has an older one gets the
// whole.
const editionsKept = 8

// A press makes editions of one thing that clients follow. Each is encoded once, and so is what has changed since one of those before.
type press[T any] struct {
	mu      sync.Mutex
	diff    func(before, after T) ([]byte, error) // nil where nothing differs
	recent  []edition[T]                          // the newest is the last
	changes map[uint64][]byte                     // from the edition of that number to the newest, as server-sent events
	more    chan struct{}                         // closed when there is another
	err     error                                 // there will be no other
}

// An edition is one state of a thing.
type edition[T any] struct {
	number uint64 // of the editions of its press, from 1
	at     events.Seq
	it     T
	state  []byte // as a server-sent event
}

func newPress[T any](diff func(before, after T) ([]byte, error)) *press[T] {
	return &press[T]{diff: diff, more: make(chan struct{})}
}

// publish makes an edition of what is so at a number, unless there is one as new, or nothing differs.
func (p *press[T]) publish(at events.Seq, it T, state []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := edition[T]{number: 1, at: at, it: it}
	changes := map[uint64][]byte{}
	if n := len(p.recent); n > 0 {
		newest := &p.recent[n-1]
		if at != 0 && at <= newest.at {
			return nil
		}
		data, err := p.diff(newest.it, it)
		if err != nil || data == nil {
			return err
		}
		next.number = newest.number + 1
		changes[newest.number] = frame(nil, "change", idOf(at), data)
		if n == editionsKept {
			p.recent = slices.Clone(p.recent[1:])
		}
	}
	next.state = frame(nil, "state", idOf(at), state)
	p.recent = append(p.recent, next)
	p.changes = changes
	close(p.more)
	p.more = make(chan struct{})
	return nil
}

func idOf(n events.Seq) string {
	if n == 0 {
		return ""
	}
	return n.String()
}

// fail tells all clients why there will be no other edition.
func (p *press[T]) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
		close(p.more)
		p.more = make(chan struct{})
	}
}

// after returns what a client gets who has the edition of that number, 0 for none, and the number that it has then.
func (p *press[T]) after(had uint64) (news []byte, now uint64, more <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.recent) == 0 || p.recent[len(p.recent)-1].number == had {
		return nil, had, p.more, p.err
	}
	newest := &p.recent[len(p.recent)-1]
	first := p.recent[0].number
	if had < first {
		return newest.state, newest.number, nil, nil
	}
	news, known := p.changes[had]
	if !known {
		data, err := p.diff(p.recent[had-first].it, newest.it)
		if err != nil {
			return nil, had, nil, err
		}
		if data != nil { // else it has come back to what it was
			news = frame(nil, "change", idOf(newest.at), data)
		}
		p.changes[had] = news
	}
	if news == nil {
		return nil, newest.number, p.more, nil
	}
	return news, newest.number, nil, nil
}

// A reader has had the edition of that number.
type reader[T any] struct {
	press *press[T]
	had   uint64
}

func (r *reader[T]) next(context.Context) (news []byte, more <-chan struct{}, err error) {
	news, r.had, more, err = r.press.after(r.had)
	return news, more, err
}

// A balance is the execution table of a year at a number.
type balance struct {
	at    events.Seq
	sheet *sheet.Sheet
}

// blank is nothing yet: everything differs from it.
var blank balance

// A yearPress is that of a year, with the number of its clients.
type yearPress struct {
	*press[balance]
	used int
}

// balanceAt makes it from a book that is locked; afterwards nothing of the book is needed.
func balanceAt(book *projections.Book, at Cut, year events.Year) (balance, error) {
	s, err := book.Table("execution", projections.Query{Year: year, Root: at.Root})
	if err != nil {
		return balance{}, err
	}
	for _, t := range s.Tables {
		t.Rows = sheet.Rows(slices.Collect(t.Rows)...)
	}
	return balance{at.Seq, s}, nil
}

// changedBalance is what of a balance differs from an earlier one, as JSON on one line; nil where nothing does.
func changedBalance(before, after balance) ([]byte, error) {
	s := sheet.Changed(before.sheet, after.sheet)
	if s == nil {
		return nil, nil
	}
	s.Head = slices.Concat([]sheet.Member{{Name: "seq", Value: sheet.Number(after.at)}}, s.Head)
	var lines, out bytes.Buffer
	if err := sheet.WriteJSON(&lines, s, sheet.Options{Lang: words.English}); err != nil {
		return nil, err
	}
	err := json.Compact(&out, lines.Bytes())
	return out.Bytes(), err
}

// Balances follows the execution table of a year: an event state with the whole of it, then an event change with what has changed, as [sheet.Stream] writes them,
// each with the number after which it is so as its id. Whoever is slow gets fewer of them, each leading from what it had to the newest. The errors are those of
// [Books.Read] and of [projections.Book.Table].
func (b *Books) Balances(ctx context.Context, fund events.Fund, year events.Year) (*Feed, error) {
	o, err := b.outlet(ctx, fund, 0)
	if err != nil {
		return nil, err
	}
	// The press is there before the book is looked at: what comes after that the editor publishes.
	o.mu.Lock()
	p := o.presses[year]
	if p == nil {
		p = &yearPress{press: newPress(changedBalance)}
		o.presses[year] = p
	}
	p.used++
	o.mu.Unlock()
	end := func() {
		o.mu.Lock()
		if p.used--; p.used == 0 {
			delete(o.presses, year)
		}
		o.mu.Unlock()
		o.leave()
	}
	if err := o.first(ctx, year, p); err != nil {
		end()
		return nil, err
	}
	o.editing.Do(func() { b.running.Go(o.edit) })
	return b.feed(&b.clients.balances, &reader[balance]{press: p.press}, end), nil
}

// first makes the first edition of a year, where there is none yet.
func (o *outlet) first(ctx context.Context, year events.Year, p *yearPress) error {
	p.mu.Lock()
	there := len(p.recent) > 0
	p.mu.Unlock()
	if there {
		return nil
	}
	var made balance
	err := o.books.Read(ctx, o.fund, 0, projections.Moment{}, func(at Cut, book *projections.Book) (err error) {
		made, err = balanceAt(book, at, year)
		return err
	})
	if err != nil {
		return err
	}
	return p.put(made)
}

// put publishes a balance.
func (p *yearPress) put(made balance) error {
	state, err := changedBalance(blank, made)
	if err != nil {
		return err
	}
	return p.publish(made.at, made, state)
}

// edit publishes the balances that are followed whenever the book has come further.
func (o *outlet) edit() {
	var of *fold
	var at events.Seq
	for {
		f, err := o.runner.until(o.ctx, nil, func(f *fold) bool { return f.shown && (f != of || f.taken > at) })
		if err != nil {
			o.fail(err)
			return
		}
		begun := time.Now()
		of, at = f, f.taken
		made := map[*yearPress]balance{}
		cut, err := f.at(at)
		if err == nil {
			o.mu.Lock() // after the book, see Balances
			for year, p := range o.presses {
				if made[p], err = balanceAt(f.book, cut, year); events.CodeOf(err) == events.UnknownYear {
					delete(made, p) // somebody is about to be told so
					err = nil
				}
				if err != nil {
					break
				}
			}
			o.mu.Unlock()
		}
		f.mu.RUnlock()
		for p, balance := range made {
			if err == nil {
				err = p.put(balance)
			}
		}
		if err != nil {
			o.fail(err)
			return
		}
		select {
		case <-time.After(editPause(time.Since(begun))):
		case <-o.ctx.Done():
			return
		}
	}
}

// fail tells everybody who follows balances of the fund.
func (o *outlet) fail(err error) {
	o.retire()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.presses {
		p.fail(err)
	}
}
