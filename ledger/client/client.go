// Package client appends events through a ledger that runs elsewhere.
//
//	c := client.New(nc, "local")
//	receipts := c.Append(ctx, inputs, false)
//
// A command whose answer was lost can be sent again as it is: its id makes it the same command, and it is stored once.
package client

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/ledger"
	"fundledger/ledger/api"

	"github.com/nats-io/nats.go"
)

// A Client sends commands as one user over one connection. It may be used by several goroutines.
type Client struct {
	// Shared says that several ledgers may take the requests. Those to one fund are then sent one after another, each when the one before has been
	// answered: two that are under way at once may come to two ledgers, and the order would be lost. Set it before the first request.
	Shared bool

	nc   *nats.Conn
	user string

	mu     sync.Mutex
	last   map[events.Fund]chan struct{} // closed when the last request to a fund has been answered
	inbox  string                        // answers come to its subjects; "" before the first request
	calls  []call                        // answers to call i come to inbox and i
	free   []int                         // those of calls that can be made
	active int
	watch  *time.Timer // looks at the calls while there are some
}

// A call is a request that waits for its answer. What was answered makes room for another, with the same subject: brokers remember the ways to subjects
// that they have seen. What was not keeps its place for ever, since its answer may still come.
type call struct {
	reply  string
	ctx    context.Context
	looks  int // how often it was seen to wait
	inputs []ledger.Input
	done   func([]ledger.Receipt, error) // nil: it does not wait
}

// turn returns what ends when the request before has been answered, and what to close when this one has.
func (c *Client) turn(fund events.Fund) (before, after chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[events.Fund]chan struct{}{}
	}
	before, after = c.last[fund], make(chan struct{})
	c.last[fund] = after
	return before, after
}

// turned forgets a fund to which nothing is under way any more.
func (c *Client) turned(fund events.Fund, after chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(after)
	if c.last[fund] == after {
		delete(c.last, fund)
	}
}

// New returns a client that sends on cmd.<user>.<fund>.
func New(nc *nats.Conn, user string) *Client { return &Client{nc: nc, user: user} }

// Append sends commands of one fund and waits for their receipts; see [Client.Submit].
func (c *Client) Append(ctx context.Context, inputs []ledger.Input, atomic bool) []ledger.Receipt {
	done := make(chan []ledger.Receipt, 1)
	c.Submit(ctx, inputs, atomic, func(rs []ledger.Receipt) { done <- rs })
	return <-done
}

// patience is how long an answer may take: far longer than a ledger needs to load a long log, and not for ever, since an answer that was lost
// never comes.
const patience = 2 * time.Minute

// Submit sends commands of one fund in one request before it returns (unless ledgers are [Client.Shared]), so that what one caller submits is taken
// in that order, and calls done once, later, with the receipts in the order of the inputs and with their numbers. What could not be sent or was not answered before ctx ended,
// or within two minutes, is failed: [events.Unavailable] where nobody took it, [events.UnknownOutcome] where it may have been stored. Unless atomic, inputs that could
// not be read are refused without being sent. Other answers wait while done is at work; the inputs must stay as they are until then.
func (c *Client) Submit(ctx context.Context, inputs []ledger.Input, atomic bool, done func([]ledger.Receipt)) {
	if atomic {
		if refused := ledger.RefuseAtomic(inputs); refused != nil { // also what would not fit into one request
			done(refused)
			return
		}
	}
	send := inputs
	unread := func(in ledger.Input) bool { return in.Err != nil }
	if slices.ContainsFunc(inputs, unread) {
		send = slices.DeleteFunc(slices.Clone(inputs), unread)
	}
	finish := func(answered []ledger.Receipt, err error) {
		if err != nil || len(send) < len(inputs) {
			out := make([]ledger.Receipt, len(inputs))
			for i := range inputs {
				in := &inputs[i]
				switch {
				case in.Err != nil:
					out[i] = ledger.Fail(in, in.Err)
				case err != nil:
					out[i] = ledger.Fail(in, err)
				default:
					out[i], answered = answered[0], answered[1:]
				}
			}
			answered = out
		}
		for i := range inputs {
			answered[i].Input = inputs[i].Number
		}
		done(answered)
	}
	if len(send) == 0 {
		finish(nil, nil)
		return
	}
	if !c.Shared {
		c.send(ctx, send, atomic, finish)
		return
	}
	fund := send[0].Command.Fund
	before, after := c.turn(fund)
	go func() {
		if before != nil {
			select {
			case <-before:
			case <-ctx.Done(): // the next waits for the one before all the same
				go func() { <-before; c.turned(fund, after) }()
				finish(nil, &events.Error{Code: events.Unavailable, Err: ctx.Err()})
				return
			}
		}
		c.send(ctx, send, atomic, func(rs []ledger.Receipt, err error) {
			c.turned(fund, after)
			finish(rs, err)
		})
	}()
}

// send publishes a request. done is called once: with its answer, or with what kept it from coming.
func (c *Client) send(ctx context.Context, inputs []ledger.Input, atomic bool, done func([]ledger.Receipt, error)) {
	err := ctx.Err()
	if err == nil {
		err = c.listen()
	}
	if err != nil {
		done(nil, c.unavailable(err))
		return
	}
	subject, data := api.Subject(c.user, inputs[0].Command.Fund), ledger.AppendRequest(nil, inputs)
	place, reply := c.begin(ctx, inputs, done)
	if atomic {
		err = c.nc.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: data, Header: nats.Header{api.AtomicHeader: {"true"}}})
	} else {
		err = c.nc.PublishRequest(subject, reply, data)
	}
	switch {
	case err == nil:
		return
	case errors.Is(err, nats.ErrMaxPayload):
		err = &events.Error{Code: events.TooLarge, Why: "message", Args: events.Args{
			"size": strconv.Itoa(len(data)), "limit": strconv.FormatInt(c.nc.MaxPayload(), 10),
		}, Err: err}
	default:
		err = c.unavailable(err)
	}
	c.end(place, err)
	c.release(place) // nobody will answer what was not sent
}

