package history

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// Open is what the exceptions of a year come to, for the face of its tables.
type Open struct {
	Count int
	Flags []Flag // of lines and lots
}

// A Flag is an open exception of a line or of a lot.
type Flag struct {
	Code   events.Code
	Line   events.Line
	Lot    string
	Amount events.Minor
}

// Sheet begins the sheet of a year: its head and what stands on its face. rated says that it shows rates.
func (h *History) Sheet(name string, q Query, open Open, rated bool) (*sheet.Sheet, *Year, error) {
	y, err := h.Year(q.Year)
	if err != nil {
		return nil, nil, err
	}
	q, err = h.checked(q)
	if err != nil {
		return nil, nil, err
	}
	s := h.begun(name, q, nil)
	s.Title = []sheet.Member{{Name: "name", Value: sheet.Named(y.Name, y.NameEn)}, {Name: "fund", Value: sheet.Words(string(h.fund))}, {Name: "year", Value: sheet.Number(y.Year)}}
	switch {
	case rated && y.Budgeted:
		s.Face = append(s.Face, sheet.Say("face.denominator."+string(q.Denominator)))
	case rated:
		s.Face = append(s.Face, sheet.Say("face.unbudgeted"))
	}
	recorded, err := h.afterTheFact(y, q, open)
	if err != nil {
		return nil, nil, err
	}
	s.Face = append(s.Face, recorded)
	return s, y, nil
}

// begun begins any sheet with what was asked and of which log. from is where a comparison begins, nil where nothing is compared.
func (h *History) begun(name string, q Query, from *events.Seq) *sheet.Sheet {
	year, asOf, basis := sheet.Cell{}, sheet.Cell{}, "all"
	if q.Year != 0 {
		year = sheet.Number(q.Year)
	}
	s := &sheet.Sheet{Name: name, Currency: h.currency, Decimals: h.decimals}
	say := func(name string, args ...sheet.Member) { s.Face = append(s.Face, sheet.Say(name, args...)) }
	place := func(n events.Seq) []sheet.Member {
		recorded := sheet.Cell{}
		if n > 0 {
			recorded = sheet.Words(h.Recorded(n).Format(events.TimeForm))
		}
		return []sheet.Member{{Name: "seq", Value: sheet.Number(n)}, {Name: "recorded", Value: recorded}}
	}
	if q.AsOf == nil {
		say("face.as-of-any")
	} else {
		asOf = sheet.Words(q.AsOf.String())
		say("face.as-of", sheet.Member{Name: "date", Value: asOf})
	}
	s.Head = []sheet.Member{{Name: "fund", Value: sheet.Words(string(h.fund))}, {Name: "year", Value: year}, {Name: "as_of", Value: asOf}}
	if from != nil {
		s.Head = append(s.Head, sheet.Member{Name: "from", Value: sheet.Members(place(*from)...)})
		if *from == 0 {
			say("face.from-nothing")
		} else {
			say("face.from", place(*from)...)
		}
	}
	say("face.known-at", place(h.last)...)
	if q.Root != "" {
		say("face.root", sheet.Member{Name: "root", Value: sheet.Words(q.Root)})
	}
	if q.Basis == "" {
		say("face.basis-all")
	} else {
		basis = string(q.Basis)
		say("face.basis", sheet.Member{Name: "basis", Value: sheet.Term("basis", basis)})
	}
	var where []sheet.Cell
	for _, c := range q.Where {
		dim, value := dimensionName(c.Dim), DimensionCell(c.Dim, c.Value)
		say("face.where", sheet.Member{Name: "dim", Value: dim}, sheet.Member{Name: "value", Value: value})
		where = append(where, sheet.Words(c.Dim+"="+c.Value))
	}
	s.Head = append(s.Head,
		sheet.Member{Name: "known_at", Value: sheet.Members(place(h.last)...)},
		sheet.Member{Name: "root", Value: sheet.Words(q.Root)},
		sheet.Member{Name: "basis", Value: sheet.Words(basis)},
		sheet.Member{Name: "currency", Value: sheet.Words(h.currency)},
		sheet.Member{Name: "denominator", Value: sheet.Words(string(q.Denominator))},
	)
	if len(where) > 0 {
		s.Head = append(s.Head, sheet.Member{Name: "where", Value: sheet.Listed(where...)})
	}
	if q.By != "" {
		h.SayDivided(s, q.By)
	}
	return s
}

