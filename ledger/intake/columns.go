package intake

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An As says what a file is a register of, and so what its rows become.
type As string

// The registers.
const (
	Payments As = "payments" // disbursed
	Budget   As = "budget"   // appropriated
	Awards   As = "awards"   // committed
	Receipts As = "receipts" // receipt-confirmed
	Bank     As = "bank"     // bank-line
)

// Registers lists them.
var Registers = []As{Payments, Budget, Awards, Receipts, Bank}

// A Role is what a column says of a row, by the path of the command's field where there is one, such as payee.name. Some are none of a command: number (序号), line_name,
// in and out of a statement, original and supplementary of a budget, and the four columns that a file of refused rows has.
type Role string

//go:embed columns.json
var columnsFile []byte

//go:embed terms.json
var termsFile []byte

// A known role has its rank among the names of that role: the first name fits best.
type meaning struct {
	role Role
	rank int
}

// A vocabulary is the two files of words, read.
type vocabulary struct {
	// meanings are the names of columns, squeezed, for each register.
	meanings map[As]map[string]meaning
	// roles are those that a register's columns can have.
	roles map[As][]Role
	// ours are what the columns of a file of refused rows are called: in Chinese, in English.
	ours map[Role][]string
	// ends are the last characters of the words for totals.
	ends  []rune
	terms struct {
		Total, Subtotal, Foot, Void                      []string
		Action, Channel, Method, Class, Stage, Direction map[string][]string
	}
}

var known = func() *vocabulary {
	v := &vocabulary{meanings: map[As]map[string]meaning{}, roles: map[As][]Role{}, ours: map[Role][]string{}}
	var all []struct {
		Role  Role
		As    []As
		Names []string
	}
	for _, part := range []struct {
		file []byte
		to   any
	}{{columnsFile, &all}, {termsFile, &v.terms}} {
		if err := json.Unmarshal(part.file, part.to); err != nil {
			panic("intake: " + err.Error()) // they are part of the program
		}
	}
	for _, as := range Registers {
		v.meanings[as] = map[string]meaning{}
	}
	for _, c := range all {
		if slices.Contains(ours, c.Role) {
			v.ours[c.Role] = c.Names
		}
		for _, as := range Registers {
			if c.As != nil && !slices.Contains(c.As, as) {
				continue
			}
			if !slices.Contains(v.roles[as], c.Role) {
				v.roles[as] = append(v.roles[as], c.Role)
			}
			for rank, name := range c.Names {
				v.meanings[as][squeeze(name)] = meaning{c.Role, rank}
			}
		}
	}
	for _, words := range [][]string{v.terms.Total, v.terms.Subtotal, v.terms.Foot, v.terms.Void} {
		squeezeAll(words)
	}
	for _, w := range slices.Concat(v.terms.Total, v.terms.Subtotal) {
		r, _ := utf8.DecodeLastRuneInString(w)
		v.ends = append(v.ends, r, unicode.ToUpper(r))
	}
	for _, of := range []map[string][]string{v.terms.Action, v.terms.Channel, v.terms.Method, v.terms.Class, v.terms.Stage, v.terms.Direction} {
		for _, words := range of {
			squeezeAll(words)
		}
	}
	return v
}()

// mayEndTotal reports whether a text ends as the label of a total can: with the last character of one, or with a sign. Few texts do, and the others need not be folded.
func (v *vocabulary) mayEndTotal(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	if size == 0 {
		return false
	}
	return slices.Contains(v.ends, r) || !isHan(r) && !(r > ' ' && r < 0x7f && (unicode.IsLetter(r) || unicode.IsDigit(r)))
}

func squeezeAll(words []string) {
	for i, w := range words {
		words[i] = squeeze(w)
	}
}

// ours are the columns that a file of refused rows has behind those of the register.
var ours = []Role{"reason", "id", "action", "of"}

