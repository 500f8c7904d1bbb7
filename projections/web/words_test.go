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
