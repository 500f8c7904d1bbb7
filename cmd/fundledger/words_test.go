package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/words"
)

var placeholder = regexp.MustCompile(`\{\{[^}]*\.([A-Za-z_]+)[^}]*\}\}`)

func TestCommandWordsInBothLanguages(t *testing.T) {
	t.Parallel()
	en, zh := texts.Names(words.English), texts.Names(words.Chinese)
	for _, name := range en {
		if !slices.Contains(zh, name) {
			t.Errorf("%s is not said in Chinese", name)
		}
	}
	for _, name := range zh {
		if !slices.Contains(en, name) {
			t.Errorf("%s is not said in English", name)
			continue
		}
		fields := func(lang words.Language) (all []string) {
			for _, m := range placeholder.FindAllStringSubmatch(texts.Text(lang, name), -1) {
				all = append(all, m[1])
			}
			slices.Sort(all)
			return slices.Compact(all)
		}
		if e, z := fields(words.English), fields(words.Chinese); !slices.Equal(e, z) {
			t.Errorf("%s speaks of %v in English and of %v in Chinese", name, e, z)
		}
		if texts.Text(words.English, name) == texts.Text(words.Chinese, name) && !strings.HasPrefix(name, "example.") {
			t.Errorf("%s is the same in both languages", name)
		}
	}
}

// literal returns a text constant, "" for anything else.
func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return s
}

// name of the function or method called.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func TestCommandWordsAreUsed(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	var prefixes []string
	for _, s := range sources(t) {
		if s.dir != "cmd/fundledger" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			at := slices.Index([]string{"say", "note", "", "Say", "Find"}, called(call))
			if at < 0 || called(call) == "" {
				return true
			}
			if name := called(call); name == "Say" || name == "Find" {
				if f, ok := call.Fun.(*ast.SelectorExpr); !ok || len(call.Args) < 2 || types(f.X) != "texts" {
					return true
				}
				call.Args = call.Args[1:]
			}
			switch arg := call.Args[0].(type) {
			case *ast.BinaryExpr:
				if p := literal(arg.X); p != "" {
					prefixes = append(prefixes, p)
				}
			default:
				name := literal(arg)
				if name == "" {
					return true // handed on
				}
				used[name] = true
				if !texts.Has(name) {
					t.Errorf("%s: there are no words %s", s.set.Position(call.Pos()), name)
				}
			}
			return true
		})
	}
	if len(used) < 40 {
		t.Fatalf("found %d names that are said, want those of the whole command line", len(used))
	}
	for _, name := range texts.Names(words.English) {
		if !used[name] && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			t.Errorf("nobody says %s", name)
		}
	}
}

func types(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// refusing are the functions that take a code and a Why, or a Why alone, with the places of the two among the arguments; -1 is none, and
// the code is then the one given.
var refusing = map[string]struct {
	code, why int
	given     events.Code
}{
	"refuse":   {0, 1, ""},
	"tampered": {-1, 0, events.Tampered},
	"fault":    {-1, 0, events.Tampered},
	"badValue": {-1, 0, events.BadValue},
}

// TestEveryWhyHasWords fails where a wording is chosen that there is not: the message would silently be the general one of the code.
func TestEveryWhyHasWords(t *testing.T) {
	t.Parallel()
	found := 0
	for _, s := range sources(t) {
		if !within(s.dir, "ledger") && !within(s.dir, "events") && !within(s.dir, "projections") && !within(s.dir, "cmd") {
			continue
		}
		check := func(n ast.Node, why string) {
			if why == "" {
				return
			}
			found++
			suffix := "." + why
			if !slices.ContainsFunc(words.Ledger.Names(words.English), func(name string) bool {
				return strings.HasPrefix(name, "code.") && strings.HasSuffix(name, suffix) && strings.Count(name, ".") == 2
			}) {
				t.Errorf("%s: no code has words for the case %q", s.set.Position(n.Pos()), why)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if types(n.Key) == "Why" {
					check(n, literal(n.Value))
				}
			case *ast.CallExpr:
				if f, ok := refusing[called(n)]; ok && f.why < len(n.Args) {
					check(n, literal(n.Args[f.why]))
				}
			case *ast.AssignStmt: // why := "…" that is handed on
				for i, left := range n.Lhs {
					if types(left) == "why" && i < len(n.Rhs) {
						check(n, literal(n.Rhs[i]))
					}
				}
			}
			return true
		})
	}
	if found < 60 {
		t.Fatalf("found %d cases, want those of the whole module", found)
	}
}

// Every message and hint can be said with nothing known, and with everything that it speaks of.
func TestEveryMessageRenders(t *testing.T) {
	t.Parallel()
	catalogues := map[string]*words.Catalogue{"events": words.Ledger, "cmd": texts}
	for room, c := range catalogues {
		for _, lang := range words.Languages {
			for _, name := range c.Names(lang) {
				full := map[string]string{}
				for _, m := range placeholder.FindAllStringSubmatch(c.Text(lang, name), -1) {
					full[m[1]] = "1000"
				}
				for _, args := range []map[string]string{nil, full} {
					got := c.Say(lang, name, args)
					if got == name || strings.Contains(got, "<no value>") || strings.Contains(got, "{{") {
						t.Errorf("%s %s in %s: %q", room, name, lang, got)
					}
				}
			}
		}
	}
	all := append(slices.Concat(events.Refusals, events.Flags, events.Failures), events.Tampered, events.TooSlow)
	for _, code := range all {
		for _, lang := range words.Languages {
			e := &events.Error{Code: code}
			if m, h := e.Message(lang), e.Hint(lang); m == "" || strings.HasPrefix(m, "code.") || h == "" {
				t.Errorf("%s in %s says %q and %q", code, lang, m, h)
			}
		}
	}
}
