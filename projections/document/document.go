// Package document makes the papers of single events, to be signed, stamped and filed.
//
//	payment order    拨款单      a disbursed event that goes through a bank
//	receipt          收款单      money that came back, or came in: returned, refund, prior-year, unidentified
//	accounting slip  记账凭证    every other event with postings
//
// An event without postings moves nothing, and has no paper.
//
// A paper says what the event says, in words; its amount in figures and, in CNY, in Chinese capitals; where each line that it posts to stood before it, as known at
// the event before, and after it; and the event's leaf and the root of the log's tree at the event (RFC 6962), both as text and in a QR code ([Code]). Those
// are the same for ever. What has become of the event since, such as that it was reversed, is said above everything else as of the event up to which the book is known: so the same paper
// has the same bytes until something happens to its event.
//
// Papers are A4 upright, one to a page, since they are bound with the other papers of a file. What is not known is –, so that nobody fills an empty field
// in later. Nothing that is stored can do anything in a paper: it is shown as text, as package sheet does.
//
// The package is pure: a book in, bytes out.
package document

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/sheet"
)

//go:embed words/en.json words/zh.json
var files embed.FS

// Catalogue holds the words of papers.
var Catalogue = words.LoadRoom(files)

// Formats lists the formats of papers, the usual one first.
var Formats = []string{"text", "html", "xlsx"}

// Write writes papers in one of [Formats], in their order. Another format is a [events.BadValue].
func Write(w io.Writer, format string, papers []*Paper, lang words.Language) error {
	forms := make([]*form, len(papers))
	for i, p := range papers {
		forms[i] = p.form(lang)
	}
	switch format {
	case "text":
		return writeText(w, forms)
	case "html":
		return writeHTML(w, forms, lang)
	case "xlsx":
		return writeXLSX(w, forms, lang)
	}
	return &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "format", "value": format, "choices": strings.Join(Formats, " ")}}
}

// A Paper is what the paper of one event says, in no language yet.
type Paper struct {
	Code     Code
	name     string // order, receipt or slip
	event    events.Event
	of       *events.Event // that it is about, nil where there is none
	amount   events.Minor  // negative on the paper of a reversal
	currency string
	decimals int
	fund     [2]string // its name, and the English one
	recorded string
	position []position
	since    []since
}

// A position is a line of a year before the event and after it; a side is nil where the line was not there yet.
type position struct {
	year          events.Year
	line          events.Line
	name, nameEn  string
	budgeted      bool
	before, after *events.Totals
}

// A since is a later event about this one.
type since struct {
	seq    events.Seq
	what   string // a word: reversed, or the cause of money that came back …
	date   string
	amount events.Minor
	strong bool // it undoes the paper, or part of it
}

// New returns the paper of event n as known in a book. It is an [events.UnknownTarget] where there is no such event, and a [events.BadValue] of the reason
// no-paper where the event posts nothing.
func New(b *projections.Book, n events.Seq) (*Paper, error) {
	h := b.History()
	if n == 0 || n > h.Last() {
		return nil, &events.Error{Code: events.UnknownTarget, Args: events.Args{"fund": string(h.Fund()), "field": "seq", "value": n.String(), "last": h.Last().String()}}
	}
	e, err := h.Stored(n)
	if err != nil {
		return nil, err
	}
	if len(e.Postings) == 0 {
		return nil, &events.Error{Code: events.BadValue, Why: "no-paper", Args: events.Args{"field": "seq", "value": n.String(), "kind": string(e.Command.Kind)}}
	}
	p := &Paper{event: e, name: paperOf(e.Command), currency: h.Currency(), decimals: h.Decimals(), recorded: e.Time.UTC().Format(events.TimeForm)}
	p.Code.Fund, p.Code.Seq = h.Fund(), n
	if p.Code.Leaf, err = h.Leaf(n); err != nil {
		return nil, err
	}
	at := h.At(n)
	if p.Code.Root, err = at.Root(); err != nil {
		return nil, err
	}
	if y, err := at.Year(e.Command.Year); err == nil {
		p.fund = [2]string{y.Name, y.NameEn}
	}
	if of := e.Resolved.Of; of != 0 {
		named, err := h.Stored(of)
		if err != nil {
			return nil, err
		}
		p.of = &named
	}
	if p.amount, err = amountOf(h, &e); err != nil {
		return nil, err
	}
	if e.Command.Kind == events.Reversed {
		p.amount = -p.amount
	}
	if err := p.place(h); err != nil {
		return nil, err
	}
	return p, p.follow(h)
}

