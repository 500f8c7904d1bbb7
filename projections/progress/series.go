package progress

import (
	"slices"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Step is how long the periods of a series are.
type Step string

// The steps. Months are those of the calendar; the first and the last of a year end where the year does.
const (
	ByDay   Step = "day"
	ByMonth Step = "month"
)

// Steps lists them.
var Steps = []Step{ByDay, ByMonth}

// Measured lists the measures that have a series.
var Measured = slices.Concat(events.Measures, []events.Measure{events.AdjustedM, events.SpentM, events.AvailableM, events.InTransitM})

// A Subject is what a series is of: a line with everything below it, a measure ("" is spent), a step ("" is month).
type Subject struct {
	Line    events.Line
	Measure events.Measure
	Step    Step
}

// checked fills the usual measure and step in, and refuses what is none.
func (of *Subject) checked() error {
	if of.Measure == "" {
		of.Measure = events.SpentM
	}
	if of.Step == "" {
		of.Step = ByMonth
	}
	switch {
	case !slices.Contains(Measured, of.Measure):
		return choice("measure", of.Measure, Measured)
	case !slices.Contains(Steps, of.Step):
		return choice("step", of.Step, Steps)
	}
	return nil
}

func choice[T ~string](field string, value T, choices []T) error {
	all := make([]string, len(choices))
	for i, c := range choices {
		all[i] = string(c)
	}
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": field, "value": string(value), "choices": strings.Join(all, " ")}}
}

// A span is one period with what was posted in it.
type span struct {
	name     string
	from, to events.Day
	month    int // since the year 0
	sum      history.Balance
}

// The spans before the first period and after the last have no month.
const noMonth = -1

// spans are the periods of a year that begin not after until (nil: all), with one before the first and one after the last.
func spans(y *history.Year, step Step, until *events.Day) []span {
	out := make([]span, 1, y.To-y.From+3) // as many as there are of days
	out[0] = span{to: y.From - 1, month: noMonth}
	for from := y.From; from <= y.To && (until == nil || from <= *until); {
		in := from.Time(time.UTC)
		s := span{from: from, to: from, month: in.Year()*12 + int(in.Month()) - 1, name: from.String()}
		if step == ByMonth {
			s.name = s.name[:len("2006-01")]
			s.to = min(y.To, events.DayOf(time.Date(in.Year(), in.Month()+1, 0, 0, 0, 0, 0, time.UTC)))
		}
		out = append(out, s)
		from = s.to + 1
	}
	return append(out, span{from: y.To + 1, month: noMonth})
}

// A spread is what was posted to a line and those below it, by period.
type spread struct {
	spans                     []span
	adjusted, available, rate bool // which figures there are
}

// spreadOf is the spread of a line, nil where the year has no such line.
func spreadOf(h *history.History, y *history.Year, q history.Query, line events.Line, step Step) (*spread, error) {
	s := &spread{spans: spans(y, step, q.AsOf), adjusted: y.Budgeted, available: y.Budgeted, rate: y.Budgeted}
	ends := make([]events.Day, len(s.spans)-1)
	for i := range ends {
		ends[i] = s.spans[i].to
	}
	sums, err := h.Spread(y, q, line, ends)
	if sums == nil || err != nil {
		return nil, err
	}
	for i := range sums {
		s.spans[i].sum = sums[i]
	}
	if len(q.Where) > 0 && y.Budgeted { // budgets may not be divided by them
		s.rate, s.available, err = h.Budgeted(y, q, line)
	}
	return s, err
}

// A Point is where a line with everything below it stood at the end of a period.
type Point struct {
	From, To events.Day // From is not set before the year's first day, and To not after its last
	history.Balance
}

// Course is where a line stood at the end of each period of a year, up to the date asked for: before the year, in each of its periods, and after it. It is nil where
// the year has no such line.
func Course(h *history.History, y *history.Year, q history.Query, line events.Line, step Step) ([]Point, error) {
	s, err := spreadOf(h, y, q, line, step)
	if s == nil || err != nil {
		return nil, err
	}
	var running history.Balance
	out := make([]Point, len(s.spans))
	for i := range s.spans {
		if err := plus(&running, &s.spans[i].sum); err != nil {
			return nil, err
		}
		out[i] = Point{s.spans[i].from, s.spans[i].to, running}
	}
	return out, nil
}

// plus adds another balance.
func plus(b, c *history.Balance) error {
	for _, pair := range [][2]*events.Totals{{&b.All, &c.All}, {&b.Free, &c.Free}, {&b.Sent, &c.Sent}} {
		if err := pair[0].Plus(*pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// money is the cell of an amount of a measure, null where there is no such figure.
func (s *spread) money(h *history.History, m events.Measure, a events.Minor) sheet.Cell {
	if m == events.AdjustedM && !s.adjusted || m == events.AvailableM && !s.available {
		return sheet.Cell{}
	}
	return sheet.Money(a, h.Decimals())
}

// of is the span of a month, of noMonth the first one or the last; nil where the spread has not that month.
func (s *spread) of(month int, before bool) *span {
	last := len(s.spans) - 1
	switch {
	case month == noMonth && before:
		return &s.spans[0]
	case month == noMonth:
		return &s.spans[last]
	}
	for i := 1; i < last; i++ {
		if s.spans[i].month == month {
			return &s.spans[i]
		}
	}
	return nil
}

// Series is what moved of a measure of a line in each period of the fund's year, with the running total; of spent also the rate reached; by month also what
// moved in the same month of the year before. As of a date within a month, that is up to the same day a year earlier.
func Series(h *history.History, q history.Query, of Subject, open history.Open) (*sheet.Sheet, error) {
	if err := of.checked(); err != nil {
		return nil, err
	}
	rated := of.Measure == events.SpentM
	s, y, err := h.Sheet("series", q, open, rated)
	if err != nil {
		return nil, err
	}
	this, err := spreadOf(h, y, q, of.Line, of.Step)
	if err != nil {
		return nil, err
	}
	if this == nil {
		return nil, &events.Error{Code: events.UnknownLine, Args: events.Args{"fund": string(h.Fund()), "year": y.Year.String(), "line": string(of.Line)}}
	}
	line := y.Lines()[slices.IndexFunc(y.Lines(), func(l history.Line) bool { return l.Code == of.Line })]
	called := sheet.Named(line.Name, line.NameEn)
	if line.Code == events.Root {
		called = sheet.Say("row.total")
	}
	s.Title = append(s.Title, sheet.Member{Name: "line", Value: sheet.Words(string(of.Line))}, sheet.Member{Name: "line_name", Value: called},
		sheet.Member{Name: "measure", Value: sheet.Term("column", string(of.Measure))}, sheet.Member{Name: "step", Value: sheet.Term("step", string(of.Step))})
	s.Head = append(s.Head, sheet.Member{Name: "line", Value: sheet.Words(string(of.Line))}, sheet.Member{Name: "measure", Value: sheet.Words(string(of.Measure))},
		sheet.Member{Name: "step", Value: sheet.Words(string(of.Step))})
	if !y.Budgeted && !rated {
		s.Face = append(s.Face, sheet.Say("face.unbudgeted"))
	}
	var before *spread
	if of.Step == ByMonth {
		if before, err = yearBefore(h, y, q, line, of, s); err != nil {
			return nil, err
		}
	}
	s.Tables = []*sheet.Table{nil}
	s.Tables[0], err = seriesTable(h, q, of, this, before)
	return s, err
}

// Before is the same question of the year before, as of the same day a year earlier.
func Before(q history.Query) history.Query {
	q.Year--
	if q.AsOf != nil {
		day := q.AsOf.AddMonths(-12)
		q.AsOf = &day
	}
	return q
}

// yearBefore is the spread of a line in the year before, under the code that it had there, nil where there is none; the face says of what it is.
func yearBefore(h *history.History, y *history.Year, q history.Query, line history.Line, of Subject, s *sheet.Sheet) (*spread, error) {
	q = Before(q)
	code := line.Code
	if line.Was != "" {
		code = line.Was
	}
	args := []sheet.Member{{Name: "year", Value: sheet.Number(q.Year)}, {Name: "line", Value: sheet.Words(string(code))}}
	year, at := sheet.Cell{}, sheet.Cell{}
	defer func() {
		s.Head = append(s.Head, sheet.Member{Name: "compared_year", Value: year}, sheet.Member{Name: "compared_line", Value: at})
	}()
	if !slices.Contains(h.Years(), q.Year) {
		s.Face = append(s.Face, sheet.Say("face.year-before-no-year", args...))
		return nil, nil
	}
	earlier, err := h.Year(q.Year)
	if err != nil {
		return nil, err
	}
	found, err := spreadOf(h, earlier, q, code, of.Step)
	if err != nil {
		return nil, err
	}
	if found == nil {
		s.Face = append(s.Face, sheet.Say("face.year-before-no-line", args...))
		return nil, nil
	}
	year, at = args[0].Value, args[1].Value
	s.Face = append(s.Face, sheet.Say("face.year-before", args...))
	dims := h.Dimensions(q.Year)
	for _, c := range q.Where {
		if !slices.Contains(dims, c.Dim) { // which is none of the questions that are refused: this year has it
			s.Face = append(s.Face, sheet.Say("face.year-before-no-dimension", args[0], sheet.Member{Name: "dim", Value: sheet.Words(c.Dim)}))
		}
	}
	if q.AsOf != nil {
		s.Face = append(s.Face, sheet.Say("face.year-before-as-of", sheet.Member{Name: "date", Value: sheet.Words(q.AsOf.String())}))
	}
	return found, nil
}

func seriesTable(h *history.History, q history.Query, of Subject, this, before *spread) (*sheet.Table, error) {
	t := &sheet.Table{
		Name: "rows", Columns: append(sheet.Columns("period", "first_day", "last_day"), sheet.Column{Name: "moved", Right: true, Sums: true}, sheet.Column{Name: "running", Right: true}),
		Text: []string{"period", "moved", "running"},
	}
	more := func(columns ...sheet.Column) {
		for _, c := range columns {
			t.Columns, t.Text = append(t.Columns, c), append(t.Text, c.Name)
		}
	}
	if of.Measure == events.SpentM {
		more(sheet.Column{Name: "rate", Right: true})
	}
	if of.Step == ByMonth {
		more(sheet.Column{Name: "year_before", Right: true, Sums: true}, sheet.Column{Name: "change", Right: true})
	}
	var running history.Balance
	var earlier events.Minor // what moved in the periods of the year before
	compared, whole, overflow := false, true, false
	// compare is what moved in the year before and the change since, null where that period was not there.
	compare := func(moved, then events.Minor, there, change bool) []sheet.Cell {
		if of.Step != ByMonth {
			return nil
		}
		out := []sheet.Cell{{}, {}}
		if !there {
			return out
		}
		out[0] = before.money(h, of.Measure, then)
		if difference, ok := moved.Add(-then); ok && change && out[0].Kind != sheet.Null && this.money(h, of.Measure, moved).Kind != sheet.Null {
			out[1] = sheet.Rate(sheet.Share(difference, then))
		}
		return out
	}
	var rows []sheet.Row
	for i := range this.spans {
		sp := &this.spans[i]
		if err := plus(&running, &sp.sum); err != nil {
			return nil, err
		}
		moved := sp.sum.Of(of.Measure)
		edge := i == 0 || i == len(this.spans)-1
		var was *span
		if before != nil {
			month := noMonth
			if !edge {
				month = sp.month - 12
			}
			was = before.of(month, i == 0)
		}
		var then events.Minor
		if was != nil {
			then = was.sum.Of(of.Measure)
		}
		cell := this.money(h, of.Measure, moved)
		if edge && (moved == 0 || cell.Kind == sheet.Null) && then == 0 {
			continue
		}
		var cells []sheet.Cell
		switch {
		case i == 0:
			cells = []sheet.Cell{sheet.Term("period", "before"), {}, sheet.Words(sp.to.String())}
		case edge:
			cells = []sheet.Cell{sheet.Term("period", "after"), sheet.Words(sp.from.String()), {}}
		default:
			cells = []sheet.Cell{sheet.Words(sp.name), sheet.Words(sp.from.String()), sheet.Words(sp.to.String())}
		}
		cells = append(cells, cell, this.money(h, of.Measure, running.Of(of.Measure)))
		if of.Measure == events.SpentM {
			rate := ""
			if this.rate {
				rate = running.Rate(q.Denominator)
			}
			cells = append(cells, sheet.Rate(rate))
		}
		cells = append(cells, compare(moved, then, was != nil, true)...)
		rows = append(rows, sheet.Row{Depth: 1, Cells: cells})
		if was == nil {
			whole = false
			continue
		}
		sum, ok := earlier.Add(then)
		earlier, compared, overflow = sum, true, overflow || !ok
	}
	if overflow {
		return nil, &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(of.Measure)}}
	}
	moved := running.Of(of.Measure)
	total := []sheet.Cell{sheet.Left(), sheet.Left(), sheet.Left(), this.money(h, of.Measure, moved), sheet.Left()}
	if of.Measure == events.SpentM {
		total = append(total, sheet.Left())
	}
	t.Total = &sheet.Row{Cells: append(total, compare(moved, earlier, compared, whole)...)}
	t.Rows = sheet.Rows(rows...)
	return t, nil
}
