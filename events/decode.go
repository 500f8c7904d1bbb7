package events

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bojanz/currency"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
)

// MaxLine is how many bytes an event's stored line may have.
const MaxLine = 65535

// ParseCommand parses one command. Codes, the first that applies: [Malformed] (not one JSON object, bad UTF-8, a name twice at any depth),
// [UnknownKind], [UnknownField], [MissingField], [BadValue], [TooLarge]. The error's args name the field (and, within lists, the place) and
// the value; its words say what to write instead. What only a ledger can know, such as the currency's decimals, is not looked at.
//
// The command keeps raw, or a copy without the line breaks between tokens. Beside an error stands what could be read of it, for the receipt.
func ParseCommand(raw []byte) (c Command, err error) {
	err = c.Read(raw)
	return c, err
}

// Read is [ParseCommand] into a zero command.
func (c *Command) Read(raw []byte) error {
	if quickCommand(c, raw) {
		return nil
	}
	var err error
	*c, err = parseCommand(raw, false)
	return err
}

// parseCommand reads a command. One that is stored has been checked as part of its line, and may have fields that this release does not know.
func parseCommand(raw []byte, stored bool) (Command, error) {
	if !stored {
		raw = bytes.Trim(raw, jsonSpace)
		if err := checkObject(raw); err != nil {
			return Command{Seldom: none}, err
		}
		if bytes.ContainsAny(raw, "\r\n") {
			raw = withoutBreaks(raw)
		}
	}
	p := &parser{c: Command{Raw: raw, Mode: Control, Basis: ByVoucher, Seldom: &Seldom{}}, stored: stored}
	var buf [24]member
	top := members(raw, buf[:0])
	p.command(top)
	if p.err != nil {
		p.ownID(top)
		return p.c, p.err
	}
	if len(raw) > MaxLine {
		return p.c, &Error{Code: TooLarge, Args: Args{"size": strconv.Itoa(len(raw)), "limit": strconv.Itoa(MaxLine)}}
	}
	return p.c, nil
}

// ownID reads the caller's key of a command that is refused before its fields were read: the receipt names it.
func (p *parser) ownID(top []member) {
	for _, m := range top {
		if m.name == "id" && m.value.Kind() == '"' {
			if id, err := ParseID(unquote(m.value)); err == nil {
				p.c.ID = id
			}
		}
	}
}

// jsonSpace is the white space of JSON. Unicode's, which [bytes.TrimSpace] knows, would end up in the stored line and break it.
const jsonSpace = " \t\r\n"

// withoutBreaks removes the line breaks of well-formed JSON. They stand between its tokens alone: a string cannot hold one, and no two
// tokens are kept apart by nothing else. It works on bytes, since mapping runes would turn bad UTF-8 into good.
func withoutBreaks(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for _, c := range raw {
		if c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return out
}

// checkObject reports whether raw is one JSON object and nothing after it. Names that occur twice at any depth and bad UTF-8 are [Malformed].
func checkObject(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' && jsontext.Value(raw).IsValid() {
		return nil
	}
	if !utf8.Valid(raw) {
		return &Error{Code: Malformed, Why: "utf8", Args: Args{"value": clip(string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))))}}
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if k := d.PeekKind(); k != '{' && k != 0 {
		return &Error{Code: Malformed, Why: "object", Args: Args{"value": clip(string(raw))}}
	}
	if _, err := d.ReadValue(); err != nil {
		return malformed(err, raw)
	}
	return &Error{Code: Malformed, Why: "trailing", Args: Args{"value": clip(string(raw[d.InputOffset():]))}}
}

