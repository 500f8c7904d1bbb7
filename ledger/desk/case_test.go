package desk_test

import (
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/ledger/desk"
)

// A log is events made by hand, for a case to read.
type log struct {
	t   *testing.T
	all []*events.Event
}

// add appends an event: its command's members beside fund and year, what the ledger resolved, and postings as LINE MEASURE AMOUNT in fen.
func (l *log) add(members string, r events.Resolved, postings ...string) {
	l.t.Helper()
	c, err := events.ParseCommand([]byte(`{"fund":"f","year":2022,` + members + `}`))
	if err != nil {
		l.t.Fatalf("%s: %v", members, err)
	}
	e := &events.Event{Seq: events.Seq(len(l.all) + 1), Command: &c, Resolved: r}
	for _, s := range postings {
		p := events.Posting{Year: 2022}
		if _, err := fmt.Sscan(s, &p.Line, &p.Measure, &p.Amount); err != nil {
			l.t.Fatal(err)
		}
		if p.Measure == events.RecoveredM {
			p.OfLine, p.Line = p.Line, "0"
		}
		e.Postings = append(e.Postings, p)
	}
	l.all = append(l.all, e)
}

func (l *log) read(of events.Seq) *desk.Case {
	c := desk.NewCase(of)
	for _, e := range l.all {
		c.Apply(e)
	}
	return c
}

func (l *log) plan(c *desk.Case, way string, answers desk.Answers) []string {
	l.t.Helper()
	n := 0
	plans, err := c.Plans(way, answers, desk.Setting{
		Today: "2022-12-01", Reason: "r", Smallest: "0.01", Left: func(m events.Minor) string { return m.Format(2) },
		NewID: func() (events.ID, error) { n++; return events.ID(fmt.Sprint("n", n)), nil },
	})
	if err != nil {
		l.t.Fatal(err)
	}
	var out []string
	for _, command := range plans[0] {
		if _, err := events.ParseCommand(command); err != nil {
			l.t.Errorf("%s: %v", command, err)
		}
		out = append(out, string(command))
	}
	return out
}

const (
	aPayment = `"kind":"disbursed","date":"2022-05-01","line":"1","amount":"100","channel":"payment"`
	aRefund  = `"kind":"clawed-back","cause":"refund","date":"2022-06-01"`
)

