package web

import (
	"math"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/projections/progress"
	"fundledger/projections/sheet"

	"pgregory.net/rapid"
)

// TestScaled holds lengths against exact shares: of amounts of any size they are rounded once, and never leave the picture.
func TestScaled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		part, whole events.Minor
		length      int
		want        int
	}{
		{0, 0, 100, 0},
		{5, 0, 100, 0},
		{-5, 10, 100, 0},
		{5, -10, 100, 0},
		{1, 2, 1, 1},
		{1, 3, 100, 33},
		{2, 3, 100, 67},
		{3, 2, 100, 150},
		{math.MaxInt64, math.MaxInt64, 1500, 1500},
		{math.MaxInt64 / 2, math.MaxInt64, 1000, 500},
		{math.MaxInt64, 1, 1000, 100_000_000},
	} {
		if got := scaled(c.part, c.whole, c.length); got != c.want {
			t.Errorf("scaled(%d, %d, %d) = %d, want %d", c.part, c.whole, c.length, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		whole := events.Minor(rapid.Int64Range(1, math.MaxInt64).Draw(t, "whole"))
		part := events.Minor(rapid.Int64Range(-int64(whole), int64(whole)).Draw(t, "part"))
		want := sheet.Share(part, whole) + "%"
		if want == "-0.00%" {
			want = "0.00%"
		}
		if got := percent(part, whole); got != want {
			t.Fatalf("%d of %d is %s, want %s", part, whole, got, want)
		}
	})
}

// TestAxis: every amount has its place between the ends, larger ones are not below smaller ones, and the grid is of round amounts.
func TestAxis(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.Minor { return events.Minor(rapid.Int64().Draw(t, "amount")) }), 1, 8).Draw(t, "amounts")
		a := axisOf(100, 2000, amounts...)
		for i, n := range amounts {
			y := a.at(n)
			if y < a.top || y > a.bottom {
				t.Fatalf("%d of %v stands at %d", n, amounts, y)
			}
			for _, m := range amounts[:i] {
				if n > m && y > a.at(m) {
					t.Fatalf("%d stands below %d", n, m)
				}
			}
		}
		digits := strings.TrimRight(events.Minor(a.step()).Format(0), "0")
		if digits != "1" && digits != "2" && digits != "5" {
			t.Fatalf("a step of %d", a.step())
		}
		if lines := (a.high/2 - a.low/2) / (a.step()/2 + 1); lines > 5 {
			t.Fatalf("%d lines of %d from %d to %d", lines, a.step(), a.low, a.high)
		}
	})
}

// TestBars draws a budget of 200.00 in each state that it can be in. The bar is 150 long.
func TestBars(t *testing.T) {
	t.Parallel()
	half := progress.Pace{Days: 50, All: 100}
	for _, c := range []struct {
		name  string
		bar   bar
		scale int64
		pace  progress.Pace
		want  []string
		not   []string
	}{
		{"part of it", bar{20000, 5000, 2000, 1000}, 100, half, []string{
			`<rect class="left" x="0" y="2" width="150"`, `<rect class="spent" x="0" y="2" width="37.5"`, // 50 of 200
			`<rect class="committed" x="37.5" y="2" width="15" height="10" fill="url(#p-committed)"`, `<rect class="gone" x="52.5" y="2" width="7.5"`,
			`<path class="now" d="M75 0v14"/>`, "25.00 10.00 5.00 60.00 50.00%",
		}, []string{`"over"`, "<text", `"end"`}},
		{"beyond it", bar{20000, 25000, 0, 0}, 150, half, []string{
			`<rect class="spent" x="0" y="2" width="100"`, `<rect class="over" x="100" y="2" width="25" height="10" fill="url(#p-over)"`, // 250 of 200, at a scale of 300
			`<path class="now" d="M50 0v14"/>`, `<path class="end" d="M100 1v12"/>`, ">OVER</text>", "over 25.00%",
		}, nil},
		{"far beyond it", bar{20000, 2000000, 0, 0}, 150, half, []string{`<rect class="over" x="100" y="2" width="50"`, "over 9900.00%"}, nil},
		{"spent without it", bar{0, 500, 0, 0}, 150, half, []string{`<rect class="over" x="0" y="2" width="150"`, ">NONE</text>", `aria-label="no budget"`}, []string{"now", "spent"}},
		{"nothing at all", bar{0, 0, 0, 0}, 100, half, []string{`aria-label="no budget"`}, []string{"<rect", "<text", "now"}},
		{"below zero", bar{20000, -500, 0, 0}, 100, half, []string{`<rect class="left" x="0" y="2" width="150"`, "-2.50 0.00 0.00 102.50"}, []string{`"spent"`, `"over"`}},
		{"a budget below zero", bar{-500, 100, 0, 0}, 150, half, []string{`<rect class="over" x="0"`, ">NONE</text>"}, []string{"now"}},
		{"no days", bar{20000, 5000, 0, 0}, 100, progress.Pace{}, []string{`width="37.5"`}, []string{"now", "elapsed"}},
	} {
		w := barWriter{scale: c.scale, over: "OVER", none: "NONE", label: "{{.spent}} {{.committed}} {{.gone}} {{.left}}", labelOver: "over {{.over}}", labelNone: "no budget", labelPace: " elapsed {{.elapsed}}"}
		got := string(w.draw(&c.bar, c.pace))
		plain := strings.ReplaceAll(strings.ReplaceAll(got, "% elapsed", ""), "%", "")
		for _, want := range c.want {
			if !strings.Contains(plain, strings.ReplaceAll(want, "%", "")) {
				t.Errorf("%s has no %s:\n%s", c.name, want, got)
			}
		}
		for _, not := range c.not {
			if strings.Contains(plain, not) {
				t.Errorf("%s has %s:\n%s", c.name, not, got)
			}
		}
	}
}

// TestDrawnNamesAreOnlyText: what a payee is called cannot become part of a picture.
func TestDrawnNamesAreOnlyText(t *testing.T) {
	t.Parallel()
	name := `"><script>alert(1)</script>` + "\x1b[31m\u202e" + strings.Repeat("长", 60)
	var d drawing
	d.named("tick", 0, 0, 20, name, "1.00")
	d.text("tick", "start", 0, 0, name)
	var c chart
	c.ID, c.Desc = "x", name
	d.picture(&c, 100, 100)
	got := string(c.Picture)
	if strings.Contains(got, "<script") || strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "<title>") != 1 {
		t.Errorf("it is drawn as\n%s", got)
	}
	if tags := strings.Count(got, "<"); tags != 12 { // svg, desc, text, tspan, title, text: each opened and closed
		t.Errorf("%d tags in\n%s", tags, got)
	}
}
