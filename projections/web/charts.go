package web

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"github.com/clipperhouse/displaywidth"
)

// Charts are drawn here as SVG, of the amounts that the tables have, in whole tenths of a unit of the picture: the same question to the same log gives the same bytes.
// What a chart says in colour it says in a pattern, a dash or words too, and under it the same amounts stand as a table.

// A chart is a picture with what it is made of.
type chart struct {
	ID, Title, Desc string
	Picture         template.HTML
	Legend          []legendItem
	Notes           []string
	// Heads and Rows are the table; the first column is what a row is called.
	Heads []string
	Rows  [][]chartCell
	// Minis are small pictures beside each other, instead of the one.
	Minis []mini
}

type legendItem struct{ Class, Word string }

type chartCell struct {
	Text, Href string
	Words      bool // aligned as words, not as numbers
}

// A mini is the picture of one line.
type mini struct {
	Name, Href, Rate, Of string
	Picture              template.HTML
}

// A chartsPage is what the page of charts shows.
type chartsPage struct {
	Charts []*chart
	Notes  []string
}

// charts shows the charts of a year.
func (v *view) charts(b *projections.Book, a *ask) error {
	y, err := v.in(b)
	if err != nil {
		return err
	}
	v.Tab = "charts"
	h := b.History()
	if err := h.Known(a.query); err != nil {
		return err
	}
	s, err := b.Table("execution", a.query) // for what stands on its face
	if err != nil {
		return err
	}
	main := &chartsPage{}
	v.Main = main
	pace := progress.PaceOf(h, y, a.query)
	if !y.Budgeted {
		main.Notes = append(main.Notes, v.Word("face.unbudgeted"))
	}
	for _, make := range []func(*history.History, *history.Year, *sheet.Sheet, progress.Pace) (*chart, error){v.courseChart, v.waterfall, v.minis, v.flows} {
		c, err := make(h, y, s, pace)
		if err != nil {
			return err
		}
		if c != nil {
			main.Charts = append(main.Charts, c)
		}
	}
	if len(main.Charts) == 0 {
		main.Notes = append(main.Notes, v.Say("charts.nothing"))
	}
	v.Title = v.Say("charts.title", "name", v.FundName, "year", v.Year.String())
	main.Notes = append(main.Notes, s.Counted(v.options()))
	return nil
}

// A drawing is the inside of an SVG. Lengths are tenths.
type drawing struct{ strings.Builder }

func (d *drawing) put(parts ...string) {
	for _, p := range parts {
		d.WriteString(p)
	}
}

// box draws a rectangle. What is not plain has a pattern of the page.
func (d *drawing) box(class string, x, y, w, h int) {
	d.put(`<rect class="`, class, `" x="`, tenths(x), `" y="`, tenths(y), `" width="`, tenths(w), `" height="`, tenths(h), `"`)
	if slices.Contains(patterns, class) {
		d.put(` fill="url(#p-`, class, `)"`)
	}
	d.put(`/>`)
}

func (d *drawing) path(class, form string) { d.put(`<path class="`, class, `" d="`, form, `"/>`) }

// text writes words; anchor is start, middle or end.
func (d *drawing) text(class, anchor string, x, y int, text string) {
	d.put(`<text class="`, class, `" text-anchor="`, anchor, `" x="`, tenths(x), `" y="`, tenths(y), `">`, escaped(text), `</text>`)
}

// named writes a name that may be long, and all of it for whoever points at it, with an amount after it.
func (d *drawing) named(class string, x, y, width int, text, amount string) {
	short := displaywidth.TruncateString(text, width, "…")
	d.put(`<text class="`, class, `" x="`, tenths(x), `" y="`, tenths(y), `">`, escaped(short), `<tspan dx="8">`, escaped(amount), `</tspan>`)
	if short != text {
		d.put(`<title>`, escaped(text), `</title>`)
	}
	d.put(`</text>`)
}

func escaped(text string) string { return template.HTMLEscapeString(sheet.Shown(text)) }

// picture puts an SVG around a drawing: what it is and what it shows are read out.
func (d *drawing) picture(c *chart, width, height int) {
	c.Picture = template.HTML(`<svg class="chart" viewBox="0 0 ` + tenths(width) + ` ` + tenths(height) + `" width="` + tenths(width) + `" height="` + tenths(height) +
		`" role="img" aria-labelledby="` + c.ID + `-title ` + c.ID + `-desc"><desc id="` + c.ID + `-desc">` + escaped(c.Desc) + `</desc>` + d.String() + `</svg>`)
}

