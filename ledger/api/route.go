package api

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// Sharing says how several ledgers share the funds of one JetStream.
type Sharing struct {
	// Replicas is how many servers keep the leases, where they are kept for the first time; 0 is one.
	Replicas int
	// Lease is how long a fund stays with a ledger that is not heard of any more. It is the same for all who share; 0 is three seconds.
	Lease time.Duration
	// Records takes a record of what became of each request that was decided here. nil is nowhere.
	Records *slog.Logger

	idle time.Duration // after which a fund is given back; 0 is idleAfter
}

// The subjects and headers between those who share.
const (
	decidePrefix = "decide."
	replyHeader  = "Fundledger-Reply" // the caller's inbox
	hopsHeader   = "Fundledger-Hops"
)

const (
	usualLease = 3 * time.Second
	// maxHops is how often a request is passed on before it waits where it is: two who each believe that the other decides must not keep it going.
	maxHops = 4
	// askPatience is how long the broker may take over one question about a lease.
	askPatience = 2 * time.Second
	// idleAfter is when a fund that nobody asks for is given back, so that quiet funds cost no renewals.
	idleAfter = time.Minute
	// unloadAfter is how many times as long its decider stays in memory.
	unloadAfter = 10
)

// A router finds the ledger that decides a fund: this one, when it holds the fund's lease, or the one that does.
//
// What it knows may be old, and harms nobody. A request that is passed on comes to a ledger that passes it on again, or to nobody, and the broker
// tells; two ledgers that both believe to hold a fund meet at the fence of its log. What must not happen is that a request which somebody may have
// taken is sent to another: it could be refused by the one and stored by the other.
type router struct {
	*Service
	leases *leases
	idle   time.Duration
	inbox  string // answers about requests that were passed on come to its subjects
	subs   []*nats.Subscription
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	routes  map[events.Fund]*route
	passed  map[string]*passing
	tokens  uint64
	stopped bool
}

// A route is what is known of the way to a fund's decider.
type route struct {
	fund events.Fund

	mu       sync.Mutex
	holder   string // "": not known
	revision uint64 // of the lease that says so; 0: there is none
	// until is, of an own lease, when it ends; of another's, from when on it may be taken unless it is renewed.
	until   time.Time
	silent  bool // nobody listens where the holder should, as of this revision
	flying  int  // requests passed on of which nothing has been heard
	waiting []*message
	asking  bool // somebody is finding out, and what comes in waits for it
	renews  bool // a renewal is under way
	loaded  bool // the ledger may have a decider of this fund
	used    time.Time
	dropped bool // there is another route by now
}

// A passing is a request that was passed on, until it is known whether anybody has taken it.
type passing struct {
	*message
	route  *route
	holder string
	since  time.Time
}

// ServeShared answers commands for one of several ledgers on one JetStream. Each takes requests for any fund, one at a time decides those of a
// fund. nc is a connection of the account that owns the logs, and ctx bounds the beginning.
func ServeShared(ctx context.Context, nc *nats.Conn, l *ledger.Ledger, version string, o Sharing) (*Service, error) {
	if o.Lease == 0 {
		o.Lease = usualLease
	}
	if o.idle == 0 {
		o.idle = idleAfter
	}
	s := newService(nc, l, o.Records)
	self := nuid.Next()
	held, err := openLeases(ctx, nc, self, o)
	if err != nil {
		return nil, err
	}
	r := &router{
		Service: s, leases: held, idle: o.idle, inbox: nc.NewInbox(), routes: map[events.Fund]*route{}, passed: map[string]*passing{},
	}
	s.router = r
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for subject, handle := range map[string]nats.MsgHandler{r.inbox + ".*": r.hear, decidePrefix + self + ".*.*": r.passedOn} {
		sub, err := nc.Subscribe(subject, handle)
		if err != nil {
			return nil, errors.Join(err, r.drain())
		}
		r.subs = append(r.subs, sub)
		if err := sub.SetPendingLimits(maxPending, maxPendingBytes); err != nil {
			return nil, errors.Join(err, r.drain())
		}
	}
	if err := s.begin(version, "*", r.find); err != nil {
		return nil, errors.Join(err, r.drain())
	}
	r.work.Go(r.keep)
	return s, nil
}

