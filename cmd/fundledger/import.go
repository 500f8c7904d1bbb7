package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"fundledger/events"
	"fundledger/events/reading"
	"fundledger/ledger"
	"fundledger/ledger/intake"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A register is what import was asked to do.
type register struct {
	as, fund, year, sheet, unit, mapping, refused, format, out, name, order string
	fixed                                                                   map[intake.Role]*string
	guess, ignoreTotals, dry, atomic, open, noVoucher                       bool
}

// fixedFlags are the flags that hold for every row of a file that does not say otherwise, with the role that each has.
var fixedFlags = []struct {
	flag string
	role intake.Role
}{
	{"line", "line"},
	{"date", "date"},
	{"mode", "mode"},
	{"basis", "basis"},
	{"channel", "channel"},
	{"method", "method"},
	{"issuer", "voucher.issuer"},
	{"type", "voucher.type"},
	{"document", "documents"},
	{"account", "account"},
	{"statement", "statement"},
	{"stage", "stage"},
}

func (a *app) importCommand() *cobra.Command {
	r := register{fixed: map[intake.Role]*string{}}
	c := &cobra.Command{
		Use: "import FILE", Short: a.say("cmd.import", nil), Long: a.say("long.import", nil), Example: a.say("example.import", nil),
		Args: cobra.ExactArgs(1), ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error { return a.importFile(cmd.Context(), args[0], r) },
	}
	f := c.Flags()
	f.StringVar(&r.as, "as", "", a.say("flag.as", nil))
	f.StringVar(&r.fund, "fund", "", a.say("flag.fund-usual", nil))
	f.StringVar(&r.year, "year", "", a.say("flag.year-usual", nil))
	f.StringVar(&r.sheet, "sheet", "", a.say("flag.sheet", nil))
	f.StringVar(&r.unit, "unit", "", a.say("flag.unit-of-file", nil))
	f.StringVar(&r.order, "dates", "", a.say("flag.dates", nil))
	for _, fixed := range fixedFlags {
		v := new(string)
		r.fixed[fixed.role] = v
		f.StringVar(v, fixed.flag, "", a.say("flag.import."+fixed.flag, nil))
	}
	f.BoolVar(&r.noVoucher, "no-voucher", false, a.say("flag.no-voucher", nil))
	f.BoolVar(&r.open, "open", false, a.say("flag.open", nil))
	f.StringVar(&r.name, "name", "", a.say("flag.name", nil))
	f.StringVar(&r.mapping, "map", "", a.say("flag.map", nil))
	f.BoolVar(&r.guess, "guess", false, a.say("flag.guess", nil))
	f.StringVar(&r.refused, "refused", "", a.say("flag.refused", nil))
	f.BoolVar(&r.ignoreTotals, "ignore-totals", false, a.say("flag.ignore-totals", nil))
	f.BoolVar(&r.atomic, "atomic", false, a.say("flag.atomic", nil))
	f.BoolVar(&r.dry, "dry-run", false, a.say("flag.dry-run-table", nil))
	f.StringVar(&r.format, "format", "text", a.say("flag.format", nil))
	f.StringVar(&r.out, "out", "", a.say("flag.out", nil))
	for flag, values := range r.choices() {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(sheet.Formats, cobra.ShellCompDirectiveNoFileComp))
	for _, flag := range []string{"map", "refused"} {
		_ = c.RegisterFlagCompletionFunc(flag, files)
	}
	return c
}

// choices are the values that flags can have which are words.
func (r *register) choices() map[string][]string {
	return map[string][]string{
		"as": plain(intake.Registers), "unit": plain(intake.Units), "dates": plain(intake.DateOrders), "mode": {string(events.Control), string(events.Record)},
		"basis": plain(events.Bases), "channel": plain(events.Channels), "method": plain(events.Methods), "stage": {string(events.OriginalStage), string(events.SupplementaryStage)},
	}
}

