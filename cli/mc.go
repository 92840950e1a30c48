package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newMC(a *App) *cobra.Command {
	return group(a, "mc", "The management controller: identity, reset, self test, watchdog, settings",
		leaf(a, "info", "Show what the controller is", runMCInfo),
		leaf(a, "guid [auto|smbios|ipmi|rfc4122|dump]", "Show the GUID of the system", runGUID),
		leaf(a, "reset warm|cold", "Reset the controller, not the server", runMCReset),
		leaf(a, "selftest", "Show the result of the self test", runMCSelfTest),
		newWatchdog(a),
		leaf(a, "getenables", "Show the global enables", runGetEnables),
		leaf(a, "setenables NAME=on|off...", "Change the global enables", runSetEnables),
		leaf(a, "getsysinfo NAME", "Show what the BMC keeps about the system", runGetSysInfo),
		leaf(a, "setsysinfo NAME TEXT", "Change what the BMC keeps about the system", runSetSysInfo),
	)
}

// controllerInfo is what mc info prints.
type controllerInfo struct {
	DeviceID         uint8    `json:"device_id"`
	DeviceRevision   uint8    `json:"device_revision"`
	Firmware         string   `json:"firmware_revision"`
	IPMIVersion      string   `json:"ipmi_version"`
	ManufacturerID   uint32   `json:"manufacturer_id"`
	ManufacturerName string   `json:"manufacturer_name"`
	ProductID        uint16   `json:"product_id"`
	Available        bool     `json:"device_available"`
	ProvidesSDRs     bool     `json:"provides_device_sdrs"`
	Support          []string `json:"additional_device_support"`
	Auxiliary        hexBytes `json:"aux_firmware_revision,omitempty"`
}

// supportWords are the bits of ipmi.DeviceSupport.
var supportWords = [...]string{
	"Sensor Device", "SDR Repository Device", "SEL Device", "FRU Inventory Device",
	"IPMB Event Receiver", "IPMB Event Generator", "Bridge", "Chassis Device",
}

func runMCInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	id, err := do(ctx, a, ipmi.GetDeviceID{})
	if err != nil {
		return failed("Get Device ID command", err)
	}
	v := controllerInfo{
		DeviceID: id.ID, DeviceRevision: id.Revision,
		Firmware:       fmt.Sprintf("%d.%02x", id.FirmwareMajor, id.FirmwareMinor),
		IPMIVersion:    fmt.Sprintf("%x.%x", id.Version&0xf, id.Version>>4),
		ManufacturerID: uint32(id.Manufacturer), ManufacturerName: a.manufacturerName(id.Manufacturer),
		ProductID: id.Product, Available: !id.Updating, ProvidesSDRs: id.ProvidesSDRs,
		Support: []string{},
	}
	for i, word := range supportWords {
		if id.Support>>i&1 != 0 {
			v.Support = append(v.Support, word)
		}
	}
	if id.AuxiliaryVersion != nil {
		v.Auxiliary = id.AuxiliaryVersion[:]
	}
	return a.Show(v, v.text, nil)
}

func (v controllerInfo) text(w io.Writer) {
	line := func(key, format string, values ...any) {
		fmt.Fprintf(w, "%-26s: %s\n", key, fmt.Sprintf(format, values...))
	}
	line("Device ID", "%d", v.DeviceID)
	line("Device Revision", "%d", v.DeviceRevision)
	line("Firmware Revision", "%s", v.Firmware)
	line("IPMI Version", "%s", v.IPMIVersion)
	line("Manufacturer ID", "%d", v.ManufacturerID)
	line("Manufacturer Name", "%s", v.ManufacturerName)
	line("Product ID", "%d (0x%04x)", v.ProductID, v.ProductID)
	line("Product Name", "Unknown (0x%02X)", v.ProductID)
	line("Device Available", "%s", choose(v.Available, "yes", "no"))
	line("Provides Device SDRs", "%s", choose(v.ProvidesSDRs, "yes", "no"))
	fmt.Fprintln(w, "Additional Device Support :")
	for _, s := range v.Support {
		fmt.Fprintf(w, "    %s\n", s)
	}
	if v.Auxiliary != nil {
		line("Aux Firmware Rev Info", "")
		for _, b := range v.Auxiliary {
			fmt.Fprintf(w, "    0x%02x\n", b)
		}
	}
}
