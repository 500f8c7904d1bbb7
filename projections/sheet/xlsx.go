package sheet

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/clipperhouse/displaywidth"
	"github.com/xuri/excelize/v2"
)

// WriteXLSX writes a sheet as an Excel workbook (ECMA-376), a worksheet for each table, ready to be printed. Rows beyond what a worksheet holds go on on another.
func WriteXLSX(w io.Writer, s *Sheet, o Options) error { return writeXLSX(w, s, o, worksheetRows) }

const (
	// worksheetRows is how many rows of a table a worksheet takes: 1,048,576 is the most, with what stands above and below.
	worksheetRows = 1_000_000
	// digitsMost are the digits that a spreadsheet keeps of a number.
	digitsMost = 15
	// cellMost is how much text a cell can hold, in UTF-16.
	cellMost = 32767
	// heightMost is how high a row can be, in points.
	heightMost = 409
)

func writeXLSX(w io.Writer, s *Sheet, o Options, rows int) (err error) {
	o, err = o.filled()
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer func() { err = cmp.Or(err, f.Close()) }()
	b := &workbook{s: s, o: o, f: f, rows: rows, styles: map[look]int{}}
	b.st = style{null: nothing, thousands: true, percent: "%", people: true, indent: "  ", said: map[string]string{}}
	b.title = b.text(Say("title."+s.Name, s.Title...))
	for i, t := range s.Tables {
		if t.silent() && i > 0 {
			continue
		}
		if err := b.table(t, i == 0); err != nil {
			return err
		}
	}
	if err := Properties(f, b.title, s.recorded()); err != nil {
		return err
	}
	return Save(w, f)
}

// recorded is when the last event that the sheet counts was recorded, "" where that is not one.
func (s *Sheet) recorded() string {
	for _, m := range s.member("known_at").Members() {
		if m.Name == "recorded" {
			return m.Value.Text()
		}
	}
	return ""
}

// A workbook is an Excel file on its way.
type workbook struct {
	s      *Sheet
	o      Options
	st     style
	f      *excelize.File
	title  string
	rows   int
	tabs   []string
	styles map[look]int
	cut    []string // what is said of cells that could not hold all of their text
}

func (b *workbook) text(c Cell) string { return safe(visible(b.s.plain(c, b.o, b.st), "")) }

// A look is what a cell's style is made of.
type look struct {
	as             string // title, face, unit, head, note, cell
	number         string // a format of numbers, "" for text
	right          bool
	center, strong bool
	level          int
}

// Font is the typeface of a language, which office programs without it replace by one of their own that has the characters.
func Font(lang words.Language) string {
	if lang == words.Chinese {
		return "宋体"
	}
	return "Arial"
}

func (b *workbook) style(k look) (int, error) {
	if id, ok := b.styles[k]; ok {
		return id, nil
	}
	st := &excelize.Style{
		Font:      &excelize.Font{Family: Font(b.o.Lang), Size: 10, Bold: k.strong},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: true, Indent: k.level},
	}
	if k.level > 0 {
		st.Alignment.Horizontal = "left"
	}
	if k.right {
		st.Alignment.Horizontal, st.Alignment.WrapText = "right", k.number == ""
		if k.as == "cell" {
			st.Alignment.Indent = 1 // or the text at the right touches it
		}
	}
	if k.center {
		st.Alignment.Horizontal = "center"
	}
	if k.number != "" {
		st.CustomNumFmt = &k.number
	} else {
		st.NumFmt = 49 // text, so that it stays text when somebody edits the cell
	}
	switch k.as {
	case "title":
		st.Font.Size, st.Font.Bold = 16, true
		if b.o.Lang == words.Chinese {
			st.Font.Family = "黑体"
		}
	case "face", "note":
		st.Font.Size, st.Alignment.Horizontal = 9, "left"
	case "head", "cell":
		for _, side := range []string{"left", "right", "top", "bottom"} {
			st.Border = append(st.Border, excelize.Border{Type: side, Style: 1, Color: "444444"})
		}
	}
	if k.as == "head" {
		st.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"EDEDED"}}
	}
	id, err := b.f.NewStyle(st)
	b.styles[k] = id
	return id, err
}

