// Package exceptions says what in a fund's year is out of order and not yet explained.
//
// An exception is one of these:
//
//   - over-budget: a line with free money (postings without a lot) below zero, since the first event of the present stretch, until it is back in order or
//     explained, and again while it is lower than where it was explained. A line with children is looked at where it has own money, with everything
//     below it. Years whose budgets are not known have none.
//   - lot-expired: a lot with money left after it expired, seen from the date asked for, without one from the day on which the last event was recorded.
//   - any other flag of an event, until it is explained or the event is reversed.
//
// Free money follows the log, as the ledger decided it: dates play no part. So exceptions follow what was known, and of the date asked for only lots take
// note.
//
// An explained event closes exceptions in three ways: by line and the measure available, that line's stretch at its present depth; by event and over-budget,
// the stretch of every line of which that event is a part; by event and another flag, that flag (for lot-expired also the lot that the event brought).
package exceptions

import (
	"cmp"
	"slices"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// An Exception is one thing that is out of order.
type Exception struct {
	Code events.Code
	Line events.Line
	Lot  string
	// Seq is the event that began it; of a lot the event that brought it, which is the one to explain.
	Seq events.Seq
	// Amount is how far free money is below zero, what is left of a lot, or what the flagged event is about; 0 where that is no amount.
	Amount events.Minor
	// Since is when it began: the recorded time of the event, or the day after a lot expired.
	Since string
}

// Open lists the open exceptions of a year: those that an event began by its number, then those that a day began.
func Open(h *history.History, year events.Year, asOf *events.Day) ([]Exception, error) {
	y, err := h.Year(year)
	if err != nil {
		return nil, err
	}
	f := newFold(h, y)
	if err := f.run(); err != nil {
		return nil, err
	}
	out := append(f.stretches(), f.flags()...)
	slices.SortStableFunc(out, func(a, b Exception) int { return cmp.Compare(a.Seq, b.Seq) })
	lots, err := f.lots(asOf)
	if err != nil {
		return nil, err
	}
	return append(out, lots...), nil
}

// Flags are the exceptions of lines and lots, as tables of lines show them, in the order of the lines given.
func Flags(all []Exception, lines []history.Line) history.Open {
	open := history.Open{Count: len(all)}
	for _, x := range all {
		if x.Code == events.OverBudget || x.Lot != "" {
			open.Flags = append(open.Flags, history.Flag{Code: x.Code, Line: x.Line, Lot: x.Lot, Amount: x.Amount})
		}
	}
	place := map[events.Line]int{}
	for i, l := range lines {
		place[l.Code] = i
	}
	slices.SortStableFunc(open.Flags, func(a, b history.Flag) int { return cmp.Compare(place[a.Line], place[b.Line]) })
	return open
}

// A stretch is the state of one line's free money.
type stretch struct {
	up      int
	leaf    bool
	own     events.Totals // with lots: whether a group has money of its own
	free    events.Totals // without lots, with everything below
	open    bool
	since   events.Seq
	depth   events.Minor // down to where the stretch is explained; 0 where it is not
	flagged []events.Seq // events of the stretch that carry the flag
}

type fold struct {
	h       *history.History
	y       *history.Year
	lines   []history.Line
	place   map[events.Line]int
	state   []stretch
	touched []int
	mark    []events.Seq // the event that last touched the line
	now     events.Seq
	moved   map[events.Seq]moved // what flagged events without an amount or line are about
	closed  map[flag]bool        // what explanations of events close
	err     error
}

type flag struct {
	of   events.Seq
	code events.Code
}

type moved struct {
	line   events.Line
	amount events.Minor
}

func newFold(h *history.History, y *history.Year) *fold {
	f := &fold{h: h, y: y, lines: y.Lines(), place: map[events.Line]int{}, moved: map[events.Seq]moved{}, closed: map[flag]bool{}}
	for _, x := range h.Explanations() {
		f.closed[flag{x.Of, x.Flag}] = true
	}
	f.state, f.mark = make([]stretch, len(f.lines)), make([]events.Seq, len(f.lines))
	for i, l := range f.lines {
		f.place[l.Code] = i
		f.state[i].leaf, f.state[i].up = l.Leaf, -1
		if i > 0 {
			f.state[i].up = f.place[l.Parent] // parents come before their children
		}
	}
	return f
}

func (f *fold) run() error {
	explanations := f.h.Explanations()
	explain := func(before events.Seq) {
		for len(explanations) > 0 && explanations[0].Seq < before {
			f.settle()
			f.explain(&explanations[0])
			explanations = explanations[1:]
		}
	}
	f.h.Postings(f.y, func(p *history.Posting) {
		if p.Seq != f.now {
			f.settle()
			explain(p.Seq)
			f.now = p.Seq
		}
		f.post(p)
	})
	f.settle()
	explain(f.h.Last() + 1)
	return f.err
}

func (f *fold) post(p *history.Posting) {
	if p.Amount > 0 {
		if m, ok := f.moved[p.Seq]; len(f.h.Event(p.Seq).Flags) > 0 && (!ok || m.line == p.Line) {
			f.moved[p.Seq] = moved{p.Line, m.amount + p.Amount}
		}
	}
	at := f.place[p.Line]
	add := func(t *events.Totals) {
		if err := t.Add(p.Measure, p.Amount); err != nil && f.err == nil {
			f.err = err
		}
	}
	add(&f.state[at].own)
	for ; at >= 0; at = f.state[at].up {
		if p.Lot == "" {
			add(&f.state[at].free)
		}
		if f.mark[at] != p.Seq {
			f.mark[at] = p.Seq
			f.touched = append(f.touched, at)
		}
	}
}

// settle looks at the lines that the last event touched, once all of its postings are in: a virement is no shortage halfway.
func (f *fold) settle() {
	for _, at := range f.touched {
		s := &f.state[at]
		free := s.free.Available()
		if !f.y.Budgeted || free >= 0 || !s.leaf && s.own.IsZero() {
			s.open, s.depth, s.flagged = false, 0, nil
			continue
		}
		if free < s.depth && !s.open {
			s.since = f.now
		}
		s.open = free < s.depth // what fell lower than explained and came back is where it was
		if slices.Contains(f.h.Event(f.now).Flags, events.OverBudget) {
			s.flagged = append(s.flagged, f.now)
		}
	}
	f.touched = f.touched[:0]
}

func (f *fold) explain(x *history.Explanation) {
	if x.Year != f.y.Year {
		return
	}
	for at := range f.state {
		s := &f.state[at]
		byLine := x.Measure == events.AvailableM && x.Line == f.lines[at].Code
		_, byEvent := slices.BinarySearch(s.flagged, x.Of)
		byEvent = byEvent && x.Flag == events.OverBudget
		if s.open && (byLine || byEvent) {
			s.open, s.depth = false, s.free.Available()
		}
	}
}

func (f *fold) stretches() []Exception {
	var out []Exception
	for at := range f.state {
		if s := &f.state[at]; s.open {
			out = append(out, Exception{
				Code: events.OverBudget, Line: f.lines[at].Code, Seq: s.since, Amount: -s.free.Available(), Since: f.since(s.since),
			})
		}
	}
	return out
}

func (f *fold) since(n events.Seq) string { return f.h.Recorded(n).Format(events.TimeForm) }

// flags lists the flags of single events. Over-budget is not among them: it is the line that is out of order, not the event.
func (f *fold) flags() []Exception {
	var out []Exception
	for _, n := range f.h.Flagged() {
		e := f.h.Event(n)
		if e.Year != f.y.Year || e.Reversed {
			continue
		}
		for _, code := range e.Flags {
			if code == events.OverBudget || f.closed[flag{n, code}] {
				continue
			}
			x := Exception{Code: code, Line: e.Line, Seq: n, Amount: e.Amount, Since: f.since(n)}
			if m := f.moved[n]; x.Amount == 0 {
				x.Amount = m.amount
			}
			if m := f.moved[n]; x.Line == "" {
				x.Line = m.line
			}
			if x.Line == "" {
				x.Line = events.Root
			}
			out = append(out, x)
		}
	}
	return out
}

// lots lists the lots with something left after they expired.
func (f *fold) lots(asOf *events.Day) ([]Exception, error) {
	day := events.DayOf(f.h.Recorded(f.h.Last()).In(f.h.Zone()))
	if asOf != nil {
		day = *asOf
	}
	balances, err := f.h.LotBalances(f.y, history.Query{AsOf: asOf})
	if err != nil {
		return nil, err
	}
	var out []Exception
	for _, l := range balances {
		left := l.Available()
		if l.Expires >= day || left <= 0 || len(l.Carriers) == 0 ||
			slices.ContainsFunc(l.Carriers, func(n events.Seq) bool { return f.closed[flag{n, events.LotExpired}] }) {
			continue
		}
		out = append(out, Exception{
			Code: events.LotExpired, Line: l.Line, Lot: l.Name, Seq: l.Carriers[0], Amount: left, Since: (l.Expires + 1).String(),
		})
	}
	return out, nil
}

// Table is the open exceptions of a year as a sheet.
func Table(h *history.History, q history.Query, all []Exception, open history.Open) (*sheet.Sheet, error) {
	s, _, err := h.Sheet("exceptions", q, open, false)
	if err != nil {
		return nil, err
	}
	s.Tables = []*sheet.Table{{
		Name: "rows",
		Columns: []sheet.Column{
			{Name: "code"},
			{Name: "line"},
			{Name: "seq", Right: true},
			{Name: "amount", Right: true},
			{Name: "since"},
			{Name: "message"},
		},
		Rows: func(yield func(sheet.Row) bool) {
			for _, x := range all {
				amount := sheet.Cell{}
				if x.Amount != 0 {
					amount = sheet.Money(x.Amount, h.Decimals())
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Term("flag", string(x.Code)), sheet.Words(string(x.Line)), sheet.Number(x.Seq), amount, sheet.Words(x.Since), x.Message(amount),
				}}) {
					return
				}
			}
		},
	}}
	return s, nil
}

// Message says what the exception is, of that amount.
func (x *Exception) Message(amount sheet.Cell) sheet.Cell {
	name := "exception." + string(x.Code)
	if x.Lot != "" {
		name = "exception.lot-left"
	}
	return sheet.Say(name, sheet.Member{Name: "line", Value: sheet.Words(string(x.Line))}, sheet.Member{Name: "lot", Value: sheet.Words(x.Lot)},
		sheet.Member{Name: "seq", Value: sheet.Number(x.Seq)}, sheet.Member{Name: "amount", Value: amount}, sheet.Member{Name: "since", Value: sheet.Words(x.Since)})
}
