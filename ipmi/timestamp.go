package ipmi

import "time"

// A Timestamp is a point in time as records and clocks of a BMC hold it (§37): seconds since
// 1970-01-01 00:00 in whatever zone the BMC keeps, or seconds since the BMC started.
type Timestamp uint32

const (
	// TimestampUnspecified is the timestamp of what never happened or is not known.
	TimestampUnspecified Timestamp = 0xffffffff
	// timestampInit is the last value that counts seconds since the BMC's initialization.
	timestampInit Timestamp = 0x20000000
)

// TimestampOf returns the timestamp of t in UTC. Times outside 1970-2106 are TimestampUnspecified.
func TimestampOf(t time.Time) Timestamp {
	if s := t.Unix(); s >= 0 && s < int64(TimestampUnspecified) {
		return Timestamp(s)
	}
	return TimestampUnspecified
}

// Time returns the point in time, in UTC. It has a meaning only if t is neither unspecified nor
// SinceInit.
func (t Timestamp) Time() time.Time { return time.Unix(int64(t), 0).UTC() }

// SinceInit reports whether t counts the seconds since the BMC's initialization: its clock
// was not set when t was taken.
func (t Timestamp) SinceInit() bool { return t <= timestampInit }
