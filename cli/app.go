package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"lom/client"
	"lom/internal/plainfmt"
	"lom/machine"
	"lom/render"
)

// An App is what a command has at hand: the streams, the global options, and the BMC that they
// name.
type App struct {
	Name    string // the program's name in messages: lom or ipmitool
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Options Options
	Log     *slog.Logger // writes to Err what -v asks for

	arg0     string // as it was called
	env      func(string) (string, bool)
	now      func() time.Time
	zone     *time.Location // of printed times; UTC with -Z
	readPass func(ctx context.Context, prompt string) (string, error)
	registry []string // files with the names of makers
	results  map[*cobra.Command]result
	dial     dialFunc
	session  Session          // nil until Dial, and after Close
	bmc      *machine.Machine // that the session leads to; nil until it is asked for

	terminal  func(stream any) bool             // whether a stream is a terminal
	stdout    io.Writer                         // Out as it was handed in
	transport func() (*client.Transport, error) // opens the sockets of many sessions
	targets   []target                          // that -H names
	begin     func(ctx context.Context) error   // called by Dial, if it is there
	// called by Dial when there is a session, if it is there
	dialed func()
	oneOf  bool // of many hosts
	// of its tables, which are printed with those of others
	rows     *render.Rows
	running  string   // the command that is carried out
	runArgs  []string // its arguments
	undialed bool     // there is no session, though one was wanted
	// signals that a command takes to read its files again
	hangups *hangups
	// of the line that is carried out, in front of what is wrong with it: "FILE, line 3: "
	place string
}

// A Session is an open session with a BMC.
type Session interface {
	client.Conn
	// Close ends the session on the BMC, waits for its answer for a moment only, and frees what the
	// session uses here.
	Close() error
}

// A dialFunc opens a session with the BMC that the options name.
type dialFunc func(ctx context.Context, o *Options, log *slog.Logger) (Session, error)

func newApp(arg0 string, stdin io.Reader, stdout, stderr io.Writer) *App {
	a := &App{
		Name: programName(arg0), arg0: arg0,
		In: stdin, Out: stdout, Err: stderr,
		env: os.LookupEnv, now: time.Now, zone: time.Local,
		registry: registryFiles(), dial: dialClient,
		transport: func() (*client.Transport, error) { return client.NewTransport(nil) },
		stdout:    stdout, terminal: isTerminal,
		hangups: new(hangups),
	}
	a.readPass = a.promptTerminal
	a.Log = slog.New(slog.DiscardHandler)
	return a
}

// Dial returns the session with the BMC that -H names; the first call opens it. The App closes it.
func (a *App) Dial(ctx context.Context) (client.Conn, error) {
	if a.session != nil {
		return a.session, nil
	}
	if a.begin != nil {
		if err := a.begin(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.complete(ctx); err != nil {
		return nil, err
	}
	a.recallWindow()
	a.recallLogin()
	s, err := a.dial(ctx, &a.Options, a.Log)
	if err != nil {
		a.undialed = true
		return nil, err
	}
	a.session, a.undialed = s, false
	a.judgeLogin(s)
	if a.dialed != nil {
		a.dialed()
	}
	return s, nil
}

// Close ends the session, if one is open.
func (a *App) Close() {
	if a.session == nil {
		return
	}
	a.keepWindow()
	if err := a.session.Close(); err != nil {
		a.Log.Info("session not closed properly", "error", err)
	}
	a.session, a.bmc = nil, nil
}

// Show prints the result of a command in the form that the user has asked for. A nil csv means that
// the command has no CSV format, so that -c changes nothing, as in ipmitool.
func (a *App) Show(value any, text, csv func(io.Writer)) error {
	view := render.View[any]{Text: func(p *render.Printer, _ any) { text(p) }}
	if csv != nil {
		view.Plain = func(p *render.Printer, _ any) { csv(p) }
	}
	return render.Show(a.printer(a.Out), view, value)
}

// Done prints the result of a command that changes something: sentence, a line without its end
// ("" for none), or {"done": true, "message": sentence} with -o json.
func (a *App) Done(sentence string) error {
	return render.Show(a.printer(a.Out), render.DoneView,
		render.Done{Done: true, Message: sentence})
}

// printable returns text from a BMC with its control characters replaced by "?", for a line that is
// not printed at once.
func printable(s string) string { return plainfmt.Line(s) }
