package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fundledger/events/words"
)

const payment = `{"kind":"disbursed","fund":"cd-gx","year":2022,"date":"2022-04-18","line":"1.4","amount":"100.00","channel":"payment"}`

// A badCommand is one row of testdata/bad.txt.
type badCommand struct {
	code  Code
	field string
	json  string
}

func badCommands(t testing.TB) (rows []badCommand) {
	t.Helper()
	data, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, "\t", 3)
		if len(parts) != 3 {
			t.Fatalf("not a row: %q", line)
		}
		if parts[1] == "-" {
			parts[1] = ""
		}
		rows = append(rows, badCommand{Code(parts[0]), parts[1], parts[2]})
	}
	return rows
}

func TestBadCommands(t *testing.T) {
	rows := badCommands(t)
	if len(rows) < 220 {
		t.Errorf("%d bad commands, want at least 220", len(rows))
	}
	for _, row := range rows {
		_, err := ParseCommand([]byte(row.json))
		e, ok := err.(*Error)
		if !ok || e.Code != row.code || (row.field != "" && e.Args["field"] != row.field) {
			t.Errorf("%s\n\terror %v at %q, want %s at %q", row.json, err, fieldOf(err), row.code, row.field)
			continue
		}
		sayable(t, row.json, e)
	}
}

func fieldOf(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Args["field"]
	}
	return ""
}

// sayable reports an error whose words leave out what is wrong or what to do.
func sayable(t *testing.T, input string, e *Error) {
	t.Helper()
	for _, lang := range words.Languages {
		msg, hint := e.Message(lang), e.Hint(lang)
		if strings.TrimSpace(msg) == "" || strings.TrimSpace(hint) == "" {
			t.Errorf("%s\n\t%s %s.%s says %q, hint %q", clip(input), lang, e.Code, e.Why, msg, hint)
		}
		field, value := e.Args["field"], e.Args["value"]
		if !(field != "" && strings.Contains(msg+hint, field)) && !strings.Contains(msg+hint, value) {
			t.Errorf("%s\n\t%s %q, %q names neither field %q nor value %q", clip(input), lang, msg, hint, field, value)
		}
		if strings.Contains(msg+hint, "<no value>") || len(msg)+len(hint) > 2000 {
			t.Errorf("%s\n\t%s %q, %q", clip(input), lang, msg, hint)
		}
	}
}

