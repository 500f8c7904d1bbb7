package events

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// capitals are the digits of an amount in Chinese capitals (中文大写), with the plain ones that people also write.
var capitals = map[rune]int64{
	'零': 0, '〇': 0, '壹': 1, '一': 1, '贰': 2, '二': 2, '貳': 2, '两': 2, '叁': 3, '三': 3, '參': 3, '肆': 4, '四': 4, '伍': 5, '五': 5,
	'陆': 6, '六': 6, '陸': 6, '柒': 7, '七': 7, '捌': 8, '八': 8, '玖': 9, '九': 9,
}

var capitalPowers = map[rune]int64{'拾': 10, '十': 10, '佰': 100, '百': 100, '仟': 1000, '千': 1000}

// ParseCapitals reads an amount in Chinese capitals, such as 壹仟柒佰叁拾捌万柒仟元整 or 人民币叁元伍角. Whole units may end in 元 or 圆,
// tenths in 角, hundredths in 分; 整 and 正 close it. It reports false for anything that is not such an amount.
func ParseCapitals(s string) (Amount, bool) {
	s = strings.TrimSpace(norm.NFKC.String(s))
	s = strings.TrimPrefix(s, "人民币")
	s = strings.TrimRight(strings.TrimLeft(s, ": "), " ")
	s = strings.TrimSuffix(strings.TrimSuffix(s, "整"), "正")
	var (
		total   int64 // what 亿 and 万 have closed
		section int64 // below 万
		digit   int64
		seen    bool // a digit waits for its power
		unit    bool // 元 has passed
		frac    int64
		parts   int
	)
	for _, r := range s {
		d, isDigit := capitals[r]
		p, isPower := capitalPowers[r]
		switch {
		case isDigit:
			if seen && digit != 0 {
				return Amount{}, false
			}
			digit, seen = d, true
		case isPower && !unit:
			if !seen || digit == 0 {
				if p != 10 || section != 0 {
					return Amount{}, false
				}
				digit = 1 // 拾 alone is ten
			}
			section += digit * p
			digit, seen = 0, false
		case (r == '万' || r == '萬') && !unit:
			section += digit
			total = total/1e8*1e8 + (total%1e8+section)*1e4
			section, digit, seen = 0, 0, false
		case (r == '亿' || r == '億') && !unit:
			total = (total + section + digit) * 1e8
			section, digit, seen = 0, 0, false
		case (r == '元' || r == '圆' || r == '圓') && !unit:
			total += section + digit
			section, digit, seen, unit = 0, 0, false, true
		case r == '角' && parts == 0 && seen:
			if !unit && total+section > 0 {
				return Amount{}, false
			}
			frac += digit * 1000
			digit, seen, parts, unit = 0, false, 1, true
		case r == '分' && parts <= 1 && seen:
			if !unit && total+section > 0 {
				return Amount{}, false
			}
			frac += digit * 100
			digit, seen, parts, unit = 0, false, 2, true
		default:
			return Amount{}, false
		}
		if total >= 1e15 || section >= 1e5 {
			return Amount{}, false
		}
	}
	if !unit || seen && digit != 0 || total == 0 && frac == 0 {
		return Amount{}, false
	}
	a := Amount{whole: total, frac: int32(frac)}
	if frac != 0 {
		a.places = 2
	}
	return a, true
}
