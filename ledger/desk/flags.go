package desk

import (
	"slices"
	"strings"

	"fundledger/events"
)

// A Subject is what can be posted: a kind, or a cause of [events.ClawedBack], which has other fields than the next.
type Subject struct {
	Kind  events.Kind
	Cause events.Cause
}

// Subjects lists them all: every kind, then every cause.
func Subjects() (all []Subject) {
	for _, k := range events.Kinds {
		all = append(all, Subject{Kind: k})
	}
	for _, c := range events.Causes {
		all = append(all, Subject{events.ClawedBack, c})
	}
	return all
}

// Named finds the subject of a name: a kind's, or a cause's.
func Named(name string) (Subject, bool) {
	for _, s := range Subjects() {
		if s.Name() == name {
			return s, true
		}
	}
	return Subject{}, false
}

// Name is the word for a subject: its cause, else its kind.
func (s Subject) Name() string {
	if s.Cause != "" {
		return string(s.Cause)
	}
	return string(s.Kind)
}

// A Form is how the value of a flag is written.
type Form uint8

// The forms.
const (
	Text      Form = iota
	Money          // see [ReadAmount]
	Date           // see [ReadDate]
	Whole          // a year or a count
	Truth          // true or false
	Reference      // an event's number, or its id
	Signed         // a reference, subtracted after a hyphen
	Quantity       // a stated figure, with its unit or without
	Pair           // KEY=VALUE
	Leg            // LINE=AMOUNT
	Spec           // CODE=NAME
	Voucher        // ISSUER/YEAR/TYPE/NUMBER[/LINE]
)

// A Flag is one thing that a subject can be given on a command line.
type Flag struct {
	Name     string // without its hyphens
	Field    string // of the command
	Member   string // of the field's object; "" is the whole field
	Form     Form
	Many     bool // it may be given several times
	Required bool
	Choices  []string // nil: anything
}

// fieldOrder is the order in which people are asked. Fields that are not in it come last.
var fieldOrder = strings.Fields("fund cause of year of_line month account direction line stage amount value unit from to channel payee voucher purpose lot" +
	" commitment contract due to_line to_dims to_year from_year expires set text flag measure name name_en date")

// shapes say how the fields are written that are not plain texts. The key is field, or kind.field where it differs.
var shapes = map[string][]Flag{
	"year":             {{Form: Whole}},
	"from_year":        {{Form: Whole}},
	"to_year":          {{Form: Whole}},
	"date":             {{Form: Date}},
	"due":              {{Form: Date}},
	"expires":          {{Form: Date}},
	"as_of":            {{Form: Date}},
	"month":            {{Form: Date}},
	"amount":           {{Form: Money}},
	"mode":             {{Choices: []string{string(events.Control), string(events.Record)}}},
	"basis":            {{Choices: plain(events.Bases)}},
	"cause":            {{Choices: plain(events.Causes)}},
	"stage":            {{Choices: []string{string(events.OriginalStage), string(events.SupplementaryStage)}}},
	"channel":          {{Choices: plain(events.Channels)}},
	"method":           {{Choices: plain(events.Methods)}},
	"direction":        {{Choices: plain([]events.Direction{events.In, events.Out})}},
	"rule":             {{Choices: plain(events.Matchings)}},
	"flag":             {{Choices: plain(events.Flags)}},
	"denominator":      {{Choices: []string{"original", "adjusted", "net", "current"}}},
	"documents":        {{Name: "document", Many: true}},
	"approvers":        {{Name: "approver", Many: true}},
	"dims":             {{Name: "dim", Form: Pair, Many: true}},
	"to_dims":          {{Name: "to-dim", Form: Pair, Many: true}},
	"set":              {{Form: Pair, Many: true}},
	"of":               {{Form: Reference}},
	"commitment":       {{Form: Reference}},
	"against":          {{Form: Reference}},
	"settles":          {{Form: Reference}},
	"covers":           {{Form: Reference, Many: true}},
	"quotient_of":      {{Form: Reference, Many: true}},
	"bank_lines":       {{Name: "bank-line", Form: Reference, Many: true}},
	"events":           {{Name: "event", Form: Reference, Many: true}},
	"sum_of":           {{Form: Signed, Many: true}},
	"budgeted":         {{Form: Truth}},
	"reserve":          {{Form: Truth}},
	"value":            {{Form: Quantity}},
	"step":             {{Form: Quantity}},
	"balance":          {{Form: Quantity}},
	"lines":            {{Form: Spec, Many: true}},
	"reallocated.from": {{Form: Leg, Many: true}},
	"reallocated.to":   {{Form: Leg, Many: true}},
	"fund-opened.from": {{Form: Date}},
	"fund-opened.to":   {{Form: Date}},
	"voucher":          {{Form: Voucher}},
	"payee": {
		{Name: "payee", Member: "name"},
		{Name: "payee-id", Member: "id"},
		{Name: "payee-account", Member: "account"},
		{Name: "payee-bank", Member: "bank"},
		{Name: "payee-class", Member: "class", Choices: plain([]events.Class{
			events.Enterprise, events.Supplier, events.Unit, events.District, events.Park, events.Person,
		})},
		{Name: "payee-count", Member: "count", Form: Whole},
		{Name: "payee-ref", Member: "ref"},
	},
	"source": {
		{Name: "source", Member: "document"},
		{Name: "source-table", Member: "table"},
		{Name: "source-cell", Member: "cell"},
	},
}

func plain[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// Flags lists what a subject can be given, in the order in which people are asked. They follow from the fields of its kind: kind itself is none, and
// neither is the cause of a subject that is one.
func (s Subject) Flags() (out []Flag) {
	fields := events.Fields(s.Kind, s.Cause)
	slices.SortStableFunc(fields, func(a, b string) int { return place(a) - place(b) })
	for _, field := range fields {
		if field == "kind" || field == "cause" && s.Cause != "" {
			continue
		}
		out = append(out, s.flagsOf(field)...)
	}
	return out
}

func (s Subject) flagsOf(field string) []Flag {
	made, ok := shapes[string(s.Kind)+"."+field]
	if !ok {
		made, ok = shapes[field]
	}
	if !ok {
		made = []Flag{{}}
	}
	made = slices.Clone(made)
	for i := range made {
		f := &made[i]
		f.Field, f.Required = field, i == 0 && events.Required(s.Kind, s.Cause, field)
		if f.Name == "" {
			f.Name = strings.ReplaceAll(field, "_", "-")
		}
	}
	return made
}

func place(field string) int {
	if i := slices.Index(fieldOrder, field); i >= 0 {
		return i
	}
	return len(fieldOrder)
}

// Flag returns the flag of a name, nil where the subject has none.
func (s Subject) Flag(name string) *Flag {
	for _, f := range s.Flags() {
		if f.Name == name {
			return &f
		}
	}
	return nil
}

// Having lists the subjects that have a flag.
func Having(flag string) (out []Subject) {
	for _, s := range Subjects() {
		if s.Flag(flag) != nil {
			out = append(out, s)
		}
	}
	return out
}

// FlagAt is the flag of the place in a command that an error names, such as payee.name or from[0].amount; "" where the subject has none.
func (s Subject) FlagAt(path string) string {
	field, rest, _ := strings.Cut(path, ".")
	field, _, _ = strings.Cut(field, "[")
	found := ""
	for _, f := range s.flagsOf(field) {
		if found == "" || f.Member == rest {
			found = f.Name
		}
	}
	if events.Fields(s.Kind, s.Cause) == nil || !slices.Contains(events.Fields(s.Kind, s.Cause), field) {
		return ""
	}
	return found
}
