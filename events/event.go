package events

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Rules is the version of the rules by which this release decides. It stands in every event.
const Rules = 1

// TimeForm is how recorded times are written: UTC with six decimals.
const TimeForm = "2006-01-02T15:04:05.000000Z"

// AppendTime appends a recorded time in [TimeForm]. Package time, which reads the form anew each time, takes twice as long, and every
// event has its time written twice: in its line and in its receipt.
func AppendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return t.AppendFormat(b, TimeForm)
	}
	hour, minute, second := t.Clock()
	digits := func(n, width int, end byte) {
		var d [6]byte
		for i := width - 1; i >= 0; i-- {
			d[i] = '0' + byte(n%10)
			n /= 10
		}
		b = append(append(b, d[:width]...), end)
	}
	digits(year, 4, '-')
	digits(int(month), 2, '-')
	digits(day, 2, 'T')
	digits(hour, 2, ':')
	digits(minute, 2, ':')
	digits(second, 2, '.')
	digits(t.Nanosecond()/1000, 6, 'Z')
	return b
}

// An Actor is who appended an event. The id is an opaque reference.
type Actor struct{ ID, Role string }

// An Event is one fact of a fund as its log holds it. [AppendLine] writes it and [ParseEvent] reads it.
type Event struct {
	Seq      Seq
	ID       ID // the command's, or the one made for it
	Time     time.Time
	Command  *Command // not nil
	Actor    Actor
	Rules    int
	Flags    []Code
	Resolved Resolved
	// Decimals is how many decimals the amounts of the postings have. It says nothing where there are no postings.
	Decimals int
	Postings []Posting
}

// Resolved is what the ledger found out about a command that depended on the ledger as it was, so that no later reader has to ask again.
// Zero values are not stored.
type Resolved struct {
	Of, Commitment, Against, Settles Seq
	Covers, QuotientOf               []Seq
	SumOf                            []int64 // negative: subtracted
	BankLines, Matched               []Seq   // of [BankMatched]
	Line                             Line    // where the command left it out and it is not a constant
	Expires                          Day
	HasExpires                       bool

	// Of the year, on [FundOpened].
	Currency string
	Decimals int
	Zone     string
	From, To Day
}

// HasFlag reports whether the event carries the flag.
func (e *Event) HasFlag(c Code) bool { return slices.Contains(e.Flags, c) }

// AppendLine appends the stored form of e to b: a CloudEvents 1.0.2 object on one line, without the LF. Its bytes are the Merkle leaf.
func AppendLine(b []byte, e *Event) []byte {
	b = append(b, `{"specversion":"1.0","id":`...)
	b = quoted(b, string(e.ID))
	b = append(b, `,"source":"/funds/`...)
	b = append(b, e.Command.Fund...)
	b = append(b, `","type":"fundledger.`...)
	b = append(b, e.Command.Kind...)
	b = append(b, `.v1","time":"`...)
	b = AppendTime(b, e.Time)
	b = append(b, `","sequence":"`...)
	b = strconv.AppendUint(b, uint64(e.Seq), 10)
	b = append(b, `","data":{"command":`...)
	b = append(b, e.Command.Raw...)
	b = append(b, `,"actor":{"id":`...)
	b = quoted(b, e.Actor.ID)
	b = append(b, `,"role":`...)
	b = quoted(b, e.Actor.Role)
	b = append(b, `},"rules":`...)
	b = strconv.AppendInt(b, int64(e.Rules), 10)
	if len(e.Flags) > 0 {
		b = append(b, `,"flags":`...)
		for i, f := range e.Flags {
			b = append(b, "[,"[min(i, 1)])
			b = quoted(b, string(f))
		}
		b = append(b, ']')
	}
	b = appendResolved(b, &e.Resolved)
	if len(e.Postings) > 0 {
		b = append(b, `,"postings":`...)
		for i := range e.Postings {
			b = append(b, "[,"[min(i, 1)])
			b = appendPosting(b, &e.Postings[i], e.Decimals, e.Command.Dims)
		}
		b = append(b, ']')
	}
	return append(b, "}}"...)
}