// options reads the flags.
func (a *app) importOptions(ctx context.Context, r *register) (o intake.Options, err error) {
	values := map[string]string{"as": r.as, "unit": r.unit, "dates": r.order}
	for _, fixed := range fixedFlags {
		values[fixed.flag] = *r.fixed[fixed.role]
	}
	if r.as == "indicators" {
		return o, usageError{hinted{a.say("error.indicators", nil), a.say("error.indicators-hint", nil)}}
	}
	if r.as == "" {
		return o, usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "as"}), a.say("error.missing-as", map[string]string{"choices": strings.Join(plain(intake.Registers), " ")})}}
	}
	choices := r.choices()
	for _, flag := range []string{"as", "unit", "dates", "mode", "basis", "channel", "method", "stage"} {
		if v := values[flag]; v != "" && !slices.Contains(choices[flag], v) {
			return o, a.badFlag(flag, v, strings.Join(choices[flag], " "))
		}
	}
	if !slices.Contains(sheet.Formats, r.format) {
		return o, a.badFlag("format", r.format, strings.Join(sheet.Formats, " "))
	}
	o = intake.Options{As: intake.As(r.as), Sheet: r.sheet, Unit: intake.Unit(r.unit), Fixed: map[intake.Role]string{}, Open: r.open, Name: r.name, NoVoucher: r.noVoucher, Dates: intake.DateOrder(r.order)}
	for _, fixed := range fixedFlags {
		if v := values[fixed.flag]; v != "" {
			o.Fixed[fixed.role] = v
		}
	}
	if r.year != "" {
		if _, err := events.ParseYear(r.year); err != nil {
			return o, a.flagError("year", err)
		}
		o.Fixed["year"] = r.year
	}
	if d := o.Fixed["date"]; d != "" {
		if _, err := events.ParseDate(d); err != nil {
			return o, a.flagError("date", err)
		}
	}
	if l := o.Fixed["line"]; l != "" {
		if _, err := events.ParseLine(l); err != nil {
			return o, a.flagError("line", err)
		}
	}
	if r.mapping != "" {
		f, err := os.Open(r.mapping)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = usageError{err}
			}
			return o, err
		}
		defer f.Close()
		if o.Map, err = intake.ReadMapping(f); err != nil {
			return o, usageError{err}
		}
		if fund := o.Map.Fixed["fund"]; fund != "" && r.fund == "" {
			r.fund = fund
		}
	}
	if r.guess {
		return o, nil
	}
	if r.fund, err = a.fundOr(ctx, r.fund); err != nil {
		return o, err
	}
	if o.Fund, err = events.ParseFund(r.fund); err != nil {
		err = a.flagError("fund", err)
	}
	return o, err
}

// importFile turns a register into commands and puts them to the ledger.
func (a *app) importFile(ctx context.Context, name string, r register) error {
	o, err := a.importOptions(ctx, &r)
	if err != nil {
		return err
	}
	in, size, err := a.input([]string{name})
	if err != nil {
		return err
	}
	defer in.Close()
	source, ok := in.(io.ReaderAt)
	if !ok || size < 0 { // a pipe is read whole: a register is looked through before it is posted
		all, err := io.ReadAll(io.LimitReader(in, 1<<30))
		if err != nil {
			return err
		}
		source, size, name = bytes.NewReader(all), int64(len(all)), "stdin.csv"
	}
	file, err := intake.Open(filepath.Base(name), source, size)
	if err != nil {
		return a.fileError(err)
	}
	if r.guess {
		return a.guess(file, o)
	}
	job := &importing{app: a, register: r, name: name, rows: map[place]*refusedRow{}, showing: r.dry}
	facts, err := job.facts(ctx, o.Fund, o.As)
	if err != nil {
		return err
	}
	if err := job.planned(file, o, facts); err != nil {
		return err
	}
	if r.refused != "" {
		if err := job.mayWrite(r.refused); err != nil {
			return err
		}
	}
	if err := job.plan.Prepare(); err != nil {
		return err
	}
	return job.run(ctx)
}

