package proof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestTrunkGivesEverySize(t *testing.T) {
	t.Parallel()
	const n = 2100
	var trunk Trunk
	var tree Tree
	leaves := make([]Hash, n)
	roots := []Hash{tree.Root()}
	for i := range n {
		leaves[i] = Leaf(fmt.Append(nil, i))
		trunk.Append(tree.Grow(leaves[i]))
		roots = append(roots, tree.Root())
	}
	data, err := trunk.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back Trunk
	if err := back.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	grown := tree
	for i := range 300 { // it grows on
		back.Append(grown.Grow(Leaf(fmt.Append(nil, "more", i))))
	}
	if got, err := back.At(n+300, nil); err != nil || got.Root() != grown.Root() {
		t.Errorf("grown on it has the root %v, want %v, %v", got.Root(), grown.Root(), err)
	}
	for _, from := range []*Trunk{&trunk, &back} {
		for size := range int64(n + 1) {
			asked := 0
			got, err := from.At(size, func(i int64) (Hash, error) {
				asked++
				return leaves[i], nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Root() != roots[size] || got.Size() != size || asked > 255 || size == from.Size() && asked > 0 {
				t.Fatalf("at %d: size %d, root %v, want %v; %d leaves asked for", size, got.Size(), got.Root(), roots[size], asked)
			}
			// It goes on growing as the tree did.
			if got.Append(Leaf(fmt.Append(nil, size))); size < n && got.Root() != roots[size+1] {
				t.Fatalf("at %d: it grows otherwise", size)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := trunk.At(300, func(int64) (Hash, error) { return Hash{}, broken }); !errors.Is(err, broken) {
		t.Errorf("a leaf that cannot be read: %v", err)
	}
}

func TestTrunkThatIsNone(t *testing.T) {
	t.Parallel()
	var trunk Trunk
	var tree Tree
	for i := range 600 {
		trunk.Append(tree.Grow(Leaf(fmt.Append(nil, i))))
	}
	data, _ := trunk.MarshalBinary()
	for _, n := range []int{0, 7, 8, 40, len(data) - 32, len(data) - 1} {
		if (&Trunk{}).UnmarshalBinary(data[:n]) == nil {
			t.Errorf("%d of %d bytes are taken for a trunk", n, len(data))
		}
	}
	if (&Trunk{}).UnmarshalBinary(append(data, 0)) == nil {
		t.Error("a byte too many is taken")
	}
}

func TestLeavesBesideATrunk(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "leaves"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var trunk Trunk
	var tree Tree
	var leaves []Hash
	for i := range 1000 {
		leaves = append(leaves, Leaf(fmt.Append(nil, i)))
		if full := trunk.Append(tree.Grow(leaves[i])); full != nil {
			if err := trunk.Keep(f, full); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range int64(1000) {
		got := trunk.Kept(f, i)
		if i >= 768 {
			if got != nil {
				t.Fatalf("leaf %d is not among complete ones, and there are %d", i, len(got))
			}
			continue
		}
		if len(got) != 256 || got[i%256] != leaves[i] {
			t.Fatalf("of leaf %d there are %d", i, len(got))
		}
	}
	// What is not the tree's is none.
	if _, err := f.WriteAt([]byte{0xff}, 300*32); err != nil {
		t.Fatal(err)
	}
	if trunk.Kept(f, 511) != nil || trunk.Kept(f, 255) == nil || trunk.Kept(f, 512) == nil {
		t.Error("a changed leaf is taken, or others are not")
	}
	if err := f.Truncate(600 * 32); err != nil {
		t.Fatal(err)
	}
	if trunk.Kept(f, 600) != nil || trunk.Kept(f, 0) == nil {
		t.Error("a file that was cut is taken, or what is left of it is not")
	}
}
