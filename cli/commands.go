package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A maker makes a command.
type maker struct {
	name string
	make func(*App) *cobra.Command
}

// makers returns what makes the commands of lom, in the order of their help.
func makers() []maker {
	return []maker{
		{"power", newPower},
		{"chassis", newChassis},
		{"mc", newMC},
		{"bmc", newBMC},
		{"demo", newDemo},
		{"bench", newBench},

		{"sdr", newSDR},
		{"sensor", newSensor},

		{"sel", newSEL},
		{"fru", newFRU},

		{"raw", newRaw},
		{"channel", newChannel},
		{"session", newSession},
		{"user", newUser},
		{"dcmi", newDCMI},

		{"event", newEvent},
		{"exec", newExec},
		{"shell", newShell},

		{"lan", newLAN},
		{"sol", newSOL},
		{"pef", newPEF},

		{"setup", newSetup},

		{"schema", newSchema},
		{"version", newVersion},
		{"man", newMan},
	}
}

// commands makes the commands of lom: for a line whose first word is the name of one only that one,
// because most of the time of a short call would go into making the others. The commands man and
// schema look at all of them.
func commands(a *App, word string) (list []*cobra.Command, all bool) {
	if word == "bmc" && a.Name == "ipmitool" {
		word = "mc"
	}
	for _, m := range makers() {
		if m.name == word && word != "man" && word != "schema" {
			return mergeBMC(a, []*cobra.Command{m.make(a)}), false
		}
	}
	for _, m := range makers() {
		list = append(list, m.make(a))
	}
	return mergeBMC(a, list), true
}

// firstWord returns the first word of a line as splitOptions leaves it, "" if there is none, or an
// option before it is unknown.
func firstWord(global *pflag.FlagSet, args []string) string {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			return arg
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if global.Lookup(name) == nil {
			break
		}
	}
	return ""
}

// mergeBMC settles what "bmc" means. For ipmitool it is another name of mc; lom has a command of
// that name, which then takes the words of mc too: "lom bmc info" is "lom mc info".
func mergeBMC(a *App, list []*cobra.Command) []*cobra.Command {
	for _, c := range list {
		switch {
		case c.Name() == "mc" && a.Name == "ipmitool":
			c.Aliases = append(c.Aliases, "bmc")
		case c.Name() == "bmc" && a.Name != "ipmitool":
			for _, sub := range newMC(a).Commands() {
				sub.Hidden = true
				c.AddCommand(sub)
			}
		}
	}
	return list
}
