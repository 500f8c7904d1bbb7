package sheet

import (
	"embed"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"fundledger/events"
	"fundledger/events/words"
)

//go:embed words/en.json words/zh.json
var files embed.FS

// Catalogue holds the words of the read side: titles, headings, notes and what exceptions say.
var Catalogue = words.LoadRoom(files)

// Options are the choices that an encoder leaves to the reader. The zero Options is English and the currency's own unit.
type Options struct {
	Lang words.Language
	Unit Unit

	stream, headed bool // of CSV: one of many sheets, not the first of them
}

// encoders is one encoder for each format.
var encoders = map[string]func(io.Writer, *Sheet, Options) error{
	"text": WriteText, "json": WriteJSON, "csv": WriteCSV, "md": WriteMarkdown, "html": WriteHTML, "xlsx": WriteXLSX,
}

// Formats lists the formats, the usual one first.
var Formats = []string{"text", "json", "csv", "md", "html", "xlsx"}

// Binary lists those that no terminal can show.
var Binary = []string{"xlsx"}

// Write writes a sheet in one of [Formats]. Another format, language or unit is a [events.BadValue].
func Write(w io.Writer, format string, s *Sheet, o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	encode := encoders[format]
	if encode == nil {
		return choice("format", format, Formats)
	}
	return encode(w, s, o)
}

// Called is the sheet's title, as text and HTML begin with it.
func (s *Sheet) Called(o Options) (string, error) {
	o, err := o.filled()
	if err != nil {
		return "", err
	}
	return safe(visible(s.plain(Say("title."+s.Name, s.Title...), o, style{null: nothing, thousands: true, percent: "%", people: true}), "")), nil
}

func (o Options) filled() (Options, error) {
	if o.Lang == "" {
		o.Lang = words.English
	}
	if o.Unit == "" {
		o.Unit = Yuan
	}
	switch {
	case !slices.Contains(words.Languages, o.Lang):
		return o, choice("lang", string(o.Lang), words.Languages)
	case !slices.Contains(Units, o.Unit):
		return o, choice("unit", string(o.Unit), Units)
	}
	return o, nil
}

func choice[T ~string](field, value string, choices []T) error {
	all := make([]string, len(choices))
	for i, c := range choices {
		all[i] = string(c)
	}
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": field, "value": value, "choices": strings.Join(all, " ")}}
}

// heading returns what a column is called in a sheet: what is a line's name in most is a payee's in another.
func (s *Sheet) heading(lang words.Language, name string) string {
	if own := Catalogue.Find(lang, "column."+s.Name+"."+name, nil); own != "" {
		return own
	}
	return heading(lang, name)
}

// heading returns what a column is called in most sheets.
func heading(lang words.Language, name string) string {
	if s := Catalogue.Find(lang, "column."+name, nil); s != "" {
		return s
	}
	return words.Ledger.Say(lang, "measure."+name, nil)
}

// unitName returns what the amounts are counted in: yuan, 10,000 yuan …; other currencies by their code.
func (s *Sheet) unitName(o Options) string {
	of := "other"
	switch s.Currency {
	case "CNY":
		of = "CNY"
	case "": // of several funds
		of = "mixed"
	}
	return Catalogue.Say(o.Lang, "unit."+of+"."+string(o.Unit), map[string]string{"currency": s.Currency})
}

// Counted says what the amounts are counted in.
func (s *Sheet) Counted(o Options) string {
	return Catalogue.Say(o.Lang, "face.unit", map[string]string{"unit": s.unitName(o)})
}

// unitCode is the unit's name for programs, as stated figures have it.
func (s *Sheet) unitCode() string {
	if s.Currency == "CNY" {
		return string(Yuan)
	}
	return s.Currency
}

// A style is how an encoder writes the cells that have no form of their own there.
type style struct {
	null      string
	thousands bool
	percent   string
	indent    string
	people    bool // codes as words, names in the reader's language
	said      map[string]string
}

// word says words without arguments, each once for the whole of a sheet: a table of payments has the same few in a million rows.
func (st style) word(lang words.Language, name string) string {
	if s, ok := st.said[name]; ok {
		return s
	}
	s := Catalogue.Find(lang, name, nil)
	if measure, ok := strings.CutPrefix(name, "column."); ok {
		s = heading(lang, measure)
	}
	if s == "" {
		s = words.Ledger.Say(lang, name, nil)
	}
	if st.said != nil {
		st.said[name] = s
	}
	return s
}

// term returns the words of a code.
func (s *Sheet) term(c Cell, lang words.Language, st style) string {
	if c.more.en == "unit.other" { // the only code whose words speak of the sheet
		return Catalogue.Say(lang, "unit.other."+c.text, map[string]string{"currency": s.Currency})
	}
	return st.word(lang, c.more.en+"."+c.text)
}

// plain returns a cell as text.
func (s *Sheet) plain(c Cell, o Options, st style) string {
	switch c.Kind {
	case Absent:
		return ""
	case Null:
		return st.null
	case Text:
		return c.text
	case Integer:
		return strconv.FormatInt(c.n, 10)
	case Yes:
		if !st.people && o.Lang == words.English { // for programs, as the headings
			return strconv.FormatBool(c.n != 0)
		}
		return st.word(o.Lang, "truth."+strconv.FormatBool(c.n != 0))
	case Amount:
		a := o.Unit.format(events.Minor(c.n), int(c.decimals))
		if st.thousands {
			a = words.Money(a)
		}
		return a
	case Percent:
		return c.text + st.percent
	case Local:
		if st.people && o.Lang == words.English && c.more.en != "" {
			return c.more.en
		}
		return c.text
	case Code:
		if !st.people {
			return c.text
		}
		return s.term(c, o.Lang, st)
	case UnitName:
		return s.unitName(o)
	case Object:
		if c.text != "" {
			return c.text
		}
		parts := make([]string, 0, len(c.Members()))
		for _, m := range c.Members() {
			if m.Value.Kind != Null && m.Value.Kind != Absent {
				parts = append(parts, m.Name+"="+s.plain(m.Value, o, st))
			}
		}
		return strings.Join(parts, "; ")
	case List:
		parts := make([]string, 0, len(c.Cells()))
		for _, part := range c.Cells() {
			parts = append(parts, s.plain(part, o, st))
		}
		return strings.Join(parts, "; ")
	case Seqs:
		return ranges(c.Seqs(), len(c.Seqs()))
	case Decimal:
		if st.thousands {
			return words.Money(c.text)
		}
		return c.text
	case Saying:
		args := map[string]string{}
		st.people = true // within a sentence
		for _, m := range c.Members() {
			args[m.Name] = s.plain(m.Value, o, st)
		}
		return Catalogue.Say(o.Lang, c.text, args)
	}
	return ""
}

// visible replaces what could steer a terminal: control characters by their symbols (␛ for escape), and the characters that turn the direction of
// writing, with which a name could be made to look like another, by U+FFFD. Those in keep stay.
func visible(s, keep string) string {
	if strings.IndexFunc(s, unseen) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(keep, r) || !unseen(r):
			return r
		case r < 0x20:
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		}
		return utf8.RuneError
	}, s)
}

// Shown is a text as every page and workbook shows it: what would do something instead of being seen, and what XML cannot hold, is replaced.
func Shown(text string) string { return safe(visible(text, "")) }

// unseen reports whether a character does something instead of being seen.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) // controls, formats, and what breaks lines
}
