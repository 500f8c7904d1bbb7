package stream_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
)

// TestSnapshot keeps a snapshot, writes on, and takes it up: the log stands where it was made, has the rest to read, and every line by its number.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	writer := st.Log(fund)
	lines := fill(t, writer, 3, 1, 1000, 2)
	kept := writer.At()
	if err := writer.Keep([]byte("what was made of it")); err != nil {
		t.Fatal(err)
	}
	if err := writer.Append(t.Context(), proof.BlockOf([]byte("{\"last\":1}\n{\"last\":2}\n"))); err != nil {
		t.Fatal(err)
	}
	lines = append(lines, `{"last":1}`, `{"last":2}`)

	reader := st.Log(fund)
	if got := reader.Recall(t.Context()); string(got) != "what was made of it" {
		t.Fatalf("recalled %q", got)
	}
	if !same(reader.At(), kept) {
		t.Errorf("stands at %d, it was made at %d", reader.At().Seq, kept.Seq)
	}
	line := func(n int) string {
		got, err := reader.Line(t.Context(), events.Seq(n))
		if err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		return string(got)
	}
	if got := line(500); got != lines[499] {
		t.Errorf("before the rest is read line 500 is %s", got)
	}
	var rest []string
	for l, err := range reader.Rest(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rest = append(rest, string(l))
	}
	if want := lines[kept.Seq:]; !slices.Equal(rest, want) || !same(reader.At(), writer.At()) {
		t.Errorf("the rest is %q at %d, want %q", rest, reader.At().Seq, want)
	}
	for _, l := range []*stream.Log{reader, writer} {
		reader = l
		for n := range lines {
			if got := line(n + 1); got != lines[n] {
				t.Fatalf("line %d is %s, want %s", n+1, got, lines[n])
			}
		}
		if _, err := l.Line(t.Context(), events.Seq(len(lines)+1)); err == nil {
			t.Error("there is a line that was not written")
		}
	}
	// What is written on from there is one log.
	if err := reader.Append(t.Context(), proof.BlockOf([]byte("{\"more\":1}\n"))); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context(), st.Log(fund)); err != nil || len(got) != len(lines)+1 {
		t.Errorf("%d lines are stored, %v; want %d", len(got), err, len(lines)+1)
	}
}

func same(a, b stream.Position) bool {
	return a.Block == b.Block && a.Seq == b.Seq && a.Tree.Root() == b.Tree.Root()
}

// TestASnapshotThatIsNotWhole changes each byte of a snapshot, cuts it at each, and puts it under another fund's name: none of them is taken, and the log
// stands at its beginning.
func TestASnapshotThatIsNotWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, st, _ := hold(t, folder)
	writer := st.Log(fund)
	lines := fill(t, writer, 2, 2)
	if err := writer.Keep([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "snapshots", string(fund))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	not := func(f events.Fund, data []byte, what string, at int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "snapshots", string(f)), data, 0o600); err != nil {
			t.Fatal(err)
		}
		l := st.Log(f)
		if got := l.Recall(t.Context()); got != nil || l.At() != (stream.Position{}) {
			t.Fatalf("%s at %d: recalled %q at %d", what, at, got, l.At().Seq)
		}
	}
	for at := range whole {
		changed := bytes.Clone(whole)
		changed[at] ^= 1 << (at % 8)
		not(fund, changed, "changed", at)
		not(fund, whole[:at], "cut", at)
	}
	not("other", whole, "another fund's", 0)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l := st.Log(fund)
	if got := l.Recall(t.Context()); string(got) != "kept" {
		t.Fatalf("recalled %q when it is whole again", got)
	}
	if got, err := read(t.Context(), l); err != nil || !slices.Equal(got, lines) {
		t.Errorf("a replay after all gives %q, %v", got, err)
	}
}

// TestASnapshotOfAnotherLog takes up a snapshot of a log that has other blocks in the same places, and one of a log that is longer: the rest says so, and a
// replay is right.
func TestASnapshotOfAnotherLog(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, st, stop := hold(t, folder)
	lines := fill(t, st.Log(fund), 2, 2)
	stop()
	for name, blocks := range map[string][]string{"as long": {"{\"a\":1}\n", "{\"a\":2}\n"}, "longer": {"{\"a\":1}\n", "{\"a\":2}\n", "{\"a\":3}\n"}} {
		t.Run(name, func(t *testing.T) {
			other := t.TempDir()
			_, st, stop := hold(t, other)
			writer := st.Log(fund)
			for _, b := range blocks {
				if err := writer.Append(t.Context(), proof.BlockOf([]byte(b))); err != nil {
					t.Fatal(err)
				}
			}
			if err := writer.Keep([]byte("of another")); err != nil {
				t.Fatal(err)
			}
			stop()
			mixed := t.TempDir()
			if err := os.CopyFS(mixed, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(mixed, "snapshots"), os.DirFS(filepath.Join(other, "snapshots"))); err != nil {
				t.Fatal(err)
			}
			_, st, _ = hold(t, mixed)
			l := st.Log(fund)
			if got := l.Recall(t.Context()); string(got) != "of another" {
				t.Fatalf("recalled %q; it is whole", got)
			}
			var failed error
			for _, err := range l.Rest(t.Context()) {
				failed = err
			}
			if events.CodeOf(failed) != events.Tampered {
				t.Errorf("its rest gives %v, want that it is not that log", failed)
			}
			if got, err := read(t.Context(), l); err != nil || !slices.Equal(got, lines) {
				t.Errorf("a replay after all gives %q, %v", got, err)
			}
		})
	}
}

// TestNoFolderNoSnapshot keeps nothing where no ends are remembered, and nothing of a log that was not read from its beginning.
func TestNoFolderNoSnapshot(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, st, _ := hold(t, folder)
	fill(t, st.Log(fund), 2, 2)
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	none, err := stream.NewStore(nc, stream.Own, "")
	if err != nil {
		t.Fatal(err)
	}
	l := none.Log(fund)
	if _, err := read(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	at := l.At()
	if err := l.Keep([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := st.LogAt(fund, at).Keep([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(embedded.Heads(folder)), "snapshots")); !os.IsNotExist(err) {
		t.Errorf("there is a folder of snapshots: %v", err)
	}
	if got := l.Recall(t.Context()); got != nil {
		t.Errorf("recalled %q", got)
	}
}
