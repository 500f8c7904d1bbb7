package ledger

import (
	"slices"
	"strconv"
	"strings"

	"fundledger/events"

	"github.com/shopspring/decimal"
)

// The methods below are the rows of the two tables of kinds and postings: what each kind must find in the ledger, and what it posts. Each
// checks in the order of the codes and returns as soon as a phase has found a fault.

func (d *decision) fundOpened() {
	seen := map[events.Line]bool{events.Root: true}
	for _, l := range d.c.Lines {
		if seen[l.Code] {
			d.refuse(events.BadTree, "twice", events.Args{"line": string(l.Code), "parent": string(l.Parent)})
			return
		}
		seen[l.Code] = true
	}
	for _, l := range d.c.Lines {
		if !seen[l.Parent] {
			d.refuse(events.BadTree, "parent", events.Args{"line": string(l.Code), "parent": string(l.Parent)})
			return
		}
	}
	ordered := inTreeOrder(d.c.Lines)
	for _, l := range d.c.Lines {
		if !slices.ContainsFunc(ordered, func(o events.LineSpec) bool { return o.Code == l.Code }) {
			d.refuse(events.BadTree, "cycle", events.Args{"line": string(l.Code), "parent": string(l.Parent)})
			return
		}
	}
}

func (d *decision) lineAdded() {
	l := d.c.Lines[0]
	switch {
	case d.y.lines[l.Code] != nil:
		d.refuse(events.LineExists, "", events.Args{"line": string(l.Code), "fund": string(d.c.Fund), "year": d.c.Year.String()})
	case d.y.lines[l.Parent] == nil:
		d.refuse(events.BadTree, "parent", events.Args{"line": string(l.Code), "parent": string(l.Parent)})
	}
}

func (d *decision) appropriated() {
	c := d.c
	if d.line(d.y, c.Line, false); d.err != nil {
		return
	}
	m := events.Supplementary
	p := d.own(c.Line, m, d.amount)
	if c.Stage == events.OriginalStage {
		p.Measure = events.Original
		// An opening budget holds from the first day that its paper can mean.
		p.Counts = d.date.First()
		if first := d.y.originals[lineDims{c.Line, c.Dims.Key()}]; first != 0 {
			d.refuse(events.SecondOriginal, "", events.Args{"line": string(c.Line), "seq": first.String()})
			return
		}
	}
	d.post(p)
}

func (d *decision) reallocated() {
	c := d.c
	for _, l := range c.FromLegs {
		// A line that was given children keeps its money as its own, and this is how that money leaves it.
		d.line(d.y, l.Line, true)
	}
	for _, l := range c.ToLegs {
		d.line(d.y, l.Line, false)
	}
	if d.err != nil {
		return
	}
	covered := make([]*entry, len(c.Covers))
	for i, r := range c.Covers {
		covered[i] = d.target("covers", r, c.Year, events.Disbursed)
	}
	if d.err != nil {
		return
	}
	for i, l := range c.FromLegs {
		d.post(d.own(l.Line, events.ReallocatedM, -d.from[i]))
	}
	for i, l := range c.ToLegs {
		d.post(d.own(l.Line, events.ReallocatedM, d.to[i]))
	}
	if out, in := sumOf(c.FromLegs), sumOf(c.ToLegs); !out.Equal(in) {
		places := int32(d.decimals)
		d.refuse(events.Unbalanced, "", events.Args{"from": out.StringFixed(places), "to": in.StringFixed(places)})
	}
	for _, p := range covered {
		d.res.Covers = append(d.res.Covers, p.seq)
		if d.date.Last() > p.counts {
			d.flag(events.Retroactive)
		}
	}
}

// sumOf adds amounts up without bounds: whether two sides balance is asked before whether they can be counted.
func sumOf(legs []events.Leg) (sum decimal.Decimal) {
	for _, l := range legs {
		sum = sum.Add(decimal.RequireFromString(l.Amount.String()))
	}
	return sum
}

func (d *decision) allotted() {
	if d.line(d.y, d.c.Line, false); d.err == nil {
		d.post(d.own(d.c.Line, events.AllottedM, d.amount))
	}
}

