package main

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/projections/live"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// follow opens the books of a store that serves: balances are kept in the bucket, and events are said aloud, both over nc. heard tells whether anybody may
// listen; it is asked by one goroutine at a time. When the store is closed, what is left is published.
func (s *store) follow(nc *nats.Conn, replicas int, heard func() bool) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	a := s.app
	books := live.Open(followed{s.Store}, live.Options{
		Kept: a.kept,
		Stopped: func(e *live.Stopped) {
			a.note("serve.reading-stopped", map[string]string{"fund": string(e.Fund), "seq": e.At.String(), "cause": a.message(e.Err)})
		},
	})
	books.Publish(live.Publishing{
		JetStream: js, Replicas: replicas, Ends: s.Ends, Last: s.LastOf, Sweep: a.sweep,
		Failed: func(err error) { a.note("serve.balances-failed", map[string]string{"cause": err.Error()}) },
	})
	speaker := newSpeaker(nc, heard)
	s.books.Store(books)
	s.speaker.Store(speaker)
	s.closer = append(s.closer, speaker.close, books.Close)
	return nil
}

// A speaker says events aloud: each on feed.<fund>.<year>.<kind>, its line as stored, once its block is on disk. Nobody waits for it, and a listener who is not there misses
// it: the numbers tell what is missing. Where more is stored than it can say, it leaves out whole blocks.
type speaker struct {
	nc    *nats.Conn
	heard func() bool
	said  chan spoken
	ended sync.WaitGroup
}

type spoken struct {
	fund  events.Fund
	lines []byte // each ended by LF
}

// speakerBlocks is how many blocks may wait to be said.
const speakerBlocks = 64

func newSpeaker(nc *nats.Conn, heard func() bool) *speaker {
	s := &speaker{nc: nc, heard: heard, said: make(chan spoken, speakerBlocks)}
	s.ended.Go(s.run)
	return s
}

// say takes a block that was stored.
func (s *speaker) say(fund events.Fund, b *proof.Block) {
	if len(s.said) == cap(s.said) {
		return
	}
	select {
	case s.said <- spoken{fund, bytes.Clone(b.Text)}:
	default:
	}
}

func (s *speaker) run() {
	var e events.Event
	for block := range s.said {
		if !s.heard() {
			continue
		}
		for line := range bytes.Lines(block.lines) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			if !e.Skim(line) {
				var err error
				if e, err = events.ParseEvent(line); err != nil {
					continue // what was decided here can be read here
				}
			}
			subject := strings.Join([]string{"feed", string(block.fund), strconv.Itoa(int(e.Command.Year)), string(e.Command.Kind)}, ".")
			_ = s.nc.Publish(subject, line) // who cannot hear it sees so by the numbers
		}
	}
}

func (s *speaker) close() {
	close(s.said)
	s.ended.Wait()
}
