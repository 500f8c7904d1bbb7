package main

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections/sheet"

	"github.com/spf13/cobra"
)

// The manual has one Markdown file for each page in each language, manual/LANG/SECTION/NAME.md, which reads well as it is. {{fields}} and
// {{example}} stand for what is made from the program itself and from manual/examples/SECTION/NAME.jsonl: the commands that lead up to the
// example, and on the last line the example.
//
//go:embed manual
var manualFiles embed.FS

// The sections of the manual.
const (
	sectionKind  = "kind"
	sectionCause = "cause"
	sectionCode  = "code"
	sectionTopic = "topic"
)

var sections = []string{sectionTopic, sectionKind, sectionCause, sectionCode}

// topics are the pages about more than one kind or code, in the order in which a reader wants them.
var topics = []string{
	"year", "posting", "fields", "dates", "lots", "progress", "closing", "corrections", "correcting", "bank", "record-mode", "registers", "formats", "paper", "console", "http", "live", "metrics", "servers", "exit-codes", "durable", "trust", "measuring", "tracing",
}

// A page is one of the manual. A word can have several: year-closed is a kind and a code.
type page struct{ section, name string }

// manualPages lists every page.
func manualPages() (all []page) {
	add := func(section string, names []string) {
		for _, name := range names {
			all = append(all, page{section, name})
		}
	}
	add(sectionTopic, topics)
	add(sectionKind, plain(events.Kinds))
	add(sectionCause, plain(events.Causes))
	for _, codes := range [][]events.Code{
		events.Refusals, {events.Retroactive, events.PossibleDuplicate, events.LeafNotZero, events.LateForMonth}, events.Failures, {events.Tampered, events.TooSlow},
	} {
		add(sectionCode, plain(codes))
	}
	return all
}

// pagesOf finds the pages of a word: its name, or what it is called in either language.
func pagesOf(word string) (found []page) {
	word = strings.ToLower(strings.TrimSpace(word))
	for _, p := range manualPages() {
		if p.name == word || p.section+"-"+p.name == word || p.called(words.Chinese) == word || p.called(words.English) == word {
			found = append(found, p)
		}
	}
	return found
}

// called is what people call a kind, a cause, or a code that stands on tables as a flag.
func (p page) called(lang words.Language) string {
	switch p.section {
	case sectionKind, sectionCause:
		return strings.ToLower(words.Ledger.Find(lang, p.section+"."+p.name, nil))
	case sectionCode:
		return strings.ToLower(sheet.Catalogue.Find(lang, "flag."+p.name, nil))
	}
	return ""
}

// text is the page's file.
func (p page) text(lang words.Language) string {
	data, err := manualFiles.ReadFile(path.Join("manual", string(lang), p.section, p.name+".md"))
	if err != nil {
		return ""
	}
	return string(data)
}

// word is what to ask help for; of two pages of one name the later is asked for with its section.
func (p page) word() string {
	if pagesOf(p.name)[0] != p {
		return p.section + " " + p.name
	}
	return p.name
}

// title is the page's first line, such as "disbursed: money paid out".
func (p page) title(lang words.Language) string {
	first, _, _ := strings.Cut(p.text(lang), "\n")
	return strings.TrimPrefix(first, "# ")
}

// example is the page's commands, ready for append; nil where it has none.
func (p page) example() []byte {
	data, err := manualFiles.ReadFile(path.Join("manual/examples", p.section, p.name+".jsonl"))
	if err != nil {
		return nil
	}
	return data
}

// render is the page with everything in its place.
func (p page) render(lang words.Language) string {
	text := p.text(lang)
	if strings.Contains(text, "{{fields}}") {
		text = strings.ReplaceAll(text, "{{fields}}", p.fields(lang))
	}
	if strings.Contains(text, "{{example}}") {
		lines := strings.Split(strings.TrimSpace(string(p.example())), "\n")
		if p.section != sectionCode { // what leads up to it is what other pages are about
			lines = lines[len(lines)-1:]
		}
		var b strings.Builder
		for _, line := range lines {
			for _, part := range fold(line, 92) {
				b.WriteString("    " + part + "\n")
			}
		}
		b.WriteString("\n" + texts.Say(lang, "manual.example", map[string]string{"name": p.word()}))
		text = strings.ReplaceAll(text, "{{example}}", b.String())
	}
	return text
}

// fields says what a kind takes, those of its own first, and which of them it must have.
func (p page) fields(lang words.Language) string {
	kind, cause := events.Kind(p.name), events.Cause("")
	if p.section == sectionCause {
		kind, cause = events.ClawedBack, events.Cause(p.name)
	}
	meanings := meanings(lang)
	var must, may, common []string
	for _, f := range events.Fields(kind, cause) {
		marked := f
		required := events.Required(kind, cause, f)
		if required {
			marked += "*"
		}
		if slices.Contains(commonFields, f) {
			common = append(common, marked)
			continue
		}
		meaning, ok := meanings[p.name+"."+f]
		if !ok {
			meaning = meanings[f]
		}
		if f == "cause" && cause != "" {
			meaning = string(cause)
		}
		line := fmt.Sprintf("- %-14s %s", marked, meaning)
		if required {
			must = append(must, line)
		} else {
			may = append(may, line)
		}
	}
	slices.SortStableFunc(common, func(a, b string) int {
		return slices.Index(commonFields, strings.TrimSuffix(a, "*")) - slices.Index(commonFields, strings.TrimSuffix(b, "*"))
	})
	lines := append(must, may...)
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	lines = append(lines, texts.Say(lang, "manual.common", map[string]string{"fields": strings.Join(common, " ")}))
	return strings.Join(lines, "\n")
}