func (d *decision) committed() {
	l := d.line(d.y, d.c.Line, d.liesThere(d.c.Line))
	if d.err != nil {
		return
	}
	lt := d.lotOf(l)
	if d.err != nil {
		return
	}
	d.expired(lt)
	p := d.own(d.c.Line, events.CommittedM, d.amount)
	p.Lot = d.c.Lot
	d.post(p)
}

// partOf takes back part of an allotment or a commitment.
func (d *decision) partOf(kind events.Kind, m events.Measure) {
	of := d.target("of", d.c.Of, d.c.Year, kind)
	if d.err != nil {
		return
	}
	d.res.Of = of.seq
	d.exceeds("of", of, of.left)
	d.post(d.like(of, m, -d.amount))
}

func (d *decision) disbursed() {
	c := d.c
	l := d.line(d.y, c.Line, d.liesThere(c.Line))
	if d.err != nil {
		return
	}
	var commitment *entry
	if !c.Commitment.IsZero() {
		commitment = d.target("commitment", c.Commitment, c.Year, events.Committed)
		why := ""
		switch {
		case commitment == nil:
		case commitment.line != c.Line:
			why = "line"
		case commitment.lot != c.Lot:
			why = "lot"
		}
		if why != "" {
			d.refuse(events.WrongTarget, why, events.Args{
				"field": "commitment", "value": c.Commitment.String(), "kind": string(commitment.kind), "line": string(commitment.line), "lot": commitment.lot,
			})
		}
	}
	if d.err != nil {
		return
	}
	lt := d.lotOf(l)
	if d.err != nil {
		return
	}
	d.expired(lt)
	p := d.own(c.Line, events.DisbursedM, d.amount)
	p.Lot, p.Channel = c.Lot, c.Channel
	d.post(p)
	if commitment != nil {
		d.res.Commitment = commitment.seq
		if d.amount > commitment.left {
			d.stop(events.ExceedsCommitment, events.Args{
				"of": commitment.seq.String(), "left": commitment.left.Format(d.decimals), "asked": d.amount.Format(d.decimals),
			})
		}
		d.post(d.like(commitment, events.CommittedM, -min(d.amount, commitment.left)))
	}
	if c.Voucher == (events.Voucher{}) {
		like := barePayment{year: c.Year, line: c.Line, amount: d.amount, date: c.Date.String()}
		for _, k := range like.equals(c.Payee) {
			if d.s.bare.get(d.s.bareKey(k)) > 0 {
				d.flag(events.PossibleDuplicate)
			}
		}
	}
}

func (d *decision) receiptConfirmed() {
	c := d.c
	if c.Line != "" {
		d.line(d.y, c.Line, true)
	}
	if d.err != nil {
		return
	}
	of := d.target("of", c.Of, c.Year, events.Disbursed)
	if of != nil && of.channel != events.LowerTreasury {
		d.refuse(events.WrongTarget, "channel", events.Args{"field": "of", "value": c.Of.String(), "kind": string(of.kind), "channel": string(of.channel)})
	}
	if d.err != nil {
		return
	}
	at := d.placed(of)
	if d.err != nil {
		return
	}
	on := of.pay.on(at)
	d.exceeds("of", of, on.inTransit())
	if d.err != nil {
		return
	}
	rest := d.amount
	for _, pc := range of.pay.pieces {
		if take := min(rest, pc.inTransit()); pc.line == at && take > 0 {
			d.post(d.ofPiece(of, pc, events.ConfirmedM, take))
			rest -= take
		}
	}
}

// takenBack is a lapse or a rescission.
func (d *decision) takenBack(m events.Measure, a events.Minor) {
	group := d.liesThere(d.c.Line) || m == events.LapsedM && d.c.Line == events.Root
	l := d.line(d.y, d.c.Line, group)
	if d.err != nil {
		return
	}
	if d.lotOf(l); d.err != nil {
		return
	}
	p := d.own(d.c.Line, m, a)
	p.Lot = d.c.Lot
	d.post(p)
}

