package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/go-json-experiment/json/jsontext"
)

// The types of body that are taken.
const (
	typeJSON   = "application/json"
	typeLines  = "application/jsonl"
	typeNDJSON = "application/x-ndjson"
)

// commands takes POST /v1/funds/{fund}/events.
func (q *request) commands() {
	contentType, ok := q.contentType()
	if !ok {
		return
	}
	manner, err := q.manner()
	if err != nil {
		q.refuse(err)
		return
	}
	if most := q.h.o.limits.stream; q.r.ContentLength > most {
		q.tooLarge(int(most))
		return
	}
	if manner.dry {
		select {
		case q.h.trying <- struct{}{}:
			defer func() { <-q.h.trying }()
		default:
			q.w.Header().Set("Connection", "close")
			q.refuse(&events.Error{Code: events.Busy})
			return
		}
	}
	body := q.body()
	defer body.stop()
	if contentType != typeJSON {
		body.ofLines(manner.whole())
		q.lines(body, contentType, manner)
		return
	}
	read, form, err := begin(body)
	switch {
	case form == formLines:
		body.ofLines(manner.whole())
		q.lines(body.after(read), typeLines, manner)
	case form == formList && err == nil:
		q.list(body.after(read), manner)
	case err != nil:
		q.unread(err)
	case len(read) > maxCommand:
		q.tooLarge(maxCommand)
	default:
		q.one(read, manner)
	}
}

// contentType is one of the named types. A plain form of a browser can give none of them.
func (q *request) contentType() (string, bool) {
	given := q.r.Header.Get("Content-Type")
	contentType, params, err := mime.ParseMediaType(given)
	charset, encoding := params["charset"], q.r.Header.Get("Content-Encoding")
	switch {
	case err != nil, charset != "" && !strings.EqualFold(charset, "utf-8"):
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		given = encoding
	case contentType == typeJSON, contentType == typeLines, contentType == typeNDJSON:
		return contentType, true
	}
	q.w.Header().Set("Accept-Post", typeJSON+", "+typeLines+", "+typeNDJSON)
	q.w.Header().Set("Accept-Encoding", "identity")
	q.problem(http.StatusUnsupportedMediaType, "type", map[string]string{"type": clip(given)})
	return "", false
}

// A manner is how commands are to be taken.
type manner struct {
	atomic bool // all or none
	dry    bool // only asked
}

// whole reports whether all are read before any is decided. Of those that are only asked so many are taken as of those that stand or fall together.
func (m manner) whole() bool { return m.atomic || m.dry }

// manner reads the query. A parameter that nobody knows is refused: misspelt, it would let half of a list stand.
func (q *request) manner() (m manner, err error) {
	for name, values := range q.r.URL.Query() {
		of := map[string]*bool{"atomic": &m.atomic, "dry_run": &m.dry}[name]
		if of == nil {
			return m, &events.Error{Code: events.UnknownField, Args: events.Args{"field": clip(name), "value": clip(strings.Join(values, " "))}}
		}
		switch value := strings.Join(values, " "); value {
		case "true":
			*of = true
		case "false":
		default:
			return m, &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": name, "value": clip(value), "choices": "true false"}}
		}
	}
	return m, nil
}

// idempotencyKey is the header's value; given is false where there is no such header.
func (q *request) idempotencyKey() (key string, given bool) {
	values := q.r.Header.Values("Idempotency-Key")
	return strings.Join(values, ", "), len(values) > 0 // several are joined as HTTP has it, and no id then
}

// ofFund refuses a command for another fund than the path's.
func (q *request) ofFund(in *ledger.Input) {
	if fund := q.r.PathValue("fund"); in.Err == nil && string(in.Command.Fund) != fund {
		in.Err = &events.Error{Code: events.BadValue, Why: "subject", Args: events.Args{
			"field": "fund", "value": string(in.Command.Fund), "fund": clip(fund),
		}}
	}
}

