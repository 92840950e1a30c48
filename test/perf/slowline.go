package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/udprelay"
)

// What the BMC of item 1 has.
const (
	simSensors = 96
	simEntries = 500
)

// loopback is a free port of this machine.
var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// A target is where the programs find a BMC, and how they log in.
type target struct{ host, port, user, password string }

func (t target) lom(lom string, words ...string) []string {
	return append([]string{lom, "-I", "lanplus", "-C", "3", "-H", t.host, "-p", t.port, "-U",
		t.user, "-P", t.password}, words...)
}

func (t target) ipmitool(words ...string) []string { return t.lom("ipmitool", words...) }

// freeIPMI is the line of one of FreeIPMI's programs. Its caches are in the user's home folder
// wherever HOME is, unless another is named; ipmipower and ipmi-chassis have none.
func (t target) freeIPMI(name string, words ...string) []string {
	line := []string{name, "-D", "LAN_2_0", "-I", "3", "-W", "opensesspriv", "-h",
		t.host + ":" + t.port, "-u", t.user, "-p", t.password, "-l", "ADMIN"}
	switch name {
	case "ipmi-sensors", "ipmi-sel", "ipmi-fru":
		line = append(line, "--quiet-cache", "--sdr-cache-directory={home}")
	}
	return append(line, words...)
}

// lines wants at least n lines of output with what in them.
func lines(n int, what string) func(string) error {
	return func(out string) error {
		got := 0
		for l := range strings.Lines(out) {
			if strings.Contains(l, what) {
				got++
			}
		}
		if got < n {
			return fmt.Errorf("%d lines of output with %q, want %d", got, what, n)
		}
		return nil
	}
}

// A job is what the programs of a row of the table of item 1 are to do.
type job struct {
	name     string
	warm     bool // caches are filled by a run before
	programs []*program
	goals    []goal
}

// A goal is how many times as fast the first program of a job is to be as another.
type goal struct {
	factor float64
	names  []string // the fastest of these counts
}

// slowLine is item 1: one BMC, ipmi_sim, behind a relay that delays each packet.
func (r *runner) slowLine(ctx context.Context) error {
	sim, err := ipmisim.Run(r.dir, ipmisim.Config{Sensors: simSensors, Entries: simEntries})
	if err != nil {
		return err
	}
	defer sim.Stop()
	relay, err := udprelay.New(loopback, sim.Addr, udprelay.Faults{Delay: r.delay})
	if err != nil {
		return err
	}
	defer relay.Close()
	t := target{relay.Host(), relay.Port(), ipmisim.Admin.Name, ipmisim.Admin.Password}
	exchanges := func() int {
		defer relay.Reset()
		return relay.Exchanges()
	}

	var all, ratios table
	all.head = []string{"job", "program", "exchanges", "time", "CPU", "memory"}
	ratios.head = []string{"job", "beside", "lom is faster by", "goal"}
	var commands strings.Builder
	for _, j := range r.slowJobs(t) {
		say("%s, %d times each:", j.name, r.n)
		for _, p := range j.programs {
			p.exchanges = exchanges
			if !j.warm {
				continue
			}
			if p.home, err = os.MkdirTemp(r.dir, "warm-"); err != nil {
				return err
			}
			if _, err := r.run(ctx, p); err != nil {
				say("%v", err)
			}
		}
		samples, errs := r.turns(ctx, r.n, j.programs)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		medians := map[string]sample{}
		for i, p := range j.programs {
			fmt.Fprintf(&commands, "%-16s %s\n", j.name+":", p)
			if errs[i] != nil {
				all.add(j.name, p.name, "failed", "", "", "")
				continue
			}
			m := median(samples[i])
			medians[p.name] = m
			all.add(j.name, p.name, fmt.Sprint(m.exchanges), seconds(m.wall), seconds(m.cpu),
				bytesOf(m.memory))
		}
		addRatios(&ratios, j, medians)
	}
	gentle, err := r.smallBuffer(ctx)
	if err != nil {
		// What was measured is worth telling all the same.
		say("a small buffer: %v", err)
		gentle = "The small buffer was not measured: " + err.Error() + "\n"
	}
	return r.report.set("item 1", all.String()+"\n"+ratios.String()+"\n"+gentle+"\n```text\n"+
		commands.String()+"```\n")
}

