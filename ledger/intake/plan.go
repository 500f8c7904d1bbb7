package intake

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"fundledger/events"
	"fundledger/events/words"
)

// A Plan is a file that has been looked through: its layout is settled, its unit known, its totals held against its rows.
type Plan struct {
	// Mapping is the layout that is used. Another plan that goes by it makes the same commands.
	Mapping *Mapping
	// Notices are what the user should know of the file.
	Notices []Notice
	// Totals are those that the file prints and that do not agree with its rows.
	Totals []Disagreement
	// Rows is how many rows of data there are.
	Rows int

	file    *File
	options Options
	facts   Facts
	layouts []*layout
	dates   DateOrder
	only    events.Year
	fixed   map[Role]string // of the options and the mapping, for what a row does not say
	forced  map[Role]string // of the options, whatever a row says
	dims    []Role
	lines   map[lineKey]events.Line

	payments    []Payment
	paymentsErr error
	asked       bool
	wanted      map[string]bool // payees and amounts of rows that take something back

	mu   sync.Mutex
	seen []Payment // of the file, that those may mean

	budget []Item // of a budget, which is read whole

	answers map[rowAt]answer // nil until somebody was asked
}

// A rowAt is a row's place.
type rowAt struct {
	sheet string
	row   int
}

// An answer is what somebody has said of a row that takes something back.
type answer struct{ action, of string }

// Answer says what a row takes back, as the columns action and of of a file of refused rows do. From then on [Plan.Items] yields the rows alone that have answers.
func (p *Plan) Answer(sheet string, row int, action, of string) {
	if p.answers == nil {
		p.answers = map[rowAt]answer{}
	}
	p.answers[rowAt{sheet, row}] = answer{action, of}
}

// layouts finds the layout of each sheet that is to be read.
func (f *File) layouts(o *Options) (out []*layout, notices []Notice, err error) {
	if o.Map != nil {
		if o.Map.As != o.As {
			return nil, nil, mappingChoice("/as", o.Map.As, []As{o.As})
		}
		for i := range o.Map.Sheets {
			m := &o.Map.Sheets[i]
			at := slices.IndexFunc(f.Sheets, func(s *Sheet) bool { return s.Name == m.Sheet })
			if at < 0 {
				return nil, nil, f.noSheet(m.Sheet)
			}
			l, err := placed(m, f.Sheets[at], fmt.Sprintf("/sheets/%d", i))
			if err != nil {
				return nil, nil, err
			}
			out = append(out, l)
		}
		return out, nil, nil
	}
	found := false
	var without []string
	for _, s := range f.Sheets {
		if o.Sheet != "" && s.Name != o.Sheet {
			continue
		}
		found = true
		l, err := find(o.As, s)
		if err == nil && l == nil && f.Encoding == "gb18030" && !f.Marked { // a UTF-8 file with a few bytes that are none
			f.Encoding = "utf-8"
			f.Comma = f.guessComma(64 << 10)
			if l, err = find(o.As, s); l == nil {
				f.Encoding = "gb18030"
			}
		}
		switch {
		case err != nil:
			return nil, nil, err
		case l == nil:
			if rows, err := head(s); err == nil && len(rows) > 0 {
				without = append(without, s.Name)
			}
			continue
		case s.Hidden:
			notices = append(notices, Notice{"hidden-sheet", map[string]string{"sheet": s.Name}})
		}
		out = append(out, l)
	}
	switch {
	case !found:
		return nil, nil, f.noSheet(o.Sheet)
	case len(out) == 0:
		return nil, nil, f.noHeader(o)
	case len(without) > 0:
		notices = append(notices, Notice{"no-header", map[string]string{"sheets": strings.Join(without, "、")}})
	}
	return out, notices, nil
}

func (f *File) noSheet(name string) error {
	var names []string
	for _, s := range f.Sheets {
		names = append(names, s.Name)
	}
	return &events.Error{Code: events.BadValue, Why: "no-sheet", Args: events.Args{"value": name, "choices": strings.Join(names, "、")}}
}

