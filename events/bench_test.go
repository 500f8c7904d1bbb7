package events

import (
	"testing"
	"time"
)

// benchPayment is a payment of about 600 bytes as an operator enters it.
const benchPayment = `{"kind":"disbursed","fund":"cd-gx","year":2022,"date":"2022-09-16","id":"cd-gx/2022/0001738","line":"2.1.4","amount":"890000.00","channel":"payment","method":"direct",` +
	`"basis":"voucher","mode":"control","payee":{"name":"湖南德山酒业营销有限公司","id":"91430700MA4L12345X","class":"enterprise","account":"4305017645360000","bank":"常德农村商业银行"},` +
	`"voucher":{"issuer":"430700","year":2022,"type":"直接支付","number":"2022091600017","line":"1"},"purpose":"首次入规工业企业奖励","documents":["常财企指〔2022〕88号"],` +
	`"dims":{"function":"2150805","econ_gov":"50701","source":"city"}}`

func benchEvent(b testing.TB) Event {
	c, err := ParseCommand([]byte(benchPayment))
	if err != nil {
		b.Fatal(err)
	}
	return Event{
		Seq: 1738, ID: c.ID, Time: time.Date(2026, 11, 23, 2, 11, 9, 123456000, time.UTC), Command: &c, Actor: Actor{"local", "operator"}, Rules: Rules, Decimals: 2,
		Postings: []Posting{{Year: 2022, Line: c.Line, Measure: DisbursedM, Amount: 89000000, Date: c.Date, Counts: c.Date.Last(), Channel: c.Channel, Basis: c.Basis, Dims: c.Dims}},
	}
}

func BenchmarkParseCommand(b *testing.B) {
	raw := []byte(benchPayment)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCommand(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	e := benchEvent(b)
	line := AppendLine(nil, &e)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSkim(b *testing.B) {
	e := benchEvent(b)
	line := AppendLine(nil, &e)
	var got Event
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if !got.Skim(line) {
			b.Fatal("not skimmed")
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	e := benchEvent(b)
	buf := AppendLine(nil, &e)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendLine(buf[:0], &e)
	}
}

func BenchmarkContent(b *testing.B) {
	e := benchEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = e.Command.Content()
	}
}

// BenchmarkCanonicalAndKey makes the id of a command that has none as an input does.
func BenchmarkCanonicalAndKey(b *testing.B) {
	raw := []byte(benchPayment)
	b.ReportAllocs()
	for b.Loop() {
		canon, err := Canonical(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Key(canon, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	raw := []byte(benchPayment)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Key(raw, 1); err != nil {
			b.Fatal(err)
		}
	}
}
