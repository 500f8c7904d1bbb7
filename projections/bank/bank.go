// Package bank is the fold of both sides of a fund's bank accounts, and their reconciliation: what the bank says, what the ledger says that went through a bank,
// what of it is matched, and what can be.
//
// The ledger's side is the events that moved cash ([events.Command.Cash]); one that was reversed is none. The bank's side is the bank lines that stand. An event does
// not say which of our accounts it went through, so the ledger's side is one for the fund: several accounts are reconciled together, and one alone by leaving out
// what is matched with the others. Money of a line that was settled with a reason is no event's: it changes what the books expect at the bank, and nothing else.
//
// # Proposals
//
// [Reconcile] proposes what is sure, rule by rule, the surest first; what is taken by one rule is not there for the next.
//
//	reference  the bank names a document or the id of the event, or the event's note names the bank's reference
//	voucher    the bank names the number of the voucher
//	amount     the other party is the same, by name or by account
//	sum        several of one side make one of the other: of one payee, or of one voucher
//
// In every rule the amount is the same to the fen, the direction too, and the bank's day lies in the window: from the first possible day of the order to the last
// with the window's days after it; money received is booked when the bank has told of it, so there the window reaches as far back. Names are compared after
// NFKC, without case, blanks and brackets. Where both sides name an account, or both a party, and these are not the same, nothing is proposed, whatever else agrees;
// and neither is a matching that somebody took back.
//
// Nothing ambiguous is proposed. Lines and events that can be each other's are looked at together: a proposal is made where there are as many of the one as of the
// other and only one way to pair them all, but for such as nothing tells apart (one amount, one day, one party), which are paired in the order of the log.
//
// # What is not matched
//
// What is left is looked at for what it probably is ([Reasons]): a slip in the amount, a day out of the window, another party, money that came back, a line that stands twice.
// That is shown and never matched. The work grows as n log n with the lines and events; lists that could be long are cut off, and what is cut off is not proposed.
package bank

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"fundledger/events"
	"fundledger/projections/history"

	"golang.org/x/text/unicode/norm"
)

// A View is both sides of a fund's accounts. It takes the events that [Concerns] names in the order of the log; others it leaves alone.
type View struct {
	fund     events.Fund
	decimals int
	last     events.Seq

	lines     map[events.Seq]*Line
	movements map[events.Seq]*Movement
	matches   map[events.Seq]*Match
	back      map[events.Seq][]*Movement // what came back of a payment
}

// A Line is a line of a bank statement that stands.
type Line struct {
	Seq                          events.Seq
	ID                           events.ID
	Year                         events.Year
	Account                      string
	Day                          events.Day
	Amount                       events.Minor // below zero: out
	Counterparty, OtherAccount   string
	Reference, Purpose, Document string // Document is the statement
	Balance                      events.Minor
	HasBalance                   bool
	Match                        *Match // nil while there is none

	party  party
	undone []events.Seq // the matchings that were taken back
	said   *names       // what the bank names
	found  *Finding
}

// A Movement is a standing event that moved cash.
type Movement struct {
	Seq       events.Seq
	ID        events.ID
	Kind      events.Kind
	Cause     events.Cause
	Of        events.Seq
	Year      events.Year
	Date      events.Date
	Amount    events.Minor // below zero: out
	Payee     events.Payee // of the payment, where it is about one
	Voucher   events.Voucher
	Documents []string
	Words     string // purpose and note
	Match     *Match // nil while there is none

	party  party
	undone []events.Seq
	named  *names
	found  *Finding
}

// A Match is a standing bank-matched event.
type Match struct {
	Seq    events.Seq
	Rule   events.Matching
	Reason string // where no event belongs to the lines
	Lines  []*Line
	Events []*Movement
}

// Concerns reports whether an event of a kind has to do with the bank.
func Concerns(k events.Kind) bool {
	switch k {
	case events.Disbursed, events.ClawedBack, events.BankLine, events.BankMatched, events.Reversed, events.Amended:
		return true
	}
	return false
}

// New returns the view of no events of a fund whose currency has so many decimals.
func New(fund events.Fund, decimals int) *View {
	return &View{fund: fund, decimals: decimals, lines: map[events.Seq]*Line{}, movements: map[events.Seq]*Movement{}, matches: map[events.Seq]*Match{}, back: map[events.Seq][]*Movement{}}
}

