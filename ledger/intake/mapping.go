package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"fundledger/events"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Mapping says how a file is laid out: what --guess prints and --map reads.
//
//	{
//	 "as": "payments",
//	 "sheets": [{
//	  "sheet": "拨付明细",
//	  "header": [3, 4],
//	  "columns": {"date": "支付日期", "amount": "支付金额（万元）", "payee.name": "D"},
//	  "units": {"amount": "wan"}
//	 }],
//	 "dates": "dmy",
//	 "fixed": {"channel": "payment", "line": "1.4"}
//	}
//
// Each sheet that is to be read is named; a CSV file is one sheet without a name. header is the rows in which the names of the columns stand, as the file counts them. Left
// out, they are looked for; [] says that there are none, and then first is the first row. A column is called by its name as it stands in the header,
// with a / between those of two rows, or by its letter. units says what a column of money counts in, where its name does not. dates says how
// 04/05/2022 is meant. fixed are values that hold for every row without one of its own.
type Mapping struct {
	As     As              `json:"as"`
	Sheets []SheetMapping  `json:"sheets"`
	Dates  DateOrder       `json:"dates,omitzero"`
	Fixed  map[Role]string `json:"fixed,omitempty"`
}

// A SheetMapping is the layout of one sheet.
type SheetMapping struct {
	Sheet   string          `json:"sheet"`
	Header  []int           `json:"header,omitzero"`
	First   int             `json:"first,omitzero"`
	Columns map[Role]string `json:"columns"`
	Units   map[Role]Unit   `json:"units,omitempty"`
}

// maxMapping is how large a mapping may be.
const maxMapping = 1 << 20

// ReadMapping reads a mapping strictly. The error is a [events.BadValue] that names the member.
func ReadMapping(r io.Reader) (*Mapping, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxMapping {
		return nil, &events.Error{Code: events.BadValue, Why: "mapping", Args: events.Args{"at": "/", "cause": fmt.Sprintf("more than %d bytes", maxMapping)}}
	}
	m := &Mapping{}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\uFEFF")), m, json.RejectUnknownMembers(true)); err != nil {
		at, cause := jsontext.Pointer(""), err
		var semantic *json.SemanticError
		var syntactic *jsontext.SyntacticError
		switch {
		case errors.As(err, &semantic):
			at, cause = semantic.JSONPointer, cmpErr(semantic.Err, err)
		case errors.As(err, &syntactic):
			at, cause = syntactic.JSONPointer, cmpErr(syntactic.Err, err)
		}
		return nil, mappingError(string(at), cause.Error())
	}
	return m, m.check()
}

func cmpErr(inner, outer error) error {
	if inner != nil {
		return inner
	}
	return outer
}

func mappingError(at, cause string) error {
	if at == "" {
		at = "/"
	}
	return &events.Error{Code: events.BadValue, Why: "mapping", Args: events.Args{"at": at, "cause": cause}}
}

func mappingChoice[T ~string](at string, value T, choices []T) error {
	if slices.Contains(choices, value) {
		return nil
	}
	all := make([]string, len(choices))
	for i, c := range choices {
		all[i] = string(c)
	}
	return &events.Error{Code: events.BadValue, Why: "mapping-choice", Args: events.Args{"at": at, "value": string(value), "choices": strings.Join(all, " ")}}
}

// check refuses what cannot be a layout.
func (m *Mapping) check() error {
	if err := mappingChoice("/as", m.As, Registers); err != nil {
		return err
	}
	if err := mappingChoice("/dates", m.Dates, append(slices.Clone(DateOrders), "")); err != nil {
		return err
	}
	if len(m.Sheets) == 0 {
		return mappingError("/sheets", "[]")
	}
	can := known.roles[m.As]
	for i, s := range m.Sheets {
		at := fmt.Sprintf("/sheets/%d", i)
		if s.First < 0 {
			return mappingError(at+"/first", number(s.First))
		}
		for j, h := range s.Header {
			if h < 1 || j > 0 && h <= s.Header[j-1] {
				return mappingError(fmt.Sprintf("%s/header/%d", at, j), number(h))
			}
		}
		if len(s.Columns) == 0 {
			return mappingError(at+"/columns", "{}")
		}
		for role, column := range s.Columns {
			if err := mappingChoice(at+"/columns", role, can); err != nil && !strings.HasPrefix(string(role), "dims.") {
				return err
			}
			if strings.TrimSpace(column) == "" {
				return mappingError(at+"/columns/"+string(role), `""`)
			}
		}
		for role, unit := range s.Units {
			if !isMoney(role) || s.Columns[role] == "" {
				return mappingError(at+"/units", string(role))
			}
			if err := mappingChoice(at+"/units/"+string(role), unit, Units); err != nil {
				return err
			}
		}
	}
	for role := range m.Fixed {
		if err := mappingChoice("/fixed", role, append(slices.Clone(can), fixable...)); err != nil && !strings.HasPrefix(string(role), "dims.") {
			return err
		}
		if isMoney(role) || slices.Contains(ours, role) {
			return mappingError("/fixed", string(role))
		}
	}
	return nil
}

// fixable are what a mapping or a flag can fix besides what columns say.
var fixable = []Role{"fund", "mode", "basis", "statement"}

// AppendJSON writes a mapping as people edit it: one member to a line.
func (m *Mapping) AppendJSON(b []byte) ([]byte, error) {
	out, err := json.Marshal(m, json.Deterministic(true), jsontext.WithIndent(" "), jsontext.EscapeForHTML(false))
	return append(append(b, out...), '\n'), err
}
