package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	fmt "lom/internal/plainfmt"
	"lom/many"
)

// powerWords are the commands below power that switch it.
var powerWords = []string{"on", "up", "off", "down", "cycle", "reset", "soft", "acpi", "diag"}

// switchesPower reports whether a command changes the power of a host, so that a person is asked
// before many hosts carry it out.
func switchesPower(cmd *cobra.Command, args []string) bool {
	words := strings.Fields(commandName(cmd))
	return switchesPowerLine(append(words, args...)) ||
		cmd.Name() == "exec" && len(args) == 1 && fileSwitchesPower(args[0])
}

// switchesPowerLine is switchesPower for the words of a command.
func switchesPowerLine(words []string) bool {
	if len(words) > 0 && words[0] == "chassis" {
		words = words[1:]
	}
	switch {
	case len(words) >= 2 && words[0] == "power":
		return slices.Contains(powerWords, words[1])
	case len(words) >= 3 && words[0] == "raw":
		netFn, err := rawByte(words[1])
		command, err2 := rawByte(words[2])
		return err == nil && err2 == nil && netFn == 0 && command == 2 // Chassis Control
	}
	return false
}

// rawByte reads a byte as raw does.
func rawByte(s string) (int, error) {
	var n int
	if s == "chassis" {
		return 0, nil
	}
	err := (number{&n, 0, 255}).Set(s)
	return n, err
}

// fileSwitchesPower reports whether a line of a file of commands switches the power. A file that
// cannot be read is a matter of exec.
func fileSwitchesPower(name string) bool {
	text, err := readFile(name)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		words, err := splitLine(strings.TrimSpace(line))
		if err == nil && switchesPowerLine(words) {
			return true
		}
	}
	return false
}

// ask asks whether a power action is meant for all these hosts. Where there is nobody to ask, --yes
// must say so.
func (m *manyHosts) ask(ctx context.Context) error {
	a := m.app
	if a.Options.Yes {
		return nil
	}
	what := strings.Join(append([]string{m.command}, m.args...), " ")
	if !a.terminal(a.In) || !a.terminal(a.Err) {
		return fmt.Errorf("there is no terminal to ask on whether %q is meant for %d hosts; "+
			"--yes says that it is", what, len(a.targets))
	}
	fmt.Fprintf(a.Err, "%s on %d hosts: %s\nGo on? (yes or no) ", what, len(a.targets),
		many.FoldHosts(m.names()))
	answer, err := interruptible(ctx, func() (string, error) { return readLine(a.In) })
	if err != nil && err != errUnanswered {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "yes", "y":
		return nil
	}
	return errors.New("nothing was done")
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := fileOf(stream)
	return ok && isTerminalFile(f)
}

// isTerminalFile reports whether a file is a terminal.
func isTerminalFile(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminalWidth returns how many characters a line has, 80 if it is not known.
func terminalWidth(w io.Writer) int {
	if f, ok := fileOf(w); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}
