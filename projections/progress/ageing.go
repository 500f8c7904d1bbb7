package progress

import (
	"cmp"
	"slices"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Waiting is a kind of what waits. See the package's comment.
type Waiting string

// The kinds of what waits.
const (
	Transit    Waiting = "transit"
	Commitment Waiting = "commitment"
	Suspense   Waiting = "suspense"
	OpenLot    Waiting = "lot"
	Allotted   Waiting = "allotted"
)

// Waitings lists them in the order of tables.
var Waitings = []Waiting{Transit, Commitment, Suspense, OpenLot, Allotted}

// buckets are how long something has waited, in days; each ends with its last, and the one after them has no end.
var buckets = []struct {
	name string
	last int64
}{{"0-30", 30}, {"31-90", 90}, {"91-180", 180}, {"181-365", 365}, {"over-365", 1<<63 - 1}}

func bucketOf(days int64) int {
	for i := range buckets {
		if days <= buckets[i].last {
			return i
		}
	}
	return len(buckets) - 1
}

// A wait is one thing that waits: what is left of an event's money on a line, in a lot, of one value of the dimension asked for.
type wait struct {
	kind   Waiting
	root   events.Seq // 0 where nothing that stands began it
	line   events.Line
	lot    string
	value  string
	date   events.Date
	since  events.Day
	first  events.Seq // that tells the date
	amount events.Minor
}

// A place is where a wait lies.
type place struct {
	kind       Waiting
	root       events.Seq
	line       events.Line
	lot, value string
}

// A divider tells the values that things have in a dimension.
type divider struct {
	h       *history.History
	dim     string
	methods map[events.Seq]events.Method // of payments, where they are asked for
	first   map[events.Seq]string        // the channel or basis with which something began
}

func newDivider(h *history.History, y *history.Year, q history.Query) *divider {
	d := &divider{h: h, dim: q.By, first: map[events.Seq]string{}}
	if d.dim != history.ByMethod {
		return d
	}
	d.methods = map[events.Seq]events.Method{}
	for _, m := range []events.Method{events.Direct, events.Authorised, events.Single, events.Warrant} {
		h.Counted(y, history.Query{Year: q.Year, Where: []history.Condition{{Dim: history.ByMethod, Value: string(m)}}}, func(p *history.Posting) {
			d.methods[h.Payment(p.Seq)] = m
		})
	}
	return d
}

// own reports whether the dimension is one of the events' dims: a thing has its postings' value of such a one, and else that of the event that began it.
func (d *divider) own() bool {
	return !slices.Contains([]string{"", history.ByPayee, history.ByMethod, history.ByChannel, history.ByBasis}, d.dim)
}

func (d *divider) value(p *history.Posting, root events.Seq) string {
	switch d.dim {
	case "":
		return ""
	case history.ByPayee:
		payee := d.h.Payee(root)
		return cmp.Or(payee.ID, payee.Name, payee.Ref)
	case history.ByMethod:
		return string(d.methods[root])
	case history.ByChannel, history.ByBasis:
		value, ok := d.first[root]
		if !ok {
			value = string(p.Channel)
			if d.dim == history.ByBasis {
				value = string(p.Basis)
			}
			d.first[root] = value
		}
		return value
	}
	return p.Dims.Get(d.dim)
}

// cell is a value for its reader; null where there is none.
func (d *divider) cell(value string) sheet.Cell {
	switch d.dim {
	case history.ByMethod, history.ByChannel, history.ByBasis:
		return sheet.Term(d.dim, value)
	}
	return sheet.Words(value)
}

// usualDimension is what is asked for where nothing is: the district, where the year has that.
const usualDimension = "district"

// divided fills the usual dimension in.
func divided(h *history.History, q history.Query) history.Query {
	if q.By == "" && slices.Contains(h.Dimensions(q.Year), usualDimension) {
		q.By = usualDimension
	}
	return q
}

// A told is what is read from the log again of an event, since a history keeps it of none.
type told struct {
	commitment, settles events.Seq
	date                events.Date
}

// A waiter collects what waits.
type waiter struct {
	h      *history.History
	d      *divider
	read   map[events.Seq]told
	at     map[place]*wait
	waits  []*wait
	began  map[events.Seq]events.Day // where the query narrows
	spent  map[place]events.Minor    // on a line, of a value of one of the events' dims
	failed error
}

func newWaiter(h *history.History, y *history.Year, q history.Query) *waiter {
	w := &waiter{h: h, d: newDivider(h, y, q), read: map[events.Seq]told{}, at: map[place]*wait{}, spent: map[place]events.Minor{}}
	if q.Basis == "" && len(q.Where) == 0 {
		return w
	}
	// The query may leave out what began something and not what ended it; it has waited since it began all the same.
	w.began = map[events.Seq]events.Day{}
	h.Postings(y, func(p *history.Posting) {
		switch h.Event(p.Seq).Kind {
		case events.Disbursed, events.Committed, events.ClawedBack, events.Allotted:
			if _, told := w.began[p.Seq]; !told { // what it did to others comes after
				w.began[p.Seq] = p.Counts
			}
		}
	})
	return w
}

func (w *waiter) told(n events.Seq) told {
	t, ok := w.read[n]
	if !ok {
		e, err := w.h.Stored(n)
		if err != nil && w.failed == nil {
			w.failed = err
		}
		t = told{commitment: e.Resolved.Commitment, settles: e.Resolved.Settles}
		if e.Command != nil {
			t.date = e.Command.Date
		}
		w.read[n] = t
	}
	return t
}

// root is the event that began what a posting is of: the payment, the commitment, the money in suspense or the allotment.
func (w *waiter) root(kind Waiting, n events.Seq) events.Seq {
	e := w.h.Event(n)
	of := events.Seq(0)
	switch {
	case e.Kind == events.Reversed:
		return w.root(kind, e.Of)
	case kind == Transit:
		of = w.h.Payment(n)
	case kind == Suspense:
		of = w.told(n).settles
	case kind == Allotted, e.Kind == events.CommitmentReleased:
		of = e.Of
	case kind == Commitment && e.Kind != events.Committed: // a payment, or one that the bank returned, which gives back what it had used
		of = w.told(cmp.Or(w.h.Payment(n), n)).commitment
	}
	return cmp.Or(of, n)
}

// sentParts are the measures of what is in transit, with their signs.
var sentParts = map[events.Measure]events.Minor{events.DisbursedM: 1, events.ReturnedM: -1, events.ConfirmedM: -1}

func (w *waiter) post(p *history.Posting) {
	sign, sent := sentParts[p.Measure]
	switch {
	case sent && p.Channel == events.LowerTreasury:
		w.add(Transit, p, sign*p.Amount)
	case p.Measure == events.CommittedM:
		w.add(Commitment, p, p.Amount)
	case p.Measure == events.SuspenseM:
		w.add(Suspense, p, p.Amount)
	case p.Measure == events.AllottedM:
		w.add(Allotted, p, p.Amount)
	}
	if p.Measure == events.DisbursedM || p.Measure == events.ReturnedM {
		w.sum(w.spent, w.spentAt(p.Line, p.Dims.Get(w.d.dim)), sign*p.Amount)
	}
}

// spentAt is where something spent is kept. What is none of the events' dims, such as the channel, an allotment cannot have, so it tells nothing apart.
func (w *waiter) spentAt(line events.Line, value string) place {
	if !w.d.own() {
		value = ""
	}
	return place{line: line, value: value}
}

func (w *waiter) sum(of map[place]events.Minor, at place, a events.Minor) {
	sum, ok := of[at].Add(a)
	if !ok && w.failed == nil {
		w.failed = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.SpentM)}}
	}
	of[at] = sum
}

