package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"fundledger/events"
	"fundledger/ledger"
)

// mistaken is the fund in which the mistakes are made: 2022 is open with 990.00 left on line 1, line 2 is a group, 2021 is closed.
const mistaken = `{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"资金","lines":[{"code":"1","name":"a"},{"code":"2","name":"b"},{"code":"2.1","name":"c","parent":"2"}]}
{"id":"budget","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"1000.00","stage":"original"}
{"id":"p","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"10.00","channel":"payment","voucher":{"issuer":"i","year":2022,"type":"pay","number":"17"}}
{"id":"open21","kind":"fund-opened","fund":"f","year":2021,"name":"资金"}
{"id":"close21","kind":"year-closed","fund":"f","year":2021,"date":"2021-12-31"}
`

// A mistake is what a new user gets wrong in a command, what it is answered, and what message and hint must name: the field or value that is
// wrong, and the way out.
type mistake struct {
	name   string
	was    string // of the payment
	is     string
	code   events.Code
	naming []string
}

const payment = `{"kind":"disbursed","fund":"f","year":2022,"date":"2022-06-01","line":"1","amount":"1.00","channel":"payment"}`

var mistakes = []mistake{
	{"a comma in an amount", `"1.00"`, `"1,000.00"`, events.BadValue, []string{"amount", "1,000.00", "1738.70"}},
	{"a full-width comma", `"1.00"`, `"1，000.00"`, events.BadValue, []string{"amount", "1，000.00"}},
	{"a space in an amount", `"1.00"`, `"1 000.00"`, events.BadValue, []string{"amount", "1 000.00"}},
	{"full-width digits", `"1.00"`, `"１.００"`, events.BadValue, []string{"amount", "１.００"}},
	{"an amount as a number", `"1.00"`, `1.00`, events.BadValue, []string{"amount", "1.00", `"1738.70"`}},
	{"a negative amount", `"1.00"`, `"-5"`, events.BadValue, []string{"amount", "-5", "refund"}},
	{"brackets for negative", `"1.00"`, `"(5.00)"`, events.BadValue, []string{"amount", "(5.00)", "refund"}},
	{"an amount in 万元", `"1.00"`, `"1.5万元"`, events.BadValue, []string{"amount", "1.5万元", `"17387000"`}},
	{"a currency sign", `"1.00"`, `"¥1.00"`, events.BadValue, []string{"amount", "¥1.00"}},
	{"Chinese capitals as amount", `"1.00"`, `"壹元整"`, events.BadValue, []string{"amount", "壹元整"}},
	{"no amount", `"1.00"`, `""`, events.BadValue, []string{"amount", `""`}},
	{"zero", `"1.00"`, `"0"`, events.BadValue, []string{"amount", "0"}},
	{"three decimals", `"1.00"`, `"1.234"`, events.BadValue, []string{"amount", "1.234", "2"}},
	{"null", `"1.00"`, `null`, events.BadValue, []string{"amount", "null"}},
	{"a date with slashes", `2022-06-01`, `2022/4/18`, events.BadValue, []string{"date", "2022/4/18", "2022-04-18"}},
	{"a date with points", `2022-06-01`, `18.04.2022`, events.BadValue, []string{"date", "18.04.2022", "2022-04-18"}},
	{"a date of digits alone", `2022-06-01`, `20220418`, events.BadValue, []string{"date", "20220418", "2022-04-18"}},
	{"a Chinese date", `2022-06-01`, `2022年4月18日`, events.BadValue, []string{"date", "2022年4月18日", "2022-04-18"}},
	{"a date without zeros", `2022-06-01`, `2022-4-18`, events.BadValue, []string{"date", "2022-4-18", "2022-04-18"}},
	{"no such day", `2022-06-01`, `2022-02-30`, events.BadValue, []string{"date", "2022-02-30"}},
	{"a date to come", `2022-06-01`, `2032-06-01`, events.FutureDate, []string{"2032-06-01", "2026-01-02"}},
	{"a date of another year", `2022-06-01`, `2021-06-01`, events.OutsideYear, []string{"2021-06-01", "2022-01-01", "2022-12-31"}},
	{"a year in quotes", `:2022,`, `:"2022",`, events.BadValue, []string{"year", `"2022"`}},
	{"a year of two digits", `:2022,`, `:22,`, events.BadValue, []string{"year", "22", "2022"}},
	{"a year not opened", `:2022,`, `:2023,`, events.UnknownYear, []string{"2023", "fund-opened"}},
	{"a closed year", `:2022,`, `:2021,`, events.YearClosedCode, []string{"2021", "prior-year", "year-reopened"}},
	{"a line that is a group", `"line":"1"`, `"line":"2"`, events.NotALeaf, []string{"2", "stated"}},
	{"the total", `"line":"1"`, `"line":"0"`, events.NotALeaf, []string{"0", "stated"}},
	{"no such line", `"line":"1"`, `"line":"9"`, events.UnknownLine, []string{"9", "line-added"}},
	{"a line as a number", `"line":"1"`, `"line":2.1`, events.BadValue, []string{"line", "2.1", `"2.1"`}},
	{"a line with a space", `"line":"1"`, `"line":"1 "`, events.BadValue, []string{"line", "“1 ”"}},
	{"a line as officials number", `"line":"1"`, `"line":"（一）"`, events.BadValue, []string{"line", "（一）", "2.1.3"}},
	{"a fund not opened", `"fund":"f"`, `"fund":"g"`, events.UnknownFund, []string{"g", "fund-opened"}},
	{"a fund by its name", `"fund":"f"`, `"fund":"工信资金"`, events.BadValue, []string{"fund", "工信资金", "cd-gx"}},
	{"a kind in capitals", `disbursed`, `Disbursed`, events.UnknownKind, []string{"Disbursed", "disbursed"}},
	{"a kind in Chinese", `disbursed`, `支出`, events.UnknownKind, []string{"支出", "disbursed"}},
	{"no kind", `"kind":"disbursed",`, ``, events.MissingField, []string{"kind", "disbursed"}},
	{"no channel", `,"channel":"payment"`, ``, events.MissingField, []string{"channel", "help disbursed"}},
	{"no such channel", `"channel":"payment"`, `"channel":"bank"`, events.BadValue, []string{"channel", "bank", "lower-treasury"}},
	{"a field in capitals", `"amount"`, `"Amount"`, events.UnknownField, []string{"Amount", "amount"}},
	{"a field misspelt", `"amount"`, `"ammount"`, events.UnknownField, []string{"ammount", "amount_text"}},
	{"a payee without braces", `"channel"`, `"payee":"甲公司","channel"`, events.BadValue, []string{"payee", "甲公司", "{"}},
	{"capitals of another amount", `"channel"`, `"amount_text":"贰元整","channel"`, events.BadValue, []string{"amount_text", "贰元整", "1.00", "壹元整"}},
	{"documents without brackets", `"channel"`, `"documents":"1号","channel"`, events.BadValue, []string{"documents", "1号"}},
	{"a person's name", `"channel"`, `"payee":{"class":"person","ref":"x","name":"张三"},"channel"`, events.UnknownField, []string{"payee.name", "ref"}},
	{"more than there is", `"1.00"`, `"5000"`, events.OverBudget, []string{"1", "990.00", "5,000.00", "reallocated", `"mode":"record"`}},
	{"paying twice", `"channel"`, `"voucher":{"issuer":"i","year":2022,"type":"pay","number":"17"},"channel"`, events.VoucherUsed, []string{"17", "3", "voucher.line"}},
	{"a refund above what was paid", payment, `{"kind":"clawed-back","fund":"f","year":2022,"date":"2022-06-02","cause":"refund","of":"p","amount":"11"}`, events.ExceedsTarget, []string{"of", "3", "10.00", "11.00"}},
	{"a number in quotes", payment, `{"kind":"clawed-back","fund":"f","year":2022,"date":"2022-06-02","cause":"refund","of":"3","amount":"1"}`, events.UnknownTarget, []string{"of", "3"}},
	{"no such cause", payment, `{"kind":"clawed-back","fund":"f","year":2022,"date":"2022-06-02","cause":"gift","amount":"1"}`, events.BadValue, []string{"cause", "gift", "refund"}},
	{"a year opened twice", payment, `{"kind":"fund-opened","fund":"f","year":2022,"name":"x"}`, events.YearExists, []string{"2022", "line-added"}},
	{"closing with money left", payment, `{"kind":"year-closed","fund":"f","year":2022,"date":"2022-12-31"}`, events.NotZero, []string{"990.00", "carried-over"}},
	{"a second original budget", payment, `{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"5","stage":"original"}`, events.SecondOriginal, []string{"1", "2", "supplementary"}},
	{"single quotes", payment, `{'kind':'disbursed'}`, events.Malformed, []string{`"kind"`, "{'kind'"}},
	{"typographic quotes", payment, `{“kind”:“disbursed”}`, events.Malformed, []string{`"kind"`, "{“kind”"}},
	{"names without quotes", payment, `{kind:"disbursed"}`, events.Malformed, []string{`{kind:`, `{"kind"`}},
	{"a comma at the end", payment, `{"kind":"disbursed",}`, events.Malformed, []string{`,}`, "20"}},
	{"a comma missing", payment, `{"kind":"disbursed" "fund":"f"}`, events.Malformed, []string{"20", `"kind":"disbursed","fund"`}},
	{"a full-width comma between fields", payment, `{"kind":"disbursed"，"fund":"f"}`, events.Malformed, []string{"，", ", : { }"}},
	{"no brace at the end", payment, `{"kind":"disbursed"`, events.Malformed, []string{`{"kind":"disbursed"`, "{"}},
	{"a list", payment, `[` + payment + `]`, events.Malformed, []string{"[{", "{", "}"}},
	{"a semicolon", payment, payment + `;`, events.Malformed, []string{";"}},
	{"a table from Excel as CSV", payment, "日期,项目,金额", events.Malformed, []string{"日期,项目,金额", "CSV", "help formats"}},
	{"a row of it", payment, "2022-04-18,1,100", events.Malformed, []string{"2022-04-18,1,100", "CSV", "help formats"}},
	{"an Excel file", payment, "PK\x03\x04\x14\x00", events.Malformed, []string{"Excel", "help formats"}},
	{"a text in GBK", payment, "{\"kind\":\"disbursed\",\"note\":\"\xd7\xca\xbd\xf0\"}", events.Malformed, []string{"UTF-8"}},
	{"UTF-16, as PowerShell writes it", payment, "\xff\xfe{\x00\"\x00k\x00", events.Malformed, []string{"UTF-8"}},
	{"a name twice", payment, `{"kind":"disbursed","kind":"disbursed"}`, events.Malformed, []string{"kind"}},
}

