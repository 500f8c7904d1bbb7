package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/ledger"
)

// erring is the fund in which the mishaps happen: 2022 with 1,000 on line 1, 500 on line 2 and nothing on line 3; 2023 with 300 on line 1.
const erring = `{"id":"open","kind":"fund-opened","fund":"f","year":2022,"name":"资金","lines":[{"code":"1","name":"甲"},{"code":"2","name":"乙"},{"code":"3","name":"丙"}]}
{"id":"b1","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"1000.00","stage":"original"}
{"id":"b2","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"2","amount":"500.00","stage":"original"}
{"id":"open23","kind":"fund-opened","fund":"f","year":2023,"name":"资金","lines":[{"code":"1","name":"甲"},{"code":"2","name":"乙"}]}
{"id":"b23","kind":"appropriated","fund":"f","year":2023,"date":"2023-01-01","line":"1","amount":"300.00","stage":"original"}
`

// payee paid 100 out of line 1 by voucher 17.
const paid = `{"id":"p","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"100.00","as_printed":"0.01万元","channel":"payment","payee":{"name":"甲公司","id":"91A","account":"6222"},"voucher":{"issuer":"国库","year":2022,"type":"拨款","number":"17"}}
`

const closed22 = `{"id":"l1","kind":"clawed-back","cause":"lapse","fund":"f","year":2022,"date":"2022-12-31","line":"1","amount":"900.00"}
{"id":"l2","kind":"clawed-back","cause":"lapse","fund":"f","year":2022,"date":"2022-12-31","line":"2","amount":"500.00"}
{"id":"close","kind":"year-closed","fund":"f","year":2022,"date":"2022-12-31"}
`

// A mishap is what somebody got wrong, what correct is told, and how things stand then: cells of the execution table as YEAR LINE MEASURE VALUE, worked out by hand.
// A line lot:NAME is a lot.
type mishap struct {
	name, given, wrong string
	as                 []string
	want               []string
	// then is what else must hold: commands that are tried afterwards, each with what becomes of it.
	then []string
	// says are texts that a table has, and silent ones that it has not, asked for with the words before the first |.
	says, silent []string
}

