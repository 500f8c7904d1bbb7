package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fundledger/ledger"
)

// lotsToldOf are the lots of a year as its table tells them, without what the report does not say: by which event they came, and how old they are.
func lotsToldOf(t *testing.T, p *program, year string) (out []string) {
	t.Helper()
	var table struct {
		Rows []struct{ Lot, Line, Purpose, Amount, Spent, Left, Expires string }
	}
	if err := json.Unmarshal([]byte(p.ok(t, "table", "lots", "--fund", "cd-gx", "--year", year, "--format", "json")), &table); err != nil {
		t.Fatal(err)
	}
	for _, r := range table.Rows {
		out = append(out, fmt.Sprint(r))
	}
	return out
}

// withoutFace is a table without the head, which tells of the log.
func withoutFace(t *testing.T, p *program, year, name string) string {
	t.Helper()
	out := p.ok(t, "table", name, "--fund", "cd-gx", "--year", year, "--format", "json")
	_, rows, _ := strings.Cut(out, "\n")
	rows, _, _ = strings.Cut(rows, `"flags"`)
	return rows
}

// TestReferenceYearIsClosedFromItsFigures: what the report states is enough to take back and to carry over what the sample does.
func TestReferenceYearIsClosedFromItsFigures(t *testing.T) {
	t.Parallel()
	whole := onFolder(t)
	all := whole.ok(t, "sample")
	whole.append(t, all)
	var before, after []string
	for line := range strings.Lines(all) {
		switch {
		case strings.Contains(line, `"id":"lapse-2022"`), strings.Contains(line, `"id":"carry-2022-`):
		case strings.Contains(line, `"year":2023`):
			after = append(after, line)
		default:
			before = append(before, line)
		}
	}
	if len(before)+len(after)+3 != strings.Count(all, "\n") || len(after) == 0 {
		t.Fatalf("%d commands are left out of %d", strings.Count(all, "\n")-len(before)-len(after), strings.Count(all, "\n"))
	}
	p := onFolder(t)
	p.append(t, strings.Join(before, ""))
	got := p.run(t, "close", "--fund", "cd-gx", "--year", "2022", "--from-stated", "--yes", "--lang", "en")
	if got.code != exitOK {
		t.Fatalf("exit %d\n%s%s", got.code, got.out, got.err)
	}
	for _, r := range receipts(t, got.out) {
		if r.Status != ledger.Appended {
			t.Errorf("%+v", r)
		}
	}
	for _, r := range p.append(t, strings.Join(after, "")) {
		if r.Status != ledger.Appended {
			t.Errorf("after the closing: %+v", r)
		}
	}
	for year, want := range map[string][]string{
		"2022": nil,
		"2023": {"{CO-2022-1 0 “千百十”工程 500000.00 500000.00 0.00 2023-12-31}", "{CO-2022-2 0 智能农机项目 1000000.00 0.00 1000000.00 2023-12-31}"},
	} {
		if lots := lotsToldOf(t, p, year); !slices.Equal(lots, want) || !slices.Equal(lotsToldOf(t, whole, year), want) {
			t.Errorf("lots of %s: %v, of the sample %v, want %v", year, lots, lotsToldOf(t, whole, year), want)
		}
		for _, name := range []string{"budget", "execution"} {
			if a, b := withoutFace(t, p, year, name), withoutFace(t, whole, year, name); a != b {
				t.Errorf("%s of %s:\n%s\nof the sample:\n%s", name, year, a, b)
			}
		}
	}
	if out := p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022", "--format", "json"); !strings.Contains(out, `"total":{"line":"0","original":"100000000.00"`) ||
		!strings.Contains(out, `"lapsed":"428300.00","carried_out":"1500000.00","available":"0.00"`) {
		t.Errorf("the year was closed as\n%s", out)
	}
	// Of the sample itself, which has taken back and carried over, only the closing is left.
	for _, how := range [][]string{{}, {"--from-stated"}} {
		out := whole.ok(t, append([]string{"close", "--fund", "cd-gx", "--year", "2022", "--dry-run", "--commands", "-"}, how...)...)
		if strings.Count(out, "\n") != 1 || !strings.Contains(out, `"kind":"year-closed"`) {
			t.Errorf("%v of the sample: %s", how, out)
		}
	}
	again := p.run(t, "close", "--fund", "cd-gx", "--year", "2022", "--from-stated", "--yes", "--lang", "en")
	if again.code != exitRefused || !strings.Contains(again.err, "closed already") || again.out != "" {
		t.Errorf("closed again: exit %d\n%s%s", again.code, again.out, again.err)
	}
}

