package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// xargsAtOnce is how many processes xargs runs at a time.
const xargsAtOnce = 32

// manyHosts is item 2: the power status of many BMCs.
func (r *runner) manyHosts(ctx context.Context) error {
	b, err := r.startBMCs(ctx, r.hosts, "--service-time", "5ms")
	if err != nil {
		return err
	}
	defer b.stop()
	var names, listed []string
	at := netip.MustParseAddr("127.0.0.1")
	for range r.hosts {
		names, listed = append(names, at.String()), append(listed, at.String()+":"+b.port)
		at = at.Next()
	}
	t := target{ranges(r.hosts), b.port, bmcUser, bmcPassword}
	tool := target{"{}", b.port, bmcUser, bmcPassword}
	list := func(name string, words ...string) []string {
		return append([]string{name, "-D", "LAN_2_0", "-I", "3", "-h", strings.Join(listed, ","),
			"-u", bmcUser, "-p", bmcPassword}, words...)
	}
	// The others are forgiven a few hosts that do not answer them in time.
	most := r.hosts - r.hosts/100
	programs := []*program{
		{name: "lom", args: t.lom(r.lom, "power", "status"), check: lines(r.hosts, "is on")},
		{name: fmt.Sprintf("xargs -P %d ipmitool", xargsAtOnce),
			stdin: strings.Join(names, "\n") + "\n", lenient: true,
			args: append([]string{"xargs", "-P", fmt.Sprint(xargsAtOnce), "-I{}"},
				tool.ipmitool("power", "status")...),
			check: lines(most, "is on")},
		{name: "ipmipower", args: list("ipmipower", "--stat"), lenient: true, check: lines(most, ": on")},
		{name: "ipmi-chassis", args: list("ipmi-chassis", "--get-chassis-status"), lenient: true, check: lines(most, "System Power")},
	}
	say("power status of %d BMCs, %d times each:", r.hosts, r.n)
	before, err := b.ask("state")
	if err != nil {
		return err
	}
	samples, errs := r.turns(ctx, r.n, programs)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	after, err := b.ask("state")
	if err != nil {
		return err
	}
	results := table{head: []string{"program", "time", "lom is faster by", "goal", "CPU", "memory"}}
	var commands strings.Builder
	fmt.Fprintf(&commands, "%s\n", b.shown)
	own := median(samples[0])
	for i, p := range programs {
		fmt.Fprintf(&commands, "%s\n", p)
		if errs[i] != nil {
			results.add(p.name, "failed", "", "", "", "")
			continue
		}
		m := median(samples[i])
		faster, verdict := "", ""
		if i > 0 {
			factor := 1.0
			if i == 1 {
				factor = 20
			}
			faster, verdict = times(m.wall, own.wall),
				fmt.Sprintf("%g: %s", factor,
					met(own.wall > 0 && float64(m.wall) > factor*float64(own.wall)))
		}
		results.add(p.name, seconds(m.wall), faster, verdict, seconds(m.cpu), bytesOf(m.memory))
	}
	c, err := b.end()
	if err != nil {
		return err
	}
	note := fmt.Sprintf("The BMCs, all in one process, had %s resident and used %s of CPU time "+
		"for all of it. They counted %d requests, of which %d found no room.\n",
		bytesOf(after.Resident), seconds(after.User+after.System-before.User-before.System),
		c.Requests, c.Overflows)
	return r.report.set("item 2", results.String()+"\n"+note+"\n```text\n"+commands.String()+
		"```\n")
}

// ranges names n addresses from 127.0.0.1 on as lom takes them.
func ranges(n int) string {
	var all []string
	for first := 1; first <= n; {
		last := min(n, first|0xff)
		all = append(all, fmt.Sprintf("127.%d.%d.[%d-%d]", first>>16, first>>8&0xff, first&0xff,
			last&0xff))
		first = last + 1
	}
	return strings.Join(all, ",")
}
