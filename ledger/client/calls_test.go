package client

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/nats-io/nats.go"
)

// waitingClient is a client that listens to nothing: the test says what it hears.
func waitingClient(t *testing.T) *Client {
	c := &Client{inbox: "here.", watch: time.NewTimer(time.Hour)}
	t.Cleanup(func() { c.watch.Stop() })
	return c
}

func (c *Client) hear(place int, id, status, rest string) {
	c.answered(strconv.Itoa(place), &nats.Msg{Data: fmt.Appendf(nil, `{"input":1,"id":%q,"status":%q%s}`, id, status, rest)})
}

func asking(id events.ID) []ledger.Input {
	return []ledger.Input{{Number: 1, ID: id, Command: events.NoCommand()}}
}

// TestEndingCallsLeavesLaterOnesAlone holds that a call made while others are ended is not ended with them, though it may stand where one of them stood
// that has been answered at the last moment.
func TestEndingCallsLeavesLaterOnesAlone(t *testing.T) {
	t.Parallel()
	c := waitingClient(t)
	over, cancel := context.WithCancel(t.Context())
	var told [3]int
	var places [2]int
	later := false
	for i := range places {
		places[i], _ = c.begin(over, asking(events.ID("e"+strconv.Itoa(i))), func([]ledger.Receipt, error) {
			if told[i]++; later {
				return
			}
			later = true
			c.hear(places[1-i], "e"+strconv.Itoa(1-i), "appended", `,"seq":1`)
			c.begin(t.Context(), asking("later"), func([]ledger.Receipt, error) { told[2]++ })
		})
	}
	cancel()
	c.lookAfter()
	if told != [3]int{1, 1, 0} {
		t.Errorf("the calls were told %v times, want the two that are over once and the later one not at all", told)
	}
}

// TestAPlaceWithAnUnknownOutcomeIsNotUsedAgain holds that where a ledger says that it does not know what became of a request, whatever is heard of it
// afterwards is not taken for the answer to another.
func TestAPlaceWithAnUnknownOutcomeIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	c := waitingClient(t)
	var first, second error
	answered := false
	place, _ := c.begin(t.Context(), asking("first"), func(_ []ledger.Receipt, err error) { first = err })
	c.answered(strconv.Itoa(place), &nats.Msg{Data: []byte(`{"input":0,"status":"failed","code":"unknown-outcome"}`)})
	if events.CodeOf(first) != events.UnknownOutcome {
		t.Fatalf("the first call ended with %v", first)
	}
	next, _ := c.begin(t.Context(), asking("second"), func(_ []ledger.Receipt, err error) { answered, second = true, err })
	c.hear(place, "first", "appended", `,"seq":1`)
	if answered {
		t.Fatalf("the second call was answered with what became of the first: %v", second)
	}
	c.hear(next, "second", "appended", `,"seq":2`)
	if !answered || second != nil {
		t.Errorf("the second call ended with %v", second)
	}
	if third, _ := c.begin(t.Context(), asking("third"), func([]ledger.Receipt, error) {}); third != next {
		t.Errorf("a call stands at %d, want %d, where one has been answered", third, next)
	}
}
