package sheet

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"fundledger/events/words"
)

// WriteCSV writes the main table of a sheet with its total. In English the first row has the names that JSON has, so that a program finds a column under
// one name; in Chinese it has headings. Null is an empty cell.
func WriteCSV(w io.Writer, s *Sheet, o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	if !o.headed { // without the mark a Chinese spreadsheet takes the file for GB18030
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	t := s.Tables[0]
	l := &layout{s: s, t: t, o: o, st: style{said: map[string]string{}}}
	for i := range t.Columns {
		l.columns = append(l.columns, i)
	}
	for row := range t.Rows {
		l.add(row)
	}
	var notes []string
	if !o.stream {
		notes = l.rounding()
	}

	var head, constant []string
	column := func(name, value string) {
		head, constant = append(head, s.csvHead(o, name)), append(constant, value)
	}
	for _, c := range t.Columns {
		head = append(head, s.csvHead(o, c.Name))
	}
	for _, m := range slices.Concat(s.Head, s.Foot) {
		if m.Value.Kind == Object { // a place in the log
			for _, k := range m.Value.Members() {
				name := m.Name
				switch {
				case k.Name == "seq":
				case name == "from":
					name = "from_recorded"
				default:
					name = k.Name
				}
				column(name, s.csvCell(k.Value, l))
			}
			continue
		}
		name := m.Name
		if name == "basis" { // a payment has a basis of its own
			name = "basis_shown"
		}
		column(name, s.csvCell(m.Value, l))
	}
	if !s.NoMoney {
		column("counted_in", s.unitName(o))
	}
	if len(notes) > 0 {
		head = append(head, s.csvHead(o, "note"))
	}
	if !o.headed {
		if err := out.Write(head); err != nil {
			return err
		}
	}
	record := make([]string, 0, len(head))
	write := func(row Row, note string) error {
		record = record[:0]
		for i := range t.Columns {
			record = append(record, s.csvCell(row.Cells[i], l))
		}
		record = append(record, constant...)
		if len(notes) > 0 {
			record = append(record, note)
		}
		return out.Write(record)
	}
	for row := range t.Rows {
		if err := write(row, ""); err != nil {
			return err
		}
	}
	if t.Total != nil {
		if err := write(*t.Total, strings.Join(notes, "; ")); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (s *Sheet) csvHead(o Options, name string) string {
	if o.Lang == words.English {
		return name
	}
	return s.heading(o.Lang, name)
}

func (s *Sheet) csvCell(c Cell, l *layout) string {
	text := visible(s.plain(c, l.o, l.st), "\t\n\r")
	switch c.Kind {
	case Integer, Amount, Percent, Decimal: // our own numbers, the negative ones too
		return text
	case List:
		parts := make([]string, len(c.Cells()))
		for i, part := range c.Cells() {
			parts[i] = strings.TrimPrefix(s.csvCell(part, l), "'")
		}
		return guarded(strings.Join(parts, "; "))
	case Code:
		if l.o.Lang != words.English { // as the headings: names for programs in English, words in Chinese
			return s.term(c, l.o.Lang, l.st)
		}
	}
	return guarded(text)
}

// guarded puts an apostrophe before text that a spreadsheet would take for a formula (OWASP, "CSV Injection"), full-width signs included, which
// East Asian versions take for the narrow ones.
func guarded(text string) string {
	if text != "" && strings.ContainsRune("=+-−@\t\r\n＝＋－＠", []rune(text[:min(len(text), 4)])[0]) {
		return "'" + text
	}
	return text
}
