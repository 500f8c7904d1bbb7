package live

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fundledger/events"

	"github.com/nats-io/nats.go/jetstream"
)

func (d *desk) jetStream() jetstream.JetStream {
	d.t.Helper()
	js, err := jetstream.New(d.conn)
	if err != nil {
		d.t.Fatal(err)
	}
	return js
}

// publishing opens books that publish.
func (d *desk) publishing(sweep time.Duration) *Books {
	b := d.books(Options{})
	b.Publish(Publishing{JetStream: d.jetStream(), Ends: d.store.Ends, Last: d.store.LastOf, Sweep: sweep, Failed: func(err error) { d.t.Errorf("publishing fails: %v", err) }})
	return b
}

// value is what the bucket has under a key, nil where it has none.
func (d *desk) value(key string) jetstream.KeyValueEntry {
	d.t.Helper()
	kv, err := d.jetStream().KeyValue(d.t.Context(), Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	if err != nil {
		d.t.Fatal(err)
	}
	entry, err := kv.Get(d.t.Context(), key)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return entry
}

// upToDate waits until the bucket has what a year is as known now.
func (d *desk) upToDate(b *Books, fund events.Fund, year events.Year) {
	d.t.Helper()
	want := table(d.t, b, fund, year, d.last(fund))
	for !d.t.Failed() {
		if entry := d.value(keyOf(fund, year)); entry != nil {
			var got shown
			got.take(d.t, told{"state", numberOf(entry.Value()).String(), string(entry.Value())})
			if string(got.members["total"]) == string(want.members["total"]) {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestOnlyWhatWasSeenIsTakenAway: where another has put something in its place meanwhile, that stays, and it is no fault.
func TestOnlyWhatWasSeenIsTakenAway(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	kv, err := d.jetStream().CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: Bucket})
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) jetstream.KeyValueEntry {
		if _, err := kv.PutString(t.Context(), "a.2023", text); err != nil {
			t.Fatal(err)
		}
		return d.value("a.2023")
	}
	first, second := put("first"), put("second")
	p := &publisher{ctx: t.Context()}
	if err := p.takeAway(kv, first); err != nil {
		t.Errorf("what is not there any more: %v", err)
	}
	if now := d.value("a.2023"); now == nil || string(now.Value()) != "second" {
		t.Errorf("now there is %v", now)
	}
	if err := p.takeAway(kv, second); err != nil || d.value("a.2023") != nil {
		t.Errorf("what is there: %v", err)
	}
}

// TestTheBucketNeverGoesBack has several publish what each is told of, while others are told nothing, and holds every value that was ever there against the table at its number.
func TestTheBucketNeverGoesBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		d := newDesk(t)
		rng := rand.New(rand.NewPCG(7, seed))
		all := []*Books{d.publishing(30 * time.Millisecond), d.publishing(20 * time.Millisecond), d.publishing(time.Hour)}
		for _, fund := range []events.Fund{"a", "b"} {
			all[0].Woken(fund, d.spend(fund, 2, rng))
		}
		d.upToDate(all[0], "a", 2022)
		kv, err := d.jetStream().KeyValue(t.Context(), Bucket)
		if err != nil {
			t.Fatal(err)
		}
		watched, err := kv.WatchAll(t.Context(), jetstream.IncludeHistory())
		if err != nil {
			t.Fatal(err)
		}
		var watching sync.WaitGroup
		seen := map[string][]events.Seq{}
		watching.Go(func() {
			for entry := range watched.Updates() {
				if entry == nil {
					continue // that was what there was
				}
				n := numberOf(entry.Value())
				if had := seen[entry.Key()]; len(had) > 0 && had[len(had)-1] >= n {
					t.Errorf("%s had %d and has %d", entry.Key(), had[len(had)-1], n)
				}
				seen[entry.Key()] = append(seen[entry.Key()], n)
				fund, rest, _ := strings.Cut(entry.Key(), ".")
				year, err := events.ParseYear(rest)
				if err != nil {
					t.Error(err)
				}
				var got shown
				got.take(t, told{"state", n.String(), string(entry.Value())})
				want := table(t, all[2], events.Fund(fund), year, n)
				if diff := got.differs(&want); diff != "" {
					t.Errorf("%s at %d: %s", entry.Key(), n, diff)
				}
			}
		})
		for range 40 {
			fund := []events.Fund{"a", "b"}[rng.IntN(2)]
			n := d.spend(fund, 1+rng.IntN(5), rng)
			for _, b := range all {
				if rng.IntN(3) == 0 {
					b.Woken(fund, n)
				}
			}
			time.Sleep(time.Duration(rng.IntN(12)) * time.Millisecond)
		}
		all[2].publisher.Load().stop() // it has died
		for _, fund := range []events.Fund{"a", "b"} {
			for _, year := range []events.Year{2022, 2023} {
				d.upToDate(all[0], fund, year)
			}
		}
		if err := watched.Stop(); err != nil {
			t.Error(err)
		}
		watching.Wait()
		if len(seen) != 4 || len(seen["a.2022"]) < 3 {
			t.Errorf("seen were %v", seen)
		}
	}
}

