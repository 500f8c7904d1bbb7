package intake_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/ledger/intake"

	"pgregory.net/rapid"
)

func why(err error) string {
	var e *events.Error
	if errors.As(err, &e) {
		return e.Why
	}
	return ""
}

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in       string
		unit     intake.Unit
		want     string // "" where refused
		negative bool
		why      string
	}{
		{"1,738.70", intake.Wan, "17387000", false, ""},
		{"1738.70", intake.Yuan, "1738.70", false, ""},
		{"９８０７．１７", intake.Yuan, "9807.17", false, ""},
		{"￥1，738．70", intake.Yuan, "1738.70", false, ""},
		{"¥ 5", "", "5", false, ""},
		{"人民币5元", "", "5", false, ""},
		{"3万元", "", "30000", false, ""},
		{"3 万", intake.Wan, "30000", false, ""},
		{"100.4亿元", "", "10040000000", false, ""},
		{"0.000001", intake.Wan, "0.01", false, ""},
		{"12.5", intake.Thou, "12500", false, ""},
		{"1.5", intake.Million, "1500000", false, ""},
		{"(78.88)", intake.Yuan, "78.88", true, ""},
		{"（78.88）", intake.Yuan, "78.88", true, ""},
		{"-78.88", intake.Yuan, "78.88", true, ""},
		{"−78.88", intake.Yuan, "78.88", true, ""},
		{"－78.88", intake.Yuan, "78.88", true, ""},
		{"78.88-", intake.Yuan, "78.88", true, ""},
		{"¥-78.88", intake.Yuan, "78.88", true, ""},
		{"-¥78.88", intake.Yuan, "78.88", true, ""},
		{"0.00", intake.Yuan, "0", false, ""},
		{"-0", intake.Yuan, "0", false, ""},
		{"12'345.60", intake.Yuan, "12345.60", false, ""},
		{"\u200e1,000\u200b", intake.Yuan, "1000", false, ""},
		{"999999999999999.99", intake.Yuan, "999999999999999.99", false, ""},

		{"5", "", "", false, "no-unit"},
		{"100元", intake.Wan, "", false, "cell-unit"},
		{"1.001", intake.Yuan, "", false, "cell-decimals"},
		{"0.0000001", intake.Wan, "", false, "cell-decimals"},
		{"1000000000000000", intake.Yuan, "", false, "amount-large"},
		{"99999999999999999999", intake.Yi, "", false, "amount-large"},
		{"1+7+28", intake.Yuan, "", false, "cell-amount"},
		{"5G", intake.Yuan, "", false, "cell-amount"},
		{"4—10名", intake.Yuan, "", false, "cell-amount"},
		{"首台 (套)", intake.Yuan, "", false, "cell-amount"},
		{"1,73.00", intake.Yuan, "", false, "cell-amount"},
		{"1738,70", intake.Yuan, "", false, "cell-amount"},
		{"1.738,70", intake.Yuan, "", false, "cell-amount"},
		{"1.2.3", intake.Yuan, "", false, "cell-amount"},
		{"1e5", intake.Yuan, "", false, "cell-amount"},
		{"--5", intake.Yuan, "", false, "cell-amount"},
		{"(5", intake.Yuan, "", false, "cell-amount"},
		{"(-5)", intake.Yuan, "", false, "cell-amount"},
		{"-", intake.Yuan, "", false, "cell-amount"},
		{".", intake.Yuan, "", false, "cell-amount"},
		{"", intake.Yuan, "", false, "cell-amount"},
		{"#REF!", intake.Yuan, "", false, "cell-amount"},
		{"100万平方米", intake.Yuan, "", false, "cell-amount"},
		{"1\x002", intake.Yuan, "", false, "cell-amount"},
		{"1738①", intake.Yuan, "", false, "cell-amount"}, // a footnote is no digit
		{"1738²", intake.Yuan, "", false, "cell-amount"},
		{"𝟏00", intake.Yuan, "", false, "cell-amount"},
		{"\u202e001", intake.Yuan, "", false, "cell-amount"}, // it is seen as 100
		{"100 200", intake.Yuan, "", false, "cell-amount"},   // two amounts are not one
		{"100\n200", intake.Yuan, "", false, "cell-amount"},
		{"12 5", intake.Yuan, "", false, "cell-amount"},
		{"1，\u3000738", intake.Yuan, "", false, "cell-amount"},
	} {
		m, err := intake.ParseMoney(c.in, c.unit, 2)
		if why(err) != c.why || err == nil && (m.Text != c.want || m.Negative != c.negative) {
			t.Errorf("ParseMoney(%q, %q) = %+v, %v; want %q, negative %v, why %q", c.in, c.unit, m, err, c.want, c.negative, c.why)
		}
	}
}

