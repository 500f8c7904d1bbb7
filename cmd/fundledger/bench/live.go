package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fundledger/events"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/client"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The rows of [Live], in the order in which they are reported.
const (
	Balances        = "balances"
	BalancesHostile = Balances + AmongHostile
	BalancesBeside  = Balances + BesideHostile
	Events          = "events"
	EventsHostile   = Events + AmongHostile
	EventsBeside    = Events + BesideHostile
	RawFanout       = "raw-fanout"
	RawHostile      = RawFanout + AmongHostile
	Idle            = "idle"

	// These end the name of a row that is measured among hostile clients, and while another server has them.
	AmongHostile  = "-hostile"
	BesideHostile = "-beside"
	reconnects    = "-reconnects"
)

// LiveRows are the names of what [Live] measures.
var LiveRows = []string{Balances, BalancesHostile, BalancesBeside, Events, EventsHostile, EventsBeside, RawFanout, RawHostile, Idle}

// Live measures how soon many clients see what is appended. The program serves a new folder in a process of its own, and every client has a TCP connection of its own to
// it. Rate payments are sent in a second, whether those before have been answered or not, over another connection.
//
//	balances          from before a payment is sent until a client has balances that count it
//	events            from before a payment is sent until a client has its event
//	raw-fanout        from before a message as long as a stored event is published until a client has it: subscribers to one subject of a bare broker
//	…-hostile         the same with others among the clients: one that reads a byte a second, one that never reads, and Hostile that all come back at once,
//	                  every other one to the first event there is; …-reconnects is how long it takes until those have what there was when they came, and of
//	                  subscribers until they are subscribed. What they do on their own side gives way to the rest: in life it is done on other machines
//	…-beside          the same hostile clients, but of another server of the program on this machine: what is noticed of them here is that the processors are shared
//	idle              clients to balances that do not change: how many come in a second, and what each takes of the server's memory
//
// A client that misses an event, has one twice or not byte for byte as it is stored, or is told a balance that no set of payments makes, is an error.
func Live(ctx context.Context, o Options) (*Report, error) {
	r, err := begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.end()
	var names []string
	for _, name := range LiveRows {
		if slices.Contains(o.Only, name) {
			names = append(names, name)
		}
	}
	samples, err := r.rounds(ctx, names, map[string]measure{
		Balances: r.watched(Balances, ""), BalancesHostile: r.watched(Balances, AmongHostile), BalancesBeside: r.watched(Balances, BesideHostile),
		Events: r.watched(Events, ""), EventsHostile: r.watched(Events, AmongHostile), EventsBeside: r.watched(Events, BesideHostile),
		RawFanout: r.watched(RawFanout, ""), RawHostile: r.watched(RawFanout, AmongHostile), Idle: r.idle,
	})
	if err != nil {
		return nil, err
	}
	report := &Report{Bytes: r.work.size, Memory: inMemory(o.Dir)}
	if r.stored > 0 {
		report.Bytes = r.bytes / r.stored
	}
	for _, name := range names {
		report.Rows = append(report.Rows, liveSummary(name, samples))
		var back []sample
		for _, s := range samples[name] {
			if len(s.returned) > 0 {
				back = append(back, sample{clients: len(s.returned), latencies: s.returned})
			}
		}
		if len(back) > 0 {
			report.Rows = append(report.Rows, liveSummary(name+reconnects, map[string][]sample{name + reconnects: back}))
		}
	}
	return report, nil
}

// liveSummary makes a row of the samples of all rounds.
func liveSummary(name string, samples map[string][]sample) Row {
	of := func(figure func(*sample) float64) float64 {
		var all []float64
		for i := range samples[name] {
			all = append(all, figure(&samples[name][i]))
		}
		return median(all)
	}
	p99 := func(s *sample) float64 { return float64(s.quantile(0.99)) }
	row := Row{
		Name: name, Clients: samples[name][0].clients,
		P50: time.Duration(of(func(s *sample) float64 { return float64(s.quantile(0.50)) })), P99: time.Duration(of(p99)),
		ServerCPU: of(func(s *sample) float64 { return s.serverCPU }), ClientsCPU: of(func(s *sample) float64 { return s.clientsCPU }),
		ServerMemory: of(func(s *sample) float64 { return float64(s.memory) }), PerClient: of(func(s *sample) float64 { return s.perClient }),
	}
	if samples[name][0].events > 0 {
		row.PerSecond = of((*sample).perSecond)
	}
	for _, s := range samples[name] {
		if len(s.latencies) > 0 {
			row.Max = max(row.Max, s.latencies[len(s.latencies)-1])
			row.P99High = max(row.P99High, s.quantile(0.99))
			if row.P99Low == 0 || s.quantile(0.99) < row.P99Low {
				row.P99Low = s.quantile(0.99)
			}
		}
	}
	switch name {
	case Events:
		row.VsRaw = ratio(samples, name, RawFanout, p99)
	case BalancesHostile, BalancesBeside:
		row.VsCalm = ratio(samples, name, Balances, p99)
	case EventsBeside:
		row.VsCalm = ratio(samples, name, Events, p99)
	case EventsHostile:
		row.VsRaw, row.VsCalm = ratio(samples, name, RawHostile, p99), ratio(samples, name, Events, p99)
	case RawHostile:
		row.VsCalm = ratio(samples, name, RawFanout, p99)
	}
	return row
}

