// Package projections is the read side of the ledger and its specification: everything that is ever shown of a fund is a fold of its events.
//
// A projection adds up postings. It decides nothing, refuses nothing and never asks the write side: what an event does to a line was decided once and stands in
// the event. It reads no clock and no network, so the same events give the same bytes at any time on any machine, and any view can
// be thrown away and rebuilt.
//
//	events 1, 2, 3 …  ─▶ history     postings, years, lines, lots, payments; the tables made of them
//	                     exceptions  what of it is out of order and not explained
//	                     progress    what moved in each period, what is behind time, what waits for how long
//	                     figures     the report's figures with formula, terms and events
//	                     sheet       the one table type that all of them fill, and its encoders
//	                     document    the papers of single events, made of a book
//
// A [Book] puts them together for one fund. Its use is always the same: events are applied in order up to the moment as known at which something is asked, and then
// asked for as of a business date:
//
//	book := projections.NewBook()
//	n, err := projections.Fold(book, source, moment)
//	s, err := book.Table("execution", projections.Query{Year: 2022, AsOf: &day, Root: root})
//	err = sheet.Write(w, "text", s, sheet.Options{Lang: words.Chinese, Unit: sheet.Wan})
//
// A view checks that the events it is given are numbered 1, 2, 3 … without a gap, and that they fit what came before. It cannot see whether they are the ones
// that were written: whoever reads the log checks its hashes, and hands over the root that stands on every table.
package projections

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/reading"
	"fundledger/projections/closing"
	"fundledger/projections/exceptions"
	"fundledger/projections/figures"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"
)

// A View is state derived from the events of one fund. Apply must not look at the clock, the network or another view, must take events in the
// order of their numbers from 1, and must not keep e. Its error is final: [events.Tampered] or [events.UnknownKind].
type View interface {
	Apply(e *events.Event) error
}

// A Query is what is asked of a fund's year.
type Query = history.Query

// A Condition keeps the postings that have a value in a dimension.
type Condition = history.Condition

// A Denominator is what rates are over; "" is the adjusted budget.
type Denominator = history.Denominator

// A Book is everything that is read of one fund. It is not safe for use while it is being applied to; after that any number may read.
type Book struct {
	history *history.History
}

// NewBook returns the book of no events, which keeps the lines of those that it gets.
func NewBook() *Book { return NewBookOf(nil) }

// NewBookOf returns the book of no events of a log whose lines can be read again: it keeps some forty bytes of an event.
func NewBookOf(lines history.Lines) *Book { return &Book{history: history.New(lines)} }

// Save writes the book down as a cache keeps it, to be read by [LoadBook] of the same program.
func (b *Book) Save(w io.Writer, program string) error { return b.history.Save(w, program) }

// LoadBook reads what [Book.Save] wrote. It may be asked only once whoever kept it has found it whole, and that the log still is what it was made of.
func LoadBook(r io.Reader, program string, lines history.Lines) (*Book, error) {
	h, err := history.Load(r, program, lines)
	if err != nil {
		return nil, err
	}
	return &Book{history: h}, nil
}

// LeavesIn has the book keep the leaves of its log in a file, which may have some: see [history.History.LeavesIn].
func (b *Book) LeavesIn(f proof.File) { b.history.LeavesIn(f) }

// At returns the book as known at event n, which must not be above [Book.Last]. It costs next to nothing and prints the same tables for ever. Like the
// book that it was made of, it must not be used while an event is applied to that.
func (b *Book) At(n events.Seq) *Book { return &Book{history: b.history.At(n)} }

// Root returns the root of the log's tree over the events of the book, base64.
func (b *Book) Root() (string, error) {
	root, err := b.history.Root()
	return root.String(), err
}

// Apply folds the next event in, as [View] demands.
func (b *Book) Apply(e *events.Event) error { return b.history.Apply(e) }

// ApplyStored is [Book.Apply] for whoever knows what the stored line is in the log's tree.
func (b *Book) ApplyStored(e *events.Event, twig proof.Twig) error {
	return b.history.ApplyStored(e, twig)
}

// Last is the number of the last event, 0 before the first.
func (b *Book) Last() events.Seq { return b.history.Last() }

// Zone is the fund's time zone, nil before the first event.
func (b *Book) Zone() *time.Location { return b.history.Zone() }

// History is what the book was folded into.
func (b *Book) History() *history.History { return b.history }

// Tables lists the names that [Book.Table] knows.
var Tables = []string{"budget", "execution", "progress", "monthly", "payments", "transit", "ageing", "lots", "exceptions"}

// Narrowed and Divided list what a query may narrow by dimensions, and divide by one.
var (
	Narrowed = []string{"budget", "execution", "progress", "monthly", "payments", "transit", "ageing", "lots", "statement", "series", "report", "diff"}
	Divided  = []string{"budget", "execution", "progress", "monthly", "payments", "transit", "ageing", "lots", "series", "report"}
)