func malformed(err error, raw []byte) *Error {
	e := &Error{Code: Malformed, Args: Args{"value": clip(string(raw))}, Err: err}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		e.Args["at"] = strconv.FormatInt(syntax.ByteOffset, 10)
		e.Args["field"] = clip(strings.ReplaceAll(strings.TrimPrefix(string(syntax.JSONPointer), "/"), "/", "."))
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Why = "twice"
			return e
		}
	}
	e.Args["cause"] = strings.TrimPrefix(err.Error(), "jsontext: ")
	if syntax != nil {
		e.slip(raw, int(syntax.ByteOffset), errors.Is(err, io.ErrUnexpectedEOF))
	}
	return e
}

// slip chooses the wording for the usual slip that stands where the text ceases to be JSON, if it is one of them.
func (e *Error) slip(raw []byte, at int, ended bool) {
	text := bytes.TrimLeft(raw, " \t\r")
	var r rune
	if at < len(raw) {
		r, _ = utf8.DecodeRune(raw[at:])
	}
	switch {
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		e.Why = "excel"
	case len(text) > 0 && text[0] != '{':
		e.Why = "text"
	case ended:
		e.Why = "unfinished"
	case strings.ContainsRune("'‘’“”＂＇", r):
		e.Why = "quotes"
	case strings.ContainsRune("，：；｛｝［］", r):
		e.Why = "signs"
	case r == '}' || r == ']':
		e.Why = "comma"
	case r == '"':
		e.Why = "no-comma"
	}
}

// clip shortens a value for a message.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// A parser reads one command. It keeps the fault that comes first in the order of the codes, and among those of one code the first found.
type parser struct {
	c      Command
	err    *Error
	stored bool // from a log: names that this release does not know are passed over
}

func (p *parser) fault(e *Error) {
	if p.err == nil || slices.Index(Refusals, e.Code) < slices.Index(Refusals, p.err.Code) {
		p.err = e
	}
}

// bad notes a value that field path cannot have; a cause from a parser of values keeps its own wording.
func (p *parser) bad(path string, v jsontext.Value, cause error) {
	e, ok := cause.(*Error)
	if !ok {
		e = badValue("", "")
	}
	value := e.Args["value"]
	if value == "" {
		value = string(v)
	}
	p.fault(e.With("field", path).With("value", clip(value)))
}

func (p *parser) command(top []member) {
	c := &p.c
	find := func(name string) jsontext.Value {
		for _, m := range top {
			if m.name == name {
				return m.value
			}
		}
		return nil
	}
	kind := find("kind")
	if kind == nil {
		for _, m := range top {
			if !anyKind[m.name] {
				p.unknown(m.name, m.name, m.value, slices.Sorted(maps.Keys(anyKind)))
			}
		}
		p.fault(&Error{Code: MissingField, Why: "kind", Args: Args{"field": "kind"}})
		return
	}
	if kind.Kind() != '"' {
		why := "type-text"
		if kind.Kind() == 'n' {
			why = "null"
		}
		p.bad("kind", kind, badValue(why, ""))
		return
	}
	c.Kind = Kind(nameOf(kind))
	if shapeOf(c.Kind, "") == nil {
		e := &Error{Code: UnknownKind, Args: Args{"field": "kind", "value": clip(string(c.Kind)), "kinds": joined(Kinds)}}
		p.fault(e)
		return
	}
	if c.Kind == ClawedBack {
		if cause := find("cause"); cause.Kind() == '"' {
			c.Cause = Cause(nameOf(cause))
		}
	}
	shape := shapeOf(c.Kind, c.Cause)
	required := 0
	for _, m := range top {
		must, ok := shape[m.name]
		if !ok {
			p.unknown(m.name, m.name, m.value, Fields(c.Kind, c.Cause))
			continue
		}
		if must {
			required++
		}
		p.field(m.name, m.value)
	}
	if required < mustHave(c.Kind, c.Cause) {
		for _, name := range Fields(c.Kind, c.Cause) {
			if shape[name] && find(name) == nil {
				p.missing(name)
			}
		}
	}
	p.whole(find)
}

func (p *parser) missing(path string) {
	p.fault(&Error{Code: MissingField, Args: Args{"field": path, "kind": p.kindWord()}})
}

