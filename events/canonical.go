package events

import (
	"bytes"
	"crypto/sha1"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Key returns the id of a command that was given none: a UUIDv5 of its RFC 8785 form, LF and the ordinal (1, 2 …) among the equal commands of
// one input, so that the same file twice posts nothing twice.
func Key(raw []byte, ordinal int) (ID, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	named, err := appendCanonical(append((*buf)[:0], keySpace[:]...), raw)
	if err != nil {
		return "", err
	}
	named = append(named, '\n')
	named = strconv.AppendInt(named, int64(ordinal), 10)
	*buf = named
	sum := sha1.Sum(named)
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 5<<4 // version
	id[8] = id[8]&0x3f | 0x80 // variant
	return ID(id.String()), nil
}

var keySpace = uuid.MustParse("d850ed6e-cb6a-5ef7-bd1d-77ee78a2ba50")

// buffers are for what is written in order to be hashed or copied.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Canonical returns a command in its RFC 8785 form, in which equal commands are equal bytes.
func Canonical(raw []byte) ([]byte, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	canon, err := appendCanonical((*buf)[:0], raw)
	if err != nil {
		return nil, err
	}
	*buf = canon
	return bytes.Clone(canon), nil
}

// appendCanonical appends the canonical form of raw to out.
func appendCanonical(out, raw []byte) ([]byte, error) {
	if canon, ok := quickCanonical(out, raw); ok {
		return canon, nil
	}
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Canonicalize(); err != nil {
		return nil, malformed(err, raw)
	}
	return append(out, v...), nil
}

// quickCanonical is appendCanonical for commands of the usual form: names in ASCII, nothing escaped, whole numbers.
func quickCanonical(out, raw []byte) ([]byte, bool) {
	if !plain(raw) {
		return nil, false
	}
	q := quick{b: raw}
	out = q.canonical(out, 0)
	q.blanks()
	return out, !q.doubt && q.i == len(raw)
}

// canonical appends the value that is next to out.
func (q *quick) canonical(out []byte, depth int) []byte {
	q.blanks()
	from := q.i
	switch c := q.peek(); {
	case depth > 8:
		q.fail()
	case c == '{':
		return q.canonicalObject(out, depth)
	case c == '[':
		q.i++
		out = append(out, '[')
		for n := 0; q.more(n, ']'); n++ {
			if n > 0 {
				out = append(out, ',')
			}
			out = q.canonical(out, depth+1)
		}
		return append(out, ']')
	case c == '"':
		q.quoted()
	case c >= '1' && c <= '9' && q.whole() < 1<<53: // beyond that RFC 8785 rounds
	case !q.may("0") && !q.may("true") && !q.may("false") && !q.may("null"):
		q.fail()
	}
	return append(out, q.b[from:q.i]...)
}

// A span is where the member of an object stands in the output, with its name.
type span struct {
	prefix   uint64 // the first eight bytes of the name, which mostly decide the order
	from, to int32
	name     int32 // its length
}

func (s span) nameIn(out []byte) []byte { return out[s.from+1:][:s.name] }

func (q *quick) canonicalObject(out []byte, depth int) []byte {
	var buf [24]span
	n, sorted := 0, true
	q.i++
	out = append(out, '{')
	begin := len(out)
	for {
		name, more := q.member(n)
		if !more {
			break
		}
		prefix, ascii := prefixOf(name)
		if n == len(buf) || !ascii {
			q.fail()
			break
		}
		if n > 0 {
			out = append(out, ',')
		}
		s := span{prefix: prefix, from: int32(len(out)), name: int32(len(name))}
		out = append(out, '"')
		out = append(out, name...)
		out = append(out, '"', ':')
		sorted = sorted && (n == 0 || inOrder(out, buf[n-1], s))
		out = q.canonical(out, depth+1)
		s.to = int32(len(out))
		buf[n] = s
		n++
	}
	if !sorted {
		out = q.reorder(out, begin, buf[:n])
	}
	return append(out, '}')
}

// reorder sorts the members that out ends with, from begin on. A name that is there twice is a doubt.
func (q *quick) reorder(out []byte, begin int, members []span) []byte {
	for i, m := range members {
		j := i
		for ; j > 0 && !inOrder(out, members[j-1], m); j-- {
			members[j] = members[j-1]
		}
		members[j] = m
	}
	end := len(out)
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
			if !inOrder(out, members[i-1], m) {
				q.fail()
			}
		}
		out = append(out, out[m.from:m.to]...)
	}
	copy(out[begin:], out[end:])
	return out[:end]
}

// inOrder reports whether the name of a comes before that of b.
func inOrder(out []byte, a, b span) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return bytes.Compare(a.nameIn(out), b.nameIn(out)) < 0
}

// prefixOf returns the first eight bytes of a name as a number in their order, and whether it is all in ASCII.
func prefixOf(name []byte) (prefix uint64, ascii bool) {
	for i, c := range name {
		if c >= utf8.RuneSelf {
			return 0, false
		}
		if i < 8 {
			prefix |= uint64(c) << (56 - 8*i)
		}
	}
	return prefix, true
}
