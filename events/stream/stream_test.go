package stream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const fund events.Fund = "cd-gx"

// enough is how long a test waits for what has to come: far longer than a machine takes that has much else to do.
const enough = 3 * time.Minute

// hold takes a folder and returns the store in it and what lets go of it again.
func hold(t *testing.T, folder string) (*embedded.Server, *stream.Store, func()) {
	t.Helper()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{Create: true, Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	st, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		nc.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		nc.Close()
		_ = s.Stop()
	})
	return s, st, stop
}

// fill appends blocks of the given sizes and returns the lines.
func fill(t *testing.T, l *stream.Log, sizes ...int) (lines []string) {
	t.Helper()
	for range l.Replay(t.Context()) {
	}
	for _, n := range sizes {
		var b bytes.Buffer
		for range n {
			line := fmt.Sprintf(`{"n":%d,"text":"%s"}`, len(lines)+1, strings.Repeat("x", 100))
			lines = append(lines, line)
			b.WriteString(line + "\n")
		}
		if err := l.Append(t.Context(), proof.BlockOf(b.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

func read(ctx context.Context, l *stream.Log) (lines []string, err error) {
	for line, err := range l.Replay(ctx) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
	return lines, nil
}

func TestWhatWasAppendedIsRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, st, stop := hold(t, folder)
	want := fill(t, st.Log(fund), 1, 3, 1000, 1, 2)
	for range 2 { // before and after a restart
		l := st.Log(fund)
		got, err := read(t.Context(), l)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("read %d lines, %v; want %d", len(got), err, len(want))
		}
		var tree proof.Tree
		for _, line := range want {
			tree.Append(proof.Leaf([]byte(line)))
		}
		if at := l.At(); at.Seq != events.Seq(len(want)) || at.Block != 5 || at.Tree.Root() != tree.Root() {
			t.Fatalf("stands at %d in block %d, want %d in 5, under the root of all lines", at.Seq, at.Block, len(want))
		}
		stop()
		_, st, stop = hold(t, folder)
	}
	funds, err := st.Funds(t.Context())
	if err != nil || !slices.Equal(funds, []events.Fund{fund}) {
		t.Errorf("Funds = %v, %v", funds, err)
	}
	stop()
}

func TestReadingAFundThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	if lines, err := read(t.Context(), st.Log("nobody")); len(lines) != 0 || err != nil {
		t.Errorf("read %v, %v; want nothing", lines, err)
	}
	if funds, err := st.Funds(t.Context()); len(funds) != 0 || err != nil {
		t.Errorf("Funds = %v, %v; reading must not make one", funds, err)
	}
}

func TestASecondWriterLoses(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	a, b := st.Log(fund), st.Log(fund)
	fill(t, a, 2)
	if _, err := read(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := a.Append(t.Context(), proof.BlockOf([]byte("{\"a\":1}\n"))); err != nil {
		t.Fatal(err)
	}
	err := b.Append(t.Context(), proof.BlockOf([]byte("{\"b\":1}\n")))
	if !errors.Is(err, events.ErrConflict) {
		t.Fatalf("the second writer got %v, want a conflict", err)
	}
	if err := b.Current(t.Context()); !errors.Is(err, events.ErrConflict) {
		t.Errorf("Current of the second = %v, want a conflict", err)
	}
	if err := a.Current(t.Context()); err != nil {
		t.Errorf("Current of the first = %v", err)
	}
	lines, err := read(t.Context(), b)
	if err != nil || len(lines) != 3 || lines[2] != `{"a":1}` {
		t.Errorf("read %v, %v", lines, err)
	}
	if err := b.Append(t.Context(), proof.BlockOf([]byte("{\"b\":1}\n"))); err != nil {
		t.Errorf("after reading the tail: %v", err)
	}
}

func TestReadingWhileWriting(t *testing.T) {
	t.Parallel()
	_, st, _ := hold(t, t.TempDir())
	w := st.Log(fund)
	if _, err := read(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		for i := range 200 {
			if err := w.Append(context.Background(), proof.BlockOf(fmt.Appendf(nil, "{\"i\":%d}\n", i))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	follower := st.Log(fund)
	followed := 0
	for len(done) == 0 {
		if _, err := read(t.Context(), st.Log(fund)); err != nil {
			t.Fatal(err)
		}
		for _, err := range follower.Rest(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			followed++
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for range follower.Rest(t.Context()) {
		followed++
	}
	if followed != 200 || follower.At() != w.At() {
		t.Errorf("a follower read %d lines up to %d, want 200", followed, follower.At().Seq)
	}
}

// TestClientsCannotWrite tries what is known to get past permissions within one account.
func TestClientsCannotWrite(t *testing.T) {
	t.Parallel()
	s, st, _ := hold(t, t.TempDir())
	want := fill(t, st.Log(fund), 3)
	nc, err := s.Address().Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	own, err := s.Receive()
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	// A command service that answers whatever it is asked, wherever it is told to.
	if _, err := own.Subscribe("cmd.local.*", func(m *nats.Msg) { _ = m.Respond([]byte("forged\n")) }); err != nil {
		t.Fatal(err)
	}
	if err := own.Flush(); err != nil {
		t.Fatal(err)
	}
	overheard := make(chan *nats.Msg, 100)
	if _, err := nc.ChanSubscribe("ledger.>", overheard); err != nil {
		t.Fatal(err)
	}
	if reply, err := nc.Request("cmd.local."+string(fund), nil, enough); err != nil || string(reply.Data) != "forged\n" {
		t.Fatalf("the command service does not answer: %v", err)
	}
	subject, name := stream.Subject(fund), stream.Name(fund)
	attempts := map[string]func() error{
		"publish": func() error { return nc.Publish(subject, []byte("forged\n")) },
		"request with the stream as reply": func() error {
			return nc.PublishRequest(stream.Imported+".DIRECT.GET."+name, subject, []byte(`{"seq":1}`))
		},
		"command with the stream as reply": func() error { return nc.PublishRequest("cmd.local."+string(fund), subject, []byte(`{}`)) },
		"the same in the broker's own names": func() error {
			return nc.PublishRequest(stream.Own+".DIRECT.GET."+name, subject, []byte(`{"seq":1}`))
		},
	}
	for _, reader := range []string{"STREAM.INFO." + name, "STREAM.NAMES", "DIRECT.GET." + name} {
		attempts["reply of "+reader+" to the stream"] = func() error {
			return nc.PublishRequest(stream.Imported+"."+reader, subject, []byte(`{"seq":1,"batch":10}`))
		}
		attempts["trace of "+reader+" to the stream"] = func() error {
			m := nats.NewMsg(stream.Imported + "." + reader)
			m.Reply, m.Data = nc.NewInbox(), []byte(`{"seq":1}`)
			m.Header.Set("Nats-Trace-Dest", subject)
			return nc.PublishMsg(m)
		}
	}
	attempts["trace of a command to the stream"] = func() error {
		m := nats.NewMsg("cmd.local." + string(fund))
		m.Reply, m.Data = nc.NewInbox(), []byte(`{}`)
		m.Header.Set("Nats-Trace-Dest", subject)
		return nc.PublishMsg(m)
	}
	attempts["an answer pretended"] = func() error { return nc.Publish("$JS.ACK."+name+".x.1.1.1.1.0", nil) }
	for _, api := range []string{"STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE", "STREAM.MSG.DELETE", "STREAM.RESTORE", "STREAM.SNAPSHOT", "STREAM.CREATE", "CONSUMER.CREATE", "CONSUMER.DURABLE.CREATE", "CONSUMER.LIST"} {
		for _, prefix := range []string{stream.Own, stream.Imported} {
			attempts[prefix+"."+api] = func() error {
				reply, err := nc.Request(prefix+"."+api+"."+name, []byte(`{"name":"`+name+`","seq":1,"no_erase":true,"config":{"deliver_subject":"`+subject+`"}}`), 300*time.Millisecond)
				if err == nil && !bytes.Contains(reply.Data, []byte(`"error"`)) {
					t.Errorf("%s.%s was answered %s", prefix, api, reply.Data)
				}
				return nil
			}
		}
	}
	for what, try := range attempts {
		if err := try(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	got, err := read(t.Context(), st.Log(fund))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("after the attempts the log reads %d lines, %v; want the %d stored", len(got), err, len(want))
	}
	// What a client sends to the ledger's own subject or has answered there stays among the clients.
	if err := st.Log(fund).Append(t.Context(), proof.BlockOf([]byte("{}\n"))); !errors.Is(err, events.ErrConflict) {
		t.Errorf("a log that was not read yet took a block: %v", err)
	}
	before := len(overheard)
	w := st.Log(fund)
	if _, err := read(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(t.Context(), proof.BlockOf([]byte("{\"secret\":1}\n"))); err != nil {
		t.Fatal(err)
	}
	want = append(want, `{"secret":1}`)
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(overheard) != before {
		t.Error("a client overhears what the ledger stores")
	}
	imported, err := stream.NewStore(nc, stream.Imported, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context(), imported.Log(fund)); err != nil || !slices.Equal(got, want) {
		t.Errorf("a client reads %d lines, %v", len(got), err)
	}
}

// wantTampered reads a folder's log and reports whether that failed as evidence of tampering.
func wantTampered(t *testing.T, folder, why string) {
	t.Helper()
	_, st, stop := hold(t, folder)
	defer stop()
	_, err := read(t.Context(), st.Log(fund))
	var e *events.Error
	if !errors.As(err, &e) || e.Code != events.Tampered || why != "" && e.Why != why {
		t.Errorf("reading gave %v, want tampered (%s)", err, why)
		return
	}
	if e.Message("en") == string("code.tampered") || e.Args["fund"] != string(fund) {
		t.Errorf("%v does not say what is wrong with which fund", e)
	}
}

// broker starts a bare server on a folder's store, with none of our protection, and returns a connection with every right.
func broker(t *testing.T, folder string) (jetstream.JetStream, *nats.Conn, func()) {
	t.Helper()
	opts := &server.Options{}
	if err := opts.ProcessConfigString(fmt.Sprintf(`
		jetstream { store_dir: %q }
		max_payload: 8MB
		accounts { LEDGER { jetstream: enabled, users: [ { user: u, password: p } ] } }`, filepath.Join(folder, "jetstream"))); err != nil {
		t.Fatal(err)
	}
	opts.DontListen, opts.NoSigs, opts.NoLog = true, true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(enough) {
		t.Fatal("the bare server did not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo("u", "p"), nats.Timeout(enough))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(enough))
	if err != nil {
		t.Fatal(err)
	}
	return js, nc, func() {
		nc.Close()
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// stored makes a folder with a log of twelve blocks and lets go of it.
func stored(t *testing.T) (folder string, lines []string, at stream.Position) {
	t.Helper()
	folder = t.TempDir()
	_, st, stop := hold(t, folder)
	l := st.Log(fund)
	lines = fill(t, l, 1, 1, 5, 1, 20, 1, 1, 3, 1, 1, 50, 2)
	at = l.At()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	stop()
	return folder, lines, at
}

func TestMissingBlock(t *testing.T) {
	t.Parallel()
	for _, block := range []uint64{1, 4, 12} {
		t.Run(strconv.FormatUint(block, 10), func(t *testing.T) {
			t.Parallel()
			folder, _, _ := stored(t)
			js, _, stop := broker(t, folder)
			st, err := js.Stream(t.Context(), stream.Name(fund))
			if err != nil {
				t.Fatal(err)
			}
			// Deleting is denied for ever; what is not denied is to let everything above a limit go, or to take the stream away and make
			// another of what is left.
			var kept []*nats.Msg
			for n := uint64(1); n <= st.CachedInfo().State.LastSeq; n++ {
				m, err := st.GetMsg(t.Context(), n)
				if err != nil {
					t.Fatal(err)
				}
				if n != block {
					kept = append(kept, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
				}
			}
			config := st.CachedInfo().Config
			if err := js.DeleteStream(t.Context(), config.Name); err != nil {
				t.Fatal(err)
			}
			// The broker clears the old stream's folder away after it answered, and cannot make the new one meanwhile.
			for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
				if _, err = js.CreateStream(t.Context(), config); err == nil {
					break
				}
				if time.Since(begun) > enough {
					t.Fatal(err)
				}
			}
			for _, m := range kept {
				for _, h := range []string{"Nats-Expected-Last-Sequence", "Nats-Expected-Last-Msg-Id", "Nats-Expected-Stream", "Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"} {
					m.Header.Del(h)
				}
				if _, err := js.PublishMsg(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			stop()
			wantTampered(t, folder, map[uint64]string{1: "header", 4: "header", 12: "head-short"}[block])
		})
	}
}

func TestLimitThatLetsTheBeginningGo(t *testing.T) {
	t.Parallel()
	folder, _, _ := stored(t)
	js, _, stop := broker(t, folder)
	st, err := js.Stream(t.Context(), stream.Name(fund))
	if err != nil {
		t.Fatal(err)
	}
	config := st.CachedInfo().Config
	config.MaxMsgs = 5
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	stop()
	wantTampered(t, folder, "gap")
}

func TestStreamDeleted(t *testing.T) {
	t.Parallel()
	folder, _, _ := stored(t)
	js, _, stop := broker(t, folder)
	if err := js.DeleteStream(t.Context(), stream.Name(fund)); err != nil {
		t.Fatal(err)
	}
	stop()
	wantTampered(t, folder, "stream-missing")
}

func TestHeadDeleted(t *testing.T) {
	t.Parallel()
	folder, _, _ := stored(t)
	if err := os.Remove(filepath.Join(embedded.Heads(folder), string(fund))); err != nil {
		t.Fatal(err)
	}
	wantTampered(t, folder, "head-missing")
}

func TestCutTail(t *testing.T) {
	t.Parallel()
	for _, cut := range []int64{1, 40, 500, 2000} {
		t.Run(strconv.FormatInt(cut, 10), func(t *testing.T) {
			t.Parallel()
			folder, _, _ := stored(t)
			for _, path := range files(t, folder) {
				if strings.HasSuffix(path, ".blk") {
					info, err := os.Stat(path)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.Truncate(path, info.Size()-cut); err != nil {
						t.Fatal(err)
					}
				}
			}
			wantTampered(t, folder, "")
		})
	}
}

func TestForgedBlock(t *testing.T) {
	t.Parallel()
	line := []byte("{\"forged\":true}\n")
	for _, c := range []struct {
		name, why string
		change    func(h nats.Header)
	}{
		{"no headers", "format", func(h nats.Header) { clear(h) }},
		{"another format", "format", func(h nats.Header) { h.Set("Fundledger-Format", "2") }},
		{"wrong first", "header", func(h nats.Header) { h.Set("Fundledger-First", "1") }},
		{"wrong count", "count", func(h nats.Header) { h.Set("Fundledger-Count", "2") }},
		{"wrong root before", "root", func(h nats.Header) { h.Set("Fundledger-Root", proof.Leaf(nil).String()) }},
		{"wrong root after", "root", func(h nats.Header) { h.Set(nats.MsgIdHdr, proof.Leaf(nil).String()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder, _, at := stored(t)
			js, _, stop := broker(t, folder)
			m := nats.NewMsg(stream.Subject(fund))
			m.Data = line
			m.Header.Set("Fundledger-Format", "1")
			m.Header.Set("Fundledger-First", (at.Seq + 1).String())
			m.Header.Set("Fundledger-Count", "1")
			m.Header.Set("Fundledger-Root", at.Tree.Root().String())
			at.Tree.Append(proof.Leaf(bytes.TrimSuffix(line, []byte("\n"))))
			m.Header.Set(nats.MsgIdHdr, at.Tree.Root().String())
			c.change(m.Header)
			if _, err := js.PublishMsg(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			stop()
			wantTampered(t, folder, c.why)
		})
	}
}

func files(t *testing.T, folder string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOneFlippedBit flips one bit after another, spread over every file of a folder. Either the log reads as before, since the broker can do
// without that bit, or what is wrong is named. Within the records themselves every bit counts.
func TestOneFlippedBit(t *testing.T) {
	t.Parallel()
	original, want, _ := stored(t)
	paths := files(t, original)
	if len(paths) < 4 {
		t.Fatalf("found only %v", paths)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(original, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(rel), func(t *testing.T) {
			t.Parallel()
			noticed, tries := 0, min(len(data), 24)
			if strings.HasSuffix(path, ".blk") {
				tries = 72
			}
			for i := range tries {
				folder := t.TempDir()
				if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
					t.Fatal(err)
				}
				at := len(data) * i / tries
				flipped := bytes.Clone(data)
				flipped[at] ^= 1 << (i % 8)
				if err := os.WriteFile(filepath.Join(folder, rel), flipped, 0o600); err != nil {
					t.Fatal(err)
				}
				if flippedIsNoticed(t, folder, want) {
					noticed++
				} else if strings.HasSuffix(path, ".blk") || strings.Contains(rel, "heads") {
					t.Errorf("bit %d of byte %d was not noticed", i%8, at)
				}
			}
			t.Logf("%d of %d flipped bits mattered, all of them noticed", noticed, tries)
		})
	}
}

// TestOneFlippedBitInTheFormOfARecord flips every bit of what stands before a record in the broker's file: lengths, sequence, time. Some of them lead
// the broker a long way.
func TestOneFlippedBitInTheFormOfARecord(t *testing.T) {
	t.Parallel()
	original, want, _ := stored(t)
	rel := filepath.Join("jetstream", "jetstream", "LEDGER", "streams", stream.Name(fund), "msgs", "1.blk")
	data, err := os.ReadFile(filepath.Join(original, rel))
	if err != nil {
		t.Fatal(err)
	}
	starts := []int{0}
	for at := 0; at < len(data); {
		at += int(binary.LittleEndian.Uint32(data[at:]) &^ (1 << 31))
		starts = append(starts, at)
	}
	for _, record := range []int{0, 7, len(starts) - 2} {
		for part := range 22 {
			t.Run(fmt.Sprintf("record %d byte %d", record+1, part), func(t *testing.T) {
				t.Parallel()
				for bit := range 8 {
					folder := t.TempDir()
					if err := os.CopyFS(folder, os.DirFS(original)); err != nil {
						t.Fatal(err)
					}
					flipped := bytes.Clone(data)
					flipped[starts[record]+part] ^= 1 << bit
					if err := os.WriteFile(filepath.Join(folder, rel), flipped, 0o600); err != nil {
						t.Fatal(err)
					}
					if !flippedIsNoticed(t, folder, want) {
						t.Errorf("bit %d was not noticed", bit)
					}
				}
			})
		}
	}
}

// flippedIsNoticed reads a folder with a flipped bit. It fails the test where other lines are read than were stored.
func flippedIsNoticed(t *testing.T, folder string, want []string) bool {
	t.Helper()
	s, _, err := embedded.Hold(t.Context(), folder, embedded.Options{})
	if err != nil {
		if events.CodeOf(err) == "" {
			t.Errorf("the server did not start, and said only %v", err)
		}
		return true
	}
	defer func() { _ = s.Stop() }()
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	st, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), st.Log(fund))
	if err != nil {
		if code := events.CodeOf(err); code != events.Tampered {
			t.Errorf("reading gave %v, want tampered", err)
		}
		return true
	}
	if !slices.Equal(got, want) {
		t.Errorf("read %d lines that are not those stored, and no error", len(got))
	}
	return false
}

func BenchmarkAppendBlocksOf1000(b *testing.B) {
	folder := b.TempDir()
	s, _, err := embedded.Hold(b.Context(), folder, embedded.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	nc, err := s.Connect()
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	st, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		b.Fatal(err)
	}
	l := st.Log(fund)
	block := bytes.Repeat([]byte(`{"x":"`+strings.Repeat("y", 560)+"\"}\n"), 1000)
	for b.Loop() {
		if err := l.Append(b.Context(), proof.BlockOf(block)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
	start, n := time.Now(), 0
	for _, err := range st.Log(fund).Replay(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "read-events/s")
}
