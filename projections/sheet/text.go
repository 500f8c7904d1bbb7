package sheet

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/clipperhouse/displaywidth"
)

const nothing = "–"

// WriteText writes a sheet for a terminal. A line's width is counted in the cells that its characters take there, by grapheme and the same in
// every locale.
func WriteText(w io.Writer, s *Sheet, o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	line := func(text string) {
		// bufio keeps the first error, and Flush returns it
		_, _ = out.WriteString(strings.TrimRight(text, " "))
		_ = out.WriteByte('\n')
	}
	st := style{null: nothing, thousands: true, percent: "%", people: true, indent: "  ", said: map[string]string{}}
	line(visible(s.plain(Say("title."+s.Name, s.Title...), o, st), ""))
	for _, f := range s.Face {
		line(visible(s.plain(f, o, st), ""))
	}
	if !s.NoMoney {
		line(s.Counted(o))
	}
	for i, t := range s.Tables {
		if t.silent() && i > 0 {
			continue
		}
		line("")
		if i > 0 {
			line(Catalogue.Say(o.Lang, "table."+t.Name, nil))
		}
		if t.silent() {
			line(Catalogue.Say(o.Lang, "table.empty", nil))
			continue
		}
		l := layout{s: s, t: t, o: o, st: st}
		l.measure()
		l.write(line)
		for _, note := range l.rounding() {
			line(visible(note, ""))
		}
	}
	return out.Flush()
}

// A layout is a table on its way to columns of one width.
type layout struct {
	s       *Sheet
	t       *Table
	o       Options
	st      style
	columns []int // those that are shown
	heads   [][]string
	widths  []int

	// The check of printed sums: for each depth the row that was last seen there, and what the rows below it add up to as printed.
	above []parent
	off   []Cell
}

type parent struct {
	row   Row
	sums  []int64
	below int
}

func (l *layout) measure() {
	t := l.t
	if t.Text == nil {
		for i := range t.Columns {
			l.columns = append(l.columns, i)
		}
	}
	for _, name := range t.Text {
		if i := t.Column(name); i >= 0 {
			l.columns = append(l.columns, i)
		}
	}
	l.number()
	l.widths = make([]int, len(l.columns))
	height := 0
	for at, i := range l.columns {
		head := l.wrap(l.heading(i))
		l.heads = append(l.heads, head)
		height = max(height, len(head))
		for _, part := range head {
			l.widths[at] = max(l.widths[at], displaywidth.String(part))
		}
	}
	for at, head := range l.heads { // headings stand on the row above the cells
		l.heads[at] = append(make([]string, height-len(head)), head...)
	}
	widen := func(row Row, depth int) {
		for at, i := range l.columns {
			l.widths[at] = max(l.widths[at], displaywidth.String(l.cell(row, i, depth)))
		}
	}
	for row := range l.rows {
		l.add(row)
		widen(row, row.Depth)
		if row.Own != nil {
			widen(*row.Own, row.Depth+1)
		}
	}
	for _, r := range []*Row{t.First, t.Last} {
		if r != nil {
			widen(*r, 1)
		}
	}
	if t.Total != nil {
		widen(*t.Total, 1)
		if t.Total.Own != nil {
			widen(*t.Total.Own, 1)
		}
	}
}

