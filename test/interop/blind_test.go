package interop

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// saysOff is what a program says of a server that is off. What fence_ipmilan was told to do is not
// what it says.
var saysOff = regexp.MustCompile(`(?i)\bis off\b|: *off\b|powered off|already off`)

// blindKinds are machines that their BMC cannot see, each as the host of a BMC of the
// configuration.
func blindKinds(t *testing.T) (names []string, config string) {
	dir := t.TempDir()
	listen := func(name string) string {
		t.Helper()
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().String()
	}
	left := filepath.Join(dir, "left")
	l, err := net.Listen("unix", left)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as a program that was killed leaves it
	l.Close()
	status := func(words string) string {
		return "exec: {on: ['true'], off: ['true'], status: " + words + "}"
	}
	for _, kind := range [][2]string{
		{"exec-fails", status("['false']")},
		{"exec-missing", status("[/nowhere/status]")},
		{"exec-silent", status("['true']")},
		{"exec-off-but-fails", status("[sh, -c, 'echo is off; exit 1']")},
		{"exec-unknown", status("[echo, 'is unknown']")},
		{"exec-hangs", status("[sleep, '600']")},
		{"exec-never-asked", "exec: {on: ['true'], off: ['true']}"},
		{"qemu-absent", "qemu: {qmp: /nowhere/qmp}"},
		{"qemu-left", "qemu: {qmp: " + left + "}"},
		{"qemu-silent", "qemu: {qmp: " + listen("silent") + "}"},
		{"libvirt-absent", "libvirt: {domain: n, socket: /nowhere/libvirt}"},
		{"libvirt-left", "libvirt: {domain: n, socket: " + left + "}"},
		{"libvirt-silent", "libvirt: {domain: n, socket: " + listen("libvirt") + "}"},
		{"libvirt-far", "libvirt: {domain: n, uri: 'qemu+ssh://nobody@127.0.0.1/system?command=/nowhere/ssh'}"},
	} {
		names = append(names, kind[0])
		config += fmt.Sprintf("- {name: %s, host: {%s}}\n", kind[0], kind[1])
	}
	return names, "bmcs:\n" + config
}

// asksBlind has every client ask a BMC that does not see its machine: none may take it for one that
// is off.
func asksBlind(t *testing.T, name string, to programs.Target) {
	t.Helper()
	home := t.TempDir()
	tool := filepath.Join(home, "ipmitool")
	if err := os.Symlink(programs.Lom(), tool); err != nil {
		t.Fatal(err)
	}
	check := func(code int, r programs.Result) {
		t.Helper()
		if r.Code != code && code >= 0 || saysOff.MatchString(r.Stdout+r.Stderr) {
			t.Errorf("%s: want exit status %d, and nothing of off: %s", name, code, r)
		}
	}
	for _, program := range []string{programs.Lom(), tool, "ipmitool"} {
		for _, command := range [][]string{{"power", "status"}, {"chassis", "status"},
			{"dcmi", "power", "reading"}} {
			check(1, programs.Run(t, home, program, to.Tool("lanplus", command...)...))
		}
	}
	check(1, programs.Run(t, home, programs.Lom(),
		to.Tool("lanplus", "-o", "json", "power", "status")...))
	// it ends with 0 whatever it finds
	check(-1, programs.Run(t, home, "ipmipower", to.FreeIPMI("LAN_2_0", "--stat")...))
	for path, actions := range map[string][][]string{
		tool: {{"status"}, {"off"}}, "/usr/bin/ipmitool": {{"status"}, {"monitor"}, {"off"}, {"on"}, {"reboot"}, {"reboot", "--method", "cycle"}},
	} {
		for _, action := range actions {
			r := programs.Run(t, home, "fence_ipmilan",
				append([]string{"--lanplus", "--ip", to.Addr.Addr().String(), "--ipport",
					fmt.Sprint(to.Addr.Port()),
					"--username", to.User, "--password", to.Password, "--ipmitool-path", path,
					"--action"}, action...)...)
			if check(1, r); strings.Contains(r.Stdout, "Success") ||
				!strings.Contains(r.Stderr, "Unable to obtain correct plug status") {
				t.Errorf("%s: %s", name, r)
			}
		}
	}
}

