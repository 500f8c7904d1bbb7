package history

import (
	"cmp"
	"maps"
	"slices"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// The dimensions that events have of themselves. Further ones are the dims of their postings; one that has such a name is not to be asked for.
const (
	ByPayee   = "payee"
	ByMethod  = "method"
	ByChannel = "channel"
	ByBasis   = "basis"
)

var builtIn = []string{ByPayee, ByMethod, ByChannel, ByBasis}

// A Condition keeps the postings that have a value in a dimension; "" is that they have none. A payee may be asked for by any of its names, unless the condition
// is for one part of a table that is divided by payee: they stand there by one name each, and two may share another.
type Condition struct {
	Dim, Value string
	part       bool
}

// PartOf is the condition for the part of a divided table that has that value.
func PartOf(dim, value string) Condition { return Condition{dim, value, true} }

// Dimensions lists the dimensions of a year, or of every open year where y is 0: the built-in ones, and after them those of its postings by name.
func (h *History) Dimensions(y events.Year) []string {
	used := map[int32]bool{}
	for n, in := range h.book() {
		if n != y && (y != 0 || in.Opened == 0) {
			continue
		}
		for _, c := range h.cells(in) {
			used[c.dims] = true
		}
	}
	own := map[string]bool{}
	for n := range used {
		for _, d := range h.dimsOf[n] {
			if !slices.Contains(builtIn, d.Key) {
				own[d.Key] = true
			}
		}
	}
	return slices.Concat(builtIn, slices.Sorted(maps.Keys(own)))
}

// dimensions are those that a query narrows or divides by.
func (q *Query) dimensions() []string {
	var out []string
	for _, c := range q.Where {
		out = append(out, c.Dim)
	}
	if q.By != "" {
		out = append(out, q.By)
	}
	return out
}

// Known refuses a query by a dimension that nothing in its year has, or by no channel or basis that there is: it would find nothing, and look as if nothing
// had been spent.
func (h *History) Known(q Query) error {
	asked := q.dimensions()
	if len(asked) == 0 {
		return nil
	}
	all := h.Dimensions(q.Year)
	for _, d := range asked {
		if !slices.Contains(all, d) {
			return unknown("dimension", d, all)
		}
	}
	for _, c := range q.Where {
		switch {
		case c.Value == "":
		case c.Dim == ByChannel && !slices.Contains(events.Channels, events.Channel(c.Value)):
			return unknown(c.Dim, events.Channel(c.Value), events.Channels)
		case c.Dim == ByBasis && !slices.Contains(events.Bases, events.Basis(c.Value)):
			return unknown(c.Dim, events.Basis(c.Value), events.Bases)
		}
	}
	return nil
}

// value is what the postings of a cell have in a dimension other than the payee, "" where they have nothing.
func (h *History) value(k *key, dim string) string {
	switch dim {
	case ByMethod:
		return h.texts.values[k.method]
	case ByChannel:
		if k.channel < 0 {
			return ""
		}
		return string(events.Channels[k.channel])
	case ByBasis:
		if k.basis < 0 {
			return ""
		}
		return string(events.Bases[k.basis])
	}
	return h.dimsOf[k.dims].Get(dim)
}

// valueOf is what a part has in any dimension. A payee is called by its id, which two of one name do not share.
func (h *History) valueOf(p *part, dim string) string {
	if dim == ByPayee {
		return called(&h.payees[p.payee])
	}
	return h.value(&p.key, dim)
}

// called is by what a payee stands in a table that is divided by payee.
func called(p *events.Payee) string { return cmp.Or(p.ID, p.Name, p.Ref) }

// Payee is whom an event names. One that names nobody has the payee of what it is about: a refund that of its payment, a release that of its commitment, a
// reversal that of what it reverses.
func (h *History) Payee(n events.Seq) events.Payee { return h.payees[h.payee(n)] }

// payee is the number of [History.Payee].
func (h *History) payee(n events.Seq) uint32 {
	for ; n != 0; n = h.of(n) {
		if named := h.namedAt(n, h.last); named != 0 && h.kind(n) != events.Reversed {
			return named
		}
	}
	return 0
}

// namedAt is whom an event itself names, as amended up to another; 0 is nobody.
func (h *History) namedAt(n, last events.Seq) uint32 {
	named := h.named.at(int(n - 1))
	if len(h.amended) > 0 {
		for _, a := range h.amended[n] {
			if a.Seq <= last {
				named = a.Payee
			}
		}
	}
	return named
}

// isPayee reports whether a payee is the one asked for.
func (h *History) isPayee(n uint32, c *Condition) bool {
	payee := &h.payees[n]
	if c.Value == "" || c.part {
		return called(payee) == c.Value
	}
	return c.Value == payee.ID || c.Value == payee.Name || c.Value == payee.Ref
}

// meets reports whether a part meets a condition.
func (h *History) meets(p *part, c Condition) bool {
	if c.Dim == ByPayee {
		return h.isPayee(p.payee, &c)
	}
	return h.value(&p.key, c.Dim) == c.Value
}

// undivided is what lacks a dimension of the query and is in no other way left out by it. A line whose budget is among that has one, but none of
// its own for the value asked for. To hold what was spent for a district against the budget of all districts, or against none, would say what nobody decided.
// What has other dims stands apart, so that a virement from a district does not hide one to all of them.
func (h *History) undivided(y *Year, q Query) (map[int32][]part, error) {
	asked := q.dimensions()
	if len(asked) == 0 {
		return nil, nil
	}
	all := q
	all.Where = nil
	if q.payees() {
		all.By = ByPayee // so that parts are of one payee each
	}
	parts, err := h.parts(y, &all)
	if err != nil {
		return nil, err
	}
	out := map[int32][]part{}
	for i := range parts {
		p := &parts[i]
		switch events.Measures[p.measure] {
		case events.Original, events.Supplementary, events.ReallocatedM, events.CarriedInM, events.CommittedM, events.LapsedM, events.CarriedOutM:
		default:
			continue
		}
		if !slices.ContainsFunc(asked, func(dim string) bool { return h.valueOf(p, dim) == "" }) {
			continue
		}
		if !slices.ContainsFunc(q.Where, func(c Condition) bool { return !h.meets(p, c) && h.valueOf(p, c.Dim) != "" }) { // which is another's
			out[p.dims] = append(out[p.dims], *p)
		}
	}
	return out, nil
}

// A budgeted says which figures of a line that hang on its budget there are. They need one that is known and, where the query has dimensions, divided
// by them; what is available needs that too of what was committed, lapsed and carried out.
type budgeted struct{ Rate, Available bool }

// budgeted is that of each line of [Year.Lines].
func (h *History) budgeted(y *Year, q Query) ([]budgeted, error) {
	out := slices.Repeat([]budgeted{{y.Budgeted, y.Budgeted}}, len(y.lines))
	undivided, err := h.undivided(y, q)
	if err != nil {
		return nil, err
	}
	for _, parts := range undivided {
		rest, err := y.sums(parts)
		if err != nil {
			return nil, err
		}
		for i := range out {
			t := &rest[i].All
			whole := t.Original == 0 && t.Supplementary == 0 && t.Reallocated == 0 && t.CarriedIn == 0
			out[i].Rate = out[i].Rate && whole && (q.Denominator != OverNet || t.Lapsed == 0)
			out[i].Available = out[i].Available && whole && t.Committed == 0 && t.Lapsed == 0 && t.CarriedOut == 0
		}
	}
	return out, nil
}

// Budgeted says it of a line, which must be there.
func (h *History) Budgeted(y *Year, q Query, line events.Line) (rate, available bool, err error) {
	all, err := h.budgeted(y, q)
	if err != nil {
		return false, false, err
	}
	at := all[slices.IndexFunc(y.Lines(), func(l Line) bool { return l.Code == line })]
	return at.Rate, at.Available, nil
}

// A group is what has one value of a dimension.
type group struct {
	value string
	parts []part
}

// groups divides what counts in the query: sorted by value, those without any last.
func (h *History) groups(y *Year, q Query) ([]group, error) {
	parts, err := h.parts(y, &q)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	var out []group
	for i := range parts {
		value := h.valueOf(&parts[i], q.By)
		n, ok := at[value]
		if !ok {
			n = len(out)
			at[value] = n
			out = append(out, group{value: value})
		}
		out[n].parts = append(out[n].parts, parts[i])
	}
	slices.SortFunc(out, func(a, b group) int { return noneLast(a.value, b.value) })
	return out, nil
}

// Values lists what the postings that count in any of some queries have in the dimension that it divides by: sorted, and those without any last, as "".
func (h *History) Values(qs ...Query) ([]string, error) {
	var out []string
	for _, q := range qs {
		y, err := h.Year(q.Year)
		if err != nil {
			return nil, err
		}
		groups, err := h.groups(y, q)
		if err != nil {
			return nil, err
		}
		for i := range groups {
			out = append(out, groups[i].value)
		}
	}
	slices.SortFunc(out, noneLast)
	return slices.Compact(out), nil
}

// noneLast sorts values, those that are none after all others.
func noneLast(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// DimensionCell is a value of a dimension for its reader.
func DimensionCell(dim, value string) sheet.Cell {
	switch {
	case value == "":
		return sheet.Say("row.none")
	case dim == ByChannel || dim == ByBasis || dim == ByMethod:
		return sheet.Term(dim, value)
	}
	return sheet.Words(value)
}

// dimensionName is what a dimension is called: its key, where it is one of the fund's own.
func dimensionName(dim string) sheet.Cell {
	if slices.Contains(builtIn, dim) {
		return sheet.Term("dimension", dim)
	}
	return sheet.Words(dim)
}

// divided is the rows of a year's lines once for each value of the dimension asked for, a group's total before its lines. Lines on which a
// group has nothing are left out, and so is a group that has nothing at all. Sums are made anew for each group on each walk: there may be as many groups as
// payees, and all their lines would not fit in memory.
func (h *History) divided(y *Year, q Query, there []budgeted) (*sheet.Table, error) {
	groups, err := h.groups(y, q)
	if err != nil {
		return nil, err
	}
	lines := y.Lines()
	t := &sheet.Table{
		Name: "groups", Grouped: true, Columns: slices.Concat([]sheet.Column{{Name: "group"}}, lineColumns),
		Rows: func(yield func(sheet.Row) bool) {
			for i := range groups {
				g := &groups[i]
				balances, err := y.sums(g.parts)
				if err != nil {
					return // it was not so when the table was made
				}
				for at, keep := range filled(lines, balances) {
					if !keep {
						continue
					}
					r := h.row(y, q, &lines[at], &balances[at], there[at])
					value := DimensionCell(q.By, g.value)
					r.Cells = slices.Concat([]sheet.Cell{value}, r.Cells)
					if r.Own != nil {
						r.Own.Cells = slices.Concat([]sheet.Cell{value}, r.Own.Cells)
						r.Own.Depth++
					}
					r.Depth++
					if !yield(r) {
						return
					}
				}
			}
		},
	}
	for i := range groups { // a sum may leave int64 that did not where other groups were taken from it
		if _, err := y.sums(groups[i].parts); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// filled reports for each line whether anything is on it or below it.
func filled(lines []Line, balances []Balance) []bool {
	out := make([]bool, len(lines))
	var open []int // the line before and those above it
	for i := range lines {
		for len(open) > 0 && lines[open[len(open)-1]].Depth >= lines[i].Depth {
			open = open[:len(open)-1]
		}
		open = append(open, i)
		if b := &balances[i]; !b.All.IsZero() || !b.Own.IsZero() || !b.Sent.IsZero() {
			for _, at := range open {
				out[at] = true
			}
		}
	}
	return out
}