// begin makes a call and returns its place and the subject to which its answer comes.
func (c *Client) begin(ctx context.Context, inputs []ledger.Input, done func([]ledger.Receipt, error)) (place int, reply string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.free); n > 0 {
		place, c.free = c.free[n-1], c.free[:n-1]
	} else {
		place = len(c.calls)
		c.calls = append(c.calls, call{reply: c.inbox + strconv.Itoa(place)})
	}
	made := &c.calls[place]
	made.ctx, made.looks, made.inputs, made.done = ctx, 0, inputs, done
	if c.active++; c.active == 1 {
		c.watch.Reset(watchEvery)
	}
	return place, made.reply
}

func (c *Client) unavailable(err error) error {
	return &events.Error{Code: events.Unavailable, Why: "connect", Args: events.Args{"url": c.nc.ConnectedUrlRedacted()}, Err: err}
}

// listen subscribes to the answers of all requests, before the first.
func (c *Client) listen() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inbox != "" {
		return nil
	}
	inbox := c.nc.NewInbox() + "."
	sub, err := c.nc.Subscribe(inbox+"*", func(msg *nats.Msg) { c.answered(strings.TrimPrefix(msg.Subject, inbox), msg) })
	if err != nil {
		return err
	}
	// What is answered was asked for; the bound is what is under way.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return errors.Join(err, sub.Unsubscribe())
	}
	sub.SetClosedHandler(func(string) {
		c.endAll(func(*call) error { return nats.ErrConnectionClosed })
		c.mu.Lock()
		c.inbox = ""
		c.mu.Unlock()
	})
	c.inbox, c.calls, c.free = inbox, nil, nil
	c.watch = time.AfterFunc(watchEvery, c.lookAfter)
	return nil
}

// watchEvery is how often it is looked whether anybody has waited long enough.
const watchEvery = 20 * time.Millisecond

// lookAfter ends the calls whose callers do not wait any more. A timer and a watch of its context for each call would be much of its cost.
func (c *Client) lookAfter() {
	c.endAll(func(waiting *call) error {
		if waiting.looks++; waiting.looks > int(patience/watchEvery) {
			return nats.ErrTimeout
		}
		return waiting.ctx.Err()
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active > 0 {
		c.watch.Reset(watchEvery)
	}
}

// endAll ends those calls for which why has a reason. What became of their commands is not known.
func (c *Client) endAll(why func(*call) error) {
	type ended struct {
		call
		err error
	}
	var over []ended
	c.mu.Lock()
	for i := range c.calls {
		if c.calls[i].done != nil {
			if err := why(&c.calls[i]); err != nil {
				// It is taken out at once: a moment later another may stand here.
				over = append(over, ended{c.out(i), err})
			}
		}
	}
	c.mu.Unlock()
	for _, o := range over {
		o.done(nil, &events.Error{Code: events.UnknownOutcome, Err: o.err})
	}
}

// end ends a call that will not be answered, if it waits.
func (c *Client) end(place int, err error) {
	if waited := c.take(place); waited.done != nil {
		waited.done(nil, err)
	}
}

// take takes a call out.
func (c *Client) take(place int) call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place < 0 || place >= len(c.calls) {
		return call{}
	}
	return c.out(place)
}

// out is take for who holds the lock and names a place that there is.
func (c *Client) out(place int) (waited call) {
	at := &c.calls[place]
	waited = *at
	if at.done != nil {
		c.active--
	}
	*at = call{reply: at.reply}
	return waited
}

// release lets a place be used again.
func (c *Client) release(place int) {
	c.mu.Lock()
	c.free = append(c.free, place)
	c.mu.Unlock()
}

func (c *Client) answered(token string, msg *nats.Msg) {
	place, err := strconv.Atoi(token)
	if err != nil {
		return
	}
	waited := c.take(place)
	if waited.done == nil {
		return // it came too late
	}
	if len(msg.Data) == 0 && msg.Header.Get("Status") == "503" {
		c.release(place)
		waited.done(nil, c.unavailable(nats.ErrNoResponders))
		return
	}
	rs, err := receipts(msg.Data, waited.inputs)
	if events.CodeOf(err) != events.UnknownOutcome { // else who does know may still answer
		c.release(place)
	}
	waited.done(rs, err)
}

// receipts reads the answer to a request. One receipt of no command answers a request that could not be taken as a whole.
func receipts(data []byte, inputs []ledger.Input) ([]ledger.Receipt, error) {
	rs, list, err := ledger.ParseReceipts(data)
	switch {
	case err == nil && !list && rs[0].Code != "" && rs[0].ID == "":
		return nil, &events.Error{Code: rs[0].Code, Why: rs[0].Why, Args: rs[0].Args}
	case err == nil && slices.EqualFunc(rs, inputs, func(r ledger.Receipt, in ledger.Input) bool {
		return r.ID == in.ID || r.ID == "" || r.Status == ledger.Duplicate
	}):
		return rs, nil
	}
	return nil, &events.Error{Code: events.UnknownOutcome, Err: err}
}