func (p *parser) unknown(path, name string, v jsontext.Value, known []string) {
	if p.stored {
		return
	}
	e := &Error{Code: UnknownField, Args: Args{"field": clip(path), "value": clip(string(v)), "kind": p.kindWord(), "fields": strings.Join(known, " ")}}
	for _, k := range known {
		if strings.EqualFold(k, name) {
			e.Why = "case"
			e.Args["known"] = k
		}
	}
	if e.Why == "" && slices.Equal(known, personNames.known) {
		e.Why = "person"
	}
	p.fault(e)
}

func (p *parser) kindWord() string {
	if p.c.Cause != "" {
		return string(p.c.Kind) + " (" + string(p.c.Cause) + ")"
	}
	return string(p.c.Kind)
}

// whole checks what involves several fields, and fills in the defaults that need no ledger.
func (p *parser) whole(find func(string) jsontext.Value) {
	c := &p.c
	has := func(name string) bool { return find(name) != nil }
	either := func(a, b string) {
		if has(a) && has(b) {
			p.bad(b, find(b), badValue("either", "").With("other", a))
		}
	}
	if c.AmountText != "" && !c.Amount.IsZero() {
		if words, ok := ParseCapitals(c.AmountText); !ok {
			p.bad("amount_text", nil, badValue("capitals-form", c.AmountText))
		} else if !words.Equal(c.Amount) {
			formal, _ := FormatCapitals(c.Amount)
			p.bad("amount_text", nil, badValue("capitals-differ", c.AmountText).With("amount", c.Amount.String()).With("reads", words.String()).With("capitals", formal))
		}
	}
	switch c.Kind {
	case FundOpened:
		first, _ := ParseDay(c.Year.String() + "-01-01")
		if !has("from") {
			c.From = first
		}
		if !has("to") {
			if has("from") {
				if c.To = c.From.end(12); c.To > lastDay {
					p.bad("from", nil, badValue("day-form", c.From.String()))
				}
			} else {
				c.To = first.end(12)
			}
		}
		if c.To < c.From {
			p.bad("to", nil, badValue("period-order", c.To.String()).With("from", c.From.String()))
		}
	case LineAdded:
		l := LineSpec{Code: c.Line, Parent: Root, Name: c.Name, NameEn: c.NameEn}
		if len(c.Lines) == 1 {
			l.Parent, l.Reserve, l.Was, l.Description = c.Lines[0].Parent, c.Lines[0].Reserve, c.Lines[0].Was, c.Lines[0].Description
		}
		c.Lines = []LineSpec{l}
	case ClawedBack:
		switch c.Cause {
		case PriorYear:
			if !has("of") && !has("from_year") {
				p.missing("from_year")
			}
			either("of", "from_year")
			if has("of_line") && !has("of") {
				p.missing("of")
			}
			if c.FromYear != 0 && c.Year != 0 && c.FromYear >= c.Year {
				p.bad("from_year", find("from_year"), badValue("year-earlier", "").With("year", c.Year.String()))
			}
			fallthrough
		case Unidentified:
			if !has("line") {
				c.Line = Root
			}
		case Offset:
			if c.Mode == Control && !has("against") {
				p.missing("against")
			}
		}
	case CarriedOver:
		if !has("to_line") {
			c.ToLine = Root
		}
		if c.ToYear != 0 && c.Year != 0 && c.ToYear <= c.Year {
			p.bad("to_year", find("to_year"), badValue("year-later", "").With("year", c.Year.String()))
		}
	case CarriedIn:
		if c.FromYear != 0 && c.Year != 0 && c.FromYear >= c.Year {
			p.bad("from_year", find("from_year"), badValue("year-earlier", "").With("year", c.Year.String()))
		}
	case Reclassified:
		if !has("to_line") && !has("to_dims") {
			p.missing("to_line")
		}
	case Explained:
		switch {
		case has("of"):
			either("of", "line")
			either("of", "measure")
		case has("flag"):
			p.missing("of")
		case has("line") && !has("measure"):
			p.missing("measure")
		case has("measure") && !has("line"):
			p.missing("line")
		case !has("line"):
			p.missing("of")
		}
	case BankLine:
		if !c.Date.IsZero() && !c.Date.Exact() {
			p.bad("date", find("date"), badValue("value-date", c.Date.String()))
		}
	case BankMatched:
		if v := find("bank_lines"); v.Kind() == '[' && len(c.BankLines) == 0 {
			p.bad("bank_lines", v, badValue("empty", ""))
		}
		if len(c.Matched) == 0 && !has("reason") {
			p.missing("events")
		}
	case FigureStated:
		if !has("measure") && !has("name") {
			p.missing("measure")
		}
		if n := len(c.QuotientOf); has("quotient_of") && n != 2 {
			p.bad("quotient_of", find("quotient_of"), badValue("two-refs", ""))
		}
	}
}

