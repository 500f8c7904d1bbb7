package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fundledger/events/proof"
)

// spending is the spending table of the published report: code, budget, spent, unspent (ten thousand yuan), rate. An empty cell is empty there.
const spending = `0,10000,9807.17,192.83,98.07
1,6920,5766,1154,83.32
1.1,2000,1738.7,261.3,86.94
1.2,940,940,0,100.00
1.3,2300,1714.42,585.58,74.54
1.4,500,412.88,87.12,82.58
1.5,500,450,50,90.00
1.6,600,430,170,71.67
1.7,80,80,0,100.00
2,3080,4041.17,-961.17,131.21
2.1,1800,1887,-87,104.83
2.1.1,600,660,-60,110.00
2.1.2,450,384,66,85.33
2.1.3,200,201,-1,100.50
2.1.4,350,439,-89,125.43
2.1.5,200,203,-3,101.50
2.2,800,761.89,38.11,95.24
2.3,100,98,2,98.00
2.4,160,86.82,73.18,54.26
2.5,220,107,113,48.64
2.6,,1100.46,-1100.46,`

// A cells is one line of an execution table: original budget, spent, available and rate; "" is null.
type cells struct{ original, spent, available, rate string }

// published is the report's table in yuan.
func published(t *testing.T) map[string]cells {
	t.Helper()
	all := map[string]cells{}
	for line := range strings.Lines(spending) {
		f := strings.Split(strings.TrimSpace(line), ",")
		c := cells{fen(t, f[1], 4), fen(t, f[2], 4), fen(t, f[3], 4), f[4]}
		if f[0] == "0" { // 42.83 was taken back and 150 carried over
			c.available = "0.00"
		}
		all[f[0]] = c
	}
	return all
}

// fen writes an amount with two decimals, moved by so many places; "" is zero.
func fen(t *testing.T, s string, places int) string {
	t.Helper()
	n := minor(t, s)
	for range places {
		n *= 10
	}
	return amount(n)
}

func minor(t *testing.T, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil || len(frac) > 2 {
		t.Fatalf("%q is no amount", s)
	}
	return n
}

func amount(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// referenceFund is a folder with the reference fund. Its first half was recorded on one day and the rest on the next.
func referenceFund(t *testing.T) *program {
	t.Helper()
	p := onFolder(t)
	lines := slices.Collect(strings.Lines(sample()))
	p.append(t, strings.Join(lines[:17], ""))
	p.now = func() time.Time { return today.Add(24 * time.Hour) }
	p.append(t, strings.Join(lines[17:], ""))
	return p
}

// A table is a table in JSON, with the names of its members in the order in which they stand.
type table struct {
	members []string
	at      map[string]json.RawMessage
}

func object(t *testing.T, text []byte) table {
	t.Helper()
	o := table{at: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("no object: %.100s", text)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		o.members = append(o.members, name.(string))
		if o.at[name.(string)] != nil {
			t.Errorf("the member %s occurs twice", name)
		}
		o.at[name.(string)] = v
	}
	return o
}

func (o table) text(t *testing.T, name string) string {
	t.Helper()
	v, ok := o.at[name]
	if !ok {
		t.Fatalf("there is no %s in %v", name, o.members)
	}
	if string(v) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return string(v)
	}
	return s
}

func (o table) list(t *testing.T, name string) (all []table) {
	t.Helper()
	var vs []json.RawMessage
	if err := json.Unmarshal(o.at[name], &vs); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, v := range vs {
		all = append(all, object(t, v))
	}
	return all
}

func (o table) wantMembers(t *testing.T, what, want string) {
	t.Helper()
	if got := strings.Join(o.members, " "); got != want {
		t.Errorf("the members of %s are\n%s, want\n%s", what, got, want)
	}
}

func ask(t *testing.T, p *program, args ...string) table {
	t.Helper()
	return object(t, []byte(p.ok(t, append(args, "--fund", "cd-gx", "--format", "json")...)))
}

const measures = "original supplementary reallocated carried_in adjusted allotted disbursed returned spent committed lapsed carried_out available " +
	"confirmed in_transit recovered suspense rate"

