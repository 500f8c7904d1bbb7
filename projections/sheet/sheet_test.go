package sheet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/clipperhouse/displaywidth"
	"pgregory.net/rapid"
)

// sample is a sheet of two lines and a total, in yuan.
func sample(name string, amounts ...events.Minor) *Sheet {
	var total events.Minor
	var rows []Row
	for i, a := range amounts {
		total += a
		rows = append(rows, Row{Depth: 1, Cells: []Cell{Words(string(rune('1' + i))), Words(name), Money(a, 2), Rate("50.00")}})
	}
	return &Sheet{
		Name: "execution", Currency: "CNY", Decimals: 2,
		Title: []Member{{"name", Words("资金")}, {"fund", Words("cd-gx")}, {"year", Number(2022)}},
		Head:  []Member{{"fund", Words("cd-gx")}, {"known_at", Members(Member{"seq", Number(7)}, Member{"recorded", Words("2026")})}, {"basis", Words("all")}},
		Face:  []Cell{Say("face.as-of-any")},
		Tables: []*Table{{
			Name: "rows", Columns: []Column{{Name: "line"}, {Name: "name"}, {Name: "spent", Right: true, Sums: true}, {Name: "rate", Right: true}},
			Rows: Rows(rows...), Total: &Row{Cells: []Cell{Words("0"), Left(), Money(total, 2), {}}},
		}},
	}
}

func write(t testing.TB, format string, s *Sheet, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	got := write(t, "text", sample("企业“甲”①", 173870499900, -5), Options{Lang: words.Chinese})
	want := `资金（cd-gx）2022 年度预算执行表
业务日期截至：不限
单位：元

编码  项目                   支出  执行率
----  ---------  ----------------  ------
1     企业“甲”①  1,738,704,999.00  50.00%
2     企业“甲”①             -0.05  50.00%
----  ---------  ----------------  ------
0     合计       1,738,704,998.95       –
`
	if got != want {
		t.Errorf("text =\n%s\nwant\n%s", got, want)
	}
}

// TestColumnsAlign: each line of a table ends where its rule ends, whatever stands in it.
func TestColumnsAlign(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune("abc 甲乙（）“”①—│é👩‍🌾ｱＡ\u0301\x1b\t\u202e")), 1, 12, -1).Draw(rt, "name")
		s := sample(name, events.Minor(rapid.Int64Range(-1e12, 1e12).Draw(rt, "a")), 1)
		s.Tables[0].Columns = append(s.Tables[0].Columns, Column{Name: "code", Right: true}) // right-aligned, so lines have no blanks to trim
		s.Tables[0].Total.Cells = append(s.Tables[0].Total.Cells, Words("x"))
		var rows []Row
		for r := range s.Tables[0].Rows {
			r.Cells = append(r.Cells, Words("yy"))
			rows = append(rows, r)
		}
		s.Tables[0].Rows = Rows(rows...)
		for _, lang := range words.Languages {
			lines := strings.Split(write(t, "text", s, Options{Lang: lang}), "\n")
			lines = lines[4 : len(lines)-1]
			for _, line := range lines {
				if got, want := displaywidth.String(line), displaywidth.String(lines[1]); got != want {
					rt.Fatalf("%q is %d wide, want %d:\n%s", line, got, want, strings.Join(lines, "\n"))
				}
				if strings.ContainsAny(line, "\x1b\t\u202e") {
					rt.Fatalf("%q can steer a terminal", line)
				}
			}
		}
	})
}

// TestRoundingDifference is the case of three payments that are 0.01 too much as printed: the total is the rounded true sum, and a note says so.
func TestRoundingDifference(t *testing.T) {
	s := sample("x", 1738705000, 940005000, 1714415002) // 17,387,050.00 + 9,400,050.00 + 17,144,150.02 yuan
	for o, want := range map[Options]string{
		{}:                              "",
		{Unit: Wan}:                     "rounding difference in spent of 0: 4393.13 is the rounded true sum; the rows as printed add up to 4393.14 (difference -0.01)",
		{Unit: Wan, Lang: "zh"}:         "尾差：0 的支出按真实合计四舍五入为 4393.13，各行所列数相加为 4393.14（相差 -0.01）",
		{Unit: Yi}:                      "",
		{Unit: Yuan, Lang: "zh"}:        "",
		{Unit: Yi, Lang: "zh"}:          "",
		{Unit: "", Lang: words.English}: "",
	} {
		text := write(t, "text", s, o)
		if has := strings.Contains(text, "difference") || strings.Contains(text, "尾差"); has != (want != "") || !strings.Contains(text, want) {
			t.Errorf("%+v:\n%s\nwant %q", o, text, want)
		}
		if c := write(t, "csv", s, o); strings.Contains(c, "note") != (want != "" && o.Lang != "zh") {
			t.Errorf("%+v csv:\n%s", o, c)
		}
	}
	if text := write(t, "text", s, Options{Unit: Wan}); !strings.Contains(text, "4,393.13") || !strings.Contains(text, "1,738.71") || !strings.Contains(text, "1,714.42") {
		t.Errorf("text:\n%s", text)
	}
}

