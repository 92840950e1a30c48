package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lom/many"
	"lom/render"
)

// One command on many hosts. The command line is read once; the function of the command then runs
// once for each host, with a copy of the App that names this host, and prints into a buffer of the
// host. All sessions share the sockets of one Transport, so that what limits the number of hosts at
// the same time is only how fast answers can be read.

// hostsAnnotation is the annotation of commands that are not carried out on each of many hosts.
const hostsAnnotation = "hosts"

const (
	hostsNone = "none" // the command has nothing to do with -H
	hostsOne  = "one"  // it needs a person or a file for itself
	hostsAll  = "all"  // it works on all of them together
)

// withoutHost marks a command that has nothing to do with -H.
func withoutHost(cmd *cobra.Command) *cobra.Command { return annotate(cmd, hostsNone, "") }

// allHosts marks a command that works on all hosts together.
func allHosts(cmd *cobra.Command) *cobra.Command { return annotate(cmd, hostsAll, "") }

// oneHost marks a command that works on one host only. what says what it does, such as "opens a
// console".
func oneHost(cmd *cobra.Command, what string) *cobra.Command {
	return annotate(cmd, hostsOne, what)
}

func annotate(cmd *cobra.Command, hosts, what string) *cobra.Command {
	cmd.Annotations = map[string]string{hostsAnnotation: hosts, hostsAnnotation + "-why": what}
	return cmd
}

// Without --fanout, busyFanout hosts that answer are worked on at the same time: of many more,
// answers are lost before they are read, for the buffers of sockets are small, and it is no faster.
// A host that is silent for silentAfter takes nobody's place, so that dead ones are waited for
// together, up to defaultFanout of them.
const (
	defaultFanout = 4096
	busyFanout    = 256
	silentAfter   = 100 * time.Millisecond
)

// prepareHosts finds out which BMCs -H names.
func (a *App) prepareHosts(ctx context.Context) error {
	o := &a.Options
	targets, err := interruptible(ctx, o.expandHosts) // it may read a pipe into which nobody writes
	if err != nil || len(targets) == 0 {
		return err
	}
	a.targets = targets
	o.name(targets[0])
	if len(targets) > 1 && (o.inBand() || o.serial()) {
		return fmt.Errorf("-I %s leads to one BMC only, and -H names %d hosts", o.Interface,
			len(targets))
	}
	return nil
}

// name makes a target the BMC of the options.
func (o *Options) name(t target) {
	o.Host = t.host
	if t.port != 0 {
		o.Port = t.port
	}
}

// carryOut runs the function of a command: once, or on each of many hosts.
func (a *App) carryOut(cmd *cobra.Command, run runFunc, args []string) error {
	a.running, a.runArgs = commandName(cmd), args
	kind := cmd.Annotations[hostsAnnotation]
	switch {
	case a.oneOf, kind == hostsNone, kind == hostsAll, len(a.targets) < 2 && kind == hostsOne:
		return run(cmd.Context(), a, args)
	case len(a.targets) == 0 && a.Options.HostsForm:
		return errors.New("--hosts-form puts the name of each host in front, and without -H " +
			"there is none; name one, or omit it")
	case len(a.targets) < 2 && !a.Options.HostsForm:
		return run(cmd.Context(), a, args)
	}
	if kind == hostsOne {
		return fmt.Errorf("%s %s, so it works on one host, and -H names %d", commandName(cmd),
			cmd.Annotations[hostsAnnotation+"-why"], len(a.targets))
	}
	if cmd.Name() == "exec" && len(args) == 1 && args[0] == "-" {
		return fmt.Errorf("exec - reads standard input once only; for the %d hosts that -H "+
			"names, give the commands in a file", len(a.targets))
	}
	return newMany(a, cmd, run, args).carryOut(cmd.Context())
}

// manyHosts is one command on many hosts.
type manyHosts struct {
	app     *App
	command string
	run     runFunc
	args    []string
	risky   bool // it is asked about first

	screen  *many.Screen
	output  *many.Output
	places  chan struct{} // has a place for each host that answers
	secrets sharedSecrets

	mu     sync.Mutex
	states []hostState
	counts [hostStates]int
	why    []string // of the failed
	began  time.Time
}

// hostState is how far a host is.
type hostState uint8

const (
	hostWaiting hostState = iota // not begun
	hostRunning
	hostDone
	hostFailed
	hostStopped // by a signal
	hostStates
)

