package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/document"
	"fundledger/projections/live"
	"fundledger/projections/sheet"

	"github.com/danielgtaylor/huma/v2"
)

// An eventView is what the page of an event shows.
type eventView struct {
	Event *events.Event
	Facts []fact
	Chain []link
	// Tables are those of the chain, of what the event posts, and of what is left of the payments that it is about.
	Tables []titled
	// Command is the command as received, with its lines broken for people; Verbatim is every byte of it.
	Command, Verbatim string
	Stored            string // the address of the line as stored
	Paper             string // the address of its paper, "" where it has none
	Before, After     string
	Posts             []wayOut
}

// A fact is something that an event says, with where it leads to.
type fact struct {
	Label, Value, Href, Time string
	Code                     bool // not words
}

// A link is an event of a chain.
type link struct {
	Seq        events.Seq
	Href       string
	Place      string
	Kind, Date string
	Relations  []wayOut
	This       bool
}

type titled struct {
	ID, Title string
	Table     template.HTML
}

// eventPage shows one event.
func (s *site) eventPage(v *view) error {
	if err := v.ask([]string{"known_at"}); err != nil {
		return err
	}
	v.Template = "event"
	at, err := s.cutOf(v.r.Context(), v.a)
	if err != nil {
		return err
	}
	main := &eventView{}
	var line func(events.Year, events.Line) string
	err = s.books.Read(v.r.Context(), v.Fund, 0, projections.MomentOf(at.Seq), func(_ live.Cut, b *projections.Book) error {
		v.of(at, b)
		line = v.lineNames(b)
		return nil
	})
	if err != nil {
		return err
	}
	v.tag = s.tag(at, v.shown(string(v.Lang), v.Last.String())...)
	if v.same = has(v.r, v.tag); v.same {
		return nil
	}
	if !v.Fixed {
		v.Live = string(v.Fund)
	}
	trail, err := s.trailOf(v.r.Context(), v.a, at)
	if err != nil {
		return err
	}
	made, err := trail.Sheet(at.Root)
	if err != nil {
		return err
	}
	e, err := events.ParseEvent(trail.Line)
	if err != nil {
		return err
	}
	main.Event = &e
	v.Title = v.Say("event.title", "fund", string(v.Fund), "seq", e.Seq.String(), "kind", v.kind(e.Command.Kind, e.Command.Cause))
	v.facts(main, made, line)
	for i, t := range made.Tables {
		table, err := v.showTable(made, i)
		if err != nil {
			return err
		}
		if t.Name != "left" || hasRows(t) {
			main.Tables = append(main.Tables, titled{"table-" + t.Name, sheet.Catalogue.Say(v.Lang, "table."+t.Name, nil), table})
		}
	}
	main.Chain = v.chain(made.Tables[0])
	main.Command, main.Verbatim = pretty(e.Command.Raw), seen(string(e.Command.Raw))
	main.Stored = address("/v1/funds/"+string(v.Fund)+"/events", map[string][]string{"after": {(e.Seq - 1).String()}, "limit": {"1"}})
	if e.Seq == 1 {
		main.Stored = address("/v1/funds/"+string(v.Fund)+"/events", map[string][]string{"limit": {"1"}})
	}
	if len(e.Postings) > 0 {
		main.Paper = address("/v1/funds/"+string(v.Fund)+"/events/"+e.Seq.String()+"/paper", map[string][]string{"format": {"html"}, "lang": {string(v.Lang)}, "known_at": {at.Seq.String()}})
	}
	if e.Seq > 1 {
		main.Before = v.event(v.Fund, e.Seq-1)
	}
	if e.Seq < at.Seq {
		main.After = v.event(v.Fund, e.Seq+1)
	}
	v.Main = main
	return nil
}

func hasRows(t *sheet.Table) bool {
	for range t.Rows {
		return true
	}
	return false
}

func (v *view) kind(k events.Kind, cause events.Cause) string {
	if cause != "" {
		return v.Word("cause." + string(cause))
	}
	return v.Word("kind." + string(k))
}

// lineNames returns what the lines of the years are called.
func (v *view) lineNames(b *projections.Book) func(events.Year, events.Line) string {
	names := map[events.Year]map[events.Line]string{}
	for _, n := range b.History().Years() {
		y, err := b.History().Year(n)
		if err != nil {
			continue
		}
		names[n] = map[events.Line]string{}
		for _, l := range y.Lines() {
			names[n][l.Code] = v.either(l.Name, l.NameEn)
		}
	}
	return func(y events.Year, l events.Line) string { return names[y][l] }
}

