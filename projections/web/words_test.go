package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events/words"
)

// TestWords: both languages have the same names and fields, what the pages say is there, and what is there is said.
func TestWords(t *testing.T) {
	en, zh := texts.Names(words.English), texts.Names(words.Chinese)
	if !slices.Equal(en, zh) {
		t.Fatalf("names differ:\n%v\n%v", en, zh)
	}
	var source strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".html", ".js"}, filepath.Ext(path)) {
			return err
		}
		data, err := os.ReadFile(path)
		source.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	code := source.String()
	for _, said := range regexp.MustCompile(`(?:v\.Say\(|[ ({$v]\.Say |texts\.(?:Say|Find)\(v\.Lang, )"([a-z0-9.-]+)"`).FindAllStringSubmatch(code, -1) {
		if !texts.Has(said[1]) && !strings.HasSuffix(said[1], ".") {
			t.Errorf("%s is said and not there", said[1])
		}
	}
	// Groups of which the rest of the name is put in.
	groups := regexp.MustCompile(`"([a-z-]+(?:\.[a-z-]+)*\.)"`).FindAllStringSubmatch(code, -1)
	fields := regexp.MustCompile(`\{\{[^}]*\}\}`)
	for _, name := range en {
		e, z := texts.Text(words.English, name), texts.Text(words.Chinese, name)
		if a, b := fields.FindAllString(e, -1), fields.FindAllString(z, -1); !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
			t.Errorf("%s speaks of %v in English, of %v in Chinese", name, a, b)
		}
		if strings.TrimSpace(e) == "" || strings.TrimSpace(z) == "" {
			t.Errorf("%s is empty", name)
		}
		made := slices.ContainsFunc(groups, func(g []string) bool { return strings.HasPrefix(name, g[1]) })
		if !made && !strings.Contains(code, `"`+name+`"`) {
			t.Errorf("%s is never said", name)
		}
	}
}

// TestWordsOfRefusals: what pages say otherwise than the ledger, the ledger says too, of the same; and no page tells anybody to run a program, or to write a command.
func TestWordsOfRefusals(t *testing.T) {
	field := regexp.MustCompile(`\.([a-z_]+)`)
	for _, name := range texts.Names(words.English) {
		if !strings.HasPrefix(name, "hint.") && !strings.HasPrefix(name, "code.") {
			continue
		}
		if !words.Ledger.Has(name) {
			t.Errorf("the ledger does not say %s", name)
		}
		_, why, _ := strings.Cut(name, ".")
		known := words.Ledger.Text(words.English, "code."+why) + words.Ledger.Text(words.English, "hint."+why)
		for _, block := range regexp.MustCompile(`\{\{[^}]*\}\}`).FindAllString(texts.Text(words.English, name), -1) {
			for _, m := range field.FindAllStringSubmatch(block, -1) {
				if !strings.Contains(known, m[0]) {
					t.Errorf("%s speaks of %s, which the ledger does not", name, m[1])
				}
			}
		}
	}
	// What stands in commands and addresses, for those who write them.
	elsewhere := regexp.MustCompile(`^hint\.(malformed|unknown-kind|missing-field\.kind|bad-value\.(type-|code$|place-|where-))`)
	terminal := regexp.MustCompile(`fundledger [a-z]|"[a-z]+"`)
	for _, name := range words.Ledger.Names(words.English) {
		if strings.HasPrefix(name, "hint.") && !elsewhere.MatchString(name) && !texts.Has(name) && terminal.MatchString(words.Ledger.Text(words.English, name)) {
			t.Errorf("%s is said on pages, where nobody can do %q", name, words.Ledger.Text(words.English, name))
		}
	}
}
