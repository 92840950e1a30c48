//go:build unix && !linux

package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopProcess stops this process until its shell lets it go on. Go keeps its handler of SIGTSTP
// once it has been asked for the signal, so it is SIGTTIN that stops; neither stops a process that
// no shell would let go on. The call may return before the process has stopped.
func stopProcess() {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	_ = syscall.Kill(os.Getpid(), syscall.SIGTTIN)
	select {
	case <-goesOn:
	case <-time.After(time.Second):
	}
}
