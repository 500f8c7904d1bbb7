package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/projections"
	"fundledger/projections/sheet"

	"github.com/clipperhouse/displaywidth"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// watchOften is how often watch looks whether something was appended.
const watchOften = 200 * time.Millisecond

func (a *app) watchCommand() *cobra.Command {
	var q question
	c := &cobra.Command{
		Use: "watch", Short: a.say("cmd.watch", nil), Long: a.say("long.watch", nil), Example: a.say("example.watch", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.watch(cmd.Context(), q) },
	}
	a.yearFlags(c, &q)
	c.Flags().StringVar(&q.unit, "unit", string(sheet.Yuan), a.say("flag.unit", nil))
	c.Flags().StringVar(&q.denominator, "denominator", "", a.say("flag.denominator", nil))
	q.format = "text"
	a.complete(c)
	return c
}

// watch shows a year's balances until it is interrupted: on a terminal the table, drawn anew in its place, and in a pipe a line of JSON for each
// change. Either is the whole consistent cut at the number that it names.
func (a *app) watch(ctx context.Context, q question) error {
	p, err := a.parse(q)
	if err != nil {
		return err
	}
	f := &follower{app: a, fund: p.fund, book: projections.NewBook()}
	defer f.release()
	show, end := a.balances(q)
	defer end()
	lost := false
	for {
		news, err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // being interrupted is how it ends
		case events.CodeOf(err) == events.Unavailable && f.at.Seq > 0: // it was there and may come back
			if !lost {
				a.note("watch.lost", nil)
			}
			lost = true
		case err != nil:
			return err
		default:
			if lost {
				a.note("watch.back", nil)
			}
			lost = false
		}
		var s *sheet.Sheet
		if news && err == nil {
			p.query.Root = f.at.Tree.Root().String()
			if s, err = f.book.Table("execution", p.query); err != nil {
				return err
			}
		}
		if err := show(s, f.at.Seq); err != nil {
			return err
		}
		select {
		case <-time.After(watchOften):
		case <-ctx.Done():
			return nil
		}
	}
}

// balances returns what shows the latest table, nil where it is the same as before, and what ends the showing.
func (a *app) balances(q question) (show func(s *sheet.Sheet, n events.Seq) error, end func()) {
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) && a.getenv("TERM") != "dumb" {
		screen := &screen{w: f, size: func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80, 24
			}
			return width, height
		}}
		return func(s *sheet.Sheet, _ events.Seq) error {
			if s == nil {
				return screen.fit()
			}
			return screen.draw(func(height int) (string, error) { return a.onScreen(s, sheet.Unit(q.unit), height) })
		}, screen.end
	}
	var before *sheet.Sheet
	return func(s *sheet.Sheet, n events.Seq) error {
		if s == nil {
			return nil
		}
		changed := sheet.Changed(before, s)
		before = s
		if changed == nil {
			return nil
		}
		return a.writeChange(changed, n)
	}, func() {}
}

// onScreen is a table as text of fewer lines than height, as far as that can be: without what stands on its face and the further tables where that is too much, and
// then without the lowest lines of the tree. The total is the last to go.
func (a *app) onScreen(s *sheet.Sheet, unit sheet.Unit, height int) (string, error) {
	text := func(s *sheet.Sheet) (string, error) {
		var b strings.Builder
		err := sheet.Write(&b, "text", s, sheet.Options{Lang: a.lang, Unit: unit})
		return b.String() + "\n" + a.say("watch.stop", nil) + "\n", err
	}
	whole, err := text(s)
	deepest := 1
	for r := range s.Tables[0].Rows {
		deepest = max(deepest, r.Depth)
	}
	for depth := deepest; err == nil && strings.Count(whole, "\n") >= height && depth > 0; depth-- {
		less, main := *s, *s.Tables[0]
		main.Rows = func(yield func(sheet.Row) bool) {
			for r := range s.Tables[0].Rows {
				if r.Depth <= depth && !yield(r) {
					return
				}
			}
		}
		less.Face, less.Tables = nil, []*sheet.Table{&main}
		whole, err = text(&less)
	}
	return whole, err
}

