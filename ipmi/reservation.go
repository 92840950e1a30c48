package ipmi

// Record IDs with a meaning of their own in the requests of the SDR repository and the SEL.
const (
	FirstRecord uint16 = 0x0000
	// LastRecord asks for the last record; as the next record of an answer it
	// says that there is none.
	LastRecord uint16 = 0xffff
)

// ReadAll as the count of a Get SDR, Get Device SDR or Get SEL Entry asks for the whole record.
const ReadAll uint8 = 0xff

// Reservation is the response of the commands that reserve a repository (Tables 31-4, 33-5, 35-4).
// Its ID goes into requests that would otherwise hit a repository changed since.
type Reservation struct {
	ID uint16 `wire:"byte 2-3"`
}

// RecordID is the response of the commands that add or delete a record
// (Tables 31-6 to 31-8, 33-7 to 33-9).
type RecordID struct {
	ID uint16 `wire:"byte 2-3"`
}

// AllocationInfo is the response of Get SEL Allocation Info (Table 31-3) and
// of Get SDR Repository Allocation Info (Table 33-4). Units of 0 are unspecified.
type AllocationInfo struct {
	Units       uint16 `wire:"byte 2-3"` // that can be allocated in all
	UnitSize    uint16 `wire:"byte 4-5"` // bytes
	Free        uint16 `wire:"byte 6-7"`
	LargestFree uint16 `wire:"byte 8-9"` // units in a row
	MaxRecord   uint8  `wire:"byte 10"`  // units
}

// DeviceTime is the response of Get SEL Time (Table 31-10) and Get SDR
// Repository Time (Table 33-11).
type DeviceTime struct {
	Time Timestamp `wire:"byte 2-5"`
}

// An EraseAction is what Clear SEL and Clear SDR Repository do.
type EraseAction uint8

// Erase actions.
const (
	EraseStatus EraseAction = 0x00 // ask how far an erasure is
	EraseStart  EraseAction = 0xaa
)

// Erasure is the response of Clear SEL (Table 31-9) and Clear SDR Repository (Table 33-10).
type Erasure struct {
	Progress ErasureProgress `wire:"byte 2, bits 3:0"`
}

// An ErasureProgress says how far an erasure is.
type ErasureProgress uint8

// Erasure progress.
const (
	ErasureRunning ErasureProgress = 0
	ErasureDone    ErasureProgress = 1
)

// clearWord stands in both clear commands, against accidents.
const clearWord = "CLR"

func appendClear(b []byte, reservation uint16, a EraseAction) []byte {
	b = append(b, byte(reservation), byte(reservation>>8))
	b = append(b, clearWord...)
	return append(b, byte(a))
}

// readClear returns CodeInvalidDataField where the word is not CLR.
func readClear(b []byte, message string) (reservation uint16, a EraseAction, err error) {
	if len(b) < 6 {
		return 0, 0, &LengthError{Message: message, Got: len(b), Want: 6}
	}
	if string(b[2:5]) != clearWord {
		return 0, 0, CodeInvalidDataField
	}
	return uint16(b[0]) | uint16(b[1])<<8, EraseAction(b[5]), nil
}
