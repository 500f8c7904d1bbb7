package main

import (
	"embed"
	"strings"

	"fundledger/events/words"

	"github.com/spf13/cobra"
)

//go:embed words/*.json
var wordFiles embed.FS

// texts are the words of the command line.
var texts = words.LoadRoom(wordFiles)

// translateHelp gives every command's help the words of the language; cobra's own template is English.
func (a *app) translateHelp(root *cobra.Command) {
	r := strings.NewReplacer("@usage", a.say("help.usage", nil), "@commands", a.say("help.commands", nil), "@examples", a.say("help.examples", nil),
		"@flags", a.say("help.flags", nil), "@global", a.say("help.global", nil), "@more", a.say("help.more", nil))
	root.SetHelpTemplate(r.Replace(`{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}@usage:
{{if .Runnable}}  {{.UseLine}}
{{end}}{{if .HasAvailableSubCommands}}  {{.CommandPath}} [command]

@commands:
{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}{{end}}{{if .HasExample}}
@examples:
{{.Example}}
{{end}}{{if .HasAvailableLocalFlags}}
@flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
@global:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableSubCommands}}
@more
{{end}}`))
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			a.explain(root, c)
		}
	}
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	every := append(root.Commands(), root)
	for _, c := range root.Commands() {
		every = append(every, c.Commands()...)
	}
	for _, c := range every {
		c.InitDefaultHelpFlag()
		c.Flags().Lookup("help").Usage = a.say("flag.help", nil)
		if f := c.Flags().Lookup("version"); f != nil {
			f.Usage = a.say("flag.version", nil)
		}
	}
}
