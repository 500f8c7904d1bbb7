package ledger

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"fundledger/events"
)

// decide returns the event that command c causes in s, with its postings; or the number of the event that c is a retry of; or the refusal that
// comes first in the order of [events.Refusals]. What [state.missing] names must have been fetched. It does no I/O, reads no clock but now and draws
// no random number. Retries come before every refusal. s is not changed, but for the room in which the event is made: it is valid until the next decision.
func (s *state) decide(id events.ID, c *events.Command, actor events.Actor, now time.Time) (*events.Event, events.Seq, error) {
	used := s.withID(id)
	if used != 0 && s.get(used).Command.Content() == c.Content() {
		return nil, used, nil
	}
	if s.currency == "" && c.Kind != events.FundOpened {
		return nil, 0, refusal(events.UnknownFund, events.Args{"fund": string(c.Fund)})
	}
	at := now.UTC().Truncate(time.Microsecond)
	if !at.After(s.lastTime) {
		at = s.lastTime.Add(time.Microsecond)
	}
	d := &s.made
	*d = decision{s: s, c: c, decimals: s.decimals, postings: d.postings[:0], event: d.event}
	if s.zone != nil {
		d.today = events.DayOf(at.In(s.zone))
	}
	d.amounts()
	first, retry := d.voucher()
	if retry {
		return nil, first, nil
	}
	switch {
	case d.err != nil:
	case used != 0:
		d.refuse(events.IDUsed, "", events.Args{"id": string(id), "seq": used.String()})
	case first != 0:
		d.refuse(events.VoucherUsed, "", events.Args{"voucher": voucherText(c.Voucher), "seq": first.String()})
	default:
		d.kind()
	}
	if d.err == nil && c.Mode == events.Record && !c.HasEvidence() {
		d.refuse(events.NoEvidence, "", nil)
	}
	if d.err == nil {
		d.err = d.tooMuch
	}
	if d.err == nil {
		d.consequences()
	}
	if d.err == nil && c.Mode == events.Control && len(d.stops) > 0 {
		slices.SortStableFunc(d.stops, func(a, b *events.Error) int { return cmp.Compare(rank(a.Code), rank(b.Code)) })
		d.err = d.stops[0]
	}
	if d.err != nil {
		return nil, 0, d.err
	}
	for _, stop := range d.stops {
		d.flag(stop.Code)
	}
	slices.SortFunc(d.flags, func(a, b events.Code) int {
		return cmp.Compare(slices.Index(events.Flags, a), slices.Index(events.Flags, b))
	})
	if d.event == nil {
		d.event = &events.Event{}
	}
	*d.event = events.Event{
		Seq: s.last + 1, ID: id, Time: at, Command: c, Actor: actor, Rules: events.Rules, Flags: d.flags, Resolved: d.res,
		Decimals: d.decimals, Postings: d.postings,
	}
	return d.event, 0, nil
}

// A decision is one command on its way to an event. Its checks run in phases in the order of the codes; within a phase the fault that comes
// first in that order wins, whichever is met first.
type decision struct {
	s        *state
	c        *events.Command
	today    events.Day
	decimals int
	amount   events.Minor
	from, to []events.Minor // of the legs of a reallocation
	date     events.Date    // with the fiscal year filled in
	y        *year

	event    *events.Event // room for it
	res      events.Resolved
	postings []events.Posting
	flags    []events.Code
	stops    []*events.Error
	err      *events.Error
	tooMuch  *events.Error // an amount that is not even a number of smallest units; it comes late in the order of the codes
}

func refusal(code events.Code, args events.Args) *events.Error {
	return &events.Error{Code: code, Args: args}
}

func rank(c events.Code) int { return slices.Index(events.Refusals, c) }

func (d *decision) refuse(code events.Code, why string, args events.Args) {
	if d.err == nil || rank(code) < rank(d.err.Code) {
		d.err = &events.Error{Code: code, Why: why, Args: args}
	}
}

func (d *decision) stop(code events.Code, args events.Args) {
	d.stops = append(d.stops, refusal(code, args))
}

