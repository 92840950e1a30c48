package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// What docs/console-setup.md shows is what lom prints, from a CentOS 5 as it was installed to a
// console, and back.
func TestConsoleSetupPageIsTrue(t *testing.T) {
	all := examples(t, "../../docs/console-setup.md")
	if len(all) < 8 {
		t.Fatalf("docs/console-setup.md shows %d commands", len(all))
	}
	home, env := newHome(t)
	a, err := txtar.ParseFile("../../setup/testdata/centos5.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		name, link, isLink := strings.Cut(f.Name, " -> ")
		p := filepath.Join(home, "server", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if isLink {
			err = os.Symlink(link, p)
		} else {
			err = os.WriteFile(p, f.Data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range all {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", e.command)
		cmd.Dir, cmd.Env = home, env
		out, _ := cmd.CombinedOutput()
		if !like(e.output, string(out)) {
			t.Errorf("$ %s\nthe page shows\n%s\nit is\n%s", e.command, e.output, out)
		}
	}
}
