package ipmi

// SerialAuthTypeSupport is serial parameter 1: the authentication types that can be enabled.
type SerialAuthTypeSupport struct {
	Types AuthTypes `wire:"byte 1, bits 5:0"`
}

// SerialAuthTypeEnables is serial parameter 2: the authentication types enabled for
// sessions of each maximum privilege level.
type SerialAuthTypeEnables struct {
	Callback      AuthTypes `wire:"byte 1, bits 5:0"`
	User          AuthTypes `wire:"byte 2, bits 5:0"`
	Operator      AuthTypes `wire:"byte 3, bits 5:0"`
	Administrator AuthTypes `wire:"byte 4, bits 5:0"`
	OEM           AuthTypes `wire:"byte 5, bits 5:0"`
}

// SerialConnectionMode is serial parameter 3.
type SerialConnectionMode struct {
	Direct   bool `wire:"byte 1, bit 7"` // false: through a modem
	Terminal bool `wire:"bit 2"`
	PPP      bool `wire:"bit 1"`
	Basic    bool `wire:"bit 0"`
}

// SerialInactivityTimeout is serial parameter 4.
type SerialInactivityTimeout struct {
	Timeout uint8 `wire:"byte 1, bits 3:0"` // in 30 s; 0: none
}

// SerialCallback is serial parameter 5: what callbacks a channel allows.
type SerialCallback struct {
	CBCP         bool  `wire:"byte 1, bit 1"`
	IPMI         bool  `wire:"bit 0"`
	FromList     bool  `wire:"byte 2, bit 3"`
	CallerNumber bool  `wire:"bit 2"`
	PresetNumber bool  `wire:"bit 1"`
	NoCallback   bool  `wire:"bit 0"`
	Destination1 uint8 `wire:"byte 3"` // FFh: unspecified
	Destination2 uint8 `wire:"byte 4"`
	Destination3 uint8 `wire:"byte 5"`
}

// SerialTermination is serial parameter 6: what ends a session.
type SerialTermination struct {
	OnInactivity bool `wire:"byte 1, bit 1"`
	OnDCDLoss    bool `wire:"bit 0"`
}

// SerialComm is serial parameter 7: the line's settings, at 8 bits, no parity, 1 stop bit.
type SerialComm struct {
	FlowControl FlowControl `wire:"byte 1, bits 7:6"`
	DTRHangup   bool        `wire:"bit 5"`
	Rate        BitRate     `wire:"byte 2, bits 3:0"`
}

// A FlowControl is a way to stop the other end of a serial line.
type FlowControl uint8

// Flow controls.
const (
	FlowNone    FlowControl = 0
	FlowRTSCTS  FlowControl = 1
	FlowXONXOFF FlowControl = 2
)

// SerialMuxControl is serial parameter 8: what switches the mux between system and BMC.
type SerialMuxControl struct {
	PowerUpEscape bool `wire:"byte 1, bit 6"` // ESC ^
	ResetEscape   bool `wire:"bit 5"`         // ESC R ESC r ESC R
	// Get Channel Authentication Capabilities seen in basic mode
	AuthPattern       bool `wire:"bit 4"`
	PPPPattern        bool `wire:"bit 3"`
	ToSystemEscape    bool `wire:"bit 2"` // ESC Q
	ToBMCEscape       bool `wire:"bit 1"` // ESC (
	OnDCDLoss         bool `wire:"bit 0"`
	Sharing           bool `wire:"byte 2, bit 3"`
	CallbackActive    bool `wire:"bit 2"` // send Serial/Modem Connection Active during callbacks
	DirectActive      bool `wire:"bit 1"` // and during direct calls
	AcknowledgeSwitch bool `wire:"bit 0"`
}

// SerialRingTime is serial parameter 9.
type SerialRingTime struct {
	Duration uint8 `wire:"byte 1, bits 5:0"` // in 500 ms, until the BMC takes the line
	Dead     uint8 `wire:"byte 2, bits 3:0"` // in 500 ms, one less, until the ringing is over
}

