package history

import (
	"bufio"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"slices"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
)

// savedForm names the form in which a history is written down. It is another one whenever that or folding changes.
const savedForm = "history 3"

// A saved is what a history is written down as; the columns follow it.
type saved struct {
	Form, Program  string
	Fund           events.Fund
	Currency, Zone string
	Decimals       int
	Applied        events.Seq
	Trunk          proof.Trunk

	Reversals map[events.Seq]events.Seq
	Amended   map[events.Seq][]amendment
	Flagged   []flagged
	Closed    map[Flagged]events.Seq
	Opened    map[events.Year]*turns
	Explains  []Explanation
	Figures   []savedFigure
	Tolds     []told

	Texts   []string
	Dates   []events.Date
	Payees  []events.Payee
	Dims    []events.Dims
	Names   []int
	Matched int
	Banked  events.Seq
	Years   []savedYear
}

// A savedFigure keeps a date of 1970-01-01 apart from none.
type savedFigure struct {
	Stated
	AsOf    events.Day
	HasAsOf bool
}

type savedYear struct {
	Year  events.Year
	Order int
	Cells []savedCell
	Vague []*vague
	Lines []stretch
}

type savedCell struct {
	Line, Lot, Dims, Method, OfLine int32
	OfYear                          int16
	Measure, Channel, Basis         int8
	Record                          bool
	Rows, Marks                     int
}

// Save writes the history down, to be read by [Load] of the same program. It must not be applied to meanwhile.
func (h *History) Save(w io.Writer, program string) error {
	out := bufio.NewWriterSize(w, 1<<20)
	s := saved{
		Form: savedForm, Program: program, Fund: h.fund, Currency: h.currency, Zone: h.zone.String(), Decimals: h.decimals, Applied: h.applied, Trunk: h.trunk,
		Reversals: h.reversals, Amended: h.amended, Flagged: h.flagged, Closed: h.closed, Opened: h.opened, Explains: h.explains, Tolds: h.tolds,
		Texts: h.texts.values, Dates: h.dates.values, Payees: h.payees, Dims: h.dimsOf, Matched: len(h.matched), Banked: h.banked,
	}
	for _, all := range h.names {
		s.Names = append(s.Names, len(all))
	}
	for _, f := range h.figures {
		to := savedFigure{Stated: f}
		if f.AsOf != nil {
			to.AsOf, to.HasAsOf, to.Stated.AsOf = *f.AsOf, true, nil
		}
		s.Figures = append(s.Figures, to)
	}
	years := make([]events.Year, 0, len(h.posted))
	for y := range h.posted {
		years = append(years, y)
	}
	slices.Sort(years)
	for _, y := range years {
		p := h.posted[y]
		to := savedYear{Year: y, Order: p.order.n, Vague: p.vague, Lines: p.shortages.lines}
		for _, c := range p.cells {
			to.Cells = append(to.Cells, savedCell{
				c.line, c.lot, c.dims, c.method, c.ofLine, c.ofYear, c.measure, c.channel, c.basis, c.record, c.seqs.n, len(c.marks),
			})
		}
		s.Years = append(s.Years, to)
		if p.shortages.err != nil {
			return p.shortages.err
		}
	}
	if err := gob.NewEncoder(out).Encode(&s); err != nil {
		return err
	}
	c := scribe{w: out}
	for i := range h.recorded.chunks {
		t := &h.recorded.chunks[i]
		write(&c, []int64{t.base, int64(len(t.wide))})
		write(&c, t.narrow)
		write(&c, t.wide)
	}
	writeColumn(&c, &h.kinds)
	writeColumn(&c, &h.charged)
	writeColumn(&c, &h.named)
	writeColumn(&c, &h.leaves)
	for _, p := range slices.Concat(slices.Concat(h.names[:]...), h.matched) {
		write(&c, []uint32{p.N, p.Of})
	}
	for _, y := range years {
		p := h.posted[y]
		writeColumn(&c, &p.order)
		for _, cell := range p.cells {
			writeColumn(&c, &cell.seqs)
			writeColumn(&c, &cell.days)
			writeColumn(&c, &cell.amounts)
			write(&c, []uint64{cell.gross})
			for i := range cell.marks {
				m := &cell.marks[i]
				write(&c, []uint32{uint32(m.Rows), m.Seq, uint32(len(m.Days))})
				write(&c, m.Days)
				write(&c, m.Sums)
			}
		}
	}
	return errors.Join(c.err, out.Flush())
}

// errSaved says that what was saved is none of this program, or not whole.
var errSaved = errors.New("history: not a history of this program")

