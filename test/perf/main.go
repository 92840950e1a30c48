// Command perf measures lom against other IPMI programs, and against what the kernel alone can do,
// and writes the tables of docs/performance.md. scripts/performance runs it.
//
//	perf [-items 1,2,3,4,5] [-n 10] [-report docs/performance.md]
//
// Item 1 is one BMC behind a slow line, 2 a thousand BMCs, 3 ten thousand, 4 the benchmarks of the
// packet formats, 5 the start of the program. The item soak, which lasts half an hour, is measured
// only when it is asked for. Ratios are of programs that took turns in the same run, so that what
// else the machine does weighs on all alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings are what the options say.
type settings struct {
	items  string
	n      int           // repetitions
	report string        // the file whose tables are written, "" for none
	delay  time.Duration // each way, of the relay of item 1
	hosts  int           // of item 2
	fleet  int           // BMCs of item 3
	rounds int           // of item 3, in which all sensors of all BMCs are read

	soakTime time.Duration // of the item soak
}

// A runner has what the items need: the programs under test, and a place for their files.
type runner struct {
	settings
	dir    string // is removed at the end
	lom    string
	self   string
	report *report
}

func main() {
	if len(os.Args) > 1 {
		// The roles of this program's children.
		switch os.Args[1] {
		case "bmc":
			os.Exit(bmcRole(os.Args[1:]))
		case "fleet":
			os.Exit(fleetRole(os.Args[2:]))
		case "echo":
			os.Exit(echoRole(os.Args[2:]))
		}
	}
	var s settings
	flag.StringVar(&s.items, "items", "1,2,3,4,5", "what to measure")
	flag.IntVar(&s.n, "n", 10, "how often each program is run; medians are reported")
	flag.StringVar(&s.report, "report", "", "the report whose tables are replaced")
	flag.DurationVar(&s.delay, "delay", 2500*time.Microsecond,
		"of the relay before the BMC of item 1, each way")
	flag.IntVar(&s.hosts, "hosts", 1000, "BMCs of item 2")
	flag.IntVar(&s.fleet, "fleet", 10000, "BMCs of item 3")
	flag.IntVar(&s.rounds, "rounds", 3, "how often item 3 reads all sensors of all BMCs")
	flag.DurationVar(&s.soakTime, "soak", 30*time.Minute, "how long the item soak lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "perf:", err)
		os.Exit(1)
	}
}

// items are the sections of the report, in their order.
var items = []struct {
	name, title string
	run         func(*runner, context.Context) error
}{
	{"1", "one BMC behind a slow line", (*runner).slowLine},
	{"2", "a thousand BMCs", (*runner).manyHosts},
	{"3", "ten thousand BMCs", (*runner).wholeFleet},
	{"4", "packets", (*runner).benchmarks},
	{"5", "start-up", (*runner).startUp},
	{"soak", "a long time", (*runner).soak},
}

// run measures the items that are asked for. What one of them cannot do does not keep the others
// from being measured.
func run(ctx context.Context, s settings) error {
	// FreeIPMI's programs are in /usr/sbin, which is not on everyone's path.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	dir, err := os.MkdirTemp("", "lom-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &runner{settings: s, dir: dir, lom: filepath.Join(dir, "lom"), report: newReport(s.report)}
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	say("building lom")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", r.lom, "lom/cmd/lom")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if s.items != "soak" {
		if err := r.report.set("machine", machine(ctx)); err != nil {
			return err
		}
	}
	var failed []error
	for _, it := range items {
		if !strings.Contains(","+s.items+",", ","+it.name+",") {
			continue
		}
		began := time.Now()
		say("item %s: %s", it.name, it.title)
		if err := it.run(r, ctx); err != nil {
			failed = append(failed, fmt.Errorf("item %s: %w", it.name, err))
			say("item %s: %v", it.name, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		say("item %s took %v", it.name, time.Since(began).Round(time.Second))
	}
	return errors.Join(failed...)
}

// say tells on stderr what is being done.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
