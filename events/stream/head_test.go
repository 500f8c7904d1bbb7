package stream_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
)

// TestAHeadNeverGoesBack has a writer begin that has not read the log. Were it to write the head of a new log, a tail cut afterwards would leave
// no trace.
func TestAHeadNeverGoesBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, st, stop := hold(t, folder)
	ignorant := st.Log(fund)
	if _, err := read(t.Context(), ignorant); err != nil { // there was nothing yet
		t.Fatal(err)
	}
	fill(t, st.Log(fund), 3, 2)
	before, err := stream.Trace(embedded.Heads(folder), fund)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*stream.Log{st.Log(fund), ignorant} {
		if err := l.Append(t.Context(), proof.BlockOf([]byte("{}\n"))); !errors.Is(err, events.ErrConflict) {
			t.Errorf("a writer that knows nothing of the log got %v, want a conflict", err)
		}
	}
	if after, err := stream.Trace(embedded.Heads(folder), fund); after != before || err != nil {
		t.Errorf("the head was %q and is %q, %v", before, after, err)
	}
	stop()
	// The stream is gone, the head is not: nobody makes a new log in its place.
	js, _, stopBroker := broker(t, folder)
	if err := js.DeleteStream(t.Context(), stream.Name(fund)); err != nil {
		t.Fatal(err)
	}
	stopBroker()
	_, st, stop = hold(t, folder)
	if err := st.Log(fund).Append(t.Context(), proof.BlockOf([]byte("{}\n"))); !errors.Is(err, events.ErrConflict) {
		t.Errorf("a writer where the stream is gone got %v, want a conflict", err)
	}
	stop()
	wantTampered(t, folder, "stream-missing")
}

// TestAHeadThatCannotBeWritten: the block is stored, and nothing may say that it is not.
func TestAHeadThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	l := st.Log(fund)
	fill(t, l, 1)
	at := l.At()
	if err := l.BreakHead(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), proof.BlockOf([]byte("{\"n\":2}\n"))); events.CodeOf(err) != events.UnknownOutcome {
		t.Fatalf("got %v, want an unknown outcome", err)
	}
	if l.At() != at {
		t.Errorf("stands at %d, want %d", l.At().Seq, at.Seq)
	}
	if lines, err := read(t.Context(), l); err != nil || len(lines) != 2 {
		t.Errorf("read %d lines, %v; want both", len(lines), err)
	}
}

// TestAHeadLeftByACrash has files in the folder of heads that a crash between two steps of making a log leaves.
func TestAHeadLeftByACrash(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, st, stop := hold(t, folder)
	fill(t, st.Log(fund), 1)
	first, err := stream.Trace(embedded.Heads(folder), fund)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	// A half-written new head, and the head of a fund of which the stream was never made.
	if err := os.WriteFile(filepath.Join(embedded.Heads(folder), ".new-1"), []byte(first[:20]), 0o600); err != nil {
		t.Fatal(err)
	}
	_, st, _ = hold(t, folder)
	if funds, err := st.Funds(t.Context()); err != nil || !slices.Equal(funds, []events.Fund{fund}) {
		t.Errorf("Funds = %v, %v", funds, err)
	}
	l := st.Log("begun")
	if err := l.MakeHead(); err != nil {
		t.Fatal(err)
	}
	if lines, err := read(t.Context(), l); err != nil || len(lines) != 0 {
		t.Errorf("a log that was about to begin reads %v, %v", lines, err)
	}
	if err := l.Append(t.Context(), proof.BlockOf([]byte("{}\n"))); err != nil {
		t.Errorf("it cannot begin: %v", err)
	}
	if lines, err := read(t.Context(), st.Log("begun")); err != nil || len(lines) != 1 {
		t.Errorf("it reads %v, %v", lines, err)
	}
}

