package web

import (
	"cmp"
	"errors"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/bank"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"github.com/danielgtaylor/huma/v2"
)

// A question is one that has a sheet for an answer.
type question struct {
	id, path, summary string
	// table is the name by which [projections.Narrowed] and [projections.Divided] know it; "" where the path has it.
	table string
	// takes lists its parameters beside those that every question has.
	takes []string
	make  func(*projections.Book, *ask) (*sheet.Sheet, error)
}

// ofYear begins the paths of what is asked of a year.
const ofYear = "/v1/funds/{fund}/years/{year}/"

var questions = []question{
	{"table", ofYear + "tables/{name}", "A table of a year", "", []string{"known_at", "denominator", "threshold", "month", "after_close", "explain"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		switch a.name {
		case "progress":
			return b.Progress(a.query, a.threshold)
		case "monthly":
			return b.Monthly(a.query, a.month, a.afterClose)
		}
		s, err := b.Table(a.name, a.query)
		if err == nil && len(a.places) > 0 {
			err = b.Explain(s, a.query, a.places)
		}
		return s, err
	}},
	{"series", ofYear + "series", "What moved of a line in each period of a year", "series", []string{"known_at", "denominator", "line", "measure", "step"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Series(a.query, progress.Subject{Line: a.line, Measure: a.measure, Step: a.step})
	}},
	{"statement", ofYear + "lines/{line}/statement", "The statement of a line", "statement", []string{"known_at", "from"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Statement(a.query, a.line, a.from)
	}},
	{"figures", ofYear + "figures", "The report's figures, with formula, terms and events", "report", []string{"known_at", "denominator"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Report(a.query)
	}},
	{"check", ofYear + "check", "What is stated against what is recomputed: every contradiction", "check", []string{"known_at"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		return b.Check(a.query)
	}},
	{"reconciliation", ofYear + "reconciliation", "The ledger held against the bank's statements of a month, or of the year", "reconciliation", []string{"known_at", "month", "account", "window"}, reconciliation},
	{"diff", "/v1/funds/{fund}/diff", "What became known between two moments", "diff", []string{"from", "since", "to", "year", "denominator"}, func(b *projections.Book, a *ask) (*sheet.Sheet, error) {
		if err := a.seen(b); err != nil {
			return nil, err
		}
		return b.Diff(a.query, a.from)
	}},
}

// reconciliation answers for a month of the year, or all of it.
func reconciliation(b *projections.Book, a *ask) (*sheet.Sheet, error) {
	found, err := reconciled(b, a)
	if err != nil {
		return nil, err
	}
	return found.Sheet(b.History(), a.query.Root, "")
}

func reconciled(b *projections.Book, a *ask) (*bank.Reconciliation, error) {
	y, err := b.History().Year(a.query.Year)
	if err != nil {
		return nil, err
	}
	q := bank.Query{From: y.From, To: y.To, Account: a.account, Window: a.window}
	if m := a.month; !m.IsZero() {
		if m.Last() < y.From || m.First() > y.To {
			return nil, &events.Error{Code: events.BadValue, Why: "month-outside", Args: events.Args{
				"field": "month", "value": m.String(), "from": y.From.String(), "to": y.To.String(), "year": a.query.Year.String(),
			}}
		}
		q.From, q.To = m.First(), m.Last()
	}
	found, err := b.Reconciliation(q)
	if err != nil {
		return nil, err
	}
	if there := found.Accounts(); a.account != "" && !slices.Contains(there, a.account) {
		return nil, choice("account", clip(a.account), there)
	}
	return found, nil
}

// What every question can be asked with.
var (
	printing = []string{"unit", "format", "lang"}
	ofFunds  = append([]string{"as_of", "known_at"}, printing...)
	counting = []string{"as_of", "basis", "by", "where", "wait"}
	ofBank   = []string{"reconciliation"}
)

// params lists the parameters of a question about a table, "" for those that some table takes.
func (q *question) params(table string) []string {
	counting := counting
	if q.id == "reconciliation" { // of days, and of money whatever its basis
		counting = []string{"wait"}
	}
	return slices.DeleteFunc(slices.Concat(q.takes, counting, printing), func(name string) bool {
		only := params[name].only
		return only != nil && table != "" && !slices.Contains(only, table)
	})
}

// An ask is a question as somebody asks it.
type ask struct {
	fund  events.Fund
	name  string
	line  events.Line
	query projections.Query
	known projections.Moment
	from  projections.Moment
	begun string // the parameter that from came by: from, or since

	places []projections.Place
	number events.Seq // of one event
	funds  []events.Fund
	payee  string

	measure   events.Measure
	step      progress.Step
	threshold progress.Threshold
	behind    string // how that was written

	month      events.Date
	afterClose bool
	account    string
	window     int

	wait   events.Seq
	after  events.Seq
	limit  int
	format string
	unit   sheet.Unit
	lang   words.Language
}

