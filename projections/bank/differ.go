package bank

import (
	"cmp"
	"slices"

	"fundledger/events"
)

// nearMisses says what those that are left probably are, what is surest first. A finding is made where a line and an event have each other alone.
func (f *finder) nearMisses(v *View) {
	f.sameAmount(func(l *Line, m *Movement) (Reason, bool) { return TakenBack, parted(l, m) }, true)
	f.wrongAmountByName()
	f.nearParties(func(l *Line, m *Movement) (Reason, bool) {
		slip := slipOf(l.Amount, m.Amount)
		return slip, l.Amount != m.Amount && slip != OtherSum
	})
	f.sameAmount(func(l *Line, m *Movement) (Reason, bool) {
		return Late, like(l.party, m.party) == same && !f.inTime(l, m)
	}, true)
	f.sameAmount(func(l *Line, m *Movement) (Reason, bool) {
		reason := map[likeness]Reason{unnamed: Unnamed, otherName: OtherName, otherAccount: OtherBank}[like(l.party, m.party)]
		return reason, reason != "" && f.inTime(l, m)
	}, false)
	f.cameBack(v)
	f.standsTwice()
	f.nearParties(func(l *Line, m *Movement) (Reason, bool) {
		return slipOf(l.Amount, m.Amount), l.Amount != m.Amount
	})
}

// A guess is a pair that may belong together.
type guess struct {
	pair
	reason Reason
}

// settle makes findings of those guesses whose line and event have no other guess.
func (f *finder) settle(all []guess) {
	ofLine, ofMove := map[*Line]int{}, map[*Movement]int{}
	for _, g := range all {
		ofLine[g.line]++
		ofMove[g.move]++
	}
	for _, g := range all {
		if ofLine[g.line] == 1 && ofMove[g.move] == 1 {
			f.take(&Finding{State: Differs, Reason: g.reason, Lines: []*Line{g.line}, Events: []*Movement{g.move}})
		}
	}
}

// wrongAmountByName takes what names the other by a number but has another amount, or another day.
func (f *finder) wrongAmountByName() {
	x := f.index(func(_ *Movement, n string) string { return n })
	var all []guess
	for _, l := range f.freeLines() {
		vouchers, others := x.named(l, func(n string) string { return n })
		for _, m := range unique(append(vouchers, others...)) {
			switch {
			case sign(l.Amount) != sign(m.Amount) || like(l.party, m.party) > same:
			case l.Amount != m.Amount:
				all = append(all, guess{pair{l, m}, slipOf(l.Amount, m.Amount)})
			case !f.inTime(l, m):
				all = append(all, guess{pair{l, m}, Late})
			}
		}
	}
	f.settle(all)
}

// nearParties takes what has the same party, lies in the window and is alike.
func (f *finder) nearParties(alike func(*Line, *Movement) (Reason, bool)) {
	moves := map[partyKey][]*Movement{}
	for _, m := range f.freeMoves() {
		for _, k := range keysOf(m.party, sign(m.Amount)) {
			moves[k] = append(moves[k], m)
		}
	}
	var all []guess
	for _, l := range f.freeLines() {
		var seen []*Movement
		for _, k := range keysOf(l.party, sign(l.Amount)) {
			begin, _ := slices.BinarySearchFunc(moves[k], int(l.Day)-reach, func(m *Movement, day int) int { return cmp.Compare(int(m.Date.First()), day) })
			compared := 0
			for looked, m := range moves[k][begin:] {
				if int(m.Date.First()) > int(l.Day)+f.q.Window || len(seen) > edgesMost || looked > lookedMost || compared > comparedMost {
					break
				}
				if !f.inTime(l, m) {
					continue
				}
				compared++
				if reason, ok := alike(l, m); ok && like(l.party, m.party) == same && !slices.Contains(seen, m) {
					seen = append(seen, m)
					all = append(all, guess{pair{l, m}, reason})
				}
			}
		}
	}
	f.settle(all)
}

// sameAmount takes what has the same amount and lies near. Where several do and several says so, they are ambiguous.
func (f *finder) sameAmount(alike func(*Line, *Movement) (Reason, bool), several bool) {
	moves := map[events.Minor][]*Movement{}
	for _, m := range f.freeMoves() {
		moves[m.Amount] = append(moves[m.Amount], m)
	}
	w := &web{}
	places := map[*Movement]int{}
	reasons := map[*Line]Reason{}
	for _, l := range f.freeLines() {
		var to []int
		of := moves[l.Amount]
		begin, _ := slices.BinarySearchFunc(of, int(l.Day)-reach, func(m *Movement, day int) int { return cmp.Compare(int(m.Date.First()), day) })
		for looked, m := range of[begin:] {
			if int(m.Date.First()) > int(l.Day)+reach || len(to) > edgesMost || looked > comparedMost {
				break
			}
			reason, ok := alike(l, m)
			if !ok {
				continue
			}
			at, known := places[m]
			if !known {
				at = len(w.moves)
				places[m] = at
				w.moves = append(w.moves, []*Movement{m})
			}
			to = append(to, at)
			reasons[l] = reason
		}
		if len(to) > 0 {
			w.lines, w.adj = append(w.lines, []*Line{l}), append(w.adj, to)
		}
	}
	for _, k := range w.knots() {
		ls, ms := w.members(k)
		switch {
		case len(ls) == 1 && len(ms) == 1:
			f.take(&Finding{State: Differs, Reason: reasons[ls[0]], Lines: ls, Events: ms})
		case several:
			f.take(&Finding{State: Ambiguous, Reason: Alike, Lines: ls, Events: ms})
		}
	}
}

