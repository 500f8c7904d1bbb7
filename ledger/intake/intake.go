// Package intake turns registers and statements as people keep them, CSV and XLSX, and a bank's camt.053 into commands. It knows no decider and no stream: whoever uses
// it hands it what it has to know of the fund ([Facts]) and gets commands as JSON, one row after the other.
//
//	file ─▶ sheets of rows of cells ─▶ layout: header, columns, units ─▶ rows ─▶ commands
//	Open    csv.go, xlsx.go, camt.go   header.go, or a Mapping            Plan    [Item]
//
// What it holds to:
//
//   - An amount is read exactly or its row is refused; nothing is rounded, and no unit is guessed ([File.Plan] asks for it).
//   - A merged cell is one value. Texts reach down a vertical merge, amounts never.
//   - No row is left out silently: each is a command, a refusal, or one that is passed over for a reason that can be shown.
//   - Totals printed in the file are held against its rows before anything is posted.
//   - A negative amount is never a negative payment: its row asks which payment it takes back.
//   - Equal rows of any file give equal commands, with ids that their content and their place among equal ones give, so nothing is posted twice. What a file prints besides, as
//     the unit, is kept (as_printed) only beside a voucher, which tells rows apart by itself.
//
// The names of columns, and the words for totals, channels and so on stand in columns.json and terms.json, which a translator can edit. What is said of a row stands in the words of events.
package intake

import (
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
)

// Options say how a file is to be read. The zero value of a field leaves it to the file.
type Options struct {
	As As
	// Fund is required.
	Fund events.Fund
	// Sheet is the only one to read.
	Sheet string
	// Unit is what columns of money count in that do not say so themselves.
	Unit Unit
	// Dates says how 04/05/2022 is meant.
	Dates DateOrder
	// Map is a layout to go by; nil looks for one.
	Map *Mapping
	// Fixed are values that hold for every row, as in a mapping; these come first.
	Fixed map[Role]string
	// Open makes a budget open its year.
	Open bool
	// Name is what the year that is opened is called; the title of the file where it is "".
	Name string
	// NoVoucher leaves vouchers out, of which the file has the numbers alone.
	NoVoucher bool
}

// Facts are what has to be known of a fund.
type Facts struct {
	// Name is what the fund was called last.
	Name string
	// Currency is the fund's, ISO 4217; "" where it is not known.
	Currency string
	// Decimals are how many digits the currency has after the point.
	Decimals int
	Years    []YearFacts
	// Payments are the fund's standing payments, asked for when a row speaks of one.
	Payments func() ([]Payment, error)
}

// YearFacts are an open year's.
type YearFacts struct {
	Year   events.Year
	Closed bool
	Lines  []LineFacts
}

// LineFacts are a line's. The root is none.
type LineFacts struct {
	Code, Parent events.Line
	Name, NameEn string
	Leaf         bool
}

// A Payment is one that stands, on one line.
type Payment struct {
	Seq          events.Seq
	Year         events.Year
	Line         events.Line
	Date         string
	Amount, Left events.Minor
	Channel      events.Channel
	Payee        string
	PayeeID      string
	Voucher      string // its number
	District     string
	// Row is where it stands in the file being read, where it comes from that; Seq is 0 until it is stored.
	Row int
}

