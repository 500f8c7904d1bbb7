package ledger

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	"fundledger/events"
)

// dump writes everything that a state holds, so that two states can be compared. It finds fields by itself: one that is added is compared.
func dump(s *state) string {
	var b strings.Builder
	seen := map[unsafe.Pointer]int{}
	dumpValue(&b, reflect.ValueOf(s).Elem(), seen)
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value, seen map[unsafe.Pointer]int) {
	if v.CanAddr() {
		switch p := unsafe.Pointer(v.UnsafeAddr()); v.Type() {
		case reflect.TypeFor[time.Time]():
			fmt.Fprint(b, (*time.Time)(p).UTC().Format(time.RFC3339Nano))
			return
		case reflect.TypeFor[*time.Location]():
			fmt.Fprint(b, *(**time.Location)(p))
			return
		case reflect.TypeFor[table]():
			fmt.Fprint(b, maps.Collect((*table)(p).all())) // sorted
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		p := v.UnsafePointer()
		if n, ok := seen[p]; ok { // a line's parent, or what two names lead to
			fmt.Fprintf(b, "#%d", n)
			return
		}
		seen[p] = len(seen)
		dumpValue(b, v.Elem(), seen)
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "undo" && name != "recording" && name != "atHand" && name != "asked" && name != "made" {
				fmt.Fprintf(b, "%s:", name)
				dumpValue(b, v.Field(i), seen)
				b.WriteByte(' ')
			}
		}
		b.WriteByte('}')
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			dumpValue(b, v.Index(i), seen)
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	case reflect.Map:
		type pair struct {
			key   string
			value reflect.Value
		}
		var pairs []pair
		for _, k := range v.MapKeys() {
			var kb strings.Builder
			dumpValue(&kb, k, map[unsafe.Pointer]int{})
			pairs = append(pairs, pair{kb.String(), v.MapIndex(k)})
		}
		slices.SortFunc(pairs, func(p, q pair) int { return strings.Compare(p.key, q.key) })
		b.WriteString("map[")
		for _, p := range pairs {
			fmt.Fprintf(b, "%s=", p.key)
			dumpValue(b, p.value, seen)
			b.WriteByte('\n')
		}
		b.WriteByte(']')
	default:
		fmt.Fprintf(b, "%v", v)
	}
}

// apply folds an event in and keeps it at hand, for those who have no log from which it could be fetched.
func (s *state) apply(e *events.Event) error {
	if err := s.fold(e); err != nil {
		return err
	}
	kept := *e
	kept.Postings = slices.Clone(e.Postings)
	s.hold(&kept)
	return nil
}
