package qemu

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel end the process when this one ends.
func endWithParent(cmd *exec.Cmd) {
	// A process group of its own: Ctrl-C in a terminal is for the BMC, which then ends its machine in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