// planned looks the file through, and says what is to be known of it. A file whose totals do not agree with its rows goes no further.
func (i *importing) planned(file *intake.File, o intake.Options, facts intake.Facts) (err error) {
	a := i.app
	if i.plan, err = file.Plan(o, facts); err != nil {
		return a.fileError(err)
	}
	for _, n := range i.plan.Notices {
		a.note("import.notice."+n.Name, n.Args)
	}
	for _, d := range i.plan.Totals {
		args := map[string]string{
			"row": strconv.Itoa(d.Row), "column": d.Column, "sheet": d.Sheet, "printed": d.Printed.Format(facts.Decimals), "rows": d.Rows.Format(facts.Decimals),
			"difference": (d.Printed - d.Rows).Format(facts.Decimals), "from": strconv.Itoa(d.From),
		}
		a.note("import.total", args)
	}
	if len(i.plan.Totals) > 0 && !i.register.ignoreTotals {
		a.complain(hinted{a.say("import.totals", map[string]string{"file": file.Name}), a.say("import.totals-hint", nil)})
		return exit(exitRefused)
	}
	return nil
}

// fileError makes what is asked of the user, or wrong with the file, a wrong usage.
func (a *app) fileError(err error) error {
	var e *events.Error
	if errors.As(err, &e) && !slices.Contains([]events.Code{events.Unavailable, events.Tampered}, e.Code) {
		return usageError{err}
	}
	return err
}

func (a *app) guess(file *intake.File, o intake.Options) error {
	m, notices, err := file.Guess(o)
	if err != nil {
		return a.fileError(err)
	}
	for _, n := range notices {
		a.note("import.notice."+n.Name, n.Args)
	}
	out, err := m.AppendJSON(nil)
	if err == nil {
		_, err = a.stdout.Write(out)
	}
	return err
}

// An importing is one run of import.
type importing struct {
	app      *app
	register register
	name     string
	plan     *intake.Plan
	decimals int
	currency string
	fund     events.Fund
	lines    *statementLines // of a bank's statement: those that are there
	words    bool            // somebody reads the answers, and gets those that matter in words
	showing  bool            // what became of each row is to be shown
	onPage   bool            // to who looks at a page
	most     int             // rows that are shown whatever became of them; 0 is all
	more     int             // rows that were not

	mu      sync.Mutex
	waiting []intake.Item // given to the ledger and not yet answered, in order

	rows     map[place]*refusedRow
	order    []place
	there    []string // rows that were stored before
	passed   map[string][]string
	shown    []sheet.Row // of a dry run
	statuses map[ledger.Status]int
}

type place struct {
	sheet string
	row   int
}

type refusedRow struct {
	intake.Refused
	negative *intake.Payment
}

// facts reads what an import has to know of the fund. A fund that is not there yet has no years.
func (i *importing) facts(ctx context.Context, fund events.Fund, as intake.As) (facts intake.Facts, err error) {
	i.fund, i.decimals, i.currency = fund, 2, "CNY"
	facts.Decimals = i.decimals
	s, err := i.app.openRead(ctx)
	if err != nil {
		if isNoFolder(err) {
			return facts, nil
		}
		return facts, err
	}
	defer s.close()
	book, _, _, err := s.book(ctx, parsed{fund: fund})
	switch {
	case events.CodeOf(err) == events.UnknownFund && as == intake.Budget: // which can open it
		return facts, nil
	case err != nil:
		return facts, err
	}
	return i.factsOf(book, as)
}

