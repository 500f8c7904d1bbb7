package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience is how long the engine may take over one thing: a disk that is slow is measured all the same.
const patience = 2 * time.Minute

// raw measures the bare engine as it is fastest when every event is a message: one publisher, asynchronous, in the server's own process. Each
// message is fenced by the sequence before it, as a log's blocks are, and the stream is as the ledger makes it.
func (r *run) raw(synced bool) measure {
	return func(ctx context.Context, folder string) (s sample, err error) {
		// The engine as it comes: nats-server leaves Go's settings as they are, whatever this program runs with.
		defer debug.SetGCPercent(debug.SetGCPercent(100))
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
		runtime.SetDefaultGOMAXPROCS()
		broker, err := server.NewServer(&server.Options{
			ServerName: "raw", DontListen: true, JetStream: true, StoreDir: folder, SyncAlways: synced, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
		})
		if err != nil {
			return s, err
		}
		broker.Start()
		defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
		if !broker.ReadyForConnections(patience) {
			return s, errors.New("the raw engine does not start")
		}
		nc, err := nats.Connect("", nats.InProcessServer(broker), nats.Timeout(patience))
		if err != nil {
			return s, err
		}
		defer nc.Close()
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(Window+1), jetstream.WithDefaultTimeout(patience))
		if err != nil {
			return s, err
		}
		st, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: "RAW", Subjects: []string{"raw"}, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Replicas: 1,
			MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, DenyDelete: true, DenyPurge: true, AllowDirect: true,
		})
		if err != nil {
			return s, err
		}
		if s, err = r.publish(ctx, js); err != nil {
			return s, err
		}
		info, err := st.Info(ctx)
		if err != nil {
			return s, err
		}
		if int(info.State.Msgs) != s.events || int(info.State.LastSeq) != s.events {
			return s, fmt.Errorf("verifying: %d messages are there, want %d", info.State.Msgs, s.events)
		}
		return s, nil
	}
}

// publish keeps Window messages under way until the time is over.
func (r *run) publish(ctx context.Context, js jetstream.JetStream) (s sample, err error) {
	type sent struct {
		ack jetstream.PubAckFuture
		at  time.Time
	}
	var ring [Window]sent
	landed := func(m sent) error {
		select {
		case <-m.ack.Ok():
			s.latencies = append(s.latencies, time.Since(m.at))
			return nil
		case err := <-m.ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	begin := time.Now()
	n := 0
	for at := begin; at.Sub(begin) < r.Time; at = time.Now() {
		if n >= Window {
			if err := landed(ring[n%Window]); err != nil {
				return s, err
			}
		}
		ack, err := js.PublishMsgAsync(&nats.Msg{Subject: "raw", Data: r.work.stored(n), Header: nats.Header{}}, jetstream.WithExpectLastSequence(uint64(n)))
		if err != nil {
			return s, err
		}
		ring[n%Window] = sent{ack, at}
		n++
	}
	for i := max(0, n-Window); i < n; i++ {
		if err := landed(ring[i%Window]); err != nil {
			return s, err
		}
	}
	s.events, s.elapsed = n, time.Since(begin)
	return s, nil
}

// fdatasync appends 4 KiB to a file and syncs it, one after another.
func (r *run) fdatasync(ctx context.Context, folder string) (sample, error) {
	f, err := os.Create(filepath.Join(folder, "file"))
	if err != nil {
		return sample{}, err
	}
	defer f.Close()
	page := make([]byte, 4<<10)
	return callers(ctx, 1, 1, r.Time, func(context.Context, int, int) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return datasync(f)
	})
}
