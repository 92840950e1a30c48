package sim

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host"
)

// The console of a machine tells its start, asks for a log-in, has a shell, and follows the power.
func TestConsole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{Name: "web1", PowerTime: time.Second})
		c := m.Console()
		defer c.Close()
		c.Attach(func() {})
		read := func() string {
			synctest.Wait()
			var buf [16 << 10]byte
			n, _ := c.Read(buf[:])
			return string(buf[:n])
		}
		types := func(s string) string {
			c.Write([]byte(s))
			return read()
		}
		if s := types("\r"); s != "" {
			t.Errorf("off, it says %q", s)
		}
		m.Control(host.PowerOn, nil)
		time.Sleep(2 * time.Second)
		if s := read(); !strings.Contains(s, "Simulated BIOS") || strings.Contains(s, "login") {
			t.Errorf("at first %q", s)
		}
		time.Sleep(25 * time.Second)
		s := read()
		for _, want := range []string{"Boot menu", "Linux version", "Multi-User", "web1 login: "} {
			if !strings.Contains(s, want) {
				t.Errorf("no %q in %q", want, s)
			}
		}
		for _, step := range [][2]string{
			{"rot\x7fot\r", "rot\b \bot\r\nPassword: "},
			{"secret\r", "root@web1:~# "},
			{"echo hello\r", "echo hello\r\nhello\r\n"},
			{"nonsense\r", "nonsense: command not found"},
			{"uptime\r", "load average"},
			{"help\r", "reboot"},
			{"\x04", "web1 login: "},
		} {
			if s := types(step[0]); !strings.Contains(s, step[1]) {
				t.Errorf("%q: %q, want %q", step[0], s, step[1])
			}
		}
		c.Break()
		synctest.Wait()
		if s := types("b"); !strings.Contains(s, "Resetting") {
			t.Errorf("break, b: %q", s)
		}
		time.Sleep(25 * time.Second)
		if s := read(); !strings.Contains(s, "Memory test") || !strings.HasSuffix(s, "login: ") {
			t.Errorf("after a reset: %q", s)
		}
		types("root\rx\r")
		if s := types("poweroff\r"); !strings.Contains(s, "Power down") {
			t.Errorf("poweroff: %q", s)
		}
		time.Sleep(10 * time.Second)
		if m.State().Power == host.On {
			t.Error("on after poweroff")
		}
	})
}
