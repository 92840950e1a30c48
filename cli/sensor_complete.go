package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lom/ipmi/sdr"
	"lom/machine"
)

// completeSensors completes names of sensors from the records that are kept of the BMC. Nothing is
// asked of the BMC for that: the session may need a password that nobody can type in now. many says
// that each word is a name, not only the first.
func (a *App) completeSensors(many bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if many || len(args) == 0 {
			for _, name := range a.keptNames() {
				if strings.HasPrefix(name, word) && !slices.Contains(args, name) {
					names = append(names, name)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// keptNames returns the names in the records that are kept of the BMC, or in the file of -S.
func (a *App) keptNames() []string {
	var raw [][]byte
	if file := a.Options.SDRCache; file != "" {
		raw, _ = readDump(file)
	} else {
		d := a.cacheDir()
		if l, ok := d.Login(a.cachePeer()); ok {
			for _, r := range d.KeptSDRs(l.GUID, a.cacheAddress()) {
				if r.Whole() {
					raw = append(raw, r.Data)
				}
			}
		}
	}
	var names []string
	for _, b := range raw {
		if r, err := sdr.Parse(b); err == nil {
			if name, _ := machine.RecordName(r); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
