package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newDCMI(a *App) *cobra.Command {
	setConf := dcmiChange(a, "set_conf_param NAME [VALUE]", "Change a DHCP parameter",
		runDCMISetConf)
	setConf.Long = `Change a DHCP parameter:
  activate_dhcp         start DHCP again
  dhcp_config BITS      1: send the controller ID string; 2: send the vendor class; 128: random back-off
  init SECONDS          initial timeout
  timeout SECONDS       how long a server is looked for
  retry SECONDS         how long until it is looked for again`
	thermalSet := dcmiChange(a,
		"set ENTITY INSTANCE volatile|nonvolatile poweroff|nopoweroff sel|nosel LIMIT SECONDS",
		"Set a temperature limit and what happens above it", runThermalSet)
	return group(a, "dcmi", "Data center manageability: power, temperatures, asset tag",
		query(a, "discover", "Show what the BMC can do of DCMI", render.DCMI,
			of((*machine.Machine).DCMI)),
		newDCMIPower(a),
		query(a, "sensors", "Show the temperature sensors", render.DCMISensors, runDCMISensors),
		query(a, "asset_tag", "Show the asset tag", render.AssetTag,
			of((*machine.Machine).AssetTag)),
		query(a, "set_asset_tag TEXT", "Set the asset tag", render.AssetTagSet, runSetAssetTag),
		query(a, "get_mc_id_string", "Show the controller's ID string", render.ControllerID,
			of((*machine.Machine).ControllerID)),
		query(a, "set_mc_id_string TEXT", "Set the controller's ID string", render.ControllerIDSet,
			runSetControllerID),
		group(a, "thermalpolicy", "Temperature limit",
			query(a, "get ENTITY INSTANCE", "Show a temperature limit", render.ThermalLimit,
				runThermalGet), thermalSet),
		query(a, "get_temp_reading", "Show the temperatures", render.DCMITemperatures,
			of((*machine.Machine).DCMITemperatures)),
		query(a, "get_conf_param", "Show the DHCP parameters", render.DCMIDHCP,
			of((*machine.Machine).DCMIDHCP)),
		setConf,
	)
}

// dcmiChange makes a command that changes something. ipmitool ends all DCMI commands with an empty
// line.
func dcmiChange(a *App, use, short string,
	run func(ctx context.Context, a *App, args []string) (string, error)) *cobra.Command {
	return change(a, use, short, func(ctx context.Context, a *App, args []string) (string, error) {
		sentence, err := run(ctx, a, args)
		if a.Options.JSON {
			return strings.TrimSpace(sentence), err
		}
		if err == nil {
			_, err = io.WriteString(a.Out, sentence+"\n")
		}
		return "", err
	})
}

func runDCMISensors(ctx context.Context, a *App, args []string) ([]machine.DCMISensors, error) {
	all, err := of((*machine.Machine).TemperatureSensors)(ctx, a, args)
	missing, err := splitPartial(err)
	a.note(missing)
	return all, err
}

func runSetAssetTag(ctx context.Context, a *App, args []string) (machine.AssetTag, error) {
	var none machine.AssetTag
	if err := wantArgs(args, 1, 1); err != nil {
		return none, err
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetAssetTag(ctx, args[0])
	}
	if r := new(ipmi.RangeError); errors.As(err, &r) {
		return none, fmt.Errorf("an asset tag has at most %d bytes", r.Max)
	}
	return machine.AssetTag{Tag: args[0]}, err
}

func runSetControllerID(ctx context.Context, a *App, args []string) (machine.ControllerID, error) {
	var none machine.ControllerID
	if err := wantArgs(args, 1, 1); err != nil {
		return none, err
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetControllerID(ctx, args[0])
	}
	if r := new(ipmi.RangeError); errors.As(err, &r) {
		return none, fmt.Errorf("a controller's ID string has at most %d bytes", r.Max)
	}
	return machine.ControllerID{ID: args[0]}, err
}

func runDCMISetConf(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, 2); err != nil {
		return "", err
	}
	high, ok := map[string]int64{"activate_dhcp": 0, "dhcp_config": 255, "init": 255,
		"timeout": 65535, "retry": 65535}[args[0]]
	if !ok {
		return "", usagef("there is no parameter %q", args[0])
	}
	var n int64
	if args[0] != "activate_dhcp" {
		if len(args) < 2 {
			return "", usagef("the value is missing")
		}
		var err error
		if n, err = parseNumber(args[1], 0, high); err != nil {
			return "", usagef("%s: %v", args[0], err)
		}
	}
	var p ipmi.Parameter
	switch args[0] {
	case "activate_dhcp":
		p = ipmi.DCMIActivateDHCP{Restart: true}
	case "dhcp_config":
		p = ipmi.DCMIDiscovery{RandomBackOff: n&0x80 != 0, VendorClass: n&2 != 0,
			HostName: n&1 != 0}
	case "init":
		p = ipmi.DCMIDHCPInitialTimeout{Seconds: uint8(n)}
	case "timeout":
		p = ipmi.DCMIDHCPServerTimeout{Seconds: uint16(n)}
	case "retry":
		p = ipmi.DCMIDHCPServerRetry{Seconds: uint16(n)}
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetDCMIParameter(ctx, p)
	}
	return "", err
}
