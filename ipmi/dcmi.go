package ipmi

// Byte numbers of DCMI messages count the group extension's identification as the tables of DCMI
// 1.5 do, so that a request's data begins at byte 2 and a response's at byte 3.

// Completion codes of DCMI commands.
const (
	// Get Power Limit: none is active; the data is there all the same
	CodeDCMINoLimit CompletionCode = 0x80
	// Get Asset Tag: how the FRU's asset tag is encoded; the data is there all the same
	CodeDCMIAssetTagBinary       CompletionCode = 0x80
	CodeDCMIAssetTagBCD          CompletionCode = 0x81
	CodeDCMIAssetTag6Bit         CompletionCode = 0x82
	CodeDCMIAssetTagUnicode      CompletionCode = 0x83
	CodeDCMILimitOutOfRange      CompletionCode = 0x84 // Set Power Limit and Set Thermal Limit
	CodeDCMICorrectionOutOfRange CompletionCode = 0x85 // of the correction or exception time
	CodeDCMIPeriodOutOfRange     CompletionCode = 0x89 // of the statistics sampling period
)

// GetDCMICapabilities is the Get DCMI Capabilities Info command (DCMI 1.5 §6.1.1).
type GetDCMICapabilities struct {
	Number uint8 `wire:"byte 2"` // of the parameter, from 1
}

// DCMICapabilities is its response (DCMI 1.5 Table 6-2).
type DCMICapabilities struct {
	Major    uint8  `wire:"byte 3"` // version of DCMI
	Minor    uint8  `wire:"byte 4"`
	Revision uint8  `wire:"byte 5"`  // of the parameter: 2
	Data     []byte `wire:"byte 6-"` // for ParseDCMICapability
}

// ParseDCMICapability reads the data of a DCMI capabilities parameter (DCMI 1.5 Table 6-3): a
// DCMISupported, a DCMIPlatformAttributes and so on, or a RawParameter.
func ParseDCMICapability(n uint8, data []byte) (Parameter, error) {
	switch n {
	case 1:
		return readParameter[DCMISupported](data)
	case 2:
		return readParameter[DCMIPlatformAttributes](data)
	case 3:
		return readParameter[DCMIPowerController](data)
	case 4:
		return readParameter[DCMIAccessAttributes](data)
	case 5:
		return readParameter[DCMIPowerPeriods](data)
	}
	return rawParameter(n, data)
}

// DCMISupported is DCMI capabilities parameter 1. Versions before 1.5 had more in the bytes that
// are reserved now.
type DCMISupported struct {
	Reserved        uint8 `wire:"byte 1"`        // 1.0: mandatory capabilities
	PowerManagement bool  `wire:"byte 2, bit 0"` //
	SecondaryLAN    bool  `wire:"byte 3, bit 2"` // a second LAN channel out of band
	SerialTerminal  bool  `wire:"bit 1"`         // terminal mode on a serial port
	SystemInterface bool  `wire:"bit 0"`         // in band, KCS
}

// Number returns 1.
func (DCMISupported) Number() uint8 { return 1 }

// DCMIPlatformAttributes is DCMI capabilities parameter 2.
type DCMIPlatformAttributes struct {
	SELRollover bool   `wire:"byte 1-2, bit 15"` // the SEL overwrites itself
	FlushWhole  bool   `wire:"bit 14"`           // and is emptied then
	FlushRecord bool   `wire:"bit 13"`           // or loses single records then
	SELEntries  uint16 `wire:"bits 11:0"`
	// 1.0: bit 0 GUID, bit 1 DHCP host name, bit 2 asset tag
	Identification uint8 `wire:"byte 3"`
	// 1.0: bit 0 inlet, bit 1 processors, bit 2 baseboard
	Temperatures        uint8  `wire:"byte 4"`
	TemperatureSampling *uint8 `wire:"byte 5, optional"` // seconds between samples
}

// Number returns 2.
func (DCMIPlatformAttributes) Number() uint8 { return 2 }

// DCMIPowerController is DCMI capabilities parameter 3: where power management is.
type DCMIPowerController struct {
	// slave address on the IPMB as 8 bits; AddressBMC is the BMC itself
	Address  uint8 `wire:"byte 1"`
	Channel  uint8 `wire:"byte 2, bits 7:4"`
	Revision uint8 `wire:"bits 3:0"`
}

// Number returns 3.
func (DCMIPowerController) Number() uint8 { return 3 }

// DCMIAccessAttributes is DCMI capabilities parameter 4: channel numbers, DCMINoChannel for what is
// not there.
type DCMIAccessAttributes struct {
	PrimaryLAN   uint8 `wire:"byte 1"`
	SecondaryLAN uint8 `wire:"byte 2"`
	Serial       uint8 `wire:"byte 3"` // terminal mode
}

// Number returns 4.
func (DCMIAccessAttributes) Number() uint8 { return 4 }

// DCMINoChannel stands for a channel that is not there.
const DCMINoChannel uint8 = 0xff

// DCMIPowerPeriods is DCMI capabilities parameter 5: the rolling average periods of enhanced power
// statistics.
type DCMIPowerPeriods struct {
	Count   uint8        `wire:"byte 1"`
	Periods []DCMIPeriod `wire:"byte 2-, count=Count"`
}

// Number returns 5.
func (DCMIPowerPeriods) Number() uint8 { return 5 }

// SetDCMIConfiguration is the Set DCMI Configuration Parameters command (DCMI 1.5 §6.1.2).
type SetDCMIConfiguration struct {
	Number uint8  `wire:"byte 2"`
	Set    uint8  `wire:"byte 3"` // 0
	Data   []byte `wire:"byte 4-"`
}

