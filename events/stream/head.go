package stream

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

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
	seq    events.Seq
	root   proof.Hash
	passed bool
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
		return nil, err
	}
	var funds []events.Fund
	for _, e := range entries {
		if fund, err := events.ParseFund(e.Name()); err == nil {
			funds = append(funds, fund)
		}
	}
	return funds, nil
}

// writeHead opens the head of a log for writing. With begin it makes the head of a log that is about to begin.
func writeHead(dir string, fund events.Fund, begin bool) (*head, error) {
	flags := os.O_RDWR
	if begin {
		flags |= os.O_CREATE
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, diskError(err)
		}
	}
	f, err := os.OpenFile(headPath(dir, fund), flags, 0o600)
	if err != nil {
		return nil, diskError(err)
	}
	h := &head{fund, f}
	if !begin {
		return h, nil
	}
	if err := errors.Join(h.write(Position{}), f.Sync(), syncFolder(dir)); err != nil {
		return nil, errors.Join(diskError(err), f.Close())
	}
	return h, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return diskError(err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// openHead reads what the folder remembers of the log, nil where it remembers nothing or there is no folder.
func (l *Log) openHead() (*remembered, error) {
	if l.heads == "" {
		return nil, nil
	}
	data, err := os.ReadFile(headPath(l.heads, l.fund))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskError(err)
	}
	r := &remembered{}
	var root string
	if _, err := fmt.Sscanf(string(data), headForm, &r.seq, &root); err != nil || string(data) != headLine(r.seq, root) {
		return nil, l.tampered("head-damaged", events.Args{})
	}
	if r.root, err = proof.ParseHash(root); err != nil {
		return nil, l.tampered("head-damaged", events.Args{})
	}
	return r, nil
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
	if err != nil {
		return diskError(err)
	}
	return nil
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
	return &events.Error{Code: events.Unavailable, Why: "disk", Args: events.Args{"cause": err.Error()}, Err: err}
}
