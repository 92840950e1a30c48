package ipmi

import "fmt"

// SOLActivating is the SOL Activating command (§26.1): the BMC says on a serial channel that SOL
// takes the port. It is sent by the BMC and not answered.
type SOLActivating struct {
	State    uint8 `wire:"byte 1, bits 3:0"` // 0: SOL takes the port
	Instance uint8 `wire:"byte 2"`           // of the payload
	Major    uint8 `wire:"byte 3"`           // version of the payload format
	Minor    uint8 `wire:"byte 4"`
}

// SetSOLConfiguration is the Set SOL Configuration Parameters command (§26.2).
type SetSOLConfiguration struct {
	Channel   uint8  `wire:"byte 1, bits 3:0"`
	Parameter uint8  `wire:"byte 2"`
	Data      []byte `wire:"byte 3-"`
}

// GetSOLConfiguration is the Get SOL Configuration Parameters command (§26.3). Its
// response is a [ParameterData].
type GetSOLConfiguration struct {
	RevisionOnly bool  `wire:"byte 1, bit 7"` // answer without data
	Channel      uint8 `wire:"bits 3:0"`
	Parameter    uint8 `wire:"byte 2"`
	Set          uint8 `wire:"byte 3"`
	Block        uint8 `wire:"byte 4"`
}

// SOLEnable is SOL parameter 1: whether SOL can be activated.
type SOLEnable struct {
	Enabled bool `wire:"byte 1, bit 0"`
}

// SOLAuthentication is SOL parameter 2.
type SOLAuthentication struct {
	ForceEncryption     bool      `wire:"byte 1, bit 7"`
	ForceAuthentication bool      `wire:"bit 6"`
	Privilege           Privilege `wire:"bits 3:0"` // the least that may activate SOL
}

// SOLAccumulate is SOL parameter 3: when the BMC sends characters.
type SOLAccumulate struct {
	Interval  uint8 `wire:"byte 1"` // in 5 ms, for a packet that is not full; not 0
	Threshold uint8 `wire:"byte 2"` // characters that are sent at once
}

// SOLRetry is SOL parameter 4: how the BMC repeats packets.
type SOLRetry struct {
	Count    uint8 `wire:"byte 1, bits 2:0"`
	Interval uint8 `wire:"byte 2"` // in 10 ms
}

// SOLBitRate is SOL parameter 5: the bit rate of the serial port during SOL.
type SOLBitRate struct {
	Rate BitRate `wire:"byte 1, bits 3:0"`
}

// SOLVolatileBitRate is SOL parameter 6: SOLBitRate until the BMC restarts.
type SOLVolatileBitRate struct {
	Rate BitRate `wire:"byte 1, bits 3:0"`
}

// A BitRate is a serial bit rate (Tables 26-5 and 25-4).
type BitRate uint8

// Bit rates. 1 to 5 are reserved.
const (
	BitRateAsSerial BitRate = 0 // that of the serial channel
	BitRate9600     BitRate = 6
	BitRate19200    BitRate = 7
	BitRate38400    BitRate = 8
	BitRate57600    BitRate = 9
	BitRate115200   BitRate = 10
)

// Bits returns the rate in bits per second, 0 if r is none.
func (r BitRate) Bits() int {
	switch r {
	case BitRate9600:
		return 9600
	case BitRate19200:
		return 19200
	case BitRate38400:
		return 38400
	case BitRate57600:
		return 57600
	case BitRate115200:
		return 115200
	}
	return 0
}

// String returns the rate in kbit/s, as ipmitool sol info writes it.
func (r BitRate) String() string {
	if r == BitRateAsSerial {
		return "IPMI-Over-Serial-Setting"
	}
	if b := r.Bits(); b != 0 {
		return fmt.Sprintf("%.1f", float64(b)/1000)
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(r))
}

// SOLPayloadChannel is SOL parameter 7: the channel whose LAN parameters SOL uses.
type SOLPayloadChannel struct {
	Channel uint8 `wire:"byte 1"`
}

// SOLPayloadPort is SOL parameter 8: the UDP port of SOL. It may be read-only.
type SOLPayloadPort struct {
	Port uint16 `wire:"byte 1-2"`
}