// writeChange writes what has changed as one line, with the number of the event after which it is so.
func (a *app) writeChange(s *sheet.Sheet, n events.Seq) error {
	s.Head = append([]sheet.Member{{Name: "seq", Value: sheet.Number(n)}}, s.Head...)
	var many, one bytes.Buffer
	if err := sheet.Write(&many, "json", s, sheet.Options{Lang: a.lang}); err != nil {
		return err
	}
	if err := json.Compact(&one, many.Bytes()); err != nil {
		return err
	}
	one.WriteByte('\n')
	_, err := one.WriteTo(a.stdout)
	return err
}

// A follower folds a fund's log and what is appended to it. It reads nothing twice. A folder that no server holds is taken for the moment of reading
// alone, and only when something was appended, so that others can append; with a server, or a ledger elsewhere, the connection is kept.
type follower struct {
	app   *app
	fund  events.Fund
	book  *projections.Book
	at    stream.Position
	store *store
	log   *stream.Log
	trace string // what the folder remembered when it was last read
	news  bool   // events that nobody was told of
}

// look reads what is new and reports whether there was any since it last said so.
func (f *follower) look(ctx context.Context) (bool, error) {
	trace := ""
	if f.app.url == "" && f.store == nil {
		var err error
		if trace, err = stream.Trace(embedded.Heads(f.app.folder), f.fund); err != nil {
			return false, err
		}
		if trace != "" && trace == f.trace && !f.news {
			return false, nil
		}
	}
	if f.store == nil {
		s, err := f.app.openRead(ctx)
		if err != nil {
			return false, err
		}
		f.store, f.log = s, s.LogAt(f.fund, f.at)
	}
	err := f.read(ctx)
	here := f.store.server != nil
	if err == nil && f.at.Seq == 0 {
		err = f.store.unknownFund(ctx, f.fund)
	}
	if here || err != nil {
		f.release()
	}
	if err != nil {
		return false, err
	}
	if here {
		f.trace = trace
	}
	news := f.news
	f.news = false
	return news, nil
}

func (f *follower) read(ctx context.Context) error {
	if f.at.Seq > 0 && f.log.Current(ctx) == nil {
		return nil
	}
	for line, err := range f.log.Rest(ctx) {
		if err != nil {
			f.at = f.log.At()
			return err
		}
		e, err := events.ParseEvent(line)
		if err != nil {
			return err
		}
		if err := f.book.Apply(&e); err != nil {
			return err
		}
		f.news = true
	}
	f.at = f.log.At()
	return nil
}

func (f *follower) release() {
	if f.store != nil {
		f.store.close()
	}
	f.store, f.log = nil, nil
}

// A screen is a text on a terminal that is drawn anew in its place.
type screen struct {
	w             io.Writer
	size          func() (width, height int)
	width, height int
	text          func(height int) (string, error)
	lines         int // drawn, above the cursor
}

// What a terminal is told.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
	clearAll   = "\x1b[H\x1b[2J"
)

// draw puts a text in the place of the last one. A line is cut where the terminal ends: one that wraps would leave something behind.
func (s *screen) draw(make func(height int) (string, error)) error {
	width, height := s.size()
	text, err := make(height)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > height-1 {
		lines = append(lines[:max(height-2, 0)], "…")
	}
	var b strings.Builder
	b.WriteString(hideCursor)
	switch {
	case s.text != nil && (width != s.width || height != s.height): // nobody knows where the lines are now
		b.WriteString(clearAll)
	case s.lines > 0:
		fmt.Fprintf(&b, "\r\x1b[%dA", s.lines)
	}
	for _, line := range lines {
		b.WriteString(displaywidth.TruncateString(line, width, "…") + clearLine + "\n")
	}
	b.WriteString(clearBelow)
	s.width, s.height, s.text, s.lines = width, height, make, len(lines)
	_, err = io.WriteString(s.w, b.String())
	return err
}

// fit draws the text again where the terminal has another size by now.
func (s *screen) fit() error {
	if width, height := s.size(); s.text == nil || width == s.width && height == s.height {
		return nil
	}
	return s.draw(s.text)
}

// end gives the terminal its cursor back.
func (s *screen) end() {
	if s.text != nil {
		_, _ = io.WriteString(s.w, showCursor) // there is nobody to tell
	}
}
