package cli

import (
	"context"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
)

// version is what "make build" has the linker put here; "" where Go alone built the program.
var version string

func newVersion(a *App) *cobra.Command {
	return withoutHost(leaf(a, "version", "Print the version of lom", func(ctx context.Context, a *App, args []string) error {
		if err := wantArgs(args, 0, 0); err != nil {
			return err
		}
		return runVersion(ctx, a, nil)
	}))
}

// ipmitoolVersion is the ipmitool whose output and habits lom has.
const ipmitoolVersion = "1.8.19"

// versionInfo is what version prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func runVersion(_ context.Context, a *App, _ []string) error {
	v := versionInfo{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if version != "" {
		v.Version = version
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		if version == "" && b.Main.Version != "" && b.Main.Version != "(devel)" {
			v.Version = b.Main.Version
		}
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	return a.Show(v, func(w io.Writer) {
		if a.Name == "ipmitool" && a.Options.version {
			fmt.Fprintf(w, "ipmitool version %s (lom %s)\n", ipmitoolVersion, v.Version) // which programs read
			return
		}
		fmt.Fprintf(w, "lom version %s\n", v.Version)
	}, nil)
}
