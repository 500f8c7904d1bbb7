package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"fundledger/events"
	"fundledger/events/words"
)

// A Status says what became of a command.
type Status string

// The statuses.
const (
	Appended    Status = "appended"     // stored, durably, under the receipt's number
	Duplicate   Status = "duplicate"    // stored before, under the receipt's number
	Refused     Status = "refused"      // not stored; the code says why
	WouldAppend Status = "would-append" // of a dry run
	NotTried    Status = "not-tried"    // another command of the atomic file was refused
	Failed      Status = "failed"       // nothing was decided, or the answer is not known: ask again, nothing is doubled
)

// A Receipt is the answer to one command. Its JSON form is part of the contract.
type Receipt struct {
	Input    int           `json:"input"`
	Sheet    string        `json:"sheet,omitempty"` // of a workbook, where Input is a row of one of several
	ID       events.ID     `json:"id,omitempty"`
	Status   Status        `json:"status"`
	Seq      events.Seq    `json:"seq,omitempty"`
	Recorded string        `json:"recorded,omitempty"` // in events.TimeForm
	Flags    []events.Code `json:"flags,omitempty"`
	Code     events.Code   `json:"code,omitempty"`
	Why      string        `json:"why,omitempty"` // tells apart several causes of one code
	Args     events.Args   `json:"args,omitempty"`
	Message  string        `json:"message,omitempty"`
	Hint     string        `json:"hint,omitempty"`
}

// Err returns the error of a receipt that has a code, nil for any other.
func (r *Receipt) Err() error {
	if r.Code == "" {
		return nil
	}
	return &events.Error{Code: r.Code, Why: r.Why, Args: r.Args}
}

// Say fills in the words of a receipt that has a code.
func (r *Receipt) Say(lang words.Language) {
	if r.Code == "" {
		return
	}
	e := &events.Error{Code: r.Code, Why: r.Why, Args: r.Args}
	r.Message, r.Hint = e.Message(lang), e.Hint(lang)
}

func receipt(in *Input, status Status) Receipt {
	return Receipt{Input: in.Number, ID: in.ID, Status: status}
}

// refusedReceipt answers with a refusal or, where err is not one, a failure.
func refusedReceipt(in *Input, err error) Receipt {
	r := receipt(in, Refused)
	var e *events.Error
	if !errors.As(err, &e) {
		e = &events.Error{Code: events.Unavailable, Err: err}
	}
	if rank(e.Code) < 0 {
		r.Status = Failed
	}
	r.Code, r.Why, r.Args = e.Code, e.Why, e.Args
	r.Say(words.English)
	return r
}

// Fail answers an input with an error: a refusal, or a failure where the error has no code of one.
func Fail(in *Input, err error) Receipt { return refusedReceipt(in, err) }

func storedReceipt(in *Input, status Status, seq events.Seq, recorded time.Time, flags []events.Code) Receipt {
	r := receipt(in, status)
	r.Seq, r.Recorded, r.Flags = seq, string(events.AppendTime(make([]byte, 0, len(events.TimeForm)), recorded)), flags
	if status == WouldAppend {
		r.Seq, r.Recorded = 0, ""
	}
	return r
}

// AppendJSON appends a receipt as one line of JSON, without its LF. What most receipts are, the plain news that something is stored, is written
// here; encoding/json takes ten times as long, and there are as many receipts as commands.
func (r *Receipt) AppendJSON(b []byte) []byte {
	if r.Code != "" || r.Sheet != "" || len(r.Flags) > 0 || r.Seq == 0 || r.Why != "" || len(r.Args) > 0 || r.Message != "" || r.Hint != "" || !isPlain(string(r.ID)) {
		w := bytes.NewBuffer(b)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(r) // texts and numbers alone
		return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
	}
	b = append(b, `{"input":`...)
	b = strconv.AppendInt(b, int64(r.Input), 10)
	b = append(b, `,"id":"`...)
	b = append(b, r.ID...)
	b = append(b, `","status":"`...)
	b = append(b, r.Status...)
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, uint64(r.Seq), 10)
	b = append(b, `,"recorded":"`...)
	b = append(b, r.Recorded...)
	return append(b, `"}`...)
}

// isPlain reports whether s is a string in JSON just as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// ParseReceipts reads the answer to a request: one receipt, or a list of them.
func ParseReceipts(data []byte) (rs []Receipt, list bool, err error) {
	data = bytes.TrimSpace(data)
	list = len(data) > 0 && data[0] == '['
	if rs, ok := quickReceipts(data, list); ok {
		return rs, list, nil
	}
	if list {
		err = json.Unmarshal(data, &rs)
		return rs, true, err
	}
	rs = make([]Receipt, 1)
	err = json.Unmarshal(data, &rs[0])
	return rs, false, err
}

// quickReceipts reads what AppendJSON writes without encoding/json. It reports false for anything else.
func quickReceipts(data []byte, list bool) ([]Receipt, bool) {
	n := 1
	if list {
		n = bytes.Count(data, []byte(`{"input":`))
	}
	rs := make([]Receipt, 0, n)
	c := cutter{data, true}
	if list {
		c.must("[")
	}
	for i := 0; i < n && c.ok; i++ {
		if i > 0 {
			c.must(",")
		}
		var r Receipt
		c.must(`{"input":`)
		r.Input = int(c.number())
		c.must(`,"id":"`)
		r.ID = events.ID(c.text())
		c.must(`,"status":"`)
		r.Status = c.status()
		c.must(`,"seq":`)
		r.Seq = events.Seq(c.number())
		c.must(`,"recorded":"`)
		r.Recorded = c.text()
		c.must("}")
		rs = append(rs, r)
	}
	if list {
		c.must("]")
	}
	return rs, c.ok && len(c.rest) == 0
}

// A cutter cuts a text up as long as it is as it must be.
type cutter struct {
	rest []byte
	ok   bool
}

func (c *cutter) must(s string) {
	rest, ok := bytes.CutPrefix(c.rest, []byte(s))
	c.rest, c.ok = rest, c.ok && ok
}

func (c *cutter) number() uint64 {
	end := 0
	for end < len(c.rest) && c.rest[end]-'0' <= 9 {
		end++
	}
	n, err := strconv.ParseUint(string(c.rest[:end]), 10, 53)
	c.rest, c.ok = c.rest[end:], c.ok && err == nil
	return n
}

// status cuts off one of those that are written by AppendJSON itself.
func (c *cutter) status() Status {
	s, rest, ok := bytes.Cut(c.rest, []byte(`"`))
	c.rest, c.ok = rest, c.ok && ok
	switch string(s) {
	case string(Appended):
		return Appended
	case string(Duplicate):
		return Duplicate
	}
	c.ok = false
	return ""
}

// text cuts off a string that has begun, with its end.
func (c *cutter) text() string {
	s, rest, ok := bytes.Cut(c.rest, []byte(`"`))
	c.rest, c.ok = rest, c.ok && ok && isPlain(string(s))
	return string(s)
}
