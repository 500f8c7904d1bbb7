package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAppendIsSeenInOtherWindows(t *testing.T) {
	t.Parallel()
	s := servingSmall(t)
	windows := map[string]*tab{}
	for _, lang := range languages {
		p := open(t, s, wide)
		p.visit(inLanguage(s, smallYear, lang))
		windows[lang] = p
	}
	// Kept in the window itself: were it loaded again, it would be gone.
	mark := `() => {
		window.kept = true;
		window.marked = [];
		new MutationObserver(changes => {
			for (const {target} of changes) if (target.classList.contains("changed")) window.marked.push(target.textContent.trim());
		}).observe(document.querySelector("main"), {subtree: true, attributes: true, attributeFilter: ["class"]});
		return true;
	}`
	for _, p := range windows {
		p.awaitLive()
		js[bool](p, mark)
	}
	for i, amount := range []string{"123.45", "200.00"} {
		r := appended(t, s.folder, pay(fmt.Sprint("p", i), amount))
		for lang, p := range windows {
			p.shows("an append", execution(t, s, lang, "f"))
			if seq := js[string](p, `() => document.body.dataset.seq`); seq != fmt.Sprint(r.Seq) {
				t.Errorf("in %s the page says that it shows event %s, want %d", lang, seq, r.Seq)
			}
			p.await("the clock of events goes on to it", `(n) => document.querySelector("[data-numbers]").value == n && document.querySelector("[data-known-brief]").textContent == n + "/" + n`, fmt.Sprint(r.Seq))
			if i == 0 {
				p.await("what changed is marked", `() => ["123.45", "876.55"].every(text => marked.includes(text))`)
			}
			if js[bool](p, `() => !window.kept || marked.some(text => text == "2" || text == "乙" || text == "two")`) {
				t.Errorf("in %s the window was loaded again, or what did not change is marked: %q", lang, js[[]string](p, `() => marked`))
			}
		}
	}
	for _, p := range windows {
		p.await("the mark goes away", `() => !document.querySelector("main .changed")`)
	}
}

// TestSlidersReplayHistory moves each clock and holds the page against what the program prints for that moment.
func TestSlidersReplayHistory(t *testing.T) {
	t.Parallel()
	s := reference(t)
	for _, lang := range languages {
		p := open(t, s, wide)
		p.visit(inLanguage(s, ofYear, lang))
		slide := func(slider string, to int) {
			js[bool](p, `(slider, to) => {
				const input = document.querySelector(slider);
				input.value = to;
				return input.dispatchEvent(new Event("input", {bubbles: true}));
			}`, slider, to)
		}
		now := execution(t, s, lang, "cd-gx")
		then := execution(t, s, lang, "cd-gx", "--as-of", "2022-06-30")
		if sameRows(now, then) == "" {
			t.Fatal("the reference fund has the same table at the end of June")
		}
		p.shows("now", now)
		slide("[data-days]", 180) // the last day of June of a year that begins in January
		p.shows("2022-06-30", then)
		stands := `(asOf, known) => new URL(location).searchParams.get("as_of") == asOf && new URL(location).searchParams.get("known_at") == known`
		p.await("it stands in the address", stands, "2022-06-30", nil)
		slide("[data-numbers]", 100)
		p.shows("2022-06-30 as known at 100", execution(t, s, lang, "cd-gx", "--as-of", "2022-06-30", "--known-at", "100"))
		p.await("both stand in the address", stands, "2022-06-30", "100")
		here := js[string](p, `() => location.href`)
		slide("[data-days]", 365) // past the last day: no limit
		p.shows("as known at 100", execution(t, s, lang, "cd-gx", "--known-at", "100"))
		slide("[data-numbers]", 150)
		p.shows("now again", now)
		// A view has an address: somebody else who opens it sees the same.
		other := open(t, s, wide)
		other.visit(here)
		other.shows(here, execution(t, s, lang, "cd-gx", "--as-of", "2022-06-30", "--known-at", "100"))
		if value := js[string](other, `() => document.querySelector("[data-days]").value + " " + document.querySelector("[data-numbers]").value`); value != "180 100" {
			t.Errorf("there the sliders stand at %s", value)
		}
	}
}

