package ipmi

import (
	"encoding/binary"
	"fmt"
	"time"
)

// GetSystemGUID is the Get System GUID command (§22.14).
type GetSystemGUID struct{}

// SystemGUID is its response (Table 22-17).
type SystemGUID struct {
	GUID GUID `wire:"byte 2-17"`
}

// GetDeviceGUID is the Get Device GUID command (§20.8): the controller's own, not the system's.
type GetDeviceGUID struct{}

// DeviceGUID is its response (Table 20-9).
type DeviceGUID struct {
	GUID GUID `wire:"byte 2-17"`
}

// A GUID is the sixteen bytes of a globally unique identifier in the order in which they are sent.
// What they look like to a person depends on the order in which the BMC sends the fields, and makes
// differ in that: see [GUIDOrder].
type GUID [16]byte

// A GUIDOrder is a way of laying out a GUID's fields in its bytes.
type GUIDOrder uint8

// GUID orders, the strongest guess last.
const (
	GUIDRFC4122 GUIDOrder = iota // most significant byte first, time first
	// the reverse of RFC 4122, as IPMI asked for before errata 7 (Table 20-10)
	GUIDIPMI
	GUIDSMBIOS // RFC 4122 with the three time fields least significant byte first
	GUIDDump   // no known one: the bytes as they came
)

// String returns the order's name as ipmitool writes it.
func (o GUIDOrder) String() string {
	switch o {
	case GUIDRFC4122:
		return "RFC4122"
	case GUIDIPMI:
		return "IPMI"
	case GUIDSMBIOS:
		return "SMBIOS"
	}
	return "Unknown (data dumped)"
}

// In returns the GUID in RFC 4122 order, taking its bytes to be in order o. It is its own
// inverse: In(o) of a GUID in RFC 4122 order is what a BMC of order o sends.
func (g GUID) In(o GUIDOrder) GUID {
	switch o {
	case GUIDIPMI:
		for i, j := 0, 15; i < j; i, j = i+1, j-1 {
			g[i], g[j] = g[j], g[i]
		}
	case GUIDSMBIOS:
		g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
		g[4], g[5] = g[5], g[4]
		g[6], g[7] = g[7], g[6]
	}
	return g
}

// Format writes the GUID as people see it, taking its bytes to be in order o: in five groups of
// lower case, or for GUIDDump as 32 digits in upper case.
func (g GUID) Format(o GUIDOrder) string {
	if o >= GUIDDump {
		return fmt.Sprintf("%X", g[:])
	}
	r := g.In(o)
	return fmt.Sprintf("%x-%x-%x-%x-%x", r[0:4], r[4:6], r[6:8], r[8:10], r[10:16])
}

// String returns the GUID in SMBIOS order, which most BMCs use.
func (g GUID) String() string { return g.Format(GUIDSMBIOS) }

// A GUIDVersion says how a GUID was made (RFC 4122 §4.1.3).
type GUIDVersion uint8

// GUID versions.
const (
	GUIDTimeBased GUIDVersion = 1
	GUIDSecurity  GUIDVersion = 2 // DCE; not for IPMI
	GUIDNameMD5   GUIDVersion = 3
	GUIDRandom    GUIDVersion = 4
	GUIDNameSHA1  GUIDVersion = 5
)

// Known reports whether RFC 4122 defines the version.
func (v GUIDVersion) Known() bool { return v >= GUIDTimeBased && v <= GUIDNameSHA1 }

// String returns the version as ipmitool writes it.
func (v GUIDVersion) String() string {
	switch v {
	case GUIDTimeBased:
		return "Time-based"
	case GUIDSecurity:
		return "DCE Security with POSIX UIDs (not for IPMI)"
	case GUIDNameMD5:
		return "Name-based using MD5"
	case GUIDRandom:
		return "Random or pseudo-random"
	case GUIDNameSHA1:
		return "Name-based using SHA-1"
	}
	return fmt.Sprintf("Unknown/unsupported (%d)", uint8(v))
}

// Version returns the version that the GUID has in order o.
func (g GUID) Version(o GUIDOrder) GUIDVersion { return GUIDVersion(g.In(o)[6] >> 4) }

// Time returns when a time-based GUID was made, taking its bytes to be in order o, to the second.
func (g GUID) Time(o GUIDOrder) time.Time {
	r := g.In(o)
	// 60 bits of 100 ns since the beginning of the Gregorian calendar, 1582-10-15.
	ticks := uint64(binary.BigEndian.Uint16(r[6:])&0xfff)<<48 |
		uint64(binary.BigEndian.Uint16(r[4:]))<<32 |
		uint64(binary.BigEndian.Uint32(r[0:]))
	const gregorianToUnix = 12219292800 // seconds
	return time.Unix(int64(ticks/1e7)-gregorianToUnix, 0).UTC()
}

// Order guesses the order of the GUID's bytes, as ipmitool does: the last order in which the
// version is known; but the first in which the GUID is time-based and was made between 1970 and the
// end of now's year is taken at once.
func (g GUID) Order(now time.Time) GUIDOrder {
	found := GUIDDump
	for o := GUIDRFC4122; o < GUIDDump; o++ {
		v := g.Version(o)
		if !v.Known() {
			continue
		}
		found = o
		if y := g.Time(o).Year(); v == GUIDTimeBased && y >= 1970 && y <= now.UTC().Year() {
			break
		}
	}
	return found
}