// field reads one field that the command's kind takes.
func (p *parser) field(name string, v jsontext.Value) {
	c := &p.c
	if v.Kind() == 'n' {
		p.bad(name, v, badValue("null", "null"))
		return
	}
	switch name {
	case "kind", "cause":
		if name == "cause" {
			enum(p, name, v, &c.Cause, Causes)
		}
	case "fund":
		parse(p, name, v, &c.Fund, ParseFund)
	case "year":
		p.year(name, v, &c.Year)
	case "date":
		parse(p, name, v, &c.Date, ParseDate)
	case "id":
		parse(p, name, v, &c.ID, ParseID)
	case "mode":
		enum(p, name, v, &c.Mode, modes)
	case "basis":
		enum(p, name, v, &c.Basis, Bases)
	case "documents":
		p.texts(name, v, &c.Documents)
	case "dims":
		p.dims(name, v, &c.Dims)
	case "note":
		p.text(name, v, &c.Note, 2000)
	case "amount":
		parse(p, name, v, &c.Amount, ParseAmount)
	case "as_printed":
		p.text(name, v, &c.AsPrinted, 500)
	case "amount_text":
		p.text(name, v, &c.AmountText, 500)
	case "line":
		parse(p, name, v, &c.Line, ParseLine)
	case "lot":
		p.text(name, v, &c.Lot, 500)
	case "purpose":
		p.text(name, v, &c.Purpose, 500)
	case "reason":
		p.text(name, v, &c.Reason, 500)
	case "counterparty":
		p.text(name, v, &c.Counterparty, 500)
	case "payee":
		p.payee(name, v, &c.Payee)
	case "voucher":
		p.voucher(name, v, &c.Voucher)
	case "name":
		if c.Kind == FigureStated {
			p.text(name, v, &c.Figure, 500)
		} else {
			p.text(name, v, &c.Name, 500)
		}
	case "name_en":
		p.text(name, v, &c.NameEn, 500)
	case "department":
		p.text(name, v, &c.Department, 500)
	case "currency":
		parse(p, name, v, &c.Currency, parseCurrency)
	case "time_zone":
		parse(p, name, v, &c.TimeZone, parseZone)
	case "budgeted":
		budgeted := true
		p.boolean(name, v, &budgeted)
		c.Unbudgeted = !budgeted
	case "lines":
		p.lines(name, v, &c.Lines)
	case "parent", "reserve", "was", "description":
		if len(c.Lines) == 0 {
			c.Lines = []LineSpec{{Parent: Root}}
		}
		p.lineField(name, name, v, &c.Lines[0])
	case "stage":
		enum(p, name, v, &c.Stage, stages)
	case "from":
		if c.Kind == FundOpened {
			parse(p, name, v, &c.From, ParseDay)
		} else {
			p.legs(name, v, &c.FromLegs)
		}
	case "to":
		switch c.Kind {
		case FundOpened:
			parse(p, name, v, &c.To, ParseDay)
		case Allotted:
			p.text(name, v, &c.Recipient, 500)
		default:
			p.legs(name, v, &c.ToLegs)
		}
	case "covers":
		p.refs(name, v, &c.Covers)
	case "quota":
		p.text(name, v, &c.Quota, 500)
	case "contract":
		p.text(name, v, &c.Contract, 500)
	case "due":
		parse(p, name, v, &c.Due, ParseDate)
	case "channel":
		enum(p, name, v, &c.Channel, Channels)
	case "method":
		enum(p, name, v, &c.Method, Methods)
	case "of":
		p.ref(name, v, &c.Of)
	case "commitment":
		p.ref(name, v, &c.Commitment)
	case "against":
		p.ref(name, v, &c.Against)
	case "settles":
		p.ref(name, v, &c.Settles)
	case "of_line":
		parse(p, name, v, &c.OfLine, ParseLine)
	case "from_year":
		p.year(name, v, &c.FromYear)
	case "to_year":
		p.year(name, v, &c.ToYear)
	case "to_line":
		parse(p, name, v, &c.ToLine, ParseLine)
	case "to_dims":
		p.dims(name, v, &c.ToDims)
		if c.ToDims == nil && v.Kind() == '{' {
			p.bad(name, v, badValue("empty", ""))
		}
	case "expires":
		c.HasExpires = parse(p, name, v, &c.Expires, ParseDay)
	case "set":
		p.amendment(name, v, &c.Set)
	case "text":
		p.text(name, v, &c.Text, 500)
	case "flag":
		enum(p, name, v, &c.Flag, Flags)
	case "measure":
		enum(p, name, v, &c.Measure, append(slices.Clone(Measures), Derived...))
	case "month":
		parse(p, name, v, &c.Month, ParseMonth)
	case "account":
		p.text(name, v, &c.Account, 500)
	case "direction":
		enum(p, name, v, &c.Direction, ways)
	case "counterparty_account":
		p.text(name, v, &c.CounterpartyAccount, 500)
	case "reference":
		p.text(name, v, &c.Reference, 500)
	case "statement":
		p.text(name, v, &c.Statement, 500)
	case "balance":
		parse(p, name, v, &c.Balance, ParseNumber)
	case "bank_lines":
		p.refs(name, v, &c.BankLines)
	case "events":
		p.refs(name, v, &c.Matched)
	case "rule":
		enum(p, name, v, &c.Rule, Matchings)
	case "approvers":
		p.texts(name, v, &c.Approvers)
	case "value":
		parse(p, name, v, &c.Value, ParseNumber)
	case "unit":
		p.text(name, v, &c.Unit, 500)
	case "source":
		p.source(name, v, &c.Source)
	case "as_of":
		c.HasAsOf = parse(p, name, v, &c.AsOf, ParseDay)
	case "denominator":
		enum(p, name, v, &c.Denominator, []string{"original", "adjusted", "net", "current"})
	case "step":
		if parse(p, name, v, &c.Step, ParseNumber) && strings.HasPrefix(string(c.Step), "-") {
			p.bad(name, v, badValue("step-sign", string(c.Step)))
		}
	case "sum_of":
		p.signedRefs(name, v, &c.SumOf)
	case "quotient_of":
		p.refs(name, v, &c.QuotientOf)
	default:
		panic("events: no reader for field " + name)
	}
}

