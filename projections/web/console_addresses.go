package web

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
)

// carried are the parameters that go along when somebody follows a link: how it is shown, and both clocks.
var carried = []string{"as_of", "known_at", "basis", "unit", "lang"}

// To is the address of a page that goes along with this one: with the same clocks, unit and language where the page there takes them. set has names and values that
// are to be others; an empty value leaves that out.
func (v *view) To(path string, set ...string) string {
	takes := takesOf(path)
	if len(set) > 0 {
		return address(path, v.along(takes, set))
	}
	// A table of two thousand lines has as many links.
	of := strings.Join(takes, " ")
	going, ok := v.going[of]
	if !ok {
		if v.going == nil {
			v.going = map[string]string{}
		}
		going = address("", v.along(takes, nil))
		v.going[of] = going
	}
	return path + going
}

// along are the parameters that go along.
func (v *view) along(takes, set []string) url.Values {
	query, here := url.Values{}, v.r.URL.Query()
	for _, name := range carried {
		if value := here.Get(name); value != "" && slices.Contains(takes, name) {
			query.Set(name, value)
		}
	}
	for i := 0; i+1 < len(set); i += 2 {
		if query.Del(set[i]); set[i+1] != "" {
			query.Set(set[i], set[i+1])
		}
	}
	return query
}

// Here is the address of this page with other values of some parameters; an empty one leaves that out.
func (v *view) Here(set ...string) string {
	query := v.r.URL.Query()
	for i := 0; i+1 < len(set); i += 2 {
		if query.Del(set[i]); set[i+1] != "" {
			query.Set(set[i], set[i+1])
		}
	}
	return address(v.r.URL.Path, query)
}

func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// takesOf lists which of the carried parameters the page of an address takes.
func takesOf(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/" || path == "/payees":
		return []string{"as_of", "known_at", "unit", "lang"}
	case len(parts) == 5 && parts[4] == "reconciliation": // money is counted there whatever its basis
		return []string{"as_of", "known_at", "unit", "lang"}
	case len(parts) >= 4 && parts[2] == "years":
		return carried
	case len(parts) == 3 && parts[2] == "diff":
		return []string{"unit", "lang"}
	default: // of a fund and not of a year
		return []string{"known_at", "unit", "lang"}
	}
}

// YearPath is the path of a year's page, and of one of its views.
func (v *view) YearPath(year events.Year, view string) string {
	p := "/funds/" + string(v.Fund) + "/years/" + year.String()
	if view != "" {
		p += "/" + view
	}
	return p
}

// FundPath is the path of the fund's page, or below it.
func (v *view) FundPath(below string) string {
	return strings.TrimSuffix("/funds/"+string(v.Fund)+"/"+below, "/")
}

// Export is the address of the page's data under /v1 in a format, "" where there is none.
func (v *view) Export(format string) string {
	p := v.r.URL.Path
	switch parts := strings.Split(strings.Trim(p, "/"), "/"); {
	case p == "/":
		p = "/v1/funds"
	case p == "/payees":
		p = "/v1/payees"
	case len(parts) == 4 && parts[2] == "years":
		p = "/v1" + p + "/tables/execution"
	case len(parts) == 5 && parts[4] == "charts":
		p = "/v1/funds/" + parts[1] + "/years/" + parts[3] + "/tables/execution"
	case len(parts) == 5 && parts[2] == "years" && slices.Contains(projections.Tables, parts[4]):
		p = "/v1/funds/" + parts[1] + "/years/" + parts[3] + "/tables/" + parts[4]
	case len(parts) == 5 && parts[2] == "years":
		p = "/v1" + p
	case len(parts) == 6 && parts[4] == "lines":
		p = "/v1" + p + "/statement"
	case len(parts) == 4 && parts[2] == "events", len(parts) == 3 && parts[2] == "diff":
		p = "/v1" + p
	default:
		return ""
	}
	query := v.r.URL.Query()
	query.Set("format", format)
	query.Set("lang", string(v.Lang))
	if v.Fund != "" && v.At.Seq > 0 {
		query.Set(v.pin(), v.At.Seq.String())
	}
	if v.pin() == "to" {
		query.Set("from", v.a.from.String())
	}
	if payee := query.Get("payee"); payee != "" && v.Fund != "" {
		query.Del("payee")
		query.Add("where", history.ByPayee+"="+payee)
	}
	return address(p, query)
}

// Formats lists those that a page's data can be had in.
func (v *view) Formats() []string { return []string{"xlsx", "csv", "html", "md", "json", "text"} }

// Address is the page's whole address, with the moment that it shows, so that who opens it sees the same.
func (v *view) Address() string {
	set := []string{"lang", string(v.Lang)}
	if v.Fund != "" {
		set = append(set, v.pin(), v.At.Seq.String())
	}
	return v.origin() + v.Here(set...)
}

// origin is how the addresses of the server begin.
func (v *view) origin() string {
	if v.r.TLS != nil {
		return "https://" + v.r.Host
	}
	return "http://" + v.r.Host
}

// Newest is the page's whole address without a moment, so that who opens it sees what is known then; "" where the page is of no moment anyway.
func (v *view) Newest() string {
	if v.Fund == "" {
		return ""
	}
	return v.origin() + v.Here(v.pin(), "")
}

// A kept parameter goes along with a form.
type kept struct{ Name, Value string }

// Kept are the parameters of the page's address that a form has no fields for.
func (v *view) Kept(fields ...string) (out []kept) {
	query := v.r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			if !slices.Contains(fields, name) {
				out = append(out, kept{name, value})
			}
		}
	}
	return out
}
