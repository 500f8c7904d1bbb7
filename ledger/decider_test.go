package ledger

import (
	"testing"
	"time"

	"fundledger/events"
)

// TestRefusalsDoNotKeepOthersWaiting holds that a batch ends even where it is filled with commands that are all refused: nobody is answered before it
// ends, and whoever keeps sending such commands must not keep an accepted one from the disk.
func TestRefusalsDoNotKeepOthersWaiting(t *testing.T) {
	t.Parallel()
	d := newDecider("f", nil, time.Now)
	d.state = newState("f")
	refused := func() *job { return &job{inputs: make([]Input, 64), done: func([]Receipt) {}} }
	decided := 0
	for d.next.holds(refused()) {
		j := refused()
		for i := range j.inputs {
			j.inputs[i].Err = &events.Error{Code: events.Malformed}
		}
		d.add(t.Context(), j)
		if decided += len(j.inputs); decided > 2*maxDecided {
			t.Fatalf("%d refused commands are one batch, and more would be taken", decided)
		}
	}
	if decided < MaxBlockEvents {
		t.Errorf("a batch ended after %d commands, want room for a block", decided)
	}
	d.next = batch{}
	if big := (&job{inputs: make([]Input, maxDecided+1)}); !d.next.holds(big) {
		t.Error("an empty batch must take any job, or it would wait for ever")
	}
}
