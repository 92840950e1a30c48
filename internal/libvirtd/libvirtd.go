// Package libvirtd runs a libvirt daemon for tests: one that nobody else uses, with domains that
// QEMU emulates.
package libvirtd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// A Daemon is a running libvirtd. It is one of an ordinary user, also when the tests run as root:
// such a one keeps all that it has in folders of its own.
type Daemon struct {
	Socket string
	// Dir is a folder that the daemon and QEMU can read.
	Dir string

	t   testing.TB
	cmd *exec.Cmd
	out bytes.Buffer
}

// Need fails the test where libvirt is not installed and could be, and skips it where it could not.
func Need(t testing.TB) {
	t.Helper()
	for _, p := range []string{"libvirtd", "virsh", "qemu-system-x86_64"} {
		_, err := exec.LookPath(p)
		if err == nil {
			continue
		}
		if _, apt := exec.LookPath("apt-get"); apt == nil && os.Getuid() == 0 {
			t.Fatalf("%s is not installed; scripts/install-peers installs it", p)
		}
		programs.Need(t, p)
	}
}

// Start runs a daemon until the test ends.
func Start(t testing.TB) *Daemon {
	t.Helper()
	if path := os.Getenv("PATH"); !strings.Contains(path, "/usr/sbin") {
		t.Setenv("PATH", path+":/usr/sbin:/sbin")
	}
	Need(t)
	// The paths of sockets must be short.
	dir, err := os.MkdirTemp("", "lom-lv-")
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{t: t, Dir: dir, Socket: filepath.Join(dir, "run", "libvirt-sock")}
	conf := fmt.Sprintf("unix_sock_dir = %q\nauth_unix_rw = \"none\"\nauth_unix_ro = "+
		"\"none\"\nlog_outputs = \"3:stderr\"\n", filepath.Join(dir, "run"))
	for _, folder := range []string{"run", "home", "xdg"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := giveAway(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	d.Run()
	return d
}

// Run starts the daemon again after Kill.
func (d *Daemon) Run() {
	d.t.Helper()
	d.cmd = exec.Command("libvirtd", "-f", filepath.Join(d.Dir, "conf"))
	home := filepath.Join(d.Dir, "home")
	d.cmd.Dir = d.Dir
	d.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+filepath.Join(d.Dir, "xdg"),
		"XDG_CONFIG_HOME="+filepath.Join(home, "config"),
		"XDG_CACHE_HOME="+filepath.Join(home, "cache"),
		"XDG_DATA_HOME="+filepath.Join(home, "data"), "LC_ALL=C")
	d.cmd.Stderr = &d.out
	asNobody(d.cmd)
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := exec.Command("virsh", "-c", d.URI("qemu:///session"), "list").Run()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			d.Kill()
			d.t.Fatalf("libvirtd does not answer: %v\n%s", err, d.out.String())
		}
	}
}

// Kill ends the daemon by kill -9. Its domains go on.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Kill() // it fails when the process has ended already
	_ = d.cmd.Wait()         // and that it was killed is known
}

// PID returns the number of the daemon's process.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// stop ends the daemon, and the domains that it has left.
func (d *Daemon) stop() {
	d.Kill()
	// the pattern is right
	files, _ := filepath.Glob(filepath.Join(d.Dir, "xdg/libvirt/qemu/run/*.pid"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if pid, bad := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && bad == nil &&
			!strings.HasSuffix(f, "/driver.pid") {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill() // it may have ended
			}
		}
	}
	if d.t.Failed() {
		d.t.Logf("libvirtd said:\n%s", d.out.String())
	}
	if err := os.RemoveAll(d.Dir); err != nil {
		d.t.Error(err)
	}
}

// URI returns a URI with the daemon's socket in it.
func (d *Daemon) URI(uri string) string { return uri + "?socket=" + d.Socket }

// Virsh runs virsh and returns what it prints.
func (d *Daemon) Virsh(args ...string) string {
	d.t.Helper()
	out, err := exec.Command("virsh", append([]string{"-q", "-c", d.URI("qemu:///session")},
		args...)...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("virsh %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Define defines a domain that QEMU emulates: a PC with a serial console. More goes into <os> and
// <devices>.
func (d *Daemon) Define(name, system, devices string) {
	d.t.Helper()
	file := filepath.Join(d.Dir, name+".xml")
	text := fmt.Sprintf(`<domain type='qemu'>
  <name>%s</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>%s</os>
  <features><acpi/><apic/></features>
  <devices>
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <memballoon model='none'/>
    %s
  </devices>
</domain>
`, name, system, devices)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	d.Virsh("define", file)
}
