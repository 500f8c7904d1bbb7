package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/ledger"
	"fundledger/ledger/desk"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// correctFlags are the flags of correct that are answers, those that may be given several times marked.
var correctFlags = []struct {
	name string
	many bool
}{
	{"set", true},
	{"reason", false},
	{"date", false},
	{"year", false},
	{"line", false},
	{"to-line", false},
	{"to-dim", true},
	{"amount", false},
	{"against", false},
	{"flag", false},
	{"text", false},
	{"approver", true},
	{"mode", false},
	{"basis", false},
	{"document", true},
	{"note", false},
}

func (a *app) correctCommand() *cobra.Command {
	var fund, way, format string
	var yes bool
	c := &cobra.Command{
		Use: "correct NUMBER", Short: a.say("cmd.correct", nil), Long: a.say("long.correct", nil), Example: a.say("example.correct", nil), Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			answers := desk.Answers{}
			cmd.Flags().Visit(func(f *pflag.Flag) {
				if !slices.ContainsFunc(correctFlags, func(c struct {
					name string
					many bool
				},
				) bool {
					return c.name == f.Name
				}) {
					return
				}
				answers[f.Name] = []string{f.Value.String()}
				if many, ok := f.Value.(pflag.SliceValue); ok {
					answers[f.Name] = many.GetSlice()
				}
			})
			return a.correct(cmd.Context(), fund, strings.Join(args, ""), way, format, answers, yes)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&fund, "fund", "", a.say("flag.one-fund", nil))
	f.StringVar(&way, "as", "", a.say("flag.correct-as", map[string]string{"choices": strings.Join(desk.Ways, " ")}))
	for _, flag := range correctFlags {
		usage := a.say("correct.flag."+flag.name, nil)
		if flag.many {
			f.StringArray(flag.name, nil, usage)
		} else {
			f.String(flag.name, "", usage)
		}
	}
	f.BoolVar(&yes, "yes", false, a.say("flag.yes", nil))
	f.StringVar(&format, "format", "text", a.say("flag.correct-format", nil))
	_ = c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(desk.Ways, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// correct says what an event is, what hangs on it and what would put it right; or does that, in the way that is named.
func (a *app) correct(ctx context.Context, fund, asked, way, format string, answers desk.Answers, yes bool) error {
	n, err := events.ParseSeq(asked)
	switch {
	case err != nil:
		return usageError{hinted{a.say("error.event", map[string]string{"value": asked}), a.say("error.event-hint", nil)}}
	case format != "text" && format != "json":
		return a.badFlag("format", format, "text json")
	case way != "" && !slices.Contains(desk.Ways, way):
		return a.badFlag("as", way, strings.Join(desk.Ways, " "))
	case way == "" && len(answers) > 0:
		return usageError{hinted{a.say("error.missing-flag", map[string]string{"flag": "as"}), a.say("error.as-hint", map[string]string{"choices": strings.Join(desk.Ways, " ")})}}
	}
	for _, f := range correctFlags {
		if len(answers[f.name]) > 0 && !desk.Takes(way, f.name) {
			return usageError{hinted{a.say("error.not-as", map[string]string{"flag": f.name, "way": way}), a.say("error.not-as-hint", nil)}}
		}
	}
	if fund, err = a.fundOr(ctx, fund); err != nil {
		return err
	}
	if _, err := events.ParseFund(fund); err != nil {
		return a.flagError("fund", err)
	}
	c := desk.NewCase(n)
	at, err := a.counterBeside(ctx, events.Fund(fund), c.Apply)
	if err != nil {
		return err
	}
	defer at.close()
	switch {
	case at.book.Last() == 0 && at.store != nil:
		return at.store.unknownFund(ctx, at.fund)
	case at.book.Last() == 0:
		return &events.Error{Code: events.UnknownFund, Args: events.Args{"fund": fund}}
	case c.Event == nil:
		return a.noEvent(at.fund, n, at.book.Last())
	}
	if c.Event.Command.Kind == events.Reversed {
		target, err := at.book.History().Stored(c.Event.Resolved.Of)
		if err != nil {
			return err
		}
		c.Target = &target
	}
	in, err := a.clerk(at).setting(c)
	if err != nil {
		return err
	}
	if way == "" {
		return a.offers(ctx, c, at, in, format)
	}
	plans, err := c.Plans(way, answers, in)
	if err != nil {
		return usageError{err}
	}
	commands, _ := a.accepted(ctx, at, plans)
	at.close()
	asks := a.questions()
	d := &deed{app: a, fund: at.fund, inputs: inputsOf(commands), asks: asks, yes: yes, commands: asks == nil && !yes}
	d.echo = func(*counter) {
		a.tell(a.say("correct.head", map[string]string{"seq": n.String(), "way": a.say("correct.way."+way, nil)}))
		for _, command := range commands {
			a.tell("  " + harmless(string(command)))
		}
	}
	return d.do(ctx)
}

func inputsOf(commands [][]byte) []ledger.Input {
	n := ledger.Numberer{}
	inputs := make([]ledger.Input, len(commands))
	for i, raw := range commands {
		inputs[i] = n.Input(raw)
		inputs[i].Number = i + 1
	}
	return inputs
}

// accepted is the first of the plans that the ledger takes, else the last with why it does not.
func (a *app) accepted(ctx context.Context, at *counter, plans [][][]byte) (commands [][]byte, refused *ledger.Receipt) {
	for _, commands = range plans {
		receipts, _ := at.propose(ctx, inputsOf(commands))
		refused = nil
		for i := range receipts {
			if s := receipts[i].Status; s == ledger.Refused || s == ledger.Failed {
				refused = &receipts[i]
			}
		}
		if refused == nil {
			return commands, nil
		}
	}
	return commands, refused
}

// What correct prints as JSON.
type (
	jsonOf struct {
		Fund    string        `json:"fund"`
		Event   jsonEvent     `json:"event"`
		Hangs   []jsonHanging `json:"hangs"`
		Offers  []jsonOffer   `json:"offers"`
		Refused []jsonRefusal `json:"refused"`
	}
	jsonEvent struct {
		Seq        events.Seq    `json:"seq"`
		ID         events.ID     `json:"id"`
		Kind       events.Kind   `json:"kind"`
		Cause      events.Cause  `json:"cause,omitempty"`
		Year       events.Year   `json:"year"`
		YearClosed bool          `json:"year_closed"`
		Reversed   *events.Seq   `json:"reversed"`
		Left       []jsonLeft    `json:"left"`
		Flags      []events.Code `json:"flags"`
		Command    string        `json:"command"`
	}
	jsonLeft struct {
		Line events.Line `json:"line"`
		Left string      `json:"left"`
	}
	jsonHanging struct {
		Seq      events.Seq   `json:"seq"`
		Kind     events.Kind  `json:"kind"`
		Cause    events.Cause `json:"cause,omitempty"`
		Names    []jsonName   `json:"names"`
		Reversed *events.Seq  `json:"reversed"`
	}
	jsonName struct {
		Field string     `json:"field"`
		Seq   events.Seq `json:"seq"`
	}
	jsonOffer struct {
		Name     string            `json:"name"`
		Words    string            `json:"words"`
		Needs    []string          `json:"needs"`
		Usage    string            `json:"usage"`
		Commands []json.RawMessage `json:"commands"`
	}
	jsonRefusal struct {
		Name    string      `json:"name"`
		Code    events.Code `json:"code"`
		Message string      `json:"message"`
		Hint    string      `json:"hint"`
	}
)

// offers prints what the event is, what hangs on it, and what would put it right: each way has been tried on the ledger as it is.
func (a *app) offers(ctx context.Context, c *desk.Case, at *counter, in desk.Setting, format string) error {
	e := c.Event
	out := jsonOf{Fund: string(at.fund), Hangs: []jsonHanging{}, Offers: []jsonOffer{}, Refused: []jsonRefusal{}}
	number := func(n events.Seq) *events.Seq {
		if n == 0 {
			return nil
		}
		return &n
	}
	out.Event = jsonEvent{
		Seq: e.Seq, ID: e.ID, Kind: e.Command.Kind, Cause: e.Command.Cause, Year: e.Command.Year, YearClosed: c.Closed(e.Command.Year), Reversed: number(c.Reversed),
		Left: []jsonLeft{}, Flags: append([]events.Code{}, in.Flags...), Command: string(e.Command.Raw),
	}
	for _, p := range c.Left {
		out.Event.Left = append(out.Event.Left, jsonLeft{p.Line, in.Left(p.Left)})
	}
	for _, h := range c.Hangs {
		j := jsonHanging{Seq: h.Seq, Kind: h.Command.Kind, Cause: h.Command.Cause, Names: []jsonName{}, Reversed: number(h.Reversed)}
		for _, n := range h.Names {
			j.Names = append(j.Names, jsonName(n))
		}
		out.Hangs = append(out.Hangs, j)
	}
	for _, offer := range c.Offers(in) {
		plans, err := c.Plans(offer.Name, offer.Probe, in)
		if err != nil {
			return err
		}
		commands, refused := a.accepted(ctx, at, plans)
		if refused != nil {
			if refused.Status == ledger.Failed {
				return refused.Err()
			}
			refused.Say(a.lang)
			out.Refused = append(out.Refused, jsonRefusal{offer.Name, refused.Code, refused.Message, refused.Hint})
			continue
		}
		j := jsonOffer{Name: offer.Name, Words: a.say("correct.way."+offer.Name, nil), Needs: append([]string{}, offer.Needs...), Commands: []json.RawMessage{}}
		j.Usage = "fundledger correct " + e.Seq.String() + " --fund " + string(at.fund) + " --as " + offer.Name
		for _, need := range offer.Needs {
			j.Usage += " --" + need + " …"
		}
		if len(offer.Needs) == 0 {
			for _, command := range commands {
				j.Commands = append(j.Commands, command)
			}
		}
		out.Offers = append(out.Offers, j)
	}
	if format == "json" {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(out); err != nil {
			return err
		}
		_, err := b.WriteTo(a.stdout)
		return err
	}
	return a.offersInWords(c, at, out)
}

func (a *app) offersInWords(c *desk.Case, at *counter, out jsonOf) error {
	k := a.clerk(at)
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	e := c.Event
	line(a.say("correct.event", map[string]string{"seq": e.Seq.String(), "fund": out.Fund, "year": e.Command.Year.String(), "words": k.inWords(e)}))
	if c.Reversed != 0 {
		line(a.say("correct.reversed", map[string]string{"seq": c.Reversed.String()}))
	}
	if out.Event.YearClosed {
		line(a.say("correct.closed", map[string]string{"year": e.Command.Year.String()}))
	}
	for _, f := range out.Event.Flags {
		line(a.say("post.flag", map[string]string{"flag": sheet.Catalogue.Say(a.lang, "flag."+string(f), nil), "code": string(f)}))
	}
	for _, l := range out.Event.Left {
		line(a.say("correct.left", map[string]string{"line": string(l.Line), "left": l.Left}))
	}
	line("")
	if len(c.Hangs) == 0 {
		line(a.say("correct.nothing", nil))
	} else {
		line(a.say("correct.hangs", nil))
	}
	for _, h := range c.Hangs {
		text := "  " + padded(h.Seq.String(), 6) + " " + k.inWords(h.Event)
		for _, n := range h.Names {
			text += "  (" + a.label(strings.ReplaceAll(n.Field, "_", "-")) + " " + n.Seq.String() + ")"
		}
		if h.Reversed != 0 {
			text += "  " + a.say("correct.reversed-by", map[string]string{"seq": h.Reversed.String()})
		}
		line(text)
	}
	line("")
	if len(out.Offers) == 0 {
		line(a.say("correct.no-offer", nil))
	} else {
		line(a.say("correct.offers", nil))
	}
	for _, o := range out.Offers {
		line("  " + padded(o.Name, 12) + " " + o.Words)
		line("               " + o.Usage)
		for _, command := range o.Commands {
			line("               " + harmless(string(command)))
		}
	}
	if len(out.Refused) > 0 {
		line("")
		line(a.say("correct.refused", nil))
		for _, r := range out.Refused {
			line("  " + padded(r.Name, 12) + " " + r.Message + "  " + a.say("hint", map[string]string{"hint": r.Hint}))
		}
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}
