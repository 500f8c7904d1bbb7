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
	out, err := stretches(h, y)
	if err != nil {
		return nil, err
	}
	flags, err := h.FlagsOpen(y)
	if err != nil {
		return nil, err
	}
	for _, f := range flags {
		out = append(out, Exception{Code: f.Code, Line: f.Line, Seq: f.Of, Amount: f.Amount, Since: since(h, f.Of)})
	}
	slices.SortStableFunc(out, func(a, b Exception) int { return cmp.Compare(a.Seq, b.Seq) })
	lots, err := lots(h, y, asOf)
	if err != nil {
		return nil, err
	}
	return append(out, lots...), nil
}

// Told is what tables of lines say of what [Open] lists, without listing it, since a year can have very many open flags: how many there are, and those of lines and
// lots, in the order of the lines.
func Told(h *history.History, year events.Year, asOf *events.Day) (open history.Open, err error) {
	y, err := h.Year(year)
	if err != nil {
		return open, err
	}
	lines, err := stretches(h, y)
	if err != nil {
		return open, err
	}
	slices.SortStableFunc(lines, func(a, b Exception) int { return cmp.Compare(a.Seq, b.Seq) })
	lots, err := lots(h, y, asOf)
	if err != nil {
		return open, err
	}
	open.Count = len(lines) + h.CountOpen(y) + len(lots)
	for _, x := range append(lines, lots...) {
		open.Flags = append(open.Flags, history.Flag{Code: x.Code, Line: x.Line, Lot: x.Lot, Amount: x.Amount})
	}
	place := map[events.Line]int{}
	for i, l := range y.Lines() {
		place[l.Code] = i
	}
	slices.SortStableFunc(open.Flags, func(a, b history.Flag) int { return cmp.Compare(place[a.Line], place[b.Line]) })
	return open, nil
}

// stretches are those of lines, as deep as they are without a limit of date.
func stretches(h *history.History, y *history.Year) ([]Exception, error) {
	short, err := h.Shortages(y)
	if err != nil || len(short) == 0 {
		return nil, err
	}
	balances, err := h.Balances(y, history.Query{Year: y.Year})
	if err != nil {
		return nil, err
	}
	free := map[events.Line]events.Minor{}
	for i, l := range y.Lines() {
		free[l.Code] = balances[i].Free.Available()
	}
	var out []Exception
	for _, s := range short {
		out = append(out, Exception{Code: events.OverBudget, Line: s.Line, Seq: s.Since, Amount: -free[s.Line], Since: since(h, s.Since)})
	}
	return out, nil
}

func since(h *history.History, n events.Seq) string { return h.Recorded(n).Format(events.TimeForm) }

// lots lists the lots with something left after they expired.
func lots(h *history.History, y *history.Year, asOf *events.Day) ([]Exception, error) {
	day := events.DayOf(h.Recorded(h.Last()).In(h.Zone()))
	if asOf != nil {
		day = *asOf
	}
	balances, err := h.LotBalances(y, history.Query{AsOf: asOf})
	if err != nil {
		return nil, err
	}
	var out []Exception
	for _, l := range balances {
		left := l.Available()
		if l.Expires >= day || left <= 0 || len(l.Carriers) == 0 ||
			slices.ContainsFunc(l.Carriers, func(n events.Seq) bool { return h.Explained(history.Flagged{Of: n, Code: events.LotExpired}) }) {
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
