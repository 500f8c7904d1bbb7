package intake

import (
	"cmp"
	"slices"
	"strings"

	"fundledger/events"
)

// headRows is how many rows of a sheet are looked at for its header.
const headRows = 200

// A column is one that is read.
type column struct {
	role  Role
	index int
	name  string // as it stands in the header, with a / between two rows; "" where there is none
	unit  Unit   // of its name, its mapping or the table; "" where nobody says
	parts []string
	digit bool // a part of its name begins with a digit
}

// A layout says where in a sheet what stands.
type layout struct {
	sheet   *Sheet
	header  []int // the rows of the names
	first   int   // the first row of data
	columns []column
	names   []string // of every column in the header, by its place
	unit    Unit     // that the table says of itself: 单位：万元
	year    events.Year
	account string // of a statement, that stands above the table
	// doubts are columns of which two could be the same.
	doubts []doubt
}

// A doubt is a role for which several columns could stand.
type doubt struct {
	role    Role
	columns []column
}

func (l *layout) column(role Role) *column {
	for i := range l.columns {
		if l.columns[i].role == role {
			return &l.columns[i]
		}
	}
	return nil
}

// head reads the first rows of a sheet, to keep.
func head(s *Sheet) (rows []Row, err error) {
	for r, err := range s.Rows() {
		if err != nil {
			return nil, err
		}
		if r.Err == nil && r.empty() {
			continue
		}
		kept := *r
		kept.Cells = slices.Clone(r.Cells)
		if rows = append(rows, kept); len(rows) == headRows {
			break
		}
	}
	return rows, nil
}

// find looks for the header of a sheet: the one, two or three rows that have the most names of columns that the register can have. It is nil where no row has two of them.
func find(as As, s *Sheet) (*layout, error) {
	rows, err := head(s)
	if err != nil {
		return nil, err
	}
	var best *layout
	most := 0
	for i := range rows {
		if rows[i].Err != nil {
			continue
		}
		for depth := 1; depth <= 3 && i+depth <= len(rows); depth++ {
			if depth > 1 && (rows[i+depth-1].Err != nil || hasNumbers(&rows[i+depth-1])) {
				break
			}
			l, score := read(as, s, rows[i:i+depth])
			if score > most {
				best, most = l, score
			}
		}
	}
	if best == nil {
		return nil, nil
	}
	best.settle(as, rows)
	return best, nil
}

// hasNumbers reports whether a row holds values, as no header does.
func hasNumbers(r *Row) bool {
	for i := range r.Cells {
		c := &r.Cells[i]
		switch {
		case c.Kind == NumberCell, c.Kind == DateCell:
			return true
		case c.Kind == TextCell && !c.Merged:
			if _, err := ParseMoney(c.Text, Yuan, 4); err == nil {
				return true
			}
			if _, err := ParseDate(c.Text, ""); err == nil {
				return true
			}
		}
	}
	return false
}

// parted are the parts of each column's name that the rows of a header give, the upper first. What stands over several columns is a part of each.
func parted(rows []Row) [][]string {
	width := 0
	for i := range rows {
		width = max(width, len(rows[i].Cells))
	}
	names := make([][]string, width)
	for i := range width {
		for j := range rows {
			part := rows[j].text(i)
			if i < len(rows[j].Cells) && rows[j].Cells[i].Merged && j > 0 && part == rows[j-1].text(i) {
				part = "" // the row above reaches down to here
			}
			if part == "" && j < len(rows)-1 && below(rows[j+1:], i) {
				for k := i - 1; k >= 0; k-- {
					if part = rows[j].text(k); part != "" {
						if !below(rows[j+1:], k) { // that one is a column of its own
							part = ""
						}
						break
					}
				}
			}
			if part != "" {
				names[i] = append(names[i], part)
			}
		}
	}
	return names
}

