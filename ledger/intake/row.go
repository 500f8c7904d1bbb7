package intake

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
)

// A reading is one row with the layout that it stands in, and what has been found wrong with it. The first fault counts.
type reading struct {
	plan *Plan
	l    *layout
	r    *Row

	item Item
	err  error
}

// fault notes what is wrong with a column.
func (x *reading) fault(c *column, err error) {
	if err == nil {
		return
	}
	if c != nil {
		x.item.Faulty = append(x.item.Faulty, c.index)
	}
	if x.err != nil {
		return
	}
	if e, ok := err.(*events.Error); ok && c != nil && e.Args["field"] == "" {
		name := c.name
		if name == "" {
			name = columnName(c.index)
		}
		e = e.With("field", clip(name))
		err = e
	}
	x.err = err
}

// cell is that of a role, nil where the table has no such column or nothing stands in it.
func (x *reading) cell(role Role) (*Cell, *column) {
	c := x.l.column(role)
	if c == nil || c.index >= len(x.r.Cells) {
		return nil, c
	}
	cell := &x.r.Cells[c.index]
	if cell.Kind == EmptyCell || cell.Kind == TextCell && blank(cell.Text) {
		return nil, c
	}
	return cell, c
}

// own reports whether a role has a value that is the row's own and not one that a merge reaches down.
func (x *reading) own(role Role) bool {
	cell, _ := x.cell(role)
	return cell != nil && !cell.Merged
}

// isPrecise reports whether a role is an identifier, of which every digit counts.
func isPrecise(r Role) bool {
	switch r {
	case "payee.id", "payee.account", "voucher.number", "account", "counterparty_account", "reference", "contract", "id", "line", "transfer.voucher":
		return true
	}
	return false
}

// text is what a column of texts says, else what is fixed for its role.
func (x *reading) text(role Role) string {
	if x.plan.answers != nil && (role == "action" || role == "of") {
		a := x.plan.answers[rowAt{x.l.sheet.Name, x.r.Number}]
		return map[Role]string{"action": a.action, "of": a.of}[role]
	}
	if v, ok := x.plan.forced[role]; ok {
		return v
	}
	cell, c := x.cell(role)
	if cell == nil {
		return x.plan.fixed[role]
	}
	s, err := cell.words(isPrecise(role))
	if err != nil {
		x.fault(c, err)
	}
	return s
}

// words are what a cell says as a text. A number whose digits the file no longer has is refused where precise.
func (c *Cell) words(precise bool) (string, error) {
	switch c.Kind {
	case ErrorCell:
		return "", valueError("cell-error", c.Text)
	case UnknownValue:
		return "", valueError("cell-formula", "")
	case NumberCell:
		s, err := identifier(c.Text)
		if err != nil && precise {
			return "", err
		}
		return s, nil
	case TextCell:
		if precise && isScientific(c.Text) {
			return "", valueError("cell-digits", c.Text)
		}
	}
	return tidy(c.Text), nil
}

// isScientific reports whether a text is a number such as 6.22202E+18, which a spreadsheet has made of a long one.
func isScientific(s string) bool {
	s = strings.ToUpper(strings.TrimSpace(s))
	mantissa, exponent, ok := strings.Cut(s, "E+")
	return ok && mantissa != "" && isDigits(exponent) && exponent != "" && isDigits(strings.Replace(mantissa, ".", "", 1))
}

// identifier is a number of a spreadsheet as digits. Above 2^53 a spreadsheet has not kept all of them, and of sixteen it keeps fifteen and writes a zero.
func identifier(raw string) (string, error) {
	if isDigits(raw) && (len(raw) < 16 || raw[0] == '0') {
		return raw, nil
	}
	if isDigits(raw) && len(raw) == 16 && raw < "9007199254740993" && raw[15] != '0' {
		return raw, nil
	}
	plain, ok := plainNumber(raw)
	whole, _, _ := strings.Cut(plain, ".")
	if !ok || len(strings.TrimPrefix(whole, "-")) > 15 {
		return raw, valueError("cell-digits", raw)
	}
	return plain, nil
}

// plainNumber writes a number of a spreadsheet without an exponent. A spreadsheet holds a binary number, of which fifteen digits are meant: 0.1+0.2 is stored as
// 0.30000000000000004 and is 0.3 to everyone who looks at it. Some programs cut the digits off instead, so that 1738.7 becomes 1738.69999999999: where the fourteenth digit
// decides on one that is much shorter, it is that.
func plainNumber(raw string) (string, bool) {
	digits, point := 0, false
	for i := range len(raw) {
		switch c := raw[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !point && i > 0:
			point = true
		case c == '-' && i == 0:
		default:
			digits = 99
		}
	}
	if digits > 0 && (digits <= 13 || digits <= 15 && !point) {
		return strings.TrimSuffix(raw, "."), true
	}
	v, err := strconv.ParseFloat(raw, 64)
	if err != nil || v != v || v > 1e20 || v < -1e20 {
		return "", false
	}
	meant, short := significant(v, 15), significant(v, 14)
	if decimalsOf(short)+6 <= decimalsOf(meant) {
		meant = short
	}
	return meant, true
}

