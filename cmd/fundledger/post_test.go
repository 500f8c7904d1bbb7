package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/desk"
)

// TestEveryFlagHasWords: what each flag takes and what people call it is said in both languages, and each choice has a word.
func TestEveryFlagHasWords(t *testing.T) {
	t.Parallel()
	for _, lang := range words.Languages {
		a := (&program{}).app(nil, nil)
		a.lang = lang
		known := meanings(lang)
		for _, s := range desk.Subjects() {
			for _, f := range s.Flags() {
				if a.label(f.Name) == f.Name && (lang == words.Chinese || !texts.Has("label."+f.Name)) {
					t.Errorf("--%s of %s has no label in %s", f.Name, s.Name(), lang)
				}
				if usage := a.usageOf(s, f, known); strings.TrimSuffix(usage, " *") == f.Name {
					t.Errorf("--%s of %s is not explained in %s", f.Name, s.Name(), lang)
				}
				for _, c := range f.Choices {
					if a.choiceWord(f.Name, c) == "" {
						t.Errorf("the choice %s of --%s of %s has no word in %s", c, f.Name, s.Name(), lang)
					}
				}
			}
		}
	}
}

// TestPostWithoutTerminal: what a person reads is on standard error, and standard output has the receipt alone.
func TestPostWithoutTerminal(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	lines := filepath.Join(t.TempDir(), "lines.txt")
	if err := os.WriteFile(lines, []byte("\uFEFF1 产业\n1.4\t设备更新\n\n2=其他\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	post := func(want string, args ...string) outcome {
		t.Helper()
		got := p.run(t, append([]string{"post"}, args...)...)
		if s := statuses(receipts(t, got.out)); s != want {
			t.Fatalf("%v: %s, want %s\n%s", args, s, want, got.err)
		}
		return got
	}
	post("would-append", "fund-opened", "--fund", "f", "--year", "2026", "--name", "资金", "--lines", lines, "--dry-run")
	if _, err := os.Stat(p.folder); err == nil {
		t.Error("a dry run has made the folder")
	}
	post("appended", "fund-opened", "--fund", "f", "--year", "2026", "--name", "资金", "--lines", lines, "--yes")
	post("appended", "appropriated", "--line", "1.4", "--amount", "100万", "--stage", "original", "--yes")
	got := post("would-append", "disbursed", "--line", "1.4", "--amount", "1,738.7元", "--channel", "payment", "--payee", "甲\x1b[2J", "--dry-run", "--lang", "zh")
	for _, want := range []string{"1,738.70 CNY  壹仟柒佰叁拾捌元柒角整", "1.4 设备更新", "2026-01-02（今天）", "支付收款人 (payment)", "998,261.30", "1,000,000.00", `"amount":"1738.7"`, `"as_printed":"1,738.7元"`} {
		if !strings.Contains(got.err, want) {
			t.Errorf("it does not say %s:\n%s", want, got.err)
		}
	}
	if strings.Contains(got.err, "\x1b") {
		t.Errorf("what is typed steers the terminal: %q", got.err)
	}
	if n := len(p.stored(t)); n != 2 {
		t.Fatalf("%d events are stored, want 2", n)
	}
	paid := []string{"disbursed", "--line", "1.4", "--amount", "60万", "--channel", "payment", "--payee", "甲", "--voucher", "国库/2026/拨款凭证/17", "--yes"}
	first := receipts(t, post("appended", paid...).out)[0]
	// The same paper twice is one payment, whatever its id; and so is the same id.
	if again := receipts(t, post("duplicate", paid...).out)[0]; again.Seq != first.Seq {
		t.Errorf("the voucher's payment is %d, and %d", first.Seq, again.Seq)
	}
	without := []string{"committed", "--line", "1.4", "--amount", "1", "--id", "mine", "--yes"}
	post("appended", without...)
	post("duplicate", without...)
	refused := post("refused/over-budget", "disbursed", "--line", "1.4", "--amount", "50万", "--channel", "payment", "--yes")
	if refused.code != exitRefused || !strings.Contains(refused.err, "399,999.00") { // 1,000,000 − 600,000 − 1
		t.Errorf("exit %d: %s", refused.code, refused.err)
	}
	post("appended+over-budget", "disbursed", "--line", "1.4", "--amount", "50万", "--channel", "payment", "--mode", "record", "--document", "x", "--yes")
	post("appended", "refund", "--of", "3", "--amount", "10万元", "--yes")
	// What a refund of another year needs is another cause; the ledger's own words say so.
	all := parseEvents(t, p.stored(t))
	if n := len(all); n != 6 {
		t.Fatalf("%d events are stored, want 6", n)
	}
	c, err := events.ParseCommand(all[0].Data.Command)
	if err != nil || len(c.Lines) != 3 || c.Lines[1].Parent != "1" || c.Lines[2].Name != "其他" {
		t.Errorf("the lines of the file are %+v, %v", c.Lines, err)
	}
	for _, want := range []string{"--year", "2026"} {
		p.append(t, strings.ReplaceAll(otherYear, "2023", "2027"))
		if got := p.run(t, "post", "committed", "--line", "1.4", "--amount", "1", "--yes"); got.code != exitUsage || !strings.Contains(got.err, want) {
			t.Errorf("exit %d: %s", got.code, got.err)
		}
	}
}
