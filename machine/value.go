package machine

import (
	"encoding/hex"
	"strings"
	"time"

	"lom/ipmi"
)

// UnitSuffixes are the last words of the names of fields whose values have a unit. Other units are
// written out in a field of their own ("unit").
var UnitSuffixes = []string{
	"seconds", "minutes", "hours", "watts", "celsius", "percent", "bytes", "bits_per_second",
	"volts", "amperes",
}

// Bytes are bytes as they were read; as text they are hexadecimal.
type Bytes []byte

// MarshalText returns the bytes in lower-case hexadecimal.
func (b Bytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

// UnmarshalText reads hexadecimal text.
func (b *Bytes) UnmarshalText(text []byte) error {
	var err error
	*b, err = hex.AppendDecode(nil, text)
	return err
}

// timeOf returns the time of a timestamp in UTC, and the zero time for one that is not known: not
// specified, or counted from the start of the BMC (§37.1).
func timeOf(t ipmi.Timestamp) time.Time {
	if t == ipmi.TimestampUnspecified || t.SinceInit() {
		return time.Time{}
	}
	return t.Time().UTC()
}

// sinceInit returns how many seconds after the start of the BMC a timestamp is, and nil for one
// that is a time of day.
func sinceInit(t ipmi.Timestamp) *uint32 {
	if t == ipmi.TimestampUnspecified || !t.SinceInit() {
		return nil
	}
	return new(uint32(t))
}

// word makes a lower-case word of a name: "ALWAYS-ON" is always-on, "Power Supply" power-supply.
func word(name string) string {
	return strings.Join(strings.Fields(strings.ToLower(name)), "-")
}

// privilegeWord is the word for a privilege level, "unknown" for a number that is none.
func privilegeWord(p ipmi.Privilege) string {
	switch {
	case p >= ipmi.PrivilegeCallback && p <= ipmi.PrivilegeOEM:
		return word(p.String())
	case p == ipmi.PrivilegeNoAccess:
		return "no-access"
	}
	return "unknown"
}