func TestReferenceExecution(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	got := ask(t, p, "table", "execution", "--year", "2022")
	got.wantMembers(t, "the table", "fund year as_of known_at root basis currency denominator rows total lots uncertain flags")
	object(t, got.at["known_at"]).wantMembers(t, "known_at", "seq recorded")
	want := published(t)
	rows := got.list(t, "rows")
	if len(rows) != len(want)-1 {
		t.Fatalf("%d lines, want %d", len(rows), len(want)-1)
	}
	var order []string
	for _, r := range rows {
		r.wantMembers(t, "a line", "line parent depth leaf name name_en "+measures)
		line := r.text(t, "line")
		order = append(order, line)
		if c := (cells{r.text(t, "original"), r.text(t, "spent"), r.text(t, "available"), r.text(t, "rate")}); c != want[line] {
			t.Errorf("line %s is %v, published is %v", line, c, want[line])
		}
		if spent, parts := r.text(t, "spent"), minor(t, r.text(t, "disbursed"))-minor(t, r.text(t, "returned")); spent != amount(parts) {
			t.Errorf("line %s: spent %s is not disbursed less returned", line, spent)
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("the lines stand as %v", order)
	}
	total := object(t, got.at["total"])
	total.wantMembers(t, "the total", "line "+measures+" own")
	for name, want := range map[string]string{
		"line": "0", "original": "100000000.00", "spent": "98071700.00", "rate": "98.07", "lapsed": "428300.00", "carried_out": "1500000.00",
		"available": "0.00", "own": `{"lapsed":"428300.00","carried_out":"1500000.00"}`,
	} {
		if got := total.text(t, name); got != want {
			t.Errorf("%s of the total is %s, want %s", name, got, want)
		}
	}
	over := map[string]string{}
	for _, f := range got.list(t, "flags") {
		over[f.text(t, "line")] = f.text(t, "amount")
		if f.text(t, "code") != "over-budget" {
			t.Errorf("flag %s", f.text(t, "code"))
		}
	}
	wantOver := map[string]string{"2.1.1": "600000.00", "2.1.3": "10000.00", "2.1.4": "890000.00", "2.1.5": "30000.00", "2.6": "11004600.00"}
	if fmt.Sprint(over) != fmt.Sprint(wantOver) {
		t.Errorf("over budget are %v, want %v", over, wantOver)
	}
	exceptions := map[string]string{}
	for _, e := range ask(t, p, "table", "exceptions", "--year", "2022").list(t, "rows") {
		e.wantMembers(t, "an exception", "code line seq amount since message")
		exceptions[e.text(t, "line")] = e.text(t, "amount")
	}
	if fmt.Sprint(exceptions) != fmt.Sprint(wantOver) {
		t.Errorf("the exceptions are %v, want %v", exceptions, wantOver)
	}
	for _, pay := range ask(t, p, "table", "payments", "--year", "2022").list(t, "rows") {
		pay.wantMembers(t, "a payment", "seq id line date amount left channel basis voucher payee lot bank")
	}
}

func TestReferenceNextYear(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	got := ask(t, p, "table", "execution", "--year", "2023")
	lots := got.list(t, "lots")
	want := [][2]string{{"CO-2022-1", "500000.00 500000.00 0.00 100.00 2022 2023-12-31"}, {"CO-2022-2", "1000000.00 0.00 1000000.00 0.00 2022 2023-12-31"}}
	if len(lots) != len(want) {
		t.Fatalf("%d lots, want %d", len(lots), len(want))
	}
	for i, l := range lots {
		l.wantMembers(t, "a lot", "lot line purpose from_year amount spent committed lapsed rescinded carried_out left rate expires")
		var is []string
		for name := range strings.FieldsSeq("amount spent left rate from_year expires") {
			is = append(is, l.text(t, name))
		}
		if l.text(t, "lot") != want[i][0] || strings.Join(is, " ") != want[i][1] {
			t.Errorf("lot %s is %v, want %v", l.text(t, "lot"), is, want[i])
		}
	}
	total := object(t, got.at["total"])
	for name, want := range map[string]string{"carried_in": "1500000.00", "spent": "500000.00", "adjusted": "", "available": "", "rate": ""} {
		if got := total.text(t, name); got != want {
			t.Errorf("%s of 2023 is %q, want %q: its budget is not known", name, got, want)
		}
	}
	if flags := string(got.at["flags"]); !strings.Contains(flags, `"lot-expired"`) || !strings.Contains(flags, `"1000000.00"`) {
		t.Errorf("the lot that expired unspent is not among the flags %s", flags)
	}
}

func TestReferenceReport(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	log := parseEvents(t, p.stored(t))
	for year, want := range map[int]map[string]string{
		2022: {
			"original_budget": "100000000.00", "executable_budget": "100000000.00", "spent": "98071700.00", "execution_rate": "98.07", "lapsed": "428300.00",
			"carried_over": "1500000.00", "carried_in": "0.00", "spent_by_channel.lower-treasury": "41627000.00", "spent_by_channel.deduction": "6020000.00",
			"spent_by_basis.stated": "54995800.00", "spent_by_basis.inferred": "43075900.00", "recovered": "0.00", "spent_as_amended": "98071700.00",
		},
		2023: {
			"carried_in": "1500000.00", "executable_budget": "", "execution_rate": "", "spent": "500000.00", "lots.amount": "1500000.00", "lots.spent": "500000.00",
			"lots.left": "1000000.00", "lots.rate": "33.33", "lots.CO-2022-1.rate": "100.00", "lots.CO-2022-2.rate": "0.00", "lots.CO-2022-2.left": "1000000.00",
			"lots.CO-2022-1.amount": "500000.00", "lots.CO-2022-1.spent": "500000.00", "lots.CO-2022-1.left": "0.00", "lots.CO-2022-2.amount": "1000000.00", "lots.CO-2022-2.spent": "0.00",
		},
	} {
		t.Run(strconv.Itoa(year), func(t *testing.T) {
			got := ask(t, p, "report", "--year", strconv.Itoa(year))
			got.wantMembers(t, "the report", "fund year as_of known_at root basis currency denominator figures")
			figures := object(t, got.at["figures"])
			for name := range strings.FieldsSeq("original_budget carried_in executable_budget spent execution_rate lapsed carried_over recovered spent_as_amended " +
				"spent_by_channel.payment spent_by_channel.lower-treasury spent_by_channel.deduction spent_by_channel.conversion spent_by_channel.unstated " +
				"spent_by_basis.voucher spent_by_basis.stated spent_by_basis.inferred spent_by_basis.assumed lots.amount lots.spent lots.left lots.rate") {
				if figures.at[name] == nil {
					t.Errorf("the figure %s is missing", name)
				}
			}
			for name, want := range want {
				if got := object(t, figures.at[name]).text(t, "value"); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			for _, name := range figures.members {
				f := object(t, figures.at[name])
				f.wantMembers(t, name, "value unit formula words terms events")
				if w := f.text(t, "words"); w == "" || strings.Contains(w, "figure.") || strings.Contains(w, "<no value>") {
					t.Errorf("%s says %q", name, w)
				}
				addUp(t, year, name, f, log)
			}
		})
	}
}

// addUp takes only the events that a figure names, adds their postings up to the figure's terms, and the terms to its value.
func addUp(t *testing.T, year int, name string, f table, log []event) {
	t.Helper()
	var seqs []int
	if err := json.Unmarshal(f.at["events"], &seqs); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(seqs) || len(slices.Compact(slices.Clone(seqs))) != len(seqs) {
		t.Errorf("%s: the events %v are not in order", name, seqs)
	}
	value := f.text(t, "value")
	if value != "" && value != "0.00" && len(seqs) == 0 {
		t.Errorf("%s is %s out of no events", name, value)
	}
	// What of a posting the figure is about.
	part := func(p posting) bool {
		first, rest, _ := strings.Cut(name, ".")
		switch {
		case p.Year != year:
			return false
		case first == "spent_by_channel":
			return p.Channel == rest
		case first == "spent_by_basis":
			return p.Basis == rest
		case first == "lots":
			lot, _, one := strings.Cut(rest, ".")
			return p.Lot != "" && (!one || p.Lot == lot)
		}
		return true
	}
	sum := map[string]int64{}
	for _, n := range seqs {
		used := false
		for _, p := range log[n-1].Data.Postings {
			if part(p) {
				sum[p.Measure] += minor(t, p.Amount)
				used = true
			}
		}
		if !used {
			t.Errorf("%s names event %d, which does not touch it", name, n)
		}
	}
	sum["spent"] = sum["disbursed"] - sum["returned"]
	sum["adjusted"] = sum["original"] + sum["supplementary"] + sum["reallocated"] + sum["carried_in"]
	sum["amount"], sum["rescinded"] = sum["carried_in"], -sum["supplementary"]
	sum["recovered_later"] = 0
	terms := object(t, f.at["terms"])
	for _, term := range terms.members {
		if year == 2023 && term == "adjusted" { // nobody knows the budgets of that year
			if got := terms.text(t, term); got != "" {
				t.Errorf("%s: the term %s is %s, want null", name, term, got)
			}
			continue
		}
		n, ok := sum[term]
		if !ok && minor(t, terms.text(t, term)) == 0 {
			continue
		}
		if got := terms.text(t, term); got != amount(n) {
			t.Errorf("%s: the term %s is %s; the postings of events %v come to %s", name, term, got, seqs, amount(n))
		}
		if !strings.Contains(f.text(t, "formula"), term) {
			t.Errorf("%s: the term %s is not in the formula %s", name, term, f.text(t, "formula"))
		}
	}
	if value == "" {
		return
	}
	if got := calculate(t, f.text(t, "formula"), terms); got != value {
		t.Errorf("%s: %s of %s comes to %s, the value is %s", name, f.text(t, "formula"), f.at["terms"], got, value)
	}
}

// calculate does what a formula says: terms added and subtracted, or one divided by another in percent, half up.
func calculate(t *testing.T, formula string, terms table) string {
	t.Helper()
	if over, under, ok := strings.Cut(formula, " / "); ok {
		a, b := minor(t, terms.text(t, over)), minor(t, terms.text(t, under))
		return amount((a*100*100*2 + b) / (b * 2))
	}
	var n, sign int64 = 0, 1
	for word := range strings.FieldsSeq(formula) {
		switch word {
		case "+":
			sign = 1
		case "-":
			sign = -1
		default:
			n += sign * minor(t, terms.text(t, word))
		}
	}
	return amount(n)
}

func TestReferenceAsOf(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	got := ask(t, p, "table", "execution", "--year", "2022", "--as-of", "2022-06-30")
	total := object(t, got.at["total"])
	if got.text(t, "as_of") != "2022-06-30" || total.text(t, "spent") != "14840000.00" || total.text(t, "lapsed") != "0.00" {
		t.Errorf("as of %s %s are spent and %s lapsed; only the payment of April counts", got.text(t, "as_of"), total.text(t, "spent"), total.text(t, "lapsed"))
	}
	var open int64
	for _, u := range got.list(t, "uncertain") {
		u.wantMembers(t, "what is uncertain", "seq line measure date amount")
		if u.text(t, "date") != "2022" {
			t.Errorf("uncertain is a posting of %s", u.text(t, "date"))
		}
		open += minor(t, u.text(t, "amount"))
	}
	var whole int64 // every payment of which no more is known than the year
	for _, e := range parseEvents(t, p.stored(t)) {
		for _, po := range e.Data.Postings {
			if po.Year == 2022 && po.Date == "2022" && po.Measure == "disbursed" {
				whole += minor(t, po.Amount)
			}
		}
	}
	if open != whole || whole == 0 {
		t.Errorf("uncertain is %s, of the year without a month are %s", amount(open), amount(whole))
	}
	if rows := got.list(t, "rows"); len(rows) != 20 {
		t.Errorf("%d lines: a business date never hides one", len(rows))
	}
}

func TestReferenceKnownAt(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	lines := p.stored(t)
	last := strconv.Itoa(len(lines))
	roots := []string{""} // of the first so many events
	var tree proof.Tree
	for _, line := range lines {
		tree.Append(proof.Leaf([]byte(line)))
		roots = append(roots, tree.Root().String())
	}
	recorded := object(t, ask(t, p, "table", "execution", "--year", "2022", "--known-at", "19").at["known_at"]).text(t, "recorded")
	for _, test := range []struct{ knownAt, seq, original, spent string }{
		{"16", "16", "97800000.00", "0.00"},
		{"17", "17", "100000000.00", "0.00"},
		{"19", "19", "100000000.00", "14840000.00"},
		{last, last, "100000000.00", "98071700.00"},
		{"2026-01-02", "17", "100000000.00", "0.00"}, // the end of that day in Changde
		{"2026-01-03", last, "100000000.00", "98071700.00"},
		{"2030-01-01", last, "100000000.00", "98071700.00"},
		{recorded, "19", "100000000.00", "14840000.00"},
		{"2026-01-03T03:04:04Z", "17", "100000000.00", "0.00"},
		{"2026-01-03T11:04:05+08:00", "18", "100000000.00", "0.00"},
	} {
		got := ask(t, p, "table", "execution", "--year", "2022", "--known-at", test.knownAt)
		total := object(t, got.at["total"])
		seq := object(t, got.at["known_at"]).text(t, "seq")
		if n, err := strconv.Atoi(seq); err != nil || got.text(t, "root") != roots[n] {
			t.Errorf("known at %s: the root is %s, of %s events it is %s", test.knownAt, got.text(t, "root"), seq, roots[n])
		}
		if seq != test.seq || total.text(t, "original") != test.original || total.text(t, "spent") != test.spent {
			t.Errorf("known at %s: event %s, %s and %s spent; want %s, %s and %s", test.knownAt, seq, total.text(t, "original"), total.text(t, "spent"), test.seq, test.original, test.spent)
		}
	}
	// What was known at a number stays as it was printed, whatever is entered later.
	before := p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022", "--known-at", last)
	if p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022") != before {
		t.Error("what is known now is printed otherwise when the last event is named")
	}
	p.append(t, more)
	if p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022", "--known-at", last) != before {
		t.Error("a table is printed otherwise after something was added to the log")
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	for _, args := range [][]string{
		{"--fund", "cd-gx", "--year", "2022", "--known-at", "1000"},
		{"--fund", "cd-gx", "--year", "2022", "--known-at", "2020-01-01"},
		{"--fund", "cd-gx", "--year", "2022", "--known-at", "2020-01-01T00:00:00Z"},
		{"--fund", "cd-gx", "--year", "2023", "--known-at", "17"}, // not open yet
		{"--fund", "cd-gx", "--year", "2030"},
		{"--fund", "cd-xx", "--year", "2022"},
	} {
		for _, command := range [][]string{{"table", "execution"}, {"table", "exceptions"}, {"report"}} {
			for _, lang := range []string{"en", "zh"} {
				got := p.run(t, append(append(command, args...), "--lang", lang)...)
				if got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") || strings.Contains(got.err, "<no value>") {
					t.Errorf("%v: exit %d, %q, %q", args, got.code, got.out, got.err)
				}
			}
		}
	}
	for _, args := range [][]string{
		{"--fund", "cd-gx", "--from", "1000"},
		{"--fund", "cd-gx", "--to", "1000"},
		{"--fund", "cd-gx", "--year", "2030"},
		{"--fund", "cd-gx", "--line", "9"},
		{"--fund", "cd-gx", "--year", "2023", "--line", "1.1"},
		{"--fund", "cd-xx"},
	} {
		if got := p.run(t, append([]string{"events"}, args...)...); got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") {
			t.Errorf("events %v: exit %d, %d bytes, %q", args, got.code, len(got.out), got.err)
		}
	}
}