// one answers a single command.
func (q *request) one(body []byte, m manner) {
	inputs, _, err := ledger.ParseRequest(body)
	if err != nil {
		q.refuse(err)
		return
	}
	in := &inputs[0]
	if key, given := q.idempotencyKey(); given {
		keyed(in, key)
	}
	r := q.append(inputs, m)[0]
	switch r.Status {
	case ledger.Appended:
		q.w.Header().Set("Location", fmt.Sprintf("/v1/funds/%s/events/%d", in.Command.Fund, r.Seq))
		q.answer(http.StatusCreated, typeJSON, r)
	case ledger.Duplicate, ledger.WouldAppend:
		q.answer(http.StatusOK, typeJSON, r)
	default:
		q.receiptProblem(&r)
	}
}

// list answers a JSON list of commands.
func (q *request) list(body io.Reader, m manner) {
	if q.keyOfMany() {
		return
	}
	data, ok := q.readAll(body)
	if !ok {
		return
	}
	inputs, _, err := ledger.ParseRequest(data)
	if err == nil && len(inputs) > maxRequest {
		err = &events.Error{Code: events.TooLarge, Why: "request", Args: events.Args{"count": strconv.Itoa(len(inputs)), "limit": strconv.Itoa(maxRequest)}}
	}
	if err != nil {
		q.refuse(err)
		return
	}
	rs := q.append(inputs, m)
	for i := range rs {
		rs[i].Say(q.lang)
	}
	q.answer(http.StatusOK, typeJSON, rs)
}

func (q *request) append(inputs []ledger.Input, m manner) []ledger.Receipt {
	for i := range inputs {
		q.ofFund(&inputs[i])
	}
	ctx, cancel := context.WithTimeout(q.r.Context(), answerPatience)
	defer cancel()
	var rs []ledger.Receipt
	if !m.dry {
		rs = q.h.ledger.Append(ctx, inputs, ledger.Local, m.atomic)
	} else {
		select {
		case q.h.trials <- struct{}{}:
			defer func() { <-q.h.trials }()
		case <-ctx.Done():
		}
		rs, _ = q.h.ledger.Propose(ctx, inputs, ledger.Local, m.atomic)
	}
	q.tally.add(rs)
	return rs
}

// keyOfMany refuses the header of one command on a request of several.
func (q *request) keyOfMany() bool {
	_, given := q.idempotencyKey()
	if given {
		q.w.Header().Set("Connection", "close")
		q.problem(http.StatusBadRequest, "key", nil)
	}
	return given
}

// readAll reads what must be there as a whole before anything is decided.
func (q *request) readAll(body io.Reader) ([]byte, bool) {
	data, err := io.ReadAll(io.LimitReader(body, maxList+1))
	switch {
	case err != nil:
		q.unread(err)
	case len(data) > maxList:
		q.tooLarge(maxList)
	default:
		return data, true
	}
	return nil, false
}

// unread answers a body that did not come whole, so that nothing of it was decided. Who has gone away reads no answer.
func (q *request) unread(err error) {
	q.w.Header().Set("Connection", "close")
	if q.h.stopping.Err() != nil {
		q.w.Header().Set("Retry-After", "5")
		q.problem(http.StatusServiceUnavailable, "stopping", nil)
		return
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		q.tooLarge(int(large.Limit))
		return
	}
	q.problem(http.StatusRequestTimeout, "late", nil)
}

// lines answers JSON Lines with a receipt for each line.
func (q *request) lines(body io.Reader, contentType string, m manner) {
	if q.keyOfMany() {
		return
	}
	q.w.Header().Set("Content-Language", string(q.lang))
	if m.whole() {
		data, ok := q.readAll(body)
		if !ok {
			return
		}
		var inputs []ledger.Input
		for in := range ledger.ReadInputs(bytes.NewReader(data)) { // reading from memory does not fail
			inputs = append(inputs, in)
		}
		rs := q.append(inputs, m)
		q.w.Header().Set("Content-Type", contentType)
		q.mustRead()
		_ = q.encode(q.w, rs)
		return
	}
	select {
	case q.h.streams <- struct{}{}:
		defer func() { <-q.h.streams }()
	default:
		q.w.Header().Set("Connection", "close")
		q.refuse(&events.Error{Code: events.Busy})
		return
	}
	q.stream(body, contentType)
}

