package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// endWithParent has the kernel end the process when this one ends.
func endWithParent(cmd *exec.Cmd) {
	// A process group of its own: Ctrl-C in a terminal is for the BMC, which then ends its machine
	// in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// canLock reports whether lockFile does what it says.
const canLock = true

// lockFile locks a file until it is closed, or fails if somebody else has.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// A peer is a process at the other end of a socket.
type peer struct {
	pid   int32
	start string // when it began, so that another with its number is told from it
}

// peerOf returns the process that listens where conn was made, nil if that is not known.
func peerOf(conn net.Conn) *peer {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return nil
	}
	var cred *syscall.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if controlErr != nil || err != nil || cred.Pid <= 0 {
		return nil
	}
	p := &peer{pid: cred.Pid}
	var ended bool
	if p.start, ended, err = p.read(); err != nil || ended {
		return nil
	}
	return p
}

// read returns when the process with the number began, and whether it has ended and only waits for
// its parent.
func (p *peer) read() (start string, ended bool, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return "", false, err
	}
	// After the name, which may hold anything: the state, and 19 fields later the begin (proc(5)).
	words := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(words) < 20 {
		return "", false, fmt.Errorf("process %d: %q", p.pid, stat)
	}
	return words[19], words[0] == "Z" || words[0] == "X", nil
}

// ended reports whether the process is known to have ended.
func (p *peer) ended() bool {
	if p == nil {
		return false
	}
	start, ended, err := p.read()
	return ended || errors.Is(err, fs.ErrNotExist) || err == nil && start != p.start
}
