package figures

import (
	"math/big"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/exceptions"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Class says what a contradiction is.
type Class string

// The classes: what rounding accounts for; stated figures that contradict each other; stated figures that the ledger does not bear out, or that cannot
// be compared; what is out of order in the ledger itself.
const (
	Rounding    Class = "rounding"
	Wrong       Class = "error"
	Unexplained Class = "unexplained"
	Breach      Class = "breach"
)

// A Contradiction is one thing that does not agree. Stated, Computed and Difference are in Unit, and null where there is no such number; Difference is
// Computed less Stated.
type Contradiction struct {
	ID                           events.ID
	Class                        Class
	Stated, Computed, Difference sheet.Cell
	Unit                         sheet.Cell
	Line                         events.Line // "" where it is of none
	Words                        sheet.Cell
	Events                       []events.Seq // ascending

	keep func(*history.Posting) bool // the postings whose events are added to Events
}

// A Comparison is what a year's stated figures come to when they are held against the ledger and against each other.
type Comparison struct {
	Stated        int // figures looked at
	Closed        int // contradictions of figures that have been explained, which are not listed
	Contradicting []Contradiction
}

// Check compares. Open are the year's open exceptions.
//
// A figure is compared up to three times: as a measure of a line with the ledger, as a sum with the figures that it is the sum of, as a quotient with its two.
// An explained event closes what it names: a stated figure's contradictions, or the comparison with the ledger of those figures of its line and
// measure that had been stated by then. Besides the open exceptions, a group without money of its own is a breach where it is over its budget through
// lines whose exceptions are open, until what is available of it is explained; and a reserve that shows spending of its own is unexplained, until that is.
func Check(h *history.History, q history.Query, open []exceptions.Exception) (*Comparison, error) {
	y, err := h.Year(q.Year)
	if err != nil {
		return nil, err
	}
	c := &check{h: h, y: y, q: q, out: &Comparison{}, balances: map[events.Day][]history.Balance{}, place: map[events.Line]int{}}
	c.lines = y.Lines()
	for i, l := range c.lines {
		c.place[l.Code] = i
	}
	for _, s := range h.Figures(y, q) {
		c.out.Stated++
		if err := c.figure(s); err != nil {
			return nil, err
		}
	}
	if err := c.reserves(); err != nil {
		return nil, err
	}
	if err := c.breaches(open); err != nil {
		return nil, err
	}
	c.sources()
	return c.out, nil
}

type check struct {
	h        *history.History
	y        *history.Year
	q        history.Query
	lines    []history.Line
	place    map[events.Line]int
	balances map[events.Day][]history.Balance // by the last day that counts
	out      *Comparison
}

// unlimited is the key of the balances without a limit.
const unlimited = events.Day(1<<31 - 1)

// balance is what a line adds up to by the earlier of the date asked for and that of the figure.
func (c *check) balance(line events.Line, asOf *events.Day) (*history.Balance, error) {
	q := c.until(asOf)
	key := unlimited
	if q.AsOf != nil {
		key = *q.AsOf
	}
	all, ok := c.balances[key]
	if !ok {
		var err error
		if all, err = c.h.Balances(c.y, q); err != nil {
			return nil, err
		}
		c.balances[key] = all
	}
	return &all[c.place[line]], nil
}

func (c *check) until(asOf *events.Day) history.Query {
	q := c.q
	if asOf != nil && (q.AsOf == nil || *asOf < *q.AsOf) {
		q.AsOf = asOf
	}
	return q
}

// below reports whether line is under or is itself.
func (c *check) below(under, line events.Line) bool {
	for line != under && line != events.Root {
		line = c.lines[c.place[line]].Parent
	}
	return line == under
}

// sources adds the events whose postings stand in what was computed, in one walk of the log.
func (c *check) sources() {
	var computed []*Contradiction
	for i := range c.out.Contradicting {
		if x := &c.out.Contradicting[i]; x.keep != nil {
			computed = append(computed, x)
		}
	}
	if len(computed) > 0 {
		c.h.Postings(c.y, func(p *history.Posting) {
			for _, x := range computed {
				if x.keep(p) && (len(x.Events) == 0 || x.Events[len(x.Events)-1] != p.Seq) {
					x.Events = append(x.Events, p.Seq)
				}
			}
		})
	}
	for i := range c.out.Contradicting {
		x := &c.out.Contradicting[i]
		slices.Sort(x.Events)
		x.Events = slices.Compact(x.Events)
	}
}

// explained reports whether somebody explained a stated figure.
func (c *check) explained(s *history.Stated) bool {
	return slices.ContainsFunc(c.h.Explanations(), func(x history.Explanation) bool { return x.Of == s.Seq && x.Flag == "" })
}

// explainedLine reports whether somebody explained a measure of a line after that event.
func (c *check) explainedLine(line events.Line, m events.Measure, after events.Seq) bool {
	return slices.ContainsFunc(c.h.Explanations(), func(x history.Explanation) bool {
		return x.Of == 0 && x.Year == c.y.Year && x.Line == line && x.Measure == m && x.Seq > after
	})
}

// first and last are the events of the first and last posting that keep chooses.
func (c *check) first(keep func(*history.Posting) bool) (n events.Seq) {
	c.h.Postings(c.y, func(p *history.Posting) {
		if n == 0 && keep(p) {
			n = p.Seq
		}
	})
	return n
}

func (c *check) last(keep func(*history.Posting) bool) (n events.Seq) {
	c.h.Postings(c.y, func(p *history.Posting) {
		if keep(p) {
			n = p.Seq
		}
	})
	return n
}

// figure compares one stated figure in every way that it can be.
func (c *check) figure(s *history.Stated) error {
	before := len(c.out.Contradicting)
	v := c.value(s)
	if s.Measure != "" && v.unit.kind != free {
		if err := c.ledger(s, v); err != nil {
			return err
		}
		if len(c.out.Contradicting) > before && c.explainedLine(s.Line, s.Measure, s.Seq) {
			c.out.Contradicting = c.out.Contradicting[:before]
			c.out.Closed++
		}
	}
	if len(s.SumOf) > 0 {
		c.sum(s, v)
	}
	if len(s.QuotientOf) == 2 {
		c.quotient(s, v)
	}
	if n := len(c.out.Contradicting) - before; n > 0 && c.explained(s) {
		c.out.Contradicting = c.out.Contradicting[:before]
		c.out.Closed += n
	}
	return nil
}

// A unit is what a stated figure is counted in.
type unit struct {
	kind unitKind
	text string
	by   *big.Rat // how much of the currency's unit one of it is
}

type unitKind uint8

const (
	free unitKind = iota
	money
	percent
)

func (c *check) unit(text string) unit {
	u := unit{money, text, big.NewRat(1, 1)}
	switch text {
	case string(sheet.Yuan), c.h.Currency():
	case string(sheet.Wan):
		u.by.SetInt64(10_000)
	case string(sheet.Yi):
		u.by.SetInt64(100_000_000)
	case "%":
		u.kind = percent
	default:
		u.kind = free
	}
	return u
}

// as reports whether two figures can be added.
func (u unit) as(v unit) bool { return u.kind == v.kind && (u.kind != free || u.text == v.text) }

// A value is a stated figure as a number.
type value struct {
	of     *history.Stated
	number *big.Rat
	step   *big.Rat
	places int // digits after the point, as stated
	unit   unit
}

// rat reads a plain decimal, which a stored number is.
func rat(n events.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return new(big.Rat)
	}
	return r
}

