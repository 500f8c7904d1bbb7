package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"
	"fundledger/ledger/desk"
	"fundledger/projections"
	"fundledger/projections/web"

	"github.com/google/uuid"
)

// A consoleDesk is the desk of the console's pages: the same clerk, the same reading of what people write and the same ledger as at a terminal.
type consoleDesk struct {
	app   *app
	store *store
}

// clerk is one that speaks a language.
func (d *consoleDesk) clerk(fund events.Fund, b *projections.Book, lang words.Language) *clerk {
	a := *d.app
	a.lang = lang
	return a.clerkOf(fund, b)
}

// kindGroups are the subjects in groups, as a day at the desk has them.
var kindGroups = []struct {
	name     string
	subjects []string
}{
	{"money-in", []string{"appropriated", "reallocated", "carried-in"}},
	{"money-out", []string{"disbursed", "committed", "commitment-released", "receipt-confirmed", "allotted", "allotment-withdrawn"}},
	{"money-back", []string{"refund", "returned", "offset", "prior-year", "unidentified", "lapse", "rescission"}},
	{"mending", []string{"amended", "reclassified", "reversed", "explained"}},
	{"year", []string{"fund-opened", "line-added", "carried-over", "month-closed", "year-closed", "year-reopened"}},
	{"others", []string{"bank-line", "bank-matched", "figure-stated"}},
}

// Kinds lists what can be posted.
func (d *consoleDesk) Kinds(lang words.Language) (out []web.KindGroup) {
	k := d.clerk("", nil, lang)
	for _, g := range kindGroups {
		group := web.KindGroup{Name: k.say("kinds."+g.name, nil)}
		for _, name := range g.subjects {
			if s, ok := desk.Named(name); ok {
				group.Kinds = append(group.Kinds, k.kindWords(s))
			}
		}
		out = append(out, group)
	}
	return out
}

// kindWords are what a subject is called and what it is for.
func (k *clerk) kindWords(s desk.Subject) web.KindWords {
	out := web.KindWords{Kind: s.Name(), Name: k.called(&events.Command{Kind: s.Kind, Cause: s.Cause})}
	section := sectionKind
	if s.Cause != "" {
		section = sectionCause
	}
	_, out.About, _ = strings.Cut(strings.Replace((page{section, s.Name()}).title(k.lang), "：", ": ", 1), ": ")
	if strings.Trim(out.About, out.Name) == "" { // the same in another order
		out.About = ""
	}
	return out
}

// prominent are those to be filled in first, beside what a subject cannot do without.
var prominent = strings.Fields("payee voucher purpose lot commitment contract line due counterparty of-line settles expires to-line flag measure lines name-en reason method covers quota note document")

// Form makes the form of a subject.
func (d *consoleDesk) Form(fund events.Fund, b *projections.Book, kind string, given map[string][]string, lang words.Language) (*web.Form, error) {
	s, ok := desk.Named(kind)
	if !ok || s == (desk.Subject{Kind: events.ClawedBack}) { // whose causes ask for different things
		var names []string
		for _, g := range kindGroups {
			names = append(names, g.subjects...)
		}
		return nil, &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "kind", "value": harmless(kind), "choices": strings.Join(names, " ")}}
	}
	k := d.clerk(fund, b, lang)
	answers := answersOf(s, given)
	answers["fund"] = []string{string(fund)}
	form := &web.Form{KindWords: k.kindWords(s), Fund: fund, Answers: answers}
	had := maps.Clone(answers)
	if err := k.supplied(s, answers, false); err != nil {
		return nil, err
	}
	if s.Flag("date") != nil && len(answers["date"]) == 0 {
		answers["date"] = []string{k.today()}
	}
	rest, asked, err := k.rest(s, answers)
	if err != nil {
		return nil, err
	}
	if asked && rest != "" && len(answers["amount"]) == 0 {
		answers["amount"] = []string{rest}
	}
	if len(answers["id"]) == 0 {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		answers["id"] = []string{id.String()}
	}
	known := meanings(lang)
	for _, f := range s.Flags() {
		if f.Name == "fund" || f.Name == "id" {
			continue
		}
		field, err := k.field(s, f, answers, known)
		if err != nil {
			return nil, err
		}
		field.Filled = len(had[f.Name]) == 0 && len(field.Values) > 0
		if f.Name == "amount" && rest != field.Value() {
			field.Offer = rest
		}
		if f.Required || slices.Contains(prominent, f.Name) {
			form.Fields = append(form.Fields, field)
		} else {
			form.More = append(form.More, field)
		}
	}
	return form, nil
}

