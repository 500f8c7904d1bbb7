package events

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The scanners below read JSON that has been checked as a whole ([checkObject]); they check nothing again. Reading a command's nested objects
// with a decoder each would cost ten times as much as everything else.

// A member is one name and value of a JSON object.
type member struct {
	name  string
	value jsontext.Value
}

// members appends the members of a checked object to to. Values are parts of raw.
func members(raw []byte, to []member) []member {
	for i := afterSpace(raw, 1); raw[i] != '}'; {
		end := afterString(raw, i)
		name := nameOf(raw[i:end])
		i = afterSpace(raw, afterSpace(raw, end)+1) // the colon
		end = afterValue(raw, i)
		to = append(to, member{name, raw[i:end:end]})
		if i = afterSpace(raw, end); raw[i] == ',' {
			i = afterSpace(raw, i+1)
		}
	}
	return to
}

// elements appends the elements of a checked array to to.
func elements(raw []byte, to []jsontext.Value) []jsontext.Value {
	for i := afterSpace(raw, 1); raw[i] != ']'; {
		end := afterValue(raw, i)
		to = append(to, raw[i:end:end])
		if i = afterSpace(raw, end); raw[i] == ',' {
			i = afterSpace(raw, i+1)
		}
	}
	return to
}

func afterSpace(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\r' || raw[i] == '\n' {
		i++
	}
	return i
}

// afterString returns the place after the string that begins at i.
func afterString(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// afterValue returns the place after the value that begins at i, within an object or array.
func afterValue(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return afterString(raw, i)
	case '{', '[':
		for depth := 0; ; {
			switch raw[i] {
			case '"':
				i = afterString(raw, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			if i++; depth == 0 {
				return i
			}
		}
	}
	return i + bytes.IndexAny(raw[i:], ",]} \t\r\n")
}

// unquote returns the text of a checked JSON string.
func unquote(v jsontext.Value) string {
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	b, _ := jsontext.AppendUnquote(nil, v) // fails on what is not well formed alone
	return string(b)
}

// nameOf is unquote for names and for values that are one of several words; those of the format cost no memory.
func nameOf(v jsontext.Value) string {
	if name, ok := knownWords[string(v[1:len(v)-1])]; ok {
		return name
	}
	return unquote(v)
}

var knownWords = func() map[string]string {
	all := map[string]string{}
	for name := range anyKind {
		all[name] = name
	}
	for _, s := range []string{
		"specversion id source type time sequence data command actor role rules flags currency decimals zone from to postings",
		"year line measure amount date counts lot channel basis dims of_year of_line",
		"code name parent name_en reserve was description class account bank count ref issuer number document table cell purpose note documents payee",
		"function econ_gov econ_dep source district project",
	} {
		for name := range strings.FieldsSeq(s) {
			all[name] = name
		}
	}
	addWords(all, Kinds)
	addWords(all, Causes)
	addWords(all, Bases)
	addWords(all, Channels)
	addWords(all, Methods)
	addWords(all, Measures)
	addWords(all, modes)
	addWords(all, classes)
	addWords(all, ways)
	addWords(all, Matchings)
	return all
}()

func addWords[T ~string](all map[string]string, words []T) {
	for _, w := range words {
		all[string(w)] = string(w)
	}
}
