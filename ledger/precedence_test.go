package ledger

import (
	"slices"
	"strings"
	"testing"

	"fundledger/events"
)

// precedence has commands with two faults, and the code of the one that comes first; then the same without that one, and the code of the other.
// What stands before them is in precedenceGiven.
var precedence = []struct {
	both  string
	first events.Code
	one   string
	other events.Code
}{
	{`disbursed @1 10 weather=x channel=nonsense`, events.UnknownField, `disbursed @1 10 channel=nonsense`, events.BadValue},
	{`disbursed @1 channel=nonsense`, events.MissingField, `disbursed @1 10 channel=nonsense`, events.BadValue},
	{`disbursed @1 10 weather=x channel=-`, events.UnknownField, `disbursed @1 10 channel=-`, events.MissingField},
	{`disbursed @1 1,000 year=2030`, events.BadValue, `disbursed @1 1000 year=2030`, events.UnknownYear},
	{`disbursed @1 0.001 id=taken`, events.BadValue, `disbursed @1 0.01 id=taken`, events.IDUsed},
	{`disbursed @1 0.001 year=2030`, events.BadValue, `disbursed @1 0.01 year=2030`, events.UnknownYear},
	{`disbursed @1 0.001 voucher={"issuer":"i","year":2022,"type":"t","number":"1"}`, events.BadValue, `disbursed @1 0.01 voucher={"issuer":"i","year":2022,"type":"t","number":"1"}`, events.VoucherUsed},
	{`reallocated from=[{"line":"9","amount":"0.001"}] to=[{"line":"1","amount":"1"}]`, events.BadValue, `reallocated from=[{"line":"9","amount":"0.01"}] to=[{"line":"1","amount":"1"}]`, events.UnknownLine},
	{`reallocated year=2021 from=[{"line":"9","amount":"1"}] to=[{"line":"1","amount":"0.001"}]`, events.BadValue, `reallocated year=2021 from=[{"line":"9","amount":"1"}] to=[{"line":"1","amount":"1"}]`, events.YearClosedCode},
	{`fund-opened currency=USD`, events.BadValue, `fund-opened`, events.YearExists},
	{`fund-opened year=2025 time_zone=UTC lines=[{"code":"1","name":"a","parent":"2"}]`, events.BadValue, `fund-opened year=2025 lines=[{"code":"1","name":"a","parent":"2"}]`, events.BadTree},
	{`carried-over @9 1 year=2023 lot=B to_year=2024 expires=2029-01-01`, events.BadValue, `carried-over @9 1 year=2023 lot=B to_year=2024`, events.UnknownLine},
	{`disbursed @1 1 id=taken voucher={"issuer":"i","year":2022,"type":"t","number":"1"}`, events.IDUsed, `disbursed @1 1 voucher={"issuer":"i","year":2022,"type":"t","number":"1"}`, events.VoucherUsed},
	{`disbursed @1 1 year=2030 id=taken`, events.IDUsed, `disbursed @1 1 year=2030`, events.UnknownYear},
	{`disbursed @1 1 year=2030 voucher={"issuer":"i","year":2022,"type":"t","number":"1"}`, events.VoucherUsed, `disbursed @1 1 year=2030`, events.UnknownYear},
	{`disbursed @1 1 year=2021 voucher={"issuer":"i","year":2022,"type":"t","number":"1"}`, events.VoucherUsed, `disbursed @1 1 year=2021`, events.YearClosedCode},
	{`carried-over @9 1 lot=X to_year=2040 to_line=7`, events.UnknownYear, `carried-over @9 1 lot=X to_year=2040`, events.UnknownLine},
	{`carried-over @9 1 year=2020 lot=X to_year=2021`, events.UnknownYear, `carried-over @9 1 year=2022 lot=X to_year=2023`, events.UnknownLine},
	{`carried-in @9 1 2023-01 year=2023 lot=X from_year=2022`, events.YearExists, `carried-in @9 1 2023-01 year=2023 lot=X from_year=2019`, events.UnknownLine},
	{`carried-in @1 1 2021-01 year=2021 lot=X from_year=2019`, events.YearClosedCode, `carried-in @9 1 2023-01 year=2023 lot=X from_year=2019`, events.UnknownLine},
	{`clawed-back/prior-year @9 #taken 1 year=2021`, events.YearClosedCode, `clawed-back/prior-year @9 #taken 1 year=2023`, events.YearNotClosed},
	{`clawed-back/prior-year @9 #taken 1 year=2023`, events.YearNotClosed, `clawed-back/prior-year @9 #old 1 year=2023`, events.UnknownLine},
	{`clawed-back/prior-year #taken 1 year=2023 of_line=9`, events.YearNotClosed, `clawed-back/prior-year #old 100 year=2023 of_line=9`, events.UnknownLine},
	{`clawed-back/prior-year #old 101 year=2023 of_line=9`, events.UnknownLine, `clawed-back/prior-year #old 101 year=2023`, events.ExceedsTarget},
	{`clawed-back/refund #old 1 year=2022 line=9`, events.YearClosedCode, `clawed-back/refund #taken 1 year=2022 line=9`, events.UnknownLine},
	{`year-reopened approvers=["a"]`, events.YearNotClosed, `year-reopened year=2021 approvers=["a"]`, events.TwoPeople},
	{`reallocated from=[{"line":"2","amount":"1"}] to=[{"line":"2","amount":"1"},{"line":"9","amount":"1"}]`, events.UnknownLine, `reallocated from=[{"line":"2","amount":"1"}] to=[{"line":"2","amount":"1"}]`, events.NotALeaf},
	{`disbursed @9 1 commitment=999`, events.UnknownLine, `disbursed @1 1 commitment=999`, events.UnknownTarget},
	{`disbursed @2 1 commitment=999`, events.NotALeaf, `disbursed @1 1 commitment=999`, events.UnknownTarget},
	{`reallocated from=[{"line":"1","amount":"1"}] to=[{"line":"2","amount":"1"}] covers=[999]`, events.NotALeaf, `reallocated from=[{"line":"1","amount":"1"}] to=[{"line":"1","amount":"2"}] covers=[999]`, events.UnknownTarget},
	{`line-added @1 parent=9`, events.LineExists, `line-added @7 parent=9`, events.BadTree},
	{`clawed-back/refund #999 1 settles=taken`, events.UnknownTarget, `clawed-back/refund #taken 1 settles=taken`, events.WrongTarget},
	{`clawed-back/offset #999 1 against=reversed`, events.UnknownTarget, `clawed-back/offset #taken 1 against=reversed`, events.AlreadyReversed},
	{`clawed-back/refund #reversed 1 settles=taken`, events.WrongTarget, `clawed-back/refund #reversed 1`, events.AlreadyReversed},
	{`disbursed @1 1 commitment=gone lot=B`, events.WrongTarget, `disbursed @1 1 commitment=gone`, events.AlreadyReversed},
	{`disbursed @1 1 commitment=gone lot=B`, events.WrongTarget, `disbursed @1 1 lot=B`, events.UnknownLot},
	{`receipt-confirmed #reversed 1`, events.WrongTarget, `receipt-confirmed #taken 1`, events.WrongTarget},
	{`clawed-back/refund #reversed 1000`, events.AlreadyReversed, `clawed-back/refund #taken 1000`, events.ExceedsTarget},
	{`reversed #gone`, events.AlreadyReversed, `reversed #reversal`, events.IsReversal},
	{`reversed #reversal year=2023`, events.WrongTarget, `reversed #reversal`, events.IsReversal},
	{`clawed-back/returned #partly settles=u`, events.ExceedsTarget, `clawed-back/returned #partly`, events.NotWhole},
	{`clawed-back/returned #partly settles=taken`, events.WrongTarget, `clawed-back/returned #partly`, events.NotWhole},
	{`carried-over @1 5000 2023-12 year=2023 lot=B to_year=2024`, events.UnknownLot, `carried-over @0 5000 2023-12 year=2023 lot=B to_year=2024`, events.ExceedsLot},
	{`carried-over @1 5000 lot=B to_year=2023`, events.LotExists, `carried-over @1 5000 lot=X to_year=2023`, events.OverBudget},
	{`disbursed @1 5000 2023-01 year=2023 lot=B`, events.UnknownLot, `disbursed @0 5000 2023-01 year=2023 lot=B`, events.ExceedsLot},
	{`receipt-confirmed #sent 5000 mode=record`, events.ExceedsTarget, `receipt-confirmed #sent 1 mode=record`, events.NoEvidence},
	{`reallocated mode=record from=[{"line":"1","amount":"2"}] to=[{"line":"1","amount":"1"}]`, events.Unbalanced, `reallocated mode=record from=[{"line":"1","amount":"2"}] to=[{"line":"1","amount":"2"}]`, events.NoEvidence},
	{`appropriated @1 1 stage=original mode=record`, events.SecondOriginal, `appropriated @1 1 stage=supplementary mode=record`, events.NoEvidence},
	{`amended #taken set={} mode=record`, events.NothingToDo, `amended #taken set={"note":"x"} mode=record`, events.NoEvidence},
	{`year-closed mode=record`, events.NotZero, `year-closed year=2024 mode=record`, events.NoEvidence},
	{`year-reopened year=2021 approvers=["a"] mode=record`, events.TwoPeople, `year-reopened year=2021 mode=record`, events.NoEvidence},
	{`appropriated @1 999999999999999 2027-01-01 stage=supplementary mode=record`, events.NoEvidence, `appropriated @1 999999999999999 2027-01-01 stage=supplementary`, events.FutureDate},
	{`disbursed @1 5000 2027-01-01`, events.OverBudget, `disbursed @1 1 2027-01-01`, events.FutureDate},
	{`disbursed @1 5000 2021-01-01`, events.OverBudget, `disbursed @1 1 2021-01-01`, events.OutsideYear},
	{`disbursed @1 1 2027-01-01`, events.FutureDate, `disbursed @1 1 2021-01-01`, events.OutsideYear},
	{`disbursed @1 5000 commitment=c`, events.OverBudget, `disbursed @1 11 commitment=c`, events.ExceedsCommitment},
	{`disbursed @1 11 2027-01-01 commitment=c`, events.ExceedsCommitment, `disbursed @1 1 2027-01-01 commitment=c`, events.FutureDate},
	{`disbursed @0 5000 2025-01 year=2023 lot=B`, events.ExceedsLot, `disbursed @0 1 2025-01 year=2023 lot=B`, events.LotExpired},
	{`disbursed @0 1 2027-01 year=2023 lot=B`, events.LotExpired, `clawed-back/lapse @0 1 2027-01 year=2023 lot=B`, events.FutureDate},
}