// foreign is what the libraries below us and the operating system say in English alone.
var foreign = regexp.MustCompile(`invalid character|missing port|unexpected EOF|no such file|not a directory|no servers available|arg\(s\)|unknown (command|flag|shorthand)|needs an argument|strconv|syntax|jsontext|permission denied|<no value>`)

// wellSaid checks what is said: it names what is wrong and a way out, in the language asked for and no other.
func wellSaid(t *testing.T, lang, message, hint string, naming []string) {
	t.Helper()
	if message == "" || hint == "" {
		t.Errorf("in %s: it says %q and, what to do, %q", lang, message, hint)
	}
	both := message + "\n" + hint
	for _, n := range naming {
		if !strings.Contains(both, n) {
			t.Errorf("in %s: %q, %q: does not name %s", lang, message, hint, n)
		}
	}
	if m := foreign.FindString(both); m != "" || rawKey.MatchString(both) {
		t.Errorf("in %s: %q, %q: %s is none of our words", lang, message, hint, m)
	}
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	if lang == "zh" && (!han(message) || !han(hint)) {
		t.Errorf("%q, %q: is not Chinese", message, hint)
	}
}

func TestMistakesInCommands(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, mistaken)
	var all strings.Builder
	for _, m := range mistakes {
		line := strings.Replace(payment, m.was, m.is, 1)
		if line == payment || strings.Contains(line, "\n") {
			t.Fatalf("%s is none: %s", m.name, line)
		}
		all.WriteString(line + "\n")
	}
	for _, lang := range []string{"en", "zh"} {
		got := p.with(all.String()).run(t, "append", "--lang", lang)
		rs := receipts(t, got.out)
		if got.code != exitRefused || len(rs) != len(mistakes) {
			t.Fatalf("exit %d, %d receipts of %d mistakes: %s", got.code, len(rs), len(mistakes), got.err)
		}
		for i, m := range mistakes {
			t.Run(m.name+" in "+lang, func(t *testing.T) {
				if r := rs[i]; r.Status != ledger.Refused || r.Code != m.code {
					t.Errorf("it is %s, want refused/%s", statuses(rs[i:i+1]), m.code)
				} else {
					wellSaid(t, lang, r.Message, r.Hint, m.naming)
				}
			})
		}
	}
	if n := len(p.stored(t)); n != 5 {
		t.Errorf("%d events are stored, want 5", n)
	}
}

