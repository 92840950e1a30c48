package bmc

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

func TestDCMICapabilities(t *testing.T) {
	b := newTest(t, nil)
	for n := uint8(1); n <= 5; n++ {
		c := must(t, b, ipmi.GetDCMICapabilities{Number: n})
		p, err := ipmi.ParseDCMICapability(n, c.Data)
		if _, raw := p.(ipmi.RawParameter); err != nil || raw || c.Major != 1 || c.Minor != 5 ||
			c.Revision != 2 {
			t.Errorf("parameter %d: %+v, %v", n, c, err)
		}
	}
	if cc := askAs(t, b, &Context{Channel: channelLAN}, ipmi.GetDCMICapabilities{Number: 1}); cc !=
		ipmi.CodeOK {
		t.Errorf("outside a session: %v", cc)
	}
	wantCode[ipmi.DCMICapabilities](t, "parameter 6",
		ipmi.CodeParameterOutOfRange)(ask(t, b, ipmi.GetDCMICapabilities{Number: 6}))
}

func TestDCMINamesLast(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	b := newTest(t, func(c *Config) { c.StateFile = state })
	if id := must(t, b, ipmi.GetManagementControllerID{Count: 16}); id.Length != 16 ||
		!strings.HasPrefix(string(id.Data), "DCMI") {
		t.Errorf("ID at first: %+v", id)
	}
	tag := strings.Repeat("0123456789abcdef", 4)[:63]
	for at := 0; at < len(tag); at += 16 {
		part := tag[at:min(at+16, len(tag))]
		if w := must(t, b, ipmi.SetAssetTag{Offset: uint8(at), Count: uint8(len(part)),
			Data: []byte(part)}); int(w.Length) != at+len(part) {
			t.Errorf("written %d of %d", w.Length, at+len(part))
		}
	}
	must(t, b, ipmi.SetManagementControllerID{Count: 5, Data: []byte("rack\x00")})
	must(t, b, ipmi.SetDCMIConfiguration{Number: 4, Data: []byte{200, 1}})
	b.Close()
	b = newTest(t, func(c *Config) { c.StateFile = state })
	if got := must(t, b, ipmi.GetAssetTag{Offset: 48, Count: 15}); got.Length != 63 ||
		string(got.Data) != tag[48:] {
		t.Errorf("tag %+v", got)
	}
	if got := must(t, b, ipmi.GetManagementControllerID{Count: 16}); got.Length != 4 ||
		string(got.Data) != "rack\x00" {
		t.Errorf("ID %+v", got)
	}
	if got := must(t, b, ipmi.GetDCMIConfiguration{Number: 4}); !reflect.DeepEqual(got.Data,
		[]byte{200, 1}) {
		t.Errorf("server timeout %+v", got)
	}
	// A shorter write ends the tag.
	must(t, b, ipmi.SetAssetTag{Count: 2, Data: []byte("AB")})
	if got := must(t, b, ipmi.GetAssetTag{Count: 16}); string(got.Data) != "AB" {
		t.Errorf("tag %+v", got)
	}
	set := wantCode[ipmi.AssetTagWritten]
	set(t, "a gap", ipmi.CodeParameterOutOfRange)(ask(t, b,
		ipmi.SetAssetTag{Offset: 3, Count: 1, Data: []byte("x")}))
	set(t, "17 bytes", ipmi.CodeParameterOutOfRange)(ask(t, b,
		ipmi.SetAssetTag{Count: 17, Data: make([]byte, 17)}))
	wantCode[ipmi.AssetTag](t, "past the end",
		ipmi.CodeParameterOutOfRange)(ask(t, b, ipmi.GetAssetTag{Offset: 48, Count: 16}))
	wantCode[ipmi.NoData](t, "parameter 6",
		ipmi.CodeParameterOutOfRange)(ask(t, b,
		ipmi.SetDCMIConfiguration{Number: 6, Data: []byte{1}}))
}

func TestDCMIPowerReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		time.Sleep(2 * time.Hour)
		seen := map[uint16]bool{}
		for range 20 {
			time.Sleep(time.Minute)
			r := must(t, b, ipmi.GetPowerReading{Mode: ipmi.DCMISystemStatistics})
			if !r.Active || r.Minimum > r.Average || r.Average > r.Maximum ||
				r.Current < r.Minimum || r.Current > r.Maximum || r.Period != 3600000 {
				t.Fatalf("%+v", r)
			}
			if r.Current < 100 || r.Current > 600 {
				t.Errorf("%d watts", r.Current)
			}
			seen[r.Current] = true
		}
		if len(seen) < 5 {
			t.Errorf("the reading does not move: %v", seen)
		}
		on := must(t, b, ipmi.GetPowerReading{Mode: ipmi.DCMISystemStatistics})
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		time.Sleep(time.Minute)
		off := must(t, b, ipmi.GetPowerReading{Mode: ipmi.DCMIEnhancedStatistics, Period: 0x05})
		if off.Current > on.Current/3 || off.Average > on.Average/3 || off.Period != 5 {
			t.Errorf("while off: %+v", off)
		}
		wantCode[ipmi.PowerReading](t, "a period that is not offered",
			ipmi.CodeInvalidDataField)(ask(t, b,
			ipmi.GetPowerReading{Mode: ipmi.DCMIEnhancedStatistics, Period: 6}))
		b.Close()
	})
}

func TestDCMIPowerLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		records := func() uint16 { return must(t, b, ipmi.GetSELInfo{}).Entries }
		wantCode[ipmi.PowerLimit](t, "no limit",
			ipmi.CodeDCMINoLimit)(ask(t, b, ipmi.GetPowerLimit{}))
		limit := ipmi.SetPowerLimit{Exception: ipmi.DCMILogEvent, Watts: 20, Correction: 10000,
			Sampling: 1}
		must(t, b, limit)
		must(t, b, ipmi.ActivatePowerLimit{Active: true})
		if l := must(t, b, ipmi.GetPowerLimit{}); l.Watts != 20 ||
			l.Exception != ipmi.DCMILogEvent || l.Correction != 10000 {
			t.Errorf("%+v", l)
		}
		before := records()
		time.Sleep(9 * time.Second)
		if n := records(); n != before {
			t.Errorf("acted before the correction time: %d records", n-before)
		}
		time.Sleep(time.Minute)
		if n := records(); n != before+1 {
			t.Errorf("%d records, want 1", n-before)
		}
		limit.Exception = ipmi.DCMIPowerOff
		must(t, b, limit)
		time.Sleep(12 * time.Second)
		if must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("on over the limit")
		}
		if n := records(); n < before+3 {
			t.Errorf("%d records, want 3", n-before)
		}
		code := wantCode[ipmi.NoData]
		code(t, "action 12h", ipmi.CodeInvalidDataField)(ask(t, b,
			ipmi.SetPowerLimit{Exception: 0x12, Watts: 1, Correction: 1000, Sampling: 1}))
		code(t, "0 W", ipmi.CodeDCMILimitOutOfRange)(ask(t, b,
			ipmi.SetPowerLimit{Correction: 1000, Sampling: 1}))
		code(t, "1 ms", ipmi.CodeDCMICorrectionOutOfRange)(ask(t, b,
			ipmi.SetPowerLimit{Watts: 1, Correction: 1, Sampling: 1}))
		code(t, "no sampling", ipmi.CodeDCMIPeriodOutOfRange)(ask(t, b,
			ipmi.SetPowerLimit{Watts: 1, Correction: 1000}))
		b.Close()
	})
}

func TestDCMITemperatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		time.Sleep(time.Hour)
		for _, e := range []ipmi.EntityID{ipmi.DCMIInlet, ipmi.DCMIProcessor, ipmi.DCMIBaseboard} {
			ipmiEntity, _ := ipmi.DCMIEntity(e)
			info := must(t, b, ipmi.GetDCMISensorInfo{SensorType: ipmi.SensorTemperature, Entity: e,
				Start: 1})
			same := must(t, b, ipmi.GetDCMISensorInfo{SensorType: ipmi.SensorTemperature,
				Entity: ipmiEntity, Start: 1})
			temps := must(t, b, ipmi.GetTemperatureReadings{SensorType: ipmi.SensorTemperature,
				Entity: e, Start: 1})
			if info.Total == 0 && e != ipmi.DCMIBaseboard || !reflect.DeepEqual(info, same) ||
				temps.Total != info.Total || len(temps.Readings) != len(info.Records) {
				t.Errorf("%v: %+v %+v", e, info, temps)
			}
			for i, r := range temps.Readings {
				if c := r.Temperature.Celsius(); c < 10 || c > 90 || r.Instance != uint8(i+1) {
					t.Errorf("%v: %+v", e, r)
				}
			}
		}
		wantCode[ipmi.TemperatureReadings](t, "fans",
			ipmi.CodeInvalidDataField)(ask(t, b,
			ipmi.GetTemperatureReadings{SensorType: 4, Entity: ipmi.DCMIInlet}))
		wantCode[ipmi.TemperatureReadings](t, "instance 9",
			ipmi.CodeNotPresent)(ask(t, b,
			ipmi.GetTemperatureReadings{SensorType: 1, Entity: ipmi.DCMIInlet, Instance: 9}))

		must(t, b, ipmi.SetThermalLimit{Entity: ipmi.DCMIInlet, Instance: 1, PowerOff: true,
			Limit: 5, Time: 30})
		if l := must(t, b, ipmi.GetThermalLimit{Entity: 0x37, Instance: 1}); !l.PowerOff ||
			l.Limit != 5 || l.Time != 30 {
			t.Errorf("%+v", l)
		}
		time.Sleep(29 * time.Second)
		if !must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("off before the time")
		}
		time.Sleep(5 * time.Second)
		if must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("on over the limit")
		}
		wantCode[ipmi.NoData](t, "a processor's limit",
			ipmi.CodeInvalidDataField)(ask(t, b,
			ipmi.SetThermalLimit{Entity: 3, Instance: 1, LogEvent: true}))
		b.Close()
	})
}
