package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"fundledger/events/words"
)

//go:embed console words
var consoleFiles embed.FS

// Asset is the address of a file of the console. It has the hash of all of them, so that it may be kept for ever.
func (v *view) Asset(name string) string { return "/assets/" + assetsVersion + "/" + name }

// Theme is whether somebody has chosen dark or light pages; "" is as their system has it. The script that lets them choose keeps it in a cookie, so that no page is light
// for a moment before it is dark.
func (v *view) Theme() string {
	if c, err := v.r.Cookie("fundledger-theme"); err == nil && (c.Value == "dark" || c.Value == "light") {
		return c.Value
	}
	return ""
}

// Mark is the picture beside the name: in the page, since to ask for it would take longer than to draw it.
func (v *view) Mark() template.HTML { return template.HTML(assets["icon.svg"]) }

// layouts has the whole page for each template.
var layouts = func() map[string]*template.Template {
	root := template.Must(template.New("").ParseFS(consoleFiles, "console/layout.html", "console/drawn.html"))
	out := map[string]*template.Template{}
	files, err := fs.Glob(consoleFiles, "console/*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "drawn" {
			continue
		}
		out[name] = template.Must(template.Must(root.Clone()).ParseFS(consoleFiles, file))
	}
	return out
}()

// assets are the files of the console by their names.
var assets, assetsVersion = func() (map[string][]byte, string) {
	all := map[string][]byte{}
	hash := sha256.New()
	files, err := fs.Glob(consoleFiles, "console/assets/*")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		data, err := consoleFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		all[path.Base(file)] = data
		fmt.Fprintf(hash, "%s %d\n", file, len(data))
		hash.Write(data)
	}
	return all, hex.EncodeToString(hash.Sum(nil)[:8])
}()

// asset answers with a file of the console.
func (s *site) asset(w http.ResponseWriter, r *http.Request, _ words.Language) error {
	data, found := assets[r.PathValue("name")]
	if !found {
		return fault{choice("name", clip(r.PathValue("name")), slices.Sorted(maps.Keys(assets))), http.StatusNotFound}
	}
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	if r.PathValue("version") == assetsVersion {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Del("Vary")
	header.Set("Content-Type", mime.TypeByExtension(path.Ext(r.PathValue("name"))))
	compressed(w, r, http.StatusOK, data)
	return nil
}
