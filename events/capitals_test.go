package events

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// The rules and several of the examples are those that banks print for the writing of bills: 零 for empty places between digits, 整 after 元.
var capitalTable = []struct{ amount, capitals string }{
	{"1409.50", "壹仟肆佰零玖元伍角整"},
	{"6007.14", "陆仟零柒元壹角肆分"},
	{"1680.32", "壹仟陆佰捌拾元叁角贰分"},
	{"107000.53", "壹拾万柒仟元伍角叁分"},
	{"16409.02", "壹万陆仟肆佰零玖元零贰分"},
	{"325.04", "叁佰贰拾伍元零肆分"},
	{"17387000.00", "壹仟柒佰叁拾捌万柒仟元整"},
	{"98071700", "玖仟捌佰零柒万壹仟柒佰元整"},
	{"1", "壹元整"},
	{"10", "壹拾元整"},
	{"11", "壹拾壹元整"},
	{"20", "贰拾元整"},
	{"100", "壹佰元整"},
	{"101", "壹佰零壹元整"},
	{"110", "壹佰壹拾元整"},
	{"1001", "壹仟零壹元整"},
	{"1010", "壹仟零壹拾元整"},
	{"1100", "壹仟壹佰元整"},
	{"10001", "壹万零壹元整"},
	{"10500", "壹万零伍佰元整"},
	{"15000", "壹万伍仟元整"},
	{"100005", "壹拾万零伍元整"},
	{"1000000", "壹佰万元整"},
	{"10000000", "壹仟万元整"},
	{"100000000", "壹亿元整"},
	{"100000005", "壹亿零伍元整"},
	{"100010000", "壹亿零壹万元整"},
	{"105000000", "壹亿零伍佰万元整"},
	{"120000000", "壹亿贰仟万元整"},
	{"1000000000000", "壹万亿元整"},
	{"1000100010001", "壹万零壹亿零壹万零壹元整"},
	{"999999999999999.99", "玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"},
	{"0.5", "伍角整"},
	{"0.05", "伍分"},
	{"0.55", "伍角伍分"},
	{"3.5", "叁元伍角整"},
	{"10.5", "壹拾元伍角整"},
	{"10.05", "壹拾元零伍分"},
}

func TestFormatCapitals(t *testing.T) {
	for _, c := range capitalTable {
		a, err := ParseAmount(c.amount)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := FormatCapitals(a); got != c.capitals || !ok {
			t.Errorf("FormatCapitals(%s) = %s, %t, want %s", c.amount, got, ok, c.capitals)
		}
		if got, ok := ParseCapitals(c.capitals); !got.Equal(a) || !ok {
			t.Errorf("ParseCapitals(%s) = %s, %t, want %s", c.capitals, got, ok, c.amount)
		}
	}
	for _, in := range []string{"0.001", "1.2345"} {
		a, _ := ParseAmount(in)
		if got, ok := FormatCapitals(a); ok {
			t.Errorf("FormatCapitals(%s) = %s", in, got)
		}
	}
	if got, ok := FormatCapitals(Amount{}); ok {
		t.Errorf("FormatCapitals of no amount = %s", got)
	}
}

func TestParseCapitals(t *testing.T) {
	for in, want := range map[string]string{
		"人民币叁元伍角": "3.5", "人民币：叁元伍角": "3.5", "人民币(大写)：叁元整": "3", "人民币（大写）叁元整": "3", " 叁 元 整 ": "3", "叁圆正": "3", "叁圓整": "3", "叁元": "3", "三元": "3", "二十三元": "23",
		"拾元整": "10", "十五元": "15", "拾万元整": "100000", "两万元": "20000", "壹萬貳仟元整": "12000", "壹億元": "100000000", "壹仟陆佰捌拾元零叁角贰分": "1680.32", "壹拾万零柒仟元伍角叁分": "107000.53",
		"叁元零伍分": "3.05", "叁元伍分": "3.05", "零元伍角": "0.5", "叁元零角伍分": "3.05", "叁元伍角零分": "3.5", "叁佰零拾伍元整": "305", "零仟叁佰零拾伍元整": "305", "零万零仟叁佰贰拾零元整": "320", "壹亿零万零伍元": "100000005",
		"一千七百三十八万七千元": "17387000", "壹佰零元": "100", "〇元五角": "0.5",
	} {
		a, _ := ParseAmount(want)
		if got, ok := ParseCapitals(in); !ok || !got.Equal(a) {
			t.Errorf("ParseCapitals(%s) = %s, %t, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "元", "元整", "整", "零元整", "角", "分", "伍", "伍圆五", "壹佰贰拾叁", "100元", "壹壹元", "壹零壹元", "零零壹元", "佰元", "仟元", "壹佰拾元", "壹佰贰仟元", "壹拾拾元", "壹佰壹佰元", "壹万贰万元", "壹亿贰亿元", "壹万亿亿元",
		"亿元", "万元", "壹亿万元", "壹万伍元", "壹亿伍万元", "壹佰贰元", "壹仟贰拾元", "壹元贰元", "伍分伍角", "伍角伍角", "壹元伍", "壹元拾角", "壹元壹拾角", "壹元零零伍分", "人民币", "美元", "负壹元", "壹元整元", "壹佰元壹角壹", "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿元",
		"壹仟万亿元", strings.Repeat("壹亿", 1000) + "元", strings.Repeat("零", 1000) + "元", "\xff元", "壹厘",
	} {
		if got, ok := ParseCapitals(in); ok {
			t.Errorf("ParseCapitals(%s) = %s, want it refused", clip(in), got)
		}
	}
}

func TestCapitalsBothWays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 50000 {
		a := Amount{whole: rnd.Int64N(1e15), frac: int32(rnd.IntN(100)) * 100, places: 2}
		for range rnd.IntN(3) { // make empty places likely
			p := int64(1)
			for range rnd.IntN(15) {
				p *= 10
			}
			if rnd.IntN(2) == 0 {
				a.whole = a.whole / p * p
			} else {
				a.whole %= p
			}
		}
		if a.IsZero() {
			continue
		}
		s, ok := FormatCapitals(a)
		if got, read := ParseCapitals(s); !ok || !read || !got.Equal(a) {
			t.Fatalf("%s is %s, which reads %s, %t", a, s, got, read)
		}
		if strings.Contains(s, "零零") || strings.Contains(s, "零万") || strings.Contains(s, "零亿") || strings.Contains(s, "零元") || strings.HasPrefix(s, "零") {
			t.Fatalf("%s is %s", a, s)
		}
	}
}

func FuzzParseCapitals(f *testing.F) {
	for _, c := range capitalTable {
		f.Add(c.capitals)
	}
	for _, s := range []string{"人民币（大写）：叁元整", "零万零仟叁佰零拾伍元零角零分", "拾元", "壹万亿亿元", "元整", "壹零壹元"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := ParseCapitals(s)
		if !ok {
			return
		}
		if a.whole < 0 || a.whole >= 1e15 || a.frac < 0 || a.frac >= 10000 || a.IsZero() {
			t.Fatalf("ParseCapitals(%q) = %+v", s, a)
		}
		formal, ok := FormatCapitals(a)
		if again, read := ParseCapitals(formal); !ok || !read || !again.Equal(a) {
			t.Errorf("%q reads %s, which is written %s", s, a, formal)
		}
	})
}
