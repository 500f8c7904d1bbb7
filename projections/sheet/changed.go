package sheet

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"

	"fundledger/events"
)

// Streams lists the formats in which a sheet can be followed.
var Streams = []string{"text", "json", "csv"}

// A Stream writes a sheet again and again as it changes, for programs that follow it in a pipe:
//
//	json   a line for each change: [Changed], after the number of the event after which it is so
//	csv    one heading, then the rows of the main table that have changed and the total where it has, each with that number in known_at. There are no
//	       notes: what a column adds up to is not to be seen from some of its rows
//	text   all of the sheet for each change, with an empty line after it
type Stream struct {
	w      io.Writer
	format string
	o      Options
	before *Sheet
}

// NewStream returns a stream of nothing yet. A format that is none of [Streams] is a [events.BadValue], as in [Write].
func NewStream(w io.Writer, format string, o Options) (*Stream, error) {
	if !slices.Contains(Streams, format) {
		return nil, choice("format", format, Streams)
	}
	o, err := o.filled()
	o.stream = true
	return &Stream{w: w, format: format, o: o}, err
}

// Write writes what has changed since the last sheet was written, with one call of the writer, so that nobody reads half a change; where nothing has, nothing is
// written. n is the number of the event after which it is so.
func (st *Stream) Write(s *Sheet, n events.Seq) error {
	changed := Changed(st.before, s)
	st.before = s
	if changed == nil {
		return nil
	}
	var out bytes.Buffer
	var err error
	switch st.format {
	case "json":
		changed.Head = slices.Concat([]Member{{Name: "seq", Value: Number(n)}}, changed.Head)
		var lines bytes.Buffer
		if err = WriteJSON(&lines, changed, st.o); err == nil {
			err = json.Compact(&out, lines.Bytes())
		}
		out.WriteByte('\n')
	case "csv":
		if changed.Tables[0].Name != s.Tables[0].Name {
			return nil
		}
		err = WriteCSV(&out, changed, st.o)
		st.o.headed = true
	default:
		err = WriteText(&out, s, st.o)
		out.WriteByte('\n')
	}
	if err != nil {
		return err
	}
	_, err = out.WriteTo(st.w)
	return err
}

// Changed returns what of a sheet differs from an earlier one: of the main table, the rows that differ and the total where it does; of the others,
// those that differ, whole. It is nil where nothing does. before may be nil.
func Changed(before, after *Sheet) *Sheet {
	out := *after
	out.Tables = nil
	for i, t := range after.Tables {
		if before == nil {
			out.Tables = append(out.Tables, t)
			continue
		}
		old := before.Tables[i]
		was := map[string]Row{}
		var all []Row
		for r := range old.Rows {
			was[r.Cells[0].text] = r
			all = append(all, r)
		}
		changed := *t
		var rows []Row
		var now []Row
		for r := range t.Rows {
			now = append(now, r)
			if old, ok := was[r.Cells[0].text]; !ok || !reflect.DeepEqual(old.Cells, r.Cells) {
				rows = append(rows, r)
			}
		}
		if i > 0 {
			if !reflect.DeepEqual(all, now) {
				out.Tables = append(out.Tables, t)
			}
			continue
		}
		changed.Rows = Rows(rows...)
		if t.Total != nil && old.Total != nil && reflect.DeepEqual(old.Total.Cells, t.Total.Cells) {
			changed.Total = nil
		}
		if len(rows) > 0 || changed.Total != nil {
			out.Tables = append(out.Tables, &changed)
		}
	}
	if len(out.Tables) == 0 {
		return nil
	}
	return &out
}