func places(n events.Number) int {
	_, frac, _ := strings.Cut(string(n), ".")
	return len(frac)
}

func (c *check) value(s *history.Stated) *value {
	v := &value{of: s, number: rat(s.Value), places: places(s.Value), unit: c.unit(s.Unit)}
	if s.Step != "" {
		v.step = rat(s.Step)
	} else {
		v.step = new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.places)), nil))
	}
	return v
}

// in is the number counted in another unit of its kind.
func (v *value) in(u unit, n *big.Rat) *big.Rat {
	if v.unit.kind != money || u.kind != money {
		return n
	}
	return new(big.Rat).Quo(new(big.Rat).Mul(n, v.unit.by), u.by)
}

// round returns r rounded half up to a step, a negative one away from zero. A step of zero is exact.
func round(r, step *big.Rat) *big.Rat {
	if step.Sign() == 0 {
		return r
	}
	n := new(big.Rat).Quo(new(big.Rat).Abs(r), step)
	n.Add(n, big.NewRat(1, 2))
	whole := new(big.Rat).SetInt(new(big.Int).Quo(n.Num(), n.Denom()))
	whole.Mul(whole, step)
	if r.Sign() < 0 {
		whole.Neg(whole)
	}
	return whole
}

// mostPlaces is how far a quotient that does not end is written.
const mostPlaces = 8

