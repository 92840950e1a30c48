package ipmi

import "strings"

// PEFControl is PEF parameter 1.
type PEFControl struct {
	AlertStartupDelay bool `wire:"byte 1, bit 3"`
	StartupDelay      bool `wire:"bit 2"`
	EventMessages     bool `wire:"bit 1"` // PEF's actions are logged as events themselves
	Enabled           bool `wire:"bit 0"`
}

// PEFActionControl is PEF parameter 2: the actions that are enabled at all.
type PEFActionControl struct {
	Enabled PEFActions `wire:"byte 1, bits 5:0"`
}

// PEFStartupDelay is PEF parameter 3: how long PEF waits after a power-up or reset.
type PEFStartupDelay struct {
	Seconds uint8 `wire:"byte 1"`
}

// PEFAlertStartupDelay is PEF parameter 4: how long alerts wait after a power-up or reset.
type PEFAlertStartupDelay struct {
	Seconds uint8 `wire:"byte 1"`
}

// PEFFilterCount is PEF parameter 5.
type PEFFilterCount struct {
	Count uint8 `wire:"byte 1"`
}

// PEFFilter is PEF parameter 6: one entry of the event filter table (Table 17-2).
type PEFFilter struct {
	Entry       uint8 `wire:"byte 1"` // the set selector, from 1
	EventFilter `wire:"byte 2-21"`
}

// An EventFilter says what happens when an event arrives that looks so (Table 17-2).
type EventFilter struct {
	Enabled      bool        `wire:"byte 1, bit 7"`
	Kind         FilterKind  `wire:"bits 6:5"`
	Actions      PEFActions  `wire:"byte 2, bits 6:0"`
	GroupControl uint8       `wire:"byte 3, bits 6:4"` // entry of the group control table, from 1
	Policy       uint8       `wire:"bits 3:0"`         // alert policy set
	Severity     PEFSeverity `wire:"byte 4"`           // of the trap
	Generator    uint8       `wire:"byte 5"`           // slave address or software ID; FFh any
	GeneratorLUN uint8       `wire:"byte 6"`           // channel and LUN; FFh any
	SensorType   SensorType  `wire:"byte 7"`           // FFh any
	Sensor       uint8       `wire:"byte 8"`           // FFh any
	EventType    EventType   `wire:"byte 9"`           // FFh any
	Offsets      uint16      `wire:"byte 10-11"`       // bit n: events of offset n
	Data1        ByteFilter  `wire:"byte 12-14"`
	Data2        ByteFilter  `wire:"byte 15-17"`
	Data3        ByteFilter  `wire:"byte 18-20"`
}

// FilterAny in a field of an EventFilter matches any value.
const FilterAny = 0xff

// A FilterKind says who may change a filter.
type FilterKind uint8

// Filter kinds. The others are reserved.
const (
	FilterConfigurable  FilterKind = 0
	FilterPreconfigured FilterKind = 2 // software only enables and disables it
)

// String returns the kind as ipmitool pef filter list writes it.
func (k FilterKind) String() string {
	switch k {
	case FilterConfigurable:
		return "configurable"
	case FilterPreconfigured:
		return "pre-configured"
	}
	return "reserved"
}

// An PEFSeverity is a severity in a filter and a trap (Table 17-2).
type PEFSeverity uint8

// Severities.
const (
	PEFSeverityUnspecified    PEFSeverity = 0x00
	PEFSeverityMonitor        PEFSeverity = 0x01
	PEFSeverityInformation    PEFSeverity = 0x02
	PEFSeverityOK             PEFSeverity = 0x04
	PEFSeverityNonCritical    PEFSeverity = 0x08
	PEFSeverityCritical       PEFSeverity = 0x10
	PEFSeverityNonRecoverable PEFSeverity = 0x20
)

// String returns the severity as ipmitool pef filter list writes it: the worst of those that
// are set, None if none is.
func (s PEFSeverity) String() string {
	for _, w := range pefSeverityWords {
		if s&w.severity != 0 {
			return w.word
		}
	}
	return "None"
}

var pefSeverityWords = [...]struct {
	severity PEFSeverity
	word     string
}{
	{PEFSeverityNonRecoverable, "Non-recoverable"}, {PEFSeverityCritical, "Critical"}, {PEFSeverityNonCritical, "Warning"},
	{PEFSeverityOK, "OK"}, {PEFSeverityInformation, "Information"}, {PEFSeverityMonitor, "Monitor"},
}

// A ByteFilter is a condition for one byte of event data (§17.9).
type ByteFilter struct {
	Mask    uint8 `wire:"byte 1"` // bits that are looked at; the others count as 0
	Exact   uint8 `wire:"byte 2"` // Compare 1: bits that must all be as in Value
	Compare uint8 `wire:"byte 3"` // Compare 2: the bits' values
}

// Match reports whether b meets the condition: every bit in Exact is as in Compare and,
// where some bits are not in Exact, at least one of those is (Table 17-3). All three
// fields 0 match any byte.
func (f ByteFilter) Match(b byte) bool {
	same := ^(b&f.Mask ^ f.Compare)
	if same&f.Exact != f.Exact {
		return false
	}
	return f.Exact == 0xff || same&^f.Exact != 0
}

