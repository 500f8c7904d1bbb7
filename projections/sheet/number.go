package sheet

import (
	"fmt"
	"strconv"

	"fundledger/events"
	"fundledger/events/words"

	"github.com/shopspring/decimal"
)

// A Unit is what the amounts of text and CSV are counted in. JSON has the currency's own unit always.
type Unit string

// The units: of the currency, of ten thousand of them (万) with two decimals, of a hundred million (亿) with four.
const (
	Yuan Unit = "yuan"
	Wan  Unit = "wan"
	Yi   Unit = "yi"
)

// Units lists them.
var Units = []Unit{Yuan, Wan, Yi}

// printed returns an amount in the unit, as a whole number of the last decimal that is printed, and how many decimals those are.
func (u Unit) printed(m events.Minor, decimals int) (n int64, places int) {
	shift, places := 0, decimals
	switch u {
	case Wan:
		shift, places = 4, 2
	case Yi:
		shift, places = 8, 4
	}
	by := shift + decimals - places // digits that fall away; never negative, since a currency has at most four decimals and wan drops four
	if by <= 0 {
		return int64(m) * pow10(-by), places
	}
	step := pow10(by)
	n, rest := int64(m)/step, int64(m)%step
	switch {
	case rest >= step-rest:
		n++
	case rest < 0 && -rest >= step+rest:
		n--
	}
	return n, places
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// Format returns an amount as people read it in the unit, in groups of three digits.
func (u Unit) Format(m events.Minor, decimals int) string { return words.Money(u.format(m, decimals)) }

func (u Unit) format(m events.Minor, decimals int) string {
	n, places := u.printed(m, decimals)
	return events.Minor(n).Format(places)
}

// Share returns part in percent of whole with two decimals, half up, a negative one away from zero; "" where whole is zero or less. The division
// is exact: both are whole numbers of the same smallest unit.
func Share(part, whole events.Minor) string {
	if whole <= 0 {
		return ""
	}
	return decimal.New(int64(part), 2).DivRound(decimal.New(int64(whole), 0), 2).StringFixed(2)
}

// Ahead returns how many percentage points part in percent of whole is above n in percent of all, rounded as [Share] is but once, from the exact difference;
// "" where whole or all is zero or less.
func Ahead(part, whole events.Minor, n, all int64) string {
	if whole <= 0 || all <= 0 {
		return ""
	}
	w, a := decimal.New(int64(whole), 0), decimal.New(all, 0)
	difference := decimal.New(int64(part), 2).Mul(a).Sub(decimal.New(n, 2).Mul(w))
	return difference.DivRound(w.Mul(a), 2).StringFixed(2)
}

// Part returns n of all parts of an amount, half up, a negative one away from zero. n is 0 to all, and all more than zero.
func Part(whole events.Minor, n, all int64) events.Minor {
	return events.Minor(decimal.New(int64(whole), 0).Mul(decimal.New(n, 0)).DivRound(decimal.New(all, 0), 0).IntPart())
}

// ranges writes ascending numbers with runs drawn together: 1-3 7.
func ranges(seqs []events.Seq, most int) string {
	s, runs := "", 0
	for i := 0; i < len(seqs); {
		j := i
		for j+1 < len(seqs) && seqs[j+1] == seqs[j]+1 {
			j++
		}
		if runs == most {
			return s + fmt.Sprintf(" … (%d)", len(seqs))
		}
		if s != "" {
			s += " "
		}
		s += strconv.FormatUint(uint64(seqs[i]), 10)
		if j > i {
			s += "-" + strconv.FormatUint(uint64(seqs[j]), 10)
		}
		i, runs = j+1, runs+1
	}
	return s
}