// drain ends taking what others pass on; what has come is still let in.
func (r *router) drain() error {
	var errs []error
	for _, sub := range r.subs {
		if strings.HasPrefix(sub.Subject, decidePrefix) {
			errs = append(errs, sub.Drain())
		}
	}
	return errors.Join(errs...)
}

// stop answers what still waits, lets the deciders end their work and gives the funds back.
func (r *router) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel()
	r.work.Wait()
	r.mu.Lock()
	left := make([]*passing, 0, len(r.passed))
	for token, p := range r.passed {
		delete(r.passed, token)
		left = append(left, p)
	}
	routes := make([]*route, 0, len(r.routes))
	for _, rt := range r.routes {
		routes = append(routes, rt)
	}
	r.mu.Unlock()
	for _, p := range left {
		r.lost(p)
	}
	var all sync.WaitGroup
	for _, rt := range routes {
		rt.mu.Lock()
		for _, m := range rt.waiting {
			r.giveBack(m)
		}
		rt.waiting = nil
		if rt.holder == r.leases.self {
			all.Go(func() {
				r.ledger.Unload(rt.fund)
				ctx, cancel := context.WithTimeout(context.Background(), askPatience)
				defer cancel()
				_ = r.leases.release(ctx, rt.fund, rt.revision) // who is not told waits until it ends
			})
		}
		rt.mu.Unlock()
	}
	all.Wait()
	for _, sub := range r.subs {
		_ = sub.Unsubscribe()
	}
}

func (r *router) giveBack(m *message) {
	r.intake.leave(m)
	r.busy(m)
}

// lost answers a request of which nobody knows whether it was taken.
func (r *router) lost(p *passing) {
	r.intake.leave(p.message)
	r.fail(p.message, &events.Error{Code: events.UnknownOutcome})
}

func (r *router) route(fund events.Fund) *route {
	r.mu.Lock()
	defer r.mu.Unlock()
	rt := r.routes[fund]
	if rt == nil {
		rt = &route{fund: fund}
		r.routes[fund] = rt
	}
	return rt
}

// find decides a request, passes it on, or lets it wait until it is known which.
func (r *router) find(m *message) {
	fund, err := events.ParseFund(m.fund)
	if err != nil { // refused, whatever it says
		r.handle(m)
		return
	}
	rt := r.route(fund)
	rt.mu.Lock()
	for rt.dropped {
		rt.mu.Unlock()
		rt = r.route(fund)
		rt.mu.Lock()
	}
	defer rt.mu.Unlock()
	rt.used = m.arrived
	if len(rt.waiting) > 0 || rt.asking || !r.send(rt, m) {
		r.wait(rt, m)
	}
}

// send decides a request or passes it on, where it is known which; it reports whether it was. The route is locked.
func (r *router) send(rt *route, m *message) bool {
	switch {
	case rt.holder == r.leases.self && time.Now().Before(rt.until):
		if rt.flying > 0 { // what was passed on before may be coming back
			return false
		}
		r.tell(m, takenHere)
		rt.loaded = true
		r.handle(m)
		return true
	case rt.holder == "", rt.holder == r.leases.self, rt.silent, m.hops >= maxHops:
		return false
	}
	r.tell(m, passedOn)
	r.pass(rt, m)
	return true
}

// What the one who passed a request on hears of it.
const (
	takenHere = "+"
	passedOn  = "-" // by one who does not hold the fund
)

func (r *router) tell(m *message, what string) {
	if m.heard != "" {
		_ = r.nc.Publish(m.heard, []byte(what))
		m.heard = ""
	}
}

// wait keeps a request until somebody has found out. The route is locked.
func (r *router) wait(rt *route, m *message) {
	r.tell(m, passedOn) // it is not lost: whoever passed it on need not wait
	if !rt.asking && !r.goes(func() { r.ask(rt) }) {
		r.giveBack(m)
		return
	}
	rt.asking = true
	at, _ := slices.BinarySearchFunc(rt.waiting, m, func(a, b *message) int { return int(int64(a.number) - int64(b.number)) })
	rt.waiting = slices.Insert(rt.waiting, at, m)
}

// goes runs f beside, unless the router has been stopped.
func (r *router) goes(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.work.Go(f)
	}
	return !r.stopped
}

