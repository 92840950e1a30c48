package bmc

import (
	"fmt"
	"slices"

	"lom/ipmi"
)

// Sizes of the SDR repository in bytes.
const (
	sdrSpace  = 64 << 10
	sdrUnit   = 16 // of allocation
	sdrHeader = 5
	// sdrMost is the most bytes of a record that one answer holds.
	sdrMost = 240
)

// repository is the SDR repository (§33). Until it is written its records are those of the
// SensorSet, which it shares with other BMCs.
type repository struct {
	records [][]byte // each is never changed in place
	own     bool     // records is this BMC's own
	kept    repositoryKept

	reserved    bool
	reservation uint16
	partial     *partialSDR
}

// repositoryKept is what lasts besides the records.
type repositoryKept struct {
	Written      bool // the records are those that were kept, not the factory's
	LastAddition ipmi.Timestamp
	LastErase    ipmi.Timestamp
	Overflow     bool
}

// partialSDR is a record that comes in parts.
type partialSDR struct {
	id   uint16
	data []byte
}

func (r *repository) load(b *BMC) error {
	*r = repository{records: recordsOf(b.cfg.Address, b.sensors.set.records),
		kept: repositoryKept{LastAddition: b.sensors.set.written, LastErase: factoryTime}}
	if err := loadSection(b, "sdrinfo", func(_ string, v repositoryKept) error {
		r.kept = v
		return nil
	}); err != nil {
		return err
	}
	if r.kept.Written {
		r.records, r.own = nil, true
		if err := loadSection(b, "sdr", func(key string, v []byte) error {
			if len(v) < sdrHeader {
				return fmt.Errorf("a record of %d bytes", len(v))
			}
			r.records = append(r.records, v)
			return nil
		}); err != nil {
			return err
		}
	}
	b.listenReset(func(cold bool) { r.reserved = r.reserved && !cold })
	return nil
}

// factoryTime is when the first of the repositories was made that nobody has written since. Each
// kind of server has a time of its own, so that programs that keep records see that they are
// others.
const factoryTime ipmi.Timestamp = 1735689600 // 2025-01-01

func handleRepository(m *Mux) {
	Handle(m, getSDRRepositoryInfo)
	Handle(m, getSDRRepositoryAllocationInfo)
	Handle(m, reserveSDRRepository)
	Handle(m, getSDR)
	Handle(m, addSDR)
	Handle(m, partialAddSDR)
	Handle(m, deleteSDR)
	Handle(m, clearSDRRepository)
	Handle(m, getSDRRepositoryTime)
	Handle(m, setSDRRepositoryTime)
	Handle(m, runInitializationAgent)
	Handle(m, getDeviceSDRInfo)
	Handle(m, func(ctx *Context, req ipmi.GetDeviceSDR) (ipmi.SDRData, error) {
		return getSDR(ctx, ipmi.GetSDR(req))
	})
	Handle(m, func(ctx *Context, _ ipmi.ReserveDeviceSDRRepository) (ipmi.Reservation, error) {
		return reserveSDRRepository(ctx, ipmi.ReserveSDRRepository{})
	})
}

// units returns how many units of allocation the records take.
func (r *repository) units() int {
	n := 0
	for _, rec := range r.records {
		n += (len(rec) + sdrUnit - 1) / sdrUnit
	}
	return n
}

func (r *repository) free() int { return sdrSpace/sdrUnit - r.units() }

func id(rec []byte) uint16 { return uint16(rec[0]) | uint16(rec[1])<<8 }

// find returns the index of a record.
func (r *repository) find(want uint16) (int, error) {
	switch {
	case len(r.records) == 0:
		return 0, ipmi.CodeNotPresent
	case want == ipmi.FirstRecord:
		return 0, nil
	case want == ipmi.LastRecord:
		return len(r.records) - 1, nil
	}
	i := slices.IndexFunc(r.records, func(rec []byte) bool { return id(rec) == want })
	if i < 0 {
		return 0, ipmi.CodeNotPresent
	}
	return i, nil
}

// check returns the code of a reservation that does not hold.
func (r *repository) check(reservation uint16) error {
	if !r.reserved || reservation != r.reservation {
		return ipmi.CodeReservationCanceled
	}
	return nil
}

func getSDRRepositoryInfo(ctx *Context,
	_ ipmi.GetSDRRepositoryInfo) (ipmi.SDRRepositoryInfo, error) {
	r := &ctx.BMC.repository
	return ipmi.SDRRepositoryInfo{
		Version: 0x51, Records: uint16(len(r.records)), Free: uint16(min(r.free()*sdrUnit, 0xfffe)),
		LastAddition: r.kept.LastAddition, LastErase: r.kept.LastErase, Overflow: r.kept.Overflow,
		Update:    ipmi.SDRUpdateNonModal,
		CanDelete: true, CanPartialAdd: true, CanReserve: true, CanGetAllocation: true,
	}, nil
}

