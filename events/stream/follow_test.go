package stream_test

import (
	"slices"
	"testing"

	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
)

// TestReadingOn: what stood at a position is not read again, by another log and another store on the same folder, and a trace tells when there is more.
func TestReadingOn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, st, stop := hold(t, folder)
	l := st.Log(fund)
	lines := fill(t, l, 1, 3)
	first := l.At()
	trace, err := stream.Trace(embedded.Heads(folder), fund)
	if err != nil || trace == "" {
		t.Fatalf("%q, %v", trace, err)
	}
	rest := func(l *stream.Log) (got []string) {
		t.Helper()
		for line, err := range l.Rest(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		return got
	}
	if got := rest(st.LogAt(fund, first)); got != nil {
		t.Errorf("%d lines of nothing new", len(got))
	}
	if same, _ := stream.Trace(embedded.Heads(folder), fund); same != trace {
		t.Errorf("reading has changed the trace")
	}
	more := []string{`{"n":5}`, `{"n":6}`}
	for _, line := range more {
		if err := l.Append(t.Context(), proof.BlockOf([]byte(line+"\n"))); err != nil {
			t.Fatal(err)
		}
	}
	if other, err := stream.Trace(embedded.Heads(folder), fund); other == trace || err != nil {
		t.Errorf("the trace is the same after more was appended, %v", err)
	}
	_ = l.Close()
	stop()
	_, st, _ = hold(t, folder)
	on := st.LogAt(fund, first)
	if got := rest(on); !slices.Equal(got, more) {
		t.Errorf("read %q, want %q", got, more)
	}
	if got, err := read(t.Context(), st.Log(fund)); err != nil || len(got) != len(lines)+len(more) {
		t.Errorf("%d lines, %v", len(got), err)
	}
	if on.At().Seq != 6 || len(rest(on)) != 0 {
		t.Errorf("it stands at %+v", on.At())
	}
	// A log that is not the one that was read does not go on from there.
	other := first
	other.Tree = stream.Position{}.Tree
	for _, err := range st.LogAt(fund, other).Rest(t.Context()) {
		if err == nil {
			t.Error("it goes on from a place that is not in the log")
		}
	}
	if none, err := stream.Trace(embedded.Heads(folder), "no-such"); none != "" || err != nil {
		t.Errorf("%q, %v", none, err)
	}
}
