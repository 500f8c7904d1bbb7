package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// TestLightOrDark chooses the other of light and dark, which every page then is from its first moment, with no script to make it so.
func TestLightOrDark(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	paper := func() string {
		t.Helper()
		return js[string](p, `() => getComputedStyle(document.documentElement).backgroundColor`)
	}
	p.visit(inLanguage(s, ofYear, "zh"))
	p.awaitScript()
	light := paper()
	js[bool](p, `() => { document.querySelector("[data-theme-switch]").click(); return true; }`)
	dark := paper()
	if dark == light {
		t.Fatalf("the paper stays %s", light)
	}
	p.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	for _, path := range []string{"/", ofYear, ofYear + "/nothing"} {
		if p.visit(inLanguage(s, path, "en")); paper() != dark {
			t.Errorf("%s is %s again, not %s", path, paper(), dark)
		}
	}
	p.pass("404") // of the page that there is not
}

// TestWithoutScript has no script run: what needs one is not there, and the clocks can be moved all the same.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	s := reference(t)
	for _, v := range []view{wide, narrow} {
		p := open(t, s, v)
		seen := func(selector string) int {
			t.Helper()
			return js[int](p, `(selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).length`, selector)
		}
		p.visit(inLanguage(s, ofYear, "en"))
		if seen(".scripted") == 0 || seen(".unscripted") != 0 {
			t.Errorf("with scripts %d of what needs them are seen, and %d of what needs none", seen(".scripted"), seen(".unscripted"))
		}
		p.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
		p.visit(inLanguage(s, ofYear, "en"))
		if seen(".scripted") != 0 || seen("#as-of") != 1 || seen("#known-at") != 1 || seen(".unscripted") != 1 {
			t.Errorf("without scripts %d of what needs them are seen; the fields of the clocks are seen %d and %d times, their button %d times",
				seen(".scripted"), seen("#as-of"), seen("#known-at"), seen(".unscripted"))
		}
		js[bool](p, `() => { document.querySelector("#as-of").value = "2022-06-30"; document.querySelector(".unscripted").click(); return true; }`)
		p.await("the page of that day", `() => document.querySelector("#as-of")?.value == "2022-06-30" && location.search.includes("as_of=2022-06-30")`)
	}
}
