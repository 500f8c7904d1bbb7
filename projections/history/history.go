// Package history is the fold of one fund's events into what its tables are made of, and those tables: budget and execution, payments, lots.
//
// A [History] keeps every posting in the order of the log, in some fifty bytes each, and the little that tables need to know of the events: names, years
// and lines, payees and vouchers of payments, which event reversed which. It keeps no command and no stored line. It holds what the
// ledger decided and decides nothing itself: tables add postings up.
//
// # The two clocks
//
// As known at a number is a matter of folding: a History of the events up to that number is what was known then, and prints the same table for ever. As of a business
// date is a matter of asking: a posting counts when its counting day is not after that date, and is uncertain while its first possible day is not after it
// but its counting day is. Lines and years that were not yet known are not there; a date hides no line.
//
// # What a table adds up
//
// A line's row is its own postings and those of every line below it. What is posted to a group itself is its own money, not split among the lines below. A
// rate is spent over the denominator asked for ([Denominators]) and does not exist where that is zero or less, nor in a year whose budgets are not known.
//
// Every posting may have dimensions: the dims of its event, and payee, method, channel and basis. A query keeps those of some values, or has a block of rows for
// each value. What is spent has more dimensions than what is budgeted, and so a part of a line has a rate, and something available, only where no budget of that
// line lacks the dimension.
package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"fundledger/events"
)

// A History is the fold of one fund's events. The zero value is not ready: see [New].
type History struct {
	fund     events.Fund
	currency string
	decimals int
	zone     *time.Location

	last  events.Seq
	years map[events.Year]*Year

	entries  []entry // by number; entries[0] is event 1
	flags    map[events.Seq][]events.Code
	payments map[events.Seq]*payment
	papers   map[events.Seq]*papers // of the events that name any
	explains []Explanation
	figures  []Stated
	stated   map[events.Seq]int // the place in figures

	texts  index[string] // lots, and lines of recoveries; 0 is none
	dates  index[events.Date]
	payees index[events.Payee]
	titles index[string] // of documents
	dims   index[string]
	dimsOf []events.Dims // by the number in dims
}

// An entry is what is kept of every event.
type entry struct {
	id       events.ID
	micros   int64 // recorded, since 1970
	pay      events.Seq
	of       events.Seq
	amount   events.Minor
	line     events.Line
	year     int16
	kind     int8 // place in events.Kinds
	record   bool
	reversed bool
}

// A payment is what only payments have.
type payment struct {
	payee   int32
	voucher *events.Voucher
	channel events.Channel
	basis   events.Basis
	method  events.Method
	date    int32
	lot     int32
	lines   []int32 // of its year, in the order in which its money got there
}

// Papers are what an event rests on: the documents that it names, and of what is no payment the voucher and the payee.
type papers struct {
	documents []int32
	voucher   *events.Voucher
	payee     int32 // 0 is none
}

// A posted is one posting in small: texts are numbers into the indexes of the History, lines into those of its year.
type posted struct {
	amount          events.Minor
	seq             events.Seq
	counts          events.Day
	line, lot, date int32
	dims, ofLine    int32
	ofYear          int16
	measure         int8
	channel, basis  int8 // -1 for none
}

// An index gives equal values one number.
type index[K comparable] struct {
	number map[K]int32
	values []K
}

func (x *index[K]) of(k K) int32 {
	if n, ok := x.number[k]; ok {
		return n
	}
	if x.number == nil {
		x.number = map[K]int32{}
	}
	n := int32(len(x.values))
	x.number[k] = n
	x.values = append(x.values, k)
	return n
}

// A Year is what is known of one fiscal year.
type Year struct {
	Year                     events.Year
	Opened                   events.Seq // 0: money was carried into it, but it is not open
	Name, NameEn, Department string
	From, To                 events.Day
	Budgeted                 bool
	Closed                   bool

	lines  []Line // lines[0] is the root; in the order in which they were told
	places map[events.Line]int32
	lots   []*Lot
	posted []posted
}

// A Line is one line of a year's tree.
type Line struct {
	Code, Parent events.Line
	Name, NameEn string
	Depth        int // 0 is the root
	Leaf         bool
	Reserve      bool        // money to be released to other lines
	Was          events.Line // its code the year before, "" where that is the same
	up           int32
	below        []int32
	seq          events.Seq // the event that told of it
}

