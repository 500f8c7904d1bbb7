package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

// hostile is what somebody may have put in for a name.
var hostile = []string{
	"<script>alert(1)</script>", `=cmd|' /C calc'!A0`, "+1+1", "-2+3", "@SUM(A1:A2)", "\t=1", "＝1+1", `=HYPERLINK("http://x.invalid","x")`, "http://x.invalid/", "a\u202eb\u2066c\x00d\x1be\u200ff",
	"_x0041_", "_x005F_x0041_", "'quoted", "\"quoted\" & <b>", "&#0;&amp;", "a\ufffeb\uffffc\U0001fffed", "\U000e0001tag", strings.Repeat("长", 2000), " before and after ", "1e5", "0012", "2022-04-18", "TRUE", "{{.Title}}",
	"/*", "]]>", "</style></table>",
}

// parse opens a workbook.
func parse(t testing.TB, text string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// part returns a file of a workbook.
func part(t testing.TB, text, name string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// texts are the cells of a table as text prints them, a cell for each of its columns.
func texts(s *Sheet, o Options) (out [][]string) {
	o, _ = o.filled()
	st := style{null: nothing, thousands: true, percent: "%", people: true}
	l := &layout{s: s, t: s.Tables[0], o: o, st: st}
	l.measure()
	for r := range l.all {
		var cells []string
		for _, i := range l.columns {
			cells = append(cells, l.content(r.Row, i))
		}
		out = append(out, cells)
	}
	return out
}

// TestNumbersOfXLSX: a cell shows what text prints, and its number is that exactly, to the last digit; what a spreadsheet cannot hold so is text.
func TestNumbersOfXLSX(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := events.Minor(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1e6, 1e6), rapid.SampledFrom([]int64{0, 1, -1, 1 << 53, 1<<53 + 1, 999999999999999, 1000000000000001, -999999999999999, 90071992547409931})).Draw(rt, "n"))
		rate := rapid.StringMatching(`-?(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?`).Draw(rt, "rate")
		o := Options{Lang: rapid.SampledFrom(words.Languages).Draw(rt, "lang"), Unit: rapid.SampledFrom(Units).Draw(rt, "unit")}
		s := sample("x")
		s.Tables[0].Columns = append(s.Tables[0].Columns, Column{Name: "stated", Right: true}, Column{Name: "days", Right: true})
		s.Tables[0].Rows = Rows(Row{Depth: 1, Cells: []Cell{Words("1"), Words("x"), Money(n, 2), Rate(rate), Plain(rate), Number(int64(n))}})
		s.Tables[0].Total = nil
		want := texts(s, o)[0]
		f := parse(t, write(t, "xlsx", s, o))
		tab := f.GetSheetList()[0]
		for at, shown := range want[2:] {
			cell := place(2+at, 6)
			if s.Tables[0].Columns[2+at].Name == "rate" {
				cell = place(3, 6)
			}
			kind, err := f.GetCellType(tab, cell)
			raw, err2 := f.GetCellValue(tab, cell, excelize.Options{RawCellValue: true})
			if err != nil || err2 != nil {
				rt.Fatal(err, err2)
			}
			digits := strings.Trim(strings.Map(func(r rune) rune {
				if r < '0' || r > '9' {
					return -1
				}
				return r
			}, shown), "")
			if kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString {
				if raw != shown || len(digits) <= 15 && shown != "–" && !strings.HasPrefix(shown, "-0") {
					rt.Fatalf("%s is the text %q for %s", cell, raw, shown)
				}
				continue
			}
			if len(digits) > 15 {
				rt.Fatalf("%s is a number of %d digits", cell, len(digits))
			}
			// The float that a spreadsheet makes of what stands there must be the one nearest to what is printed.
			plain := strings.TrimSuffix(strings.ReplaceAll(shown, ",", ""), "%")
			float, err := strconv.ParseFloat(raw, 64)
			if err != nil {
				rt.Fatal(err)
			}
			places := 0
			if _, fraction, ok := strings.Cut(plain, "."); ok {
				places = len(fraction)
			}
			if strings.HasSuffix(shown, "%") {
				if percent, err := strconv.ParseFloat(plain+"e-2", 64); err != nil || percent != float {
					rt.Fatalf("%s is %s for %s", cell, raw, shown)
				}
			} else if strconv.FormatFloat(float, 'f', places, 64) != plain {
				rt.Fatalf("%s is %s for %s", cell, raw, shown)
			}
		}
	})
}

