package desk

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"fundledger/events"
)

// An Offer is a way to put an event right.
type Offer struct {
	// Name is one of [Ways].
	Name string
	// Needs are the flags that it cannot do without and that nobody has answered yet.
	Needs []string
	// Probe are answers with which it can be tried before somebody has given the true ones.
	Probe Answers
}

// Ways lists the ways to put an event right, the gentlest first.
var Ways = []string{"explain", "amend", "reclassify", "repost", "reverse", "restore", "returned", "refund", "offset", "prior-year", "release", "withdraw"}

// A Setting is what offers and plans need to know of the fund besides the log.
type Setting struct {
	Today    string
	Reason   string                    // where nobody gives one
	Smallest string                    // the smallest amount of the currency
	Leaves   []events.Line             // lines of the event's year that money is posted to, those with the most left first
	Next     events.Year               // a later year that is open, 0 where there is none
	Flags    []events.Code             // of the event, not explained
	NewID    func() (events.ID, error) // of a new event
	Left     func(events.Minor) string // an amount as commands have it
}

// reversible reports whether an event of a kind can be taken back.
func reversible(k events.Kind) bool {
	switch k {
	case events.FundOpened, events.LineAdded, events.Reversed, events.Amended, events.Explained, events.YearClosed, events.YearReopened:
		return false
	}
	return true
}

// Offers lists what might put the event right. Whether the ledger takes it is for a trial to say.
func (c *Case) Offers(in Setting) (out []Offer) {
	k := c.Event.Command.Kind
	add := func(name string, probe Answers, needs ...string) { out = append(out, Offer{name, needs, probe}) }
	if len(in.Flags) > 0 && c.Reversed == 0 {
		add("explain", Answers{"flag": {string(in.Flags[0])}, "text": {in.Reason}}, "flag", "text")
	}
	if k == events.Reversed {
		if c.Target != nil {
			add("restore", nil)
		}
		return out
	}
	if c.Reversed != 0 {
		return out
	}
	if k != events.Amended && k != events.Explained {
		add("amend", Answers{"set": {"note=" + in.Reason}}, "set")
	}
	if !reversible(k) {
		return out
	}
	left := slices.IndexFunc(c.Left, func(p Piece) bool { return p.Left > 0 })
	if k == events.Disbursed && left >= 0 {
		if at := slices.IndexFunc(in.Leaves, func(l events.Line) bool { return l != c.Left[left].Line }); at >= 0 {
			add("reclassify", Answers{"to-line": {string(in.Leaves[at])}, "amount": {in.Smallest}}, "to-line")
		}
	}
	add("repost", nil, "set")
	add("reverse", nil)
	if k == events.Disbursed && left >= 0 {
		if c.Closed(c.Event.Command.Year) {
			add("prior-year", Answers{"amount": {in.Smallest}}, "amount")
		} else {
			if len(c.Standing()) == 0 {
				add("returned", nil)
			}
			add("refund", Answers{"amount": {in.Smallest}}, "amount")
		}
	}
	switch k {
	case events.Committed:
		add("release", Answers{"amount": {in.Smallest}}, "amount")
	case events.Allotted:
		add("withdraw", Answers{"amount": {in.Smallest}}, "amount")
	}
	return out
}

// subjects are those of the ways that append one new event about the event.
var subjects = map[string]Subject{
	"explain": {Kind: events.Explained}, "amend": {Kind: events.Amended}, "reclassify": {Kind: events.Reclassified},
	"returned": {events.ClawedBack, events.Returned}, "refund": {events.ClawedBack, events.Refund}, "offset": {events.ClawedBack, events.Offset},
	"prior-year": {events.ClawedBack, events.PriorYear}, "release": {Kind: events.CommitmentReleased}, "withdraw": {Kind: events.AllotmentWithdrawn},
}

