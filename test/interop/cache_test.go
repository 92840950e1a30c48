package interop

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/internal/udprelay"
)

// cachedTarget runs lom against a simulator, behind a relay that counts, with a cache that lasts.
type cachedTarget struct {
	t     *testing.T
	home  string
	relay *udprelay.Relay
	bmc   programs.Target
}

func startCached(t *testing.T, c ipmisim.Config) *cachedTarget {
	sim := ipmisim.Start(t, c)
	relay := udprelay.Start(t, sim.Addr, udprelay.Faults{})
	return &cachedTarget{t, t.TempDir(), relay, simTarget(sim).At(relay.Addr)}
}

// run returns what a program prints, and how many packets it sent.
func (c *cachedTarget) run(program, home string, line string) (string, int) {
	c.t.Helper()
	c.relay.Reset()
	r := programs.Run(c.t, home, program, c.bmc.Tool("lanplus", programs.Words("-C 3 "+line)...)...)
	if r.Code != 0 {
		c.t.Fatalf("%s", r)
	}
	return r.Stdout, c.relay.Exchanges()
}

// same checks that lom prints with its cache what it prints without, and ipmitool too, and returns
// how many packets it sent with it.
func (c *cachedTarget) same(line string) int {
	c.t.Helper()
	got, n := c.run(programs.Lom(), c.home, line)
	if want, _ := c.run(programs.Lom(), c.home, "--no-cache "+line); got != want {
		c.t.Errorf("%s: with the cache\n%s\nwithout\n%s", line, got, want)
	}
	if tool, _ := c.run("ipmitool", c.t.TempDir(), line); got != tool {
		c.t.Errorf("%s: lom\n%s\nipmitool\n%s", line, got, tool)
	}
	c.t.Logf("%s: %d exchanges, %d lines", line, n, strings.Count(got, "\n"))
	return n
}

// session is what logging in, and off, takes, with an exchange to spare.
const session = 5

// The SEL that is kept is the simulator's, whatever is done to that.
func TestSELCacheFollows(t *testing.T) {
	programs.Need(t, "ipmitool")
	c := startCached(t, ipmisim.Config{Sensors: 20, Entries: 60})
	c.same("sel list")
	if n := c.same("sel list"); n > session+2 {
		t.Errorf("nothing new: %d exchanges", n)
	}
	// ipmi_sim takes no Platform Event Message.
	const add = "raw 0x0a 0x44 0 0 2 0 0 0 0 0x20 0 4 1 2 1 0x57 0x50 "
	for _, step := range []struct {
		change string
		most   int // exchanges to list the SEL after it, besides the session's; 0: any number
	}{
		{add + "0x51", 6}, {add + "0x52", 6}, {"sel time set '01/02/01 03:04:05'", 0}, {add + "0x53", 6},
		{"sel delete 3", 0}, {"sel delete 1", 0}, {add + "0x51", 6}, {"sel clear", 0}, {add + "0x51", 0}, {add + "0x52", 6}, {"sel clear", 0}, {add + "0x51", 0},
	} {
		c.run("ipmitool", t.TempDir(), step.change)
		if n := c.same("sel list"); step.most > 0 && n > session+step.most {
			t.Errorf("after %s: %d exchanges", step.change, n)
		}
		if n := c.same("sel list"); n > session+2 {
			t.Errorf("%s, and nothing new: %d exchanges", step.change, n)
		}
	}
}

// What fru print reads of the records, the sensors' commands complete.
func TestSDRCacheIsCompleted(t *testing.T) {
	programs.Need(t, "ipmitool")
	c := startCached(t, ipmisim.Config{Sensors: 96})
	const records = 101
	if n := c.same("fru print"); n > records+45 {
		t.Errorf("fru print reads the sensors' records: %d exchanges", n)
	}
	if n := c.same("fru print"); n > 35 {
		t.Errorf("fru print again: %d exchanges", n)
	}
	c.same("sdr type Temperature")
	c.same("sdr elist all")
	if n := c.same("sdr elist all"); n > 99+session {
		t.Errorf("sdr elist again: %d exchanges", n)
	}
	if n := c.same("sdr list mcloc"); n > session+2 {
		t.Errorf("sdr list mcloc: %d exchanges", n)
	}
}

// Many processes that begin at the same time have one result.
func TestCacheOfManyProcesses(t *testing.T) {
	c := startCached(t, ipmisim.Config{Sensors: 30, Entries: 50})
	for _, line := range []string{"sel list", "sdr elist", "fru print"} {
		want, _ := c.run(programs.Lom(), t.TempDir(), "--no-cache "+line)
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				r := programs.Run(t, c.home, programs.Lom(),
					c.bmc.Tool("lanplus", programs.Words("-C 3 "+line)...)...)
				if r.Code != 0 || r.Stdout != want {
					t.Errorf("%s", r)
				}
			})
		}
		work.Wait()
	}
}

// Another BMC at the same address is not taken for the one before, and how many requests at a time
// the model took is known to the next call.
func TestCacheKnowsBMCAndModel(t *testing.T) {
	c := startCached(t, ipmisim.Config{Sensors: 96, Entries: 100})
	c.run(programs.Lom(), c.home, "sdr elist")
	c.run(programs.Lom(), c.home, "sel list")
	files := func(kind string) int {
		all, err := filepath.Glob(filepath.Join(c.home, ".cache", "lom", "bmc", "*."+kind))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	// How many requests the BMC takes may need more of them to find out where the machine is busy.
	for range 20 {
		if files("window") > 0 {
			break
		}
		c.run(programs.Lom(), c.home, "sdr elist")
	}
	if files("sdr") != 1 || files("sel") != 1 || files("model") != 1 || files("window") != 1 {
		all, _ := os.ReadDir(filepath.Join(c.home, ".cache", "lom", "bmc"))
		t.Errorf("%v", all)
	}
	r := programs.Run(t, c.home, programs.Lom(),
		c.bmc.Tool("lanplus", programs.Words("-C 3 -vv sel list")...)...)
	if !strings.Contains(r.Stderr, "taken from the cache") {
		t.Errorf("%s", r)
	}
	if _, n := c.run(programs.Lom(), c.home, "--window 1 --no-cache sdr elist"); n < 2*96 {
		t.Errorf("--no-cache: %d exchanges", n)
	}
}