// parse reads a text by its parser and reports whether it could.
func parse[T any](p *parser, path string, v jsontext.Value, to *T, parser func(string) (T, error)) bool {
	if v.Kind() != '"' {
		p.bad(path, v, badValue("type-text", ""))
		return false
	}
	got, err := parser(unquote(v))
	if err != nil {
		p.bad(path, v, err)
		return false
	}
	*to = got
	return true
}

// enum reads one of several words.
func enum[T ~string](p *parser, path string, v jsontext.Value, to *T, of []T) {
	if v.Kind() != '"' {
		p.bad(path, v, badValue("type-text", ""))
		return
	}
	word := T(nameOf(v))
	if !slices.Contains(of, word) {
		p.bad(path, v, badValue("choice", string(word)).With("choices", joined(of)))
		return
	}
	*to = word
}

func joined[T ~string](of []T) string {
	ss := make([]string, len(of))
	for i, s := range of {
		ss[i] = string(s)
	}
	return strings.Join(ss, " ")
}

func (p *parser) text(path string, v jsontext.Value, to *string, most int) {
	parse(p, path, v, to, func(s string) (string, error) {
		switch n := utf8.RuneCountInString(s); {
		case strings.TrimSpace(s) == "":
			return "", badValue("empty", s)
		case n > most:
			return "", badValue("long", clip(s)).With("length", strconv.Itoa(n)).With("limit", strconv.Itoa(most))
		}
		return s, nil
	})
}

