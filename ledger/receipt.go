package ledger

import (
	"errors"
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
	r.Seq, r.Recorded, r.Flags = seq, recorded.UTC().Format(events.TimeForm), flags
	if status == WouldAppend {
		r.Seq, r.Recorded = 0, ""
	}
	return r
}
