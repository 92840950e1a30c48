package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lom/internal/programs"
)

// fence_ipmilan says of a BMC with lom what it says with ipmitool, also with a BMC key of zeros,
// which means none.
func TestFenceAgentTakesLomForIpmitool(t *testing.T) {
	needIpmitool(t)
	programs.Need(t, "fence_ipmilan")
	b := programs.StartBMC(t).Target
	for _, c := range []struct {
		options string
		fails   bool
	}{
		{"-o status", false},
		{"-o monitor", false},
		{"-o status --hexadecimal-kg=00", false},
		{"-o status --hexadecimal-kg=0000000000000000000000000000000000000000", false},
		{"-o status -C 3", false},
		{"-o status --password=wrong", true},
		{"-o status --hexadecimal-kg=01", true},
	} {
		var said [2]string
		for i, tool := range []string{"/usr/bin/ipmitool", asIpmitool()} {
			args := append([]string{"--ipmitool-path=" + tool, "-P", "-a", b.Addr.Addr().String(),
				"--ipport=" + fmt.Sprint(b.Addr.Port()),
				"-l", b.User, "-p", b.Password, "--login-timeout=5"}, strings.Fields(c.options)...)
			r := programs.Run(t, t.TempDir(), "fence_ipmilan", args...)
			said[i] = fmt.Sprintf("%d %s", r.Code, r.Stdout)
			if (r.Code != 0) != c.fails {
				t.Errorf("%s", r)
			}
		}
		if said[0] != said[1] {
			t.Errorf("%s: with ipmitool %q, with lom %q", c.options, said[0], said[1])
		}
	}
}