// pass sends a request to the holder. Its reply is this replica's, so that the broker says so when nobody listens there; the answer goes to the
// caller at once. The route is locked.
func (r *router) pass(rt *route, m *message) {
	r.mu.Lock()
	r.tokens++
	token := strconv.FormatUint(r.tokens, 36)
	r.passed[token] = &passing{m, rt, rt.holder, time.Now()}
	r.mu.Unlock()
	rt.flying++
	msg := nats.NewMsg(decidePrefix + rt.holder + "." + m.user + "." + m.fund)
	msg.Reply = r.inbox + "." + token
	msg.Data = m.data
	msg.Header.Set(replyHeader, m.reply)
	msg.Header.Set(hopsHeader, strconv.Itoa(m.hops+1))
	if m.atomic {
		msg.Header.Set(AtomicHeader, "true")
	}
	if err := r.nc.PublishMsg(msg); err != nil {
		// Nothing was sent.
		r.mu.Lock()
		delete(r.passed, token)
		r.mu.Unlock()
		rt.flying--
		if errors.Is(err, nats.ErrMaxPayload) {
			r.intake.leave(m)
			r.fail(m, tooLong(r.nc, len(m.data)))
			return
		}
		r.giveBack(m)
	}
}

// passedOn takes a request from another replica.
func (r *router) passedOn(msg *nats.Msg) {
	reply := msg.Header.Get(replyHeader)
	hops, err := strconv.Atoi(msg.Header.Get(hopsHeader))
	if err != nil || !isInbox(reply) {
		return
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(msg.Subject, decidePrefix), ".")
	user, fund, _ := strings.Cut(rest, ".")
	m := &message{user: user, fund: fund, data: msg.Data, atomic: msg.Header.Get(AtomicHeader) == "true", reply: reply, hops: hops, heard: msg.Reply}
	r.take(m)
}

// hear learns what became of a request that was passed on.
func (r *router) hear(msg *nats.Msg) {
	token := msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:]
	r.mu.Lock()
	p := r.passed[token]
	delete(r.passed, token)
	r.mu.Unlock()
	if p == nil {
		return
	}
	rt := p.route
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.flying--
	current := rt.holder == p.holder
	switch {
	case string(msg.Data) == takenHere:
		if current {
			rt.silent = false
		}
	case msg.Header.Get("Status") == "503": // nobody has taken it
		rt.silent = rt.silent || current
		r.wait(rt, p.message)
		return
	case current:
		rt.holder = "" // whoever comes next asks again
	}
	r.intake.leave(p.message)
}

// ask finds out who decides a fund, and takes it where nobody does, until nothing waits for it.
func (r *router) ask(rt *route) {
	pause := 5 * time.Millisecond
	for {
		rt.mu.Lock()
		now := time.Now()
		for len(rt.waiting) > 0 && (now.Sub(rt.waiting[0].arrived) > r.patience() || r.ctx.Err() != nil) {
			m := rt.waiting[0]
			rt.waiting = rt.waiting[1:]
			r.giveBack(m)
		}
		if rt.flying == 0 { // what was passed on before may come back, and is to be decided first
			for len(rt.waiting) > 0 && r.send(rt, rt.waiting[0]) {
				rt.waiting = rt.waiting[1:]
			}
		}
		if len(rt.waiting) == 0 {
			rt.waiting, rt.asking = nil, false
			rt.mu.Unlock()
			return
		}
		held := rt.holder == r.leases.self && time.Now().Before(rt.until)
		rt.mu.Unlock()
		if held || !r.look(rt) {
			select {
			case <-time.After(pause):
			case <-r.ctx.Done():
			}
			pause = min(2*pause, 100*time.Millisecond)
		}
	}
}

// patience is how long a request waits for a fund that nobody decides: long enough for a lease to end and be taken.
func (r *router) patience() time.Duration { return 2*r.leases.duration + askPatience }

