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
	"fundledger/ledger"
	"fundledger/ledger/desk"

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
		defer at.close()
	}
	if err := a.clerk(at).supplied(s, answers, asks == nil); err != nil {
		return err
	}
	if at != nil {
		if asks != nil {
			if err := a.clerk(at).ahead(s, answers); err != nil {
				return err
			}
		}
		at.close() // nobody keeps the folder while somebody thinks
	}
	if asks != nil {
		if err = a.completed(ctx, asks, s, answers, at, !yes); err != nil {
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
	d.echo = func(at *counter) { a.clerk(at).echo(s, answers, c) }
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

// echo says what is about to be appended, as whoever typed it would read it off the paper.
func (k *clerk) echo(s desk.Subject, answers desk.Answers, c *events.Command) {
	k.tell(k.say("post.head", map[string]string{"kind": k.called(c), "fund": string(c.Fund), "year": c.Year.String()}))
	for _, f := range s.Flags() {
		if f.Name == "fund" || f.Name == "year" || f.Name == "id" { // which are said in the head and at the end
			continue
		}
		for _, v := range answers[f.Name] {
			switch {
			case f.Form == desk.Money:
				v = k.money(c.Amount)
			case f.Name == "line" || f.Name == "to-line":
				v = strings.TrimSpace(v + " " + k.lineName(c.Year, events.Line(v)))
			case f.Name == "date" && v == k.today():
				v = k.say("post.today", map[string]string{"date": v})
			case len(f.Choices) > 0:
				v = k.choice(f.Name, v)
			}
			k.tell("  " + padded(k.label(f.Name), 14) + " " + harmless(v))
		}
	}
}

// padded is a text with blanks up to so many columns.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displayWidth(s)))
}

// tell says a line on standard error that is no message of the program's own.
func (a *app) tell(line string) { fmt.Fprintln(a.stderr, line) }