func getSDRRepositoryAllocationInfo(ctx *Context,
	_ ipmi.GetSDRRepositoryAllocationInfo) (ipmi.AllocationInfo, error) {
	free := uint16(ctx.BMC.repository.free())
	return ipmi.AllocationInfo{Units: sdrSpace / sdrUnit, UnitSize: sdrUnit, Free: free,
		LargestFree: free, MaxRecord: (sdrHeader + 0xff + sdrUnit - 1) / sdrUnit}, nil
}

func reserveSDRRepository(ctx *Context, _ ipmi.ReserveSDRRepository) (ipmi.Reservation, error) {
	r := &ctx.BMC.repository
	if r.reservation++; r.reservation == 0 {
		r.reservation = 1
	}
	r.reserved, r.partial = true, nil
	return ipmi.Reservation{ID: r.reservation}, nil
}

func getSDR(ctx *Context, req ipmi.GetSDR) (ipmi.SDRData, error) {
	r := &ctx.BMC.repository
	if req.Offset > 0 {
		if err := r.check(req.Reservation); err != nil {
			return ipmi.SDRData{}, err
		}
	}
	i, err := r.find(req.Record)
	if err != nil {
		return ipmi.SDRData{}, err
	}
	rec := r.records[i]
	next := ipmi.LastRecord
	if i+1 < len(r.records) {
		next = id(r.records[i+1])
	}
	if int(req.Offset) >= len(rec) {
		return ipmi.SDRData{}, ipmi.CodeParameterOutOfRange
	}
	data := rec[req.Offset:]
	switch n := int(req.Count); {
	case req.Count == ipmi.ReadAll && len(data) > sdrMost, req.Count != ipmi.ReadAll && n > sdrMost:
		return ipmi.SDRData{}, ipmi.CodeCannotReturnBytes
	case req.Count != ipmi.ReadAll:
		data = data[:min(n, len(data))]
	}
	return ipmi.SDRData{Next: next, Data: data}, nil
}

// write makes the records this BMC's own before they change, and cancels the reservation.
func (r *repository) write(b *BMC) {
	if !r.own {
		r.records, r.own = slices.Clone(r.records), true
		b.saveAsked(func(b *BMC) {
			for _, rec := range r.records {
				b.put("sdr", sdrKey(rec), rec)
			}
		})
	}
	r.kept.Written = true
	r.reserved, r.partial = false, nil
}

func sdrKey(rec []byte) string { return fmt.Sprintf("%04x", id(rec)) }

// undo notes how to take back what a request is about to do to the records.
func (r *repository) undo(ctx *Context) {
	before := *r
	ctx.changed(func() {
		r.records, r.own, r.kept = before.records, before.own, before.kept
		if r.reservation == before.reservation {
			r.reserved, r.partial = before.reserved, before.partial
		}
	}, nil)
}

// add appends a record and gives it an ID that no other has.
func (r *repository) add(ctx *Context, rec []byte) (uint16, error) {
	b := ctx.BMC
	if len(rec) < sdrHeader || len(rec) != sdrHeader+int(rec[4]) {
		return 0, codeRecordLength
	}
	if (len(rec)+sdrUnit-1)/sdrUnit > r.free() {
		r.kept.Overflow = true
		b.put("sdrinfo", "", r.kept) // it is so, though the request is refused (Table 33-3)
		return 0, ipmi.CodeOutOfSpace
	}
	r.undo(ctx)
	r.write(b)
	n := uint16(1)
	for _, other := range r.records {
		if id(other) >= n {
			n = id(other) + 1
		}
	}
	// the numbers have run out at the top: take one that is free
	if n == ipmi.LastRecord || n == 0 {
		for n = 1; slices.ContainsFunc(r.records, func(o []byte) bool { return id(o) == n }); n++ {
		}
	}
	rec = slices.Clone(rec)
	rec[0], rec[1] = byte(n), byte(n>>8)
	r.records = append(r.records, rec)
	r.kept.LastAddition = b.eventLog.now(b)
	b.saveAsked(func(b *BMC) {
		b.put("sdr", sdrKey(rec), rec)
		b.put("sdrinfo", "", r.kept)
	})
	return n, nil
}