func (p *parser) texts(path string, v jsontext.Value, to *[]string) {
	p.list(path, v, func(path string, v jsontext.Value) {
		var s string
		p.text(path, v, &s, 500)
		*to = append(*to, s)
	})
}

// list reads a JSON array, element by element.
func (p *parser) list(path string, v jsontext.Value, read func(path string, v jsontext.Value)) {
	if v.Kind() != '[' {
		p.bad(path, v, badValue("type-list", ""))
		return
	}
	var buf [8]jsontext.Value
	for i, e := range elements(v, buf[:0]) {
		at := path + "[" + strconv.Itoa(i) + "]"
		if e.Kind() == 'n' {
			p.bad(at, e, badValue("null", "null"))
			continue
		}
		read(at, e)
	}
}

// A nested lists the names of an object within a command.
type nested struct{ known, required []string }

// nest makes one from names, of which required ones have a *.
func nest(names string) *nested {
	n := &nested{}
	for name := range strings.FieldsSeq(names) {
		bare, required := strings.CutSuffix(name, "*")
		n.known = append(n.known, bare)
		if required {
			n.required = append(n.required, bare)
		}
	}
	return n
}

var (
	legNames        = nest("line* amount*")
	lineNames       = nest("code* name* parent name_en reserve was description")
	payeeNames      = nest("name id class account bank count")
	personNames     = nest("class ref*") // all that is stored of a person
	voucherNames    = nest("issuer* year* type* number* line")
	sourceNames     = nest("document* table cell")
	amendmentNames  = nest("purpose note documents payee name name_en description")
	amendPayeeNames = nest("name id")
)

// object reads a JSON object. It reports whether v is one.
func (p *parser) object(path string, v jsontext.Value, names *nested, read func(name, path string, v jsontext.Value)) bool {
	if v.Kind() != '{' {
		p.bad(path, v, badValue("type-object", ""))
		return false
	}
	var buf [12]member
	found := members(v, buf[:0])
	for _, m := range found {
		at := path + "." + m.name
		switch {
		case !slices.Contains(names.known, m.name):
			p.unknown(at, m.name, m.value, names.known)
		case m.value.Kind() == 'n':
			p.bad(at, m.value, badValue("null", "null"))
		default:
			read(m.name, at, m.value)
		}
	}
	for _, name := range names.required {
		if !slices.ContainsFunc(found, func(m member) bool { return m.name == name }) {
			p.missing(path + "." + name)
		}
	}
	return true
}

func (p *parser) boolean(path string, v jsontext.Value, to *bool) {
	switch v.Kind() {
	case 't':
		*to = true
	case 'f':
		*to = false
	default:
		p.bad(path, v, badValue("type-bool", ""))
	}
}

func (p *parser) year(path string, v jsontext.Value, to *Year) {
	if v.Kind() != '0' {
		p.bad(path, v, badValue("type-year", ""))
		return
	}
	y, err := ParseYear(string(v))
	if err != nil {
		p.bad(path, v, err)
		return
	}
	*to = y
}

