package web

import (
	"bytes"
	"html/template"
	"slices"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// show makes the page's table of a sheet.
func (v *view) show(s *sheet.Sheet) (template.HTML, error) { return v.showWith(s, v.links()) }

func (v *view) showWith(s *sheet.Sheet, links sheet.Links) (template.HTML, error) {
	var out bytes.Buffer
	wide, err := sheet.WriteFragment(&out, s, v.options(), links)
	v.wide = v.wide || wide
	return template.HTML(out.String()), err // made by a template that escapes
}

// showHead makes the title and the face of a sheet alone.
func (v *view) showHead(s *sheet.Sheet) (template.HTML, error) {
	var out bytes.Buffer
	err := sheet.WriteHead(&out, s, sheet.Options{Lang: v.Lang, Unit: v.a.unit}, v.links())
	return template.HTML(out.String()), err // made by a template that escapes
}

// showTable makes one table of a sheet alone.
func (v *view) showTable(s *sheet.Sheet, n int) (template.HTML, error) {
	return v.showTableWith(s, n, v.links())
}

func (v *view) showTableWith(s *sheet.Sheet, n int, links sheet.Links) (template.HTML, error) {
	var out bytes.Buffer
	wide, err := sheet.WriteTable(&out, s, n, v.options(), links)
	v.wide = v.wide || wide
	return template.HTML(out.String()), err // made by a template that escapes
}

// links are what the cells of a sheet lead to.
func (v *view) links() sheet.Links {
	return sheet.Links{
		Page: true, Zone: v.zone, Zones: v.zonesOf(), ID: rowID, Class: rowClass,
		Event: func(n events.Seq) string { return v.event(v.Fund, n) },
		Part: func(part sheet.Cell) string {
			fund, seq := v.Fund, events.Seq(0)
			for _, m := range part.Members() {
				switch {
				case m.Name == "fund":
					fund = events.Fund(m.Value.Text())
				case m.Name == "seq":
					seq = events.Seq(m.Value.Int())
				}
			}
			if fund == "" || seq == 0 {
				return ""
			}
			return v.event(fund, seq)
		},
		Cell: func(t *sheet.Table, column string, row sheet.Row) string {
			at := func(name string) sheet.Cell {
				if i := t.Column(name); i >= 0 && i < len(row.Cells) {
					return row.Cells[i]
				}
				return sheet.Cell{}
			}
			cell := at(column)
			switch {
			case column == "act":
				return v.explain(t, row)
			case t.Column("other_names") >= 0 && column == "name" && cell.Text() != "" && v.r.URL.Query().Get("payee") == "":
				return v.To("/payees", "payee", cell.Text())
			case column == "payee" && cell.Text() != "" && v.Fund != "":
				return v.To("/payees", "payee", cell.Text(), "known_at", "")
			}
			fund := v.Fund
			if f := at("fund").Text(); f != "" {
				fund = events.Fund(f)
			}
			year := v.Year
			if cell := at("year"); cell.Kind == sheet.Integer {
				year = events.Year(cell.Int())
			}
			switch {
			case fund == "":
			case cell.Kind == sheet.Integer && slices.Contains([]string{"seq", "of", "event"}, column) && v.Fund != "":
				return v.event(fund, events.Seq(cell.Int()))
			case year == 0:
			case v.Fund == "" && slices.Contains([]string{"fund", "name", "year"}, column) && t.Column("other_names") < 0:
				return v.To("/funds/" + string(fund) + "/years/" + year.String())
			case slices.Contains([]string{"line", "name"}, column):
				line, err := events.ParseLine(at("line").Text())
				if err == nil && v.Fund != "" {
					return v.To("/funds/" + string(fund) + "/years/" + year.String() + "/lines/" + string(line))
				}
			}
			return ""
		},
	}
}

// rowID is what a line's row in the main table of lines is linked to by.
func rowID(t *sheet.Table, row sheet.Row) string {
	if t.Name != "lines" && t.Name != "rows" || t.Column("depth") < 0 {
		return ""
	}
	if line, err := events.ParseLine(row.Cells[max(t.Column("line"), 0)].Text()); err == nil {
		return "line-" + string(line)
	}
	return ""
}

// rowClass is what a row of contradictions is.
func rowClass(t *sheet.Table, row sheet.Row) string {
	if i := t.Column("class"); i >= 0 && i < len(row.Cells) {
		return "class-" + row.Cells[i].Text()
	}
	return ""
}

func (v *view) event(fund events.Fund, n events.Seq) string {
	return v.To("/funds/" + string(fund) + "/events/" + n.String())
}

// options are how the page shows a sheet.
func (v *view) options() sheet.Options { return sheet.Options{Lang: v.Lang, Unit: v.Unit()} }

// piece draws a part of the page's template.
func (v *view) piece(name string) (template.HTML, error) {
	var out bytes.Buffer
	err := layouts[v.Template].ExecuteTemplate(&out, name, v)
	return template.HTML(out.String()), err // made by a template that escapes
}