// A Lot is money carried into a year under a name.
type Lot struct {
	Name     string
	Line     events.Line
	Purpose  string
	FromYear events.Year // the year that it was first carried out of
	Expires  events.Day
	// Carriers are the standing events that brought it, in order. A lot without any has been reversed.
	Carriers []events.Seq
}

// An Explanation is an explained event: of an event's flag, of a measure of a line, or of a stated figure (Of without a Flag).
type Explanation struct {
	Seq, Of events.Seq
	Flag    events.Code
	Year    events.Year
	Line    events.Line
	Measure events.Measure
}

// New returns the history of no events.
func New() *History {
	return &History{
		years: map[events.Year]*Year{}, flags: map[events.Seq][]events.Code{}, payments: map[events.Seq]*payment{},
		papers: map[events.Seq]*papers{}, payees: index[events.Payee]{number: map[events.Payee]int32{{}: 0}, values: []events.Payee{{}}},
		texts: index[string]{number: map[string]int32{"": 0}, values: []string{""}},
	}
}

// Fund returns the fund's name, "" before the first event.
func (h *History) Fund() events.Fund { return h.fund }

// Currency and Decimals are the fund's currency, ISO 4217, and how many digits its amounts have after the point.
func (h *History) Currency() string { return h.currency }

// Decimals is how many digits the fund's amounts have after the point.
func (h *History) Decimals() int { return h.decimals }

// Zone is the fund's time zone, nil before the first event.
func (h *History) Zone() *time.Location { return h.zone }

// Last is the number of the last event, 0 before the first.
func (h *History) Last() events.Seq { return h.last }

// Recorded returns when an event was recorded, in UTC.
func (h *History) Recorded(n events.Seq) time.Time {
	return time.UnixMicro(h.entries[n-1].micros).UTC()
}

// Until returns the number of the last event recorded not after t; 0 where there is none.
func (h *History) Until(t time.Time) events.Seq {
	after := t.UnixMicro()
	n, _ := slices.BinarySearchFunc(h.entries, after, func(e entry, at int64) int {
		if e.micros <= at {
			return -1
		}
		return 1
	})
	return events.Seq(n)
}

// Years lists the open years in order.
func (h *History) Years() []events.Year {
	var out []events.Year
	for y, of := range h.years {
		if of.Opened != 0 {
			out = append(out, y)
		}
	}
	slices.Sort(out)
	return out
}

// Year returns an open year; [events.UnknownFund] or [events.UnknownYear] where it is not known.
func (h *History) Year(y events.Year) (*Year, error) {
	if h.last == 0 {
		return nil, &events.Error{Code: events.UnknownFund, Args: events.Args{"fund": string(h.fund)}}
	}
	if got := h.years[y]; got != nil && got.Opened != 0 {
		return got, nil
	}
	var open []string
	for _, y := range h.Years() {
		open = append(open, y.String())
	}
	return nil, &events.Error{Code: events.UnknownYear, Args: events.Args{"fund": string(h.fund), "year": y.String(), "years": strings.Join(open, ", ")}}
}

// Lines lists the lines of a year in the order of the tree, the root first.
func (y *Year) Lines() []Line {
	out := make([]Line, 0, len(y.lines))
	y.walk(0, func(i int32) { out = append(out, y.lines[i]) })
	return out
}

// walk visits a line and those below it: each before its children, siblings in the order given.
func (y *Year) walk(from int32, visit func(int32)) {
	visit(from)
	for _, i := range y.lines[from].below {
		y.walk(i, visit)
	}
}

// Lots lists the lots that lie in the year, in the order in which they came.
func (y *Year) Lots() []*Lot { return y.lots }

func (y *Year) lot(name string) *Lot {
	for _, l := range y.lots {
		if l.Name == name {
			return l
		}
	}
	return nil
}

func (h *History) year(y events.Year) *Year {
	if got := h.years[y]; got != nil {
		return got
	}
	made := &Year{Year: y, Budgeted: true, lines: []Line{{Code: events.Root, Leaf: true}}, places: map[events.Line]int32{events.Root: 0}}
	h.years[y] = made
	return made
}

