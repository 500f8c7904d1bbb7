package closing

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/progress"

	"github.com/shopspring/decimal"
)

// Where says on what the money that lapses lies.
type Where string

// Each line gives back its own free money, or the fund gives it back as a whole, undivided.
const (
	OnLines Where = "lines"
	OnFund  Where = "fund"
)

// Wheres lists them.
var Wheres = []Where{OnLines, OnFund}

// A Policy is what people have decided about the end of a year.
type Policy struct {
	// Date is the business date of the commands.
	Date events.Day
	// Carry is what keeps its purpose; all other free money lapses.
	Carry []Carry
	// Lapse is where that lies; "" is [OnLines], and what the figures say where those are followed.
	Lapse Where
	// Stated follows the figures that a report states of the year: its measures lapsed and carried_out.
	Stated bool
	// Release gives back what is committed and not paid.
	Release bool
	// Documents stand on every command.
	Documents []string
}

// A Carry is money of a line that keeps its purpose. A lot of the year is carried on under its name; any other name begins a lot, and no name is the next free
// CO-YEAR-N.
type Carry struct {
	Line         events.Line
	Amount       events.Minor
	Lot, Purpose string
	// Of are the stated figures that say so.
	Of []events.Seq
}

// A Step is one command of a plan.
type Step struct {
	Kind         events.Kind
	Cause        events.Cause
	Line         events.Line
	Lot, Purpose string
	Amount       events.Minor
	Of           events.Seq // the commitment released
	Command      []byte     // JSON, as it can be appended
}

// An Ask is what a plan cannot decide: its name among the words of the command line, with what it is about.
type Ask struct {
	What string
	Args map[string]string
}

// A Plan is the commands that close a year, in an order in which a ledger takes them, and what has to be decided or settled before. Where there is anything to
// ask the steps end before the year's closing.
type Plan struct {
	Steps []Step
	Asks  []Ask
}

// Draft makes the plan of a year. It guesses nothing: where the policy and the stated figures leave something open, it asks.
func Draft(h *history.History, year events.Year, p Policy) (*Plan, error) {
	y, err := h.Year(year)
	if err != nil {
		return nil, err
	}
	d := &drafter{h: h, y: y, policy: p, plan: &Plan{}, free: map[events.Line]events.Minor{}, lapsed: map[events.Line]events.Minor{}, carriedOut: map[events.Line]events.Minor{}}
	if y.Closed {
		d.ask("closed", nil)
		return d.plan, nil
	}
	if err := d.read(); err != nil {
		return nil, err
	}
	if err := d.waiting(); err != nil {
		return nil, err
	}
	if p.Stated {
		if err := d.stated(); err != nil {
			return nil, err
		}
	}
	if len(d.plan.Asks) == 0 {
		d.carry()
	}
	if len(d.plan.Asks) == 0 {
		d.lapse()
	}
	if len(d.plan.Asks) == 0 {
		d.step(Step{Kind: events.YearClosed}, "")
	}
	return d.plan, nil
}

type drafter struct {
	h      *history.History
	y      *history.Year
	policy Policy
	plan   *Plan

	lines []history.Line
	free  map[events.Line]events.Minor // of each line its own free money, without lots
	// Of each line what lapsed and was carried out already, of the root that of the fund.
	lapsed, carriedOut map[events.Line]events.Minor
	lots               []lotLeft
	basis              events.Basis // of what follows stated figures
	// lapsing is what a stated figure says of the lapse: of lines, by their codes; nil where none does.
	lapsing map[events.Line]rounded
}

type lotLeft struct {
	*history.Lot
	left  events.Minor
	moved bool // a carry of the policy has taken of it
}

// A rounded amount is one that may have been rounded to a step.
type rounded struct {
	amount, step events.Minor
}

// holds reports whether an amount reads as that when it is rounded half up.
func (r rounded) holds(a events.Minor) bool {
	below := r.amount - a
	return below == 0 || r.step > 0 && 2*below <= r.step && -2*below < r.step
}