// An axis places amounts between two heights.
type axis struct {
	low, high   events.Minor
	top, bottom int
}

// axisOf is an axis that has room for amounts and for nothing.
func axisOf(top, bottom int, amounts ...events.Minor) axis {
	a := axis{top: top, bottom: bottom}
	for _, n := range amounts {
		a.low, a.high = min(a.low, n), max(a.high, n)
	}
	if a.low == a.high {
		a.high = a.low + 1
	}
	return a
}

func (a axis) at(n events.Minor) int {
	return a.bottom - scaled(n/2-a.low/2, a.high/2-a.low/2, a.bottom-a.top) // halves, so that no difference leaves int64
}

// step is a round amount of which four or so lie between the ends.
func (a axis) step() events.Minor {
	for power := events.Minor(1); ; power *= 10 {
		for _, by := range []events.Minor{1, 2, 5} {
			if by*power >= a.high/4-a.low/4 || by*power > 4e18 {
				return by * power
			}
		}
	}
}

// room is what the amounts of the axis need to the left of it.
func (a axis) room(v *view, decimals int) int {
	return max(1250, 70*max(displaywidth.String(v.money(a.low, decimals)), displaywidth.String(v.money(a.high, decimals)))+150)
}

// grid draws lines at round amounts with what they are.
func (a axis) grid(d *drawing, v *view, decimals, left, right int) {
	step := a.step()
	for n, ok := a.low/step*step, true; ok && n <= a.high; n, ok = n.Add(step) {
		d.path(map[bool]string{true: "zero", false: "grid"}[n == 0], "M"+tenths(left)+" "+tenths(a.at(n))+"H"+tenths(right))
		d.text("tick", "end", left-80, a.at(n)+40, v.money(n, decimals))
	}
}

// courseChart is execution against time: what was spent by each day, against the adjusted budget and against as much of it as time has passed.
func (v *view) courseChart(h *history.History, y *history.Year, s *sheet.Sheet, pace progress.Pace) (*chart, error) {
	points, err := progress.Course(h, y, v.a.query, events.Root, progress.ByDay)
	if err != nil || len(points) == 0 {
		return nil, err
	}
	const top, bottom = 200, 2700
	end := points[len(points)-1]
	var amounts []events.Minor
	some := false
	for i := range points {
		amounts = append(amounts, points[i].All.Spent())
		if y.Budgeted {
			amounts = append(amounts, points[i].All.Adjusted())
		}
		some = some || points[i].All != events.Totals{}
	}
	if !some {
		return nil, nil
	}
	c := &chart{ID: "course", Title: v.Say("charts.course"), Heads: []string{v.Say("charts.until"), v.column("adjusted"), v.column("spent"), v.column("rate"), v.column("elapsed")}}
	var d drawing
	a := axisOf(top, bottom, amounts...)
	left := a.room(v, h.Decimals())
	spent := end.All.Spent()
	reached := cmp.Or(rateOf(&end.Balance, y, v.a.query.Denominator), v.money(spent, h.Decimals())) // at the end of the line
	right := left + 7750
	width := right + max(600, 80*displaywidth.String(reached)+100)
	a.grid(&d, v, h.Decimals(), left, right)
	x := func(day events.Day) int { // the beginning of a day
		return left + scaled(events.Minor(day-y.From), events.Minor(pace.All), right-left)
	}
	for from := y.From; from <= y.To; from = monthEnd(from) + 1 {
		name := from.String()[5:7]
		if name == "01" || from == y.From {
			name = from.String()[:7]
		}
		d.path("grid", "M"+tenths(x(from))+" "+tenths(bottom)+"v6")
		d.text("tick", "start", x(from), bottom+170, name)
	}
	d.path("grid", "M"+tenths(right)+" "+tenths(top)+"V"+tenths(bottom))
	if y.Budgeted {
		d.path("pace", "M"+tenths(left)+" "+tenths(a.at(0))+"L"+tenths(right)+" "+tenths(a.at(end.All.Adjusted())))
		d.path("budget", v.steps(points, y, pace, a, x, right, events.Totals.Adjusted))
	}
	d.path("spent", v.steps(points, y, pace, a, x, right, events.Totals.Spent))
	if now := x(min(pace.Day, y.To) + 1); pace.Day >= y.From && pace.Day < y.To {
		d.path("now", "M"+tenths(now)+" "+tenths(top)+"V"+tenths(bottom))
		d.text("tick", "middle", now, top-50, pace.Day.String())
	}
	d.text("value", "start", right+60, a.at(spent)+40, reached)
	c.Legend = []legendItem{{"line-spent", v.column("spent")}}
	if y.Budgeted {
		c.Legend = append(c.Legend, legendItem{"line-budget", v.column("adjusted")}, legendItem{"line-pace", v.Say("charts.pace")})
	}
	c.Rows = v.courseRows(points, y, h.Decimals())
	c.Desc = v.Say("charts.course-desc", "spent", v.money(spent, h.Decimals()), "adjusted", v.money(end.All.Adjusted(), h.Decimals()), "unit", s.Counted(v.options()))
	if !y.Budgeted {
		c.Desc = v.Say("charts.course-desc-spent", "spent", v.money(spent, h.Decimals()), "unit", s.Counted(v.options()))
	}
	d.picture(c, width, bottom+300)
	return c, nil
}

