package ledger

import (
	"iter"
	"slices"
	"time"

	"fundledger/events"
)

// A state is what a fund's events have made of it, as far as deciding the next command needs. It is a fold: [state.apply] is the only way
// to change it. While recording, every change is noted so that it can be undone, for commands that stand or fall together.
type state struct {
	fund     events.Fund
	currency string
	decimals int
	zone     *time.Location

	last     events.Seq
	lastTime time.Time

	years    map[events.Year]*year
	entries  []*entry // by number; entries[0] is event 1
	ids      map[events.ID]known
	vouchers map[voucherUse]events.Seq
	bare     map[barePayment]int // standing payments without a voucher

	recording bool
	undo      []func()
}

// A known id and the fingerprint of the command that used it.
type known struct {
	seq     events.Seq
	content [32]byte
}

// A voucher line is used once by a payment and once by the confirmation of a receipt.
type voucherUse struct {
	kind    events.Kind
	voucher events.Voucher
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

// An entry is what is kept of one event.
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
	reversal   events.Seq // the event that reversed this one; 0 while it stands
	dependents int
	texts      *texts
	links      links
	against    events.Seq
	named      []events.Seq // the events that this one hangs on
	dims       events.Dims
	stated     string      // its date as the command has it
	date       events.Date // of its first posting, and the day from which that counts
	counts     events.Day
	toYear     events.Year // [events.CarriedOver]
	channel    events.Channel

	pay  *payment     // [events.Disbursed]
	left events.Minor // of a commitment, an allotment, a sum in suspense

	recorded time.Time
}

// links are the events whose quantities the postings of an event change: a payment, a commitment, an allotment, a sum in suspense. An event
// that is such a thing links to itself; a reversal has the links of its target.
type links struct{ pay, commitment, allotment, suspense events.Seq }

// texts are the words of an event as amended so far.
type texts struct {
	purpose, note, name, nameEn, description string
	documents                                []string
}

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
		fund:     fund,
		years:    map[events.Year]*year{},
		ids:      map[events.ID]known{},
		vouchers: map[voucherUse]events.Seq{},
		bare:     map[barePayment]int{},
	}
}

// set and put are how apply changes the state.
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

// rollback undoes everything applied since recording began, and ends recording.
func (s *state) rollback() {
	for _, u := range slices.Backward(s.undo) {
		u()
	}
	s.recording, s.undo = false, nil
}

// commit ends recording and keeps what was applied.
func (s *state) commit() { s.recording, s.undo = false, nil }

func (s *state) entry(n events.Seq) *entry {
	if n == 0 || n > events.Seq(len(s.entries)) {
		return nil
	}
	return s.entries[n-1]
}

