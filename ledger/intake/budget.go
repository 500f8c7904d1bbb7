package intake

import (
	"slices"
	"strings"

	"fundledger/events"
)

// A budgetRow is a row of a budget with its place in the tree of lines.
type budgetRow struct {
	x      *reading
	l      *layout
	row    Row
	code   events.Line
	parent events.Line
	name   string
	level  int  // by its ordinal, 0 where it has none
	below  bool // there are rows below it
}

// readBudget reads a budget whole: which rows are sums of others is known at the end.
func (p *Plan) readBudget() error {
	year := p.budgetYear()
	var rows []*budgetRow
	for _, l := range p.layouts {
		for r, err := range l.rows() {
			if err != nil {
				return err
			}
			if r.Err == nil {
				if err := p.changed(l, r); err != nil {
					return err
				}
			}
			kept := *r
			kept.Cells = slices.Clone(r.Cells)
			b := &budgetRow{l: l, row: kept}
			b.x = &reading{plan: p, l: l, r: &b.row, item: Item{Sheet: l.sheet.Name, Row: r.Number}}
			rows = append(rows, b)
		}
	}
	known := p.facts.year(year)
	if year != 0 && known == nil {
		opening, err := p.opening(year, rows)
		if err != nil {
			return err
		}
		if !p.options.Open {
			return rowError(events.UnknownYear, "budget-open", events.Args{"fund": string(p.options.Fund), "year": year.String(), "command": string(opening.JSON())})
		}
		first := rows[0]
		p.budget = append(p.budget, Item{Sheet: first.l.sheet.Name, Row: first.l.header0(), Command: string(events.FundOpened), Commands: [][]byte{opening.JSON()}})
	}
	for _, l := range p.layouts {
		if err := p.budgetSheet(l, rows, year, known); err != nil {
			return err
		}
	}
	return nil
}

// header0 is the row by which the header is called.
func (l *layout) header0() int {
	if len(l.header) == 0 {
		return 1
	}
	return l.header[0]
}

// budgetYear is the year of a whole budget: what is fixed, the title's, the only open one; 0 where each row says its own.
func (p *Plan) budgetYear() events.Year {
	if y, err := events.ParseYear(p.fixed["year"]); err == nil {
		return y
	}
	for _, l := range p.layouts {
		if l.column("year") != nil {
			return 0
		}
		if l.year != 0 {
			return l.year
		}
	}
	return p.only
}

// place reads the code and the name of a row, and the ordinal before them.
func (b *budgetRow) place() {
	x := b.x
	code, name := x.text("line"), x.text("line_name")
	b.name = name
	b.level, _ = cutOrdinal(squeeze(name))
	if b.level == 0 {
		n := squeeze(x.text("number"))
		switch {
		case strings.HasPrefix(n, "(") && strings.HasSuffix(n, ")"):
			b.level, _ = cutOrdinal(n + "x")
		case n != "" && strings.Trim(n, ordinals) == "":
			b.level = 1
		case isDigits(n) && n != "":
			b.level = 3
		case n != "" && strings.Trim(n, "0123456789.") == "" && strings.Contains(n, "."):
			if code == "" {
				code = strings.Trim(n, ".")
			}
		}
	}
	if code == "" { // a code may stand before the name
		first, rest, ok := strings.Cut(name, " ")
		if ok && strings.Trim(first, "0123456789.-") == "" && first != "" && rest != "" {
			if _, err := events.ParseLine(first); err == nil {
				code, b.name = first, rest
			}
		}
	}
	if parsed, err := events.ParseLine(code); err == nil {
		b.code = parsed
	}
	if squeezed := squeeze(b.name); b.level > 0 { // the name without its ordinal, as it is written
		if _, rest := cutOrdinal(squeezed); rest != squeezed {
			b.name = cutWritten(b.name)
		}
	}
}

// cutWritten cuts the ordinal off a name that is not folded.
func cutWritten(s string) string {
	want := []rune(bareName(s))
	if len(want) == 0 {
		return s
	}
	for i := range s {
		if i > 0 && bareName(s[i:]) == string(want) && squeeze(s[i:]) == string(want) {
			return strings.TrimSpace(s[i:])
		}
	}
	return s
}

