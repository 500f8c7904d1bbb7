package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"
	"fundledger/ledger/desk"
	"fundledger/projections/sheet"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// postCommand has a command for each kind and each cause, with a flag for each of its fields.
func (a *app) postCommand() *cobra.Command {
	var names []string
	for _, s := range desk.Subjects() {
		names = append(names, s.Name())
	}
	c := &cobra.Command{
		Use: "post KIND", Short: a.say("cmd.post", nil), Long: a.say("long.post", nil), Example: a.say("example.post", nil), Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			name := strings.Join(args, " ")
			hint := a.say("error.tables", map[string]string{"choices": strings.Join(names, " ")})
			if like := near(name, names); len(like) > 0 {
				hint = a.say("usage.like", map[string]string{"value": "fundledger post " + like[0]})
			}
			return usageError{hinted{a.say("error.post-kind", map[string]string{"value": name}), hint}}
		},
	}
	for _, s := range desk.Subjects() {
		c.AddCommand(a.postOne(s))
	}
	return c
}

func (a *app) postOne(s desk.Subject) *cobra.Command {
	var yes, dry bool
	section := sectionKind
	if s.Cause != "" {
		section = sectionCause
	}
	_, about, _ := strings.Cut(strings.Replace((page{section, s.Name()}).title(a.lang), "：", ": ", 1), ": ")
	c := &cobra.Command{
		Use: s.Name(), Short: cmp.Or(about, s.Name()), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			answers := desk.Answers{}
			cmd.Flags().Visit(func(f *pflag.Flag) {
				if s.Flag(f.Name) == nil {
					return
				}
				values := []string{f.Value.String()}
				if many, ok := f.Value.(pflag.SliceValue); ok {
					values = many.GetSlice()
				}
				if values = slices.DeleteFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }); len(values) > 0 {
					answers[f.Name] = values
				}
			})
			if err := a.linesOf(answers); err != nil {
				return err
			}
			return a.post(cmd.Context(), s, answers, yes, dry)
		},
	}
	flags := c.Flags()
	known := meanings(a.lang)
	for _, f := range s.Flags() {
		usage := a.usageOf(s, f, known)
		if f.Many {
			flags.StringArray(f.Name, nil, usage)
		} else {
			flags.String(f.Name, "", usage)
		}
		if len(f.Choices) > 0 {
			_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(f.Choices, cobra.ShellCompDirectiveNoFileComp))
		}
		if f.Form == desk.Spec {
			_ = c.RegisterFlagCompletionFunc(f.Name, files)
		}
	}
	flags.SortFlags = false
	flags.BoolVar(&yes, "yes", false, a.say("flag.yes", nil))
	flags.BoolVar(&dry, "dry-run", false, a.say("flag.post-dry-run", nil))
	return c
}

// usageOf says what a flag takes: in words of its own, or in those in which the manual explains the field.
func (a *app) usageOf(s desk.Subject, f desk.Flag, known map[string]string) string {
	usage := cmp.Or(texts.Find(a.lang, "post.flag."+s.Name()+"."+f.Name, nil), texts.Find(a.lang, "post.flag."+f.Name, nil), known[s.Name()+"."+f.Field],
		known[string(s.Kind)+"."+f.Field], known[f.Field], f.Name)
	usage = strings.ReplaceAll(usage, "`", "") // which the library takes for the name of the value
	if len(f.Choices) > 0 {
		usage = a.say("post.choices", map[string]string{"label": a.label(f.Name), "choices": strings.Join(f.Choices, " ")})
	}
	if defaulted := f.Name == "fund" || f.Name == "date" || f.Name == "year" && s.Kind != events.FundOpened; f.Required && !defaulted {
		usage += " *"
	}
	return usage
}

// label is what people call what a flag takes.
func (a *app) label(flag string) string { return cmp.Or(texts.Find(a.lang, "label."+flag, nil), flag) }