const precedenceGiven = `fund-opened year=2021 lines=[{"code":"1","name":"a"}]
appropriated @1 100 2021-01 year=2021 stage=original
disbursed @1 100 2021-02 year=2021 id=old
year-closed 2021-12-31 year=2021
fund-opened lines=[{"code":"1","name":"a"},{"code":"2","name":"b"},{"code":"2.1","name":"c","parent":"2"}]
appropriated @1 1000 stage=original
disbursed @1 50 id=taken payee={"name":"a"}
disbursed @1 50 id=paid voucher={"issuer":"i","year":2022,"type":"t","number":"1"}
disbursed @1 40 id=reversed
reversed #reversed id=reversal
committed @1 5 id=gone
reversed #gone
committed @1 10 id=c
disbursed @1 60 id=partly
clawed-back/refund #partly 1
clawed-back/unidentified 5 id=u
disbursed @1 30 channel=lower-treasury id=sent
carried-over @1 20 lot=B to_year=2023
fund-opened year=2023 lines=[{"code":"1","name":"a"}]
fund-opened year=2024
`

func TestPrecedence(t *testing.T) {
	t.Parallel()
	st := newStory()
	for line := range strings.Lines(precedenceGiven) {
		if answer, ok := st.command(t, strings.TrimSpace(line)); !ok {
			t.Fatal(line, answer)
		}
	}
	code := func(text string) events.Code {
		c, err := events.ParseCommand(commandJSON(text))
		if err == nil {
			id := c.ID
			if id == "" {
				id = "fresh"
			}
			var e *events.Event
			if e, _, err = st.s.decide(id, &c, Local, st.now); err == nil {
				t.Errorf("%s: accepted: %s", text, eventText(e))
			}
		}
		return events.CodeOf(err)
	}
	for _, c := range precedence {
		if got := code(c.both); got != c.first {
			t.Errorf("%s: %s, want %s", c.both, got, c.first)
		}
		if got := code(c.one); got != c.other {
			t.Errorf("%s: %s, want %s", c.one, got, c.other)
		}
		if slices.Index(events.Refusals, c.first) > slices.Index(events.Refusals, c.other) {
			t.Errorf("%s: %s does not come before %s", c.both, c.first, c.other)
		}
	}
}