// TestNoDifferenceNoNote: amounts that are rounded and yet add up need no words.
func TestNoDifferenceNoNote(t *testing.T) {
	text := write(t, "text", sample("x", 1738704999, 940000000, 1714415002), Options{Unit: Wan}) // 17,387,049.99 + 9,400,000.00 + 17,144,150.02 yuan
	if strings.Contains(text, "difference") || !strings.Contains(text, "4,393.12") || !strings.Contains(text, "1,738.70") || !strings.Contains(text, "1,714.42") {
		t.Errorf("text:\n%s", text)
	}
}

func TestGroupsOwnPartCountsInTheSum(t *testing.T) {
	row := func(line string, depth int, a events.Minor) Row {
		return Row{Depth: depth, Cells: []Cell{Words(line), Words("n"), Money(a, 2), {}}}
	}
	s := sample("x")
	own := row("", 2, 25)
	group := row("1", 1, 10025)
	group.Own = &own
	s.Tables[0].Rows = Rows(group, row("1.1", 2, 10000), row("2", 1, 100))
	s.Tables[0].Total.Cells[2] = Money(10125, 2)
	if text := write(t, "text", s, Options{}); strings.Contains(text, "difference") {
		t.Errorf("text:\n%s", text)
	}
	// In 10,000 yuan: 100.25 is 0.01 and its parts are 0.01 and 0.00; a part that is lost is said.
	if text := write(t, "text", s, Options{Unit: Wan}); strings.Contains(text, "difference") {
		t.Errorf("text:\n%s", text)
	}
	own = row("", 2, 4999)
	group.Cells[2] = Money(14999+5001, 2)
	s.Tables[0].Rows = Rows(group, row("1.1", 2, 10000), row("1.2", 2, 5001), row("2", 1, 100))
	s.Tables[0].Total.Cells[2] = Money(20100, 2)
	if text := write(t, "text", s, Options{Unit: Wan}); strings.Contains(text, "difference") {
		t.Errorf("text:\n%s", text)
	}
	s.Tables[0].Rows = Rows(group, row("1.1", 2, 7500), row("1.2", 2, 7501), row("2", 1, 100))
	if text := write(t, "text", s, Options{Unit: Wan}); strings.Contains(text, "of 1:") {
		t.Errorf("text:\n%s", text)
	}
	s.Tables[0].Rows = Rows(group, row("1.1", 2, 4999), row("1.2", 2, 10002), row("2", 1, 100))
	if text := write(t, "text", s, Options{Unit: Wan}); !strings.Contains(text, "difference in spent of 1: 0.02 is the rounded true sum; the rows as printed add up to 0.01 (difference 0.01)") {
		t.Errorf("text:\n%s", text)
	}
}

