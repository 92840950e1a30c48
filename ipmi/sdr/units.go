package sdr

import "lom/ipmi"

// A Format says how a sensor's raw readings and thresholds are numbers.
type Format uint8

// Formats.
const (
	Unsigned  Format = 0
	OnesComp  Format = 1
	TwosComp  Format = 2
	NotAnalog Format = 3
)

// A Relation is how a modifier unit changes the base unit.
type Relation uint8

// Relations.
const (
	RelationNone  Relation = 0
	RelationBy    Relation = 1 // base unit / modifier unit
	RelationTimes Relation = 2 // base unit * modifier unit
)

// A Rate is the time that a reading is counted by.
type Rate uint8

// String returns "per second" and the like, and "" for none.
func (r Rate) String() string {
	words := []string{"", "per µs", "per ms", "per second", "per minute", "per hour", "per day"}
	if int(r) < len(words) {
		return words[r]
	}
	return ""
}

// Units are what a sensor counts in (bytes 21 to 23 of Tables 43-1 and 43-2).
type Units struct {
	Format   Format    `wire:"byte 1, bits 7:6"`
	Rate     Rate      `wire:"bits 5:3"`
	Relation Relation  `wire:"bits 2:1"`
	Percent  bool      `wire:"bit 0"`
	Base     ipmi.Unit `wire:"byte 2"`
	Modifier ipmi.Unit `wire:"byte 3"`
}

// Name returns the unit as ipmitool writes it, which leaves out the rate.
func (u Units) Name() string {
	base, mod := unitName(u.Base), unitName(u.Modifier)
	percent := ""
	if u.Percent {
		percent = "% "
	}
	switch {
	case u.Relation == RelationTimes:
		return percent + base + "*" + mod
	case u.Relation == RelationBy:
		return percent + base + "/" + mod
	case u.Base == ipmi.UnitUnspecified && u.Percent:
		return "percent"
	}
	return percent + base
}

// String returns the unit with its rate.
func (u Units) String() string {
	if r := u.Rate.String(); r != "" {
		return u.Name() + " " + r
	}
	return u.Name()
}

func unitName(u ipmi.Unit) string {
	if n := u.String(); n != "" {
		return n
	}
	return "invalid"
}
