package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
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

// A replay is the text of a CSV file that keeps what has been read since the last row, so that it can be read once more otherwise.
type replay struct {
	from  io.Reader
	again []byte // comes first
	kept  []byte
	at    int64 // where kept begins
}

func (r *replay) Read(p []byte) (n int, err error) {
	if len(r.again) > 0 {
		n = copy(p, r.again)
		r.again = r.again[n:]
	} else {
		n, err = r.from.Read(p)
	}
	r.kept = append(r.kept, p[:n]...)
	return n, err
}

// forget leaves out what stands before a place, now and then.
func (r *replay) forget(before int64) {
	if n := before - r.at; n > 64<<10 {
		r.kept = append(r.kept[:0], r.kept[n:]...)
		r.at = before
	}
}

// rewind takes the line that begins at a place, blank ones before it left out, and goes back to what stands behind it.
func (r *replay) rewind(at int64) (line string, end int64) {
	rest := r.kept[at-r.at:]
	for line == "" && len(rest) > 0 {
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = len(rest)
		}
		line, rest, at = strings.TrimRight(string(rest[:n]), "\r\n"), rest[n:], at+int64(n)
	}
	r.again, r.kept, r.at = slices.Concat(rest, r.again), nil, 0
	return line, at
}

const openQuote = "row-quotes"

func hasOpenQuote(err error) bool {
	var e *events.Error
	return errors.As(err, &e) && e.Why == openQuote
}

// csvRows yields the rows of a CSV file. A row whose quotes do not close, or which has characters that are none, is an error of that row alone: an open quote ends with its line.
func (f *File) csvRows(yield func(*Row, error) bool) {
	text := &replay{from: f.csvText()}
	read := func() *csv.Reader {
		r := csv.NewReader(text)
		r.Comma, r.FieldsPerRecord, r.ReuseRecord = f.Comma, -1, true
		return r
	}
	r, line, offset := read(), 0, int64(0) // the lines and bytes before those of r
	var row Row
	for {
		start := r.InputOffset()
		text.forget(start)
		fields, err := r.Read()
		if err == io.EOF {
			return
		}
		row = Row{Cells: row.Cells[:0], at: offset + r.InputOffset()}
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			row.Number = line + parse.StartLine
			row.Err = &events.Error{Code: events.Malformed, Why: openQuote, Args: events.Args{"row": number(row.Number)}}
			broken, end := text.rewind(start)
			fields = strings.Split(broken, string(f.Comma))
			r, line, offset = read(), row.Number, offset+end
		case err != nil:
			yield(nil, err)
			return
		default:
			row.Number, _ = r.FieldPos(0)
			if row.Number += line; row.Number == 1 && len(fields) <= 2 && strings.HasPrefix(fields[0], "sep=") { // a note to Excel
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
			field = unguarded(field)
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

// formulaMarks are what a text begins with that a spreadsheet takes for a formula.
const formulaMarks = "=+-@\t\r＝＋－＠"

// guarded puts an apostrophe before a text that a spreadsheet would take for a formula. An amount stays one, －400 too.
func guarded(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	if text == "" || !strings.ContainsRune(formulaMarks, first) {
		return text
	}
	if _, err := ParseMoney(text, Yuan, 64); err == nil {
		return text
	}
	return "'" + text
}

// unguarded takes that apostrophe off again. Other programs put one there as well.
func unguarded(text string) string {
	if rest, ok := strings.CutPrefix(text, "'"); ok {
		if first, _ := utf8.DecodeRuneInString(rest); rest != "" && strings.ContainsRune(formulaMarks, first) {
			return rest
		}
	}
	return text
}
