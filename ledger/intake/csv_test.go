package intake_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/intake"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

const plainRegister = "2022年支付明细,,,单位：元\n支付日期,项目,收款人全称,支付金额\n2022-01-01,产业发展,\"湖南\n𠮷业\",\"1,738.70\"\n2022-01-02,产业发展,乙公司,2\n小计,,,\"1,740.70\"\n2022-01-03,产业发展,丙公司,?\n"

func TestEncodings(t *testing.T) {
	t.Parallel()
	encoded := func(e encoding.Encoding, text string) string {
		out, err := e.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, text := range map[string]string{
		"utf-8":            plainRegister,
		"utf-8 with BOM":   "\xEF\xBB\xBF" + plainRegister,
		"gb18030":          encoded(simplifiedchinese.GB18030, plainRegister),
		"utf-16":           encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), strings.ReplaceAll(plainRegister, ",", "\t")),
		"semicolons, CRLF": strings.NewReplacer(",", ";", "\n", "\r\n").Replace(strings.NewReplacer("1,738", "1738", "1,740", "1740").Replace(plainRegister)),
	} {
		if name == "utf-16" { // the separator within the amount went too
			text = encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), strings.ReplaceAll(strings.NewReplacer("1,738", "1738", "1,740", "1740").Replace(plainRegister), ",", "\t"))
		}
		p := plan(t, "x.csv", []byte(text), intake.Options{As: intake.Payments})
		got := became(t, p)
		want := []string{"3 1738.70@2 2022-01-01 湖南 𠮷业", "5 2@2 2022-01-02 乙公司", "6 passed total", "7 refused cell-amount"}
		if !slices.Equal(got, want) || len(p.Totals) != 0 {
			t.Errorf("%s: %q, totals %v; want %q", name, got, p.Totals, want)
			continue
		}
		// What is refused is written as it was, and read again.
		var out bytes.Buffer
		if err := p.WriteRefused(&out, []intake.Refused{{Row: 7, Reason: "原因", ID: "own", Faulty: []int{3}}}, words.Chinese); err != nil {
			t.Fatal(err)
		}
		mended := bytes.Replace(out.Bytes(), []byte("?"), []byte("9"), 1)
		again := plan(t, "x.csv", mended, intake.Options{As: intake.Payments})
		if got, want := became(t, again), []string{"3 9@2 2022-01-03 丙公司"}; !slices.Equal(got, want) {
			t.Errorf("%s, mended: %q, want %q in %q", name, got, want, mended)
		}
		for item := range again.Items(nil) {
			if len(item.Commands) != 1 || !bytes.Contains(item.Commands[0], []byte(`"id":"own"`)) {
				t.Errorf("%s, mended: %s has lost its id", name, item.Commands)
			}
		}
	}
}

