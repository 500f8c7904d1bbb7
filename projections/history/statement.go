package history

import (
	"slices"

	"fundledger/events"
	"fundledger/projections/sheet"
)

// under reports, for each line of a year by its number, whether it is line or below it. It is an [events.UnknownLine] where there is no such line.
func (h *History) under(y *Year, line events.Line) ([]bool, error) {
	at, ok := y.places[line]
	if !ok {
		return nil, &events.Error{Code: events.UnknownLine, Args: events.Args{"fund": string(h.fund), "year": y.Year.String(), "line": string(line)}}
	}
	in := make([]bool, len(y.lines))
	y.walk(at, func(i int32) { in[i] = true })
	return in, nil
}

// An Entry is one posting on a statement.
type Entry struct {
	Posting
	// Balance is what is available after it, in the order of the log.
	Balance events.Minor
}

// Statement walks the postings on a line and on those below it that count in the query, in the order of the log and from the event numbered from
// on, and returns what was available before them and after them.
func (h *History) Statement(y *Year, q Query, line events.Line, from events.Seq, visit func(*Entry)) (opening, closing events.Minor, err error) {
	in, err := h.under(y, line)
	if err != nil {
		return 0, 0, err
	}
	var sum events.Totals
	h.counted(y, &q, func(r *row) {
		if !in[r.line] || err != nil {
			return
		}
		if err = sum.Add(events.Measures[r.measure], r.amount); err != nil {
			return
		}
		closing = sum.Available()
		if r.seq < from {
			opening = closing
			return
		}
		visit(&Entry{h.posting(y, r), closing})
	})
	if err != nil {
		return 0, 0, err
	}
	return opening, closing, nil
}

var entryColumns = []sheet.Column{
	{Name: "seq", Right: true},
	{Name: "id"},
	{Name: "date"},
	{Name: "kind"},
	{Name: "measure"},
	{Name: "amount", Right: true},
	{Name: "balance", Right: true},
	{Name: "voucher"},
	{Name: "payee"},
	{Name: "documents"},
	{Name: "flags"},
	{Name: "of", Right: true},
	{Name: "line"},
	{Name: "lot"},
}

// StatementTable is the statement of a line, from the event numbered from on (0: from the beginning): every posting with what was available after it. A group
// has those of all its lines, one after the other as the log has them.
func (h *History) StatementTable(q Query, line events.Line, from events.Seq, open Open) (*sheet.Sheet, error) {
	s, y, err := h.Sheet("statement", q, open, false)
	if err != nil {
		return nil, err
	}
	var rows []sheet.Row
	var entries []Entry
	var last Entry // of those that are left out
	all := 0
	leave := func(most int) {
		for n := len(entries) - most; n > 0 && q.Newest > 0; n-- {
			last, entries = entries[0], entries[1:]
		}
	}
	opening, closing, err := h.Statement(y, q, line, from, func(e *Entry) {
		if all++; len(entries) == 2*q.Newest {
			leave(q.Newest)
		}
		entries = append(entries, *e)
	})
	if err != nil {
		return nil, err
	}
	leave(q.newest(s, all))
	if last.Seq > 0 {
		opening = last.Balance
	}
	there, err := h.budgeted(y, q)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(y.Lines(), func(l Line) bool { return l.Code == line })
	money := func(m events.Minor) sheet.Cell {
		if !there[at].Available {
			return sheet.Cell{}
		}
		return sheet.Money(m, h.decimals)
	}
	var e events.Event
	dated := 0 // postings of the event that have been printed
	for i := range entries {
		if e.Seq != entries[i].Seq {
			if e, err = h.Stored(entries[i].Seq); err != nil {
				return nil, err
			}
			dated = 0
		}
		var date events.Date
		date, dated = entries[i].DateIn(&e, dated)
		rows = append(rows, h.entryRow(&e, &entries[i], date, money(entries[i].Balance)))
	}
	l := &y.lines[y.places[line]]
	called := sheet.Named(l.Name, l.NameEn)
	if line == events.Root {
		called = sheet.Say("row.total")
	}
	s.Title = append(s.Title, sheet.Member{Name: "line", Value: sheet.Words(string(line))}, sheet.Member{Name: "line_name", Value: called})
	s.Head = append(s.Head, sheet.Member{Name: "line", Value: sheet.Words(string(line))}, sheet.Member{Name: "opening", Value: money(opening)})
	s.Foot = []sheet.Member{{Name: "closing", Value: money(closing)}}
	if !y.Budgeted {
		s.Face = append(s.Face, sheet.Say("face.unbudgeted"))
	}
	t := &sheet.Table{
		Name: "entries", Columns: entryColumns, First: edge("row.opening", money(opening)), Last: edge("row.closing", money(closing)),
		Text: []string{"seq", "date", "kind", "measure", "amount", "balance", "voucher", "payee", "documents", "flags", "of"},
		Rows: sheet.Rows(rows...),
	}
	if !l.Leaf {
		t.Text = append([]string{"seq", "date", "line"}, t.Text[2:]...)
	}
	s.Tables = []*sheet.Table{t}
	return s, nil
}

// DateIn finds a posting among those of its event, from one of them on, and returns its date and the place after it.
func (p *Posting) DateIn(e *events.Event, from int) (events.Date, int) {
	for i := from; i < len(e.Postings); i++ {
		if q := &e.Postings[i]; q.Year == p.Year && q.Line == p.Line && q.Measure == p.Measure && q.Amount == p.Amount && q.Counts == p.Counts && q.Lot == p.Lot {
			return q.Date, i + 1
		}
	}
	return events.Date{}, from
}

func (h *History) entryRow(stored *events.Event, e *Entry, date events.Date, balance sheet.Cell) sheet.Row {
	c := stored.Command
	of := sheet.Cell{}
	if n := h.of(e.Seq); n != 0 {
		of = sheet.Number(n)
	}
	flags := make([]sheet.Cell, len(stored.Flags))
	for i, f := range stored.Flags {
		flags[i] = sheet.Term("flag", string(f))
	}
	documents := c.Documents
	for _, a := range h.amended[e.Seq] {
		if a.Set.HasDocuments && a.Seq <= h.last {
			documents = a.Set.Documents
		}
	}
	var titles []sheet.Cell
	for _, d := range documents {
		titles = append(titles, sheet.Words(d))
	}
	return sheet.Row{Depth: 1, Cells: []sheet.Cell{
		sheet.Number(e.Seq), sheet.Words(string(stored.ID)), sheet.Words(date.String()), sheet.Term("kind", string(c.Kind)), sheet.Term("measure", string(e.Measure)),
		sheet.Money(e.Amount, h.decimals), balance, VoucherCell(c.Voucher), PayeeCell(h.Payee(e.Seq)), sheet.Listed(titles...), sheet.Listed(flags...), of,
		sheet.Words(string(e.Line)), sheet.Words(e.Lot),
	}}
}

// edge is what stands before the entries and after them.
func edge(name string, balance sheet.Cell) *sheet.Row {
	r := &sheet.Row{Cells: make([]sheet.Cell, len(entryColumns))}
	for i, c := range entryColumns {
		switch c.Name {
		case "kind":
			r.Cells[i] = sheet.Say(name)
		case "balance":
			r.Cells[i] = balance
		default:
			r.Cells[i] = sheet.Left()
		}
	}
	return r
}
