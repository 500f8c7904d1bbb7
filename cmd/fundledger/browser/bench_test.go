package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Lines and, where FUNDLEDGER_EVENTS says no other number, payments of the fund that is measured.
const (
	measuredLines    = 20
	measuredPayments = 20_000
)

// measured is a server with a fund of very many payments, spread over a year.
func measured(b *testing.B) *server {
	b.Helper()
	payments := measuredPayments
	if n, err := strconv.Atoi(os.Getenv("FUNDLEDGER_EVENTS")); err == nil {
		payments = n
	}
	folder := filepath.Join(b.TempDir(), "data")
	var lines []string
	for i := range measuredLines {
		lines = append(lines, fmt.Sprintf(`{"code":"%d","name":"项目%d"}`, i+1, i+1))
	}
	var commands strings.Builder
	fmt.Fprintf(&commands, `{"kind":"fund-opened","fund":"f","year":2022,"name":"测试资金","lines":[%s]}`+"\n", strings.Join(lines, ","))
	for i := range measuredLines {
		fmt.Fprintf(&commands, `{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"%d","amount":"%d00","stage":"original"}`+"\n", i+1, payments)
	}
	for i := range payments {
		day := time.Date(2022, 1, 1+i*364/payments, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		fmt.Fprintf(&commands, `{"id":"p%d","kind":"disbursed","fund":"f","year":2022,"date":"%s","line":"%d","amount":"100","channel":"payment","payee":{"name":"企业%d"}}`+"\n", i, day, i%measuredLines+1, i%500)
	}
	receipts := program(b, folder, commands.String(), "append")
	if n := strings.Count(receipts, `"status":"appended"`); n != 1+measuredLines+payments {
		b.Fatalf("%d commands were appended, want %d", n, 1+measuredLines+payments)
	}
	s, err := serve(folder)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	return s
}

// unwatched opens a tab that nobody watches: to be told of each request and each fault costs the browser as much as the page. closed closes it.
func unwatched(b *testing.B) (p *tab, closed func()) {
	b.Helper()
	ctx, cancel := newTab(b)
	b.Cleanup(cancel)
	p = &tab{Context: ctx, t: b}
	p.look(wide)
	return p, cancel
}

// report says what a thing took in the middle, in the worst of ten and in the worst of a hundred cases.
func report(b *testing.B, ms []float64) {
	slices.Sort(ms)
	b.ReportMetric(ms[len(ms)/2], "p50-ms")
	b.ReportMetric(ms[(len(ms)*9+9)/10-1], "p90-ms")
	b.ReportMetric(ms[(len(ms)*99+99)/100-1], "p99-ms")
}

// BenchmarkFirstPage is how long it takes until the page of a year is drawn and its scripts have run, so that it can be used, for somebody whose browser has nothing of it
// yet, and how much is sent for that. The browser has come to rest before: a window that is being opened itself is none of the page.
func BenchmarkFirstPage(b *testing.B) {
	s := serving(b)
	var ms []float64
	for b.Loop() {
		p, closed := unwatched(b)
		time.Sleep(time.Second)
		p.visit(s.url + "/funds/cd-gx/years/2022")
		took := js[[]float64](p, `async () => {
			const painted = await new Promise((done) => new PerformanceObserver((list) => {
				for (const one of list.getEntriesByName("first-contentful-paint")) done(one.startTime);
			}).observe({type: "paint", buffered: true}));
			const [page] = performance.getEntriesByType("navigation");
			const all = [page, ...performance.getEntriesByType("resource")];
			return [Math.max(painted, page.domContentLoadedEventEnd), all.reduce((sum, one) => sum + one.transferSize, 0)];
		}`)
		closed()
		ms = append(ms, took[0])
		b.ReportMetric(took[1], "sent-bytes")
	}
	report(b, ms)
}

// BenchmarkSlider is how long it takes from a move of the slider to the next picture that shows it.
func BenchmarkSlider(b *testing.B) {
	s := measured(b)
	p, _ := unwatched(b)
	p.visit(s.url + "/funds/f/years/2022")
	var ms []float64
	day := 0
	for b.Loop() {
		day = (day + 101) % 364
		ms = append(ms, js[float64](p, `(day) => new Promise((done) => {
			const slider = document.querySelector("[data-days]");
			const begun = performance.now();
			document.addEventListener("exchanged", () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun))), {once: true});
			slider.value = day;
			slider.dispatchEvent(new Event("input", {bubbles: true}));
		})`, day))
	}
	report(b, ms)
}
