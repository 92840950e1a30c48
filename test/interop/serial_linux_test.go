package interop

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lom/bmc"
	"lom/bmc/host/sim"
	"lom/internal/programs"
	"lom/ipmi"
)

// openPTY returns the two ends of a serial line, and the name of the second.
func openPTY(t *testing.T) (near, far *os.File, name string) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	near = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	name = fmt.Sprintf("/dev/pts/%d", n)
	if far, err = os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return near, far, name
}

// ipmitool and lom get the same from our BMC over a serial line, in both modes.
func TestSerialLine(t *testing.T) {
	programs.Need(t, "ipmitool")
	for _, mode := range []string{"serial-terminal", "serial-basic"} {
		t.Run(mode, func(t *testing.T) {
			line := serveSerial(t, bmc.SerialConfig{Basic: mode == "serial-basic", Trusted: true})
			home := t.TempDir()
			for _, command := range []string{"raw 6 1", "mc getenables", "chassis status",
				"mc watchdog get", "power status", "sel info", "raw 0x2c 1 0xdc 1"} {
				args := append([]string{"-I", mode, "-D", line + ":115200", "-N", "2"},
					strings.Fields(command)...)
				theirs := programs.Run(t, home, "ipmitool", args...)
				ours := programs.Run(t, home, programs.Lom(), args...)
				if theirs.Code != 0 || ours.Code != 0 || ours.Stdout != theirs.Stdout {
					t.Errorf("%s\nipmitool: %s\nlom: %s", command, theirs, ours)
				}
			}
		})
	}
}

// In terminal mode the BMC wants a log-in.
func TestSerialLogin(t *testing.T) {
	line := serveSerial(t, bmc.SerialConfig{})
	for _, c := range []struct {
		args, said string
		code       int
	}{
		{"-U admin -P secret", "", 0},
		{"-U admin -P wrong", "lom: " + line + `: wrong password for user "admin"`, 1},
		{"", "Insufficient privilege level", 1},
	} {
		args := append([]string{"-I", "serial-terminal", "-D", line + ":115200"},
			strings.Fields(c.args+" power status")...)
		r := programs.Run(t, t.TempDir(), programs.Lom(), args...)
		if r.Code != c.code || !strings.Contains(r.Stderr, c.said) {
			t.Errorf("%q: %s", c.args, r)
		}
	}
}

// serveSerial starts a BMC on a serial line, and returns the name of the line.
func serveSerial(t *testing.T, cfg bmc.SerialConfig) string {
	b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{On: true}),
		Users: []bmc.UserConfig{{Name: "admin", Password: ipmi.NewSecret("secret"),
			Privilege: ipmi.PrivilegeAdministrator}}})
	if err != nil {
		t.Fatal(err)
	}
	near, _, name := openPTY(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.ServeSerial(ctx, near, cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return name
}