// grid reads the execution table in a format back into its cells, by line.
func grid(t *testing.T, p *program, format, unit, lang string) map[string]cells {
	t.Helper()
	out := p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022", "--format", format, "--unit", unit, "--lang", lang)
	names := map[string][]string{
		"en": {"line", "original", "spent", "available", "rate"},
		"zh": {"编码", "年初预算", "支出", "可用余额", "执行率"},
	}[lang]
	var rows [][]string
	if format == "csv" {
		text, ok := strings.CutPrefix(out, "\uFEFF")
		if !ok {
			t.Error("the CSV has no byte order mark, without which spreadsheets take Chinese for something else")
		}
		var err error
		if rows, err = csv.NewReader(strings.NewReader(text)).ReadAll(); err != nil {
			t.Fatal(err)
		}
	} else {
		rows = textRows(out)
		if lang == "en" {
			names = []string{"line", "original budget", "spent", "available", "rate"}
		}
	}
	if len(rows) == 0 {
		t.Fatalf("no table in\n%s", out)
	}
	var at []int
	for _, name := range names {
		i := slices.Index(rows[0], name)
		if i < 0 {
			t.Fatalf("there is no column %s in %q", name, rows[0])
		}
		at = append(at, i)
	}
	all := map[string]cells{}
	for _, r := range rows[1:] {
		if r[at[0]] == "" {
			continue
		}
		plain := func(i int) string {
			return strings.TrimSuffix(strings.ReplaceAll(strings.Trim(r[at[i]], "–"), ",", ""), "%")
		}
		all[r[at[0]]] = cells{plain(1), plain(2), plain(3), plain(4)}
	}
	return all
}

