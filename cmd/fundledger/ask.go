package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/desk"
	"fundledger/projections"

	"golang.org/x/term"
)

// Questions are put to somebody at a terminal, a line each. They stand on standard error, since standard output is data.
type questions struct {
	app *app
	in  *bufio.Reader
}

// questions returns nil where nobody can be asked: standard input or standard error is no terminal.
func (a *app) questions() *questions {
	f, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !a.watched() {
		return nil
	}
	return &questions{a, bufio.NewReader(f)}
}

// errLeft says that somebody left before everything was answered.
var errLeft = errors.New("left")

// line asks for a line. It is [errLeft] at the end of the input, and the context's error when that ends.
func (q *questions) line(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(q.app.stderr, prompt+" ")
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := q.in.ReadString('\n')
		got <- answer{text, err}
	}()
	select {
	case g := <-got:
		if errors.Is(g.err, io.EOF) || g.err != nil && g.text == "" {
			fmt.Fprintln(q.app.stderr)
			return "", errLeft
		}
		return strings.TrimSpace(g.text), g.err
	case <-ctx.Done():
		fmt.Fprintln(q.app.stderr)
		return "", ctx.Err()
	}
}

// yes asks for a yes; anything else is no.
func (q *questions) yes(ctx context.Context, prompt string) (bool, error) {
	text, err := q.line(ctx, prompt)
	if errors.Is(err, errLeft) {
		return false, nil
	}
	return slices.Contains([]string{"y", "yes", "是", "ｙ"}, strings.ToLower(text)), err
}

// usual are the flags that most commands of a kind have though none must.
var usual = map[events.Kind][]string{
	events.Disbursed: {"payee", "voucher", "purpose"},
	events.Committed: {"payee", "contract"},
}

// completed asks for what is missing, and with more for what is usual too. Each answer is read at once, and asked for again where it cannot be.
func (a *app) completed(ctx context.Context, q *questions, s desk.Subject, answers desk.Answers, at *counter, today string, more bool) (err error) {
	asked := false
	for missing := s.Missing(answers); len(missing) > 0; missing = s.Missing(answers) {
		asked = true
		f := missing[0]
		if at == nil && f.Name != "fund" {
			if at, err = a.counter(ctx, events.Fund(first(answers["fund"]))); err != nil {
				return err
			}
			at.close()
			if err := a.supplied(s, answers, at, today, false); err != nil {
				return err
			}
			continue
		}
		if err := a.ask(ctx, q, s, answers, f, at, today, true); err != nil {
			return a.leaving(err)
		}
		if f.Name == "of" {
			if err := a.supplied(s, answers, at, today, false); err != nil {
				return err
			}
		}
	}
	if !more {
		return nil
	}
	for _, name := range usual[s.Kind] {
		if f := s.Flag(name); f != nil && len(answers[name]) == 0 && asked {
			if err := a.ask(ctx, q, s, answers, *f, at, today, false); err != nil {
				return a.leaving(err)
			}
		}
	}
	return nil
}

// leaving is what becomes of a command whose questions were not answered: nothing.
func (a *app) leaving(err error) error {
	if errors.Is(err, errLeft) {
		a.note("post.left", nil)
		return exit(exitUsage)
	}
	return err
}

// ask asks for one flag until the answer can be read. An answer of nothing takes the default, or leaves out what need not be given.
func (a *app) ask(ctx context.Context, q *questions, s desk.Subject, answers desk.Answers, f desk.Flag, at *counter, today string, must bool) error {
	a.offer(f, answers, at)
	def := ""
	if f.Name == "date" {
		def = today
	}
	prompt := a.label(f.Name) + " (--" + f.Name + ")"
	switch {
	case def != "":
		prompt += " [" + def + "]"
	case !must:
		prompt += " [" + a.say("post.none", nil) + "]"
	}
	for {
		text, err := q.line(ctx, prompt+":")
		if err != nil {
			return err
		}
		if text == "" {
			text = def
		}
		if text == "" && !must {
			return nil
		}
		if text == "" {
			a.tell(a.say("post.needed", nil))
			continue
		}
		values := []string{a.pick(f, text)}
		if f.Many { // several are parted by semicolons, which no code and no number has
			values = strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '；' })
			for i := range values {
				values[i] = strings.TrimSpace(values[i])
			}
		}
		answers[f.Name] = values
		err = s.Check(answers)
		if err == nil {
			err = a.there(f, text, answers, at)
		}
		if err == nil {
			return nil
		}
		delete(answers, f.Name)
		a.complain(err)
	}
}

// there refuses at once what the fund does not have: a year, a line.
func (a *app) there(f desk.Flag, text string, answers desk.Answers, at *counter) error {
	if at == nil || at.book.Last() == 0 || f.Name != "line" {
		return nil
	}
	year, err := events.ParseYear(first(answers["year"]))
	if err != nil {
		return nil
	}
	y, err := at.book.History().Year(year)
	if err != nil {
		return err
	}
	for _, l := range y.Lines() {
		if string(l.Code) == text {
			return nil
		}
	}
	return &events.Error{Code: events.UnknownLine, Args: events.Args{"fund": string(at.fund), "year": year.String(), "line": text}}
}

// pick is a choice that was given by its number in the list, or by its word.
func (a *app) pick(f desk.Flag, text string) string {
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Choices) {
		return f.Choices[n-1]
	}
	for _, c := range f.Choices {
		if a.choiceWord(f.Name, c) == text {
			return c
		}
	}
	return text
}

// offer lists what a flag can be.
func (a *app) offer(f desk.Flag, answers desk.Answers, at *counter) {
	for i, c := range f.Choices {
		a.tell(fmt.Sprintf("  %d  %s  %s", i+1, padded(c, 16), a.choiceWord(f.Name, c)))
	}
	if f.Name != "line" || at == nil {
		return
	}
	year, err := events.ParseYear(first(answers["year"]))
	if err != nil {
		return
	}
	h := at.book.History()
	y, err := h.Year(year)
	if err != nil {
		return
	}
	balances, err := h.Balances(y, projections.Query{Year: year})
	if err != nil {
		return
	}
	for i, l := range y.Lines() {
		if l.Code == events.Root {
			continue
		}
		name := l.Name
		if a.lang == words.English && l.NameEn != "" {
			name = l.NameEn
		}
		available := ""
		if y.Budgeted && l.Leaf {
			available = words.Money(balances[i].All.Available().Format(h.Decimals()))
		}
		a.tell("  " + strings.Repeat("  ", l.Depth-1) + padded(string(l.Code), 8) + " " + padded(harmless(name), 36-2*l.Depth) + " " + available)
	}
}
