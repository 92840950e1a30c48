package interop

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/ipmi"
	"lom/rmcp"
)

// linked is the folder in which lom goes by the name of ipmitool.
var linked = sync.OnceValue(func() string {
	dir := programs.Dir("linked")
	if err := os.Symlink(programs.Lom(), filepath.Join(dir, "ipmitool")); err != nil {
		panic(err)
	}
	return dir
})

// asIpmitool is lom by the name of ipmitool.
func asIpmitool() string { return filepath.Join(linked(), "ipmitool") }

// sameStderr checks that lom, by the name of ipmitool, fails with ipmitool's lines on stderr, and
// then perhaps one of its own. first says that only ipmitool's first line counts, because its help
// follows.
func sameStderr(t *testing.T, first bool, args ...string) {
	t.Helper()
	home := t.TempDir()
	theirs := programs.Run(t, home, "/usr/bin/ipmitool", args...)
	ours := programs.Run(t, home, asIpmitool(), args...)
	want := theirs.Stderr
	if first {
		want, _, _ = strings.Cut(want, "\n")
		want += "\n"
	}
	rest, ok := strings.CutPrefix(ours.Stderr, want)
	if first && rest != "" { // there may be more that stands on a line of its own for ipmitool too
		rest = rest[strings.LastIndexByte(rest[:len(rest)-1], '\n')+1:]
	}
	if want == "\n" || !ok || rest != "" &&
		(!strings.HasPrefix(rest, "lom: ") || strings.Count(rest, "\n") != 1) {
		t.Errorf("%s\nipmitool says\n%slom says\n%s", strings.Join(args, " "), want, ours.Stderr)
	}
	if ours.Code != 1 {
		t.Errorf("%s: exit status %d, want 1", strings.Join(args, " "), ours.Code)
	}
}

// needIpmitool skips the test without ipmitool. Its path is Debian's, because tests put lom before
// it.
func needIpmitool(t *testing.T) {
	if _, err := os.Stat("/usr/bin/ipmitool"); err != nil {
		t.Skip("/usr/bin/ipmitool is not installed; scripts/install-peers tries to")
	}
}

// refusedCommands are commands that fail when the BMC refuses one of its own, or does not answer
// it.
var refusedCommands = []struct {
	ipmi, line string
	// What ipmitool does otherwise when there is no answer.
	silent string
}{
	{"Get Chassis Status", "power status", ""},
	{"Get Chassis Status", "chassis power status", ""},
	{"Get Chassis Status", "chassis status", ""},
	{"Chassis Control", "power on", "lom looks whether the power is on, and it is"},
	{"Chassis Control", "chassis power off", ""},
	{"Chassis Control", "power cycle", ""},
	{"Chassis Control", "power reset", ""},
	{"Chassis Control", "power diag", ""},
	{"Chassis Control", "power soft", ""},
	{"Get System Restart Cause", "chassis restart_cause", ""},
	{"Get POH Counter", "chassis poh", ""},
	{"Get Self Test Results", "chassis selftest", ""},
	{"Get Self Test Results", "mc selftest", ""},
	{"Set Power Restore Policy", "chassis policy list", ""},
	{"Set Power Restore Policy", "chassis policy always-on", ""},
	{"Chassis Identify", "chassis identify", ""},
	{"Chassis Identify", "chassis identify 0", ""},
	{"Get System Boot Options", "chassis bootparam get 5", ""},
	{"Get BMC Global Enables", "mc getenables", ""},
	{"Get Watchdog Timer", "mc watchdog get", ""},
	{"Set Watchdog Timer", "mc watchdog off", ""},
	{"Reset Watchdog Timer", "mc watchdog reset", ""},
	{"Warm Reset", "mc reset warm", ""},
	{"Get System GUID", "mc guid", ""},
	{"Get Chassis Status", "raw 0 1", ""},
	{"Get Chassis Status", "-l 0 raw 0x00 0x01", ""},
	{"Get SDR Repository Info", "sdr info", ""},
	{"Set Sensor Thresholds", "sensor thresh 'CPU1 Temp' unc 77", "lom reads the thresholds back, and may find them set"},
	{"Get SEL Info", "sel info", ""},
	{"Get SEL Time", "sel time get", ""},
	{"Set SEL Time", "sel time set '11/15/23 12:00:00'", ""},
	{"Clear SEL", "sel clear", "lom asks whether the log is erased"},
	{"Get Channel Info", "channel info 1", ""},
	{"Get User Access", "channel getaccess 1 2", ""},
	{"Get User Access", "user list 1", ""},
	{"Get User Access", "user summary 1", ""},
	{"Set User Name", "user set name 5 bob", ""},
	{"Set User Password", "user set password 5 s3cret", ""},
	{"Set User Password", "user disable 5", ""},
	{"Set User Access", "user priv 5 3 1", ""},
	{"Get Session Info", "session info all", ""},
	{"Get Session Info", "session info active", ""},
	{"Get User Payload Access", "sol payload status 1 2", ""},
	{"Set User Payload Access", "sol payload enable 1 2", ""},
	{"Get SOL Configuration Parameters", "sol info 1", ""},
	{"Set SOL Configuration Parameters", "sol set enabled true 1", ""},
	{"Get PEF Capabilities", "pef filter list", ""},
	{"Get Last Processed Event ID", "pef status", ""},
	{"Get PEF Configuration Parameters", "pef policy list", ""},
	{"Set PEF Configuration Parameters", "pef policy disable 2", ""},
	{"Get Power Reading", "dcmi power reading", ""},
	{"Platform Event", "event 1", ""},
}

