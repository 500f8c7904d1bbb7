package bank

import (
	"cmp"
	"math"
	"slices"

	"fundledger/events"
)

// A Balance is the statement that proves a reconciliation (银行存款余额调节表). The bank's closing balance and what only the ledger has, and the books' closing balance
// and what only the bank has, come to the same: what is between them is in no line and no event.
//
// The ledger keeps no balance of an account, so the books begin with the one before the first line of the statements. From there on they are the events that moved
// cash, and the lines that were settled with a reason.
type Balance struct {
	Accounts []AccountBalance

	// Of the bank, all accounts together. Known says that each account that has lines has a balance.
	Known                        bool
	Opening, In, Out, Closing    events.Minor
	BookOpening, BookIn, BookOut events.Minor
	Settled, BookClosing         events.Minor
	// What only one side has on the last day; Out is below zero, as everywhere.
	LedgerIn, LedgerOut, BankIn, BankOut Side
	// Breaks are the lines up to the last day whose balance does not follow from the line before.
	Breaks []Break
}

// A Side is what only one side has, with the numbers of the lines or events.
type Side struct {
	Amount events.Minor
	Seqs   []events.Seq
}

// An AccountBalance is what one account's statement says.
type AccountBalance struct {
	Account                   string
	Known                     bool
	Opening, In, Out, Closing events.Minor
	Lines                     int
}

// A Break is a balance that does not follow: Stated is the line's, Expected what the one before gives.
type Break struct {
	Line             *Line
	Stated, Expected events.Minor
}

// Bank is the bank's balance with what only the ledger has.
func (b *Balance) Bank() events.Minor { return b.Closing + b.LedgerIn.Amount + b.LedgerOut.Amount }

// Book is the books' balance with what only the bank has.
func (b *Balance) Book() events.Minor { return b.BookClosing + b.BankIn.Amount + b.BankOut.Amount }

// Difference is what is between the two.
func (b *Balance) Difference() events.Minor { return b.Bank() - b.Book() }

// Closes reports whether the proof closes: no balance is broken, and nothing is between the two sides. Where the bank gives no balance there is nothing to close.
func (b *Balance) Closes() bool { return len(b.Breaks) == 0 && (!b.Known || b.Difference() == 0) }

// fits64 reports whether no sum of lines and events can leave int64.
func (f *finder) fits64() bool {
	const most = math.MaxInt64 / 8
	var sum events.Minor
	add := func(m events.Minor) bool {
		if m == math.MinInt64 {
			return false
		}
		sum += max(m, -m)
		return sum >= 0 && sum <= most
	}
	for _, l := range f.lines {
		if !add(l.Amount) || l.Balance > most || l.Balance < -most {
			return false
		}
	}
	accounts := map[string]bool{}
	for _, l := range f.lines { // each begins with a balance of its own
		if !accounts[l.Account] && l.HasBalance {
			accounts[l.Account] = true
			if !add(l.Balance) {
				return false
			}
		}
	}
	for _, m := range f.moves {
		if !add(m.Amount) {
			return false
		}
	}
	return true
}

func balance(f *finder, q Query) Balance {
	b := Balance{Known: len(f.lines) > 0}
	byAccount := map[string][]*Line{}
	var accounts []string
	for _, l := range f.lines {
		if byAccount[l.Account] == nil {
			accounts = append(accounts, l.Account)
		}
		byAccount[l.Account] = append(byAccount[l.Account], l)
	}
	slices.Sort(accounts)
	var begin events.Minor // before the first lines
	for _, a := range accounts {
		of, opening, breaks := account(a, byAccount[a], q)
		b.Accounts, b.Breaks = append(b.Accounts, of), append(b.Breaks, breaks...)
		b.Known = b.Known && of.Known
		b.Opening, b.In, b.Out, b.Closing = b.Opening+of.Opening, b.In+of.In, b.Out+of.Out, b.Closing+of.Closing
		begin += opening
	}
	b.BookOpening, b.BookClosing = begin, begin
	for _, found := range f.findings {
		b.add(found, q)
	}
	for _, side := range []*Side{&b.LedgerIn, &b.LedgerOut, &b.BankIn, &b.BankOut} {
		slices.Sort(side.Seqs)
		side.Seqs = slices.Compact(side.Seqs)
	}
	return b
}