// How many events one answer can have, and has where nobody says.
const (
	eventsMost  = 10_000
	eventsUsual = 1000
)

// A param is what a parameter means.
type param struct {
	doc     string
	example string
	choices []string
	several bool
	only    []string // the tables that take it; nil is all
	set     func(*ask, string) error
}

var params = map[string]param{
	"as_of": {doc: "count what counts up to this business date", example: "2022-06-30", set: func(a *ask, s string) error {
		day, err := events.ParseDay(s)
		a.query.AsOf = &day
		return err
	}},
	"known_at": {doc: "as known at this number, date (its end) or RFC 3339 time", example: "47", set: func(a *ask, s string) (err error) {
		a.known, err = projections.ParseMoment(s)
		return err
	}},
	"to": {doc: "up to this number, date (its end) or RFC 3339 time; left out, what is known now", example: "60", set: func(a *ask, s string) (err error) {
		a.known, err = projections.ParseMoment(s)
		return err
	}},
	"from": {doc: "a number, date or RFC 3339 time: of a statement the first event, of a diff what is compared with", example: "40", set: func(a *ask, s string) (err error) {
		if a.begun != "" {
			return a.twice("from")
		}
		a.begun = "from"
		a.from, err = projections.ParseMoment(s)
		return err
	}},
	"since": {doc: "instead of from: what a table has told of the log, as NUMBER:ROOT; it is held against the log", example: "40:mCXZUdr0dY3vGwJpOaGFbz9sKGIUAeHqTBmtUDXvvD8=", set: func(a *ask, s string) (err error) {
		if a.begun != "" {
			return a.twice("since")
		}
		a.begun = "since"
		if a.from, err = projections.ParseSeen(s); err == nil && a.from.Root() != nil && a.from.Seq() == 0 { // every root there was would have to be looked at
			err = &events.Error{Code: events.BadValue, Why: "root-alone", Args: events.Args{"value": s}}
		}
		return err
	}},
	"explain": {doc: "add what a cell is made of, LINE=MEASURE; several: each of them", example: "1.4=spent", several: true, only: projections.Explained, set: func(a *ask, s string) error {
		at, err := projections.ParsePlace(s)
		a.places = append(a.places, at)
		return err
	}},
	"fund": {doc: "only this fund; several: each of them", example: "cd-gx", several: true, set: func(a *ask, s string) error {
		fund, err := events.ParseFund(s)
		if !slices.Contains(a.funds, fund) {
			a.funds = append(a.funds, fund)
		}
		return err
	}},
	"payee": {doc: "one payee, by id, name or reference: its share in each year of each fund", example: "湖南德山酒业营销有限公司", set: func(a *ask, s string) error {
		a.payee = s
		return nil
	}},
	"year": {doc: "the fiscal year; left out, all of them", example: "2022", set: func(a *ask, s string) (err error) {
		a.query.Year, err = events.ParseYear(s)
		return err
	}},
	"basis": {doc: "count only what is known in this way", choices: plain(events.Bases), set: func(a *ask, s string) error {
		a.query.Basis = events.Basis(s)
		return nil
	}},
	"denominator": {doc: "what rates are over; adjusted where it is left out", choices: plain(history.Denominators), set: func(a *ask, s string) error {
		a.query.Denominator = history.Denominator(s)
		return nil
	}},
	"by": {doc: "divide by a dimension: payee, method, channel, basis or one of the events' dims (" + strings.Join(projections.Divided, ", ") + ")", example: "channel", only: projections.Divided, set: func(a *ask, s string) error {
		a.query.By = s
		return nil
	}},
	"where": {doc: "count only what has this value, DIM=VALUE; several: all of them", example: "channel=payment", several: true, only: projections.Narrowed, set: func(a *ask, s string) error {
		dim, value, ok := strings.Cut(s, "=")
		if !ok || dim == "" {
			return &events.Error{Code: events.BadValue, Why: "where-form", Args: events.Args{"value": s}}
		}
		a.query.Where = append(a.query.Where, projections.Condition{Dim: dim, Value: value})
		return nil
	}},
	"account": {doc: "only the statements of this account of the fund's own", example: "43001", only: ofBank, set: func(a *ask, s string) error {
		a.account = s
		return nil
	}},
	"window": {doc: "how many days after an order the bank may carry it out (" + strconv.Itoa(bank.UsualWindow) + ")", example: "5", only: ofBank, set: func(a *ask, s string) (err error) {
		if a.window, err = strconv.Atoi(s); err != nil || a.window < 0 || a.window > bank.MaxWindow {
			return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"value": s, "choices": "0 … " + strconv.Itoa(bank.MaxWindow)}}
		}
		return nil
	}},
	"line": {doc: "a code; 0 is the whole of the fund", example: "1.1", set: func(a *ask, s string) (err error) {
		a.line, err = events.ParseLine(s)
		return err
	}},
	"measure": {doc: "what to follow; spent where it is left out", choices: plain(progress.Measured), set: func(a *ask, s string) error {
		a.measure = events.Measure(s)
		return nil
	}},
	"step": {doc: "the periods; month where it is left out", choices: plain(progress.Steps), set: func(a *ask, s string) error {
		a.step = progress.Step(s)
		return nil
	}},
	"threshold": {doc: "from how many percentage points behind time a line is slow (10)", example: "10", only: []string{"progress"}, set: func(a *ask, s string) (err error) {
		a.threshold, err = progress.ParseThreshold(s)
		a.behind = s
		return err
	}},
	"month": {doc: "the month of the table; left out, the last one that is closed, or else the one that is going on; of the reconciliation all of the year", example: "2022-04", only: []string{"monthly", "reconciliation"}, set: func(a *ask, s string) (err error) {
		a.month, err = events.ParseMonth(s)
		return err
	}},
	"after_close": {doc: "add what has come into the month and those before it since it was closed", choices: []string{"true", "false"}, only: []string{"monthly"}, set: func(a *ask, s string) error {
		a.afterClose = s == "true"
		return nil
	}},
	"wait": {doc: "answer once the event of this number is in: a receipt's seq", example: "17", set: func(a *ask, s string) (err error) {
		a.wait, err = events.ParseSeq(s)
		return err
	}},
	"after": {doc: "the events after this number; 0 and left out: from the first", example: "1000", set: func(a *ask, s string) (err error) {
		if s != "0" {
			a.after, err = events.ParseSeq(s)
		}
		return err
	}},
	"limit": {doc: "at most so many: of events 1000 where it is left out, and Link has the next ones; of the payees of each currency all, the largest first", example: "100", set: func(a *ask, s string) (err error) {
		if a.limit, err = strconv.Atoi(s); err != nil || a.limit < 1 || a.limit > eventsMost {
			return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"value": s, "choices": "1 … " + strconv.Itoa(eventsMost)}}
		}
		return nil
	}},
	"unit": {doc: "of the amounts in csv, md and text; those in JSON are always in the currency's unit", choices: plain(sheet.Units), set: func(a *ask, s string) error {
		a.unit = sheet.Unit(s)
		return nil
	}},
	"format": {doc: "instead of the header Accept; json where neither says", choices: sheet.Formats, set: func(a *ask, s string) error {
		a.format = s
		return nil
	}},
	"lang": {doc: "instead of the header Accept-Language", choices: plain(words.Languages), set: func(a *ask, s string) error {
		a.lang = words.Language(s)
		return nil
	}},
}

