//go:build !linux

package cli

import (
	"errors"
	"os"
)

// openTTY says that serial lines are opened elsewhere only.
func openTTY(string, int) (*os.File, error) {
	return nil, errors.New("lom opens serial lines on Linux only; use the network (-H)")
}
