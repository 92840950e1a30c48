package machine

import (
	"context"

	"lom/ipmi"
)

// A DCMITemperature is a temperature of one of the three places that DCMI knows (DCMI §6.7.3).
type DCMITemperature struct {
	Entity   string `json:"place" enum:"inlet,cpu,baseboard"`
	Instance uint8  `json:"instance"`
	Celsius  int    `json:"temperature_celsius"`
}

// A DCMIEntity is one of the places whose temperatures DCMI knows.
type DCMIEntity struct {
	ID   ipmi.EntityID
	Word string
}

// DCMIEntities are the places whose temperatures DCMI knows.
var DCMIEntities = [...]DCMIEntity{
	{ipmi.DCMIInlet, "inlet"}, {ipmi.DCMIProcessor, "cpu"}, {ipmi.DCMIBaseboard, "baseboard"},
}

// temperatureType is the sensor type of temperatures (Table 42-3).
const temperatureType = 0x01

// DCMITemperatures reads the temperatures that DCMI knows. A BMC may lack some of the places.
func (m *Machine) DCMITemperatures(ctx context.Context) ([]DCMITemperature, error) {
	list := []DCMITemperature{}
	var refusal error
	for _, e := range DCMIEntities {
		readings, err := m.dcmiReadings(ctx, e.ID)
		if refused(err) {
			refusal = err
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, t := range readings {
			list = append(list, DCMITemperature{e.Word, t.Instance, t.Temperature.Celsius()})
		}
	}
	if len(list) == 0 && refusal != nil {
		return nil, dcmiFailed("", refusal)
	}
	return list, nil
}

// dcmiReadings reads all instances of an entity, page by page.
func (m *Machine) dcmiReadings(ctx context.Context,
	e ipmi.EntityID) ([]ipmi.TemperatureReading, error) {
	var list []ipmi.TemperatureReading
	start := uint8(0)
	for {
		r, err := do(ctx, m, "Get Temperature Readings",
			ipmi.GetTemperatureReadings{SensorType: temperatureType, Entity: e, Start: start})
		if err != nil {
			return nil, err
		}
		list = append(list, r.Readings...)
		if len(r.Readings) == 0 || len(list) >= int(r.Total) {
			return list, nil
		}
		next := r.Readings[len(r.Readings)-1].Instance + 1
		if next <= start {
			return list, nil // a BMC that does not count on would never end
		}
		start = next
	}
}

// DCMISensors reads the record IDs of the temperature sensors of an entity (DCMI §6.5.2), page by
// page.
func (m *Machine) DCMISensors(ctx context.Context, e ipmi.EntityID) ([]uint16, error) {
	list := []uint16{}
	start := uint8(0)
	for {
		r, err := do(ctx, m, "Get DCMI Sensor Info",
			ipmi.GetDCMISensorInfo{SensorType: temperatureType, Entity: e, Start: start})
		if err != nil {
			return nil, dcmiFailed("", err)
		}
		list = append(list, r.Records...)
		if len(r.Records) == 0 || len(list) >= int(r.Total) {
			return list, nil
		}
		start = uint8(len(list) + 1) // instances count from 1
	}
}

// A ThermalLimit is the temperature above which a BMC acts (DCMI §6.7.2).
type ThermalLimit struct {
	Persistent bool   `json:"persistent"` // kept over a restart of the BMC
	PowerOff   bool   `json:"power_off"`
	LogEvent   bool   `json:"log_event"`
	Limit      uint8  `json:"limit_celsius"`
	Time       uint16 `json:"exception_time_seconds"` // above the limit before the BMC acts
}

// ThermalLimit reads the temperature limit of an entity.
func (m *Machine) ThermalLimit(ctx context.Context, e ipmi.EntityID,
	instance uint8) (ThermalLimit, error) {
	r, err := do(ctx, m, "Get Thermal Limit", ipmi.GetThermalLimit{Entity: e, Instance: instance})
	return ThermalLimit{r.Persistent, r.PowerOff, r.LogEvent, r.Limit, r.Time}, dcmiFailed("", err)
}

// SetThermalLimit sets the temperature limit of an entity.
func (m *Machine) SetThermalLimit(ctx context.Context, l ipmi.SetThermalLimit) error {
	_, err := do(ctx, m, "Set Thermal Limit", l)
	return dcmiFailed("", err)
}
