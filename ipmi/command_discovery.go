package ipmi

// GetNetFnSupport is the Get NetFn Support command (§21.2).
type GetNetFnSupport struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
}

// NetFnSupport is its response (Table 21-2).
type NetFnSupport struct {
	LUN3 LUNSupport `wire:"byte 2, bits 7:6"`
	LUN2 LUNSupport `wire:"bits 5:4"`
	LUN1 LUNSupport `wire:"bits 3:2"`
	LUN0 LUNSupport `wire:"bits 1:0"`
	// Pairs is four bytes a LUN, from LUN 0: bit n of the four is the pair of network functions 2n
	// and 2n+1.
	Pairs [16]byte `wire:"byte 3-18"`
}

// Has reports whether commands of n are there on a LUN from 0 to 3.
func (s NetFnSupport) Has(lun uint8, n NetFn) bool {
	if lun > 3 || n > 0x3f {
		return false
	}
	pair := n / 2
	return s.Pairs[4*lun+uint8(pair/8)]>>(pair%8)&1 != 0
}

// LUNSupport says whether there are commands on a LUN.
type LUNSupport uint8

// LUN support.
const (
	LUNNone       LUNSupport = 0
	LUNOpen       LUNSupport = 1 // as the specification has them
	LUNRestricted LUNSupport = 2 // some may be closed by the firmware firewall
)

// GetCommandSupport is the Get Command Support command (§21.3): 128 command numbers of a network
// function.
type GetCommandSupport struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	Half    uint8 `wire:"byte 2, bits 7:6"` // 0: commands 00h-7Fh, 1: commands 80h-FFh
	NetFn   NetFn `wire:"bits 5:0"`
	LUN     uint8 `wire:"byte 3, bits 1:0"`
	// the defining body under NetFnGroup (1 byte) and NetFnOEM (3 bytes)
	Body []byte `wire:"byte 4-"`
}

// CommandSupport is its response (Table 21-3).
type CommandSupport struct {
	Missing [16]byte `wire:"byte 2-17"` // bit n: the n-th command is not available
}

// Has reports whether the command is there that has this number in its half.
func (s CommandSupport) Has(number uint8) bool {
	n := number & 0x7f
	return s.Missing[n/8]>>(n%8)&1 == 0
}

// GetOEMNetFnIANASupport is the Get OEM NetFn IANA Support command (§21.11).
type GetOEMNetFnIANASupport struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	NetFn   NetFn `wire:"byte 2, bits 5:0"` // NetFnGroup or NetFnOEM
	Index   uint8 `wire:"byte 3, bits 5:0"` // from 0 until Last
}

// OEMNetFnIANASupport is its response (Table 21-11).
type OEMNetFnIANASupport struct {
	Last bool       `wire:"byte 2, bit 7"`
	LUN3 LUNSupport `wire:"byte 3, bits 7:6"`
	LUN2 LUNSupport `wire:"bits 5:4"`
	LUN1 LUNSupport `wire:"bits 3:2"`
	LUN0 LUNSupport `wire:"bits 1:0"`
	Body []byte     `wire:"byte 4-"` // 1 byte under NetFnGroup, 3 bytes under NetFnOEM
}