// TestXLSX: what stands where, and how it is printed.
func TestXLSX(t *testing.T) {
	s := sample("企业", 1738705000, 940005000, 1714415002)
	s.Head = append(s.Head, Member{"root", Words("r+/=&oot")})
	s.Tables[0].Columns[2].Name, s.Tables[0].Numbered = "spent", true
	s.Tables = append(s.Tables, &Table{Name: "flags", Columns: []Column{{Name: "code"}, {Name: "amount", Right: true}}, Rows: Rows(Row{Depth: 1, Cells: []Cell{Term("flag", "over-budget"), Money(5, 2)}})},
		&Table{Name: "lots", Columns: Columns("lot"), Rows: Rows()})
	text := write(t, "xlsx", s, Options{Lang: words.Chinese, Unit: Wan})
	f := parse(t, text)
	if got := fmt.Sprint(f.GetSheetList()); got != "[预算执行表 例外]" {
		t.Errorf("worksheets %s", got)
	}
	for cell, want := range map[string]string{
		"A1": "资金（cd-gx）2022 年度预算执行表", "A2": "业务日期截至：不限", "A3": "单位：万元", "A4": "编码", "B4": "序号", "D4": "执行数", "D5": "支出", "E5": "执行率", "B6": "一、", "D6": "1,738.71", "E6": "50.00%",
		"C9": "合计", "D9": "4,393.13", "E9": "–", "A10": "尾差：0 的支出按真实合计四舍五入为 4393.13，各行所列数相加为 4393.14（相差 -0.01）",
	} {
		if got, err := f.GetCellValue("预算执行表", cell); got != want || err != nil {
			t.Errorf("%s is %q, %v, want %q", cell, got, err, want)
		}
	}
	if got, _ := f.GetCellValue("预算执行表", "E6", excelize.Options{RawCellValue: true}); got != "0.5" {
		t.Errorf("50.00%% is the number %s", got)
	}
	merged, err := f.GetMergeCells("预算执行表")
	var ranges []string
	for _, m := range merged {
		ranges = append(ranges, m[0])
	}
	if got := strings.Join(ranges, " "); err != nil || got != "A1:E1 A2:E2 A3:E3 A4:A5 B4:B5 C4:C5 D4:E4 A10:E10" {
		t.Errorf("merged %s, %v", got, err)
	}
	pane, err := f.GetPanes("预算执行表")
	if err != nil || !pane.Freeze || pane.YSplit != 5 || pane.XSplit != 3 {
		t.Errorf("frozen %+v, %v", pane, err)
	}
	layout, err := f.GetPageLayout("预算执行表")
	if err != nil || *layout.Size != 9 || *layout.Orientation != "portrait" || *layout.FitToWidth != 1 || *layout.FitToHeight != 0 {
		t.Errorf("page %+v, %v", layout, err)
	}
	if props, err := f.GetSheetProps("预算执行表"); err != nil || props.FitToPage == nil || !*props.FitToPage {
		t.Errorf("the page is not fitted: %v", err)
	}
	if foot, err := f.GetHeaderFooter("预算执行表"); err != nil || foot.OddFooter != "&L&7 cd-gx，第 7 号事件，日志根 r+/=&&oot&R&9 第 &P 页，共 &N 页" {
		t.Errorf("foot %+v, %v", foot, err)
	}
	if book := part(t, text, "xl/workbook.xml"); !strings.Contains(book, "&#39;预算执行表&#39;!$3:$5<") || !strings.Contains(book, "&#39;例外&#39;!$3:$4<") {
		t.Errorf("the headings are not repeated: %s", book)
	}
	props, err := f.GetDocProps()
	if err != nil || props.Creator != "fundledger" || props.LastModifiedBy != "fundledger" || props.Created != "2000-01-01T00:00:00Z" {
		t.Errorf("properties %+v, %v", props, err)
	}
	if got, _ := f.GetCellValue("例外", "A1"); got != "资金（cd-gx）2022 年度预算执行表（附表：项目和结转资金未了结的例外）" {
		t.Errorf("the further table is called %q", got)
	}
	for range 20 { // the library writes worksheets as a map has them
		if write(t, "xlsx", s, Options{Lang: words.Chinese, Unit: Wan}) != text {
			t.Fatal("the same sheet has other bytes")
		}
	}
}