// term reads a word of a column whose words are known, such as 授权支付; a code of the vocabulary is one too.
func term(of map[string][]string, s string) (code string, ok bool) {
	s = squeeze(s)
	for code, words := range of {
		if s == code {
			return code, true
		}
		if slices.Contains(words, s) {
			return code, true
		}
	}
	return "", false
}

// among reports whether a squeezed text is one of some words.
func among(words []string, s string) bool { return slices.Contains(words, s) }

// isColumn reports whether any register has a column of that name.
func isColumn(name string) bool {
	for _, as := range Registers {
		if _, _, ok := meaningOf(as, name); ok {
			return true
		}
	}
	return false
}

// meaningOf reads a column's name and the unit that it names: 支付金额（万元）, 金额(单位:元), 金额万元. A unit that is none of money, such as 万平方米, makes it no
// amount.
func meaningOf(as As, name string) (meaning, Unit, bool) {
	s := strings.Trim(squeeze(name), "*:")
	if s == "" || len(s) > 120 {
		return meaning{}, "", false
	}
	names := known.meanings[as]
	if m, ok := names[s]; ok {
		return m, "", true
	}
	bare, unit, other := unbracketed(s)
	if m, ok := names[strings.Trim(bare, "*:")]; ok {
		if other && isMoney(m.role) {
			return meaning{}, "", false
		}
		return m, unit, true
	}
	for _, n := range unitNames {
		if rest, ok := strings.CutSuffix(bare, n.name); ok && unit == "" {
			if m, ok := names[strings.Trim(rest, "*:-/,")]; ok && isMoney(m.role) {
				return m, n.unit, true
			}
		}
	}
	return meaning{}, "", false
}

// isMoney reports whether a role is an amount.
func isMoney(r Role) bool {
	switch r {
	case "amount", "original", "supplementary", "in", "out", "balance":
		return true
	}
	return false
}

// otherUnits are units that are none of the fund's money.
var otherUnits = []string{"%", "平方米", "亩", "吨", "美元", "户", "家", "个", "人", "项"}

// unbracketed leaves out what stands in brackets and reads the unit in it. other says that it is a unit of something else.
func unbracketed(s string) (bare string, unit Unit, other bool) {
	var b strings.Builder
	for len(s) > 0 {
		open := strings.IndexAny(s, "([【")
		if open < 0 {
			break
		}
		end := strings.IndexAny(s[open:], ")]】")
		if end < 0 {
			break
		}
		inside := s[open+len(firstRune(s[open:])) : open+end]
		b.WriteString(s[:open])
		s = s[open+end:]
		s = s[len(firstRune(s)):]
		inside = strings.TrimPrefix(strings.TrimPrefix(inside, "单位:"), "unit:")
		switch u := parseUnit(inside); {
		case u != "":
			unit = u
		case slices.ContainsFunc(otherUnits, func(u string) bool { return strings.HasSuffix(inside, u) }):
			other = true
		}
	}
	b.WriteString(s)
	return b.String(), unit, other
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// saidUnit reads a statement of the unit above a table, such as 单位：万元 or 金额单位：人民币元.
func saidUnit(s string) Unit {
	s = squeeze(s)
	for _, word := range []string{"单位:", "unit:", "unitofaccount:", "amountsin", "单位为", "计量单位"} {
		i := strings.Index(s, word)
		if i < 0 {
			continue
		}
		rest := strings.TrimLeft(s[i+len(word):], ":")
		rest, _, _ = strings.Cut(strings.NewReplacer(")", "|", "]", "|", ";", "|", ",", ",").Replace(rest), "|")
		if u := parseUnit(rest); u != "" {
			return u
		}
		for _, n := range unitNames {
			if after, ok := strings.CutPrefix(rest, n.name); ok && !unicode.IsLetter([]rune(after)[0]) {
				return n.unit
			}
		}
	}
	for _, n := range unitNames { // (万元) alone
		if s == "("+n.name+")" || s == "["+n.name+"]" {
			return n.unit
		}
	}
	return ""
}