// SayDivided says on a sheet by which dimension it is divided.
func (h *History) SayDivided(s *sheet.Sheet, by string) {
	s.Face = append(s.Face, sheet.Say("face.by", sheet.Member{Name: "dim", Value: dimensionName(by)}))
	s.Head = append(s.Head, sheet.Member{Name: "by", Value: sheet.Words(by)})
}

// afterTheFact says how much of the year was recorded when it had happened already, since rules did not stop that.
func (h *History) afterTheFact(y *Year, q Query, open Open) (sheet.Cell, error) {
	n, all := h.charges(y.Year)
	var recorded, spent events.Totals
	parts, err := h.parts(y, &q)
	if err != nil {
		return sheet.Cell{}, err
	}
	for i := range parts {
		p := &parts[i]
		m := events.Measures[p.measure]
		if m != events.DisbursedM && m != events.ReturnedM {
			continue
		}
		// What comes back of a payment, and what takes it back, is of the payment's mode: else more would have been recorded than was spent.
		if p.record {
			if err := recorded.Add(m, p.sum); err != nil {
				return sheet.Cell{}, err
			}
		}
		if err := spent.Add(m, p.sum); err != nil {
			return sheet.Cell{}, err
		}
	}
	return sheet.Say("face.record",
		sheet.Member{Name: "n", Value: sheet.Number(n)}, sheet.Member{Name: "all", Value: sheet.Number(all)},
		sheet.Member{Name: "recorded", Value: sheet.Money(recorded.Spent(), h.decimals)}, sheet.Member{Name: "spent", Value: sheet.Money(spent.Spent(), h.decimals)},
		sheet.Member{Name: "open", Value: sheet.Number(open.Count)}), nil
}

// rowMeasures are the measures of a row, stored and derived, in the order of its columns.
var rowMeasures = []events.Measure{
	events.Original, events.Supplementary, events.ReallocatedM, events.CarriedInM, events.AdjustedM, events.AllottedM, events.DisbursedM,
	events.ReturnedM, events.SpentM, events.CommittedM, events.LapsedM, events.CarriedOutM, events.AvailableM, events.ConfirmedM,
	events.InTransitM, events.RecoveredM, events.SuspenseM, events.RateM,
}

// lineColumns are the columns of the tables that have a row for each line.
var lineColumns = func() []sheet.Column {
	columns := sheet.Columns("line", "parent", "depth", "leaf", "name", "name_en")
	for _, m := range rowMeasures {
		columns = append(columns, sheet.Column{Name: string(m), Right: true, Sums: m != events.RateM})
	}
	return append(columns, sheet.Column{Name: "own"})
}()

// Execution is how the budget of each line was used.
func (h *History) Execution(q Query, open Open) (*sheet.Sheet, error) {
	return h.lineTable("execution", q, open, true, "line", "name", "original", "adjusted", "spent", "rate", "committed", "lapsed", "carried_out", "available")
}

// Budget is how the budget of each line came about. Its rows are those of [History.Execution].
func (h *History) Budget(q Query, open Open) (*sheet.Sheet, error) {
	return h.lineTable("budget", q, open, false, "line", "name", "original", "supplementary", "reallocated", "carried_in", "adjusted", "allotted")
}

