package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"fundledger/events"

	"github.com/minio/highwayhash"
)

// A state is what a fund's events have made of it, as far as deciding the next command needs. It is a fold: [state.fold] is the only way
// to change it. While recording, every change is noted so that it can be undone, for commands that stand or fall together.
//
// Of an event itself hardly anything is kept, for there are very many: what its line says stays in the log, and a command that names it is decided
// once the line has been fetched again ([state.missing]). What later events made of it is its fate.
type state struct {
	fund     events.Fund
	currency string
	decimals int
	zone     *time.Location

	last     events.Seq
	lastTime time.Time

	years    map[events.Year]*year
	kinds    []byte // of each event, its place in events.Kinds; kinds[0] is of event 1
	ids      table  // under keyOf the id
	vouchers table  // under voucherKey
	bare     table  // standing payments without a voucher, counted under bareKey
	secret   secret // of the keys
	uses     map[events.Seq]events.Seq
	matches  map[events.Seq]events.Seq // of a bank line, and of an event that a bank line confirms: what matched it
	fates    map[events.Seq]*fate      // of those events alone that have one

	atHand
	asked *asked
	made  decision // room for the last decision

	recording bool
	undo      []func()
}

// A key stands for texts that must be told apart for ever: 96 bits of a hash under a secret of the ledger's own, so that nobody can look for two texts
// with one key, and chance does not find any: among a thousand million it does so once in 10^11 ledgers.
type key [12]byte

type secret [highwayhash.Size]byte

// ours is the secret of the states that begin in this process; one that comes from a snapshot has that of where it began.
var ours = func() (s secret) {
	_, _ = rand.Read(s[:]) // it never fails
	return s
}()

// A number is an event's, or a count of events, in the large tables. There is no room for a fund of four thousand million events in any machine.
type number uint32