// TestCaseFollowsWhatHangs: directly and by what hangs in between; what is reversed hangs and does not stand; what is left is told line by line.
func TestCaseFollowsWhatHangs(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	l.add(`"kind":"committed","date":"2022-01-01","line":"1","amount":"100"`, events.Resolved{}, "1 committed 10000")                                        // 1
	l.add(aPayment+`,"commitment":1`, events.Resolved{Commitment: 1}, "1 disbursed 10000", "1 committed -10000")                                             // 2
	l.add(aPayment, events.Resolved{}, "1 disbursed 10000")                                                                                                  // 3, another
	l.add(aRefund+`,"of":2,"amount":"10"`, events.Resolved{Of: 2}, "1 returned 1000")                                                                        // 4
	l.add(`"kind":"reversed","of":4,"reason":"r"`, events.Resolved{Of: 4}, "1 returned -1000")                                                               // 5
	l.add(`"kind":"reclassified","of":2,"amount":"30","to_line":"2","reason":"r"`, events.Resolved{Of: 2}, "1 disbursed -3000", "2 disbursed 3000")          // 6
	l.add(`"kind":"amended","of":2,"set":{"note":"x"},"reason":"r"`, events.Resolved{Of: 2})                                                                 // 7
	l.add(`"kind":"clawed-back","cause":"offset","date":"2022-06-01","of":3,"against":2,"amount":"5"`, events.Resolved{Of: 3, Against: 2}, "1 returned 500") // 8: of the other payment
	l.add(`"kind":"clawed-back","cause":"prior-year","date":"2022-06-01","of":2,"amount":"7"`, events.Resolved{Of: 2}, "2 recovered 700")                    // 9

	c := l.read(2)
	var got []string
	for _, h := range c.Hangs {
		got = append(got, fmt.Sprint(h.Seq, h.Names, h.Reversed))
	}
	if want := "4 [{of 2}] 5|5 [{of 4}] 0|6 [{of 2}] 0|7 [{of 2}] 0|8 [{against 2}] 0|9 [{of 2}] 0"; strings.Join(got, "|") != want {
		t.Errorf("it hangs together as %v, want %s", got, want)
	}
	if got, want := fmt.Sprint(c.Left), "[{1 7000} {2 2300}]"; got != want { // 100 − 30; 30 − 7
		t.Errorf("left is %s, want %s", got, want)
	}
	if n := len(l.read(1).Hangs); n != 7 { // the payment, and what hangs on that
		t.Errorf("%d events hang on the commitment, want 7", n)
	}
	if c := l.read(10); c.Event != nil {
		t.Error("there is no event 10")
	}
	if c := l.read(4); c.Reversed != 5 || len(c.Offers(desk.Setting{})) != 0 {
		t.Errorf("4 is reversed by %d, and offered is %v", c.Reversed, c.Offers(desk.Setting{}))
	}

	// The last is taken back first; what is posted again names what has taken the place of the old; words come along.
	want := strings.Split(`{"id":"n1","kind":"reversed","fund":"f","year":2022,"of":9,"reason":"r"}
{"id":"n2","kind":"reversed","fund":"f","year":2022,"of":8,"reason":"r"}
{"id":"n3","kind":"reversed","fund":"f","year":2022,"of":6,"reason":"r"}
{"id":"n4","kind":"reversed","fund":"f","year":2022,"of":2,"reason":"r"}
{"id":"n5","fund":"f","year":2022,"kind":"disbursed","date":"2022-05-01","line":"1","amount":"80","channel":"payment","commitment":1}
{"id":"n6","fund":"f","year":2022,"kind":"reclassified","of":"n5","amount":"30","to_line":"2","reason":"r"}
{"id":"n7","fund":"f","year":2022,"kind":"amended","of":"n5","set":{"note":"x"},"reason":"r"}
{"id":"n8","fund":"f","year":2022,"kind":"clawed-back","cause":"offset","date":"2022-06-01","of":3,"against":"n5","amount":"5"}
{"id":"n9","fund":"f","year":2022,"kind":"clawed-back","cause":"prior-year","date":"2022-06-01","of":"n5","amount":"7"}`, "\n")
	if got := l.plan(c, "repost", desk.Answers{"set": {"amount=80"}}); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("posted anew it is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := l.plan(c, "reverse", desk.Answers{"reason": {"double"}}); len(got) != 4 || got[3] != strings.Replace(want[3], `"r"`, `"double"`, 1) {
		t.Errorf("taken back it is %v", got)
	}
	// What is left where it stands moves, unless less is said.
	if got := l.plan(c, "reclassify", desk.Answers{"to-line": {"3"}, "line": {"2"}}); !strings.Contains(got[0], `"line":"2","amount":"23.00"`) {
		t.Errorf("moved it is %v", got)
	}
}

// TestSumsFollowTheirFigures: a reference with a sign goes over to what takes a figure's place.
func TestSumsFollowTheirFigures(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	figure := `"kind":"figure-stated","date":"2022","name":"x","unit":"yuan","source":{"document":"d"},"value":"5"`
	l.add(figure, events.Resolved{})
	l.add(figure, events.Resolved{})
	l.add(figure+`,"sum_of":[1,-2]`, events.Resolved{SumOf: []int64{1, -2}})
	l.add(figure+`,"quotient_of":[2,3]`, events.Resolved{QuotientOf: []events.Seq{2, 3}})
	got := l.plan(l.read(2), "repost", desk.Answers{"set": {"value=6"}})
	want := []string{`"of":4`, `"of":3`, `"of":2`, `"value":"6"`, `"sum_of":[1,"-n4"]`, `"quotient_of":["n4","n5"]`}
	if len(got) != len(want) {
		t.Fatalf("it is %v", got)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("command %d is %s, want %s in it", i+1, got[i], want[i])
		}
	}
}
