package udprelay

import (
	"syscall"
	"time"
)

// sleep waits for d. time.Sleep would wait in whole milliseconds.
func sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	t := syscall.NsecToTimespec(d.Nanoseconds())
	// A signal ends it early; that is no more than a delay that is too short.
	_ = syscall.Nanosleep(&t, nil)
}
