package intake

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"fundledger/events"
	"fundledger/ledger/desk"

	"golang.org/x/text/unicode/norm"
)

// A Unit is what a column counts money in. The zero Unit is not known.
type Unit string

// The units, by the names that --unit and mappings take. Yuan stands for the unit of any currency.
const (
	Yuan    Unit = "yuan"
	Thou    Unit = "thousand"
	Wan     Unit = "wan"
	Million Unit = "million"
	Yi      Unit = "yi"
)

// Units lists them.
var Units = []Unit{Yuan, Thou, Wan, Million, Yi}

// power is how many places the point moves to the right to make yuan of a number in the unit.
func (u Unit) power() int {
	switch u {
	case Thou:
		return 3
	case Wan:
		return 4
	case Million:
		return 6
	case Yi:
		return 8
	}
	return 0
}

// unitNames are the units as people write them, folded: the longest first, so that 万元 is not taken for 元.
var unitNames = []struct {
	name string
	unit Unit
}{
	{"10,000yuan", Wan},
	{"10000yuan", Wan},
	{"tenthousandyuan", Wan},
	{"rmb10,000", Wan},
	{"cny10,000", Wan},
	{"millionyuan", Million},
	{"thousandyuan", Thou},
	{"rmbyuan", Yuan},
	{"人民币元", Yuan},
	{"人民币万元", Wan},
	{"百万元", Million},
	{"百万", Million},
	{"万元", Wan},
	{"万圆", Wan},
	{"千元", Thou},
	{"亿元", Yi},
	{"亿", Yi},
	{"万", Wan},
	{"yuan", Yuan},
	{"wan", Wan},
	{"rmb", Yuan},
	{"cny", Yuan},
	{"元", Yuan},
	{"圆", Yuan},
	{"块", Yuan},
}

// parseUnit reads a unit that stands alone, folded or not; "" where it is none of money.
func parseUnit(s string) Unit {
	s = squeeze(s)
	for _, u := range Units {
		if s == string(u) {
			return u
		}
	}
	for _, n := range unitNames {
		if s == n.name {
			return n.unit
		}
	}
	return ""
}

// isHan reports whether a character is one of the common Chinese ones, which are themselves in every form.
func isHan(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }

// squeeze folds a text for comparing: NFKC (full-width letters and digits become plain), lower case, no spaces and nothing invisible.
func squeeze(s string) string {
	plain := true
	for _, r := range s {
		if !(isHan(r) || r > ' ' && r < 0x7f && (r < 'A' || r > 'Z')) {
			plain = false
			break
		}
	}
	if plain { // as most are
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case isHan(r):
			return r
		case unicode.IsSpace(r), unicode.In(r, unicode.Cf, unicode.Cc):
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

// tidy is a text as it is stored: without what is invisible, runs of white space as one space, none at the ends. Letters stay as wide as they are.
func tidy(s string) string {
	clean, before := true, ' '
	for _, r := range s {
		if r == ' ' && before == ' ' || !isHan(r) && r != ' ' && (r < ' ' || r >= 0x7f && (unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc))) {
			clean = false
			break
		}
		before = r
	}
	if clean && (before != ' ' || s == "") {
		return s
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)), " ")
}

// blank reports whether a cell says that there is nothing: it is empty, or a dash or 无 stands in it.
func blank(s string) bool {
	switch tidy(s) {
	case "", "-", "--", "—", "——", "－", "–", "/", "／", "\\", "无", "n/a", "N/A", "*":
		return true
	}
	return false
}

// A Money is an amount as a cell has it.
type Money struct {
	// Text is the amount in yuan as a command writes it, without a sign: 17387000.00 of 1,738.70万元. It is "0" for zero.
	Text     string
	Negative bool
	Unit     Unit // in which it was printed
	Digits   int  // printed after the point
}

