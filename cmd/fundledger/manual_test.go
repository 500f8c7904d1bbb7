package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// headings are those of a section's pages, in each language; topics have their own, as many in each.
var headings = map[string]map[words.Language][]string{
	sectionKind: {
		words.English: {"Fields", "What it posts", "What refuses it", "Example"},
		words.Chinese: {"字段", "记入什么", "何时拒绝", "例"},
	},
	sectionCode: {
		words.English: {"What happened", "Why", "The way out", "Example"},
		words.Chinese: {"发生了什么", "为什么", "怎么办", "例"},
	},
}

func headingsOf(text string) (all []string) {
	for line := range strings.Lines(text) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			all = append(all, strings.TrimSpace(h))
		}
	}
	return all
}

func TestEveryPageInBothLanguages(t *testing.T) {
	t.Parallel()
	p := &program{}
	for _, page := range manualPages() {
		for _, lang := range words.Languages {
			text := page.text(lang)
			if text == "" {
				t.Errorf("there is no page %v in %s", page, lang)
				continue
			}
			sep := map[words.Language]string{words.English: ": ", words.Chinese: "："}[lang]
			if !strings.HasPrefix(text, "# "+page.name+sep) {
				t.Errorf("%v in %s begins with %q", page, lang, page.title(lang))
			}
			want := headings[strings.Replace(page.section, sectionCause, sectionKind, 1)][lang]
			if got := headingsOf(text); want != nil && !slices.Equal(got, want) {
				t.Errorf("%v in %s has the headings %q, want %q", page, lang, got, want)
			} else if n := len(headingsOf(page.text(words.English))); len(got) != n {
				t.Errorf("%v has %d headings in %s, %d in English", page, len(got), lang, n)
			}
			for _, parts := range strings.Split(text, "\n\n") {
				if strings.TrimSpace(parts) == "" {
					t.Errorf("%v in %s has an empty part", page, lang)
				}
			}
			out := p.ok(t, "help", page.name, "--lang", string(lang))
			if strings.Contains(out, "{{") || rawKey.MatchString(strings.ReplaceAll(out, "cmd.local.", "")) { // that one is a subject
				t.Errorf("%v in %s has something that is not filled in:\n%s", page, lang, out)
			}
			for line := range strings.Lines(out) {
				if w := displayWidth(strings.TrimSuffix(line, "\n")); w > 100 {
					t.Errorf("%v in %s has a line %d columns wide: %s", page, lang, w, line)
				}
			}
		}
	}
}

// Every file of the manual is a page or an example of one, and every field of every kind is explained.
func TestNoPageIsOrphaned(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"manual/en/fields.md": true, "manual/zh/fields.md": true}
	for _, p := range manualPages() {
		for _, lang := range words.Languages {
			want[fmt.Sprintf("manual/%s/%s/%s.md", lang, p.section, p.name)] = true
		}
		want["manual/examples/"+p.section+"/"+p.name+".jsonl"] = true
	}
	names, err := manualFileNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !want[name] {
			t.Errorf("%s is a page of nothing", name)
		}
	}
	for _, lang := range words.Languages {
		used, known := map[string]bool{}, meanings(lang)
		for _, p := range manualPages() {
			if p.section != sectionKind && p.section != sectionCause {
				continue
			}
			kind, cause := events.Kind(p.name), events.Cause("")
			if p.section == sectionCause {
				kind, cause = events.ClawedBack, events.Cause(p.name)
			}
			for _, f := range events.Fields(kind, cause) {
				if slices.Contains(commonFields, f) {
					continue
				}
				name := p.name + "." + f
				if known[name] == "" {
					name = f
				}
				if used[name] = true; known[name] == "" {
					t.Errorf("nobody explains the field %s of %s in %s", f, p.name, lang)
				}
			}
		}
		for name := range known {
			if !used[name] {
				t.Errorf("no kind has the field %s that is explained in %s", name, lang)
			}
		}
		all := (page{sectionTopic, "fields"}).text(lang)
		for _, f := range commonFields {
			if !strings.Contains(all, "- "+f) {
				t.Errorf("the topic fields does not explain %s in %s", f, lang)
			}
		}
	}
}

