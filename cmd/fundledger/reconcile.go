package main

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/bank"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

// A settlement is what is asked of reconcile beyond the fund.
type settlement struct {
	month, from, to, account, only string
	window                         uint8
	commands, post                 bool
}

// reconcileCommand holds the ledger against the bank. It ends with 1 where something asks for a person, as check does.
func (a *app) reconcileCommand() *cobra.Command {
	q := question{everyYear: true}
	var want settlement
	c := &cobra.Command{
		Use: "reconcile", Short: a.say("cmd.reconcile", nil), Long: a.say("long.reconcile", nil), Example: a.say("example.reconcile", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.reconcile(cmd.Context(), q, want) },
	}
	f := c.Flags()
	f.StringVar(&q.fund, "fund", "", a.say("flag.fund", nil))
	f.StringVar(&want.month, "month", "", a.say("flag.reconcile-month", nil))
	f.StringVar(&want.from, "from", "", a.say("flag.reconcile-from", nil))
	f.StringVar(&want.to, "to", "", a.say("flag.reconcile-to", nil))
	f.StringVar(&want.account, "account", "", a.say("flag.own-account", nil))
	f.Uint8Var(&want.window, "window", bank.UsualWindow, a.say("flag.window", map[string]string{"most": strconv.Itoa(bank.MaxWindow)}))
	f.StringVar(&want.only, "only", "", a.say("flag.only-table", nil))
	f.BoolVar(&want.commands, "commands", false, a.say("flag.commands", nil))
	f.BoolVar(&want.post, "post", false, a.say("flag.post", nil))
	f.StringVar(&q.knownAt, "known-at", "", a.say("flag.known-at", nil))
	f.Uint64Var(&q.wait, "wait", 0, a.say("flag.wait", nil))
	a.printFlags(c, &q)
	a.complete(c)
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(bank.Tables, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("account", func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return slices.DeleteFunc(a.offerAccounts(cmd), func(s cobra.Completion) bool { return !strings.HasPrefix(s, begun) }), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// offerAccounts lists the fund's accounts at the bank.
func (a *app) offerAccounts(cmd *cobra.Command) []cobra.Completion {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	fund, err := events.ParseFund(cmd.Flag("fund").Value.String())
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	a.offering(ctx, func(s *store) { // which has to be open, since the lines are read again
		book, _, _, err := s.book(ctx, parsed{fund: fund})
		if err != nil {
			return
		}
		if v, err := bank.Of(book.History()); err == nil {
			for _, account := range v.Accounts() {
				out = append(out, harmless(account))
			}
		}
	})
	return out
}

// days reads which days are asked for: a month, or from one day to another.
func (a *app) days(want settlement) (from, to events.Day, err error) {
	missing := usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "month"}), a.say("error.missing-month", nil)}}
	switch {
	case want.month != "" && (want.from != "" || want.to != ""):
		return 0, 0, usageError{hinted{a.say("error.month-and-days", nil), a.say("error.missing-month", nil)}}
	case want.month != "":
		month, err := events.ParseMonth(want.month)
		if err != nil {
			return 0, 0, a.flagError("month", err)
		}
		return month.First(), month.Last(), nil
	case want.from == "" || want.to == "":
		return 0, 0, missing
	}
	if from, err = events.ParseDay(want.from); err != nil {
		return 0, 0, a.flagError("from", err)
	}
	if to, err = events.ParseDay(want.to); err != nil {
		return 0, 0, a.flagError("to", err)
	}
	if to < from {
		return 0, 0, usageError{hinted{a.say("error.days-order", map[string]string{"from": want.from, "to": want.to}), a.say("error.missing-month", nil)}}
	}
	return from, to, nil
}

func (a *app) reconcile(ctx context.Context, q question, want settlement) error {
	query := bank.Query{Account: want.account, Window: int(want.window)}
	var err error
	if query.From, query.To, err = a.days(want); err != nil {
		return err
	}
	switch {
	case int(want.window) > bank.MaxWindow:
		return a.badFlag("window", strconv.Itoa(int(want.window)), "0 … "+strconv.Itoa(bank.MaxWindow))
	case want.only != "" && !slices.Contains(bank.Tables, want.only):
		return a.badFlag("only", want.only, strings.Join(bank.Tables, " "))
	case want.post && q.knownAt != "":
		return usageError{hinted{a.say("error.post-known-at", nil), a.say("error.post-known-at-hint", nil)}}
	}
	var found *bank.Reconciliation
	if !want.commands && !want.post {
		err := a.answer(ctx, q, func(b *projections.Book, p projections.Query) (s *sheet.Sheet, err error) {
			if found, err = a.reconciled(b, query); err != nil {
				return nil, err
			}
			return found.Sheet(b.History(), p.Root, want.only)
		})
		if err == nil && !found.Settled() {
			return exit(exitRefused)
		}
		return err
	}
	if q, err = a.settled(ctx, q); err != nil {
		return err
	}
	p, err := a.parse(q)
	if err != nil {
		return err
	}
	book, _, done, err := a.book(ctx, p, events.Seq(q.wait))
	if err != nil {
		return err
	}
	found, err = a.reconciled(book, query)
	done() // the folder is wanted for writing
	if err != nil {
		return err
	}
	lines, err := commandLines(found.Commands(!want.post))
	switch {
	case err != nil:
		return err
	case !want.post:
		_, err = a.stdout.Write(lines)
		return err
	}
	n := bytes.Count(lines, []byte("\n"))
	if n == 0 {
		return nil
	}
	if asks := a.questions(); asks != nil { // who runs this in a script has said so
		if yes, err := asks.yes(ctx, a.say("reconcile.ask", map[string]string{"n": count(n)})); err != nil || !yes {
			return err
		}
	}
	return a.append(ctx, bytes.NewReader(lines), int64(len(lines)), false, false)
}

// reconciled is the reconciliation, of an account that there is.
func (a *app) reconciled(b *projections.Book, q bank.Query) (*bank.Reconciliation, error) {
	found, err := b.Reconciliation(q)
	if err != nil {
		return nil, err
	}
	there := found.Accounts()
	if q.Account != "" && len(there) == 0 {
		return nil, usageError{hinted{a.say("error.no-statements", map[string]string{"fund": string(b.History().Fund())}), a.say("error.no-statements-hint", nil)}}
	}
	if q.Account != "" && !slices.Contains(there, q.Account) {
		return nil, a.badFlag("account", q.Account, strings.Join(there, " "))
	}
	return found, nil
}

// commandLines writes commands as append reads them. Each has the id that append would make for it, so that the same proposal again is a duplicate wherever it
// stands among others.
func commandLines(drafts []*events.Draft) ([]byte, error) {
	var out []byte
	for _, d := range drafts {
		canon, err := events.Canonical(d.JSON())
		if err != nil {
			return nil, err
		}
		id, err := events.Key(canon, 1)
		if err != nil {
			return nil, err
		}
		out = append(append(out, d.Text("id", string(id)).JSON()...), '\n')
	}
	return out, nil
}