// answersOf are the values that a form's fields were given, without those that are empty. A line and its amount come apart.
func answersOf(s desk.Subject, given map[string][]string) desk.Answers {
	answers := desk.Answers{}
	for _, f := range s.Flags() {
		var values []string
		for _, v := range given[f.Name] {
			if f.Many && f.Form != desk.Leg { // a line each
				values = append(values, strings.FieldsFunc(v, func(r rune) bool { return r == '\n' || r == '\r' })...)
			} else {
				values = append(values, v)
			}
		}
		for i, line := range given[f.Name+".line"] {
			amount := ""
			if amounts := given[f.Name+".amount"]; i < len(amounts) {
				amount = amounts[i]
			}
			if strings.TrimSpace(line) != "" || strings.TrimSpace(amount) != "" {
				values = append(values, line+"="+amount)
			}
		}
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) > 0 {
			answers[f.Name] = values
		}
	}
	return answers
}

// field is what a form asks for in a flag.
func (k *clerk) field(s desk.Subject, f desk.Flag, answers desk.Answers, known map[string]string) (web.Field, error) {
	field := web.Field{Name: f.Name, Label: k.label(f.Name), Hint: k.hint(s, f, known), Values: answers[f.Name], Required: f.Required, Input: web.InputText}
	offers, all, err := k.offers(s, f, answers)
	if err != nil {
		return field, err
	}
	for _, o := range offers {
		field.Choices = append(field.Choices, web.Choice{Value: o.value, Words: o.words, Left: o.left, Depth: o.depth, Group: o.group})
	}
	if year, err := events.ParseYear(first(answers["year"])); err == nil && len(offers) > 0 && slices.Contains([]string{"line", "to-line", "of-line", "parent"}, f.Name) {
		field.Choices = append([]web.Choice{{Value: string(events.Root), Words: k.lineName(year, events.Root)}}, field.Choices...)
	}
	field.Others = all - len(offers)
	switch {
	case f.Form == desk.Leg:
		field.Input = web.InputLegs
	case f.Many:
		field.Input = web.InputLines
	case f.Form == desk.Money:
		field.Input = web.InputMoney
		if a, err := desk.ReadAmount(field.Value()); err == nil {
			if amount, err := events.ParseAmount(a.Figures); err == nil {
				field.Said = k.money(amount)
			}
		}
	case f.Form == desk.Date:
		field.Input = web.InputDate
	case f.Form == desk.Truth:
		field.Input = web.InputTruth
	case f.Form == desk.Reference:
		field.Input = web.InputEvent
		if n := k.seq(field.Value()); n != 0 && !field.Known() {
			if e, err := k.known().Stored(n); err == nil {
				field.Said = k.inWords(&e)
			}
		}
	case len(offers) > 0 && f.Form != desk.Spec:
		field.Input = web.InputChoice
	case f.Form == desk.Whole:
		field.Input = web.InputWhole
	}
	return field, nil
}

// hint says what to write in a field: in words of its own, or in those in which the manual explains it.
func (k *clerk) hint(s desk.Subject, f desk.Flag, known map[string]string) string {
	if len(f.Choices) > 0 && f.Name != "mode" && f.Name != "basis" {
		return ""
	}
	said := cmp.Or(texts.Find(k.lang, "field."+s.Name()+"."+f.Name, nil), texts.Find(k.lang, "field."+f.Name, nil), known[s.Name()+"."+f.Field], known[string(s.Kind)+"."+f.Field], known[f.Field])
	if strings.TrimPrefix(said, "a ") == strings.TrimPrefix(k.label(f.Name), "a ") {
		return ""
	}
	return said
}