func TestHelpOfAWord(t *testing.T) {
	t.Parallel()
	p := &program{}
	list := p.ok(t, "help", "topics")
	for _, page := range manualPages() {
		if !strings.Contains(list, "\n  "+page.name+" ") {
			t.Errorf("help topics does not list %s", page.name)
		}
	}
	for _, same := range [][2][]string{
		{{"help", "disbursed"}, {"help", "支出"}},
		{{"help", "Over-Budget"}, {"help", "over", "budget"}},
		{{"help", "over-budget", "--lang", "zh"}, {"help", "超预算", "--lang", "zh"}},
		{{"help", "lot-expired"}, {"help", "lot", "expired"}},
		{{"help", "refund", "--lang", "zh"}, {"help", "退款", "--lang", "zh"}},
	} {
		if p.ok(t, same[0]...) != p.ok(t, same[1]...) {
			t.Errorf("%v and %v are answered differently", same[0], same[1])
		}
	}
	both := p.ok(t, "help", "year-closed")
	if strings.Count(both, "\n# ")+1 != 2 {
		t.Errorf("year-closed is a kind and a code:\n%s", both)
	}
	for word, meant := range map[string]string{"disbursd": "disbursed", "overbudget": "over-budget", "refunds": "refund", "lot": "lots", "tabel": "table"} {
		for _, lang := range []string{"en", "zh"} {
			got := p.run(t, "help", word, "--lang", lang)
			if got.code != exitUsage || got.out != "" || !strings.Contains(got.err, meant) || !strings.Contains(got.err, "help topics") {
				t.Errorf("help %s: exit %d, %q, %q", word, got.code, got.out, got.err)
			}
		}
	}
	if got := p.run(t, "help", "trust", "--example"); got.code != exitUsage || got.out != "" {
		t.Errorf("exit %d, %q", got.code, got.out)
	}
}

// TestExamplesOfKinds appends what leads up to each example, and the example: all of it is taken, and nothing is wrong with it.
func TestExamplesOfKinds(t *testing.T) {
	t.Parallel()
	for _, page := range manualPages() {
		if page.section != sectionKind && page.section != sectionCause {
			continue
		}
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			p := onFolder(t)
			commands := p.ok(t, "help", page.name, "--example")
			rs := p.append(t, commands)
			lines := strings.Split(strings.TrimSpace(commands), "\n")
			if len(rs) != len(lines) {
				t.Fatalf("%d receipts of %d commands", len(rs), len(lines))
			}
			for i, r := range rs {
				led := page.name == string(events.Explained) && i == len(rs)-2 // what is explained
				if r.Status != ledger.Appended || !led && r.Flags != nil {
					t.Errorf("command %d is %s: %s", i+1, statuses(rs[i:i+1]), r.Message)
				}
			}
			last := lines[len(lines)-1]
			want := `"kind":"` + page.name + `"`
			if page.section == sectionCause {
				want = `"cause":"` + page.name + `"`
			}
			if !strings.Contains(last, want) {
				t.Errorf("the example is %s", last)
			}
			for _, lang := range []string{"en", "zh"} {
				joined := strings.ReplaceAll(strings.ReplaceAll(p.ok(t, "help", page.name, "--lang", lang), "\n     ", ""), "\n    ", "\n")
				if !strings.Contains(joined, "\n"+last+"\n") {
					t.Errorf("the page in %s does not show %s", lang, last)
				}
			}
		})
	}
}

// TestExamplesOfCodes appends each example: its last command gives the code.
func TestExamplesOfCodes(t *testing.T) {
	t.Parallel()
	for _, page := range manualPages() {
		if page.section != sectionCode || page.example() == nil {
			continue
		}
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			code := events.Code(page.name)
			rs := onFolder(t).append(t, string(page.example()))
			last := rs[len(rs)-1]
			if last.Status == ledger.Refused && last.Code != code || last.Status != ledger.Refused && !slices.Contains(last.Flags, code) {
				t.Errorf("the receipts are %s", statuses(rs))
			}
			for _, r := range rs[:len(rs)-1] {
				if r.Status != ledger.Appended {
					t.Errorf("what leads up to it is %s: %s", r.Status, r.Message)
				}
			}
		})
	}
}

