// Package readme runs what README.md and pages in docs show.
package readme

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lom/internal/programs"
)

func TestMain(m *testing.M) { programs.Main(m) }

const file = "../../README.md"

// An example is a command of a page and what it is said to print.
type example struct{ command, output string }

// examples returns what stands in blocks marked as console of a page: commands behind "$ ", each
// followed by its output.
func examples(t *testing.T, file string) []example {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				all = append(all, example{strings.TrimSpace(command), ""})
			} else if len(all) > 0 {
				all[len(all)-1].output += line
			}
		}
	}
	return all
}

// Parts of the output that differ from run to run: dates, times, and readings, which move.
var moving = []struct{ part, now string }{
	{`\d\d/\d\d/\d\d \| \d\d:\d\d:\d\d`, "DATE | TIME"},
	{`\d\d/\d\d/\d\d \d\d:\d\d:\d\d`, "DATE TIME"},
	{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d`, "DATE TIME"},
	{`[-\d.]+ +(degrees C|RPM|Watts|Volts|Amps|percent)`, "N $1"},
	{`("(value|reading)"): [-\d.]+`, "$1: N"},
	{` +\|`, " |"},
}

func still(s string) string {
	for _, m := range moving {
		s = regexp.MustCompile(m.part).ReplaceAllString(s, m.now)
	}
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// like reports whether out is what is shown, where a line "..." stands for any lines.
func like(shown, out string) bool {
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(still(shown)), `\.\.\.`, `(?s:.*)`) + "$"
	return regexp.MustCompile(pattern).MatchString(still(out))
}

// What README.md prints is what lom prints.
func TestReadmeIsTrue(t *testing.T) {
	all := examples(t, file)
	if len(all) < 5 {
		t.Fatalf("README.md shows %d commands", len(all))
	}
	home, env := newHome(t)
	exports := ""
	// The demo's own ports may be taken: others of ten successive ones stand for them.
	ports := freePorts(t)
	machine := fmt.Sprint(freePort(t))
	for _, e := range all {
		// The program has been built already.
		command := demoPorts.ReplaceAllString(strings.Replace(e.command, "go run ./cmd/lom",
			"bin/lom", 1), ports+"$1")
		e.output = demoPorts.ReplaceAllString(e.output, ports+"$1")
		if strings.Contains(command, " machine") || strings.Contains(command, machinePort) {
			if !hasGuest(t) {
				continue
			}
			command, e.output = strings.ReplaceAll(command, machinePort, machine),
				strings.ReplaceAll(e.output, machinePort, machine)
		}
		switch {
		case strings.HasPrefix(command, "export "):
			exports += command + "\n"
		case command == "bin/lom demo":
			background(t, home, env, exports+"exec "+command+" --listen 127.0.0.1:"+ports+"1",
				e.output, 20*time.Second)
		case command == "make machine":
			dir := filepath.Join(home, "machine")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := programs.GuestParts(dir); err != nil {
				t.Fatal(err)
			}
			script, err := filepath.Abs("../../scripts/machine")
			if err != nil {
				t.Fatal(err)
			}
			more := append([]string{"LOM=" + programs.Lom(), "LISTEN=127.0.0.1:" + machine,
				"MACHINE=" + dir}, env...)
			background(t, home, more, "exec "+script, e.output, 3*time.Minute)
		default:
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			cmd := exec.CommandContext(ctx, "sh", "-c", exports+command)
			cmd.Dir, cmd.Env = home, env
			out, _ := cmd.CombinedOutput()
			cancel()
			if !like(e.output, string(out)) {
				t.Errorf("$ %s\nREADME.md shows\n%s\nit is\n%s", e.command, e.output, out)
			}
		}
	}
	runProgram(t, ports)
}

// newHome makes a folder in which bin/lom is lom, and the environment of commands in it.
func newHome(t *testing.T) (home string, env []string) {
	t.Helper()
	home = t.TempDir()
	bin := filepath.Join(home, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(programs.Lom(), filepath.Join(bin, "lom")); err != nil {
		t.Fatal(err)
	}
	return home, append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "LC_ALL=C", "TZ=UTC",
		"PATH="+bin+":"+os.Getenv("PATH"))
}

// machinePort is the port of the machine's BMC.
const machinePort = "6240"

// hasGuest reports whether the machine can be run here. Where it can be installed, it must be.
func hasGuest(t *testing.T) bool {
	t.Helper()
	can := false
	t.Run("machine", func(t *testing.T) {
		programs.NeedGuest(t)
		can = true
	})
	return can
}

// freePort returns a free UDP port.
func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// demoPorts are the ports of the demo, and one behind them.
var demoPorts = regexp.MustCompile(`\b623(\d)\b`)

// freePorts returns the first three digits of ten free UDP ports.
func freePorts(t *testing.T) string {
	t.Helper()
	for range 100 {
		prefix := fmt.Sprint(400 + rand.IntN(600))
		free := 0
		for i := range 10 {
			c, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%s%d", prefix, i))
			if err != nil {
				break
			}
			c.Close()
			free++
		}
		if free == 10 {
			return prefix
		}
	}
	t.Fatal("no ten free ports")
	return ""
}

// runProgram runs the Go program of README.md against the demo. Comments say what it prints.
func runProgram(t *testing.T, ports string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md has no Go program")
	}
	want := ""
	for _, m := range regexp.MustCompile(`(?m)Println\(.*\) // (.*)$`).FindAllSubmatch(block[1],
		-1) {
		want += string(m[1]) + "\n"
	}
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, demoPorts.ReplaceAll(block[1], []byte(ports+"$1")),
		0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", source)
	cmd.Dir = filepath.Dir(file)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("the program of README.md prints %q (%v), not %q", out, err, want)
	}
}

// background runs a command that goes on until the test ends, and waits for its output.
func background(t *testing.T, home string, env []string, command, shown string,
	most time.Duration) {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = home, env
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if like(shown, out.String()) {
			return
		}
	}
	t.Errorf("$ %s\nREADME.md shows\n%s\nit is\n%s", command, shown, out.String())
}

// A buffer may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
