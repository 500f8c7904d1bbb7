package sheet

import (
	"bufio"
	"cmp"
	"html/template"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/clipperhouse/displaywidth"
)

// WriteHTML writes a sheet as one HTML document that needs nothing else: no script, no picture, no request. Printed, it is A4, lying where a table is wide, with the
// heading of a table repeated on each page and a page number below.
func WriteHTML(w io.Writer, s *Sheet, o Options) error {
	_, err := writeHTML(w, s, o, Links{}, "document")
	return err
}

// WriteFragment writes what [WriteHTML] has within its body, for a page that has a head and a style of its own, and makes links of what the page has an address for.
// It tells whether a table is too wide for a sheet of paper that stands upright.
func WriteFragment(w io.Writer, s *Sheet, o Options, links Links) (wide bool, err error) {
	return writeHTML(w, s, o, links, "sheet")
}

// WriteHead writes the title and the face as [WriteFragment] does.
func WriteHead(w io.Writer, s *Sheet, o Options, links Links) error {
	head := *s
	head.Tables = nil
	_, err := writeHTML(w, &head, o, links, "head")
	return err
}

// WriteTable writes the table of that number as [WriteFragment] does, without anything around it.
func WriteTable(w io.Writer, s *Sheet, n int, o Options, links Links) (wide bool, err error) {
	one := *s
	one.Tables = s.Tables[n : n+1]
	return writeHTML(w, &one, o, links, "tables")
}

// Links say where a fragment stands: the addresses of what its cells speak of, "" for what has none, how people read there, and what the page draws
// itself. The zero Links has none of it.
type Links struct {
	// Event is where an event is shown whole, whose number stands in a list of numbers.
	Event func(events.Seq) string
	// Cell is where more is shown of any other cell, by its table, its column and its row.
	Cell func(t *Table, column string, row Row) string
	// Part is where more is shown of one of several things in a cell.
	Part func(part Cell) string
	// ID is what a row can be linked to by, and Class what it is besides the total; "" is nothing. They may be nil.
	ID, Class func(t *Table, row Row) string
	// Zone is the time in which it is said when something was recorded, shortened to seconds; nil leaves it as it is stored.
	Zone *time.Location
	// Zones is the time of what a row is about, where not everything has the same: each moment then names its own. It may be nil.
	Zones func(t *Table, row Row) *time.Location
	// Page has a table that is wider than the page scrolled by the keyboard too, and tells a voice what is in Chinese on a page that is not.
	Page bool
	// Above stands between the face and the tables.
	Above template.HTML
	// Drawn is one more column of a table, beside what its rows are called; nil is none.
	Drawn func(t *Table) *Drawn
}

// A Drawn is a column that no other encoder has: its heading, and what stands in it beside a row.
type Drawn struct {
	Heading string
	Cell    func(Row) template.HTML
}

// Moment is when something was recorded as people read it in that zone.
func (k Links) Moment(t time.Time) string { return t.In(k.Zone).Format(time.DateTime) }

// moment is when something in a row was recorded.
func (k Links) moment(t time.Time, of *Table, row Row) string {
	if k.Zones == nil {
		return k.Moment(t)
	}
	return MomentIn(t, k.Zones(of, row))
}

// MomentIn is a time as people read it in a zone that is named, in UTC where there is none.
func MomentIn(t time.Time, zone *time.Location) string {
	zone = cmp.Or(zone, time.UTC)
	return t.In(zone).Format(time.DateTime) + " " + zone.String()
}

