// Package history is the fold of one fund's events into what its tables are made of, and those tables: budget and execution, payments, lots.
//
// A [History] keeps every posting in columns, cell by cell, in some forty bytes an event: number, counting day and amount. Of years, lines and lots it keeps what
// was told of them and when. It keeps no command and no stored line: whoever prints a payment reads its line again, and holds it to the hash that the
// log was checked with. It holds what the ledger decided and decides nothing itself: tables add postings up.
//
// # The two clocks
//
// As known at a number: [History.At] is the same history as it was up to that event. It shares what it has with the whole, costs next to nothing, and prints
// the same table for ever. As of a business
// date is a matter of asking: a posting counts when its counting day is not after that date, and is uncertain while its first possible day is not after it
// but its counting day is. Lines and years that were not yet known are not there; a date hides no line. Neither clock makes a question dearer: see [cell].
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
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
)

// A History is the fold of one fund's events, as known at a number: see [New] and [History.At]. Any number of readers may ask at the same time, but not
// while an event is applied.
type History struct {
	*records
	last events.Seq
	memo *memo
}

// records are what is kept of all events. Nothing in them is ever changed: what was known at a number is what stands there up to it.
type records struct {
	fund     events.Fund
	currency string
	decimals int
	zone     *time.Location
	lines    Lines
	beside   proof.File // has the leaves; may be nil
	kept     keptLines  // where there are no lines to read from
	tree     proof.Tree // of whoever is given no twigs

	applied events.Seq

	// Of each event, by number; event 1 is at 0.
	recorded clock
	kinds    column[uint8]  // place in events.Kinds, and how it was paid in the highest bits
	charged  column[uint16] // the year; the highest bit in record mode
	named    column[uint32] // whom it names, by number in payees; 0 is nobody
	leaves   column[uint64] // the beginning of its leaf
	trunk    proof.Trunk
	tallies  [][]tallied // events by what stands in charged, up to the end of each chunk

	names     [len(naming)][]pair // the events that events name, by the field in which they do, in order
	matched   []pair              // each bank line, and each event that a bank line confirms, with the event that matched them; in the order of those
	banked    events.Seq          // the first bank line, 0 where there is none
	reversals map[events.Seq]events.Seq
	amended   map[events.Seq][]amendment
	flagged   []flagged
	closed    map[Flagged]events.Seq // the event that first closed a flag
	opened    map[events.Year]*turns // flags that are exceptions
	explains  []Explanation
	figures   []Stated
	stated    map[events.Seq]int // the place in figures

	tolds  []told
	live   book // all that was told
	posted map[events.Year]*posted

	near     *posted // the last that anything was posted to
	nearDims events.Dims
	nearDim  int32 // their number

	texts  index[string] // lots, ways of paying, and lines of recoveries; 0 is none
	dates  index[events.Date]
	payees []events.Payee     // by their numbers; 0 is none
	called map[string][]int32 // their numbers by what they are called: to hash all that is known of one takes several times as long
	dims   index[string]
	dimsOf []events.Dims // by the number in dims

	asking sync.Mutex
	asked  map[int]book // what was known after so many tolds
}

// Lines reads the stored line of an event again, without its LF.
type Lines func(ctx context.Context, n events.Seq) ([]byte, error)

// keptLines stand in for a log that cannot be read again.
type keptLines [][]byte

func (k keptLines) line(n events.Seq) ([]byte, error) { return k[n-1], nil }

type pair struct{ N, Of uint32 }

// An amendment is what an amended event changed of what it names.
type amendment struct {
	Seq   events.Seq
	Set   events.Amendment
	Payee uint32 // whom the event names after it
}

// An index gives equal values one number.
type index[K comparable] struct {
	number map[K]int32
	values []K
}

func indexOf[K comparable](values ...K) index[K] {
	x := index[K]{number: make(map[K]int32, len(values))}
	for _, v := range values {
		x.of(v)
	}
	return x
}

