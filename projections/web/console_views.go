package web

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/figures"
	"fundledger/projections/history"
	"fundledger/projections/live"
	"fundledger/projections/sheet"
)

// A yearView is a view of a year that is a sheet of its own.
type yearView struct {
	name string
	// takes lists its parameters beside [everyView].
	takes []string
	make  func(*projections.Book, *ask) (*sheet.Sheet, error)
	// shape makes the sheet one for this page, and adds what else the page has; nil leaves it as it is.
	shape func(*view, *projections.Book, *ask, *sheet.Sheet) error
}

// yearViews lists them in the order in which they stand beside each other.
var yearViews = []yearView{
	{"payments", []string{"by", "where", "payee"}, ofTable("payments"), nil},
	{"exceptions", nil, ofTable("exceptions"), (*view).exceptions},
	{"progress", []string{"by", "denominator", "threshold"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Progress(a.query, a.threshold)
	}, nil},
	{"ageing", []string{"by"}, ofTable("ageing"), nil},
	{"transit", []string{"by"}, ofTable("transit"), nil},
	{"lots", []string{"by"}, ofTable("lots"), nil},
	{"budget", []string{"by", "denominator"}, ofTable("budget"), nil},
	{"monthly", []string{"by", "month", "after_close"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Monthly(a.query, a.month, a.afterClose)
	}, nil},
	{"figures", []string{"by", "denominator"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) { return b.Report(a.query) }, (*view).figures},
	{"check", nil, func(b *projections.Book, a *ask) (*sheet.Sheet, error) { return b.Check(a.query) }, (*view).check},
}

// everyView is what each of them takes.
var everyView = append([]string{"basis", "unit", "lang"}, clocks...)

// takenByViews is what some of them takes, and line for who is led to another one's statement.
func takenByViews() []string {
	out := append([]string{"line"}, everyView...)
	for i := range yearViews {
		out = append(out, yearViews[i].takes...)
	}
	return out
}

func ofTable(name string) func(*projections.Book, *ask) (*sheet.Sheet, error) {
	return func(b *projections.Book, a *ask) (*sheet.Sheet, error) { return b.Table(name, a.query) }
}

// Tabs are the views of a year, for the links beside each other.
func (v *view) Tabs() []string {
	out := []string{"", "charts"}
	for i := range yearViews {
		out = append(out, yearViews[i].name)
	}
	return append(out, "reconciliation")
}

// newestShown is how many payments, and postings of a statement, a page draws. Files have all.
const newestShown = 500

// yearView shows one of the other views of a year.
func (v *view) yearView(b *projections.Book, a *ask) error {
	name := v.r.PathValue("view")
	if name == "lines" && a.line != "" { // chosen in a form, which can not put it into a path
		v.see = v.To(v.YearPath(v.Year, "lines/"+string(a.line)))
		return nil
	}
	i := slices.IndexFunc(yearViews, func(y yearView) bool { return y.name == name })
	if i < 0 {
		return fault{choice("view", clip(name), v.Tabs()[1:]), http.StatusNotFound}
	}
	view := &yearViews[i]
	if err := v.taken(slices.Concat(everyView, view.takes)); err != nil {
		return err
	}
	y, err := v.in(b)
	if err != nil {
		return err
	}
	v.Tab = name
	if a.payee != "" { // which is easier to ask for than where
		a.query.Where = append(a.query.Where, projections.Condition{Dim: history.ByPayee, Value: a.payee})
	}
	if len(a.query.Where) > 0 || a.query.By != "" {
		if err := b.Known(a.query); err != nil {
			return a.ofDimension(err)
		}
	}
	if err := v.controls(b, y, view.takes); err != nil {
		return err
	}
	a.query.Newest = newestShown
	s, err := view.make(b, a)
	if err == nil && view.shape != nil {
		err = view.shape(v, b, a, s)
	}
	if err == nil && slices.Contains(oneByOne, name) {
		first(s, newestShown)
	}
	return v.sheetPage(s, err)
}

// oneByOne are the views whose rows are not those of lines, so that there can be any number of them.
var oneByOne = []string{"exceptions", "ageing", "transit"}

// first leaves so many rows of each table, and says so on the face. How many there are is not counted: that would take as long as to draw them.
func first(s *sheet.Sheet, most int) {
	cut := false
	for i, t := range s.Tables {
		shown, more := make([]sheet.Row, 0, most), false
		for row := range t.Rows {
			if more = len(shown) == most; more {
				break
			}
			shown = append(shown, row)
		}
		if more {
			part := *t
			part.Rows = sheet.Rows(shown...)
			s.Tables[i], cut = &part, true
		}
	}
	if cut {
		s.Face = append(s.Face, sheet.Say("face.first", sheet.Member{Name: "n", Value: sheet.Number(most)}))
	}
}

