package events

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// sameCommand fails where a command that is read quickly is another than the slow parser reads.
func sameCommand(t testing.TB, raw []byte) (read bool) {
	t.Helper()
	var got Command
	if !quickCommand(&got, raw) {
		return false
	}
	want, err := parseCommand(raw, false)
	if err != nil {
		t.Fatalf("%s\nis read quickly, and refused else: %v", raw, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nis quickly %+v,\nelse %+v", raw, got, want)
	}
	return true
}

// A commandMaker makes commands that are good for the most part.
type commandMaker struct {
	*rand.Rand
	odd int // one of so many values is of another form
}

func (m commandMaker) of(ss ...string) string { return ss[m.IntN(len(ss))] }

func (m commandMaker) text() string {
	return m.of(`"a"`, `"首次入规工业企业奖励"`, `"〔2022〕88号"`, `" b "`, `"x y"`, `"１２　"`, `"e\u0301"`, `"ﬁ"`, `"é́"`, `" 中"`, `"中 "`, `"😀"`, `"`+strings.Repeat("中", 167)+`"`)
}

// value returns a value for a field; it may not be one that the field can have.
func (m commandMaker) value(kind Kind, name string) string {
	if m.odd > 0 && m.IntN(m.odd) == 0 {
		return m.of(`null`, `1`, `-1`, `0`, `01`, `1.0`, `1e3`, `true`, `""`, `" "`, `"\u3000"`, `"　"`, `"a\n"`, `"a\u0000"`, `{}`, `[]`, `[null]`, `[[]]`, `{"a":1}`, `2022`, `99999999999999999999`,
			`"2022-02-30"`, `"-1"`, `"0"`, `"1."`, `"00.1"`, `"1234567890123456"`, `"1.23456"`, `"0.0000"`, `"１"`, `"person"`, `"`+strings.Repeat("x", 501)+`"`, `"`+strings.Repeat("中", 501)+`"`, "\"\xff\"", "\"\xed\xa0\x80\"",
			"\"\x7f\"", `"a"b`, `'a'`, ``)
	}
	switch name {
	case "kind":
		return fmt.Sprintf("%q", kind)
	case "fund":
		return m.of(`"cd-gx"`, `"f"`, `"0"`)
	case "year", "to_year", "from_year":
		return m.of("2022", "1000", "9990", "2024")
	case "date", "due":
		return m.of(`"2022-09-16"`, `"2024-02-29"`, `"2022-09"`, `"2022"`, `"2022-01-01/2022-12-08"`, `"9999-12"`, `"1000"`)
	case "id":
		return m.of(`"cd-gx/2022/1"`, `"a"`, `"常财企指〔2022〕88号"`)
	case "mode":
		return m.of(`"control"`, `"record"`)
	case "basis":
		return m.of(`"voucher"`, `"stated"`, `"inferred"`, `"assumed"`)
	case "amount":
		return m.of(`"890000.00"`, `"1"`, `"0.5"`, `"999999999999999.9999"`, `"10.010"`)
	case "amount_text":
		return m.of(`"壹元整"`, `"捌拾玖万元整"`)
	case "line":
		return m.of(`"2.1.4"`, `"0"`, `"A-1"`)
	case "channel":
		return m.of(`"payment"`, `"lower-treasury"`, `"deduction"`, `"conversion"`, `"unstated"`)
	case "method":
		return m.of(`"direct"`, `"authorised"`, `"single"`, `"warrant"`)
	case "stage":
		return m.of(`"original"`, `"supplementary"`)
	case "of", "commitment":
		return m.of(`17`, `"c-9"`, `"17"`, `999999999999999999`, `9223372036854775807`)
	case "documents":
		return m.of(`[]`, `[ ]`, `["常财企指〔2022〕88号"]`, `["a" , "b"]`, `["a","a"]`)
	case "dims":
		return m.of(`{}`, `{ }`, `{"function":"2150805","econ_gov":"50701","source":"city"}`, `{"b":"2" , "a" : "1"}`, `{"a":"1","a":"1"}`, `{"A":"1"}`, `{"a":"`+strings.Repeat("中", 64)+`"}`)
	case "payee":
		if m.IntN(4) == 0 {
			return m.object(m.of("class ref", "ref class", "ref", "class"), func(name string) string {
				if name == "class" {
					return `"person"`
				}
				return m.text()
			})
		}
		return m.object(m.subset("name id class account bank count"), func(name string) string {
			switch name {
			case "class":
				return m.of(`"enterprise"`, `"supplier"`, `"unit"`, `"district"`, `"park"`)
			case "count":
				return m.of("1", "5", "2147483647", "2147483648", "0")
			}
			return m.text()
		})
	case "voucher":
		return m.object("issuer year type number"+m.of("", " line"), func(name string) string {
			if name == "year" {
				return "2022"
			}
			return m.text()
		})
	}
	return m.text()
}

// subset returns most of some names in any order.
func (m commandMaker) subset(names string) string {
	some := slices.DeleteFunc(strings.Fields(names), func(string) bool { return m.IntN(4) == 0 })
	m.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return strings.Join(some, " ")
}

func (m commandMaker) object(names string, value func(name string) string) string {
	var b strings.Builder
	colon, comma := m.of(":", ":", ": ", " :"), m.of(",", ",", ", ", " ,")
	b.WriteString(m.of("{", "{", "{ "))
	for i, name := range strings.Fields(names) {
		if i > 0 {
			b.WriteString(comma)
		}
		fmt.Fprintf(&b, "%q%s%s", name, colon, value(name))
	}
	b.WriteString(m.of("}", "}", " }"))
	return b.String()
}

// command makes a command of a kind.
func (m commandMaker) command(kind Kind) []byte {
	shape := shapeOf(kind, "")
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(shape)), func(name string) bool {
		return !shape[name] && m.IntN(2) == 0 || name == "amount_text" && m.IntN(8) > 0
	})
	m.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if m.odd > 0 && m.IntN(m.odd) == 0 {
		names = append(names, m.of("kind", "fund", "Fund", "weather", "name", "to"))
	}
	return []byte(m.of("", "", "", " ", "\n") + m.object(strings.Join(names, " "), func(name string) string { return m.value(kind, name) }) + m.of("", "", "", " ", "\r\n"))
}

