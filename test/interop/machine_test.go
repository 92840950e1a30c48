package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lom/internal/programs"
)

// bootTime is how long the guest may take from power on to its prompt. It takes seconds, where the
// processor is not shared.
const bootTime = 5 * time.Minute

var built struct {
	once sync.Once
	dir  string
	err  error
}

// guest returns the folder of a small Linux to boot, in which there are lom and the scripts of
// test/guest. What does not depend on them is made when there is none yet, and kept.
func guest(t *testing.T) string {
	t.Helper()
	programs.NeedGuest(t)
	built.once.Do(func() { built.dir, built.err = buildGuest() })
	if built.err != nil {
		t.Fatalf("the guest cannot be built: %v", built.err)
	}
	return built.dir
}

func buildGuest() (string, error) {
	run := func(program string, args ...string) error {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	dir := programs.Dir("guest")
	if err := programs.GuestParts(dir); err != nil {
		return "", err
	}
	answer := filepath.Join(dir, "answer")
	if err := run("go", "build", "-o", answer, "../guest/answer"); err != nil {
		return "", err
	}
	return dir, run("../guest/build", dir, programs.Lom(), answer, "../guest/compare",
		"../guest/expire", "../guest/panic")
}

// startMachine runs "lom bmc" with a QEMU machine that boots the guest, and returns the file with
// what its second serial port says.
func startMachine(t *testing.T, power, words string) (*programs.BMC, string) {
	t.Helper()
	g := guest(t)
	said := filepath.Join(t.TempDir(), "said")
	text := fmt.Sprintf(`still: true
satellites: [{address: 0x82, profile: lom}]
host:
  power: %s
  qemu:
    memory: 256
    kernel: %s/vmlinux
    initrd: %s/inside.cpio
    append: console=ttyS1,115200 quiet no_timer_check %s
    args: [-chardev, "file,id=said,path=%s", -serial, "chardev:said"]
`, power, g, g, words, said)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the guest said:\n%s", read(said))
		}
	})
	return startConfigured(t, text), said
}

// startConfigured runs "lom bmc" with a configuration, at a port that every program takes.
func startConfigured(t *testing.T, text string) *programs.BMC {
	t.Helper()
	config := filepath.Join(t.TempDir(), "machine.yaml")
	if err := writeFile(config, text); err != nil {
		t.Fatal(err)
	}
	return programs.StartBMCAt(t, lowAddress(t), t.TempDir(), "--config", config)
}

// within waits until f holds.
func within(t *testing.T, d time.Duration, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// contains reports whether a file contains text. There is no file before the machine starts.
func contains(file, text string) func() bool {
	return func() bool { return strings.Contains(read(file), text) }
}

// writeFile writes a file.
func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }

// read returns what is in a file, without carriage returns, nothing if there is no file.
func read(file string) string {
	data, _ := os.ReadFile(file) // as said
	return strings.ReplaceAll(string(data), "\r", "")
}

// A remote is a BMC that is talked to by several programs from outside.
type remote struct {
	*programs.BMC
	t    *testing.T
	home string
}

// run runs ipmitool or lom, which is to succeed without complaint, and to print want.
func (r remote) run(program, line, want string) {
	r.t.Helper()
	result := r.tool(program, line)
	if quiet(r.t, result); !strings.Contains(result.Stdout, want) {
		r.t.Errorf("no %q in %s", want, result)
	}
}

// tool runs ipmitool or lom.
func (r remote) tool(program, line string) programs.Result {
	r.t.Helper()
	if program == "lom" {
		program = programs.Lom()
	}
	return programs.Run(r.t, r.home, program,
		r.Tool("lanplus", append([]string{"-C", "17"}, programs.Words(line)...)...)...)
}

// is reports whether the power is on, or off.
func (r remote) is(state string) func() bool {
	return func() bool {
		return strings.HasSuffix(r.tool("lom", "power status").Stdout, " is "+state+"\n")
	}
}

// processes returns the IDs of the processes whose arguments contain a text.
func processes(text string) (all []string) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		line, _ := os.ReadFile(name) // it may have ended
		if strings.HasPrefix(string(line), "qemu-system") && strings.Contains(string(line), text) {
			all = append(all, filepath.Base(filepath.Dir(name)))
		}
	}
	return all
}