// noHeader says that no row has the names of columns, and what stands in the rows that were looked at.
func (f *File) noHeader(o *Options) error {
	shown := ""
	for _, s := range f.Sheets {
		rows, err := head(s)
		if err != nil {
			return err
		}
		most := 0
		for i := range rows {
			var cells []string
			for j := range rows[i].Cells {
				if s := rows[i].text(j); s != "" && !rows[i].Cells[j].Merged {
					cells = append(cells, clip(s))
				}
			}
			if len(cells) > most {
				most, shown = len(cells), strings.Join(cells[:min(12, len(cells))], " | ")
			}
		}
	}
	var names []string
	for _, role := range []Role{"date", "amount", "original", "payee.name", "line_name"} {
		for name, m := range known.meanings[o.As] {
			if m.role == role && m.rank == 0 {
				names = append(names, name)
			}
		}
	}
	return &events.Error{Code: events.BadValue, Why: "no-header", Args: events.Args{"value": f.Name, "found": shown, "columns": strings.Join(names, "、"), "as": string(o.As)}}
}

// Guess returns the layout that would be used. doubts name the roles for which several columns could stand, the first of which was taken.
func (f *File) Guess(o Options) (m *Mapping, notices []Notice, err error) {
	layouts, notices, err := f.layouts(&o)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range layouts {
		for _, d := range l.doubts {
			l.columns = append(l.columns, d.columns[0])
			notices = append(notices, Notice{"doubt", map[string]string{"role": string(d.role), "columns": l.listed(d.columns)}})
		}
		l.spread()
		for i := range l.columns {
			c := &l.columns[i]
			if isMoney(c.role) && c.unit == "" {
				if c.unit = o.Unit; c.unit == "" {
					notices = append(notices, Notice{"no-unit", map[string]string{"role": string(c.role), "column": clip(c.name)}})
				}
			}
		}
	}
	return mappingOf(&o, layouts), notices, nil
}

func mappingOf(o *Options, layouts []*layout) *Mapping {
	m := &Mapping{As: o.As, Dates: o.Dates, Fixed: map[Role]string{}}
	if o.Map != nil {
		m.Dates = cmp.Or(o.Dates, o.Map.Dates)
		for role, v := range o.Map.Fixed {
			m.Fixed[role] = v
		}
	}
	for role, v := range o.Fixed {
		m.Fixed[role] = v
	}
	for _, l := range layouts {
		m.Sheets = append(m.Sheets, l.mapping())
	}
	return m
}

func (l *layout) listed(columns []column) string {
	var names []string
	for _, c := range columns {
		names = append(names, columnName(c.index)+" "+clip(c.name))
	}
	return strings.Join(names, "、")
}

// Plan looks the whole file through. Its errors are questions to the user: a unit that nobody says, two columns that could be one, one that is missing; or they are those of the file.
func (f *File) Plan(o Options, facts Facts) (*Plan, error) {
	if f.currency != "" && facts.Currency != "" && f.currency != facts.Currency {
		return nil, &events.Error{Code: events.BadValue, Why: "camt-currency", Args: events.Args{"value": f.currency, "currency": facts.Currency}}
	}
	layouts, notices, err := f.layouts(&o)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Notices: append(slices.Clone(f.notices), notices...), Totals: f.disagreements(facts.Decimals), file: f, options: o, facts: facts, layouts: layouts, only: facts.onlyYear(),
		dates: o.Dates, fixed: map[Role]string{}, forced: map[Role]string{}, lines: map[lineKey]events.Line{}, wanted: map[string]bool{},
	}
	if o.Map != nil {
		p.dates = cmp.Or(o.Dates, o.Map.Dates)
		for role, v := range o.Map.Fixed {
			p.fixed[role] = v
		}
	}
	for role, v := range o.Fixed {
		p.fixed[role] = v
		if role == "year" || role == "line" { // a flag for all rows
			p.forced[role] = v
		}
	}
	for _, l := range layouts {
		if err := p.settle(l); err != nil {
			return nil, err
		}
	}
	for role := range p.fixed {
		if strings.HasPrefix(string(role), "dims.") && !slices.Contains(p.dims, role) {
			p.dims = append(p.dims, role)
		}
	}
	slices.Sort(p.dims)
	p.Mapping = mappingOf(&o, layouts)
	if o.As == Budget {
		return p, p.readBudget()
	}
	return p, p.check()
}

