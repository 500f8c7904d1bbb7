package history

import (
	"cmp"
	"iter"
	"slices"

	"fundledger/events"
)

// A Reference is an event that another names in a field of its command.
type Reference struct {
	Field string
	Seq   events.Seq
}

// naming are the fields by which commands name events.
var naming = [...]string{
	ofField: "of", commitmentField: "commitment", againstField: "against", settlesField: "settles", coversField: "covers", sumField: "sum_of", quotientField: "quotient_of",
	bankField: "bank_lines", matchedField: "events",
}

// The places of the fields among them.
const (
	ofField = iota
	commitmentField
	againstField
	settlesField
	coversField
	sumField
	quotientField
	bankField
	matchedField
)

// named visits the events that an event names, as the ledger resolved them, with the places of the fields, in the order of those.
func named(r *events.Resolved, visit func(field int, n events.Seq)) {
	for field, n := range [...]events.Seq{ofField: r.Of, commitmentField: r.Commitment, againstField: r.Against, settlesField: r.Settles} {
		if n > 0 {
			visit(field, n)
		}
	}
	for _, n := range r.Covers {
		visit(coversField, n)
	}
	for _, n := range r.SumOf {
		visit(sumField, events.Seq(max(n, -n)))
	}
	for field, all := range [...][]events.Seq{quotientField: r.QuotientOf, bankField: r.BankLines, matchedField: r.Matched} {
		for _, n := range all {
			visit(field, n)
		}
	}
}

// References are the events that an event names, as the ledger resolved them.
func References(r *events.Resolved) (out []Reference) {
	named(r, func(field int, n events.Seq) { out = append(out, Reference{naming[field], n}) })
	return out
}

// name keeps what an event names, which is older than it.
func (h *History) name(e *events.Event) (ok bool) {
	ok = true
	named(&e.Resolved, func(field int, n events.Seq) {
		ok = ok && n < e.Seq
		h.names[field] = append(h.names[field], pair{uint32(e.Seq), uint32(n)})
	})
	return ok
}

// namesOf is what event n names in a field.
func (h *History) namesOf(n events.Seq, field int) []pair {
	all := h.names[field]
	from, _ := slices.BinarySearchFunc(all, uint32(n), func(p pair, n uint32) int { return cmp.Compare(p.N, n) })
	to := from
	for to < len(all) && all[to].N == uint32(n) {
		to++
	}
	return all[from:to]
}

// Names are the events that event n names.
func (h *History) Names(n events.Seq) (out []Reference) {
	for field, name := range naming {
		for _, p := range h.namesOf(n, field) {
			out = append(out, Reference{name, events.Seq(p.Of)})
		}
	}
	return out
}

// Naming walks the events after one that name others, in their order, each with every event that it names.
func (h *History) Naming(after events.Seq) iter.Seq2[events.Seq, events.Seq] {
	return func(yield func(events.Seq, events.Seq) bool) {
		var rest [len(naming)][]pair
		for field, all := range h.names {
			from, _ := slices.BinarySearchFunc(all, uint32(after)+1, func(p pair, n uint32) int { return cmp.Compare(p.N, n) })
			rest[field] = all[from:]
		}
		for {
			first := -1
			for field, all := range rest {
				if len(all) > 0 && (first < 0 || all[0].N < rest[first][0].N) {
					first = field
				}
			}
			if first < 0 || events.Seq(rest[first][0].N) > h.last {
				return
			}
			p := rest[first][0]
			rest[first] = rest[first][1:]
			if !yield(events.Seq(p.N), events.Seq(p.Of)) {
				return
			}
		}
	}
}
