package interop

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lom/internal/programs"
)

// SIGHUP has lom bmc read its file again: a BMC that stays keeps its sessions, and a file that is
// wrong changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	programs.Need(t, "ipmitool")
	listen := netip.MustParseAddrPort(lowAddress(t))
	config := filepath.Join(t.TempDir(), "rack.yaml")
	at := func(n int) netip.AddrPort {
		a := listen.Addr()
		for range n {
			a = a.Next()
		}
		return netip.AddrPortFrom(a, listen.Port())
	}
	write := func(lines ...string) {
		t.Helper()
		if err := writeFile(config, "bmcs:\n"+strings.Join(lines, "\n")+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	line := func(name string, n int, host string) string {
		return fmt.Sprintf("- {name: %s, listen: '%s', host: {%s}}", name, at(n), host)
	}
	write(line("stays", 0, "power: on"), line("goes", 1, "power: on"),
		line("changes", 2, "power: on"))
	state := t.TempDir()
	bmc := programs.StartBMCAt(t, listen.String(), state, "--config", config)
	home := t.TempDir()
	power := func(n int, want string) {
		t.Helper()
		r := programs.Run(t, home, "ipmitool",
			append(bmc.At(at(n)).Tool("lanplus", "power", "status"), "-R", "1")...)
		if got := strings.TrimSpace(r.Stdout); got != want {
			t.Errorf("%v: want %q: %s", at(n), want, r)
		}
	}
	hangUp := func(want string) {
		t.Helper()
		p, err := os.FindProcess(bmc.PID())
		if err != nil {
			t.Fatal(err)
		}
		before := len(bmc.Output())
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		within(t, time.Minute, "lom says "+want, func() bool {
			return strings.Contains(bmc.Output()[before:], want)
		})
	}
	console := programs.StartTerminal(t, programs.Lom(), bmc.Tool("lanplus", "sol", "activate")...)
	console.Type("\r")
	console.Within(time.Minute, "login:")
	power(2, "Chassis Power is on")
	programs.Run(t, home, "ipmitool", bmc.Tool("lanplus", "power", "status")...)

	write(line("stays", 0, "power: on"),
		line("changes", 2, "exec: {on: ['true'], off: ['true'], status: [echo, 'off']}"),
		line("comes", 3, "power: off"))
	hangUp("configuration read again: 2 BMCs started, 1 ended, 1 kept\n")
	hangUp("configuration read again: 0 BMCs started, 0 ended, 3 kept\n")
	power(0, "Chassis Power is on")
	power(1, "")
	power(2, "Chassis Power is off")
	power(3, "Chassis Power is off")
	for want, wrong := range map[string]string{
		"there is no key \"nmae\" at this place": "- {nmae: x}",
		"stays has the address": line("stays", 0, "power: on") + "\n" +
			line("other", 0, "power: on"),
		"names are made of letters":                    line("../x", 0, "power: on"),
		"192.0.2.1:6230: this machine does not have":   "- {name: far, listen: '192.0.2.1:6230'}",
		"console: \"modem\" is none of sim, none, tcp": "- {name: stays, console: modem}",
	} {
		write(wrong)
		hangUp("lom: the BMCs go on as they were: ")
		if said := bmc.Output(); !strings.Contains(said, want) {
			t.Errorf("a file that is wrong: want %q in\n%s", want, said)
		}
		power(0, "Chassis Power is on")
		power(3, "Chassis Power is off")
	}
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	hangUp("rack.yaml cannot be read: no such file or directory")
	power(3, "Chassis Power is off")
	console.Type("\r\r")
	console.Type("root\r")
	console.Within(time.Minute, "Password:")
	console.Type("\r~.")
	if err := console.End(); err != nil {
		t.Errorf("the console that was open: %v\n%s", err, console.Shown())
	}
}

// What a lom that was killed leaves below the folder for temporary files is removed by the next
// one.
func TestKilledLeavesNothing(t *testing.T) {
	programs.Need(t, "ipmitool")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dying := filepath.Join(t.TempDir(), "dying")
	if err := os.WriteFile(dying, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	config := "host: {power: off, qemu: {program: " + dying + "}}\n"
	folders := func() int {
		all, err := filepath.Glob(filepath.Join(temp, "lom-qemu-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	killed, runs := startConfigured(t, config), startConfigured(t, config)
	killed.Kill()
	if n := folders(); n != 2 {
		t.Fatalf("%d folders of two programs", n)
	}
	startConfigured(t, config)
	if n := folders(); n != 2 {
		t.Errorf("%d folders after one was killed and another was started, want those of the two "+
			"that run", n)
	}
	_ = runs
}
