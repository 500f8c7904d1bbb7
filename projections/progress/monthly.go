package progress

import (
	"slices"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Month is one of a fiscal year, with the event up to which its table is told: the one that closed it first, or the last event while it is open.
type Month struct {
	Date   events.Date
	Known  events.Seq
	Closed bool
}

// Months lists the months of a year as a history knows them. To close a month closes those before it, so Known never goes back.
func Months(h *history.History, y *history.Year) []Month {
	periods := spans(y, ByMonth, nil)
	out := make([]Month, 0, len(periods))
	for _, s := range periods[1 : len(periods)-1] {
		date, err := events.ParseMonth(s.name)
		if err != nil { // a year has no other months
			continue
		}
		m := Month{Date: date, Known: h.Last()}
		if by := y.ClosedBy(date.Last()); by != 0 {
			m.Known, m.Closed = by, true
		}
		out = append(out, m)
	}
	return out
}

// MonthAt returns the place of a month among those of a year. Of a zero date it is the month that the query's date is in; where that has none either, the
// last one that is closed, and while none is the one in which the last event was recorded; the first or the last month where that is outside the year. It is
// [events.BadValue] where the year has no such month.
func MonthAt(h *history.History, y *history.Year, months []Month, q history.Query, date events.Date) (int, error) {
	if !date.IsZero() {
		at := slices.IndexFunc(months, func(m Month) bool { return m.Date == date })
		if at < 0 {
			return 0, &events.Error{Code: events.BadValue, Why: "month-outside", Args: events.Args{
				"field": "month", "value": date.String(), "year": y.Year.String(), "from": y.From.String(), "to": y.To.String(),
			}}
		}
		return at, nil
	}
	if q.AsOf == nil {
		for at, m := range slices.Backward(months) {
			if m.Closed {
				return at, nil
			}
		}
	}
	day := today(h, q)
	at, _ := slices.BinarySearchFunc(months, day, func(m Month, d events.Day) int { return int(m.Date.Last()) - int(d) })
	return min(at, len(months)-1), nil
}

var monthlyAmounts = []sheet.Column{
	{Name: "adjusted", Right: true, Sums: true},
	{Name: "month_spent", Right: true, Sums: true},
	{Name: "month_returned", Right: true, Sums: true},
	{Name: "late", Right: true, Sums: true},
	{Name: "so_far", Right: true, Sums: true},
	{Name: "rate", Right: true},
	{Name: "ahead", Right: true},
	{Name: "available", Right: true, Sums: true},
}

// Monthly is how a month of a year used the budget: months[at], of those that [Months] found in h. All but what is open on its face is as known at Known of the month,
// so a closed month's table is the same whatever comes later.
//
//	so_far          spent up to the end of the month, as known at Known
//	month_spent     the part of it that counts in the month itself; in the first month, up to its end
//	month_returned  what came back within that
//	late            the part of it that counts in earlier months and was not yet known when the month before was closed
//
// So what is spent in each month and late in each is what is spent so far in the last. A date ends the months that it cuts short. A payee is called as it was
// known at each closing.
func Monthly(h *history.History, q history.Query, months []Month, at int, open history.Open) (*sheet.Sheet, error) {
	m := months[at]
	now := h.At(m.Known)
	until := func(end events.Day) history.Query {
		cut := q
		if q.AsOf != nil {
			end = min(end, *q.AsOf)
		}
		cut.AsOf = &end
		return cut
	}
	ended := until(m.Date.Last())
	s, y, err := now.Sheet("monthly", ended, open, true)
	if err != nil {
		return nil, err
	}
	execution, err := now.Execution(ended, open) // which knows of what there is a rate
	if err != nil {
		return nil, err
	}
	soFar, err := now.Balances(y, ended)
	if err != nil {
		return nil, err
	}
	lines := y.Lines()
	before, told := make([]history.Balance, len(lines)), map[events.Line]history.Balance{}
	if at > 0 {
		last := months[at-1]
		if before, err = now.Balances(y, until(last.Date.Last())); err != nil {
			return nil, err
		}
		if told, err = byLine(h.At(last.Known), until(last.Date.Last())); err != nil {
			return nil, err
		}
	}
	monthFace(s, m)
	pace := paceOn(y, *ended.AsOf)
	s.Face = append(s.Face, pace.Said())

	of := execution.Tables[0]
	place := func(name string) int { return of.Column(name) }
	adjusted, rate, available := place("adjusted"), place("rate"), place("available")
	first := len(lineWords)
	money := func(a events.Minor) sheet.Cell { return sheet.Money(a, h.Decimals()) }
	moved := func(now, before, told *events.Totals) []sheet.Cell {
		return []sheet.Cell{
			money(now.Spent() - before.Spent()), money(now.Returned - before.Returned), money(before.Spent() - told.Spent()), money(now.Spent()),
		}
	}
	rows := append([]sheet.Row{*of.Total}, slices.Collect(of.Rows)...)
	for i := range rows {
		r, told := &rows[i], told[lines[i].Code]
		if own := r.Own; own != nil {
			part := sheet.Row{Depth: own.Depth, Cells: slices.Concat(own.Cells[:first], []sheet.Cell{own.Cells[adjusted]}, moved(&soFar[i].Own, &before[i].Own, &told.Own),
				[]sheet.Cell{sheet.Left(), sheet.Left(), own.Cells[available]})}
			r.Own = &part
		}
		ahead := sheet.Cell{}
		if r.Cells[rate].Kind != sheet.Null {
			ahead = sheet.Plain(pace.Ahead(&soFar[i], q.Denominator))
		}
		r.Cells = slices.Concat(r.Cells[:first], []sheet.Cell{r.Cells[adjusted]}, moved(&soFar[i].All, &before[i].All, &told.All),
			[]sheet.Cell{r.Cells[rate], ahead, r.Cells[available]})
	}
	text := []string{"line", "name", "adjusted", "month_spent"}
	if slices.ContainsFunc(rows, func(r sheet.Row) bool { return r.Cells[first+2].Minor() != 0 }) {
		text = append(text, "month_returned")
	}
	s.Tables = []*sheet.Table{{
		Name: "rows", Columns: slices.Concat(lineWords, monthlyAmounts), Total: &rows[0], Numbered: true, Rows: sheet.Rows(rows[1:]...),
		Text: append(text, "late", "so_far", "rate", "ahead", "available"),
	}}
	return s, nil
}

// lineWords are the columns of a row of a line before its amounts.
var lineWords = sheet.Columns("line", "parent", "depth", "leaf", "name", "name_en")

// monthFace says which month it is, and whether and by what it is closed.
func monthFace(s *sheet.Sheet, m Month) {
	month, by := sheet.Words(m.Date.String()), sheet.Cell{}
	if m.Closed {
		by = sheet.Number(m.Known)
		s.Face = append(s.Face, sheet.Say("face.month-closed", sheet.Member{Name: "seq", Value: by}))
	} else {
		s.Face = append(s.Face, sheet.Say("face.month-open"))
	}
	s.Title = append(s.Title, sheet.Member{Name: "month", Value: month})
	s.Head = append(s.Head, sheet.Member{Name: "month", Value: month}, sheet.Member{Name: "closed_by", Value: by})
}

// byLine is the balance of each line that a history knows. A year that it does not know yet has none.
func byLine(h *history.History, q history.Query) (map[events.Line]history.Balance, error) {
	y, err := h.Year(q.Year)
	if events.CodeOf(err) == events.UnknownYear {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	balances, err := h.Balances(y, q)
	if err != nil {
		return nil, err
	}
	out := map[events.Line]history.Balance{}
	for i, l := range y.Lines() {
		out[l.Code] = balances[i]
	}
	return out, nil
}

// A Later is what counts in a closed month or before it, and was recorded after it was closed: the postings in the order of the log, and what they change of what
// was spent.
type Later struct {
	Postings []history.Posting
	Spent    events.Minor
}

// Since finds what has come into a month and those before it since it was closed, as known in h; nothing where it is open. It will stand in the table of a
// later month.
func Since(h *history.History, q history.Query, m Month) (later Later, err error) {
	y, err := h.Year(q.Year)
	if err != nil || !m.Closed {
		return later, err
	}
	end := m.Date.Last()
	q.AsOf = &end
	var failed error
	h.Counted(y, q, func(p *history.Posting) {
		if p.Seq <= m.Known {
			return
		}
		later.Postings = append(later.Postings, *p)
		var t events.Totals
		if err := t.Add(p.Measure, p.Amount); err != nil && failed == nil {
			failed = err
		}
		sum, ok := later.Spent.Add(t.Spent())
		if !ok && failed == nil {
			failed = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.SpentM)}}
		}
		later.Spent = sum
	})
	return later, failed
}

