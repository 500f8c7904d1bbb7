package browser

import (
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestCopyButtons presses each button that copies an address: it is on the clipboard, and where a page may not write there it stands selected, for who copies it by hand.
func TestCopyButtons(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	p.do(command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	may := func(name string, setting browser.PermissionSetting) {
		if _, err := chromedp.CallBrowser(p, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: setting, Origin: s.url, BrowserContextID: chromedp.FromContext(p).BrowserContextID,
		}); err != nil {
			t.Fatal(err)
		}
	}
	may("clipboard-read", browser.PermissionSettingGranted)
	form := inLanguage(s, ofFund+"/post/disbursed", "en", "line", "1.4", "date", "2022-05-01", "unit", "yuan")
	for _, c := range []struct {
		page   string
		copied []string
	}{
		{inLanguage(s, ofYear, "en"), []string{inLanguage(s, ofYear, "en", "known_at", "150"), inLanguage(s, ofYear, "en")}},
		{inLanguage(s, "/payees", "en"), []string{inLanguage(s, "/payees", "en")}},
		{form, []string{form}},
	} {
		p.visit(c.page)
		p.await("there are as many", `(n) => [...document.querySelectorAll("[data-copy]")].filter(b => b.checkVisibility()).length == n`, len(c.copied))
		for i, want := range c.copied {
			label := js[string](p, `(i) => document.querySelectorAll("[data-copy]")[i].textContent`, i)
			press := func() {
				js[bool](p, `(i) => { document.querySelectorAll("[data-copy]")[i].focus(); return true; }`, i)
				p.do(chromedp.KeyEvent(kb.Enter))
			}
			same := func(how, got string) {
				if parts(t, got) != parts(t, want) {
					t.Errorf("%s, %s: %s is %q, want %q", c.page, label, how, got, want)
				}
			}
			may("clipboard-write", browser.PermissionSettingGranted)
			press()
			p.await("it says so", `() => document.querySelector("p[data-copied]")?.textContent == "Copied"`)
			same("on the clipboard", js[string](p, `() => navigator.clipboard.readText()`))
			may("clipboard-write", browser.PermissionSettingDenied)
			press()
			p.await("it is selected", `() => document.activeElement.matches("p[data-copied] input")`)
			same("selected", js[string](p, `() => { const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd); }`))
			if now := js[string](p, `(i) => document.querySelectorAll("[data-copy]")[i].textContent`, i); now != label {
				t.Errorf("%s: the button %q has become %q", c.page, label, now)
			}
		}
	}
}
