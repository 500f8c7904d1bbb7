// Package payees is the fold of what each payee got out of several funds, and of what may have been paid twice. It is a view across funds: each is folded in turn,
// and only sums are kept of it, with the vouchers, accounts and projects that another fund may have too.
//
// A payee is matched by its id (统一社会信用代码), else by its name, else by its reference. Payments of one id under several names are one payee, which is called
// by the name of its last payment; what names nobody is a payee of its own, so that what is printed adds up. Amended names and ids are followed.
//
// What was paid, returned and recovered is a payment's and goes to the payment's payee and to the year that it was charged to, whichever year got it back. What is
// confirmed goes to whom the confirmation names: a district was paid, an enterprise got it. The net is what was paid less what came back. A reversed payment is none,
// and neither is one that does not count yet as of the date asked for.
//
// Twice is a question to a person, never an accusation: the same voucher line in two payments, the same account under two payees, the same project paid out of two funds,
// the same name with two ids.
package payees

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
)

// Payees is what was folded of several funds. The zero value has none.
type Payees struct {
	// AsOf counts what counts up to that business date; nil sets no limit.
	AsOf *events.Day

	funds  []Fund
	shares map[place]*Share
	names  map[string][]string                // of each key, the last one first
	keys   map[string]events.Payee            // what each key stands for, as last named
	marks  map[mark]map[string]map[Sight]bool // who was seen with each mark, and where
}

// A Fund is one of those that were folded, as known at its last event.
type Fund struct {
	Fund     events.Fund
	Currency string
	Decimals int
	Last     events.Seq
	Recorded string // of the last event, in events.TimeForm
	Root     string
}

// A place is where a payee's share stands.
type place struct {
	key  string
	fund int // in Payees.funds
	year events.Year
}

// A Share is what one payee got out of one year of one fund.
type Share struct {
	Payments                             int
	Paid, Returned, Recovered, Confirmed events.Minor
}

// Net is what was paid less what came back.
func (s *Share) Net() events.Minor { return s.Paid - s.Returned - s.Recovered }

// add adds a share up; it reports false where a sum would leave int64.
func (s *Share) add(o *Share) bool {
	s.Payments += o.Payments
	fits := true
	for _, pair := range [][2]*events.Minor{{&s.Paid, &o.Paid}, {&s.Returned, &o.Returned}, {&s.Recovered, &o.Recovered}, {&s.Confirmed, &o.Confirmed}} {
		sum, ok := pair[0].Add(*pair[1])
		*pair[0], fits = sum, fits && ok
	}
	if net, ok := s.Paid.Add(-s.Returned); !ok {
		fits = false
	} else if _, ok := net.Add(-s.Recovered); !ok {
		fits = false
	}
	return fits
}

// A mark is something that one payment should not share with another.
type mark struct{ kind, value string }

// The kinds of marks.
const (
	Voucher = "voucher"
	Account = "account"
	Project = "project"
	Name    = "name"
)

// A Sight is an event of a fund.
type Sight struct {
	Fund events.Fund
	Seq  events.Seq
}

// A View folds one fund. It keeps its history, which knows who each event is about, and what of its payments the history does not tell.
type View struct {
	*history.History
	facts Facts
}

// Facts are what the payments of a fund have that the history does not tell, by their numbers.
type Facts map[events.Seq]fact

// A fact is what a payment has that others should not have.
type fact struct {
	voucher          events.Voucher
	account, project string
	counts           events.Day
}

// NewView returns the view of a fund of which nothing is folded yet. lines are those of its log, as in [history.New].
func NewView(lines history.Lines) *View {
	return ViewOf(history.New(lines), Facts{})
}

// ViewOf returns the view of a fund that was folded into a history, with the facts of just its events.
func ViewOf(h *history.History, facts Facts) *View { return &View{h, facts} }

// Apply folds the next event in, with the errors of [history.History.Apply].
func (v *View) Apply(e *events.Event) error {
	if err := v.History.Apply(e); err != nil {
		return err
	}
	v.facts.Note(e)
	return nil
}

// Note notes the facts of an event.
func (f Facts) Note(e *events.Event) {
	c := e.Command
	if c.Kind != events.Disbursed {
		return
	}
	of := fact{voucher: c.Voucher, account: c.Payee.Account, project: c.Dims.Get("project")}
	for i := range e.Postings {
		if e.Postings[i].Measure == events.DisbursedM {
			of.counts = e.Postings[i].Counts
		}
	}
	f[e.Seq] = of
}

// key is what a payee is matched by. The prefix keeps an id from being taken for a name.
func key(p events.Payee) string {
	switch {
	case p.ID != "":
		return "id " + p.ID
	case p.Name != "":
		return "name " + p.Name
	case p.Ref != "":
		return "ref " + p.Ref
	}
	return ""
}