func (d *drafter) ask(what string, args map[string]string) {
	about := map[string]string{"fund": string(d.h.Fund()), "year": d.y.Year.String()}
	maps.Copy(about, args)
	d.plan.Asks = append(d.plan.Asks, Ask{what, about})
}

func (d *drafter) money(a events.Minor) string { return a.Format(d.h.Decimals()) }

// read finds the free money of each line and what is left of each lot.
func (d *drafter) read() error {
	balances, err := d.h.Balances(d.y, history.Query{Year: d.y.Year})
	if err != nil {
		return err
	}
	lots, err := d.h.LotBalances(d.y, history.Query{Year: d.y.Year})
	if err != nil {
		return err
	}
	d.lines = d.y.Lines()
	for i, l := range d.lines {
		d.free[l.Code] = balances[i].Own.Available()
		d.lapsed[l.Code], d.carriedOut[l.Code] = balances[i].Own.Lapsed, balances[i].Own.CarriedOut
		if l.Code == events.Root {
			d.lapsed[l.Code], d.carriedOut[l.Code] = balances[i].All.Lapsed, balances[i].All.CarriedOut
		}
	}
	for _, l := range lots {
		d.free[l.Line] -= l.Available()
		d.lots = append(d.lots, lotLeft{Lot: l.Lot, left: l.Available()})
	}
	return nil
}

// waiting asks for what a year cannot be closed with, or releases it.
func (d *drafter) waiting() error {
	waits, err := progress.Waits(d.h, history.Query{Year: d.y.Year})
	if err != nil {
		return err
	}
	for _, w := range waits {
		args := map[string]string{"seq": w.Seq.String(), "line": string(w.Line), "amount": d.money(w.Amount)}
		switch {
		case w.Kind == progress.Suspense:
			d.ask("suspense", args)
		case w.Kind == progress.Commitment && !d.policy.Release:
			d.ask("committed", args)
		case w.Kind == progress.Commitment:
			d.step(Step{Kind: events.CommitmentReleased, Of: w.Seq, Amount: w.Amount, Line: w.Line, Lot: w.Lot}, "")
			if at := d.lot(w.Lot); at != nil {
				at.left += w.Amount
			} else {
				d.free[w.Line] += w.Amount
			}
		}
	}
	return nil
}

func (d *drafter) lot(name string) *lotLeft {
	if i := slices.IndexFunc(d.lots, func(l lotLeft) bool { return name != "" && l.Name == name }); i >= 0 {
		return &d.lots[i]
	}
	return nil
}

// carry carries what the policy says, and lots that are not due.
func (d *drafter) carry() {
	next := d.y.Year + 1
	for _, c := range d.policy.Carry {
		left, known := d.free[c.Line]
		from := d.lot(c.Lot)
		switch {
		case from != nil && from.Line == c.Line:
			left, from.moved = from.left, true
		case known && d.onFund():
			left = d.sum()
		}
		args := map[string]string{"line": string(c.Line), "asked": d.money(c.Amount), "left": d.money(left), "lot": c.Lot}
		switch {
		case !known:
			d.ask("carry-line", args)
			continue
		case from != nil && from.Line == c.Line && from.Expires <= d.y.To: // it would have expired where it arrives
			args["expires"] = from.Expires.String()
			d.ask("carry-due", args)
			continue
		case d.y.Budgeted && c.Amount > left || from != nil && c.Amount > left:
			d.ask("carry-more", args)
			continue
		}
		if from != nil && from.Line == c.Line {
			from.left -= c.Amount
		} else {
			d.free[c.Line] -= c.Amount
		}
		d.step(Step{
			Kind: events.CarriedOver, Line: c.Line, Amount: c.Amount, Lot: cmp.Or(c.Lot, d.freeLot(next)), Purpose: c.Purpose,
		}, d.basisOf(c.Line))
	}
	for i := range d.lots { // what keeps its purpose for longer goes on
		l := &d.lots[i]
		if l.left > 0 && l.Expires > d.y.To && !l.moved {
			d.step(Step{Kind: events.CarriedOver, Line: l.Line, Amount: l.left, Lot: l.Name, Purpose: cmp.Or(l.Purpose, l.Name)}, "")
			l.left = 0
		}
	}
}

