package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// consoleBanner is what ipmitool says when a console is open.
const consoleBanner = "[SOL Session operational.  Use ~? for help]"

const solActivateLong = `Open the host's serial console in this terminal.

What is typed goes to the host, Ctrl-C and all. At the beginning of a line, ~ (or what -e sets) begins a command:
  ~.   close the console
  ~B   send a break
  ~?   list these commands
  ~~   send a ~
  ~^Z  suspend lom
  ~^X  suspend lom, and leave the terminal as it is afterwards
Where input is no terminal, it is sent to its end; the console is then closed when the host has been quiet
for --linger. Input without a byte, such as </dev/null, makes lom a reader of the console, until Ctrl-C or SIGTERM.

While nothing is said, the BMC is asked every 3 s whether the console is still open; usesolkeepalive sends an empty
packet too, nokeepalive asks nothing.

Exit codes: 0 closed by ~. or after the end of the input; 1 closed by the BMC or another session, or the BMC
died; 130 and 143 after Ctrl-C and SIGTERM, where they do not go to the host.`

// activateOptions are the options of sol activate.
type activateOptions struct {
	log       string
	stamps    bool
	reconnect bool
	takeOver  bool
	linger    time.Duration
}

// lingerDefault is how long the host must be quiet after the end of the input.
const lingerDefault = 2 * time.Second

func newSOLActivate(a *App) *cobra.Command {
	o := &activateOptions{}
	var cmd *cobra.Command
	cmd = leaf(a, "activate [usesolkeepalive|nokeepalive] [instance=N]", "Open the host's serial console",
		func(ctx context.Context, a *App, args []string) error {
			return runSOLActivate(ctx, a, *o, cmd.Flags().Changed("linger"), args)
		})
	oneHost(cmd, "opens a console")
	cmd.Long = solActivateLong
	f := cmd.Flags()
	f.StringVar(&o.log, "log", "", "append what the host says to `FILE`")
	f.BoolVar(&o.stamps, "timestamps", false, "begin each line of the log with the time")
	f.BoolVar(&o.reconnect, "reconnect", false, "open the console again when the BMC was away, as for a reset")
	f.BoolVar(&o.takeOver, "takeover", false, "close the console in another session that has it")
	f.DurationVar(&o.linger, "linger", lingerDefault, "how long the host must be quiet after the end of input that is no terminal")
	return cmd
}

// runSOLActivate carries a console until somebody ends it.
func runSOLActivate(ctx context.Context, a *App, o activateOptions, lingers bool, args []string) error {
	opts, err := o.read(args)
	if err != nil {
		return err
	}
	s, err := a.consoleSession(ctx)
	if err != nil {
		return err
	}
	records := a.consoleRecordsOf(bmcKey(ctx, s))
	v := &consoleView{
		app: a, lingers: lingers, linger: o.linger, records: records, finished: make(chan struct{}),
		sends: make(chan consoleInput, 1024), escapes: escapeReader{char: a.Options.Escape[0]},
	}
	if o.log != "" {
		f, err := os.OpenFile(o.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		v.log = &consoleLog{w: f, stamps: o.stamps, now: func() time.Time { return a.now().In(a.zone) }}
	}
	if in, ok := a.In.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		v.terminal = &rawTerminal{fd: int(in.Fd())}
	}
	v.sessionID = func() uint32 { return s.Info().ID }
	var healed uint32
	opts = append(opts, client.WithEvents(v.event), client.WithAbandoned(func(id uint32) bool {
		ours := records.abandoned(id)
		if ours {
			healed = id
		}
		return ours
	}))
	c, err := client.OpenConsole(ctx, s, opts...)
	if err != nil {
		return err
	}
	v.console = c
	if healed != 0 {
		records.drop(healed)
	}
	v.remember(v.sessionID())
	err = v.run(ctx)
	_ = c.Close() // it reports nothing
	if !errors.Is(err, ipmi.ErrTimeout) {
		v.forget() // otherwise the BMC may still have it open when it can be reached again
	}
	return err
}

// read reads the words behind activate.
func (o *activateOptions) read(args []string) ([]client.ConsoleOption, error) {
	var opts []client.ConsoleOption
	for _, word := range args {
		switch word {
		case "usesolkeepalive":
			opts = append(opts, client.WithEmptyPackets())
		case "nokeepalive":
			opts = append(opts, client.WithoutProbes())
		default:
			n, err := instanceArg(word)
			if err != nil {
				return nil, err
			}
			opts = append(opts, client.WithInstance(n))
		}
	}
	if o.stamps && o.log == "" {
		return nil, usagef("--timestamps is about the log; --log FILE is missing")
	}
	if o.reconnect {
		opts = append(opts, client.WithReconnect())
	}
	if o.takeOver {
		opts = append(opts, client.WithTakeover())
	}
	return opts, nil
}

