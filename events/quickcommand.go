package events

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// quickCommand reads a command of one of the usual kinds, if it is of the usual form. c then is what [parseCommand] makes of it.
func quickCommand(c *Command, raw []byte) bool {
	if len(raw) == 0 || raw[0] != '{' || raw[len(raw)-1] != '}' {
		raw = bytes.Trim(raw, jsonSpace)
	}
	if len(raw) > MaxLine {
		return false
	}
	q := quick{b: raw}
	q.texts.Grow(len(raw) / 2)
	q.command(c)
	if q.doubt || q.i < len(raw) {
		return false
	}
	c.Raw = raw
	return true
}

// quickKinds are the kinds that a quick reads: those that have many events, and are checked field by field alone.
var quickKinds = []Kind{Disbursed, ReceiptConfirmed, Committed, Appropriated, AllotmentWithdrawn, CommitmentReleased}

// A fieldSet is a set of the fields that a quick reads, of a command or of an object in one.
type fieldSet uint64

const (
	kindField fieldSet = 1 << iota
	fundField
	yearField
	dateField
	idField
	modeField
	basisField
	documentsField
	dimsField
	noteField
	amountField
	asPrintedField
	lineField
	lotField
	purposeField
	counterpartyField
	payeeField
	voucherField
	stageField
	contractField
	dueField
	channelField
	methodField
	ofField
	commitmentField
	nameField
	classField
	accountField
	bankField
	countField
	refField
	issuerField
	typeField
	numberField
)

// fieldNamed returns the field of a name, and nothing where no quick reads it.
func fieldNamed(name []byte) fieldSet {
	switch string(name) {
	case "kind":
		return kindField
	case "fund":
		return fundField
	case "year":
		return yearField
	case "date":
		return dateField
	case "id":
		return idField
	case "mode":
		return modeField
	case "basis":
		return basisField
	case "documents":
		return documentsField
	case "dims":
		return dimsField
	case "note":
		return noteField
	case "amount":
		return amountField
	case "as_printed":
		return asPrintedField
	case "line":
		return lineField
	case "lot":
		return lotField
	case "purpose":
		return purposeField
	case "counterparty":
		return counterpartyField
	case "payee":
		return payeeField
	case "voucher":
		return voucherField
	case "stage":
		return stageField
	case "contract":
		return contractField
	case "due":
		return dueField
	case "channel":
		return channelField
	case "method":
		return methodField
	case "of":
		return ofField
	case "commitment":
		return commitmentField
	case "name":
		return nameField
	case "class":
		return classField
	case "account":
		return accountField
	case "bank":
		return bankField
	case "count":
		return countField
	case "ref":
		return refField
	case "issuer":
		return issuerField
	case "type":
		return typeField
	case "number":
		return numberField
	}
	return 0
}

// A quickShape is the fields that an object may and must have.
type quickShape struct{ may, must fieldSet }

func (s quickShape) fits(has fieldSet) bool { return has&^s.may == 0 && s.must&^has == 0 }

var (
	quickShapes  = quickShapesOf(quickKinds)
	quickPayee   = quickShapeOf(payeeNames)
	quickPerson  = quickShapeOf(personNames)
	quickVoucher = quickShapeOf(voucherNames)
)

func quickShapesOf(kinds []Kind) []quickShape {
	all := make([]quickShape, len(kinds))
	for i, kind := range kinds {
		var s quickShape
		for name, must := range shapes[kind] {
			f := fieldNamed([]byte(name))
			s.may |= f
			if must {
				s.must |= f
			}
			if must && f == 0 {
				panic("events: " + string(kind) + " has a field that is not read quickly: " + name)
			}
		}
		all[i] = s
	}
	return all
}

func quickShapeOf(names *nested) (s quickShape) {
	for _, name := range names.known {
		s.may |= fieldNamed([]byte(name))
	}
	for _, name := range names.required {
		s.must |= fieldNamed([]byte(name))
	}
	return s
}

// object reads an object by read, which reads the value of one field, and returns the fields that it has.
func (q *quick) object(read func(f fieldSet)) (has fieldSet) {
	q.open('{')
	for n := 0; ; n++ {
		name, more := q.member(n)
		if !more {
			return has
		}
		f := fieldNamed(name)
		if f == 0 || has&f != 0 {
			q.fail()
			return has
		}
		has |= f
		read(f)
	}
}

// command reads a command into c.
func (q *quick) command(c *Command) {
	c.Mode, c.Basis, c.Seldom = Control, ByVoucher, none
	has := q.object(func(f fieldSet) { q.field(c, f) })
	if i := slices.Index(quickKinds, c.Kind); i < 0 || !quickShapes[i].fits(has) {
		q.fail()
	}
}

