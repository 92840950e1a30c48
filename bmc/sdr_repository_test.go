package bmc

import (
	"bytes"
	"testing"

	"lom/bmc/host/sim"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

func newBenchmark(tb testing.TB) *BMC {
	b, err := New(Config{Host: sim.New(sim.Config{On: true})})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close() })
	return b
}

// readAllSDRs follows the list of records.
func readAllSDRs(t *testing.T, b *BMC) [][]byte {
	t.Helper()
	var out [][]byte
	for id := ipmi.FirstRecord; id != ipmi.LastRecord; {
		d := must(t, b, ipmi.GetSDR{Record: id, Count: ipmi.ReadAll})
		out, id = append(out, d.Data), d.Next
	}
	return out
}

func TestRepositoryReading(t *testing.T) {
	b := newTest(t, nil)
	all := readAllSDRs(t, b)
	info := must(t, b, ipmi.GetSDRRepositoryInfo{})
	if len(all) != int(info.Records) || info.Version != 0x51 || !info.CanDelete || info.Free == 0 ||
		info.Free == 0xffff {
		t.Errorf("%d records, %+v", len(all), info)
	}
	if _, cc := ask(t, b, ipmi.GetSDR{Record: 1, Offset: 5, Count: 4}); cc !=
		ipmi.CodeReservationCanceled {
		t.Errorf("part without a reservation: %v", cc)
	}
	res := must(t, b, ipmi.ReserveSDRRepository{})
	if d := must(t, b, ipmi.GetSDR{Reservation: res.ID, Record: 2, Offset: 5,
		Count: 4}); !bytes.Equal(d.Data, all[1][5:9]) || d.Next != 3 {
		t.Errorf("part: %+v", d)
	}
	if d := must(t, b, ipmi.GetSDR{Record: ipmi.LastRecord, Count: 0xff}); !bytes.Equal(d.Data,
		all[len(all)-1]) || d.Next != ipmi.LastRecord {
		t.Errorf("last: %+v", d)
	}
	if _, cc := ask(t, b, ipmi.GetSDR{Record: 0x1234, Count: 0xff}); cc != ipmi.CodeNotPresent {
		t.Errorf("no such record: %v", cc)
	}
	if _, cc := ask(t, b, ipmi.GetSDR{Reservation: res.ID, Record: 1, Offset: 0xf0,
		Count: 1}); cc != ipmi.CodeParameterOutOfRange {
		t.Errorf("past the end: %v", cc)
	}
	again := must(t, b, ipmi.ReserveSDRRepository{})
	if _, cc := ask(t, b, ipmi.GetSDR{Reservation: res.ID, Record: 1, Offset: 5, Count: 4}); cc !=
		ipmi.CodeReservationCanceled || again.ID == res.ID {
		t.Errorf("old reservation: %v", cc)
	}
	alloc := must(t, b, ipmi.GetSDRRepositoryAllocationInfo{})
	if int(alloc.Free)*int(alloc.UnitSize) < int(info.Free) {
		t.Errorf("allocation: %+v", alloc)
	}
}

func TestRepositoryWriting(t *testing.T) {
	file := t.TempDir() + "/state"
	open := func() *BMC {
		return newTest(t, func(c *Config) { c.StateFile = file; c.GUID = ipmi.GUID{1} })
	}
	b := open()
	other := newTest(t, nil)
	n := len(readAllSDRs(t, b))
	rec := func(name string) []byte {
		raw, err := sdr.Append(nil, &sdr.EventOnly{Name: sdr.Name(name)})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	a := must(t, b, ipmi.AddSDR{Data: rec("Whole")})
	if int(a.ID) != n+1 {
		t.Errorf("ID %d of record %d", a.ID, n+1)
	}
	raw := rec("In parts")
	res := must(t, b, ipmi.ReserveSDRRepository{})
	first := must(t, b, ipmi.PartialAddSDR{Reservation: res.ID, Data: raw[:10]})
	if _, cc := ask(t, b, ipmi.PartialAddSDR{Reservation: res.ID, Record: first.ID, Offset: 12,
		Data: raw[12:]}); cc != ipmi.CodeInvalidDataField {
		t.Errorf("a gap: %v", cc)
	}
	p := must(t, b, ipmi.PartialAddSDR{Reservation: res.ID, Record: first.ID, Offset: 10,
		Last: true, Data: raw[10:]})
	if _, cc := ask(t, b, ipmi.AddSDR{Data: raw[:12]}); cc != codeRecordLength {
		t.Errorf("cut off: %v", cc)
	}
	if _, cc := ask(t, b, ipmi.DeleteSDR{Reservation: res.ID, Record: 1}); cc !=
		ipmi.CodeReservationCanceled {
		t.Errorf("deletion after an addition: %v", cc)
	}
	res = must(t, b, ipmi.ReserveSDRRepository{})
	if d := must(t, b, ipmi.DeleteSDR{Reservation: res.ID, Record: 1}); d.ID != 1 {
		t.Errorf("deleted %d", d.ID)
	}
	b.Close()
	b = open()
	all := readAllSDRs(t, b)
	if len(all) != n+1 || id(all[0]) != 2 || id(all[n]) != p.ID {
		t.Fatalf("%d records after the restart, first %d, last %d", len(all), id(all[0]),
			id(all[len(all)-1]))
	}
	if r, err := sdr.Parse(all[n]); err != nil || r.(*sdr.EventOnly).Name.Text != "In parts" {
		t.Errorf("last: %+v %v", r, err)
	}
	if got := readAllSDRs(t, other); len(got) != n {
		t.Errorf("the other BMC has %d records of %d", len(got), n)
	}
	res = must(t, b, ipmi.ReserveSDRRepository{})
	if e := must(t, b, ipmi.ClearSDRRepository{Reservation: res.ID,
		Action: ipmi.EraseStart}); e.Progress != ipmi.ErasureDone {
		t.Errorf("clear: %+v", e)
	}
	if info := must(t, b, ipmi.GetSDRRepositoryInfo{}); info.Records != 0 {
		t.Errorf("cleared: %+v", info)
	}
	if _, cc := ask(t, b, ipmi.GetSDR{Count: 0xff}); cc != ipmi.CodeNotPresent {
		t.Errorf("first of none: %v", cc)
	}
	b.Close()
	b = open()
	if got := must(t, b, ipmi.GetSDRRepositoryInfo{}); got.Records != 0 {
		t.Errorf("after the restart: %+v", got)
	}
	if a := must(t, b, ipmi.AddSDR{Data: rec("New")}); a.ID != 1 {
		t.Errorf("ID %d in an empty repository", a.ID)
	}
}

func TestRepositoryFull(t *testing.T) {
	b := newTest(t, nil)
	big := make([]byte, 260)
	big[2], big[3], big[4] = 0x51, 0xc0, 0xff
	for i := 0; ; i++ {
		if i > 300 {
			t.Fatal("the repository has no end")
		}
		_, cc := ask(t, b, ipmi.AddSDR{Data: big})
		if cc == ipmi.CodeOutOfSpace {
			break
		}
		if cc != ipmi.CodeOK {
			t.Fatal(cc)
		}
	}
	if info := must(t, b, ipmi.GetSDRRepositoryInfo{}); !info.Overflow {
		t.Errorf("full: %+v", info)
	}
}
