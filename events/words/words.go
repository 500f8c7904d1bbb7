// Package words holds what fundledger says, in Chinese and in English.
//
// The texts stand in JSON files that a translator can edit, one per language, as name and text. A text names what it speaks of as
// {{.field}}; a name ends in nothing but letters, digits, dots and hyphens. Both languages must have the same names, and every text the
// same fields: a test holds that for each catalogue.
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
}

// Load reads en.json and zh.json from a room's words. It panics where one is missing or is not names and texts, since they are part of
// the program.
func Load(files fs.FS) *Catalogue {
	c := &Catalogue{texts: map[Language]map[string]string{}, say: map[Language]*i18n.Localizer{}}
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
	text, err := c.say[lang].Localize(&i18n.LocalizeConfig{MessageID: name, TemplateData: args})
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

//go:embed en.json zh.json
var files embed.FS

// Ledger holds the words of kinds, codes and measures.
var Ledger = Load(files)