// decimal writes a number exactly where it ends within eight places, and with at least so many.
func decimal(r *big.Rat, least int) string {
	n, exact := r.FloatPrec()
	if !exact || n > mostPlaces {
		n = mostPlaces
	}
	return r.FloatString(max(n, least))
}

// words is the unit as people read it.
func (c *check) words(u unit) sheet.Cell {
	if u.kind != money {
		return sheet.Words(u.text)
	}
	currency := sheet.Member{Name: "currency", Value: sheet.Words(c.h.Currency())}
	cny := c.h.Currency() == "CNY"
	switch {
	case u.text == string(sheet.Wan) && cny:
		return sheet.Say("check.unit.CNY.wan")
	case u.text == string(sheet.Wan):
		return sheet.Say("check.unit.other.wan", currency)
	case u.text == string(sheet.Yi) && cny:
		return sheet.Say("check.unit.CNY.yi")
	case u.text == string(sheet.Yi):
		return sheet.Say("check.unit.other.yi", currency)
	case cny:
		return sheet.Say("unit.CNY.yuan")
	}
	return sheet.Say("unit.other.yuan", currency)
}

// code is the unit for programs, with words for people.
func (c *check) code(u unit) sheet.Cell {
	switch {
	case u.kind != money || u.text == c.h.Currency():
		return sheet.Words(u.text)
	case c.h.Currency() == "CNY":
		return sheet.Term("unit.CNY", u.text)
	}
	return sheet.Term("unit.other", u.text)
}

// what is what a figure is called: by its own name, or by its measure and line.
func what(s *history.Stated) sheet.Cell {
	if s.Name != "" {
		return sheet.Words(s.Name)
	}
	measure, line := sheet.Member{Name: "measure", Value: sheet.Term("measure", string(s.Measure))}, sheet.Member{Name: "line", Value: sheet.Words(string(s.Line))}
	if s.AsOf != nil {
		return sheet.Say("check.what-as-of", measure, line, sheet.Member{Name: "date", Value: sheet.Words(s.AsOf.String())})
	}
	return sheet.Say("check.what", measure, line)
}

// args are what every sentence about a figure speaks of, and more.
func (c *check) args(v *value, more ...sheet.Member) []sheet.Member {
	return append([]sheet.Member{
		{Name: "what", Value: what(v.of)}, {Name: "stated", Value: sheet.Words(string(v.of.Value))}, {Name: "unit", Value: c.words(v.unit)},
	}, more...)
}

// row begins the row of a contradiction of a figure; there is nothing computed yet.
func (c *check) row(v *value, class Class, words sheet.Cell, seqs ...events.Seq) *Contradiction {
	var line events.Line
	if v.of.Measure != "" {
		line = v.of.Line
	}
	c.out.Contradicting = append(c.out.Contradicting, Contradiction{
		ID: v.of.ID, Class: class, Line: line, Stated: sheet.Plain(string(v.of.Value)), Unit: c.code(v.unit), Words: words, Events: append(seqs, v.of.Seq),
	})
	return &c.out.Contradicting[len(c.out.Contradicting)-1]
}

// compare makes a row where what was computed does not agree. slack is what the rounding of terms may come to.
func (c *check) compare(v *value, computed, slack *big.Rat, class Class, sentence string, args []sheet.Member, seqs ...events.Seq) *Contradiction {
	if round(computed, v.step).Cmp(v.number) == 0 {
		return nil
	}
	difference := new(big.Rat).Sub(computed, v.number)
	size := new(big.Rat).Abs(difference)
	if size.Cmp(v.step) < 0 || slack != nil && size.Cmp(slack) <= 0 {
		class = Rounding
	}
	got, off := decimal(computed, v.places), decimal(difference, v.places)
	args = c.args(v, append(args, sheet.Member{Name: "computed", Value: sheet.Words(got)}, sheet.Member{Name: "difference", Value: sheet.Words(off)})...)
	x := c.row(v, class, sheet.Say(sentence, args...), seqs...)
	x.Computed, x.Difference = sheet.Plain(got), sheet.Plain(off)
	return x
}