// Table returns a table of a year. It is [events.UnknownYear] where the year is not open as known in this book, and [events.BadValue] for a name, basis,
// denominator or dimension that there is not, and for a table that the query can not narrow or divide.
func (b *Book) Table(name string, q Query) (*sheet.Sheet, error) {
	if err := fits(name, q); err != nil {
		return nil, err
	}
	if name == "monthly" {
		return b.Monthly(q, events.Date{}, false)
	}
	open, err := b.open(q)
	if err != nil {
		return nil, err
	}
	switch name {
	case "budget":
		return b.history.Budget(q, open)
	case "execution":
		return b.history.Execution(q, open)
	case "progress":
		return b.Progress(q, progress.UsualThreshold)
	case "payments":
		return b.divided(q, func(q Query) (*sheet.Sheet, error) { return b.history.Payments(q, open) })
	case "transit":
		return progress.TransitTable(b.history, q, open)
	case "ageing":
		return progress.Ageing(b.history, q, open)
	case "lots":
		return b.divided(q, func(q Query) (*sheet.Sheet, error) { return progress.Lots(b.history, q, open) })
	case "exceptions":
		all, err := exceptions.Open(b.history, q.Year, q.AsOf)
		if err != nil {
			return nil, err
		}
		return exceptions.Table(b.history, q, all, open)
	}
	return nil, noTable(name, Tables)
}

// Progress returns the table progress with another threshold than the usual one, with the errors of [Book.Table].
func (b *Book) Progress(q Query, t progress.Threshold) (*sheet.Sheet, error) {
	if err := fits("progress", q); err != nil {
		return nil, err
	}
	open, err := b.open(q)
	if err != nil {
		return nil, err
	}
	return b.divided(q, func(q Query) (*sheet.Sheet, error) { return progress.Table(b.history, q, t, open) })
}

// Monthly returns the table monthly of a month of the year, with the errors of [Book.Table] and of [progress.MonthAt], which says what month a zero date is.
// A closed month is told of as it was known when it was closed, whatever has come since; with after, that stands in a table of its own.
func (b *Book) Monthly(q Query, month events.Date, after bool) (*sheet.Sheet, error) {
	if err := fits("monthly", q); err != nil {
		return nil, err
	}
	y, err := b.history.Year(q.Year)
	if err != nil {
		return nil, err
	}
	months := progress.Months(b.history, y)
	at, err := progress.MonthAt(b.history, y, months, q, month)
	if err != nil {
		return nil, err
	}
	m := months[at]
	then, end := b, m.Date.Last()
	if m.Closed {
		then = b.At(m.Known)
		if q.Root != "" {
			if q.Root, err = then.Root(); err != nil {
				return nil, err
			}
		}
	}
	ended := q
	if q.AsOf == nil || *q.AsOf > end {
		ended.AsOf = &end
	}
	open, err := then.open(ended)
	if err != nil {
		return nil, err
	}
	s, err := then.divided(q, func(q Query) (*sheet.Sheet, error) { return progress.Monthly(b.history, q, months, at, open) })
	if err == nil && after {
		err = progress.AfterClose(s, b.history, q, m)
	}
	return s, err
}

// AfterClose returns what has come into a month and those before it since it was closed, with the errors of [Book.Monthly]; nothing where it is open.
func (b *Book) AfterClose(q Query, month events.Date) (m progress.Month, later progress.Later, err error) {
	y, err := b.history.Year(q.Year)
	if err != nil {
		return m, later, err
	}
	months := progress.Months(b.history, y)
	at, err := progress.MonthAt(b.history, y, months, q, month)
	if err != nil {
		return m, later, err
	}
	later, err = progress.Since(b.history, q, months[at])
	return months[at], later, err
}

// YearEnd returns what is open at the end of a year, and the plan that a policy makes to close it, with the errors of [Book.Table].
func (b *Book) YearEnd(year events.Year, p closing.Policy) (*sheet.Sheet, *closing.Plan, error) {
	plan, err := closing.Draft(b.history, year, p)
	if err != nil {
		return nil, nil, err
	}
	q := Query{Year: year}
	if q.Root, err = b.Root(); err != nil {
		return nil, nil, err
	}
	all, open, err := b.exceptions(q)
	if err != nil {
		return nil, nil, err
	}
	s, err := closing.YearEnd(b.history, q, all, open, plan)
	return s, plan, err
}

// MonthEnd returns the table monthly of a month with what is unsettled at its end, as known now, with the errors of [Book.Monthly].
func (b *Book) MonthEnd(q Query, month events.Date) (*sheet.Sheet, error) {
	s, err := b.Monthly(q, month, false)
	if err != nil {
		return nil, err
	}
	end := month.Last()
	q.AsOf = &end
	all, err := exceptions.Open(b.history, q.Year, q.AsOf)
	if err != nil {
		return nil, err
	}
	return s, closing.MonthEnd(s, b.history, q, all)
}

