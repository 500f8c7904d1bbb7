package intake

import (
	"bytes"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"fundledger/events"
)

// A CellKind says what a cell holds.
type CellKind uint8

// The kinds of cells. A CSV file has texts alone.
const (
	EmptyCell CellKind = iota
	TextCell
	NumberCell // Text has the number as it is stored, such as 1738.7 or 1E3
	DateCell   // Text has the date as a command writes it
	TruthCell
	ErrorCell    // a fault such as #REF!, which Text has
	UnknownValue // a formula whose value nobody has stored
)

// A Cell is one cell of a sheet.
type Cell struct {
	Text string
	Kind CellKind
	// Negative says that a positive number is shown as a negative one: in red, in brackets or behind a minus of its number format.
	Negative bool
	// Merged says that the cell is covered by one to the left of it or above it, whose value is not its own.
	Merged bool
	// Unit is what the number format puts behind the number.
	Unit Unit

	style   int
	divided bool // the number format shows the number divided by a thousand or more
	from04  bool // days are counted from 1904 in its workbook
}

// A Row is one row of a sheet, valid until the next is asked for.
type Row struct {
	// Number is where the row stands in the file, from 1: the row of a spreadsheet, the line on which a row of CSV begins.
	Number int
	Cells  []Cell
	Hidden bool
	// Err says why the row cannot be read, such as characters that its encoding does not have.
	Err error

	at int64 // how far into the file or sheet it ends, in bytes
}

// text is the trimmed text of a cell, "" beyond the row's end.
func (r *Row) text(i int) string {
	if i < 0 || i >= len(r.Cells) {
		return ""
	}
	return tidy(r.Cells[i].Text)
}

// empty reports whether nothing stands in the row.
func (r *Row) empty() bool {
	for i := range r.Cells {
		if r.Cells[i].Kind != EmptyCell && tidy(r.Cells[i].Text) != "" {
			return false
		}
	}
	return true
}

// A Sheet is one sheet of a file.
type Sheet struct {
	Name   string
	Hidden bool
	// Merges are the areas that are one cell each; none in CSV.
	Merges []Area

	rows func(yield func(*Row, error) bool)
	size int64
	kept []Row // all of them, once they have been read to the end, unless there are too many
}

// An Area is a rectangle of cells, counted from 0.
type Area struct{ Left, Top, Right, Bottom int }

// Rows yields the rows of the sheet in their order; rows in which nothing stands may be left out. An error ends it.
func (s *Sheet) Rows() iter.Seq2[*Row, error] {
	if s.kept == nil {
		return s.rows
	}
	return func(yield func(*Row, error) bool) {
		for i := range s.kept {
			row := s.kept[i] // whoever gets it may change it
			if !yield(&row, nil) {
				return
			}
		}
	}
}

// How many cells of a sheet are kept, which are some hundred megabytes, and in how large pieces there is room for them.
const (
	mostKept  = 2 << 20
	keptPiece = 4096
)

