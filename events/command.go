package events

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Command asks for one event. [ParseCommand] makes one from JSON; a field that the command does not have is the zero value, and defaults that
// need no ledger are filled in.
type Command struct {
	// Raw is the JSON object as received, without line breaks between its tokens. It goes into the event byte for byte.
	Raw []byte

	Kind      Kind
	Fund      Fund
	Year      Year
	Date      Date
	ID        ID // as the command has it; "" where it was left out
	Mode      Mode
	Basis     Basis
	Documents []string
	Dims      Dims
	Note      string

	Amount     Amount
	AsPrinted  string
	AmountText string

	Line         Line
	Lot          string
	Purpose      string
	Reason       string
	Counterparty string
	Payee        Payee
	Voucher      Voucher

	Stage    Stage   // [Appropriated]
	Contract string  // [Committed]
	Due      Date    // [Committed]
	Channel  Channel // [Disbursed]
	Method   Method  // [Disbursed]

	Of         Ref
	Commitment Ref
	Against    Ref
	Settles    Ref
	Cause      Cause // [ClawedBack]

	*Seldom
}

// Seldom is the fields of those kinds that have few events: apart, so that a payment is half as large. It is not nil in a command that was read.
// Commands that have none of its fields share one, which must not be changed.
type Seldom struct {
	// The fields of [FundOpened] and [LineAdded]. The line that a line-added adds stands in Line and, with its other fields, in Lines[0].
	Name, NameEn, Department, Currency, TimeZone string
	From, To                                     Day
	Unbudgeted                                   bool // "budgeted": false
	Lines                                        []LineSpec

	FromLegs  []Leg  // [Reallocated]
	ToLegs    []Leg  // [Reallocated]
	Covers    []Ref  // [Reallocated]
	Recipient string // [Allotted]: "to", the district or unit
	Quota     string // [Allotted]

	OfLine   Line // [ClawedBack]
	FromYear Year

	ToYear     Year
	ToLine     Line
	Expires    Day
	HasExpires bool
	ToDims     Dims

	Set       Amendment // [Amended]
	Text      string    // [Explained]
	Flag      Code      // [Explained]
	Approvers []string  // [YearReopened]
	Month     Date      // [MonthClosed]

	// The fields of [BankLine].
	Account, CounterpartyAccount string
	Direction                    Direction
	Reference, Statement         string
	Balance                      Number // after the line; "" where the bank does not say

	// The fields of [BankMatched].
	BankLines []Ref
	Matched   []Ref // "events"
	Rule      Matching

	// The fields of [FigureStated]; Measure also of [Explained].
	Measure     Measure
	Figure      string // "name"
	Value       Number
	Unit        string
	Source      Source
	AsOf        Day
	HasAsOf     bool
	Denominator string
	Step        Number
	SumOf       []SignedRef
	QuotientOf  []Ref
}

// none is what commands share that have no field of [Seldom].
var none = &Seldom{}

// NoCommand returns the command that stands where none could be read.
func NoCommand() *Command { return &Command{Seldom: none} }

// A LineSpec describes one line when its year is opened or the line is added.
type LineSpec struct {
	Code        Line
	Parent      Line
	Name        string
	NameEn      string
	Description string
	Reserve     bool
	Was         Line // its code the year before
}

// A Leg is one side of a reallocation.
type Leg struct {
	Line   Line
	Amount Amount
}

// A Payee is who was paid. A person has a reference and a class and nothing else: an immutable log is no place for personal data.
type Payee struct {
	Name, ID string
	Class    Class
	Account  string
	Bank     string
	Count    int    // how many payees stand behind this one; 0 where not given
	Ref      string // an opaque reference to a person
}

// A Voucher is one line of a payment voucher. Texts are NFKC and trimmed, so equal vouchers compare equal. The zero Voucher is none.
type Voucher struct {
	Issuer string
	Year   Year
	Type   string
	Number string
	Line   string
}

// A Source is where a report states a figure.
type Source struct{ Document, Table, Cell string }

