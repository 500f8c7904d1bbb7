package ledger

import (
	"context"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"
)

// A onceReadLog has a snapshot, and behind it lines that do not fit. It may be read by one only.
type onceReadLog struct {
	Log
	t       *testing.T
	line    []byte
	reading atomic.Int32
}

func (l *onceReadLog) Recall(context.Context) []byte { return newState("f").snapshot() }

func (l *onceReadLog) Rest(context.Context) iter.Seq2[[]byte, error] { return l.read(25_600) }

func (l *onceReadLog) Replay(context.Context) iter.Seq2[[]byte, error] { return l.read(0) }

func (l *onceReadLog) read(lines int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if l.reading.Add(1) > 1 {
			l.t.Error("the log is read again while it is still being read")
		}
		defer l.reading.Add(-1)
		for range lines {
			if !yield(l.line, nil) {
				time.Sleep(20 * time.Millisecond) // it has to note where it stands
				return
			}
		}
	}
}

// TestALogIsReadByOne holds that a log of which the folding has had enough is not read any more when it is read from the beginning, or by whoever comes
// next: where it stands is its own.
func TestALogIsReadByOne(t *testing.T) {
	t.Parallel()
	c, err := events.ParseCommand([]byte(`{"id":"x","kind":"fund-opened","fund":"f","year":2026,"name":"f"}`))
	if err != nil {
		t.Fatal(err)
	}
	e := events.Event{Seq: 7, ID: "x", Time: time.Now(), Command: &c, Actor: Local, Rules: events.Rules}
	l := &onceReadLog{t: t, line: events.AppendLine(nil, &e)}
	d := newDecider("f", l, time.Now, usual)
	if err := d.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := l.reading.Load(); n != 0 {
		t.Errorf("the log is loaded, and %d still read it", n)
	}
}
