//go:build !linux

package qemu

import (
	"os"
	"os/exec"
)

// endWithParent does nothing here: Close ends the process.
func endWithParent(*exec.Cmd) {}

// canLock reports whether lockFile does what it says.
const canLock = false

// lockFile does nothing.
func lockFile(*os.File) error { return nil }
