package bmc

import (
	"fmt"
	"hash/crc32"
	"math"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// A SensorSet is the sensors of a kind of server with the records that describe them. It never
// changes, so that all BMCs of the kind share one.
type SensorSet struct {
	records [][]byte // the SDR repository as it leaves the factory, IDs from 1 on
	sensors []simulated
	byNum   [256]uint8     // sensor number to index in sensors, plus 1
	written ipmi.Timestamp // when the records were made

	on, off []*sensorState // of sensors, by index
	calm    bool           // no sensor ever crosses a threshold as long as nothing is changed
}

// states returns the states of the sensors as they leave the factory.
func (s *SensorSet) states(on bool) []*sensorState {
	if on {
		return s.on
	}
	return s.off
}

// Sensors returns how many sensors there are that can be read.
func (s *SensorSet) Sensors() int { return len(s.sensors) }

// simulated is a sensor and how it behaves.
type simulated struct {
	name   string
	full   *sdr.Full   // nil for a discrete sensor
	sensor *sdr.Sensor // of the record
	conv   sdr.Conversion

	// An analog sensor moves between idle and busy with the server's load, and is at off while
	// the server is; it takes a while to get there.
	idle, busy, off float64
	noise           float64
	lag             float64 // seconds
	mains           bool    // it is watched also while the server is off

	// A discrete sensor asserts one set of states or the other.
	statesOn, statesOff uint16

	start, startOff sensorState // as it leaves the factory, while the server is on and off
}

// span is a reading at rest and at work.
type span struct{ idle, busy float64 }

// at is a reading that hardly moves.
func at(v float64) span { return span{v, v} }

// limits are thresholds by which.
type limits map[ipmi.Threshold]float64

// Short names for the rows of the profiles.
const (
	lnc = ipmi.LowerNonCritical
	lcr = ipmi.LowerCritical
	lnr = ipmi.LowerNonRecoverable
	unc = ipmi.UpperNonCritical
	ucr = ipmi.UpperCritical
	unr = ipmi.UpperNonRecoverable
)

// within makes the limits of a supply rail: so many percent around its nominal voltage.
func within(nominal, warn, bad float64) limits {
	return limits{lcr: nominal * (1 - bad/100), lnc: nominal * (1 - warn/100),
		unc: nominal * (1 + warn/100), ucr: nominal * (1 + bad/100)}
}

// A kind of analog sensor: what it counts in and how raw readings become values.
type kind struct {
	typ        ipmi.SensorType
	unit       ipmi.Unit
	percent    bool
	format     sdr.Format
	m, b       int16
	rexp, bexp int8
	noise      float64 // in units
	lag        float64 // seconds
	hysteresis uint8
	mains      bool
}

// Kinds of analog sensor. Their raw readings differ as those of real BMCs do.
var (
	celsius = kind{typ: ipmi.SensorTemperature, unit: ipmi.UnitDegreesC, m: 1, noise: 0.8,
		lag: 90, hysteresis: 2}
	celsiusSign = kind{typ: ipmi.SensorTemperature, unit: ipmi.UnitDegreesC, format: sdr.TwosComp,
		m: 1, noise: 0.8, lag: 90, hysteresis: 2}
	celsiusHalf = kind{typ: ipmi.SensorTemperature, unit: ipmi.UnitDegreesC, m: 5, b: -40, rexp: -1,
		bexp: 1, noise: 0.4, lag: 300, hysteresis: 2, mains: true}
	fan120 = kind{typ: ipmi.SensorFan, unit: ipmi.UnitRPM, m: 120, noise: 60, lag: 4,
		hysteresis: 1}
	fan100 = kind{typ: ipmi.SensorFan, unit: ipmi.UnitRPM, m: 1, rexp: 2, noise: 50, lag: 4,
		hysteresis: 1}
	fanPercent = kind{typ: ipmi.SensorFan, percent: true, m: 392, rexp: -3, noise: 0.5, lag: 4}
	watts      = kind{typ: ipmi.SensorCurrent, unit: ipmi.UnitWatts, m: 4, noise: 6, lag: 2,
		mains: true}
	wattsOther = kind{typ: ipmi.SensorOther, unit: ipmi.UnitWatts, m: 4, noise: 6, lag: 2,
		mains: true}
	wattsSupply = kind{typ: ipmi.SensorPowerSupply, unit: ipmi.UnitWatts, m: 5, noise: 5, lag: 2,
		mains: true}
	amps = kind{typ: ipmi.SensorCurrent, unit: ipmi.UnitAmps, m: 2, rexp: -2, noise: 0.03,
		lag: 2, mains: true}
	volts12 = kind{typ: ipmi.SensorVoltage, unit: ipmi.UnitVolts, m: 60, rexp: -3, noise: 0.03,
		lag: 1, hysteresis: 1}
	volts5 = kind{typ: ipmi.SensorVoltage, unit: ipmi.UnitVolts, m: 26, rexp: -3, noise: 0.01,
		lag: 1, hysteresis: 1}
	volts3 = kind{typ: ipmi.SensorVoltage, unit: ipmi.UnitVolts, m: 16, rexp: -3, noise: 0.008,
		lag: 1, hysteresis: 1}
	voltsCore = kind{typ: ipmi.SensorVoltage, unit: ipmi.UnitVolts, m: 8, rexp: -3, noise: 0.008,
		lag: 1, hysteresis: 1}
	voltsInput = kind{typ: ipmi.SensorVoltage, unit: ipmi.UnitVolts, m: 2, noise: 1, lag: 1,
		mains: true}
	airflow = kind{typ: ipmi.SensorOther, unit: ipmi.UnitCFM, m: 1, noise: 1, lag: 6}
	load    = kind{typ: ipmi.SensorProcessor, percent: true, m: 392, rexp: -3, noise: 3, lag: 3}
)

// standby returns the kind for a sensor that is also watched while the server is off.
func (k kind) standby() kind {
	k.mains = true
	return k
}

// setMaker puts a SensorSet together.
type setMaker struct {
	set  SensorSet
	next uint8 // sensor number
}

func newSet() *setMaker { return &setMaker{next: 1} }

// done returns the set. Sets with other records were made at other times.
func (m *setMaker) done() *SensorSet {
	sum := crc32.NewIEEE()
	for _, r := range m.set.records {
		sum.Write(r)
	}
	const year = 365 * 24 * 60 * 60
	m.set.written = factoryTime + ipmi.Timestamp(sum.Sum32()%year)
	m.set.calm = true
	for i := range m.set.sensors {
		x := &m.set.sensors[i]
		x.start.init(x)
		x.startOff.init(x)
		x.start.now, x.startOff.now = x.statesOn, x.statesOff
		m.set.on, m.set.off = append(m.set.on, &x.start), append(m.set.off, &x.startOff)
		m.set.calm = m.set.calm && x.calm()
	}
	return &m.set
}

// calm reports whether the sensor crosses no threshold as it leaves the factory, whatever its
// server does.
func (x *simulated) calm() bool {
	if x.full == nil {
		return true
	}
	least, most := math.Min(x.idle, x.busy)-x.noise, math.Max(x.idle, x.busy)+x.noise
	reached := 0.0 // of the way from off, when thresholds begin to mean something
	if !x.mains {
		reached = 1
		if x.lag > 0 {
			reached -= math.Exp(-settled.Seconds() / x.lag)
		}
	}
	least = math.Min(least, x.off+(least-x.off)*reached)
	most = math.Max(most, x.off+(most-x.off)*reached)
	return x.start.crossed(x, linearRaw(x.conv, least)) == 0 &&
		x.start.crossed(x, linearRaw(x.conv, most)) == 0
}

// add appends a record under the next record ID.
func (m *setMaker) add(r sdr.Record) {
	r.RecordHeader().ID = uint16(len(m.set.records) + 1)
	b, err := sdr.Append(nil, r)
	if err != nil {
		panic("bmc: " + err.Error()) // a value out of range in a profile
	}
	m.set.records = append(m.set.records, b)
}

func (m *setMaker) addSensor(s simulated) {
	m.set.sensors = append(m.set.sensors, s)
	m.set.byNum[s.sensor.Number] = uint8(len(m.set.sensors))
}

// key returns the key of the next sensor. Numbers of events that the BMC makes by itself are passed
// over.
func (m *setMaker) key() sdr.Key {
	k := sdr.Key{Owner: sdr.BMCAddress, Number: m.next}
	m.next++
	if m.next == watchdogSensor || m.next == sessionAuditSensor {
		m.next = sessionAuditSensor + 1
	}
	return k
}

// analog adds a sensor with thresholds.
func (m *setMaker) analog(k kind, name string, id ipmi.EntityID, instance ipmi.EntityInstance,
	v span, off float64, l limits) {
	f := &sdr.Full{Name: sdr.Name(name),
		Factors: sdr.Factors{M: k.m, B: k.b, RExponent: k.rexp, BExponent: k.bexp}}
	f.Key = m.key()
	f.Entity = sdr.Entity{ID: id, Instance: instance}
	f.Init = sdr.Initialization{Scanning: true, Events: true, Thresholds: len(l) > 0,
		Hysteresis: k.hysteresis > 0, SensorType: true, EventsOn: true, ScanningOn: true}
	f.Capabilities = sdr.Capabilities{IgnoreAbsent: true, AutoRearm: true}
	f.SensorType, f.EventType = k.typ, ipmi.EventThreshold
	f.Units = sdr.Units{Format: k.format, Percent: k.percent, Base: k.unit}
	f.Min, f.Max = 0, 0xff
	if k.format == sdr.TwosComp {
		f.Min, f.Max = 0x80, 0x7f
	}
	conv := f.Conversion()
	raw := func(x float64) uint8 { return linearRaw(conv, x) }
	f.HasNominal, f.Nominal = true, raw((v.idle+v.busy)/2)
	f.HasNormalMin, f.NormalMin = true, raw(math.Min(v.idle, v.busy))
	f.HasNormalMax, f.NormalMax = true, raw(math.Max(v.idle, v.busy))
	f.Hysteresis = sdr.Hysteresis{Positive: k.hysteresis, Negative: k.hysteresis}
	if k.hysteresis > 0 {
		f.Capabilities.Hysteresis = sdr.AccessReadSet
	}
	if len(l) > 0 {
		f.Capabilities.Thresholds = sdr.AccessReadSet
	} else {
		f.Capabilities.Events = sdr.ControlNoEvents
	}
	for t, x := range l {
		f.SetThreshold(t, raw(x))
		f.Readable |= 1<<t | 1<<(8+t)
		event := uint16(1) << thresholdEvent(t)
		f.Assertions |= event
		f.Deassertions |= event
		if t < unc {
			f.Assertions |= 1 << (12 + t)
		} else {
			f.Deassertions |= 1 << (12 + t - unc)
		}
	}
	m.add(f)
	m.addSensor(simulated{name: name, full: f, sensor: &f.Sensor, conv: conv, idle: v.idle,
		busy: v.busy, off: off,
		noise: k.noise, lag: k.lag, mains: k.mains})
}

// thresholdEvent returns the event offset of a threshold's being crossed for the worse (Table
// 42-2).
func thresholdEvent(t ipmi.Threshold) uint8 {
	if t < ipmi.UpperNonCritical {
		return uint8(2 * t)
	}
	return uint8(2*t + 1)
}

// states makes a mask of offsets.
func states(offsets ...uint8) uint16 {
	var m uint16
	for _, o := range offsets {
		m |= 1 << o
	}
	return m
}

// discrete adds a sensor with states: those that it knows, and those that it asserts while the
// server is on and off.
func (m *setMaker) discrete(typ ipmi.SensorType, event ipmi.EventType, name string,
	id ipmi.EntityID, instance ipmi.EntityInstance, known, on, off uint16) {
	c := &sdr.Compact{Name: sdr.Name(name), Sharing: sdr.Sharing{Count: 1}}
	c.Key = m.key()
	c.Entity = sdr.Entity{ID: id, Instance: instance}
	c.Init = sdr.Initialization{Scanning: true, Events: true, SensorType: true, EventsOn: true,
		ScanningOn: true}
	c.Capabilities = sdr.Capabilities{AutoRearm: true}
	c.SensorType, c.EventType = typ, event
	c.Assertions, c.Deassertions, c.Readable = known, known, known
	if on != off {
		c.Deassertions = 0 // one state takes the place of the other: that it went says nothing more
	}
	c.Units = sdr.Units{Format: sdr.NotAnalog}
	m.add(c)
	m.addSensor(simulated{name: name, sensor: &c.Sensor, mains: true, statesOn: on, statesOff: off})
}

// specific adds a discrete sensor with the states of its type, the same whether the server is on or
// off.
func (m *setMaker) specific(typ ipmi.SensorType, name string, id ipmi.EntityID,
	instance ipmi.EntityInstance, known, now uint16) {
	m.discrete(typ, ipmi.EventSensorSpecific, name, id, instance, known, now, now)
}

// controller adds the record of the BMC itself.
func (m *setMaker) controller(name string) {
	m.add(&sdr.MCLocator{Name: sdr.Name(name), Address: bmcAddress, Static: true, Chassis: true,
		IPMBReceive: true, FRU: true, SEL: true, SDR: true,
		Sensors: true, Entity: sdr.Entity{ID: entityManagement, Instance: 1}})
}

// fru adds the record of a FRU device behind the BMC.
func (m *setMaker) fru(device uint8, name string, id ipmi.EntityID, instance ipmi.EntityInstance) {
	m.add(&sdr.FRULocator{Name: sdr.Name(name), Access: bmcAddress, Device: device, Logical: true,
		DeviceType: sdr.DeviceFRU,
		Entity:     sdr.Entity{ID: id, Instance: instance}})
}

// power adds what every make has in common: the state of the server's power. Its states show when
// they come and not when they go.
func (m *setMaker) power(unit, acpi string) {
	m.discrete(ipmi.SensorPowerUnit, ipmi.EventSensorSpecific, unit, entityPowerUnit, 1,
		states(0, 1, 4, 5, 6), 0, states(0))
	m.discrete(ipmi.SensorACPIPowerState, ipmi.EventSensorSpecific, acpi, entityBoard, 1,
		states(0, 5), states(0), states(5))
}

// eventOnly adds the record of a sensor that only makes events.
func (m *setMaker) eventOnly(number uint8, typ ipmi.SensorType, name string, id ipmi.EntityID) {
	e := &sdr.EventOnly{Name: sdr.Name(name), SensorType: typ, EventType: ipmi.EventSensorSpecific,
		Sharing: sdr.Sharing{Count: 1},
		Entity:  sdr.Entity{ID: id, Instance: 1}}
	e.Key = sdr.Key{Owner: sdr.BMCAddress, Number: number}
	m.add(e)
}

// ownEvents adds the records of the events that every BMC makes by itself.
func (m *setMaker) ownEvents(watchdog, audit string) {
	m.eventOnly(watchdogSensor, ipmi.SensorWatchdog2, watchdog, entityManagement)
	m.eventOnly(sessionAuditSensor, ipmi.SensorSessionAudit, audit, entityManagement)
}

// contains adds an entity association: a container and a range of entities in it.
func (m *setMaker) contains(container, id ipmi.EntityID, first, last ipmi.EntityInstance) {
	m.add(&sdr.EntityAssociation{Container: sdr.Entity{ID: container, Instance: 1}, Ranges: true,
		Contained1: sdr.Entity{ID: id, Instance: first},
		Contained2: sdr.Entity{ID: id, Instance: last}})
}

// each calls f for 1 to n with a name that has the number in it.
func each(n int, format string, f func(i int, name string)) {
	for i := 1; i <= n; i++ {
		f(i, fmt.Sprintf(format, i))
	}
}

// linearRaw returns the raw reading of a linear sensor that is nearest to v.
func linearRaw(c sdr.Conversion, v float64) uint8 {
	f := c.Factors
	x := math.Round((v/math.Pow10(int(f.RExponent)) -
		float64(f.B)*math.Pow10(int(f.BExponent))) / float64(f.M))
	if c.Format == sdr.TwosComp {
		return uint8(int8(math.Max(-128, math.Min(127, x))))
	}
	return uint8(math.Max(0, math.Min(255, x)))
}
