package events

import (
	"bytes"
	"time"
)

// Skim reads of a stored line what figures are made of, if the event is [Disbursed] or [ReceiptConfirmed] and the line has exactly the form that
// [AppendLine] gives it, with nothing escaped: Seq, ID, Time, Flags, Decimals, Postings, Resolved.Of, Commitment and Line, and of the command
// Kind, Fund, Year, Date, Mode, Basis, Dims, Amount, Line, Lot, Payee, Voucher, Channel, Method, Of and Commitment. Every other field is zero. It is for those who read
// very many events.
//
// It reports false for every other line, which says nothing about it: [ParseEvent] then reads it, or tells what is wrong with it. What Skim reads,
// ParseEvent reads too, and equally. Either way e is overwritten; the room that e.Postings has is used again, and so are texts that the event before has too.
func (e *Event) Skim(line []byte) bool { return e.SkimAfter(e, line) }

// SkimAfter is Skim of the line after that of another event, whose texts are used again.
func (e *Event) SkimAfter(before *Event, line []byte) bool {
	q := quick{b: line, lean: true}
	if c := before.Command; c != nil {
		q.likely = likely{fund: c.Fund, line: c.Line, date: c.Date, payee: c.Payee, voucher: c.Voucher, dims: c.Dims}
	}
	c := e.Command
	if c == nil {
		c = &Command{}
	}
	return q.event(e, c, skimKinds)
}

var skimKinds = []Kind{Disbursed, ReceiptConfirmed}

// quickEvent reads a stored line of one of the usual kinds, if it has exactly the form that [AppendLine] gives it. e then is what [ParseEvent]
// makes of it.
func quickEvent(e *Event, line []byte) bool {
	q := quick{b: line}
	return q.event(e, &Command{}, quickKinds)
}

// event reads a stored line of one of some kinds into e, and its command into c.
func (q *quick) event(e *Event, c *Command, kinds []Kind) bool {
	*c = Command{Seldom: none}
	*e = Event{Command: c, Postings: e.Postings[:0]}
	q.must(`{"specversion":"1.0","id":"`)
	id := q.rest()
	q.must(`,"source":"/funds/`)
	source := q.rest()
	q.must(`,"type":"fundledger.`)
	// The kind comes before the look at every byte, so that those who are here in vain lose little time.
	kind := q.kind(kinds)
	q.must(`.v1","time":"`)
	if q.doubt || len(q.b) > MaxLine {
		return false
	}
	q.texts.Grow(len(q.b) / 6)
	e.ID = parsed(q, id, ParseID)
	q.likely.id = e.ID // most commands that have one
	e.Time = q.time()
	q.must(`","sequence":"`)
	e.Seq = q.seq()
	q.must(`","data":{"command":`)
	from := q.i
	q.command(c)
	if e.Command.Kind != kind || string(e.Command.Fund) != string(source) || e.Command.ID != "" && e.Command.ID != e.ID {
		return false
	}
	if q.lean {
		e.Command.ID = ""
	} else {
		e.Command.Raw = q.b[from:q.i:q.i]
	}
	q.data(e)
	return !q.doubt && q.i == len(q.b)
}

// kind steps over one of some kinds.
func (q *quick) kind(kinds []Kind) Kind {
	for _, k := range kinds {
		if q.may(string(k)) {
			return k
		}
	}
	q.fail()
	return ""
}

// time reads a recorded time.
func (q *quick) time() time.Time {
	if len(q.b)-q.i < len(TimeForm) {
		q.fail()
		return time.Time{}
	}
	s := q.b[q.i:][:len(TimeForm)]
	q.i += len(s)
	day, ok := parseDay(s[:len(time.DateOnly)])
	var part [6]int64 // hour, minute, second, and three parts of the microsecond
	for i, at := range [...]int{11, 14, 17, 20, 22, 24} {
		n, digits := twoDigits(s, at)
		part[i] = int64(n)
		ok = ok && digits
	}
	ok = ok && s[10] == 'T' && s[13] == ':' && s[16] == ':' && s[19] == '.' && s[26] == 'Z'
	if !ok || part[0] > 23 || part[1] > 59 || part[2] > 59 {
		q.fail()
		return time.Time{}
	}
	seconds := int64(day)*86400 + part[0]*3600 + part[1]*60 + part[2]
	return time.Unix(seconds, (part[3]*10000+part[4]*100+part[5])*1000).UTC()
}

