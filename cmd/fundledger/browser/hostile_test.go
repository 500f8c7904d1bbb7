package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// hostile are names that a payee could have to harm who reads them.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`</style></title></textarea><svg onload=alert(1)>`,
	`javascript:alert(1)`,
	`{{.}}${alert(1)}`,
	`=cmd|' /C calc'!A0`,
	"公司\u202e司公付支",
	strings.Repeat("长", 499) + "尾",
	strings.Repeat("W", 500), // the most that there can be
	strings.Repeat("W", 2000),
}

// TestHostileNames has payees, a fund, lines and references of such names, and opens every screen that shows them.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := serving(t)
	text := func(s string) string {
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	commands := fmt.Sprintf(`{"kind":"fund-opened","fund":"h","year":2022,"name":%[1]s,"name_en":%[1]s,"lines":[{"code":"1","name":%[1]s,"name_en":%[1]s},{"code":"2","name":%[2]s}]}
{"kind":"appropriated","fund":"h","year":2022,"date":"2022-01-01","line":"1","amount":"1000.00","stage":"original"}
`, text(hostile[1]+hostile[6]), text(hostile[6]))
	for i, name := range hostile {
		commands += fmt.Sprintf(`{"kind":"disbursed","fund":"h","year":2022,"date":"2022-05-01","line":"1","amount":"1.%02d","channel":"payment","payee":{"name":%[2]s},"purpose":%[2]s,"voucher":{"issuer":%[3]s,"year":2022,"type":"pay","number":"%[1]d"}}`,
			i, text(name), text(hostile[0])) + "\n"
	}
	stored := map[string]int{}
	for i, line := range slices.Collect(strings.Lines(program(t, s.folder, commands, "append"))) {
		var r receipt
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Status == "appended" && i >= 2:
			stored[hostile[i-2]] = r.Seq
		case r.Status != "appended" && i < 2:
			t.Fatal(line)
		case r.Status != "appended" && len(hostile[i-2]) < 2000:
			t.Errorf("the ledger does not take %.30q: %s", hostile[i-2], r.Message)
		}
	}
	if stored[hostile[len(hostile)-1]] > 0 {
		t.Error("the ledger takes a name of 2,000 characters")
	}
	year := "/funds/h/years/2022"
	paths := []string{"/", "/payees", "/funds/h/diff?from=1", "/funds/h", year, year + "/charts", year + "/lines/1", year + "/payments", year + "/progress", year + "/figures", year + "/ageing?by=payee", "/funds/h/post", "/funds/h/post/disbursed", "/funds/h/post/refund", "/funds/h/import"}
	for _, seq := range stored {
		paths = append(paths, fmt.Sprint("/funds/h/events/", seq))
	}
	slices.Sort(paths)
	p := open(t, s, narrow)
	shown := map[string]bool{}
	for i, path := range paths {
		for _, lang := range languages[i%2 : i%2+1] { // names are in none
			p.visit(inLanguage(s, path, lang))
			p.awaitScript()
			p.reflows(path + " in " + lang)
			got := js[struct {
				Text, Raw string
				Made      []string
			}](p, `() => ({
				text: document.body.textContent.replace(/\s+/g, " "),
				raw: [...document.body.textContent].filter(c => /[\u202a-\u202e\u2066-\u2069]/.test(c)).join(),
				made: [...document.querySelectorAll("main script, main style, [onerror], [onload], img[src='x'], a[href^='javascript:']")].map(e => e.outerHTML.slice(0, 100)),
			})`)
			if len(got.Made) > 0 {
				t.Errorf("%s in %s: a name has become %q", path, lang, got.Made)
			}
			if got.Raw != "" {
				t.Errorf("%s in %s: a name turns the direction of what follows it", path, lang)
			}
			for name := range stored {
				shown[name] = shown[name] || strings.Contains(got.Text, name)
			}
		}
	}
	for name := range stored {
		if !shown[name] && !strings.Contains(name, "\u202e") {
			t.Errorf("no page shows %.40q as it is", name)
		}
	}
	// In the address as well.
	for _, name := range hostile[:6] {
		for path, param := range map[string]string{"/payees": "payee", year + "/payments": "where", year: "as_of", year + "/lines/1": "from", "/funds/h/post/disbursed": "payee"} {
			p.pass(`status of (404|422)`) // it is refused in words
			p.visit(inLanguage(s, path, "zh", param, name))
			p.await("a page", `() => document.querySelectorAll("h1").length == 1`)
			p.reflows(path + " with " + name)
		}
	}
}
