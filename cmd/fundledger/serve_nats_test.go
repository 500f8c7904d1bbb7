package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/ledger"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// elsewhere is the configuration of a broker that is not the program's own.
const elsewhere = `
server_name: elsewhere
listen: "127.0.0.1:%d"
jetstream { store_dir: %q, sync_interval: always }
max_payload: %s
no_sys_acc: true
accounts {
  LEDGER {
    jetstream: enabled
    users: [ { user: ledger, password: secret } ]
    exports: [
      { service: "cmd.*.*" }
      { service: "$JS.API.STREAM.NAMES" }
      { service: "$JS.API.STREAM.INFO.*" }
      { service: "$JS.API.DIRECT.GET.*", response: stream }
    ]
  }
  CLIENTS {
    users: [ { user: client, password: token } ]
    imports: [
      { service: { account: LEDGER, subject: "cmd.local.*" } }
      { service: { account: LEDGER, subject: "$JS.API.STREAM.NAMES" }, to: "LEDGER.API.STREAM.NAMES" }
      { service: { account: LEDGER, subject: "$JS.API.STREAM.INFO.*" }, to: "LEDGER.API.STREAM.INFO.*" }
      { service: { account: LEDGER, subject: "$JS.API.DIRECT.GET.*" }, to: "LEDGER.API.DIRECT.GET.*" }
    ]
  }
  BARE { users: [ { user: bare, password: secret } ] }
}
`

// A broker is a NATS server elsewhere, which can be ended and begun again.
type broker struct {
	*natsserver.Server
	t      *testing.T
	folder string
	port   int
	most   string
}

func newBroker(t *testing.T, most string) *broker {
	t.Helper()
	b := &broker{t: t, folder: t.TempDir(), port: freePort(t), most: most}
	b.begin()
	t.Cleanup(b.end)
	return b
}

func (b *broker) begin() {
	b.t.Helper()
	opts := &natsserver.Options{}
	if err := opts.ProcessConfigString(fmt.Sprintf(elsewhere, b.port, filepath.ToSlash(b.folder), b.most)); err != nil {
		b.t.Fatal(err)
	}
	opts.NoSigs, opts.NoLog = true, true
	s, err := natsserver.NewServer(opts)
	if err != nil {
		b.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(enough) {
		b.t.Fatal("the broker does not start")
	}
	b.Server = s
}

// freePort is a port for a broker that ends and begins again. It is below those that systems give to connections: one of them could have it
// meanwhile, even a connection to this very broker, which would then be one with itself.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func (b *broker) end() {
	b.Shutdown()
	b.WaitForShutdown()
}

func (b *broker) url(user, password string) string {
	return fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", user, password, b.port)
}