// ledger compares a figure with the ledger's own.
func (c *check) ledger(s *history.Stated, v *value) error {
	b, err := c.balance(s.Line, s.AsOf)
	if err != nil {
		return err
	}
	if (s.Measure == events.RateM) != (v.unit.kind == percent) {
		c.row(v, Unexplained, sheet.Say("check.measure-unit", c.args(v, sheet.Member{Name: "measure", Value: sheet.Term("measure", string(s.Measure))})...))
		return nil
	}
	if !c.y.Budgeted && slices.Contains([]events.Measure{events.AdjustedM, events.AvailableM, events.RateM}, s.Measure) {
		c.row(v, Unexplained, sheet.Say("check.no-budget", c.args(v)...))
		return nil
	}
	if s.Measure == events.RateM {
		c.rate(s, v, b)
		return nil
	}
	t := &b.All
	in := func(m events.Minor) *big.Rat {
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.h.Decimals())), nil)
		return new(big.Rat).Quo(new(big.Rat).SetFrac(big.NewInt(int64(m)), scale), v.unit.by)
	}
	term := func(name string, m events.Minor) sheet.Member {
		return sheet.Member{Name: name, Value: sheet.Words(decimal(in(m), 0))}
	}
	var computed events.Minor
	how := sheet.Say("check.posted")
	of := measures(s.Measure)
	switch s.Measure {
	case events.SpentM:
		computed, of = t.Spent(), spent
		how = sheet.Say("check.spent", term("disbursed", t.Disbursed), term("returned", t.Returned))
	case events.AdjustedM:
		computed, of = t.Adjusted(), budget
		how = sheet.Say("check.adjusted", term("original", t.Original), term("supplementary", t.Supplementary), term("reallocated", t.Reallocated),
			term("carried_in", t.CarriedIn))
	case events.AvailableM:
		computed, of = t.Available(), available
		how = sheet.Say("check.available", term("adjusted", t.Adjusted()), term("spent", t.Spent()), term("committed", t.Committed), term("lapsed", t.Lapsed),
			term("carried_out", t.CarriedOut))
	case events.InTransitM:
		t = &b.Sent
		computed = b.InTransit()
		of = func(p *history.Posting) bool {
			return p.Channel == events.LowerTreasury && (spent(p) || p.Measure == events.ConfirmedM)
		}
		how = sheet.Say("check.in-transit", term("disbursed", t.Disbursed), term("returned", t.Returned), term("confirmed", t.Confirmed))
	default:
		computed = *t.Of(s.Measure)
	}
	if x := c.compare(v, in(computed), nil, Unexplained, "check.ledger", []sheet.Member{{Name: "how", Value: how}}); x != nil {
		x.keep = c.kept(s, of)
	}
	return nil
}

// available are the measures that free money is made of.
func available(p *history.Posting) bool {
	return budget(p) || spent(p) || p.Measure == events.CommittedM || p.Measure == events.LapsedM || p.Measure == events.CarriedOutM
}

// kept chooses the postings that count for a figure.
func (c *check) kept(s *history.Stated, of func(*history.Posting) bool) func(*history.Posting) bool {
	q := c.until(s.AsOf)
	return func(p *history.Posting) bool {
		return of(p) && (q.Basis == "" || p.Basis == q.Basis) && (q.AsOf == nil || p.Counts <= *q.AsOf) && c.below(s.Line, p.Line)
	}
}

// share is what is divided for a rate over a denominator.
func share(b *history.Balance, d history.Denominator) (part, whole events.Minor) {
	switch d {
	case history.OverOriginal:
		return b.All.Spent(), b.All.Original
	case history.OverNet:
		net, ok := b.All.Adjusted().Add(-b.All.Lapsed)
		if !ok {
			return b.All.Spent(), 0
		}
		return b.All.Spent(), net
	case history.OverCurrent:
		return b.Free.Spent(), b.Free.Adjusted()
	}
	return b.All.Spent(), b.All.Adjusted()
}