// Plans are the lists of commands that put the event right in a way with the answers given, the plainest first: each is one atomic file, and the first that the
// ledger takes is the one. An error names the flag that is wrong.
func (c *Case) Plans(way string, answers Answers, in Setting) ([][][]byte, error) {
	if err := answers.readable(); err != nil {
		return nil, err
	}
	if s, ok := subjects[way]; ok {
		one, err := c.about(s, answers, in)
		return [][][]byte{{one}}, err
	}
	var plans [][][]byte
	if way == "restore" {
		p := &plan{c: c, in: in, answers: answers, ids: map[events.Seq]events.ID{}}
		_, err := p.anew(c.Target, false)
		return [][][]byte{p.commands}, err
	}
	for _, lots := range []bool{false, true} {
		undone := c.undone(lots)
		if lots && len(undone) == len(c.undone(false)) {
			continue
		}
		for _, bridged := range []bool{false, true} {
			if kind := c.Event.Command.Kind; bridged && (way != "repost" || kind != events.Appropriated && kind != events.Reallocated) {
				continue
			}
			for _, open := range []bool{false, true} {
				p := &plan{c: c, in: in, answers: answers, ids: map[events.Seq]events.ID{}, undone: undone, open: open}
				if open && len(p.years()) == 0 {
					continue
				}
				if err := p.make(way == "repost", bridged); err != nil {
					return nil, err
				}
				plans = append(plans, p.commands)
			}
		}
	}
	return plans, nil
}

// about is one new event about the event.
func (c *Case) about(s Subject, answers Answers, in Setting) ([]byte, error) {
	k := c.Event.Command
	full := Answers{"fund": {string(k.Fund)}, "year": {k.Year.String()}, "of": {c.Of.String()}}
	if s.Flag("reason") != nil {
		full["reason"] = []string{in.Reason}
	}
	if s.Flag("date") != nil {
		full["date"] = []string{in.Today}
	}
	if s.Cause == events.PriorYear && in.Next != 0 {
		full["year"] = []string{in.Next.String()}
	}
	if s.Kind == events.Reclassified {
		at := slices.IndexFunc(c.Left, func(p Piece) bool {
			return p.Left > 0 && (len(answers["line"]) == 0 || string(p.Line) == answers.one("line"))
		})
		if at >= 0 {
			full["amount"] = []string{in.Left(c.Left[at].Left)}
		}
	}
	for name, values := range answers {
		if s.Flag(name) != nil {
			full[name] = values
		}
	}
	if len(full["id"]) == 0 {
		id, err := in.NewID()
		if err != nil {
			return nil, err
		}
		full["id"] = []string{string(id)}
	}
	raw, _, err := s.Parse(full)
	return raw, err
}

// A plan is commands as they are put together.
type plan struct {
	c        *Case
	in       Setting
	answers  Answers
	undone   []*Hanging
	set      map[string]bool          // what the answers set of the event: its fields and their parts, purpose. or payee.name
	open     bool                     // a year that was opened stays so: what is right now may leave something over
	ids      map[events.Seq]events.ID // of the new events, by those whose place they take
	commands [][]byte
}

func (p *plan) put(d *events.Draft) { p.commands = append(p.commands, d.JSON()) }

func (p *plan) begin(kind events.Kind, year events.Year) (*events.Draft, error) {
	id, err := p.in.NewID()
	return (&events.Draft{}).Text("id", string(id)).Text("kind", string(kind)).Text("fund", string(p.c.Event.Command.Fund)).Number("year", int64(year)), err
}

// reason is the one given, else the usual one.
func (p *plan) reason() string {
	if r := p.answers.one("reason"); r != "" {
		return r
	}
	return p.in.Reason
}