func (h *History) lineTable(name string, q Query, open Open, rated bool, shown ...string) (*sheet.Sheet, error) {
	s, y, err := h.Sheet(name, q, open, rated)
	if err != nil {
		return nil, err
	}
	q, _ = h.checked(q)
	balances, err := h.Balances(y, q)
	if err != nil {
		return nil, err
	}
	lots, err := h.LotBalances(y, q)
	if err != nil {
		return nil, err
	}
	whole := q
	whole.By = ""
	there, err := h.budgeted(y, whole)
	if err != nil {
		return nil, err
	}
	lines := y.Lines()
	total := h.row(y, q, &lines[0], &balances[0], there[0])
	s.Tables = []*sheet.Table{
		{
			Name: "rows", Columns: lineColumns, Text: shown, Total: &total, Numbered: true,
			Rows: func(yield func(sheet.Row) bool) {
				for i := 1; i < len(lines); i++ {
					if !yield(h.row(y, q, &lines[i], &balances[i], there[i])) {
						return
					}
				}
			},
		},
		h.lotTable("lots", lots, lotsThere(q, there[0])),
		h.uncertain(y, q),
		h.flagTable(open.Flags),
	}
	if q.By == "" {
		return s, nil
	}
	if there, err = h.budgeted(y, q); err != nil {
		return nil, err
	}
	groups, err := h.divided(y, q, there)
	if err != nil {
		return nil, err
	}
	// The total is that of the table which was divided.
	total.Cells, total.Own = slices.Concat([]sheet.Cell{sheet.Left()}, total.Cells), nil
	groups.Text, groups.Total = slices.Concat([]string{"group"}, shown), &total
	s.Tables[0] = groups
	return s, nil
}

// measures returns the cells of a row's measures. What hangs on a budget does not exist where budgets are not known, nor a rate and what is available where they
// are not divided as the query asks: adjusted is there all the same, since a total is made of it.
func (h *History) measures(y *Year, t *events.Totals, inTransit events.Minor, rate string, there budgeted) []sheet.Cell {
	cells := make([]sheet.Cell, 0, len(rowMeasures))
	for _, m := range rowMeasures {
		var a events.Minor
		switch m {
		case events.AdjustedM:
			a = t.Adjusted()
		case events.SpentM:
			a = t.Spent()
		case events.AvailableM:
			a = t.Available()
		case events.InTransitM:
			a = inTransit
		case events.RateM:
			if !there.Rate {
				rate = ""
			}
			cells = append(cells, sheet.Rate(rate))
			continue
		default:
			a = *t.Of(m)
		}
		if !y.Budgeted && m == events.AdjustedM || !there.Available && m == events.AvailableM {
			cells = append(cells, sheet.Cell{})
		} else {
			cells = append(cells, sheet.Money(a, h.decimals))
		}
	}
	return cells
}

// row is the row of a line, or of the root, which has only its code beside the measures.
func (h *History) row(y *Year, q Query, l *Line, b *Balance, there budgeted) sheet.Row {
	r := sheet.Row{Depth: l.Depth, Cells: []sheet.Cell{
		sheet.Words(string(l.Code)), sheet.Words(string(l.Parent)), sheet.Number(l.Depth), sheet.Truth(l.Leaf), sheet.Named(l.Name, l.NameEn), sheet.Words(l.NameEn),
	}}
	if l.Code == events.Root {
		r.Cells = append(r.Cells[:1], sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left())
	}
	r.Cells = append(r.Cells, h.measures(y, &b.All, b.InTransit(), b.Rate(q.Denominator), there)...)
	own := sheet.Left()
	if !l.Leaf && !b.Own.IsZero() {
		var ms []sheet.Member
		for _, m := range events.Measures {
			if a := *b.Own.Of(m); a != 0 {
				ms = append(ms, sheet.Member{Name: string(m), Value: sheet.Money(a, h.decimals)})
			}
		}
		own = sheet.Members(ms...)
		part := sheet.Row{Depth: l.Depth + 1, Cells: []sheet.Cell{sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left(), sheet.Say("row.own"), sheet.Left()}}
		part.Cells = append(part.Cells, h.measures(y, &b.Own, 0, "", there)...)
		part.Cells[len(part.Cells)-1] = sheet.Left() // nobody knows a rate of money that is not split
		part.Cells = append(part.Cells, sheet.Left())
		r.Own = &part
	}
	r.Cells = append(r.Cells, own)
	return r
}

var lotColumns = []sheet.Column{
	{Name: "lot"},
	{Name: "line"},
	{Name: "purpose"},
	{Name: "from_year", Right: true},
	{Name: "amount", Right: true, Sums: true},
	{Name: "spent", Right: true, Sums: true},
	{Name: "committed", Right: true, Sums: true},
	{Name: "lapsed", Right: true, Sums: true},
	{Name: "rescinded", Right: true, Sums: true},
	{Name: "carried_out", Right: true, Sums: true},
	{Name: "left", Right: true, Sums: true},
	{Name: "rate", Right: true},
	{Name: "expires"},
}

