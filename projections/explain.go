package projections

import (
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Place is a cell of a budget or an execution table: a line, which may be a group or the root, and a measure, posted or derived.
type Place struct {
	Line    events.Line
	Measure events.Measure
}

// ParsePlace reads LINE=MEASURE. Anything else is a [events.BadValue], with Why place-form, choice, or that of the line.
func ParsePlace(s string) (at Place, err error) {
	line, measure, ok := strings.Cut(s, "=")
	if !ok {
		return at, &events.Error{Code: events.BadValue, Why: "place-form", Args: events.Args{"value": s}}
	}
	at = Place{events.Root, events.Measure(measure)}
	if line != string(events.Root) {
		if at.Line, err = events.ParseLine(line); err != nil {
			return at, err
		}
	}
	return at, at.known()
}

func (at Place) String() string { return string(at.Line) + "=" + string(at.Measure) }

// known refuses a measure that there is not.
func (at Place) known() error {
	measures := slices.Concat(events.Measures, events.Derived)
	if slices.Contains(measures, at.Measure) {
		return nil
	}
	var all []string
	for _, m := range measures {
		all = append(all, string(m))
	}
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "measure", "value": string(at.Measure), "choices": strings.Join(all, " ")}}
}

// Explained lists the tables whose cells [Book.Explain] can explain.
var Explained = []string{"budget", "execution"}

// A term is a posted measure within a derived one: added, or subtracted where Minus is set.
type term struct {
	measure events.Measure
	minus   bool
}

// The terms of the derived measures. In transit is over what a lower treasury was sent alone, and a rate is spent over its denominator.
var (
	adjusted = []term{{measure: events.Original}, {measure: events.Supplementary}, {measure: events.ReallocatedM}, {measure: events.CarriedInM}}
	spent    = []term{{measure: events.DisbursedM}, {measure: events.ReturnedM, minus: true}}
	derived  = map[events.Measure][]term{
		events.AdjustedM: adjusted,
		events.SpentM:    spent,
		events.AvailableM: append(slices.Clone(adjusted), term{events.DisbursedM, true}, term{measure: events.ReturnedM}, term{events.CommittedM, true},
			term{events.LapsedM, true}, term{events.CarriedOutM, true}),
		events.InTransitM: append(slices.Clone(spent), term{events.ConfirmedM, true}),
	}
	denominators = map[Denominator][]term{
		history.OverOriginal: {{measure: events.Original}},
		history.OverAdjusted: adjusted,
		history.OverNet:      append(slices.Clone(adjusted), term{events.LapsedM, true}),
		history.OverCurrent:  adjusted,
	}
)

// A part is terms that are added up on their own: a cell, or the upper or the lower half of a rate.
type part struct {
	name  string // "" for a cell
	terms []term
	keep  func(*history.Posting) bool
}

func partsOf(m events.Measure, d Denominator) []part {
	every := func(*history.Posting) bool { return true }
	switch m {
	case events.InTransitM:
		return []part{{terms: derived[m], keep: func(p *history.Posting) bool { return p.Channel == events.LowerTreasury }}}
	case events.RateM:
		if d == "" {
			d = history.OverAdjusted
		}
		if d == history.OverCurrent { // without lots on both sides
			every = func(p *history.Posting) bool { return p.Lot == "" }
		}
		return []part{{"numerator", spent, every}, {"denominator", denominators[d], every}}
	}
	if terms, ok := derived[m]; ok {
		return []part{{terms: terms, keep: every}}
	}
	return []part{{terms: []term{{measure: m}}, keep: every}}
}

var explainColumns = []sheet.Column{
	{Name: "line"},
	{Name: "measure"},
	{Name: "value", Right: true, Sums: true},
	{Name: "numerator", Right: true},
	{Name: "denominator", Right: true},
	{Name: "part"},
	{Name: "seq", Right: true},
	{Name: "date"},
	{Name: "kind"},
	{Name: "lot"},
	{Name: "amount", Right: true},
}