func writeHTML(w io.Writer, s *Sheet, o Options, links Links, name string) (wide bool, err error) {
	if o, err = o.filled(); err != nil {
		return false, err
	}
	p := &page{Lang: pageLang(o), Pages: Catalogue.Say(o.Lang, "page.number", map[string]string{"page": "\x00", "pages": "\x01"}), Foot: safe(s.foot(o)), s: s, o: o}
	p.Above = links.Above
	st := style{null: nothing, thousands: true, percent: "%", people: true, said: map[string]string{}}
	p.Title = safe(visible(s.plain(Say("title."+s.Name, s.Title...), o, st), ""))
	for _, f := range s.Face {
		p.Face = append(p.Face, links.face(f, safe(visible(s.plain(f, o, st), ""))))
	}
	for i, t := range s.Tables {
		if t.silent() && i > 0 {
			continue
		}
		l := &layout{s: s, t: t, o: o, st: st}
		part := &pageTable{l: l, links: links, Main: i == 0, Title: p.Title, Empty: t.silent()}
		if links.Drawn != nil {
			part.drawn = links.Drawn(t)
		}
		if i > 0 || name == "tables" {
			part.Title = cmp.Or(Catalogue.Find(o.Lang, "table."+t.Name, nil), p.Title) // one that has no name of its own is the sheet's
		}
		if !s.NoMoney {
			part.Unit = s.Counted(o)
		}
		if part.Nothing = Catalogue.Say(o.Lang, "table.empty", nil); !part.Empty {
			l.measure()
			p.Wide = p.Wide || l.wide()
		}
		p.Tables = append(p.Tables, part)
	}
	out := bufio.NewWriter(w)
	if err := pages.ExecuteTemplate(out, name, p); err != nil {
		return false, err
	}
	return p.Wide, out.Flush()
}

// recordedIn are the columns, and what sayings speak of, that tell when something was recorded.
var recordedIn = []string{"recorded", "recorded_at", "since"}

// recorded reads when something was recorded, where people are to be told so in their time.
func (k Links) recorded(name string, c Cell) (t time.Time, ok bool) {
	if k.Zone == nil || c.Kind != Text || !slices.Contains(recordedIn, name) {
		return t, false
	}
	t, err := time.Parse(events.TimeForm, c.text)
	return t, err == nil
}

// face has what a line of the face says, in parts where it says when something was recorded.
func (k Links) face(c Cell, text string) []pagePart {
	if c.Kind == Saying {
		for _, m := range c.Members() {
			if t, ok := k.recorded(m.Name, m.Value); ok {
				before, after, _ := strings.Cut(text, m.Value.text)
				return []pagePart{{Text: before}, {Text: k.Moment(t), Time: m.Value.text}, {Text: after}}
			}
		}
	}
	return []pagePart{{Text: text}}
}

func pageLang(o Options) string {
	if o.Lang == "zh" {
		return "zh-CN"
	}
	return string(o.Lang)
}

// A page is what the template is made of.
type page struct {
	Lang, Title, Foot, Pages string
	Face                     [][]pagePart
	Above                    template.HTML
	Tables                   []*pageTable
	Wide                     bool

	s *Sheet
	o Options
}

// Number is what CSS writes at the foot of each page: words about the two counters.
func (p *page) Number() template.CSS {
	before, rest, _ := strings.Cut(p.Pages, "\x00")
	middle, after, _ := strings.Cut(rest, "\x01")
	quoted := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "<", `\3c `).Replace(s) + `"`
	}
	return template.CSS(quoted(before) + " counter(page) " + quoted(middle) + " counter(pages) " + quoted(after))
}

type pageTable struct {
	l                    *layout
	links                Links
	drawn                *Drawn
	Title, Unit, Nothing string
	Main, Empty          bool
}

// Region names the box in which the table scrolls.
func (t *pageTable) Region() string {
	if !t.links.Page {
		return ""
	}
	return t.Title
}

type pageCell struct {
	pagePart
	Parts      []pagePart // instead of the text, where several things stand in a cell
	Class      string
	Cols, Rows int
	Scope      string
	Lang       string
}

