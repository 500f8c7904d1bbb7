// Package figures is the money figures of a fund's report, each with what it was computed from: a formula, the terms that stand in it, and the numbers
// of the events whose postings it adds. So whoever doubts a figure can add it up again from the log, and stops at the vouchers.
//
// The figures, of one year:
//
//	original_budget carried_in executable_budget spent execution_rate lapsed carried_over
//	spent_by_channel.<channel>   for every channel
//	spent_by_basis.<basis>       for every basis
//	lots.amount lots.spent lots.left lots.rate                                 over the lots that lie in the year
//	lots.<lot>.amount lots.<lot>.spent lots.<lot>.left lots.<lot>.rate         of each
//	recovered          posted to this year for earlier ones
//	spent_as_amended   spent less what later years recovered of it
//
// Each says in words what it is called and how it is made. A formula is for programs: it is made of the names of its terms, of measures and of + - /;
// the value of a rate is its quotient times 100.
package figures

import (
	"cmp"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

// A Figure is one figure of the report.
type Figure struct {
	Name    string
	Value   sheet.Cell // an amount or a rate; null where there is no such figure
	Formula string
	Terms   []sheet.Member
	Events  []events.Seq // ascending
}

// A sum is what the postings that keep chooses add up to, and their events.
type sum struct {
	events.Totals
	keep func(*history.Posting) bool
	seqs []events.Seq
	err  error
}

func (s *sum) add(p *history.Posting) {
	if err := s.Add(p.Measure, p.Amount); err != nil && s.err == nil {
		s.err = err
	}
	if n := len(s.seqs); n == 0 || s.seqs[n-1] != p.Seq {
		s.seqs = append(s.seqs, p.Seq)
	}
}

func measures(ms ...events.Measure) func(*history.Posting) bool {
	return func(p *history.Posting) bool { return slices.Contains(ms, p.Measure) }
}

var (
	budget = measures(events.Original, events.Supplementary, events.ReallocatedM, events.CarriedInM)
	spent  = measures(events.DisbursedM, events.ReturnedM)
)

// Report computes the figures of a year.
func Report(h *history.History, q history.Query) ([]Figure, error) {
	y, err := h.Year(q.Year)
	if err != nil {
		return nil, err
	}
	r := &report{h: h}
	if r.rated, r.left, err = h.Budgeted(y, q, events.Root); err != nil {
		return nil, err
	}
	// In a year whose budgets are not known lots have what was carried in.
	r.lotRated, r.left = r.rated || len(q.Where) == 0, r.left || len(q.Where) == 0
	r.whole(y, q)
	for _, c := range events.Channels {
		r.spent("spent_by_channel."+string(c), r.of(func(p *history.Posting) bool { return p.Channel == c && spent(p) }))
	}
	for _, b := range events.Bases {
		r.spent("spent_by_basis."+string(b), r.of(func(p *history.Posting) bool { return p.Basis == b && spent(p) }))
	}
	r.lots(y)
	r.one("recovered", events.RecoveredM)
	r.amended(y, q)
	h.Counted(y, q, func(p *history.Posting) {
		for _, s := range r.sums {
			if s.keep(p) {
				s.add(p)
			}
		}
	})
	for _, write := range r.writes {
		write()
	}
	return r.figures, r.err
}

// A report is made in two steps, so that the log is walked once: what is to be added up, and then the figures made of it.
type report struct {
	h       *history.History
	sums    []*sum
	writes  []func()
	figures []Figure
	err     error

	rated, lotRated, left bool // which figures that hang on a budget there are
}

// of has what keep chooses added up.
func (r *report) of(keep func(*history.Posting) bool) *sum {
	s := &sum{keep: keep}
	r.sums = append(r.sums, s)
	return s
}

func (r *report) then(write func()) { r.writes = append(r.writes, write) }

func (r *report) term(name string, a events.Minor) sheet.Member {
	return sheet.Member{Name: name, Value: sheet.Money(a, r.h.Decimals())}
}

func (r *report) put(name string, s *sum, value sheet.Cell, formula string, terms ...sheet.Member) {
	if s.err != nil && r.err == nil {
		r.err = s.err
	}
	r.figures = append(r.figures, Figure{Name: name, Value: value, Formula: formula, Terms: terms, Events: s.seqs})
}

func (r *report) money(name string, s *sum, a events.Minor, formula string, terms ...sheet.Member) {
	r.put(name, s, sheet.Money(a, r.h.Decimals()), formula, terms...)
}

func (r *report) spent(name string, s *sum) {
	r.then(func() {
		r.money(name, s, s.Spent(), "disbursed - returned", r.term("disbursed", s.Disbursed), r.term("returned", s.Returned))
	})
}

func (r *report) one(name string, m events.Measure) {
	s := r.of(measures(m))
	r.then(func() { r.money(name, s, *s.Of(m), string(m), r.term(string(m), *s.Of(m))) })
}

func (r *report) whole(y *history.Year, q history.Query) {
	r.one("original_budget", events.Original)
	r.one("carried_in", events.CarriedInM)
	b := r.of(budget)
	r.then(func() {
		adjusted := sheet.Money(b.Adjusted(), r.h.Decimals())
		if !y.Budgeted {
			adjusted = sheet.Cell{}
		}
		r.put("executable_budget", b, adjusted, "original + supplementary + reallocated + carried_in",
			r.term("original", b.Original), r.term("supplementary", b.Supplementary), r.term("reallocated", b.Reallocated), r.term("carried_in", b.CarriedIn))
	})
	r.spent("spent", r.of(spent))
	r.rate(y, q)
	r.one("lapsed", events.LapsedM)
	r.one("carried_over", events.CarriedOutM)
}

// rate is the execution rate over the denominator asked for.
func (r *report) rate(y *history.Year, q history.Query) {
	keep := func(p *history.Posting) bool { return spent(p) || budget(p) }
	formula := "spent / adjusted"
	switch q.Denominator {
	case history.OverOriginal:
		keep = func(p *history.Posting) bool { return spent(p) || p.Measure == events.Original }
		formula = "spent / original"
	case history.OverNet:
		keep = func(p *history.Posting) bool { return spent(p) || budget(p) || p.Measure == events.LapsedM }
		formula = "spent / (adjusted - lapsed)"
	case history.OverCurrent:
		keep = func(p *history.Posting) bool { return (spent(p) || budget(p)) && p.Lot == "" }
		formula = "spent without lots / adjusted without lots"
	}
	s := r.of(keep)
	r.then(func() {
		balance := history.Balance{All: s.Totals, Free: s.Totals}
		rate := balance.Rate(q.Denominator)
		if !r.rated {
			rate = ""
		}
		terms := []sheet.Member{r.term("spent", s.Spent())}
		adjusted := r.term("adjusted", s.Adjusted())
		if !y.Budgeted { // nothing is known of it, which is not nothing
			adjusted.Value = sheet.Cell{}
		}
		switch q.Denominator {
		case history.OverOriginal:
			terms = append(terms, r.term("original", s.Original))
		case history.OverNet:
			terms = append(terms, adjusted, r.term("lapsed", s.Lapsed))
		default:
			terms = append(terms, adjusted)
		}
		r.put("execution_rate", s, sheet.Rate(rate), formula, terms...)
	})
}

func (r *report) lots(y *history.Year) {
	r.lot("lots.", nil, func(p *history.Posting) bool { return p.Lot != "" })
	for _, l := range y.Lots() {
		r.lot("lots."+l.Name+".", l, func(p *history.Posting) bool { return p.Lot == l.Name })
	}
}

var ofLots = measures(events.CarriedInM, events.Supplementary, events.DisbursedM, events.ReturnedM, events.CommittedM, events.LapsedM, events.CarriedOutM)

// lot has the figures of one lot, or of all where l is nil. A lot of which nothing counts is not there, nor one whose carrying over was reversed.
func (r *report) lot(prefix string, l *history.Lot, keep func(*history.Posting) bool) {
	amount := r.of(func(p *history.Posting) bool { return p.Measure == events.CarriedInM && keep(p) })
	out := r.of(func(p *history.Posting) bool { return spent(p) && keep(p) })
	both := r.of(func(p *history.Posting) bool { return (p.Measure == events.CarriedInM || spent(p)) && keep(p) })
	left := r.of(func(p *history.Posting) bool { return ofLots(p) && keep(p) })
	r.then(func() {
		if l != nil && (len(left.seqs) == 0 || len(l.Carriers) == 0 && left.IsZero()) {
			return
		}
		r.money(prefix+"amount", amount, amount.CarriedIn, "carried_in", r.term("carried_in", amount.CarriedIn))
		r.money(prefix+"spent", out, out.Spent(), "disbursed - returned", r.term("disbursed", out.Disbursed), r.term("returned", out.Returned))
		rest, rate := sheet.Money(left.Available(), r.h.Decimals()), sheet.Rate(sheet.Share(both.Spent(), both.CarriedIn))
		if !r.left {
			rest = sheet.Cell{}
		}
		if !r.lotRated {
			rate = sheet.Cell{}
		}
		r.put(prefix+"left", left, rest, "amount - spent - committed - lapsed - rescinded - carried_out",
			r.term("amount", left.CarriedIn), r.term("spent", left.Spent()), r.term("committed", left.Committed), r.term("lapsed", left.Lapsed),
			r.term("rescinded", -left.Supplementary), r.term("carried_out", left.CarriedOut))
		r.put(prefix+"rate", both, rate, "spent / amount", r.term("spent", both.Spent()), r.term("amount", both.CarriedIn))
	})
}

// amended is what was spent as it looks after later years got some of it back. The closed year's own figures stay.
func (r *report) amended(y *history.Year, q history.Query) {
	s, later := r.of(spent), &sum{}
	for _, n := range r.h.Years() {
		if n <= y.Year {
			continue
		}
		in, err := r.h.Year(n)
		if err != nil {
			r.err = err
			return
		}
		r.h.Counted(in, q, func(p *history.Posting) {
			if p.Measure == events.RecoveredM && p.OfYear == y.Year {
				later.add(p)
			}
		})
	}
	r.then(func() {
		seqs := append(slices.Clone(s.seqs), later.seqs...)
		slices.Sort(seqs)
		both := &sum{seqs: slices.Compact(seqs), err: cmp.Or(s.err, later.err)}
		amended, ok := s.Spent().Add(-later.Recovered)
		if !ok && both.err == nil {
			both.err = &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(events.SpentM)}}
		}
		r.money("spent_as_amended", both, amended, "spent - recovered_later", r.term("spent", s.Spent()), r.term("recovered_later", later.Recovered))
	})
}