// lotCells are the measures of a lot.
func (h *History) lotCells(t *events.Totals, there budgeted) []sheet.Cell {
	money := func(m events.Minor) sheet.Cell { return sheet.Money(m, h.decimals) }
	left, rate := money(t.Available()), sheet.Rate(sheet.Share(t.Spent(), t.CarriedIn))
	if !there.Available {
		left = sheet.Cell{}
	}
	if !there.Rate {
		rate = sheet.Cell{}
	}
	return []sheet.Cell{money(t.CarriedIn), money(t.Spent()), money(t.Committed), money(t.Lapsed), money(-t.Supplementary), money(t.CarriedOut), left, rate}
}

// lotsThere is what there is of lots: in a year whose budgets are not known they have what was carried in.
func lotsThere(q Query, there budgeted) budgeted {
	if len(q.Where) == 0 {
		return budgeted{true, true}
	}
	return there
}

func (h *History) lotTable(name string, lots []LotBalance, there budgeted) *sheet.Table {
	return &sheet.Table{Name: name, Columns: lotColumns, Rows: func(yield func(sheet.Row) bool) {
		for i := range lots {
			l := &lots[i]
			cells := []sheet.Cell{sheet.Words(l.Name), sheet.Words(string(l.Line)), sheet.Words(l.Purpose), sheet.Number(l.FromYear)}
			cells = append(append(cells, h.lotCells(&l.Totals, there)...), sheet.Words(l.Expires.String()))
			if !yield(sheet.Row{Cells: cells, Depth: 1}) {
				return
			}
		}
	}}
}

// Lots is the money carried into a year under names. The total's rate is over all lots together.
func (h *History) Lots(q Query, open Open) (*sheet.Sheet, error) {
	s, y, err := h.Sheet("lots", q, open, false)
	if err != nil {
		return nil, err
	}
	lots, err := h.LotBalances(y, q)
	if err != nil {
		return nil, err
	}
	var all events.Totals
	for _, l := range lots {
		if err := all.Plus(l.Totals); err != nil {
			return nil, err
		}
	}
	q, _ = h.checked(q)
	divided, err := h.budgeted(y, q)
	if err != nil {
		return nil, err
	}
	there := lotsThere(q, divided[0])
	t := h.lotTable("rows", lots, there)
	cells := append([]sheet.Cell{sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left()}, h.lotCells(&all, there)...)
	t.Total = &sheet.Row{Cells: append(cells, sheet.Left())}
	s.Tables = []*sheet.Table{t}
	return s, nil
}

// uncertain lists the postings that may count by the date asked for or not, as far as the paper says. What is reversed is certain to be nothing.
func (h *History) uncertain(y *Year, q Query) *sheet.Table {
	return &sheet.Table{
		Name:    "uncertain",
		Columns: []sheet.Column{{Name: "seq", Right: true}, {Name: "line"}, {Name: "measure"}, {Name: "date"}, {Name: "amount", Right: true}},
		Rows: func(yield func(sheet.Row) bool) {
			for _, r := range h.vague(y, &q) {
				c := h.posted[y.Year].cells[r.Cell]
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Number(events.Seq(r.Seq)), sheet.Words(string(y.lines[c.line].Code)), sheet.Term("measure", string(events.Measures[c.measure])),
					sheet.Words(h.dates.values[r.date].String()), sheet.Money(r.Amount, h.decimals),
				}}) {
					return
				}
			}
		},
	}
}

// An uncertain posting is one of a date that is not a day.
type uncertain struct {
	vagueRow
	date int32
}

// vague lists those that may count in the query or not, in the order of the log.
func (h *History) vague(y *Year, q *Query) []uncertain {
	p := h.posted[y.Year]
	if q.AsOf == nil || p == nil {
		return nil
	}
	var out []uncertain
	for _, v := range p.vague {
		if v.Counts <= *q.AsOf || h.dates.values[v.Date].First() > *q.AsOf {
			continue
		}
		for _, r := range v.Rows {
			if n := events.Seq(r.Seq); n > h.last {
				break
			} else if !h.narrows(q, p.cells[r.Cell]) && h.paid(q, n) && h.standing(n) {
				out = append(out, uncertain{r, v.Date})
			}
		}
	}
	slices.SortFunc(out, func(a, b uncertain) int { return cmp.Compare(a.Place, b.Place) })
	return out
}