// linesOf puts the lines that a file lists in its place: CODE=NAME, or the two with a blank or a tab between, on each line.
func (a *app) linesOf(answers desk.Answers) error {
	var all []string
	for _, v := range answers["lines"] {
		if strings.Contains(v, "=") {
			all = append(all, v)
			continue
		}
		data, err := os.ReadFile(v)
		if err != nil {
			return usageError{err}
		}
		for line := range strings.Lines(strings.TrimPrefix(string(data), "\uFEFF")) {
			line = strings.TrimSpace(line)
			if code, name, ok := strings.Cut(line, "="); ok || line == "" {
				if line != "" {
					all = append(all, strings.TrimSpace(code)+"="+strings.TrimSpace(name))
				}
				continue
			}
			at := strings.IndexAny(line, " \t　")
			if at < 0 {
				at = len(line)
			}
			all = append(all, line[:at]+"="+strings.TrimSpace(line[at:]))
		}
	}
	if len(all) > 0 {
		answers["lines"] = all
	}
	return nil
}

// post makes one command of answers, shows what it would do and appends it once somebody has said so. On a terminal it asks for what is missing.
func (a *app) post(ctx context.Context, s desk.Subject, answers desk.Answers, yes, dry bool) error {
	asks := a.questions()
	if asks == nil && !yes && !dry {
		return usageError{hinted{a.say("error.post-yes", nil), a.say("error.post-yes-hint", nil)}}
	}
	if err := s.Check(answers); err != nil {
		return usageError{err}
	}
	given, err := a.fundOr(ctx, first(answers["fund"]))
	if err != nil && (asks == nil || !errors.As(err, new(usageError))) {
		return err
	}
	var at *counter
	if given != "" {
		answers["fund"] = []string{given}
		if err := s.Check(answers); err != nil {
			return usageError{err}
		}
		if at, err = a.counter(ctx, events.Fund(given)); err != nil {
			return err
		}
		at.close() // nobody keeps the folder while somebody thinks
	}
	today := a.today(at)
	if err := a.supplied(s, answers, at, today, asks == nil); err != nil {
		return err
	}
	if asks != nil {
		if err = a.completed(ctx, asks, s, answers, at, today, !yes); err != nil {
			return err
		}
	} else if missing := s.Missing(answers); len(missing) > 0 {
		return a.lacks(s, missing)
	}
	if len(answers["id"]) == 0 {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		answers["id"] = []string{id.String()}
	}
	raw, c, err := s.Parse(answers)
	if err != nil {
		return usageError{err}
	}
	n := ledger.Numberer{}
	input := n.Input(raw)
	input.Number = 1
	d := &deed{app: a, fund: c.Fund, inputs: []ledger.Input{input}, asks: asks, yes: yes, dry: dry}
	d.echo = func(at *counter) { a.echo(s, answers, c, at, today) }
	return d.do(ctx)
}

// first is the first of some values, "" where there is none.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// lacks says what a command cannot do without.
func (a *app) lacks(s desk.Subject, missing []desk.Flag) error {
	var all []string
	for _, f := range missing {
		all = append(all, "--"+f.Name)
	}
	return usageError{hinted{
		a.say("error.missing-flag", map[string]string{"flag": missing[0].Name}),
		a.say("error.post-lacks", map[string]string{"kind": s.Name(), "flags": strings.Join(all, " ")}),
	}}
}

// today is the day in the fund's zone.
func (a *app) today(at *counter) string {
	now := a.now()
	if at != nil && at.book.Zone() != nil {
		now = now.In(at.book.Zone())
	}
	return events.DayOf(now).String()
}