// Series returns what moved of a measure of a line in each period of a year, with the errors of [Book.Table]; [events.UnknownLine] where the year has no such
// line, [events.BadValue] for a measure or step that there is not.
func (b *Book) Series(q Query, of progress.Subject) (*sheet.Sheet, error) {
	if err := fits("series", q); err != nil {
		return nil, err
	}
	open, err := b.open(q)
	if err != nil {
		return nil, err
	}
	var others []Query
	if before := progress.Before(q); of.Step != progress.ByDay && slices.Contains(b.history.Years(), before.Year) { // which stands beside it
		others = append(others, before)
	}
	return b.divided(q, func(q Query) (*sheet.Sheet, error) { return progress.Series(b.history, q, of, open) }, others...)
}

// Report returns the report's figures of a year, with the errors of [Book.Table].
func (b *Book) Report(q Query) (*sheet.Sheet, error) {
	if err := fits("report", q); err != nil {
		return nil, err
	}
	open, err := b.open(q)
	if err != nil {
		return nil, err
	}
	return b.divided(q, func(q Query) (*sheet.Sheet, error) { return figures.Table(b.history, q, open) })
}

// Check returns what of a year does not agree: its stated figures with the ledger and with each other, and the open exceptions. The errors are those
// of [Book.Table].
func (b *Book) Check(q Query) (*sheet.Sheet, error) {
	if err := fits("check", q); err != nil {
		return nil, err
	}
	all, open, err := b.exceptions(q)
	if err != nil {
		return nil, err
	}
	return figures.CheckTable(b.history, q, all, open)
}

// open is what tables say of the exceptions of a year.
func (b *Book) open(q Query) (history.Open, error) { return exceptions.Told(b.history, q.Year, q.AsOf) }

// exceptions are those of a year, and what tables say of them.
func (b *Book) exceptions(q Query) (all []exceptions.Exception, open history.Open, err error) {
	if open, err = b.open(q); err == nil {
		all, err = exceptions.Open(b.history, q.Year, q.AsOf)
	}
	return all, open, err
}

// A Moment says up to where a log is read: a number, or a time of recording. The zero Moment is the end of the log.
type Moment struct {
	seq  events.Seq
	day  events.Day
	time time.Time
	kind momentKind
	text string
	// root is that of the tree over the events up to the moment, as somebody saw it; nil where nobody says so. A root without a number has the kind byRoot.
	root *proof.Hash
}

type momentKind uint8

const (
	end momentKind = iota
	bySeq
	byDay
	byTime
	byRoot
)

// ParseMoment reads a number, a date (which is the end of that day in the fund's zone) or an RFC 3339 time. Anything else is a [events.BadValue].
func ParseMoment(s string) (Moment, error) {
	if n, err := events.ParseSeq(s); err == nil {
		return Moment{kind: bySeq, seq: n, text: s}, nil
	}
	if d, err := events.ParseDay(s); err == nil {
		return Moment{kind: byDay, day: d, text: s}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return Moment{kind: byTime, time: t, text: s}, nil
	}
	return Moment{}, &events.Error{Code: events.BadValue, Why: "moment-form", Args: events.Args{"value": s}}
}

// MomentOf is the moment of an event, after it.
func MomentOf(n events.Seq) Moment { return Moment{kind: bySeq, seq: n, text: n.String()} }

// ParseSeen reads what [ParseMoment] reads, and a checkpoint: what a table has told of the log, as the number of its last event and its root with a colon
// between, or as the root alone. Whoever reads the log holds it against [Moment.Root], and finds the number of a root that stands alone: see [Moment.At].
func ParseSeen(s string) (Moment, error) {
	number, text, both := strings.Cut(s, ":")
	if !both {
		text = s
	}
	root, err := proof.ParseHash(text)
	if err != nil {
		m, err := ParseMoment(s)
		if err != nil {
			err = &events.Error{Code: events.BadValue, Why: "seen-form", Args: events.Args{"value": s}}
		}
		return m, err
	}
	m := Moment{kind: byRoot, text: s, root: &root}
	if both {
		m.kind = bySeq
		if m.seq, err = events.ParseSeq(number); err != nil {
			return Moment{}, &events.Error{Code: events.BadValue, Why: "seen-form", Args: events.Args{"value": s}}
		}
	}
	return m, nil
}

// Root is the root of a moment that is a checkpoint, nil of any other.
func (m Moment) Root() *proof.Hash { return m.root }

// At is a moment that is a root, once its number has been found.
func (m Moment) At(n events.Seq) Moment {
	m.kind, m.seq = bySeq, n
	return m
}

