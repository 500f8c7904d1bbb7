package web

import (
	"cmp"
	"html/template"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"
)

// What a year, a fund and all funds look like at a glance: figures above their table, and in it a bar for each row.
//
// A bar is what became of an adjusted budget: what was spent, committed, taken back or carried out, and what is available, in this order from the left. All bars of a
// table have one scale, so that the mark of elapsed time stands at one place in them; what goes beyond the budget is hatched, and said. The figures stand beside.

// A keyFigure is one of the figures above a table.
type keyFigure struct {
	Name, Value string
	// Note says more of it.
	Note string
	Href string
	// Mood is good, bad or "": a colour for what the words say.
	Mood string
	Wide bool
}

// A yearPage is what the page of a year shows above its table.
type yearPage struct {
	Figures []keyFigure
	Course  *chart
	Bars    bool
}

// year shows the execution of a year.
func (v *view) year(b *projections.Book, a *ask) error {
	y, err := v.in(b)
	if err != nil {
		return err
	}
	s, err := b.Table("execution", a.query)
	if err != nil {
		return err
	}
	h := b.History()
	balances, err := h.Balances(y, a.query)
	if err != nil {
		return err
	}
	pace := progress.PaceOf(h, y, a.query)
	main := &yearPage{Figures: v.yearFigures(s, y, &balances[0], pace), Bars: y.Budgeted}
	if main.Course, err = v.courseChart(h, y, s, pace); err != nil {
		return err
	}
	links := v.links()
	if y.Budgeted {
		links.Drawn = v.barsOf(s.Tables[0], func(sheet.Row) progress.Pace { return pace })
	}
	v.Main = main
	if links.Above, err = v.piece("above"); err != nil {
		return err
	}
	return v.sheetWith(s, links)
}

// yearFigures are those that officials ask for first.
func (v *view) yearFigures(s *sheet.Sheet, y *history.Year, all *history.Balance, pace progress.Pace) []keyFigure {
	t := &all.All
	d := v.a.query.Denominator
	money := func(name string, a events.Minor) keyFigure {
		return keyFigure{Name: v.column(name), Value: v.money(a, s.Decimals)}
	}
	var out []keyFigure
	unit := s.Counted(v.options())
	spent := money("spent", t.Spent())
	if !y.Budgeted {
		spent.Note = v.Word("face.unbudgeted")
		out = append(out, spent)
	} else {
		adjusted := money("adjusted", t.Adjusted())
		adjusted.Note = unit
		spent.Note = unit
		rate := keyFigure{Name: v.column("rate"), Value: "–", Note: v.Word("face.denominator." + string(cmp.Or(d, history.OverAdjusted)))}
		if r := all.Rate(d); r != "" {
			rate.Value = r + "%"
		}
		available := money("available", t.Available())
		if t.Available() < 0 {
			available.Note, available.Mood = v.Say("year.overspent"), "bad"
		}
		out = append(out, adjusted, spent, rate, v.aheadFigure(all, d, pace), money("committed", t.Committed), available, money("lapsed", t.Lapsed), money("carried_out", t.CarriedOut))
	}
	open := openOf(s)
	figure := keyFigure{Name: v.column("open"), Value: strconv.FormatInt(open, 10), Href: v.To(v.YearPath(v.Year, "exceptions"))}
	if figure.Note = v.Say("year.open-none"); open > 0 {
		figure.Note, figure.Mood = v.Say("year.open-some"), "bad"
	}
	return append(out, figure)
}

// aheadFigure says how the rate stands against the time that has passed.
func (v *view) aheadFigure(all *history.Balance, d history.Denominator, pace progress.Pace) keyFigure {
	f := keyFigure{Name: v.column("elapsed"), Value: pace.Elapsed() + "%", Href: v.To(v.YearPath(v.Year, "progress")), Wide: true}
	days := []string{"day", pace.Day.String(), "days", strconv.FormatInt(pace.Days, 10), "all", strconv.FormatInt(pace.All, 10)}
	ahead := pace.Ahead(all, d)
	points, behind := strings.CutPrefix(ahead, "-")
	switch {
	case ahead == "":
		f.Note = v.Say("year.no-rate", days...)
	case strings.Trim(points, "0.") == "":
		f.Note = v.Say("year.on-time", days...)
	case behind:
		f.Note, f.Mood = v.Say("year.behind", append(days, "points", points)...), "bad"
	default:
		f.Note, f.Mood = v.Say("year.ahead", append(days, "points", points)...), "good"
	}
	return f
}