// exceptions adds to what is open how to explain it, and what has been explained.
func (v *view) exceptions(b *projections.Book, _ *ask, s *sheet.Sheet) error {
	if t := s.Tables[0]; v.Writes() {
		open := *t
		open.Columns = append(slices.Clone(t.Columns), sheet.Column{Name: "act"})
		open.Rows = func(yield func(sheet.Row) bool) {
			for row := range t.Rows {
				row.Cells = append(slices.Clone(row.Cells), sheet.Say("act.explain"))
				if !yield(row) {
					return
				}
			}
		}
		s.Tables = append([]*sheet.Table{&open}, s.Tables[1:]...)
	}
	var rows []sheet.Row
	h := b.History()
	for _, x := range h.Explanations() {
		if x.Year != v.Year {
			continue
		}
		e, err := h.Stored(x.Seq)
		if err != nil {
			return err
		}
		of := sheet.Cell{}
		if x.Of != 0 {
			of = sheet.Number(x.Of)
		}
		rows = append(rows, sheet.Row{Depth: 1, Cells: []sheet.Cell{
			sheet.Number(x.Seq), of, sheet.Term("flag", string(x.Flag)), sheet.Words(string(x.Line)), sheet.Term("measure", string(x.Measure)),
			sheet.Words(e.Command.Text), sheet.Words(e.Time.UTC().Format(events.TimeForm)),
		}})
	}
	s.Tables = append(s.Tables, &sheet.Table{Name: "explained", Columns: sheet.Columns("|", "seq", "of", "|", "code", "line", "measure", "text", "recorded_at"), Rows: sheet.Rows(rows...)})
	return nil
}

// explain is where an open exception can be explained: a line's by the line, so that it stays explained at its present depth, and any other by its event.
func (v *view) explain(t *sheet.Table, row sheet.Row) string {
	text := func(name string) string { return row.Cells[t.Column(name)].Text() }
	set := []string{"known_at", "", "unit", "", "year", v.Year.String()}
	if code := text("code"); code != string(events.OverBudget) {
		set = append(set, "of", events.Seq(row.Cells[t.Column("seq")].Int()).String(), "flag", code)
	} else {
		set = append(set, "line", text("line"), "measure", "available")
	}
	return v.To(v.FundPath("post/explained"), set...)
}

// figures adds the terms of each figure, for people.
func (v *view) figures(_ *projections.Book, _ *ask, s *sheet.Sheet) error {
	shown := *s.Tables[0]
	shown.Text = slices.Clone(shown.Text)
	if at := slices.Index(shown.Text, "events"); at >= 0 {
		shown.Text = slices.Insert(shown.Text, at, "terms")
	}
	at := shown.Column("terms")
	rows := shown.Rows
	shown.Rows = func(yield func(sheet.Row) bool) {
		for row := range rows {
			if terms := row.Cells[at].Members(); len(terms) > 0 {
				row.Cells = slices.Clone(row.Cells)
				var said []sheet.Cell
				for _, m := range terms {
					said = append(said, sheet.Say("term", sheet.Member{Name: "name", Value: sheet.Term("column", m.Name)}, sheet.Member{Name: "value", Value: m.Value}))
				}
				row.Cells[at] = sheet.Listed(said...)
			}
			if !yield(row) {
				return
			}
		}
	}
	s.Tables = append([]*sheet.Table{&shown}, s.Tables[1:]...)
	return nil
}

// A checkPage is what the page of contradictions has beside their table.
type checkPage struct {
	// Classes counts those of each class, the gravest first.
	Classes []classCount
	Head    template.HTML
	// Wrong are the statements that contradict themselves, as a table: whoever opens the page must not miss them. All is all that does not agree.
	Wrong, All template.HTML
}

type classCount struct {
	Class string
	N     int
}

// check sets apart what contradicts itself.
func (v *view) check(_ *projections.Book, _ *ask, s *sheet.Sheet) error {
	t := s.Tables[0]
	main := &checkPage{}
	class := t.Column("class")
	var wrong []sheet.Row
	count := map[string]int{}
	for row := range t.Rows {
		of := row.Cells[class].Text()
		if count[of]++; of == string(figures.Wrong) {
			wrong = append(wrong, row)
		}
	}
	for _, c := range []figures.Class{figures.Wrong, figures.Breach, figures.Unexplained, figures.Rounding} {
		main.Classes = append(main.Classes, classCount{string(c), count[string(c)]})
	}
	first(s, newestShown)
	for i, f := range s.Face {
		if f.Kind == sheet.Saying && f.Text() == "face.check-nothing" { // which leads to the manual of the program
			s.Face[i] = sheet.Words(v.Say("check.nothing"))
		}
	}
	var err error
	if len(wrong) > 0 {
		apart := *s
		apart.Tables = []*sheet.Table{{Name: "wrong", Columns: t.Columns, Text: []string{"words", "stated", "computed", "difference", "unit", "events"}, Rows: sheet.Rows(wrong...)}}
		if main.Wrong, err = v.showTable(&apart, 0); err != nil {
			return err
		}
	}
	if main.Head, err = v.showHead(s); err != nil {
		return err
	}
	v.Main, v.Template = main, "check"
	main.All, err = v.showTable(s, 0)
	return err
}