// Explain adds to a table of [Explained] what its cells are made of: each cell that is asked for, and after it the postings that count in it in the order of the
// log, with what was posted and with what it is worth in the cell, where what is subtracted is negative. Those values add up to the cell; of a rate, those of its
// numerator and of its denominator each to that. It is [events.UnknownLine] where the year has no such line, and [events.BadValue] for no such measure, and for a
// table divided by a dimension, whose cells are not told apart by line and measure. The other errors are those of reading the log again.
func (b *Book) Explain(s *sheet.Sheet, q Query, asked []Place) error {
	h := b.history
	y, err := h.Year(q.Year)
	if err != nil {
		return err
	}
	if !slices.Contains(Explained, s.Name) || q.By != "" {
		return noTable(s.Name, Explained)
	}
	parents := map[events.Line]events.Line{}
	for _, l := range y.Lines() {
		parents[l.Code] = l.Parent
	}
	var rows []sheet.Row
	rated := false
	for _, at := range asked {
		if _, ok := parents[at.Line]; !ok {
			return &events.Error{Code: events.UnknownLine, Args: events.Args{"fund": string(h.Fund()), "year": y.Year.String(), "line": string(at.Line)}}
		}
		value, err := cellOf(s.Tables[0], at)
		if err != nil {
			return err
		}
		below := func(line events.Line) bool {
			for line != at.Line && line != events.Root {
				line = parents[line]
			}
			return line == at.Line
		}
		head := len(rows)
		rows = append(rows, sheet.Row{})
		var sums []events.Minor
		parts := partsOf(at.Measure, q.Denominator)
		for _, pt := range parts {
			var sum events.Minor
			var counted []worthy
			fits := true
			h.Counted(y, q, func(p *history.Posting) {
				i := slices.IndexFunc(pt.terms, func(t term) bool { return t.measure == p.Measure })
				if i < 0 || !below(p.Line) || !pt.keep(p) {
					return
				}
				worth := p.Amount
				if pt.terms[i].minus {
					worth = -worth
				}
				total, ok := sum.Add(worth)
				sum, fits = total, fits && ok
				counted = append(counted, worthy{*p, worth})
			})
			if !fits {
				return &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(at.Measure)}}
			}
			sums = append(sums, sum)
			made, err := explained(h, counted, pt.name)
			if err != nil {
				return err
			}
			rows = append(rows, made...)
		}
		cells := []sheet.Cell{sheet.Words(string(at.Line)), sheet.Term("column", string(at.Measure)), value}
		if len(parts) == 2 {
			rated = true
			cells = append(cells, sheet.Money(sums[0], h.Decimals()), sheet.Money(sums[1], h.Decimals()))
		}
		for len(cells) < len(explainColumns) {
			cells = append(cells, sheet.Left())
		}
		rows[head] = sheet.Row{Depth: 1, Cells: cells}
	}
	t := &sheet.Table{
		Name: "explain", Columns: explainColumns, Rows: sheet.Rows(rows...), Nested: "events",
		Text: []string{"line", "measure", "seq", "date", "kind", "lot", "amount", "value"},
	}
	if rated {
		t.Text = []string{"line", "measure", "part", "seq", "date", "kind", "lot", "amount", "value", "numerator", "denominator"}
	}
	s.Tables = append(s.Tables, t)
	return nil
}

// A worthy posting is one that counts in a cell, with what it is worth there.
type worthy struct {
	history.Posting
	worth events.Minor
}

// explained makes the rows of postings. Their dates stand in the log alone, which is read again for them.
func explained(h *history.History, counted []worthy, half string) (rows []sheet.Row, err error) {
	var e events.Event
	from := 0 // the postings of the event before it have been told
	for i := range counted {
		p := &counted[i]
		if e.Seq != p.Seq {
			if e, err = h.Stored(p.Seq); err != nil {
				return nil, err
			}
			from = 0
		}
		var on events.Date
		on, from = p.DateIn(&e, from)
		date := sheet.Words(on.String())
		part, lot := sheet.Left(), sheet.Left()
		if half != "" {
			part = sheet.Term("part", half)
		}
		if p.Lot != "" {
			lot = sheet.Words(p.Lot)
		}
		rows = append(rows, sheet.Row{Depth: 2, Cells: []sheet.Cell{
			sheet.Words(string(p.Line)), sheet.Term("column", string(p.Measure)), sheet.Money(p.worth, h.Decimals()), sheet.Left(), sheet.Left(), part,
			sheet.Number(p.Seq), date, sheet.Term("kind", string(h.Event(p.Seq).Kind)), lot, sheet.Money(p.Amount, h.Decimals()),
		}})
	}
	return rows, nil
}

// cellOf is a cell as the table has it.
func cellOf(t *sheet.Table, at Place) (sheet.Cell, error) {
	if err := at.known(); err != nil {
		return sheet.Cell{}, err
	}
	line, column := t.Column("line"), t.Column(string(at.Measure))
	if at.Line == events.Root {
		return t.Total.Cells[column], nil
	}
	for r := range t.Rows {
		if r.Cells[line].Text() == string(at.Line) {
			return r.Cells[column], nil
		}
	}
	return sheet.Cell{}, nil
}