// cameBack takes receipts that are the amount of an earlier payment to the same party: the bank sent it back. Where the ledger has the payment, what is missing is that
// it was returned; where it has neither, nothing happened but at the bank.
func (f *finder) cameBack(v *View) {
	type key struct {
		amount events.Minor
		text   string
	}
	keys := func(l *Line, amount events.Minor) (out []key) {
		for _, k := range keysOf(l.party, amount) {
			out = append(out, key{amount, "party " + k.text})
		}
		if n := number(l.Reference); n != "" {
			out = append(out, key{amount, "number " + n})
		}
		return out
	}
	outs := map[key][]*Line{}
	for _, l := range f.lines {
		if l.Amount < 0 {
			for _, k := range keys(l, l.Amount) {
				outs[k] = append(outs[k], l)
			}
		}
	}
	sentBack := map[*Line]bool{}
	for _, l := range f.freeLines() {
		if l.Amount < 0 {
			continue
		}
		var from []*Line
		for _, k := range keys(l, -l.Amount) {
			all := outs[k]
			begin, _ := slices.BinarySearchFunc(all, int(l.Day)-reach, func(o *Line, day int) int { return cmp.Compare(int(o.Day), day) })
			for looked, o := range all[begin:] {
				if o.Day > l.Day || looked > edgesMost {
					break
				}
				if !sentBack[o] && like(l.party, o.party) <= same && !slices.Contains(from, o) && !returned(v, o) {
					from = append(from, o)
				}
			}
		}
		if len(from) == 0 {
			continue
		}
		var beside []events.Seq
		for _, o := range from {
			beside = append(beside, o.Seq)
		}
		if len(from) > 1 {
			f.take(&Finding{State: Ambiguous, Reason: CameBack, Lines: []*Line{l}, Beside: beside})
			continue
		}
		o := from[0]
		sentBack[o] = true
		switch {
		case o.found == nil:
			f.take(&Finding{State: Differs, Reason: Bounced, Lines: []*Line{o, l}})
		default:
			found := &Finding{State: Differs, Reason: CameBack, Lines: []*Line{l}, Beside: beside}
			if len(o.found.Events) == 1 && o.found.Events[0].Kind == events.Disbursed {
				found.Returns = o.found.Events[0]
				found.Beside = append(found.Beside, found.Returns.Seq)
				slices.Sort(found.Beside)
			}
			f.take(found)
		}
	}
}

// returned reports whether the ledger has all that a line paid out as returned already.
func returned(v *View, o *Line) bool {
	if o.found == nil || len(o.found.Events) == 0 {
		return false
	}
	for _, m := range o.found.Events {
		if !v.cameBack(m) {
			return false
		}
	}
	return true
}

// cameBack reports whether a payment came back as a whole.
func (v *View) cameBack(m *Movement) bool {
	return slices.ContainsFunc(v.back[m.Seq], func(b *Movement) bool { return v.movements[b.Seq] != nil && b.Amount == -m.Amount })
}

// standsTwice takes lines that are like one that has its event already.
func (f *finder) standsTwice() {
	taken := map[partyKey][]*Line{}
	for _, l := range f.lines {
		if l.found != nil && len(l.found.Events) > 0 {
			for _, k := range keysOf(l.party, l.Amount) {
				taken[k] = append(taken[k], l)
			}
		}
	}
	for _, l := range f.freeLines() {
		for _, k := range keysOf(l.party, l.Amount) {
			begin, _ := slices.BinarySearchFunc(taken[k], int(l.Day)-f.q.Window, func(o *Line, day int) int { return cmp.Compare(int(o.Day), day) })
			if begin == len(taken[k]) || int(taken[k][begin].Day) > int(l.Day)+f.q.Window {
				continue
			}
			o := taken[k][begin]
			beside := []events.Seq{o.Seq}
			for _, m := range o.found.Events {
				beside = append(beside, m.Seq)
			}
			slices.Sort(beside)
			f.take(&Finding{State: Differs, Reason: Doubled, Lines: []*Line{l}, Beside: beside})
			break
		}
	}
}

// slipOf says what a clerk may have done to make one amount of the other: moved the point, put two figures in each other's place, taken one for another.
func slipOf(a, b events.Minor) Reason {
	x, y := digits(a), digits(b)
	if len(x) < len(y) {
		x, y = y, x
	}
	if n := len(x) - len(y); n > 0 {
		if zeros := x[len(y):]; x[:len(y)] == y && zeros == "0000000000000000000"[:n] {
			return Tenfold
		}
		return OtherSum
	}
	var at []int
	for i := range len(x) {
		if x[i] != y[i] {
			at = append(at, i)
		}
	}
	sorted := func(s string) string {
		b := []byte(s)
		slices.Sort(b)
		return string(b)
	}
	switch {
	case len(at) == 2 && x[at[0]] == y[at[1]] && x[at[1]] == y[at[0]]:
		return Swapped
	case len(at) == 1:
		return OneFigure
	case len(at) > 0 && sorted(x) == sorted(y): // the difference is a multiple of nine, as that of two swapped is
		return Permuted
	}
	return OtherSum
}

// digits are the figures of an amount in the smallest unit.
func digits(m events.Minor) string {
	s := m.Format(0)
	if s[0] == '-' {
		return s[1:]
	}
	return s
}