// mutate changes some bytes of b at random.
func mutate(m *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + m.IntN(3) {
		i := m.IntN(len(b))
		const some = "\"\\{}[]:, \t\n\x00\x7f0129-+.eaZ中\xff\xe4"
		c := some[m.IntN(len(some))]
		switch m.IntN(4) {
		case 0:
			b[i] = c
		case 1:
			b = slices.Insert(b, i, c)
		case 2:
			b = slices.Delete(b, i, i+1)
		case 3:
			j := m.IntN(len(b))
			k := min(i+1+m.IntN(20), len(b))
			b = slices.Insert(b, j, bytes.Clone(b[i:k])...)
		}
		if len(b) == 0 {
			return b
		}
	}
	return b
}

// TestQuickCommands: a command that is read in one pass is the one that the parser with all the words reads.
func TestQuickCommands(t *testing.T) {
	good := commandMaker{rand.New(rand.NewPCG(7, 8)), 0}
	odd := commandMaker{good.Rand, 12}
	read, total := 0, 0
	for range 3000 {
		for _, kind := range quickKinds {
			raw := good.command(kind)
			total++
			if sameCommand(t, raw) {
				read++
			}
			sameCommand(t, odd.command(kind))
			sameCommand(t, mutate(good.Rand, raw))
		}
	}
	if read < total/4 {
		t.Errorf("%d of %d commands are read in one pass, want at least a quarter", read, total)
	}
	if !sameCommand(t, []byte(benchPayment)) || !sameCommand(t, []byte(strings.ReplaceAll(benchPayment, `":`, `": `))) {
		t.Error("a usual payment is not read in one pass")
	}
	for _, row := range badCommands(t) {
		if sameCommand(t, []byte(row.json)) {
			t.Errorf("%s is read", row.json)
		}
	}
}

// sameCanonical fails where a command that is made canonical quickly is another than by package jsontext.
func sameCanonical(t testing.TB, raw []byte) (made bool) {
	t.Helper()
	got, ok := quickCanonical(nil, raw)
	if !ok {
		return false
	}
	want := jsontext.Value(bytes.Clone(raw))
	if err := want.Canonicalize(); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s\nis quickly %s,\nelse %s, %v", raw, got, want, err)
	}
	return true
}