// opening is the command that opens the year with the lines of the file.
func (p *Plan) opening(year events.Year, rows []*budgetRow) (*events.Draft, error) {
	var named []*budgetRow
	coded := false
	for _, b := range rows {
		if b.row.Err != nil || b.x.totalKind() != noTotal || b.l.repeats(&b.row) {
			continue
		}
		b.place()
		label := squeeze(b.x.label())
		if b.name == "" && b.code == "" || isFoot(label) && !b.anyMoney() {
			continue
		}
		coded = coded || b.code != ""
		named = append(named, b)
	}
	if len(named) == 0 {
		return nil, rowError(events.MissingField, "no-lines", events.Args{"field": "lines", "file": p.file.Name})
	}
	seen := map[events.Line]bool{}
	if coded {
		for _, b := range named {
			if b.code == "" {
				return nil, rowError(events.MissingField, "no-code", events.Args{"field": "line", "row": number(b.row.Number), "value": clip(b.name)})
			}
			seen[b.code] = true
		}
		for _, b := range named {
			b.parent = parentOf(b.code, seen)
		}
	} else {
		numberLines(named)
	}
	name := p.options.Name
	if name == "" {
		name = p.facts.Name
	}
	if name == "" {
		name = p.title()
	}
	d := events.NewDraft(events.FundOpened, p.options.Fund, year).Text("name", name)
	var lines []*events.Draft
	told := map[events.Line]bool{}
	for _, b := range named {
		if told[b.code] {
			continue // the ledger would refuse a code twice; a line may have several rows, of several sources
		}
		told[b.code] = true
		l := &events.Draft{}
		l.Text("code", string(b.code)).Text("name", b.name)
		if b.parent != events.Root {
			l.Text("parent", string(b.parent))
		}
		lines = append(lines, l)
	}
	for _, b := range named {
		b.below = slices.ContainsFunc(named, func(c *budgetRow) bool { return c.parent == b.code })
	}
	return d.Objects("lines", lines), nil
}

func (b *budgetRow) anyMoney() bool {
	for _, role := range []Role{"original", "supplementary"} {
		if cell, _ := b.x.cell(role); cell != nil {
			return true
		}
	}
	return false
}

// title is the first text above the header, for want of which the file's name is taken.
func (p *Plan) title() string {
	for _, l := range p.layouts {
		rows, err := head(l.sheet)
		if err != nil {
			continue
		}
		for i := range rows {
			if rows[i].Number >= l.header0() {
				break
			}
			x := &reading{plan: p, l: l, r: &rows[i]}
			if s := tidy(x.label()); s != "" && saidUnit(s) == "" {
				return s
			}
		}
	}
	name, _, _ := strings.Cut(p.file.Name, ".")
	return name
}

// parentOf is the longest code that another begins with: 1.4 of 1.4.2, and 208 of 20805 where codes are digits alone.
func parentOf(code events.Line, all map[events.Line]bool) events.Line {
	for i := len(code) - 1; i > 0; i-- {
		head := code[:i]
		if !all[head] {
			continue
		}
		if code[i] == '.' || code[i] == '-' || isDigits(string(code)) {
			return head
		}
	}
	return events.Root
}

// numberLines gives codes to lines that have only ordinals: those of the first kind are 1, 2 …, what stands below them 1.1, 1.2 …
func numberLines(rows []*budgetRow) {
	type step struct {
		level, count int
		code         events.Line
	}
	stack := []step{{level: -1, code: events.Root}}
	for _, b := range rows {
		level := b.level
		if level == 0 { // without an ordinal: below what has one
			level = 9
		}
		for len(stack) > 1 && stack[len(stack)-1].level >= level {
			stack = stack[:len(stack)-1]
		}
		top := &stack[len(stack)-1]
		top.count++
		b.parent = top.code
		b.code = events.Line(number(top.count))
		if top.code != events.Root {
			b.code = top.code + "." + b.code
		}
		stack = append(stack, step{level: level, code: b.code})
	}
}

