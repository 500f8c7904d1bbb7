package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const hostileHead = "支付日期,项目,收款人,支付金额（元）\n"

// zipped is a ZIP file of parts.
func zipped(t testing.TB, parts ...[2]string) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, p := range parts {
		f, err := w.Create(p[0])
		if err == nil {
			_, err = f.Write([]byte(p[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// bookOf is the least workbook that has the rows in its sheet.
func bookOf(t testing.TB, sheet, strings string) string {
	t.Helper()
	const xml = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	const ns = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	return zipped(t,
		[2]string{"[Content_Types].xml", xml + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`},
		[2]string{"_rels/.rels", xml + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		[2]string{"xl/workbook.xml", xml + `<workbook` + ns + ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		[2]string{"xl/_rels/workbook.xml.rels", xml + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`},
		[2]string{"xl/worksheets/sheet1.xml", xml + `<worksheet` + ns + `>` + sheet + `</worksheet>`},
		[2]string{"xl/sharedStrings.xml", strings},
	)
}

// inline is a row of texts in a sheet.
func inline(row int, cells ...string) string {
	s := fmt.Sprintf(`<row r="%d">`, row)
	for i, c := range cells {
		at, _ := excelize.CoordinatesToCellName(i+1, row)
		if strings.HasPrefix(c, "<") {
			s += strings.Replace(c, "<c", `<c r="`+at+`"`, 1)
			continue
		}
		s += `<c r="` + at + `" t="inlineStr"><is><t>` + c + `</t></is></c>`
	}
	return s + `</row>`
}

// A hostileFile is a register that was made badly or by somebody who means ill, and what has to come of it.
type hostileFile struct {
	name, file, text string
	exit             int
	became           string   // of each row, as the receipts have it
	said             []string // on standard error or in a receipt
	stored           []truth
}

// TestHostileRegisters imports files that are no registers, are damaged, or are made to do harm: each gives the right result or a clear error, and no row is lost without a word.
func TestHostileRegisters(t *testing.T) {
	t.Parallel()
	for _, c := range hostileFiles(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := onFolder(t)
			p.with(funded()).ok(t, "append")
			dir := t.TempDir()
			file, refused := filepath.Join(dir, c.file), filepath.Join(dir, "refused"+filepath.Ext(c.file))
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got := p.run(t, "import", file, "--as", "payments", "--lang", "en", "--refused", refused)
			rs := receipts(t, got.out)
			if got.code != c.exit || statuses(rs) != c.became {
				t.Errorf("exit %d, want %d; the rows are %.2000q, want %.2000q\n%.2000s", got.code, c.exit, statuses(rs), c.became, got.err)
			}
			for _, want := range c.said {
				if !strings.Contains(got.err+got.out, want) {
					t.Errorf("nobody says %q:\n%.2000s%.2000s", want, got.err, got.out)
				}
			}
			if c.exit == exitUsage && !strings.Contains(got.err, "\nhint: ") {
				t.Errorf("there is no way out: %.2000s", got.err)
			}
			if _, err := os.Stat(refused); (err == nil) != strings.Contains(c.became, "refused") {
				t.Errorf("the file of refused rows: %v", err)
			}
			var stored []truth
			for _, e := range parseEvents(t, p.stored(t))[4:] {
				stored = append(stored, asTruth(t, e.Data.Command))
			}
			if !slices.Equal(stored, c.stored) {
				t.Errorf("stored is %+v, want %+v", stored, c.stored)
			}
		})
	}
}

// of is a payment of 2022-05-01 on line 2.
func of(payee string, fen int64) truth {
	return truth{kind: "disbursed", date: "2022-05-01", line: "2", fen: fen, payee: payee, channel: "payment"}
}

func hostileFiles(t *testing.T) []hostileFile {
	const good = "2022-05-01,产业发展,甲公司,1.50\n"
	paid := of("甲公司", 150)
	head := inline(1, "支付日期", "项目", "收款人", "支付金额（元）")
	row := func(n int, amount string) string { return inline(n, "2022-05-01", "产业发展", "甲公司", amount) }
	sheet := func(rows ...string) string { return bookOf(t, "<sheetData>"+strings.Join(rows, "")+"</sheetData>", "") }
	u16 := func(s string, order binary.AppendByteOrder) string {
		var b []byte
		for _, c := range utf16.Encode([]rune("\ufeff" + s)) {
			b = order.AppendUint16(b, c)
		}
		return string(b)
	}
	gb := func(s string) string {
		out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	locked := func() string {
		f := excelize.NewFile()
		defer f.Close()
		name := filepath.Join(t.TempDir(), "x.xlsx")
		if err := f.SaveAs(name, excelize.Options{Password: "secret"}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	wideHead, wideRow := strings.TrimSpace(hostileHead), strings.TrimSpace(good)
	for i := range 296 {
		wideHead += fmt.Sprintf(",附加%d", i)
		wideRow += ",x"
	}
	var many strings.Builder
	var allOf []truth
	for i := range 3000 {
		fmt.Fprintf(&many, "2022-05-01,产业发展,湖南省常德市第%d公司,1.50\n", i)
		allOf = append(allOf, of(fmt.Sprintf("湖南省常德市第%d公司", i), 150))
	}
	usage := func(name, file, text string, said ...string) hostileFile {
		return hostileFile{name: name, file: file, text: text, exit: exitUsage, said: said}
	}
	nothing := func(name, file, text string) hostileFile {
		return hostileFile{name: name, file: file, text: text, said: []string{"no row to import"}}
	}
	one := func(name, file, text string) hostileFile {
		return hostileFile{name: name, file: file, text: text, became: "appended", stored: []truth{paid}}
	}
	const bad = "refused/bad-value"
	return []hostileFile{
		usage("empty", "a.csv", "", "a.csv is empty"),
		usage("empty workbook", "a.xlsx", "", "a.xlsx is empty"),
		usage("blank lines", "a.csv", "\n\n\n", "a.csv", "支付日期"),
		usage("a byte order mark alone", "a.csv", "\ufeff", "a.csv", "支付日期"),
		nothing("a header", "a.csv", hostileHead),
		nothing("a header in a workbook", "a.xlsx", sheet(head)),
		{name: "a name of 1 MB", file: "a.csv", text: hostileHead + "2022-05-01,产业发展," + strings.Repeat("长", 350_000) + ",1.5\n" + good, exit: exitRefused, became: bad + " appended", said: []string{`"length":"350000"`}, stored: []truth{paid}},
		{name: "an amount of 1 MB", file: "a.csv", text: hostileHead + "2022-05-01,产业发展,甲公司," + strings.Repeat("1", 1_000_000) + "\n" + good, exit: exitRefused, became: bad + " appended", said: []string{"is not an amount"}, stored: []truth{paid}},
		one("a header of 1 MB", "a.csv", strings.Repeat("长", 350_000)+","+hostileHead+"x,"+good),
		usage("with a password", "a.xlsx", locked(), "password"),
		usage("an old workbook renamed", "a.xlsx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"+strings.Repeat("\x00", 600), ".xls"),
		usage("a web page named as a workbook", "a.xls", "\r\n<HTML xmlns:x='urn:schemas-microsoft-com:office:excel'><table><tr><td>支付日期</td></tr></table></HTML>", "web page"),
		usage("a PDF named as a workbook", "a.xlsx", "%PDF-1.7\n", "PDF"),
		usage("another archive", "a.xlsx", zipped(t, [2]string{"a.txt", "x"}), "damaged"),
		usage("half a workbook", "a.xlsx", sheet(head, row(2, "<c><v>1.5</v></c>"))[:700], "damaged"),
		usage("a part outside the workbook", "a.xlsx", zipped(t, [2]string{"xl/workbook.xml", `<workbook><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>`}, [2]string{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="../../../../etc/passwd"/></Relationships>`}), "damaged"),
		usage("a sheet that does not end", "a.xlsx", bookOf(t, "<sheetData>"+head+`<row r="3"><c r="A3" t="inlineStr"><is><t>2022`, ""), "damaged"),
		usage("a cell outside the sheet", "a.xlsx", sheet(head, `<row r="2"><c r="ZZZZ2"><v>1</v></c></row>`), "damaged"),
		usage("a part that says it is of 1 TB", "a.xlsx", bomb(t, 1<<40), "a.xlsx is too large"),
		usage("a part of 300 MB in 300 KB", "a.xlsx", bomb(t, 300<<20), "a.xlsx is too large"),
		usage("a part that is larger than it says", "a.xlsx", bomb(t, 10), "a.xlsx is damaged"),
		one("UTF-16", "a.csv", u16(hostileHead+good, binary.LittleEndian)),
		one("UTF-16, the other way", "a.csv", u16(hostileHead+good, binary.BigEndian)),
		{name: "UTF-16 with a byte too many", file: "a.csv", text: u16(hostileHead+good, binary.LittleEndian) + "x", exit: exitRefused, became: "appended refused/malformed", stored: []truth{paid}},
		usage("a NUL among the first bytes", "a.csv", hostileHead+"2022-05-01,产业发展,甲\x00公司,1.5\n"+good, "neither CSV nor XLSX"),
		{name: "a NUL far behind", file: "a.csv", text: hostileHead + many.String() + "2022-05-01,产业发展,甲\x00公司,1.5\n", exit: exitRefused, became: strings.Repeat("appended ", 3000) + "refused/malformed", said: []string{`"input":3002,`, "characters"}, stored: allOf},
		{name: "half a character at the end", file: "a.csv", text: gb(hostileHead+good+"2022-05-03,产业发展,甲公司,3") + "\xb9", exit: exitRefused, became: "appended refused/malformed", said: []string{"characters"}, stored: []truth{paid}},
		{name: "half a character within", file: "a.csv", text: gb(hostileHead+"2022-05-02,产业发展,甲公") + "\xcb,2\n" + gb(good), exit: exitRefused, became: "refused/malformed appended", said: []string{"characters"}, stored: []truth{paid}},
		one("300 columns", "a.csv", wideHead+"\n"+wideRow+"\n"),
		{name: "formulas in CSV", file: "a.csv", text: hostileHead + "2022-05-01,产业发展,\"=cmd|' /C calc'!A0\",1.50\n2022-05-01,产业发展,甲公司,=1+1\n", exit: exitRefused, became: "appended " + bad, said: []string{"“=1+1” is not an amount"}, stored: []truth{of("=cmd|' /C calc'!A0", 150)}},
		{name: "another workbook's cells", file: "a.xlsx", text: sheet(head, row(2, "<c><f>[1]Sheet1!$A$1</f><v>7</v></c>"), row(3, "<c><f>[1]Sheet1!$A$1</f></c>")), exit: exitRefused, became: "appended " + bad, said: []string{"no stored value"}, stored: []truth{of("甲公司", 700)}},
		usage("two columns of amounts", "a.csv", "支付日期,项目,收款人,支付金额（元）,支付金额（元）\n2022-05-01,产业发展,甲公司,1.50,2.50\n", "D 支付金额（元）、E 支付金额（元）", "--guess"),
		usage("two columns of payees", "a.csv", "支付日期,项目,收款人,收款人,支付金额（元）\n2022-05-01,产业发展,甲公司,乙公司,1.50\n", "C 收款人、D 收款人"),
		{name: "marks that turn the writing round", file: "a.csv", text: hostileHead + "2022-05-01,产业发展,甲\u202e司公\u200f乙,1.50\n", became: "appended", stored: []truth{of("甲司公乙", 150)}},
		{name: "a quote that does not close", file: "a.csv", text: hostileHead + good + "2022-05-01,产业发展,\"乙公司,1.50\n" + good + good, exit: exitRefused, became: "appended refused/malformed appended+possible-duplicate appended+possible-duplicate", said: []string{"the quotes of line 3"}, stored: []truth{paid, paid, paid}},
		{name: "entities of entities", file: "a.xlsx", text: bookOf(t, "<sheetData>"+head+inline(2, "2022-05-01", "产业发展", `<c t="s"><v>0</v></c>`, "<c><v>1.5</v></c>")+row(3, `<c t="s"><v>0</v></c>`)+"</sheetData>", `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "1111111111"><!ENTITY b "&a;&a;&a;&a;">]><sst><si><t>&b;&b;</t></si></sst>`), exit: exitRefused, became: "appended " + bad, stored: []truth{of("&b;&b;", 150)}},
		{name: "a text that is not there", file: "a.xlsx", text: sheet(head, inline(2, "2022-05-01", "产业发展", `<c t="s"><v>99999</v></c>`, "<c><v>1</v></c>")), exit: exitRefused, became: bad},
		{name: "numbers that are none", file: "a.xlsx", text: sheet(head, row(2, "<c><v>NaN</v></c>"), row(3, "<c><v>1e308</v></c>"), row(4, "<c><v>-Inf</v></c>"), row(5, `<c t="e"><v>#REF!</v></c>`), row(6, `<c t="b"><v>1</v></c>`), row(7, "<c><v>1.5E0</v></c>")), exit: exitRefused, became: strings.Repeat(bad+" ", 5) + "appended", stored: []truth{paid}},
		{name: "a merge of the whole sheet", file: "a.xlsx", text: bookOf(t, "<sheetData>"+head+row(2, "<c><v>1.5</v></c>")+`</sheetData><mergeCells><mergeCell ref="E1:XFD1048576"/></mergeCells>`, ""), became: "appended", stored: []truth{paid}},
		one("the last row of a sheet", "a.xlsx", sheet(head, row(1048576, "<c><v>1.5</v></c>"))),
		{name: "accounts as numbers", file: "a.xlsx", text: sheet(inline(1, "支付日期", "项目", "收款人", "支付金额（元）", "收款人账号"), inline(2, "2022-05-01", "产业发展", "甲公司", "<c><v>1.5</v></c>", "<c><v>6222021234567890123</v></c>"), inline(3, "2022-05-01", "产业发展", "甲公司", "<c><v>1.5</v></c>", "<c><v>6.2220212345678899E+18</v></c>")), exit: exitRefused, became: bad + " " + bad, said: []string{"digits of “6222021234567890123” are lost"}},
	}
}

// bomb is a workbook whose sheet is 64 MB of blanks, and which says it is of another size.
func bomb(t testing.TB, says uint64) string {
	t.Helper()
	whole := bookOf(t, "<sheetData></sheetData>", "")
	in, err := zip.NewReader(strings.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	var packed, out bytes.Buffer
	f, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	blank := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		if _, err := f.Write(blank); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&out)
	for _, part := range in.File {
		if part.Name != "xl/worksheets/sheet1.xml" {
			if err := w.Copy(part); err != nil {
				t.Fatal(err)
			}
			continue
		}
		p, err := w.CreateRaw(&zip.FileHeader{Name: part.Name, Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: says})
		if err == nil {
			_, err = p.Write(packed.Bytes())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