// freeLot is the next name that no lot of either year has and none of the plan.
func (d *drafter) freeLot(next events.Year) string {
	for n := 1; ; n++ {
		name := "CO-" + d.y.Year.String() + "-" + strconv.Itoa(n)
		used := func(s Step) bool { return s.Lot == name }
		if d.lot(name) != nil || slices.ContainsFunc(d.plan.Steps, used) || slices.ContainsFunc(d.policy.Carry, func(c Carry) bool { return c.Lot == name }) {
			continue
		}
		if there, err := d.h.Year(next); err == nil && slices.ContainsFunc(there.Lots(), func(l *history.Lot) bool { return l.Name == name }) {
			continue
		}
		return name
	}
}

// sum is the free money of the fund.
func (d *drafter) sum() (all events.Minor) {
	for _, a := range d.free {
		all += a
	}
	return all
}

func (d *drafter) onFund() bool {
	_, root := d.lapsing[events.Root]
	return d.policy.Lapse == OnFund || d.policy.Lapse == "" && root
}

// basisOf is how the amount of a command is known. What is a group's own is what nobody has split.
func (d *drafter) basisOf(line events.Line) events.Basis {
	if d.basis != "" {
		return d.basis
	}
	if at := slices.IndexFunc(d.lines, func(l history.Line) bool { return l.Code == line }); at > 0 && !d.lines[at].Leaf {
		return events.Inferred
	}
	return ""
}

// lapse takes back what is left, of lots that are due and of free money.
func (d *drafter) lapse() {
	for _, l := range d.lots {
		if l.left > 0 {
			d.step(Step{Kind: events.ClawedBack, Cause: events.Lapse, Line: l.Line, Lot: l.Name, Amount: l.left}, "")
			d.lapsed[l.Line] += l.left
			if l.Line != events.Root {
				d.lapsed[events.Root] += l.left
			}
		} else if l.left < 0 {
			d.ask("lot-short", map[string]string{"lot": l.Name, "line": string(l.Line), "amount": d.money(-l.left)})
		}
	}
	if !d.y.Budgeted { // what lapses is the rest of nothing
		for _, l := range d.lines {
			if stated, ok := d.lapsing[l.Code]; ok && !stated.holds(d.lapsed[l.Code]) {
				d.ask("stated-unbudgeted", map[string]string{"line": string(l.Code), "lapsed": d.money(d.lapsed[l.Code]), "stated": d.money(stated.amount)})
			}
		}
		return
	}
	all := d.sum()
	var short []string
	for _, l := range d.lines {
		if d.free[l.Code] < 0 {
			short = append(short, string(l.Code))
		}
	}
	take := func(line events.Line, a events.Minor) {
		if stated, ok := d.lapsing[line]; d.lapsing != nil && (!ok && a != 0 || ok && !stated.holds(d.lapsed[line]+a)) {
			d.ask("stated-rest", map[string]string{"line": string(line), "left": d.money(a), "lapsed": d.money(d.lapsed[line]), "stated": d.money(stated.amount)})
			return
		}
		if a > 0 {
			d.step(Step{Kind: events.ClawedBack, Cause: events.Lapse, Line: line, Amount: a}, d.basisOf(line))
		}
	}
	switch {
	case all < 0:
		d.ask("overspent", map[string]string{"amount": d.money(-all)})
	case d.onFund():
		take(events.Root, all)
	case len(short) > 0 && all == 0 && d.lapsesNothing(): // nothing is left of the fund
	case len(short) > 0:
		d.ask("short", map[string]string{"lines": strings.Join(short, " ")})
	default:
		for _, l := range d.lines {
			take(l.Code, d.free[l.Code])
		}
	}
}

