package intake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"fundledger/events"

	"github.com/shopspring/decimal"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// A statement in the form of ISO 20022, camt.053, is read as the sheet that a bank would have made of it: a header, and a row for each entry that is booked. So all else, from
// --dry-run to the file of refused rows, is what it is for any statement. What differs between the versions 001.02 to 001.13 is where a party and a status stand; both places are
// looked at.
//
// An entry of several transactions is one row with its total, as the bank booked it. Entries that are pending or for information are left out, which a notice says. The statement
// has no balance for each entry: where its opening balance and its entries come to its closing balance, each row gets the one that follows; where they do not, the file is
// refused as one whose total is wrong.

// camtSpace is how the namespace of every version begins.
const camtSpace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."

// The bounds of a statement: how deep its elements may stand in each other, and how long a text is kept.
const (
	camtDepth = 32
	camtText  = 2000
)

// camtHeader are the columns of the sheet, by names that columns.json knows.
var camtHeader = []string{"account", "value date", "direction", "amount（元）", "balance（元）", "counterparty", "counterparty account", "reference", "purpose"}

// A camtStatement is one statement of the file: an account and a time.
type camtStatement struct {
	account, currency                   string
	opening, closing, sum               decimal.Decimal
	hasOpening, hasClosing              bool
	line                                int // where its closing balance stands
	follows                             bool
	first, last, entries, left, batches int
}

// A camtEntry is an entry as its elements say it, by their path below it. Of several of one path all are kept.
type camtEntry struct {
	line         int
	at           int64
	values       map[string][]string
	currency     string
	transactions int
}

func (e *camtEntry) first(paths ...string) string {
	for _, p := range paths {
		for _, v := range e.values[p] {
			if v != "" && v != "NOTPROVIDED" {
				return v
			}
		}
	}
	return ""
}

// all joins what stands under a path, each text once.
func (e *camtEntry) all(path string) string {
	var out []string
	for _, v := range e.values[path] {
		if v != "" && v != "NOTPROVIDED" && !strings.Contains(strings.Join(out, " "), v) {
			out = append(out, v)
		}
	}
	return strings.Join(out, " ")
}

// isCamt reports whether a file begins as a statement of ISO 20022 does.
func isCamt(head []byte) bool { return bytes.Contains(head, []byte(camtSpace)) }

func (f *File) camtError(why string, line int, value string) error {
	return &events.Error{Code: events.Malformed, Why: why, Args: events.Args{"file": f.Name, "row": strconv.Itoa(line), "value": clip(value)}}
}

// openCamt looks the whole statement through: whether it is one, and whether it adds up.
func (f *File) openCamt() error {
	f.Format, f.Encoding, f.Comma = "camt", "utf-8", ','
	var all []*camtStatement
	err := f.walkCamt(func(s *camtStatement, e *camtEntry) (bool, error) {
		if len(all) == 0 || all[len(all)-1] != s {
			all = append(all, s)
		}
		if e == nil {
			return true, nil
		}
		switch booked := e.first("Sts/Cd", "Sts"); {
		case booked != "BOOK" && booked != "":
			s.left++
			return true, nil
		case e.currency != s.currency && s.currency != "":
			return false, f.camtError("camt-currency", e.line, e.currency)
		}
		s.currency = e.currency
		amount, err := f.camtAmount(e.line, e.first("Amt"))
		if err != nil {
			return false, err
		}
		switch e.first("CdtDbtInd") {
		case "CRDT":
			s.sum = s.sum.Add(amount)
		case "DBIT":
			s.sum = s.sum.Sub(amount)
		default:
			return false, f.camtError("camt-direction", e.line, e.first("CdtDbtInd"))
		}
		if e.transactions > 1 {
			s.batches++
		}
		if s.entries++; s.first == 0 {
			s.first = e.line
		}
		s.last = e.line
		return true, nil
	})
	if err != nil {
		return err
	}
	left, batches := 0, 0
	for _, s := range all {
		if f.currency != "" && s.currency != "" && s.currency != f.currency {
			return f.camtError("camt-currency", s.line, s.currency)
		}
		if f.currency == "" {
			f.currency = s.currency
		}
		left, batches = left+s.left, batches+s.batches
		s.follows = s.hasOpening && s.hasClosing && s.opening.Add(s.sum).Equal(s.closing)
		if s.hasOpening && s.hasClosing && !s.follows {
			f.totals = append(f.totals, camtTotal{s, s.closing, s.opening.Add(s.sum)})
		}
	}
	if left > 0 {
		f.notices = append(f.notices, Notice{"camt-pending", map[string]string{"n": number(left)}})
	}
	if batches > 0 {
		f.notices = append(f.notices, Notice{"camt-batch", map[string]string{"n": number(batches)}})
	}
	f.Sheets = []*Sheet{{Name: "camt.053", size: f.size, rows: f.camtRows(all)}}
	return nil
}

