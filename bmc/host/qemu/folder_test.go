package qemu

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// The folder of a program that was killed is removed by the next one; that of a program that runs
// is not.
func TestFolderThatWasLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("folders are locked on Linux only")
	}
	dir := t.TempDir()
	used, usedLock, err := makeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer usedLock.Close()
	left, leftLock, err := makeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "qmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	leftLock.Close() // as the kernel does for one that is killed
	other := filepath.Join(dir, folderPrefix+"other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	_, lock, err := makeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for path, want := range map[string]bool{used: true, left: false, other: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}
