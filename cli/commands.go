package cli

import "github.com/spf13/cobra"

// commands makes the commands of lom, in the order of their help.
func commands(a *App) []*cobra.Command {
	list := []*cobra.Command{
		newPower(a),
		newChassis(a),
		newMC(a),
		newBMC(a),
		newDemo(a),
		newBench(a),

		newSDR(a),
		newSensor(a),

		newSEL(a),
		newFRU(a),

		newRaw(a),
		newChannel(a),
		newSession(a),
		newUser(a),
		newDCMI(a),

		newEvent(a),
		newExec(a),
		newShell(a),

		newLAN(a),
		newSOL(a),
		newPEF(a),

		newSetup(a),

		newSchema(a),
		newVersion(a),
		newMan(a),
	}
	mergeBMC(a, list)
	return list
}

// mergeBMC settles what "bmc" means. For ipmitool it is another name of mc; lom has a command of that
// name, which then takes the words of mc too: "lom bmc info" is "lom mc info".
func mergeBMC(a *App, list []*cobra.Command) {
	var bmc, mc *cobra.Command
	for _, c := range list {
		switch c.Name() {
		case "bmc":
			bmc = c
		case "mc":
			mc = c
		}
	}
	if bmc == nil || a.Name == "ipmitool" {
		mc.Aliases = append(mc.Aliases, "bmc")
		return
	}
	for _, c := range newMC(a).Commands() {
		c.Hidden = true
		bmc.AddCommand(c)
	}
}
