package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// A told is one server-sent event.
type told struct {
	event, id, data string
}

// parsed reads server-sent events; comments are none.
func parsed(t testing.TB, text []byte) (all []told) {
	t.Helper()
	for part := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n\n"), "\n\n") {
		var one told
		for line := range strings.SplitSeq(part, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "event":
				one.event = value
			case "id":
				one.id = value
			case "data":
				one.data = value
			case "":
			default:
				t.Fatalf("a line that is none of an event: %q", line)
			}
		}
		if one != (told{}) {
			all = append(all, one)
		}
	}
	return all
}

// A client reads a feed.
type client struct {
	t    testing.TB
	feed *Feed
	left []told
}

func (c *client) next() told {
	c.t.Helper()
	for len(c.left) == 0 {
		news, err := c.feed.Next(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		c.left = parsed(c.t, news)
	}
	one := c.left[0]
	c.left = c.left[1:]
	return one
}

func follow(t testing.TB) func(*Feed, error) *client {
	return func(f *Feed, err error) *client {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		t.Cleanup(func() { once.Do(f.Close) })
		return &client{t: t, feed: f}
	}
}

// spending is the line of event n of a fund with two years and some lines, of random money.
func spending(t *testing.T, fund events.Fund, n events.Seq, year events.Year, rng *rand.Rand) []byte {
	t.Helper()
	e := &events.Event{
		Seq: n, ID: events.ID(fmt.Sprintf("e-%d", n)), Time: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second),
		Actor: events.Actor{ID: "local", Role: "operator"}, Rules: 1, Decimals: 2,
	}
	line := events.Line([]string{"1.1", "1.2", "2"}[rng.IntN(3)])
	amount := events.Minor(rng.IntN(100_000) + 1)
	text := fmt.Sprintf(`{"kind":"fund-opened","fund":%q,"year":%d,"name":"测试","lines":[{"code":"1","name":"一"},{"code":"1.1","name":"甲"},{"code":"1.2","name":"乙"},{"code":"2","name":"二"}]}`, fund, year)
	if n > 2 {
		text = fmt.Sprintf(`{"kind":"appropriated","fund":%q,"year":%d,"date":"%d-01-01","line":%q,"amount":%q,"stage":"supplementary"}`, fund, year, year, line, amount.Format(2))
	}
	c, err := events.ParseCommand([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e.Command = &c
	if n <= 2 {
		r := &e.Resolved
		r.Currency, r.Decimals, r.Zone, r.From, r.To = "CNY", 2, "Asia/Shanghai", c.From, c.To
	} else {
		e.Postings = []events.Posting{{Year: year, Line: line, Measure: events.Supplementary, Amount: amount, Date: c.Date, Counts: c.Date.Last(), Basis: c.Basis}}
	}
	return events.AppendLine(nil, e)
}

// spend appends random events, one block.
func (d *desk) spend(fund events.Fund, count int, rng *rand.Rand) events.Seq {
	d.t.Helper()
	var lines [][]byte
	for range count {
		n := d.last(fund) + events.Seq(len(lines)) + 1
		year := events.Year(2022)
		if n == 2 || n > 2 && rng.IntN(4) == 0 {
			year = 2023
		}
		lines = append(lines, spending(d.t, fund, n, year, rng))
	}
	d.block(fund, lines...)
	return d.last(fund)
}

// A shown is what a client shows of a balance that it follows: the members of the whole, of which changes replace rows, and every other member that they have.
type shown struct {
	members map[string]json.RawMessage
	rows    map[string]json.RawMessage
	order   []string
}

func (s *shown) take(t testing.TB, one told) (seq events.Seq) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(one.data), &members); err != nil {
		t.Fatalf("%v in %s", err, one.data)
	}
	if one.event == "state" {
		*s = shown{members: map[string]json.RawMessage{}, rows: map[string]json.RawMessage{}}
	} else if s.members == nil {
		t.Fatalf("the first is %s", one.event)
	}
	var rows []json.RawMessage
	if members["rows"] != nil {
		if err := json.Unmarshal(members["rows"], &rows); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range rows {
		var at struct{ Line string }
		if err := json.Unmarshal(row, &at); err != nil {
			t.Fatal(err)
		}
		if s.rows[at.Line] == nil {
			s.order = append(s.order, at.Line)
		}
		s.rows[at.Line] = row
	}
	delete(members, "rows")
	maps.Copy(s.members, members)
	if string(s.members["seq"]) != one.id {
		t.Fatalf("seq is %s and the id %s", s.members["seq"], one.id)
	}
	n, err := events.ParseSeq(one.id)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// table is the execution table of a year as known at a number, as the command line prints it.
func table(t testing.TB, b *Books, fund events.Fund, year events.Year, n events.Seq) (out shown) {
	t.Helper()
	var text bytes.Buffer
	err := b.Read(t.Context(), fund, n, projections.MomentOf(n), func(at Cut, book *projections.Book) error {
		s, err := book.Table("execution", projections.Query{Year: year, Root: at.Root})
		if err != nil {
			return err
		}
		return sheet.WriteJSON(&text, s, sheet.Options{Lang: "en"})
	})
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text.Bytes()); err != nil {
		t.Fatal(err)
	}
	data := strings.Replace(compact.String(), "{", fmt.Sprintf(`{"seq":%d,`, n), 1)
	out.take(t, told{"state", n.String(), data})
	return out
}

func (s *shown) differs(other *shown) string {
	if !slices.Equal(s.order, other.order) {
		return fmt.Sprintf("rows %v, want %v", s.order, other.order)
	}
	for _, of := range [][2]map[string]json.RawMessage{{s.members, other.members}, {s.rows, other.rows}} {
		for name := range other.members {
			if got, want := string(of[0][name]), string(of[1][name]); got != want {
				return fmt.Sprintf("%s is %s, want %s", name, got, want)
			}
		}
		for name := range of[1] {
			if got, want := string(of[0][name]), string(of[1][name]); got != want {
				return fmt.Sprintf("%s is %s, want %s", name, got, want)
			}
		}
	}
	return ""
}

// TestChangesAddUpToTheTable holds what clients have at each number, however fast or slow they are, against the table as known there.
func TestChangesAddUpToTheTable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(1, 2))
	d.spend("a", 20, rng)
	b := d.books(Options{Poll: time.Hour})
	const last = 420
	var clients sync.WaitGroup
	var mu sync.Mutex
	seen := map[events.Year]map[int][]events.Seq{2022: {}, 2023: {}}
	for _, year := range []events.Year{2022, 2023} {
		for i, pause := range []time.Duration{0, 10 * time.Millisecond, 120 * time.Millisecond, 700 * time.Millisecond} {
			c := follow(t)(b.Balances(t.Context(), "a", year))
			clients.Go(func() {
				var has shown
				var had events.Seq
				for {
					one := c.next()
					n := has.take(t, one)
					if n <= had {
						t.Errorf("after %d comes %d", had, n)
					}
					if (had == 0) != (one.event == "state") && one.event != "state" {
						t.Errorf("the first is %s", one.event)
					}
					had = n
					mu.Lock()
					seen[year][i] = append(seen[year][i], n)
					mu.Unlock()
					want := table(t, b, "a", year, n)
					if diff := has.differs(&want); diff != "" {
						t.Errorf("client %d of %d, at %d: %s", i, year, n, diff)
						return
					}
					if year == 2022 && n >= last-1 || n == last {
						return
					}
					time.Sleep(pause)
				}
			})
		}
	}
	for d.last("a") < last {
		if d.last("a") < last-2 {
			d.spend("a", min(1+rng.IntN(20), int(last-2-d.last("a"))), rng)
		} else { // the last of each year
			d.block("a", spending(t, "a", last-1, 2022, rng), spending(t, "a", last, 2023, rng))
		}
		n := d.last("a")
		b.Woken("a", n)
		newest := func() (at events.Seq) {
			mu.Lock()
			defer mu.Unlock()
			for _, of := range seen {
				if all := of[0]; len(all) > 0 {
					at = max(at, all[len(all)-1])
				}
			}
			return at
		}
		for rng.IntN(4) > 0 && newest() < n && !t.Failed() { // mostly it is shown to somebody before there is more
			time.Sleep(time.Millisecond)
		}
	}
	clients.Wait()
	for year, of := range seen {
		if len(of[0]) < 5 || len(of[3]) > len(of[0]) {
			t.Errorf("%d: the fastest had %d, the slowest %d: want some, and no more than those", year, len(of[0]), len(of[3]))
		}
	}
	if c := b.Clients(); c.Balances != 8 {
		t.Errorf("there are %+v clients", c)
	}
}

