package reference

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// published are the cells of the report's two tables, in 万元: budget and spending of each line.
var published = map[string][2]string{
	"1.1": {"2000", "1738.7"}, "1.2": {"940", "940"}, "1.3": {"2300", "1714.42"}, "1.4": {"500", "412.88"}, "1.5": {"500", "450"},
	"1.6": {"600", "430"}, "1.7": {"80", "80"}, "2.1.1": {"600", "660"}, "2.1.2": {"450", "384"}, "2.1.3": {"200", "201"},
	"2.1.4": {"350", "439"}, "2.1.5": {"200", "203"}, "2.2": {"800", "761.89"}, "2.3": {"100", "98"}, "2.4": {"160", "86.82"},
	"2.5": {"220", "107"}, "2.6": {"0", "1100.46"},
}

func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func commands(t *testing.T) (out []map[string]any) {
	t.Helper()
	data, err := Commands("")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 65_535)
	for lines.Scan() {
		var c map[string]any
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if lines.Err() != nil || len(out) < 100 {
		t.Fatalf("read %d commands, %v", len(out), lines.Err())
	}
	return out
}

// TestCellsArePublished adds the commands up, with arithmetic of its own, to the cells of the published tables.
func TestCellsArePublished(t *testing.T) {
	t.Parallel()
	wan := big.NewRat(1, 10_000)
	budget, spent, basis := map[string]*big.Rat{}, map[string]*big.Rat{}, map[string]*big.Rat{}
	add := func(m map[string]*big.Rat, k string, a *big.Rat) {
		if m[k] == nil {
			m[k] = new(big.Rat)
		}
		m[k].Add(m[k], a)
	}
	for _, c := range commands(t) {
		if c["year"] != 2022.0 {
			continue
		}
		switch c["kind"] {
		case "appropriated":
			add(budget, c["line"].(string), rat(t, c["amount"].(string)).Mul(rat(t, c["amount"].(string)), wan))
		case "disbursed":
			a := new(big.Rat).Mul(rat(t, c["amount"].(string)), wan)
			add(spent, c["line"].(string), a)
			add(basis, c["basis"].(string), a)
		}
	}
	for line, cells := range published {
		for i, m := range []map[string]*big.Rat{budget, spent} {
			got := m[line]
			if got == nil {
				got = new(big.Rat)
			}
			if got.Cmp(rat(t, cells[i])) != 0 {
				t.Errorf("line %s: the commands give %s, published is %s", line, got.FloatString(4), cells[i])
			}
		}
	}
	if len(spent) != len(published) {
		t.Errorf("money was spent on %d lines, published are %d", len(spent), len(published))
	}
	for kind, want := range map[string]string{"stated": "5499.58", "inferred": "4307.59"} {
		if basis[kind].Cmp(rat(t, want)) != 0 {
			t.Errorf("%s: the commands give %s, want %s", kind, basis[kind].FloatString(4), want)
		}
	}
}

func TestIdsAreUniqueAndReferencesComeLater(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, c := range commands(t) {
		id, _ := c["id"].(string)
		if id == "" || slices.Contains(seen, id) {
			t.Errorf("id %q is empty or used twice", id)
		}
		for _, field := range []string{"sum_of", "quotient_of"} {
			refs, _ := c[field].([]any)
			for _, r := range refs {
				if !slices.Contains(seen, strings.TrimPrefix(r.(string), "-")) {
					t.Errorf("%s names %v before it is there", id, r)
				}
			}
		}
		seen = append(seen, id)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if got := Names(); !slices.Equal(got, []string{"cd-gx"}) {
		t.Errorf("Names() = %v", got)
	}
	if _, err := Commands("other"); err == nil {
		t.Error("a sample that is not there was found")
	}
}