func paperOf(c *events.Command) string {
	switch c.Cash() {
	case events.Out:
		if c.Kind == events.Disbursed {
			return "order"
		}
	case events.In:
		if c.Kind == events.ClawedBack {
			return "receipt"
		}
	}
	return "slip"
}

// amountOf is the amount of an event: its command's; of what gives none, what it moves, or what the event has that it takes back.
func amountOf(h *history.History, e *events.Event) (events.Minor, error) {
	c := e.Command
	if !c.Amount.IsZero() {
		return c.Amount.Minor(h.Decimals())
	}
	if c.Kind == events.Reversed {
		target, err := h.Stored(e.Resolved.Of)
		if err != nil {
			return 0, err
		}
		return amountOf(h, &target)
	}
	var sum events.Minor
	for i := range e.Postings {
		if p := &e.Postings[i]; p.Amount > 0 && p.Measure != events.CommittedM {
			total, ok := sum.Add(p.Amount)
			if !ok {
				return 0, &events.Error{Code: events.Overflow, Args: events.Args{"measure": string(p.Measure)}}
			}
			sum = total
		}
	}
	return sum, nil
}

// place finds where each line that the event posts to stood before and after it.
func (p *Paper) place(h *history.History) error {
	type key struct {
		year events.Year
		line events.Line
	}
	var keys []key
	for i := range p.event.Postings {
		of := &p.event.Postings[i]
		if k := (key{of.Year, of.Line}); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	n := p.event.Seq
	for _, k := range keys {
		at := position{year: k.year, line: k.line}
		for i, known := range []events.Seq{n - 1, n} {
			then := h.At(known)
			y, err := then.Year(k.year)
			if err != nil { // money may be carried into a year that is not open
				continue
			}
			line := slices.IndexFunc(y.Lines(), func(l history.Line) bool { return l.Code == k.line })
			if line < 0 {
				continue
			}
			balances, err := then.Balances(y, history.Query{Year: k.year})
			if err != nil {
				return err
			}
			l := y.Lines()[line]
			at.name, at.nameEn, at.budgeted = l.Name, l.NameEn, y.Budgeted
			if k.line == events.Root {
				at.name, at.nameEn = "", ""
			}
			if side := &balances[line].All; i == 0 {
				at.before = side
			} else {
				at.after = side
			}
		}
		p.position = append(p.position, at)
	}
	return nil
}

// follow finds what has become of the event since.
func (p *Paper) follow(h *history.History) error {
	for _, n := range h.About(p.event.Seq) {
		e, err := h.Stored(n)
		if err != nil {
			return err
		}
		s := since{seq: n, what: string(e.Command.Kind), date: e.Command.Date.String(), strong: true}
		switch e.Command.Kind {
		case events.ClawedBack:
			s.what = string(e.Command.Cause)
		case events.Reversed, events.Reclassified, events.CommitmentReleased, events.AllotmentWithdrawn:
		default: // words, receipts and explanations leave the money where it is
			s.strong = false
		}
		if s.amount, err = amountOf(h, &e); err != nil {
			return err
		}
		p.since = append(p.since, s)
	}
	if by := h.Matches()[p.event.Seq]; by != 0 {
		p.since = append(p.since, since{seq: by, what: string(events.BankMatched)})
		slices.SortStableFunc(p.since, func(a, b since) int { return cmp.Compare(a.seq, b.seq) })
	}
	return nil
}

// A form is a paper in a language: what every format has in common.
type form struct {
	lang               words.Language
	title, subtitle    string
	year, number, date string
	stamps, notes      []string // of what became of it: what undoes it, and the rest
	fields             [][]field
	tables             []table
	signatures         []string
	proof              []field
	code               string
	recorded           string
	foot               string
}

// A field is a value under its label.
type field struct{ label, value string }

// A table has texts; those from a column on are numbers.
type table struct {
	title, unit string
	heads       []string
	rows        [][]string
	numbers     int
}

type speaker struct {
	*Paper
	lang words.Language
}

func (s *speaker) say(name string, args map[string]string) string {
	for k, v := range args {
		args[k] = sheet.Shown(v)
	}
	return Catalogue.Say(s.lang, name, args)
}

// word says a code in the words of the room that has it.
func (s *speaker) word(group, code string) string {
	if code == "" {
		return ""
	}
	name := group + "." + code
	if text := sheet.Catalogue.Find(s.lang, name, nil); text != "" {
		return text
	}
	return words.Ledger.Say(s.lang, name, nil)
}

func (s *speaker) money(m events.Minor) string { return words.Money(m.Format(s.decimals)) }

// figures is the amount with what says its currency.
func (s *speaker) figures() string {
	sign, text := "", s.money(s.amount)
	if unsigned, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = "-", unsigned
	}
	if s.currency == "CNY" {
		return sign + "¥" + text
	}
	return s.currency + " " + sign + text
}

