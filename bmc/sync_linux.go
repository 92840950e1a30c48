package bmc

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// syncTogether is from how many files on it costs less to sync their file system.
const syncTogether = 8

// syncfsTells reports whether syncfs reports writes that failed, which it does since Linux 5.8.
var syncfsTells = sync.OnceValue(func() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a > 5 || a == 5 && b >= 8
})

// syncFiles makes what was written to files safe.
func syncFiles(files []stateFile) error {
	if len(files) >= syncTogether && syncfsTells() && oneFileSystem(files) {
		return os.NewSyscallError("syncfs", unix.Syncfs(int(files[0].(*os.File).Fd())))
	}
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Sync())
	}
	return errors.Join(errs...)
}

// oneFileSystem reports whether all are the operating system's, and on one file system.
func oneFileSystem(files []stateFile) bool {
	var first, st unix.Stat_t
	for i, f := range files {
		file, ok := f.(*os.File)
		if !ok || unix.Fstat(int(file.Fd()), &st) != nil {
			return false
		}
		if i == 0 {
			first = st
		}
		if st.Dev != first.Dev {
			return false
		}
	}
	return true
}