// tab names the next worksheet after a table: no longer than Excel allows, without the characters that it does not, and each once.
func (b *workbook) tab(t *Table, main bool) string {
	name := t.Name
	if main {
		name = b.s.Name
	}
	said := Catalogue.Find(b.o.Lang, "tab."+name, nil)
	if said == "" && !main {
		said = Catalogue.Say(b.o.Lang, "table."+name, nil)
	}
	return Tab(cmp.Or(said, name), &b.tabs)
}

// Tab makes a text the name of a worksheet, one that is not among those given, and adds it to them.
func Tab(text string, given *[]string) string {
	text = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) || unseen(r) {
			return ' '
		}
		return r
	}, text), " '")
	name := ""
	for n := 1; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = " (" + strconv.Itoa(n) + ")"
		}
		name = clipped(cmp.Or(text, "1"), 31-len(suffix)) + suffix
		if !slices.ContainsFunc(*given, func(other string) bool { return strings.EqualFold(other, name) }) {
			break
		}
	}
	*given = append(*given, name)
	return name
}

// Held is as much of a text as a cell of a workbook holds, an ellipsis in the place of the rest.
func Held(text string) string { return clipped(text, cellMost) }

// clipped is a text of at most so many units of UTF-16, an ellipsis in the place of what is left out.
func clipped(text string, most int) string {
	units := 0
	for at, r := range text {
		n := utf16.RuneLen(r)
		if units += n; units > most {
			rest := []rune(text[:at])
			for units -= n; units > most-1; rest = rest[:len(rest)-1] {
				units -= utf16.RuneLen(rest[len(rest)-1])
			}
			return string(rest) + "…"
		}
	}
	return text
}

// A worksheet is one table of a workbook on its way, or a part of it.
type worksheet struct {
	b      *workbook
	l      *layout
	sw     *excelize.StreamWriter
	widths []int
	row    int // the last one that is written
}

func (b *workbook) table(t *Table, main bool) error {
	l := &layout{s: b.s, t: t, o: b.o, st: b.st}
	empty := t.silent()
	if empty {
		l.columns, l.widths = []int{0}, []int{len(b.title)}
	} else {
		l.measure()
	}
	l.st.indent = ""
	title := b.title
	if !main {
		title += Catalogue.Say(b.o.Lang, "tab.further", map[string]string{"table": Catalogue.Say(b.o.Lang, "table."+t.Name, nil)})
	}
	ws, err := b.begin(l, title, main, empty)
	if err != nil {
		return err
	}
	n := 0
	for r := range l.all {
		if n == b.rows {
			if err := ws.end(nil); err != nil {
				return err
			}
			if ws, err = b.begin(l, title, main, false); err != nil {
				return err
			}
			n = 0
		}
		n++
		if err := ws.write(r); err != nil {
			return err
		}
	}
	var notes []string
	if empty {
		notes = append(notes, Catalogue.Say(b.o.Lang, "table.empty", nil))
	}
	for _, note := range l.rounding() {
		notes = append(notes, safe(visible(note, "")))
	}
	notes = append(notes, b.cut...)
	b.cut = nil
	return ws.end(notes)
}

