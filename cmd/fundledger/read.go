package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A question is what every command that prints a table is asked with.
type question struct {
	fund, year, asOf, knownAt, basis, denominator, by, unit, format, out string
	where                                                                []string
	wait                                                                 uint64
	since                                                                *projections.Moment // as parsed has it

	// everyYear lets the year be left out; knownFlag is the flag that knownAt came by.
	everyYear bool
	knownFlag string
}

func (a *app) questionFlags(c *cobra.Command, q *question) {
	a.yearFlags(c, q)
	a.printFlags(c, q)
	f := c.Flags()
	f.StringVar(&q.knownAt, "known-at", "", a.say("flag.known-at", nil))
	f.Uint64Var(&q.wait, "wait", 0, a.say("flag.wait", nil))
	a.complete(c)
}

// yearFlags say which year is asked for, and which of its postings count.
func (a *app) yearFlags(c *cobra.Command, q *question) {
	f := c.Flags()
	f.StringVar(&q.fund, "fund", "", a.say("flag.one-fund", nil))
	year := a.say("flag.one-year", nil)
	if q.everyYear {
		year = a.say("flag.year", nil)
	}
	f.StringVar(&q.year, "year", "", year)
	f.StringVar(&q.asOf, "as-of", "", a.say("flag.as-of", nil))
	f.StringVar(&q.basis, "basis", "", a.say("flag.basis", nil))
}

// whereFlag narrows by dimensions.
func (a *app) whereFlag(c *cobra.Command, q *question) {
	c.Flags().StringArrayVar(&q.where, "where", nil, a.say("flag.where", nil))
}

// byFlag divides by a dimension.
func (a *app) byFlag(c *cobra.Command, q *question) {
	c.Flags().StringVar(&q.by, "by", "", a.say("flag.by", nil))
}

// printFlags say how a sheet is printed.
func (a *app) printFlags(c *cobra.Command, q *question) {
	f := c.Flags()
	f.StringVar(&q.unit, "unit", string(sheet.Yuan), a.say("flag.unit", nil))
	f.StringVar(&q.format, "format", "text", a.say("flag.format", nil))
	f.StringVar(&q.out, "out", "", a.say("flag.out", nil))
}

