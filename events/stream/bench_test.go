package stream_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"

	"github.com/nats-io/nats.go"
)

// BenchmarkReplay reads a log of events of 570 bytes, checked, in process and over TCP, beside what the broker gives unchecked ("raw") in the same run.
func BenchmarkReplay(b *testing.B) {
	for _, c := range []struct{ blocks, size int }{{20_000, 1}, {2_000, 100}, {500, 1000}} {
		folder := b.TempDir()
		s, _, err := embedded.Hold(b.Context(), folder, embedded.Options{Create: true, Listen: true})
		if err != nil {
			b.Fatal(err)
		}
		own, err := s.Connect()
		if err != nil {
			b.Fatal(err)
		}
		client, err := s.Address().Dial()
		if err != nil {
			b.Fatal(err)
		}
		lines := bytes.Repeat([]byte(`{"x":"`+strings.Repeat("y", 560)+"\"}\n"), c.size)
		for i, way := range []struct {
			name, api string
			nc        *nats.Conn
		}{{"in-process", stream.Own, own}, {"tcp", stream.Imported, client}} {
			st, err := stream.NewStore(way.nc, way.api, embedded.Heads(folder))
			if err != nil {
				b.Fatal(err)
			}
			if i == 0 {
				l := st.Log(fund)
				for range c.blocks {
					if err := l.Append(b.Context(), proof.BlockOf(lines)); err != nil {
						b.Fatal(err)
					}
				}
			}
			events := float64(c.blocks * c.size)
			b.Run(fmt.Sprintf("%d/%s/raw", c.size, way.name), func(b *testing.B) {
				for b.Loop() {
					fetchRaw(b, way.nc, way.api, uint64(c.blocks))
				}
				b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
			})
			b.Run(fmt.Sprintf("%d/%s/checked", c.size, way.name), func(b *testing.B) {
				for b.Loop() {
					for _, err := range st.Log(fund).Replay(b.Context()) {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
			})
		}
		client.Close()
		own.Close()
		if err := s.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// fetchRaw fetches all messages by batches of direct get and looks at none of them.
func fetchRaw(b *testing.B, nc *nats.Conn, api string, last uint64) {
	b.Helper()
	for from := uint64(1); from <= last; {
		request, err := json.Marshal(map[string]any{"seq": from, "batch": 2000, "max_bytes": 4 << 20})
		if err != nil {
			b.Fatal(err)
		}
		sub, err := nc.SubscribeSync(nc.NewInbox())
		if err != nil {
			b.Fatal(err)
		}
		if err := sub.SetPendingLimits(-1, -1); err != nil {
			b.Fatal(err)
		}
		if err := nc.PublishRequest(api+".DIRECT.GET."+stream.Name(fund), sub.Subject, request); err != nil {
			b.Fatal(err)
		}
		for {
			m, err := sub.NextMsg(10 * time.Second)
			if err != nil {
				b.Fatal(err)
			}
			if m.Header.Get("Status") != "" {
				break
			}
			from++
		}
		_ = sub.Unsubscribe()
	}
}