// Of reads again what a history has of the bank, with the errors of [history.History.Stored].
func Of(h *history.History) (*View, error) {
	v := New(h.Fund(), h.Decimals())
	for n := events.Seq(1); n <= h.Last(); n++ {
		if !Concerns(h.Event(n).Kind) {
			continue
		}
		e, err := h.Stored(n)
		if err != nil {
			return nil, err
		}
		if err := v.Apply(&e); err != nil {
			return nil, err
		}
	}
	v.last = h.Last()
	return v, nil
}

// Apply folds an event in. The error is final: [events.Tampered] where e is not after the last, or does not fit those before it. It does not keep e.
func (v *View) Apply(e *events.Event) error {
	c, r := e.Command, &e.Resolved
	bad := &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(c.Kind)}}
	if e.Seq <= v.last {
		return bad
	}
	v.last = e.Seq
	switch c.Kind {
	case events.BankLine:
		l, err := v.line(e)
		if err != nil {
			return err
		}
		v.lines[e.Seq] = l
	case events.Disbursed, events.ClawedBack:
		if c.Cash() == "" {
			break
		}
		m, err := v.movement(e)
		if err != nil {
			return err
		}
		v.movements[e.Seq] = m
		if m.Of != 0 {
			v.back[m.Of] = append(v.back[m.Of], m)
		}
	case events.BankMatched:
		return v.match(e, bad)
	case events.Amended:
		v.amend(r.Of, &c.Set)
	case events.Reversed:
		if m := v.matches[r.Of]; m != nil {
			for _, l := range m.Lines {
				l.Match, l.undone = nil, append(l.undone, m.Seq)
			}
			for _, of := range m.Events {
				of.Match, of.undone = nil, append(of.undone, m.Seq)
			}
			delete(v.matches, r.Of)
		}
		delete(v.lines, r.Of)
		delete(v.movements, r.Of)
	}
	return nil
}

func (v *View) match(e *events.Event, bad error) error {
	c, r := e.Command, &e.Resolved
	m := &Match{Seq: e.Seq, Rule: c.Rule, Reason: c.Reason}
	for _, n := range r.BankLines {
		l := v.lines[n]
		if l == nil || l.Match != nil {
			return bad
		}
		l.Match = m
		m.Lines = append(m.Lines, l)
	}
	for _, n := range r.Matched {
		of := v.movements[n]
		if of == nil || of.Match != nil {
			return bad
		}
		of.Match = m
		m.Events = append(m.Events, of)
	}
	v.matches[e.Seq] = m
	return nil
}

// signed is an amount with the sign of its direction.
func (v *View) signed(a events.Amount, d events.Direction) (events.Minor, error) {
	m, err := a.Minor(v.decimals)
	if d == events.Out {
		m = -m
	}
	return m, err
}

func (v *View) line(e *events.Event) (*Line, error) {
	c := e.Command
	l := &Line{
		Seq: e.Seq, ID: e.ID, Year: c.Year, Account: c.Account, Day: c.Date.First(), Counterparty: c.Counterparty, OtherAccount: c.CounterpartyAccount, Reference: c.Reference,
		Purpose: c.Purpose, Document: c.Statement,
	}
	var err error
	if l.Amount, err = v.signed(c.Amount, c.Direction); err != nil {
		return nil, err
	}
	if c.Balance != "" {
		scaled := c.Balance.Decimal().Shift(int32(v.decimals))
		if !scaled.IsInteger() || !scaled.BigInt().IsInt64() {
			return nil, &events.Error{Code: events.Overflow, Args: events.Args{"value": string(c.Balance)}}
		}
		l.Balance, l.HasBalance = events.Minor(scaled.IntPart()), true
	}
	l.party = party{name: fold(l.Counterparty), account: accountOf(l.OtherAccount)}
	return l, nil
}

func (v *View) movement(e *events.Event) (*Movement, error) {
	c := e.Command
	m := &Movement{
		Seq: e.Seq, ID: e.ID, Kind: c.Kind, Cause: c.Cause, Of: e.Resolved.Of, Year: c.Year, Date: c.Date, Payee: c.Payee, Voucher: c.Voucher, Documents: c.Documents,
		Words: strings.TrimSpace(c.Purpose + " " + c.Note),
	}
	switch {
	case c.Cause == events.Returned: // the whole of a payment, whose amount stands in what it posts
		for i := range e.Postings {
			if p := &e.Postings[i]; p.Measure == events.ReturnedM {
				sum, ok := m.Amount.Add(p.Amount)
				if !ok {
					return nil, &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(p.Measure)}}
				}
				m.Amount = sum
			}
		}
	default:
		amount, err := v.signed(c.Amount, c.Cash())
		if err != nil {
			return nil, err
		}
		m.Amount = amount
	}
	if of := v.movements[m.Of]; of != nil && m.Payee == (events.Payee{}) {
		m.Payee = of.Payee
	}
	m.called()
	return m, nil
}