// suspense resolves the sum in suspense that the command settles, nil where it names none.
func (d *decision) suspense() *entry {
	if d.c.Settles.IsZero() {
		return nil
	}
	of := d.c.Year
	if d.c.Cause == events.PriorYear {
		of = 0
	}
	u := d.target("settles", d.c.Settles, of, events.ClawedBack)
	if u != nil && u.cause != events.Unidentified {
		d.refuse(events.WrongTarget, "cause", events.Args{"field": "settles", "value": d.c.Settles.String(), "kind": string(u.kind), "cause": string(u.cause)})
	}
	if u != nil {
		d.res.Settles = u.seq
	}
	return u
}

func (d *decision) returned() {
	of := d.target("of", d.c.Of, d.c.Year, events.Disbursed)
	u := d.suspense()
	if d.err != nil {
		return
	}
	d.res.Of = of.seq
	d.amount = of.amount
	if u != nil {
		d.exceeds("settles", u, u.left)
	}
	whole := of.pay.pieces[0] // where it was paid; what moved from there is missing from it
	if whole.left() != of.amount {
		d.refuse(events.NotWhole, "", events.Args{"value": of.seq.String()})
	}
	if d.err != nil {
		return
	}
	d.post(d.ofPiece(of, whole, events.ReturnedM, of.amount))
	d.post(d.ofPiece(of, whole, events.ConfirmedM, -whole.confirmed))
	if commitment := d.s.entry(of.links.commitment); commitment != nil && of.pay.used > 0 {
		p := d.like(commitment, events.CommittedM, of.pay.used)
		if of.counts > p.Counts {
			p.Date, p.Counts = of.date, of.counts
		}
		d.post(p)
	}
	d.settle(u, of.amount)
}

func (d *decision) refunded() {
	c := d.c
	if c.Line != "" {
		d.line(d.y, c.Line, true)
	}
	if d.err != nil {
		return
	}
	of := d.target("of", c.Of, c.Year, events.Disbursed)
	u := d.suspense()
	var against *entry
	if !c.Against.IsZero() {
		against = d.target("against", c.Against, c.Year, events.Disbursed)
		if against != nil && of != nil && differ(of.payee, against.payee) {
			d.refuse(events.WrongTarget, "payee", events.Args{"field": "against", "value": c.Against.String(), "kind": string(against.kind)})
		}
		if against != nil && of != nil && against.seq == of.seq {
			d.refuse(events.WrongTarget, "", events.Args{"field": "against", "value": c.Against.String(), "kind": string(against.kind)})
		}
	}
	if d.err != nil {
		return
	}
	at := d.placed(of)
	if d.err != nil {
		return
	}
	on := of.pay.on(at)
	d.exceeds("of", of, on.left())
	if against != nil {
		d.res.Against = against.seq
		d.exceeds("against", against, against.amount-against.pay.withheld)
	}
	if u != nil {
		d.exceeds("settles", u, u.left)
	}
	if d.err != nil {
		return
	}
	for pc, take := range of.pay.take(d.amount, onLine(at)) {
		d.post(d.ofPiece(of, pc, events.ReturnedM, take))
		d.post(d.ofPiece(of, pc, events.ConfirmedM, -max(0, pc.confirmed-(pc.disbursed-pc.returned-take))))
	}
	d.settle(u, d.amount)
}

// differ reports whether two payees, as far as both are known, are not the same.
func differ(p, q events.Payee) bool {
	switch {
	case p.Ref != "" && q.Ref != "":
		return p.Ref != q.Ref
	case p.ID != "" && q.ID != "":
		return p.ID != q.ID
	case p.Name != "" && q.Name != "":
		return p.Name != q.Name
	}
	return false
}

