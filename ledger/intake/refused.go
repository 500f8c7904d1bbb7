package intake

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"hash/fnv"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/xuri/excelize/v2"
)

// A Refused is a row that was not stored.
type Refused struct {
	Sheet string
	Row   int
	// Reason is in the reader's language. ID is the id that the row's command has, "" where it could not be read.
	Reason string
	ID     events.ID
	Faulty []int
}

// WriteRefused writes a file like the one that was read, of the same format, encoding and header, with the rows that were refused and behind each why, its id, and two columns in
// which can be said what a row takes back. Mended, it is imported as the file itself was: a row that had an id keeps it there, so that it is not taken for an equal row that is stored.
func (p *Plan) WriteRefused(w io.Writer, rows []Refused, lang words.Language) error {
	if err := p.tellApart(rows); err != nil {
		return err
	}
	if p.file.Format != "xlsx" {
		return p.refusedCSV(w, rows, lang)
	}
	return p.refusedXLSX(w, rows, lang)
}

// IsRefused reports whether a file is one that [Plan.WriteRefused] has written.
func IsRefused(f *File) bool {
	for _, s := range f.Sheets {
		rows, err := head(s)
		if err != nil {
			return false
		}
		for i := range rows {
			found := 0
			for j := range rows[i].Cells {
				for _, role := range ours {
					if slices.Contains(known.ours[role], rows[i].text(j)) {
						found++
					}
				}
			}
			if found >= len(ours) {
				return true
			}
		}
	}
	return false
}

// tellApart gives an id to a row that could not be read and that may, once mended, equal one that is stored: without it it would be taken for that.
func (p *Plan) tellApart(rows []Refused) error {
	type place struct {
		sheet string
		row   int
	}
	refused := map[place]int{}
	sets := map[string]map[string][]int{} // sheet and faulty columns, then what is left of a row
	for i := range rows {
		refused[place{rows[i].Sheet, rows[i].Row}] = i
		if rows[i].ID == "" && len(rows[i].Faulty) > 0 {
			sets[rows[i].Sheet+"\x00"+columnsKey(rows[i].Faulty)] = map[string][]int{}
		}
	}
	if len(sets) == 0 {
		return nil
	}
	for _, pass := range []bool{true, false} { // first what is left of those rows, then whether another has the same
		for _, l := range p.layouts {
			for r, err := range l.rows() {
				if err != nil {
					return err
				}
				i, isRefused := refused[place{l.sheet.Name, r.Number}]
				for set, left := range sets {
					sheet, columns, _ := strings.Cut(set, "\x00")
					if sheet != l.sheet.Name {
						continue
					}
					switch {
					case pass && isRefused && rows[i].ID == "" && columnsKey(rows[i].Faulty) == columns:
						k := cellsKey(l, r, rows[i].Faulty)
						left[k] = append(left[k], i)
					case !pass && !isRefused:
						faulty := columnsOf(columns)
						for n, j := range left[cellsKey(l, r, faulty)] {
							if rows[j].ID == "" {
								rows[j].ID = rowID(l, r, faulty, n+1)
							}
						}
					}
				}
			}
		}
	}
	return nil
}

func columnsKey(columns []int) string {
	var parts []string
	for _, c := range slices.Sorted(slices.Values(columns)) {
		parts = append(parts, strconv.Itoa(c))
	}
	return strings.Join(parts, ",")
}

func columnsOf(key string) (out []int) {
	for part := range strings.SplitSeq(key, ",") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}

// cellsKey is a fingerprint of what a row says in the columns that are read, some left out.
func cellsKey(l *layout, r *Row, without []int) string {
	h := fnv.New128a()
	for _, c := range l.columns {
		if slices.Contains(without, c.index) || c.role == "number" || slices.Contains(ours, c.role) {
			continue
		}
		s := squeeze(r.text(c.index))
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		io.WriteString(h, s)
	}
	return string(h.Sum(nil))
}

