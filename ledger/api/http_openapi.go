package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// The parameters of the operations. They are read from the request itself, for their refusals have words of ours; here they are described.
type (
	commandsInput struct {
		Fund           string `path:"fund" pattern:"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$" doc:"the fund; every command must be of it" example:"cd-gx"`
		Atomic         string `query:"atomic" enum:"true,false" default:"false" doc:"all commands or none (at most 1,000 commands and 512 KiB)"`
		DryRun         string `query:"dry_run" enum:"true,false" default:"false" doc:"only ask: the receipts say would-append, each command counts the ones before it, and nothing is stored (at most 1,000 commands and 512 KiB)"`
		IdempotencyKey string `header:"Idempotency-Key" maxLength:"128" doc:"the id of the command in the body, where that has none. The same again is answered with the same receipt and stores nothing"`
		AcceptLanguage string `header:"Accept-Language" doc:"zh or en: the language of message, detail and hint"`
	}
	pageInput struct {
		Code           string `path:"code" doc:"a code of a receipt or problem" example:"over-budget"`
		AcceptLanguage string `header:"Accept-Language" doc:"zh or en"`
	}
	readyInput struct {
		Reading string `query:"reading" enum:"true,false" default:"false" doc:"also ask that every fund can be read"`
	}
	noInput struct{}
)

// describe registers the operations with their OpenAPI description, which GET /openapi.json gives.
func (h *HTTP) describe() {
	config := huma.DefaultConfig("fundledger", h.o.Version)
	config.Info.Description = "Appends events to the logs of public funds. Nothing is overwritten; the same command twice is stored once."
	config.DocsPath, config.SchemasPath = "", "" // the pages would load scripts from elsewhere
	config.CreateHooks = nil                     // no $schema in what is answered
	api := humago.New(h.mux, config)
	d := description{schemas: api.OpenAPI().Components.Schemas}
	if !h.Loopback() {
		api.OpenAPI().Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}, "password": {Type: "http", Scheme: "basic"}}
		api.OpenAPI().Security = []map[string][]string{{"token": {}}, {"password": {}}}
	}
	commands := d.commands()
	body := commands.RequestBody
	commands.RequestBody = nil // Huma would read what it knows of, as a whole
	register[commandsInput](h, api, commands, (*request).commands)
	api.OpenAPI().Paths[commands.Path].Post.RequestBody = body
	register[pageInput](h, api, huma.Operation{
		OperationID: "problem", Method: http.MethodGet, Path: problems + "{code}", Summary: "What a code means and what to do",
		Responses: d.responses(map[int]*huma.Response{200: {Description: "the manual's page", Content: map[string]*huma.MediaType{"text/plain": {Schema: text()}}}}, 404),
	}, (*request).page)
	register[noInput](h, api, huma.Operation{
		OperationID: "alive", Method: http.MethodGet, Path: "/healthz", Summary: "Whether the process is alive", Responses: d.responses(d.health()),
	}, (*request).alive)
	register[readyInput](h, api, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Summary: "Whether the broker answers", Responses: d.responses(d.health(), 422, 503),
	}, (*request).ready)
	for _, r := range h.o.Routes {
		op := r.Operation
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Accept-Language", In: "header", Schema: text(), Description: "zh or en"})
		for status, problem := range d.responses(nil, slices.Collect(maps.Keys(r.Problems))...) {
			op.Responses[status] = problem
		}
		for status, when := range r.Problems {
			op.Responses[strconv.Itoa(status)].Description = when
		}
		if r.Stream {
			h.feeding[op.Method+" "+op.Path] = true
		}
		register[noInput](h, api, op, func(q *request) { q.route(&r) })
	}
}

func register[I any](h *HTTP, api huma.API, op huma.Operation, answer func(*request)) {
	op.SkipValidateParams = true
	huma.Register(api, op, func(ctx context.Context, _ *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(c huma.Context) {
			q := ctx.Value(requestKey{}).(*request)
			q.r, _ = humago.Unwrap(c) // with the path's parts
			answer(q)
		}}, nil
	})
}

type description struct{ schemas huma.Registry }

func text() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func list[T ~string](all []T) (out []any) {
	for _, v := range all {
		out = append(out, string(v))
	}
	return out
}

// every code that can be answered or flagged.
func codes() []events.Code {
	return append(slices.Concat(events.Refusals, []events.Code{events.Retroactive, events.PossibleDuplicate, events.LeafNotZero}, events.Failures), events.Tampered, events.TooSlow)
}

// schema describes a Go type, with the values that some of its members are bound to.
func (d description) schema(t reflect.Type, enums map[string][]any) *huma.Schema {
	ref := d.schemas.Schema(t, true, t.Name())
	full := d.schemas.SchemaFromRef(ref.Ref)
	for name, values := range enums {
		member := full.Properties[name]
		if member.Items != nil {
			member = member.Items
		}
		member.Enum = values
	}
	return ref
}

