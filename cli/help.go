package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printHelp prints what a command is for, its sub-commands or arguments, and its options. Only
// the root shows the global options.
func printHelp(w io.Writer, c *cobra.Command) {
	text := c.Long
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(w, "%s\n\nUsage: %s", text, c.UseLine())
	if c.HasParent() && c.HasAvailableSubCommands() {
		fmt.Fprint(w, " COMMAND")
	}
	fmt.Fprintln(w)
	if c.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCommands:\n")
		var names []string
		width := 0
		for _, sub := range c.Commands() {
			name := sub.Name()
			if c.HasParent() {
				name = sub.Use
			}
			names = append(names, name)
			if sub.IsAvailableCommand() && len(name) <= 24 {
				width = max(width, len(name))
			}
		}
		for i, sub := range c.Commands() {
			if !sub.IsAvailableCommand() {
				continue
			}
			gap := "\n" + strings.Repeat(" ", width+4)
			if len(names[i]) <= width {
				gap = strings.Repeat(" ", width-len(names[i])+2)
			}
			fmt.Fprintf(w, "  %s%s%s\n", names[i], gap, sub.Short)
		}
	}
	own := c.LocalNonPersistentFlags()
	if !c.HasParent() {
		own = c.PersistentFlags()
	}
	printOptions(w, own)
	if c.HasParent() {
		fmt.Fprintf(w, "\n%q lists the options that all commands have.\n",
			c.Root().Name()+" --help")
	} else {
		fmt.Fprintf(w, "\n%q tells more about a command.\n", c.Name()+" COMMAND help")
	}
}

func printOptions(w io.Writer, f *pflag.FlagSet) {
	title := "\nOptions:\n"
	f.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, what := pflag.UnquoteUsage(f)
		if f.NoOptDefVal != "" {
			kind = ""
		}
		switch f.DefValue {
		case "", "0", "false":
		default:
			what += " (default " + f.DefValue + ")"
		}
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		fmt.Fprintf(w, "%s  %-28s %s\n", title, strings.TrimSpace(name+" "+kind), what)
		title = ""
	})
}
