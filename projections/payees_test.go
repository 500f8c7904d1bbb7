package projections_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections/payees"
	"fundledger/projections/sheet"
)

// got reads the payees of logs back from JSON.
func got(t *testing.T, q payees.Query, asOf *events.Day, logs ...*log) (out struct {
	Rows, Twice, Totals []row
	Total               row
},
) {
	t.Helper()
	p := payees.Payees{AsOf: asOf}
	for _, l := range logs {
		v := payees.NewView(nil)
		for _, e := range l.events {
			if err := v.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Add(v, "root"); err != nil {
			t.Fatal(err)
		}
	}
	s, err := p.Sheet(q)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := sheet.WriteJSON(&text, s, sheet.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text.Bytes(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &text)
	}
	return out
}

// TestPayeesAddUpToTheFund: as known at every event, and as of two dates, what all payees got is what the fund spent.
func TestPayeesAddUpToTheFund(t *testing.T) {
	whole := explainable(t)
	early := whole.day("2022-05-30")
	for n := range whole.events {
		l := *whole
		l.events = whole.events[:n+1]
		for _, asOf := range []*events.Day{nil, &early} {
			q := year(2022)
			q.AsOf = asOf
			spent := ask(t, l.book(), "execution", q).Total.text("spent")
			all := got(t, payees.Query{}, asOf, &l)
			if all.Total == nil { // nobody was paid
				if spent != "0.00" {
					t.Errorf("at event %d nobody was paid, and %s is spent", n+1, spent)
				}
				continue
			}
			if sum := (l.minor(all.Total.text("paid")) - l.minor(all.Total.text("returned"))).Format(2); sum != spent {
				t.Errorf("at event %d payees got %s, the fund spent %s", n+1, sum, spent)
			}
			if one := got(t, payees.Query{Limit: 1}, asOf, &l); one.Total.text("net") != all.Total.text("net") || len(one.Rows) != 1 {
				t.Errorf("at event %d a limit of one shows %v, and a total of %s", n+1, one.Rows, one.Total.text("net"))
			}
		}
	}
}

// TestPayeesAreMatched: by id, else by name, else by reference, and never one by what is another's name.
func TestPayeesAreMatched(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	for i, who := range []string{
		`"name":"甲厂","id":"91A"`, `"name":"甲","id":"91A"`, `"name":"91A"`, `"class":"person","ref":"p-1"`, `"class":"person","ref":"p-1"`, `"name":"p-1"`, `"name":"甲","id":"91B"`,
	} {
		l.pay(2022, "1", fmt.Sprintf("%d.00", 1<<i), "2022-04-01", `,"payee":{`+who+`}`)
	}
	l.pay(2022, "1", "1000.00", "2022-04-02")
	var all []string
	for _, r := range got(t, payees.Query{}, nil, l).Rows {
		all = append(all, r.cells("name", "id", "payments", "net"))
	}
	want := []string{"null null 1 1000.00", "甲 91B 1 64.00", "p-1 null 1 32.00", "p-1 null 2 24.00", "91A null 1 4.00", "甲 91A 2 3.00"}
	if strings.Join(all, "; ") != strings.Join(want, "; ") {
		t.Errorf("payees are %q, want %q", all, want)
	}
	for asked, want := range map[string]string{"91A": "91A 4.00, 甲 3.00", "甲": "甲 3.00, 甲 64.00", "甲厂": "甲 3.00", "91B": "甲 64.00", "p-1": "p-1 32.00, p-1 24.00", "乙": ""} {
		var found []string
		for _, r := range got(t, payees.Query{Payee: asked}, nil, l).Rows {
			found = append(found, r.cells("name", "net"))
		}
		for part := range strings.SplitSeq(want, ", ") {
			if part != "" && !strings.Contains(strings.Join(found, ", "), part) || len(found) != strings.Count(want, ".") {
				t.Errorf("%s is %q, want %q in any order", asked, found, want)
			}
		}
	}
}

// TestTwiceWithinAFund: a payment that was reversed and paid again under its voucher is there once; a recovery has no payee where it names no payment.
func TestTwiceWithinAFund(t *testing.T) {
	l := newLog(t)
	l.open(2022, "1 甲")
	voucher := `,"payee":{"name":"甲","account":"1"},"voucher":{"issuer":"i","year":2022,"type":"t","number":"1"}`
	l.reverse(l.pay(2022, "1", "5.00", "2022-04-01", voucher))
	l.pay(2022, "1", "5.00", "2022-04-01", voucher)
	l.add(2022, "clawed-back", `"cause":"prior-year","date":"2022-05-01","from_year":2021,"amount":"2.00"`, "recovered 0 2.00 2022-05-01 of_year=2021")
	all := got(t, payees.Query{}, nil, l)
	if len(all.Twice) != 0 {
		t.Errorf("seen twice: %v", all.Twice)
	}
	if len(all.Rows) != 1 || all.Rows[0].cells("name", "payments", "paid", "recovered", "net") != "甲 1 5.00 0.00 5.00" {
		t.Errorf("payees are %v", all.Rows)
	}
	l.pay(2022, "1", "7.00", "2022-06-01", `,"payee":{"name":"乙","account":"1"}`)
	if all = got(t, payees.Query{}, nil, l); len(all.Twice) != 1 || all.Twice[0].text("same") != "account" || all.Twice[0].text("value") != "null" {
		t.Errorf("seen twice: %v", all.Twice)
	}
}