func (h *History) flagTable(flags []Flag) *sheet.Table {
	return &sheet.Table{
		Name: "flags", Columns: []sheet.Column{{Name: "code"}, {Name: "line"}, {Name: "lot"}, {Name: "amount", Right: true}},
		Rows: func(yield func(sheet.Row) bool) {
			for _, f := range flags {
				lot := sheet.Left()
				if f.Lot != "" {
					lot = sheet.Words(f.Lot)
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Term("flag", string(f.Code)), sheet.Words(string(f.Line)), lot, sheet.Money(f.Amount, h.decimals),
				}}) {
					return
				}
			}
		},
	}
}

// A Piece is what stands of a payment on one line.
type Piece struct {
	Pay                            events.Seq
	Line                           events.Line
	Disbursed, Returned, Recovered events.Minor
}

// Left is what of it has not come back.
func (p *Piece) Left() events.Minor { return p.Disbursed - p.Returned - p.Recovered }

// Pieces lists what stands of each payment of a year, on each line that its money got to, in the order of the log. A reversed payment has none. No event is read again for it. It
// is an [events.Overflow] where the sums leave int64.
func (h *History) Pieces(y *Year, q Query) ([]Piece, error) {
	type place struct {
		pay  events.Seq
		line int32
	}
	at := map[place]int{}
	var pieces []Piece // in the order in which money got there
	overflow := false
	for _, n := range slices.Sorted(maps.Keys(h.posted)) {
		h.counted(&Year{Year: n}, &q, func(r *row) {
			m := events.Measures[r.measure]
			if m != events.DisbursedM && m != events.ReturnedM && m != events.RecoveredM {
				return
			}
			pay := h.Payment(r.seq)
			if pay == 0 || h.kind(pay) != events.Disbursed || h.Event(pay).Year != y.Year {
				return
			}
			to := place{pay, r.line}
			if m == events.RecoveredM { // it stands in the year that got it back
				to.line = y.places[events.Line(h.texts.values[r.ofLine])]
			}
			i, ok := at[to]
			if !ok {
				i = len(pieces)
				at[to] = i
				pieces = append(pieces, Piece{Pay: pay, Line: y.lines[to.line].Code})
			}
			part := &pieces[i].Disbursed
			switch m {
			case events.ReturnedM:
				part = &pieces[i].Returned
			case events.RecoveredM:
				part = &pieces[i].Recovered
			}
			sum, ok := part.Add(r.amount)
			*part, overflow = sum, overflow || !ok
		})
	}
	pieces = slices.DeleteFunc(pieces, func(p Piece) bool { return p.Disbursed == 0 && p.Returned == 0 && p.Recovered == 0 })
	var amount, left events.Minor
	for i := range pieces {
		var ok1, ok2 bool
		amount, ok1 = amount.Add(pieces[i].Disbursed)
		left, ok2 = left.Add(pieces[i].Left())
		overflow = overflow || !ok1 || !ok2
	}
	if overflow {
		return nil, &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.DisbursedM)}}
	}
	slices.SortStableFunc(pieces, func(a, b Piece) int { return cmp.Compare(a.Pay, b.Pay) })
	return pieces, nil
}

// newest is how many of so many rows are shown, which the face of the sheet then says.
func (q *Query) newest(s *sheet.Sheet, all int) int {
	if q.Newest == 0 || all <= q.Newest {
		return all
	}
	s.Face = append(s.Face, sheet.Say("face.newest", sheet.Member{Name: "n", Value: sheet.Number(q.Newest)}, sheet.Member{Name: "all", Value: sheet.Number(all)}))
	return q.Newest
}

