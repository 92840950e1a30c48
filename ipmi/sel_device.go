package ipmi

// GetSELInfo is the Get SEL Info command (§31.2).
type GetSELInfo struct{}

// SELInfo is its response (Table 31-2).
type SELInfo struct {
	Version          uint8     `wire:"byte 2"`         // BCD with the digits swapped: 51h is 1.5
	Entries          uint16    `wire:"byte 3-4"`       // how many
	Free             uint16    `wire:"byte 5-6"`       // bytes; FFFFh is that or more
	LastAddition     Timestamp `wire:"byte 7-10"`      // TimestampUnspecified if there was none
	LastErase        Timestamp `wire:"byte 11-14"`     // when entries were last deleted
	Overflow         bool      `wire:"byte 15, bit 7"` // events were lost for lack of space
	CanDelete        bool      `wire:"bit 3"`
	CanPartialAdd    bool      `wire:"bit 2"`
	CanReserve       bool      `wire:"bit 1"`
	CanGetAllocation bool      `wire:"bit 0"`
}

// GetSELAllocationInfo is the Get SEL Allocation Info command (§31.3). Its
// response is an [AllocationInfo].
type GetSELAllocationInfo struct{}

// ReserveSEL is the Reserve SEL command (§31.4). Its response is a [Reservation].
type ReserveSEL struct{}

// GetSELEntry is the Get SEL Entry command (§31.5).
type GetSELEntry struct {
	Reservation uint16 `wire:"byte 1-2"` // needed when Offset is not 0
	Record      uint16 `wire:"byte 3-4"` // FirstRecord and LastRecord are understood
	Offset      uint8  `wire:"byte 5"`   // bytes into the record
	Count       uint8  `wire:"byte 6"`   // bytes; ReadAll is the whole record
}

// SELEntry is its response (Table 31-5).
type SELEntry struct {
	Next uint16 `wire:"byte 2-3"` // the record after this one; LastRecord if there is none
	Data []byte `wire:"byte 4-"`  // 16 bytes if the whole record was asked for
}

// AddSELEntry is the Add SEL Entry command (§31.6). The BMC sets the record ID
// and, unless the record's type is E0h or above, the timestamp. Its response is a [RecordID].
type AddSELEntry struct {
	Record [16]byte `wire:"byte 1-16"`
}

// PartialAddSELEntry is the Partial Add SEL Entry command (§31.7). Its response is a [RecordID].
type PartialAddSELEntry struct {
	Reservation uint16 `wire:"byte 1-2"`
	Record      uint16 `wire:"byte 3-4"` // 0 for the first part, then what the first answer said
	Offset      uint8  `wire:"byte 5"`   // parts follow each other without a gap
	Last        bool   `wire:"byte 6, bit 0"`
	Data        []byte `wire:"byte 7-"`
}

// DeleteSELEntry is the Delete SEL Entry command (§31.8). Its response is a [RecordID].
type DeleteSELEntry struct {
	Reservation uint16 `wire:"byte 1-2"`
	Record      uint16 `wire:"byte 3-4"` // FirstRecord and LastRecord are understood
}

// ClearSEL is the Clear SEL command (§31.9). Its response is an [Erasure].
type ClearSEL struct {
	Reservation uint16
	Action      EraseAction
}

// AppendBinary appends the message to b.
func (m ClearSEL) AppendBinary(b []byte) ([]byte, error) {
	return appendClear(b, m.Reservation, m.Action), nil
}

// WireSize returns the least and the greatest length of the message in bytes.
func (ClearSEL) WireSize() (least, greatest int) { return 6, 6 }

// UnmarshalBinary reads the message from b. A message without the word CLR is a
// CodeInvalidDataField.
func (m *ClearSEL) UnmarshalBinary(b []byte) (err error) {
	m.Reservation, m.Action, err = readClear(b, "ClearSEL")
	return err
}

// GetSELTime is the Get SEL Time command (§31.10). Its response is a [DeviceTime].
type GetSELTime struct{}

// SetSELTime is the Set SEL Time command (§31.11). It makes the UTC offset unspecified.
type SetSELTime struct {
	Time Timestamp `wire:"byte 1-4"`
}

// UTCOffsetUnspecified is the offset of a BMC that was not told one: its time is local time.
const UTCOffsetUnspecified int16 = 0x07ff

// GetSELTimeUTCOffset is the Get SEL Time UTC Offset command (§31.11a).
type GetSELTimeUTCOffset struct{}

// SELTimeUTCOffset is its response (Table 31-11a).
type SELTimeUTCOffset struct {
	Minutes int16 `wire:"byte 2-3"` // to add to UTC, -1440 to 1440, or UTCOffsetUnspecified
}

// SetSELTimeUTCOffset is the Set SEL Time UTC Offset command (§31.11b).
type SetSELTimeUTCOffset struct {
	Minutes int16 `wire:"byte 1-2"` // to add to UTC, -1440 to 1440, or UTCOffsetUnspecified
}