// factsOf are those of a book. What they say of payments was read while the log was open.
func (i *importing) factsOf(book *projections.Book, as intake.As) (facts intake.Facts, err error) {
	h := book.History()
	i.decimals, i.currency = h.Decimals(), h.Currency()
	facts.Decimals, facts.Currency = i.decimals, i.currency
	var payments []intake.Payment
	for _, n := range h.Years() {
		y, err := h.Year(n)
		if err != nil {
			return facts, err
		}
		facts.Name = y.Name
		of := intake.YearFacts{Year: n, Closed: y.Closed}
		for _, l := range y.Lines() {
			if l.Code != events.Root {
				of.Lines = append(of.Lines, intake.LineFacts{Code: l.Code, Parent: l.Parent, Name: l.Name, NameEn: l.NameEn, Leaf: l.Leaf})
			}
		}
		facts.Years = append(facts.Years, of)
	}
	// Only registers that have rows which speak of payments need them; the folder is let go of before anything is posted.
	if as == intake.Payments || as == intake.Receipts {
		if payments, err = standingPayments(book); err != nil {
			return facts, err
		}
	}
	if as == intake.Bank {
		if i.lines, err = standingLines(h); err != nil {
			return facts, err
		}
	}
	facts.Payments = func() ([]intake.Payment, error) { return payments, nil }
	return facts, nil
}

// standingPayments are the payments of every year of a fund, with what is left of them.
func standingPayments(book *projections.Book) (out []intake.Payment, err error) {
	for _, n := range book.History().Years() {
		table, err := book.Table("payments", projections.Query{Year: n})
		if err != nil {
			return nil, err
		}
		t := table.Tables[0]
		at := func(r sheet.Row, name string) sheet.Cell { return r.Cells[t.Column(name)] }
		member := func(c sheet.Cell, name string) string {
			for _, m := range c.Members() {
				if m.Name == name {
					return m.Value.Text()
				}
			}
			return ""
		}
		for r := range t.Rows {
			out = append(out, intake.Payment{
				Seq: events.Seq(at(r, "seq").Int()), Year: n, Line: events.Line(at(r, "line").Text()), Date: at(r, "date").Text(), Amount: at(r, "amount").Minor(),
				Left: at(r, "left").Minor(), Channel: events.Channel(at(r, "channel").Text()), Payee: member(at(r, "payee"), "name"), PayeeID: member(at(r, "payee"), "id"),
				Voucher: member(at(r, "voucher"), "number"),
			})
		}
	}
	return out, nil
}

// inputs gives the ledger what the rows ask for, one after the other, and remembers which row each is of.
func (i *importing) inputs(read func(int64)) inputs {
	return func(yield func(ledger.Input, error) bool) {
		n := ledger.Numberer{}
		for item, err := range reading.Ahead(i.plan.Items(read)) {
			if err != nil {
				yield(ledger.Input{}, err)
				return
			}
			var ins []ledger.Input
			switch item.Kind {
			case intake.Passed:
				i.pass(item)
				continue
			case intake.Refusal:
				in := ledger.Input{Command: events.NoCommand(), Err: item.Err}
				in.Command.Fund = i.fund
				ins = append(ins, in)
			case intake.Commands:
				for _, raw := range item.Commands {
					in := n.Input(raw)
					if i.lines != nil {
						in = i.lines.again(in)
					}
					ins = append(ins, in)
				}
			}
			for k, in := range ins {
				in.Number = item.Row
				if k < len(item.Amounts) {
					item.Amount = item.Amounts[k]
				}
				i.mu.Lock()
				i.waiting = append(i.waiting, item)
				i.mu.Unlock()
				if !yield(in, nil) {
					return
				}
			}
		}
	}
}

// pass notes a row that is none of the register's.
func (i *importing) pass(item intake.Item) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.passed == nil {
		i.passed = map[string][]string{}
	}
	i.passed[item.Why] = append(i.passed[item.Why], i.at(item.Sheet, item.Row))
	if i.showing {
		i.show(item, sheet.Term("import-status", "passed"), sheet.Term("import-passed", item.Why))
	}
}

// at names a row, with its sheet where there are several.
func (i *importing) at(sheet string, row int) string {
	if i.plan.Sheets() > 1 {
		return sheet + "!" + strconv.Itoa(row)
	}
	return strconv.Itoa(row)
}