func (q *request) encode(w io.Writer, rs []ledger.Receipt) error {
	var lines []byte
	for i := range rs {
		rs[i].Say(q.lang)
		lines = append(rs[i].AppendJSON(lines), '\n')
	}
	_, err := w.Write(lines)
	return err
}

// What one piece of a stream carries to the ledger, and how many pieces are sent and not yet answered.
const (
	maxChunk      = 500
	maxChunkBytes = 256 << 10
	inFlight      = 8
	maxFeed       = 64
)

// stream reads lines, has them decided and writes their receipts, all at once: a line that has come whole is decided, whatever becomes of the
// client.
func (q *request) stream(body io.Reader, contentType string) {
	var unread error // why the lines ended before the body did
	last := 0
	feed := make(chan ledger.Input, maxFeed)
	go func() {
		defer close(feed)
		for in, err := range ledger.ReadInputs(body) {
			last = in.Number
			if err != nil {
				unread = err
				return
			}
			q.ofFund(&in)
			feed <- in
		}
	}()
	first, ok := <-feed
	q.w.Header().Set("Content-Type", contentType)
	if !ok {
		if unread != nil {
			q.unread(unread)
			return
		}
		q.w.WriteHeader(http.StatusOK)
		return
	}
	_ = q.control.EnableFullDuplex() // HTTP/1 has to be told; where it cannot be, the receipts wait for the end of the lines
	out := newSpool()
	var working sync.WaitGroup
	var sending sender
	working.Go(func() { sending.send(q, out) })
	answers := make(chan chan []ledger.Receipt, inFlight)
	working.Go(func() {
		for answer := range answers {
			rs := <-answer
			q.tally.add(rs)
			_ = q.encode(out, rs)
		}
		if unread != nil {
			r := q.cut(last, unread) // it has its own words
			_, _ = out.Write(append(r.AppendJSON(nil), '\n'))
		}
		out.end()
	})
	for chunk := range chunks(first, feed) {
		answer := make(chan []ledger.Receipt, 1)
		answers <- answer // waits while too many are under way
		q.h.ledger.Submit(chunk, ledger.Local, false, func(rs []ledger.Receipt) { answer <- rs })
	}
	sending.hurry(q) // nothing more is sent, so the client has no reason left not to read
	close(answers)
	working.Wait()
	if err := out.close(); err != nil {
		q.h.o.Log.Print(err)
	}
	if sending.err != nil {
		panic(http.ErrAbortHandler) // an answer that lacks something must not look whole
	}
}

// cut is the last receipt of a body that ended too early: for the line that did not come whole, and all after it.
func (q *request) cut(number int, err error) ledger.Receipt {
	r := ledger.Receipt{Input: number, Status: ledger.Failed, Code: events.Unavailable}
	name, args := "late", map[string]string{}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		r.Status, r.Code = ledger.Refused, events.TooLarge
		name, args["limit"] = "too-large", strconv.FormatInt(large.Limit, 10)
		r.Args = args
	case q.h.stopping.Err() != nil:
		name = "stopping"
	}
	r.Message, r.Hint = texts.Say(q.lang, "http."+name, args), texts.Find(q.lang, "http."+name+"-hint", args)
	return r
}

// A sender writes a spool to the client. While lines still come it waits for the client as long as that takes, for many clients read only when they
// have sent everything; afterwards a client has to read.
type sender struct {
	mu      sync.Mutex
	hurried bool
	err     error
}

func (s *sender) hurry(q *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = true
	q.mustRead()
}

func (s *sender) send(q *request, out *spool) {
	for {
		p, err := out.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			s.mu.Lock()
			if s.hurried {
				q.mustRead()
			}
			s.mu.Unlock()
			if _, err = q.w.Write(p); err == nil {
				err = q.control.Flush()
			}
		}
		if err != nil {
			s.err = err
			out.fail(err)
			return
		}
	}
}

