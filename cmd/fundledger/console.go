package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"
	"fundledger/ledger/desk"
	"fundledger/ledger/intake"
	"fundledger/projections"
	"fundledger/projections/live"
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
	_, first := utf8.DecodeRuneInString(out.Name)
	out.Name = strings.ToUpper(out.Name[:first]) + out.Name[first:] // which changes nothing of Chinese
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
		field.Choices = append(field.Choices, web.Choice{Value: o.value, Words: o.words, Left: o.left, Depth: o.depth})
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
	f := new(web.FaultOf(e, k.lang, func(field string) string { return k.fieldLabel(s, field) }))
	if field := e.Args["field"]; s.Kind != "" && field != "" {
		f.Field = flagOf(s, field)
	}
	if i := slices.IndexFunc(faultFields[e.Code], func(name string) bool { return s.Kind != "" && s.Flag(name) != nil }); f.Field == "" && i >= 0 {
		f.Field = faultFields[e.Code][i]
	}
	return f
}

// flagOf is the flag of a form by what an error calls it: by its own name, or by its place in the command; "" where it is none of them.
func flagOf(s desk.Subject, field string) string {
	if name := strings.TrimPrefix(field, "--"); s.Flag(name) != nil {
		return name
	}
	return s.FlagAt(field)
}

