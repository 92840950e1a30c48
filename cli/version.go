package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"lom/render"
)

// version is what "make build" has the linker put here; "" where Go alone built the program.
var version string

func newVersion(a *App) *cobra.Command {
	return withoutHost(query(a, "version", "Print the version of lom", versionView(a),
		func(_ context.Context, _ *App, args []string) (versionInfo, error) {
			return readVersion(), wantArgs(args, 0, 0)
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

// readVersion returns the version that the build has noted.
func readVersion() versionInfo {
	v := versionInfo{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS,
		Arch: runtime.GOARCH}
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
	return v
}

// versionView prints the version; for -V as ipmitool does, which programs read.
func versionView(a *App) render.View[versionInfo] {
	return render.View[versionInfo]{Text: func(p *render.Printer, v versionInfo) {
		if a.Name == "ipmitool" && a.Options.version {
			p.Printf("ipmitool version %s (lom %s)\n", ipmitoolVersion, v.Version)
			return
		}
		p.Printf("lom version %s\n", v.Version)
	}}
}