// TestXLSXBeyondAWorksheet: no row is lost where there are more than a worksheet takes, and no text that a cell cannot hold ends unseen.
func TestXLSXBeyondAWorksheet(t *testing.T) {
	s := sample("x", 1, 2, 3, 4, 5)
	s.Tables[0].Columns[1].Name = "words"
	s.Tables[0].Rows = func(yield func(Row) bool) {
		for i := range 5 {
			name := strconv.Itoa(i)
			if i == 2 {
				name = strings.Repeat("𠀀", 16384) // 32,768 in UTF-16
			}
			if !yield(Row{Depth: 1, Cells: []Cell{Words("1"), Words(name), Money(events.Minor(i), 2), {}}}) {
				return
			}
		}
	}
	var b bytes.Buffer
	if err := writeXLSX(&b, s, Options{}, 2); err != nil {
		t.Fatal(err)
	}
	f := parse(t, b.String())
	if got := fmt.Sprint(f.GetSheetList()); got != "[Execution Execution (2) Execution (3)]" {
		t.Fatalf("worksheets %s", got)
	}
	for at, want := range map[string]string{
		"Execution!B6": "0", "Execution!B7": "1", "Execution (2)!B7": "3", "Execution (3)!B6": "4", "Execution (3)!A7": "0", "Execution (3)!C7": "0.15", "Execution (2)!C5": "spent",
		"Execution (2)!B6": strings.Repeat("𠀀", 16383) + "…", "Execution (3)!A8": "cell B6 is cut: it has 16384 characters, and a cell of Excel holds 32,767",
	} {
		tab, cell, _ := strings.Cut(at, "!")
		if got, err := f.GetCellValue(tab, cell); got != want || err != nil {
			t.Errorf("%s is %.100q, %v, want %.100q", at, got, err, want)
		}
	}
}

