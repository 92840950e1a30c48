package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A program is a command line to be measured.
type program struct {
	name  string   // as the report calls it
	args  []string // "{home}" stands for the folder home
	stdin string
	home  string // keeps caches from run to run; "": a new one each time
	// check looks whether the output is what was asked for: a program that fails fast is not fast.
	check func(out string) error
	// lenient programs may end with an exit status other than 0, if check is content.
	lenient bool
	// exchanges counts round trips since it was last called, if somebody counts them.
	exchanges func() int
}

// A sample is one run of a program.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // bytes at most; see peak
	exchanges int
}

// limit is how long a single run may take.
const limit = 10 * time.Minute

// run runs the program once.
func (r *runner) run(ctx context.Context, p *program) (sample, error) {
	home := p.home
	if home == "" {
		var err error
		if home, err = os.MkdirTemp(r.dir, "home-"); err != nil {
			return sample{}, err
		}
		defer os.RemoveAll(home)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out, said bytes.Buffer
	cmd := p.command(ctx, home)
	cmd.Stdout, cmd.Stderr = &out, &said
	if p.exchanges != nil {
		p.exchanges()
	}
	began := time.Now()
	err := cmd.Run()
	s := sample{wall: time.Since(began)}
	var exit *exec.ExitError
	if p.lenient && errors.As(err, &exit) && ctx.Err() == nil {
		err = nil
	}
	if err == nil && p.check != nil {
		err = p.check(out.String())
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w: %s", p, err, clip(said.String()+out.String()))
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // and that of its children
	if p.exchanges != nil {
		s.exchanges = p.exchanges()
	}
	return s, nil
}

// command makes the program's process.
func (p *program) command(ctx context.Context, home string) *exec.Cmd {
	args := slices.Clone(p.args)
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "{home}", home)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = home, environ(home), strings.NewReader(p.stdin)
	return cmd
}

// String is the command line as it is shown, without where files happen to be.
func (p *program) String() string {
	words := slices.Clone(p.args)
	words[0] = filepath.Base(words[0])
	for i, w := range words {
		if len(w) > 60 {
			w = w[:40] + "..."
		}
		if strings.ContainsAny(w, " *[]{}") {
			w = "'" + w + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 300 {
		s = s[:300] + "..."
	}
	return s
}

// environ is the environment of programs whose home is home.
func environ(home string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "LOM_") || strings.HasPrefix(v, "XDG_")
	})
	return append(env, "HOME="+home, "LC_ALL=C", "TZ=UTC")
}

// turns runs the programs one after the other, n times, and returns the samples of each. A program
// that fails is left out from then on, and its error told in place of its samples.
func (r *runner) turns(ctx context.Context, n int, programs []*program) ([][]sample, []error) {
	all, errs := make([][]sample, len(programs)), make([]error, len(programs))
	for i := range n {
		for j, p := range programs {
			if errs[j] != nil {
				continue
			}
			s, err := r.run(ctx, p)
			if err != nil && ctx.Err() == nil && i > 0 {
				// Once in a while a peer's run fails; twice in a row is a failure.
				say("again: %v", err)
				s, err = r.run(ctx, p)
			}
			if errs[j] = err; err != nil {
				say("%v", err)
				continue
			}
			all[j] = append(all[j], s)
		}
		fmt.Fprintf(os.Stderr, "%d/%d ", i+1, n)
	}
	fmt.Fprintln(os.Stderr)
	for j, p := range programs {
		if errs[j] != nil {
			all[j] = nil
			continue
		}
		memory := r.peak(ctx, p)
		for i := range all[j] {
			all[j][i].memory = memory
		}
	}
	return all, errs
}

// median returns the sample whose fields are the medians of those of all.
func median(all []sample) sample {
	wall, cpu := make([]time.Duration, 0, len(all)), make([]time.Duration, 0, len(all))
	memory, exchanges := make([]int64, 0, len(all)), make([]int, 0, len(all))
	for _, s := range all {
		wall, cpu = append(wall, s.wall), append(cpu, s.cpu)
		memory, exchanges = append(memory, s.memory), append(exchanges, s.exchanges)
	}
	return sample{middle(wall), middle(cpu), middle(memory), middle(exchanges)}
}

// middle returns the median of values: of an even number of them the mean of the two in the middle.
func middle[T ~int | ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
