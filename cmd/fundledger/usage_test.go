package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events/words"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	ok := []string{"--fund", "f", "--year", "2022"}
	with := func(first []string, more ...string) []string { return append(slices.Clone(first), more...) }
	table := with([]string{"table", "execution"}, ok...)
	for _, args := range [][]string{
		{"nonsense"},
		{"--nonsense"},
		{"table"},
		with([]string{"table"}, ok...),
		with([]string{"table", "nonsense"}, ok...),
		with([]string{"table", "execution", "budget"}, ok...),
		{"table", "execution", "--fund", "F F", "--year", "2022"},
		{"table", "execution", "--fund", "f", "--year", "22"},
		{"table", "execution", "--fund", "f", "--year", "this"},
		with(table, "--format", "pdf"),
		with(table, "--format", ""),
		with(table, "--unit", "dollar"),
		with(table, "--basis", "hearsay"),
		with(table, "--denominator", "gross"),
		with(table, "--as-of", "2022-02-30"),
		with(table, "--as-of", "2022-06"),
		with(table, "--known-at", "yesterday"),
		with(table, "--known-at", "0"),
		with(table, "--wait", "-1"),
		with(table, "--nonsense"),
		with(table, "--explain", "1"),
		with(table, "--explain", "1=mood"),
		with(table, "--explain", "9=spent"),
		with(table, "--explain", "1=spent", "--format", "csv"),
		with(table, "--by", "nonsense"),
		with(table, "--by", "district"),
		with(table, "--where", "channel"),
		with(table, "--where", "=payment"),
		with(table, "--where", "nonsense=1"),
		with(table, "--where", "basis=hearsay"),
		with([]string{"table", "exceptions", "--where", "channel=payment"}, ok...),
		with([]string{"table", "exceptions", "--by", "channel"}, ok...),
		with([]string{"report", "x"}, ok...),
		with([]string{"report", "--format", "pdf"}, ok...),
		with([]string{"report", "--denominator"}, ok...),
		{"events", "--fund", "F F"},
		{"events", "--fund", "f", "--from", "yesterday"},
		{"events", "--fund", "f", "--to", "2022-02-30"},
		{"events", "--year", "this"},
		{"events", "x"},
		{"events", "--kind", "paid"},
		{"payees", "x"},
		{"payees", "--limit", "-1"},
		{"payees", "--fund", "F F"},
		{"payees", "--fund", "g"},
		{"payees", "--known-at", "1"},
		{"payees", "--known-at", "yesterday"},
		{"payees", "--payee", "nobody"},
		{"payees", "--format", "pdf"},
		{"event", "--fund", "f"},
		{"event", "--fund", "f", "x"},
		{"event", "--fund", "f", "3"},
		{"event", "--fund", "f", "2", "--known-at", "1"},
		{"event", "--fund", "f", "1", "2"},
		{"event", "--fund", "f", "1", "--format", "pdf"},
		{"events", "--dim", "district"},
		{"events", "--dim", "=430702"},
		{"events", "--dim", "district=430702"},
		{"events", "--wait", "2"},
		{"statement", "--fund", "f", "--year", "2022"},
		{"series", "--fund", "f", "--year", "2022"},
		with([]string{"series", "--line", "9"}, ok...),
		with([]string{"series", "--line", "1", "--measure", "rate"}, ok...),
		with([]string{"series", "--line", "1", "--step", "week"}, ok...),
		with([]string{"series", "--line", "1", "--by", "nonsense"}, ok...),
		with(table, "--threshold", "5"),
		with([]string{"table", "progress", "--threshold", "-5"}, ok...),
		with([]string{"table", "progress", "--threshold", "100.5"}, ok...),
		with([]string{"table", "progress", "--threshold", "1.234"}, ok...),
		with([]string{"report", "--by", "nonsense"}, ok...),
		with([]string{"statement", "--line", "1", "--format", "pdf"}, ok...),
		with([]string{"statement", "--line", "1", "x"}, ok...),
		{"diff", "--fund", "f"},
		{"diff", "--fund", "f", "--since", "yesterday"},
		{"diff", "--fund", "f", "--from", "1", "--since", "1"},
		with([]string{"diff", "--from", "1", "--denominator", "gross"}, ok...),
		{"funds", "--format", "pdf"},
		{"funds", "x"},
		with([]string{"watch", "--basis", "hearsay"}, ok...),
		{"reconcile", "--fund", "f"},
		{"reconcile", "--fund", "g", "--month", "2022-04"},
		{"reconcile", "--fund", "f", "--month", "2022"},
		{"reconcile", "--fund", "f", "--month", "April"},
		{"reconcile", "--fund", "f", "--from", "2022-04-01"},
		{"reconcile", "--fund", "f", "--from", "2022-04-02", "--to", "2022-04-01"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "--to", "2022-04-30"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "--window", "61"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "--window", "-1"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "--only", "everything"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "--account", "1"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "--post", "--known-at", "1"},
		{"reconcile", "--fund", "f", "--month", "2022-04", "x"},
		{"completion"},
		{"completion", "tcsh"},
		{"append", "no-such-file"},
		{"append", "testdata"},
		{"append", "a", "b"},
		{"append", "--nonsense"},
		{"sample", "no-such-fund"},
		{"sample", "a", "b"},
		{"serve", "x"},
		{"version", "x"},
		{"correct"},
		{"correct", "x"},
		{"correct", "1", "2"},
		{"correct", "3"},
		{"correct", "2", "--fund", "g"},
		{"correct", "2", "--fund", "F F"},
		{"correct", "2", "--format", "csv"},
		{"correct", "2", "--as", "magic"},
		{"correct", "2", "--set", "amount=1"},
		{"correct", "2", "--as", "repost", "--set", "amount"},
		{"correct", "2", "--as", "repost", "--set", "payee=x"},
		{"correct", "2", "--as", "repost", "--set", "amount=1,23"},
		{"correct", "2", "--as", "repost", "--set", "amount="},
		{"correct", "2", "--as", "repost", "--set", "id=x"},
		{"correct", "2", "--as", "repost", "--set", "fund=g"},
		{"correct", "2", "--as", "repost", "--set", "kind=committed"},
		{"correct", "2", "--as", "repost", "--set", "note=a\xff"},
		{"correct", "2", "--as", "reverse", "--reason", "a\xff"},
		{"correct", "2", "--as", "repost", "--to-line", "1"},
		{"correct", "2", "--as", "reverse", "--set", "amount=1"},
		{"correct", "2", "--as", "amend"},
		{"correct", "2", "--as", "refund", "--amount", "x"},
		{"post"},
		{"post", "paid"},
		{"post", "disbursed", "x"},
		{"post", "disbursed", "--line", "1", "--amount", "1", "--channel", "payment"},
		{"post", "disbursed", "--nonsense", "1"},
		{"post", "refund", "--channel", "payment"},
		{"post", "disbursed", "--yes"},
		{"post", "disbursed", "--yes", "--line", "1", "--amount", "1,23", "--channel", "payment"},
		{"post", "disbursed", "--yes", "--line", "1", "--amount", "1", "--channel", "cash"},
		{"post", "disbursed", "--yes", "--line", "1", "--amount", "1", "--channel", "payment", "--fund", "F F"},
		{"post", "fund-opened", "--yes", "--name", "x", "--year", "2023", "--lines", "no-such-file"},
		{"post", "fund-opened", "--dry-run", "--name", "x", "--lines", "1=a"},
		{"help", "nonsense"},
	} {
		for _, lang := range []string{"en", "zh"} {
			got := p.run(t, append(slices.Clone(args), "--lang", lang)...)
			if got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") || strings.Contains(got.err, "<no value>") {
				t.Errorf("%v in %s: exit %d, prints %q, says %q", args, lang, got.code, got.out, got.err)
			}
			if rawKey.MatchString(got.err) {
				t.Errorf("%v in %s says %q, which is a name and not words", args, lang, got.err)
			}
		}
	}
	if got := p.run(t, "version", "--lang", "fr"); got.code != exitUsage || got.out != "" {
		t.Errorf("exit %d, %q", got.code, got.out)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Errorf("%d events are stored, want 2", n)
	}
}

