package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	_ "time/tzdata" // a fund keeps its time zone on machines that have none installed

	"github.com/shopspring/decimal"
)

// A Fund names one fund, and so one log: [a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?.
type Fund string

// A Year is the fiscal year charged: a number of four digits, 1000 to 9990, that an event names outright.
// It is never derived from a date.
type Year int

// A Line is the code of a budget line, at most 32 characters of [A-Za-z0-9]+([.-][A-Za-z0-9]+)*. [Root] is the fund as a whole.
type Line string

// Root is the line above all others. It is implied in every year.
const Root Line = "0"

// A Seq is a position in a fund's log. The first event is 1; 0 is before it.
type Seq uint64

// An ID is the caller's key for idempotency: 1 to 128 visible characters, no space, not beginning with "-", compared bytewise.
type ID string

// A Minor is a signed amount in a currency's smallest unit (fen for CNY, yen for JPY).
type Minor int64

// A Day counts days from 1970-01-01 in the proleptic Gregorian calendar; it has no time zone.
type Day int32

// firstYear and lastYear bound fiscal years and the years of dates, so that "the year after" and a carry-over's expiry stay in four digits.
const firstYear, lastYear = 1000, 9990

// lastDay is the last that can be written in four digits, 9999-12-31.
var lastDay = dayOf(time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC))

// ParseFund parses a fund's code. The error is a [BadValue] whose args have no field.
func ParseFund(s string) (Fund, error) {
	ok := len(s) >= 1 && len(s) <= 32 && s[0] != '-' && s[len(s)-1] != '-'
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if !ok {
		return "", badValue("fund-form", s)
	}
	return Fund(s), nil
}

// ParseLine parses a line's code.
func ParseLine(s string) (Line, error) {
	ok, between := len(s) <= 32, false // between two letters or digits
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			between = true
		default:
			ok = between && (c == '.' || c == '-')
			between = false
		}
	}
	if !ok || !between {
		return "", badValue("line-form", s)
	}
	return Line(s), nil
}

// ParseYear parses the four digits of a fiscal year.
func ParseYear(s string) (Year, error) {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) != 4 || n < firstYear || n > lastYear {
		return 0, badValue("year-form", s)
	}
	return Year(n), nil
}

func (y Year) String() string {
	if y >= 1000 {
		return strconv.Itoa(int(y)) // a replay asks for very many
	}
	return fmt.Sprintf("%04d", int(y))
}

// ParseID parses a caller's key.
func ParseID(s string) (ID, error) {
	n := 0
	for _, r := range s {
		if r > ' ' && r < 0x7f {
			n++
			continue
		}
		if r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return "", badValue("id-form", s)
		}
		n++
	}
	if n < 1 || n > 128 || s[0] == '-' {
		return "", badValue("id-form", s)
	}
	return ID(s), nil
}

// ParseSeq parses a position in the log: a whole number from 1, without sign or leading zeros.
func ParseSeq(s string) (Seq, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 || s[0] == '0' || s[0] == '+' {
		return 0, badValue("seq-form", s)
	}
	return Seq(n), nil
}

func (s Seq) String() string { return strconv.FormatUint(uint64(s), 10) }

// ParseDay parses a day written 2022-04-18. Days that the calendar does not have are refused.
func ParseDay(s string) (Day, error) {
	d, ok := parseDay(s)
	if !ok {
		return 0, badValue("day-form", s)
	}
	return d, nil
}

func parseDay[T string | []byte](s T) (Day, bool) {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := twoDigits(s, 0)
	y2, ok2 := twoDigits(s, 2)
	m, ok3 := twoDigits(s, 5)
	d, ok4 := twoDigits(s, 8)
	y = y*100 + y2
	if !ok1 || !ok2 || !ok3 || !ok4 || y < firstYear || m < 1 || m > 12 || d < 1 || d > daysOf(y, m) {
		return 0, false
	}
	return calendarDay(y, m, d), true
}

