package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fundledger/events"
	"fundledger/ledger"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script use these commands besides testscript's own. All run in the script's folder, on its data folder "data", at the
// time that NOW says (RFC 3339).
//
//	fundledger ARGS…           runs the program, which must end with 0; with ! it must not
//	exit N                     the last run ended with N
//	receipts WORD…             what became of each command of the last run: STATUS[/CODE][=NUMBER][+FLAG…]
//	refuses CODE ARGS… FILE    appends FILE in English and in Chinese: its last command is refused with CODE, nothing is stored
//	flags CODE FILE            appends FILE: its last command is stored and carries the flag CODE
//	count N                    so many events are stored
//	cell YEAR LINE MEASURE VALUE ARGS…   a cell of the execution table; LINE may be "lot:NAME"; VALUE may be null
//	figure YEAR NAME VALUE ARGS…         a figure of the report
//	exceptions YEAR [--FLAG=VALUE…] CODE:LINE:AMOUNT…    the open exceptions of a year, sorted
//	serve                      runs a server on the folder until the script ends
//	together FILE FILE         appends two files at the same time: one of them is stored, the other refused for want of money
//	repeat N FILE OUT          writes a file N times into another
//	edit FILE OLD NEW    puts NEW in the place of OLD, which must be there
//	keep NAME MEMBER           sets a variable to what a member of the last run's JSON says
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NOW", today.Format(time.RFC3339))
			env.Values["code"] = new(int)
			env.Values["out"] = new(string)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fundledger": func(ts *testscript.TestScript, neg bool, args []string) {
				got := runScript(ts, args...)
				if (got.code == exitOK) == neg {
					ts.Fatalf("exit %d\n%s%s", got.code, got.out, got.err)
				}
			},
			"exit": func(ts *testscript.TestScript, _ bool, args []string) {
				if got := strconv.Itoa(*ts.Value("code").(*int)); got != args[0] {
					ts.Fatalf("exit %s, want %s", got, args[0])
				}
			},
			"receipts": func(ts *testscript.TestScript, _ bool, args []string) {
				rs := scriptReceipts(ts, *ts.Value("out").(*string))
				if len(rs) != len(args) {
					ts.Fatalf("%d receipts, want %d: %s", len(rs), len(args), statuses(rs))
				}
				for i, want := range args {
					got := statuses(rs[i : i+1])
					if strings.Contains(want, "=") {
						at, flags, _ := strings.Cut(got, "+")
						got = at + "=" + rs[i].Seq.String()
						if flags != "" {
							got += "+" + flags
						}
					}
					if got != want {
						ts.Fatalf("command %d is %s, want %s", i+1, got, want)
					}
				}
			},
			"edit": func(ts *testscript.TestScript, _ bool, args []string) {
				text := ts.ReadFile(args[0])
				if !strings.Contains(text, args[1]) {
					ts.Fatalf("%s does not have %q:\n%s", args[0], args[1], text)
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
			},
			"refuses": cmdRefuses,
			"flags":   cmdFlags,
			"count": func(ts *testscript.TestScript, _ bool, args []string) {
				if n := len(scriptEvents(ts)); strconv.Itoa(n) != args[0] {
					ts.Fatalf("%d events are stored, want %s", n, args[0])
				}
			},
			"cell": func(ts *testscript.TestScript, _ bool, args []string) {
				got := runScript(ts, append([]string{"table", "execution", "--fund", "f", "--year", args[0], "--format", "json"}, args[4:]...)...)
				wantCell(ts, cell(ts, got, args[1], args[2]), args[3])
			},
			"figure": func(ts *testscript.TestScript, _ bool, args []string) {
				got := runScript(ts, append([]string{"report", "--fund", "f", "--year", args[0], "--format", "json"}, args[3:]...)...)
				var report struct {
					Figures map[string]struct{ Value any }
				}
				ts.Check(json.Unmarshal([]byte(got.out), &report))
				f, ok := report.Figures[args[1]]
				if !ok {
					ts.Fatalf("there is no figure %s:\n%s%s", args[1], got.out, got.err)
				}
				wantCell(ts, f.Value, args[2])
			},
			"exceptions": func(ts *testscript.TestScript, _ bool, args []string) {
				flags := args[1:]
				for i, arg := range flags {
					if !strings.HasPrefix(arg, "--") {
						flags = flags[:i]
						break
					}
				}
				for _, lang := range []string{"en", "zh"} {
					out := runScript(ts, append([]string{"table", "exceptions", "--fund", "f", "--year", args[0], "--format", "json", "--lang", lang}, flags...)...).out
					var table struct {
						Rows []struct{ Code, Line, Amount, Message any }
					}
					ts.Check(json.Unmarshal([]byte(out), &table))
					var got []string
					for _, r := range table.Rows {
						w := fmt.Sprint(r.Code)
						for _, v := range []any{r.Line, r.Amount} {
							if v == nil {
								v = ""
							}
							w += ":" + fmt.Sprint(v)
						}
						got = append(got, w)
						if m, ok := r.Message.(string); !ok || m == "" || strings.Contains(m, "<no value>") {
							ts.Fatalf("the exception %s says %v", w, r.Message)
						}
					}
					slices.Sort(got)
					if want := args[1+len(flags):]; !slices.Equal(got, want) {
						ts.Fatalf("open exceptions are %q, want %q", got, want)
					}
				}
			},
			"serve": func(ts *testscript.TestScript, _ bool, _ []string) {
				p := &program{folder: ts.MkAbs("data")}
				server, err := p.serve()
				ts.Check(err)
				ts.Defer(func() {
					if got := server.stop(); got.code != exitOK {
						ts.Fatalf("serve: exit %d: %s", got.code, got.err)
					}
				})
			},
			"together": func(ts *testscript.TestScript, _ bool, args []string) {
				p := &program{folder: ts.MkAbs("data")}
				got := make([]string, len(args))
				var all sync.WaitGroup
				for i, file := range args {
					all.Go(func() {
						var out, errs bytes.Buffer
						run(context.Background(), p.app(&out, &errs, "append", ts.MkAbs(file)))
						got[i] = statuses(scriptReceipts(ts, out.String())) + errs.String()
					})
				}
				all.Wait()
				slices.Sort(got)
				if want := []string{"appended", "refused/over-budget"}; !slices.Equal(got, want) {
					ts.Fatalf("it came to %q, want %q", got, want)
				}
			},
			"keep": func(ts *testscript.TestScript, _ bool, args []string) {
				var out map[string]any
				ts.Check(json.Unmarshal([]byte(*ts.Value("out").(*string)), &out))
				ts.Setenv(args[0], fmt.Sprint(out[args[1]]))
			},
			"repeat": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[0])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.Repeat(ts.ReadFile(args[1]), n)), 0o600))
			},
		},
	})
}