func TestTab(t *testing.T) {
	var given []string
	for _, c := range [][2]string{
		{"Budget", "Budget"},
		{"budget", "budget (2)"},
		{"a[b]:c*d?e/f\\g", "a b  c d e f g"},
		{"'q'", "q"},
		{"", "1"},
		{strings.Repeat("长", 40), strings.Repeat("长", 30) + "…"},
		{strings.Repeat("长", 40), strings.Repeat("长", 26) + "… (2)"},
		{strings.Repeat("𠀀", 16), strings.Repeat("𠀀", 15) + "…"},
		{"\x00\u202e", "1 (2)"},
	} {
		if got := Tab(c[0], &given); got != c[1] {
			t.Errorf("Tab(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

// TestHostileTextIsText: whatever somebody has put in for a name is read back from a workbook as text prints it, from a cell that holds text and nothing else, and stands in a
// page as text.
func TestHostileTextIsText(t *testing.T) {
	s := sample("x")
	var rows []Row
	for _, name := range hostile {
		rows = append(rows, Row{Depth: 1, Cells: []Cell{Words(name), Words(name), Money(1, 2), {}}})
	}
	s.Tables[0].Rows, s.Tables[0].Total = Rows(rows...), nil
	s.Title[0] = Member{"name", Words(strings.Join(hostile[:16], ""))}
	s.Face = append(s.Face, Say("face.where", Member{"dim", Words("d")}, Member{"value", Words(strings.Join(hostile, " "))}))
	want := texts(s, Options{})
	xlsx := write(t, "xlsx", s, Options{})
	f := parse(t, xlsx)
	for i, cells := range want {
		for at, text := range cells[:2] {
			cell := place(at, 7+i)
			got, err := f.GetCellValue("Execution", cell)
			if kind, _ := f.GetCellType("Execution", cell); err != nil || got != safe(text) || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
				t.Errorf("%s is %.200q, %v, of kind %v, want %.200q", cell, got, err, kind, text)
			}
		}
	}
	if sheet := part(t, xlsx, "xl/worksheets/sheet1.xml"); strings.Contains(sheet, "<f>") || strings.Contains(sheet, "<f ") || strings.Contains(sheet, "hyperlink ") {
		t.Error("the worksheet has a formula or a link")
	}
	for _, lang := range words.Languages {
		page := write(t, "html", s, Options{Lang: lang})
		for _, bad := range []string{"<script", "<b>", "</style></table>", "\x00", "\u202e", "\ufffe"} {
			if strings.Contains(page, bad) {
				t.Errorf("the page has %q", bad)
			}
		}
		if strings.Contains(page, "http://x.invalid") && strings.Contains(page, "href") || strings.Count(page, "</style>") != 1 {
			t.Error("the page links to somewhere, or its style ends early")
		}
	}
}

// TestHTML is what stands within a page.
func TestHTML(t *testing.T) {
	s := sample("企业“甲”<&>", 173870499900, -5)
	own := Row{Cells: []Cell{{}, Say("row.own"), Money(7, 2), Left()}}
	s.Tables[0].Total.Own = &own
	s.Tables = append(s.Tables, &Table{Name: "flags", Columns: []Column{{Name: "code"}, {Name: "amount", Right: true}}, Rows: Rows(Row{Depth: 1, Cells: []Cell{Term("flag", "over-budget"), Money(5, 2)}})},
		&Table{Name: "lots", Columns: Columns("lot"), Rows: Rows()})
	var b bytes.Buffer
	if wide, err := WriteFragment(&b, s, Options{Lang: words.Chinese}, Links{}); err != nil || wide {
		t.Fatal(wide, err)
	}
	want := `<article class="sheet" lang="zh-CN">
<h1>资金（cd-gx）2022 年度预算执行表</h1>
<ul class="face">
<li>业务日期截至：不限</li>
</ul>
<section class="main">
<div class="scroll"><table>
<caption><span class="name">资金（cd-gx）2022 年度预算执行表</span> <span class="unit">单位：元</span></caption>
<thead>
<tr><th scope="col" rowspan="2">编码</th><th scope="col" rowspan="2">项目</th><th scope="colgroup" colspan="2">执行数</th></tr>
<tr><th scope="col" class="n">支出</th><th scope="col" class="n">执行率</th></tr>
</thead>
<tbody>
<tr><td>1</td><th scope="row">企业“甲”&lt;&amp;&gt;</th><td class="n">1,738,704,999.00</td><td class="n">50.00%</td></tr>
<tr><td>2</td><th scope="row">企业“甲”&lt;&amp;&gt;</th><td class="n">-0.05</td><td class="n">50.00%</td></tr>
<tr><td>–</td><th scope="row">未细分</th><td class="n">0.07</td><td class="n"></td></tr>
<tr class="total"><td>0</td><th scope="row">合计</th><td class="n">1,738,704,998.95</td><td class="n">–</td></tr>
</tbody>
</table></div>
</section>
<section>
<div class="scroll"><table>
<caption><span class="name">项目和结转资金未了结的例外</span> <span class="unit">单位：元</span></caption>
<thead>
<tr><th scope="col">例外</th><th scope="col" class="n">金额</th></tr>
</thead>
<tbody>
<tr><th scope="row">超预算</th><td class="n">0.05</td></tr>
</tbody>
</table></div>
</section>
</article>`
	if got := b.String(); got != want {
		t.Errorf("fragment =\n%s\nwant\n%s", got, want)
	}
	page := write(t, "html", s, Options{Lang: words.Chinese})
	if !strings.Contains(page, want) || !strings.Contains(page, `<html lang="zh-CN"`) || !strings.Contains(page, `content: "第 " counter(page) " 页，共 " counter(pages) " 页"`) || !strings.Contains(page, "A4 portrait") {
		t.Errorf("page =\n%s", page)
	}
	for _, outside := range []string{"src=", "href=", "url(", "@import", "<script", "<link", "<img"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page asks for something with %s", outside)
		}
	}
	s.Tables[0].Columns[1].Name = "words" // and wide
	s.Tables[0].Rows = Rows(Row{Depth: 1, Cells: []Cell{Words("1"), Words(strings.Repeat("宽", 60)), {}, {}}}, Row{Depth: 1, Cells: []Cell{Words(strings.Repeat("宽", 60)), {}, {}, {}}})
	if page := write(t, "html", s, Options{}); !strings.Contains(page, "A4 landscape") {
		t.Error("a wide table stands upright")
	}
}

// TestFragmentOfAPage is what a page that links has beside the cells.
func TestFragmentOfAPage(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 8*3600)
	recorded := Words("2022-12-31T16:00:01.000002Z")
	s := &Sheet{Name: "exceptions", Currency: "CNY", Decimals: 2, Face: []Cell{Say("face.known-at", Member{"seq", Number(7)}, Member{"recorded", recorded})}, Tables: []*Table{{
		Name: "rows", Columns: Columns("line", "|", "events", "seq", "|", "since", "purpose", "message"),
		Rows: Rows(Row{Depth: 1, Cells: []Cell{Words("1"), Numbers([]events.Seq{3, 4, 5, 9}), Number(4), recorded, Words("2022-12-31T16:00:01.000002Z"), Words("资金")}}),
	}}}
	links := Links{
		Event: func(n events.Seq) string { return "/e/" + n.String() },
		Cell: func(_ *Table, column string, _ Row) string {
			if column == "line" {
				return "/l?a=1&b=2"
			}
			return ""
		},
		ID:    func(_ *Table, r Row) string { return "line-" + r.Cells[0].Text() },
		Class: func(*Table, Row) string { return "breach" },
		Zone:  zone, Page: true,
	}
	var b bytes.Buffer
	if wide, err := WriteTable(&b, s, 0, Options{Lang: "en"}, links); err != nil || wide {
		t.Errorf("wide is %t, %v", wide, err)
	}
	for _, want := range []string{
		`<div class="scroll" role="region" tabindex="0" aria-label="`,
		`<tr id="line-1" class="breach"><th scope="row" class="day"><a href="/l?a=1&amp;b=2">1</a></th><td class="n"><a href="/e/3">3-5</a> <a href="/e/9">9</a></td><td class="n">4</td>`,
		`<td class="day"><time datetime="2022-12-31T16:00:01.000002Z" title="2022-12-31T16:00:01.000002Z">2023-01-01 00:00:01</time></td>`,
		`<td>2022-12-31T16:00:01.000002Z</td><td class="day" lang="zh-CN">资金</td>`, // what was stored is not a time of recording
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %s in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "<h1>") {
		t.Error("the table alone has a title")
	}
	b.Reset()
	if _, err := WriteFragment(&b, s, Options{Lang: "en"}, links); err != nil || !strings.Contains(b.String(), `recorded <time datetime="2022-12-31T16:00:01.000002Z" title="2022-12-31T16:00:01.000002Z">2023-01-01 00:00:01</time></li>`) {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// office is how an office program is run, with a profile of its own. Where there is none the test is skipped, and it fails where FUNDLEDGER_REQUIRE asks for one.
func office(t *testing.T) []string {
	t.Helper()
	path, err := exec.LookPath("soffice")
	if err == nil {
		return []string{path, "-env:UserInstallation=file://" + t.TempDir(), "--headless"}
	}
	if require := os.Getenv("FUNDLEDGER_REQUIRE"); slices.Contains([]string{"all", "office"}, require) {
		t.Fatalf("FUNDLEDGER_REQUIRE=%s asks for an office program: %v", require, err)
	}
	t.Skipf("=== SKIPPED: whether LibreOffice reads a workbook as it was written was NOT tried: %v; FUNDLEDGER_REQUIRE=office makes this a failure ===", err)
	return nil
}

// TestLibreOfficeReadsTheCells has another program open workbooks and write what it sees as CSV.
func TestLibreOfficeReadsTheCells(t *testing.T) {
	t.Parallel()
	run := office(t)
	s := sample("x")
	var rows []Row
	amounts := []events.Minor{0, 5, -5, 173870499900, 99999999999999, -99999999999999, 1<<53 + 1, 1<<63 - 1, 123456789012345}
	for i, name := range hostile {
		depth := 1 + i%3
		rows = append(rows, Row{Depth: depth, Cells: []Cell{Words(strconv.Itoa(i)), Words(name), Money(amounts[i%len(amounts)], 2), Rate([]string{"98.07", "", "-12.5", "1234.00", "0.05"}[i%5])}})
	}
	s.Tables[0].Rows, s.Tables[0].Total = Rows(rows...), nil
	for _, o := range []Options{{}, {Lang: words.Chinese, Unit: Wan}} {
		dir := t.TempDir()
		file := filepath.Join(dir, "table.xlsx")
		if err := os.WriteFile(file, []byte(write(t, "xlsx", s, o)), 0o600); err != nil {
			t.Fatal(err)
		}
		// Fields by commas, quoted by ", UTF-8, from line 1, as shown.
		args := append(run[1:], "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true", "--outdir", dir, file)
		if out, err := exec.CommandContext(t.Context(), run[0], args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, "table.csv"))
		if err != nil {
			t.Fatal(err)
		}
		in := csv.NewReader(bytes.NewReader(data))
		in.FieldsPerRecord = -1
		got, err := in.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := texts(s, o)
		got = got[5:] // title, two lines of the face and the heading's two
		if len(got) != len(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		for i, cells := range want {
			for at, text := range cells {
				if got[i][at] != safe(text) {
					t.Errorf("row %d, column %d: LibreOffice shows %.200q, text %.200q", i, at, got[i][at], text)
				}
			}
		}
	}
}

// TestDaysOfHTML: a day stays on one line; what only has one in it may be broken.
func TestDaysOfHTML(t *testing.T) {
	t.Parallel()
	s := &Sheet{Name: "payments", Currency: "CNY", Decimals: 2, Tables: []*Table{{
		Name: "rows", Columns: Columns("line", "date", "purpose"), Rows: Rows(Row{Depth: 1, Cells: []Cell{Words("1"), Words("2022-04-18"), Words("2022-04-18 to 2022-04-20")}}),
	}}}
	var b bytes.Buffer
	if err := WriteHTML(&b, s, Options{Lang: "en", Unit: Yuan}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<td class="day">2022-04-18</td>`, `<td>2022-04-18 to 2022-04-20</td>`, `.day { white-space: nowrap; }`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %s in\n%s", want, b.String())
		}
	}
}
