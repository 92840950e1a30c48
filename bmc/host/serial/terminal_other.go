//go:build !linux

package serial

import (
	"context"
	"errors"
	"io"
)

// HasRate reports whether a terminal can have a bit rate.
func HasRate(int) bool { return true }

// OpenTerminal returns a Config.Open that fails: terminal devices are known on Linux only.
func OpenTerminal(string, int) func(context.Context) (io.ReadWriteCloser, error) {
	return func(context.Context) (io.ReadWriteCloser, error) {
		return nil, errors.New("terminal devices are for Linux only")
	}
}
