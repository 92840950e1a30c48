package machine

import (
	"context"
	"fmt"
	"strings"

	"lom/ipmi"
)

// DCMI is what a BMC can do of DCMI (DCMI §6.1.1).
type DCMI struct {
	Version        string   `json:"dcmi_version"`
	Mandatory      []string `json:"mandatory"`
	Optional       []string `json:"optional"`
	Access         []string `json:"access"`
	SELRollover    bool     `json:"sel_rollover"` // the oldest events give way to new ones
	SELEntries     uint16   `json:"sel_entries"`
	Identification []string `json:"identification"`
	Temperatures   []string `json:"temperatures"`
	PowerAddress   uint8    `json:"power_management_address"`
	PowerChannel   uint8    `json:"power_management_channel"`
	PowerRevision  uint8    `json:"power_management_revision"`
	PrimaryLAN     uint8    `json:"primary_lan_channel"`   // 255: there is none
	SecondaryLAN   uint8    `json:"secondary_lan_channel"` // 255: there is none
	Serial         uint8    `json:"serial_channel"`        // 255: there is none
}

// The words for the bits of capability parameters, from bit 0 on, as ipmitool has them.
var (
	dcmiMandatory = []string{"Identification support available", "SEL logging available",
		"Chassis power available", "Temperature monitor available"}
	dcmiOptional = []string{"Power management available"}
	dcmiAccess   = []string{"In-band KCS channel available", "Out-of-band serial TMODE available",
		"Out-of-band secondary LAN channel available", "Out-of-band primary LAN channel available",
		"SOL enabled", "VLAN capable"}
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

// dcmiFailed is failed, and says that DCMI may be missing altogether.
func dcmiFailed(what string, err error) error {
	err = failed(what, err)
	if refused(err, ipmi.CodeInvalidCommand) {
		return &NoDCMIError{err}
	}
	return err
}

// NoDCMIError is the refusal of a DCMI command by a BMC that does not know it.
type NoDCMIError struct{ Err error }

func (e *NoDCMIError) Error() string { return e.Err.Error() + "; perhaps the BMC has no DCMI" }
func (e *NoDCMIError) Unwrap() error { return e.Err }

// DCMI asks what the BMC can do of DCMI.
func (m *Machine) DCMI(ctx context.Context) (DCMI, error) {
	var v DCMI
	for n := uint8(1); n <= 4; n++ {
		r, err := do(ctx, m, "Get DCMI Capabilities Info", ipmi.GetDCMICapabilities{Number: n})
		if err != nil {
			return v, dcmiFailed("", err)
		}
		v.Version = fmt.Sprintf("%d.%d", r.Major, r.Minor)
		// BMCs of DCMI 1.0 omit bytes that came later.
		d := append(r.Data, make([]byte, 4)...)
		switch n {
		case 1:
			v.Mandatory = bitWords(d[0], dcmiMandatory)
			v.Optional = bitWords(d[1], dcmiOptional)
			v.Access = bitWords(d[2], dcmiAccess)
		case 2:
			entries := uint16(d[0]) | uint16(d[1])<<8
			v.SELRollover, v.SELEntries = entries&0x8000 != 0, entries&0xfff
			v.Identification = bitWords(d[2], dcmiIdentification)
			v.Temperatures = bitWords(d[3], dcmiTemperatures)
		case 3:
			v.PowerAddress, v.PowerChannel, v.PowerRevision = d[0], d[1]>>4, d[1]&0xf
		case 4:
			v.PrimaryLAN, v.SecondaryLAN, v.Serial = d[0], d[1], d[2]
		}
	}
	return v, nil
}

// An AssetTag is the text that DCMI keeps for the inventory number of a server.
type AssetTag struct {
	Tag string `json:"asset_tag"`
}

// chunk returns how many bytes from offset on one command may carry of a text of at most size
// bytes: offset and count together must not lead beyond it.
func chunk(offset, size int) uint8 { return uint8(min(ipmi.DCMIChunk, size-offset)) }

// readText reads a text of at most size bytes in pieces. get returns the length of the whole and
// the bytes from offset on. exact never asks for more than the text is known to have, because some
// BMCs refuse that: the first byte comes alone.
func readText(size int, exact bool, get func(offset,
	count uint8) (length int, data []byte, err error)) (string, error) {
	var text []byte
	for length := 1; len(text) < length; {
		count := chunk(len(text), size)
		if exact {
			count = min(count, uint8(length-len(text)))
		}
		n, data, err := get(uint8(len(text)), count)
		if err != nil {
			return "", err
		}
		if length = min(n, size); len(data) == 0 {
			break
		}
		text = append(text, data...)
		text = text[:min(len(text), length)]
	}
	return strings.TrimRight(string(text), "\x00"), nil
}

// writeText writes a text of at most size bytes in pieces, one of them empty if the text is.
func writeText(text string, size int, set func(offset, count uint8, piece []byte) error) error {
	for offset := 0; offset == 0 || offset < len(text); {
		n := min(int(chunk(offset, size)), len(text)-offset)
		if err := set(uint8(offset), uint8(n), []byte(text[offset:offset+n])); err != nil {
			return err
		}
		offset += max(n, 1)
	}
	return nil
}

// AssetTag reads the asset tag (DCMI §6.4.2), of at most 63 bytes.
func (m *Machine) AssetTag(ctx context.Context) (AssetTag, error) {
	text, err := readText(ipmi.DCMIAssetTagSize, false,
		func(offset, count uint8) (int, []byte, error) {
			r, err := do(ctx, m, "Get Asset Tag", ipmi.GetAssetTag{Offset: offset, Count: count})
			// These codes say how the tag is encoded.
			if refused(err, ipmi.CodeDCMIAssetTagBinary, ipmi.CodeDCMIAssetTagBCD,
				ipmi.CodeDCMIAssetTag6Bit, ipmi.CodeDCMIAssetTagUnicode) {
				err = nil
			}
			return int(r.Length), r.Data, dcmiFailed("", err)
		})
	return AssetTag{text}, err
}

// SetAssetTag sets the asset tag (DCMI §6.4.3). One of more than 63 bytes is an *[ipmi.RangeError].
func (m *Machine) SetAssetTag(ctx context.Context, tag string) error {
	if len(tag) > ipmi.DCMIAssetTagSize {
		return &ipmi.RangeError{Field: "length of the asset tag", Value: len(tag),
			Max: ipmi.DCMIAssetTagSize}
	}
	return writeText(tag, ipmi.DCMIAssetTagSize, func(offset, count uint8, piece []byte) error {
		_, err := do(ctx, m, "Set Asset Tag",
			ipmi.SetAssetTag{Offset: offset, Count: count, Data: piece})
		return dcmiFailed("", err)
	})
}

// A ControllerID is the string by which DHCP servers know a controller.
type ControllerID struct {
	ID string `json:"mc_id_string"`
}

// ControllerID reads the management controller identifier string (DCMI §6.4.6.1), of at most 63
// bytes.
func (m *Machine) ControllerID(ctx context.Context) (ControllerID, error) {
	text, err := readText(ipmi.DCMIControllerIDSize, true,
		func(offset, count uint8) (int, []byte, error) {
			r, err := do(ctx, m, "Get Management Controller ID String",
				ipmi.GetManagementControllerID{Offset: offset, Count: count})
			return int(r.Length), r.Data, dcmiFailed("", err)
		})
	return ControllerID{text}, err
}

// SetControllerID sets the management controller identifier string (DCMI §6.4.6.2). One of more
// than 63 bytes is an *[ipmi.RangeError].
func (m *Machine) SetControllerID(ctx context.Context, id string) error {
	if len(id) > ipmi.DCMIControllerIDSize-1 {
		return &ipmi.RangeError{Field: "length of the controller's ID string", Value: len(id),
			Max: ipmi.DCMIControllerIDSize - 1}
	}
	return writeText(id+"\x00", ipmi.DCMIControllerIDSize,
		func(offset, count uint8, piece []byte) error {
			_, err := do(ctx, m, "Set Management Controller ID String",
				ipmi.SetManagementControllerID{Offset: offset, Count: count, Data: piece})
			return dcmiFailed("", err)
		})
}

// DCMIDHCP is how a controller looks for its address (DCMI §6.1.2).
type DCMIDHCP struct {
	HostName    bool   `json:"mc_id_string"` // it sends its ID string
	VendorClass bool   `json:"vendor_class"` // it sends DCMI's vendor class
	BackOff     bool   `json:"random_back_off"`
	Initial     uint8  `json:"initial_timeout_seconds"`
	Timeout     uint16 `json:"server_timeout_seconds"`
	Retry       uint16 `json:"server_retry_seconds"`
}

// DCMIDHCP reads how the controller looks for its address.
func (m *Machine) DCMIDHCP(ctx context.Context) (DCMIDHCP, error) {
	var v DCMIDHCP
	for n := uint8(2); n <= 5; n++ {
		r, err := do(ctx, m, "Get DCMI Configuration Parameters",
			ipmi.GetDCMIConfiguration{Number: n})
		if err != nil {
			return v, dcmiFailed("", err)
		}
		p, err := ipmi.ParseDCMIParameter(n, r.Data)
		if err != nil {
			return v, err
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
	return v, nil
}

// SetDCMIParameter sets a parameter of DCMI.
func (m *Machine) SetDCMIParameter(ctx context.Context, p ipmi.Parameter) error {
	req, err := ipmi.SetDCMIParameter(p)
	if err != nil {
		return err
	}
	_, err = do(ctx, m, "Set DCMI Configuration Parameters", req)
	return dcmiFailed("", err)
}