// Who has an edition that is no longer remembered gets the whole, and who has one that is gets one change to the newest.
func TestWhatASlowClientGets(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 5)
	b := d.books(Options{})
	slow := follow(t)(b.Balances(t.Context(), "a", 2022))
	fast := follow(t)(b.Balances(t.Context(), "a", 2022))
	if one := slow.next(); one.event != "state" || one.id != "5" {
		t.Fatalf("first comes %+v", one)
	}
	fast.next()
	step := func(times int) {
		for range times {
			n := d.write("a", 1)
			b.Woken("a", n)
			if one := fast.next(); one.event != "change" || one.id != n.String() {
				t.Fatalf("after %d comes %+v", n, one)
			}
		}
	}
	step(editionsKept - 1)
	one := slow.next()
	if one.event != "change" || one.id != d.last("a").String() || !strings.Contains(one.data, `"supplementary":"11.00"`) {
		t.Errorf("a little behind comes %+v", one)
	}
	step(editionsKept)
	if one := slow.next(); one.event != "state" || one.id != d.last("a").String() {
		t.Errorf("far behind comes %+v", one)
	}
}

// collect reads a feed of events up to a number, and holds it against what was written.
func (c *client) collect(d *desk, fund events.Fund, after, to events.Seq) {
	c.t.Helper()
	for n := after + 1; n <= to; n++ {
		one := c.next()
		for one.event == "" && one.data == "" { // only a number, to begin with
			one = c.next()
		}
		if one.event != "event" || one.id != n.String() || one.data != string(d.pens[fund].lines[n-1]) {
			c.t.Fatalf("after %d comes %+v", n-1, one)
		}
	}
}