// twoDigits reads the number of two digits that stands at i.
func twoDigits[T string | []byte](s T, i int) (int, bool) {
	a, b := s[i]-'0', s[i+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// daysOf returns how many days a month has.
func daysOf(y, m int) int {
	switch {
	case m == 2 && (y%4 != 0 || y%100 == 0 && y%400 != 0):
		return 28
	case m == 2:
		return 29
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	}
	return 31
}

// calendarDay returns a day of a year from 1 on. Years are counted from March, so that a leap day ends one, and months that begin with March have
// 30.6 days on the average: (153m+2)/5 before the m-th.
func calendarDay(y, m, d int) Day {
	m -= 3
	if m < 0 {
		y, m = y-1, m+12
	}
	return Day(365*y + y/4 - y/100 + y/400 + (153*m+2)/5 + d - 1 - 719468)
}

// DayOf returns the day on which t falls in its own location.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return dayOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

func dayOf(t time.Time) Day {
	s := t.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Day(d)
}

// Time returns the first moment of the day in loc.
func (d Day) Time(loc *time.Location) time.Time {
	y, m, day := time.Unix(int64(d)*86400, 0).UTC().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, loc)
}

func (d Day) String() string { return d.Time(time.UTC).Format(time.DateOnly) }

// AddMonths returns the last day of the period that ends n months after the one that ends on d: 2023-02-28 and 12 give 2024-02-29,
// since periods end where the next begins.
func (d Day) AddMonths(n int) Day {
	next := (d + 1).Time(time.UTC)
	y, m, day := next.Date()
	moved := time.Date(y, m+time.Month(n), day, 0, 0, 0, 0, time.UTC)
	if moved.Day() != day { // the month is too short to hold that day: its last day it is
		moved = time.Date(moved.Year(), moved.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return dayOf(moved) - 1
}

// A Date is a business date as exact as the paper that it stands on: a day, a month, a year, or some day within an interval.
// The zero Date is no date.
type Date struct {
	text        string
	first, last Day
	fiscal      Year // set for a date that is a year alone, which is that fiscal year where the ledger has it
}

// ParseDate parses 2022-04-18, 2022-04, 2022 or 2022-01-01/2022-12-08.
func ParseDate(s string) (Date, error) {
	d := Date{text: s}
	switch {
	case len(s) == 4:
		y, err := ParseYear(s)
		if err != nil {
			return Date{}, badValue("date-form", s)
		}
		d.first, d.last, d.fiscal = calendarDay(int(y), 1, 1), calendarDay(int(y), 12, 31), y
	case len(s) == 7:
		var month [len(time.DateOnly)]byte
		copy(month[:], s)
		copy(month[7:], "-01")
		first, ok := parseDay(month[:])
		if !ok {
			return Date{}, badValue("date-form", s)
		}
		d.first, d.last = first, first.end(1)
	case len(s) == 10:
		first, err := ParseDay(s)
		if err != nil {
			return Date{}, badValue("date-form", s)
		}
		d.first, d.last = first, first
	default:
		from, to, found := strings.Cut(s, "/")
		if !found {
			return Date{}, badValue("date-form", s)
		}
		var err, err2 error
		d.first, err = ParseDay(from)
		d.last, err2 = ParseDay(to)
		if err != nil || err2 != nil {
			return Date{}, badValue("date-form", s)
		}
		if d.last < d.first {
			return Date{}, badValue("date-order", s)
		}
	}
	return d, nil
}

// ParseMonth parses a month, 2022-04, as a date.
func ParseMonth(s string) (Date, error) {
	if len(s) == len("2022-04") {
		if d, err := ParseDate(s); err == nil {
			return d, nil
		}
	}
	return Date{}, badValue("month-form", s)
}

// end returns the last day of the n months that begin on d.
func (d Day) end(n int) Day {
	return dayOf(d.Time(time.UTC).AddDate(0, n, 0)) - 1
}

func (d Date) String() string { return d.text }

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d.text == "" }

// First and Last are the first and the last possible day. For a year alone they are the calendar year's until [Date.In] says otherwise.
func (d Date) First() Day { return d.first }

// Last is the last possible day.
func (d Date) Last() Day { return d.last }

// Exact reports whether the paper names the day.
func (d Date) Exact() bool { return d.first == d.last }

// FiscalYear returns the year of a date that is a year alone, and 0 for any other.
func (d Date) FiscalYear() Year { return d.fiscal }

// In returns a date that is a year alone with the first and last day of that fiscal year.
func (d Date) In(first, last Day) Date {
	d.first, d.last = first, last
	return d
}

// An Amount is an unsigned decimal as a command writes it: greater than zero, at most 15 digits before the point and 4 after it.
// Equal amounts written differently (2 and 2.00) are equal by [Amount.Equal]. The zero Amount is no amount.
type Amount struct {
	whole  int64 // below 1e15
	frac   int32 // in 1/10,000
	places int8  // digits written after the point
}

const maxPlaces = 4

var pow10 = [...]int64{1, 10, 100, 1000, 10000}

// ParseAmount parses an amount. Zero, a sign, an exponent, leading zeros, separators and full-width digits are refused, each by name.
func ParseAmount(s string) (Amount, error) {
	a, ok := parseAmount(s)
	if ok {
		return a, nil
	}
	if why := decimalFault(s); why != "" {
		return Amount{}, badValue(why, s)
	}
	if _, frac, _ := strings.Cut(s, "."); len(frac) > maxPlaces {
		return Amount{}, badValue("amount-places", s)
	}
	return Amount{}, badValue("amount-zero", s)
}

func parseAmount[T string | []byte](s T) (Amount, bool) {
	var whole, frac int64
	places := -1 // no point yet
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.' && places < 0 && i > 0:
			places = 0
		case c < '0' || c > '9' || places == maxPlaces:
			return Amount{}, false
		case places >= 0:
			frac = frac*10 + int64(c-'0')
			places++
		case i == 15 || i == 1 && s[0] == '0':
			return Amount{}, false
		default:
			whole = whole*10 + int64(c-'0')
		}
	}
	if places == 0 || whole == 0 && frac == 0 {
		return Amount{}, false
	}
	places = max(places, 0)
	return Amount{whole, int32(frac * pow10[maxPlaces-places]), int8(places)}, true
}

