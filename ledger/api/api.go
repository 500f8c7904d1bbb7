// Package api is where commands come in from outside the process.
//
// Over NATS a request on cmd.<user>.<fund> carries one command or a JSON list of them (see [ledger.ParseRequest]); the reply is the receipt, or
// the list of receipts in the same order. The header Fundledger-Atomic: true lets a list stand or fall together. Whoever may publish on
// cmd.<user>.> is that user: the server's permissions bind the name to the connection, so no signature has to be checked for each command.
package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

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
type Service struct{ service micro.Service }

// Serve answers commands for the ledger on nc. The connection's permissions must let nobody else subscribe to cmd.>.
func Serve(nc *nats.Conn, l *ledger.Ledger, version string) (*Service, error) {
	s, err := micro.AddService(nc, micro.Config{
		Name: "fundledger", Version: semantic(version), Description: "appends events to the logs of funds",
		ErrorHandler: func(micro.Service, *micro.NATSError) {},
	})
	if err != nil {
		return nil, err
	}
	err = s.AddEndpoint("cmd", micro.HandlerFunc(func(r micro.Request) { handle(l, r) }),
		micro.WithEndpointSubject("cmd.*.*"), micro.WithEndpointPendingLimits(maxPending, maxPendingBytes))
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return &Service{s}, nil
}

// What may wait in front of the queues of the deciders, before the broker drops requests and their callers time out.
const (
	maxPending      = 65_536
	maxPendingBytes = 256 << 20
)

// Stop ends taking requests; those taken are still answered by the ledger.
func (s *Service) Stop() error { return s.service.Stop() }

// handle takes one request. Handlers run one after another, so a caller's requests are queued in the order in which they were sent.
func handle(l *ledger.Ledger, r micro.Request) {
	if !isInbox(r.Reply()) {
		// A reply that is a subject of the ledger's own would make this service write there.
		return
	}
	_, rest, _ := strings.Cut(r.Subject(), ".")
	user, fund, _ := strings.Cut(rest, ".")
	inputs, list, err := ledger.ParseRequest(r.Data())
	if err == nil && len(inputs) > maxRequest {
		err = &events.Error{Code: events.TooLarge, Why: "request", Args: events.Args{"count": strconv.Itoa(len(inputs)), "limit": strconv.Itoa(maxRequest)}}
	}
	if err != nil {
		inputs, list = []ledger.Input{{Number: 1, Err: err}}, false
	}
	for i := range inputs {
		in := &inputs[i]
		if in.Err == nil && string(in.Command.Fund) != fund {
			in.Err = &events.Error{Code: events.BadValue, Why: "subject", Args: events.Args{
				"field": "fund", "value": string(in.Command.Fund), "fund": fund,
			}}
		}
	}
	actor := ledger.Local
	if user != actor.ID {
		actor = events.Actor{ID: user, Role: "operator"}
	}
	l.Submit(inputs, actor, r.Headers().Get(AtomicHeader) == "true", func(rs []ledger.Receipt) {
		var answer any = rs
		if !list && len(rs) == 1 {
			answer = rs[0]
		}
		if respond(r, answer, serviceError(rs)) != nil {
			// An answer that cannot be sent, because it is too long, must not leave the caller waiting.
			unknown := ledger.Fail(&ledger.Input{}, &events.Error{Code: events.UnknownOutcome, Why: "answer"})
			_ = respond(r, unknown, serviceError([]ledger.Receipt{unknown}))
		}
	})
}

func respond(r micro.Request, answer any, headers micro.Headers) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		return err
	}
	return r.Respond(b.Bytes(), micro.WithHeaders(headers))
}

// serviceError makes the headers by which NATS's own tools count errors: those of a request of which nothing was decided.
func serviceError(rs []ledger.Receipt) micro.Headers {
	h := micro.Headers{}
	if len(rs) == 1 && rs[0].Status == ledger.Failed {
		h[micro.ErrorHeader] = []string{rs[0].Message}
		h[micro.ErrorCodeHeader] = []string{string(rs[0].Code)}
	}
	return h
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
