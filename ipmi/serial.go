package ipmi

// SetSerialConfiguration is the Set Serial/Modem Configuration command (§25.1).
type SetSerialConfiguration struct {
	Channel   uint8  `wire:"byte 1, bits 3:0"`
	Parameter uint8  `wire:"byte 2"`
	Data      []byte `wire:"byte 3-"`
}

// GetSerialConfiguration is the Get Serial/Modem Configuration command (§25.2). Its
// response is a [ParameterData].
type GetSerialConfiguration struct {
	RevisionOnly bool  `wire:"byte 1, bit 7"` // answer without data
	Channel      uint8 `wire:"bits 3:0"`
	Parameter    uint8 `wire:"byte 2"`
	Set          uint8 `wire:"byte 3"` // 0 where the parameter has no sets
	Block        uint8 `wire:"byte 4"` // 0 where the parameter has no blocks
}

// SetSerialMux is the Set Serial/Modem Mux command (§25.3): who has the serial connector.
type SetSerialMux struct {
	Channel uint8     `wire:"byte 1, bits 3:0"`
	Setting SerialMux `wire:"byte 2, bits 3:0"`
}

// A SerialMux is what Set Serial/Modem Mux does.
type SerialMux uint8

// Mux settings.
const (
	SerialMuxGet           SerialMux = 0
	SerialMuxRequestSystem SerialMux = 1
	SerialMuxRequestBMC    SerialMux = 2
	SerialMuxForceSystem   SerialMux = 3
	SerialMuxForceBMC      SerialMux = 4
	SerialMuxBlockSystem   SerialMux = 5 // refuse requests for the system
	SerialMuxAllowSystem   SerialMux = 6
	SerialMuxBlockBMC      SerialMux = 7 // refuse requests for the BMC
	SerialMuxAllowBMC      SerialMux = 8
)

// SerialMuxState is its response (Table 25-5).
type SerialMuxState struct {
	SystemBlocked bool `wire:"byte 2, bit 7"`
	BMCBlocked    bool `wire:"bit 6"`
	Alerting      bool `wire:"bit 3"` // an alert is in progress on the channel
	Messaging     bool `wire:"bit 2"` // a session is active on the channel
	Accepted      bool `wire:"bit 1"` // the request, or it was forced
	ToBMC         bool `wire:"bit 0"` // the BMC has the connector
}

// GetTAPResponseCodes is the Get TAP Response Codes command (§25.4).
type GetTAPResponseCodes struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
}

// TAPResponseCodes is its response (Table 25-6): the last five codes of a page, the newest first,
// in ASCII; three NUL characters where there was none.
type TAPResponseCodes struct {
	Last   [3]byte `wire:"byte 2-4"`
	Second [3]byte `wire:"byte 5-7"`
	Third  [3]byte `wire:"byte 8-10"`
	Fourth [3]byte `wire:"byte 11-13"`
	Fifth  [3]byte `wire:"byte 14-16"`
}

// SetPPPProxyData is the Set PPP UDP Proxy Transmit Data command (§25.5).
type SetPPPProxyData struct {
	Channel uint8  `wire:"byte 1, bits 3:0"`
	Block   uint8  `wire:"byte 2"`  // from 1
	Data    []byte `wire:"byte 3-"` // at most 16 bytes
}

// GetPPPProxyData is the Get PPP UDP Proxy Transmit Data command (§25.6).
type GetPPPProxyData struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	Block   uint8 `wire:"byte 2"` // from 1
}

// PPPProxyData is its response (Table 25-8).
type PPPProxyData struct {
	Data [16]byte `wire:"byte 2-17"`
}

// SendPPPProxyPacket is the Send PPP UDP Proxy Packet command (§25.7).
type SendPPPProxyPacket struct {
	Channel         uint8       `wire:"byte 1, bits 3:0"`
	SourcePort      uint16      `wire:"byte 2-3"`
	DestinationPort uint16      `wire:"byte 4-5"`
	Source          IPv4Address `wire:"byte 6-9"` // all 0: the channel's
	Destination     IPv4Address `wire:"byte 10-13"`
	Size            uint16      `wire:"byte 14-15"` // bytes to send
}

// GetPPPProxyReceived is the Get PPP UDP Proxy Receive Data command (§25.8).
type GetPPPProxyReceived struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	Clear   bool  `wire:"byte 2, bit 7"` // the buffer, after this
	Block   uint8 `wire:"bits 6:0"`      // from 1; 0 asks for the length
}

// PPPProxyReceived is its response (Table 25-10): a block of at most 16 bytes or, for
// block 0, the number of bytes that were received, low byte first.
type PPPProxyReceived struct {
	Data []byte `wire:"byte 2-"`
}

// SerialConnectionActive is the Serial/Modem Connection Active command (§25.9), with
// which a BMC reports to a remote console that it has the line.
type SerialConnectionActive struct {
	State   SerialSessionState `wire:"byte 1, bits 3:0"`
	Version uint8              `wire:"byte 2"` // of IPMI, BCD with the digits swapped
}

// A SerialSessionState says what is on a serial line.
type SerialSessionState uint8

// Serial session states.
const (
	SerialNoSession SerialSessionState = 0
	SerialSession   SerialSessionState = 1
	SerialToSystem  SerialSessionState = 2 // the mux is about to switch to the system
)

// SetSerialRoutingMux is the Set Serial Routing Mux command (§25.13), for add-in cards that take
// the serial port over.
type SetSerialRoutingMux struct {
	Channel     uint8         `wire:"byte 1, bits 3:0"`
	Association uint8         `wire:"byte 2"` // set selector of the serial port association
	Route       SerialRouting `wire:"byte 3, bits 3:0"`
}

// SerialRoutingMux is its response (Table 25-15).
type SerialRoutingMux struct {
	Route SerialRouting `wire:"byte 2, bits 3:0"`
}

// A SerialRouting is a way of a serial port's signals.
type SerialRouting uint8

// Routes.
const (
	SerialRouteGet             SerialRouting = 0 // only ask
	SerialRouteBMC             SerialRouting = 1 // as the BMC likes
	SerialRouteSystemAddIn     SerialRouting = 2
	SerialRouteConnectorSystem SerialRouting = 3
	SerialRouteConnectorAddIn  SerialRouting = 4
)