// bmcKey names a BMC among the records of consoles: by its GUID, or by its address if it has none.
func bmcKey(ctx context.Context, s *client.Session) string {
	if r, err := client.Do(ctx, s, ipmi.GetSystemGUID{}); err == nil && r.GUID != (ipmi.GUID{}) {
		return hex.EncodeToString(r.GUID[:])
	}
	return strings.NewReplacer(":", "_", "[", "", "]", "", "%", "_").Replace(s.Info().Peer.String())
}

// A consoleLine is what a view needs of a client.Console.
type consoleLine interface {
	Read(ctx context.Context, p []byte) (int, error)
	Write(ctx context.Context, p []byte) (int, error)
	Flush(ctx context.Context) error
	Break() error
}

// A consoleView shows a console to a person or a pipe.
type consoleView struct {
	app      *App
	console  consoleLine
	terminal *rawTerminal // nil: input is no terminal
	records  consoleRecords
	log      *consoleLog // nil: there is none
	escapes  escapeReader
	sends    chan consoleInput
	lingers  bool // --linger was given
	linger   time.Duration

	sessionID func() uint32 // the BMC's ID of the session

	once     sync.Once
	finished chan struct{}
	err      error

	mu       sync.Mutex // guards the screen and what follows
	recorded uint32     // the session in the record
	spoke    time.Time  // when the host spoke last
}

// A consoleInput is something that was typed: characters, or a break, or the end.
type consoleInput struct {
	data        []byte
	brk         bool
	end, atOnce bool // end now, or when the host is quiet
}

// finish ends the view; only the first call counts.
func (v *consoleView) finish(err error) {
	v.once.Do(func() {
		v.err = err
		close(v.finished)
	})
}

// run carries the console until it is finished.
func (v *consoleView) run(ctx context.Context) error {
	defer ignoreBrokenPipe()()
	if v.terminal != nil {
		defer v.terminal.watchSignals()()
		defer v.terminal.restore()
		if err := v.terminal.enter(); err != nil {
			return err
		}
	}
	v.say(consoleBanner)
	ctx, cancel := context.WithCancel(ctx)
	stopped, stop, err := os.Pipe()
	if err != nil {
		cancel()
		return err
	}
	var all sync.WaitGroup
	for _, f := range []func(context.Context){v.show, v.send} {
		all.Go(func() {
			defer v.restoreAfterPanic()
			f(ctx)
		})
	}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		defer v.restoreAfterPanic()
		v.read(ctx, stopped)
	}()
	select {
	case <-v.finished:
	case <-ctx.Done():
		v.finish(context.Cause(ctx))
	}
	cancel()
	_ = stop.Close() // it ends a read that waits; one that has begun ends with the program
	all.Wait()
	select {
	case <-reading:
		_ = stopped.Close()
	case <-time.After(50 * time.Millisecond):
	}
	if v.err != nil && v.terminal != nil {
		v.write([]byte("\r\n"))
	}
	return v.err
}

// restoreAfterPanic puts the terminal right before the program dies.
func (v *consoleView) restoreAfterPanic() {
	if p := recover(); p != nil {
		v.terminal.restore()
		panic(p)
	}
}

// write writes to the screen.
func (v *consoleView) write(b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := raw(v.app.Out).Write(b); err != nil {
		v.finish(fmt.Errorf("what the host says cannot be written: %w", err))
	}
}

// say writes a line of our own.
func (v *consoleView) say(line string) {
	if v.terminal != nil {
		line = strings.ReplaceAll(line, "\n", "\r\n") + "\r"
	}
	v.write([]byte(line + "\n"))
}

// note tells of an event on standard error.
func (v *consoleView) note(line string) {
	end := "\n"
	if v.terminal != nil {
		end = "\r\n"
		line = "\r\n" + line
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.app.Err, "%s%s", line, end)
}

// event tells of what happens to the console.
func (v *consoleView) event(e client.ConsoleEvent) {
	text := map[client.ConsoleEvent]string{
		client.ConsoleUnavailable: "the host is off or asleep",
		client.ConsoleAvailable:   "the host can be reached again",
		client.ConsoleOverrun:     "the BMC has lost characters of the host",
		client.ConsoleBreak:       "break",
		client.ConsoleLost:        "no answer from the BMC; waiting for it",
		client.ConsoleReopened:    "console open again",
		client.ConsoleTakenOver:   "console taken over from another session",
		client.ConsoleHealed:      "console freed from a session that lom left behind in a crash",
		client.ConsolePlain:       "the BMC does not encrypt the console: what is typed can be read on the way",
	}[e]
	v.note("[" + text + "]")
	if e == client.ConsoleReopened {
		v.remember(v.sessionID())
	}
}

// remember keeps a record of the session that has the console.
func (v *consoleView) remember(id uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if id == v.recorded {
		return
	}
	if v.recorded != 0 {
		v.records.drop(v.recorded)
	}
	v.recorded = id
	if err := v.records.keep(id); err != nil {
		v.app.Log.Info("no record of the console kept", "error", err)
	}
}

