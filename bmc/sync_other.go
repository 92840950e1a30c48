//go:build !linux

package bmc

import "errors"

// syncFiles makes what was written to files safe.
func syncFiles(files []stateFile) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Sync())
	}
	return errors.Join(errs...)
}