// An Amendment is the words that an amended event shall have. A nil field stays as it is.
type Amendment struct {
	Purpose, Note, Name, NameEn, Description *string
	Documents                                []string
	HasDocuments                             bool
	PayeeName, PayeeID                       *string
}

// A Ref names an event of the same fund: by its number or by its id. The zero Ref is none.
type Ref struct {
	Seq Seq
	ID  ID
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

func (r Ref) String() string {
	if r.Seq != 0 {
		return r.Seq.String()
	}
	return string(r.ID)
}

// A SignedRef is a stated figure within a sum, subtracted where Minus is set.
type SignedRef struct {
	Ref
	Minus bool
}

// Dims are further classifications of an event, sorted by key: at most 16 keys of [a-z_]{1,24}, each with 1 to 64 characters.
type Dims []Dim

// A Dim is one classification, such as function 2150805.
type Dim struct{ Key, Value string }

// Get returns the value of a key, or "".
func (d Dims) Get(key string) string {
	for _, dim := range d {
		if dim.Key == key {
			return dim.Value
		}
	}
	return ""
}

// Over returns d with the keys of base that it lacks.
func (d Dims) Over(base Dims) Dims {
	out := slices.Clone(d)
	for _, dim := range base {
		if !slices.ContainsFunc(d, func(e Dim) bool { return e.Key == dim.Key }) {
			out = append(out, dim)
		}
	}
	slices.SortFunc(out, func(a, b Dim) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Equal reports whether two classifications are the same; nil and empty are.
func (d Dims) Equal(e Dims) bool { return slices.Equal(d, e) }

// Key returns a string that equals another's exactly when the classifications are equal.
func (d Dims) Key() string {
	if len(d) == 0 {
		return ""
	}
	var b strings.Builder
	for _, dim := range d {
		b.WriteString(dim.Key)
		b.WriteByte('=')
		b.WriteString(strconv.Itoa(len(dim.Value))) // a value may hold any character
		b.WriteByte(':')
		b.WriteString(dim.Value)
	}
	return b.String()
}

// HasEvidence reports whether the command shows more than its own word: a voucher, a document, or a basis that says where it comes from.
func (c *Command) HasEvidence() bool {
	return c.Voucher != Voucher{} || len(c.Documents) > 0 || c.Basis != ByVoucher
}

// Cash reports which way money goes through a bank when the command is carried out, "" where it goes through none: what is withheld, converted or taken
// back on paper alone, and what settles money that came in before.
func (c *Command) Cash() Direction {
	switch {
	case c.Kind == BankLine:
		return c.Direction
	case c.Kind == Disbursed && c.Channel != Deduction && c.Channel != Conversion:
		return Out
	case c.Kind == ClawedBack && c.Settles.IsZero() && slices.Contains([]Cause{Returned, Refund, PriorYear, Unidentified}, c.Cause):
		return In
	}
	return ""
}

// Content is a fingerprint of everything a command says but its id: equal for two commands exactly when every field is equal as parsed, with
// the defaults that need no ledger filled in and references as given. It serves to tell a retry from another use of one id. It is not stored
// and may differ from release to release.
func (c *Command) Content() [sha256.Size]byte {
	w := contentWriters.Get().(*contentWriter)
	defer contentWriters.Put(w)
	w.b = w.b[:0]
	w.text(string(c.Kind), string(c.Fund), string(c.Mode), string(c.Basis), c.Date.text, c.Note, c.AsPrinted, c.AmountText, string(c.Line), c.Lot,
		c.Purpose, c.Reason, c.Counterparty, string(c.Stage), c.Recipient, c.Quota, c.Contract, c.Due.text, string(c.Channel), string(c.Method),
		string(c.Cause), string(c.OfLine), string(c.ToLine), c.Text, string(c.Flag), string(c.Measure), c.Figure, string(c.Value), c.Unit,
		c.Source.Document, c.Source.Table, c.Source.Cell, c.Denominator, string(c.Step), c.Name, c.NameEn, c.Department, c.Currency, c.TimeZone,
		c.Month.text, c.Account, c.CounterpartyAccount, string(c.Direction), c.Reference, c.Statement, string(c.Balance), string(c.Rule))
	w.number(int64(c.Year), int64(c.From), int64(c.To), int64(c.FromYear), int64(c.ToYear), int64(c.Expires), int64(c.AsOf))
	w.flag(c.Unbudgeted, c.HasExpires, c.HasAsOf)
	w.amount(c.Amount)
	w.text(c.Payee.Name, c.Payee.ID, string(c.Payee.Class), c.Payee.Account, c.Payee.Bank, c.Payee.Ref)
	w.number(int64(c.Payee.Count))
	w.text(c.Voucher.Issuer, c.Voucher.Type, c.Voucher.Number, c.Voucher.Line)
	w.number(int64(c.Voucher.Year), int64(len(c.Documents)))
	w.text(c.Documents...)
	w.number(int64(len(c.Approvers)))
	w.text(c.Approvers...)
	w.dims(c.Dims)
	w.dims(c.ToDims)
	w.number(int64(len(c.Lines)))
	for _, l := range c.Lines {
		w.text(string(l.Code), string(l.Parent), l.Name, l.NameEn, l.Description, string(l.Was))
		w.flag(l.Reserve)
	}
	for _, legs := range [][]Leg{c.FromLegs, c.ToLegs} {
		w.number(int64(len(legs)))
		for _, l := range legs {
			w.text(string(l.Line))
			w.amount(l.Amount)
		}
	}
	w.ref(c.Of, c.Commitment, c.Against, c.Settles)
	w.number(int64(len(c.Covers)))
	w.ref(c.Covers...)
	w.number(int64(len(c.QuotientOf)))
	w.ref(c.QuotientOf...)
	w.number(int64(len(c.BankLines)))
	w.ref(c.BankLines...)
	w.number(int64(len(c.Matched)))
	w.ref(c.Matched...)
	w.number(int64(len(c.SumOf)))
	for _, r := range c.SumOf {
		w.ref(r.Ref)
		w.flag(r.Minus)
	}
	s := c.Set
	for _, p := range []*string{s.Purpose, s.Note, s.Name, s.NameEn, s.Description, s.PayeeName, s.PayeeID} {
		w.flag(p != nil)
		if p != nil {
			w.text(*p)
		}
	}
	w.flag(s.HasDocuments)
	w.text(s.Documents...)
	return sha256.Sum256(w.b)
}

// A contentWriter writes values so that no two different sequences of them give the same bytes.
type contentWriter struct{ b []byte }

var contentWriters = sync.Pool{New: func() any { return new(contentWriter) }}

func (w *contentWriter) text(ss ...string) {
	b := w.b
	for _, s := range ss {
		if s == "" { // as most are
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	w.b = b
}

func (w *contentWriter) dims(ds Dims) {
	w.number(int64(len(ds)))
	for _, d := range ds {
		w.text(d.Key, d.Value)
	}
}

func (w *contentWriter) number(ns ...int64) {
	for _, n := range ns {
		w.b = binary.AppendVarint(w.b, n)
	}
}

func (w *contentWriter) flag(fs ...bool) {
	for _, f := range fs {
		if f {
			w.b = append(w.b, 1)
		} else {
			w.b = append(w.b, 0)
		}
	}
}

func (w *contentWriter) amount(a Amount) { w.number(a.whole, int64(a.frac)) }

func (w *contentWriter) ref(rs ...Ref) {
	for _, r := range rs {
		w.b = binary.AppendUvarint(w.b, uint64(r.Seq))
		w.text(string(r.ID))
	}
}

// MarshalBinary writes an amendment down as a cache keeps it: a word that is empty is another than none.
func (a Amendment) MarshalBinary() ([]byte, error) {
	type words Amendment // without this method
	return json.Marshal(words(a))
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (a *Amendment) UnmarshalBinary(b []byte) error {
	type words Amendment
	*a = Amendment{}
	return json.Unmarshal(b, (*words)(a))
}