// keep yields the rows as Rows does and keeps them, since rows are looked at before anything is made of them, and to read them takes longer than that.
func (s *Sheet) keep() iter.Seq2[*Row, error] {
	if s.kept != nil {
		return s.Rows()
	}
	return func(yield func(*Row, error) bool) {
		kept, cells := make([]Row, 0, 64), 0
		var room []Cell
		for r, err := range s.rows {
			if err == nil && cells <= mostKept {
				if cells += len(r.Cells); len(room) < len(r.Cells) {
					room = make([]Cell, max(keptPiece, len(r.Cells)))
				}
				row := *r
				row.Cells = room[:copy(room, r.Cells):len(r.Cells)]
				room = room[len(r.Cells):]
				kept = append(kept, row)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
		if cells <= mostKept {
			s.kept = kept
		}
	}
}

// A File is a register or statement as somebody keeps it.
type File struct {
	// Name is what the file is called, without folders.
	Name string
	// Format is csv, xlsx or camt.
	Format string
	// Encoding is that of a CSV file: utf-8, gb18030, utf-16. Comma is what parts its cells.
	Encoding string
	Marked   bool // it begins with a byte order mark
	Comma    rune
	crlf     bool // its lines end in CR LF
	Sheets   []*Sheet

	// Of a statement in the form of ISO 20022.
	currency string
	notices  []Notice
	totals   []camtTotal

	styles *styles
	source io.ReaderAt
	size   int64
}

// The beginnings of files that are something else.
var (
	zipMark = []byte("PK\x03\x04")
	oleMark = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
)

// MaxFile is how large a file may be, in bytes, and MaxSheet how large the text of one sheet of a spreadsheet.
const (
	MaxFile  = 4 << 30
	MaxSheet = 1 << 30
)

// Open reads what kind of file it is. The file must stay open while it is used. The error is a [events.Malformed] that names the way out for what is no
// CSV and no XLSX: an old .xls, a file with a password, another document.
func Open(name string, source io.ReaderAt, size int64) (*File, error) {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	f := &File{Name: name, source: source, size: size}
	switch {
	case size == 0:
		return nil, f.wrong("file-empty")
	case size > MaxFile:
		return nil, &events.Error{Code: events.TooLarge, Why: "file", Args: events.Args{"value": name}}
	}
	head := make([]byte, min(size, 64<<10))
	if _, err := source.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, zipMark):
		f.Format = "xlsx"
		return f, f.openXLSX()
	case bytes.HasPrefix(head, oleMark):
		// A workbook with a password is an OLE file that holds the stream EncryptedPackage, named in UTF-16.
		if f.contains(utf16("EncryptedPackage")) {
			return nil, f.wrong("file-password")
		}
		return nil, f.wrong("file-xls")
	case bytes.HasPrefix(head, []byte("%PDF")):
		return nil, f.wrong("file-pdf")
	case isCamt(head):
		return f, f.openCamt()
	case looksLikeMarkup(head): // a web page or the XML of an old Excel that was given the name of a workbook
		return nil, f.wrong("file-markup")
	}
	f.Format, f.crlf = "csv", bytes.Contains(head, []byte("\r\n"))
	return f, f.openCSV(head)
}

// Wrong reports whether a file that could not be read was taken for another kind of file.
func (f *File) wrong(why string) error {
	return &events.Error{Code: events.Malformed, Why: why, Args: events.Args{"value": f.Name}}
}

func looksLikeMarkup(head []byte) bool {
	head = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\uFEFF"))))
	for _, begin := range []string{"<html", "<!doctype", "<?xml", "<table"} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return true
		}
	}
	return false
}

func utf16(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return out
}

// contains reports whether a part of the file's bytes is what.
func (f *File) contains(what []byte) bool {
	const step = 1 << 20
	buf := make([]byte, step+len(what))
	for at := int64(0); at < f.size; at += step {
		n, err := f.source.ReadAt(buf, at)
		if bytes.Contains(buf[:n], what) {
			return true
		}
		if err != nil {
			return false
		}
	}
	return false
}

// validUTF8 reports whether the whole file is UTF-8.
func (f *File) validUTF8() (bool, error) {
	buf := make([]byte, 256<<10)
	kept := 0
	for at := int64(0); ; {
		n, err := f.source.ReadAt(buf[kept:], at)
		at += int64(n)
		text := buf[:kept+n]
		end := err == io.EOF || at >= f.size
		if err != nil && err != io.EOF {
			return false, err
		}
		if end {
			return utf8.Valid(text), nil
		}
		cut := len(text) // not within a character
		for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
			if utf8.RuneStart(text[len(text)-back]) {
				if !utf8.FullRune(text[len(text)-back:]) {
					cut = len(text) - back
				}
				break
			}
		}
		if !utf8.Valid(text[:cut]) {
			return false, nil
		}
		kept = copy(buf, text[cut:])
	}
}
