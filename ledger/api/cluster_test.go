package api_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"

	"github.com/anishathalye/porcupine"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// long reports whether there is time for more than a look.
func long() bool { return os.Getenv("FUNDLEDGER_LONG") != "" }

// seeded returns what a test draws from; FUNDLEDGER_SEED repeats a run as far as time allows.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("FUNDLEDGER_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FUNDLEDGER_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// An operation is one attempt to have a command stored.
type operation struct {
	fund, id string
	amount   int // that is paid; below zero, that is added to the budget
	caller   int
	from, to time.Duration
	receipt  ledger.Receipt
}

func (o *operation) command() string {
	if o.amount < 0 {
		return fmt.Sprintf(`{"id":%q,"kind":"appropriated","fund":%q,"year":2022,"date":"2022-06-01","line":"1","amount":"%d","stage":"supplementary"}`, o.id, o.fund, -o.amount)
	}
	return fmt.Sprintf(`{"id":%q,"kind":"disbursed","fund":%q,"year":2022,"date":"2022-06-01","line":"1","amount":"%d","channel":"payment"}`, o.id, o.fund, o.amount)
}

// A history is what callers did and were told.
type history struct {
	begun time.Time
	mu    sync.Mutex
	all   []*operation
}

// opening makes a fund with this much money.
const opening = 1000

func openFund(fund string) []string {
	return []string{
		fmt.Sprintf(`{"id":"open","kind":"fund-opened","fund":%q,"year":2022,"name":"A","lines":[{"code":"1","name":"one"}]}`, fund),
		fmt.Sprintf(`{"id":"budget","kind":"appropriated","fund":%q,"year":2022,"date":"2022","line":"1","amount":"%d","stage":"original"}`, fund, opening),
	}
}

// do sends an operation and writes down what became of it.
func (h *history) do(t *testing.T, c *client.Client, o operation, patience time.Duration) ledger.Receipt {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	in := inputs(t, o.command())
	o.from = time.Since(h.begun)
	o.receipt = c.Append(ctx, in, false)[0]
	o.to = time.Since(h.begun)
	h.mu.Lock()
	h.all = append(h.all, &o)
	h.mu.Unlock()
	return o.receipt
}

