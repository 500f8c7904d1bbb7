package live

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"fundledger/events"
)

// A tail is the newest stored lines of a fund as server-sent events, encoded once for all clients. It is filled while the book applies them, and only with what is shown.
//
//	start          shown          last
//	  │ … │ segment │ … │ segment   │
//
// Clients are told of what came in together, the later the more of them there are: to wake a thousand for each event would take more than a processor has.
type tail struct {
	mu       sync.Mutex
	segments []segment
	size     int        // bytes of all segments
	start    events.Seq // the segments begin after this
	last     events.Seq // of the last line
	shown    events.Seq // up to which clients are told
	breaks   int        // how often lines were left out: those who read then go on from the log
	more     chan struct{}
	poke     chan struct{}
	err      error
}

// A segment is lines one after the other. What was shown of it does not change any more, though more may be put behind.
type segment struct {
	first events.Seq
	text  []byte
	ends  []int // of each event
}

const (
	segmentBytes = 64 << 10
	// tailBytes bounds what is kept of one fund: who is further behind while the newest is followed is too slow.
	tailBytes = 8 << 20
	// tailFrom is how many events before the newest a tail begins with, for those who come back after a moment.
	tailFrom = 1000
)

func (t *tail) begin() {
	t.more, t.poke = make(chan struct{}), make(chan struct{}, 1)
}

// restart says that the lines up to n do not come.
func (t *tail) restart(n events.Seq) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == n {
		return
	}
	t.segments, t.size = nil, 0
	t.start, t.last, t.shown = n, n, n
	t.breaks++
	t.wake()
}

// add puts the line of event n behind.
func (t *tail) add(n events.Seq, line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case n <= t.last:
		return
	case n > t.last+1: // cannot be, since whoever leaves lines out says so
		t.segments, t.size, t.start = nil, 0, n-1
		t.breaks++
	}
	if k := len(t.segments); k == 0 || len(t.segments[k-1].text) >= segmentBytes {
		t.segments = append(t.segments, segment{first: n})
	}
	s := &t.segments[len(t.segments)-1]
	t.size += s.put(line)
	t.last = n
	for t.size > tailBytes && len(t.segments) > 1 {
		oldest := &t.segments[0]
		t.size -= len(oldest.text)
		t.start += events.Seq(len(oldest.ends))
		*oldest = segment{} // else its text would be held until the segments are moved
		t.segments = t.segments[1:]
	}
}

// put puts the line of the next event behind, and returns by how many bytes it has grown.
func (s *segment) put(line []byte) int {
	before := len(s.text)
	s.text = frame(s.text, "event", (s.first + events.Seq(len(s.ends))).String(), line)
	s.ends = append(s.ends, len(s.text))
	return len(s.text) - before
}

// news says that something was put behind.
func (t *tail) news() {
	select {
	case t.poke <- struct{}{}:
	default:
	}
}

// before puts older lines in front, if they end where the tail still begins.
func (t *tail) before(older []segment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(older) == 0 {
		return
	}
	if end := &older[len(older)-1]; end.first+events.Seq(len(end.ends))-1 != t.start || t.breaks > 0 {
		return
	}
	t.start = older[0].first - 1
	for i := range older {
		t.size += len(older[i].text)
	}
	t.segments = append(older, t.segments...)
}

// wake must be called with the tail locked.
func (t *tail) wake() {
	close(t.more)
	t.more = make(chan struct{})
}

func (t *tail) show() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shown != t.last {
		t.shown = t.last
		t.wake()
	}
}

func (t *tail) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	t.wake()
}

// How long news are gathered for so many clients: about twice as long as it takes to tell them, so that a part of the processors is left for who appends and who comes.
const (
	gatherEach = 35 * time.Microsecond
	gatherMost = 35 * time.Millisecond
)

// gather shows the clients what has come in, at once after a pause and else together.
func (o *outlet) gather() {
	var shown time.Time
	for {
		select {
		case <-o.tail.poke:
		case <-o.ctx.Done():
			return
		}
		if pause := min(time.Duration(o.books.clients.events.Load())*gatherEach, gatherMost) - time.Since(shown); pause > 100*time.Microsecond {
			select {
			case <-time.After(pause):
			case <-o.ctx.Done():
				return
			}
		}
		o.tail.show()
		shown = time.Now()
	}
}

// watch ends the tail when its book has stopped.
func (o *outlet) watch() {
	_, err := o.runner.until(o.ctx, nil, func(*fold) bool { return false })
	o.retire()
	o.tail.fail(err)
}

// fill begins the tail where the book stands, and takes some of what is before that from the log.
func (o *outlet) fill() {
	f, err := o.runner.until(o.ctx, nil, func(f *fold) bool { return f.shown })
	if err != nil {
		o.retire()
		o.tail.fail(err)
		return
	}
	at := f.taken // nothing is applied while it is locked: what comes next is put into the tail
	o.tail.mu.Lock()
	o.tail.start, o.tail.last, o.tail.shown = at, at, at
	o.tail.mu.Unlock()
	o.runner.tail.Store(&o.tail)
	f.mu.RUnlock()
	o.books.running.Go(o.gather)
	o.books.running.Go(o.watch)
	from := at - min(at, tailFrom)
	if older, err := framed(f.lines(o.ctx, from, at), from, tailBytes/2); err == nil {
		o.tail.before(older)
	}
}

// framed encodes lines after a number, at most so many bytes of them and one line.
func framed(lines iter.Seq2[[]byte, error], after events.Seq, most int) ([]segment, error) {
	var out tail
	for line, err := range lines {
		if err != nil {
			return nil, err
		}
		out.last = after
		after++
		out.add(after, line)
		if out.size >= most {
			break
		}
	}
	return out.segments, nil
}

