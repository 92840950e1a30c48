package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMan(a *App) *cobra.Command {
	c := withoutHost(leaf(a, "man DIR", "Write the manual pages into a directory", nil))
	c.Hidden = true
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("one directory is needed; usage: %s", cmd.UseLine())
		}
		return writeManPages(cmd.Root(), args[0])
	}
	return c
}

// writeManPages writes one page for the program and one for each of its commands: lom.1,
// lom-power.1, …
func writeManPages(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	pages := append([]*cobra.Command{root}, root.Commands()...)
	for _, c := range pages {
		if c.Hidden {
			continue
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-")
		var b strings.Builder
		manPage(&b, c, name)
		if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(b.String()), 0o666); err !=
			nil {
			return err
		}
	}
	return nil
}

// manPage writes the page of one command and of all below it, in man(7).
func manPage(w io.Writer, c *cobra.Command, name string) {
	fmt.Fprintf(w, ".TH %s 1\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(name)), roff(name),
		roff(c.Short))
	synopsis := c.UseLine()
	if c.HasParent() && c.HasAvailableSubCommands() {
		synopsis += " COMMAND"
	}
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n", roff(synopsis))
	if c.Long != "" {
		fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n", roff(c.Long))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprint(w, ".SH COMMANDS\n")
		manCommands(w, c, "")
	}
	manOptions(w, "OPTIONS", c.NonInheritedFlags())
	if c.HasParent() {
		fmt.Fprintf(w, ".SH SEE ALSO\n.BR %s (1)\n", roff(c.Root().Name()))
	}
}

func manCommands(w io.Writer, c *cobra.Command, prefix string) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		text := sub.Short
		if c.HasParent() && sub.Long != "" {
			text = sub.Long
		}
		fmt.Fprintf(w, ".TP\n.B %s%s\n%s\n", roff(prefix), roff(sub.Use), roff(text))
		if c.HasParent() {
			manCommands(w, sub, prefix+sub.Name()+" ")
		}
	}
}

func manOptions(w io.Writer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(w, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		if f.NoOptDefVal != "" {
			kind = ""
		}
		names := "--" + f.Name
		if f.Shorthand != "" {
			names = "-" + f.Shorthand + ", " + names
		}
		fmt.Fprintf(w, ".TP\n.BR %q %q\n%s\n", roff(names), roff(" "+kind), roff(usage))
	})
}

// roff protects what man(7) would take for a request.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n\n", "\n.sp\n").Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "'") || strings.HasPrefix(l, ".") && l != ".sp" {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
