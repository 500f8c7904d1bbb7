package document

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/words"

	"pgregory.net/rapid"
)

// TestCode: what a code is written as is read as that code, and nothing else is one.
func TestCode(t *testing.T) {
	leaf, root := proof.Leaf([]byte("a")), proof.Leaf([]byte("b"))
	c := Code{"cd-gx", 17, leaf, root}
	want := "fundledger:cd-gx/17?leaf=" + base64.RawURLEncoding.EncodeToString(leaf[:]) + "&root=" + base64.RawURLEncoding.EncodeToString(root[:])
	if c.String() != want {
		t.Errorf("code %s, want %s", c, want)
	}
	rapid.Check(t, func(rt *rapid.T) {
		var c Code
		c.Fund = events.Fund(rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,20}[a-z0-9]`).Draw(rt, "fund"))
		c.Seq = events.Seq(rapid.Uint64Range(1, 1<<40).Draw(rt, "seq"))
		copy(c.Leaf[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "leaf"))
		copy(c.Root[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "root"))
		if got, err := ParseCode(c.String()); err != nil || got != c {
			rt.Fatalf("ParseCode(%s) = %v, %v", c, got, err)
		}
		// One character changed, left out or doubled is another code or none.
		text := c.String()
		at := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
		for _, other := range []string{text[:at] + text[at+1:], text[:at] + text[at:at+1] + text[at:], text[:at] + "=" + text[at+1:], text[:at] + "\x00" + text[at+1:]} {
			if other == text {
				continue
			}
			if got, err := ParseCode(other); err == nil && (got == c || got.String() != other) {
				rt.Fatalf("ParseCode(%q) is %v", other, got)
			}
		}
	})
	for _, bad := range []string{"", want + " ", strings.Replace(want, "/17", "/017", 1), strings.Replace(want, "/17", "/0", 1), strings.ToUpper(want), want[:len(want)-1], want + "="} {
		if _, err := ParseCode(bad); events.CodeOf(err) != events.BadValue {
			t.Errorf("ParseCode(%q): %v", bad, err)
		}
	}
}

// TestWords: both languages say the same, and nothing that is said is missing.
func TestWords(t *testing.T) {
	en, zh := Catalogue.Names(words.English), Catalogue.Names(words.Chinese)
	if !slices.Equal(en, zh) {
		t.Fatalf("names differ:\n%v\n%v", en, zh)
	}
	placeholder := regexp.MustCompile(`\{\{[^}]*\}\}`)
	for _, name := range en {
		e, z := Catalogue.Text(words.English, name), Catalogue.Text(words.Chinese, name)
		used := func(text string) []string {
			all := placeholder.FindAllString(text, -1)
			slices.Sort(all)
			return all
		}
		if !slices.Equal(used(e), used(z)) {
			t.Errorf("%s speaks of %v in English, of %v in Chinese", name, used(e), used(z))
		}
		if strings.TrimSpace(e) == "" || e == z {
			t.Errorf("%s is empty or the same in both languages", name)
		}
	}
	var code strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(data)
	}
	// Names that are put together.
	var made []string
	for _, k := range []events.Kind{events.Reversed, events.Reclassified, events.CommitmentReleased, events.AllotmentWithdrawn, events.ReceiptConfirmed, events.Amended, events.Explained, events.BankMatched} {
		made = append(made, "since."+string(k))
	}
	for _, c := range []events.Cause{events.Returned, events.Refund, events.Offset, events.PriorYear} { // those that name a payment
		made = append(made, "since."+string(c))
	}
	for _, c := range []events.Class{events.Enterprise, events.Supplier, events.Unit, events.District, events.Park, events.Person} {
		made = append(made, "class."+string(c))
	}
	for _, name := range []string{"order", "receipt", "slip"} {
		made = append(made, "title."+name, "signatures."+name)
	}
	made = append(made, "when.before", "when.after")
	for _, name := range made {
		if !Catalogue.Has(name) {
			t.Errorf("%s is said and not there", name)
		}
	}
	for _, name := range en {
		group, rest, _ := strings.Cut(name, ".")
		said := strings.Contains(code.String(), `"`+name+`"`) || (group == "label" || group == "head") && strings.Contains(code.String(), `"`+rest+`"`)
		if !said && !slices.Contains(made, name) {
			t.Errorf("%s is never said", name)
		}
	}
}

// TestModules: the finder patterns stand in three corners, and the quiet zone about them is white.
func TestModules(t *testing.T) {
	squares, err := modules("fundledger:f/1?leaf=x")
	if err != nil {
		t.Fatal(err)
	}
	n := len(squares)
	for i := range n {
		for j := range quiet {
			if squares[i][j] || squares[j][i] || squares[i][n-1-j] || squares[n-1-j][i] {
				t.Fatal("the quiet zone is not white")
			}
		}
	}
	for _, corner := range [][2]int{{quiet, quiet}, {quiet, n - quiet - 7}, {n - quiet - 7, quiet}} {
		for y := range 7 {
			for x := range 7 {
				edge := min(x, y, 6-x, 6-y)
				if got := squares[corner[0]+y][corner[1]+x]; got == (edge == 1) {
					t.Fatalf("the corner at %v has %v at %d, %d", corner, got, x, y)
				}
			}
		}
	}
}