// begin writes what stands above the rows.
func (b *workbook) begin(l *layout, title string, main, empty bool) (*worksheet, error) {
	ws := &worksheet{b: b, l: l}
	name := b.tab(l.t, main)
	if len(b.tabs) == 1 {
		if err := b.f.SetSheetName("Sheet1", name); err != nil {
			return nil, err
		}
	} else if _, err := b.f.NewSheet(name); err != nil {
		return nil, err
	}
	// A title that is longer than its table is wide would be cut.
	width := 0
	for _, w := range l.widths {
		ws.widths = append(ws.widths, min(max(w, 5), columnMost)+2)
		width += ws.widths[len(ws.widths)-1]
	}
	for at := 0; width < min(70, displaywidth.String(title)*2); at++ {
		ws.widths[at%len(ws.widths)]++
		width++
	}
	if err := Paper(b.f, name, l.wide(), b.o.Lang, b.s.foot(b.o)); err != nil {
		return nil, err
	}
	var err error
	if ws.sw, err = b.f.NewStreamWriter(name); err != nil {
		return nil, err
	}
	var face []string
	for _, f := range b.s.Face {
		face = append(face, b.text(f))
	}
	unit := ""
	if !b.s.NoMoney {
		unit = b.s.Counted(b.o)
	}
	spans, two := l.spans()
	heads := 1
	if two {
		heads = 2
	}
	above := 1 + len(face) + 1
	frozen := 0 // the columns up to what a row is called
	for at, i := range l.columns {
		if i != numbers && l.t.Columns[i].Name == "name" && at < 3 {
			frozen = at + 1
		}
	}
	for at, w := range ws.widths {
		if err := ws.sw.SetColWidth(at+1, at+1, float64(w)); err != nil {
			return nil, err
		}
	}
	if !empty {
		pane := &excelize.Panes{Freeze: true, YSplit: above + heads, XSplit: frozen, TopLeftCell: place(frozen, above+heads+1), ActivePane: "bottomLeft"}
		if frozen > 0 {
			pane.ActivePane = "bottomRight"
		}
		if err := ws.sw.SetPanes(pane); err != nil {
			return nil, err
		}
		if err := b.f.SetDefinedName(&excelize.DefinedName{
			Name: "_xlnm.Print_Titles", Scope: name,
			RefersTo: fmt.Sprintf("'%s'!$%d:$%d", strings.ReplaceAll(name, "'", "''"), above, above+heads),
		}); err != nil {
			return nil, err
		}
	}
	if err := ws.across(title, look{as: "title", center: true}, 13); err != nil { // points for a line; the title's are larger
		return nil, err
	}
	for _, line := range face {
		if err := ws.across(line, look{as: "face"}, 13); err != nil {
			return nil, err
		}
	}
	if err := ws.across(unit, look{as: "unit", right: true}, 14); err != nil {
		return nil, err
	}
	if empty {
		return ws, nil
	}
	return ws, ws.head(spans, two)
}

// place is what Excel calls a cell; columns are counted from 0, rows from 1.
func place(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column+1, row)
	if err != nil { // of a table with more than 16,384 columns
		panic(err)
	}
	return name
}

// across writes a text over all the columns, as many lines high as it takes.
func (ws *worksheet) across(text string, k look, line int) error {
	ws.row++
	id, err := ws.b.style(k)
	if err != nil {
		return err
	}
	width := 0
	for _, w := range ws.widths {
		width += w
	}
	height := line * lines(text, width)
	if k.as == "title" {
		height = 24 * lines(text, width*5/8)
	}
	cells := make([]any, len(ws.widths))
	for i := range cells {
		cells[i] = excelize.Cell{StyleID: id}
	}
	cells[0] = excelize.Cell{StyleID: id, Value: ws.held(0, text)}
	if err := ws.sw.SetRow(place(0, ws.row), cells, excelize.RowOpts{Height: float64(min(height, heightMost))}); err != nil {
		return err
	}
	return ws.merge(0, ws.row, len(cells)-1, ws.row)
}

func (ws *worksheet) merge(left, top, right, bottom int) error {
	if left == right && top == bottom {
		return nil
	}
	return ws.sw.MergeCell(place(left, top), place(right, bottom))
}