// rawKey is what a missing word looks like.
var rawKey = regexp.MustCompile(`\b(cmd|flag|help|example|error|tally|serve|code|hint|table|note)\.[a-z]`)

func TestHelp(t *testing.T) {
	t.Parallel()
	var reached bool
	said := map[string]string{} // what is explained, in English
	for _, lang := range words.Languages {
		a := (&program{}).app(nil, nil, "--lang", string(lang))
		root := a.root(&reached)
		var every func(c *cobra.Command)
		every = func(c *cobra.Command) {
			args := append(strings.Fields(c.CommandPath())[1:], "--help", "--lang", string(lang))
			got := (&program{}).run(t, args...)
			if got.code != exitOK || got.err != "" || !strings.Contains(got.out, c.Short) || c.Short == "" {
				t.Errorf("%v: exit %d, %q, %q", args, got.code, got.out, got.err)
			}
			if m := rawKey.FindString(got.out); m != "" || strings.Contains(got.out, "<no value>") {
				t.Errorf("%v shows a name for words, %q:\n%s", args, m, got.out)
			}
			explained := func(what, text string) {
				if lang == words.English {
					said[what] = text
				} else if said[what] == text {
					t.Errorf("%s is explained in English alone: %q", what, text)
				}
				if text == "" {
					t.Errorf("%s is not explained", what)
				}
			}
			explained(c.CommandPath(), c.Short)
			c.Flags().VisitAll(func(f *pflag.Flag) {
				explained(c.CommandPath()+" --"+f.Name, f.Usage)
				if f.Hidden { // for those who measure
					return
				}
				if !strings.Contains(got.out, "--"+f.Name) || !strings.Contains(got.out, f.Usage) {
					t.Errorf("%v does not explain --%s", args, f.Name)
				}
			})
			for _, sub := range c.Commands() {
				every(sub)
			}
		}
		every(root)
	}
	for _, name := range []string{"serve", "append", "sample", "table", "report", "events", "statement", "series", "diff", "funds", "watch", "completion", "bench", "version", "help", "event", "payees", "post", "correct", "reconcile"} {
		if said["fundledger "+name] == "" {
			t.Errorf("there is no command %s", name)
		}
	}
}