func (v *consoleView) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.records.drop(v.recorded)
}

// show shows what the host says.
func (v *consoleView) show(ctx context.Context) {
	buf := make([]byte, 16<<10)
	for {
		n, err := v.console.Read(ctx, buf)
		if n > 0 {
			v.write(buf[:n])
			v.mu.Lock()
			v.spoke = time.Now()
			v.mu.Unlock()
			if err := v.log.write(buf[:n]); err != nil {
				v.note(fmt.Sprintf("[the log cannot be written: %v]", err))
				v.log = nil
			}
		}
		if err != nil {
			if ctx.Err() == nil {
				v.finish(err)
			}
			return
		}
	}
}

// read reads what is typed.
func (v *consoleView) read(ctx context.Context, stopped *os.File) {
	file, _ := v.app.In.(*os.File)
	buf := make([]byte, 4096)
	any := false
	for {
		if file != nil && !inputReady(file, stopped) {
			return
		}
		n, err := v.app.In.Read(buf)
		if n > 0 {
			any = true
			v.typed(ctx, bytes.Clone(buf[:n]))
		}
		if err == nil {
			continue
		}
		v.queue(ctx, consoleInput{data: v.escapes.left()})
		switch {
		case v.terminal != nil:
			v.finish(nil) // the terminal is gone
		case err != io.EOF:
			v.finish(fmt.Errorf("the input cannot be read: %w", err))
		case any || v.lingers:
			v.queue(ctx, consoleInput{end: true})
		}
		return
	}
}

// typed takes what was typed apart.
func (v *consoleView) typed(ctx context.Context, p []byte) {
	char := string(v.escapes.char)
	for len(p) > 0 {
		send, found, rest := v.escapes.next(p)
		p = rest
		if len(send) > 0 {
			v.queue(ctx, consoleInput{data: send})
		}
		switch found {
		case escapeEnd:
			v.say(char + ". [terminated " + v.app.Name + "]")
			if v.terminal != nil {
				v.finish(nil)
				return
			}
			v.queue(ctx, consoleInput{end: true, atOnce: true})
		case escapeBreak:
			v.say(char + "B [send break]")
			v.queue(ctx, consoleInput{brk: true})
		case escapeHelp:
			v.help(char)
		case escapeSuspend, escapeSuspendPlain:
			v.say(char + "^" + choose(found == escapeSuspend, "Z", "X") + " [suspend " + v.app.Name + "]")
			v.terminal.restore()
			suspend()
			if found == escapeSuspend {
				if err := v.terminal.enter(); err != nil {
					v.finish(err)
				}
			}
		}
	}
}

// queue hands something to the sender, which may have to wait for the host.
func (v *consoleView) queue(ctx context.Context, in consoleInput) {
	select {
	case v.sends <- in:
	case <-ctx.Done():
	}
}

func (v *consoleView) help(char string) {
	text := char + "?\n\tSupported escape sequences:\n"
	for _, l := range [][2]string{
		{".  ", "terminate connection"}, {"^Z ", "suspend " + v.app.Name},
		{"^X ", "suspend " + v.app.Name + ", but don't restore tty on restart"}, {"B  ", "send break"},
		{"?  ", "this message"}, {char + "  ", "send the escape character by typing it twice"},
	} {
		text += "\t" + char + l[0] + "- " + l[1] + "\n"
	}
	text += "\t(Note that escapes are only recognized immediately after newline.)"
	if v.terminal != nil {
		if columns, rows, err := term.GetSize(v.terminal.fd); err == nil {
			text += fmt.Sprintf("\n\t(The host does not know the size of this window; there, type: stty rows %d cols %d)", rows, columns)
		}
	}
	v.say(text)
}

// send sends what was typed.
func (v *consoleView) send(ctx context.Context) {
	for {
		var in consoleInput
		select {
		case in = <-v.sends:
		case <-ctx.Done():
			return
		}
		_, err := v.console.Write(ctx, in.data)
		if err == nil && (in.brk || in.end) {
			err = v.console.Flush(ctx)
		}
		if err == nil && in.brk {
			err = v.console.Break()
		}
		if err != nil {
			continue // the console has ended, and show says why; or it is open again soon
		}
		if in.end {
			if !in.atOnce {
				v.waitQuiet(ctx)
			}
			v.finish(nil)
			return
		}
	}
}

// waitQuiet waits until the host has said nothing for as long as it may.
func (v *consoleView) waitQuiet(ctx context.Context) {
	ended := time.Now()
	for {
		v.mu.Lock()
		since := v.spoke
		v.mu.Unlock()
		if since.Before(ended) {
			since = ended
		}
		rest := v.linger - time.Since(since)
		if rest <= 0 {
			return
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return
		}
	}
}
