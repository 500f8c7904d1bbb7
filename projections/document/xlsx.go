package document

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"io"

	"fundledger/events/words"
	"fundledger/projections/sheet"

	"github.com/clipperhouse/displaywidth"
	"github.com/xuri/excelize/v2"
)

// widths are those of the columns of a paper, in characters.
var widths = []int{12, 21, 14, 15, 15, 12, 15}

const (
	lineHigh = 14 // points
	linesTop = 25 // of one cell; more go into the next
)

// writeXLSX writes papers as a workbook with a worksheet for each, A4 upright.
func writeXLSX(w io.Writer, forms []*form, lang words.Language) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	b := &book{f: f, lang: lang}
	var tabs []string
	for i, form := range forms {
		b.tab, b.row = sheet.Tab(form.title+" "+form.number, &tabs), 0
		if i == 0 {
			err = f.SetSheetName("Sheet1", b.tab)
		} else {
			_, err = f.NewSheet(b.tab)
		}
		if err != nil {
			return err
		}
		b.paper(form)
		if b.err != nil {
			return b.err
		}
	}
	if err := sheet.Properties(f, forms[0].title+" "+forms[0].number, forms[len(forms)-1].recorded); err != nil {
		return err
	}
	return sheet.Save(w, f)
}

// A book is a workbook on its way. The first error stays, and nothing is done after it.
type book struct {
	f    *excelize.File
	lang words.Language
	tab  string
	row  int
	err  error
}

func (b *book) do(errs ...error) {
	for _, err := range errs {
		if b.err == nil {
			b.err = err
		}
	}
}

// A look is what a style is made of.
type look struct {
	size                int
	bold, bordered, red bool
	align, vertical     string
	shaded              bool
}

// put writes a text over the columns from left to right, both counted from 0, of the row that is begun.
func (b *book) put(left, right int, text string, k look) {
	if b.err != nil {
		return
	}
	st := &excelize.Style{
		NumFmt: 49, // text
		Font:   &excelize.Font{Family: sheet.Font(b.lang), Size: float64(cmp.Or(k.size, 10)), Bold: k.bold},
		Alignment: &excelize.Alignment{
			Horizontal: k.align, Vertical: map[bool]string{true: k.vertical, false: "center"}[k.vertical != ""], WrapText: true,
		},
	}
	if k.red {
		st.Font.Color = "B00000"
	}
	if k.shaded {
		st.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"F2F2F2"}}
	}
	if k.bordered {
		for _, side := range []string{"left", "right", "top", "bottom"} {
			st.Border = append(st.Border, excelize.Border{Type: side, Style: 1, Color: "000000"})
		}
	}
	id, err := b.f.NewStyle(st)
	from, to := b.at(left), b.at(right)
	b.do(err, b.f.SetCellStr(b.tab, from, sheet.Held(text)), b.f.SetCellStyle(b.tab, from, to, id))
	if left != right {
		b.do(b.f.MergeCell(b.tab, from, to))
	}
}

func (b *book) at(column int) string {
	name, err := excelize.CoordinatesToCellName(column+1, b.row)
	b.do(err)
	return name
}

// begin begins a row of so many points.
func (b *book) begin(high int) {
	b.row++
	b.do(b.f.SetRowHeight(b.tab, b.row, float64(high)))
}

func across(left, right int) (width int) {
	for _, w := range widths[left : right+1] {
		width += w
	}
	return width - 1
}

func lines(text string, width int) int { return max(1, (displaywidth.String(text)+width-1)/width) }

// chunks cuts a text into what cells of that width can show.
func chunks(text string, width int) (out []string) {
	most := width * linesTop
	part, n := "", 0
	for _, r := range text {
		w := displaywidth.Rune(r)
		if n+w > most {
			out, part, n = append(out, part), "", 0
		}
		part, n = part+string(r), n+w
	}
	return append(out, part)
}

