package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/clipperhouse/displaywidth"
	"github.com/xuri/excelize/v2"
)

// A readBack is a table as it was read back from some format: its rows, and the total as the last, by the headings of their columns.
type readBack []map[string]string

// TestEveryEncoderHasTheSameCells reads every table back from every format and compares all cells with those of JSON. JSON and CSV are read by the names of
// the columns, the others by their headings. CSV has the main table alone.
func TestEveryEncoderHasTheSameCells(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, sample())
	var asked [][]string
	for _, name := range projections.Tables {
		asked = append(asked, []string{"table", name, "--fund", "cd-gx", "--year", "2022"})
	}
	asked = append(asked, []string{"table", "lots", "--fund", "cd-gx", "--year", "2023"}, []string{"report", "--fund", "cd-gx", "--year", "2022"},
		[]string{"statement", "--fund", "cd-gx", "--year", "2022", "--line", "2"}, []string{"statement", "--fund", "cd-gx", "--year", "2022", "--line", "1.1"},
		[]string{"table", "execution", "--fund", "cd-gx", "--year", "2022", "--as-of", "2022-06-30"}, []string{"table", "execution", "--fund", "cd-gx", "--year", "2023"},
		[]string{"check", "--fund", "cd-gx", "--year", "2022"}, []string{"diff", "--fund", "cd-gx", "--from", "30", "--to", "60"}, []string{"funds"},
		[]string{"event", "--fund", "cd-gx", "150"}, []string{"event", "--fund", "cd-gx", "23"}, []string{"payees"}, []string{"payees", "--payee", "湖南德山酒业营销有限公司"})
	for _, by := range []string{"channel", "payee", "basis"} {
		asked = append(asked, []string{"table", "execution", "--fund", "cd-gx", "--year", "2022", "--by", by}, []string{"table", "budget", "--fund", "cd-gx", "--year", "2022", "--by", by})
	}
	asked = append(asked, []string{"series", "--fund", "cd-gx", "--year", "2022", "--line", "1"}, []string{"series", "--fund", "cd-gx", "--year", "2023", "--line", "0", "--measure", "carried_in"},
		[]string{"series", "--fund", "cd-gx", "--year", "2022", "--line", "0", "--measure", "available", "--step", "day"},
		[]string{"table", "progress", "--fund", "cd-gx", "--year", "2022", "--as-of", "2022-09-30"}, []string{"table", "ageing", "--fund", "cd-gx", "--year", "2022", "--as-of", "2022-12-31", "--by", "payee"},
		[]string{"table", "transit", "--fund", "cd-gx", "--year", "2022", "--by", "basis"}, []string{"table", "ageing", "--fund", "cd-gx", "--year", "2023"})
	narrow := []string{"--fund", "cd-gx", "--year", "2022", "--where", "channel=lower-treasury", "--where", "basis=stated"}
	for _, first := range [][]string{{"table", "execution"}, {"table", "payments"}, {"table", "progress"}, {"table", "monthly", "--month", "2022-04"}, {"table", "transit"}, {"table", "ageing"}, {"series", "--line", "1"}, {"report"}, {"statement", "--line", "1"}, {"diff", "--from", "2"}} {
		asked = append(asked, slices.Concat(first, narrow))
	}
	further := map[string]bool{}
	for _, args := range asked {
		for _, lang := range words.Languages {
			printed := map[string]string{}
			print := func(format string) string {
				if text, ok := printed[format]; ok {
					return text
				}
				got := p.run(t, append(slices.Clone(args), "--lang", string(lang), "--format", format)...)
				if got.code != exitOK && (args[0] != "check" || got.code != exitRefused) {
					t.Fatalf("%v: exit %d: %s", args, got.code, got.err)
				}
				printed[format] = got.out
				return got.out
			}
			want := readJSON(t, print("json"))
			if len(want) == 0 && args[1] != "lots" {
				t.Errorf("%v has no rows", args)
			}
			html, xlsx := readHTML(t, print("html")), readXLSX(t, print("xlsx"))
			for format, got := range map[string]readBack{
				"text": readText(t, print("text")), "md": readMarkdown(t, print("md")), "csv": readCSV(t, print("csv")), "html": html[0], "xlsx": xlsx[0],
			} {
				compareCells(t, fmt.Sprint(args, format, lang), lang, format, got, want)
			}
			var more []readBack
			for _, name := range []string{"lots", "uncertain", "flags", "slow", "summary", "divided", "postings", "left", "totals", "twice", "funds"} {
				if rows := readTable(t, print("json"), name); len(rows) > 0 {
					more, further[name] = append(more, rows), true
				}
			}
			text, markdown := furtherTables(print("text"), "--"), furtherTables(print("md"), "|")
			if len(text) != len(more) || len(markdown) != len(more) || len(html) != len(more)+1 || len(xlsx) != len(more)+1 {
				t.Fatalf("%v has %d further tables in JSON, %d in text, %d in Markdown, %d tables in HTML, %d in XLSX", args, len(more), len(text), len(markdown), len(html), len(xlsx))
			}
			for i, want := range more {
				compareCells(t, fmt.Sprint(args, "text", lang, i), lang, "text", readText(t, text[i]), want)
				compareCells(t, fmt.Sprint(args, "md", lang, i), lang, "md", readMarkdown(t, markdown[i]), want)
				compareCells(t, fmt.Sprint(args, "html", lang, i), lang, "html", html[i+1], want)
				compareCells(t, fmt.Sprint(args, "xlsx", lang, i), lang, "xlsx", xlsx[i+1], want)
			}
		}
	}
	if len(further) != 9 {
		t.Errorf("of the further tables only %v were read", further)
	}
}

