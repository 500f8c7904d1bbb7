package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// An sse is the answer to a GET of server-sent events, as its bytes come in: the head, then the events, in chunks (RFC 9112, section 7.1) or as they are.
// Lines end with LF alone, as ours do. It is as small as it can be, since what is measured must not be the one who measures.
type sse struct {
	// take is given each event. Its data is valid until take returns.
	take func(event string, id uint64, data []byte) error

	part    part
	chunked bool
	left    int    // bytes of the chunk that are still to come
	rest    []byte // of a head, a size or an event that is not whole yet
	ready   bool   // the head came, and is good
}

// A part is where in its answer an sse is.
type part int

const (
	inHead part = iota
	inSize
	inChunk
	afterChunk
	inBody
)

var (
	headEnd  = []byte("\r\n\r\n")
	eventEnd = []byte("\n\n")
)

// errEnded says that the server has ended an answer.
var errEnded = errors.New("the server ended the answer")

// feed takes the next bytes of the answer.
func (s *sse) feed(p []byte) error {
	for len(p) > 0 {
		switch s.part {
		case inHead:
			s.rest = append(s.rest, p...)
			end := bytes.Index(s.rest, headEnd)
			if end < 0 {
				return nil
			}
			head, after := s.rest[:end], s.rest[end+len(headEnd):]
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
				return fmt.Errorf("the answer is %.400q", s.rest)
			}
			s.part, s.ready = inBody, true
			if s.chunked = bytes.Contains(bytes.ToLower(head), []byte("\r\ntransfer-encoding: chunked")); s.chunked {
				s.part = inSize
			}
			p, s.rest = after, nil
		case inSize:
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				s.left = hex(s.left, p)
				return nil
			}
			s.left, p = hex(s.left, p[:end]), p[end+1:]
			if s.part = inChunk; s.left == 0 {
				return errEnded
			}
		case inChunk:
			n := min(s.left, len(p))
			if err := s.events(p[:n]); err != nil {
				return err
			}
			p = p[n:]
			if s.left -= n; s.left == 0 {
				s.part = afterChunk
			}
		case afterChunk:
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				return nil
			}
			p, s.part = p[end+1:], inSize
		case inBody:
			return s.events(p)
		}
	}
	return nil
}

// hex goes on reading a chunk's size; its CR is no digit.
func hex(n int, digits []byte) int {
	for _, d := range digits {
		switch {
		case d >= '0' && d <= '9':
			n = n<<4 | int(d-'0')
		case d|' ' >= 'a' && d|' ' <= 'f':
			n = n<<4 | int(d|' '-'a'+10)
		}
	}
	return n
}

// events takes the next bytes of the events and hands on those that are whole.
func (s *sse) events(p []byte) error {
	if len(s.rest) > 0 {
		s.rest = append(s.rest, p...)
		p = s.rest
	}
	for {
		end := bytes.Index(p, eventEnd)
		if end < 0 {
			break
		}
		if err := s.event(p[:end+1]); err != nil {
			return err
		}
		p = p[end+len(eventEnd):]
	}
	if len(p) == 0 { // ten thousand who wait shall not each keep a room
		s.rest = nil
		return nil
	}
	s.rest = append(s.rest[:0], p...)
	return nil
}

// event hands on one. What has no data, such as a heartbeat, is none. Ours have all their data in one line.
func (s *sse) event(block []byte) (err error) {
	event, id, data := "message", uint64(0), []byte(nil)
	for len(block) > 0 {
		end := bytes.IndexByte(block, '\n')
		name, value, _ := bytes.Cut(block[:end], []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			event = string(value)
		case "id":
			if id, err = strconv.ParseUint(string(value), 10, 64); err != nil {
				return fmt.Errorf("an event has the id %.40q", value)
			}
		case "data":
			if data != nil {
				return fmt.Errorf("event %d has more than one line of data", id)
			}
			data = value
		}
		block = block[end+1:]
	}
	if data == nil {
		return nil
	}
	return s.take(event, id, data)
}

// A subscriber is what a NATS server sends to one that listens to one subject, as its bytes come in.
type subscriber struct {
	take func(message []byte) error
	// pong answers a ping.
	pong func() error

	rest  []byte
	ready bool // the server knows of the subscription
}

func (s *subscriber) feed(p []byte) error {
	if len(s.rest) > 0 {
		s.rest = append(s.rest, p...)
		p = s.rest
	}
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			break
		}
		line, after := bytes.TrimSuffix(p[:end], []byte("\r")), p[end+1:]
		switch {
		case bytes.HasPrefix(line, []byte("MSG ")): // its subject, the subscription's number, the bytes that follow
			size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
			if err != nil {
				return fmt.Errorf("the broker says %.100q", line)
			}
			if len(after) < size+2 {
				s.rest = append(s.rest[:0], p...)
				return nil
			}
			if err := s.take(after[:size]); err != nil {
				return err
			}
			after = after[size+2:]
		case string(line) == "PONG":
			s.ready = true
		case string(line) == "PING":
			if err := s.pong(); err != nil {
				return err
			}
		case bytes.HasPrefix(line, []byte("-ERR")):
			return fmt.Errorf("the broker says %.100q", line)
		}
		p = after
	}
	s.rest = append(s.rest[:0], p...)
	return nil
}
