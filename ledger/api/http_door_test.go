package api_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"fundledger/ledger/api"
)

// TestDoor: of very many who come at once few are let in at once; who comes alone after them goes first; and who still waits when the door is shut is sent away.
func TestDoor(t *testing.T) {
	t.Parallel()
	const many = 300
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := api.NewDoor(listener, 1000)
	t.Cleanup(func() { _ = d.Close() })
	come := func() net.Conn {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	await := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); d.Waiting() != n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d wait, want %d", d.Waiting(), n)
			}
		}
	}
	first := come()
	for range many - 1 {
		come()
	}
	await(many)
	begun := time.Now()
	for range 60 {
		c, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	if took := time.Since(begun); took < 40*time.Millisecond { // ten more than come in at once, at two hundred a second
		t.Errorf("60 were let in within %v", took)
	}
	alone := come()
	await(many - 60 + 1)
	c, err := d.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if c.RemoteAddr().String() != alone.LocalAddr().String() {
		t.Error("who came alone waits behind the many")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a door that is shut says %v", err)
	}
	_ = first.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) || isTimeout(err) {
		t.Errorf("who waited before a door that was shut is left there: %v", err)
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
