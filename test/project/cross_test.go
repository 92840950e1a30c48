package project

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Everything builds for every platform of the Makefile.
func TestBuildsEverywhere(t *testing.T) {
	makefile, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^PLATFORMS\s*:=(.*)$`).FindSubmatch(makefile)
	if m == nil {
		t.Fatal("the Makefile names no platforms")
	}
	for _, platform := range strings.Fields(string(m[1])) {
		goos, goarch, _ := strings.Cut(platform, "/")
		cmd := exec.Command("go", "build", "./...")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", platform, err, out)
		}
	}
}
