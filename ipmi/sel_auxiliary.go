package ipmi

import "encoding/binary"

// An AuxiliaryLog is a log besides the SEL whose status a BMC can report.
type AuxiliaryLog uint8

// Auxiliary logs.
const (
	LogMCA  AuxiliaryLog = 0 // machine check architecture
	LogOEM1 AuxiliaryLog = 1
	LogOEM2 AuxiliaryLog = 2
)

// GetAuxiliaryLogStatus is the Get Auxiliary Log Status command (§31.12).
type GetAuxiliaryLogStatus struct {
	Log AuxiliaryLog `wire:"byte 1, bits 3:0"`
}

// AuxiliaryLogStatus is its response (Table 31-12), and the end of the request that sets it.
// The form follows from the log: only the OEM logs have OEM.
type AuxiliaryLogStatus struct {
	LastEntry Timestamp
	Entries   uint32 // in the MCA log; FFFFFFFFh is unspecified
	OEM       *AuxiliaryLogOEM
}

// AuxiliaryLogOEM is the status of an OEM log.
type AuxiliaryLogOEM struct {
	OEM    ManufacturerID `wire:"byte 1-3"` // who says what Status means
	Status [8]byte        `wire:"byte 4-11"`
}

// AppendBinary appends the message to b.
func (m AuxiliaryLogStatus) AppendBinary(b []byte) ([]byte, error) {
	b = binary.LittleEndian.AppendUint32(b, uint32(m.LastEntry))
	if m.OEM != nil {
		return m.OEM.AppendBinary(b)
	}
	return binary.LittleEndian.AppendUint32(b, m.Entries), nil
}

// UnmarshalBinary reads the message from b; its length decides the form.
func (m *AuxiliaryLogStatus) UnmarshalBinary(b []byte) error {
	if len(b) < 8 {
		return &LengthError{Message: "AuxiliaryLogStatus", Got: len(b), Want: 8}
	}
	*m = AuxiliaryLogStatus{LastEntry: Timestamp(binary.LittleEndian.Uint32(b))}
	if len(b) >= 15 {
		m.OEM = new(AuxiliaryLogOEM)
		return m.OEM.UnmarshalBinary(b[4:])
	}
	m.Entries = binary.LittleEndian.Uint32(b[4:])
	return nil
}

// SetAuxiliaryLogStatus is the Set Auxiliary Log Status command (§31.13).
type SetAuxiliaryLogStatus struct {
	Log    AuxiliaryLog       `wire:"byte 1, bits 3:0"`
	Status AuxiliaryLogStatus `wire:"byte 2-"`
}