func (w *waiter) add(kind Waiting, p *history.Posting, a events.Minor) {
	root := w.root(kind, p.Seq)
	at := place{kind, root, p.Line, p.Lot, w.d.value(p, root)}
	one := w.at[at]
	if one == nil {
		since, ok := w.began[root]
		if !ok {
			since = p.Counts
		}
		one = &wait{kind: kind, root: root, line: p.Line, lot: p.Lot, value: at.value, since: since, first: root}
		w.at[at] = one
		w.waits = append(w.waits, one)
	}
	sum, ok := one.amount.Add(a)
	if !ok && w.failed == nil {
		w.failed = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(p.Measure)}}
	}
	one.amount = sum
}

// use takes what was spent from the allotments: on each line from the oldest first, and what is beyond them from those of the line above.
func (w *waiter) use(y *history.Year) {
	allotted := map[place][]*wait{}
	for _, one := range w.waits {
		if one.kind == Allotted && one.amount > 0 {
			at := w.spentAt(one.line, one.value)
			allotted[at] = append(allotted[at], one)
		}
	}
	if len(allotted) == 0 {
		return
	}
	values := map[string]bool{}
	for at := range w.spent {
		values[at.value] = true
	}
	lines := y.Lines()
	for value := range values {
		for _, l := range slices.Backward(lines) { // those below come after
			at := place{line: l.Code, value: value}
			rest := max(w.spent[at], 0)
			list := allotted[at]
			slices.SortStableFunc(list, func(a, b *wait) int { return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.root, b.root)) })
			for _, one := range list {
				used := min(rest, one.amount)
				one.amount -= used
				rest -= used
			}
			if l.Code != events.Root {
				above := place{line: l.Parent, value: value}
				w.sum(w.spent, above, rest)
			}
		}
	}
}

