// Package reference holds the reference fund: the commands of a real fund's year, written from its published evaluation report. SOURCES.md beside
// this file says where each number comes from, what is stated there and what is inferred.
package reference

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.jsonl
var files embed.FS

// Names lists the samples there are.
func Names() []string {
	paths, err := fs.Glob(files, "*.jsonl")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = strings.TrimSuffix(p, ".jsonl")
	}
	return names
}

// Commands returns a sample's commands as JSON Lines; "" is the reference fund, cd-gx.
func Commands(name string) ([]byte, error) {
	if name == "" {
		name = "cd-gx"
	}
	data, err := files.ReadFile(name + ".jsonl")
	if err != nil {
		return nil, fmt.Errorf("there is no sample %q", name)
	}
	return data, nil
}
