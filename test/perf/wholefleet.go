package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A crew is a process in the fleet's role.
type crew struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func (r *runner) startFleet(args ...string) (*crew, error) {
	c := &crew{cmd: exec.Command(r.self, append([]string{"fleet"}, args...)...)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(bufio.NewReader(out))
	return c, c.cmd.Start()
}

// next returns what the fleet tells next.
func (c *crew) next() (phase, error) {
	var p phase
	err := c.out.Decode(&p)
	if errors.Is(err, io.EOF) {
		err = errors.New("the fleet has ended early")
	}
	return p, err
}

// step makes the fleet do a job.
func (c *crew) step(name string) (phase, error) {
	if _, err := io.WriteString(c.in, name+"\n"); err != nil {
		return phase{}, err
	}
	return c.next()
}

func (c *crew) stop() {
	c.in.Close()
	late := time.AfterFunc(limit, func() { c.cmd.Process.Kill() })
	c.cmd.Wait()
	late.Stop()
}

// fleetProfile is a make of server with sixty sensors.
const fleetProfile = "dense"

// both is a phase with the CPU time of both ends.
type both struct {
	phase
	bmc    time.Duration // CPU time of the BMCs
	kernel time.Duration // of that, and of the fleet's, in the kernel
	state  state         // of the BMCs' process afterwards
}

func (b both) cpu() time.Duration { return b.User + b.System + b.bmc }

// perCore is how many exchanges a second one CPU manages that does nothing else.
func (b both) perCore() float64 { return float64(b.Exchanges) / b.cpu().Seconds() }

func (b both) perSecond() float64 { return float64(b.Exchanges) / b.Took.Seconds() }

// wholeFleet is item 3: a log-in to very many BMCs, and the sensors of them all, again and again.
func (r *runner) wholeFleet(ctx context.Context) error {
	single, err := r.startBMCs(ctx, 1, "--profile", fleetProfile)
	if err != nil {
		return err
	}
	one, err := single.ask("state")
	single.stop()
	if err != nil {
		return err
	}
	say("starting %d BMCs", r.fleet)
	began := time.Now()
	b, err := r.startBMCs(ctx, r.fleet, "--profile", fleetProfile)
	if err != nil {
		return err
	}
	defer b.stop()
	started := time.Since(began)
	fresh, err := b.ask("state")
	if err != nil {
		return err
	}
	profile := filepath.Join(r.dir, "fleet.pprof")
	say("logging in")
	c, err := r.startFleet("-first", "127.0.0.1:"+b.port, "-count", fmt.Sprint(r.fleet), "-profile",
		profile)
	if err != nil {
		return err
	}
	defer c.stop()
	last := fresh
	with := func(p phase, err error) (both, error) {
		if err != nil {
			return both{}, err
		}
		now, err := b.ask("state")
		x := both{phase: p, state: now, bmc: now.User +
			now.System - now.Looking - last.User - last.System,
			kernel: p.System + now.System - last.System}
		last = now
		return x, err
	}
	login, err := with(c.next())
	if err != nil {
		return err
	}
	// The first round teaches the windows.
	if _, err := with(c.step("round")); err != nil {
		return err
	}
	const packet = 64 // bytes of a request for a reading, and of its answer, in cipher suite 3
	var rounds, echoes []both
	for range r.rounds {
		x, err := with(c.step("round"))
		if err != nil {
			return err
		}
		say("%d exchanges in %v, %.0f a second", x.Exchanges, x.Took.Round(time.Millisecond),
			x.perSecond())
		rounds = append(rounds, x)
		e, err := r.echo(ctx, packet)
		if err != nil {
			return err
		}
		echoes = append(echoes, e)
	}
	x, echo := middleRound(rounds), middleRound(echoes)
	top, err := r.profiled(ctx, b, c, profile)
	if err != nil {
		return err
	}
	if _, err := with(c.step("close")); err != nil {
		return err
	}
	t := table{head: []string{fmt.Sprintf("%d BMCs, %d sensors each", r.fleet, x.Sensors), "figure",
		"goal"}}
	n := int64(r.fleet)
	t.add("start of the BMCs, until they answer", seconds(started), "")
	t.add("log-in to all", seconds(login.Took), "")
	t.add("log-ins a second", fmt.Sprintf("%.0f", float64(r.fleet)/login.Took.Seconds()), "")
	t.add("a round: records checked, all sensors read", seconds(x.Took), "")
	t.add("exchanges a second", fmt.Sprintf("%.0f", x.perSecond()), "")
	t.add("exchanges a second and core, both ends", fmt.Sprintf("%.0f", x.perCore()), "")
	t.add("exchanges a second and core, client alone",
		fmt.Sprintf("%.0f", float64(x.Exchanges)/(x.User+x.System).Seconds()), "")
	share := func(d time.Duration) string {
		return fmt.Sprintf("%.0f %%", 100*float64(d)/float64(x.cpu()))
	}
	t.add("CPU: client / BMCs", share(x.User+x.System)+" / "+share(x.bmc), "")
	t.add("of it in the kernel", share(x.kernel), "")
	t.add("packets sent again in all rounds", fmt.Sprint(x.Retries), "")
	t.add("heap of the client for a session, after log-in",
		bytesOf((login.After.Heap-login.Before.Heap)/n), "4 KB")
	t.add("heap of the client for a session, after the rounds",
		bytesOf((x.After.Heap-login.Before.Heap)/n), "4 KB")
	t.add("resident memory of the client for a session",
		bytesOf((x.After.Resident-login.Before.Resident)/n), "")
	t.add("heap for a BMC", bytesOf((fresh.Heap-one.Heap)/(n-1)), "20 KB")
	t.add("resident memory for a BMC", bytesOf((fresh.Resident-one.Resident)/(n-1)), "")
	t.add("heap for a BMC with a session", bytesOf((x.state.Heap-one.Heap)/(n-1)), "")
	t.add("goroutines of the client", fmt.Sprint(x.After.Goroutines), "none for a session")
	t.add("goroutines of the BMCs", fmt.Sprint(x.state.Goroutines), "none for a BMC")
	t.add("kernel alone: exchanges a second", fmt.Sprintf("%.0f", echo.perSecond()), "")
	t.add("kernel alone: exchanges a second and core", fmt.Sprintf("%.0f", echo.perCore()), "")
	t.add("kernel alone is faster by, for a core", fmt.Sprintf("%.2f", echo.perCore()/x.perCore()),
		"3")
	t.add("kernel alone is faster by, in all", fmt.Sprintf("%.2f", echo.perSecond()/x.perSecond()),
		"")
	return r.report.set("item 3", t.String()+"\n"+top)
}

// middleRound returns the round whose rate is in the middle.
func middleRound(rounds []both) both {
	all := slices.SortedFunc(slices.Values(rounds), func(a, b both) int {
		return cmp.Compare(a.perSecond(), b.perSecond())
	})
	return all[len(all)/2]
}

// profiled makes a round with profiles of both ends, and returns their heads.
func (r *runner) profiled(ctx context.Context, b *bmcs, c *crew, file string) (string, error) {
	say("profiling")
	served := filepath.Join(r.dir, "bmcs.pprof")
	if _, err := b.ask("profile " + served); err != nil {
		return "", err
	}
	if _, err := c.step("profile"); err != nil {
		return "", err
	}
	if _, err := b.ask("end of profile"); err != nil {
		return "", err
	}
	var text strings.Builder
	for _, p := range [][2]string{{"client", file}, {"BMCs", served}} {
		top, err := r.profileTop(ctx, p[1], 18)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "Where the CPU time of the %s goes (`go tool pprof "+
			"-top`):\n\n```text\n%s```\n\n", p[0], top)
	}
	return text.String(), nil
}