// TestYearsThatClose: of years made at random, with what is left of each line and lot worked out from their commands alone. What the plan takes back and carries
// over is that, and closes the year; where something stands against it nothing is appended.
func TestYearsThatClose(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			closeAtRandom(t, rand.New(rand.NewPCG(seed, 7)))
		})
	}
}

func closeAtRandom(t *testing.T, r *rand.Rand) {
	p := onFolder(t)
	lines := []string{"1", "2.1", "2.2"}
	var commands strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&commands, format+"\n", args...) }
	add(`{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"x","lines":[{"code":"1","name":"a"},{"code":"2","name":"b"},{"code":"2.1","parent":"2","name":"c"},{"code":"2.2","parent":"2","name":"d"}]}`)
	left := map[string]int64{}
	committed, suspense, short := int64(0), int64(0), false
	for i, l := range lines {
		left[l] = r.Int64N(1000) + 1
		add(`{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":%q,"amount":"%d","stage":"original"}`, l, left[l])
		if pay := r.Int64N(left[l]*11/10) + 1; true { // some pay more than they have
			left[l] -= pay
			add(`{"id":"p%d","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":%q,"amount":"%d","channel":"payment","mode":"record","documents":["1"]}`, i, l, pay)
		}
		if r.IntN(4) == 0 && left[l] > 1 {
			c := r.Int64N(left[l]-1) + 1
			committed += c
			add(`{"kind":"committed","fund":"f","year":2022,"date":"2022-06-01","line":%q,"amount":"%d"}`, l, c)
		}
	}
	if r.IntN(2) == 0 { // what nobody has split
		left["2"] = r.Int64N(500) + 1
		add(`{"kind":"appropriated","fund":"f","year":2022,"date":"2022-07-01","line":"2","amount":"%d","stage":"supplementary","basis":"stated"}`, left["2"])
	}
	if r.IntN(6) == 0 {
		suspense = 5
		add(`{"kind":"clawed-back","cause":"unidentified","fund":"f","year":2022,"date":"2022-08-01","amount":"5"}`)
	}
	lots := map[string]int64{}
	for n := range r.IntN(3) {
		name := fmt.Sprintf("L%d", n)
		lots[name] = r.Int64N(100) + 1
		add(`{"kind":"carried-in","fund":"f","year":2022,"date":"2022-01-01","line":"0","amount":"%d","lot":%q,"purpose":"z","from_year":2021,"expires":"%d-12-31"}`, lots[name], name, 2022+n)
	}
	for _, rc := range p.append(t, commands.String()) {
		if rc.Status != ledger.Appended {
			t.Fatalf("%+v\n%s", rc, &commands)
		}
	}
	args := []string{"close", "--fund", "f", "--year", "2022", "--yes", "--lang", "en"}
	release := r.IntN(2) == 0
	if release {
		args = append(args, "--release")
	}
	carried := map[string]int64{}
	if l := lines[r.IntN(3)]; left[l] > 0 {
		carried[l] = r.Int64N(left[l]) + 1
		args = append(args, "--carry", fmt.Sprintf("%s=%d::续建", l, carried[l]))
	}
	all := int64(0)
	for _, a := range left {
		all += a
		short = short || a < 0
	}
	fund := r.IntN(3) == 0
	if fund {
		args = append(args, "--lapse", "fund")
	}
	more := false // what is carried is committed, and stays so
	stands := len(p.stored(t))
	got := p.run(t, args...)
	if !release && committed > 0 {
		more = true
	}
	want := !more && suspense == 0 && (!short || fund && all-sum(carried) >= 0) && all >= 0
	if (got.code == exitOK) != want {
		t.Fatalf("%v: exit %d, want it to close: %v (left %v, lots %v, committed %d, suspense %d, carried %v)\n%s%s", args, got.code, want, left, lots, committed, suspense, carried, got.out, got.err)
	}
	if !want {
		if now := len(p.stored(t)); got.code != exitRefused || now != stands {
			t.Fatalf("exit %d, %d events were stored", got.code, now-stands)
		}
		return
	}
	lapsed := map[string]int64{}
	for l, a := range left {
		at := l
		if fund {
			at = "0"
		}
		lapsed[at] += a - carried[l]
	}
	lapsed["0"] += lots["L0"] // which is due with the year
	lapsed["2"] += lapsed["2.1"] + lapsed["2.2"]
	if !fund {
		lapsed["0"] += lapsed["1"] + lapsed["2"]
	}
	var table struct {
		Rows  []map[string]any
		Total map[string]any
	}
	if err := json.Unmarshal([]byte(p.ok(t, "table", "execution", "--fund", "f", "--year", "2022", "--format", "json")), &table); err != nil {
		t.Fatal(err)
	}
	for _, row := range append(table.Rows, table.Total) {
		line := fmt.Sprint(row["line"])
		if row["lapsed"] != amount(lapsed[line]*100) || row["committed"] != "0.00" || (line == "0" || !fund) && row["available"] != "0.00" {
			t.Errorf("line %s lapsed %v, available %v, committed %v; want %d\n%v", line, row["lapsed"], row["available"], row["committed"], lapsed[line], args)
		}
	}
	if table.Total["carried_out"] != amount(100*(sum(carried)+lots["L1"])) {
		t.Errorf("carried out %v, want %v and lot %d", table.Total["carried_out"], carried, lots["L1"])
	}
	for _, line := range p.stored(t) {
		if strings.Contains(line, `"kind":"year-closed"`) && strings.Contains(line, "leaf-not-zero") && !fund {
			t.Errorf("something is left on a line: %s", line)
		}
	}
}

