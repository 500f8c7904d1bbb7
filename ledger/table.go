package ledger

import (
	"encoding/binary"
	"iter"
)

// A table is a map from keys to numbers other than 0, for millions of them. An entry takes 21 to 32 bytes, the table grows part by part, so that no
// command waits for a large one, and written down in its own order it is back at once. The zero table is empty.
type table struct {
	parts   [64]part
	n       int
	touched number // what touch has read, so that the reading is not left out
}

// A part is open addressing with linear probing. Keys are random already, so a few of their bits say where to look first.
type part struct {
	slots []slot
	used  int
}

// A slot is an entry, or free while its number is 0.
type slot struct {
	key key
	n   number
}

const entrySize = len(key{}) + 4

func (t *table) part(k *key) *part { return &t.parts[k[0]%byte(len(t.parts))] }

// home is where the search for a key begins.
func (p *part) home(k *key) int {
	return int(uint64(binary.LittleEndian.Uint32(k[1:])) * uint64(len(p.slots)) >> 32)
}

// find returns the slot that has a key, or the free one where it would be put. There must be a free slot.
func (p *part) find(k *key) *slot {
	for i := p.home(k); ; {
		s := &p.slots[i]
		if s.n == 0 || s.key == *k {
			return s
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
}

// touch reads where the search for a key begins.
func (t *table) touch(k *key) {
	if p := t.part(k); len(p.slots) > 0 {
		t.touched += p.slots[p.home(k)].n
	}
}

// get returns the number of a key, 0 where there is none.
func (t *table) get(k key) number {
	p := t.part(&k)
	if len(p.slots) == 0 {
		return 0
	}
	return p.find(&k).n
}

// set gives a key a number; 0 takes it out.
func (t *table) set(k key, n number) {
	p := t.part(&k)
	if n == 0 {
		if t.get(k) != 0 {
			p.drop(p.find(&k))
			t.n--
		}
		return
	}
	if 4*(p.used+1) > 3*len(p.slots) {
		p.grow(max(8, len(p.slots)+len(p.slots)/2))
	}
	s := p.find(&k)
	if s.n == 0 {
		p.used++
		t.n++
	}
	*s = slot{k, n}
}

func (p *part) grow(size int) {
	old := p.slots
	p.slots = make([]slot, size)
	for i := range old {
		if old[i].n != 0 {
			*p.find(&old[i].key) = old[i]
		}
	}
}

// drop frees a slot, and moves up what would not be found behind it any more.
func (p *part) drop(s *slot) {
	hole := p.home(&s.key)
	for &p.slots[hole] != s {
		hole = (hole + 1) % len(p.slots)
	}
	for i := (hole + 1) % len(p.slots); p.slots[i].n != 0; i = (i + 1) % len(p.slots) {
		home := p.home(&p.slots[i].key)
		// It may move to the hole unless its search begins behind that.
		behind := hole < home && home <= i
		if i < hole {
			behind = hole < home || home <= i
		}
		if !behind {
			p.slots[hole] = p.slots[i]
			hole = i
		}
	}
	p.slots[hole] = slot{}
	p.used--
}

// all yields every entry, in the order in which they are put back fastest.
func (t *table) all() iter.Seq2[key, number] {
	return func(yield func(key, number) bool) {
		for i := range t.parts {
			for _, s := range t.parts[i].slots {
				if s.n != 0 && !yield(s.key, s.n) {
					return
				}
			}
		}
	}
}

// flat writes a table down: how many entries each part has, then the entries.
func (t *table) flat() []byte {
	b := make([]byte, 0, 4*len(t.parts)+entrySize*t.n)
	for i := range t.parts {
		b = binary.LittleEndian.AppendUint32(b, uint32(t.parts[i].used))
	}
	for k, n := range t.all() {
		b = append(b, k[:]...)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// unflat reads what flat wrote. It reports false for anything else.
func (t *table) unflat(b []byte) bool {
	*t = table{}
	if len(b) < 4*len(t.parts) {
		return false
	}
	total := 0
	entries := b[4*len(t.parts):]
	for i := range t.parts {
		used := int(binary.LittleEndian.Uint32(b[4*i:]))
		if total += used; entrySize*total > len(entries) {
			return false
		}
		if used > 0 {
			t.parts[i].grow(max(8, used+used/2))
		}
	}
	if entrySize*total != len(entries) {
		return false
	}
	for ; len(entries) > 0; entries = entries[entrySize:] {
		k := key(entries)
		p := t.part(&k)
		if p.used == len(p.slots)*3/4 {
			return false
		}
		s := p.find(&k)
		n := number(binary.LittleEndian.Uint32(entries[len(k):]))
		if s.n != 0 || n == 0 {
			return false
		}
		*s = slot{k, n}
		p.used++
		t.n++
	}
	return true
}