func (s *speaker) named(name, en string) string {
	if s.lang == words.English && en != "" {
		name = en
	}
	return sheet.Shown(name)
}

func (s *speaker) line(code events.Line, at int) string {
	if code == events.Root {
		return "0 " + s.say("root", nil)
	}
	return strings.TrimSpace(string(code) + " " + s.named(s.position[at].name, s.position[at].nameEn))
}

// capitals is an amount in Chinese capitals, "" where there are none: in other currencies.
func (s *speaker) capitals() string {
	if s.currency != "CNY" {
		return ""
	}
	m, sign := s.amount, ""
	if m < 0 {
		m, sign = -m, "负"
	}
	a, err := events.ParseAmount(m.Format(s.decimals))
	if err != nil {
		return ""
	}
	text, ok := events.FormatCapitals(a)
	if !ok {
		return ""
	}
	return "人民币" + sign + text
}

func (s *speaker) payee(p *events.Payee) string {
	name := cmp.Or(p.Name, p.ID)
	if p.Ref != "" {
		name = s.say("person", map[string]string{"ref": p.Ref})
	}
	if p.Count > 0 {
		name += s.say("payees", map[string]string{"n": fmt.Sprint(p.Count)})
	}
	return name
}

func (p *Paper) form(lang words.Language) *form {
	s := &speaker{p, lang}
	c := p.event.Command
	fund := s.named(p.fund[0], p.fund[1])
	f := &form{
		lang: lang, title: s.say("title."+p.name, nil), recorded: p.recorded, code: p.Code.String(),
		subtitle: s.say("fund", map[string]string{"name": fund, "fund": string(p.Code.Fund)}),
		year:     s.say("year", map[string]string{"year": c.Year.String()}), number: s.say("number", map[string]string{"seq": p.Code.Seq.String()}),
	}
	date := c.Date
	if date.IsZero() {
		date = p.event.Postings[0].Date
	}
	f.date = s.say("date", map[string]string{"date": date.String()})
	for _, x := range p.since {
		said := s.say("since."+x.what, map[string]string{"seq": x.seq.String(), "date": x.date, "amount": s.money(x.amount)})
		if x.strong {
			f.stamps = append(f.stamps, said)
		} else {
			f.notes = append(f.notes, said)
		}
	}
	add := func(fields ...string) { // labels and values in turn
		var row []field
		for i := 0; i < len(fields); i += 2 {
			row = append(row, field{s.say("label."+fields[i], nil), cmp.Or(sheet.Shown(fields[i+1]), "–")})
		}
		f.fields = append(f.fields, row)
	}
	there := func(fields ...string) { // where there is anything to say
		for i := 1; i < len(fields); i += 2 {
			if fields[i] != "" {
				add(fields...)
				return
			}
		}
	}
	kind := s.word("kind", string(c.Kind))
	if c.Cause != "" {
		kind += s.say("cause", map[string]string{"cause": s.word("cause", string(c.Cause))})
	}
	payee := c.Payee
	who := "payee"
	if p.name == "receipt" {
		who = "payer"
	}
	if payee == (events.Payee{}) && p.of != nil {
		payee = p.of.Command.Payee
	}
	class := ""
	if payee.Class != "" {
		class = s.say("class."+string(payee.Class), nil)
	}
	if p.name == "slip" {
		there(who, s.payee(&payee), "class", class)
	} else {
		add(who, s.payee(&payee), "class", class)
		add("account", payee.Account, "bank", payee.Bank)
	}
	if capitals := s.capitals(); capitals != "" {
		add("capitals", capitals)
	}
	add("figures", s.figures(), "kind", kind)
	add("purpose", cmp.Or(c.Purpose, c.Reason))
	var lines []string
	for i := range p.position {
		if said := s.line(p.position[i].line, i); !slices.Contains(lines, said) {
			lines = append(lines, said)
		}
	}
	add("line", strings.Join(lines, "; "))
	if c.Kind == events.Disbursed {
		add("channel", s.word("channel", string(c.Channel)), "method", s.word("method", string(c.Method)))
	}
	add("voucher", voucher(&c.Voucher), "documents", strings.Join(c.Documents, "; "))
	if p.of != nil {
		add("of", s.say("of", map[string]string{"seq": p.of.Seq.String(), "kind": s.word("kind", string(p.of.Command.Kind)), "date": p.of.Command.Date.String()}))
	}
	there("lot", c.Lot, "commitment", number(p.event.Resolved.Commitment))
	there("counterparty", c.Counterparty, "contract", c.Contract)
	var dims []string
	for _, d := range c.Dims {
		dims = append(dims, d.Key+"="+d.Value)
	}
	there("dims", strings.Join(dims, "; "))
	var flags []string
	for _, code := range p.event.Flags {
		flags = append(flags, s.word("flag", string(code)))
	}
	there("flags", strings.Join(flags, "; "))
	there("note", c.Note)
	add("basis", s.word("basis", string(c.Basis)), "actor", p.event.Actor.ID)
	if p.name == "slip" {
		f.tables = append(f.tables, s.postings())
	}
	f.tables = append(f.tables, s.positions())
	f.signatures = strings.Split(s.say("signatures."+p.name, nil), "|")
	f.proof = []field{
		{s.say("label.event", nil), s.say("event", map[string]string{"fund": string(p.Code.Fund), "seq": p.Code.Seq.String(), "recorded": p.recorded, "id": string(p.event.ID)})},
		{s.say("label.leaf", nil), p.Code.Leaf.String()},
		{s.say("label.root", nil), p.Code.Root.String()},
		{s.say("label.code", nil), f.code},
	}
	f.foot = s.say("foot", map[string]string{"fund": string(p.Code.Fund), "seq": p.Code.Seq.String()})
	return f
}