// python-ipmi finds completion codes and silence in what lom says of raw.
func TestPythonIPMITakesLomForIpmitool(t *testing.T) {
	needIpmitool(t)
	if err := exec.Command("/usr/bin/python3", "-c", "import pyipmi").Run(); err != nil {
		t.Skip("python3-pyipmi is not installed; scripts/install-peers tries to")
	}
	script := filepath.Join(t.TempDir(), "ask.py")
	if err := os.WriteFile(script, []byte(`
import sys, pyipmi, pyipmi.interfaces
conn = pyipmi.create_connection(pyipmi.interfaces.create_interface("ipmitool", interface_type="lanplus"))
conn.session.set_session_type_rmcp(sys.argv[1], port=int(sys.argv[2]))
conn.session.set_auth_type_user(sys.argv[3], sys.argv[4])
conn.target = pyipmi.Target(0x20)
conn.session.establish()
for what in (lambda: conn.get_device_id().fw_revision, lambda: conn.get_chassis_status().power_on, lambda: conn.raw_command(0, 6, b"\x99")):
    try:
        print(what())
    except Exception as e:
        print(type(e).__name__, e)
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
	}{{"all", "True"}, {"silent", "IpmiTimeoutError"}} {
		b := programs.StartBMC(t).Target
		if c.name == "silent" {
			b = refusingBMC(t, refusal{commands: []string{"Get Chassis Status"}})
		}
		var said [2]string
		for i, path := range []string{"/usr/bin", linked()} {
			r := programs.Run(t, t.TempDir(), "/usr/bin/env", "PATH="+path+":/usr/bin:/bin",
				"/usr/bin/python3", script, b.Addr.Addr().String(), fmt.Sprint(b.Addr.Port()),
				b.User, b.Password)
			said[i] = r.Stdout
			if c.name == "all" && r.Code != 0 {
				t.Errorf("%s", r)
			}
		}
		if said[0] != said[1] || !strings.Contains(said[1], c.want) {
			t.Errorf("%s: with ipmitool\n%s\nwith lom\n%s", c.name, said[0], said[1])
		}
	}
}

// conman's expect script says the same of a wrong password and of a BMC that is not there.
func TestConmansScriptTakesLomForIpmitool(t *testing.T) {
	needIpmitool(t)
	programs.Need(t, "expect")
	text, err := os.ReadFile("/usr/lib/conman/exec/ipmitool.exp")
	if err != nil {
		t.Skip("conman is not installed; scripts/install-peers tries to")
	}
	if os.Getuid() != 0 {
		t.Skip("the script goes to port 623, which needs root")
	}
	const address = "127.0.83.1"
	programs.StartBMCAt(t, address+":623", t.TempDir())
	var said [2]string
	for i, path := range []string{"/usr/bin", linked()} {
		script := filepath.Join(t.TempDir(), "ipmitool.exp")
		if err := os.WriteFile(script, []byte(strings.Replace(string(text), `"/usr/bin:/bin"`,
			`"`+path+`:/usr/bin:/bin"`, 1)), 0o700); err != nil {
			t.Fatal(err)
		}
		r := programs.Run(t, t.TempDir(), script, address, programs.BMCUser, "wrong")
		said[i] = fmt.Sprintf("%d %s", r.Code, r.Stdout)
	}
	if said[0] != said[1] || !strings.Contains(said[0], "Error: ") {
		t.Errorf("with ipmitool %q, with lom %q", said[0], said[1])
	}
}

// The expressions that programs look for on stdout and stderr together find with lom what they find
// with ipmitool.
func TestTextsThatProgramsLookFor(t *testing.T) {
	needIpmitool(t)
	b := programs.StartBMC(t).Target
	for _, c := range []struct {
		who, expression string
		args            []string
	}{
		{"rubyipmi", `version\s+\d+\.\d+\.\d+`, []string{"-V"}},
		{"python-ipmi", `^Unable to send RAW command \(.*rsp=(0x[0-9a-f]+)\)`, b.Tool("lanplus", "raw", "6", "0x99")},
		{"python-ipmi", `Unable to establish`, b.As("x", "y").Tool("lanplus", "-C", "3", "power", "status")},
		{"conman", `(?m)^Error: `, b.As("x", "y").Tool("lanplus", "-C", "3", "power", "status")},
		{"ironic", `Unsupported cipher suite ID`, b.Tool("lanplus", "-C", "99", "power", "status")},
		{"ironic", `Error in open session response message : no matching cipher suite`, b.Tool("lanplus", "-C", "4", "power", "status")},
		{"hobbit", `^(.*(Could not open device|Get Device ID command failed|Error obtaining SDR|Unable to open).*\n)+$`, []string{"sdr"}},
		{"scripts", `(?m)^Invalid command: foo$`, b.Tool("lanplus", "-C", "3", "foo")},
		{"scripts", `(?m)^Address lookup for no-such-host.invalid failed$`, []string{"-H", "no-such-host.invalid", "-P", "x", "power", "status"}},
		{"scripts", `not found!`, b.Tool("lanplus", "-C", "3", "sensor", "get", "--", "NoSuch")},
	} {
		if _, err := os.Stat("/dev/ipmi0"); err == nil && c.who == "hobbit" {
			continue
		}
		look := regexp.MustCompile(c.expression)
		for _, program := range []string{"/usr/bin/ipmitool", asIpmitool()} {
			if r := programs.Run(t, t.TempDir(), program,
				c.args...); !look.MatchString(r.Stdout + r.Stderr) {
				t.Errorf("%s looks for %q, and %s says:\n%s%s", c.who, c.expression, program,
					r.Stdout, r.Stderr)
			}
		}
	}
}

// ipmipower says over LAN that a BMC refuses to reset a machine that is off. Over LAN_2_0 it says
// nothing, whatever the completion code and whoever's the BMC: that is a fault of its own.
func TestIpmipowerOfAMachineThatIsOff(t *testing.T) {
	programs.Need(t, "ipmipower")
	b := programs.StartBMC(t).Target
	if r := programs.Run(t, t.TempDir(), "ipmipower",
		b.FreeIPMI("LAN", "--off", "--wait-until-off")...); r.Code != 0 {
		t.Fatal(r)
	}
	for _, action := range []string{"--reset", "--soft", "--cycle", "--pulse"} {
		r := programs.Run(t, t.TempDir(), "ipmipower", b.FreeIPMI("LAN", action)...)
		if !strings.HasSuffix(r.Stdout, ": operation invalid\n") {
			t.Errorf("%s", r)
		}
	}
}