// Apply folds the next event in. The error is final and the history must not be used after it: [events.Tampered] with Why gap where e is not
// the next event, with Why replay where it does not fit those before it, [events.UnknownKind] where this release does not know what it does.
func (h *History) Apply(e *events.Event) error {
	c, r := e.Command, &e.Resolved
	if e.Seq != h.last+1 {
		return &events.Error{Code: events.Tampered, Why: "gap", Args: events.Args{"seq": (h.last + 1).String()}}
	}
	kind := slices.Index(events.Kinds, c.Kind)
	if kind < 0 {
		return &events.Error{Code: events.UnknownKind, Why: "stored", Args: events.Args{"seq": e.Seq.String(), "field": "type", "value": string(c.Kind)}}
	}
	bad := func() error {
		return &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(c.Kind)}}
	}
	micros := e.Time.UnixMicro()
	switch {
	case h.last > 0 && (c.Fund != h.fund || micros < h.entries[h.last-1].micros):
		return bad()
	case h.last == 0 && c.Kind != events.FundOpened, len(e.Postings) > 0 && e.Decimals != h.decimals && h.last > 0, r.Of >= e.Seq:
		return bad()
	}
	if h.last == 0 {
		zone, err := time.LoadLocation(r.Zone)
		if err != nil || r.Currency == "" {
			return bad()
		}
		h.fund, h.currency, h.decimals, h.zone = c.Fund, r.Currency, r.Decimals, zone
	}
	en := entry{
		id: e.ID, micros: micros, of: r.Of, line: cmp.Or(c.Line, r.Line), year: int16(c.Year), kind: int8(kind), record: c.Mode == events.Record,
	}
	if !c.Amount.IsZero() {
		a, err := c.Amount.Minor(h.decimals)
		if err != nil {
			return bad()
		}
		en.amount = a
	}
	if len(e.Flags) > 0 {
		h.flags[e.Seq] = slices.Clone(e.Flags)
	}
	h.file(e)
	switch c.Kind {
	case events.FundOpened:
		if !h.open(e) {
			return bad()
		}
	case events.LineAdded:
		if len(c.Lines) != 1 || !h.addLine(h.year(c.Year), c.Lines[0], e.Seq) {
			return bad()
		}
	case events.Disbursed:
		en.pay = e.Seq
		h.pay(e)
	case events.ReceiptConfirmed, events.Reclassified:
		en.pay = r.Of
	case events.ClawedBack:
		en.pay = r.Of
	case events.CarriedOver:
		h.bring(e, c.ToYear, c.ToLine)
	case events.CarriedIn:
		h.bring(e, c.Year, c.Line)
	case events.Reversed:
		if r.Of == 0 {
			return bad()
		}
		h.reverse(r.Of)
		of := &h.entries[r.Of-1]
		en.pay = of.pay
		en.line, en.amount = of.line, of.amount
	case events.Amended:
		if r.Of == 0 {
			return bad()
		}
		h.amend(r.Of, &c.Set)
	case events.Explained:
		h.explains = append(h.explains, Explanation{Seq: e.Seq, Of: r.Of, Flag: c.Flag, Year: c.Year, Line: c.Line, Measure: c.Measure})
	case events.FigureStated:
		h.state(e)
	case events.YearClosed:
		h.year(c.Year).Closed = true
	case events.YearReopened:
		h.year(c.Year).Closed = false
	}
	h.entries = append(h.entries, en)
	h.last = e.Seq
	for i := range e.Postings {
		if !h.post(e.Seq, en.pay, &e.Postings[i]) {
			return bad()
		}
	}
	return nil
}

func (h *History) open(e *events.Event) bool {
	c, r := e.Command, &e.Resolved
	y := h.year(c.Year)
	if y.Opened != 0 {
		return false
	}
	y.Opened, y.Name, y.NameEn, y.Department = e.Seq, c.Name, c.NameEn, c.Department
	y.From, y.To, y.Budgeted = r.From, r.To, !c.Unbudgeted
	// Parents may stand after their children.
	rest := slices.Clone(c.Lines)
	for len(rest) > 0 {
		var waiting []events.LineSpec
		for _, l := range rest {
			if _, ok := y.places[l.Parent]; !ok {
				waiting = append(waiting, l)
			} else if !h.addLine(y, l, e.Seq) {
				return false
			}
		}
		if len(waiting) == len(rest) {
			return false
		}
		rest = waiting
	}
	// Siblings keep the order in which the event gives them, which waiting may have changed.
	order := map[events.Line]int{}
	for i, l := range c.Lines {
		order[l.Code] = i
	}
	for i := range y.lines {
		slices.SortStableFunc(y.lines[i].below, func(a, b int32) int { return cmp.Compare(order[y.lines[a].Code], order[y.lines[b].Code]) })
	}
	return true
}

