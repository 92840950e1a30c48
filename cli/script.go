package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	fmt "lom/internal/plainfmt"
)

// Many commands over one session: exec reads them from a file, shell from the terminal.

// keepAliveInterval is how often an idle session of the shell is used so that the BMC does not end
// it.
const keepAliveInterval = 30 * time.Second

func newExec(a *App) *cobra.Command {
	c := noResult(a, leaf(a, "exec FILE", "Carry out the commands of a file over one session",
		runExec),
		"prints what the commands of the file print")
	c.Long = `Carry out the commands of a file, one a line, over one session; "-" is standard input.

What follows a # is a comment. Words with blanks stand in quotes. A command that fails does not
stop those behind it, but the exit code is then 1. Besides the commands there are
  echo TEXT...        print a line
  set NAME VALUE      change an option: hostname, port, username, password, privlvl, authtype,
                      localaddr, targetaddr, csv, verbose`
	return c
}

func newShell(a *App) *cobra.Command {
	c := noResult(a, leaf(a, "shell", "Ask for commands and carry them out over one session",
		runShell),
		"prints what the commands print that are typed")
	oneHost(c, "asks a person")
	c.Long = `Ask for commands and carry them out over one session, until exit, quit or the end of input.

The tab key completes commands, and the arrow keys bring back earlier ones. See
"exec help" for what else can be typed.`
	return c
}

// lineRoot makes the tree of commands that exec and shell offer, as far as a line that begins with
// word needs it: no global options, and nothing that would start another shell or server.
func lineRoot(a *App, word string) *cobra.Command {
	a.results = nil // those of the tree before; hosts of a batch share it
	root := &cobra.Command{
		Use: a.Name, Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetFlagErrorFunc(optionError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(a.Out, cmd) })
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	list, _ := commands(a, word)
	outside := func(c *cobra.Command) bool {
		return slices.Contains([]string{"exec", "shell", "bmc", "demo", "man"}, c.Name())
	}
	if len(list) == 1 && outside(list[0]) {
		list, _ = commands(a, "") // there is no such command, and another may be meant
	}
	root.AddCommand(slices.DeleteFunc(list, outside)...)
	root.AddCommand(
		leaf(a, "echo TEXT...", "Print a line",
			func(_ context.Context, a *App, args []string) error {
				_, err := fmt.Fprintln(a.Out, strings.Join(args, " "))
				return err
			}),
		leaf(a, "set NAME VALUE", "Change an option", runSet),
	)
	return root
}

// runLine carries out one line and returns its exit code.
func (a *App) runLine(ctx context.Context, line string) int {
	words, err := splitLine(line)
	if err != nil {
		return a.report(ctx, err)
	}
	if len(words) == 0 {
		return exitOK
	}
	if out, ok := a.Out.(*output); ok {
		out.forget()
	}
	root := lineRoot(a, words[0])
	root.SetArgs(splitOptions(root.PersistentFlags(), words))
	return a.report(ctx, root.ExecuteContext(ctx))
}