func seq(n events.Seq) *events.Seq { return &n }

// TestAFeedHasEveryEventOnce: from anywhere in the log, while it grows, with a tail that begins in the middle, and when the book is folded anew meanwhile.
func TestAFeedHasEveryEventOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 1, 700, 1, 900, 400)
	b := d.books(Options{})
	const last = 9000
	begun := make(chan struct{})
	var clients sync.WaitGroup
	for i, after := range []events.Seq{0, 1, 700, 701, 1001, 1002, 1500, 2001, 2002} {
		c := follow(t)(b.EventsAfter(t.Context(), "a", seq(after)))
		clients.Go(func() {
			<-begun
			at := after
			rng := rand.New(rand.NewPCG(3, uint64(i)))
			for at < last {
				one := c.next()
				if one.event != "event" || one.id != (at+1).String() {
					t.Errorf("from %d: after %d comes %+v", after, at, one)
					return
				}
				if at++; at%200 == 0 {
					time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
				}
				if rng.IntN(1500) == 0 { // it is cut off, and comes back
					c.feed.Close()
					f, err := b.EventsAfter(t.Context(), "a", seq(at))
					if err != nil {
						t.Error(err)
						return
					}
					c.feed, c.left = f, nil
				}
			}
		})
	}
	c := follow(t)(b.EventsAfter(t.Context(), "a", nil))
	if one := c.next(); one != (told{id: "2002"}) {
		t.Errorf("the newest begins with %+v", one)
	}
	close(begun)
	for d.last("a") < last {
		b.Woken("a", d.write("a", 1, min(300, int(last-1-d.last("a")))))
		if d.last("a") == 5012 {
			if _, err := b.Rebuild(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond)
	}
	c.collect(d, "a", 2002, last)
	clients.Wait()
}

