package web

import (
	"bytes"
	"context"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/live"
	"fundledger/projections/sheet"
)

// Writing, for operators:
//
//	/funds/{fund}/post                      what can be posted
//	/funds/{fund}/post/{kind}               the form for a kind, or a cause: each parameter fills the field of its name
//	/funds/{fund}/import                    registers and statements: a preview row by row, then the rows
//	/funds/{fund}/years/{year}/reconciliation   both sides of the bank, and what can be matched
//
// A form is a page like the others and stores nothing: it can be sent to somebody, filled in. What it would do is tried on the ledger as it is ([Desk.Propose]) and foreseen from
// the same book that every table is made of. Only the script of the page appends, as JSON under /v1, since what a plain form sends any page of the world could send too: a
// browser without the headers that tell them apart would let it through. The form has an id made once, so that pressing twice, or again after an answer that never came, stores once.

// A Desk knows how commands are written and what the ledger would say to them. It is of the write side, which the read side never asks for anything but its forms.
type Desk interface {
	// Kinds lists what can be posted, in groups.
	Kinds(words.Language) []KindGroup
	// Form makes the form of a kind or cause, filled in with what is given and with what follows from the book, which may be of no events. It is an [events.BadValue] where there
	// is no such kind. Where no id is given it makes one.
	Form(fund events.Fund, b *projections.Book, kind string, given map[string][]string, lang words.Language) (*Form, error)
	// Propose tries what the fields of a form have on the ledger, and stores nothing.
	Propose(ctx context.Context, kind string, answers map[string][]string, lang words.Language) *Proposal
	// ProposeAll tries commands that stand or fall together, each with an id that its content gives.
	ProposeAll(ctx context.Context, fund events.Fund, commands []*events.Draft, lang words.Language) *Proposal
	// ImportForm makes the form of an import: what a file can be told that it does not say itself.
	ImportForm(fund events.Fund, b *projections.Book, given map[string][]string, lang words.Language) (fields, switches []Field, err error)
	// Import reads a register or a statement and tries its rows, or with post appends them. read hears how far it has come. What is wrong with the file is in what it returns; the error is
	// of a ledger that cannot be reached.
	Import(ctx context.Context, fund events.Fund, given map[string][]string, name string, file io.ReaderAt, size int64, post bool, lang words.Language, read func(at, of int64)) (*Import, error)
}

// A KindGroup is kinds that belong together.
type KindGroup struct {
	Name  string
	Kinds []KindWords
}

// KindWords are what a kind or cause is called, and what it is for.
type KindWords struct{ Kind, Name, About string }

// A Form is what a kind asks for.
type Form struct {
	KindWords
	Fund events.Fund
	// Fields are those that most people fill in, and More the others.
	Fields, More []Field
	// Answers are what the fields have.
	Answers map[string][]string
}

// A Field is one thing that a form asks for.
type Field struct {
	Name, Label, Hint string
	Values            []string
	Required          bool
	// Input is how it is filled in; see the constants.
	Input string
	// Choices are what it can be, where that is known, and Others how many more there are.
	Choices []Choice
	Others  int
	// Filled says that the value was not given but follows from the fund.
	Filled bool
	// Offer is a value that it could have.
	Offer string
	// Said is the value in other words: an amount in capitals, the name of a line.
	Said string
}

// The ways in which a field is filled in.
const (
	InputText   = "text"
	InputMoney  = "money"
	InputDate   = "date"
	InputWhole  = "whole"
	InputTruth  = "truth"
	InputChoice = "choice" // one of the choices
	InputEvent  = "event"  // an event: one of the choices, or another by its number
	InputLines  = "lines"  // several texts
	InputLegs   = "legs"   // several lines with their amounts
)

// A Choice is something that a field can be.
type Choice struct {
	Value, Words string
	// Left is what is available there, or left of it.
	Left string
	// Depth is how far below the root a line stands.
	Depth int
}