func (p *parser) ref(path string, v jsontext.Value, to *Ref) {
	switch v.Kind() {
	case '0':
		n, err := ParseSeq(string(v))
		if err != nil {
			p.bad(path, v, err)
			return
		}
		*to = Ref{Seq: n}
	case '"':
		id, err := ParseID(unquote(v))
		if err != nil {
			p.bad(path, v, err)
			return
		}
		*to = Ref{ID: id}
	default:
		p.bad(path, v, badValue("type-ref", ""))
	}
}

func (p *parser) refs(path string, v jsontext.Value, to *[]Ref) {
	p.list(path, v, func(path string, v jsontext.Value) {
		var r Ref
		p.ref(path, v, &r)
		*to = append(*to, r)
	})
}

// signedRefs reads references of which a leading - means that the figure is subtracted.
func (p *parser) signedRefs(path string, v jsontext.Value, to *[]SignedRef) {
	p.list(path, v, func(path string, v jsontext.Value) {
		var r SignedRef
		switch s := string(v); {
		case v.Kind() == '0' && s[0] == '-':
			r.Minus = true
			p.ref(path, v[1:], &r.Ref)
		case v.Kind() == '"' && strings.HasPrefix(unquote(v), "-"):
			r.Minus = true
			bare, _ := jsontext.AppendQuote(nil, unquote(v)[1:])
			p.ref(path, bare, &r.Ref)
		default:
			p.ref(path, v, &r.Ref)
		}
		*to = append(*to, r)
	})
}

func (p *parser) dims(path string, v jsontext.Value, to *Dims) {
	if v.Kind() != '{' {
		p.bad(path, v, badValue("type-object", ""))
		return
	}
	var buf [16]member
	found := members(v, buf[:0])
	if len(found) > 16 {
		p.bad(path, v, badValue("dims-many", strconv.Itoa(len(found))))
	}
	if len(found) > 0 {
		*to = make(Dims, 0, len(found))
	}
	for _, m := range found {
		at := path + "." + m.name
		if !dimForm(m.name) {
			p.bad(clip(at), nil, badValue("dim-key", m.name))
			continue
		}
		var value string
		if m.value.Kind() == 'n' {
			p.bad(at, m.value, badValue("null", "null"))
			continue
		}
		p.text(at, m.value, &value, 64)
		*to = append(*to, Dim{m.name, value})
	}
	slices.SortFunc(*to, func(a, b Dim) int { return strings.Compare(a.Key, b.Key) })
}

func dimForm(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 24
}

func (p *parser) legs(path string, v jsontext.Value, to *[]Leg) {
	p.list(path, v, func(path string, v jsontext.Value) {
		var l Leg
		p.object(path, v, legNames, func(name, path string, v jsontext.Value) {
			if name == "line" {
				parse(p, path, v, &l.Line, ParseLine)
			} else {
				parse(p, path, v, &l.Amount, ParseAmount)
			}
		})
		*to = append(*to, l)
	})
	if v.Kind() == '[' && len(*to) == 0 {
		p.bad(path, v, badValue("empty", ""))
	}
}

func (p *parser) lines(path string, v jsontext.Value, to *[]LineSpec) {
	p.list(path, v, func(path string, v jsontext.Value) {
		l := LineSpec{Parent: Root}
		p.object(path, v, lineNames, func(name, path string, v jsontext.Value) {
			p.lineField(name, path, v, &l)
		})
		*to = append(*to, l)
	})
}

func (p *parser) lineField(name, path string, v jsontext.Value, l *LineSpec) {
	switch name {
	case "code":
		parse(p, path, v, &l.Code, ParseLine)
	case "parent":
		parse(p, path, v, &l.Parent, ParseLine)
	case "was":
		parse(p, path, v, &l.Was, ParseLine)
	case "name":
		p.text(path, v, &l.Name, 500)
	case "name_en":
		p.text(path, v, &l.NameEn, 500)
	case "description":
		p.text(path, v, &l.Description, 500)
	case "reserve":
		p.boolean(path, v, &l.Reserve)
	}
}

