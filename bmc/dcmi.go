package bmc

import (
	"errors"
	"fmt"
	"slices"

	"lom/ipmi"
)

// dcmi is the state of DCMI 1.5: names, discovery, and what limits power and temperature.
type dcmi struct {
	kept dcmiKept

	power   limitWatch
	thermal map[uint8]*limitWatch // by instance of the inlet
	ticker  Timer                 // nil while no limit is on
}

// dcmiKept is what lasts.
type dcmiKept struct {
	AssetTag []byte `json:",omitempty"`
	// with its NUL; nil: that which the MAC address makes
	ControllerID []byte           `json:",omitempty"`
	Parameter    map[uint8][]byte // configuration, 2 to 5
	Limit        ipmi.SetPowerLimit
	LimitActive  bool
	Thermal      map[uint8]ipmi.SetThermalLimit `json:",omitempty"` // by instance of the inlet
}

// Versions in the answers.
const (
	dcmiMajor, dcmiMinor      = 1, 5
	dcmiCapabilityRevision    = 2
	dcmiConfigurationRevision = 1
)

// dcmiPeriods are the rolling average periods of enhanced power statistics: those that ipmitool
// knows.
var dcmiPeriods = []ipmi.DCMIPeriod{5, 15, 30, 0x40 | 1, 0x40 | 3, 0x40 | 7, 0x40 | 15, 0x40 | 30,
	0x80 | 1}

func (d *dcmi) load(b *BMC) error {
	d.kept = dcmiKept{
		Parameter: map[uint8][]byte{2: {0}, 3: {4}, 4: {120, 0}, 5: {64, 0}},
		Limit:     ipmi.SetPowerLimit{Watts: 1000, Correction: 1000, Sampling: 1},
		Thermal:   map[uint8]ipmi.SetThermalLimit{},
	}
	d.thermal = map[uint8]*limitWatch{}
	err := loadSection(b, "dcmi", func(_ string, v dcmiKept) error {
		for n, data := range d.kept.Parameter {
			if len(v.Parameter[n]) != len(data) {
				return errors.New("a parameter has not its length")
			}
		}
		if len(v.AssetTag) > ipmi.DCMIAssetTagSize ||
			len(v.ControllerID) > ipmi.DCMIControllerIDSize {
			return errors.New("a name is too long")
		}
		if d.kept = v; v.Thermal == nil {
			d.kept.Thermal = map[uint8]ipmi.SetThermalLimit{}
		}
		return nil
	})
	d.watch(b)
	return err
}

func (d *dcmi) save(b *BMC) { b.put("dcmi", "", d.kept) }

func handleDCMI(m *Mux) {
	Handle(m, getDCMICapabilities)
	Handle(m, setDCMIConfiguration)
	Handle(m, getDCMIConfiguration)
	Handle(m, getAssetTag)
	Handle(m, setAssetTag)
	Handle(m, getManagementControllerID)
	Handle(m, setManagementControllerID)
	handleDCMIPower(m)
	handleDCMIThermal(m)
}

func getDCMICapabilities(ctx *Context,
	req ipmi.GetDCMICapabilities) (r ipmi.DCMICapabilities, err error) {
	var p ipmi.Parameter
	switch req.Number {
	case 1:
		p = ipmi.DCMISupported{PowerManagement: true, SystemInterface: true}
	case 2:
		sampling := uint8(scanPeriod.Seconds())
		p = ipmi.DCMIPlatformAttributes{SELEntries: uint16(min(ctx.BMC.eventLog.capacity, 4095)),
			TemperatureSampling: &sampling}
	case 3:
		p = ipmi.DCMIPowerController{Address: ipmi.AddressBMC}
	case 4:
		p = ipmi.DCMIAccessAttributes{PrimaryLAN: channelLAN, SecondaryLAN: ipmi.DCMINoChannel,
			Serial: ipmi.DCMINoChannel}
	case 5:
		p = ipmi.DCMIPowerPeriods{Count: uint8(len(dcmiPeriods)), Periods: dcmiPeriods}
	default:
		return r, ipmi.CodeParameterOutOfRange
	}
	data, err := p.AppendBinary(nil)
	return ipmi.DCMICapabilities{Major: dcmiMajor, Minor: dcmiMinor,
		Revision: dcmiCapabilityRevision, Data: data}, err
}