// answered takes an answer, the next in order, and gives it the row that it is of.
func (i *importing) answered(r *ledger.Receipt) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.waiting) == 0 {
		return
	}
	item := i.waiting[0]
	i.waiting = i.waiting[1:]
	r.Input = item.Row
	if i.plan.Sheets() > 1 {
		r.Sheet = item.Sheet
	}
	if i.statuses == nil {
		i.statuses = map[ledger.Status]int{}
	}
	i.statuses[r.Status]++
	switch r.Status {
	case ledger.Appended, ledger.WouldAppend:
		i.plan.Stored(&item, r.Seq)
	case ledger.Duplicate:
		i.plan.Stored(&item, r.Seq)
		i.there = append(i.there, i.at(item.Sheet, item.Row))
	case ledger.Refused:
		if item.Negative != nil && r.Code == events.MissingField {
			if found, err := i.plan.Candidates(item.Negative); err == nil && len(found) > 0 {
				if r.Args == nil {
					r.Args = events.Args{}
				}
				r.Args["candidates"] = intake.Describe(found, i.decimals)
			}
		}
	}
	r.Say(i.app.lang)
	if r.Status == ledger.Refused || r.Status == ledger.Failed || r.Status == ledger.NotTried {
		at := place{item.Sheet, item.Row}
		reason := r.Message
		if r.Hint != "" {
			reason += " — " + r.Hint
		}
		if r.Status == ledger.NotTried {
			reason = i.app.say("import.not-tried", nil)
		}
		if known := i.rows[at]; known != nil {
			known.Reason += "; " + reason
		} else {
			id := r.ID
			if item.Kind != intake.Commands || len(item.Commands) > 1 { // one id is none of several commands
				id = ""
			}
			i.rows[at] = &refusedRow{intake.Refused{Sheet: item.Sheet, Row: item.Row, Reason: reason, ID: id, Faulty: item.Faulty}, item.Negative}
			i.order = append(i.order, at)
		}
	}
	if i.words && !i.register.dry && r.Message != "" {
		fmt.Fprintln(i.app.stdout, i.app.say("import.row", map[string]string{"row": i.at(item.Sheet, item.Row), "message": r.Message, "hint": r.Hint}))
	}
	if i.showing {
		reason := sheet.Words(i.reason(r))
		if r.Status == ledger.Duplicate {
			reason = sheet.Say("import.there", sheet.Member{Name: "seq", Value: sheet.Number(r.Seq)})
		} else if len(r.Flags) > 0 {
			var flags []sheet.Cell
			for _, f := range r.Flags {
				flags = append(flags, sheet.Term("flag", string(f)))
			}
			reason = sheet.Listed(flags...)
		}
		i.show(item, sheet.Term("import-status", string(r.Status)), reason)
	}
}

// show adds a row to what a dry run prints.
func (i *importing) show(item intake.Item, status, reason sheet.Cell) {
	if s := ledger.Status(status.Text()); i.most > 0 && len(i.shown) >= i.most && (s != ledger.Refused && s != ledger.Failed || len(i.shown) >= 2*i.most) {
		i.more++
		return
	}
	amount := sheet.Cell{}
	if item.Amount.Text != "" {
		if minor, ok := item.Amount.Minor(i.decimals); ok {
			amount = sheet.Money(minor, i.decimals)
		}
	}
	cells := []sheet.Cell{sheet.Number(item.Row), sheet.Words(item.Sheet), status, sheet.Words(item.Command), sheet.Words(item.Date), sheet.Words(item.Line), amount, sheet.Words(item.Payee), reason}
	if item.Command != "" {
		cells[3] = sheet.Term("kind", item.Command)
	}
	i.shown = append(i.shown, sheet.Row{Depth: 1, Cells: cells})
}

