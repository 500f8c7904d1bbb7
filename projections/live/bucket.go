package live

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/projections"

	"github.com/nats-io/nats.go/jetstream"
)

// Bucket is the name of the key-value bucket that has the balances of every year of every fund. The key is FUND.YEAR, the value what [Books.Balances] has as state: the
// whole execution table, with the number after which it is so.
const Bucket = "BALANCES"

// bucketStream is the stream under the bucket.
const bucketStream = "KV_" + Bucket

// Publishing says how balances are kept in the bucket.
type Publishing struct {
	// JetStream is where the bucket is, or is made.
	JetStream jetstream.JetStream
	// Replicas is how many servers keep a bucket that is made; 0 is one.
	Replicas int
	// Ends returns for each fund what is greater after something was appended to its log, and Last the number of the event at such an end.
	Ends func(context.Context) (map[events.Fund]uint64, error)
	Last func(ctx context.Context, fund events.Fund, end uint64) (events.Seq, error)
	// Sweep is how often it is looked for what nobody has published, such as one that has died; 0 is five seconds.
	Sweep time.Duration
	// Failed is told when the bucket cannot be written, once until it can be again. It may be nil.
	Failed func(error)
}

// A publisher keeps the bucket up to date. Any number of them may keep one: a value is replaced only by one with a higher number, at the revision that was looked at.
// The bucket is a cache, and may be lost: the logs are what counts. A value that no set of events produces is found by the next sweep and taken away.
type publisher struct {
	books *Books
	o     Publishing
	ctx   context.Context
	stop  context.CancelFunc
	ended chan struct{} // closed when no more is told
	turn  chan struct{} // of those who make tables
	sweep chan struct{}

	running sync.WaitGroup
	mu      sync.Mutex
	kv      jetstream.KeyValue
	made    time.Time // when the bucket was
	stands  uint64    // up to which revision all values are known
	written uint64    // how many this one has written since
	keys    uint64    // how many keys there were
	failing bool
	closing bool
	funds   map[events.Fund]*published
}

// published is what is known of the values of a fund.
type published struct {
	wanted events.Seq // by whoever appended
	done   events.Seq
	busy   bool   // somebody is at it
	end    uint64 // of the log, when the values were last seen to be as new
	doubt  bool   // somebody else has written values: whether they are true is to be seen

	mu   sync.Mutex // of whoever writes
	keys map[events.Year]value
	long map[events.Year]bool // was told of as too long
}

// A value is what stands under a key.
type value struct {
	revision uint64
	at       events.Seq
	body     [sha256.Size]byte
}

// publishers is how many tables of different funds are made at once.
const publishers = 2

// Publish keeps the balances of all funds in the bucket until [Books.Close]: at once those that were appended to here, as [Books.Woken] tells, at most every 50 ms of
// each fund; and from time to time all others. Where nothing of a year has changed nothing is written.
func (b *Books) Publish(o Publishing) {
	o.Sweep = cmp.Or(o.Sweep, 5*time.Second)
	p := &publisher{
		books: b, o: o, ended: make(chan struct{}), turn: make(chan struct{}, publishers), sweep: make(chan struct{}, 1), funds: map[events.Fund]*published{},
	}
	p.ctx, p.stop = context.WithCancel(b.ctx)
	b.publisher.Store(p)
	p.running.Go(p.sweeps)
}

// close publishes what was told of, as far as that can be done quickly.
func (p *publisher) close() {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	close(p.ended)
	hurry := time.AfterFunc(closePatience, p.stop)
	p.running.Wait()
	hurry.Stop()
	p.stop()
}

const closePatience = 2 * time.Second

func (p *publisher) of(fund events.Fund) *published {
	f := p.funds[fund]
	if f == nil {
		f = &published{keys: map[events.Year]value{}, long: map[events.Year]bool{}, doubt: true}
		p.funds[fund] = f
	}
	return f
}

// told hears that a fund's log goes up to n.
func (p *publisher) told(fund events.Fund, n events.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.of(fund)
	if f.wanted = max(f.wanted, n); f.busy || p.closing {
		return
	}
	f.busy = true
	p.running.Go(func() { p.follow(fund, f) })
}

