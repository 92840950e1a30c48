package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// repository is a Conn to an SDR repository with the habits of real BMCs.
type repository struct {
	records     [][]byte
	most        int                 // bytes of a record in an answer; 0: any number
	refusal     ipmi.CompletionCode // of more than most; 0: it sends less
	loseEach    int                 // every so many partial reads the reservation is lost
	circle      bool                // the last record is followed by the first
	strict      bool                // no more may be asked for than there is
	needReserve bool                // even whole records
	untold      bool                // it does not tell how many records there are
	first, step uint16              // IDs, after the first's alias 0; step 0: 1

	mu          sync.Mutex
	reservation uint16
	valid       bool
	reads       int
	exchanges   int
	strays      int // reads of records that there are not
}

func (r *repository) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges++
	fail := func(c ipmi.CompletionCode) (ipmi.RawResponse, error) {
		return ipmi.RawResponse{Code: c}, nil
	}
	switch {
	case req.Command.Is(ipmi.ReserveSDRRepository{}.Command()):
		r.reservation++
		r.valid = true
		return ipmi.RawResponse{Data: []byte{byte(r.reservation), byte(r.reservation >> 8)}}, nil
	case req.Command.Is(ipmi.GetSDRRepositoryInfo{}.Command()) && !r.untold:
		b, _ := ipmi.SDRRepositoryInfo{Version: 0x51,
			Records: uint16(len(r.records))}.AppendBinary(nil)
		return ipmi.RawResponse{Data: b}, nil
	case req.Command.Is(ipmi.GetSDR{}.Command()):
	default:
		return fail(ipmi.CodeInvalidCommand)
	}
	var q ipmi.GetSDR
	if err := q.UnmarshalBinary(req.Data); err != nil {
		return fail(ipmi.CodeDataLengthInvalid)
	}
	if r.reads++; r.loseEach > 0 && r.reads%r.loseEach == 0 {
		r.valid = false
	}
	if (q.Offset > 0 || r.needReserve) && (!r.valid || q.Reservation != r.reservation) {
		return fail(ipmi.CodeReservationCanceled)
	}
	step := max(r.step, 1)
	i := 0
	if q.Record != ipmi.FirstRecord {
		i = int((q.Record - r.first) / step)
	}
	if i >= len(r.records) || q.Record != ipmi.FirstRecord && (q.Record-r.first)%step != 0 {
		r.strays++
		return fail(ipmi.CodeNotPresent)
	}
	next := r.first + uint16(i+1)*step
	if i+1 == len(r.records) {
		if next = ipmi.LastRecord; r.circle {
			next = 0
		}
	}
	if int(q.Offset) >= len(r.records[i]) {
		return fail(ipmi.CodeParameterOutOfRange)
	}
	data := r.records[i][q.Offset:]
	if r.strict && q.Count != ipmi.ReadAll && int(q.Count) > len(data) {
		return fail(ipmi.CodeParameterOutOfRange)
	}
	if n := int(q.Count); q.Count != ipmi.ReadAll && n < len(data) {
		data = data[:n]
	}
	if r.most > 0 && (int(q.Count) > r.most) {
		if r.refusal != 0 {
			return fail(r.refusal)
		}
		data = data[:min(r.most, len(data))]
	}
	return ipmi.RawResponse{Data: append([]byte{byte(next), byte(next >> 8)}, data...)}, nil
}

