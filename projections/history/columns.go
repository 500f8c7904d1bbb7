package history

import (
	"cmp"
	"math"
	"slices"

	"fundledger/events"
)

// chunk is how many values stand together in a column. Columns grow by chunks, so that ten million values are not moved and no half of the memory is spare.
const chunk = 1 << 12

// A column is values in the order of the log, to which is only ever added.
type column[T any] struct {
	chunks [][]T
	n      int
}

func (c *column[T]) add(v T) {
	if c.n%chunk == 0 {
		var next []T
		if c.n > 0 { // a column that is not long yet may end soon
			next = make([]T, 0, min(chunk, c.n/8))
		}
		c.chunks = append(c.chunks, next)
	}
	last := &c.chunks[len(c.chunks)-1]
	*last = append(*last, v)
	c.n++
}

func (c *column[T]) at(i int) T { return c.chunks[i/chunk][i%chunk] }

// A clock is recorded times in microseconds since 1970, which never go back. Where a chunk of them spans little more than an hour, four bytes are kept of each.
type clock struct {
	chunks []times
	n      int
}

type times struct {
	base   int64
	narrow []uint32 // since base
	wide   []int64  // instead, where the chunk spans more
}

func (c *clock) add(micros int64) {
	if c.n%chunk == 0 {
		c.chunks = append(c.chunks, times{base: micros})
	}
	t := &c.chunks[len(c.chunks)-1]
	if t.wide == nil && micros-t.base > math.MaxUint32 {
		t.wide = make([]int64, len(t.narrow))
		for i, d := range t.narrow {
			t.wide[i] = t.base + int64(d)
		}
		t.narrow = nil
	}
	if t.wide != nil {
		t.wide = append(t.wide, micros)
	} else {
		t.narrow = append(t.narrow, uint32(micros-t.base))
	}
	c.n++
}

func (c *clock) at(i int) int64 {
	t := &c.chunks[i/chunk]
	if t.wide != nil {
		return t.wide[i%chunk]
	}
	return t.base + int64(t.narrow[i%chunk])
}

// A key is what postings have in common that are counted together: a cell of the year's table as far as any question can divide it, but by payee.
type key struct {
	line           int32 // by its number in the year
	lot, dims      int32 // by their numbers, 0 for none
	method         int32
	ofLine         int32
	ofYear         int16
	measure        int8
	channel, basis int8 // -1 for none
	record         bool // of a payment in record mode
}

// A cell is the postings of one key: number, counting day and amount, in the order of the log.
//
// What it comes to up to a day, as known at a number, is found without looking at them all. Every few hundred postings a mark keeps what all before it come to
// up to each day; from the last mark not after the number on, postings are added one by one. So the order in which days come, late or not, makes no difference.
type cell struct {
	key
	seqs    column[uint32]
	days    column[int32]
	amounts column[int64]
	marks   []mark
	// gross is what the amounts come to without their signs. While it fits, no part of them can leave int64.
	gross uint64
}

// A mark is what the first rows of a cell come to: Sums[i] up to Days[i], which ascend.
type mark struct {
	Rows int
	Seq  uint32 // of the last of them
	Days []int32
	Sums []int64
}

// A mark is made after so many postings, and not before there are several for each day that it has to list: it costs some three bytes a posting.
const (
	markRows = 512
	markDays = 4
)

func (c *cell) add(seq events.Seq, day events.Day, amount events.Minor) {
	c.seqs.add(uint32(seq))
	c.days.add(int32(day))
	c.amounts.add(int64(amount))
	size := uint64(amount)
	if amount < 0 {
		size = -size
	}
	if c.gross+size < c.gross {
		c.gross = math.MaxUint64
	} else {
		c.gross += size
	}
	var last mark
	if n := len(c.marks); n > 0 {
		last = c.marks[n-1]
	}
	if c.seqs.n-last.Rows >= max(markRows, markDays*len(last.Days)) {
		c.mark(last)
	}
}

