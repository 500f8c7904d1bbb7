//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fundledger/ledger"

	"github.com/nats-io/nats.go"
)

// TestKilledReplicas has three servers share a JetStream, and kills, stops or pauses one of them again and again while callers go on. One that is
// paused for longer than its lease believes when it wakes that it still decides.
func TestKilledReplicas(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills the program many times")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	rounds := number(t, "FUNDLEDGER_KILLS", 12) / 3
	seed := uint64(number(t, "FUNDLEDGER_SEED", int(time.Now().UnixNano())))
	t.Logf("FUNDLEDGER_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 11))
	b := newBroker(t, "8MB")
	p := &program{now: time.Now}
	clients := b.url("client", "token")
	var servers [3]*spawned
	begin := func(i int) { servers[i] = spawnServing(t, path, "--nats", b.url("ledger", "secret")) }
	for i := range servers {
		begin(i)
	}
	p.append(t, many(0), "--nats", clients)
	l := &load{told: map[string][]ledger.Receipt{}, command: map[string]ledger.Input{}}
	underWay := 0
	nc, err := nats.Connect(clients, nats.Timeout(enough))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for round := range rounds {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(5))*time.Second)
		var all sync.WaitGroup
		for i := range 4 {
			r := rand.New(rand.NewPCG(random.Uint64(), 1))
			all.Go(func() { l.call(ctx, t, nc, fmt.Sprintf("%d-%d", round, i), r, true) })
		}
		time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		for _, i := range random.Perm(3)[:1+random.IntN(2)] {
			victim := servers[i]
			switch random.IntN(3) {
			case 0:
				_ = victim.Process.Kill()
				_ = victim.Wait()
				begin(i)
			case 1:
				_ = victim.Process.Signal(syscall.SIGTERM)
				_ = victim.Wait()
				begin(i)
			default:
				_ = victim.Process.Signal(syscall.SIGSTOP)
				time.AfterFunc(time.Duration(random.Int64N(int64(6*time.Second))), func() { _ = victim.Process.Signal(syscall.SIGCONT) })
			}
		}
		all.Wait()
		cancel()
		for _, rs := range l.told {
			if rs[len(rs)-1].Status == ledger.Failed {
				underWay++
			}
		}
		ctx, cancel = context.WithTimeout(t.Context(), enough)
		l.again(ctx, t, nc)
		cancel()
	}
	var lines []string
	for line := range strings.Lines(p.ok(t, "events", "--nats", clients)) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	l.audit(t, lines)
	t.Logf("%d rounds, %d commands of which %d were under way, %d events", rounds, len(l.told), underWay, len(lines))
}
