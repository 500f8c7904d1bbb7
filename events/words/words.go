// Package words holds what fundledger says, in Chinese and in English.
//
// The texts stand in JSON files that a translator can edit, one per language, as name and text. A text names what it speaks of as
// {{.field}}; {{money .left}} writes an amount with its thousands separated, and {{list .choices}} writes words that are parted by spaces as
// the language lists them. What an argument lacks is left empty. A name consists of letters, digits, dots, hyphens and underscores. Both
// languages must have the same names, and every text the same fields: a test holds that for each catalogue.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

// A Language is one that fundledger speaks.
type Language string

// The languages, by the names that --lang takes.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Languages lists them.
var Languages = []Language{English, Chinese}

// FromEnvironment chooses by the value of LC_ALL, LC_MESSAGES or LANG, such as zh_CN.UTF-8. Anything but Chinese is English.
func FromEnvironment(locale string) Language {
	if strings.HasPrefix(strings.ToLower(locale), "zh") {
		return Chinese
	}
	return English
}

// A Catalogue is one room's texts in every language.
type Catalogue struct {
	texts map[Language]map[string]string
	say   map[Language]*i18n.Localizer
	parse map[Language]parser
}

// LoadRoom is [Load] of the folder words of a room, as the room embeds it.
func LoadRoom(room fs.FS) *Catalogue {
	files, err := fs.Sub(room, "words")
	if err != nil {
		panic(err)
	}
	return Load(files)
}

// Load reads en.json and zh.json from a room's words. It panics where one is missing or is not names and texts, since they are part of
// the program.
func Load(files fs.FS) *Catalogue {
	c := &Catalogue{texts: map[Language]map[string]string{}, say: map[Language]*i18n.Localizer{}, parse: map[Language]parser{}}
	for _, lang := range Languages {
		data, err := fs.ReadFile(files, string(lang)+".json")
		if err != nil {
			panic(err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(data, &texts); err != nil {
			panic(fmt.Sprintf("words %s.json: %v", lang, err))
		}
		bundle := i18n.NewBundle(language.Make(string(lang)))
		for name, text := range texts {
			if err := bundle.AddMessages(language.Make(string(lang)), &i18n.Message{ID: name, Other: text}); err != nil {
				panic(err)
			}
		}
		c.texts[lang] = texts
		c.parse[lang] = parserFor(lang)
		c.say[lang] = i18n.NewLocalizer(bundle, string(lang))
	}
	return c
}

// Say returns the text of that name, with args in their places. A name that no language has is returned itself, so that nothing is ever
// hidden by a missing word.
func (c *Catalogue) Say(lang Language, name string, args map[string]string) string {
	if text := c.Find(lang, name, args); text != "" {
		return text
	}
	return name
}

// Find returns the text of that name, or "".
func (c *Catalogue) Find(lang Language, name string, args map[string]string) string {
	if !c.Has(name) {
		return ""
	}
	if args == nil {
		args = map[string]string{}
	}
	text, err := c.say[lang].Localize(&i18n.LocalizeConfig{MessageID: name, TemplateData: args, TemplateParser: c.parse[lang]})
	if err != nil {
		return ""
	}
	return text
}

// Has reports whether there is a text of that name.
func (c *Catalogue) Has(name string) bool {
	_, ok := c.texts[English][name]
	return ok
}

// Names lists the names that a language has, sorted.
func (c *Catalogue) Names(lang Language) []string { return slices.Sorted(maps.Keys(c.texts[lang])) }

// Text returns the text of that name as it stands in the file.
func (c *Catalogue) Text(lang Language, name string) string { return c.texts[lang][name] }

// A parser reads texts as templates that know money and list. Unlike the catalogue's own it lets them be kept, since the functions of a
// language never change.
type parser struct{ *template.TextParser }

func (parser) Cacheable() bool { return true }

func parserFor(lang Language) parser {
	between := ", "
	if lang == Chinese {
		between = "、"
	}
	return parser{&template.TextParser{
		Option: "missingkey=zero",
		Funcs: map[string]any{
			"money": Money,
			"list":  func(s string) string { return strings.ReplaceAll(s, " ", between) },
		},
	}}
}

// Money writes a plain decimal with its thousands separated: 126,000.00. Anything else is returned as it is.
func Money(s string) string {
	whole, frac, hasFrac := strings.Cut(s, ".")
	digits := strings.TrimPrefix(whole, "-")
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	if digits == "" || strings.TrimFunc(digits+frac, isDigit) != "" {
		return s
	}
	out := whole[:len(whole)-len(digits)]
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out += ","
		}
		out += string(r)
	}
	if hasFrac {
		out += "." + frac
	}
	return out
}

//go:embed en.json zh.json
var files embed.FS

// Ledger holds the words of kinds, codes and measures.
var Ledger = Load(files)