// make takes the event back, and what had to be taken back before it, the last first; and with anew posts it again as the answers set it, and what hung on it. A
// closed year is opened for it where two people approve, and closed again. bridged covers what is taken back meanwhile by a supplement that is taken back at the end:
// money that was spent out of a wrong budget was not overspent.
func (p *plan) make(anew, bridged bool) error {
	years := p.years()
	for _, y := range years {
		d, err := p.begin(events.YearReopened, y)
		if err != nil {
			return err
		}
		p.put(d.Text("date", p.in.Today).Text("reason", p.reason()).Texts("approvers", p.answers["approver"]))
	}
	var bridges []events.ID
	if bridged {
		k := p.c.Event.Command
		legs := k.ToLegs
		if k.Kind == events.Appropriated {
			legs = []events.Leg{{Line: k.Line, Amount: k.Amount}}
		}
		for _, leg := range legs {
			id, err := p.in.NewID()
			if err != nil {
				return err
			}
			d := (&events.Draft{}).Text("id", string(id)).Text("kind", string(events.Appropriated)).Text("fund", string(k.Fund)).Number("year", int64(k.Year))
			p.put(d.Text("date", k.Date.String()).Text("line", string(leg.Line)).Text("amount", leg.Amount.String()).Text("stage", string(events.SupplementaryStage)).Text("note", p.reason()))
			bridges = append(bridges, id)
		}
	}
	for _, h := range slices.Backward(p.undone) {
		if err := p.reverse(h.Command.Year, events.Ref{Seq: h.Seq}); err != nil {
			return err
		}
	}
	if err := p.reverse(p.c.Event.Command.Year, events.Ref{Seq: p.c.Of}); err != nil {
		return err
	}
	if anew {
		changed, err := p.anew(p.c.Event, true)
		if err != nil {
			return err
		}
		for _, h := range p.c.Standing() {
			if err := p.again(h, changed); err != nil {
				return err
			}
		}
	}
	for _, id := range bridges {
		if err := p.reverse(p.c.Event.Command.Year, events.Ref{ID: id}); err != nil {
			return err
		}
	}
	for _, y := range slices.Backward(years) {
		if p.open {
			break
		}
		d, err := p.begin(events.YearClosed, y)
		if err != nil {
			return err
		}
		p.put(d.Text("date", p.c.closed[y].Command.Date.String()))
	}
	return nil
}

