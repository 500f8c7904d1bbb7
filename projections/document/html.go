package document

import (
	"bufio"
	"fmt"
	"html/template"
	"io"
	"strings"

	"fundledger/events/words"
)

// writeHTML writes papers as one HTML document, a page each, that needs nothing else.
func writeHTML(w io.Writer, forms []*form, lang words.Language) error {
	type leaf struct {
		*form
		Side int
		Path string
	}
	page := struct {
		Lang, Title string
		Papers      []leaf
	}{Lang: map[words.Language]string{words.Chinese: "zh-CN", words.English: "en"}[lang]}
	for _, f := range forms {
		side, path, err := DrawCode(f.code)
		if err != nil {
			return err
		}
		page.Papers = append(page.Papers, leaf{f, side, path})
		if page.Title == "" {
			page.Title = f.title + " " + f.number + " " + f.subtitle
		}
	}
	out := bufio.NewWriter(w)
	if err := paper.Execute(out, page); err != nil {
		return err
	}
	return out.Flush()
}

// DrawCode returns the QR code of a text as a path of SVG, and how many modules it is wide.
func DrawCode(text string) (side int, path string, err error) {
	squares, err := modules(text)
	if err != nil {
		return 0, "", err
	}
	var b strings.Builder
	for y, row := range squares {
		for x := 0; x < len(row); {
			n := 0
			for x+n < len(row) && row[x+n] {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, n, n)
			}
			x += max(n, 1)
		}
	}
	return len(squares), b.String(), nil
}

// What the template reads of a form.

func (f *form) Title() string        { return f.title }
func (f *form) Subtitle() string     { return f.subtitle }
func (f *form) About() []string      { return []string{f.year, f.date, f.number} }
func (f *form) Stamps() []string     { return f.stamps }
func (f *form) Notes() []string      { return f.notes }
func (f *form) Fields() [][]field    { return f.fields }
func (f *form) Tables() []table      { return f.tables }
func (f *form) Signatures() []string { return f.signatures }
func (f *form) Proof() []field       { return f.proof }

func (x field) Label() string { return x.label }
func (x field) Value() string { return x.value }

func (t table) Title() string   { return t.title }
func (t table) Unit() string    { return t.unit }
func (t table) Heads() []string { return t.heads }

// Rows has the cells of each row, and which of them are numbers.
func (t table) Rows() (out [][]tableCell) {
	for _, row := range t.rows {
		cells := make([]tableCell, len(row))
		for i, text := range row {
			cells[i] = tableCell{text, i >= t.numbers}
		}
		out = append(out, cells)
	}
	return out
}

type tableCell struct {
	Text   string
	Number bool
}

// The document is well-formed XML too. It is on white always: it is a paper.
var paper = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{{.Title}}</title>
<style>
:root { color-scheme: light; }
@page { size: A4 portrait; margin: 14mm; }
body { margin: 0; color: #000; background: #fff; font: 10.5pt/1.45 "SimSun", "Songti SC", "Noto Serif CJK SC", "Times New Roman", serif; }
.paper { max-width: 182mm; margin: 14mm auto; break-after: page; }
.paper:last-child { break-after: auto; }
h1 { font-size: 20pt; text-align: center; margin: 0; letter-spacing: .2em; text-indent: .2em; }
:lang(en) h1 { letter-spacing: normal; text-indent: 0; }
.fund { text-align: center; margin: .2em 0 .6em; }
.about { display: flex; justify-content: space-between; margin: 0 0 .3em; }
.stamps { margin: .4em 0; padding: .3em .6em; border: 3px double #b00000; color: #b00000; font-weight: 700; font-size: 13pt; }
.stamps p { margin: 0; }
.notes { margin: .3em 0; font-size: 9pt; }
.notes p { margin: 0; }
table { border-collapse: collapse; width: 100%; margin-bottom: .7em; }
caption { text-align: left; } caption .unit { float: right; }
th, td { border: 1px solid #000; padding: .25em .5em; text-align: left; vertical-align: middle; font-weight: 400; overflow-wrap: anywhere; }
.fields { table-layout: fixed; }
.fields th { width: 15%; background: #f2f2f2; }
.fields td.big { font-weight: 700; }
thead th { text-align: center; background: #f2f2f2; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.rows { font-size: 9pt; }
.signatures td { height: 15mm; vertical-align: top; }
.proof { display: flex; gap: 5mm; align-items: flex-start; font-size: 8pt; break-inside: avoid; }
.proof svg { flex: none; width: 36mm; height: 36mm; }
.proof dl { margin: 0; } .proof dt { font-weight: 700; } .proof dd { margin: 0 0 .3em; overflow-wrap: anywhere; font-family: monospace; }
tr { break-inside: avoid; }
@media print { .paper { margin: 0 auto; max-width: none; } th, .stamps { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>
</head>
<body>{{range .Papers}}
<article class="paper">
<h1>{{.Title}}</h1>
<p class="fund">{{.Subtitle}}</p>
<p class="about">{{range .About}}<span>{{.}}</span>{{end}}</p>
{{with .Stamps}}<div class="stamps">{{range .}}<p>{{.}}</p>{{end}}</div>
{{end}}{{with .Notes}}<div class="notes">{{range .}}<p>{{.}}</p>{{end}}</div>
{{end}}<table class="fields">
<tbody>{{range .Fields}}
<tr>{{if eq (len .) 1}}{{range .}}<th scope="row">{{.Label}}</th><td colspan="3">{{.Value}}</td>{{end}}{{else}}{{range .}}<th scope="row">{{.Label}}</th><td>{{.Value}}</td>{{end}}{{end}}</tr>{{end}}
</tbody>
</table>
{{range .Tables}}<table class="rows">
<caption>{{.Title}} <span class="unit">{{.Unit}}</span></caption>
<thead>
<tr>{{range .Heads}}<th scope="col">{{.}}</th>{{end}}</tr>
</thead>
<tbody>{{range .Rows}}
<tr>{{range .}}<td{{if .Number}} class="n"{{end}}>{{.Text}}</td>{{end}}</tr>{{end}}
</tbody>
</table>
{{end}}<table class="signatures">
<tbody>
<tr>{{range .Signatures}}<td>{{.}}</td>{{end}}</tr>
</tbody>
</table>
<div class="proof">
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Side}} {{.Side}}" role="img" aria-label="QR" shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff"/><path d="{{.Path}}" fill="#000"/></svg>
<dl>{{range .Proof}}
<dt>{{.Label}}</dt><dd>{{.Value}}</dd>{{end}}
</dl>
</div>
</article>{{end}}
</body>
</html>
`))