func (d *decision) flag(c events.Code) {
	if !slices.Contains(d.flags, c) {
		d.flags = append(d.flags, c)
	}
}

// amounts turns the command's amounts into the fund's smallest unit: the first check that needs the fund.
func (d *decision) amounts() {
	c := d.c
	if c.Kind == events.FundOpened {
		d.fundsMoney()
		return
	}
	if !c.Amount.IsZero() {
		d.amount = d.minor("amount", c.Amount)
	}
	for _, l := range c.FromLegs {
		d.from = append(d.from, d.minor("from", l.Amount))
	}
	for _, l := range c.ToLegs {
		d.to = append(d.to, d.minor("to", l.Amount))
	}
	if c.Kind == events.CarriedOver && c.HasExpires {
		// A lot that is carried on keeps its expiry.
		if on := d.s.yearIn(c.Year).lot(c.Lot); on != nil && c.Expires != on.expires {
			d.refuse(events.BadValue, "lot-expires", events.Args{"field": "expires", "value": c.Expires.String(), "lot": on.name, "expires": on.expires.String()})
		}
	}
	d.date = c.Date
	if fy := d.s.years[c.Date.FiscalYear()]; fy != nil && fy.opened != 0 {
		d.date = c.Date.In(fy.from, fy.to)
	}
}

// minor turns an amount into smallest units. One that is too large for that is refused in its turn, and until then counts as the largest.
func (d *decision) minor(field string, a events.Amount) events.Minor {
	m, err := a.Minor(d.decimals)
	if err == nil {
		return m
	}
	var e *events.Error
	switch {
	case !errors.As(err, &e):
	case e.Code == events.Overflow:
		d.tooMuch = e.With("field", field)
		return math.MaxInt64
	default:
		d.refuse(e.Code, e.Why, e.With("field", field).Args)
	}
	return m
}

// fundsMoney settles the currency and the zone of a fund, which its first year fixes.
func (d *decision) fundsMoney() {
	c, r := d.c, &d.res
	r.Currency, r.Zone = "CNY", "Asia/Shanghai"
	if d.s.currency != "" {
		r.Currency, r.Zone = d.s.currency, d.s.zone.String()
	}
	if c.Currency != "" && c.Currency != r.Currency {
		if d.s.currency != "" {
			d.refuse(events.BadValue, "currency-differs", events.Args{"field": "currency", "value": c.Currency, "currency": r.Currency})
		}
		r.Currency = c.Currency
	}
	if c.TimeZone != "" && c.TimeZone != r.Zone {
		if d.s.currency != "" {
			d.refuse(events.BadValue, "zone-differs", events.Args{"field": "time_zone", "value": c.TimeZone, "zone": r.Zone})
		}
		r.Zone = c.TimeZone
	}
	r.Decimals, _ = events.Decimals(r.Currency)
	d.decimals = r.Decimals
	r.From, r.To = c.From, c.To
}

// voucher returns the event that paid or confirmed the command's voucher line already, 0 where none did, and whether the command is that one
// again.
func (d *decision) voucher() (seq events.Seq, retry bool) {
	c := d.c
	if c.Voucher == (events.Voucher{}) {
		return 0, false
	}
	n := d.s.withVoucher(c.Kind, c.Voucher)
	if n == 0 {
		return 0, false
	}
	first := d.s.entry(n)
	at := c.Line
	if at == "" {
		at = first.line
	}
	same := d.err == nil && first.year == c.Year && first.line == at && first.amount == d.amount && first.stated == c.Date.String() &&
		first.channel == c.Channel && first.paid == c.Payee && first.lot == c.Lot
	if c.Kind == events.ReceiptConfirmed {
		of := d.s.find(c.Of)
		same = same && of != nil && of.seq == first.links.pay
	}
	return n, same
}

func voucherText(v events.Voucher) string {
	return strings.Join([]string{v.Issuer, v.Year.String(), v.Type, v.Number, v.Line}, " ")
}

// openInClosed are the kinds that a closed year still takes.
var openInClosed = []events.Kind{
	events.ReceiptConfirmed, events.Amended, events.Explained, events.FigureStated, events.BankLine, events.BankMatched, events.MonthClosed, events.YearReopened,
}