// codeRecordLength is Add SDR's own (Tables 33-7 and 33-8): the record is not as long as its header
// says.
const codeRecordLength ipmi.CompletionCode = 0x80

func addSDR(ctx *Context, req ipmi.AddSDR) (ipmi.RecordID, error) {
	n, err := ctx.BMC.repository.add(ctx, req.Data)
	return ipmi.RecordID{ID: n}, err
}

func partialAddSDR(ctx *Context, req ipmi.PartialAddSDR) (ipmi.RecordID, error) {
	r := &ctx.BMC.repository
	if err := r.check(req.Reservation); err != nil {
		return ipmi.RecordID{}, err
	}
	var partial partialSDR
	switch {
	case req.Record == 0 && req.Offset == 0:
		partial.id = r.reservation | 0x8000
	case r.partial == nil || req.Record != r.partial.id || int(req.Offset) != len(r.partial.data):
		return ipmi.RecordID{}, ipmi.CodeInvalidDataField
	default:
		partial = *r.partial
	}
	if len(partial.data)+len(req.Data) > sdrHeader+0xff {
		return ipmi.RecordID{}, codeRecordLength
	}
	partial.data = slices.Concat(partial.data, req.Data)
	if !req.Last {
		r.partial = &partial
		return ipmi.RecordID{ID: partial.id}, nil
	}
	n, err := r.add(ctx, partial.data)
	return ipmi.RecordID{ID: n}, err
}

func deleteSDR(ctx *Context, req ipmi.DeleteSDR) (ipmi.RecordID, error) {
	b := ctx.BMC
	r := &b.repository
	if err := r.check(req.Reservation); err != nil {
		return ipmi.RecordID{}, err
	}
	i, err := r.find(req.Record)
	if err != nil {
		return ipmi.RecordID{}, err
	}
	r.undo(ctx)
	r.write(b)
	n := id(r.records[i])
	key := sdrKey(r.records[i])
	r.records = slices.Concat(r.records[:i], r.records[i+1:])
	b.saveAsked(func(b *BMC) { b.drop("sdr", key) })
	r.erased(b)
	return ipmi.RecordID{ID: n}, nil
}

// erased notes that records have gone.
func (r *repository) erased(b *BMC) {
	r.kept.LastErase = b.eventLog.now(b)
	r.kept.Overflow = false
	b.saveAsked(func(b *BMC) { b.put("sdrinfo", "", r.kept) })
}

func clearSDRRepository(ctx *Context, req ipmi.ClearSDRRepository) (ipmi.Erasure, error) {
	b := ctx.BMC
	r := &b.repository
	if err := r.check(req.Reservation); err != nil {
		return ipmi.Erasure{}, err
	}
	switch req.Action {
	case ipmi.EraseStatus:
		return ipmi.Erasure{Progress: ipmi.ErasureDone}, nil
	case ipmi.EraseStart:
	default:
		return ipmi.Erasure{}, ipmi.CodeInvalidDataField
	}
	r.undo(ctx)
	if r.own {
		b.saveAsked(func(b *BMC) {
			for _, rec := range r.records {
				b.drop("sdr", sdrKey(rec))
			}
		})
	}
	r.records, r.own, r.kept.Written, r.partial = nil, true, true, nil
	r.erased(b)
	return ipmi.Erasure{Progress: ipmi.ErasureDone}, nil
}

// The repository has the clock of the SEL.

func getSDRRepositoryTime(ctx *Context, _ ipmi.GetSDRRepositoryTime) (ipmi.DeviceTime, error) {
	return ipmi.DeviceTime{Time: ctx.BMC.eventLog.now(ctx.BMC)}, nil
}

func setSDRRepositoryTime(ctx *Context, req ipmi.SetSDRRepositoryTime) (ipmi.NoData, error) {
	return setSELTime(ctx, ipmi.SetSELTime(req))
}

// runInitializationAgent has nothing to do: the sensors of this BMC initialize themselves.
func runInitializationAgent(*Context,
	ipmi.RunInitializationAgent) (ipmi.InitializationAgentStatus, error) {
	return ipmi.InitializationAgentStatus{Done: true}, nil
}

func getDeviceSDRInfo(ctx *Context, req ipmi.GetDeviceSDRInfo) (ipmi.DeviceSDRInfo, error) {
	b := ctx.BMC
	out := ipmi.DeviceSDRInfo{Count: uint8(min(b.sensors.set.Sensors(), 0xff)), LUNs: 1}
	if req.Count != nil && *req.Count == ipmi.CountDeviceSDRs {
		out.Count = uint8(min(len(b.repository.records), 0xff))
	}
	return out, nil
}