// A child is the program serving in a process of its own, so that what it takes of the machine can be told from what its clients take.
type child struct {
	*exec.Cmd
	at    netip.AddrPort // where clients come
	dial  func() (*nats.Conn, error)
	said  bytes.Buffer // to be read when it has ended
	ended chan struct{}
}

var (
	servesHTTP = regexp.MustCompile(`http://([0-9.]+:[0-9]+)`)
	servesNATS = regexp.MustCompile(`nats://([0-9.]+:[0-9]+)`)
)

// serve serves a folder.
func (r *run) serve(ctx context.Context, folder string) (*child, error) {
	args := []string{"serve", "--data", folder, "--http", "127.0.0.1:0", "--lang", "en"}
	if r.Profile != "" {
		args = append(args, "--cpuprofile", r.Profile)
	}
	c, err := r.spawn(ctx, servesHTTP, args)
	if err != nil {
		return nil, err
	}
	_, address, err := embedded.Hold(ctx, folder, embedded.Options{Patience: patience})
	if err == nil {
		c.dial = func() (*nats.Conn, error) { return address.Dial() }
		return c, nil
	}
	return nil, errors.Join(err, c.stop())
}

// spawn runs the program until it says where it serves.
func (r *run) spawn(ctx context.Context, where *regexp.Regexp, args []string) (c *child, err error) {
	c = &child{Cmd: exec.Command(r.Program, args...), ended: make(chan struct{})}
	words, err := c.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	at := make(chan string, 1)
	go func() {
		defer close(c.ended)
		for lines := bufio.NewScanner(words); lines.Scan(); {
			c.said.Write(append(lines.Bytes(), '\n'))
			if found := where.FindSubmatch(lines.Bytes()); found != nil {
				select {
				case at <- string(found[1]):
				default:
				}
			}
		}
	}()
	select {
	case address := <-at:
		c.at, err = netip.ParseAddrPort(address)
	case <-c.ended:
		err = errors.New("the server has ended at once")
	case <-time.After(patience):
		err = errors.New("the server does not say where it serves")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// BareBroker is what the program is asked to measure to be the broker of raw-fanout, in a process of its own.
const BareBroker = "bare-broker"

// Bare is a broker as it comes, without a store, until it is interrupted. It says where it serves.
func Bare(ctx context.Context, say io.Writer) error {
	debug.SetGCPercent(100) // as nats-server leaves it
	broker, err := server.NewServer(&server.Options{ServerName: "bare", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	broker.Start()
	defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
	if !broker.ReadyForConnections(patience) {
		return errors.New("the bare broker does not start")
	}
	fmt.Fprintln(say, broker.ClientURL())
	<-ctx.Done()
	return nil
}

// stop ends the child in order. What it said is told where it did not end well.
func (c *child) stop() error {
	kill := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	_ = c.Process.Signal(syscall.SIGTERM) // where it has ended, Wait says how
	<-c.ended
	if err := c.Wait(); err != nil {
		return fmt.Errorf("the server: %w: %s", err, &c.said)
	}
	return nil
}

// A watching is one row under way: what is sent, and what the clients have seen of it.
type watching struct {
	*run
	server *child
	nc     *nats.Conn
	crowd  *crowd
	beside string // a folder that is its own

	begun    time.Time
	before   int          // payments that were there before
	sent     []instant    // when each of those after was sent
	answered atomic.Int64 // how many of them
	lines    [][]byte     // of all payments, as the first client had them
	told     map[told][]byte
	left     int // what the clients still lack

	latencies []time.Duration
}

// An instant is in nanoseconds since a row began; 0 is never.
type instant = atomic.Int64

// told is balances that were told: the number they are at, and of a change the number before. Whoever is told the same is told the same bytes.
type told struct {
	event    string
	from, to uint64
}

// openedBy is how many events come before the first payment.
const openedBy = 1 + lines

// seqOf is the number of the event of a payment.
func seqOf(n int) uint64 { return uint64(openedBy + 1 + n) }

// watched measures one row, where the hostile clients are: [AmongHostile], [BesideHostile], or "" for nowhere.
func (r *run) watched(row, hostile string) measure {
	return func(ctx context.Context, folder string) (s sample, err error) {
		w, err := r.watch(ctx, folder, row)
		if err != nil {
			return s, err
		}
		disturbed := w // it has the hostile clients
		if hostile == BesideHostile {
			if disturbed, err = r.beside(ctx, row); err != nil {
				return s, errors.Join(err, w.end())
			}
		}
		going, stop := context.WithCancelCause(ctx)
		var others sync.WaitGroup // who send, and who disturb
		defer func() {
			stop(nil)
			others.Wait()
			stopped := w.end()
			if disturbed != w {
				stopped = errors.Join(stopped, disturbed.end())
			}
			if err == nil {
				err = stopped
			}
			if err == nil && row != RawFanout {
				err = w.verified(ctx, folder)
			}
		}()
		total := max(1, int(float64(r.Rate)*r.Time.Seconds()))
		w.sent = make([]instant, total)
		w.lines = make([][]byte, w.before+total)
		w.latencies = make([]time.Duration, 0, total*r.Clients)
		if err := w.join(going, row); err != nil {
			return s, err
		}
		w.left = total * r.Clients
		server, err := usageOf(w.server.Process.Pid)
		if err != nil {
			return s, err
		}
		clients, err := usageOf(os.Getpid())
		if err != nil {
			return s, err
		}
		w.begun = time.Now()
		disturbed.begun = w.begun
		others.Go(func() {
			if err := w.send(going, row); err != nil {
				stop(err)
			}
		})
		var returned []time.Duration
		if hostile != "" {
			others.Go(func() {
				var err error
				if returned, err = disturbed.disturb(going, row); err != nil {
					stop(fmt.Errorf("clients that come back: %w", err))
				}
			})
		}
		over := make(chan struct{})
		go func() { others.Wait(); close(over) }()
		for deadline := w.begun.Add(r.Time + patience); w.left > 0; {
			if err := w.crowd.read(100 * time.Millisecond); err != nil {
				return s, err
			}
			if going.Err() != nil {
				return s, context.Cause(going)
			}
			if time.Now().After(deadline) {
				return s, fmt.Errorf("of %d sights the clients lack %d", total*r.Clients, w.left)
			}
		}
		s = sample{events: total, elapsed: time.Since(w.begun), latencies: w.latencies, clients: r.Clients}
		serverNow, err := usageOf(w.server.Process.Pid)
		if err != nil {
			return s, err
		}
		clientsNow, err := usageOf(os.Getpid())
		if err != nil {
			return s, err
		}
		all := s.elapsed.Seconds() * float64(runtime.NumCPU())
		s.serverCPU, s.clientsCPU = (serverNow.cpu-server.cpu).Seconds()/all, (clientsNow.cpu-clients.cpu).Seconds()/all
		s.memory = serverNow.memory
		for {
			select {
			case <-over:
				slices.Sort(returned)
				s.returned = returned
				return s, context.Cause(going)
			default: // the clients that stay go on reading
				if err := w.crowd.read(100 * time.Millisecond); err != nil {
					return s, err
				}
			}
		}
	}
}

// watch begins to serve a folder with a fund that has some payments; for subscribers, a bare broker.
func (r *run) watch(ctx context.Context, folder, row string) (w *watching, err error) {
	w = &watching{run: r, before: r.Payments, told: map[told][]byte{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.end())
		}
	}()
	if w.crowd, err = newCrowd(); err != nil {
		return w, err
	}
	if row == RawFanout {
		if w.server, err = r.spawn(ctx, servesNATS, []string{"bench", BareBroker}); err == nil {
			w.nc, err = nats.Connect("nats://"+w.server.at.String(), nats.Timeout(patience))
		}
		return w, err
	}
	if w.server, err = r.serve(ctx, folder); err != nil {
		return w, err
	}
	if w.nc, err = w.server.dial(); err != nil {
		return w, err
	}
	c := client.New(w.nc, ledger.Local.ID)
	var first []ledger.Input
	for _, raw := range opening() {
		first = append(first, input([]byte(raw)))
	}
	if err := refused(c.Append(ctx, first, true)); err != nil {
		return w, err
	}
	for n := range w.before {
		first = append(first[:0], input(r.work.command(n)))
		if err := refused(c.Append(ctx, first, false)); err != nil {
			return w, err
		}
	}
	return w, nil
}

// beside is watch with a folder of its own, which goes when the row has ended.
func (r *run) beside(ctx context.Context, row string) (w *watching, err error) {
	folder, err := os.MkdirTemp(r.temp, "beside-")
	if err != nil {
		return nil, err
	}
	if w, err = r.watch(ctx, folder, row); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	w.beside = folder
	return w, nil
}

func (w *watching) end() (err error) {
	if w.beside != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(w.beside)) }()
	}
	if w.crowd != nil {
		w.crowd.close()
	}
	if w.nc != nil {
		w.nc.Close()
	}
	if w.server != nil {
		err = w.server.stop()
	}
	return err
}

