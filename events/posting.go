package events

// A Measure is something that is counted for each line of each year. An event changes measures by its postings; nothing else does.
type Measure string

// The measures that are posted.
const (
	Original      Measure = "original"
	Supplementary Measure = "supplementary"
	ReallocatedM  Measure = "reallocated"
	CarriedInM    Measure = "carried_in"
	AllottedM     Measure = "allotted"
	DisbursedM    Measure = "disbursed"
	ReturnedM     Measure = "returned"
	LapsedM       Measure = "lapsed"
	CarriedOutM   Measure = "carried_out"
	CommittedM    Measure = "committed"
	ConfirmedM    Measure = "confirmed"
	RecoveredM    Measure = "recovered"
	SuspenseM     Measure = "suspense"
)

// The measures that are derived from those and never stored.
const (
	AdjustedM  Measure = "adjusted"
	SpentM     Measure = "spent"
	AvailableM Measure = "available"
	InTransitM Measure = "in_transit"
	RateM      Measure = "rate"
)

// Measures lists the posted measures.
var Measures = []Measure{
	Original, Supplementary, ReallocatedM, CarriedInM, AllottedM, DisbursedM, ReturnedM, CommittedM, LapsedM, CarriedOutM, ConfirmedM,
	RecoveredM, SuspenseM,
}

// Derived lists the derived measures.
var Derived = []Measure{AdjustedM, SpentM, AvailableM, InTransitM, RateM}

// A Posting is what an event does to one measure of one line. Postings are computed once, when the event is decided, and stored in it.
type Posting struct {
	Year    Year
	Line    Line
	Measure Measure
	Amount  Minor // signed, in the fund's smallest unit
	Date    Date  // as exact as the paper
	Counts  Day   // the day from which it counts
	Lot     string
	Channel Channel
	Basis   Basis
	Dims    Dims
	// OfYear and OfLine are the year and line whose spending a recovery gives back; only on recovered.
	OfYear Year
	OfLine Line
}

// Totals is what postings add up to. The zero Totals is empty. Adding is the only way in which a total comes about, on the write side and on
// the read side alike.
type Totals struct {
	Original, Supplementary, Reallocated, CarriedIn, Allotted, Disbursed, Returned, Committed, Lapsed, CarriedOut, Confirmed, Recovered,
	Suspense Minor
}

// Of returns the place of a posted measure, or nil for any other.
func (t *Totals) Of(m Measure) *Minor {
	switch m {
	case Original:
		return &t.Original
	case Supplementary:
		return &t.Supplementary
	case ReallocatedM:
		return &t.Reallocated
	case CarriedInM:
		return &t.CarriedIn
	case AllottedM:
		return &t.Allotted
	case DisbursedM:
		return &t.Disbursed
	case ReturnedM:
		return &t.Returned
	case CommittedM:
		return &t.Committed
	case LapsedM:
		return &t.Lapsed
	case CarriedOutM:
		return &t.CarriedOut
	case ConfirmedM:
		return &t.Confirmed
	case RecoveredM:
		return &t.Recovered
	case SuspenseM:
		return &t.Suspense
	}
	return nil
}

// Add adds a to measure m. It is an [Overflow], and t is unchanged, when the measure or a figure derived from it would leave int64; a measure
// that is not posted is a [BadValue].
func (t *Totals) Add(m Measure, a Minor) error {
	next := *t
	p := next.Of(m)
	if p == nil {
		return badValue("measure-form", string(m))
	}
	var ok bool
	if *p, ok = p.Add(a); !ok || !next.fits() {
		return &Error{Code: Overflow, Args: Args{"measure": string(m)}}
	}
	*t = next
	return nil
}

// Plus adds every measure of u to t, with the same error as [Totals.Add].
func (t *Totals) Plus(u Totals) error {
	for _, m := range Measures {
		if a := *u.Of(m); a != 0 {
			if err := t.Add(m, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits reports whether every derived figure stays in int64.
func (t Totals) fits() bool {
	adjusted, ok := sum(t.Original, t.Supplementary, t.Reallocated, t.CarriedIn)
	if !ok {
		return false
	}
	spent, ok := less(t.Disbursed, t.Returned)
	if !ok {
		return false
	}
	_, ok = less(adjusted, spent, t.Committed, t.Lapsed, t.CarriedOut)
	return ok
}

func sum(ms ...Minor) (total Minor, ok bool) {
	for _, m := range ms {
		if total, ok = total.Add(m); !ok {
			return 0, false
		}
	}
	return total, true
}

// less takes ms from total. It never negates one, since the least int64 has no negative.
func less(total Minor, ms ...Minor) (Minor, bool) {
	for _, m := range ms {
		d := total - m
		if (d < total) != (m > 0) {
			return 0, false
		}
		total = d
	}
	return total, true
}

// Adjusted is original + supplementary + reallocated + carried in.
func (t Totals) Adjusted() Minor { return t.Original + t.Supplementary + t.Reallocated + t.CarriedIn }

// Spent is disbursed − returned.
func (t Totals) Spent() Minor { return t.Disbursed - t.Returned }

// Available is adjusted − spent − committed − lapsed − carried out. Over postings without a lot it is the free money of a line; over those of
// one lot, what is left of the lot.
func (t Totals) Available() Minor {
	return t.Adjusted() - t.Spent() - t.Committed - t.Lapsed - t.CarriedOut
}

// IsZero reports whether no posted measure is other than zero.
func (t Totals) IsZero() bool { return t == Totals{} }