// openOf is how many exceptions are open, as the face of a sheet says.
func openOf(s *sheet.Sheet) int64 {
	for _, f := range s.Face {
		for _, m := range f.Members() {
			if m.Name == "open" {
				return m.Value.Int()
			}
		}
	}
	return 0
}

// barsMost is the largest scale of bars, in percent of the budget: what goes beyond it is cut off, and marked so.
const barsMost = 150

// The size of a bar.
const (
	barLength = 150
	barHeight = 14
	barWords  = 42 // for a word beside it
)

// barsOf draws a bar beside each row of a table that has adjusted budgets; nil where no row has one.
func (v *view) barsOf(t *sheet.Table, pace func(sheet.Row) progress.Pace) func(*sheet.Table) *sheet.Drawn {
	at := map[string]int{}
	for _, name := range []string{"line", "adjusted", "spent", "committed", "lapsed", "carried_out", "available"} {
		at[name] = t.Column(name)
	}
	amount := func(r sheet.Row, name string) events.Minor {
		if i := at[name]; i >= 0 && i < len(r.Cells) {
			return r.Cells[i].Minor()
		}
		return 0
	}
	of := func(r sheet.Row) *bar {
		if r.Cells[at["adjusted"]].Kind != sheet.Amount || at["line"] >= 0 && r.Cells[at["line"]].Kind != sheet.Text {
			return nil // nothing is budgeted for what is not split
		}
		return &bar{amount(r, "adjusted"), amount(r, "spent"), amount(r, "committed"), amount(r, "lapsed") + amount(r, "carried_out")}
	}
	scale := int64(100)
	see := func(r sheet.Row) {
		if b := of(r); b != nil {
			scale = max(scale, b.percent())
		}
	}
	for r := range t.Rows {
		see(r)
	}
	if t.Total != nil {
		see(*t.Total)
	}
	w := barWriter{scale: min(scale, barsMost)}
	for name, of := range map[string]*string{"over": &w.over, "none": &w.none, "label": &w.label, "label-over": &w.labelOver, "label-none": &w.labelNone, "label-pace": &w.labelPace} {
		*of = template.HTMLEscapeString(texts.Text(v.Lang, "bars."+name))
	}
	return func(table *sheet.Table) *sheet.Drawn {
		if table != t {
			return nil
		}
		return &sheet.Drawn{Heading: v.Say("bars.heading"), Cell: func(r sheet.Row) template.HTML {
			if b := of(r); b != nil {
				return w.draw(b, pace(r))
			}
			return ""
		}}
	}
}

// A bar is what became of a budget.
type bar struct{ budget, spent, committed, gone events.Minor }

// used is what of the budget is not available.
func (b *bar) used() events.Minor { return b.spent + b.committed + b.gone }

// percent is how much is used, at least; no more than is drawn.
func (b *bar) percent() int64 {
	if b.budget <= 0 || b.used() <= 0 {
		return 0
	}
	return min(int64(scaled(b.used(), b.budget, 100))+1, barsMost)
}

// scaled is part of whole, of a length: rounded half up, 0 where part is negative or there is no whole, and at most a hundred million.
func scaled(part, whole events.Minor, length int) int {
	const most = 100_000_000
	if part <= 0 || whole <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(part), uint64(length))
	var carry uint64
	lo, carry = bits.Add64(lo, uint64(whole)/2, 0)
	hi += carry
	if hi >= uint64(whole) {
		return most
	}
	n, _ := bits.Div64(hi, lo, uint64(whole))
	return int(min(n, most))
}

