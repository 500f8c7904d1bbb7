// Fundledger keeps the money flows of public funds as an append-only stream of events.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"

	"github.com/spf13/cobra"
)

func main() {
	// What stays in memory is small beside what passes through it, so it is collected a third as often: that costs room and
	// saves some of the time in which payments are stored.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, &app{
		args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, alone: true,
	})
	stop()
	os.Exit(code)
}

// An app is one run of the program with everything that it takes from outside. The zero values of the last fields are the real ones; tests put
// other clocks and faulty logs there.
type app struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	alone  bool // in its process, whose settings it may change
	now    func() time.Time
	faulty func(ledger.Log) ledger.Log
	// kept is how many new events are worth a snapshot of what is read of a fund; 0 is the usual.
	kept events.Seq
	// sweep is how often balances that others should have published are looked for; 0 is the usual.
	sweep time.Duration
	// patience is how long to wait for a held folder, and for a connection; 0 is the usual ten seconds and two.
	patience time.Duration
	// lease is how long a fund stays with a server of several that is not heard of; 0 is the usual time.
	lease time.Duration

	// program is the path of the program itself, for what runs in a process of its own; "" is this one.
	program string

	// here is where files go that nobody names a folder for; "" is where the process is.
	here string

	lang   words.Language
	folder string
	url    string
	log    *slog.Logger // that serve keeps; nil where people read what it says
}

// The exit codes; the highest that applies wins.
const (
	exitOK      = 0
	exitRefused = 1 // something was refused
	exitUsage   = 2 // wrong usage, or something asked for that is not there
	exitFailed  = 3 // something failed, the ledger cannot be reached, or it is damaged
)

// An exit is an error whose words have been said already.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// A usageError is a wrong use of the command line, or a question for something that is not there.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func run(ctx context.Context, a *app) int {
	if a.now == nil {
		a.now = time.Now
	}
	reached := false
	root := a.root(&reached)
	root.SetArgs(a.args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var code exit
	if errors.As(err, &code) {
		return int(code)
	}
	if !reached { // cobra's own complaint about the command line
		err = usageError{a.usage(root, err)}
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		a.note("error.interrupted", nil)
	} else {
		a.complain(err)
	}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case ctx.Err() != nil:
		return exitFailed
	}
	switch code := events.CodeOf(err); code {
	case events.UnknownFund, events.UnknownYear, events.UnknownLine, events.BadValue, events.MissingField:
		return exitUsage
	}
	return exitFailed
}

// complain says on standard error what went wrong and, where there is a way out, what to do.
func (a *app) complain(err error) {
	message, hint := err.Error(), ""
	var e *events.Error
	var said hinted
	switch {
	case errors.As(err, &e) && e.Why == "disk" && errors.As(a.system(e.Err), &said): // which the system says in English
		message, hint = said.message, said.hint
	case errors.As(err, &e):
		message, hint = e.Message(a.lang), e.Hint(a.lang)
	case errors.As(err, &said), errors.As(a.system(err), &said):
		message, hint = said.message, said.hint
	}
	if a.log != nil {
		a.log.Error("failed", "says", message, "hint", hint)
		return
	}
	fmt.Fprintln(a.stderr, "fundledger: "+message)
	if hint != "" {
		fmt.Fprintln(a.stderr, texts.Say(a.lang, "hint", map[string]string{"hint": hint}))
	}
}

func (a *app) root(reached *bool) *cobra.Command {
	a.lang = words.FromEnvironment(a.locale())
	for i, arg := range a.args { // the language is needed before the command line has been read
		chosen, ok := strings.CutPrefix(arg, "--lang=")
		if arg == "--lang" && i+1 < len(a.args) {
			chosen, ok = a.args[i+1], true
		}
		if lang := words.Language(chosen); ok && slices.Contains(words.Languages, lang) {
			a.lang = lang
		}
	}
	root := &cobra.Command{
		Use: "fundledger", Short: a.say("cmd.root", nil), SilenceUsage: true, SilenceErrors: true, Version: version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			*reached = true
			lang, err := cmd.Flags().GetString("lang")
			if err != nil {
				return err
			}
			switch words.Language(lang) {
			case words.English, words.Chinese:
				a.lang = words.Language(lang)
			case "":
			default:
				return a.badFlag("lang", lang, "zh en")
			}
			return nil
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&a.folder, "data", "data", a.say("flag.data", nil))
	flags.StringVar(&a.url, "nats", "", a.say("flag.nats", nil))
	flags.String("lang", "", a.say("flag.lang", nil))
	root.AddCommand(a.serveCommand(), a.appendCommand(), a.sampleCommand(), a.tableCommand(), a.reportCommand(), a.checkCommand(), a.eventsCommand(), a.versionCommand())
	root.AddCommand(a.statementCommand(), a.seriesCommand(), a.diffCommand(), a.fundsCommand(), a.watchCommand(), a.completionCommand(), a.benchCommand(), a.eventCommand(), a.printCommand(), a.payeesCommand())
	root.AddCommand(a.postCommand(), a.correctCommand(), a.importCommand(), a.reconcileCommand())
	root.AddCommand(a.closeCommand())
	_ = root.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"zh", "en"}, cobra.ShellCompDirectiveNoFileComp))
	a.translateHelp(root)
	a.completeAll(root)
	return root
}

// locale is the environment's choice of language, the most telling variable first.
func (a *app) locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := a.getenv(name); v != "" {
			return v
		}
	}
	return ""
}

func (a *app) say(name string, args map[string]string) string { return texts.Say(a.lang, name, args) }

// badFlag refuses a flag's value, naming those that it can have.
func (a *app) badFlag(name, value, choices string) error {
	return usageError{&events.Error{Code: events.BadValue, Why: "choice", Args: events.Args{"field": "--" + name, "value": value, "choices": choices}}}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: a.say("cmd.version", nil), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, version())
			return err
		},
	}
}

// version is the module's version where the program was installed as one, else the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value
		}
	}
	return "devel"
}
