package events

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseFundAndLine(t *testing.T) {
	for _, c := range []struct {
		in         string
		fund, line bool
	}{
		{"0", true, true},
		{"a", true, true},
		{"9", true, true},
		{"cd-gx", true, true},
		{"a-b-c", true, true},
		{"a--b", true, false},
		{"CD", false, true},
		{"1.4", false, true},
		{"2.1.3", false, true},
		{"2.1-a.B", false, true},
		{"01", true, true},
		{"1.01", false, true},
		{strings.Repeat("a", 31), true, true},
		{strings.Repeat("a", 32), true, true},
		{strings.Repeat("a", 33), false, false},
		{strings.Repeat("a.", 15) + "ab", false, true},
		{strings.Repeat("a.", 16) + "a", false, false},
		{"a" + strings.Repeat("-", 30) + "a", true, false},
		{"", false, false},
		{"-", false, false},
		{".", false, false},
		{"-a", false, false},
		{"a-", false, false},
		{".a", false, false},
		{"a.", false, false},
		{"a..b", false, false},
		{"a.-b", false, false},
		{"a b", false, false},
		{"a\n", false, false},
		{"\na", false, false},
		{"é", false, false},
		{"１", false, false},
		{"a_b", false, false},
		{"a/b", false, false},
		{"*", false, false},
		{">", false, false},
		{"a\x00", false, false},
	} {
		if f, err := ParseFund(c.in); (err == nil) != c.fund || err == nil && string(f) != c.in {
			t.Errorf("ParseFund(%q) = %q, %v, want it accepted: %t", c.in, f, err, c.fund)
		}
		if l, err := ParseLine(c.in); (err == nil) != c.line || err == nil && string(l) != c.in {
			t.Errorf("ParseLine(%q) = %q, %v, want it accepted: %t", c.in, l, err, c.line)
		}
	}
}

func TestParseAmount(t *testing.T) {
	const most = "999999999999999"
	for _, in := range []string{"1", "0.01", "0.0001", "10", "100", "1.0", "1.00", "1.50", "2.0000", most, most + ".9999", "123456789012345.6"} {
		if a, err := ParseAmount(in); err != nil || a.String() != in || a.IsZero() {
			t.Errorf("ParseAmount(%q) = %q, %v", in, a, err)
		}
	}
	for in, why := range map[string]string{
		"": "amount-form", ".": "amount-point", "abc": "amount-form", "e5": "amount-form", "1e5": "amount-exponent", "1E+5": "amount-exponent", "-1": "amount-sign", "+1": "amount-sign",
		"−1": "amount-sign", "(1)": "amount-sign", "1-": "amount-sign", "0": "amount-zero", "0.00": "amount-zero", "0.0000": "amount-zero", "00": "amount-leading-zero", "01": "amount-leading-zero",
		"00.1": "amount-leading-zero", "1,000": "amount-separator", "1，000": "amount-separator", "1 000": "amount-separator", "1\u00a0000": "amount-separator", "1\u3000000": "amount-separator",
		" 1": "amount-separator", "1\n": "amount-separator", "1’000": "amount-separator", "１": "amount-width", "1．5": "amount-width", "1.": "amount-point", ".1": "amount-point", "1.2.3": "amount-point",
		most + "0": "amount-large", "1.00000": "amount-places", "1元": "amount-form", "1.5万": "amount-form", "\xff": "amount-form",
	} {
		_, err := ParseAmount(in)
		if e, ok := err.(*Error); !ok || e.Code != BadValue || e.Why != why {
			t.Errorf("ParseAmount(%q): %v, want %s", in, err, why)
		}
	}
	one, _ := ParseAmount("2")
	two, _ := ParseAmount("2.00")
	three, _ := ParseAmount("2.01")
	if !one.Equal(two) || one == two || one.Equal(three) {
		t.Error("2 and 2.00 are the same money written in two ways")
	}
}