func TestMalformedBytes(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing":             "",
		"white space":         " \n\t ",
		"bad UTF-8 in a text": "{\"kind\":\"disb\xffursed\"}",
		"bad UTF-8 in a command of several lines": "{\n\"kind\":\"disbursed\",\"fund\":\"f\",\"year\":2022,\"date\":\"2022\",\"line\":\"1\",\"amount\":\"1\",\"channel\":\"payment\",\"note\":\"a\xffb\"}",
		"bad UTF-8 after the command":             payment + "\xff",
		"a line break in a text":                  strings.Replace(payment, "payment", "pay\nment", 1),
		"a carriage return in a text":             strings.Replace(payment, "payment", "pay\rment", 1),
		"a line break in a number":                strings.Replace(payment, "2022,", "20\n22,", 1),
		"a line break in true":                    strings.Replace(payment, `"line"`, "\"x\":tr\nue,\"line\"", 1),
		"a NUL":                                   payment + "\x00",
		"vertical space of another standard":      payment + "\v",
		"too deep":                                `{"kind":"disbursed","dims":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}",
		"deep and cut off":                        strings.Repeat(`{"a":`, 100000),
	} {
		_, err := ParseCommand([]byte(raw))
		if CodeOf(err) != Malformed {
			t.Errorf("%s: %v, want malformed", name, err)
			continue
		}
		sayable(t, raw, err.(*Error))
	}
}

func TestLineBreaksBetweenTokens(t *testing.T) {
	raw := "\r\n {\r\n \"kind\" :\n\"disbursed\", \"fund\":\"f\",\"year\":\r2022,\"date\":\"2022\",\n\n\"line\":\"1\",\"amount\":\"1\",\"channel\":\"payment\",\"note\":\"a\\nb\"} \n"
	want := ` { "kind" :"disbursed", "fund":"f","year":2022,"date":"2022","line":"1","amount":"1","channel":"payment","note":"a\nb"} `
	c := command(t, raw)
	if string(c.Raw) != strings.TrimSpace(want) {
		t.Errorf("Raw = %s\nwant  %s", c.Raw, want)
	}
	if c.Note != "a\nb" {
		t.Errorf("Note = %q", c.Note)
	}
}

// TestPrecedence: of two faults the one whose code comes first is answered, wherever it stands.
func TestPrecedence(t *testing.T) {
	faults := []struct {
		code Code
		edit func(s string) string
	}{
		{Malformed, func(s string) string { return strings.Replace(s, `"kind":`, `"kind"`, 1) }},
		{UnknownKind, func(s string) string { return strings.Replace(s, `"disbursed"`, `"donated"`, 1) }},
		{UnknownField, func(s string) string { return strings.TrimSuffix(s, "}") + `,"weather":1}` }},
		{UnknownField, func(s string) string { return strings.Replace(s, "{", `{"Fund":1,`, 1) }},
		{UnknownField, func(s string) string { return strings.TrimSuffix(s, "}") + `,"payee":{"email":"e"}}` }},
		{MissingField, func(s string) string { return strings.Replace(s, `"line":"1.4",`, "", 1) }},
		{MissingField, func(s string) string { return strings.TrimSuffix(s, "}") + `,"voucher":{"issuer":"i"}}` }},
		{BadValue, func(s string) string { return strings.Replace(s, `"100.00"`, `"-1"`, 1) }},
		{BadValue, func(s string) string { return strings.Replace(s, "2022,", "null,", 1) }},
		{BadValue, func(s string) string { return strings.TrimSuffix(s, "}") + `,"dims":{"Source":"x"}}` }},
		{TooLarge, func(s string) string { return strings.Replace(s, "{", "{"+strings.Repeat(" ", MaxLine), 1) }},
	}
	for i, a := range faults {
		for j, b := range faults {
			if i == j {
				continue
			}
			want := a.code
			if slices.Index(Refusals, b.code) < slices.Index(Refusals, want) {
				want = b.code
			}
			in := b.edit(a.edit(payment))
			if _, err := ParseCommand([]byte(in)); CodeOf(err) != want {
				t.Errorf("%s and %s (%d, %d): %v, want %s", a.code, b.code, i, j, err, want)
			}
		}
	}
	if _, err := ParseCommand([]byte(faults[len(faults)-1].edit(payment))); CodeOf(err) != TooLarge {
		t.Errorf("a long command: %v", err)
	}
}

// TestFirstFaultIsSteady: the answer to one command is the same each time, though its fields are kept in maps.
func TestFirstFaultIsSteady(t *testing.T) {
	for _, raw := range []string{
		`{"kind":"disbursed"}`, strings.TrimSuffix(payment, "}") + `,"voucher":{}}`, `{"kind":"clawed-back"}`, `{"a":1,"b":2}`,
	} {
		_, first := ParseCommand([]byte(raw))
		for range 50 {
			if _, err := ParseCommand([]byte(raw)); err.Error() != first.Error() {
				t.Fatalf("%s: %v, then %v", raw, first, err)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	c := command(t, payment)
	if c.Mode != Control || c.Basis != ByVoucher || c.ID != "" || !c.Of.IsZero() || c.Voucher != (Voucher{}) || c.HasEvidence() {
		t.Errorf("defaults of a payment: %+v", c)
	}
	if c := command(t, `{"kind":"fund-opened","fund":"f","year":2024,"name":"n"}`); c.From.String() != "2024-01-01" || c.To.String() != "2024-12-31" || c.Unbudgeted {
		t.Errorf("year = %s to %s", c.From, c.To)
	}
	if c := command(t, `{"kind":"fund-opened","fund":"f","year":2024,"name":"n","from":"2024-04-01","budgeted":false}`); c.To.String() != "2025-03-31" || !c.Unbudgeted {
		t.Errorf("year = %s to %s, unbudgeted %t", c.From, c.To, c.Unbudgeted)
	}
	if c := command(t, `{"kind":"line-added","fund":"f","year":2024,"line":"2.6","name":"n","reserve":true}`); len(c.Lines) != 1 || c.Lines[0] != (LineSpec{Code: "2.6", Parent: Root, Name: "n", Reserve: true}) {
		t.Errorf("line = %+v", c.Lines)
	}
	for _, raw := range []string{
		`{"kind":"clawed-back","cause":"prior-year","fund":"f","year":2023,"date":"2023","amount":"1","of":3}`,
		`{"kind":"clawed-back","cause":"unidentified","fund":"f","year":2023,"date":"2023","amount":"1"}`,
	} {
		if c := command(t, raw); c.Line != Root {
			t.Errorf("%s: line %q, want the root", raw, c.Line)
		}
	}
	if c := command(t, `{"kind":"carried-over","fund":"f","year":2022,"date":"2022","line":"1","amount":"1","lot":"l","purpose":"p","to_year":2023}`); c.ToLine != Root || c.HasExpires {
		t.Errorf("carry-over to %q, expires %t", c.ToLine, c.HasExpires)
	}
	if c := command(t, strings.TrimSuffix(payment, "}")+`,"voucher":{"issuer":" ４３０７００","year":2022,"type":"直接","number":"17　"}}`); c.Voucher != (Voucher{"430700", 2022, "直接", "17", "1"}) {
		t.Errorf("voucher = %+v", c.Voucher)
	}
	if c := command(t, strings.TrimSuffix(payment, "}")+`,"dims":{}}`); c.Dims != nil {
		t.Errorf("dims = %v, want none", c.Dims)
	}
	if c := command(t, `{"kind":"clawed-back","cause":"offset","mode":"record","fund":"f","year":2023,"date":"2023","amount":"1","of":3}`); !c.Against.IsZero() {
		t.Errorf("against = %v", c.Against)
	}
	if c := command(t, `{"kind":"figure-stated","fund":"f","year":2022,"date":"2022","name":"n","value":"-0.50","unit":"yi","source":{"document":"d"},"sum_of":[3,-4,"a","-b"],"step":"0"}`); !slices.Equal(c.SumOf, []SignedRef{{Ref{Seq: 3}, false}, {Ref{Seq: 4}, true}, {Ref{ID: "a"}, false}, {Ref{ID: "b"}, true}}) || c.Step != "0" {
		t.Errorf("sum of %v, step %s", c.SumOf, c.Step)
	}
}

func TestRawIsKept(t *testing.T) {
	for _, raw := range []string{
		`{ "note" : "\u4e2d\/é <&>" ,"kind":"year-closed","fund":"f","year":2022 , "date":"2022","documents":[ ],"dims":{"b":"2","a":"1"}}`,
		payment,
	} {
		c := command(t, "\n "+raw+"\r\n")
		if string(c.Raw) != raw {
			t.Errorf("Raw = %s, want %s", c.Raw, raw)
		}
		e := Event{Seq: 1, ID: "x", Command: c, Actor: Actor{"a", "b"}, Rules: 1}
		if line := AppendLine(nil, &e); !bytes.Contains(line, []byte(`"command":`+raw+`,"actor"`)) {
			t.Errorf("the line %s does not hold the command as received", line)
		}
	}
}

func TestKey(t *testing.T) {
	const want = "1c798b17-28ef-5904-b2ff-96ec98adb8d4"
	same := []string{
		`{"amount":"17387000","channel":"lower-treasury","date":"2022-09","fund":"cd-gx","kind":"disbursed","line":"1.1","year":2022}`,
		"{ \"year\":2022,\n\"line\":\"1.1\", \"kind\":\"disbursed\",\"fund\":\"cd-gx\",\"date\":\"2022\\u002d09\",\"channel\":\"lower-treasury\",\"amount\":\"17387000\"}",
		`{"year":2.022e3,"amount":"17387000","channel":"lower-treasury","date":"2022-09","fund":"cd-gx","kind":"disbursed","line":"1.1"}`,
	}
	for _, raw := range same {
		if got, err := Key([]byte(raw), 1); err != nil || got != want {
			t.Errorf("Key(%s, 1) = %s, %v, want %s", raw, got, err, want)
		}
	}
	seen := map[ID]string{want: "the first"}
	for _, c := range []struct {
		raw     string
		ordinal int
	}{
		{same[0], 2}, {same[0], 12}, {strings.Replace(same[0], `"17387000"`, `"17387000.00"`, 1), 1}, {strings.Replace(same[0], "1.1", "1.2", 1), 1},
	} {
		got, err := Key([]byte(c.raw), c.ordinal)
		if err != nil || seen[got] != "" {
			t.Errorf("Key(%s, %d) = %s, %v, which is that of %s", c.raw, c.ordinal, got, err, seen[got])
		}
		seen[got] = c.raw
	}
	if _, err := Key([]byte(`{"a":1,"a":2}`), 1); CodeOf(err) != Malformed {
		t.Errorf("Key of a name twice: %v", err)
	}
	raw := []byte(same[1])
	if _, _ = Canonical(raw); string(raw) != same[1] {
		t.Errorf("Canonical changed its argument: %s", raw)
	}
}

func TestContent(t *testing.T) {
	a := command(t, payment)
	for _, raw := range []string{
		strings.Replace(payment, "{", `{"id":"other",`, 1),
		strings.Replace(payment, `"100.00"`, `"100"`, 1),
		strings.Replace(payment, "{", `{"mode":"control","basis":"voucher","dims":{},"documents":[],`, 1),
	} {
		if b := command(t, raw); b.Content() != a.Content() {
			t.Errorf("%s has other content than %s", raw, payment)
		}
	}
	for _, add := range []string{
		`"mode":"record"`, `"basis":"stated"`, `"documents":["a"]`, `"dims":{"a":"b"}`, `"note":"n"`, `"as_printed":"1"`, `"amount_text":"壹佰元整"`, `"lot":"l"`, `"purpose":"p"`,
		`"payee":{"name":"n"}`, `"payee":{"id":"n"}`, `"payee":{"class":"person","ref":"n"}`, `"payee":{"count":3}`, `"voucher":{"issuer":"i","year":2022,"type":"t","number":"n"}`, `"commitment":3`, `"commitment":"3"`, `"method":"direct"`,
	} {
		if b := command(t, strings.Replace(payment, "{", "{"+add+",", 1)); b.Content() == a.Content() {
			t.Errorf("%s makes no difference", add)
		}
	}
	// Values that hold what might part them.
	if (Dims{{"a", "x\x00b=y"}}).Key() == (Dims{{"a", "x"}, {"b", "y"}}).Key() || (Dims{{"a", "1:b=1:c"}}).Key() == (Dims{{"a", ""}, {"b", "c"}}).Key() {
		t.Error("two classifications have one key")
	}
}

// TestContentHasEveryField changes each field of a command in turn: one that Content forgot would let two different commands pass for one.
func TestContentHasEveryField(t *testing.T) {
	tried := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Command]()) {
		if f.Name == "Raw" || f.Name == "ID" || f.Name == "Seldom" {
			continue
		}
		c := Command{Seldom: &Seldom{}}
		fill(t, reflect.ValueOf(&c).Elem().FieldByIndex(f.Index))
		if empty := (&Command{Seldom: none}); c.Content() == empty.Content() {
			t.Errorf("Content does not see %s", f.Name)
		}
		tried++
	}
	if tried < 50 {
		t.Errorf("%d fields were tried", tried)
	}
	if !reflect.DeepEqual(*none, Seldom{}) {
		t.Errorf("what commands share has been changed: %+v", *none)
	}
}

func fill(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case Amount:
		v.Set(reflect.ValueOf(Amount{whole: 1}))
		return
	case Date:
		v.Set(reflect.ValueOf(Date{text: Day(5).String(), first: 5, last: 5}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no filling for %s", v.Type())
	}
}

func TestEveryKindIsRead(t *testing.T) {
	for _, k := range Kinds {
		causes := []Cause{""}
		if k == ClawedBack {
			causes = Causes
		}
		for _, cause := range causes {
			fs := Fields(k, cause)
			if !slices.Contains(fs, "kind") || !slices.IsSorted(fs) {
				t.Errorf("Fields(%s, %s) = %v", k, cause, fs)
			}
			for _, f := range fs {
				// Every field has a reader: one without would panic.
				for _, v := range []string{"7", `"x"`, "null", "true", "{}", "[]", `[{}]`, "-0.5"} {
					_, _ = ParseCommand(fmt.Appendf(nil, `{"kind":%q,"cause":%q,%q:%s}`, k, cause, f+"", v))
					_, _ = ParseCommand(fmt.Appendf(nil, `{"kind":%q,%q:%s}`, k, f, v))
				}
			}
		}
	}
	if Fields("donated", "") != nil || Required("donated", "", "fund") || !Required(Disbursed, "", "channel") || Required(Disbursed, "", "payee") || !Required(ClawedBack, Refund, "of") || Required(ClawedBack, PriorYear, "of") {
		t.Error("Fields or Required of a kind is wrong")
	}
}

func TestDecimals(t *testing.T) {
	for code, want := range map[string]int{"CNY": 2, "USD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "IQD": 3, "CLF": 4} {
		if got, ok := Decimals(code); !ok || got != want {
			t.Errorf("Decimals(%s) = %d, %t, want %d", code, got, ok, want)
		}
	}
	for _, code := range []string{"", "RMB", "cny", "CN", "CNYX", "元"} {
		if got, ok := Decimals(code); ok {
			t.Errorf("Decimals(%q) = %d", code, got)
		}
	}
	for _, zone := range []string{"Asia/Shanghai", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+8", "EST5EDT", "America/Port-au-Prince"} {
		if _, err := parseZone(zone); err != nil {
			t.Errorf("zone %s: %v", zone, err)
		}
	}
}

func TestDimsOver(t *testing.T) {
	got := Dims{{"function", "2"}}.Over(Dims{{"function", "1"}, {"district", "d"}})
	if want := (Dims{{"district", "d"}, {"function", "2"}}); !got.Equal(want) || got.Get("function") != "2" || got.Get("none") != "" {
		t.Errorf("Over = %v, want %v", got, want)
	}
}

// TestEveryCodeHasWords holds the catalogue to the codes, and to every wording that the source chooses.
func TestEveryCodeHasWords(t *testing.T) {
	has := func(name string) {
		t.Helper()
		if !words.Ledger.Has(name) {
			t.Errorf("there is no text %s", name)
		}
	}
	for _, codes := range [][]Code{Refusals, Flags, Failures, {Tampered}} {
		for _, c := range codes {
			has("code." + string(c))
			has("hint." + string(c))
		}
	}
	for _, c := range Flags {
		has("flag." + string(c))
	}
	for _, k := range Kinds {
		has("kind." + string(k))
	}
	for _, c := range Causes {
		has("cause." + string(c))
	}
	for _, m := range slices.Concat(Measures, Derived) {
		has("measure." + string(m))
	}
	for _, b := range Bases {
		has("basis." + string(b))
	}
	for _, c := range Channels {
		has("channel." + string(c))
	}
	for code, whys := range wordings(t) {
		for why := range whys {
			has("code." + string(code) + "." + why)
			if code != Tampered {
				has("hint." + string(code) + "." + why)
			}
		}
	}
	// No code twice, and every constant of type Code in a list.
	all := slices.Concat(Refusals, []Code{Retroactive, PossibleDuplicate, LeafNotZero}, Failures, []Code{Tampered})
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("a code stands twice in %v", all)
	}
}

// wordings finds every Why in the source of this package: badValue's, those of Error values, and what the faults of decimals are called.
func wordings(t *testing.T) map[Code]map[string]bool {
	t.Helper()
	constants := map[string]Code{
		"Malformed": Malformed, "UnknownKind": UnknownKind, "UnknownField": UnknownField, "MissingField": MissingField, "BadValue": BadValue, "Tampered": Tampered,
	}
	found := map[Code]map[string]bool{}
	add := func(code Code, e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if why, _ := strconv.Unquote(lit.Value); why != "" {
				if found[code] == nil {
					found[code] = map[string]bool{}
				}
				found[code][why] = true
			}
		}
	}
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := goparser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "badValue" {
					add(BadValue, n.Args[0])
				}
			case *ast.FuncDecl:
				if n.Name.Name == "decimalFault" {
					ast.Inspect(n, func(n ast.Node) bool {
						if r, ok := n.(*ast.ReturnStmt); ok {
							add(BadValue, r.Results[0])
						}
						return true
					})
				}
			case *ast.CompositeLit:
				var code, why ast.Expr
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						switch fmt.Sprint(kv.Key) {
						case "Code":
							code = kv.Value
						case "Why":
							why = kv.Value
						}
					}
				}
				if id, ok := code.(*ast.Ident); ok && why != nil {
					add(constants[id.Name], why)
				}
			case *ast.AssignStmt:
				if sel, ok := n.Lhs[0].(*ast.SelectorExpr); ok && sel.Sel.Name == "Why" {
					code := map[string]Code{
						"twice": Malformed, "text": Malformed, "excel": Malformed, "unfinished": Malformed, "quotes": Malformed, "signs": Malformed,
						"comma": Malformed, "no-comma": Malformed, "case": UnknownField, "person": UnknownField,
					}[strings.Trim(n.Rhs[0].(*ast.BasicLit).Value, `"`)]
					if code == "" {
						t.Errorf("%s: this test does not know the code of the wording %s", name, n.Rhs[0].(*ast.BasicLit).Value)
					}
					add(code, n.Rhs[0])
				}
			}
			return true
		})
	}
	if len(found[BadValue]) < 30 || len(found[Malformed]) < 4 {
		t.Errorf("found too few wordings: %v", found)
	}
	return found
}

