package desk

import (
	"errors"
	"strings"
	"unicode"

	"fundledger/events"

	"golang.org/x/text/unicode/norm"
)

// An Amount is money as somebody wrote it down.
type Amount struct {
	// Figures is the amount as a command has it, in the currency's unit.
	Figures string
	// Capitals is what was written, where that was Chinese capitals; "" else.
	Capitals string
	// AsPrinted is what was written, where that is neither the figures nor capitals; "" else.
	AsPrinted string
}

// scales are the units in which people write amounts, the longest first, and how many places each moves the point.
var scales = []struct {
	unit   string
	places int
}{{"亿元", 8}, {"万元", 4}, {"亿", 8}, {"万", 4}, {"元", 0}}

// signs are what may stand before an amount and says no more than that it is one.
var signs = []string{"人民币", "RMB", "CNY", "¥", "￥"}

// Figures makes full-width signs plain and leaves out what is invisible, so that an amount or a date can be read; it is trimmed, and every white space in it is a
// plain space. ok is false where what is seen is not what stands there: of signs that only look like digits, such as the mark of a footnote in 1738①, compatibility forms would
// make further digits, and a sign that turns the direction of writing shows 100 for 001.
func Figures(s string) (plain string, ok bool) {
	ok = true
	s = strings.Map(func(r rune) rune {
		switch {
		case r > ' ' && r < 0x7f:
			return r
		case unicode.IsSpace(r):
			return ' '
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', unicode.IsControl(r), strings.ContainsFunc(norm.NFKC.String(string(r)), figure):
			ok = false
		case unicode.In(r, unicode.Cf):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(norm.NFKC.String(s)), ok
}

// figure reports whether a character is a part of a number.
func figure(r rune) bool { return digit(r) || r == '.' || r == ',' }

// ReadAmount reads an amount as people write it: 126000, 1,738.70, ¥100.00, 100万, 1.2亿元, full-width digits, Chinese capitals. A number without a unit is in the
// currency's own. It is exact: what cannot be read without guessing is a [events.BadValue], such as 1,23 or 1亿2千万.
func ReadAmount(s string) (Amount, error) {
	written := strings.TrimSpace(s)
	if a, ok := events.ParseCapitals(written); ok {
		return Amount{Figures: a.String(), Capitals: written}, nil
	}
	text, ok := Figures(written)
	if !ok {
		return Amount{}, &events.Error{Code: events.BadValue, Why: "amount-hand", Args: events.Args{"field": "amount", "value": s}}
	}
	for _, sign := range signs {
		if rest, ok := strings.CutPrefix(text, sign); ok {
			text = strings.TrimSpace(rest)
			break
		}
	}
	places := 0
	for _, scale := range scales {
		if rest, ok := strings.CutSuffix(text, scale.unit); ok {
			text, places = strings.TrimSpace(rest), scale.places
			break
		}
	}
	plain, err := ungrouped(text, s)
	if err != nil {
		return Amount{}, err
	}
	figures := shifted(plain, places)
	if _, err := events.ParseAmount(figures); err != nil {
		return Amount{}, named(err, s)
	}
	a := Amount{Figures: figures}
	if figures != written {
		a.AsPrinted = written
	}
	return a, nil
}

// ungrouped is a number without the commas between its thousands, which must stand where they belong. s is what was written.
func ungrouped(text, s string) (string, error) {
	whole, frac, point := strings.Cut(text, ".")
	refuse := func(why string) (string, error) {
		return "", &events.Error{Code: events.BadValue, Why: why, Args: events.Args{"field": "amount", "value": s}}
	}
	switch {
	case strings.ContainsAny(text, "+-−()"):
		return refuse("amount-sign")
	case strings.TrimFunc(strings.ReplaceAll(whole, ",", ""), digit) != "", strings.TrimFunc(frac, digit) != "", strings.Trim(whole, ",") == "", point && frac == "":
		return refuse("amount-hand")
	}
	if groups := strings.Split(whole, ","); len(groups) > 1 {
		for i, g := range groups {
			if len(g) != 3 && (i > 0 || len(g) == 0 || len(g) > 3) {
				return refuse("amount-groups")
			}
		}
		whole = strings.Join(groups, "")
	}
	if point {
		whole += "." + frac
	}
	return whole, nil
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

// shifted moves the point of a plain number to the right.
func shifted(plain string, places int) string {
	if places == 0 {
		return plain
	}
	whole, frac, _ := strings.Cut(plain, ".")
	frac += strings.Repeat("0", max(0, places-len(frac)))
	whole, frac = strings.TrimLeft(whole+frac[:places], "0"), strings.TrimRight(frac[places:], "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	return whole
}

// named is a fault of what was written in another form.
func named(err error, s string) error {
	var e *events.Error
	if errors.As(err, &e) {
		return e.With("value", s).With("field", "amount")
	}
	return err
}

// dateMarks are the characters that part the year, the month and the day of a date, or end it.
const dateMarks = "-/.年月日号"

// ReadDate reads a date as people write it: 2022-04-18, 2022/4/18, 2022.4.18, 20220418, 2022年4月18日, 2022年4月, 2022年, full-width digits. The result is as exact as
// what was written, in the form of commands; what commands take is taken as it is. A date that has to be guessed is a [events.BadValue]: 4月18日 has no year, and
// of 3/4/2022 nobody knows the month.
func ReadDate(s string) (string, error) {
	text, ok := Figures(s)
	if _, err := events.ParseDate(text); err == nil && ok {
		return text, nil
	}
	refuse := func(why string) (string, error) {
		return "", &events.Error{Code: events.BadValue, Why: why, Args: events.Args{"field": "date", "value": s}}
	}
	if !ok {
		return refuse("date-hand")
	}
	if strings.TrimFunc(text, digit) == "" && len(text) == 8 {
		text = text[:4] + "-" + text[4:6] + "-" + text[6:]
	}
	var parts []string
	marks := ""
	for rest := text; rest != ""; {
		at := strings.IndexFunc(rest, func(r rune) bool { return !digit(r) })
		if at < 0 {
			parts = append(parts, rest)
			break
		}
		number := rest[:at]
		rest = strings.TrimLeft(rest[at:], " ") // 2022 年 4 月 18 日, as forms print it
		mark := []rune(rest)[0]
		if number == "" || !strings.ContainsRune(dateMarks, mark) {
			return refuse("date-hand")
		}
		parts, marks = append(parts, number), marks+string(mark)
		rest = strings.TrimLeft(rest[len(string(mark)):], " ")
	}
	switch marks {
	case "-", "--", "/", "//", ".", "..", "年", "年月", "年月日", "年月号":
	case "月日", "月号", "月":
		return refuse("date-year")
	default:
		return refuse("date-hand")
	}
	if strings.HasPrefix(marks, "年") && len([]rune(marks)) != len(parts) || !strings.HasPrefix(marks, "年") && len(marks) != len(parts)-1 {
		return refuse("date-hand")
	}
	if len(parts[0]) != 4 {
		return refuse("date-year")
	}
	out := parts[0]
	for _, p := range parts[1:] {
		if len(p) > 2 {
			return refuse("date-hand")
		}
		out += "-" + strings.Repeat("0", 2-len(p)) + p
	}
	if _, err := events.ParseDate(out); err != nil {
		return refuse("date-hand")
	}
	return out, nil
}
