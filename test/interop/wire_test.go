package interop

import (
	"fmt"
	"strings"
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/internal/tshark"
	"lom/internal/udprelay"
)

// readable are commands whose packets Wireshark looks into when they are not encrypted.
var readable = []string{"power status", "mc info", "sdr elist", "sel list first 5", "fru print",
	"lan print 1", "user list 1", "channel info 1"}

// What lom sends as a client, and what it sends as a BMC, Wireshark reads without an objection.
func TestWiresharkReadsOurPackets(t *testing.T) {
	if err := tshark.Available(); err != nil {
		t.Skip(err)
	}
	record := func(t *testing.T, to programs.Target, program string, iface string,
		more ...string) *udprelay.Relay {
		relay := udprelay.Start(t, to.Addr, udprelay.Faults{})
		home := t.TempDir()
		for _, line := range readable {
			args := append(append([]string{}, more...), programs.Words(line)...)
			if r := programs.Run(t, home, program,
				to.At(relay.Addr).Tool(iface, args...)...); r.Code != 0 {
				t.Errorf("%s", r)
			}
		}
		return relay
	}
	ways := []struct {
		iface string
		more  []string
		want  []string // payloads that must be among the packets
	}{
		{"lan", nil, []string{"IPMI 1.5 Authentication Type: NONE (0x00)", "IPMI 1.5 Authentication Type: MD5 (0x02)"}},
		{"lan", []string{"-A", "PASSWORD"}, []string{"IPMI 1.5 Authentication Type: PASSWORD (0x04)"}},
		{"lanplus", []string{"-C", "1"}, []string{"IPMI Message (0x00)"}},
		{"lanplus", []string{"-C", "3"}, []string{"IPMI Message (0x00), encrypted"}},
	}
	setUp := []string{"Open Session", "RAKP Message 1", "RAKP Message 3"}
	answered := []string{"Open Session", "RAKP Message 2", "RAKP Message 4"}

	t.Run("client", func(t *testing.T) {
		sim := ipmisim.Start(t, ipmisim.Config{Sensors: 40, Entries: 10})
		for _, w := range ways {
			t.Run(fmt.Sprint(w.iface, w.more), func(t *testing.T) {
				relay := record(t, simTarget(sim), programs.Lom(), w.iface, w.more...)
				seen := tshark.Check(t, relay.Packets(), true)
				expect(t, seen, w.want, w.iface, setUp)
			})
		}
	})
	t.Run("BMC", func(t *testing.T) {
		programs.Need(t, "ipmitool")
		bmc := programs.StartBMC(t)
		for _, w := range ways {
			t.Run(fmt.Sprint(w.iface, w.more), func(t *testing.T) {
				relay := record(t, bmc.Target, "ipmitool", w.iface, w.more...)
				seen := tshark.Check(t, relay.Packets(), false)
				expect(t, seen, w.want, w.iface, answered)
				if w.iface == "lan" && seen["ASF"] == 0 {
					t.Error("no ASF Presence Pong")
				}
			})
		}
	})
}

// expect checks that the payloads a session consists of were seen.
func expect(t *testing.T, seen map[string]int, want []string, iface string, setUp []string) {
	t.Helper()
	if iface == "lanplus" {
		want = append(append([]string{}, want...), setUp...)
	}
	for _, w := range want {
		found := false
		for payload := range seen {
			found = found || strings.Contains(payload, w)
		}
		if !found {
			t.Errorf("no packet with %s among %v", w, seen)
		}
	}
}
