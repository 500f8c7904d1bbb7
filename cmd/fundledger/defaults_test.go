package main

import (
	"strings"
	"testing"
)

const otherYear = `{"kind":"fund-opened","fund":"f","year":2023,"name":"资金","lines":[{"code":"1","name":"a"}]}` + "\n"

// TestDefaultsOfFundAndYear: what is the only one need not be named; the environment names what is not; and where there are several each command says which.
func TestDefaultsOfFundAndYear(t *testing.T) {
	t.Parallel()
	named := func(p *program, args ...string) string {
		return p.ok(t, append(args, "--fund", "f", "--year", "2022")...)
	}
	commands := [][]string{
		{"table", "execution"}, {"report"}, {"check"}, {"statement", "--line", "1"}, {"series", "--line", "1"}, {"table", "budget", "--format", "json"},
	}
	p := onFolder(t)
	p.append(t, small)
	for _, args := range commands {
		if got, want := p.ok(t, args...), named(p, args...); got != want {
			t.Errorf("%v of the only fund and year is\n%s, want\n%s", args, got, want)
		}
	}
	if got, want := p.ok(t, "event", "2"), p.ok(t, "event", "2", "--fund", "f"); got != want {
		t.Errorf("event 2 of the only fund is\n%s, want\n%s", got, want)
	}
	if got, want := p.ok(t, "diff", "--from", "1"), p.ok(t, "diff", "--from", "1", "--fund", "f"); got != want {
		t.Errorf("diff of the only fund is\n%s, want\n%s", got, want)
	}

	refused := func(p *program, flag string, naming ...string) {
		t.Helper()
		for _, lang := range []string{"en", "zh"} {
			for _, args := range append(commands, []string{"watch"}) {
				got := p.run(t, append(args, "--lang", lang)...)
				if got.code != exitUsage || got.out != "" || !strings.Contains(got.err, flag) {
					t.Errorf("%v in %s: exit %d, prints %q, says %q", args, lang, got.code, got.out, got.err)
				}
				for _, name := range naming {
					if !strings.Contains(got.err, name) {
						t.Errorf("%v does not name %s: %s", args, name, got.err)
					}
				}
			}
		}
	}
	refused(onFolder(t), "--fund") // there is no folder, and none is made

	p.append(t, otherYear)
	refused(p, "--year", "2022", "2023", "FUNDLEDGER_YEAR")
	in := *p
	in.env = map[string]string{"FUNDLEDGER_YEAR": "2022"}
	for _, args := range commands {
		if got, want := in.ok(t, args...), named(p, args...); got != want {
			t.Errorf("%v of the year in the environment is\n%s, want\n%s", args, got, want)
		}
	}
	// A closed year is not meant, unless it is the only one.
	p.append(t, `{"kind":"year-closed","fund":"f","year":2023,"date":"2023-12-31"}`+"\n")
	for _, args := range commands {
		if got, want := p.ok(t, args...), named(p, args...); got != want {
			t.Errorf("%v of the only year that is open is\n%s, want\n%s", args, got, want)
		}
	}
	closed := onFolder(t)
	closed.append(t, `{"kind":"fund-opened","fund":"f","year":2022,"name":"资金"}`+"\n"+`{"kind":"year-closed","fund":"f","year":2022,"date":"2022-12-31"}`+"\n")
	if got, want := closed.ok(t, "table", "execution"), named(closed, "table", "execution"); got != want {
		t.Errorf("the only year, closed, is\n%s, want\n%s", got, want)
	}

	p.append(t, strings.ReplaceAll(small, `"fund":"f"`, `"fund":"g"`))
	refused(p, "--fund", "f", "g", "FUNDLEDGER_FUND")
	in.env = map[string]string{"FUNDLEDGER_FUND": "f"}
	for _, args := range commands {
		if got, want := in.ok(t, args...), named(p, args...); got != want {
			t.Errorf("%v of the fund in the environment is\n%s, want\n%s", args, got, want)
		}
	}
	// What is named on the command line goes before the environment.
	if got := in.ok(t, "table", "execution", "--fund", "g"); !strings.Contains(got, "(g)") {
		t.Errorf("the table of g is\n%s", got)
	}
	in.env["FUNDLEDGER_FUND"] = "F F"
	if got := in.run(t, "report"); got.code != exitUsage || !strings.Contains(got.err, "F F") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
