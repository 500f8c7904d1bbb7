package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/document"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

// papersMost is how many papers are printed at once.
const papersMost = 1000

func (a *app) printCommand() *cobra.Command {
	q := question{everyYear: true, unit: string(sheet.Yuan)}
	var check string
	c := &cobra.Command{
		Use: "print NUMBER|FROM-TO ...", Short: a.say("cmd.print", nil), Example: a.say("example.print", nil), Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if check != "" {
				return a.checkPaper(cmd.Context(), check, len(args) > 0 || cmd.Flags().Changed("fund"))
			}
			return a.papers(cmd.Context(), q, args)
		},
	}
	f := c.Flags()
	f.StringVar(&q.fund, "fund", "", a.say("flag.fund", nil))
	f.StringVar(&q.knownAt, "known-at", "", a.say("flag.known-at", nil))
	f.Uint64Var(&q.wait, "wait", 0, a.say("flag.wait", nil))
	f.StringVar(&q.format, "format", document.Formats[0], a.say("flag.paper", nil))
	f.StringVar(&q.out, "out", "", a.say("flag.out", nil))
	f.StringVar(&check, "check", "", a.say("flag.check-paper", nil))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(document.Formats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// A span is events from one number to another, both included. Of a range, events that have no paper are passed over.
type span struct {
	from, to events.Seq
	ranged   bool
}

func (a *app) spans(args []string) (out []span, err error) {
	bad := func(value string) error {
		return usageError{hinted{a.say("error.event", map[string]string{"value": value}), a.say("error.print-hint", nil)}}
	}
	if len(args) == 0 {
		return nil, bad("")
	}
	n := uint64(0)
	for _, arg := range args {
		first, last, ranged := strings.Cut(arg, "-")
		if !ranged {
			last = first
		}
		s := span{ranged: ranged}
		if s.from, err = events.ParseSeq(first); err != nil {
			return nil, bad(arg)
		}
		if s.to, err = events.ParseSeq(last); err != nil || s.to < s.from || s.from == 0 {
			return nil, bad(arg)
		}
		if n += uint64(s.to-s.from) + 1; s.to-s.from >= papersMost || n > papersMost {
			return nil, usageError{hinted{a.say("error.papers", map[string]string{"n": fmt.Sprint(papersMost)}), a.say("error.papers-hint", nil)}}
		}
		out = append(out, s)
	}
	return out, nil
}

// papers prints the papers of events. Nothing is printed unless all can be.
func (a *app) papers(ctx context.Context, q question, args []string) error {
	spans, err := a.spans(args)
	if err != nil {
		return err
	}
	if !slices.Contains(document.Formats, q.format) {
		return a.badFlag("format", q.format, strings.Join(document.Formats, " "))
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
	defer done()
	var papers []*document.Paper
	for _, s := range spans {
		if s.to > book.Last() {
			return a.noEvent(p.fund, s.to, book.Last())
		}
		for n := s.from; n <= s.to; n++ {
			paper, err := document.New(book, n)
			var e *events.Error
			switch {
			case errors.As(err, &e) && e.Why == "no-paper" && s.ranged:
				continue
			case err != nil:
				return err
			}
			papers = append(papers, paper)
		}
	}
	if len(papers) == 0 {
		return usageError{hinted{a.say("error.no-papers", nil), a.say("error.print-hint", nil)}}
	}
	return a.written(q.out, func(w io.Writer) error { return document.Write(w, q.format, papers, a.lang) })
}

// written has something written to a file, or to standard output where none is named.
func (a *app) written(out string, write func(io.Writer) error) (err error) {
	if out == "" {
		return write(a.stdout)
	}
	f, err := os.Create(out)
	if err != nil {
		return usageError{hinted{a.say("error.out", map[string]string{"file": out}), a.say("error.out-hint", nil)}}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}

// checkPaper tells whether what the QR code of a paper holds is in the log.
func (a *app) checkPaper(ctx context.Context, line string, more bool) error {
	if more {
		return usageError{hinted{a.say("error.check-alone", nil), a.say("error.check-alone-hint", nil)}}
	}
	code, err := document.ParseCode(strings.TrimSpace(line))
	if err != nil {
		return usageError{a.flagError("check", err)}
	}
	book, _, done, err := a.book(ctx, parsed{fund: code.Fund, flag: "check", knownAt: projections.Moment{}}, 0)
	if err != nil {
		return err
	}
	defer done()
	args := map[string]string{"fund": string(code.Fund), "value": code.Seq.String(), "last": book.Last().String(), "leaf": code.Leaf.String(), "root": code.Root.String()}
	bad := func(what string) error {
		a.complain(hinted{a.say("error.paper-"+what, args), a.say("error.paper-hint", args)})
		return exit(exitRefused)
	}
	if code.Seq > book.Last() {
		return bad("beyond")
	}
	leaf, err := book.History().Leaf(code.Seq)
	if err != nil {
		return err
	}
	if args["found"] = leaf.String(); leaf != code.Leaf {
		return bad("leaf")
	}
	root, err := book.At(code.Seq).Root()
	if err != nil {
		return err
	}
	if args["found"] = root; root != code.Root.String() {
		return bad("root")
	}
	_, err = fmt.Fprintln(a.stdout, a.say("paper.fits", args))
	return err
}