// head writes the heading of the columns, in two rows where some stand under one.
func (ws *worksheet) head(spans []span, two bool) error {
	id, err := ws.b.style(look{as: "head", center: true, strong: true})
	if err != nil {
		return err
	}
	n := len(ws.widths)
	upper, lower := make([]any, n), make([]any, n)
	high := [2]int{1, 1}
	for _, s := range spans {
		for at := s.at; at < s.at+s.n; at++ {
			text := ws.l.heading(ws.l.columns[at])
			tall := lines(text, ws.widths[at]-2)
			upper[at], lower[at] = excelize.Cell{StyleID: id}, excelize.Cell{StyleID: id, Value: text}
			if two && s.n == 1 {
				upper[at], lower[at] = lower[at], upper[at]
				tall = (tall + 1) / 2
			}
			high[1] = max(high[1], tall)
		}
		if s.n > 1 {
			upper[s.at] = excelize.Cell{StyleID: id, Value: s.head}
		}
	}
	top := ws.row + 1
	for i, cells := range [][]any{upper, lower} {
		if i == 0 && !two {
			continue
		}
		ws.row++
		if err := ws.sw.SetRow(place(0, ws.row), cells, excelize.RowOpts{Height: float64(16 * high[i])}); err != nil {
			return err
		}
	}
	for _, s := range spans {
		if s.n > 1 {
			err = ws.merge(s.at, top, s.at+s.n-1, top)
		} else if two {
			err = ws.merge(s.at, top, s.at, top+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (ws *worksheet) write(r placed) error {
	ws.row++
	cells := make([]any, len(ws.l.columns))
	tall := 1 // LibreOffice does not look how high a row has to be
	for at, i := range ws.l.columns {
		k := look{as: "cell", right: ws.l.right(at), level: ws.l.level(i, r.depth), strong: r.total}
		text := safe(ws.l.content(r.Row, i))
		var value any = text
		if i != numbers {
			if number, format := ws.b.number(r.Cells[i]); format != "" {
				value, k.number = number, format
			}
		}
		if k.number == "" {
			value = ws.held(at, text)
			tall = max(tall, lines(text, ws.widths[at]-1-2*k.level))
		}
		id, err := ws.b.style(k)
		if err != nil {
			return err
		}
		cells[at] = excelize.Cell{StyleID: id, Value: value}
	}
	return ws.sw.SetRow(place(0, ws.row), cells, excelize.RowOpts{Height: float64(min(15+13*(tall-1), heightMost))})
}

// held is as much of a text as a cell holds. Where that is not all, a note says so: a text must not end unseen.
func (ws *worksheet) held(at int, text string) string {
	if out := Held(text); out != text {
		ws.b.cut = append(ws.b.cut, Catalogue.Say(ws.b.o.Lang, "note.cut", map[string]string{"cell": place(at, ws.row), "n": strconv.Itoa(len([]rune(text)))}))
		return out
	}
	return text
}

// number returns a cell as a number, with the format that shows it as text prints it. The format is "" for what is no number, or one of more digits than a
// spreadsheet keeps: that stays text, or its last digits would be others.
func (b *workbook) number(c Cell) (value any, format string) {
	st := style{}
	text := b.s.plain(c, b.o, st)
	switch c.Kind {
	case Amount:
		format = "#,##0"
	case Decimal:
		format = "#,##0"
	case Integer, Percent:
		format = "0"
	default:
		return nil, ""
	}
	unsigned := strings.TrimPrefix(text, "-")
	whole, fraction, _ := strings.Cut(unsigned, ".")
	if len(whole)+len(fraction) > digitsMost {
		return nil, ""
	}
	if fraction != "" {
		format += "." + strings.Repeat("0", len(fraction))
	}
	if c.Kind == Percent { // 98.07% is the number 0.9807
		format += "%"
		if len(whole) < 3 {
			whole = strings.Repeat("0", 3-len(whole)) + whole
		}
		sign := text[:len(text)-len(unsigned)]
		text = sign + whole[:len(whole)-2] + "." + whole[len(whole)-2:] + fraction
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n == 0 && strings.HasPrefix(text, "-") {
		return nil, ""
	}
	return n, format
}

// end writes the notes below the table.
func (ws *worksheet) end(notes []string) error {
	for _, n := range notes {
		if err := ws.across(n, look{as: "note"}, 13); err != nil {
			return err
		}
	}
	return ws.sw.Flush()
}

// Paper sets a worksheet up for printing: A4, as many pages high as it takes and one wide, with what it is and the number of the page at the foot of each.
func Paper(f *excelize.File, name string, landscape bool, lang words.Language, foot string) error {
	a4, orientation, high, wide, yes := 9, "portrait", 0, 1, true
	if landscape {
		orientation = "landscape"
	}
	if err := f.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &yes}); err != nil {
		return err
	}
	if err := f.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &orientation, FitToHeight: &high, FitToWidth: &wide}); err != nil {
		return err
	}
	side, end := marginSide, marginEnd
	if err := f.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &end, Bottom: &end, Horizontally: &yes}); err != nil {
		return err
	}
	number := Catalogue.Say(lang, "page.number", map[string]string{"page": "&P", "pages": "&N"})
	return f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: `&L&7 ` + strings.ReplaceAll(foot, "&", "&&") + `&R&9 ` + number})
}

