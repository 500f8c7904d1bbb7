package history

import (
	"cmp"
	"slices"

	"fundledger/events"
)

// A told is what one event told of years, lines and lots: of the few events that do. What was known of them at a number is told anew from its beginning.
type told struct {
	Seq  events.Seq
	Kind events.Kind // of the event; of a reversal [events.Reversed]
	Of   events.Seq

	Year                     events.Year
	Lines                    []events.LineSpec
	Name, NameEn, Department string
	From, To                 events.Day
	Unbudgeted               bool

	Into     events.Year // of a lot: where it is brought, and out of which year
	At       events.Line
	FromYear events.Year
	Lot      string
	Purpose  string
	Expires  events.Day

	Set events.Amendment
}

// tells returns what an event tells, and whether that is anything. ofLot says whether the event that it names brought a lot.
func tells(e *events.Event, of events.Kind) (told, bool) {
	c, r := e.Command, &e.Resolved
	t := told{Seq: e.Seq, Kind: c.Kind, Of: r.Of, Year: c.Year}
	switch c.Kind {
	case events.FundOpened:
		t.Name, t.NameEn, t.Department, t.Unbudgeted = c.Name, c.NameEn, c.Department, c.Unbudgeted
		t.From, t.To, t.Lines = r.From, r.To, slices.Clone(c.Lines)
	case events.LineAdded:
		t.Lines = slices.Clone(c.Lines)
	case events.YearClosed, events.YearReopened:
	case events.MonthClosed:
		t.To = c.Month.Last()
	case events.CarriedOver, events.CarriedIn:
		t.Lot, t.Purpose, t.Expires = c.Lot, c.Purpose, c.Expires
		t.Into, t.At = c.Year, c.Line
		if c.Kind == events.CarriedOver {
			t.Into, t.At = c.ToYear, c.ToLine
		} else {
			t.FromYear = c.FromYear
		}
		if r.HasExpires {
			t.Expires = r.Expires
		}
	case events.Reversed:
		return t, of == events.CarriedOver || of == events.CarriedIn || of == events.MonthClosed
	case events.Amended:
		t.Set = c.Set
		return t, of == events.FundOpened || of == events.LineAdded || of == events.CarriedOver || of == events.CarriedIn
	default:
		return t, false
	}
	return t, true
}

// A book is the years of a fund as they were told.
type book map[events.Year]*Year

// tell adds what an event told; false where it does not fit what was told before.
func (b book) tell(t *told) bool {
	switch t.Kind {
	case events.FundOpened:
		return b.open(t)
	case events.LineAdded:
		return len(t.Lines) == 1 && b.year(t.Year).add(t.Lines[0], t.Seq)
	case events.YearClosed:
		b.year(t.Year).Closed = true
	case events.YearReopened:
		b.year(t.Year).Closed = false
	case events.MonthClosed:
		y := b.year(t.Year)
		y.Months = append(y.Months, Closing{t.Seq, t.To})
	case events.CarriedOver, events.CarriedIn:
		b.bring(t)
	case events.Reversed:
		for _, y := range b {
			y.Months = slices.DeleteFunc(y.Months, func(m Closing) bool { return m.Seq == t.Of })
			for _, l := range y.lots {
				l.Carriers = slices.DeleteFunc(l.Carriers, func(n events.Seq) bool { return n == t.Of })
			}
		}
	case events.Amended:
		b.amend(t)
	}
	return true
}

func (b book) year(y events.Year) *Year {
	if got := b[y]; got != nil {
		return got
	}
	made := &Year{Year: y, Budgeted: true, lines: []Line{{Code: events.Root, Leaf: true}}, places: map[events.Line]int32{events.Root: 0}}
	b[y] = made
	return made
}

func (b book) open(t *told) bool {
	y := b.year(t.Year)
	if y.Opened != 0 {
		return false
	}
	y.Opened, y.Name, y.NameEn, y.Department = t.Seq, t.Name, t.NameEn, t.Department
	y.From, y.To, y.Budgeted = t.From, t.To, !t.Unbudgeted
	// Parents may stand after their children.
	rest := slices.Clone(t.Lines)
	for len(rest) > 0 {
		var waiting []events.LineSpec
		for _, l := range rest {
			if _, ok := y.places[l.Parent]; !ok {
				waiting = append(waiting, l)
			} else if !y.add(l, t.Seq) {
				return false
			}
		}
		if len(waiting) == len(rest) {
			return false
		}
		rest = waiting
	}
	// Siblings keep the order in which the event gives them, which waiting may have changed.
	order := map[events.Line]int{}
	for i, l := range t.Lines {
		order[l.Code] = i
	}
	for i := range y.lines {
		slices.SortStableFunc(y.lines[i].below, func(a, b int32) int { return cmp.Compare(order[y.lines[a].Code], order[y.lines[b].Code]) })
	}
	return true
}

func (y *Year) add(spec events.LineSpec, seq events.Seq) bool {
	up, ok := y.places[spec.Parent]
	if _, twice := y.places[spec.Code]; !ok || twice {
		return false
	}
	i := int32(len(y.lines))
	y.places[spec.Code] = i
	y.lines = append(y.lines, Line{
		Code: spec.Code, Parent: spec.Parent, Name: spec.Name, NameEn: spec.NameEn, Depth: y.lines[up].Depth + 1, Leaf: true,
		Reserve: spec.Reserve, Was: spec.Was, up: up, seq: seq,
	})
	y.lines[up].Leaf = false
	y.lines[up].below = append(y.lines[up].below, i)
	return true
}

// bring notes a lot that was carried into a year. A lot of the giving year that is carried on keeps its beginning and its expiry.
func (b book) bring(t *told) {
	y := b.year(t.Into)
	l := y.lot(t.Lot)
	if l == nil {
		l = &Lot{Name: t.Lot}
		y.lots = append(y.lots, l)
	}
	if len(l.Carriers) == 0 {
		l.Line, l.Purpose, l.Expires, l.FromYear = t.At, t.Purpose, t.Expires, t.Year
		if t.Kind == events.CarriedIn {
			l.FromYear = t.FromYear
		} else if on := b.year(t.Year).lot(t.Lot); on != nil && len(on.Carriers) > 0 {
			l.FromYear = on.FromYear
		}
	}
	l.Carriers = append(l.Carriers, t.Seq)
}

// amend changes words of what an event told. It never changes money.
func (b book) amend(t *told) {
	put := func(to *string, word *string) {
		if word != nil {
			*to = *word
		}
	}
	for _, y := range b {
		if y.Opened == t.Of {
			put(&y.Name, t.Set.Name)
			put(&y.NameEn, t.Set.NameEn)
			continue
		}
		for i := range y.lines {
			if l := &y.lines[i]; l.seq == t.Of {
				put(&l.Name, t.Set.Name)
				put(&l.NameEn, t.Set.NameEn)
			}
		}
		for _, l := range y.lots {
			if len(l.Carriers) > 0 && l.Carriers[0] == t.Of {
				put(&l.Purpose, t.Set.Purpose)
			}
		}
	}
}