// TestLibreOfficeOpensEveryWorkbook has another program open a workbook of each kind, in both languages, and compares what it shows with what was written.
func TestLibreOfficeOpensEveryWorkbook(t *testing.T) {
	t.Parallel()
	soffice := asked(t, "soffice", "opens the workbooks")
	p := onFolder(t)
	p.append(t, sample())
	p.append(t, `{"kind":"bank-line","fund":"cd-gx","year":2022,"date":"2022-04-19","account":"43050168123600000123","direction":"out","amount":"14840000.00","balance":"-5.00","reference":"=1+1"}`)
	register := filepath.Join(t.TempDir(), "register.csv")
	if err := os.WriteFile(register, []byte("日期,项目,收款人,金额（元）\n2022-05-01,1.4,=1+1,\"1,738.70\"\n2022-05-02,9,乙,-3\n2022-05-03,1.4,丙,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var questions [][]string
	for _, name := range projections.Tables {
		questions = append(questions, []string{"table", name, "--fund", "cd-gx", "--year", "2022", "--unit", "wan"})
	}
	for _, q := range []string{
		"table execution --year 2022 --by channel", "report --year 2022", "statement --year 2022 --line 1", "check --year 2022", "diff --from 30 --to 60", "event 23", "series --year 2022 --line 1",
		"print 23", "print 9 30-40", "reconcile --month 2022-04", "close --year 2023 --dry-run", "import " + register + " --as payments --year 2023 --dry-run",
	} {
		questions = append(questions, append(strings.Fields(q), "--fund", "cd-gx"))
	}
	questions = append(questions, []string{"funds"}, []string{"payees"})
	dir := t.TempDir()
	args := []string{"-env:UserInstallation=file://" + t.TempDir(), "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true", "--outdir", dir}
	want := map[string][][]string{}
	for i, q := range questions {
		for _, lang := range words.Languages {
			name := fmt.Sprintf("%d-%s", i, lang)
			file := filepath.Join(dir, name+".xlsx")
			if got := p.run(t, append(slices.Clone(q), "--format", "xlsx", "--lang", string(lang), "--out", file)...); got.code != exitOK && !slices.Contains([]string{"check", "reconcile", "import"}, q[0]) { // which find something
				t.Fatalf("%v: %+v", q, got)
			}
			args = append(args, file)
			f, err := excelize.OpenFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := f.GetRows(f.GetSheetList()[0])
			if err != nil || len(rows) < 5 {
				t.Fatalf("%v: %d rows, %v", q, len(rows), err)
			}
			want[name] = rows
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if out, err := exec.CommandContext(t.Context(), soffice, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, rows := range want {
		data, err := os.ReadFile(filepath.Join(dir, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		in := csv.NewReader(bytes.NewReader(data))
		in.FieldsPerRecord = -1
		shown, err := in.ReadAll()
		if err != nil || len(shown) < len(rows) {
			t.Fatalf("%s: %d rows, want %d; %v", name, len(shown), len(rows), err)
		}
		at, _ := strconv.Atoi(name[:strings.Index(name, "-")])
		for i, cells := range rows {
			for j, cell := range cells {
				if got := shown[i][j]; got != cell {
					t.Errorf("%v in %s, row %d, column %d: LibreOffice shows %q, want %q", questions[at], name, i+1, j+1, got, cell)
				}
			}
		}
	}
}

// furtherTables are the paragraphs that have lines with that beginning, each without its title, after the first one.
func furtherTables(text, mark string) (out []string) {
	for part := range strings.SplitSeq(text, "\n\n") {
		if !strings.Contains("\n"+part, "\n"+mark) {
			continue
		}
		if mark != "|" { // in Markdown the title is a paragraph
			_, part, _ = strings.Cut(part, "\n")
		}
		out = append(out, "\n"+part+"\n")
	}
	return out[min(1, len(out)):]
}

// readTable reads the table of that name.
func readTable(t *testing.T, text, name string) (out readBack) {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	if whole[name] == nil {
		return nil
	}
	var rows []map[string]any
	if err := json.Unmarshal(whole[name], &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		cells := map[string]string{}
		for name, v := range r {
			cells[name] = flatCell(name, v)
		}
		out = append(out, cells)
	}
	return out
}

// title is the heading of a column in a language.
func title(lang words.Language, name string) string {
	if s := sheet.Catalogue.Find(lang, "column."+name, nil); s != "" {
		return s
	}
	return words.Ledger.Say(lang, "measure."+name, nil)
}

// A cell for people says the same as one for programs; these are the forms in which the two differ.
func sameCell(lang words.Language, name, got, want string, row map[string]string) bool {
	if got == want || got == "–" && want == "" {
		return true
	}
	plain := strings.TrimSuffix(strings.ReplaceAll(got, ",", ""), "%")
	if plain == want {
		return true
	}
	for _, group := range []string{"flag", "measure", "column", "kind", "channel", "basis", "class", "truth", "waiting", "bucket", "period", "place", "cause"} {
		var said []string
		for code := range strings.SplitSeq(want, "; ") {
			word := sheet.Catalogue.Find(lang, group+"."+code, nil)
			if group == "column" {
				word = title(lang, code)
			}
			if word == "" {
				word = words.Ledger.Find(lang, group+"."+code, nil)
			}
			said = append(said, word)
		}
		if want != "" && got == strings.Join(said, "; ") {
			return true
		}
	}
	switch name {
	case "group":
		return want == "" && got == sheet.Catalogue.Say(lang, "row.none", nil)
	case "name":
		return got == row["name_en"] && lang == words.English || want == "" && got == sheet.Catalogue.Say(lang, "row.total", nil)
	case "unit":
		return want != "" && got == sheet.Catalogue.Find(lang, "unit.CNY."+want, nil)
	case "events":
		// Text leaves the rest of a long list out.
		head, _, cut := strings.Cut(got, " …")
		return cut && strings.HasPrefix(want, head)
	}
	return false
}

func compareCells(t *testing.T, what string, lang words.Language, format string, got, want readBack) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d rows, JSON %d", what, len(got), len(want))
		return
	}
	cells := 0
	for i, w := range want {
		seen := 0
		for name := range w {
			column := title(lang, name)
			if format == "csv" && lang == words.English {
				column = name
			}
			g, ok := got[i][column]
			if !ok {
				continue // not every column is for people
			}
			seen++
			if !sameCell(lang, name, g, w[name], w) {
				t.Errorf("%s, row %d: %s is %q, in JSON %q", what, i+1, name, g, w[name])
			}
		}
		if cells += seen; seen < min(3, len(w)) {
			t.Errorf("%s, row %d: %v was compared with %v in %d cells", what, i+1, slices.Sorted(maps.Keys(got[i])), slices.Sorted(maps.Keys(w)), seen)
		}
	}
}

// readJSON reads the main table with its total: the first member of the object that is a list or an object of objects.
func readJSON(t *testing.T, text string) (out readBack) {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rows", "entries", "cells", "chain"} {
		out = append(out, readTable(t, text, name)...)
	}
	flat := func(row map[string]any) map[string]string {
		cells := map[string]string{}
		for name, v := range row {
			cells[name] = flatCell(name, v)
		}
		return cells
	}
	if whole["groups"] != nil {
		var groups []struct {
			Value any
			Rows  []map[string]any
			Total map[string]any
		}
		if err := json.Unmarshal(whole["groups"], &groups); err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			for _, r := range append([]map[string]any{g.Total}, g.Rows...) { // people read the total of a group before its rows
				r["group"] = g.Value
				out = append(out, flat(r))
			}
		}
	}
	if whole["figures"] != nil {
		var figures map[string]map[string]any
		if err := json.Unmarshal(whole["figures"], &figures); err != nil {
			t.Fatal(err)
		}
		for name, r := range figures {
			r["figure"] = name
			delete(r, "terms") // an object that only programs read
			out = append(out, flat(r))
		}
		slices.SortFunc(out, func(a, b map[string]string) int { return strings.Compare(a["figure"], b["figure"]) })
	}
	if whole["total"] != nil {
		var total map[string]any
		if err := json.Unmarshal(whole["total"], &total); err != nil {
			t.Fatal(err)
		}
		out = append(out, flat(total))
	}
	for _, r := range out {
		delete(r, "own") // rows of their own in text
	}
	return out
}

func flatCell(name string, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, flatCell(name, e))
		}
		if name == "events" {
			return runs(parts)
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		if v["issuer"] != nil {
			return fmt.Sprintf("%v %v %v %v %v", v["issuer"], v["year"], v["type"], v["number"], v["line"])
		}
		if v["field"] != nil {
			return fmt.Sprintf("%v %v", v["field"], v["seq"])
		}
		for _, name := range []string{"name", "id", "ref"} {
			if v[name] != nil {
				return fmt.Sprint(v[name])
			}
		}
	}
	return fmt.Sprint(v)
}

// runs draws neighbours together, as people read them.
func runs(numbers []string) string {
	var out []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == fmt.Sprint(atoi(numbers[j])+1) {
			j++
		}
		s := numbers[i]
		if j > i {
			s += "-" + numbers[j]
		}
		out = append(out, s)
		i = j + 1
	}
	return strings.Join(out, " ")
}

