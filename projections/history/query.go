package history

import (
	"slices"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// A Query is what is asked of a history beyond its number: the year, and which of its postings count.
type Query struct {
	Year events.Year
	// AsOf counts what counts up to that business date; nil sets no limit.
	AsOf *events.Day
	// Basis counts only what is known in that way; "" counts all.
	Basis events.Basis
	// Denominator is what rates are over; "" is [OverAdjusted].
	Denominator Denominator
	// Where keeps the postings that meet every condition.
	Where []Condition
	// By divides budget and execution by a dimension; "" does not.
	By string
	// Root is the root of the log's tree over the events of the history, base64. It is printed as it is.
	Root string

	// before leaves the event of that number and those after it out; 0 leaves none out.
	before events.Seq
}

// A Denominator is what the spent of a rate is divided by.
type Denominator string

// The denominators. Over the current year's money lots are left out on both sides; net is adjusted − lapsed.
const (
	OverOriginal Denominator = "original"
	OverAdjusted Denominator = "adjusted"
	OverNet      Denominator = "net"
	OverCurrent  Denominator = "current"
)

// Denominators lists them.
var Denominators = []Denominator{OverOriginal, OverAdjusted, OverNet, OverCurrent}

// checked fills defaults in and refuses what is no choice.
func (h *History) checked(q Query) (Query, error) {
	if q.Denominator == "" {
		q.Denominator = OverAdjusted
	}
	switch {
	case !slices.Contains(Denominators, q.Denominator):
		return q, unknown("denominator", q.Denominator, Denominators)
	case q.Basis != "" && !slices.Contains(events.Bases, q.Basis):
		return q, unknown("basis", q.Basis, events.Bases)
	}
	return q, h.Known(q)
}

// narrows reports whether the query leaves a posting out before dates are looked at.
func (h *History) narrows(q *Query, p *posted) bool {
	if q.Basis != "" && (p.basis < 0 || events.Bases[p.basis] != q.Basis) {
		return true
	}
	for _, c := range q.Where {
		if !h.meets(p, c) {
			return true
		}
	}
	return false
}

func (h *History) counts(q *Query, p *posted) bool {
	return (q.before == 0 || p.seq < q.before) && (q.AsOf == nil || p.counts <= *q.AsOf) && !h.narrows(q, p)
}

// Counted walks the postings of a year that count in the query, in the order of the log.
func (h *History) Counted(y *Year, q Query, visit func(*Posting)) {
	for i := range y.posted {
		if h.counts(&q, &y.posted[i]) {
			p := h.posting(y, &y.posted[i])
			visit(&p)
		}
	}
}

// A Balance is what the postings of a line, or of a lot, add up to.
type Balance struct {
	All, Free events.Totals // everything; what is not in a lot
	Own       events.Totals // of a group: what was posted to itself
	Sent      events.Totals // over the channel to a lower treasury
}

// InTransit is what a lower treasury was sent and no enterprise is known to have got.
func (b *Balance) InTransit() events.Minor { return b.Sent.Spent() - b.Sent.Confirmed }

func (b *Balance) add(p *posted) error {
	m := events.Measures[p.measure]
	to := []*events.Totals{&b.All, &b.Own}
	if p.lot == 0 {
		to = append(to, &b.Free)
	}
	if p.channel >= 0 && events.Channels[p.channel] == events.LowerTreasury {
		to = append(to, &b.Sent)
	}
	for _, t := range to {
		if err := t.Add(m, p.amount); err != nil {
			return err
		}
	}
	return nil
}

// Rate is spent over the denominator in percent, "" where there is no such rate.
func (b *Balance) Rate(d Denominator) string {
	switch d {
	case OverOriginal:
		return sheet.Share(b.All.Spent(), b.All.Original)
	case OverNet:
		net, ok := b.All.Adjusted().Add(-b.All.Lapsed)
		if !ok {
			return ""
		}
		return sheet.Share(b.All.Spent(), net)
	case OverCurrent:
		return sheet.Share(b.Free.Spent(), b.Free.Adjusted())
	}
	return sheet.Share(b.All.Spent(), b.All.Adjusted())
}

// Balances adds the postings up that count in the query: for each line of [Year.Lines] its own and those below. It is an [events.Overflow]
// where what is left out of the sum makes it leave int64.
func (h *History) Balances(y *Year, q Query) ([]Balance, error) {
	return h.sums(y, func(p *posted) bool { return h.counts(&q, p) })
}

// sums adds up the postings that keep chooses, as [History.Balances] does.
func (h *History) sums(y *Year, keep func(*posted) bool) ([]Balance, error) {
	sums := make([]Balance, len(y.lines))
	for i := range y.posted {
		if p := &y.posted[i]; keep(p) {
			if err := sums[p.line].add(p); err != nil {
				return nil, err
			}
		}
	}
	return y.raised(sums)
}

// sumsOf adds up the postings at those places, as [History.Balances] does.
func (h *History) sumsOf(y *Year, places []int) ([]Balance, error) {
	sums := make([]Balance, len(y.lines))
	for _, i := range places {
		p := &y.posted[i]
		if err := sums[p.line].add(p); err != nil {
			return nil, err
		}
	}
	return y.raised(sums)
}

// raised adds to each line what is below it, and returns the lines in the order of [Year.Lines].
func (y *Year) raised(sums []Balance) ([]Balance, error) {
	var order []int32
	y.walk(0, func(i int32) { order = append(order, i) })
	for _, i := range slices.Backward(order[1:]) { // those below come after
		b, up := &sums[i], &sums[y.lines[i].up]
		for _, pair := range [][2]*events.Totals{{&up.All, &b.All}, {&up.Free, &b.Free}, {&up.Sent, &b.Sent}} {
			if err := pair[0].Plus(*pair[1]); err != nil {
				return nil, err
			}
		}
	}
	out := make([]Balance, len(order))
	for at, i := range order {
		out[at] = sums[i]
	}
	return out, nil
}

// A LotBalance is a lot with what its postings add up to.
type LotBalance struct {
	*Lot
	events.Totals
}

// LotBalances adds up the lots of a year, in the order in which they came. Lots of which nothing counts in the query are left out, and so are those
// whose carrying over was reversed.
func (h *History) LotBalances(y *Year, q Query) ([]LotBalance, error) {
	sums := map[int32]*events.Totals{}
	for i := range y.posted {
		p := &y.posted[i]
		if p.lot == 0 || !h.counts(&q, p) {
			continue
		}
		t := sums[p.lot]
		if t == nil {
			t = &events.Totals{}
			sums[p.lot] = t
		}
		if err := t.Add(events.Measures[p.measure], p.amount); err != nil {
			return nil, err
		}
	}
	var out []LotBalance
	for _, l := range y.lots {
		if t := sums[h.texts.number[l.Name]]; t != nil && (len(l.Carriers) > 0 || !t.IsZero()) {
			out = append(out, LotBalance{l, *t})
		}
	}
	return out, nil
}
