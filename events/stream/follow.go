package stream

import (
	"errors"
	"io/fs"
	"os"

	"fundledger/events"

	"github.com/nats-io/nuid"
)

// LogAt returns the log of a fund, standing where another log of it stood: whoever has read that far need not read it again.
func (s *Store) LogAt(fund events.Fund, at Position) *Log {
	return &Log{Store: s, fund: fund, writer: nuid.Next(), at: at, exists: at.Block > 0, blocks: blocks{before: at.Block}}
}

// Trace returns what a folder remembers of the end of a log, as it stands there: it is another after something was appended. Asking needs no hold on
// the folder. It is "" where nothing is remembered.
func Trace(heads string, fund events.Fund) (string, error) {
	data, err := os.ReadFile(headPath(heads, fund))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", diskError(err)
	}
	return string(data), nil
}