func testRecords(t *testing.T, n int) [][]byte {
	var out [][]byte
	for i := range n {
		var r sdr.Record = &sdr.Full{Name: sdr.Name(fmt.Sprintf("Sensor %d", i))}
		if i%10 == 9 {
			r = &sdr.FRULocator{Name: sdr.Name(fmt.Sprintf("FRU %d", i))}
		}
		r.RecordHeader().ID = uint16(i)
		b, err := sdr.Append(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func TestReadSDRs(t *testing.T) {
	records := testRecords(t, 100)
	for name, r := range map[string]*repository{
		"whole":           {},
		"needs reserve":   {needReserve: true},
		"strict":          {most: 33, refusal: ipmi.CodeCannotReturnBytes, strict: true},
		"32 bytes":        {most: 32, refusal: ipmi.CodeCannotReturnBytes},
		"16 bytes":        {most: 16, refusal: ipmi.CodeUnspecified},
		"short answers":   {most: 20},
		"loses":           {most: 22, refusal: ipmi.CodeDataFieldTooLong, loseEach: 7},
		"loses and needs": {needReserve: true, loseEach: 3},
		"untold":          {untold: true},
		"steps of 20":     {first: 1, step: 20},
	} {
		r.records = records
		got, err := ReadSDRs(t.Context(), r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got) != len(records) {
			t.Errorf("%s: %d records", name, len(got))
			continue
		}
		for i := range got {
			if !bytes.Equal(got[i], records[i]) {
				t.Errorf("%s: record %d is %x", name, i, got[i])
				break
			}
		}
		t.Logf("%s: %d exchanges", name, r.exchanges)
		if most := map[string]int{"whole": 101, "32 bytes": 206, "untold": 101,
			"steps of 20": 104}[name]; most > 0 && r.exchanges > most {
			t.Errorf("%s: %d exchanges for 100 records, want at most %d", name, r.exchanges,
				most)
		}
		if r.strays > 3 {
			t.Errorf("%s: %d reads of records that there are not", name, r.strays)
		}
	}
}

func TestReadSDRsEmpty(t *testing.T) {
	if got, err := ReadSDRs(t.Context(), &repository{}); err != nil || len(got) != 0 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestReadSDRsHostile(t *testing.T) {
	if got, err := ReadSDRs(t.Context(),
		&repository{records: testRecords(t, 3), circle: true, untold: true}); !errors.Is(err,
		ErrRecordsCircle) || len(got) != 3 {
		t.Errorf("circle: got %d records, %v; want 3, %v", len(got), err, ErrRecordsCircle)
	}
	// If they are as many as there are, that is how some BMCs end the list.
	if got, err := ReadSDRs(t.Context(),
		&repository{records: testRecords(t, 3), circle: true}); err != nil || len(got) != 3 {
		t.Errorf("circle at the end: got %d records, %v; want 3", len(got), err)
	}
	// A header that promises 255 bytes, of which there are none.
	long := []byte{0, 0, 0x51, 1, 0xff}
	if _, err := ReadSDRs(t.Context(), &repository{records: [][]byte{long}}); err == nil {
		t.Error("a record without its end was taken")
	}
	if _, err := ReadSDRs(t.Context(), &repository{records: testRecords(t, 2), most: 22,
		refusal: ipmi.CodeCannotReturnBytes, loseEach: 1}); !errors.Is(err,
		ipmi.CodeReservationCanceled) {
		t.Errorf("reservation always lost: %v", err)
	}
	if _, err := ReadSDRs(t.Context(), &repository{records: testRecords(t, 2), most: 2,
		refusal: ipmi.CodeCannotReturnBytes}); !errors.Is(err, ipmi.CodeCannotReturnBytes) {
		t.Errorf("two bytes at a time: %v", err)
	}
}

// sensors answers Get Sensor Reading from a table.
type sensors map[uint8][]byte

func (s sensors) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	if a, ok := s[req.Data[0]]; ok && req.Command.Is(ipmi.GetSensorReading{}.Command()) {
		return ipmi.RawResponse{Data: a}, nil
	}
	return ipmi.RawResponse{Code: ipmi.CodeNotPresent}, nil
}

func TestReadSensors(t *testing.T) {
	temp := &sdr.Full{Factors: sdr.Factors{M: 5, RExponent: -1}}
	temp.Number, temp.EventType = 1, ipmi.EventThreshold
	psu := &sdr.Compact{}
	psu.Number, psu.EventType, psu.SensorType = 2, ipmi.EventSensorSpecific, ipmi.SensorPowerSupply
	gone := &sdr.Full{}
	gone.Number, gone.EventType = 3, ipmi.EventThreshold
	off := &sdr.Full{Factors: sdr.Factors{M: 1}}
	off.Number, off.EventType = 4, ipmi.EventThreshold
	temp.Owner, psu.Owner, gone.Owner, off.Owner = sdr.BMCAddress, sdr.BMCAddress, sdr.BMCAddress,
		sdr.BMCAddress
	c := sensors{1: {100, 0xc0, 0xd8}, 2: {0, 0xc0, 0x03, 0x80}, 4: {1, 0x40 | 0x20}}
	got, err := ReadSensors(t.Context(), c, []sdr.Record{temp, psu, &sdr.FRULocator{}, gone, off},
		4)
	if err != nil {
		t.Fatal(err)
	}
	if r := got[0]; !r.HasValue || r.Value != 50 || r.Status.String() != "ucr" ||
		r.Severity != ipmi.Critical {
		t.Errorf("temperature: %+v", r)
	}
	if r := got[1]; r.HasValue || r.Severity != ipmi.Critical {
		t.Errorf("power supply: %+v", r)
	}
	if r := got[3]; r.Code != ipmi.CodeNotPresent || !r.Unavailable {
		t.Errorf("absent: %+v", r)
	}
	if r := got[4]; r.HasValue || r.Severity != ipmi.SeverityUnknown {
		t.Errorf("unavailable: %+v", r)
	}
	if _, err := ReadSensor(t.Context(), c, &sdr.FRULocator{}); err == nil {
		t.Error("a locator was read")
	}
}
