package ipmi

import (
	"fmt"
	"time"
)

// GetPowerReading is the Get Power Reading command (DCMI 1.5 §6.6.1).
type GetPowerReading struct {
	Mode     DCMIPowerMode `wire:"byte 2"`
	Period   DCMIPeriod    `wire:"byte 3"` // for DCMIEnhancedStatistics: one of DCMIPowerPeriods
	Reserved uint8         `wire:"byte 4"`
}

// A DCMIPowerMode is what Get Power Reading averages over.
type DCMIPowerMode uint8

// Power reading modes.
const (
	DCMISystemStatistics   DCMIPowerMode = 1
	DCMIEnhancedStatistics DCMIPowerMode = 2
)

// A DCMIPeriod is an averaging period: two bits of unit and six of count. A count of 0 is now.
type DCMIPeriod uint8

// Duration returns the period's length; a day is 24 hours.
func (p DCMIPeriod) Duration() time.Duration {
	unit := [...]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[p>>6]
	return time.Duration(p&0x3f) * unit
}

// String returns the period in numbers and unit: "15 minutes".
func (p DCMIPeriod) String() string {
	return fmt.Sprintf("%d %s", p&0x3f, [...]string{"seconds", "minutes", "hours", "days"}[p>>6])
}

// PowerReading is the response of Get Power Reading (DCMI 1.5 Table 6-16), in watts.
type PowerReading struct {
	Current uint16    `wire:"byte 3-4"`
	Minimum uint16    `wire:"byte 5-6"`
	Maximum uint16    `wire:"byte 7-8"`
	Average uint16    `wire:"byte 9-10"`
	Time    Timestamp `wire:"byte 11-14"`
	// milliseconds; in units of the DCMIPeriod for DCMIEnhancedStatistics
	Period uint32 `wire:"byte 15-18"`
	Active bool   `wire:"byte 19, bit 6"` // power is measured
}

// GetPowerLimit is the Get Power Limit command (DCMI 1.5 §6.6.2). With CodeDCMINoLimit its data
// comes all the same.
type GetPowerLimit struct {
	Reserved [2]byte `wire:"byte 2-3"`
}

// PowerLimit is its response (DCMI 1.5 Table 6-17).
type PowerLimit struct {
	Reserved1 [2]byte             `wire:"byte 3-4"`
	Exception DCMIExceptionAction `wire:"byte 5"`
	Watts     uint16              `wire:"byte 6-7"`
	// milliseconds over the limit before the exception action
	Correction uint32  `wire:"byte 8-11"`
	Reserved2  [2]byte `wire:"byte 12-13"`
	Sampling   uint16  `wire:"byte 14-15"` // seconds
}

// SetPowerLimit is the Set Power Limit command (DCMI 1.5 §6.6.3).
type SetPowerLimit struct {
	Reserved1  [3]byte             `wire:"byte 2-4"`
	Exception  DCMIExceptionAction `wire:"byte 5"`
	Watts      uint16              `wire:"byte 6-7"`
	Correction uint32              `wire:"byte 8-11"` // milliseconds
	Reserved2  [2]byte             `wire:"byte 12-13"`
	Sampling   uint16              `wire:"byte 14-15"` // seconds
}

// A DCMIExceptionAction is what happens when the power stays over its limit: these, or 02h to 10h
// of the maker's.
type DCMIExceptionAction uint8

// Exception actions.
const (
	DCMINoAction DCMIExceptionAction = 0x00
	DCMIPowerOff DCMIExceptionAction = 0x01 // and log an event
	DCMILogEvent DCMIExceptionAction = 0x11
)

// String returns the action as ipmitool writes it.
func (a DCMIExceptionAction) String() string {
	switch {
	case a == DCMINoAction:
		return "No Action"
	case a == DCMIPowerOff:
		return "Hard Power Off & Log Event to SEL"
	case a == DCMILogEvent:
		return "Log Event to SEL"
	case a <= 0x10:
		return fmt.Sprintf("OEM reserved action (0x%02x)", uint8(a))
	}
	return "reserved"
}

// ActivatePowerLimit is the Activate/Deactivate Power Limit command (DCMI 1.5 §6.6.4).
type ActivatePowerLimit struct {
	Active   bool    `wire:"byte 2, bit 0"`
	Reserved [2]byte `wire:"byte 3-4"`
}
