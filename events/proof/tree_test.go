package proof

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// root is RFC 6962, section 2.1, written down as it stands there.
func root(leaves [][]byte) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := root(leaves[:k]), root(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func TestRootIsTheStandards(t *testing.T) {
	t.Parallel()
	var tree Tree
	var leaves [][]byte
	for n := range 400 {
		if got, want := tree.Root(), root(leaves); got != want {
			t.Fatalf("root of %d leaves = %v, want %v", n, got, want)
		}
		if tree.Size() != int64(n) {
			t.Fatalf("size = %d, want %d", tree.Size(), n)
		}
		line := fmt.Appendf(nil, `{"n":%d}`, n)
		leaves = append(leaves, line)
		tree.Append(Leaf(line))
	}
}

func TestCopyGrowsOnItsOwn(t *testing.T) {
	t.Parallel()
	var a Tree
	for i := range 5 {
		a.Append(Leaf(fmt.Append(nil, i)))
	}
	before := a.Root()
	b := a
	b.Append(Leaf([]byte("x")))
	if a.Root() != before || b.Root() == before {
		t.Error("a copy and its original share leaves")
	}
}

func BenchmarkAppend(b *testing.B) {
	line := make([]byte, 600)
	var tree Tree
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		tree.Append(Leaf(line))
	}
}