// textRows cuts the first table of a text into cells by the dashes below its heading.
func textRows(out string) (rows [][]string) {
	lines := strings.Split(out, "\n")
	rule := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "-----") })
	if rule < 0 {
		return nil
	}
	var bounds [][2]int
	for i := 0; i < len(lines[rule]); {
		end := i
		for end < len(lines[rule]) && lines[rule][end] == '-' {
			end++
		}
		bounds = append(bounds, [2]int{i, end})
		for i = end; i < len(lines[rule]) && lines[rule][i] == ' '; {
			i++
		}
	}
	cut := func(line string) []string {
		row := make([]string, len(bounds))
		col := 0
		for _, r := range line {
			for k, b := range bounds {
				if col >= b[0] && col < b[1] {
					row[k] += string(r)
				}
			}
			if col++; r >= 0x2E80 { // twice as wide
				col++
			}
		}
		for k := range row {
			row[k] = strings.TrimSpace(row[k])
		}
		return row
	}
	top := rule
	for top > 0 && lines[top-1] != "" {
		top--
	}
	heading := make([]string, len(bounds))
	for _, line := range lines[top:rule] {
		for k, word := range cut(line) {
			heading[k] = strings.TrimSpace(heading[k] + " " + word)
		}
	}
	rows = append(rows, heading)
	for _, line := range lines[rule+1:] {
		if line == "" {
			break
		}
		if !strings.HasPrefix(line, "-----") {
			rows = append(rows, cut(line))
		}
	}
	return rows
}

