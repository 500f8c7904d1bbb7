package stream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"os"
	"path/filepath"

	"fundledger/events"
	"fundledger/events/proof"
)

// A snapshot is a file beside the heads in which a reader of a log keeps what it has made of the log so far, with where that is. It is a cache:
// without it the log is read from the beginning. Its form is a mark, the length of the place, the place, what was kept, and the SHA-256 of all that.
const snapshotMark = "fundledger-snapshot 1\n"

// A place is the position of a snapshot in its log.
type place struct {
	Fund   events.Fund
	At     Position
	Firsts []events.Seq
}

// snapshotPath is where a snapshot of a fund stands, beside the folder of heads. A fund's name has no point.
func snapshotPath(heads string, fund events.Fund, of string) string {
	name := string(fund)
	if of != "" {
		name += "." + of
	}
	return filepath.Join(filepath.Dir(heads), "snapshots", name)
}

// Keep stores data as the snapshot of the log at its position. Where no ends are remembered there is no folder for it, and nothing is kept;
// nor of a log that was not read from its beginning.
func (l *Log) Keep(data []byte) error {
	return l.KeepAs("", func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// KeepAs is Keep of what write writes, under a name of its own: there may be one for each who reads the log.
func (l *Log) KeepAs(of string, write func(io.Writer) error) error {
	if l.heads == "" || l.blocks.before > 0 {
		return nil
	}
	var at bytes.Buffer
	if err := gob.NewEncoder(&at).Encode(place{l.fund, l.at, l.blocks.all()}); err != nil {
		return err
	}
	path := snapshotPath(l.heads, l.fund, of)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return diskError(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // no fund's name begins with a point
	if err != nil {
		return diskError(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	sum := sha256.New()
	out := bufio.NewWriterSize(f, 1<<20)
	both := io.MultiWriter(out, sum)
	for _, part := range [][]byte{binary.LittleEndian.AppendUint64([]byte(snapshotMark), uint64(at.Len())), at.Bytes()} {
		if err == nil {
			_, err = both.Write(part)
		}
	}
	if err == nil {
		err = write(both)
	}
	if err == nil {
		_, err = out.Write(sum.Sum(nil))
	}
	if err := errors.Join(err, out.Flush(), f.Close()); err != nil {
		return diskError(err)
	}
	// It is not synced: what a power loss leaves of it does not match its sum.
	if err := os.Rename(f.Name(), path); err != nil {
		return diskError(err)
	}
	return nil
}

// Beside opens a file that whoever reads the log may keep beside its snapshots, under a name of its own, and makes it where there is none. It is nil where there is no
// folder for it, or it cannot be opened: what stands there is a cache.
func (l *Log) Beside(of string) proof.File {
	if l.heads == "" {
		return nil
	}
	path := snapshotPath(l.heads, l.fund, of)
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil
	}
	return f
}

// Recall returns what was kept last and leaves the log standing where that was; nil, and the log as it was, where there is nothing whole. Whether the
// log still has what was there tells [Log.Rest], which compares the root.
func (l *Log) Recall(ctx context.Context) []byte {
	var data []byte
	if !l.RecallAs(ctx, "", func(r io.Reader) (err error) {
		data, err = io.ReadAll(r)
		return err
	}) {
		return nil
	}
	return data
}

// RecallAs is Recall of what [Log.KeepAs] kept under that name. read gets it when it has been found whole; where read fails, the log stays as it was.
func (l *Log) RecallAs(ctx context.Context, of string, read func(io.Reader) error) bool {
	if l.heads == "" || ctx.Err() != nil {
		return false
	}
	f, err := os.Open(snapshotPath(l.heads, l.fund, of))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	at, body, ok := l.whole(f)
	if !ok || read(body) != nil {
		return false
	}
	l.at = at.At
	l.blocks.reset(0, at.Firsts)
	return true
}

// whole checks a snapshot, and returns its place and what was kept.
func (l *Log) whole(f *os.File) (at place, body io.Reader, ok bool) {
	info, err := f.Stat()
	head := int64(len(snapshotMark) + 8)
	if err != nil || info.Size() < head+sha256.Size {
		return at, nil, false
	}
	end := info.Size() - sha256.Size
	sum, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, io.NewSectionReader(f, 0, end), make([]byte, 1<<20)); err != nil {
		return at, nil, false
	}
	if _, err := f.ReadAt(want, end); err != nil || !bytes.Equal(sum.Sum(nil), want) {
		return at, nil, false
	}
	begin := make([]byte, head)
	if _, err := f.ReadAt(begin, 0); err != nil || !bytes.HasPrefix(begin, []byte(snapshotMark)) {
		return at, nil, false
	}
	size := binary.LittleEndian.Uint64(begin[len(snapshotMark):])
	if size > uint64(end-head) {
		return at, nil, false
	}
	if gob.NewDecoder(io.NewSectionReader(f, head, int64(size))).Decode(&at) != nil || at.Fund != l.fund || uint64(len(at.Firsts)) != at.At.Block || at.At.Block == 0 {
		return at, nil, false
	}
	return at, io.NewSectionReader(f, head+int64(size), end-head-int64(size)), true
}
