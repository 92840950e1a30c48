package qemu

import (
	"os"
	"os/exec"
	"syscall"
)

// endWithParent has the kernel end the process when this one ends.
func endWithParent(cmd *exec.Cmd) {
	// A process group of its own: Ctrl-C in a terminal is for the BMC, which then ends its machine in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// canLock reports whether lockFile does what it says.
const canLock = true

// lockFile locks a file until it is closed, or fails if somebody else has.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