func TestServeOnAJetStreamElsewhere(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "8MB")
	p := &program{}
	first := p.serving(t, "--nats", b.url("ledger", "secret"), "--sample")
	if said := first.err.String(); strings.Contains(said, "secret") {
		t.Errorf("serve says the password: %q", said)
	}
	second := p.serving(t, "--nats", b.url("ledger", "secret")+","+b.url("ledger", "secret")) // as for a cluster
	if said := second.err.String(); strings.Contains(said, "secret") || strings.Count(said, "127.0.0.1") != 2 {
		t.Errorf("of two addresses serve says %q", said)
	}
	clients := b.url("client", "token")
	rs := p.append(t, sample(), "--nats", clients)
	if n := strings.Count(statuses(rs), "duplicate"); n != len(rs) {
		t.Errorf("of %d commands of the reference fund %d were there", len(rs), n)
	}
	alone := onFolder(t)
	alone.append(t, sample())
	for _, args := range readings()[:3] {
		got, want := p.ok(t, append(args, "--nats", clients)...), alone.ok(t, args...)
		if len(got) != len(want) {
			t.Errorf("%v is printed otherwise:\n%s\n%s", args, got, want)
		}
	}
	rs = append(p.append(t, many(4000), "--nats", clients), p.append(t, many(200), "--nats", clients)...) // in its order, whoever takes a part of it
	for i, r := range rs[:4002] {
		if r.Status != ledger.Appended || int(r.Seq) != i+1 {
			t.Fatalf("line %d is answered %+v", i+1, r)
		}
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for who := range 4 {
		all.Go(func() {
			for i := range 5 {
				got := p.append(t, pay(fmt.Sprintf("q-%d-%d", who, i)), "--nats", clients)
				mu.Lock()
				rs = append(rs, got...)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	// The first gives its funds back, the second goes on.
	if got := first.stop(); got.code != exitOK || !strings.HasSuffix(got.err, "stopped\n") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	rs = append(rs, p.append(t, pay("after"), "--nats", clients)...)
	b.end()
	b.begin()
	var last []ledger.Receipt
	known := func() bool { // what came of the first try may not have been known
		s := statuses(last)
		return s == "appended" || s == "duplicate"
	}
	for deadline := time.Now().Add(enough); ; time.Sleep(50 * time.Millisecond) {
		if last = p.append(t, pay("restarted"), "--nats", clients); known() || time.Now().After(deadline) {
			break
		}
	}
	if !known() {
		t.Errorf("after a restart of the broker: %s", statuses(last))
	}
	rs = append(rs, last...)
	var kept []ledger.Receipt
	for _, r := range rs {
		if r.Status == ledger.Failed {
			t.Errorf("failed: %+v", r)
		} else if r.Status != ledger.Refused {
			kept = append(kept, r)
		}
	}
	lines := strings.Split(strings.TrimSpace(p.ok(t, "events", "--fund", "f", "--nats", clients)), "\n")
	if len(lines) != 2+4000+20+2 {
		t.Errorf("%d events are stored of %d receipts", len(lines), len(kept))
	}
	for deadline := time.Now().Add(enough); !strings.Contains(second.err.String(), "again") && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := second.stop(); got.code != exitOK || !strings.Contains(got.err, "lost") || !strings.Contains(got.err, "again") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

func TestServeSaysWhatABrokerLacks(t *testing.T) {
	t.Parallel()
	b, small := newBroker(t, "8MB"), newBroker(t, "64KB")
	p := &program{}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"nobody there", []string{"--nats", "nats://127.0.0.1:1"}, exitFailed, []string{"127.0.0.1:1", "hint: "}},
		{"a wrong password", []string{"--nats", b.url("ledger", "guess")}, exitFailed, []string{"hint: "}},
		{"no JetStream", []string{"--nats", b.url("bare", "secret")}, exitFailed, []string{"JetStream", "hint: "}},
		{"messages too short", []string{"--nats", small.url("ledger", "secret")}, exitFailed, []string{"max_payload"}},
		{"no such credentials", []string{"--nats", b.url("ledger", "secret"), "--creds", "/nowhere"}, exitFailed, []string{"/nowhere", "hint: "}},
		{"replicas that there are not", []string{"--nats", b.url("ledger", "secret"), "--replicas", "7"}, exitUsage, []string{"--replicas"}},
		{"more replicas than servers", []string{"--nats", b.url("ledger", "secret"), "--replicas", "3"}, exitFailed, []string{" 3 ", "--replicas"}},
		{"a folder too", []string{"--nats", b.url("ledger", "secret"), "--data", t.TempDir()}, exitUsage, []string{"--data"}},
		{"HTTP too", []string{"--nats", b.url("ledger", "secret"), "--http", ":0"}, exitUsage, []string{"--http"}},
		{"replicas of a folder", []string{"--data", t.TempDir(), "--replicas", "3"}, exitUsage, []string{"--replicas"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), enough) // where it is ended by that, it says so and nothing else
			defer cancel()
			var out, errs bytes.Buffer
			code := run(ctx, p.app(&out, &errs, append([]string{"serve", "--lang", "en"}, c.args...)...))
			got := outcome{code, out.String(), errs.String()}
			if got.code != c.code || got.out != "" {
				t.Errorf("exit %d, want %d: %q %q", got.code, c.code, got.out, got.err)
			}
			for _, want := range c.says {
				if !strings.Contains(got.err, want) {
					t.Errorf("says %q, want %q in it", got.err, want)
				}
			}
		})
	}
}
