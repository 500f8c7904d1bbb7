package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestShots leaves pictures of every screen in the folder that FUNDLEDGER_SHOTS names, for people to look at.
func TestShots(t *testing.T) {
	folder := os.Getenv("FUNDLEDGER_SHOTS")
	if folder == "" {
		t.Skip("FUNDLEDGER_SHOTS names no folder for pictures")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	each(t, wide, func(t *testing.T, s *server, p *tab, c screen) {
		name := c.name()
		for _, lang := range languages {
			for what, v := range map[string]view{"wide": {1440, 900, false}, "wide-dark": {1440, 900, true}, "narrow": {390, 844, false}, "narrow-dark": {390, 844, true}} {
				p.look(v)
				p.visit(inLanguage(s, c.path, lang))
				p.awaitScript()
				picture, err := chromedp.Run(p, chromedp.FullScreenshot(100))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, strings.Join([]string{name, lang, what}, "-")+".png"), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p.look(wide)
			pdf := p.printed()
			base := filepath.Join(folder, name+"-"+lang+"-print")
			if out, err := exec.Command(asked(t, "pdftoppm"), "-r", "70", "-png", pdf, base).CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
		}
	})
}
