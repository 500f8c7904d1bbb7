package intake

import (
	"strings"

	"fundledger/events"
)

// A totalKind says what a row of totals adds up.
type totalKind uint8

const (
	noTotal    totalKind = iota
	subtotal             // 小计: the rows since the total before
	grandTotal           // 合计: those, or all
)

// totalKind is what a row is of totals: its label is among its first texts, and it has no voucher. It may have a date, as in a journal (4月30日 本月合计), but then nobody is paid.
func (x *reading) totalKind() totalKind {
	kind, looked := noTotal, 0
	for i := range x.r.Cells {
		c := &x.r.Cells[i]
		if c.Kind != TextCell || c.Merged {
			continue
		}
		s := ""
		if known.mayEndTotal(c.Text) {
			s = strings.Trim(squeeze(c.Text), ":.。、*")
		} else if tidy(c.Text) == "" {
			continue
		}
		switch {
		case s == "":
		case among(known.terms.Subtotal, s), strings.HasSuffix(s, "小计"), strings.HasSuffix(s, "subtotal"):
			kind = subtotal
		case among(known.terms.Total, s), strings.HasSuffix(s, "合计"), strings.HasSuffix(s, "总计"), strings.HasPrefix(s, "合计("), strings.HasPrefix(s, "总计("):
			kind = grandTotal
		}
		if looked++; looked == 3 || kind != noTotal {
			break
		}
	}
	if kind == noTotal {
		return noTotal
	}
	if cell, _ := x.cell("date"); cell != nil && !cell.Merged {
		if _, err := cell.date(x.plan.dates); err == nil && (x.own("payee.name") || x.own("counterparty")) { // a payment to whoever is called so
			return noTotal
		}
	}
	for _, role := range []Role{"voucher.number", "payee.account", "payee.id", "reference"} {
		if cell, c := x.cell(role); cell != nil && !cell.Merged && !isLabel(cell.Text) && c.index > 0 {
			return noTotal
		}
	}
	return kind
}

// isLabel reports whether a text is that of a total.
func isLabel(s string) bool {
	s = strings.Trim(squeeze(s), ":.。、*")
	return among(known.terms.Subtotal, s) || among(known.terms.Total, s) || strings.HasSuffix(s, "小计") || strings.HasSuffix(s, "合计") || strings.HasSuffix(s, "总计")
}

// A Disagreement is a total that its rows do not add up to.
type Disagreement struct {
	Sheet string
	Row   int
	// Column is the name of the column, Printed what the total says and Rows what the rows add up to, in the currency's smallest unit.
	Column        string
	Printed, Rows events.Minor
	From, Until   int // the first and the last row that were added
	Unit          Unit
}

// A pile is what has been added up of a column.
type pile struct {
	all, void   events.Minor
	rows        int
	first, last int
	unreadable  int // a row whose amount could not be read
	overflow    bool
	allSince    events.Minor // since the total before
	voidSince   events.Minor
	rowsSince   int
	firstSince  int
	block       events.Minor // since the grand total before
	voidBlock   events.Minor
	rowsBlock   int
	firstBlock  int
	digits      int // that were printed after the point, at most
	headed      []headed
	unreadSince bool
}

// headed is a total that stands before what it adds up.
type headed struct {
	row   int
	total events.Minor
	unit  Unit
}

type sums struct {
	plan  *Plan
	l     *layout
	piles map[Role]*pile
}

func newSums(p *Plan, l *layout) *sums {
	s := &sums{plan: p, l: l, piles: map[Role]*pile{}}
	for _, c := range l.columns {
		if isMoney(c.role) && c.role != "balance" {
			s.piles[c.role] = &pile{}
		}
	}
	return s
}

// broken notes a row that cannot be read: what is added up is not known any more.
func (s *sums) broken(row int) {
	for _, p := range s.piles {
		p.unreadable, p.unreadSince = row, true
	}
}

// add adds a row. A [events.MissingField] with Why no-unit ends everything: no unit is guessed.
func (s *sums) add(x *reading, void bool) error {
	for role, p := range s.piles {
		cell, c := x.cell(role)
		if cell == nil || cell.Merged {
			continue
		}
		m, err := cell.money(c.unit, s.plan.facts.Decimals)
		if err != nil {
			if e, ok := err.(*events.Error); ok && e.Why == "no-unit" {
				return s.plan.askUnit(s.l, c, x.r.Number, e.Args["value"])
			}
			p.unreadable, p.unreadSince = x.r.Number, true
			continue
		}
		minor, ok := m.Minor(s.plan.facts.Decimals)
		if !ok {
			p.unreadable, p.unreadSince = x.r.Number, true
			continue
		}
		if void {
			p.void += minor
			p.voidSince += minor
			p.voidBlock += minor
			continue
		}
		if m.Negative || x.own("action") {
			s.plan.want(x, minor)
		}
		if p.rows == 0 {
			p.first = x.r.Number
		}
		if p.rowsSince == 0 {
			p.firstSince = x.r.Number
		}
		if p.rowsBlock == 0 {
			p.firstBlock = x.r.Number
		}
		p.rows++
		p.rowsSince++
		p.rowsBlock++
		p.last = x.r.Number
		p.digits = max(p.digits, m.Digits)
		for _, to := range []*events.Minor{&p.all, &p.allSince, &p.block} {
			sum, ok := to.Add(minor)
			*to, p.overflow = sum, p.overflow || !ok
		}
	}
	return nil
}