// follow publishes a fund until it is as new as was told.
func (p *publisher) follow(fund events.Fund, f *published) {
	for {
		begun := time.Now()
		p.mu.Lock()
		wanted := f.wanted
		p.mu.Unlock()
		done, err := p.put(fund, f, wanted)
		p.mu.Lock()
		f.done = max(f.done, done)
		if err != nil {
			f.end = 0 // the next sweep will see to it
		}
		if f.busy = err == nil && f.done < f.wanted; !f.busy {
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		p.pause(editPause(time.Since(begun)))
	}
}

func (p *publisher) pause(long time.Duration) {
	select {
	case <-time.After(long):
	case <-p.ended: // there is nothing to wait for
	case <-p.ctx.Done():
	}
}

// put brings the values of a fund up to where its book is, once event wait is in, and returns that number.
func (p *publisher) put(fund events.Fund, f *published, wait events.Seq) (events.Seq, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kv := p.bucket()
	if kv == nil {
		p.again()
		return 0, errNoBucket
	}
	p.turn <- struct{}{}
	done, all, err := p.balances(fund, wait)
	<-p.turn
	if err != nil {
		return 0, err
	}
	for _, year := range slices.Sorted(maps.Keys(all)) {
		if !p.fits(fund, year, f, all[year]) {
			continue
		}
		if err := p.place(kv, fund, year, f, done, all[year]); err != nil {
			p.failed(err)
			p.again()
			return 0, err
		}
	}
	p.failed(nil)
	return done, nil
}

// valueRoom is what a message of the bucket has besides its value.
const valueRoom = 4 << 10

// fits reports whether a value can be sent. One that cannot be is told of once, and is left out as long as it is so: what stands there is an older cut.
func (p *publisher) fits(fund events.Fund, year events.Year, f *published, data []byte) bool {
	most := p.o.JetStream.Conn().MaxPayload() - valueRoom
	if int64(len(data)) <= most {
		delete(f.long, year)
		return true
	}
	if !f.long[year] && p.o.Failed != nil {
		p.o.Failed(fmt.Errorf("%s has %d bytes, and the broker takes %d (max_payload)", keyOf(fund, year), len(data), most))
	}
	f.long[year] = true
	return false
}

var errNoBucket = errors.New("there is no bucket")

func (p *publisher) bucket() jetstream.KeyValue {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kv
}

// balances makes what is to be published of a fund.
func (p *publisher) balances(fund events.Fund, wait events.Seq) (at events.Seq, all map[events.Year][]byte, err error) {
	made := map[events.Year]balance{}
	p.books.rouse(fund, wait)
	err = p.books.Read(p.ctx, fund, wait, projections.Moment{}, func(cut Cut, book *projections.Book) (err error) {
		at = cut.Seq
		for _, year := range book.History().Years() {
			if made[year], err = balanceAt(book, cut, year); err != nil {
				return err
			}
		}
		return nil
	})
	all = map[events.Year][]byte{}
	for year, balance := range made {
		if err == nil {
			all[year], err = changedBalance(blank, balance)
		}
	}
	return at, all, err
}

// place puts what is so after event at under a key, where that has something else that is older.
func (p *publisher) place(kv jetstream.KeyValue, fund events.Fund, year events.Year, f *published, at events.Seq, data []byte) error {
	next := value{at: at, body: sha256.Sum256(bodyOf(data))}
	key := keyOf(fund, year)
	for p.ctx.Err() == nil {
		has := f.keys[year]
		if has.revision == 0 {
			entry, err := kv.Get(p.ctx, key)
			switch {
			case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted):
				next.revision, err = kv.Create(p.ctx, key, data)
				if errors.Is(err, jetstream.ErrKeyExists) {
					continue
				}
				if err == nil {
					p.wrote()
					f.keys[year] = next
				}
				return err
			case err != nil:
				return err
			}
			has = value{entry.Revision(), numberOf(entry.Value()), sha256.Sum256(bodyOf(entry.Value()))}
			f.keys[year] = has
		}
		if has.at >= at || has.body == next.body {
			return nil
		}
		revision, err := kv.Update(p.ctx, key, data, has.revision)
		if err == nil {
			p.wrote()
			next.revision = revision
			f.keys[year] = next
			return nil
		}
		delete(f.keys, year)
		if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			return err
		}
	}
	return p.ctx.Err()
}

func (p *publisher) wrote() {
	p.mu.Lock()
	p.written++
	p.mu.Unlock()
}

