package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the root of the module, seen from this package; prefix is how its imports begin.
const (
	module = "../.."
	prefix = "fundledger/"
)

// A source is one Go file of ours that is not a test.
type source struct {
	dir  string // from the module's root, with slashes
	path string
	file *ast.File
	set  *token.FileSet
}

// sources parses every Go file of the module, here and now: a test that asked the go command would be answered from its cache.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(module, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != module && strings.HasPrefix(name, ".") || name == "testdata" || name == "data" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(module, filepath.Dir(path))
		if err != nil {
			return err
		}
		out = append(out, source{filepath.ToSlash(rel), path, file, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found %d Go files, want the whole module", len(out))
	}
	return out
}

// within reports whether a package is dir or stands below it.
func within(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// mayImport says why a package of ours may not import another; "" where it may.
func mayImport(from, to string) string {
	switch {
	case within(from, "cmd"):
		return ""
	case within(to, "cmd"):
		return "cmd is on top of all: it has only wiring and words"
	case within(to, "deploy"):
		return "cmd alone imports deploy"
	case within(from, "deploy"):
		return "deploy imports nothing of ours: an operator can read it alone"
	case from == "events/words":
		return "words say things; they know nothing of what they speak of"
	case from == "events" && to != "events/words":
		return "events is the vocabulary: it does no I/O and stands below everything"
	case within(from, "events") && !within(to, "events"):
		return "events stands below ledger and projections"
	case within(from, "events/proof") && within(to, "events/stream"):
		return "proofs are checked without NATS"
	case within(from, "ledger") && within(to, "projections"):
		return "the ledger never reads a projection: it may lag"
	case within(from, "projections") && within(to, "ledger"):
		return "projections never see the write side: they add up postings"
	case from == "ledger" && within(to, "ledger"):
		return "the decider knows nothing of who asks it"
	case from == "ledger" && within(to, "events/stream"):
		return "the ledger says what it needs of a log; the stream fulfils it"
	}
	return ""
}

func TestImportsPointOneWay(t *testing.T) {
	seen := 0
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			to, ours := strings.CutPrefix(path, prefix)
			if !ours {
				continue
			}
			seen++
			if why := mayImport(s.dir, to); why != "" {
				t.Errorf("%s imports %s: %s", s.path, to, why)
			}
		}
	}
	if seen == 0 {
		t.Fatal("found no import of ours")
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range sources(t) {
		if _, ok := comments[s.dir]; !ok {
			comments[s.dir] = nil
		}
		if s.file.Doc != nil {
			comments[s.dir] = append(comments[s.dir], s.path)
		}
	}
	for dir, files := range comments {
		if len(files) != 1 {
			t.Errorf("package %s has %d package comments %v, want one: it is where a reader begins", dir, len(files), files)
		}
	}
}

// pure are the packages whose results must depend on events alone.
func pure(dir string) bool {
	return dir == "events" || within(dir, "events/rules") || within(dir, "events/proof") ||
		within(dir, "projections") && !within(dir, "projections/web") && !within(dir, "projections/live")
}

func TestFoldsHaveNoClockFloatOrPrint(t *testing.T) {
	banned := map[string]map[string]string{
		"time": {"Now": "clock", "Since": "clock", "Until": "clock", "After": "clock", "Tick": "clock", "NewTimer": "clock", "Sleep": "clock"},
		"fmt":  {"Print": "print", "Printf": "print", "Println": "print"},
		"os":   {"Stdout": "print", "Stderr": "print", "Getenv": "environment"},
		"rand": {"Int": "random number", "IntN": "random number", "Read": "random number"},
	}
	checked := 0
	for _, s := range sources(t) {
		if !pure(s.dir) {
			continue
		}
		checked++
		spreadsheet := filepath.Base(s.path) == "xlsx.go" // whose widths and numbers are floats; a test holds that no amount becomes another
		ast.Inspect(s.file, func(n ast.Node) bool {
			what := ""
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Obj == nil {
					what = banned[pkg.Name][n.Sel.Name]
				}
			case *ast.Ident:
				switch n.Name {
				case "float32", "float64":
					if !spreadsheet {
						what = "float"
					}
				case "println", "print":
					if n.Obj == nil {
						what = "print"
					}
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT && !spreadsheet {
					what = "float"
				}
			}
			if what != "" {
				t.Errorf("%s: a %s: what is folded must come out the same at any time on any machine", s.set.Position(n.Pos()), what)
			}
			return true
		})
	}
	if checked < 8 {
		t.Fatalf("looked at %d files, want all of events and projections", checked)
	}
}

func TestTopLevelHoldsThePlanOfTheHouse(t *testing.T) {
	plan := map[string]bool{}
	for name := range strings.FieldsSeq("cmd ledger projections events deploy Makefile go.mod go.sum README.md README.zh-CN.md LICENSE .ci .gitignore .git data bin") {
		plan[name] = true
	}
	entries, err := os.ReadDir(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !plan[e.Name()] {
			t.Errorf("%s stands at the top level: a reader would have to learn it", e.Name())
		}
	}
}

func TestMayImportKnowsBadArrows(t *testing.T) {
	for _, arrow := range [][2]string{
		{"ledger", "projections"},
		{"projections/history", "ledger"},
		{"events", "ledger"},
		{"events", "events/stream"},
		{"events/proof", "events/stream"},
		{"ledger/api", "cmd/fundledger"},
		{"deploy", "events"},
		{"ledger", "events/stream"},
	} {
		if mayImport(arrow[0], arrow[1]) == "" {
			t.Errorf("mayImport(%s, %s) allows it", arrow[0], arrow[1])
		}
	}
}
