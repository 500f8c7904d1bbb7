package events

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A quick reads JSON of the usual form in one pass, without a tree and with hardly any memory: no white space but blanks, nothing escaped, no name
// unknown or twice. On anything else it doubts, which says nothing about the text: the readers of package jsontext, to which it is then left, decide
// whether it is good, and word what is wrong. What is read without a doubt they would have read just so.
type quick struct {
	b     []byte
	i     int
	lean  bool // without the fields that [Event.Skim] leaves out
	doubt bool

	likely likely
	// texts has the texts that are kept, one after the other in one piece of memory, so that they neither cost one each nor hold on to b.
	texts strings.Builder
}

// Eight bytes at a time: ones times a byte is that byte eight times, and highs are their highest bits.
const ones, highs = 0x0101010101010101, 0x8080808080808080

// The likely are values that may well come again, from the same line or the one before. They are neither kept nor parsed twice.
type likely struct {
	id      ID
	fund    Fund
	line    Line
	date    Date
	payee   Payee
	voucher Voucher
	dims    Dims
}

// plain reports whether b is UTF-8 without control characters and escapes, so that a string in it ends at the next quotation mark.
func plain(b []byte) bool {
	for len(b) > 0 {
		if len(b) >= 8 {
			w := binary.LittleEndian.Uint64(b)
			slash := w ^ '\\'*ones // a zero byte where a backslash is
			if w&highs == 0 {
				if ((w-' '*ones)|(slash-ones))&highs != 0 {
					return false
				}
				b = b[8:]
				continue
			}
		}
		switch c := b[0]; {
		case c < ' ' || c == '\\':
			return false
		case c < utf8.RuneSelf:
			b = b[1:]
		case c > 0xE0 && c < 0xED && len(b) >= 3 && b[1]&0xC0 == 0x80 && b[2]&0xC0 == 0x80: // nearly all Chinese characters
			b = b[3:]
		default:
			_, n := utf8.DecodeRune(b)
			if n == 1 {
				return false
			}
			b = b[n:]
		}
	}
	return true
}

// fail notes a doubt and ends the reading.
func (q *quick) fail() {
	q.doubt, q.i = true, len(q.b)
}

// peek returns the next byte, and 0 at the end.
func (q *quick) peek() byte {
	if q.i < len(q.b) {
		return q.b[q.i]
	}
	return 0
}

// take steps over c, if it is next.
func (q *quick) take(c byte) bool {
	if q.i < len(q.b) && q.b[q.i] == c {
		q.i++
		return true
	}
	return false
}

// must steps over s, which has to be next.
func (q *quick) must(s string) {
	if !q.may(s) {
		q.fail()
	}
}

// may steps over s, if it is next.
func (q *quick) may(s string) bool {
	if end := q.i + len(s); end <= len(q.b) && string(q.b[q.i:end]) == s {
		q.i = end
		return true
	}
	return false
}

func (q *quick) blanks() {
	for q.i < len(q.b) && q.b[q.i] == ' ' {
		q.i++
	}
}

// open steps over the bracket that begins an object or a list.
func (q *quick) open(c byte) {
	if !q.take(c) {
		q.fail()
	}
}

// more reports whether the n-th element of a list, or member of an object, is still to come before the bracket c that ends it.
func (q *quick) more(n int, c byte) bool {
	q.blanks()
	switch {
	case q.doubt || q.take(c):
		return false
	case n > 0:
		if !q.take(',') {
			q.fail()
			return false
		}
		q.blanks()
	}
	return true
}

// member reads the n-th name of an object and its colon. It reports false at the end of the object.
func (q *quick) member(n int) (name []byte, ok bool) {
	if n > 0 && q.may(`,"`) { // as it mostly is
		name = q.rest()
	} else if q.more(n, '}') {
		name = q.quoted()
	} else {
		return nil, false
	}
	if !q.take(':') {
		q.blanks()
		q.open(':')
	}
	q.blanks()
	return name, !q.doubt
}

// quoted reads a string.
func (q *quick) quoted() []byte {
	if !q.take('"') {
		q.fail()
		return nil
	}
	return q.rest()
}