// Heads are the rows of the heading: one, or two where columns stand under one heading.
func (t *pageTable) Heads() [][]pageCell {
	spans, two := t.l.spans()
	var upper, lower []pageCell
	called := t.called()
	for _, s := range spans {
		if s.n > 1 {
			upper = append(upper, pageCell{pagePart: pagePart{Text: s.head}, Cols: s.n, Rows: 1, Scope: "colgroup"})
		}
		for at := s.at; at < s.at+s.n; at++ {
			c := pageCell{pagePart: pagePart{Text: t.l.heading(t.l.columns[at])}, Cols: 1, Rows: 1, Scope: "col"}
			if t.l.right(at) {
				c.Class = "n"
			} else if i := t.l.columns[at]; i != numbers && t.l.t.Columns[i].Name == "act" {
				c.Class = "act"
			}
			if two && s.n == 1 {
				c.Rows = 2
				upper = append(upper, c)
			} else {
				lower = append(lower, c)
			}
			if t.drawn != nil && t.l.columns[at] == called {
				drawn := pageCell{pagePart: pagePart{Text: t.drawn.Heading}, Cols: 1, Rows: 1, Scope: "col", Class: "drawn"}
				if two {
					drawn.Rows = 2
					upper = append(upper, drawn)
				} else {
					lower = append(lower, drawn)
				}
			}
		}
	}
	if !two {
		return [][]pageCell{lower}
	}
	return [][]pageCell{upper, lower}
}

// A pagePart is a text, and where it leads to or which time it tells.
type pagePart struct{ Text, Href, Time string }

// called is the column of what a row is called.
func (t *pageTable) called() int {
	if i := t.l.t.Column("name"); i >= 0 && slices.Contains(t.l.columns, i) {
		return i
	}
	return t.l.columns[0]
}

// Rows walks the rows. What a row is called is its heading. They are written here: a template would take ten times as long for a table of two thousand lines.
func (t *pageTable) Rows() iter.Seq[template.HTML] {
	called := t.called()
	return func(yield func(template.HTML) bool) {
		var out strings.Builder
		for r := range t.l.all {
			out.Reset()
			out.WriteString("\n<tr")
			if t.links.ID != nil {
				attribute(&out, "id", t.links.ID(t.l.t, r.Row))
			}
			if r.total {
				attribute(&out, "class", "total")
			} else if t.links.Class != nil {
				attribute(&out, "class", t.links.Class(t.l.t, r.Row))
			}
			out.WriteByte('>')
			for at, i := range t.l.columns {
				c := pageCell{pagePart: pagePart{Text: safe(t.l.content(r.Row, i))}}
				if t.l.right(at) {
					c.Class = "n"
				} else if level := t.l.level(i, r.depth); level > 0 {
					c.Class = "d" + string(rune('0'+min(level, 9)))
				} else if _, err := events.ParseDay(c.Text); err == nil { // which would be broken at its hyphens
					c.Class = "day"
				}
				if i == called {
					c.Scope = "row"
				}
				t.link(&c, r.Row, i)
				c.write(&out)
				if t.drawn != nil && i == called {
					out.WriteString(`<td class="drawn">`)
					out.WriteString(string(t.drawn.Cell(r.Row)))
					out.WriteString(`</td>`)
				}
			}
			out.WriteString("</tr>")
			if !yield(template.HTML(out.String())) { // every text in it is escaped
				return
			}
		}
	}
}

// write writes the cell of a row.
func (c *pageCell) write(out *strings.Builder) {
	name := "td"
	if c.Scope != "" {
		name = "th"
	}
	out.WriteString("<" + name)
	attribute(out, "scope", c.Scope)
	attribute(out, "class", c.Class)
	attribute(out, "lang", c.Lang)
	out.WriteByte('>')
	for i := range c.Parts {
		c.Parts[i].write(out)
	}
	if len(c.Parts) == 0 {
		c.pagePart.write(out)
	}
	out.WriteString("</" + name + ">")
}

