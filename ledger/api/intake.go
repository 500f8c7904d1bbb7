package api

import (
	"sync"
	"time"
)

// A message is a request as it came in.
type message struct {
	user, fund string
	data       []byte
	atomic     bool
	reply      string

	number  uint64    // in the order of arrival
	arrived time.Time // on this replica; told where funds are shared
	hops    int       // how often it was passed on
	heard   string    // where the replica that passed it on wants to hear what became of it
}

// What may wait in front of the queues of the deciders. Above it the answer is busy: what the client library or the broker drops would leave its
// caller waiting for an answer that never comes.
const (
	maxPending      = 65_536
	maxPendingBytes = 256 << 20
)

// An intake holds requests between the connection, which must never wait, and whatever reads them.
type intake struct {
	mu     sync.Mutex
	queue  []*message
	number uint64
	count  int // of those that were let in and have not left
	bytes  int
	closed bool
	ready  chan struct{} // has an element when queue or closed changed
	limit  int
}

func newIntake() *intake { return &intake{ready: make(chan struct{}, 1), limit: maxPending} }

// push lets a request in, unless there are too many.
func (q *intake) push(m *message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.count >= q.limit || q.bytes+len(m.data) > maxPendingBytes && q.count > 0 {
		return false
	}
	q.count++
	q.bytes += len(m.data)
	q.number++
	m.number = q.number
	q.queue = append(q.queue, m)
	q.signal()
	return true
}

// leave says that a request no longer waits.
func (q *intake) leave(m *message) {
	q.mu.Lock()
	q.count--
	q.bytes -= len(m.data)
	q.mu.Unlock()
}

func (q *intake) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *intake) close() {
	q.mu.Lock()
	q.closed = true
	q.signal()
	q.mu.Unlock()
}

// waiting is how many have not left.
func (q *intake) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// run hands requests on, one after another, until it is closed and empty.
func (q *intake) run(handle func(*message)) {
	for {
		q.mu.Lock()
		batch, closed := q.queue, q.closed
		q.queue = nil
		q.mu.Unlock()
		for _, m := range batch {
			handle(m)
		}
		if len(batch) == 0 {
			if closed {
				return
			}
			<-q.ready
		}
	}
}
