package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fundledger/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// leaseBucket is the key-value bucket of the leases; its keys are funds.
const leaseBucket = "LEASES"

// leaseAge is how long a lease that nobody renews is kept, so that a fund which was asked for once does not stay for ever.
const leaseAge = 24 * time.Hour

// ErrNoJetStream says that the connection's account has no JetStream.
var ErrNoJetStream = errors.New("no JetStream")

// ErrReplicas says that there are fewer brokers than are to keep the leases and the logs.
var ErrReplicas = errors.New("too few brokers")

// replicasNotSupported is the code by which a broker that is alone refuses to keep several copies.
const replicasNotSupported = 10074

// absentPatience is how long a broker may need until its JetStream answers.
const absentPatience = 2 * time.Second

// A lease says who decides a fund's commands. Until is for people who look: nobody compares it with a clock of his own. Whoever holds a lease
// counts from before he sent the renewal; whoever waits for it, from when he first saw this revision of it.
type lease struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

// leases are for liveness alone. That two never fork a log is the work of the log's fence, which asks for no lease.
type leases struct {
	kv       jetstream.KeyValue
	self     string
	duration time.Duration
}

// openLeases opens the bucket and makes it where there is none.
func openLeases(ctx context.Context, nc *nats.Conn, self string, o Sharing) (*leases, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	for {
		kv, err := openBucket(ctx, js, max(o.Replicas, 1))
		if err == nil {
			return &leases{kv, self, o.Lease}, nil
		}
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == replicasNotSupported {
			return nil, fmt.Errorf("%w: %w", ErrReplicas, err)
		}
		// Another replica may have made it just now, or a broker that has just begun may not have found its leader.
		if time.Since(begun) > absentPatience && (errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)) {
			return nil, fmt.Errorf("%w: %w", ErrNoJetStream, err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, &events.Error{Code: events.Unavailable, Why: "broker", Err: err}
		}
	}
}

func openBucket(ctx context.Context, js jetstream.JetStream, replicas int) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*askPatience) // a request can be lost while brokers come and go
	defer cancel()
	kv, err := js.KeyValue(ctx, leaseBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: leaseBucket, Description: "who decides the commands of a fund", History: 1, TTL: leaseAge, Replicas: replicas,
		})
	}
	return kv, err
}

// look returns who holds a fund's lease and the revision that says so; "" where nobody does.
func (l *leases) look(ctx context.Context, fund events.Fund) (holder string, revision uint64, err error) {
	entry, err := l.kv.Get(ctx, string(fund))
	if errors.Is(err, jetstream.ErrKeyNotFound) { // a released one too
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	var v lease
	if json.Unmarshal(entry.Value(), &v) != nil {
		return "?", entry.Revision(), nil // of no holder, and taken when its time is over
	}
	return v.Holder, entry.Revision(), nil
}

// take takes or renews a lease of which a revision is known, 0 where nobody holds it. It fails when another was faster.
func (l *leases) take(ctx context.Context, fund events.Fund, revision uint64) (taken uint64, until time.Time, err error) {
	until = time.Now().Add(l.duration)
	value, err := json.Marshal(lease{l.self, until.UTC()})
	if err != nil {
		return 0, until, err
	}
	if revision == 0 {
		taken, err = l.kv.Create(ctx, string(fund), value)
	} else {
		taken, err = l.kv.Update(ctx, string(fund), value, revision)
	}
	return taken, until, err
}

// release gives a lease back, unless it has become another's.
func (l *leases) release(ctx context.Context, fund events.Fund, revision uint64) error {
	return l.kv.Delete(ctx, string(fund), jetstream.LastRevision(revision))
}