func TestBlocksThatAreNone(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	l := st.Log(fund)
	unended := proof.BlockOf([]byte("{}\n"))
	unended.Text = append(unended.Text, "{}"...)
	for name, b := range map[string]*proof.Block{
		"nothing":         {},
		"no LF":           proof.BlockOf([]byte("{}")),
		"a line unended":  unended,
		"too long a line": proof.BlockOf([]byte(strings.Repeat("x", events.MaxLine+1) + "\n")),
	} {
		if err := l.Append(t.Context(), b); err == nil || events.CodeOf(err) == events.UnknownOutcome {
			t.Errorf("%s: %v", name, err)
		}
	}
	if funds, err := st.Funds(t.Context()); len(funds) != 0 || err != nil {
		t.Errorf("Funds = %v, %v; want none made", funds, err)
	}
	longest := bytes.Repeat([]byte(strings.Repeat("x", events.MaxLine)+"\n"), 8)
	if err := l.Append(t.Context(), proof.BlockOf(longest)); err != nil {
		t.Errorf("lines of the greatest length: %v", err)
	}
}

// TestRestNoticesWhatHappenedBefore: a log that was read once is not believed to be still the same.
func TestRestNoticesWhatHappenedBefore(t *testing.T) {
	t.Parallel()
	for why, replace := range map[string]func(w *stream.Log){
		"root":           func(w *stream.Log) { fill(t, w, 2, 2, 1) }, // as many blocks, other lines
		"head-short":     func(w *stream.Log) { fill(t, w, 3) },
		"stream-missing": func(*stream.Log) {},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			s, st, _ := hold(t, folder)
			fill(t, st.Log(fund), 1, 2, 1)
			nc, err := s.Connect()
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			bare, err := stream.NewStore(nc, stream.Own, "") // with nothing remembered in a folder
			if err != nil {
				t.Fatal(err)
			}
			l := bare.Log(fund)
			if _, err := read(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if err := bare.DeleteStream(t.Context(), fund); err != nil {
				t.Fatal(err)
			}
			other := bare.Log(fund)
			if why != "stream-missing" {
				// The broker clears the old stream's folder away after it answered, and cannot make the new one meanwhile.
				for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
					err := other.MakeStream(t.Context())
					if err == nil {
						break
					}
					if time.Since(begun) > enough {
						t.Fatal(err)
					}
				}
			}
			replace(other)
			err = nil
			for _, e := range l.Rest(t.Context()) {
				err = e
			}
			var e *events.Error
			if !errors.As(err, &e) || e.Code != events.Tampered || e.Why != why {
				t.Errorf("Rest gave %v, want tampered (%s)", err, why)
			}
			if why != "root" { // as many blocks look current, until they are read
				if err := l.Current(t.Context()); events.CodeOf(err) != events.Tampered {
					t.Errorf("Current gave %v, want tampered", err)
				}
			}
		})
	}
}

// TestALoopLeftEarly leaves a replay after any line and reads on from there.
func TestALoopLeftEarly(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	sizes := []int{1, 3, 1, 20, 1, 2}
	want := fill(t, st.Log(fund), sizes...)
	ends := []int{0} // of blocks, in lines
	for _, n := range sizes {
		ends = append(ends, ends[len(ends)-1]+n)
	}
	for leave := 1; leave <= len(want); leave++ {
		l := st.Log(fund)
		n := 0
		for _, err := range l.Replay(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == leave {
				break
			}
		}
		block, _ := slices.BinarySearch(ends, leave)
		if at := l.At(); at.Block != uint64(block) || int(at.Seq) != ends[block] {
			t.Fatalf("left after line %d it stands at %d in block %d, want %d in %d", leave, at.Seq, at.Block, ends[block], block)
		}
		var got []string
		for line, err := range l.Rest(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		if !slices.Equal(got, want[ends[block]:]) {
			t.Fatalf("left after line %d it reads on with %d lines, want %d", leave, len(got), len(want)-ends[block])
		}
	}
}
