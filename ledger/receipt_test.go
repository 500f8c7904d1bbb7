package ledger

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"fundledger/events"

	"pgregory.net/rapid"
)

// TestReceiptsAsJSON compares how receipts are written and read with encoding/json.
func TestReceiptsAsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Receipt {
			r := Receipt{
				Input: rapid.IntRange(0, 99).Draw(t, "input"), ID: events.ID(rapid.SampledFrom([]string{"", "p-1", "付款", `a"b`, `a\b`, "<&>", "\u2028"}).Draw(t, "id")),
				Status: rapid.SampledFrom([]Status{Appended, Duplicate, Refused, WouldAppend, Failed}).Draw(t, "status"),
				Seq:    events.Seq(rapid.IntRange(0, 3).Draw(t, "seq")), Recorded: rapid.SampledFrom([]string{"", "2026-11-23T02:11:09.123456Z"}).Draw(t, "recorded"),
			}
			if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
				r.Flags = []events.Code{events.OverBudget}
			}
			if rapid.IntRange(0, 3).Draw(t, "code") == 0 {
				r.Code, r.Why, r.Args, r.Message, r.Hint = events.OverBudget, "w", events.Args{"a": "<1>"}, "message", "hint"
			}
			return r
		}), 1, 4).Draw(t, "receipts")
		data := []byte("[")
		for i := range rs {
			var want bytes.Buffer
			enc := json.NewEncoder(&want)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(rs[i]); err != nil {
				t.Fatal(err)
			}
			got := rs[i].AppendJSON(nil)
			if rs[i].Recorded != "" || rs[i].Seq == 0 { // with a number there is a time
				if string(got)+"\n" != want.String() {
					t.Fatalf("written %s, not %s", got, want.Bytes())
				}
			}
			if i > 0 {
				data = append(data, ',')
			}
			data = append(data, got...)
			if one, list, err := ParseReceipts(got); err != nil || list || !reflect.DeepEqual(one, rs[i:i+1]) {
				t.Fatalf("%s is read as %v, %v", got, one, err)
			}
		}
		data = append(data, ']')
		if got, list, err := ParseReceipts(data); err != nil || !list || !reflect.DeepEqual(got, rs) {
			t.Fatalf("%s is read as %v, %v", data, got, err)
		}
		// What is not whole is not read quickly as something else.
		cut := data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]
		if got, _, err := ParseReceipts(cut); err == nil {
			t.Fatalf("%s is read as %v", cut, got)
		}
	})
}