func TestAmountMinor(t *testing.T) {
	for _, c := range []struct {
		in       string
		decimals int
		want     Minor
		code     Code
	}{
		{"17387000.00", 2, 1738700000, ""},
		{"17387000", 2, 1738700000, ""},
		{"0.5", 2, 50, ""},
		{"0.01", 2, 1, ""},
		{"0.001", 2, 0, BadValue},
		{"1.000", 2, 0, BadValue},
		{"1.0", 0, 0, BadValue},
		{"1", 0, 1, ""},
		{"1.2345", 4, 12345, ""},
		{"1.5", 3, 1500, ""},
		{"999999999999999.99", 2, 99999999999999999, ""},
		{"999999999999999", 4, 0, Overflow},
		{"922337203685477.5807", 4, math.MaxInt64, ""},
		{"922337203685477.5808", 4, 0, Overflow},
	} {
		a, err := ParseAmount(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Minor(c.decimals); got != c.want || CodeOf(err) != c.code {
			t.Errorf("%s in %d decimals = %d, %v, want %d, %q", c.in, c.decimals, got, err, c.want, c.code)
		}
	}
}

func TestMinor(t *testing.T) {
	for _, c := range []struct {
		m        Minor
		decimals int
		want     string
	}{
		{0, 2, "0.00"},
		{0, 0, "0"},
		{5, 2, "0.05"},
		{-5, 2, "-0.05"},
		{-150000000, 2, "-1500000.00"},
		{1234, 0, "1234"},
		{12345, 4, "1.2345"},
		{math.MaxInt64, 2, "92233720368547758.07"},
		{math.MinInt64, 2, "-92233720368547758.08"},
		{math.MinInt64, 0, "-9223372036854775808"},
	} {
		if got := c.m.Format(c.decimals); got != c.want {
			t.Errorf("Minor(%d).Format(%d) = %q, want %q", c.m, c.decimals, got, c.want)
		}
		if m, d, err := ParseMinor(c.want); m != c.m || d != c.decimals || err != nil {
			t.Errorf("ParseMinor(%q) = %d, %d, %v", c.want, m, d, err)
		}
		if got := c.m.Decimal(c.decimals).StringFixed(int32(c.decimals)); got != c.want {
			t.Errorf("Minor(%d).Decimal(%d) = %s, want %s", c.m, c.decimals, got, c.want)
		}
	}
	for _, in := range []string{"", "-", "1.", ".5", "-.5", "+1", "-0", "-0.00", "01", "1.23456", "1,0", "1e2", "5.-3", "９", "9223372036854775808", "1.2.3"} {
		if m, _, err := ParseMinor(in); err == nil {
			t.Errorf("ParseMinor(%q) = %d", in, m)
		}
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 10000 {
		m, d := Minor(rnd.Uint64()>>rnd.IntN(64)), rnd.IntN(5)
		if got, dec, err := ParseMinor(m.Format(d)); got != m || dec != d || err != nil {
			t.Fatalf("ParseMinor(%q) = %d, %d, %v, want %d, %d", m.Format(d), got, dec, err, m, d)
		}
	}
}

func TestMinorAdd(t *testing.T) {
	const most, least = Minor(math.MaxInt64), Minor(math.MinInt64)
	for _, c := range []struct {
		m, n, want Minor
		ok         bool
	}{
		{1, 2, 3, true}, {most, 0, most, true}, {most, 1, 0, false}, {most, least, -1, true}, {least, -1, 0, false}, {least, 0, least, true}, {-1, most, most - 1, true}, {least, least, 0, false}, {most, most, 0, false},
	} {
		if got, ok := c.m.Add(c.n); ok != c.ok || ok && got != c.want {
			t.Errorf("%d + %d = %d, %t, want %d, %t", c.m, c.n, got, ok, c.want, c.ok)
		}
	}
}

func TestParseDate(t *testing.T) {
	for in, want := range map[string][2]string{
		"2022-04-18":            {"2022-04-18", "2022-04-18"},
		"2024-02-29":            {"2024-02-29", "2024-02-29"},
		"2022-04":               {"2022-04-01", "2022-04-30"},
		"2024-02":               {"2024-02-01", "2024-02-29"},
		"2023-02":               {"2023-02-01", "2023-02-28"},
		"2022-12":               {"2022-12-01", "2022-12-31"},
		"2022":                  {"2022-01-01", "2022-12-31"},
		"1000":                  {"1000-01-01", "1000-12-31"},
		"9990":                  {"9990-01-01", "9990-12-31"},
		"9999-12":               {"9999-12-01", "9999-12-31"},
		"1900-02":               {"1900-02-01", "1900-02-28"},
		"2022-01-01/2022-12-08": {"2022-01-01", "2022-12-08"},
		"2022-01-01/2022-01-01": {"2022-01-01", "2022-01-01"},
	} {
		d, err := ParseDate(in)
		if err != nil || d.String() != in || d.First().String() != want[0] || d.Last().String() != want[1] || d.Exact() != (want[0] == want[1]) {
			t.Errorf("ParseDate(%q) = %s, %s to %s, %v, want %v", in, d, d.First(), d.Last(), err, want)
		}
		if again, err := ParseDate(d.String()); again != d || err != nil {
			t.Errorf("ParseDate(%q) twice differs", in)
		}
		if (d.FiscalYear() != 0) != (len(in) == 4) || d.IsZero() {
			t.Errorf("%s is fiscal year %d", in, d.FiscalYear())
		}
	}
	d, _ := ParseDate("2022")
	first, _ := ParseDay("2022-04-01")
	if f := d.In(first, first.end(12)); f.First() != first || f.Last().String() != "2023-03-31" || f.String() != "2022" || f.FiscalYear() != 2022 {
		t.Errorf("fiscal year = %s to %s", f.First(), f.Last())
	}
	if !(Date{}).IsZero() {
		t.Error("the zero Date is a date")
	}
}

func TestDay(t *testing.T) {
	for in, want := range map[string]Day{"1970-01-01": 0, "1970-01-02": 1, "1969-12-31": -1, "2000-02-29": 11016, "2022-04-18": 19100, "1000-01-01": -354285, "9999-12-31": lastDay} {
		if d, err := ParseDay(in); d != want || err != nil || d.String() != in {
			t.Errorf("ParseDay(%q) = %d (%s), %v, want %d", in, d, d, err, want)
		}
	}
	// Every day of four centuries comes back.
	for d := Day(-100000); d < 46097; d++ {
		if got, err := ParseDay(d.String()); got != d || err != nil {
			t.Fatalf("ParseDay(%s) = %d, %v, want %d", d, got, err, d)
		}
	}
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	late := time.Date(2022, 4, 17, 16, 0, 0, 0, time.UTC) // already the 18th there
	if got := DayOf(late.In(shanghai)); got.String() != "2022-04-18" || !got.Time(shanghai).Equal(late) {
		t.Errorf("DayOf = %s, which begins %s", got, got.Time(shanghai))
	}
	if got := DayOf(late); got.String() != "2022-04-17" {
		t.Errorf("DayOf = %s", got)
	}
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"2022-12-31", 12, "2023-12-31"},
		{"2023-02-28", 12, "2024-02-29"},
		{"2024-02-29", 12, "2025-02-28"},
		{"2023-03-31", 12, "2024-03-31"},
		{"2022-12-31", 1, "2023-01-31"},
		{"2023-01-31", 1, "2023-02-28"},
		{"2023-12-31", -12, "2022-12-31"},
		{"2024-02-29", -12, "2023-02-28"},
		{"2022-06-15", 12, "2023-06-15"},
		{"2024-01-30", 1, "2024-02-29"},
		{"2022-12-31", 0, "2022-12-31"},
	} {
		d, _ := ParseDay(c.in)
		if got := d.AddMonths(c.n); got.String() != c.want {
			t.Errorf("%s and %d months = %s, want %s", c.in, c.n, got, c.want)
		}
	}
}

