package cli

import (
	"unicode/utf8"

	"golang.org/x/term"

	fmt "lom/internal/plainfmt"
)

// benchProgress returns what tells on a terminal what is being done: each line replaces the one
// before, an empty one removes it. Where there is no terminal it does nothing.
func (a *App) benchProgress() func(format string, args ...any) {
	f, ok := fileOf(a.Err)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string, ...any) {}
	}
	shown := 0
	return func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		fmt.Fprintf(f, "\r%-*s\r%s", shown, "", line)
		shown = utf8.RuneCountInString(line)
	}
}
