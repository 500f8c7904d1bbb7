// Package progress is how a fund's year goes with time: what moved in each period, how execution stands against the days that have passed (序时进度), and
// what has been waiting for how long.
//
//	series    what moved of a measure of a line in each month or day of the fund's year, and in the same month of the year before
//	progress  execution against elapsed time, and the lines that are slow
//	monthly   what was spent in a month and so far; a closed month as it was known when it was closed
//	ageing    everything that waits, by how long it has waited
//	transit   what lower treasuries were sent, by whom it was sent to
//	lots      how old carried-over money is
//
// A posting belongs to its counting day, as in every table, so what is shown here adds up to the tables' cells. Days are counted up to the date asked for;
// without one up to the day on which the last event known was recorded, in the fund's zone. The day on which something happened is day 0.
//
// # Progress
//
// Elapsed is the days of the fund's own year up to and with that day, over all its days: 0 before its first, 100 after its last. A line is ahead by its
// rate less elapsed, in percentage points, computed from the exact amounts and rounded once. What is lacking is what would still have to be spent for the
// rate to be as high as elapsed; nothing where it is. A line without a rate is neither ahead nor behind: a budget of zero is not slow.
//
// # What waits
//
//	transit     a payment over the channel to a lower treasury: what neither came back nor was confirmed
//	commitment  what a commitment still holds
//	suspense    what was paid back and not yet settled
//	lot         what is left of carried-over money, since it was first carried
//	allotted    authority passed on and not used
//
// The first four add up to in_transit, committed, suspense and what is left of the lots in the year's tables. No event says which allotment a payment uses:
// what was spent on a line, of the same value in the dimension asked for where that is one of the events' dims, uses the oldest allotments of that line first,
// and what is beyond them those of the line above. An advance (暂付款) is nothing that the events tell of before it is booked as spending; so none is here.
package progress

import (
	"cmp"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"

	"github.com/shopspring/decimal"
)

// A Threshold is how many percentage points a line may be behind before it is slow.
type Threshold struct{ points decimal.Decimal }

// UsualThreshold is that of [ParseThreshold] without any.
var UsualThreshold = Threshold{decimal.New(10, 0)}

// ParseThreshold reads 0 to 100 with at most two decimals; anything else is a [events.BadValue].
func ParseThreshold(s string) (Threshold, error) {
	bad := &events.Error{Code: events.BadValue, Why: "threshold", Args: events.Args{"field": "threshold", "value": s}}
	whole, fraction, dotted := strings.Cut(s, ".")
	if len(whole) < 1 || len(whole) > 3 || dotted && (len(fraction) < 1 || len(fraction) > 2) || strings.Trim(whole+fraction, "0123456789") != "" {
		return Threshold{}, bad
	}
	points, err := decimal.NewFromString(s)
	if err != nil || points.GreaterThan(decimal.New(100, 0)) {
		return Threshold{}, bad
	}
	return Threshold{points}, nil
}

// slow reports whether a line that is ahead by so many points is slow: as printed, so that what reads -10.00 is ten behind.
func (t Threshold) slow(ahead string) bool {
	if ahead == "" {
		return false
	}
	points := decimal.RequireFromString(ahead)
	return points.IsNegative() && points.Neg().GreaterThanOrEqual(t.points)
}

// today is the day up to which days are counted.
func today(h *history.History, q history.Query) events.Day {
	if q.AsOf != nil {
		return *q.AsOf
	}
	return events.DayOf(h.Recorded(h.Last()).In(h.Zone()))
}

// dated says on a sheet up to which day it counts.
func dated(s *sheet.Sheet, day events.Day) {
	s.Head = append(s.Head, sheet.Member{Name: "day", Value: sheet.Words(day.String())})
	s.Face = append(s.Face, sheet.Say("face.day", sheet.Member{Name: "date", Value: sheet.Words(day.String())}))
}

// A Pace is how many days of a year have passed on a day, and how many it has.
type Pace struct {
	From, To, Day events.Day // of the year; up to which days are counted
	Days, All     int64
}

// PaceOf is the pace of a year on the day up to which the query counts days.
func PaceOf(h *history.History, y *history.Year, q history.Query) Pace { return paceOn(y, today(h, q)) }

func paceOn(y *history.Year, day events.Day) Pace {
	all := int64(y.To-y.From) + 1
	return Pace{y.From, y.To, day, min(max(int64(day-y.From)+1, 0), all), all}
}

// Elapsed is how much of the year has passed, in percent.
func (p Pace) Elapsed() string { return sheet.Share(events.Minor(p.Days), events.Minor(p.All)) }

// Said says it.
func (p Pace) Said() sheet.Cell {
	return sheet.Say("face.elapsed", sheet.Member{Name: "from", Value: sheet.Words(p.From.String())}, sheet.Member{Name: "to", Value: sheet.Words(p.To.String())},
		sheet.Member{Name: "days", Value: sheet.Number(p.Days)}, sheet.Member{Name: "all", Value: sheet.Number(p.All)}, sheet.Member{Name: "elapsed", Value: sheet.Rate(p.Elapsed())})
}

// Ahead is by how many percentage points the rate of a balance is above elapsed, "" where it has none.
func (p Pace) Ahead(b *history.Balance, d history.Denominator) string {
	part, whole := over(b, d)
	return sheet.Ahead(part, whole, p.Days, p.All)
}

// over is what a rate divides and what by.
func over(b *history.Balance, d history.Denominator) (spent, whole events.Minor) {
	switch d {
	case history.OverOriginal:
		return b.All.Spent(), b.All.Original
	case history.OverNet:
		net, ok := b.All.Adjusted().Add(-b.All.Lapsed)
		if !ok {
			return 0, 0 // which has no rate
		}
		return b.All.Spent(), net
	case history.OverCurrent:
		return b.Free.Spent(), b.Free.Adjusted()
	}
	return b.All.Spent(), b.All.Adjusted()
}

