package browser

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A door stands before a server. What scripts ask for pages waits while it is shut.
type door struct {
	*server
	shut sync.RWMutex
}

// behind puts a door before a server.
func behind(t *testing.T, s *server) *door {
	t.Helper()
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{}
	proxy := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "text/html" {
			d.shut.RLock()
			defer d.shut.RUnlock()
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.CloseClientConnections)
	d.server = &server{folder: s.folder, url: front.URL}
	return d
}

// arrives waits until the page has an address with this path, and returns the whole address.
func (p *tab) arrives(path string) string {
	p.t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		// Who is on the way from one page to another cannot be asked.
		here, err := chromedp.Run(p, chromedp.Evaluate[string](`document.readyState == "complete" ? location.href : ""`))
		if u, wrong := url.Parse(here); err == nil && wrong == nil && u.Path == path {
			return here
		}
		if time.Since(begun) > enough {
			p.t.Fatalf("%s: it does not come; the page is %s, %v", path, here, err)
		}
	}
}

// TestPressedWhileThePageIsToCome moves the clocks and presses, before the page for there has come, a link, and the button that prints: both are of where the clocks stand.
func TestPressedWhileThePageIsToCome(t *testing.T) {
	t.Parallel()
	s := behind(t, reference(t))
	p := open(t, s.server, wide)
	p.visit(inLanguage(s.server, ofYear, "en"))
	p.awaitLive()
	// press moves the slider through some days to the last, and presses while the page of none of them has come.
	press := func(what string, days ...int) {
		s.shut.Lock()
		defer s.shut.Unlock()
		js[bool](p, `(days) => {
			const input = document.querySelector("[data-days]");
			for (const day of days) {
				input.value = day;
				input.dispatchEvent(new Event("input", {bubbles: true}));
			}
			return true;
		}`, days)
		p.do(chromedp.Click(chromedp.CSS(what)))
	}
	js[bool](p, `() => {
		window.onbeforeprint = () => { window.paper = [document.querySelector(".bottom .address").textContent, document.querySelectorAll(".qr svg").length]; };
		return true;
	}`)
	press("[data-print]", 30, 60, 90)
	p.await("it is printed", `() => window.paper !== undefined`)
	want := inLanguage(s.server, ofYear, "en", "as_of", "2022-04-01", "known_at", "150")
	if got := js[string](p, `() => paper[0]`); parts(t, got) != parts(t, want) || js[int](p, `() => paper[1]`) != 1 {
		t.Errorf("on paper is %s with %d codes, want %s with one", got, js[int](p, `() => paper[1]`), want)
	}
	press("main a[href*='/lines/1.4?']", 100, 120, 180)
	if got, want := p.arrives(ofYear+"/lines/1.4"), inLanguage(s.server, ofYear+"/lines/1.4", "en", "as_of", "2022-06-30"); parts(t, got) != parts(t, want) {
		t.Errorf("the link leads to %s, want %s", got, want)
	}
	js[bool](p, `() => { history.back(); return true; }`)
	if got, want := p.arrives(ofYear), inLanguage(s.server, ofYear, "en", "as_of", "2022-06-30"); parts(t, got) != parts(t, want) {
		t.Errorf("back from there is %s, want %s", got, want)
	}
	if value := js[string](p, `() => document.querySelector("[data-days]").value`); value != "180" {
		t.Errorf("there the slider stands at %s", value)
	}
}

// TestNewsWhileTheClocksMove appends just after the slider was moved: what is new comes, and the page is never again of where the slider stood before.
func TestNewsWhileTheClocksMove(t *testing.T) {
	t.Parallel()
	s := serving(t)
	seq := appended(t, s.folder, small).Seq
	p := open(t, s, wide)
	p.visit(inLanguage(s, smallYear, "en"))
	p.awaitLive()
	js[bool](p, `(command) => new Promise((posted, failed) => {
		window.shown = [];
		document.addEventListener("exchanged", async () => {
			shown.push(document.querySelector("main").innerText.includes("as of: 2022-04-11"));
			if (shown.length > 1) return;
			const answer = await fetch("/v1/funds/f/events", {method: "POST", body: command, headers: {"Content-Type": "application/json"}});
			if (answer.ok) posted(true);
			else failed(await answer.text());
		});
		const slider = document.querySelector("[data-days]");
		slider.value = 100;
		slider.dispatchEvent(new Event("input", {bubbles: true}));
	})`, pay("new", "10.01"))
	p.await("what is new has come, and all of its page", `(seq) => document.body.dataset.seq == seq && document.querySelector(".qr .address")?.textContent.includes("as_of=2022-04-11")`, seq+1)
	if shown := js[[]bool](p, `() => shown`); slices.Contains(shown, false) {
		t.Errorf("of the pages that came these were of where the slider stands: %v", shown)
	}
}
