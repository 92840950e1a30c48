package client

import (
	"context"
	"errors"
	"testing"
	"time"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// plainConn is a Conn that leads to the BMC and nowhere else.
type plainConn struct{ asked int }

func (p *plainConn) Exchange(context.Context, ipmi.RawRequest) (ipmi.RawResponse, error) {
	p.asked++
	return ipmi.RawResponse{Data: []byte{100, 0xc0}}, nil
}

// A satellite's sensor is never read from the BMC, which may have one of the same number.
func TestSensorOfSatellite(t *testing.T) {
	record := &sdr.Compact{Sensor: sdr.Sensor{Key: sdr.Key{Owner: 0x72, Number: 1}}}

	var plain plainConn
	r, err := ReadSensor(context.Background(), &plain, record)
	if err != nil || r.Code != ipmi.CodeDestinationUnavailable || !r.Unavailable ||
		plain.asked != 0 {
		t.Errorf("over a Conn without a way: got %+v, %v after %d requests, want a refusal and none", r, err, plain.asked)
	}
	err = SetThresholds(context.Background(), OwnerConn(&plain, record.Key), record.Key, 1,
		[6]uint8{})
	if code := ipmi.CodeOK; plain.asked != 0 || !errors.As(err, &code) ||
		code != ipmi.CodeDestinationUnavailable {
		t.Errorf("set thresholds: got %v, want %v", err, ipmi.CodeDestinationUnavailable)
	}

	f := newFakeDriver(func(m deviceMessage) []deviceMessage {
		return []deviceMessage{{id: m.id, netFn: m.netFn.Response(), cmd: m.cmd,
			data: []byte{0, 100, 0xc0}}}
	})
	d := testDevice(t, f, time.Minute)
	for _, c := range []struct {
		conn Conn
		want uint8
	}{{d, 0x72}, {d.Target(0x82, 0), 0x72}, {d.Target(0x72, 0), 0x72}} {
		if _, err := ReadSensor(context.Background(), c.conn, record); err != nil {
			t.Fatal(err)
		}
		if got := f.to[len(f.to)-1].slave; got != c.want {
			t.Errorf("in band: read from %02xh, want %02xh", got, c.want)
		}
	}
}