func newMany(a *App, cmd *cobra.Command, run runFunc, args []string) *manyHosts {
	m := &manyHosts{
		app: a, command: commandName(cmd), run: run, args: args,
		risky:  len(a.targets) > 1 && switchesPower(cmd, args),
		states: make([]hostState, len(a.targets)), why: make([]string, len(a.targets)),
	}
	m.counts[hostWaiting] = len(a.targets)
	m.screen = a.newScreen()
	m.output = many.New(m.screen, m.names(), formOf(&a.Options), a.Options.Consolidate,
		a.printer(m.screen))
	return m
}

// names returns the names of the hosts.
func (m *manyHosts) names() []string {
	names := make([]string, len(m.app.targets))
	for i, t := range m.app.targets {
		names[i] = t.name
	}
	return names
}

// newScreen returns the screen for what many hosts print.
func (a *App) newScreen() *many.Screen {
	return &many.Screen{
		Out: a.Out, Err: a.Err, OutTerminal: a.terminal(a.stdout), ErrTerminal: a.terminal(a.Err),
		Width: func() int { return terminalWidth(a.Err) },
	}
}

// formOf returns the form of many hosts' output for the options.
func formOf(o *Options) many.Form {
	switch {
	case o.Format == render.NDJSON:
		return many.FormNDJSON
	case o.Format == render.YAML:
		return many.FormYAML
	case o.Format == render.Table, o.Format == render.CSV:
		return many.FormTable
	case o.JSON:
		return many.FormJSON
	case o.CSV:
		return many.FormCSV
	}
	return many.FormLines
}

// commandName is the command without the name of the program.
func commandName(cmd *cobra.Command) string {
	if !cmd.HasParent() || !cmd.Parent().HasParent() {
		return cmd.Name()
	}
	return commandName(cmd.Parent()) + " " + cmd.Name()
}

// carryOut runs the command on all hosts. The first begins alone: until it asks for its BMC, what
// it prints and what is wrong are about the command line, and told as for one host.
func (m *manyHosts) carryOut(ctx context.Context) error {
	ready := make(chan struct{})
	first := m.newApp(0)
	var refusal error
	first.begin = func(ctx context.Context) error {
		// Exec asks for its BMC again with the next line, whatever was said at the first.
		if refusal == nil {
			refusal = m.prepare(ctx)
		}
		if refusal != nil {
			return refusal
		}
		first.begin = nil
		first.Options = m.options(0)
		m.began = time.Now()
		m.set(0, hostRunning)
		m.output.Open()
		close(ready)
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- m.run(ctx, first, m.args) }()
	select {
	case err := <-ended:
		select {
		case <-ready:
			ended <- err
		default:
			if refusal != nil {
				return refusal
			}
			if e := m.output.Unopened(); err == nil {
				err = e
			}
			return err
		}
	case <-ready:
	}
	if t := m.app.Options.transport; t != nil {
		defer t.Close()
	}
	stopProgress := m.screen.ShowProgress(m.progressLine)
	m.runAll(ctx, func() { m.finish(ctx, 0, first, <-ended) })
	stopProgress()
	return m.conclude(ctx)
}

// prepare does what is done once for all hosts, after the command line was found good.
func (m *manyHosts) prepare(ctx context.Context) error {
	a := m.app
	if err := a.complete(ctx); err != nil {
		return err
	}
	if m.risky {
		if err := m.ask(ctx); err != nil {
			return err
		}
	}
	t, err := a.transport()
	a.Options.transport = t
	return err
}

// options returns the options for one host.
func (m *manyHosts) options(i int) Options {
	o := m.app.Options
	o.name(m.app.targets[i])
	if o.Format == render.YAML {
		o.Format = render.JSON // of which the document of the host is made
	}
	return o
}

// newApp returns the App for one host.
func (m *manyHosts) newApp(i int) *App {
	h := *m.app
	h.Options = m.options(i)
	h.targets, h.oneOf, h.session, h.bmc = nil, true, nil, nil
	h.Out = m.output.Writer(i)
	h.rows = m.output.Rows(i)
	h.Err = m.output.Errors(i)
	h.readPass = m.secrets.reader(m.screen, m.app.readPass)
	if h.Options.Verbose > 0 {
		h.setLog()
	}
	return &h
}