var mishaps = []mishap{
	{
		name: "wrong line", given: paid, wrong: "p", as: []string{"reclassify", "--to-line", "2"},
		want: []string{"2022 1 spent 0.00", "2022 1 available 1000.00", "2022 2 spent 100.00", "2022 2 available 400.00"},
	},
	{
		name: "wrong line for a part", given: paid, wrong: "p", as: []string{"reclassify", "--to-line", "2", "--amount", "30元"},
		want: []string{"2022 1 spent 70.00", "2022 2 spent 30.00", "2022 1 available 930.00"},
	},
	{
		name: "wrong classification", given: strings.Replace(paid, `"line":"1"`, `"dims":{"district":"430702"},"line":"1"`, 1), wrong: "p", as: []string{"reclassify", "--to-dim", "district=430703"},
		want: []string{"2022 1 spent 100.00"}, says: []string{"table payments --year 2022 --by district --format json|430703"},
	},
	{
		name: "payee's name misspelt", given: paid, wrong: "p", as: []string{"amend", "--set", "payee.name=乙公司"},
		want: []string{"2022 1 spent 100.00"}, says: []string{"table payments --year 2022|乙公司"}, silent: []string{"table payments --year 2022|甲公司"},
	},
	{
		name: "wrong payee altogether", given: paid, wrong: "p", as: []string{"repost", "--set", "payee=丙公司", "--set", "payee.id=91C", "--set", "payee-account=6333"},
		want: []string{"2022 1 spent 100.00", "2022 1 available 900.00"}, says: []string{"table payments --year 2022|丙公司", `events|"payee":{"name":"丙公司","id":"91C","account":"6333"}`},
		then: []string{"duplicate " + strings.NewReplacer(`"id":"p",`, "", "甲公司", "丙公司", "91A", "91C", "6222", "6333").Replace(paid)}, // by the voucher, which the new one has
	},
	{
		name: "wrong payee, whose name and purpose had been amended", wrong: "p",
		given: paid + `{"id":"words","kind":"amended","fund":"f","year":2022,"of":"p","set":{"payee":{"name":"甲有限公司"},"purpose":"设备"},"reason":"更正"}` + "\n",
		as:    []string{"repost", "--set", "payee=丙公司", "--set", "payee-id=91C", "--set", "payee-account="},
		want:  []string{"2022 1 spent 100.00"}, says: []string{"table payments --year 2022|丙公司", `events --kind amended --from 8|"set":{"purpose":"设备"}`, `events --from 8|"payee":{"name":"丙公司","id":"91C"}`},
		silent: []string{"table payments --year 2022|甲"},
	},
	{
		name: "an account that is not known", given: paid, wrong: "p", as: []string{"repost", "--set", "payee-account="},
		want: []string{"2022 1 spent 100.00"}, says: []string{`events --from 7|"payee":{"name":"甲公司","id":"91A"}`},
	},
	{
		name: "entered twice", wrong: "q", given: strings.Replace(paid, `,"voucher":{"issuer":"国库","year":2022,"type":"拨款","number":"17"}`, "", 1) +
			strings.NewReplacer(`,"voucher":{"issuer":"国库","year":2022,"type":"拨款","number":"17"}`, "", `"id":"p"`, `"id":"q"`).Replace(paid),
		as: []string{"reverse", "--reason", "重复录入"}, want: []string{"2022 1 spent 100.00", "2022 1 available 900.00"},
	},
	{
		name: "wrong year", given: paid, wrong: "p", as: []string{"repost", "--set", "year=2023", "--set", "date=2023年1月5日"},
		want: []string{"2022 1 spent 0.00", "2022 1 available 1000.00", "2023 1 spent 100.00", "2023 1 available 200.00"},
	},
	{
		// What is left over then has to lapse before the year can be closed again, so it stays open.
		name: "wrong year, which is closed", given: paid + closed22, wrong: "p",
		as:   []string{"repost", "--set", "year=2023", "--set", "date=2023-01-05", "--approver", "甲", "--approver", "乙"},
		want: []string{"2022 1 spent 0.00", "2022 1 available 100.00", "2023 1 spent 100.00", "2023 1 available 200.00"},
		then: []string{`would-append {"kind":"clawed-back","cause":"lapse","fund":"f","year":2022,"date":"2022-12-31","line":"1","amount":"100"}`},
	},
	{
		name: "wrong payee in a closed year", given: paid + closed22, wrong: "p", as: []string{"repost", "--set", "payee=丙公司", "--set", "payee-id=91C", "--set", "payee-account=", "--approver", "甲", "--approver", "乙"},
		want: []string{"2022 1 spent 100.00", "2022 0 lapsed 1400.00", "2022 0 available 0.00"}, says: []string{"table payments --year 2022|丙公司"},
		then: []string{`refused/year-closed {"kind":"clawed-back","cause":"lapse","fund":"f","year":2022,"date":"2022-12-31","line":"1","amount":"100"}`},
	},
	{
		name: "money of a closed year came back", given: paid + closed22, wrong: "p", as: []string{"prior-year", "--amount", "40", "--date", "2023-02-01"},
		want: []string{"2022 1 spent 100.00", "2023 0 recovered 40.00"},
	},
	{
		name: "amount too high", given: paid, wrong: "p", as: []string{"repost", "--set", "amount=10"},
		want: []string{"2022 1 spent 10.00", "2022 1 available 990.00"}, silent: []string{`events --kind disbursed|"amount":"10","as_printed"`},
	},
	{
		name: "amount too low", given: paid, wrong: "p", as: []string{"repost", "--set", "amount=0.1万"},
		want: []string{"2022 1 spent 1000.00", "2022 1 available 0.00"}, says: []string{`events --kind disbursed|"amount":"1000"`, `events --kind disbursed|"as_printed":"0.1万"`},
	},
	{
		name: "wrong date", given: paid, wrong: "p", as: []string{"repost", "--set", "date=2022/6/1"},
		want: []string{"2022 1 spent 0.00 --as-of 2022-05-31", "2022 1 spent 100.00 --as-of 2022-06-01"},
	},
	{
		name: "posted a month late", given: `{"id":"may","kind":"month-closed","fund":"f","year":2022,"date":"2022-05-31","month":"2022-05"}` + "\n" + paid, wrong: "p",
		as:   []string{"explain", "--flag", "late-for-month", "--text", "票据迟到"},
		want: []string{"2022 1 spent 100.00"}, silent: []string{"table exceptions --year 2022 --format json|late-for-month"},
	},
	{
		name: "wrong lot", wrong: "p",
		given: `{"id":"A","kind":"carried-in","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"200","lot":"A","from_year":2021}
{"id":"B","kind":"carried-in","fund":"f","year":2022,"date":"2022-01-01","line":"1","amount":"150","lot":"B","from_year":2021}
` + strings.Replace(paid, `"line":"1"`, `"lot":"A","line":"1"`, 1),
		as: []string{"repost", "--set", "lot=B"}, want: []string{"2022 lot:A left 200.00", "2022 lot:B left 50.00", "2022 1 spent 100.00"},
	},
	{
		name: "wrong commitment", wrong: "p",
		given: `{"id":"c1","kind":"committed","fund":"f","year":2022,"date":"2022-02-01","line":"1","amount":"300"}
{"id":"c2","kind":"committed","fund":"f","year":2022,"date":"2022-02-01","line":"1","amount":"200"}
` + strings.Replace(paid, `"line":"1"`, `"commitment":"c1","line":"1"`, 1),
		as: []string{"repost", "--set", "commitment=c2"}, want: []string{"2022 1 committed 400.00", "2022 1 spent 100.00", "2022 1 available 500.00"},
		then: []string{
			`would-append {"kind":"commitment-released","fund":"f","year":2022,"date":"2022-06-01","of":"c1","amount":"300"}`,
			`refused/exceeds-target {"kind":"commitment-released","fund":"f","year":2022,"date":"2022-06-01","of":"c2","amount":"100.01"}`,
		},
	},
	{
		name: "commitment too large", given: `{"id":"c1","kind":"committed","fund":"f","year":2022,"date":"2022-02-01","line":"1","amount":"300"}` + "\n", wrong: "c1",
		as: []string{"release", "--amount", "120"}, want: []string{"2022 1 committed 180.00", "2022 1 available 820.00"},
	},
	{
		// A payment that uses it is taken back and posted anew with it.
		name: "commitment on the wrong line, used by a payment", wrong: "c1",
		given: `{"id":"c1","kind":"committed","fund":"f","year":2022,"date":"2022-02-01","line":"1","amount":"300"}` + "\n" +
			strings.Replace(paid, `"line":"1"`, `"commitment":"c1","line":"1"`, 1),
		as:   []string{"repost", "--set", "amount=250"},
		want: []string{"2022 1 committed 150.00", "2022 1 spent 100.00", "2022 1 available 750.00"},
	},
	{
		name: "commitment's payee", given: `{"id":"c1","kind":"committed","fund":"f","year":2022,"date":"2022-02-01","line":"1","amount":"300","payee":{"name":"甲公司"}}` + "\n", wrong: "c1",
		as: []string{"amend", "--set", "payee.name=乙公司"}, want: []string{"2022 1 committed 300.00"}, says: []string{"events --payee 乙公司|committed"},
	},
	{
		name: "wrong channel", given: paid, wrong: "p", as: []string{"repost", "--set", "channel=lower-treasury"},
		want: []string{"2022 1 in_transit 100.00", "2022 1 spent 100.00"},
	},
	{
		name: "a payment that has a refund", wrong: "p",
		given: paid + `{"id":"r","kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":"p","line":"1","amount":"10"}
{"id":"words","kind":"amended","fund":"f","year":2022,"of":"p","set":{"purpose":"设备"},"reason":"用途"}
`,
		as: []string{"repost", "--set", "line=2", "--set", "amount=80"}, want: []string{"2022 1 spent 0.00", "2022 2 disbursed 80.00", "2022 2 returned 10.00", "2022 2 spent 70.00"},
		says: []string{`event 13 --format json|"place":"before","seq":11,`, `events --kind amended --from 13|"set":{"purpose":"设备"}`}, // 9 and 10 are reversals, 11 the payment
	},
	{
		name: "wrong amount of a refund", wrong: "r", given: paid + `{"id":"r","kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":"p","amount":"10"}` + "\n",
		as: []string{"repost", "--set", "amount=20"}, want: []string{"2022 1 returned 20.00", "2022 1 spent 80.00"},
	},
	{
		name: "refund of the wrong payment", wrong: "r",
		given: paid + strings.NewReplacer(`"id":"p"`, `"id":"q"`, `"17"`, `"18"`, `"line":"1"`, `"line":"2"`, `"100.00"`, `"50.00"`).Replace(paid) +
			`{"id":"r","kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":"p","amount":"10"}` + "\n",
		as: []string{"repost", "--set", "of=q"}, want: []string{"2022 1 spent 100.00", "2022 2 spent 40.00"},
	},
	{
		// 550 of line 2's 700 are spent, more than it has without the virement: meanwhile nothing is overspent.
		name: "wrong virement", wrong: "v",
		given: `{"id":"v","kind":"reallocated","fund":"f","year":2022,"date":"2022-03-01","from":[{"line":"1","amount":"200"}],"to":[{"line":"2","amount":"200"}]}` + "\n" +
			strings.NewReplacer(`"line":"1"`, `"line":"2"`, `"100.00"`, `"550.00"`).Replace(paid),
		as:   []string{"repost", "--set", "from=1=100", "--set", "to=2=100"},
		want: []string{"2022 1 adjusted 900.00", "2022 2 adjusted 600.00", "2022 2 available 50.00", "2022 2 supplementary 0.00"}, silent: []string{"table exceptions --year 2022 --format json|over-budget"},
	},
	{
		name: "wrong carry-over of which some is spent", wrong: "o",
		given: `{"id":"o","kind":"carried-over","fund":"f","year":2022,"date":"2022-12-31","line":"1","amount":"300","lot":"续建","purpose":"续建","to_year":2023,"to_line":"1"}
{"id":"s","kind":"disbursed","fund":"f","year":2023,"date":"2023-03-01","line":"1","lot":"续建","amount":"50","channel":"payment"}
`,
		as:   []string{"repost", "--set", "amount=200"},
		want: []string{"2022 1 carried_out 200.00", "2022 1 available 800.00", "2023 lot:续建 left 150.00", "2023 1 spent 50.00", "2023 1 carried_in 200.00"},
	},
	{
		name: "carried over though it was not, and some is spent", wrong: "o",
		given: `{"id":"o","kind":"carried-over","fund":"f","year":2022,"date":"2022-12-31","line":"1","amount":"300","lot":"续建","purpose":"续建","to_year":2023,"to_line":"1"}
{"id":"s","kind":"disbursed","fund":"f","year":2023,"date":"2023-03-01","line":"1","lot":"续建","amount":"50","channel":"payment"}
`,
		as: []string{"reverse"}, want: []string{"2022 1 carried_out 0.00", "2022 1 available 1000.00", "2023 1 spent 0.00", "2023 1 carried_in 0.00"},
	},
	{
		name: "wrong voucher number", given: paid, wrong: "p", as: []string{"repost", "--set", "voucher=国库/2022/拨款/18"}, want: []string{"2022 1 spent 100.00"},
		then: []string{
			`would-append ` + strings.NewReplacer(`"id":"p",`, "", `"100.00"`, `"7.00"`).Replace(paid),
			`refused/voucher-used ` + strings.NewReplacer(`"id":"p",`, "", `"100.00"`, `"7.00"`, `"17"`, `"18"`).Replace(paid),
		},
	},
	{
		name: "wrong stage of a budget", given: `{"id":"b3","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"3","amount":"400.00","stage":"supplementary"}` + "\n",
		wrong: "b3", as: []string{"repost", "--set", "stage=original"}, want: []string{"2022 3 original 400.00", "2022 3 supplementary 0.00"},
	},
	{
		name: "wrong amount of a budget that is spent", given: strings.Replace(paid, "100.00", "900.00", 1), wrong: "b1", as: []string{"repost", "--set", "amount=950"},
		want: []string{"2022 1 original 950.00", "2022 1 supplementary 0.00", "2022 1 available 50.00"},
	},
	{
		name: "a stated figure mistyped", wrong: "s1",
		given: paid + `{"id":"s1","kind":"figure-stated","fund":"f","year":2022,"date":"2022-12-31","measure":"spent","line":"1","value":"110","unit":"yuan","source":{"document":"d"}}
{"id":"s2","kind":"figure-stated","fund":"f","year":2022,"date":"2022-12-31","measure":"spent","line":"2","value":"0","unit":"yuan","source":{"document":"d"}}
{"id":"s3","kind":"figure-stated","fund":"f","year":2022,"date":"2022-12-31","measure":"spent","value":"100","unit":"yuan","source":{"document":"d"},"sum_of":["s1","s2"]}
`,
		as: []string{"repost", "--set", "value=100"}, want: []string{"2022 1 spent 100.00"}, silent: []string{`check --year 2022 --format json|"class":`},
	},
	{
		name: "a receipt confirmed wrongly", wrong: "k",
		given: strings.Replace(paid, `"payment"`, `"lower-treasury"`, 1) + `{"id":"k","kind":"receipt-confirmed","fund":"f","year":2022,"date":"2022-06-01","of":"p","amount":"80"}` + "\n",
		as:    []string{"repost", "--set", "amount=60"}, want: []string{"2022 1 confirmed 60.00", "2022 1 in_transit 40.00"},
	},
	{
		name: "taken back by mistake", given: paid + `{"id":"x","kind":"reversed","fund":"f","year":2022,"of":"p","reason":"误"}` + "\n", wrong: "x", as: []string{"restore"},
		want: []string{"2022 1 spent 100.00", "2022 1 available 900.00"},
	},
	{
		name: "the bank sent it back", given: paid, wrong: "p", as: []string{"returned", "--date", "2022-05-09"}, want: []string{"2022 1 disbursed 100.00", "2022 1 returned 100.00", "2022 1 available 1000.00"},
	},
	{
		name: "matched with the bank", wrong: "p",
		given: paid + strings.NewReplacer(`"id":"p"`, `"id":"q"`, `"17"`, `"18"`).Replace(paid) + `{"id":"bank","kind":"bank-line","fund":"f","year":2022,"date":"2022-05-02","account":"1","direction":"out","amount":"100.00"}
{"id":"m","kind":"bank-matched","fund":"f","year":2022,"bank_lines":["bank"],"events":["p"],"rule":"amount"}
`,
		as: []string{"repost", "--set", "line=2"}, want: []string{"2022 1 spent 100.00", "2022 2 spent 100.00"},
		then: []string{`refused/already-matched {"kind":"bank-matched","fund":"f","year":2022,"bank_lines":["bank"],"events":["q"],"rule":"amount"}`},
	},
}

