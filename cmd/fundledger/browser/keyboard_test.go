package browser

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestKeyboard goes through every screen by Tab: each thing that can be used is come to, and it is seen where one is.
func TestKeyboard(t *testing.T) {
	each(t, wide, func(t *testing.T, s *server, p *tab, c screen) {
		p.visit(inLanguage(s, c.path, "en"))
		p.await("the script has run", `() => !document.querySelector("[data-theme-switch]")?.hidden`)
		want := js[int](p, `() => {
			window.usable = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
				.filter(e => e.checkVisibility() && !e.disabled && e.type != "hidden" && e.tabIndex >= 0);
			return usable.length;
		}`)
		unseen := map[string]bool{}
		reached := 0
		// A date is three fields to go through. Long tables have more links than need be tried.
		for range min(3*want, 70) {
			p.do(chromedp.KeyEvent(kb.Tab))
			at := js[struct {
				Reached int
				What    string
				Seen    bool
			}](p, `() => {
				const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
				const outlined = style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 1;
				const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
				if (usable.includes(e)) e.reached = true;
				return {reached: usable.filter(e => e.reached).length, what: e.outerHTML.slice(0, 120), seen: e == document.body || outlined && inside};
			}`)
			if !at.Seen {
				unseen[at.What] = true
			}
			if reached = at.Reached; reached == want {
				break
			}
		}
		for what := range unseen {
			t.Errorf("where the focus is, is not seen: %s", what)
		}
		if missed := js[[]string](p, `() => { const last = usable.findLastIndex(e => e.reached); return usable.filter((e, i) => !e.reached && i < last).map(e => e.outerHTML.slice(0, 120)); }`); len(missed) > 0 || reached == 0 {
			t.Errorf("%d of %d are come to by Tab, and not\n%s", reached, want, strings.Join(missed, "\n"))
		}
	})
}

// TestSliderByKeyboard moves both sliders with the keys that sliders have.
func TestSliderByKeyboard(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	args := []string{"table", "execution", "--fund", "cd-gx", "--year", "2022"}
	p.visit(inLanguage(s, ofYear, "zh"))
	p.await("the sliders are there", `() => document.querySelector("[data-days]")?.checkVisibility()`)
	press := func(keys ...string) {
		for _, k := range keys {
			p.do(chromedp.KeyEvent(k))
		}
	}
	p.do(chromedp.Focus(chromedp.CSS("[data-days]")))
	press(kb.Home, kb.ArrowRight, kb.ArrowRight)
	p.shows("2022-01-03", table(t, s.folder, "zh", append(args, "--as-of", "2022-01-03")...))
	if said := js[string](p, `() => document.querySelector("[data-days]").getAttribute("aria-valuetext")`); !strings.HasPrefix(said, "2022-01-03：") {
		t.Errorf("who hears the page hears %q", said)
	}
	press(kb.End)
	p.shows("no limit", table(t, s.folder, "zh", args...))
	p.do(chromedp.Focus(chromedp.CSS("[data-numbers]")))
	press(slices.Repeat([]string{kb.ArrowLeft}, 12)...)
	p.shows("known at 138", table(t, s.folder, "zh", append(args, "--known-at", "138")...))
}
