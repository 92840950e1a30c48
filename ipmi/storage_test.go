package ipmi

import (
	"bytes"
	"encoding"
	"errors"
	"reflect"
	"testing"
)

// wireCase is a message as it was seen on the wire, or as its table says it.
type wireCase struct {
	name  string
	bytes string
	want  any // a message value
}

// checkWire reads each case into a new value of the type of want and writes want.
func checkWire(t *testing.T, cases []wireCase) {
	t.Helper()
	for _, c := range cases {
		got := reflect.New(reflect.TypeOf(c.want))
		message := got.Interface().(encoding.BinaryUnmarshaler)
		if err := message.UnmarshalBinary([]byte(c.bytes)); err != nil {
			t.Errorf("%s: read: %v", c.name, err)
		} else if !reflect.DeepEqual(got.Elem().Interface(), c.want) {
			t.Errorf("%s: read\n %+v, want\n %+v", c.name, got.Elem().Interface(), c.want)
		}
		if b, err := c.want.(encoding.BinaryAppender).AppendBinary([]byte("x")); err != nil ||
			!bytes.Equal(b, []byte("x"+c.bytes)) {
			t.Errorf("%s: wrote % x (%v), want % x", c.name, b[1:], err, c.bytes)
		}
	}
}

func TestStorageMessages(t *testing.T) {
	checkWire(t, []wireCase{
		{"reservation", "\x34\x12", Reservation{ID: 0x1234}},
		{"get SDR", "\x01\x00\x05\x00\x10\xff", GetSDR{Reservation: 1, Record: 5, Offset: 16, Count: ReadAll}},
		{"clear SEL", "\x07\x00CLR\xaa", ClearSEL{Reservation: 7, Action: EraseStart}},
		{"clear SDRs", "\x07\x00CLR\x00", ClearSDRRepository{Reservation: 7, Action: EraseStatus}},
		{"MCA log", "\x00\x00\x00\x60\x05\x00\x00\x00", AuxiliaryLogStatus{LastEntry: 0x60000000, Entries: 5}},
		{"OEM log", "\x01\x00\x00\x00\xa2\x02\x0012345678\x00"[:15], AuxiliaryLogStatus{LastEntry: 1, OEM: &AuxiliaryLogOEM{OEM: 674, Status: [8]byte([]byte("12345678"))}}},
		{"UTC offset", "\xc4\xff", SELTimeUTCOffset{Minutes: -60}},
		{"FRU data", "\x02\xaa\xbb", FRUData{Count: 2, Data: []byte{0xaa, 0xbb}}},
	})
	var c ClearSEL
	if err := c.UnmarshalBinary([]byte("\x07\x00CLX\xaa")); !errors.Is(err, CodeInvalidDataField) {
		t.Errorf("clear without CLR: %v", err)
	}
}

func TestSensorMessages(t *testing.T) {
	states, low, high := SensorStates(0x00c0), EventMask(0x0a80), EventMask(0x7a95)
	gen := uint8(0x41)
	checkWire(t, []wireCase{
		{"analog reading", "\x60\xc0\xc0\x00", SensorReading{Reading: 0x60, EventsEnabled: true, Scanning: true, States: &states}},
		{"event enable", "\xc0\x80\x0a\x95\x7a", SensorEventEnable{Events: true, Scanning: true, Assertions: &low, Deassertions: &high}},
		{"no masks", "\xc0", SensorEventEnable{Events: true, Scanning: true}},
		{"thresholds", "\x3f\x01\x02\x03\x04\x05\x06", SensorThresholds{Readable: AllThresholds, Values: [6]uint8{1, 2, 3, 4, 5, 6}}},
		// M = -2, tolerance 3, B = 511, accuracy 0x155 with exponent 2, exponents -3 and 5.
		{"factors", "\x11\xfe\xc3\xff\x55\x58\xd5", SensorReadingFactors{Next: 0x11, M: -2, Tolerance: 3, B: 511, Accuracy: 0x155, AccuracyExponent: 2, RExponent: -3, BExponent: 5}},
		{"event from LAN", "\x04\x01\x30\x01\x59\x5a\x5b", PlatformEvent{Revision: 4, SensorType: 1, Sensor: 0x30, EventType: 1, Data: [3]byte{0x59, 0x5a, 0x5b}}},
		{"event from software", "\x41\x04\x12\x00\xef\x01\xff\xff", PlatformEvent{Generator: &gen, Revision: 4, SensorType: 0x12, EventType: 0x6f, Deassertion: true, Data: [3]byte{1, 0xff, 0xff}}},
	})

	// What real controllers leave out.
	var r SensorReading
	if err := r.UnmarshalBinary([]byte("\x60\xc0\xc1")); err != nil || r.States == nil ||
		r.States.Thresholds() != 1 {
		t.Errorf("reading with one state byte: %+v, %v", r, err)
	}
	var e PlatformEvent
	if err := e.UnmarshalBinary([]byte("\x41\x04\x12\x00\x6f\x01")); err != nil ||
		e.Generator == nil || e.Data != [3]byte{1, 0xff, 0xff} {
		t.Errorf("short event from software: %+v, %v", e, err)
	}
}