// TestQuickCanonical: the canonical form made in one pass is that of package jsontext.
func TestQuickCanonical(t *testing.T) {
	m := commandMaker{rand.New(rand.NewPCG(15, 16)), 30}
	made, total := 0, 0
	for range 1000 {
		for _, kind := range Kinds {
			raw := m.command(kind)
			total++
			if sameCanonical(t, raw) {
				made++
			}
			sameCanonical(t, mutate(m.Rand, raw))
		}
	}
	if made < total/4 {
		t.Errorf("%d of %d commands are made canonical in one pass, want at least a quarter", made, total)
	}
	for _, raw := range []string{
		`{}`, ` { } `, `{"a":[]}`, `{"a":[ 1 ,{"c":2, "b" :[true,false,null,0]}]}`, `{"ab":1,"a":2,"abcdefghij":3,"abcdefghi":4,"":5}`, `{"abcdefgh":1,"abcdefgh":2}`, `{"b":1,"a":1,"b":2}`,
		`{"a":9007199254740991}`, `{"a":9007199254740993}`, `{"a":-0}`, `{"a":00}`, `{"中":1,"a":2}`, `[]`, `"a"`, `1`, `{"a":1}x`, `{"a":1`, `{"a":[1,]}`, `{"a":tru}`,
		strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), "{\"a\":\"\x7f<>&\"}",
	} {
		sameCanonical(t, []byte(raw))
	}
	canon, err := Canonical([]byte(benchPayment))
	if err != nil || !sameCanonical(t, []byte(benchPayment)) || !sameCanonical(t, canon) {
		t.Errorf("a usual payment is not made canonical in one pass: %v", err)
	}
}

func FuzzQuickCommand(f *testing.F) {
	m := commandMaker{rand.New(rand.NewPCG(9, 10)), 40}
	for range 5 {
		for _, kind := range quickKinds {
			f.Add(m.command(kind))
		}
	}
	f.Add([]byte(benchPayment))
	f.Fuzz(func(t *testing.T, raw []byte) {
		sameCommand(t, raw)
		sameCanonical(t, raw)
	})
}

func TestPlain(t *testing.T) {
	for _, s := range []string{"", "abc", "12345678", "1234567\x7f", "常德", "a常b德cdefghijk", "😀éÿ", "\ufffd", "\u3000", "\U0010ffff", "\ud7ff\ue000"} {
		if !plain([]byte(s)) {
			t.Errorf("%q is not plain", s)
		}
	}
	rnd := rand.New(rand.NewPCG(11, 12))
	for range 200000 {
		b := []byte("abcdefghijklmn常德市opqrstuvwxyz")[:rnd.IntN(36)]
		if len(b) > 0 {
			b[rnd.IntN(len(b))] = byte(rnd.IntN(256))
		}
		want := utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == '\\' })
		if plain(b) != want {
			t.Fatalf("plain(%q) = %t", b, !want)
		}
	}
}

// TestIsNormal: what is normal at one look is so by the tables.
func TestIsNormal(t *testing.T) {
	for r := rune(0x4000); r <= 0x9fff; r++ {
		s := "a" + string(r)
		if !isNormal([]byte(s)) || normal(s) != s || normal(string(r)) != string(r) {
			t.Fatalf("%U is not what it was", r)
		}
	}
	for _, s := range []string{"", " a", "a ", "１", "e\u0301", "中\u3000", "\uf900"} {
		if isNormal([]byte(s)) {
			t.Errorf("%q is normal", s)
		}
	}
}

// TestParseDayIsTheCalendar holds days to the calendar of package time.
func TestParseDayIsTheCalendar(t *testing.T) {
	for y := 990; y < 2110; y++ {
		for m := range 15 {
			for d := range 34 {
				s := fmt.Sprintf("%04d-%02d-%02d", y, m, d)
				sameDay(t, s)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(13, 14))
	for range 100000 {
		sameDay(t, string(mutate(rnd, []byte("2024-02-28"))))
	}
}

func sameDay(t *testing.T, s string) {
	t.Helper()
	want, err := time.Parse(time.DateOnly, s)
	good := err == nil && want.Year() >= firstYear
	got, err := ParseDay(s)
	if (err == nil) != good || good && got != dayOf(want) {
		t.Fatalf("ParseDay(%q) = %d, %v", s, got, err)
	}
}