// get is a request for one of the feeds. after is the number that a client had last; 0 is none.
func (w *watching) get(path string, after uint64) []byte {
	last := ""
	if after > 0 {
		last = "Last-Event-ID: " + strconv.FormatUint(after, 10) + "\r\n"
	}
	return []byte("GET /v1/funds/" + string(fund) + path + " HTTP/1.1\r\nHost: " + w.server.at.String() + "\r\nAccept: text/event-stream\r\n" + last + "\r\n")
}

const (
	livePath = "/years/2022/live"
	feedPath = "/feed"
	subject  = "fanout"
)

// hello is what a client of a row says when it comes. after is the number that it had last; 0 is none.
func (w *watching) hello(row string, after uint64) []byte {
	switch row {
	case Events:
		return w.get(feedPath, after)
	case RawFanout:
		return []byte("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB " + subject + " 1\r\nPING\r\n")
	default:
		return w.get(livePath, after)
	}
}

func (m *member) pong() error { return m.send([]byte("PONG\r\n")) }

// join brings the clients and waits until each of them is served.
func (w *watching) join(ctx context.Context, row string) error {
	var waiting []func() bool // for its first answer
	for range w.Clients {
		m := &member{}
		switch row {
		case Balances:
			var seen uint64
			c := &sse{take: w.balances(&seen)}
			m.feed = c.feed
			waiting = append(waiting, func() bool { return seen > 0 })
		case Events:
			c := &sse{take: w.events(w.before)}
			m.feed = c.feed
			waiting = append(waiting, func() bool { return c.ready })
		case RawFanout:
			c := &subscriber{take: w.messages(), pong: m.pong}
			m.feed = c.feed
			waiting = append(waiting, func() bool { return c.ready })
		}
		if err := w.crowd.join(m, w.server.at, w.hello(row, 0), 0); err != nil {
			return err
		}
	}
	return w.until(ctx, "their first answer", func() bool {
		waiting = slices.DeleteFunc(waiting, func(come func() bool) bool { return come() })
		return len(waiting) == 0
	})
}