// BarLegend says what the parts of bars are.
func (v *view) BarLegend() (out []legendItem) {
	for _, class := range []string{"spent", "committed", "gone", "left"} {
		out = append(out, legendItem{class, texts.Say(v.Lang, "bars."+class, nil)})
	}
	return append(out, legendItem{"over", v.Say("bars.beyond")}, legendItem{"now", v.Say("bars.now")})
}

// percent is part in percent of whole as [sheet.Share] has it, which takes long for two thousand bars; part is not beyond ten thousand times the whole.
func percent(part, whole events.Minor) string {
	n, sign := scaled(max(part, -part), whole, 10000), ""
	if part < 0 && n > 0 {
		sign = "-"
	}
	return sign + strconv.Itoa(n/100) + "." + strconv.Itoa(n/10%10) + strconv.Itoa(n%10) + "%"
}

// A barWriter draws the bars of one table.
type barWriter struct {
	scale int64 // percent of the budget at the end of a bar

	over, none, label, labelOver, labelNone, labelPace string // words, escaped

	pace    progress.Pace // of the bar before
	elapsed string
}

// draw draws a bar. Lengths are tenths of what the picture is wide.
func (w *barWriter) draw(b *bar, pace progress.Pace) template.HTML {
	const tenth = 10
	var out strings.Builder
	whole := barLength * tenth * 100 / int(w.scale) // where the budget ends
	end := barLength * tenth
	x := 0
	var parts drawing
	stretch := func(class string, from, to int) { parts.box(class, from, 2*tenth, to-from, (barHeight-4)*tenth) }
	part := func(class string, amount events.Minor) {
		to := min(x+scaled(amount, b.budget, whole), end)
		if within := min(to, whole); within > x {
			stretch(class, x, within)
		}
		if beyond := max(x, whole); to > beyond {
			stretch("over", beyond, to)
		}
		x = to
	}
	label, beside := w.label, ""
	switch {
	case b.budget <= 0 && b.used() > 0:
		stretch("over", 0, end)
		label, beside = w.labelNone, w.none
	case b.budget <= 0:
		label, beside = w.labelNone, ""
	default:
		stretch("left", 0, whole)
		part("spent", b.spent)
		part("committed", b.committed)
		part("gone", b.gone)
		if b.used() > b.budget {
			label, beside = w.labelOver, w.over
		}
	}
	if b.budget > 0 && pace.All > 0 {
		if pace != w.pace {
			w.pace, w.elapsed = pace, pace.Elapsed()+"%"
		}
		label += w.labelPace
	}
	label = strings.NewReplacer("{{.spent}}", percent(b.spent, b.budget), "{{.committed}}", percent(b.committed, b.budget), "{{.gone}}", percent(b.gone, b.budget),
		"{{.left}}", percent(b.budget-b.used(), b.budget), "{{.over}}", percent(b.used()-b.budget, b.budget), "{{.elapsed}}", w.elapsed).Replace(label)
	out.WriteString(`<svg class="bar" viewBox="0 0 `)
	out.WriteString(strconv.Itoa(barLength+barWords) + " " + strconv.Itoa(barHeight) + `" width="` + strconv.Itoa(barLength+barWords) + `" height="` + strconv.Itoa(barHeight))
	out.WriteString(`" role="img" aria-label="` + label + `">`)
	out.WriteString(parts.String())
	if b.budget > 0 {
		if pace.All > 0 {
			now := scaled(events.Minor(pace.Days), events.Minor(pace.All), whole)
			out.WriteString(`<path class="now" d="M` + tenths(now) + ` 0v` + strconv.Itoa(barHeight) + `"/>`)
		}
		if int(w.scale) > 100 {
			out.WriteString(`<path class="end" d="M` + tenths(whole) + ` 1v` + strconv.Itoa(barHeight-2) + `"/>`)
		}
	}
	if beside != "" {
		out.WriteString(`<text x="` + strconv.Itoa(barLength+4) + `" y="11">` + beside + `</text>`)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) // of numbers and of words that were escaped
}

// patterns are the parts of bars that are told apart by more than their colour: see console/layout.html.
var patterns = []string{"committed", "gone", "over"}

