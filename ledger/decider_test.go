package ledger

import (
	"testing"
	"time"

	"fundledger/events"
)

// inputs are so many commands of so many bytes.
func inputs(n, size int) []Input {
	all := make([]Input, n)
	for i := range all {
		all[i].Command = events.NoCommand()
		all[i].Command.Raw = make([]byte, size)
	}
	return all
}

// TestRefusalsDoNotKeepOthersWaiting holds that a batch ends even where it is filled with commands that are all refused: nobody is answered before it
// ends, and whoever keeps sending such commands must not keep an accepted one from the disk.
func TestRefusalsDoNotKeepOthersWaiting(t *testing.T) {
	t.Parallel()
	d := newDecider("f", nil, time.Now, usual)
	d.state = newState("f")
	refused := func() *job { return &job{inputs: inputs(64, 0), done: func([]Receipt) {}} }
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
	if big := (&job{inputs: inputs(maxDecided+1, 0)}); !d.next.holds(big) {
		t.Error("an empty batch must take any job, or it would wait for ever")
	}
}

// TestMuchThatWaits holds that what waits is bounded in commands and in bytes, that one job may always wait, and that room is given back.
func TestMuchThatWaits(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]bounds{"commands": {commands: 6, bytes: 1 << 20}, "bytes": {commands: 1000, bytes: 1200}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDecider("f", nil, time.Now, b) // nobody runs it
			var told []Receipt
			submit := func() {
				j := &job{inputs: inputs(3, 150), done: func(rs []Receipt) { told = append(told, rs...) }}
				if !d.submit(j) {
					t.Fatal("the decider is not about to end")
				}
			}
			submit()
			submit()
			if len(told) != 0 {
				t.Fatalf("%v was answered, and there is room", told)
			}
			submit()
			if len(told) != 3 || told[0].Status != Failed || told[0].Code != events.Busy {
				t.Fatalf("%v was answered, want three times busy", told)
			}
			if j, _ := d.take(); j == nil {
				t.Fatal("nothing is taken")
			}
			if submit(); len(told) != 3 {
				t.Errorf("%v was answered, and there is room again", told[3:])
			}
			// However large, one job alone is let in: it was bounded where it came from.
			for j, _ := d.take(); j != nil; j, _ = d.take() {
			}
			if !d.submit(&job{inputs: inputs(2000, 0), done: func([]Receipt) { t.Error("a job alone is refused") }}) {
				t.Error("the decider is not about to end")
			}
		})
	}
}