func (c *check) rate(s *history.Stated, v *value, b *history.Balance) {
	if s.Denominator == "" {
		over := func(d history.Denominator) sheet.Member {
			rate := "–"
			if r := b.Rate(d); r != "" {
				rate = r + "%"
			}
			return sheet.Member{Name: string(d), Value: sheet.Words(rate)}
		}
		x := c.row(v, Unexplained, sheet.Say("check.no-denominator",
			c.args(v, over(history.OverOriginal), over(history.OverAdjusted), over(history.OverNet), over(history.OverCurrent))...))
		x.keep = c.kept(s, func(p *history.Posting) bool { return spent(p) || budget(p) || p.Measure == events.LapsedM })
		return
	}
	part, whole := share(b, s.Denominator)
	of := func(p *history.Posting) bool { return spent(p) || budget(p) }
	terms := []sheet.Member{
		{Name: "spent", Value: sheet.Words(part.Format(c.h.Decimals()))}, {Name: "over", Value: sheet.Words(whole.Format(c.h.Decimals()))},
	}
	how := sheet.Say("check.rate.adjusted", terms...)
	switch s.Denominator {
	case history.OverOriginal:
		of = func(p *history.Posting) bool { return spent(p) || p.Measure == events.Original }
		how = sheet.Say("check.rate.original", terms...)
	case history.OverNet:
		of = func(p *history.Posting) bool { return spent(p) || budget(p) || p.Measure == events.LapsedM }
		how = sheet.Say("check.rate.net", terms...)
	case history.OverCurrent:
		of = func(p *history.Posting) bool { return (spent(p) || budget(p)) && p.Lot == "" }
		how = sheet.Say("check.rate.current", terms...)
	}
	args := []sheet.Member{{Name: "how", Value: how}}
	var x *Contradiction
	if whole <= 0 {
		x = c.row(v, Unexplained, sheet.Say("check.no-rate", c.args(v, args...)...))
	} else {
		x = c.compare(v, hundredfold(big.NewRat(int64(part), int64(whole))), nil, Unexplained, "check.ledger", args)
	}
	if x != nil {
		x.keep = c.kept(s, of)
	}
}

func hundredfold(r *big.Rat) *big.Rat { return r.Mul(r, big.NewRat(100, 1)) }

// mostTerms is how many parts a sentence names.
const mostTerms = 12

func (c *check) reversed(v *value, n events.Seq) bool {
	if !c.h.Event(n).Reversed {
		return false
	}
	c.row(v, Unexplained, sheet.Say("check.reversed", c.args(v, sheet.Member{Name: "seq", Value: sheet.Number(n)})...), n)
	return true
}

// sum compares a figure with those that it claims to be the sum of.
func (c *check) sum(s *history.Stated, v *value) {
	total, slack := new(big.Rat), new(big.Rat)
	var seqs []events.Seq
	var terms sheet.Cell
	for i, signed := range s.SumOf {
		n := events.Seq(signed)
		if signed < 0 {
			n = events.Seq(-signed)
		}
		of := c.h.Figure(n)
		if of == nil || c.reversed(v, n) {
			return
		}
		part := c.value(of)
		if !part.unit.as(v.unit) {
			c.row(v, Unexplained, sheet.Say("check.units", c.args(v, sheet.Member{Name: "other", Value: c.termUnit(part)})...), n)
			return
		}
		number := part.in(v.unit, part.number)
		half := new(big.Rat).Mul(part.in(v.unit, part.step), big.NewRat(1, 2))
		slack.Add(slack, half)
		seqs = append(seqs, n)
		if i < mostTerms {
			terms = joined(terms, signed < 0, term(of, number))
		}
		if signed < 0 {
			number = new(big.Rat).Neg(number)
		}
		total.Add(total, number)
	}
	if n := len(s.SumOf); n > mostTerms {
		terms = sheet.Say("check.more", sheet.Member{Name: "left", Value: terms}, sheet.Member{Name: "n", Value: sheet.Number(n)})
	}
	sentence := "check.sum"
	if len(s.SumOf) == 1 && s.SumOf[0] > 0 { // said in two places
		sentence = "check.same"
	}
	c.compare(v, total, slack, Wrong, sentence, []sheet.Member{{Name: "terms", Value: terms}}, seqs...)
}

func joined(left sheet.Cell, minus bool, right sheet.Cell) sheet.Cell {
	args := []sheet.Member{{Name: "left", Value: left}, {Name: "right", Value: right}}
	switch {
	case left.Kind == sheet.Null && minus:
		return sheet.Say("check.negative", args[1])
	case left.Kind == sheet.Null:
		return right
	case minus:
		return sheet.Say("check.minus", args...)
	}
	return sheet.Say("check.plus", args...)
}

