package document

import (
	"encoding/base64"
	"strings"

	"fundledger/events"
	"fundledger/events/proof"

	"github.com/boombuler/barcode/qr"
)

// A Code is what the QR code of a paper holds, in one line:
//
//	fundledger:cd-gx/17?leaf=<base64url>&root=<base64url>
//
// the fund, the event's number, the hash of its leaf, and the root of the log's tree when that event was its last (RFC 6962, 32 bytes each). Both are base64url without
// padding (RFC 4648, section 5), so that nothing in the line has to be escaped. Whoever has the log, or only a proof against a root that they trust, can tell
// whether the paper is of an event in it: the leaf must be that of event 17, and the root that over the first 17 events.
type Code struct {
	Fund events.Fund
	Seq  events.Seq
	Leaf proof.Hash
	Root proof.Hash
}

const scheme = "fundledger:"

func (c Code) String() string {
	b64 := base64.RawURLEncoding.EncodeToString
	return scheme + string(c.Fund) + "/" + c.Seq.String() + "?leaf=" + b64(c.Leaf[:]) + "&root=" + b64(c.Root[:])
}

// ParseCode reads the line of a QR code; only what [Code.String] writes is one. Anything else is a [events.BadValue] of the reason code.
func ParseCode(s string) (c Code, err error) {
	bad := &events.Error{Code: events.BadValue, Why: "code", Args: events.Args{"field": "code", "value": s}}
	rest, ok := strings.CutPrefix(s, scheme)
	path, query, ok2 := strings.Cut(rest, "?leaf=")
	fund, seq, ok3 := strings.Cut(path, "/")
	leaf, root, ok4 := strings.Cut(query, "&root=")
	if !ok || !ok2 || !ok3 || !ok4 {
		return c, bad
	}
	if c.Fund, err = events.ParseFund(fund); err != nil {
		return Code{}, bad
	}
	if c.Seq, err = events.ParseSeq(seq); err != nil {
		return Code{}, bad
	}
	for _, part := range []struct {
		text string
		to   *proof.Hash
	}{{leaf, &c.Leaf}, {root, &c.Root}} {
		hash, err := base64.RawURLEncoding.Strict().DecodeString(part.text)
		if err != nil || len(hash) != len(part.to) {
			return Code{}, bad
		}
		copy(part.to[:], hash)
	}
	if c.String() != s {
		return Code{}, bad
	}
	return c, nil
}

// quiet is how many modules about a QR code stay white (ISO/IEC 18004).
const quiet = 4

// modules are the squares of a text's QR code, true where black, with the quiet zone. Correction M survives a stamp across a seventh of it.
func modules(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, err
	}
	size := code.Bounds().Dx()
	out := make([][]bool, size+2*quiet)
	for y := range out {
		out[y] = make([]bool, size+2*quiet)
		for x := range out[y] {
			if x >= quiet && y >= quiet && x < size+quiet && y < size+quiet {
				r, _, _, _ := code.At(x-quiet, y-quiet).RGBA()
				out[y][x] = r == 0
			}
		}
	}
	return out, nil
}