// read takes some rows for a header. The score is how much they are one: a name of a column counts, a repeated one does not.
func read(as As, s *Sheet, rows []Row) (*layout, int) {
	parts := parted(rows)
	l := &layout{sheet: s, names: named(parts)}
	for i := range rows {
		l.header = append(l.header, rows[i].Number)
	}
	l.first = rows[len(rows)-1].Number + 1
	score, lastUsed, joined := 0, len(rows) == 1, false
	seen := map[Role]bool{}
	under := map[Role][]column{} // columns whose own names say nothing, under one name that says money
	for i, parts := range parts {
		if len(parts) == 0 {
			continue
		}
		own := parts[len(parts)-1]
		tries := []string{own}
		if len(parts) > 1 {
			// The narrow name with what stands over it where that says more: 申请 under 金额 is 申请金额.
			over := parts[len(parts)-2]
			tries = []string{own + over, over + own, own, strings.Join(parts, "")}
			if bare, _, _ := unbracketed(squeeze(own)); bare == "" || parseUnit(bare) != "" { // a unit alone
				tries = append(tries, over)
			}
		}
		m, unit, ok := meaning{}, Unit(""), false
		for at, name := range tries {
			if m, unit, ok = meaningOf(as, name); ok {
				joined = joined || len(tries) > 1 && at < 2
				break
			}
		}
		if !ok {
			if len(parts) > 1 {
				if m, unit, ok := meaningOf(as, parts[len(parts)-2]); ok && isMoney(m.role) {
					under[m.role] = append(under[m.role], column{role: m.role, index: i, name: l.names[i], unit: unit})
				}
			}
			continue
		}
		for _, part := range parts { // the unit may stand over the names
			if unit == "" {
				_, unit, _ = unbracketed(squeeze(part))
			}
		}
		lastUsed = lastUsed || rows[len(rows)-1].text(i) != ""
		l.columns = append(l.columns, column{role: m.role, index: i, name: l.names[i], unit: unit})
		switch {
		case seen[m.role]:
		case isMoney(m.role):
			score += 30
		case m.role == "number":
			score++
		default:
			score += 10
		}
		seen[m.role] = true
	}
	for role, columns := range under { // 合同 and 已付 under 金额: neither is taken, both are asked about
		if len(columns) > 1 && !seen[role] {
			l.columns = append(l.columns, columns...)
			seen[role], lastUsed, joined = true, true, true
			score += 30
		}
	}
	if len(seen) < 2 || len(seen) == 2 && seen["number"] || !lastUsed {
		return nil, 0
	}
	score = score*4 - len(rows) // of two that say the same, that of fewer rows
	if joined {                 // names that only both rows together give
		score += 2
	}
	return l, score
}

// below reports whether something stands in a column of the rows of a header.
func below(rows []Row, i int) bool {
	for j := range rows {
		if rows[j].text(i) != "" {
			return true
		}
	}
	return false
}

// repeats reports whether a row is the header, or one of its rows, once more, as after a page break: most of what stands in it are names of its columns.
func (l *layout) repeats(r *Row) bool {
	filled := 0
	for i := range l.columns {
		if c := &l.columns[i]; c.index < len(r.Cells) && r.Cells[c.index].Text != "" {
			filled++
		}
	}
	same, other := 0, 0
	for i := range l.columns {
		c := &l.columns[i]
		if c.index >= len(r.Cells) || r.Cells[c.index].Text == "" {
			continue
		}
		if text := r.Cells[c.index].Text; c.maybeNamed(text[0]) && c.named(squeeze(text)) {
			same++
		} else if other++; other*2 >= filled { // as soon as it is clear
			return false
		}
	}
	return same >= 2 || same == 1 && len(l.header) > 1
}

// maybeNamed reports whether the column's name or a part of it may be a text with that first byte: most cells begin with a digit, which hardly a name does.
func (c *column) maybeNamed(first byte) bool {
	c.named("")
	return first < '0' || first > '9' || c.digit
}

