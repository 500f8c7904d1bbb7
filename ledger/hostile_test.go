package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
)

// hostileGiven is a history with every kind, for logs and commands that no honest caller would send.
const hostileGiven = precedenceGiven + `line-added @5 name=x
reallocated from=[{"line":"1","amount":"10"}] to=[{"line":"5","amount":"10"}] covers=[7]
allotted @1 10 id=all
allotment-withdrawn #all 1
committed @1 10 id=c2
commitment-released #c2 1
disbursed @1 5 commitment=c2 id=used
receipt-confirmed #sent 3 voucher={"issuer":"i","year":2022,"type":"t","number":"1"}
clawed-back/lapse @1 1
clawed-back/rescission @1 1
clawed-back/returned #used
clawed-back/offset #sent 1 against=taken settles=u
clawed-back/prior-year #old 1 2023-01 year=2023
carried-in @0 10 2023-01 year=2023 lot=C from_year=2015 expires=2023-12-31
disbursed @0 3 2023-01 year=2023 lot=C id=outof
carried-over @0 2 2023-12 year=2023 lot=C to_year=2024
reclassified #sent 5 to_line=5
reclassified #outof 1 year=2023 to_dims={"x":"y"}
figure-stated name=x id=fig
figure-stated name=y sum_of=["fig"] id=fig2
amended #taken set={"note":"n"}
explained #fig
clawed-back/lapse @0 2 2024-12 year=2024 lot=C
year-closed 2024-12-31 year=2024
year-reopened year=2024
`

// after names the events of a log, from one to another, in every way.
func after(first, last int) []string {
	var out []string
	for of := first; of <= last; of++ {
		for _, format := range []string{
			"reversed #%d", "reversed #%d year=2023", "clawed-back/refund #%d 1", "clawed-back/returned #%d", "clawed-back/prior-year #%d 1 year=2023", "clawed-back/offset #%d 1 against=7",
			"clawed-back/offset #7 1 against=%d", "clawed-back/refund #7 1 settles=%d", "disbursed @1 1 commitment=%d", "commitment-released #%d 1", "allotment-withdrawn #%d 1", "receipt-confirmed #%d 1",
			"reclassified #%d 1 to_line=5", "reclassified #%d 1 to_dims={\"q\":\"r\"}", "amended #%d set={\"note\":\"z\"}", "explained #%d flag=lot-expired", "figure-stated name=z sum_of=[%d]",
			"reallocated from=[{\"line\":\"1\",\"amount\":\"1\"}] to=[{\"line\":\"5\",\"amount\":\"1\"}] covers=[%d]",
		} {
			out = append(out, fmt.Sprintf(format, of))
		}
	}
	return append(out, "year-closed", "year-closed year=2023", "disbursed @0 1 year=2023 lot=C", "disbursed @1 1 year=2023 lot=C", "carried-over @0 1 year=2023 lot=C to_year=2024", "carried-over @1 1 lot=B to_year=2023",
		"carried-in @0 1 year=2024 lot=C from_year=2016", "disbursed @1 1")
}

func hostileLines(t testing.TB) [][]byte {
	t.Helper()
	st, lines := newStory(), [][]byte(nil)
	for text := range strings.Lines(hostileGiven) {
		c, err := events.ParseCommand(commandJSON(strings.TrimSpace(text)))
		if err != nil {
			t.Fatal(text, err)
		}
		id := c.ID
		if id == "" {
			st.ids++
			id = events.ID(fmt.Sprint("made-", st.ids))
		}
		e, _, err := st.s.decide(id, &c, Local, st.now)
		if err != nil {
			t.Fatal(text, err)
		}
		if err := st.s.apply(e); err != nil {
			t.Fatal(text, err)
		}
		lines = append(lines, events.AppendLine(nil, e))
	}
	return lines
}

func parseAll(t testing.TB, lines [][]byte) []events.Event {
	t.Helper()
	es := make([]events.Event, len(lines))
	for i, l := range lines {
		var err error
		if es[i], err = events.ParseEvent(l); err != nil {
			t.Fatal(err)
		}
	}
	return es
}

