package history

import (
	"maps"
	"slices"

	"fundledger/events"
)

// An Ahead is a history with events that are in no log yet, as far as the balances of their lines and lots go. The history itself is left as it is, so that any
// number may look ahead of it at once, and it costs what the balances cost, however long the log is.
type Ahead struct {
	h     *History
	years book
	next  []events.Event
}

// Ahead returns the history with the events that would be the next. It is [events.Tampered] where they do not fit it.
func (h *History) Ahead(next []events.Event) (*Ahead, error) {
	a := &Ahead{h: h, years: book{}, next: next}
	for i := range h.tolds {
		if t := &h.tolds[i]; t.Seq <= h.last {
			a.years.tell(t)
		}
	}
	kindOf := func(n events.Seq) events.Kind {
		switch {
		case n == 0:
			return ""
		case n <= h.last:
			return h.kind(n)
		case n-h.last <= events.Seq(len(next)):
			return next[n-h.last-1].Command.Kind
		}
		return ""
	}
	for i := range next {
		e := &next[i]
		t, ok := tells(e, kindOf(e.Resolved.Of))
		if e.Seq != h.last+events.Seq(i)+1 || ok && !a.years.tell(&t) {
			return nil, &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(e.Command.Kind)}}
		}
	}
	return a, nil
}

// Years lists the years that are open then.
func (a *Ahead) Years() []events.Year {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a.years)), func(y events.Year) bool { return a.years[y].Opened == 0 })
}

// Year returns a year as it is then, with the balance of each of [Year.Lines] and those of its lots, as [History.Balances] and [History.LotBalances] would give them.
// The year must be one of [Ahead.Years].
func (a *Ahead) Year(n events.Year) (y *Year, balances []Balance, lots []LotBalance, err error) {
	y = a.years[n]
	sums := make([]Balance, len(y.lines))
	lotted := map[string]*events.Totals{}
	if was := a.h.book()[n]; was != nil { // it may have money before it is open
		parts, err := a.h.parts(was, &Query{Year: n})
		if err != nil {
			return nil, nil, nil, err
		}
		for i := range parts {
			p := &parts[i]
			if err := a.add(y, sums, lotted, was.lines[p.line].Code, a.h.texts.values[p.lot], events.Measures[p.measure], p.sum, p.sent()); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	for i := range a.next {
		for k := range a.next[i].Postings {
			p := &a.next[i].Postings[k]
			if p.Year != n {
				continue
			}
			if err := a.add(y, sums, lotted, p.Line, p.Lot, p.Measure, p.Amount, p.Channel == events.LowerTreasury); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	if balances, err = y.raised(sums); err != nil {
		return nil, nil, nil, err
	}
	for _, l := range y.lots {
		if t := lotted[l.Name]; t != nil && (len(l.Carriers) > 0 || !t.IsZero()) {
			lots = append(lots, LotBalance{l, *t})
		}
	}
	return y, balances, lots, nil
}

func (a *Ahead) add(y *Year, sums []Balance, lots map[string]*events.Totals, line events.Line, lot string, m events.Measure, amount events.Minor, sent bool) error {
	at, ok := y.places[line]
	if !ok {
		return &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"line": string(line)}}
	}
	b := &sums[at]
	to := []*events.Totals{&b.All, &b.Own}
	if lot == "" {
		to = append(to, &b.Free)
	} else {
		if lots[lot] == nil {
			lots[lot] = &events.Totals{}
		}
		to = append(to, lots[lot])
	}
	if sent {
		to = append(to, &b.Sent)
	}
	for _, t := range to {
		if err := t.Add(m, amount); err != nil {
			return err
		}
	}
	return nil
}
