package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"fundledger/events"
	"fundledger/events/words"
)

// TestStories runs testdata/stories: what was given, when something is asked, then what is answered. A command is written on one line:
//
//	disbursed @1.1 300 2022-05 channel=payment payee={"name":"甲"}
//	clawed-back/refund #3 34 line=1.1
//
// which is kind[/cause], @line, #event in "of", a bare amount, a bare date and any other field by name. Fund f, year 2022, the date 2022-06-01 where the kind
// takes one, and words where they are required stand in for what is left out. Of the answers, a number is that of the event stored, followed
// by what was resolved and, in brackets, its flags; = 3 is a duplicate of event 3; anything else is the code of a refusal with its args. Below
// stand the postings: year, line, measure, amount, date, the counting day where it is another, lot, channel, basis where it is not voucher, dims.
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			st := newStory()
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
				return st.run(t, d)
			})
		})
	}
}

type story struct {
	s   *state
	now time.Time
	ids int
}

func newStory() *story {
	return &story{s: newState("f"), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (st *story) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "now":
			now, err := time.Parse(time.RFC3339, a.Vals[0])
			if err != nil {
				now, err = time.Parse(time.DateOnly, a.Vals[0])
			}
			if err != nil {
				d.Fatalf(t, "now: %v", err)
			}
			st.now = now
		default:
			d.Fatalf(t, "no option %s", a.Key)
		}
	}
	var out strings.Builder
	switch d.Cmd {
	case "given", "more":
		if d.Cmd == "given" {
			now := st.now
			*st = *newStory()
			if len(d.CmdArgs) > 0 {
				st.now = now
			}
		}
		for line := range strings.Lines(d.Input) {
			if answer, ok := st.command(t, strings.TrimSpace(line)); !ok {
				d.Fatalf(t, "given %s %s", line, answer)
			}
		}
	case "when":
		for line := range strings.Lines(d.Input) {
			answer, _ := st.command(t, strings.TrimSpace(line))
			out.WriteString(answer)
		}
	case "then":
		for line := range strings.Lines(d.Input) {
			out.WriteString(st.tell(t, strings.Fields(line)))
		}
	default:
		d.Fatalf(t, "no directive %s", d.Cmd)
	}
	return out.String()
}

// command decides one command and applies what it causes, by way of its stored form.
func (st *story) command(t *testing.T, text string) (answer string, ok bool) {
	t.Helper()
	c, err := events.ParseCommand(commandJSON(text))
	if err != nil {
		checkWords(t, text, err)
		return refusalText(err), false
	}
	id := c.ID
	if id == "" {
		st.ids++
		id = events.ID("made-" + strconv.Itoa(st.ids))
	}
	e, first, err := st.s.decide(id, &c, Local, st.now)
	if err != nil {
		checkWords(t, text, err)
		return refusalText(err), false
	}
	if first != 0 {
		return fmt.Sprintf("= %d\n", first), true
	}
	stored, err := events.ParseEvent(events.AppendLine(nil, e))
	if err != nil {
		t.Fatalf("%s: stored form: %v", text, err)
	}
	if err := st.s.apply(&stored); err != nil {
		t.Fatalf("%s: applying: %v", text, err)
	}
	return eventText(e), true
}

// defaults are words that a story need not say.
var defaults = map[string]any{
	"reason": "r", "purpose": "p", "name": "n", "text": "t", "unit": "yuan", "value": "1", "source": map[string]any{"document": "d"}, "to": "t", "channel": "payment",
	"approvers": []string{"a", "b"}, "date": "2022-06-01", "year": 2022, "fund": "f",
}

func commandJSON(text string) []byte {
	if strings.HasPrefix(text, "{") {
		return []byte(text)
	}
	parts := splitWords(text)
	m := map[string]any{}
	kind, cause, _ := strings.Cut(parts[0], "/")
	m["kind"] = kind
	if cause != "" {
		m["cause"] = cause
	}
	for _, w := range parts[1:] {
		name, value, found := strings.Cut(w, "=")
		switch {
		case w[0] == '@':
			m["line"] = w[1:]
		case w[0] == '#':
			m["of"] = refValue(w[1:])
		case found && strings.ContainsAny(value[:1], `{["`):
			m[name] = json.RawMessage(value)
		case found && slices.Contains([]string{"year", "from_year", "to_year"}, name):
			m[name] = json.RawMessage(value)
		case found && slices.Contains([]string{"of", "commitment", "against", "settles"}, name):
			m[name] = refValue(value)
		case found && (value == "true" || value == "false"):
			m[name] = value == "true"
		case found:
			m[name] = value
		case len(w) >= 7 && strings.Count(w, "-") > 0:
			m["date"] = w
		default:
			m["amount"] = w
		}
	}
	for name, v := range defaults {
		if _, ok := m[name]; !ok && events.Required(events.Kind(kind), events.Cause(cause), name) {
			m[name] = v
		}
	}
	for name, v := range m {
		if v == "-" {
			delete(m, name)
		}
	}
	raw, err := json.Marshal(m)
	if err != nil {
		panic(text + ": " + err.Error())
	}
	return raw
}

func refValue(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return s
}

// splitWords splits at spaces outside of brackets and quotes.
func splitWords(s string) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '{' || r == '[':
			depth++
		case r == '}' || r == ']':
			depth--
		case r == ' ' && depth == 0:
			if i > start {
				out = append(out, s[start:i])
			}
			start = i + 1
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