func (p *pagePart) write(out *strings.Builder) {
	switch {
	case p.Href != "":
		out.WriteString("<a")
		attribute(out, "href", p.Href)
		out.WriteByte('>')
		escape(out, p.Text)
		out.WriteString("</a>")
	case p.Time != "":
		out.WriteString("<time")
		attribute(out, "datetime", p.Time)
		attribute(out, "title", p.Time)
		out.WriteByte('>')
		escape(out, p.Text)
		out.WriteString("</time>")
	default:
		escape(out, p.Text)
	}
}

// attribute writes an attribute that has a value.
func attribute(out *strings.Builder, name, value string) {
	if value == "" {
		return
	}
	out.WriteString(" " + name + `="`)
	escape(out, value)
	out.WriteByte('"')
}

// escape writes text so that it is nothing but text, in an attribute too.
func escape(out *strings.Builder, text string) {
	if strings.ContainsAny(text, "&<>\"'\x00") {
		text = template.HTMLEscapeString(text)
	}
	out.WriteString(text)
}

// What of a text on a screen, where a table can be scrolled, is not broken over lines, and what is not squeezed.
const (
	shortMost = 10
	longLeast = 32
)

// link makes links of what a cell speaks of.
func (t *pageTable) link(c *pageCell, r Row, i int) {
	if i == numbers || i >= len(r.Cells) {
		return
	}
	cell, name := r.Cells[i], t.l.t.Columns[i].Name
	if at, ok := t.links.recorded(name, cell); ok {
		c.Text, c.Time, c.Class = t.links.moment(at, t.l.t, r), c.Text, "day"
	}
	if name == "act" {
		c.Class = "act"
	} else if width := displaywidth.String(c.Text); t.links.Page && c.Class == "" {
		switch {
		case width <= shortMost:
			c.Class = "day"
		case width >= longLeast:
			c.Class = "long"
		}
	}
	if t.links.Page && t.l.o.Lang != words.Chinese && strings.ContainsFunc(c.Text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		c.Lang = "zh-CN"
	}
	switch {
	case cell.Kind == Seqs && t.links.Event != nil:
		for at, part := range strings.Split(c.Text, " ") {
			if at > 0 {
				c.Parts = append(c.Parts, pagePart{Text: " "})
			}
			p := pagePart{Text: part}
			first := part[:strings.IndexFunc(part+"x", func(r rune) bool { return r < '0' || r > '9' })]
			if n, err := events.ParseSeq(first); err == nil {
				p.Href = t.links.Event(n)
			}
			c.Parts = append(c.Parts, p)
		}
	case cell.Kind == List && t.links.Part != nil:
		for at, part := range cell.Cells() {
			if at > 0 {
				c.Parts = append(c.Parts, pagePart{Text: "; "})
			}
			c.Parts = append(c.Parts, pagePart{Text: safe(visible(t.l.s.plain(part, t.l.o, t.l.st), "")), Href: t.links.Part(part)})
		}
	case cell.Kind != Null && cell.Kind != Absent && t.links.Cell != nil && c.Text != "":
		c.Href = t.links.Cell(t.l.t, name, r)
	}
}

// Notes are those on what does not add up as printed. They follow from [layout.measure].
func (t *pageTable) Notes() (out []string) {
	for _, n := range t.l.rounding() {
		out = append(out, safe(visible(n, "")))
	}
	return out
}

// safe replaces what neither HTML nor XML can hold: the code points that are no characters.
func safe(text string) string {
	return strings.Map(func(r rune) rune {
		if r&0xfffe == 0xfffe || 0xfdd0 <= r && r <= 0xfdef {
			return '\ufffd'
		}
		return r
	}, text)
}