// A Proposal is what the ledger would say to a command, or to several that stand or fall together.
type Proposal struct {
	// Commands are what would be sent.
	Commands [][]byte
	// Missing are the fields that still need a value.
	Missing []string
	// Fault is why it cannot be sent, or would be refused.
	Fault *Fault
	// Stored is the number under which the command is stored already, 0 where it is not.
	Stored events.Seq
	Flags  []events.Code
	// Twice says that there is one like it already.
	Twice bool
	// Next are the events that would be stored.
	Next []events.Event
}

// A Fault is a refusal in words.
type Fault struct {
	// Field is the one that it is about, "" where that is none of them.
	Field         string
	Code          events.Code
	Message, Hint string
}

// pageOf reads the path and the language of a page whose parameters are fields.
func (v *view) pageOf(fields url.Values) error {
	plain := v.r.Clone(v.r.Context())
	query := url.Values{}
	for _, name := range []string{"unit", "lang"} {
		if values := fields[name]; values != nil {
			query[name] = values
			delete(fields, name)
		}
	}
	plain.URL.RawQuery = query.Encode()
	a, err := read(plain, v.Lang, []string{"unit", "lang"})
	if err != nil {
		return err
	}
	v.a = a
	v.Lang, v.Fund, v.Year = a.lang, a.fund, a.query.Year
	return nil
}

// now reads the fund's book as it is, or one of no events where there is no such fund.
func (v *view) now(wait events.Seq, do func(b *projections.Book) error) error {
	err := v.site.books.Read(v.r.Context(), v.Fund, wait, projections.Moment{}, func(at live.Cut, b *projections.Book) error {
		v.of(at, b)
		return do(b)
	})
	if events.CodeOf(err) == events.UnknownFund {
		return do(projections.NewBook())
	}
	return err
}

// A formPage is what the page of a form shows.
type formPage struct {
	*Form
	*Proposal
	// ID is the command's.
	ID string
	// Tried says that somebody wants to know what it would do.
	Tried bool
	// Effect is what it would do to lines and lots.
	Effect template.HTML
	// Appended is the event that came of it, nil while it has not been appended.
	Appended *appended

	v *view
}

// An appended is what came of a command.
type appended struct {
	Seq events.Seq
	// Recorded is when it was recorded in the fund's time, and Time the moment itself.
	Recorded, Time, Leaf string
	Flags                []events.Code
	Year                 events.Year
	Line                 events.Line
	// Again says that it was there before.
	Again bool
}

// receiptPatience is how long a page waits for an event that it is to show.
const receiptPatience = 2 * time.Second

// kindsPage lists what can be posted.
func (s *site) kindsPage(v *view) error {
	query := v.r.URL.Query()
	if err := v.pageOf(query); err != nil {
		return err
	}
	v.Template, v.Title = "kinds", v.Say("post.kinds")
	return v.now(0, func(*projections.Book) error {
		v.Main = &kindsPage{s.desk.Kinds(v.Lang), query.Get("year")}
		return nil
	})
}

type kindsPage struct {
	Groups []KindGroup
	// In is the year to post to, "" where none was chosen.
	In string
}

// formPage shows the form of a kind, with what it would do where that is asked.
func (s *site) formPage(v *view) error {
	fields := v.r.URL.Query()
	if err := v.pageOf(fields); err != nil {
		return err
	}
	kind := v.r.PathValue("kind")
	p := &formPage{v: v, Tried: fields.Has("preview")}
	stored, again := fields.Get("appended"), fields.Has("again")
	for _, name := range []string{"preview", "appended", "again"} {
		delete(fields, name)
	}
	v.Template, v.Main = "form", p
	if stored != "" {
		return p.receipt(kind, stored, again)
	}
	if fields.Has("value-unit") { // the unit of a stated figure; a page's own is what its amounts are shown in
		fields["unit"] = fields["value-unit"]
		delete(fields, "value-unit")
	}
	err := v.now(0, func(b *projections.Book) (err error) {
		p.Form, err = s.desk.Form(v.Fund, b, kind, fields, v.Lang)
		return err
	})
	if err != nil {
		return kindError(err)
	}
	v.Title = p.Name
	p.ID = p.Answers["id"][0]
	if v.Live = string(v.Fund); v.At.Seq == 0 {
		v.Live = everyFund
	}
	if !p.Tried {
		return nil
	}
	p.Proposal = s.desk.Propose(v.r.Context(), kind, p.Answers, v.Lang)
	p.Effect, err = v.foreseen(p.Proposal)
	return err
}

