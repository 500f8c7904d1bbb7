package bank

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"fundledger/events"

	"golang.org/x/text/unicode/norm"
)

// What bounds the work, whatever the log holds.
const (
	edgesMost    = 64   // ways to pair one line
	tokensMost   = 64   // numbers in one text
	sharedMost   = 256  // events that share a number and an amount
	comparedMost = 128  // events that one line is compared with
	lookedMost   = 8192 // … whose days are
)

// A web is lines and events that can be each other's. Those that nothing tells apart stand together.
type web struct {
	lines [][]*Line
	moves [][]*Movement
	adj   [][]int // of each set of lines, the sets of events
}

// A knot is a part of a web that hangs together.
type knot struct{ lines, moves []int }

// knots parts the web. What nothing can be paired with is in none.
func (w *web) knots() (out []knot) {
	back := make([][]int, len(w.moves))
	for i, to := range w.adj {
		for _, k := range to {
			back[k] = append(back[k], i)
		}
	}
	seenL, seenM := make([]bool, len(w.lines)), make([]bool, len(w.moves))
	for start := range w.lines {
		if seenL[start] || len(w.adj[start]) == 0 {
			continue
		}
		var k knot
		seenL[start] = true
		for at := []int{start}; len(at) > 0; at = at[1:] {
			k.lines = append(k.lines, at[0])
			for _, m := range w.adj[at[0]] {
				if seenM[m] {
					continue
				}
				seenM[m] = true
				k.moves = append(k.moves, m)
				for _, l := range back[m] {
					if !seenL[l] {
						seenL[l] = true
						at = append(at, l)
					}
				}
			}
		}
		slices.Sort(k.lines)
		slices.Sort(k.moves)
		out = append(out, k)
	}
	return out
}

// A pair is a line and an event that are the same money.
type pair struct {
	line *Line
	move *Movement
}

// members are all lines and events of a knot, in the order of the log.
func (w *web) members(k knot) (ls []*Line, ms []*Movement) {
	for _, i := range k.lines {
		ls = append(ls, w.lines[i]...)
	}
	for _, i := range k.moves {
		ms = append(ms, w.moves[i]...)
	}
	slices.SortFunc(ls, func(a, b *Line) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(ms, func(a, b *Movement) int { return cmp.Compare(a.Seq, b.Seq) })
	return ls, ms
}

// untie pairs all of a knot where there is only one way to: as long as some set can be paired with one other alone it is, until nothing is left. It reports false
// where something is, or where there are more of one side.
func (w *web) untie(k knot) (pairs []pair, ok bool) {
	type node struct {
		left int
		to   map[int]bool
	}
	ls, ms := map[int]*node{}, map[int]*node{}
	for _, m := range k.moves {
		ms[m] = &node{len(w.moves[m]), map[int]bool{}}
	}
	for _, l := range k.lines {
		ls[l] = &node{len(w.lines[l]), map[int]bool{}}
		for _, m := range w.adj[l] {
			ls[l].to[m] = true
			ms[m].to[l] = true
		}
	}
	usedL, usedM := map[int]int{}, map[int]int{}
	type end struct {
		move bool
		i    int
	}
	var todo []end
	for _, l := range k.lines {
		todo = append(todo, end{false, l})
	}
	for _, m := range k.moves {
		todo = append(todo, end{true, m})
	}
	left := len(k.lines) + len(k.moves)
	gone := func(of map[int]*node, others map[int]*node, i int, move bool) {
		left--
		for o := range of[i].to {
			delete(others[o].to, i)
			todo = append(todo, end{!move, o})
		}
		of[i].to = nil
	}
	for ; len(todo) > 0; todo = todo[1:] {
		e := todo[0]
		mine, others := ls, ms
		if e.move {
			mine, others = ms, ls
		}
		n := mine[e.i]
		if n.left == 0 || len(n.to) != 1 {
			continue
		}
		var o int
		for o = range n.to { // the only one
		}
		if others[o].left < n.left {
			return nil, false
		}
		l, m := e.i, o
		if e.move {
			l, m = o, e.i
		}
		for range n.left {
			pairs = append(pairs, pair{w.lines[l][usedL[l]], w.moves[m][usedM[m]]})
			usedL[l]++
			usedM[m]++
		}
		others[o].left -= n.left
		n.left = 0
		gone(mine, others, e.i, e.move)
		if others[o].left == 0 {
			gone(others, mine, o, !e.move)
		} else {
			todo = append(todo, end{!e.move, o})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.line.Seq, b.line.Seq) })
	return pairs, left == 0
}

