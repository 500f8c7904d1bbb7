package intake

import (
	"strconv"
	"strings"
)

// How much of a day's text a date format shows: all of 2022-04-18, the month, the year.
const (
	noDate    = 0
	yearLong  = 4
	monthLong = 7
	dayLong   = 10
)

// A style is what of a cell's format says something about its value.
type style struct {
	format string
	date   int
	red    bool // of a red font
	minus  bool // the format shows a positive number as a negative one
	pad    int  // the format fills up with zeros to so many digits
	unit   Unit
	// divided says that the format shows the number divided: #,##0, in thousands, 0!.0, in 万.
	divided bool
}

type styles struct{ of0 []style }

func (s *styles) of(i int) style {
	if s == nil || i < 0 || i >= len(s.of0) {
		return style{}
	}
	return s.of0[i]
}

// builtin are the formats that a workbook does not spell out, as far as they matter here. Those from 27 on are of Chinese and Japanese workbooks.
var builtin = map[int]string{
	14: "yyyy/m/d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 22: "yyyy/m/d h:mm",
	27: `yyyy"年"m"月"`, 28: `m"月"d"日"`, 29: `m"月"d"日"`, 30: "m-d-yy", 31: `yyyy"年"m"月"d"日"`,
	36: `yyyy"年"m"月"`, 50: `yyyy"年"m"月"`, 51: `m"月"d"日"`, 52: `yyyy"年"m"月"`, 53: `m"月"d"日"`, 54: `m"月"d"日"`,
	57: `yyyy"年"m"月"`, 58: `m"月"d"日"`,
}

func parseStyles(b []byte) *styles {
	out := &styles{}
	formats := map[int]string{}
	var red []bool
	within := ""
	font := -1
	for t := newTags(b); t.next(); {
		switch t.name {
		case "fonts", "cellXfs", "cellStyleXfs", "dxfs":
			within = ""
			if t.open && !t.empty {
				within = t.name
			}
			continue
		}
		if !t.open {
			continue
		}
		switch {
		case t.name == "numFmt" && within == "":
			if id, err := strconv.Atoi(t.attr("numFmtId")); err == nil {
				formats[id] = t.attr("formatCode")
			}
		case t.name == "font" && within == "fonts":
			font++
			red = append(red, false)
		case t.name == "color" && within == "fonts" && font >= 0:
			red[font] = isRed(t.attr("rgb"), t.attr("indexed"))
		case t.name == "xf" && within == "cellXfs":
			id, _ := strconv.Atoi(t.attr("numFmtId"))
			format, ok := formats[id]
			if !ok {
				format = builtin[id]
			}
			st := parseFormat(format)
			if i, err := strconv.Atoi(t.attr("fontId")); err == nil && i >= 0 && i < len(red) {
				st.red = red[i]
			}
			out.of0 = append(out.of0, st)
		}
	}
	return out
}

// isRed reports whether a colour is a red, as red figures are printed in: much red, little of the others.
func isRed(rgb, indexed string) bool {
	if indexed == "2" || indexed == "10" {
		return true
	}
	if len(rgb) != 8 {
		return false
	}
	n, err := strconv.ParseUint(rgb[2:], 16, 32)
	return err == nil && n>>16 >= 0xC0 && n>>8&0xff <= 0x50 && n&0xff <= 0x50
}

// parseFormat reads a number format: its first part is what positive numbers are shown by.
func parseFormat(code string) style {
	st := style{format: code}
	if code == "" || strings.EqualFold(code, "general") {
		return st
	}
	section := code
	quoted, bracket := false, false
	var letters, literal, lead strings.Builder // what of the format is its signs, what it prints as it is, and that before the first digit
	colour := ""
	digits := false
scan:
	for i := 0; i < len(section); i++ {
		c := section[i]
		switch {
		case quoted:
			if c == '"' {
				quoted = false
				continue
			}
			literal.WriteByte(c)
			if !digits {
				lead.WriteByte(c)
			}
		case c == '"':
			quoted = true
		case bracket:
			if c == ']' {
				bracket = false
				continue
			}
			colour += string(c)
		case c == '[':
			bracket = true
		case c == '\\' || c == '_' || c == '*' || c == '!':
			i++ // the next is printed, or a space as wide
			if i < len(section) && (c == '\\' || c == '!') {
				literal.WriteByte(section[i])
				if !digits {
					lead.WriteByte(section[i])
				}
			}
		case c == ';':
			break scan
		case c == '0' || c == '#' || c == '?':
			digits = true
			letters.WriteByte(c)
		case c >= 0x80: // 年, 元, ￥ without quotes
			literal.WriteByte(c)
			if !digits {
				lead.WriteByte(c)
			}
		default:
			if !digits && (c == '-' || c == '(') {
				lead.WriteByte(c)
			}
			letters.WriteByte(c)
		}
	}
	signs := strings.ToLower(strings.ReplaceAll(letters.String(), "general", ""))
	if strings.ContainsAny(signs, "yd") || strings.Contains(signs, "mmm") || strings.Contains(literal.String(), "年") && strings.Contains(signs, "m") {
		switch {
		case strings.Contains(signs, "d") || strings.Contains(signs, "h"):
			st.date = dayLong
		case strings.Contains(signs, "m"):
			st.date = monthLong
		default:
			st.date = yearLong
		}
		return st
	}
	if digits {
		lower := strings.ToLower(colour)
		st.minus = strings.Contains(lower, "red") || strings.Contains(colour, "红") || strings.ContainsAny(lead.String(), "-(") || strings.Contains(lead.String(), "（")
		if strings.Contains(colour, "<") { // [<0] is for negative numbers alone
			st.minus = false
		}
		if strings.Trim(signs, "0") == "" && literal.Len() == 0 {
			st.pad = len(signs)
		}
		st.divided = strings.Contains(literal.String(), ".") || dividing(signs)
		if !st.divided {
			st.unit = parseUnit(literal.String())
		}
	}
	return st
}

// dividing reports whether a comma stands behind the last digit, or the last before the point, and so divides by a thousand.
func dividing(signs string) bool {
	whole, _, _ := strings.Cut(signs, ".")
	for _, part := range []string{whole, signs} {
		if last := strings.LastIndexAny(part, "0#?,"); last >= 0 && part[last] == ',' {
			return true
		}
	}
	return false
}
