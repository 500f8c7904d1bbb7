package bank_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"

	"pgregory.net/rapid"
)

// An item is a payment or a line of a small world.
type item struct {
	id, party   string
	amount, day int
	undone      []string // matchings that were taken back
	matched     bool
}

// like names what nothing tells apart; what a matching was taken back of is like no other.
func (i *item) like() string {
	if len(i.undone) > 0 {
		return i.id
	}
	return fmt.Sprint(i.party, i.amount, i.day)
}

func canBe(line, pay *item) bool {
	return !line.matched && !pay.matched && line.party != "" && line.party == pay.party && line.amount == pay.amount && line.day >= pay.day && line.day <= pay.day+5 &&
		!slices.ContainsFunc(line.undone, func(m string) bool { return slices.Contains(pay.undone, m) })
}

// ways lists all ways to pair all lines with all payments, one to one.
func ways(lines, pays []*item) (out [][][2]*item) {
	if len(lines) != len(pays) {
		return nil
	}
	if len(lines) == 0 {
		return [][][2]*item{nil}
	}
	for i, p := range pays {
		if canBe(lines[0], p) {
			for _, rest := range ways(lines[1:], slices.Delete(slices.Clone(pays), i, i+1)) {
				out = append(out, append([][2]*item{{lines[0], p}}, rest...))
			}
		}
	}
	return out
}

func written(way [][2]*item, name func(*item) string) string {
	var out []string
	for _, p := range way {
		out = append(out, name(p[0])+"="+name(p[1]))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestOnlyWay: by amount, date and party a pair is proposed exactly where all that hangs together can be paired in one way alone, apart from what nothing tells apart. All ways are
// tried here.
func TestOnlyWay(t *testing.T) {
	t.Parallel()
	proposed, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := folded(t)
		draw := func(letter string) (all []*item) {
			for n := range rapid.IntRange(0, 6).Draw(t, letter) {
				i := &item{
					id: fmt.Sprint(letter, n), party: rapid.SampledFrom([]string{"甲", "甲", "甲", "乙", ""}).Draw(t, "party"), amount: rapid.SampledFrom([]int{1, 1, 1, 4}).Draw(t, "amount"),
					day: rapid.IntRange(1, 14).Draw(t, "day"),
				}
				all = append(all, i)
				text := fmt.Sprintf(`"fund":"f","year":2022,"id":%q,"amount":"%d.00","date":"2022-04-%02d"`, i.id, i.amount, i.day)
				switch {
				case letter == "p" && i.party == "":
					text = `{"kind":"disbursed","line":"1","channel":"payment",` + text + `}`
				case letter == "p":
					text = fmt.Sprintf(`{"kind":"disbursed","line":"1","channel":"payment","payee":{"name":%q},%s}`, i.party, text)
				case i.party == "":
					text = `{"kind":"bank-line","account":"1","direction":"out",` + text + `}`
				default:
					text = fmt.Sprintf(`{"kind":"bank-line","account":"1","direction":"out","counterparty":%q,%s}`, i.party, text)
				}
				f.add([]byte(text))
			}
			return all
		}
		pays, lines := draw("p"), draw("l")
		for n := range rapid.IntRange(0, 3).Draw(t, "matchings") {
			if len(pays) == 0 || len(lines) == 0 {
				break
			}
			p, l := rapid.SampledFrom(pays).Draw(t, "pay"), rapid.SampledFrom(lines).Draw(t, "line")
			if p.matched || l.matched || p.amount != l.amount {
				continue
			}
			id := fmt.Sprint("m", n)
			f.add(fmt.Appendf(nil, `{"kind":"bank-matched","fund":"f","year":2022,"id":%q,"bank_lines":[%q],"events":[%q],"rule":"manual"}`, id, l.id, p.id))
			if rapid.Bool().Draw(t, "taken back") {
				f.add(fmt.Appendf(nil, `{"kind":"reversed","fund":"f","year":2022,"id":%q,"of":%q,"reason":"r"}`, "r"+id, id))
				p.undone, l.undone = append(p.undone, id), append(l.undone, id)
			} else {
				p.matched, l.matched = true, true
			}
		}
		pair := map[string]string{}
		for _, x := range f.found(f.reconciled("2022-04-01", "2022-04-30")) {
			if x.State == "proposed" && x.Why == string(events.ByAmount) {
				if len(x.Lines) != 1 || len(x.Events) != 1 {
					t.Fatalf("%s", x)
				}
				pair[x.Lines[0]] = x.Events[0]
			}
		}
		seen := map[*item]bool{}
		for _, l := range lines {
			if seen[l] {
				continue
			}
			var ls, ps []*item // all that hang together with l
			reach := []*item{l}
			for seen[l] = true; len(reach) > 0; {
				at := reach[0]
				reach = reach[1:]
				others, isLine := lines, slices.Contains(lines, at)
				if isLine {
					ls, others = append(ls, at), pays
				} else {
					ps = append(ps, at)
				}
				for _, o := range others {
					if !seen[o] && (isLine && canBe(at, o) || !isLine && canBe(o, at)) {
						seen[o] = true
						reach = append(reach, o)
					}
				}
			}
			kinds, all := map[string]bool{}, map[string]bool{}
			for _, way := range ways(ls, ps) {
				kinds[written(way, (*item).like)] = true
				all[written(way, func(i *item) string { return i.id })] = true
			}
			var got []string
			for _, l := range ls {
				if p, ok := pair[l.id]; ok {
					got = append(got, l.id+"="+p)
				}
			}
			slices.Sort(got)
			switch {
			case len(kinds) == 1 && !all[strings.Join(got, " ")]:
				t.Fatalf("proposed %v, the one way is any of %v", got, all)
			case len(kinds) != 1 && len(got) > 0:
				t.Fatalf("proposed %v, and there are the ways %v", got, all)
			case len(kinds) == 1:
				proposed++
			case len(ls)+len(ps) > 1:
				kept++
			}
		}
	})
	if proposed == 0 || kept == 0 {
		t.Errorf("proposed %d times, kept %d times", proposed, kept)
	}
}
