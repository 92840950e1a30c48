package ipmi

// GetSDRRepositoryInfo is the Get SDR Repository Info command (§33.9).
type GetSDRRepositoryInfo struct{}

// SDRRepositoryInfo is its response (Table 33-3).
type SDRRepositoryInfo struct {
	Version uint8  `wire:"byte 2"`   // BCD with the digits swapped: 51h is 1.5
	Records uint16 `wire:"byte 3-4"` // how many
	// bytes; FFFEh is that or more, FFFFh unspecified
	Free             uint16        `wire:"byte 5-6"`
	LastAddition     Timestamp     `wire:"byte 7-10"`
	LastErase        Timestamp     `wire:"byte 11-14"`
	Overflow         bool          `wire:"byte 15, bit 7"` // a record was refused for lack of space
	Update           SDRUpdateMode `wire:"bits 6:5"`
	CanDelete        bool          `wire:"bit 3"`
	CanPartialAdd    bool          `wire:"bit 2"`
	CanReserve       bool          `wire:"bit 1"`
	CanGetAllocation bool          `wire:"bit 0"`
}

// An SDRUpdateMode says how an SDR repository can be written: at any time (non-modal),
// or in an update mode in which sensors may not be watched (modal).
type SDRUpdateMode uint8

// SDR repository update modes.
const (
	SDRUpdateUnspecified SDRUpdateMode = 0
	SDRUpdateNonModal    SDRUpdateMode = 1
	SDRUpdateModal       SDRUpdateMode = 2
	SDRUpdateBoth        SDRUpdateMode = 3
)

// String returns the mode as ipmitool sdr info writes it.
func (m SDRUpdateMode) String() string {
	switch m {
	case SDRUpdateNonModal:
		return "non-modal"
	case SDRUpdateModal:
		return "modal"
	case SDRUpdateBoth:
		return "modal and non-modal"
	}
	return "unspecified"
}

// GetSDRRepositoryAllocationInfo is the Get SDR Repository Allocation Info command (§33.10).
// Its response is an [AllocationInfo].
type GetSDRRepositoryAllocationInfo struct{}

// ReserveSDRRepository is the Reserve SDR Repository command (§33.11). Its response is a
// [Reservation].
type ReserveSDRRepository struct{}

// GetSDR is the Get SDR command (§33.12).
type GetSDR struct {
	Reservation uint16 `wire:"byte 1-2"` // needed when Offset is not 0
	Record      uint16 `wire:"byte 3-4"` // FirstRecord and LastRecord are understood
	Offset      uint8  `wire:"byte 5"`   // bytes into the record
	Count       uint8  `wire:"byte 6"`   // bytes; ReadAll is the whole record
}

// SDRData is the response of Get SDR (Table 33-6) and Get Device SDR (Table 35-3).
type SDRData struct {
	Next uint16 `wire:"byte 2-3"` // the record after this one; LastRecord if there is none
	Data []byte `wire:"byte 4-"`  // the bytes asked for
}

// AddSDR is the Add SDR command (§33.13). The BMC sets the record ID. Its response is a [RecordID].
type AddSDR struct {
	Data []byte `wire:"byte 1-"` // the whole record
}

// PartialAddSDR is the Partial Add SDR command (§33.14). Its response is a [RecordID].
type PartialAddSDR struct {
	Reservation uint16 `wire:"byte 1-2"`
	Record      uint16 `wire:"byte 3-4"` // 0 for the first part, then what the first answer said
	Offset      uint8  `wire:"byte 5"`   // parts follow each other without a gap
	Last        bool   `wire:"byte 6, bit 0"`
	Data        []byte `wire:"byte 7-"`
}

// DeleteSDR is the Delete SDR command (§33.15). Its response is a [RecordID].
type DeleteSDR struct {
	Reservation uint16 `wire:"byte 1-2"`
	Record      uint16 `wire:"byte 3-4"`
}

// ClearSDRRepository is the Clear SDR Repository command (§33.16). Its response is an [Erasure].
type ClearSDRRepository struct {
	Reservation uint16
	Action      EraseAction
}

// AppendBinary appends the message to b.
func (m ClearSDRRepository) AppendBinary(b []byte) ([]byte, error) {
	return appendClear(b, m.Reservation, m.Action), nil
}

// WireSize returns the least and the greatest length of the message in bytes.
func (ClearSDRRepository) WireSize() (least, greatest int) { return 6, 6 }

// UnmarshalBinary reads the message from b. A message without the word CLR is a
// CodeInvalidDataField.
func (m *ClearSDRRepository) UnmarshalBinary(b []byte) (err error) {
	m.Reservation, m.Action, err = readClear(b, "ClearSDRRepository")
	return err
}

// GetSDRRepositoryTime is the Get SDR Repository Time command (§33.17). Its response is a
// [DeviceTime].
type GetSDRRepositoryTime struct{}

// SetSDRRepositoryTime is the Set SDR Repository Time command (§33.18).
type SetSDRRepositoryTime struct {
	Time Timestamp `wire:"byte 1-4"`
}

// EnterSDRRepositoryUpdateMode is the Enter SDR Repository Update Mode command (§33.19).
type EnterSDRRepositoryUpdateMode struct{}

// ExitSDRRepositoryUpdateMode is the Exit SDR Repository Update Mode command (§33.20).
type ExitSDRRepositoryUpdateMode struct{}

// RunInitializationAgent is the Run Initialization Agent command (§33.21).
type RunInitializationAgent struct {
	Run bool `wire:"byte 1, bit 0"` // false asks whether it has finished
}

// InitializationAgentStatus is its response (Table 33-15).
type InitializationAgentStatus struct {
	Done bool `wire:"byte 2, bit 0"`
}
