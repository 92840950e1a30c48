package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	fmt "lom/internal/plainfmt"
)

// readSecret reads a line from a terminal without echo. The echo comes back when ctx ends, when a
// signal ends the program, and while it is stopped; when it goes on, the question is asked again.
func readSecret(ctx context.Context, tty *os.File, out io.Writer, prompt string) (string, error) {
	fd := int(tty.Fd())
	terminal := &ttyMode{fd: fd, set: hideInput, resumed: func() { fmt.Fprint(out, prompt) }}
	defer terminal.watchSignals()()
	if err := terminal.enter(); err != nil {
		return "", err
	}
	defer fmt.Fprintln(out)
	defer terminal.restore()
	fmt.Fprint(out, prompt)
	p, err := interruptible(ctx, func() (string, error) { return readHidden(tty) })
	if errors.Is(err, syscall.EIO) {
		return "", errHangup
	}
	return p, err
}
