package proof

import (
	"encoding/binary"
	"io"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// trunkLeaves is how many leaves stand below the lowest hashes that a [Trunk] keeps: a power of two.
const trunkLeaves, trunkLevel = 256, 8

// A Twig is a leaf, and the complete subtrees of 256 leaves and more that end with it, the smallest first: what a [Trunk] needs to grow, without a hash
// of its own.
type Twig struct {
	Leaf  Hash
	Above []Hash
}

// Grow is [Tree.Append], and returns the twig.
func (t *Tree) Grow(leaf Hash) Twig {
	t.Append(leaf)
	twig := Twig{Leaf: leaf}
	if t.size%trunkLeaves == 0 {
		for level := trunkLevel; level <= bits.TrailingZeros64(uint64(t.size)); level++ {
			twig.Above = append(twig.Above, t.edge[level])
		}
	}
	return twig
}

// A Trunk is a tree without its twigs: the hashes of its complete subtrees of 256 leaves and more, a quarter of a byte for each leaf. It gives the tree as
// it was at any size, to whoever still has the leaves. The zero Trunk has none.
type Trunk struct {
	size   int64
	levels [][]Hash // of subtrees of 256 leaves, of 512, and so on
	last   []Hash   // the leaves after them
}

// Size is the number of leaves.
func (t *Trunk) Size() int64 { return t.size }

// Append adds the twig that the tree had at this size. Where that completes 256 leaves it returns them; they are valid until the next is added.
func (t *Trunk) Append(w Twig) (full []Hash) {
	t.size++
	if t.last = append(t.last, w.Leaf); t.size%trunkLeaves == 0 {
		full = t.last
		t.last = t.last[:0]
	}
	for level, h := range w.Above {
		if level == len(t.levels) {
			t.levels = append(t.levels, nil)
		}
		t.levels[level] = append(t.levels[level], h)
	}
	return full
}

// A File is where leaves are kept outside of memory, so that the tree at a size is there without reading the log. It is a cache: what is read from it is
// held to the trunk.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// Keep writes complete leaves, which [Trunk.Append] returned last, to a file.
func (t *Trunk) Keep(f File, full []Hash) error {
	b := make([]byte, 0, trunkLeaves*len(Hash{}))
	for _, h := range full {
		b = append(b, h[:]...)
	}
	_, err := f.WriteAt(b, t.size*int64(len(Hash{}))-int64(len(b)))
	return err
}

// Kept reads the 256 leaves among which leaf i is; nil where the file does not have them, or not those of the tree.
func (t *Trunk) Kept(f File, i int64) []Hash {
	b := make([]byte, trunkLeaves*len(Hash{}))
	at := i / trunkLeaves
	if len(t.levels) == 0 || at >= int64(len(t.levels[0])) {
		return nil
	}
	if _, err := f.ReadAt(b, at*int64(len(b))); err != nil {
		return nil
	}
	var tree Tree
	leaves := make([]Hash, 0, trunkLeaves)
	for ; len(b) > 0; b = b[len(Hash{}):] {
		leaves = append(leaves, Hash(b))
		tree.Append(Hash(b))
	}
	if tree.edge[trunkLevel] != t.levels[0][at] {
		return nil
	}
	return leaves
}

// At returns the tree of the first size leaves. leaf gives at most 255 of them, in their order, and none where size is that of the trunk. Its error is that of
// leaf.
func (t *Trunk) At(size int64, leaf func(i int64) (Hash, error)) (Tree, error) {
	out := Tree{size: size &^ (trunkLeaves - 1)}
	for level := trunkLevel; size>>level > 0; level++ {
		// Of each level the last complete subtree, as if leaves had been added one by one.
		out.edge[level] = t.levels[level-trunkLevel][size>>level-1]
	}
	here := t.size &^ (trunkLeaves - 1)
	for i := out.size; i < size; i++ {
		if i >= here {
			out.Append(t.last[i-here])
			continue
		}
		h, err := leaf(i)
		if err != nil {
			return Tree{}, err
		}
		out.Append(h)
	}
	return out, nil
}

// MarshalBinary writes the trunk down: its size, its lowest hashes, and the leaves after them.
func (t Trunk) MarshalBinary() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.size))
	parts := [][]Hash{t.last}
	if len(t.levels) > 0 { // those above follow from the lowest
		parts = [][]Hash{t.levels[0], t.last}
	}
	for _, part := range parts {
		for _, h := range part {
			b = append(b, h[:]...)
		}
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (t *Trunk) UnmarshalBinary(b []byte) error {
	*t = Trunk{}
	if len(b) < 8 || b[0]&0x80 != 0 {
		return errNotATree
	}
	t.size = int64(binary.BigEndian.Uint64(b))
	if b = b[8:]; t.size/trunkLeaves > int64(len(b)) || int64(len(b)) != (t.size/trunkLeaves+t.size%trunkLeaves)*int64(len(Hash{})) {
		return errNotATree
	}
	var all []Hash
	for ; len(b) > 0; b = b[len(Hash{}):] {
		all = append(all, Hash(b))
	}
	level := all[:t.size/trunkLeaves]
	t.last = all[len(level):]
	for len(level) > 0 {
		t.levels = append(t.levels, level[:len(level):len(level)])
		var above []Hash
		for i := 0; i+1 < len(level); i += 2 {
			above = append(above, tlog.NodeHash(level[i], level[i+1]))
		}
		level = above
	}
	return nil
}