// keyOf returns the key of texts; their borders count.
func (s *state) keyOf(texts ...string) (k key) {
	b := make([]byte, 0, 256)
	for _, t := range texts {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	sum := highwayhash.Sum128(b, s.secret[:])
	copy(k[:], sum[:])
	return k
}

// An asked keeps the keys of a command: they are needed when it is looked at, decided and applied.
type asked struct {
	id         events.ID
	idKey      key
	kind       events.Kind
	voucher    events.Voucher
	voucherKey key
}

func (s *state) idKey(id events.ID) key {
	if a := s.asked; a.id != id {
		a.id, a.idKey = id, s.keyOf(string(id))
	}
	return s.asked.idKey
}

// voucherKey is the key of a voucher line and its use: it is used once by a payment and once by the confirmation of a receipt.
func (s *state) voucherKey(kind events.Kind, v events.Voucher) key {
	if a := s.asked; a.kind != kind || a.voucher != v {
		a.kind, a.voucher = kind, v
		a.voucherKey = s.keyOf(string(kind), v.Issuer, v.Year.String(), v.Type, v.Number, v.Line)
	}
	return s.asked.voucherKey
}

// keysOf makes the keys of commands.
func (s *state) keysOf(inputs []Input) []asked {
	room := make([]asked, len(inputs))
	for i := range inputs {
		s.asked = &room[i]
		if c := inputs[i].Command; inputs[i].Err == nil {
			s.idKey(inputs[i].ID)
			if c.Voucher != (events.Voucher{}) {
				s.voucherKey(c.Kind, c.Voucher)
			}
		}
	}
	return room
}

// touch looks keys up, to no end but that the memory where they would stand has come nearer when their commands are decided.
func (s *state) touch(keys []asked) {
	for i := range keys {
		s.ids.touch(&keys[i].idKey)
		s.vouchers.touch(&keys[i].voucherKey)
	}
}

// withID returns the event that has an id, 0 where none has.
func (s *state) withID(id events.ID) events.Seq { return events.Seq(s.ids.get(s.idKey(id))) }

// withVoucher returns the event of a kind that stands and has a voucher line, 0 where none does.
func (s *state) withVoucher(kind events.Kind, v events.Voucher) events.Seq {
	return events.Seq(s.vouchers.get(s.voucherKey(kind, v)))
}

// A barePayment is what two payments without vouchers must share to be possible duplicates. Payees are the same by reference for persons, by id
// where both have one, else by name; so that counting finds that out, a payment stands under everything by which another may know its payee.
type barePayment struct {
	year   events.Year
	line   events.Line
	amount events.Minor
	date   string
	by     payeeBy
	who    string
}

// A payeeBy says what is known of a payee in [barePayment].
type payeeBy byte

const (
	byNothing  payeeBy = iota // no payee is given, or one without reference, id and name
	byRef                     // a person's reference
	byID                      // an id
	byName                    // a name
	byNameOnly                // the name of one that has no id
)

func (s *state) bareKey(b barePayment) key {
	return s.keyOf(b.year.String(), string(b.line), strconv.FormatInt(int64(b.amount), 10), b.date, string(rune(b.by)), b.who)
}

// as returns the payment under one thing that is known of its payee.
func (b barePayment) as(by payeeBy, who string) barePayment {
	b.by, b.who = by, who
	return b
}

// places lists all under which a payment to p stands.
func (b barePayment) places(p events.Payee) []barePayment {
	switch {
	case p.Ref != "":
		return []barePayment{b.as(byRef, p.Ref)}
	case p.ID != "" && p.Name != "":
		return []barePayment{b.as(byID, p.ID), b.as(byName, p.Name)}
	case p.ID != "":
		return []barePayment{b.as(byID, p.ID)}
	case p.Name != "":
		return []barePayment{b.as(byName, p.Name), b.as(byNameOnly, p.Name)}
	}
	return []barePayment{b.as(byNothing, p.Account)}
}

// equals lists all under which a payment stands whose payee is the same as p.
func (b barePayment) equals(p events.Payee) []barePayment {
	switch {
	case p.Ref != "":
		return []barePayment{b.as(byRef, p.Ref)}
	case p.ID != "" && p.Name != "":
		return []barePayment{b.as(byID, p.ID), b.as(byNameOnly, p.Name)}
	case p.ID != "":
		return []barePayment{b.as(byID, p.ID)}
	case p.Name != "":
		return []barePayment{b.as(byName, p.Name)}
	}
	return []barePayment{b.as(byNothing, p.Account)}
}

type year struct {
	year      events.Year
	opened    events.Seq // 0: not open; money can already have been carried into it
	from, to  events.Day
	budgeted  bool
	closed    bool
	root      *line
	lines     map[events.Line]*line
	lots      map[string]*lot
	originals map[lineDims]events.Seq
	months    []closing // standing ones, in the order in which they came
}

// A closing is a month-closed event, and the last day of its month.
type closing struct {
	Seq events.Seq
	Day events.Day
}

// noDay is before every day.
const noDay = events.Day(math.MinInt32)

// through is the last day of the months that are closed: to close one closes those before it. It is [noDay] where none is.
func (y *year) through() events.Day {
	through := noDay
	for _, m := range y.months {
		through = max(through, m.Day)
	}
	return through
}

type lineDims struct {
	line events.Line
	dims string
}

// A line keeps its sums four ways: its own postings and those of everything below it included, each with and without lots.
type line struct {
	code     events.Line
	parent   *line
	children int
	sums
}

type sums struct{ own, free, below, belowFree events.Totals }

func (l *line) isLeaf() bool { return l.children == 0 }

// A lot is money carried into a year under a name, for commands that name it.
type lot struct {
	name     string
	line     *line
	totals   events.Totals
	from     events.Year // the year that it was first carried out of
	expires  events.Day
	carriers int // standing events that brought it
	source   lotSource
}

// A lotSource says where a lot was carried on from; the zero lotSource is a lot that began where it was carried out.
type lotSource struct {
	year events.Year
	name string
}

// A fate is what later events have made of one: of its quantities, its words, and whether it stands.
type fate struct {
	reversal   events.Seq        // the event that reversed it; 0 while it stands
	dependents []events.Seq      // the standing events that hang on it, in their order
	left       events.Minor      // of a commitment, an allotment, a sum in suspense: what came and went since
	used       events.Minor      // of a payment: of its commitment, given back since
	withheld   events.Minor      // of a payment: offsets that name it in against
	pieces     []piece           // of a payment: what moved since
	words      *events.Amendment // the words as amended; nil where none were
}

// An entry is one event as it stands: what its line says, and its fate.
type entry struct {
	seq        events.Seq
	id         events.ID
	kind       events.Kind
	cause      events.Cause
	year       events.Year
	line       events.Line
	amount     events.Minor
	lot        string
	payee      events.Payee // as amended
	paid       events.Payee // as first stored
	voucher    events.Voucher
	flags      []events.Code
	postings   []events.Posting
	reversal   events.Seq       // the event that reversed this one; 0 while it stands
	named      []events.Seq     // the events that this one hangs on
	dependents []events.Seq     // the standing events that hang on this one
	match      events.Seq       // the standing event that matched it with the bank; 0 where none did
	words      events.Amendment // all of them, as they are now
	links      links
	against    events.Seq
	dims       events.Dims
	stated     string      // its date as the command has it
	date       events.Date // of its first posting, and the day from which that counts
	counts     events.Day
	toYear     events.Year // [events.CarriedOver]
	channel    events.Channel
	cash       events.Direction // through a bank
	matched    []events.Seq     // what it matched

	pay  *payment     // [events.Disbursed]
	left events.Minor // of a commitment, an allotment, a sum in suspense

	recorded time.Time
}

// links are the events whose quantities the postings of an event change: a payment, a commitment, an allotment, a sum in suspense. An event
// that is such a thing links to itself; a reversal has the links of its target.
type links struct{ pay, commitment, allotment, suspense events.Seq }

// A payment is what became of the money of one disbursed event. It may have been moved to several lines and classifications.
type payment struct {
	pieces   []*piece
	used     events.Minor // of its commitment
	withheld events.Minor // offsets that name it in against
}

type piece struct {
	line                                      events.Line
	dims                                      events.Dims
	disbursed, returned, recovered, confirmed events.Minor
}

func (p *piece) left() events.Minor { return p.disbursed - p.returned - p.recovered }

func newState(fund events.Fund) *state {
	return &state{
		asked:   &asked{},
		fund:    fund,
		years:   map[events.Year]*year{},
		secret:  ours,
		uses:    map[events.Seq]events.Seq{},
		matches: map[events.Seq]events.Seq{},
		fates:   map[events.Seq]*fate{},
	}
}

// set, put, drop and setIn are how fold changes the state.
func set[T any](s *state, p *T, v T) {
	if s.recording {
		old := *p
		s.undo = append(s.undo, func() { *p = old })
	}
	*p = v
}

func put[K comparable, V any](s *state, m map[K]V, k K, v V) {
	if s.recording {
		old, had := m[k]
		s.undo = append(s.undo, func() {
			if had {
				m[k] = old
			} else {
				delete(m, k)
			}
		})
	}
	m[k] = v
}

func drop[K comparable, V any](s *state, m map[K]V, k K) {
	if old, had := m[k]; had && s.recording {
		s.undo = append(s.undo, func() { m[k] = old })
	}
	delete(m, k)
}

func (s *state) setIn(t *table, k key, n number) {
	if s.recording {
		old := t.get(k)
		s.undo = append(s.undo, func() { t.set(k, old) })
	}
	t.set(k, n)
}

// rollback undoes everything applied since recording began, and ends recording.
func (s *state) rollback() {
	for _, u := range slices.Backward(s.undo) {
		u()
	}
	s.recording, s.undo = false, nil
	// Others will have the numbers of what is undone.
	maps.DeleteFunc(s.fetched, func(n events.Seq, _ *events.Event) bool { return n > s.last })
}

// commit ends recording and keeps what was applied.
func (s *state) commit() { s.recording, s.undo = false, nil }

// kind is the kind of an event, "" where there is no such event.
func (s *state) kind(n events.Seq) events.Kind {
	if n == 0 || n > s.last {
		return ""
	}
	return events.Kinds[s.kinds[n-1]]
}

// number resolves a reference, 0 when it names no event.
func (s *state) number(r events.Ref) events.Seq {
	switch {
	case r.Seq > s.last:
		return 0
	case r.Seq != 0:
		return r.Seq
	case r.ID != "":
		return s.withID(r.ID)
	}
	return 0
}

// entry returns an event as it stands, nil where there is no such event. It must be at hand.
func (s *state) entry(n events.Seq) *entry {
	if n == 0 || n > s.last {
		return nil
	}
	e := s.get(n)
	if e == nil {
		panic("ledger: event " + n.String() + " was not fetched") // a defect: missing does not know of a need
	}
	return s.stand(e)
}

// find resolves a reference, nil when it names no event.
func (s *state) find(r events.Ref) *entry { return s.entry(s.number(r)) }

// stand makes an entry of a stored event.
func (s *state) stand(e *events.Event) *entry {
	c := e.Command
	en := &entry{
		seq: e.Seq, id: e.ID, kind: c.Kind, cause: c.Cause, year: c.Year, line: c.Line, lot: c.Lot, payee: c.Payee, paid: c.Payee, voucher: c.Voucher, flags: e.Flags,
		postings: e.Postings, dims: c.Dims, date: c.Date, toYear: c.ToYear, channel: c.Channel, recorded: e.Time, stated: c.Date.String(), against: e.Resolved.Against,
		amount: s.amountOf(e), named: named(e), words: wordsOf(c), cash: c.Cash(), match: s.matches[e.Seq],
		matched: slices.Concat(e.Resolved.BankLines, e.Resolved.Matched),
	}
	if c.Cause == events.Returned && len(e.Postings) > 0 { // which has no amount of its own
		en.amount = e.Postings[0].Amount
	}
	if en.line == "" {
		en.line = e.Resolved.Line
	}
	if len(e.Postings) > 0 {
		en.date, en.counts = e.Postings[0].Date, e.Postings[0].Counts
	}
	if c.Kind != events.Reversed { // which nothing can be done to
		en.links = s.linksOf(e)
	}
	if c.Kind == events.Disbursed {
		en.pay = &payment{}
	}
	// First what it did itself, then what came later.
	own := fate{}
	for i := range e.Postings {
		p := &e.Postings[i]
		if held, pay := en.links.touched(p.Measure); held == e.Seq {
			own.left += p.Amount
		} else if pay == e.Seq {
			own = own.paid(p)
		}
	}
	en.later(&own)
	if f := s.fates[e.Seq]; f != nil {
		en.later(f)
	}
	return en
}

// later adds a fate to an entry.
func (en *entry) later(f *fate) {
	if f.reversal != 0 {
		en.reversal = f.reversal
	}
	en.dependents = append(en.dependents, f.dependents...)
	en.left += f.left
	if f.words != nil {
		en.words = amended(en.words, f.words)
		if en.words.PayeeName != nil {
			en.payee.Name = *en.words.PayeeName
		}
		if en.words.PayeeID != nil {
			en.payee.ID = *en.words.PayeeID
		}
	}
	if en.pay == nil {
		return
	}
	en.pay.used += f.used
	en.pay.withheld += f.withheld
	for _, pc := range f.pieces {
		to := en.pay.piece(pc.line, pc.dims)
		if to == nil {
			to = &piece{line: pc.line, dims: pc.dims}
			en.pay.pieces = append(en.pay.pieces, to)
		}
		to.disbursed += pc.disbursed
		to.returned += pc.returned
		to.recovered += pc.recovered
		to.confirmed += pc.confirmed
	}
}

// amountOf is a command's amount in the fund's smallest unit. It was stored, so it can be counted.
func (s *state) amountOf(e *events.Event) events.Minor {
	if e.Command.Amount.IsZero() {
		return 0
	}
	amount, _ := e.Command.Amount.Minor(s.decimals)
	return amount
}

// fateOf returns the fate of an event that something is about to happen to.
func (s *state) fateOf(n events.Seq) *fate {
	f := s.fates[n]
	if f == nil {
		f = &fate{}
		put(s, s.fates, n, f)
	}
	return f
}

// yearFor returns a year, made where nothing was known of it yet.
func (s *state) yearFor(y events.Year) *year {
	if got := s.years[y]; got != nil {
		return got
	}
	root := &line{code: events.Root}
	made := &year{
		year: y, budgeted: true, root: root, lines: map[events.Line]*line{events.Root: root}, lots: map[string]*lot{},
		originals: map[lineDims]events.Seq{},
	}
	put(s, s.years, y, made)
	return made
}

// lot returns the standing lot of that name, or nil.
func (y *year) lot(name string) *lot {
	if l := y.lots[name]; l != nil && l.carriers > 0 {
		return l
	}
	return nil
}

// piece returns the part of a payment that stands on a line with those dims, or nil.
func (p *payment) piece(l events.Line, dims events.Dims) *piece {
	for _, pc := range p.pieces {
		if pc.line == l && pc.dims.Equal(dims) {
			return pc
		}
	}
	return nil
}

// lines lists the lines on which something of the payment is left (or in transit), in the order in which it got there.
func (p *payment) lines(left func(*piece) events.Minor) []events.Line {
	var out []events.Line
	for _, pc := range p.pieces {
		if left(pc) > 0 && !slices.Contains(out, pc.line) {
			out = append(out, pc.line)
		}
	}
	return out
}

// inTransit is what has not been confirmed yet.
func (p *piece) inTransit() events.Minor { return p.disbursed - p.returned - p.confirmed }

// take divides an amount among those pieces that it can be taken from, in the order in which they came about. What is in transit goes first: so
// no more of the money stops being confirmed than has to, however the line is divided by dims.
func (p *payment) take(amount events.Minor, from func(*piece) bool) iter.Seq2[*piece, events.Minor] {
	taken := make([]events.Minor, len(p.pieces))
	for _, limit := range []func(*piece) events.Minor{(*piece).inTransit, (*piece).left} {
		for i, pc := range p.pieces {
			if from(pc) {
				more := max(0, min(amount, limit(pc)-taken[i], pc.left()-taken[i]))
				taken[i] += more
				amount -= more
			}
		}
	}
	return func(yield func(*piece, events.Minor) bool) {
		for i, pc := range p.pieces {
			if taken[i] > 0 && !yield(pc, taken[i]) {
				return
			}
		}
	}
}

func onLine(l events.Line) func(*piece) bool { return func(pc *piece) bool { return pc.line == l } }

// on sums what stands on one line.
func (p *payment) on(l events.Line) (total piece) {
	total.line = l
	for _, pc := range p.pieces {
		if pc.line == l {
			total.disbursed += pc.disbursed
			total.returned += pc.returned
			total.recovered += pc.recovered
			total.confirmed += pc.confirmed
		}
	}
	return total
}

// fold folds one event in. The event must be the next one; it was decided by this state or comes from the fund's log. An error means that it does
// not fit what came before: the log is not one that the ledger wrote.
//
// Nothing that belongs to e is kept: its fields may be overwritten afterwards. Of it fold needs what [events.Event.Skim] reads. What a reversal reverses
// must be at hand.
func (s *state) fold(e *events.Event) error {
	c := e.Command
	if e.Seq != s.last+1 || e.Seq > math.MaxUint32 || !e.Time.After(s.lastTime) || c.Fund != s.fund {
		return tampered(e, nil)
	}
	id := s.idKey(e.ID)
	if len(e.Postings) > 0 && e.Decimals != s.decimals || !s.fits(e, id) {
		return tampered(e, nil)
	}
	var amount events.Minor
	if !c.Amount.IsZero() {
		var err error
		if amount, err = c.Amount.Minor(s.decimals); err != nil {
			return tampered(e, err)
		}
	}
	var target *entry
	var to links
	if c.Kind == events.Reversed {
		target = s.entry(e.Resolved.Of)
		to = target.links
	} else {
		to = s.linksOf(e)
	}

	set(s, &s.kinds, append(s.kinds, kindNumbers[c.Kind]))
	set(s, &s.last, e.Seq)
	set(s, &s.lastTime, e.Time)
	s.setIn(&s.ids, id, number(e.Seq))

	switch c.Kind {
	case events.FundOpened:
		if err := s.open(e); err != nil {
			return tampered(e, err)
		}
	case events.LineAdded:
		if err := s.addLine(s.yearFor(c.Year), c.Lines[0]); err != nil {
			return tampered(e, err)
		}
	case events.Appropriated:
		if c.Stage == events.OriginalStage {
			put(s, s.yearFor(c.Year).originals, lineDims{c.Line, c.Dims.Key()}, e.Seq)
		}
	case events.Disbursed:
		if e.Resolved.Commitment != 0 {
			put(s, s.uses, e.Seq, e.Resolved.Commitment)
		}
		if c.Voucher == (events.Voucher{}) {
			like := barePayment{year: c.Year, line: c.Line, amount: amount, date: c.Date.String()}
			for _, b := range like.places(c.Payee) {
				k := s.bareKey(b)
				s.setIn(&s.bare, k, s.bare.get(k)+1)
			}
		}
	case events.CarriedOver:
		if !s.bring(e, c.ToYear, c.ToLine) {
			return tampered(e, nil)
		}
	case events.CarriedIn:
		if !s.bring(e, c.Year, c.Line) {
			return tampered(e, nil)
		}
	case events.BankMatched:
		for _, n := range slices.Concat(e.Resolved.BankLines, e.Resolved.Matched) {
			put(s, s.matches, n, e.Seq)
		}
	case events.MonthClosed:
		y := s.yearFor(c.Year)
		set(s, &y.months, append(slices.Clip(y.months), closing{e.Seq, c.Month.Last()}))
	case events.YearClosed:
		set(s, &s.yearFor(c.Year).closed, true)
	case events.YearReopened:
		set(s, &s.yearFor(c.Year).closed, false)
	case events.Amended:
		f := s.fateOf(e.Resolved.Of)
		words := c.Set
		if f.words != nil {
			words = amended(*f.words, &c.Set)
		}
		set(s, &f.words, &words)
	case events.Reversed:
		s.reverse(target, e.Seq)
	}
	if c.Voucher != (events.Voucher{}) {
		s.setIn(&s.vouchers, s.voucherKey(c.Kind, c.Voucher), number(e.Seq))
	}
	if e.Resolved.Against != 0 {
		f := s.fateOf(e.Resolved.Against)
		set(s, &f.withheld, f.withheld+amount)
	}
	for _, n := range named(e) {
		f := s.fateOf(n)
		set(s, &f.dependents, append(slices.Clip(f.dependents), e.Seq))
	}
	for i := range e.Postings {
		if err := s.post(e.Seq, to, &e.Postings[i]); err != nil {
			return tampered(e, err)
		}
	}
	return nil
}

var kindNumbers = func() map[events.Kind]byte {
	m := map[events.Kind]byte{}
	for i, k := range events.Kinds {
		m[k] = byte(i)
	}
	return m
}()

// opens is the measure of the first posting of the kinds whose quantity later events change.
var opens = map[events.Kind]events.Measure{
	events.Allotted: events.AllottedM, events.Committed: events.CommittedM, events.Disbursed: events.DisbursedM,
	events.CarriedOver: events.CarriedOutM, events.CarriedIn: events.CarriedInM,
}

// fits reports whether an event hangs on such events as it must and can be applied. It does not decide the event again: it keeps a log that was
// made to deceive from leading the fold astray.
func (s *state) fits(e *events.Event, id key) bool {
	c, r := e.Command, &e.Resolved
	y := s.years[c.Year]
	if opened := y != nil && y.opened != 0; opened == (c.Kind == events.FundOpened) || (r.Currency == "") == (c.Kind == events.FundOpened) {
		return false
	}
	if s.ids.get(id) != 0 {
		return false
	}
	names := func(n events.Seq, must bool, kinds ...events.Kind) bool {
		kind := s.kind(n)
		return n == 0 && !must || kind != "" && (len(kinds) == 0 || slices.Contains(kinds, kind))
	}
	ok := names(r.Commitment, !c.Commitment.IsZero(), events.Committed) && names(r.Against, !c.Against.IsZero(), events.Disbursed) &&
		names(r.Settles, !c.Settles.IsZero(), events.ClawedBack)
	switch c.Kind {
	case events.AllotmentWithdrawn:
		ok = ok && names(r.Of, true, events.Allotted)
	case events.CommitmentReleased:
		ok = ok && names(r.Of, true, events.Committed)
	case events.ReceiptConfirmed, events.Reclassified:
		ok = ok && names(r.Of, true, events.Disbursed)
	case events.ClawedBack:
		ok = ok && names(r.Of, !c.Of.IsZero(), events.Disbursed)
	case events.Reversed:
		ok = ok && names(r.Of, true, reversible...) && (s.fates[r.Of] == nil || s.fates[r.Of].reversal == 0)
	case events.BankMatched:
		ok = ok && len(r.BankLines) == len(c.BankLines) && len(r.Matched) == len(c.Matched)
		for _, n := range r.BankLines {
			ok = ok && names(n, true, events.BankLine) && s.matches[n] == 0
		}
		for _, n := range r.Matched {
			ok = ok && names(n, true, events.Disbursed, events.ClawedBack) && s.matches[n] == 0
		}
	default:
		ok = ok && names(r.Of, !c.Of.IsZero())
	}
	if m := opens[c.Kind]; m != "" {
		ok = ok && len(e.Postings) > 0 && e.Postings[0].Measure == m
	}
	return ok && (c.Cause != events.Unidentified || len(e.Postings) > 0)
}

func tampered(e *events.Event, cause error) *events.Error {
	return &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(e.Command.Kind)}, Err: cause}
}