// writings are ways in which people write one amount; each must be read back to the fen.
func TestAmountInAnyWritingReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(intake.Units).Draw(t, "unit")
		fen := rapid.Int64Range(1, 99_999_999_999_999).Draw(t, "fen")
		// fen of yuan, written in the unit: an independent division by a power of ten.
		power := map[intake.Unit]int{intake.Yuan: 2, intake.Thou: 5, intake.Wan: 6, intake.Million: 8, intake.Yi: 10}[unit]
		r := new(big.Rat).SetFrac(big.NewInt(fen), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(power)), nil))
		text := r.FloatString(power)
		if rapid.Bool().Draw(t, "short") {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		whole, frac, hasFrac := strings.Cut(text, ".")
		if rapid.Bool().Draw(t, "groups") {
			for i := len(whole) - 3; i > 0; i -= 3 {
				whole = whole[:i] + "," + whole[i:]
			}
		}
		text = whole
		if hasFrac {
			text += "." + frac
		}
		negative := rapid.Bool().Draw(t, "negative")
		if negative {
			text = rapid.SampledFrom([]string{"-%", "(%)", "（%）", "－%", "%-"}).Draw(t, "minus")
			text = strings.Replace(text, "%", whole+map[bool]string{true: "." + frac}[hasFrac], 1)
		}
		if rapid.Bool().Draw(t, "wide") {
			text = strings.Map(func(r rune) rune {
				switch {
				case r >= '0' && r <= '9':
					return r - '0' + '０'
				case r == '.':
					return '．'
				case r == ',':
					return '，'
				}
				return r
			}, text)
		}
		if rapid.Bool().Draw(t, "spaces") {
			text = "　" + text + " "
		}
		m, err := intake.ParseMoney(text, unit, 2)
		if err != nil {
			t.Fatalf("ParseMoney(%q, %s): %v", text, unit, err)
		}
		want := events.Minor(fen)
		if negative {
			want = -want
		}
		if got, ok := m.Minor(2); !ok || got != want {
			t.Fatalf("ParseMoney(%q, %s) = %d fen, want %d", text, unit, got, want)
		}
		if _, err := events.ParseAmount(m.Text); err != nil {
			t.Fatalf("ParseMoney(%q) = %q, which is no amount of a command: %v", text, m.Text, err)
		}
	})
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		order intake.DateOrder
		want  string
		why   string
	}{
		{"2022-04-18", "", "2022-04-18", ""},
		{"2022/4/18", "", "2022-04-18", ""},
		{"2022.4.18", "", "2022-04-18", ""},
		{"20220418", "", "2022-04-18", ""},
		{"２０２２年４月１８日", "", "2022-04-18", ""},
		{"2022年4月18号", "", "2022-04-18", ""},
		{"2022-04-18 13:01:02", "", "2022-04-18", ""},
		{"2022/4/18 8:05", "", "2022-04-18", ""},
		{"2022-04-18T13:01:02", "", "2022-04-18", ""},
		{"2022年4月", "", "2022-04", ""},
		{"2022.4", "", "2022-04", ""},
		{"2022-04", "", "2022-04", ""},
		{"202204", "", "2022-04", ""},
		{"2022年", "", "2022", ""},
		{"2022", "", "2022", ""},
		{"18/04/2022", "", "2022-04-18", ""},
		{"04/18/2022", "", "2022-04-18", ""},
		{"04/05/2022", "dmy", "2022-05-04", ""},
		{"04/05/2022", "mdy", "2022-04-05", ""},
		{"04/04/2022", "", "2022-04-04", ""},
		{"04/05/2022", "", "", "cell-date-order"},
		{"2022-02-30", "", "", "cell-date"},
		{"2022-13", "", "", "cell-date"},
		{"2022 年 4 月 18 日", "", "2022-04-18", ""},
		{"2022-04-18 下午 1:01", "", "2022-04-18", ""},
		{"2022-04-18T13:01:02.5+08:00", "", "2022-04-18", ""},
		{"18.04.2022 8:05", "", "2022-04-18", ""},
		{"2022年4日", "", "", "cell-date"},
		{"2022-4-", "", "", "cell-date"},
		{"2022-4/18", "", "", "cell-date"},
		{"13/05-2022", "", "", "cell-date"},
		{"2022.4月18", "", "", "cell-date"},
		{"2022日", "", "", "cell-date"},
		{"2022月", "", "", "cell-date"},
		{"2022-4号", "", "", "cell-date"},
		{"20 22-4-1", "", "", "cell-date"},
		{"2022-4-1①", "", "", "cell-date"},
		{"\u202e2022-4-1", "", "", "cell-date"},
		{"2022-04-18 :", "", "", "cell-date"},
		{"2022-04-18 9:30 补付", "", "", "cell-date"},
		{"4月18日", "", "", "cell-date"},
		{"22-04-18", "", "", "cell-date"},
		{"小计", "", "", "cell-date"},
		{":", "", "", "cell-date"},
		{"", "", "", "cell-date"},
	} {
		got, err := intake.ParseDate(c.in, c.order)
		if got != c.want || why(err) != c.why {
			t.Errorf("ParseDate(%q, %q) = %q, %v; want %q, why %q", c.in, c.order, got, err, c.want, c.why)
		}
	}
}

