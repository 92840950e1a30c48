package ipmi

// GetFRUInventoryAreaInfo is the Get FRU Inventory Area Info command (§34.1).
type GetFRUInventoryAreaInfo struct {
	Device uint8 `wire:"byte 1"` // FRU device ID; FFh is reserved
}

// FRUInventoryAreaInfo is its response (Table 34-2).
type FRUInventoryAreaInfo struct {
	Size    uint16 `wire:"byte 2-3"`      // bytes
	ByWords bool   `wire:"byte 4, bit 0"` // offsets and counts are in words of two bytes
}

// ReadFRUData is the Read FRU Data command (§34.2).
type ReadFRUData struct {
	Device uint8  `wire:"byte 1"`
	Offset uint16 `wire:"byte 2-3"` // bytes, or words of a device accessed by words
	Count  uint8  `wire:"byte 4"`
}

// FRUData is its response (Table 34-3).
type FRUData struct {
	Count uint8  `wire:"byte 2"` // bytes, or words of a device accessed by words
	Data  []byte `wire:"byte 3-"`
}

// WriteFRUData is the Write FRU Data command (§34.3).
type WriteFRUData struct {
	Device uint8  `wire:"byte 1"`
	Offset uint16 `wire:"byte 2-3"` // bytes, or words of a device accessed by words
	Data   []byte `wire:"byte 4-"`
}

// FRUWritten is its response (Table 34-4).
type FRUWritten struct {
	Count uint8 `wire:"byte 2"` // bytes, or words of a device accessed by words
}