// changes tells of a row that begins another table further down, which is laid out otherwise: a repeated header of which a column is called something else, or a statement of
// another unit. What stands below it would be read by the names above.
func (l *layout) changes(as As, r *Row) (at *column, now string) {
	texts, names := 0, 0
	for i := range l.columns {
		c := &l.columns[i]
		if c.index >= len(r.Cells) || r.Cells[c.index].Kind == EmptyCell {
			continue
		}
		cell := &r.Cells[c.index]
		s := tidy(cell.Text)
		switch {
		case s == "" || cell.Merged:
			continue
		case cell.Kind != TextCell, s[0] >= '0' && s[0] <= '9': // a row of data, as nearly all are
			return nil, ""
		}
		texts++
		if c.name == "" || c.named(squeeze(s)) {
			names++
			continue
		}
		if _, _, ok := meaningOf(as, s); ok {
			names++
			if at == nil || at.role != "amount" { // the most telling one
				at, now = c, s
			}
		} else if at == nil && l.repeats(r) {
			at, now = c, s
		}
	}
	if at != nil && names >= 2 && names*2 > texts {
		return at, now
	}
	for i := range r.Cells {
		said := Unit("")
		if cell := &r.Cells[i]; cell.Kind == TextCell && !cell.Merged {
			said = saidUnit(cell.Text)
		}
		for j := range l.columns {
			if c := &l.columns[j]; said != "" && isMoney(c.role) && c.unit != said && unitOf(c.name) == "" {
				return c, tidy(r.Cells[i].Text)
			}
		}
	}
	return nil, ""
}

// named reports whether a squeezed text is the column's name or a part of it.
func (c *column) named(s string) bool {
	if c.parts == nil {
		c.parts = []string{}
		for part := range strings.SplitSeq(c.name, "/") {
			if part = squeeze(part); part != "" {
				c.parts = append(c.parts, part)
				c.digit = c.digit || part[0] >= '0' && part[0] <= '9'
			}
		}
	}
	return slices.Contains(c.parts, s)
}

// settle chooses one column for each role, notes the doubts, and reads what the rows above say of the unit and the year.
func (l *layout) settle(as As, rows []Row) {
	l.above(rows)
	byRole := map[Role][]column{}
	for _, c := range l.columns {
		byRole[c.role] = append(byRole[c.role], c)
	}
	chosen := l.columns[:0]
	for _, c := range slices.Clone(l.columns) {
		all := byRole[c.role]
		if len(all) == 1 {
			chosen = append(chosen, c)
			continue
		}
		if all[0].index != c.index { // each role once
			continue
		}
		rank := func(c column) int {
			own := c.name[strings.LastIndex(c.name, "/")+1:]
			m, _, ok := meaningOf(as, own)
			if !ok {
				return 1000
			}
			return m.rank
		}
		slices.SortStableFunc(all, func(a, b column) int { return cmp.Compare(rank(a), rank(b)) })
		if isMoney(c.role) || rank(all[0]) == rank(all[1]) && c.role != "number" && c.role != "note" {
			slices.SortFunc(all, func(a, b column) int { return cmp.Compare(a.index, b.index) })
			l.doubts = append(l.doubts, doubt{c.role, all})
			continue
		}
		chosen = append(chosen, all[0])
	}
	l.columns = chosen
	l.spread()
}

// above reads the unit and the year that stand over the table, or beside its title.
func (l *layout) above(rows []Row) {
	several := false
	for i := range rows {
		r := &rows[i]
		if r.Number >= l.first {
			break
		}
		for j := range r.Cells {
			if r.Cells[j].Kind != TextCell || r.Cells[j].Merged {
				continue
			}
			s := r.Cells[j].Text
			if u := saidUnit(s); u != "" {
				several = several || l.unit != "" && l.unit != u
				l.unit = u
			}
			if a := saidAccount(s); a != "" && l.account == "" {
				l.account = a
			} else if a == "" && j+1 < len(r.Cells) && accountLabel(s) && l.account == "" { // in the cell beside
				l.account, _ = r.Cells[j+1].words(true)
			}
			if y, ok := saidYear(s); ok && l.year == 0 && (len(l.header) == 0 || r.Number < l.header[0]) {
				l.year = y
			}
		}
	}
	if several { // a table that says two units says none
		l.unit = ""
	}
}

