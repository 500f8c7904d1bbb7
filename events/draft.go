package events

import "strconv"

// A Draft is a JSON object that is being written, as those who make commands from forms, registers and proposals need it. Members stand in the
// order in which they were given; what is empty is left out, so that a field which nobody filled in is none. The zero Draft has no members.
//
// A Draft checks nothing: whether it is a command is said by [ParseCommand] alone.
type Draft struct{ b []byte }

// NewDraft begins a command of a kind. year is left out where it is 0.
func NewDraft(kind Kind, fund Fund, year Year) *Draft {
	d := &Draft{}
	return d.Text("kind", string(kind)).Text("fund", string(fund)).Number("year", int64(year))
}

func (d *Draft) name(name string) {
	if len(d.b) == 0 {
		d.b = append(d.b, '{')
	} else {
		d.b = append(d.b, ',')
	}
	d.b = append(quoted(d.b, name), ':')
}

// Empty reports whether no member has been given.
func (d *Draft) Empty() bool { return d == nil || len(d.b) == 0 }

// Text adds a text.
func (d *Draft) Text(name, value string) *Draft {
	if value != "" {
		d.name(name)
		d.b = quoted(d.b, value)
	}
	return d
}

// Number adds a whole number; 0 is left out.
func (d *Draft) Number(name string, n int64) *Draft {
	if n != 0 {
		d.name(name)
		d.b = strconv.AppendInt(d.b, n, 10)
	}
	return d
}

// Truth adds a truth value, also a false one.
func (d *Draft) Truth(name string, yes bool) *Draft {
	d.name(name)
	d.b = strconv.AppendBool(d.b, yes)
	return d
}

// Raw adds a value that is JSON already, such as a member of another command; an empty one is left out.
func (d *Draft) Raw(name string, value []byte) *Draft {
	if len(value) > 0 {
		d.name(name)
		d.b = append(d.b, value...)
	}
	return d
}

// Ref adds a reference to an event.
func (d *Draft) Ref(name string, r Ref) *Draft {
	if !r.IsZero() {
		d.name(name)
		d.b = appendRef(d.b, r)
	}
	return d
}

func appendRef(b []byte, r Ref) []byte {
	if r.Seq != 0 {
		return strconv.AppendUint(b, uint64(r.Seq), 10)
	}
	return quoted(b, string(r.ID))
}

// Refs adds a list of references.
func (d *Draft) Refs(name string, rs []Ref) *Draft {
	return list(d, name, rs, appendRef)
}

// Texts adds a list of texts.
func (d *Draft) Texts(name string, values []string) *Draft {
	return list(d, name, values, quoted)
}

// Dims adds classifications.
func (d *Draft) Dims(name string, dims Dims) *Draft {
	inner := &Draft{}
	for _, dim := range dims {
		inner.Text(dim.Key, dim.Value)
	}
	return d.Object(name, inner)
}

// Object adds an object.
func (d *Draft) Object(name string, inner *Draft) *Draft {
	if !inner.Empty() {
		d.name(name)
		d.b = append(d.b, inner.JSON()...)
	}
	return d
}

// Objects adds a list of objects.
func (d *Draft) Objects(name string, inner []*Draft) *Draft {
	return list(d, name, inner, func(b []byte, o *Draft) []byte { return append(b, o.JSON()...) })
}

func list[T any](d *Draft, name string, values []T, appendTo func([]byte, T) []byte) *Draft {
	if len(values) == 0 {
		return d
	}
	d.name(name)
	for i, v := range values {
		d.b = append(d.b, "[,"[min(i, 1)])
		d.b = appendTo(d.b, v)
	}
	d.b = append(d.b, ']')
	return d
}

// JSON returns the object on one line, without the line's end.
func (d *Draft) JSON() []byte {
	if d.Empty() {
		return []byte("{}")
	}
	return append(d.b[:len(d.b):len(d.b)], '}')
}