// settle asks what the layout of a sheet leaves open.
func (p *Plan) settle(l *layout) error {
	o := &p.options
	in := events.Args{"sheet": l.sheet.Name, "file": p.file.Name}
	ask := func(code events.Code, why string, args events.Args) error {
		for k, v := range in {
			args[k] = v
		}
		return &events.Error{Code: code, Why: why, Args: args}
	}
	for _, d := range l.doubts {
		if _, ok := p.fixed[d.role]; ok {
			continue
		}
		return ask(events.BadValue, "two-columns", events.Args{"field": string(d.role), "columns": l.listed(d.columns)})
	}
	needs := map[As][][]Role{
		Payments: {{"amount"}, {"date"}}, Awards: {{"amount"}, {"date"}}, Receipts: {{"amount"}, {"date"}},
		Budget: {{"original", "supplementary"}}, Bank: {{"amount", "in", "out"}, {"date"}},
	}
	for _, any := range needs[o.As] {
		if !slices.ContainsFunc(any, func(r Role) bool { return l.column(r) != nil || p.fixed[r] != "" }) {
			return ask(events.MissingField, "no-column", events.Args{"field": string(any[0]), "columns": strings.Join(l.shown(), "、")})
		}
	}
	if number := l.column("voucher.number"); number != nil && !o.NoVoucher {
		for _, part := range []Role{"voucher.issuer", "voucher.type"} {
			if l.column(part) == nil && p.fixed[part] == "" {
				return ask(events.MissingField, "half-voucher", events.Args{"field": string(part), "column": clip(number.name), "flag": "--" + strings.TrimPrefix(string(part), "voucher.")})
			}
		}
	}
	for i := range l.columns {
		c := &l.columns[i]
		if strings.HasPrefix(string(c.role), "dims.") && !slices.Contains(p.dims, c.role) {
			p.dims = append(p.dims, c.role)
		}
		if !isMoney(c.role) || o.Unit == "" {
			continue
		}
		if c.unit != "" && c.unit != o.Unit {
			return ask(events.BadValue, "two-units", events.Args{"field": "--unit", "value": string(o.Unit), "column": clip(c.name), "unit": string(c.unit)})
		}
		c.unit = o.Unit
	}
	return nil
}

// check walks over the rows once before any is posted: whether each amount has a unit, and whether the totals agree.
func (p *Plan) check() error {
	for _, l := range p.layouts {
		sums := newSums(p, l)
		hidden := 0
		for r, err := range l.data(l.sheet.keep()) {
			if err != nil {
				return err
			}
			x := &reading{plan: p, l: l, r: r}
			if r.Err != nil {
				sums.broken(r.Number)
				p.Rows++
				continue
			}
			if err := p.changed(l, r); err != nil {
				return err
			}
			if kind := x.totalKind(); kind != noTotal {
				if err := sums.total(x, kind); err != nil {
					return err
				}
				continue
			}
			why := x.passed()
			switch why {
			case "", "void":
				if r.Hidden {
					hidden++
				}
				if err := sums.add(x, why == "void"); err != nil {
					return err
				}
			}
			if why == "" {
				p.Rows++
			}
		}
		sums.end()
		if hidden > 0 {
			p.Notices = append(p.Notices, Notice{"hidden-rows", map[string]string{"n": number(hidden), "sheet": l.sheet.Name}})
		}
	}
	return nil
}

// changed refuses a file in which another table begins further down: nothing below it could be trusted.
func (p *Plan) changed(l *layout, r *Row) error {
	c, now := l.changes(p.options.As, r)
	if c == nil {
		return nil
	}
	return &events.Error{Code: events.BadValue, Why: "other-table", Args: events.Args{
		"row": number(r.Number), "value": clip(now), "column": clip(cmp.Or(c.name, columnName(c.index))), "unit": string(c.unit), "sheet": l.sheet.Name, "file": p.file.Name,
	}}
}

// rows are those of the data, blank ones left out.
func (l *layout) rows() iter.Seq2[*Row, error] { return l.data(l.sheet.Rows()) }

func (l *layout) data(rows iter.Seq2[*Row, error]) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for r, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if r.Number < l.first || slices.Contains(l.header, r.Number) || r.Err == nil && r.empty() {
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Items yields what becomes of each row, in the order of the file. read hears how many bytes of how many have been read; it may be nil.
func (p *Plan) Items(read func(at int64)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if p.options.As == Budget {
			for _, item := range p.budget {
				if !yield(item, nil) {
					return
				}
			}
			return
		}
		before := int64(0)
		for _, l := range p.layouts {
			for r, err := range l.rows() {
				if err != nil {
					yield(Item{}, err)
					return
				}
				if _, ok := p.answers[rowAt{l.sheet.Name, r.Number}]; !ok && p.answers != nil {
					continue
				}
				item := p.read(l, r)
				if read != nil {
					read(before + r.at)
				}
				if !yield(item, nil) {
					return
				}
			}
			before += l.sheet.size
		}
	}
}

// Size is how many bytes [Plan.Items] reads.
func (p *Plan) Size() (n int64) {
	for _, l := range p.layouts {
		n += l.sheet.size
	}
	return n
}

// Sheets is how many sheets are read.
func (p *Plan) Sheets() int { return len(p.layouts) }

