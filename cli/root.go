package cli

import (
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	fmt "lom/internal/plainfmt"
	"lom/render"
)

const rootLong = `lom operates servers through their BMCs, as ipmitool does and with its grammar, and acts as a BMC.

Options may stand before and behind the command. Negative numbers behind the command's
first word are values; what follows "--" is never taken for an option.
A password given with -P may be seen by others of this machine, on Linux for a moment only:
prefer -f or -E, or give none and be asked.

-H may name many BMCs. The command is then carried out on all of them at the same time; what each says has its
name in front, and what went wrong is told at the end, hosts with the same problem together. "@FILE" stands for
the hosts in a file. Power actions ask first, and are read back.

Sensor records and events are kept between calls, in the user's cache folder, and used while the BMC says that
they have not changed; so is how many requests at a time its model takes. The variable LOM_CACHE names another
folder, or is "off", as --no-cache is for one call.

Exit codes: 0 success, 1 failure, 130 after Ctrl-C, 143 after SIGTERM (128 and the number of the signal).`

// newRoot makes the tree of commands with the global options, as far as a command line needs it.
func newRoot(a *App, args ...string) *cobra.Command {
	root := &cobra.Command{
		Use: a.Name + " [options] command", Short: "talk to BMCs, and be one",
		Long: rootLong, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true,
		SilenceErrors: true, SilenceUsage: true, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case a.Options.version:
				return render.Show(a.printer(a.Out), versionView(a), readVersion())
			case a.Options.OEM == "list":
				return a.listOEM()
			case len(args) > 0:
				return unknownCommand(cmd, args[0])
			}
			return fmt.Errorf("no command given; %q lists what there is", a.Name+" help")
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	a.Options.register(root.PersistentFlags())
	root.PersistentFlags().SortFlags = false
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return optionError(cmd, err)
	})
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(a.Out, cmd) })
	args = splitOptions(root.PersistentFlags(), args)
	root.SetArgs(args)
	list, all := commands(a, firstWord(root.PersistentFlags(), args))
	root.AddCommand(list...)
	if all {
		completeCompletion(a, root)
		completeOptions(root)
	}
	root.CompletionOptions.DisableDefaultCmd = !all
	return root
}

// completeCompletion makes cobra's command for completion scripts refuse words that it does not
// know, as groups do.
func completeCompletion(a *App, root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil || cmd == root {
		return
	}
	shells := group(a, "completion", "")
	cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = shells.Args, shells.RunE, true
}

// completeOptions tells the shell the words that options take.
func completeOptions(root *cobra.Command) {
	formats := []string{"json", "csv", "text", "list"}
	for _, t := range oemTypes {
		formats = append(formats, t.name)
	}
	for name, words := range map[string][]string{
		"interface": {"lan", "lanplus", "auto", "open", "serial-terminal", "serial-basic"},
		"privilege": {"CALLBACK", "USER", "OPERATOR", "ADMINISTRATOR"},
		"auth-type": {"NONE", "PASSWORD", "MD2", "MD5", "OEM"},
		"output":    formats,
	} {
		// It fails only for unknown options.
		_ = root.RegisterFlagCompletionFunc(name,
			cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	for _, name := range []string{"host", "exclude", "fanout", "batch", "stagger", "user",
		"password", "kg", "kg-hex"} {
		_ = root.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// prepare applies the global options that concern more than the BMC.
func (a *App) prepare(cmd *cobra.Command) error {
	f := cmd.Root().PersistentFlags()
	if f.Changed("ipv4") && f.Changed("ipv6") {
		return &wordedError{errors.New("-4 and -6 exclude each other"),
			"Parameter is mutually exclusive with -4."}
	}
	if a.Options.JSON && a.Options.CSV {
		return errors.New("JSON and CSV output exclude each other")
	}
	if err := a.prepareHosts(cmd.Context()); err != nil {
		return err
	}
	if a.Options.UTC {
		a.zone = time.UTC
	}
	a.setLog()
	return nil
}

// setLog makes the log as talkative as -v asks for: decisions from -vv on, packets from -vvv on.
func (a *App) setLog() {
	a.Log = slog.New(slog.DiscardHandler)
	if a.Options.Verbose > 0 {
		level := slog.LevelInfo - 4*slog.Level(a.Options.Verbose-1)
		a.Log = slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: level}))
	}
}

func (a *App) listOEM() error {
	fmt.Fprintln(a.Out, "Makes of BMC that ipmitool treats in a way of their own; the names are "+
		"accepted, and change nothing:")
	for _, t := range oemTypes {
		fmt.Fprintf(a.Out, "\t%-12s %s\n", t.name, t.what)
	}
	return nil
}

// optionError makes a sentence of what pflag says about an option.
func optionError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		return &optionFault{name: unknown.GetSpecifiedName(),
			error: fmt.Errorf("there is no option %s; %q lists what there is", name,
				cmd.CommandPath()+" --help")}
	case errors.As(err, &missing):
		f := missing.GetFlag()
		return &optionFault{flag: f, missing: true,
			error: fmt.Errorf("option %s needs a value behind it", optionName(f))}
	case errors.As(err, &invalid):
		f, value := invalid.GetFlag(), fmt.Sprintf(" %q", invalid.GetValue())
		switch f.Name {
		case "password", "kg", "kg-hex":
			value = ""
		}
		return &optionFault{flag: f, value: invalid.GetValue(),
			error: fmt.Errorf("option %s%s: %w", optionName(f), value, invalid.Unwrap())}
	}
	return err
}

func optionName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}
