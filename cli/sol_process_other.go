//go:build !unix

package cli

import "os"

// processGone reports whether there is no process with the number, which cannot be told here.
func processGone(int) bool { return false }

// suspend does nothing: this system has no such thing.
func suspend() {}

// inputReady lets the read itself wait.
func inputReady(_, _ *os.File) bool { return true }

// hardSignals end a program; a terminal must be put right before.
var hardSignals = []os.Signal{os.Interrupt}

// brokenPipe is the signal of an output that nobody reads any more; there is none here.
var brokenPipe []os.Signal
