package cli

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// stopProcess stops this process until its shell lets it go on. Go keeps its handler of SIGTSTP
// once it has been asked for the signal, so it is SIGTTIN that stops; neither stops a process that
// no shell would let go on. A signal to this thread has stopped the process before the call
// returns, one to the process has not.
func stopProcess() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGTTIN)
}