// Table is the report of a year as a sheet.
func Table(h *history.History, q history.Query, open history.Open) (*sheet.Sheet, error) {
	s, _, err := h.Sheet("report", q, open, true)
	if err != nil {
		return nil, err
	}
	figures, err := Report(h, q)
	if err != nil {
		return nil, err
	}
	s.Tables = []*sheet.Table{{
		Name: "figures", Keyed: true, Text: []string{"figure", "value", "unit", "words", "events"},
		Columns: []sheet.Column{{Name: "figure"}, {Name: "value", Right: true}, {Name: "unit"}, {Name: "formula"}, {Name: "words"}, {Name: "terms"}, {Name: "events"}},
		Rows: func(yield func(sheet.Row) bool) {
			for i := range figures {
				f := &figures[i]
				unit := sheet.MoneyUnit()
				if strings.HasSuffix(f.Name, "rate") {
					unit = sheet.Words("%")
				}
				if !yield(sheet.Row{Depth: 1, Cells: []sheet.Cell{
					sheet.Words(f.Name), f.Value, unit, sheet.Words(f.Formula), inWords(f.Name, q.Denominator), sheet.Members(f.Terms...), sheet.Numbers(f.Events),
				}}) {
					return
				}
			}
		},
	}}
	return s, nil
}

// inWords is what a figure is called and how it is made, for people: names and formulas are for programs.
func inWords(name string, over history.Denominator) sheet.Cell {
	if c, ok := strings.CutPrefix(name, "spent_by_channel."); ok {
		return sheet.Say("figure.spent_by_channel", sheet.Member{Name: "channel", Value: sheet.Term("channel", c)})
	}
	if b, ok := strings.CutPrefix(name, "spent_by_basis."); ok {
		return sheet.Say("figure.spent_by_basis", sheet.Member{Name: "basis", Value: sheet.Term("basis", b)})
	}
	if rest, ok := strings.CutPrefix(name, "lots."); ok {
		if at := strings.LastIndexByte(rest, '.'); at >= 0 { // the name of a lot may have points
			return sheet.Say("figure.lot."+rest[at+1:], sheet.Member{Name: "lot", Value: sheet.Words(rest[:at])})
		}
		return sheet.Say("figure.lots." + rest)
	}
	if name == "execution_rate" {
		return sheet.Say("figure.execution_rate." + string(cmp.Or(over, history.OverAdjusted)))
	}
	return sheet.Say("figure." + name)
}