// kindError makes a page that is not there of a kind that is not.
func kindError(err error) error {
	if events.CodeOf(err) == events.BadValue {
		return fault{err, http.StatusNotFound}
	}
	return err
}

// foreseen is what a proposal would do to lines and lots, "" where it posts nothing. It is told of the book as the ledger had it when it was tried.
func (v *view) foreseen(p *Proposal) (template.HTML, error) {
	if len(p.Next) == 0 {
		return "", nil
	}
	var out template.HTML
	look := func(b *projections.Book) error {
		s, err := b.Foresee(p.Next)
		if err != nil {
			return err
		}
		if hasRows(s.Tables[0]) {
			out, err = v.below(s)
		}
		return err
	}
	last := p.Next[0].Seq - 1
	if last == 0 {
		return out, look(projections.NewBook())
	}
	err := v.site.books.Read(v.r.Context(), v.Fund, last, projections.MomentOf(last), func(_ live.Cut, b *projections.Book) error { return look(b) })
	return out, err
}

// below shows a sheet on a page that has a heading of its own.
func (v *view) below(s *sheet.Sheet) (template.HTML, error) {
	out, err := v.show(s)
	return template.HTML(strings.NewReplacer("<h2", "<h3", "</h2>", "</h3>", "<h1", "<h2", "</h1>", "</h2>").Replace(string(out))), err // of what is written there a < is none
}

// receipt shows what came of a command.
func (p *formPage) receipt(kind, stored string, again bool) error {
	v := p.v
	n, err := events.ParseSeq(stored)
	if err != nil {
		return ofField("appended", err)
	}
	var words KindWords
	for _, g := range v.site.desk.Kinds(v.Lang) {
		if i := slices.IndexFunc(g.Kinds, func(k KindWords) bool { return k.Kind == kind }); i >= 0 {
			words = g.Kinds[i]
		}
	}
	if words.Kind == "" {
		_, err := v.site.desk.Form(v.Fund, projections.NewBook(), kind, nil, v.Lang)
		return kindError(err)
	}
	p.Form = &Form{KindWords: words, Fund: v.Fund}
	v.Title = words.Name
	// It was stored a moment ago; a number that somebody made up is not waited for.
	ctx, cancel := context.WithTimeout(v.r.Context(), receiptPatience)
	defer cancel()
	v.r = v.r.WithContext(ctx)
	return v.now(n, func(b *projections.Book) error {
		h := b.History()
		if n > h.Last() {
			return fault{&events.Error{Code: events.BadValue, Why: "beyond-end", Args: events.Args{"field": "appended", "value": n.String(), "last": h.Last().String()}}, http.StatusNotFound}
		}
		e, err := h.Stored(n)
		if err != nil {
			return err
		}
		leaf, err := h.Leaf(n)
		if err != nil {
			return err
		}
		p.Appended = &appended{
			Seq: n, Recorded: v.Moment(e.Time), Time: e.Time.UTC().Format(events.TimeForm), Leaf: leaf.String(), Flags: e.Flags, Year: e.Command.Year, Line: e.Command.Line, Again: again,
		}
		if p.Appended.Line == "" && len(e.Postings) > 0 {
			p.Appended.Line = e.Postings[0].Line
		}
		return nil
	})
}

// Address is that of the form with what it has been filled in with, for somebody else. It has no id: two people who send the same form mean two things.
func (p *formPage) Address() string {
	query := url.Values{}
	for name, values := range p.Answers {
		if name != "fund" && name != "id" {
			query[fieldName(name)] = values
		}
	}
	return p.v.filledForm(p.Kind, query)
}