// runScript runs the program inside a script.
func runScript(ts *testscript.TestScript, args ...string) outcome {
	now, err := time.Parse(time.RFC3339, ts.Getenv("NOW"))
	ts.Check(err)
	args = slices.Clone(args)
	for i, arg := range args {
		if slices.Contains([]string{".jsonl", ".csv", ".json", ".xlsx"}, filepath.Ext(arg)) {
			args[i] = ts.MkAbs(arg)
		}
	}
	p := &program{folder: ts.MkAbs("data"), now: func() time.Time { return now }}
	var out, errs bytes.Buffer
	a := p.app(&out, &errs, args...)
	a.here = ts.MkAbs(".")
	code := run(context.Background(), a)
	_, _ = ts.Stdout().Write(out.Bytes())
	_, _ = ts.Stderr().Write(errs.Bytes())
	*ts.Value("code").(*int) = code
	*ts.Value("out").(*string) = out.String()
	return outcome{code, out.String(), errs.String()}
}

func scriptReceipts(ts *testscript.TestScript, out string) (rs []ledger.Receipt) {
	for line := range strings.Lines(out) {
		var r ledger.Receipt
		ts.Check(json.Unmarshal([]byte(line), &r))
		if fault := receiptFault(&r); fault != "" {
			ts.Fatalf("receipt %s: %s", line, fault)
		}
		rs = append(rs, r)
	}
	return rs
}

