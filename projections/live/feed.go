package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fundledger/events"

	"golang.org/x/time/rate"
)

// A Feed is what one client follows. It holds no queue: only how far the client has come. It is for one goroutine.
type Feed struct {
	books *Books
	beat  *atomic.Pointer[chan struct{}]
	count *atomic.Int64 // of the clients of its kind
	of    follower
	end   func()
}

// A follower knows what its client has had.
type follower interface {
	// next returns what comes after that, or else what is closed when there may be more.
	next(ctx context.Context) (news []byte, more <-chan struct{}, err error)
}

// Beats tell a client that has nothing to be told that it is still connected. They are spread, so that thousands are not told in the same moment.
const (
	beatEvery  = 15 * time.Second
	beatGroups = 15
)

var beat = []byte(": beat\n\n")

// Next waits for what its client has not had yet, and returns it as server-sent events; where nothing comes for long, a comment. The bytes are shared by all clients
// and must not be changed. An error is the end: the context's, or what is to be told to the client.
func (f *Feed) Next(ctx context.Context) ([]byte, error) {
	for {
		now := *f.beat.Load()
		news, more, err := f.of.next(ctx)
		if news != nil || err != nil {
			return news, err
		}
		select {
		case <-more:
		case <-now:
			return beat, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.books.ctx.Done():
			return nil, f.books.ctx.Err()
		}
	}
}

// Close ends it.
func (f *Feed) Close() {
	f.end()
	f.count.Add(-1)
}

// Clients is how many follow what.
type Clients struct{ Balances, Events, Overview int }

// Clients says how many follow what at the moment.
func (b *Books) Clients() Clients {
	return Clients{int(b.clients.balances.Load()), int(b.clients.events.Load()), int(b.clients.overview.Load())}
}

// feeds are what the clients of all funds share.
type feeds struct {
	balances, events, overview atomic.Int64

	beats [beatGroups]atomic.Pointer[chan struct{}]
	turn  atomic.Uint64

	mu      sync.Mutex
	outlets map[events.Fund]*outlet
	board   board

	reading chan struct{} // of those who read from a log what is no longer in a tail
	behind  *rate.Limiter // of bytes for those who have yet to come to the end
}

const (
	// readingMost is how many logs are read again at once.
	readingMost = 2
	// behindEvery is how many bytes a second those get together who have yet to come to the end: a small part of what a machine can send, so that those who follow
	// notice nothing.
	behindEvery = 100 << 20
	behindBurst = 1 << 20
)

// pace waits until so many bytes may be sent to one who has yet to come to the end.
func (c *feeds) pace(ctx context.Context, n int) error {
	return c.behind.WaitN(ctx, min(n, behindBurst))
}

func (c *feeds) begin() {
	c.outlets = map[events.Fund]*outlet{}
	c.reading, c.behind = make(chan struct{}, readingMost), rate.NewLimiter(behindEvery, behindBurst)
	for i := range c.beats {
		c.beats[i].Store(new(make(chan struct{})))
	}
}

// beat gives each group of clients its beat in turn.
func (b *Books) beat() {
	tick := time.NewTicker(beatEvery / beatGroups)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % beatGroups {
		select {
		case <-tick.C:
			close(*b.clients.beats[i].Swap(new(make(chan struct{}))))
		case <-b.ctx.Done():
			return
		}
	}
}

func (b *Books) feed(count *atomic.Int64, of follower, end func()) *Feed {
	count.Add(1)
	return &Feed{books: b, beat: &b.clients.beats[b.clients.turn.Add(1)%beatGroups], count: count, of: of, end: end}
}

// An outlet is what is made for the clients of one fund, while there are any.
type outlet struct {
	books  *Books
	fund   events.Fund
	runner *runner
	ctx    context.Context
	stop   context.CancelFunc
	used   int // by so many clients; guarded as the outlets are

	mu      sync.Mutex
	presses map[events.Year]*yearPress
	editing sync.Once

	tail    tail
	filling sync.Once
	again   again
}

// outlet returns a fund's, of which there are events, to be left afterwards.
func (b *Books) outlet(ctx context.Context, fund events.Fund, wait events.Seq) (*outlet, error) {
	r, f, err := b.ready(ctx, fund, wait)
	if err != nil {
		return nil, err
	}
	f.mu.RUnlock()
	b.clients.mu.Lock()
	defer b.clients.mu.Unlock()
	o := b.clients.outlets[fund]
	if o != nil {
		r.leave() // it has the runner for itself
	} else {
		o = &outlet{books: b, fund: fund, runner: r, presses: map[events.Year]*yearPress{}}
		o.ctx, o.stop = context.WithCancel(b.ctx)
		o.tail.begin()
		o.again.turn = make(chan struct{}, 1)
		b.clients.outlets[fund] = o
	}
	o.used++
	return o, nil
}

func (o *outlet) leave() {
	c := &o.books.clients
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.used--; o.used > 0 {
		return
	}
	o.forget()
	o.runner.tail.CompareAndSwap(&o.tail, nil)
	o.stop()
	o.runner.leave()
}

// retire lets clients that come from now on have another outlet: this one has come to its end.
func (o *outlet) retire() {
	o.books.clients.mu.Lock()
	defer o.books.clients.mu.Unlock()
	o.forget()
}

func (o *outlet) forget() {
	if all := o.books.clients.outlets; all[o.fund] == o {
		delete(all, o.fund)
	}
}

// frame writes one server-sent event. What data says has no line end in it.
func frame(b []byte, event, id string, data []byte) []byte {
	b = append(append(b, "event: "...), event...)
	if id != "" {
		b = append(append(b, "\nid: "...), id...)
	}
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}
