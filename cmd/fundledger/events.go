package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/projections"

	"github.com/spf13/cobra"
	"golang.org/x/text/unicode/norm"
)

// A selection says which events to print.
type selection struct {
	fund, asked, line, from, to, payee, voucher string

	year       events.Year        // asked
	start, end projections.Moment // from and to
}

func (a *app) eventsCommand() *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use: "events", Short: a.say("cmd.events", nil), Example: a.say("example.events", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.events(cmd.Context(), s) },
	}
	f := c.Flags()
	f.StringVar(&s.fund, "fund", "", a.say("flag.fund", nil))
	f.StringVar(&s.asked, "year", "", a.say("flag.year", nil))
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
	var err error
	if want.asked != "" {
		if want.year, err = events.ParseYear(want.asked); err != nil {
			return a.flagError("year", err)
		}
	}
	if want.start, err = a.moment("from", want.from); err != nil {
		return err
	}
	if want.end, err = a.moment("to", want.to); err != nil {
		return err
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
	var all found
	for _, fund := range funds {
		one, err := a.selected(ctx, s, fund, want, &out)
		if err != nil {
			return err
		}
		all.add(one)
	}
	if err := all.missing(ctx, s, want); err != nil {
		return err
	}
	w := bufio.NewWriter(a.stdout)
	_, err = out.WriteTo(w)
	return errors.Join(err, w.Flush())
}

// found is what of a selection there is, in one fund or in several.
type found struct {
	year, line bool
	last       events.Seq // of the longest log
}

func (f *found) add(g found) {
	f.year, f.line, f.last = f.year || g.year, f.line || g.line, max(f.last, g.last)
}

// missing says what is asked for and not there: a fund, a year, a line, a number.
func (f *found) missing(ctx context.Context, s *store, want selection) error {
	args := events.Args{"fund": want.fund, "line": want.line}
	if want.year != 0 {
		args["year"] = want.year.String()
	}
	switch {
	case f.last == 0 && want.fund != "":
		return s.unknownFund(ctx, events.Fund(want.fund))
	case want.year != 0 && !f.year:
		return &events.Error{Code: events.UnknownYear, Args: args}
	case want.line != "" && !f.line:
		return &events.Error{Code: events.UnknownLine, Args: args}
	case want.start.Seq() > f.last:
		return notThere("from", want.from, f.last)
	case want.end.Seq() > f.last:
		return notThere("to", want.to, f.last)
	}
	return nil
}

// selected writes what is asked for of one fund, and says what of it there is.
func (a *app) selected(ctx context.Context, s *store, fund events.Fund, want selection, out *bytes.Buffer) (f found, err error) {
	records, _ := s.stored(ctx, fund)
	var (
		zone  *time.Location
		below = lineage{}
		// Payees can be amended later, so who is asked for is known at the end.
		payees = map[events.Seq][]string{}
		held   []heldLine
	)
	for r, err := range records {
		if err != nil {
			return f, err
		}
		if zone == nil {
			if zone, err = time.LoadLocation(r.Resolved.Zone); err != nil {
				return f, err
			}
		}
		f.last = r.Seq
		below.note(r.Command)
		f.year = f.year || below.has(want.year, events.Root)
		f.line = f.line || below.has(want.year, events.Line(want.line))
		if want.payee != "" {
			p, set := r.Command.Payee, r.Command.Set
			payees[r.Seq] = []string{p.Name, p.ID, p.Ref}
			for _, word := range []*string{set.PayeeName, set.PayeeID} {
				if word != nil {
					payees[r.Resolved.Of] = append(payees[r.Resolved.Of], *word)
				}
			}
		}
		if !want.start.Begun(r.Event, zone) || !want.end.Includes(r.Event, zone) || !want.matches(r.Event, below) {
			continue
		}
		if want.payee != "" {
			held = append(held, heldLine{r.Seq, bytes.Clone(r.line)})
			continue
		}
		out.Write(r.line)
		out.WriteByte('\n')
	}
	for _, h := range held {
		if slices.Contains(payees[h.seq], want.payee) {
			out.Write(h.line)
			out.WriteByte('\n')
		}
	}
	return f, nil
}

// A heldLine is a stored line of which it is not known yet whether it is asked for.
type heldLine struct {
	seq  events.Seq
	line []byte
}

// matches reports whether an event is one of those asked for: of the year by its command or a posting, of the line or one below it.
func (want selection) matches(e *events.Event, below lineage) bool {
	c := e.Command
	ofYear := func(y events.Year) bool { return want.year == 0 || y == want.year }
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
	if want.voucher != "" { // its number, or all of it as tables print it; vouchers are kept NFKC
		asked := strings.TrimSpace(norm.NFKC.String(want.voucher))
		v := c.Voucher
		hit = hit && v != events.Voucher{} &&
			(asked == v.Number || asked == strings.Join([]string{v.Issuer, v.Year.String(), v.Type, v.Number, v.Line}, " "))
	}
	return hit
}

// lineage is the parent of every line of every year.
type lineage map[events.Year]map[events.Line]events.Line

func (l lineage) note(c *events.Command) {
	year := c.Year
	switch c.Kind {
	case events.FundOpened, events.LineAdded:
	case events.CarriedOver: // the money waits there, whether that year is open yet or not
		year = c.ToYear
	default:
		return
	}
	if l[year] == nil {
		l[year] = map[events.Line]events.Line{events.Root: ""}
	}
	for _, spec := range c.Lines {
		l[c.Year][spec.Code] = spec.Parent
	}
}

// has reports whether a year, or with year 0 any, has the line.
func (l lineage) has(year events.Year, line events.Line) bool {
	for y, lines := range l {
		if _, ok := lines[line]; ok && (year == 0 || y == year) {
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