func (i *importing) run(ctx context.Context) error {
	a := i.app
	meter := a.progress(i.plan.Size())
	defer meter.done()
	t := &tally{app: a, out: a.stdout, seen: i.answered}
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		i.words = true
	}
	if i.register.dry || i.words {
		t.out = io.Discard
	}
	var err, left error
	inputs := i.inputs(meter.at)
	switch {
	case i.register.dry:
		err = a.dryRun(ctx, inputs, i.register.atomic, t)
	case i.register.atomic:
		err = a.appendAtomic(ctx, inputs, t)
	default:
		if err = a.appendAll(ctx, inputs, t); err == nil {
			meter.done()
			left = i.askBack(ctx, a.questions(), t)
		}
	}
	meter.done()
	if err == nil {
		err = t.err
	}
	if err != nil {
		return err
	}
	if i.register.dry {
		if err := a.print(i.sheet(), question{format: i.register.format, out: i.register.out, unit: string(sheet.Yuan)}); err != nil {
			return err
		}
	}
	if err := i.writeRefused(); err != nil {
		return err
	}
	i.summary()
	if left != nil { // what was refused until then is written all the same
		return left
	}
	return t.exit()
}

// askBack asks at a terminal which payments the negative rows take back, and puts what was answered to the ledger. Rows that are passed over stay refused.
func (i *importing) askBack(ctx context.Context, q *questions, t *tally) error {
	if q == nil {
		return nil
	}
	answered := map[place]bool{}
	for _, at := range i.order {
		r := i.rows[at]
		if r.negative == nil {
			continue
		}
		found, err := i.plan.Candidates(r.negative)
		if err != nil {
			return err
		}
		i.app.note("import.back", map[string]string{
			"row": i.at(at.sheet, at.row), "amount": r.negative.Amount.Format(i.decimals), "payee": r.negative.Payee, "date": r.negative.Date, "candidates": intake.Describe(found, i.decimals),
		})
		text, err := q.line(ctx, i.app.say("import.back-ask", nil))
		if errors.Is(err, errLeft) {
			break
		}
		if err != nil {
			return err
		}
		if action, of, ok := strings.Cut(text, " "); ok {
			i.plan.Answer(at.sheet, at.row, action, strings.TrimSpace(of))
			answered[at] = true
		}
	}
	if len(answered) == 0 {
		return nil
	}
	i.order = slices.DeleteFunc(i.order, func(at place) bool { return answered[at] })
	for at := range answered { // those that are refused again come back
		delete(i.rows, at)
		i.statuses[ledger.Refused]--
		t.statuses[ledger.Refused]--
	}
	return i.app.appendAll(ctx, i.inputs(nil), t)
}

// sheet is what a dry run prints: what each row would become.
func (i *importing) sheet() *sheet.Sheet {
	s := &sheet.Sheet{Name: "import", Title: []sheet.Member{{Name: "file", Value: sheet.Words(filepath.Base(i.name))}, {Name: "fund", Value: sheet.Words(string(i.fund))}}, Currency: i.currency, Decimals: i.decimals}
	s.Head = []sheet.Member{{Name: "fund", Value: sheet.Words(string(i.fund))}, {Name: "file", Value: sheet.Words(filepath.Base(i.name))}}
	columns := []string{"row", "status", "kind", "date", "line", "amount", "payee", "reason"}
	if i.plan.Sheets() > 1 {
		columns = slices.Insert(columns, 1, "sheet")
	}
	s.Tables = []*sheet.Table{{
		Name: "rows", Text: columns, Rows: sheet.Rows(i.shown...),
		Columns: sheet.Columns("|", "row", "|", "sheet", "status", "kind", "date", "line", "|", "amount", "|", "payee", "reason"),
	}}
	return s
}

// summary says on standard error what became of the file as a whole.
func (i *importing) summary() {
	a := i.app
	for _, s := range []ledger.Status{ledger.Appended, ledger.WouldAppend, ledger.Duplicate, ledger.Refused, ledger.NotTried, ledger.Failed} {
		n := i.statuses[s]
		if n == 0 {
			continue
		}
		a.note("tally."+string(s), map[string]string{"n": count(n)})
		if s == ledger.Duplicate {
			a.note("import.there", map[string]string{"rows": rowRanges(i.there)})
		}
	}
	if i.statuses == nil {
		a.note("import.nothing", nil)
	}
	for _, why := range []string{"void", "zero", "merged", "heading", "group"} {
		if rows := i.passed[why]; len(rows) > 0 {
			a.note("import.passed."+why, map[string]string{"rows": rowRanges(rows)})
		}
	}
}