// wrap breaks a long heading into lines, so that columns are not wider than their cells.
func (l *layout) wrap(head string) []string {
	const most = 14
	if l.o.Lang == words.Chinese || displaywidth.String(head) <= most {
		return []string{head}
	}
	var lines []string
	for word := range strings.FieldsSeq(head) {
		if n := len(lines); n > 0 && displaywidth.String(lines[n-1]+" "+word) <= most {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// cell is what a cell looks like in a text that has nothing but blanks to indent by.
func (l *layout) cell(row Row, i, depth int) string {
	return strings.Repeat(l.st.indent, l.level(i, depth)) + l.content(row, i)
}

// level is how far a cell is indented: the column called name by its depth, and the first of a nested table.
func (l *layout) level(i, depth int) int {
	if depth > 1 && i != numbers && (l.t.Columns[i].Name == "name" || l.t.Nested != "" && i == l.columns[0]) {
		return depth - 1
	}
	return 0
}

// content is what a cell looks like.
func (l *layout) content(row Row, i int) string {
	if i == numbers {
		return row.number
	}
	c := row.Cells[i]
	switch {
	case c.Kind == Seqs:
		return ranges(c.Seqs(), 6)
	case c.Kind == Absent && l.t.Columns[i].Name == "name": // the total has no name of its own
		return Catalogue.Say(l.o.Lang, "row.total", nil)
	}
	return visible(l.s.plain(c, l.o, l.st), "")
}

func (l *layout) write(line func(string)) {
	put := func(cells func(at, i int) string) {
		var b strings.Builder
		for at, i := range l.columns {
			if at > 0 {
				b.WriteString("  ")
			}
			text := cells(at, i)
			pad := strings.Repeat(" ", max(0, l.widths[at]-displaywidth.String(text)))
			if i != numbers && l.t.Columns[i].Right {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
		}
		line(b.String())
	}
	rule := func() { put(func(at, _ int) string { return strings.Repeat("-", l.widths[at]) }) }
	row := func(r Row, depth int) { put(func(_, i int) string { return l.cell(r, i, depth) }) }
	for n := range l.heads[0] {
		put(func(at, _ int) string { return l.heads[at][n] })
	}
	rule()
	empty := true
	if l.t.First != nil {
		row(*l.t.First, 1)
	}
	for r := range l.rows {
		empty = false
		row(r, r.Depth)
		if l.says(r.Own) {
			row(*r.Own, r.Depth+1)
		}
	}
	if l.t.Last != nil {
		row(*l.t.Last, 1)
	}
	if l.t.Total != nil {
		if l.says(l.t.Total.Own) {
			empty = false
			row(*l.t.Total.Own, 1)
		}
		if !empty {
			rule()
		}
		row(*l.t.Total, 1)
	}
}

// says reports whether a group's own part has anything in the columns that are shown.
func (l *layout) says(own *Row) bool {
	return own != nil && slices.ContainsFunc(l.columns, func(i int) bool { return i != numbers && own.Cells[i].Kind == Amount && own.Cells[i].n != 0 })
}

// add takes a row into the check of printed sums. Rows come in the order of the tree.
func (l *layout) add(row Row) {
	if l.t.Total == nil && l.t.Nested == "" || l.o.Unit == Yuan {
		return
	}
	depth := max(1, row.Depth)
	if len(l.above) == 0 {
		if l.t.Total != nil {
			l.above = []parent{l.parentOf(*l.t.Total)}
		} else { // heads add up to nothing
			l.above = []parent{{}}
		}
	}
	for len(l.above) > depth {
		l.close()
	}
	l.count(&l.above[len(l.above)-1], row)
	l.above = append(l.above, l.parentOf(row))
}

func (l *layout) parentOf(row Row) parent {
	p := parent{row: row, sums: make([]int64, len(l.columns))}
	if row.Own != nil {
		l.count(&p, *row.Own)
		p.below = 0 // a row with nothing below but its own part is not a group that a reader adds up
	}
	return p
}

func (l *layout) count(p *parent, row Row) {
	if p.sums == nil {
		return
	}
	p.below++
	for at, i := range l.columns {
		if i == numbers {
			continue
		}
		if c := row.Cells[i]; c.Kind == Amount && l.t.Columns[i].Sums {
			n, _ := l.o.Unit.printed(events.Minor(c.n), int(c.decimals))
			p.sums[at] += n
		}
	}
}

// close compares a group, as printed, with what the rows below it add up to, as printed.
func (l *layout) close() {
	p := l.above[len(l.above)-1]
	l.above = l.above[:len(l.above)-1]
	if p.below == 0 {
		return
	}
	for at, i := range l.columns {
		if i == numbers {
			continue
		}
		c := p.row.Cells[i]
		if c.Kind != Amount || !l.t.Columns[i].Sums {
			continue
		}
		n, places := l.o.Unit.printed(events.Minor(c.n), int(c.decimals))
		if n == p.sums[at] {
			continue
		}
		text := func(n int64) Cell { return Words(events.Minor(n).Format(places)) }
		l.off = append(l.off, Say("note.rounding",
			Member{"line", l.place(p.row)}, Member{"column", Words(heading(l.o.Lang, l.t.Columns[i].Name))},
			Member{"total", text(n)}, Member{"sum", text(p.sums[at])}, Member{"difference", text(n - p.sums[at])}))
	}
}

// place is what a row is called: its first cell, and that of its line after the value of its group, or of its measure after its line.
func (l *layout) place(row Row) Cell {
	if !l.t.Grouped && l.t.Nested == "" {
		return row.Cells[0]
	}
	st := style{people: true}
	return Words(strings.TrimSpace(l.s.plain(row.Cells[0], l.o, st) + " " + l.s.plain(row.Cells[1], l.o, st)))
}

// rounding returns the notes on columns that do not add up as printed, those of the total first.
func (l *layout) rounding() []string {
	for len(l.above) > 0 {
		l.close()
	}
	slices.Reverse(l.off) // groups close before what they are part of
	var notes []string
	for _, n := range l.off {
		notes = append(notes, l.s.plain(n, l.o, l.st))
	}
	return notes
}
