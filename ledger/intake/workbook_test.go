package intake_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"fundledger/ledger/intake"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

// A written is what one cell of a generated workbook is written as, and what stands in it.
type written struct {
	xml  string // with %s for where it is and how it is formatted
	text string
	kind intake.CellKind
}

// aText is a text that gives readers trouble, with how XML writes it.
func aText(t *rapid.T) (text, escaped string) {
	text = strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"甲", "公司", " ", "<", "&", "\"", "'", ">", "]]>", "0", "17", "\n", "\u200e", "é", "😀", "_", "x"}), 1, 6).Draw(t, "text"), "")
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text))
	escaped = b.String()
	if !strings.Contains(text, "]]>") && rapid.Bool().Draw(t, "literal") {
		escaped = "<![CDATA[" + text + "]]>"
	}
	return text, escaped
}

// A generated workbook is written as programs other than Excel write one too: with prefixes, strict, without the places of cells, with parts anywhere.
func generated(t *rapid.T) (file []byte, cells map[[2]int]written) {
	p := rapid.SampledFrom([]string{"", "x:"}).Draw(t, "prefix")
	rel := rapid.SampledFrom([]string{"r", "d3p1"}).Draw(t, "prefix of relations")
	main, relations := "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	if rapid.Bool().Draw(t, "strict") {
		main, relations = "http://purl.oclc.org/ooxml/spreadsheetml/main", "http://purl.oclc.org/ooxml/officeDocument/relationships"
	}
	named := "xmlns"
	if p != "" {
		named = "xmlns:x"
	}
	root := fmt.Sprintf(` %s="%s" xmlns:%s="%s"`, named, main, rel, relations)
	tag := func(s string) string { // puts the prefix before each name
		return strings.NewReplacer("</", "</"+p, "<", "<"+p).Replace(s)
	}
	cells = map[[2]int]written{}
	var shared []string
	var rows strings.Builder
	row := 0
	for range rapid.IntRange(1, 6).Draw(t, "rows") {
		row += rapid.IntRange(1, 3).Draw(t, "gap")
		fmt.Fprintf(&rows, tag(`<row r="%d">`), row)
		column := 0
		for range rapid.IntRange(0, 5).Draw(t, "cells") {
			gap := rapid.IntRange(0, 2).Draw(t, "skipped")
			column += gap
			at := ""
			if gap > 0 || rapid.Bool().Draw(t, "placed") {
				name, _ := excelize.CoordinatesToCellName(column+1, row)
				at = fmt.Sprintf(` r="%s"`, name)
			}
			c := written{}
			switch rapid.SampledFrom([]string{"shared", "rich", "inline", "formula", "number", "truth", "fault", "none"}).Draw(t, "type") {
			case "shared":
				text, escaped := aText(t)
				c = written{fmt.Sprintf(tag(`<c%%s t="s"><v>%d</v></c>`), len(shared)), text, intake.TextCell}
				shared = append(shared, tag(`<si><t xml:space="preserve">`)+escaped+tag(`</t><phoneticPr fontId="1"/></si>`))
			case "rich":
				one, first := aText(t)
				two, second := aText(t)
				c = written{fmt.Sprintf(tag(`<c%%s t="s"><v>%d</v></c>`), len(shared)), one + two, intake.TextCell}
				shared = append(shared, tag(`<si><r><rPr><b/></rPr><t xml:space="preserve">`)+first+tag(`</t></r><r><t xml:space="preserve">`)+second+
					tag(`</t></r><rPh sb="0" eb="1"><t>ジャ</t></rPh></si>`))
			case "inline":
				text, escaped := aText(t)
				c = written{tag(`<c%s t="inlineStr"><is><t xml:space="preserve">`) + escaped + tag(`</t></is></c>`), text, intake.TextCell}
			case "formula":
				text, escaped := aText(t)
				c = written{tag(`<c%s t="str"><f>A1&amp;"&lt;"</f><v>`) + escaped + tag(`</v></c>`), text, intake.TextCell}
			case "number":
				text := rapid.SampledFrom([]string{"0", "-78.88", "1738.7", "1E3", "0.1", "123456789012345", "44669"}).Draw(t, "number")
				c = written{fmt.Sprintf(tag(`<c%%s%s><v>%s</v></c>`), rapid.SampledFrom([]string{"", ` t="n"`}).Draw(t, "said"), text), text, intake.NumberCell}
			case "truth":
				text := rapid.SampledFrom([]string{"0", "1"}).Draw(t, "truth")
				c = written{fmt.Sprintf(tag(`<c%%s t="b"><v>%s</v></c>`), text), text, intake.TruthCell}
			case "fault":
				c = written{tag(`<c%s t="e"><v>#REF!</v></c>`), "#REF!", intake.ErrorCell}
			case "none":
				c = written{tag(`<c%s/>`), "", intake.EmptyCell}
			}
			rows.WriteString(strings.Replace(c.xml, "%s", at, 1))
			cells[[2]int{row, column}] = c
			column++
		}
		rows.WriteString(tag(`</row>`))
	}
	part := func(body string) string {
		return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" + body
	}
	relation := func(id int, kind, target string) string {
		return fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/%s" Target="%s"/>`, id, relations, kind, target)
	}
	const packages = `http://schemas.openxmlformats.org/package/2006/`
	target := rapid.SampledFrom([]string{"worksheets/sheet1.xml", "/xl/worksheets/sheet1.xml"}).Draw(t, "target")
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="` + packages + `content-types"><Default Extension="xml" ContentType="application/xml"/>` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + packages + `relationships">` + relation(1, "officeDocument", "xl/workbook.xml") + `</Relationships>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packages + `relationships">` + relation(1, "worksheet", target) +
			relation(2, "sharedStrings", "sharedStrings.xml") + `</Relationships>`},
		{"xl/workbook.xml", tag(`<workbook`) + root + `>` + tag(`<sheets><sheet name="明细" sheetId="1" `) + rel + `:id="rId1"/>` + tag(`</sheets></workbook>`)},
		{"xl/sharedStrings.xml", tag(`<sst`) + root + `>` + strings.Join(shared, "") + tag(`</sst>`)},
		{"xl/worksheets/sheet1.xml", tag(`<worksheet`) + root + `>` + tag(`<sheetData>`) + rows.String() + tag(`</sheetData></worksheet>`)},
	} {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = w.Write([]byte(part(f[1])))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), cells
}

// Our reading of workbooks is held against what was written and against a reader that is not ours.
func TestWorkbooksAreReadAsExcelizeReadsThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		file, cells := generated(t)
		f, err := intake.Open("x.xlsx", bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		other, err := excelize.OpenReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		got := map[[2]int]intake.Cell{}
		for r, err := range f.Sheets[0].Rows() {
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range r.Cells {
				got[[2]int{r.Number, i}] = c
			}
		}
		for at, want := range cells {
			c := got[at]
			delete(got, at)
			if c.Text != want.text || c.Kind != want.kind {
				t.Errorf("row %d, column %d, written %s, is read as %q of kind %d", at[0], at[1]+1, want.xml, c.Text, c.Kind)
			}
			name, _ := excelize.CoordinatesToCellName(at[1]+1, at[0])
			text, err := other.GetCellValue("明细", name, excelize.Options{RawCellValue: true})
			if err != nil || text != c.Text {
				t.Errorf("row %d, column %d, written %s, is %q here and %q, %v to excelize", at[0], at[1]+1, want.xml, c.Text, text, err)
			}
		}
		for at, c := range got {
			if c.Kind != intake.EmptyCell || c.Text != "" {
				t.Errorf("row %d, column %d is read as %q, and nothing stands there", at[0], at[1]+1, c.Text)
			}
		}
	})
}
