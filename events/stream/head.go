package stream

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
)

// A head is the small file in which a folder remembers the end of one log: the number of the last acknowledged event and the root there. A tail
// that is simply gone leaves no gap in the log; the head tells. It trails the log by at most the block that is being acknowledged.
type head struct {
	fund events.Fund
	file *os.File
}

// remembered is what a head says.
type remembered struct {
	seq  events.Seq
	root proof.Hash
}

const headForm = "fundledger-head 1 %020d %s"

func headPath(dir string, fund events.Fund) string { return filepath.Join(dir, string(fund)) }

// headFunds lists the funds whose ends are remembered.
func headFunds(dir string) ([]events.Fund, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, diskError(err)
	}
	var funds []events.Fund
	for _, e := range entries {
		if fund, err := events.ParseFund(e.Name()); err == nil {
			funds = append(funds, fund)
		}
	}
	return funds, nil
}

// makeHead makes the head of a log that is about to begin, whole or not at all. One that is there already is left alone: it may know more.
func makeHead(dir string, fund events.Fund) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // no fund's name begins with a point
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	h := &head{fund, f}
	if err := errors.Join(h.write(Position{}), f.Sync(), f.Close()); err != nil {
		return err
	}
	path := headPath(dir, fund)
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
	case err != nil: // not every file system has links
		if _, err := os.Lstat(path); err == nil {
			break
		}
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
	}
	return syncFolder(dir)
}

// openHead opens the head for writing. What it remembers must not be beyond where the log stands, or it would be forgotten: whoever wrote it
// knows blocks that are still to be read.
func (l *Log) openHead() error {
	if l.head != nil || l.heads == "" {
		return nil
	}
	if !l.exists {
		if err := makeHead(l.heads, l.fund); err != nil {
			return diskError(err)
		}
	}
	r, err := l.readHead()
	switch {
	case err != nil:
		return err
	case r == nil:
		return l.tampered("head-missing", events.Args{})
	case r.seq > l.at.Seq:
		return fmt.Errorf("%w: event %d", events.ErrConflict, r.seq)
	case r.seq == l.at.Seq && r.root != l.at.Tree.Root():
		return l.tampered("head-root", events.Args{"seq": r.seq.String()})
	}
	f, err := os.OpenFile(headPath(l.heads, l.fund), os.O_RDWR, 0)
	if err != nil {
		return diskError(err)
	}
	l.head = &head{l.fund, f}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readHead reads what the folder remembers of the log, nil where it remembers nothing or there is no folder.
func (l *Log) readHead() (*remembered, error) {
	if l.heads == "" {
		return nil, nil
	}
	for try := 0; ; try++ {
		data, err := os.ReadFile(headPath(l.heads, l.fund))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, diskError(err)
		}
		if r := parseHead(string(data)); r != nil {
			return r, nil
		}
		// The line may have been read while it was being written.
		if try == headTries {
			return nil, l.tampered("head-damaged", events.Args{})
		}
		time.Sleep(time.Millisecond)
	}
}

const headTries = 5

func parseHead(data string) *remembered {
	r := &remembered{}
	var root string
	if _, err := fmt.Sscanf(data, headForm, &r.seq, &root); err != nil || data != headLine(r.seq, root) {
		return nil
	}
	var err error
	if r.root, err = proof.ParseHash(root); err != nil {
		return nil
	}
	return r
}

func headLine(seq events.Seq, root string) string {
	line := fmt.Sprintf(headForm, uint64(seq), root)
	return fmt.Sprintf("%s %08x\n", line, crc32.ChecksumIEEE([]byte(line)))
}

// write remembers an acknowledged end, in place: the line has always the same length. It is not synced: after a power loss an older end is
// remembered, which still holds.
func (h *head) write(at Position) error {
	if h == nil {
		return nil
	}
	_, err := h.file.WriteAt([]byte(headLine(at.Seq, at.Tree.Root().String())), 0)
	return err
}

// Close ends writing. The log may still be read.
func (l *Log) Close() error {
	if l.head == nil {
		return nil
	}
	h := l.head
	l.head = nil
	return h.file.Close()
}

func diskError(err error) error {
	cause := err.Error()
	if errors.Is(err, syscall.ENOSPC) {
		cause = syscall.ENOSPC.Error() // for which there are words; which file it was does not matter
	}
	return &events.Error{Code: events.Unavailable, Why: "disk", Args: events.Args{"cause": cause}, Err: err}
}