// linksOf returns the links of any event but a reversal.
func (s *state) linksOf(e *events.Event) links {
	switch e.Command.Kind {
	case events.Allotted:
		return links{allotment: e.Seq}
	case events.AllotmentWithdrawn:
		return links{allotment: e.Resolved.Of}
	case events.Committed:
		return links{commitment: e.Seq}
	case events.CommitmentReleased:
		return links{commitment: e.Resolved.Of}
	case events.Disbursed:
		return links{pay: e.Seq, commitment: e.Resolved.Commitment}
	case events.ReceiptConfirmed, events.Reclassified:
		return links{pay: e.Resolved.Of}
	case events.ClawedBack:
		if e.Command.Cause == events.Unidentified {
			return links{suspense: e.Seq}
		}
		return links{pay: e.Resolved.Of, suspense: e.Resolved.Settles, commitment: s.uses[e.Resolved.Of]}
	}
	return links{}
}

// touched returns the events of whose quantities a posting of that measure changes something: the commitment, the allotment or the sum in
// suspense, and the payment.
func (l links) touched(m events.Measure) (held, pay events.Seq) {
	switch m {
	case events.AllottedM:
		return l.allotment, 0
	case events.SuspenseM:
		return l.suspense, 0
	case events.CommittedM:
		return l.commitment, l.pay
	case events.DisbursedM, events.ReturnedM, events.RecoveredM, events.ConfirmedM:
		return 0, l.pay
	}
	return 0, 0
}