// tenths writes a length of so many tenths.
func tenths(n int) string {
	s := ""
	if n < 0 {
		s, n = "-", -n
	}
	s += strconv.Itoa(n / 10)
	if n%10 != 0 {
		s += "." + strconv.Itoa(n%10)
	}
	return s
}

// A drawnChart is a chart with the words around it.
type drawnChart struct {
	View  *view
	Chart *chart
}

// Drawn puts a chart on the page.
func (v *view) Drawn(c *chart) drawnChart { return drawnChart{v, c} }

// A fundPage is what the page of a fund shows beside its years.
type fundPage struct {
	Code   events.Fund
	Bars   bool
	Newest []newEvent
}

// A newEvent is one of the newest events of a fund.
type newEvent struct {
	Seq                                       events.Seq
	Year                                      events.Year
	Kind, Line, Date, Amount, Payee, Recorded string
}

// newestMost is how many of the newest events the page of a fund lists.
const newestMost = 20

// fund shows a fund: its years at a glance, and its newest events.
func (v *view) fund(b *projections.Book, a *ask) error {
	v.Title = cmp.Or(sheet.Shown(v.FundName), string(v.Fund))
	h := b.History()
	var g projections.Glance
	if err := g.Add(b, v.At.Root); err != nil {
		return err
	}
	s := g.Sheet()
	t := s.Tables[0]
	t.Name = "years"
	t.Text = slices.DeleteFunc(slices.Clone(t.Text), func(column string) bool { return column == "fund" || column == "name" }) // which the page is called by
	main := &fundPage{Code: v.Fund}
	v.Main = main
	for n := h.Last(); n > 0 && len(main.Newest) < newestMost; n-- {
		e, err := v.newEvent(h, n)
		if err != nil {
			return err
		}
		main.Newest = append(main.Newest, e)
	}
	paces := map[int64]progress.Pace{}
	for _, n := range h.Years() {
		y, err := h.Year(n)
		if err != nil {
			return err
		}
		main.Bars = main.Bars || y.Budgeted
		paces[int64(n)] = progress.PaceOf(h, y, history.Query{Year: n})
	}
	links := v.links()
	cell := links.Cell
	links.Cell = func(t *sheet.Table, column string, row sheet.Row) string {
		if year := row.Cells[t.Column("year")].Int(); column == "year" {
			return v.To(v.YearPath(events.Year(year), ""))
		}
		return cell(t, column, row)
	}
	if main.Bars {
		links.Drawn = v.barsOf(t, func(r sheet.Row) progress.Pace { return paces[r.Cells[t.Column("year")].Int()] })
	}
	var err error
	v.Sheet, err = v.showTableWith(s, 0, links)
	return err
}

// newEvent tells of an event what a list of them says.
func (v *view) newEvent(h *history.History, n events.Seq) (out newEvent, err error) {
	e, err := h.Stored(n)
	if err != nil {
		return out, err
	}
	c := e.Command
	payee := h.Payee(n)
	out = newEvent{
		Seq: n, Year: c.Year, Kind: v.Word("kind." + string(c.Kind)), Line: string(cmp.Or(c.Line, e.Resolved.Line)), Date: c.Date.String(),
		Payee: sheet.Shown(cmp.Or(payee.Name, payee.ID, payee.Ref)), Recorded: v.links().Moment(h.Recorded(n)),
	}
	if c.Amount.IsZero() {
		return out, nil
	}
	amount, err := c.Amount.Minor(h.Decimals())
	if err != nil { // which the ledger would have refused
		return out, err
	}
	out.Amount = v.money(amount, h.Decimals())
	return out, nil
}

// A fundsPage is what the page of all funds shows above its table.
type fundsPage struct {
	Bars bool
	Sums []fundsSum
}

// GlanceLegend says what the parts of bars are where only what was spent is told apart.
func (v *view) GlanceLegend() []legendItem {
	out := []legendItem{{"spent", v.Say("bars.spent")}, {"left", v.Say("bars.unspent")}, {"over", v.Say("bars.beyond")}}
	if v.Fund != "" {
		out = append(out, legendItem{"now", v.Say("bars.now")})
	}
	return out
}

