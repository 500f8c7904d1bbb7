package browser

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe-core looks for what bars people from a page. It is not ours and not in the tree: it is fetched from an npm registry, and what comes must have this hash, which is
// the registry's own dist.integrity of the version.
const (
	axeArchive   = "axe-core/-/axe-core-4.14.1.tgz"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axe is the script of axe-core.
var axe = sync.OnceValues(func() (string, error) {
	archive, err := axeFile()
	if err != nil {
		return "", err
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("axe.min.js in %s: %w", axeArchive, err)
		}
		if h.Name == "package/axe.min.js" {
			script, err := io.ReadAll(files)
			return string(script), err
		}
	}
})

// axeFile is the archive, out of the user's cache or else the registry. A file of the cache is believed no more than one that comes over the network.
func axeFile() ([]byte, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "fundledger", filepath.Base(axeArchive))
	if archive, err := os.ReadFile(path); err == nil && isAxe(archive) {
		return archive, nil
	}
	registry := cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"), "https://registry.npmjs.org")
	resp, err := http.Get(strings.TrimSuffix(registry, "/") + "/" + axeArchive)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	archive, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s", resp.Request.URL, resp.Status)
	case !isAxe(archive):
		return nil, fmt.Errorf("%s: what came has another hash than %s", resp.Request.URL, axeIntegrity)
	}
	// Written beside it and renamed: another run may be reading. Where nothing can be kept it is fetched again.
	_ = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".new", archive, 0o644), os.Rename(path+".new", path))
	return archive, nil
}

func isAxe(archive []byte) bool {
	sum := sha512.Sum512(archive)
	return base64.StdEncoding.EncodeToString(sum[:]) == axeIntegrity
}

// barriers returns which of the rules (where none are named, those of WCAG 2.2 AA) the page breaks seriously, and where. The colours of a narrow page are those of a wide one.
func (p *tab) barriers(rules ...string) (found []string) {
	p.t.Helper()
	script, err := axe()
	if err != nil {
		lacking(p.t, "axe-core", err)
	}
	if !js[bool](p, `() => "axe" in window`) {
		p.do(chromedp.Evaluate[chromedp.Void](script))
	}
	type violation struct{ ID, Impact, Help, At string }
	at := map[string][]string{}
	for _, v := range js[[]violation](p, `async (rules) => {
		const only = rules ? {type: "rule", values: rules} : {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]};
		const found = await axe.run(document, {runOnly: only, resultTypes: ["violations"], preload: false, rules: rules || innerWidth > 400 ? {} : {"color-contrast": {enabled: false}}});
		return found.violations.flatMap(v => v.nodes.map(n => ({id: v.id, impact: n.impact || v.impact, help: v.help, at: n.html + " " + n.failureSummary})));
	}`, rules) {
		if v.Impact == "serious" || v.Impact == "critical" {
			rule := fmt.Sprintf("%s (%s): %s", v.ID, v.Impact, v.Help)
			at[rule] = append(at[rule], strings.Join(strings.Fields(v.At), " "))
		}
	}
	for rule, nodes := range at {
		found = append(found, fmt.Sprintf("%s: %d times:\n  %s", rule, len(nodes), strings.Join(nodes[:min(len(nodes), 5)], "\n  ")))
	}
	return found
}

// TestBarriersAreNoticed opens a page with barriers, and one without.
func TestBarriersAreNoticed(t *testing.T) {
	t.Parallel()
	p := opened(t, wide)
	for _, c := range []struct{ rule, body string }{
		{"image-alt", `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`},
		{"color-contrast", `<p style="color: #999; background: #aaa">so</p>`},
		{"label", `<input name="amount">`},
		{"", `<main><h1>so</h1><label>amount <input name="amount"></label></main>`},
	} {
		p.visit(`data:text/html,<!DOCTYPE html><html lang="en"><title>t</title>` + strings.ReplaceAll(c.body, "#", "%23"))
		found := p.barriers()
		if c.rule == "" && len(found) > 0 || c.rule != "" && !strings.HasPrefix(strings.Join(found, "\n"), c.rule+" (") {
			t.Errorf("%s: found %q, want %q", c.body, found, c.rule)
		}
	}
}