// post adds one posting of event n to every sum that it belongs to.
func (s *state) post(n events.Seq, to links, p *events.Posting) error {
	y := s.yearFor(p.Year)
	l := y.lines[p.Line]
	if l == nil {
		return &events.Error{Code: events.UnknownLine, Args: events.Args{"line": string(p.Line)}}
	}
	for at := l; at != nil; at = at.parent {
		next := at.sums
		if err := next.add(p, at == l); err != nil {
			return err
		}
		set(s, &at.sums, next)
	}
	if p.Lot != "" {
		lt := y.lots[p.Lot]
		if lt == nil {
			return &events.Error{Code: events.UnknownLot, Args: events.Args{"lot": p.Lot}}
		}
		next := lt.totals
		if err := next.Add(p.Measure, p.Amount); err != nil {
			return err
		}
		set(s, &lt.totals, next)
	}
	held, pay := to.touched(p.Measure)
	if held != 0 && held != n {
		f := s.fateOf(held)
		set(s, &f.left, f.left+p.Amount)
	}
	if pay != 0 && pay != n {
		f := s.fateOf(pay)
		set(s, f, f.paid(p))
	}
	return nil
}

// add adds a posting to the sums of a line: of the line that it names, or of one above it.
func (s *sums) add(p *events.Posting, named bool) error {
	if err := s.below.Add(p.Measure, p.Amount); err != nil {
		return err
	}
	if p.Lot == "" {
		if err := s.belowFree.Add(p.Measure, p.Amount); err != nil {
			return err
		}
	}
	if !named {
		return nil
	}
	if p.Lot == "" {
		if err := s.free.Add(p.Measure, p.Amount); err != nil {
			return err
		}
	}
	return s.own.Add(p.Measure, p.Amount)
}

