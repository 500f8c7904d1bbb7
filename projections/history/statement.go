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
	for i := range y.posted {
		p := &y.posted[i]
		if !in[p.line] || !h.counts(&q, p) {
			continue
		}
		if err := sum.Add(events.Measures[p.measure], p.amount); err != nil {
			return 0, 0, err
		}
		closing = sum.Available()
		if p.seq < from {
			opening = closing
			continue
		}
		visit(&Entry{h.posting(y, p), closing})
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
	opening, closing, err := h.Statement(y, q, line, from, func(*Entry) {})
	if err != nil {
		return nil, err
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
		Rows: func(yield func(sheet.Row) bool) {
			more := true
			_, _, _ = h.Statement(y, q, line, from, func(e *Entry) {
				if more {
					more = yield(h.entryRow(e, money(e.Balance)))
				}
			})
		},
	}
	if !l.Leaf {
		t.Text = append([]string{"seq", "date", "line"}, t.Text[2:]...)
	}
	s.Tables = []*sheet.Table{t}
	return s, nil
}

func (h *History) entryRow(e *Entry, balance sheet.Cell) sheet.Row {
	en := h.Event(e.Seq)
	voucher, payee, documents := h.papersOf(e.Seq)
	of := sheet.Cell{}
	if en.Of != 0 {
		of = sheet.Number(en.Of)
	}
	flags := make([]sheet.Cell, len(en.Flags))
	for i, f := range en.Flags {
		flags[i] = sheet.Term("flag", string(f))
	}
	return sheet.Row{Depth: 1, Cells: []sheet.Cell{
		sheet.Number(e.Seq), sheet.Words(string(en.ID)), sheet.Words(e.Date.String()), sheet.Term("kind", string(en.Kind)), sheet.Term("measure", string(e.Measure)),
		sheet.Money(e.Amount, h.decimals), balance, voucherCell(voucher), payeeCell(payee), documents, sheet.Listed(flags...), of,
		sheet.Words(string(e.Line)), sheet.Words(e.Lot),
	}}
}

// papersOf returns what an event rests on, and whom it names.
func (h *History) papersOf(n events.Seq) (voucher *events.Voucher, payee events.Payee, documents sheet.Cell) {
	var titles []sheet.Cell
	if p := h.papers[n]; p != nil {
		voucher = p.voucher
		for _, d := range p.documents {
			titles = append(titles, sheet.Words(h.titles.values[d]))
		}
	}
	if p := h.payments[n]; p != nil {
		voucher = p.voucher
	}
	return voucher, h.Payee(n), sheet.Listed(titles...)
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