// complete lets a shell complete the choices of the flags that a command has.
func (a *app) complete(c *cobra.Command) {
	f := c.Flags()
	for name, values := range map[string][]string{
		"basis": plain(events.Bases), "unit": plain(sheet.Units), "format": sheet.Formats, "denominator": plain(history.Denominators),
		"measure": plain(progress.Measured), "step": plain(progress.Steps),
	} {
		if f.Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

func plain[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// A parsed question.
type parsed struct {
	fund    events.Fund
	query   projections.Query
	knownAt projections.Moment
	flag    string // that knownAt came by
	// since is a moment to be held against the log where it is a checkpoint, and to be found in it where that is a root alone; nil for none.
	since *projections.Moment
	// see is shown every event of the log in its order, those after the moment too; nil where nobody looks.
	see func(record)
}

// parse reads a question whose fund is settled.
func (a *app) parse(q question) (p parsed, err error) {
	if p.fund, err = events.ParseFund(q.fund); err != nil {
		return p, a.flagError("fund", err)
	}
	if q.year != "" {
		if p.query.Year, err = events.ParseYear(q.year); err != nil {
			return p, a.flagError("year", err)
		}
	}
	if q.asOf != "" {
		day, err := events.ParseDay(q.asOf)
		if err != nil {
			return p, a.flagError("as-of", err)
		}
		p.query.AsOf = &day
	}
	p.flag = cmp.Or(q.knownFlag, "known-at")
	if p.knownAt, err = a.seen(p.flag, q.knownAt); err != nil {
		return p, err
	}
	if p.knownAt.Root() != nil && p.knownAt.Seq() == 0 { // where to stop would be known too late
		return p, usageError{&events.Error{Code: events.BadValue, Why: "root-alone", Args: events.Args{"field": "--" + p.flag}}}
	}
	for _, s := range q.where {
		dim, value, ok := strings.Cut(s, "=")
		if !ok || dim == "" {
			return p, usageError{hinted{a.say("error.where", map[string]string{"value": s}), a.say("error.where-hint", nil)}}
		}
		p.query.Where = append(p.query.Where, projections.Condition{Dim: dim, Value: value})
	}
	p.query.By = q.by
	p.query.Basis, p.query.Denominator = events.Basis(q.basis), history.Denominator(q.denominator)
	if err := a.choices(q); err != nil {
		return p, err
	}
	return p, a.showable(q) // before anything is read
}

// choices refuses what is none of the choices of a flag.
func (a *app) choices(q question) error {
	for _, choice := range []struct {
		flag, value string
		of          []string
	}{
		{"basis", q.basis, append(plain(events.Bases), "")},
		{"denominator", q.denominator, append(plain(history.Denominators), "")},
		{"unit", q.unit, plain(sheet.Units)},
		{"format", q.format, sheet.Formats},
	} {
		if !slices.Contains(choice.of, choice.value) {
			return a.badFlag(choice.flag, choice.value, strings.TrimSpace(strings.Join(choice.of, " ")))
		}
	}
	return nil
}

// answer reads the fund's log, makes the sheet that was asked for and prints it. Nothing is printed from a log that does not check out.
func (a *app) answer(ctx context.Context, q question, make func(*projections.Book, projections.Query) (*sheet.Sheet, error)) error {
	q, err := a.settled(ctx, q)
	if err != nil {
		return err
	}
	p, err := a.parse(q)
	if err != nil {
		return err
	}
	p.since = q.since
	book, root, done, err := a.book(ctx, p, events.Seq(q.wait))
	if err != nil {
		return err
	}
	defer done()
	if p.query.Year == 0 && !q.everyYear {
		if p.query.Year, err = a.yearOf(book.History()); err != nil {
			return err
		}
	}
	p.query.Root = root
	if err := a.known(book, p.query); err != nil {
		return err
	}
	s, err := make(book, p.query)
	if err != nil {
		return err
	}
	return a.print(s, q)
}

// known refuses dimensions that there are not, before anything else takes their refusal for one of its own.
func (a *app) known(book *projections.Book, q projections.Query) error {
	if len(q.Where) == 0 && q.By == "" {
		return nil
	}
	err := book.Known(q)
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.BadValue {
		return err
	}
	if e.Args["field"] != "dimension" {
		return usageError{e}
	}
	return a.noDimension(string(book.History().Fund()), e.Args["value"], strings.Fields(e.Args["choices"]))
}

// noDimension says that nothing has a dimension, and which there are.
func (a *app) noDimension(fund, name string, there []string) error {
	hint := a.say("error.no-dimensions", nil)
	if len(there) > 0 {
		hint = a.say("error.tables", map[string]string{"choices": strings.Join(there, " ")})
	}
	return usageError{hinted{a.say("error.dimension", map[string]string{"fund": fund, "value": name}), hint}}
}

func (a *app) print(s *sheet.Sheet, q question) error {
	if err := a.showable(q); err != nil {
		return err
	}
	return a.written(q.out, func(w io.Writer) error {
		return sheet.Write(w, q.format, s, sheet.Options{Lang: a.lang, Unit: sheet.Unit(q.unit)})
	})
}

// showable refuses to write to a terminal what is no text.
func (a *app) showable(q question) error {
	if f, ok := a.stdout.(*os.File); ok && q.out == "" && slices.Contains(sheet.Binary, q.format) && term.IsTerminal(int(f.Fd())) {
		args := map[string]string{"format": q.format}
		return usageError{hinted{a.say("error.binary", args), a.say("error.binary-hint", args)}}
	}
	return nil
}

// How long and how often --wait looks for an event that is not in yet.
const (
	waitLong  = 60 * time.Second
	waitOften = 50 * time.Millisecond
)

// awaited looks again until event wait is in, and fails where it does not come. look returns the number of the log's last event.
func (a *app) awaited(ctx context.Context, fund events.Fund, wait events.Seq, look func() (events.Seq, error)) error {
	deadline := time.Now().Add(waitLong)
	for {
		last, err := look()
		switch {
		case err != nil && (wait == 0 || events.CodeOf(err) != events.UnknownFund):
			return err
		case last >= wait && err == nil:
			return nil
		case time.Now().After(deadline):
			return &events.Error{Code: events.Unavailable, Why: "not-yet", Args: events.Args{"value": wait.String(), "last": last.String(), "fund": string(fund)}}
		}
		select {
		case <-time.After(waitOften):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// book folds the fund's log, and returns it as known at the moment asked for and the root of the tree over that. With wait it does so once
// that event is in; the folder is let go of meanwhile, since somebody else has to append it. done ends the use of the book, which reads the log again for some
// tables.
func (a *app) book(ctx context.Context, p parsed, wait events.Seq) (book *projections.Book, root string, done func(), err error) {
	err = a.awaited(ctx, p.fund, wait, func() (last events.Seq, err error) {
		s, err := a.openRead(ctx)
		if err != nil {
			return 0, err
		}
		if book, root, last, err = s.book(ctx, p); err != nil || last < wait {
			s.close()
			return last, err
		}
		done = s.close
		return last, nil
	})
	return book, root, done, err
}

// book is the book of a fund as known at a moment, the root of the tree over that, and the number of the last event of the log, all of which has been
// checked. The book may be used while the store is open.
func (s *store) book(ctx context.Context, p parsed) (book *projections.Book, root string, last events.Seq, err error) {
	log := s.Log(p.fund)
	book = projections.NewBookOf(log.Line)
	seen := p.checkpoints()
	meter := s.app.reading()
	err = projections.Read(ctx, book, seen.beside(log.Replay(ctx), func() proof.Hash { return log.Twig().Leaf }), log.Twig, meter.steps)
	meter.done()
	at := log.At()
	switch {
	case at.Seq == 0 && err == nil:
		return nil, "", 0, s.unknownFund(ctx, p.fund)
	case err != nil:
		return nil, "", 0, err
	}
	if err := seen.fit(p.fund, at.Seq); err != nil {
		return nil, "", at.Seq, err
	}
	n, err := book.Resolve(p.knownAt)
	if err != nil {
		return nil, "", 0, notThere(p.flag, p.knownAt.String(), at.Seq)
	}
	book = book.At(n)
	root, err = book.Root()
	return book, root, at.Seq, err
}

// fold shows a view the events of a log as known at the moment asked for. It returns the root of the tree over what the view was shown, and the number
// of the log's last event.
func (s *store) fold(ctx context.Context, log *stream.Log, p parsed, v projections.View) (root string, last events.Seq, err error) {
	records, end := s.replayed(ctx, log)
	next, stop := iter.Pull2(records)
	defer stop()
	// The tree over the events known at the moment is that of the log itself where no moment is asked for.
	var tree proof.Tree
	seen := p.checkpoints()
	look := func(r record) {
		if seen.any() {
			seen.look(proof.Leaf(r.line))
		}
		if p.see != nil {
			p.see(r)
		}
	}
	folded := counted{View: v}
	known := func(yield func(*events.Event, error) bool) {
		for {
			r, err, ok := next()
			if !ok {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			look(r)
			seq := r.Seq
			var leaf proof.Hash
			if !p.knownAt.IsZero() {
				leaf = proof.Leaf(r.line)
			}
			goOn := yield(r.Event, nil)
			if !p.knownAt.IsZero() && folded.last == seq { // the event was folded in
				tree.Append(leaf)
			}
			if !goOn {
				return
			}
		}
	}
	_, foldErr := projections.Fold(&folded, known, p.knownAt)
	for { // what is after the moment is checked all the same
		r, err, ok := next()
		if !ok {
			break
		}
		if err != nil {
			return "", 0, err
		}
		look(r)
	}
	at := end()
	if at.Seq == 0 && (foldErr == nil || events.CodeOf(foldErr) == events.BadValue) {
		return "", 0, s.unknownFund(ctx, p.fund)
	}
	if err := seen.fit(p.fund, at.Seq); err != nil {
		return "", at.Seq, err
	}
	switch {
	case events.CodeOf(foldErr) == events.BadValue:
		return "", 0, notThere(p.flag, p.knownAt.String(), at.Seq)
	case foldErr != nil:
		return "", 0, foldErr
	}
	if p.knownAt.IsZero() {
		tree = at.Tree
	}
	return tree.Root().String(), at.Seq, nil
}

// counted is a view that remembers which event it was shown last.
type counted struct {
	projections.View
	last events.Seq
}

func (c *counted) Apply(e *events.Event) error {
	err := c.View.Apply(e)
	if err == nil {
		c.last = e.Seq
	}
	return err
}

// checkpoints are held against a log as it is read: it must begin with what was seen.
type checkpoints struct {
	of   []*projections.Moment // those without a root are none
	tree proof.Tree
	had  [2]proof.Hash // the root at the number of each
	at   [2]events.Seq // where the log had the root of one without a number
}

func (p *parsed) checkpoints() *checkpoints {
	c := &checkpoints{of: []*projections.Moment{&p.knownAt}}
	if p.since != nil {
		c.of = append(c.of, p.since)
	}
	return c
}

// any reports whether there is a checkpoint.
func (c *checkpoints) any() bool {
	return slices.ContainsFunc(c.of, func(m *projections.Moment) bool { return m.Root() != nil })
}

// beside yields the lines that it is given and looks at each. Where there is no checkpoint it is those lines themselves.
func (c *checkpoints) beside(lines iter.Seq2[[]byte, error], leaf func() proof.Hash) iter.Seq2[[]byte, error] {
	if !c.any() {
		return lines
	}
	return func(yield func([]byte, error) bool) {
		for line, err := range lines {
			if err == nil {
				c.look(leaf())
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func (c *checkpoints) look(leaf proof.Hash) {
	c.tree.Append(leaf)
	n := events.Seq(c.tree.Size())
	for i, m := range c.of {
		switch {
		case m.Root() == nil:
		case m.Seq() == n:
			c.had[i] = c.tree.Root()
		case m.Seq() == 0 && c.at[i] == 0 && c.tree.Root() == *m.Root():
			c.at[i] = n
		}
	}
}

// fit reports what does not fit the log, which ends at last, and gives a root that stands alone its number.
func (c *checkpoints) fit(fund events.Fund, last events.Seq) error {
	for i, m := range c.of {
		root := m.Root()
		if root == nil {
			continue
		}
		args := events.Args{"fund": string(fund), "seq": m.Seq().String(), "last": last.String(), "value": root.String()}
		switch {
		case m.Seq() == 0 && c.at[i] == 0:
			delete(args, "seq")
			args["field"] = "--since"
			return usageError{&events.Error{Code: events.BadValue, Why: "no-such-root", Args: args}}
		case m.Seq() == 0:
			*m = m.At(c.at[i])
		case m.Seq() > last:
			return &events.Error{Code: events.Tampered, Why: "shorter-than-seen", Args: args}
		case c.had[i] != *root:
			args["found"] = c.had[i].String()
			return &events.Error{Code: events.Tampered, Why: "not-seen", Args: args}
		}
	}
	return nil
}

func (a *app) tableCommand() *cobra.Command {
	var q question
	var threshold, month string
	var after bool
	var explain []string
	c := &cobra.Command{
		Use: "table " + strings.Join(projections.Tables, "|"), Short: a.say("cmd.table", nil), Example: a.say("example.table", nil),
		Args: cobra.MaximumNArgs(1), ValidArgs: projections.Tables,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			if !slices.Contains(projections.Tables, name) {
				return usageError{a.noTable(name)}
			}
			for _, option := range []struct {
				flag string
				used bool
				of   []string
			}{{"by", q.by != "", projections.Divided}, {"where", len(q.where) > 0, projections.Narrowed}} {
				if option.used && !slices.Contains(option.of, name) {
					return usageError{hinted{
						a.say("error.not-by-dimensions", map[string]string{"flag": option.flag, "value": name}),
						a.say("error.not-by-dimensions-hint", map[string]string{"choices": strings.Join(option.of, " ")}),
					}}
				}
			}
			slow, err := a.threshold(name, threshold, cmd.Flags().Changed("threshold"))
			if err != nil {
				return err
			}
			places, err := a.places(explain, name, q)
			if err != nil {
				return err
			}
			of, err := a.month(name, month, after)
			if err != nil {
				return err
			}
			return a.answer(cmd.Context(), q, func(b *projections.Book, query projections.Query) (*sheet.Sheet, error) {
				switch name {
				case "progress":
					return b.Progress(query, slow)
				case "monthly":
					return a.monthly(b, query, of, after)
				}
				s, err := b.Table(name, query)
				if err == nil && len(places) > 0 {
					err = b.Explain(s, query, places)
				}
				return s, err
			})
		},
	}
	c.Flags().StringArrayVar(&explain, "explain", nil, a.say("flag.explain", nil))
	c.Flags().StringVar(&q.denominator, "denominator", "", a.say("flag.denominator", nil))
	a.byFlag(c, &q)
	c.Flags().StringVar(&month, "month", "", a.say("flag.month", nil))
	c.Flags().BoolVar(&after, "after-close", false, a.say("flag.after-close", nil))
	c.Flags().StringVar(&threshold, "threshold", "10", a.say("flag.threshold", nil))
	a.whereFlag(c, &q)
	a.questionFlags(c, &q)
	return c
}

// threshold reads from how far behind time a line is slow, which one table asks.
func (a *app) threshold(table, s string, given bool) (progress.Threshold, error) {
	if given && table != "progress" {
		return progress.Threshold{}, usageError{hinted{
			a.say("error.not-by-dimensions", map[string]string{"flag": "threshold", "value": table}), a.say("error.not-by-dimensions-hint", map[string]string{"choices": "progress"}),
		}}
	}
	slow, err := progress.ParseThreshold(s)
	if err != nil {
		return slow, a.flagError("threshold", err)
	}
	return slow, nil
}

// month reads the month that one table is of.
func (a *app) month(table, s string, after bool) (month events.Date, err error) {
	for _, option := range []struct {
		flag  string
		given bool
	}{{"month", s != ""}, {"after-close", after}} {
		if option.given && table != "monthly" {
			return month, usageError{hinted{
				a.say("error.not-by-dimensions", map[string]string{"flag": option.flag, "value": table}), a.say("error.not-by-dimensions-hint", map[string]string{"choices": "monthly"}),
			}}
		}
	}
	if s != "" {
		if month, err = events.ParseMonth(s); err != nil {
			return month, a.flagError("month", err)
		}
	}
	return month, nil
}

// monthly is the table of a month. What has come into it since it was closed is said where people read it: the table itself is the same for ever.
func (a *app) monthly(b *projections.Book, q projections.Query, month events.Date, after bool) (*sheet.Sheet, error) {
	s, err := b.Monthly(q, month, after)
	if events.CodeOf(err) == events.BadValue && !month.IsZero() {
		return nil, a.flagError("month", err)
	}
	if err != nil || after {
		return s, err
	}
	m, later, err := b.AfterClose(q, month)
	if err == nil && len(later.Postings) > 0 {
		a.note("monthly.after-close", map[string]string{
			"month": m.Date.String(), "seq": m.Known.String(), "n": strconv.Itoa(len(later.Postings)),
			"spent": later.Spent.Format(b.History().Decimals()),
		})
	}
	return s, err
}

// places reads the cells that are to be explained, written LINE=MEASURE.
func (a *app) places(explain []string, table string, q question) (places []projections.Place, err error) {
	switch {
	case len(explain) == 0:
		return nil, nil
	case !slices.Contains(projections.Explained, table):
		return nil, usageError{hinted{
			a.say("error.not-by-dimensions", map[string]string{"flag": "explain", "value": table}),
			a.say("error.not-by-dimensions-hint", map[string]string{"choices": strings.Join(projections.Explained, " ")}),
		}}
	case q.by != "":
		return nil, usageError{hinted{a.say("error.explain-by", nil), a.say("error.explain-by-hint", nil)}}
	case q.format == "csv": // which has the main table alone
		return nil, usageError{hinted{a.say("error.explain-csv", nil), a.say("error.explain-csv-hint", nil)}}
	}
	for _, s := range explain {
		at, err := projections.ParsePlace(s)
		if err != nil {
			return nil, a.flagError("explain", err)
		}
		places = append(places, at)
	}
	return places, nil
}

func (a *app) reportCommand() *cobra.Command {
	var q question
	c := &cobra.Command{
		Use: "report", Short: a.say("cmd.report", nil), Example: a.say("example.report", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.answer(cmd.Context(), q, (*projections.Book).Report)
		},
	}
	c.Flags().StringVar(&q.denominator, "denominator", "", a.say("flag.denominator", nil))
	a.byFlag(c, &q)
	a.whereFlag(c, &q)
	a.questionFlags(c, &q)
	return c
}

// showReference prints the reference fund's tables and figures from a store that is open.
func (a *app) showReference(ctx context.Context, s *store) error {
	for _, year := range []events.Year{2022, 2023} {
		p := parsed{fund: "cd-gx", query: projections.Query{Year: year}}
		book, root, _, err := s.book(ctx, p)
		if err != nil {
			return err
		}
		p.query.Root = root
		var sheets []*sheet.Sheet
		for _, make := range []func() (*sheet.Sheet, error){
			func() (*sheet.Sheet, error) { return book.Table("budget", p.query) },
			func() (*sheet.Sheet, error) { return book.Table("execution", p.query) },
			func() (*sheet.Sheet, error) { return book.Report(p.query) },
		} {
			made, err := make()
			if err != nil {
				return err
			}
			sheets = append(sheets, made)
		}
		for _, made := range sheets {
			if err := a.print(made, question{format: "text", unit: string(sheet.Wan)}); err != nil {
				return err
			}
			if _, err := io.WriteString(a.stdout, "\n"); err != nil {
				return err
			}
		}
	}
	return nil
}