// until reads what comes until it is enough.
func (w *watching) until(ctx context.Context, what string, enough func() bool) error {
	for deadline := time.Now().Add(patience); !enough(); {
		if err := w.crowd.read(100 * time.Millisecond); err != nil {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(deadline):
			return errors.New("the clients wait too long for " + what)
		}
	}
	return nil
}

// sight notes that a client sees a payment.
func (w *watching) sight(n int, now time.Duration) {
	w.latencies = append(w.latencies, now-time.Duration(w.sent[n-w.before].Load()))
	w.left--
}

// unsent says that something was seen that nobody has sent.
func (w *watching) unsent(n int) bool {
	return n >= w.before+len(w.sent) || n >= w.before && w.sent[n-w.before].Load() == 0
}

// same reports whether a payment's line or message is the one that the first who had it had.
func (w *watching) same(n int, line []byte) bool {
	if w.lines[n] == nil {
		w.lines[n] = bytes.Clone(line)
	}
	return bytes.Equal(w.lines[n], line)
}

// events is a client to the feed that has so many payments already.
func (w *watching) events(has int) func(string, uint64, []byte) error {
	return func(event string, id uint64, data []byte) error {
		now := time.Since(w.begun)
		switch {
		case event != "event":
			return fmt.Errorf("a client to the feed is told %s: %.400s", event, data)
		case has == w.before && id < seqOf(has): // what was stored before the row began may be shown only now
			return nil
		case id != seqOf(has):
			return fmt.Errorf("a client to the feed has event %d, want %d", id, seqOf(has))
		case w.unsent(has):
			return fmt.Errorf("a client to the feed has event %d, which nobody has sent", id)
		case !w.same(has, data):
			return fmt.Errorf("two clients to the feed have two events %d", id)
		}
		w.sight(has, now)
		has++
		return nil
	}
}