// field reads the value of one field of a command. Those that a command cannot have are a doubt.
func (q *quick) field(c *Command, f fieldSet) {
	switch f {
	case kindField:
		c.Kind = oneOf(q, quickKinds)
	case fundField:
		c.Fund = same(q, q.quoted(), q.likely.fund, ParseFund)
	case yearField:
		c.Year = q.year()
	case dateField:
		q.open('"')
		c.Date = q.date(q.likely.date)
	case idField:
		c.ID = same(q, q.quoted(), q.likely.id, ParseID)
	case modeField:
		c.Mode = oneOf(q, modes)
	case basisField:
		c.Basis = oneOf(q, Bases)
	case documentsField:
		q.documents(c)
	case dimsField:
		c.Dims = q.dims()
	case amountField:
		c.Amount = q.amount()
	case lineField:
		c.Line = same(q, q.quoted(), q.likely.line, ParseLine)
	case lotField:
		c.Lot = q.keep(q.text(500))
	case payeeField:
		q.payee(&c.Payee)
	case voucherField:
		q.voucher(&c.Voucher)
	case channelField:
		c.Channel = oneOf(q, Channels)
	case ofField:
		c.Of = q.ref()
	case commitmentField:
		c.Commitment = q.ref()
	case dueField:
		c.Due = parsed(q, q.quoted(), ParseDate)
	case stageField:
		c.Stage = oneOf(q, stages)
	case methodField:
		c.Method = oneOf(q, Methods)
	case noteField:
		q.aside(&c.Note, 2000)
	case asPrintedField:
		q.aside(&c.AsPrinted, 500)
	case purposeField:
		q.aside(&c.Purpose, 500)
	case counterpartyField:
		q.aside(&c.Counterparty, 500)
	case contractField:
		q.aside(&c.Contract, 500)
	default:
		q.fail()
	}
}

// aside reads a text that is checked and, where few fields are wanted, not kept.
func (q *quick) aside(to *string, most int) {
	if v := q.text(most); !q.lean {
		*to = q.keep(v)
	}
}

func (q *quick) documents(c *Command) {
	q.open('[')
	for n := 0; q.more(n, ']'); n++ {
		if v := q.text(500); !q.lean {
			c.Documents = append(c.Documents, q.keep(v))
		}
	}
}

func (q *quick) amount() Amount {
	a, ok := parseAmount(q.quoted())
	if !ok {
		q.fail()
	}
	return a
}

func (q *quick) ref() Ref {
	if q.peek() == '"' {
		return Ref{ID: parsed(q, q.quoted(), ParseID)}
	}
	return Ref{Seq: q.seq()}
}

func (q *quick) dims() Dims {
	var found [16]Dim
	q.open('{')
	n := 0
	for {
		key, more := q.member(n)
		if !more {
			return q.sorted(found[:n])
		}
		if n == len(found) || !dimForm(string(key)) {
			q.fail()
			return nil
		}
		var was Dim
		if n < len(q.likely.dims) {
			was = q.likely.dims[n]
		}
		found[n] = Dim{q.again(key, was.Key), q.again(q.text(64), was.Value)}
		n++
	}
}

// sorted returns classifications of their own by key. One that is there twice is a doubt.
func (q *quick) sorted(dims []Dim) Dims {
	if len(dims) == 0 {
		return nil
	}
	for i := range dims {
		for j := i; j > 0 && dims[j-1].Key >= dims[j].Key; j-- {
			if dims[j-1].Key == dims[j].Key {
				q.fail()
			}
			dims[j-1], dims[j] = dims[j], dims[j-1]
		}
	}
	if q.likely.dims.Equal(dims) {
		return q.likely.dims
	}
	return slices.Clone(dims)
}

func (q *quick) payee(to *Payee) {
	was := &q.likely.payee
	has := q.object(func(f fieldSet) {
		switch f {
		case nameField:
			to.Name = q.again(q.text(500), was.Name)
		case idField:
			to.ID = q.again(q.text(500), was.ID)
		case classField:
			to.Class = oneOf(q, classes)
		case accountField:
			to.Account = q.again(q.text(500), was.Account)
		case bankField:
			to.Bank = q.again(q.text(500), was.Bank)
		case countField:
			to.Count = q.count()
		case refField:
			to.Ref = q.again(q.text(500), was.Ref)
		default:
			q.fail()
		}
	})
	shape := quickPayee
	if to.Class == Person {
		shape = quickPerson
	}
	if has == 0 || !shape.fits(has) {
		q.fail()
	}
}

func (q *quick) voucher(to *Voucher) {
	to.Line = "1"
	was := &q.likely.voucher
	has := q.object(func(f fieldSet) {
		switch f {
		case issuerField:
			to.Issuer = q.normal(was.Issuer)
		case yearField:
			to.Year = q.year()
		case typeField:
			to.Type = q.normal(was.Type)
		case numberField:
			to.Number = q.normal(was.Number)
		case lineField:
			to.Line = q.normal(was.Line)
		default:
			q.fail()
		}
	})
	if !quickVoucher.fits(has) {
		q.fail()
	}
}

// normal reads a text of a voucher.
func (q *quick) normal(was string) string {
	v := q.text(500)
	if isNormal(v) {
		return q.again(v, was)
	}
	return normal(string(v))
}

// isNormal reports whether v is, at one look, what [normal] makes of it: of ASCII and of Chinese characters (U+4000 to U+9FFF, none of which is a
// white space or has another form), without blanks around it.
func isNormal(v []byte) bool {
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case c < utf8.RuneSelf:
			i++
		case c >= 0xE4 && c <= 0xE9:
			i += 3
		default:
			return false
		}
	}
	return len(v) > 0 && v[0] != ' ' && v[len(v)-1] != ' '
}
