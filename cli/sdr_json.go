package cli

import (
	"math"

	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

// sensorJSON is a record in JSON, with what its sensor says.
type sensorJSON struct {
	Record     uint16              `json:"record_id"`
	RecordType string              `json:"record_type"`
	Name       string              `json:"name,omitempty"`
	Number     *uint8              `json:"sensor_number,omitempty"`
	Owner      *uint8              `json:"owner,omitempty"`
	LUN        uint8               `json:"owner_lun,omitempty"`
	Entity     *entityJSON         `json:"entity,omitempty"`
	SensorType string              `json:"sensor_type,omitempty"`
	EventType  *uint8              `json:"event_type,omitempty"`
	Status     string              `json:"status,omitempty"`   // ok, lnc … unr; ns: no reading
	Severity   string              `json:"severity,omitempty"` // nominal, warning, critical, unknown
	Value      *float64            `json:"value,omitempty"`
	Units      string              `json:"units,omitempty"`
	Raw        *uint8              `json:"raw,omitempty"`
	States     []string            `json:"states,omitempty"`
	Thresholds map[string]*float64 `json:"thresholds,omitempty"`
}

type entityJSON struct {
	ID       uint8  `json:"id"`
	Instance uint8  `json:"instance"`
	Name     string `json:"name"`
}

func sensorList(views []*sensorView) []sensorJSON {
	out := make([]sensorJSON, 0, len(views))
	for _, v := range views {
		out = append(out, v.json())
	}
	return out
}

func (v *sensorView) json() sensorJSON {
	h := v.record.RecordHeader()
	j := sensorJSON{Record: h.ID, RecordType: h.RecordType.String()}
	j.Name, _ = machine.RecordName(v.record)
	if e, ok := machine.RecordEntity(v.record); ok {
		j.Entity = &entityJSON{uint8(e.ID), uint8(e.Instance), entityName(e.ID)}
	}
	if e, ok := v.record.(*sdr.EventOnly); ok {
		j.setKey(e.Key, e.SensorType, e.EventType)
		j.Status = "ns"
	}
	if v.sensor == nil {
		return j
	}
	s := v.sensor
	j.setKey(s.Key, s.SensorType, s.EventType)
	states := ipmi.SensorStates(v.states[0]) | ipmi.SensorStates(v.states[1])<<8
	j.Severity = severityWord(s.Severity(ipmi.SensorReading{Scanning: !v.disabled, Unavailable: !v.valid, States: &states}))
	j.Status = "ns"
	if v.valid {
		j.Status = "ok"
		j.Raw = &v.reading
		if s.EventType.Threshold() {
			j.Status = sdr.ThresholdStatus(states.Thresholds()).String()
		} else {
			for _, st := range s.States(states) {
				j.States = append(j.States, st.Words)
			}
		}
	}
	if v.analog {
		j.Units = v.full.Units.String()
		if v.valid {
			j.Value = finite(v.value)
		}
	}
	if len(v.thresholds) >= 7 && v.full != nil && v.full.Analog() {
		j.Thresholds = map[string]*float64{}
		for t, word := range thresholdWords {
			if v.thresholds[0]>>t&1 != 0 {
				j.Thresholds[word] = finite(v.conv.Value(v.thresholds[1+t]))
			}
		}
	}
	return j
}

func (j *sensorJSON) setKey(k sdr.Key, t ipmi.SensorType, e ipmi.EventType) {
	owner, event := uint8(k.Owner), uint8(e)
	j.Number, j.Owner, j.LUN = &k.Number, &owner, k.LUN
	j.SensorType, j.EventType = t.String(), &event
}

// finite returns nil for what JSON has no number for.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func severityWord(s ipmi.Severity) string {
	switch s {
	case ipmi.Nominal:
		return "nominal"
	case ipmi.Warning:
		return "warning"
	case ipmi.Critical:
		return "critical"
	}
	return "unknown"
}