// rowID is an id for the n-th of the rows that could not be read and that say the same otherwise.
func rowID(l *layout, r *Row, without []int, n int) events.ID {
	var cells []string
	for _, c := range l.columns {
		if !slices.Contains(without, c.index) && c.role != "number" && !slices.Contains(ours, c.role) {
			cells = append(cells, squeeze(r.text(c.index)))
		}
	}
	canon, err := json.Marshal(map[string]any{"row": cells})
	if err != nil {
		return ""
	}
	id, err := events.Key(canon, n)
	if err != nil {
		return ""
	}
	return id
}

// ourName is what one of our columns are called for a reader.
func ourName(role Role, lang words.Language) string {
	names := known.ours[role]
	if lang == words.English {
		return names[len(names)-1]
	}
	return names[0]
}

// ourPlaces are where our columns stand: where the file has them already, else behind its own.
func (l *layout) ourPlaces(width int) map[Role]int {
	at := map[Role]int{}
	for _, role := range ours {
		if c := l.column(role); c != nil {
			at[role] = c.index
			continue
		}
		at[role] = width
		width++
	}
	return at
}

// ourTexts are what our columns say of a refused row.
func (r *Refused) ourTexts() map[Role]string {
	return map[Role]string{"reason": r.Reason, "id": string(r.ID)}
}

// A keptRow is one that a file of refused rows has; refused is nil for those above the data.
type keptRow struct {
	*Row
	refused *Refused
}

// kept yields the rows above the data, and the refused ones.
func (p *Plan) kept(l *layout, rows []Refused) iter.Seq2[keptRow, error] {
	return func(yield func(keptRow, error) bool) {
		of := map[int]*Refused{}
		for i := range rows {
			if rows[i].Sheet == l.sheet.Name {
				of[rows[i].Row] = &rows[i]
			}
		}
		left := len(of)
		for r, err := range l.sheet.Rows() {
			if err != nil {
				yield(keptRow{}, err)
				return
			}
			refused := of[r.Number]
			if r.Number >= l.first && refused == nil {
				if left == 0 {
					return
				}
				continue
			}
			if refused != nil {
				left--
			}
			if !yield(keptRow{r, refused}, nil) {
				return
			}
		}
	}
}

func (p *Plan) refusedCSV(w io.Writer, rows []Refused, lang words.Language) (err error) {
	var out bytes.Buffer
	c := csv.NewWriter(&out)
	c.Comma, c.UseCRLF = p.file.Comma, p.file.crlf
	l := p.layouts[0]
	at := l.ourPlaces(len(l.names))
	put := func(fields []string, role Role, text string) []string {
		for len(fields) <= at[role] {
			fields = append(fields, "")
		}
		fields[at[role]] = text
		return fields
	}
	for r, err := range p.kept(l, rows) {
		if err != nil {
			return err
		}
		fields := make([]string, 0, len(r.Cells)+len(ours))
		for i := range r.Cells {
			fields = append(fields, r.Cells[i].Text)
		}
		switch {
		case r.refused != nil:
			if long := len(l.names) > 0 && len(fields) > len(l.names); long || hasOpenQuote(r.Err) {
				// Its cells do not stand where they belong: without its amount it is refused until somebody has looked at it.
				r.refused.Reason += " | " + strings.Join(fields, string(p.file.Comma))
				if long { // cells too many would stand in our columns
					fields = fields[:len(l.names):len(l.names)]
				}
				for _, c := range l.columns {
					if isMoney(c.role) && c.index < len(fields) {
						fields[c.index] = ""
					}
				}
			}
			for role, text := range r.refused.ourTexts() {
				fields = put(fields, role, text)
			}
			for _, role := range []Role{"action", "of"} {
				if l.column(role) == nil {
					fields = put(fields, role, "")
				}
			}
		case len(l.header) > 0 && r.Number == l.header[len(l.header)-1]:
			for _, role := range ours {
				fields = put(fields, role, ourName(role, lang))
			}
		}
		for i := range fields {
			fields[i] = guarded(fields[i])
		}
		if err := c.Write(fields); err != nil {
			return err
		}
	}
	c.Flush()
	text := out.Bytes()
	if e := p.file.encoding(); e != nil {
		if text, err = e.NewEncoder().Bytes(text); err != nil {
			return err
		}
	} else if p.file.Marked {
		text = append([]byte("\xEF\xBB\xBF"), text...)
	}
	_, err = w.Write(text)
	return err
}

