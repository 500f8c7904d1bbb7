package bank

import (
	"cmp"
	"math"
	"slices"

	"fundledger/events"
)

// A Query is what is reconciled: the days From to To, both included.
type Query struct {
	From, To events.Day
	// Account leaves out the lines of other accounts, and what is matched with them; "" is all accounts.
	Account string
	// Window is how many days after an order the bank may carry it out, 0 to [MaxWindow].
	Window int
}

// The usual window, and the largest: from there on other payments of the same party would be taken for it.
const (
	UsualWindow = 5
	MaxWindow   = 60
)

// reach is how many days a line may lie from an event and still be thought to be late, or to be money that came back.
const reach = 92

// A State says where a finding stands.
type State string

// The states.
const (
	Matched    State = "matched"
	Proposed   State = "proposed"
	Differs    State = "differs"
	Ambiguous  State = "ambiguous"
	LedgerOnly State = "ledger-only"
	BankOnly   State = "bank-only"
)

// A Reason says what is known of a finding that is neither matched nor proposed.
type Reason string

// The reasons.
const (
	// Of two that differ.
	Swapped   Reason = "swapped"       // the amounts have two figures in each other's place
	Permuted  Reason = "permuted"      // … the same figures in another order
	Tenfold   Reason = "tenfold"       // … differ by a power of ten
	OneFigure Reason = "figure"        // … differ in one figure
	OtherSum  Reason = "amount"        // … are not the same
	Late      Reason = "date"          // the bank's day is out of the window
	OtherName Reason = "party"         // amount and date agree, the other party does not
	OtherBank Reason = "account"       // … the name does too, its account does not
	Unnamed   Reason = "unnamed"       // … one side does not name the other party
	TakenBack Reason = "taken-back"    // … a matching of the two was reversed
	Doubled   Reason = "doubled"       // the bank has it more often than the ledger
	Repeated  Reason = "repeated"      // the ledger has it more often than the bank
	CameBack  Reason = "returned"      // the bank sent it back
	Bounced   Reason = "bounced"       // it went out and came back, and the ledger has neither
	Alike     Reason = "alike"         // there is more than one way to pair them
	Sums      Reason = "sums"          // there is more than one sum that fits
	Transit   Reason = "in-transit"    // the bank may still carry it out
	Missing   Reason = "not-at-bank"   // the bank has not carried it out in time
	Received  Reason = "unidentified"  // the ledger does not know of the receipt
	Spent     Reason = "not-in-ledger" // the ledger does not know of the payment
)

// Reasons lists them.
var Reasons = []Reason{
	Swapped, Permuted, Tenfold, OneFigure, OtherSum, Late, OtherName, OtherBank, Unnamed, TakenBack, Doubled, Repeated, CameBack, Bounced, Alike, Sums, Transit, Missing, Received, Spent,
}

// A Finding is lines and events that belong together, or one of either that nothing belongs to. Every line and event is in one finding.
type Finding struct {
	State  State
	Rule   events.Matching // of what is matched and proposed
	Reason Reason          // of the others
	Lines  []*Line
	Events []*Movement
	Match  *Match
	// Beside are the lines and events of another finding that this one has to do with: the payment that the bank sent back, the line that stands twice.
	Beside []events.Seq
	// Returns is the payment that the bank sent back, nil of any other reason.
	Returns *Movement
}

// Bank is what the lines come to, below zero: out.
func (f *Finding) Bank() (sum events.Minor) {
	for _, l := range f.Lines {
		sum += l.Amount
	}
	return sum
}

// Book is what the events come to.
func (f *Finding) Book() (sum events.Minor) {
	for _, m := range f.Events {
		sum += m.Amount
	}
	return sum
}

// first is the first day that a finding has to do with, and last the last.
func (f *Finding) first() events.Day {
	day := events.Day(math.MaxInt32)
	for _, l := range f.Lines {
		day = min(day, l.Day)
	}
	for _, m := range f.Events {
		day = min(day, m.Date.Last())
	}
	return day
}

func (f *Finding) last() events.Day {
	day := events.Day(math.MinInt32)
	for _, l := range f.Lines {
		day = max(day, l.Day)
	}
	for _, m := range f.Events {
		day = max(day, m.Date.Last())
	}
	return day
}

// seq is the smallest number in a finding.
func (f *Finding) seq() events.Seq {
	n := events.Seq(math.MaxUint64)
	for _, l := range f.Lines {
		n = min(n, l.Seq)
	}
	for _, m := range f.Events {
		n = min(n, m.Seq)
	}
	return n
}

// A Reconciliation is what was found.
type Reconciliation struct {
	Query
	// Findings are those that a line or event up to the last day belongs to: what was matched by then is left out where it lies before the first day.
	Findings []*Finding
	Balance  Balance
	// Begin is the first day of the statements, and Before how many events lie too far before it to be on them. Begin says nothing where there are no lines.
	Begin  events.Day
	Before int

	v *View
}

// Of lists the findings of a state.
func (r *Reconciliation) Of(s State) (out []*Finding) {
	for _, f := range r.Findings {
		if f.State == s {
			out = append(out, f)
		}
	}
	return out
}

// Settled reports whether nothing asks for a person: all that is not matched can be, or is on its way, and the balance closes.
func (r *Reconciliation) Settled() bool {
	for _, f := range r.Findings {
		if f.State != Matched && f.State != Proposed && f.Reason != Transit {
			return false
		}
	}
	return r.Balance.Closes()
}