func term(of *history.Stated, number *big.Rat) sheet.Cell {
	return sheet.Say("check.term", sheet.Member{Name: "value", Value: sheet.Words(decimal(number, 0))}, sheet.Member{Name: "what", Value: what(of)})
}

func (c *check) termUnit(v *value) sheet.Cell {
	return sheet.Say("check.term-unit", sheet.Member{Name: "value", Value: sheet.Words(string(v.of.Value))},
		sheet.Member{Name: "unit", Value: c.words(v.unit)}, sheet.Member{Name: "what", Value: what(v.of)})
}

// quotient compares a figure with the two that it claims to be the quotient of. Two amounts of money are divided as money; money for each of something is
// money; other units are taken as they stand.
func (c *check) quotient(s *history.Stated, v *value) {
	a, b := c.h.Figure(s.QuotientOf[0]), c.h.Figure(s.QuotientOf[1])
	if a == nil || b == nil || c.reversed(v, a.Seq) || c.reversed(v, b.Seq) {
		return
	}
	over, under := c.value(a), c.value(b)
	seqs := []events.Seq{a.Seq, b.Seq}
	args := []sheet.Member{{Name: "over", Value: c.termUnit(over)}, {Name: "under", Value: c.termUnit(under)}}
	top, bottom := over.number, under.number
	switch {
	case over.unit.kind == money && under.unit.kind == money:
		bottom = under.in(over.unit, bottom)
	case over.unit.kind == money && v.unit.kind == money:
		top = over.in(v.unit, top)
	}
	fits := true
	switch v.unit.kind {
	case money: // so much for each
		fits = over.unit.kind == money && under.unit.kind != money
	case percent: // a part of the same
		fits = over.unit.kind == under.unit.kind
	}
	switch {
	case !fits:
		c.row(v, Unexplained, sheet.Say("check.units", c.args(v, sheet.Member{Name: "other", Value: c.termUnit(over)})...), seqs...)
		return
	case bottom.Sign() == 0:
		c.row(v, Unexplained, sheet.Say("check.zero", c.args(v, args...)...), seqs...)
		return
	}
	computed := new(big.Rat).Quo(top, bottom)
	if v.unit.kind == percent {
		hundredfold(computed)
	}
	c.compare(v, computed, nil, Wrong, "check.quotient", args, seqs...)
}

// reserves finds the lines that were opened as reserves, whose money is for other lines, and show spending of their own.
func (c *check) reserves() error {
	for i, l := range c.lines {
		if !l.Reserve {
			continue
		}
		b, err := c.balance(l.Code, nil)
		if err != nil {
			return err
		}
		amount := b.All.Spent()
		if amount == 0 {
			continue
		}
		line := c.lines[i].Code
		keep := c.kept(&history.Stated{Line: line}, spent)
		if c.explainedLine(line, events.SpentM, c.last(keep)) {
			c.out.Closed++
			continue
		}
		cell := sheet.Money(amount, c.h.Decimals())
		first, err := c.h.Stored(c.first(keep))
		if err != nil {
			return err
		}
		c.out.Contradicting = append(c.out.Contradicting, Contradiction{
			ID: first.ID, Class: Unexplained, Stated: sheet.Money(0, c.h.Decimals()), Computed: cell, Difference: cell, Unit: sheet.MoneyUnit(), Line: line,
			Words: sheet.Say("check.reserve", sheet.Member{Name: "line", Value: sheet.Words(string(line))}, sheet.Member{Name: "amount", Value: cell}),
			keep:  keep,
		})
	}
	return nil
}

