package ipmi

// An EntityID says what kind of part a sensor or a device belongs to (Table 43-13).
type EntityID uint8

// String returns the entity's name as ipmitool prints it; "" stands for an ID that has none.
func (e EntityID) String() string { return entityNames[e] }

// An EntityInstance is the number that distinguishes entities of one kind. Numbers from
// 60h are relative to the device that owns the sensor (§39.1).
type EntityInstance uint8

// Relative says whether the number holds only within the owner of the record.
func (i EntityInstance) Relative() bool { return i&0x7f >= 0x60 }

// A Unit is what a sensor's reading is counted in (Table 43-15).
type Unit uint8

// Units that programs ask for by name; units.txt has them all.
const (
	UnitUnspecified Unit = 0
	UnitDegreesC    Unit = 1
	UnitDegreesF    Unit = 2
	UnitKelvin      Unit = 3
	UnitVolts       Unit = 4
	UnitAmps        Unit = 5
	UnitWatts       Unit = 6
	UnitJoules      Unit = 7
	UnitCFM         Unit = 17
	UnitRPM         Unit = 18
	UnitHz          Unit = 19
	UnitMinute      Unit = 23
	UnitHour        Unit = 24
)

// String returns the unit's name as ipmitool prints it; "" stands for a code that has none.
func (u Unit) String() string { return unitNames[u] }

// A Manufacturer is an IANA private enterprise number (20 bits in Get Device ID).
type Manufacturer uint32

// Name returns the organization's name as IANA has it, and false for one that is not in
// the list of makers of BMCs.
func (m Manufacturer) Name() (string, bool) {
	n, ok := manufacturerNames[m]
	return n, ok
}