// What looks like a mistake and is none: Windows line ends, a byte order mark, blank lines.
func TestHarmlessSlips(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	got := p.with("\uFEFF"+strings.ReplaceAll(mistaken, "\n", "\r\n\r\n")).run(t, "append")
	rs := receipts(t, got.out)
	if got.code != exitOK || len(rs) != 5 || slices.ContainsFunc(rs, func(r ledger.Receipt) bool { return r.Status != ledger.Appended }) {
		t.Errorf("exit %d, %s", got.code, statuses(rs))
	}
	if rs := p.append(t, mistaken); statuses(rs[:1]) != "duplicate" {
		t.Errorf("the same with other line ends is %s", statuses(rs))
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, mistaken)
	table := []string{"table", "execution", "--fund", "f", "--year", "2022"}
	with := func(more ...string) []string { return append(slices.Clone(table), more...) }
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for _, m := range []struct {
		args   []string
		code   int
		naming []string
	}{
		{with("--data", nowhere), exitFailed, []string{nowhere, "--data"}},
		{[]string{"table", "execution", "--fund", "f", "--year", "22"}, exitUsage, []string{"--year", "22", "2022"}},
		{[]string{"table", "execution", "--fund", "f", "--year", "2025"}, exitUsage, []string{"f", "2025", "2021, 2022"}},
		{[]string{"table", "execution", "--fund", "g", "--year", "2022"}, exitUsage, []string{"g", "f"}},
		{[]string{"table", "execution", "--fund", "F", "--year", "2022"}, exitUsage, []string{"--fund", "F", "cd-gx"}},
		{[]string{"table", "exection", "--fund", "f", "--year", "2022"}, exitUsage, []string{"exection", "table execution"}},
		{[]string{"table", "balance", "--fund", "f", "--year", "2022"}, exitUsage, []string{"balance", "budget"}},
		{[]string{"table"}, exitUsage, []string{"budget", "execution"}},
		{with("--as-of", "2022/06/30"), exitUsage, []string{"--as-of", "2022/06/30", "2022-12-31"}},
		{with("--known-at", "yesterday"), exitUsage, []string{"--known-at", "yesterday", "2022-07-05"}},
		{with("--known-at", "2022-06-30"), exitUsage, []string{"--known-at", "2022-06-30", "--as-of"}},
		{with("--known-at", "99"), exitUsage, []string{"--known-at", "99", "5"}},
		{with("--format", "pdf"), exitUsage, []string{"--format", "pdf", "json"}},
		{with("--unit", "万元"), exitUsage, []string{"--unit", "万元", "wan"}},
		{with("--out", filepath.Join(nowhere, "x.csv")), exitUsage, []string{"x.csv"}},
		{with("--wait", "soon"), exitUsage, []string{"--wait", "soon"}},
		{[]string{"table", "execution", "--fudn", "f"}, exitUsage, []string{"--fudn", "--fund"}},
		{[]string{"table", "execution", "-fund", "f"}, exitUsage, []string{"-fund", "--fund"}},
		{[]string{"tabel"}, exitUsage, []string{"tabel", "fundledger table"}},
		{[]string{"qwertz"}, exitUsage, []string{"qwertz", "fundledger help"}},
		{[]string{"append", "no-such.jsonl"}, exitUsage, []string{"no-such.jsonl"}},
		{[]string{"append", "testdata"}, exitUsage, []string{"testdata", "--data"}},
		{[]string{"append", "a", "b"}, exitUsage, []string{"append", "1", "--help"}},
		{[]string{"append", "--dryrun"}, exitUsage, []string{"--dryrun", "--dry-run"}},
		{[]string{"serve", "8080"}, exitUsage, []string{"8080", "serve --help"}},
		{[]string{"events", "--nats", "nats://127.0.0.1:1"}, exitFailed, []string{"nats://127.0.0.1:1"}},
		{[]string{"events", "--nats", "foo:bar:baz"}, exitUsage, []string{"--nats", "foo:bar:baz", "nats://127.0.0.1:4222"}},
		{[]string{"funds", "--data", "main.go"}, exitFailed, []string{"main.go"}},
		{[]string{"events", "--fund", "f", "--line", "9"}, exitUsage, []string{"f", "9"}},
		{[]string{"events", "--fund", "f", "--year", "2022年"}, exitUsage, []string{"--year", "2022年"}},
		{[]string{"events", "--fund", "f", "--year", "22"}, exitUsage, []string{"--year", "22", "2022"}},
		{[]string{"statement", "--fund", "f", "--year", "2022", "--line", "9"}, exitUsage, []string{"f", "2022", "9", "fundledger table budget"}},
		{[]string{"statement", "--fund", "f", "--year", "2022"}, exitUsage, []string{"--line", "fundledger table budget"}},
		{[]string{"diff", "--fund", "f"}, exitUsage, []string{"--from", "fundledger events"}},
		{[]string{"diff", "--fund", "f", "--from", "5", "--to", "2"}, exitUsage, []string{"--from 5", "--to 2"}},
		{[]string{"diff", "--fund", "f", "--from", "2022-01-01", "--to", "2022-06-30"}, exitUsage, []string{"--to", "2022-06-30", "--as-of"}},
		{[]string{"diff", "--fund", "f", "--from", "99"}, exitUsage, []string{"--from", "99", "5"}},
		{[]string{"sample", "changde"}, exitUsage, []string{"changde", "cd-gx"}},
		{[]string{"completion", "sh"}, exitUsage, []string{"sh", "bash"}},
		{[]string{"completion"}, exitUsage, []string{"bash", "zsh"}},
		{[]string{"serve", "--http", "8080"}, exitUsage, []string{"8080", "127.0.0.1:8080"}},
		{[]string{"events", "--fund", "f", "--from", "x"}, exitUsage, []string{"--from", "x", "47"}},
		{[]string{"help", "overbudget"}, exitUsage, []string{"overbudget", "over-budget", "help topics"}},
	} {
		for _, lang := range []string{"en", "zh"} {
			t.Run(strings.Join(m.args, " ")+" in "+lang, func(t *testing.T) {
				got := p.run(t, append(slices.Clone(m.args), "--lang", lang)...)
				if got.code != m.code || got.out != "" {
					t.Errorf("exit %d, want %d; prints %q", got.code, m.code, got.out)
				}
				message, hint, _ := strings.Cut(strings.TrimSpace(got.err), "\n")
				wellSaid(t, lang, message, hint, m.naming)
			})
		}
	}
	for _, lang := range []string{"en", "zh"} {
		got := (&program{}).run(t, "table", "execution", "--lang", lang, "--fund")
		message, hint, _ := strings.Cut(strings.TrimSpace(got.err), "\n")
		wellSaid(t, lang, message, hint, []string{"--fund", "table --help"})
	}
	// A language that there is not is refused in the language of the environment.
	q := *p
	q.env = map[string]string{"LANG": "zh_CN.UTF-8"}
	got := q.run(t, "version", "--lang", "fr")
	message, hint, _ := strings.Cut(strings.TrimSpace(got.err), "\n")
	wellSaid(t, "zh", message, hint, []string{"--lang", "fr", "zh"})
}

func TestASecondServer(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.serving(t)
	for _, lang := range []string{"en", "zh"} {
		got := p.run(t, "serve", "--lang", lang)
		if got.code != exitFailed || !strings.Contains(got.err, p.folder) || !strings.Contains(got.err, "nats://") {
			t.Errorf("exit %d, %q", got.code, got.err)
		}
	}
}

// Where the receipts cannot be written, that is said, and what was stored is not stored twice.
func TestNoRoomForTheReceipts(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /dev/full")
	}
	p := onFolder(t)
	for _, lang := range []string{"en", "zh"} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		var errs bytes.Buffer
		code := run(t.Context(), p.with(mistaken).app(full, &errs, "append", "--lang", lang))
		if err := full.Close(); err != nil {
			t.Fatal(err)
		}
		message, hint, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		if code != exitFailed {
			t.Errorf("exit %d", code)
		}
		wellSaid(t, lang, message, hint, nil)
	}
	if rs := p.append(t, mistaken); statuses(rs) != "duplicate duplicate duplicate duplicate duplicate" {
		t.Errorf("afterwards it is %s", statuses(rs))
	}
}