// TestExamplesOfTrouble brings about what no command can, and looks whether the page shows what the program says then.
func TestExamplesOfTrouble(t *testing.T) {
	t.Parallel()
	space := regexp.MustCompile(`\s+`) // pages break long lines, Chinese ones between any two characters
	shows := func(t *testing.T, code events.Code, lang, said string) {
		t.Helper()
		text := (page{sectionCode, string(code)}).text(words.Language(lang))
		if !strings.Contains(space.ReplaceAllString(text, ""), space.ReplaceAllString(said, "")) {
			t.Errorf("the page %s in %s does not show %q", code, lang, said)
		}
	}
	seen := map[events.Code]bool{}
	for _, f := range faults {
		if seen[f.code] || f.code == events.Unavailable {
			continue
		}
		seen[f.code] = true
		for _, lang := range []string{"en", "zh"} {
			p := onFolder(t)
			p.append(t, small)
			bad := p.with(f.file)
			bad.faulty, bad.now = f.begin()
			r := receipts(t, bad.run(t, "append", "--lang", lang).out)[0]
			shows(t, f.code, lang, r.Message)
			shows(t, f.code, lang, r.Hint)
		}
	}
	p := onFolder(t)
	p.append(t, small)
	older := p.clone(t)
	p.append(t, pay("p"))
	// The log of before with the remembered end of now: it is shorter than what was acknowledged.
	err := errors.Join(os.RemoveAll(filepath.Join(older.folder, "heads")),
		os.CopyFS(filepath.Join(older.folder, "heads"), os.DirFS(filepath.Join(p.folder, "heads"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "zh"} {
		got := older.clone(t).run(t, "events", "--fund", "f", "--lang", lang)
		message, _, _ := strings.Cut(got.err, "\n")
		shows(t, events.Tampered, lang, message)
		nowhere := (&program{}).run(t, "events", "--data", "nowhere", "--lang", lang)
		shows(t, events.Unavailable, lang, strings.ReplaceAll(nowhere.err, "\n", "\n    "))
	}
}

// Of these no commands can be shown: what gives too-large is too large for a page, and a feed is no command.
func TestEveryCodeHasAnExample(t *testing.T) {
	t.Parallel()
	for _, page := range manualPages() {
		if page.section != sectionCode || page.example() != nil || page.name == string(events.TooLarge) || page.name == string(events.Tampered) || page.name == string(events.TooSlow) {
			continue
		}
		if !slices.Contains(events.Failures, events.Code(page.name)) {
			t.Errorf("%s has no example", page.name)
		}
	}
}

// tutored are the commands that a year needs.
var tutored = []string{"append", "watch", "table", "report", "statement", "diff", "check", "funds"}

// TestTutorial pastes the blocks of the tutorial into a shell, one after the other, and compares what each prints with the block that shows it.
func TestTutorial(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(sh|text)\n(.*?)```")
	for lang, locale := range map[words.Language]string{words.English: "C.UTF-8", words.Chinese: "zh_CN.UTF-8"} {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			var script bytes.Buffer
			var want []string
			script.WriteString("set -o pipefail\ntrap 'kill $(jobs -p); exit 1' TERM\n") // what runs beside must not outlive the shell
			for _, m := range blocks.FindAllStringSubmatch((page{sectionTopic, "year"}).text(lang), -1) {
				if m[1] == "text" {
					want[len(want)-1] = m[2]
					continue
				}
				fmt.Fprintf(&script, "echo '@%d'\n%s", len(want), m[2])
				want = append(want, "")
			}
			if len(want) < 8 {
				t.Fatalf("the tutorial has only %d blocks", len(want))
			}
			for _, command := range tutored {
				if !strings.Contains(script.String(), "fundledger "+command) {
					t.Errorf("the tutorial does not show %s", command)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*enough) // it waits for what watch writes
			defer cancel()
			shell := exec.CommandContext(ctx, "bash", "-c", script.String())
			shell.Cancel = func() error { return shell.Process.Signal(syscall.SIGTERM) }
			shell.Dir = t.TempDir()
			shell.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH"), "LC_ALL="+locale)
			shell.WaitDelay = time.Minute
			out, err := shell.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			parts := regexp.MustCompile(`(?m)^@\d+\n`).Split(string(out), -1)[1:]
			if len(parts) != len(want) {
				t.Fatalf("%d of %d blocks have run:\n%s", len(parts), len(want), out)
			}
			for i, part := range parts {
				form := strings.ReplaceAll(regexp.QuoteMeta(want[i]), "…", ".*")
				if !regexp.MustCompile("^" + form + "$").MatchString(part) {
					t.Errorf("block %d prints\n%s\nthe tutorial says\n%s", i+1, part, want[i])
				}
			}
		})
	}
}

// manualFileNames lists the files of the manual, for the test that every one of them is a page.
func manualFileNames() (names []string, err error) {
	err = fs.WalkDir(manualFiles, "manual", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// TestServersPage begins a broker with the configuration that the page shows, as the only one of its cluster, and serves on it.
func TestServersPage(t *testing.T) {
	t.Parallel()
	shown := func(lang words.Language) string {
		_, conf, _ := strings.Cut((page{sectionTopic, "servers"}).text(lang), "```conf\n")
		conf, _, _ = strings.Cut(conf, "```")
		return conf
	}
	conf := shown(words.English)
	if conf == "" || conf != shown(words.Chinese) {
		t.Error("the two languages show different configurations")
	}
	whole := &natsserver.Options{}
	if err := whole.ProcessConfigString(conf); err != nil {
		t.Fatal(err)
	}
	if !whole.SyncAlways || whole.MaxPayload < minPayload || len(whole.Routes) != 3 {
		t.Errorf("syncs always: %v, messages of %d bytes, %d routes", whole.SyncAlways, whole.MaxPayload, len(whole.Routes))
	}
	conf = regexp.MustCompile(`(?s)cluster \{.*?\n\}\n`).ReplaceAllString(conf, "")
	// And an operator with a name of his own, as the page says.
	conf = strings.Replace(conf, "PASSWORD-2 }", `PASSWORD-2 }, { user: wang, password: own, permissions: { publish: [ "cmd.wang.*", "LEDGER.API.>" ] } }`, 1)
	conf = strings.Replace(conf, "imports: [", `imports: [ { service: { account: LEDGER, subject: "cmd.wang.*" } }`, 1)
	alone := &natsserver.Options{}
	if err := alone.ProcessConfigString(conf); err != nil {
		t.Fatal(err)
	}
	alone.Host, alone.Port, alone.StoreDir, alone.NoSigs, alone.NoLog = "127.0.0.1", natsserver.RANDOM_PORT, t.TempDir(), true, true
	broker, err := natsserver.NewServer(alone)
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(enough) {
		t.Fatal("the broker does not start")
	}
	url := func(user string) string { return strings.Replace(broker.ClientURL(), "nats://", "nats://"+user+"@", 1) }
	p := &program{}
	p.serving(t, "--nats", url("ledger:PASSWORD-1"))
	clients := url("client:PASSWORD-2")
	if got := statuses(p.append(t, small, "--nats", clients)); got != "appended appended" {
		t.Errorf("the receipts are %s", got)
	}
	p.ok(t, "table", "execution", "--fund", "f", "--year", "2022", "--nats", clients)
	wang := url("wang:own")
	if got := statuses(p.append(t, pay("w"), "--nats", wang)); got != "appended" {
		t.Errorf("the receipt is %s", got)
	}
	if all := p.ok(t, "events", "--fund", "f", "--nats", wang); strings.Count(all, `"actor":{"id":"wang"`) != 1 || strings.Count(all, `"actor":{"id":"local"`) != 2 {
		t.Errorf("the events are\n%s", all)
	}
}
