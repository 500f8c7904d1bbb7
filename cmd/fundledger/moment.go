package main

import (
	"errors"

	"fundledger/events"
	"fundledger/projections"
)

// moment reads the moment that a flag names; nothing is the zero moment.
func (a *app) moment(flag, s string) (projections.Moment, error) {
	if s == "" {
		return projections.Moment{}, nil
	}
	m, err := projections.ParseMoment(s)
	if err != nil {
		return m, a.flagError(flag, err)
	}
	return m, nil
}

// seen reads the moment that a flag names, which may be a checkpoint.
func (a *app) seen(flag, s string) (projections.Moment, error) {
	if s == "" {
		return projections.Moment{}, nil
	}
	m, err := projections.ParseSeen(s)
	if err != nil {
		return m, a.flagError(flag, err)
	}
	return m, nil
}

// flagError makes the fault of a value one of the flag that it was given by.
func (a *app) flagError(flag string, err error) error {
	var e *events.Error
	if errors.As(err, &e) {
		return usageError{e.With("field", "--"+flag)}
	}
	return usageError{err}
}

// notThere says that a flag asks for what is not in the log: a number beyond its end, or a time before anything was recorded.
func notThere(flag, asked string, last events.Seq) error {
	args := events.Args{"field": "--" + flag, "value": asked}
	if _, err := events.ParseSeq(asked); err != nil {
		return usageError{&events.Error{Code: events.BadValue, Why: "not-recorded", Args: args}}
	}
	args["last"] = last.String()
	if flag == "from" || flag == "since" { // which not every command can do without
		return usageError{&events.Error{Code: events.BadValue, Why: "beyond-end", Args: args}}
	}
	return usageError{&events.Error{Code: events.BadValue, Why: "not-there", Args: args}}
}