func TestPrinted(t *testing.T) {
	for _, c := range []struct {
		m        events.Minor
		decimals int
		unit     Unit
		want     string
	}{
		{0, 2, Yuan, "0.00"},
		{-5, 2, Yuan, "-0.05"},
		{9807170000, 2, Wan, "9807.17"},
		{4999, 2, Wan, "0.00"},
		{5000, 2, Wan, "0.01"},
		{-4999, 2, Wan, "0.00"},
		{-5000, 2, Wan, "-0.01"},
		{14999, 2, Wan, "0.01"},
		{15000, 2, Wan, "0.02"},
		{-15000, 2, Wan, "-0.02"},
		{1004000000000, 2, Yi, "100.4000"},
		{499999, 2, Yi, "0.0000"},
		{500000, 2, Yi, "0.0001"},
		{12345, 0, Yuan, "12345"},
		{12345, 0, Wan, "1.23"},
		{12350, 0, Wan, "1.24"},
		{1234567, 3, Wan, "0.12"},
		{9223372036854775807, 2, Yuan, "92233720368547758.07"},
		{9223372036854775807, 2, Wan, "9223372036854.78"},
		{-9223372036854775808, 2, Wan, "-9223372036854.78"},
		{9223372036854775807, 4, Yi, "9223372.0369"},
	} {
		if got := c.unit.format(c.m, c.decimals); got != c.want {
			t.Errorf("%d with %d decimals in %s = %s, want %s", c.m, c.decimals, c.unit, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		part, whole events.Minor
		want        string
	}{
		{9807170000, 10000000000, "98.07"},
		{1, 3, "33.33"},
		{2, 3, "66.67"},
		{1, 800, "0.13"}, // 0.125 is half
		{-1, 800, "-0.13"},
		{-1, 3, "-33.33"},
		{1, 0, ""},
		{1, -5, ""},
		{0, 5, "0.00"},
		{1, 9223372036854775807, "0.00"},
		{9223372036854775807, 1, "922337203685477580700.00"},
	} {
		if got := Share(c.part, c.whole); got != c.want {
			t.Errorf("Share(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		part, whole := rapid.Int64().Draw(rt, "part"), rapid.Int64Range(1, 1<<62).Draw(rt, "whole")
		// Twice the exact quotient in hundredths of a percent, half up away from zero, by whole numbers.
		n := new(big.Int).Mul(big.NewInt(part), big.NewInt(20000))
		n.Add(n, new(big.Int).Mul(big.NewInt(int64(n.Sign())), big.NewInt(whole)))
		n.Quo(n, new(big.Int).Mul(big.NewInt(2), big.NewInt(whole)))
		want := new(big.Rat).SetFrac(n, big.NewInt(100)).FloatString(2)
		if got := Share(events.Minor(part), events.Minor(whole)); got != want {
			rt.Fatalf("Share(%d, %d) = %s, want %s", part, whole, got, want)
		}
	})
}

func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune("=+-−@\t\n\"',;甲a1 ＝|\x1b")), 0, 8, -1).Draw(rt, "name")
		a := events.Minor(rapid.Int64Range(-1e15, 1e15).Draw(rt, "a"))
		text := write(t, "csv", sample(name, a, 5), Options{})
		body, ok := strings.CutPrefix(text, "\ufeff")
		if !ok {
			rt.Fatal("no byte order mark")
		}
		records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil {
			rt.Fatal(err)
		}
		if got := strings.Join(records[0], " "); got != "line name spent rate fund known_at recorded basis_shown counted_in" {
			rt.Fatalf("head = %s", got)
		}
		want := strings.ReplaceAll(name, "\x1b", "␛")
		if want != "" && strings.ContainsAny(want[:1], "=+-@\t\n") || strings.HasPrefix(want, "−") || strings.HasPrefix(want, "＝") {
			want = "'" + want
		}
		if got := records[1]; !slices.Equal(got, []string{"1", want, a.Format(2), "50.00", "cd-gx", "7", "2026", "all", "yuan"}) {
			rt.Fatalf("row = %q, want %q", got, want)
		}
		if got := records[3][2]; got != (a + 5).Format(2) {
			rt.Fatalf("total = %s", got)
		}
	})
}

func TestCSVInChinese(t *testing.T) {
	text := write(t, "csv", sample("甲", 9807170000), Options{Lang: words.Chinese, Unit: Wan})
	want := "\ufeff编码,项目,支出,执行率,资金,已知截至事件,记录时间,所列依据,金额单位\n1,甲,9807.17,50.00,cd-gx,7,2026,all,万元\n0,,9807.17,,cd-gx,7,2026,all,万元\n"
	if text != want {
		t.Errorf("csv =\n%q\nwant\n%q", text, want)
	}
}

