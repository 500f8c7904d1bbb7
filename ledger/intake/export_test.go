package intake

import "iter"

// RowsOf reads the XML of a sheet.
func RowsOf(sheet string) iter.Seq2[*Row, error] {
	w := &workbook{file: &File{Name: "x"}, styles: &styles{}}
	s := &Sheet{Merges: merges([]byte(sheet))}
	return func(yield func(*Row, error) bool) { w.walk(s, []byte(sheet), yield) }
}

// PlainNumber reads the number of a cell.
var PlainNumber = plainNumber
