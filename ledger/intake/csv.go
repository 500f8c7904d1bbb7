package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"fundledger/events"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// commas are what may part the cells of a row.
var commas = []rune{',', ';', '\t', '|'}

// openCSV finds out how a text file is written. A file with a byte order mark is what the mark says; one without is UTF-8 where all of it is, else GB18030.
func (f *File) openCSV(head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		f.Encoding, f.Marked = "utf-8", true
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")):
		f.Encoding, f.Marked = "utf-16", true
	case bytes.IndexByte(head, 0) >= 0: // no text at all
		return f.wrong("file-other")
	default:
		valid, err := f.validUTF8()
		if err != nil {
			return err
		}
		f.Encoding = "utf-8"
		if !valid {
			f.Encoding = "gb18030"
		}
	}
	f.Comma = f.guessComma(len(head))
	f.Sheets = []*Sheet{{rows: f.csvRows, size: f.size}}
	return nil
}

// encoding is what the file's text is decoded by and encoded again; nil where it is UTF-8.
func (f *File) encoding() encoding.Encoding {
	switch f.Encoding {
	case "gb18030":
		return simplifiedchinese.GB18030
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	}
	return nil
}

func (f *File) csvText() io.Reader {
	var r io.Reader = io.NewSectionReader(f.source, 0, f.size)
	if e := f.encoding(); e != nil {
		return transform.NewReader(r, e.NewDecoder())
	}
	b := bufio.NewReaderSize(r, 256<<10)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xEF\xBB\xBF")) {
		_, _ = b.Discard(3)
	}
	return b
}

// guessComma takes what parts the first rows into the most cells that have the most names of columns among them.
func (f *File) guessComma(head int) rune {
	best, score := commas[0], -1
	for _, comma := range commas {
		r := csv.NewReader(io.LimitReader(f.csvText(), int64(head)))
		r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
		names, cells := 0, 0
		for range 60 {
			fields, err := r.Read()
			if err != nil {
				break
			}
			known := 0
			for _, field := range fields {
				if isColumn(field) {
					known++
				}
			}
			names, cells = max(names, known), max(cells, len(fields))
		}
		if s := names*1000 + cells; s > score {
			best, score = comma, s
		}
	}
	return best
}

// csvRows yields the rows of a CSV file. A row whose quotes do not close, or which has characters that are none, is an error of that row alone.
func (f *File) csvRows(yield func(*Row, error) bool) {
	r := csv.NewReader(f.csvText())
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = f.Comma, -1, true
	var row Row
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return
		}
		row = Row{Cells: row.Cells[:0], at: r.InputOffset()}
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			row.Number = parse.StartLine
			row.Err = &events.Error{Code: events.Malformed, Why: "row-quotes", Args: events.Args{"row": number(parse.StartLine), "line": number(parse.Line)}}
		case err != nil:
			yield(nil, err)
			return
		default:
			row.Number, _ = r.FieldPos(0)
			if row.Number == 1 && len(fields) <= 2 && strings.HasPrefix(fields[0], "sep=") { // a note to Excel
				continue
			}
		}
		for _, field := range fields {
			if row.Err == nil && (strings.ContainsRune(field, utf8.RuneError) || !utf8.ValidString(field)) {
				row.Err = &events.Error{Code: events.Malformed, Why: "row-characters", Args: events.Args{"value": clip(strings.ToValidUTF8(field, "\uFFFD"))}}
			}
			if row.Err == nil && strings.IndexByte(field, 0) >= 0 {
				row.Err = &events.Error{Code: events.Malformed, Why: "row-characters", Args: events.Args{"value": clip(field)}}
			}
			c := Cell{Text: field}
			if field != "" {
				c.Kind = TextCell
			}
			row.Cells = append(row.Cells, c)
		}
		if !yield(&row, nil) {
			return
		}
	}
}