// Where the log runs away from a client that had been at its end, it is told; when it comes back it gets what it had not.
func TestTooSlowIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 10)
	b := d.books(Options{})
	slow := follow(t)(b.EventsAfter(t.Context(), "a", seq(8)))
	slow.collect(d, "a", 8, 10)
	other := follow(t)(b.EventsAfter(t.Context(), "a", seq(10)))
	size := len(d.pens["a"].lines[9])
	for d.last("a") < events.Seq(tailBytes/size+2000) {
		n := d.last("a")
		b.Woken("a", d.write("a", 1000))
		other.collect(d, "a", n, n+1000) // who keeps up notices nothing
	}
	_, err := slow.feed.Next(t.Context())
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.TooSlow || e.Args["seq"] != "10" || e.Args["last"] != d.last("a").String() {
		t.Fatalf("it is told %v", err)
	}
	slow.feed.Close()
	slow.feed, _ = b.EventsAfter(t.Context(), "a", seq(10))
	slow.collect(d, "a", 10, d.last("a"))
	o := b.clients.outlets["a"]
	if o.tail.size > tailBytes+segmentBytes {
		t.Errorf("%d bytes are kept", o.tail.size)
	}
}

// A book that stops ends what is followed, and says why.
func TestAFeedEndsWithItsBook(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 3)
	b := d.books(Options{})
	balances := follow(t)(b.Balances(t.Context(), "a", 2022))
	feed := follow(t)(b.EventsAfter(t.Context(), "a", seq(1)))
	balances.next()
	feed.collect(d, "a", 1, 3)
	d.block("a", event(t, "a", 5)) // out of its order
	var stopped *Stopped
	for _, c := range []*client{balances, feed} {
		if _, err := c.feed.Next(t.Context()); !errors.As(err, &stopped) || stopped.At != 4 {
			t.Errorf("it ends with %v", err)
		}
	}
	if _, err := b.Balances(t.Context(), "a", 2022); !errors.As(err, &stopped) {
		t.Errorf("asked again it answers %v", err)
	}
}

func TestWhatThereIsNot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 3)
	b := d.books(Options{})
	if _, err := b.Balances(t.Context(), "a", 2030); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("a year that there is not: %v", err)
	}
	if _, err := b.Balances(t.Context(), "z", 2022); events.CodeOf(err) != events.UnknownFund {
		t.Errorf("a fund that there is not: %v", err)
	}
	d.mustCut(b, "a", 0, "")
	b.o.Patience = 50 * time.Millisecond
	if _, err := b.EventsAfter(t.Context(), "a", seq(4)); events.CodeOf(err) != events.Unavailable {
		t.Errorf("after what is not in yet: %v", err)
	}
	if c := b.Clients(); c != (Clients{}) || len(b.clients.outlets) != 0 {
		t.Errorf("there are %+v clients and %d outlets", c, len(b.clients.outlets))
	}
}