// A finder holds what is not found yet.
type finder struct {
	q        Query
	lines    []*Line     // all that are looked at, by day
	moves    []*Movement // by first possible day
	findings []*Finding
	steps    int // left for the search of sums
}

// Reconcile finds what the bank's lines and the ledger's events have to do with each other. A view may be reconciled again, but not twice at once. A window out
// of bounds is taken as the nearest within. It is an [events.Overflow] where the sums of it all would leave int64.
func Reconcile(v *View, q Query) (*Reconciliation, error) {
	q.Window = min(max(q.Window, 0), MaxWindow)
	f := &finder{q: q, steps: sumSteps}
	r := &Reconciliation{Query: q, v: v}
	f.gather(v, r)
	if !f.fits64() {
		return nil, &events.Error{Code: events.Overflow, Args: events.Args{"measure": "bank"}}
	}
	f.standing(v)
	crossed := f.byName()
	f.byParty()
	f.crossed(crossed)
	f.bySum()
	f.nearMisses(v)
	f.rest(r)
	r.Balance = balance(f, q)
	for _, found := range f.findings {
		if found.first() > q.To || found.State == Matched && found.last() < q.From {
			continue
		}
		r.Findings = append(r.Findings, found)
	}
	slices.SortFunc(r.Findings, func(a, b *Finding) int {
		return cmp.Or(cmp.Compare(a.first(), b.first()), cmp.Compare(a.seq(), b.seq()))
	})
	return r, nil
}

// gather takes the lines that are asked for, and the events that can be on their statements.
func (f *finder) gather(v *View, r *Reconciliation) {
	r.Begin = math.MaxInt32
	for _, l := range v.Lines() {
		l.found = nil
		if f.q.Account == "" || l.Account == f.q.Account {
			f.lines = append(f.lines, l)
			r.Begin = min(r.Begin, l.Day)
		}
	}
	for _, m := range v.Movements() {
		m.found = nil
		switch {
		case m.Match != nil && !slices.ContainsFunc(m.Match.Lines, func(l *Line) bool { return f.q.Account == "" || l.Account == f.q.Account }):
			continue // of another account
		case m.Match == nil && len(f.lines) > 0 && int(m.Date.Last())+reach < int(r.Begin):
			if m.Date.First() <= f.q.To {
				r.Before++
			}
			continue
		}
		f.moves = append(f.moves, m)
	}
	slices.SortStableFunc(f.lines, func(a, b *Line) int { return cmp.Compare(a.Day, b.Day) })
	slices.SortStableFunc(f.moves, func(a, b *Movement) int { return cmp.Compare(a.Date.First(), b.Date.First()) })
}

// take makes a finding of lines and events that are free.
func (f *finder) take(found *Finding) *Finding {
	for _, l := range found.Lines {
		l.found = found
	}
	for _, m := range found.Events {
		m.found = found
	}
	f.findings = append(f.findings, found)
	return found
}

// standing takes what was matched.
func (f *finder) standing(v *View) {
	for _, m := range v.Matches() {
		found := &Finding{State: Matched, Rule: m.Rule, Match: m, Events: m.Events, Lines: m.Lines}
		if f.q.Account != "" {
			if !slices.ContainsFunc(m.Lines, func(l *Line) bool { return l.Account == f.q.Account }) {
				continue
			}
		}
		f.take(found)
	}
}

func (f *finder) freeLines() []*Line {
	return slices.DeleteFunc(slices.Clone(f.lines), func(l *Line) bool { return l.found != nil })
}

func (f *finder) freeMoves() []*Movement {
	return slices.DeleteFunc(slices.Clone(f.moves), func(m *Movement) bool { return m.found != nil })
}

// bounds are the days on which the bank may have a movement.
func (f *finder) bounds(m *Movement) (from, to int) {
	from, to = int(m.Date.First()), int(m.Date.Last())+f.q.Window
	if m.Amount > 0 {
		from -= f.q.Window
	}
	return from, to
}

// inTime reports whether a line lies in the window of a movement.
func (f *finder) inTime(l *Line, m *Movement) bool {
	from, to := f.bounds(m)
	return int(l.Day) >= from && int(l.Day) <= to
}

// days is by how many a line lies out of a movement's window, below zero: before it.
func (f *finder) days(l *Line, m *Movement) int {
	switch from, to := f.bounds(m); {
	case int(l.Day) < from:
		return int(l.Day) - from
	case int(l.Day) > to:
		return int(l.Day) - to
	}
	return 0
}

// rest is what nothing belongs to.
func (f *finder) rest(r *Reconciliation) {
	for _, l := range f.freeLines() {
		reason := Received
		if l.Amount < 0 {
			reason = Spent
		}
		f.take(&Finding{State: BankOnly, Reason: reason, Lines: []*Line{l}})
	}
	for _, m := range f.freeMoves() {
		reason := Missing
		_, to := f.bounds(m)
		if len(f.lines) > 0 && to < int(r.Begin) { // nothing near the first line is it
			r.Before++
			continue
		}
		if to >= int(f.q.To) {
			reason = Transit
		}
		f.take(&Finding{State: LedgerOnly, Reason: reason, Events: []*Movement{m}})
	}
}

// Accounts lists the accounts that the fund has lines of.
func (r *Reconciliation) Accounts() []string { return r.v.Accounts() }
