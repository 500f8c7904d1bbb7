package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/ledger"
	"fundledger/ledger/desk"
	"fundledger/projections"
	"fundledger/projections/closing"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

// A closure is what the command close is asked to do.
type closure struct {
	q                               question
	month, date, lapse, commands    string
	carry, documents                []string
	stated, release, reviewed, test bool
}

// closeCommand closes a month or a year: it shows what is open, drafts the commands, and appends them once somebody has said so.
func (a *app) closeCommand() *cobra.Command {
	o := &closure{}
	c := &cobra.Command{
		Use: "close", Short: a.say("cmd.close", nil), Long: a.say("long.close", nil), Example: a.say("example.close", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, flag := range []string{"lapse", "carry", "from-stated", "release", "commands"} {
				if o.month != "" && cmd.Flags().Changed(flag) {
					return usageError{hinted{a.say("error.close-month", map[string]string{"flag": flag}), a.say("error.close-month-hint", nil)}}
				}
			}
			return a.close(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.q.fund, "fund", "", a.say("flag.fund", nil))
	f.StringVar(&o.q.year, "year", "", a.say("flag.year", nil))
	f.StringVar(&o.month, "month", "", a.say("flag.close-month", nil))
	f.StringVar(&o.date, "date", "", a.say("flag.close-date", nil))
	f.StringVar(&o.lapse, "lapse", "", a.say("flag.lapse", nil))
	f.StringArrayVar(&o.carry, "carry", nil, a.say("flag.carry", nil))
	f.BoolVar(&o.stated, "from-stated", false, a.say("flag.from-stated", nil))
	f.BoolVar(&o.release, "release", false, a.say("flag.release", nil))
	f.StringArrayVar(&o.documents, "document", nil, a.say("flag.close-document", nil))
	f.StringVar(&o.commands, "commands", "", a.say("flag.close-commands", nil))
	f.BoolVar(&o.test, "dry-run", false, a.say("flag.close-dry-run", nil))
	f.BoolVar(&o.reviewed, "yes", false, a.say("flag.yes", nil))
	a.printFlags(c, &o.q)
	a.complete(c)
	_ = c.RegisterFlagCompletionFunc("lapse", cobra.FixedCompletions(plain(closing.Wheres), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("commands", files)
	return c
}

func (a *app) close(ctx context.Context, o *closure) (err error) {
	asks := a.questions()
	if asks == nil && !o.reviewed && !o.test {
		return usageError{hinted{a.say("error.close-yes", nil), a.say("error.close-yes-hint", nil)}}
	}
	if o.q, err = a.settled(ctx, o.q); err != nil {
		return err
	}
	o.q.everyYear = o.q.year == "" // it is chosen once the fund has been read
	p, err := a.parse(o.q)
	if err != nil {
		return err
	}
	at, err := a.counter(ctx, p.fund)
	if err != nil {
		return err
	}
	defer at.close()
	if at.store == nil || at.book.Last() == 0 {
		return &events.Error{Code: events.UnknownFund, Args: events.Args{"fund": string(p.fund)}}
	}
	if p.query.Year == 0 {
		if p.query.Year, err = a.yearOf(at.book.History()); err != nil {
			return err
		}
	}
	if o.month != "" {
		return a.closeMonth(ctx, o, at, p, asks)
	}
	return a.closeYear(ctx, o, at, p, asks)
}

// closeMonth shows the table of a month with what is unsettled in it, and closes it.
func (a *app) closeMonth(ctx context.Context, o *closure, at *counter, p parsed, asks *questions) error {
	month, err := events.ParseMonth(o.month)
	if err != nil {
		return a.flagError("month", err)
	}
	date, err := a.closingDay(o, at, events.Day(1<<31-1))
	if err != nil {
		return err
	}
	if p.query.Root, err = at.book.Root(); err != nil {
		return err
	}
	s, err := at.book.MonthEnd(p.query, month)
	if err != nil {
		return a.flagError("month", err)
	}
	if err := a.shown(s, o); err != nil {
		return err
	}
	c := events.NewDraft(events.MonthClosed, p.fund, p.query.Year)
	c.Text("id", closing.ID(at.book.History(), month.String(), 1)).Text("date", date.String()).Text("month", month.String()).Texts("documents", o.documents)
	return a.closed(ctx, o, at, p, asks, [][]byte{c.JSON()}, func(b *projections.Book, q projections.Query) (*sheet.Sheet, error) {
		return b.Monthly(q, month, false)
	})
}

// closeYear shows what is open at the end of a year and closes it.
func (a *app) closeYear(ctx context.Context, o *closure, at *counter, p parsed, asks *questions) error {
	y, err := at.book.History().Year(p.query.Year)
	if err != nil {
		return err
	}
	policy := closing.Policy{Lapse: closing.Where(o.lapse), Stated: o.stated, Release: o.release, Documents: o.documents}
	if o.lapse != "" && !slices.Contains(closing.Wheres, policy.Lapse) {
		return a.badFlag("lapse", o.lapse, strings.Join(plain(closing.Wheres), " "))
	}
	if policy.Date, err = a.closingDay(o, at, y.To); err != nil {
		return err
	}
	if today := a.clerk(at).today(); today < y.To.String() {
		a.note("close.not-over", map[string]string{"year": y.Year.String(), "date": y.To.String()})
	}
	for _, text := range o.carry {
		c, err := a.carried(text, at.book.History().Decimals())
		if err != nil {
			return err
		}
		policy.Carry = append(policy.Carry, c)
	}
	s, plan, err := at.book.YearEnd(p.query.Year, policy)
	if err != nil {
		return err
	}
	commands := make([][]byte, len(plan.Steps))
	for i := range plan.Steps {
		commands[i] = plan.Steps[i].Command
	}
	if o.commands != "-" {
		if err := a.shown(s, o); err != nil {
			return err
		}
	}
	if len(plan.Asks) > 0 {
		for _, ask := range plan.Asks {
			a.complain(hinted{a.say("close.ask."+ask.What, ask.Args), a.say("close.hint."+ask.What, ask.Args)})
		}
		return exit(exitRefused)
	}
	if err := a.forReview(o, commands); err != nil {
		return err
	}
	if len(commands) > ledger.MaxBlockEvents {
		args := map[string]string{"n": count(len(commands)), "most": count(ledger.MaxBlockEvents), "fund": string(p.fund), "year": p.query.Year.String()}
		a.complain(hinted{a.say("close.ask.many", args), a.say("close.hint.many", args)})
		return exit(exitRefused)
	}
	return a.closed(ctx, o, at, p, asks, commands, func(b *projections.Book, q projections.Query) (*sheet.Sheet, error) {
		return b.Table("execution", q)
	})
}

// closingDay is the business date of the commands: the one given, else the last day of the year, or today while that is to come.
func (a *app) closingDay(o *closure, at *counter, last events.Day) (events.Day, error) {
	text := o.date
	if text == "" {
		today, err := events.ParseDay(a.clerk(at).today())
		return min(last, today), err
	}
	text, err := desk.ReadDate(text)
	if err != nil {
		return 0, a.flagError("date", err)
	}
	day, err := events.ParseDay(text)
	if err != nil {
		return 0, a.flagError("date", err)
	}
	return day, nil
}

// carried reads LINE=AMOUNT:LOT:PURPOSE. The lot may be left empty.
func (a *app) carried(text string, decimals int) (c closing.Carry, err error) {
	bad := usageError{hinted{a.say("error.carry", map[string]string{"value": text}), a.say("error.carry-hint", nil)}}
	line, rest, ok := strings.Cut(text, "=")
	parts := strings.SplitN(rest, ":", 3)
	if !ok || len(parts) < 3 || strings.TrimSpace(parts[2]) == "" {
		return c, bad
	}
	c.Line, c.Lot, c.Purpose = events.Root, strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2])
	if line = strings.TrimSpace(line); line != string(events.Root) {
		if c.Line, err = events.ParseLine(line); err != nil {
			return c, a.flagError("carry", err)
		}
	}
	money, err := desk.ReadAmount(parts[0])
	if err != nil {
		return c, a.flagError("carry", err)
	}
	amount, err := events.ParseAmount(money.Figures)
	if err != nil {
		return c, a.flagError("carry", err)
	}
	if c.Amount, err = amount.Minor(decimals); err != nil {
		return c, a.flagError("carry", err)
	}
	return c, nil
}

// shown prints a sheet where it is looked for: it is the data of a dry run, and before a question what somebody reads.
func (a *app) shown(s *sheet.Sheet, o *closure) error {
	if o.test {
		return a.print(s, o.q)
	}
	return sheet.Write(a.stderr, "text", s, sheet.Options{Lang: a.lang, Unit: sheet.Unit(o.q.unit)})
}

// forReview writes the commands for review, one to a line.
func (a *app) forReview(o *closure, commands [][]byte) error {
	if o.commands == "" {
		return nil
	}
	file := o.commands
	if file == "-" {
		file = ""
	}
	return a.written(file, func(w io.Writer) error {
		_, err := w.Write(append(bytes.Join(commands, []byte("\n")), '\n'))
		return err
	})
}

// closed tries the commands, and appends them all or none once somebody has said so. Then it shows the table that stands from now on.
func (a *app) closed(ctx context.Context, o *closure, at *counter, p parsed, asks *questions, commands [][]byte, table func(*projections.Book, projections.Query) (*sheet.Sheet, error)) error {
	n := ledger.Numberer{}
	var inputs []ledger.Input
	for i, c := range commands {
		in := n.Input(c)
		in.Number = i + 1
		inputs = append(inputs, in)
	}
	receipts, _ := at.propose(ctx, inputs)
	t := &tally{app: a, out: io.Discard}
	if !o.test {
		t.out = a.stdout
	}
	for i := range receipts {
		if r := &receipts[i]; r.Status == ledger.Refused || r.Status == ledger.Failed {
			a.tell(a.say("post.command", map[string]string{"command": string(commands[i])}))
			a.complain(r.Err())
			t.add(receipts)
			return errors.Join(t.err, t.exit())
		}
	}
	if o.test {
		a.note("close.would", map[string]string{"n": count(len(commands))})
		return nil
	}
	at.close() // nobody keeps the folder while somebody thinks
	for _, c := range commands {
		a.tell(a.say("post.command", map[string]string{"command": string(c)}))
	}
	if !o.reviewed {
		yes, err := asks.yes(ctx, a.say("close.append", map[string]string{"n": count(len(commands))}))
		if err != nil {
			return err
		}
		if !yes {
			a.note("post.left", nil)
			return nil
		}
	}
	d := &deed{app: a, fund: p.fund, inputs: inputs, asks: asks, yes: true}
	if err := d.append(ctx, t, at.book.Last()); err != nil {
		return err
	}
	book, root, done, err := a.book(ctx, parsed{fund: p.fund}, 0)
	if err != nil {
		return err
	}
	defer done()
	p.query.Root = root
	s, err := table(book, p.query)
	if err != nil {
		return err
	}
	return sheet.Write(a.stderr, "text", s, sheet.Options{Lang: a.lang, Unit: sheet.Unit(o.q.unit)})
}
