package main

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fundledger/projections/document"

	"github.com/xuri/excelize/v2"
)

// hostilePayee is a name that somebody put in to see what it does.
var hostilePayee = "<script>alert(1)</script>&'\" =cmd|' /C calc'!A0 \\u202egnp.exe \\u0000" + strings.Repeat("长", 440)

// paperLedger has an event of every paper. Line 1 has 9,000.00, of which 1,738.05 is paid by event 4; 38.05 of that came back.
var paperLedger = strings.Join([]string{
	`{"kind":"fund-opened","fund":"f","year":2022,"name":"产业发展专项资金","name_en":"Industry fund","lines":[{"code":"1","name":"技改补助","name_en":"Technical upgrading"},{"code":"2","name":"人才"}]}`,
	`{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-05","line":"1","amount":"9000.00","stage":"original"}`,
	`{"kind":"committed","fund":"f","year":2022,"date":"2022-02-01","line":"1","amount":"2000.00","payee":{"name":"某公司"}}`,
	`{"kind":"disbursed","fund":"f","year":2022,"date":"2022-04-18","line":"1","amount":"1738.05","channel":"payment","method":"direct","commitment":3,"purpose":"第一批补助","documents":["常财企指〔2022〕17号"],` +
		`"payee":{"name":"湖南武陵酒有限公司","class":"enterprise","account":"43001500000052500001","bank":"建设银行武陵支行"},"voucher":{"issuer":"财政局","year":2022,"type":"直接支付","number":"0000123"}}`,
	`{"kind":"disbursed","fund":"f","year":2022,"date":"2022-04-19","line":"1","amount":"5.00","channel":"payment","purpose":"=1+1","note":"@x","documents":["+y"],"payee":{"name":"` + strings.ReplaceAll(strings.ReplaceAll(hostilePayee, `"`, `\"`), `\\`, `\`) + `","account":"-1"}}`,
	`{"kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-05-01","of":4,"amount":"38.05"}`,
	`{"kind":"reversed","fund":"f","year":2022,"of":5,"reason":"录错"}`,
	`{"kind":"reallocated","fund":"f","year":2022,"date":"2022-06-01","from":[{"line":"1","amount":"100.00"}],"to":[{"line":"2","amount":"100.00"}]}`,
	`{"kind":"amended","fund":"f","year":2022,"of":4,"set":{"purpose":"更正"},"reason":"笔误"}`,
	`{"kind":"disbursed","fund":"f","year":2022,"date":"2022-06-18","line":"2","amount":"300.00","channel":"deduction","mode":"record","documents":["抵扣"]}`,
	`{"kind":"clawed-back","cause":"unidentified","fund":"f","year":2022,"date":"2022-06-20","line":"0","amount":"7.00"}`,
}, "\n")

func withPapers(t *testing.T) *program {
	t.Helper()
	p := onFolder(t)
	for i, r := range p.append(t, paperLedger) {
		if int(r.Seq) != i+1 {
			t.Fatalf("command %d: %+v", i+1, r)
		}
	}
	return p
}

func TestPaymentOrder(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	got := p.ok(t, "print", "--fund", "f", "4", "--lang", "zh")
	for _, want := range []string{
		"拨款单\n产业发展专项资金（f）\n2022 预算年度  第 4 号  日期：2022-04-18\n*** 已退款：38.05，第 6 号事件，2022-05-01 ***\n文字已由第 9 号事件更正，本单仍为原文\n",
		"湖南武陵酒有限公司\n", "43001500000052500001\n", "建设银行武陵支行\n", "人民币壹仟柒佰叁拾捌元零伍分\n", "¥1,738.05\n", "第一批补助\n", "1 技改补助\n", "支付收款人\n", "直接支付\n", "财政局 2022 直接支付 0000123 1\n",
		"常财企指〔2022〕17号\n",
		// Of 9,000.00 a commitment held 2,000.00, of which the payment used 1,738.05.
		"本笔前（第 3 号）    9,000.00      0.00  2,000.00  7,000.00\n", "本笔后（第 4 号）    9,000.00  1,738.05    261.95  7,000.00\n",
		"制单 ________  复核 ________  审批 ________  出纳 ________  收款人签章 ________\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the order lacks %q:\n%s", want, got)
		}
	}
	for n, want := range map[string][]string{
		"2":  {"Accounting slip\n", "original budget  9,000.00\n", "¥9,000.00\n", "head of accounts ________"},
		"6":  {"Receipt\n", "payer ", "湖南武陵酒有限公司\n", "event 4: disbursement of 2022-04-18\n", "1,743.05     261.95   6,995.00\n", "1,705.00     261.95   7,033.05\n", "¥38.05\n"},
		"7":  {"Accounting slip\n", "人民币负伍元整\n", "-¥5.00\n", "-5.00\n"},
		"8":  {"Accounting slip\n", "¥100.00\n", "virement  -100.00\n", "virement   100.00\n", "1 Technical upgrading; 2 人才\n"},
		"10": {"Accounting slip\n", "deduction", "over budget"},
		"11": {"Receipt\n", "0 the whole fund\n", "clawback: unidentified"},
		"5":  {"Payment order\n", "*** REVERSED in full by event 7 ***\n"},
	} {
		got := p.ok(t, "print", "--fund", "f", n, "--lang", "en")
		for _, w := range want {
			if n == "10" && w == "over budget" { // line 2 had 100.00
				w = "over budget\n"
			}
			if !strings.Contains(got, w) {
				t.Errorf("the paper of event %s lacks %q:\n%s", n, w, got)
			}
		}
	}
}

