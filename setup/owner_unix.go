//go:build unix

package setup

import (
	"os"
	"syscall"
)

// keepOwner gives the new file the owner of the one that it replaces.
func keepOwner(old string, w *os.File) error {
	st, err := os.Lstat(old)
	if err != nil {
		return nil // there was none
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok && (int(s.Uid) != os.Geteuid() || int(s.Gid) != os.Getegid()) {
		return w.Chown(int(s.Uid), int(s.Gid))
	}
	return nil
}