// watched finds out whether all that was written since the last time was written here. Where it was not, the funds whose values are others than were left here are in doubt:
// those of another server are true, but whoever may send requests to the broker can have their answers sent into the bucket. Keys of no fund are taken away.
func (p *publisher) watched(s *jetstream.StreamInfo, kv jetstream.KeyValue, written uint64, ends map[events.Fund]uint64) error {
	p.mu.Lock()
	known := s.State.LastSeq == p.stands+written && s.State.Msgs >= p.keys
	p.mu.Unlock()
	if !known {
		all, err := kv.WatchAll(p.ctx, jetstream.MetaOnly())
		if err != nil {
			return err
		}
		defer func() { _ = all.Stop() }()
		revisions := map[events.Fund]map[events.Year]uint64{}
		for {
			var entry jetstream.KeyValueEntry
			select {
			case entry = <-all.Updates():
			case <-p.ctx.Done():
				return p.ctx.Err()
			}
			if entry == nil { // that is all
				break
			}
			name, rest, _ := strings.Cut(entry.Key(), ".")
			fund := events.Fund(name)
			year, err := events.ParseYear(rest)
			_, there := ends[fund]
			switch {
			case entry.Operation() != jetstream.KeyValuePut:
			case there && err == nil && keyOf(fund, year) == entry.Key():
				if revisions[fund] == nil {
					revisions[fund] = map[events.Year]uint64{}
				}
				revisions[fund][year] = entry.Revision()
			default:
				if err := p.takeAway(kv, entry); err != nil {
					return err
				}
			}
		}
		for fund := range ends {
			p.mu.Lock()
			f := p.of(fund)
			p.mu.Unlock()
			f.mu.Lock()
			same := len(f.keys) == len(revisions[fund])
			for year, has := range f.keys {
				same = same && revisions[fund][year] <= has.revision // what was written here since is newer
			}
			f.mu.Unlock()
			if !same {
				p.mu.Lock()
				f.doubt, f.end = true, 0
				p.mu.Unlock()
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stands, p.keys = s.State.LastSeq, s.State.Msgs
	p.written -= written
	return nil
}

// takeAway deletes a value, unless there is another by now.
func (p *publisher) takeAway(kv jetstream.KeyValue, entry jetstream.KeyValueEntry) error {
	err := kv.Delete(p.ctx, entry.Key(), jetstream.LastRevision(entry.Revision()))
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return nil
	}
	return err
}

// judge takes away what the bucket has of a fund and no set of events produces, whoever has written it. The fund must be locked.
func (p *publisher) judge(kv jetstream.KeyValue, fund events.Fund, last events.Seq) error {
	lister, err := kv.ListKeysFiltered(p.ctx, string(fund)+".*")
	if err != nil {
		return err
	}
	var keys []string // all of them: a lister that is left before its end waits for ever
	for key := range lister.Keys() {
		keys = append(keys, key)
	}
	for _, key := range keys {
		entry, err := kv.Get(p.ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		is, err := p.holds(fund, key, entry.Value(), last)
		if err != nil {
			return err
		}
		if !is {
			if err := p.takeAway(kv, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// holds reports whether a value is what its year was at its number. A log goes up to last at least.
func (p *publisher) holds(fund events.Fund, key string, data []byte, last events.Seq) (bool, error) {
	n := numberOf(data)
	year, err := events.ParseYear(strings.TrimPrefix(key, string(fund)+"."))
	if err != nil || n == 0 {
		return false, nil
	}
	if n > last { // another server may have been faster
		ends, err := p.o.Ends(p.ctx)
		if err != nil {
			return false, err
		}
		if last, err = p.o.Last(p.ctx, fund, ends[fund]); err != nil || n > last {
			return false, err
		}
	}
	var was balance
	p.books.rouse(fund, n)
	err = p.books.Read(p.ctx, fund, n, projections.MomentOf(n), func(at Cut, book *projections.Book) (err error) {
		was, err = balanceAt(book, at, year)
		return err
	})
	if events.CodeOf(err) == events.UnknownYear {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	state, err := changedBalance(blank, was)
	return bytes.Equal(state, data), err
}

func keyOf(fund events.Fund, year events.Year) string { return string(fund) + "." + year.String() }

// bodyOf is what a value says besides at what number it is so.
func bodyOf(data []byte) []byte {
	if i := bytes.Index(data, []byte(`"rows":`)); i >= 0 {
		return data[i:]
	}
	return data
}

// numberOf is the number of a value; 0 where it has none, and so is as good as older.
func numberOf(data []byte) events.Seq {
	rest, found := bytes.CutPrefix(data, []byte(`{"seq":`))
	digits, _, _ := bytes.Cut(rest, []byte(","))
	n, err := strconv.ParseUint(string(digits), 10, 63)
	if !found || err != nil {
		return 0
	}
	return events.Seq(n)
}

// again makes the next sweep come soon.
func (p *publisher) again() {
	select {
	case p.sweep <- struct{}{}:
	default:
	}
}

// sweeps look for what nobody has published.
func (p *publisher) sweeps() {
	for {
		pause := p.o.Sweep
		if err := p.swept(); err != nil && p.ctx.Err() == nil {
			p.failed(err)
			pause = min(pause, time.Second)
		}
		select {
		case <-time.After(pause):
		case <-p.sweep:
			p.pause(min(pause, 200*time.Millisecond))
		case <-p.ended:
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// swept sees to it that there is a bucket, and that it is as new as the logs.
func (p *publisher) swept() error {
	p.mu.Lock()
	written := p.written // what is written from here on is not looked at yet
	p.mu.Unlock()
	s, kv, err := p.open()
	if err != nil {
		return err
	}
	ends, err := p.o.Ends(p.ctx)
	if err != nil {
		return err
	}
	if err := p.watched(s, kv, written, ends); err != nil {
		return err
	}
	var last error
	for _, fund := range slices.Sorted(maps.Keys(ends)) {
		select {
		case <-p.ended:
			return nil
		default:
		}
		p.mu.Lock()
		f := p.of(fund)
		known, doubt := f.end, f.doubt
		p.mu.Unlock()
		if known == ends[fund] {
			continue
		}
		n, err := p.o.Last(p.ctx, fund, ends[fund])
		if err == nil {
			f.mu.Lock()
			clear(f.keys) // others may have written
			if doubt {
				err = p.judge(kv, fund, n)
			}
			f.mu.Unlock()
		}
		if err == nil {
			_, err = p.put(fund, f, n)
		}
		var stopped *Stopped
		if err != nil && !errors.As(err, &stopped) && events.CodeOf(err) != events.UnknownFund {
			last = err
			continue
		}
		p.mu.Lock()
		f.end, f.doubt = ends[fund], false
		p.mu.Unlock()
	}
	return last
}

// open finds the bucket or makes it. One that is another than before is known to have nothing.
func (p *publisher) open() (*jetstream.StreamInfo, jetstream.KeyValue, error) {
	js := p.o.JetStream
	s, err := js.Stream(p.ctx, bucketStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(p.ctx, p.config())
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another was faster
			s, err = js.Stream(p.ctx, bucketStream)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	kv, err := js.KeyValue(p.ctx, Bucket)
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kv = kv
	if made := s.CachedInfo().Created; !made.Equal(p.made) {
		p.made = made
		p.stands, p.keys = 0, 0
		for _, f := range p.funds {
			f.end = 0
			f.done = 0
		}
	}
	return s.CachedInfo(), kv, nil
}

// config is that of a bucket, as NATS's own tools make one. It is on disk, so that its revisions go on after a restart and whoever watches goes on too; but nothing waits until
// it is: it can be made anew, and syncs would be taken from those of the logs.
func (p *publisher) config() jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: bucketStream, Subjects: []string{"$KV." + Bucket + ".>"}, Description: "the balances of each fund and year: a cache of the logs",
		Storage: jetstream.FileStorage, Replicas: max(p.o.Replicas, 1), MaxMsgsPerSubject: 1, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1, MaxConsumers: -1,
		Discard: jetstream.DiscardNew, AllowRollup: true, DenyDelete: true, AllowDirect: true,
	}
	if c.Replicas == 1 {
		c.PersistMode = jetstream.AsyncPersistMode
	}
	return c
}

// failed tells what the broker refuses. That it cannot be reached, others tell.
func (p *publisher) failed(err error) {
	var refused *jetstream.APIError
	p.mu.Lock()
	was := p.failing
	p.failing = errors.As(err, &refused)
	now := p.failing
	p.mu.Unlock()
	if now && !was && p.o.Failed != nil {
		p.o.Failed(err)
	}
}
