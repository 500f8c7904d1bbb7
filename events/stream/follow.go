package stream

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"fundledger/events"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// LogAt returns the log of a fund, standing where another log of it stood: whoever has read that far need not read it again.
func (s *Store) LogAt(fund events.Fund, at Position) *Log {
	return &Log{Store: s, fund: fund, writer: nuid.Next(), at: at, exists: at.Block > 0, blocks: blocks{before: at.Block}}
}

// Ends returns for each fund of which there is a log how many blocks it has. It is for the account that owns the logs.
func (s *Store) Ends(ctx context.Context) (map[events.Fund]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list := s.js.ListStreams(ctx, jetstream.WithStreamListSubject(subjectPrefix+"*"))
	ends := map[events.Fund]uint64{}
	for info := range list.Info() {
		if fund, err := events.ParseFund(strings.TrimPrefix(info.Config.Name, streamPrefix)); err == nil && strings.HasPrefix(info.Config.Name, streamPrefix) {
			ends[fund] = info.State.LastSeq
		}
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, unreachable(err)
	}
	return ends, nil
}

// LastOf returns the number of the last event in a block, as its headers say.
func (s *Store) LastOf(ctx context.Context, fund events.Fund, block uint64) (events.Seq, error) {
	if block == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	log, err := s.js.Stream(ctx, Name(fund))
	if err != nil {
		return 0, unreachable(err)
	}
	msg, err := log.GetMsg(ctx, block)
	if err != nil {
		return 0, unreachable(err)
	}
	first, err := events.ParseSeq(msg.Header.Get(firstHeader))
	if err != nil {
		return 0, err
	}
	count, err := strconv.ParseUint(msg.Header.Get(countHeader), 10, 32)
	return first + events.Seq(count) - 1, err
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