// standing are the fund's payments, which are asked for once.
func (p *Plan) standing() ([]Payment, error) {
	if !p.asked {
		p.asked = true
		if p.facts.Payments != nil {
			p.payments, p.paymentsErr = p.facts.Payments()
		}
	}
	return p.payments, p.paymentsErr
}

// Prepare reads what rows of the file may speak of, before anything is posted.
func (p *Plan) Prepare() error {
	_, err := p.standing()
	return err
}

// payment is a payment that stands; nil where it is not known, which the ledger will say.
func (p *Plan) payment(seq events.Seq) (*Payment, error) {
	all, err := p.standing()
	if err != nil || seq == 0 {
		return nil, err
	}
	for _, of := range [][]Payment{all, p.sofar()} {
		for i := range of {
			if of[i].Seq == seq {
				return &of[i], nil
			}
		}
	}
	return nil, nil
}

func (p *Plan) transfers() (out []Payment, err error) {
	all, err := p.standing()
	for i := range all {
		if all[i].Channel == events.LowerTreasury && all[i].Left > 0 {
			out = append(out, all[i])
		}
	}
	return out, err
}

// sofar are the payments of the file that are stored. Rows are read while others are being stored.
func (p *Plan) sofar() []Payment {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clip(p.seen)
}

// Stored notes that a row of the file has become an event, so that a row that takes it back can be told its number.
func (p *Plan) Stored(item *Item, seq events.Seq) {
	if item.Command != string(events.Disbursed) || item.Negative != nil || len(p.wanted) == 0 {
		return
	}
	minor, _ := item.Amount.Minor(p.facts.Decimals)
	if !p.wanted["p"+squeeze(item.Payee)] && !p.wanted["a"+number(int64(minor))] {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, Payment{Seq: seq, Year: item.Year, Line: events.Line(item.Line), Date: item.Date, Amount: minor, Left: minor, Payee: item.Payee, Row: item.Row})
}

// Candidates are up to five payments that a row may take back: of the same payee first, then of the same amount, then those of which more is left.
func (p *Plan) Candidates(back *Payment) ([]Payment, error) {
	all, err := p.standing()
	if err != nil {
		return nil, err
	}
	type fit struct {
		score int
		Payment
	}
	var fits []fit
	for _, of := range slices.Concat(all, p.sofar()) {
		if of.Left <= 0 || slices.ContainsFunc(fits, func(f fit) bool { return f.Seq == of.Seq }) {
			continue
		}
		score := 0
		switch {
		case back.PayeeID != "" && of.PayeeID != "":
			if back.PayeeID == of.PayeeID {
				score += 8
			}
		case back.Payee != "" && squeeze(back.Payee) == squeeze(of.Payee):
			score += 8
		}
		switch {
		case of.Amount == back.Amount && of.Left == of.Amount:
			score += 4
		case of.Left == back.Amount:
			score += 3
		case of.Left > back.Amount && score > 0:
			score++
		case score > 0:
			continue // it has less left than came back
		}
		if back.Voucher != "" && squeeze(back.Voucher) == squeeze(of.Voucher) {
			score += 2
		}
		if back.Payee != "" && of.Payee != "" && score < 8 || score < 3 { // another payee's payment
			if score < 4 || back.Payee != "" && of.Payee != "" {
				continue
			}
		}
		fits = append(fits, fit{score, of})
	}
	slices.SortStableFunc(fits, func(a, b fit) int { return cmp.Or(b.score-a.score, cmp.Compare(b.Seq, a.Seq)) })
	var out []Payment
	for _, f := range fits[:min(5, len(fits))] {
		out = append(out, f.Payment)
	}
	return out, nil
}

// describe lists payments for a message: number, date, payee, what is left.
func (p *Plan) describe(all []Payment) string { return Describe(all, p.facts.Decimals) }

// Describe lists payments for a message: number, date, payee, amount, what of it is left, voucher.
func Describe(all []Payment, decimals int) string {
	var out []string
	for _, of := range all {
		parts := []string{of.Seq.String() + ":"}
		if of.Seq == 0 {
			parts[0] = "(" + number(of.Row) + ")"
		}
		amount := words.Money(of.Amount.Format(decimals))
		if of.Left != of.Amount {
			amount += " (" + words.Money(of.Left.Format(decimals)) + ")"
		}
		for _, part := range []string{of.Date, clip(of.Payee), amount, of.Voucher} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		out = append(out, strings.Join(parts, " "))
	}
	return strings.Join(out, "; ")
}
