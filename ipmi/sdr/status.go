package sdr

import "lom/ipmi"

// A Status says where a threshold sensor's reading is, the worst crossed threshold first.
type Status uint8

// Statuses.
const (
	StatusOK Status = iota
	StatusLowerNonCritical
	StatusLowerCritical
	StatusLowerNonRecoverable
	StatusUpperNonCritical
	StatusUpperCritical
	StatusUpperNonRecoverable
)

// worstFirst is the order in which crossed thresholds count.
var worstFirst = [...]ipmi.Threshold{ipmi.LowerNonRecoverable, ipmi.UpperNonRecoverable,
	ipmi.LowerCritical, ipmi.UpperCritical, ipmi.LowerNonCritical, ipmi.UpperNonCritical}

// ThresholdStatus returns the status of a reading that crosses a set of thresholds.
func ThresholdStatus(crossed ipmi.ThresholdSet) Status {
	for _, t := range worstFirst {
		if crossed.Has(t) {
			return StatusLowerNonCritical + Status(t)
		}
	}
	return StatusOK
}

var statusWords = [...][3]string{
	StatusOK:                  {"ok", "ok", "ok"},
	StatusLowerNonCritical:    {"lnc", "nc", "Lower Non-Critical"},
	StatusLowerCritical:       {"lcr", "cr", "Lower Critical"},
	StatusLowerNonRecoverable: {"lnr", "nr", "Lower Non-Recoverable"},
	StatusUpperNonCritical:    {"unc", "nc", "Upper Non-Critical"},
	StatusUpperCritical:       {"ucr", "cr", "Upper Critical"},
	StatusUpperNonRecoverable: {"unr", "nr", "Upper Non-Recoverable"},
}

// String returns ok, lnc, lcr, lnr, unc, ucr or unr.
func (s Status) String() string { return statusWords[s%Status(len(statusWords))][0] }

// Short returns ok, nc, cr or nr.
func (s Status) Short() string { return statusWords[s%Status(len(statusWords))][1] }

// Long returns the status in full words; ok remains ok.
func (s Status) Long() string { return statusWords[s%Status(len(statusWords))][2] }

// Severity returns what the status means for the health of a system.
func (s Status) Severity() ipmi.Severity {
	switch s {
	case StatusOK:
		return ipmi.Nominal
	case StatusLowerNonCritical, StatusUpperNonCritical:
		return ipmi.Warning
	}
	return ipmi.Critical
}

// States returns the states that a discrete sensor asserts, by rising offset. States that
// the tables of §42 lack are left out.
func (s *Sensor) States(asserted ipmi.SensorStates) []ipmi.EventState {
	var out []ipmi.EventState
	for o := range uint8(15) {
		if !asserted.Has(o) {
			continue
		}
		if st, ok := ipmi.LookupState(s.EventType, s.SensorType, o); ok {
			out = append(out, st)
		}
	}
	return out
}

// Severity returns the worst of what a reading says. It is unknown when the sensor has no
// valid reading or is not scanned, or when the states have no meaning that is known.
func (s *Sensor) Severity(r ipmi.SensorReading) ipmi.Severity {
	if r.Unavailable || !r.Scanning {
		return ipmi.SeverityUnknown
	}
	var asserted ipmi.SensorStates
	if r.States != nil {
		asserted = *r.States
	}
	if s.EventType.Threshold() {
		return ThresholdStatus(asserted.Thresholds()).Severity()
	}
	asserted &= 0x7fff
	worst := ipmi.SeverityUnknown
	if asserted == 0 && (s.EventType.Generic() || s.EventType == ipmi.EventSensorSpecific) {
		return ipmi.Nominal
	}
	for _, st := range s.States(asserted) {
		worst = max(worst, st.Severity)
	}
	return worst
}
