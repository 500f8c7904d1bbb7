package proof

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// trunkLeaves is how many leaves stand below the lowest hashes that a [Trunk] keeps: a power of two.
const trunkLeaves, trunkLevel = 256, 8

// A Trunk is a tree without its twigs: the hashes of its complete subtrees of 256 leaves and more, a quarter of a byte for each leaf. It gives the tree as
// it was at any size, to whoever still has the leaves. The zero Trunk has none.
type Trunk struct {
	tree   Tree
	levels [][]Hash // of subtrees of 256 leaves, of 512, and so on
}

// Size is the number of leaves.
func (t *Trunk) Size() int64 { return t.tree.size }

// Append adds a leaf.
func (t *Trunk) Append(leaf Hash) {
	t.tree.Append(leaf)
	if t.tree.size%trunkLeaves != 0 {
		return
	}
	for level := range bits.TrailingZeros64(uint64(t.tree.size)) - trunkLevel + 1 {
		if level == len(t.levels) {
			t.levels = append(t.levels, nil)
		}
		t.levels[level] = append(t.levels[level], t.tree.edge[level+trunkLevel])
	}
}

// At returns the tree of the first size leaves; leaf gives at most 255 of them, in their order. Its error is that of leaf.
func (t *Trunk) At(size int64, leaf func(i int64) (Hash, error)) (Tree, error) {
	if size == t.tree.size {
		return t.tree, nil
	}
	out := Tree{size: size &^ (trunkLeaves - 1)}
	for level := trunkLevel; size>>level > 0; level++ {
		// Of each level the last complete subtree, as if leaves had been added one by one.
		out.edge[level] = t.levels[level-trunkLevel][size>>level-1]
	}
	for i := out.size; i < size; i++ {
		h, err := leaf(i)
		if err != nil {
			return Tree{}, err
		}
		out.Append(h)
	}
	return out, nil
}

// MarshalBinary writes the trunk down.
func (t Trunk) MarshalBinary() ([]byte, error) {
	b, err := t.tree.MarshalBinary()
	if err != nil {
		return nil, err
	}
	for _, level := range t.levels[:min(1, len(t.levels))] { // those above follow
		for _, h := range level {
			b = append(b, h[:]...)
		}
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (t *Trunk) UnmarshalBinary(b []byte) error {
	*t = Trunk{}
	if len(b) < 8 {
		return errNotATree
	}
	edge := 8 + bits.OnesCount64(binary.BigEndian.Uint64(b))*len(Hash{}) // the tree stands first and says its size
	if len(b) < edge {
		return errNotATree
	}
	if err := t.tree.UnmarshalBinary(b[:edge]); err != nil {
		return err
	}
	b = b[edge:]
	if int64(len(b)) != t.tree.size/trunkLeaves*int64(len(Hash{})) {
		return errNotATree
	}
	var level []Hash
	for ; len(b) > 0; b = b[len(Hash{}):] {
		level = append(level, Hash(b))
	}
	for len(level) > 0 {
		t.levels = append(t.levels, level)
		var above []Hash
		for i := 0; i+1 < len(level); i += 2 {
			above = append(above, tlog.NodeHash(level[i], level[i+1]))
		}
		level = above
	}
	return nil
}
