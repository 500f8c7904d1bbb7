package web

import (
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// An Import is what became of a file, or would.
type Import struct {
	// Fault is why its rows were not looked at, or what has to be said first.
	Fault *Fault
	// Stopped says that the file goes no further; the notices say why.
	Stopped bool
	// Notices are what is to be known of the file as a whole.
	Notices []string
	// Rows are the first rows, and all that are refused up to as many again, with what becomes of each. More is how many others there are.
	Rows *sheet.Sheet
	More int
	// New is how many are stored, or would be, and Refused how many rows are refused.
	New, Refused int
	// Layout is how the file was read, as it can be given with another.
	Layout string
	// Mend is a file with the refused rows and their reasons, and MendName what it is called.
	Mend     []byte
	MendName string
}

// What bounds an upload. The file comes as the body itself, with a type that no plain form can give; it is kept in a temporary file for as long as it is looked at.
const (
	uploadType     = "application/octet-stream"
	uploadMost     = 256 << 20
	uploadPatience = 30 * time.Second // without a byte
	uploadsMost    = 4
	mendMost       = 16 << 20
)

// An importPage is what the page of an import shows.
type importPage struct {
	Fields, More, Switches []filledField
	// Name is what the file is called, Done what became of it, and Posted that it was appended.
	Name   string
	Done   *Import
	Posted bool
	Shown  template.HTML
}

// importForm fills in the page of an import.
func (v *view) importForm(p *importPage, given url.Values) error {
	return v.now(0, func(b *projections.Book) error {
		fields, switches, err := v.site.desk.ImportForm(v.Fund, b, given, v.Lang)
		if err != nil {
			return err
		}
		for i, f := range fields {
			filled := filledField{Field: f, view: v}
			if p.Done != nil && p.Done.Fault != nil && p.Done.Fault.Field == f.Name {
				filled.Bad = p.Done.Fault.Message
			}
			if i < importFirst {
				p.Fields = append(p.Fields, filled)
			} else {
				p.More = append(p.More, filled)
			}
		}
		for _, f := range switches {
			p.Switches = append(p.Switches, filledField{Field: f, view: v})
		}
		return nil
	})
}

// importFirst is how many of the options stand open.
const importFirst = 8

// toldImport reads what an import is told. The unit of a sheet has a name of its own: a page's is what its amounts are shown in.
func (v *view) toldImport() (url.Values, error) {
	given := v.r.URL.Query()
	if err := v.pageOf(given); err != nil {
		return nil, err
	}
	if given.Has("sheet-unit") {
		given["unit"] = given["sheet-unit"]
	}
	return given, nil
}

// importPage shows the form of an import.
func (s *site) importPage(v *view) error {
	given, err := v.toldImport()
	if err != nil {
		return err
	}
	p := &importPage{}
	v.Template, v.Title, v.Main = "import", v.Say("import.title"), p
	return v.importForm(p, given)
}

// A slow body is one whose next byte has to come in time.
type slowBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b slowBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(uploadPatience))
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// upload takes a file, tells how far it has come, a line of JSON each, and ends with a line that has the page's part.
func (s *site) upload(w http.ResponseWriter, r *http.Request, lang words.Language) error {
	v := &view{site: s, r: r, Lang: lang, Template: "import"}
	given, err := v.toldImport()
	if err != nil {
		return err
	}
	if t := r.Header.Get("Content-Type"); t != uploadType {
		return fault{&events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "Content-Type", "value": clip(t), "choices": uploadType}}, http.StatusUnsupportedMediaType}
	}
	p := &importPage{Name: given.Get("file"), Posted: given.Get("append") == "1"}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		return &events.Error{Code: events.Busy}
	}
	file, err := os.CreateTemp("", "fundledger-import-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	size, err := io.Copy(file, http.MaxBytesReader(w, slowBody{r.Body, http.NewResponseController(w)}, uploadMost))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &events.Error{Code: events.TooLarge, Why: "file", Args: events.Args{"limit": strconv.FormatInt(large.Limit, 10)}}
	case err != nil:
		return &events.Error{Code: events.Unavailable, Err: err}
	}
	w.Header().Set("Content-Type", asLines)
	w.Header().Set("Content-Language", string(v.Lang))
	out := json.NewEncoder(w)
	told := time.Now()
	flush := http.NewResponseController(w)
	p.Done, err = s.desk.Import(r.Context(), v.Fund, given, p.Name, file, size, p.Posted, v.Lang, func(at, of int64) {
		if now := time.Now(); now.Sub(told) > progressPause {
			told = now
			_ = out.Encode(map[string]int64{"at": at, "of": of})
			_ = flush.Flush()
		}
	})
	if err != nil {
		v.refuse(err)
		return out.Encode(map[string]any{"problem": v.Problem})
	}
	part, err := v.imported(p)
	if err != nil {
		v.refuse(err)
		return out.Encode(map[string]any{"problem": v.Problem})
	}
	last := map[string]any{"part": part, "field": ""}
	if p.Done.Fault != nil {
		last["field"], last["fault"] = p.Done.Fault.Field, p.Done.Fault.Message
	}
	if len(p.Done.Mend) > 0 && len(p.Done.Mend) <= mendMost {
		last["mend"], last["name"] = p.Done.Mend, p.Done.MendName
	}
	return out.Encode(last)
}

// progressPause lies between two lines that tell how far it has come.
const progressPause = 200 * time.Millisecond

// imported draws what became of a file.
func (v *view) imported(p *importPage) (part template.HTML, err error) {
	v.Main = p
	if p.Done.Rows != nil {
		if p.Shown, err = v.below(p.Done.Rows); err != nil {
			return "", err
		}
	}
	return v.piece("imported")
}