func (x *index[K]) of(k K) int32 {
	if n, ok := x.number[k]; ok {
		return n
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
	Months                   []Closing // the standing ones, in order

	lines  []Line // lines[0] is the root; in the order in which they were told
	places map[events.Line]int32
	lots   []*Lot
}

// A Closing is a month-closed event, and the last day of the month that it closed, with those before it.
type Closing struct {
	Seq events.Seq
	Day events.Day
}

// ClosedBy returns the event that closed the month which ends on a day, 0 while it is open.
func (y *Year) ClosedBy(end events.Day) events.Seq {
	for _, m := range y.Months {
		if m.Day >= end {
			return m.Seq
		}
	}
	return 0
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

// New returns the history of no events. lines reads them again when a table is asked for that prints more of an event than its money; where it is nil, the
// lines are kept.
func New(lines Lines) *History {
	return &History{records: &records{
		lines: lines, live: book{}, posted: map[events.Year]*posted{},
		reversals: map[events.Seq]events.Seq{}, amended: map[events.Seq][]amendment{}, closed: map[Flagged]events.Seq{}, opened: map[events.Year]*turns{},
		stated: map[events.Seq]int{}, payees: make([]events.Payee, 1), called: map[string][]int32{}, texts: indexOf(""), dates: indexOf[events.Date](), dims: indexOf[string](),
	}, memo: &memo{}}
}

// LeavesIn keeps the leaves of the log in a file, from the next on, and uses those that it has: with them [History.Root] of any number reads 8 KiB, without
// them up to 255 lines of the log. The file is not closed.
func (h *History) LeavesIn(f proof.File) { h.beside = f }

// At returns the history as it was known at event n; n must not be above [History.Last]. It can be asked everything, and nothing can be applied to it. It is
// to be used as the history that it was made of: not while an event is applied to that.
func (h *History) At(n events.Seq) *History {
	return &History{records: h.records, last: min(n, h.last), memo: &memo{}}
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
	return time.UnixMicro(h.recorded.at(int(n - 1))).UTC()
}

// Until returns the number of the last event recorded not after t; 0 where there is none.
func (h *History) Until(t time.Time) events.Seq {
	after := t.UnixMicro()
	low, high := 0, int(h.last)
	for low < high {
		if mid := (low + high) / 2; h.recorded.at(mid) <= after {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return events.Seq(low)
}

// Root returns the root of the log's tree over the events of the history, with the errors of [Lines].
func (h *History) Root() (proof.Hash, error) {
	tree, err := h.Tree()
	return tree.Root(), err
}

// Tree returns that tree.
func (h *History) Tree() (proof.Tree, error) {
	var near []proof.Hash // all that are asked for are among the same 256
	if h.beside != nil && int64(h.last) < h.trunk.Size() {
		near = h.trunk.Kept(h.beside, int64(h.last))
	}
	return h.trunk.At(int64(h.last), func(i int64) (proof.Hash, error) {
		if near != nil {
			return near[i%int64(len(near))], nil
		}
		line, err := h.Line(events.Seq(i + 1))
		return proof.Leaf(line), err
	})
}

// Line returns the stored line of an event. It is [events.Tampered] where that is no longer the line that was applied.
func (h *History) Line(n events.Seq) ([]byte, error) {
	if h.lines == nil {
		return h.kept.line(n)
	}
	line, err := h.lines(context.Background(), n)
	if err != nil {
		return nil, err
	}
	if leaf := proof.Leaf(line); h.leaves.at(int(n-1)) != binary.BigEndian.Uint64(leaf[:]) {
		return nil, &events.Error{Code: events.Tampered, Why: "changed", Args: events.Args{"fund": string(h.fund), "seq": n.String()}}
	}
	return line, nil
}

// Stored reads an event of the history again.
func (h *History) Stored(n events.Seq) (events.Event, error) {
	line, err := h.Line(n)
	if err != nil {
		return events.Event{}, err
	}
	return events.ParseEvent(line)
}

// Leaf returns an event's leaf in the log's tree, of its stored line.
func (h *History) Leaf(n events.Seq) (proof.Hash, error) {
	line, err := h.Line(n)
	return proof.Leaf(line), err
}

// About lists the standing events that name an event in `of`, in order; a reversal of it is one.
func (h *History) About(n events.Seq) (out []events.Seq) {
	for _, p := range h.names[ofField] {
		if at := events.Seq(p.N); events.Seq(p.Of) == n && at <= h.last && !h.reversed(at) {
			out = append(out, at)
		}
	}
	return out
}

// book is what was told of the years up to the last event.
func (h *History) book() book {
	n, _ := slices.BinarySearchFunc(h.tolds, h.last+1, func(t told, at events.Seq) int { return cmp.Compare(t.Seq, at) })
	h.asking.Lock()
	defer h.asking.Unlock()
	if b := h.asked[n]; b != nil {
		return b
	}
	b := book{}
	for i := range h.tolds[:n] {
		b.tell(&h.tolds[i])
	}
	if len(h.asked) >= 16 || h.asked == nil {
		h.asked = map[int]book{}
	}
	h.asked[n] = b
	return b
}

// Years lists the open years in order.
func (h *History) Years() []events.Year {
	var out []events.Year
	for y, of := range h.book() {
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
	if got := h.book()[y]; got != nil && got.Opened != 0 {
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

// Apply folds the next event in. The error is final and the history must not be used after it: [events.Tampered] with Why gap where e is not
// the next event, with Why replay where it does not fit those before it, [events.UnknownKind] where this release does not know what it does.
func (h *History) Apply(e *events.Event) error {
	line := events.AppendLine(nil, e)
	if h.lines == nil {
		h.kept = append(h.kept, line)
	}
	if h.tree.Size() != int64(h.last) {
		var err error
		if h.tree, err = h.Tree(); err != nil {
			return err
		}
	}
	return h.ApplyStored(e, h.tree.Grow(proof.Leaf(line)))
}

// ApplyStored is [History.Apply] for whoever knows what the stored line is in the log's tree.
func (h *History) ApplyStored(e *events.Event, twig proof.Twig) error {
	c, r := e.Command, &e.Resolved
	if e.Seq != h.last+1 || h.last != h.applied {
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
	case h.last > 0 && (c.Fund != h.fund || micros < h.recorded.at(int(h.last-1))):
		return bad()
	case h.last == 0 && c.Kind != events.FundOpened, len(e.Postings) > 0 && e.Decimals != h.decimals && h.last > 0, r.Of >= e.Seq, e.Seq > maxEvents:
		return bad()
	case r.Of == 0 && (c.Kind == events.Reversed || c.Kind == events.Amended):
		return bad()
	}
	if h.last == 0 {
		zone, err := time.LoadLocation(r.Zone)
		if err != nil || r.Currency == "" {
			return bad()
		}
		h.fund, h.currency, h.decimals, h.zone = c.Fund, r.Currency, r.Decimals, zone
	}
	h.enter(e, kind, micros, twig)
	var of events.Kind
	if !h.name(e) {
		return bad()
	}
	if r.Of != 0 {
		of = h.kind(r.Of)
	}
	if c.Kind != events.Disbursed {
		if t, ok := tells(e, of); ok {
			if !h.live.tell(&t) {
				return bad()
			}
			h.tolds = append(h.tolds, t)
		}
	}
	switch c.Kind {
	case events.Reversed:
		h.reversals[r.Of] = e.Seq
		h.closeFlags(r.Of, e.Seq)
	case events.Amended:
		h.amend(e)
	case events.Explained:
		x := Explanation{Seq: e.Seq, Of: r.Of, Flag: c.Flag, Year: c.Year, Line: c.Line, Measure: c.Measure}
		h.explains = append(h.explains, x)
		h.closeFlag(Flagged{x.Of, x.Flag}, e.Seq)
		if p := h.posted[x.Year]; p != nil {
			p.shortages.explain(p.year, &x)
		}
	case events.FigureStated:
		h.state(e)
	case events.BankLine:
		if h.banked == 0 {
			h.banked = e.Seq
		}
	case events.BankMatched:
		for _, n := range slices.Concat(r.BankLines, r.Matched) {
			h.matched = append(h.matched, pair{uint32(n), uint32(e.Seq)})
		}
	}
	h.applied, h.last = e.Seq, e.Seq
	if len(h.memo.answers) > 0 {
		h.memo = &memo{}
	}
	pay := h.Payment(e.Seq)
	for i := range e.Postings {
		if !h.post(e.Seq, pay, &e.Postings[i]) {
			return bad()
		}
	}
	if len(e.Flags) > 0 {
		h.flag(e)
	}
	for i := range e.Postings { // once all are in: a virement is no shortage halfway
		if y := e.Postings[i].Year; i == 0 || y != e.Postings[i-1].Year {
			p := h.charge(y)
			p.shortages.settle(p.year, e.Seq, slices.Contains(e.Flags, events.OverBudget))
		}
	}
	return nil
}

// maxEvents is as many as the columns can number.
const maxEvents = 1<<32 - 2

// enter keeps what is kept of every event.
func (h *History) enter(e *events.Event, kind int, micros int64, twig proof.Twig) {
	c := e.Command
	h.recorded.add(micros)
	method := 0
	if c.Kind == events.Disbursed {
		method = 1 + slices.Index(events.Methods, c.Method)
	}
	h.kinds.add(uint8(kind | method<<kindBits))
	charged := uint16(c.Year)
	if c.Mode == events.Record {
		charged |= recordBit
	}
	h.charged.add(charged)
	h.count(h.charged.n-1, charged)
	h.named.add(uint32(h.payeeNumber(&c.Payee)))
	h.leaves.add(binary.BigEndian.Uint64(twig.Leaf[:]))
	if full := h.trunk.Append(twig); full != nil && h.beside != nil && h.trunk.Keep(h.beside, full) != nil {
		h.beside = nil // the log has them too
	}
}

// count counts an event, which has that place, in its year.
func (h *History) count(at int, charged uint16) {
	if at%chunk == 0 {
		var next []tallied
		if n := len(h.tallies); n > 0 {
			next = slices.Clone(h.tallies[n-1])
		}
		h.tallies = append(h.tallies, next)
	}
	last := &h.tallies[len(h.tallies)-1]
	for i := range *last {
		if (*last)[i].charged == charged {
			(*last)[i].n++
			return
		}
	}
	*last = append(*last, tallied{charged, 1})
}

// tallied is how many events have that in charged.
type tallied struct {
	charged uint16
	n       int
}

// tally counts all events anew.
func (h *History) tally() {
	at := 0
	for _, chunk := range h.charged.chunks {
		for _, charged := range chunk {
			h.count(at, charged)
			at++
		}
	}
}

const (
	kindBits  = 5
	recordBit = 1 << 15
)

func (h *History) kind(n events.Seq) events.Kind {
	return events.Kinds[h.kinds.at(int(n-1))&(1<<kindBits-1)]
}

// Matches returns, of each bank line and of each event that a bank line confirms, the standing event that matched them.
func (h *History) Matches() map[events.Seq]events.Seq {
	out := map[events.Seq]events.Seq{}
	for _, p := range h.matched {
		match := events.Seq(p.Of)
		if match > h.last {
			break
		}
		if by := h.reversals[match]; by == 0 || by > h.last {
			out[events.Seq(p.N)] = match
		}
	}
	return out
}

// Banked reports whether anything is known of the bank's side.
func (h *History) Banked() bool { return h.banked != 0 && h.banked <= h.last }

func (h *History) inRecord(n events.Seq) bool { return h.charged.at(int(n-1))&recordBit != 0 }

// method is how a payment was paid.
func (h *History) method(n events.Seq) events.Method {
	if m := h.kinds.at(int(n-1)) >> kindBits; m > 0 {
		return events.Methods[m-1]
	}
	return ""
}

// events counts those that a year was charged with, and how many of them in record mode.
func (h *History) charges(y events.Year) (record, all int) {
	n := int(h.last)
	if at := n / chunk; at > 0 {
		for _, t := range h.tallies[at-1] {
			switch t.charged {
			case uint16(y):
				all += t.n
			case uint16(y) | recordBit:
				record += t.n
			}
		}
		all += record
	}
	for i := n - n%chunk; i < n; i++ {
		switch h.charged.at(i) {
		case uint16(y):
			all++
		case uint16(y) | recordBit:
			all++
			record++
		}
	}
	return record, all
}

// amend keeps the words of an amendment.
func (h *History) amend(e *events.Event) {
	of, set := e.Resolved.Of, &e.Command.Set
	a := amendment{Seq: e.Seq, Set: *set, Payee: h.namedAt(of, e.Seq-1)}
	if a.Payee != 0 || h.kind(of) == events.Disbursed {
		payee := h.payees[a.Payee]
		if set.PayeeName != nil {
			payee.Name = *set.PayeeName
		}
		if set.PayeeID != nil {
			payee.ID = *set.PayeeID
		}
		a.Payee = uint32(h.payeeNumber(&payee))
	}
	h.amended[of] = append(h.amended[of], a)
}

// post keeps a posting. It reports false where the posting names a line that there is not.
func (h *History) post(seq, pay events.Seq, p *events.Posting) bool {
	to := h.charge(p.Year)
	line, ok := to.year.places[p.Line]
	measure := slices.Index(events.Measures, p.Measure)
	if !ok || measure < 0 {
		return false
	}
	k := key{
		line: line, lot: h.text(p.Lot), dims: h.dimsNumber(p.Dims), ofLine: h.text(string(p.OfLine)), ofYear: int16(p.OfYear), measure: int8(measure),
		channel: int8(slices.Index(events.Channels, p.Channel)), basis: int8(slices.Index(events.Bases, p.Basis)),
	}
	if pay != 0 {
		k.method, k.record = h.text(string(h.method(pay))), h.inRecord(pay)
	}
	date := int32(0)
	exact := p.Date.First() >= p.Counts
	if !exact {
		date = h.dates.of(p.Date)
	}
	to.add(k, seq, p.Counts, p.Amount, date, exact)
	to.shortages.post(to.year, line, p.Lot == "", measure, p.Amount)
	return true
}

// charge is what is posted to a year.
func (h *History) charge(y events.Year) *posted {
	if h.near != nil && h.near.year.Year == y {
		return h.near
	}
	p := h.posted[y]
	if p == nil {
		p = &posted{year: h.live.year(y), places: map[key]uint32{}, dates: map[vagueKey]int{}}
		h.posted[y] = p
	}
	h.near = p
	return p
}

// text is the number of a text, 0 for none.
func (h *History) text(s string) int32 {
	if s == "" {
		return 0
	}
	return h.texts.of(s)
}

// payeeNumber is the number of a payee, 0 where there is none.
func (h *History) payeeNumber(p *events.Payee) int32 {
	if *p == (events.Payee{}) {
		return 0
	}
	called := cmp.Or(p.ID, p.Name, p.Ref)
	for _, n := range h.called[called] {
		if h.payees[n] == *p {
			return n
		}
	}
	n := int32(len(h.payees))
	h.payees = append(h.payees, *p)
	h.called[called] = append(h.called[called], n)
	return n
}

func (h *History) dimsNumber(d events.Dims) int32 {
	if h.nearDims != nil && d.Equal(h.nearDims) {
		return h.nearDim
	}
	n := h.dims.of(d.Key())
	if int(n) == len(h.dimsOf) {
		h.dimsOf = append(h.dimsOf, slices.Clone(d))
	}
	if h.nearDims, h.nearDim = h.dimsOf[n], n; h.nearDims == nil {
		h.nearDims = events.Dims{}
	}
	return n
}

// A Posting is one posting with the number of its event. Its Date is left out: of a payment it stands in the event, which [History.Stored] reads.
type Posting struct {
	Seq events.Seq
	events.Posting
}

// Postings walks the postings of a year in the order of the log.
func (h *History) Postings(y *Year, visit func(*Posting)) {
	h.walk(y, func(r *row) {
		p := h.posting(y, r)
		visit(&p)
	})
}

// walk visits the postings of a year in the order of the log.
func (h *History) walk(y *Year, visit func(*row)) {
	if p := h.posted[y.Year]; p != nil {
		p.walk(h.last, visit)
	}
}

// cells are those of a year in which anything was posted.
func (h *History) cells(y *Year) []*cell {
	p := h.posted[y.Year]
	if p == nil {
		return nil
	}
	n, _ := slices.BinarySearchFunc(p.cells, h.last, func(c *cell, last events.Seq) int {
		if c.begun(last) {
			return -1
		}
		return 1
	})
	return p.cells[:n]
}

func (h *History) posting(y *Year, r *row) Posting {
	out := Posting{r.seq, events.Posting{
		Year: y.Year, Line: y.lines[r.line].Code, Measure: events.Measures[r.measure], Amount: r.amount, Counts: r.counts,
		Lot: h.texts.values[r.lot], Dims: h.dimsOf[r.dims], OfYear: events.Year(r.ofYear), OfLine: events.Line(h.texts.values[r.ofLine]),
	}}
	if r.channel >= 0 {
		out.Channel = events.Channels[r.channel]
	}
	if r.basis >= 0 {
		out.Basis = events.Bases[r.basis]
	}
	return out
}

// An Event is what is kept of one event.
type Event struct {
	Seq      events.Seq
	Kind     events.Kind
	Year     events.Year
	Of       events.Seq
	Flags    []events.Code
	Recorded time.Time
	Record   bool // in record mode
	Reversed bool
}

// Event returns what is kept of event n, which must be there.
func (h *History) Event(n events.Seq) Event {
	e := Event{
		Seq: n, Kind: h.kind(n), Year: events.Year(h.charged.at(int(n-1)) &^ recordBit), Of: h.of(n), Recorded: h.Recorded(n), Record: h.inRecord(n),
		Reversed: h.reversed(n),
	}
	if f := h.flagsOf(n); f != nil {
		e.Flags = f.Codes
	}
	return e
}

// of is the event that an event is about, 0 where there is none.
func (h *History) of(n events.Seq) events.Seq {
	if of := h.namesOf(n, ofField); len(of) > 0 {
		return events.Seq(of[0].Of)
	}
	return 0
}

// reversed reports whether an event has been reversed.
func (h *History) reversed(n events.Seq) bool {
	by, ok := h.reversals[n]
	return ok && by <= h.last
}

// Payment returns the payment that an event is, or is about; 0 where it is about none.
func (h *History) Payment(n events.Seq) events.Seq {
	switch h.kind(n) {
	case events.Disbursed:
		return n
	case events.ReceiptConfirmed, events.Reclassified, events.ClawedBack:
		return h.of(n)
	case events.Reversed:
		return h.Payment(h.of(n))
	}
	return 0
}

// Explanations lists the explained events in order.
func (h *History) Explanations() []Explanation {
	n, _ := slices.BinarySearchFunc(h.explains, h.last+1, func(x Explanation, at events.Seq) int { return cmp.Compare(x.Seq, at) })
	return h.explains[:n]
}

// standing reports whether an event neither is reversed nor reverses another.
func (h *History) standing(n events.Seq) bool {
	return h.kind(n) != events.Reversed && !h.reversed(n)
}

// unknown says that a choice is none of those that there are.
func unknown[T ~string](field string, value T, choices []T) error {
	all := make([]string, len(choices))
	for i, c := range choices {
		all[i] = string(c)
	}
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": field, "value": string(value), "choices": strings.Join(all, " ")}}
}
