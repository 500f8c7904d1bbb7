package events

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// skimmed returns what Skim leaves of an event.
func skimmed(e *Event) Event {
	c, r := e.Command, &e.Resolved
	return Event{
		Seq: e.Seq, ID: e.ID, Time: e.Time, Flags: e.Flags, Decimals: e.Decimals, Postings: e.Postings,
		Resolved: Resolved{Of: r.Of, Commitment: r.Commitment, Line: r.Line},
		Command: &Command{
			Kind: c.Kind, Fund: c.Fund, Year: c.Year, Date: c.Date, Mode: c.Mode, Basis: c.Basis, Dims: c.Dims, Amount: c.Amount, Line: c.Line, Lot: c.Lot,
			Payee: c.Payee, Voucher: c.Voucher, Channel: c.Channel, Method: c.Method, Of: c.Of, Commitment: c.Commitment, Seldom: none,
		},
	}
}

// sameEvent fails where a line that is read in one pass says something else than by the reader of all lines. It reports whether e could skim it.
func sameEvent(t testing.TB, e *Event, line []byte) (skims bool) {
	t.Helper()
	before := bytes.Clone(line)
	skims = e.Skim(line)
	var quick Event
	reads := quickEvent(&quick, line)
	if !bytes.Equal(line, before) {
		t.Fatal("the line was changed")
	}
	if skims && !reads {
		t.Fatalf("%s\nis skimmed and not read in one pass", line)
	}
	if !reads {
		return false
	}
	want, err := parseEvent(line)
	if err != nil {
		t.Fatalf("%s\nis read in one pass, and refused else: %v", line, err)
	}
	if !reflect.DeepEqual(quick, want) {
		t.Fatalf("%s\nis in one pass %+v,\nelse %+v", line, quick, want)
	}
	if again := AppendLine(nil, &want); !bytes.Equal(again, line) {
		t.Fatalf("%s\nis read in one pass and would be written\n%s", line, again)
	}
	if !skims {
		if slices.Contains(skimKinds, want.Command.Kind) {
			t.Fatalf("%s\nis read in one pass and not skimmed", line)
		}
		return false
	}
	got := *e
	if len(got.Postings) == 0 {
		got.Postings = nil
	}
	if want := skimmed(&want); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nis skimmed %+v,\nelse %+v", line, got, want)
	}
	return true
}

// event makes an event of a command as a ledger might store it.
func (m commandMaker) event(c Command) Event {
	e := Event{
		Seq: Seq(1 + m.IntN(100000)), ID: c.ID, Time: time.UnixMicro(m.Int64N(4e15) - 1e15).UTC(), Command: &c, Actor: Actor{"local", "operator"}, Rules: Rules, Decimals: m.IntN(maxPlaces + 1),
	}
	if e.ID == "" {
		e.ID = "1c798b17-28ef-5904-b2ff-96ec98adb8d4"
	}
	if m.IntN(3) == 0 {
		e.Flags = []Code{OverBudget, PossibleDuplicate}[:1+m.IntN(2)]
	}
	if m.IntN(2) == 0 {
		e.Resolved.Commitment = 9
	}
	if c.Kind == ReceiptConfirmed {
		e.Resolved.Of, e.Resolved.Line = 17, "1.1"
	}
	if m.IntN(20) == 0 {
		e.Resolved.Against = 3
	}
	for range m.IntN(4) {
		e.Postings = append(e.Postings, m.posting(&c))
	}
	return e
}

func (m commandMaker) posting(c *Command) Posting {
	p := Posting{
		Year: c.Year, Line: c.Line, Measure: Measures[m.IntN(len(Measures))], Amount: Minor(m.Int64N(1e12) - 5e11), Date: c.Date, Counts: c.Date.last, Lot: c.Lot, Channel: c.Channel,
		Basis: c.Basis, Dims: c.Dims,
	}
	if p.Line == "" {
		p.Line = "1.1"
	}
	switch m.IntN(6) {
	case 0:
		p.Amount = Minor(m.Int64() - m.Int64())
	case 1:
		p.Amount = Minor(m.IntN(3) - 1)
	}
	if m.IntN(4) == 0 {
		p.Counts += Day(m.IntN(400) - 200)
	}
	if m.IntN(4) == 0 {
		p.Date, _ = ParseDate(p.Counts.String())
	}
	switch m.IntN(6) {
	case 0:
		p.Dims = Dims{}
	case 1:
		p.Dims = Dims{{"function", "2"}, {"source", "中"}}
	}
	if p.Measure == RecoveredM {
		p.OfYear, p.OfLine = 2021, Root
	}
	return p
}

// TestSkim: what is skimmed of a line, and what is read of it in one pass, is what the reader of all lines reads.
func TestSkim(t *testing.T) {
	m := commandMaker{rand.New(rand.NewPCG(17, 18)), 0}
	var e Event
	skims, total := 0, 0
	for range 4000 {
		for _, kind := range quickKinds {
			c, err := ParseCommand(m.command(kind))
			if err != nil {
				continue
			}
			made := m.event(c)
			line := AppendLine(nil, &made)
			skim := sameEvent(t, &e, line)
			if slices.Contains(skimKinds, kind) {
				total++
				if skim {
					skims++
				}
			}
			sameEvent(t, &e, mutate(m.Rand, line))
		}
	}
	if skims < total/3 {
		t.Errorf("%d of %d events are skimmed, want at least a third", skims, total)
	}
	for name, line := range golden(t) {
		skim := sameEvent(t, &e, line)
		if want := name == "disbursed.json" || name == "receipt-confirmed.json"; skim != want {
			t.Errorf("%s is skimmed: %t, want %t", name, skim, want)
		}
		// One byte more or less anywhere.
		for i := range line {
			sameEvent(t, &e, slices.Delete(bytes.Clone(line), i, i+1))
			sameEvent(t, &e, slices.Insert(bytes.Clone(line), i, ' '))
			sameEvent(t, &e, slices.Insert(bytes.Clone(line), i, '0'))
		}
	}
	usual := benchEvent(t)
	if !sameEvent(t, &e, AppendLine(nil, &usual)) {
		t.Error("a usual payment is not skimmed")
	}
}

// TestSkimUsesRoomAgain: many events are skimmed into one without a new list of postings for each.
func TestSkimUsesRoomAgain(t *testing.T) {
	made := benchEvent(t)
	made.Postings = append(made.Postings, made.Postings[0])
	two := AppendLine(nil, &made)
	made.Postings = made.Postings[:1]
	one := AppendLine(nil, &made)
	var e Event
	if !e.Skim(two) || len(e.Postings) != 2 {
		t.Fatal("not skimmed")
	}
	room := &e.Postings[0]
	if !e.Skim(one) || len(e.Postings) != 1 || &e.Postings[0] != room {
		t.Error("the postings have other room")
	}
	if e.Skim([]byte("{}")) || e.Skim(nil) || !e.Skim(two) || &e.Postings[0] != room {
		t.Error("the postings have other room after a line that is none")
	}
	if n := testing.AllocsPerRun(100, func() { e.Skim(two) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSkim(f *testing.F) {
	for _, line := range golden(f) {
		f.Add(line)
	}
	m := commandMaker{rand.New(rand.NewPCG(19, 20)), 0}
	for range 20 {
		for _, kind := range quickKinds {
			if c, err := ParseCommand(m.command(kind)); err == nil {
				made := m.event(c)
				f.Add(AppendLine(nil, &made))
			}
		}
	}
	var e Event
	f.Fuzz(func(t *testing.T, line []byte) { sameEvent(t, &e, line) })
}
