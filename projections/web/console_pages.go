package web

import (
	"net/http"
	"slices"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/live"
	"fundledger/projections/sheet"
)

// A yearView is a view of a year that is a sheet of its own.
type yearView struct {
	name string
	// takes lists its parameters beside the clocks.
	takes []string
	make  func(*projections.Book, *ask) (*sheet.Sheet, error)
}

// yearViews lists them in the order in which they stand beside each other.
var yearViews = []yearView{
	{"payments", []string{"basis", "by", "where"}, ofTable("payments")},
	{"exceptions", []string{"basis"}, ofTable("exceptions")},
	{"progress", []string{"basis", "denominator", "threshold"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Progress(a.query, a.threshold)
	}},
	{"ageing", []string{"basis", "by"}, ofTable("ageing")},
	{"transit", []string{"basis"}, ofTable("transit")},
	{"lots", []string{"basis"}, ofTable("lots")},
	{"budget", []string{"basis", "denominator"}, ofTable("budget")},
	{"monthly", []string{"month", "after_close"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Monthly(a.query, a.month, a.afterClose)
	}},
	{"figures", []string{"basis", "denominator"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) { return b.Report(a.query) }},
	{"check", nil, func(b *projections.Book, a *ask) (*sheet.Sheet, error) { return b.Check(a.query) }},
}

func ofTable(name string) func(*projections.Book, *ask) (*sheet.Sheet, error) {
	return func(b *projections.Book, a *ask) (*sheet.Sheet, error) { return b.Table(name, a.query) }
}

// Tabs are the views of a year, for the links beside each other.
func (v *view) Tabs() []string {
	out := []string{"", "charts"}
	for _, y := range yearViews {
		out = append(out, y.name)
	}
	return append(out, "reconciliation")
}

// A clockPanel is what moves the two clocks of a page: the business date by days, what was known by the numbers of events.
type clockPanel struct {
	// From and To are the year's. First is the first day that the slider can be moved to, and Days how many there are: those of the year, and those before and after it on
	// which anything counts. At Days there is no limit.
	From, To, First events.Day
	Days            int
	// AsOf is the date asked for, "" for no limit, and AsOfDay where the slider stands.
	AsOf    string
	AsOfDay int
	// Known is the number that the page shows, Newest that of the last event, and Asked what was asked for.
	Known, Newest events.Seq
	Fixed         bool
	Asked         string
}

// clocksOf returns the panel for a year.
func (v *view) clocksOf(h *history.History, y *history.Year) *clockPanel {
	first, last := y.From, y.To
	if from, to, any := h.Days(y); any {
		first, last = min(first, from), max(last, to)
	}
	c := &clockPanel{From: y.From, To: y.To, First: first, Days: int(last-first) + 1, Known: v.At.Seq, Newest: v.Last, Fixed: v.Fixed, Asked: v.a.known.String()}
	c.AsOfDay = c.Days
	if day := v.a.query.AsOf; day != nil {
		c.AsOf = day.String()
		c.AsOfDay = min(max(int(*day-first), 0), c.Days-1)
	}
	return c
}

// in finds the year that a page is of.
func (v *view) in(b *projections.Book) (*history.Year, error) {
	y, err := b.History().Year(v.Year)
	if err != nil {
		return nil, err
	}
	v.Clocks = v.clocksOf(b.History(), y)
	return y, nil
}

// sheetPage shows one sheet.
func (v *view) sheetPage(s *sheet.Sheet, err error) error {
	if err != nil {
		return err
	}
	return v.sheetWith(s, v.links())
}

// sheetWith shows one sheet with what the page adds to it.
func (v *view) sheetWith(s *sheet.Sheet, links sheet.Links) (err error) {
	if v.Title == "" {
		if v.Title, err = s.Called(sheet.Options{Lang: v.Lang}); err != nil {
			return err
		}
	}
	v.Sheet, err = v.showWith(s, links)
	return err
}

// yearView shows one of the other views of a year.
func (v *view) yearView(b *projections.Book, a *ask) error {
	name := v.r.PathValue("view")
	i := slices.IndexFunc(yearViews, func(y yearView) bool { return y.name == name })
	if i < 0 {
		return fault{choice("view", clip(name), v.Tabs()[1:]), http.StatusNotFound}
	}
	if _, err := v.in(b); err != nil {
		return err
	}
	v.Tab = name
	if len(a.query.Where) > 0 || a.query.By != "" {
		if err := b.Known(a.query); err != nil {
			return a.ofDimension(err)
		}
	}
	return v.sheetPage(yearViews[i].make(b, a))
}

// statement shows the statement of a line.
func (v *view) statement(b *projections.Book, a *ask) error {
	if _, err := v.in(b); err != nil {
		return err
	}
	return v.sheetPage(b.Statement(a.query, a.line, a.from))
}

// payeesPage shows what each payee got.
func (s *site) payeesPage(v *view) error {
	if err := v.ask([]string{"fund", "payee", "limit", "as_of", "known_at"}); err != nil {
		return err
	}
	v.Template, v.Live = "table", everyFund
	cuts, tag, err := s.payeeCuts(v.r, v.a, "page", v.r.Host, v.r.URL.String())
	if err != nil {
		return err
	}
	v.tag = tag
	if v.same = has(v.r, tag); v.same {
		return nil
	}
	return v.sheetPage(s.payeeSheet(v.r.Context(), v.a, cuts))
}

// eventPage shows one event.
func (s *site) eventPage(v *view) error {
	if err := v.ask([]string{"known_at"}); err != nil {
		return err
	}
	v.Template = "event"
	at, err := s.cutOf(v.r.Context(), v.a)
	if err != nil {
		return err
	}
	err = s.books.Read(v.r.Context(), v.Fund, 0, projections.MomentOf(at.Seq), func(_ live.Cut, b *projections.Book) error {
		v.of(at, b)
		return nil
	})
	if err != nil {
		return err
	}
	v.tag = s.tag(at, "page", v.r.Host, v.r.URL.String(), string(v.Lang), v.Last.String())
	if v.same = has(v.r, v.tag); v.same {
		return nil
	}
	if !v.Fixed {
		v.Live = string(v.Fund)
	}
	return v.sheetPage(s.trail(v.r.Context(), v.a, at))
}