// TestMishaps: for each mishap correct offers the way, does it, and leads to the right state; what was stored stays byte for byte.
func TestMishaps(t *testing.T) {
	t.Parallel()
	for _, s := range mishaps {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			p := onFolder(t)
			var wrong events.Seq
			for _, r := range p.append(t, erring+s.given) {
				if r.Status != ledger.Appended {
					t.Fatalf("%s is %s: %s", r.ID, r.Status, r.Message)
				}
				if string(r.ID) == s.wrong {
					wrong = r.Seq
				}
			}
			before := p.stored(t)
			offers := p.ok(t, "correct", wrong.String(), "--format", "json")
			var offered struct{ Offers []struct{ Name string } }
			if err := json.Unmarshal([]byte(offers), &offered); err != nil {
				t.Fatal(err)
			}
			closed := strings.Contains(strings.Join(s.as, " "), "--approver") // two people are not offered, they are named
			if !closed && !slices.ContainsFunc(offered.Offers, func(o struct{ Name string }) bool { return o.Name == s.as[0] }) {
				t.Errorf("%s is not offered:\n%s", s.as[0], offers)
			}
			args := append([]string{"correct", wrong.String(), "--as"}, s.as...)
			commands := p.ok(t, args...) // to be looked at, without a terminal
			got := p.run(t, append(args, "--yes")...)
			rs := receipts(t, got.out)
			if got.code != exitOK || len(rs) != strings.Count(commands, "\n") {
				t.Fatalf("exit %d, %s\n%s", got.code, got.out, got.err)
			}
			for _, r := range rs {
				if r.Status != ledger.Appended {
					t.Errorf("%s is %s", r.ID, r.Status)
				}
			}
			after := p.stored(t)
			// Neither what was offered nor what was printed is stored, and nothing that was stored has changed.
			if len(after) != len(before)+len(rs) || !slices.Equal(after[:len(before)], before) {
				t.Errorf("%d events are stored, want the %d of before and %d more", len(after), len(before), len(rs))
			}
			for _, want := range s.want {
				f := strings.Fields(want)
				if got := p.cell(t, f[0], f[1], f[2], f[4:]...); got != f[3] {
					t.Errorf("%s %s of %s is %s, want %s\n%s", f[1], f[2], f[0], got, f[3], commands)
				}
			}
			for _, then := range s.then {
				want, command, _ := strings.Cut(then, " ")
				if got := statuses(p.append(t, command, "--dry-run")); got != want {
					t.Errorf("%s is %s, want %s", command, got, want)
				}
			}
			for i, text := range append(slices.Clone(s.says), s.silent...) {
				ask, want, _ := strings.Cut(text, "|")
				out := p.ok(t, append(strings.Fields(ask), "--fund", "f")...)
				if has := strings.Contains(out, want); has != (i < len(s.says)) {
					t.Errorf("%s says %s: %v\n%s", ask, want, has, out)
				}
			}
		})
	}
	if len(mishaps) < 20 {
		t.Errorf("%d mishaps", len(mishaps))
	}
}