func (p *Plan) refusedXLSX(w io.Writer, rows []Refused, lang words.Language) error {
	f := excelize.NewFile()
	defer f.Close()
	styles := map[int]int{}
	first := true
	for _, l := range p.layouts {
		if !slices.ContainsFunc(rows, func(r Refused) bool { return r.Sheet == l.sheet.Name }) {
			continue
		}
		name := l.sheet.Name
		if first {
			if err := f.SetSheetName("Sheet1", name); err != nil {
				return err
			}
		} else if _, err := f.NewSheet(name); err != nil {
			return err
		}
		first = false
		width := len(l.names)
		for _, c := range l.columns {
			width = max(width, c.index+1)
		}
		at := l.ourPlaces(width)
		to := 0
		set := func(column int, text string) error {
			return f.SetCellStr(name, columnName(column)+number(to), text)
		}
		for r, err := range p.kept(l, rows) {
			if err != nil {
				return err
			}
			if r.Number < l.first {
				to = r.Number
			} else {
				to = max(to+1, l.first)
			}
			for i := range r.Cells {
				if r.Cells[i].Merged && l.isMoney(i) { // it is that of the row above
					continue
				}
				if err := p.copyCell(f, name, columnName(i)+number(to), &r.Cells[i], r.refused != nil, styles); err != nil {
					return err
				}
			}
			switch {
			case r.refused != nil:
				for role, text := range r.refused.ourTexts() {
					if err := set(at[role], text); err != nil {
						return err
					}
				}
			case len(l.header) > 0 && r.Number == l.header[len(l.header)-1]:
				for _, role := range ours {
					if err := set(at[role], ourName(role, lang)); err != nil {
						return err
					}
				}
			}
		}
		for _, a := range l.sheet.Merges {
			if a.Bottom+1 < l.first {
				if err := f.MergeCell(name, columnName(a.Left)+number(a.Top+1), columnName(a.Right)+number(a.Bottom+1)); err != nil {
					return err
				}
			}
		}
	}
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "fundledger"}); err != nil {
		return err
	}
	return f.Write(w)
}

// isMoney reports whether a column is one of money.
func (l *layout) isMoney(index int) bool {
	return slices.ContainsFunc(l.columns, func(c column) bool { return c.index == index && isMoney(c.role) })
}

// copyCell writes a cell as it was: a number as a number with its format, a text as a text. What reaches down a merge stands in each refused row.
func (p *Plan) copyCell(f *excelize.File, sheet, at string, c *Cell, data bool, styles map[int]int) (err error) {
	if c.Merged && !data {
		return nil
	}
	switch c.Kind {
	case EmptyCell, UnknownValue:
		return nil
	case NumberCell:
		if isDigits(c.Text) && strings.HasPrefix(c.Text, "0") && len(c.Text) > 1 { // filled up with zeros
			return f.SetCellStr(sheet, at, c.Text)
		}
		err = f.SetCellDefault(sheet, at, c.Text)
	case TruthCell:
		return f.SetCellBool(sheet, at, isTrue(c.Text))
	case DateCell:
		return f.SetCellStr(sheet, at, c.Text)
	default:
		err = f.SetCellStr(sheet, at, c.Text)
	}
	if err != nil || !c.Negative && (c.Kind != NumberCell || p.file.styles.of(c.style).format == "") {
		return err
	}
	id, ok := styles[c.style]
	if !ok {
		st := p.file.styles.of(c.style)
		made := &excelize.Style{}
		if st.format != "" {
			made.CustomNumFmt = &st.format
		}
		if st.red {
			made.Font = &excelize.Font{Color: "FF0000"}
		}
		if id, err = f.NewStyle(made); err != nil {
			return err
		}
		styles[c.style] = id
	}
	return f.SetCellStyle(sheet, at, at, id)
}