func (p *parser) payee(path string, v jsontext.Value, to *Payee) {
	names := payeeNames
	if v.Kind() == '{' {
		var buf [12]member
		for _, m := range members(v, buf[:0]) {
			if m.name == "class" && m.value.Kind() == '"' && Class(nameOf(m.value)) == Person {
				names = personNames
			}
		}
	}
	ok := p.object(path, v, names, func(name, path string, v jsontext.Value) {
		switch name {
		case "name":
			p.text(path, v, &to.Name, 500)
		case "id":
			p.text(path, v, &to.ID, 500)
		case "class":
			enum(p, path, v, &to.Class, classes)
		case "account":
			p.text(path, v, &to.Account, 500)
		case "bank":
			p.text(path, v, &to.Bank, 500)
		case "ref":
			p.text(path, v, &to.Ref, 500)
		case "count":
			n, err := strconv.ParseInt(string(v), 10, 32)
			if v.Kind() != '0' || err != nil || n < 1 {
				p.bad(path, v, badValue("count", ""))
			}
			to.Count = int(n)
		}
	})
	if ok && *to == (Payee{}) {
		p.bad(path, v, badValue("empty", ""))
	}
}

func (p *parser) voucher(path string, v jsontext.Value, to *Voucher) {
	to.Line = "1"
	p.object(path, v, voucherNames, func(name, path string, v jsontext.Value) {
		text := &to.Line
		switch name {
		case "year":
			p.year(path, v, &to.Year)
			return
		case "issuer":
			text = &to.Issuer
		case "type":
			text = &to.Type
		case "number":
			text = &to.Number
		}
		p.text(path, v, text, 500)
		*text = normal(*text)
	})
}

// normal returns a text of a voucher as it is compared.
func normal(s string) string { return strings.TrimSpace(norm.NFKC.String(s)) }

func (p *parser) source(path string, v jsontext.Value, to *Source) {
	p.object(path, v, sourceNames, func(name, path string, v jsontext.Value) {
		p.text(path, v, map[string]*string{"document": &to.Document, "table": &to.Table, "cell": &to.Cell}[name], 500)
	})
}

func (p *parser) amendment(path string, v jsontext.Value, to *Amendment) {
	p.object(path, v, amendmentNames, func(name, path string, v jsontext.Value) {
		switch name {
		case "documents":
			to.HasDocuments = true
			p.texts(path, v, &to.Documents)
		case "payee":
			p.object(path, v, amendPayeeNames, func(name, path string, v jsontext.Value) {
				s := new(string)
				p.text(path, v, s, 500)
				*map[string]**string{"name": &to.PayeeName, "id": &to.PayeeID}[name] = s
			})
		default:
			s, most := new(string), 500
			if name == "note" {
				most = 2000
			}
			p.text(path, v, s, most)
			*map[string]**string{"purpose": &to.Purpose, "note": &to.Note, "name": &to.Name, "name_en": &to.NameEn, "description": &to.Description}[name] = s
		}
	})
}

func parseCurrency(s string) (string, error) {
	if _, ok := Decimals(s); !ok {
		return "", badValue("currency", clip(s))
	}
	return s, nil
}

// Decimals returns how many decimals ISO 4217 gives a currency's unit: 2 for CNY, 0 for JPY.
func Decimals(code string) (int, bool) {
	if !currency.IsValid(code) {
		return 0, false
	}
	digits, ok := currency.GetDigits(code)
	return int(digits), ok
}

// zoneForm keeps out what only some machines have beside the zones' own names, such as localtime or posix/.
var zoneForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)

func parseZone(s string) (string, error) {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" || !zoneForm.MatchString(s) {
		return "", badValue("zone", clip(s))
	}
	return s, nil
}