func TestHelpCommandIsHelpFlag(t *testing.T) {
	t.Parallel()
	p := &program{}
	for name := range strings.FieldsSeq("serve append sample table report events statement series diff funds watch completion bench version event payees post correct reconcile") {
		if got, want := p.ok(t, "help", name), p.ok(t, name, "--help"); got != want {
			t.Errorf("help %s is\n%s, --help is\n%s", name, got, want)
		}
	}
	if p.ok(t, "help") != p.ok(t) || p.ok(t) != p.ok(t, "--help") {
		t.Error("help, --help and nothing at all are answered differently")
	}
}

func TestVersionAndSample(t *testing.T) {
	t.Parallel()
	p := &program{}
	version := p.ok(t, "version")
	if strings.TrimSpace(version) == "" || strings.TrimSpace(p.ok(t, "--version")) != strings.TrimSpace(version) {
		t.Errorf("version says %q, --version %q", version, p.ok(t, "--version"))
	}
	if p.ok(t, "sample") != p.ok(t, "sample", "cd-gx") {
		t.Error("the sample is not the reference fund")
	}
}

func TestLanguageFromTheEnvironment(t *testing.T) {
	t.Parallel()
	chinese := func(env map[string]string, args ...string) bool {
		p := onFolder(t)
		p.env = env
		got := p.run(t, append([]string{"table", "execution"}, args...)...)
		return strings.Contains(got.err, "缺少")
	}
	for _, test := range []struct {
		env  map[string]string
		args []string
		want bool
	}{
		{nil, nil, false},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, nil, true},
		{map[string]string{"LANG": "de_DE.UTF-8"}, nil, false},
		{map[string]string{"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, nil, false},
		{map[string]string{"LC_MESSAGES": "zh_CN", "LANG": "C"}, nil, true},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, []string{"--lang", "en"}, false},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, []string{"--lang=en"}, false},
		{nil, []string{"--lang=zh"}, true},
	} {
		if got := chinese(test.env, test.args...); got != test.want {
			t.Errorf("%v %v: Chinese is %v", test.env, test.args, got)
		}
	}
}

// What is not watched by anybody gets no progress, and standard output nothing but data.
func TestNothingButData(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	got := p.with("\uFEFF"+small+"\n\n"+pay("p")).run(t, "append", "-")
	if got.code != exitOK || got.err != "" {
		t.Errorf("exit %d, says %q", got.code, got.err)
	}
	rs := receipts(t, got.out)
	if len(rs) != 3 || rs[2].Input != 5 {
		t.Errorf("receipts %s: blank lines count and a byte order mark does not", got.out)
	}
	got = p.with("").run(t, "append")
	if got.code != exitOK || got.out != "" || got.err != "" {
		t.Errorf("nothing to append: exit %d, %q, %q", got.code, got.out, got.err)
	}
	// The worst that became of a command is the exit code, and what came before it stays.
	got = p.with(pay("q")+pay("p")+"nonsense\n"+pay("r")).run(t, "append")
	if got.code != exitRefused || statuses(receipts(t, got.out)) != "appended duplicate refused/malformed appended" {
		t.Errorf("exit %d, %s", got.code, got.out)
	}
	if !bytes.Contains([]byte(strings.Join(p.stored(t), "\n")), []byte(`"id":"r"`)) {
		t.Error("what came after a refusal is not stored")
	}
}