// Minor is the amount in the currency's smallest unit, with its sign.
func (m Money) Minor(decimals int) (events.Minor, bool) {
	whole, frac, _ := strings.Cut(m.Text, ".")
	if len(frac) > decimals {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", decimals-len(frac)), 10, 64)
	if m.Negative {
		n = -n
	}
	return events.Minor(n), err == nil
}

func valueError(why, value string) *events.Error {
	return &events.Error{Code: events.BadValue, Why: why, Args: events.Args{"value": clip(value)}}
}

// clip cuts a value to what a message can hold.
func clip(s string) string {
	s = tidy(s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// ParseMoney reads an amount in any of the writings of a register: 1,738.70, 1738.70, full-width digits, with ¥, 元, 万元 … beside it, negative with a
// minus before or after it, or in brackets. column is the unit of its column, "" where that says none; a unit in the cell must not contradict it. decimals is
// how many digits the currency has after the point: more are refused, never rounded.
//
// It is a [events.BadValue] where the text is no such amount, and a [events.MissingField] with Why no-unit where no unit is known.
func ParseMoney(s string, column Unit, decimals int) (Money, error) {
	t := squeeze(s)
	if t != s { // what was folded must be seen as what it is, and two numbers in one cell are not one
		plain, ok := desk.Figures(s)
		if !ok || twoNumbers.MatchString(plain) {
			return Money{}, valueError("cell-amount", s)
		}
	}
	if t == "" {
		return Money{}, valueError("cell-amount", s)
	}
	m := Money{}
	if in, ok := strings.CutPrefix(t, "("); ok {
		if in, ok = strings.CutSuffix(in, ")"); !ok {
			return Money{}, valueError("cell-amount", s)
		}
		t, m.Negative = in, true
	}
	sign := func() bool { // takes a sign off the front
		for _, minus := range []string{"-", "−", "–", "—"} {
			if rest, ok := strings.CutPrefix(t, minus); ok {
				ok = !m.Negative
				t, m.Negative = rest, true
				return ok
			}
		}
		return true
	}
	if !sign() {
		return Money{}, valueError("cell-amount", s)
	}
	symbol := false
	for _, mark := range []string{"¥", "人民币", "rmb", "cny"} {
		if rest, ok := strings.CutPrefix(t, mark); ok {
			t, symbol = rest, true
			break
		}
	}
	if symbol && !sign() {
		return Money{}, valueError("cell-amount", s)
	}
	for _, n := range unitNames {
		if rest, ok := strings.CutSuffix(t, n.name); ok && rest != "" {
			t, m.Unit = rest, n.unit
			break
		}
	}
	if rest, ok := strings.CutSuffix(t, "-"); ok && !m.Negative { // as accounting programs print it
		t, m.Negative = rest, true
	}
	switch {
	case m.Unit != "" && column != "" && m.Unit != column:
		return Money{}, valueError("cell-unit", s).With("unit", string(column))
	case m.Unit == "" && column != "":
		m.Unit = column
	case m.Unit == "" && symbol:
		m.Unit = Yuan
	}
	digits, point, ok := plainDigits(t)
	if !ok {
		return Money{}, valueError("cell-amount", s)
	}
	if m.Unit == "" {
		return Money{}, &events.Error{Code: events.MissingField, Why: "no-unit", Args: events.Args{"value": clip(s)}}
	}
	m.Digits = len(digits) - point
	return m, m.scale(s, digits, point, decimals)
}

// scale moves the point to where yuan have it.
func (m *Money) scale(s, digits string, point, decimals int) error {
	point += m.Unit.power()
	if point > len(digits) {
		if point > 64 {
			return valueError("amount-large", s)
		}
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, frac := strings.TrimLeft(digits[:point], "0"), digits[point:]
	for len(frac) > 0 && frac[len(frac)-1] == '0' && (len(frac) > decimals || m.Unit != Yuan && len(frac) > 2) {
		frac = frac[:len(frac)-1]
	}
	if len(frac) > decimals {
		return valueError("cell-decimals", s).With("decimals", strconv.Itoa(decimals)).With("unit", string(m.Unit))
	}
	if whole == "" {
		whole = "0"
	}
	if len(whole) > 15 {
		return valueError("amount-large", s)
	}
	m.Text = whole
	if strings.Trim(frac, "0") != "" {
		m.Text += "." + frac
	}
	if m.Text == "0" {
		m.Negative = false
	}
	return nil
}

// plainDigits reads digits with at most one point and with the thousands separated properly or not at all. point is the place of the point.
func plainDigits(s string) (digits string, point int, ok bool) {
	whole, frac, hasPoint := strings.Cut(s, ".")
	if hasPoint && frac == "" || !isDigits(frac) {
		return "", 0, false
	}
	for _, separator := range []string{",", "'", "’", "٬"} {
		if !strings.Contains(whole, separator) {
			continue
		}
		groups := strings.Split(whole, separator)
		for i, g := range groups {
			if !isDigits(g) || i > 0 && len(g) != 3 || i == 0 && (g == "" || len(g) > 3) {
				return "", 0, false
			}
		}
		whole = strings.Join(groups, "")
		break
	}
	if !isDigits(whole) || whole == "" {
		return "", 0, false
	}
	return whole + frac, len(whole), len(whole)+len(frac) <= 64
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// A DateOrder says how 04/05/2022 is meant. The zero DateOrder is not known.
type DateOrder string

// The orders of day and month.
const (
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
)

// DateOrders lists them.
var DateOrders = []DateOrder{DayFirst, MonthFirst}

// ParseDate reads a date as [desk.ReadDate] does, and as programs write it: with a time of day behind it, which is left out, as 202204, and with the year last,
// 18/04/2022.
//
// It is a [events.BadValue] where the text is no date; with Why cell-date-order where day and month could be either and order does not say which.
func ParseDate(s string, order DateOrder) (string, error) {
	if len(s) == 10 && s[4] == '-' { // as programs write it
		if _, err := events.ParseDay(s); err == nil {
			return s, nil
		}
	}
	text, ok := desk.Figures(s)
	if !ok {
		return "", valueError("cell-date", s)
	}
	if strings.IndexByte(text, ':') > 0 {
		text = clock.ReplaceAllString(text, "")
	}
	if isDigits(text) && len(text) == 6 {
		text = text[:4] + "-" + text[4:]
	}
	if parts := yearLast.FindStringSubmatch(text); parts != nil && parts[2] == parts[4] {
		first, _ := strconv.Atoi(parts[1])
		second, _ := strconv.Atoi(parts[3])
		switch {
		case order == DayFirst || order == "" && first > 12 && second <= 12:
			text = parts[5] + "-" + parts[3] + "-" + parts[1]
		case order == MonthFirst || order == "" && second > 12 && first <= 12, first == second:
			text = parts[5] + "-" + parts[1] + "-" + parts[3]
		default:
			return "", valueError("cell-date-order", s)
		}
	}
	date, err := desk.ReadDate(text)
	if err != nil {
		return "", valueError("cell-date", s)
	}
	return date, nil
}

var (
	// clock is a time of day behind a date.
	clock = regexp.MustCompile(`(?i)(T| +)((上午|下午|am|pm) *)?[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( *(am|pm))?(Z|[+-][0-9]{2}:?[0-9]{2})?$`)
	// yearLast is 18/04/2022.
	yearLast = regexp.MustCompile(`^([0-9]{1,2}) *([-/.]) *([0-9]{1,2}) *([-/.]) *([0-9]{4})$`)
	// twoNumbers is white space within a number: 100 200, or two lines in one cell.
	twoNumbers = regexp.MustCompile(`[0-9.,] +[0-9.,]`)
)
