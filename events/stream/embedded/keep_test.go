package embedded_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
)

// TestEvidenceOfDamageIsKept damages a store in several ways and starts the broker on it: whatever the broker cuts away stands in the folder's
// copies, and a sound store has none.
func TestEvidenceOfDamageIsKept(t *testing.T) {
	t.Parallel()
	original := t.TempDir()
	s, _, err := embedded.Hold(t.Context(), original, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	st, err := stream.NewStore(nc, stream.Own, embedded.Heads(original))
	if err != nil {
		t.Fatal(err)
	}
	log := st.Log("f")
	for i := range 20 {
		if err := log.Append(t.Context(), proof.BlockOf(fmt.Appendf(nil, "{\"n\":%d}\n", i))); err != nil {
			t.Fatal(err)
		}
	}
	nc.Close()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	block := filepath.Join("jetstream", "jetstream", "LEDGER", "streams", stream.Name("f"), "msgs", "1.blk")
	whole, err := os.ReadFile(filepath.Join(original, block))
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"sound":              func(b []byte) []byte { return b },
		"a far sequence":     func(b []byte) []byte { b[len(b)-lastRecord(b)+4+6] ^= 1; return b },
		"a sequence":         func(b []byte) []byte { b[9] = 0x36; return b },
		"a length":           func(b []byte) []byte { b[1] ^= 0x40; return b },
		"a message":          func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the last checksum":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"a tail cut in half": func(b []byte) []byte { return b[:len(b)-11] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			damaged := damage(bytes.Clone(whole))
			if err := os.WriteFile(filepath.Join(folder, block), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the copy is made once
				if s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{}); err == nil {
					if err := s.Stop(); err != nil {
						t.Error(err)
					}
				}
			}
			kept, err := filepath.Glob(filepath.Join(folder, "damaged", stream.Name("f")+"-1.blk-*"))
			if err != nil {
				t.Fatal(err)
			}
			if name == "sound" {
				if len(kept) != 0 {
					t.Errorf("a sound store has copies %v", kept)
				}
				return
			}
			for _, path := range kept {
				if data, err := os.ReadFile(path); err == nil && bytes.Equal(data, damaged) {
					return
				}
			}
			t.Errorf("what was found is in none of %v", kept)
		})
	}
}

// lastRecord is the length of a file's last record.
func lastRecord(b []byte) int {
	at := 0
	for {
		n := int(binary.LittleEndian.Uint32(b[at:]) &^ (1 << 31))
		if at+n == len(b) {
			return n
		}
		at += n
	}
}
