package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
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
	fund, asked, line, from, to, payee, voucher, document, kind string
	dims                                                        []string
	wait                                                        uint64

	year       events.Year        // asked
	start, end projections.Moment // from and to
	classes    events.Dims        // dims; a value of "" asks for what has no such key
}

// late reports whether it is known only at the end of the log which events are asked for, since their words can be amended later.
func (want selection) late() bool { return want.payee != "" || want.document != "" }

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
	f.StringVar(&s.document, "document", "", a.say("flag.document", nil))
	f.StringVar(&s.kind, "kind", "", a.say("flag.kind", nil))
	f.StringArrayVar(&s.dims, "dim", nil, a.say("flag.dim", nil))
	f.Uint64Var(&s.wait, "wait", 0, a.say("flag.events-wait", nil))
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(happenings(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// happenings are what --kind takes: the kinds, and the causes of clawed-back, as help does.
func happenings() []string { return slices.Concat(plain(events.Kinds), plain(events.Causes)) }

// checked reads the texts of a selection.
func (a *app) checked(want selection) (selection, error) {
	var err error
	if want.fund != "" {
		if _, err := events.ParseFund(want.fund); err != nil {
			return want, a.flagError("fund", err)
		}
	} else if want.wait > 0 { // a number is one fund's
		return want, usageError{hinted{a.say("error.wait-fund", nil), a.say("error.missing-fund", nil)}}
	}
	if want.asked != "" {
		if want.year, err = events.ParseYear(want.asked); err != nil {
			return want, a.flagError("year", err)
		}
	}
	if want.start, err = a.moment("from", want.from); err != nil {
		return want, err
	}
	if want.end, err = a.moment("to", want.to); err != nil {
		return want, err
	}
	if want.kind != "" && !slices.Contains(happenings(), want.kind) {
		return want, a.badFlag("kind", want.kind, strings.Join(happenings(), " "))
	}
	for _, s := range want.dims {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return want, usageError{hinted{a.say("error.dim", map[string]string{"value": s}), a.say("error.dim-hint", nil)}}
		}
		want.classes = append(want.classes, events.Dim{Key: key, Value: value})
	}
	return want, nil
}

// events prints stored lines verbatim: of one fund, or of every fund in the order of their codes. Nothing is printed of a log that does not
// check out.
func (a *app) events(ctx context.Context, want selection) error {
	want, err := a.checked(want)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = a.awaited(ctx, events.Fund(want.fund), events.Seq(want.wait), func() (events.Seq, error) {
		out.Reset()
		return a.chosen(ctx, want, &out)
	})
	if err != nil {
		return err
	}
	w := bufio.NewWriter(a.stdout)
	_, err = out.WriteTo(w)
	return errors.Join(err, w.Flush())
}

// chosen writes what is asked for of every fund that is, and returns the number of the last event of the longest log.
func (a *app) chosen(ctx context.Context, want selection, out *bytes.Buffer) (events.Seq, error) {
	s, err := a.openRead(ctx)
	if err != nil {
		return 0, err
	}
	defer s.close()
	funds := []events.Fund{events.Fund(want.fund)}
	if want.fund == "" {
		if funds, err = s.Funds(ctx); err != nil {
			return 0, err
		}
	}
	all := found{keys: map[string]bool{}}
	for _, fund := range funds {
		if err := a.selected(ctx, s, fund, want, out, &all); err != nil {
			return all.last, err
		}
	}
	if all.last < events.Seq(want.wait) {
		return all.last, nil
	}
	return all.last, a.missing(ctx, s, want, all)
}

// found is what of a selection there is, in one fund or in several.
type found struct {
	year, line bool
	keys       map[string]bool // of dims
	last       events.Seq      // of the longest log
}

// missing says what is asked for and not there: a fund, a year, a line, a number, a classification.
func (a *app) missing(ctx context.Context, s *store, want selection, all found) error {
	args := events.Args{"fund": want.fund, "line": want.line}
	if want.year != 0 {
		args["year"] = want.year.String()
	}
	switch {
	case all.last == 0 && want.fund != "":
		return s.unknownFund(ctx, events.Fund(want.fund))
	case want.year != 0 && !all.year:
		return &events.Error{Code: events.UnknownYear, Args: args}
	case want.line != "" && !all.line:
		return &events.Error{Code: events.UnknownLine, Args: args}
	case want.start.Seq() > all.last:
		return notThere("from", want.from, all.last)
	case want.end.Seq() > all.last:
		return notThere("to", want.to, all.last)
	}
	for _, d := range want.classes {
		if !all.keys[d.Key] {
			return a.noDimension(want.fund, d.Key, slices.Sorted(maps.Keys(all.keys)))
		}
	}
	return nil
}

// selected writes what is asked for of one fund, and notes what of it there is.
func (a *app) selected(ctx context.Context, s *store, fund events.Fund, want selection, out *bytes.Buffer, all *found) error {
	records, _ := s.stored(ctx, fund)
	var (
		zone  *time.Location
		below = lineage{}
		// Words can be amended later, so whose they are is known at the end.
		payees, documents = map[events.Seq][]string{}, map[events.Seq][]string{}
		held              []heldLine
	)
	for r, err := range records {
		if err != nil {
			return err
		}
		if zone == nil {
			if zone, err = time.LoadLocation(r.Resolved.Zone); err != nil {
				return err
			}
		}
		all.last = max(all.last, r.Seq)
		below.note(r.Command)
		all.year = all.year || below.has(want.year, events.Root)
		all.line = all.line || below.has(want.year, events.Line(want.line))
		if len(want.classes) > 0 {
			for d := range classifications(r.Event) {
				for _, dim := range d {
					all.keys[dim.Key] = true
				}
			}
		}
		if want.late() {
			p, set := r.Command.Payee, r.Command.Set
			payees[r.Seq] = []string{p.Name, p.ID, p.Ref}
			for _, word := range []*string{set.PayeeName, set.PayeeID} {
				if word != nil {
					payees[r.Resolved.Of] = append(payees[r.Resolved.Of], *word)
				}
			}
			documents[r.Seq] = append(slices.Clone(r.Command.Documents), r.Command.Quota, r.Command.Source.Document)
			documents[r.Resolved.Of] = append(documents[r.Resolved.Of], set.Documents...)
		}
		if !want.start.Begun(r.Event, zone) || !want.end.Includes(r.Event, zone) || !want.matches(r.Event, below) {
			continue
		}
		if want.late() {
			held = append(held, heldLine{r.Seq, bytes.Clone(r.line)})
			continue
		}
		out.Write(r.line)
		out.WriteByte('\n')
	}
	names := func(all []string, asked string) bool {
		return asked == "" || slices.ContainsFunc(all, func(s string) bool { return s != "" && alike(s) == alike(asked) })
	}
	for _, h := range held {
		if names(payees[h.seq], want.payee) && names(documents[h.seq], want.document) {
			out.Write(h.line)
			out.WriteByte('\n')
		}
	}
	return nil
}

// alike is a text without what typing it may change: width of characters, blanks about it.
func alike(s string) string { return strings.TrimSpace(norm.NFKC.String(s)) }

// classifications are the dims of an event's command and of each of its postings.
func classifications(e *events.Event) iter.Seq[events.Dims] {
	return func(yield func(events.Dims) bool) {
		if !yield(e.Command.Dims) {
			return
		}
		for i := range e.Postings {
			if !yield(e.Postings[i].Dims) {
				return
			}
		}
	}
}

// A heldLine is a stored line of which it is not known yet whether it is asked for.
type heldLine struct {
	seq  events.Seq
	line []byte
}

// matches reports whether an event is one of those asked for, which it is where everything that is asked holds: of the kind; of the year by its command or a
// posting, of the line or one below it; of the voucher; of all classifications by its command or by one posting.
func (want selection) matches(e *events.Event, below lineage) bool {
	c := e.Command
	if want.kind != "" && want.kind != string(c.Kind) && want.kind != string(c.Cause) {
		return false
	}
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
		asked := alike(want.voucher)
		v := c.Voucher
		hit = hit && v != events.Voucher{} &&
			(asked == v.Number || asked == strings.Join([]string{v.Issuer, v.Year.String(), v.Type, v.Number, v.Line}, " "))
	}
	return hit && want.classified(e)
}

// classified reports whether one of an event's classifications has all that are asked for.
func (want selection) classified(e *events.Event) bool {
	if len(want.classes) == 0 {
		return true
	}
	for d := range classifications(e) {
		if !slices.ContainsFunc(want.classes, func(asked events.Dim) bool { return d.Get(asked.Key) != asked.Value }) {
			return true
		}
	}
	return false
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