// called takes the party from the payee.
func (m *Movement) called() {
	m.party = party{name: fold(cmp.Or(m.Payee.Name, m.Payee.Ref)), account: accountOf(m.Payee.Account)}
}

// amend follows what an amendment says of a payment, and of what came back of it.
func (v *View) amend(of events.Seq, set *events.Amendment) {
	m := v.movements[of]
	if m == nil {
		return
	}
	m.named = nil
	if set.HasDocuments {
		m.Documents = set.Documents
	}
	for _, words := range []*string{set.Purpose, set.Note} {
		if words != nil { // what was said before may be what the bank printed
			m.Words = strings.TrimSpace(m.Words + " " + *words)
		}
	}
	if set.PayeeName == nil {
		return
	}
	m.Payee.Name = *set.PayeeName
	m.called()
	for _, back := range v.back[of] {
		back.Payee.Name = *set.PayeeName
		back.called()
	}
}

// Lines lists the bank lines that stand, in the order of the log.
func (v *View) Lines() []*Line {
	return sortedBySeq(v.lines, func(l *Line) events.Seq { return l.Seq })
}

// Movements lists the standing events that moved cash, in the order of the log.
func (v *View) Movements() []*Movement {
	return sortedBySeq(v.movements, func(m *Movement) events.Seq { return m.Seq })
}

// Matches lists the matchings that stand, in the order of the log.
func (v *View) Matches() []*Match {
	return sortedBySeq(v.matches, func(m *Match) events.Seq { return m.Seq })
}

func sortedBySeq[T any](of map[events.Seq]T, seq func(T) events.Seq) []T {
	out := make([]T, 0, len(of))
	for _, x := range of {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(seq(a), seq(b)) })
	return out
}

// Accounts lists the accounts that have lines, sorted.
func (v *View) Accounts() []string {
	var out []string
	for _, l := range v.lines {
		out = append(out, l.Account)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A party is the other side of a payment, as names and numbers are compared; "" is not known.
type party struct{ name, account string }

// fold is a name as it is compared: NFKC, without case, and only what is letter or digit, so without blanks and brackets.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(s))
}

// accountOf is an account's number as it is compared. What a bank hides of it is one star.
func accountOf(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			b.WriteRune(unicode.ToLower(r))
		case r == '*' && !strings.HasSuffix(b.String(), "*"):
			b.WriteByte('*')
		}
	}
	return b.String()
}

// sameAccount reports whether two numbers can be one account; a star stands for any digits.
func sameAccount(a, b string) bool {
	if a == b {
		return true
	}
	beginA, endA, hiddenA := strings.Cut(a, "*")
	beginB, endB, hiddenB := strings.Cut(b, "*")
	switch {
	case hiddenA && hiddenB:
		return agree(beginA, beginB, strings.HasPrefix) && agree(endA, endB, strings.HasSuffix)
	case hiddenA:
		return len(b) >= len(beginA)+len(endA) && strings.HasPrefix(b, beginA) && strings.HasSuffix(b, endA)
	case hiddenB:
		return len(a) >= len(beginB)+len(endB) && strings.HasPrefix(a, beginB) && strings.HasSuffix(a, endB)
	}
	return false
}

func agree(a, b string, has func(s, part string) bool) bool { return has(a, b) || has(b, a) }

// A likeness says how two parties compare.
type likeness uint8

const (
	unnamed      likeness = iota // one side does not say
	same                         // by name or by account
	otherName                    // both are named, and not alike
	otherAccount                 // the name is the same, the account is not
)

// like compares a line's party with a movement's.
func like(a, b party) likeness {
	accounts := a.account != "" && b.account != ""
	switch {
	case a.name != "" && a.name == b.name:
		if accounts && !sameAccount(a.account, b.account) {
			return otherAccount
		}
		return same
	case accounts && a.account == b.account && !strings.Contains(a.account, "*"):
		return same
	case a.name != "" && b.name != "":
		return otherName
	case accounts && !sameAccount(a.account, b.account):
		return otherAccount
	}
	return unnamed
}

// parted reports whether a matching of the two was taken back.
func parted(l *Line, m *Movement) bool {
	return slices.ContainsFunc(l.undone, func(n events.Seq) bool { return slices.Contains(m.undone, n) })
}
