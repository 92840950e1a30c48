//go:build !unix

package cli

import (
	"os"
	"time"
)

// processGone reports whether there is no process with the number, which cannot be told here.
func processGone(int) bool { return false }

// inputReady lets the read itself wait.
func inputReady(_, _ *os.File, _ time.Duration) (ready, ended bool) { return true, false }
