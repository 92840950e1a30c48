package ipmi

// GlobalEnables is the settings of Set and Get BMC Global Enables (Tables 22-2 and 22-3).
type GlobalEnables struct {
	OEM2               bool `wire:"byte 1, bit 7"`
	OEM1               bool `wire:"bit 6"`
	OEM0               bool `wire:"bit 5"`
	EventLogging       bool `wire:"bit 3"` // events go to the SEL
	EventBuffer        bool `wire:"bit 2"` // the event message buffer
	EventBufferFullIRQ bool `wire:"bit 1"` // interrupt when it is full
	// interrupt when a message is received; also KCS communication
	ReceiveQueueIRQ bool `wire:"bit 0"`
}

// SetBMCGlobalEnables is the Set BMC Global Enables command (§22.1).
type SetBMCGlobalEnables struct {
	Enables GlobalEnables `wire:"byte 1"`
}

// GetBMCGlobalEnables is the Get BMC Global Enables command (§22.2).
type GetBMCGlobalEnables struct{}

// BMCGlobalEnables is its response.
type BMCGlobalEnables struct {
	Enables GlobalEnables `wire:"byte 2"`
}

// MessageFlags says what waits to be read by system management software (Tables 22-4 and 22-5).
type MessageFlags struct {
	OEM2               bool `wire:"byte 1, bit 7"`
	OEM1               bool `wire:"bit 6"`
	OEM0               bool `wire:"bit 5"`
	WatchdogPreTimeout bool `wire:"bit 3"` // its interrupt occurred
	EventBuffer        bool `wire:"bit 1"` // the event message buffer is full
	ReceiveQueue       bool `wire:"bit 0"` // messages wait
}

// ClearMessageFlags is the Clear Message Flags command (§22.3). What is set is cleared, buffers
// included.
type ClearMessageFlags struct {
	Clear MessageFlags `wire:"byte 1"`
}

// GetMessageFlags is the Get Message Flags command (§22.4).
type GetMessageFlags struct{}

// PresentMessageFlags is its response.
type PresentMessageFlags struct {
	Flags MessageFlags `wire:"byte 2"`
}

// EnableMessageChannelReceive is the Enable Message Channel Receive command (§22.5): whether
// messages of a channel reach the receive message queue.
type EnableMessageChannelReceive struct {
	Channel uint8        `wire:"byte 1, bits 3:0"`
	State   ReceiveState `wire:"byte 2, bits 1:0"`
}

// A ReceiveState is what Enable Message Channel Receive does.
type ReceiveState uint8

// Receive states.
const (
	ReceiveDisable ReceiveState = 0
	ReceiveEnable  ReceiveState = 1
	ReceiveAsk     ReceiveState = 2 // changes nothing
)

// MessageChannelReceive is its response.
type MessageChannelReceive struct {
	Channel uint8 `wire:"byte 2, bits 3:0"`
	Enabled bool  `wire:"byte 3, bit 0"`
}

// GetMessage is the Get Message command (§22.6). CodeQueueEmpty says that there is none.
type GetMessage struct{}

// Message is its response: a message of the receive message queue (Table 22-7).
type Message struct {
	Privilege Privilege `wire:"byte 2, bits 7:4"` // inferred; 0 if the channel has no sessions
	Channel   uint8     `wire:"bits 3:0"`
	Data      []byte    `wire:"byte 3-"` // as Table 22-8 says for the channel
}

// CodeQueueEmpty is Get Message's and Read Event Message Buffer's code for: nothing there.
const CodeQueueEmpty CompletionCode = 0x80

// SendMessage is the Send Message command (§22.7), the carrier of bridged messages.
type SendMessage struct {
	Tracking     MessageTracking `wire:"byte 1, bits 7:6"`
	Encrypt      bool            `wire:"bit 5"`
	Authenticate bool            `wire:"bit 4"`
	Channel      uint8           `wire:"bits 3:0"`
	// as Table 22-10 says for the channel; on IPMB from rsSA to the second checksum
	Data []byte `wire:"byte 2-"`
}

// MessageTracking says whether the BMC brings the answer to a sent message back to the requester.
type MessageTracking uint8

// Message tracking.
const (
	NoTracking   MessageTracking = 0 // the answer goes to the receive message queue
	TrackRequest MessageTracking = 1 // the answer comes back as a response of its own
	SendRaw      MessageTracking = 2 // the data is put on the channel as it is
)

// SentMessage is its response. Data is there only for requests from an IPMB to a channel with
// sessions.
type SentMessage struct {
	Data []byte `wire:"byte 2-"`
}

// Completion codes of Send Message and Master Write-Read.
const (
	CodeInvalidSessionHandle CompletionCode = 0x80 // Send Message only
	CodeLostArbitration      CompletionCode = 0x81
	CodeBusError             CompletionCode = 0x82
	CodeNAKOnWrite           CompletionCode = 0x83
	CodeTruncatedRead        CompletionCode = 0x84 // Master Write-Read only
)

// ReadEventMessageBuffer is the Read Event Message Buffer command (§22.8).
type ReadEventMessageBuffer struct{}

// EventMessage is its response: an event in the format of a SEL record. Its record ID is FFFFh if
// it was not logged.
type EventMessage struct {
	Record [16]byte `wire:"byte 2-17"`
}

// MasterWriteRead is the Master Write-Read command (§22.11): writes to and reads from a device on
// an I2C bus behind the controller.
type MasterWriteRead struct {
	Channel   uint8  `wire:"byte 1, bits 7:4"` // of a public bus
	Bus       uint8  `wire:"bits 3:1"`         // number of a private bus
	Private   bool   `wire:"bit 0"`
	Address   uint8  `wire:"byte 2"`  // the slave address as 8 bits; bit 0 is 0
	ReadCount uint8  `wire:"byte 3"`  // bytes to read
	Data      []byte `wire:"byte 4-"` // to write
}

// MasterRead is its response.
type MasterRead struct {
	Data []byte `wire:"byte 2-"`
}
