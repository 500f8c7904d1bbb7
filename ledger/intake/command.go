package intake

import (
	"strings"

	"fundledger/events"
)

// read turns a row into commands.
func (p *Plan) read(l *layout, r *Row) Item {
	x := &reading{plan: p, l: l, r: r, item: Item{Sheet: l.sheet.Name, Row: r.Number}}
	if r.Err != nil {
		x.item.Kind, x.item.Err = Refusal, r.Err
		return x.item
	}
	if why := x.passed(); why != "" {
		x.item.Kind, x.item.Why = Passed, why
		return x.item
	}
	if len(l.names) > 0 && l.sheet.Name == "" { // of CSV
		for i := len(l.names); i < len(r.Cells); i++ {
			if tidy(r.Cells[i].Text) != "" {
				x.fault(nil, rowError(events.Malformed, "row-long", events.Args{"value": clip(r.Cells[i].Text), "cells": number(len(r.Cells)), "columns": number(len(l.names))}))
				break
			}
		}
	}
	var drafts []*events.Draft
	switch p.options.As {
	case Payments:
		drafts = x.payment()
	case Awards:
		drafts = x.award()
	case Receipts:
		drafts = x.receipt()
	case Bank:
		drafts = x.bankLine()
	}
	if x.err != nil {
		x.item.Kind, x.item.Err = Refusal, x.err
		return x.item
	}
	if x.item.Kind == Passed {
		return x.item
	}
	for _, d := range drafts {
		x.item.Commands = append(x.item.Commands, d.JSON())
	}
	return x.item
}

// passed says what a row is that is none of the register's; "" where it is one.
func (x *reading) passed() string {
	if x.l.repeats(x.r) {
		return "header"
	}
	if s, _ := x.cell("void"); s != nil && among(known.terms.Void, squeeze(s.Text)) {
		return "void"
	}
	if kind := x.totalKind(); kind != noTotal {
		return "total"
	}
	amount, merged := false, false
	for _, c := range x.l.columns {
		if isMoney(c.role) && c.role != "balance" {
			cell, _ := x.cell(c.role)
			amount = amount || cell != nil && !cell.Merged
			merged = merged || c.index < len(x.r.Cells) && x.r.Cells[c.index].Merged
		}
	}
	if amount {
		return ""
	}
	label := squeeze(x.label())
	if isFoot(label) {
		return "foot"
	}
	for _, role := range []Role{"date", "payee.name", "voucher.number", "counterparty", "reference", "transfer"} {
		if x.own(role) {
			return ""
		}
	}
	switch {
	case merged:
		return "merged"
	case x.plan.options.As == Bank && (strings.Contains(label, "余额") || strings.Contains(label, "balance")): // what the statement begins and ends with
		return "balance"
	}
	return "heading"
}

// label is the first text of the row.
func (x *reading) label() string {
	for i := range x.r.Cells {
		if c := &x.r.Cells[i]; c.Kind == TextCell && !c.Merged && tidy(c.Text) != "" {
			return c.Text
		}
	}
	return ""
}

// isFoot reports whether a label is one of those under a table, such as 制表人：.
func isFoot(label string) bool {
	for _, w := range known.terms.Foot {
		if rest, ok := strings.CutPrefix(label, w); ok && (rest == "" || strings.HasPrefix(rest, ":")) {
			return true
		}
	}
	return false
}

// common begins a command.
func (x *reading) common(kind events.Kind, year events.Year) *events.Draft {
	d := events.NewDraft(kind, x.plan.options.Fund, year)
	x.item.Command = string(kind)
	return d.Text("id", x.text("id"))
}

// rest ends a command with the fields that all have.
func (x *reading) rest(d *events.Draft) *events.Draft {
	d.Texts("documents", x.documents()).Dims("dims", x.dims())
	d.Text("mode", x.plan.fixed["mode"]).Text("basis", x.plan.fixed["basis"])
	return d.Text("note", x.text("note"))
}