func (b *book) paper(f *form) {
	last := len(widths) - 1
	for i, w := range widths {
		name, err := excelize.ColumnNumberToName(i + 1)
		b.do(err, b.f.SetColWidth(b.tab, name, name, float64(w)))
	}
	b.do(sheet.Paper(b.f, b.tab, false, b.lang, f.foot))
	b.begin(30)
	b.put(0, last, f.title, look{size: 20, bold: true, align: "center"})
	b.begin(18 * lines(f.subtitle, across(0, last)))
	b.put(0, last, f.subtitle, look{align: "center"})
	b.begin(18)
	b.put(0, 1, f.year, look{align: "left"})
	b.put(2, 4, f.date, look{align: "center"})
	b.put(5, last, f.number, look{align: "right"})
	for _, s := range f.stamps {
		b.begin(22 * lines(s, across(0, last)*3/4))
		b.put(0, last, s, look{size: 13, bold: true, bordered: true, red: true, align: "left"})
	}
	for _, s := range f.notes {
		b.begin(16 * lines(s, across(0, last)))
		b.put(0, last, s, look{align: "left"})
	}
	label, value := look{bordered: true, shaded: true, align: "left"}, look{bordered: true, align: "left"}
	for _, row := range f.fields {
		if len(row) == 2 && lines(row[0].value, across(1, 2)) < 3 && lines(row[1].value, across(4, last)) < 3 {
			b.begin(4 + lineHigh*max(1, lines(row[0].value, across(1, 2)), lines(row[1].value, across(4, last)), lines(row[0].label, across(0, 0)), lines(row[1].label, across(3, 3))))
			b.put(0, 0, row[0].label, label)
			b.put(1, 2, row[0].value, value)
			b.put(3, 3, row[1].label, label)
			b.put(4, last, row[1].value, value)
			continue
		}
		for _, x := range row {
			for i, part := range chunks(x.value, across(1, last)) {
				b.begin(4 + lineHigh*max(lines(part, across(1, last)), lines(x.label, across(0, 0))))
				if i > 0 {
					x.label = ""
				}
				b.put(0, 0, x.label, label)
				b.put(1, last, part, value)
			}
		}
	}
	for _, t := range f.tables {
		b.begin(20)
		b.put(0, 3, t.title, look{align: "left", vertical: "bottom"})
		b.put(4, last, t.unit, look{align: "right", vertical: "bottom"})
		for i, row := range append([][]string{t.heads}, t.rows...) {
			high := 1
			for at, text := range row {
				high = max(high, lines(text, across(at, at)*10/9)) // the letters are smaller
			}
			b.begin(4 + lineHigh*min(high, linesTop))
			for at, text := range row {
				k := look{size: 9, bordered: true, align: "left"}
				switch {
				case i == 0:
					k.shaded, k.align = true, "center"
				case at >= t.numbers:
					k.align = "right"
				}
				b.put(at, at, text, k)
			}
		}
	}
	b.begin(8)
	b.begin(44)
	for i, s := range f.signatures { // over all the columns
		left, right := i*len(widths)/len(f.signatures), (i+1)*len(widths)/len(f.signatures)-1
		b.put(left, right, s, look{bordered: true, align: "left", vertical: "top"})
	}
	b.begin(8)
	top := b.row + 1
	for _, x := range f.proof {
		text := x.label + ": " + x.value
		b.begin(min(4+lineHigh*lines(text, across(2, last)), lineHigh*linesTop))
		b.put(2, last, text, look{size: 9, align: "left"})
	}
	b.row = top
	picture, err := pictured(f.code)
	b.do(err, b.f.AddPictureFromBytes(b.tab, b.at(0), &excelize.Picture{
		Extension: ".png", File: picture, Format: &excelize.GraphicOptions{AltText: f.code, Positioning: "oneCell", ScaleX: half, ScaleY: half},
	}))
}

// half brings a picture to about 36 mm.
const half = 0.5

// pictured is the QR code of a text as a PNG.
func pictured(text string) ([]byte, error) {
	squares, err := modules(text)
	if err != nil {
		return nil, err
	}
	const scale = 5
	im := image.NewGray(image.Rect(0, 0, len(squares)*scale, len(squares)*scale))
	for y := range im.Rect.Dy() {
		for x := range im.Rect.Dx() {
			if !squares[y/scale][x/scale] {
				im.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var b bytes.Buffer
	err = png.Encode(&b, im)
	return b.Bytes(), err
}
