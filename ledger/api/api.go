// Package api is where commands come in from outside the process: over NATS, and over HTTP ([ListenHTTP]).
//
// Over NATS a request on cmd.<user>.<fund> carries one command or a JSON list of them (see [ledger.ParseRequest]); the reply is the receipt, or
// the list of receipts in the same order. The header Fundledger-Atomic: true lets a list stand or fall together. Whoever may publish on
// cmd.<user>.> is that user: the server's permissions bind the name to the connection, so no signature has to be checked for each command.
//
// Several ledgers can share the funds of one JetStream ([ServeShared]). Any of them takes a request; the one that holds the fund's lease decides
// it. Between them requests go on decide.<replica>.<user>.<fund>, a subject of the ledger's own account: whoever may publish there is any user.
// Their broker syncs before it acknowledges (sync_interval: always), takes messages of a megabyte and has two accounts or more. The one that owns
// the logs has JetStream, nobody but the ledgers for its users, and exports as services cmd.*.*, $JS.API.STREAM.NAMES, $JS.API.STREAM.INFO.* and
// $JS.API.DIRECT.GET.* (response: stream). The others import cmd.<user>.* for each of their users and, to read, the rest as LEDGER.API.STREAM.NAMES
// and so on.
package api

import (
	"errors"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Subject is the subject of the commands of a user to a fund.
func Subject(user string, fund events.Fund) string { return "cmd." + user + "." + string(fund) }

// The headers of a request.
const AtomicHeader = "Fundledger-Atomic"

// maxRequest bounds the commands of one request, so that one caller cannot fill the queues alone.
const maxRequest = 10_000

// A Service answers requests until it is stopped.
type Service struct {
	nc      *nats.Conn
	ledger  *ledger.Ledger
	records *slog.Logger // nil: nothing is recorded
	service micro.Service
	intake  *intake
	router  *router // nil where this ledger alone decides
	ended   chan struct{}
	stop    func() error
}

// Serve answers the commands of the local user for a ledger that has its funds for itself. The connection's permissions must let nobody else subscribe
// to cmd.>. records takes a record of what became of each request; nil is nowhere.
func Serve(nc *nats.Conn, l *ledger.Ledger, version string, records *slog.Logger) (*Service, error) {
	s := newService(nc, l, records)
	if err := s.begin(version, ledger.Local.ID, s.handle); err != nil {
		return nil, err
	}
	return s, nil
}

func newService(nc *nats.Conn, l *ledger.Ledger, records *slog.Logger) *Service {
	s := &Service{nc: nc, ledger: l, records: records, intake: newIntake(), ended: make(chan struct{})}
	s.stop = sync.OnceValue(s.end)
	return s
}

func (s *Service) begin(version, users string, handle func(*message)) error {
	var err error
	s.service, err = micro.AddService(s.nc, micro.Config{
		Name: "fundledger", Version: semantic(version), Description: "appends events to the logs of funds",
		ErrorHandler: func(micro.Service, *micro.NATSError) {},
	})
	if err != nil {
		return err
	}
	err = s.service.AddEndpoint("cmd", micro.HandlerFunc(s.command),
		micro.WithEndpointSubject("cmd."+users+".*"), micro.WithEndpointPendingLimits(maxPending, maxPendingBytes))
	if err != nil {
		return errors.Join(err, s.service.Stop())
	}
	go func() { s.intake.run(handle); close(s.ended) }()
	return nil
}

// MakeRoom gives Go a processor more than there are, unless GOMAXPROCS says how many: of those that answer many callers one is mostly held by a thread
// that waits for the disk. It returns what takes it back.
func MakeRoom() (back func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	was := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(was + 1)
	return func() { runtime.GOMAXPROCS(was) }
}

// Stop ends taking requests; those taken are still answered by the ledger. Where funds are shared, others can take them as soon as it returns.
func (s *Service) Stop() error { return s.stop() }

// endPatience is how long stopping waits for requests that have come in.
const endPatience = 5 * time.Second

func (s *Service) end() error {
	err := s.service.Stop()
	if s.router != nil {
		err = errors.Join(err, s.router.drain())
	}
	// What the broker had sent by now is here after a round trip, and is let in before this connection's callbacks have gone quiet.
	_ = s.nc.FlushTimeout(endPatience)
	deadline := time.Now().Add(endPatience)
	for quiet := 0; quiet < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if quiet++; s.intake.waiting() > 0 {
			quiet = 0
		}
	}
	s.intake.close()
	<-s.ended
	if s.router != nil {
		s.router.stop()
	}
	return err
}