func (d *decision) priorYear() {
	c := d.c
	d.line(d.y, c.Line, c.Line == events.Root)
	if of := d.s.find(c.Of); of != nil && of.kind == events.Disbursed && c.OfLine != "" {
		d.line(d.s.yearIn(of.year), c.OfLine, true)
	}
	if d.err != nil {
		return
	}
	if c.Of.IsZero() {
		u := d.suspense()
		if d.err != nil {
			return
		}
		if u != nil {
			d.exceeds("settles", u, u.left)
		}
		p := d.own(c.Line, events.RecoveredM, d.amount)
		p.OfYear = c.FromYear
		d.post(p)
		d.settle(u, d.amount)
		return
	}
	of := d.target("of", c.Of, 0, events.Disbursed)
	u := d.suspense()
	if of != nil && of.year >= c.Year {
		d.refuse(events.WrongTarget, "year", events.Args{
			"field": "of", "value": c.Of.String(), "kind": string(of.kind), "year": of.year.String(), "asked": c.Year.String(),
		})
	}
	if d.err != nil {
		return
	}
	at := d.standing(of, "of_line", c.OfLine)
	if d.err != nil {
		return
	}
	d.res.Of = of.seq
	on := of.pay.on(at)
	d.exceeds("of", of, on.left())
	if u != nil {
		d.exceeds("settles", u, u.left)
	}
	if d.err != nil {
		return
	}
	for pc, take := range of.pay.take(d.amount, onLine(at)) {
		p := d.ofPiece(of, pc, events.RecoveredM, take)
		p.Year, p.Line, p.Lot, p.OfYear, p.OfLine = c.Year, c.Line, "", of.year, at
		d.post(p)
	}
	d.settle(u, d.amount)
}

func (d *decision) unidentified() {
	if d.line(d.y, d.c.Line, d.c.Line == events.Root); d.err == nil {
		d.post(d.own(d.c.Line, events.SuspenseM, d.amount))
	}
}

func (d *decision) carriedOver() {
	c := d.c
	l := d.line(d.y, c.Line, c.Line == events.Root || d.liesThere(c.Line))
	to := d.s.yearIn(c.ToYear)
	d.line(to, c.ToLine, c.ToLine == events.Root)
	if d.err != nil {
		return
	}
	// A lot of this year is carried on under its name; any other name begins a lot.
	on := d.y.lot(c.Lot)
	if on != nil && on.line != l {
		d.refuse(events.UnknownLot, "line", events.Args{
			"lot": c.Lot, "line": string(c.Line), "year": c.Year.String(), "lies": string(on.line.code),
		})
	}
	var source lotSource
	if on != nil {
		source = lotSource{c.Year, c.Lot}
	}
	if there := to.lot(c.Lot); there != nil && (source == lotSource{} || there.source != source || there.line.code != c.ToLine) {
		d.refuse(events.LotExists, "", events.Args{"lot": c.Lot, "year": c.ToYear.String()})
	}
	if d.err != nil {
		return
	}
	d.expires(on)
	d.expired(on)
	out := d.own(c.Line, events.CarriedOutM, d.amount)
	if on != nil {
		out.Lot = c.Lot
	}
	d.post(out)
	in := d.own(c.ToLine, events.CarriedInM, d.amount)
	in.Year, in.Lot = c.ToYear, c.Lot
	d.post(in)
}

// expires settles when a carried-over lot expires: with the last day of the year after the one in which it began, or as the lot that is
// carried on does.
func (d *decision) expires(on *lot) {
	c := d.c
	if on != nil {
		if !c.HasExpires {
			d.res.Expires, d.res.HasExpires = on.expires, true
		}
		return
	}
	if c.HasExpires {
		return
	}
	d.res.HasExpires = true
	if next := d.s.years[c.Year+1]; next != nil && next.opened != 0 {
		d.res.Expires = next.to
	} else {
		d.res.Expires = d.y.to.AddMonths(12)
	}
}

func (d *decision) carriedIn() {
	c := d.c
	d.line(d.y, c.Line, c.Line == events.Root)
	if d.err != nil {
		return
	}
	if d.y.lot(c.Lot) != nil {
		d.refuse(events.LotExists, "", events.Args{"lot": c.Lot, "year": c.Year.String()})
		return
	}
	if !c.HasExpires {
		d.res.HasExpires = true
		if next := d.s.years[c.FromYear+1]; next != nil && next.opened != 0 {
			d.res.Expires = next.to
		} else {
			d.res.Expires = d.y.to.AddMonths(-12 * int(c.Year-c.FromYear-1))
		}
	}
	p := d.own(c.Line, events.CarriedInM, d.amount)
	p.Lot = c.Lot
	d.post(p)
}

