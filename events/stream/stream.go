// Package stream keeps the log of each fund on JetStream and reads it back, checked.
//
// A fund is one stream, LEDGER-<fund>, on the subject ledger.<fund>: file storage, delete and purge denied, no limits, no roll-up. A message is a
// block: the lines of one commit, each ended by LF, with the headers
//
//	Fundledger-Format  1
//	Fundledger-First   number of the first event
//	Fundledger-Count   number of events
//	Fundledger-Root    base64 RFC 6962 root before the block
//	Fundledger-Writer  which decider wrote it
//	Nats-Msg-Id        base64 RFC 6962 root after the block
//
// A block is fenced twice, by the stream's last sequence and by the root before it, so a second writer loses and the log never forks.
//
// Whoever reads a log checks it: the sequence of blocks and of events without a gap, every block's root before and after, the end that the
// broker reports, and the end that the folder remembers (its head). A log that was changed or has lost something is [events.Tampered], whoever
// did it.
package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fundledger/events"
	"fundledger/events/proof"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	streamPrefix  = "LEDGER-"
	subjectPrefix = "ledger."
	format        = "1"

	formatHeader = "Fundledger-Format"
	firstHeader  = "Fundledger-First"
	countHeader  = "Fundledger-Count"
	rootHeader   = "Fundledger-Root"
	writerHeader = "Fundledger-Writer"
)

// Name is the name of a fund's stream.
func Name(fund events.Fund) string { return streamPrefix + string(fund) }

// Subject is the subject of a fund's stream.
func Subject(fund events.Fund) string { return subjectPrefix + string(fund) }

// patience is how long a broker may be silent before it counts as unreachable.
const patience = 10 * time.Second

// A Position is a place in a log: after so many blocks and so many events, under a root.
type Position struct {
	Block uint64     // sequence of the last block in its stream; 0 at the beginning
	Seq   events.Seq // number of the last event
	Tree  proof.Tree
}

// A Store is the logs of all funds on one broker.
type Store struct {
	// Replicas is how many servers keep a log that this store makes; 0 is one. The logs that there are stay as they are.
	Replicas int

	conn  *nats.Conn
	js    jetstream.JetStream
	api   string
	heads string
}

// Own is the prefix of the broker's API within the account that owns the streams; Imported, the one under which other accounts import the part of
// it that reads. They cannot share a name: every account has the first for itself.
const (
	Own      = "$JS.API"
	Imported = "LEDGER.API"
)

// NewStore returns the logs that a connection reaches under a prefix of the broker's API. heads is the folder in which the ends of the logs are
// remembered, "" for none. Nothing is asked of the broker yet.
func NewStore(nc *nats.Conn, api, heads string) (*Store, error) {
	js, err := jetstream.NewWithAPIPrefix(nc, api)
	if err != nil {
		return nil, err
	}
	return &Store{conn: nc, js: js, api: api, heads: heads}, nil
}

// Log returns the log of a fund, standing at its beginning.
func (s *Store) Log(fund events.Fund) *Log { return &Log{Store: s, fund: fund, writer: nuid.Next()} }

// A Log is one fund's log. It stands at a [Position] and is not for use by several goroutines at once.
type Log struct {
	*Store
	fund   events.Fund
	head   *head
	writer string
	at     Position
	twig   proof.Twig // of the line yielded last
	blocks blocks
	exists bool
}

// At is where the log stands: at the end of what was read from it or appended to it.
func (l *Log) At() Position { return l.at }

// Funds lists the funds of which there is a log, or an end of one that is remembered, sorted.
func (s *Store) Funds(ctx context.Context) ([]events.Fund, error) {
	names := s.js.StreamNames(ctx)
	var funds []events.Fund
	for name := range names.Name() {
		if fund, err := events.ParseFund(strings.TrimPrefix(name, streamPrefix)); err == nil && strings.HasPrefix(name, streamPrefix) {
			funds = append(funds, fund)
		}
	}
	if err := names.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, unreachable(err)
	}
	remembered, err := headFunds(s.heads)
	if err != nil {
		return nil, err
	}
	funds = append(funds, remembered...)
	slices.Sort(funds)
	return slices.Compact(funds), nil
}

// info asks the stream's leader for its state; nil where there is no stream.
func (l *Log) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := l.js.Stream(ctx, Name(l.fund))
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, nil
	case err != nil:
		return nil, unreachable(err)
	}
	return s.CachedInfo(), nil
}

// Current returns nil when the log's leader, asked now, has nothing after the log's position; an error that wraps [events.ErrConflict] when it has.
// A log that ends before the position has lost something.
func (l *Log) Current(ctx context.Context) error {
	info, err := l.info(ctx)
	if err != nil {
		return err
	}
	var last uint64
	if info != nil {
		last = info.State.LastSeq
	}
	switch {
	case last > l.at.Block:
		return fmt.Errorf("%w: block %d", events.ErrConflict, last)
	case info == nil && l.at.Block > 0:
		return l.tampered("stream-missing", events.Args{"seq": l.at.Seq.String()})
	case last < l.at.Block:
		return l.short(last, l.at.Seq)
	}
	return nil
}

