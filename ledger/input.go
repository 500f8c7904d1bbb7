package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"strconv"

	"fundledger/events"
)

// An Input is one command as it came in.
type Input struct {
	// Number is the line of the input, from 1, blank lines counted.
	Number int
	// ID is the command's, or the one made for it; "" where the command could not be read at all.
	ID events.ID
	// Command is not nil, even where it could not be read. It must not be changed afterwards.
	Command *events.Command
	// Err says why there is no command.
	Err error
}

// Size is about how many bytes the input takes on a wire.
func (in *Input) Size() int { return len(in.Command.Raw) + len(in.ID) + 32 }

// maxInput is how long a line of input can be and still be looked at. It is above what an event can hold, so that the refusal comes from the codec.
const maxInput = 2 * events.MaxLine

// ReadInputs reads commands from JSON Lines: one object a line, UTF-8; blank lines and a byte order mark are skipped. A command without an id gets
// one made from its content and its place among the equal commands of this input. The error, the last element, is the reader's own.
func ReadInputs(r io.Reader) iter.Seq2[Input, error] {
	return func(yield func(Input, error) bool) {
		n := Numberer{}
		b := bufio.NewReaderSize(r, 256<<10)
		for number := 1; ; number++ {
			line, size, err := readLine(b)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Input{Number: number}, err)
				return
			}
			if number == 1 {
				line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			}
			if len(bytes.TrimSpace(line)) > 0 {
				in := Input{Number: number}
				if size > maxInput && bytes.TrimLeft(line, " \t")[0] != '{' {
					in.Command, in.Err = events.NoCommand(), &events.Error{Code: events.Malformed, Why: "object", Args: events.Args{"value": clip(line)}}
				} else if size > maxInput {
					in.Command, in.Err = events.NoCommand(), refusal(events.TooLarge, events.Args{"size": strconv.Itoa(size), "limit": strconv.Itoa(events.MaxLine)})
				} else {
					in = n.Input(line)
					in.Number = number
				}
				if !yield(in, nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// readLine reads one line of any length without its LF and returns at most maxInput bytes of it, with its true size.
func readLine(b *bufio.Reader) (line []byte, size int, err error) {
	for {
		part, err := b.ReadSlice('\n')
		size += len(part)
		if len(line) <= maxInput {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimSuffix(line, []byte("\n")), size, err
	}
}

// A Numberer makes the ids of commands that have none. The zero Numberer is at the beginning of an input.
type Numberer struct {
	seen map[[sha256.Size]byte]int
	room []events.Command // for the next commands
	made int
}

// command returns room for a command. Many have theirs together.
func (n *Numberer) command() *events.Command {
	if len(n.room) == 0 {
		n.room = make([]events.Command, max(1, min(n.made, 64)))
	}
	c := &n.room[0]
	n.room = n.room[1:]
	n.made++
	return c
}

// Input parses one command and gives it its id; also one that is refused, so that its receipt names it.
func (n *Numberer) Input(raw []byte) Input {
	c := n.command()
	err := c.Read(raw)
	in := Input{ID: c.ID, Command: c, Err: err}
	if c.ID != "" || events.CodeOf(err) == events.Malformed {
		return in
	}
	canon, keyErr := events.Canonical(c.Raw)
	if keyErr != nil {
		in.Err = keyErr
		return in
	}
	if n.seen == nil {
		n.seen = map[[sha256.Size]byte]int{}
	}
	sum := sha256.Sum256(canon)
	n.seen[sum]++
	if in.ID, keyErr = events.Key(canon, n.seen[sum]); in.Err == nil {
		in.Err = keyErr
	}
	return in
}