func replayed(t testing.TB, es []events.Event) *state {
	t.Helper()
	s := newState("f")
	for i := range es {
		if err := s.apply(&es[i]); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestHostileLog applies events that were changed in one place. Whatever is not found out is decided upon; nothing may panic.
func TestHostileLog(t *testing.T) {
	t.Parallel()
	lines := hostileLines(t)
	es := parseAll(t, lines)
	follow := make([][]events.Command, len(lines)) // what names an event
	for i := range lines {
		for _, text := range after(i+1, i+1) {
			c, err := events.ParseCommand(commandJSON(text))
			if err != nil {
				t.Fatal(text, err)
			}
			follow[i] = append(follow[i], c)
		}
	}
	now := newStory().now
	tried, found := 0, 0
	try := func(i int, change string, line []byte) {
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("event %d, %s: panic: %v", i+1, change, r)
			}
		}()
		e, err := events.ParseEvent(line)
		if err != nil {
			return
		}
		tried++
		s := replayed(t, es[:i])
		if err := s.apply(&e); err != nil {
			if code := events.CodeOf(err); code != events.Tampered {
				t.Errorf("event %d, %s: %v", i+1, change, err)
			}
			found++
			return
		}
		for k := i + 1; k < len(es); k++ {
			if s.apply(&es[k]) != nil {
				return // a state that did not take an event is thrown away
			}
		}
		for k := range follow[i] {
			e, _, err := s.decide("another", &follow[i][k], Local, now)
			if err != nil {
				continue
			}
			s.recording = true
			_ = s.apply(e)
			s.rollback()
		}
	}
	for i, line := range lines {
		var whole map[string]any
		if err := json.Unmarshal(line, &whole); err != nil {
			t.Fatal(err)
		}
		data := whole["data"].(map[string]any)
		with := func(change string, do func()) {
			do()
			changed, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			try(i, change, changed)
			whole = nil
			if err := json.Unmarshal(line, &whole); err != nil {
				t.Fatal(err)
			}
			data = whole["data"].(map[string]any)
		}
		for name := range data {
			with("without "+name, func() { delete(data, name) })
		}
		with("sequence", func() { whole["sequence"] = "999" })
		with("time", func() { whole["time"] = "2000-01-01T00:00:00.000000Z" })
		with("id", func() { whole["id"] = "taken" })
		for _, name := range []string{"of", "commitment", "against", "settles"} {
			for n := 1; n <= i+2; n += 1 + n%3 {
				with(fmt.Sprint(name, n), func() { data[name] = n })
			}
		}
		command := data["command"].(map[string]any)
		for name := range command {
			with("command without "+name, func() { delete(data["command"].(map[string]any), name) })
		}
		for name, values := range map[string][]any{
			"year": {2019, 2021, 2023, 2024}, "line": {"9", "2", "0"}, "to_year": {2022, 2050}, "to_line": {"1", "9"}, "lot": {"A", "C"}, "kind": {"disbursed", "committed", "reversed"}, "cause": {"refund", "returned"},
			"amount": {"99999999999"}, "fund": {"g"}, "parent": {"77"}, "lines": {[]any{map[string]any{"code": "1", "name": "x", "parent": "2"}}},
		} {
			for _, v := range values {
				with(fmt.Sprint("command ", name, v), func() { data["command"].(map[string]any)[name] = v })
			}
		}
		postings, _ := data["postings"].([]any)
		for k := range postings {
			with(fmt.Sprint("without posting ", k), func() {
				ps := data["postings"].([]any)
				data["postings"] = append(ps[:k:k], ps[k+1:]...)
			})
			for name, values := range map[string][]any{
				"year": {2019, 2021, 2023, 2050}, "line": {"9", "2", "0", "5"}, "measure": {"disbursed", "returned", "committed", "suspense", "confirmed", "recovered", "carried_in"}, "lot": {"A", "B", "C"},
				"amount": {"-99999999999.00", "1.00", "92233720368547758.07", "-92233720368547758.08", "1"}, "of_line": {"5"},
			} {
				for _, v := range values {
					with(fmt.Sprint("posting ", name, v), func() { data["postings"].([]any)[k].(map[string]any)[name] = v })
				}
			}
		}
	}
	t.Logf("%d changed events, %d found out", tried, found)
}

// FuzzDecide puts anything that parses to a state, and then reverses it.
func FuzzDecide(f *testing.F) {
	for _, text := range append(strings.Split(strings.TrimSpace(hostileGiven), "\n"), after(1, 40)...) {
		f.Add(commandJSON(strings.TrimSpace(text)))
	}
	lines := hostileLines(f)
	s := replayed(f, parseAll(f, lines))
	now := newStory().now
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := events.ParseCommand(raw)
		if err != nil || c.Fund != "f" {
			return
		}
		postings, undo := dumpSize(s), len(s.undo)
		id := c.ID
		if id == "" {
			id = "another"
		}
		e, first, err := s.decide(id, &c, Local, now)
		if dumpSize(s) != postings || len(s.undo) != undo {
			t.Fatal("deciding changed the state")
		}
		if err != nil || first != 0 {
			if err != nil && rank(events.CodeOf(err)) < 0 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		line := events.AppendLine(nil, e)
		back, err := events.ParseEvent(line)
		if err != nil {
			if len(line) > events.MaxLine {
				return
			}
			t.Fatalf("%s: %v", line, err)
		}
		s.recording = true
		defer s.rollback()
		if err := s.apply(&back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, text := range after(int(s.last), int(s.last)) {
			c, err := events.ParseCommand(commandJSON(strings.TrimSpace(text)))
			if err != nil {
				t.Fatal(err)
			}
			if next, _, err := s.decide("yet another", &c, Local, now); err == nil {
				if err := s.apply(next); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				break
			}
		}
	})
}

// dumpSize is a cheap stand-in for dump.
func dumpSize(s *state) [5]int {
	lots := 0
	for _, y := range s.years {
		lots += len(y.lots) + len(y.lines) + len(y.originals)
	}
	return [5]int{len(s.kinds) + len(s.fates), s.ids.n, s.vouchers.n, s.bare.n, lots}
}
