package web

import (
	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

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