// paid returns the fate of a payment after a posting that touches it.
func (f fate) paid(p *events.Posting) fate {
	if p.Measure == events.CommittedM {
		f.used -= p.Amount
		return f
	}
	at := p.Line
	if p.Measure == events.RecoveredM {
		at = p.OfLine
	}
	i := slices.IndexFunc(f.pieces, func(pc piece) bool { return pc.line == at && pc.dims.Equal(p.Dims) })
	f.pieces = slices.Clone(f.pieces)
	if i < 0 {
		i = len(f.pieces)
		f.pieces = append(f.pieces, piece{line: at, dims: p.Dims})
	}
	f.pieces[i].add(p)
	return f
}

func (p *piece) add(by *events.Posting) {
	switch by.Measure {
	case events.DisbursedM:
		p.disbursed += by.Amount
	case events.ReturnedM:
		p.returned += by.Amount
	case events.RecoveredM:
		p.recovered += by.Amount
	case events.ConfirmedM:
		p.confirmed += by.Amount
	}
}

func (s *state) open(e *events.Event) error {
	c, r := e.Command, &e.Resolved
	if s.currency == "" {
		zone, err := time.LoadLocation(r.Zone)
		if err != nil {
			return err
		}
		set(s, &s.currency, r.Currency)
		set(s, &s.decimals, r.Decimals)
		set(s, &s.zone, zone)
	}
	y := s.yearFor(c.Year)
	set(s, &y.opened, e.Seq)
	set(s, &y.from, r.From)
	set(s, &y.to, r.To)
	set(s, &y.budgeted, !c.Unbudgeted)
	for _, l := range inTreeOrder(c.Lines) {
		if err := s.addLine(y, l); err != nil {
			return err
		}
	}
	return nil
}

