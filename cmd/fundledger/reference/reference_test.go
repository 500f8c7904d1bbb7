package reference

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A cell is a line of the report's two tables: the group it stands in, its budget and what was spent, in 万元.
type cell struct{ parent, budget, spent string }

var published = map[string]cell{
	"0": {"", "10000", "9807.17"},
	"1": {"0", "6920", "5766"}, "1.1": {"1", "2000", "1738.7"}, "1.2": {"1", "940", "940"}, "1.3": {"1", "2300", "1714.42"},
	"1.4": {"1", "500", "412.88"}, "1.5": {"1", "500", "450"}, "1.6": {"1", "600", "430"}, "1.7": {"1", "80", "80"},
	"2": {"0", "3080", "4041.17"}, "2.1": {"2", "1800", "1887"}, "2.1.1": {"2.1", "600", "660"}, "2.1.2": {"2.1", "450", "384"},
	"2.1.3": {"2.1", "200", "201"}, "2.1.4": {"2.1", "350", "439"}, "2.1.5": {"2.1", "200", "203"},
	"2.2": {"2", "800", "761.89"}, "2.3": {"2", "100", "98"}, "2.4": {"2", "160", "86.82"}, "2.5": {"2", "220", "107"}, "2.6": {"2", "0", "1100.46"},
}

// fields are what a command of each kind may have here besides id, kind, fund, year, basis and note; those with a * it must have.
var fields = map[string]string{
	"fund-opened":   "name* name_en department budgeted lines",
	"line-added":    "line* name* parent name_en",
	"appropriated":  "date* mode line* amount* as_printed stage*",
	"disbursed":     "date* mode line* amount* as_printed channel* payee purpose lot documents",
	"clawed-back":   "date* mode cause* line* amount* as_printed counterparty",
	"carried-over":  "date* mode line* amount* as_printed lot* purpose* reason to_year*",
	"figure-stated": "date* mode name measure line value* unit* source* as_of denominator step sum_of quotient_of",
}

// A command is one line of the sample.
type command map[string]any

func (c command) text(field string) string {
	s, _ := c[field].(string)
	return s
}

func (c command) refs(field string) (ids []string) {
	list, _ := c[field].([]any)
	for _, v := range list {
		ids = append(ids, v.(string))
	}
	return ids
}

// wan is the command's amount in 万元.
func (c command) wan(t *testing.T) *big.Rat {
	t.Helper()
	return new(big.Rat).Quo(rat(t, c.text("amount")), rat(t, "10000"))
}

func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func commands(t *testing.T) (all []command) {
	t.Helper()
	data, err := Commands("")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		if len(line) > 65_000 {
			t.Errorf("a command is %d bytes long", len(line))
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, c)
	}
	return all
}

// sums adds amounts up under names.
type sums map[string]*big.Rat

func (s sums) add(name string, a *big.Rat) {
	if s[name] == nil {
		s[name] = new(big.Rat)
	}
	s[name].Add(s[name], a)
}

func (s sums) want(t *testing.T, name, want string) {
	t.Helper()
	got := s[name]
	if got == nil {
		got = new(big.Rat)
	}
	if got.Cmp(rat(t, want)) != 0 {
		t.Errorf("%s: the commands give %s, want %s", name, got.FloatString(4), want)
	}
}

// ledger adds the money of 2022 up, with arithmetic of its own: "original 1.3", "spent 1.3" and so on for every line and the groups above it.
func ledger(t *testing.T) sums {
	t.Helper()
	measures := map[string]string{"appropriated": "original ", "disbursed": "spent ", "clawed-back": "lapsed ", "carried-over": "carried_out "}
	all := sums{}
	for _, c := range commands(t) {
		measure := measures[c.text("kind")]
		if measure == "" || c["year"] != 2022.0 {
			continue
		}
		for line := c.text("line"); line != ""; line = published[line].parent {
			all.add(measure+line, c.wan(t))
		}
	}
	for line := range published {
		if b := all["original "+line]; b != nil {
			all.add("adjusted "+line, b)
		}
	}
	return all
}

func TestCellsArePublished(t *testing.T) {
	t.Parallel()
	money := ledger(t)
	below := map[string][]string{}
	for line, c := range published {
		money.want(t, "original "+line, c.budget)
		money.want(t, "spent "+line, c.spent)
		if c.parent != "" {
			below[c.parent] = append(below[c.parent], line)
		}
	}
	for group, lines := range below {
		budget, spent := sums{}, sums{}
		for _, line := range lines {
			budget.add(group, rat(t, published[line].budget))
			spent.add(group, rat(t, published[line].spent))
		}
		budget.want(t, group, published[group].budget)
		spent.want(t, group, published[group].spent)
	}
	money.want(t, "lapsed 0", "42.83")
	money.want(t, "carried_out 0", "150")
}