func (p *Plan) want(x *reading, minor events.Minor) {
	if minor < 0 {
		minor = -minor
	}
	if payee := squeeze(x.text("payee.name")); payee != "" {
		p.wanted["p"+payee] = true
	} else {
		p.wanted["a"+number(int64(minor))] = true
	}
}

func (p *Plan) askUnit(l *layout, c *column, row int, value string) error {
	name := c.name
	if name == "" {
		name = columnName(c.index)
	}
	return &events.Error{Code: events.MissingField, Why: "no-unit", Args: events.Args{
		"field": "--unit", "column": clip(name), "row": number(row), "value": value, "sheet": l.sheet.Name, "file": p.file.Name,
	}}
}

// tolerance is by how much a total may differ for no other reason than that its rows were printed in a larger unit and rounded: half of the last digit printed, for each row. In
// the currency's own unit nothing is rounded.
func tolerance(unit Unit, digits, rows, decimals int) events.Minor {
	places := unit.power() - max(2, digits) + decimals // of the last digit, in the smallest unit
	if unit == Yuan || unit == "" || places <= 0 {
		return 0
	}
	step := events.Minor(1)
	for range places {
		step *= 10
	}
	return step / 2 * events.Minor(rows+1)
}

// total holds a row of totals against the rows that it may add up.
func (s *sums) total(x *reading, kind totalKind) error {
	for role, p := range s.piles {
		cell, c := x.cell(role)
		if cell == nil || cell.Merged {
			continue
		}
		m, err := cell.money(c.unit, s.plan.facts.Decimals)
		if err != nil {
			if e, ok := err.(*events.Error); ok && e.Why == "no-unit" {
				return s.plan.askUnit(s.l, c, x.r.Number, e.Args["value"])
			}
			s.plan.Notices = append(s.plan.Notices, Notice{"total-unread", map[string]string{"row": number(x.r.Number), "value": clip(cell.Text)}})
			continue
		}
		printed, ok := m.Minor(s.plan.facts.Decimals)
		if !ok {
			continue
		}
		if p.rows == 0 && p.unreadable == 0 && kind == grandTotal { // it stands before its rows
			p.headed = append(p.headed, headed{x.r.Number, printed, m.Unit})
			continue
		}
		s.hold(x.r.Number, c, p, printed, m, kind)
		p.allSince, p.voidSince, p.rowsSince, p.unreadSince = 0, 0, 0, false
		if kind == grandTotal {
			p.block, p.voidBlock, p.rowsBlock = 0, 0, 0
		}
	}
	return nil
}

// hold compares a total with every sum that it can mean.
func (s *sums) hold(row int, c *column, p *pile, printed events.Minor, m Money, kind totalKind) {
	type sum struct {
		amount, void events.Minor
		rows, first  int
	}
	since := sum{p.allSince, p.voidSince, p.rowsSince, p.firstSince}
	all := sum{p.all, p.void, p.rows, p.first}
	block := sum{p.block, p.voidBlock, p.rowsBlock, p.firstBlock}
	can := []sum{since, all}
	if kind == grandTotal {
		can = []sum{all, block, since}
	}
	unreadable := p.unreadable != 0 && (kind == grandTotal || p.unreadSince)
	if unreadable {
		s.plan.Notices = append(s.plan.Notices, Notice{"total-unchecked", map[string]string{"row": number(row), "unread": number(p.unreadable)}})
		return
	}
	for _, of := range can {
		if of.rows == 0 && of.first == 0 && printed != 0 {
			continue
		}
		if printed == of.amount || printed == of.amount+of.void {
			return
		}
	}
	decimals := s.plan.facts.Decimals
	for _, of := range can {
		if d := abs(printed - of.amount); of.rows > 0 && d <= tolerance(m.Unit, max(p.digits, m.Digits), of.rows, decimals) {
			s.plan.Notices = append(s.plan.Notices, Notice{"rounding", map[string]string{"row": number(row), "difference": (printed - of.amount).Format(decimals), "column": clip(c.name)}})
			return
		}
	}
	most := can[0]
	s.plan.Totals = append(s.plan.Totals, Disagreement{
		Sheet: s.l.sheet.Name, Row: row, Column: clip(c.name), Printed: printed, Rows: most.amount, From: most.first, Until: p.last, Unit: m.Unit,
	})
}

func abs(m events.Minor) events.Minor {
	if m < 0 {
		return -m
	}
	return m
}

// end holds the totals that stood before their rows against all of them.
func (s *sums) end() {
	for role, p := range s.piles {
		for _, h := range p.headed {
			s.hold(h.row, s.l.column(role), p, h.total, Money{Unit: h.unit}, grandTotal)
		}
	}
}