// SerialModemInit is serial parameter 10: a block of 16 bytes of the modem's initialization.
type SerialModemInit struct {
	Block uint8  `wire:"byte 1"` // from 1
	Data  []byte `wire:"byte 2-"`
}

// SerialModemEscape is serial parameter 11.
type SerialModemEscape struct {
	Sequence string `wire:"byte 1-5"` // empty: +++
}

// SerialModemHangup is serial parameter 12.
type SerialModemHangup struct {
	Sequence string `wire:"byte 1-8"` // empty: ATH
}

// SerialModemDial is serial parameter 13.
type SerialModemDial struct {
	Command string `wire:"byte 1-8"` // empty: ATD
}

// SerialPageBlackout is serial parameter 14.
type SerialPageBlackout struct {
	Minutes uint8 `wire:"byte 1"` // between pages; 0: none
}

// SerialCommunity is serial parameter 15: the SNMP community of Platform Event Traps.
type SerialCommunity struct {
	Community string `wire:"byte 1-18"`
}

// SerialDestinationCount is serial parameter 16.
type SerialDestinationCount struct {
	Count uint8 `wire:"byte 1, bits 3:0"`
}

// SerialDestination is serial parameter 17: whom an alert or a callback calls.
type SerialDestination struct {
	Destination  uint8 `wire:"byte 1, bits 3:0"` // the set selector; 0 is volatile
	Acknowledged bool  `wire:"byte 2, bit 7"`
	// 0 dial page, 1 TAP page, 2 PPP alert, 3 basic mode callback, 4 PPP callback
	Type         uint8 `wire:"bits 3:0"`
	Timeout      uint8 `wire:"byte 3"` // seconds, one less
	AlertRetries uint8 `wire:"byte 4, bits 6:4"`
	CallRetries  uint8 `wire:"bits 2:0"`
	Selector     uint8 `wire:"byte 5"` // depends on Type
}

// SerialCallRetry is serial parameter 18.
type SerialCallRetry struct {
	Seconds uint8 `wire:"byte 1"` // between calls
}

// SerialDestinationComm is serial parameter 19: SerialComm for one destination.
type SerialDestinationComm struct {
	Destination uint8       `wire:"byte 1, bits 3:0"` // the set selector; 0 is volatile
	FlowControl FlowControl `wire:"byte 2, bits 7:6"`
	TwoStopBits bool        `wire:"bit 4"`
	SevenBits   bool        `wire:"bit 3"`
	Parity      uint8       `wire:"bits 2:0"` // 0 none, 1 odd, 2 even
	Rate        BitRate     `wire:"byte 3, bits 3:0"`
}

// SerialDialStringCount is serial parameter 20.
type SerialDialStringCount struct {
	Count uint8 `wire:"byte 1, bits 3:0"`
}

// SerialDialString is serial parameter 21: a block of 16 bytes of a number to call.
type SerialDialString struct {
	String uint8  `wire:"byte 1, bits 3:0"` // the set selector; 0 is volatile
	Block  uint8  `wire:"byte 2"`           // from 1
	Data   []byte `wire:"byte 3-"`          // the string ends at a NUL
}

// SerialAddressCount is serial parameter 22.
type SerialAddressCount struct {
	Count uint8 `wire:"byte 1, bits 3:0"`
}

// SerialAddress is serial parameter 23: an address for PPP alerts.
type SerialAddress struct {
	Destination uint8       `wire:"byte 1, bits 3:0"` // the set selector; 0 is volatile
	Address     IPv4Address `wire:"byte 2-5"`
}