// spread gives the unit of the table to its columns that have none of their own.
func (l *layout) spread() {
	for i := range l.columns {
		if c := &l.columns[i]; isMoney(c.role) && c.unit == "" {
			c.unit = l.unit
		}
	}
}

// accountLabels are what an account is called above a statement.
var accountLabels = []string{"账号", "帐号", "客户账号", "本方账号", "账户", "accountnumber", "accountno.", "account"}

func accountLabel(s string) bool { return among(accountLabels, strings.TrimSuffix(squeeze(s), ":")) }

// saidAccount reads 账号：6222… above a table.
func saidAccount(s string) string {
	label, rest, ok := strings.Cut(strings.ReplaceAll(s, "：", ":"), ":")
	if !ok || !accountLabel(label) {
		return ""
	}
	account := ""
	grouped := false // digits may stand in groups of four
	for i, part := range strings.Fields(tidy(rest)) {
		if i == 0 {
			grouped = len(part) <= 6 && isDigits(part)
		} else if !grouped || !isDigits(part) {
			break
		}
		account += part
	}
	return account
}

// saidYear reads the year of a title such as 2022年专项资金支付明细表. A date is no year, and what is called a fiscal year (年度) comes first: 2023年1月支付2022年度资金.
func saidYear(s string) (events.Year, bool) {
	s = squeeze(s)
	for _, word := range []string{"年度", "年"} {
		for from := 0; ; {
			i := strings.Index(s[from:], word)
			if i < 0 {
				break
			}
			i += from
			from = i + len(word)
			if i < 4 || !isDigits(s[i-4:i]) || i > 4 && s[i-5] >= '0' && s[i-5] <= '9' || beginsWithDay(s[from:]) {
				continue
			}
			if y, err := events.ParseYear(s[i-4 : i]); err == nil {
				return y, true
			}
		}
	}
	return 0, false
}

