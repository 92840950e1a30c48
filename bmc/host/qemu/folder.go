package qemu

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Machines' folders are named folderPrefix and a number. Each has a file that its owner has locked,
// so that those of a program that was killed can be told from others.
const (
	folderPrefix = "lom-qemu-"
	lockName     = "lock"
)

// makeFolder makes a machine's folder below dir, and removes those that killed programs have left
// there.
func makeFolder(dir string) (path string, lock io.Closer, err error) {
	removeLeft(dir)
	// It gets its name when it is locked, so that nobody takes it for one that was left.
	made, err := os.MkdirTemp(dir, "new-"+folderPrefix)
	if err != nil {
		return "", nil, err
	}
	f, err := os.OpenFile(filepath.Join(made, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = lockFile(f)
	}
	path = filepath.Join(dir, strings.TrimPrefix(filepath.Base(made), "new-"))
	if err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		return "", nil, errors.Join(err, os.RemoveAll(made))
	}
	return path, f, nil
}

// removeLeft removes the folders whose owners are gone. What cannot be removed is somebody else's,
// and stays.
func removeLeft(dir string) {
	if !canLock {
		return
	}
	left, _ := filepath.Glob(filepath.Join(dir, folderPrefix+"*"))
	for _, path := range left {
		f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lockFile(f) == nil {
			_ = os.RemoveAll(path)
		}
		f.Close()
	}
}