// cell is a cell of the execution table of f.
func (p *program) cell(t testing.TB, year, line, measure string, args ...string) string {
	t.Helper()
	out := p.ok(t, append([]string{"table", "execution", "--fund", "f", "--year", year, "--format", "json"}, args...)...)
	var table struct {
		Rows, Lots []map[string]any
		Total      map[string]any
	}
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	rows, key := append(table.Rows, table.Total), "line"
	if lot, ok := strings.CutPrefix(line, "lot:"); ok {
		rows, key, line = table.Lots, "lot", lot
	}
	for _, r := range rows {
		if v, ok := r[measure]; ok && r[key] == line {
			return fmt.Sprint(v)
		}
	}
	t.Fatalf("no %s of %s in\n%s", measure, line, out)
	return ""
}

// The number and the account of one payee do not become those of another without a word.
func TestAnotherPayee(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, erring+paid)
	before := p.stored(t)
	for missing, args := range map[string][]string{
		"payee-id": {"--set", "payee=丙公司"}, "payee-account": {"--set", "payee=丙公司", "--set", "payee-id=91C"},
	} {
		got := p.run(t, append([]string{"correct", "6", "--as", "repost", "--yes"}, args...)...)
		if got.code != exitUsage || !strings.Contains(got.err, "--set "+missing+"=") {
			t.Errorf("%s: exit %d, %s", args, got.code, got.err)
		}
	}
	if after := p.stored(t); len(after) != len(before) {
		t.Errorf("%d events are stored, there were %d", len(after), len(before))
	}
}

