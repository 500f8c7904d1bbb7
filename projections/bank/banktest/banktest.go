// Package banktest makes a year's payments and the bank's statement of them with differences planted in both, and knows the truth. What a reconciliation finds is held
// against that: every planted difference is to be shown as what it is, and nothing that is right as anything but a match.
//
// The world is drawn from a source of random numbers alone. No two payments of one party have one amount, and every planted difference is another party's, unless they
// are planted to be alike: what a careful clerk could not tell apart is no truth.
package banktest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"fundledger/events"
)

// The fund, its year and the window of the world.
const (
	Fund   = events.Fund("f")
	Year   = events.Year(2022)
	Window = 5
)

// A Found is a finding by the ids of its lines and events. Of a match Why is the rule, of any other the reason.
type Found struct {
	State, Why    string
	Lines, Events []string
}

func (f Found) String() string {
	return fmt.Sprintf("%s %s lines %v events %v", f.State, f.Why, f.Lines, f.Events)
}

// A World is commands in the order of the log, and what is true of them.
type World struct {
	Commands [][]byte
	// Planted is what has to be found as it stands here.
	Planted []Found
	// Closing is the bank's balance after the last line.
	Closing events.Minor

	pairs map[string]string   // the event of a line
	alike map[string][]string // … any of which will do
}

// Kinds are what can be planted.
var Kinds = []string{
	"swapped", "permuted", "tenfold", "figure", "amount", "sum-of-three", "two-lines", "voucher", "two-alike", "one-of-two", "doubled", "day-late", "late", "early",
	"not-at-bank", "not-in-ledger", "interest", "returned", "bounced", "other-name", "other-account", "in-transit", "refund", "sent-back",
}

// A line is a line of the statement before it has a balance.
type line struct {
	id, party, account, reference, purpose string
	day                                    events.Day
	amount                                 events.Minor // below zero: out
}

// An order is an event that moves cash.
type order struct {
	id, kind, more string
	day            events.Day
	amount         events.Minor
}

type maker struct {
	*World
	r        *rand.Rand
	lines    []line
	orders   []order
	amounts  map[events.Minor]bool
	parties  []string // that nothing is planted for yet
	n        int
	first    events.Day
	vouchers int
}

