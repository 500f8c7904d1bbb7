package stream_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
)

// TestFilesOfAStore takes files away from a log that has several, and puts old ones back.
func TestFilesOfAStore(t *testing.T) {
	t.Parallel()
	original, early := t.TempDir(), t.TempDir()
	_, st, stop := hold(t, original)
	want := fill(t, st.Log(fund), slices.Repeat([]int{1000}, 80)...) // 11 MB
	stop()
	if err := os.CopyFS(early, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	_, st, stop = hold(t, original)
	l := st.Log(fund)
	if _, err := read(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	line := `{"the":"last"}`
	if err := l.Append(t.Context(), proof.BlockOf([]byte(line+"\n"))); err != nil {
		t.Fatal(err)
	}
	want = append(want, line)
	stop()

	of := func(folder string, more ...string) string {
		return filepath.Join(append([]string{folder, "jetstream", "jetstream", "LEDGER", "streams", stream.Name(fund)}, more...)...)
	}
	blocks, err := filepath.Glob(of(original, "msgs", "*.blk"))
	if err != nil || len(blocks) < 2 {
		t.Fatalf("the store has the files %v, %v; want several", blocks, err)
	}
	remove := func(more ...string) func(string) error {
		return func(folder string) error { return os.RemoveAll(of(folder, more...)) }
	}
	putBack := func(more ...string) func(string) error {
		return func(folder string) error {
			if err := os.RemoveAll(of(folder, more...)); err != nil {
				return err
			}
			return os.CopyFS(of(folder, more...), os.DirFS(of(early, more...)))
		}
	}
	for name, change := range map[string]func(folder string) error{
		"the first file removed":     remove("msgs", "1.blk"),
		"the last file removed":      remove("msgs", filepath.Base(slices.MaxFunc(blocks, func(a, b string) int { return len(a) - len(b) + slices.Compare([]byte(a), []byte(b)) }))),
		"all messages removed":       remove("msgs"),
		"the stream removed":         remove(),
		"all streams removed":        remove(".."),
		"the broker's store removed": func(folder string) error { return os.RemoveAll(filepath.Join(folder, "jetstream")) },
		"an old stream put back":     putBack(),
		"old messages put back":      putBack("msgs"),
		"two files swapped": func(folder string) error {
			a, b := of(folder, "msgs", "1.blk"), of(folder, "msgs", "2.blk")
			return errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b))
		},
		"one file twice": func(folder string) error {
			data, err := os.ReadFile(of(folder, "msgs", "1.blk"))
			return errors.Join(err, os.WriteFile(of(folder, "msgs", "2.blk"), data, 0o600))
		},
		"nothing": nil,
		// What the broker can do without may be lost.
		"the index removed": remove("msgs", "index.db"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			if change == nil || name == "the index removed" {
				if change != nil {
					if err := change(folder); err != nil {
						t.Fatal(err)
					}
				}
				_, st, _ := hold(t, folder)
				if got, err := read(t.Context(), st.Log(fund)); err != nil || !slices.Equal(got, want) {
					t.Errorf("read %d lines, %v; want %d", len(got), err, len(want))
				}
				return
			}
			if err := change(folder); err != nil {
				t.Fatal(err)
			}
			_, st, _ := hold(t, folder)
			_, err := read(t.Context(), st.Log(fund))
			var e *events.Error
			if !errors.As(err, &e) || e.Code != events.Tampered {
				t.Fatalf("reading gave %v, want tampered", err)
			}
			t.Log(e.Why)
		})
	}
}
