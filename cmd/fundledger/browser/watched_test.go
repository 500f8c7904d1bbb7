package browser

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestFaultsAreNoticed opens a page with every fault that a page can have: were one of them not noticed, no other test could fail for it.
func TestFaultsAreNoticed(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	body := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src *")
		switch r.URL.Path {
		case "/script":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(body))
		case "/":
			_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>t</title><script src="/script"></script>`))
		case "/style":
			_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>t</title><p style="color: red">`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	p := opened(t, wide, strings.TrimPrefix(s.URL, "http://"))
	for _, c := range []struct{ what, path, script string }{
		{"console.error: \"so\"", "/", `console.error("so")`},
		{"console.warning", "/", `console.warn("so")`},
		{"exception at", "/", `undefined.x`},
		{"exception at", "/", `Promise.reject(new Error("so"))`},
		{"ContentSecurityPolicyIssue", "/style", ""},
		{"the browser's log has error of network", "/", `fetch("/nothing")`},
		{"another host is asked", "/", `fetch("` + other.URL + `").catch(() => {})`},
		{"a dialog opens: alert", "/", `alert("so")`},
	} {
		body = "setTimeout(() => document.documentElement.dataset.end = 1, 200);\n" + c.script
		p.visit(s.URL + c.path)
		if c.path == "/" {
			p.await(c.what, `() => "end" in document.documentElement.dataset`)
		}
		if got := p.found(); !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, c.what) }) {
			t.Errorf("%s: noticed only %q", c.what, got)
		}
		p.mu.Lock()
		p.faults = nil
		p.mu.Unlock()
	}
	body = ""
	p.visit(s.URL)
	if got := p.found(); len(got) != 0 {
		t.Errorf("a page without faults has %q", got)
	}
}
