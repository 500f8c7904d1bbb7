package api

import (
	"errors"
	"io"
	"os"
	"sync"
)

// A spool lies between receipts and a client that may read none of them before it has sent everything. It takes what is written at once and
// gives it out as fast as the client reads; above maxSpool it lies in a file, so neither waits for the other and memory stays bounded.
type spool struct {
	mu    sync.Mutex
	more  *sync.Cond
	mem   []byte   // older than what is in the file
	file  *os.File // nil until it is needed
	read  int64
	wrote int64
	ended bool
	err   error
}

const maxSpool = 1 << 20

func newSpool() *spool {
	s := &spool{}
	s.more = sync.NewCond(&s.mu)
	return s
}

// Write never waits for the reader.
func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	defer s.more.Signal()
	if s.read == s.wrote && len(s.mem)+len(p) <= maxSpool {
		s.mem = append(s.mem, p...)
		return len(p), nil
	}
	if s.file == nil {
		if s.file, s.err = os.CreateTemp("", "fundledger-receipts-*"); s.err != nil {
			return 0, s.err
		}
	}
	if _, s.err = s.file.WriteAt(p, s.wrote); s.err != nil {
		return 0, s.err
	}
	s.wrote += int64(len(p))
	return len(p), nil
}

// end says that nothing more comes.
func (s *spool) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.more.Signal()
}

// next waits for the next piece; io.EOF is after the last.
func (s *spool) next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.mem) == 0 && s.read == s.wrote && !s.ended && s.err == nil {
		s.more.Wait()
	}
	switch {
	case len(s.mem) > 0:
		p := s.mem
		s.mem = nil
		return p, nil
	case s.err != nil:
		return nil, s.err
	case s.read == s.wrote:
		return nil, io.EOF
	}
	p := make([]byte, min(s.wrote-s.read, 256<<10))
	if _, err := s.file.ReadAt(p, s.read); err != nil {
		s.err = err
		return nil, err
	}
	if s.read += int64(len(p)); s.read == s.wrote {
		s.read, s.wrote = 0, 0
	}
	return p, nil
}

// fail ends it early: what is written from then on is lost, since nobody reads it.
func (s *spool) fail(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.more.Signal()
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = os.ErrClosed
	}
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