// echo measures what the kernel's UDP alone can do with packets of a size between as many
// addresses.
func (r *runner) echo(ctx context.Context, size int) (both, error) {
	say("the kernel alone")
	server := exec.CommandContext(ctx, r.self, "echo", "-size", fmt.Sprint(size))
	server.Stderr = os.Stderr
	in, err := server.StdinPipe()
	if err != nil {
		return both{}, err
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return both{}, err
	}
	if err := server.Start(); err != nil {
		return both{}, err
	}
	defer server.Wait()
	defer in.Close()
	told := json.NewDecoder(out)
	var at, asked, served echoed
	if err := told.Decode(&at); err != nil {
		return both{}, err
	}
	b, err := exec.CommandContext(ctx, r.self, "echo", "-size", fmt.Sprint(size), "-port",
		fmt.Sprint(at.Port), "-peers", fmt.Sprint(r.fleet), "-for", "2s").Output()
	if err != nil {
		return both{}, fmt.Errorf("echo: %w", err)
	}
	if err := json.Unmarshal(b, &asked); err != nil {
		return both{}, err
	}
	in.Close()
	if err := told.Decode(&served); err != nil {
		return both{}, err
	}
	say("%d exchanges in %v, %.1f packets a call", asked.Packets,
		asked.Took.Round(time.Millisecond), float64(asked.Packets)/float64(max(asked.Calls, 1)))
	return both{phase: phase{Took: asked.Took, Exchanges: asked.Packets, User: asked.User,
		System: asked.System}, bmc: served.User + served.System}, nil
}
