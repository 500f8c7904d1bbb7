package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeTranscripts pastes the transcript of each README into a shell at the module's root and compares what is printed. A … in the README
// stands for what differs from run to run: times, and the roots that depend on them.
func TestReadmeTranscripts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"README.md", "README.zh-CN.md"} { // one after the other: the second finds built what the first has built
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(module, name))
			if err != nil {
				t.Fatal(err)
			}
			commands, want := transcript(t, string(text))
			var script strings.Builder
			for i, c := range commands {
				fmt.Fprintf(&script, "echo '@%d'\n%s\n", i, c)
			}
			shell := exec.CommandContext(t.Context(), "bash", "-c", script.String())
			shell.Dir = module
			shell.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			out, err := shell.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for i, part := range regexp.MustCompile(`(?m)^@\d+\n`).Split(string(out), -1)[1:] {
				form := strings.ReplaceAll(regexp.QuoteMeta(want[i]), "…", ".*")
				if !regexp.MustCompile("^" + form + "$").MatchString(part) {
					t.Errorf("$ %s\nprinted\n%s\nthe README says\n%s", commands[i], part, want[i])
				}
			}
		})
	}
}

// transcript reads the console block: lines that begin with "$ " are commands, the others what they print.
func transcript(t *testing.T, text string) (commands, output []string) {
	t.Helper()
	_, block, found := strings.Cut(text, "```console\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("there is no transcript")
	}
	for line := range strings.Lines(block) {
		if c, ok := strings.CutPrefix(line, "$ "); ok {
			commands = append(commands, strings.TrimSuffix(c, "\n"))
			output = append(output, "")
			continue
		}
		output[len(output)-1] += line
	}
	if len(commands) < 5 {
		t.Fatalf("the transcript has only %q", commands)
	}
	return commands, output
}
