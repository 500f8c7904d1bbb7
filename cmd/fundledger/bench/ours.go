package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"

	"github.com/nats-io/nats.go"
)

// An opened is a ledger on a folder that this process holds, as the program runs it.
type opened struct {
	server  *embedded.Server
	nc, in  *nats.Conn
	store   *stream.Store
	ledger  *ledger.Ledger
	service *api.Service
}

// open opens a folder, which is made where there is none. With serve it takes commands over TCP as well.
func open(ctx context.Context, folder string, serve bool) (o *opened, err error) {
	o = &opened{}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	server, address, err := embedded.Hold(ctx, folder, embedded.Options{Create: true, Listen: serve})
	switch {
	case err != nil:
		return nil, err
	case address != nil:
		return nil, fmt.Errorf("%s is held by another program", folder)
	}
	o.server = server
	if o.nc, err = server.Connect(); err != nil {
		return nil, err
	}
	if o.store, err = stream.NewStore(o.nc, stream.Own, embedded.Heads(folder)); err != nil {
		return nil, err
	}
	o.ledger = ledger.Open(func(f events.Fund) ledger.Log { return o.store.Log(f) }, nil)
	if serve {
		if o.in, err = server.Receive(); err != nil {
			return nil, err
		}
		if o.service, err = api.Serve(o.in, o.ledger, "", nil); err != nil {
			return nil, err
		}
		if err := o.in.FlushTimeout(10 * time.Second); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *opened) close() {
	if o.service != nil {
		_ = o.service.Stop()
	}
	if o.ledger != nil {
		o.ledger.Close(context.Background())
	}
	for _, nc := range []*nats.Conn{o.in, o.nc} {
		if nc != nil {
			nc.Close()
		}
	}
	if o.server != nil {
		_ = o.server.Stop()
	}
}

// begin opens the fund and gives every line its budget.
func (o *opened) begin(ctx context.Context) error {
	var inputs []ledger.Input
	for _, c := range opening() {
		inputs = append(inputs, input([]byte(c)))
	}
	return refused(o.ledger.Append(ctx, inputs, ledger.Local, true))
}

// inProcess measures n callers that read a command, hand it to the ledger and wait for the receipt.
func (r *run) inProcess(n int) measure {
	return func(ctx context.Context, folder string) (s sample, err error) {
		l, err := open(ctx, folder, false)
		if err != nil {
			return s, err
		}
		if err = l.begin(ctx); err == nil {
			s, err = callers(ctx, n, 1, r.Time, func(ctx context.Context, _, first int) error {
				return refused(l.ledger.Append(ctx, []ledger.Input{input(r.work.command(first))}, ledger.Local, false))
			})
		}
		l.close()
		if err != nil {
			return s, err
		}
		return s, r.verify(ctx, folder, s.events)
	}
}

// tcp measures callers on connections of their own process's loopback interface: so many connections, on each so many requests under way, in each
// a list of so many commands. The callers send the bytes as they are; reading them is the server's work.
func (r *run) tcp(connections, underWay, list int) measure {
	return func(ctx context.Context, folder string) (s sample, err error) {
		defer api.MakeRoom()() // as serve does
		l, err := open(ctx, folder, true)
		if err != nil {
			return s, err
		}
		var clients []*client.Client
		defer func() {
			l.close()
			if err == nil {
				err = r.verify(ctx, folder, s.events)
			}
		}()
		for range connections {
			nc, err := l.server.Address().Dial()
			if err != nil {
				return s, err
			}
			defer nc.Close()
			clients = append(clients, client.New(nc, ledger.Local.ID))
		}
		if err := l.begin(ctx); err != nil {
			return s, err
		}
		requests := make([][]ledger.Input, connections*underWay) // of each caller, the room for his next
		for caller := range requests {
			requests[caller] = make([]ledger.Input, list)
			for i := range list {
				requests[caller][i] = ledger.Input{Number: i + 1, Command: &events.Command{Fund: fund}}
			}
		}
		return chains(ctx, connections*underWay, list, r.Time, func(ctx context.Context, caller, first int, done func(error)) {
			inputs := requests[caller]
			for i := range inputs {
				in := &inputs[i]
				in.ID = events.ID(id(first + i))
				in.Command.ID, in.Command.Raw = in.ID, r.work.command(first+i)
			}
			clients[caller%connections].Submit(ctx, inputs, false, func(rs []ledger.Receipt) { done(refused(rs)) })
		})
	}
}

// appendFile measures a file on its way into a new folder.
func (r *run) appendFile(ctx context.Context, folder string) (s sample, err error) {
	file, err := r.payments()
	if err != nil {
		return s, err
	}
	folder = filepath.Join(folder, "data")
	begin := time.Now()
	if err := r.Options.Append(ctx, folder, file); err != nil {
		return s, err
	}
	s.events, s.elapsed = r.Payments, time.Since(begin)
	return s, r.verify(ctx, folder, s.events)
}

// verify reads a folder back: payments 0 to n-1 must be there, each once, and what every line has left, by the ledger's own account, must be right.
func (r *run) verify(ctx context.Context, folder string, n int) error {
	return r.verifyEach(ctx, folder, n, func(int, []byte) error { return nil })
}

// verifyEach is verify, and shows each payment's number and line.
func (r *run) verifyEach(ctx context.Context, folder string, n int, each func(n int, line []byte) error) error {
	l, err := open(ctx, folder, false)
	if err != nil {
		return err
	}
	defer l.close()
	found := count{seen: make([]bool, n)}
	for line, err := range l.store.Log(fund).Replay(ctx) {
		if err != nil {
			return err
		}
		e, err := events.ParseEvent(line)
		if err != nil {
			return err
		}
		if e.Command.Kind != events.Disbursed {
			continue
		}
		if len(e.Postings) != 1 {
			return fmt.Errorf("verifying: payment %s has %d postings, want 1", e.ID, len(e.Postings))
		}
		code, err := strconv.Atoi(string(e.Postings[0].Line))
		if err != nil {
			return err
		}
		if err := found.add(string(e.ID), code-1, int64(e.Postings[0].Amount)); err != nil {
			return err
		}
		if err := each(int(e.Seq)-openedBy-1, line); err != nil {
			return err
		}
		r.bytes += len(line)
	}
	r.stored += found.found
	left, err := l.left(ctx)
	if err != nil {
		return err
	}
	return found.check(left)
}

// left is what the ledger says is left on each line, in fen, when it is asked for more than there can be.
func (o *opened) left(ctx context.Context) (left [lines]int64, err error) {
	for i := range left {
		raw := fmt.Sprintf(`{"kind":"disbursed","fund":%q,"year":2022,"date":"2022-01-01","line":"%02d","amount":"%d","channel":"payment"}`, fund, i+1, budget)
		rs := o.ledger.Append(ctx, []ledger.Input{input([]byte(raw))}, ledger.Local, false)
		if rs[0].Code != events.OverBudget {
			return left, fmt.Errorf("verifying: a payment above everything is %s: %w", rs[0].Status, reason(rs[0].Err()))
		}
		if left[i], err = strconv.ParseInt(strings.Replace(rs[0].Args["left"], ".", "", 1), 10, 64); err != nil {
			return left, err
		}
	}
	return left, nil
}

// The rows of [Start].
const (
	OpenStore     = "open-store"
	StartSnapshot = "start-snapshot"
	StartReplay   = "start-replay"
)

// ErrNoSnapshot says that so few payments leave no snapshot.
var ErrNoSnapshot = errors.New("no snapshot was kept of so few payments")

// Start measures how long it takes, in this process, from opening a folder of Payments to the answer to the first command, which is one payment more: with a snapshot,
// and reading the whole log; and how long the broker takes of that. Events per second are those of the folder. [ErrNoSnapshot] where there are too
// few for one.
func Start(ctx context.Context, o Options) (*Report, error) {
	r, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.end()
	file, err := r.payments()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(r.temp, "data")
	if err := r.Options.Append(ctx, folder, file); err != nil {
		return nil, err
	}
	snapshots := filepath.Join(folder, "snapshots")
	n := r.Payments // with those that the starts append
	samples := map[string][]sample{}
	for round := range r.Rounds {
		for _, name := range []string{StartSnapshot, StartReplay} {
			if r.Progress != nil {
				r.Progress(round+1, name)
			}
			if name == StartReplay {
				if err := os.RemoveAll(snapshots); err != nil {
					return nil, err
				}
			} else if kept, err := os.ReadDir(snapshots); err != nil || len(kept) == 0 {
				return nil, errors.Join(ErrNoSnapshot, err)
			}
			runtime.GC()
			begin := time.Now()
			l, err := open(ctx, folder, false)
			if err != nil {
				return nil, err
			}
			opened := time.Since(begin)
			err = refused(l.ledger.Append(ctx, []ledger.Input{input(r.work.command(n))}, ledger.Local, false))
			took := time.Since(begin)
			l.close() // which keeps a snapshot where there was none
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			samples[name] = append(samples[name], sample{events: n, elapsed: took, latencies: []time.Duration{took}})
			samples[OpenStore] = append(samples[OpenStore], sample{events: n, elapsed: opened, latencies: []time.Duration{opened}})
			n++
		}
	}
	if err := r.verify(ctx, folder, n); err != nil {
		return nil, err
	}
	report := &Report{Bytes: r.bytes / r.stored, Memory: inMemory(o.Dir)}
	for _, name := range []string{OpenStore, StartSnapshot, StartReplay} {
		row := summary(name, samples)
		row.P99 = 0
		if name == OpenStore { // it reads no events
			row.PerSecond, row.Low, row.High = 0, 0, 0
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}