func TestLinesArePublished(t *testing.T) {
	t.Parallel()
	found := map[string]string{}
	for _, c := range commands(t) {
		lines, _ := c["lines"].([]any)
		if c.text("kind") == "line-added" {
			lines = append(lines, map[string]any{"code": c["line"], "parent": c["parent"], "name": c["name"], "name_en": c["name_en"]})
		}
		for _, v := range lines {
			l := command(v.(map[string]any))
			if l.text("name") == "" || l.text("name_en") == "" || (l["reserve"] == true) != (l.text("code") == "2.5") {
				t.Errorf("line %v", l)
			}
			parent := l.text("parent")
			if parent == "" {
				parent = "0"
			}
			found[l.text("code")] = parent
		}
	}
	want := map[string]string{}
	for line, c := range published {
		if line != "0" {
			want[line] = c.parent
		}
	}
	if !maps.Equal(found, want) {
		t.Errorf("the lines are %v, want %v", found, want)
	}
}

// TestHowMoneyIsKnown: what the report describes, what is a balancing figure, by which channel it went, and that no day is invented.
func TestHowMoneyIsKnown(t *testing.T) {
	t.Parallel()
	parts := sums{}
	for _, c := range commands(t) {
		if c.text("amount") == "" {
			continue
		}
		if c.text("mode") != "record" || c.text("basis") != "stated" && c.text("basis") != "inferred" {
			t.Errorf("%s: mode %q, basis %q", c.text("id"), c.text("mode"), c.text("basis"))
		}
		if !slices.Contains([]string{"2022", "2022-04", "2022-08-01/2022-12-31", "2022-09", "2022-12", "2023-02"}, c.text("date")) {
			t.Errorf("%s: the report has no date %s", c.text("id"), c.text("date"))
		}
		if printed := c.text("as_printed"); printed != "" && rat(t, strings.TrimSuffix(printed, "万元")).Cmp(c.wan(t)) != 0 {
			t.Errorf("%s: printed %s, amount %s", c.text("id"), printed, c.text("amount"))
		}
		name := c.text("kind")
		if lot := c.text("lot"); lot != "" {
			name += " " + lot
		}
		if c.text("kind") == "disbursed" && c["year"] == 2022.0 {
			parts.add(c.text("basis"), c.wan(t))
			name = c.text("channel")
		}
		parts.add(name, c.wan(t))
	}
	for name, want := range map[string]string{
		"stated": "5499.58", "inferred": "4307.59", "lower-treasury": "4162.7", "payment": "412.88", "deduction": "602", "unstated": "4629.59",
		"carried-over CO-2022-1": "50", "carried-over CO-2022-2": "100", "disbursed CO-2022-1": "50", "disbursed CO-2022-2": "0",
	} {
		parts.want(t, name, want)
	}
}

// TestCellsAreClaimed: each cell of the two tables also stands there as a stated figure.
func TestCellsAreClaimed(t *testing.T) {
	t.Parallel()
	claims := sums{}
	for _, c := range commands(t) {
		if table := command(asObject(c["source"])).text("table"); table == "专项资金细化预算安排表" || table == "支出对比情况表" {
			if c.text("unit") != "wan" {
				t.Errorf("%s is in %s", c.text("id"), c.text("unit"))
			}
			claims.add(c.text("measure")+" "+c.text("line"), rat(t, c.text("value")))
		}
	}
	for line, c := range published {
		claims.want(t, "original "+line, c.budget)
		claims.want(t, "spent "+line, c.spent)
	}
}

// contradictions are the stated figures that do not hold, and what they come to instead: of the figures that they name, or of the commands.
var contradictions = map[string]string{
	"said-score-output":  "29.2",
	"said-text-1.3":      "1714.42",
	"said-directly-paid": "9807.17",

	"said-2.6-named":                    "1100.46",
	"said-directly-paid-less-deduction": "9205.17",
	"said-parks-named":                  "430",
	"said-park-growth":                  "8.4",
	"said-baijiu-target":                "2",
}

