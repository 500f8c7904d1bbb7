// Package sheet is the one table type of the read side, and its encoders.
//
// A [Sheet] is what a table, a statement or a report has found out, with everything that must stand on its face: the fund and the year, the two
// clocks, the root of the log, the basis and the denominator. It holds exact amounts and no formatted text; the encoders choose language, unit
// and layout. To the encoders every sheet is alike, so a new table needs no new encoder and a new encoder no new table.
//
//	JSON   the members of [Sheet.Head] in their order, then each table under its name: an array of objects with a member for each column, an object
//	       of objects where the table is keyed, or an array of {value, rows, total} where it is grouped; a total stands after its rows. Amounts are
//	       decimal strings in the currency's unit with exactly its decimals, rates decimal strings in percent, null is what does not exist. Never
//	       rounded, never in another unit.
//	text   for terminals: columns aligned by the width that characters take there, thousands separated, "–" for null, in the unit asked for.
//	md     a Markdown document (GitHub's tables) with the cells of text: a heading, what stands on the face as a list, tables, notes.
//	CSV    RFC 4180 in UTF-8 with a byte order mark: the main table and its total, in the unit asked for, and after its columns those that say
//	       what was asked and found (fund, year, as_of, known_at, recorded, root, basis_shown, currency, denominator,
//	       counted_in) on every row, so that a row that is cut out still says what it is.
//	html   one document that needs nothing else, with the cells of text: no script, no request, light and dark, and A4 when it is printed, where the
//	       heading of a table is repeated on each page and the event and root that it stands for are at its foot. [WriteFragment] is what it has in its body.
//	xlsx   a workbook (ECMA-376) ready for print in the same way. Each table has a worksheet of its own, as the tables of a final account have: only so
//	       can each have its widths, its frozen heading and that heading on every page. Title, face and unit stand above the table, notes below.
//
// In a workbook amounts, rates and counts are real numbers with a format that shows what text prints, and they are rounded as there: the number in the cell is the one
// that is shown, 98.07% being 0.9807. A spreadsheet keeps 15 digits of a number. One that has more as printed, such as 90,071,992,547,409.93, is text at the right
// of its cell, as is –: no digit is lost, but a formula over such cells leaves them out. All other cells are text that stays text when somebody
// edits it. Where columns of HTML and XLSX are parts of one thing, a heading stands over them all.
//
// Amounts are rounded everywhere but in JSON, half up and away from zero, and only there: a total is the rounded true total. Where the cells of a
// column as printed do not add up to it, a note says by how much (尾差).
//
// Nothing that is stored can steer a terminal, a spreadsheet or a page: control characters are shown as symbols, and in CSV text that a spreadsheet would take for a
// formula gets an apostrophe. In Markdown what would be markup is escaped, in HTML everything; in a workbook there is no formula, no link and no reference.
//
// A sheet prints no time of printing: the same question to the same log gives the same bytes.
package sheet

import (
	"iter"
	"slices"

	"fundledger/events"
)

// A Sheet is one answer of the read side.
type Sheet struct {
	// Name is the table's name on the command line, such as execution. Its title is the word title.<name>.
	Name string
	// Title are the arguments of the title.
	Title []Member
	// Head is the members that JSON begins with and CSV repeats on each row, in order.
	Head []Member
	// Face is what text prints between title and table, a line for each: sayings with everything that Head has and a reader must not miss.
	Face []Cell
	// Tables has the main table first. Text leaves out further ones that are empty.
	Tables []*Table
	// Foot is the members that JSON ends with and CSV repeats on each row after those of the head.
	Foot []Member
	// Currency and Decimals are the fund's: ISO 4217 code, digits after the point.
	Currency string
	Decimals int
	// NoMoney says that nothing on the sheet is an amount, so that no unit of money is named.
	NoMoney bool
}

// A Table is columns and rows, and maybe a total.
type Table struct {
	// Name is the member's name in JSON.
	Name    string
	Columns []Column
	// Rows may be walked several times and must give the same rows each time.
	Rows iter.Seq[Row]
	// Total has a cell for each column; nil where nothing is added up. In JSON it is the member total, and cells of the kind [Absent] are left out.
	Total *Row
	// Keyed makes JSON an object with the first column as the names of its members.
	Keyed bool
	// Text is the names of the columns that text and Markdown show, in their order; nil for all.
	Text []string
	// First and Last are what people read before the rows and after them, such as the balance that a statement begins and ends with. Programs have it
	// among the members of the head and the foot.
	First, Last *Row
	// Numbered says that the rows are a tree as officials number it: 一、 then （一） then 1. Chinese text and Markdown have that after the first column.
	Numbered bool
	// Grouped says that the table is one tree for each value of its first column: a row of depth 1 is the total of the rows after it. JSON has an object for each,
	// with value, rows and total.
	Grouped bool
	// Nested makes a row of depth 1 the head of the rows of depth 2 after it, which JSON has in a member of that name of its object: what each cell of a column
	// that sums has there adds up to the head's. "" is no such table.
	Nested string
}

// A Column is what one cell of each row says.
type Column struct {
	// Name is the member's name in JSON. Its heading is the word column.<name>, or else what events calls the measure of that name.
	Name string
	// Right aligns the cells to the right, as numbers are.
	Right bool
	// Sums says that rows add up: those of depth 1 to the total, and those below a row to that row.
	Sums bool
}

