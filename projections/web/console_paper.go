package web

import (
	"fmt"
	"html/template"
	"strings"

	"fundledger/projections/document"
	"fundledger/projections/sheet"
)

// PrintStyle is what stands at the foot of each printed page.
func (v *view) PrintStyle() template.CSS {
	if v.foot == "" {
		return ""
	}
	number := strings.SplitN(sheet.Catalogue.Say(v.Lang, "page.number", map[string]string{"page": "\x00", "pages": "\x00"}), "\x00", 3)
	content := ""
	for i, part := range number {
		content += quotedCSS(part) + []string{" counter(page) ", " counter(pages) ", ""}[min(i, 2)]
	}
	standing := "portrait"
	if v.wide {
		standing = "landscape"
	}
	return template.CSS("@page{size:A4 " + standing + ";@bottom-left{content:" + quotedCSS(v.foot) + ";font:7pt monospace}@bottom-right{content:" + content + ";font:8pt sans-serif}}")
}

func quotedCSS(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "<", `\3c `, "\n", `\a `).Replace(s) + `"`
}

// Signed says that officials sign the page when it is printed.
func (v *view) Signed() bool { return v.Year != 0 && v.Problem == nil }

// Signatures are who signs.
func (v *view) Signatures() []string {
	return []string{v.Say("sign.made"), v.Say("sign.checked"), v.Say("sign.head"), v.Say("print.when")}
}

// QR is a picture of the address, for paper.
func (v *view) QR() template.HTML {
	if v.passing() { // it takes as long as the rest of the page
		return ""
	}
	side, path, err := document.DrawCode(v.Address())
	if err != nil { // too long for any code: the address stands there in letters
		return ""
	}
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="QR" shape-rendering="crispEdges"><rect width="%d" height="%d" fill="#fff"/><path d="%s" fill="#000"/></svg>`, side, side, side, side, path))
}