// rateOf is a rate as it is shown, "" where there is none.
func rateOf(b *history.Balance, y *history.Year, d history.Denominator) string {
	if r := b.Rate(d); r != "" && y.Budgeted {
		return r + "%"
	}
	return ""
}

// monthEnd is the last day of a day's month.
func monthEnd(d events.Day) events.Day {
	in := d.Time(time.UTC)
	return events.DayOf(time.Date(in.Year(), in.Month()+1, 0, 0, 0, 0, 0, time.UTC))
}

// steps is the line of a measure: it goes up on the day on which an amount counts, and ends on the day up to which days are counted, or where anything happened later.
// What came before the year is there at its beginning, and what came after it to the right of its end.
func (v *view) steps(points []progress.Point, y *history.Year, pace progress.Pace, a axis, x func(events.Day) int, right int, of func(events.Totals) events.Minor) string {
	var out strings.Builder
	at := of(points[0].All)
	out.WriteString("M" + tenths(x(y.From)) + " " + tenths(a.at(at)))
	last := points[len(points)-1]
	until := min(max(pace.Day, y.From-1), y.To)
	for i := range points[1 : len(points)-1] {
		p := &points[i+1]
		if n := of(p.All); n != at {
			at, until = n, max(until, p.From)
			out.WriteString("H" + tenths(x(p.From)) + "V" + tenths(a.at(n)))
		}
	}
	if n := of(last.All); n != at {
		out.WriteString("H" + tenths(right+30) + "V" + tenths(a.at(n)) + "h4")
	} else {
		out.WriteString("H" + tenths(x(until+1)))
	}
	return out.String()
}

// courseRows are the ends of months.
func (v *view) courseRows(points []progress.Point, y *history.Year, decimals int) (out [][]chartCell) {
	for i := range points {
		p := &points[i]
		first, last := i == 0, i == len(points)-1
		if !first && !last && p.To != monthEnd(p.To) && p.To != y.To && i != len(points)-2 {
			continue
		}
		edge := first && p.All == events.Totals{} || last && p.All == points[i-1].All
		if edge {
			continue
		}
		name, elapsed := p.To.String(), sheet.Share(events.Minor(min(max(int64(p.To-y.From)+1, 0), int64(y.To-y.From)+1)), events.Minor(y.To-y.From)+1)+"%"
		if last {
			name, elapsed = v.Say("charts.after-year"), "100.00%"
		}
		row := []chartCell{{Text: name, Words: true}, {Text: "–"}, {Text: v.money(p.All.Spent(), decimals)}, {Text: cmp.Or(rateOf(&p.Balance, y, v.a.query.Denominator), "–")}, {Text: elapsed}}
		if y.Budgeted {
			row[1].Text = v.money(p.All.Adjusted(), decimals)
		}
		out = append(out, row)
	}
	return out
}