// TestPaperIsPrintedAgain: what happens to others changes no byte of a paper, and what was known then is printed then.
func TestPaperIsPrintedAgain(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	for _, format := range document.Formats {
		print := func(args ...string) string {
			return p.ok(t, append([]string{"print", "--fund", "f", "--format", format}, args...)...)
		}
		now := print("2-4", "8")
		if again := print("2-4", "8"); again != now {
			t.Errorf("%s: the same papers have other bytes", format)
		}
		if print("8") != print("8", "--known-at", "8") || print("2") != print("2", "--known-at", "5") {
			t.Errorf("%s: what happened to other events shows on a paper", format)
		}
		if print("4") == print("4", "--known-at", "5") {
			t.Errorf("%s: a paper does not show what happened to its event", format)
		}
	}
	if got := p.ok(t, "print", "--fund", "f", "4", "--known-at", "5"); strings.Contains(got, "REFUNDED") {
		t.Errorf("before it was refunded:\n%s", got)
	}
	file := filepath.Join(t.TempDir(), "order.html")
	if out := p.ok(t, "print", "--fund", "f", "4", "--format", "html", "--out", file); out != "" {
		t.Errorf("what goes to a file is printed too: %.100s", out)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != p.ok(t, "print", "--fund", "f", "4", "--format", "html") {
		t.Errorf("the file has something else: %v", err)
	}
}

// TestPrintOfTheOnlyFund: the fund need not be named where there is one alone.
func TestPrintOfTheOnlyFund(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	if got, want := p.ok(t, "print", "4"), p.ok(t, "print", "4", "--fund", "f"); got != want {
		t.Errorf("of the only fund:\n%s\nwant\n%s", got, want)
	}
}

func TestPrintRefuses(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	for _, c := range []struct{ args, want string }{
		{"", "which event"},
		{"1", "event 1 (fund-opened) moves no money"},
		{"9", "event 9 (amended) moves no money"},
		{"9-9", "none of these events moves money"},
		{"12", "f has no event 12"},
		{"3-12", "f has no event 12"},
		{"0", "not the number of an event"},
		{"5-4", "“5-4”"},
		{"-4", "has no flag -4"},
		{"x", "“x”"},
		{"1-2000", "more than 1000 papers"},
		{"4 --format csv", "--format"},
		{"4 --known-at 3", "f has no event 4"},
		{"4 --check x", "--check"},
	} {
		got := p.run(t, append([]string{"print", "--fund", "f", "--lang", "en"}, strings.Fields(c.args)...)...)
		if got.code != exitUsage || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("print %s: exit %d, %q, want %q", c.args, got.code, got.err, c.want)
		}
	}
	if got := p.ok(t, "print", "--fund", "f", "1-2", "9-10", "--lang", "en"); strings.Count(got, "leaf hash") != 2 {
		t.Errorf("a range has other papers than those that there are:\n%s", got)
	}
}

