package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/minio/highwayhash"
)

// keepDamaged sets a copy aside of every file of records that the broker would shorten when it starts: at the first record that does not check
// out it cuts the rest away, and with it the evidence and every acknowledged event behind. The copy stands in the folder damaged, named after the
// file and its content, so that it is made once. A record that a crash left half written is kept too; it costs little and nobody has to judge.
//
// Where that record claims a sequence far away, the file is cut here instead: the broker would first walk all the sequences in between, one by
// one, and one flipped bit is enough to make that take years.
func keepDamaged(folder string) error {
	// The folder's own name is no part of the pattern: it may have brackets in it.
	names, err := fs.Glob(os.DirFS(folder), "jetstream/jetstream/*/streams/*/msgs/*.blk")
	if err != nil {
		return err
	}
	// The files are read and hashed on every core: a start waits for it.
	work := make(chan string)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			var room []byte
			for name := range work {
				if errs[i] == nil {
					room, errs[i] = keepIfDamaged(folder, filepath.Join(folder, filepath.FromSlash(name)), room)
				}
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	all.Wait()
	return errors.Join(errs...)
}

// keepIfDamaged is keepDamaged for one file. It reads it into room, if that is enough, and returns what it read it into.
func keepIfDamaged(folder, path string, room []byte) ([]byte, error) {
	data, err := readInto(path, room)
	if errors.Is(err, fs.ErrNotExist) {
		return room, nil
	}
	if err != nil {
		return data, err
	}
	stream := filepath.Base(filepath.Dir(filepath.Dir(path)))
	evidence := stream != "KV_BALANCES" // which is a cache, and not synced
	sound, jump := soundRecords(data, stream, strings.TrimSuffix(filepath.Base(path), ".blk"))
	if sound == len(data) {
		return data, nil
	}
	sum := sha256.Sum256(data)
	kept := filepath.Join(folder, "damaged", fmt.Sprintf("%s-%s-%s", stream, filepath.Base(path), hex.EncodeToString(sum[:8])))
	if _, err := os.Stat(kept); err != nil && evidence {
		if err := writeWhole(kept, data); err != nil {
			return data, err
		}
	}
	if jump > jumpMax {
		return data, os.Truncate(path, int64(sound))
	}
	return data, nil
}

func readInto(path string, room []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return room, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return room, err
	}
	data := slices.Grow(room[:0], int(info.Size()))[:info.Size()]
	_, err = io.ReadFull(f, data)
	return data, err
}

// writeWhole writes a file on disk, whole or not at all.
func writeWhole(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// The form of a record in the broker's store: length (its highest bit says that there are headers), sequence, time, length of the subject; then
// subject, headers and message; then a HighwayHash of all but the lengths, keyed by the stream's name and the file's number.
const (
	recordHead = 4 + 8 + 8 + 2
	recordHash = 8
	headersBit = 1 << 31
)

// sequenceMarks are bits of a sequence that say something else: that the record is erased, that it only remembers another's removal.
const sequenceMarks = 3 << 62

// jumpMax is how many sequences the broker may walk: a moment's work.
const jumpMax = 1 << 20

// soundRecords returns how many bytes of a file, from its beginning, are whole records with the right hashes. Of the record behind them, if there is
// one, jump is by how much the sequence that it claims is beyond the last sound one.
func soundRecords(data []byte, stream, number string) (sound int, jump uint64) {
	if _, err := strconv.Atoi(number); err != nil {
		return len(data), 0 // no file of records
	}
	key := sha256.Sum256([]byte(stream + "-" + number))
	hash, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return 0, 0
	}
	last := uint64(0)
	for rest := data; len(rest) > 0; rest = data[sound:] {
		if len(rest) < recordHead {
			return sound, 0
		}
		length := binary.LittleEndian.Uint32(rest)
		subject := int(binary.LittleEndian.Uint16(rest[20:]))
		sequence := binary.LittleEndian.Uint64(rest[4:]) &^ sequenceMarks
		before := subject // what stands before headers and message
		if length&headersBit != 0 {
			length &^= headersBit
			before += 4
		}
		ok := int(length) <= len(rest) && int(length) >= recordHead+before+recordHash
		if ok {
			body := rest[recordHead : length-recordHash]
			hash.Reset()
			for _, part := range [][]byte{rest[4:20], body[:subject], body[before:]} {
				_, _ = hash.Write(part)
			}
			ok = bytes.Equal(hash.Sum(nil), rest[length-recordHash:length])
		}
		if !ok {
			if sequence > last {
				jump = sequence - last
			}
			return sound, jump
		}
		last = sequence
		sound += int(length)
	}
	return sound, 0
}