// needDate notes that there is no date.
func (x *reading) needDate(date string) string {
	if date == "" && x.err == nil {
		x.fault(x.l.column("date"), rowError(events.MissingField, "no-date", events.Args{}))
	}
	return date
}

// amount reads the row's amount, which must be there.
func (x *reading) amount() Money {
	m, ok := x.money("amount")
	if !ok && x.err == nil {
		c := x.l.column("amount")
		why := "no-amount"
		if c.index < len(x.r.Cells) && x.r.Cells[c.index].Merged {
			why = "merged-amount"
		}
		x.fault(c, rowError(events.MissingField, why, events.Args{}))
	}
	if x.err == nil && m.Text == "0" {
		x.fault(x.l.column("amount"), valueError("amount-zero", "0"))
	}
	x.item.Amount = m
	return m
}

// amounts writes an amount, and how it was printed where a voucher tells the row apart.
func (x *reading) amounts(d *events.Draft, m Money, voucher *events.Draft) {
	d.Text("amount", m.canonical(x.plan.facts.Decimals))
	if voucher != nil {
		d.Text("as_printed", m.printed())
	}
	d.Text("amount_text", x.text("amount_text"))
}

func (x *reading) payment() []*events.Draft {
	m := x.amount()
	year := x.year()
	date := x.needDate(x.date("date"))
	payee := x.payee()
	x.item.Payee, x.item.Date, x.item.Year = x.text("payee.name"), date, year
	if m.Negative || x.text("action") != "" {
		return x.takenBack(m, year, date)
	}
	line := x.line(year)
	if line != "" {
		x.item.Line = string(line)
	}
	voucher := x.voucher(year, date)
	d := x.common(events.Disbursed, year).Text("date", date).Text("line", string(line))
	x.amounts(d, m, voucher)
	channel := x.word("channel", known.terms.Channel)
	if channel == "" {
		channel = string(events.Payment)
	}
	d.Text("channel", channel).Text("method", x.word("method", known.terms.Method)).Object("payee", payee).Object("voucher", voucher)
	d.Text("purpose", x.text("purpose")).Ref("commitment", x.ref("commitment")).Text("lot", x.text("lot"))
	return []*events.Draft{x.rest(d)}
}

// ref reads the number or id of an event.
func (x *reading) ref(role Role) events.Ref {
	s := strings.TrimPrefix(squeeze(x.text(role)), "#")
	if s == "" {
		return events.Ref{}
	}
	if seq, err := events.ParseSeq(s); err == nil {
		return events.Ref{Seq: seq}
	}
	id, err := events.ParseID(tidy(x.text(role)))
	if err != nil {
		x.fault(x.l.column(role), err)
	}
	return events.Ref{ID: id}
}