// decimalFault says what keeps s from being a plain unsigned decimal, as the last part of a key in the words; "" where nothing does.
func decimalFault(s string) string {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.':
			if i == 0 || i == len(s)-1 || strings.Count(s, ".") > 1 {
				return "amount-point"
			}
		case r == '-' || r == '+' || r == '−' || r == '－' || r == '＋':
			return "amount-sign"
		case r == '(' || r == ')' || r == '（' || r == '）':
			return "amount-sign"
		case r == ',' || r == '，' || r == '\'' || r == '’' || r == '_' || unicode.IsSpace(r):
			return "amount-separator"
		case (r == 'e' || r == 'E') && digits > 0:
			return "amount-exponent"
		case unicode.IsDigit(r) || r == '．':
			return "amount-width"
		default:
			return "amount-form"
		}
	}
	whole, _, _ := strings.Cut(s, ".")
	switch {
	case digits == 0:
		return "amount-form"
	case len(whole) > 1 && whole[0] == '0':
		return "amount-leading-zero"
	case len(whole) > 15:
		return "amount-large"
	}
	return ""
}

func (a Amount) String() string {
	if a.places == 0 {
		return strconv.FormatInt(a.whole, 10)
	}
	return fmt.Sprintf("%d.%0*d", a.whole, int(a.places), int64(a.frac)/pow10[maxPlaces-int(a.places)])
}

// IsZero reports whether a is no amount.
func (a Amount) IsZero() bool { return a.whole == 0 && a.frac == 0 }

// Equal reports whether a and b are the same money however they are written.
func (a Amount) Equal(b Amount) bool { return a.whole == b.whole && a.frac == b.frac }

