package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"fundledger/projections"
	"fundledger/projections/sheet"
)

// open lists the open exceptions: code, line, event and amount of each. Tables of lines count the same.
func open(t *testing.T, b *projections.Book, q projections.Query) string {
	t.Helper()
	var out []string
	for _, r := range ask(t, b, "exceptions", q).Rows {
		out = append(out, r.cells("code", "line", "seq", "amount"))
	}
	if want, face := fmt.Sprintf("open exceptions: %d\n", len(out)), printed(t, b, "execution", q, "text", sheet.Options{}); !strings.Contains(face, want) {
		t.Errorf("%d are open, and the table of lines says\n%s", len(out), face)
	}
	return strings.Join(out, ", ")
}

// TestStretches follows one line below zero and back, through an explanation and below it.
func TestStretches(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	l.budget(2022, "1", "350.00")
	l.budget(2022, "2", "100.00")
	step := func(n int, want string) {
		t.Helper()
		if got := open(t, l.book(), year(2022)); got != want {
			t.Errorf("after event %d: %q, want %q", n, got, want)
		}
	}
	move := func(from, to, amount string) {
		l.add(2022, "reallocated", fmt.Sprintf(`"date":"2022-09-01","from":[{"line":%q,"amount":%q}],"to":[{"line":%q,"amount":%q}]`, from, amount, to, amount),
			"reallocated "+from+" -"+amount+" 2022-09-01", "reallocated "+to+" "+amount+" 2022-09-01")
	}
	l.pay(2022, "1", "340.00", "2022-08-01")
	step(4, "")
	l.pay(2022, "1", "50.00", "2022-08-01", "!over-budget")
	step(5, "over-budget 1 5 40.00")
	l.pay(2022, "1", "49.00", "2022-08-01", "!over-budget")
	step(6, "over-budget 1 5 89.00") // one exception, since the first event of the stretch
	move("2", "1", "89.00")
	step(7, "")
	l.pay(2022, "1", "1.00", "2022-08-01", "!over-budget")
	step(8, "over-budget 1 8 1.00")
	l.add(2022, "explained", `"of":5,"flag":"over-budget","text":"old"`)
	step(9, "over-budget 1 8 1.00") // event 5 was part of a stretch that is over
	l.add(2022, "explained", `"of":8,"flag":"over-budget","text":"will be settled"`)
	step(10, "")
	l.pay(2022, "1", "2.00", "2022-08-01", "!over-budget")
	step(11, "over-budget 1 11 3.00") // it fell lower than explained
	l.add(2022, "explained", `"line":"1","measure":"available","text":"yes"`)
	step(12, "")
	move("2", "1", "1.00")
	step(13, "") // still below zero, and explained
	l.pay(2022, "1", "0.50", "2022-08-01", "!over-budget")
	step(14, "") // not lower than where it was explained
	l.add(2022, "explained", `"line":"1","measure":"spent","text":"another measure closes nothing"`)
	l.pay(2022, "1", "4.50", "2022-08-01", "!over-budget")
	step(16, "over-budget 1 16 7.00")
	l.reverse(16)
	step(17, "") // an event and its reversal cancel
	l.pay(2022, "1", "1.00", "2022-08-01", "!over-budget")
	step(18, "over-budget 1 18 3.50")
	if got := open(t, l.book(6), year(2022)); got != "over-budget 1 5 89.00" {
		t.Errorf("as known at 6 = %q", got)
	}
	if got := open(t, l.book(6), l.asOf(2022, "2022-01-02")); got != "over-budget 1 5 89.00" {
		t.Errorf("as known at 6, as of January = %q: exceptions follow what was known", got)
	}
	if got := ask(t, l.book(), "execution", year(2022)).Flags; len(got) != 1 || got[0].cells("code", "line", "amount") != "over-budget 1 3.50" {
		t.Errorf("flags of the table = %v", got)
	}
}

// TestGroupsCountWhereTheyHaveOwnMoney: single lines may be over while a group without own money is not looked at at all.
func TestGroupsCountWhereTheyHaveOwnMoney(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲", "1.1 1 乙", "1.2 1 丙")
	l.budget(2022, "1.1", "100.00")
	l.pay(2022, "1.2", "130.00", "2022-03-01", "!over-budget")
	if got := open(t, l.book(), year(2022)); got != "over-budget 1.2 3 130.00" {
		t.Errorf("without own money = %q", got)
	}
	n := l.pay(2022, "1", "5.00", "2022-12-31", "basis=inferred", "!over-budget")
	if got := open(t, l.book(), year(2022)); got != "over-budget 1.2 3 130.00, over-budget 1 4 35.00" {
		t.Errorf("with own money = %q", got)
	}
	l.reverse(n)
	if got := open(t, l.book(), year(2022)); got != "over-budget 1.2 3 130.00" {
		t.Errorf("own money taken back = %q", got)
	}
}

