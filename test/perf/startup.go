package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// startUps is how often item 5 starts each program.
const startUps = 40

// startUp is item 5: "lom version" and a program that does nothing start in turns.
func (r *runner) startUp(ctx context.Context) error {
	source, empty := filepath.Join(r.dir, "empty.go"), filepath.Join(r.dir, "empty")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", empty, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	took := [2][]time.Duration{}
	for range startUps {
		for i, args := range [][]string{{empty}, {r.lom, "version"}} {
			began := time.Now()
			if err := exec.CommandContext(ctx, args[0], args[1:]...).Run(); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	var middle [2]time.Duration
	for i := range took {
		slices.Sort(took[i])
		middle[i] = took[i][startUps/2].Round(10 * time.Microsecond)
	}
	return r.report.set("item 5", fmt.Sprintf("Medians of %d starts in turns: an empty Go program %v, `lom version` %v, %.2f times as long.\n",
		startUps, middle[0], middle[1], float64(middle[1])/float64(middle[0])))
}
