package live

import (
	"context"
	"maps"
	"slices"

	"fundledger/projections"
)

// Survey visits every fund of which there may be events, as far as it is read at the moment, and waits for none: one that nobody has asked about begins to be loaded,
// and is shown to a later survey. visit gets a book where there is one to show; it is not to be kept, and stands still meanwhile. The error is that of the
// source, which could not say what funds there are: then those are visited that are read already.
func (b *Books) Survey(ctx context.Context, visit func(Status, *projections.Book)) error {
	all, failed := b.source.Funds(ctx)
	if failed != nil {
		b.mu.Lock()
		all = slices.Sorted(maps.Keys(b.runners))
		b.mu.Unlock()
	}
	for _, fund := range all {
		r, err := b.enter(fund)
		if err != nil {
			return err
		}
		f := r.fold.Load()
		f.rlock()
		status := r.status()
		switch {
		case f.none: // its first event never came
		case f.shown:
			status.Cut, status.State = f.now.Load().Cut, f.now.Load().State
			visit(status, f.book)
		default:
			visit(status, nil)
		}
		f.mu.RUnlock()
		r.leave()
	}
	return failed
}