func plain[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// read reads a request for a question.
func (q *question) read(r *http.Request, lang words.Language) (*ask, error) {
	name := cmp.Or(q.table, r.PathValue("name"))
	if q.table == "" && !slices.Contains(projections.Tables, name) {
		return nil, fault{choice("table", name, projections.Tables), http.StatusNotFound}
	}
	a, err := read(r, lang, q.params(name))
	if err != nil {
		return nil, err
	}
	for needs, lacks := range map[string]bool{"from": q.id == "diff" && a.begun == "", "line": q.id == "series" && a.line == ""} {
		if lacks {
			return nil, &events.Error{Code: events.MissingField, Args: events.Args{"kind": q.id, "field": needs}}
		}
	}
	if q.id == "diff" && a.from.After(a.known) {
		return nil, a.backwards()
	}
	if len(a.places) > 0 && (a.query.By != "" || a.format == "csv") {
		why := "place-divided"
		if a.query.By == "" {
			why = "place-csv"
		}
		return nil, &events.Error{Code: events.BadValue, Why: why, Args: events.Args{"field": "explain", "value": a.explained()}}
	}
	return a, nil
}

// explained is the cells that are to be explained, as they were asked for.
func (a *ask) explained() string {
	out := make([]string, len(a.places))
	for i, at := range a.places {
		out[i] = at.String()
	}
	return strings.Join(out, " ")
}

// twice says that a comparison begins with two things.
func (a *ask) twice(name string) error {
	return &events.Error{Code: events.BadValue, Why: "one-of", Args: events.Args{"field": name, "other": a.begun}}
}

// seen holds what was seen against the log: it must begin with that.
func (a *ask) seen(b *projections.Book) error {
	root := a.from.Root()
	if root == nil {
		return nil
	}
	args := events.Args{"fund": string(a.fund), "seq": a.from.Seq().String(), "value": root.String(), "last": b.Last().String()}
	switch {
	case a.from.Seq() <= b.Last():
		found, err := b.At(a.from.Seq()).Root()
		if err != nil || found == root.String() {
			return err
		}
		args["found"] = found
		return &events.Error{Code: events.Tampered, Why: "not-seen", Args: args}
	case !a.known.IsZero(): // the log may well go on
		return a.backwards()
	}
	return &events.Error{Code: events.Tampered, Why: "shorter-than-seen", Args: args}
}

// read reads what a request asks, with the parameters that it may have. One that nobody knows is refused: misspelt, it would be taken for the whole.
func read(r *http.Request, lang words.Language, takes []string) (a *ask, err error) {
	a = &ask{name: r.PathValue("name"), measure: events.SpentM, step: progress.ByMonth, threshold: progress.UsualThreshold, window: bank.UsualWindow, lang: lang, unit: sheet.Yuan}
	for _, part := range []struct {
		name string
		set  func(string) error
	}{
		{"fund", func(s string) (err error) { a.fund, err = events.ParseFund(s); return err }},
		{"year", func(s string) (err error) { a.query.Year, err = events.ParseYear(s); return err }},
		{"line", func(s string) (err error) { a.line, err = events.ParseLine(s); return err }},
		{"n", func(s string) (err error) { a.number, err = events.ParseSeq(s); return err }},
	} {
		if s := r.PathValue(part.name); s != "" {
			if err := part.set(s); err != nil {
				return nil, fault{ofField(part.name, err), http.StatusNotFound}
			}
		}
	}
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		p, known := params[name]
		switch {
		case !known || !slices.Contains(takes, name):
			fields := slices.Sorted(slices.Values(takes))
			return nil, &events.Error{Code: events.UnknownField, Args: events.Args{"field": clip(name), "value": clip(strings.Join(values, " ")), "fields": strings.Join(fields, " ")}}
		case len(values) > 1 && !p.several:
			return nil, &events.Error{Code: events.BadValue, Why: "once", Args: events.Args{"field": name, "value": clip(strings.Join(values, " "))}}
		}
		for _, v := range values {
			if p.choices != nil && !slices.Contains(p.choices, v) {
				return nil, choice(name, clip(v), p.choices)
			}
			if err := p.set(a, v); err != nil {
				return nil, ofField(name, err)
			}
		}
	}
	if a.format == "" {
		a.format = accepted(r)
	}
	return a, nil
}

