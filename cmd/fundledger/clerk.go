package main

import (
	"cmp"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/desk"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"github.com/google/uuid"
)

// A clerk helps whoever fills in a command about a fund, at a terminal or on a page: what follows from what there is, what there is to choose from, and what it is called. It
// asks nobody and stores nothing.
type clerk struct {
	*app
	fund events.Fund
	book *projections.Book // nil while no fund is named

	// What was read of the log, so that it can be told when the log is not open any more.
	told   map[events.Seq]string
	waited map[waitingIn][]leftOver
}

// A waitingIn is what is asked of what waits.
type waitingIn struct {
	year events.Year
	kind progress.Waiting
}

// clerk returns the clerk of a fund whose book is open; at is nil while no fund is named.
func (a *app) clerk(at *counter) *clerk {
	if at == nil {
		return a.clerkOf("", nil)
	}
	if at.clerk == nil {
		at.clerk = a.clerkOf(at.fund, at.book)
	}
	return at.clerk
}

func (a *app) clerkOf(fund events.Fund, book *projections.Book) *clerk {
	return &clerk{app: a, fund: fund, book: book, told: map[events.Seq]string{}, waited: map[waitingIn][]leftOver{}}
}

// ahead looks up what can be asked about a subject while the log is open.
func (k *clerk) ahead(s desk.Subject, answers desk.Answers) error {
	h := k.known()
	if h == nil {
		return nil
	}
	years := answers["year"]
	if len(years) == 0 {
		for _, y := range h.Years() {
			years = append(years, y.String())
		}
	}
	for _, year := range years {
		for _, f := range s.Flags() {
			if _, _, err := k.offers(s, f, desk.Answers{"year": {year}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// known is the history of the fund, nil where nothing is known of it.
func (k *clerk) known() *history.History {
	if k.book == nil || k.book.Last() == 0 {
		return nil
	}
	return k.book.History()
}

// label is what people call what a flag takes.
func (a *app) label(flag string) string { return cmp.Or(texts.Find(a.lang, "label."+flag, nil), flag) }

// today is the day in the fund's zone.
func (k *clerk) today() string {
	now := k.now()
	if k.book != nil && k.book.Zone() != nil {
		now = now.In(k.book.Zone())
	}
	return events.DayOf(now).String()
}

// supplied fills in the year and the date where they follow from what there is. strict says that nobody can be asked.
func (k *clerk) supplied(s desk.Subject, answers desk.Answers, strict bool) error {
	if s.Flag("date") != nil && len(answers["date"]) == 0 && strict {
		answers["date"] = []string{k.today()}
	}
	if len(answers["year"]) > 0 || s.Kind == events.FundOpened || k.book == nil {
		return nil
	}
	h := k.book.History()
	if of := s.Flag("of"); of != nil && s.Cause != events.PriorYear { // the year is that of the event named
		if n, err := events.ParseSeq(first(answers["of"])); err == nil && n <= h.Last() {
			answers["year"] = []string{h.Event(n).Year.String()}
			return nil
		}
	}
	if year := k.getenv(yearVariable); year != "" {
		answers["year"] = []string{year}
		if err := s.Check(answers); err != nil {
			return usageError{err}
		}
		return nil
	}
	if h.Last() == 0 {
		return nil
	}
	year, err := k.yearOf(h)
	if err != nil {
		if strict {
			return err
		}
		return nil
	}
	answers["year"] = []string{year.String()}
	return nil
}

// money is an amount in figures, and in capitals where the currency has them.
func (k *clerk) money(amount events.Amount) string {
	currency, decimals := "CNY", 2
	if h := k.known(); h != nil {
		currency, decimals = h.Currency(), h.Decimals()
	}
	text := words.Money(amount.String())
	if m, err := amount.Minor(decimals); err == nil {
		text = words.Money(m.Format(decimals))
	}
	text += " " + currency
	if currency == "CNY" {
		if capitals, ok := events.FormatCapitals(amount); ok {
			text += "  " + capitals
		}
	}
	return text
}

// lineName is the name of a line, "" where there is no such line.
func (k *clerk) lineName(year events.Year, code events.Line) string {
	h := k.known()
	if h == nil {
		return ""
	}
	y, err := h.Year(year)
	if err != nil {
		return ""
	}
	for _, l := range y.Lines() {
		if l.Code != code {
			continue
		}
		return k.named(&l)
	}
	return ""
}

// named is what a line is called.
func (k *clerk) named(l *history.Line) string {
	if l.Code == events.Root {
		return sheet.Catalogue.Say(k.lang, "row.total", nil)
	}
	if k.lang == words.English && l.NameEn != "" {
		return l.NameEn
	}
	return l.Name
}

// choice is a choice of a flag with its words.
func (a *app) choice(flag, value string) string {
	if said := a.choiceWord(flag, value); said != "" {
		return said + " (" + value + ")"
	}
	return value
}

func (a *app) choiceWord(flag, value string) string {
	name := flag + "." + value
	return cmp.Or(texts.Find(a.lang, "choice."+name, nil), words.Ledger.Find(a.lang, name, nil), sheet.Catalogue.Find(a.lang, name, nil))
}

// called is the name of an event's kind, or of its cause.
func (a *app) called(c *events.Command) string {
	if c.Cause != "" {
		return words.Ledger.Say(a.lang, "cause."+string(c.Cause), nil)
	}
	return words.Ledger.Say(a.lang, "kind."+string(c.Kind), nil)
}

// inWords is an event on one line: what it is, of how much, when, on which line.
func (k *clerk) inWords(e *events.Event) string {
	c := e.Command
	parts := []string{k.called(c)}
	if !c.Amount.IsZero() {
		parts = append(parts, k.money(c.Amount))
	}
	if c.Line != "" {
		parts = append(parts, strings.TrimSpace(string(c.Line)+" "+k.lineName(c.Year, c.Line)))
	}
	for _, s := range []string{c.Date.String(), k.payee(e), c.Voucher.Number, c.Reason, c.Text} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return harmless(strings.Join(parts, "  "))
}

// inShort is an event among others of its kind: when, of whom, on which line, of how much.
func (k *clerk) inShort(e *events.Event) string {
	c := e.Command
	var parts []string
	for _, s := range []string{c.Date.String(), k.payee(e), strings.TrimSpace(string(c.Line) + " " + k.lineName(c.Year, c.Line)), words.Money(c.Amount.String())} {
		if s != "" && s != "0" {
			parts = append(parts, s)
		}
	}
	return harmless(strings.Join(parts, "  "))
}

// payee is who was paid, as amended.
func (k *clerk) payee(e *events.Event) string {
	if e.Command.Kind != events.Disbursed {
		return e.Command.Payee.Name
	}
	return k.book.History().Payee(e.Seq).Name
}

// An offered is something that a flag can be, as the fund has it.
type offered struct {
	value string
	words string // what it is
	left  string // what is available there, or what is left of it, as the fund counts; "" where that says nothing
	depth int    // how far below the root a line stands
}

// mostOffered bounds a list of events; the newest are in it.
const mostOffered = 100

// offers lists what a flag can be, and says how many there would be. It lists nothing where anything can be.
func (k *clerk) offers(s desk.Subject, f desk.Flag, answers desk.Answers) (out []offered, all int, err error) {
	h := k.known()
	year, yearErr := events.ParseYear(first(answers["year"]))
	switch {
	case len(f.Choices) > 0:
		for _, c := range f.Choices {
			out = append(out, offered{value: c, words: k.choiceWord(f.Name, c)})
		}
	case h == nil || s.Kind == events.FundOpened:
	case f.Name == "year" || f.Name == "to-year":
		for _, n := range h.Years() {
			y, err := h.Year(n)
			if err != nil {
				return nil, 0, err
			}
			if f.Name == "year" || yearErr != nil || n > year {
				out = append(out, offered{value: n.String(), words: cmp.Or(y.Name, string(k.fund))})
			}
		}
	case f.Name == "to-line" && s.Kind == events.CarriedOver:
		if year, err := events.ParseYear(first(answers["to-year"])); err == nil {
			out, err = k.lines(year)
			return out, len(out), err
		}
	case yearErr != nil:
	case f.Name == "line" && s.Kind == events.LineAdded: // which is a new one
	case slices.Contains([]string{"line", "to-line", "of-line", "parent"}, f.Name) || f.Form == desk.Leg:
		out, err = k.lines(year)
	case f.Name == "lot" && s.Kind != events.CarriedOver && s.Kind != events.CarriedIn:
		out, err = k.lots(year)
	default:
		var of []leftOver
		of, err = k.leftOvers(s, f.Name, year)
		all = len(of)
		for _, l := range slices.Backward(of) {
			if len(out) == mostOffered {
				return out, all, nil
			}
			told, ok := k.told[l.seq]
			if !ok {
				e, err := h.Stored(l.seq)
				if err != nil {
					return nil, 0, err
				}
				told = k.inShort(&e)
				k.told[l.seq] = told
			}
			out = append(out, offered{value: l.seq.String(), words: told, left: l.left.Format(h.Decimals())})
		}
	}
	return out, max(all, len(out)), err
}

// lines are those of a year with what is available on them.
func (k *clerk) lines(year events.Year) (out []offered, err error) {
	h := k.known()
	y, err := h.Year(year)
	if err != nil {
		return nil, nil // which is said when the command is tried
	}
	balances, err := h.Balances(y, projections.Query{Year: year})
	if err != nil {
		return nil, err
	}
	for i, l := range y.Lines() {
		if l.Code == events.Root {
			continue
		}
		o := offered{value: string(l.Code), words: k.named(&l), depth: l.Depth}
		if y.Budgeted && l.Leaf {
			o.left = balances[i].All.Available().Format(h.Decimals())
		}
		out = append(out, o)
	}
	return out, nil
}

// lots are those of a year with something left.
func (k *clerk) lots(year events.Year) (out []offered, err error) {
	h := k.known()
	y, err := h.Year(year)
	if err != nil {
		return nil, nil
	}
	all, err := h.LotBalances(y, projections.Query{Year: year})
	for _, l := range all {
		if l.Available() > 0 {
			out = append(out, offered{value: l.Name, words: strings.TrimSpace(string(l.Line) + " " + l.Purpose), left: l.Available().Format(h.Decimals())})
		}
	}
	return out, err
}

// A leftOver is an event and what is left of its money: of a payment what has not come back, of a commitment what is not used, of a transfer to a lower treasury what nobody is
// known to have got, of an allotment what is not withdrawn, of money that nobody could place what is not settled.
type leftOver struct {
	seq  events.Seq
	line events.Line // of a payment
	left events.Minor
}

// waits are what a flag names that waits.
var waits = map[string]progress.Waiting{"commitment": progress.Commitment, "settles": progress.Suspense}

// leftOvers lists what a flag of a subject can name, with what is left of it, in the order of the log. A payment that stands on several lines is one.
func (k *clerk) leftOvers(s desk.Subject, flag string, year events.Year) ([]leftOver, error) {
	wait := waits[flag]
	if flag == "of" {
		switch s.Kind {
		case events.ReceiptConfirmed:
			wait = progress.Transit
		case events.CommitmentReleased:
			wait = progress.Commitment
		case events.AllotmentWithdrawn:
			return k.allotments(year)
		}
	}
	switch {
	case wait != "":
		return k.waiting(year, wait)
	case flag == "against" || flag == "covers", flag == "of" && (s.Kind == events.ClawedBack || s.Kind == events.Reclassified):
		pieces, err := k.pieces(s, year)
		var out []leftOver
		for _, p := range pieces {
			if n := len(out); n > 0 && out[n-1].seq == p.seq {
				out[n-1].left += p.left
				continue
			}
			out = append(out, p)
		}
		return slices.DeleteFunc(out, func(l leftOver) bool { return l.left <= 0 }), err
	}
	return nil, nil
}

// pieces are what is left of payments, line by line: of the year, or for money that comes back to a later year of those before it.
func (k *clerk) pieces(s desk.Subject, year events.Year) (out []leftOver, err error) {
	h := k.known()
	for _, n := range h.Years() {
		if (s.Cause == events.PriorYear) != (n < year) || n > year {
			continue
		}
		y, err := h.Year(n)
		if err != nil {
			return nil, err
		}
		all, err := h.Pieces(y, projections.Query{Year: n})
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			out = append(out, leftOver{p.Pay, p.Line, p.Left()})
		}
	}
	return out, nil
}

// waiting is what waits in a year.
func (k *clerk) waiting(year events.Year, kind progress.Waiting) (out []leftOver, err error) {
	if out, ok := k.waited[waitingIn{year, kind}]; ok {
		return out, nil
	}
	defer func() {
		if err == nil {
			k.waited[waitingIn{year, kind}] = out
		}
	}()
	s, err := k.book.Table("ageing", projections.Query{Year: year})
	switch {
	case events.CodeOf(err) == events.UnknownYear:
		return nil, nil
	case err != nil:
		return nil, err
	}
	t := s.Tables[0]
	for r := range t.Rows {
		seq := events.Seq(r.Cells[t.Column("seq")].Int())
		if r.Cells[t.Column("kind")].Text() != string(kind) || seq == 0 {
			continue
		}
		left := r.Cells[t.Column("amount")].Minor()
		if i := slices.IndexFunc(out, func(l leftOver) bool { return l.seq == seq }); i >= 0 { // of another district
			out[i].left += left
			continue
		}
		out = append(out, leftOver{seq: seq, left: left})
	}
	slices.SortFunc(out, func(a, b leftOver) int { return cmp.Compare(a.seq, b.seq) })
	return out, nil
}

// allotments are those of a year of which something was not withdrawn.
func (k *clerk) allotments(year events.Year) (out []leftOver, err error) {
	h := k.known()
	y, err := h.Year(year)
	if err != nil {
		return nil, nil
	}
	left := map[events.Seq]events.Minor{}
	h.Postings(y, func(p *history.Posting) {
		if p.Measure != events.AllottedM {
			return
		}
		e := h.Event(p.Seq)
		for e.Kind == events.Reversed || e.Kind == events.AllotmentWithdrawn {
			e = h.Event(e.Of)
		}
		left[e.Seq] += p.Amount
	})
	for seq, l := range left {
		if l > 0 {
			out = append(out, leftOver{seq: seq, left: l})
		}
	}
	slices.SortFunc(out, func(a, b leftOver) int { return cmp.Compare(a.seq, b.seq) })
	return out, nil
}

// rest is the amount that is left of what a command is about, as a command has it; "" where there is none, or where it stands on several lines of which none is named. asked says
// that a command of that kind is usually about all of it: of a payment, what was paid less what has come back.
func (k *clerk) rest(s desk.Subject, answers desk.Answers) (amount string, asked bool, err error) {
	h := k.known()
	if h == nil || s.Flag("amount") == nil {
		return "", false, nil
	}
	year, err := events.ParseYear(first(answers["year"]))
	if err != nil {
		return "", false, nil
	}
	if lot := first(answers["lot"]); lot != "" && s.Kind != events.CarriedOver && s.Kind != events.CarriedIn {
		all, err := k.lots(year)
		if i := slices.IndexFunc(all, func(o offered) bool { return o.value == lot }); i >= 0 {
			return all[i].left, false, err
		}
		return "", false, err
	}
	for _, flag := range []string{"of", "commitment", "settles"} {
		n := k.seq(first(answers[flag]))
		if n == 0 || s.Flag(flag) == nil {
			continue
		}
		var all []leftOver
		if flag == "of" && (s.Kind == events.ClawedBack || s.Kind == events.Reclassified) {
			all, err = k.pieces(s, year)
		} else {
			all, err = k.leftOvers(s, flag, year)
		}
		line := events.Line(cmp.Or(first(answers["of-line"]), first(answers["line"])))
		all = slices.DeleteFunc(all, func(l leftOver) bool {
			return l.seq != n || l.left <= 0 || flag == "of" && l.line != "" && line != "" && l.line != line && s.Cause != events.PriorYear
		})
		if err != nil || len(all) != 1 {
			return "", false, err
		}
		return all[0].left.Format(h.Decimals()), flag == "of", nil
	}
	return "", false, nil
}

// seq is the number of the event that is named by its number; 0 where there is none.
func (k *clerk) seq(ref string) events.Seq {
	n, err := events.ParseSeq(ref)
	if h := k.known(); err != nil || h == nil || n > h.Last() {
		return 0
	}
	return n
}

// setting is what the case has to know of the fund.
func (k *clerk) setting(c *desk.Case) (in desk.Setting, err error) {
	h := k.book.History()
	in = desk.Setting{
		Today: k.today(), Reason: k.say("correct.reason", map[string]string{"seq": c.Of.String()}), Smallest: events.Minor(1).Format(h.Decimals()),
		Left: func(m events.Minor) string { return m.Format(h.Decimals()) },
		NewID: func() (events.ID, error) {
			id, err := uuid.NewV7()
			return events.ID(id.String()), err
		},
	}
	if y, err := h.Year(c.Event.Command.Year); err == nil { // not every event is of a year
		left := map[events.Line]events.Minor{}
		balances, err := h.Balances(y, projections.Query{Year: y.Year})
		if err != nil {
			return in, err
		}
		for i, l := range y.Lines() {
			if l.Leaf {
				in.Leaves = append(in.Leaves, l.Code)
				left[l.Code] = balances[i].Free.Available()
			}
		}
		slices.SortStableFunc(in.Leaves, func(a, b events.Line) int { return cmp.Compare(left[b], left[a]) })
	}
	for _, n := range slices.Backward(h.Years()) {
		if y, err := h.Year(n); err == nil && n > c.Event.Command.Year && !y.Closed {
			in.Next = n
		}
	}
	for _, f := range c.Event.Flags {
		if !h.Explained(history.Flagged{Of: c.Of, Code: f}) {
			in.Flags = append(in.Flags, f)
		}
	}
	return in, nil
}