// statement shows the statement of a line.
func (v *view) statement(b *projections.Book, a *ask) error {
	y, err := v.in(b)
	if err != nil {
		return err
	}
	a.query.Newest = newestShown
	s, err := b.Statement(a.query, a.line, a.from)
	if err != nil {
		return notThere("from", err)
	}
	v.Main = v.linesAbout(y, a.line)
	return v.sheetPage(s, nil)
}

// A lineChoice is a line that somebody can go on to.
type lineChoice struct {
	Code  events.Line
	Name  string
	Depth int
	Href  string
	Here  bool
}

// A linesAround is how somebody goes on from a line: to the table, up, on, and to any other.
type linesAround struct {
	Table              string
	Up, Before, After  *lineChoice
	Below, All         []lineChoice
	Action, From, Line string
}

func (v *view) linesAbout(y *history.Year, line events.Line) *linesAround {
	all := y.Lines()
	out := &linesAround{Table: v.To(v.YearPath(v.Year, "")) + "#line-" + string(line), Action: v.YearPath(v.Year, "lines"), From: v.a.from.String()}
	choice := func(l *history.Line) lineChoice {
		name := v.either(l.Name, l.NameEn)
		if l.Code == events.Root {
			name = v.Word("row.total")
		}
		return lineChoice{l.Code, sheet.Shown(name), l.Depth, v.To(v.YearPath(v.Year, "lines/"+string(l.Code))), l.Code == line}
	}
	at := slices.IndexFunc(all, func(l history.Line) bool { return l.Code == line })
	var beside []int
	for i := range all {
		l := &all[i]
		out.All = append(out.All, choice(l))
		switch {
		case l.Code == line || line == events.Root && l.Parent != line:
		case l.Code == all[at].Parent:
			up := choice(l)
			out.Up = &up
		case l.Parent == line && len(out.Below) < 20:
			out.Below = append(out.Below, choice(l))
		}
		if line != events.Root && l.Code != events.Root && l.Parent == all[at].Parent {
			beside = append(beside, i)
		}
	}
	if here := slices.Index(beside, at); here >= 0 {
		if here > 0 {
			before := choice(&all[beside[here-1]])
			out.Before = &before
		}
		if here+1 < len(beside) {
			after := choice(&all[beside[here+1]])
			out.After = &after
		}
	}
	return out
}

// payeesShown is how many payees of each currency the page has where nobody says.
const payeesShown = 500

// followedMost is how many events a log may have for a page that is made by reading all of it to be made again at each event.
const followedMost = 20_000

// payeesPage shows what each payee got.
func (s *site) payeesPage(v *view) error {
	if err := v.ask([]string{"fund", "payee", "limit", "as_of", "known_at"}); err != nil {
		return err
	}
	v.Template = "table"
	cuts, tag, err := s.payeeCuts(v.r, v.a, v.shown()...)
	if err != nil {
		return err
	}
	var all events.Seq
	for _, c := range cuts {
		all += c.at.Seq
	}
	if !v.Fixed && all <= followedMost {
		v.Live = everyFund
	}
	v.tag = tag
	if v.same = has(v.r, tag); v.same {
		return nil
	}
	for _, c := range cuts {
		err := s.books.Read(v.r.Context(), c.fund, 0, projections.MomentOf(c.at.Seq), func(_ live.Cut, b *projections.Book) error {
			v.zoned(b)
			return nil
		})
		if err != nil {
			return err
		}
	}
	v.a.limit = cmp.Or(v.a.limit, payeesShown)
	v.payeeControls()
	made, err := s.payeeSheet(v.r.Context(), v.a, cuts)
	if err != nil {
		return err
	}
	v.currency = made.Currency
	return v.sheetPage(made, nil)
}

// comparedUsually is how many events back a comparison begins where nobody says.
const comparedUsually = 20

// diff shows what became known between two moments.
func (v *view) diff(b *projections.Book, a *ask) error {
	if a.begun == "" {
		a.begun, a.from = "from", projections.MomentOf(max(1, b.Last()-min(b.Last()-1, comparedUsually)))
	}
	if a.from.After(a.known) && !a.known.IsZero() {
		return a.backwards()
	}
	v.diffControls(b)
	s, err := b.Diff(a.query, a.from)
	if err != nil {
		return notThere("from", err)
	}
	return v.sheetPage(s, nil)
}
