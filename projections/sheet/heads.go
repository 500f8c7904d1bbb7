package sheet

import (
	"slices"

	"github.com/clipperhouse/displaywidth"
)

// heads are the headings that stand over several columns where a format can merge cells: the budget, what was spent of it, what became of the rest.
var heads = map[string]string{
	"original": "budget", "supplementary": "budget", "reallocated": "budget", "carried_in": "budget", "adjusted": "budget",
	"disbursed": "spending", "returned": "spending", "spent": "spending", "rate": "spending",
	"committed": "rest", "lapsed": "rest", "carried_out": "rest", "available": "rest",
	"0-30": "age", "31-90": "age", "91-180": "age", "181-365": "age", "over-365": "age",
}

// A span is neighbouring columns under one heading. One column alone has none over its own.
type span struct {
	at, n int // places among the columns that are shown
	head  string
}

// spans returns the upper row of a table's heading, and whether it has two rows at all.
func (l *layout) spans() (out []span, two bool) {
	group := func(at int) string {
		if i := l.columns[at]; i != numbers {
			return heads[l.t.Columns[i].Name]
		}
		return ""
	}
	for at := 0; at < len(l.columns); {
		n := 1
		for g := group(at); g != "" && at+n < len(l.columns) && group(at+n) == g; n++ {
		}
		s := span{at: at, n: n}
		if n > 1 {
			s.head, two = Catalogue.Say(l.o.Lang, "heads."+group(at), nil), true
		}
		out = append(out, s)
		at += n
	}
	return out, two
}

// right reports whether the cells of a column that is shown are numbers, which stand at its right.
func (l *layout) right(at int) bool {
	i := l.columns[at]
	return i != numbers && l.t.Columns[i].Right
}

// wide reports whether a table is too wide for a page that stands upright: A4 takes about so many characters of a size that can be read.
func (l *layout) wide() bool {
	const upright = 92
	width := 0
	for _, w := range l.widths {
		width += min(w, columnMost) + 2
	}
	return width > upright
}

// columnMost is the width at which the text of a cell begins another line, counted as [displaywidth] does.
const columnMost = 64

// lines is how many lines a text takes in so many characters of width.
func lines(text string, width int) int {
	return max(1, (displaywidth.String(text)+width-1)/max(1, width))
}

// placed is a row on its way into a page, with what makes it look other than its neighbours.
type placed struct {
	Row
	depth int
	total bool
}

// all walks everything that stands below the heading, in the order in which people read it.
func (l *layout) all(yield func(placed) bool) {
	t := l.t
	if t.First != nil && !yield(placed{*t.First, 1, false}) {
		return
	}
	for r := range l.rows {
		if !yield(placed{r, r.Depth, false}) || l.says(r.Own) && !yield(placed{*r.Own, r.Depth + 1, false}) {
			return
		}
	}
	if t.Last != nil && !yield(placed{*t.Last, 1, false}) || t.Total == nil {
		return
	}
	if !l.says(t.Total.Own) || yield(placed{*t.Total.Own, 1, false}) {
		yield(placed{*t.Total, 1, true})
	}
}

// member returns a member of the head, and nothing where there is none of that name.
func (s *Sheet) member(name string) Cell {
	if i := slices.IndexFunc(s.Head, func(m Member) bool { return m.Name == name }); i >= 0 {
		return s.Head[i].Value
	}
	return Cell{}
}

// foot is what each page says of where its figures come from: the fund, the number of the last event that they count, and the root of the log there. It is "" for a
// sheet that is not of one log.
func (s *Sheet) foot(o Options) string {
	root := s.member("root")
	known := s.member("known_at")
	if root.Kind != Text || known.Kind != Object {
		return ""
	}
	seq := Cell{}
	for _, m := range known.Members() {
		if m.Name == "seq" {
			seq = m.Value
		}
	}
	return visible(s.plain(Say("page.foot", Member{"fund", s.member("fund")}, Member{"seq", seq}, Member{"root", root}), o, style{}), "")
}