func scriptEvents(ts *testscript.TestScript) (all []event) {
	if _, err := os.Stat(filepath.Join(ts.MkAbs("data"), "lock")); err != nil {
		return nil
	}
	got := runScript(ts, "events")
	if got.code != exitOK {
		ts.Fatalf("events: exit %d: %s", got.code, got.err)
	}
	for line := range strings.Lines(got.out) {
		var e event
		ts.Check(json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	return all
}

func cmdRefuses(ts *testscript.TestScript, _ bool, args []string) {
	before := len(scriptEvents(ts))
	said := map[string]bool{}
	for _, lang := range []string{"en", "zh"} {
		got := runScript(ts, append([]string{"append", "--lang", lang}, args[1:]...)...)
		if got.code != exitRefused {
			ts.Fatalf("exit %d, want %d\n%s%s", got.code, exitRefused, got.out, got.err)
		}
		if got.err != "" {
			ts.Fatalf("what belongs on standard output is said on standard error: %s", got.err)
		}
		rs := scriptReceipts(ts, got.out)
		refused := slices.IndexFunc(rs, func(r ledger.Receipt) bool { return r.Status == ledger.Refused })
		if refused < 0 || string(rs[refused].Code) != args[0] {
			ts.Fatalf("receipts %s, want one refused with %s", statuses(rs), args[0])
		}
		r := &rs[refused]
		if said[r.Message] || said[r.Hint] {
			ts.Fatalf("%s is said in one language only", args[0])
		}
		said[r.Message], said[r.Hint] = true, true
	}
	if after := len(scriptEvents(ts)); after != before {
		ts.Fatalf("%d events are stored, %d before", after, before)
	}
}

func cmdFlags(ts *testscript.TestScript, _ bool, args []string) {
	got := runScript(ts, "append", args[1])
	if got.code != exitOK {
		ts.Fatalf("exit %d, want 0\n%s%s", got.code, got.out, got.err)
	}
	rs := scriptReceipts(ts, got.out)
	last := rs[len(rs)-1]
	if code := events.Code(args[0]); last.Status != ledger.Appended || !slices.Contains(last.Flags, code) {
		ts.Fatalf("receipts %s, want the last stored with the flag %s", statuses(rs), code)
	}
	all := scriptEvents(ts)
	if e := all[len(all)-1]; e.ID != last.ID || e.Sequence != last.Seq || !slices.Equal(e.Data.Flags, last.Flags) {
		ts.Fatalf("the log ends with %v, the receipt is %v", e, last)
	}
}

// cell finds a cell of an execution table in JSON.
func cell(ts *testscript.TestScript, got outcome, line, measure string) any {
	if got.code != exitOK {
		ts.Fatalf("exit %d: %s", got.code, got.err)
	}
	var table struct {
		Rows, Lots []map[string]any
		Total      map[string]any
	}
	ts.Check(json.Unmarshal([]byte(got.out), &table))
	rows, key := append(table.Rows, table.Total), "line"
	if lot, ok := strings.CutPrefix(line, "lot:"); ok {
		rows, key, line = table.Lots, "lot", lot
	}
	for _, r := range rows {
		if v, ok := r[measure]; ok && r[key] == line {
			return v
		}
	}
	ts.Fatalf("no %s of %s in\n%s", measure, line, got.out)
	return nil
}

func wantCell(ts *testscript.TestScript, got any, want string) {
	text := "null"
	if got != nil {
		text = fmt.Sprint(got)
	}
	if text != want {
		ts.Fatalf("it is %s, want %s", text, want)
	}
}

// TestEveryCodeHasAScript fails where a code is added and nobody shows how the command line answers it.
func TestEveryCodeHasAScript(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, c := range events.Refusals {
		want["code-"+string(c)] = true
	}
	for _, c := range events.Flags {
		want["flag-"+string(c)] = true
	}
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txtar")
		have[name] = true
		if prefix, _, _ := strings.Cut(name, "-"); (prefix == "code" || prefix == "flag") && !want[name] {
			t.Errorf("%s is about a code that there is not", f)
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		verb, code, _ := strings.Cut(name, "-")
		step := map[string]string{"code": "\nrefuses " + code + " ", "flag": "\nflags " + code + " "}[verb]
		if step != "" && !bytes.Contains(data, []byte(step)) {
			t.Errorf("%s does not have the step %q", f, strings.TrimSpace(step))
		}
	}
	for _, id := range strings.Fields("01 02 03 04 05 07 08 09 10 11 12 13 14 15 16 17 18 20 22 28 29 30") {
		want["edge-E"+id] = true
	}
	for name := range want {
		if !have[name] {
			t.Errorf("there is no testdata/script/%s.txtar", name)
		}
	}
}