func TestError(t *testing.T) {
	cause := fmt.Errorf("disk full")
	e := &Error{Code: Unavailable, Why: "no-such-why", Err: cause}
	if e.Message(words.English) != words.Ledger.Say(words.English, "code.unavailable", nil) || e.Hint(words.Chinese) == "" {
		t.Errorf("an unknown wording says %q, hint %q", e.Message(words.English), e.Hint(words.Chinese))
	}
	if !strings.HasSuffix(e.Error(), ": disk full") || !strings.HasPrefix(e.Error(), "unavailable: ") || e.Unwrap() != cause {
		t.Errorf("Error = %q", e.Error())
	}
	f := e.With("folder", "x")
	if e.Args != nil || f.Args["folder"] != "x" || CodeOf(fmt.Errorf("wrapped: %w", f)) != Unavailable || CodeOf(cause) != "" || CodeOf(nil) != "" {
		t.Error("With or CodeOf is wrong")
	}
}

// TestReorderedMembers: whatever the order of its members a command is the same one, and so is the id made for it.
func TestReorderedMembers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, line := range golden(t) {
		var e struct {
			Data struct{ Command json.RawMessage }
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(e.Data.Command, &members); err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(members))
		c := command(t, string(e.Data.Command))
		want, _ := Key(e.Data.Command, 3)
		for range 5 {
			rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			var b bytes.Buffer
			for i, n := range names {
				fmt.Fprintf(&b, "%c %q :%s", "{,"[min(i, 1)], n, members[n])
			}
			b.WriteString(" }")
			d := command(t, b.String())
			if got, err := Key(b.Bytes(), 3); got != want || err != nil || d.Content() != c.Content() {
				t.Errorf("%s reordered is another command: %s", name, b.String())
			}
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, row := range badCommands(f) {
		if len(row.json) < 500 {
			f.Add([]byte(row.json))
		}
	}
	for _, line := range golden(f) {
		e, err := ParseEvent(line)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e.Command.Raw)
	}
	f.Add([]byte("{\n\"kind\":\"year-closed\",\r\"fund\":\"f\",\"year\":2022,\"date\":\"2022\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		c, err := ParseCommand(raw)
		if !bytes.Equal(raw, before) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			e, ok := err.(*Error)
			if !ok || !slices.Contains(Refusals[:6], e.Code) {
				t.Fatalf("error %v", err)
			}
			for _, lang := range words.Languages {
				if e.Message(lang) == "" || e.Hint(lang) == "" {
					t.Errorf("%v has no words in %s", err, lang)
				}
			}
			return
		}
		if bytes.ContainsAny(c.Raw, "\r\n") || !json.Valid(c.Raw) {
			t.Errorf("Raw cannot be stored: %q", c.Raw)
		}
		again, err := ParseCommand(c.Raw)
		if err != nil || again.Content() != c.Content() || again.ID != c.ID || !bytes.Equal(again.Raw, c.Raw) {
			t.Errorf("as stored it is another command: %v", err)
		}
		k1, err1 := Key(raw, 1)
		k2, err2 := Key(c.Raw, 1)
		if err1 != nil || err2 != nil || k1 != k2 {
			t.Errorf("keys %s %v, %s %v", k1, err1, k2, err2)
		}
		e := Event{Seq: 1, ID: "x", Command: &c, Actor: Actor{"a", "b"}, Rules: 1}
		if c.ID != "" {
			e.ID = c.ID
		}
		line := AppendLine(nil, &e)
		if len(line) > MaxLine {
			return
		}
		if got, err := ParseEvent(line); err != nil || !bytes.Equal(got.Command.Raw, c.Raw) || got.Command.Content() != c.Content() {
			t.Errorf("the stored line cannot be read: %v\n%s", err, line)
		}
	})
}