// work lets callers send commands until the context ends: payments, some above what is left, more budget, and what was sent before again.
func (h *history) work(ctx context.Context, t *testing.T, callers int, funds []string, random *rand.Rand, connect func() *nats.Conn, patience time.Duration) {
	var all sync.WaitGroup
	var recent sync.Map // fund and a small number to an operation
	for caller := range callers {
		nc := connect()
		r := rand.New(rand.NewPCG(random.Uint64(), 1))
		all.Go(func() {
			c := client.New(nc, "local")
			for i := 0; ctx.Err() == nil; i++ {
				fund := funds[r.IntN(len(funds))]
				o := operation{fund: fund, id: fmt.Sprintf("%d-%d", caller, i), caller: caller}
				place := fund + strconv.Itoa(r.IntN(2*callers))
				switch r.IntN(10) {
				case 0, 1:
					o.amount = -(1 + r.IntN(400))
				case 2, 3:
					if was, ok := recent.Load(place); ok {
						o = was.(operation)
						o.caller = caller
					}
				case 4, 5:
					o.amount = 200 + r.IntN(2000)
				default:
					o.amount = 1 + r.IntN(60)
				}
				if o.amount == 0 {
					o.amount = 1
				}
				recent.Store(place, o)
				if h.do(t, c, o, patience).Status == ledger.Failed {
					time.Sleep(time.Duration(r.IntN(50)) * time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

// settle asks again for everything that was not known, when all faults are over.
func (h *history) settle(t *testing.T, nc *nats.Conn) {
	t.Helper()
	c := client.New(nc, "local")
	known := map[string]bool{}
	var ask []operation
	h.mu.Lock()
	for _, o := range h.all {
		if o.receipt.Status != ledger.Failed {
			known[o.fund+"/"+o.id] = true
		}
	}
	for _, o := range h.all {
		if key := o.fund + "/" + o.id; !known[key] {
			known[key] = true
			ask = append(ask, *o)
		}
	}
	h.mu.Unlock()
	for _, o := range ask {
		o.caller = 1000
		deadline := time.Now().Add(enough)
		for h.do(t, c, o, 10*time.Second).Status == ledger.Failed {
			if time.Now().After(deadline) {
				t.Fatalf("the faults have long been over, and %s of %s is still not answered", o.id, o.fund)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// check compares what callers were told with the logs, read back and verified, and with every order that one place could have decided them in.
func (h *history) check(t *testing.T, store *stream.Store, funds []string) {
	t.Helper()
	type key struct{ fund, id string }
	stored := map[key]events.Event{}
	for _, fund := range funds {
		n := 0
		for line, err := range store.Log(events.Fund(fund)).Replay(t.Context()) {
			if err != nil {
				t.Fatalf("the log of %s: %v", fund, err)
			}
			e, err := events.ParseEvent([]byte(string(line)))
			if err != nil {
				t.Fatal(err)
			}
			n++
			k := key{fund, string(e.ID)}
			if was, twice := stored[k]; twice {
				t.Errorf("%v is stored as %d and as %d", k, was.Seq, e.Seq)
			}
			if int(e.Seq) != n {
				t.Errorf("event %d of %s has the number %d", n, fund, e.Seq)
			}
			stored[k] = e
		}
	}
	counts := map[string]int{}
	appended, decided := map[key]int{}, map[key]bool{} // decided: some attempt may have stored it
	for _, o := range h.all {
		k := key{o.fund, o.id}
		r := o.receipt
		counts[strings.TrimSpace(string(r.Status)+" "+string(r.Code))]++
		e, there := stored[k]
		switch r.Status {
		case ledger.Appended, ledger.Duplicate:
			if r.Status == ledger.Appended {
				appended[k]++
			}
			decided[k] = true
			if !there {
				t.Errorf("%v was acknowledged as %d and is not stored", k, r.Seq)
			} else if e.Seq != r.Seq || e.Time.UTC().Format(events.TimeForm) != r.Recorded {
				t.Errorf("%v was acknowledged as %d of %s and is stored as %d of %v", k, r.Seq, r.Recorded, e.Seq, e.Time)
			}
		case ledger.Failed:
			decided[k] = decided[k] || r.Code == events.UnknownOutcome // any other failure says that nothing was stored
		}
	}
	for k, e := range stored {
		if !decided[k] && k.id != "open" && k.id != "budget" {
			t.Errorf("%v is stored as %d, and no answer to it said that it is or may be", k, e.Seq)
		}
	}
	t.Logf("%d operations: %v", len(h.all), counts)

	var ops []porcupine.Operation
	open := map[key]*operation{} // the earliest attempt of unknown outcome that may be the one that was stored
	for _, o := range h.all {
		k := key{o.fund, o.id}
		if o.receipt.Status == ledger.Appended {
			if appended[k]--; appended[k] > 0 {
				// Two writers who decided it in the same microsecond wrote the same block, to the byte. It is stored once, and either may be the first.
				o.receipt.Status = ledger.Duplicate
			} else {
				appended[k] = 1
			}
		}
		if o.receipt.Status != ledger.Failed {
			ops = append(ops, porcupine.Operation{
				ClientId: o.caller, Input: o, Output: o.receipt, Call: int64(o.from), Return: int64(o.to),
			})
			continue
		}
		if _, there := stored[k]; there && appended[k] == 0 && o.receipt.Code == events.UnknownOutcome && (open[k] == nil || o.from < open[k].from) {
			open[k] = o
		}
	}
	for k, o := range open {
		ops = append(ops, porcupine.Operation{
			ClientId: o.caller, Input: o, Output: ledger.Receipt{Status: ledger.Appended, Seq: stored[k].Seq}, Call: int64(o.from), Return: math.MaxInt64,
		})
	}
	begun := time.Now()
	result, info := porcupine.CheckOperationsVerbose(model, ops, 2*time.Minute)
	if result == porcupine.Ok {
		t.Logf("linearizable, found in %v", time.Since(begun))
		return
	}
	t.Errorf("whether the history is linearizable: %s", result)
	path := filepath.Join(os.TempDir(), strings.ReplaceAll(t.Name(), "/", "-")+".html")
	if err := porcupine.VisualizePath(model, info, path); err == nil {
		t.Logf("drawn in %s", path)
	}
}

// A fundState is a fund as callers see it: the number of its last event, what is left, and the ids that are used.
type fundState struct {
	last events.Seq
	left int
	ids  *idList
}

// An idList is a list that shares its tail with those from which it was made.
type idList struct {
	id   string
	rest *idList
}

func (l *idList) has(id string) bool {
	for ; l != nil; l = l.rest {
		if l.id == id {
			return true
		}
	}
	return false
}

// model is what a fund promises, whoever decides it.
var model = porcupine.Model{
	Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
		byFund := map[string][]porcupine.Operation{}
		for _, op := range ops {
			fund := op.Input.(*operation).fund
			byFund[fund] = append(byFund[fund], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byFund {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return fundState{last: 2, left: opening} },
	Step: func(state, input, output any) (bool, any) {
		s, o, r := state.(fundState), input.(*operation), output.(ledger.Receipt)
		switch {
		case r.Status == ledger.Duplicate:
			return r.Seq <= s.last && s.ids.has(o.id), s
		case r.Status == ledger.Refused:
			return r.Code == events.OverBudget && o.amount > s.left && !s.ids.has(o.id), s
		case r.Seq != s.last+1 || o.amount > s.left || s.ids.has(o.id):
			return false, s
		}
		return true, fundState{r.Seq, s.left - o.amount, &idList{o.id, s.ids}}
	},
	// The numbers fix which events there are, so that states of one number are one.
	Equal: func(a, b any) bool { return a.(fundState).last == b.(fundState).last },
	DescribeOperation: func(input, output any) string {
		o, r := input.(*operation), output.(ledger.Receipt)
		return fmt.Sprintf("%s %d: %s %s %d", o.id, o.amount, r.Status, r.Code, r.Seq)
	},
	DescribeState: func(state any) string {
		s := state.(fundState)
		return fmt.Sprintf("%d, %d left", s.last, s.left)
	},
}

// A cluster is three brokers in this process.
type cluster struct {
	t       *testing.T
	configs [3]string
	mu      sync.Mutex
	servers [3]*natsserver.Server
	ports   [3]int
}

const clusterConfig = `
server_name: n%d
listen: "127.0.0.1:%d"
max_payload: 8MB
jetstream { store_dir: %q, sync_interval: always }
cluster { name: c, listen: "127.0.0.1:%d", routes: [ %s ] }
%s`

// accounts are those of a broker that several ledgers share.
const accounts = `
accounts {
  LEDGER {
    jetstream: enabled
    users: [ { user: ledger, password: secret } ]
    exports: [ { service: "cmd.*.*" } ]
  }
  CLIENTS {
    users: [ { user: client, password: token } ]
    imports: [ { service: { account: LEDGER, subject: "cmd.local.*" } } ]
  }
}
`

// freePort is a port for a broker that ends and begins again. It is below those that systems give to connections: one of them could have it
// meanwhile, even a connection to this very broker, which would then be one with itself.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	var routes []string
	var inner [3]int
	for i := range 3 {
		c.ports[i], inner[i] = freePort(t), freePort(t)
		routes = append(routes, fmt.Sprintf("%q", fmt.Sprintf("nats-route://127.0.0.1:%d", inner[i])))
	}
	for i := range 3 {
		c.configs[i] = fmt.Sprintf(clusterConfig, i, c.ports[i], t.TempDir(), inner[i], strings.Join(routes, ", "), accounts)
		c.start(i)
	}
	t.Cleanup(func() {
		for i := range 3 {
			c.end(i)
		}
	})
	nc := c.connect(t, "ledger", "secret")
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(enough); ; time.Sleep(50 * time.Millisecond) {
		if _, err = js.AccountInfo(); err == nil {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func (c *cluster) start(i int) {
	opts := &natsserver.Options{}
	if err := opts.ProcessConfigString(c.configs[i]); err != nil {
		c.t.Error(err)
		return
	}
	opts.NoSigs, opts.NoLog = true, true
	s, err := natsserver.NewServer(opts)
	if err != nil {
		c.t.Error(err)
		return
	}
	s.Start()
	c.mu.Lock()
	c.servers[i] = s
	c.mu.Unlock()
	if !s.ReadyForConnections(enough) {
		c.t.Errorf("broker %d does not start", i)
	}
}

func (c *cluster) end(i int) {
	c.mu.Lock()
	s := c.servers[i]
	c.mu.Unlock()
	s.Shutdown()
	s.WaitForShutdown()
}

// connect returns a connection to any of the brokers that finds its way back.
func (c *cluster) connect(t *testing.T, user, password string) *nats.Conn {
	t.Helper()
	var urls []string
	for _, port := range c.ports {
		urls = append(urls, fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", user, password, port))
	}
	nc, err := nats.Connect(strings.Join(urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(20*time.Millisecond, 20*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), nats.Timeout(time.Minute), nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(enough); !nc.IsConnected() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	return nc
}

// A pause stops a writer for a while, as a machine that sleeps would.
type pause struct{ until atomic.Int64 }

func (p *pause) begin(d time.Duration) { p.until.Store(time.Now().Add(d).UnixNano()) }

func (p *pause) wait() { time.Sleep(time.Until(time.Unix(0, p.until.Load()))) }

// A pausingLog is paused before and after its calls.
type pausingLog struct {
	ledger.Log
	*pause
}

func (l *pausingLog) Append(ctx context.Context, b *proof.Block) error {
	l.wait()
	err := l.Log.Append(ctx, b)
	l.wait()
	return err
}

func (l *pausingLog) Current(ctx context.Context) error {
	l.wait()
	err := l.Log.Current(ctx)
	l.wait()
	return err
}

// TestThreeWritersOnThreeBrokers has three ledgers decide for many callers while leaders step down, brokers are restarted, writers are paused for
// longer than their lease, stopped, killed and begun again.
func TestThreeWritersOnThreeBrokers(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster needs its time")
	}
	t.Parallel()
	random := seeded(t)
	const lease = 700 * time.Millisecond
	during := 5 * time.Second
	if long() {
		during = 90 * time.Second
	}
	began := time.Now()
	c := newCluster(t)
	funds := []string{"a", "b"}
	var pauses [3]pause
	var replicas [3]*replica
	begin := func(i int) {
		replicas[i] = share(t, c.connect(t, "ledger", "secret"), api.Sharing{Replicas: 3, Lease: lease},
			func(l ledger.Log) ledger.Log { return &pausingLog{l, &pauses[i]} },
			func() time.Time { pauses[i].wait(); return time.Now() })
	}
	for i := range replicas {
		begin(i)
	}
	own, nc := c.connect(t, "ledger", "secret"), c.connect(t, "client", "token")
	defer own.Close()
	defer nc.Close()
	for _, fund := range funds {
		for _, command := range openFund(fund) {
			for deadline := time.Now().Add(enough); ; {
				rs := client.New(nc, "local").Append(t.Context(), inputs(t, command), false)
				if rs[0].Status == ledger.Appended || rs[0].Status == ledger.Duplicate {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%+v", rs[0])
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
	t.Logf("ready after %v", time.Since(began))
	h := &history{begun: time.Now()}
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	done := map[string]int{}
	chaos := make(chan struct{})
	r := rand.New(rand.NewPCG(random.Uint64(), 2))
	go func() {
		defer close(chaos)
		lastRestart := time.Now()
		for ctx.Err() == nil {
			i := r.IntN(3)
			switch n := r.IntN(12); {
			case n < 5:
				names := []string{stream.Name("a"), stream.Name("b"), "KV_LEASES"}
				_ = own.PublishRequest("$JS.API.STREAM.LEADER.STEPDOWN."+names[i], own.NewInbox(), nil)
				done["step-downs"]++
			case n < 7:
				pauses[i].begin(lease + time.Duration(r.Int64N(int64(lease))))
				done["pauses"]++
			case n == 7:
				replicas[i].stop()
				begin(i)
				done["stops"]++
			case n == 8:
				replicas[i].kill()
				begin(i)
				done["kills"]++
			case time.Since(lastRestart) > 2500*time.Millisecond:
				c.end(i)
				time.Sleep(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
				c.start(i)
				lastRestart = time.Now()
				done["restarts"]++
			}
			time.Sleep(time.Duration(50+r.IntN(250)) * time.Millisecond)
		}
	}()
	h.work(ctx, t, 6, funds, random, func() *nats.Conn {
		conn := c.connect(t, "client", "token")
		t.Cleanup(conn.Close)
		return conn
	}, 3*time.Second)
	<-chaos
	t.Logf("%v, over after %v", done, time.Since(began))
	h.settle(t, nc)
	t.Logf("settled after %v", time.Since(began))
	store, err := stream.NewStore(own, stream.Own, "")
	if err != nil {
		t.Fatal(err)
	}
	h.check(t, store, funds)
	for i := range replicas {
		replicas[i].stop()
	}
}

// TestWithoutAQuorum ends two brokers of three. Callers are told, before they lose patience, that nothing is known, and it goes on when the two are
// back.
func TestWithoutAQuorum(t *testing.T) {
	if !long() {
		t.Skip("waits for the broker's silence; FUNDLEDGER_LONG=1 runs it")
	}
	t.Parallel()
	c := newCluster(t)
	r := share(t, c.connect(t, "ledger", "secret"), api.Sharing{Replicas: 3, Lease: time.Second}, nil, nil)
	nc := c.connect(t, "client", "token")
	defer nc.Close()
	h := &history{begun: time.Now()}
	cl := client.New(nc, "local")
	for _, command := range openFund("a") {
		if rs := cl.Append(t.Context(), inputs(t, command), false); statuses(rs) != "appended" {
			t.Fatal(statuses(rs))
		}
	}
	c.end(0)
	c.end(1)
	time.Sleep(500 * time.Millisecond)
	for i := range 3 {
		begun := time.Now()
		got := h.do(t, cl, operation{fund: "a", id: fmt.Sprint("alone", i), amount: 1}, time.Minute)
		t.Logf("without a quorum: %s %s after %v", got.Status, got.Code, time.Since(begun))
		if got.Status != ledger.Failed || time.Since(begun) > 40*time.Second {
			t.Errorf("answered %s %s after %v", got.Status, got.Code, time.Since(begun))
		}
	}
	c.start(0)
	c.start(1)
	begun := time.Now()
	h.settle(t, nc)
	t.Logf("settled after %v", time.Since(begun))
	h.check(t, r.store, []string{"a"})
}

// A forgetfulLog loses acknowledgements, and now and then a block.
type forgetfulLog struct {
	ledger.Log
	mu     *sync.Mutex
	random *rand.Rand
}

var errLost = errors.New("lost")

func (l *forgetfulLog) lost(inHundred int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.IntN(100) < inHundred
}

func (l *forgetfulLog) Append(ctx context.Context, b *proof.Block) error {
	if l.lost(3) {
		return errLost
	}
	err := l.Log.Append(ctx, b)
	if l.lost(10) {
		return errLost
	}
	return err
}

func (l *forgetfulLog) Current(ctx context.Context) error {
	if l.lost(3) {
		return errLost
	}
	return l.Log.Current(ctx)
}

func (l *forgetfulLog) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	if l.lost(5) {
		return func(yield func([]byte, error) bool) { yield(nil, errLost) }
	}
	return l.Log.Replay(ctx)
}

// TestLostAcknowledgements has two ledgers on one broker that do not know of each other, so that each command may come to the one or the other, and
// loses every tenth acknowledgement.
func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	b := newBroker(t)
	var mu sync.Mutex
	losses := rand.New(rand.NewPCG(random.Uint64(), 3))
	for range 2 {
		nc, err := b.Connect()
		if err != nil {
			t.Fatal(err)
		}
		store, err := stream.NewStore(nc, stream.Own, "")
		if err != nil {
			t.Fatal(err)
		}
		l := ledger.Open(func(f events.Fund) ledger.Log { return &forgetfulLog{store.Log(f), &mu, losses} }, nil)
		s, err := api.Serve(nc, l, "v1.2.3", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			l.Close(context.Background())
			nc.Close()
		})
	}
	nc := b.other(t)
	c := client.New(nc, "local")
	for _, command := range openFund("a") {
		for deadline := time.Now().Add(enough); c.Append(t.Context(), inputs(t, command), false)[0].Status == ledger.Failed && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
	during := 2 * time.Second
	if long() {
		during = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	h := &history{begun: time.Now()}
	h.work(ctx, t, 5, []string{"a"}, random, func() *nats.Conn { return b.other(t) }, 5*time.Second)
	h.settle(t, nc)
	own, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	store, err := stream.NewStore(own, stream.Own, "")
	if err != nil {
		t.Fatal(err)
	}
	h.check(t, store, []string{"a"})
}
