package web

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"strconv"

	"fundledger/events"
	"fundledger/events/proof"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/live"
	"fundledger/projections/payees"
	"fundledger/projections/sheet"
)

// What a question about one event and about payees can be asked with.
var (
	ofEvent  = append([]string{"known_at", "wait"}, printing...)
	ofPaper  = []string{"known_at", "wait", "format", "lang"}
	ofPayees = append([]string{"fund", "payee", "limit", "as_of", "known_at"}, printing...)
)

// stored shows visit the events of a fund up to a cut, which their lines must come to, as [events.Event.Skim] reads them where it can. Nobody waits meanwhile. An
// event is valid until visit returns.
func (s *site) stored(ctx context.Context, fund events.Fund, at live.Cut, visit func(*events.Event)) error {
	return s.books.Events(ctx, fund, 0, 0, int(at.Seq), func(_ live.Cut, _ events.Seq, lines iter.Seq2[[]byte, error]) error {
		var tree proof.Tree
		var e events.Event
		for line, err := range lines {
			if err != nil {
				return err
			}
			tree.Append(proof.Leaf(line))
			if !e.Skim(line) {
				if e, err = events.ParseEvent(line); err != nil {
					return err
				}
			}
			visit(&e)
		}
		if tree.Root().String() != at.Root {
			return otherRoot(fund, at)
		}
		return nil
	})
}

// otherRoot says that the log is no longer the one that was answered from.
func otherRoot(fund events.Fund, at live.Cut) error {
	return &events.Error{Code: events.Tampered, Why: "root", Args: events.Args{"fund": string(fund), "seq": at.Seq.String()}}
}

// event answers with one event whole.
func (s *site) event(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, ofEvent)
	if err != nil {
		return err
	}
	at, err := s.cutOf(r.Context(), a)
	if err != nil {
		return said(err, lang)
	}
	tag := s.tag(at, "event", string(a.fund), a.number.String(), a.format, string(a.unit), string(a.lang))
	return answered(w, r, a, tag, func() (*sheet.Sheet, error) { return s.trail(r.Context(), a, at) })
}

// answered writes the answer of that tag, made only where the asker has it not.
func answered(w http.ResponseWriter, r *http.Request, a *ask, tag string, make func() (*sheet.Sheet, error)) error {
	var body bytes.Buffer
	same := has(r, tag)
	if !same {
		made, err := make()
		if err == nil {
			err = sheet.Write(&body, a.format, made, sheet.Options{Lang: a.lang, Unit: a.unit})
		}
		if err != nil {
			return said(err, a.lang)
		}
	}
	cached(w, r, tag, same, contentTypes[a.format], a.lang, body.Bytes())
	return nil
}

// cutOf is the cut of which one event is asked for, which it has.
func (s *site) cutOf(ctx context.Context, a *ask) (at live.Cut, err error) {
	err = s.books.Read(ctx, a.fund, a.wait, a.known, func(cut live.Cut, _ *projections.Book) error {
		at = cut
		return nil
	})
	if err == nil && a.number > at.Seq {
		args := events.Args{"field": "n", "value": a.number.String(), "last": at.Seq.String()}
		err = fault{&events.Error{Code: events.BadValue, Why: "beyond-end", Args: args}, http.StatusNotFound}
	}
	return at, notThere("known_at", err)
}

func (s *site) trail(ctx context.Context, a *ask, at live.Cut) (*sheet.Sheet, error) {
	trail, err := s.trailOf(ctx, a, at)
	if err != nil {
		return nil, err
	}
	return trail.Sheet(at.Root)
}

// trailOf is the trail of the event asked for.
func (s *site) trailOf(ctx context.Context, a *ask, at live.Cut) (trail *projections.Trail, err error) {
	err = s.books.Read(ctx, a.fund, 0, projections.MomentOf(at.Seq), func(_ live.Cut, b *projections.Book) error {
		trail, err = b.Trail(a.number)
		return err
	})
	return trail, err
}

// payees answers what each payee got. Where one fund cannot be read nothing is answered.
func (s *site) payees(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	a, err := read(r, lang, ofPayees)
	if err != nil {
		return err
	}
	cuts, tag, err := s.payeeCuts(r, a, a.format, string(a.unit))
	if err != nil {
		return said(err, lang)
	}
	return answered(w, r, a, tag, func() (*sheet.Sheet, error) { return s.payeeSheet(r.Context(), a, cuts) })
}

// A fundCut is a fund at a cut.
type fundCut struct {
	fund events.Fund
	at   live.Cut
}

// payeeCuts are the cuts that an answer about payees is made of, and its tag, in which shown says how it is shown.
func (s *site) payeeCuts(r *http.Request, a *ask, shown ...string) (cuts []fundCut, tag string, err error) {
	if a.known.Seq() != 0 && len(a.funds) != 1 {
		return nil, "", &events.Error{Code: events.BadValue, Why: "number-of-funds", Args: events.Args{"field": "known_at", "value": a.known.String()}}
	}
	funds := a.funds
	if funds == nil {
		if funds, err = s.books.Funds(r.Context()); err != nil {
			return nil, "", err
		}
	}
	day := ""
	if a.query.AsOf != nil {
		day = a.query.AsOf.String()
	}
	parts := append([]string{"payees", a.payee, strconv.Itoa(a.limit), day, string(a.lang)}, shown...)
	var early error
	for _, fund := range funds {
		err := s.books.Read(r.Context(), fund, 0, a.known, func(at live.Cut, _ *projections.Book) error {
			cuts = append(cuts, fundCut{fund, at})
			parts = append(parts, string(fund), at.Seq.String(), at.Root)
			return nil
		})
		_, none := unknownMoment(err) // nothing of it was known then
		switch {
		case none && a.known.Seq() == 0:
			early = err
		case err != nil:
			return nil, "", notThere("known_at", err)
		}
	}
	if len(cuts) == 0 && early != nil {
		return nil, "", notThere("known_at", early)
	}
	return cuts, s.tag(live.Cut{}, parts...), nil
}

// payeeSheet adds up what each payee got.
func (s *site) payeeSheet(ctx context.Context, a *ask, cuts []fundCut) (*sheet.Sheet, error) {
	select { // what such an answer is made of takes much room
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, &events.Error{Code: events.Unavailable, Why: "broker", Err: ctx.Err()}
	}
	all := payees.Payees{AsOf: a.query.AsOf}
	for _, c := range cuts {
		if err := s.addPayees(ctx, &all, c.fund, c.at); err != nil {
			return nil, err
		}
	}
	if a.payee != "" && !all.Has(a.payee) {
		return nil, fault{&events.Error{Code: events.BadValue, Why: "no-payee", Args: events.Args{"field": "payee", "value": clip(a.payee)}}, http.StatusNotFound}
	}
	return all.Sheet(payees.Query{Payee: a.payee, Limit: a.limit})
}

// addPayees adds a fund as known at a cut. The log is read for what its history does not tell, before the book is asked.
func (s *site) addPayees(ctx context.Context, all *payees.Payees, fund events.Fund, at live.Cut) error {
	facts := payees.Facts{}
	if err := s.stored(ctx, fund, at, facts.Note); err != nil {
		return err
	}
	return s.books.Read(ctx, fund, 0, projections.MomentOf(at.Seq), func(cut live.Cut, b *projections.Book) error {
		if cut.Root != at.Root {
			return otherRoot(fund, at)
		}
		return all.Add(payees.ViewOf(b.History(), facts), at.Root)
	})
}
