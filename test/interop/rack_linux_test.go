package interop

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lom/internal/programs"
)

// Ten thousand BMCs in one process, each slow as real ones are and with sixty sensors, are BMCs
// like others to the programs: the first, one in the middle and the last.
func TestProgramsLikeTenThousandBMCs(t *testing.T) {
	programs.Need(t, "ipmitool", "bmc-info", "ipmi-sensors", "ipmipower")
	home := t.TempDir()
	file := filepath.Join(home, "stats")
	t.Cleanup(func() { // after the end of the rack
		var stats struct {
			BMCs, Requests, Overflows, Most int
			Each                            map[string]struct{ Requests int }
		}
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &stats)
		}
		if err != nil || stats.BMCs != 10000 || stats.Overflows != 0 || stats.Most != 1 ||
			len(stats.Each) != 3 || stats.Each["bmc5000"].Requests < 300 {
			t.Errorf("programs that ask one thing at a time: %+v, %v", stats, err)
		}
	})
	rack := programs.StartBMC(t, "--count", "10000", "--profile", "dense", "--service-time", "1ms",
		"--stats", file)
	for _, at := range []string{"127.0.0.1", "127.0.19.136", "127.0.39.16"} {
		t.Run(at, func(t *testing.T) {
			b := rack.Target
			b.Addr = netip.AddrPortFrom(netip.MustParseAddr(at), b.Addr.Port())
			r := programs.Run(t, home, "ipmitool", b.Tool("lanplus", "power", "off")...)
			quiet(t, r)
			for line, want := range map[string]string{
				"power status": "Chassis Power is off\n",
				"lan print 1":  "IP Address              : " + at + "\n",
				"mc info":      "Product ID                : 60 ",
				"fru print 0":  "Simulated Node",
			} {
				r := programs.Run(t, home, "ipmitool",
					b.Tool("lanplus", programs.Words(line)...)...)
				quiet(t, r)
				if !strings.Contains(r.Stdout, want) {
					t.Errorf("no %q in %s", want, r)
				}
			}
			r = programs.Run(t, home, "ipmitool", b.Tool("lanplus", "sensor", "list")...)
			quiet(t, r)
			if n := strings.Count(r.Stdout, "\n"); n != 60 {
				t.Errorf("%d sensors", n)
			}
			r = programs.Run(t, home, "ipmipower", b.FreeIPMI("LAN_2_0", "--stat")...)
			quiet(t, r)
			if r.Stdout != at+": off\n" {
				t.Errorf("%s", r)
			}
			quiet(t, programs.Run(t, home, "bmc-info", b.FreeIPMI("LAN_2_0")...))
			r = programs.Run(t, home, "ipmi-sensors",
				b.FreeIPMI("LAN_2_0", "--quiet-cache", "--sdr-cache-recreate")...)
			quiet(t, r)
			if n := strings.Count(r.Stdout, "\n"); n < 60 {
				t.Errorf("%d lines of sensors", n)
			}
		})
	}
}