// messages is a subscriber.
func (w *watching) messages() func([]byte) error {
	has := w.before
	return func(message []byte) error {
		now := time.Since(w.begun)
		if w.unsent(has) || !bytes.Equal(message, w.lines[has]) {
			return fmt.Errorf("a subscriber has %.100q in place of message %d", message, has)
		}
		w.sight(has, now)
		has++
		return nil
	}
}

// balances is a client to the balances, who has seen those at a number.
func (w *watching) balances(seen *uint64) func(string, uint64, []byte) error {
	return func(event string, id uint64, data []byte) error {
		now := time.Since(w.begun)
		t := told{event: event, to: id}
		switch event {
		case "state":
		case "change":
			t.from = *seen
		default:
			return fmt.Errorf("a client to the balances is told %s: %.400s", event, data)
		}
		if id <= *seen || w.unsent(int(id)-openedBy-1) {
			return fmt.Errorf("a client that has the balances at %d is told those at %d", *seen, id)
		}
		if before, known := w.told[t]; !known {
			if err := w.truth(t, data); err != nil {
				return fmt.Errorf("%s at %d after %d: %w: %.400s", event, id, *seen, err, data)
			}
			w.told[t] = bytes.Clone(data)
		} else if !bytes.Equal(before, data) {
			return fmt.Errorf("two clients are told two %ss at %d after %d", event, id, *seen)
		}
		for seq := max(*seen+1, seqOf(w.before)); seq <= id; seq++ {
			w.sight(int(seq)-openedBy-1, now)
		}
		*seen = id
		return nil
	}
}

// truth says whether balances are those that the payments make, and whether a change has all that has changed.
func (w *watching) truth(t told, data []byte) error {
	type spent struct{ Line, Disbursed string }
	var cut struct {
		Seq   uint64
		Rows  []spent
		Total *spent
	}
	if err := json.Unmarshal(data, &cut); err != nil {
		return err
	}
	if cut.Seq != t.to {
		return fmt.Errorf("it says that it is at %d", cut.Seq)
	}
	var sums [lines]int64
	var total int64
	lacks := map[int]bool{}
	for n := range int(t.to) - openedBy {
		sums[lineOf(n)] += amountOf(n)
		total += amountOf(n)
		if seqOf(n) > t.from {
			lacks[lineOf(n)] = true
		}
	}
	for _, row := range cut.Rows {
		line, err := strconv.Atoi(row.Line)
		if err != nil || line < 1 || line > lines {
			return fmt.Errorf("there is no line %q", row.Line)
		}
		if want := string(appendYuan(nil, sums[line-1])); row.Disbursed != want {
			return fmt.Errorf("line %s has disbursed %s, want %s", row.Line, row.Disbursed, want)
		}
		delete(lacks, line-1)
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%d of the lines that have changed are not there", len(lacks))
	}
	if want := string(appendYuan(nil, total)); cut.Total == nil || cut.Total.Disbursed != want {
		return fmt.Errorf("the total is %v, want %s", cut.Total, want)
	}
	return nil
}

