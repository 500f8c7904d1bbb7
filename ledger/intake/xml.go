package intake

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A tags walks over the tags of a part of a workbook. encoding/xml makes several values of each of the millions of cells that a register may have, and excelize reads rows
// either as texts alone, without their kinds and formats, or whole into memory; so the few things that are needed are read here. What such parts do not
// have, document types and entities of one's own, is passed over and never expanded.
type tags struct {
	rest []byte

	name  string // of the tag last read, without its prefix
	open  bool
	empty bool // it opens and closes at once
	attrs []byte
	text  []byte // what stood between the tag before and this
}

func newTags(b []byte) *tags { return &tags{rest: b} }

// next reads the next tag and reports whether there is one.
func (t *tags) next() bool {
	t.text = nil
	for {
		i := bytes.IndexByte(t.rest, '<')
		if i < 0 {
			return false
		}
		t.add(t.rest[:i])
		t.rest = t.rest[i+1:]
		if len(t.rest) == 0 {
			return false
		}
		switch t.rest[0] {
		case '?':
			if !t.skip("?>") {
				return false
			}
			continue
		case '!':
			switch {
			case bytes.HasPrefix(t.rest, []byte("!--")):
				if !t.skip("-->") {
					return false
				}
			case bytes.HasPrefix(t.rest, []byte("![CDATA[")):
				end := bytes.Index(t.rest, []byte("]]>"))
				if end < 0 {
					return false
				}
				t.add(escaped(t.rest[len("![CDATA["):end]))
				t.rest = t.rest[end+3:]
			default:
				if !t.skip(">") {
					return false
				}
			}
			continue
		}
		break
	}
	end := t.end()
	if end < 0 {
		return false
	}
	tag := t.rest[:end]
	t.rest = t.rest[end+1:]
	t.open, t.empty = true, false
	if len(tag) > 0 && tag[0] == '/' {
		t.open, tag = false, tag[1:]
	} else if len(tag) > 0 && tag[len(tag)-1] == '/' {
		t.empty, tag = true, tag[:len(tag)-1]
	}
	name := tag
	t.attrs = nil
	for i, c := range tag {
		if c <= ' ' {
			name, t.attrs = tag[:i], tag[i+1:]
			break
		}
		if c == ':' {
			name = tag[i+1:]
		}
	}
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	t.name = tagName(name)
	return true
}

// add puts more to the text; a comment and a literal part do not end it.
func (t *tags) add(text []byte) {
	if len(t.text) == 0 {
		t.text = text
	} else if len(text) > 0 {
		t.text = append(slices.Clip(t.text), text...)
	}
}

// tagName avoids a new string for each of the tags that are in every cell.
func tagName(b []byte) string {
	switch string(b) {
	case "c":
		return "c"
	case "v":
		return "v"
	case "row":
		return "row"
	case "is":
		return "is"
	case "t":
		return "t"
	case "f":
		return "f"
	case "si":
		return "si"
	}
	return string(b)
}

func (t *tags) skip(end string) bool {
	i := bytes.Index(t.rest, []byte(end))
	if i < 0 {
		return false
	}
	t.rest = t.rest[i+len(end):]
	return true
}

// end is where the tag ends that has begun; a > within quotes is none.
func (t *tags) end() int {
	i := bytes.IndexByte(t.rest, '>')
	if i < 0 {
		return -1
	}
	double, single := 0, 0
	for _, c := range t.rest[:i] {
		switch c {
		case '"':
			double++
		case '\'':
			single++
		}
	}
	if double%2 == 0 && single%2 == 0 {
		return i
	}
	quote := byte(0)
	for i, c := range t.rest {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// attr returns an attribute of the tag, "" where it has none of that name. Prefixes count: r:id is another than id.
func (t *tags) attr(name string) string { return string(t.rawAttr(name)) }

func (t *tags) rawAttr(name string) []byte {
	for b := t.attrs; ; {
		key, value, rest, ok := cutAttr(b)
		if !ok {
			return nil
		}
		if string(key) == name {
			return unescaped(value)
		}
		b = rest
	}
}

// related is the id of a relation, r:id in most files; a program may call the prefix otherwise.
func (t *tags) related() string {
	for b := t.attrs; ; {
		key, value, rest, ok := cutAttr(b)
		if !ok {
			return ""
		}
		if bytes.HasSuffix(key, []byte(":id")) {
			return string(unescaped(value))
		}
		b = rest
	}
}

// cutAttr cuts off the first attribute of some.
func cutAttr(b []byte) (key, value, rest []byte, ok bool) {
	start := 0
	for start < len(b) && b[start] <= ' ' {
		start++
	}
	end := start
	for end < len(b) && b[end] != '=' && b[end] > ' ' {
		end++
	}
	at := end
	for at < len(b) && (b[at] <= ' ' || b[at] == '=') {
		at++
	}
	if at >= len(b) || b[at] != '"' && b[at] != '\'' {
		return nil, nil, nil, false
	}
	quote := bytes.IndexByte(b[at+1:], b[at])
	if quote < 0 {
		return nil, nil, nil, false
	}
	return b[start:end], b[at+1 : at+1+quote], b[at+2+quote:], true
}

// escaped makes of a literal text one in which nothing is an entity.
func escaped(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte("&"), []byte("&amp;"))
}

// unescaped reads the five entities of XML and characters by number; any other stays as it is.
func unescaped(b []byte) []byte {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return b
	}
	out := append(make([]byte, 0, len(b)), b[:i]...)
	for b = b[i:]; len(b) > 0; {
		if b[0] != '&' {
			n := bytes.IndexByte(b, '&')
			if n < 0 {
				n = len(b)
			}
			out = append(out, b[:n]...)
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, ';')
		if end < 0 || end > 10 {
			out, b = append(out, '&'), b[1:]
			continue
		}
		switch name := string(b[1:end]); name {
		case "amp":
			out = append(out, '&')
		case "lt":
			out = append(out, '<')
		case "gt":
			out = append(out, '>')
		case "quot":
			out = append(out, '"')
		case "apos":
			out = append(out, '\'')
		default:
			r, ok := numbered(name)
			if !ok {
				out, b = append(out, '&'), b[1:]
				continue
			}
			out = utf8.AppendRune(out, r)
		}
		b = b[end+1:]
	}
	return out
}

func numbered(name string) (rune, bool) {
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	base, digits := 10, name[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil
}
