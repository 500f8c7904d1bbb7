package stream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"fundledger/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// blocks knows where each event is, for those who look at one of them again. Neighbours are often asked for one after another, so the last few blocks stay.
type blocks struct {
	mu     sync.Mutex
	before uint64       // blocks of which nothing is known, since the log was taken up behind them
	firsts []events.Seq // of each block, its first event

	fetched [][][]byte // lines of the last blocks that were fetched
	numbers []uint64   // which they are
}

const blocksKept = 16

func (b *blocks) reset(before uint64, firsts []events.Seq) {
	b.mu.Lock()
	b.before, b.firsts = before, firsts
	b.mu.Unlock()
}

func (b *blocks) add(first events.Seq) {
	b.mu.Lock()
	b.firsts = append(b.firsts, first)
	b.mu.Unlock()
}

func (b *blocks) all() []events.Seq {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clip(b.firsts)
}

// find returns the block that holds an event, and its first event; 0 where no block does so far.
func (b *blocks) find(n events.Seq) (block uint64, first events.Seq) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, found := slices.BinarySearch(b.firsts, n)
	if found {
		at++
	}
	if at == 0 {
		return 0, 0
	}
	return b.before + uint64(at), b.firsts[at-1]
}

// Before returns the last place between two blocks that is not after event n, as far as the log was read: its block and the number of the event before it, both 0
// at the beginning. Like Line it may be asked for while the log is being read or appended to, and by any number.
func (l *Log) Before(n events.Seq) (block uint64, last events.Seq) {
	block, first := l.blocks.find(n + 1)
	if block == 0 {
		return 0, 0
	}
	return block - 1, first - 1
}

// Line returns the stored line of an event that stands before the log's position, without its LF; it is the caller's. Unlike everything else
// it may be asked for, by one goroutine, while the log is being appended to. The line was checked when the log was read; that it has not been changed since,
// the caller must find out.
func (l *Log) Line(ctx context.Context, n events.Seq) ([]byte, error) {
	number, first := l.blocks.find(n)
	if number == 0 {
		return nil, fmt.Errorf("stream: event %d was not read yet", n)
	}
	b := &l.blocks
	at := slices.Index(b.numbers, number)
	if at < 0 {
		lines, err := l.fetch(ctx, number, first)
		if err != nil {
			return nil, err
		}
		if len(b.numbers) == blocksKept {
			b.numbers, b.fetched = slices.Delete(b.numbers, 0, 1), slices.Delete(b.fetched, 0, 1)
		}
		at = len(b.numbers)
		b.numbers, b.fetched = append(b.numbers, number), append(b.fetched, lines)
	}
	lines := b.fetched[at]
	if n-first >= events.Seq(len(lines)) {
		return nil, l.tampered("gap", events.Args{"block": strconv.FormatUint(number, 10), "seq": n.String()})
	}
	return slices.Clone(lines[n-first]), nil
}

// fetch gets the lines of one block.
func (l *Log) fetch(ctx context.Context, number uint64, first events.Seq) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := func() events.Args { return events.Args{"block": strconv.FormatUint(number, 10), "seq": first.String()} }
	for deadline := time.Now().Add(lagMax); ; {
		msg, err := l.conn.RequestWithContext(ctx, l.api+".DIRECT.GET."+Name(l.fund), []byte(`{"seq":`+strconv.FormatUint(number, 10)+`}`))
		if err != nil {
			return nil, unreachable(err)
		}
		if msg.Header.Get("Status") == "" {
			lines, ok := events.Lines(msg.Data)
			if !ok || msg.Header.Get(firstHeader) != first.String() || msg.Header.Get(jetstream.SequenceHeader) != strconv.FormatUint(number, 10) {
				return nil, l.tampered("header", args())
			}
			return lines, nil
		}
		if time.Now().After(deadline) { // a replica may have lacked it a while
			return nil, l.tampered("gap", args())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, unreachable(nats.ErrTimeout)
		}
	}
}