// supplied fills in the year and the date where they follow from what there is. strict says that nobody can be asked.
func (a *app) supplied(s desk.Subject, answers desk.Answers, at *counter, today string, strict bool) error {
	if s.Flag("date") != nil && len(answers["date"]) == 0 && strict {
		answers["date"] = []string{today}
	}
	if len(answers["year"]) > 0 || s.Kind == events.FundOpened || at == nil {
		return nil
	}
	h := at.book.History()
	if of := s.Flag("of"); of != nil && s.Cause != events.PriorYear { // the year is that of the event named
		if n, err := events.ParseSeq(first(answers["of"])); err == nil && n <= h.Last() {
			answers["year"] = []string{h.Event(n).Year.String()}
			return nil
		}
	}
	if year := a.getenv(yearVariable); year != "" {
		answers["year"] = []string{year}
		if err := s.Check(answers); err != nil {
			return usageError{err}
		}
		return nil
	}
	if h.Last() == 0 {
		return nil
	}
	year, err := a.yearOf(h)
	if err != nil {
		if strict {
			return err
		}
		return nil
	}
	answers["year"] = []string{year.String()}
	return nil
}

// echo says what is about to be appended, as whoever typed it would read it off the paper.
func (a *app) echo(s desk.Subject, answers desk.Answers, c *events.Command, at *counter, today string) {
	called := words.Ledger.Say(a.lang, "kind."+string(c.Kind), nil)
	if c.Cause != "" {
		called = words.Ledger.Say(a.lang, "cause."+string(c.Cause), nil)
	}
	a.tell(a.say("post.head", map[string]string{"kind": called, "fund": string(c.Fund), "year": c.Year.String()}))
	for _, f := range s.Flags() {
		if f.Name == "fund" || f.Name == "year" || f.Name == "id" { // which are said in the head and at the end
			continue
		}
		for _, v := range answers[f.Name] {
			switch {
			case f.Form == desk.Money:
				v = a.money(c.Amount, at)
			case f.Name == "line" || f.Name == "to-line":
				v = strings.TrimSpace(v + " " + a.lineName(at, c.Year, events.Line(v)))
			case f.Name == "date" && v == today:
				v = a.say("post.today", map[string]string{"date": v})
			case len(f.Choices) > 0:
				v = a.choice(f.Name, v)
			}
			a.tell("  " + padded(a.label(f.Name), 14) + " " + harmless(v))
		}
	}
}

// money is an amount in figures, and in capitals where the currency has them.
func (a *app) money(amount events.Amount, at *counter) string {
	currency, decimals := "CNY", 2
	if at != nil && at.book.History().Last() > 0 {
		currency, decimals = at.book.History().Currency(), at.book.History().Decimals()
	}
	text := words.Money(amount.String())
	if m, err := amount.Minor(decimals); err == nil {
		text = words.Money(m.Format(decimals))
	}
	text += " " + currency
	if currency == "CNY" {
		if capitals, ok := events.FormatCapitals(amount); ok {
			text += "  " + capitals
		}
	}
	return text
}

// lineName is the name of a line, "" where there is no such line.
func (a *app) lineName(at *counter, year events.Year, code events.Line) string {
	if at == nil {
		return ""
	}
	y, err := at.book.History().Year(year)
	if err != nil {
		return ""
	}
	for _, l := range y.Lines() {
		if l.Code != code {
			continue
		}
		if code == events.Root {
			return sheet.Catalogue.Say(a.lang, "row.total", nil)
		}
		if a.lang == words.English && l.NameEn != "" {
			return l.NameEn
		}
		return l.Name
	}
	return ""
}

// choice is a choice of a flag with its words.
func (a *app) choice(flag, value string) string {
	if said := a.choiceWord(flag, value); said != "" {
		return said + " (" + value + ")"
	}
	return value
}

func (a *app) choiceWord(flag, value string) string {
	name := flag + "." + value
	return cmp.Or(texts.Find(a.lang, "choice."+name, nil), words.Ledger.Find(a.lang, name, nil), sheet.Catalogue.Find(a.lang, name, nil))
}

// padded is a text with blanks up to so many columns.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displayWidth(s)))
}

// tell says a line on standard error that is no message of the program's own.
func (a *app) tell(line string) { fmt.Fprintln(a.stderr, line) }
