package events_test

import (
	"testing"

	"fundledger/events"
)

// TestDraftIsReadBack writes a command with every sort of member and parses it.
func TestDraftIsReadBack(t *testing.T) {
	d := events.NewDraft(events.Disbursed, "cd-gx", 2022).
		Text("date", "2022-04-18").Text("line", "1.4").Text("amount", "100.50").Text("channel", "payment").
		Object("payee", (&events.Draft{}).Text("name", "湖南\"武陵\"酒\n<有限公司>").Number("count", 3).Text("bank", "")).
		Object("voucher", &events.Draft{}).
		Texts("documents", []string{"常财企指〔2022〕12号", "b"}).
		Texts("nothing", nil).
		Dims("dims", events.Dims{{Key: "function", Value: "2150805"}}).
		Ref("commitment", events.Ref{Seq: 12}).Raw("purpose", []byte(`"白酒"`)).Raw("lot", nil)
	c, err := events.ParseCommand(d.JSON())
	if err != nil {
		t.Fatalf("%s: %v", d.JSON(), err)
	}
	if c.Payee.Name != "湖南\"武陵\"酒\n<有限公司>" || c.Payee.Count != 3 || c.Payee.Bank != "" || c.Amount.String() != "100.50" || c.Year != 2022 ||
		c.Commitment.Seq != 12 || len(c.Documents) != 2 || c.Dims.Get("function") != "2150805" || c.Purpose != "白酒" || c.Lot != "" || c.Voucher != (events.Voucher{}) {
		t.Errorf("%s was read as %+v", d.JSON(), c)
	}

	leg := func(line, amount string) *events.Draft {
		return (&events.Draft{}).Text("line", line).Text("amount", amount)
	}
	d = events.NewDraft(events.Reallocated, "cd-gx", 2022).Text("date", "2022-12-28").
		Objects("from", []*events.Draft{leg("2.5", "107")}).Objects("to", []*events.Draft{leg("2.1.4", "89"), leg("2.1.1", "18")}).
		Refs("covers", []events.Ref{{Seq: 7}, {ID: "a-1"}})
	c, err = events.ParseCommand(d.JSON())
	if err != nil {
		t.Fatalf("%s: %v", d.JSON(), err)
	}
	if len(c.ToLegs) != 2 || c.ToLegs[1].Line != "2.1.1" || len(c.Covers) != 2 || c.Covers[0].Seq != 7 || c.Covers[1].ID != "a-1" {
		t.Errorf("%s was read as %+v", d.JSON(), c)
	}

	if got := string((&events.Draft{}).JSON()); got != "{}" {
		t.Errorf("an empty draft is %s", got)
	}
	d = (&events.Draft{}).Truth("budgeted", false)
	if a, b := string(d.JSON()), string(d.Text("more", "x").JSON()); a != `{"budgeted":false}` || b != `{"budgeted":false,"more":"x"}` {
		t.Errorf("got %s and %s", a, b)
	}
}