// Add adds a fund that was folded; the view may be let go of after it. root is the root of its log. It is an [events.Overflow] where a sum leaves int64.
func (p *Payees) Add(v *View, root string) error {
	if p.shares == nil {
		p.shares, p.names, p.keys, p.marks = map[place]*Share{}, map[string][]string{}, map[string]events.Payee{}, map[mark]map[string]map[Sight]bool{}
	}
	at := len(p.funds)
	p.funds = append(p.funds, Fund{v.Fund(), v.Currency(), v.Decimals(), v.Last(), v.Recorded(v.Last()).Format(events.TimeForm), root})
	share := func(who events.Payee, year events.Year) *Share {
		k := key(who)
		s := p.shares[place{k, at, year}]
		if s == nil {
			s = &Share{}
			p.shares[place{k, at, year}] = s
		}
		return s
	}
	for _, n := range slices.Sorted(maps.Keys(v.facts)) {
		f := v.facts[n]
		e := v.Event(n)
		if e.Reversed {
			continue
		}
		who := v.Payee(n)
		p.named(key(who), who, true) // whatever the date: who is asked for is known
		if p.AsOf != nil && f.counts > *p.AsOf {
			continue
		}
		share(who, e.Year).Payments++
		sight := Sight{v.Fund(), n}
		if f.voucher != (events.Voucher{}) {
			p.mark(Voucher, strings.Join([]string{f.voucher.Issuer, f.voucher.Year.String(), f.voucher.Type, f.voucher.Number, f.voucher.Line}, " "), key(who), sight)
		}
		if f.account != "" {
			p.mark(Account, f.account, key(who), sight)
		}
		if f.project != "" {
			p.mark(Project, f.project, key(who), sight)
		}
		if who.ID != "" && who.Name != "" {
			p.mark(Name, who.Name, key(who), sight)
		}
	}
	fits := true
	for _, y := range v.Years() {
		year, err := v.Year(y)
		if err != nil {
			return err
		}
		v.Counted(year, history.Query{AsOf: p.AsOf}, func(posted *history.Posting) {
			add := Share{}
			about := v.Payment(posted.Seq)
			switch posted.Measure {
			case events.DisbursedM:
				add.Paid = posted.Amount
			case events.ReturnedM:
				add.Returned = posted.Amount
			case events.RecoveredM:
				add.Recovered = posted.Amount
			case events.ConfirmedM:
				about, add.Confirmed = posted.Seq, posted.Amount
			default:
				return
			}
			if about == 0 { // a recovery that names a year and no payment
				return
			}
			charged := y
			if pay := v.Payment(posted.Seq); pay != 0 {
				charged = v.Event(pay).Year
			}
			who := v.Payee(about)
			p.named(key(who), who, false)
			fits = share(who, charged).add(&add) && fits
		})
	}
	if !fits {
		return overflow()
	}
	return nil
}

// named notes what a payee is called: first of all as its last payment does.
func (p *Payees) named(k string, who events.Payee, paid bool) {
	if _, known := p.keys[k]; paid || !known {
		p.keys[k] = who
	}
	names := p.names[k]
	switch {
	case who.Name == "":
	case !slices.Contains(names, who.Name):
		if names = append(names, who.Name); paid {
			names = append([]string{who.Name}, names[:len(names)-1]...)
		}
		p.names[k] = names
	case paid && names[0] != who.Name:
		p.names[k] = append([]string{who.Name}, slices.DeleteFunc(names, func(s string) bool { return s == who.Name })...)
	}
}

func (p *Payees) mark(kind, value, k string, at Sight) {
	m := mark{kind, value}
	if p.marks[m] == nil {
		p.marks[m] = map[string]map[Sight]bool{}
	}
	if p.marks[m][k] == nil {
		p.marks[m][k] = map[Sight]bool{}
	}
	p.marks[m][k][at] = true
}

// find lists the keys of the payees that have an id, a name or a reference; "" lists all.
func (p *Payees) find(asked string) map[string]bool {
	out := map[string]bool{}
	for k, who := range p.keys {
		if asked == "" || who.ID == asked || who.Ref == asked || slices.Contains(p.names[k], asked) {
			out[k] = true
		}
	}
	return out
}

// A twice is something that two payments share and should not.
type twice struct {
	mark
	keys   []string
	sights []Sight
}

// twice lists what two payments share: vouchers, accounts, projects, names, each by its value.
func (p *Payees) twice(asked map[string]bool) (out []twice) {
	for m, seen := range p.marks {
		t := twice{mark: m, keys: slices.Sorted(maps.Keys(seen))}
		funds := map[events.Fund]bool{}
		for _, sights := range seen {
			for s := range sights {
				t.sights = append(t.sights, s)
				funds[s.Fund] = true
			}
		}
		switch m.kind {
		case Voucher:
			if len(t.sights) < 2 {
				continue
			}
		case Project:
			if len(funds) < 2 {
				continue
			}
		default:
			if len(t.keys) < 2 {
				continue
			}
		}
		if !slices.ContainsFunc(t.keys, func(k string) bool { return asked[k] }) {
			continue
		}
		slices.SortFunc(t.sights, func(a, b Sight) int { return cmp.Or(cmp.Compare(a.Fund, b.Fund), cmp.Compare(a.Seq, b.Seq)) })
		out = append(out, t)
	}
	order := []string{Voucher, Account, Project, Name}
	slices.SortFunc(out, func(a, b twice) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.kind), slices.Index(order, b.kind)), cmp.Compare(a.value, b.value))
	})
	return out
}