// years are the closed ones that have to be opened, where two people approve.
func (p *plan) years() (out []events.Year) {
	if len(p.answers["approver"]) == 0 {
		return nil
	}
	add := func(y events.Year) {
		if p.c.Closed(y) && !slices.Contains(out, y) {
			out = append(out, y)
		}
	}
	add(p.c.Event.Command.Year)
	for _, h := range p.undone {
		add(h.Command.Year)
	}
	for _, v := range p.answers["set"] {
		if name, value, _ := strings.Cut(v, "="); name == "year" {
			if y, err := events.ParseYear(value); err == nil {
				add(y)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (p *plan) reverse(year events.Year, of events.Ref) error {
	d, err := p.begin(events.Reversed, year)
	if err == nil {
		p.put(d.Ref("of", of).Text("reason", p.reason()))
	}
	return err
}

// A member is a name of an object with its value.
type member struct {
	name  string
	value json.RawMessage
}

// members takes a JSON object apart, in its order.
func members(raw []byte) (out []member, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		text, _ := name.(string)
		out = append(out, member{text, value})
	}
	return out, nil
}

// fromAnswers are the members that answers set, as flags of a subject. gone are the flags of parts of objects, such as payee-account, that are taken out.
func (s Subject) fromAnswers(answers Answers, gone []string, old []member) (out []member, err error) {
	d := &events.Draft{}
	done := map[string]bool{}
	for _, f := range s.Flags() {
		if done[f.Field] || !s.answered(f.Field, answers) && !slices.ContainsFunc(s.flagsOf(f.Field), func(f Flag) bool { return slices.Contains(gone, f.Name) }) {
			continue
		}
		done[f.Field] = true
		given := Answers{}
		for _, m := range old { // what an object says besides stays
			if m.name != f.Field || f.Field != "payee" && f.Field != "source" {
				continue
			}
			inner, err := members(m.value)
			if err != nil {
				return nil, err
			}
			for _, in := range inner {
				for _, g := range s.flagsOf(f.Field) {
					if g.Member == in.name {
						text := string(in.value)
						_ = json.Unmarshal(in.value, &text)
						given[g.Name] = []string{text}
					}
				}
			}
		}
		if f.Field == "payee" {
			if err := answers.samePayee(given, gone); err != nil {
				return nil, err
			}
		}
		for name, values := range answers {
			given[name] = values
		}
		for _, name := range gone {
			delete(given, name)
		}
		if err := s.field(d, f.Field, given); err != nil {
			return nil, err
		}
	}
	return members(d.JSON())
}

// samePayee refuses to give the number or the account of one payee to another: who changes the name says what becomes of them. old are the flags of the payee as it was.
func (a Answers) samePayee(old Answers, gone []string) error {
	if len(a["payee"]) == 0 || len(old["payee"]) == 0 || a.one("payee") == old.one("payee") {
		return nil
	}
	for _, part := range []string{"payee-id", "payee-account", "payee-bank"} {
		if len(old[part]) > 0 && len(a[part]) == 0 && !slices.Contains(gone, part) {
			return &events.Error{Code: events.MissingField, Why: "other-payee", Args: events.Args{"field": part, "value": old.one(part), "name": old.one("payee")}}
		}
	}
	return nil
}

// settings are the answers that --set gives: NAME=VALUE, where NAME is a flag of the subject, or the place in the command. An empty value takes the field out, or the part
// of it that the flag is of; out are those flags.
func (s Subject) settings(given []string) (set Answers, out []string, err error) {
	set = Answers{}
	for _, v := range given {
		name, value, ok := strings.Cut(v, "=")
		name = strings.TrimSpace(name)
		f := s.Flag(name)
		if f == nil && slices.Contains(events.Fields(s.Kind, s.Cause), strings.SplitN(name, ".", 2)[0]) {
			f = s.Flag(s.FlagAt(name))
		}
		switch {
		case !ok:
			return nil, nil, &events.Error{Code: events.BadValue, Why: "pair-hand", Args: events.Args{"field": "--set", "value": v}}
		case f == nil || f.Field == "fund" || f.Field == "id": // a correction stays in its fund, and what is new has an id of its own
			var all []string
			for _, f := range s.Flags() {
				if f.Field != "fund" && f.Field != "id" {
					all = append(all, f.Name)
				}
			}
			return nil, nil, &events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "--set", "value": name, "choices": strings.Join(all, " ")}}
		case value == "":
			out = append(out, f.Name)
		default:
			set[f.Name] = append(set[f.Name], value)
		}
	}
	return set, out, nil
}

// anew posts an event again, with the members that the answers set where set is. It returns the command that it has become.
func (p *plan) anew(e *events.Event, set bool) (*events.Command, error) {
	s := Subject{e.Command.Kind, e.Command.Cause}
	old, err := members(e.Command.Raw)
	if err != nil {
		return nil, err
	}
	changes, out, err := s.settings(p.answers["set"])
	if err != nil || !set {
		changes, out = Answers{}, nil
	}
	if err != nil {
		return nil, err
	}
	gone, parts := []string{"id"}, []string(nil)
	for _, name := range out {
		f := s.Flag(name)
		gone = append(gone, f.Field)
		if f.Member != "" && f.Name != f.Field {
			parts = append(parts, f.Name)
		}
	}
	fresh, err := s.fromAnswers(changes, parts, old)
	if err != nil {
		return nil, err
	}
	if set {
		p.set = map[string]bool{}
		for name := range changes {
			f := s.Flag(name)
			p.set[f.Field+"."+f.Member] = true
		}
		for _, name := range out {
			f := s.Flag(name)
			if f.Name == f.Field { // all of it
				p.set[f.Field+"."] = true
			}
			p.set[f.Field+"."+f.Member] = true
		}
	}
	if len(changes["amount"]) > 0 { // how it was printed was of the other amount
		gone = append(gone, "as_printed", "amount_text")
	}
	for _, m := range fresh {
		gone = append(gone, m.name)
	}
	id, err := p.in.NewID()
	if err != nil {
		return nil, err
	}
	p.ids[e.Seq] = id
	d := (&events.Draft{}).Text("id", string(id))
	for _, m := range old {
		if at := slices.IndexFunc(fresh, func(f member) bool { return f.name == m.name }); at >= 0 {
			d.Raw(m.name, fresh[at].value)
			fresh = slices.Delete(fresh, at, at+1)
		} else if !slices.Contains(gone, m.name) {
			d.Raw(m.name, m.value)
		}
	}
	for _, m := range fresh {
		d.Raw(m.name, m.value)
	}
	c, err := events.ParseCommand(d.JSON())
	if err != nil {
		return nil, s.atFlag(err)
	}
	p.put(d)
	return &c, nil
}

// again posts what hung on the event again, of what has taken the event's place: what was taken back, and words that were put right.
func (p *plan) again(h *Hanging, changed *events.Command) error {
	back := slices.Contains(p.undone, h)
	if !back && (h.Command.Kind != events.Amended || p.ids[h.Resolved.Of] == "") {
		return nil
	}
	old, err := members(h.Command.Raw)
	if err != nil {
		return err
	}
	aboutIt := h.Resolved.Of == p.c.Of
	if h.Command.Kind == events.Amended && aboutIt {
		if old, err = p.kept(old); err != nil || old == nil {
			return err
		}
	}
	id, err := p.in.NewID()
	if err != nil {
		return err
	}
	p.ids[h.Seq] = id
	was, d := p.c.Event.Command, (&events.Draft{}).Text("id", string(id))
	for _, m := range old {
		value := []byte(m.value)
		switch m.name {
		case "id":
			continue
		case "year":
			if h.Command.Year == was.Year {
				value = []byte(changed.Year.String())
			}
		case "line":
			if aboutIt && h.Command.Line == was.Line {
				value = quoted(string(changed.Line))
			}
		case "lot":
			if h.Command.Lot == was.Lot && was.Lot != "" && (was.Kind == events.CarriedOver || was.Kind == events.CarriedIn) {
				value = quoted(changed.Lot)
			}
		}
		d.Raw(m.name, p.renamed(m.name, value, &h.Resolved))
	}
	p.put(d)
	return nil
}

// kept is an amendment without the words that the answers set themselves, which it would undo; nil where none are left.
func (p *plan) kept(amendment []member) ([]member, error) {
	// left is an object without what is set of a field; nil where nothing stays of it.
	var left func(object []byte, field string) ([]byte, error)
	left = func(object []byte, field string) ([]byte, error) {
		all, err := members(object)
		d, some := &events.Draft{}, false
		for _, m := range all {
			value, name := []byte(m.value), field+m.name
			if field == "" {
				name += "."
			}
			if name == "payee." && err == nil {
				value, err = left(value, name)
			}
			if value != nil && !p.set[name] {
				d.Raw(m.name, value)
				some = true
			}
		}
		if err != nil || !some {
			return nil, err
		}
		return d.JSON(), nil
	}
	out := slices.Clone(amendment)
	for i, m := range out {
		if m.name != "set" {
			continue
		}
		value, err := left(m.value, "")
		if err != nil || value == nil {
			return nil, err
		}
		out[i].value = value
	}
	return out, nil
}

// renamed is the value of a member that names events, with those that have been posted again in the place of the old ones.
func (p *plan) renamed(name string, value []byte, r *events.Resolved) []byte {
	one := func(n events.Seq) []byte {
		if id := p.ids[n]; id != "" {
			return quoted(string(id))
		}
		return value
	}
	list := func(all []events.Seq) []byte {
		var refs []byte
		for i, n := range all {
			refs = append(refs, "[,"[min(i, 1)])
			if id := p.ids[n]; id != "" {
				refs = append(refs, quoted(string(id))...)
			} else {
				refs = append(refs, n.String()...)
			}
		}
		return append(refs, ']')
	}
	switch name {
	case "of":
		return one(r.Of)
	case "commitment":
		return one(r.Commitment)
	case "against":
		return one(r.Against)
	case "settles":
		return one(r.Settles)
	case "covers":
		return list(r.Covers)
	case "quotient_of":
		return list(r.QuotientOf)
	case "bank_lines":
		return list(r.BankLines)
	case "events":
		return list(r.Matched)
	case "sum_of":
		var refs []byte
		for i, n := range r.SumOf {
			refs = append(refs, "[,"[min(i, 1)])
			text, sign := events.Seq(max(n, -n)).String(), ""
			if n < 0 {
				sign = "-"
			}
			id := p.ids[events.Seq(max(n, -n))]
			if id != "" {
				refs = append(refs, quoted(sign+string(id))...)
			} else {
				refs = append(refs, sign+text...)
			}
		}
		return append(refs, ']')
	}
	return value
}

// Takes reports whether a way can be given a flag.
func Takes(way, flag string) bool {
	if s, ok := subjects[way]; ok {
		return s.Flag(flag) != nil
	}
	switch way {
	case "repost":
		return slices.Contains([]string{"set", "reason", "approver"}, flag)
	case "reverse":
		return slices.Contains([]string{"reason", "approver"}, flag)
	}
	return false
}