// find resolves a reference, nil when it names no event.
func (s *state) find(r events.Ref) *entry {
	if r.Seq != 0 {
		return s.entry(r.Seq)
	}
	return s.entry(s.ids[r.ID].seq)
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

// apply folds one event in. The event must be the next one; it was decided by this state or comes from the fund's log. An error means that it
// does not fit what came before: the log is not one that the ledger wrote.
func (s *state) apply(e *events.Event) error {
	c := &e.Command
	if e.Seq != s.last+1 || !e.Time.After(s.lastTime) || c.Fund != s.fund {
		return tampered(e, nil)
	}
	if len(e.Postings) > 0 && e.Decimals != s.decimals || !s.fits(e) {
		return tampered(e, nil)
	}
	en := &entry{
		seq: e.Seq, id: e.ID, kind: c.Kind, cause: c.Cause, year: c.Year, line: c.Line, lot: c.Lot, payee: c.Payee, paid: c.Payee, voucher: c.Voucher, flags: e.Flags,
		postings: e.Postings, dims: c.Dims, date: c.Date, toYear: c.ToYear, channel: c.Channel, recorded: e.Time, stated: c.Date.String(), against: e.Resolved.Against,
	}
	if en.line == "" {
		en.line = e.Resolved.Line
	}
	if !c.Amount.IsZero() {
		amount, err := c.Amount.Minor(s.decimals)
		if err != nil {
			return tampered(e, err)
		}
		en.amount = amount
	}
	if len(e.Postings) > 0 {
		en.date, en.counts = e.Postings[0].Date, e.Postings[0].Counts
	}
	if c.Note != "" || c.Purpose != "" || c.Name != "" || len(c.Documents) > 0 {
		en.texts = &texts{purpose: c.Purpose, note: c.Note, name: c.Name, nameEn: c.NameEn, documents: c.Documents}
		if c.Kind == events.LineAdded {
			en.texts.description = c.Lines[0].Description
		}
	}
	target := s.entry(e.Resolved.Of)
	en.links = s.linksOf(e, target)

	set(s, &s.entries, append(s.entries, en))
	set(s, &s.last, e.Seq)
	set(s, &s.lastTime, e.Time)
	put(s, s.ids, e.ID, known{e.Seq, c.Content()})

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
		en.pay = &payment{}
		if c.Voucher == (events.Voucher{}) {
			for _, k := range en.bare() {
				put(s, s.bare, k, s.bare[k]+1)
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
	case events.YearClosed:
		set(s, &s.yearFor(c.Year).closed, true)
	case events.YearReopened:
		set(s, &s.yearFor(c.Year).closed, false)
	case events.Amended:
		s.amend(target, &c.Set)
	case events.Reversed:
		s.reverse(target, e.Seq)
	}
	if c.Voucher != (events.Voucher{}) {
		put(s, s.vouchers, voucherUse{c.Kind, c.Voucher}, e.Seq)
	}
	if against := s.entry(e.Resolved.Against); against != nil {
		set(s, &against.pay.withheld, against.pay.withheld+en.amount)
	}
	s.depend(en, &e.Resolved)
	for i := range e.Postings {
		if err := s.post(en, &e.Postings[i]); err != nil {
			return tampered(e, err)
		}
	}
	return nil
}

// opens is the measure of the first posting of the kinds whose quantity later events change.
var opens = map[events.Kind]events.Measure{
	events.Allotted: events.AllottedM, events.Committed: events.CommittedM, events.Disbursed: events.DisbursedM,
	events.CarriedOver: events.CarriedOutM, events.CarriedIn: events.CarriedInM,
}

// fits reports whether an event hangs on such events as it must and can be applied. It does not decide the event again: it keeps a log that was
// made to deceive from leading the fold astray.
func (s *state) fits(e *events.Event) bool {
	c, r := &e.Command, &e.Resolved
	y := s.years[c.Year]
	if opened := y != nil && y.opened != 0; opened == (c.Kind == events.FundOpened) || (r.Currency == "") == (c.Kind == events.FundOpened) {
		return false
	}
	if _, twice := s.ids[e.ID]; twice {
		return false
	}
	names := func(n events.Seq, must bool, kinds ...events.Kind) bool {
		en := s.entry(n)
		return en == nil && n == 0 && !must || en != nil && (len(kinds) == 0 || slices.Contains(kinds, en.kind))
	}
	of := s.entry(r.Of)
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
		ok = ok && names(r.Of, true, reversible...) && of.reversal == 0
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

func (s *state) linksOf(e *events.Event, target *entry) links {
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
		l := links{pay: e.Resolved.Of, suspense: e.Resolved.Settles}
		if target != nil {
			l.commitment = target.links.commitment
		}
		return l
	case events.Reversed:
		return target.links
	}
	return links{}
}

// post adds one posting to every sum that it belongs to.
func (s *state) post(en *entry, p *events.Posting) error {
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
	s.quantity(en, p)
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

// quantity keeps what is left of the payment, commitment, allotment or sum in suspense that the posting touches.
func (s *state) quantity(en *entry, p *events.Posting) {
	left := func(n events.Seq) {
		if e := s.entry(n); e != nil {
			set(s, &e.left, e.left+p.Amount)
		}
	}
	switch p.Measure {
	case events.AllottedM:
		left(en.links.allotment)
	case events.SuspenseM:
		left(en.links.suspense)
	case events.CommittedM:
		left(en.links.commitment)
		if pay := s.entry(en.links.pay); pay != nil {
			set(s, &pay.pay.used, pay.pay.used-p.Amount)
		}
	case events.DisbursedM, events.ReturnedM, events.RecoveredM, events.ConfirmedM:
		pay := s.entry(en.links.pay)
		if pay == nil {
			return
		}
		at := p.Line
		if p.Measure == events.RecoveredM {
			at = p.OfLine
		}
		pc := pay.pay.piece(at, p.Dims)
		if pc == nil {
			pc = &piece{line: at, dims: p.Dims}
			set(s, &pay.pay.pieces, append(slices.Clip(pay.pay.pieces), pc))
		}
		next := *pc
		next.add(p)
		set(s, pc, next)
	}
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
	c, r := &e.Command, &e.Resolved
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
	c := &e.Command
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
	set(s, &target.reversal, by)
	switch target.kind {
	case events.Appropriated:
		y := s.yearFor(target.year)
		k := lineDims{target.line, target.dims.Key()}
		if y.originals[k] == target.seq {
			drop(s, y.originals, k)
		}
	case events.Disbursed:
		if target.voucher == (events.Voucher{}) {
			for _, k := range target.bare() {
				if s.bare[k] == 1 {
					drop(s, s.bare, k)
				} else {
					put(s, s.bare, k, s.bare[k]-1)
				}
			}
		}
	case events.CarriedOver, events.CarriedIn:
		l := s.brought(target)
		set(s, &l.carriers, l.carriers-1)
	}
	if target.voucher != (events.Voucher{}) {
		drop(s, s.vouchers, voucherUse{target.kind, target.voucher})
	}
	if against := s.entry(target.against); against != nil {
		set(s, &against.pay.withheld, against.pay.withheld-target.amount)
	}
	for _, n := range target.named {
		on := s.entry(n)
		set(s, &on.dependents, on.dependents-1)
	}
}

// depend counts the event among the dependents of those that it names. Words and explanations hang on nothing, a reversal ends its target.
func (s *state) depend(en *entry, r *events.Resolved) {
	switch en.kind {
	case events.Amended, events.Explained, events.Reversed, events.FigureStated:
		return
	}
	for _, n := range []events.Seq{r.Of, r.Commitment, r.Against, r.Settles} {
		if on := s.entry(n); on != nil {
			set(s, &on.dependents, on.dependents+1)
			en.named = append(en.named, n)
		}
	}
}

func (s *state) amend(target *entry, to *events.Amendment) {
	w := texts{}
	if target.texts != nil {
		w = *target.texts
	}
	for _, change := range []struct {
		field *string
		word  *string
	}{
		{&w.purpose, to.Purpose}, {&w.note, to.Note}, {&w.name, to.Name}, {&w.nameEn, to.NameEn}, {&w.description, to.Description},
	} {
		if change.word != nil {
			*change.field = *change.word
		}
	}
	if to.HasDocuments {
		w.documents = to.Documents
	}
	set(s, &target.texts, &w)
	p := target.payee
	if to.PayeeName != nil {
		p.Name = *to.PayeeName
	}
	if to.PayeeID != nil {
		p.ID = *to.PayeeID
	}
	set(s, &target.payee, p)
}

func (en *entry) bare() []barePayment {
	return barePayment{year: en.year, line: en.line, amount: en.amount, date: en.stated}.places(en.paid)
}
