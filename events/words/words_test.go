package words

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var (
	action      = regexp.MustCompile(`\{\{[^}]*\}\}`)
	placeholder = regexp.MustCompile(`\.[a-z_]+`)
	nameForm    = regexp.MustCompile(`^[a-z]+(\.[a-z0-9_-]+)+$`)
)

// placeholders lists the arguments that a text names, each once, sorted.
func placeholders(text string) []string {
	var all []string
	for _, a := range action.FindAllString(text, -1) {
		all = append(all, placeholder.FindAllString(a, -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestLanguagesSayTheSame(t *testing.T) {
	en, zh := Ledger.Names(English), Ledger.Names(Chinese)
	for _, name := range en {
		if !nameForm.MatchString(name) {
			t.Errorf("%s is not a name", name)
		}
		if !slices.Contains(zh, name) {
			t.Errorf("%s has no Chinese text", name)
			continue
		}
		e, z := Ledger.Text(English, name), Ledger.Text(Chinese, name)
		if strings.TrimSpace(e) == "" || strings.TrimSpace(z) == "" {
			t.Errorf("%s is empty", name)
		}
		if got, want := placeholders(z), placeholders(e); !slices.Equal(got, want) {
			t.Errorf("%s speaks of %v in Chinese, of %v in English", name, got, want)
		}
		if len(placeholders(e)) == 0 && e == z {
			t.Errorf("%s is the same in both languages: %s", name, e)
		}
	}
	for _, name := range zh {
		if !slices.Contains(en, name) {
			t.Errorf("%s has no English text", name)
		}
	}
}

// TestTextsCanBeSaid says every text with every argument and with none: a slip in a template would show only when the fault happens.
func TestTextsCanBeSaid(t *testing.T) {
	for _, lang := range Languages {
		for _, name := range Ledger.Names(lang) {
			args := map[string]string{}
			for _, p := range placeholders(Ledger.Text(lang, name)) {
				args[p[1:]] = "ARG" + p[1:]
			}
			got := Ledger.Find(lang, name, args)
			if got == "" {
				t.Errorf("%s %s cannot be said", lang, name)
			}
			for _, v := range args {
				if !strings.Contains(got, v) && !strings.Contains(Ledger.Text(lang, name), "{{else}}") {
					t.Errorf("%s %s = %q, lacks %s", lang, name, got, v)
				}
			}
			for _, s := range []string{got, Ledger.Find(lang, name, nil)} {
				if strings.Contains(s, "<no value>") || strings.Contains(s, "{{") {
					t.Errorf("%s %s = %q", lang, name, s)
				}
			}
		}
	}
}

func TestFind(t *testing.T) {
	args := map[string]string{"line": "1.4", "fund": "cd-gx", "year": "2022", "left": "126000.00", "asked": "500000.00"}
	for lang, want := range map[Language]string{
		English: "line 1.4 of cd-gx 2022 has 126,000.00 left; 500,000.00 asked",
		Chinese: "cd-gx 2022 年度项目 1.4 尚余 126,000.00，要求 500,000.00",
	} {
		if got := Ledger.Say(lang, "code.over-budget", args); got != want {
			t.Errorf("over-budget in %s = %q, want %q", lang, got, want)
		}
	}
	if got := Ledger.Find(Chinese, "hint.bad-value.choice", map[string]string{"choices": "control record"}); got != "可取：control、record" {
		t.Errorf("a list in Chinese = %q", got)
	}
	if got := Ledger.Say(English, "no.such-name", nil); got != "no.such-name" {
		t.Errorf("Say of an unknown name = %q", got)
	}
	if got := Ledger.Find(English, "no.such-name", nil); got != "" {
		t.Errorf("Find of an unknown name = %q", got)
	}
}

func TestMoney(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "12": "12", "123": "123", "1234": "1,234", "-1234.5": "-1,234.5", "126000.00": "126,000.00", "999999999999999.9999": "999,999,999,999,999.9999",
		"-123": "-123", "-123456": "-123,456", "": "", "-": "-", "1,234": "1,234", "12a4": "12a4", "1738.7万": "1738.7万", "1.2.3": "1.2.3",
	} {
		if got := Money(in); got != want {
			t.Errorf("Money(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	for in, want := range map[string]Language{"zh_CN.UTF-8": Chinese, "zh": Chinese, "ZH-TW": Chinese, "en_GB.UTF-8": English, "C": English, "": English, "de_DE": English} {
		if got := FromEnvironment(in); got != want {
			t.Errorf("FromEnvironment(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLoadRefusesWhatIsNotACatalogue(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"a language missing": {"en.json": {Data: []byte(`{}`)}},
		"not texts":          {"en.json": {Data: []byte(`{"a":1}`)}, "zh.json": {Data: []byte(`{}`)}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Load with %s did not panic", name)
				}
			}()
			Load(files)
		}()
	}
}