func number[T ~int | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func (f *Facts) year(y events.Year) *YearFacts {
	i := slices.IndexFunc(f.Years, func(of YearFacts) bool { return of.Year == y })
	if i < 0 {
		return nil
	}
	return &f.Years[i]
}

// onlyYear is the year that rows are charged to where nobody says one: the only one that is open and not closed.
func (f *Facts) onlyYear() events.Year {
	only := events.Year(0)
	for _, y := range f.Years {
		if y.Closed {
			continue
		}
		if only != 0 {
			return 0
		}
		only = y.Year
	}
	return only
}

// An ItemKind says what became of a row.
type ItemKind uint8

// The kinds of items.
const (
	Commands ItemKind = iota // the row is one command or several
	Refusal                  // it cannot be read; Err says why
	Passed                   // it is none of the register's: Why says what it is
)

// An Item is what became of one row.
type Item struct {
	Sheet string
	Row   int
	Kind  ItemKind
	// Commands are JSON objects, each with an id where the file gives one.
	Commands [][]byte
	Err      error
	// Why says what a row is that was passed over: total, heading, foot, void, zero, merged.
	Why string

	// What the row says, as far as it could be read, to be shown.
	Command string // the kind of its commands, where there are some
	Amount  Money
	Amounts []Money // of each command, where there are several
	Year    events.Year
	Line    string
	Payee   string
	Date    string
	// Negative is set where the row asks which payment it takes back.
	Negative *Payment
	// Faulty are the columns that could not be read, by their place.
	Faulty []int
}

// A Notice is something that the user should know of the file as a whole. Its words are notice.<Name>.
type Notice struct {
	Name string
	Args map[string]string
}

func rowError(code events.Code, why string, args events.Args) *events.Error {
	return &events.Error{Code: code, Why: why, Args: args}
}

// bareName is a line's name for comparing: folded, without the ordinal before it.
func bareName(s string) string {
	s = squeeze(s)
	_, rest := cutOrdinal(s)
	return rest
}

// ordinals are the signs that Chinese ordinals are written with.
const ordinals = "一二三四五六七八九十百零〇"

// cutOrdinal cuts off what numbers a heading: 一、 (level 1), （一） (2), 1. or 1、 (3), (1) (4), 1.2.3 with a space or a letter after it (by its parts). level is 0
// where there is none. s is folded.
func cutOrdinal(s string) (level int, rest string) {
	if in, ok := strings.CutPrefix(s, "("); ok {
		if end := strings.IndexByte(in, ')'); end > 0 {
			switch {
			case strings.Trim(in[:end], ordinals) == "":
				return 2, strings.TrimLeft(in[end+1:], "、.,")
			case isDigits(in[:end]):
				return 4, strings.TrimLeft(in[end+1:], "、.,")
			}
		}
		return 0, s
	}
	end := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(ordinals, r) })
	if end > 0 {
		for _, mark := range []string{"、", ".", ",", "．"} {
			if after, ok := strings.CutPrefix(s[end:], mark); ok {
				return 1, after
			}
		}
		return 0, s
	}
	end = strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end > 0 && end <= 3 {
		for _, mark := range []string{"、", ".", ",", ")"} {
			if after, ok := strings.CutPrefix(s[end:], mark); ok && after != "" && (after[0] < '0' || after[0] > '9') {
				return 3, after
			}
		}
	}
	return 0, s
}

func (y *YearFacts) has(code events.Line) bool {
	return slices.ContainsFunc(y.Lines, func(l LineFacts) bool { return l.Code == code })
}

// lineOf finds the line of a year that a code or a name means. A name is that of a line exactly, apart from its ordinal and how wide it is written; a code may stand before it.
func (y *YearFacts) lineOf(s string) (code events.Line, err *events.Error) {
	t := tidy(s)
	for i := range y.Lines {
		if string(y.Lines[i].Code) == t {
			return y.Lines[i].Code, nil
		}
	}
	want := bareName(s)
	var found []events.Line
	for i := range y.Lines {
		l := &y.Lines[i]
		name := bareName(l.Name)
		if want != "" && (want == name || l.NameEn != "" && want == bareName(l.NameEn) || squeeze(s) == squeeze(string(l.Code))+name) {
			found = append(found, l.Code)
		}
	}
	if len(found) > 1 { // a heading and the only line under it may have one name
		leaves := slices.DeleteFunc(slices.Clone(found), func(c events.Line) bool {
			return !slices.ContainsFunc(y.Lines, func(l LineFacts) bool { return l.Code == c && l.Leaf })
		})
		if len(leaves) == 1 {
			found = leaves
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", rowError(events.UnknownLine, "line-name", events.Args{"value": clip(s), "year": y.Year.String(), "lines": strings.Join(y.near(want), "、")})
	}
	var codes []string
	for _, c := range found {
		codes = append(codes, string(c))
	}
	return "", rowError(events.UnknownLine, "line-several", events.Args{"value": clip(s), "year": y.Year.String(), "lines": strings.Join(codes, "、")})
}

// near are up to three lines whose names have much of a text, the nearest first.
func (y *YearFacts) near(want string) (out []string) {
	type like struct {
		score int
		text  string
	}
	var all []like
	letters := map[rune]bool{}
	for _, r := range want {
		letters[r] = true
	}
	for i := range y.Lines {
		l := &y.Lines[i]
		score, length := 0, 0
		for _, r := range bareName(l.Name) {
			length++
			if letters[r] {
				score++
			}
		}
		if score*2 >= max(length, 1) || strings.HasPrefix(string(l.Code), want) && want != "" {
			all = append(all, like{score*100 - length, string(l.Code) + " " + clip(l.Name)})
		}
	}
	slices.SortStableFunc(all, func(a, b like) int { return b.score - a.score })
	for _, l := range all[:min(3, len(all))] {
		out = append(out, l.text)
	}
	if out == nil { // none is near: the first there are
		for i := range min(3, len(y.Lines)) {
			out = append(out, string(y.Lines[i].Code)+" "+clip(y.Lines[i].Name))
		}
	}
	return out
}