func setDCMIConfiguration(ctx *Context, req ipmi.SetDCMIConfiguration) (r ipmi.NoData, err error) {
	b := ctx.BMC
	if req.Set != 0 {
		return r, ipmi.CodeInvalidDataField
	}
	p, err := ipmi.ParseDCMIParameter(req.Number, req.Data)
	if err != nil {
		return r, ipmi.CodeDataLengthInvalid
	}
	if _, ok := p.(ipmi.DCMIActivateDHCP); ok {
		// the BMC's address comes from the machine that it runs on: there is nothing to start again
		return r, nil
	}
	stored, ok := b.dcmi.kept.Parameter[req.Number]
	switch {
	case !ok:
		return r, ipmi.CodeParameterOutOfRange
	case len(req.Data) != len(stored):
		return r, ipmi.CodeDataLengthInvalid
	}
	data, err := p.AppendBinary(nil)
	if err != nil {
		return r, err
	}
	setKey(ctx, b.dcmi.kept.Parameter, req.Number, data, b.dcmi.save)
	return r, nil
}

func getDCMIConfiguration(ctx *Context,
	req ipmi.GetDCMIConfiguration) (r ipmi.DCMIConfiguration, err error) {
	r = ipmi.DCMIConfiguration{Major: dcmiMajor, Minor: dcmiMinor,
		Revision: dcmiConfigurationRevision}
	data, ok := ctx.BMC.dcmi.kept.Parameter[req.Number]
	switch {
	case req.Set != 0:
		return r, ipmi.CodeInvalidDataField
	case req.Number == 1:
		data = []byte{0}
	case !ok:
		return r, ipmi.CodeParameterOutOfRange
	}
	r.Data = slices.Clone(data)
	return r, nil
}

// piece returns the bytes of a text from offset on, as many as there are and were asked for.
func piece(text []byte, offset, count uint8) []byte {
	from := min(int(offset), len(text))
	return slices.Clone(text[from:min(from+int(count), len(text))])
}

// outside reports whether a piece of a text is too long or lies outside of its greatest size.
func outside(offset, count uint8, size int) bool {
	return int(offset) >= size || count > ipmi.DCMIChunk || int(offset)+int(count) > size
}

func getAssetTag(ctx *Context, req ipmi.GetAssetTag) (r ipmi.AssetTag, err error) {
	if outside(req.Offset, req.Count, ipmi.DCMIAssetTagSize) {
		return r, ipmi.CodeParameterOutOfRange
	}
	tag := ctx.BMC.dcmi.kept.AssetTag
	return ipmi.AssetTag{Length: uint8(len(tag)), Data: piece(tag, req.Offset, req.Count)}, nil
}

func setAssetTag(ctx *Context, req ipmi.SetAssetTag) (r ipmi.AssetTagWritten, err error) {
	b := ctx.BMC
	tag := b.dcmi.kept.AssetTag
	if outside(req.Offset, req.Count, ipmi.DCMIAssetTagSize) || int(req.Offset) > len(tag) {
		return r, ipmi.CodeParameterOutOfRange
	}
	tag = append(slices.Clone(tag[:req.Offset]), req.Data...)
	set(ctx, &b.dcmi.kept.AssetTag, tag, b.dcmi.save)
	return ipmi.AssetTagWritten{Length: uint8(len(tag))}, nil
}

// controllerID returns the management controller ID string with its NUL (DCMI 1.5 §6.4.6).
func (d *dcmi) controllerID(b *BMC) []byte {
	if d.kept.ControllerID != nil {
		return d.kept.ControllerID
	}
	mac := b.macAddress()
	return fmt.Appendf(nil, "DCMI%X\x00", mac[:])
}

func getManagementControllerID(ctx *Context,
	req ipmi.GetManagementControllerID) (r ipmi.ManagementControllerID, err error) {
	if outside(req.Offset, req.Count, ipmi.DCMIControllerIDSize) {
		return r, ipmi.CodeParameterOutOfRange
	}
	id := ctx.BMC.dcmi.controllerID(ctx.BMC)
	n := slices.Index(id, 0)
	if n < 0 {
		n = len(id) // its end is not written yet
	}
	return ipmi.ManagementControllerID{Length: uint8(n), Data: piece(id, req.Offset, req.Count)},
		nil
}

func setManagementControllerID(ctx *Context,
	req ipmi.SetManagementControllerID) (r ipmi.ManagementControllerIDWritten, err error) {
	b := ctx.BMC
	id := b.dcmi.controllerID(b)
	end := int(req.Offset) + int(req.Count)
	switch {
	case outside(req.Offset, req.Count, ipmi.DCMIControllerIDSize) || int(req.Offset) > len(id):
		return r, ipmi.CodeParameterOutOfRange
	case end == ipmi.DCMIControllerIDSize && req.Data[len(req.Data)-1] != 0:
		return r, ipmi.CodeInvalidDataField // the last place is for the NUL
	}
	set(ctx, &b.dcmi.kept.ControllerID, append(slices.Clone(id[:req.Offset]), req.Data...),
		b.dcmi.save)
	return ipmi.ManagementControllerIDWritten{Length: uint8(end)}, nil
}