func day(s string) events.Day {
	d, err := events.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

// Make draws a world of n payments that are right, with one difference of each kind named.
func Make(r *rand.Rand, n int, kinds ...string) *World {
	m := &maker{
		World: &World{pairs: map[string]string{}, alike: map[string][]string{}}, r: r, amounts: map[events.Minor]bool{}, first: day("2022-01-04"),
	}
	for i := range max(2*len(kinds)+2, n/10) {
		m.parties = append(m.parties, fmt.Sprintf("第%d酒业（%s）有限公司", i, []string{"常德", "武陵", "鼎城"}[i%3]))
	}
	// The statement begins with the year: money that the fund got, which no event of it is.
	m.want("matched", "manual", []string{m.line("市财政局", m.amount(9), m.first-1).id}, nil)
	all := slices.Clone(m.parties)
	r.Shuffle(len(m.parties), func(i, j int) { m.parties[i], m.parties[j] = m.parties[j], m.parties[i] })
	for range n {
		m.right(all[r.IntN(len(all))])
	}
	for _, k := range kinds {
		party := m.parties[0]
		m.parties = m.parties[1:]
		m.plant(k, party)
	}
	m.write()
	return m.World
}

// amount draws one of so many figures that no other has.
func (m *maker) amount(figures int) events.Minor {
	for {
		a := events.Minor(1 + m.r.IntN(9))
		for range figures - 1 {
			a = a*10 + events.Minor(m.r.IntN(10))
		}
		if !m.amounts[a] && !m.amounts[10*a] && (a%10 != 0 || !m.amounts[a/10]) {
			m.amounts[a] = true
			return a
		}
	}
}

// some day of the year that leaves room before its end.
func (m *maker) someDay() events.Day { return m.first + events.Day(m.r.IntN(340)) }

func (m *maker) id(letter string) string {
	m.n++
	return fmt.Sprintf("%s-%05d", letter, m.n)
}

// account is a party's, always the same.
func account(party string) string {
	sum := 0
	for _, r := range party {
		sum = (sum*31 + int(r)) % 1_000_000_007
	}
	return fmt.Sprintf("6222%012d", sum)
}

// pay orders a payment; more are further members of its command.
func (m *maker) pay(party string, amount events.Minor, on events.Day, more string) string {
	id := m.id("P")
	m.orders = append(m.orders, order{id, "disbursed", fmt.Sprintf(`"line":"1","channel":"payment","payee":{"name":%q,"account":%q}%s`, party, account(party), more), on, -amount})
	return id
}

// voucher is a member that no other command has.
func (m *maker) voucher() (member, number string) {
	m.vouchers++
	number = fmt.Sprintf("ZF2022-%05d", m.vouchers)
	return fmt.Sprintf(`,"voucher":{"issuer":"市财政","year":2022,"type":"拨款","number":%q}`, number), number
}

func (m *maker) line(party string, amount events.Minor, on events.Day) *line {
	m.lines = append(m.lines, line{id: m.id("L"), party: party, day: on, amount: amount, reference: fmt.Sprintf("BK%09d", m.r.IntN(1_000_000_000))})
	return &m.lines[len(m.lines)-1]
}

// printed is a name as a bank may print it.
func (m *maker) printed(party string) string {
	switch m.r.IntN(4) {
	case 0:
		return strings.NewReplacer("（", "(", "）", ")").Replace(party)
	case 1:
		return strings.NewReplacer("（", " (", "）", ") ").Replace(party)
	case 2:
		return strings.NewReplacer("（", "", "）", "").Replace(party)
	}
	return party
}

// right is a payment that the bank has carried out as it should.
func (m *maker) right(party string) {
	amount, on := m.amount(6+m.r.IntN(4)), m.someDay()
	lag := events.Day(m.r.IntN(Window + 1))
	more, number := "", ""
	if m.r.IntN(3) > 0 {
		more, number = m.voucher()
	}
	named := m.r.IntN(10)
	ref := fmt.Sprintf("HD%08d", m.r.IntN(100_000_000))
	if named == 1 {
		more += fmt.Sprintf(`,"note":"银行流水 %s"`, ref)
	}
	id := m.pay(party, amount, on, more)
	l := m.line(m.printed(party), -amount, on+lag)
	m.pairs[l.id] = id
	switch {
	case named == 0: // by its id
		l.purpose = "拨款 " + id
	case named == 1:
		l.reference = ref
	case named < 4 && number != "":
		l.purpose = "凭证" + number + "号"
		if m.r.IntN(2) == 0 { // which is enough
			l.party = ""
		}
	}
	if m.r.IntN(3) == 0 {
		a := account(party)
		l.account = []string{a, a[:4] + " " + a[4:8] + " " + a[8:], a[:6] + "****" + a[12:]}[m.r.IntN(3)]
	}
}

func (m *maker) want(state, why string, lines, orders []string) {
	m.Planted = append(m.Planted, Found{state, why, lines, orders})
}

// figures of an amount, and back.
func figures(a events.Minor) []byte { return []byte(a.Format(0)) }

func number(b []byte) (a events.Minor) {
	for _, c := range b {
		a = a*10 + events.Minor(c-'0')
	}
	return a
}

// slip makes another amount that nobody has.
func (m *maker) slip(a events.Minor, change func([]byte)) events.Minor {
	for {
		b := figures(a)
		change(b)
		if n := number(b); b[0] != '0' && n != a && !m.amounts[n] {
			m.amounts[n] = true
			return n
		}
	}
}

func (m *maker) plant(kind, party string) {
	amount, on := m.amount(7), m.someDay()
	differ := func(why string, out events.Minor, lag events.Day) {
		id := m.pay(party, amount, on, "")
		l := m.line(m.printed(party), -out, on+lag)
		m.want("differs", why, []string{l.id}, []string{id})
	}
	lag := events.Day(m.r.IntN(Window + 1))
	switch kind {
	case "swapped":
		differ(kind, m.slip(amount, func(b []byte) {
			i, j := m.r.IntN(len(b)), m.r.IntN(len(b))
			b[i], b[j] = b[j], b[i]
		}), lag)
	case "permuted":
		for distinct(amount) < 3 {
			amount = m.amount(7)
		}
		differ(kind, m.slip(amount, func(b []byte) {
			old := slices.Clone(b)
			i, j, k := m.r.IntN(len(b)), m.r.IntN(len(b)), m.r.IntN(len(b))
			if old[i] != old[j] && old[j] != old[k] && old[i] != old[k] {
				b[i], b[j], b[k] = old[j], old[k], old[i]
			}
		}), lag)
	case "tenfold":
		m.amounts[10*amount] = true
		differ(kind, 10*amount, lag)
	case "figure":
		differ(kind, m.slip(amount, func(b []byte) { b[m.r.IntN(len(b))] = byte('0' + m.r.IntN(10)) }), lag)
	case "amount":
		differ(kind, m.slip(amount, func(b []byte) {
			for i := range b { // five and six: no figure stays, so at most two are where they were in any order but by chance
				b[i] = '5' + byte(m.r.IntN(2))
			}
			if strings.ContainsAny(string(figures(amount)), "56") {
				b[1], b[2], b[3] = '0', '0', '0'
			}
		}), lag)
	case "sum-of-three":
		var ids []string
		total := events.Minor(0)
		for range 3 {
			a := m.amount(6)
			total += a
			ids = append(ids, m.pay(party, a, on, ""))
		}
		m.amounts[total] = true
		l := m.line(m.printed(party), -total, on+lag)
		m.want("proposed", "sum", []string{l.id}, ids)
	case "two-lines":
		id := m.pay(party, amount, on, "")
		part := m.amount(6)
		a := m.line(m.printed(party), -part, on+lag).id
		b := m.line(m.printed(party), part-amount, on+lag).id
		m.want("proposed", "sum", []string{a, b}, []string{id})
	case "voucher":
		more, number := m.voucher()
		other := m.amount(6)
		a := m.pay(party, amount, on, strings.TrimSuffix(more, "}")+`,"line":"1"}`)
		b := m.pay(party+"分公司", other, on, strings.TrimSuffix(more, "}")+`,"line":"2"}`)
		l := m.line("代付", -amount-other, on+lag)
		l.purpose = "凭证 " + number
		m.want("proposed", "sum", []string{l.id}, []string{a, b})
	case "two-alike":
		ids := []string{m.pay(party, amount, on, ""), m.pay(party, amount, on, "")}
		for range 2 {
			m.alike[m.line(party, -amount, on+lag).id] = ids
		}
	case "one-of-two":
		ids := []string{m.pay(party, amount, on, ""), m.pay(party, amount, on, "")}
		l := m.line(m.printed(party), -amount, on+lag)
		m.want("differs", "repeated", []string{l.id}, ids)
	case "doubled":
		id := m.pay(party, amount, on, "")
		a, b := m.line(m.printed(party), -amount, on+lag).id, m.line(m.printed(party), -amount, on+lag).id
		m.want("differs", "doubled", []string{a, b}, []string{id})
	case "day-late":
		differ("date", amount, Window+1)
	case "late":
		differ("date", amount, Window+2+events.Day(m.r.IntN(15)))
	case "early":
		differ("date", amount, -1-events.Day(m.r.IntN(3)))
	case "not-at-bank":
		m.want("ledger-only", "not-at-bank", nil, []string{m.pay(party, amount, on, "")})
	case "in-transit":
		m.want("ledger-only", "in-transit", nil, []string{m.pay(party, amount, day("2022-12-31")-events.Day(m.r.IntN(Window)), "")})
	case "not-in-ledger":
		m.want("bank-only", "not-in-ledger", []string{m.line(party, -amount, on).id}, nil)
	case "interest":
		m.want("bank-only", "unidentified", []string{m.line("结算利息", amount, on).id}, nil)
	case "returned":
		id := m.pay(party, amount, on, "")
		out := m.line(party, -amount, on+lag).id
		m.pairs[out] = id
		m.want("differs", "returned", []string{m.line(party, amount, on+lag+1+events.Day(m.r.IntN(8))).id}, nil)
	case "bounced":
		out := m.line(party, -amount, on).id
		m.want("differs", "bounced", []string{out, m.line(party, amount, on+1+events.Day(m.r.IntN(8))).id}, nil)
	case "other-name":
		id := m.pay(party, amount, on, "")
		l := m.line("某某商贸", -amount, on+lag)
		m.want("differs", "party", []string{l.id}, []string{id})
	case "other-account":
		id := m.pay(party, amount, on, "")
		l := m.line(m.printed(party), -amount, on+lag)
		l.account = "9558" + account(party)[4:]
		m.want("differs", "account", []string{l.id}, []string{id})
	case "refund", "sent-back":
		id := m.pay(party, amount, on, "")
		m.pairs[m.line(party, -amount, on+lag).id] = id
		back := order{id: m.id("R"), kind: "clawed-back", day: on + 8, amount: amount, more: fmt.Sprintf(`"cause":"returned","of":%q`, id)}
		if kind == "refund" {
			back.amount = m.amount(5)
			back.more = fmt.Sprintf(`"cause":"refund","of":%q`, id)
		}
		m.orders = append(m.orders, back)
		m.pairs[m.line(m.printed(party), back.amount, on+8+lag).id] = back.id
	default:
		panic("banktest: no kind " + kind)
	}
}

func distinct(a events.Minor) int {
	b := figures(a)
	slices.Sort(b)
	return len(slices.Compact(b))
}

// write writes the commands down: the year, the events by day, the statement in its order.
func (m *maker) write() {
	add := func(format string, args ...any) { m.Commands = append(m.Commands, fmt.Appendf(nil, format, args...)) }
	add(`{"kind":"fund-opened","fund":%q,"year":%d,"id":"open","name":"专项资金","lines":[{"code":"1","name":"产业"}]}`, Fund, Year)
	add(`{"kind":"appropriated","fund":%q,"year":%d,"id":"budget","date":"2022-01-01","line":"1","amount":"900000000000.00","stage":"original"}`, Fund, Year)
	slices.SortStableFunc(m.orders, func(a, b order) int { return int(a.day - b.day) })
	for _, o := range m.orders {
		amount := fmt.Sprintf(`,"amount":%q`, max(o.amount, -o.amount).Format(2))
		if strings.Contains(o.more, `"returned"`) {
			amount = ""
		}
		add(`{"kind":%q,"fund":%q,"year":%d,"id":%q,"date":%q%s,%s}`, o.kind, Fund, Year, o.id, o.day, amount, o.more)
	}
	slices.SortStableFunc(m.lines, func(a, b line) int { return int(a.day - b.day) })
	m.Closing = 8_000_000_000_000
	for _, l := range m.lines {
		m.Closing += l.amount
		direction := events.In
		if l.amount < 0 {
			direction = events.Out
		}
		d := events.NewDraft(events.BankLine, Fund, Year).Text("id", l.id).Text("date", l.day.String()).Text("account", "43001").Text("direction", string(direction)).
			Text("amount", max(l.amount, -l.amount).Format(2)).Text("balance", m.Closing.Format(2)).Text("counterparty", l.party).
			Text("counterparty_account", l.account).Text("reference", l.reference).Text("purpose", l.purpose)
		m.Commands = append(m.Commands, d.JSON())
	}
	add(`{"kind":"bank-matched","fund":%q,"year":%d,"id":"funding","bank_lines":[%q],"rule":"manual","reason":"财政拨款"}`, Fund, Year, m.Planted[0].Lines[0])
}

// Faults says what of the findings is not the truth, and what of the truth is not among them.
func (w *World) Faults(all []Found) (faults []string) {
	key := func(f Found) string {
		f.Lines, f.Events = slices.Sorted(slices.Values(f.Lines)), slices.Sorted(slices.Values(f.Events))
		return f.String()
	}
	want := map[string]bool{}
	for _, p := range w.Planted {
		want[key(p)] = true
	}
	paired, used := map[string]bool{}, map[string]bool{}
	for _, f := range all {
		if k := key(f); want[k] {
			delete(want, k)
			continue
		}
		if f.State != "proposed" || len(f.Lines) != 1 || len(f.Events) != 1 || f.Why == "sum" {
			faults = append(faults, "found and not true: "+f.String())
			continue
		}
		l, e := f.Lines[0], f.Events[0]
		if w.pairs[l] != e && !slices.Contains(w.alike[l], e) || used[e] {
			faults = append(faults, "a wrong match: "+f.String())
		}
		paired[l], used[e] = true, true
	}
	for k := range want {
		faults = append(faults, "planted and not found: "+k)
	}
	for l := range w.pairs {
		if !paired[l] {
			faults = append(faults, "right and not matched: line "+l+" and event "+w.pairs[l])
		}
	}
	for l := range w.alike {
		if !paired[l] {
			faults = append(faults, "alike on both sides and not matched: line "+l)
		}
	}
	slices.Sort(faults)
	return faults
}
