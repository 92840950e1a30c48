//go:build linux

package interop

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"lom/internal/programs"
)

// A jobShell is an interactive shell with job control on a pseudo-terminal.
type jobShell struct {
	t    *testing.T
	cmd  *exec.Cmd
	keys *os.File

	mu    sync.Mutex
	shown bytes.Buffer
	from  int // what wait has seen
	words int // that echo has typed
}

const jobPrompt = "READY> "

// startJobShell starts a shell in which $LOM is lom with the words that name a BMC, and waits for
// its prompt.
func startJobShell(t *testing.T, shell []string, words ...string) *jobShell {
	t.Helper()
	programs.Need(t, shell[0])
	home := t.TempDir()
	line := programs.Lom()
	for _, w := range words {
		line += " " + w
	}
	s := &jobShell{t: t, cmd: exec.Command(shell[0], shell[1:]...)}
	s.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"),
		"LOM="+line,
		"PS1="+jobPrompt, "TERM=xterm", "ENV=", "HISTFILE=")
	var err error
	if s.keys, err = pty.Start(s.cmd); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(s, s.keys) }()
	t.Cleanup(func() {
		s.keys.Close() // hangs up on all of the jobs
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("the terminal showed:\n%q", s.screen())
		}
	})
	s.wait(jobPrompt)
	return s
}

func (s *jobShell) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(p)
}

func (s *jobShell) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

func (s *jobShell) keyIn(keys string) {
	s.t.Helper()
	if _, err := s.keys.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for something to be so; the limit only bounds a hang.
func (s *jobShell) until(what string, ok func() bool) {
	s.t.Helper()
	for range 4000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("not so: %s", what)
}

// wait waits until text is shown, after what was waited for before, and returns what came before
// it.
func (s *jobShell) wait(text string) (before string) {
	s.t.Helper()
	s.until("the terminal shows "+strconv.Quote(text), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		rest := s.shown.Bytes()[s.from:]
		i := bytes.Index(rest, []byte(text))
		if i >= 0 {
			before = string(rest[:i])
			s.from += i + len(text)
		}
		return i >= 0
	})
	return before
}

// run has the shell carry out a line, and returns what it shows.
func (s *jobShell) run(line string) string {
	s.t.Helper()
	s.keyIn(line + "\r")
	s.wait("\n") // the end of the line's echo
	return s.wait(jobPrompt)
}

// local returns the local modes of the terminal.
func (s *jobShell) local() uint32 {
	s.t.Helper()
	t, err := unix.IoctlGetTermios(int(s.keys.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return t.Lflag
}

func (s *jobShell) untilRaw() {
	s.t.Helper()
	s.until("the terminal is in raw mode", func() bool {
		return s.local()&(unix.ICANON|unix.ECHO|unix.ISIG) == 0
	})
}

func (s *jobShell) untilHidden() {
	s.t.Helper()
	s.until("the terminal does not echo", func() bool {
		return s.local()&(unix.ICANON|unix.ECHO|unix.ISIG) == unix.ICANON|unix.ISIG
	})
}

// wantLineMode checks the modes that a command of the shell finds.
func (s *jobShell) wantLineMode() {
	s.t.Helper()
	got := s.run("stty -a")
	for _, bad := range []string{"-icanon", "-echo ", "-isig", "-opost", "-icrnl"} {
		if strings.Contains(got, bad) {
			s.t.Errorf("the terminal is not as it was: %s", got)
			return
		}
	}
	if !strings.Contains(got, "icanon") {
		s.t.Errorf("stty says %q", got)
	}
}

// job returns the process ID of lom.
func (s *jobShell) job() int {
	s.t.Helper()
	pid := 0
	s.until("lom runs", func() bool {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
		for _, word := range strings.Fields(string(b)) {
			if exe, _ := os.Readlink("/proc/" + word + "/exe"); exe == programs.Lom() {
				pid, _ = strconv.Atoi(word)
			}
		}
		return pid != 0
	})
	return pid
}

func (s *jobShell) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.job(), sig); err != nil {
		s.t.Fatal(err)
	}
}

// jobShells are shells with job control: one that sets the terminal right itself when a job stops,
// and one that does not.
var jobShells = [][]string{{"bash", "--norc", "--noprofile", "-i"}, {"dash", "-i"}}

// eachShell runs a test in every shell, with a BMC whose host sends back what is typed.
func eachShell(t *testing.T, f func(t *testing.T, s *jobShell)) {
	t.Parallel()
	b := startConsoleBMC(t, fmt.Sprintf("bmcs: [{console: \"tcp:%s\"}]\n", echoPort(t)))
	for _, shell := range jobShells {
		t.Run(shell[0], func(t *testing.T) { f(t, startJobShell(t, shell, b.Tool("lanplus")...)) })
	}
}