// isOpenIn reports whether a closed year still takes the command: also one that takes back what moved no money.
func (s *state) isOpenIn(c *events.Command) bool {
	if c.Kind == events.Reversed {
		return slices.Contains(aboutNoMoney, s.kind(s.number(c.Of)))
	}
	return slices.Contains(openInClosed, c.Kind)
}

// kind runs the phases that depend on the command's kind.
func (d *decision) kind() {
	c := d.c
	d.y = d.s.years[c.Year]
	yearArgs := func() events.Args { return events.Args{"fund": string(c.Fund), "year": c.Year.String()} }
	opened := d.y != nil && d.y.opened != 0
	switch {
	case c.Kind == events.FundOpened:
		if opened {
			args := yearArgs()
			args["seq"] = d.y.opened.String()
			d.refuse(events.YearExists, "", args)
		}
	case !opened:
		d.refuse(events.UnknownYear, "", yearArgs())
	case d.y.closed && !d.s.isOpenIn(c):
		why := ""
		if c.Kind == events.ClawedBack && (c.Cause == events.Refund || c.Cause == events.Offset || c.Cause == events.Returned) {
			why = "prior-year"
		}
		d.refuse(events.YearClosedCode, why, yearArgs())
	case !d.y.closed && c.Kind == events.YearReopened:
		d.refuse(events.YearNotClosed, "", yearArgs())
	}
	d.otherYears()
	if d.err != nil {
		return
	}
	switch c.Kind {
	case events.FundOpened:
		d.fundOpened()
	case events.LineAdded:
		d.lineAdded()
	case events.Appropriated:
		d.appropriated()
	case events.Reallocated:
		d.reallocated()
	case events.Allotted:
		d.allotted()
	case events.Committed:
		d.committed()
	case events.AllotmentWithdrawn:
		d.partOf(events.Allotted, events.AllottedM)
	case events.CommitmentReleased:
		d.partOf(events.Committed, events.CommittedM)
	case events.Disbursed:
		d.disbursed()
	case events.ReceiptConfirmed:
		d.receiptConfirmed()
	case events.ClawedBack:
		switch c.Cause {
		case events.Lapse:
			d.takenBack(events.LapsedM, d.amount)
		case events.Rescission:
			d.takenBack(events.Supplementary, -d.amount)
		case events.Returned:
			d.returned()
		case events.Refund, events.Offset:
			d.refunded()
		case events.PriorYear:
			d.priorYear()
		case events.Unidentified:
			d.unidentified()
		}
	case events.CarriedOver:
		d.carriedOver()
	case events.CarriedIn:
		d.carriedIn()
	case events.Reclassified:
		d.reclassified()
	case events.Reversed:
		d.reversed()
	case events.Amended:
		d.amended()
	case events.Explained:
		d.explained()
	case events.BankLine:
		d.bankLine()
	case events.BankMatched:
		d.bankMatched()
	case events.MonthClosed:
		d.monthClosed()
	case events.YearClosed:
		d.yearClosed()
	case events.YearReopened:
		d.yearReopened()
	case events.FigureStated:
		d.figureStated()
	}
}

