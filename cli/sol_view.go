package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"lom/client"
)

// A consoleLine is what a view needs of a client.Console.
type consoleLine interface {
	Read(ctx context.Context, p []byte) (int, error)
	Write(ctx context.Context, p []byte) (int, error)
	Flush(ctx context.Context) error
	Break() error
	Acknowledged() int64
}

// A consoleView shows a console to a person or a pipe.
type consoleView struct {
	app      *App
	console  consoleLine
	screen   *consoleScreen
	terminal *ttyMode // nil: input is no terminal
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
	ending   sync.Once     // the end of the input came
	sent     chan struct{} // closed when the BMC has the input to its end

	mu          sync.Mutex // guards what follows
	recorded    uint32     // the session in the record
	unavailable bool       // the host is off or asleep
}

func newConsoleView(a *App) *consoleView {
	v := &consoleView{
		app: a, finished: make(chan struct{}), sent: make(chan struct{}),
		sends: make(chan consoleInput, 1024), escapes: escapeReader{char: a.Options.Escape[0]},
		screen: &consoleScreen{out: raw(a.Out), err: a.Err, eol: "\n",
			shared: sameFile(a.stdout, a.Err)},
	}
	v.screen.failed = func(err error) {
		if ended := outputError(err, isTerminal(a.stdout)); ended != err {
			v.finish(ended)
		} else {
			v.finish(fmt.Errorf("what the host says cannot be written: %w", err))
		}
	}
	if in, ok := a.In.(*os.File); ok && isTerminalFile(in) {
		v.terminal = &ttyMode{fd: int(in.Fd()), set: keyByKey}
		v.screen.eol = "\r\n"
	}
	return v
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
	defer keepBrokenPipe()()
	if v.terminal != nil {
		defer v.terminal.watchSignals()()
		defer v.terminal.restore()
		if err := v.terminal.enter(); err != nil {
			return err
		}
	}
	v.screen.say(consoleBanner)
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
	v.screen.close(v.err)
	return v.err
}

// restoreAfterPanic puts the terminal right before the program dies.
func (v *consoleView) restoreAfterPanic() {
	if p := recover(); p != nil {
		v.terminal.restore()
		panic(p)
	}
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
		client.ConsolePlain: "the BMC does not encrypt the console: what is typed can be " +
			"read on the way",
	}[e]
	v.screen.note(text)
	switch e {
	case client.ConsoleReopened:
		v.remember(v.sessionID())
	case client.ConsoleUnavailable, client.ConsoleAvailable:
		v.mu.Lock()
		v.unavailable = e == client.ConsoleUnavailable
		v.mu.Unlock()
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
			v.screen.show(buf[:n])
			if err := v.log.write(buf[:n]); err != nil {
				v.screen.note(fmt.Sprintf("the log cannot be written: %v", err))
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
		if !v.terminal.await(ctx) {
			return
		}
		if file != nil {
			if ready, ended := inputReady(file, stopped, foregroundCheck); ended {
				return
			} else if !ready || !v.terminal.isOurs() {
				continue
			}
		}
		n, err := v.app.In.Read(buf)
		if n > 0 {
			any = true
			v.typed(ctx, bytes.Clone(buf[:n]))
		}
		if err == nil {
			continue
		}
		switch {
		case v.terminal != nil && err == io.EOF && !v.terminal.isOn():
			v.finish(nil) // Ctrl-D, after ~^X
		case v.terminal != nil:
			v.finish(errHangup)
		case err != io.EOF:
			v.finish(fmt.Errorf("the input cannot be read: %w", err))
		case any || v.lingers:
			v.end(ctx, consoleInput{data: v.escapes.left(), end: true})
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
			v.screen.say(char + ". [terminated " + v.app.Name + "]")
			if v.terminal != nil {
				v.finish(nil)
				return
			}
			v.end(ctx, consoleInput{end: true, atOnce: true})
		case escapeBreak:
			v.screen.say(char + "B [send break]")
			v.queue(ctx, consoleInput{brk: true})
		case escapeHelp:
			v.help(char)
		case escapeSuspend, escapeSuspendPlain:
			v.screen.say(char + "^" + choose(found == escapeSuspend, "Z", "X") + " [suspend " +
				v.app.Name + "]")
			if v.terminal == nil {
				stopJob()
				continue
			}
			v.terminal.suspend(found == escapeSuspend)
		}
	}
}

// What the end of an input that is no terminal waits for, as long as the BMC acknowledges nothing
// of the input.
const (
	endPatience    = 15 * time.Second
	atOncePatience = 3 * time.Second // after ~.
)

// end has the console end when the BMC has the input, or takes no more of it.
func (v *consoleView) end(ctx context.Context, in consoleInput) {
	patience := max(endPatience, v.linger)
	if in.atOnce {
		patience = atOncePatience
	}
	v.ending.Do(func() { go v.giveUp(ctx, patience) })
	v.queue(ctx, in)
}

// giveUp ends the console if the input is not sent to its end, and nothing of it was acknowledged
// for as long as patience.
func (v *consoleView) giveUp(ctx context.Context, patience time.Duration) {
	for {
		before := v.console.Acknowledged()
		select {
		case <-time.After(patience):
		case <-v.sent:
			return
		case <-ctx.Done():
			return
		}
		if v.console.Acknowledged() == before {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.finish(&inputLeftError{unavailable: v.unavailable})
			return
		}
	}
}

// An inputLeftError is a console that has ended before the host had all of the input.
type inputLeftError struct{ unavailable bool }

func (e *inputLeftError) Error() string {
	if e.unavailable {
		return "the host is off or asleep, and has not taken the input"
	}
	return "the host has not taken all of the input"
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
			text += fmt.Sprintf("\n\t(The host does not know the size of this window; there, "+
				"type: stty rows %d cols %d)", rows, columns)
		}
	}
	v.screen.say(text)
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
			close(v.sent)
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
		since := v.screen.quietSince()
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