// The document is well-formed XML too, so that it can be read by programs that know no HTML.
var pages = template.Must(template.New("").Parse(`{{define "document"}}<!DOCTYPE html>
<html lang="{{.Lang}}" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #595959; --line: #8c8c8c; --band: #f0f0f0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --faint: #a6a6a6; --line: #6b6b6b; --band: #262626; } }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #333; --line: #444; --band: #eee; } }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; }
h1 { font-size: 1.5rem; text-align: center; text-wrap: balance; margin: 0 0 1rem; }
.face, .notes { list-style: none; margin: 0 0 1rem; padding: 0; color: var(--faint); font-size: .85rem; overflow-wrap: anywhere; }
.notes { margin-top: .5rem; }
.scroll { overflow-x: auto; margin-bottom: 2rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
caption .unit { float: right; font-weight: 400; }
.main caption .name { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { border: 1px solid var(--line); padding: .2rem .45rem; text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: break-word; min-width: 2.5em; }
thead th { background: var(--band); text-align: center; vertical-align: middle; font-weight: 600; }
.day { white-space: nowrap; }
tbody .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.total > * { font-weight: 700; border-top: 2px solid var(--ink); }
.d1 { padding-left: 1.6em; } .d2 { padding-left: 2.8em; } .d3 { padding-left: 4em; } .d4 { padding-left: 5.2em; } .d5 { padding-left: 6.4em; }
.d6 { padding-left: 7.6em; } .d7 { padding-left: 8.8em; } .d8 { padding-left: 10em; } .d9 { padding-left: 11.2em; }
@page { size: A4 {{if .Wide}}landscape{{else}}portrait{{end}}; margin: 14mm 12mm 16mm;
  @bottom-left { content: "{{.Foot}}"; font: 7pt monospace; }
  @bottom-right { content: {{.Number}}; font: 8pt sans-serif; } }
@media print { html { font-size: 9pt; } body { margin: 0; padding: 0; max-width: none; font-size: 1rem; line-height: 1.3; } h1 { font-size: 15pt; } .scroll { overflow: visible; }
  thead { display: table-header-group; } tr { break-inside: avoid; } thead th { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>
</head>
<body>
{{template "sheet" .}}
</body>
</html>
{{end}}{{define "sheet"}}<article class="sheet" lang="{{.Lang}}">
{{template "head" .}}{{.Above}}{{range .Tables}}{{template "table" .}}{{end}}</article>{{end}}{{define "head"}}<h1>{{.Title}}</h1>
<ul class="face">{{range .Face}}
<li>{{range .}}{{template "part" .}}{{end}}</li>{{end}}
</ul>
{{end}}{{define "tables"}}{{range .Tables}}{{template "table" .}}{{end}}{{end}}{{define "table"}}<section{{if .Main}} class="main"{{end}}>
{{if .Empty}}<p>{{.Nothing}}</p>
{{else}}<div class="scroll"{{with .Region}} role="region" tabindex="0" aria-label="{{.}}"{{end}}><table>
<caption><span class="name">{{.Title}}</span>{{with .Unit}} <span class="unit">{{.}}</span>{{end}}</caption>
<thead>{{range .Heads}}
<tr>{{range .}}<th scope="{{.Scope}}"{{if gt .Cols 1}} colspan="{{.Cols}}"{{end}}{{if gt .Rows 1}} rowspan="{{.Rows}}"{{end}}{{with .Class}} class="{{.}}"{{end}}>{{.Text}}</th>{{end}}</tr>{{end}}
</thead>
<tbody>{{range .Rows}}{{.}}{{end}}
</tbody>
</table></div>
{{with .Notes}}<ul class="notes">{{range .}}
<li>{{.}}</li>{{end}}
</ul>
{{end}}{{end}}</section>
{{end}}{{define "marks"}}{{with .Class}} class="{{.}}"{{end}}{{with .Lang}} lang="{{.}}"{{end}}{{end}}{{define "part"}}{{if .Href}}<a href="{{.Href}}">{{.Text}}</a>{{else if .Time}}<time datetime="{{.Time}}" title="{{.Time}}">{{.Text}}</time>{{else}}{{.Text}}{{end}}{{end}}`))