// data reads what follows the command.
func (q *quick) data(e *Event) {
	q.must(`,"actor":{"id":"`)
	id := q.rest()
	q.must(`,"role":"`)
	role := q.rest()
	q.must(`},"rules":`)
	rules := q.count()
	if len(id)+len(role) == 0 {
		q.fail()
	}
	if !q.lean {
		e.Actor, e.Rules = Actor{q.keep(id), q.keep(role)}, rules
	}
	if q.may(`,"flags":[`) {
		q.list(func() {
			e.Flags = append(e.Flags, Code(q.keep(q.quoted())))
		})
	}
	if q.may(`,"of":`) {
		e.Resolved.Of = q.seq()
	}
	if q.may(`,"commitment":`) {
		e.Resolved.Commitment = q.seq()
	}
	if q.may(`,"line":"`) {
		e.Resolved.Line = same(q, q.rest(), e.Command.Line, ParseLine)
	}
	if q.may(`,"postings":[`) {
		q.list(func() { q.posting(e) })
	}
	q.must("}}")
}

// list reads the elements of a list that has some, and no white space between them.
func (q *quick) list(read func()) {
	for {
		read()
		if !q.take(',') {
			break
		}
	}
	q.must("]")
}

// posting reads one posting and appends it to those of e. What is likely to be the command's is not kept twice.
func (q *quick) posting(e *Event) {
	e.Postings = append(e.Postings, Posting{Dims: e.Command.Dims})
	c, p := e.Command, &e.Postings[len(e.Postings)-1]
	q.must(`{"year":`)
	p.Year = q.year()
	q.must(`,"line":"`)
	p.Line = same(q, q.rest(), c.Line, ParseLine)
	q.must(`,"measure":`)
	p.Measure = oneOf(q, Measures)
	q.must(`,"amount":"`)
	var decimals int
	p.Amount, decimals = q.minor()
	if len(e.Postings) > 1 && decimals != e.Decimals {
		q.fail()
	}
	e.Decimals = decimals
	q.must(`,"date":"`)
	p.Date = q.date(c.Date)
	p.Counts = q.counts(p.Date)
	p.fiscalDate()
	if q.may(`,"lot":"`) {
		p.Lot = q.again(q.rest(), c.Lot)
		if p.Lot == "" {
			q.fail()
		}
	}
	if q.may(`,"channel":`) {
		p.Channel = oneOf(q, Channels)
	}
	q.must(`,"basis":`)
	p.Basis = oneOf(q, Bases)
	if q.may(`,"dims":{`) {
		p.Dims = q.ownDims()
		if p.Dims.Equal(c.Dims) {
			q.fail()
		}
	}
	if q.may(`,"of_year":`) {
		p.OfYear = q.year()
	}
	if q.may(`,"of_line":"`) {
		p.OfLine = same(q, q.rest(), c.Line, ParseLine)
	}
	q.must("}")
}

// counts reads the day from which a posting counts. It is there exactly where the date is not that day.
func (q *quick) counts(d Date) Day {
	if !q.may(`,"counts":"`) {
		if len(d.text) != len(time.DateOnly) {
			q.fail()
		}
		return d.last
	}
	v := q.rest()
	day, ok := parseDay(v)
	if !ok || string(v) == d.text {
		q.fail()
	}
	return day
}

// ownDims reads the classifications of a posting, sorted as they are written, after their bracket.
func (q *quick) ownDims() Dims {
	own := Dims{}
	if q.take('}') {
		return own
	}
	for {
		key := q.quoted()
		q.open(':')
		d := Dim{q.keep(key), q.keep(q.quoted())}
		if n := len(own); n > 0 && own[n-1].Key >= d.Key {
			q.fail()
		}
		own = append(own, d)
		if !q.take(',') {
			break
		}
	}
	q.must("}")
	return own
}

// minor reads the rest of a text that [Minor.Format] wrote, and how many decimals it has.
func (q *quick) minor() (m Minor, decimals int) {
	v, sign := bytes.CutPrefix(q.rest(), []byte("-"))
	point := len(v)
	for i, c := range v {
		switch {
		case c >= '0' && c <= '9':
			m = m*10 + Minor(c-'0')
		case c == '.' && i > 0 && point == len(v):
			point = i
			decimals = len(v) - i - 1
		default:
			q.fail()
			return 0, 0
		}
	}
	pointed := point < len(v)
	switch {
	case len(v) == 0, len(v) > 18, pointed && (decimals == 0 || decimals > maxPlaces), point > 1 && v[0] == '0', sign && m == 0:
		q.fail()
		return 0, 0
	}
	if sign {
		m = -m
	}
	return m, decimals
}