// runAll runs all hosts, of which the first runs already.
func (m *manyHosts) runAll(ctx context.Context, first func()) {
	o, n := &m.app.Options, len(m.states)
	fanout, busy := o.Fanout, o.Fanout
	if fanout == 0 {
		fanout, busy = defaultFanout, busyFanout
	}
	m.places = make(chan struct{}, busy)
	m.places <- struct{}{}
	var (
		workers sync.WaitGroup
		batch   sync.WaitGroup // the hosts of the batch that are not done
		next    = make(chan int)
		free    = make(chan struct{}, fanout)
		running = 0
	)
	batch.Add(1)
	free <- struct{}{}
	workers.Go(func() {
		first()
		<-m.places
		<-free
		batch.Done()
	})
	last := m.began
	begun := 1
loop:
	for ; begun < n; begun++ {
		if o.Batch > 0 && begun%o.Batch == 0 {
			batch.Wait()
			if m.hopeless(begun-o.Batch, begun) {
				break
			}
		}
		if o.Stagger > 0 {
			if sleep(ctx, time.Until(last.Add(o.Stagger))) != nil {
				break
			}
			last = time.Now()
		}
		select {
		case <-ctx.Done():
			break loop
		case free <- struct{}{}:
		}
		m.settle(ctx, o.transport.Lag)
		select {
		case <-ctx.Done():
			break loop
		case m.places <- struct{}{}:
		}
		// No more workers than there are hosts at the same time: their stacks have grown already.
		if running < min(fanout, n-1) {
			running++
			workers.Go(func() {
				for i := range next {
					m.host(ctx, i)
					<-free
					batch.Done()
				}
			})
		}
		batch.Add(1)
		m.set(begun, hostRunning)
		next <- begun
	}
	close(next)
	workers.Wait()
}

// A process that is late for its own timers begins with no further host as long as more than
// latePlaces are worked on: their answers would be lost before it reads them.
const (
	lateMost   = 100 * time.Millisecond
	latePlaces = 16
)

// settle waits until another host may be begun with. lag tells by how much the process is late.
func (m *manyHosts) settle(ctx context.Context, lag func() time.Duration) {
	for len(m.places) > latePlaces && lag() > lateMost {
		if sleep(ctx, lateMost/4) != nil {
			return
		}
	}
}

// hopeless reports whether no host of a batch could do the command, so that the next batches need
// not try.
func (m *manyHosts) hopeless(from, to int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !slices.Contains(m.states[from:to], hostDone)
}

// host runs the command on one host.
func (m *manyHosts) host(ctx context.Context, i int) {
	h := m.newApp(i)
	leave := sync.OnceFunc(func() { <-m.places })
	if m.app.Options.Fanout == 0 {
		silent := time.AfterFunc(silentAfter, leave)
		h.dialed = func() { silent.Stop() }
	}
	m.finish(ctx, i, h, m.run(ctx, h, m.args))
	leave()
}

// finish notes how the command ended on a host, and closes its session.
func (m *manyHosts) finish(ctx context.Context, i int, h *App, err error) {
	state, f := hostDone, many.Failure{}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		state, f = hostStopped, many.NewFailure("stopped before it was done", err)
	case errors.Is(err, errReported):
		state, f = hostFailed, many.NewFailure("it failed, as its lines say", err)
	default:
		state, f = hostFailed, many.NewFailure(h.hostSentence(err), err)
	}
	h.Err.(*many.ErrorWriter).Flush()
	m.mu.Lock()
	m.why[i] = f.Sentence
	m.mu.Unlock()
	m.output.Finish(i, f)
	m.set(i, state)
	h.Close()
}

// hostSentence is what a person sees of an error, without the name of the host in front.
func (a *App) hostSentence(err error) string {
	s, host := clipWords(a.explain(err)), a.Options.peer()+": "
	if len(s) > len(host) && s[:len(host)] == host {
		return s[len(host):]
	}
	return s
}

// set notes how far a host is.
func (m *manyHosts) set(i int, s hostState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[m.states[i]]--
	m.states[i] = s
	m.counts[s]++
}

// in returns the names of the hosts that are in a state.
func (m *manyHosts) in(s hostState) []string {
	var names []string
	for i, t := range m.app.targets {
		if m.states[i] == s {
			names = append(names, t.name)
		}
	}
	return names
}

// sharedSecrets asks for what commands ask a person for once, and gives all hosts the same answers.
type sharedSecrets struct {
	mu      sync.Mutex
	answers []string
}

// reader returns the function by which one host asks.
func (s *sharedSecrets) reader(screen *many.Screen,
	ask func(context.Context, string) (string, error)) func(context.Context,
	string) (string, error) {
	asked := 0
	return func(ctx context.Context, prompt string) (string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if asked == len(s.answers) {
			var answer string
			var err error
			screen.Pause(func() { answer, err = ask(ctx, prompt) })
			if err != nil {
				return "", err
			}
			s.answers = append(s.answers, answer)
		}
		asked++
		return s.answers[asked-1], nil
	}
}