// lots adds what is left of carried-over money.
func (w *waiter) lots(y *history.Year, q history.Query) error {
	balances, err := w.h.LotBalances(y, q)
	if err != nil {
		return err
	}
	brought := map[events.Seq]string{}
	if w.d.dim != "" {
		w.h.Postings(y, func(p *history.Posting) {
			if p.Measure == events.CarriedInM {
				brought[p.Seq] = w.d.value(p, p.Seq)
			}
		})
	}
	ages := &carriages{h: w.h}
	for _, b := range balances {
		one := &wait{kind: OpenLot, line: b.Line, lot: b.Name, amount: b.Available()}
		if c, ok := ages.first(y, b.Lot); ok {
			one.root, one.since, one.first = b.Carriers[0], c.day, c.seq
			one.value = brought[one.root]
		}
		w.waits = append(w.waits, one)
	}
	return nil
}

// Ageing is everything that waits in a year, the kinds in their order and of each the oldest first, and what it comes to by kind, by how long it waits, and by
// value of the dimension asked for.
func Ageing(h *history.History, q history.Query, open history.Open) (*sheet.Sheet, error) {
	q = divided(h, q)
	s, y, err := h.Sheet("ageing", q, open, false)
	if err != nil {
		return nil, err
	}
	day := today(h, q)
	dated(s, day)
	w := newWaiter(h, y, q)
	h.Counted(y, q, w.post)
	w.use(y)
	if _, available, err := h.Budgeted(y, history.Query{Year: q.Year, AsOf: q.AsOf, Basis: q.Basis, Where: q.Where}, events.Root); err != nil {
		return nil, err
	} else if len(q.Where) == 0 || available {
		if err := w.lots(y, q); err != nil {
			return nil, err
		}
	} else {
		s.Face = append(s.Face, sheet.Say("face.ageing-no-lots"))
	}
	waits := slices.DeleteFunc(w.waits, func(one *wait) bool { return one.amount == 0 })
	slices.SortStableFunc(waits, func(a, b *wait) int { return cmp.Compare(a.first, b.first) }) // as the log is read fastest
	for _, one := range waits {
		if one.first != 0 {
			one.date = w.told(one.first).date
		}
	}
	if w.failed != nil {
		return nil, w.failed
	}
	slices.SortStableFunc(waits, func(a, b *wait) int {
		return cmp.Or(cmp.Compare(slices.Index(Waitings, a.kind), slices.Index(Waitings, b.kind)), cmp.Compare(a.since, b.since), cmp.Compare(a.root, b.root))
	})
	if slices.ContainsFunc(waits, func(one *wait) bool { return one.kind == Allotted }) {
		s.Face = append(s.Face, sheet.Say("face.ageing-allotted"))
	}
	days := func(one *wait) int64 { return max(int64(day-one.since), 0) }
	rows := &sheet.Table{
		Name: "rows",
		Columns: append(sheet.Columns("kind", "|", "seq", "|", "line", "date", "since", "group", "payee", "lot"),
			sheet.Column{Name: "amount", Right: true}, sheet.Column{Name: "days", Right: true}, sheet.Column{Name: "bucket"}),
		Text: []string{"kind", "seq", "line", "date", "group", "payee", "lot", "amount", "days", "bucket"},
		Rows: func(yield func(sheet.Row) bool) {
			for _, one := range waits {
				seq, since, payee := sheet.Cell{}, sheet.Cell{}, sheet.Cell{}
				date, age, bucket := sheet.Cell{}, sheet.Cell{}, sheet.Cell{}
				if one.root != 0 {
					seq, since, payee = sheet.Number(one.root), sheet.Words(one.since.String()), history.PayeeCell(h.Payee(one.root))
					date = sheet.Words(one.date.String())
					age, bucket = sheet.Number(days(one)), sheet.Term("bucket", buckets[bucketOf(days(one))].name)
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Term("waiting", string(one.kind)), seq, sheet.Words(string(one.line)), date, since, w.d.cell(one.value), payee, sheet.Words(one.lot),
					sheet.Money(one.amount, h.Decimals()), age, bucket,
				}}) {
					return
				}
			}
		},
	}
	if q.By == "" {
		rows.Text = slices.DeleteFunc(rows.Text, func(name string) bool { return name == "group" })
	}
	s.Tables = []*sheet.Table{rows}
	summary, err := summed(h, waits, days, nil)
	if err != nil {
		return nil, err
	}
	s.Tables = append(s.Tables, summary)
	if q.By != "" {
		by, err := summed(h, waits, days, w.d)
		if err != nil {
			return nil, err
		}
		s.Tables = append(s.Tables, by)
	}
	return s, nil
}

