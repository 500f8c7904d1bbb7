package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shells are those that a script can be made for.
var shells = []struct {
	name string
	make func(*cobra.Command, io.Writer) error
}{
	{"bash", func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) }},
	{"zsh", (*cobra.Command).GenZshCompletion},
	{"fish", func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) }},
	{"powershell", (*cobra.Command).GenPowerShellCompletionWithDesc},
}

func (a *app) completionCommand() *cobra.Command {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return &cobra.Command{
		Use: "completion " + strings.Join(names, "|"), Short: a.say("cmd.completion", nil), Long: a.say("long.completion", nil), Example: a.say("example.completion", nil),
		Args: cobra.MaximumNArgs(1), ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			at := slices.Index(names, name)
			if at < 0 {
				return usageError{hinted{
					a.say("error.shell", map[string]string{"value": name}), a.say("error.shell-hint", map[string]string{"choices": strings.Join(names, " ")}),
				}}
			}
			return shells[at].make(cmd.Root(), a.stdout)
		},
	}
}

// completeAll lets a shell complete what the ledger at hand has: funds, years, lines, dimensions. Names of files are offered where a file is wanted, and nowhere else.
func (a *app) completeAll(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	_ = root.MarkPersistentFlagDirname("data")
	offers := map[string]func(context.Context, *cobra.Command) []cobra.Completion{"fund": a.offerFunds, "year": a.offerYears, "line": a.offerLines, "by": a.offerDimensions, "where": a.offerConditions, "dim": a.offerClassifications, "explain": a.offerCells, "month": a.offerMonths}
	every := root.Commands()
	for _, c := range root.Commands() {
		every = append(every, c.Commands()...)
	}
	for _, c := range every {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			switch offer := offers[f.Name]; {
			case offer != nil:
				_ = c.RegisterFlagCompletionFunc(f.Name, func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
					ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
					defer cancel()
					found := slices.DeleteFunc(offer(ctx, cmd), func(s cobra.Completion) bool { return !strings.HasPrefix(s, begun) })
					directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
					if slices.Contains([]string{"where", "dim", "explain"}, f.Name) { // the value follows
						directive |= cobra.ShellCompDirectiveNoSpace
					}
					return found, directive
				})
			case f.Name == "out" || f.Name == "creds":
				_ = c.RegisterFlagCompletionFunc(f.Name, files)
			}
		})
	}
}

// files lets the shell offer the names of files.
func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completionPatience is how long somebody who has pressed a key may be kept waiting. What takes longer offers nothing.
const completionPatience = time.Second

// offering opens the ledger at hand for use, and does nothing where that cannot be done at once. Nothing may be said: it would stand in the command line.
func (a *app) offering(ctx context.Context, use func(*store)) {
	quiet := *a
	quiet.stderr, quiet.patience = io.Discard, completionPatience/2
	s, err := quiet.openRead(ctx)
	if err != nil {
		return
	}
	defer s.close()
	use(s)
}

func (a *app) offerFunds(ctx context.Context, _ *cobra.Command) (out []cobra.Completion) {
	a.offering(ctx, func(s *store) {
		if funds, err := s.Funds(ctx); err == nil {
			out = plain(funds)
		}
	})
	return out
}

// offered is the history of the fund that the command line names so far, nil where it cannot be had.
func (a *app) offered(ctx context.Context, cmd *cobra.Command) (h *history.History) {
	quiet := *a
	quiet.stderr, quiet.patience = io.Discard, completionPatience/2
	named, err := quiet.fundOr(ctx, cmd.Flag("fund").Value.String())
	if err != nil {
		return nil
	}
	fund, err := events.ParseFund(named)
	if err != nil {
		return nil
	}
	a.offering(ctx, func(s *store) {
		if book, _, _, err := s.book(ctx, parsed{fund: fund}); err == nil {
			h = book.History()
		}
	})
	return h
}

func (a *app) offerYears(ctx context.Context, cmd *cobra.Command) (out []cobra.Completion) {
	if h := a.offered(ctx, cmd); h != nil {
		for _, y := range h.Years() {
			out = append(out, y.String())
		}
	}
	return out
}

func (a *app) offerMonths(ctx context.Context, cmd *cobra.Command) (out []cobra.Completion) {
	h := a.offered(ctx, cmd)
	if h == nil {
		return nil
	}
	year, _ := events.ParseYear(cmd.Flag("year").Value.String())
	if y, err := h.Year(year); err == nil {
		for _, m := range progress.Months(h, y) {
			out = append(out, m.Date.String())
		}
	}
	return out
}

func (a *app) offerDimensions(ctx context.Context, cmd *cobra.Command) []cobra.Completion {
	h := a.offered(ctx, cmd)
	if h == nil {
		return nil
	}
	year, _ := events.ParseYear(cmd.Flag("year").Value.String()) // every year where none is named
	return h.Dimensions(year)
}

func (a *app) offerConditions(ctx context.Context, cmd *cobra.Command) []cobra.Completion {
	dims := a.offerDimensions(ctx, cmd)
	for i := range dims {
		dims[i] += "="
	}
	return dims
}

// offerCells are the cells of the lines; the measure follows.
func (a *app) offerCells(ctx context.Context, cmd *cobra.Command) []cobra.Completion {
	lines := a.offerLines(ctx, cmd)
	for i, l := range lines {
		code, name, _ := strings.Cut(l, "\t")
		lines[i] = cobra.CompletionWithDesc(code+"=", name)
	}
	return lines
}

// offerClassifications are the conditions that an event's dims can meet: those that every payment has are no dims.
func (a *app) offerClassifications(ctx context.Context, cmd *cobra.Command) []cobra.Completion {
	return slices.DeleteFunc(a.offerConditions(ctx, cmd), func(s cobra.Completion) bool {
		return slices.Contains([]string{history.ByPayee, history.ByMethod, history.ByChannel, history.ByBasis}, strings.TrimSuffix(s, "="))
	})
}

// harmless is a name without what could steer a terminal: shells print descriptions as they are.
func harmless(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, name)
}

// offerLines lists the lines of the year that the command line names, or of every year, with their names.
func (a *app) offerLines(ctx context.Context, cmd *cobra.Command) (out []cobra.Completion) {
	h := a.offered(ctx, cmd)
	if h == nil {
		return nil
	}
	asked := cmd.Flag("year").Value.String()
	told := map[events.Line]bool{} // years mostly have the same
	for _, n := range h.Years() {
		y, err := h.Year(n)
		if err != nil || asked != "" && asked != n.String() {
			continue
		}
		for _, l := range y.Lines() {
			if told[l.Code] {
				continue
			}
			told[l.Code] = true
			name := l.Name
			if a.lang == words.English && l.NameEn != "" {
				name = l.NameEn
			}
			if l.Code == events.Root {
				name = sheet.Catalogue.Say(a.lang, "row.total", nil)
			}
			out = append(out, cobra.CompletionWithDesc(string(l.Code), harmless(name)))
		}
	}
	return out
}
