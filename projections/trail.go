package projections

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Trail is one event whole, with everything that it is about and everything that is about it. It is read off the log twice, since what an event is about
// stands before it: a first reading with [Trail.Apply] finds out which events belong to it, a second one of the same events with [Trail.Second] what they say. Only
// the references of the log are kept in between. A book has those already: see [Book.Trail].
type Trail struct {
	// Line is the event's line as stored, which whoever reads the log hands over: it is the leaf of the log's tree.
	Line []byte

	of       events.Seq
	last     events.Seq
	fund     events.Fund
	currency string
	decimals int
	recorded string // of the last event

	noted  noted                 // by the first reading
	names  names                 // of each event that names others
	places map[events.Seq]string // before, this, after
	told   []teller
	pay    map[events.Seq]events.Seq // the payment of each event about one of the trail's
	left   map[events.Seq]*remainder
}

// names knows which events name which.
type names interface {
	// Names are the events that event n names.
	Names(n events.Seq) []history.Reference
	// Naming walks the events after one that name others, in their order, each with every event that it names.
	Naming(after events.Seq) iter.Seq2[events.Seq, events.Seq]
}

// noted are the names that a log has been read for.
type noted map[events.Seq][]history.Reference

func (m noted) Names(n events.Seq) []history.Reference { return m[n] }

func (m noted) Naming(after events.Seq) iter.Seq2[events.Seq, events.Seq] {
	return func(yield func(events.Seq, events.Seq) bool) {
		for _, n := range slices.Sorted(maps.Keys(m)) {
			for _, r := range m[n] {
				if n > after && !yield(n, r.Seq) {
					return
				}
			}
		}
	}
}

// A teller is what an event of the trail says.
type teller struct {
	seq      events.Seq
	recorded string
	kind     events.Kind
	cause    events.Cause
	year     events.Year
	line     events.Line
	date     events.Date
	amount   sheet.Cell
}

// A remainder is what is left of a payment, line by line in the order in which its money got there.
type remainder struct {
	year  events.Year
	lines []events.Line
	sums  map[events.Line]*events.Totals
}

// NewTrail returns the trail of an event, of which nothing is read yet.
func NewTrail(of events.Seq) *Trail {
	read := noted{}
	return &Trail{of: of, noted: read, names: read, pay: map[events.Seq]events.Seq{}, left: map[events.Seq]*remainder{}}
}

// Apply notes what the next event names, as [View] demands.
func (t *Trail) Apply(e *events.Event) error {
	if e.Seq != t.last+1 {
		return &events.Error{Code: events.Tampered, Why: "gap", Args: events.Args{"seq": (t.last + 1).String()}}
	}
	if t.last == 0 {
		t.fund, t.currency, t.decimals = e.Command.Fund, e.Resolved.Currency, e.Resolved.Decimals
	}
	t.last, t.recorded = e.Seq, e.Time.UTC().Format(events.TimeForm)
	names := history.References(&e.Resolved)
	for _, r := range names {
		if r.Seq >= e.Seq {
			return &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(e.Command.Kind)}}
		}
	}
	if len(names) > 0 {
		t.noted[e.Seq] = names
	}
	return nil
}

// Last is the number of the last event of the first reading.
func (t *Trail) Last() events.Seq { return t.last }

// trace finds the events of the trail: those that the event names, and those they name, up to the first; and those that name it, and those that name them.
func (t *Trail) trace() {
	t.places = map[events.Seq]string{t.of: "this"}
	for at := []events.Seq{t.of}; len(at) > 0; at = at[1:] {
		for _, r := range t.names.Names(at[0]) {
			if t.places[r.Seq] == "" {
				t.places[r.Seq] = "before"
				at = append(at, r.Seq)
			}
		}
	}
	for n, of := range t.names.Naming(t.of) { // a name is older than who names it, so one pass finds all
		if place := t.places[of]; place == "this" || place == "after" {
			t.places[n] = "after"
		}
	}
}

