package main

import (
	"slices"

	"fundledger/events"
	"fundledger/ledger"
	"fundledger/projections/bank"
	"fundledger/projections/history"
)

// A booking is what every export of an account says of a line. Columns come and go, the balance after the line does not.
type booking struct {
	account         string
	day             events.Day
	amount, balance events.Minor // the amount below zero: out
}

// A statementLines knows the lines of statements that a fund has, to tell those that another statement brings again.
type statementLines struct {
	decimals int
	lines    map[booking][]*standingLine
	byID     map[events.ID]*standingLine
}

type standingLine struct {
	id      events.ID
	command *events.Command
	met     bool // in the file, which has it once
}

// standingLines reads the lines of a history's statements that have a balance and were not taken back.
func standingLines(h *history.History) (*statementLines, error) {
	v, err := bank.Of(h)
	if err != nil {
		return nil, err
	}
	s := &statementLines{decimals: h.Decimals(), lines: map[booking][]*standingLine{}, byID: map[events.ID]*standingLine{}}
	for _, l := range v.Lines() {
		e, err := h.Stored(l.Seq)
		if err != nil {
			return nil, err
		}
		k, ok := s.booking(e.Command)
		if !ok {
			continue
		}
		line := &standingLine{id: e.ID, command: e.Command}
		s.lines[k] = append(s.lines[k], line)
		s.byID[e.ID] = line
	}
	return s, nil
}

// booking is false of what is no line, or says no balance.
func (s *statementLines) booking(c *events.Command) (k booking, ok bool) {
	if c.Kind != events.BankLine || c.Balance == "" {
		return k, false
	}
	amount, err := c.Amount.Minor(s.decimals)
	scaled := c.Balance.Decimal().Shift(int32(s.decimals))
	if err != nil || !scaled.IsInteger() || !scaled.BigInt().IsInt64() {
		return k, false
	}
	if c.Direction == events.Out {
		amount = -amount
	}
	return booking{c.Account, c.Date.First(), amount, events.Minor(scaled.IntPart())}, true
}

// again gives a line that the fund has from another statement as it was taken then, so that the ledger says that it is there: the same booking by account, day,
// amount and balance, unless the two have different references. Each stands for one line of the file. Two files that lack the balance are told apart by nobody.
func (s *statementLines) again(in ledger.Input) ledger.Input {
	if in.Err != nil {
		return in
	}
	if there := s.byID[in.ID]; there != nil {
		there.met = true
		return in
	}
	k, ok := s.booking(in.Command)
	if !ok {
		return in
	}
	at := slices.IndexFunc(s.lines[k], func(l *standingLine) bool {
		a, b := l.command.Reference, in.Command.Reference
		return !l.met && (a == "" || b == "" || a == b)
	})
	if at < 0 {
		return in
	}
	there := s.lines[k][at]
	there.met = true
	in.ID, in.Command = there.id, there.command
	return in
}