func TestJSONIsExactAndEscapesWhatTerminalsObey(t *testing.T) {
	s := sample("a\u009b\u202e\x1b\x7f<甲>", 1738704999, -1)
	s.Tables = append(s.Tables, &Table{
		Name: "more", Columns: Columns("figure", "value", "|", "unit", "list", "obj", "yes", "gone", "code", "local", "say"), Keyed: true,
		Rows: Rows(Row{Cells: []Cell{
			Words("k"),
			{},
			MoneyUnit(), Numbers([]events.Seq{1, 2, 9}), Members(Member{"a", Money(-5, 2)}), Truth(true), Left(), Term("channel", "payment"),
			Named("名", "name"), Say("exception.over-budget", Member{"line", Words("1")}, Member{"amount", Money(123456789, 2)}, Member{"seq", Number(4)}),
		}}),
	})
	got := write(t, "json", s, Options{Unit: Wan})
	want := `{"fund":"cd-gx","known_at":{"seq":7,"recorded":"2026"},"basis":"all",
 "rows":[
  {"line":"1","name":"a\u009b\u202e\u001b\u007f<甲>","spent":"17387049.99","rate":"50.00"},
  {"line":"2","name":"a\u009b\u202e\u001b\u007f<甲>","spent":"-0.01","rate":"50.00"}],
 "total":{"line":"0","spent":"17387049.98","rate":null},
 "more":{
  "k":{"value":null,"unit":"yuan","list":[1,2,9],"obj":{"a":"-0.05"},"yes":true,"code":"payment","local":"名","say":"line 1 is 1,234,567.89 over its budget since event 4"}}}
`
	if got != want {
		t.Errorf("json =\n%s\nwant\n%s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("not JSON")
	}
	text := write(t, "text", s, Options{})
	for _, want := range []string{"payment to the payee", "1-2 9", "a=-0.05", "␛␡"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "\u009b\u202e\x1b\x7f") {
		t.Errorf("text can steer a terminal: %q", text)
	}
}

// TestEscapedIsTheSameText: what JSON escapes is the same text when it is read, characters of two units of UTF-16 too.
func TestEscapedIsTheSameText(t *testing.T) {
	for _, name := range []string{"a\U000e0001b", "\u202e", "\U0001d173", "甲\u2028"} {
		var got struct{ Rows []struct{ Name string } }
		text := write(t, "json", sample(name, 1), Options{})
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Rows[0].Name != name {
			t.Errorf("%+q is read as %+q, %v", name, got.Rows[0].Name, err)
		}
		if strings.Contains(text, strings.Trim(name, "ab甲")) {
			t.Errorf("%+q is not escaped: %s", name, text)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		seqs []events.Seq
		want string
	}{
		{nil, ""}, {[]events.Seq{4}, "4"}, {[]events.Seq{1, 2, 3, 7, 9, 10}, "1-3 7 9-10"}, {[]events.Seq{1, 3, 5, 7, 9}, "1 3 5 … (5)"},
	} {
		if got := ranges(c.seqs, 3); got != c.want {
			t.Errorf("ranges(%v) = %q, want %q", c.seqs, got, c.want)
		}
	}
}

func TestEmptyTablesAreSaid(t *testing.T) {
	s := sample("x")
	s.Tables[0].Total = nil
	s.Tables = append(s.Tables, &Table{Name: "lots", Columns: Columns("lot"), Rows: Rows()})
	if got := write(t, "text", s, Options{}); !strings.HasSuffix(got, "unit: yuan\n\nnothing\n") {
		t.Errorf("text =\n%s", got)
	}
}

func TestOtherCurrenciesHaveTheirCode(t *testing.T) {
	s := sample("x", 5)
	s.Currency = "JPY"
	for o, want := range map[Options]string{{}: "unit: JPY\n", {Unit: Wan}: "unit: 10,000 JPY\n", {Unit: Yi, Lang: "zh"}: "单位：亿 JPY\n"} {
		if got := write(t, "text", s, o); !strings.Contains(got, want) {
			t.Errorf("%+v: %s", o, got)
		}
	}
}

func TestWriteRefusesWhatIsNoChoice(t *testing.T) {
	for _, c := range []struct {
		format string
		o      Options
	}{{"pdf", Options{}}, {"text", Options{Unit: "fen"}}, {"json", Options{Lang: "fr"}}} {
		if err := Write(&bytes.Buffer{}, c.format, sample("x"), c.o); events.CodeOf(err) != events.BadValue {
			t.Errorf("%+v = %v", c, err)
		}
	}
	for _, f := range Formats {
		if encoders[f] == nil {
			t.Errorf("no encoder for %s", f)
		}
	}
	if len(encoders) != len(Formats) {
		t.Error("an encoder that nobody can ask for")
	}
}

// failing is a writer that takes so many bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, fs.ErrClosed
	}
	return len(p), nil
}

