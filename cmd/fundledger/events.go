package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"fundledger/events"

	"github.com/spf13/cobra"
)

// A selection says which events to print.
type selection struct {
	fund, line, from, to, payee, voucher string
	year                                 int
}

func (a *app) eventsCommand() *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use: "events", Short: a.say("cmd.events", nil), Example: a.say("example.events", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.events(cmd.Context(), s) },
	}
	f := c.Flags()
	f.StringVar(&s.fund, "fund", "", a.say("flag.fund", nil))
	f.IntVar(&s.year, "year", 0, a.say("flag.year", nil))
	f.StringVar(&s.line, "line", "", a.say("flag.line", nil))
	f.StringVar(&s.from, "from", "", a.say("flag.from", nil))
	f.StringVar(&s.to, "to", "", a.say("flag.to", nil))
	f.StringVar(&s.payee, "payee", "", a.say("flag.payee", nil))
	f.StringVar(&s.voucher, "voucher", "", a.say("flag.voucher", nil))
	return c
}

// events prints stored lines verbatim: of one fund, or of every fund in the order of their codes. Nothing is printed of a log that does not
// check out.
func (a *app) events(ctx context.Context, want selection) error {
	var funds []events.Fund
	if want.fund != "" {
		fund, err := events.ParseFund(want.fund)
		if err != nil {
			return a.flagError("fund", err)
		}
		funds = []events.Fund{fund}
	}
	s, err := a.openRead(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if funds == nil {
		if funds, err = s.Funds(ctx); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	for _, fund := range funds {
		if err := a.selected(ctx, s, fund, want, &out); err != nil {
			return err
		}
	}
	w := bufio.NewWriter(a.stdout)
	_, err = out.WriteTo(w)
	return errors.Join(err, w.Flush())
}

func (a *app) selected(ctx context.Context, s *store, fund events.Fund, want selection, out *bytes.Buffer) error {
	records, _ := s.stored(ctx, fund)
	var (
		from, to moment
		zone     *time.Location
		below    = lineage{}
		yearSeen bool
		lineSeen bool
		last     events.Seq
	)
	for r, err := range records {
		if err != nil {
			return err
		}
		if zone == nil {
			if zone, err = time.LoadLocation(r.Resolved.Zone); err != nil {
				return err
			}
			if from, err = a.moment("from", want.from, zone); err != nil {
				return err
			}
			if to, err = a.moment("to", want.to, zone); err != nil {
				return err
			}
		}
		last = r.Seq
		below.note(&r.Command)
		yearSeen = yearSeen || want.year == 0 || int(r.Command.Year) == want.year
		lineSeen = lineSeen || want.line == "" || below.has(want.year, events.Line(want.line))
		if want.from != "" && from.after(r.Event) || want.to != "" && to.before(r.Event) {
			continue
		}
		if want.matches(r.Event, below) {
			out.Write(r.line)
			out.WriteByte('\n')
		}
	}
	switch {
	case last == 0 && want.fund != "":
		return s.unknownFund(ctx, fund)
	case want.fund != "" && !yearSeen:
		return &events.Error{Code: events.UnknownYear, Args: events.Args{"fund": want.fund, "year": events.Year(want.year).String()}}
	case want.fund != "" && !lineSeen:
		args := events.Args{"fund": want.fund, "line": want.line}
		if want.year != 0 {
			args["year"] = events.Year(want.year).String()
		}
		return &events.Error{Code: events.UnknownLine, Args: args}
	}
	switch {
	case from.seq > last:
		return notThere("from", want.from, last)
	case to.seq > last:
		return notThere("to", want.to, last)
	}
	return nil
}

// matches reports whether an event is one of those asked for: of the year by its command or a posting, of the line or one below it.
func (want selection) matches(e *events.Event, below lineage) bool {
	c := &e.Command
	year := events.Year(want.year)
	ofYear := func(y events.Year) bool { return year == 0 || y == year }
	hit := want.line == "" && ofYear(c.Year)
	for i := range e.Postings {
		p := &e.Postings[i]
		hit = hit || ofYear(p.Year) && (want.line == "" || below.under(p.Year, p.Line, events.Line(want.line)))
	}
	if want.line != "" && !hit {
		for _, l := range []events.Line{c.Line, e.Resolved.Line} {
			hit = hit || l != "" && ofYear(c.Year) && below.under(c.Year, l, events.Line(want.line))
		}
	}
	if want.payee != "" {
		p := c.Payee
		hit = hit && slices.Contains([]string{p.Name, p.ID, p.Ref}, want.payee)
	}
	if want.voucher != "" {
		hit = hit && c.Voucher.Number == want.voucher
	}
	return hit
}

// lineage is the parent of every line of every year.
type lineage map[events.Year]map[events.Line]events.Line

func (l lineage) note(c *events.Command) {
	if c.Kind != events.FundOpened && c.Kind != events.LineAdded {
		return
	}
	if l[c.Year] == nil {
		l[c.Year] = map[events.Line]events.Line{events.Root: ""}
	}
	for _, spec := range c.Lines {
		l[c.Year][spec.Code] = spec.Parent
	}
}

// has reports whether a year, or with year 0 any, has the line.
func (l lineage) has(year int, line events.Line) bool {
	for y, lines := range l {
		if _, ok := lines[line]; ok && (year == 0 || int(y) == year) {
			return true
		}
	}
	return false
}

// under reports whether a line is another or below it.
func (l lineage) under(year events.Year, line, above events.Line) bool {
	for at := line; at != ""; at = l[year][at] {
		if at == above {
			return true
		}
	}
	return false
}