// commonFields are those that the topic "fields" explains.
var commonFields = strings.Fields("kind fund year date amount as_printed amount_text id mode basis documents dims note")

// meanings reads the list of what fields mean: "- name: meaning", or "- kind.name: meaning" where it differs.
func meanings(lang words.Language) map[string]string {
	data, err := manualFiles.ReadFile(path.Join("manual", string(lang), "fields.md"))
	if err != nil {
		panic(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, meaning, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), ": "); ok && strings.HasPrefix(line, "- ") {
			all[name] = meaning
		}
	}
	return all
}

// fold breaks a command after commas, so that it can be read; the parts are no commands.
func fold(line string, width int) (parts []string) {
	for displayWidth(line) > width {
		at, w := 0, 0
		for i, r := range line {
			if w += runeWidth(r); w > width {
				break
			}
			if r == ',' {
				at = i + 1
			}
		}
		if at == 0 {
			break
		}
		parts = append(parts, line[:at])
		line = " " + line[at:]
	}
	return append(parts, line)
}

// displayWidth is how many columns a text takes in a terminal.
func displayWidth(s string) (w int) {
	for _, r := range s {
		w += runeWidth(r)
	}
	return w
}

// runeWidth counts what is as wide as a Chinese character as two columns.
func runeWidth(r rune) int {
	switch {
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF, r >= 0xFE30 && r <= 0xFE6F,
		r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

// explain lets help explain commands, and every word that the ledger speaks in, besides.
func (a *app) explain(root, help *cobra.Command) {
	var example bool
	help.Use, help.Short, help.Long, help.Example = "help [WORD]", a.say("cmd.help", nil), "", a.say("example.help", nil)
	help.Flags().BoolVar(&example, "example", false, a.say("flag.example", nil))
	help.ValidArgsFunction = func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return slices.DeleteFunc(helpWords(root), func(w string) bool { return !strings.HasPrefix(w, begun) }), cobra.ShellCompDirectiveNoFileComp
	}
	help.Run, help.RunE = nil, func(_ *cobra.Command, args []string) error {
		word := strings.Join(args, "-")
		if about, _, err := root.Find(args); err == nil && (len(args) == 0 || about != root) && !example {
			return about.Help()
		}
		if word == "topics" && !example {
			return a.listTopics()
		}
		pages := pagesOf(word)
		if len(pages) == 0 {
			return usageError{hinted{
				a.say("error.help", map[string]string{"value": strings.Join(args, " ")}),
				a.say("error.help-hint", map[string]string{"near": strings.Join(near(word, helpWords(root)), " ")}),
			}}
		}
		var out bytes.Buffer
		for i, p := range pages {
			if example {
				if out.Len() == 0 { // of a kind and a code of one name, the kind's
					out.Write(p.example())
				}
				continue
			}
			if i > 0 {
				out.WriteString("\n")
			}
			out.WriteString(p.render(a.lang))
		}
		if example && out.Len() == 0 {
			return usageError{hinted{a.say("error.no-example", map[string]string{"value": word}), a.say("error.help-hint", map[string]string{"near": ""})}}
		}
		_, err := a.stdout.Write(out.Bytes())
		return err
	}
}

// helpWords lists everything that help explains.
func helpWords(root *cobra.Command) []string {
	all := []string{"topics"}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c.Name())
		}
	}
	for _, p := range manualPages() {
		all = append(all, p.name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listTopics prints the title of every page.
func (a *app) listTopics() error {
	var out bytes.Buffer
	for _, section := range sections {
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		out.WriteString(a.say("manual."+section, nil) + "\n\n")
		for _, p := range manualPages() {
			if p.section == section {
				_, about, _ := strings.Cut(strings.Replace(p.title(a.lang), "：", ": ", 1), ": ")
				fmt.Fprintf(&out, "  %-20s %s\n", p.name, about)
			}
		}
	}
	_, err := a.stdout.Write(out.Bytes())
	return err
}

// near lists the words that somebody may have meant: those that it is part of or that are part of it, and those a few slips away.
func near(word string, all []string) (found []string) {
	word = strings.ToLower(word)
	if word == "" {
		return nil
	}
	for _, w := range all {
		short, long := word, w
		if len(short) > len(long) {
			short, long = long, short
		}
		if len(short) >= 3 && strings.Contains(long, short) || slips(word, w) <= 1+len(word)/4 {
			found = append(found, w)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return slips(word, a) - slips(word, b) })
	return found[:min(len(found), 5)]
}

// slips is how many letters must be put in, taken out or changed to make b of a (Levenshtein).
func slips(a, b string) int {
	before := make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := before[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, before[j+1]+1, row[j]+1)
		}
		before = row
	}
	return before[len(b)]
}