// send sends the payments, each when it is due, or at once where it is late.
func (w *watching) send(ctx context.Context, row string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := client.New(w.nc, ledger.Local.ID)
	all := make(chan struct{})
	if row == RawFanout {
		close(all)
	}
	for i := range w.sent {
		n := w.before + i
		due := w.begun.Add(time.Duration(float64(i) / float64(w.Rate) * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if row == RawFanout {
			message := w.work.stored(n)
			w.lines[n] = message
			w.sent[i].Store(int64(time.Since(w.begun)))
			if err := w.nc.Publish(subject, message); err != nil {
				return err
			}
			continue
		}
		in := ledger.Input{Number: 1, Command: &events.Command{Fund: fund, ID: events.ID(id(n)), Raw: w.work.command(n)}}
		in.ID = in.Command.ID
		w.sent[i].Store(int64(time.Since(w.begun)))
		c.Submit(ctx, []ledger.Input{in}, false, func(rs []ledger.Receipt) {
			err := refused(rs)
			if err == nil && uint64(rs[0].Seq) != seqOf(n) {
				err = fmt.Errorf("payment %d is event %d, want %d", n, rs[0].Seq, seqOf(n))
			}
			if err != nil {
				cancel(err)
			} else if int(w.answered.Add(1)) == len(w.sent) {
				close(all)
			}
		})
	}
	select {
	case <-all:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// verified reads the folder back: every payment once, every balance right, and every line as the clients had it.
func (w *watching) verified(ctx context.Context, folder string) error {
	return w.verifyEach(ctx, folder, len(w.lines), func(n int, line []byte) error {
		if had := w.lines[n]; had != nil && !bytes.Equal(had, line) {
			return fmt.Errorf("verifying: the clients had another event %d than is stored", seqOf(n))
		}
		return nil
	})
}

// disturb is the hostile clients, from now until those that come back have what they came for. It returns how long each of those took.
func (w *watching) disturb(ctx context.Context, row string) (took []time.Duration, err error) {
	if err := giveWay(); err != nil {
		return nil, err
	}
	crowd, err := newCrowd()
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	const little = 2048 // unread bytes
	var slow [2]member  // one sips, one does not even do that
	for i := range slow {
		slow[i].slow = true
		if err := crowd.join(&slow[i], w.server.at, w.hello(row, 0), little); err != nil {
			return nil, err
		}
	}
	left := w.Hostile
	storm, sip, end := w.begun.Add(w.Time/4), w.begun, w.begun.Add(w.Time)
	come := false
	for left > 0 || time.Now().Before(end) {
		now := time.Now()
		if now.After(sip) {
			crowd.sip(&slow[0])
			sip = sip.Add(time.Second)
		}
		if !come && now.After(storm) {
			come = true
			for i := range w.Hostile {
				goal := seqOf(w.before + int(w.answered.Load()) - 1)
				after := goal - 1
				if i%2 == 0 {
					after = 1
				}
				m, begun := &member{}, time.Now()
				m.feed = comeBack(row, m, after, goal, func() {
					took = append(took, time.Since(begun))
					left--
					crowd.leave(m)
				})
				if err := crowd.join(m, w.server.at, w.hello(row, after), 0); err != nil {
					return nil, err
				}
			}
		}
		if err := crowd.read(10 * time.Millisecond); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		if now.After(w.begun.Add(w.Time + patience)) {
			return nil, fmt.Errorf("%d of %d lack something", left, w.Hostile)
		}
	}
	return took, nil
}

// comeBack is what a client of a row reads that comes back after the number it had last: until it has goal, or is subscribed, which it says once.
func comeBack(row string, m *member, after, goal uint64, satisfied func()) func([]byte) error {
	gone := false
	if row == RawFanout {
		c := &subscriber{take: func([]byte) error { return nil }, pong: m.pong}
		return func(p []byte) error {
			err := c.feed(p)
			if c.ready && !gone {
				gone = true
				satisfied()
			}
			return err
		}
	}
	next := after + 1
	c := &sse{take: func(event string, id uint64, data []byte) error {
		switch {
		case gone: // what came with the last it wanted
		case row == Events && (event != "event" || id != next):
			return fmt.Errorf("%s %d came, want event %d: %.400s", event, id, next, data)
		case id >= goal:
			gone = true
			satisfied()
		}
		next++
		return nil
	}}
	return c.feed
}

// idle measures clients to whom nothing is told.
func (r *run) idle(ctx context.Context, folder string) (s sample, err error) {
	w, err := r.watch(ctx, folder, Idle)
	if err != nil {
		return s, err
	}
	defer func() {
		if stopped := w.end(); err == nil {
			err = stopped
		}
	}()
	before, err := usageOf(w.server.Process.Pid)
	if err != nil {
		return s, err
	}
	begun := time.Now()
	few := *r
	few.Clients = r.Options.Idle
	w.run = &few
	if err := w.join(ctx, Balances); err != nil {
		return s, err
	}
	s = sample{events: few.Clients, elapsed: time.Since(begun), clients: few.Clients}
	rest := time.Now().Add(max(r.Time, time.Second))
	if err := w.until(ctx, "nothing", func() bool { return time.Now().After(rest) }); err != nil {
		return s, err
	}
	now, err := usageOf(w.server.Process.Pid)
	if err != nil {
		return s, err
	}
	s.memory, s.perClient = now.memory, float64(now.memory-before.memory)/float64(few.Clients)
	return s, nil
}
