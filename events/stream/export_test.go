package stream

import (
	"context"

	"fundledger/events"
)

// BreakHead makes every further write of the head fail.
func (l *Log) BreakHead() error { return l.head.file.Close() }

// MakeHead does the first step of making a log.
func (l *Log) MakeHead() error { return makeHead(l.heads, l.fund) }

// MakeStream does the second.
func (l *Log) MakeStream(ctx context.Context) error { return l.create(ctx) }

// DeleteStream does what only a hostile owner of the account would do.
func (s *Store) DeleteStream(ctx context.Context, fund events.Fund) error {
	return s.js.DeleteStream(ctx, Name(fund))
}
