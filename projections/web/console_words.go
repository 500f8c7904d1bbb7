package web

import (
	"cmp"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections/sheet"
)

// texts are the words of the console.
var texts = words.LoadRoom(consoleFiles)

// Say returns words of the console: a name, then names and values of what they speak of.
func (v *view) Say(name string, args ...string) string {
	of := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		of[args[i]] = args[i+1]
	}
	return texts.Say(v.Lang, name, of)
}

// Word returns words of the vocabulary, such as measure.spent.
func (v *view) Word(name string) string {
	return cmp.Or(sheet.Catalogue.Find(v.Lang, name, nil), words.Ledger.Say(v.Lang, name, nil))
}

// HTMLLang is the language as HTML names it.
func (v *view) HTMLLang() string {
	if v.Lang == words.Chinese {
		return "zh-CN"
	}
	return string(v.Lang)
}

// OtherLang is the language that the page can be had in instead.
func (v *view) OtherLang() words.Language {
	if v.Lang == words.Chinese {
		return words.English
	}
	return words.Chinese
}

// Units lists the units that amounts can be shown in.
func (v *view) Units() []sheet.Unit { return sheet.Units }

// UnitName is what a unit is called in the currency of the page; where there are several, or none yet, it is called after none of them.
func (v *view) UnitName(u sheet.Unit) string {
	switch v.currency {
	case "":
		return v.Say("unit." + string(u))
	case "CNY":
		return v.Word("unit.CNY." + string(u))
	}
	return sheet.Catalogue.Say(v.Lang, "unit.other."+string(u), map[string]string{"currency": v.currency})
}

// Unit is the one that they are shown in.
func (v *view) Unit() sheet.Unit {
	if v.a == nil {
		return sheet.Yuan
	}
	return v.a.unit
}

// Recorded is when the last event that the page counts was recorded.
func (v *view) Recorded() string {
	if v.At.Recorded.IsZero() {
		return ""
	}
	return v.Moment(v.At.Recorded)
}

// Moment is a time as people read it, in the fund's zone, which is named.
func (v *view) Moment(t time.Time) string {
	return sheet.MomentIn(t, v.zone)
}

// TabName is what a view of a year is called.
func (v *view) TabName(tab string) string {
	tab = cmp.Or(map[string]string{"": "execution", "figures": "report"}[tab], tab)
	return cmp.Or(texts.Find(v.Lang, "tab."+tab, nil), sheet.Catalogue.Say(v.Lang, "tab."+tab, nil))
}

// either is the name of something in the language of the page.
func (v *view) either(name, en string) string {
	if v.Lang == words.English && en != "" {
		return en
	}
	return name
}

// column is what a column or a measure is called, as in tables.
func (v *view) column(name string) string {
	return cmp.Or(sheet.Catalogue.Find(v.Lang, "column."+name, nil), words.Ledger.Say(v.Lang, "measure."+name, nil))
}

// money is an amount in the unit of the page.
func (v *view) money(a events.Minor, decimals int) string { return v.Unit().Format(a, decimals) }