// otherYears checks the years that a command touches besides its own.
func (d *decision) otherYears() {
	c := d.c
	closed := func(y events.Year) {
		if other := d.s.years[y]; other != nil && other.closed {
			d.refuse(events.YearClosedCode, "", events.Args{"fund": string(c.Fund), "year": y.String()})
		}
	}
	switch c.Kind {
	case events.CarriedOver:
		closed(c.ToYear)
		if to := d.s.years[c.ToYear]; (to == nil || to.opened == 0) && c.ToLine != events.Root {
			d.refuse(events.UnknownYear, "to-line", events.Args{"fund": string(c.Fund), "year": c.ToYear.String(), "line": string(c.ToLine)})
		}
	case events.CarriedIn:
		if from := d.s.years[c.FromYear]; from != nil && from.opened != 0 {
			d.refuse(events.YearExists, "carried-in", events.Args{"fund": string(c.Fund), "year": c.FromYear.String(), "seq": from.opened.String()})
		}
	case events.ClawedBack:
		from := c.FromYear
		if of := d.s.find(c.Of); of != nil && of.kind == events.Disbursed {
			from = of.year
		}
		if c.Cause != events.PriorYear {
			// Whoever enters a refund under the year in which it arrives is told of the cause that does that.
			if given := d.s.years[from]; given != nil && given.closed {
				d.refuse(events.YearClosedCode, "prior-year", events.Args{"fund": string(c.Fund), "year": from.String()})
			}
			return
		}
		if u := d.s.find(c.Settles); u != nil && u.cause == events.Unidentified {
			closed(u.year)
		}
		if given := d.s.years[from]; given != nil && given.opened != 0 && !given.closed {
			d.refuse(events.YearNotClosed, "refund", events.Args{"fund": string(c.Fund), "year": from.String()})
		}
	case events.Reversed:
		// A carry-over posts to the year after, a prior-year recovery to the year of the suspense that it settled.
		if of := d.s.find(c.Of); of != nil && slices.Contains(reversible, of.kind) {
			for _, p := range of.postings {
				closed(p.Year)
			}
		}
	}
}

// line resolves a line of the command's year. A line with children is taken where the basis says that the split is not known, or where group
// is true.
func (d *decision) line(y *year, code events.Line, group bool) *line {
	l := y.lines[code]
	switch {
	case l == nil:
		d.refuse(events.UnknownLine, "", events.Args{"line": string(code), "fund": string(d.c.Fund), "year": y.year.String()})
	case !l.isLeaf() && !group && d.c.Basis != events.Stated && d.c.Basis != events.Inferred:
		d.refuse(events.NotALeaf, "", events.Args{"line": string(code), "fund": string(d.c.Fund), "year": y.year.String()})
	}
	return l
}

// target resolves a reference to a standing event of one of the kinds. year is the year that it must be of, 0 for any. A reversed one is refused
// and still returned, since the caller may find a fault that comes before that.
func (d *decision) target(field string, r events.Ref, year events.Year, kinds ...events.Kind) *entry {
	en := d.s.find(r)
	args := events.Args{"field": field, "value": r.String()}
	if en == nil {
		d.refuse(events.UnknownTarget, "", args)
		return nil
	}
	args["seq"], args["kind"] = en.seq.String(), string(en.kind)
	switch {
	case len(kinds) > 0 && !slices.Contains(kinds, en.kind):
		args["kinds"] = kindList(kinds)
		d.refuse(events.WrongTarget, "kind", args)
		return nil
	case year != 0 && en.year != year:
		args["year"], args["asked"] = en.year.String(), year.String()
		d.refuse(events.WrongTarget, "year", args)
		return nil
	case en.reversal != 0:
		args["seq"] = en.reversal.String()
		d.refuse(events.AlreadyReversed, "", args)
	}
	return en
}

func kindList(kinds []events.Kind) string {
	ss := make([]string, len(kinds))
	for i, k := range kinds {
		ss[i] = string(k)
	}
	return strings.Join(ss, ", ")
}

// exceeds refuses an amount above what is left of a target.
func (d *decision) exceeds(field string, of *entry, left events.Minor) {
	if d.amount > left {
		d.refuse(events.ExceedsTarget, "", events.Args{
			"field": field, "value": of.seq.String(), "left": left.Format(d.decimals), "asked": d.amount.Format(d.decimals),
		})
	}
}

// lotOf resolves the lot that the command names on a line; nil where it names none.
func (d *decision) lotOf(at *line) *lot {
	if d.c.Lot == "" {
		return nil
	}
	l := d.y.lot(d.c.Lot)
	if l == nil || l.line != at {
		args := events.Args{"lot": d.c.Lot, "line": string(at.code), "year": d.c.Year.String()}
		why := ""
		if l != nil {
			why, args["lies"] = "line", string(l.line.code)
		}
		d.refuse(events.UnknownLot, why, args)
		return nil
	}
	return l
}

// liesThere reports whether the command names a lot that lies on a line, which then may have children.
func (d *decision) liesThere(code events.Line) bool {
	l := d.y.lot(d.c.Lot)
	return d.c.Lot != "" && l != nil && l.line.code == code
}