func TestParseYearIDSeqNumber(t *testing.T) {
	check := func(what, in string, err error, want bool) {
		t.Helper()
		if (err == nil) != want {
			t.Errorf("%s(%q): %v, want it accepted: %t", what, in, err, want)
		}
	}
	for in, want := range map[string]bool{"1000": true, "2022": true, "9990": true, "0999": false, "9991": false, "999": false, "20222": false, "+2022": false, "-2022": false, "2022.0": false, "": false, "２０２２": false} {
		y, err := ParseYear(in)
		check("ParseYear", in, err, want)
		if want && y.String() != in {
			t.Errorf("ParseYear(%q) = %s", in, y)
		}
	}
	for in, want := range map[string]bool{
		"a": true, "!": true, "常财企〔2022〕1号": true, "a-": true, strings.Repeat("x", 128): true, strings.Repeat("长", 128): true, strings.Repeat("x", 129): false, strings.Repeat("长", 129): false,
		"": false, "-": false, "-a": false, " ": false, "a b": false, "a\t": false, "a\u00a0": false, "\u200b": false, "\x7f": false, "\x00": false, "\xff": false, "\u202e": false, "\u00ad": false,
	} {
		_, err := ParseID(in)
		check("ParseID", in, err, want)
	}
	for in, want := range map[string]bool{"1": true, "9223372036854775807": true, "9223372036854775808": false, "0": false, "01": false, "+1": false, "-1": false, "1.0": false, "1e3": false, "": false, "1_0": false} {
		n, err := ParseSeq(in)
		check("ParseSeq", in, err, want)
		if want && n.String() != in {
			t.Errorf("ParseSeq(%q) = %s", in, n)
		}
	}
	for in, want := range map[string]bool{
		"0": true, "-0.5": true, "98.07": true, "-230.42": true, "999999999999999.12345678": true, "0.00": true, "1.123456789": false, "1000000000000000": false, "+1": false, "1,0": false, "1e2": false, "": false,
		"-": false, ".5": false, "5.": false, "05": false, "--1": false, "−1": false, "1%": false,
	} {
		n, err := ParseNumber(in)
		check("ParseNumber", in, err, want)
		if want && n.Decimal().String() == "" {
			t.Errorf("ParseNumber(%q) has no decimal", in)
		}
	}
}

