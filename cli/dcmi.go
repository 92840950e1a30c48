package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newDCMI(a *App) *cobra.Command {
	setConf := leaf(a, "set_conf_param NAME [VALUE]", "Change a DHCP parameter", runDCMISetConf)
	setConf.Long = `Change a DHCP parameter:
  activate_dhcp         start DHCP again
  dhcp_config BITS      1: send the controller ID string; 2: send the vendor class; 128: random back-off
  init SECONDS          initial time-out
  timeout SECONDS       how long a server is looked for
  retry SECONDS         how long until it is looked for again`
	thermalSet := leaf(a, "set ENTITY INSTANCE volatile|nonvolatile poweroff|nopoweroff sel|nosel LIMIT SECONDS",
		"Set a temperature limit and what happens above it", runThermalSet)
	return group(a, "dcmi", "Data center manageability: power, temperatures, asset tag",
		leaf(a, "discover", "Show what the BMC can do of DCMI", runDCMIDiscover),
		newDCMIPower(a),
		leaf(a, "sensors", "Show the temperature sensors", runDCMISensors),
		leaf(a, "asset_tag", "Show the asset tag", runAssetTag),
		leaf(a, "set_asset_tag TEXT", "Set the asset tag", runSetAssetTag),
		leaf(a, "get_mc_id_string", "Show the controller's ID string", runControllerID),
		leaf(a, "set_mc_id_string TEXT", "Set the controller's ID string", runSetControllerID),
		group(a, "thermalpolicy", "Temperature limit",
			leaf(a, "get ENTITY INSTANCE", "Show a temperature limit", runThermalGet), thermalSet),
		leaf(a, "get_temp_reading", "Show the temperatures", runDCMITemperatures),
		leaf(a, "get_conf_param", "Show the DHCP parameters", runDCMIGetConf),
		setConf,
	)
}

// dcmiFailed says that a DCMI command was refused, and that DCMI may be missing altogether.
func dcmiFailed(what string, err error) error {
	if hasCode(err, ipmi.CodeInvalidCommand) {
		return fmt.Errorf("%w; perhaps the BMC has no DCMI", failed(what, err))
	}
	return failed(what, err)
}

// capabilityBits are the words for the bits of capability parameters, from bit 0 on.
var (
	dcmiMandatory = []string{"Identification support available", "SEL logging available", "Chassis power available",
		"Temperature monitor available"}
	dcmiOptional = []string{"Power management available"}
	dcmiAccess   = []string{"In-band KCS channel available", "Out-of-band serial TMODE available",
		"Out-of-band secondary LAN channel available", "Out-of-band primary LAN channel available", "SOL enabled", "VLAN capable"}
	dcmiIdentification = []string{"GUID", "DHCP hostname", "Asset tag"}
	dcmiTemperatures   = []string{"inlet", "cpu", "baseboard"}
)

// bitWords returns the words of the bits that are set.
func bitWords(b uint8, words []string) []string {
	set := []string{}
	for i, w := range words {
		if b>>i&1 != 0 {
			set = append(set, w)
		}
	}
	return set
}

// dcmiCapabilities is what dcmi discover prints. A channel of 255 does not exist.
type dcmiCapabilities struct {
	Version        string   `json:"dcmi_version"`
	Mandatory      []string `json:"mandatory"`
	Optional       []string `json:"optional"`
	Access         []string `json:"access"`
	SELRollover    bool     `json:"sel_rollover"`
	SELEntries     uint16   `json:"sel_entries"`
	Identification []string `json:"identification"`
	Temperatures   []string `json:"temperatures"`
	PowerAddress   uint8    `json:"power_management_address"`
	PowerChannel   uint8    `json:"power_management_channel"`
	PowerRevision  uint8    `json:"power_management_revision"`
	PrimaryLAN     uint8    `json:"primary_lan_channel"`
	SecondaryLAN   uint8    `json:"secondary_lan_channel"`
	Serial         uint8    `json:"serial_channel"`
}

func runDCMIDiscover(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	var v dcmiCapabilities
	for n := uint8(1); n <= 4; n++ {
		r, err := do(ctx, a, ipmi.GetDCMICapabilities{Number: n})
		if err != nil {
			return dcmiFailed("Get DCMI Capabilities Info", err)
		}
		v.Version = fmt.Sprintf("%d.%d", r.Major, r.Minor)
		// BMCs of DCMI 1.0 leave bytes away that came later.
		d := append(r.Data, make([]byte, 4)...)
		switch n {
		case 1:
			v.Mandatory = bitWords(d[0], dcmiMandatory)
			v.Optional = bitWords(d[1], dcmiOptional)
			v.Access = bitWords(d[2], dcmiAccess)
		case 2:
			word := uint16(d[0]) | uint16(d[1])<<8
			v.SELRollover, v.SELEntries = word&0x8000 != 0, word&0xfff
			v.Identification = bitWords(d[2], dcmiIdentification)
			v.Temperatures = bitWords(d[3], dcmiTemperatures)
		case 3:
			v.PowerAddress, v.PowerChannel, v.PowerRevision = d[0], d[1]>>4, d[1]&0xf
		case 4:
			v.PrimaryLAN, v.SecondaryLAN, v.Serial = d[0], d[1], d[2]
		}
	}
	return a.Show(v, v.text, nil)
}