// own returns a posting of the command itself, with its own date, basis and dims.
func (d *decision) own(l events.Line, m events.Measure, a events.Minor) events.Posting {
	return events.Posting{
		Year: d.c.Year, Line: l, Measure: m, Amount: a, Date: d.date, Counts: d.date.Last(), Basis: d.c.Basis, Dims: d.c.Dims,
	}
}

func (d *decision) post(p events.Posting) {
	if p.Amount != 0 {
		d.postings = append(d.postings, p)
	}
}

// later returns the date that counts later: the command's own or the target's.
func (d *decision) later(of *entry) (events.Date, events.Day) {
	if of != nil && of.counts > d.date.Last() {
		return of.date, of.counts
	}
	return d.date, d.date.Last()
}

// like returns a posting that takes after one of a target: its line, lot, channel, basis and dims, and the later date.
func (d *decision) like(of *entry, m events.Measure, a events.Minor) events.Posting {
	p := of.postings[0]
	p.Measure, p.Amount = m, a
	p.Date, p.Counts = d.later(of)
	return p
}

// ofPiece returns a posting on what stands of a payment on a line: the payment's lot, channel and dims, the command's own basis.
func (d *decision) ofPiece(of *entry, pc *piece, m events.Measure, a events.Minor) events.Posting {
	p := d.like(of, m, a)
	p.Line, p.Dims, p.Basis = pc.line, pc.dims, d.c.Basis
	return p
}

// standing resolves the line on which a payment's money stands, where the command may leave it out.
func (d *decision) standing(of *entry, field string, given events.Line) events.Line {
	if given != "" {
		return given
	}
	lines := of.pay.lines((*piece).left)
	if len(lines) == 0 && d.c.Kind == events.ReceiptConfirmed { // what was recovered in a later year can still arrive
		lines = of.pay.lines((*piece).inTransit)
	}
	switch len(lines) {
	case 0:
		return of.line
	case 1:
		return lines[0]
	default:
		ss := make([]string, len(lines))
		for i, l := range lines {
			ss[i] = string(l)
		}
		d.refuse(events.MissingField, "which-line", events.Args{"field": field, "value": of.seq.String(), "lines": strings.Join(ss, ", "), "kind": string(d.c.Kind)})
		return ""
	}
}

// placed resolves the payment that the command names, and the line on which its money stands.
func (d *decision) placed(of *entry) events.Line {
	at := d.standing(of, "line", d.c.Line)
	if d.err == nil {
		d.res.Of = of.seq
		if d.c.Line == "" {
			d.res.Line = at
		}
	}
	return at
}

// settle posts what the command takes out of suspense.
func (d *decision) settle(u *entry, amount events.Minor) {
	if u != nil {
		d.post(d.like(u, events.SuspenseM, -amount))
	}
}

// A touch is a line of whose sums a command changes some, and what they would be.
type touch struct {
	line              *line
	next              sums
	budgeted, checked bool
}

// touchOf returns the touch of a line, nil where there is none. There are few.
func touchOf(touched []touch, l *line) *touch {
	for i := range touched {
		if touched[i].line == l {
			return &touched[i]
		}
	}
	return nil
}