// TestClaims recomputes every stated figure that says of what it is made, or which measure it is.
func TestClaims(t *testing.T) {
	t.Parallel()
	money, all, found := ledger(t), map[string]command{}, map[string]string{}
	compare := func(c command, computed *big.Rat) {
		places := 0
		if _, after, ok := strings.Cut(c.text("value"), "."); ok {
			places = len(after)
		}
		if computed.FloatString(places) != rat(t, c.text("value")).FloatString(places) {
			exact := strings.TrimRight(computed.FloatString(4), "0")
			found[c.text("id")] = strings.TrimSuffix(exact, ".")
		}
	}
	for _, c := range commands(t) {
		if c.text("kind") != "figure-stated" {
			continue
		}
		all[c.text("id")] = c
		value := func(id string) *big.Rat { return rat(t, all[id].text("value")) }
		if ids := c.refs("sum_of"); ids != nil {
			sum := new(big.Rat)
			for _, id := range ids {
				id, minus := strings.CutPrefix(id, "-")
				if all[id].text("unit") != c.text("unit") {
					t.Errorf("%s adds up %s in another unit", c.text("id"), id)
				}
				if minus {
					sum.Sub(sum, value(id))
				} else {
					sum.Add(sum, value(id))
				}
			}
			compare(c, sum)
		}
		if ids := c.refs("quotient_of"); ids != nil {
			q := new(big.Rat).Quo(value(ids[0]), value(ids[1]))
			if c.text("unit") == "%" {
				q.Mul(q, rat(t, "100"))
			}
			compare(c, q)
		}
		switch measure := c.text("measure"); measure {
		case "":
		case "rate":
			compare(c, new(big.Rat).Mul(new(big.Rat).Quo(money["spent 0"], money["adjusted 0"]), rat(t, "100")))
		default:
			got := money[measure+" "+c.text("line")]
			if got == nil {
				got = new(big.Rat)
			}
			compare(c, got)
		}
	}
	if !maps.Equal(found, contradictions) {
		t.Errorf("these do not hold: %v, want %v", found, contradictions)
	}
}

func TestCommandsHaveTheirFields(t *testing.T) {
	t.Parallel()
	for _, c := range commands(t) {
		known, ok := fields[c.text("kind")]
		if !ok || c.text("fund") != "cd-gx" || c["year"] != 2022.0 && c["year"] != 2023.0 {
			t.Errorf("%s: kind %s, fund %s, year %v", c.text("id"), c.text("kind"), c.text("fund"), c["year"])
		}
		names := strings.Fields("id kind fund year basis note " + known)
		for field := range c {
			if !slices.Contains(names, field) && !slices.Contains(names, field+"*") {
				t.Errorf("%s: the field %s", c.text("id"), field)
			}
		}
		for _, name := range names {
			if field, must := strings.CutSuffix(name, "*"); must && c[field] == nil {
				t.Errorf("%s: no %s", c.text("id"), field)
			}
		}
		if c.text("kind") == "figure-stated" && (c.text("measure") == "" && c.text("name") == "" || command(asObject(c["source"])).text("document") == "") {
			t.Errorf("%s: a figure without measure and name, or without its document", c.text("id"))
		}
	}
}

func asObject(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

func TestIDsAreUniqueAndReferencesPointBack(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	seen := map[string]bool{}
	for _, c := range commands(t) {
		id := c.text("id")
		if !form.MatchString(id) || seen[id] {
			t.Errorf("id %q is not readable or used twice", id)
		}
		for _, ref := range append(c.refs("sum_of"), c.refs("quotient_of")...) {
			if !seen[strings.TrimPrefix(ref, "-")] {
				t.Errorf("%s names %s before it is there", id, ref)
			}
		}
		seen[id] = true
	}
}

// TestPageCoversTheCommands: each id stands on the page, itself or by a pattern such as `rest-*`, and each that the page names is there.
func TestPageCoversTheCommands(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:open|budget|line|pay|rest|lapse|carry|said)-[a-z0-9.-]*\\*?)`").FindAllSubmatch(page, -1) {
		named[string(m[1])] = false
	}
	for _, c := range commands(t) {
		covered := false
		for name := range named {
			prefix, pattern := strings.CutSuffix(name, "*")
			if id := c.text("id"); id == name || pattern && strings.HasPrefix(id, prefix) {
				named[name], covered = true, true
			}
		}
		if !covered {
			t.Errorf("the page does not say where %s comes from", c.text("id"))
		}
	}
	for name, used := range named {
		if !used {
			t.Errorf("the page names %s, which is not there", name)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if got := Names(); !slices.Equal(got, []string{"cd-gx"}) {
		t.Errorf("Names() = %v", got)
	}
	byName, err := Commands("cd-gx")
	if first, _ := Commands(""); err != nil || !bytes.Equal(byName, first) {
		t.Errorf("cd-gx is not the first sample: %v", err)
	}
	if _, err := Commands("other"); err == nil {
		t.Error("a sample that is not there was found")
	}
}