// A BMC that cannot see its machine never has a program believe that it is off: not at start, and
// not later.
func TestBlindHosts(t *testing.T) {
	t.Parallel()
	programs.Need(t, "ipmitool", "ipmipower", "fence_ipmilan")
	names, config := blindKinds(t)
	seen := filepath.Join(t.TempDir(), "power")
	if err := writeFile(seen, "on\n"); err != nil {
		t.Fatal(err)
	}
	names = append(names, "exec-seen")
	config += fmt.Sprintf("- {name: exec-seen, host: {exec: {on: ['true'], off: ['true'], "+
		"status: [cat, %s]}}}\n", seen)
	bmc := startConfigured(t, config)
	at := map[string]programs.Target{}
	within(t, 30*time.Second, "all BMCs answer", func() bool {
		for _, m := range regexp.MustCompile(`(?m)^(\S+) answers at (\S+)$`).FindAllStringSubmatch(bmc.Output(), -1) {
			at[m[1]] = bmc.At(netip.MustParseAddrPort(m[2]))
		}
		return len(at) == len(names)
	})
	home := t.TempDir()
	power := func(name string) string {
		return programs.Run(t, home, programs.Lom(),
			at[name].Tool("lanplus", "power", "status")...).Stdout
	}
	if got := power("exec-seen"); got != "Chassis Power is on\n" {
		t.Errorf("a machine that can be seen: %q", got)
	}
	if err := os.Remove(seen); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "exec-seen is not seen", func() bool {
		return power("exec-seen") == "Chassis Power is unknown\n"
	})
	for _, name := range names {
		asksBlind(t, name, at[name])
		if !strings.Contains(bmc.Output(), "lom: "+name+": the power of the host is not known: ") {
			t.Errorf("%s: the log does not say why it is not seen:\n%s", name, bmc.Output())
		}
		r := programs.Run(t, home, "ipmitool", at[name].Tool("lanplus", "sel", "elist")...)
		if !strings.Contains(r.Stdout, "Sensor access degraded or unavailable | Asserted") {
			t.Errorf("%s: no event in %s", name, r)
		}
	}
	if err := writeFile(seen, "off\n"); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "exec-seen is seen again", func() bool {
		return power("exec-seen") == "Chassis Power is off\n"
	})
	if want := "lom: exec-seen: the host is seen again: the power is off\n"; !strings.Contains(bmc.Output(), want) {
		t.Errorf("the log does not say %q:\n%s", want, bmc.Output())
	}
}

// The BMCs of VirtualBMC's folder, without libvirt.
func TestBlindVirtualBMC(t *testing.T) {
	t.Parallel()
	programs.Need(t, "ipmitool", "ipmipower", "fence_ipmilan")
	listen := netip.MustParseAddrPort(lowAddress(t))
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "n"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("[VirtualBMC]\nusername = admin\npassword = %s\naddress = %s\nport = "+
		"%d\ndomain_name = n\nlibvirt_uri = qemu:///system?socket=/nowhere\nactive = True\n",
		programs.BMCPassword, listen.Addr(), listen.Port())
	if err := writeFile(filepath.Join(folder, "n", "config"), config); err != nil {
		t.Fatal(err)
	}
	bmc := programs.StartBMC(t, "--vbmc", folder)
	asksBlind(t, "vbmc", bmc.Target)
}

// What a machine refuses while its BMC waits with the answer is refused, and what fails later is
// seen by who looks.
func TestRefusedByTheMachine(t *testing.T) {
	t.Parallel()
	programs.Need(t, "ipmitool")
	bmc := startConfigured(t, `bmcs:
- name: refuses
  host: {exec: {on: [/bin/false], off: [/bin/false], cycle: [/bin/false], reset: [/bin/false], soft: [/bin/false], diag: [/bin/false], status: [echo, "on"]}}
- name: later
  host: {exec: {on: ["true"], off: [sh, -c, "sleep 4; echo no such outlet >&2; exit 1"], status: [echo, "on"]}}
`)
	r := remote{bmc, t, t.TempDir()}
	for _, program := range []string{"ipmitool", "lom"} {
		for _, action := range []string{"on", "off", "cycle", "reset", "soft", "diag"} {
			if got := r.tool(program, "power "+action); got.Code != 1 || got.Stdout != "" ||
				!strings.Contains(got.Stderr, "Unspecified error") {
				t.Errorf("a machine that refuses: %s", got)
			}
		}
		// ipmitool then ends with 0
		if got := r.tool(program, "chassis bootdev pxe"); !strings.Contains(got.Stderr,
			"Invalid data field") {
			t.Errorf("a boot device that there is not: %s", got)
		}
	}
	if said := bmc.Output(); strings.Count(said,
		"lom: refuses: host: power off: /bin/false: exit status 1\n") != 2 ||
		!strings.Contains(said, "refuses: host: set boot device: ") {
		t.Errorf("the log does not say why:\n%s", said)
	}
	later := remote{&programs.BMC{Target: bmc.At(netip.AddrPortFrom(bmc.Addr.Addr().Next(),
		bmc.Addr.Port()))}, t, r.home}
	later.run("ipmitool", "power off", "Down/Off")
	within(t, 30*time.Second, "a control fault", func() bool {
		return strings.Contains(later.tool("lom", "chassis status").Stdout,
			"Power Control Fault  : true")
	})
	later.run("ipmitool", "power status", "is on")
	if said := bmc.Output(); !strings.Contains(said,
		"lom: later: host: power off: sh: no such outlet (exit status 1)\n") {
		t.Errorf("the log does not say why:\n%s", said)
	}
}