// consequences applies the postings to copies of the sums that they touch: it refuses what leaves int64, and notes the rules that are broken.
func (d *decision) consequences() {
	touched := make([]touch, 0, 4)
	named := make([]*line, 0, 4) // in the order in which the postings name them
	lots := map[*lot]*events.Totals{}
	for i := range d.postings {
		p := &d.postings[i]
		y := d.s.yearIn(p.Year)
		l := y.lines[p.Line]
		for at := l; at != nil; at = at.parent {
			to := touchOf(touched, at)
			if to == nil {
				touched = append(touched, touch{line: at, next: at.sums, budgeted: y.budgeted})
				to = &touched[len(touched)-1]
			}
			if err := to.next.add(p, at == l); err != nil {
				d.refuse(events.Overflow, "", events.Args{"measure": string(p.Measure), "line": string(at.code), "year": p.Year.String()})
				return
			}
		}
		if !slices.Contains(named, l) {
			named = append(named, l)
		}
		if p.Lot == "" {
			continue
		}
		if lt := y.lots[p.Lot]; lt != nil {
			next := lots[lt]
			if next == nil {
				copied := lt.totals
				next = &copied
				lots[lt] = next
			}
			if err := next.Add(p.Measure, p.Amount); err != nil {
				d.refuse(events.Overflow, "", events.Args{"measure": string(p.Measure), "line": string(l.code), "year": p.Year.String()})
				return
			}
		}
	}
	d.budget(named, touched)
	for _, p := range d.postings {
		lt := d.s.yearIn(p.Year).lots[p.Lot]
		if next := lots[lt]; p.Lot != "" && next != nil {
			if left := next.Available(); left < 0 && left < lt.totals.Available() {
				d.stop(events.ExceedsLot, d.leftAsked(lt.totals.Available(), left, events.Args{"lot": lt.name, "line": string(lt.line.code)}))
				break
			}
		}
	}
	d.dates()
	d.late()
}

// yearIn is the year as it stands; one that nothing is known of is empty.
func (s *state) yearIn(y events.Year) *year {
	if got := s.years[y]; got != nil {
		return got
	}
	root := &line{code: events.Root}
	return &year{year: y, budgeted: true, root: root, lines: map[events.Line]*line{events.Root: root}, lots: map[string]*lot{}}
}

func (d *decision) leftAsked(before, after events.Minor, args events.Args) events.Args {
	args["left"] = before.Format(d.decimals)
	args["asked"] = (before - after).Format(d.decimals)
	return args
}

// budget stops a command that lowers free money and leaves it below zero: on a line that it names, or on a line above that has own money.
func (d *decision) budget(named []*line, touched []touch) {
	check := func(l *line, before, after events.Minor) {
		if after < 0 && after < before {
			d.stop(events.OverBudget, d.leftAsked(before, after, events.Args{
				"line": string(l.code), "fund": string(d.c.Fund), "year": d.c.Year.String(),
			}))
		}
	}
	for _, l := range named {
		if to := touchOf(touched, l); d.c.Kind == events.Reallocated && to.budgeted && !l.isLeaf() {
			check(l, l.free.Available(), to.next.free.Available())
		}
		for at := l; at != nil; at = at.parent {
			to := touchOf(touched, at)
			if to.checked || !to.budgeted || at != l && to.next.own.IsZero() {
				continue
			}
			to.checked = true
			check(at, at.belowFree.Available(), to.next.belowFree.Available())
		}
	}
}

// dates notes dates that cannot be: after today, or outside the year that the command charges.
func (d *decision) dates() {
	c := d.c
	if c.Date.IsZero() || len(d.postings) == 0 && c.Kind != events.BankLine {
		return
	}
	if d.date.First() > d.today {
		d.stop(events.FutureDate, events.Args{"date": c.Date.String(), "today": d.today.String()})
	}
	if (c.Kind == events.Disbursed || c.Kind == events.Committed) && c.Lot == "" && (d.date.First() > d.y.to || d.date.Last() < d.y.from) {
		d.stop(events.OutsideYear, events.Args{"date": c.Date.String(), "year": c.Year.String(), "from": d.y.from.String(), "to": d.y.to.String()})
	}
}

// late notes that something counts in a month that has been closed. What ends the year is not late: lapses and money carried over are dated on its last day when its
// months, and often the first of the next year, have long been closed.
func (d *decision) late() {
	ends := d.c.Kind == events.CarriedOver || d.c.Kind == events.ClawedBack && d.c.Cause == events.Lapse
	if ends && d.date.Last() >= d.y.to {
		return
	}
	for i := range d.postings {
		p := &d.postings[i]
		if through := d.s.yearIn(p.Year).through(); through != noDay && p.Counts <= through {
			d.flag(events.LateForMonth)
			return
		}
	}
}

// expired notes that a lot is used after it expired.
func (d *decision) expired(l *lot) {
	if l != nil && d.date.First() > l.expires {
		d.stop(events.LotExpired, events.Args{"lot": l.name, "expires": l.expires.String(), "date": d.c.Date.String()})
	}
}