// addRatios adds how lom compares with the fastest of the others, and with each goal.
func addRatios(t *table, j job, medians map[string]sample) {
	own, ok := medians[j.programs[0].name]
	if !ok {
		t.add(j.name, "", "failed", "")
		return
	}
	for _, g := range j.goals {
		best, name := time.Duration(0), "none of them ran"
		for _, n := range g.names {
			if m, ok := medians[n]; ok && (best == 0 || m.wall < best) {
				best, name = m.wall, n
			}
		}
		ok := best > 0 && float64(best) >= g.factor*float64(own.wall)
		t.add(j.name, name, times(best, own.wall), fmt.Sprintf("%g: %s", g.factor, met(ok)))
	}
}

// slowJobs are the rows of the table.
func (r *runner) slowJobs(t target) []job {
	own := func(check func(string) error, words ...string) *program {
		return &program{name: "lom", args: t.lom(r.lom, words...), check: check}
	}
	tool := func(check func(string) error, words ...string) *program {
		return &program{name: "ipmitool", args: t.ipmitool(words...), check: check}
	}
	free := func(check func(string) error, name string, words ...string) *program {
		return &program{name: name, args: t.freeIPMI(name, words...), check: check}
	}
	power := lines(1, "Power")
	sensors := func() []*program {
		// Programs differ in what they list besides the sensors with a reading.
		const listed = simSensors - 4
		return []*program{own(lines(listed, "|"), "sdr", "elist"),
			tool(lines(listed, "|"), "sdr", "elist"),
			free(lines(listed, "|"), "ipmi-sensors")}
	}
	events := func() []*program {
		return []*program{own(lines(simEntries, "|"), "sel", "list"),
			tool(lines(simEntries, "|"), "sel", "list"),
			free(lines(simEntries, "|"), "ipmi-sel")}
	}
	inventory := func() []*program {
		return []*program{own(lines(4, "FRU Device Description"), "fru", "print"),
			tool(lines(4, "FRU Device Description"), "fru", "print"),
			free(lines(4, "FRU Inventory Device"), "ipmi-fru")}
	}
	return []job{
		{"power status", false, []*program{own(power, "power", "status"),
			tool(power, "power", "status"),
			free(lines(1, ": o"), "ipmipower", "--stat"),
			free(lines(1, "System Power"), "ipmi-chassis", "--get-chassis-status")},
			[]goal{{1, []string{"ipmitool", "ipmipower", "ipmi-chassis"}}}},
		{"sdr elist, cold", false, sensors(), []goal{{3, []string{"ipmitool", "ipmi-sensors"}}}},
		{"sdr elist, warm", true, sensors(), []goal{{3, []string{"ipmi-sensors"}}, {12, []string{"ipmitool"}}}},
		{"sel list, cold", false, events(), []goal{{3, []string{"ipmitool", "ipmi-sel"}}}},
		{"sel list, warm", true, events(), []goal{{30, []string{"ipmitool"}}}},
		{"fru print, cold", false, inventory(), []goal{{1, []string{"ipmi-fru"}}}},
		{"fru print, warm", true, inventory(), []goal{{1, []string{"ipmi-fru"}}}},
	}
}

// bmcPassword is that of the administrator, admin, of the BMCs that lom plays here.
const (
	bmcUser     = "admin"
	bmcPassword = "Quiet-Harbour-17"
)

// passwordFile writes the password to a file, so that it is not an argument of lom.
func (r *runner) passwordFile() (string, error) {
	name := filepath.Join(r.dir, "password")
	return name, os.WriteFile(name, []byte(bmcPassword+"\n"), 0o600)
}
