package document

import (
	"bufio"
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// writeText writes papers for a terminal, with an empty line between two.
func writeText(w io.Writer, forms []*form) error {
	out := bufio.NewWriter(w)
	line := func(parts ...string) { // bufio keeps the first error, and Flush returns it
		_, _ = out.WriteString(strings.TrimRight(strings.Join(parts, "  "), " ") + "\n")
	}
	for i, f := range forms {
		if i > 0 {
			line()
		}
		line(f.title)
		line(f.subtitle)
		line(f.year, f.number, f.date)
		for _, s := range f.stamps {
			line("*** " + s + " ***")
		}
		for _, s := range f.notes {
			line(s)
		}
		line()
		width := 0
		each := func(visit func(field)) {
			for _, row := range f.fields {
				for _, x := range row {
					visit(x)
				}
			}
			for _, x := range f.proof {
				visit(x)
			}
		}
		each(func(x field) { width = max(width, displaywidth.String(x.label)) })
		write := func(x field) { line(padded(x.label, width, false), x.value) }
		for _, row := range f.fields {
			for _, x := range row {
				write(x)
			}
		}
		for _, t := range f.tables {
			line()
			line(t.title, t.unit)
			widths := make([]int, len(t.heads))
			for _, row := range append([][]string{t.heads}, t.rows...) {
				for i, c := range row {
					widths[i] = max(widths[i], displaywidth.String(c))
				}
			}
			for _, row := range append([][]string{t.heads}, t.rows...) {
				cells := make([]string, len(row))
				for i, c := range row {
					cells[i] = padded(c, widths[i], i >= t.numbers)
				}
				line(cells...)
			}
		}
		line()
		for _, x := range f.proof {
			write(x)
		}
		line()
		var boxes []string
		for _, s := range f.signatures {
			boxes = append(boxes, s+" ________")
		}
		line(boxes...)
	}
	return out.Flush()
}

func padded(text string, width int, right bool) string {
	pad := strings.Repeat(" ", max(0, width-displaywidth.String(text)))
	if right {
		return pad + text
	}
	return text + pad
}