func sum(of map[string]int64) (all int64) {
	for _, a := range of {
		all += a
	}
	return all
}

// TestManyLines: a year that takes more commands than can stand or fall together says so and closes by its file, or undivided.
func TestManyLines(t *testing.T) {
	t.Parallel()
	var given strings.Builder
	given.WriteString(`{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"x","lines":[]}` + "\n")
	for n := range ledger.MaxBlockEvents {
		fmt.Fprintf(&given, `{"kind":"line-added","fund":"f","year":2022,"line":"L%d","name":"a"}`+"\n", n)
		fmt.Fprintf(&given, `{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"L%d","amount":"1","stage":"original"}`+"\n", n)
	}
	p := onFolder(t)
	p.append(t, given.String())
	file := filepath.Join(t.TempDir(), "close.jsonl")
	before := len(p.stored(t))
	got := p.run(t, "close", "--fund", "f", "--year", "2022", "--yes", "--commands", file)
	if got.code != exitRefused || got.out != "" || !strings.Contains(got.err, "1,001") && !strings.Contains(got.err, "1001") {
		t.Fatalf("exit %d\n%s%s", got.code, got.out, got.err)
	}
	if n := len(p.stored(t)); n != before {
		t.Fatalf("it has stored %d events", n-before)
	}
	p.ok(t, "close", "--fund", "f", "--year", "2022", "--dry-run", "--lapse", "fund")
	p.ok(t, "append", file)
	if got := p.run(t, "close", "--fund", "f", "--year", "2022", "--yes"); got.code != exitRefused || len(p.stored(t)) != before+ledger.MaxBlockEvents+1 {
		t.Errorf("exit %d after %d events\n%s", got.code, len(p.stored(t))-before, got.err)
	}
}

// TestCommandsForReview: what close writes for review is what it appends, and so is what append takes of the file.
func TestCommandsForReview(t *testing.T) {
	t.Parallel()
	const year = `{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"x","lines":[{"code":"1","name":"a"}]}
{"id":"b","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"100","stage":"original"}
`
	file := filepath.Join(t.TempDir(), "close.jsonl")
	ask := []string{"close", "--fund", "f", "--year", "2022", "--carry", "1=30:水利:修渠"}
	p, q := onFolder(t), onFolder(t)
	p.append(t, year)
	q.append(t, year)
	p.ok(t, append(slices.Clone(ask), "--dry-run", "--commands", file)...)
	if n := len(p.stored(t)); n != 2 {
		t.Fatalf("a dry run has stored %d events", n-2)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out := p.ok(t, append(slices.Clone(ask), "--dry-run", "--commands", "-")...); out != string(data) {
		t.Errorf("- prints\n%s, the file has\n%s", out, data)
	}
	for range 2 { // the second time it is a duplicate
		if got := p.run(t, "append", "--atomic", file); got.code != exitOK {
			t.Fatalf("exit %d\n%s%s", got.code, got.out, got.err)
		}
	}
	q.ok(t, append(slices.Clone(ask), "--yes")...)
	if a, b := len(p.stored(t)), len(q.stored(t)); a != 5 || b != 5 {
		t.Fatalf("%d and %d events, want 5", a, b)
	}
	for _, name := range []string{"execution", "budget"} {
		a := p.ok(t, "table", name, "--fund", "f", "--year", "2022", "--format", "csv", "--known-at", "5")
		b := q.ok(t, "table", name, "--fund", "f", "--year", "2022", "--format", "csv", "--known-at", "5")
		cut := func(s string) (out []string) { // the first columns, without what tells of the log
			for line := range strings.Lines(s) {
				out = append(out, strings.Join(strings.Split(line, ",")[:20], ","))
			}
			return out
		}
		if !slices.Equal(cut(a), cut(b)) {
			t.Errorf("%s appended from the file\n%s\nby close\n%s", name, a, b)
		}
	}
}