// takenBack is a payment that is written down as a negative one: what it does is said by two columns, of the file or of one of refused rows, or asked.
func (x *reading) takenBack(m Money, year events.Year, date string) []*events.Draft {
	asked := x.text("action")
	of := x.ref("of")
	if x.err != nil {
		return nil
	}
	minor, _ := m.Minor(x.plan.facts.Decimals)
	if minor > 0 {
		minor = -minor
	}
	x.item.Negative = &Payment{
		Year: year, Date: date, Amount: -minor, Payee: x.text("payee.name"), PayeeID: strings.ToUpper(squeeze(x.text("payee.id"))), Voucher: x.text("voucher.number"), Row: x.r.Number,
	}
	word, to, _ := strings.Cut(strings.NewReplacer("：", ":", "→", ":", "->", ":").Replace(asked), ":")
	action, ok := term(known.terms.Action, word)
	if asked == "" || of.IsZero() || !ok {
		why := "negative"
		switch {
		case asked != "" && !ok:
			why = "negative-action"
		case asked != "" && of.IsZero():
			why = "negative-of"
		}
		x.fault(nil, rowError(events.MissingField, why, events.Args{"field": "of", "value": m.canonical(x.plan.facts.Decimals), "payee": x.item.Payee, "action": clip(asked)}))
		return nil
	}
	target, err := x.plan.payment(of.Seq)
	if err != nil {
		x.fault(nil, err)
		return nil
	}
	if target != nil {
		year = target.Year
	}
	reason := x.text("purpose")
	if reason == "" {
		reason = asked
	}
	if target != nil && target.Amount != -minor && (action == "returned" || action == "reversed") {
		x.fault(nil, rowError(events.NotWhole, "row", events.Args{"seq": of.String(), "amount": target.Amount.Format(x.plan.facts.Decimals), "value": m.canonical(x.plan.facts.Decimals)}))
		return nil
	}
	var d *events.Draft
	switch action {
	case "returned", "refund":
		d = x.common(events.ClawedBack, year).Text("date", date).Text("cause", action).Ref("of", of)
		if action == "refund" {
			d.Text("amount", m.canonical(x.plan.facts.Decimals))
			if line := x.refundLine(year); line != "" {
				d.Text("line", line)
			}
		}
	case "reversed":
		d = x.common(events.Reversed, year).Ref("of", of).Text("reason", reason)
	case "reclassified":
		if to == "" {
			x.fault(nil, rowError(events.MissingField, "to-line", events.Args{"field": "to_line", "action": clip(asked)}))
			return nil
		}
		d = x.common(events.Reclassified, year).Ref("of", of).Text("amount", m.canonical(x.plan.facts.Decimals)).Text("to_line", tidy(to)).Text("reason", reason)
	}
	return []*events.Draft{x.rest(d)}
}

// refundLine is the line that a refund names, where the file has one that the year knows; the ledger knows where the payment stands otherwise.
func (x *reading) refundLine(year events.Year) string {
	y := x.plan.facts.year(year)
	if y == nil {
		return ""
	}
	for _, role := range []Role{"line", "line_name"} {
		if s := x.text(role); s != "" {
			if code, err := y.lineOf(s); err == nil {
				return string(code)
			}
		}
	}
	return ""
}

func (x *reading) award() []*events.Draft {
	m := x.amount()
	year := x.year()
	date := x.needDate(x.date("date"))
	payee := x.payee()
	x.item.Payee, x.item.Date = x.text("payee.name"), date
	line := x.line(year)
	if line != "" {
		x.item.Line = string(line)
	}
	if m.Negative && x.err == nil {
		x.fault(x.l.column("amount"), valueError("negative-award", "-"+m.Text))
	}
	contract := x.text("contract")
	if contract == "" {
		contract = strings.Join(x.documents(), "、")
	}
	d := x.common(events.Committed, year).Text("date", date).Text("line", string(line))
	x.amounts(d, m, nil)
	d.Object("payee", payee).Text("contract", contract).Text("due", x.date("due")).Text("lot", x.text("lot"))
	return []*events.Draft{x.rest(d)}
}

func (x *reading) receipt() []*events.Draft {
	m := x.amount()
	date := x.needDate(x.date("date"))
	payee := x.payee()
	x.item.Payee, x.item.Date = x.text("payee.name"), date
	if m.Negative && x.err == nil {
		x.fault(x.l.column("amount"), valueError("negative-receipt", "-"+m.Text))
	}
	of, year := x.transfer(m)
	if year == 0 && x.err == nil {
		year = x.year()
	}
	d := x.common(events.ReceiptConfirmed, year).Text("date", date).Ref("of", of)
	voucher := x.voucher(year, date)
	x.amounts(d, m, voucher)
	if line := x.text("line"); line != "" {
		d.Text("line", line)
	}
	d.Object("payee", payee).Object("voucher", voucher)
	return []*events.Draft{x.rest(d)}
}