// lapsesNothing reports whether no stated figure says that more lapses than has.
func (d *drafter) lapsesNothing() bool {
	for line, stated := range d.lapsing {
		if !stated.holds(d.lapsed[line]) {
			return false
		}
	}
	return true
}

// ID is that of a command which closes something: the same for the same plan, which so is taken once, and another for a plan that is made when more is known.
// A year that was reopened is closed by the same words again.
func ID(h *history.History, what string, n int) string {
	return "close-" + what + "-" + h.Last().String() + "-" + strconv.Itoa(n)
}

// step adds a command to the plan.
func (d *drafter) step(s Step, basis events.Basis) {
	c := events.NewDraft(s.Kind, d.h.Fund(), d.y.Year)
	c.Text("id", ID(d.h, d.y.Year.String(), len(d.plan.Steps)+1)).Text("date", d.policy.Date.String())
	if s.Kind != events.YearClosed {
		c.Text("cause", string(s.Cause))
		if s.Of != 0 {
			c.Ref("of", events.Ref{Seq: s.Of})
		} else {
			c.Text("line", string(s.Line)).Text("lot", s.Lot)
		}
		c.Text("amount", d.money(s.Amount)).Text("purpose", s.Purpose)
		if s.Kind == events.CarriedOver {
			c.Number("to_year", int64(d.y.Year+1))
		}
		c.Text("basis", string(basis))
	}
	c.Texts("documents", d.policy.Documents)
	s.Command = c.JSON()
	d.plan.Steps = append(d.plan.Steps, s)
}

