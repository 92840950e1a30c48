package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// soakLine is what the soak says in the middle: turn, figures, what was done.
var soakLine = regexp.MustCompile(`(?m)^ +\S+\.go:\d+: +(\d+/\d+: heap .*|\d+ BMCs, .*|client: .*)$`)

// soak is the soak of test/faults, of whose lines some are reported.
func (r *runner) soak(ctx context.Context) error {
	args := []string{"test", "-count=1", "-timeout", "0", "-v", "-run", "^TestSoak$",
		"./test/faults", "-args", "-soak=" + r.soakTime.String(), fmt.Sprintf("-bmcs=%d", r.fleet)}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test: %w\n%s", err, out)
	}
	return r.report.set("soak", "```text\ngo "+strings.Join(args, " ")+"\n"+
		soakSummary(string(out))+"```\n")
}

// soakSummary returns the first and the last lines, and some in between.
func soakSummary(out string) string {
	var b strings.Builder
	all := soakLine.FindAllStringSubmatch(out, -1)
	const some = 8
	every := max(1, len(all)/some)
	for i, m := range all {
		if i < 2 || i >= len(all)-2 || i%every == 0 {
			b.WriteString(m[1] + "\n")
		}
	}
	return b.String()
}
