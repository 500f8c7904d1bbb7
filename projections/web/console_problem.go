package web

import (
	"errors"
	"net/http"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/live"
)

// Missing answers a browser that asks for a page that there is not, with one that says so and leads to those that there are.
func Missing(books *live.Books, version string) func(http.ResponseWriter, *http.Request, words.Language) error {
	s := &site{books: books, version: version}
	return func(w http.ResponseWriter, r *http.Request, lang words.Language) error {
		v := &view{site: s, r: r, Lang: lang, status: http.StatusNotFound}
		v.Problem = &mishap{Message: v.Say("problem.no-page", "path", clip(r.URL.Path)), Hint: v.Say("problem.no-page-hint")}
		v.showProblem()
		return v.write(w)
	}
}

// A wayOut is a page that there is, for who asked for one that there is not.
type wayOut struct{ Words, Href string }

// there are the pages that come nearest to the one asked for: the same without its parameters, the years of its fund, or else the funds.
func (v *view) there() (out []wayOut) {
	if v.r.URL.RawQuery != "" {
		out = append(out, wayOut{v.Say("problem.plain"), v.r.URL.Path})
	}
	if v.status == http.StatusServiceUnavailable {
		return out
	}
	ctx := v.r.Context()
	if fund, err := events.ParseFund(v.r.PathValue("fund")); err == nil {
		err := v.site.books.Read(ctx, fund, 0, projections.Moment{}, func(_ live.Cut, b *projections.Book) error {
			out = append(out, wayOut{string(fund), "/funds/" + string(fund)})
			for _, year := range b.History().Years() {
				out = append(out, wayOut{string(fund) + " " + year.String(), "/funds/" + string(fund) + "/years/" + year.String()})
			}
			return nil
		})
		if err == nil {
			return out
		}
	}
	out = append(out, wayOut{v.Say("nav.funds"), "/"})
	all, err := v.site.books.Funds(ctx)
	if err != nil { // the page says already what is wrong
		return out
	}
	for _, fund := range all[:min(len(all), 50)] {
		out = append(out, wayOut{string(fund), "/funds/" + string(fund)})
	}
	return out
}

// refuse makes a page of an error.
func (v *view) refuse(err error) {
	err = said(err, v.Lang)
	v.status = http.StatusUnprocessableEntity
	var own interface{ HTTPStatus() int }
	var e *events.Error
	switch {
	case errors.As(err, &own):
		v.status = own.HTTPStatus()
	case events.CodeOf(err) == events.Unavailable || events.CodeOf(err) == events.Busy:
		v.status = http.StatusServiceUnavailable
	case events.CodeOf(err) == events.Tampered:
		v.status = http.StatusInternalServerError
	}
	v.Problem = &mishap{Code: events.CodeOf(err), Message: err.Error()}
	if errors.As(err, &e) {
		f := FaultOf(e, v.Lang, v.asked)
		v.Problem.Message, v.Problem.Hint = f.Message, f.Hint
	}
	v.showProblem()
}

// showProblem makes the page one that says why there is nothing to show.
func (v *view) showProblem() {
	v.Main = v.there()
	if v.status == http.StatusNotFound { // what the page is about may be what there is not
		v.Fund, v.Year = "", 0
	}
	v.Title, v.Template, v.Live, v.Clocks, v.tag, v.same = v.Say("problem.title"), "problem", "", nil, "", false
	if v.status == http.StatusServiceUnavailable {
		v.Live = everyFund
	}
}