// stated reads what a report says of the lapse and of what was carried over. The carries of the policy, where there are any, take the place of the latter.
func (d *drafter) stated() error {
	lapsed, carried := d.figures(events.LapsedM), d.figures(events.CarriedOutM)
	if len(lapsed)+len(carried) == 0 {
		d.ask("stated-none", nil)
	}
	if len(d.plan.Asks) > 0 {
		return nil
	}
	d.basis, d.lapsing = events.Stated, map[events.Line]rounded{}
	for line, s := range lapsed {
		r, ok := d.amount(s)
		if !ok {
			continue
		}
		d.lapsing[line] = r
		if err := d.document(s); err != nil {
			return err
		}
	}
	if len(lapsed) == 0 { // then nothing may be left
		d.lapsing[events.Root] = rounded{}
	}
	if len(d.policy.Carry) > 0 {
		return nil
	}
	for _, l := range d.lines {
		if s := carried[l.Code]; s != nil {
			if err := d.lotsOf(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// figures are the stated figures of a measure at the year's end, by line. One that is a sum of others of its measure says nothing more than they do.
func (d *drafter) figures(m events.Measure) map[events.Line]*history.Stated {
	all := d.h.Figures(d.y, history.Query{Year: d.y.Year})
	of := func(s *history.Stated) bool {
		return s != nil && s.Measure == m && (s.AsOf == nil || *s.AsOf >= d.y.To)
	}
	out := map[events.Line]*history.Stated{}
	for _, s := range all {
		if !of(s) || len(s.SumOf) > 0 && !slices.ContainsFunc(s.SumOf, func(n int64) bool { return n < 0 || !of(d.h.Figure(events.Seq(n))) }) {
			continue
		}
		if other := out[s.Line]; other != nil {
			a, ok := d.amount(other)
			b, fits := d.amount(s)
			if ok && fits && a.amount != b.amount {
				d.ask("stated-twice", map[string]string{
					"measure": string(m), "line": string(s.Line), "a": d.money(a.amount), "b": d.money(b.amount), "seqs": other.Seq.String() + ", " + s.Seq.String(),
				})
			}
			if len(s.SumOf) < len(other.SumOf) { // the one that says more
				continue
			}
		}
		out[s.Line] = s
	}
	for line := range out {
		for at := d.parent(line); at != ""; at = d.parent(at) {
			if out[at] != nil {
				d.ask("stated-within", map[string]string{"measure": string(m), "line": string(at), "within": string(line)})
			}
		}
	}
	return out
}

// parent is the line above, "" above the root.
func (d *drafter) parent(line events.Line) events.Line {
	if line == events.Root {
		return ""
	}
	if at := slices.IndexFunc(d.lines, func(l history.Line) bool { return l.Code == line }); at >= 0 {
		return d.lines[at].Parent
	}
	return ""
}

// units are how many of the currency's unit, as a power of ten, stated figures are in.
var units = map[string]int32{"yuan": 0, "wan": 4, "yi": 8}

// amount is the money that a stated figure says.
func (d *drafter) amount(s *history.Stated) (out rounded, ok bool) {
	power, known := units[s.Unit]
	value := s.Value.Decimal().Shift(power + int32(d.h.Decimals()))
	step := decimal.New(1, s.Value.Decimal().Exponent()) // its last digit
	if s.Step != "" {
		step = s.Step.Decimal()
	}
	step = step.Shift(power + int32(d.h.Decimals()))
	most := decimal.New(1, 17)
	if !known || value.IsNegative() || !value.IsInteger() || value.GreaterThan(most) {
		d.ask("stated-unit", map[string]string{"seq": s.Seq.String(), "value": string(s.Value), "unit": s.Unit})
		return out, false
	}
	return rounded{events.Minor(value.IntPart()), events.Minor(decimal.Min(step, most).IntPart())}, true
}

// lotsOf makes a carry of each figure that a stated sum of carried money is made of: its purpose is its name, after the colon where that has one.
func (d *drafter) lotsOf(s *history.Stated) error {
	whole, ok := d.amount(s)
	if done := d.carriedOut[s.Line]; !ok || whole.holds(done) { // there is nothing to carry, or it has been
		return nil
	} else if done != 0 {
		d.ask("stated-part", map[string]string{"seq": s.Seq.String(), "line": string(s.Line), "stated": d.money(whole.amount), "done": d.money(done)})
		return nil
	}
	if len(s.SumOf) == 0 {
		d.ask("stated-purpose", map[string]string{"seq": s.Seq.String(), "line": string(s.Line), "amount": d.money(whole.amount)})
		return nil
	}
	var sum events.Minor
	var carries []Carry
	for _, n := range s.SumOf {
		part := d.h.Figure(events.Seq(max(n, 0)))
		if n < 0 || part == nil {
			d.ask("stated-purpose", map[string]string{"seq": s.Seq.String(), "line": string(s.Line), "amount": d.money(whole.amount)})
			return nil
		}
		r, ok := d.amount(part)
		if !ok {
			return nil
		}
		purpose := part.Name
		if at := strings.IndexAny(purpose, ":："); at >= 0 {
			purpose = strings.TrimSpace(strings.TrimLeft(purpose[at:], ":："))
		}
		if purpose == "" {
			d.ask("stated-purpose", map[string]string{"seq": part.Seq.String(), "line": string(s.Line), "amount": d.money(r.amount)})
			return nil
		}
		line := s.Line
		if part.Line != events.Root {
			line = part.Line
		}
		sum += r.amount
		carries = append(carries, Carry{Line: line, Amount: r.amount, Purpose: purpose, Of: []events.Seq{s.Seq, part.Seq}})
	}
	if sum != whole.amount {
		d.ask("stated-sum", map[string]string{"seq": s.Seq.String(), "stated": d.money(whole.amount), "sum": d.money(sum)})
		return nil
	}
	d.policy.Carry = append(d.policy.Carry, carries...)
	return d.document(s)
}

// document puts the report that states a figure on the commands.
func (d *drafter) document(s *history.Stated) error {
	e, err := d.h.Stored(s.Seq)
	if err != nil {
		return err
	}
	if doc := e.Command.Source.Document; doc != "" && !slices.Contains(d.policy.Documents, doc) {
		d.policy.Documents = append(slices.Clip(d.policy.Documents), doc)
	}
	return nil
}
