package sheet

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"

	"fundledger/events"

	"github.com/go-json-experiment/json/jsontext"
)

// WriteJSON writes a sheet as one JSON object (RFC 8259), a line for each row. Amounts are exact whatever unit is asked for; the language
// is that of the sayings within it.
func WriteJSON(w io.Writer, s *Sheet, o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	o.Unit = Yuan
	j := &jsonWriter{w: bufio.NewWriter(w), s: s, o: o}
	j.raw("{")
	for i, m := range s.Head {
		if i > 0 {
			j.raw(",")
		}
		j.name(m.Name)
		j.cell(m.Value)
	}
	for i, t := range s.Tables {
		if i > 0 || len(s.Head) > 0 {
			j.raw(",\n ")
		}
		j.table(t)
	}
	for i, m := range s.Foot {
		if i > 0 || len(s.Tables) > 0 || len(s.Head) > 0 {
			j.raw(",")
		}
		if i == 0 {
			j.raw("\n ")
		}
		j.name(m.Name)
		j.cell(m.Value)
	}
	j.raw("}\n")
	if j.err != nil {
		return j.err
	}
	return j.w.Flush()
}

type jsonWriter struct {
	w   *bufio.Writer
	s   *Sheet
	o   Options
	b   []byte
	err error
}

func (j *jsonWriter) raw(s string) {
	if j.err == nil {
		_, j.err = j.w.WriteString(s)
	}
}

func (j *jsonWriter) text(s string) {
	j.b, _ = jsontext.AppendQuote(j.b[:0], s) // bad UTF-8, which no stored text has, becomes U+FFFD
	quoted := string(j.b)
	// What JSON lets stand but a terminal obeys is escaped: the same text, seen instead of obeyed.
	for from, r := range quoted {
		if r > 0x7e && unseen(r) {
			out := quoted[:from]
			for _, r := range quoted[from:] {
				if r > 0x7e && unseen(r) {
					for _, unit := range utf16.AppendRune(nil, r) {
						out += fmt.Sprintf(`\u%04x`, unit)
					}
				} else {
					out += string(r)
				}
			}
			quoted = out
			break
		}
	}
	j.raw(quoted)
}

func (j *jsonWriter) name(s string) {
	j.text(s)
	j.raw(":")
}

func (j *jsonWriter) table(t *Table) {
	j.name(t.Name)
	open, end := "[", "]"
	if t.Keyed {
		open, end = "{", "}"
	}
	j.raw(open)
	first := true
	rows := t.Rows
	if t.Grouped {
		j.groups(t)
		rows = Rows()
	}
	if t.Nested != "" {
		j.nested(t)
		rows = Rows()
	}
	for row := range rows {
		if !first {
			j.raw(",")
		}
		first = false
		j.raw("\n  ")
		j.row(t, row.Cells)
	}
	j.raw(end)
	if t.Total != nil {
		j.raw(",\n \"total\":")
		j.object(t.Columns, t.Total.Cells)
	}
}

// groups writes an object for each tree of a grouped table. What has no value in its dimension has null there, since any words could be a value.
func (j *jsonWriter) groups(t *Table) {
	columns := t.Columns[1:]
	var total []Cell
	end := func() {
		if total != nil {
			j.raw("],\n   \"total\":")
			j.object(columns, total)
			j.raw("}")
		}
	}
	first := true
	for row := range t.Rows {
		if row.Depth > 1 {
			if !first {
				j.raw(",")
			}
			first = false
			j.raw("\n    ")
			j.object(columns, row.Cells[1:])
			continue
		}
		end()
		if total != nil {
			j.raw(",")
		}
		first, total = true, row.Cells[1:]
		j.raw("\n  {\"value\":")
		if value := row.Cells[0]; value.Kind == Saying {
			j.raw("null")
		} else {
			j.cell(value)
		}
		j.raw(",\"rows\":[")
	}
	end()
}

// nested writes an object for each head, with the rows after it in one of its members.
func (j *jsonWriter) nested(t *Table) {
	heads, below := 0, 0
	for row := range t.Rows {
		if row.Depth > 1 {
			if below > 0 {
				j.raw(",")
			}
			below++
			j.raw("\n    ")
			j.object(t.Columns, row.Cells)
			continue
		}
		if heads > 0 {
			j.raw("]},")
		}
		heads, below = heads+1, 0
		j.raw("\n  {")
		j.inner(members(t.Columns, row.Cells))
		j.raw(",")
		j.name(t.Nested)
		j.raw("[")
	}
	if heads > 0 {
		j.raw("]}")
	}
}

func (j *jsonWriter) row(t *Table, cells []Cell) {
	if t.Keyed {
		j.name(cells[0].text)
		j.object(t.Columns[1:], cells[1:])
		return
	}
	j.object(t.Columns, cells)
}

func (j *jsonWriter) object(columns []Column, cells []Cell) {
	j.members(members(columns, cells))
}

func members(columns []Column, cells []Cell) []Member {
	out := make([]Member, len(columns))
	for i, c := range columns {
		out[i] = Member{c.Name, cells[i]}
	}
	return out
}

func (j *jsonWriter) members(ms []Member) {
	j.raw("{")
	j.inner(ms)
	j.raw("}")
}

// inner writes members without the braces about them.
func (j *jsonWriter) inner(ms []Member) {
	first := true
	for _, m := range ms {
		if m.Value.Kind == Absent {
			continue
		}
		if !first {
			j.raw(",")
		}
		first = false
		j.name(m.Name)
		j.cell(m.Value)
	}
}

func (j *jsonWriter) cell(c Cell) {
	switch c.Kind {
	case Null, Absent:
		j.raw("null")
	case Integer:
		j.raw(strconv.FormatInt(c.n, 10))
	case Yes:
		j.raw(strconv.FormatBool(c.n != 0))
	case Amount:
		j.raw(`"` + events.Minor(c.n).Format(int(c.decimals)) + `"`)
	case Object:
		j.members(c.Members())
	case UnitName:
		j.text(j.s.unitCode())
	case List:
		j.raw("[")
		for i, part := range c.Cells() {
			if i > 0 {
				j.raw(",")
			}
			j.cell(part)
		}
		j.raw("]")
	case Seqs:
		j.raw("[")
		for i, n := range c.Seqs() {
			if i > 0 {
				j.raw(",")
			}
			j.raw(n.String())
		}
		j.raw("]")
	default:
		j.text(j.s.plain(c, j.o, style{}))
	}
}