// waterfall is how a year came from its original budget to what is available; nil where budgets are not known.
func (v *view) waterfall(h *history.History, y *history.Year, s *sheet.Sheet, _ progress.Pace) (*chart, error) {
	if !y.Budgeted {
		return nil, nil
	}
	total := s.Tables[0].Total
	of := func(name string) events.Minor { return total.Cells[s.Tables[0].Column(name)].Minor() }
	type step struct {
		name, class string
		from, to    events.Minor
		sum         bool
	}
	var all []step
	running := events.Minor(0)
	move := func(name, class string, n events.Minor) {
		if n != 0 {
			all = append(all, step{name, class, running, running + n, false})
		}
		running += n
	}
	sum := func(name, class string) { all = append(all, step{name, class, 0, running, true}) }
	running = of("original")
	sum("original", "sum")
	for _, name := range []string{"supplementary", "reallocated", "carried_in"} {
		move(name, "up", of(name))
	}
	sum("adjusted", "sum")
	for i, name := range []string{"spent", "committed", "lapsed", "carried_out"} {
		move(name, []string{"spent", "committed", "gone", "gone"}[i], -of(name))
	}
	sum("available", "sum")
	amounts := make([]events.Minor, 0, 2*len(all))
	for _, st := range all {
		amounts = append(amounts, st.from, st.to)
	}
	if !slices.ContainsFunc(amounts, func(n events.Minor) bool { return n != 0 }) {
		return nil, nil
	}
	c := &chart{ID: "waterfall", Title: v.Say("charts.waterfall"), Heads: []string{v.Say("charts.step"), v.column("amount"), v.Say("charts.running")}}
	const top, bottom = 350, 2700
	a := axisOf(top, bottom, amounts...)
	left, wide := a.room(v, h.Decimals()), 960
	for _, st := range all { // the amounts above two steps must not run into each other
		wide = max(wide, 80*displaywidth.String("+"+v.money(st.to-st.from, h.Decimals()))+100)
	}
	width := left + wide*len(all) + 100
	var d drawing
	a.grid(&d, v, h.Decimals(), left, width-50)
	for i, st := range all {
		x := left + i*wide + 100
		high, low := min(a.at(st.from), a.at(st.to)), max(a.at(st.from), a.at(st.to))
		d.box(st.class, x, high, wide-300, max(low-high, 10))
		if i+1 < len(all) {
			d.path("join", "M"+tenths(x+wide-300)+" "+tenths(a.at(st.to))+"h30")
		}
		moved := v.money(st.to-st.from, h.Decimals())
		if !st.sum && st.to > st.from {
			moved = "+" + moved
		}
		name := v.column(st.name)
		d.text("value", "middle", x+(wide-300)/2, high-60, moved)
		for n, part := range wrapped(name, 13) {
			d.text("tick", "middle", x+(wide-300)/2, bottom+180+n*150, part)
		}
		c.Rows = append(c.Rows, []chartCell{{Text: name, Words: true}, {Text: moved}, {Text: v.money(st.to, h.Decimals())}})
	}
	c.Desc = v.Say("charts.waterfall-desc", "original", v.money(of("original"), h.Decimals()), "spent", v.money(of("spent"), h.Decimals()),
		"available", v.money(of("available"), h.Decimals()), "unit", s.Counted(v.options()))
	d.picture(c, width, bottom+500)
	return c, nil
}

