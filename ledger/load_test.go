package ledger_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/ledger"
)

// payments appends n payments of about 600 bytes, each with a voucher, to a new fund a.
func payments(t testing.TB, l *ledger.Ledger, n int) {
	t.Helper()
	open := ledger.Numberer{}
	rs := l.Append(t.Context(), []ledger.Input{open.Input([]byte(openA)), open.Input([]byte(`{"kind":"appropriated","fund":"a","year":2022,"date":"2022","line":"1","amount":"900000000000","stage":"original"}`))}, ledger.Local, false)
	for _, r := range rs {
		if r.Status != ledger.Appended {
			t.Fatal(r)
		}
	}
	const list = 1000
	done := make(chan []ledger.Receipt, n/list+1)
	lists := 0
	for from := 0; from < n; from += list {
		in := make([]ledger.Input, 0, list)
		for i := from; i < min(n, from+list); i++ {
			raw := fmt.Appendf(nil, `{"id":"payment-%08d","kind":"disbursed","fund":"a","year":2022,"date":"2022-%02d-%02d","line":"1","amount":"%d.%02d","channel":"payment",`+
				`"payee":{"name":"湖南武陵酒有限公司","id":"91430700%010d","account":"4300176705005%07d"},"purpose":"技术改造补贴","dims":{"district":"武陵区","function":"2150805"},`+
				`"voucher":{"issuer":"常德市财政局","year":2022,"type":"拨款凭证","number":"%08d"}}`, i, 1+i/28%12, 1+i%28, 1+i%9000, i%100, i%5000, i%100000, i)
			var single ledger.Numberer
			in = append(in, single.Input(raw))
		}
		lists++
		l.Submit(in, ledger.Local, false, func(rs []ledger.Receipt) { done <- rs })
		if lists >= 20 { // so many may wait
			check(t, <-done)
			lists--
		}
	}
	for ; lists > 0; lists-- {
		check(t, <-done)
	}
}

func check(t testing.TB, rs []ledger.Receipt) {
	t.Helper()
	for _, r := range rs {
		if r.Status != ledger.Appended {
			t.Fatal(r)
		}
	}
}

// BenchmarkLoad opens a fund of EVENTS payments (100,000 unless said otherwise) and decides one command, with and without a snapshot; and says how
// much memory an event takes.
func BenchmarkLoad(b *testing.B) {
	n := 100_000
	if s := os.Getenv("EVENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	h := build(b, b.TempDir())
	l := h.open(nil, nil)
	begin := time.Now()
	payments(b, l, n)
	b.Logf("%d payments appended in %v", n, time.Since(begin))
	l.Close(context.Background())
	last := 0
	load := func(b *testing.B) *ledger.Ledger {
		l := ledger.Open(func(f events.Fund) ledger.Log { return h.store.Log(f) }, nil)
		last++
		check(b, l.Append(b.Context(), inputs(b, pay("last-"+strconv.Itoa(last), "1")), ledger.Local, false))
		return l
	}
	loads := func(keep bool) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				if !keep {
					if err := os.RemoveAll(filepath.Join(h.folder, "snapshots")); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				l := load(b)
				b.StopTimer()
				l.Close(b.Context())
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds(), "events/s")
		}
	}
	b.Run("snapshot", loads(true))
	b.Run("replay", loads(false))
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			l := load(b)
			with := heap()
			l.Close(b.Context())
			b.ReportMetric(float64(with-heap())/float64(n), "B/event")
		}
	})
}

// heap is how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
