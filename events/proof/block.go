package proof

import "bytes"

// A Block is lines of a log that are stored together, each with its leaf. Leaves are made as lines come in, so that storing the block does not wait for
// them. The zero Block is empty. A Block is not to be copied and then both added to.
type Block struct {
	// Text is the lines, each ended by LF. What is appended to it is a line when [Block.End] is called.
	Text   []byte
	ends   []int // where in Text each line ends
	leaves []Hash
}

// BlockOf returns the block of some lines, each ended by LF. What stands behind the last LF is none.
func BlockOf(text []byte) *Block {
	b := &Block{}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutSuffix(line, []byte("\n")); ok {
			b.Text = append(b.Text, rest...)
			b.End()
		}
	}
	return b
}

// Len is the number of lines.
func (b *Block) Len() int { return len(b.ends) }

func (b *Block) start(i int) int {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

// Line returns line i, without its LF.
func (b *Block) Line(i int) []byte { return b.Text[b.start(i) : b.ends[i]-1] }

// Leaf returns the leaf of line i.
func (b *Block) Leaf(i int) Hash { return b.leaves[i] }

// Open returns how long what was appended since the last line is.
func (b *Block) Open() int { return len(b.Text) - b.start(len(b.ends)) }

// End makes a line of what was appended since the last.
func (b *Block) End() {
	b.leaves = append(b.leaves, Leaf(b.Text[b.start(len(b.ends)):]))
	b.Text = append(b.Text, '\n')
	b.ends = append(b.ends, len(b.Text))
}

// Cut leaves the first n lines.
func (b *Block) Cut(n int) {
	b.Text, b.ends, b.leaves = b.Text[:b.start(n)], b.ends[:n], b.leaves[:n]
}