func (d description) problem() *huma.MediaType {
	return &huma.MediaType{Schema: d.schema(reflect.TypeFor[Problem](), map[string][]any{"code": list(codes())})}
}

func (d description) receipt() *huma.Schema {
	return d.schema(reflect.TypeFor[ledger.Receipt](), map[string][]any{
		"status": list([]ledger.Status{ledger.Appended, ledger.WouldAppend, ledger.Duplicate, ledger.Refused, ledger.NotTried, ledger.Failed}),
		"code":   list(codes()), "flags": list(events.Flags),
	})
}

func (d description) command() *huma.Schema {
	d.schemas.Map()["Command"] = &huma.Schema{
		Type: huma.TypeObject, Required: []string{"kind", "fund"}, AdditionalProperties: true,
		Description: "A command. Which fields a kind takes stands in the manual; one that does not belong is refused.",
		Properties: map[string]*huma.Schema{
			"kind": {Type: huma.TypeString, Enum: list(events.Kinds)},
			"fund": {Type: huma.TypeString, Pattern: "^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"},
			"id":   {Type: huma.TypeString, MaxLength: new(128), Description: "the caller's key; made from the content where it is left out"},
			"year": {Type: huma.TypeInteger}, "date": text(), "line": text(),
			"amount": {Type: huma.TypeString, Pattern: `^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$`, Description: "a decimal as text, greater than zero"},
			"mode":   {Type: huma.TypeString, Enum: []any{"control", "record"}},
		},
	}
	return &huma.Schema{Ref: "#/components/schemas/Command"}
}

func (d description) health() map[int]*huma.Response {
	return map[int]*huma.Response{200: {Description: "it is", Content: map[string]*huma.MediaType{
		typeJSON: {Schema: d.schema(reflect.TypeFor[health](), nil)},
	}}}
}

// what says when a status is answered.
var what = map[int]string{
	400: "Idempotency-Key on a request of several commands",
	401: "the address is not one of the loopback interface, and the token is missing or wrong",
	403: "a browser says that a page of another site sent this",
	404: "there is nothing of that name",
	405: "another method",
	408: "the body did not come in time",
	413: "the body or the command is too large: one command 128 KiB, a list, ?atomic=true or ?dry_run=true 8 MiB, JSON Lines 1 GiB",
	415: "the body has another type than those named, or is compressed",
	421: "the Host header does not name this machine",
	422: "the command is refused; code, args, message and hint say why. The same again is refused again, as long as the ledger stays as it is",
	500: "the log was changed or has lost something (tampered), or a defect of the server",
	503: "nothing was decided, or the outcome is not known: the same again, after Retry-After seconds, doubles nothing",
}

// responses adds the problems: those that any request can have, and the others named.
func (d description) responses(good map[int]*huma.Response, bad ...int) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for status, r := range good {
		all[strconv.Itoa(status)] = r
	}
	for _, status := range append(bad, 401, 421, 500) {
		r := &huma.Response{Description: what[status], Content: map[string]*huma.MediaType{"application/problem+json": d.problem()}}
		if status == 503 {
			r.Headers = map[string]*huma.Param{"Retry-After": {Schema: &huma.Schema{Type: huma.TypeInteger}}}
		}
		all[strconv.Itoa(status)] = r
	}
	return all
}

func (d description) commands() huma.Operation {
	command, receipt := d.command(), d.receipt()
	lines := func(of string) *huma.MediaType {
		return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: fmt.Sprintf("one %s to a line", of)}}
	}
	both := func(one *huma.Schema, of string, single bool) map[string]*huma.MediaType {
		content := map[string]*huma.MediaType{
			typeJSON:  {Schema: &huma.Schema{Type: huma.TypeArray, Items: one}},
			typeLines: lines(of), typeNDJSON: lines(of),
		}
		if single {
			content[typeJSON].Schema = &huma.Schema{OneOf: []*huma.Schema{one, content[typeJSON].Schema}}
		}
		return content
	}
	good := map[int]*huma.Response{
		http.StatusOK: {
			Description: "one command: stored before, with the receipt of then, or only asked. Several: a receipt for each, in the order of the commands; some may be refused or failed",
			Content:     both(receipt, "receipt", true),
		},
		http.StatusCreated: {
			Description: "one command: appended, durably",
			Headers:     map[string]*huma.Param{"Location": {Schema: text(), Description: "the event"}},
			Content:     map[string]*huma.MediaType{typeJSON: {Schema: receipt}},
		},
	}
	return huma.Operation{
		OperationID: "append", Method: http.MethodPost, Path: "/v1/funds/{fund}/events", Summary: "Append events to a fund's log",
		Description: "One command, a list of commands, or JSON Lines, which are decided and answered while they still come.",
		RequestBody: &huma.RequestBody{Required: true, Content: both(command, "command", true)},
		Responses:   d.responses(good, 400, 403, 408, 413, 415, 422, 503),
	}
}
