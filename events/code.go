package events

import (
	"errors"
	"maps"

	"fundledger/events/words"
)

// A Code says, for machines, why a command was refused, stopped, flagged or failed, or what a reader found wrong with a log.
// The codes of refusals stand in the order of precedence: the first that applies is the one answered.
type Code string

// Refusals that the codec gives before any fund is looked at.
const (
	Malformed    Code = "malformed"
	UnknownKind  Code = "unknown-kind"
	UnknownField Code = "unknown-field"
	MissingField Code = "missing-field"
	BadValue     Code = "bad-value"
	TooLarge     Code = "too-large"
)

// Refusals of the ledger.
const (
	UnknownFund     Code = "unknown-fund"
	IDUsed          Code = "id-used"
	VoucherUsed     Code = "voucher-used"
	UnknownYear     Code = "unknown-year"
	YearExists      Code = "year-exists"
	YearClosedCode  Code = "year-closed"
	YearNotClosed   Code = "year-not-closed"
	UnknownLine     Code = "unknown-line"
	NotALeaf        Code = "not-a-leaf"
	LineExists      Code = "line-exists"
	BadTree         Code = "bad-tree"
	UnknownTarget   Code = "unknown-target"
	WrongTarget     Code = "wrong-target"
	AlreadyReversed Code = "already-reversed"
	AlreadyMatched  Code = "already-matched"
	IsReversal      Code = "is-reversal"
	HasDependents   Code = "has-dependents"
	UnknownLot      Code = "unknown-lot"
	LotExists       Code = "lot-exists"
	ExceedsTarget   Code = "exceeds-target"
	NotWhole        Code = "not-whole"
	Unbalanced      Code = "unbalanced"
	SecondOriginal  Code = "second-original"
	NothingToDo     Code = "nothing-to-do"
	NotZero         Code = "not-zero"
	TwoPeople       Code = "two-people"
	NoEvidence      Code = "no-evidence"
	Overflow        Code = "overflow"
)

// Business rules: they stop a command in control mode and flag it in record mode.
const (
	OverBudget        Code = "over-budget"
	ExceedsLot        Code = "exceeds-lot"
	ExceedsCommitment Code = "exceeds-commitment"
	LotExpired        Code = "lot-expired"
	FutureDate        Code = "future-date"
	OutsideYear       Code = "outside-year"
)

// Flags that never stop a command.
const (
	Retroactive       Code = "retroactive"
	PossibleDuplicate Code = "possible-duplicate"
	LeafNotZero       Code = "leaf-not-zero"
	LateForMonth      Code = "late-for-month"
)

// Failures: nothing was decided, or the answer is not known. Asking again with the same id doubles nothing.
const (
	Busy           Code = "busy"
	Unavailable    Code = "unavailable"
	UnknownOutcome Code = "unknown-outcome"
	ClockBehind    Code = "clock-behind"
)

// Tampered is evidence that a log was changed or has lost something. It is never a refusal and never something to retry.
const Tampered Code = "tampered"

// TooSlow ends a feed whose client does not take what comes as fast as it comes. It is never the code of a receipt.
const TooSlow Code = "too-slow"

// Refusals lists every code that refuses or stops a command, in the order of precedence.
var Refusals = []Code{
	Malformed, UnknownKind, UnknownField, MissingField, BadValue, TooLarge,
	UnknownFund, IDUsed, VoucherUsed, UnknownYear, YearExists, YearClosedCode, YearNotClosed, UnknownLine, NotALeaf, LineExists, BadTree,
	UnknownTarget, WrongTarget, AlreadyReversed, AlreadyMatched, IsReversal, HasDependents, UnknownLot, LotExists, ExceedsTarget, NotWhole, Unbalanced,
	SecondOriginal, NothingToDo, NotZero, TwoPeople, NoEvidence, Overflow,
	OverBudget, ExceedsLot, ExceedsCommitment, LotExpired, FutureDate, OutsideYear,
}

// Flags lists every code that an event can carry.
var Flags = []Code{
	OverBudget, ExceedsLot, ExceedsCommitment, LotExpired, FutureDate, OutsideYear, Retroactive, PossibleDuplicate, LeafNotZero, LateForMonth,
}

// Failures lists the codes of a receipt with status failed.
var Failures = []Code{Busy, Unavailable, UnknownOutcome, ClockBehind}

// ErrConflict says that another writer's block stands where one was to be stored. It never leaves the program: the commands are decided again.
var ErrConflict = errors.New("another writer's block stands there")

// Args are what the words of a code speak of: names of fields, values, amounts. Amounts are plain decimals, without separators.
type Args map[string]string

// An Error is the one error type at the borders of packages. Match its code, never its text.
type Error struct {
	Code Code
	// Why chooses among several wordings of one code, such as "amount-sign" of [BadValue]; often empty.
	Why  string
	Args Args
	// Err is the cause, for the log.
	Err error
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message(words.English)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Message says in one sentence what happened.
func (e *Error) Message(lang words.Language) string {
	return words.Ledger.Say(lang, e.key("code."), e.Args)
}

// Hint says what to do next; "" where there is nothing to add.
func (e *Error) Hint(lang words.Language) string {
	return words.Ledger.Find(lang, e.key("hint."), e.Args)
}

// key returns the most exact key of the words that there is for e.
func (e *Error) key(prefix string) string {
	if k := prefix + string(e.Code) + "." + e.Why; e.Why != "" && words.Ledger.Has(k) {
		return k
	}
	return prefix + string(e.Code)
}

// With returns e with one more arg.
func (e *Error) With(name, value string) *Error {
	c := *e
	c.Args = maps.Clone(e.Args)
	if c.Args == nil {
		c.Args = Args{}
	}
	c.Args[name] = value
	return &c
}

// CodeOf returns the code of err, or "" where err has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func badValue(why, value string) *Error {
	return &Error{Code: BadValue, Why: why, Args: Args{"value": value}}
}