// AfterClose adds to the table of a month what [Since] finds.
func AfterClose(s *sheet.Sheet, h *history.History, q history.Query, m Month) error {
	later, err := Since(h, q, m)
	if err != nil {
		return err
	}
	known, spent := sheet.Number(h.Last()), sheet.Money(later.Spent, h.Decimals())
	s.Head = append(s.Head, sheet.Member{Name: "after_close_known_at", Value: known}, sheet.Member{Name: "after_close_spent", Value: spent})
	s.Face = append(s.Face, sheet.Say("face.after-close", sheet.Member{Name: "seq", Value: known}, sheet.Member{Name: "n", Value: sheet.Number(len(later.Postings))},
		sheet.Member{Name: "spent", Value: spent}))
	rows := make([]sheet.Row, len(later.Postings))
	for i, p := range later.Postings {
		var t events.Totals
		if err := t.Add(p.Measure, p.Amount); err != nil {
			return err
		}
		rows[i] = sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Number(p.Seq), sheet.Words(h.Recorded(p.Seq).Format(events.TimeForm)), sheet.Term("kind", string(h.Event(p.Seq).Kind)), sheet.Words(string(p.Line)),
			sheet.Term("measure", string(p.Measure)), sheet.Words(p.Counts.String()), sheet.Money(p.Amount, h.Decimals()), sheet.Money(t.Spent(), h.Decimals()),
		}}
	}
	s.Tables = append(s.Tables, &sheet.Table{
		Name: "after_close", Rows: sheet.Rows(rows...),
		Columns: []sheet.Column{
			{Name: "seq", Right: true},
			{Name: "recorded_at"},
			{Name: "kind"},
			{Name: "line"},
			{Name: "measure"},
			{Name: "counts"},
			{Name: "amount", Right: true},
			{Name: "spent", Right: true},
		},
	})
	return nil
}