// Load reads what [History.Save] wrote, with lines as [New] has them. What is read is not to be trusted before whoever kept it has found it whole.
func Load(r io.Reader, program string, lines Lines) (*History, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	var s saved
	if err := gob.NewDecoder(in).Decode(&s); err != nil {
		return nil, err
	}
	if s.Form != savedForm || s.Program != program || int64(s.Applied) != s.Trunk.Size() || s.Applied == 0 || len(s.Names) != len(naming) {
		return nil, errSaved
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, err
	}
	h := New(lines)
	h.fund, h.currency, h.decimals, h.zone, h.applied, h.last, h.trunk = s.Fund, s.Currency, s.Decimals, zone, s.Applied, s.Applied, s.Trunk
	h.flagged, h.explains, h.tolds, h.dimsOf = s.Flagged, s.Explains, s.Tolds, s.Dims
	keep(&h.reversals, s.Reversals)
	keep(&h.amended, s.Amended)
	keep(&h.closed, s.Closed)
	keep(&h.opened, s.Opened)
	h.texts, h.dates, h.dims = indexOf(s.Texts...), indexOf(s.Dates...), indexOf[string]()
	for i := range s.Payees {
		h.payeeNumber(&s.Payees[i])
	}
	for _, d := range s.Dims {
		h.dims.of(d.Key())
	}
	for i := range s.Figures {
		f := &s.Figures[i]
		if f.HasAsOf {
			f.Stated.AsOf = &f.AsOf
		}
		h.stated[f.Seq] = i
		h.figures = append(h.figures, f.Stated)
	}
	for i := range h.tolds {
		if !h.live.tell(&h.tolds[i]) {
			return nil, errSaved
		}
	}
	c := reader{r: in}
	n := int(s.Applied)
	for left := n; left > 0 && c.err == nil; left -= chunk {
		var head [2]int64
		read(&c, head[:])
		t := times{base: head[0]}
		if head[1] > 0 {
			t.wide = make([]int64, min(left, chunk), chunk)
			read(&c, t.wide)
		} else {
			t.narrow = make([]uint32, min(left, chunk), chunk)
			read(&c, t.narrow)
		}
		h.recorded.chunks = append(h.recorded.chunks, t)
	}
	h.recorded.n = n
	readColumn(&c, &h.kinds, n)
	readColumn(&c, &h.charged, n)
	readColumn(&c, &h.named, n)
	readColumn(&c, &h.leaves, n)
	h.tally()
	h.banked = s.Banked
	for field, n := range s.Names {
		readPairs(&c, &h.names[field], n)
	}
	readPairs(&c, &h.matched, s.Matched)
	for i := range s.Years {
		y := &s.Years[i]
		p := h.charge(y.Year)
		p.vague, p.shortages.lines = y.Vague, y.Lines
		for at, v := range p.vague {
			p.dates[vagueKey{v.Date, v.Counts}] = at
		}
		readColumn(&c, &p.order, y.Order)
		for _, k := range y.Cells {
			cell := &cell{key: key{
				line: k.Line, lot: k.Lot, dims: k.Dims, method: k.Method, ofLine: k.OfLine, ofYear: k.OfYear, measure: k.Measure, channel: k.Channel, basis: k.Basis, record: k.Record,
			}}
			readColumn(&c, &cell.seqs, k.Rows)
			readColumn(&c, &cell.days, k.Rows)
			readColumn(&c, &cell.amounts, k.Rows)
			var gross [1]uint64
			read(&c, gross[:])
			cell.gross = gross[0]
			for range k.Marks {
				var head [3]uint32
				if read(&c, head[:]); c.err != nil || int64(head[2]) > int64(k.Rows) {
					return nil, errors.Join(c.err, errSaved)
				}
				m := mark{Rows: int(head[0]), Seq: head[1], Days: make([]int32, head[2]), Sums: make([]int64, head[2])}
				read(&c, m.Days)
				read(&c, m.Sums)
				cell.marks = append(cell.marks, m)
			}
			p.places[cell.key] = uint32(len(p.cells))
			p.cells = append(p.cells, cell)
		}
	}
	if c.err == nil {
		if _, err := in.ReadByte(); err != io.EOF {
			return nil, errSaved
		}
	}
	return h, c.err
}

func readPairs(c *reader, to *[]pair, n int) {
	for range n {
		var p [2]uint32
		if read(c, p[:]); c.err != nil {
			return
		}
		*to = append(*to, pair{p[0], p[1]})
	}
}

// keep takes a map over, unless it is none: what is empty is written down as nothing.
func keep[K comparable, V any](to *map[K]V, m map[K]V) {
	if m != nil {
		*to = m
	}
}

// A scribe writes numbers until it fails.
type scribe struct {
	w   io.Writer
	buf []byte
	err error
}

type number interface {
	uint8 | uint16 | uint32 | uint64 | int32 | int64
}

func write[T number](s *scribe, vs []T) {
	if s.err != nil {
		return
	}
	if s.buf, s.err = binary.Append(s.buf[:0], binary.LittleEndian, vs); s.err == nil {
		_, s.err = s.w.Write(s.buf)
	}
}

func writeColumn[T number](s *scribe, c *column[T]) {
	for _, vs := range c.chunks {
		write(s, vs)
	}
}

// A reader reads them.
type reader struct {
	r   io.Reader
	buf []byte
	err error
}

func read[T number](r *reader, vs []T) {
	if r.err != nil {
		return
	}
	n := binary.Size(vs)
	if len(r.buf) < n {
		r.buf = make([]byte, n)
	}
	if _, r.err = io.ReadFull(r.r, r.buf[:n]); r.err == nil {
		_, r.err = binary.Decode(r.buf[:n], binary.LittleEndian, vs)
	}
}

func readColumn[T number](r *reader, c *column[T], n int) {
	for left := n; left > 0 && r.err == nil; left -= chunk {
		size := min(left, chunk)
		vs := make([]T, size)
		read(r, vs)
		c.chunks = append(c.chunks, vs)
	}
	c.n = n
}
