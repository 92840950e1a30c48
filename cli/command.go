package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
)

// A runFunc carries out a command with the words behind it.
type runFunc func(ctx context.Context, a *App, args []string) error

// leaf makes a command that does something. use is its name and its arguments, in capitals those
// that stand for a value. "help" as its only argument prints its help.
func leaf(a *App, use, short string, run runFunc) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true,
		ValidArgsFunction: completeFirst(use),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "help" {
				return cmd.Help()
			}
			err := a.carryOut(cmd, run, args)
			if u := new(usageError); errors.As(err, &u) && u.usage == "" {
				u.usage = cmd.UseLine()
			}
			return err
		},
	}
}

// completeFirst completes the first word behind a command from its synopsis: "reset warm|cold" is
// followed by warm or cold. Where a value stands, the shell completes file names.
func completeFirst(use string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		words := strings.Fields(use)
		if len(args) > 0 || len(words) < 2 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var list []string
		for _, w := range strings.Split(strings.Trim(words[1], "[]"), "|") {
			if w == strings.ToLower(w) && !strings.ContainsAny(w, "=.[]") {
				list = append(list, w)
			}
		}
		if len(list) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// group makes a command that only holds others. Without a word behind it, or with "help",
// it prints its help; an unknown word is an error that names the nearest known one.
func group(a *App, use, short string, subs ...*cobra.Command) *cobra.Command {
	return groupDefault(a, use, short, nil, subs...)
}

// groupDefault makes a group that carries out run when no word stands behind it.
func groupDefault(a *App, use, short string, run runFunc, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true,
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0 && args[0] == "help":
				return cmd.Help()
			case len(args) > 0:
				return unknownCommand(cmd, args[0])
			case run != nil:
				return a.carryOut(cmd, run, args)
			}
			printHelp(a.Err, cmd)
			return errReported
		},
	}
	cmd.AddCommand(subs...)
	return cmd
}

// unknownCommand is the error of a word that is no sub-command of cmd.
func unknownCommand(cmd *cobra.Command, word string) error {
	var b strings.Builder
	group := strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()))
	fmt.Fprintf(&b, "there is no command %q", strings.TrimSpace(group+" "+word))
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		fmt.Fprintf(&b, "; did you mean %q?", near[0])
	} else {
		b.WriteString(";")
	}
	fmt.Fprintf(&b, " %q lists what there is", cmd.CommandPath()+" help")
	return &unknownCommandError{group, word, b.String()}
}

// A usageError says that the words of a command make no sense.
type usageError struct {
	problem string
	usage   string // the command's synopsis, filled in by leaf
}

func (e *usageError) Error() string {
	if e.usage == "" {
		return e.problem
	}
	return e.problem + "; usage: " + e.usage
}

// usagef makes a usageError: the sentence says what is wrong, and the command's synopsis is put
// behind it.
func usagef(format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...)}
}

// wantArgs checks the number of words behind a command; most < 0 is no limit.
func wantArgs(args []string, least, most int) error {
	switch {
	case len(args) < least:
		return usagef("something is missing behind the command")
	case most >= 0 && len(args) > most:
		return usagef("%q is one word too many", args[most])
	}
	return nil
}