// What was stored before anybody published it is published by the next, and nothing else is written.
func TestTheBucketIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(8, 9))
	d.spend("a", 20, rng)
	d.write("b", 3)
	b := d.publishing(10 * time.Millisecond)
	d.upToDate(b, "a", 2022)
	d.upToDate(b, "a", 2023)
	d.upToDate(b, "b", 2022)
	b.Close()
	before := map[string]uint64{}
	for _, key := range []string{"a.2022", "a.2023", "b.2022"} {
		before[key] = d.value(key).Revision()
	}
	d.block("a", spending(t, "a", 21, 2022, rng))
	b = d.publishing(10 * time.Millisecond)
	d.upToDate(b, "a", 2022)
	time.Sleep(100 * time.Millisecond) // looked at some times more
	for key, revision := range before {
		if now := d.value(key).Revision(); (now != revision) != (key == "a.2022") {
			t.Errorf("%s was at revision %d and is at %d", key, revision, now)
		}
	}
	if n := numberOf(d.value("a.2022").Value()); n != 21 {
		t.Errorf("a.2022 is at %d", n)
	}
	var value map[string]json.RawMessage
	if err := json.Unmarshal(d.value("a.2022").Value(), &value); err != nil || string(value["root"]) != `"`+d.root("a", 21)+`"` {
		t.Errorf("its root is %s, %v", value["root"], err)
	}
	// One that is published again is no other than what a client gets first.
	c := follow(t)(b.Balances(t.Context(), "a", 2022))
	if one := c.next(); one.data != string(d.value("a.2022").Value()) {
		t.Errorf("a client gets %s", one.data)
	}
}

// What is told of last is published before the books are closed.
func TestClosingPublishes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.publishing(time.Hour)
	for range 5 {
		b.Woken("a", d.write("a", 3))
	}
	for d.value("a.2022") == nil {
		time.Sleep(time.Millisecond)
	}
	b.Woken("a", d.write("a", 1))
	b.Close()
	if n := numberOf(d.value("a.2022").Value()); n != 16 {
		t.Errorf("closed, it is at %d", n)
	}
}

func TestALostBucketIsMadeAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(10, 11))
	d.spend("a", 20, rng)
	b := d.publishing(20 * time.Millisecond)
	for i := range 4 {
		d.upToDate(b, "a", 2022)
		d.upToDate(b, "a", 2023)
		if err := d.jetStream().DeleteStream(t.Context(), bucketStream); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // and it may be in the middle of writing
			b.Woken("a", d.spend("a", 1, rng))
		}
	}
	d.upToDate(b, "a", 2022)
	d.upToDate(b, "a", 2023)
	s, err := d.jetStream().Stream(t.Context(), bucketStream)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.CachedInfo().Config; c.MaxMsgsPerSubject != 1 || c.Storage != jetstream.FileStorage || c.PersistMode != jetstream.AsyncPersistMode {
		t.Errorf("it is made as %+v", c)
	}
}