// A row that cannot be decoded or parted into cells is refused, and the others are read.
func TestDamagedRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"bytes that are no characters": {
			"\xEF\xBB\xBF支付日期,项目,收款人全称,支付金额（元）\n2022-01-01,产业发展,\xff\xfe公司,1\n2022-01-02,产业发展,乙公司,2\n",
			[]string{"2 refused row-characters", "3 2@2 2022-01-02 乙公司"},
		},
		"without a mark": {
			"支付日期,项目,收款人全称,支付金额（元）\n2022-01-01,产业发展,\xff公司,1\n2022-01-02,产业发展,乙公司,2\n",
			[]string{"2 refused row-characters", "3 2@2 2022-01-02 乙公司"},
		},
		"a quote that does not close": {
			"支付日期,项目,收款人全称,支付金额（元）\n2022-01-02,产业发展,乙公司,2\n2022-01-01,产业发展,\"甲公司,1\n2022-01-02,产业发展,乙公司,3\n",
			[]string{"2 2@2 2022-01-02 乙公司", "3 refused row-quotes", "4 3@2 2022-01-02 乙公司"},
		},
		"several, blank lines and a value of two lines": {
			"支付日期,项目,收款人全称,支付金额（元）\r\n\r\n2022-01-01,产业发展,\"甲公司,1\r\n\r\n2022-01-02,\"产业\r\n发展\",乙公司,3\r\n2022-01-03,产业发展,\"丙公司,4\r\n2022-01-04,产业发展,丁\"公司\",5\r\n" +
				"2022-01-05,产业发展,戊公司,6\r\n",
			[]string{"3 refused row-quotes", "5 3@2 2022-01-02 乙公司", "7 refused row-quotes", "8 refused row-quotes", "9 6@2 2022-01-05 戊公司"},
		},
		"a quote within": {
			"支付日期,项目,收款人全称,支付金额（元）\n2022-01-01,产业发展,甲\"公司,1\n2022-01-02,产业发展,乙公司,2\n",
			[]string{"2 refused row-quotes", "3 2@2 2022-01-02 乙公司"},
		},
		"a separator within an amount": {
			"支付日期,项目,收款人全称,支付金额（元）\n2022-01-01,产业发展,甲公司,1,738.70\n",
			[]string{"2 refused row-long"},
		},
		"a long number that a spreadsheet has cut": {
			"支付日期,项目,收款人全称,收款人账号,支付金额（元）\n2022-01-01,产业发展,甲公司,6.22202E+18,1\n2022-01-01,产业发展,甲公司,6222021234567890123,1\n",
			[]string{"2 refused cell-digits", "3 1@2 2022-01-01 甲公司"},
		},
		"voided": {
			"支付日期,项目,收款人全称,支付金额（元）,是否作废\n2022-01-01,产业发展,甲公司,1,是\n2022-01-01,产业发展,甲公司,1,否\n",
			[]string{"2 passed void", "3 1@2 2022-01-01 甲公司"},
		},
	} {
		got := became(t, plan(t, "x.csv", []byte(c.text), intake.Options{As: intake.Payments}))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Totals are held against the rows that they can mean.
func TestTotals(t *testing.T) {
	t.Parallel()
	const head = "支付日期,项目,收款人全称,支付金额（元）\n"
	row := func(amount string) string { return "2022-01-01,产业发展,甲公司," + amount + "\n" }
	for name, c := range map[string]struct {
		rows string
		bad  []int
	}{
		"subtotals and a total":          {row("1") + row("2") + "本页小计,,,3\n" + row("4") + "本页小计,,,4\n合 计,,,7\n", nil},
		"running":                        {row("1") + "本页小计,,,1\n累计,,,1\n" + row("4") + "本页小计,,,4\n累计,,,5\n", nil},
		"the total before its rows":      {"合计,,,5\n" + row("1") + row("4"), nil},
		"a wrong total before its rows":  {"合计,,,6\n" + row("1") + row("4"), []int{2}},
		"a wrong subtotal":               {row("1") + row("2") + "小计,,,4\n" + row("4") + "合计,,,7\n", []int{4}},
		"a wrong total":                  {row("1") + row("2") + "小计,,,3\n" + row("4") + "合计,,,8\n", []int{6}},
		"of negative rows too":           {row("5") + row("-2") + "合计,,,3\n", nil},
		"a row that cannot be read":      {row("5") + row("5G") + "合计,,,9\n", nil},
		"a payee that is called a total": {row("5") + "2022-01-02,产业发展,合计公司,3\n合计,,,8\n", nil},
	} {
		p := plan(t, "x.csv", []byte(head+c.rows), intake.Options{As: intake.Payments})
		var bad []int
		for _, d := range p.Totals {
			bad = append(bad, d.Row)
		}
		if !slices.Equal(bad, c.bad) {
			t.Errorf("%s: totals %+v disagree, want rows %v", name, p.Totals, c.bad)
		}
	}
}

// The rows of a journal that add up a month have a date; they are no payments.
func TestTotalsOfJournals(t *testing.T) {
	t.Parallel()
	const journal = "支付日期,项目,摘要,收款人全称,支付金额（元）\n" +
		"2022-01-05,产业发展,补助,甲公司,5\n2022-01-31,产业发展,本月合计,,5\n2022-01-31,,过次页,,5\n2022-02-01,,承前页,,5\n" +
		"2022-02-03,产业发展,补助,乙公司,3\n2022-02-28,产业发展,本月合计,,3\n2022-02-28,产业发展,本年累计,,8\n2022-02-28,产业发展,补助,合计,1\n"
	p := plan(t, "x.csv", []byte(journal), intake.Options{As: intake.Payments})
	wantRows(t, became(t, p), "2 5@2 2022-01-05 甲公司", "3 passed total", "4 passed total", "5 passed total", "6 3@2 2022-02-03 乙公司", "7 passed total", "8 passed total", "9 1@2 2022-02-28 合计")
	if len(p.Totals) > 0 {
		t.Errorf("totals %+v disagree", p.Totals)
	}
}

// A row whose cells do not stand where they belong is refused from the file of refused rows too, until somebody has mended it.
func TestDamagedRowsStayRefused(t *testing.T) {
	t.Parallel()
	const head = "支付日期,项目,支付金额（元）,收款人全称\n"
	for _, row := range []string{"2022-01-01,产业发展,1,738.70,甲公司", "2022-01-01,产业发展,5,\"甲公司", "2022-01-01,产业发展,5,甲\"公司", "2022-01-01,产业发展,5,\xff公司"} {
		o := intake.Options{As: intake.Payments}
		p := plan(t, "x.csv", []byte(head+row+"\n"), o)
		var out bytes.Buffer
		for item := range p.Items(nil) {
			if item.Kind != intake.Refusal {
				t.Fatalf("%s: %+v", row, item)
			}
			if err := p.WriteRefused(&out, []intake.Refused{{Row: item.Row, Reason: "why", Faulty: item.Faulty}}, words.Chinese); err != nil {
				t.Fatal(err)
			}
		}
		if text := out.String(); !strings.Contains(text, "公司") {
			t.Errorf("%s: what stood in the row is lost: %s", row, text)
		}
		for item := range plan(t, "x.csv", out.Bytes(), o).Items(nil) {
			if item.Kind != intake.Refusal {
				t.Errorf("%s became %s, unmended, of\n%s", row, item.Commands, out.String())
			}
		}
	}
}

// TestRefusedIsNoFormula writes refused rows that a spreadsheet would run, and reads them back as they were.
func TestRefusedIsNoFormula(t *testing.T) {
	t.Parallel()
	const head = "支付日期,项目,收款人全称,用途,金额（元）\n"
	for _, hostile := range []string{"=cmd|' /C calc'!A0", "=1+1", "+1-1", "-cmd", "@SUM(1)", "＝1+1", "－－x"} {
		text := head + "2022-01-03,产业发展," + hostile + "," + hostile + ",-78.88\n"
		p := plan(t, "x.csv", []byte(text), intake.Options{As: intake.Payments})
		var out bytes.Buffer
		if err := p.WriteRefused(&out, []intake.Refused{{Row: 2, Reason: hostile, ID: "own", Faulty: []int{4}}}, words.Chinese); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for i, cell := range row {
				if first := []rune(cell + " ")[0]; strings.ContainsRune("=+-@＝＋－＠", first) && cell != "-78.88" {
					t.Errorf("%s: cell %d is %q", hostile, i, cell)
				}
			}
		}
		mended := strings.Replace(out.String(), "-78.88", "78.88", 1)
		again := plan(t, "x.csv", []byte(mended), intake.Options{As: intake.Payments})
		if got, want := became(t, again), []string{"2 78.88@2 2022-01-03 " + hostile}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A second table further down that is laid out otherwise is not read by the names of the first.
func TestAnotherTableBelow(t *testing.T) {
	t.Parallel()
	const first = "支付日期,项目,收款人全称,收款人账号,支付金额（万元）,备注\n2022-01-01,产业发展,甲公司,1,5,\n"
	for name, c := range map[string]struct {
		text string
		row  string // of the other table; "" where there is none
	}{
		"the header again":                        {first + "支付日期,项目,收款人全称,收款人账号,支付金额（万元）,\n2022-01-02,产业发展,乙公司,2,6,\n", ""},
		"another unit":                            {first + "支付日期,项目,收款人全称,收款人账号,支付金额（元）,备注\n2022-01-02,产业发展,乙公司,2,60000,\n", "3"},
		"two columns in each other's place":       {first + "支付日期,项目,收款人账号,收款人全称,支付金额（万元）,备注\n2022-01-02,产业发展,2,乙公司,6,\n", "3"},
		"a column that is called nothing known":   {first + "支付日期,项目,收款人全称,收款人账号,折合美元,备注\n2022-01-02,产业发展,乙公司,2,6,\n", "3"},
		"only two columns":                        {"支付日期,支付金额（万元）\n2022-01-01,5\n支付日期,支付金额（元）\n2022-01-02,60000\n", "3"},
		"a statement of another unit":             {"单位：万元,,\n支付日期,项目,支付金额\n2022-01-01,产业发展,5\n,,单位：元\n支付日期,项目,支付金额\n2022-01-02,产业发展,60000\n", "4"},
		"the statement again":                     {"单位：万元,,\n支付日期,项目,支付金额\n2022-01-01,产业发展,5\n,,单位：万元\n支付日期,项目,支付金额\n2022-01-02,产业发展,6\n", ""},
		"a payee that is called as a column is":   {first + "2022-01-02,产业发展,收款人,备注,6,\n", ""},
		"a unit in the words of a row of payment": {first + "2022-01-02,产业发展,乙公司,2,6,单位：元\n", ""},
	} {
		f, err := intake.Open("x.csv", strings.NewReader(c.text), int64(len(c.text)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Plan(intake.Options{As: intake.Payments, Fund: "f"}, facts())
		if name == "another unit" { // of a budget too
			budget := strings.NewReplacer("支付金额", "年初预算").Replace(c.text)
			f, err := intake.Open("x.csv", strings.NewReader(budget), int64(len(budget)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = f.Plan(intake.Options{As: intake.Budget, Fund: "f"}, facts()); why(err) != "other-table" {
				t.Errorf("budget: %v", err)
			}
		}
		if c.row == "" && err != nil || c.row != "" && why(err) != "other-table" {
			t.Errorf("%s: %v", name, err)
		}
		var e *events.Error
		if errors.As(err, &e) && e.Args["row"] != c.row {
			t.Errorf("%s: row %s, want %s", name, e.Args["row"], c.row)
		}
	}
}
