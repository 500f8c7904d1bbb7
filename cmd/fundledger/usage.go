package main

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"

	"fundledger/ledger/desk"
	"fundledger/projections"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A hinted is an error with what to do next, in the words of the language already.
type hinted struct{ message, hint string }

func (e hinted) Error() string { return e.message }

// The complaints of cobra that have no type of their own.
var (
	unknownCommand = regexp.MustCompile(`^unknown command "(.*?)" for "(.*?)"`)
	tooManyArgs    = regexp.MustCompile(`^accepts at most (\d+) arg\(s\), received \d+`)
	wrongArgs      = regexp.MustCompile(`^(?:accepts|requires at least|accepts between \d+ and) (\d+) arg\(s\)`)
	badArgument    = regexp.MustCompile(`^invalid argument "(.*?)" for "(.*?)"`)
)

// usage puts cobra's complaint about the command line into words of ours, which say what to do.
func (a *app) usage(root *cobra.Command, err error) error {
	command := "fundledger"
	if c, _, findErr := root.Find(a.args); findErr == nil {
		command = c.CommandPath()
	}
	see := a.say("usage.see", map[string]string{"command": command})
	var (
		unknown  *pflag.NotExistError
		noValue  *pflag.ValueRequiredError
		badValue *pflag.InvalidValueError
		badForm  *pflag.InvalidSyntaxError
	)
	complaint := func(name, value string) error {
		return hinted{a.say("usage."+name, map[string]string{"value": value, "command": command}), see}
	}
	switch {
	case errors.As(err, &unknown):
		name, dash := unknown.GetSpecifiedName(), "--"
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name, dash = short, "-"
		}
		c, _, findErr := root.Find(a.args)
		if findErr != nil {
			c = root
		}
		var flags []string
		c.InheritedFlags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		if having := desk.Having(name); c.HasParent() && c.Parent().Name() == "post" && len(having) > 0 {
			var kinds []string
			for _, s := range having {
				kinds = append(kinds, s.Name())
			}
			return hinted{a.say("usage.flag", map[string]string{"value": "--" + name, "command": command}), a.say("usage.flag-of", map[string]string{"choices": strings.Join(kinds, " ")})}
		}
		if like := near(name, flags); len(like) > 0 {
			return hinted{a.say("usage.flag", map[string]string{"value": dash + name, "command": command}), a.say("usage.like", map[string]string{"value": "--" + like[0]})}
		}
		return complaint("flag", dash+name)
	case errors.As(err, &noValue):
		return complaint("no-value", "--"+noValue.GetFlag().Name)
	case errors.As(err, &badValue):
		return hinted{a.say("usage.bad-value", map[string]string{"flag": "--" + badValue.GetFlag().Name, "value": badValue.GetValue()}), see}
	case errors.As(err, &badForm):
		return complaint("flag", badForm.GetSpecifiedFlag())
	}
	text := err.Error()
	if m := unknownCommand.FindStringSubmatch(text); m != nil {
		command = m[2]
		if c, _, findErr := root.Find(a.args); findErr == nil && c != root {
			return hinted{a.say("usage.extra", map[string]string{"value": m[1], "command": command}), a.say("usage.see", map[string]string{"command": command})}
		}
		var names []string
		for _, c := range root.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		hint := a.say("usage.commands", nil)
		if like := near(m[1], names); len(like) > 0 {
			hint = a.say("usage.like", map[string]string{"value": "fundledger " + like[0]})
		}
		return hinted{a.say("usage.command", map[string]string{"value": m[1]}), hint}
	}
	for _, c := range []struct {
		form *regexp.Regexp
		name string
	}{{tooManyArgs, "too-many"}, {wrongArgs, "count"}, {badArgument, "argument"}} {
		if m := c.form.FindStringSubmatch(text); m != nil {
			return complaint(c.name, m[1])
		}
	}
	return err
}

// noTable says that there is no such table, and which there are.
func (a *app) noTable(name string) error {
	choices := map[string]string{"choices": strings.Join(projections.Tables, " ")}
	if name == "" {
		return hinted{a.say("error.which-table", nil), a.say("error.tables", choices)}
	}
	hint := a.say("error.tables", choices)
	if like := near(name, projections.Tables); len(like) > 0 {
		hint = a.say("usage.like", map[string]string{"value": "fundledger table " + like[0]})
	}
	return hinted{a.say("error.table", map[string]string{"value": name}), hint}
}

// system puts what the operating system says about a file into words, with what to do; nil for anything else.
func (a *app) system(err error) error {
	file := ""
	var at *fs.PathError
	if errors.As(err, &at) && at.Path != os.DevNull && !strings.HasPrefix(at.Path, "/dev/std") {
		file = at.Path
	}
	args := map[string]string{"file": file}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return hinted{a.say("system.full", args), a.say("system.full-hint", args)}
	case errors.Is(err, syscall.EPIPE):
		return hinted{a.say("system.pipe", args), a.say("system.pipe-hint", args)}
	case at == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return hinted{a.say("system.missing", args), a.say("system.missing-hint", args)}
	case errors.Is(err, os.ErrPermission):
		return hinted{a.say("system.denied", args), a.say("system.denied-hint", args)}
	case errors.Is(err, syscall.ENOTDIR):
		return hinted{a.say("system.within-file", args), a.say("system.within-file-hint", args)}
	case errors.Is(err, errFolder):
		return hinted{a.say("system.folder", args), a.say("system.folder-hint", args)}
	}
	return nil
}

// errFolder says that a folder was named where a file is wanted.
var errFolder = errors.New("is a folder")