// rowRanges writes rows as 3-7, 9; of very many the first.
func rowRanges(rows []string) string {
	var parts []string
	for k := 0; k < len(rows); {
		end := k
		for end+1 < len(rows) {
			prefix, last := cutNumber(rows[end])
			next, n := cutNumber(rows[end+1])
			if prefix != next || n != last+1 {
				break
			}
			end++
		}
		part := rows[k]
		if end > k {
			_, n := cutNumber(rows[end])
			part += "-" + strconv.Itoa(n)
		}
		parts = append(parts, part)
		k = end + 1
	}
	if len(parts) > 40 {
		parts = append(parts[:40:40], "…")
	}
	return strings.Join(parts, ", ")
}

func cutNumber(s string) (prefix string, n int) {
	at := strings.LastIndexByte(s, '!') + 1
	n, _ = strconv.Atoi(s[at:])
	return s[:at], n
}

// mayWrite refuses to write refused rows over a file that is none of ours.
func (i *importing) mayWrite(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		var old *intake.File
		if old, err = intake.Open(name, f, info.Size()); err == nil && intake.IsRefused(old) {
			return nil
		}
	}
	return usageError{hinted{i.app.say("error.refused-file", map[string]string{"file": name}), i.app.say("error.refused-file-hint", nil)}}
}

// refusedStem is what a file with the refused rows of another is called.
func refusedStem(name string) string {
	base := filepath.Base(name)
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if before, n, ok := strings.Cut(stem, ".refused"); ok && strings.Trim(n, "-0123456789") == "" { // it is one itself
		stem = before
	}
	if strings.EqualFold(ext, ".xml") { // of whose entries a table is made
		ext = ".csv"
	}
	return stem + ".refused" + ext
}

// refusedName is where refused rows go when nobody says: where the command is run, under the file's own name. A file that is there is left alone, somebody may be mending it; one
// that says the same, and the one that is being read, are written again.
func (i *importing) refusedName(written string) (string, error) {
	usual := refusedStem(i.name)
	ext := filepath.Ext(usual)
	stem := strings.TrimSuffix(usual, ".refused"+ext)
	text, err := os.ReadFile(written)
	if err != nil {
		return "", err
	}
	read, _ := os.Stat(i.name)
	for n := 1; ; n++ {
		name := stem + ".refused" + ext
		if n > 1 {
			name = stem + ".refused-" + strconv.Itoa(n) + ext
		}
		name = filepath.Join(i.app.here, name)
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && read != nil && os.SameFile(info, read) {
			return name, nil
		}
		if err == nil && info.Size() == int64(len(text)) {
			if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
				return name, nil
			}
		}
	}
}

func (i *importing) writeRefused() (err error) {
	if len(i.order) == 0 || i.register.dry {
		return nil
	}
	var rows []intake.Refused
	for _, at := range i.order {
		rows = append(rows, i.rows[at].Refused)
	}
	// The file that is read may be the one that is written: it is put in its place whole.
	name, dir := i.register.refused, i.app.here
	if name != "" {
		dir = filepath.Dir(name)
	}
	f, err := os.CreateTemp(cmp.Or(dir, "."), ".refused-*")
	if err != nil {
		return usageError{hinted{i.app.say("error.out", map[string]string{"file": cmp.Or(name, dir)}), i.app.say("error.out-hint", nil)}}
	}
	defer os.Remove(f.Name())
	err = errors.Join(i.plan.WriteRefused(f, rows, i.app.lang), f.Chmod(0o644), f.Close())
	if err == nil && name == "" {
		name, err = i.refusedName(f.Name())
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	i.app.note("import.refused-file", map[string]string{"n": count(len(rows)), "file": name})
	return nil
}
