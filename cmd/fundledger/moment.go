package main

import (
	"errors"
	"time"

	"fundledger/events"
)

// A moment is a place in a fund's log as the command line names it: a number, or a time that it was recorded by.
type moment struct {
	seq  events.Seq
	from time.Time // the first instant meant
	to   time.Time // the last instant meant
}

// moment reads a number, a date (which is that whole day in the fund's zone) or an RFC 3339 time. Nothing is the zero moment.
func (a *app) moment(flag, s string, zone *time.Location) (moment, error) {
	if s == "" {
		return moment{}, nil
	}
	if n, err := events.ParseSeq(s); err == nil {
		return moment{seq: n}, nil
	}
	if d, err := events.ParseDay(s); err == nil {
		return moment{from: d.Time(zone), to: (d + 1).Time(zone).Add(-time.Nanosecond)}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return moment{from: t, to: t}, nil
	}
	return moment{}, usageError{&events.Error{Code: events.BadValue, Why: "moment-form", Args: events.Args{"field": "--" + flag, "value": s}}}
}

// after reports whether the moment is after the event.
func (m moment) after(e *events.Event) bool {
	if m.seq != 0 {
		return e.Seq < m.seq
	}
	return e.Time.Before(m.from)
}

// before reports whether the moment is before the event.
func (m moment) before(e *events.Event) bool {
	if m.seq != 0 {
		return e.Seq > m.seq
	}
	return e.Time.After(m.to)
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
	if _, err := events.ParseSeq(asked); err == nil {
		args["last"] = last.String()
	}
	return usageError{&events.Error{Code: events.BadValue, Why: "not-there", Args: args}}
}
