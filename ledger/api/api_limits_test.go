package api_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// plain starts a broker with one account and its store in a folder.
func plain(t *testing.T, folder string, most int64) *natsserver.Server {
	t.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{
		ServerName: "plain", Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: folder, JetStreamMaxStore: most, SyncAlways: true,
		NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(enough) {
		t.Fatal("the broker does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func dial(t *testing.T, s *natsserver.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), nats.MaxReconnects(-1), nats.Timeout(enough), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// reasons are so many commands with long texts.
func reasons(id string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(`{"id":"%s-%d","kind":"line-added","fund":"a","year":2022,"line":"%s-%d","name":%q}`, id, i, id, i, strings.Repeat("x", 450)))
	}
	return all
}

// stored reads a fund's log back, verified.
func stored(t *testing.T, store *stream.Store, fund events.Fund) map[events.ID]events.Event {
	t.Helper()
	all := map[events.ID]events.Event{}
	for line, err := range store.Log(fund).Replay(t.Context()) {
		if err != nil {
			t.Fatalf("the log does not read: %v", err)
		}
		e, err := events.ParseEvent([]byte(string(line)))
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[e.ID]; twice {
			t.Errorf("%s is stored twice", e.ID)
		}
		all[e.ID] = e
	}
	return all
}

// fill appends until something fails, and returns the ids that were acknowledged and a receipt of what was not.
func fill(t *testing.T, l *ledger.Ledger, name string) (acknowledged []events.ID, failed ledger.Receipt) {
	t.Helper()
	for i := range 5000 {
		for _, r := range l.Append(t.Context(), inputs(t, reasons(fmt.Sprint(name, i), 60)...), ledger.Local, false) {
			switch r.Status {
			case ledger.Appended:
				acknowledged = append(acknowledged, r.ID)
			case ledger.Failed:
				return acknowledged, r
			default:
				t.Fatalf("answered %+v", r)
			}
		}
	}
	t.Fatal("it is never full")
	return nil, failed
}

// wantAll checks that everything acknowledged is stored.
func wantAll(t *testing.T, all map[events.ID]events.Event, acknowledged []events.ID) {
	t.Helper()
	for _, id := range acknowledged {
		if all[id].Seq == 0 {
			t.Errorf("%s was acknowledged and is not stored", id)
		}
	}
}

// TestABrokersStoreIsFull fills the store that a broker may use.
func TestABrokersStoreIsFull(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := plain(t, folder, 2<<20)
	r := share(t, dial(t, s), steady, nil, nil)
	if rs := r.ledger.Append(t.Context(), inputs(t, opened), ledger.Local, false); statuses(rs) != "appended" {
		t.Fatalf("%+v", rs)
	}
	acknowledged, failed := fill(t, r.ledger, "F")
	t.Logf("after %d events: %s %s: %s", len(acknowledged), failed.Status, failed.Code, failed.Message)
	if failed.Code != events.Unavailable || failed.Why != "disk" || !strings.Contains(failed.Message, "resources") {
		t.Errorf("a full store is said to be %+v", failed)
	}
	wantAll(t, stored(t, r.store, "a"), acknowledged)
	// What stores nothing is answered still.
	if rs := r.ledger.Append(t.Context(), inputs(t, reasons("F0", 1)...), ledger.Local, false); statuses(rs) != "duplicate" {
		t.Errorf("a duplicate is answered %+v", rs)
	}
	r.stop()
	s.Shutdown()
	s.WaitForShutdown()
	larger := plain(t, folder, 64<<20)
	r = share(t, dial(t, larger), steady, nil, nil)
	again := inputs(t, reasons(fmt.Sprint("F", len(acknowledged)/60), 60)...)
	for _, got := range r.ledger.Append(t.Context(), again, ledger.Local, false) {
		if got.Status != ledger.Appended && got.Status != ledger.Duplicate {
			t.Fatalf("with room: %+v", got)
		}
	}
	all := stored(t, r.store, "a")
	wantAll(t, all, acknowledged)
	// The opening, the whole requests, and the one that failed: it may have been split, and its first part stored before.
	if want := 1 + len(acknowledged)/60*60 + 60; len(all) != want {
		t.Errorf("%d events are stored, want %d", len(all), want)
	}
}

// TestARequestThatIsTooLarge is told so, by the client too.
func TestARequestThatIsTooLarge(t *testing.T) {
	t.Parallel()
	s := plain(t, t.TempDir(), 64<<20) // takes messages of one megabyte
	share(t, dial(t, s), steady, nil, nil)
	c := client.New(dial(t, s), "local")
	if rs := c.Append(t.Context(), inputs(t, opened), false); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	lines := inputs(t, reasons("R", 2500)...)
	for _, r := range c.Append(t.Context(), lines, false) {
		if r.Status != ledger.Refused || r.Code != events.TooLarge || !strings.Contains(r.Message, "1048576") {
			t.Fatalf("answered %+v", r)
		}
	}
	for _, r := range c.Append(t.Context(), lines[:1500], false) {
		if r.Status != ledger.Appended {
			t.Fatalf("a part of it: %+v", r)
		}
	}
}

// TestACallerWhoGoesAway sends a command and ends his connection before he is answered.
func TestACallerWhoGoesAway(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	r := b.share(t, steady)
	nc := b.other(t)
	if rs, _ := request(t, nc, "a", opened, false); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	for i := range 50 {
		gone := b.other(t)
		if err := gone.PublishRequest(api.Subject("local", "a"), gone.NewInbox(), []byte(line(fmt.Sprint("G", i)))); err != nil {
			t.Fatal(err)
		}
		if err := gone.Flush(); err != nil {
			t.Fatal(err)
		}
		gone.Close()
	}
	for i := range 50 {
		if rs, _ := request(t, nc, "a", line(fmt.Sprint("G", i)), false); statuses(rs) != "duplicate" {
			t.Errorf("asked again: %s", statuses(rs))
		}
	}
	if n := len(stored(t, r.store, "a")); n != 51 {
		t.Errorf("%d events are stored, want 51", n)
	}
}

// TestManyRequestsAndASlowReader sends ten thousand requests from a connection that reads no answer, and asks from another meanwhile. It runs alone:
// what other tests hold in memory meanwhile is not its own.
func TestManyRequestsAndASlowReader(t *testing.T) {
	b := newBroker(t)
	r := b.share(t, steady)
	nc := b.other(t)
	if rs, _ := request(t, nc, "a", opened, false); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	var was, is runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&was)
	const n = 10_000
	slow, err := net.Dial("tcp", strings.TrimPrefix(b.ClientURL(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"user\":\"client\",\"pass\":\"token\"}\r\nSUB _INBOX.slow.> 1\r\n")
	for i := range n {
		body := line(fmt.Sprint("S", i))
		fmt.Fprintf(&text, "PUB cmd.local.a _INBOX.slow.%d %d\r\n%s\r\n", i, len(body), body)
	}
	text.WriteString("PING\r\n")
	if _, err := slow.Write([]byte(text.String())); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for i := 0; ; i++ {
		rs, _ := request(t, nc, "a", line(fmt.Sprint("Q", i)), false)
		if statuses(rs) != "appended" {
			t.Fatalf("another caller is answered %s", statuses(rs))
		}
		if rs[0].Seq > n {
			break
		}
		if time.Since(begun) > enough {
			t.Fatalf("only %d events are stored", rs[0].Seq)
		}
	}
	for i := range n {
		rs := client.New(nc, "local").Append(t.Context(), inputs(t, line(fmt.Sprint("S", i))), false)
		if i%1000 == 0 && statuses(rs) != "duplicate" {
			t.Errorf("asked again: %s", statuses(rs))
		}
		if i == 3000 {
			break
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&is)
	if grown := int64(is.HeapAlloc) - int64(was.HeapAlloc); grown > 200<<20 {
		t.Errorf("%d MB are held for %d requests", grown>>20, n)
	}
	if all := stored(t, r.store, "a"); len(all) < n {
		t.Errorf("%d events are stored, want more than %d", len(all), n)
	}
}