func choice(field, value string, choices []string) error {
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": field, "value": value, "choices": strings.Join(choices, " ")}}
}

// ofField makes the fault of a value one of the parameter that it was given by.
func ofField(name string, err error) error {
	var e *events.Error
	if errors.As(err, &e) {
		return e.With("field", name).With("value", clip(e.Args["value"]))
	}
	return err
}

func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return strings.ToValidUTF8(s, "�")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// answer makes the sheet, or says what was asked for and is not there.
func (q *question) answer(b *projections.Book, a *ask) (*sheet.Sheet, error) {
	if len(a.query.Where) > 0 || a.query.By != "" {
		if err := b.Known(a.query); err != nil {
			return nil, a.ofDimension(err)
		}
	}
	s, err := q.make(b, a)
	if _, at := unknownMoment(err); at && q.id == "diff" && !a.known.IsZero() {
		return nil, a.backwards()
	}
	return s, notThere(cmp.Or(a.begun, "from"), err) // that of known_at was found before
}

// unknownMoment returns an error that says that nothing is known at a moment.
func unknownMoment(err error) (e *events.Error, is bool) {
	return e, errors.As(err, &e) && e.Code == events.BadValue && e.Args["field"] == "known_at"
}

// notThere says by which parameter a moment was asked for at which nothing is known: a number beyond the end, or a time before anything was recorded.
func notThere(name string, err error) error {
	e, is := unknownMoment(err)
	if !is {
		return err
	}
	e = e.With("field", name)
	if _, err := events.ParseSeq(e.Args["value"]); err != nil {
		delete(e.Args, "last")
	} else if name == "from" || name == "since" { // which not every question can do without
		e.Why = "beyond-end"
	}
	return e
}

func (a *ask) backwards() error {
	return &events.Error{Code: events.BadValue, Why: "backwards", Args: events.Args{"field": a.begun, "value": a.from.String(), "to": a.known.String()}}
}

