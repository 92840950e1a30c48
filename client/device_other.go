//go:build !linux

package client

import (
	"errors"
	"fmt"
	"runtime"
)

// openDriver says that there is no driver here.
func openDriver(int) (driver, string, error) {
	return nil, "", fmt.Errorf("%w: lom reaches the BMC of its own machine on Linux only, not on "+
		"%s; use the network (-H)",
		errors.ErrUnsupported, runtime.GOOS)
}
