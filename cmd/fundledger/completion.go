package main

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// shells are those that a script can be made for.
var shells = []struct {
	name string
	make func(*cobra.Command, io.Writer) error
}{
	{"bash", func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) }},
	{"zsh", (*cobra.Command).GenZshCompletion},
	{"fish", func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) }},
	{"powershell", (*cobra.Command).GenPowerShellCompletionWithDesc},
}

func (a *app) completionCommand() *cobra.Command {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return &cobra.Command{
		Use: "completion " + strings.Join(names, "|"), Short: a.say("cmd.completion", nil), Example: a.say("example.completion", nil),
		Args: cobra.MaximumNArgs(1), ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			at := slices.Index(names, name)
			if at < 0 {
				return a.noShell(name, strings.Join(names, ", "))
			}
			return shells[at].make(cmd.Root(), a.stdout)
		},
	}
}

func (a *app) noShell(name, choices string) error {
	return usageError{errors.New(a.say("error.shell", map[string]string{"value": strconv.Quote(name), "choices": choices}))}
}