func number(n events.Seq) string {
	if n == 0 {
		return ""
	}
	return n.String()
}

func voucher(v *events.Voucher) string {
	if *v == (events.Voucher{}) {
		return ""
	}
	return strings.Join([]string{v.Issuer, v.Year.String(), v.Type, v.Number, v.Line}, " ")
}

func (s *speaker) postings() table {
	t := table{title: s.say("table.postings", nil), unit: s.unit(), numbers: 3}
	for _, name := range []string{"year", "line", "measure", "amount"} {
		t.heads = append(t.heads, s.say("head."+name, nil))
	}
	for i := range s.event.Postings {
		p := &s.event.Postings[i]
		at := slices.IndexFunc(s.position, func(x position) bool { return x.year == p.Year && x.line == p.Line })
		t.rows = append(t.rows, []string{p.Year.String(), s.line(p.Line, at), s.word("measure", string(p.Measure)), s.money(p.Amount)})
	}
	return t
}

func (s *speaker) unit() string {
	unit := s.currency
	if unit == "CNY" {
		unit = s.say("yuan", nil)
	}
	return s.say("unit", map[string]string{"unit": unit})
}

func (s *speaker) positions() table {
	t := table{title: s.say("table.position", nil), unit: s.unit(), numbers: 3}
	for _, name := range []string{"year", "line", "when", "budget", "spent", "committed", "available"} {
		t.heads = append(t.heads, s.say("head."+name, nil))
	}
	for i := range s.position {
		p := &s.position[i]
		for _, side := range []struct {
			of   *events.Totals
			when string
			seq  events.Seq
		}{{p.before, "before", s.Code.Seq - 1}, {p.after, "after", s.Code.Seq}} {
			row := []string{p.year.String(), s.line(p.line, i), s.say("when."+side.when, map[string]string{"seq": side.seq.String()}), "–", "–", "–", "–"}
			if side.of != nil {
				row[4], row[5] = s.money(side.of.Spent()), s.money(side.of.Committed)
				if p.budgeted {
					row[3], row[6] = s.money(side.of.Adjusted()), s.money(side.of.Available())
				}
			}
			t.rows = append(t.rows, row)
		}
	}
	return t
}
