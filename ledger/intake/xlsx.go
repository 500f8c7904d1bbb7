package intake

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fundledger/events"
)

// maxColumns is how many columns a sheet can have.
const maxColumns = 16384

// A workbook is the parts of an XLSX file that its sheets need.
type workbook struct {
	file    *File
	parts   map[string]*zip.File
	strings []string
	styles  *styles
	from04  bool // days are counted from 1904
}

func (f *File) openXLSX() error {
	z, err := zip.NewReader(f.source, f.size)
	if err != nil {
		return f.wrong("file-damaged")
	}
	w := &workbook{file: f, parts: map[string]*zip.File{}}
	for _, part := range z.File {
		w.parts[strings.TrimPrefix(strings.ReplaceAll(part.Name, `\`, "/"), "/")] = part
	}
	if w.parts["EncryptedPackage"] != nil {
		return f.wrong("file-password")
	}
	root := "xl/workbook.xml"
	if rels, err := w.relations(""); err == nil {
		for _, r := range rels {
			if strings.HasSuffix(r.kind, "/officeDocument") {
				root = r.target
			}
		}
	}
	book, err := w.part(root)
	if err != nil {
		if w.parts["content.xml"] != nil || w.parts["word/document.xml"] != nil { // LibreOffice's own format, Word
			return f.wrong("file-other")
		}
		return err
	}
	rels, err := w.relations(root)
	if err != nil {
		return err
	}
	w.styles = &styles{}
	for _, r := range rels {
		switch {
		case strings.HasSuffix(r.kind, "/sharedStrings"):
			part, err := w.part(r.target)
			if err != nil {
				return err
			}
			w.strings = sharedStrings(part)
		case strings.HasSuffix(r.kind, "/styles"):
			part, err := w.part(r.target)
			if err != nil {
				return err
			}
			w.styles = parseStyles(part)
		}
	}
	f.styles = w.styles
	t := newTags(book)
	for t.next() {
		switch {
		case t.open && t.name == "workbookPr":
			w.from04 = isTrue(t.attr("date1904"))
		case t.open && t.name == "sheet":
			s := &Sheet{Name: t.attr("name"), Hidden: t.attr("state") != "" && t.attr("state") != "visible"}
			id := t.related()
			i := slices.IndexFunc(rels, func(r relation) bool { return r.id == id })
			if i < 0 || !strings.HasSuffix(rels[i].kind, "/worksheet") { // a sheet that is a chart
				continue
			}
			if err := w.sheet(s, rels[i].target); err != nil {
				return err
			}
			f.Sheets = append(f.Sheets, s)
		}
	}
	if len(f.Sheets) == 0 {
		return f.wrong("file-damaged")
	}
	return nil
}

func isTrue(s string) bool { return s == "1" || s == "true" }

// suspicious is how many bytes a part may have whatever it was packed to. Registers are packed to a tenth or a thirtieth; what is larger than this and packed to less than a
// two-hundredth was made to fill the memory.
const suspicious = 256 << 20

// part unpacks a part. One that is larger than [MaxSheet] is refused, whatever the file says of its size.
func (w *workbook) part(name string) ([]byte, error) {
	part := w.parts[name]
	if part == nil {
		return nil, w.file.wrong("file-damaged")
	}
	tooLarge := &events.Error{Code: events.TooLarge, Why: "file", Args: events.Args{"value": w.file.Name}}
	if part.UncompressedSize64 > MaxSheet || part.UncompressedSize64 > suspicious && part.UncompressedSize64/200 > part.CompressedSize64 {
		return nil, tooLarge
	}
	r, err := part.Open()
	if err != nil {
		return nil, w.file.wrong("file-damaged")
	}
	defer r.Close()
	b := bytes.NewBuffer(make([]byte, 0, min(part.UncompressedSize64, 256<<20)+bytes.MinRead)) // what the file says, where that is no lie of a small one
	if _, err := io.Copy(b, io.LimitReader(r, MaxSheet+1)); err != nil {
		return nil, w.file.wrong("file-damaged")
	}
	if b.Len() > MaxSheet {
		return nil, tooLarge
	}
	if bytes.HasPrefix(b.Bytes(), []byte("\xFF\xFE")) || bytes.HasPrefix(b.Bytes(), []byte("\xFE\xFF")) {
		return nil, w.file.wrong("file-damaged") // no program writes UTF-16 there
	}
	return b.Bytes(), nil
}

// A relation leads from one part to another.
type relation struct{ id, kind, target string }

// relations are those of a part, "" for the file's own.
func (w *workbook) relations(of string) (out []relation, err error) {
	dir, base := path.Split(of)
	b, err := w.part(dir + "_rels/" + base + ".rels")
	if err != nil {
		return nil, err
	}
	for t := newTags(b); t.next(); {
		if t.open && t.name == "Relationship" {
			target := t.attr("Target")
			if strings.HasPrefix(target, "/") {
				target = target[1:]
			} else {
				target = path.Join(dir, target)
			}
			out = append(out, relation{t.attr("Id"), t.attr("Type"), target})
		}
	}
	return out, nil
}

// sharedStrings reads the texts that cells refer to. How a name is read aloud (rPh) is none of the text.
func sharedStrings(b []byte) (out []string) {
	var text []byte
	aloud := false
	for t := newTags(b); t.next(); {
		switch {
		case t.name == "rPh":
			aloud = t.open && !t.empty
		case t.name == "si" && t.open && !t.empty:
			text = text[:0]
		case t.name == "t" && !t.open && !aloud:
			text = append(text, unescaped(t.text)...)
		}
		if t.name == "si" && (!t.open || t.empty) {
			if t.empty {
				text = text[:0]
			}
			out = append(out, plainText(text))
		}
	}
	return out
}

// plainText is a text of a workbook, in which a character that XML cannot hold is written _x000D_.
func plainText(b []byte) string {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	if !bytes.Contains(b, []byte("_x")) {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if len(b) >= 7 && b[0] == '_' && b[1] == 'x' && b[6] == '_' {
			if n, err := strconv.ParseUint(string(b[2:6]), 16, 16); err == nil {
				out, b = append(out, string(rune(n))...), b[7:]
				continue
			}
		}
		out, b = append(out, b[0]), b[1:]
	}
	return string(out)
}

// sheet prepares a sheet for reading.
func (w *workbook) sheet(s *Sheet, target string) error {
	part := w.parts[target]
	if part == nil {
		return w.file.wrong("file-damaged")
	}
	s.size = int64(min(part.UncompressedSize64, MaxSheet))
	var data []byte
	s.rows = func(yield func(*Row, error) bool) {
		if data == nil {
			b, err := w.part(target)
			if err != nil {
				yield(nil, err)
				return
			}
			data = b
			s.Merges = merges(b)
		}
		w.walk(s, data, yield)
	}
	return nil
}

// merges reads the areas that are one cell each. They stand behind the rows.
func merges(b []byte) (out []Area) {
	from := max(0, bytes.LastIndex(b, []byte("sheetData")))
	for t := newTags(b[from:]); t.next(); {
		if !t.open || t.name != "mergeCell" {
			continue
		}
		first, last, _ := strings.Cut(t.attr("ref"), ":")
		left, top, ok1 := place(first)
		right, bottom, ok2 := place(last)
		if ok1 && ok2 && left <= right && top <= bottom {
			out = append(out, Area{left, top, right, bottom})
		}
	}
	slices.SortFunc(out, func(a, b Area) int { return a.Top - b.Top })
	return out
}

// place reads a cell's name, such as B7, as its column and row from 0.
func place(s string) (column, row int, ok bool) {
	i := 0
	for ; i < len(s) && s[i] >= 'A' && s[i] <= 'Z' && i < 3; i++ {
		column = column*26 + int(s[i]-'A') + 1
	}
	for _, c := range []byte(s[i:]) {
		if c < '0' || c > '9' || row > 1<<24 {
			return 0, 0, false
		}
		row = row*10 + int(c-'0')
	}
	return column - 1, row - 1, i > 0 && row > 0 && column <= maxColumns
}

// columnName is a column's name in letters, counted from 0.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// walk yields the rows of a sheet. What merged areas cover is told apart; in the first column of one the text of its first cell stands in each of its rows.
func (w *workbook) walk(s *Sheet, data []byte, yield func(*Row, error) bool) {
	t := newTags(data)
	var row Row
	areas := s.Merges // those that begin further down
	type running struct {
		Area
		first Cell
	}
	var now []running
	for t.next() {
		if t.name == "sheetData" && !t.open {
			return
		}
		if t.name != "row" || !t.open {
			continue
		}
		n := row.Number + 1
		if at := t.attr("r"); at != "" {
			given, err := strconv.Atoi(at)
			if err != nil || given < 1 || given > 1<<21 {
				yield(nil, w.file.wrong("file-damaged"))
				return
			}
			n = given
		}
		row = Row{Number: n, Cells: row.Cells[:0], Hidden: isTrue(t.attr("hidden"))}
		if !t.empty {
			if !w.cells(t, &row) {
				yield(nil, w.file.wrong("file-damaged"))
				return
			}
		}
		row.at = int64(len(data) - len(t.rest))
		for len(areas) > 0 && areas[0].Top < row.Number {
			now = append(now, running{Area: areas[0]})
			areas = areas[1:]
		}
		kept := now[:0]
		for _, a := range now {
			if a.Bottom < row.Number-1 {
				continue
			}
			if a.Top == row.Number-1 && a.Left < len(row.Cells) {
				a.first = row.Cells[a.Left]
			}
			for i := a.Left; i <= a.Right && i < maxColumns; i++ {
				if i == a.Left && a.Top == row.Number-1 {
					continue
				}
				for i >= len(row.Cells) {
					row.Cells = append(row.Cells, Cell{})
				}
				covered := Cell{Merged: true}
				if i == a.Left {
					covered.Text, covered.Kind, covered.Unit, covered.style = a.first.Text, a.first.Kind, a.first.Unit, a.first.style
				}
				row.Cells[i] = covered
			}
			kept = append(kept, a)
		}
		now = kept
		if !yield(&row, nil) {
			return
		}
	}
}

// cells reads the cells of the row that has been opened, and reports whether the row ends.
func (w *workbook) cells(t *tags, row *Row) bool {
	next := 0
	for t.next() {
		switch {
		case t.name == "row" && !t.open:
			return true
		case t.name != "c" || !t.open:
			continue
		}
		at, style, kind := next, 0, ""
		for b := t.attrs; ; {
			key, value, rest, ok := cutAttr(b)
			if !ok {
				break
			}
			b = rest
			switch string(key) {
			case "r":
				column, _, ok := place(string(value))
				if !ok {
					return false
				}
				at = column
			case "s":
				style, _ = strconv.Atoi(string(value))
			case "t":
				kind = cellType(value)
			}
		}
		if at >= maxColumns {
			return false
		}
		next = at + 1
		c := Cell{style: style}
		if !t.empty {
			var ok bool
			if c, ok = w.cell(t, kind, style); !ok {
				return false
			}
		}
		for at >= len(row.Cells) {
			row.Cells = append(row.Cells, Cell{})
		}
		row.Cells[at] = c
	}
	return false
}

// cellType avoids a new string for each cell.
func cellType(b []byte) string {
	switch string(b) {
	case "s":
		return "s"
	case "inlineStr":
		return "inlineStr"
	case "n":
		return "n"
	}
	return string(b)
}

// cell reads what stands in a cell that has been opened, up to its end.
func (w *workbook) cell(t *tags, kind string, style int) (c Cell, ok bool) {
	var value, inline []byte
	formula, aloud := false, false
	for t.next() {
		switch {
		case t.name == "c" && !t.open:
			c = w.valued(kind, value, inline, formula, style)
			c.style = style
			return c, true
		case t.name == "f" && t.open:
			formula = true
		case t.name == "v" && !t.open:
			value = unescaped(t.text)
		case t.name == "rPh":
			aloud = t.open && !t.empty
		case t.name == "t" && !t.open && !aloud:
			if part := unescaped(t.text); inline == nil {
				inline = part[:len(part):len(part)] // of the sheet itself, which the next part must not write into
			} else {
				inline = append(inline, part...)
			}
		case t.name == "row": // the cell never ended
			return c, false
		}
	}
	return c, false
}

func (w *workbook) valued(kind string, value, inline []byte, formula bool, style int) Cell {
	text := func(s string) Cell {
		if s == "" {
			return Cell{}
		}
		return Cell{Kind: TextCell, Text: s, Negative: w.styles.of(style).red}
	}
	switch kind {
	case "s":
		i, err := strconv.Atoi(string(value))
		if err != nil || i < 0 || i >= len(w.strings) {
			return Cell{Kind: ErrorCell, Text: string(value)}
		}
		return text(w.strings[i])
	case "inlineStr":
		return text(plainText(inline))
	case "str":
		if len(value) == 0 && formula {
			return Cell{Kind: UnknownValue}
		}
		return text(plainText(value))
	case "e":
		return Cell{Kind: ErrorCell, Text: plainText(value)}
	case "b":
		return Cell{Kind: TruthCell, Text: string(value)}
	case "d":
		return text(string(value))
	}
	if len(value) == 0 {
		if formula {
			return Cell{Kind: UnknownValue}
		}
		return Cell{}
	}
	return w.numbered(string(value), style)
}

// numbered is a cell that holds a number, which its format may make a date.
func (w *workbook) numbered(raw string, style int) Cell {
	st := w.styles.of(style)
	c := Cell{Kind: NumberCell, Text: raw, Unit: st.unit, divided: st.divided, from04: w.from04}
	if st.date != noDate {
		if day, ok := w.serial(raw); ok {
			c.Kind, c.Text = DateCell, day.String()[:st.date]
			return c
		}
	}
	if st.pad > 0 && isDigits(raw) && len(raw) < st.pad {
		c.Text = strings.Repeat("0", st.pad-len(raw)) + raw
	}
	c.Negative = st.red || st.minus
	return c
}

func (w *workbook) serial(raw string) (events.Day, bool) {
	whole, _, _ := strings.Cut(raw, ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return 0, false
	}
	return serialDay(n, w.from04)
}

// serialDay is the day that a spreadsheet counts as n. Those from 1900 count a 29 February 1900 that there was not.
func serialDay(n int, from04 bool) (events.Day, bool) {
	const day1899, day1904 = -25568, -24107 // 1899-12-31 and 1904-01-01
	switch {
	case n < 1 || n > 2_900_000 || n == 60 && !from04:
		return 0, false
	case from04:
		return events.Day(day1904 + n), true
	case n < 60:
		return events.Day(day1899 + n), true
	}
	return events.Day(day1899 + n - 1), true
}
