package desk

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fundledger/events"

	"golang.org/x/text/unicode/norm"
)

// Answers are what flags were given: name to values, in the order in which they came. A flag that is not in it was given nothing.
type Answers map[string][]string

// one is the last value of a flag.
func (a Answers) one(name string) string {
	if vs := a[name]; len(vs) > 0 {
		return vs[len(vs)-1]
	}
	return ""
}

// readable refuses answers that are no UTF-8, of which nothing could be written.
func (a Answers) readable() error {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		for _, v := range a[name] {
			if !utf8.ValidString(v) {
				return &events.Error{Code: events.BadValue, Why: "encoding", Args: events.Args{"field": "--" + name, "value": strings.ToValidUTF8(v, "\uFFFD")}}
			}
		}
	}
	return nil
}

// Command makes the command of answers, which the codec has not read yet: see [Subject.Parse]. It is a [events.BadValue] with the flag as its field where an
// answer is not written as its flag demands.
func (s Subject) Command(answers Answers) ([]byte, error) {
	d, err := s.draft(answers)
	if err != nil {
		return nil, err
	}
	return d.JSON(), nil
}

// Parse makes the command of answers and reads it. An error names the flag where it is about one.
func (s Subject) Parse(answers Answers) ([]byte, *events.Command, error) {
	raw, err := s.Command(answers)
	if err != nil {
		return nil, nil, err
	}
	c, err := events.ParseCommand(raw)
	return raw, &c, s.atFlag(err)
}

// Check reads the answers that there are so far: what is still missing is no fault. An error names the flag.
func (s Subject) Check(answers Answers) error {
	_, err := s.read(answers)
	return err
}

// Missing lists the flags that must have an answer and have none yet, in the order in which people are asked.
func (s Subject) Missing(answers Answers) (out []Flag) {
	missing, _ := s.read(answers)
	for _, f := range s.caused(answers).Flags() {
		if slices.Contains(missing, f.Field) && !slices.ContainsFunc(out, func(g Flag) bool { return g.Field == f.Field }) {
			out = append(out, f)
		}
	}
	return out
}

// caused is the subject with the cause that the answers name.
func (s Subject) caused(answers Answers) Subject {
	if cause := events.Cause(answers.one("cause")); s.Kind == events.ClawedBack && s.Cause == "" && slices.Contains(events.Causes, cause) {
		s.Cause = cause
	}
	return s
}

// read reads the answers that there are, with values standing in for what is missing. It returns the fields that are.
func (s Subject) read(answers Answers) (missing []string, err error) {
	s = s.caused(answers)
	for {
		d, err := s.draft(answers)
		if err != nil {
			return missing, err
		}
		for _, field := range missing {
			d.Raw(field, []byte(s.standIn(field)))
		}
		_, err = events.ParseCommand(d.JSON())
		var e *events.Error
		if !errors.As(err, &e) || e.Code != events.MissingField || slices.Contains(missing, e.Args["field"]) || s.standIn(e.Args["field"]) == "" || s.answered(e.Args["field"], answers) {
			return missing, s.atFlag(err)
		}
		missing = append(missing, e.Args["field"])
	}
}

// answered reports whether a flag of a field was given.
func (s Subject) answered(field string, answers Answers) bool {
	return slices.ContainsFunc(s.flagsOf(field), func(f Flag) bool { return len(answers[f.Name]) > 0 })
}

// atFlag says of an error of the codec which flag it is about.
func (s Subject) atFlag(err error) error {
	var e *events.Error
	if !errors.As(err, &e) {
		return err
	}
	if flag := s.FlagAt(e.Args["field"]); flag != "" {
		return e.With("field", "--"+flag)
	}
	return err
}

// standIns are values of the fields that a command can lack, so that the others can be read before they are known.
var standIns = map[string]string{
	"fund": `"f"`, "year": `2000`, "date": `"2000-01-01"`, "name": `"-"`, "line": `"1"`, "amount": `"1"`, "stage": `"original"`, "to": `"-"`, "of": `1`,
	"reallocated.from": `[{"line":"1","amount":"1"}]`, "reallocated.to": `[{"line":"1","amount":"1"}]`, "channel": `"payment"`, "cause": `"unidentified"`, "lot": `"-"`,
	"purpose": `"-"`, "to_year": `9000`, "from_year": `1000`, "reason": `"-"`, "set": `{"note":"-"}`, "text": `"-"`, "approvers": `["a","b"]`, "value": `"1"`,
	"unit": `"-"`, "source": `{"document":"-"}`, "to_line": `"2"`, "against": `2`, "measure": `"spent"`, "flag": `"over-budget"`, "month": `"2000-01"`, "account": `"-"`, "direction": `"in"`,
	"bank_lines": `[1]`, "rule": `"manual"`, "events": `[1]`,
}