// A standing is where a line stands.
type standing struct {
	line          history.Line
	row           sheet.Row // of the execution table
	own           bool      // it is a line to which money is posted
	ahead         string    // "" where it has no rate
	lacking       sheet.Cell
	shortOfPoints decimal.Decimal
}

// Table is the execution of each line against elapsed time, and the lines that are slow, the worst first.
func Table(h *history.History, q history.Query, t Threshold, open history.Open) (*sheet.Sheet, error) {
	s, y, err := h.Sheet("progress", q, open, true)
	if err != nil {
		return nil, err
	}
	execution, err := h.Execution(q, open) // which knows of what there is a rate
	if err != nil {
		return nil, err
	}
	balances, err := h.Balances(y, q)
	if err != nil {
		return nil, err
	}
	pace := PaceOf(h, y, q)
	passed := pace.Elapsed()
	dated(s, pace.Day)
	s.Face = append(s.Face, pace.Said())
	s.Face = append(s.Face, sheet.Say("face.threshold", sheet.Member{Name: "points", Value: sheet.Plain(t.points.String())}))
	s.Head = append(s.Head, sheet.Member{Name: "threshold", Value: sheet.Plain(t.points.String())})

	lines := y.Lines()
	rows := append([]sheet.Row{*execution.Tables[0].Total}, slices.Collect(execution.Tables[0].Rows)...)
	at := func(name string) int { return execution.Tables[0].Column(name) }
	adjusted, spent, rate := at("adjusted"), at("spent"), at("rate")
	standings := make([]standing, len(lines))
	for i := range lines {
		st := &standings[i]
		st.line, st.row = lines[i], rows[i]
		st.own = lines[i].Leaf || !balances[i].Own.IsZero()
		if rows[i].Cells[rate].Kind == sheet.Null {
			continue
		}
		part, whole := over(&balances[i], q.Denominator)
		st.ahead = pace.Ahead(&balances[i], q.Denominator)
		st.shortOfPoints = decimal.RequireFromString(st.ahead)
		st.lacking = sheet.Money(max(sheet.Part(whole, pace.Days, pace.All)-part, 0), h.Decimals())
	}
	cells := func(st *standing) []sheet.Cell {
		return []sheet.Cell{st.row.Cells[adjusted], st.row.Cells[spent], st.row.Cells[rate], sheet.Rate(passed), sheet.Plain(st.ahead), st.lacking}
	}
	first := len(sheet.Columns("line", "parent", "depth", "leaf", "name", "name_en")) // the words of a row, before its amounts
	whole := func(st *standing) sheet.Row {
		return sheet.Row{Depth: st.row.Depth, Cells: slices.Concat(st.row.Cells[:first], cells(st))}
	}
	amounts := []sheet.Column{
		{Name: "adjusted", Right: true, Sums: true},
		{Name: "spent", Right: true, Sums: true},
		{Name: "rate", Right: true},
		{Name: "elapsed", Right: true},
		{Name: "ahead", Right: true},
		{Name: "lacking", Right: true},
	}
	total := whole(&standings[0])
	rowsTable := &sheet.Table{
		Name: "rows", Columns: slices.Concat(sheet.Columns("line", "parent", "depth", "leaf", "name", "name_en"), amounts), Total: &total, Numbered: true,
		Text: []string{"line", "name", "adjusted", "spent", "rate", "elapsed", "ahead", "lacking"},
		Rows: func(yield func(sheet.Row) bool) {
			for i := 1; i < len(standings); i++ {
				r := whole(&standings[i])
				r.Own = ownPart(standings[i].row.Own, first, adjusted, spent)
				if !yield(r) {
					return
				}
			}
		},
	}
	rowsTable.Total.Own = ownPart(standings[0].row.Own, first, adjusted, spent)
	slow := slices.DeleteFunc(slices.Clone(standings), func(st standing) bool { return !st.own || !t.slow(st.ahead) })
	slices.SortStableFunc(slow, func(a, b standing) int {
		if c := a.shortOfPoints.Cmp(b.shortOfPoints); c != 0 {
			return c
		}
		return cmp.Compare(b.lacking.Minor(), a.lacking.Minor())
	})
	for i := range amounts { // a line stands here beside those below it
		amounts[i].Sums = false
	}
	slowTable := &sheet.Table{
		Name: "slow", Columns: slices.Concat(sheet.Columns("line", "name", "name_en"), amounts), Text: []string{"line", "name", "adjusted", "spent", "rate", "elapsed", "ahead", "lacking"},
		Rows: func(yield func(sheet.Row) bool) {
			for i := range slow {
				l := &slow[i].line
				name := sheet.Named(l.Name, l.NameEn)
				if l.Code == events.Root {
					name = sheet.Say("row.total")
				}
				if !yield(sheet.Row{Depth: 1, Cells: slices.Concat([]sheet.Cell{sheet.Words(string(l.Code)), name, sheet.Words(l.NameEn)}, cells(&slow[i]))}) {
					return
				}
			}
		},
	}
	s.Tables = []*sheet.Table{rowsTable, slowTable}
	return s, nil
}

// ownPart is the part of a group that is not split, as this table shows it; nil where there is none.
func ownPart(own *sheet.Row, first, adjusted, spent int) *sheet.Row {
	if own == nil {
		return nil
	}
	return &sheet.Row{Depth: own.Depth, Cells: slices.Concat(own.Cells[:first],
		[]sheet.Cell{own.Cells[adjusted], own.Cells[spent], sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left()})}
}
