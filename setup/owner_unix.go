//go:build unix

package setup

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives the new file the owner of the one that it replaces.
func keepOwner(old fs.FileInfo, w *os.File) error {
	s, ok := old.Sys().(*syscall.Stat_t)
	if ok && (int(s.Uid) != os.Geteuid() || int(s.Gid) != os.Getegid()) {
		return w.Chown(int(s.Uid), int(s.Gid))
	}
	return nil
}

// isNotDir reports whether a path leads through a file.
func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
