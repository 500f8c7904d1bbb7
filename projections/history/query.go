package history

import (
	"slices"
	"sync"

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
	// Newest is how many rows a table of payments or a statement has at most, the newest; sums are over all. 0 has all.
	Newest int
	// Root is the root of the log's tree over the events of the history, base64. It is printed as it is.
	Root string
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

// day is the last business day that counts.
func (q *Query) day() events.Day {
	if q.AsOf == nil {
		return endless
	}
	return *q.AsOf
}

// narrows reports whether the query leaves a cell out.
func (h *History) narrows(q *Query, c *cell) bool {
	if q.Basis != "" && (c.basis < 0 || events.Bases[c.basis] != q.Basis) {
		return true
	}
	for _, x := range q.Where {
		if x.Dim != ByPayee && h.value(&c.key, x.Dim) != x.Value {
			return true
		}
	}
	return false
}

// payees reports whether the query asks for some, which cells do not tell apart.
func (q *Query) payees() bool {
	return q.By == ByPayee || slices.ContainsFunc(q.Where, func(c Condition) bool { return c.Dim == ByPayee })
}

// counts reports whether a posting counts in the query.
func (h *History) counts(q *Query, r *row) bool {
	return r.counts <= q.day() && !h.narrows(q, r.cell) && h.paid(q, r.seq)
}

// paid reports whether an event is about the payees that are asked for.
func (h *History) paid(q *Query, n events.Seq) bool {
	for _, c := range q.Where {
		if c.Dim == ByPayee && !h.isPayee(h.payee(n), &c) {
			return false
		}
	}
	return true
}

// Counted walks the postings of a year that count in the query, in the order of the log.
func (h *History) Counted(y *Year, q Query, visit func(*Posting)) {
	h.counted(y, &q, func(r *row) {
		p := h.posting(y, r)
		visit(&p)
	})
}

func (h *History) counted(y *Year, q *Query, visit func(*row)) {
	narrow := q.Basis != "" || len(q.Where) > 0
	day := q.day()
	h.walk(y, func(r *row) {
		if r.counts <= day && (!narrow || h.counts(q, r)) {
			visit(r)
		}
	})
}

// A part is what some postings of one cell come to.
type part struct {
	*cell
	sum   events.Minor
	payee uint32 // by its number, where the query asks for payees
}

// parts are what the postings that count in the query come to, cell by cell and, where it asks for payees, payee by payee. Those of which no posting counts are
// not there.
func (h *History) parts(y *Year, q *Query) ([]part, error) { return h.memo.of(h, y, q) }

// A memo has the parts of the last questions, since one table asks the same several times: for its lines, its lots and its face.
type memo struct {
	mu      sync.Mutex
	answers []answer
}

type answer struct {
	year   events.Year
	day    events.Day
	basis  events.Basis
	where  []Condition
	payees bool
	parts  []part
}

// of returns the parts of a question, which must not be changed.
func (m *memo) of(h *History, y *Year, q *Query) ([]part, error) {
	asked := answer{year: y.Year, day: q.day(), basis: q.Basis, where: q.Where, payees: q.payees()}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.answers {
		a := &m.answers[i]
		if a.year == asked.year && a.day == asked.day && a.basis == asked.basis && a.payees == asked.payees && slices.Equal(a.where, asked.where) {
			return a.parts, nil
		}
	}
	var err error
	if asked.parts, err = h.added(y, q); err != nil {
		return nil, err
	}
	asked.where = slices.Clone(asked.where)
	if len(m.answers) == memoSize {
		m.answers = slices.Delete(m.answers, 0, 1)
	}
	m.answers = append(m.answers, asked)
	return asked.parts, nil
}

const memoSize = 4

func (h *History) added(y *Year, q *Query) ([]part, error) {
	var out []part
	day := q.day()
	if !q.payees() {
		for _, c := range h.cells(y) {
			if h.narrows(q, c) {
				continue
			}
			sum, any, err := c.sum(h.last, day)
			if err != nil {
				return nil, err
			}
			if any {
				out = append(out, part{cell: c, sum: sum})
			}
		}
		return out, nil
	}
	type place struct {
		cell  *cell
		payee uint32
	}
	places := map[place]int{}
	var failed error
	h.counted(y, q, func(r *row) {
		at := place{r.cell, h.payee(r.seq)}
		n, ok := places[at]
		if !ok {
			n = len(out)
			places[at] = n
			out = append(out, part{cell: r.cell, payee: at.payee})
		}
		sum, ok := out[n].sum.Add(r.amount)
		if !ok && failed == nil {
			failed = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.Measures[r.measure])}}
		}
		out[n].sum = sum
	})
	return out, failed
}

// A Balance is what the postings of a line, or of a lot, add up to.
type Balance struct {
	All, Free events.Totals // everything; what is not in a lot
	Own       events.Totals // of a group: what was posted to itself
	Sent      events.Totals // over the channel to a lower treasury
}

// InTransit is what a lower treasury was sent and no enterprise is known to have got.
func (b *Balance) InTransit() events.Minor { return b.Sent.Spent() - b.Sent.Confirmed }

// Of is what a balance has of a measure, one that follows from others included.
func (b *Balance) Of(m events.Measure) events.Minor {
	switch m {
	case events.AdjustedM:
		return b.All.Adjusted()
	case events.SpentM:
		return b.All.Spent()
	case events.AvailableM:
		return b.All.Available()
	case events.InTransitM:
		return b.InTransit()
	}
	return *b.All.Of(m)
}

// add adds what a part comes to.
func (b *Balance) add(p *part) error {
	m := events.Measures[p.measure]
	to := []*events.Totals{&b.All, &b.Own}
	if p.lot == 0 {
		to = append(to, &b.Free)
	}
	if p.sent() {
		to = append(to, &b.Sent)
	}
	for _, t := range to {
		if err := t.Add(m, p.sum); err != nil {
			return err
		}
	}
	return nil
}

// sent reports whether a cell is of what went over a lower treasury.
func (c *cell) sent() bool {
	return c.channel >= 0 && events.Channels[c.channel] == events.LowerTreasury
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
	parts, err := h.parts(y, &q)
	if err != nil {
		return nil, err
	}
	return y.sums(parts)
}

// sums adds parts up, as [History.Balances] does.
func (y *Year) sums(parts []part) ([]Balance, error) {
	sums := make([]Balance, len(y.lines))
	for i := range parts {
		p := &parts[i]
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
	parts, err := h.parts(y, &q)
	if err != nil {
		return nil, err
	}
	sums := map[int32]*events.Totals{}
	for i := range parts {
		p := &parts[i]
		if p.lot == 0 {
			continue
		}
		t := sums[p.lot]
		if t == nil {
			t = &events.Totals{}
			sums[p.lot] = t
		}
		if err := t.Add(events.Measures[p.measure], p.sum); err != nil {
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