// transfer finds the payment to a lower treasury that a receipt confirms: the one named, the one of the voucher named, else the only one that fits by its district, and by its
// amount where that is not enough.
func (x *reading) transfer(m Money) (events.Ref, events.Year) {
	of := x.ref("transfer")
	if of.IsZero() {
		of = x.ref("of") // of a mended file
	}
	all, err := x.plan.transfers()
	if err != nil {
		x.fault(nil, err)
		return of, 0
	}
	if !of.IsZero() {
		for _, t := range all {
			if t.Seq == of.Seq {
				return of, t.Year
			}
		}
		return of, 0
	}
	if x.err != nil {
		return of, 0
	}
	amount, _ := m.Minor(x.plan.facts.Decimals)
	district, voucher := squeeze(x.text("dims.district")), squeeze(x.text("transfer.voucher"))
	var fits []Payment
	for _, t := range all {
		switch {
		case voucher != "" && squeeze(t.Voucher) != voucher:
		case voucher == "" && district != "" && squeeze(t.District) != district && !strings.Contains(squeeze(t.Payee), district):
		case t.Left < amount:
		default:
			fits = append(fits, t)
		}
	}
	if len(fits) > 1 {
		var exact []Payment
		for _, t := range fits {
			if t.Amount == amount {
				exact = append(exact, t)
			}
		}
		if len(exact) == 1 {
			fits = exact
		}
	}
	if len(fits) == 1 {
		return events.Ref{Seq: fits[0].Seq}, fits[0].Year
	}
	why := "no-transfer"
	if len(fits) > 1 {
		why = "several-transfers"
	}
	x.fault(nil, rowError(events.MissingField, why, events.Args{"field": "of", "value": m.canonical(x.plan.facts.Decimals), "candidates": x.plan.describe(fits[:min(5, len(fits))])}))
	return of, 0
}

func (x *reading) bankLine() []*events.Draft {
	var m Money
	direction := ""
	in, hasIn := x.money("in")
	out, hasOut := x.money("out")
	zero := func(m Money, has bool) bool { return has && m.Text == "0" }
	switch {
	case x.l.column("amount") != nil:
		m = x.amount()
		if direction = x.word("direction", known.terms.Direction); direction == "" {
			if direction = "in"; m.Negative {
				direction = "out"
			}
		} else if m.Negative { // a booking that is taken back
			direction = map[string]string{"in": "out", "out": "in"}[direction]
		}
	case hasIn && !zero(in, hasIn) && hasOut && !zero(out, hasOut):
		x.fault(x.l.column("in"), rowError(events.BadValue, "both-ways", events.Args{"value": in.Text + " / " + out.Text}))
	case hasIn && !zero(in, hasIn):
		m, direction = in, "in"
		if in.Negative {
			direction = "out"
		}
	case hasOut && !zero(out, hasOut):
		m, direction = out, "out"
		if out.Negative {
			direction = "in"
		}
	default:
		if x.err == nil {
			x.item.Kind, x.item.Why = Passed, "zero"
			return nil
		}
	}
	m.Negative = false
	year := x.year()
	date := x.needDate(x.date("date"))
	x.item.Amount, x.item.Payee, x.item.Date, x.item.Line = m, x.text("counterparty"), date, direction
	account := strings.ReplaceAll(x.text("account"), " ", "")
	if account == "" {
		account = x.l.account
	}
	if account == "" && x.err == nil {
		x.fault(x.l.column("account"), rowError(events.MissingField, "no-account", events.Args{"field": "account"}))
	}
	d := x.common(events.BankLine, year).Text("date", date).Text("account", account).Text("direction", direction).Text("amount", m.canonical(x.plan.facts.Decimals))
	d.Text("counterparty", x.text("counterparty")).Text("counterparty_account", strings.ReplaceAll(x.text("counterparty_account"), " ", ""))
	d.Text("reference", x.text("reference")).Text("purpose", x.text("purpose"))
	if balance, ok := x.money("balance"); ok {
		s := balance.canonical(x.plan.facts.Decimals)
		if balance.Negative {
			s = "-" + s
		}
		d.Text("balance", s)
	}
	d.Text("statement", x.plan.fixed["statement"])
	return []*events.Draft{x.rest(d)}
}