// inTreeOrder sorts lines so that each comes after its parent. Lines whose parent is unknown, or that form a cycle, are left out.
func inTreeOrder(lines []events.LineSpec) []events.LineSpec {
	below := map[events.Line][]events.LineSpec{}
	for _, l := range lines {
		below[l.Parent] = append(below[l.Parent], l)
	}
	out := append(make([]events.LineSpec, 0, len(lines)), below[events.Root]...)
	for i := 0; i < len(out) && len(out) <= len(lines); i++ {
		out = append(out, below[out[i].Code]...)
	}
	return out
}

func (s *state) addLine(y *year, spec events.LineSpec) error {
	parent := y.lines[spec.Parent]
	if parent == nil || y.lines[spec.Code] != nil {
		return &events.Error{Code: events.BadTree, Args: events.Args{"line": string(spec.Code), "parent": string(spec.Parent)}}
	}
	put(s, y.lines, spec.Code, &line{code: spec.Code, parent: parent})
	set(s, &parent.children, parent.children+1)
	return nil
}

// bring makes or enlarges the lot that a carry-over puts into a year. It reports false where that year has no such line.
func (s *state) bring(e *events.Event, into events.Year, at events.Line) bool {
	c := e.Command
	y := s.yearFor(into)
	if l := y.lot(c.Lot); l != nil {
		set(s, &l.carriers, l.carriers+1)
		return true
	}
	if y.lines[at] == nil {
		return false
	}
	l := &lot{name: c.Lot, line: y.lines[at], from: c.Year, expires: c.Expires, carriers: 1}
	if e.Resolved.HasExpires {
		l.expires = e.Resolved.Expires
	}
	if c.Kind == events.CarriedIn {
		l.from = c.FromYear
	} else if on := s.yearFor(c.Year).lot(c.Lot); on != nil {
		l.from, l.source = on.from, lotSource{c.Year, c.Lot}
	}
	if old := y.lots[c.Lot]; old != nil { // all that brought it was reversed; what is left of its sums is zero
		l.totals = old.totals
	}
	put(s, y.lots, c.Lot, l)
	return true
}

