package machine

import (
	"context"
	"errors"
	"slices"

	"lom/client"
	"lom/ipmi/sdr"
)

// DCMISensors are the temperature sensors of one of the places that DCMI knows (DCMI §6.5.2).
type DCMISensors struct {
	Entity  string   `json:"place" enum:"inlet,cpu,baseboard"`
	Records []uint16 `json:"record_ids"`
	Sensors []Sensor `json:"sensors"` // those of the records that are sensors
}

// TemperatureSensors reads the temperature sensors that DCMI knows. A BMC may lack some of the
// places. What could not be read of the sensor records comes with a *[PartialError].
func (m *Machine) TemperatureSensors(ctx context.Context) ([]DCMISensors, error) {
	list := make([]DCMISensors, len(DCMIEntities))
	has, refusal := false, error(nil)
	var wanted []uint16
	for i, e := range DCMIEntities {
		ids, err := m.DCMISensors(ctx, e.ID)
		list[i] = DCMISensors{Entity: e.Word, Records: ids, Sensors: []Sensor{}}
		if refused(err) {
			refusal, list[i].Records = err, []uint16{}
			continue
		}
		if err != nil {
			return nil, err
		}
		has, wanted = true, append(wanted, ids...)
	}
	if !has {
		return nil, refusal
	}
	all, missing := m.Records(ctx, nil)
	if partial := new(PartialError); missing != nil && !errors.As(missing, &partial) {
		return nil, missing
	}
	records := slices.DeleteFunc(all, func(r sdr.Record) bool {
		return client.SensorOf(r) == nil || !slices.Contains(wanted, r.RecordHeader().ID)
	})
	byID := map[uint16]Sensor{}
	for s, err := range m.ReadSensors(ctx, records) {
		if err != nil {
			return nil, err
		}
		byID[s.RecordID] = s
	}
	for i := range list {
		for _, id := range list[i].Records {
			if s, ok := byID[id]; ok {
				list[i].Sensors = append(list[i].Sensors, s)
			}
		}
	}
	return list, missing
}
