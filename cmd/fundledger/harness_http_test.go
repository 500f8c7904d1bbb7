package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/ledger"
)

// site is where a server says that it serves over HTTP.
func (s *server) site(t *testing.T) string {
	t.Helper()
	url := regexp.MustCompile(`http://[^ ;"]+`).FindString(s.err.String())
	if url == "" {
		t.Fatalf("serve says %s", s.err)
	}
	return url
}

// read waits until the pages show an event.
func (s *server) read(t *testing.T, n int) {
	t.Helper()
	if status, text := fetch(t, "GET", fmt.Sprintf("%s/v1/funds/f?wait=%d", s.site(t), n), ""); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
}

// sampleSite serves the reference fund, and returns where.
func sampleSite(t *testing.T) string {
	t.Helper()
	return onFolder(t).serving(t, "--sample", "--http", ":0").site(t)
}

// servingFund serves the fund f of these commands, each of which has to be appended, and returns when the pages show them.
func servingFund(t *testing.T, commands string) (*program, *server) {
	t.Helper()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	rs := p.append(t, commands)
	refused := slices.ContainsFunc(rs, func(r ledger.Receipt) bool { return r.Status != ledger.Appended })
	if n := strings.Count(commands, "\n"); refused || len(rs) != n {
		t.Fatalf("of %d commands it says %s", n, statuses(rs))
	}
	s.read(t, len(rs))
	return p, s
}

// asking is a request. Headers are names and values in turn.
func asking(ctx context.Context, t testing.TB, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// A reply is the answer to a question over HTTP, with its body read.
type reply struct {
	*http.Response
	text string
}

// get asks a question. Headers are names and values in turn.
func get(t testing.TB, url string, headers ...string) reply {
	t.Helper()
	return request(t, "GET", url, headers...)
}

func request(t testing.TB, method, url string, headers ...string) reply {
	t.Helper()
	return answerTo(t, http.DefaultClient, asking(t.Context(), t, method, url, "", headers...))
}

func answerTo(t testing.TB, c *http.Client, r *http.Request) reply {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(data)}
}

// fetch sends a request and returns the status and the body of the answer. Headers are names and values in turn.
func fetch(t *testing.T, method, url, body string, headers ...string) (status int, text string) {
	t.Helper()
	got := answerTo(t, http.DefaultClient, asking(t.Context(), t, method, url, body, headers...))
	return got.StatusCode, got.text
}

// withParam adds a parameter to a path.
func withParam(path, param string) string {
	if strings.Contains(path, "?") {
		return path + "&" + param
	}
	return path + "?" + param
}