// breaches lists the open exceptions, those of lines with the groups that they bring over their budgets. They follow the log, as exceptions do.
func (c *check) breaches(open []exceptions.Exception) error {
	balances, err := c.h.Balances(c.y, history.Query{Year: c.y.Year})
	if err != nil {
		return err
	}
	of := map[events.Line]*exceptions.Exception{}
	over := map[events.Line]bool{} // lines above those that are
	for i := range open {
		if x := &open[i]; x.Code == events.OverBudget {
			of[x.Line] = x
			for l := x.Line; l != events.Root; {
				l = c.lines[c.place[l]].Parent
				over[l] = true
			}
		}
	}
	for i, l := range c.lines {
		x := of[l.Code]
		free := &balances[i].Free
		if x == nil && (!over[l.Code] || free.Available() >= 0) {
			continue
		}
		had, excess := free.Adjusted(), -free.Available()
		used, ok := had.Add(excess)
		if !ok {
			return &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.AvailableM)}}
		}
		row := Contradiction{
			Class: Breach, Stated: sheet.Money(had, c.h.Decimals()), Computed: sheet.Money(used, c.h.Decimals()), Difference: sheet.Money(excess, c.h.Decimals()),
			Unit: sheet.MoneyUnit(), Line: l.Code,
			keep: func(p *history.Posting) bool { return p.Lot == "" && available(p) && c.below(l.Code, p.Line) },
		}
		if x == nil && c.explainedLine(l.Code, events.AvailableM, c.last(row.keep)) {
			c.out.Closed++
			continue
		}
		args := []sheet.Member{
			{Name: "line", Value: sheet.Words(string(l.Code))},
			{Name: "stated", Value: row.Stated},
			{Name: "computed", Value: row.Computed},
			{Name: "difference", Value: row.Difference},
		}
		if x != nil {
			began, err := c.h.Stored(x.Seq)
			if err != nil {
				return err
			}
			row.ID = began.ID
			row.Words = sheet.Say("check.over-budget", append(args, sheet.Member{Name: "seq", Value: sheet.Number(x.Seq)})...)
		} else {
			row.Words = sheet.Say("check.over-budget-group", args...)
		}
		c.out.Contradicting = append(c.out.Contradicting, row)
	}
	for i := range open {
		x := &open[i]
		if x.Code == events.OverBudget {
			continue
		}
		amount := sheet.Cell{}
		if x.Amount != 0 {
			amount = sheet.Money(x.Amount, c.h.Decimals())
		}
		began, err := c.h.Stored(x.Seq)
		if err != nil {
			return err
		}
		c.out.Contradicting = append(c.out.Contradicting, Contradiction{
			ID: began.ID, Class: Breach, Difference: amount, Unit: sheet.MoneyUnit(), Line: x.Line, Words: x.Message(amount), Events: []events.Seq{x.Seq},
		})
	}
	return nil
}

// Failed reports whether an error or a breach stands on a sheet of [CheckTable].
func Failed(s *sheet.Sheet) bool {
	t := s.Tables[0]
	at := t.Column("class")
	for row := range t.Rows {
		if class := Class(row.Cells[at].Text()); class == Wrong || class == Breach {
			return true
		}
	}
	return false
}

// CheckTable is the contradictions of a year as a sheet.
func CheckTable(h *history.History, q history.Query, all []exceptions.Exception, open history.Open) (*sheet.Sheet, error) {
	s, _, err := h.Sheet("check", q, open, false)
	if err != nil {
		return nil, err
	}
	found, err := Check(h, q, all)
	if err != nil {
		return nil, err
	}
	count := map[Class]int{}
	for _, x := range found.Contradicting {
		count[x.Class]++
	}
	face := []sheet.Member{{Name: "n", Value: sheet.Number(found.Stated)}, {Name: "closed", Value: sheet.Number(found.Closed)}}
	for _, class := range []Class{Wrong, Breach, Unexplained, Rounding} {
		face = append(face, sheet.Member{Name: string(class), Value: sheet.Number(count[class])})
	}
	s.Face = append(s.Face, sheet.Say("face.check", face...))
	if found.Stated == 0 {
		s.Face = append(s.Face, sheet.Say("face.check-nothing"))
	}
	s.Tables = []*sheet.Table{{
		Name: "rows", Text: []string{"class", "id", "line", "stated", "computed", "difference", "unit", "events", "words"},
		Columns: []sheet.Column{
			{Name: "id"},
			{Name: "class"},
			{Name: "stated", Right: true},
			{Name: "computed", Right: true},
			{Name: "difference", Right: true},
			{Name: "unit"},
			{Name: "line"},
			{Name: "words"},
			{Name: "events"},
		},
		Rows: func(yield func(sheet.Row) bool) {
			for i := range found.Contradicting {
				x := &found.Contradicting[i]
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Words(string(x.ID)), sheet.Term("class", string(x.Class)), x.Stated, x.Computed, x.Difference, x.Unit, sheet.Words(string(x.Line)), x.Words, sheet.Numbers(x.Events),
				}}) {
					return
				}
			}
		},
	}}
	return s, nil
}
