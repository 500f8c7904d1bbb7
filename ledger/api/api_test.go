package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"

	"github.com/nats-io/nats.go"
)

// serve runs a ledger with its service on a folder, and returns a connection of another program and one of the ledger's own.
func serve(t *testing.T) (other, own *nats.Conn, store *stream.Store) {
	t.Helper()
	folder := t.TempDir()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true, Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	own, err = s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	store, err = stream.NewStore(own, stream.Own, embedded.Heads(folder))
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.Open(func(f events.Fund) ledger.Log { return store.Log(f) }, nil)
	in, err := s.Receive()
	if err != nil {
		t.Fatal(err)
	}
	service, err := api.Serve(in, l, "v1.2.3", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Flush(); err != nil {
		t.Fatal(err)
	}
	other, err = s.Address().Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		other.Close()
		if err := service.Stop(); err != nil {
			t.Error(err)
		}
		l.Close(context.Background())
		in.Close()
		own.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return other, own, store
}

const opened = `{"kind":"fund-opened","fund":"a","year":2022,"name":"A"}`

func line(code string) string {
	return fmt.Sprintf(`{"kind":"line-added","fund":"a","year":2022,"line":%q,"name":"n"}`, code)
}

// request sends a body and reads the answer: one receipt, or a list of them.
func request(t *testing.T, nc *nats.Conn, fund, body string, atomic bool) (rs []ledger.Receipt, single bool) {
	t.Helper()
	m := nats.NewMsg("cmd.local." + fund)
	m.Data = []byte(body)
	if atomic {
		m.Header.Set(api.AtomicHeader, "true")
	}
	reply, err := nc.RequestMsg(m, enough)
	if err != nil {
		t.Fatal(err)
	}
	var one ledger.Receipt
	if json.Unmarshal(reply.Data, &one) == nil {
		return []ledger.Receipt{one}, true
	}
	if err := json.Unmarshal(reply.Data, &rs); err != nil {
		t.Fatalf("answered %s", reply.Data)
	}
	return rs, false
}

func statuses(rs []ledger.Receipt) string {
	var ss []string
	for _, r := range rs {
		ss = append(ss, strings.TrimSuffix(string(r.Status)+" "+string(r.Code), " "))
	}
	return strings.Join(ss, ", ")
}

func TestRequests(t *testing.T) {
	t.Parallel()
	nc, _, _ := serve(t)
	for _, c := range []struct {
		name, fund, body string
		atomic, single   bool
		want             string
	}{
		{"one command", "a", opened, false, true, "appended"},
		{"the same again, over several lines", "a", strings.ReplaceAll(opened, ",", ",\r\n"), false, true, "duplicate"},
		{"a list", "a", "[" + line("1") + "," + line("2") + "]", false, false, "appended, appended"},
		{"a list of one", "a", "[" + line("3") + "]", false, false, "appended"},
		{"an empty list", "a", "[]", false, false, ""},
		{"an id made elsewhere", "a", `[{"id":"mine","command":` + line("4") + `}]`, false, false, "appended"},
		{"that id with another command", "a", `[{"id":"mine","command":` + line("5") + `}]`, false, false, "refused id-used"},
		{"an id that is not the command's own", "a", `[{"id":"x","command":{"id":"y","kind":"line-added","fund":"a","year":2022,"line":"6","name":"n"}}]`, false, false, "refused bad-value"},
		{"a list with a fault", "a", "[" + line("1x") + `,{"kind":"nothing"},` + line("2x") + "]", false, false, "appended, refused unknown-kind, appended"},
		{"an atomic list with a fault", "a", "[" + line("7") + `,{"kind":"nothing"}]`, true, false, "not-tried, refused unknown-kind"},
		{"an atomic list", "a", "[" + line("7") + "," + line("8") + "]", true, false, "appended, appended"},
		{"a command for another fund than the subject's", "b", opened, false, true, "refused bad-value"},
		{"no JSON", "a", "hello", false, true, "refused malformed"},
		{"nothing", "a", "", false, true, "refused malformed"},
		{"half a list", "a", "[" + line("9"), false, true, "refused malformed"},
		{"two lists", "a", "[][]", false, true, "refused malformed"},
		{"a name twice", "a", `{"kind":"line-added","kind":"line-added"}`, false, true, "refused malformed"},
		{"too many", "a", "[" + strings.Repeat("{},", 10_001) + "{}]", false, true, "refused too-large"},
	} {
		rs, single := request(t, nc, c.fund, c.body, c.atomic)
		if got := statuses(rs); got != c.want || single != c.single {
			t.Errorf("%s: got %q (single %t), want %q (single %t)", c.name, got, single, c.want, c.single)
		}
		for _, r := range rs {
			if r.Code != "" && r.Message == "" {
				t.Errorf("%s: %+v says nothing", c.name, r)
			}
		}
	}
}

// TestAnAnswerThatIsTooLongIsAnsweredAllTheSame refuses so many commands that their receipts, unlike the commands, are above the eight megabytes that
// a message may hold: each names its two approvers.
func TestAnAnswerThatIsTooLongIsAnsweredAllTheSame(t *testing.T) {
	t.Parallel()
	nc, _, _ := serve(t)
	for _, command := range []string{opened, `{"kind":"year-closed","fund":"a","year":2022,"date":"2022-12-31"}`} {
		if rs, _ := request(t, nc, "a", command, false); statuses(rs) != "appended" {
			t.Fatal(statuses(rs))
		}
	}
	one := strings.Repeat("x", 350)
	command := fmt.Sprintf(`{"kind":"year-reopened","fund":"a","year":2022,"date":"2023-01-05","reason":"r","approvers":[%q,%q]}`, one, one)
	list := "[" + strings.TrimSuffix(strings.Repeat(command+",", 10_000), ",") + "]"
	if rs, single := request(t, nc, "a", list, false); !single || statuses(rs) != "failed unknown-outcome" {
		t.Errorf("answered %d receipts", len(rs))
	}
	if rs, _ := request(t, nc, "a", `{"kind":"amended","fund":"a","year":2022,"of":1,"set":{"name":"B"},"reason":"r"}`, false); statuses(rs) != "appended" {
		t.Errorf("afterwards: %s", statuses(rs))
	}
}

// TestARequestIsAnsweredInInboxesOnly sends commands whose reply is a subject of the ledger's own: an answer there would be a message in a log.
func TestARequestIsAnsweredInInboxesOnly(t *testing.T) {
	t.Parallel()
	nc, own, store := serve(t)
	if rs, _ := request(t, nc, "a", opened, false); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	for _, conn := range []*nats.Conn{nc, own} {
		if err := conn.PublishRequest("cmd.local.a", stream.Subject("a"), []byte(line("1"))); err != nil {
			t.Fatal(err)
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if rs, _ := request(t, nc, "a", line("2"), false); statuses(rs) != "appended" {
		t.Errorf("afterwards: %s", statuses(rs))
	}
	for _, err := range store.Log("a").Replay(t.Context()) {
		if err != nil {
			t.Errorf("the log does not read: %v", err)
		}
	}
}

func TestTheClientKeepsOrderAndNumbers(t *testing.T) {
	t.Parallel()
	nc, _, store := serve(t)
	c := client.New(nc, "local")
	var lines []string
	for i := range 300 {
		lines = append(lines, line(fmt.Sprint("L", i)))
	}
	var inputs []ledger.Input
	for in, err := range ledger.ReadInputs(strings.NewReader(opened + "\n\n" + strings.Join(lines, "\n") + "\nnonsense\n")) {
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	answers := make(chan []ledger.Receipt, len(inputs))
	n := 0
	for part := range slices.Chunk(inputs, 7) {
		c.Submit(t.Context(), part, false, func(rs []ledger.Receipt) { answers <- rs })
		n++
	}
	bySeq := map[events.Seq]ledger.Receipt{}
	for range n {
		for _, r := range <-answers {
			if r.Status == ledger.Appended {
				bySeq[r.Seq] = r
			} else if r.Code != events.Malformed || r.Input != 303 {
				t.Errorf("got %+v", r)
			}
		}
	}
	for i := range 301 {
		want := i + 1
		if i > 0 {
			want++ // a blank line stands between
		}
		if r := bySeq[events.Seq(i+1)]; r.Input != want {
			t.Errorf("event %d is of input %d, want %d", i+1, r.Input, want)
		}
	}
	count := 0
	for _, err := range store.Log("a").Replay(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != 301 {
		t.Errorf("%d events are stored, want 301", count)
	}
}

func TestTheClientSaysWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	nc, _, _ := serve(t)
	var n ledger.Numberer
	in := n.Input([]byte(opened))
	in.Number = 4
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if rs := client.New(nc, "local").Append(ended, []ledger.Input{in}, false); statuses(rs) != "failed unavailable" || rs[0].Input != 4 {
		t.Errorf("a caller that has ended: %+v", rs)
	}
	// Somebody takes the command and does not answer.
	b := newBroker(t)
	deaf, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(deaf.Close)
	ending, cancel := context.WithCancel(t.Context())
	if _, err := deaf.Subscribe("cmd.local.a", func(*nats.Msg) { cancel() }); err != nil {
		t.Fatal(err)
	}
	if err := deaf.Flush(); err != nil {
		t.Fatal(err)
	}
	if rs := client.New(b.other(t), "local").Append(ending, []ledger.Input{in}, false); statuses(rs) != "failed unknown-outcome" || rs[0].Input != 4 {
		t.Errorf("a caller that does not wait any more: %+v", rs)
	}
	// The connection ends before the answer.
	gone := b.other(t)
	if _, err := deaf.Subscribe("cmd.local.a", func(*nats.Msg) { gone.Close() }); err != nil {
		t.Fatal(err)
	}
	if err := deaf.Flush(); err != nil {
		t.Fatal(err)
	}
	if rs := client.New(gone, "local").Append(t.Context(), []ledger.Input{in}, false); statuses(rs) != "failed unknown-outcome" || rs[0].Input != 4 {
		t.Errorf("a caller whose connection has ended: %+v", rs)
	}
	if rs := client.New(nc, "nobody").Append(t.Context(), []ledger.Input{in}, false); statuses(rs) != "failed unavailable" {
		t.Errorf("a user whom nobody serves: %+v", rs)
	}
}

// TestNobodyElseHearsCommands lets another program listen on all that there is, and answer: it hears no command, so nobody takes its answers for the
// ledger's.
func TestNobodyElseHearsCommands(t *testing.T) {
	t.Parallel()
	nc, _, _ := serve(t)
	var heard atomic.Int32
	for _, subject := range []string{"cmd.local.*", "cmd.>", ">"} {
		if _, err := nc.Subscribe(subject, func(m *nats.Msg) {
			if strings.HasPrefix(m.Subject, "cmd.") {
				heard.Add(1)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if rs, _ := request(t, nc, "a", opened, false); statuses(rs) != "appended" {
		t.Error(statuses(rs))
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("%d commands were heard", n)
	}
}