// fieldLabel is what a form calls the place of a command that an error names; "" where there is no such field. The fields of a list of commands are called as those of
// the forms that they have one each of.
func (a *app) fieldLabel(s desk.Subject, field string) string {
	if s.Kind != "" {
		if flag := flagOf(s, field); flag != "" {
			return texts.Find(a.lang, "label."+flag, nil)
		}
	}
	top := strings.FieldsFunc(strings.TrimPrefix(field, "--"), func(r rune) bool { return r == '.' || r == '[' })
	if len(top) == 0 {
		return ""
	}
	return texts.Find(a.lang, "label."+strings.ReplaceAll(top[0], "_", "-"), nil)
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

// ProposeAll tries commands that stand or fall together.
func (d *consoleDesk) ProposeAll(ctx context.Context, fund events.Fund, drafts []*events.Draft, lang words.Language) *web.Proposal {
	k := d.clerk(fund, nil, lang)
	lines, err := commandLines(drafts)
	if err != nil {
		return &web.Proposal{Fault: k.fault(desk.Subject{}, err)}
	}
	var commands [][]byte
	for line := range bytes.Lines(lines) {
		commands = append(commands, bytes.TrimSuffix(line, []byte("\n")))
	}
	if len(commands) == 0 {
		return &web.Proposal{}
	}
	return d.propose(ctx, k, desk.Subject{}, commands)
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

// importOptions lists what an import can be told, in the order of its form: those that most files need first.
var importOptions = strings.Fields("as unit year line channel issuer type account date dates sheet stage method mode basis document statement name map")

// importSwitches are those that are said or not.
var importSwitches = strings.Fields("no-voucher open ignore-totals atomic")

// ImportForm makes the form of an import.
func (d *consoleDesk) ImportForm(fund events.Fund, b *projections.Book, given map[string][]string, lang words.Language) (fields []web.Field, switches []web.Field, err error) {
	k := d.clerk(fund, b, lang)
	choices := (&register{}).choices()
	called := func(name, choice string) string {
		switch name {
		case "as":
			return texts.Find(lang, "import.as."+choice, nil)
		case "unit":
			return texts.Find(lang, "import.unit."+choice, nil)
		case "dates":
			return texts.Find(lang, "import.dates."+choice, nil)
		}
		return k.choiceWord(name, choice)
	}
	for _, name := range importOptions {
		f := web.Field{Name: name, Label: cmp.Or(texts.Find(lang, "import.label."+name, nil), k.label(name)), Hint: texts.Find(lang, "import.field."+name, nil), Values: given[name], Required: name == "as", Input: web.InputText}
		for _, c := range choices[name] {
			f.Input = web.InputChoice
			f.Choices = append(f.Choices, web.Choice{Value: c, Words: cmp.Or(called(name, c), c)})
		}
		switch h := k.known(); name {
		case "date":
			f.Input = web.InputDate
		case "map":
			f.Input = web.InputLines
		case "year":
			if h == nil {
				break
			}
			for _, y := range h.Years() {
				f.Input = web.InputChoice
				f.Choices = append(f.Choices, web.Choice{Value: y.String(), Words: y.String()})
			}
		}
		fields = append(fields, f)
	}
	for _, name := range importSwitches {
		switches = append(switches, web.Field{Name: name, Label: texts.Find(lang, "import.switch."+name, nil), Values: given[name], Input: web.InputTruth})
	}
	return fields, switches, nil
}

// shownRows is how many rows of a file a page shows; of the refused ones it shows as many again.
const shownRows = 200

// Import reads a register or a statement, and tries its rows or appends them.
func (d *consoleDesk) Import(ctx context.Context, fund events.Fund, given map[string][]string, name string, file io.ReaderAt, size int64, post bool, lang words.Language, read func(at, of int64)) (*web.Import, error) {
	var said bytes.Buffer
	a := *d.app
	a.lang, a.stderr, a.stdout, a.log = lang, &said, io.Discard, nil
	value := func(name string) string { return strings.TrimSpace(first(given[name])) }
	r := register{
		as: value("as"), fund: string(fund), year: value("year"), sheet: value("sheet"), unit: value("unit"), order: value("dates"), name: value("name"), format: "text", fixed: map[intake.Role]*string{},
		noVoucher: value("no-voucher") == "true", open: value("open") == "true", ignoreTotals: value("ignore-totals") == "true", atomic: value("atomic") == "true", dry: !post,
	}
	for _, f := range fixedFlags {
		r.fixed[f.role] = new(value(f.flag))
	}
	out := &web.Import{}
	fail := func(err error) (*web.Import, error) {
		out.Notices = a.noticed(&said)
		if errors.As(err, new(exit)) { // whose words are among the notices
			out.Stopped = true
			return out, nil
		}
		var e *events.Error
		if errors.As(err, &e) && (e.Code == events.Unavailable || e.Code == events.Tampered || e.Code == events.Busy) {
			return nil, err
		}
		out.Fault = a.importFault(err)
		return out, nil
	}
	o, err := a.importOptions(ctx, &r)
	if err != nil {
		return fail(err)
	}
	if text := value("map"); text != "" {
		if o.Map, err = intake.ReadMapping(strings.NewReader(text)); err != nil {
			return fail(err)
		}
	}
	opened, err := intake.Open(filepath.Base(name), file, size)
	if err != nil {
		return fail(err)
	}
	job := &importing{app: &a, register: r, name: name, rows: map[place]*refusedRow{}, fund: fund, decimals: 2, currency: "CNY", showing: true, onPage: true, most: shownRows}
	facts := intake.Facts{Decimals: 2}
	books := d.store.books.Load()
	now := func(do func(b *projections.Book) error) error {
		return books.Read(ctx, fund, 0, projections.Moment{}, func(_ live.Cut, b *projections.Book) error { return do(b) })
	}
	err = now(func(b *projections.Book) (err error) {
		as := o.As
		if as == intake.Payments || as == intake.Receipts { // whose rows seldom speak of payments that there are
			as = ""
		}
		facts, err = job.factsOf(b, as)
		return err
	})
	if err != nil && (events.CodeOf(err) != events.UnknownFund || o.As != intake.Budget) { // a budget can open the fund
		return fail(err)
	}
	facts.Payments = func() (payments []intake.Payment, err error) {
		err = now(func(b *projections.Book) (err error) {
			payments, err = standingPayments(b)
			return err
		})
		if events.CodeOf(err) == events.UnknownFund {
			err = nil
		}
		return payments, err
	}
	if err := job.planned(opened, o, facts); err != nil {
		return fail(err)
	}
	if err := job.plan.Prepare(); err != nil {
		return fail(err)
	}
	if layout, err := job.plan.Mapping.AppendJSON(nil); err == nil {
		out.Layout = string(layout)
	}
	whole := job.plan.Size()
	t := &tally{app: &a, out: io.Discard, seen: job.answered}
	rows := job.inputs(func(at int64) { read(at, whole) })
	switch {
	case !post:
		err = dryRunOn(ctx, ledger.NewTrial(d.store.logs, a.now), rows, r.atomic, t)
	case r.atomic:
		var all []ledger.Input
		if all, err = collect(rows); err == nil && len(all) > 0 {
			done := make(chan []ledger.Receipt, 1)
			d.store.submit(ctx, all, true, func(rs []ledger.Receipt) { done <- rs })
			t.add(<-done)
		}
	default:
		err = appendAllTo(ctx, rows, t, func() (submitter, error) { return d.store.submit, nil })
	}
	if err != nil {
		return fail(err)
	}
	job.summary()
	out.Rows, out.More, out.Notices = job.sheet(), job.more, a.noticed(&said)
	out.New = job.statuses[ledger.WouldAppend] + job.statuses[ledger.Appended]
	out.Refused = len(job.order)
	if len(job.order) > 0 {
		var refused []intake.Refused
		for _, at := range job.order {
			refused = append(refused, job.rows[at].Refused)
		}
		var mend bytes.Buffer
		if err := job.plan.WriteRefused(&mend, refused, lang); err != nil {
			return nil, err
		}
		out.Mend, out.MendName = mend.Bytes(), refusedStem(name)
	}
	return out, nil
}

// reason is why a row is refused, as it is shown. On a page fields are called as forms call them, and nobody sees flags.
func (i *importing) reason(r *ledger.Receipt) string {
	if !i.onPage || r.Code == "" {
		return r.Message
	}
	a := i.app
	f := web.FaultOf(&events.Error{Code: r.Code, Why: r.Why, Args: r.Args}, a.lang, func(field string) string { return a.fieldLabel(desk.Subject{}, field) })
	return a.offFlags(f.Message)
}

// noticed is what was said on the way, a line each.
func (a *app) noticed(said *bytes.Buffer) (out []string) {
	for line := range strings.Lines(said.String()) {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "fundledger: ")); line != "" {
			out = append(out, a.offFlags(line))
		}
	}
	return out
}

