package events

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// capitalDigits are the digits of an amount in Chinese capitals (中文大写), with the plain and the older ones that people also write.
var capitalDigits = map[rune]int64{
	'零': 0, '〇': 0, '壹': 1, '一': 1, '贰': 2, '二': 2, '貳': 2, '两': 2, '叁': 3, '三': 3, '參': 3, '肆': 4, '四': 4, '伍': 5, '五': 5,
	'陆': 6, '六': 6, '陸': 6, '柒': 7, '七': 7, '捌': 8, '八': 8, '玖': 9, '九': 9,
}

// capitalPowers are the powers within four digits.
var capitalPowers = map[rune]int64{'拾': 10, '十': 10, '佰': 100, '百': 100, '仟': 1000, '千': 1000}

// plainCapitals turns other spellings of the marks into those that ParseCapitals looks for.
var plainCapitals = strings.NewReplacer("萬", "万", "億", "亿", "圆", "元", "圓", "元", "正", "整", " ", "")

// ParseCapitals reads an amount in Chinese capitals, such as 壹仟柒佰叁拾捌万柒仟元整 or 人民币叁元伍角. Whole units end in 元 or 圆, tenths in
// 角, hundredths in 分; 整 or 正 may close it. Powers fall from left to right, and a 零 stands where a place is empty between two digits; where
// practice differs it may stand or not, and before a power it is nothing (零佰), as on forms with printed powers. It reports false for anything that is not such an amount.
func ParseCapitals(s string) (Amount, bool) {
	s = plainCapitals.Replace(norm.NFKC.String(s))
	s = strings.TrimPrefix(s, "人民币")
	s = strings.TrimPrefix(s, "(大写)")
	s = strings.TrimPrefix(s, ":")
	s = strings.TrimSuffix(s, "整")
	yuan, rest, found := strings.Cut(s, "元")
	if !found {
		yuan, rest = "", s
	}
	var a Amount
	if found {
		whole, ok := capitalWhole(yuan)
		if !ok || whole >= 1_000_000_000_000_000 {
			return Amount{}, false
		}
		a.whole = whole
	}
	jiao, fen := "", rest
	if j, f, ok := strings.Cut(rest, "角"); ok {
		jiao, fen = j, f
		if jiao == "" {
			return Amount{}, false
		}
	}
	j, ok := capitalDigit(jiao)
	if !ok {
		return Amount{}, false
	}
	f := int64(0)
	if fen != "" {
		fen, found = strings.CutSuffix(fen, "分")
		if f, ok = capitalDigit(fen); !ok || !found || fen == "" {
			return Amount{}, false
		}
	}
	if a.frac = int32(j*1000 + f*100); a.frac != 0 {
		a.places = 2
	}
	return a, !a.IsZero()
}

// capitalDigit reads one digit, which a 零 may precede; nothing is 0.
func capitalDigit(s string) (int64, bool) {
	rs := []rune(s)
	if len(rs) == 2 && capitalDigits[rs[0]] == 0 {
		if _, ok := capitalDigits[rs[0]]; ok {
			rs = rs[1:]
		}
	}
	switch len(rs) {
	case 0:
		return 0, true
	case 1:
		d, ok := capitalDigits[rs[0]]
		return d, ok
	}
	return 0, false
}

// capitalWhole reads what stands before 元: at most a number of 亿, which may itself have 万, then one of 万, then the last four digits.
func capitalWhole(s string) (int64, bool) {
	high, low, found := cutLast(s, "亿")
	if !found {
		return capitalWan(s)
	}
	h, ok := capitalWan(high)
	l, ok2 := capitalLow(low, 100_000_000, capitalWan)
	return h*100_000_000 + l, ok && ok2 && h > 0
}

// capitalWan reads a number below 100_000_000 without 亿.
func capitalWan(s string) (int64, bool) {
	high, low, found := cutLast(s, "万")
	if !found {
		return capitalSection(s)
	}
	h, ok := capitalSection(high)
	l, ok2 := capitalLow(low, 10_000, capitalSection)
	return h*10_000 + l, ok && ok2
}

// capitalLow reads what follows 亿 or 万: nothing, or a number that says 零 where its first place is empty. Without that, 壹万伍 could be 15,000
// to one reader and 10,005 to another.
func capitalLow(s string, unit int64, read func(string) (int64, bool)) (int64, bool) {
	if s == "" {
		return 0, true
	}
	n, ok := read(s)
	d, zero := capitalDigits[[]rune(s)[0]]
	return n, ok && (n >= unit/10 || zero && d == 0)
}

// capitalSection reads four digits with their powers, such as 壹仟零伍. A place left out between two digits is a 零.
func capitalSection(s string) (total int64, ok bool) {
	var (
		digit = int64(-1)     // the one that waits for its power; -1: none
		zero  bool            // a 零 stands before it
		last  = int64(100000) // the power before; any gap to this one is allowed
	)
	add := func(power int64) bool {
		if power >= last || digit > 0 && power*10 < last && last < 100000 && !zero {
			return false
		}
		total += digit * power
		digit, zero, last = -1, false, power
		return true
	}
	for i, r := range s {
		if d, isDigit := capitalDigits[r]; isDigit {
			if digit > 0 || digit == 0 && d == 0 {
				return 0, false
			}
			digit, zero = d, digit == 0
			continue
		}
		p, isPower := capitalPowers[r]
		if isPower && p == 10 && i == 0 {
			digit = 1 // 拾 alone is ten
		}
		if !isPower || digit < 0 || !add(p) {
			return 0, false
		}
	}
	if digit > 0 && !add(1) {
		return 0, false
	}
	return total, s != ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

const capitalNames = "零壹贰叁肆伍陆柒捌玖"

// FormatCapitals writes an amount in Chinese capitals as payment vouchers have it: 壹拾万柒仟元整, 壹仟肆佰零玖元伍角整, 叁佰贰拾伍元零肆分. A run of
// zeros between digits is one 零; where practice may leave it out, after a last 拾万 or 拾元, it is left out; 整 closes what has no 分. It
// reports false for an amount that has more than two decimals or is zero.
func FormatCapitals(a Amount) (string, bool) {
	if a.frac%100 != 0 || a.IsZero() {
		return "", false
	}
	var b strings.Builder
	if a.whole > 0 {
		formatWhole(&b, a.whole)
		b.WriteString("元")
	}
	jiao, fen := a.frac/1000, a.frac/100%10
	switch {
	case jiao > 0:
		b.WriteString(capital(int64(jiao)) + "角")
	case fen > 0 && a.whole > 0:
		b.WriteString("零")
	}
	if fen > 0 {
		b.WriteString(capital(int64(fen)) + "分")
	} else {
		b.WriteString("整")
	}
	return b.String(), true
}

// formatWhole writes n, which is greater than zero.
func formatWhole(b *strings.Builder, n int64) {
	for _, part := range []struct {
		unit int64
		name string
	}{{100_000_000, "亿"}, {10_000, "万"}} {
		if n >= part.unit {
			formatWhole(b, n/part.unit)
			b.WriteString(part.name)
			if n %= part.unit; n > 0 && n < part.unit/10 {
				b.WriteString("零")
			}
		}
	}
	gap := false
	for p, name := int64(1000), []string{"仟", "佰", "拾", ""}; p > 0; p, name = p/10, name[1:] {
		d := n / p % 10
		switch {
		case d > 0:
			if gap {
				b.WriteString("零")
			}
			b.WriteString(capital(d) + name[0])
			gap = false
		case n >= p*10: // a digit stands to the left
			gap = true
		}
	}
}

func capital(digit int64) string { return string([]rune(capitalNames)[digit]) }
