package main

import (
	"strings"

	"fundledger/cmd/fundledger/reference"

	"github.com/spf13/cobra"
)

func (a *app) sampleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sample [NAME]", Short: a.say("cmd.sample", nil), Example: a.say("example.sample", nil),
		Args: cobra.MaximumNArgs(1), ValidArgs: reference.Names(),
		RunE: func(_ *cobra.Command, args []string) error {
			commands, err := reference.Commands(strings.Join(args, ""))
			if err != nil {
				return usageError{hinted{
					a.say("error.sample", map[string]string{"value": strings.Join(args, "")}),
					a.say("error.sample-hint", map[string]string{"choices": strings.Join(reference.Names(), " ")}),
				}}
			}
			_, err = a.stdout.Write(commands)
			return err
		},
	}
}
