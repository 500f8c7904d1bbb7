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
		p.awaitScript()
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
	p.visit(inLanguage(s, ofYear, "zh"))
	p.await("the sliders are there", `() => document.querySelector("[data-days]")?.checkVisibility()`)
	press := func(keys ...string) {
		for _, k := range keys {
			p.do(chromedp.KeyEvent(k))
		}
	}
	p.do(chromedp.Focus(chromedp.CSS("[data-days]")))
	press(kb.Home, kb.ArrowRight, kb.ArrowRight)
	p.shows("2022-01-03", execution(t, s, "zh", "cd-gx", "--as-of", "2022-01-03"))
	if said := js[string](p, `() => document.querySelector("[data-days]").getAttribute("aria-valuetext")`); !strings.HasPrefix(said, "2022-01-03：") {
		t.Errorf("who hears the page hears %q", said)
	}
	press(kb.End)
	p.shows("no limit", execution(t, s, "zh", "cd-gx"))
	p.do(chromedp.Focus(chromedp.CSS("[data-numbers]")))
	press(slices.Repeat([]string{kb.ArrowLeft}, 12)...)
	p.shows("known at 138", execution(t, s, "zh", "cd-gx", "--known-at", "138"))
}

// TestDayIsTypedOrPicked: a day is typed as it is written everywhere, or taken from a calendar; of what is no day the ledger's words are shown, and nothing moves.
func TestDayIsTypedOrPicked(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	p.visit(inLanguage(s, ofYear, "en"))
	p.awaitScript()
	typed := func(text string) {
		js[bool](p, `() => { document.querySelector("[data-date]").select(); return true; }`)
		p.do(chromedp.Focus(chromedp.CSS("[data-date]")), chromedp.KeyEvent(text+kb.Enter))
	}
	typed("2022-06-30")
	at := execution(t, s, "en", "cd-gx", "--as-of", "2022-06-30")
	p.shows("2022-06-30", at)
	if stands := js[string](p, `() => document.querySelector("[data-days]").getAttribute("aria-valuetext")`); stands != "2022-06-30: day 181 of 365" {
		t.Errorf("the slider says %q", stands)
	}
	p.pass(`422 .*as_of=2022-06-31`)
	typed("2022-06-31")
	p.await("the words of the ledger", `() => document.querySelector("[data-known-said]").textContent.includes("“2022-06-31” is not a day of the calendar")`)
	p.shows("what was shown", at)
	p.await("the calendar can be opened", `() => document.querySelector("[data-pick]").checkVisibility()`)
	js[bool](p, `() => {
		const pick = document.querySelector("[data-pick]");
		pick.value = "2022-09-30";
		return pick.dispatchEvent(new Event("change", {bubbles: true}));
	}`)
	p.shows("2022-09-30", execution(t, s, "en", "cd-gx", "--as-of", "2022-09-30"))
	p.await("nothing is wrong any more", `() => document.querySelector("[data-date]").value == "2022-09-30" && !document.querySelector("[data-clocks]").hasAttribute("data-wrong")`)
}

// TestHalfTypedDay: what is being typed is nowhere yet, whatever else the page asks for meanwhile.
func TestHalfTypedDay(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	p.visit(inLanguage(s, ofYear, "en"))
	p.awaitScript()
	js[bool](p, `() => {
		const days = document.querySelector("[data-days]");
		days.value = 180;
		days.dispatchEvent(new Event("input", {bubbles: true}));
		document.querySelector("[data-date]").select();
		return true;
	}`)
	p.do(chromedp.Focus(chromedp.CSS("[data-date]")), chromedp.KeyEvent("2022-0"))
	p.await("the address of the day that the slider stands at", `() => new URLSearchParams(location.search).get("as_of") == "2022-06-30"`)
	p.shows("2022-06-30", execution(t, s, "en", "cd-gx", "--as-of", "2022-06-30"))
	if has := js[string](p, `() => document.querySelector("[data-date]").value`); has != "2022-0" {
		t.Errorf("the field has %q", has)
	}
	p.do(chromedp.KeyEvent("9-30" + kb.Enter))
	p.shows("2022-09-30", execution(t, s, "en", "cd-gx", "--as-of", "2022-09-30"))
}

// TestClocksOfANarrowPage: both sliders stand on a line each with where they are, and leave the view to what the page is about; the rest of the clocks is opened by the
// keyboard.
func TestClocksOfANarrowPage(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, narrow)
	for _, lang := range languages {
		p.visit(inLanguage(s, ofYear, lang))
		p.await("the sliders are there", `() => document.querySelector("[data-days]")?.checkVisibility() === true`)
		face := js[struct {
			Height, Heading float64
			Lines, Small    []string
		}](p, `() => {
			const form = document.querySelector(".clocks"), box = (e) => e.getBoundingClientRect();
			const seen = [...form.querySelectorAll("a, button, input")].filter(e => e.checkVisibility());
			return {
				height: box(form).height, heading: box(document.querySelector("h1")).bottom,
				lines: [...form.querySelectorAll(".clock")].map(clock => [...clock.querySelectorAll("label, input, button, span")]
					.filter(e => e.checkVisibility() && box(e).top < box(clock).bottom && Math.abs((box(e).top + box(e).bottom - box(clock).top - box(clock).bottom) / 2) < 8).map(e => e.tagName).join(" ")),
				small: seen.filter(e => box(e).height < 24 || box(e).width < 24).map(e => e.outerHTML),
			};
		}`)
		if face.Height > 120 || face.Heading > 640 || len(face.Small) > 0 {
			t.Errorf("in %s the clocks are %v high, the heading ends at %v, and too small are %q", lang, face.Height, face.Heading, face.Small)
		}
		for _, line := range face.Lines {
			if line != "LABEL SPAN INPUT SPAN" {
				t.Errorf("in %s a clock has on its line %s", lang, line)
			}
		}
		brief := `(day, known) => {
			const [d, k] = ["[data-day-brief]", "[data-known-brief]"].map(name => document.querySelector(name).textContent);
			return (day == "" ? !/\d/.test(d) && d != "" : d == day) && k == known;
		}`
		p.await("it says where the clocks stand", brief, "", "150/150")
		p.do(chromedp.Focus(chromedp.CSS("[data-days]")))
		p.do(chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.ArrowLeft))
		p.await("it says where the clocks were moved to", brief, "2022-01-01", "149/150")
		p.shows("by the sliders", execution(t, s, lang, "cd-gx", "--as-of", "2022-01-01", "--known-at", "149"))
		p.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab))
		if !js[bool](p, `() => document.activeElement.dataset.rest !== undefined && document.activeElement.getAttribute("aria-expanded") == "false"`) {
			t.Fatalf("in %s the fourth that Tab comes to is not what opens the rest", lang)
		}
		for _, open := range []bool{true, false} {
			p.do(chromedp.KeyEvent(kb.Enter))
			p.await("the rest is opened and closed", `(open) => document.activeElement.getAttribute("aria-expanded") == String(open) && ["#as-of", "#known-at", "[data-play]", ".said"].every(part => document.querySelector(".clocks " + part).checkVisibility() == open)`, open)
			p.reflows("narrow, in " + lang)
		}
	}
}