func (v dcmiCapabilities) text(w io.Writer) {
	list := func(title string, words []string) {
		fmt.Fprintf(w, "\n         %s\n", title)
		for _, word := range words {
			fmt.Fprintf(w, "        %s\n", word)
		}
	}
	fmt.Fprintf(w, "    Supported DCMI capabilities:\n")
	list("Mandatory platform capabilities", v.Mandatory)
	list("Optional platform capabilities", v.Optional)
	list("Managebility access capabilities", v.Access)
	fmt.Fprintf(w, "\n    Mandatory platform attributes:\n\n         SEL Attributes: \n")
	fmt.Fprintf(w, "               SEL automatic rollover is %s\n", choose(v.SELRollover, "enabled", "not present"))
	fmt.Fprintf(w, "               %d SEL entries\n", v.SELEntries)
	list("Identification Attributes: ", v.Identification)
	list("Temperature Monitoring Attributes: ", v.Temperatures)
	fmt.Fprintf(w, "\n    Optional Platform Attributes: \n\n         Power Management:\n")
	// ipmitool takes 40h for the BMC's address, and 20h for a satellite's.
	if v.PowerAddress == 0x40 {
		fmt.Fprintf(w, "                Slave address of device: 20h (BMC)\n")
	} else {
		fmt.Fprintf(w, "                Slave address of device: %xh (8bits)(Satellite/External controller)\n", v.PowerAddress)
	}
	fmt.Fprintf(w, "                Channel number is %xh %s\n", v.PowerChannel, choose(v.PowerChannel == 0, "(Primary BMC)", ""))
	fmt.Fprintf(w, "                    Device revision is %d \n", v.PowerRevision)
	fmt.Fprintf(w, "\n    Manageability Access Attributes: \n")
	channel := func(n uint8, there, missing string) {
		if n == ipmi.DCMINoChannel {
			fmt.Fprintf(w, "         %s\n", missing)
		} else {
			fmt.Fprintf(w, "         %s: %d is available\n", there, n)
		}
	}
	channel(v.PrimaryLAN, "Primary LAN channel number", "Primary LAN channel is not available for OOB")
	channel(v.SecondaryLAN, "Secondary LAN channel number", "Secondary LAN channel is not available for OOB")
	channel(v.Serial, "Serial channel number", "No serial channel is available")
	fmt.Fprintln(w)
}

func runAssetTag(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	var tag []byte
	for length := 1; len(tag) < length; {
		r, err := do(ctx, a, ipmi.GetAssetTag{Offset: uint8(len(tag)), Count: ipmi.DCMIChunk})
		// These codes say how the tag is encoded.
		if err != nil && !hasCode(err, ipmi.CodeDCMIAssetTagBinary, ipmi.CodeDCMIAssetTagBCD,
			ipmi.CodeDCMIAssetTag6Bit, ipmi.CodeDCMIAssetTagUnicode) {
			return dcmiFailed("Get Asset Tag", err)
		}
		length = min(int(r.Length), ipmi.DCMIAssetTagSize+1)
		if len(r.Data) == 0 {
			break
		}
		tag = append(tag, r.Data...)
		tag = tag[:min(len(tag), length)]
	}
	return a.showDCMIText("asset_tag", "Asset tag", string(tag))
}

// showDCMIText prints a text that the BMC keeps.
func (a *App) showDCMIText(key, title, text string) error {
	text = strings.TrimRight(text, "\x00")
	return a.Show(map[string]string{key: text}, func(w io.Writer) {
		fmt.Fprintf(w, "\n %s: %s\n\n", title, printable(text))
	}, nil)
}

func runSetAssetTag(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	if len(args[0]) > ipmi.DCMIAssetTagSize {
		return fmt.Errorf("an asset tag has %d bytes at the most", ipmi.DCMIAssetTagSize)
	}
	text := args[0]
	for offset := 0; offset == 0 || offset < len(text); offset += ipmi.DCMIChunk {
		piece := []byte(text[offset:min(len(text), offset+ipmi.DCMIChunk)])
		if _, err := do(ctx, a, ipmi.SetAssetTag{Offset: uint8(offset), Count: uint8(len(piece)), Data: piece}); err != nil {
			return dcmiFailed("Set Asset Tag", err)
		}
	}
	return a.showDCMIText("asset_tag", "Set Asset Tag", text)
}