// facts are what the event says, in the order in which somebody who checks it asks.
func (v *view) facts(main *eventView, made *sheet.Sheet, line func(events.Year, events.Line) string) {
	e := main.Event
	c := e.Command
	add := func(label, value, href string) {
		if value != "" {
			main.Facts = append(main.Facts, fact{Label: label, Value: sheet.Shown(value), Href: href})
		}
	}
	kind := v.Word("kind." + string(c.Kind))
	if c.Cause != "" {
		kind += "（" + v.Word("cause."+string(c.Cause)) + "）"
		if v.Lang == words.English {
			kind = v.Word("kind."+string(c.Kind)) + " (" + v.Word("cause."+string(c.Cause)) + ")"
		}
	}
	add(v.Word("column.kind"), kind, "")
	if !c.Amount.IsZero() {
		add(v.Word("column.amount"), v.amount(c.Amount, made), "")
	}
	if l := c.Line; l != "" && c.Year != 0 {
		add(v.Word("column.line"), strings.TrimSpace(string(l)+" "+line(c.Year, l)), v.To("/funds/"+string(v.Fund)+"/years/"+c.Year.String()+"/lines/"+string(l)))
	}
	if c.Year != 0 {
		add(v.Word("column.year"), c.Year.String(), v.To("/funds/"+string(v.Fund)+"/years/"+c.Year.String()))
	}
	if !c.Date.IsZero() {
		add(v.Word("column.date"), c.Date.String(), "")
	}
	payee := strings.TrimSpace(c.Payee.Name + " " + c.Payee.ID)
	if c.Payee.Name == "" {
		payee = strings.TrimSpace(c.Payee.ID + " " + c.Payee.Ref)
	}
	if payee != "" {
		add(v.Word("column.payee"), payee, v.To("/payees", "payee", cmp.Or(c.Payee.Name, c.Payee.ID, c.Payee.Ref), "known_at", "", "unit", ""))
	}
	if c.Channel != "" {
		add(v.Word("column.channel"), v.Word("channel."+string(c.Channel)), "")
	}
	if n := c.Voucher; n != (events.Voucher{}) {
		add(v.Word("column.voucher"), strings.TrimSpace(strings.Join([]string{n.Issuer, n.Year.String(), n.Type, n.Number, n.Line}, " ")), "")
	}
	add(v.Word("column.purpose"), c.Purpose, "")
	add(v.Word("column.reason"), c.Reason, "")
	add(v.Word("column.text"), c.Text, "")
	add(v.Word("column.documents"), strings.Join(c.Documents, "；"), "")
	if c.Basis != "" {
		add(v.Word("column.basis"), v.Word("basis."+string(c.Basis)), "")
	}
	if c.Mode != "" {
		add(v.Say("event.mode"), v.Say("mode."+string(c.Mode)), "")
	}
	for _, f := range e.Flags {
		href := ""
		if v.Writes() {
			href = v.To(v.FundPath("post/explained"), "known_at", "", "unit", "", "year", c.Year.String(), "of", e.Seq.String(), "flag", string(f))
		}
		add(v.Word("column.flags"), v.FlagWords(f), href)
	}
	main.Facts = append(main.Facts, fact{Label: v.Word("column.recorded"), Value: v.Moment(e.Time), Time: e.Time.UTC().Format(events.TimeForm)})
	add(v.Word("column.actor"), e.Actor.ID+" ("+e.Actor.Role+")", "")
	code := func(label, value string) {
		main.Facts = append(main.Facts, fact{Label: label, Value: sheet.Shown(value), Code: true})
	}
	code(v.Word("column.id"), string(e.ID))
	for _, m := range made.Head {
		if m.Name == "leaf_hash" {
			code(v.Say("event.leaf"), m.Value.Text())
		}
	}
	code(v.Say("event.root", "seq", v.At.Seq.String()), v.At.Root)
	v.posts(main)
}

// amount is an amount in figures, and in capitals where the currency has them.
func (v *view) amount(a events.Amount, of *sheet.Sheet) string {
	text := words.Money(a.String())
	if m, err := a.Minor(of.Decimals); err == nil {
		text = words.Money(m.Format(of.Decimals))
	}
	if of.Currency != "CNY" {
		return text + " " + of.Currency
	}
	text += " " + v.Word("unit.CNY.yuan")
	if capitals, ok := events.FormatCapitals(a); ok {
		text += "  " + capitals
	}
	return text
}

