package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lom/client"
	"lom/ipmi"
)

const benchLong = `Measure how fast a BMC is: log-ins, commands with more and more of them under way at a time, reading the sensor
records, the sensors and the event log, and, with --sol, the echo of the host's serial console.

Nothing is changed on the BMC. The number of commands under way begins at one and is doubled while the BMC keeps
up; at the first signs of trouble, which are lost packets and answers that say "busy", it grows no more. Each
measurement ends after --step, the whole after --time; Ctrl-C ends it early. What was measured until then is printed.

Of many hosts, the log-in to all and the commands of all together are measured: what this machine, the network and
the BMCs manage in all. With --each, each
is measured by itself instead, one after the other.

--sol types a few letters into the host's console and rubs them out again: something there must echo them, such as
a log-in prompt. It does not take the console from another session.`

// benchOptions are the options of lom bench.
type benchOptions struct {
	most  int           // commands under way at a time
	step  time.Duration // of one measurement
	limit time.Duration // of all of them
	sol   bool
	each  bool // of many BMCs
}

func newBench(a *App) *cobra.Command {
	o := &benchOptions{most: 16}
	var cmd *cobra.Command
	cmd = leaf(a, "bench", "Measure how fast a BMC is, or many together",
		func(ctx context.Context, a *App, args []string) error {
			if err := wantArgs(args, 0, 0); err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			one := func(ctx context.Context, a *App, _ []string) error {
				return runBench(ctx, a, o)
			}
			switch {
			case len(a.targets) < 2:
				return one(ctx, a, args)
			case !o.each:
				return runBenchFleet(ctx, a, o)
			}
			a.Options.Fanout = 1 // they would be in each other's way
			return newMany(a, cmd, one, args).carryOut(ctx)
		})
	allHosts(noResult(a, cmd,
		"prints measurements, in one form for a BMC and in another one for many"))
	cmd.Long = benchLong
	f := cmd.Flags()
	f.Var(number{&o.most, 1, 60}, "most", "at most this number of commands in flight (default 16)")
	f.DurationVar(&o.step, "step", time.Second, "how long one measurement lasts, at most 10s")
	f.DurationVar(&o.limit, "time", 2*time.Minute, "how long all of it lasts at most")
	f.BoolVar(&o.each, "each", false, "of many BMCs, measure each by itself, one after the other")
	f.BoolVar(&o.sol, "sol", false, "measure the echo of the host's serial console too")
	return cmd
}

// check refuses what would not be gentle, or no measurement.
func (o *benchOptions) check() error {
	switch {
	case o.step < 10*time.Millisecond || o.step > 10*time.Second:
		return errors.New("--step is a time from 10ms to 10s")
	case o.limit < o.step || o.limit > time.Hour:
		return errors.New("--time is a time from that of --step to an hour")
	}
	return nil
}

// A bench measures one BMC.
type bench struct {
	app      *App
	options  *benchOptions
	result   benchResult
	progress func(format string, args ...any)
}

// A benchStep is one of the measurements.
type benchStep struct {
	what string // as problems name it
	run  func(*bench, context.Context) error
}

// runBench measures, and prints what was measured also when it is stopped.
func runBench(ctx context.Context, a *App, o *benchOptions) error {
	if a.Options.inBand() || a.Options.serial() || a.Options.bridged() || a.Options.Transit != 0 {
		return errors.New("bench measures BMCs over the network; it does not work with -I open, " +
			"over serial lines, or with -t")
	}
	if err := a.complete(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, o.limit, errBenchTime)
	defer cancel()
	b := &bench{app: a, options: o, progress: a.benchProgress()}
	err := b.identify(limited)
	if err != nil {
		return err
	}
	steps := []benchStep{
		{"log-in", (*bench).logins}, {"commands", (*bench).rates}, {"sensor records", (*bench).records},
		{"sensors", (*bench).sensors}, {"event log", (*bench).events},
	}
	if o.sol {
		steps = append(steps, benchStep{"console", (*bench).echo})
	}
	for _, s := range steps {
		if err := s.run(b, limited); err != nil {
			if cause := context.Cause(limited); cause != nil {
				err = cause
			}
			b.result.problem(s.what, a.explain(err))
		}
		if limited.Err() != nil {
			break
		}
	}
	b.progress("")
	if err := a.Show(&b.result, b.result.text, nil); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(b.result.Problems) > 0:
		return errReported
	}
	return nil
}

// errBenchTime is why a measurement ends that lasts too long.
var errBenchTime = errors.New("the time that --time gives was over")

// open opens a session with at most n commands under way; 0 finds out how many are good.
func (b *bench) open(ctx context.Context, n int,
	more ...func(*Options)) (client.PayloadConn, error) {
	o := b.app.Options
	o.Window = n
	for _, f := range more {
		f(&o)
	}
	s, err := b.app.dial(ctx, &o, b.app.Log)
	if err != nil {
		return nil, err
	}
	session, ok := s.(client.PayloadConn)
	if !ok {
		_ = s.Close()
		return nil, errors.New("this is no session over the network")
	}
	return session, nil
}

// identify finds out whom it measures.
func (b *bench) identify(ctx context.Context) error {
	b.progress("logging in")
	if b.app.begin != nil { // one of many hosts waits for its turn
		if err := b.app.begin(ctx); err != nil {
			return err
		}
	}
	s, err := b.open(ctx, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	id, err := client.Do(ctx, s, ipmi.GetDeviceID{})
	if err != nil {
		return failed("Get Device ID command", err)
	}
	info := s.Info()
	b.result.oneOf = b.app.oneOf
	b.result.Host, b.result.Interface = b.app.Options.peer(), string(info.Interface)
	b.result.Maker = b.app.manufacturerName(id.Manufacturer)
	b.result.Product, b.result.Firmware = id.Product,
		fmt.Sprintf("%d.%02x", id.FirmwareMajor, id.FirmwareMinor)
	if info.Interface == client.LANPlus {
		b.result.CipherSuite = new(info.CipherSuite.ID)
	}
	return nil
}

// benchLogins is how often a BMC is logged in to, and benchPause how long it then rests: BMCs have
// few sessions.
const (
	benchLogins = 5
	benchPause  = 100 * time.Millisecond
)

// logins measures log-ins, one after the other.
func (b *bench) logins(ctx context.Context) error {
	r := &benchLogin{}
	var took []time.Duration
	for n := range benchLogins {
		b.progress("log-in %d of %d", n+1, benchLogins)
		if err := sleep(ctx, benchPause); err != nil {
			return err
		}
		counted, err := newCountedTransport()
		if err != nil {
			return err
		}
		began := time.Now()
		s, err := b.open(ctx, 1, func(o *Options) { o.transport = counted.transport })
		took = append(took, time.Since(began))
		r.Packets = max(r.Packets, counted.sent())
		if err == nil {
			err = s.Close()
		}
		if err := errors.Join(err, counted.transport.Close()); err != nil {
			return err
		}
		r.Count, r.benchTimes = n+1, timesOf(took)
		b.result.Login = r
	}
	return nil
}

// timesOf returns the median and the 95th percentile.
func timesOf(all []time.Duration) benchTimes {
	if len(all) == 0 {
		return benchTimes{}
	}
	v := slices.Sorted(slices.Values(all))
	at := func(share float64) float64 { return v[int(share*float64(len(v)-1)+0.5)].Seconds() }
	return benchTimes{Median: at(0.5), P95: at(0.95)}
}
