package events

import (
	"maps"
	"slices"
	"strings"
)

// A Kind is one of the things that can happen to a fund. A command asks for it in the same word, and the stored event has the type
// fundledger.<kind>.v1.
type Kind string

// The kinds.
const (
	FundOpened         Kind = "fund-opened"
	LineAdded          Kind = "line-added"
	Appropriated       Kind = "appropriated"
	Reallocated        Kind = "reallocated"
	Allotted           Kind = "allotted"
	AllotmentWithdrawn Kind = "allotment-withdrawn"
	Committed          Kind = "committed"
	CommitmentReleased Kind = "commitment-released"
	Disbursed          Kind = "disbursed"
	ReceiptConfirmed   Kind = "receipt-confirmed"
	ClawedBack         Kind = "clawed-back"
	CarriedOver        Kind = "carried-over"
	CarriedIn          Kind = "carried-in"
	Reclassified       Kind = "reclassified"
	Reversed           Kind = "reversed"
	Amended            Kind = "amended"
	Explained          Kind = "explained"
	BankLine           Kind = "bank-line"
	BankMatched        Kind = "bank-matched"
	MonthClosed        Kind = "month-closed"
	YearClosed         Kind = "year-closed"
	YearReopened       Kind = "year-reopened"
	FigureStated       Kind = "figure-stated"
)

// Kinds lists every kind, in the order in which a fund's life meets them.
var Kinds = []Kind{
	FundOpened, LineAdded, Appropriated, Reallocated, Allotted, AllotmentWithdrawn, Committed, CommitmentReleased, Disbursed, ReceiptConfirmed,
	ClawedBack, CarriedOver, CarriedIn, Reclassified, Reversed, Amended, Explained, BankLine, BankMatched, MonthClosed, YearClosed, YearReopened,
	FigureStated,
}

// A Cause says why money was clawed back; each cause takes other fields and posts to other measures.
type Cause string

// The causes of [ClawedBack].
const (
	Lapse        Cause = "lapse"        // unspent authority taken back
	Rescission   Cause = "rescission"   // authority cut within the year
	Returned     Cause = "returned"     // the bank could not pay: the whole payment is back
	Refund       Cause = "refund"       // the payee paid back, within the year
	Offset       Cause = "offset"       // withheld from a later payment to the same payee
	PriorYear    Cause = "prior-year"   // came back after its year was closed
	Unidentified Cause = "unidentified" // came in, and nobody knows yet from which payment
)

// Causes lists every cause.
var Causes = []Cause{Lapse, Rescission, Returned, Refund, Offset, PriorYear, Unidentified}

// A Mode says whether something is about to happen or has happened already.
type Mode string

// The modes. Rules stop a command in control mode and flag it in record mode.
const (
	Control Mode = "control"
	Record  Mode = "record"
)

// A Basis says how an event is known.
type Basis string

// The bases.
const (
	ByVoucher Basis = "voucher"  // a voucher is at hand
	Stated    Basis = "stated"   // a report says so
	Inferred  Basis = "inferred" // a balancing figure
	Assumed   Basis = "assumed"
)

// Bases lists every basis.
var Bases = []Basis{ByVoucher, Stated, Inferred, Assumed}

// A Stage tells an opening budget from what is added to it later.
type Stage string

// The stages of [Appropriated].
const (
	OriginalStage      Stage = "original"
	SupplementaryStage Stage = "supplementary"
)

// A Channel is the way on which spending left the fund. Channels stay apart in every total.
type Channel string

// The channels of [Disbursed].
const (
	Payment       Channel = "payment"        // to the payee
	LowerTreasury Channel = "lower-treasury" // to a lower treasury, which is not yet receipt by the enterprise
	Deduction     Channel = "deduction"      // no payment at all
	Conversion    Channel = "conversion"     // an old advance booked as spending
	Unstated      Channel = "unstated"
)

// Channels lists every channel.
var Channels = []Channel{Payment, LowerTreasury, Deduction, Conversion, Unstated}

// A Method is the way in which the treasury made a payment.
type Method string

// The methods of [Disbursed].
const (
	Direct     Method = "direct"
	Authorised Method = "authorised"
	Single     Method = "single"
	Warrant    Method = "warrant"
)

// Methods lists them.
var Methods = []Method{Direct, Authorised, Single, Warrant}

// A Direction says which way a bank line went, as the account's holder sees it.
type Direction string

// The directions of [BankLine].
const (
	In  Direction = "in"
	Out Direction = "out"
)

// A Matching is the rule by which bank lines and events were found to be the same money.
type Matching string

// The rules of [BankMatched].
const (
	ByReference Matching = "reference" // one names the other by its number
	ByPaper     Matching = "voucher"   // the bank gives the number of the voucher
	ByAmount    Matching = "amount"    // amount, date and other party agree, and no other does
	BySum       Matching = "sum"       // several of one side make one of the other
	ByHand      Matching = "manual"    // a person says so
)

// Matchings lists them, the surest first.
var Matchings = []Matching{ByReference, ByPaper, ByAmount, BySum, ByHand}

// A Class says what a payee is.
type Class string