// brought returns the lot that a carry-over brought.
func (s *state) brought(en *entry) *lot {
	into := en.year
	if en.kind == events.CarriedOver {
		into = en.toYear
	}
	return s.years[into].lots[en.lot]
}

func (s *state) reverse(target *entry, by events.Seq) {
	f := s.fateOf(target.seq)
	set(s, &f.reversal, by)
	switch target.kind {
	case events.Appropriated:
		y := s.yearFor(target.year)
		k := lineDims{target.line, target.dims.Key()}
		if y.originals[k] == target.seq {
			drop(s, y.originals, k)
		}
	case events.Disbursed:
		if target.voucher == (events.Voucher{}) {
			like := barePayment{year: target.year, line: target.line, amount: target.amount, date: target.stated}
			for _, b := range like.places(target.paid) {
				k := s.bareKey(b)
				s.setIn(&s.bare, k, s.bare.get(k)-1)
			}
		}
	case events.BankMatched:
		for _, n := range target.matched {
			drop(s, s.matches, n)
		}
	case events.MonthClosed:
		y := s.yearFor(target.year)
		set(s, &y.months, slices.DeleteFunc(slices.Clone(y.months), func(m closing) bool { return m.Seq == target.seq }))
	case events.CarriedOver, events.CarriedIn:
		l := s.brought(target)
		set(s, &l.carriers, l.carriers-1)
	}
	if target.voucher != (events.Voucher{}) {
		s.setIn(&s.vouchers, s.voucherKey(target.kind, target.voucher), 0)
	}
	if target.against != 0 {
		f := s.fateOf(target.against)
		set(s, &f.withheld, f.withheld-target.amount)
	}
	for _, n := range target.named {
		f := s.fateOf(n)
		set(s, &f.dependents, slices.DeleteFunc(slices.Clone(f.dependents), func(on events.Seq) bool { return on == target.seq }))
	}
}