// TestPaperOfAnotherCurrency: there are no Chinese capitals of yen.
func TestPaperOfAnotherCurrency(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, `{"kind":"fund-opened","fund":"y","year":2022,"name":"円","currency":"JPY","budgeted":false}`+"\n"+
		`{"kind":"disbursed","fund":"y","year":2022,"date":"2022-04","line":"0","amount":"1234567","channel":"payment","payee":{"ref":"P-17","class":"person"}}`)
	got := p.ok(t, "print", "--fund", "y", "2", "--lang", "zh")
	if strings.Contains(got, "大写") || !strings.Contains(got, "JPY 1,234,567\n") || !strings.Contains(got, "个人（P-17）\n") || !regexp.MustCompile(`本笔后（第 2 号） +–  1,234,567 +0 +–\n`).MatchString(got) {
		t.Errorf("the order in yen:\n%s", got)
	}
}

// TestHostileNamesDoNothingOnPaper reads papers of hostile names back.
func TestHostileNamesDoNothingOnPaper(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	shown := regexp.MustCompile(`<script>alert\(1\)</script>&'" =cmd\|' /C calc'!A0 \x{fffd}gnp\.exe ␀长{440}`)
	if got := p.ok(t, "print", "--fund", "f", "5"); !shown.MatchString(got) || strings.ContainsAny(got, "\u202e\x00") {
		t.Errorf("text:\n%s", got)
	}
	for _, lang := range []string{"zh", "en"} {
		page := p.ok(t, "print", "--fund", "f", "5", "--format", "html", "--lang", lang)
		if strings.Contains(page, "<script") || strings.ContainsAny(page, "\u202e\x00") || strings.Contains(page, "href") || strings.Contains(page, "src=") {
			t.Errorf("the page does something: %s", page)
		}
		dec := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
		text := ""
		for {
			token, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if data, ok := token.(xml.CharData); ok {
				text += string(data)
			}
		}
		if !shown.MatchString(text) {
			t.Errorf("the page shows something else: %s", text)
		}
		book := p.ok(t, "print", "--fund", "f", "5", "--format", "xlsx", "--lang", lang)
		f, err := excelize.OpenReader(strings.NewReader(book))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := f.GetRows(f.GetSheetList()[0])
		if err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, row := range rows {
			all += strings.Join(row, "") // a long text goes on in the next row
		}
		if !shown.MatchString(all) || !strings.Contains(all, "=1+1") || !strings.Contains(all, "@x") || !strings.Contains(all, "+y") {
			t.Errorf("the workbook shows something else: %s", all)
		}
		z, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range z.File {
			r, err := part.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte("<f>")) || bytes.Contains(data, []byte("<hyperlink")) || strings.Contains(part.Name, "externalLink") {
				t.Errorf("%s has a formula or a link", part.Name)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The path of a QR code in a page: runs of squares.
var (
	svgPath = regexp.MustCompile(`viewBox="0 0 (\d+) \d+".*<path d="([^"]*)"`)
	svgRun  = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
)

// drawnCode makes a picture of the QR code in a page, as a browser would.
func drawnCode(t *testing.T, page string) []byte {
	t.Helper()
	found := svgPath.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page has no QR code")
	}
	side, _ := strconv.Atoi(found[1])
	const scale = 6
	im := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	if rest := svgRun.ReplaceAllString(found[2], ""); rest != "" {
		t.Fatalf("the path has %q", rest)
	}
	for _, run := range svgRun.FindAllStringSubmatch(found[2], -1) {
		var at [4]int
		for i := range at {
			at[i], _ = strconv.Atoi(run[i+1])
		}
		if at[2] != at[3] {
			t.Fatalf("a run that does not close: %v", run)
		}
		for y := at[1] * scale; y < (at[1]+1)*scale; y++ {
			for x := at[0] * scale; x < (at[0]+at[2])*scale; x++ {
				im.SetGray(x, y, color.Gray{})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// picturedCode is the picture in a workbook.
func picturedCode(t *testing.T, book string) []byte {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	tab := f.GetSheetList()[0]
	cells, err := f.GetPictureCells(tab)
	if err != nil || len(cells) != 1 {
		t.Fatalf("pictures at %v, %v", cells, err)
	}
	pictures, err := f.GetPictures(tab, cells[0])
	if err != nil || len(pictures) != 1 {
		t.Fatalf("%d pictures, %v", len(pictures), err)
	}
	return pictures[0].File
}

// asked is another program that a test asks. Where it is not installed the test is skipped, and it fails where FUNDLEDGER_REQUIRE wants it.
func asked(t *testing.T, program, what string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if require := os.Getenv("FUNDLEDGER_REQUIRE"); slices.Contains([]string{"all", "office"}, require) {
		t.Fatalf("FUNDLEDGER_REQUIRE=%s wants %s: %v", require, program, err)
	}
	t.Skipf("=== SKIPPED: whether another program %s was NOT tried: %v; FUNDLEDGER_REQUIRE=office makes this a failure ===", what, err)
	return ""
}

// TestQRCodeIsRead has another program read the codes of papers; what it reads is held against the log.
func TestQRCodeIsRead(t *testing.T) {
	t.Parallel()
	zbar := asked(t, "zbarimg", "reads the QR codes")
	p := withPapers(t)
	for _, n := range []string{"4", "5", "11"} {
		text := p.ok(t, "print", "--fund", "f", n, "--lang", "en")
		line := regexp.MustCompile(`fundledger:f/\S+`).FindString(text)
		for what, picture := range map[string][]byte{
			"page": drawnCode(t, p.ok(t, "print", "--fund", "f", n, "--format", "html")), "workbook": picturedCode(t, p.ok(t, "print", "--fund", "f", n, "--format", "xlsx")),
		} {
			file := filepath.Join(t.TempDir(), "code.png")
			if err := os.WriteFile(file, picture, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), zbar, "--quiet", "--raw", file).Output()
			if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != line || line == "" {
				t.Fatalf("the code of event %s in the %s reads %q, %v, want %q", n, what, got, err, line)
			}
		}
		if got := p.ok(t, "print", "--check", line, "--lang", "en"); got != fmt.Sprintf("the paper fits: it is of event %s of f, and the log up to it has not been changed since\n", n) {
			t.Errorf("checked: %s", got)
		}
	}
}

// TestPaperIsChecked: a paper of another event, another log or none is told from one that fits.
func TestPaperIsChecked(t *testing.T) {
	t.Parallel()
	p := withPapers(t)
	line := func(n string) string {
		return regexp.MustCompile(`fundledger:f/\S+`).FindString(p.ok(t, "print", "--fund", "f", n))
	}
	four, five := line("4"), line("5")
	leaf := func(s string) string { return regexp.MustCompile(`leaf=[^&]*`).FindString(s) }
	root := func(s string) string { return regexp.MustCompile(`root=.*`).FindString(s) }
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{strings.Replace(four, leaf(four), leaf(five), 1), "is not the one on the paper: its leaf", exitRefused},
		{strings.Replace(four, root(four), root(five), 1), "up to event 4 is not the one on the paper: its root", exitRefused},
		{strings.Replace(four, "/4?", "/12?", 1), "has no event 12", exitRefused},
		{strings.Replace(four, ":f/", ":g/", 1), "g", exitUsage},
		{four + "x", "not what the QR code of a paper holds", exitUsage},
		{"x", "not what the QR code of a paper holds", exitUsage},
	} {
		got := p.run(t, "print", "--check", c.line, "--lang", "en")
		if got.code != c.code || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("--check %s: exit %d, %q, want %q", c.line, got.code, got.err, c.want)
		}
	}
	if got := p.run(t, "print", "--check", four); got.code != exitOK {
		t.Errorf("a paper that fits: %+v", got)
	}
}
