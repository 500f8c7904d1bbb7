package history

import (
	"cmp"
	"math"
	"slices"

	"fundledger/events"
)

// Spread adds up by period what counts in the query on a line and those below it: out[i] is what counts up to ends[i] and after the end before that, and the last what
// counts after all of them. ends ascend. A group's own part is not told apart. It is nil where the year has no such line.
//
// It is made of what cells have kept, and looks at no more postings the more there are; but where a payee is asked for, at all of them.
func (h *History) Spread(y *Year, q Query, line events.Line, ends []events.Day) ([]Balance, error) {
	in := make([]bool, len(y.lines))
	any := false
	for i := range y.lines {
		if y.lines[i].Code == line {
			y.walk(int32(i), func(at int32) { in[at], any = true, true })
		}
	}
	if !any {
		return nil, nil
	}
	out := make([]Balance, len(ends)+1)
	put := func(c *cell, at int, amount events.Minor) error {
		if amount == 0 {
			return nil
		}
		return out[at].add(&part{cell: c, sum: amount})
	}
	var failed error
	if q.payees() {
		h.counted(y, &q, func(r *row) {
			if in[r.line] && failed == nil {
				failed = put(r.cell, period(ends, r.counts), r.amount)
			}
		})
	} else {
		for _, c := range h.cells(y) {
			if in[c.line] && !h.narrows(&q, c) && failed == nil {
				failed = c.spread(h.last, q.day(), ends, func(at int, amount events.Minor) error { return put(c, at, amount) })
			}
		}
	}
	for i := range out {
		out[i].Own = events.Totals{}
	}
	return out, failed
}

// period is the place of the period that a day is in: the first end not before it.
func period(ends []events.Day, day events.Day) int {
	at, _ := slices.BinarySearch(ends, day)
	return at
}

// spread tells what the postings up to event last and day come to in each period, some of them more than once.
func (c *cell) spread(last events.Seq, day events.Day, ends []events.Day, put func(at int, amount events.Minor) error) error {
	from := 0
	if c.gross <= math.MaxInt64 {
		if n, _ := slices.BinarySearchFunc(c.marks, last, func(m mark, at events.Seq) int { return cmp.Compare(events.Seq(m.Seq), at+1) }); n > 0 {
			m := &c.marks[n-1]
			from = m.Rows
			before := int64(0)
			for i, at := range m.Days {
				if events.Day(at) > day {
					break
				}
				if err := put(period(ends, events.Day(at)), events.Minor(m.Sums[i]-before)); err != nil {
					return err
				}
				before = m.Sums[i]
			}
		}
	}
	for i := from; i < c.seqs.n && events.Seq(c.seqs.at(i)) <= last; i++ {
		if at := events.Day(c.days.at(i)); at <= day {
			if err := put(period(ends, at), events.Minor(c.amounts.at(i))); err != nil {
				return err
			}
		}
	}
	return nil
}

// Days returns the first and the last day on which anything of a year counts, and false where nothing is posted to it. It may be that what counts there was taken back.
func (h *History) Days(y *Year) (first, last events.Day, any bool) {
	first, last = endless, -endless
	see := func(day int32) { first, last = min(first, events.Day(day)), max(last, events.Day(day)) }
	for _, c := range h.cells(y) {
		from := 0
		if n, _ := slices.BinarySearchFunc(c.marks, h.last, func(m mark, at events.Seq) int { return cmp.Compare(events.Seq(m.Seq), at+1) }); n > 0 {
			m := &c.marks[n-1]
			from = m.Rows
			see(m.Days[0])
			see(m.Days[len(m.Days)-1])
		}
		for i := from; i < c.seqs.n && events.Seq(c.seqs.at(i)) <= h.last; i++ {
			see(c.days.at(i))
		}
		any = true
	}
	return first, last, any
}

// A Flow is what was spent of a line on its own, without those below it, and on whom.
type Flow struct {
	Line  Line
	Spent events.Minor
	// Most are the payees who got most of it, in order.
	Most []Paid
	// Others is how many further payees there are, and Rest what was spent on them.
	Others int
	Rest   events.Minor
}

// A Paid is what was spent on a payee.
type Paid struct {
	Payee events.Payee
	Spent events.Minor
}

// Flows lists the lines of a year of which anything was spent, in the order of the tree, each with so many of its payees; one further payee is listed too. They are those of a table that is divided by
// payee. All postings of what was paid and returned are looked at.
func (h *History) Flows(y *Year, q Query, most int) ([]Flow, error) {
	spent := map[int32][]*cell{}
	for _, c := range h.cells(y) {
		if m := events.Measures[c.measure]; (m == events.DisbursedM || m == events.ReturnedM) && !h.narrows(&q, c) {
			spent[c.line] = append(spent[c.line], c)
		}
	}
	sums := make([]events.Minor, len(h.payees))
	seen := make([]bool, len(h.payees))
	one := h.samePayees()
	day := q.day()
	var out []Flow
	var failed error
	add := func(to *events.Minor, amount events.Minor) {
		sum, ok := to.Add(amount)
		if !ok {
			failed = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.SpentM)}}
		}
		*to = sum
	}
	y.walk(0, func(i int32) {
		var touched []uint32
		for _, c := range spent[i] {
			back := events.Measures[c.measure] == events.ReturnedM
			for n := 0; n < c.seqs.n && events.Seq(c.seqs.at(n)) <= h.last; n++ {
				seq := events.Seq(c.seqs.at(n))
				if events.Day(c.days.at(n)) > day || !h.paid(&q, seq) {
					continue
				}
				payee := one[h.payee(seq)]
				if !seen[payee] {
					seen[payee] = true
					touched = append(touched, payee)
				}
				amount := events.Minor(c.amounts.at(n))
				if back {
					amount = -amount
				}
				add(&sums[payee], amount)
			}
		}
		if len(touched) == 0 {
			return
		}
		slices.SortFunc(touched, func(a, b uint32) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
		f := Flow{Line: y.lines[i]}
		for at, payee := range touched {
			sum := sums[payee]
			sums[payee], seen[payee] = 0, false
			add(&f.Spent, sum)
			if at < most || len(touched) == most+1 {
				f.Most = append(f.Most, Paid{h.payees[payee], sum})
			} else {
				f.Others++
				add(&f.Rest, sum)
			}
		}
		out = append(out, f)
	})
	return out, failed
}

// samePayees gives each payee, by its number, the first one that is called the same in a divided table.
func (h *History) samePayees() []uint32 {
	first := map[string]uint32{}
	out := make([]uint32, len(h.payees))
	for n := range h.payees {
		at, ok := first[called(&h.payees[n])]
		if !ok {
			at = uint32(n)
			first[called(&h.payees[n])] = at
		}
		out[n] = at
	}
	return out
}
