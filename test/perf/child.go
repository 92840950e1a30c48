package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"lom/cli"
)

// A state is what a process says of itself.
type state struct {
	Goroutines   int
	Heap         int64         // bytes that are in use, after a garbage collection
	Resident     int64         // bytes; 0 where the system does not report it
	User, System time.Duration // CPU time so far
	Looking      time.Duration // of it, what this look took
}

// ownState looks at this process.
func ownState() state {
	user, system := ownCPU()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := state{Goroutines: runtime.NumGoroutine(), Heap: int64(m.HeapAlloc),
		Resident: resident(os.Getpid())}
	s.User, s.System = ownCPU()
	s.Looking = s.User + s.System - user - system
	return s
}

// resident returns how much of a process' memory is resident, where the system tells.
func resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// bmcRole is "lom bmc" with the arguments behind "bmc", and answers on standard output what is
// asked on standard input, line by line: "state" is answered by a state; "profile FILE" begins to
// write a CPU profile; "end of profile" ends it.
func bmcRole(args []string) int {
	go func() {
		replies := json.NewEncoder(os.Stdout)
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			if err := obey(lines.Text()); err != nil {
				fmt.Fprintln(os.Stderr, "perf:", err)
				os.Exit(1)
			}
			_ = replies.Encode(ownState())
		}
		// Nothing more is asked: an end as by Ctrl-C.
		if self, err := os.FindProcess(os.Getpid()); err != nil ||
			self.Signal(os.Interrupt) != nil {
			os.Exit(0)
		}
	}()
	return cli.Main(append([]string{"lom"}, args...), strings.NewReader(""), os.Stdout, os.Stderr)
}

// obey does what a line of standard input says, besides answering it.
func obey(line string) error {
	file, profile := strings.CutPrefix(line, "profile ")
	switch {
	case profile:
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	case line == "end of profile":
		pprof.StopCPUProfile()
	case line != "state":
		return fmt.Errorf("%q is not understood", line)
	}
	return nil
}

// bmcs are the BMCs of a child of this program.
type bmcs struct {
	stats string // the file for what they have counted in the end
	port  string // of all of them; the first is at 127.0.0.1
	shown string // the command line without files
	cmd   *exec.Cmd
	in    io.WriteCloser
	said  chan string // the lines that are replies
}

var listensAt = regexp.MustCompile(`127\.\d+\.\d+\.\d+:\d+`)

// startBMCs runs "lom bmc" with more options in a process of its own.
func (r *runner) startBMCs(ctx context.Context, n int, more ...string) (*bmcs, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	password, err := r.passwordFile()
	if err != nil {
		return nil, err
	}
	stats, err := os.CreateTemp(r.dir, "stats-")
	if err != nil {
		return nil, err
	}
	stats.Close()
	args := append([]string{"bmc", "--stats", stats.Name(), "--count", fmt.Sprint(n), "--listen",
		"127.0.0.1:" + port, "--user", bmcUser, "--password-file", password}, more...)
	b := &bmcs{stats: stats.Name(), port: port, cmd: exec.Command(r.self, args...),
		said: make(chan string, 16)}
	b.shown = strings.Join(append([]string{"lom bmc --count", fmt.Sprint(n)}, more...), " ")
	b.cmd.Stderr, b.cmd.Env = os.Stderr, environ(r.dir)
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		defer close(b.said)
		told := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			switch l := lines.Text(); {
			case strings.HasPrefix(l, "{"):
				b.said <- l
			case !told && listensAt.MatchString(l):
				told = true
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
		return b, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-time.After(limit):
		err = errors.New("lom bmc does not say that it answers")
	case <-b.said:
		err = errors.New("lom bmc does not start")
	}
	b.stop()
	return nil, err
}

// ask sends a line to the BMCs' process and returns its state.
func (b *bmcs) ask(line string) (state, error) {
	var s state
	if _, err := io.WriteString(b.in, line+"\n"); err != nil {
		return s, err
	}
	select {
	case l, ok := <-b.said:
		if !ok {
			return s, errors.New("lom bmc has ended")
		}
		return s, json.Unmarshal([]byte(l), &s)
	case <-time.After(limit):
		return s, errors.New("lom bmc does not answer")
	}
}

func (b *bmcs) stop() {
	if b.cmd.ProcessState != nil {
		return
	}
	b.in.Close()
	late := time.AfterFunc(10*time.Second, func() { b.cmd.Process.Kill() })
	b.cmd.Wait()
	late.Stop()
}

// counted is what lom bmc --stats tells.
type counted struct {
	Requests      int `json:"requests"`
	Overflows     int `json:"overflows"` // requests that found no room
	Most          int `json:"most"`      // at a time
	SinceOverflow int `json:"since-overflow"`
}

// end stops the BMCs and returns what they have counted.
func (b *bmcs) end() (counted, error) {
	var c counted
	b.stop()
	text, err := os.ReadFile(b.stats)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

// freePort returns a UDP port that is free at 127.0.0.1.
func freePort() (string, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	return port, err
}

// typeArguments are those in the names of functions, which can be longer than the rest of a line.
var typeArguments = regexp.MustCompile(`\[go\.shape.*\]`)

// profileTop is the head of a CPU profile: the functions that take most of the time themselves.
func (r *runner) profileTop(ctx context.Context, file string, n int) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount", fmt.Sprint(n),
		r.self, file)
	cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+filepath.Dir(file))
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go tool pprof: %w", err)
	}
	var b strings.Builder
	for l := range strings.Lines(typeArguments.ReplaceAllString(string(out), "[...]")) {
		if !strings.HasPrefix(l, "File:") && !strings.HasPrefix(l, "Build ID:") &&
			!strings.HasPrefix(l, "Time:") {
			b.WriteString(l)
		}
	}
	return b.String(), nil
}
