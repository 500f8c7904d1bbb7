package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/ledger"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// A counter is a fund as somebody has it before them who is about to append: its book, and a trial of the real ledger.
type counter struct {
	fund  events.Fund
	store *store // nil where there is no folder yet
	log   *stream.Log
	book  *projections.Book
	trial *ledger.Trial
	clerk *clerk
}

// counter reads a fund. A fund that nobody has opened yet has an empty book.
func (a *app) counter(ctx context.Context, fund events.Fund) (*counter, error) {
	return a.counterBeside(ctx, fund, nil)
}

// counterBeside shows each event to somebody else too, in the order of the log, who may keep it.
func (a *app) counterBeside(ctx context.Context, fund events.Fund, see func(*events.Event)) (*counter, error) {
	c := &counter{fund: fund}
	s, err := a.openRead(ctx)
	var e *events.Error
	switch {
	case err == nil:
		c.store = s
	case errors.As(err, &e) && e.Why == "no-folder": // appending would make one
		c.book, c.trial = projections.NewBook(), ledger.NewTrial(func(events.Fund) ledger.Log { return nothing{} }, a.now)
		return c, nil
	default:
		return nil, err
	}
	c.trial = ledger.NewTrial(s.logs, a.now)
	c.log = s.Log(fund)
	c.book = projections.NewBookOf(c.log.Line)
	meter := a.reading()
	err = projections.Read(ctx, c.book, beside(c.log.Replay(ctx), see), c.log.Twig, meter.steps)
	meter.done()
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// beside yields lines and shows the event of each.
func beside(lines iter.Seq2[[]byte, error], see func(*events.Event)) iter.Seq2[[]byte, error] {
	if see == nil {
		return lines
	}
	return func(yield func([]byte, error) bool) {
		for line, err := range lines {
			if err == nil {
				var e events.Event
				if e, err = events.ParseEvent(bytes.Clone(line)); err == nil {
					see(&e)
				}
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// close lets go of the folder. The book can still be asked what needs no line of the log.
func (c *counter) close() {
	if c.store != nil {
		c.store.close()
		c.store = nil
	}
}

// propose tries commands on the ledger as it is, all or none, and returns their receipts and the lines of what would be stored.
func (c *counter) propose(ctx context.Context, inputs []ledger.Input) ([]ledger.Receipt, [][]byte) {
	return c.trial.Propose(ctx, inputs, ledger.Local)
}

// effect is what proposed lines would do to the lines and lots that they post to, nil where they post nothing.
func (c *counter) effect(lines [][]byte) (*sheet.Sheet, error) {
	next, err := parsedLines(lines)
	if err != nil {
		return nil, err
	}
	return orNothing(c.book.Foresee(next))
}

// parsedLines reads lines of events.
func parsedLines(lines [][]byte) ([]events.Event, error) {
	next := make([]events.Event, len(lines))
	for i, line := range lines {
		var err error
		if next[i], err = events.ParseEvent(bytes.Clone(line)); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// orNothing is an effect, nil where there are no rows in it.
func orNothing(s *sheet.Sheet, err error) (*sheet.Sheet, error) {
	if err != nil {
		return nil, err
	}
	for range s.Tables[0].Rows {
		return s, nil
	}
	return nil, nil
}

// A deed is commands that somebody is about to append, all or none.
type deed struct {
	app      *app
	fund     events.Fund
	inputs   []ledger.Input
	asks     *questions // nil where nobody can be asked
	yes, dry bool
	commands bool           // nobody is asked and nothing appended: the commands are printed
	echo     func(*counter) // says what they are
}

// do shows what the commands would do, asks whether to append them, and appends them. What the ledger would refuse is not sent.
func (d *deed) do(ctx context.Context) error {
	a := d.app
	at, err := a.counter(ctx, d.fund)
	if err != nil {
		return err
	}
	defer at.close()
	last := at.book.Last()
	d.echo(at)
	receipts, lines := at.propose(ctx, d.inputs)
	t := &tally{app: a, out: a.stdout}
	stored, flagged, twice := 0, []events.Code{}, false
	for i := range receipts {
		r := &receipts[i]
		switch r.Status {
		case ledger.Refused, ledger.Failed:
			a.complain(r.Err())
			t.add(receipts)
			return errors.Join(t.err, t.exit())
		case ledger.Duplicate:
			a.note("post.duplicate", map[string]string{"seq": r.Seq.String()})
		default:
			stored++
		}
		for _, f := range r.Flags {
			flagged = append(flagged, f)
			twice = twice || f == events.PossibleDuplicate && r.Status != ledger.Duplicate
		}
	}
	if stored == 0 {
		t.add(receipts)
		return t.err
	}
	s, err := at.effect(lines)
	if err == nil && s != nil {
		a.tell("")
		err = sheet.Write(a.stderr, "text", s, sheet.Options{Lang: a.lang, Unit: sheet.Yuan})
	}
	if err != nil {
		return err
	}
	for _, f := range flagged {
		a.tell(a.say("post.flag", map[string]string{"flag": sheet.Catalogue.Say(a.lang, "flag."+string(f), nil), "code": string(f)}))
	}
	if d.commands {
		for i := range d.inputs {
			if _, err := fmt.Fprintf(a.stdout, "%s\n", d.inputs[i].Command.Raw); err != nil {
				return err
			}
		}
		return nil
	}
	if d.dry {
		for i := range d.inputs {
			a.tell(a.say("post.command", map[string]string{"command": harmless(string(d.inputs[i].Command.Raw))}))
		}
		t.add(receipts)
		return t.err
	}
	at.close() // nobody keeps the folder while somebody thinks
	if len(d.inputs) == 1 {
		a.tell(a.say("post.id", map[string]string{"id": string(d.inputs[0].ID)}))
	}
	if !d.yes {
		question := a.say("post.append", nil)
		if twice {
			question = a.say("post.append-twice", nil)
		}
		yes, err := d.asks.yes(ctx, question)
		if err != nil {
			return err
		}
		if !yes {
			a.note("post.left", nil)
			return nil
		}
	}
	return d.append(ctx, t, last)
}

// append sends the commands and says what became of them. last is the last event of what was shown.
func (d *deed) append(ctx context.Context, t *tally, last events.Seq) error {
	a := d.app
	s, err := a.openWrite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	done := make(chan []ledger.Receipt, 1)
	s.submit(ctx, d.inputs, len(d.inputs) > 1, func(rs []ledger.Receipt) { done <- rs })
	receipts := <-done
	t.add(receipts)
	from, to := events.Seq(0), events.Seq(0)
	for i := range receipts {
		r := &receipts[i]
		switch r.Status {
		case ledger.Failed:
			a.complain(r.Err())
			a.note("post.again", map[string]string{"id": string(r.ID)})
		case ledger.Refused:
			a.complain(r.Err())
		case ledger.Duplicate:
			a.note("post.duplicate", map[string]string{"seq": r.Seq.String()})
		case ledger.Appended:
			if from == 0 {
				from = r.Seq
			}
			to = r.Seq
		}
	}
	switch {
	case from == 0:
	case from == to:
		a.note("post.appended", map[string]string{"seq": to.String(), "fund": string(d.fund)})
	default:
		a.note("post.appended-together", map[string]string{"from": from.String(), "to": to.String()})
	}
	if t.err != nil {
		return t.err
	}
	if from > last+1 { // the lines are not what they were when they were shown
		a.note("post.meanwhile", map[string]string{"n": count(int(from - last - 1))})
		book, _, _, err := s.book(ctx, parsed{fund: d.fund})
		if err != nil {
			return err
		}
		now, err := orNothing(book.At(to).Effect(from - 1))
		if err == nil && now != nil {
			err = sheet.Write(a.stderr, "text", now, sheet.Options{Lang: a.lang, Unit: sheet.Yuan})
		}
		if err != nil {
			return err
		}
	}
	return t.exit()
}
