//go:build !unix

package setup

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: files have no owner here that could be lost.
func keepOwner(fs.FileInfo, *os.File) error { return nil }

func isNotDir(error) bool { return false }