// A camtTotal is a closing balance to which the opening one and the entries do not come.
type camtTotal struct {
	*camtStatement
	printed, found decimal.Decimal
}

// disagreements are those totals in the fund's smallest unit.
func (f *File) disagreements(decimals int) (out []Disagreement) {
	minor := func(d decimal.Decimal) events.Minor { return events.Minor(d.Shift(int32(decimals)).IntPart()) }
	for _, t := range f.totals {
		out = append(out, Disagreement{Sheet: "camt.053", Row: t.line, Column: "CLBD", Printed: minor(t.printed), Rows: minor(t.found), From: t.first, Until: t.last})
	}
	return out
}

// camtAmount reads an amount of a statement, which has no sign.
func (f *File) camtAmount(line int, s string) (decimal.Decimal, error) {
	n, err := events.ParseNumber(s)
	if err != nil || strings.HasPrefix(s, "-") {
		return decimal.Decimal{}, f.camtError("camt-amount", line, s)
	}
	return n.Decimal(), nil
}

// camtRows yields the header and a row for each booked entry. all are the statements as they were found before.
func (f *File) camtRows(all []*camtStatement) func(yield func(*Row, error) bool) {
	return func(yield func(*Row, error) bool) {
		header := &Row{Number: 1}
		for _, name := range camtHeader {
			header.Cells = append(header.Cells, Cell{Text: name, Kind: TextCell})
		}
		if !yield(header, nil) {
			return
		}
		at, balance := -1, decimal.Decimal{}
		var now *camtStatement
		err := f.walkCamt(func(s *camtStatement, e *camtEntry) (bool, error) {
			if s != now {
				now = s
				at++
				balance = s.opening
			}
			if e == nil || at >= len(all) {
				return true, nil
			}
			if booked := e.first("Sts/Cd", "Sts"); booked != "BOOK" && booked != "" {
				return true, nil
			}
			amount, err := f.camtAmount(e.line, e.first("Amt"))
			if err != nil {
				return false, err
			}
			if e.first("CdtDbtInd") == "CRDT" {
				balance = balance.Add(amount)
			} else {
				balance = balance.Sub(amount)
			}
			left := ""
			if all[at].follows {
				left = balance.String()
			}
			return yield(e.row(s, left), nil), nil
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// row is an entry as a row of the sheet. The other party of money out is the creditor, of money in the debtor; that of several transactions is nobody.
func (e *camtEntry) row(s *camtStatement, balance string) *Row {
	const tx = "NtryDtls/TxDtls/"
	direction, side := "in", "Dbtr"
	if e.first("CdtDbtInd") == "DBIT" {
		direction, side = "out", "Cdtr"
	}
	day := e.first("ValDt/Dt", "ValDt/DtTm", "BookgDt/Dt", "BookgDt/DtTm")
	day, _, _ = strings.Cut(day, "T")
	party, account := "", ""
	if e.transactions <= 1 {
		parties := tx + "RltdPties/"
		party = e.first(parties+side+"/Nm", parties+side+"/Pty/Nm", parties+"Ultmt"+side+"/Nm", parties+"Ultmt"+side+"/Pty/Nm")
		account = e.first(parties+side+"Acct/Id/IBAN", parties+side+"Acct/Id/Othr/Id")
	}
	purpose := strings.TrimSpace(e.all(tx+"RmtInf/Ustrd") + " " + e.all("AddtlNtryInf"))
	if own := e.all(tx + "Refs/EndToEndId"); own != "" && !strings.Contains(purpose, own) {
		purpose = strings.TrimSpace(purpose + " " + own)
	}
	if r := []rune(purpose); len(r) > 500 {
		purpose = string(r[:499]) + "…"
	}
	row := &Row{Number: e.line, at: e.at}
	for i, text := range []string{
		s.account, day, direction, e.first("Amt"), balance, party, account, e.first("AcctSvcrRef", "NtryRef", tx+"Refs/AcctSvcrRef"), purpose,
	} {
		kind := TextCell
		switch {
		case text == "":
			kind = EmptyCell
		case i == 1:
			kind = DateCell
		case i == 3 || i == 4:
			kind = NumberCell
		}
		row.Cells = append(row.Cells, Cell{Text: text, Kind: kind})
	}
	return row
}

// walkCamt visits each statement, with no entry, and each entry of it. What a statement says of itself stands before its entries. A document type or an entity, another
// root, elements too deep in each other: these are refused, since a bank has none.
func (f *File) walkCamt(visit func(*camtStatement, *camtEntry) (bool, error)) error {
	d := xml.NewDecoder(io.NewSectionReader(f.source, 0, f.size))
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(charset) {
		case "utf-8", "utf8", "us-ascii":
			return in, nil
		case "gb18030", "gbk", "gb2312":
			return simplifiedchinese.GB18030.NewDecoder().Reader(in), nil
		}
		return nil, errors.New("charset " + charset)
	}
	var path []string
	var s *camtStatement
	var e *camtEntry
	var balance map[string]string
	var text strings.Builder
	statements := 0
	for {
		line, _ := d.InputPos()
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if statements == 0 {
				return f.camtError("camt-empty", line, "")
			}
			return nil
		}
		if err != nil {
			return f.camtError("camt-xml", line, err.Error())
		}
		switch t := t.(type) {
		case xml.Directive:
			return f.camtError("camt-doctype", line, string(t))
		case xml.StartElement:
			name := t.Name.Local
			switch {
			case len(path) == camtDepth:
				return f.camtError("camt-deep", line, name)
			case len(path) == 0 && (name != "Document" || !strings.HasPrefix(t.Name.Space, camtSpace)), len(path) == 1 && name != "BkToCstmrStmt":
				return f.camtError("camt-root", line, name)
			}
			path = append(path, name)
			text.Reset()
			switch here := strings.Join(path, "/"); {
			case here == "Document/BkToCstmrStmt/Stmt":
				s = &camtStatement{line: line}
				statements++
			case here == "Document/BkToCstmrStmt/Stmt/Bal":
				balance = map[string]string{}
			case here == "Document/BkToCstmrStmt/Stmt/Ntry":
				e = &camtEntry{line: line, values: map[string][]string{}}
			case here == "Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls":
				e.transactions++
			case strings.HasSuffix(here, "/Stmt/Ntry/Amt"):
				e.currency = attribute(t, "Ccy")
			case strings.HasSuffix(here, "/Stmt/Bal/Amt"):
				balance["Ccy"] = attribute(t, "Ccy")
			}
		case xml.CharData:
			if text.Len() < camtText {
				text.Write(t[:min(len(t), camtText)])
			}
		case xml.EndElement:
			value := strings.TrimSpace(strings.ToValidUTF8(text.String(), "\uFFFD"))
			text.Reset()
			here := strings.Join(path, "/")
			below := strings.TrimPrefix(here, "Document/BkToCstmrStmt/Stmt/")
			path = path[:len(path)-1]
			switch {
			case e != nil && below == "Ntry":
				e.at = d.InputOffset()
				goOn, err := visit(s, e)
				if e = nil; err != nil || !goOn {
					return err
				}
			case e != nil:
				key := strings.TrimPrefix(below, "Ntry/")
				if key == "NtryDtls/Btch/NbOfTxs" {
					if n, err := strconv.Atoi(value); err == nil {
						e.transactions = max(e.transactions, n)
					}
				}
				if len(e.values[key]) < 64 && value != "" {
					e.values[key] = append(e.values[key], value)
				}
			case s != nil && below == "Bal":
				if err := f.camtBalance(s, balance, line); err != nil {
					return err
				}
				balance = nil
			case balance != nil:
				balance[strings.TrimPrefix(below, "Bal/")] = value
			case s != nil && (below == "Acct/Id/IBAN" || below == "Acct/Id/Othr/Id") && s.account == "":
				s.account = value
			case s != nil && here == "Document/BkToCstmrStmt/Stmt":
				if goOn, err := visit(s, nil); err != nil || !goOn {
					return err
				}
				s = nil
			}
		}
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// camtBalance takes a balance of a statement: the one that it opens with, or closes with. The balance that the period before closed with is the opening one too.
func (f *File) camtBalance(s *camtStatement, b map[string]string, line int) error {
	code := b["Tp/CdOrPrtry/Cd"]
	if code != "OPBD" && code != "PRCD" && code != "CLBD" {
		return nil
	}
	amount, err := f.camtAmount(line, b["Amt"])
	if err != nil {
		return err
	}
	switch b["CdtDbtInd"] {
	case "DBIT":
		amount = amount.Neg()
	case "CRDT":
	default:
		return f.camtError("camt-direction", line, b["CdtDbtInd"])
	}
	if s.currency != "" && b["Ccy"] != s.currency {
		return f.camtError("camt-currency", line, b["Ccy"])
	}
	s.currency = b["Ccy"]
	switch {
	case code == "CLBD":
		s.closing, s.hasClosing, s.line = amount, true, line
	case code == "OPBD" || !s.hasOpening:
		s.opening, s.hasOpening = amount, true
	}
	return nil
}
