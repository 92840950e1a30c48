package machine

import (
	"context"
	"time"

	"lom/ipmi"
)

// A PowerReading is how much power a server takes (DCMI §6.6.1).
type PowerReading struct {
	Current uint16    `json:"current_watts"`
	Minimum uint16    `json:"minimum_watts"` // of the sampling period, as the next two
	Maximum uint16    `json:"maximum_watts"`
	Average uint16    `json:"average_watts"`
	Time    time.Time `json:"time,omitzero"`
	Period  float64   `json:"sampling_period_seconds"`
	Active  bool      `json:"active"` // false: the numbers are not measured now

	Reading ipmi.PowerReading `json:"-"`
	Rolling bool              `json:"-"` // a period was asked for
}

// PowerReading asks how much power the server takes: on average over period, or over the time that
// the BMC has for it if period is 0.
func (m *Machine) PowerReading(ctx context.Context, period ipmi.DCMIPeriod) (PowerReading, error) {
	req := ipmi.GetPowerReading{Mode: ipmi.DCMISystemStatistics}
	if period != 0 {
		req = ipmi.GetPowerReading{Mode: ipmi.DCMIEnhancedStatistics, Period: period}
	}
	r, err := do(ctx, m, "Get Power Reading", req)
	if err != nil {
		return PowerReading{}, dcmiFailed("", err)
	}
	v := PowerReading{
		Current: r.Current, Minimum: r.Minimum, Maximum: r.Maximum, Average: r.Average,
		Time: timeOf(r.Time), Period: float64(r.Period) / 1000, Active: r.Active,
		Reading: r, Rolling: period != 0,
	}
	if v.Rolling {
		v.Period = ipmi.DCMIPeriod(r.Period).Duration().Seconds()
	}
	return v, nil
}

// A PowerLimit is the most power that a server is to take, and what happens above it (DCMI §6.6.2).
type PowerLimit struct {
	Active     bool    `json:"active"`
	Exception  string  `json:"exception_action" enum:"no-action,power-off,log-event,oem,unknown"`
	Watts      uint16  `json:"limit_watts"`
	Correction float64 `json:"correction_seconds"` // how long the power may stay above the limit
	Sampling   uint16  `json:"sampling_period_seconds"`

	Limit ipmi.PowerLimit `json:"-"`
}

// PowerLimit reads the power limit, and whether it is in force.
func (m *Machine) PowerLimit(ctx context.Context) (PowerLimit, error) {
	l, err := do(ctx, m, "Get Power Limit", ipmi.GetPowerLimit{})
	active := !refused(err, ipmi.CodeDCMINoLimit)
	if err != nil && active {
		return PowerLimit{}, dcmiFailed("", err)
	}
	v := PowerLimit{
		Active: active, Exception: "oem", Watts: l.Watts, Limit: l,
		Correction: float64(l.Correction) / 1000, Sampling: l.Sampling,
	}
	switch e := l.Exception; {
	case e == ipmi.DCMINoAction:
		v.Exception = "no-action"
	case e == ipmi.DCMIPowerOff:
		v.Exception = "power-off"
	case e == ipmi.DCMILogEvent:
		v.Exception = "log-event"
	case e > ipmi.DCMILogEvent:
		v.Exception = "unknown"
	}
	return v, nil
}

// SetPowerLimit changes the power limit: change gets the present one.
func (m *Machine) SetPowerLimit(ctx context.Context, change func(*ipmi.SetPowerLimit)) error {
	old, err := m.PowerLimit(ctx)
	if err != nil {
		return err
	}
	l := old.Limit
	req := ipmi.SetPowerLimit{Exception: l.Exception, Watts: l.Watts, Correction: l.Correction,
		Sampling: l.Sampling}
	change(&req)
	_, err = do(ctx, m, "Set Power Limit", req)
	return dcmiFailed("", err)
}

// ActivatePowerLimit puts the power limit into force, or out of it.
func (m *Machine) ActivatePowerLimit(ctx context.Context, active bool) error {
	_, err := do(ctx, m, "Activate/Deactivate Power Limit", ipmi.ActivatePowerLimit{Active: active})
	return dcmiFailed("", err)
}
