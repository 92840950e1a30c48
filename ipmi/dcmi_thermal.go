package ipmi

import "fmt"

// Entities of DCMI sensors. DCMI 1.0 and 1.1 had numbers of their own for them.
const (
	DCMIInlet         EntityID = 0x40 // EntityAirInlet in IPMI
	DCMIProcessor     EntityID = 0x41 // EntityProcessor in IPMI
	DCMIBaseboard     EntityID = 0x42 // EntitySystemBoard in IPMI
	dcmiInletIPMI     EntityID = 0x37
	dcmiProcessorIPMI EntityID = 0x03
	dcmiBaseboardIPMI EntityID = 0x07
)

// DCMIEntity returns the IPMI entity for an entity ID of a DCMI request, either kind, and false for
// an entity that has no DCMI sensors.
func DCMIEntity(e EntityID) (EntityID, bool) {
	switch e {
	case DCMIInlet, dcmiInletIPMI:
		return dcmiInletIPMI, true
	case DCMIProcessor, dcmiProcessorIPMI:
		return dcmiProcessorIPMI, true
	case DCMIBaseboard, dcmiBaseboardIPMI:
		return dcmiBaseboardIPMI, true
	}
	return e, false
}

// DCMIPage is how many records or readings a DCMI answer holds at most.
const DCMIPage = 8

// GetDCMISensorInfo is the Get DCMI Sensor Info command (DCMI 1.5 §6.5.2).
type GetDCMISensorInfo struct {
	SensorType SensorType `wire:"byte 2"` // temperature
	Entity     EntityID   `wire:"byte 3"`
	Instance   uint8      `wire:"byte 4"` // 0: all from Start on
	Start      uint8      `wire:"byte 5"`
}

// DCMISensorInfo is its response (DCMI 1.5 Table 6-15): record IDs of SDRs.
type DCMISensorInfo struct {
	Total   uint8    `wire:"byte 3"` // instances of the entity
	Count   uint8    `wire:"byte 4"` // of Records
	Records []uint16 `wire:"byte 5-, count=Count"`
}

// GetThermalLimit is the Get Thermal Limit command (DCMI 1.5 §6.7.1).
type GetThermalLimit struct {
	Entity   EntityID `wire:"byte 2"` // the inlet
	Instance uint8    `wire:"byte 3"`
}

// ThermalLimit is its response (DCMI 1.5 Table 6-20). Without an action the limit is off.
type ThermalLimit struct {
	Persistent bool   `wire:"byte 3, bit 7"` // DCMI 1.0: kept over power cycles; reserved since
	PowerOff   bool   `wire:"bit 6"`         // and log an event
	LogEvent   bool   `wire:"bit 5"`
	Limit      uint8  `wire:"byte 4"`   // in the unit of the sensor's SDR: degrees Celsius
	Time       uint16 `wire:"byte 5-6"` // seconds over the limit before the action
}

// SetThermalLimit is the Set Thermal Limit command (DCMI 1.5 §6.7.2).
type SetThermalLimit struct {
	Entity   EntityID `wire:"byte 2"` // the inlet
	Instance uint8    `wire:"byte 3"`
	// DCMI 1.0: keep it over power cycles; reserved since
	Persistent bool   `wire:"byte 4, bit 7"`
	PowerOff   bool   `wire:"bit 6"` // and log an event
	LogEvent   bool   `wire:"bit 5"`
	Limit      uint8  `wire:"byte 5"`
	Time       uint16 `wire:"byte 6-7"` // seconds
}

// GetTemperatureReadings is the Get Temperature Readings command (DCMI 1.5 §6.7.3).
type GetTemperatureReadings struct {
	SensorType SensorType `wire:"byte 2"` // temperature
	Entity     EntityID   `wire:"byte 3"`
	Instance   uint8      `wire:"byte 4"` // 0: all from Start on
	Start      uint8      `wire:"byte 5"` // from 1
}

// TemperatureReadings is its response (DCMI 1.5 Table 6-22).
type TemperatureReadings struct {
	Total    uint8                `wire:"byte 3"` // instances of the entity
	Count    uint8                `wire:"byte 4"` // of Readings
	Readings []TemperatureReading `wire:"byte 5-, count=Count"`
}

// A TemperatureReading is one sensor's.
type TemperatureReading struct {
	Temperature DCMITemperature `wire:"byte 1"`
	Instance    uint8           `wire:"byte 2"`
}

// A DCMITemperature is a sign bit and seven bits of degrees Celsius.
type DCMITemperature uint8

// DCMITemperatureOf returns the nearest temperature from -127 to 127 degrees Celsius.
func DCMITemperatureOf(celsius int) DCMITemperature {
	if celsius < 0 {
		return 0x80 | DCMITemperature(min(-celsius, 127))
	}
	return DCMITemperature(min(celsius, 127))
}

// Celsius returns the temperature in degrees.
func (t DCMITemperature) Celsius() int {
	if t&0x80 != 0 {
		return -int(t & 0x7f)
	}
	return int(t)
}

// String returns the temperature as ipmitool writes it.
func (t DCMITemperature) String() string { return fmt.Sprintf("%+d C", t.Celsius()) }
