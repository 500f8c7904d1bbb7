package embedded_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/stream/embedded"
)

func TestOneProcessHoldsAFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "new")
	first, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true, Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "address")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the address stands there before anything answers: %v", err)
	}
	if err := first.Announce(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(folder, "address"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the address is %v, %v; want mode 0600: it holds a token", info.Mode(), err)
	}
	second, address, err := embedded.Hold(t.Context(), folder, embedded.Options{Patience: 3 * time.Minute})
	if second != nil || err != nil || address == nil || *address != *first.Address() {
		t.Fatalf("a second holder got %v, %v, %v; want the first one's address", second, address, err)
	}
	nc, err := address.Dial()
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	wrong := *address
	wrong.Token = "guess"
	if nc, err := wrong.Dial(); err == nil {
		nc.Close()
		t.Error("a wrong token got in")
	}
	for range 2 { // stopping twice does nothing
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "address")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the address outlives its server: %v", err)
	}
}

func TestAddressWithoutALockIsIgnored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"address", "lock"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(`{"url":"nats://127.0.0.1:1","user":"client","token":"x"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, address, err := embedded.Hold(t.Context(), folder, embedded.Options{})
	if err != nil || address != nil {
		t.Fatalf("got address %v, %v; want the folder", address, err)
	}
	defer func() { _ = s.Stop() }()
	if _, err := os.Stat(filepath.Join(folder, "address")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale address is still there: %v", err)
	}
}

func TestAFolderHeldWithoutAnAddressIsWaitedFor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = embedded.Hold(t.Context(), folder, embedded.Options{Patience: 50 * time.Millisecond})
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.Unavailable || e.Why != "folder-busy" {
		t.Errorf("got %v, want folder-busy", err)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = first.Stop()
	}()
	second, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Patience: 3 * time.Minute})
	if err != nil {
		t.Fatalf("after the first let go: %v", err)
	}
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
}

// TestTheAddressOfOneWhoHasDied holds a folder without announcing an address, while the one of a server that was killed still lies there.
func TestTheAddressOfOneWhoHasDied(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "address"), []byte(`{"url":"nats://`+dead+`","user":"client","token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, address, err := embedded.Hold(t.Context(), folder, embedded.Options{Patience: 100 * time.Millisecond})
	var e *events.Error
	if address != nil || !errors.As(err, &e) || e.Why != "folder-busy" {
		t.Errorf("got address %v, %v; want folder-busy", address, err)
	}
}

func TestFoldersOfAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"资金 账本", `a "quoted" name`, "tab\there", "[brackets]*", "back\\slash", "$HOME", "#1; x"} {
		folder := filepath.Join(t.TempDir(), name)
		for range 2 {
			s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
			if err != nil {
				t.Errorf("%q: %v", name, err)
				break
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Stat(filepath.Join(folder, "jetstream", "jetstream")); err != nil {
			t.Errorf("%q: the store is not in the folder: %v", name, err)
		}
	}
}

// TestACopyWithoutALock reads a folder that was copied without its lock, as backups may.
func TestACopyWithoutALock(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "lock")); err != nil {
		t.Fatal(err)
	}
	s, _, err = embedded.Hold(t.Context(), folder, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestReadingMakesNoFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "none")
	_, _, err := embedded.Hold(t.Context(), folder, embedded.Options{})
	var e *events.Error
	if !errors.As(err, &e) || e.Why != "no-folder" || e.Args["folder"] != folder {
		t.Errorf("got %v, want no-folder", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestAFolderThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := embedded.Hold(t.Context(), filepath.Join(file, "below"), embedded.Options{Create: true})
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.Unavailable || e.Why != "disk" {
		t.Errorf("got %v, want an unusable disk", err)
	}
}
