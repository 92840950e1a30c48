//go:build unix

package main

import (
	"syscall"
	"time"
)

// ownCPU returns the CPU time of this process so far, in the program and in the kernel.
func ownCPU() (user, system time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}