// chain is the events of a trail in the order of the log, with what each is about.
func (v *view) chain(t *sheet.Table) (out []link) {
	for row := range t.Rows {
		at := func(name string) sheet.Cell { return row.Cells[t.Column(name)] }
		n := events.Seq(at("seq").Int())
		l := link{
			Seq: n, Href: v.event(v.Fund, n), Place: v.Word("place." + at("place").Text()), Date: at("date").Text(),
			Kind: v.kind(events.Kind(at("kind").Text()), events.Cause(at("cause").Text())), This: n == v.a.number,
		}
		for _, named := range at("names").Cells() {
			var field string
			var of events.Seq
			for _, m := range named.Members() {
				if m.Name == "field" {
					field = m.Value.Text()
				} else {
					of = events.Seq(m.Value.Int())
				}
			}
			l.Relations = append(l.Relations, wayOut{sheet.Catalogue.Say(v.Lang, "relation."+field, map[string]string{"seq": of.String()}), v.event(v.Fund, of)})
		}
		out = append(out, l)
	}
	return out
}

// postable is what may be posted about events of a kind.
var postable = map[events.Kind][]string{
	events.Disbursed: {"returned", "refund", "prior-year", "receipt-confirmed", "reclassified"},
	events.Committed: {"commitment-released"},
	events.Allotted:  {"allotment-withdrawn"},
}

// posts leads to the forms for what may be posted about the event.
func (v *view) posts(main *eventView) {
	c := main.Event.Command
	if !v.Writes() || c.Kind == events.Reversed {
		return
	}
	kinds := slices.DeleteFunc(slices.Clone(postable[c.Kind]), func(k string) bool { return k == string(events.ReceiptConfirmed) && c.Channel != events.LowerTreasury })
	if c.Kind != events.Amended && c.Kind != events.Explained {
		kinds = append(kinds, "amended")
	}
	if !slices.Contains([]events.Kind{events.FundOpened, events.LineAdded, events.Amended, events.Explained, events.YearClosed, events.YearReopened}, c.Kind) {
		kinds = append(kinds, "reversed")
	}
	for _, k := range kinds {
		name := sheet.Catalogue.Find(v.Lang, "cause."+k, nil)
		if name == "" {
			if name = words.Ledger.Find(v.Lang, "cause."+k, nil); name == "" {
				name = v.Word("kind." + k)
			}
		}
		main.Posts = append(main.Posts, wayOut{name, v.To(v.FundPath("post/"+k), "known_at", "", "unit", "", "of", main.Event.Seq.String())})
	}
}

// pretty is JSON with its lines broken, where nothing does anything but be seen.
func pretty(raw []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil { // which no stored command is
		return seen(string(raw))
	}
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = seen(lines[i])
	}
	return strings.Join(lines, "\n")
}

// seen writes what would do something instead of being seen as JSON can: the same text.
func seen(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r > 0x7e && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&out, `\u%04x`, unit)
			}
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// paperOperation describes it, whose formats are not those of tables.
func (s *site) paperOperation() huma.Operation {
	op := s.operation("paper", "/v1/funds/{fund}/events/{n}/paper", "The paper of an event: a payment order, a receipt or an accounting slip", ofPaper, typesOf(document.Formats))
	for _, p := range op.Parameters {
		if p.Name == "format" {
			p.Description, p.Schema.Enum = "html where it is left out", nil
			for _, format := range document.Formats {
				p.Schema.Enum = append(p.Schema.Enum, format)
			}
		}
	}
	return op
}

// paper answers with the paper of an event.
func (s *site) paper(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, ofPaper)
	if err != nil {
		return err
	}
	if !slices.Contains(document.Formats, a.format) {
		if r.URL.Query().Has("format") {
			return choice("format", a.format, document.Formats)
		}
		a.format = "html"
	}
	at, err := s.cutOf(r.Context(), a)
	if err != nil {
		return said(err, lang)
	}
	tag := s.tag(at, "paper", string(a.fund), a.number.String(), a.format, string(a.lang))
	var body bytes.Buffer
	same := has(r, tag)
	if !same {
		err := s.books.Read(r.Context(), a.fund, 0, projections.MomentOf(at.Seq), func(_ live.Cut, b *projections.Book) error {
			paper, err := document.New(b, a.number)
			if err != nil {
				return err
			}
			return document.Write(&body, a.format, []*document.Paper{paper}, a.lang)
		})
		var e *events.Error
		if errors.As(err, &e) && e.Why == "no-paper" {
			return fault{e.With("field", "n"), http.StatusNotFound}
		}
		if err != nil {
			return said(err, lang)
		}
	}
	cached(w, r, tag, same, contentTypes[a.format], a.lang, body.Bytes())
	return nil
}