// fieldName is what a field is called in the address.
func fieldName(flag string) string {
	if flag == "unit" {
		return "value-unit"
	}
	return flag
}

// FieldName is what a field is called in the address.
func (f Field) FieldName() string { return fieldName(f.Name) }

// Value is the first value of a field.
func (f Field) Value() string {
	if len(f.Values) == 0 {
		return ""
	}
	return f.Values[0]
}

// Text is all values of a field, a line each.
func (f Field) Text() string { return strings.Join(f.Values, "\n") }

// Known reports whether the value of a field is one of its choices.
func (f Field) Known() bool {
	return f.Value() == "" || slices.ContainsFunc(f.Choices, func(c Choice) bool { return c.Value == f.Value() })
}

// A leg is a line with its amount.
type leg struct{ Line, Amount string }

// Legs are the values of a field that has lines with amounts, with rooms for more.
func (f Field) Legs() (out []leg) {
	for _, v := range f.Values {
		line, amount, _ := strings.Cut(v, "=")
		out = append(out, leg{strings.TrimSpace(line), strings.TrimSpace(amount)})
	}
	for len(out) < 2 || out[len(out)-1].Line != "" {
		out = append(out, leg{})
	}
	return out
}

// Indented are the words of a choice, as far in as it stands in its tree.
func (c Choice) Indented() string {
	text := strings.Repeat("\u2003", max(0, c.Depth-1)) + c.Value
	if c.Words != "" {
		text += " " + c.Words
	}
	return text
}

// Amount writes an amount for people.
func (v *view) Amount(plain string) string { return words.Money(plain) }

// Needs names the fields that still need a value.
func (p *formPage) Needs() string {
	var labels []string
	for _, name := range p.Missing {
		for _, f := range slices.Concat(p.Fields, p.More) {
			if f.Name == name {
				labels = append(labels, f.Label)
			}
		}
	}
	return strings.Join(labels, p.v.Say("list.comma"))
}

// Faulty reports whether a fault is about a field.
func (p *formPage) Faulty(name string) bool {
	return p.Proposal != nil && p.Fault != nil && p.Fault.Field == name
}

// Open reports whether the further fields are to be seen: one of them has something, or is wrong.
func (p *formPage) Open() bool {
	return slices.ContainsFunc(p.More, func(f Field) bool { return len(f.Values) > 0 || p.Faulty(f.Name) })
}

// Body is what is sent: a command, or a list of them.
func (p *Proposal) Body() string {
	if len(p.Commands) == 1 {
		return string(p.Commands[0])
	}
	return "[" + string(bytes.Join(p.Commands, []byte(","))) + "]"
}

// Ready reports whether there is something to append.
func (p *Proposal) Ready() bool {
	return p.Fault == nil && len(p.Missing) == 0 && p.Stored == 0 && len(p.Next) > 0
}

// FlagWords are the words of a flag.
func (v *view) FlagWords(code events.Code) string {
	return v.Word("flag." + string(code))
}

// A filledField is a field on its page.
type filledField struct {
	Field
	*view
	// Bad is what is wrong with it.
	Bad string
}

// At puts a field on the page.
func (p *formPage) At(f Field) filledField {
	out := filledField{Field: f, view: p.v}
	out.Said = sheet.Shown(f.Said)
	out.Choices = slices.Clone(f.Choices)
	for i := range out.Choices {
		out.Choices[i].Words = sheet.Shown(out.Choices[i].Words)
	}
	if p.Faulty(f.Name) {
		out.Bad = p.Fault.Message
	}
	return out
}

// Rows is how many lines a field of several texts shows.
func (f Field) Rows() int { return max(2, min(12, len(f.Values)+1)) }

// Coded reports whether the values of a field's choices are words of the vocabulary, which people read in their own.
func (f Field) Coded() bool {
	return f.Input == InputChoice && !slices.Contains([]string{"year", "to-year", "lot"}, f.Name)
}
