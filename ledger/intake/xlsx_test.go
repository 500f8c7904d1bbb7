package intake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/intake"

	"github.com/xuri/excelize/v2"
)

// A workbook is one that a test makes.
type workbook struct {
	t *testing.T
	*excelize.File
	sheet string
}

func newWorkbook(t *testing.T) *workbook {
	w := &workbook{t, excelize.NewFile(), "Sheet1"}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func (w *workbook) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// row writes cells from column A on; nil is left out.
func (w *workbook) row(n int, cells ...any) {
	w.t.Helper()
	for i, c := range cells {
		if c == nil {
			continue
		}
		at, err := excelize.CoordinatesToCellName(i+1, n)
		w.must(err)
		w.must(w.SetCellValue(w.sheet, at, c))
	}
}

func (w *workbook) style(at string, s excelize.Style) {
	w.t.Helper()
	id, err := w.NewStyle(&s)
	w.must(err)
	w.must(w.SetCellStyle(w.sheet, at, at, id))
}

func (w *workbook) merge(from, to string) {
	w.t.Helper()
	w.must(w.MergeCell(w.sheet, from, to))
}

func (w *workbook) bytes() []byte {
	w.t.Helper()
	b, err := w.WriteToBuffer()
	w.must(err)
	return b.Bytes()
}

func plan(t *testing.T, name string, file []byte, o intake.Options) *intake.Plan {
	t.Helper()
	f, err := intake.Open(name, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	o.Fund = "f"
	p, err := f.Plan(o, facts())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// became says what became of each row: its number, and amount@line of its payment, or the why of its refusal, or what it was passed over as.
func became(t *testing.T, p *intake.Plan) (out []string) {
	t.Helper()
	for item, err := range p.Items(nil) {
		if err != nil {
			t.Fatal(err)
		}
		what := ""
		switch item.Kind {
		case intake.Commands:
			for _, raw := range item.Commands {
				c, err := events.ParseCommand(raw)
				if err != nil {
					t.Fatalf("row %d: %s: %v", item.Row, raw, err)
				}
				what += fmt.Sprintf(" %s@%s %s %s", c.Amount, c.Line, c.Date, c.Payee.Name)
			}
		case intake.Refusal:
			what = " refused " + why(item.Err)
		default:
			what = " passed " + item.Why
		}
		out = append(out, fmt.Sprint(item.Row)+what)
	}
	return out
}

func wantRows(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("row: got  %q\n         want %q", g, w)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// register is a workbook with everything that people do to one.
func register(t *testing.T) *workbook {
	w := newWorkbook(t)
	w.row(1, "2022年专项资金支付明细表")
	w.merge("A1", "G1")
	w.row(2, "编制单位：某市财政局", nil, nil, nil, nil, nil, "单位：万元")
	w.row(3, "序号", "支付日期", "项目", "收款人", nil, "金额", nil)
	w.row(4, nil, nil, nil, "全称", "账号", "申请数", "支付")
	for _, column := range []string{"A", "B", "C"} {
		w.merge(column+"3", column+"4")
	}
	w.merge("D3", "E3")
	w.merge("F3", "G3")
	w.must(w.SetCellValue(w.sheet, "G4", "支付金额"))
	// A line merged over two rows, a date as a number with a format, a float with noise.
	w.row(5, 1, 44669, "一、研发奖补", "湖南武陵酒有限公司", "6222021234567890123", 2000)
	w.must(w.SetCellDefault(w.sheet, "G5", "1738.6999999999998")) // as Excel stores what it shows as 1738.7
	w.style("B5", excelize.Style{NumFmt: 14})
	w.row(6, 2, "2022.4.19", nil, "乙公司", nil, 1, "９４０．００")
	w.merge("C5", "C6")
	// The month alone is shown; a red number and one of a red format are negative; brackets.
	w.row(7, 3, 44713, "产业发展", "丙公司", nil, nil, 78.88)
	w.style("B7", excelize.Style{CustomNumFmt: ptr(`yyyy"年"m"月"`)})
	w.row(8, 4, "2022-07-01", "产业发展", "丙公司", nil, nil, 78.88)
	w.style("G8", excelize.Style{Font: &excelize.Font{Color: "FF0000"}})
	w.row(9, 5, "2022-07-01", "产业发展", "丙公司", nil, nil, 1)
	w.style("G9", excelize.Style{CustomNumFmt: ptr(`[Red]-0.00`)})
	w.row(10, 6, "2022-07-01", "产业发展", "丙公司", nil, nil, 2)
	w.style("G10", excelize.Style{CustomNumFmt: ptr(`#,##0.00;[Red]-#,##0.00`)}) // negative numbers alone are red
	// An amount merged over two rows is one amount.
	w.row(11, 7, "2022-07-02", "产业发展", "丁公司", nil, nil, 3)
	w.row(12, 8, "2022-07-02", "产业发展", "戊公司", nil, nil, nil)
	w.merge("G11", "G12")
	// A number that has lost digits, a formula without a value, an error, a truth value.
	w.row(13, 9, "2022-07-03", "产业发展", "己公司", 6222021234567890123, nil, 4)
	w.row(14, 10, "2022-07-03", "产业发展", "己公司")
	w.must(w.SetCellFormula(w.sheet, "G14", "2+2"))
	w.row(15, 11, "2022-07-03", "产业发展", "己公司", nil, nil, true)
	w.row(16, 12, 2022.1, "产业发展", "己公司", nil, nil, 4)
	w.row(17, "小计", nil, nil, nil, nil, nil, nil)
	w.merge("A17", "F17")
	// The header again, whole, and a hidden row.
	w.row(19, "序号", "支付日期", "项目", "收款人", nil, "金额", nil)
	w.row(20, nil, nil, nil, "全称", "账号", "申请数", "支付金额")
	w.row(21, 13, "2022-08-01", "首台(套)奖励", "庚公司", nil, nil, 0.01)
	w.must(w.SetRowVisible(w.sheet, 21, false))
	w.row(22, "制表人：张三", nil, nil, "审核人：李四")
	return w
}

func registerRows() []string {
	return []string{
		"5 17387000@1.1 2022-04-18 湖南武陵酒有限公司",
		"6 9400000@1.1 2022-04-19 乙公司",
		"7 788800@2 2022-06 丙公司",
		"8 refused negative",
		"9 refused negative",
		"10 20000@2 2022-07-01 丙公司",
		"11 30000@2 2022-07-02 丁公司",
		"12 refused merged-amount",
		"13 refused cell-digits",
		"14 refused cell-formula",
		"15 refused cell-amount",
		"16 refused cell-date-number",
		"17 passed total",
		"19 passed header",
		"20 passed header",
		"21 100@1.2 2022-08-01 庚公司",
		"22 passed foot",
	}
}

func TestWorkbookWithItsTraps(t *testing.T) {
	t.Parallel()
	p := plan(t, "支付.xlsx", register(t).bytes(), intake.Options{As: intake.Payments})
	wantRows(t, became(t, p), registerRows()...)
	if !slices.ContainsFunc(p.Notices, func(n intake.Notice) bool { return n.Name == "hidden-rows" && n.Args["n"] == "1" }) {
		t.Errorf("notices %v do not speak of the hidden row", p.Notices)
	}
}

// What --guess prints is what is used without it.
func TestGuessedMappingGivesTheSame(t *testing.T) {
	t.Parallel()
	file := register(t).bytes()
	f, err := intake.Open("支付.xlsx", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := f.Guess(intake.Options{As: intake.Payments})
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := intake.ReadMapping(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	commands := func(o intake.Options) (all []string) {
		for item, err := range plan(t, "支付.xlsx", file, o).Items(nil) {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range item.Commands {
				all = append(all, string(c))
			}
		}
		return all
	}
	plain, mapped := commands(intake.Options{As: intake.Payments}), commands(intake.Options{As: intake.Payments, Map: again})
	if len(plain) < 6 || !slices.Equal(plain, mapped) {
		t.Errorf("without a mapping\n%s\nwith\n%s\n%s", strings.Join(plain, "\n"), strings.Join(mapped, "\n"), text)
	}
	if !strings.Contains(string(text), `"amount": "金额/支付金额"`) || !strings.Contains(string(text), `"amount": "wan"`) {
		t.Errorf("the mapping is\n%s", text)
	}
}

func TestMappingErrorsNameTheMember(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, at string }{
		{`{`, "/"},
		{`{"as":"payments","sheets":[{"sheet":"","colums":{}}]}`, "/sheets/0/colums"},
		{`{"as":"payment","sheets":[{"sheet":"","columns":{"amount":"A"}}]}`, "/as"},
		{`{"as":"payments","sheets":[]}`, "/sheets"},
		{`{"as":"payments","sheets":[{"sheet":"","columns":{}}]}`, "/sheets/0/columns"},
		{`{"as":"payments","sheets":[{"sheet":"","columns":{"amuont":"A"}}]}`, "/sheets/0/columns"},
		{`{"as":"payments","sheets":[{"sheet":"","columns":{"amount":""}}]}`, "/sheets/0/columns/amount"},
		{`{"as":"payments","sheets":[{"sheet":"","header":[0],"columns":{"amount":"A"}}]}`, "/sheets/0/header/0"},
		{`{"as":"payments","sheets":[{"sheet":"","columns":{"amount":"A"},"units":{"amount":"元"}}]}`, "/sheets/0/units/amount"},
		{`{"as":"payments","sheets":[{"sheet":"","columns":{"amount":"A"}}],"dates":"ymd"}`, "/dates"},
		{`{"as":"payments","sheets":[{"sheet":"","columns":{"amount":"A"}}],"fixed":{"amount":"5"}}`, "/fixed"},
		{`{"as":"payments","as":"budget","sheets":[{"sheet":"","columns":{"amount":"A"}}]}`, "/as"},
	} {
		_, err := intake.ReadMapping(strings.NewReader(c.text))
		var e *events.Error
		if e, _ = err.(*events.Error); e == nil || e.Code != events.BadValue || e.Args["at"] != c.at {
			t.Errorf("%s: %v, want a fault at %s", c.text, err, c.at)
		}
	}
}

// A file of refused rows has them as they were, and is read again by the same layout.
func TestRefusedRowsAreReadAgain(t *testing.T) {
	t.Parallel()
	p := plan(t, "支付.xlsx", register(t).bytes(), intake.Options{As: intake.Payments})
	var refused []intake.Refused
	var rows []string
	for item, err := range p.Items(nil) {
		if err != nil {
			t.Fatal(err)
		}
		if item.Kind == intake.Refusal {
			refused = append(refused, intake.Refused{Row: item.Row, Sheet: item.Sheet, Reason: "because", Faulty: item.Faulty})
			rows = append(rows, why(item.Err))
		}
	}
	var out bytes.Buffer
	if err := p.WriteRefused(&out, refused, words.Chinese); err != nil {
		t.Fatal(err)
	}
	f, err := intake.Open("x.xlsx", bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if !intake.IsRefused(f) {
		t.Error("it is not known as a file of refused rows")
	}
	again := plan(t, "x.xlsx", out.Bytes(), intake.Options{As: intake.Payments})
	want := []string{}
	for i, reason := range rows {
		switch reason {
		case "merged-amount", "cell-formula": // the cell is empty in the copy
			reason = "no-amount"
		}
		want = append(want, fmt.Sprintf("%d refused %s", 5+i, reason))
	}
	wantRows(t, became(t, again), want...)
	x, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for at, want := range map[string]string{"A1": "2022年专项资金支付明细表", "G2": "单位：万元", "H4": "未入账原因", "I4": "命令标识", "J4": "处理", "K4": "对应事件", "H5": "because"} {
		if got, err := x.GetCellValue("Sheet1", at); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", at, got, err, want)
		}
	}
}

// What is answered of a row makes it what it is, and the other rows are not put twice.
func TestAnswers(t *testing.T) {
	t.Parallel()
	p := plan(t, "支付.xlsx", register(t).bytes(), intake.Options{As: intake.Payments})
	p.Answer("Sheet1", 8, "退款", "7")
	p.Answer("Sheet1", 9, "更正:1.1", "7")
	var got []string
	for item, err := range p.Items(nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range item.Commands {
			got = append(got, string(c))
		}
	}
	want := []string{
		`{"kind":"clawed-back","fund":"f","year":2022,"date":"2022-07-01","cause":"refund","of":7,"amount":"788800","line":"2"}`,
		`{"kind":"reclassified","fund":"f","year":2022,"of":7,"amount":"10000","to_line":"1.1","reason":"更正:1.1"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What a cell shows is held against what it stores, where they may differ by a zero, by thousands or by years.
func TestNumbersThatAreShownOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorkbook(t)
	w.must(w.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: ptr(true)}))
	w.row(1, "支付日期", "项目代码", "收款人全称", "支付金额（万元）")
	w.row(2, 43207, "2", "甲公司", 5) // 2022-04-18 counted from 1904
	w.row(3, "2022-01-02", "2", "乙公司", 17387000)
	w.row(4, "2022-01-03", "2", "丙公司", 17387000)
	w.row(5, "2022-01-04", "2", "丁公司", 6)
	w.row(6, "2022-01-05", 1.1, "戊公司", 7)
	w.row(7, "45000.00", "2", "己公司", 8)
	w.style("D3", excelize.Style{CustomNumFmt: ptr("0!.0,")})
	w.style("D4", excelize.Style{CustomNumFmt: ptr("#,##0,_)")})
	w.style("D5", excelize.Style{CustomNumFmt: ptr("[Red][<0]-#,##0;#,##0")})
	o := intake.Options{As: intake.Payments, Fund: "f"}
	file := w.bytes()
	f, err := intake.Open("x.xlsx", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	known := facts()
	known.Years[0].Lines = append(known.Years[0].Lines, intake.LineFacts{Code: "1.10", Parent: "1", Name: "其他", Leaf: true})
	p, err := f.Plan(o, known)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, became(t, p), "2 50000@2 2022-04-18 甲公司", "3 refused cell-divided", "4 refused cell-divided", "5 60000@2 2022-01-04 丁公司", "6 refused line-several", "7 refused cell-date")
}

// A comment and a literal part do not cut a value in two.
func TestValuesInParts(t *testing.T) {
	t.Parallel()
	for r, err := range intake.RowsOf(`<sheetData><row r="1"><c><v>12<!-- a note -->34</v></c><c t="inlineStr"><is><t>甲<![CDATA[<乙>]]>&amp;丙</t></is></c></row></sheetData>`) {
		if err != nil || len(r.Cells) != 2 || r.Cells[0].Text != "1234" || r.Cells[1].Text != "甲<乙>&丙" {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// A column of money whose unit nobody says is asked about, wherever a unit could stand.
func TestUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, title, header, cell string
		want                      string // amount of the row, or the why of the question
	}{
		{"nobody", "", "支付金额", "5", "no-unit"},
		{"the column", "", "支付金额（万元）", "5", "50000"},
		{"the column, with a word", "", "支付金额\n(单位：元)", "5", "5"},
		{"the column, bare", "", "支付金额:万元", "5", "50000"},
		{"the table", "单位：亿元", "支付金额", "5", "500000000"},
		{"the table, more words", "金额单位：人民币元", "支付金额", "5", "5"},
		{"the column before the table", "单位：万元", "支付金额（元）", "5", "5"},
		{"the cell", "", "支付金额", "5万元", "50000"},
		{"another's unit", "单位：元江县财政局", "支付金额", "5", "no-unit"},
		{"a unit of area", "", "支付金额（万平方米）", "5", "no-column"},
		{"in English", "", "Amount (10,000 yuan)", "5", "50000"},
	} {
		text := c.title + ",,\n支付日期,项目,\"" + c.header + "\"\n2022-01-01,产业发展," + c.cell + "\n"
		f, err := intake.Open("x.csv", strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Plan(intake.Options{As: intake.Payments, Fund: "f"}, facts())
		if err != nil {
			if why(err) != c.want {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
			continue
		}
		for item := range p.Items(nil) {
			var got struct{ Amount string }
			if len(item.Commands) == 1 {
				_ = json.Unmarshal(item.Commands[0], &got)
			}
			if got.Amount != c.want {
				t.Errorf("%s: %+v, want %s", c.name, item, c.want)
			}
		}
	}
}

// What is no register says what it is.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ content, why string }{
		{"", "file-empty"},
		{"PK\x03\x04 and no more", "file-damaged"},
		{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("x", 600), "file-xls"},
		{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00", "file-password"},
		{"%PDF-1.7", "file-pdf"},
		{"<html><table>", "file-markup"},
		{"a\x00b", "file-other"},
	} {
		_, err := intake.Open("x.xlsx", strings.NewReader(c.content), int64(len(c.content)))
		if why(err) != c.why {
			t.Errorf("%q: %v, want %s", c.content, err, c.why)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("支付日期,项目,支付金额（元）\n2022-01-01,产业发展,5\n"))
	f.Add([]byte("\xEF\xBB\xBF\"支付日期\";项目;\"支付金额\n（元）\"\n2022-01-01;产业发展;\"5"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := intake.Open("x", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, as := range intake.Registers {
			_, _, _ = file.Guess(intake.Options{As: as})
			p, err := file.Plan(intake.Options{As: as, Fund: "f", Unit: intake.Yuan, Open: true}, facts())
			if err != nil {
				continue
			}
			var refused []intake.Refused
			for item, err := range p.Items(nil) {
				if err != nil {
					break
				}
				if item.Kind == intake.Refusal {
					refused = append(refused, intake.Refused{Sheet: item.Sheet, Row: item.Row, Faulty: item.Faulty})
				}
			}
			_ = p.WriteRefused(&bytes.Buffer{}, refused, words.English)
		}
	})
}

// FuzzSheet reads any text as the rows of a workbook.
func FuzzSheet(f *testing.F) {
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>支付日期</t></is></c></row></sheetData><mergeCells><mergeCell ref="A1:B3"/></mergeCells></worksheet>`)
	f.Add(`<worksheet><sheetData><row r="9999999"><c r="XFE1"><v>1</v>`)
	f.Add(`<!-- <x>--><![CDATA[<]]><sheetData><row><c><f>1</f></c></row>`)
	f.Fuzz(func(t *testing.T, sheet string) {
		rows := 0
		for _, err := range intake.RowsOf(sheet) {
			if err != nil {
				return
			}
			if rows++; rows > 1000 {
				return
			}
		}
	})
}