// Trail returns the trail of an event that the book has, both readings done. Only the events of the trail, and those about its payments, are read again: the errors are
// those of [history.History.Stored].
func (b *Book) Trail(n events.Seq) (*Trail, error) {
	h := b.history
	t := NewTrail(n)
	t.names, t.fund, t.currency, t.decimals = h, h.Fund(), h.Currency(), h.Decimals()
	t.last, t.recorded = h.Last(), h.Recorded(h.Last()).UTC().Format(events.TimeForm)
	var err error
	if t.Line, err = h.Line(n); err != nil {
		return nil, err
	}
	second := t.Second()
	read := slices.Collect(maps.Keys(t.places))
	about := map[events.Seq]bool{} // payments that are told of, and what is about them
	first := n
	for m, place := range t.places {
		if place != "after" && h.Event(m).Kind == events.Disbursed {
			about[m], first = true, min(first, m)
		}
	}
	if len(about) > 0 {
		for m, of := range h.Naming(first) {
			if about[of] && !about[m] && aboutPayments(h.Event(m).Kind) {
				about[m] = true
				read = append(read, m)
			}
		}
	}
	slices.Sort(read)
	t.names = t.noted // what is told afterwards needs nothing of the book
	for _, m := range slices.Compact(read) {
		if t.places[m] != "" {
			t.noted[m] = h.Names(m)
		}
		e, err := h.Stored(m)
		if err != nil {
			return nil, err
		}
		if err := second.Apply(&e); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// aboutPayments reports whether events of a kind are about the payment that they name in `of`, if it is one.
func aboutPayments(k events.Kind) bool {
	return k == events.ReceiptConfirmed || k == events.Reclassified || k == events.ClawedBack || k == events.Reversed
}

// Second returns the view of the second reading.
func (t *Trail) Second() View {
	t.trace()
	return (*telling)(t)
}

type telling Trail

// Apply takes what an event of the trail says, and what any event does to a payment of it.
func (t *telling) Apply(e *events.Event) error {
	c, r := e.Command, &e.Resolved
	if t.places[e.Seq] != "" {
		amount, ok := t.amount(e)
		if !ok {
			return &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(c.Kind)}}
		}
		tell := teller{
			seq: e.Seq, recorded: e.Time.UTC().Format(events.TimeForm), kind: c.Kind, cause: c.Cause, year: c.Year, line: cmp.Or(c.Line, r.Line), date: c.Date,
			amount: amount,
		}
		if tell.date.IsZero() && len(e.Postings) > 0 { // what corrects an event acts on its date
			tell.date = e.Postings[0].Date
		}
		t.told = append(t.told, tell)
		if c.Kind == events.Disbursed && t.places[e.Seq] != "after" {
			t.pay[e.Seq] = e.Seq
			t.left[e.Seq] = &remainder{year: c.Year, sums: map[events.Line]*events.Totals{}}
		}
	}
	if of := t.pay[r.Of]; of > 0 && aboutPayments(c.Kind) {
		t.pay[e.Seq] = of
	}
	if of := t.left[t.pay[e.Seq]]; of != nil {
		return of.add(e)
	}
	return nil
}

// amount is that of an event: its command's, else what it moves or takes back; null where it is about no money. It reports false where that is no amount of the fund.
func (t *telling) amount(e *events.Event) (sheet.Cell, bool) {
	c := e.Command
	var sum events.Minor
	switch {
	case !c.Amount.IsZero():
		a, err := c.Amount.Minor(t.decimals)
		return sheet.Money(a, t.decimals), err == nil
	case c.Kind == events.Reversed: // all of what it names, which was told before
		if at := slices.IndexFunc(t.told, func(o teller) bool { return o.seq == e.Resolved.Of }); at >= 0 {
			return t.told[at].amount, true
		}
		return sheet.Cell{}, true
	case c.Kind == events.Reallocated:
		for _, leg := range c.ToLegs {
			a, err := leg.Amount.Minor(t.decimals)
			total, ok := sum.Add(a)
			if err != nil || !ok {
				return sheet.Cell{}, false
			}
			sum = total
		}
	case c.Cause == events.Returned:
		for i := range e.Postings {
			if p := &e.Postings[i]; p.Measure == events.ReturnedM {
				total, ok := sum.Add(p.Amount)
				if !ok {
					return sheet.Cell{}, false
				}
				sum = total
			}
		}
	default:
		return sheet.Cell{}, true
	}
	return sheet.Money(sum, t.decimals), true
}

// add takes what an event about a payment does to it. A recovery stands in the year that got the money back and names the line that it came from.
func (r *remainder) add(e *events.Event) error {
	for i := range e.Postings {
		p := &e.Postings[i]
		line := p.Line
		switch p.Measure {
		case events.DisbursedM, events.ReturnedM, events.ConfirmedM:
		case events.RecoveredM:
			line = p.OfLine
		default:
			continue
		}
		sum := r.sums[line]
		if sum == nil {
			sum = &events.Totals{}
			r.sums[line] = sum
			r.lines = append(r.lines, line)
		}
		if err := sum.Add(p.Measure, p.Amount); err != nil {
			return err
		}
	}
	return nil
}