// mark makes the next mark out of the last and what came after it.
func (c *cell) mark(last mark) {
	type moved struct {
		day int32
		sum int64
	}
	all := make([]moved, 0, c.seqs.n-last.Rows)
	for i := last.Rows; i < c.seqs.n; i++ {
		all = append(all, moved{c.days.at(i), c.amounts.at(i)})
	}
	slices.SortFunc(all, func(a, b moved) int { return cmp.Compare(a.day, b.day) })
	next := mark{Rows: c.seqs.n, Seq: c.seqs.at(c.seqs.n - 1), Days: make([]int32, 0, len(last.Days)+8), Sums: make([]int64, 0, len(last.Days)+8)}
	var before, since int64 // what was there up to the day, and what is new; wrapped sums are not used, see gross
	i := 0
	for len(all) > 0 || i < len(last.Days) {
		var day int32
		switch {
		case i == len(last.Days):
			day = all[0].day
		case len(all) == 0:
			day = last.Days[i]
		default:
			day = min(all[0].day, last.Days[i])
		}
		if i < len(last.Days) && last.Days[i] == day {
			before = last.Sums[i]
			i++
		}
		for len(all) > 0 && all[0].day == day {
			since += all[0].sum
			all = all[1:]
		}
		next.Days, next.Sums = append(next.Days, day), append(next.Sums, before+since)
	}
	next.Days, next.Sums = slices.Clip(next.Days), slices.Clip(next.Sums)
	c.marks = append(c.marks, next)
}

// endless is the day that limits nothing.
const endless = events.Day(math.MaxInt32)

// sum is what the postings up to event last and day come to, and whether there are any. It is an [events.Overflow] where that leaves int64.
func (c *cell) sum(last events.Seq, day events.Day) (total events.Minor, any bool, err error) {
	var sum int64
	from, fits := 0, c.gross <= math.MaxInt64
	if fits {
		if n, _ := slices.BinarySearchFunc(c.marks, last, func(m mark, at events.Seq) int { return cmp.Compare(events.Seq(m.Seq), at+1) }); n > 0 {
			m := &c.marks[n-1]
			from = m.Rows
			at, found := slices.BinarySearch(m.Days, int32(day))
			if found {
				at++
			}
			if at > 0 {
				sum, any = m.Sums[at-1], true
			}
		}
	}
	for i := from; i < c.seqs.n; {
		seqs, days, amounts := c.seqs.chunks[i/chunk], c.days.chunks[i/chunk], c.amounts.chunks[i/chunk]
		at := i % chunk
		for n, seq := range seqs[at:] {
			if events.Seq(seq) > last {
				return events.Minor(sum), any, nil
			}
			if events.Day(days[at+n]) > day {
				continue
			}
			any = true
			if fits {
				sum += amounts[at+n]
				continue
			}
			next, ok := events.Minor(sum).Add(events.Minor(amounts[at+n]))
			if !ok {
				return 0, true, &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.Measures[c.measure])}}
			}
			sum = int64(next)
		}
		i += len(seqs) - at
	}
	return events.Minor(sum), any, nil
}

// begun reports whether any posting stands at event last or before.
func (c *cell) begun(last events.Seq) bool { return events.Seq(c.seqs.at(0)) <= last }

// A vague is the postings of one date that is not a day: they are uncertain between its first day and the day on which they count.
type vague struct {
	Date   int32
	Counts events.Day
	Rows   []vagueRow // in the order of the log
}

type vagueRow struct {
	Place  uint32 // among the postings of the year
	Seq    uint32
	Cell   uint32
	Amount events.Minor
}

// A posted is all postings of one fiscal year.
type posted struct {
	year      *Year // all that was told of it
	shortages shortages

	cells  []*cell
	places map[key]uint32
	order  column[uint32] // of each posting in the order of the log, its cell
	vague  []*vague
	dates  map[vagueKey]int // the place in vague
}

type vagueKey struct {
	date   int32
	counts events.Day
}

func (p *posted) add(k key, seq events.Seq, counts events.Day, amount events.Minor, date int32, exact bool) {
	n, ok := p.places[k]
	if !ok {
		n = uint32(len(p.cells))
		p.places[k] = n
		p.cells = append(p.cells, &cell{key: k})
	}
	if !exact {
		at, ok := p.dates[vagueKey{date, counts}]
		if !ok {
			at = len(p.vague)
			p.dates[vagueKey{date, counts}] = at
			p.vague = append(p.vague, &vague{Date: date, Counts: counts})
		}
		p.vague[at].Rows = append(p.vague[at].Rows, vagueRow{uint32(p.order.n), uint32(seq), n, amount})
	}
	p.order.add(n)
	p.cells[n].add(seq, counts, amount)
}

// A row is one posting.
type row struct {
	*cell
	seq    events.Seq
	counts events.Day
	amount events.Minor
}

// walk visits the postings up to event last in the order of the log.
func (p *posted) walk(last events.Seq, visit func(*row)) {
	at := make([]int, len(p.cells))
	var r row
	for _, places := range p.order.chunks {
		for _, n := range places {
			c := p.cells[n]
			i := at[n]
			at[n]++
			if r.seq = events.Seq(c.seqs.at(i)); r.seq > last {
				return
			}
			r.cell, r.counts, r.amount = c, events.Day(c.days.at(i)), events.Minor(c.amounts.at(i))
			visit(&r)
		}
	}
}