// chunks gathers what a feed has at hand, as many as one piece may carry: whoever waits for a receipt before the next line gets it at once.
func chunks(first ledger.Input, feed <-chan ledger.Input) iter.Seq[[]ledger.Input] {
	return func(yield func([]ledger.Input) bool) {
		for in, ok := first, true; ok; {
			chunk, size := []ledger.Input{in}, in.Size()
		gather:
			for len(chunk) < maxChunk && size < maxChunkBytes {
				select {
				case in, ok = <-feed:
					if !ok {
						break gather
					}
					chunk = append(chunk, in)
					size += in.Size()
				default:
					break gather
				}
			}
			if !yield(chunk) {
				return
			}
			if ok {
				in, ok = <-feed
			}
		}
	}
}

// keyed gives a command the id that came in the header. A command's own id must not be another.
func keyed(in *ledger.Input, key string) {
	id, err := events.ParseID(key)
	switch own := in.Command.ID; {
	case in.Err != nil:
	case err != nil:
		in.Err = err
		var e *events.Error
		if errors.As(err, &e) {
			in.Err = e.With("field", "Idempotency-Key")
		}
	case own != "" && own != id:
		in.Err = &events.Error{Code: events.BadValue, Why: "id-differs", Args: events.Args{"field": "id", "value": key, "id": string(own)}}
	default:
		in.ID = id
	}
}

// A body is a request's, which has to keep coming.
type body struct {
	q     *request
	r     io.Reader
	until time.Time // nothing may come later
	end   func() bool

	mu    sync.Mutex
	ended bool
}

func (q *request) body() *body {
	b := &body{q: q, r: http.MaxBytesReader(q.w.ResponseWriter, q.r.Body, q.h.o.limits.stream), until: time.Now().Add(q.h.o.limits.command)}
	b.end = context.AfterFunc(q.h.stopping, func() { b.deadline(time.Now()) })
	return b
}

// ofLines gives a body of lines the time that a long file takes, where they are decided while they come.
func (b *body) ofLines(atomic bool) {
	if !atomic {
		b.until = time.Now().Add(streamTime)
	}
}

// after puts what has been read back in front.
func (b *body) after(read []byte) io.Reader { return io.MultiReader(bytes.NewReader(read), b) }

func (b *body) Read(p []byte) (int, error) {
	now := time.Now()
	to := now.Add(b.q.h.o.limits.read)
	if b.until.Before(to) {
		to = b.until
	}
	b.deadline(to)
	if b.q.h.stopping.Err() != nil {
		b.deadline(now)
	}
	n, err := b.r.Read(p)
	if err != nil {
		b.stop()
	}
	return n, err
}

// deadline does nothing any more once the body has ended: the server watches the connection then, and would take a deadline for its end.
func (b *body) deadline(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		_ = b.q.control.SetReadDeadline(at)
	}
}

func (b *body) stop() {
	b.deadline(time.Time{})
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.end()
}

// The forms of a JSON body.
const (
	formOne = iota
	formList
	formLines
)

// begin reads as much of a JSON body as it takes to know its form: a list begins with [, and lines with a line that is an object by itself and
// has something after it. One command is read whole, or up to more than one may have.
func begin(r io.Reader) (read []byte, form int, err error) {
	looked := false // at the first line
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		read = append(read, buf[:n]...)
		text := bytes.TrimSpace(bytes.TrimPrefix(read, []byte("\uFEFF")))
		if len(text) > 0 && text[0] == '[' {
			form = formList
		}
		if line, rest, found := bytes.Cut(text, []byte("\n")); found && !looked && form == formOne {
			looked = true
			// Names that occur twice are none of this business: the command is refused for them.
			if len(rest) > 0 && jsontext.Value(bytes.TrimSpace(line)).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
				form = formLines
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			if form != formLines {
				read = bytes.TrimPrefix(read, []byte("\uFEFF"))
			}
			return read, form, nil
		case err != nil:
			return read, form, err
		case form != formOne, len(read) > maxCommand:
			return read, form, nil
		}
	}
}
