package ledger

import (
	"encoding/binary"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// tableKey makes a key of a small number. Many begin their search at one place, or at the last.
func tableKey(n int) (k key) {
	k[0] = byte(n % 3)
	switch n % 4 {
	case 0:
		binary.LittleEndian.PutUint32(k[1:], 0xFFFFFFFF)
	case 1:
		binary.LittleEndian.PutUint32(k[1:], uint32(n)*0x1234567)
	}
	binary.LittleEndian.PutUint32(k[8:], uint32(n))
	return k
}

// TestTable compares a table with a map.
func TestTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var got table
		want := map[key]number{}
		same := func() {
			if got.n != len(want) {
				t.Fatalf("%d entries, not %d", got.n, len(want))
			}
			if all := maps.Collect(got.all()); !maps.Equal(all, want) {
				t.Fatalf("%v, not %v", all, want)
			}
		}
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			k := tableKey(rapid.IntRange(0, 200).Draw(t, "key"))
			switch n := number(rapid.IntRange(0, 5).Draw(t, "number")); n {
			case 0:
				delete(want, k)
				got.set(k, 0)
			case 5:
				if got.get(k) != want[k] {
					t.Fatalf("%v has %d, not %d", k, got.get(k), want[k])
				}
			default:
				want[k] = n
				got.set(k, n)
			}
		}
		same()
		flat := got.flat()
		if !got.unflat(flat) {
			t.Fatal("what was written down is not read")
		}
		same()
		for k := range want {
			if got.get(k) != want[k] {
				t.Fatalf("%v has %d, not %d, when read again", k, got.get(k), want[k])
			}
		}
		// What is anything else is not read, and does not hang.
		if n := len(flat); n > 0 {
			at := rapid.IntRange(0, n-1).Draw(t, "at")
			if got.unflat(flat[:at]) {
				t.Fatalf("read when cut at %d", at)
			}
			flat[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
			got.unflat(flat)
		}
	})
}
