package browser

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// printed has the browser print the page, and returns where the PDF is.
func (p *tab) printed() string {
	p.t.Helper()
	pdf, err := chromedp.Run(p, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		p.t.Fatal(err)
	}
	path := filepath.Join(p.t.TempDir(), "page.pdf")
	if err := os.WriteFile(path, pdf, 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// output is what another program prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(asked(t, name), args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// TestPrinted prints each screen with a table: A4 pages, each with the event's number and the log's root at its foot, and a code that leads back to the view.
func TestPrinted(t *testing.T) {
	t.Parallel()
	s := reference(t)
	root := rootOf(t, s, ofYear)
	for _, c := range []struct{ path, lang, number string }{
		{ofYear, "zh", "第 150 号事件"},
		{ofYear + "/lines/1.4", "en", "event 150"},
		{ofYear + "/payments", "zh", "第 150 号事件"},
		{ofYear + "/charts", "en", "event 150"},
		{ofFund + "/events/34", "zh", "第 150 号事件"},
	} {
		t.Run(strings.ReplaceAll(c.path[1:], "/", " "), func(t *testing.T) {
			t.Parallel()
			p := open(t, s, wide)
			p.visit(inLanguage(s, c.path, c.lang))
			pdf := p.printed()
			info := output(t, "pdfinfo", pdf)
			if !strings.Contains(info, "(A4)") {
				t.Errorf("it is not A4: %s", info)
			}
			pages := strings.Split(strings.TrimSuffix(output(t, "pdftotext", "-layout", pdf, "-"), "\f"), "\f")
			for i, page := range pages {
				// Letters of different scripts are set apart by blanks that no reader sees.
				text := strings.Join(strings.Fields(page), "")
				for _, want := range []string{c.number, root, fmt.Sprint(i + 1), fmt.Sprint(len(pages))} {
					if !strings.Contains(text, strings.ReplaceAll(want, " ", "")) {
						t.Errorf("page %d of %d lacks %q:\n%s", i+1, len(pages), want, page)
					}
				}
			}
			output(t, "pdftoppm", "-r", "150", "-png", "-f", fmt.Sprint(len(pages)), pdf, pdf)
			pictures, err := filepath.Glob(pdf + "*.png")
			if err != nil || len(pictures) == 0 {
				t.Fatalf("pictures: %q, %v", pictures, err)
			}
			read := strings.TrimSpace(output(t, "zbarimg", "-q", "--raw", pictures[len(pictures)-1]))
			want := inLanguage(s, c.path, c.lang, "known_at", "150")
			if a, b := parts(t, read), parts(t, want); a != b {
				t.Errorf("the code on paper says %s, want %s", a, b)
			}
			other := open(t, s, wide)
			other.visit(read)
			if diff := sameRows(other.rows(mainTable), p.rows(mainTable)); diff != "" {
				t.Errorf("who follows the code sees another table: %s", diff)
			}
		})
	}
}

// parts is an address with its parameters in order.
func parts(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = u.Query().Encode()
	return u.String()
}

// TestPrintedLater prints a page that has changed while it was open: its foot speaks of what is on the paper.
func TestPrintedLater(t *testing.T) {
	t.Parallel()
	s := servingSmall(t)
	p := open(t, s, wide)
	p.visit(inLanguage(s, smallYear, "en"))
	p.awaitLive()
	for i := range 2 {
		seq := appended(t, s.folder, pay(fmt.Sprint("p", i), "1.00")).Seq
		p.await("it shows the event", `(seq) => document.body.dataset.seq == seq`, seq)
		text := strings.Join(strings.Fields(output(t, "pdftotext", "-layout", p.printed(), "-")), " ")
		root := rootOf(t, s, smallYear)
		if want := fmt.Sprintf("f, event %d, root %s", seq, root); !strings.Contains(text, want) {
			t.Errorf("the paper lacks %q:\n%s", want, text)
		}
	}
}
