// Package client appends events through a ledger that runs elsewhere.
//
//	c := client.New(nc, "local")
//	receipts := c.Append(ctx, inputs, false)
//
// A command whose answer was lost can be sent again as it is: its id makes it the same command, and it is stored once.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"fundledger/events"
	"fundledger/ledger"
	"fundledger/ledger/api"

	"github.com/nats-io/nats.go"
)

// A Client sends commands as one user over one connection. It may be used by several goroutines.
type Client struct {
	nc   *nats.Conn
	user string
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

// Submit sends commands of one fund in one request before it returns, so that what one caller submits is taken in that order, and calls done
// once, later, with the receipts in the order of the inputs and with their numbers. What could not be sent or was not answered before ctx ended,
// or within two minutes, is failed: [events.Unavailable] where nobody took it, [events.UnknownOutcome] where it may have been stored. Unless atomic, inputs that could
// not be read are refused without being sent.
func (c *Client) Submit(ctx context.Context, inputs []ledger.Input, atomic bool, done func([]ledger.Receipt)) {
	out := make([]ledger.Receipt, len(inputs))
	var send []ledger.Input
	var places []int
	for i := range inputs {
		if inputs[i].Err != nil {
			out[i] = ledger.Fail(&inputs[i], inputs[i].Err)
			continue
		}
		send = append(send, inputs[i])
		places = append(places, i)
	}
	if atomic {
		if refused := ledger.RefuseAtomic(inputs); refused != nil { // also what would not fit into one request
			done(refused)
			return
		}
	}
	if len(send) == 0 {
		done(out)
		return
	}
	wait, err := c.send(send, atomic)
	go func() {
		var answered []ledger.Receipt
		if err == nil {
			answered, err = wait(ctx)
		}
		for k, i := range places {
			if err != nil {
				out[i] = ledger.Fail(&inputs[i], err)
				continue
			}
			out[i] = answered[k]
			out[i].Input = inputs[i].Number
		}
		done(out)
	}()
}

// send publishes a request and returns what waits for its answer.
func (c *Client) send(inputs []ledger.Input, atomic bool) (func(context.Context) ([]ledger.Receipt, error), error) {
	unavailable := func(err error) error {
		return &events.Error{Code: events.Unavailable, Why: "connect", Args: events.Args{"url": c.nc.ConnectedUrlRedacted()}, Err: err}
	}
	msg := nats.NewMsg(api.Subject(c.user, inputs[0].Command.Fund))
	msg.Reply = c.nc.NewInbox()
	msg.Data = ledger.AppendRequest(nil, inputs)
	if atomic {
		msg.Header.Set(api.AtomicHeader, "true")
	}
	sub, err := c.nc.SubscribeSync(msg.Reply)
	if err != nil {
		return nil, unavailable(err)
	}
	if err := errors.Join(sub.AutoUnsubscribe(1), c.nc.PublishMsg(msg)); err != nil {
		return nil, unavailable(errors.Join(err, sub.Unsubscribe()))
	}
	return func(ctx context.Context) ([]ledger.Receipt, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		reply, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			return nil, unavailable(err)
		case err != nil:
			return nil, errors.Join(&events.Error{Code: events.UnknownOutcome, Err: err}, sub.Unsubscribe())
		}
		return receipts(reply.Data, len(inputs))
	}, nil
}

// receipts reads the answer to a list. A single receipt with a code answers one that could not be taken as a whole.
func receipts(data []byte, n int) ([]ledger.Receipt, error) {
	var rs []ledger.Receipt
	err := json.Unmarshal(data, &rs)
	if err == nil && len(rs) == n {
		return rs, nil
	}
	var one ledger.Receipt
	if json.Unmarshal(data, &one) == nil && one.Code != "" {
		return nil, &events.Error{Code: one.Code, Why: one.Why, Args: one.Args}
	}
	return nil, &events.Error{Code: events.UnknownOutcome, Err: err}
}
