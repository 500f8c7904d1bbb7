package intake_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/ledger/intake"
)

// statement is a camt.053 of a version, with the entries given. From 001.08 on a status has a code and a party is one of persons or agents.
func statement(version, balances string, entries ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.` + version + `"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S1</Id>
<Acct><Id><Othr><Id>43001 5678</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
` + balances + strings.Join(entries, "\n") + `</Stmt></BkToCstmrStmt></Document>`
}

func entry(amount, direction, status, day, more string) string {
	return `<Ntry><Amt Ccy="CNY">` + amount + `</Amt><CdtDbtInd>` + direction + `</CdtDbtInd><Sts>` + status + `</Sts><BookgDt><Dt>2022-04-30</Dt></BookgDt><ValDt>` + day + `</ValDt>` + more + `</Ntry>`
}

func balanceOf(code, amount, direction string) string {
	return `<Bal><Tp><CdOrPrtry><Cd>` + code + `</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">` + amount + `</Amt><CdtDbtInd>` + direction + `</CdtDbtInd><Dt><Dt>2022-04-01</Dt></Dt></Bal>`
}

// planned is what becomes of a statement: a command for each row.
func planned(t *testing.T, text string) (commands []string, p *intake.Plan) {
	t.Helper()
	f, err := intake.Open("statement.xml", bytes.NewReader([]byte(text)), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	p, err = f.Plan(intake.Options{As: intake.Bank, Fund: "f"}, intake.Facts{Currency: "CNY", Decimals: 2, Years: []intake.YearFacts{{Year: 2022}}})
	if err != nil {
		t.Fatal(err)
	}
	for item, err := range p.Items(nil) {
		if err != nil {
			t.Fatal(err)
		}
		if item.Kind != intake.Commands || len(item.Commands) != 1 {
			t.Fatalf("row %d is %+v", item.Row, item)
		}
		c, err := events.ParseCommand(item.Commands[0])
		if err != nil {
			t.Fatalf("%s: %v", item.Commands[0], err)
		}
		commands = append(commands, strings.Join([]string{
			c.Account, c.Date.String(), string(c.Direction), c.Amount.String(), string(c.Balance), c.Counterparty, c.CounterpartyAccount, c.Reference, c.Purpose,
		}, "|"))
	}
	return commands, p
}

const old, later = "02", "08"

// TestCamt: both nestings give the same lines; what is pending is left out; several transactions are one line; balances follow from the opening one.
func TestCamt(t *testing.T) {
	t.Parallel()
	tx := func(version, party, name, more string) string {
		n := "<Nm>" + name + "</Nm>"
		if version == later {
			n = "<Pty>" + n + "</Pty>"
		}
		return "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><" + party + ">" + n + "</" + party + "><" + party + "Acct><Id><IBAN>CN1234</IBAN></Id></" +
			party + "Acct></RltdPties>" + more + "</TxDtls></NtryDtls>"
	}
	for _, version := range []string{old, later} {
		status := func(s string) string {
			if version == later {
				return "<Cd>" + s + "</Cd>"
			}
			return s
		}
		text := statement(version, balanceOf("OPBD", "100.00", "CRDT")+balanceOf("CLBD", "9.5", "DBIT"),
			entry("120.00", "DBIT", status("BOOK"), "<Dt>2022-04-18</Dt>", "<AcctSvcrRef>R1</AcctSvcrRef>"+tx(version, "Cdtr", "甲 &amp; 乙", "<RmtInf><Ustrd>凭证</Ustrd><Ustrd>0012</Ustrd></RmtInf>")),
			entry("7.00", "DBIT", status("PDNG"), "<Dt>2022-04-18</Dt>", ""),
			entry("0.5", "CRDT", status("BOOK"), "<DtTm>2022-04-19T23:30:00+08:00</DtTm>", "<RvslInd>true</RvslInd><NtryRef>N2</NtryRef>"+tx(version, "Dbtr", "丙", "")),
			entry("10", "CRDT", status("BOOK"), "<Dt>2022-04-20</Dt>", "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RltdPties><Dbtr><Nm>丁</Nm></Dbtr></RltdPties></TxDtls><TxDtls><RltdPties><Dbtr><Nm>戊</Nm></Dbtr></RltdPties></TxDtls></NtryDtls><AddtlNtryInf>两笔</AddtlNtryInf>"),
		)
		want := []string{
			"430015678|2022-04-18|out|120.00|-20|甲 & 乙|CN1234|R1|凭证 0012",
			"430015678|2022-04-19|in|0.50|-19.5|丙|CN1234|N2|",
			"430015678|2022-04-20|in|10.00|-9.5||||两笔 E1",
		}
		got, p := planned(t, text)
		if fmt.Sprint(len(got)) != fmt.Sprint(len(want)) {
			t.Fatalf("%s: %q", version, got)
		}
		for i := range want {
			if !sameMoney(got[i], want[i]) {
				t.Errorf("%s: line %d is\n%s\nwant\n%s", version, i, got[i], want[i])
			}
		}
		var notices []string
		for _, n := range p.Notices {
			notices = append(notices, n.Name+" "+n.Args["n"])
		}
		if strings.Join(notices, ", ") != "camt-pending 1, camt-batch 1" || len(p.Totals) != 0 {
			t.Errorf("%s: notices %q, totals %v", version, notices, p.Totals)
		}
	}
}

// sameMoney compares lines; amounts may have zeros at their end.
func sameMoney(a, b string) bool {
	trim := func(s string) string {
		parts := strings.Split(s, "|")
		for _, i := range []int{3, 4} {
			if strings.Contains(parts[i], ".") {
				parts[i] = strings.TrimRight(strings.TrimRight(parts[i], "0"), ".")
			}
		}
		return strings.Join(parts, "|")
	}
	return trim(a) == trim(b)
}

// TestCamtDoesNotAddUp: a closing balance that does not follow is a total that is wrong, and no line gets a balance.
func TestCamtDoesNotAddUp(t *testing.T) {
	t.Parallel()
	got, p := planned(t, statement(old, balanceOf("OPBD", "100.00", "CRDT")+balanceOf("CLBD", "90.00", "CRDT"), entry("9.00", "DBIT", "BOOK", "<Dt>2022-04-18</Dt>", "")))
	if len(p.Totals) != 1 || p.Totals[0].Printed != 9000 || p.Totals[0].Rows != 9100 {
		t.Errorf("totals are %+v, want 90.00 printed and 91.00 found", p.Totals)
	}
	if len(got) != 1 || !sameMoney(got[0], "430015678|2022-04-18|out|9.00|||||") {
		t.Errorf("lines are %q", got)
	}
}

// TestCamtRefused: what is no statement of a bank is refused by name, and never takes room or time.
func TestCamtRefused(t *testing.T) {
	t.Parallel()
	good := statement(old, "", entry("9.00", "DBIT", "BOOK", "<Dt>2022-04-18</Dt>", ""))
	laughs := `<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>`
	for name, c := range map[string]struct{ text, why string }{
		"entities":       {strings.Replace(good, "<Document", laughs+"<Document", 1), "camt-doctype"},
		"no such entity": {strings.Replace(good, "M1", "&b;", 1), "camt-xml"},
		"deep":           {strings.Replace(good, "M1", strings.Repeat("<a>", 100), 1), "camt-deep"},
		"cut off":        {good[:len(good)-20], "camt-xml"},
		"another root":   {strings.NewReplacer("<Document", "<Doc", "/Document", "/Doc").Replace(good), "camt-root"},
		"a report":       {strings.NewReplacer("BkToCstmrStmt", "BkToCstmrAcctRpt").Replace(good), "camt-root"},
		"empty":          {`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt></BkToCstmrStmt></Document>`, "camt-empty"},
		"no amount":      {strings.Replace(good, ">9.00<", ">9,00<", 1), "camt-amount"},
		"below zero":     {strings.Replace(good, ">9.00<", ">-9.00<", 1), "camt-amount"},
		"no direction":   {strings.Replace(good, "DBIT", "D", 1), "camt-direction"},
		"two currencies": {statement(old, "", entry("9.00", "DBIT", "BOOK", "<Dt>2022-04-18</Dt>", ""), strings.Replace(entry("9.00", "DBIT", "BOOK", "<Dt>2022-04-18</Dt>", ""), "CNY", "USD", 1)), "camt-currency"},
		"bad UTF-8":      {strings.Replace(good, "M1", "\xff", 1), "camt-xml"},
		"a charset":      {strings.Replace(good, "UTF-8", "EBCDIC", 1), "camt-xml"},
	} {
		_, err := intake.Open("s.xml", strings.NewReader(c.text), int64(len(c.text)))
		if events.CodeOf(err) != events.Malformed || why(err) != c.why {
			t.Errorf("%s: %v (%s), want %s", name, err, why(err), c.why)
		}
	}
	f, err := intake.Open("s.xml", strings.NewReader(good), int64(len(good)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Plan(intake.Options{As: intake.Bank, Fund: "f"}, intake.Facts{Currency: "JPY", Decimals: 0}); why(err) != "camt-currency" {
		t.Errorf("a fund in yen takes it: %v", err)
	}
}

// FuzzCamt: nothing that looks like a statement makes the reader panic, and what it takes it reads again alike.
func FuzzCamt(f *testing.F) {
	f.Add(statement(old, balanceOf("OPBD", "1", "CRDT"), entry("9.00", "DBIT", "BOOK", "<Dt>2022-04-18</Dt>", "")))
	f.Add(statement(later, "", entry("9.00", "CRDT", "<Cd>INFO</Cd>", "", "<NtryDtls/>")))
	f.Fuzz(func(t *testing.T, text string) {
		file, err := intake.Open("s.xml", strings.NewReader(text), int64(len(text)))
		if err != nil || file.Format != "camt" {
			return
		}
		count := func() (n int) {
			for _, err := range file.Sheets[0].Rows() {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}
		if a, b := count(), count(); a != b {
			t.Errorf("%d rows, then %d", a, b)
		}
	})
}