// echo types a word to the host, and waits until it comes back.
func (s *jobShell) echo() {
	s.t.Helper()
	s.words++
	word := fmt.Sprintf("word-%d-", s.words)
	s.keyIn(word + "\r")
	s.wait(word + "\r")
}

// However a console is stopped, the shell has its terminal, and the console has it again
// afterwards.
func TestConsoleIsStoppedAndGoesOn(t *testing.T) {
	eachShell(t, func(t *testing.T, s *jobShell) {
		s.keyIn("$LOM sol activate\r")
		s.wait("operational")
		s.untilRaw()
		for _, stop := range []struct {
			name string
			how  func()
		}{
			{"~^Z", func() { s.keyIn("~\x1a"); s.wait("[suspend lom]") }},
			{"~^Z again", func() { s.keyIn("~\x1a"); s.wait("[suspend lom]") }},
			{"SIGTSTP", func() { s.signal(syscall.SIGTSTP) }},
			{"SIGSTOP", func() { s.signal(syscall.SIGSTOP) }},
		} {
			s.echo()
			stop.how()
			s.wait(jobPrompt)
			// of which no program hears, and not every shell puts the terminal right
			if stop.name == "SIGSTOP" {
				s.keyIn("stty sane\n")
				s.wait(jobPrompt)
			}
			s.wantLineMode()
			s.keyIn("fg\r")
			s.untilRaw()
		}
		s.echo()
		s.keyIn("~\x18")
		s.wait("[suspend lom]")
		s.wait(jobPrompt)
		s.keyIn("fg\r")
		s.wait("sol activate\r\n")
		s.until("lom has the terminal", func() bool {
			group, err := unix.IoctlGetInt(int(s.keys.Fd()), unix.TIOCGPGRP)
			return err == nil && group == s.job()
		})
		if got := s.local(); got&unix.ICANON == 0 {
			t.Errorf("after ~^X and fg: got local modes %#x, want line mode", got)
		}
		s.keyIn("in line mode\r")
		s.wait("in line mode") // the terminal's echo
		s.wait("in line mode") // the host's
		s.keyIn("~.\r")
		s.wait("[terminated lom]")
		s.wait(jobPrompt)
		if got := s.run("echo code=$?"); !strings.Contains(got, "code=0\r") {
			t.Errorf("after ~.: got %q, want exit status 0", got)
		}
		s.wantLineMode()
	})
}

// A console that goes on in the background leaves the terminal to the shell, and can be ended
// there.
func TestConsoleInTheBackground(t *testing.T) {
	eachShell(t, func(t *testing.T, s *jobShell) {
		s.keyIn("$LOM sol activate\r")
		s.wait("operational")
		s.untilRaw()
		for range 2 {
			s.echo()
			s.keyIn("~\x1a")
			s.wait("[suspend lom]")
			s.wait(jobPrompt)
			s.run("bg")
			s.wantLineMode()
			s.keyIn("fg\r")
			s.untilRaw()
		}
		s.echo()
		s.keyIn("~\x1a")
		s.wait("[suspend lom]")
		s.wait(jobPrompt)
		pid := s.job()
		s.run("bg")
		s.run("kill %1")
		s.until("lom has ended", func() bool {
			return processState(pid) == "" || processState(pid) == "Z"
		})
		s.wantLineMode()
	})
}

// processState returns the letter of a process's state, "" if there is no process.
func processState(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

// Every signal ends the console with its exit status, and leaves the terminal as it was.
func TestConsoleEndsAtSignals(t *testing.T) {
	eachShell(t, func(t *testing.T, s *jobShell) {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP,
			syscall.SIGQUIT} {
			s.keyIn("$LOM sol activate\r")
			s.wait("operational")
			s.untilRaw()
			s.signal(sig)
			said := s.wait(jobPrompt)
			if strings.Contains(said, "goroutine") {
				t.Errorf("%v: lom says %q", sig, said)
			}
			if got, want := s.run("echo code=$?"), fmt.Sprintf("code=%d\r",
				128+int(sig)); !strings.Contains(got, want) {
				t.Errorf("%v: got %q, want %q", sig, got, want)
			}
			s.wantLineMode()
		}
	})
}

// Who no longer reads the console, or cannot, ends it, and the terminal is as it was.
func TestConsoleWhoseOutputIsClosed(t *testing.T) {
	t.Parallel()
	b := programs.StartBMC(t)
	s := startJobShell(t, jobShells[0], b.Tool("lanplus")...)
	for _, c := range []struct {
		to, code string
	}{{"| head -n 1", "code=141\r"}, {"> /dev/full", "code=1\r"}} {
		s.keyIn("$LOM sol activate " + c.to + "; echo code=${PIPESTATUS[0]}\r")
		if c.code == "code=141\r" {
			s.wait("operational")
			s.untilRaw()
			s.keyIn("\r\r\r")
		}
		s.wait("\ncode=")
		if got := "code=" + s.wait(jobPrompt); !strings.Contains(got, c.code) {
			t.Errorf("%s: got %q, want %q", c.to, got, c.code)
		}
		s.wantLineMode()
	}
}

