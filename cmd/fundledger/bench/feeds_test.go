package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pieces yields a text cut in every way into pieces of one length, the last one shorter.
func pieces(text string) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for size := 1; size <= len(text); size++ {
			var all []string
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				all, rest = append(all, rest[:n]), rest[n:]
			}
			if !yield(all) {
				return
			}
		}
	}
}

// inChunks is a body in chunks of so many bytes.
func inChunks(body string, size int) string {
	var b strings.Builder
	for rest := body; rest != ""; {
		n := min(size, len(rest))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	return b.String()
}

func TestEventsAreReadHoweverTheyCome(t *testing.T) {
	t.Parallel()
	const body = "retry: 1000\n\nid: 6\n\nevent: state\nid: 7\ndata: {\"a\":1}\n\n: beat\n\ndata: no id\n\nevent: change\nid: 12\ndata: {\"b\":\"数\\n\"}\n\n"
	want := []string{`state 7 {"a":1}`, "message 0 no id", `change 12 {"b":"数\n"}`}
	answers := map[string]string{"as it is": "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body}
	for _, size := range []int{1, 10, 16, 300} {
		answers[fmt.Sprint("in chunks of ", size)] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n" + inChunks(body, size)
	}
	for name, answer := range answers {
		for cut := range pieces(answer) {
			var got []string
			s := &sse{take: func(event string, id uint64, data []byte) error {
				got = append(got, fmt.Sprintf("%s %d %s", event, id, data))
				return nil
			}}
			for _, piece := range cut {
				if err := s.feed([]byte(piece)); err != nil {
					t.Fatalf("%s, in pieces of %d: %v", name, len(cut[0]), err)
				}
			}
			if !s.ready || len(s.rest) > 0 || !slices.Equal(got, want) {
				t.Fatalf("%s, in pieces of %d: %q, want %q; %q is left", name, len(cut[0]), got, want, s.rest)
			}
		}
	}
}

func TestAnswersThatAreNoEvents(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	wrong := errors.New("wrong")
	for answer, want := range map[string]string{
		"HTTP/1.1 503 Service Unavailable\r\n\r\n{}":           "503",
		head + inChunks("id: x\ndata: {}\n\n", 100):            "the id",
		head + inChunks("id: 1\ndata: a\ndata: b\n\n", 100):    "more than one line",
		head + inChunks("id: 1\ndata: a\n\n", 5) + "0\r\n\r\n": wrong.Error(),
		head + "0\r\n\r\n": errEnded.Error(),
	} {
		s := &sse{take: func(string, uint64, []byte) error { return wrong }}
		if err := s.feed([]byte(answer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", answer, err, want)
		}
	}
}

func TestMessagesAreReadHoweverTheyCome(t *testing.T) {
	t.Parallel()
	const text = "INFO {\"server\":1}\r\nPONG\r\nMSG a.b 1 5\r\nMSG 1\r\nMSG a.b 1 _INBOX.x 0\r\n\r\nPING\r\nMSG a.b 1 2\r\n\r\n\r\n"
	want := []string{"MSG 1", "", "\r\n"}
	for cut := range pieces(text) {
		var got []string
		pongs := 0
		s := &subscriber{
			take: func(message []byte) error { got = append(got, string(message)); return nil },
			pong: func() error { pongs++; return nil },
		}
		for _, piece := range cut {
			if err := s.feed([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		if !s.ready || pongs != 1 || len(s.rest) > 0 || !slices.Equal(got, want) {
			t.Fatalf("in pieces of %d: %q, want %q; %d pongs, %q is left", len(cut[0]), got, want, pongs, s.rest)
		}
	}
	s := &subscriber{}
	if err := s.feed([]byte("-ERR 'Authorization Violation'\r\n")); err == nil || !strings.Contains(err.Error(), "Authorization") {
		t.Errorf("a refusal: %v", err)
	}
}

// looking is one row with so many payments that have been sent.
func looking(payments int) *watching {
	w := &watching{run: &run{}, before: 1, told: map[told][]byte{}}
	w.sent = make([]instant, payments-w.before)
	w.lines = make([][]byte, payments)
	for i := range w.sent {
		w.sent[i].Store(1)
	}
	return w
}

func TestAClientToTheFeedNotices(t *testing.T) {
	t.Parallel()
	line := func(n int) []byte { return []byte(id(n)) }
	for name, tc := range map[string]struct {
		ids  []uint64
		last []byte
		want string
	}{
		"all of them":    {[]uint64{seqOf(1), seqOf(2), seqOf(3)}, line(3), ""},
		"a gap":          {[]uint64{seqOf(1), seqOf(3)}, line(3), fmt.Sprintf("has event %d, want %d", seqOf(3), seqOf(2))},
		"a repeat":       {[]uint64{seqOf(1), seqOf(1)}, line(1), fmt.Sprintf("has event %d, want %d", seqOf(1), seqOf(2))},
		"one too many":   {[]uint64{seqOf(1), seqOf(2), seqOf(3), seqOf(4)}, line(4), "nobody has sent"},
		"another's line": {[]uint64{seqOf(1), seqOf(2)}, line(3), "two events"},
	} {
		w := looking(4)
		first, second := w.events(1), w.events(1)
		for n := 1; n < 4; n++ {
			if err := first("event", seqOf(n), line(n)); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		for i, seq := range tc.ids {
			data := line(int(seq) - int(seqOf(0)))
			if i == len(tc.ids)-1 {
				data = tc.last
			}
			if err = second("event", seq, data); err != nil {
				break
			}
		}
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if err := looking(2).events(1)("closed", 0, nil); err == nil {
		t.Error("being sent away is not noticed")
	}
}

// balancesOf are those after so many payments, as far as they are looked at: of the lines that are named.
func balancesOf(payments int, which ...int) string {
	var sums [lines]int64
	var total int64
	for n := range payments {
		sums[lineOf(n)] += amountOf(n)
		total += amountOf(n)
	}
	var rows []string
	for _, line := range which {
		rows = append(rows, fmt.Sprintf(`{"line":"%02d","disbursed":%q}`, line+1, appendYuan(nil, sums[line])))
	}
	return fmt.Sprintf(`{"seq":%d,"rows":[%s],"total":{"line":"0","disbursed":%q}}`, openedBy+payments, strings.Join(rows, ","), appendYuan(nil, total))
}

func TestAClientToTheBalancesNotices(t *testing.T) {
	t.Parallel()
	state := balancesOf(1, 0)
	for name, tc := range map[string]struct{ event, data, want string }{
		"the next":                {"change", balancesOf(2, 1), ""},
		"two at once":             {"change", balancesOf(3, 1, 2), ""},
		"all of them anew":        {"state", balancesOf(3, 0, 1, 2), ""},
		"a line is left out":      {"change", balancesOf(3, 2), "have changed are not there"},
		"a sum of another moment": {"change", strings.Replace(balancesOf(2, 1), `"disbursed":"2.01"`, `"disbursed":"2.02"`, 1), "want 2.01"},
		"another total":           {"change", strings.Replace(balancesOf(2, 1), `"total":{"line":"0","disbursed":"3.01"`, `"total":{"line":"0","disbursed":"3.02"`, 1), "the total"},
		"no total":                {"change", strings.Replace(balancesOf(2, 1), `"total"`, `"other"`, 1), "the total"},
		"what it had":             {"state", state, "is told those at"},
		"what is not yet":         {"change", balancesOf(5, 1, 2, 3, 4), "is told those at"},
		"the end":                 {"closed", "{}", "is told closed"},
	} {
		w := looking(4)
		var seen uint64
		take := w.balances(&seen)
		if err := take("state", seqOf(0), []byte(state)); err != nil {
			t.Fatal(err)
		}
		var at struct{ Seq uint64 }
		_, _ = fmt.Sscanf(tc.data, `{"seq":%d`, &at.Seq)
		err := take(tc.event, at.Seq, []byte(tc.data))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if tc.want == "" && (seen != at.Seq || len(w.latencies) != int(at.Seq-seqOf(0))) {
			t.Errorf("%s: %d are seen, the client is at %d", name, len(w.latencies), seen)
		}
	}
	// Whoever is told of the same is told the same bytes.
	w := looking(4)
	var one, other uint64
	if err := w.balances(&one)("state", seqOf(0), []byte(state)); err != nil {
		t.Fatal(err)
	}
	if err := w.balances(&other)("state", seqOf(0), []byte(state+" ")); err == nil || !strings.Contains(err.Error(), "two clients") {
		t.Errorf("two states of one number: %v", err)
	}
}
