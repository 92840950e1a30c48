package bmc

import (
	"sync"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// pef is platform event filtering (§17, §30): what happens when an event arrives.
type pef struct {
	parameters
	kept pefKept

	waiting   []pefEvent // events that are not processed yet
	startup   Timer      // while PEF waits because the system has just started
	postpone  uint8      // as it was armed: seconds, ipmi.PEFPostponeOff or ipmi.PEFPostponeStop
	countdown Timer      // while software has time to process an event itself
	deadline  time.Time  // of countdown
	resume    time.Time  // when the delay of alerts after a start is over
	alerts
}

// pefKept is what lasts besides the parameters.
type pefKept struct {
	BySoftware, ByBMC uint16 // the records that were processed last
}

// A pefEvent is an event on its way through the filters.
type pefEvent struct {
	Event
	record uint16 // in the SEL; 0 if it found no room
}

// Sizes of the tables of PEF (§17.7, §17.11).
const (
	pefFilters  = 16
	pefPolicies = 16
	pefStrings  = 8
	pefBlocks   = 4 // of an alert string, 16 bytes each

	maxWaiting = 64 // events; older ones are not processed
)

// The event by which PEF reports its own actions (Table 42-3).
const (
	sensorTypeSystemEvent = 0x12
	systemEventSensor     = 0x73
	systemEventPEFAction  = 4
)

// pefActions are the actions that a BMC of lom can do.
const pefActions = ipmi.PEFAlert | ipmi.PEFPowerOff | ipmi.PEFReset | ipmi.PEFPowerCycle |
	ipmi.PEFDiagnosticInterrupt

// pefFamily is the PEF parameters that all BMCs have.
var pefFamily = sync.OnceValue(func() *parameterFamily {
	f := &parameterFamily{section: "pef", table: ipmi.PEFParameters(),
		parse: parser(ipmi.ParsePEFParameter), compute: computePEF, accept: acceptPEF}
	f.add(
		ipmi.PEFControl{Enabled: true, StartupDelay: true, AlertStartupDelay: true},
		ipmi.PEFActionControl{Enabled: ipmi.PEFAlert},
		ipmi.PEFStartupDelay{Seconds: 60},
		ipmi.PEFAlertStartupDelay{Seconds: 60},
		ipmi.PEFFilterCount{Count: pefFilters},
		ipmi.PEFPolicyCount{Count: pefPolicies},
		ipmi.PEFSystemGUID{},
		ipmi.PEFStringCount{Count: pefStrings},
	)
	for i := range uint8(pefFilters) {
		p := ipmi.PEFFilter{Entry: i + 1}
		if int(i) < len(factoryFilters) {
			p.EventFilter = factoryFilters[i].filter()
		}
		f.add(p)
	}
	for i := range uint8(pefPolicies) {
		f.add(ipmi.PEFPolicy{Entry: i + 1})
	}
	for i := range uint8(pefStrings + 1) {
		f.add(ipmi.PEFStringKey{String: i})
		for block := range uint8(pefBlocks) {
			f.add(ipmi.PEFString{String: i, Block: block + 1, Data: make([]byte, 16)})
		}
	}
	return f
})

func (f *pef) load(b *BMC) error {
	f.parameterFamily = pefFamily()
	f.kept = pefKept{BySoftware: ipmi.LastRecord, ByBMC: ipmi.LastRecord}
	f.started = b.clock.Now()
	err := loadSection(b, "pefdone", func(_ string, v pefKept) error {
		f.kept = v
		return nil
	})
	if err != nil {
		return err
	}
	b.listen(func(e Event) { f.arrive(b, e) })
	b.onHostEvent(func(e host.Event) { f.hostEvent(b, e) })
	return f.parameters.load(b)
}

// A factoryFilter is a filter that a BMC has from the start: a type of sensor whose failures are
// alerted.
type factoryFilter struct {
	sensor   ipmi.SensorType
	event    ipmi.EventType
	offsets  uint16
	severity ipmi.PEFSeverity
}

// factoryFilters are the system failures of §17.7. Offsets of thresholds: 2 lower critical, 4 lower
// non-recoverable, 9 upper critical, 11 upper non-recoverable.
var factoryFilters = [...]factoryFilter{
	{ipmi.SensorTemperature, ipmi.EventThreshold, 1<<2 | 1<<9, ipmi.PEFSeverityCritical},
	{ipmi.SensorTemperature, ipmi.EventThreshold, 1<<4 | 1<<11, ipmi.PEFSeverityNonRecoverable},
	{ipmi.SensorVoltage, ipmi.EventThreshold, 1<<2 | 1<<9, ipmi.PEFSeverityCritical},
	{ipmi.SensorVoltage, ipmi.EventThreshold, 1<<4 | 1<<11, ipmi.PEFSeverityNonRecoverable},
	{ipmi.SensorFan, ipmi.EventThreshold, 1<<2 | 1<<4, ipmi.PEFSeverityCritical},
	{ipmi.SensorPhysicalSecurity, ipmi.EventSensorSpecific, 1 << 0, ipmi.PEFSeverityNonCritical},
	{ipmi.SensorPowerSupply, ipmi.EventSensorSpecific, 1<<1 | 1<<3, ipmi.PEFSeverityCritical},
	{ipmi.SensorMemory, ipmi.EventSensorSpecific, 1 << 1, ipmi.PEFSeverityCritical},
	{sensorTypeWatchdog2, ipmi.EventSensorSpecific, 1<<1 | 1<<2 | 1<<3, ipmi.PEFSeverityCritical},
}

func (f factoryFilter) filter() ipmi.EventFilter {
	any := ipmi.ByteFilter{Exact: 0xff}
	return ipmi.EventFilter{
		Enabled: true, Kind: ipmi.FilterPreconfigured, Actions: ipmi.PEFAlert, Policy: 1,
		Severity:  f.severity,
		Generator: ipmi.FilterAny, GeneratorLUN: ipmi.FilterAny, SensorType: f.sensor,
		Sensor: ipmi.FilterAny, EventType: f.event,
		Offsets: f.offsets, Data1: any, Data2: any, Data3: any,
	}
}

// computePEF returns the parameter that is another view of a filter.
func computePEF(b *BMC, key parameterKey) ipmi.Parameter {
	if key.Number != (ipmi.PEFFilterState{}).Number() {
		return nil
	}
	p, ok := pefValue[ipmi.PEFFilter](b, key.Set)
	if !ok {
		return nil
	}
	return ipmi.PEFFilterState{Entry: key.Set, Enabled: p.Enabled, Kind: p.Kind}
}

// pefValue returns a PEF parameter.
func pefValue[P ipmi.PEFParameter](b *BMC, selectors ...uint8) (P, bool) {
	var p P
	key := parameterKey{Number: p.Number()}
	if len(selectors) > 0 {
		key.Set = selectors[0]
	}
	if len(selectors) > 1 {
		key.Block = selectors[1]
	}
	p, ok := b.pef.find(key).(P)
	return p, ok
}

// acceptPEF says which values a PEF parameter can have.
func acceptPEF(ctx *Context, key parameterKey, p ipmi.Parameter) (ipmi.Parameter, error) {
	b := ctx.BMC
	f := &b.pef
	switch p := p.(type) {
	case ipmi.PEFActionControl:
		p.Enabled &= pefActions
		return p, nil
	case ipmi.PEFFilter:
		p.Actions &= pefActions
		return p, nil
	case ipmi.PEFFilterState:
		filter, ok := pefValue[ipmi.PEFFilter](b, p.Entry)
		if !ok {
			return nil, ipmi.CodeParameterOutOfRange
		}
		filter.Enabled, filter.Kind = p.Enabled, p.Kind
		f.store(ctx, parameterKey{Number: filter.Number(), Set: p.Entry}, filter, true)
		return nil, nil
	case ipmi.PEFStringKey:
		return volatileSet(ctx, &f.parameters, key, p), nil
	case ipmi.PEFString:
		if len(p.Data) > 16 {
			return nil, ipmi.CodeDataLengthInvalid
		}
		data := make([]byte, 16)
		copy(data, p.Data)
		p.Data = data
		return volatileSet(ctx, &f.parameters, key, p), nil
	}
	return p, nil
}

func handlePEF(m *Mux) {
	Handle(m, getPEFCapabilities)
	Handle(m, armPEFPostponeTimer)
	Handle(m, func(ctx *Context, req ipmi.SetPEFConfiguration) (ipmi.NoData, error) {
		return ipmi.NoData{}, ctx.BMC.pef.set(ctx, req.Parameter, req.Data)
	})
	Handle(m, func(ctx *Context, req ipmi.GetPEFConfiguration) (ipmi.ParameterData, error) {
		return ctx.BMC.pef.get(ctx.BMC, parameterKey{req.Parameter, req.Set, req.Block},
			req.RevisionOnly)
	})
	Handle(m, setLastProcessedEvent)
	Handle(m, getLastProcessedEvent)
	Handle(m, alertImmediate)
	Handle(m, petAcknowledge)
}

func getPEFCapabilities(*Context, ipmi.GetPEFCapabilities) (ipmi.PEFCapabilities, error) {
	return ipmi.PEFCapabilities{Version: 0x51, Actions: pefActions, Filters: pefFilters}, nil
}

func armPEFPostponeTimer(ctx *Context,
	req ipmi.ArmPEFPostponeTimer) (ipmi.PEFPostponeTimer, error) {
	b := ctx.BMC
	f := &b.pef
	if req.Timeout != ipmi.PEFPostponeQuery {
		f.stopCountdown()
		f.postpone = req.Timeout
		f.process(b)
	}
	if f.countdown != nil {
		left := f.deadline.Sub(b.clock.Now())
		return ipmi.PEFPostponeTimer{Countdown: uint8((left + time.Second - 1) / time.Second)}, nil
	}
	return ipmi.PEFPostponeTimer{Countdown: f.postpone}, nil
}

func setLastProcessedEvent(ctx *Context, req ipmi.SetLastProcessedEvent) (ipmi.NoData, error) {
	b := ctx.BMC
	f := &b.pef
	if req.ByBMC {
		set(ctx, &f.kept.ByBMC, req.Record, f.save)
	} else {
		set(ctx, &f.kept.BySoftware, req.Record, f.save)
		ctx.AfterAnswer(func() { f.processedBySoftware(b) })
	}
	return ipmi.NoData{}, nil
}

func getLastProcessedEvent(ctx *Context,
	_ ipmi.GetLastProcessedEvent) (ipmi.LastProcessedEvent, error) {
	b := ctx.BMC
	r := ipmi.LastProcessedEvent{LastAddition: b.eventLog.kept.LastAddition,
		LastRecord: ipmi.LastRecord,
		Software:   b.pef.kept.BySoftware, BMC: b.pef.kept.ByBMC}
	if i, ok := b.eventLog.find(ipmi.LastRecord); ok {
		r.LastRecord = b.eventLog.records[i].ID
	}
	return r, nil
}

// logCleared forgets what was processed when the SEL is cleared (§30.5).
func (f *pef) logCleared(ctx *Context) {
	set(ctx, &f.kept.BySoftware, ipmi.LastRecord, nil)
	set(ctx, &f.kept.ByBMC, ipmi.LastRecord, f.save)
}

func (f *pef) save(b *BMC) { b.put("pefdone", "", f.kept) }