func (h *History) addLine(y *Year, spec events.LineSpec, seq events.Seq) bool {
	up, ok := y.places[spec.Parent]
	if _, twice := y.places[spec.Code]; !ok || twice {
		return false
	}
	i := int32(len(y.lines))
	y.places[spec.Code] = i
	y.lines = append(y.lines, Line{
		Code: spec.Code, Parent: spec.Parent, Name: spec.Name, NameEn: spec.NameEn, Depth: y.lines[up].Depth + 1, Leaf: true,
		Reserve: spec.Reserve, Was: spec.Was, up: up, seq: seq,
	})
	y.lines[up].Leaf = false
	y.lines[up].below = append(y.lines[up].below, i)
	return true
}

func (h *History) pay(e *events.Event) {
	c := e.Command
	p := &payment{payee: h.payees.of(c.Payee), channel: c.Channel, basis: c.Basis, method: c.Method, lot: h.texts.of(c.Lot), date: h.dates.of(c.Date)}
	if c.Voucher != (events.Voucher{}) {
		v := c.Voucher
		p.voucher = &v
	}
	h.payments[e.Seq] = p
}

// file keeps what an event rests on.
func (h *History) file(e *events.Event) {
	c := e.Command
	pays := c.Kind == events.Disbursed // which has its own place
	if len(c.Documents) == 0 && (pays || c.Voucher == (events.Voucher{}) && c.Payee == (events.Payee{})) {
		return
	}
	p := &papers{documents: h.titlesOf(c.Documents)}
	if !pays {
		p.payee = h.payees.of(c.Payee)
		if c.Voucher != (events.Voucher{}) {
			v := c.Voucher
			p.voucher = &v
		}
	}
	h.papers[e.Seq] = p
}

func (h *History) titlesOf(documents []string) []int32 {
	out := make([]int32, len(documents))
	for i, d := range documents {
		out[i] = h.titles.of(d)
	}
	return out
}

// bring notes a lot that was carried into a year. A lot of the giving year that is carried on keeps its beginning and its expiry.
func (h *History) bring(e *events.Event, into events.Year, at events.Line) {
	c := e.Command
	y := h.year(into)
	l := y.lot(c.Lot)
	if l == nil {
		l = &Lot{Name: c.Lot}
		y.lots = append(y.lots, l)
	}
	if len(l.Carriers) == 0 {
		l.Line, l.Purpose, l.Expires, l.FromYear = at, c.Purpose, c.Expires, c.Year
		if e.Resolved.HasExpires {
			l.Expires = e.Resolved.Expires
		}
		if c.Kind == events.CarriedIn {
			l.FromYear = c.FromYear
		} else if on := h.year(c.Year).lot(c.Lot); on != nil && len(on.Carriers) > 0 {
			l.FromYear = on.FromYear
		}
	}
	l.Carriers = append(l.Carriers, e.Seq)
}

func (h *History) reverse(of events.Seq) {
	en := &h.entries[of-1]
	en.reversed = true
	switch events.Kinds[en.kind] {
	case events.CarriedOver, events.CarriedIn:
		for _, y := range h.years {
			for _, l := range y.lots {
				l.Carriers = slices.DeleteFunc(l.Carriers, func(n events.Seq) bool { return n == of })
			}
		}
	}
}

// amend changes words of what an event told. It never changes money.
func (h *History) amend(of events.Seq, set *events.Amendment) {
	put := func(to *string, word *string) {
		if word != nil {
			*to = *word
		}
	}
	en := &h.entries[of-1]
	y := h.year(events.Year(en.year))
	if set.HasDocuments {
		if h.papers[of] == nil {
			h.papers[of] = &papers{}
		}
		h.papers[of].documents = h.titlesOf(set.Documents)
	}
	if p := h.papers[of]; p != nil && p.payee != 0 {
		payee := h.payees.values[p.payee]
		put(&payee.Name, set.PayeeName)
		put(&payee.ID, set.PayeeID)
		p.payee = h.payees.of(payee)
	}
	switch events.Kinds[en.kind] {
	case events.FundOpened:
		put(&y.Name, set.Name)
		put(&y.NameEn, set.NameEn)
	case events.LineAdded:
		for i := range y.lines {
			if y.lines[i].seq == of {
				put(&y.lines[i].Name, set.Name)
				put(&y.lines[i].NameEn, set.NameEn)
			}
		}
	case events.Disbursed:
		p := h.payments[of]
		payee := h.payees.values[p.payee]
		put(&payee.Name, set.PayeeName)
		put(&payee.ID, set.PayeeID)
		p.payee = h.payees.of(payee)
	case events.CarriedOver, events.CarriedIn:
		for _, in := range h.years {
			for _, l := range in.lots {
				if len(l.Carriers) > 0 && l.Carriers[0] == of {
					put(&l.Purpose, set.Purpose)
				}
			}
		}
	}
}