// A number of a spreadsheet is binary; what is meant by it is what is seen.
func TestNumbersOfSpreadsheets(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"1738.7": "1738.7", "0.30000000000000004": "0.3", "1738.6999999999998": "1738.7", "1738.69999999999": "1738.7", "-78.880000000000003": "-78.88",
		"17387049.99": "17387049.99", "1234567890123.45": "1234567890123.45", "33.333333333333336": "33.3333333333333", "1E3": "1000", "1.5E-2": "0.015", "5.": "5",
		"NaN": "", "1E400": "", "0x10": "", "": "", "1e21": "",
	} {
		if got, ok := intake.PlainNumber(raw); got != want || ok != (want != "") {
			t.Errorf("%q is read as %q, %v; want %q", raw, got, ok, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1,738.70万元", "(5)", ":", "2022年4月18日", "¥", "-", "10,000yuan", "\xff", "１E5", " : "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, unit := range append(intake.Units, "") {
			m, err := intake.ParseMoney(s, unit, 2)
			if err != nil {
				continue
			}
			if m.Text != "0" {
				if _, err := events.ParseAmount(m.Text); err != nil {
					t.Errorf("ParseMoney(%q, %s) = %q: %v", s, unit, m.Text, err)
				}
			}
			if _, ok := m.Minor(2); !ok {
				t.Errorf("ParseMoney(%q, %s) = %q, which has no fen", s, unit, m.Text)
			}
		}
		if d, err := intake.ParseDate(s, ""); err == nil {
			if _, err := events.ParseDate(d); err != nil {
				t.Errorf("ParseDate(%q) = %q: %v", s, d, err)
			}
		}
	})
}