func (f *finder) propose(rule events.Matching, lines []*Line, moves []*Movement) {
	f.take(&Finding{State: Proposed, Rule: rule, Lines: lines, Events: moves})
}

// Numbers that one side gives of the other. A number has four characters or more, one of them a digit: what is shorter stands in many texts by chance.
var (
	numberRuns   = regexp.MustCompile(`[a-z0-9]+(?:[-/._][a-z0-9]+)*`)
	documentRuns = regexp.MustCompile(`(\p{Han}*)[〔\[【(]\s*([0-9]{4})\s*[〕\]】)]\s*第?\s*([0-9]{1,5})\s*号`)
	joiners      = strings.NewReplacer("-", "", "/", "", ".", "", "_", "")
)

func telling(s string) bool { return len(s) >= 4 && strings.ContainsAny(s, "0123456789") }

// numbers lists the numbers in a text: those that are joined with hyphens as one, and their parts.
func numbers(s string) (out []string) {
	s = strings.ToLower(norm.NFKC.String(s))
	add := func(n string) {
		if telling(n) && len(out) < tokensMost && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, run := range numberRuns.FindAllString(s, tokensMost) {
		add(joiners.Replace(run))
		for _, part := range strings.FieldsFunc(run, func(r rune) bool { return strings.ContainsRune("-/._", r) }) {
			add(part)
		}
	}
	return out
}

// number is a text that is a number as [numbers] has it, "" where it is none.
func number(s string) string {
	s = strings.ToLower(norm.NFKC.String(s))
	var best string
	for _, run := range numberRuns.FindAllString(s, tokensMost) {
		if n := joiners.Replace(run); telling(n) {
			best = n
		}
	}
	return best
}

// A paper is a document number such as 常财企指〔2022〕12号.
type paper struct{ issuer, number string }

func papers(s string) (out []paper) {
	for _, m := range documentRuns.FindAllStringSubmatch(norm.NFKC.String(s), tokensMost) {
		out = append(out, paper{m[1], m[2] + "/" + strings.TrimLeft(m[3], "0")})
	}
	return out
}

// names are what an event is called by, and what it calls the bank's line by.
type names struct {
	voucher string
	own     []string // the id, and documents
	papers  []paper
	bank    []string // numbers in its note
}

// names are worked out once: every rule asks for them.
func (m *Movement) names() *names {
	if m.named == nil {
		m.named = m.findNames()
	}
	return m.named
}

func (m *Movement) findNames() *names {
	n := &names{}
	n.voucher = number(m.Voucher.Number)
	own := append([]string{string(m.ID)}, m.Documents...)
	for _, s := range own {
		if ps := papers(s); len(ps) > 0 {
			n.papers = append(n.papers, ps...)
		} else if one := number(s); one != "" && !slices.Contains(n.own, one) {
			n.own = append(n.own, one)
		}
	}
	n.bank = numbers(m.Words)
	return n
}

// A nameIndex finds events by a number; with the amount where that has to be the same.
type nameIndex struct {
	vouchers, own, bank map[string][]*Movement
	papers              map[string][]namedPaper
}

type namedPaper struct {
	issuer string
	*Movement
}

func (f *finder) index(key func(*Movement, string) string) *nameIndex {
	x := &nameIndex{map[string][]*Movement{}, map[string][]*Movement{}, map[string][]*Movement{}, map[string][]namedPaper{}}
	add := func(to map[string][]*Movement, m *Movement, n string) {
		if k := key(m, n); len(to[k]) <= sharedMost {
			to[k] = append(to[k], m)
		}
	}
	for _, m := range f.freeMoves() {
		n := m.names()
		if n.voucher != "" {
			add(x.vouchers, m, n.voucher)
		}
		for _, s := range n.own {
			add(x.own, m, s)
		}
		for _, s := range n.bank {
			add(x.bank, m, s)
		}
		for _, p := range n.papers {
			if k := key(m, p.number); len(x.papers[k]) <= sharedMost {
				x.papers[k] = append(x.papers[k], namedPaper{p.issuer, m})
			}
		}
	}
	return x
}

// numbers are those that the bank gives, worked out once.
func (l *Line) numbers() []string {
	if l.said == nil {
		text := l.Reference + " " + l.Purpose
		l.said = &names{own: numbers(text), papers: papers(text)}
	}
	return l.said.own
}

// named lists the events that a line names by the number of their voucher, and those that it names otherwise or that name it. A number that too many share tells
// nothing.
func (x *nameIndex) named(l *Line, key func(string) string) (vouchers, others []*Movement) {
	look := func(in map[string][]*Movement, n string) []*Movement {
		if found := in[key(n)]; n != "" && len(found) <= sharedMost {
			return found
		}
		return nil
	}
	for _, n := range l.numbers() {
		vouchers = append(vouchers, look(x.vouchers, n)...)
		others = append(others, look(x.own, n)...)
	}
	for _, p := range l.said.papers {
		if found := x.papers[key(p.number)]; len(found) <= sharedMost {
			for _, m := range found {
				if strings.HasSuffix(p.issuer, m.issuer) {
					others = append(others, m.Movement)
				}
			}
		}
	}
	for _, s := range []string{l.Reference, string(l.ID)} {
		others = append(others, look(x.bank, number(s))...)
	}
	return unique(vouchers), unique(others)
}

func unique(ms []*Movement) []*Movement {
	slices.SortFunc(ms, func(a, b *Movement) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.Compact(ms)
}

// fits reports whether nothing speaks against a line being a movement whose amount is the same.
func (f *finder) fits(l *Line, m *Movement) bool {
	return l.found == nil && m.found == nil && l.Amount == m.Amount && f.inTime(l, m) && like(l.party, m.party) <= same && !parted(l, m)
}

// A crossing is lines and events that name each other, and that cannot be told apart.
type crossing struct {
	lines []*Line
	moves []*Movement
}

// byName proposes what names the other by a number. It returns what could not be untied: the other rules may know.
func (f *finder) byName() (crossed []crossing) {
	withAmount := func(n string, a events.Minor) string { return n + " " + a.Format(0) }
	for _, rule := range []events.Matching{events.ByReference, events.ByPaper} {
		x := f.index(func(m *Movement, n string) string { return withAmount(n, m.Amount) })
		w := &web{}
		places := map[events.Seq]int{}
		for _, l := range f.freeLines() {
			vouchers, others := x.named(l, func(n string) string { return withAmount(n, l.Amount) })
			found := others
			if rule == events.ByPaper {
				found = vouchers
			}
			var to []int
			for _, m := range found {
				if !f.fits(l, m) {
					continue
				}
				at, ok := places[m.Seq]
				if !ok {
					at = len(w.moves)
					places[m.Seq] = at
					w.moves = append(w.moves, []*Movement{m})
				}
				to = append(to, at)
			}
			if len(to) > 0 {
				w.lines, w.adj = append(w.lines, []*Line{l}), append(w.adj, to)
			}
		}
		for _, k := range w.knots() {
			pairs, ok := w.untie(k)
			if !ok {
				ls, ms := w.members(k)
				crossed = append(crossed, crossing{ls, ms})
				continue
			}
			for _, p := range pairs {
				f.propose(rule, []*Line{p.line}, []*Movement{p.move})
			}
		}
	}
	return crossed
}

// crossed takes what names the other and is still not told apart.
func (f *finder) crossed(all []crossing) {
	for _, c := range all {
		ls := slices.DeleteFunc(c.lines, func(l *Line) bool { return l.found != nil })
		ms := slices.DeleteFunc(c.moves, func(m *Movement) bool { return m.found != nil })
		if len(ls) > 0 && len(ms) > 0 {
			f.take(undecided(ls, ms))
		}
	}
}

// undecided is lines and events that can be each other's in more than one way.
func undecided(ls []*Line, ms []*Movement) *Finding {
	out := &Finding{State: Ambiguous, Reason: Alike, Lines: ls, Events: ms}
	switch {
	case len(ls) > len(ms):
		out.State, out.Reason = Differs, Doubled
	case len(ls) < len(ms):
		out.State, out.Reason = Differs, Repeated
	}
	return out
}

// A partyKey finds lines and events of one party.
type partyKey struct {
	account bool
	text    string
	amount  events.Minor
}

func keysOf(p party, amount events.Minor) (out []partyKey) {
	if p.name != "" {
		out = append(out, partyKey{false, p.name, amount})
	}
	if p.account != "" && !strings.Contains(p.account, "*") {
		out = append(out, partyKey{true, p.account, amount})
	}
	return out
}

// A shelf has the sets of events of one key, by first possible day.
type shelf struct {
	sets  []int
	spans int // the longest time between a first and a last possible day
}

// byParty proposes what has the same other party, amount and date.
func (f *finder) byParty() {
	w := &web{}
	type lineClass struct {
		party
		amount events.Minor
		day    events.Day
		undone events.Seq
	}
	type moveClass struct {
		party
		amount      events.Minor
		first, last events.Day
		undone      events.Seq
	}
	// What a matching was taken back of is like no other.
	apart := func(undone []events.Seq, seq events.Seq) events.Seq {
		if len(undone) == 0 {
			return 0
		}
		return seq
	}
	shelves := map[partyKey]*shelf{}
	moveSets := map[moveClass]int{}
	for _, m := range f.freeMoves() {
		c := moveClass{m.party, m.Amount, m.Date.First(), m.Date.Last(), apart(m.undone, m.Seq)}
		if at, ok := moveSets[c]; ok {
			w.moves[at] = append(w.moves[at], m)
			continue
		}
		at := len(w.moves)
		moveSets[c] = at
		w.moves = append(w.moves, []*Movement{m})
		for _, k := range keysOf(m.party, m.Amount) {
			s := shelves[k]
			if s == nil {
				s = &shelf{}
				shelves[k] = s
			}
			s.sets = append(s.sets, at) // which come by their first day
			s.spans = max(s.spans, int(c.last-c.first))
		}
	}
	lineSets := map[lineClass]int{}
	crowded := map[int]bool{}
	for _, l := range f.freeLines() {
		c := lineClass{l.party, l.Amount, l.Day, apart(l.undone, l.Seq)}
		if at, ok := lineSets[c]; ok {
			w.lines[at] = append(w.lines[at], l)
			continue
		}
		var to []int
		for _, k := range keysOf(l.party, l.Amount) {
			s := shelves[k]
			if s == nil {
				continue
			}
			from := int(l.Day) - f.q.Window - s.spans
			begin, _ := slices.BinarySearchFunc(s.sets, from, func(set, day int) int { return cmp.Compare(int(w.moves[set][0].Date.First()), day) })
			for _, set := range s.sets[begin:] {
				m := w.moves[set][0]
				if int(m.Date.First()) > int(l.Day)+f.q.Window || len(to) > edgesMost {
					break
				}
				if f.fits(l, m) && like(l.party, m.party) == same && !slices.Contains(to, set) {
					to = append(to, set)
				}
			}
		}
		at := len(w.lines)
		lineSets[c] = at
		crowded[at] = len(to) > edgesMost
		w.lines, w.adj = append(w.lines, []*Line{l}), append(w.adj, to)
	}
	for _, k := range w.knots() {
		pairs, ok := w.untie(k)
		if !ok || slices.ContainsFunc(k.lines, func(l int) bool { return crowded[l] }) {
			f.take(undecided(w.members(k)))
			continue
		}
		for _, p := range pairs {
			f.propose(events.ByAmount, []*Line{p.line}, []*Movement{p.move})
		}
	}
}