// A fundsSum is what the years of one number come to over all funds of one currency. Years are not added up: what is carried over would count twice.
type fundsSum struct {
	Currency                         string
	Year                             int64
	Funds, Unbudgeted                int
	Open                             int64
	Adjusted, Spent, Rate, Available string
	// Unknown is what was spent in the years whose budgets are not known; it is in no other figure.
	Unknown string
}

// fundsPage shows every fund and year.
func (s *site) fundsPage(v *view) error {
	if err := v.ask(ofFunds[:2]); err != nil {
		return err
	}
	if v.Template = "funds"; !v.Fixed {
		v.Live = everyFund
	}
	glance, tag, err := s.glance(v.r, v.a, v.shown()...)
	if err != nil {
		return err
	}
	v.tag = tag
	if v.same = has(v.r, tag); v.same {
		return nil
	}
	made, tag, err := glance(v.zoned)
	if err != nil {
		return err
	}
	v.tag = tag
	main := &fundsPage{}
	v.Main, v.currency = main, made.Currency
	main.Sums, main.Bars = v.fundsSums(made)
	links := v.links()
	links.Cell = func(t *sheet.Table, column string, row sheet.Row) string {
		fund := "/funds/" + row.Cells[t.Column("fund")].Text()
		switch column {
		case "fund", "name":
			return v.To(fund)
		case "year":
			return v.To(fund + "/years/" + events.Year(row.Cells[t.Column("year")].Int()).String())
		}
		return ""
	}
	if main.Bars {
		links.Drawn = v.barsOf(made.Tables[0], func(sheet.Row) progress.Pace { return progress.Pace{} })
	}
	if links.Above, err = v.piece("above"); err != nil {
		return err
	}
	return v.sheetWith(made, links)
}

// fundsSums adds the rows of all funds up, and says whether any has a budget.
func (v *view) fundsSums(s *sheet.Sheet) (out []fundsSum, budgeted bool) {
	type key struct {
		currency string
		year     int64
	}
	type sum struct {
		adjusted, spent, available, unknown events.Minor
		decimals                            int
		fits                                bool
	}
	t := s.Tables[0]
	at := map[key]int{}
	var sums []sum
	for r := range t.Rows {
		cell := func(name string) sheet.Cell { return r.Cells[t.Column(name)] }
		k := key{cell("currency").Text(), cell("year").Int()}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out, sums = append(out, fundsSum{Currency: k.currency, Year: k.year}), append(sums, sum{fits: true})
		}
		add := func(to *events.Minor, name string) {
			next, ok := to.Add(cell(name).Minor())
			*to, sums[n].fits = next, sums[n].fits && ok
		}
		sums[n].decimals = cell("spent").Decimals()
		out[n].Open += cell("open").Int()
		out[n].Funds++
		if cell("adjusted").Kind != sheet.Amount {
			out[n].Unbudgeted++
			add(&sums[n].unknown, "spent")
			continue
		}
		budgeted = true
		add(&sums[n].adjusted, "adjusted")
		add(&sums[n].spent, "spent")
		add(&sums[n].available, "available")
	}
	for i := range out {
		of := &sums[i]
		if !of.fits {
			out[i].Adjusted, out[i].Spent, out[i].Rate, out[i].Available = "–", "–", "–", "–"
			continue
		}
		money := func(a events.Minor) string { return v.money(a, of.decimals) }
		out[i].Adjusted, out[i].Spent, out[i].Rate, out[i].Available = money(of.adjusted), money(of.spent), "–", money(of.available)
		if r := sheet.Share(of.spent, of.adjusted); r != "" {
			out[i].Rate = r + "%"
		}
		if out[i].Unbudgeted > 0 {
			out[i].Unknown = money(of.unknown)
		}
		if out[i].Unbudgeted == out[i].Funds {
			out[i].Adjusted, out[i].Spent, out[i].Available = "–", "–", "–"
		}
	}
	slices.SortFunc(out, func(a, b fundsSum) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(b.Year, a.Year))
	})
	return out, budgeted
}