// significant writes a number with so many digits at most.
func significant(v float64, digits int) string {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func decimalsOf(s string) int {
	_, frac, _ := strings.Cut(s, ".")
	return len(frac)
}

// money reads an amount; ok is false where there is none.
func (x *reading) money(role Role) (m Money, ok bool) {
	cell, c := x.cell(role)
	if cell == nil || cell.Merged {
		return Money{}, false
	}
	m, err := cell.money(c.unit, x.plan.facts.Decimals)
	if err != nil {
		x.fault(c, err)
		return Money{}, true
	}
	return m, true
}

func (c *Cell) money(unit Unit, decimals int) (m Money, err error) {
	text := c.Text
	switch c.Kind {
	case ErrorCell:
		return Money{}, valueError("cell-error", c.Text)
	case UnknownValue:
		return Money{}, valueError("cell-formula", "")
	case DateCell, TruthCell:
		return Money{}, valueError("cell-amount", c.Text)
	case NumberCell:
		plain, ok := plainNumber(text)
		if !ok {
			return Money{}, valueError("cell-amount", text)
		}
		text = plain
		if c.divided { // whether the unit of the column is that of what is seen or of what is stored, nobody says
			return Money{}, valueError("cell-divided", text)
		}
		if c.Unit != "" && unit != "" && c.Unit != unit {
			return Money{}, valueError("cell-unit", text).With("unit", string(unit))
		}
		if unit == "" {
			unit = c.Unit
		}
	}
	if m, err = ParseMoney(text, unit, decimals); err != nil {
		return m, err
	}
	if c.Negative && m.Text != "0" {
		m.Negative = true
	}
	return m, nil
}

// date reads a date as a command has it, else what is fixed.
func (x *reading) date(role Role) string {
	if v, ok := x.plan.forced[role]; ok {
		return v
	}
	cell, c := x.cell(role)
	if cell == nil {
		return x.plan.fixed[role]
	}
	s, err := cell.date(x.plan.dates)
	if err != nil {
		x.fault(c, err)
	}
	return s
}

func (c *Cell) date(order DateOrder) (string, error) {
	switch c.Kind {
	case ErrorCell:
		return "", valueError("cell-error", c.Text)
	case UnknownValue:
		return "", valueError("cell-formula", "")
	case DateCell:
		if _, err := events.ParseDate(c.Text); err != nil {
			return "", valueError("cell-date", c.Text)
		}
		return c.Text, nil
	case NumberCell:
		if plain, ok := plainNumber(c.Text); ok {
			if day, ok := serialText(plain, c.from04); ok {
				return day, nil
			}
			if !isDigits(plain) { // 2022.1 may have been October: a number keeps no zero at its end
				return "", valueError("cell-date-number", c.Text)
			}
		}
	case TextCell:
		if day, ok := serialText(tidy(c.Text), false); ok {
			return day, nil
		}
	}
	return ParseDate(c.Text, order)
}

// serialText reads a day that a spreadsheet shows as its count, of the years 2000 to 2099; what stands behind the point is the time of day.
func serialText(s string, from04 bool) (string, bool) {
	whole, frac, point := strings.Cut(s, ".")
	if len(whole) != 5 || !isDigits(whole) || !isDigits(frac) || point && len(frac) < 3 { // 45000.00 is money that stands in the wrong column
		return "", false
	}
	n, err := strconv.Atoi(whole)
	if err != nil {
		return "", false
	}
	day, ok := serialDay(n, from04)
	y := day.String()
	return y, ok && y >= "2000-01-01" && y <= "2099-12-31"
}

// year is the fiscal year that the row is charged to: what is fixed, its own column, the title, the only open one.
func (x *reading) year() events.Year {
	s := x.text("year")
	if s == "" {
		if y := cmp.Or(x.l.year, x.plan.only); y != 0 {
			return y
		}
		x.fault(nil, rowError(events.MissingField, "no-year", events.Args{"field": "year"}))
		return 0
	}
	digits := strings.TrimSuffix(strings.TrimSuffix(squeeze(s), "度"), "年")
	y, err := events.ParseYear(digits)
	if err != nil {
		x.fault(x.l.column("year"), err)
	}
	return y
}

// line is the line that the row is charged to.
func (x *reading) line(year events.Year) events.Line {
	if v, ok := x.plan.forced["line"]; ok {
		return events.Line(v)
	}
	if year == 0 {
		return ""
	}
	y := x.plan.facts.year(year)
	if y == nil {
		var years []string
		for _, of := range x.plan.facts.Years {
			years = append(years, of.Year.String())
		}
		x.fault(x.l.column("year"), rowError(events.UnknownYear, "", events.Args{"fund": string(x.plan.options.Fund), "year": year.String(), "years": strings.Join(years, ", ")}))
		return ""
	}
	for _, role := range []Role{"line", "line_name"} {
		s := x.text(role)
		if s == "" {
			continue
		}
		if cell, c := x.cell(role); cell != nil && cell.Kind == NumberCell && strings.Contains(s, ".") {
			if longer := events.Line(s + "0"); y.has(longer) { // a number keeps no zero at its end
				x.fault(c, rowError(events.UnknownLine, "line-several", events.Args{"value": s, "year": y.Year.String(), "lines": s + "、" + string(longer)}))
				return ""
			}
		}
		code, ok := x.plan.lines[lineKey{year, s}]
		if ok {
			return code
		}
		code, err := y.lineOf(s)
		if err != nil {
			x.item.Line = clip(s)
			x.fault(x.l.column(role), err)
			return ""
		}
		x.plan.lines[lineKey{year, s}] = code
		return code
	}
	if len(y.Lines) == 0 {
		return events.Root
	}
	c := x.l.column("line_name")
	if c == nil {
		c = x.l.column("line")
	}
	x.fault(c, rowError(events.MissingField, "no-line", events.Args{"field": "line", "lines": strings.Join(y.near(""), "、")}))
	return ""
}

type lineKey struct {
	year events.Year
	text string
}

// word reads a column of known words, such as the method of payment.
func (x *reading) word(role Role, of map[string][]string) string {
	s := x.text(role)
	if s == "" {
		return ""
	}
	code, ok := term(of, s)
	if !ok {
		var choices []string
		for code := range of {
			choices = append(choices, code)
		}
		slices.Sort(choices)
		x.fault(x.l.column(role), rowError(events.BadValue, "choice", events.Args{"value": clip(s), "choices": strings.Join(choices, " ")}))
	}
	return code
}

// documents are the numbers in a cell that may hold several.
func (x *reading) documents() (out []string) {
	cell, _ := x.cell("documents")
	s := x.text("documents")
	if cell != nil && cell.Kind == TextCell { // line breaks part them, which a tidy text has lost
		s = cell.Text
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("、；;\n\r", r) }) {
		if part = tidy(part); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}

// dims are the classifications of the row.
func (x *reading) dims() events.Dims {
	var out events.Dims
	for _, role := range x.plan.dims {
		if v := x.text(role); v != "" {
			out = append(out, events.Dim{Key: strings.TrimPrefix(string(role), "dims."), Value: v})
		}
	}
	return out
}

func (x *reading) payee() *events.Draft {
	d := &events.Draft{}
	d.Text("name", x.text("payee.name")).Text("id", strings.ToUpper(squeeze(x.text("payee.id")))).Text("class", x.word("payee.class", known.terms.Class))
	d.Text("account", strings.ReplaceAll(x.text("payee.account"), " ", "")).Text("bank", x.text("payee.bank"))
	if s := x.text("payee.count"); s != "" {
		n, err := strconv.Atoi(squeeze(s))
		if err != nil || n < 1 {
			x.fault(x.l.column("payee.count"), valueError("", s))
		}
		d.Number("count", int64(n))
	}
	return d
}

// voucher is the line of the voucher that the row names; nil where it names none.
func (x *reading) voucher(year events.Year, date string) *events.Draft {
	if x.plan.options.NoVoucher {
		return nil
	}
	no := x.text("voucher.number")
	if no == "" {
		return nil
	}
	y := year
	if s := x.text("voucher.year"); s != "" {
		of, err := events.ParseYear(strings.TrimSuffix(strings.TrimSuffix(squeeze(s), "度"), "年"))
		if err != nil {
			x.fault(x.l.column("voucher.year"), err)
		}
		y = of
	} else if len(date) >= 4 {
		if of, err := events.ParseYear(date[:4]); err == nil {
			y = of
		}
	}
	d := &events.Draft{}
	return d.Text("issuer", x.text("voucher.issuer")).Number("year", int64(y)).Text("type", x.text("voucher.type")).Text("number", no).Text("line", x.text("voucher.line"))
}

// canonical is an amount as it is written in every command that a row makes, so that equal amounts make equal commands however they were printed.
func (m Money) canonical(decimals int) string {
	whole, frac, ok := strings.Cut(m.Text, ".")
	if !ok || len(frac) >= decimals {
		return m.Text
	}
	return whole + "." + frac + strings.Repeat("0", decimals-len(frac))
}

// printed is the amount as the paper has it, in the unit of its column; "" where that is the currency's own, which says nothing more than the amount.
func (m Money) printed() string {
	if m.Unit == Yuan || m.Unit == "" {
		return ""
	}
	whole, frac, _ := strings.Cut(m.Text, ".")
	digits, power := whole+frac, m.Unit.power()
	point := len(whole) - power
	if point <= 0 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	frac = strings.TrimRight(digits[point:], "0")
	frac += strings.Repeat("0", max(0, min(m.Digits, 2)-len(frac)))
	out := groups(digits[:point])
	if frac != "" {
		out += "." + frac
	}
	return out + unitWord[m.Unit]
}

var unitWord = map[Unit]string{Thou: "千元", Wan: "万元", Million: "百万元", Yi: "亿元"}

func groups(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