// When a BMC refuses a command or does not answer it, lom says on stderr what ipmitool says.
func TestStderrOfRefusedCommands(t *testing.T) {
	needIpmitool(t)
	for _, code := range []ipmi.CompletionCode{0, ipmi.CodeInvalidCommand, ipmi.CodeNodeBusy,
		ipmi.CodeTimeout, ipmi.CodeOutOfSpace,
		ipmi.CodeInitializing, ipmi.CodeInsufficientPrivilege, ipmi.CodeNotInPresentState} {
		name := "no answer"
		if code != 0 {
			name = code.String()
		}
		for i, c := range refusedCommands {
			switch {
			case code == 0 && (c.silent != "" || testing.Short()):
				continue
			case code != 0 && code != ipmi.CodeInvalidCommand && i%4 != int(code)%4:
				continue // the words come from one table
			}
			t.Run(name+" to "+c.line, func(t *testing.T) {
				t.Parallel()
				b := refusingBMC(t, refusal{commands: []string{c.ipmi}, code: code})
				sameStderr(t, false, b.Tool("lanplus",
					append([]string{"-C", "3", "-N", "1", "-R", "1"},
						programs.Words(c.line)...)...)...)
			})
		}
	}
}

// When no session can be opened, lom says on stderr what ipmitool says.
func TestStderrWithoutSession(t *testing.T) {
	needIpmitool(t)
	bmc := programs.StartBMC(t).Target
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 2}))
	keyed := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 2, Kg: "the-bmc-key"}))
	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dead := bmc.At(silent.LocalAddr().(*net.UDPAddr).AddrPort())
	low := monitorOn(t, bmc)
	once := []string{"-N", "1", "-R", "1"}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"wrong password", bmc.As("admin", "wrong").Tool("lanplus", "-C", "3", "mc", "info")},
		{"wrong password, 1.5", bmc.As("admin", "wrong").Tool("lan", append(once, "mc", "info")...)},
		{"wrong user", bmc.As("nobody", "x").Tool("lanplus", "-C", "3", "mc", "info")},
		{"wrong user, 1.5", sim.As("nobody", "x").Tool("lan", "mc", "info")},
		{"wrong key", keyed.Tool("lanplus", "-C", "3", "-k", "another", "mc", "info")},
		{"silence", dead.Tool("lanplus", append(once, "-C", "3", "mc", "info")...)},
		{"silence, 1.5", dead.Tool("lan", append(once, "mc", "info")...)},
		{"refused suite", sim.Tool("lanplus", "-C", "17", "mc", "info")},
		{"no such suite", sim.Tool("lanplus", "-C", "99", "mc", "info")},
		{"privilege, 1.5", low.Tool("lan", "-L", "ADMINISTRATOR", "mc", "info")},
		{"no such host", []string{"-I", "lanplus", "-H", "no-such-host.invalid", "-U", "a", "-P", "b", "mc", "info"}},
		{"no host", []string{"-I", "lanplus", "-U", "a", "-P", "b", "mc", "info"}},
		{"no interface", bmc.Tool("carrier-pigeon", "mc", "info")},
		{"long user", bmc.As("seventeen-letters", "x").Tool("lanplus", "mc", "info")},
		{"long password", bmc.As("admin", "twenty-one-letters-xx").Tool("lanplus", "mc", "info")},
		{"long password, 1.5", bmc.As("admin", "seventeen-letters").Tool("lan", "mc", "info")},
		{"suite without a number", bmc.Tool("lanplus", "-C", "best", "mc", "info")},
		{"privilege without a name", bmc.Tool("lanplus", "-C", "3", "-L", "ROOT", "mc", "info")},
		{"port out of range", append(bmc.Tool("lanplus"), "-p", "99999", "mc", "info")},
		{"tries without a number", bmc.Tool("lanplus", "-R", "x", "mc", "info")},
		{"both families", bmc.Tool("lanplus", "-4", "-6", "mc", "info")},
	} {
		t.Run(c.name, func(t *testing.T) { sameStderr(t, false, c.args...) })
	}
	t.Run("no device", func(t *testing.T) {
		if _, err := os.Stat("/dev/ipmi0"); err == nil {
			t.Skip("this machine has a BMC")
		}
		for _, line := range []string{"mc info", "sdr", "sel list last 50", "-d 3 power status"} {
			sameStderr(t, false, programs.Words(line)...)
		}
	})
	for status := rmcp.StatusNoResources; status <= rmcp.StatusIllegalParameter+1; status++ {
		t.Run(fmt.Sprintf("status %02x", uint8(status)), func(t *testing.T) {
			sameStderr(t, false, refusingBMC(t, refusal{status: status}).Tool("lanplus", "-C", "3",
				"mc", "info")...)
		})
	}
	// What -v adds stands in front of the last line.
	for _, c := range []struct{ line, user, password, want string }{
		{"-v -C 3 mc info", "admin", "wrong", "> RAKP 2 HMAC is invalid\nError: Unable to establish IPMI v2 / RMCP+ session\n"},
		{"-v -C 3 mc info", "nobody", "x", "RAKP 2 message indicates an error : unauthorized name\nError: Unable to establish IPMI v2 / RMCP+ session\n"},
	} {
		args := bmc.As(c.user, c.password).Tool("lanplus", programs.Words(c.line)...)
		for _, program := range []string{"/usr/bin/ipmitool", asIpmitool()} {
			if r := programs.Run(t, t.TempDir(), program, args...); !strings.Contains(r.Stderr,
				c.want) {
				t.Errorf("%s does not say %q: %s", program, c.want, r.Stderr)
			}
		}
	}
}