// add counts a finding on both sides.
func (b *Balance) add(found *Finding, q Query) {
	var bank, book events.Minor // up to the last day
	var lines, moves []events.Seq
	settled := found.State == Matched && len(found.Events) == 0
	entered := func(day events.Day, amount events.Minor, to *events.Minor) {
		if day > q.To {
			return
		}
		b.BookClosing += amount
		if day < q.From {
			b.BookOpening += amount
		} else {
			*to += amount
		}
	}
	inOut := func(amount events.Minor) *events.Minor {
		if amount < 0 {
			return &b.BookOut
		}
		return &b.BookIn
	}
	var elsewhere events.Minor
	for _, l := range found.Lines {
		switch {
		case q.Account != "" && l.Account != q.Account: // a transfer's other half, or the part of the events that went through another account
			elsewhere += l.Amount
		case settled:
			entered(l.Day, l.Amount, &b.Settled)
		case l.Day <= q.To:
			bank += l.Amount
			lines = append(lines, l.Seq)
		}
	}
	for _, m := range found.Events {
		entered(m.Date.Last(), m.Amount, inOut(m.Amount))
		if m.Date.Last() <= q.To {
			book += m.Amount
			moves = append(moves, m.Seq)
		}
	}
	if len(found.Events) > 0 && elsewhere != 0 { // which the books leave out from the day on which they have the first of them
		begin := found.Events[0].Date.Last()
		for _, m := range found.Events {
			begin = min(begin, m.Date.Last())
		}
		entered(begin, -elsewhere, inOut(elsewhere))
		if begin <= q.To {
			book -= elsewhere
		}
	}
	if found.State == Matched || found.State == Proposed { // only what one side has not yet is open
		if book, bank = book-bank, 0; len(moves) == 0 {
			book, bank = 0, -book
		}
		b.LedgerIn.put(book, 1, moves)
		b.LedgerOut.put(book, -1, moves)
		b.BankIn.put(bank, 1, lines)
		b.BankOut.put(bank, -1, lines)
		return
	}
	for _, l := range found.Lines {
		if l.Day <= q.To {
			b.BankIn.put(l.Amount, 1, []events.Seq{l.Seq})
			b.BankOut.put(l.Amount, -1, []events.Seq{l.Seq})
		}
	}
	for _, m := range found.Events {
		if m.Date.Last() <= q.To {
			b.LedgerIn.put(m.Amount, 1, []events.Seq{m.Seq})
			b.LedgerOut.put(m.Amount, -1, []events.Seq{m.Seq})
		}
	}
}

// put takes an amount that has the sign asked for.
func (s *Side) put(amount events.Minor, want events.Minor, seqs []events.Seq) {
	if amount != 0 && sign(amount) == want {
		s.Amount += amount
		s.Seqs = append(s.Seqs, seqs...)
	}
}

// account adds the lines of one account up. opening is the balance before its first line.
func account(name string, lines []*Line, q Query) (of AccountBalance, opening events.Minor, breaks []Break) {
	of = AccountBalance{Account: name}
	opening, stated := inOrder(lines)
	if of.Known = stated; !stated {
		lines, opening, of.Known = chained(lines)
	}
	at := opening
	of.Opening, of.Closing = opening, opening
	for _, l := range lines {
		if l.Day > q.To {
			break
		}
		expected := at + l.Amount
		at = expected
		if l.HasBalance && !stated {
			if l.Balance != expected {
				breaks = append(breaks, Break{l, l.Balance, expected})
			}
			at = l.Balance
		}
		of.Closing = at
		if l.Day < q.From {
			of.Opening = at
			continue
		}
		of.Lines++
		if l.Amount < 0 {
			of.Out += l.Amount
		} else {
			of.In += l.Amount
		}
	}
	return of, opening, breaks
}

