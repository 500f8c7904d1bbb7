package reading

import "iter"

// Ahead yields what a sequence yields, which is run on another core and gets up to some thousand values ahead. When the loop over it ends, so has the sequence.
func Ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type batch struct {
		values []T
		err    error
	}
	return func(yield func(T, error) bool) {
		out, enough := make(chan batch, batchesAhead), make(chan struct{})
		go func() {
			defer close(out)
			b := batch{}
			send := func() bool {
				select {
				case out <- b:
					b = batch{values: make([]T, 0, batchEvents)}
					return true
				case <-enough:
					return false
				}
			}
			for v, err := range seq {
				if b.err = err; err == nil {
					b.values = append(b.values, v)
				}
				if (err != nil || len(b.values) == batchEvents) && !send() || err != nil {
					return
				}
			}
			send()
		}()
		defer func() {
			close(enough)
			for range out { // until the sequence has ended
			}
		}()
		for b := range out {
			for _, v := range b.values {
				if !yield(v, nil) {
					return
				}
			}
			if b.err != nil {
				var none T
				yield(none, b.err)
				return
			}
		}
	}
}