// post keeps a posting. It reports false where the posting names a line that there is not.
func (h *History) post(seq, pay events.Seq, p *events.Posting) bool {
	y := h.year(p.Year)
	line, ok := y.places[p.Line]
	measure := slices.Index(events.Measures, p.Measure)
	if !ok || measure < 0 {
		return false
	}
	y.posted = append(y.posted, posted{
		amount: p.Amount, seq: seq, counts: p.Counts, line: line, lot: h.texts.of(p.Lot), date: h.dates.of(p.Date), dims: h.dimsNumber(p.Dims),
		ofLine: h.texts.of(string(p.OfLine)), ofYear: int16(p.OfYear), measure: int8(measure),
		channel: int8(slices.Index(events.Channels, p.Channel)), basis: int8(slices.Index(events.Bases, p.Basis)),
	})
	if of := h.payments[pay]; of != nil && p.Measure == events.DisbursedM && !slices.Contains(of.lines, line) {
		of.lines = append(of.lines, line)
		if pay == seq {
			of.date = h.dates.of(p.Date) // with the fiscal year filled in
		}
	}
	return true
}

func (h *History) dimsNumber(d events.Dims) int32 {
	n := h.dims.of(d.Key())
	if int(n) == len(h.dimsOf) {
		h.dimsOf = append(h.dimsOf, slices.Clone(d))
	}
	return n
}

// A Posting is one posting with the number of its event.
type Posting struct {
	Seq events.Seq
	events.Posting
}

// Postings walks the postings of a year in the order of the log.
func (h *History) Postings(y *Year, visit func(*Posting)) {
	for i := range y.posted {
		p := h.posting(y, &y.posted[i])
		visit(&p)
	}
}

func (h *History) posting(y *Year, p *posted) Posting {
	out := Posting{p.seq, events.Posting{
		Year: y.Year, Line: y.lines[p.line].Code, Measure: events.Measures[p.measure], Amount: p.amount, Date: h.dates.values[p.date], Counts: p.counts,
		Lot: h.texts.values[p.lot], Dims: h.dimsOf[p.dims], OfYear: events.Year(p.ofYear), OfLine: events.Line(h.texts.values[p.ofLine]),
	}}
	if p.channel >= 0 {
		out.Channel = events.Channels[p.channel]
	}
	if p.basis >= 0 {
		out.Basis = events.Bases[p.basis]
	}
	return out
}

// An Event is what is kept of one event.
type Event struct {
	Seq      events.Seq
	ID       events.ID
	Kind     events.Kind
	Year     events.Year
	Line     events.Line  // that it names or that the ledger filled in, "" where there is none
	Amount   events.Minor // of its command, 0 where it has none
	Of       events.Seq
	Flags    []events.Code
	Recorded time.Time
	Record   bool // in record mode
	Reversed bool
}

// Event returns what is kept of event n, which must be there.
func (h *History) Event(n events.Seq) Event {
	en := &h.entries[n-1]
	return Event{
		Seq: n, ID: en.id, Kind: events.Kinds[en.kind], Year: events.Year(en.year), Line: en.line, Amount: en.amount, Of: en.of, Flags: h.flags[n],
		Recorded: h.Recorded(n), Record: en.record, Reversed: en.reversed,
	}
}

// Payment returns the payment that an event is, or is about; 0 where it is about none.
func (h *History) Payment(n events.Seq) events.Seq { return h.entries[n-1].pay }

// Flagged lists the numbers of the events that carry flags, in order.
func (h *History) Flagged() []events.Seq {
	out := make([]events.Seq, 0, len(h.flags))
	for n := range h.flags {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Explanations lists the explained events in order.
func (h *History) Explanations() []Explanation { return h.explains }

// standing reports whether an event neither is reversed nor reverses another.
func (h *History) standing(n events.Seq) bool {
	en := &h.entries[n-1]
	return !en.reversed && events.Kinds[en.kind] != events.Reversed
}

// unknown says that a choice is none of those that there are.
func unknown[T ~string](field string, value T, choices []T) error {
	all := make([]string, len(choices))
	for i, c := range choices {
		all[i] = string(c)
	}
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": field, "value": string(value), "choices": strings.Join(all, " ")}}
}
