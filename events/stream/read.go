package stream

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"time"

	"fundledger/events"
	"fundledger/events/proof"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Replay yields every stored line from the beginning, without its LF, and leaves the log standing after the last. It reads up to what the
// broker holds when it begins, so that a writer at work does not make it endless. A fund that has no log yet has no lines.
//
// An error ends it: [events.Tampered] naming what is wrong, or [events.Unavailable]. Some faults show at the end alone, so nothing may be made
// of the lines before the sequence has ended without one. The lines are valid until the next is asked for. Where a loop is left early, the log
// stands after the block of the line last yielded.
func (l *Log) Replay(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		l.at = Position{}
		l.blocks.reset(0, nil)
		l.readAll(ctx, yield)
	}
}

// Rest is Replay from where the log stands: what came after it was read or appended to, and nothing where nothing did. It also checks that the
// block on which the log stands is still the one that it knows.
func (l *Log) Rest(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { l.readAll(ctx, yield) }
}

func (l *Log) readAll(ctx context.Context, yield func([]byte, error) bool) {
	if err := l.read(ctx, yield); err != nil && !errors.Is(err, errStopped) {
		yield(nil, err)
	}
}

// errStopped is how read learns that nobody wants more.
var errStopped = errors.New("stopped")

func (l *Log) read(ctx context.Context, yield func([]byte, error) bool) error {
	remembered, info, err := l.ends(ctx)
	if err != nil {
		return err
	}
	l.exists = info != nil
	if info == nil {
		return nil
	}
	last := info.State.LastSeq
	if last > 0 && (info.State.FirstSeq != 1 || info.State.Msgs != last) {
		return l.tampered("gap", events.Args{"block": strconv.FormatUint(max(info.State.FirstSeq, 1), 10), "seq": "1"})
	}
	if last < l.at.Block {
		return l.short(last, l.at.Seq)
	}
	v := &verifier{log: l, at: l.at, root: l.at.Tree.Root(), last: last, remembered: remembered}
	// What was passed on an earlier reading need not be met again.
	v.passed = remembered == nil || remembered.seq < l.at.Seq
	if info.Config.Replicas > 1 {
		v.lag = lagMax
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seq := l.at.Seq
	for s := range v.run(ctx) {
		for i, b := range s.blocks {
			l.blocks.add(seq + 1) // before anybody has a line of it
			seq += events.Seq(len(b.lines))
			for n, line := range b.lines {
				l.twig = b.twigs[n]
				if !yield(line, nil) {
					l.pass(s.blocks[:i+1])
					return errStopped
				}
			}
		}
		l.at = s.after
		if s.err != nil {
			return s.err
		}
	}
	if err := ctx.Err(); err != nil {
		return unreachable(err)
	}
	return nil
}

// ends returns both ends that the log must reach: the one that the folder remembers and the broker's. Either is nil where there is none; without a
// stream both are checked to be.
func (l *Log) ends(ctx context.Context) (remembered *remembered, info *jetstream.StreamInfo, err error) {
	// The head is read first, since it trails the log. It is made before the stream is; so where there was none and there is a stream, the two may
	// have been made in between, and the second look tells.
	for range 2 {
		if remembered, err = l.readHead(); err != nil {
			return nil, nil, err
		}
		if info, err = l.info(ctx); err != nil {
			return nil, nil, err
		}
		if info == nil || l.heads == "" || remembered != nil {
			break
		}
	}
	switch {
	case info == nil && l.at.Seq > 0:
		return nil, nil, l.tampered("stream-missing", events.Args{"seq": l.at.Seq.String()})
	case info == nil && remembered != nil && remembered.seq > 0:
		return nil, nil, l.tampered("stream-missing", events.Args{"seq": remembered.seq.String()})
	case info != nil && l.heads != "" && remembered == nil:
		return nil, nil, l.tampered("head-missing", events.Args{})
	}
	return remembered, info, nil
}

func (l *Log) short(block uint64, seq events.Seq) error {
	return l.tampered("head-short", events.Args{"block": strconv.FormatUint(block, 10), "seq": seq.String()})
}

// pass moves the position over blocks that have been checked.
func (l *Log) pass(blocks []checked) {
	for _, b := range blocks {
		for i := range b.twigs {
			l.at.Tree.Append(b.twigs[i].Leaf)
		}
		l.at.Block++
		l.at.Seq += events.Seq(len(b.lines))
	}
}

// Twig returns what the line that was yielded last is in the log's tree, for whoever reads: it was made when the line was checked.
func (l *Log) Twig() proof.Twig { return l.twig }

// What one batch of a direct get may hold: enough to keep both sides at work, little enough for memory.
const (
	batchMessages = 2000
	batchBytes    = 4 << 20
)

// lagMax is how long a replica that answers may lack what the leader has stored, before the log counts as having lost it: a disk that has much else to
// do can keep a replica waiting for seconds. It is less than patience, so that a loss is not taken for silence.
const lagMax = 8 * time.Second

// A verifier checks the blocks after a position, a batch at a time. It works beside whoever makes something of the lines, and the broker fetches
// the next batch meanwhile.
type verifier struct {
	log        *Log
	at         Position
	root       proof.Hash // of at
	last       uint64     // block at which the reading ends
	remembered *remembered
	passed     bool // the remembered end has been compared
	lag        time.Duration
}

// A stretch is the lines of a batch, block by block, and where the log stands after them. With an error it is the last; the blocks before the
// fault are in it.
type stretch struct {
	blocks []checked
	after  Position
	err    error
}

// A checked block is its lines and what they are in the tree.
type checked struct {
	lines [][]byte
	twigs []proof.Twig
}

func (v *verifier) run(ctx context.Context) <-chan stretch {
	out := make(chan stretch, 2)
	go func() {
		defer close(out)
		send := func(s stretch) bool {
			s.after = v.at
			select {
			case out <- s:
				return s.err == nil
			case <-ctx.Done():
				return false
			}
		}
		if err := v.passHead(); err != nil {
			send(stretch{err: err})
			return
		}
		// Where the log stands on a block, that block is fetched again.
		from, anchored := max(v.at.Block, 1), v.at.Block == 0
		var pending request
		var err error
		if v.last > 0 {
			pending, err = v.ask(from)
		}
		for err == nil && v.last > 0 {
			var msgs []*nats.Msg
			if msgs, err = v.collect(ctx, pending, from); err != nil {
				break
			}
			from += uint64(len(msgs)) // a jump shows when the blocks are looked at
			more := len(msgs) > 0 && from <= v.last
			if more {
				pending, err = v.ask(from)
			}
			s := stretch{blocks: make([]checked, 0, len(msgs))}
			for _, msg := range msgs {
				if !anchored {
					anchored = true
					s.err = v.anchor(msg)
				} else if v.at.Block < v.last {
					var b checked
					if b, s.err = v.block(msg); s.err == nil {
						s.blocks = append(s.blocks, b)
					}
				}
				if s.err != nil {
					break
				}
			}
			if !send(s) {
				pending.drop()
				return
			}
			if !more {
				break
			}
		}
		pending.drop()
		if err == nil {
			err = v.end()
		}
		if err != nil {
			send(stretch{err: err})
		}
	}()
	return out
}

// end says what is missing when the broker has no more.
func (v *verifier) end() error {
	if v.at.Block < v.last {
		return v.gap()
	}
	if h := v.remembered; h != nil && v.at.Seq < h.seq {
		return v.log.short(v.at.Block, h.seq)
	}
	return nil
}

func (v *verifier) gap() error {
	return v.log.tampered("gap", events.Args{"block": strconv.FormatUint(v.at.Block+1, 10), "seq": (v.at.Seq + 1).String()})
}

// passHead compares the root where the log reaches the end that the folder remembers.
func (v *verifier) passHead() error {
	h := v.remembered
	if v.passed || v.at.Seq < h.seq {
		return nil
	}
	v.passed = true
	if v.at.Seq != h.seq || v.root != h.root {
		return v.log.tampered("head-root", events.Args{"seq": h.seq.String()})
	}
	return nil
}

// anchor checks that the block on which the log stands is the one that it knows.
func (v *verifier) anchor(msg *nats.Msg) error {
	if msg.Header.Get(jetstream.SequenceHeader) != strconv.FormatUint(v.at.Block, 10) || msg.Header.Get(jetstream.MsgIDHeader) != v.root.String() {
		return v.log.tampered("root", events.Args{
			"block": strconv.FormatUint(v.at.Block, 10), "seq": v.at.Seq.String(), "header": jetstream.MsgIDHeader, "value": msg.Header.Get(jetstream.MsgIDHeader),
		})
	}
	return nil
}

// block checks one block against the position, moves the position after it and returns it.
func (v *verifier) block(msg *nats.Msg) (checked, error) {
	at := v.at.Block + 1
	fault := func(why, header string) error {
		return v.log.tampered(why, events.Args{
			"block": strconv.FormatUint(at, 10), "seq": (v.at.Seq + 1).String(), "header": header, "value": msg.Header.Get(header),
		})
	}
	if msg.Header.Get(jetstream.SequenceHeader) != strconv.FormatUint(at, 10) {
		return checked{}, v.gap()
	}
	if msg.Header.Get(formatHeader) != format {
		return checked{}, fault("format", formatHeader)
	}
	if msg.Header.Get(firstHeader) != (v.at.Seq + 1).String() {
		return checked{}, fault("header", firstHeader)
	}
	if msg.Header.Get(rootHeader) != v.root.String() {
		return checked{}, fault("root", rootHeader)
	}
	lines, ok := events.Lines(msg.Data)
	if !ok || msg.Header.Get(countHeader) != strconv.Itoa(len(lines)) {
		return checked{}, fault("count", countHeader)
	}
	tree, twigs := v.at.Tree, make([]proof.Twig, len(lines))
	for i, line := range lines {
		twigs[i] = tree.Grow(proof.Leaf(line))
	}
	root := tree.Root()
	if msg.Header.Get(jetstream.MsgIDHeader) != root.String() {
		return checked{}, fault("root", jetstream.MsgIDHeader)
	}
	v.at = Position{Block: at, Seq: v.at.Seq + events.Seq(len(lines)), Tree: tree}
	v.root = root
	return checked{lines, twigs}, v.passHead()
}

// A request is a batch that was asked for. It has room for that and what ends it: a subscription as it comes takes half a megabyte, each time something is asked.
type request struct {
	sub    *nats.Subscription
	msgs   chan *nats.Msg
	closed chan struct{} // the connection, or the request
}

func (r request) drop() {
	if r.sub != nil {
		_ = r.sub.Unsubscribe()
	}
}

// ask asks for the messages from a sequence on, by direct get: that needs no consumer, works across accounts, and a record that the broker dropped
// silently shows as a jump in the sequence.
func (v *verifier) ask(from uint64) (request, error) {
	l := v.log
	body, err := json.Marshal(struct {
		Seq   uint64 `json:"seq"`
		Batch int    `json:"batch"`
		Bytes int    `json:"max_bytes"`
	}{from, batchMessages, batchBytes})
	if err != nil {
		return request{}, err
	}
	inbox := l.conn.NewInbox()
	r := request{msgs: make(chan *nats.Msg, batchMessages+1), closed: make(chan struct{})}
	if r.sub, err = l.conn.ChanSubscribe(inbox, r.msgs); err != nil {
		return request{}, unreachable(err)
	}
	r.sub.SetClosedHandler(func(string) { close(r.closed) })
	if err := l.conn.PublishRequest(l.api+".DIRECT.GET."+Name(l.fund), inbox, body); err != nil {
		r.drop()
		return request{}, unreachable(err)
	}
	return r, nil
}

// collect returns what was asked for; none where there is none.
func (v *verifier) collect(ctx context.Context, r request, from uint64) ([]*nats.Msg, error) {
	deadline := time.Now().Add(v.lag)
	for {
		msgs, err := r.messages(ctx)
		r.drop()
		if err != nil || len(msgs) > 0 || !time.Now().Before(deadline) {
			return msgs, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, unreachable(ctx.Err())
		}
		if r, err = v.ask(from); err != nil {
			return nil, err
		}
	}
}

func (r request) messages(ctx context.Context) (msgs []*nats.Msg, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(patience, func() { cancel(nats.ErrTimeout) })
	defer silent.Stop()
	for {
		var msg *nats.Msg
		select {
		case msg = <-r.msgs:
		case <-r.closed:
			return nil, unreachable(nats.ErrConnectionClosed)
		case <-ctx.Done():
			return nil, unreachable(context.Cause(ctx))
		}
		silent.Reset(patience)
		switch status := msg.Header.Get("Status"); status {
		case "":
			msgs = append(msgs, msg)
		case "204", "404":
			return msgs, nil
		case "503":
			return nil, unreachable(nats.ErrNoResponders)
		default:
			return nil, unreachable(errors.New("direct get: " + status + " " + msg.Header.Get("Description")))
		}
	}
}