func atoi(s string) (n int) {
	_, _ = fmt.Sscan(s, &n)
	return n
}

func byFigure(g readBack, heads []string) readBack {
	if len(heads) > 0 && slices.ContainsFunc(words.Languages, func(l words.Language) bool { return heads[0] == title(l, "figure") || heads[0] == "figure" }) {
		slices.SortFunc(g, func(a, b map[string]string) int { return strings.Compare(a[heads[0]], b[heads[0]]) })
	}
	return g
}

// skipped reports whether a row is for people alone: the part of a group that is not split, and the balances about a statement.
func skipped(row map[string]string) bool {
	for _, v := range row {
		for _, lang := range words.Languages {
			for _, name := range []string{"row.own", "row.opening", "row.closing"} {
				if v == sheet.Catalogue.Say(lang, name, nil) {
					return true
				}
			}
		}
	}
	return false
}

// readText reads the first table by the places of its rule, counted in the cells that characters take.
func readText(t *testing.T, text string) (out readBack) {
	t.Helper()
	lines := strings.Split(text, "\n")
	rule := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "--") })
	if rule < 0 {
		return nil
	}
	var widths []int
	for part := range strings.FieldsSeq(lines[rule]) {
		widths = append(widths, len(part))
	}
	split := func(line string) []string {
		cells := make([]string, len(widths))
		at, column, end := 0, 0, widths[0]
		for _, r := range line {
			for column < len(widths)-1 && at >= end+2 {
				column++
				end += 2 + widths[column]
			}
			cells[column] += string(r)
			at += displaywidth.String(string(r))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		return cells
	}
	first := rule
	for lines[first-1] != "" {
		first--
	}
	heads := make([]string, len(widths))
	for _, line := range lines[first:rule] {
		for i, part := range split(line) {
			heads[i] = strings.TrimSpace(heads[i] + " " + part)
		}
	}
	for _, line := range lines[rule+1:] {
		if line == "" {
			break
		}
		if strings.HasPrefix(line, "--") {
			continue
		}
		row := map[string]string{}
		for i, c := range split(line) {
			row[heads[i]] = c
		}
		if !skipped(row) {
			out = append(out, row)
		}
	}
	return byFigure(out, heads)
}