// look reads a fund's lease and takes it where it is free or has ended. It reports whether there is anything new.
func (r *router) look(rt *route) bool {
	ctx, cancel := context.WithTimeout(r.ctx, askPatience)
	defer cancel()
	holder, revision, err := r.leases.look(ctx, rt.fund)
	if err != nil {
		return false
	}
	rt.mu.Lock()
	was := rt.holder
	known := rt.revision == revision && rt.holder == holder
	if rt.revision != revision || was == r.leases.self {
		rt.silent, rt.until = false, time.Now().Add(r.leases.duration)
	}
	rt.holder, rt.revision = holder, revision
	if holder == r.leases.self { // perhaps by a renewal of which nobody knew that it had come through
		rt.until = time.Now()
	}
	unload := rt.loaded && holder != "" && holder != r.leases.self
	rt.loaded = rt.loaded && !unload
	free := holder == "" || holder == r.leases.self || time.Now().After(rt.until)
	rt.mu.Unlock()
	if unload { // it answers what it has first, and may wait for the disk
		r.goes(func() { r.ledger.Unload(rt.fund) })
	}
	if !free {
		return !known
	}
	return r.renew(ctx, rt, revision)
}

// renew takes a lease, or holds it for longer.
func (r *router) renew(ctx context.Context, rt *route, revision uint64) bool {
	taken, until, err := r.leases.take(ctx, rt.fund, revision)
	if err != nil {
		return false
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.holder, rt.revision, rt.until, rt.silent = r.leases.self, taken, until, false
	return true
}

// keep renews the leases that are in use, gives back those that are not, and answers what was passed on and never heard of again.
func (r *router) keep() {
	tick := time.NewTicker(max(r.leases.duration/12, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			return
		}
		r.mu.Lock()
		now := time.Now()
		var late, lost []*passing
		for token, p := range r.passed {
			switch age := now.Sub(p.since); {
			case age > r.leases.duration+askPatience:
				delete(r.passed, token)
				lost = append(lost, p)
			case age > r.leases.duration/3:
				late = append(late, p)
			}
		}
		routes := make([]*route, 0, len(r.routes))
		for _, rt := range r.routes {
			routes = append(routes, rt)
		}
		r.mu.Unlock()
		for _, p := range lost {
			p.route.mu.Lock()
			p.route.flying--
			p.route.mu.Unlock()
			r.lost(p)
		}
		for _, p := range late { // what comes now waits, until something is heard or the lease ends
			p.route.mu.Lock()
			p.route.silent = p.route.silent || p.route.flying > 0 && p.route.holder == p.holder
			p.route.mu.Unlock()
		}
		for _, rt := range routes {
			r.keepOne(rt, now)
		}
	}
}

func (r *router) keepOne(rt *route, now time.Time) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	switch {
	case rt.asking || rt.renews || rt.holder != r.leases.self:
		quiet := now.Sub(rt.used)
		switch {
		case rt.asking || rt.renews || rt.flying > 0:
		case rt.loaded && quiet > unloadAfter*r.idle:
			// Until then its decider is kept, for who asks for it now and then; it is ended at once when another is known to have taken the fund.
			rt.loaded = false
			r.goes(func() { r.ledger.Unload(rt.fund) })
		case !rt.loaded && quiet > r.idle:
			r.forget(rt)
		}
		return
	case now.Sub(rt.used) > r.idle:
		revision := rt.revision
		rt.holder, rt.revision = "", 0
		r.goes(func() {
			ctx, cancel := context.WithTimeout(r.ctx, askPatience)
			defer cancel()
			_ = r.leases.release(ctx, rt.fund, revision)
		})
		return
	case rt.until.Sub(now) > r.leases.duration*2/3:
		return
	}
	rt.renews = true
	revision := rt.revision
	r.goes(func() {
		ctx, cancel := context.WithTimeout(r.ctx, askPatience)
		defer cancel()
		if !r.renew(ctx, rt, revision) {
			r.look(rt)
		}
		rt.mu.Lock()
		rt.renews = false
		rt.mu.Unlock()
	})
}

// forget drops what is known of a fund that nobody asks for.
func (r *router) forget(rt *route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(rt.waiting) == 0 {
		rt.dropped = true
		delete(r.routes, rt.fund)
	}
}

func tooLong(nc *nats.Conn, size int) error {
	return &events.Error{Code: events.TooLarge, Why: "message", Args: events.Args{"size": strconv.Itoa(size), "limit": strconv.FormatInt(nc.MaxPayload(), 10)}}
}
