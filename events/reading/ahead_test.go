package reading_test

import (
	"errors"
	"iter"
	"testing"

	"fundledger/events/reading"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for _, n := range []int{0, 1, 63, 64, 65, 5000} {
		for _, failed := range []error{nil, fault} {
			for _, stop := range []int{-1, 0, 1, 64, 4000} {
				ended, made := false, 0
				var seq iter.Seq2[int, error] = func(yield func(int, error) bool) {
					defer func() { ended = true }()
					for i := range n {
						made++
						if !yield(i, nil) {
							return
						}
					}
					if failed != nil {
						yield(0, failed)
					}
				}
				got, last := 0, error(nil)
				for v, err := range reading.Ahead(seq) {
					if last = err; err != nil {
						continue
					}
					if v != got {
						t.Fatalf("%d of %d: value %d", got, n, v)
					}
					if got++; got == stop {
						break
					}
				}
				if !ended {
					t.Errorf("%d values, stopped at %d: the sequence still runs", n, stop)
				}
				if stop > 0 && stop <= n {
					if got != stop {
						t.Errorf("%d values, stopped at %d: got %d", n, stop, got)
					}
				} else if got != n || last != failed || made != n {
					t.Errorf("%d values: got %d of %d made, and %v, want %v", n, got, made, last, failed)
				}
			}
		}
	}
}