// Minor returns a in a currency of so many decimals (0 to 4). It is a [BadValue] when more digits than that are written after the point,
// and [Overflow] when the result leaves int64.
func (a Amount) Minor(decimals int) (Minor, error) {
	if int(a.places) > decimals {
		return 0, badValue("amount-decimals", a.String()).With("decimals", strconv.Itoa(decimals))
	}
	scaled, ok := mul(a.whole, pow10[decimals])
	if !ok {
		return 0, &Error{Code: Overflow, Args: Args{"value": a.String()}}
	}
	sum, ok := Minor(scaled).Add(Minor(int64(a.frac) / pow10[maxPlaces-decimals]))
	if !ok {
		return 0, &Error{Code: Overflow, Args: Args{"value": a.String()}}
	}
	return sum, nil
}

func mul(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	c := a * b
	return c, c/b == a
}

// Add returns m+n, and false where the sum leaves int64.
func (m Minor) Add(n Minor) (Minor, bool) {
	s := m + n
	return s, (s > m) == (n > 0)
}

// Decimal returns m as a decimal of the currency's unit, for division and for other units.
func (m Minor) Decimal(decimals int) decimal.Decimal { return decimal.New(int64(m), int32(-decimals)) }

// Format writes m with exactly so many decimals and no separators, as postings and JSON tables have it: -1500000.00.
func (m Minor) Format(decimals int) string { return string(m.append(nil, decimals)) }

func (m Minor) append(b []byte, decimals int) []byte {
	u := uint64(m)
	if m < 0 {
		b = append(b, '-')
		u = -u
	}
	if decimals == 0 {
		return strconv.AppendUint(b, u, 10)
	}
	p := uint64(pow10[decimals])
	b = strconv.AppendUint(b, u/p, 10)
	b = append(b, '.')
	frac := strconv.FormatUint(u%p, 10)
	for range decimals - len(frac) {
		b = append(b, '0')
	}
	return append(b, frac...)
}

// ParseMinor parses what [Minor.Format] writes and returns the number of decimals found.
func ParseMinor(s string) (m Minor, decimals int, err error) {
	digits := s
	if whole, frac, found := strings.Cut(s, "."); found {
		digits, decimals = whole+frac, len(frac)
		if decimals == 0 {
			return 0, 0, badValue("amount-form", s)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || decimals > maxPlaces || Minor(n).Format(decimals) != s {
		return 0, 0, badValue("amount-form", s)
	}
	return Minor(n), decimals, nil
}

// A Number is a signed decimal as a report states a figure: at most 15 digits before the point and 8 after it. It is kept as written.
type Number string

var numberForm = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,8})?$`)

// ParseNumber parses a stated figure.
func ParseNumber(s string) (Number, error) {
	if !numberForm.MatchString(s) {
		switch why := decimalFault(strings.TrimPrefix(s, "-")); why {
		case "", "amount-sign": // too many decimals; a plus, brackets or another dash
			return "", badValue("number-form", s)
		default:
			return "", badValue(why, s)
		}
	}
	return Number(s), nil
}

// Decimal returns the number for arithmetic.
func (n Number) Decimal() decimal.Decimal { return decimal.RequireFromString(string(n)) }

// MarshalBinary writes a date down as a cache keeps it, with the days that it stands for.
func (d Date) MarshalBinary() ([]byte, error) {
	b := binary.BigEndian.AppendUint32(nil, uint32(d.first))
	return append(binary.BigEndian.AppendUint32(b, uint32(d.last)), d.text...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (d *Date) UnmarshalBinary(b []byte) error {
	if len(b) < 8 {
		return errors.New("events: not a date")
	}
	first, last := Day(binary.BigEndian.Uint32(b)), Day(binary.BigEndian.Uint32(b[4:]))
	if len(b) == 8 {
		*d = Date{}
		return nil
	}
	read, err := ParseDate(string(b[8:]))
	*d = read.In(first, last)
	return err
}