// A year that is opened while others of the fund are followed can be followed too, and so can one after all had left.
func TestFollowingBeginsAndEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(5, 6))
	d.spend("a", 1, rng)
	b := d.books(Options{})
	first := follow(t)(b.Balances(t.Context(), "a", 2022))
	first.next()
	if _, err := b.Balances(t.Context(), "a", 2023); events.CodeOf(err) != events.UnknownYear {
		t.Errorf("not opened yet: %v", err)
	}
	d.spend("a", 1, rng)
	var second *Feed
	for second == nil {
		second, _ = b.Balances(t.Context(), "a", 2023)
	}
	if one := follow(t)(second, nil).next(); one.event != "state" || one.id != "2" {
		t.Errorf("opened, it begins with %+v", one)
	}
	first.feed.Close()
	second.Close()
	if len(b.clients.outlets) != 0 {
		t.Error("what nobody follows is made on")
	}
	first.feed, _ = b.Balances(t.Context(), "a", 2022)
	d.spend("a", 30, rng)
	d.block("a", spending(t, "a", 33, 2022, rng))
	var has shown
	for at := events.Seq(0); at < 33; {
		at = has.take(t, first.next())
		want := table(t, b, "a", 2022, at)
		if diff := has.differs(&want); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 3)
	d.write("b", 4)
	b := d.books(Options{Poll: time.Hour})
	c := follow(t)(b.Overview(t.Context()))
	if one := c.next(); one != (told{event: "state", data: `{"funds":[{"fund":"a","seq":3},{"fund":"b","seq":4}]}`}) {
		t.Fatalf("it begins with %+v", one)
	}
	b.Woken("b", d.write("b", 2))
	if one := c.next(); one != (told{event: "change", data: `{"funds":[{"fund":"b","seq":6}]}`}) {
		t.Errorf("then comes %+v", one)
	}
	b.Woken("c", d.write("c", 1)) // of which nobody has asked
	if one := c.next(); one != (told{event: "change", data: `{"funds":[{"fund":"c","seq":1}]}`}) {
		t.Errorf("then comes %+v", one)
	}
	late := follow(t)(b.Overview(t.Context()))
	if one := late.next(); one.event != "state" || !strings.Contains(one.data, `"c"`) {
		t.Errorf("who comes later begins with %+v", one)
	}
	if c := b.Clients(); c != (Clients{Overview: 2}) {
		t.Errorf("there are %+v clients", c)
	}
}

// What is followed ends with the books, whoever waits.
func TestFeedsEndWithTheBooks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("a", 3)
	b := d.books(Options{})
	var ended sync.WaitGroup
	for range 20 {
		f, err := b.Balances(t.Context(), "a", 2022)
		if err != nil {
			t.Fatal(err)
		}
		g, err := b.EventsAfter(t.Context(), "a", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []*Feed{f, g} {
			ended.Go(func() {
				defer f.Close()
				for {
					if _, err := f.Next(t.Context()); err != nil {
						return
					}
				}
			})
		}
	}
	b.Close()
	ended.Wait()
	if c := b.Clients(); c != (Clients{}) {
		t.Errorf("there are %+v clients", c)
	}
}

// BenchmarkEdition is what one edition of a year's balances costs, for all clients together.
func BenchmarkEdition(bm *testing.B) {
	for _, lines := range []int{30, 500} {
		bm.Run(strconv.Itoa(lines), func(bm *testing.B) {
			var text strings.Builder
			for i := range lines {
				fmt.Fprintf(&text, `,{"code":"%d","name":"支出%d"}`, i+1, i+1)
			}
			c, err := events.ParseCommand(fmt.Appendf(nil, `{"kind":"fund-opened","fund":"f","year":2022,"name":"测试","lines":[%s]}`, text.String()[1:]))
			if err != nil {
				bm.Fatal(err)
			}
			book := projections.NewBook()
			e := &events.Event{Seq: 1, ID: "e", Time: time.Unix(1e9, 0).UTC(), Command: &c, Actor: events.Actor{ID: "local", Role: "operator"}, Rules: 1, Decimals: 2}
			r := &e.Resolved
			r.Currency, r.Decimals, r.Zone, r.From, r.To = "CNY", 2, "Asia/Shanghai", c.From, c.To
			if err := book.Apply(e); err != nil {
				bm.Fatal(err)
			}
			p := &yearPress{press: newPress(changedBalance)}
			for at := range bm.N {
				made, err := balanceAt(book, Cut{Seq: events.Seq(at + 1), Root: "r"}, 2022)
				if err == nil {
					err = p.put(made)
				}
				if err != nil {
					bm.Fatal(err)
				}
			}
		})
	}
}