// named lists the events that an event hangs on. Words and explanations hang on nothing, a reversal ends its target.
func named(e *events.Event) []events.Seq {
	switch e.Command.Kind {
	case events.Amended, events.Explained, events.Reversed, events.FigureStated:
		return nil
	}
	var out []events.Seq
	for _, n := range [...]events.Seq{e.Resolved.Of, e.Resolved.Commitment, e.Resolved.Against, e.Resolved.Settles} {
		if n != 0 && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// wordsOf returns the words of a command that can be amended.
func wordsOf(c *events.Command) events.Amendment {
	w := events.Amendment{Purpose: &c.Purpose, Note: &c.Note, Name: &c.Name, NameEn: &c.NameEn, Documents: c.Documents, HasDocuments: true}
	if c.Kind == events.LineAdded {
		w.Description = &c.Lines[0].Description
	}
	return w
}

// amended returns words after an amendment.
func amended(words events.Amendment, by *events.Amendment) events.Amendment {
	for _, change := range []struct{ word, by **string }{
		{&words.Purpose, &by.Purpose},
		{&words.Note, &by.Note},
		{&words.Name, &by.Name},
		{&words.NameEn, &by.NameEn},
		{&words.Description, &by.Description},
		{&words.PayeeName, &by.PayeeName},
		{&words.PayeeID, &by.PayeeID},
	} {
		if *change.by != nil {
			*change.word = *change.by
		}
	}
	if by.HasDocuments {
		words.HasDocuments, words.Documents = true, by.Documents
	}
	return words
}