// Whoever may ask the broker anything can have the answer sent into the bucket, and somebody may put a value there by hand, or take one away. The next sweep finds it,
// though nothing is appended.
func TestWhatIsNotSoDoesNotStay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(12, 13))
	d.spend("a", 20, rng)
	d.spend("b", 30, rng)
	b := d.publishing(20 * time.Millisecond)
	keys := []string{"a.2022", "a.2023", "b.2022", "b.2023"}
	right := map[string]string{}
	for _, key := range keys {
		for right[key] == "" {
			if entry := d.value(key); entry != nil {
				right[key] = string(entry.Value())
			}
		}
	}
	settled := func(what string) {
		t.Helper()
		for !t.Failed() {
			wrong := ""
			for _, key := range keys {
				if entry := d.value(key); entry == nil || string(entry.Value()) != right[key] {
					wrong = key
				}
			}
			for _, key := range []string{"a.1999", "zz.2022", "zz"} {
				if d.value(key) != nil {
					wrong = key
				}
			}
			if wrong == "" {
				return
			}
			if t.Context().Err() != nil {
				t.Fatalf("%s: %s stays wrong", what, wrong)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	kv, err := d.jetStream().KeyValue(t.Context(), Bucket)
	if err != nil {
		t.Fatal(err)
	}
	for what, at := range map[string][2]string{
		"of another fund":    {"a.2022", right["b.2022"]},
		"of a later number":  {"a.2022", strings.Replace(right["a.2022"], `{"seq":20,`, `{"seq":9000000000000000000,`, 1)},
		"of other amounts":   {"a.2022", strings.Replace(right["a.2022"], `"rows":[`, `"rows":[{"line":"x"},`, 1)},
		"no value":           {"a.2023", "\x00"},
		"of no year":         {"a.1999", right["a.2022"]},
		"of no fund":         {"zz.2022", right["a.2022"]},
		"under a key of its": {"zz", "{}"},
	} {
		if at[1] == right[at[0]] {
			t.Fatalf("%s: it is the right one", what)
		}
		if _, err := kv.PutString(t.Context(), at[0], at[1]); err != nil {
			t.Fatal(err)
		}
		settled(what)
	}
	if err := kv.Delete(t.Context(), "b.2022"); err != nil {
		t.Fatal(err)
	}
	settled("deleted")
	if err := kv.Purge(t.Context(), "b.2023"); err != nil {
		t.Fatal(err)
	}
	settled("purged")
	s, err := d.jetStream().Stream(t.Context(), bucketStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled("emptied")
	b.Close()
	if _, err := kv.PutString(t.Context(), "a.2022", right["b.2022"]); err != nil {
		t.Fatal(err)
	}
	d.publishing(20 * time.Millisecond) // while nobody looked
	settled("before it began")
}

// A value that is longer than the broker takes is told of once, and keeps nobody busy nor the others from being published.
func TestAValueThatIsTooLong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var failed atomic.Int64
	b := d.books(Options{})
	p := &publisher{books: b, o: Publishing{JetStream: d.jetStream(), Failed: func(error) { failed.Add(1) }}, funds: map[events.Fund]*published{}}
	f := p.of("a")
	long := make([]byte, d.conn.MaxPayload())
	for range 3 {
		if p.fits("a", 2022, f, long) {
			t.Error("it fits")
		}
	}
	if failed.Load() != 1 {
		t.Errorf("it was told %d times", failed.Load())
	}
	if !p.fits("a", 2022, f, long[:100]) || p.fits("a", 2022, f, long) || failed.Load() != 2 {
		t.Errorf("after one that fits it was told %d times", failed.Load())
	}
}
