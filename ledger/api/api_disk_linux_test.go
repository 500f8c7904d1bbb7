package api_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/api"
)

// small mounts a disk with this little room.
func small(t *testing.T, size string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("=== SKIPPED: a full disk was NOT tried: no disk can be mounted here: %v ===", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func enlarge(t *testing.T, folder, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
		t.Fatal(err)
	}
}

// TestAFullDisk fills the disk of a folder, makes room and goes on.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(small(t, "12m"), "data")
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	store, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.Open(func(f events.Fund) ledger.Log { return store.Log(f) }, nil)
	defer l.Close(context.Background())
	if rs := l.Append(t.Context(), inputs(t, opened), ledger.Local, false); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	acknowledged, failed := fill(t, l, "F")
	t.Logf("after %d events: %s %s %s: %s", len(acknowledged), failed.Status, failed.Code, failed.Why, failed.Message)
	if failed.Code != events.Unavailable || failed.Why != "disk" {
		t.Errorf("a full disk is said to be %+v", failed)
	}
	wantAll(t, stored(t, store, "a"), acknowledged)
	enlarge(t, folder+"/..", "64m")
	more := l.Append(t.Context(), inputs(t, reasons("G", 60)...), ledger.Local, false)
	for _, r := range more {
		if r.Status != ledger.Appended {
			t.Fatalf("with room: %+v", r)
		}
		acknowledged = append(acknowledged, r.ID)
	}
	wantAll(t, stored(t, store, "a"), acknowledged)
}

// TestTheDiskOfABrokerElsewhereIsFull fills the disk of a broker that says nothing of it. Nothing acknowledged is lost when it begins again with room.
func TestTheDiskOfABrokerElsewhereIsFull(t *testing.T) {
	t.Parallel()
	folder := small(t, "8m")
	s := plain(t, folder, 1<<30)
	r := share(t, dial(t, s), api.Sharing{}, nil, nil)
	if rs := r.ledger.Append(t.Context(), inputs(t, opened), ledger.Local, false); statuses(rs) != "appended" {
		t.Fatal(statuses(rs))
	}
	acknowledged, failed := fill(t, r.ledger, "F")
	t.Logf("after %d events: %s %s %s: %s", len(acknowledged), failed.Status, failed.Code, failed.Why, failed.Message)
	r.stop()
	s.Shutdown()
	s.WaitForShutdown()
	enlarge(t, folder, "64m")
	s = plain(t, folder, 1<<30)
	r = share(t, dial(t, s), api.Sharing{}, nil, nil)
	for _, got := range r.ledger.Append(t.Context(), inputs(t, reasons("G", 60)...), ledger.Local, false) {
		if got.Status != ledger.Appended {
			t.Fatalf("with room: %+v", got)
		}
		acknowledged = append(acknowledged, got.ID)
	}
	wantAll(t, stored(t, r.store, "a"), acknowledged)
}