// A Row is one cell for each column.
type Row struct {
	Cells []Cell
	// Depth is how far below the total the row stands: 1 and more in a tree, where a row is followed by those below it; 1 everywhere else.
	Depth int
	// Own is the part of a group that is not split among the rows below it. Text prints it as a row of its own, since a reader who adds up the
	// rows misses it otherwise; it is nil where there is none.
	Own *Row

	number string // as officials number it
}

// Rows returns rows that stand in memory.
func Rows(rows ...Row) iter.Seq[Row] { return slices.Values(rows) }

// Columns returns columns of these names: those before the word | hold text and are aligned to the left, those after it numbers.
func Columns(names ...string) []Column {
	var out []Column
	right := false
	for _, n := range names {
		if n == "|" {
			right = !right
			continue
		}
		out = append(out, Column{Name: n, Right: right})
	}
	return out
}

// silent reports whether a table has nothing to say: no rows, and nothing beside them.
func (t *Table) silent() bool {
	for range t.Rows {
		return false
	}
	return t.Total == nil && t.First == nil && t.Last == nil
}

// Column returns the place of a column, or -1.
func (t *Table) Column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// A Member is a name with its value.
type Member struct {
	Name  string
	Value Cell
}

// A Kind is what a cell holds.
type Kind uint8

// The kinds of cells. The zero Cell is null.
const (
	Null   Kind = iota
	Absent      // left out of JSON, empty elsewhere
	Text
	Integer
	Yes // a truth value
	Amount
	Percent
	Object
	Seqs     // numbers of events, ascending
	Saying   // words that follow the language
	Local    // a name with its English one, which text shows to English readers
	Code     // a code of the vocabulary, such as lower-treasury; people read its words
	List     // several cells, in order
	UnitName // the unit of the amounts: yuan for CNY, else the currency's code; another where another was asked for
	Decimal  // a number of any unit, as exact as it stands
)

// A Cell is one value. Cells are made by the functions below.
type Cell struct {
	Kind     Kind
	decimals int8
	n        int64
	text     string
	more     *more
}

type more struct {
	members []Member
	list    []Cell
	seqs    []events.Seq
	en      string
}

// Words returns a text; the empty one is null.
func Words(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Kind: Text, text: s}
}

// Number returns an integer.
func Number[T ~int | ~int32 | ~int64 | ~uint64](n T) Cell { return Cell{Kind: Integer, n: int64(n)} }

// Truth returns a truth value.
func Truth(b bool) Cell {
	c := Cell{Kind: Yes}
	if b {
		c.n = 1
	}
	return c
}

// Money returns an amount in a currency of so many decimals.
func Money(m events.Minor, decimals int) Cell {
	return Cell{Kind: Amount, n: int64(m), decimals: int8(decimals)}
}

// Rate returns a number of percent as [events] and [Share] write it: a plain decimal; "" is null.
func Rate(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Kind: Percent, text: s}
}

// Plain returns a plain decimal of whatever unit; "" is null.
func Plain(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Kind: Decimal, text: s}
}

// Members returns an object.
func Members(ms ...Member) Cell { return Cell{Kind: Object, more: &more{members: ms}} }

// Numbers returns a list of events' numbers, which must be ascending.
func Numbers(seqs []events.Seq) Cell { return Cell{Kind: Seqs, more: &more{seqs: seqs}} }

// Say returns words of the read side by their name, with what they speak of.
func Say(name string, args ...Member) Cell {
	return Cell{Kind: Saying, text: name, more: &more{members: args}}
}

// Named returns a name that may have an English form, en. JSON and CSV have the name itself.
func Named(name, en string) Cell {
	if name == "" {
		return Cell{}
	}
	return Cell{Kind: Local, text: name, more: &more{en: en}}
}

// Term returns a code of the vocabulary. Its words are group.code in the words of this room or of events.
func Term(group, code string) Cell {
	if code == "" {
		return Cell{}
	}
	return Cell{Kind: Code, text: code, more: &more{en: group}}
}

// Titled returns an object that people read as a title.
func Titled(title string, ms ...Member) Cell {
	return Cell{Kind: Object, text: title, more: &more{members: ms}}
}

// Listed returns a list; one of nothing is there all the same.
func Listed(cells ...Cell) Cell { return Cell{Kind: List, more: &more{list: cells}} }

// MoneyUnit returns the unit in which the amounts of the sheet are given.
func MoneyUnit() Cell { return Cell{Kind: UnitName} }

// Left returns a cell that JSON leaves out.
func Left() Cell { return Cell{Kind: Absent} }

// Text returns the text of a text cell, the name of a saying or the decimal of a rate.
func (c Cell) Text() string { return c.text }

// Int returns an integer.
func (c Cell) Int() int64 { return c.n }

// Minor returns an amount in the currency's smallest unit.
func (c Cell) Minor() events.Minor { return events.Minor(c.n) }

// Decimals is how many digits an amount has after the point.
func (c Cell) Decimals() int { return int(c.decimals) }

// Members returns the members of an object or the arguments of a saying.
func (c Cell) Members() []Member {
	if c.more == nil {
		return nil
	}
	return c.more.members
}

// Cells returns what a list holds.
func (c Cell) Cells() []Cell {
	if c.more == nil {
		return nil
	}
	return c.more.list
}

// Seqs returns a list of numbers.
func (c Cell) Seqs() []events.Seq {
	if c.more == nil {
		return nil
	}
	return c.more.seqs
}