// SetDCMIParameter returns the command that sets p.
func SetDCMIParameter(p Parameter) (SetDCMIConfiguration, error) {
	data, err := parameterData(p)
	return SetDCMIConfiguration{Number: p.Number(), Data: data}, err
}

// GetDCMIConfiguration is the Get DCMI Configuration Parameters command (DCMI 1.5 §6.1.3).
type GetDCMIConfiguration struct {
	Number uint8 `wire:"byte 2"`
	Set    uint8 `wire:"byte 3"` // 0
}

// DCMIConfiguration is its response (DCMI 1.5 Table 6-5).
type DCMIConfiguration struct {
	Major    uint8  `wire:"byte 3"` // version of DCMI
	Minor    uint8  `wire:"byte 4"`
	Revision uint8  `wire:"byte 5"`  // of the parameter: 1
	Data     []byte `wire:"byte 6-"` // for ParseDCMIParameter
}

// ParseDCMIParameter reads the data of a DCMI configuration parameter (DCMI 1.5 Table 6-6): a
// DCMIActivateDHCP, a DCMIDiscovery and so on, or a RawParameter.
func ParseDCMIParameter(n uint8, data []byte) (Parameter, error) {
	switch n {
	case 1:
		return readParameter[DCMIActivateDHCP](data)
	case 2:
		return readParameter[DCMIDiscovery](data)
	case 3:
		return readParameter[DCMIDHCPInitialTimeout](data)
	case 4:
		return readParameter[DCMIDHCPServerTimeout](data)
	case 5:
		return readParameter[DCMIDHCPServerRetry](data)
	}
	return rawParameter(n, data)
}

// DCMIActivateDHCP is DCMI configuration parameter 1: writing 1 starts DHCP again; it reads as 0.
type DCMIActivateDHCP struct {
	Restart bool `wire:"byte 1, bit 0"`
}

// Number returns 1.
func (DCMIActivateDHCP) Number() uint8 { return 1 }

// DCMIDiscovery is DCMI configuration parameter 2: what DHCP requests carry.
type DCMIDiscovery struct {
	RandomBackOff bool `wire:"byte 1, bit 7"`
	VendorClass   bool `wire:"bit 1"` // options 60 and 43
	HostName      bool `wire:"bit 0"` // option 12: the management controller ID string
}

// Number returns 2.
func (DCMIDiscovery) Number() uint8 { return 2 }

// DCMIDHCPInitialTimeout is DCMI configuration parameter 3.
type DCMIDHCPInitialTimeout struct {
	Seconds uint8 `wire:"byte 1"` // between the first two attempts to reach a server
}

// Number returns 3.
func (DCMIDHCPInitialTimeout) Number() uint8 { return 3 }

// DCMIDHCPServerTimeout is DCMI configuration parameter 4.
type DCMIDHCPServerTimeout struct {
	Seconds uint16 `wire:"byte 1-2"` // until the client takes it that there is no server
}

// Number returns 4.
func (DCMIDHCPServerTimeout) Number() uint8 { return 4 }

// DCMIDHCPServerRetry is DCMI configuration parameter 5.
type DCMIDHCPServerRetry struct {
	Seconds uint16 `wire:"byte 1-2"` // until it tries again
}

// Number returns 5.
func (DCMIDHCPServerRetry) Number() uint8 { return 5 }

// DCMIChunk is how many bytes of an asset tag or a controller ID string go in one message at most.
const DCMIChunk = 16

// Greatest sizes of DCMI texts in bytes.
const (
	DCMIAssetTagSize     = 63 // with a byte order mark if it is UTF-8
	DCMIControllerIDSize = 64 // with the NUL at its end
)

// GetAssetTag is the Get Asset Tag command (DCMI 1.5 §6.4.2). Its codes CodeDCMIAssetTag… come with
// data.
type GetAssetTag struct {
	Offset uint8 `wire:"byte 2"` // 0 to 62
	Count  uint8 `wire:"byte 3"` // up to DCMIChunk
}

// AssetTag is its response: the length of the whole, and a piece.
type AssetTag struct {
	Length uint8  `wire:"byte 3"`
	Data   []byte `wire:"byte 4-"`
}

// SetAssetTag is the Set Asset Tag command (DCMI 1.5 §6.4.3). The tag ends with the last byte
// written.
type SetAssetTag struct {
	Offset uint8  `wire:"byte 2"`
	Count  uint8  `wire:"byte 3"` // up to DCMIChunk
	Data   []byte `wire:"byte 4-, count=Count"`
}

// AssetTagWritten is its response.
type AssetTagWritten struct {
	Length uint8 `wire:"byte 3"` // of the whole tag now
}

// GetManagementControllerID is the Get Management Controller Identifier String command (DCMI 1.5
// §6.4.6.1).
type GetManagementControllerID struct {
	Offset uint8 `wire:"byte 2"`
	Count  uint8 `wire:"byte 3"` // up to DCMIChunk
}

// ManagementControllerID is its response: the length of the whole without NUL, and a piece.
type ManagementControllerID struct {
	Length uint8  `wire:"byte 3"`
	Data   []byte `wire:"byte 4-"`
}

// SetManagementControllerID is the Set Management Controller Identifier String command (DCMI 1.5
// §6.4.6.2). The piece that ends in NUL is the last.
type SetManagementControllerID struct {
	Offset uint8  `wire:"byte 2"` // a multiple of DCMIChunk
	Count  uint8  `wire:"byte 3"` // up to DCMIChunk
	Data   []byte `wire:"byte 4-, count=Count"`
}

// ManagementControllerIDWritten is its response.
type ManagementControllerIDWritten struct {
	Length uint8 `wire:"byte 3"` // what is stored now, NUL included
}
