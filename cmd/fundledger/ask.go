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
func (a *app) completed(ctx context.Context, q *questions, s desk.Subject, answers desk.Answers, at *counter, more bool) (err error) {
	asked := false
	for missing := s.Missing(answers); len(missing) > 0; missing = s.Missing(answers) {
		asked = true
		f := missing[0]
		if at == nil && f.Name != "fund" {
			if at, err = a.counter(ctx, events.Fund(first(answers["fund"]))); err != nil {
				return err
			}
			err := a.clerk(at).supplied(s, answers, false)
			if err == nil {
				err = a.clerk(at).ahead(s, answers)
			}
			at.close()
			if err != nil {
				return err
			}
			continue
		}
		if err := a.clerk(at).ask(ctx, q, s, answers, f, true); err != nil {
			return a.leaving(err)
		}
		if f.Name == "of" {
			if err := a.clerk(at).supplied(s, answers, false); err != nil {
				return err
			}
		}
	}
	if !more {
		return nil
	}
	for _, name := range usual[s.Kind] {
		if f := s.Flag(name); f != nil && len(answers[name]) == 0 && asked {
			if err := a.clerk(at).ask(ctx, q, s, answers, *f, false); err != nil {
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
func (k *clerk) ask(ctx context.Context, q *questions, s desk.Subject, answers desk.Answers, f desk.Flag, must bool) error {
	if err := k.offer(s, f, answers); err != nil {
		return err
	}
	def := ""
	switch f.Name {
	case "date":
		def = k.today()
	case "amount":
		left, asked, err := k.rest(s, answers)
		switch {
		case err != nil:
			return err
		case asked:
			def = left
		case left != "":
			k.tell("  " + k.say("post.left-of", map[string]string{"amount": words.Money(left)}))
		}
	}
	prompt := k.label(f.Name) + " (--" + f.Name + ")"
	switch {
	case def != "":
		prompt += " [" + def + "]"
	case !must:
		prompt += " [" + k.say("post.none", nil) + "]"
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
			k.tell(k.say("post.needed", nil))
			continue
		}
		values := []string{k.pick(f, text)}
		if f.Many { // several are parted by semicolons, which no code and no number has
			values = strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '；' })
			for i := range values {
				values[i] = strings.TrimSpace(values[i])
			}
		}
		answers[f.Name] = values
		err = s.Check(answers)
		if err == nil {
			err = k.there(f, text, answers)
		}
		if err == nil {
			return nil
		}
		delete(answers, f.Name)
		k.complain(err)
	}
}

// there refuses at once what the fund does not have: a year, a line.
func (k *clerk) there(f desk.Flag, text string, answers desk.Answers) error {
	h := k.known()
	if h == nil || f.Name != "line" {
		return nil
	}
	year, err := events.ParseYear(first(answers["year"]))
	if err != nil {
		return nil
	}
	y, err := h.Year(year)
	if err != nil {
		return err
	}
	for _, l := range y.Lines() {
		if string(l.Code) == text {
			return nil
		}
	}
	return &events.Error{Code: events.UnknownLine, Args: events.Args{"fund": string(k.fund), "year": year.String(), "line": text}}
}

// pick is a choice that was given by its number in the list, or by its word.
func (k *clerk) pick(f desk.Flag, text string) string {
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Choices) {
		return f.Choices[n-1]
	}
	for _, c := range f.Choices {
		if k.choiceWord(f.Name, c) == text {
			return c
		}
	}
	return text
}

// offer lists what a flag can be.
func (k *clerk) offer(s desk.Subject, f desk.Flag, answers desk.Answers) error {
	all, n, err := k.offers(s, f, answers)
	if err != nil {
		return err
	}
	for i, o := range all {
		left := ""
		if o.left != "" {
			left = words.Money(o.left)
		}
		switch {
		case len(f.Choices) > 0:
			k.tell(fmt.Sprintf("  %d  %s  %s", i+1, padded(o.value, 16), o.words))
		case o.depth > 0:
			k.tell("  " + strings.Repeat("  ", o.depth-1) + padded(o.value, 8) + " " + padded(harmless(o.words), 36-2*o.depth) + " " + left)
		default:
			k.tell("  " + padded(o.value, 8) + " " + padded(harmless(o.words), 36) + " " + left)
		}
	}
	if n > len(all) {
		k.tell("  " + k.say("post.more-offers", map[string]string{"n": count(n - len(all))}))
	}
	return nil
}