// Match reports whether the filter, enabled or not, matches an event: its two bytes of generator
// ID, the rest as in its event message (§17.7).
func (f EventFilter) Match(generator, generatorLUN uint8, e PlatformEvent) bool {
	same := func(want, got uint8) bool { return want == FilterAny || want == got }
	direction := uint8(e.EventType)
	if e.Deassertion {
		direction |= 0x80
	}
	return same(f.Generator, generator) && same(f.GeneratorLUN, generatorLUN) &&
		same(uint8(f.SensorType), uint8(e.SensorType)) && same(f.Sensor, e.Sensor) &&
		same(uint8(f.EventType), direction) &&
		f.Offsets>>(e.Data[0]&0xf)&1 != 0 &&
		f.Data1.Match(e.Data[0]) && f.Data2.Match(e.Data[1]) && f.Data3.Match(e.Data[2])
}

// PEFFilterState is PEF parameter 7: the first byte of an event filter, to enable and disable it.
type PEFFilterState struct {
	Entry   uint8      `wire:"byte 1"` // the set selector, from 1
	Enabled bool       `wire:"byte 2, bit 7"`
	Kind    FilterKind `wire:"bits 6:5"`
}

// PEFPolicyCount is PEF parameter 8.
type PEFPolicyCount struct {
	Count uint8 `wire:"byte 1, bits 6:0"`
}

// PEFPolicy is PEF parameter 9: one entry of the alert policy table (Table 17-4).
type PEFPolicy struct {
	Entry       uint8      `wire:"byte 1, bits 6:0"` // the set selector, from 1
	Set         uint8      `wire:"byte 2, bits 7:4"` // the policy set, from 1
	Enabled     bool       `wire:"bit 3"`
	Rule        PolicyRule `wire:"bits 2:0"`
	Channel     uint8      `wire:"byte 3, bits 7:4"`
	Destination uint8      `wire:"bits 3:0"`
	EventString bool       `wire:"byte 4, bit 7"` // String is an alert string set, not a selector
	String      uint8      `wire:"bits 6:0"`      // 0: no alert string
}

// A PolicyRule says when an entry of the alert policy table is used.
type PolicyRule uint8

// Policy rules: what follows where the alert before succeeded.
const (
	PolicyAlways          PolicyRule = 0 // sent in any case
	PolicyNextEntry       PolicyRule = 1 // on to the next entry
	PolicyStop            PolicyRule = 2 // no further entry
	PolicyNextChannel     PolicyRule = 3 // on to an entry of another channel
	PolicyNextDestination PolicyRule = 4 // on to an entry of another destination type
)

// String returns the rule as ipmitool pef policy list writes it.
func (r PolicyRule) String() string {
	switch r {
	case PolicyAlways:
		return "Match-always"
	case PolicyNextEntry:
		return "Try-next-entry"
	case PolicyStop:
		return "Try-next-set"
	case PolicyNextChannel:
		return "Try-next-channel"
	case PolicyNextDestination:
		return "Try-next-destination"
	}
	return "None"
}

// PEFSystemGUID is PEF parameter 10: the GUID of traps.
type PEFSystemGUID struct {
	Use  bool `wire:"byte 1, bit 0"` // false: the answer to Get System GUID is used
	GUID GUID `wire:"byte 2-17"`
}

// PEFStringCount is PEF parameter 11: the number of alert strings besides the volatile string 0.
type PEFStringCount struct {
	Count uint8 `wire:"byte 1, bits 6:0"`
}

// PEFStringKey is PEF parameter 12: for which filter and policy an alert string is.
type PEFStringKey struct {
	String uint8 `wire:"byte 1, bits 6:0"` // the set selector; 0 is volatile
	Filter uint8 `wire:"byte 2, bits 6:0"` // from 1; 0 is unspecified
	Set    uint8 `wire:"byte 3, bits 6:0"` // alert string set, from 1; 0 is unspecified
}

// PEFString is PEF parameter 13: one block of an alert string.
type PEFString struct {
	String uint8  `wire:"byte 1, bits 6:0"` // the set selector; 0 is volatile
	Block  uint8  `wire:"byte 2"`           // from 1
	Data   []byte `wire:"byte 3-"`          // at most 16 bytes; the string ends at a NUL
}

// AlertString puts the blocks of an alert string together, up to its NUL.
func AlertString(blocks []PEFString) string {
	var b strings.Builder
	for _, p := range blocks {
		s := cutNUL(p.Data)
		b.Write(s)
		if len(s) < len(p.Data) {
			break
		}
	}
	return b.String()
}

// PEFGroupControlCount is PEF parameter 14.
type PEFGroupControlCount struct {
	Count uint8 `wire:"byte 1"`
}

// PEFGroupControl is PEF parameter 15: a power control operation for a group of chassis on an ICMB.
type PEFGroupControl struct {
	Entry     uint8         `wire:"byte 1, bits 6:0"` // the set selector
	Force     bool          `wire:"byte 2, bit 5"`    // even if not all groups ask for it
	Delayed   bool          `wire:"bit 4"`
	Channel   uint8         `wire:"bits 3:0"` // of the ICMB
	Group0    GroupMember   `wire:"byte 3-4"`
	Group1    GroupMember   `wire:"byte 5-6"`
	Group2    GroupMember   `wire:"byte 7-8"`
	Group3    GroupMember   `wire:"byte 9-10"`
	Retries   uint8         `wire:"byte 11, bits 6:4"`
	Operation ChassisAction `wire:"bits 3:0"`
}

// A GroupMember is a chassis as a member of a group.
type GroupMember struct {
	Group     uint8 `wire:"byte 1"`        // from 1; 0 is unspecified, FFh all
	Unchecked bool  `wire:"byte 2, bit 4"` // whatever the member ID
	Member    uint8 `wire:"bits 3:0"`
}
