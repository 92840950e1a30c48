package project

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The module can be given another path by one command, after which nothing imports the old one.
func TestRenameModule(t *testing.T) {
	if testing.Short() {
		t.Skip("copies the tree")
	}
	dir := filepath.Join(t.TempDir(), "lom")
	run := func(want bool, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
		out, err := cmd.CombinedOutput()
		if (err == nil) != want {
			t.Fatalf("%s %s: got %v, want success %v\n%s", name, strings.Join(args, " "), err, want,
				out)
		}
		return string(out)
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	files, err := exec.Command("git", "-C", top, "ls-files").Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	for f := range strings.Lines(string(files)) {
		f = strings.TrimSpace(f)
		b, err := os.ReadFile(filepath.Join(top, f))
		if err != nil {
			continue // deleted, and not yet committed
		}
		st, _ := os.Stat(filepath.Join(top, f))
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), b, st.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	run(true, "git", "init", "-q")
	run(true, "git", "add", ".")
	run(true, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "copy")
	run(false, "scripts/rename-module", "not a path")
	run(false, "scripts/rename-module", "lom")
	run(true, "scripts/rename-module", "example.com/ops/lom.v2")
	deps := run(true, "go", "list", "-deps", "-test", "-f", "{{.ImportPath}}", "./...")
	for d := range strings.Lines(deps) {
		if strings.HasPrefix(d, "lom/") {
			t.Errorf("%s is still imported", strings.TrimSpace(d))
		}
	}
	if !strings.Contains(deps, "example.com/ops/lom.v2/client\n") {
		t.Error("the packages have not the new path")
	}
	for _, f := range []string{"Makefile", "internal/wiregen/main.go", "ipmi/message.go"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), " lom/") || strings.Contains(string(b), `"lom/`) {
			t.Errorf("%s names the old path", f)
		}
	}
}
