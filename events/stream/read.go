package stream

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"

	"fundledger/events"
	"fundledger/events/proof"

	"github.com/nats-io/nats.go"
)

// Replay yields every stored line from the beginning, without its LF, and leaves the log standing after the last. It reads up to what the
// broker holds when it begins, so that a writer at work does not make it endless. A fund that has no log yet has no lines.
//
// An error ends it: [events.Tampered] naming what is wrong, or [events.Unavailable]. Some faults show at the end alone, so nothing may be made
// of the lines before the sequence has ended without one. The lines are valid until the next is asked for.
func (l *Log) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		l.at = Position{}
		if err := l.read(ctx, yield); err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// errStopped is how read learns that nobody wants more.
var errStopped = errors.New("stopped")

func (l *Log) read(ctx context.Context, yield func([]byte, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The head is read first: it trails the log.
	remembered, err := l.openHead()
	if err != nil {
		return err
	}
	info, err := l.info(ctx)
	if err != nil {
		return err
	}
	switch {
	case info == nil && remembered != nil && remembered.seq > 0:
		return l.tampered("stream-missing", events.Args{"seq": remembered.seq.String()})
	case info == nil:
		return nil
	case l.heads != "" && remembered == nil:
		return l.tampered("head-missing", events.Args{})
	}
	l.exists = true
	last := info.State.LastSeq
	if last > 0 && (info.State.FirstSeq != 1 || info.State.Msgs != last) {
		return l.tampered("gap", events.Args{"block": strconv.FormatUint(max(info.State.FirstSeq, 1), 10), "seq": "1"})
	}
	if err := l.passHead(remembered); err != nil {
		return err
	}
	for batch, err := range l.batches(ctx, last) {
		if err != nil {
			return err
		}
		for _, msg := range batch {
			if err := l.block(msg, yield); err != nil {
				return err
			}
			if err := l.passHead(remembered); err != nil {
				return err
			}
			if l.at.Block == last {
				break
			}
		}
	}
	if l.at.Block < last {
		return l.tampered("gap", events.Args{"block": strconv.FormatUint(l.at.Block+1, 10), "seq": (l.at.Seq + 1).String()})
	}
	if remembered != nil && l.at.Seq < remembered.seq {
		return l.tampered("head-short", events.Args{"block": strconv.FormatUint(l.at.Block, 10), "seq": remembered.seq.String(), "last": l.at.Seq.String()})
	}
	return nil
}

// passHead compares the root where the log reaches the end that the folder remembers.
func (l *Log) passHead(h *remembered) error {
	if h == nil || h.passed || l.at.Seq < h.seq {
		return nil
	}
	h.passed = true
	if l.at.Seq != h.seq || l.at.Tree.Root() != h.root {
		return l.tampered("head-root", events.Args{"seq": h.seq.String()})
	}
	return nil
}

// block checks one block against the position, moves the position after it and yields its lines.
func (l *Log) block(msg *nats.Msg, yield func([]byte, error) bool) error {
	at := l.at.Block + 1
	fault := func(why, header string) error {
		return l.tampered(why, events.Args{
			"block": strconv.FormatUint(at, 10), "seq": (l.at.Seq + 1).String(), "header": header, "value": msg.Header.Get(header),
		})
	}
	if got := msg.Header.Get("Nats-Sequence"); got != strconv.FormatUint(at, 10) {
		return l.tampered("gap", events.Args{"block": strconv.FormatUint(at, 10), "seq": (l.at.Seq + 1).String()})
	}
	if msg.Header.Get(formatHeader) != format {
		return fault("format", formatHeader)
	}
	if msg.Header.Get(firstHeader) != (l.at.Seq + 1).String() {
		return fault("header", firstHeader)
	}
	if msg.Header.Get(rootHeader) != l.at.Tree.Root().String() {
		return fault("root", rootHeader)
	}
	lines, ok := events.Lines(msg.Data)
	if !ok || msg.Header.Get(countHeader) != strconv.Itoa(len(lines)) {
		return fault("count", countHeader)
	}
	next := l.at
	for _, line := range lines {
		next.Tree.Append(proof.Leaf(line))
	}
	if msg.Header.Get(nats.MsgIdHdr) != next.Tree.Root().String() {
		return fault("root", nats.MsgIdHdr)
	}
	next.Block, next.Seq = at, l.at.Seq+events.Seq(len(lines))
	l.at = next
	for _, line := range lines {
		if !yield(line, nil) {
			return errStopped
		}
	}
	return nil
}

// What one batch of a direct get may hold: enough to keep both sides at work, little enough for memory.
const (
	batchMessages = 2000
	batchBytes    = 4 << 20
)

// batches fetches the blocks after the position up to last, by direct get: that needs no consumer, works across accounts, and a record that the
// broker dropped silently shows as a jump in the sequence. The next batch is fetched while one is looked at.
func (l *Log) batches(ctx context.Context, last uint64) iter.Seq2[[]*nats.Msg, error] {
	type result struct {
		msgs []*nats.Msg
		err  error
	}
	return func(yield func([]*nats.Msg, error) bool) {
		results := make(chan result)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		from := l.at.Block + 1
		go func() {
			defer close(results)
			for from <= last {
				msgs, err := l.fetch(ctx, from)
				select {
				case results <- result{msgs, err}:
				case <-ctx.Done():
					return
				}
				if err != nil || len(msgs) == 0 {
					return
				}
				from += uint64(len(msgs)) // a jump shows when the blocks are looked at
			}
		}()
		for r := range results {
			if !yield(r.msgs, r.err) || r.err != nil {
				return
			}
		}
	}
}

// fetch returns the messages from a sequence on, as many as a batch holds; none where there is none.
func (l *Log) fetch(ctx context.Context, from uint64) ([]*nats.Msg, error) {
	request, err := json.Marshal(struct {
		Seq   uint64 `json:"seq"`
		Batch int    `json:"batch"`
		Bytes int    `json:"max_bytes"`
	}{from, batchMessages, batchBytes})
	if err != nil {
		return nil, err
	}
	inbox := l.conn.NewInbox()
	sub, err := l.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, unreachable(err)
	}
	if err := l.conn.PublishRequest(l.api+".DIRECT.GET."+Name(l.fund), inbox, request); err != nil {
		return nil, unreachable(err)
	}
	var msgs []*nats.Msg
	for {
		wait, cancel := context.WithTimeout(ctx, patience)
		msg, err := sub.NextMsgWithContext(wait)
		cancel()
		if err != nil {
			return nil, unreachable(err)
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
			msgs = append(msgs, msg)
		case "204", "404":
			return msgs, nil
		default:
			return nil, unreachable(errors.New("direct get: " + status + " " + msg.Header.Get("Description")))
		}
	}
}
