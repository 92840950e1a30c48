package machine

import (
	"context"
	"fmt"
	"time"

	"lom/client"
	"lom/ipmi"
)

// A Controller is what a management controller says it is (§20.1).
type Controller struct {
	DeviceID         uint8    `json:"device_id"`
	DeviceRevision   uint8    `json:"device_revision"`
	Firmware         string   `json:"firmware_revision"` // such as 2.05
	IPMIVersion      string   `json:"ipmi_version"`      // such as 2.0
	ManufacturerID   uint32   `json:"manufacturer_id"`   // IANA enterprise number
	ManufacturerName string   `json:"manufacturer_name"`
	ProductID        uint16   `json:"product_id"`
	Available        bool     `json:"device_available"` // false during an update of its firmware
	ProvidesSDRs     bool     `json:"provides_device_sdrs"`
	Support          []string `json:"additional_device_support"`
	Auxiliary        Bytes    `json:"aux_firmware_revision,omitempty"` // four bytes of the maker's own

	ID ipmi.DeviceID `json:"-"`
}

// supportWords are the bits of ipmi.DeviceSupport, in ipmitool's words.
var supportWords = [...]string{
	"Sensor Device", "SDR Repository Device", "SEL Device", "FRU Inventory Device",
	"IPMB Event Receiver", "IPMB Event Generator", "Bridge", "Chassis Device",
}

// Controller asks the BMC what it is.
func (m *Machine) Controller(ctx context.Context) (Controller, error) {
	id, err := do(ctx, m, "Get Device ID command", ipmi.GetDeviceID{})
	if err != nil {
		return Controller{}, err
	}
	c := Controller{
		ID: id, DeviceID: id.ID, DeviceRevision: id.Revision,
		Firmware:       fmt.Sprintf("%d.%02x", id.FirmwareMajor, id.FirmwareMinor),
		IPMIVersion:    fmt.Sprintf("%x.%x", id.Version&0xf, id.Version>>4),
		ManufacturerID: uint32(id.Manufacturer), ManufacturerName: m.name(id.Manufacturer),
		ProductID: id.Product, Available: !id.Updating, ProvidesSDRs: id.ProvidesSDRs,
		Support: []string{},
	}
	for i, word := range supportWords {
		if id.Support>>i&1 != 0 {
			c.Support = append(c.Support, word)
		}
	}
	if id.AuxiliaryVersion != nil {
		c.Auxiliary = id.AuxiliaryVersion[:]
	}
	return c, nil
}

// DeviceID is what the BMC says it is, asked for once in the life of the Machine.
func (m *Machine) DeviceID(ctx context.Context) (ipmi.DeviceID, error) {
	m.mu.Lock()
	known := m.device
	m.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	id, err := client.Do(ctx, m.conn, ipmi.GetDeviceID{})
	if err == nil {
		m.mu.Lock()
		m.device = &id
		m.mu.Unlock()
	}
	return id, err
}

// KnownDeviceID returns what DeviceID has found out, without asking the BMC.
func (m *Machine) KnownDeviceID() (id ipmi.DeviceID, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.device == nil {
		return id, false
	}
	return *m.device, true
}

// ManufacturerName returns the name of a maker of BMCs by its IANA enterprise number, and
// ipmitool's words for one that is not given or not known.
func ManufacturerName(id ipmi.ManufacturerID) string {
	const reserved = 0xfffff
	switch id {
	case 0:
		return "Unknown"
	case reserved:
		return "Unspecified"
	}
	if name, ok := ipmi.Manufacturer(id).Name(); ok {
		return name
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint32(id))
}

// A GUID is the GUID of a system (§22.14).
type GUID struct {
	GUID     string    `json:"guid"`     // in the order that Encoding names
	Encoding string    `json:"encoding"` // smbios, ipmi, rfc4122, or dump for none of them
	Version  *uint8    `json:"version,omitempty"`
	Time     time.Time `json:"time,omitzero"` // of a GUID that is made from the time
	Raw      Bytes     `json:"raw"`

	Order ipmi.GUIDOrder `json:"-"`
	Found bool           `json:"-"` // the order was found, not asked for
}

// GUID asks for the GUID of the system. BMCs send it in three orders; with no order given, the one
// by which the GUID makes sense is taken.
func (m *Machine) GUID(ctx context.Context, order ...ipmi.GUIDOrder) (GUID, error) {
	r, err := do(ctx, m, "Get GUID command", ipmi.GetSystemGUID{})
	if err != nil {
		return GUID{}, err
	}
	o := r.GUID.Order(m.now())
	if len(order) > 0 {
		o = order[0]
	}
	v := GUID{GUID: r.GUID.Format(o), Encoding: o.String(), Raw: r.GUID[:], Order: o,
		Found: len(order) == 0}
	if o != ipmi.GUIDDump {
		version := r.GUID.Version(o)
		v.Version = new(uint8(version))
		if version == ipmi.GUIDTimeBased {
			v.Time = r.GUID.Time(o).UTC()
		}
	}
	return v, nil
}
