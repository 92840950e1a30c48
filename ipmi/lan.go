package ipmi

// SetLANConfiguration is the Set LAN Configuration Parameters command (§23.1).
type SetLANConfiguration struct {
	Channel   uint8  `wire:"byte 1, bits 3:0"`
	Parameter uint8  `wire:"byte 2"`
	Data      []byte `wire:"byte 3-"`
}

// GetLANConfiguration is the Get LAN Configuration Parameters command (§23.2). Its
// response is a [ParameterData].
type GetLANConfiguration struct {
	RevisionOnly bool  `wire:"byte 1, bit 7"` // answer without data
	Channel      uint8 `wire:"bits 3:0"`
	Parameter    uint8 `wire:"byte 2"`
	Set          uint8 `wire:"byte 3"` // 0 where the parameter has no sets
	Block        uint8 `wire:"byte 4"` // 0 where the parameter has no blocks
}

// SuspendARPs is the Suspend BMC ARPs command (§23.3). It holds while the watchdog timer runs.
type SuspendARPs struct {
	Channel    uint8 `wire:"byte 1, bits 3:0"`
	Responses  bool  `wire:"byte 2, bit 1"` // suspend ARP responses
	Gratuitous bool  `wire:"bit 0"`         // suspend gratuitous ARPs
}

// ARPStatus is its response (Table 23-5).
type ARPStatus struct {
	Responses  bool `wire:"byte 2, bit 1"` // the BMC answers ARP requests at present
	Gratuitous bool `wire:"bit 0"`         // the BMC sends gratuitous ARPs at present
}

// GetIPStatistics is the Get IP/UDP/RMCP Statistics command (§23.4).
type GetIPStatistics struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	Clear   bool  `wire:"byte 2, bit 0"` // set all counters to 0
}

// IPStatistics is its response (Table 23-6): packet counters that stop at FFFFh.
type IPStatistics struct {
	IPReceived       uint16 `wire:"byte 2-3"`
	IPHeaderErrors   uint16 `wire:"byte 4-5"`
	IPAddressErrors  uint16 `wire:"byte 6-7"`
	IPFragments      uint16 `wire:"byte 8-9"`
	IPSent           uint16 `wire:"byte 10-11"`
	UDPReceived      uint16 `wire:"byte 12-13"`
	RMCPReceived     uint16 `wire:"byte 14-15"` // valid ones
	UDPProxyReceived uint16 `wire:"byte 16-17"`
	UDPProxyDropped  uint16 `wire:"byte 18-19"`
}