// command takes a request of a caller. It never waits: while it did, the client library would drop what comes in.
func (s *Service) command(r micro.Request) {
	if !isInbox(r.Reply()) {
		// A reply that is a subject of the ledger's own would make this service write there.
		return
	}
	_, rest, _ := strings.Cut(r.Subject(), ".")
	user, fund, _ := strings.Cut(rest, ".")
	s.take(&message{user: user, fund: fund, data: r.Data(), atomic: r.Headers().Get(AtomicHeader) == "true", reply: r.Reply()})
}

func (s *Service) take(m *message) {
	if s.router != nil {
		m.arrived = time.Now()
	}
	if !s.intake.push(m) {
		s.busy(m)
	}
}

// busy answers that nothing was decided.
func (s *Service) busy(m *message) { s.fail(m, &events.Error{Code: events.Busy}) }

// fail answers a request as a whole with one receipt.
func (s *Service) fail(m *message, err error) {
	r := ledger.Fail(&ledger.Input{}, err)
	_ = s.respond(m, []ledger.Receipt{r}, false)
}

// handle decides a request. Requests are handled one after another, so a caller's are queued in the order in which they were sent.
func (s *Service) handle(m *message) {
	defer s.intake.leave(m)
	inputs, list, err := ledger.ParseRequest(m.data)
	if err == nil && len(inputs) > maxRequest {
		err = &events.Error{Code: events.TooLarge, Why: "request", Args: events.Args{"count": strconv.Itoa(len(inputs)), "limit": strconv.Itoa(maxRequest)}}
	}
	if err != nil {
		inputs, list = []ledger.Input{{Number: 1, Command: events.NoCommand(), Err: err}}, false
	}
	for i := range inputs {
		in := &inputs[i]
		if in.Err == nil && string(in.Command.Fund) != m.fund {
			in.Err = &events.Error{Code: events.BadValue, Why: "subject", Args: events.Args{
				"field": "fund", "value": string(in.Command.Fund), "fund": m.fund,
			}}
		}
	}
	actor := ledger.Local
	if m.user != actor.ID {
		actor = events.Actor{ID: m.user, Role: "operator"}
	}
	begun := time.Now()
	s.ledger.Submit(inputs, actor, m.atomic, func(rs []ledger.Receipt) {
		if s.records != nil {
			var t tally
			t.add(rs)
			t.record(s.records, m.fund, time.Since(begun), slog.String("user", actor.ID))
		}
		if s.respond(m, rs, list) != nil {
			// An answer that cannot be sent, because it is too long, must not leave the caller waiting.
			s.fail(m, &events.Error{Code: events.UnknownOutcome, Why: "answer"})
		}
	})
}

func (s *Service) respond(m *message, rs []ledger.Receipt, list bool) error {
	b := make([]byte, 0, 128*len(rs))
	if list {
		b = append(b, '[')
	}
	for i := range rs {
		if i > 0 {
			b = append(b, ',')
		}
		b = rs[i].AppendJSON(b)
	}
	if list {
		b = append(b, ']')
	}
	return s.nc.PublishMsg(&nats.Msg{Subject: m.reply, Header: serviceError(rs), Data: b})
}

// serviceError makes the headers by which NATS's own tools count errors: those of a request of which nothing was decided.
func serviceError(rs []ledger.Receipt) nats.Header {
	if len(rs) != 1 || rs[0].Status != ledger.Failed {
		return nil
	}
	return nats.Header{micro.ErrorHeader: {rs[0].Message}, micro.ErrorCodeHeader: {string(rs[0].Code)}}
}

func isInbox(reply string) bool {
	return strings.HasPrefix(reply, nats.InboxPrefix) || strings.HasPrefix(reply, "_R_.")
}

// semantic turns the program's version into the form that NATS services ask for.
func semantic(version string) string {
	v := strings.TrimPrefix(version, "v")
	if v == "" || v[0] < '0' || v[0] > '9' {
		return "0.0.0"
	}
	return v
}