func runControllerID(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	var text []byte
	for length := 1; len(text) < length; {
		count := min(ipmi.DCMIChunk, length-len(text))
		r, err := do(ctx, a, ipmi.GetManagementControllerID{Offset: uint8(len(text)), Count: uint8(count)})
		if err != nil {
			return dcmiFailed("Get Management Controller ID String", err)
		}
		length = min(int(r.Length), ipmi.DCMIControllerIDSize)
		if len(r.Data) == 0 {
			break
		}
		text = append(text, r.Data...)
		text = text[:min(len(text), length)]
	}
	return a.showDCMIText("mc_id_string", "Get Management Controller Identifier String", string(text))
}

func runSetControllerID(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	text := args[0] + "\x00"
	if len(text) > ipmi.DCMIControllerIDSize {
		return fmt.Errorf("a controller's ID string has %d bytes at the most", ipmi.DCMIControllerIDSize-1)
	}
	for offset := 0; offset < len(text); offset += ipmi.DCMIChunk {
		piece := []byte(text[offset:min(len(text), offset+ipmi.DCMIChunk)])
		_, err := do(ctx, a, ipmi.SetManagementControllerID{Offset: uint8(offset), Count: uint8(len(piece)), Data: piece})
		if err != nil {
			return dcmiFailed("Set Management Controller ID String", err)
		}
	}
	return a.showDCMIText("mc_id_string", "Set Management Controller Identifier String Command", args[0])
}

// dcmiDHCP is what dcmi get_conf_param prints.
type dcmiDHCP struct {
	HostName    bool   `json:"mc_id_string"`
	VendorClass bool   `json:"vendor_class"`
	BackOff     bool   `json:"random_back_off"`
	Initial     uint8  `json:"initial_timeout_s"`
	Timeout     uint16 `json:"server_timeout_s"`
	Retry       uint16 `json:"server_retry_s"`
}

func runDCMIGetConf(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	var v dcmiDHCP
	for n := uint8(2); n <= 5; n++ {
		r, err := do(ctx, a, ipmi.GetDCMIConfiguration{Number: n})
		if err != nil {
			return dcmiFailed("Get DCMI Configuration Parameters", err)
		}
		p, err := ipmi.ParseDCMIParameter(n, r.Data)
		if err != nil {
			return err
		}
		switch p := p.(type) {
		case ipmi.DCMIDiscovery:
			v.HostName, v.VendorClass, v.BackOff = p.HostName, p.VendorClass, p.RandomBackOff
		case ipmi.DCMIDHCPInitialTimeout:
			v.Initial = p.Seconds
		case ipmi.DCMIDHCPServerTimeout:
			v.Timeout = p.Seconds
		case ipmi.DCMIDHCPServerRetry:
			v.Retry = p.Seconds
		}
	}
	return a.Show(v, func(w io.Writer) {
		fmt.Fprintf(w, "\n\tDHCP Discovery method\t: \n")
		fmt.Fprintf(w, "\t\tManagement Controller ID String is %s\n", enabled(v.HostName))
		fmt.Fprintf(w, "\t\tVendor class identifier DCMI IANA and Vendor class-specific Informationa are %s\n", enabled(v.VendorClass))
		fmt.Fprintf(w, "\tInitial timeout interval\t: %d seconds\n", v.Initial)
		fmt.Fprintf(w, "\tServer contact timeout interval\t: %d seconds\n", v.Timeout)
		fmt.Fprintf(w, "\tServer contact retry interval\t: %d seconds\n", v.Retry)
	}, nil)
}

func runDCMISetConf(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
	}
	high, ok := map[string]int64{"activate_dhcp": 0, "dhcp_config": 255, "init": 255, "timeout": 65535, "retry": 65535}[args[0]]
	if !ok {
		return usagef("there is no parameter %q", args[0])
	}
	var n int64
	if args[0] != "activate_dhcp" {
		if len(args) < 2 {
			return usagef("the value is missing")
		}
		var err error
		if n, err = parseNumber(args[1], 0, high); err != nil {
			return usagef("%s: %v", args[0], err)
		}
	}
	var p ipmi.Parameter
	switch args[0] {
	case "activate_dhcp":
		p = ipmi.DCMIActivateDHCP{Restart: true}
	case "dhcp_config":
		p = ipmi.DCMIDiscovery{RandomBackOff: n&0x80 != 0, VendorClass: n&2 != 0, HostName: n&1 != 0}
	case "init":
		p = ipmi.DCMIDHCPInitialTimeout{Seconds: uint8(n)}
	case "timeout":
		p = ipmi.DCMIDHCPServerTimeout{Seconds: uint16(n)}
	case "retry":
		p = ipmi.DCMIDHCPServerRetry{Seconds: uint16(n)}
	}
	req, err := ipmi.SetDCMIParameter(p)
	if err != nil {
		return err
	}
	if _, err := do(ctx, a, req); err != nil {
		return dcmiFailed("Set DCMI Configuration Parameters", err)
	}
	return a.doneDCMI("")
}

// doneDCMI says that something was changed. ipmitool ends all DCMI commands with an empty line.
func (a *App) doneDCMI(text string) error {
	if a.Options.JSON {
		return a.Done(strings.TrimSpace(text))
	}
	_, err := io.WriteString(a.Out, text+"\n")
	return err
}
