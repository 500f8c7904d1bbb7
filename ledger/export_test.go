package ledger

import (
	"time"

	"fundledger/events"
)

// Quiet sets when deciders that begin from now on keep a snapshot and when they end.
func (l *Ledger) Quiet(snapshotAfter time.Duration, least events.Seq, unloadAfter time.Duration) {
	l.bounds.snapshotAfter, l.bounds.snapshotLeast, l.bounds.unloadAfter = snapshotAfter, least, unloadAfter
}

// Loaded reports whether a fund has a decider that runs.
func (l *Ledger) Loaded(fund events.Fund) bool {
	l.mu.Lock()
	d := l.deciders[fund]
	l.mu.Unlock()
	if d == nil {
		return false
	}
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}