func readMarkdown(t *testing.T, text string) (out readBack) {
	t.Helper()
	var heads []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "|") {
			if heads != nil {
				break
			}
			continue
		}
		var cells []string
		cell := ""
		for i := 1; i < len(line); i++ {
			switch {
			case line[i] == '\\':
				i++
				cell += line[i : i+1]
			case line[i] == '|':
				cell = strings.TrimSpace(strings.ReplaceAll(cell, "\u3000", " "))
				cells = append(cells, strings.TrimSuffix(strings.TrimPrefix(cell, "**"), "**"))
				cell = ""
			default:
				cell += line[i : i+1]
			}
		}
		switch {
		case heads == nil:
			heads = cells
		case strings.HasPrefix(cells[0], "---"):
		default:
			row := map[string]string{}
			for i, c := range cells {
				row[heads[i]] = c
			}
			if !skipped(row) {
				out = append(out, row)
			}
		}
	}
	return byFigure(out, heads)
}

// rowsBack gives the cells of rows the headings of their columns.
func rowsBack(heads []string, rows [][]string) (out readBack) {
	for _, cells := range rows {
		row := map[string]string{}
		for i, c := range cells {
			row[heads[i]] = c
		}
		if !skipped(row) {
			out = append(out, row)
		}
	}
	return byFigure(out, heads)
}