// The classes of payees.
const (
	Enterprise Class = "enterprise"
	Supplier   Class = "supplier"
	Unit       Class = "unit"
	District   Class = "district"
	Park       Class = "park"
	Person     Class = "person"
)

// The words of the types that have no list of their own above.
var (
	modes   = []Mode{Control, Record}
	stages  = []Stage{OriginalStage, SupplementaryStage}
	ways    = []Direction{In, Out}
	classes = []Class{Enterprise, Supplier, Unit, District, Park, Person}
)

// A shape is the fields that a command takes: name to whether it is required. Shapes are those of FORMAT: one for each kind, and for
// [ClawedBack] one for each cause.
type shape map[string]bool

const (
	dated    = "kind* fund* year* date* id mode basis documents dims note"
	undated  = "kind* fund* year* id mode basis documents dims note"
	anAmount = "amount* as_printed amount_text"
)

var shapes = map[Kind]shape{
	FundOpened:         fields(undated, "name* name_en department currency time_zone from to budgeted lines"),
	LineAdded:          fields(undated, "line* name* parent name_en reserve was description"),
	Appropriated:       fields(dated, anAmount, "line* stage* counterparty"),
	Reallocated:        fields(dated, "from* to* covers"),
	Allotted:           fields(dated, anAmount, "line* to* quota"),
	AllotmentWithdrawn: fields(dated, anAmount, "of*"),
	Committed:          fields(dated, anAmount, "line* payee contract due lot"),
	CommitmentReleased: fields(dated, anAmount, "of*"),
	Disbursed:          fields(dated, anAmount, "line* channel* method payee voucher purpose commitment lot"),
	ReceiptConfirmed:   fields(dated, anAmount, "of* line payee voucher"),
	CarriedOver:        fields(dated, anAmount, "line* lot* purpose* reason to_year* to_line expires"),
	CarriedIn:          fields(dated, anAmount, "line* lot* purpose from_year* expires"),
	Reclassified:       fields(undated, anAmount, "of* reason* line to_line to_dims"),
	Reversed:           fields(undated, "of* reason*"),
	Amended:            fields(undated, "of* set* reason*"),
	Explained:          fields(undated, "text* of flag line measure"),
	BankLine:           fields(dated, anAmount, "account* direction* counterparty counterparty_account reference purpose balance statement"),
	BankMatched:        fields(undated, "bank_lines* events rule* reason"),
	MonthClosed:        fields(dated, "month*"),
	YearClosed:         fields(dated),
	YearReopened:       fields(dated, "reason* approvers*"),
	FigureStated:       fields(dated, "measure name line value* unit* source* as_of denominator step sum_of quotient_of"),
}

var causeShapes = map[Cause]shape{
	Lapse:        fields(dated, anAmount, "cause* line* counterparty lot"),
	Rescission:   fields(dated, anAmount, "cause* line* counterparty lot"),
	Returned:     fields(dated, "cause* of* settles"),
	Refund:       fields(dated, anAmount, "cause* of* line settles"),
	Offset:       fields(dated, anAmount, "cause* of* line against settles"),
	PriorYear:    fields(dated, anAmount, "cause* line of of_line from_year settles"),
	Unidentified: fields(dated, anAmount, "cause* line"),
}

// anyCause is what a clawed-back command may have as long as its cause is not known.
var anyCause = func() shape {
	all := shape{}
	for _, s := range causeShapes {
		for name := range s {
			all[name] = true
		}
	}
	for name := range all {
		for _, s := range causeShapes {
			all[name] = all[name] && s[name] // required of every cause
		}
	}
	return all
}()

// anyKind has every field that some kind takes.
var anyKind = func() shape {
	all := maps.Clone(anyCause)
	for _, s := range shapes {
		maps.Copy(all, s)
	}
	for name := range all {
		all[name] = true
	}
	return all
}()

func fields(lists ...string) shape {
	s := shape{}
	for _, list := range lists {
		for name := range strings.FieldsSeq(list) {
			bare, required := strings.CutSuffix(name, "*")
			s[bare] = required
		}
	}
	return s
}

// mustHave is how many fields a kind (and cause) requires.
func mustHave(kind Kind, cause Cause) int {
	if kind == ClawedBack {
		if n, ok := causeMustHave[cause]; ok {
			return n
		}
		return anyCause.required()
	}
	return kindMustHave[kind]
}

var kindMustHave, causeMustHave = counts(shapes), counts(causeShapes)

func counts[K comparable](shapes map[K]shape) map[K]int {
	n := map[K]int{}
	for k, s := range shapes {
		n[k] = s.required()
	}
	return n
}

func (s shape) required() (n int) {
	for _, must := range s {
		if must {
			n++
		}
	}
	return n
}

// Fields lists the fields of a kind, sorted, those of every cause together for [ClawedBack] when cause is "". It is nil for an unknown kind.
func Fields(kind Kind, cause Cause) []string {
	s := shapeOf(kind, cause)
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s))
}

// Required reports whether a kind (and cause) must have the field.
func Required(kind Kind, cause Cause, field string) bool { return shapeOf(kind, cause)[field] }

func shapeOf(kind Kind, cause Cause) shape {
	if kind != ClawedBack {
		return shapes[kind]
	}
	if s, ok := causeShapes[cause]; ok {
		return s
	}
	return anyCause
}