// TestServerComesBack stops the server under an open page and starts it again, with events in between.
func TestServerComesBack(t *testing.T) {
	t.Parallel()
	s := serving(t)
	last := appended(t, s.folder, small).Seq
	p := open(t, s, wide)
	p.pass(`Failed to load resource: net::ERR_`) // while there is no server
	p.pass(`status of 503`)                      // while it begins
	p.visit(inLanguage(s, smallYear, "en"))
	p.awaitLive()
	fixed := open(t, s, wide) // of a moment that no news tells anything of
	fixed.pass(`Failed to load resource: net::ERR_`)
	fixed.pass(`status of 503`)
	fixed.visit(inLanguage(s, smallYear, "en", "known_at", "2"))
	js[bool](p, `(after) => {
		window.heard = [];
		const feed = new EventSource("/v1/funds/f/feed?after=" + after);
		feed.addEventListener("event", e => heard.push(Number(e.lastEventId)));
		return true;
	}`, last)
	want := []int{}
	add := func(id string) {
		want = append(want, appended(t, s.folder, pay(id, "10.01")).Seq)
		if id != "down" {
			p.shows(id, execution(t, s, "en", "f"))
		}
	}
	add("before")
	p.await("the feed has it", `(n) => heard.includes(n)`, want[0])
	s.stop()
	p.await("it says that the server is gone", `() => document.querySelector("[data-status]").dataset.state == "lost"`)
	js[bool](fixed, `() => {
		const input = document.querySelector("[data-number]");
		input.value = "1";
		return input.dispatchEvent(new Event("change", {bubbles: true}));
	}`)
	add("down")
	again, err := serve(s.folder, "--http", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.stop)
	p.shows("after a restart", execution(t, s, "en", "f"))
	p.awaitLive()
	fixed.await("where the clocks were moved to meanwhile", `() => document.body.dataset.seq == "1"`)
	add("after")
	p.await("the feed has all", `(n) => heard.includes(n)`, want[2])
	if heard := js[[]int](p, `() => heard`); !slices.Equal(heard, want) {
		t.Errorf("the feed has %v over a restart, want %v", heard, want)
	}
}

// TestEveryLinkTakesTheClocksAlong moves the clocks and holds all links of the page, those outside its table too, against those that the server has for that moment.
func TestEveryLinkTakesTheClocksAlong(t *testing.T) {
	t.Parallel()
	s := reference(t)
	p := open(t, s, wide)
	p.visit(inLanguage(s, ofYear, "en", "unit", "wan"))
	move := func(days, number string) {
		js[bool](p, `(days, number) => {
			for (const [name, value] of [["[data-date]", days], ["[data-number]", number]]) {
				const input = document.querySelector(name);
				input.value = value;
				input.dispatchEvent(new Event("change", {bubbles: true}));
			}
			return true;
		}`, days, number)
		p.await("the address has "+days+" "+number, `(days, number) => {
			const here = new URL(location).searchParams;
			return (here.get("as_of") ?? "") == days && (here.get("known_at") ?? "") == number;
		}`, days, number)
		p.await("links are those of the moment", `async () => {
			const links = (page) => [...page.querySelectorAll("header a, nav a")].filter(a => a.dataset.now === undefined).map(a => a.getAttribute("href")).join("\n");
			const text = (await (await fetch(location.href)).text()).replace(/<style>[^<]*<\/style>/, ""); // which this page would not let in
			const page = new DOMParser().parseFromString(text, "text/html");
			return links(document) == links(page) && links(document).includes("unit=wan");
		}`)
	}
	move("2022-06-30", "100")
	move("", "")
}
