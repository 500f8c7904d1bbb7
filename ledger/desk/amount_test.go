package desk_test

import (
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/ledger/desk"

	"pgregory.net/rapid"
)

func TestReadAmount(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"126000":            "126000||",
		"126000.50":         "126000.50||",
		" 126000 ":          "126000||",
		"100万":              "1000000||100万",
		"100万元":             "1000000||100万元",
		"1,738.70万元":        "17387000||1,738.70万元",
		"1738.7 万":          "17387000||1738.7 万",
		"1.2亿":              "120000000||1.2亿",
		"0.00012345万":       "1.2345||0.00012345万",
		"0.5万":              "5000||0.5万",
		"¥100.00":           "100.00||¥100.00",
		"￥１００．００":           "100.00||￥１００．００",
		"\u200e100\ufeff":   "100||\u200e100\ufeff",
		"１，０００":             "1000||１，０００",
		"人民币 5,000元":        "5000||人民币 5,000元",
		"1,234,567.89":      "1234567.89||1,234,567.89",
		"壹佰万元整":             "1000000|壹佰万元整|",
		"壹仟柒佰叁拾捌万柒仟元整":      "17387000|壹仟柒佰叁拾捌万柒仟元整|",
		"99999999999999.99": "99999999999999.99||",
	} {
		a, err := desk.ReadAmount(written)
		if got := a.Figures + "|" + a.Capitals + "|" + a.AsPrinted; err != nil || got != want {
			t.Errorf("ReadAmount(%q) = %q, %v; want %q", written, got, err, want)
		}
	}
	for written, why := range map[string]string{
		"":                        "amount-hand",
		"万":                       "amount-hand",
		"100.":                    "amount-hand",
		".5":                      "amount-hand",
		"1.2.3":                   "amount-hand",
		"1 000":                   "amount-hand",
		"1亿2千万":                   "amount-hand",
		"1万5":                     "amount-hand",
		"百万":                      "amount-hand",
		"100百万":                   "amount-hand",
		"1e6":                     "amount-hand",
		"$100":                    "amount-hand",
		"٣":                       "amount-hand",
		"一百":                      "amount-hand",
		"=1+1":                    "amount-sign",
		"-5":                      "amount-sign",
		"－5万":                     "amount-sign",
		"(5.00)":                  "amount-sign",
		"1,23":                    "amount-groups",
		"1,2345.00":               "amount-groups",
		"1234,567":                "amount-groups",
		",123":                    "amount-groups",
		"0":                       "amount-zero",
		"0.00万":                   "amount-zero",
		"0.000000001万":            "amount-places",
		"1234567890123456":        "amount-large",
		"99999999999亿":            "amount-large",
		"1\x00":                   "amount-hand",
		"\u202e001":               "amount-hand", // it is seen as 100
		"1738①":                   "amount-hand", // a footnote is no digit
		"1738²":                   "amount-hand",
		"𝟏00":                     "amount-hand",
		"1⒈5":                     "amount-hand",
		strings.Repeat("9", 5000): "amount-large",
	} {
		a, err := desk.ReadAmount(written)
		if e, ok := err.(*events.Error); !ok || e.Code != events.BadValue || e.Why != why || e.Args["value"] != written {
			t.Errorf("ReadAmount(%.40q) = %v, %#v; want the fault %s", written, a, err, why)
		}
	}
}

// Whatever the unit, the amount is that of whole yuan and fen counted by integers.
func TestReadAmountIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(1, 1e15).Draw(t, "fen")
		scale := rapid.SampledFrom([]struct {
			unit string
			fen  int64
		}{{"", 100}, {"元", 100}, {"万", 1_000_000}, {"亿元", 10_000_000_000}}).Draw(t, "unit")
		digits := len(fmt.Sprint(scale.fen)) - 1
		written := fmt.Sprintf("%d.%0*d%s", fen/scale.fen, digits, fen%scale.fen, scale.unit)
		a, err := desk.ReadAmount(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		amount, err := events.ParseAmount(a.Figures)
		if err != nil {
			t.Fatalf("%s: %s: %v", written, a.Figures, err)
		}
		if got, err := amount.Minor(2); err != nil || int64(got) != fen {
			t.Fatalf("%s is %d fen, %v; want %d", written, got, err, fen)
		}
	})
}

func TestReadDate(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"2022-04-18": "2022-04-18", "2022/4/18": "2022-04-18", "2022.4.18": "2022-04-18", "20220418": "2022-04-18", "2022年4月18日": "2022-04-18",
		"2022年4月18号": "2022-04-18", "2022年4月": "2022-04", "2022年": "2022", "2022-4": "2022-04", "2022/12": "2022-12", "2022": "2022",
		"２０２２年４月": "2022-04", "2022-01-01/2022-12-08": "2022-01-01/2022-12-08", " 2022-04-18 ": "2022-04-18", "2022年 4月 8日": "2022-04-08",
		"2022 年 4 月 18 日": "2022-04-18", "２０２２　年": "2022", "\u200e2022-4-18\u200b": "2022-04-18",
	} {
		if got, err := desk.ReadDate(written); got != want || err != nil {
			t.Errorf("ReadDate(%q) = %q, %v; want %q", written, got, err, want)
		}
	}
	for written, why := range map[string]string{
		"4月18日": "date-year", "18.04.2022": "date-year", "3/4/2022": "date-year", "22-4-18": "date-year", "4月": "date-year", "2022-02-30": "date-hand",
		"2022-13": "date-hand", "": "date-hand", "yesterday": "date-hand", "2022年4日": "date-hand", "2022-4-18-1": "date-hand", "2022-4/18": "date-hand",
		"2022年4": "date-hand", "44669": "date-hand", "2022-4-1①": "date-hand", "2022-4-1²": "date-hand", "\u202e2022-4-1": "date-hand", "2022 4-1": "date-hand", "2 022-4-1": "date-hand", "20220230": "date-hand", "2022-4-": "date-hand", "--": "date-hand", "2022\x00": "date-hand", "2022-111": "date-hand",
	} {
		got, err := desk.ReadDate(written)
		if e, ok := err.(*events.Error); !ok || e.Why != why || e.Args["value"] != written {
			t.Errorf("ReadDate(%q) = %q, %#v; want the fault %s", written, got, err, why)
		}
	}
}
