package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// golden reads the stored lines of testdata/v1 by the names of their files. Each was written by hand from the format, not by this package.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	lines := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		line, ok := bytes.CutSuffix(data, []byte("\n"))
		if !ok {
			t.Fatalf("%s does not end in LF", f)
		}
		lines[filepath.Base(f)] = line
	}
	return lines
}

func TestGoldenLines(t *testing.T) {
	kinds, causes := map[Kind]bool{}, map[Cause]bool{}
	for name, line := range golden(t) {
		e, err := ParseEvent(line)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := AppendLine(nil, &e); !bytes.Equal(got, line) {
			t.Errorf("%s: AppendLine =\n%s\nwant\n%s", name, got, line)
		}
		c, err := ParseCommand(e.Command.Raw)
		if err != nil || c.Content() != e.Command.Content() {
			t.Errorf("%s: the stored command is another one than it was as received: %v", name, err)
		}
		kinds[e.Command.Kind], causes[e.Command.Cause] = true, true
	}
	for _, k := range Kinds {
		if !kinds[k] {
			t.Errorf("no golden file of %s", k)
		}
	}
	for _, c := range Causes {
		if !causes[c] {
			t.Errorf("no golden file of clawed-back %s", c)
		}
	}
}

// TestGoldenFilesNeverChange holds the bytes of version 1. What is stored once is read for ever: add files, never mend one.
func TestGoldenFilesNeverChange(t *testing.T) {
	list, err := os.ReadFile("testdata/v1/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for row := range strings.Lines(string(list)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(row), "  ")
		listed[name] = true
		data, err := os.ReadFile(filepath.Join("testdata/v1", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s has changed: version 1 is what it was", name)
		}
	}
	for name := range golden(t) {
		if !listed[name] {
			t.Errorf("%s is not in SHA256SUMS", name)
		}
	}
}

func TestGoldenFields(t *testing.T) {
	e, err := ParseEvent(golden(t)["disbursed-commitment-lot.json"])
	if err != nil {
		t.Fatal(err)
	}
	day := func(s string) Day {
		d, err := ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if e.Seq != 18 || e.ID != "p-18" || !e.Time.Equal(time.Date(2026, 11, 23, 2, 11, 18, 123474000, time.UTC)) || e.Rules != 1 {
		t.Errorf("envelope = %d %s %s %d", e.Seq, e.ID, e.Time, e.Rules)
	}
	if e.Actor != (Actor{"local", "operator"}) || !e.HasFlag(LotExpired) || e.HasFlag(OverBudget) || e.Resolved.Commitment != 9 {
		t.Errorf("data = %+v %v %+v", e.Actor, e.Flags, e.Resolved)
	}
	if want := (Voucher{"430700", 2023, "直接支付", "000017", "2"}); e.Command.Voucher != want {
		t.Errorf("voucher = %+v, want %+v", e.Command.Voucher, want)
	}
	p, q := e.Postings[0], e.Postings[1]
	if p.Year != 2023 || p.Line != Root || p.Measure != DisbursedM || p.Amount != 50000000 || p.Counts != day("2023-02-20") || p.Date.First() != day("2023-02-01") ||
		p.Lot != "智能农机 2022" || p.Channel != Payment || p.Basis != ByVoucher || !p.Dims.Equal(Dims{{"project", "P-1"}, {"source", "city"}}) {
		t.Errorf("posting = %+v", p)
	}
	if q.Amount != -30000000 || q.Counts != day("2023-03-01") || !q.Dims.Equal(Dims{{"source", "province"}}) || e.Decimals != 2 {
		t.Errorf("posting = %+v", q)
	}
	if jpy, _ := ParseEvent(golden(t)["appropriated-jpy.json"]); jpy.Decimals != 0 || jpy.Postings[0].Amount != 350000000 {
		t.Errorf("yen = %+v", jpy.Postings)
	}
}

// TestFiscalYearDates: a date that is a year alone is read back as the fiscal year that it was when the event was decided.
func TestFiscalYearDates(t *testing.T) {
	for _, c := range []struct {
		measure        Measure
		counts         string
		first, counts2 string
	}{
		{DisbursedM, "2022-12-31", "2022-01-01", "2022-12-31"},
		{DisbursedM, "2023-03-31", "2022-04-01", "2023-03-31"},
		{Original, "2022-01-01", "2022-01-01", "2022-12-31"},
		{Original, "2022-04-01", "2022-04-01", "2023-03-31"},
	} {
		date, _ := ParseDate("2022")
		counts, _ := ParseDay(c.counts)
		e := Event{
			Seq: 1, ID: "a", Rules: 1, Actor: Actor{"a", "b"}, Decimals: 2, Command: command(t, `{"kind":"year-closed","fund":"f","year":2022,"date":"2022"}`),
			Postings: []Posting{{Year: 2022, Line: "1", Measure: c.measure, Amount: 1, Date: date, Counts: counts, Basis: Stated}},
		}
		got, err := ParseEvent(AppendLine(nil, &e))
		if err != nil {
			t.Fatal(err)
		}
		if p := got.Postings[0]; p.Date.First().String() != c.first || p.Date.Last().String() != c.counts2 || p.Counts != counts || p.Date.String() != "2022" {
			t.Errorf("%s counting %s: %s to %s, want %s to %s", c.measure, c.counts, p.Date.First(), p.Date.Last(), c.first, c.counts2)
		}
	}
}

func command(t testing.TB, raw string) *Command {
	t.Helper()
	c, err := ParseCommand([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return &c
}

// TestExampleInTheSpecification reads the event in the package comment with the code that the comment specifies.
func TestExampleInTheSpecification(t *testing.T) {
	f, err := goparser.ParseFile(token.NewFileSet(), "doc.go", nil, goparser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(f.Doc.Text()) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, `{"specversion"`) {
			continue
		}
		found++
		e, err := ParseEvent([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendLine(nil, &e)); got != line {
			t.Errorf("AppendLine =\n%s\nwant\n%s", got, line)
		}
	}
	if found != 1 {
		t.Errorf("%d example events in the package comment, want 1", found)
	}
}

func TestParseEventRefuses(t *testing.T) {
	good := string(golden(t)["disbursed.json"])
	for _, c := range []struct {
		name, old, new string
		code           Code
		field          string
	}{
		{"unknown kind", "fundledger.disbursed.v1", "fundledger.donated.v1", UnknownKind, "type"},
		{"unknown version", "fundledger.disbursed.v1", "fundledger.disbursed.v2", UnknownKind, "type"},
		{"version without meaning", "fundledger.disbursed.v1", "fundledger.disbursed.v0", Tampered, "type"},
		{"foreign type", "fundledger.disbursed.v1", "com.example.paid", Tampered, "type"},
		{"another known kind", "fundledger.disbursed.v1", "fundledger.committed.v1", Tampered, "type"},
		{"another kind with causes", "fundledger.disbursed.v1", "fundledger.clawed-back.v1", Tampered, "type"},
		{"unknown kind in the command alone", `"kind":"disbursed"`, `"kind":"donated"`, Tampered, "command"},
		{"kind in another case", "fundledger.disbursed.v1", "fundledger.Disbursed.v1", Tampered, "type"},
		{"wrong source", "/funds/cd-gx", "/funds/cd-gy", Tampered, "source"},
		{"source without fund", "/funds/cd-gx", "cd-gx", Tampered, "source"},
		{"wrong id", `"channel":"lower-treasury","date"`, `"channel":"lower-treasury","id":"other","date"`, Tampered, "id"},
		{"bad id", `"id":"1c79`, `"id":"-1c79`, Tampered, "id"},
		{"specversion", `"specversion":"1.0"`, `"specversion":"0.3"`, Tampered, "specversion"},
		{"specversion missing", `"specversion":"1.0",`, ``, Tampered, ""},
		{"member twice", `"specversion":"1.0",`, `"specversion":"1.0","specversion":"1.0",`, Tampered, ""},
		{"time without decimals", "02:11:17.123473Z", "02:11:17Z", Tampered, "time"},
		{"time with a comma", "02:11:17.123473Z", "02:11:17,123473Z", Tampered, "time"},
		{"time with an offset", "02:11:17.123473Z", "02:11:17.123473+08:00", Tampered, "time"},
		{"time that is no time", "2026-11-23", "2026-02-30", Tampered, "time"},
		{"sequence zero", `"sequence":"17"`, `"sequence":"0"`, Tampered, "sequence"},
		{"sequence as a number", `"sequence":"17"`, `"sequence":17`, Tampered, "sequence"},
		{"sequence with a zero in front", `"sequence":"17"`, `"sequence":"017"`, Tampered, "sequence"},
		{"data no object", `"data":{`, `"data":7,"x":{`, Tampered, "data"},
		{"command missing", `"command":`, `"was":`, Tampered, "data"},
		{"command broken", `"year":2022},"actor"`, `"year":"2022"},"actor"`, Tampered, "command"},
		{"actor missing", `"actor":`, `"was":`, Tampered, "data"},
		{"actor no object", `"actor":{"id":"local","role":"operator"}`, `"actor":"local"`, Tampered, "actor"},
		{"rules missing", `"rules":1,`, ``, Tampered, "data"},
		{"rules zero", `"rules":1,`, `"rules":0,`, Tampered, "rules"},
		{"rules as text", `"rules":1,`, `"rules":"1",`, Tampered, "rules"},
		{"flags no list", `"flags":["over-budget","possible-duplicate"]`, `"flags":"over-budget"`, Tampered, "flags"},
		{"of no number", `"rules":1,`, `"rules":1,"of":"17",`, Tampered, "of"},
		{"covers holds a text", `"rules":1,`, `"rules":1,"covers":["17"],`, Tampered, "covers"},
		{"sum of zero", `"rules":1,`, `"rules":1,"sum_of":[0],`, Tampered, "sum_of"},
		{"decimals beyond", `"rules":1,`, `"rules":1,"decimals":9,`, Tampered, "decimals"},
		{"expires no day", `"rules":1,`, `"rules":1,"expires":"2022",`, Tampered, "expires"},
		{"postings no list", `"postings":[{`, `"postings":{"a":[{`, Tampered, ""},
		{"posting without measure", `"measure":"disbursed",`, ``, Tampered, "postings"},
		{"posting without amount", `"amount":"17387000.00",`, ``, Tampered, "postings"},
		{"posting of a derived measure", `"measure":"disbursed"`, `"measure":"spent"`, Tampered, "measure"},
		{"posting with an amount as a number", `"amount":"17387000.00"`, `"amount":17387000.00`, Tampered, "amount"},
		{"posting with separators", `"amount":"17387000.00"`, `"amount":"17,387,000.00"`, Tampered, "amount"},
		{"posting with a negative nothing", `"amount":"17387000.00"`, `"amount":"-0.00"`, Tampered, "amount"},
		{"posting with a bad date", `"date":"2022-09","counts"`, `"date":"2022-13","counts"`, Tampered, "date"},
		{"posting with a bad day", `"counts":"2022-09-30"`, `"counts":"2022-09-31"`, Tampered, "counts"},
		{"posting with an unknown channel", `"channel":"lower-treasury","basis"`, `"channel":"pigeon","basis"`, Tampered, "channel"},
		{"posting with an unknown basis", `"basis":"voucher"`, `"basis":"hearsay"`, Tampered, "basis"},
		{"a line break between tokens", `{"specversion"`, "{\n\"specversion\"", Tampered, ""},
		{"bad UTF-8", `local`, "loc\xffal", Tampered, ""},
		{"something after", `}]}}`, `}]}} {}`, Tampered, ""},
		{"cut short", `}]}}`, `}]}`, Tampered, ""},
		{"empty", good, "", Tampered, ""},
		{"too long", `"rules":1,`, `"rules":1,"x":"` + strings.Repeat("x", MaxLine) + `",`, Tampered, ""},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Errorf("%s: %q is not in the line", c.name, c.old)
			continue
		}
		_, err := ParseEvent([]byte(bad))
		e, ok := err.(*Error)
		if !ok || e.Code != c.code || (c.field != "" && e.Args["field"] != c.field) {
			t.Errorf("%s: error %v, want %s at %q", c.name, err, c.code, c.field)
		}
	}
}

func TestParseEventPassesOverNewMembers(t *testing.T) {
	good := string(golden(t)["disbursed.json"])
	want, err := ParseEvent([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{`"data":{`, `"traceparent":"00-1","data":{"sealed":{"a":[1,null]},"approvals":[{"key":"k","signature":"s"}],`},
		{`"actor":{`, `"actor":{"unit":"u",`},
		{`"measure":"disbursed"`, `"measure":"disbursed","hint":null`},
		{`"kind":"disbursed"`, `"kind":"disbursed","weather":{"sun":true}`}, // a field that a later release added to commands
	} {
		got, err := ParseEvent([]byte(strings.Replace(good, r[0], r[1], 1)))
		if err != nil {
			t.Errorf("with %s: %v", r[1], err)
			continue
		}
		if got.Command.Content() != want.Command.Content() || got.ID != want.ID || len(got.Postings) != 1 || got.Postings[0].Amount != want.Postings[0].Amount {
			t.Errorf("with %s: %+v", r[1], got)
		}
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
		ok   bool
	}{
		{"", nil, false}, {"a", nil, false}, {"a\nb", nil, false}, {"a\n", []string{"a"}, true}, {"a\nb\n", []string{"a", "b"}, true}, {"\n", []string{""}, true},
	} {
		got, ok := Lines([]byte(c.in))
		var ss []string
		for _, l := range got {
			ss = append(ss, string(l))
		}
		if ok != c.ok || !slices.Equal(ss, c.want) {
			t.Errorf("Lines(%q) = %q, %t, want %q, %t", c.in, ss, ok, c.want, c.ok)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, line := range golden(f) {
		f.Add(line)
	}
	f.Add([]byte(`{"specversion":"1.0","id":"a","source":"/funds/f","type":"fundledger.year-closed.v1","time":"2026-01-01T00:00:00.000000Z","sequence":"1","data":{"command":{"kind":"year-closed","fund":"f","year":2022,"date":"2022"},"actor":{"id":"a","role":"b"},"rules":1}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := ParseEvent(line)
		if err != nil {
			if c := CodeOf(err); c != Tampered && c != UnknownKind {
				t.Errorf("code %q", c)
			}
			return
		}
		out := AppendLine(nil, &e)
		again, err := ParseEvent(out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out)
		}
		if third := AppendLine(nil, &again); !bytes.Equal(third, out) {
			t.Errorf("written again differs:\n%s\n%s", out, third)
		}
	})
}

func TestAppendTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-70_000_000_000, 300_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		if got, want := string(AppendTime([]byte("x"), at)), "x"+at.UTC().Format(TimeForm); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}
