package ipmi

import "fmt"

// A NetFn is a network function code (§5.1, Table 5-1). The even number of a
// pair marks a request, the odd one the response.
type NetFn uint8

// Network functions, as they stand in requests.
const (
	NetFnChassis   NetFn = 0x00
	NetFnBridge    NetFn = 0x02
	NetFnSensor    NetFn = 0x04 // Sensor/Event
	NetFnApp       NetFn = 0x06
	NetFnFirmware  NetFn = 0x08
	NetFnStorage   NetFn = 0x0a
	NetFnTransport NetFn = 0x0c
	NetFnGroup     NetFn = 0x2c // group extension: the first data byte names the group
	NetFnOEM       NetFn = 0x2e // OEM/group: the first three data bytes are an IANA number
)

// Response returns the network function of the answer to n.
func (n NetFn) Response() NetFn { return n | 1 }

// Request returns the network function of the request that n answers.
func (n NetFn) Request() NetFn { return n &^ 1 }

// IsResponse reports whether n is the odd number of its pair.
func (n NetFn) IsResponse() bool { return n&1 != 0 }

// String returns the name of the network function in Table 5-1.
func (n NetFn) String() string {
	switch n.Request() {
	case NetFnChassis:
		return "Chassis"
	case NetFnBridge:
		return "Bridge"
	case NetFnSensor:
		return "Sensor/Event"
	case NetFnApp:
		return "App"
	case NetFnFirmware:
		return "Firmware"
	case NetFnStorage:
		return "Storage"
	case NetFnTransport:
		return "Transport"
	case NetFnGroup:
		return "Group Extension"
	case NetFnOEM:
		return "OEM/Group"
	}
	return fmt.Sprintf("NetFn %02Xh", uint8(n))
}

// Addresses of software and controllers on the system side (Table 5-4, §5.5).
const (
	AddressBMC       = 0x20 // the BMC's own slave address
	AddressRemoteSWI = 0x81 // software identification of remote console software
)
