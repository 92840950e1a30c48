package render

import (
	"lom/client"
	"lom/ipmi/sdr"
	"lom/machine"
)

// Digits after the point of readings: ipmitool's sdr has two, its sensor three.
const (
	sdrPrecision    = 2
	sensorPrecision = 3
)

// A sdrStyle is how records are printed.
type sdrStyle struct {
	extended, verbose, csv bool
}

// sensorColumns are the columns of tables of sensors.
var sensorColumns = []string{"name", "status", "severity", "value", "units", "states",
	"entity.name"}

func (p *Printer) sdrStyle(extended, verbose bool) sdrStyle {
	return sdrStyle{extended: extended, verbose: verbose || p.Verbose > 0, csv: p.Format == Plain}
}

func sdrView(extended bool) View[machine.Sensor] {
	return View[machine.Sensor]{Columns: sensorColumns, Text: func(p *Printer, s machine.Sensor) {
		viewOf(s, sdrPrecision).print(p, p.sdrStyle(extended, false))
	}}
}

// SDR prints a record as sdr list, and SDRExtended as sdr elist.
var (
	SDR         = sdrView(false)
	SDRExtended = sdrView(true)
)

// SDRGet prints all about records, as sdr get.
var SDRGet = View[[]machine.Sensor]{Columns: sensorColumns,
	Text: func(p *Printer, list []machine.Sensor) {
		for _, s := range list {
			viewOf(s, sdrPrecision).print(p, p.sdrStyle(false, true))
		}
	}}

// Sensor prints a sensor with its thresholds, as sensor list.
var Sensor = View[machine.Sensor]{Columns: sensorColumns, Text: func(p *Printer, s machine.Sensor) {
	viewOf(s, sensorPrecision).printSensor(p, p.sdrStyle(false, false))
}}

// SensorGet prints all about sensors, as sensor get.
var SensorGet = View[[]machine.Sensor]{Columns: sensorColumns,
	Text: func(p *Printer, list []machine.Sensor) {
		p.Println("Locating sensor record...")
		for _, s := range list {
			p.sensorGet(s)
		}
	}}

// SensorDetails prints all about one sensor, as sensor get does after its first line.
var SensorDetails = View[machine.Sensor]{Columns: sensorColumns, Text: (*Printer).sensorGet}

func (p *Printer) sensorGet(s machine.Sensor) {
	v, style := viewOf(s, sensorPrecision), p.sdrStyle(false, true)
	if v.sensor == nil {
		v.print(p, style)
		return
	}
	v.printSensor(p, style)
}

// SensorReadings prints the readings that are numbers, as sensor reading.
var SensorReadings = View[[]machine.Sensor]{Columns: sensorColumns,
	Text:  func(p *Printer, list []machine.Sensor) { p.readings("%-16s | %s\n", list) },
	Plain: func(p *Printer, list []machine.Sensor) { p.readings("%s,%s\n", list) },
}

func (p *Printer) readings(format string, list []machine.Sensor) {
	for _, s := range list {
		if s.Reading.Valid && s.Reading.Analog {
			p.Printf(format, s.Name, number2text(s.Reading.Value, sensorPrecision))
		}
	}
}

// A sensorView is a record and, for a sensor that can be read, what it says now.
type sensorView struct {
	record sdr.Record

	sensor   *sdr.Sensor // nil: not a sensor that can be read
	full     *sdr.Full   // nil: not described by a full record
	conv     sdr.Conversion
	valid    bool // there is a reading
	disabled bool // the sensor is not scanned
	reading  uint8
	states   [2]uint8
	analog   bool // the reading is a number with a unit
	value    float64
	text     string // the value with as many digits as wanted
	units    string

	status, enable, thresholds []byte // answers of the controller; nil where it refused
}

// viewOf returns what is printed of a sensor.
func viewOf(s machine.Sensor, precision int) *sensorView {
	r := s.Reading
	v := &sensorView{record: s.Record, sensor: client.SensorOf(s.Record), conv: r.Conversion,
		valid: r.Valid, disabled: r.Disabled, reading: r.Raw, states: r.States, analog: r.Analog,
		value:  r.Value,
		status: r.EventStatus, enable: r.EventEnable, thresholds: r.Thresholds}
	v.full, _ = s.Record.(*sdr.Full)
	if v.analog {
		v.units, v.text = v.full.Units.Name(), number2text(v.value, precision)
	}
	return v
}