// Command lines that make no sense are told in ipmitool's words first.
func TestStderrOfWrongCommandLines(t *testing.T) {
	needIpmitool(t)
	bmc := programs.StartBMC(t).Target
	for _, line := range []string{
		"foo", "chassis foo", "power foo", "chassis power foo", "mc foo", "bmc foo",
		"mc watchdog foo", "sdr foo", "sensor foo", "sel foo", "fru foo", "lan foo",
		"channel foo", "user foo", "session foo", "session info foo", "pef foo", "sdr list foo",
		"sensor reading NoSuch", "sensor get NoSuch", "sensor thresh NoSuch unc 5",
		"sdr get NoSuch", "sdr type NoSuch", "sdr entity NoSuch",
		"sel get zzz", "sel list zzz", "sel time set yesterday", "sel add /no/such/file",
		"fru print zzz", "fru write 0 /no/such/file",
		"lan print 9", "lan print zzz", "lan set 1 ipaddr 10.0.0.300", "lan set 1 vlan id 5000",
		"lan set 9 snmp x", "lan alert print 9",
		"channel info zzz", "channel info 99", "channel setaccess 1 2 foo=bar", "user enable 99",
		"user priv 5 9", "user test 5 17 x", "user list 99",
		"user set name 5 12345678901234567", "user set password 5 123456789012345678901",
		"user set password 5 12345678901234567 16",
		"raw", "raw zz 1", "raw 6 zz", "raw 6 1 zz", "chassis policy foo", "chassis identify zzz",
		"chassis identify 300", "chassis bootdev usb",
		"chassis bootdev pxe options=foo", "chassis bootparam get zzz", "mc reset foo", "mc reset",
		"exec /no/such/file", "sol set nonsense 1 1",
		"sol set enabled perhaps 1",
	} {
		t.Run(line, func(t *testing.T) {
			sameStderr(t, true, bmc.Tool("lanplus",
				append([]string{"-C", "3"}, programs.Words(line)...)...)...)
		})
	}
}

// Without the name of ipmitool, with many hosts and with JSON, there is lom's own form only.
func TestStderrIsLomsOwnOtherwise(t *testing.T) {
	bmc := programs.StartBMC(t).As("admin", "wrong")
	own := regexp.MustCompile(`^lom: .*\n$`)
	for _, c := range []struct {
		program string
		args    []string
	}{
		{programs.Lom(), bmc.Tool("lanplus", "mc", "info")},
		{programs.Lom(), bmc.Tool("lanplus", "foo")},
		{asIpmitool(), bmc.Tool("lanplus", "-o", "json", "mc", "info")},
	} {
		if r := programs.Run(t, t.TempDir(), c.program, c.args...); !own.MatchString(r.Stderr) {
			t.Errorf("%s", r)
		}
	}
	many := append(bmc.Tool("lanplus"), "-H", "127.0.0.2:1", "mc", "info")
	if r := programs.Run(t, t.TempDir(), asIpmitool(), many...); strings.Contains(r.Stderr,
		"Unable to establish") || !strings.Contains(r.Stderr, "2 of 2 hosts failed\n") {
		t.Errorf("%s", r)
	}
}

// An option that there is not, or one without its value, is told as getopt tells it.
func TestStderrOfGetopt(t *testing.T) {
	needIpmitool(t)
	for _, args := range [][]string{{"-q"}, {"-vq", "mc", "info"}, {"mc", "info", "-H"}} {
		theirs := programs.Run(t, t.TempDir(), "/usr/bin/ipmitool", args...)
		ours := programs.Run(t, t.TempDir(), asIpmitool(), args...)
		want := regexp.MustCompile(`(?m)^/usr/bin/ipmitool(: .*\n)`).FindStringSubmatch(theirs.Stderr)
		if want == nil || !strings.HasPrefix(ours.Stderr, asIpmitool()+want[1]) {
			t.Errorf("ipmitool: %s\nlom: %s", theirs, ours)
		}
	}
}