// Payments has a row for each payment of the year and each line on which its money stands: what was paid there, and what of it has not come back. A
// reversed payment is none, and a line that all of it has left is not there. Its bank is the event that matched it with bank lines.
func (h *History) Payments(q Query, open Open) (*sheet.Sheet, error) {
	s, y, err := h.Sheet("payments", q, open, false)
	if err != nil {
		return nil, err
	}
	pieces, err := h.Pieces(y, q)
	if err != nil {
		return nil, err
	}
	var amount, left events.Minor // which fit, as [History.Pieces] has looked
	for i := range pieces {
		amount, left = amount+pieces[i].Disbursed, left+pieces[i].Left()
	}
	shown := q.newest(s, len(pieces))
	whole := shown == len(pieces)
	pieces = pieces[len(pieces)-shown:]
	matches := h.Matches()
	rows := make([]sheet.Row, len(pieces))
	for i := range pieces {
		pc := &pieces[i]
		e, err := h.Stored(pc.Pay)
		if err != nil {
			return nil, err
		}
		c, date := e.Command, e.Command.Date
		if i := slices.IndexFunc(e.Postings, func(p events.Posting) bool { return p.Measure == events.DisbursedM }); i >= 0 {
			date = e.Postings[i].Date // with the fiscal year filled in
		}
		rows[i] = sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Number(pc.Pay), sheet.Words(string(e.ID)), sheet.Words(string(pc.Line)), sheet.Words(date.String()),
			sheet.Money(pc.Disbursed, h.decimals), sheet.Money(pc.Left(), h.decimals),
			sheet.Term("channel", string(c.Channel)), sheet.Term("basis", string(c.Basis)), VoucherCell(c.Voucher), PayeeCell(h.Payee(pc.Pay)),
			sheet.Words(c.Lot), numbered(matches[pc.Pay]),
		}}
	}
	total := sheet.Row{Cells: []sheet.Cell{
		sheet.Left(), sheet.Left(), sheet.Words(string(events.Root)), sheet.Left(), sheet.Money(amount, h.decimals), sheet.Money(left, h.decimals),
		sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left(), sheet.Left(),
	}}
	text := []string{"seq", "date", "line", "amount", "left", "payee", "voucher", "channel", "basis", "lot"}
	if h.Banked() {
		text = append(text, "bank")
	}
	s.Tables = []*sheet.Table{{
		Name: "rows", Total: &total, Text: text,
		Columns: []sheet.Column{
			{Name: "seq", Right: true},
			{Name: "id"},
			{Name: "line"},
			{Name: "date"},
			{Name: "amount", Right: true, Sums: whole},
			{Name: "left", Right: true, Sums: whole},
			{Name: "channel"},
			{Name: "basis"},
			{Name: "voucher"},
			{Name: "payee"},
			{Name: "lot"},
			{Name: "bank", Right: true},
		},
		Rows: sheet.Rows(rows...),
	}}
	return s, nil
}

// numbered is an event's number; 0 is none.
func numbered(n events.Seq) sheet.Cell {
	if n == 0 {
		return sheet.Cell{}
	}
	return sheet.Number(n)
}

// VoucherCell names a voucher.
func VoucherCell(v events.Voucher) sheet.Cell {
	if v == (events.Voucher{}) {
		return sheet.Cell{}
	}
	return sheet.Titled(strings.Join([]string{v.Issuer, v.Year.String(), v.Type, v.Number, v.Line}, " "),
		sheet.Member{Name: "issuer", Value: sheet.Words(v.Issuer)}, sheet.Member{Name: "year", Value: sheet.Number(v.Year)},
		sheet.Member{Name: "type", Value: sheet.Words(v.Type)}, sheet.Member{Name: "number", Value: sheet.Words(v.Number)},
		sheet.Member{Name: "line", Value: sheet.Words(v.Line)})
}

// PayeeCell names a payee. It leaves accounts out: a table goes to more people than the log does.
func PayeeCell(p events.Payee) sheet.Cell {
	title := cmp.Or(p.Name, p.ID, p.Ref)
	if title == "" {
		return sheet.Cell{}
	}
	var ms []sheet.Member
	for _, m := range []sheet.Member{
		{Name: "name", Value: sheet.Words(p.Name)}, {Name: "id", Value: sheet.Words(p.ID)}, {Name: "class", Value: sheet.Words(string(p.Class))}, {Name: "ref", Value: sheet.Words(p.Ref)},
	} {
		if m.Value.Kind != sheet.Null {
			ms = append(ms, m)
		}
	}
	return sheet.Titled(title, ms...)
}