// A terminal that goes away ends what has it as SIGHUP does.
func TestConsoleWhoseTerminalGoesAway(t *testing.T) {
	t.Parallel()
	b := programs.StartBMC(t)
	for _, words := range [][]string{{"sol", "activate"}, {"-a", "power", "status"}, {"shell"}} {
		cmd := exec.Command(programs.Lom(), b.Tool("lanplus", words...)...)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		keys, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		var shown bytes.Buffer
		buf := make([]byte, 1000)
		for !strings.Contains(shown.String(), "operational") &&
			!strings.Contains(shown.String(), "assword: ") &&
			!strings.Contains(shown.String(), "lom> ") {
			n, err := keys.Read(buf)
			if err != nil {
				t.Fatalf("%v: %v, after %q", words, err, &shown)
			}
			shown.Write(buf[:n])
		}
		keys.Close()
		_ = cmd.Wait() // ProcessState says the same
		if got := cmd.ProcessState.ExitCode(); got != 129 {
			t.Errorf("%v: got %v, want exit status 129", words, cmd.ProcessState)
		}
	}
}

// A question for a password hides what is typed also after a stop, and the echo is back whatever
// happens.
func TestPasswordQuestionAndJobControl(t *testing.T) {
	t.Parallel()
	b := programs.StartBMC(t)
	for _, shell := range jobShells {
		t.Run(shell[0], func(t *testing.T) {
			s := startJobShell(t, shell, "-I", "lanplus", "-H", b.Addr.Addr().String(), "-p",
				strconv.Itoa(int(b.Addr.Port())), "-U", b.User, "-a")
			ask := func() {
				t.Helper()
				s.keyIn("$LOM power status\r")
				s.wait("Password: ")
				s.untilHidden()
			}
			ask()
			s.keyIn("\x1a")
			s.wait(jobPrompt)
			s.wantLineMode()
			s.keyIn("fg\r")
			s.wait("Password: ")
			s.untilHidden()
			s.keyIn(b.Password + "\r")
			if got := s.wait(jobPrompt); !strings.Contains(got, "Chassis Power is ") ||
				strings.Contains(s.screen(), b.Password) {
				t.Errorf("after the password: %q", got)
			}
			s.wantLineMode()
			for key, code := range map[string]string{"\x03": "code=130\r", "\x1c": "code=131\r"} {
				ask()
				s.keyIn(key)
				if said := s.wait(jobPrompt); strings.Contains(said, "goroutine") {
					t.Errorf("%q: lom says %q", key, said)
				}
				if got := s.run("echo code=$?"); !strings.Contains(got, code) {
					t.Errorf("%q: got %q, want %q", key, got, code)
				}
				s.wantLineMode()
			}
		})
	}
}

// The line of "lom shell" can be stopped and left as that of any shell.
func TestShellLineAndJobControl(t *testing.T) {
	eachShell(t, func(t *testing.T, s *jobShell) {
		s.keyIn("$LOM shell\r")
		s.wait("lom> ")
		s.keyIn("power st")
		s.wait("power st")
		s.keyIn("\x1a")
		s.wait(jobPrompt)
		s.wantLineMode()
		s.keyIn("fg\r")
		s.wait("lom> power st")
		s.keyIn("atus\r")
		s.wait("Chassis Power is ")
		s.wait("lom> ")
		s.keyIn("\x1c")
		if said := s.wait(jobPrompt); strings.Contains(said, "goroutine") {
			t.Errorf("lom says %q", said)
		}
		if got := s.run("echo code=$?"); !strings.Contains(got, "code=131\r") {
			t.Errorf("after ^\\: got %q, want exit status 131", got)
		}
		s.wantLineMode()
	})
}

// What nohup starts is not ended by a hang-up.
func TestNohupIsObeyed(t *testing.T) {
	t.Parallel()
	programs.Need(t, "nohup")
	b := programs.StartBMC(t)
	r := startProgram(t, t.TempDir(), "nohup",
		append([]string{programs.Lom()}, b.Tool("lanplus", "sol", "activate")...)...)
	r.await(t, operational)
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(r.in, "\r"); err != nil {
		t.Fatal(err)
	}
	r.await(t, "login: ")
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(t, time.Minute); code != 143 {
		t.Errorf("got exit status %d, want 143", code)
	}
}
