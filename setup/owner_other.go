//go:build !unix

package setup

import "os"

// keepOwner does nothing: files have no owner here that could be lost.
func keepOwner(string, *os.File) error { return nil }