// Append stores a block at the position, and moves the position after it; on error the position stays. When it
// returns nil the block is on disk, as far as the broker syncs before it acknowledges, and the head remembers it. An error that wraps
// [events.ErrConflict] says that another block stands there and this one does not; [events.Unavailable], that nothing was sent; after any
// other error ([events.UnknownOutcome]) the block may be stored, now or later: read the log before deciding again.
//
// The first block of a fund makes its stream.
func (l *Log) Append(ctx context.Context, b *proof.Block) error {
	count := b.Len()
	if count == 0 || b.Open() > 0 {
		return fmt.Errorf("stream: a block of %d lines and %d bytes", count, b.Open())
	}
	next := l.at
	for i := range count {
		if size := len(b.Line(i)); size > events.MaxLine {
			return fmt.Errorf("stream: a line of %d bytes", size)
		}
		next.Tree.Append(b.Leaf(i))
	}
	next.Block++
	next.Seq += events.Seq(count)
	if err := ctx.Err(); err != nil {
		return unreachable(err)
	}
	if err := l.openHead(); err != nil {
		return err
	}
	if l.heads != "" {
		if err := checkRoom(l.heads, len(b.Text)); err != nil {
			return diskError(err)
		}
	}
	if err := l.create(ctx); err != nil {
		return err
	}
	before := l.at.Tree.Root().String()
	msg := nats.NewMsg(Subject(l.fund))
	msg.Data = b.Text
	msg.Header.Set(formatHeader, format)
	msg.Header.Set(firstHeader, (l.at.Seq + 1).String())
	msg.Header.Set(countHeader, strconv.Itoa(count))
	msg.Header.Set(rootHeader, before)
	msg.Header.Set(writerHeader, l.writer)
	opts := []jetstream.PublishOpt{
		jetstream.WithMsgID(next.Tree.Root().String()), jetstream.WithExpectLastSequence(l.at.Block), jetstream.WithExpectStream(Name(l.fund)),
		jetstream.WithRetryAttempts(0),
	}
	if l.at.Block > 0 {
		opts = append(opts, jetstream.WithExpectLastMsgID(before))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ack, err := l.js.PublishMsg(ctx, msg, opts...)
	switch {
	case isConflict(err):
		return fmt.Errorf("%w: %w", events.ErrConflict, err)
	case isFull(err):
		return diskError(err)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrInvalidConnection),
		errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders): // nobody was there to take it
		return unreachable(err)
	case err != nil:
		return &events.Error{Code: events.UnknownOutcome, Err: err}
	case ack.Sequence != next.Block:
		return &events.Error{Code: events.UnknownOutcome, Err: fmt.Errorf("block %d was acknowledged as %d", next.Block, ack.Sequence)}
	}
	if err := l.head.write(next); err != nil {
		// The block is stored, and yet nothing would tell if it went missing. Whoever reads the log again finds it.
		return &events.Error{Code: events.UnknownOutcome, Err: diskError(err)}
	}
	l.blocks.add(l.at.Seq + 1)
	l.at = next
	return nil
}

// The codes by which JetStream reports a lost fence: on one replica, on several, and by the root.
const (
	wrongLastSequence         = 10071
	wrongLastSequenceReplicas = 10164
	wrongLastMsgID            = 10070
)

func isConflict(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case wrongLastSequence, wrongLastSequenceReplicas, wrongLastMsgID:
		return true
	}
	return false
}

// The codes by which JetStream refuses a block, before it takes it, because its store has no room left.
const (
	accountFull = 10002
	brokerFull  = 10023
	storeFull   = 10047
)

func isFull(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case accountFull, brokerFull, storeFull:
		return true
	}
	return false
}

// create makes the stream of a fund that has none. The head is there by then: a stream beside which there is no head has lost it.
func (l *Log) create(ctx context.Context) error {
	if l.exists {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := l.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: Name(l.fund), Subjects: []string{Subject(l.fund)}, Description: "the log of fund " + string(l.fund),
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Replicas: max(l.Replicas, 1),
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
		DenyDelete: true, DenyPurge: true, AllowDirect: true,
	})
	switch {
	case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
		// Another writer made it, or it is ours; the fence tells.
	case err != nil:
		return unreachable(err)
	}
	l.exists = true
	return nil
}

func unreachable(err error) error {
	return &events.Error{Code: events.Unavailable, Why: "broker", Err: err}
}

func (l *Log) tampered(why string, args events.Args) error {
	args["fund"] = string(l.fund)
	return &events.Error{Code: events.Tampered, Why: why, Args: args}
}
