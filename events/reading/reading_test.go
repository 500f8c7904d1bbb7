package reading_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/reading"
)

// stored returns n lines: payments, which are skimmed, and every seventh another kind, which is read whole.
func stored(t *testing.T, n int) (lines [][]byte) {
	for i := range n {
		raw := fmt.Sprintf(`{"kind":"disbursed","fund":"a","year":2022,"date":"2022-03-04","line":"1","amount":"%d","channel":"payment","payee":{"name":"p%d"}}`, i+1, i)
		if i%7 == 0 {
			raw = fmt.Sprintf(`{"kind":"explained","fund":"a","year":2022,"line":"1","measure":"available","text":"t%d"}`, i)
		}
		c, err := events.ParseCommand([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, events.AppendLine(nil, &events.Event{
			Seq: events.Seq(i + 1), ID: events.ID(fmt.Sprint("e", i)), Time: time.UnixMicro(int64(i)), Command: &c, Actor: events.Actor{ID: "local", Role: "operator"}, Rules: 1,
		}))
	}
	return lines
}

func source(lines [][]byte, end error) (iter.Seq2[[]byte, error], func() proof.Twig) {
	var twig proof.Twig
	return func(yield func([]byte, error) bool) {
		for _, l := range lines {
			twig = proof.Twig{Leaf: proof.Leaf(l)}
			line := append([]byte(nil), l...)
			if !yield(line, nil) {
				return
			}
			for i := range line { // it is valid until the next is asked for
				line[i] = 'x'
			}
		}
		if end != nil {
			yield(nil, end)
		}
	}, func() proof.Twig { return twig }
}

func TestEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 255, 256, 257, 3000} {
		lines := stored(t, n)
		all, twig := source(lines, nil)
		got := 0
		for b := range reading.Start(t.Context(), all, twig) {
			if b.Err != nil {
				t.Fatal(b.Err)
			}
			for i := range b.Events {
				e, want := &b.Events[i], lines[got]
				whole, err := events.ParseEvent(want)
				if err != nil {
					t.Fatal(err)
				}
				if e.Seq != whole.Seq || e.ID != whole.ID || e.Command.Kind != whole.Command.Kind || e.Command.Payee != whole.Command.Payee || e.Command.Text != whole.Command.Text {
					t.Fatalf("event %d of %d is %+v, want %+v", got+1, n, e, whole)
				}
				if b.Twigs[i].Leaf != proof.Leaf(want) {
					t.Fatalf("event %d of %d has another's leaf", got+1, n)
				}
				got++
			}
			b.Again()
		}
		if got != n {
			t.Errorf("%d events were read, want %d", got, n)
		}
	}
}

func TestWhatWasReadBeforeAnErrorIsThere(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	lines := stored(t, 300)
	for name, of := range map[string]struct {
		lines [][]byte
		end   error
		want  func(error) bool
	}{
		"of the lines": {lines, broken, func(err error) bool { return errors.Is(err, broken) }},
		"of a line":    {append(lines, []byte("no event")), nil, func(err error) bool { return events.CodeOf(err) == events.Tampered }},
	} {
		all, _ := source(of.lines, of.end)
		n := 0
		var last error
		for b := range reading.Start(t.Context(), all, nil) {
			n, last = n+len(b.Events), b.Err
			b.Again()
		}
		if n != 300 || !of.want(last) {
			t.Errorf("an error %s: %d events, then %v", name, n, last)
		}
	}
}

func TestNobodyReadsOnAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	ended := false
	one := stored(t, 1)[0]
	batches := reading.Start(ctx, func(yield func([]byte, error) bool) {
		defer func() { ended = true }()
		for yield(one, nil) {
		}
	}, nil)
	<-batches
	stop()
	for range batches {
	}
	if !ended {
		t.Error("the lines are still being read")
	}
}
