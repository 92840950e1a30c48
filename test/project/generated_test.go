package project

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is generated and checked in is what the generators make of the sources today.
func TestGeneratedFilesAreFresh(t *testing.T) {
	copied := t.TempDir()
	var generated []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch {
			case rel == ".git" || rel == "bin" || rel == "dist" || d.Name() == "testdata":
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(copied, rel), 0o755)
		}
		if !d.Type().IsRegular() || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), "zz_") {
			generated = append(generated, rel)
		}
		return os.WriteFile(filepath.Join(copied, rel), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(generated) == 0 {
		t.Fatal("no generated files")
	}
	cmd := exec.Command("go", "generate", "./...")
	cmd.Dir = copied
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go generate: %v\n%s", err, out)
	}
	for _, name := range generated {
		old, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := os.ReadFile(filepath.Join(copied, name))
		if err != nil {
			t.Errorf("%s is not generated any more", name)
		} else if !bytes.Equal(old, fresh) {
			t.Errorf("%s is stale: run make generate", name)
		}
	}
}