func appendResolved(b []byte, r *Resolved) []byte {
	number := func(name string, n Seq) {
		if n != 0 {
			b = append(b, `,"`+name+`":`...)
			b = strconv.AppendUint(b, uint64(n), 10)
		}
	}
	text := func(name, s string) {
		if s != "" {
			b = append(b, `,"`+name+`":`...)
			b = quoted(b, s)
		}
	}
	number("of", r.Of)
	number("commitment", r.Commitment)
	number("against", r.Against)
	number("settles", r.Settles)
	b = appendNumbers(b, "covers", r.Covers)
	b = appendNumbers(b, "sum_of", r.SumOf)
	b = appendNumbers(b, "quotient_of", r.QuotientOf)
	b = appendNumbers(b, "bank_lines", r.BankLines)
	b = appendNumbers(b, "events", r.Matched)
	text("line", string(r.Line))
	if r.HasExpires {
		text("expires", r.Expires.String())
	}
	if r.Currency != "" {
		text("currency", r.Currency)
		b = append(b, `,"decimals":`...)
		b = strconv.AppendInt(b, int64(r.Decimals), 10)
		text("zone", r.Zone)
		text("from", r.From.String())
		text("to", r.To.String())
	}
	return b
}

func appendNumbers[T Seq | int64](b []byte, name string, ns []T) []byte {
	if len(ns) == 0 {
		return b
	}
	b = append(b, `,"`+name+`":`...)
	for i, n := range ns {
		b = append(b, "[,"[min(i, 1)])
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

func appendPosting(b []byte, p *Posting, decimals int, own Dims) []byte {
	b = append(b, `{"year":`...)
	b = strconv.AppendInt(b, int64(p.Year), 10)
	b = append(b, `,"line":"`...)
	b = append(b, p.Line...)
	b = append(b, `","measure":"`...)
	b = append(b, p.Measure...)
	b = append(b, `","amount":"`...)
	b = p.Amount.append(b, decimals)
	b = append(b, `","date":"`...)
	b = append(b, p.Date.text...)
	b = append(b, '"')
	if d := &p.Date; d.first != p.Counts || len(d.text) != len(time.DateOnly) { // it is not that very day
		b = append(b, `,"counts":"`...)
		b = append(b, p.Counts.String()...)
		b = append(b, '"')
	}
	if p.Lot != "" {
		b = append(b, `,"lot":`...)
		b = quoted(b, p.Lot)
	}
	if p.Channel != "" {
		b = append(b, `,"channel":"`...)
		b = append(b, p.Channel...)
		b = append(b, '"')
	}
	b = append(b, `,"basis":"`...)
	b = append(b, p.Basis...)
	b = append(b, '"')
	if !p.Dims.Equal(own) {
		b = append(b, `,"dims":{`...)
		for i, d := range p.Dims {
			if i > 0 {
				b = append(b, ',')
			}
			b = quoted(b, d.Key)
			b = append(b, ':')
			b = quoted(b, d.Value)
		}
		b = append(b, '}')
	}
	if p.OfYear != 0 {
		b = append(b, `,"of_year":`...)
		b = strconv.AppendInt(b, int64(p.OfYear), 10)
	}
	if p.OfLine != "" {
		b = append(b, `,"of_line":"`...)
		b = append(b, p.OfLine...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func quoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // fails on bad UTF-8 alone, which no parsed text has
	return b
}

// ParseEvent reads a stored line. A kind or version that this release does not know is an error, never skipped ([UnknownKind]); anything else
// that is not an event is [Tampered], naming the member at fault. Members that this release does not know are ignored, since a new one that
// mattered would have another version.
func ParseEvent(line []byte) (e Event, err error) {
	if quickEvent(&e, line) {
		return e, nil
	}
	return parseEvent(line)
}

// parseEvent reads any line and words what is wrong.
func parseEvent(line []byte) (Event, error) {
	r := &eventReader{e: Event{Command: NoCommand()}}
	r.read(line)
	if r.err != nil {
		if r.e.Seq != 0 {
			r.err = r.err.With("seq", r.e.Seq.String())
		}
		return Event{}, r.err
	}
	return r.e, nil
}

type eventReader struct {
	e   Event
	err *Error
}

func (r *eventReader) bad(field string, v []byte, cause error) {
	if r.err == nil {
		r.err = &Error{Code: Tampered, Why: "event", Args: Args{"field": field, "value": clip(string(v))}, Err: cause}
	}
}

func (r *eventReader) read(line []byte) {
	if len(line) > MaxLine || bytes.ContainsAny(line, "\r\n") {
		r.bad("", line, nil)
		return
	}
	err := checkObject(line)
	if err != nil {
		r.bad("", line, err)
		return
	}
	var buf [8]member
	top := members(line, buf[:0])
	var kind Kind
	var source, id string
	var data *member
	seen := 0
	for i, m := range top {
		switch m.name {
		case "specversion":
			if r.text(m) != "1.0" {
				r.bad(m.name, m.value, nil)
			}
		case "id":
			id = r.text(m)
			r.e.ID, err = ParseID(id)
			r.check(m, err)
		case "source":
			source = r.text(m)
		case "type":
			kind = r.kind(m)
		case "time":
			s := r.text(m)
			r.e.Time, err = time.Parse(TimeForm, s)
			r.check(m, err)
			if r.e.Time.Format(TimeForm) != s { // Parse also takes a comma for the point
				r.bad(m.name, m.value, nil)
			}
		case "sequence":
			r.e.Seq, err = ParseSeq(r.text(m))
			r.check(m, err)
		case "data":
			data = &top[i]
		default:
			continue
		}
		seen++
	}
	if seen != 7 {
		r.bad("", line, nil)
	}
	if r.err != nil {
		return
	}
	r.data(*data)
	c := r.e.Command
	switch {
	case c.Kind != kind:
		r.bad("type", []byte(kind), nil)
	case source != "/funds/"+string(c.Fund):
		r.bad("source", []byte(source), nil)
	case c.ID != "" && c.ID != r.e.ID:
		r.bad("id", []byte(id), nil)
	}
}

// kind reads an event's type. It comes before everything that only a known kind and version can be held to.
func (r *eventReader) kind(m member) Kind {
	s := r.text(m)
	bare, ours := strings.CutPrefix(s, "fundledger.")
	kind, version, versioned := strings.Cut(bare, ".v")
	if n, err := ParseSeq(version); !ours || !versioned || err != nil || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz-") != "" {
		r.bad(m.name, m.value, nil)
		return ""
	} else if n != 1 || shapeOf(Kind(kind), "") == nil {
		r.err = &Error{Code: UnknownKind, Why: "stored", Args: Args{"field": m.name, "value": clip(s)}}
	}
	return Kind(kind)
}

// data reads the member data, of which command, actor and rules are never left out.
func (r *eventReader) data(m member) {
	res := &r.e.Resolved
	var buf [12]member
	for _, m := range r.members(m, buf[:0]) {
		switch m.name {
		case "command":
			if m.value.Kind() != '{' {
				r.bad(m.name, m.value, nil)
				return
			}
			c, err := parseCommand(m.value, true)
			*r.e.Command = c
			r.check(m, err)
		case "actor":
			r.actor(m)
		case "rules":
			r.e.Rules = r.number(m, 1, math.MaxInt32)
		case "flags":
			for _, v := range r.list(m) {
				r.e.Flags = append(r.e.Flags, Code(r.text(member{m.name, v})))
			}
		case "of":
			res.Of = r.seq(m)
		case "commitment":
			res.Commitment = r.seq(m)
		case "against":
			res.Against = r.seq(m)
		case "settles":
			res.Settles = r.seq(m)
		case "covers":
			res.Covers = r.seqs(m)
		case "quotient_of":
			res.QuotientOf = r.seqs(m)
		case "bank_lines":
			res.BankLines = r.seqs(m)
		case "events":
			res.Matched = r.seqs(m)
		case "sum_of":
			for _, v := range r.list(m) {
				n, err := strconv.ParseInt(string(v), 10, 64)
				res.SumOf = append(res.SumOf, n)
				r.check(m, err)
				if n == 0 {
					r.bad(m.name, v, nil)
				}
			}
		case "line":
			res.Line = r.line(m)
		case "expires":
			res.Expires, res.HasExpires = r.day(m), true
		case "currency":
			res.Currency = r.text(m)
		case "decimals":
			res.Decimals = r.number(m, 0, maxPlaces)
		case "zone":
			res.Zone = r.text(m)
		case "from":
			res.From = r.day(m)
		case "to":
			res.To = r.day(m)
		case "postings":
			list := r.list(m)
			r.e.Postings = make([]Posting, 0, len(list))
			for _, v := range list {
				r.posting(v)
			}
		}
	}
	if r.e.Command.Kind == "" || r.e.Actor == (Actor{}) || r.e.Rules == 0 {
		r.bad(m.name, m.value, nil)
	}
	for i := range r.e.Postings {
		if p := &r.e.Postings[i]; p.Dims == nil {
			p.Dims = r.e.Command.Dims
		}
	}
}

func (r *eventReader) actor(m member) {
	var buf [4]member
	for _, a := range r.members(m, buf[:0]) {
		switch a.name {
		case "id":
			r.e.Actor.ID = r.text(a)
		case "role":
			r.e.Actor.Role = r.text(a)
		}
	}
}

func (r *eventReader) posting(v jsontext.Value) {
	var p Posting
	counted, hasAmount := false, false
	var buf [16]member
	for _, m := range r.members(member{"postings", v}, buf[:0]) {
		switch m.name {
		case "year":
			p.Year = r.year(m)
		case "line":
			p.Line = r.line(m)
		case "measure":
			p.Measure = Measure(r.word(m))
			if new(Totals).Of(p.Measure) == nil {
				r.bad(m.name, m.value, nil)
			}
		case "amount":
			a, decimals, err := ParseMinor(r.text(m))
			r.check(m, err)
			if len(r.e.Postings) > 0 && decimals != r.e.Decimals {
				r.bad(m.name, m.value, nil)
			}
			p.Amount, r.e.Decimals, hasAmount = a, decimals, true
		case "date":
			d, err := ParseDate(r.text(m))
			p.Date = d
			r.check(m, err)
		case "counts":
			p.Counts, counted = r.day(m), true
		case "lot":
			p.Lot = r.text(m)
		case "channel":
			if p.Channel = Channel(r.word(m)); !slices.Contains(Channels, p.Channel) {
				r.bad(m.name, m.value, nil)
			}
		case "basis":
			if p.Basis = Basis(r.word(m)); !slices.Contains(Bases, p.Basis) {
				r.bad(m.name, m.value, nil)
			}
		case "dims":
			p.Dims = r.dims(m)
		case "of_year":
			p.OfYear = r.year(m)
		case "of_line":
			p.OfLine = r.line(m)
		}
	}
	switch {
	case p.Year == 0 || p.Line == "" || p.Measure == "" || !hasAmount || p.Date.IsZero() || p.Basis == "":
		r.bad("postings", v, nil)
	case !counted:
		p.Counts = p.Date.last
	default:
		p.fiscalDate()
	}
	r.e.Postings = append(r.e.Postings, p)
}

// fiscalDate widens a date that is a year alone to the fiscal year that it was when the event was decided, if that was not the calendar's. It began
// on the counting day of an original appropriation and ended on that of anything else.
func (p *Posting) fiscalDate() {
	switch {
	case p.Date.fiscal == 0 || p.Counts == p.Date.first || p.Counts == p.Date.last:
	case p.Measure == Original:
		p.Date = p.Date.In(p.Counts, p.Counts.end(12))
	default:
		p.Date = p.Date.In(p.Counts.AddMonths(-12)+1, p.Counts)
	}
}

func (r *eventReader) dims(m member) Dims {
	out := Dims{} // not nil: none is other than the command's
	var buf [16]member
	for _, d := range r.members(m, buf[:0]) {
		out = append(out, Dim{d.name, r.text(d)})
	}
	slices.SortFunc(out, func(a, b Dim) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func (r *eventReader) check(m member, err error) {
	if err != nil {
		r.bad(m.name, m.value, err)
	}
}

func (r *eventReader) text(m member) string {
	if m.value.Kind() != '"' {
		r.bad(m.name, m.value, nil)
		return ""
	}
	return unquote(m.value)
}

// word is text for what is one of several words.
func (r *eventReader) word(m member) string {
	if m.value.Kind() != '"' {
		r.bad(m.name, m.value, nil)
		return ""
	}
	return nameOf(m.value)
}

func (r *eventReader) list(m member) []jsontext.Value {
	if m.value.Kind() != '[' {
		r.bad(m.name, m.value, nil)
		return nil
	}
	return elements(m.value, nil)
}

// members returns the members of a value that should be an object, in to.
func (r *eventReader) members(m member, to []member) []member {
	if m.value.Kind() != '{' {
		r.bad(m.name, m.value, nil)
		return nil
	}
	return members(m.value, to)
}

func (r *eventReader) seqs(m member) (all []Seq) {
	for _, v := range r.list(m) {
		all = append(all, r.seq(member{m.name, v}))
	}
	return all
}

func (r *eventReader) seq(m member) Seq {
	n, err := ParseSeq(string(m.value))
	r.check(m, err)
	return n
}

func (r *eventReader) number(m member, least, most int) int {
	n, err := strconv.Atoi(string(m.value))
	r.check(m, err)
	if n < least || n > most {
		r.bad(m.name, m.value, nil)
	}
	return n
}

func (r *eventReader) year(m member) Year {
	y, err := ParseYear(string(m.value))
	r.check(m, err)
	return y
}

func (r *eventReader) line(m member) Line {
	l, err := ParseLine(r.text(m))
	r.check(m, err)
	return l
}

func (r *eventReader) day(m member) Day {
	d, err := ParseDay(r.text(m))
	r.check(m, err)
	return d
}

// Lines splits the payload of a block into its lines, without their LF. It reports false where the payload does not end in LF.
func Lines(block []byte) ([][]byte, bool) {
	if len(block) == 0 || block[len(block)-1] != '\n' {
		return nil, false
	}
	lines := make([][]byte, 0, len(block)/usualLine+1)
	for len(block) > 0 {
		end := bytes.IndexByte(block, '\n')
		lines = append(lines, block[:end:end])
		block = block[end+1:]
	}
	return lines, true
}

// usualLine is how long most lines are at least.
const usualLine = 400
