package sheet

import (
	"bufio"
	"io"
	"strings"
)

// WriteMarkdown writes a sheet as a Markdown document with the tables of CommonMark's usual extension. Its cells are those of text.
func WriteMarkdown(w io.Writer, s *Sheet, o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	line := func(text string) {
		// bufio keeps the first error, and Flush returns it
		_, _ = out.WriteString(text)
		_ = out.WriteByte('\n')
	}
	// Blanks at the beginning of a cell are taken away; the ideographic one, as wide as two, is not.
	st := style{null: nothing, thousands: true, percent: "%", people: true, indent: "\u3000", said: map[string]string{}}
	line("# " + escaped(visible(s.plain(Say("title."+s.Name, s.Title...), o, st), "")))
	line("")
	for _, f := range s.Face {
		line("- " + escaped(visible(s.plain(f, o, st), "")))
	}
	if !s.NoMoney {
		line("- " + escaped(s.Counted(o)))
	}
	for i, t := range s.Tables {
		if t.silent() && i > 0 {
			continue
		}
		line("")
		if i > 0 {
			line("## " + escaped(Catalogue.Say(o.Lang, "table."+t.Name, nil)))
			line("")
		}
		if t.silent() {
			line(escaped(Catalogue.Say(o.Lang, "table.empty", nil)))
			continue
		}
		l := layout{s: s, t: t, o: o, st: st}
		l.measure()
		l.markdown(line)
		for i, note := range l.rounding() {
			if i == 0 {
				line("")
			}
			line("- " + escaped(visible(note, "")))
		}
	}
	return out.Flush()
}

func (l *layout) markdown(line func(string)) {
	put := func(cell func(i int) string) {
		var b strings.Builder
		b.WriteByte('|')
		for _, i := range l.columns {
			b.WriteString(" " + cell(i) + " |")
		}
		line(b.String())
	}
	row := func(r Row, depth int) { put(func(i int) string { return escaped(l.cell(r, i, depth)) }) }
	put(func(i int) string { return escaped(l.heading(i)) })
	put(func(i int) string {
		if i != numbers && l.t.Columns[i].Right {
			return "---:"
		}
		return "---"
	})
	if l.t.First != nil {
		row(*l.t.First, 1)
	}
	for r := range l.rows {
		row(r, r.Depth)
		if l.says(r.Own) {
			row(*r.Own, r.Depth+1)
		}
	}
	if l.t.Last != nil {
		row(*l.t.Last, 1)
	}
	if total := l.t.Total; total != nil {
		if l.says(total.Own) {
			row(*total.Own, 1)
		}
		put(func(i int) string {
			if text := escaped(l.cell(*total, i, 1)); text != "" {
				return "**" + text + "**"
			}
			return ""
		})
	}
}

// markup is what Markdown may take for something else than itself within a line.
var markup = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "&", `\&`, "~", `\~`,
	"#", `\#`, "://", `:\//`, "www.", `www\.`, "@", `\@`)

// escaped makes Markdown show a text as it is: nothing that is stored becomes a link, a picture or HTML.
func escaped(text string) string { return markup.Replace(text) }
