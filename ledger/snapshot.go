package ledger

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"time"

	"fundledger/events"
)

// A snapshot is a state as it is written down: what can be large flat, so that a million events are back in a fraction of a second.
type snapshot struct {
	Program  string // that wrote it; another one may fold in another way
	Fund     events.Fund
	Currency string
	Decimals int
	Zone     string
	Last     events.Seq
	LastTime time.Time
	Years    []snapshotYear
	Kinds    []byte
	Secret   secret
	IDs      []byte // tables
	Vouchers []byte
	Bare     []byte
	Uses     []events.Seq // in pairs
	Matches  []events.Seq // in pairs
	Fates    []snapshotFate
}

type snapshotYear struct {
	Year             events.Year
	Opened           events.Seq
	From, To         events.Day
	Budgeted, Closed bool
	Lines            []snapshotLine // parents first; the root is the first
	Lots             []snapshotLot
	Originals        []snapshotOriginal
	Months           []closing
}

type snapshotLine struct {
	Code, Parent                events.Line
	Own, Free, Below, BelowFree events.Totals
}

type snapshotLot struct {
	Name       string
	Line       events.Line
	Totals     events.Totals
	From       events.Year
	Expires    events.Day
	Carriers   int
	SourceYear events.Year
	SourceName string
}

type snapshotOriginal struct {
	Line events.Line
	Dims string
	Seq  events.Seq
}

type snapshotFate struct {
	Seq, Reversal        events.Seq
	Dependents           []events.Seq
	Left, Used, Withheld events.Minor
	Pieces               []snapshotPiece
	Words                []byte // events.Amendment as JSON, which tells no word from an empty one
}

type snapshotPiece struct {
	Line                                      events.Line
	Dims                                      events.Dims
	Disbursed, Returned, Recovered, Confirmed events.Minor
}

// program names what a snapshot depends on besides the log: the form above, and the program.
var program = "4 " + events.Program

var errOtherSnapshot = errors.New("ledger: a snapshot of another program or fund")