func TestLotMoneyIsNotFree(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.open(2023, "1 甲")
	l.add(2022, "carried-over", `"date":"2022-12-31","line":"0","amount":"100.00","lot":"A","purpose":"p","to_year":2023,"to_line":"1"`,
		"carried_out 0 100.00 2022-12-31", "carried_in 1 100.00 2022-12-31 year=2023 lot=A", "expires=2023-12-31")
	l.pay(2023, "1", "40.00", "2023-02-01", "!over-budget")
	if got := open(t, l.book(), l.asOf(2023, "2023-06-01")); got != "over-budget 1 4 40.00" {
		t.Errorf("a payment that does not name the lot = %q", got)
	}
	if got := open(t, l.book(), l.asOf(2022, "2022-12-31")); got != "over-budget 0 3 100.00" {
		t.Errorf("the giving year = %q", got)
	}
}

func TestFlagsOfEvents(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲", "2 乙")
	l.budget(2022, "1", "350.00")
	l.pay(2022, "1", "10.00", "2022-08-01")
	dup := l.pay(2022, "1", "10.00", "2022-08-01", "!possible-duplicate")
	l.add(2022, "reallocated", `"date":"2022-12-28","from":[{"line":"1","amount":"7.00"}],"to":[{"line":"2","amount":"7.00"}],"covers":[3]`,
		"reallocated 1 -7.00 2022-12-28", "reallocated 2 7.00 2022-12-28", "!retroactive")
	l.add(2022, "year-closed", `"date":"2022-12-31"`, "!leaf-not-zero")
	if got := open(t, l.book(), year(2022)); got != "possible-duplicate 1 4 10.00, retroactive 2 5 7.00, leaf-not-zero 0 6 null" {
		t.Errorf("flags = %q", got)
	}
	l.add(2022, "explained", `"of":5,"flag":"retroactive","text":"文件补办"`)
	if got := open(t, l.book(), year(2022)); got != "possible-duplicate 1 4 10.00, leaf-not-zero 0 6 null" {
		t.Errorf("one explained = %q", got)
	}
	l.reverse(dup)
	if got := open(t, l.book(), year(2022)); got != "leaf-not-zero 0 6 null" {
		t.Errorf("one reversed = %q", got)
	}
	if got := open(t, l.book(4), year(2022)); got != "possible-duplicate 1 4 10.00" {
		t.Errorf("as known at 4 = %q", got)
	}
	got := ask(t, l.book(4), "exceptions", year(2022)).Rows[0]
	if got.text("since") != "2026-03-02T05:00:00.000000Z" || got.text("message") != "event 4 pays 10.00 on line 1 without a voucher, as an earlier payment did" {
		t.Errorf("row = %v", got)
	}
	if text := printed(t, l.book(4), "exceptions", year(2022), "text", zh); !strings.Contains(text, "第 4 号事件在项目 1 无凭证支付 10.00") || !strings.Contains(text, "疑似重复") {
		t.Errorf("text:\n%s", text)
	}
}

func TestExpiredLots(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	l.open(2023)
	brought := l.add(2022, "carried-over", `"date":"2022-12-31","line":"0","amount":"100.00","lot":"A","purpose":"p","to_year":2023`,
		"carried_out 0 100.00 2022-12-31", "carried_in 0 100.00 2022-12-31 year=2023 lot=A", "expires=2023-12-31")
	l.pay(2023, "0", "30.00", "2024-01-10", "lot=A", "!lot-expired")
	// Seen from the day asked for, with what was left on that day; without one, from the day on which the last event was recorded (in 2026).
	for day, want := range map[string]string{
		"2023-12-31": "lot-expired 0 4 30.00", "2024-01-01": "lot-expired 0 4 30.00, lot-expired 0 3 100.00", "2024-01-10": "lot-expired 0 4 30.00, lot-expired 0 3 70.00",
	} {
		if got := open(t, l.book(), l.asOf(2023, day)); got != want {
			t.Errorf("as of %s = %q, want %q", day, got, want)
		}
	}
	if got := open(t, l.book(), year(2023)); got != "lot-expired 0 4 30.00, lot-expired 0 3 70.00" {
		t.Errorf("as known in 2026 = %q", got)
	}
	rows := ask(t, l.book(), "exceptions", year(2023)).Rows
	if got := rows[1].cells("since", "message"); got != "2024-01-01 lot A on line 0 has 70.00 left since it expired (from 2024-01-01); event 3 brought it" {
		t.Errorf("row = %s", got)
	}
	l.add(2022, "explained", fmt.Sprintf(`"of":%d,"flag":"lot-expired","text":"园区未投产"`, brought))
	if got := open(t, l.book(), year(2023)); got != "lot-expired 0 4 30.00" {
		t.Errorf("explained = %q", got)
	}
	l.add(2023, "explained", `"of":4,"flag":"lot-expired","text":"paid late"`)
	if got := open(t, l.book(), year(2023)); got != "" {
		t.Errorf("both explained = %q", got)
	}
}
