// Package programs runs lom, and other people's IPMI programs, for tests.
package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lom is the path of the program under test.
var lom string

// Main is the TestMain of packages that run lom: it builds the program, runs the tests and exits.
func Main(m *testing.M) {
	// FreeIPMI's programs are in /usr/sbin, which is not on everyone's path.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, v := range []string{"IPMITOOL_PASSWORD", "IPMI_PASSWORD", "IPMI_KGKEY"} {
		os.Unsetenv(v)
	}
	// A program started by one that ignores SIGHUP, as by nohup, ignores it too, unless a handler
	// was there in between.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "lom-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		lom = filepath.Join(dir, "lom")
		build := exec.Command("go", "build", "-o", lom, "lom/cmd/lom")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// Dir makes a folder with the given name that is there until the tests have ended.
func Dir(name string) string {
	dir := filepath.Join(filepath.Dir(lom), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		panic(err)
	}
	return dir
}

// Lom returns the path of lom, as [Main] built it.
func Lom() string { return lom }

// Need skips the test where a program is missing.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed; scripts/install-peers tries to", p)
		}
	}
}

// Must is Need where nothing can be installed. Where scripts/install-peers can, it installs what is
// missing, programs or files, and the test fails if that is not enough.
func Must(t testing.TB, programs ...string) {
	t.Helper()
	missing := func() string {
		for _, p := range programs {
			_, err := exec.LookPath(p)
			if filepath.IsAbs(p) {
				_, err = os.Stat(p)
			}
			if err != nil {
				return p
			}
		}
		return ""
	}
	if missing() == "" {
		return
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		t.Skipf("%s is not installed, and cannot be installed here", missing())
	}
	install.Do(func() {
		if out, err := exec.Command(filepath.Join("..", "..", "scripts",
			"install-peers")).CombinedOutput(); err != nil || len(out) > 0 {
			t.Logf("install-peers: %v %s", err, out)
		}
	})
	if p := missing(); p != "" {
		t.Fatalf("%s could not be installed", p)
	}
}

// install is done once.
var install sync.Once

// A Result is what a program did.
type Result struct {
	Command        string
	Stdout, Stderr string
	Code           int // exit status
	Took           time.Duration
}

// String shows the result, and of a long output the beginning.
func (r Result) String() string {
	out := r.Stdout
	if lines := strings.SplitAfter(out, "\n"); len(lines) > 14 {
		out = strings.Join(lines[:12], "") + "...\n"
	}
	return fmt.Sprintf("%s\nexit status %d after %v\n--- stdout\n%s--- stderr\n%s", r.Command,
		r.Code, r.Took.Round(time.Millisecond), out, r.Stderr)
}

// Run runs a program in home, which is its HOME too, so that caches are those of the test.
func Run(t testing.TB, home, program string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = home, environ(home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	r := Result{filepath.Base(program) + " " + strings.Join(args, " "), stdout.String(),
		stderr.String(), 0, time.Since(began)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	case err != nil:
		t.Fatalf("%s: %v", r.Command, err)
	}
	return r
}

func environ(home string) []string {
	return append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, ".cache"),
		"XDG_STATE_HOME="+filepath.Join(home, ".state"),
		"XDG_CONFIG_HOME="+filepath.Join(home, ".config"), "LC_ALL=C", "TZ=UTC")
}

// Words splits a command line at blanks; '...' holds words together.
func Words(line string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1) {
		all = append(all, strings.Trim(m, "'"))
	}
	return all
}

// A Target is a BMC, and how to log in to it.
type Target struct {
	Addr           netip.AddrPort
	User, Password string
}

// At returns the target behind another address, such as a relay's.
func (b Target) At(a netip.AddrPort) Target {
	b.Addr = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	return b
}

// As returns the target for another user.
func (b Target) As(user, password string) Target {
	b.User, b.Password = user, password
	return b
}

// Tool returns the options that ipmitool and lom take alike, and more.
func (b Target) Tool(iface string, more ...string) []string {
	return append([]string{"-I", iface, "-H", b.Addr.Addr().String(), "-p",
		fmt.Sprint(b.Addr.Port()), "-U", b.User, "-P", b.Password}, more...)
}

// FreeIPMI returns the options of FreeIPMI's programs, and more.
func (b Target) FreeIPMI(driver string, more ...string) []string {
	return append([]string{"-D", driver, "-h", b.Addr.String(), "-u", b.User, "-p", b.Password},
		more...)
}