// SerialTerminalMode is serial parameter 29.
type SerialTerminalMode struct {
	Operation   TerminalModeWrite `wire:"byte 1, bits 7:6"`
	LineEditing bool              `wire:"bit 5"`
	// 0: answer DEL with DEL; 1: with backspace, space, backspace
	Delete    uint8 `wire:"bits 3:2"`
	Echo      bool  `wire:"bit 1"`
	Handshake bool  `wire:"bit 0"`
	// 0 nothing, 1 CR LF, 2 NUL, 3 CR, 4 LF CR, 5 LF
	OutputLine uint8 `wire:"byte 2, bits 7:4"`
	InputLine  uint8 `wire:"bits 3:0"` // 1 CR, 2 NUL
}

// A TerminalModeWrite says which version of SerialTerminalMode is written.
type TerminalModeWrite uint8

// Versions.
const (
	TerminalVolatile    TerminalModeWrite = 0
	TerminalNonVolatile TerminalModeWrite = 1
	TerminalRestore     TerminalModeWrite = 2 // the volatile one becomes the non-volatile one
)

// SerialPPPPrimaryPort is serial parameter 31: the UDP port of RMCP over PPP, by default 623.
type SerialPPPPrimaryPort struct {
	Port uint16 `wire:"byte 1-2"`
}

// SerialPPPSecondaryPort is serial parameter 32: the UDP port of secure RMCP over PPP, by default
// 664.
type SerialPPPSecondaryPort struct {
	Port uint16 `wire:"byte 1-2"`
}

// SerialCHAPName is serial parameter 34: how the BMC calls itself.
type SerialCHAPName struct {
	Name string `wire:"byte 1-16"`
}

// SerialPPPProxyHeader is serial parameter 45.
type SerialPPPProxyHeader struct {
	Source      IPv4Address `wire:"byte 1-4"`
	Destination IPv4Address `wire:"byte 5-8"`
}

// SerialPPPProxyTransmitSize is serial parameter 46.
type SerialPPPProxyTransmitSize struct {
	Bytes uint16 `wire:"byte 1-2"` // 0: there is no proxy
}

// SerialPPPProxyReceiveSize is serial parameter 47.
type SerialPPPProxyReceiveSize struct {
	Bytes uint16 `wire:"byte 1-2"` // 0: there is no proxy
}

// SerialPPPConsoleAddress is serial parameter 48: the address offered to a remote console.
type SerialPPPConsoleAddress struct {
	Address IPv4Address `wire:"byte 1-4"`
}

// SerialPhoneNumber is serial parameter 49: a block of 16 bytes of the number under which the
// system is called.
type SerialPhoneNumber struct {
	Block uint8  `wire:"byte 1"` // from 1
	Data  []byte `wire:"byte 2-"`
}

// SerialBitRates is serial parameter 50: the bit rates that the channel can have.
type SerialBitRates struct {
	Rate115200 bool `wire:"byte 1, bit 4"`
	Rate57600  bool `wire:"bit 3"`
	Rate38400  bool `wire:"bit 2"`
	Rate19200  bool `wire:"bit 1"`
	Rate9600   bool `wire:"bit 0"`
}

// SerialPortAssociation is serial parameter 51: what a connector is wired to.
type SerialPortAssociation struct {
	Entry      uint8 `wire:"byte 1"`           // the set selector, from 0
	Channel    uint8 `wire:"byte 2, bits 7:4"` // of IPMI over serial; 0: none
	Connector  uint8 `wire:"bits 3:0"`         // 0: none
	Shared     bool  `wire:"byte 3, bit 7"`    // with the system
	SOL        bool  `wire:"bit 6"`
	Controller uint8 `wire:"bits 3:0"` // of the system; 0: none
}

// SerialBadPassword is serial parameter 54: LANBadPassword for a serial channel.
type SerialBadPassword struct {
	Event         bool   `wire:"byte 1, bit 0"`
	Threshold     uint8  `wire:"byte 2"`
	ResetInterval uint16 `wire:"byte 3-4"` // in 10 s
	Lockout       uint16 `wire:"byte 5-6"` // in 10 s
}
