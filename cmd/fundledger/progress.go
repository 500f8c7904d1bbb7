package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// watched reports whether standard error is a terminal, so that somebody sees words that are not errors.
func (a *app) watched() bool {
	f, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// note says something on standard error.
func (a *app) note(name string, args map[string]string) {
	if a.log != nil {
		a.record(name, args)
		return
	}
	fmt.Fprintln(a.stderr, "fundledger: "+a.say(name, args))
}

// A meter shows how far long work is: on a terminal, and in a pipe not at all. The nil meter shows nothing.
type meter struct{ bar *progressbar.ProgressBar }

// progress returns a meter for so many bytes; size -1 is not known.
func (a *app) progress(size int64) *meter {
	if !a.watched() {
		return nil
	}
	return &meter{progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())}
}

// reading returns a meter for the events of a log, of which nobody knows beforehand how many there are.
func (a *app) reading() *meter {
	if !a.watched() {
		return nil
	}
	return &meter{progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())}
}

// step counts one event, and steps some.
func (m *meter) step() { m.steps(1) }

func (m *meter) steps(n int) {
	if m != nil {
		_ = m.bar.Add(n)
	}
}

// reader counts what is read through it.
func (m *meter) reader(r io.Reader) io.Reader {
	if m == nil {
		return r
	}
	return io.TeeReader(r, m.bar)
}

// at says how much has been done.
func (m *meter) at(n int64) {
	if m != nil {
		_ = m.bar.Set64(n)
	}
}

func (m *meter) done() {
	if m != nil {
		_ = m.bar.Finish()
	}
}

// count writes a number for a message, in groups of three.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
