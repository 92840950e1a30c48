//go:build !linux

package qemu

import (
	"net"
	"os"
	"os/exec"
)

// endWithParent does nothing here: Close ends the process.
func endWithParent(*exec.Cmd) {}

// canLock reports whether lockFile does what it says.
const canLock = false

// lockFile does nothing.
func lockFile(*os.File) error { return nil }

// A peer is a process at the other end of a socket, which is not known here.
type peer struct{}

func peerOf(net.Conn) *peer { return nil }

func (*peer) ended() bool { return false }
