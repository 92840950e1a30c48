//go:build !linux

package main

import (
	"fmt"
	"os"
	"time"
)

// An echoed is what one end of the echo has to tell.
type echoed struct {
	Port         int
	Packets      int
	Calls        int
	Took         time.Duration
	User, System time.Duration
}

// echoRole needs system calls, and loopback addresses, that other systems do not have.
func echoRole([]string) int {
	fmt.Fprintln(os.Stderr, "perf echo: only on Linux")
	return 1
}