// ofDimension says by which parameter something was asked for that there is not.
func (a *ask) ofDimension(err error) error {
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.BadValue {
		return err
	}
	if e.Args["field"] == "dimension" && e.Args["value"] == a.query.By {
		return e.With("field", "by")
	}
	return e.With("field", "where")
}

// knownBy is the parameter that says what is known.
func (q *question) knownBy() string {
	if q.id == "diff" {
		return "to"
	}
	return "known_at"
}

// normal is what was asked, the same for the same question however it was put.
func (a *ask) normal(q *question) []string {
	day := ""
	if a.query.AsOf != nil {
		day = a.query.AsOf.String()
	}
	unit := a.unit
	if a.format == "json" {
		unit = sheet.Yuan
	}
	out := []string{
		q.id, string(a.fund), a.query.Year.String(), a.name, string(a.line), day, string(a.query.Basis), string(cmp.Or(a.query.Denominator, history.OverAdjusted)),
		a.query.By, a.from.String(), string(a.measure), string(a.step), a.behind, a.month.String(), strconv.FormatBool(a.afterClose), a.account, strconv.Itoa(a.window), a.explained(), a.format, string(unit), string(a.lang),
	}
	for _, c := range a.query.Where {
		out = append(out, c.Dim, c.Value)
	}
	return out
}

// contentTypes are those of the formats.
var contentTypes = map[string]string{
	"json": asJSON, "csv": "text/csv; charset=utf-8; header=present", "md": "text/markdown; charset=utf-8", "text": "text/plain; charset=utf-8",
	"html": "text/html; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// printed is the formats, the one first that is answered where none is asked for.
var printed = []string{"json", "csv", "md", "text", "html", "xlsx"}

func typesOf(formats []string) []string {
	out := make([]string, len(formats))
	for i, f := range formats {
		out[i], _, _ = strings.Cut(contentTypes[f], ";")
	}
	return out
}

// accepted is the format that the header Accept likes best; JSON where it likes none.
func accepted(r *http.Request) string {
	best, most := printed[0], 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, args, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		likes := 1.0
		if q, err := strconv.ParseFloat(args["q"], 64); err == nil {
			likes = q
		}
		at := slices.Index(typesOf(printed), media)
		if at < 0 && (media == "*/*" || media == "application/*") {
			at = 0
		}
		if at >= 0 && likes > most {
			best, most = printed[at], likes
		}
	}
	return best
}

// operation describes an operation: the parts of its path, its parameters, and the types of its answer.
func (s *site) operation(id, path, summary string, takes, types []string) huma.Operation {
	op := huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary}
	for _, part := range []struct {
		name string
		param
	}{
		{"fund", param{doc: "the fund", example: "cd-gx"}},
		{"year", param{doc: "the fiscal year", example: "2022"}},
		{"line", param{doc: "a code; 0 is the whole of the fund", example: "1.1"}},
		{"name", param{doc: "which table", choices: projections.Tables}},
		{"n", param{doc: "the number of an event", example: "23"}},
	} {
		if strings.Contains(path, "{"+part.name+"}") {
			op.Parameters = append(op.Parameters, part.describe(part.name, "path"))
		}
	}
	for _, name := range slices.Sorted(slices.Values(takes)) {
		p := params[name]
		op.Parameters = append(op.Parameters, p.describe(name, "query"))
	}
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		if t == asJSON {
			content[t].Schema.Type = huma.TypeObject
			content[t].Schema.AdditionalProperties = true
		}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "the answer", Content: content}}
	if tagged := id != "fund" && id != "rebuild"; tagged {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "If-None-Match", In: "header", Description: "an ETag: 304 where the answer would be the same", Schema: &huma.Schema{Type: huma.TypeString}})
		op.Responses["200"].Headers = map[string]*huma.Param{"ETag": {Schema: &huma.Schema{Type: huma.TypeString}, Description: "the same as long as the answer has the same bytes"}}
		op.Responses["304"] = &huma.Response{Description: "the asker has the answer already"}
	}
	return op
}

func (p *param) describe(name, in string) *huma.Param {
	schema := &huma.Schema{Type: huma.TypeString}
	for _, c := range p.choices {
		schema.Enum = append(schema.Enum, c)
	}
	if p.several {
		schema = &huma.Schema{Type: huma.TypeArray, Items: schema}
	}
	out := &huma.Param{Name: name, In: in, Required: in == "path", Description: p.doc, Schema: schema}
	if p.example != "" && !p.several {
		out.Example = p.example
	}
	return out
}