func (d *decision) reclassified() {
	c := d.c
	if c.Line != "" {
		d.line(d.y, c.Line, true)
	}
	if c.ToLine != "" {
		d.line(d.y, c.ToLine, false)
	}
	if d.err != nil {
		return
	}
	of := d.target("of", c.Of, c.Year, events.Disbursed)
	if d.err != nil {
		return
	}
	at := d.placed(of)
	if d.err != nil {
		return
	}
	to := c.ToLine
	if to == "" {
		to = at
	}
	if of.lot != "" && to != at {
		d.refuse(events.WrongTarget, "other-line-lot", events.Args{"field": "of", "value": c.Of.String(), "kind": string(of.kind), "lot": of.lot})
		return
	}
	on := of.pay.on(at)
	d.exceeds("of", of, on.left())
	if d.err != nil {
		return
	}
	// What stands in its place already does not move.
	moves := func(pc *piece) bool {
		return pc.line == at && (to != at || !c.ToDims.Over(pc.dims).Equal(pc.dims))
	}
	var movable events.Minor
	for _, pc := range of.pay.pieces {
		if moves(pc) {
			movable += pc.left()
		}
	}
	if movable == 0 {
		d.refuse(events.NothingToDo, "same-place", events.Args{"field": "to_line"})
		return
	}
	if d.exceeds("of", of, movable); d.err != nil {
		return
	}
	for pc, take := range of.pay.take(d.amount, moves) {
		dims := c.ToDims.Over(pc.dims)
		move := func(m events.Measure, a events.Minor) {
			from := of.postings[0]
			from.Measure, from.Amount, from.Line, from.Dims = m, -a, at, pc.dims
			d.post(from)
			from.Amount, from.Line, from.Dims = a, to, dims
			d.post(from)
		}
		move(events.DisbursedM, take)
		move(events.ConfirmedM, max(0, pc.confirmed-(pc.disbursed-take-pc.returned)))
	}
}

// reversible are the kinds that a reversal can mirror.
var reversible = []events.Kind{
	events.Appropriated, events.Reallocated, events.Allotted, events.AllotmentWithdrawn, events.Committed, events.CommitmentReleased,
	events.Disbursed, events.ReceiptConfirmed, events.ClawedBack, events.CarriedOver, events.CarriedIn, events.Reclassified, events.FigureStated,
	events.BankLine, events.BankMatched, events.MonthClosed,
}

// aboutNoMoney are those of them that a closed year takes, and so their reversals.
var aboutNoMoney = []events.Kind{events.BankLine, events.BankMatched, events.MonthClosed}

func (d *decision) reversed() {
	c := d.c
	of := d.target("of", c.Of, c.Year, append(slices.Clone(reversible), events.Reversed)...)
	if d.err != nil {
		return
	}
	if of.kind == events.Reversed {
		d.refuse(events.IsReversal, "", events.Args{"value": of.seq.String()})
		return
	}
	d.res.Of = of.seq
	depends := func(why string) {
		args := events.Args{"value": of.seq.String()}
		if len(of.dependents) > 0 {
			args["seq"] = of.dependents[0].String()
		}
		d.refuse(events.HasDependents, why, args)
	}
	if len(of.dependents) > 0 {
		depends("named")
		return
	}
	if of.match != 0 {
		d.refuse(events.HasDependents, "matched", events.Args{"value": of.seq.String(), "seq": of.match.String()})
		return
	}
	for _, p := range of.postings {
		p.Amount = -p.Amount
		d.postings = append(d.postings, p)
	}
	if of.kind == events.CarriedOver || of.kind == events.CarriedIn {
		if d.s.brought(of).totals.Available() < of.amount {
			depends("lot")
		}
		return
	}
	if d.undone(of) || d.lotGone() {
		depends("moved")
	}
}

// lotGone reports whether a posting is out of a lot that stands no more, or that was carried in again to another line.
func (d *decision) lotGone() bool {
	return slices.ContainsFunc(d.postings, func(p events.Posting) bool {
		if p.Lot == "" {
			return false
		}
		l := d.s.yearIn(p.Year).lot(p.Lot)
		return l == nil || l.line.code != p.Line
	})
}

