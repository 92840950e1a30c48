package bmc

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

func addTestEvent(t *testing.T, b *BMC, n uint8) uint16 {
	t.Helper()
	r, err := sel.Event{Generator: sel.GeneratorSoftware, Revision: 4,
		SensorType: ipmi.SensorTemperature, Sensor: n, Type: ipmi.EventThreshold}.Record()
	if err != nil {
		t.Fatal(err)
	}
	return must(t, b, ipmi.AddSELEntry{Record: r.Bytes()}).ID
}

func getRecord(t *testing.T, b *BMC, id uint16) (sel.Record, uint16) {
	t.Helper()
	e := must(t, b, ipmi.GetSELEntry{Record: id, Count: ipmi.ReadAll})
	var r sel.Record
	if err := r.UnmarshalBinary(e.Data); err != nil {
		t.Fatal(err)
	}
	return r, e.Next
}

func TestSELAddGetDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		if _, cc := ask(t, b, ipmi.GetSELEntry{Count: ipmi.ReadAll}); cc != ipmi.CodeNotPresent {
			t.Errorf("empty: %v", cc)
		}
		info := must(t, b, ipmi.GetSELInfo{})
		if info.Entries != 0 || info.LastAddition != ipmi.TimestampUnspecified ||
			info.Free != selCapacity*sel.Size {
			t.Errorf("%+v", info)
		}
		for i := uint8(1); i <= 3; i++ {
			addTestEvent(t, b, i)
		}
		b.AddEvent(sel.Event{Generator: sel.GeneratorBMC, SensorType: ipmi.SensorFan, Sensor: 7,
			Type: ipmi.EventThreshold})
		r, next := getRecord(t, b, ipmi.FirstRecord)
		if ts, _ := r.Timestamp(); r.ID != 1 || next != 2 || ts != ipmi.TimestampOf(time.Now()) {
			t.Errorf("first: %+v, next %d", r, next)
		}
		r, next = getRecord(t, b, ipmi.LastRecord)
		if e, _ := r.Event(); r.ID != 4 || next != ipmi.LastRecord || e.Sensor != 7 ||
			e.Revision != 4 || b.eventLog.last != 4 {
			t.Errorf("last: %+v, next %x", r, next)
		}
		res := must(t, b, ipmi.ReserveSEL{}).ID
		if got := must(t, b, ipmi.GetSELEntry{Reservation: res, Record: 2, Offset: 11,
			Count: 1}); got.Data[0] != 2 || got.Next != 3 {
			t.Errorf("part: %+v", got)
		}
		for req, want := range map[ipmi.GetSELEntry]ipmi.CompletionCode{
			{Reservation: res, Record: 2, Offset: 16, Count: 1}:    ipmi.CodeParameterOutOfRange,
			{Reservation: res, Record: 2, Offset: 8, Count: 9}:     ipmi.CodeCannotReturnBytes,
			{Reservation: res, Record: 9, Count: 16}:               ipmi.CodeNotPresent,
			{Reservation: res + 1, Record: 2, Offset: 8, Count: 1}: ipmi.CodeReservationCanceled,
		} {
			if _, cc := ask(t, b, req); cc != want {
				t.Errorf("%+v: %v, want %v", req, cc, want)
			}
		}
		if id := must(t, b, ipmi.DeleteSELEntry{Reservation: res, Record: 2}).ID; id != 2 {
			t.Errorf("deleted %d", id)
		}
		if id := must(t, b, ipmi.DeleteSELEntry{Reservation: res, Record: 3}).ID; id != 3 {
			t.Errorf("deleted %d", id)
		}
		res = must(t, b, ipmi.ReserveSEL{}).ID
		addTestEvent(t, b, 9)
		if _, cc := ask(t, b, ipmi.ClearSEL{Reservation: res, Action: ipmi.EraseStart}); cc !=
			ipmi.CodeReservationCanceled {
			t.Errorf("an addition cancels the reservation: %v", cc)
		}
	})
}

func TestSELClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		addTestEvent(t, b, 1)
		res := must(t, b, ipmi.ReserveSEL{}).ID
		if e := must(t, b, ipmi.ClearSEL{Reservation: res, Action: ipmi.EraseStart}); e.Progress !=
			ipmi.ErasureRunning {
			t.Error("erased at once")
		}
		if n := must(t, b, ipmi.GetSELInfo{}).Entries; n != 0 {
			t.Errorf("%d entries while it is erased", n)
		}
		if e := must(t, b, ipmi.ClearSEL{Reservation: res, Action: ipmi.EraseStatus}); e.Progress !=
			ipmi.ErasureRunning {
			t.Error("erased too early")
		}
		b.AddEvent(sel.Event{SensorType: ipmi.SensorFan, Sensor: 7})
		time.Sleep(2 * eraseTime)
		if e := must(t, b, ipmi.ClearSEL{Reservation: res, Action: ipmi.EraseStatus}); e.Progress !=
			ipmi.ErasureDone {
			t.Error("not erased")
		}
		// What happened meanwhile is not lost.
		if r, _ := getRecord(t, b, ipmi.FirstRecord); r.ID != 1 ||
			must(t, b, ipmi.GetSELInfo{}).Entries != 1 {
			t.Errorf("%+v", r)
		}
		if _, cc := ask(t, b, ipmi.ClearSEL{Action: 0x55}); cc != ipmi.CodeInvalidDataField {
			t.Error(cc)
		}
	})
}

func TestSELFull(t *testing.T) {
	b := newTest(t, nil)
	b.eventLog.capacity = 3
	for i := uint8(1); i <= 3; i++ {
		addTestEvent(t, b, i)
	}
	if must(t, b, ipmi.GetSELInfo{}).Overflow {
		t.Error("overflow before anything was lost")
	}
	b.AddEvent(sel.Event{SensorType: ipmi.SensorFan})
	r, _ := sel.Event{}.Record()
	if _, cc := ask(t, b, ipmi.AddSELEntry{Record: r.Bytes()}); cc != ipmi.CodeOutOfSpace {
		t.Errorf("full: %v", cc)
	}
	if info := must(t, b, ipmi.GetSELInfo{}); !info.Overflow || info.Free != 0 ||
		info.Entries != 3 {
		t.Errorf("%+v", info)
	}
	if _, cc := ask(t, b, ipmi.AddSELEntry{Record: [16]byte{2: 0x10}}); cc != codeRecordType {
		t.Errorf("record type 10h: %v", cc)
	}
	res := must(t, b, ipmi.ReserveSEL{}).ID
	must(t, b, ipmi.DeleteSELEntry{Reservation: res, Record: ipmi.FirstRecord})
	// Record IDs that are in use are passed over.
	b.eventLog.kept.NextID = 2
	if id := addTestEvent(t, b, 4); id != 4 {
		t.Errorf("ID %d", id)
	}
}

func TestSELPartialAdd(t *testing.T) {
	b := newTest(t, nil)
	r, _ := sel.Event{SensorType: ipmi.SensorFan, Sensor: 3, Type: ipmi.EventThreshold}.Record()
	data := r.Bytes()
	add := func(res, id uint16, at, n int, last bool) (uint16, ipmi.CompletionCode) {
		got, cc := ask(t, b, ipmi.PartialAddSELEntry{Reservation: res, Record: id,
			Offset: uint8(at), Last: last, Data: data[at : at+n]})
		return got.ID, cc
	}
	if _, cc := add(0, 0, 0, 8, false); cc != ipmi.CodeReservationCanceled {
		t.Errorf("no reservation: %v", cc)
	}
	res := must(t, b, ipmi.ReserveSEL{}).ID
	id, cc := add(res, 0, 0, 8, false)
	if cc != ipmi.CodeOK {
		t.Fatal(cc)
	}
	if _, cc := add(res, id, 10, 6, true); cc != ipmi.CodeParameterOutOfRange {
		t.Errorf("gap: %v", cc)
	}
	if _, cc := add(res, id, 8, 4, true); cc != codeRecordSizeBad {
		t.Errorf("short: %v", cc)
	}
	id, _ = add(res, 0, 0, 8, false)
	if got, cc := add(res, id, 8, 8, true); cc != ipmi.CodeOK || got != id {
		t.Errorf("%d %v", got, cc)
	}
	if got, _ := getRecord(t, b, id); got.Body[8] != 3 {
		t.Errorf("%+v", got)
	}
}

func TestSELTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		must(t, b, ipmi.SetSELTimeUTCOffset{Minutes: -480})
		if got := must(t, b, ipmi.GetSELTimeUTCOffset{}).Minutes; got != -480 {
			t.Error(got)
		}
		must(t, b, ipmi.SetSELTime{Time: 1700000000})
		time.Sleep(90 * time.Second)
		if got := must(t, b, ipmi.GetSELTime{}).Time; got != 1700000090 {
			t.Error(got)
		}
		if got := must(t, b, ipmi.GetSELTimeUTCOffset{}).Minutes; got != ipmi.UTCOffsetUnspecified {
			t.Error(got)
		}
		if _, cc := ask(t, b, ipmi.SetSELTimeUTCOffset{Minutes: 1441}); cc !=
			ipmi.CodeParameterOutOfRange {
			t.Error(cc)
		}
	})
}

func TestAuxiliaryLog(t *testing.T) {
	b := newTest(t, nil)
	want := ipmi.AuxiliaryLogStatus{LastEntry: 7,
		OEM: &ipmi.AuxiliaryLogOEM{OEM: 343, Status: [8]byte{1}}}
	if _, cc := ask(t, b, ipmi.GetAuxiliaryLogStatus{Log: ipmi.LogOEM1}); cc !=
		ipmi.CodeNotPresent {
		t.Error(cc)
	}
	must(t, b, ipmi.SetAuxiliaryLogStatus{Log: ipmi.LogOEM1, Status: want})
	if got := must(t, b, ipmi.GetAuxiliaryLogStatus{Log: ipmi.LogOEM1}); got.LastEntry != 7 ||
		*got.OEM != *want.OEM {
		t.Errorf("%+v", got)
	}
	if _, cc := ask(t, b, ipmi.SetAuxiliaryLogStatus{Log: ipmi.LogMCA, Status: want}); cc !=
		ipmi.CodeInvalidDataField {
		t.Error(cc)
	}
}

func TestPlatformEvent(t *testing.T) {
	b := newTest(t, nil)
	must(t, b, ipmi.PlatformEvent{Revision: 3, SensorType: ipmi.SensorTemperature, Sensor: 0x30,
		EventType: ipmi.EventThreshold, Data: [3]byte{0x57, 1, 2}})
	r, _ := getRecord(t, b, ipmi.LastRecord)
	if e, _ := r.Event(); e.Generator != 0x1081 || e.Revision != 4 ||
		e.Data != [3]byte{0x57, 1, 2} {
		t.Errorf("%+v", e)
	}
	if _, cc := ask(t, b, ipmi.PlatformEvent{Revision: 9}); cc != ipmi.CodeInvalidDataField {
		t.Error(cc)
	}
}

func TestSELAndInventoryLast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	start := func() *BMC { return newTest(t, func(c *Config) { c.StateFile = file }) }
	b := start()
	addTestEvent(t, b, 1)
	addTestEvent(t, b, 2)
	must(t, b, ipmi.DeleteSELEntry{Reservation: must(t, b, ipmi.ReserveSEL{}).ID, Record: 1})
	// An ID below the others still comes after them.
	b.eventLog.kept.NextID = 1
	addTestEvent(t, b, 3)
	must(t, b, ipmi.SetSELTime{Time: 1700000000})
	must(t, b, ipmi.WriteFRUData{Device: 0, Offset: 700, Data: []byte("kept")})
	serial := b.inventory.device(b, 0).read(0, 200)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start()
	r, next := getRecord(t, b, ipmi.FirstRecord)
	if r.ID != 2 || next != 1 || must(t, b, ipmi.GetSELInfo{}).Entries != 2 {
		t.Errorf("first is %d, next %d", r.ID, next)
	}
	if got := must(t, b, ipmi.GetSELTime{}).Time; got < 1700000000 || got > 1700000100 {
		t.Error(got)
	}
	if got := must(t, b, ipmi.ReadFRUData{Device: 0, Offset: 700, Count: 4}); string(got.Data) !=
		"kept" {
		t.Errorf("%q", got.Data)
	}
	if string(serial) != string(b.inventory.device(b, 0).read(0, 200)) {
		t.Error("the serial number has changed")
	}
	res := must(t, b, ipmi.ReserveSEL{}).ID
	must(t, b, ipmi.ClearSEL{Reservation: res, Action: ipmi.EraseStart})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := must(t, start(), ipmi.GetSELInfo{}).Entries; n != 0 {
		t.Errorf("%d entries after an erasure", n)
	}
}
