package machine

import (
	"context"
	"errors"
	"iter"
	"math"
	"sync"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// A Sensor is a sensor, with what it says, or another thing that a sensor data record describes.
type Sensor struct {
	RecordID   uint16  `json:"record_id"`
	RecordType string  `json:"record_type" enum:"full-sensor,compact-sensor,event-only-sensor,entity-association,device-relative-entity-association,generic-device-locator,fru-device-locator,management-controller-locator,management-controller-confirmation,bmc-message-channel-info,oem,unknown"`
	Name       string  `json:"name,omitempty"`
	Number     *uint8  `json:"sensor_number,omitempty"` // nil: not a sensor
	Owner      *uint8  `json:"owner,omitempty"`         // slave address, 20h for the BMC, or ID of software
	Channel    *uint8  `json:"owner_channel,omitempty"`
	LUN        *uint8  `json:"owner_lun,omitempty"`
	Entity     *Entity `json:"entity,omitempty"`
	SensorType string  `json:"sensor_type,omitempty"`
	EventType  *uint8  `json:"event_type,omitempty"` // Table 42-1

	Available   *bool    `json:"available,omitempty"` // there is a reading; nil: not a sensor
	Unavailable string   `json:"unavailable_because,omitempty" enum:"not-scanned,unavailable,refused,unreachable,event-only"`
	Status      string   `json:"status,omitempty" enum:"ok,lnc,lcr,lnr,unc,ucr,unr,ns,unknown"` // ns: no reading
	Severity    string   `json:"severity,omitempty" enum:"nominal,warning,critical,non-recoverable,unknown"`
	Value       *float64 `json:"value,omitempty"` // in Units; nil: states only, or not known
	Units       string   `json:"units,omitempty"`
	Raw         *uint8   `json:"raw,omitempty"`
	States      []string `json:"states,omitempty"` // asserted by a sensor that has states and no number

	Thresholds *Thresholds `json:"thresholds,omitempty"` // those that can be read; see ReadThresholds
	Hysteresis *Hysteresis `json:"hysteresis,omitempty"` // as the record has it

	Record  sdr.Record    `json:"-"`
	Reading SensorReading `json:"-"`
}

// Thresholds are the thresholds of a sensor in its units, nil for one that it does not have.
type Thresholds struct {
	LowerCritical       *float64 `json:"lcr,omitempty"`
	LowerNonCritical    *float64 `json:"lnc,omitempty"`
	LowerNonRecoverable *float64 `json:"lnr,omitempty"`
	UpperCritical       *float64 `json:"ucr,omitempty"`
	UpperNonCritical    *float64 `json:"unc,omitempty"`
	UpperNonRecoverable *float64 `json:"unr,omitempty"`
}

func (t *Thresholds) of(x ipmi.Threshold) **float64 {
	return [...]**float64{&t.LowerNonCritical, &t.LowerCritical, &t.LowerNonRecoverable,
		&t.UpperNonCritical, &t.UpperCritical, &t.UpperNonRecoverable}[x]
}

// Hysteresis is how far a reading must go back over a threshold before its event ends, in the units
// of the sensor, nil for none.
type Hysteresis struct {
	Positive *float64 `json:"positive,omitempty"` // below an upper threshold
	Negative *float64 `json:"negative,omitempty"` // above a lower threshold
}

// A SensorReading holds the messages that a Sensor was made from.
type SensorReading struct {
	Valid      bool // there is a reading
	Disabled   bool // the sensor is not scanned
	Raw        uint8
	States     [2]uint8
	HasStates  bool
	Analog     bool // the reading is a number with a unit
	Conversion sdr.Conversion
	Value      float64 // of an analog reading

	// The data of answers to Get Sensor Event Status, Get Sensor Event Enable and Get Sensor
	// Thresholds (§35.13, §35.11, §35.9), nil where they were refused or not asked for.
	EventStatus, EventEnable, Thresholds []byte
}

// Asserted returns the states, or the crossed thresholds, of the reading.
func (r *SensorReading) Asserted() ipmi.SensorStates {
	return ipmi.SensorStates(r.States[0]) | ipmi.SensorStates(r.States[1])<<8
}

// A SensorOption says what Sensors reads.
type SensorOption func(*sensorOptions)

type sensorOptions struct {
	thresholds, events, asRecords bool
	keep                          func(sdr.Record) bool
}

// ReadThresholds reads the thresholds too: one exchange more for each threshold sensor.
func ReadThresholds() SensorOption { return func(o *sensorOptions) { o.thresholds = true } }

// ReadEvents reads the event status and the enabled events too, two exchanges more for each sensor.
func ReadEvents() SensorOption { return func(o *sensorOptions) { o.events = true } }

// AsRecords keeps several sensors that share one record together, as ipmitool shows them: only the
// first is read.
func AsRecords() SensorOption { return func(o *sensorOptions) { o.asRecords = true } }

// OnlyRecords reads only the sensors whose records keep reports true for.
func OnlyRecords(keep func(sdr.Record) bool) SensorOption {
	return func(o *sensorOptions) { o.keep = keep }
}

// Sensors reads the sensors of the machine, many at a time, and yields them in the order of their
// records. Those of a satellite controller are read from it. What is missing of the list of records
// is the last error, a *[PartialError]. That a sensor has no reading is not an error: see
// Sensor.Unavailable.
func (m *Machine) Sensors(ctx context.Context, opts ...SensorOption) iter.Seq2[Sensor, error] {
	return func(yield func(Sensor, error) bool) {
		var o sensorOptions
		for _, opt := range opts {
			opt(&o)
		}
		isSensor := func(head []byte) bool {
			t := sdr.Type(head[3])
			return t == sdr.TypeFull || t == sdr.TypeCompact || t == sdr.TypeEventOnly
		}
		all, err := m.Records(ctx, isSensor)
		if partial := new(PartialError); err != nil && !errors.As(err, &partial) {
			yield(Sensor{}, err)
			return
		}
		var records []sdr.Record
		for _, r := range all {
			if t := r.Type(); t != sdr.TypeFull && t != sdr.TypeCompact && t != sdr.TypeEventOnly {
				continue
			}
			for _, r := range expand(r, !o.asRecords) {
				if o.keep == nil || o.keep(r) {
					records = append(records, r)
				}
			}
		}
		for s, err := range m.ReadSensors(ctx, records, opts...) {
			if !yield(s, err) || err != nil {
				return
			}
		}
		if err != nil {
			yield(Sensor{}, err)
		}
	}
}

// expand returns a record for each sensor that shares one.
func expand(r sdr.Record, wanted bool) (list []sdr.Record) {
	switch r := r.(type) {
	case *sdr.Compact:
		for _, one := range r.Expand() {
			list = append(list, one)
		}
	case *sdr.EventOnly:
		for _, one := range r.Expand() {
			list = append(list, one)
		}
	}
	if !wanted || list == nil {
		return []sdr.Record{r}
	}
	return list
}

// Sensor reads the sensor with a name, a *[NoSensorError] if there is none.
func (m *Machine) Sensor(ctx context.Context, name string, opts ...SensorOption) (Sensor, error) {
	r, err := m.sensorRecord(ctx, name)
	if err != nil {
		return Sensor{}, err
	}
	for s, err := range m.ReadSensors(ctx, []sdr.Record{r}, opts...) {
		return s, err
	}
	return Sensor{}, ctx.Err()
}

// sensorRecord returns the record of the sensor with a name.
func (m *Machine) sensorRecord(ctx context.Context, name string) (sdr.Record, error) {
	all, err := m.Records(ctx, nil)
	if partial := new(PartialError); err != nil && !errors.As(err, &partial) {
		return nil, err
	}
	var records []sdr.Record
	for _, r := range all {
		records = append(records, expand(r, true)...)
	}
	return FindRecord(records, err, name)
}

// sensorsAtOnce is how many sensors are asked for at a time; the session lets as many through as
// the BMC keeps up with, and the others wait for their turn.
const sensorsAtOnce = 32

// ReadSensors reads what records describe, many at a time, and yields it in their order. Records
// are not expanded; those of other things than sensors are described. An error ends the sequence:
// no exchange with the BMC is possible.
func (m *Machine) ReadSensors(ctx context.Context, records []sdr.Record,
	opts ...SensorOption) iter.Seq2[Sensor, error] {
	return func(yield func(Sensor, error) bool) {
		var o sensorOptions
		for _, opt := range opts {
			opt(&o)
		}
		type outcome struct {
			s   Sensor
			err error
		}
		ctx, cancel := context.WithCancel(ctx)
		var work sync.WaitGroup
		defer work.Wait()
		defer cancel()
		// HP's BMCs have numbers in sensors without thresholds; those of other makers mean nothing.
		numbers := sync.OnceValues(func() (bool, error) {
			id, err := m.DeviceID(ctx)
			if refused(err) {
				err = nil
			}
			return id.Manufacturer == manufacturerHP, err
		})
		started := make([]chan outcome, 0, len(records))
		start := func() {
			if len(started) == len(records) {
				return
			}
			r, done := records[len(started)], make(chan outcome, 1)
			started = append(started, done)
			work.Go(func() {
				s := Sensor{Record: r}
				err := s.read(ctx, m, o, numbers)
				s.describe()
				done <- outcome{s, err}
			})
		}
		for range sensorsAtOnce {
			start()
		}
		for i := range records {
			r := <-started[i]
			start()
			if !yield(r.s, r.err) || r.err != nil {
				return
			}
		}
	}
}

const manufacturerHP = 11

// read asks the owner of the sensor what it says.
func (s *Sensor) read(ctx context.Context, m *Machine, o sensorOptions,
	numbers func() (bool, error)) error {
	common := client.SensorOf(s.Record)
	if common == nil {
		return nil
	}
	r := &s.Reading
	if full, ok := s.Record.(*sdr.Full); ok {
		r.Conversion = full.Conversion()
	}
	c := client.OwnerConn(m.conn, common.Key)
	ask := func(cmd ipmi.Command) ([]byte, ipmi.CompletionCode, error) {
		req := ipmi.RawRequest{Command: cmd, LUN: common.LUN, Data: []byte{common.Number}}
		answer, err := c.Exchange(ctx, req)
		if err != nil || answer.Code != ipmi.CodeOK {
			return nil, answer.Code, err
		}
		return answer.Data, answer.Code, nil
	}
	answer, code, err := ask(ipmi.GetSensorReading{}.Command())
	if err != nil {
		return err
	}
	if len(answer) >= 2 {
		r.take(answer)
		if err := s.convert(ctx, c, numbers); err != nil {
			return err
		}
	} else {
		s.Unavailable = "refused"
		switch code {
		case ipmi.CodeDestinationUnavailable, ipmi.CodeNAKOnWrite, ipmi.CodeTimeout:
			if !common.Local() {
				s.Unavailable = "unreachable"
			}
		}
	}
	if o.events {
		if r.EventStatus, _, err = ask(ipmi.GetSensorEventStatus{}.Command()); err != nil {
			return err
		}
		if r.EventEnable, _, err = ask(ipmi.GetSensorEventEnable{}.Command()); err != nil {
			return err
		}
	}
	if o.thresholds && common.EventType.Threshold() {
		r.Thresholds, _, err = ask(ipmi.GetSensorThresholds{}.Command())
	}
	return err
}

// take reads an answer to Get Sensor Reading (Table 35-15), of at least two bytes.
func (r *SensorReading) take(answer []byte) {
	const unavailable, scanned = 1 << 5, 1 << 6
	if answer[1]&scanned == 0 {
		r.Disabled = true
		return
	}
	if answer[1]&unavailable == 0 {
		r.Valid, r.Raw = true, answer[0]
	}
	r.HasStates = len(answer) > 2
	copy(r.States[:], answer[2:])
}

// convert makes a number of the reading, if it is one.
func (s *Sensor) convert(ctx context.Context, c client.Conn, numbers func() (bool, error)) error {
	full, ok := s.Record.(*sdr.Full)
	r := &s.Reading
	if !ok || r.Disabled || !full.Analog() {
		return nil
	}
	if !full.EventType.Threshold() {
		u := full.Units
		if !u.Percent && u.Relation == 0 && u.Base == 0 && u.Modifier == 0 {
			return nil
		}
		if mean, err := numbers(); err != nil || !mean {
			return err
		}
	}
	conv, err := client.SensorConversion(ctx, c, full, r.Raw)
	if refused(err) {
		r.Valid, s.Unavailable = false, "refused"
		return nil
	} else if err != nil {
		return err
	}
	r.Conversion, r.Analog = conv, true
	if r.Valid {
		r.Value = conv.Value(r.Raw)
	}
	return nil
}

// describe fills in what programs want to know.
func (s *Sensor) describe() {
	h := s.Record.RecordHeader()
	s.RecordID, s.RecordType = h.ID, recordTypeWord(h.RecordType)
	s.Name, _ = RecordName(s.Record)
	s.Entity = entityOf(s.Record)
	if e, ok := s.Record.(*sdr.EventOnly); ok {
		s.setKey(e.Key, e.SensorType, e.EventType)
		s.Available, s.Unavailable = new(bool), "event-only"
		s.Status, s.Severity = "ns", "unknown"
	}
	common := client.SensorOf(s.Record)
	if common == nil {
		return
	}
	s.setKey(common.Key, common.SensorType, common.EventType)
	r := &s.Reading
	s.Available = new(r.Valid)
	switch {
	case r.Valid, s.Unavailable != "":
	case r.Disabled:
		s.Unavailable = "not-scanned"
	default:
		s.Unavailable = "unavailable"
	}
	s.judge(common)
	full, _ := s.Record.(*sdr.Full)
	if r.Analog {
		s.Units = full.Units.String()
		if r.Valid {
			s.Value = finite(r.Value)
		}
	}
	if full == nil || !full.Analog() || !common.EventType.Threshold() {
		return
	}
	conv := r.Conversion
	if t := r.Thresholds; len(t) >= 7 {
		s.Thresholds = &Thresholds{}
		for x := ipmi.LowerNonCritical; x <= ipmi.UpperNonRecoverable; x++ {
			if t[0]>>x&1 != 0 {
				*s.Thresholds.of(x) = finite(conv.Value(t[1+x]))
			}
		}
	}
	difference := func(raw uint8) *float64 {
		if d := conv.Difference(raw); raw != 0 && raw != 0xff && d != 0 {
			return finite(d)
		}
		return nil
	}
	hyst := full.Hysteresis
	hysteresis := Hysteresis{difference(hyst.Positive), difference(hyst.Negative)}
	if hysteresis != (Hysteresis{}) {
		s.Hysteresis = &hysteresis
	}
}

// judge sets the status, the severity and the words of the states.
func (s *Sensor) judge(common *sdr.Sensor) {
	r := &s.Reading
	s.Status, s.Severity = "ns", "unknown"
	if !r.Valid {
		return
	}
	s.Raw = new(r.Raw)
	states := r.Asserted()
	severity := severityWord(common.Severity(ipmi.SensorReading{Scanning: true, States: &states}))
	switch {
	case !common.EventType.Threshold():
		s.Status, s.Severity = "ok", severity
		for _, st := range common.States(states) {
			s.States = append(s.States, st.Words)
		}
		if common.EventType == severityStates && (states.Has(3) || states.Has(6)) {
			s.Severity = "non-recoverable"
		}
	case !r.HasStates:
		s.Status = "unknown" // which thresholds are crossed is not in the answer
	default:
		status := sdr.ThresholdStatus(states.Thresholds())
		s.Status, s.Severity = status.String(), severity
		if status == sdr.StatusLowerNonRecoverable || status == sdr.StatusUpperNonRecoverable {
			s.Severity = "non-recoverable"
		}
	}
}

// severityStates is the event type whose states are severities; 3 and 6 are non-recoverable
// (Table 42-2).
const severityStates = 0x07

func (s *Sensor) setKey(k sdr.Key, t ipmi.SensorType, e ipmi.EventType) {
	s.Number, s.Owner = new(k.Number), new(uint8(k.Owner))
	s.Channel, s.LUN = new(k.Channel), new(k.LUN)
	s.SensorType, s.EventType = t.String(), new(uint8(e))
}

// recordTypeWord is the word for the type of a record.
func recordTypeWord(t sdr.Type) string {
	switch t {
	case sdr.TypeFull, sdr.TypeCompact, sdr.TypeEventOnly, sdr.TypeEntity, sdr.TypeDeviceEntity,
		sdr.TypeGenericLocator, sdr.TypeFRULocator, sdr.TypeMCLocator, sdr.TypeMCConfirmation,
		sdr.TypeMessageChannel, sdr.TypeOEM:
		return word(t.String())
	}
	return "unknown"
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
	case ipmi.Nominal, ipmi.Warning, ipmi.Critical:
		return word(s.String())
	}
	return "unknown"
}
