package ledger

import (
	"bytes"
	"strconv"

	"fundledger/events"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A keyed is a command with the id that its reader made for it, which the command itself does not carry.
type keyed struct {
	ID      events.ID      `json:"id"`
	Command jsontext.Value `json:"command"`
}

// ParseRequest reads the body of a request: one command, or a JSON list of commands. An element of the list may also be
// {"id":…,"command":{…}}, with an id made where the command was read; a command's own id must not be another. list says whether it was a list.
// Inputs are numbered from 1. The error is for a body that is neither.
func ParseRequest(body []byte) (inputs []Input, list bool, err error) {
	body = bytes.TrimSpace(body)
	var n Numberer
	if len(body) == 0 || body[0] != '[' {
		in := n.Input(body)
		in.Number = 1
		return []Input{in}, false, nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	if _, err := dec.ReadToken(); err != nil {
		return nil, true, notAList(body, err)
	}
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, true, notAList(body, err)
		}
		end := dec.InputOffset()
		in := n.element(body[end-int64(len(v)) : end : end])
		in.Number = len(inputs) + 1
		inputs = append(inputs, in)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, true, notAList(body, err)
	}
	if rest := bytes.TrimSpace(body[dec.InputOffset():]); len(rest) > 0 {
		return nil, true, &events.Error{Code: events.Malformed, Why: "trailing", Args: events.Args{"value": clip(rest)}}
	}
	return inputs, true, nil
}

func (n *Numberer) element(v jsontext.Value) Input {
	var k keyed
	if v.Kind() != '{' || json.Unmarshal(v, &k) != nil || k.Command == nil {
		return n.Input(v)
	}
	c := n.command()
	err := c.Read(k.Command)
	in := Input{ID: k.ID, Command: c, Err: err}
	if err != nil {
		return in
	}
	if _, err := events.ParseID(string(k.ID)); err != nil {
		in.Err = err
	} else if c.ID != "" && c.ID != k.ID {
		in.Err = &events.Error{Code: events.BadValue, Why: "id-differs", Args: events.Args{"field": "id", "value": string(k.ID), "id": string(c.ID)}}
	}
	return in
}

// AppendRequest writes inputs as [ParseRequest] reads them: one that carries its id as it is, others as a list, each with its id. Inputs that could not
// be read are none of it. Where b is nil, what is returned may be a command's own and must not be changed.
func AppendRequest(b []byte, inputs []Input) []byte {
	if len(inputs) == 1 && inputs[0].Command.ID != "" {
		if b == nil {
			return inputs[0].Command.Raw
		}
		return append(b, inputs[0].Command.Raw...)
	}
	b = append(b, '[')
	for i := range inputs {
		if i > 0 {
			b = append(b, ',')
		}
		if inputs[i].Command.ID != "" {
			b = append(b, inputs[i].Command.Raw...)
			continue
		}
		b = append(b, `{"id":`...)
		b, _ = jsontext.AppendQuote(b, string(inputs[i].ID)) // an id is valid UTF-8
		b = append(b, `,"command":`...)
		b = append(b, inputs[i].Command.Raw...)
		b = append(b, '}')
	}
	return append(b, ']')
}

func notAList(body []byte, err error) *events.Error {
	return &events.Error{Code: events.Malformed, Args: events.Args{"value": clip(body), "cause": err.Error(), "at": strconv.Itoa(len(body))}, Err: err}
}

func clip(b []byte) string {
	const most = 80
	if len(b) <= most {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b[:most], nil)) + "…"
}