// undone reports whether taking the postings of an event back would leave less than nothing of what they moved.
func (d *decision) undone(of *entry) bool {
	pay := d.s.entry(of.links.pay)
	touched := map[*piece]bool{}
	for i := range d.postings {
		p := &d.postings[i]
		switch p.Measure {
		case events.AllottedM, events.SuspenseM, events.CommittedM:
			n, _ := of.links.touched(p.Measure)
			if held := d.s.entry(n); held != nil && n != of.seq && held.left+p.Amount < 0 {
				return true
			}
		case events.DisbursedM, events.ReturnedM, events.RecoveredM, events.ConfirmedM:
			if pay == nil {
				continue
			}
			at := p.Line
			if p.Measure == events.RecoveredM {
				at = p.OfLine
			}
			pc := pay.pay.piece(at, p.Dims)
			if pc == nil {
				return true
			}
			pc.add(p) // an entry is made anew each time; this one is the decision's own
			touched[pc] = true
		}
	}
	for pc := range touched {
		if pc.left() < 0 || pc.confirmed < 0 || pc.returned < 0 || pc.confirmed > pc.disbursed-pc.returned {
			return true
		}
	}
	return false
}

func (d *decision) amended() {
	c := d.c
	of := d.target("of", c.Of, c.Year)
	if d.err != nil {
		return
	}
	d.res.Of = of.seq
	w := of.words
	changed := false
	field := func(name string, to, now *string) {
		if to == nil {
			return
		}
		if !slices.Contains(events.Fields(of.kind, of.cause), name) || of.kind == events.FigureStated && name == "name" {
			d.refuse(events.WrongTarget, "no-such-words", events.Args{"field": "set." + name, "value": c.Of.String(), "kind": string(of.kind)})
			return
		}
		changed = changed || now == nil || *to != *now
	}
	field("purpose", c.Set.Purpose, w.Purpose)
	field("note", c.Set.Note, w.Note)
	field("name", c.Set.Name, w.Name)
	field("name_en", c.Set.NameEn, w.NameEn)
	field("description", c.Set.Description, w.Description)
	field("payee", c.Set.PayeeName, &of.payee.Name)
	field("payee", c.Set.PayeeID, &of.payee.ID)
	if of.payee.Class == events.Person && (c.Set.PayeeName != nil || c.Set.PayeeID != nil) {
		d.refuse(events.WrongTarget, "person", events.Args{"field": "set.payee", "value": c.Of.String(), "kind": string(of.kind)})
	}
	if c.Set.HasDocuments && !slices.Equal(c.Set.Documents, w.Documents) {
		changed = true
	}
	if d.err == nil && !changed {
		d.refuse(events.NothingToDo, "", events.Args{"field": "set"})
	}
}

func (d *decision) explained() {
	c := d.c
	if c.Line != "" {
		d.line(d.y, c.Line, true)
		return
	}
	of := d.target("of", c.Of, c.Year)
	if d.err != nil {
		return
	}
	d.res.Of = of.seq
	switch {
	case c.Flag == "" && of.kind != events.FigureStated:
		d.refuse(events.NothingToDo, "figure", events.Args{"field": "of", "value": of.seq.String()})
	case c.Flag == events.LotExpired && (of.kind == events.CarriedOver || of.kind == events.CarriedIn) && d.s.brought(of).expires < d.today:
		// Expiry comes with time alone; it is the event that brought the lot that is explained, once it has come.
	case c.Flag != "" && !slices.Contains(of.flags, c.Flag):
		d.refuse(events.NothingToDo, "flag", events.Args{"field": "flag", "value": string(c.Flag), "seq": of.seq.String()})
	}
}

func (d *decision) bankLine() {
	if d.c.Balance == "" {
		return
	}
	if b := d.c.Balance.Decimal(); !b.Equal(b.Truncate(int32(d.decimals))) {
		d.refuse(events.BadValue, "amount-decimals", events.Args{
			"field": "balance", "value": string(d.c.Balance), "decimals": strconv.Itoa(d.decimals), "currency": d.s.currency,
		})
	}
}

