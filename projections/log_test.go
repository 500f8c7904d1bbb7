package projections_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// A fatal is what a log needs of a test.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// A log is events made by hand: each a command with the postings that the ledger gives such a command.
type log struct {
	t        fatal
	currency string
	decimals int
	now      time.Time
	events   []*events.Event
}

func newLog(t fatal) *log {
	return &log{t: t, currency: "CNY", decimals: 2, now: time.Date(2026, time.March, 2, 1, 0, 0, 0, time.UTC)}
}

// open opens a year with lines written "code name" or "code parent name".
func (l *log) open(year int, lines ...string) events.Seq {
	return l.openWith(year, "", lines...)
}

func (l *log) openWith(year int, fields string, lines ...string) events.Seq {
	l.t.Helper()
	var specs []string
	for _, s := range lines {
		parts := strings.SplitN(s, " ", 3)
		if len(parts) == 2 {
			parts = []string{parts[0], "0", parts[1]}
		}
		specs = append(specs, fmt.Sprintf(`{"code":%q,"parent":%q,"name":%q}`, parts[0], parts[1], parts[2]))
	}
	return l.add(year, "fund-opened", `"name":"测试资金"`+fields+`,"lines":[`+strings.Join(specs, ",")+`]`)
}

// add appends an event. fields are the members of its command beside kind, fund and year. A posting is written
//
//	measure line amount date [name=value …]
//
// with the names year, lot, channel, basis, dims (key:value, else the command's), counts, of_year and of_line; "!code" is a flag of the event, and "line=", "expires=" what the ledger
// filled in.
func (l *log) add(year int, kind, fields string, postings ...string) events.Seq {
	l.t.Helper()
	if fields != "" {
		fields = "," + fields
	}
	c, err := events.ParseCommand(fmt.Appendf(nil, `{"kind":%q,"fund":"cd-gx","year":%d%s}`, kind, year, fields))
	if err != nil {
		l.t.Fatalf("%s %s: %v", kind, fields, err)
	}
	l.now = l.now.Add(time.Hour)
	e := &events.Event{
		Seq: events.Seq(len(l.events) + 1), Time: l.now, Command: &c, Actor: events.Actor{ID: "local", Role: "operator"}, Rules: 1, Decimals: l.decimals,
	}
	e.ID = c.ID
	if e.ID == "" {
		e.ID = events.ID(fmt.Sprintf("e-%d", e.Seq))
	}
	e.Resolved.Of, e.Resolved.Commitment, e.Resolved.Settles = c.Of.Seq, c.Commitment.Seq, c.Settles.Seq
	for _, r := range c.SumOf {
		n := int64(r.Seq)
		if r.Minus {
			n = -n
		}
		e.Resolved.SumOf = append(e.Resolved.SumOf, n)
	}
	for _, r := range c.QuotientOf {
		e.Resolved.QuotientOf = append(e.Resolved.QuotientOf, r.Seq)
	}
	for _, r := range c.BankLines {
		e.Resolved.BankLines = append(e.Resolved.BankLines, r.Seq)
	}
	for _, r := range c.Matched {
		e.Resolved.Matched = append(e.Resolved.Matched, r.Seq)
	}
	if c.Kind == events.FundOpened {
		r := &e.Resolved
		r.Currency, r.Decimals, r.Zone, r.From, r.To = l.currency, l.decimals, "Asia/Shanghai", c.From, c.To
	}
	for _, p := range postings {
		switch {
		case p[0] == '!':
			e.Flags = append(e.Flags, events.Code(p[1:]))
		case strings.HasPrefix(p, "expires="):
			e.Resolved.Expires, e.Resolved.HasExpires = l.day(p[8:]), true
		case strings.HasPrefix(p, "line="):
			e.Resolved.Line = events.Line(p[5:])
		default:
			e.Postings = append(e.Postings, l.posting(year, &c, p))
		}
	}
	// What a view gets was stored and read back.
	back, err := events.ParseEvent(events.AppendLine(nil, e))
	if err != nil {
		l.t.Fatalf("%s %s: %v", kind, fields, err)
	}
	l.events = append(l.events, &back)
	return e.Seq
}