func TestEveryFormatSaysTheSame(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	yuan := published(t)
	wan := map[string]cells{}
	for line, c := range yuan {
		in := func(s string) string { return amount(minor(t, s) / 10000) }
		wan[line] = cells{in(c.original), in(c.spent), in(c.available), c.rate}
	}
	for _, format := range []string{"csv", "text"} {
		for _, lang := range []string{"en", "zh"} {
			for unit, want := range map[string]map[string]cells{"yuan": yuan, "wan": wan} {
				t.Run(strings.Join([]string{format, lang, unit}, " "), func(t *testing.T) {
					t.Parallel()
					got := grid(t, p, format, unit, lang)
					if format == "csv" { // has no total
						delete(got, "0")
					}
					for line, c := range want {
						if line == "0" && format == "csv" {
							continue
						}
						if got[line] != c {
							t.Errorf("line %s is %v, want %v", line, got[line], c)
						}
						delete(got, line)
					}
					if len(got) > 0 {
						t.Errorf("further lines %v", got)
					}
				})
			}
		}
	}
}

func TestOutFile(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	args := []string{"table", "execution", "--fund", "cd-gx", "--year", "2022", "--format", "csv"}
	want := p.ok(t, args...)
	file := filepath.Join(t.TempDir(), "out.csv")
	if out := p.ok(t, append(args, "--out", file)...); out != "" {
		t.Errorf("what goes to a file is printed too: %q", out)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("the file has %d bytes, %v; want %d", len(got), err, len(want))
	}
	// What cannot be answered leaves a file as it was.
	if got := p.run(t, append([]string{"table", "execution", "--fund", "cd-gx", "--year", "2030", "--format", "csv"}, "--out", file)...); got.code != exitUsage {
		t.Errorf("exit %d", got.code)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("a question without an answer took the file away: %d bytes, %v", len(got), err)
	}
	if got := p.run(t, append(args, "--out", filepath.Join(t.TempDir(), "none", "out.csv"))...); got.code == exitOK || got.out != "" || got.err == "" {
		t.Errorf("a file that cannot be made: exit %d, %q, %q", got.code, got.out, got.err)
	}
}