// EventsAfter follows every event of a fund that is stored after a number: an event with the line as stored, and its number as the id. Where news come faster than a client
// takes them it is told [events.TooSlow] in the end; one that begins far behind reads the log first. after nil is the newest: it begins with what comes next.
func (b *Books) EventsAfter(ctx context.Context, fund events.Fund, after *events.Seq) (*Feed, error) {
	var wait events.Seq
	if after != nil {
		wait = *after
	}
	o, err := b.outlet(ctx, fund, wait)
	if err != nil {
		return nil, err
	}
	o.filling.Do(o.fill)
	l := &listener{outlet: o}
	if after != nil {
		l.had = *after
	} else {
		o.tail.mu.Lock()
		l.had = o.tail.shown
		o.tail.mu.Unlock()
		l.begun = true
	}
	return b.feed(&b.clients.events, l, o.leave), nil
}

// A listener has had the events up to a number.
type listener struct {
	outlet *outlet
	had    events.Seq
	begun  bool // it has to be told where it begins
	live   bool // it has had all there was, when the tail had been broken off so many times
	breaks int
}

func (l *listener) next(ctx context.Context) (news []byte, more <-chan struct{}, err error) {
	if l.begun { // whoever is cut off before the first event goes on from here too
		l.begun = false
		return []byte("id: " + l.had.String() + "\n\n"), nil, nil
	}
	news, more, left, err := l.look(ctx)
	if left { // those who follow come first
		err = l.outlet.books.clients.pace(ctx, len(news))
	}
	return news, more, err
}

// look returns what comes next, and whether something is left after it for one who has yet to come to the end.
func (l *listener) look(ctx context.Context) (news []byte, more <-chan struct{}, left bool, err error) {
	t := &l.outlet.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil && l.had >= t.shown:
		return nil, nil, false, t.err
	case l.had >= t.shown:
		l.live, l.breaks = true, t.breaks
		return nil, t.more, false, nil
	case l.had >= t.start:
		if news, l.had = t.after(l.had); l.had < t.shown {
			return news, nil, !l.live, nil
		}
		l.live, l.breaks = true, t.breaks
		return news, nil, false, nil
	case l.live && l.breaks == t.breaks:
		return nil, nil, false, &events.Error{Code: events.TooSlow, Args: events.Args{"fund": string(l.outlet.fund), "seq": l.had.String(), "last": t.last.String()}}
	}
	l.live = false
	to := t.shown
	t.mu.Unlock()
	defer t.mu.Lock()
	news, err = l.behind(ctx, to)
	return news, nil, err == nil, err
}

// after returns what is shown after an event of the tail, up to the end of its segment.
func (t *tail) after(n events.Seq) ([]byte, events.Seq) {
	i := len(t.segments) - 1
	for t.segments[i].first > n+1 { // most have nearly all
		i--
	}
	return t.segments[i].after(n, t.shown)
}

// after returns what comes after an event, up to another or the end, and the number of the last of it.
func (s *segment) after(n, to events.Seq) ([]byte, events.Seq) {
	from, last := int(n+1-s.first), int(min(uint64(len(s.ends)), uint64(to+1-s.first)))
	begin := 0
	if from > 0 {
		begin = s.ends[from-1]
	}
	return s.text[begin:s.ends[last-1]:s.ends[last-1]], s.first + events.Seq(last) - 1
}

// An again is pieces of a log that were read once more for clients who are far behind. They seldom come alone: when a server comes back, so do all its clients.
type again struct {
	turn chan struct{} // of whoever reads

	mu     sync.Mutex
	pieces []segment // the one that was asked for last is the last
	size   int
}

const (
	// againBytes is read at a time, and so much is kept of that.
	againBytes = 256 << 10
	againMost  = 4 << 20
	// againFrom is a power of two: a piece begins after a multiple of it, so that those who are not quite as far behind as one another share it.
	againFrom = 64
)

// after returns what there is after an event, nothing where that is not kept.
func (a *again) after(n, to events.Seq) ([]byte, events.Seq) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.pieces) - 1; i >= 0; i-- {
		if s := a.pieces[i]; s.first <= n+1 && n+1 < s.first+events.Seq(len(s.ends)) {
			a.pieces = append(slices.Delete(a.pieces, i, i+1), s)
			return s.after(n, to)
		}
	}
	return nil, n
}

func (a *again) keep(s segment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pieces = append(a.pieces, s)
	a.size += len(s.text)
	for a.size > againMost && len(a.pieces) > 1 {
		a.size -= len(a.pieces[0].text)
		a.pieces = slices.Delete(a.pieces, 0, 1)
	}
}

// behind returns what comes next from the log, read by one of those who need it. Of all funds few are read at once.
func (l *listener) behind(ctx context.Context, to events.Seq) (news []byte, err error) {
	a := &l.outlet.again
	if news, l.had = a.after(l.had, to); news != nil {
		return news, nil
	}
	for _, turn := range []chan struct{}{a.turn, l.outlet.books.clients.reading} {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if news, l.had = a.after(l.had, to); news != nil { // another has read it meanwhile
		return news, nil
	}
	from := l.had &^ (againFrom - 1)
	piece := segment{first: from + 1}
	for line, err := range l.outlet.runner.fold.Load().lines(ctx, from, to) {
		if err != nil {
			return nil, err
		}
		piece.put(line)
		if len(piece.text) >= againBytes && piece.first+events.Seq(len(piece.ends)) > l.had+1 {
			break
		}
	}
	a.keep(piece)
	news, l.had = piece.after(l.had, to)
	return news, nil
}