func (l *log) posting(year int, c *events.Command, s string) events.Posting {
	l.t.Helper()
	f := strings.Fields(s)
	date, err := events.ParseDate(f[3])
	if err != nil {
		l.t.Fatalf("%s: %v", s, err)
	}
	p := events.Posting{
		Year: events.Year(year), Line: events.Line(f[1]), Measure: events.Measure(f[0]), Amount: l.minor(f[2]), Date: date, Counts: date.Last(), Basis: c.Basis,
		Dims: c.Dims,
	}
	if p.Measure == events.Original {
		p.Counts = date.First()
	}
	for _, option := range f[4:] {
		name, value, _ := strings.Cut(option, "=")
		number, _ := strconv.Atoi(value)
		switch name {
		case "year":
			p.Year = events.Year(number)
		case "lot":
			p.Lot = value
		case "channel":
			p.Channel = events.Channel(value)
		case "basis":
			p.Basis = events.Basis(value)
		case "dims":
			key, v, _ := strings.Cut(value, ":")
			p.Dims = events.Dims{{Key: key, Value: v}}
		case "counts":
			p.Counts = l.day(value)
		case "of_year":
			p.OfYear = events.Year(number)
		case "of_line":
			p.OfLine = events.Line(value)
		default:
			l.t.Fatalf("posting %s has no %s", s, name)
		}
	}
	return p
}

// minor reads 12, 12.5 or -12.50 in the fund's currency.
func (l *log) minor(s string) events.Minor {
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", l.decimals-len(frac)), 10, 64)
	if err != nil {
		l.t.Fatalf("%s: %v", s, err)
	}
	return events.Minor(n)
}

func (l *log) day(s string) events.Day {
	d, err := events.ParseDay(s)
	if err != nil {
		l.t.Fatalf("%v", err)
	}
	return d
}

// The kinds that tests use most, with their postings.

func (l *log) budget(year int, line, amount string) events.Seq {
	return l.add(year, "appropriated", fmt.Sprintf(`"date":"%d-01-01","line":%q,"amount":%q,"stage":"original"`, year, line, amount),
		fmt.Sprintf("original %s %s %d-01-01", line, amount, year))
}

func (l *log) pay(year int, line, amount, date string, more ...string) events.Seq {
	channel, options := "payment", ""
	var flags []string
	fields := ""
	for _, m := range more {
		switch {
		case m[0] == '!':
			flags = append(flags, m)
			fields = `,"mode":"record","documents":["1号"]`
		case m[0] == ',':
			fields += m
		default:
			options += " " + m
			if name, value, _ := strings.Cut(m, "="); name == "channel" {
				channel = value
			} else {
				fields += fmt.Sprintf(`,%q:%q`, name, value)
			}
		}
	}
	if !strings.Contains(options, "channel=") {
		options += " channel=payment"
	}
	return l.add(year, "disbursed", fmt.Sprintf(`"date":%q,"line":%q,"amount":%q,"channel":%q%s`, date, line, amount, channel, fields),
		append([]string{fmt.Sprintf("disbursed %s %s %s%s", line, amount, date, options)}, flags...)...)
}

// reverse mirrors an event.
func (l *log) reverse(of events.Seq) events.Seq {
	target := l.events[of-1]
	year := int(target.Command.Year)
	n := l.add(year, "reversed", fmt.Sprintf(`"of":%d,"reason":"keyed twice"`, of))
	e := l.events[n-1]
	e.Postings = slices.Clone(target.Postings)
	for i := range e.Postings {
		e.Postings[i].Amount = -e.Postings[i].Amount
	}
	e.Decimals = l.decimals
	return n
}

// closings are the standing closings of months, as known at an event, with the last days of their months.
func (l *log) closings(year int, known events.Seq) map[events.Seq]events.Day {
	out := map[events.Seq]events.Day{}
	for _, e := range l.events[:known] {
		switch c := e.Command; {
		case c.Kind == events.MonthClosed && int(c.Year) == year:
			out[e.Seq] = c.Month.Last()
		case c.Kind == events.Reversed:
			delete(out, e.Resolved.Of)
		}
	}
	return out
}