// budgetSheet makes items of the rows of one sheet and holds its sums against them.
func (p *Plan) budgetSheet(l *layout, rows []*budgetRow, year events.Year, known *YearFacts) error {
	s := newSums(p, l)
	type group struct {
		b     *budgetRow
		total map[Role]Money
		code  events.Line
	}
	var groups []group
	leaves := map[Role]map[events.Line]events.Minor{"original": {}, "supplementary": {}}
	unread := map[Role]bool{}
	up := map[events.Line]events.Line{}
	if known != nil {
		for _, line := range known.Lines {
			up[line.Code] = line.Parent
		}
	}
	for _, b := range rows {
		if b.l != l {
			continue
		}
		x := b.x
		if b.row.Err != nil {
			s.broken(b.row.Number)
			x.item.Kind, x.item.Err = Refusal, b.row.Err
			p.budget = append(p.budget, x.item)
			continue
		}
		if kind := x.totalKind(); kind != noTotal {
			if err := s.total(x, kind); err != nil {
				return err
			}
		}
		if why := x.passed(); why != "" {
			x.item.Kind, x.item.Why = Passed, why
			p.budget = append(p.budget, x.item)
			continue
		}
		p.Rows++
		y := year
		if y == 0 {
			y = x.year()
		}
		code, leaf := b.code, !b.below
		if known != nil || year == 0 {
			code = x.line(y)
			leaf = true
			if of := p.facts.year(y); of != nil {
				for _, line := range of.Lines {
					if line.Code == code {
						leaf = line.Leaf
					}
				}
			}
		} else {
			up[code] = b.parent
		}
		x.item.Line = string(code)
		if !leaf {
			g := group{b: b, code: code, total: map[Role]Money{}}
			for _, role := range []Role{"original", "supplementary"} {
				if m, ok := x.money(role); ok && x.err == nil {
					g.total[role] = m
				}
			}
			if err := p.asksUnit(l, x); err != nil {
				return err
			}
			groups = append(groups, g)
			x.item.Kind, x.item.Why = Passed, "group"
			p.budget = append(p.budget, x.item)
			continue
		}
		if err := s.add(x, false); err != nil {
			return err
		}
		item := x.appropriated(y, code)
		for _, role := range []Role{"original", "supplementary"} {
			m, ok := (&reading{plan: p, l: l, r: &b.row}).money(role)
			minor, fits := m.Minor(p.facts.Decimals)
			if ok && fits {
				leaves[role][code] += minor
			}
			unread[role] = unread[role] || ok && m.Text == ""
		}
		p.budget = append(p.budget, item)
	}
	s.end()
	for _, g := range groups {
		for role, m := range g.total {
			printed, ok := m.Minor(p.facts.Decimals)
			sum, n := events.Minor(0), 0
			for code, amount := range leaves[role] {
				for at, steps := code, 0; at != events.Root && at != "" && steps < 32; at, steps = up[at], steps+1 {
					if at == g.code {
						sum += amount
						n++
						break
					}
				}
			}
			if !ok || unread[role] || printed == sum || n == 0 || abs(printed-sum) <= tolerance(m.Unit, m.Digits, n, p.facts.Decimals) {
				continue
			}
			p.Totals = append(p.Totals, Disagreement{Sheet: l.sheet.Name, Row: g.b.row.Number, Column: clip(l.column(role).name), Printed: printed, Rows: sum, From: g.b.row.Number + 1, Unit: m.Unit})
		}
	}
	return nil
}

// asksUnit turns the fault that nobody says a unit into the question.
func (p *Plan) asksUnit(l *layout, x *reading) error {
	if e, ok := x.err.(*events.Error); ok && e.Why == "no-unit" {
		c := l.column("original")
		if c == nil {
			c = l.column("supplementary")
		}
		return p.askUnit(l, c, x.r.Number, e.Args["value"])
	}
	return nil
}

// appropriated makes the commands of a row: its opening budget, and what was added to it.
func (x *reading) appropriated(year events.Year, code events.Line) Item {
	date := x.date("date")
	if date == "" { // a budget is of its year
		date = year.String()
	}
	x.item.Date = date
	stage := x.word("stage", known.terms.Stage)
	if stage == "" {
		stage = string(events.OriginalStage)
	}
	var drafts []*events.Draft
	for _, part := range []struct {
		role  Role
		stage string
	}{{"original", stage}, {"supplementary", string(events.SupplementaryStage)}} {
		m, ok := x.money(part.role)
		if !ok || x.err != nil || m.Text == "0" {
			continue
		}
		if m.Negative {
			x.fault(x.l.column(part.role), valueError("negative-budget", "-"+m.Text))
			continue
		}
		if x.item.Amount.Text == "" {
			x.item.Amount = m
		}
		x.item.Amounts = append(x.item.Amounts, m)
		d := x.common(events.Appropriated, year).Text("date", date).Text("line", string(code))
		x.amounts(d, m, nil)
		d.Text("stage", part.stage).Text("counterparty", x.text("counterparty"))
		drafts = append(drafts, x.rest(d))
	}
	switch {
	case x.err != nil:
		x.item.Kind, x.item.Err = Refusal, x.err
	case len(drafts) == 0:
		x.item.Kind, x.item.Why = Passed, "zero"
	}
	if x.item.Kind == Commands {
		for _, d := range drafts {
			x.item.Commands = append(x.item.Commands, d.JSON())
		}
	}
	return x.item
}