// importFault is a question about a file, or what is wrong with it, at the option that it is about.
func (a *app) importFault(err error) *web.Fault {
	f := &web.Fault{Message: err.Error()}
	var e *events.Error
	var said hinted
	switch {
	case errors.As(err, &e):
		*f = web.FaultOf(e, a.lang, a.importLabel)
		f.Field = strings.TrimPrefix(cmp.Or(e.Args["flag"], e.Args["field"]), "--")
		switch e.Why {
		case "no-header", "no-column":
			f.Field = "as"
		case "no-sheet":
			f.Field = "sheet"
		case "mapping", "mapping-choice":
			f.Field = "map"
		}
	case errors.As(err, &said):
		f.Message, f.Hint = said.message, said.hint
		if m := flagName.FindString(f.Message); m != "" {
			f.Field = strings.TrimPrefix(m, "--")
		}
	}
	if !slices.Contains(importOptions, f.Field) && !slices.Contains(importSwitches, f.Field) {
		f.Field = ""
	}
	f.Message, f.Hint = a.offFlags(f.Message), a.offFlags(f.Hint)
	return f
}

// importLabel is what the form of an import calls an option, or else what a row has.
func (a *app) importLabel(field string) string {
	name, option := strings.CutPrefix(field, "--")
	own, row := cmp.Or(texts.Find(a.lang, "import.label."+name, nil), texts.Find(a.lang, "import.switch."+name, nil)), a.fieldLabel(desk.Subject{}, field)
	if option {
		return cmp.Or(own, row)
	}
	return cmp.Or(row, own)
}

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// offFlags calls by their labels what the command line has flags for: on a page nobody sees them.
func (a *app) offFlags(s string) string {
	return flagName.ReplaceAllStringFunc(s, func(flag string) string {
		said := a.importLabel(flag)
		if said == "" {
			return flag
		}
		return a.say("import.called", map[string]string{"label": said})
	})
}
