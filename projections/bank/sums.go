package bank

import (
	"cmp"
	"slices"

	"fundledger/events"
)

// What bounds the search of sums: how many parts are looked at and taken, how many steps one sum may cost, and all of them.
const (
	partsMost   = 40
	partsTaken  = 12
	oneSumSteps = 20_000
	sumSteps    = 5_000_000
)

// A sum is lines and events of which one side has one and the other several.
type sum struct {
	lines []*Line
	moves []*Movement
	sure  bool // there is no other way to make it up
}

// bySum proposes what comes to the same only together: one line for several payments of a voucher, or to one party; several lines for one payment. What takes part in
// two sums is ambiguous.
func (f *finder) bySum() {
	all := append(f.ofVouchers(), f.ofParties()...)
	usesL, usesM := map[*Line][]int{}, map[*Movement][]int{}
	for i := range all {
		for _, l := range all[i].lines {
			usesL[l] = append(usesL[l], i)
		}
		for _, m := range all[i].moves {
			usesM[m] = append(usesM[m], i)
		}
	}
	seen := make([]bool, len(all))
	for i := range all {
		if seen[i] {
			continue
		}
		seen[i] = true
		var lines []*Line
		var moves []*Movement
		sure, together := true, []int{i}
		for at := 0; at < len(together); at++ {
			s := all[together[at]]
			sure = sure && s.sure
			var more []int
			for _, l := range s.lines {
				lines = append(lines, l)
				more = append(more, usesL[l]...)
			}
			for _, m := range s.moves {
				moves = append(moves, m)
				more = append(more, usesM[m]...)
			}
			for _, j := range more {
				if !seen[j] {
					seen[j] = true
					together = append(together, j)
				}
			}
		}
		slices.SortFunc(lines, func(a, b *Line) int { return cmp.Compare(a.Seq, b.Seq) })
		lines, moves = slices.Compact(lines), unique(moves)
		if sure && len(together) == 1 {
			f.propose(events.BySum, lines, moves)
		} else {
			f.take(&Finding{State: Ambiguous, Reason: Sums, Lines: lines, Events: moves})
		}
	}
}

// ofVouchers finds vouchers whose payments come to one line that names the voucher, or names nobody.
func (f *finder) ofVouchers() (out []sum) {
	groups := map[events.Voucher][]*Movement{}
	var order []events.Voucher
	for _, m := range f.freeMoves() {
		if m.Voucher == (events.Voucher{}) {
			continue
		}
		v := m.Voucher
		v.Line = ""
		if groups[v] == nil {
			order = append(order, v)
		}
		groups[v] = append(groups[v], m)
	}
	byTotal := map[events.Minor][]events.Voucher{}
	for _, v := range order {
		total, ok := events.Minor(0), len(groups[v]) > 1
		for _, m := range groups[v] {
			var fits bool
			total, fits = total.Add(m.Amount)
			ok = ok && fits
		}
		if ok {
			byTotal[total] = append(byTotal[total], v)
		}
	}
	for _, l := range f.freeLines() {
		if len(byTotal[l.Amount]) > edgesMost {
			continue
		}
		for _, v := range byTotal[l.Amount] {
			named := slices.Contains(l.numbers(), number(v.Number))
			if !slices.ContainsFunc(groups[v], func(m *Movement) bool {
				return !f.inTime(l, m) || parted(l, m) || !named && l.party != (party{}) && like(l.party, m.party) != same
			}) {
				out = append(out, sum{[]*Line{l}, groups[v], true})
			}
		}
	}
	return out
}

// ofParties searches the sums of one party.
func (f *finder) ofParties() (out []sum) {
	lines, moves := map[partyKey][]*Line{}, map[partyKey][]*Movement{}
	free, open := f.freeLines(), f.freeMoves()
	for _, l := range free {
		for _, k := range keysOf(l.party, sign(l.Amount)) {
			lines[k] = append(lines[k], l)
		}
	}
	for _, m := range open {
		for _, k := range keysOf(m.party, sign(m.Amount)) {
			moves[k] = append(moves[k], m)
		}
	}
	for _, l := range free {
		var parts []*Movement
		for _, k := range keysOf(l.party, sign(l.Amount)) {
			begin, _ := slices.BinarySearchFunc(moves[k], int(l.Day)-reach, func(m *Movement, day int) int { return cmp.Compare(int(m.Date.First()), day) })
			for _, m := range moves[k][begin:] {
				if int(m.Date.First()) > int(l.Day)+f.q.Window || len(parts) > partsMost {
					break
				}
				if f.inTime(l, m) && !parted(l, m) && like(l.party, m.party) == same && !slices.Contains(parts, m) {
					parts = append(parts, m)
				}
			}
		}
		if found, sure := search(f, parts, l.Amount, func(m *Movement) events.Minor { return m.Amount }); found != nil {
			out = append(out, sum{[]*Line{l}, found, sure})
		}
	}
	for _, m := range open {
		var parts []*Line
		from, to := f.bounds(m)
		for _, k := range keysOf(m.party, sign(m.Amount)) {
			begin, _ := slices.BinarySearchFunc(lines[k], from, func(l *Line, day int) int { return cmp.Compare(int(l.Day), day) })
			for _, l := range lines[k][begin:] {
				if int(l.Day) > to || len(parts) > partsMost {
					break
				}
				if !parted(l, m) && like(l.party, m.party) == same && !slices.Contains(parts, l) {
					parts = append(parts, l)
				}
			}
		}
		if found, sure := search(f, parts, m.Amount, func(l *Line) events.Minor { return l.Amount }); found != nil {
			out = append(out, sum{found, []*Movement{m}, sure})
		}
	}
	return out
}

func sign(m events.Minor) events.Minor {
	if m < 0 {
		return -1
	}
	return 1
}

// search finds parts that come to a total. It is sure where no other parts do. What would take too long finds nothing.
func search[T any](f *finder, parts []*T, total events.Minor, amount func(*T) events.Minor) (found []*T, sure bool) {
	if total < 0 { // sums are of one sign: count without it
		inner := amount
		total, amount = -total, func(p *T) events.Minor { return -inner(p) }
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(p *T) bool { return amount(p) >= total })
	if len(parts) < 2 || len(parts) > partsMost {
		return nil, false
	}
	slices.SortStableFunc(parts, func(a, b *T) int { return cmp.Compare(amount(b), amount(a)) })
	rest := make([]events.Minor, len(parts)+1) // what the parts from there on come to, no more than the total
	for i := len(parts) - 1; i >= 0; i-- {
		rest[i] = min(rest[i+1]+min(amount(parts[i]), total), total)
	}
	steps := min(oneSumSteps, f.steps)
	begun := steps
	ways := 0
	var taken []*T
	var try func(i int, left events.Minor)
	try = func(i int, left events.Minor) {
		switch steps--; {
		case left == 0:
			if ways++; ways == 1 {
				found = slices.Clone(taken)
			} else { // both are shown
				found = append(found, taken...)
			}
			return
		case steps <= 0 || ways > 1 || i == len(parts) || len(taken) == partsTaken || rest[i] < left:
			return
		}
		if a := amount(parts[i]); a <= left {
			taken = append(taken, parts[i])
			try(i+1, left-a)
			taken = taken[:len(taken)-1]
		}
		try(i+1, left)
	}
	try(0, total)
	f.steps -= begun - steps
	if steps <= 0 {
		return nil, false
	}
	if ways > 1 { // what is in both stands once
		var once []*T
		for _, p := range found {
			if !slices.Contains(once, p) {
				once = append(once, p)
			}
		}
		found = once
	}
	return found, ways == 1
}