// bankMatched finds the bank lines and the events, which must be free and come to the same. Lines that no event belongs to may be matched with
// none, where a reason is given: money of another fund, interest, a slip that the bank took back.
func (d *decision) bankMatched() {
	c := d.c
	var bank, book decimal.Decimal
	seen := map[events.Seq]bool{}
	resolve := func(field string, refs []events.Ref, sum *decimal.Decimal, kinds ...events.Kind) (found []events.Seq) {
		for _, r := range refs {
			en := d.target(field, r, 0, kinds...)
			if en == nil {
				continue
			}
			args := events.Args{"field": field, "value": r.String(), "kind": string(en.kind)}
			switch {
			case seen[en.seq]:
				d.refuse(events.BadValue, "named-twice", args)
			case en.cash == "":
				d.refuse(events.WrongTarget, "no-cash", args)
			case en.match != 0:
				args["seq"] = en.match.String()
				d.refuse(events.AlreadyMatched, "", args)
			}
			seen[en.seq] = true
			amount := decimal.New(int64(en.amount), 0)
			if en.cash == events.Out {
				amount = amount.Neg()
			}
			*sum = sum.Add(amount)
			found = append(found, en.seq)
		}
		return found
	}
	d.res.BankLines = resolve("bank_lines", c.BankLines, &bank, events.BankLine)
	d.res.Matched = resolve("events", c.Matched, &book, events.Disbursed, events.ClawedBack)
	if d.err == nil && len(c.Matched) > 0 && !bank.Equal(book) {
		places := int32(d.decimals)
		d.refuse(events.Unbalanced, "bank", events.Args{"from": bank.Shift(-places).StringFixed(places), "to": book.Shift(-places).StringFixed(places)})
	}
}

// monthClosed closes a month of the year, and so those before it.
func (d *decision) monthClosed() {
	month := d.c.Month
	args := events.Args{"field": "month", "value": month.String(), "from": d.y.from.String(), "to": d.y.to.String(), "year": d.c.Year.String()}
	switch through := d.y.through(); {
	case month.Last() < d.y.from || month.First() > d.y.to:
		d.refuse(events.BadValue, "month-outside", args)
	case through != noDay && month.Last() <= through:
		args["date"] = through.String()
		d.refuse(events.NothingToDo, "month", args)
	case month.Last() >= d.today:
		d.stop(events.FutureDate, events.Args{"date": month.Last().String(), "today": d.today.String()})
	}
}

func (d *decision) yearClosed() {
	all := d.y.root.below
	notZero := func(m events.Measure, a events.Minor) {
		if a != 0 && d.err == nil {
			d.refuse(events.NotZero, "", events.Args{
				"measure": string(m), "amount": a.Format(d.decimals), "fund": string(d.c.Fund), "year": d.c.Year.String(),
			})
		}
	}
	notZero(events.CommittedM, all.Committed)
	notZero(events.SuspenseM, all.Suspense)
	if d.y.budgeted {
		notZero(events.AvailableM, all.Available())
		for _, l := range d.y.lines {
			if l != d.y.root && l.free.Available() != 0 {
				d.flag(events.LeafNotZero)
			}
		}
	}
	for _, l := range d.y.lots {
		if l.totals.Available() != 0 {
			d.flag(events.LeafNotZero)
		}
	}
}

func (d *decision) yearReopened() {
	people := slices.Compact(slices.Sorted(slices.Values(d.c.Approvers)))
	if len(people) < 2 {
		d.refuse(events.TwoPeople, "", events.Args{"field": "approvers", "value": strings.Join(d.c.Approvers, ", ")})
	}
}

func (d *decision) figureStated() {
	c := d.c
	if c.Line != "" {
		if d.line(d.y, c.Line, true); d.err != nil {
			return
		}
	}
	for _, r := range c.SumOf {
		if of := d.target("sum_of", r.Ref, 0, events.FigureStated); of != nil {
			n := int64(of.seq)
			if r.Minus {
				n = -n
			}
			d.res.SumOf = append(d.res.SumOf, n)
		}
	}
	for _, r := range c.QuotientOf {
		if of := d.target("quotient_of", r, 0, events.FigureStated); of != nil {
			d.res.QuotientOf = append(d.res.QuotientOf, of.seq)
		}
	}
}