// faultFields are the flags that a refusal is about which names none, the likeliest first.
var faultFields = map[events.Code][]string{
	events.UnknownYear: {"year"}, events.YearExists: {"year"}, events.YearClosedCode: {"year"}, events.YearNotClosed: {"year"}, events.UnknownLine: {"line", "to-line", "from"},
	events.NotALeaf: {"line", "to-line", "from"}, events.LineExists: {"line"}, events.BadTree: {"lines", "parent"}, events.VoucherUsed: {"voucher"}, events.UnknownTarget: {"of", "commitment", "settles", "against"},
	events.WrongTarget: {"of", "commitment", "settles", "against"}, events.AlreadyReversed: {"of"}, events.IsReversal: {"of"}, events.HasDependents: {"of"}, events.UnknownLot: {"lot"},
	events.LotExists: {"lot"}, events.ExceedsTarget: {"amount"}, events.NotWhole: {"amount"}, events.Unbalanced: {"to"}, events.SecondOriginal: {"stage"}, events.TwoPeople: {"approver"},
	events.NoEvidence: {"voucher", "document", "basis"}, events.OverBudget: {"amount", "from"}, events.ExceedsLot: {"amount"}, events.ExceedsCommitment: {"amount"}, events.LotExpired: {"lot"},
	events.FutureDate: {"date"}, events.OutsideYear: {"date"},
}

// fault is a refusal in words, at the field that it is about.
func (k *clerk) fault(s desk.Subject, err error) *web.Fault {
	var e *events.Error
	if !errors.As(err, &e) {
		return &web.Fault{Message: err.Error()}
	}
	f := &web.Fault{Code: e.Code}
	field := e.Args["field"]
	if s.Kind != "" && field != "" {
		name, ofDesk := strings.CutPrefix(field, "--")
		if f.Field = name; s.Flag(name) == nil {
			f.Field = s.FlagAt(field)
		}
		if ofDesk && f.Field != "" { // on a page nobody sees flags
			e = e.With("field", k.label(f.Field))
		}
	}
	f.Message, f.Hint = e.Message(k.lang), e.Hint(k.lang)
	if i := slices.IndexFunc(faultFields[e.Code], func(name string) bool { return s.Kind != "" && s.Flag(name) != nil }); f.Field == "" && i >= 0 {
		f.Field = faultFields[e.Code][i]
	}
	return f
}

// Propose tries a command on the ledger.
func (d *consoleDesk) Propose(ctx context.Context, kind string, answers map[string][]string, lang words.Language) *web.Proposal {
	s, _ := desk.Named(kind)
	k := d.clerk(events.Fund(first(answers["fund"])), nil, lang)
	p := &web.Proposal{}
	if err := s.Check(answers); err != nil {
		p.Fault = k.fault(s, err)
		return p
	}
	for _, f := range s.Missing(answers) {
		p.Missing = append(p.Missing, f.Name)
	}
	if len(p.Missing) > 0 {
		return p
	}
	raw, _, err := s.Parse(answers)
	if err != nil {
		p.Fault = k.fault(s, err)
		return p
	}
	return d.propose(ctx, k, s, [][]byte{raw})
}

// propose tries commands that stand or fall together. s is their subject where it is one command of a form.
func (d *consoleDesk) propose(ctx context.Context, k *clerk, s desk.Subject, commands [][]byte) *web.Proposal {
	p := &web.Proposal{Commands: commands}
	receipts, lines := d.store.ledger.Propose(ctx, inputsOf(commands), ledger.Local, true)
	for i := range receipts {
		r := &receipts[i]
		switch r.Status {
		case ledger.Refused, ledger.Failed:
			p.Fault = k.fault(s, r.Err())
			return p
		case ledger.Duplicate:
			p.Stored = r.Seq
			continue
		}
		p.Flags = append(p.Flags, r.Flags...)
		p.Twice = p.Twice || slices.Contains(r.Flags, events.PossibleDuplicate)
	}
	next, err := parsedLines(lines)
	if err != nil {
		p.Fault = k.fault(s, err)
		return p
	}
	if p.Next = next; len(next) > 0 {
		p.Stored = 0 // of a list some may be there
	}
	return p
}
