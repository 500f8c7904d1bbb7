package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
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
	c.Flags().StringVar(&q.format, "format", "", a.say("flag.watch-format", nil))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(sheet.Streams, cobra.ShellCompDirectiveNoFileComp))
	a.complete(c)
	return c
}

// watch shows a year's balances until it is interrupted: on a terminal the table, drawn anew in its place, and in a pipe a line of JSON for each
// change, unless another format is asked for. Each is the whole consistent cut at the number that it names.
func (a *app) watch(ctx context.Context, q question) error {
	terminal := a.terminal()
	if q.format == "" {
		if q.format = "json"; terminal != nil {
			q.format = "text"
		}
	}
	if !slices.Contains(sheet.Streams, q.format) {
		return a.badFlag("format", q.format, strings.Join(sheet.Streams, " "))
	}
	q, err := a.settled(ctx, q)
	if err != nil {
		return err
	}
	p, err := a.parse(q)
	if err != nil {
		return err
	}
	f := &follower{app: a, fund: p.fund}
	f.book = projections.NewBookOf(f.line)
	defer f.release()
	show, end, err := a.balances(q, terminal)
	if err != nil {
		return err
	}
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
			if p.query.Year == 0 {
				if p.query.Year, err = a.yearOf(f.book.History()); err != nil {
					return err
				}
			}
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

// terminal is the terminal on standard output that a table can be drawn anew on, nil where there is none.
func (a *app) terminal() *os.File {
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) && a.getenv("TERM") != "dumb" {
		return f
	}
	return nil
}

// balances returns what shows the latest table, nil where it is the same as before, and what ends the showing.
func (a *app) balances(q question, terminal *os.File) (show func(s *sheet.Sheet, n events.Seq) error, end func(), err error) {
	if terminal != nil && q.format == "text" {
		screen := &screen{w: terminal, size: func() (int, int) {
			width, height, err := term.GetSize(int(terminal.Fd()))
			if err != nil || width == 0 || height == 0 { // a terminal that does not know its size
				return 80, 24
			}
			return width, height
		}}
		return func(s *sheet.Sheet, _ events.Seq) error {
			if s == nil {
				return screen.fit()
			}
			return screen.draw(func(width, height int) (string, error) { return a.onScreen(s, sheet.Unit(q.unit), width, height) })
		}, screen.end, nil
	}
	stream, err := sheet.NewStream(a.stdout, q.format, sheet.Options{Lang: a.lang, Unit: sheet.Unit(q.unit)})
	if err != nil {
		return nil, nil, err
	}
	return func(s *sheet.Sheet, n events.Seq) error {
		if s == nil {
			return nil
		}
		return stream.Write(s, n)
	}, func() {}, nil
}

// missedLeast are the columns that go where a terminal is too narrow, the first of them first: who watches balances wants to see what is available.
var missedLeast = []string{"lapsed", "carried_out", "committed", "original", "name", "adjusted"}

// onScreen is a table as text of fewer lines than height and no wider than width, as far as that can be: without the columns that are missed least, without what
// stands on its face and the further tables where that is too much, and then without the lowest lines of the tree. The total is the last to go.
func (a *app) onScreen(s *sheet.Sheet, unit sheet.Unit, width, height int) (string, error) {
	text := func(s *sheet.Sheet) (string, error) {
		var b strings.Builder
		err := sheet.Write(&b, "text", s, sheet.Options{Lang: a.lang, Unit: unit})
		return b.String() + "\n" + a.say("watch.stop", nil) + "\n", err
	}
	whole, err := text(s)
	for _, name := range missedLeast {
		_, rule, _ := strings.Cut(whole, "\n--")
		rule, _, _ = strings.Cut(rule, "\n")
		if err != nil || len("--"+rule) <= width {
			break
		}
		narrow, main := *s, *s.Tables[0]
		main.Text = slices.DeleteFunc(slices.Clone(main.Text), func(column string) bool { return column == name })
		narrow.Tables = slices.Concat([]*sheet.Table{&main}, s.Tables[1:])
		s = &narrow
		whole, err = text(s)
	}
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
	err := projections.Read(ctx, f.book, f.log.Rest(ctx), f.log.Twig, func(n int) { f.news = f.news || n > 0 })
	f.at = f.log.At()
	return err
}

// line reads the line of an event again, which hardly any table of balances needs: the follower keeps no place of it, so the log is read from its beginning.
func (f *follower) line(ctx context.Context, n events.Seq) ([]byte, error) {
	s, err := f.app.openRead(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	log := s.Log(f.fund)
	for _, err := range log.Replay(ctx) {
		if err != nil {
			return nil, err
		}
	}
	return log.Line(ctx, n)
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
	text          func(width, height int) (string, error)
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
func (s *screen) draw(make func(width, height int) (string, error)) error {
	width, height := s.size()
	text, err := make(width, height)
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
