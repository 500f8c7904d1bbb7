package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fundledger/ledger"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// TestPrintedAgain: what was printed of the reference fund is printed again after 1,000 later events, byte for byte, in every format and language: payments that
// come late, some reversed, words amended, lines and years that nobody had told of, explanations, and stated figures.
func TestPrintedAgain(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, (&program{}).ok(t, "sample"))
	var asked [][]string
	for _, year := range []string{"2022", "2023"} {
		ask := func(args ...string) { asked = append(asked, append(args, "--fund", "cd-gx", "--year", year)) }
		for _, name := range projections.Tables {
			ask("table", name)
		}
		ask("report")
		ask("check")
		ask("report", "--as-of", "2022-06-30", "--basis", "stated")
		ask("table", "execution", "--as-of", "2022-09-15", "--by", "channel")
		ask("statement", "--line", "0")
		ask("series", "--line", "0")
	}
	asked = append(asked, []string{"diff", "--fund", "cd-gx", "--from", "40"})
	print := func(known string) (out []string) {
		for i, args := range asked {
			format, lang := sheet.Formats[i%len(sheet.Formats)], []string{"zh", "en"}[i/len(sheet.Formats)%2]
			flag := "--known-at"
			if args[0] == "diff" {
				flag = "--to"
			}
			formats := []string{format}
			if args[0] == "report" {
				formats = sheet.Formats
			}
			for _, format := range formats {
				got := p.run(t, append(args, flag, known, "--format", format, "--lang", lang)...)
				if got.code > exitRefused || got.out == "" { // check finds something
					t.Fatalf("%v: %d %s", args, got.code, got.err)
				}
				out = append(out, strings.Join(append(args, format, lang), " ")+"\n"+got.out)
			}
		}
		return out
	}
	before := print("150")

	p.now = func() time.Time { return today.AddDate(0, 3, 0) }
	var later strings.Builder
	for i := range 1000 {
		switch n := 150 + i; { // the number of the event before
		case i%10 == 3:
			fmt.Fprintf(&later, `{"kind":"reversed","fund":"cd-gx","year":2022,"of":%d,"reason":"late"}`, n)
		case i%10 == 5:
			fmt.Fprintf(&later, `{"kind":"amended","fund":"cd-gx","year":2022,"of":%d,"set":{"payee":{"name":"改%d"},"documents":["文%d"]},"reason":"late"}`, n, i, i)
		case i%100 == 7:
			fmt.Fprintf(&later, `{"kind":"line-added","fund":"cd-gx","year":2022,"line":"9.%d","name":"后来","parent":"0"}`, i)
		case i%100 == 8:
			fmt.Fprintf(&later, `{"kind":"appropriated","fund":"cd-gx","year":2022,"date":"2022-02","line":"9.%d","amount":"10.00","stage":"supplementary"}`, i-1)
		case i == 9:
			fmt.Fprint(&later, `{"kind":"amended","fund":"cd-gx","year":2022,"of":1,"set":{"name":"别名"},"reason":"late"}`)
		case i == 19:
			fmt.Fprint(&later, `{"kind":"fund-opened","fund":"cd-gx","year":2024,"name":"下年","lines":[{"code":"1","name":"一"}]}`)
		case i%100 == 29:
			fmt.Fprint(&later, `{"kind":"explained","fund":"cd-gx","year":2022,"line":"2.1.4","measure":"available","text":"late"}`)
		case i%100 == 39:
			fmt.Fprintf(&later, `{"kind":"figure-stated","fund":"cd-gx","year":2022,"date":"2022-12-31","measure":"spent","value":"%d","unit":"yuan","source":{"document":"d"}}`, i)
		default:
			fmt.Fprintf(&later, `{"kind":"disbursed","fund":"cd-gx","year":2022,"mode":"record","date":"2022-0%d","line":"1.%d","amount":"%d.50","channel":"payment","payee":{"name":"迟%d"},"documents":["迟到"]}`,
				1+i%9, 1+i%7, 1+i, i%5)
		}
		later.WriteByte('\n')
	}
	for _, r := range p.append(t, later.String()) {
		if r.Status != ledger.Appended {
			t.Fatalf("%d is %s: %s", r.Input, r.Status, r.Message)
		}
	}
	if now := p.ok(t, "table", "execution", "--fund", "cd-gx", "--year", "2022"); strings.Contains(before[0]+strings.Join(before, ""), now) {
		t.Error("the later events changed nothing")
	}
	for i, again := range print("150") {
		if again != before[i] {
			t.Errorf("printed again:\n%s\nit was\n%s", again, before[i])
		}
	}
}
