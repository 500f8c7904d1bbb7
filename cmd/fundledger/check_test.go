package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// contradictions are what stated figures of money and points can show of the report's, by their numbers in reference/SOURCES.md: class, stated and recomputed,
// as the report has them; amounts in 万元. A row is known by its id, or where no event began it by its line.
var contradictions = []struct{ row, id, line, class, stated, computed string }{
	{"C01", "said-score-output", "", "error", "25.7", "29.2"},
	{"C02", "said-park-growth", "", "error", "11.6", "8.4"},
	{"C06", "said-text-1.3", "1.3", "unexplained", "1484", "1714.42"},
	{"C07", "said-2.6-named", "2.6", "unexplained", "882", "1100.46"},
	{"C08", "said-directly-paid", "0", "unexplained", "9545.35", "9807.17"},
	{"C09", "said-directly-paid-less-deduction", "", "error", "9545.35", "9205.17"},
	{"C10", "rest-2.1.1", "2.1.1", "breach", "600", "660"},
	{"C11", "rest-2.1.3", "2.1.3", "breach", "200", "201"},
	{"C12", "rest-2.1.4", "2.1.4", "breach", "350", "439"},
	{"C13", "rest-2.1.5", "2.1.5", "breach", "200", "203"},
	{"C14", "", "2.1", "breach", "1800", "1887"},
	{"C15", "pay-2.6-deduction", "2.6", "breach", "0", "1100.46"}, // what moved, with C10 to C13
	{"C15", "", "2", "breach", "3080", "4041.17"},
	{"C17", "said-parks-named", "1.6", "unexplained", "250", "430"},
	{"C20", "said-baijiu-target", "", "error", "1", "2"},
	{"C28", "rest-2.5", "2.5", "unexplained", "0", "107"},
}

// A checkRow is a row of check in JSON.
type checkRow struct {
	ID, Line, Class, Stated, Computed, Difference, Unit, Words string
	Events                                                     []int
}

func checkRows(t *testing.T, out string) []checkRow {
	t.Helper()
	var sheet struct {
		Fund string
		Year int
		Rows []checkRow
	}
	if err := json.Unmarshal([]byte(out), &sheet); err != nil || sheet.Fund != "cd-gx" {
		t.Fatalf("%v: %s", err, out)
	}
	return sheet.Rows
}

func TestCheckFindsTheContradictionsOfTheReport(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	got := p.run(t, "check", "--fund", "cd-gx", "--year", "2022", "--format", "json")
	if got.code != exitRefused || got.err != "" {
		t.Errorf("exit %d, %s", got.code, got.err)
	}
	rows := checkRows(t, got.out)
	for _, want := range contradictions {
		i := slices.IndexFunc(rows, func(r checkRow) bool { return r.ID == want.id && (want.id != "" || r.Line == want.line) })
		if i < 0 {
			t.Errorf("%s is not found", want.row)
			continue
		}
		r := rows[i]
		rows = slices.Delete(rows, i, i+1)
		stated, computed := want.stated, want.computed
		if r.Unit == "yuan" { // the ledger's own amounts
			stated, computed = fen(t, stated, 4), fen(t, computed, 4)
		}
		if r.Class != want.class || r.Line != want.line || r.Stated != stated || r.Computed != computed {
			t.Errorf("%s is %+v, want %+v", want.row, r, want)
		}
		if minor(t, r.Computed)-minor(t, r.Stated) != minor(t, r.Difference) {
			t.Errorf("%s: %s - %s is not %s", want.row, r.Computed, r.Stated, r.Difference)
		}
		if len(r.Events) == 0 || !slices.IsSorted(r.Events) || r.Words == "" {
			t.Errorf("%s names the events %v and says %q", want.row, r.Events, r.Words)
		}
	}
	if len(rows) > 0 {
		t.Errorf("what nobody contradicts is found: %+v", rows)
	}
}

// TestCheckEverywhere: the same rows in every format and language, before the report was written and after.
func TestCheckEverywhere(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	args := []string{"check", "--fund", "cd-gx", "--year", "2022"}
	run := func(code int, more ...string) string {
		t.Helper()
		got := p.run(t, append(args, more...)...)
		if got.code != code {
			t.Errorf("%v: exit %d, want %d: %s", more, got.code, code, got.err)
		}
		return got.out
	}
	rows := checkRows(t, run(exitRefused, "--format", "json"))
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(run(exitRefused, "--format", "csv", "--lang", "en"), "\ufeff"))).ReadAll()
	if err != nil || len(records) != len(rows)+1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, r := range rows {
		cells := []string{r.ID, r.Class, r.Stated, r.Computed, r.Difference, r.Unit, r.Line}
		if !slices.Equal(records[i+1][:7], cells) {
			t.Errorf("CSV has %v, JSON %v", records[i+1], cells)
		}
	}
	for lang, want := range map[string]string{
		"zh": "核对报告数 102 项；已说明而不列的 0 项；查出：错误 4 项，违规 7 项，未说明 5 项，尾差 0 项",
		"en": "stated figures looked at: 102; explained and so not listed: 0; found: errors 4, breaches 7, unexplained 5, rounding 0",
	} {
		text := run(exitRefused, "--lang", lang)
		if !strings.Contains(text, want) || strings.Contains(text, "check.") || strings.Contains(text, "{{") {
			t.Errorf("%s:\n%s", lang, text)
		}
		for _, r := range rows {
			if r.ID != "" && !strings.Contains(text, r.ID) {
				t.Errorf("%s: the text lacks %s", lang, r.ID)
			}
		}
	}
	// Before the report was written there was nothing to compare, and dates play no part in exceptions.
	for _, r := range checkRows(t, run(exitRefused, "--format", "json", "--as-of", "2022-12-31")) {
		if strings.HasPrefix(r.ID, "said-") {
			t.Errorf("%s was not yet stated", r.ID)
		}
	}
	if rows := checkRows(t, run(exitOK, "--format", "json", "--known-at", "19")); len(rows) != 0 {
		t.Errorf("as known at 19: %+v", rows)
	}
	if got := p.run(t, "check", "--fund", "cd-gx", "--year", "2030"); got.code != exitUsage || got.out != "" {
		t.Errorf("a year that is not there: exit %d, %s", got.code, got.out)
	}
}

// TestCheckEndsWellOnceAllIsExplained: what stays unexplained stops nobody, errors and breaches do until they are explained.
func TestCheckEndsWellOnceAllIsExplained(t *testing.T) {
	t.Parallel()
	p := referenceFund(t)
	check := func() outcome { return p.run(t, "check", "--fund", "cd-gx", "--year", "2022", "--format", "json") }
	var explain strings.Builder
	for _, c := range contradictions {
		switch {
		case c.class == "error":
			fmt.Fprintf(&explain, `{"kind":"explained","fund":"cd-gx","year":2022,"of":%q,"text":"已核实"}`+"\n", c.id)
		case c.class == "breach" && c.id != "":
			fmt.Fprintf(&explain, `{"kind":"explained","fund":"cd-gx","year":2022,"line":%q,"measure":"available","text":"已补办调剂"}`+"\n", c.line)
		}
	}
	p.append(t, explain.String())
	got := check()
	rows := checkRows(t, got.out)
	if got.code != exitOK || len(rows) != 5 || slices.ContainsFunc(rows, func(r checkRow) bool { return r.Class != "unexplained" }) {
		t.Errorf("exit %d, %+v", got.code, rows)
	}
}
