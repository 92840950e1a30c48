package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// There is a page for the program and one for each command, and none has a line that man takes
// for a request by mistake.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	a := newApp("lom", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))
	if code := a.Run(t.Context(), []string{"man", dir}); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	for _, name := range []string{"lom", "lom-power", "lom-chassis", "lom-mc", "lom-sdr",
		"lom-user", "lom-dcmi"} {
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		for line := range strings.Lines(string(page)) {
			request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case strings.HasPrefix(line, "'"):
				t.Errorf("%s: %q", name, line)
			case strings.HasPrefix(line, ".") &&
				!strings.Contains(" .TH .SH .B .BR .TP .sp ", " "+request+" "):
				t.Errorf("%s: %q", name, line)
			}
		}
	}
	page, _ := os.ReadFile(filepath.Join(dir, "lom-chassis.1"))
	for _, want := range []string{"bootdev DEVICE", "lockout_power", "poh"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page of chassis does not say %q", want)
		}
	}
}
