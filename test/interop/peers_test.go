package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lom/internal/programs"
)

// Both know these; ipmitool's code for suites 11 and 12 ends in an assertion of its own.
var (
	suitesOfIpmitool = []int{1, 2, 3, 6, 7, 8, 15, 16, 17}
	suitesOfFreeIPMI = []int{1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17}
)

// quiet fails the test unless a program succeeded without a word of complaint.
func quiet(t *testing.T, r programs.Result) {
	t.Helper()
	if r.Code != 0 || r.Stderr != "" {
		t.Errorf("%s", r)
	}
}

// logSomething puts an event into the SEL: about an empty one, the programs complain.
func logSomething(t *testing.T, b programs.Target) {
	t.Helper()
	home := t.TempDir()
	event := filepath.Join(home, "event")
	if err := os.WriteFile(event, []byte("0x04 0x01 0x30 0x01 0x59 0x40 0x41\n"), 0o600); err !=
		nil {
		t.Fatal(err)
	}
	if r := programs.Run(t, home, "ipmitool", b.Tool("lanplus", "sel", "add", event)...); r.Code !=
		0 {
		t.Fatal(r)
	}
}

// ipmitool uses "lom bmc" as it would any BMC, over every interface and cipher suite.
func TestIpmitoolLikesOurBMC(t *testing.T) {
	programs.Need(t, "ipmitool")
	bmc := programs.StartBMC(t)
	home := t.TempDir()
	logSomething(t, bmc.Target)
	ways := [][]string{{"lan"}, {"lan", "-A", "MD5"}, {"lan", "-A", "PASSWORD"}, {"lanplus"}}
	for _, s := range suitesOfIpmitool {
		ways = append(ways, []string{"lanplus", "-C", fmt.Sprint(s)})
	}
	for _, way := range ways {
		t.Run(strings.Join(way, " "), func(t *testing.T) {
			for _, line := range []string{
				"mc info", "power status", "chassis status", "sdr elist all", "sensor list",
				"sel elist", "sel info",
				"fru print", "lan print 1", "user list 1", "channel info 1", "session info active",
				"mc guid",
			} {
				args := append(append([]string{}, way[1:]...), programs.Words(line)...)
				r := programs.Run(t, home, "ipmitool", bmc.Tool(way[0], args...)...)
				quiet(t, r)
				if strings.TrimSpace(r.Stdout) == "" {
					t.Errorf("%s prints nothing", line)
				}
			}
		})
	}
}

// FreeIPMI's programs use "lom bmc" without any of their workaround flags.
func TestFreeIPMILikesOurBMC(t *testing.T) {
	jobs := []struct {
		line string
		want []string // that its output must hold
	}{
		{"bmc-info", []string{"Device ID", "GUID", "Channel Information"}},
		{"ipmi-sensors --quiet-cache --sdr-cache-recreate", []string{"Temperature", "'OK'"}},
		{"ipmi-sel --quiet-cache", nil},
		{"ipmi-fru --quiet-cache", []string{"FRU"}},
		{"ipmi-chassis --get-chassis-status", []string{"System Power"}},
		{"bmc-config --checkout", []string{"Section User1", "Section Lan_Channel", "EndSection"}},
	}
	programs.Need(t, "bmc-info", "ipmipower", "bmc-config")
	bmc := programs.StartBMC(t)
	home := t.TempDir()
	logSomething(t, bmc.Target)
	ways := [][]string{{"LAN"}, {"LAN", "-a", "STRAIGHT_PASSWORD_KEY"}, {"LAN", "-a", "MD2"},
		{"LAN_2_0"}}
	for _, s := range suitesOfFreeIPMI {
		ways = append(ways, []string{"LAN_2_0", "-I", fmt.Sprint(s)})
	}
	for _, way := range ways {
		t.Run(strings.Join(way, " "), func(t *testing.T) {
			for _, p := range jobs {
				w := programs.Words(p.line)
				args := append(append([]string{"-l", "ADMIN"}, way[1:]...), w[1:]...)
				r := programs.Run(t, home, w[0], bmc.FreeIPMI(way[0], args...)...)
				if w[0] == "bmc-config" && r.Code == 1 {
					// It says so of every BMC that lacks one of the cipher suites 0 to 14, and who
					// is safe lacks 0.
					r.Code = 0
				}
				quiet(t, r)
				for _, want := range p.want {
					if !strings.Contains(r.Stdout, want) {
						t.Errorf("no %q in %s", want, r)
					}
				}
			}
			power := func(options ...string) programs.Result {
				return programs.Run(t, home, "ipmipower",
					bmc.FreeIPMI(way[0], append(append([]string{}, way[1:]...), options...)...)...)
			}
			r := power("--stat")
			quiet(t, r)
			if !strings.HasSuffix(r.Stdout, ": on\n") && !strings.HasSuffix(r.Stdout, ": off\n") {
				t.Errorf("%s", r)
			}
		})
	}
	t.Run("power", func(t *testing.T) {
		for _, c := range [][2]string{{"--off", "off"}, {"--on", "on"}} {
			args := []string{c[0], "--wait-until-" + c[1]}
			quiet(t, programs.Run(t, home, "ipmipower", bmc.FreeIPMI("LAN_2_0", args...)...))
			if r := programs.Run(t, home, "ipmipower",
				bmc.FreeIPMI("LAN_2_0", "--stat")...); !strings.HasSuffix(r.Stdout,
				": "+c[1]+"\n") {
				t.Errorf("after %s: %s", c[0], r)
			}
		}
	})
	// Without -l, each program asks for the least privilege that it needs.
	for _, line := range []string{"bmc-info", "ipmi-sensors --quiet-cache",
		"ipmi-sel --quiet-cache", "ipmi-fru --quiet-cache"} {
		w := programs.Words(line)
		quiet(t, programs.Run(t, home, w[0], bmc.FreeIPMI("LAN_2_0", w[1:]...)...))
	}
}

// What nobody should allow, a BMC allows only where its configuration says so.
func TestUnsafeLogInsAreOffUntilAskedFor(t *testing.T) {
	programs.Need(t, "ipmitool")
	home := t.TempDir()
	config := filepath.Join(home, "unsafe.yaml")
	if err := os.WriteFile(config,
		[]byte("allow: {cipher-suite-0: true, anonymous: true, auth-none: true}\n"), 0o600); err !=
		nil {
		t.Fatal(err)
	}
	safe := programs.StartBMC(t).Target
	unsafe := programs.StartBMC(t, "--config", config).Target
	for _, args := range [][]string{
		{"lanplus", "-C", "0", "mc", "info"},
		{"lan", "-A", "NONE", "mc", "info"},
	} {
		if r := programs.Run(t, home, "ipmitool",
			safe.Tool(args[0], append([]string{"-N", "1", "-R", "1"},
				args[1:]...)...)...); r.Code == 0 {
			t.Errorf("a safe BMC lets in: %s", r)
		}
		if r := programs.Run(t, home, "ipmitool", unsafe.Tool(args[0], args[1:]...)...); r.Code !=
			0 {
			t.Errorf("an unsafe BMC refuses: %s", r)
		}
	}
	if r := programs.Run(t, home, "ipmitool",
		safe.As("", "").Tool("lanplus", "-N", "1", "-R", "1", "-C", "3", "-L", "USER", "mc",
			"info")...); r.Code == 0 {
		t.Errorf("a safe BMC lets anyone in: %s", r)
	}
}
