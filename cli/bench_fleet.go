package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/many"
)

// fleetResult is what lom bench prints of many BMCs. Times are in seconds.
type fleetResult struct {
	Hosts    int            `json:"hosts"`
	Login    *fleetLogin    `json:"log_in,omitempty"`
	Rates    []benchRate    `json:"commands,omitempty"`
	Failures []fleetFailure `json:"failures,omitempty"`
	Stopped  string         `json:"stopped,omitempty"` // why it ended early
}

// fleetLogin is what the log-in to all took.
type fleetLogin struct {
	Done      int     `json:"count"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	AtATime   int     `json:"at_a_time"`
	benchTimes
	Slowest []slowHost `json:"slowest,omitempty"`
}

// slowHost is one of the hosts that took longest.
type slowHost struct {
	Host    string  `json:"host"`
	Seconds float64 `json:"seconds"`
}

// fleetFailure are hosts that could not be measured.
type fleetFailure struct {
	Hosts  string `json:"hosts"`
	Count  int    `json:"count"`
	Reason string `json:"reason"`
}

// A fleetBench measures many BMCs together.
type fleetBench struct {
	app      *App
	options  *benchOptions
	result   fleetResult
	sessions []client.PayloadConn
	progress func(format string, args ...any)
}

// runBenchFleet measures all BMCs that -H names, and prints what was measured also when it is
// stopped.
func runBenchFleet(ctx context.Context, a *App, o *benchOptions) error {
	if err := a.complete(ctx); err != nil {
		return err
	}
	t, err := a.transport()
	if err != nil {
		return err
	}
	defer t.Close()
	a.Options.transport = t
	limited, cancel := context.WithTimeoutCause(ctx, o.limit, errBenchTime)
	defer cancel()
	f := &fleetBench{app: a, options: o, progress: a.benchProgress()}
	f.result.Hosts = len(a.targets)
	f.login(limited)
	defer f.close()
	f.rates(limited)
	f.progress("")
	if cause := context.Cause(limited); cause != nil {
		f.result.Stopped = a.explain(cause)
	}
	if err := a.Show(&f.result, f.result.text, nil); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(f.result.Failures) > 0 || f.result.Stopped != "":
		return errReported
	}
	return nil
}

// close ends the sessions.
func (f *fleetBench) close() {
	for _, s := range f.sessions {
		_ = s.Close()
	}
}

// login opens a session with each BMC.
func (f *fleetBench) login(ctx context.Context) {
	targets := f.app.targets
	atOnce := f.app.Options.Fanout
	if atOnce == 0 {
		atOnce = busyFanout
	}
	atOnce = min(atOnce, len(targets))
	sessions, errs, took := make([]client.PayloadConn, len(targets)), make([]error, len(targets)),
		make([]time.Duration, len(targets))
	var crew sync.WaitGroup
	var next, done atomic.Int64
	began := time.Now()
	for range atOnce {
		crew.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(targets); i = int(next.Add(1)) - 1 {
				if errs[i] = context.Cause(ctx); errs[i] != nil {
					continue
				}
				sent := time.Now()
				sessions[i], errs[i] = f.open(ctx, targets[i])
				took[i] = time.Since(sent)
				if n := done.Add(1); n%64 == 0 {
					f.progress("logging in: %d of %d", n, len(targets))
				}
			}
		})
	}
	crew.Wait()
	r := &fleetLogin{Seconds: time.Since(began).Seconds(), AtATime: atOnce}
	var good []time.Duration
	var slow []slowHost
	for i, s := range sessions {
		if s != nil {
			f.sessions = append(f.sessions, s)
			good = append(good, took[i])
			slow = append(slow, slowHost{targets[i].name, took[i].Seconds()})
		}
	}
	r.Done, r.benchTimes = len(good), timesOf(good)
	r.PerSecond = float64(r.Done) / r.Seconds
	slices.SortStableFunc(slow, func(a, b slowHost) int {
		return cmp.Compare(b.Seconds, a.Seconds)
	})
	const some = 3
	r.Slowest = slow[:min(some, len(slow))]
	f.result.Login = r
	f.failures(errs)
}

// open logs in to one BMC.
func (f *fleetBench) open(ctx context.Context, t target) (client.PayloadConn, error) {
	o := f.app.Options
	o.name(t)
	s, err := f.app.dial(ctx, &o, f.app.Log)
	if err != nil {
		return nil, err
	}
	session, ok := s.(client.PayloadConn)
	if !ok {
		return nil, errors.Join(errors.New("this is no session over the network"), s.Close())
	}
	return session, nil
}

// failures notes the hosts without a session by reason, the most frequent first.
func (f *fleetBench) failures(errs []error) {
	hosts := map[string][]string{}
	for i, err := range errs {
		if err != nil {
			one := &App{Name: f.app.Name, Options: f.app.Options}
			one.Options.name(f.app.targets[i])
			why := one.hostSentence(err)
			hosts[why] = append(hosts[why], f.app.targets[i].name)
		}
	}
	for why, names := range hosts {
		f.result.Failures = append(f.result.Failures,
			fleetFailure{many.FoldHosts(names), len(names), why})
	}
	slices.SortFunc(f.result.Failures, func(a, b fleetFailure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
}

// fleetTrouble is the share of lost packets and busy answers from which on no more BMCs are asked
// at a time.
const fleetTrouble = 0.01

// rates measures how many commands a second all BMCs answer together, by how many of them are asked
// at a time, each one thing only.
func (f *fleetBench) rates(ctx context.Context) {
	for n := 1; len(f.sessions) > 0 && ctx.Err() == nil; n = min(4*n, len(f.sessions)) {
		r := f.rate(ctx, n)
		if r.Commands > 0 {
			f.result.Rates = append(f.result.Rates, r)
		}
		if n == len(f.sessions) || float64(r.Lost+r.Busy) > fleetTrouble*float64(r.Commands) {
			return
		}
	}
}

func (f *fleetBench) rate(ctx context.Context, n int) benchRate {
	f.progress("%d of %d BMCs at a time", n, len(f.sessions))
	before := f.sum()
	var (
		crew sync.WaitGroup
		mu   sync.Mutex
		took []time.Duration
	)
	began := time.Now()
	for w := range n {
		// Each asks BMCs of its own, in turn, so that none is asked two things at a time.
		crew.Go(func() {
			var own []time.Duration
			for i := w; time.Since(began) < f.options.step && ctx.Err() == nil; {
				sent := time.Now()
				if _, err := client.Do(ctx, f.sessions[i], ipmi.GetDeviceID{}); err == nil {
					own = append(own, time.Since(sent))
				}
				if i += n; i >= len(f.sessions) {
					i = w
				}
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	crew.Wait()
	now := f.sum()
	r := benchRate{AtATime: n, Commands: len(took), Seconds: time.Since(began).Seconds(),
		benchTimes: timesOf(took), Busy: int(now.Busy - before.Busy)}
	r.PerSecond = float64(r.Commands) / r.Seconds
	r.Lost = lostPackets(before, now)
	return r
}

// sum adds up what tells of trouble in all sessions.
func (f *fleetBench) sum() client.Stats {
	var all client.Stats
	for _, s := range f.sessions {
		st := s.Stats()
		all.Retries += st.Retries
		all.Timeouts += st.Timeouts
		all.Busy += st.Busy
	}
	return all
}

func (r *fleetResult) text(w io.Writer) {
	fmt.Fprintf(w, "%d BMCs\n", r.Hosts)
	if l := r.Login; l != nil {
		fmt.Fprintf(w, "\nLog-in: %d of %d within %s (%.0f/s, %d at a time)", l.Done, r.Hosts,
			shortTime(l.Seconds), l.PerSecond, l.AtATime)
		if l.Done > 0 {
			fmt.Fprintf(w, ", median %s, 95 %% within %s", shortTime(l.Median), shortTime(l.P95))
		}
		fmt.Fprintln(w)
		var slow []string
		for _, s := range l.Slowest {
			slow = append(slow, s.Host+" "+shortTime(s.Seconds))
		}
		if len(slow) > 0 {
			fmt.Fprintf(w, "Slowest: %s\n", strings.Join(slow, ", "))
		}
	}
	writeRates(w, "BMCs at a time", r.Rates)
	if len(r.Failures) > 0 {
		var rows []many.FailureRow
		for _, f := range r.Failures {
			rows = append(rows, many.FailureRow{Count: f.Count, Hosts: f.Hosts, Reason: f.Reason})
		}
		var b strings.Builder
		b.WriteString("\nNot measured:\n")
		many.WriteFailures(&b, rows)
		io.WriteString(w, b.String())
	}
	if r.Stopped != "" {
		fmt.Fprintf(w, "\nIt ended early: %s\n", r.Stopped)
	}
}