// Sheet is the trail once both readings are done: the chain of events in the order of the log, the postings of the event, and what is left of the payments that it
// is or is about. root is the root of the log's tree over the events read. It is an [events.Tampered] where the line is not one that this program writes.
func (t *Trail) Sheet(root string) (*sheet.Sheet, error) {
	e, err := events.ParseEvent(t.Line)
	if err != nil {
		return nil, err
	}
	s := &sheet.Sheet{Name: "event", Currency: t.currency, Decimals: t.decimals}
	member := func(name string, v sheet.Cell) sheet.Member { return sheet.Member{Name: name, Value: v} }
	number, fund := sheet.Number(t.of), sheet.Words(string(t.fund))
	flags := make([]sheet.Cell, len(e.Flags))
	for i, f := range e.Flags {
		flags[i] = sheet.Term("flag", string(f))
	}
	known := sheet.Members(member("seq", sheet.Number(t.last)), member("recorded", sheet.Words(t.recorded)))
	command, leaf, id := sheet.Words(string(e.Command.Raw)), sheet.Words(proof.Leaf(t.Line).String()), sheet.Words(string(e.ID))
	actor := []sheet.Member{member("actor", sheet.Words(e.Actor.ID)), member("role", sheet.Words(e.Actor.Role))}
	s.Title = []sheet.Member{member("seq", number), member("fund", fund)}
	s.Face = []sheet.Cell{
		sheet.Say("face.known-at", known.Members()...),
		sheet.Say("face.root", member("root", sheet.Words(root))),
		sheet.Say("face.event", member("id", id), member("kind", sheet.Term("kind", string(e.Command.Kind))), member("recorded", sheet.Words(e.Time.UTC().Format(events.TimeForm)))),
		sheet.Say("face.actor", actor...),
		sheet.Say("face.leaf", member("leaf", leaf)),
		sheet.Say("face.command", member("command", command)),
	}
	if len(flags) > 0 {
		s.Face = slices.Insert(s.Face, 4, sheet.Say("face.flags", member("flags", sheet.Listed(flags...))))
	}
	s.Head = []sheet.Member{
		member("fund", fund), member("event", number), member("id", id), member("known_at", known), member("root", sheet.Words(root)),
		member("currency", sheet.Words(t.currency)), actor[0], actor[1], member("rules", sheet.Number(e.Rules)),
		member("flags", sheet.Listed(flags...)), member("leaf_hash", leaf), member("command", command),
	}
	s.Tables = []*sheet.Table{t.chain(), t.postings(&e), t.payments()}
	return s, nil
}

// chain has a row for each event of the trail.
func (t *Trail) chain() *sheet.Table {
	return &sheet.Table{
		Name: "chain", Text: []string{"place", "seq", "date", "kind", "cause", "line", "amount", "relation", "recorded_at"},
		Columns: sheet.Columns("place", "|", "seq", "|", "recorded_at", "kind", "cause", "relation", "names", "|", "year", "|", "line", "date", "|", "amount"),
		Rows: func(yield func(sheet.Row) bool) {
			for i := range t.told {
				o := &t.told[i]
				var said, names []sheet.Cell
				for _, r := range t.names.Names(o.seq) {
					seq := sheet.Member{Name: "seq", Value: sheet.Number(r.Seq)}
					said = append(said, sheet.Say("relation."+r.Field, seq))
					names = append(names, sheet.Titled(r.Field+" "+r.Seq.String(), sheet.Member{Name: "field", Value: sheet.Words(r.Field)}, seq))
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Term("place", t.places[o.seq]), sheet.Number(o.seq), sheet.Words(o.recorded), sheet.Term("kind", string(o.kind)),
					sheet.Term("cause", string(o.cause)), sheet.Listed(said...), sheet.Listed(names...), sheet.Number(o.year), sheet.Words(string(o.line)),
					sheet.Words(o.date.String()), o.amount,
				}}) {
					return
				}
			}
		},
	}
}

// postings are what the event does.
func (t *Trail) postings(e *events.Event) *sheet.Table {
	return &sheet.Table{
		Name: "postings", Text: []string{"year", "line", "measure", "amount", "date", "counts", "lot", "channel", "basis", "dims"},
		Columns: sheet.Columns("|", "year", "|", "line", "measure", "|", "amount", "|", "date", "counts", "lot", "channel", "basis", "dims", "|", "of_year", "|", "of_line"),
		Rows: func(yield func(sheet.Row) bool) {
			for i := range e.Postings {
				p := &e.Postings[i]
				ofYear := sheet.Cell{}
				if p.OfYear != 0 {
					ofYear = sheet.Number(p.OfYear)
				}
				dims := make([]sheet.Cell, len(p.Dims))
				for i, d := range p.Dims {
					dims[i] = sheet.Words(d.Key + "=" + d.Value)
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Number(p.Year), sheet.Words(string(p.Line)), sheet.Term("measure", string(p.Measure)), sheet.Money(p.Amount, t.decimals),
					sheet.Words(p.Date.String()), sheet.Words(p.Counts.String()), sheet.Words(p.Lot), sheet.Term("channel", string(p.Channel)),
					sheet.Term("basis", string(p.Basis)), sheet.Listed(dims...), ofYear, sheet.Words(string(p.OfLine)),
				}}) {
					return
				}
			}
		},
	}
}

// payments are those that the event is or is about, with what is left of them on each line.
func (t *Trail) payments() *sheet.Table {
	money := func(m events.Minor) sheet.Cell { return sheet.Money(m, t.decimals) }
	return &sheet.Table{
		Name:    "left",
		Columns: sheet.Columns("|", "seq", "year", "|", "line", "|", "disbursed", "returned", "recovered", "left", "confirmed"),
		Rows: func(yield func(sheet.Row) bool) {
			for _, n := range slices.Sorted(maps.Keys(t.left)) {
				r := t.left[n]
				for _, line := range r.lines {
					sum := r.sums[line]
					if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
						sheet.Number(n), sheet.Number(r.year), sheet.Words(string(line)), money(sum.Disbursed), money(sum.Returned), money(sum.Recovered),
						money(sum.Spent() - sum.Recovered), money(sum.Confirmed),
					}}) {
						return
					}
				}
			}
		},
	}
}
