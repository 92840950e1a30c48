package machine

import (
	"fmt"
	"strconv"
	"strings"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// A SensorType is a sensor type that has a name (Table 42-3).
type SensorType struct {
	Type uint8  `json:"type"`
	Name string `json:"name"`
}

// lastSensorType is the last of the sensor types that are not a maker's own.
const lastSensorType = 0x2c

// SensorTypes returns the sensor types that have a name.
func SensorTypes() []SensorType {
	var list []SensorType
	for t := ipmi.SensorType(1); t <= lastSensorType; t++ {
		list = append(list, SensorType{uint8(t), t.String()})
	}
	return list
}

// ParseSensorType returns the sensor type with a name, or with a number that begins with 0x.
func ParseSensorType(s string) (ipmi.SensorType, error) {
	if strings.HasPrefix(s, "0x") {
		n, err := strconv.ParseUint(s, 0, 8)
		if err != nil {
			return 0, fmt.Errorf("sensor type %q is not a number from 0x00 to 0xff", s)
		}
		return ipmi.SensorType(n), nil
	}
	for t := ipmi.SensorType(1); t <= lastSensorType; t++ {
		if strings.EqualFold(t.String(), s) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("there is no sensor type %q", s)
}

// An EntityID is an entity that has a name (Table 43-13).
type EntityID struct {
	ID   uint8  `json:"id"`
	Name string `json:"name"`
}

// EntityIDs returns the entities that have a name.
func EntityIDs() []EntityID {
	var list []EntityID
	for id := range 256 {
		if n := ipmi.EntityID(id).String(); n != "" {
			list = append(list, EntityID{uint8(id), n})
		}
	}
	return list
}

// StateWords returns the words of the states of a sensor, only of those that ipmitool has words
// for.
func StateWords(s *sdr.Sensor, states ipmi.SensorStates) []string {
	var words []string
	for o := range uint8(15) {
		if !states.Has(o) {
			continue
		}
		if st, ok := ipmi.LookupState(s.EventType, s.SensorType, o); ok && !st.Added {
			words = append(words, st.Words)
		}
	}
	return words
}