// readHTML reads the tables of a document, an empty one where it says that there is nothing. The document must be well-formed XML, in which nothing can stand that is
// not seen as what it is.
func readHTML(t *testing.T, text string) (out []readBack) {
	t.Helper()
	type cell struct {
		Text  string `xml:",chardata"`
		Cols  int    `xml:"colspan,attr"`
		Rows  int    `xml:"rowspan,attr"`
		Scope string `xml:"scope,attr"`
	}
	type row struct {
		Cells []cell `xml:",any"`
	}
	var doc struct {
		Lang     string `xml:"lang,attr"`
		Sections []struct {
			Nothing string `xml:"p"`
			Table   *struct {
				Head []row `xml:"thead>tr"`
				Rows []row `xml:"tbody>tr"`
			} `xml:"div>table"`
		} `xml:"body>article>section"`
	}
	_, text, ok := strings.Cut(text, "<!DOCTYPE html>")
	if !ok {
		t.Fatalf("no HTML document: %.100s", text)
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Sections {
		if s.Table == nil {
			if s.Nothing == "" {
				t.Error("a section with nothing in it")
			}
			out = append(out, nil)
			continue
		}
		// The headings of a row of two are put together: a cell of one column that is two rows high, and those below one of several columns.
		var heads []string
		below := s.Table.Head[len(s.Table.Head)-1].Cells
		for _, c := range s.Table.Head[0].Cells {
			switch {
			case len(s.Table.Head) == 1 || c.Rows == 2:
				heads = append(heads, c.Text)
			default:
				for range c.Cols {
					heads, below = append(heads, below[0].Text), below[1:]
				}
			}
		}
		var rows [][]string
		for _, r := range s.Table.Rows {
			var cells []string
			headings := 0
			for _, c := range r.Cells {
				cells = append(cells, strings.TrimSpace(c.Text))
				if c.Scope == "row" {
					headings++
				}
			}
			if headings != 1 || len(cells) != len(heads) {
				t.Fatalf("a row of %d cells below %d headings, %d of them what it is called", len(cells), len(heads), headings)
			}
			rows = append(rows, cells)
		}
		out = append(out, rowsBack(heads, rows))
	}
	return out
}

// readXLSX reads the tables of a workbook, one from each worksheet, its cells as they are shown: rows are the table's as far as their cells have borders. There is no formula, no link and no reference to another file in
// it.
func readXLSX(t *testing.T, text string) (out []readBack) {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, name := range f.GetSheetList() {
		all, err := f.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := f.GetMergeCells(name)
		if err != nil {
			t.Fatal(err)
		}
		beside := map[string]bool{} // cells over several columns, and what is covered by them
		for _, m := range merged {
			if m.GetStartAxis()[0] != m.GetEndAxis()[0] {
				beside[m.GetStartAxis()] = true
			}
		}
		var heads []string
		var rows [][]string
		styles := map[int]*excelize.Style{}
		style := func(at string) *excelize.Style {
			id, err := f.GetCellStyle(name, at)
			if err == nil && styles[id] == nil {
				styles[id], err = f.GetStyle(id)
			}
			if err != nil {
				t.Fatal(err)
			}
			return styles[id]
		}
		bordered := func(at string) bool { return len(style(at).Border) > 0 }
		shaded := func(at string) bool { return len(style(at).Fill.Color) > 0 }
		width := 0
		for r := range all {
			first, _ := excelize.CoordinatesToCellName(1, r+1)
			if !bordered(first) {
				continue
			}
			if shaded(first) {
				for width = 0; ; width++ {
					if at, _ := excelize.CoordinatesToCellName(width+1, r+1); !bordered(at) {
						break
					}
				}
				heads = append(heads, make([]string, width-len(heads))...)
			}
			var cells []string
			for c := range width {
				at, _ := excelize.CoordinatesToCellName(c+1, r+1)
				text, err := f.GetCellValue(name, at)
				if err != nil {
					t.Fatal(err)
				}
				if shaded(first) {
					if text != "" && !beside[at] {
						heads[c] = text
					}
					continue
				}
				if formula, err := f.GetCellFormula(name, at); err != nil || formula != "" {
					t.Errorf("%s of %s has the formula %q, %v", at, name, formula, err)
				}
				if linked, link, err := f.GetCellHyperLink(name, at); err != nil || linked {
					t.Errorf("%s of %s links to %q, %v", at, name, link, err)
				}
				cells = append(cells, text)
			}
			if !shaded(first) {
				rows = append(rows, cells)
			}
		}
		out = append(out, rowsBack(heads, rows))
	}
	parts, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts.File {
		if strings.Contains(part.Name, "externalLink") {
			t.Errorf("the workbook has %s", part.Name)
		}
	}
	return out
}

func readCSV(t *testing.T, text string) (out readBack) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, c := range record {
			if _, ok := row[records[0][i]]; !ok { // what was asked stands behind the row's own
				row[records[0][i]] = c
			}
		}
		out = append(out, row)
	}
	return byFigure(out, records[0])
}
