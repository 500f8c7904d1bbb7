package ledger

import (
	"fmt"
	"testing"
	"time"

	"fundledger/events"
)

// BenchmarkDecide decides and applies payments that no budget holds up.
func BenchmarkDecide(b *testing.B) {
	st := newStory()
	put := func(text string) {
		c, err := events.ParseCommand(commandJSON(text))
		if err != nil {
			b.Fatal(err)
		}
		e, _, err := st.s.decide(events.ID(text[:20]), &c, Local, st.now)
		if err != nil {
			b.Fatal(err)
		}
		if err := st.s.apply(e); err != nil {
			b.Fatal(err)
		}
	}
	put(`fund-opened lines=[{"code":"1","name":"a"},{"code":"1.1","name":"b","parent":"1"},{"code":"1.1.1","name":"c","parent":"1.1"}]`)
	put(`appropriated @1.1.1 999999999999999 stage=original`)
	c, err := events.ParseCommand(commandJSON(`disbursed @1.1.1 10 payee={"name":"a","id":"1"}`))
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]events.ID, b.N)
	for i := range ids {
		ids[i] = events.ID(fmt.Sprint("pay-", i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, id := range ids {
		e, _, err := st.s.decide(id, &c, Local, st.now)
		if err != nil {
			b.Fatal(err)
		}
		if err := st.s.apply(e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMeter counts what callers of one command each are answered, a block of 500 at a time: what counting costs a command.
func BenchmarkMeter(b *testing.B) {
	m := newMeter()
	block := batch{jobs: make([]*job, 500)}
	for i := range block.jobs {
		in := Input{Number: 1, Command: &events.Command{Fund: "f"}}
		block.jobs[i] = &job{inputs: []Input{in}, receipts: []Receipt{receipt(&in, Appended)}, submitted: time.Now(), meter: m}
	}
	for b.Loop() {
		m.answered(block.jobs...)
		m.landed(&block, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(block.jobs)), "ns/command")
}