// snapshot writes the state down. What is at hand is no part of it.
func (s *state) snapshot() []byte {
	out := snapshot{
		Program: program, Fund: s.fund, Currency: s.currency, Decimals: s.decimals, Last: s.last, LastTime: s.lastTime, Kinds: s.kinds, Secret: s.secret,
		IDs: s.ids.flat(), Vouchers: s.vouchers.flat(), Bare: s.bare.flat(),
	}
	if s.zone != nil {
		out.Zone = s.zone.String()
	}
	for pay, commitment := range s.uses {
		out.Uses = append(out.Uses, pay, commitment)
	}
	for n, match := range s.matches {
		out.Matches = append(out.Matches, n, match)
	}
	for _, y := range s.years {
		out.Years = append(out.Years, y.snapshot())
	}
	for n, f := range s.fates {
		to := snapshotFate{Seq: n, Reversal: f.reversal, Dependents: f.dependents, Left: f.left, Used: f.used, Withheld: f.withheld}
		for _, pc := range f.pieces {
			to.Pieces = append(to.Pieces, snapshotPiece{pc.line, pc.dims, pc.disbursed, pc.returned, pc.recovered, pc.confirmed})
		}
		if f.words != nil {
			to.Words, _ = json.Marshal(f.words) // texts alone
		}
		out.Fates = append(out.Fates, to)
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(&out); err != nil {
		panic("ledger: " + err.Error()) // a type that gob cannot write is a defect
	}
	return b.Bytes()
}

func (y *year) snapshot() snapshotYear {
	out := snapshotYear{Year: y.year, Opened: y.opened, From: y.from, To: y.to, Budgeted: y.budgeted, Closed: y.closed, Months: y.months}
	below := map[*line][]*line{}
	for _, l := range y.lines {
		below[l.parent] = append(below[l.parent], l)
	}
	for queue := below[nil]; len(queue) > 0; queue = append(queue[1:], below[queue[0]]...) {
		l := queue[0]
		to := snapshotLine{Code: l.code, Own: l.own, Free: l.free, Below: l.below, BelowFree: l.belowFree}
		if l.parent != nil {
			to.Parent = l.parent.code
		}
		out.Lines = append(out.Lines, to)
	}
	for _, l := range y.lots {
		out.Lots = append(out.Lots, snapshotLot{l.name, l.line.code, l.totals, l.from, l.expires, l.carriers, l.source.year, l.source.name})
	}
	for k, n := range y.originals {
		out.Originals = append(out.Originals, snapshotOriginal{k.line, k.dims, n})
	}
	return out
}

// restore reads what snapshot wrote.
func restore(fund events.Fund, data []byte) (*state, error) {
	var in snapshot
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&in); err != nil {
		return nil, err
	}
	if in.Program != program || in.Fund != fund || events.Seq(len(in.Kinds)) != in.Last {
		return nil, errOtherSnapshot
	}
	s := newState(fund)
	s.currency, s.decimals, s.last, s.lastTime, s.kinds, s.secret = in.Currency, in.Decimals, in.Last, in.LastTime, in.Kinds, in.Secret
	var err error
	if in.Zone != "" {
		if s.zone, err = time.LoadLocation(in.Zone); err != nil {
			return nil, err
		}
	}
	if !s.ids.unflat(in.IDs) || !s.vouchers.unflat(in.Vouchers) || !s.bare.unflat(in.Bare) {
		return nil, errOtherSnapshot
	}
	for i := 0; i+1 < len(in.Uses); i += 2 {
		s.uses[in.Uses[i]] = in.Uses[i+1]
	}
	for i := 0; i+1 < len(in.Matches); i += 2 {
		s.matches[in.Matches[i]] = in.Matches[i+1]
	}
	for i := range in.Years {
		y, err := restoreYear(&in.Years[i])
		if err != nil {
			return nil, err
		}
		s.years[y.year] = y
	}
	s.fates = make(map[events.Seq]*fate, len(in.Fates))
	for _, f := range in.Fates {
		to := &fate{reversal: f.Reversal, dependents: f.Dependents, left: f.Left, used: f.Used, withheld: f.Withheld}
		for _, pc := range f.Pieces {
			to.pieces = append(to.pieces, piece{pc.Line, pc.Dims, pc.Disbursed, pc.Returned, pc.Recovered, pc.Confirmed})
		}
		if f.Words != nil {
			to.words = &events.Amendment{}
			if err := json.Unmarshal(f.Words, to.words); err != nil {
				return nil, err
			}
		}
		s.fates[f.Seq] = to
	}
	return s, nil
}

func restoreYear(in *snapshotYear) (*year, error) {
	y := &year{
		year: in.Year, opened: in.Opened, from: in.From, to: in.To, budgeted: in.Budgeted, closed: in.Closed,
		lines: map[events.Line]*line{}, lots: map[string]*lot{}, originals: map[lineDims]events.Seq{}, months: in.Months,
	}
	for i, l := range in.Lines {
		to := &line{code: l.Code, sums: sums{own: l.Own, free: l.Free, below: l.Below, belowFree: l.BelowFree}}
		if i == 0 {
			y.root = to
		} else if to.parent = y.lines[l.Parent]; to.parent == nil {
			return nil, errOtherSnapshot
		} else {
			to.parent.children++
		}
		y.lines[l.Code] = to
	}
	for _, l := range in.Lots {
		y.lots[l.Name] = &lot{l.Name, y.lines[l.Line], l.Totals, l.From, l.Expires, l.Carriers, lotSource{l.SourceYear, l.SourceName}}
	}
	for _, o := range in.Originals {
		y.originals[lineDims{o.Line, o.Dims}] = o.Seq
	}
	if y.root == nil {
		return nil, errOtherSnapshot
	}
	return y, nil
}