// inOrder reports whether the balances follow in the order of the log, from its first line or from its last, and which is the one before them: a bank books in another
// order than that of its value dates, and then the balance of a day stands on no line.
func inOrder(lines []*Line) (opening events.Minor, ok bool) {
	if !slices.ContainsFunc(lines, func(l *Line) bool { return l.HasBalance }) {
		return 0, false
	}
	order := slices.Clone(lines)
	slices.SortFunc(order, func(a, b *Line) int { return cmp.Compare(a.Seq, b.Seq) })
	for range 2 {
		if opening = before(order); follows(order, opening) {
			return opening, true
		}
		slices.Reverse(order)
	}
	return 0, false
}

// before is the balance before the first of some lines, by the first that has one.
func before(lines []*Line) events.Minor {
	sum := events.Minor(0)
	for _, l := range lines {
		if sum += l.Amount; l.HasBalance {
			return l.Balance - sum
		}
	}
	return 0
}

// chained puts the lines of an account, which come by day, in the order in which each day's balances follow from each other: statements begin with the first line or
// with the last, and not every log has a day in order. Where they follow in no order it is that of the log. opening is the balance before the first.
func chained(lines []*Line) (out []*Line, opening events.Minor, known bool) {
	at, started := events.Minor(0), false
	for begin := 0; begin < len(lines); {
		end := begin
		for end < len(lines) && lines[end].Day == lines[begin].Day {
			end++
		}
		day := lines[begin:end]
		if !started && slices.ContainsFunc(day, func(l *Line) bool { return l.HasBalance }) {
			day, at = firstDay(day)
			started, opening = true, at
			for i := len(out) - 1; i >= 0; i-- {
				opening -= out[i].Amount
			}
		} else if started {
			day = following(day, at)
		}
		for _, l := range day {
			if at += l.Amount; l.HasBalance && started {
				at = l.Balance
			}
		}
		out = append(out, day...)
		begin = end
	}
	return out, opening, started
}

// firstDay orders the first day that has balances. Nothing tells the balance before it but the balances themselves: it is the one that they go out from and do not come to.
func firstDay(day []*Line) ([]*Line, events.Minor) {
	backwards := slices.Clone(day)
	slices.Reverse(backwards)
	for _, order := range [][]*Line{day, backwards} {
		if follows(order, before(order)) {
			return order, before(order)
		}
	}
	froms := map[events.Minor]int{}
	for _, l := range day {
		froms[l.Balance-l.Amount]++
		froms[l.Balance]--
	}
	for _, l := range day {
		if from := l.Balance - l.Amount; froms[from] > 0 {
			if order := following(day, from); follows(order, from) {
				return order, from
			}
		}
	}
	return day, before(day)
}

// follows reports whether each balance follows from the one before.
func follows(day []*Line, at events.Minor) bool {
	for _, l := range day {
		at += l.Amount
		if l.HasBalance && l.Balance != at {
			return false
		}
	}
	return true
}

// following orders a day whose balance before it is known.
func following(day []*Line, at events.Minor) []*Line {
	backwards := slices.Clone(day)
	slices.Reverse(backwards)
	for _, order := range [][]*Line{day, backwards} {
		if follows(order, at) {
			return order
		}
	}
	froms := map[events.Minor][]*Line{}
	for _, l := range day {
		if !l.HasBalance {
			return day
		}
		froms[l.Balance-l.Amount] = append(froms[l.Balance-l.Amount], l)
	}
	// A day that comes back to a balance can go on from there in several ways, of which some leave lines over: the way is that through all lines, found by going on as far as
	// it goes and putting in from behind what was left on the way.
	out, way := make([]*Line, 0, len(day)), []*Line{{Balance: at}}
	for len(way) > 0 {
		here := way[len(way)-1]
		if next := froms[here.Balance]; len(next) > 0 {
			way, froms[here.Balance] = append(way, next[0]), next[1:]
			continue
		}
		if way = way[:len(way)-1]; len(way) > 0 {
			out = append(out, here)
		}
	}
	if slices.Reverse(out); len(out) < len(day) || !follows(out, at) {
		return day
	}
	return out
}