var (
	conditional = regexp.MustCompile(`\{\{(?:if|with) [^}]*\}\}.*?\{\{end\}\}`)
	spokenOf    = regexp.MustCompile(`\{\{(?:money |list )?\.([a-z_]+)\}\}`)
)

// checkWords holds a refusal to its words: whatever they speak of, the refusal has.
func checkWords(t *testing.T, text string, err error) {
	t.Helper()
	e := err.(*events.Error) //nolint:errorlint // decide and the parser return it bare
	for _, prefix := range []string{"code.", "hint."} {
		key := prefix + string(e.Code) + "." + e.Why
		if !words.Ledger.Has(key) {
			key = prefix + string(e.Code)
		}
		for _, lang := range []words.Language{words.English, words.Chinese} {
			for _, m := range spokenOf.FindAllStringSubmatch(conditional.ReplaceAllString(words.Ledger.Text(lang, key), ""), -1) {
				if e.Args[m[1]] == "" {
					t.Errorf("%s: %s speaks of %s, which the refusal has not: %v", text, key, m[1], e.Args)
				}
			}
		}
	}
}

func refusalText(err error) string {
	e := err.(*events.Error) //nolint:errorlint // decide and the parser return it bare
	s := string(e.Code)
	if e.Why != "" {
		s += "/" + e.Why
	}
	for _, k := range slices.Sorted(maps.Keys(e.Args)) {
		if k != "fund" && k != "kinds" && k != "kind" && e.Args[k] != "" {
			s += " " + k + "=" + e.Args[k]
		}
	}
	return s + "\n"
}

func eventText(e *events.Event) string {
	var b strings.Builder
	b.WriteString(e.Seq.String())
	r := &e.Resolved
	for _, ref := range []struct {
		name string
		seq  events.Seq
	}{{"of", r.Of}, {"commitment", r.Commitment}, {"against", r.Against}, {"settles", r.Settles}} {
		if ref.seq != 0 {
			fmt.Fprintf(&b, " %s=%d", ref.name, ref.seq)
		}
	}
	if len(r.Covers)+len(r.SumOf)+len(r.QuotientOf) > 0 {
		fmt.Fprint(&b, " ", r.Covers, r.SumOf, r.QuotientOf)
	}
	if len(r.BankLines) > 0 {
		fmt.Fprint(&b, " ", r.BankLines, r.Matched)
	}
	if r.Line != "" {
		fmt.Fprintf(&b, " line=%s", r.Line)
	}
	if r.HasExpires {
		fmt.Fprintf(&b, " expires=%s", r.Expires)
	}
	if r.Currency != "" {
		fmt.Fprintf(&b, " %s %d %s %s %s", r.Currency, r.Decimals, r.Zone, r.From, r.To)
	}
	if len(e.Flags) > 0 {
		fmt.Fprint(&b, " ", e.Flags)
	}
	b.WriteByte('\n')
	for _, p := range e.Postings {
		fmt.Fprintf(&b, "  %d %s %s %s %s", p.Year, p.Line, p.Measure, p.Amount.Format(e.Decimals), p.Date)
		if c := p.Counts.String(); c != p.Date.String() {
			fmt.Fprintf(&b, " (%s)", c)
		}
		if p.Lot != "" {
			fmt.Fprintf(&b, " lot=%s", p.Lot)
		}
		if p.Channel != "" {
			fmt.Fprintf(&b, " %s", p.Channel)
		}
		if p.Basis != events.ByVoucher {
			fmt.Fprintf(&b, " %s", p.Basis)
		}
		if len(p.Dims) > 0 {
			fmt.Fprintf(&b, " %v", p.Dims)
		}
		if p.OfYear != 0 {
			fmt.Fprintf(&b, " of_year=%d", p.OfYear)
		}
		if p.OfLine != "" {
			fmt.Fprintf(&b, " of_line=%s", p.OfLine)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// tell prints what a line ("2022 1.1", everything below included), a lot ("2023 lot A") or a payment ("pay 3") holds.
func (st *story) tell(t *testing.T, what []string) string {
	t.Helper()
	format := func(m events.Minor) string { return m.Format(st.s.decimals) }
	var b strings.Builder
	b.WriteString(strings.Join(what, " ") + ":")
	n, err := strconv.Atoi(what[1%len(what)])
	if what[0] == "pay" && err == nil {
		pay := st.s.entry(events.Seq(n)).pay
		for _, pc := range pay.pieces {
			fmt.Fprintf(&b, " %s%v disbursed %s returned %s recovered %s confirmed %s;", pc.line, pc.dims,
				format(pc.disbursed), format(pc.returned), format(pc.recovered), format(pc.confirmed))
		}
		return b.String() + "\n"
	}
	if what[0] == "left" && err == nil {
		return b.String() + " " + format(st.s.entry(events.Seq(n)).left) + "\n"
	}
	y, err := events.ParseYear(what[0])
	if err != nil {
		t.Fatalf("then %q: %v", what, err)
	}
	totals := events.Totals{}
	if what[1] == "lot" {
		l := st.s.years[y].lot(what[2])
		if l == nil {
			return b.String() + " none\n"
		}
		totals = l.totals
		fmt.Fprintf(&b, " on %s from %d expires %s", l.line.code, l.from, l.expires)
	} else {
		totals = st.s.years[y].lines[events.Line(what[1])].below
	}
	for _, m := range events.Measures {
		if a := *totals.Of(m); a != 0 {
			fmt.Fprintf(&b, " %s %s", m, format(a))
		}
	}
	return b.String() + " available " + format(totals.Available()) + "\n"
}