// rest reads what is left of a string, which has to be plain. Everything else in the text is looked at byte by byte, so no other place can hide anything.
func (q *quick) rest() []byte {
	b, i := q.b, q.i
	odd := uint64(0)
	for ; i+8 <= len(b); i += 8 { // most strings are short: a call to find the end would take longer
		w := binary.LittleEndian.Uint64(b[i:])
		mark, slash := w^'"'*ones, w^'\\'*ones
		quote := (mark - ones) &^ mark & highs
		strange := w | (w - ' '*ones) | (slash - ones) // its highest bits: of more than ASCII, a control character, a backslash
		if quote != 0 {
			before := quote&-quote - 1 // all bits below the first quotation mark
			return q.upTo(i+bits.TrailingZeros64(quote)/8, (odd|strange&before)&highs != 0)
		}
		odd |= strange
	}
	for ; i < len(b); i++ {
		if b[i] == '"' {
			return q.upTo(i, true)
		}
	}
	q.fail()
	return nil
}

// upTo returns what stands before i, and steps over what stands there. odd says that it may not be plain.
func (q *quick) upTo(i int, odd bool) []byte {
	v := q.b[q.i:i]
	if odd && !plain(v) {
		q.fail()
		return nil
	}
	q.i = i + 1
	return v
}

// whole reads a whole number without a sign or zeros in front.
func (q *quick) whole() int64 {
	from, n := q.i, int64(0)
	for q.i < len(q.b) && q.b[q.i]-'0' <= 9 {
		n = n*10 + int64(q.b[q.i]-'0')
		q.i++
	}
	if digits := q.i - from; digits == 0 || digits > 18 || digits > 1 && q.b[from] == '0' {
		q.fail()
		return 0
	}
	return n
}

// count reads a number from 1 that fits in 32 bits.
func (q *quick) count() int {
	n := q.whole()
	if n < 1 || n > math.MaxInt32 {
		q.fail()
	}
	return int(n)
}

func (q *quick) seq() Seq {
	n := q.whole()
	if n == 0 {
		q.fail()
	}
	return Seq(n)
}

func (q *quick) year() Year {
	n := q.whole()
	if n < firstYear || n > lastYear {
		q.fail()
	}
	return Year(n)
}

// keep makes a text of v that outlives the line or command.
func (q *quick) keep(v []byte) string {
	from := q.texts.Len()
	q.texts.Write(v)
	return q.texts.String()[from:]
}

// again is keep for what may be the text that was.
func (q *quick) again(v []byte, was string) string {
	if string(v) == was {
		return was
	}
	return q.keep(v)
}

// parsed returns what a parser makes of v.
func parsed[T any](q *quick, v []byte, parser func(string) (T, error)) T {
	got, err := parser(q.keep(v))
	if err != nil {
		q.fail()
	}
	return got
}

// same is parsed of what may be the value that was, which a parser made.
func same[T ~string](q *quick, v []byte, was T, parser func(string) (T, error)) T {
	if len(v) > 0 && string(v) == string(was) {
		return was
	}
	return parsed(q, v, parser)
}

// date reads the rest of a date that may be the one that was.
func (q *quick) date(was Date) Date {
	v := q.rest()
	if len(v) > 0 && string(v) == was.text {
		return was
	}
	return parsed(q, v, ParseDate)
}

// oneOf reads one of several words.
func oneOf[T ~string](q *quick, of []T) T {
	v := q.quoted()
	for _, w := range of {
		if string(v) == string(w) {
			return w
		}
	}
	q.fail()
	return ""
}

// text reads a text of a command.
func (q *quick) text(most int) []byte {
	v := q.quoted()
	if !isText(v, most) {
		q.fail()
		return nil
	}
	return v
}

// isText reports whether v is not only white space and has at most so many characters.
func isText(v []byte, most int) bool {
	if r, _ := utf8.DecodeRune(v); len(v) <= most && !unicode.IsSpace(r) {
		return len(v) > 0
	}
	return len(bytes.TrimSpace(v)) > 0 && utf8.RuneCount(v) <= most
}
