package ipmi

// GetDeviceSDRInfo is the Get Device SDR Info command (§35.2).
type GetDeviceSDRInfo struct {
	// Count is what is counted; a nil is left out and counts the sensors of the
	// request's LUN, as controllers older than IPMI 2.0 do.
	Count *DeviceSDRCount `wire:"byte 1, optional"`
}

// A DeviceSDRCount is what Get Device SDR Info counts.
type DeviceSDRCount uint8

// What can be counted.
const (
	CountSensors    DeviceSDRCount = 0 // on the request's LUN
	CountDeviceSDRs DeviceSDRCount = 1 // on all LUNs
)

// DeviceSDRInfo is its response (Table 35-2).
type DeviceSDRInfo struct {
	Count   uint8 `wire:"byte 2"`        // of sensors or records
	Dynamic bool  `wire:"byte 3, bit 7"` // sensors come and go
	LUNs    uint8 `wire:"bits 3:0"`      // bit n: LUN n has sensors
	// differs after the sensors changed; only of dynamic ones
	Change *uint32 `wire:"byte 4-7, optional"`
}

// GetDeviceSDR is the Get Device SDR command (§35.3). Its response is an [SDRData].
type GetDeviceSDR struct {
	Reservation uint16 `wire:"byte 1-2"` // needed when Offset is not 0
	Record      uint16 `wire:"byte 3-4"` // FirstRecord is understood
	Offset      uint8  `wire:"byte 5"`   // bytes into the record
	Count       uint8  `wire:"byte 6"`   // bytes; ReadAll is the whole record
}

// ReserveDeviceSDRRepository is the Reserve Device SDR Repository command (§35.4).
// Its response is a [Reservation].
type ReserveDeviceSDRRepository struct{}