func TestTotals(t *testing.T) {
	var tt Totals
	for i, m := range Measures {
		if err := tt.Add(m, Minor(1)<<i); err != nil || *tt.Of(m) != 1<<i {
			t.Errorf("Add(%s) = %v, %d", m, err, *tt.Of(m))
		}
	}
	if got, want := tt.Adjusted(), tt.Original+tt.Supplementary+tt.Reallocated+tt.CarriedIn; got != want {
		t.Errorf("Adjusted = %d, want %d", got, want)
	}
	if got, want := tt.Available(), tt.Adjusted()-(tt.Disbursed-tt.Returned)-tt.Committed-tt.Lapsed-tt.CarriedOut; got != want || tt.IsZero() {
		t.Errorf("Available = %d, want %d", got, want)
	}
	before := tt
	for _, m := range Derived {
		if err := tt.Add(m, 1); CodeOf(err) != BadValue || tt != before {
			t.Errorf("Add(%s): %v", m, err)
		}
	}
	var sum Totals
	if err := sum.Plus(tt); err != nil || sum != tt {
		t.Errorf("Plus = %+v, %v", sum, err)
	}
	if err := sum.Plus(Totals{Original: math.MaxInt64}); CodeOf(err) != Overflow {
		t.Errorf("Plus beyond int64: %v", err)
	}
}

func TestTotalsOverflow(t *testing.T) {
	const most, least = Minor(math.MaxInt64), Minor(math.MinInt64)
	for _, c := range []struct {
		name string
		have Totals
		m    Measure
		a    Minor
		ok   bool
	}{
		{"the measure itself", Totals{Allotted: most}, AllottedM, 1, false},
		{"up to the edge", Totals{Original: most - 1}, Original, 1, true},
		{"adjusted", Totals{Original: most}, Supplementary, 1, false},
		{"available below", Totals{Disbursed: most}, CommittedM, 2, false},
		{"available at the edge below", Totals{Disbursed: most}, CommittedM, 1, true},
		{"spent", Totals{Disbursed: most}, ReturnedM, -1, false},
		{"the least returned", Totals{}, ReturnedM, least, false},
		{"the least disbursed", Totals{}, DisbursedM, least, false},
		{"the least lapsed", Totals{}, LapsedM, least, false},
		{"the least recovered, which nothing is derived from", Totals{}, RecoveredM, least, true},
	} {
		got := c.have
		err := got.Add(c.m, c.a)
		if (err == nil) != c.ok || err != nil && (CodeOf(err) != Overflow || got != c.have) {
			t.Errorf("%s: %v, %+v, want it accepted: %t", c.name, err, got, c.ok)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"1", "0.01", "17387000.00", "1,738.70", "-5", "1e5", "007", "９", ".", "999999999999999.9999", "0.0000", "1.50"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code != BadValue || e.Why == "" || e.Args["value"] != s {
				t.Errorf("ParseAmount(%q): %v", s, err)
			}
			return
		}
		if b, err := ParseAmount(a.String()); a.String() != s || b != a || err != nil || a.IsZero() {
			t.Errorf("ParseAmount(%q) = %s", s, a)
		}
		for d := range 5 {
			m, err := a.Minor(d)
			if err != nil {
				continue
			}
			if b, err := ParseAmount(m.Format(d)); err != nil || !b.Equal(a) {
				t.Errorf("%s in %d decimals = %s", s, d, m.Format(d))
			}
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2022-04-18", "2022-04", "2022", "2022-01-01/2022-12-08", "2022-02-30", "2022-13", "0999", "9999-12-31", "2022-01-01/2021-01-01", "2022-4-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err != nil {
			return
		}
		if again, err := ParseDate(d.String()); again != d || err != nil || d.String() != s || d.IsZero() {
			t.Errorf("ParseDate(%q) = %s", s, d)
		}
		if d.First() > d.Last() {
			t.Errorf("%s ends before it begins", s)
		}
		for _, day := range []Day{d.First(), d.Last()} {
			if again, err := ParseDay(day.String()); again != day || err != nil {
				t.Errorf("ParseDay(%s) = %d, %v, want %d", day, again, err, day)
			}
		}
	})
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{"0", "1", "1.4", "2.1.3", "A-b.9", "", "1.", "1..2", "-1", "１", strings.Repeat("a", 33)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLine(s)
		if err != nil {
			return
		}
		if string(l) != s || len(s) > 32 || s == "" || strings.Trim(s, ".-") != s || strings.ContainsAny(s, " \"\\\n/_*>") {
			t.Errorf("ParseLine(%q) = %q", s, l)
		}
	})
}