// IsZero reports whether m is the end of the log.
func (m Moment) IsZero() bool { return m.kind == end }

func (m Moment) String() string { return m.text }

// Seq is the number of a moment that is one, else 0.
func (m Moment) Seq() events.Seq { return m.seq }

// Begun reports whether e is not before m: a day begins with its first instant in the fund's zone.
func (m Moment) Begun(e *events.Event, zone *time.Location) bool {
	switch m.kind {
	case bySeq:
		return e.Seq >= m.seq
	case byDay:
		return !e.Time.Before(m.day.Time(zone))
	case byTime:
		return !e.Time.Before(m.time)
	}
	return true
}

// Includes reports whether e is not after m. zone is the fund's; numbers and times only grow, so no event after the first that is not included is.
func (m Moment) Includes(e *events.Event, zone *time.Location) bool {
	switch m.kind {
	case bySeq:
		return e.Seq <= m.seq
	case byDay:
		return events.DayOf(e.Time.In(zone)) <= m.day
	case byTime:
		return !e.Time.After(m.time)
	}
	return true
}

// Fold applies the events of a log up to m to a view and returns the number of the last one. It stops reading after m. The fund's zone is that of its
// first event. Where the number of m is beyond the log, or nothing was recorded by then, it is a [events.BadValue] with Why not-there.
func Fold(v View, log iter.Seq2[*events.Event, error], m Moment) (events.Seq, error) {
	var last events.Seq
	var zone *time.Location
	for e, err := range log {
		if err != nil {
			return last, err
		}
		if zone == nil {
			if zone, err = time.LoadLocation(e.Resolved.Zone); err != nil {
				return last, &events.Error{Code: events.Tampered, Why: "replay", Args: events.Args{"seq": e.Seq.String(), "kind": string(e.Command.Kind)}, Err: err}
			}
		}
		if !m.Includes(e, zone) {
			break
		}
		if err := v.Apply(e); err != nil {
			return last, err
		}
		last = e.Seq
		if m.kind == bySeq && last == m.seq {
			break
		}
	}
	if m.kind == bySeq && last < m.seq || m.kind != end && last == 0 {
		return last, notThere(m, last)
	}
	return last, nil
}

// Read applies stored lines to a book, as fast as they can be read: they are read on another core than applied. twig returns that of the line that they
// yielded last. done, if not nil, hears how many have been applied.
// Its error is that of the lines or of [Book.Apply]; the book stands after the last event that could be applied.
func Read(ctx context.Context, b *Book, lines iter.Seq2[[]byte, error], twig func() proof.Twig, done func(n int)) error {
	ctx, stop := context.WithCancel(ctx)
	batches := reading.Start(ctx, lines, twig)
	defer func() {
		stop()
		for range batches { // the lines stand still before anybody else reads them
		}
	}()
	for batch := range batches {
		for i := range batch.Events {
			if err := b.ApplyStored(&batch.Events[i], batch.Twigs[i]); err != nil {
				return err
			}
		}
		if done != nil {
			done(len(batch.Events))
		}
		if batch.Err != nil {
			return batch.Err
		}
		batch.Again()
	}
	return ctx.Err()
}

// Resolve returns the number of the last event not after m in a book of the whole log, with the error of [Fold].
func (b *Book) Resolve(m Moment) (events.Seq, error) {
	n := b.Last()
	switch m.kind {
	case bySeq:
		if m.seq > n {
			return 0, notThere(m, n)
		}
		return m.seq, nil
	case byDay:
		if n > 0 {
			n = b.history.Until((m.day + 1).Time(b.Zone()).Add(-time.Microsecond))
		}
	case byTime:
		n = b.history.Until(m.time)
	}
	if n == 0 && m.kind != end {
		return 0, notThere(m, n)
	}
	return n, nil
}

func notThere(m Moment, last events.Seq) error {
	return &events.Error{Code: events.BadValue, Why: "not-there", Args: events.Args{"field": "known_at", "value": m.text, "last": last.String()}}
}

// fits refuses a query that asks by dimensions for what does not know them: whoever asked would take the whole for the part.
func fits(name string, q Query) error {
	switch {
	case q.By != "" && !slices.Contains(Divided, name):
		return noTable(name, Divided)
	case len(q.Where) > 0 && !slices.Contains(Narrowed, name):
		return noTable(name, Narrowed)
	}
	return nil
}

// Known is a [events.BadValue] where the year has no such dimension as the query asks by, or the dimension no such value.
func (b *Book) Known(q Query) error {
	if q.Year != 0 {
		if _, err := b.history.Year(q.Year); err != nil {
			return err
		}
	}
	return b.history.Known(q)
}

func noTable(name string, tables []string) error {
	choices := strings.Join(tables, " ")
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "table", "value": name, "choices": choices}}
}