// splitLine splits a line into words at blanks, except in quotes. A # outside quotes begins a
// comment.
func splitLine(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == '#' && !inWord:
			return words, nil
		case r == ' ' || r == '\t' || r == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

func runExec(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	in, place := a.In, "standard input"
	if args[0] != "-" {
		f, err := interruptible(ctx, func() (*os.File, error) { return openFile(args[0]) })
		if err != nil {
			return err
		}
		defer f.Close()
		in, place = f, args[0]
	}
	next, n := scanLines(in), 0
	defer func() { a.place = "" }()
	return a.runLines(ctx, func() (string, error) {
		line, err := next()
		if n++; err != nil && err != io.EOF {
			err = fmt.Errorf("%s, line %d: %w", place, n, err)
		}
		a.place = fmt.Sprintf("%s, line %d: ", place, n)
		return line, err
	})
}

// scanLines returns a function that returns the next line, and io.EOF behind the last.
func scanLines(r io.Reader) func() (string, error) {
	lines := bufio.NewScanner(r)
	return func() (string, error) {
		if lines.Scan() {
			return lines.Text(), nil
		}
		if err := lines.Err(); err != nil {
			return "", err
		}
		return "", io.EOF
	}
}

// runLines carries out lines until they end, exit or quit is among them, or ctx ends. It is
// errReported if a line failed.
func (a *App) runLines(ctx context.Context, next func() (string, error)) error {
	bad := false
	for {
		line, err := interruptible(ctx, next)
		line = strings.TrimSpace(line)
		switch {
		case err == io.EOF || err == nil && (line == "exit" || line == "quit"):
			if bad {
				return errReported
			}
			return nil
		case err != nil:
			return err
		}
		if a.runLine(ctx, line) != exitOK {
			bad = true
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// interruptible calls read, which waits for a person perhaps, and does not wait for its end when
// ctx ends.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func runShell(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	a.Options.keepAlive = keepAliveInterval
	if err := a.complete(ctx); err != nil {
		return err
	}
	in, isFile := a.In.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return a.runLines(ctx, scanLines(a.In))
	}
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{a.In, raw(a.Out)}, a.Name+"> ")
	screen.AutoCompleteCallback = a.completeLine
	again := func() { _, _ = screen.Write(nil) } // shows the line again
	terminal := &ttyMode{fd: int(in.Fd()), set: rawWithSignals, resumed: again}
	defer terminal.restore() // also when a signal comes while a line is read
	err := a.runLines(ctx, func() (string, error) {
		// Raw mode ends with the line, so that commands have the terminal that they expect.
		defer keepBrokenPipe()()
		defer terminal.watchSignals()()
		if err := terminal.enter(); err != nil {
			return "", err
		}
		defer terminal.restore()
		line, err := screen.ReadLine()
		return line, outputError(err, true)
	})
	if errors.Is(err, errReported) {
		return nil // a person has seen it
	}
	return err
}

// completeLine completes the last word before the cursor when the tab key is pressed, as far as
// only one continuation is possible.
func (a *App) completeLine(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	words := strings.Fields(line[:pos])
	last := ""
	if len(words) > 0 && !strings.HasSuffix(line[:pos], " ") {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	cmd, rest, err := lineRoot(a, "").Find(words)
	if err != nil || len(rest) > 0 {
		return "", 0, false
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), last) {
			names = append(names, c.Name())
		}
	}
	if len(names) == 0 {
		return "", 0, false
	}
	slices.Sort(names)
	first, final := names[0], names[len(names)-1]
	n := len(last)
	for n < len(first) && n < len(final) && first[n] == final[n] {
		n++
	}
	text := first[len(last):n]
	if len(names) == 1 {
		text += " "
	}
	if text == "" {
		return "", 0, false
	}
	return line[:pos] + text + line[pos:], pos + len(text), true
}

// runSet changes an option in exec and shell. What concerns the session takes effect with the next
// command, over a new session.
func runSet(_ context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
	}
	o := &a.Options
	name, value := args[0], "1"
	if len(args) == 2 {
		value = args[1]
	} else if name != "csv" && name != "verbose" {
		return usagef("the value of %s is missing", name)
	}
	var err error
	switch name {
	case "csv":
		o.CSV = value != "0"
		return nil
	case "verbose":
		if err = (number{&o.Verbose, 0, 9}).Set(value); err != nil {
			return usagef("verbose: %v", err)
		}
		a.setLog()
		return nil
	case "hostname":
		o.Host = unbracket(value)
		if o.unnamed {
			o.Interface, o.unnamed = "", false // without a name, in band was the choice
		}
	case "port":
		err = (number{&o.Port, 1, 65535}).Set(value)
	case "username":
		err = o.setUser(value)
	case "password":
		o.setPassword(value)
	case "privlvl":
		err = o.setPrivilege(value)
	case "authtype":
		err = o.setAuthType(value)
	case "localaddr":
		err = (number{new(int), 0, 255}).Set(value) // as -m
	case "targetaddr":
		err = (number{&o.Target, 0, 255}).Set(value)
	default:
		return usagef("there is no option %q", name)
	}
	if err != nil {
		return usagef("%s: %v", name, err)
	}
	a.Close()
	return nil
}