func TestWriteReportsWhatIsNotWritten(t *testing.T) {
	for _, f := range Formats {
		for n := range 3 {
			if err := Write(&failing{n}, f, sample("x", 5), Options{}); err == nil {
				t.Errorf("%s on a full disk: no error", f)
			}
		}
	}
}

var (
	action      = regexp.MustCompile(`\{\{[^}]*\}\}`)
	placeholder = regexp.MustCompile(`\.[a-z_]+`)
)

func placeholders(text string) []string {
	var all []string
	for _, a := range action.FindAllString(text, -1) {
		all = append(all, placeholder.FindAllString(a, -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestWords: both languages say the same, nothing that is said is missing, and nothing that stands there is never said.
func TestWords(t *testing.T) {
	en, zh := Catalogue.Names(words.English), Catalogue.Names(words.Chinese)
	if !slices.Equal(en, zh) {
		t.Fatalf("names differ:\n%v\n%v", en, zh)
	}
	sources := func(room string, skip ...string) string {
		var source strings.Builder
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && slices.Contains(skip, d.Name()) {
				return filepath.SkipDir
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			source.Write(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return source.String()
	}
	code := sources("..", "document", "web")                         // which have words of their own
	elsewhere := sources("../web") + sources("../../cmd/fundledger") // where these are said too
	// Names that are put together out of a group and one of these.
	made := map[string][]string{
		"unit.":             {"CNY.yuan", "CNY.wan", "CNY.yi", "other.yuan", "other.wan", "other.yi", "mixed.yuan", "mixed.wan", "mixed.yi"},
		"truth.":            {"true", "false"},
		"face.denominator.": {"original", "adjusted", "net", "current"},
		"title.":            {"budget", "execution", "payments", "lots", "exceptions", "report", "check"},
		"table.":            {"lots", "uncertain", "flags", "empty", "explain", "postings", "left", "totals", "twice", "funds", "years", "explained"},
		"dimension.":        {"payee", "method", "channel", "basis"},
		"method.":           {"direct", "authorised", "single", "warrant"},
		"same.":             {"voucher", "account", "project", "name"},
		"place.":            {"before", "this", "after"},
		"relation.":         {"of", "commitment", "against", "settles", "covers", "sum_of", "quotient_of", "bank_lines", "events"},
		"part.":             {"numerator", "denominator"},
		"class.":            {"rounding", "error", "unexplained", "breach"},
		"flag.":             codes(), "exception.": append(codes(), "lot-left"),
	}
	made["figure."] = []string{
		"original_budget", "carried_in", "executable_budget", "spent", "lapsed", "carried_over", "recovered", "spent_as_amended",
	}
	made["figure.execution_rate."] = made["face.denominator."]
	made["figure.lot."] = []string{"amount", "spent", "left", "rate"}
	made["figure.lots."] = made["figure.lot."]
	made["title."] = append(made["title."], "statement", "diff", "funds", "bench-append", "bench-start", "bench-replay", "bench-as-of", "bench-live", "event", "effect", "payees", "payee")
	// The measurements are made outside of this room.
	made["column."] = []string{
		"per_second", "per_second_low", "per_second_high", "p50_us", "p99_us", "vs_unsynced", "vs_synced", "vs_fdatasync", "vs_postgres", "vs_consumer", "bytes_per_event",
		"rounds", "seconds", "payments", "bytes", "processors", "window", "system", "in_memory", "not_durable", "postgres",
	}
	made["title."] = append(made["title."], "progress", "monthly", "closing", "ageing", "transit", "series")
	made["table."] = append(made["table."], "slow", "summary", "divided", "after_close", "waiting", "exceptions", "months", "commands", "chain")
	made["title."], made["proof."] = append(made["title."], "reconciliation"), []string{
		"bank-opening", "bank-in", "bank-out", "bank-closing", "ledger-only-in", "ledger-only-out", "bank-adjusted", "book-opening", "book-in", "book-out",
		"book-settled", "book-closing", "bank-only-in", "bank-only-out", "book-adjusted", "difference",
	}
	made["table."] = append(made["table."], "proof", "accounts", "breaks", "differs", "ambiguous", "ledger_only", "bank_only", "proposed", "matched")
	for _, rule := range events.Matchings {
		made["matching."] = append(made["matching."], string(rule))
	}
	made["reconciled."] = []string{
		"swapped", "permuted", "tenfold", "figure", "amount", "date", "party", "account", "unnamed", "taken-back", "doubled", "repeated", "returned", "bounced", "alike", "sums",
		"in-transit", "not-at-bank", "unidentified", "not-in-ledger",
	}
	made["reconcile."] = append(slices.Clone(made["reconciled."]), "early", "doubled-beside", "returned-unknown")
	made["bucket."] = []string{"0-30", "31-90", "91-180", "181-365", "over-365"}
	made["waiting."] = []string{"transit", "commitment", "suspense", "lot", "allotted"}
	made["period."] = []string{"before", "after"}
	made["step."] = []string{"day", "month"}
	// The rows of a register are shown outside of this room too.
	made["import-status."] = []string{"appended", "duplicate", "refused", "would-append", "not-tried", "failed", "passed"}
	made["import-passed."] = []string{"balance", "foot", "group", "header", "heading", "merged", "total", "void", "zero"}
	made["column."] = append(made["column."], "file", "status")
	made["import."] = []string{"there"}
	made["title."] = append(made["title."], "import")
	made["heads."] = []string{"budget", "spending", "rest", "age"}
	made["tab."] = []string{
		"budget", "execution", "payments", "lots", "exceptions", "report", "check", "statement", "diff", "funds", "event", "payees", "payee", "progress", "ageing", "transit",
		"series", "monthly", "reconciliation", "import", "effect", "uncertain", "flags",
	}
	made["face.bench-"] = []string{"rounds", "starts", "load", "machine", "window", "postgres", "in-memory", "not-durable", "live", "shares"}
	want := map[string]bool{}
	for group, names := range made {
		for _, n := range names {
			want[group+n] = true
			if !Catalogue.Has(group + n) {
				t.Errorf("%s is said and not there", group+n)
			}
		}
	}
	for _, name := range en {
		e, z := Catalogue.Text(words.English, name), Catalogue.Text(words.Chinese, name)
		if !slices.Equal(placeholders(e), placeholders(z)) {
			t.Errorf("%s speaks of %v in English, of %v in Chinese", name, placeholders(e), placeholders(z))
		}
		if strings.TrimSpace(e) == "" || e == z && len(placeholders(e)) == 0 {
			t.Errorf("%s is empty or the same in both languages", name)
		}
		column, isColumn := strings.CutPrefix(name, "column.")
		if of, own, is := strings.Cut(column, "."); isColumn && is && slices.Contains([]string{"payees", "funds"}, of) { // what it is called in that sheet alone
			column = own
		}
		said := func(what string) bool {
			return strings.Contains(code, `"`+what+`"`) || strings.Contains(elsewhere, `"`+what+`"`)
		}
		if isColumn && said(column) || want[name] || said(name) {
			continue
		}
		if isColumn && slices.ContainsFunc(append(slices.Clone(events.Measures), events.Derived...), func(m events.Measure) bool { return string(m) == column }) {
			continue
		}
		t.Errorf("%s is never said", name)
	}
	for _, said := range regexp.MustCompile(`(?:Say|say)\("([a-z.-]+)"`).FindAllStringSubmatch(code, -1) {
		if !Catalogue.Has(said[1]) && !strings.HasSuffix(said[1], ".") {
			t.Errorf("%s is said and not there", said[1])
		}
	}
}

func codes() []string {
	var out []string
	for _, c := range events.Flags {
		out = append(out, string(c))
	}
	return out
}

// TestNumbering: Chinese readers find a tree numbered as official papers number it, English ones and programs do not.
func TestNumbering(t *testing.T) {
	for _, c := range []struct {
		level, n int
		want     string
	}{{1, 1, "一、"}, {1, 10, "十、"}, {1, 11, "十一、"}, {1, 20, "二十、"}, {1, 99, "九十九、"}, {1, 100, "100、"}, {2, 3, "（三）"}, {3, 4, "4."}, {4, 2, "（2）"}} {
		if got := ordinal(c.level, c.n); got != c.want {
			t.Errorf("ordinal(%d, %d) = %s, want %s", c.level, c.n, got, c.want)
		}
	}
	s := sample("x", 1, 2)
	s.Tables[0].Numbered = true
	row := func(line string, depth int) Row {
		return Row{Depth: depth, Cells: []Cell{Words(line), Words("n"), Money(1, 2), {}}}
	}
	s.Tables[0].Rows = Rows(row("1", 1), row("1.1", 2), row("1.2", 2), row("1.2.1", 3), row("2", 1), row("2.1", 2))
	text := write(t, "text", s, Options{Lang: words.Chinese})
	for _, want := range []string{"编码   序号    项目", "\n1      一、    n", "\n1.2    （二）    n", "\n1.2.1  1.          n", "\n2      二、    n", "\n2.1    （一）    n", "\n0              合计"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
	if md := write(t, "md", s, Options{Lang: words.Chinese}); !strings.Contains(md, "| 2.1 | （一） | \u3000n |") {
		t.Errorf("md:\n%s", md)
	}
	for format, o := range map[string]Options{"text": {}, "md": {}, "csv": {Lang: words.Chinese}, "json": {Lang: words.Chinese}} {
		if got := write(t, format, s, o); strings.Contains(got, "一") || strings.Contains(got, "序号") {
			t.Errorf("%s:\n%s", format, got)
		}
	}
}

func TestMarkdown(t *testing.T) {
	s := sample("a|b*c_d\x1b`<i>[x](y)\\#", 173870499900, -5)
	s.Tables = append(s.Tables, &Table{Name: "flags", Columns: []Column{{Name: "code"}, {Name: "amount", Right: true}}, Rows: Rows(Row{Depth: 1, Cells: []Cell{Term("flag", "over-budget"), Money(5, 2)}})},
		&Table{Name: "lots", Columns: Columns("lot"), Rows: Rows()})
	got := write(t, "md", s, Options{})
	want := "# Budget execution 2022 of 资金 (cd-gx)\n\n- as of: no date limit\n- unit: yuan\n\n" +
		"| line | name | spent | rate |\n| --- | --- | ---: | ---: |\n" +
		"| 1 | a\\|b\\*c\\_d␛\\`\\<i\\>\\[x\\](y)\\\\\\# | 1,738,704,999.00 | 50.00% |\n" +
		"| 2 | a\\|b\\*c\\_d␛\\`\\<i\\>\\[x\\](y)\\\\\\# | -0.05 | 50.00% |\n" +
		"| **0** | **Total** | **1,738,704,998.95** | **–** |\n\n" +
		"## Open exceptions of lines and lots\n\n| exception | amount |\n| --- | ---: |\n| over budget | 0.05 |\n"
	if got != want {
		t.Errorf("md =\n%s\nwant\n%s", got, want)
	}
	s = sample("x", 1738705000, 940005000, 1714415002)
	if got := write(t, "md", s, Options{Unit: Wan}); !strings.HasSuffix(got, "\n\n- rounding difference in spent of 0: 4393.13 is the rounded true sum; the rows as printed add up to 4393.14 (difference -0.01)\n") {
		t.Errorf("md:\n%s", got)
	}
	if got := write(t, "md", sample("x", 1004000000000), Options{Unit: Yi}); !strings.Contains(got, "| 100.4000 |") || !strings.Contains(got, "unit: 100 million yuan") {
		t.Errorf("md:\n%s", got)
	}
}

// TestListsFirstAndLast: what a statement needs beside rows and a total.
func TestListsFirstAndLast(t *testing.T) {
	s := sample("x", 5)
	s.Foot = []Member{{"closing", Money(7, 2)}}
	tb := s.Tables[0]
	tb.Total = nil
	tb.Columns = append(tb.Columns, Column{Name: "flags"})
	tb.Rows = Rows(Row{Depth: 1, Cells: []Cell{Words("1"), Words("n"), Money(5, 2), {}, Listed(Term("flag", "over-budget"), Words("=a"))}}, Row{Depth: 1, Cells: []Cell{Words("2"), Words("n"), {}, {}, Listed()}})
	edge := Row{Cells: []Cell{Left(), Words("edge"), Money(7, 2), Left(), Left()}}
	tb.First, tb.Last = &edge, &edge
	if got, want := write(t, "json", s, Options{}), `"flags":["over-budget","=a"]},
  {"line":"2","name":"n","spent":null,"rate":null,"flags":[]}],
 "closing":"0.07"}
`; !strings.HasSuffix(got, want) || !json.Valid([]byte(got)) {
		t.Errorf("json:\n%s", got)
	}
	if got := write(t, "text", s, Options{}); strings.Count(got, "edge") != 2 || !strings.Contains(got, "over budget; =a") {
		t.Errorf("text:\n%s", got)
	}
	if got := write(t, "csv", s, Options{}); strings.Contains(got, "edge") || !strings.Contains(got, "over-budget; =a") || !strings.Contains(got, ",closing,counted_in") || !strings.Contains(got, ",0.07,yuan") {
		t.Errorf("csv:\n%s", got)
	}
	tb.Rows = Rows()
	if got := write(t, "md", s, Options{}); strings.Count(got, "edge") != 2 {
		t.Errorf("md:\n%s", got)
	}
}

func TestChanged(t *testing.T) {
	with := func(flags string, amounts ...events.Minor) *Sheet {
		s := sample("x", amounts...)
		s.Tables = append(s.Tables, &Table{Name: "flags", Columns: Columns("code"), Rows: Rows()})
		if flags != "" {
			s.Tables[1].Rows = Rows(Row{Cells: []Cell{Words(flags)}})
		}
		return s
	}
	before := with("a", 5, 7)
	for _, c := range []struct {
		after *Sheet
		want  string
	}{
		{with("a", 5, 7), ""},
		{with("a", 5, 8), `"rows":[{"line":"2","name":"x","spent":"0.08","rate":"50.00"}],"total":{"line":"0","spent":"0.13","rate":null}`},
		{with("a", 6, 6), `"rows":[{"line":"1","name":"x","spent":"0.06","rate":"50.00"},{"line":"2","name":"x","spent":"0.06","rate":"50.00"}]`},
		{with("a", 5, 7, 0), `"rows":[{"line":"3","name":"x","spent":"0.00","rate":"50.00"}]`},
		{with("b", 5, 7), `"flags":[{"code":"b"}]`},
		{with("", 5, 7), `"flags":[]`},
	} {
		got := ""
		if s := Changed(before, c.after); s != nil {
			s.Head = nil
			var b bytes.Buffer
			if err := json.Compact(&b, []byte(write(t, "json", s, Options{}))); err != nil {
				t.Fatal(err)
			}
			got = strings.TrimSuffix(strings.TrimPrefix(b.String(), "{"), "}")
		}
		if got != c.want {
			t.Errorf("changed: %s\nwant %s", got, c.want)
		}
	}
	if s := Changed(nil, before); len(s.Tables) != 2 || s.Tables[0].Total == nil {
		t.Error("at first everything is new")
	}
}

func TestAheadAndPart(t *testing.T) {
	t.Parallel()
	const most = events.Minor(1<<63 - 1)
	for _, c := range []struct {
		part, whole events.Minor
		n, all      int64
		want        string
	}{
		{1, 3, 1, 3, "0.00"}, // both are 33.333…, rounded once and not 33.33 less 33.33
		{2, 3, 1, 2, "16.67"},
		{0, 1, 1, 3, "-33.33"},
		{1, 20000, 0, 1, "0.01"}, // 0.005
		{0, 1, 1, 20000, "-0.01"},
		{9999, 30000, 1, 3, "0.00"}, // 33.33 and 33.333…: -0.0033…
		{-most, most, 365, 365, "-200.00"},
		{1, 0, 1, 2, ""},
		{1, -5, 1, 2, ""},
		{1, 1, 0, 0, ""},
	} {
		if got := Ahead(c.part, c.whole, c.n, c.all); got != c.want {
			t.Errorf("Ahead(%d, %d, %d, %d) = %q, want %q", c.part, c.whole, c.n, c.all, got, c.want)
		}
	}
	for _, c := range []struct {
		whole  events.Minor
		n, all int64
		want   events.Minor
	}{{10, 1, 3, 3}, {5, 1, 2, 3}, {-5, 1, 2, -3}, {1000, 0, 365, 0}, {most, 365, 365, most}, {most, 1, 3, most / 3}} {
		if got := Part(c.whole, c.n, c.all); got != c.want {
			t.Errorf("Part(%d, %d, %d) = %d, want %d", c.whole, c.n, c.all, got, c.want)
		}
	}
}