// summed is what waits by kind and by how long, for each value of a dimension where there is a divider. Kinds are not added up: money in transit is spent, and
// a lot may be committed.
func summed(h *history.History, waits []*wait, days func(*wait) int64, d *divider) (*sheet.Table, error) {
	type sum struct {
		kind   Waiting
		value  string
		n      int
		parts  []events.Minor
		amount events.Minor
	}
	var sums []*sum
	at := map[place]*sum{}
	for _, one := range waits {
		key := place{kind: one.kind}
		if d != nil {
			key.value = one.value
		}
		su := at[key]
		if su == nil {
			su = &sum{kind: one.kind, value: key.value, parts: make([]events.Minor, len(buckets))}
			at[key] = su
			sums = append(sums, su)
		}
		su.n++
		bucket := bucketOf(days(one))
		var ok, fits bool
		su.parts[bucket], ok = su.parts[bucket].Add(one.amount)
		if su.amount, fits = su.amount.Add(one.amount); !ok || !fits {
			return nil, &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(one.kind)}}
		}
	}
	slices.SortStableFunc(sums, func(a, b *sum) int {
		if (a.value == "") != (b.value == "") { // what has none comes last
			return cmp.Compare(b.value, a.value)
		}
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(slices.Index(Waitings, a.kind), slices.Index(Waitings, b.kind)))
	})
	t := &sheet.Table{Name: "summary", Columns: sheet.Columns("kind", "|", "count")}
	if d != nil {
		t.Name, t.Columns = "divided", sheet.Columns("group", "kind", "|", "count")
	}
	for _, b := range buckets {
		t.Columns = append(t.Columns, sheet.Column{Name: b.name, Right: true})
	}
	t.Columns = append(t.Columns, sheet.Column{Name: "amount", Right: true})
	t.Rows = func(yield func(sheet.Row) bool) {
		for _, su := range sums {
			cells := []sheet.Cell{sheet.Term("waiting", string(su.kind)), sheet.Number(su.n)}
			if d != nil {
				cells = append([]sheet.Cell{d.cell(su.value)}, cells...)
			}
			for _, part := range su.parts {
				cells = append(cells, sheet.Money(part, h.Decimals()))
			}
			if !yield(sheet.Row{Depth: 1, Cells: append(cells, sheet.Money(su.amount, h.Decimals()))}) {
				return
			}
		}
	}
	return t, nil
}

// A Wait is one thing that waits: what is left of an event's money on a line and in a lot, since its day.
type Wait struct {
	Kind   Waiting
	Seq    events.Seq
	Line   events.Line
	Lot    string
	Since  events.Day
	Amount events.Minor
}

// Waits lists what is in transit, committed and in suspense, the kinds in their order and of each the oldest first.
func Waits(h *history.History, q history.Query) ([]Wait, error) {
	y, err := h.Year(q.Year)
	if err != nil {
		return nil, err
	}
	q.By = ""
	w := newWaiter(h, y, q)
	h.Counted(y, q, w.post)
	if w.failed != nil {
		return nil, w.failed
	}
	var out []Wait
	for _, one := range w.waits {
		if one.amount != 0 && one.kind != Allotted {
			out = append(out, Wait{one.kind, one.root, one.line, one.lot, one.since, one.amount})
		}
	}
	slices.SortStableFunc(out, func(a, b Wait) int {
		return cmp.Or(cmp.Compare(slices.Index(Waitings, a.Kind), slices.Index(Waitings, b.Kind)), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Seq, b.Seq))
	})
	return out, nil
}
