package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// whole is everything that books say of a fund, as known at several numbers, with the cuts.
func (d *desk) whole(b *Books, fund events.Fund, moments ...string) string {
	d.t.Helper()
	var out bytes.Buffer
	for _, moment := range moments {
		m, err := projections.ParseMoment(moment)
		if err != nil {
			d.t.Fatal(err)
		}
		err = b.Read(d.t.Context(), fund, 0, m, func(at Cut, bk *projections.Book) error {
			fmt.Fprintln(&out, at)
			q := projections.Query{Year: 2022, Root: at.Root}
			asks := []func() (*sheet.Sheet, error){
				func() (*sheet.Sheet, error) { return bk.Report(q) },
				func() (*sheet.Sheet, error) { return bk.Check(q) },
				func() (*sheet.Sheet, error) { return bk.Statement(q, "1", projections.Moment{}) },
				func() (*sheet.Sheet, error) { return bk.Diff(q, projections.MomentOf(1)) },
			}
			for _, name := range projections.Tables {
				asks = append(asks, func() (*sheet.Sheet, error) { return bk.Table(name, q) })
			}
			for _, ask := range asks {
				made, err := ask()
				if err == nil {
					err = sheet.Write(&out, "json", made, sheet.Options{})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			d.t.Fatalf("as known at %s: %v", moment, err)
		}
	}
	return out.String()
}

// counted counts the lines that books read.
func (d *desk) counted() *atomic.Int64 {
	var n atomic.Int64
	d.putBetween(func(_ context.Context, real iter.Seq2[[]byte, error], yield func([]byte, error) bool) {
		for line, err := range real {
			if err == nil { // a book that is let go of while it looks reads none
				n.Add(1)
			}
			if !yield(line, err) {
				return
			}
		}
	})
	return &n
}

// keptOf has a log written by write, and the snapshot that is kept of its book; then 7 more events.
func keptOf(t *testing.T, folder string, fund events.Fund, write func(*desk)) (snapshot []byte) {
	t.Helper()
	d, stop := deskOn(t, folder)
	write(d)
	b := d.books(Options{Kept: 100})
	d.mustCut(b, fund, d.last(fund), "")
	b.Close()
	snapshot, err := os.ReadFile(keptAt(folder, fund))
	if err != nil {
		t.Fatal(err)
	}
	d.write(fund, 7)
	stop()
	return snapshot
}

func keptAt(folder string, fund events.Fund) string {
	return filepath.Join(folder, "snapshots", string(fund)+".book")
}

// TestABookBeginsWhereItWasKept begins from a snapshot, and from what is wrong with one in every way: the answers are those of a book that was read from the
// beginning.
func TestABookBeginsWhereItWasKept(t *testing.T) {
	t.Parallel()
	hundred := func(d *desk) { d.write("a", 1, 40, 59) }
	original, twin, longer, elsewhere := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	kept := keptOf(t, original, "a", hundred)
	other := keptOf(t, twin, "a", func(d *desk) { // as long, and another
		d.write("a", 1, 39)
		d.block("a", []byte(strings.Replace(string(event(t, "a", 41)), `"id":"e-41"`, `"id":"x-41"`, 1)))
		d.write("a", 59)
	})
	more := keptOf(t, longer, "a", func(d *desk) { hundred(d); d.write("a", 20) })
	foreign := keptOf(t, elsewhere, "b", func(d *desk) { d.write("b", 1, 40, 59) })

	// bookAt is a snapshot of the whole log in which stands a book of its first n events, as that program keeps it.
	bookAt := func(n int, program string) []byte {
		folder := t.TempDir()
		if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		d, stop := deskOn(t, folder)
		d.takeUp("a")
		p := d.pens["a"]
		bk := projections.NewBookOf(p.log.Line)
		for line := range p.log.Replay(t.Context()) {
			e, err := events.ParseEvent(line)
			if err == nil && int(e.Seq) <= n {
				err = bk.ApplyStored(&e, p.log.Twig())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := p.log.KeepAs(snapshot, func(w io.Writer) error { return bk.Save(w, program) }); err != nil {
			t.Fatal(err)
		}
		stop()
		data, err := os.ReadFile(keptAt(folder, "a"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	read := func(t *testing.T, snapshot []byte) (answers string, lines int64) {
		folder := t.TempDir()
		if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		err := os.Remove(keptAt(folder, "a"))
		if snapshot != nil {
			err = os.WriteFile(keptAt(folder, "a"), snapshot, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		d, _ := deskOn(t, folder)
		n := d.counted()
		b := d.books(Options{Kept: 1000, Stopped: func(e *Stopped) { t.Errorf("it stopped: %v", e) }})
		d.takeUp("a")
		if cut := d.mustCut(b, "a", 0, ""); cut.Seq != 107 {
			t.Errorf("it is at %d, want 107", cut.Seq)
		}
		lines = n.Load()
		if s, err := b.Status(t.Context(), "a", 0); err != nil || s.State != Following || s.Err != nil || s.Last != 107 {
			t.Errorf("the status is %+v, %v", s, err)
		}
		for _, n := range []string{"1", "57", "100", "101", "107"} {
			d.mustCut(b, "a", 0, n)
		}
		last := d.write("a", 3) // and it goes on
		d.mustCut(b, "a", last, "")
		answers = d.whole(b, "a", "1", "2", "41", "99", "100", "101", "107", "110")
		var stored bytes.Buffer
		err = b.Events(t.Context(), "a", 0, 50, 70, func(_ Cut, _ events.Seq, lines iter.Seq2[[]byte, error]) error {
			for line, err := range lines {
				if err != nil {
					return err
				}
				stored.Write(line)
			}
			return nil
		})
		if want := bytes.Join(d.pens["a"].lines[50:110], nil); err != nil || !bytes.Equal(stored.Bytes(), want) {
			t.Errorf("the lines after 50 are %d bytes, want %d: %v", stored.Len(), len(want), err)
		}
		return answers, lines
	}
	without, lines := read(t, nil)
	if lines != 107 {
		t.Fatalf("without a snapshot %d lines are read, want 107", lines)
	}
	at := func(data []byte, i int) []byte {
		out := bytes.Clone(data)
		out[i] ^= 1 << (i % 8)
		return out
	}
	for _, c := range []struct {
		name     string
		snapshot []byte
		lines    int64 // 7 from the snapshot, 107 from the beginning
	}{
		{"whole", kept, 7},
		{"of the end", bookAt(107, events.Program), 0},
		{"empty", []byte{}, 107},
		{"first byte", at(kept, 0), 107},
		{"a bit of its place", at(kept, 80), 107},
		{"a bit in the middle", at(kept, len(kept)/2), 107},
		{"last byte", at(kept, len(kept)-1), 107},
		{"cut", kept[:len(kept)-1], 107},
		{"cut in the middle", kept[:len(kept)/2], 107},
		{"more behind", append(bytes.Clone(kept), 0), 107},
		{"of another log of this fund, as long", other, -1},
		{"of a longer log", more, -1},
		{"of another fund", foreign, 107},
		{"of another program", bookAt(107, "another"), 107},
		{"of a book that is not as far as the log", bookAt(106, events.Program), 107},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			answers, lines := read(t, c.snapshot)
			if answers != without {
				t.Errorf("it answers\n%s\nwithout a snapshot\n%s", answers, without)
			}
			switch {
			case c.lines < 0 && lines < 107 || c.lines >= 0 && lines != c.lines: // an error counts as a line
				t.Errorf("%d lines are read, want %d", lines, c.lines)
			}
		})
	}
}

// A snapshot that fits the log, of which no book can go on: it is read from the beginning, and stops there if anything is wrong with the log itself.
func TestASnapshotDoesNotHideAFault(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keptOf(t, folder, "a", func(d *desk) { d.write("a", 1, 99) })
	d, _ := deskOn(t, folder)
	d.takeUp("a")
	d.block("a", []byte(strings.Replace(string(event(t, "a", 108)), `"line":"1","measure"`, `"line":"7","measure"`, 1)))
	n := d.counted()
	told := make(chan *Stopped, 10)
	b := d.books(Options{Stopped: func(e *Stopped) { told <- e }})
	if e := func() *Stopped { _, _ = d.cutOf(b, "a", 0, ""); return <-told }(); e.At != 108 || events.CodeOf(e.Err) != events.Tampered {
		t.Errorf("it stopped with %v", e)
	}
	if s, err := b.Status(t.Context(), "a", 0); err != nil || s.State != StoppedHere || s.Seq != 107 {
		t.Errorf("the status is %+v, %v", s, err)
	}
	if n.Load() != 8+108 || len(told) > 0 {
		t.Errorf("%d lines are read, want 8 and then 108; told again: %d", n.Load(), len(told))
	}
	b.Close()
	if now, err := os.ReadFile(keptAt(folder, "a")); err != nil || len(now) == 0 {
		t.Errorf("the snapshot is gone: %v", err)
	}
}

// TestWhenABookIsKept: as soon as enough is new, when it is let go of, and when the books are closed; rebuilding begins at the beginning.
func TestWhenABookIsKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d, _ := deskOn(t, folder)
	d.write("a", 1, 99)
	d.write("b", 1, 98)
	size := func(fund events.Fund) int64 {
		info, err := os.Stat(keptAt(folder, fund))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	b := d.books(Options{Kept: 100})
	d.mustCut(b, "a", 0, "")
	d.mustCut(b, "b", 0, "")
	for size("a") == 0 {
		time.Sleep(time.Millisecond)
	}
	before := size("a")
	d.mustCut(b, "a", d.write("a", 200), "") // which is enough, and too soon
	time.Sleep(50 * time.Millisecond)        // looked at ten times
	if size("a") != before {
		t.Error("it was kept again at once")
	}
	b.Close()
	if size("a") <= before || size("b") != 0 {
		t.Errorf("closed, the snapshots have %d and %d bytes; the first had %d", size("a"), size("b"), before)
	}
	b = d.books(Options{Kept: 1000})
	d.mustCut(b, "a", 0, "")
	n := d.counted()
	if _, err := b.Rebuild(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	d.until(b, "a", func(s *Status) bool { return !s.Rebuilding })
	if n.Load() != 300 {
		t.Errorf("rebuilding read %d lines, want 300", n.Load())
	}
	b.Close()
	before = size("a")
	idle := d.books(Options{Kept: 100, Idle: 4 * time.Millisecond})
	d.write("a", 99)
	n = d.counted()
	d.mustCut(idle, "a", 0, "")
	if n.Load() != 99 {
		t.Errorf("from the snapshot on %d lines are read, want 99", n.Load())
	}
	gone := func() {
		for left := 1; left > 0; time.Sleep(time.Millisecond) {
			idle.mu.Lock()
			left = len(idle.runners)
			idle.mu.Unlock()
		}
	}
	gone()
	idle.Close()
	if size("a") != before {
		t.Error("it was kept for 99 new events")
	}
	d.write("a", 1)
	idle = d.books(Options{Kept: 100, Idle: 4 * time.Millisecond, Poll: time.Hour})
	d.mustCut(idle, "a", 0, "")
	gone()
	for size("a") == before {
		time.Sleep(time.Millisecond)
	}
}