// wrapped breaks words into lines of so many characters.
func wrapped(text string, width int) (lines []string) {
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && displaywidth.String(lines[n-1]+" "+word) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// minisMost is how many lines have a picture of their own.
const minisMost = 120

// minis is a small picture of each line: what was spent by the end of each month, against its adjusted budget.
func (v *view) minis(h *history.History, y *history.Year, s *sheet.Sheet, pace progress.Pace) (*chart, error) {
	lines := y.Lines()
	if len(lines) < 2 {
		return nil, nil
	}
	c := &chart{ID: "lines", Title: v.Say("charts.lines"), Desc: v.Say("charts.lines-desc"), Heads: []string{v.column("line"), v.column("name")}}
	if len(lines) > minisMost+1 {
		c.Notes = append(c.Notes, v.Say("charts.lines-more", "n", strconv.Itoa(minisMost), "all", strconv.Itoa(len(lines)-1)))
		lines = lines[:minisMost+1]
	}
	const width, height, top, bottom = 1600, 480, 30, 450
	some := false
	for _, l := range lines[1:] {
		points, err := progress.Course(h, y, v.a.query, l.Code, progress.ByMonth)
		if err != nil {
			return nil, err
		}
		name := v.either(l.Name, l.NameEn)
		href := v.To(v.YearPath(v.Year, "lines/"+string(l.Code)))
		row := []chartCell{{Text: string(l.Code), Words: true}, {Text: sheet.Shown(name), Href: href, Words: true}}
		end := points[len(points)-1]
		amounts := []events.Minor{}
		for i := range points {
			amounts = append(amounts, points[i].All.Spent())
			if i > 0 && i < len(points)-1 {
				if len(c.Rows) == 0 {
					c.Heads = append(c.Heads, points[i].To.String()[:7])
				}
				row = append(row, chartCell{Text: v.money(points[i].All.Spent(), h.Decimals())})
			}
		}
		if y.Budgeted {
			amounts = append(amounts, end.All.Adjusted())
		}
		some = some || slices.ContainsFunc(amounts, func(n events.Minor) bool { return n != 0 })
		a := axisOf(top, bottom, amounts...)
		x := func(day events.Day) int {
			return scaled(events.Minor(day-y.From), events.Minor(pace.All), width-60)
		}
		var d drawing
		d.path("zero", "M0 "+tenths(a.at(0))+"H"+tenths(width))
		if y.Budgeted {
			d.path("budget", "M0 "+tenths(a.at(end.All.Adjusted()))+"H"+tenths(width))
		}
		line := v.steps(points, y, pace, a, x, width-60, events.Totals.Spent)
		d.path("spent", line)
		rate := cmp.Or(rateOf(&end.Balance, y, v.a.query.Denominator), "–")
		of := v.money(end.All.Spent(), h.Decimals())
		if y.Budgeted {
			of += " / " + v.money(end.All.Adjusted(), h.Decimals())
		}
		c.Minis = append(c.Minis, mini{sheet.Shown(name), href, rate, of, template.HTML(`<svg class="mini" viewBox="0 0 ` + tenths(width) + ` ` + tenths(height) +
			`" role="img" aria-label="` + escaped(v.Say("charts.mini", "name", name, "rate", rate)) + `">` + d.String() + `</svg>`)})
		c.Rows = append(c.Rows, row)
	}
	if !some {
		return nil, nil
	}
	c.Legend = []legendItem{{"line-spent", v.column("spent")}}
	if y.Budgeted {
		c.Legend = append(c.Legend, legendItem{"line-budget", v.column("adjusted")})
	}
	return c, nil
}

// What of the flows is drawn: the lines of which most was spent, and of each the payees who got most of it.
const (
	flowLines  = 16
	flowPayees = 3
)

// A stream is one line on its way from the fund to payees. Everything drawn of it is above zero.
type stream struct {
	name  string
	spent events.Minor // what is drawn: as much comes in as goes out
	paid  []streamPaid
}

type streamPaid struct {
	name   string
	amount events.Minor
	others bool
}

// streams are what flows, those of which most was spent first, with how much is below zero and so not drawn.
func (v *view) streams(flows []history.Flow) (out []stream, below []history.Flow) {
	var rest []history.Flow
	flows = slices.Clone(flows)
	slices.SortStableFunc(flows, func(a, b history.Flow) int { return cmp.Compare(b.Spent, a.Spent) })
	for _, f := range flows {
		if f.Spent <= 0 {
			below = append(below, f)
			continue
		}
		if len(out) >= flowLines && len(flows) > flowLines+1 {
			rest = append(rest, f)
			continue
		}
		st := stream{name: string(f.Line.Code) + " " + v.either(f.Line.Name, f.Line.NameEn)}
		if f.Line.Code == events.Root {
			st.name = sheet.Catalogue.Say(v.Lang, "row.own", nil)
		}
		for _, p := range f.Most {
			name := cmp.Or(p.Payee.Name, p.Payee.ID, p.Payee.Ref)
			if name == "" {
				name = v.Word("row.none")
			}
			st.paid = append(st.paid, streamPaid{name, p.Spent, false})
		}
		if f.Others > 0 {
			st.paid = append(st.paid, streamPaid{v.Say("charts.others", "n", strconv.Itoa(f.Others)), f.Rest, true})
		}
		out = append(out, st)
	}
	if len(rest) > 0 {
		st := stream{name: v.Say("charts.other-lines", "n", strconv.Itoa(len(rest)))}
		var sum events.Minor
		payees := 0
		for _, f := range rest {
			sum += f.Spent
			payees += len(f.Most) + f.Others
		}
		st.paid = []streamPaid{{v.Say("charts.others", "n", strconv.Itoa(payees)), sum, true}}
		out = append(out, st)
	}
	for i := range out {
		for _, p := range out[i].paid {
			out[i].spent += max(p.amount, 0)
		}
	}
	return out, below
}

// flows is where the money went: from the fund to the lines on which it was posted, and on to the payees.
func (v *view) flows(h *history.History, y *history.Year, s *sheet.Sheet, _ progress.Pace) (*chart, error) {
	found, err := h.Flows(y, v.a.query, flowPayees)
	if err != nil {
		return nil, err
	}
	streams, below := v.streams(found)
	if len(streams) == 0 {
		return nil, nil
	}
	c := &chart{
		ID: "flows", Title: v.Say("charts.flows"), Desc: v.Say("charts.flows-desc", "lines", strconv.Itoa(len(found)), "unit", s.Counted(v.options())),
		Heads: []string{v.column("line"), v.column("payee"), v.column("spent")},
	}
	var all events.Minor
	for _, st := range streams {
		all += st.spent
	}
	// Each payee has a row of its own, so that its name can be read; what flows to it is as high as its share of all.
	const width, top, row, node = 10400, 400, 190, 120
	const fundX, lineX, payeeX, lineWords, payeeWords = 200, 3200, 6900, 34, 32
	payees := 0
	for _, st := range streams {
		payees += len(st.paid)
	}
	scale := max(payees*row, 3000) * 8 / 10 // how high all of it is
	height := func(amount events.Minor) int { return scaled(amount, all, scale) }
	room := func(p streamPaid) int { return max(row, height(p.amount)+40) }
	total, flowing := 0, 0
	for _, st := range streams {
		flowing += height(st.spent)
		for _, p := range st.paid {
			total += room(p)
		}
	}
	var d, bands, nodes drawing
	fundY := top + (total-flowing)/2
	fundTop, payeeY := fundY, top
	for _, st := range streams {
		block := 0
		for _, p := range st.paid {
			block += room(p)
		}
		high := height(st.spent)
		lineY := payeeY + (block-high)/2
		band(&bands, fundX+node, fundY, lineX, lineY, high)
		fundY += high
		nodes.box("spent", lineX, lineY, node, max(high, 10))
		nodes.named("value", lineX+node+60, lineY+high/2+40, lineWords, st.name, v.money(st.spent, h.Decimals()))
		for _, p := range st.paid {
			high := height(p.amount)
			at := payeeY + (room(p)-high)/2
			if p.amount > 0 {
				band(&bands, lineX+node, lineY, payeeX, at, high)
				nodes.box(map[bool]string{true: "gone", false: "spent"}[p.others], payeeX, at, node, max(high, 10))
			}
			nodes.named("tick", payeeX+node+60, at+high/2+40, payeeWords, p.name, v.money(p.amount, h.Decimals()))
			lineY += high
			payeeY += room(p)
			c.Rows = append(c.Rows, []chartCell{{Text: sheet.Shown(st.name), Words: true}, {Text: sheet.Shown(p.name), Words: true}, {Text: v.money(p.amount, h.Decimals())}})
		}
	}
	d.WriteString(bands.String())
	d.box("spent", fundX, fundTop, node, fundY-fundTop)
	d.named("value", fundX, fundTop-200, 38, cmp.Or(v.FundName, string(v.Fund)), "")
	d.text("value", "start", fundX, fundTop-50, v.money(all, h.Decimals()))
	d.WriteString(nodes.String())
	for _, f := range below {
		if f.Spent < 0 {
			c.Notes = append(c.Notes, v.Say("charts.below", "line", string(f.Line.Code), "amount", v.money(f.Spent, h.Decimals())))
		}
	}
	c.Notes = append(c.Notes, v.Say("charts.flows-note", "n", strconv.Itoa(flowPayees)))
	d.picture(c, width, max(payeeY, fundY)+200)
	return c, nil
}

// band draws what flows from one place to another, as high at both.
func band(d *drawing, x0, y0, x1, y1, high int) {
	middle := tenths((x0 + x1) / 2)
	high = max(high, 5)
	d.path("flow", "M"+tenths(x0)+" "+tenths(y0)+"C"+middle+" "+tenths(y0)+" "+middle+" "+tenths(y1)+" "+tenths(x1)+" "+tenths(y1)+"v"+tenths(high)+
		"C"+middle+" "+tenths(y1+high)+" "+middle+" "+tenths(y0+high)+" "+tenths(x0)+" "+tenths(y0+high)+"z")
}