// TestCorrectSays: what the event is and what hangs on it is said in both languages, and why what does not fit does not.
func TestCorrectSays(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, erring+paid+`{"id":"r","kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":"p","amount":"10"}`+"\n")
	for lang, wants := range map[string][]string{
		"en": {"event 6 of f 2022: disbursement", "100.00 CNY  壹佰元整", "1 甲", "甲公司", "left of it on line 1: 90.00", "7      refund", "--as reclassify --to-line …", `"kind":"reversed","fund":"f","year":2022,"of":7`},
		"zh": {"第 6 号事件：支出", "壹佰元整", "与之关联的事件", "7      退款", "--as repost --set …"},
	} {
		out := p.ok(t, "correct", "6", "--lang", lang)
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q in %s:\n%s", want, lang, out)
			}
		}
		if rawKey.MatchString(out) || strings.Contains(out, "<no value>") || strings.Contains(out, "correct.") {
			t.Errorf("a word is missing in %s:\n%s", lang, out)
		}
	}
	// A payment with a refund cannot be returned whole, and that is not offered.
	var offered struct {
		Event struct {
			YearClosed bool `json:"year_closed"`
		}
		Offers, Refused []struct{ Name, Code, Message, Hint string }
	}
	read := func(args ...string) {
		t.Helper()
		offered.Offers, offered.Refused = nil, nil
		if err := json.Unmarshal([]byte(p.ok(t, append(args, "--format", "json")...)), &offered); err != nil {
			t.Fatal(err)
		}
	}
	read("correct", "6")
	var names []string
	for _, o := range offered.Offers {
		names = append(names, o.Name)
	}
	if got := strings.Join(names, " "); got != "amend reclassify repost reverse refund" || len(offered.Refused) != 0 {
		t.Errorf("offered is %s, refused %v", got, offered.Refused)
	}
	// What is asked for and does not fit is refused in the ledger's words, and nothing is stored.
	before := p.stored(t)
	for _, args := range [][]string{
		{"correct", "6", "--as", "reclassify", "--to-line", "2", "--amount", "91", "--yes"},
		{"correct", "6", "--as", "returned", "--yes"},
		{"correct", "6", "--as", "repost", "--set", "amount=1001", "--yes"},
		{"correct", "6", "--as", "refund", "--amount", "90.01", "--yes"},
		{"correct", "1", "--as", "reverse", "--yes"},
	} {
		got := p.run(t, args...)
		if rs := receipts(t, got.out); got.code != exitRefused || !slices.ContainsFunc(rs, func(r ledger.Receipt) bool { return r.Status == ledger.Refused }) || !strings.Contains(got.err, "hint: ") {
			t.Errorf("%v: exit %d, %s, %s", args, got.code, got.out, got.err)
		}
	}
	if after := p.stored(t); !slices.Equal(after, before) {
		t.Error("something is stored")
	}
	// In a closed year nothing but words is put right, and two people are named as the way.
	q := onFolder(t)
	q.append(t, erring+paid+closed22)
	p = q
	read("correct", "6")
	if !offered.Event.YearClosed {
		t.Error("the year is not said to be closed")
	}
	names = nil
	for _, o := range offered.Refused {
		names = append(names, o.Name+":"+o.Code)
		if o.Message == "" || o.Hint == "" {
			t.Errorf("%s is refused without words", o.Name)
		}
	}
	if got := strings.Join(names, " "); got != "reclassify:year-closed repost:year-closed reverse:year-closed" {
		t.Errorf("refused are %s", got)
	}
	if out := q.ok(t, "correct", "6"); !strings.Contains(out, "--approver") {
		t.Errorf("nobody says how a closed year is opened:\n%s", out)
	}
	// Two approvals of one person are none.
	if got := q.run(t, "correct", "6", "--as", "reverse", "--approver", "甲", "--approver", "甲", "--yes"); got.code != exitRefused || !strings.Contains(got.out, "two-people") {
		t.Errorf("exit %d, %s", got.code, got.out)
	}
}

// TestCorrectIsAppendedAtomically: what is printed without a terminal can be appended later, by its ids once.
func TestCorrectIsAppendedAtomically(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, erring+paid)
	commands := p.ok(t, "correct", "6", "--as", "repost", "--set", "line=2")
	if got := statuses(p.append(t, commands, "--atomic")); got != "appended appended" {
		t.Errorf("appended it is %s", got)
	}
	if got := statuses(p.append(t, commands, "--atomic")); got != "duplicate duplicate" {
		t.Errorf("appended again it is %s", got)
	}
	if got := p.run(t, "correct", "6", "--as", "repost", "--set", "line=2", "--yes"); got.code != exitRefused || !strings.Contains(got.out, "already-reversed") {
		t.Errorf("corrected again it is %d, %s", got.code, got.out)
	}
	if got := p.cell(t, "2022", "2", "spent"); got != "100.00" {
		t.Errorf("line 2 has spent %s", got)
	}
}