// standIn is the value that stands in for a field, "" where there is none.
func (s Subject) standIn(field string) string {
	if in, ok := standIns[string(s.Kind)+"."+field]; ok {
		return in
	}
	return standIns[field]
}

// draft writes the command of answers.
func (s Subject) draft(answers Answers) (*events.Draft, error) {
	if err := answers.readable(); err != nil {
		return nil, err
	}
	s = s.caused(answers)
	d := (&events.Draft{}).Text("kind", string(s.Kind)).Text("cause", string(s.Cause))
	done := map[string]bool{"cause": s.Cause != ""}
	for _, f := range s.everyFlag(answers) {
		if done[f.Field] {
			continue
		}
		done[f.Field] = true
		if err := s.field(d, f.Field, answers); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// everyFlag is the subject's own flags and, of a kind whose cause is named among the answers, those that it was given though the cause has none: the
// codec refuses them by name.
func (s Subject) everyFlag(answers Answers) []Flag {
	all := s.Flags()
	if s.Kind == events.ClawedBack {
		for _, f := range (Subject{Kind: s.Kind}).Flags() {
			if len(answers[f.Name]) > 0 && !slices.ContainsFunc(all, func(g Flag) bool { return g.Field == f.Field }) {
				all = append(all, f)
			}
		}
	}
	return all
}

// field writes one field of a command.
func (s Subject) field(d *events.Draft, field string, answers Answers) error {
	flags := s.flagsOf(field)
	given := answers[flags[0].Name]
	switch {
	case field == "payee" || field == "source":
		inner := &events.Draft{}
		for _, f := range flags {
			switch v := answers.one(f.Name); {
			case f.Form == Whole && v != "":
				n, err := f.whole(v)
				if err != nil {
					return err
				}
				inner.Number(f.Member, n)
			default:
				inner.Text(f.Member, v)
			}
		}
		d.Object(field, inner)
		return nil
	case len(given) == 0:
		return nil
	}
	f := &flags[0]
	last := given[len(given)-1]
	switch f.Form {
	case Money:
		a, err := ReadAmount(last)
		if err != nil {
			return at(f, err)
		}
		d.Text(field, a.Figures)
		if len(answers["as-printed"]) == 0 {
			d.Text("as_printed", a.AsPrinted)
		}
		if len(answers["amount-text"]) == 0 {
			d.Text("amount_text", a.Capitals)
		}
	case Date:
		date, err := ReadDate(last)
		if err != nil {
			return at(f, err)
		}
		d.Text(field, date)
	case Whole:
		n, err := f.whole(last)
		if err != nil {
			return err
		}
		d.Number(field, n)
	case Truth:
		yes, err := strconv.ParseBool(last)
		if err != nil {
			return f.bad("truth-hand", last)
		}
		d.Truth(field, yes)
	case Reference:
		refs := make([]events.Ref, len(given))
		for i, v := range given {
			refs[i] = reference(v)
		}
		if f.Many {
			d.Refs(field, refs)
		} else {
			d.Ref(field, refs[len(refs)-1])
		}
	case Signed:
		signed(d, f, given)
	case Quantity:
		number, unit := ReadQuantity(last)
		d.Text(field, number)
		if field == "value" && len(answers["unit"]) == 0 {
			d.Text("unit", unit)
		}
	case Pair:
		return pairs(d, f, given)
	case Leg:
		return legs(d, f, given)
	case Spec:
		return specs(d, f, given)
	case Voucher:
		return voucher(d, f, last)
	default:
		if f.Many {
			d.Texts(field, given)
		} else {
			d.Text(field, last)
		}
	}
	return nil
}

// reference reads a number or an id.
func reference(s string) events.Ref {
	if n, err := events.ParseSeq(s); err == nil {
		return events.Ref{Seq: n}
	}
	return events.Ref{ID: events.ID(s)}
}

// signed writes references of which some are subtracted.
func signed(d *events.Draft, f *Flag, given []string) {
	var list []byte
	for i, v := range given {
		list = append(list, "[,"[min(i, 1)])
		bare, minus := strings.CutPrefix(v, "-")
		switch n, err := events.ParseSeq(bare); {
		case err == nil && minus:
			list = append(list, "-"+n.String()...)
		case err == nil:
			list = append(list, n.String()...)
		default:
			list = append(list, quoted(v)...)
		}
	}
	d.Raw(f.Field, append(list, ']'))
}

// quoted is a text as JSON.
func quoted(s string) []byte {
	object := (&events.Draft{}).Text("s", s).JSON()
	return object[len(`{"s":`) : len(object)-1]
}

// ReadQuantity reads a stated figure as people write it: its number as commands have it, and the unit written after it, one of yuan, wan, yi and %, or "". What is no
// number is left as it is, for the codec to refuse.
func ReadQuantity(s string) (number, unit string) {
	text := strings.TrimSpace(norm.NFKC.String(s))
	for _, u := range []struct{ written, unit string }{{"亿元", "yi"}, {"万元", "wan"}, {"亿", "yi"}, {"万", "wan"}, {"元", "yuan"}, {"%", "%"}} {
		if rest, ok := strings.CutSuffix(text, u.written); ok {
			text, unit = strings.TrimSpace(rest), u.unit
			break
		}
	}
	bare, minus := strings.CutPrefix(strings.Replace(text, "−", "-", 1), "-")
	plain, err := ungrouped(bare, s)
	if err != nil {
		return text, unit
	}
	if minus {
		plain = "-" + plain
	}
	return plain, unit
}

// pairs writes KEY=VALUE: classifications, or the words of an amendment.
func pairs(d *events.Draft, f *Flag, given []string) error {
	inner, payee := &events.Draft{}, &events.Draft{}
	var documents []string
	for _, v := range given {
		key, value, ok := strings.Cut(v, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" || value == "" {
			return f.bad("pair-hand", v)
		}
		member, ofPayee := strings.CutPrefix(key, "payee.")
		switch {
		case f.Field == "set" && (key == "document" || key == "documents"):
			documents = append(documents, value)
		case f.Field == "set" && ofPayee:
			payee.Text(member, value)
		default:
			inner.Text(key, value)
		}
	}
	inner.Texts("documents", documents).Object("payee", payee)
	d.Object(f.Field, inner)
	return nil
}

// legs writes LINE=AMOUNT.
func legs(d *events.Draft, f *Flag, given []string) error {
	var all []*events.Draft
	for _, v := range given {
		line, amount, ok := strings.Cut(v, "=")
		if !ok {
			return f.bad("leg-hand", v)
		}
		a, err := ReadAmount(amount)
		if err != nil {
			return at(f, err)
		}
		all = append(all, (&events.Draft{}).Text("line", strings.TrimSpace(line)).Text("amount", a.Figures))
	}
	d.Objects(f.Field, all)
	return nil
}

// specs writes CODE=NAME. A line stands below the longest other one whose code its own goes on from: 1.4 below 1, where there is a 1.
func specs(d *events.Draft, f *Flag, given []string) error {
	var codes []string
	names := map[string]string{}
	for _, v := range given {
		code, name, ok := strings.Cut(v, "=")
		if code, name = strings.TrimSpace(code), strings.TrimSpace(name); !ok || code == "" || name == "" {
			return f.bad("spec-hand", v)
		}
		codes, names[code] = append(codes, code), name
	}
	var all []*events.Draft
	for i, code := range codes {
		_, name, _ := strings.Cut(given[i], "=")
		spec := (&events.Draft{}).Text("code", code).Text("name", strings.TrimSpace(name))
		for at := strings.LastIndexAny(code, ".-"); at > 0; at = strings.LastIndexAny(code[:at], ".-") {
			if names[code[:at]] != "" {
				spec.Text("parent", code[:at])
				break
			}
		}
		all = append(all, spec)
	}
	d.Objects(f.Field, all)
	return nil
}

// voucher writes ISSUER/YEAR/TYPE/NUMBER[/LINE].
func voucher(d *events.Draft, f *Flag, v string) error {
	parts := strings.Split(strings.ReplaceAll(v, "／", "/"), "/")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) != 4 && len(parts) != 5 || slices.Contains(parts, "") {
		return f.bad("voucher-hand", v)
	}
	year, err := events.ParseYear(norm.NFKC.String(parts[1]))
	if err != nil {
		return f.bad("voucher-hand", v)
	}
	o := (&events.Draft{}).Text("issuer", parts[0]).Number("year", int64(year)).Text("type", parts[2]).Text("number", parts[3])
	if len(parts) == 5 {
		o.Text("line", parts[4])
	}
	d.Object(f.Field, o)
	return nil
}

// whole reads a year or a count.
func (f *Flag) whole(v string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(norm.NFKC.String(v)), "年"), 10, 32)
	if err != nil || n < 1 {
		return 0, f.bad("whole-hand", v)
	}
	return n, nil
}

// bad says that an answer is not written as its flag demands.
func (f *Flag) bad(why, value string) error {
	return &events.Error{Code: events.BadValue, Why: why, Args: events.Args{"field": "--" + f.Name, "value": value}}
}

// at makes an error one about a flag.
func at(f *Flag, err error) error {
	var e *events.Error
	if errors.As(err, &e) {
		return e.With("field", "--"+f.Name)
	}
	return err
}