// In inches.
const marginSide, marginEnd = 0.4, 0.6

// Properties says in a workbook what it is. It is made when the last event in it was recorded: the same events give the same bytes.
func Properties(f *excelize.File, title, recorded string) error {
	when := "2000-01-01T00:00:00Z"
	if t, err := time.Parse(events.TimeForm, recorded); err == nil {
		when = t.Format(time.RFC3339)
	}
	return f.SetDocProps(&excelize.DocProperties{Title: title, Creator: "fundledger", LastModifiedBy: "fundledger", Created: when, Modified: when})
}

// Save writes a workbook, its parts in the order of their names and the types of pictures by theirs: the library has both as a Go map has them.
func Save(w io.Writer, f *excelize.File) error {
	f.SetZipWriter(func(w io.Writer) excelize.ZipWriter { return &orderedZip{w: w} })
	_, err := f.WriteTo(w)
	return err
}

// An orderedZip is a zip file whose entries are compressed as they come and written by their names.
type orderedZip struct {
	w       io.Writer
	entries []*zipEntry
}

type zipEntry struct {
	zip.FileHeader
	types  *bytes.Buffer // of the part with the types, which is packed when it is whole
	packed bytes.Buffer
	sum    hash.Hash32
	to     *flate.Writer
}

func (e *zipEntry) Write(p []byte) (int, error) {
	if e.types != nil {
		return e.types.Write(p)
	}
	n, err := e.to.Write(p)
	_, _ = e.sum.Write(p[:n])
	e.UncompressedSize64 += uint64(n)
	return n, err
}

// Create begins an entry.
func (z *orderedZip) Create(name string) (io.Writer, error) {
	e := &zipEntry{FileHeader: zip.FileHeader{Name: name, Method: zip.Deflate}, sum: crc32.NewIEEE()}
	to, err := flate.NewWriter(&e.packed, flate.DefaultCompression)
	e.to = to
	if name == contentTypes {
		e.types = new(bytes.Buffer)
	}
	z.entries = append(z.entries, e)
	return e, err
}

// AddFS is what the library asks a zip writer for and does not use.
func (z *orderedZip) AddFS(fs.FS) error { return errors.ErrUnsupported }

// contentTypes is the part of a workbook that says what the others are; usualType is how it does so for all files with one ending.
const contentTypes = "[Content_Types].xml"

var usualType = regexp.MustCompile(`<Default [^>]*></Default>`)

// ordered brings the types in the order of the endings.
func ordered(types []byte) []byte {
	all := usualType.FindAll(types, -1)
	slices.SortFunc(all, bytes.Compare)
	return usualType.ReplaceAllFunc(types, func([]byte) (next []byte) {
		next, all = all[0], all[1:]
		return next
	})
}

// Close writes the file.
func (z *orderedZip) Close() error {
	slices.SortFunc(z.entries, func(a, b *zipEntry) int { return strings.Compare(a.Name, b.Name) })
	out := zip.NewWriter(z.w)
	for _, e := range z.entries {
		if types := e.types; types != nil {
			e.types = nil
			if _, err := e.Write(ordered(types.Bytes())); err != nil {
				return err
			}
		}
		if err := e.to.Close(); err != nil {
			return err
		}
		e.CRC32, e.CompressedSize64 = e.sum.Sum32(), uint64(e.packed.Len())
		to, err := out.CreateRaw(&e.FileHeader)
		if err != nil {
			return err
		}
		if _, err := to.Write(e.packed.Bytes()); err != nil {
			return err
		}
	}
	return out.Close()
}
