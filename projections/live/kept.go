package live

import (
	"io"
	"time"

	"fundledger/projections"
)

const (
	// snapshot is the name under which a book is kept beside its log, and leaves that of the file with the leaves.
	snapshot = "book"
	leaves   = "leaves"
	// keepEvery is how often a book that grows is kept at most.
	keepEvery = 5 * time.Minute
)

// recalled returns a fold that begins where a snapshot stands, nil where there is none that fits its own log. Whether it fits the log that there is, its first
// reading tells; until then nobody is to see it.
func (r *runner) recalled() *fold {
	f := r.begin()
	var book *projections.Book
	read := func(in io.Reader) (err error) {
		book, err = projections.LoadBook(in, r.books.o.program, f.line)
		return err
	}
	if f.log.RecallAs(f.ctx, snapshot, read) {
		if f.book = book; f.stands() {
			f.taken = book.Last()
			f.remember()
			f.kept = f.taken
			f.seen.Store(uint64(f.taken))
			return f
		}
	}
	f.stop()
	return nil
}

// keep keeps the book as it stands, if enough is new and the whole of it is known to be good. Whoever looks calls it, between two readings: nothing is applied then, so
// it takes no lock. Neither a reader nor who appends is held up, and what comes meanwhile is applied when it is done, which is counted as lag.
func (f *fold) keep(o *Options) {
	if f.taken < f.kept+o.Kept || !f.showing() || f.stopped() != nil || !f.stands() {
		return
	}
	f.tried = time.Now()
	if f.log.KeepAs(snapshot, func(w io.Writer) error { return f.book.Save(w, o.program) }) == nil { // without it the next start takes longer
		f.kept = f.taken
	}
}

// stands reports whether the log stands where the book does. Where a reading was broken off it stands further on.
func (f *fold) stands() bool {
	last, at := f.log.Stands()
	root, err := f.book.History().Root()
	return err == nil && last == f.book.Last() && root == at
}

func (f *fold) showing() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.shown
}