// beginsWithDay reports whether a text goes on as a date does behind its year: 1月5日.
func beginsWithDay(s string) bool {
	month, rest, ok := strings.Cut(s, "月")
	if !ok || month == "" || !isDigits(month) {
		return false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	return end > 0 && (strings.HasPrefix(rest[end:], "日") || strings.HasPrefix(rest[end:], "号"))
}

// placed lays a sheet out as a mapping says.
func placed(m *SheetMapping, s *Sheet, at string) (*layout, error) {
	rows, err := head(s)
	if err != nil {
		return nil, err
	}
	l := &layout{sheet: s, header: m.Header, first: max(1, m.First)}
	if m.Header == nil && m.First == 0 && len(rows) > 0 { // the first row that has every name
		for depth := 1; depth <= 3 && l.header == nil; depth++ {
			for i := 0; i+depth <= len(rows); i++ {
				if parts := parted(rows[i : i+depth]); hasAll(named(parts), m.Columns) {
					for j := range depth {
						l.header = append(l.header, rows[i+j].Number)
					}
					break
				}
			}
		}
	}
	if len(l.header) > 0 {
		var header []Row
		for i := range rows {
			if slices.Contains(l.header, rows[i].Number) {
				header = append(header, rows[i])
			}
		}
		if len(header) == 0 {
			return nil, mappingError(at+"/header", number(l.header[0]))
		}
		parts := parted(header)
		l.names = named(parts)
		l.first = max(l.first, l.header[len(l.header)-1]+1)
	}
	l.above(rows)
	for _, role := range sortedRoles(m.Columns) {
		want := m.Columns[role]
		c := column{role: role, index: -1, unit: m.Units[role]}
		for i, name := range l.names {
			if squeeze(name) == squeeze(want) {
				if c.index >= 0 {
					return nil, &events.Error{Code: events.BadValue, Why: "mapping-twice", Args: events.Args{"at": at + "/columns/" + string(role), "value": want, "columns": columnName(c.index) + " " + columnName(i)}}
				}
				c.index, c.name = i, name
			}
		}
		if letters := strings.ToUpper(strings.TrimSpace(want)); c.index < 0 && len(letters) <= 3 {
			if i, _, ok := place(letters + "1"); ok {
				c.index = i
				if i < len(l.names) {
					c.name = l.names[i]
				}
			}
		}
		if c.index < 0 {
			return nil, &events.Error{Code: events.BadValue, Why: "mapping-column", Args: events.Args{"at": at + "/columns/" + string(role), "value": want, "columns": strings.Join(l.shown(), "、")}}
		}
		if isMoney(role) && c.unit == "" {
			for _, part := range strings.Split(c.name, "/") {
				if c.unit == "" {
					c.unit = unitOf(part)
				}
			}
		}
		l.columns = append(l.columns, c)
	}
	for i, name := range l.names { // a mended file of refused rows has columns that its mapping does not know
		for _, role := range ours {
			if l.column(role) == nil && slices.ContainsFunc(known.ours[role], func(n string) bool { return squeeze(n) == squeeze(name) }) {
				l.columns = append(l.columns, column{role: role, index: i, name: name})
			}
		}
	}
	l.spread()
	return l, nil
}

// unitOf reads the unit in a column's name, whatever the column is called.
func unitOf(name string) Unit {
	bare, unit, other := unbracketed(squeeze(name))
	if unit == "" && !other {
		for _, n := range unitNames {
			if strings.HasSuffix(bare, n.name) {
				return n.unit
			}
		}
	}
	return unit
}

func sortedRoles(columns map[Role]string) []Role {
	var out []Role
	for r := range columns {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

// named are the names of columns, with a / between their parts.
func named(parts [][]string) []string {
	names := make([]string, len(parts))
	for i := range parts {
		names[i] = strings.Join(parts[i], "/")
	}
	return names
}

// hasAll reports whether every column that is named is there; a single letter may be a place instead.
func hasAll(names []string, columns map[Role]string) bool {
	any := false
	for _, want := range columns {
		if slices.ContainsFunc(names, func(name string) bool { return squeeze(name) == squeeze(want) }) {
			any = true
			continue
		}
		if _, _, ok := place(strings.ToUpper(strings.TrimSpace(want)) + "1"); !ok {
			return false
		}
	}
	return any
}

// shown are the names that a header has.
func (l *layout) shown() (out []string) {
	for _, n := range l.names {
		if n != "" {
			out = append(out, clip(n))
		}
	}
	return out
}

// mapping is the layout as a mapping has it.
func (l *layout) mapping() SheetMapping {
	m := SheetMapping{Sheet: l.sheet.Name, Header: l.header, Columns: map[Role]string{}}
	if l.header == nil {
		m.Header, m.First = []int{}, l.first
	}
	for _, c := range l.columns {
		m.Columns[c.role] = l.called(c)
		if isMoney(c.role) && c.unit != "" {
			if m.Units == nil {
				m.Units = map[Role]Unit{}
			}
			m.Units[c.role] = c.unit
		}
	}
	return m
}

// called is how a mapping calls a column: by its name where that is the only one, else by its letters.
func (l *layout) called(c column) string {
	if c.name == "" {
		return columnName(c.index)
	}
	for i, name := range l.names {
		if i != c.index && squeeze(name) == squeeze(c.name) {
			return columnName(c.index)
		}
	}
	return c.name
}
