package web

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"fundledger/events"
	"fundledger/projections"
	"fundledger/projections/history"
	"fundledger/projections/progress"
)

// A control is a field by which a page is asked for otherwise. It is sent as a plain form, which asks for the page by its address.
type control struct {
	Name, Label, Value string
	// Type is that of an input; "select" has Choices.
	Type    string
	Choices []option
	// Hint is what may stand there.
	Hint string
	// Checked is of a checkbox.
	Checked bool
}

type option struct {
	Value, Words string
	Chosen       bool
}

// A narrowing is a condition that can be taken back.
type narrowing struct{ Words, Href string }

// taken refuses what the page has no use for: misspelt, it would be taken for the whole.
func (v *view) taken(takes []string) error {
	for name, values := range v.r.URL.Query() {
		if !slices.Contains(takes, name) {
			fields := slices.Compact(slices.Sorted(slices.Values(takes)))
			return &events.Error{Code: events.UnknownField, Args: events.Args{"field": clip(name), "value": clip(strings.Join(values, " ")), "fields": strings.Join(fields, " ")}}
		}
	}
	return nil
}

// choose makes a field of choices, with none of them as the first where none is a choice too.
func (v *view) choose(name, none, chosen string, all []string, called func(string) string) {
	c := control{Name: name, Label: v.Say("control." + name), Type: "select"}
	if none != "" {
		c.Choices = append(c.Choices, option{"", v.Say(none), chosen == ""})
	}
	for _, value := range all {
		c.Choices = append(c.Choices, option{value, called(value), value == chosen})
	}
	v.Controls = append(v.Controls, c)
}

// controls makes the fields of a view of a year that takes these parameters.
func (v *view) controls(b *projections.Book, y *history.Year, takes []string) error {
	h, a := b.History(), v.a
	dims := h.Dimensions(y.Year)
	for _, name := range takes {
		switch name {
		case "by":
			v.choose(name, "control.by-none", a.query.By, dims, v.dimension)
		case "denominator":
			v.choose(name, "", string(a.query.Denominator), plain([]history.Denominator{history.OverAdjusted, history.OverOriginal, history.OverNet, history.OverCurrent}), func(d string) string {
				return v.Say("denominator." + d)
			})
		case "threshold":
			v.Controls = append(v.Controls, control{Name: name, Label: v.Say("control.threshold"), Type: "number", Value: v.r.URL.Query().Get(name), Hint: "10"})
		case "month":
			var months []string
			for _, m := range progress.Months(h, y) {
				months = append(months, m.Date.String())
			}
			v.choose(name, "control.month-none", v.r.URL.Query().Get(name), months, func(m string) string { return m })
		case "after_close":
			v.Controls = append(v.Controls, control{Name: name, Label: v.Say("control.after_close"), Type: "checkbox", Value: "true", Checked: a.afterClose})
		case "payee":
			v.Controls = append(v.Controls, control{Name: name, Label: v.Say("control.payee"), Type: "search", Value: a.payee})
		case "where":
			if err := v.narrow(h, y, dims); err != nil {
				return err
			}
		}
	}
	v.choose("basis", "control.basis-none", string(a.query.Basis), plain(events.Bases), func(basis string) string { return v.Word("basis." + basis) })
	return nil
}

// valuesMost is how many values of a dimension are offered.
const valuesMost = 40

// narrow offers the values that the year's postings have in its dimensions but the payee, and how to take back what is asked for.
func (v *view) narrow(h *history.History, y *history.Year, dims []string) error {
	c := control{Name: "where", Label: v.Say("control.where"), Type: "select", Choices: []option{{"", v.Say("control.where-none"), true}}}
	for _, dim := range dims {
		if dim == history.ByPayee || dim == history.ByBasis {
			continue
		}
		values, err := h.Values(history.Query{Year: y.Year, By: dim})
		if err != nil {
			return err
		}
		for _, value := range values[:min(len(values), valuesMost)] {
			if where := dim + "=" + value; value != "" && !slices.Contains(v.r.URL.Query()["where"], where) {
				c.Choices = append(c.Choices, option{where, v.condition(dim, value), false})
			}
		}
	}
	v.Controls = append(v.Controls, c)
	query := v.r.URL.Query()
	for i, where := range query["where"] {
		dim, value, _ := strings.Cut(where, "=")
		less := maps.Clone(query)
		less["where"] = slices.Delete(slices.Clone(query["where"]), i, i+1)
		v.Narrowed = append(v.Narrowed, narrowing{v.condition(dim, value), address(v.r.URL.Path, less)})
	}
	return nil
}

func (v *view) condition(dim, value string) string {
	if slices.Contains([]string{history.ByChannel, history.ByMethod, history.ByBasis}, dim) && value != "" {
		value = v.Word(dim + "." + value)
	}
	return v.dimension(dim) + " = " + value
}

func (v *view) dimension(dim string) string {
	if slices.Contains([]string{history.ByPayee, history.ByMethod, history.ByChannel, history.ByBasis}, dim) {
		return v.Word("dimension." + dim)
	}
	return dim
}

// payeeControls are the fields of the page of payees.
func (v *view) payeeControls() {
	v.Controls = append(v.Controls,
		control{Name: "payee", Label: v.Say("control.payee"), Type: "search", Value: v.a.payee},
		control{Name: "limit", Label: v.Say("control.limit"), Type: "number", Value: v.r.URL.Query().Get("limit"), Hint: strconv.Itoa(payeesShown)},
		control{Name: "as_of", Label: v.Say("clocks.as-of"), Type: "date", Value: v.r.URL.Query().Get("as_of")},
	)
}

// diffControls are the fields of a comparison.
func (v *view) diffControls(b *projections.Book) {
	query := v.r.URL.Query()
	v.Controls = append(v.Controls,
		control{Name: "from", Label: v.Say("control.from"), Type: "text", Value: v.a.from.String()},
		control{Name: "to", Label: v.Say("control.to"), Type: "text", Value: query.Get("to"), Hint: b.Last().String()},
	)
	var years []string
	for _, y := range b.History().Years() {
		years = append(years, y.String())
	}
	v.choose("year", "control.year-none", query.Get("year"), years, func(y string) string { return y })
}

// KeptBeside are the parameters that the form of the controls has no fields for.
func (v *view) KeptBeside() []kept {
	var fields []string
	for _, c := range v.Controls {
		if c.Name != "where" { // of which there may be several
			fields = append(fields, c.Name)
		}
	}
	return v.Kept(fields...)
}
