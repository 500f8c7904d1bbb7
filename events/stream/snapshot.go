package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"os"
	"path/filepath"

	"fundledger/events"
)

// A snapshot is a file beside the heads in which the owner of a log keeps what it has made of the log so far, with where that is. It is a cache:
// without it the log is read from the beginning. Its form is a mark, the length of the place, the place, what was kept, and the SHA-256 of all that.
const snapshotMark = "fundledger-snapshot 1\n"

// A place is the position of a snapshot in its log.
type place struct {
	Fund   events.Fund
	At     Position
	Firsts []events.Seq
}

// snapshotPath is where the snapshot of a fund stands, beside the folder of heads.
func snapshotPath(heads string, fund events.Fund) string {
	return filepath.Join(filepath.Dir(heads), "snapshots", string(fund))
}

// Keep stores data as the snapshot of the log at its position. Where no ends are remembered there is no folder for it, and nothing is kept;
// nor of a log that was not read from its beginning.
func (l *Log) Keep(data []byte) error {
	if l.heads == "" || l.blocks.before > 0 {
		return nil
	}
	var at bytes.Buffer
	if err := gob.NewEncoder(&at).Encode(place{l.fund, l.at, l.blocks.all()}); err != nil {
		return err
	}
	head := binary.LittleEndian.AppendUint64([]byte(snapshotMark), uint64(at.Len()))
	parts := [][]byte{head, at.Bytes(), data}
	sum := sha256.New()
	path := snapshotPath(l.heads, l.fund)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return diskError(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // no fund's name begins with a point
	if err != nil {
		return diskError(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	for _, part := range parts {
		_, _ = sum.Write(part)
		if err == nil {
			_, err = f.Write(part)
		}
	}
	if err == nil {
		_, err = f.Write(sum.Sum(nil))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return diskError(err)
	}
	// It is not synced: what a power loss leaves of it does not match its sum.
	if err := os.Rename(f.Name(), path); err != nil {
		return diskError(err)
	}
	return nil
}

// Recall returns what was kept last and leaves the log standing where that was; nil, and the log as it was, where there is nothing whole. Whether the
// log still has what was there tells [Log.Rest], which compares the root.
func (l *Log) Recall(ctx context.Context) []byte {
	if l.heads == "" || ctx.Err() != nil {
		return nil
	}
	data, err := os.ReadFile(snapshotPath(l.heads, l.fund))
	if err != nil || len(data) < len(snapshotMark)+8+sha256.Size || !bytes.HasPrefix(data, []byte(snapshotMark)) {
		return nil
	}
	body := data[:len(data)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[len(body):]) {
		return nil
	}
	rest := body[len(snapshotMark):]
	size := binary.LittleEndian.Uint64(rest)
	if rest = rest[8:]; size > uint64(len(rest)) {
		return nil
	}
	var at place
	if gob.NewDecoder(bytes.NewReader(rest[:size])).Decode(&at) != nil || at.Fund != l.fund || uint64(len(at.Firsts)) != at.At.Block || at.At.Block == 0 {
		return nil
	}
	l.at = at.At
	l.blocks.reset(0, at.Firsts)
	return rest[size:]
}
