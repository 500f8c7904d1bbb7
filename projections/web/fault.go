package web

import (
	"cmp"
	"regexp"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
)

// FaultOf says why something is refused as people on a page are told it: fields are called as the page calls them, kinds by their words, and what to do next is what can be
// done on a page. label is what a field is called, "" where it has no other name than its own.
func FaultOf(e *events.Error, lang words.Language, label func(field string) string) Fault {
	for _, name := range []string{"field", "other"} {
		if said := label(e.Args[name]); e.Args[name] != "" && said != "" {
			e = e.With(name, said)
		}
	}
	for _, name := range []string{"kind", "kinds"} {
		if e.Args[name] != "" && e.Code != events.UnknownKind { // who misspelt one has to see how they are spelt
			e = e.With(name, kindsIn(e.Args[name], lang))
		}
	}
	if said := words.Ledger.Find(lang, "measure."+e.Args["measure"], nil); said != "" && e.Code == events.Overflow {
		e = e.With("measure", said)
	}
	return Fault{Code: e.Code, Message: worded("code.", e, lang), Hint: worded("hint.", e, lang)}
}

// worded is what is said of an error, or what to do next: in words for pages where there are any as exact as the ledger's.
func worded(prefix string, e *events.Error, lang words.Language) string {
	own := func(name string) string {
		return cmp.Or(texts.Find(lang, prefix+name, e.Args), words.Ledger.Find(lang, prefix+name, e.Args))
	}
	if e.Why != "" {
		if said := own(string(e.Code) + "." + e.Why); said != "" {
			return said
		}
	}
	return own(string(e.Code))
}

// kindForm is a kind as errors write it, with its cause behind it in brackets.
var kindForm = regexp.MustCompile(`([a-z-]+)(?: \(([a-z-]+)\))?`)

// kindsIn says the kinds that a text lists in words.
func kindsIn(text string, lang words.Language) string {
	said := kindForm.ReplaceAllStringFunc(text, func(found string) string {
		parts := kindForm.FindStringSubmatch(found)
		if parts[2] != "" {
			return cmp.Or(words.Ledger.Find(lang, "cause."+parts[2], nil), found)
		}
		return cmp.Or(words.Ledger.Find(lang, "kind."+parts[1], nil), found)
	})
	return strings.ReplaceAll(said, ", ", texts.Text(lang, "list.comma"))
}

// asked is what a parameter of a page's address is called on the page.
func (v *view) asked(name string) string {
	switch name {
	case "as_of", "known_at":
		return v.Say("clocks." + strings.ReplaceAll(name, "_", "-"))
	}
	return texts.Find(v.Lang, "control."+name, nil)
}
