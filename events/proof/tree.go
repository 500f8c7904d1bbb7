// Package proof is the Merkle tree over a fund's events: RFC 6962, SHA-256, one leaf for each event in their order. A leaf is the event's line
// as stored, without its LF. The arithmetic is that of golang.org/x/mod/sumdb/tlog; this package keeps just as much of a tree as is needed to
// add to it.
package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A Hash is the hash of a leaf, a node or a tree. It is written in base64.
type Hash = tlog.Hash

// ParseHash reads what Hash.String writes.
func ParseHash(s string) (Hash, error) { return tlog.ParseHash(s) }

// Leaf returns the hash of an event's line: SHA-256 of 0x00 and the line.
func Leaf(line []byte) Hash { return tlog.RecordHash(line) }

// A Tree is the right edge of a tree: for each level the last complete subtree, which is all that adding a leaf or computing the root needs. The
// zero Tree has no leaves. A Tree may be copied; the copy grows on its own.
type Tree struct {
	size int64
	edge [63]Hash
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf. It costs as many hashes as the tree gains complete subtrees: one on average.
func (t *Tree) Append(leaf Hash) {
	hash := leaf
	for level := range t.edge {
		left := t.edge[level]
		t.edge[level] = hash
		if t.size>>level&1 == 0 { // it is the first of its pair
			break
		}
		hash = tlog.NodeHash(left, hash)
	}
	t.size++
}

// Root returns the tree's hash; of the empty tree it is SHA-256 of nothing.
func (t *Tree) Root() Hash {
	h, err := tlog.TreeHash(t.size, tlog.HashReaderFunc(t.read))
	if err != nil {
		panic("proof: " + err.Error())
	}
	return h
}

// read answers for the last complete subtree of each level; tlog asks for no other when a leaf is added at the end or a root computed.
func (t *Tree) read(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		if n != t.size>>level-1 {
			return nil, fmt.Errorf("subtree %d of level %d is not the last of a tree of %d leaves", n, level, t.size)
		}
		out[i] = t.edge[level]
	}
	return out, nil
}

var errNotATree = errors.New("proof: not a tree")

// MarshalBinary writes the tree down: its size, and the hashes of the complete subtrees that it is made of, the smallest first.
func (t Tree) MarshalBinary() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.size))
	for level, h := range t.edge {
		if t.size>>level&1 == 1 {
			b = append(b, h[:]...)
		}
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (t *Tree) UnmarshalBinary(b []byte) error {
	if len(b) < 8 || len(b) != 8+bits.OnesCount64(binary.BigEndian.Uint64(b))*len(Hash{}) || b[0]&0x80 != 0 {
		return errNotATree
	}
	*t = Tree{size: int64(binary.BigEndian.Uint64(b))}
	b = b[8:]
	for level := range t.edge {
		if t.size>>level&1 == 1 {
			t.edge[level] = Hash(b)
			b = b[len(Hash{}):]
		}
	}
	return nil
}
