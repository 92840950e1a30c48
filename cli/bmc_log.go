package cli

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"

	fmt "lom/internal/plainfmt"
)

// bmcLog is the log of BMCs that run in the foreground: what -v asks for, or else what an
// administrator must know, such as why a machine does not start, each in one line.
func (a *App) bmcLog() *slog.Logger {
	if a.Options.Verbose > 0 {
		return a.Log
	}
	return slog.New(&sentences{out: a.Err})
}

// sentences is a slog.Handler that writes warnings and errors as lom writes its errors. What BMCs
// log has no groups.
type sentences struct {
	mu  sync.Mutex
	out io.Writer
}

// Enabled implements slog.Handler.
func (s *sentences) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle implements slog.Handler.
func (s *sentences) Handle(_ context.Context, r slog.Record) error {
	name, what, why := "", r.Message, ""
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "bmc":
			name = a.Value.String() + ": "
		case "err":
			why = ": " + a.Value.String()
		case "action":
			what += ": " + a.Value.String()
		}
		return true
	})
	line := strings.ReplaceAll("lom: "+name+what+why, "\n", " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := fmt.Fprintln(s.out, line)
	return err
}

// WithAttrs implements slog.Handler.
func (s *sentences) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup implements slog.Handler.
func (s *sentences) WithGroup(string) slog.Handler { return s }