// closeMonth closes a month that is not closed yet.
func (l *log) closeMonth(year int, month string) {
	l.t.Helper()
	for _, through := range l.closings(year, events.Seq(len(l.events))) {
		if through >= l.day(month+"-01") {
			return
		}
	}
	l.add(year, "month-closed", fmt.Sprintf(`"date":%q,"month":%q`, events.DayOf(l.now), month))
}

// lines are the codes that the events told of, of any year.
func (l *log) lines() map[events.Line]bool {
	out := map[events.Line]bool{}
	for _, e := range l.events {
		for _, spec := range e.Command.Lines {
			out[spec.Code] = true
		}
	}
	return out
}

func (l *log) all() iter.Seq2[*events.Event, error] {
	return func(yield func(*events.Event, error) bool) {
		for _, e := range l.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// book folds all events, or those up to the number given.
func (l *log) book(upTo ...events.Seq) *projections.Book {
	l.t.Helper()
	b := projections.NewBook()
	for _, e := range l.events {
		if len(upTo) > 0 && e.Seq > upTo[0] {
			break
		}
		if err := b.Apply(e); err != nil {
			l.t.Fatalf("event %d: %v", e.Seq, err)
		}
	}
	return b
}

// A table is a sheet as JSON readers see it.
type table struct {
	Fund        string
	Year        int
	AsOf        *string           `json:"as_of"`
	KnownAt     struct{ Seq int } `json:"known_at"`
	Root        *string
	Basis       string
	Denominator string
	Rows        []row
	Groups      []group
	Total       row
	Lots        []row
	Uncertain   []row
	Flags       []row
	Figures     map[string]row
}

type row map[string]any

// A group is a value of a dimension with what falls to it.
type group struct {
	Value *string
	Rows  []row
	Total row
}

// row is the group's row of a line, nil where it has none.
func (g *group) row(line string) row {
	for _, r := range append([]row{g.Total}, g.Rows...) {
		if r["line"] == line {
			return r
		}
	}
	return nil
}

func (r row) text(name string) string {
	if r[name] == nil {
		return "null"
	}
	return fmt.Sprint(r[name])
}

// cells writes the cells of these names, parted by spaces.
func (r row) cells(names ...string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = r.text(n)
	}
	return strings.Join(out, " ")
}

func (tb *table) row(t *testing.T, line string) row {
	t.Helper()
	if line == "0" {
		return tb.Total
	}
	for _, r := range tb.Rows {
		if r["line"] == line {
			return r
		}
	}
	t.Fatalf("no row %s", line)
	return nil
}

// ask prints a table as JSON and reads it back. The name report is the report.
func ask(t testing.TB, b *projections.Book, name string, q projections.Query) *table {
	t.Helper()
	var out table
	if err := json.Unmarshal([]byte(printed(t, b, name, q, "json", sheet.Options{})), &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func printed(t testing.TB, b *projections.Book, name string, q projections.Query, format string, o sheet.Options) string {
	t.Helper()
	var s *sheet.Sheet
	var err error
	switch name {
	case "report":
		s, err = b.Report(q)
	case "check":
		s, err = b.Check(q)
	default:
		s, err = b.Table(name, q)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return encoded(t, s, format, o)
}

func encoded(t fatal, s *sheet.Sheet, format string, o sheet.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := sheet.Write(&out, format, s, o); err != nil {
		t.Fatalf("%v", err)
	}
	return out.String()
}

// reloaded is a book of the log that was saved and read back.
func (l *log) reloaded(b *projections.Book) *projections.Book {
	l.t.Helper()
	var saved bytes.Buffer
	if err := b.Save(&saved, "p"); err != nil {
		l.t.Fatalf("%v", err)
	}
	loaded, err := projections.LoadBook(&saved, "p", func(_ context.Context, n events.Seq) ([]byte, error) {
		return events.AppendLine(nil, l.events[n-1]), nil
	})
	if err != nil {
		l.t.Fatalf("%v", err)
	}
	return loaded
}

func year(y int) projections.Query { return projections.Query{Year: events.Year(y)} }

func (l *log) asOf(y int, day string) projections.Query {
	d := l.day(day)
	return projections.Query{Year: events.Year(y), AsOf: &d}
}

var zh = sheet.Options{Lang: words.Chinese}
